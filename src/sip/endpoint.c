/* SPDX-License-Identifier: ISC */
/** @file endpoint.c  One SIP stack: listeners, the gate, who gets which message */
#include <errno.h>
#include <re.h>
#include <stdio.h>
#include <string.h>
#include "sip/sanity.h"
#include "sip/state.h"

/* Transactions at once are a few a call; hash tables of libre are fixed */
#ifndef ENDPOINT_BUCKETS
#define ENDPOINT_BUCKETS 16384
#endif
#define CONNECTION_BUCKETS 256
/* A burst that comes while the loop is busy; the kernel may allow less
 * (net.core.rmem_max) */
#define UDP_BUFFER_BYTES (4 << 20)

static const char *const methods[] = {"INVITE",  "ACK",      "BYE",    "CANCEL",
				      "OPTIONS", "PRACK",    "UPDATE", "INFO",
				      "REFER",   "REGISTER", NULL};
static const char *const options[] = {"100rel", "timer", NULL};

const char *endpoint_phrase(uint16_t code)
{
	static const struct {
		uint16_t code;
		const char *phrase;
	} phrases[] = {
		{100, "Trying"},
		{180, "Ringing"},
		{181, "Call Is Being Forwarded"},
		{182, "Queued"},
		{183, "Session Progress"},
		{200, "OK"},
		{202, "Accepted"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{408, "Request Timeout"},
		{415, "Unsupported Media Type"},
		{422, "Session Interval Too Small"},
		{423, "Interval Too Brief"},
		{480, "Temporarily Unavailable"},
		{481, "Call/Transaction Does Not Exist"},
		{486, "Busy Here"},
		{487, "Request Terminated"},
		{488, "Not Acceptable Here"},
		{491, "Request Pending"},
		{500, "Server Internal Error"},
		{503, "Service Unavailable"},
		{504, "Server Time-out"},
		{600, "Busy Everywhere"},
		{603, "Decline"},
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].code == code)
			return phrases[i].phrase;
	return code < 200   ? "Session Progress"
	       : code < 300 ? "OK"
	       : code < 500 ? "Request Failed"
	       : code < 600 ? "Server Failure"
			    : "Declined";
}

void endpoint_reply(struct endpoint *ep, const struct sip_msg *msg,
		    uint16_t code, const char *reason, const char *lines)
{
	(void)sip_treplyf(NULL, NULL, ep->sip, msg, false, code,
			  reason ? reason : endpoint_phrase(code),
			  "%sContent-Length: 0\r\n\r\n", lines ? lines : "");
}

static bool own_handler(const struct sa *addr, void *arg)
{
	const struct endpoint *ep = arg;
	struct sa a = *addr;

	if (!sa_port(&a))
		sa_set_port(&a, SIP_PORT);
	for (int tp = SIP_TRANSP_UDP; tp <= SIP_TRANSP_TLS; tp++)
		if (sip_transp_isladdr(ep->sip, (enum sip_transp)tp, &a))
			return true;
	return false;
}

/** The call of this message; for a request by both tags, for a response by
 *  ours, which all forks share. */
static struct session *find(const struct endpoint *ep,
			    const struct sip_msg *msg)
{
	struct le *le =
		list_head(hash_list(ep->calls, hash_joaat_pl(&msg->callid)));

	for (; le; le = le->next) {
		struct session *s = le->data;

		if (msg->req ? sip_dialog_cmp(s->dlg, msg)
			     : sip_dialog_cmp_half(s->root, msg) ||
				       sip_dialog_cmp(s->dlg, msg))
			return s;
		for (size_t i = 0; msg->req && i < DIALOG_LEGS_MAX; i++)
			if (sip_dialog_cmp(s->leg[i], msg))
				return s;
	}
	return NULL;
}

static void open_call(struct endpoint *ep, const struct sip_msg *msg)
{
	char lines[64];
	uint32_t se = expires_of(msg, NULL);

	if (ep->count.calls >= ep->conf.calls_max) {
		endpoint_reply(ep, msg, 503, NULL, "Retry-After: 5\r\n");
		return;
	}
	if (se && se < ep->conf.min_se_s &&
	    has_option(msg, SIP_HDR_SUPPORTED, "timer")) {
		snprintf(lines, sizeof(lines), "Min-SE: %u\r\n",
			 ep->conf.min_se_s);
		endpoint_reply(ep, msg, 422, NULL, lines);
		return;
	}
	if (ep->conf.inviteh)
		ep->conf.inviteh(msg, ep->conf.arg);
	else
		endpoint_reply(ep, msg, 480, NULL, NULL);
}

static void outside(struct endpoint *ep, const struct sip_msg *msg)
{
	if (!pl_strcmp(&msg->met, "ACK"))
		return;
	if (msg->to.tag.l || !pl_strcmp(&msg->met, "BYE") ||
	    !pl_strcmp(&msg->met, "CANCEL") || !pl_strcmp(&msg->met, "PRACK") ||
	    !pl_strcmp(&msg->met, "UPDATE")) {
		endpoint_reply(ep, msg, 481, NULL, NULL);
	} else if (!pl_strcmp(&msg->met, "INVITE")) {
		open_call(ep, msg);
	} else if (!pl_strcmp(&msg->met, "OPTIONS")) {
		endpoint_reply(ep, msg, 200, NULL,
			       "Allow: " ENDPOINT_ALLOW "\r\n"
			       "Accept: application/sdp\r\n"
			       "Supported: " ENDPOINT_SUPPORTED "\r\n");
	} else if (!ep->conf.otherh || !ep->conf.otherh(msg, ep->conf.arg)) {
		endpoint_reply(ep, msg, 405, NULL,
			       "Allow: " ENDPOINT_ALLOW "\r\n");
	}
}

/** libre keeps its sockets to itself, but a message names the one it came by. */
static void size_socket(struct endpoint *ep, const struct sip_msg *msg)
{
	if (msg->tp != SIP_TRANSP_UDP)
		return;
	for (size_t i = 0; i < ENDPOINT_SOCKETS; i++) {
		if (ep->sized[i] == msg->sock)
			return;
		if (ep->sized[i])
			continue;
		ep->sized[i] = msg->sock;
		(void)udp_sockbuf_set(msg->sock, UDP_BUFFER_BYTES);
		return;
	}
}

static bool request_handler(const struct sip_msg *msg, void *arg)
{
	struct endpoint *ep = arg;
	const struct sanity_conf conf = {.methods = methods,
					 .options = options,
					 .allow = ENDPOINT_ALLOW,
					 .ownh = own_handler,
					 .arg = ep};
	struct sanity_answer a;
	struct session *s;

	ep->count.requests++;
	size_socket(ep, msg);
	if (ep->conf.sourceh && !ep->conf.sourceh(msg, ep->conf.arg)) {
		ep->count.sources_refused++;
		return true;
	}
	sanity_request(msg, msg->tp != SIP_TRANSP_UDP, &conf, &a);
	if (a.scode == SANITY_DROP) {
		ep->count.dropped++;
		return true;
	}
	if (a.scode) {
		ep->count.refused++;
		endpoint_reply(ep, msg, a.scode, a.reason, a.extra);
		return true;
	}
	s = find(ep, msg);
	if (!s || !session_request(s, msg))
		outside(ep, msg);
	return true;
}

/** What no transaction waits for: a 2xx again, or of another fork; the answer
 *  to a CANCEL of ours. */
static bool response_handler(const struct sip_msg *msg, void *arg)
{
	struct endpoint *ep = arg;
	struct session *s;

	if (sanity_response(msg) != SANITY_PASS) {
		ep->count.dropped++;
		return true;
	}
	s = find(ep, msg);
	if (!s)
		return true;
	if (!pl_strcmp(&msg->cseq.met, "CANCEL") && msg->scode >= 200)
		ask_cancel_stop(s);
	else if (!pl_strcmp(&msg->cseq.met, "INVITE") && msg->scode / 100 == 2)
		session_stray(s, msg);
	return true;
}

/** Keep the Reason of a CANCEL, since libre answers CANCEL by itself. */
static void trace_handler(bool tx, enum sip_transp tp, const struct sa *src,
			  const struct sa *dst, const uint8_t *pkt, size_t len,
			  void *arg)
{
	static const char head[] = "CANCEL ", name[] = "\nreason:";
	struct endpoint *ep = arg;
	struct pl value = {NULL, 0};

	(void)tp;
	(void)src;
	(void)dst;
	while (len && (*pkt == '\r' || *pkt == '\n')) {
		pkt++;
		len--;
	}
	if (tx || len < sizeof(head) || memcmp(pkt, head, sizeof(head) - 1))
		return;
	ep->cancel_reason[0] = '\0';
	for (size_t i = 0; i + sizeof(name) - 1 < len; i++) {
		if (strncasecmp((const char *)pkt + i, name, sizeof(name) - 1))
			continue;
		value.p = (const char *)pkt + i + sizeof(name) - 1;
		while (value.p + value.l < (const char *)pkt + len &&
		       value.p[value.l] != '\r' && value.p[value.l] != '\n')
			value.l++;
		break;
	}
	if (value.l && value.l < sizeof(ep->cancel_reason))
		(void)pl_strcpy(&value, ep->cancel_reason,
				sizeof(ep->cancel_reason));
}

static void destructor(void *data)
{
	struct endpoint *ep = data;

	mem_deref(ep->requests);
	mem_deref(ep->responses);
	if (ep->sip)
		sip_close(ep->sip, true);
	mem_deref(ep->sip);
	mem_deref(ep->calls);
	mem_deref(ep->software);
}

int endpoint_alloc(struct endpoint **epp, const struct endpoint_conf *conf)
{
	struct endpoint *ep = mem_zalloc(sizeof(*ep), destructor);
	int err;

	if (!ep)
		return ENOMEM;
	ep->conf = *conf;
	if (ep->conf.min_se_s < 90)
		ep->conf.min_se_s = 90; /* RFC 4028 5 */
	err = hash_alloc(&ep->calls, ENDPOINT_BUCKETS);
	if (!err)
		err = sip_alloc(&ep->sip, NULL, ENDPOINT_BUCKETS,
				ENDPOINT_BUCKETS, CONNECTION_BUCKETS,
				conf->software, NULL, ep);
	if (!err)
		err = sip_listen(&ep->requests, ep->sip, true, request_handler,
				 ep);
	if (!err)
		err = sip_listen(&ep->responses, ep->sip, false,
				 response_handler, ep);
	if (err) {
		mem_deref(ep);
		return err;
	}
	sip_set_trace_handler(ep->sip, trace_handler);
	*epp = ep;
	return 0;
}

static bool lose(struct le *le, void *arg)
{
	(void)arg;
	session_lost(le->data);
	return true; /* the list has changed: begin anew */
}

void *endpoint_free(struct endpoint *ep)
{
	if (!ep)
		return NULL;
	ep->requests = mem_deref(ep->requests);
	ep->responses = mem_deref(ep->responses);
	while (hash_apply(ep->calls, lose, NULL))
		;
	return mem_deref(ep);
}

int endpoint_listen(struct endpoint *ep, enum sip_transp tp,
		    const struct sa *laddr, struct tls *tls)
{
	return sip_transp_add(ep->sip, tp, laddr, tls);
}

struct sip *endpoint_sip(struct endpoint *ep)
{
	return ep->sip;
}

struct endpoint_count endpoint_counted(const struct endpoint *ep)
{
	return ep->count;
}
