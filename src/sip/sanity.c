/* SPDX-License-Identifier: ISC */
/** @file sanity.c  What a SIP message must be before anything acts on it */
#include <errno.h>
#include <re.h>
#include <stdio.h>
#include <string.h>
#include "sip/sanity.h"

#define CSEQ_MAX 0x7fffffffu /* RFC 3261 8.1.1.5 */

/* Header fields that libre acts on.  It knows them by a 12 bit hash of the name:
 * another name with that hash would be taken for it (as is, harmlessly,
 * Content-Transfer-Encoding for Supported) */
enum { NEEDED = 1, SINGLE = 2 };
static const struct known {
	enum sip_hdrid id;
	const char *name;
	char compact;
	unsigned rule;
	const char *missing, *twice;
} known[] = {
#define ROW(id, name, compact, rule)                                           \
	{                                                 \
		id, name, compact, rule, "Missing " name, \
			"More than one " name             \
	}
	ROW(SIP_HDR_VIA, "Via", 'v', NEEDED),
	ROW(SIP_HDR_TO, "To", 't', NEEDED | SINGLE),
	ROW(SIP_HDR_FROM, "From", 'f', NEEDED | SINGLE),
	ROW(SIP_HDR_CALL_ID, "Call-ID", 'i', NEEDED | SINGLE),
	ROW(SIP_HDR_CSEQ, "CSeq", 0, NEEDED | SINGLE),
	ROW(SIP_HDR_MAX_FORWARDS, "Max-Forwards", 0, SINGLE),
	ROW(SIP_HDR_CONTENT_LENGTH, "Content-Length", 'l', SINGLE),
	ROW(SIP_HDR_CONTENT_TYPE, "Content-Type", 'c', SINGLE),
	ROW(SIP_HDR_EXPIRES, "Expires", 0, SINGLE),
	ROW(SIP_HDR_SESSION_EXPIRES, "Session-Expires", 'x', SINGLE),
	ROW(SIP_HDR_MIN_SE, "Min-SE", 0, SINGLE),
	ROW(SIP_HDR_RSEQ, "RSeq", 0, SINGLE),
	ROW(SIP_HDR_RACK, "RAck", 0, SINGLE),
	ROW(SIP_HDR_EVENT, "Event", 'o', SINGLE),
	ROW(SIP_HDR_REFER_TO, "Refer-To", 'r', SINGLE),
	ROW(SIP_HDR_REPLACES, "Replaces", 0, SINGLE),
	ROW(SIP_HDR_CONTACT, "Contact", 'm', 0),
	ROW(SIP_HDR_ROUTE, "Route", 0, 0),
	ROW(SIP_HDR_RECORD_ROUTE, "Record-Route", 0, 0),
#undef ROW
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

int sanity_number(struct pl text, uint32_t most, uint32_t *v)
{
	uint64_t n = 0;
	size_t digits = 0;

	while (text.l && strchr(" \t\r\n", text.p[text.l - 1]))
		text.l--;
	while (text.l && strchr(" \t\r\n", text.p[0])) {
		text.p++;
		text.l--;
	}
	for (; digits < text.l; digits++) {
		const char c = text.p[digits];

		if (c < '0' || c > '9')
			return EBADMSG;
		n = n * 10 + (uint64_t)(c - '0');
		if (n > most)
			return EBADMSG;
	}
	if (!digits)
		return EBADMSG;
	*v = (uint32_t)n;
	return 0;
}

struct pl sanity_body(const struct sip_msg *msg)
{
	struct pl body = {(const char *)mbuf_buf(msg->mb),
			  mbuf_get_left(msg->mb)};
	uint32_t n;

	if (msg->clen.p && !sanity_number(msg->clen, UINT32_MAX, &n) &&
	    n < body.l)
		body.l = n;
	return body;
}

static bool name_is(struct pl name, const struct known *k)
{
	if (name.l == 1)
		return k->compact && (name.p[0] | 0x20) == k->compact;
	return !pl_strcasecmp(&name, k->name);
}

/**
 * The number of values of the header; libre's hash table has each value of a
 * list on its own.  False: something under its id is not this header.
 */
static bool count_values(const struct sip_msg *msg, const struct known *k,
			 uint32_t *n)
{
	struct le *le = list_head(hash_list(msg->hdrht, (uint32_t)k->id));

	for (*n = 0; le; le = le->next) {
		const struct sip_hdr *h = le->data;

		if (h->id != k->id)
			continue;
		if (!name_is(h->name, k))
			return false;
		++*n;
	}
	return true;
}

/** NULL, or what is wrong with the set of headers. */
static const char *bad_set(const struct sip_msg *msg)
{
	if (list_count(&msg->hdrl) > SANITY_HEADERS_MAX)
		return "Too many header fields";
	for (size_t i = 0; i < KNOWN; i++) {
		const struct known *k = &known[i];
		uint32_t n;

		if (!count_values(msg, k, &n))
			return "Header field name not understood";
		if (!n && k->rule & NEEDED)
			return k->missing;
		if (n > 1 && k->rule & SINGLE)
			return k->twice;
		if (k->id == SIP_HDR_VIA && n > SANITY_VIAS_MAX)
			return "Too many Via";
	}
	return NULL;
}

/** The number and method of CSeq against what libre made of them. */
static const char *bad_cseq(const struct sip_msg *msg)
{
	const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_CSEQ);
	struct pl number = h->val;
	uint32_t v;

	for (number.l = 0; number.l < h->val.l; number.l++)
		if (strchr(" \t\r\n", number.p[number.l]))
			break;
	if (sanity_number(number, CSEQ_MAX, &v) || v != msg->cseq.num)
		return "Bad CSeq number";
	if (msg->req && pl_cmp(&msg->cseq.met, &msg->met))
		return "CSeq method is not the request's";
	return NULL;
}

/** A name-addr or addr-spec as libre cut it; LWS behind it is legal. */
static bool address_ok(const struct sip_taddr *a)
{
	size_t n = a->auri.l;

	if (a->val.l > SANITY_VALUE_BYTES_MAX)
		return false;
	while (n && strchr(" \t\r\n", a->auri.p[n - 1]))
		n--;
	if (!n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char c = a->auri.p[i];

		if ((unsigned char)c <= ' ' || c == '"' || c == '<' ||
		    c == '>' || c == 0x7f)
			return false;
	}
	return true;
}

static const char *bad_values(const struct sip_msg *msg)
{
	if (!address_ok(&msg->to))
		return "Bad To";
	if (!address_ok(&msg->from))
		return "Bad From";
	if (!msg->from.tag.l)
		return "Missing From tag";
	if (!msg->callid.l || msg->callid.l > SANITY_VALUE_BYTES_MAX)
		return "Bad Call-ID";
	if (msg->via.val.l > SANITY_VALUE_BYTES_MAX)
		return "Bad Via";
	return bad_cseq(msg);
}

static bool has_maddr(const struct sip_msg *msg)
{
	struct pl value;

	return !msg_param_decode(&msg->via.params, "maddr", &value) ||
	       !msg_param_exists(&msg->via.params, "maddr", &value);
}

static void answer(struct sanity_answer *a, uint16_t scode, const char *reason)
{
	a->scode = scode;
	a->reason = reason;
}

static bool listed(const char *const *list, struct pl word)
{
	for (; list && *list; list++)
		if (!pl_strcasecmp(&word, *list))
			return true;
	return false;
}

/** 420 with what of Require we do not know (RFC 3261 8.2.2.3). */
static void check_require(const struct sip_msg *msg,
			  const struct sanity_conf *conf,
			  struct sanity_answer *a)
{
	struct le *le = list_head(hash_list(msg->hdrht, SIP_HDR_REQUIRE));
	size_t n = 0;

	for (; le; le = le->next) {
		const struct sip_hdr *h = le->data;
		int added;

		if (pl_strcasecmp(&h->name, "Require") ||
		    listed(conf->options, h->val))
			continue;
		if (a->scode != 420)
			answer(a, 420, "Bad Extension");
		/* A list too long for the answer is told in part; libre's
		 * values are single tokens, but quotes could hide a comma */
		added = re_snprintf(a->extra + n, sizeof(a->extra) - n,
				    "Unsupported: %r\r\n", &h->val);
		if (added < 0 || h->val.l > 64 ||
		    (size_t)added + 1 >= sizeof(a->extra) - n) {
			a->extra[n] = '\0';
			break;
		}
		n += (size_t)added;
	}
}

static bool accept_handler(const struct sip_hdr *h, const struct sip_msg *msg,
			   void *arg)
{
	struct pl type = h->val;
	const char *semi = pl_strchr(&type, ';');

	(void)msg;
	(void)arg;
	if (semi)
		type.l = (size_t)(semi - type.p);
	while (type.l && type.p[type.l - 1] == ' ')
		type.l--;
	return !pl_strcasecmp(&type, "application/sdp") ||
	       !pl_strcasecmp(&type, "application/*") ||
	       !pl_strcasecmp(&type, "*/*");
}

/** What a session's request may carry: SDP or nothing. */
static void check_body(const struct sip_msg *msg, struct sanity_answer *a)
{
	static const char *const methods[] = {"INVITE", "UPDATE", "PRACK",
					      NULL};

	if (!listed(methods, msg->met))
		return;
	if (sanity_body(msg).l) {
		if (!msg->ctyp.type.l) {
			answer(a, 400, "Missing Content-Type");
			return;
		}
		if (!msg_ctype_cmp(&msg->ctyp, "application", "sdp") ||
		    sip_msg_hdr(msg, SIP_HDR_CONTENT_ENCODING)) {
			answer(a, 415, "Unsupported Media Type");
			re_snprintf(a->extra, sizeof(a->extra),
				    "Accept: application/sdp\r\n"
				    "Accept-Encoding: identity\r\n");
			return;
		}
	}
	if (sip_msg_hdr(msg, SIP_HDR_ACCEPT) &&
	    !sip_msg_hdr_apply(msg, true, SIP_HDR_ACCEPT, accept_handler, NULL))
		answer(a, 406, "Not Acceptable");
}

/** Have we sent this on before?  The top Via is the last hop's. */
static bool own_via(const struct sip_msg *msg, const struct sanity_conf *conf)
{
	struct le *le = list_head(hash_list(msg->hdrht, SIP_HDR_VIA));
	bool top = true;

	for (; conf->ownh && le; le = le->next) {
		const struct sip_hdr *h = le->data;
		struct sip_via via;

		if (h->id != SIP_HDR_VIA)
			continue;
		if (!top && !sip_via_decode(&via, &h->val) &&
		    sa_isset(&via.addr, SA_ADDR) &&
		    conf->ownh(&via.addr, conf->arg))
			return true;
		top = false;
	}
	return false;
}

static void check_target(const struct sip_msg *msg,
			 const struct sanity_conf *conf,
			 struct sanity_answer *a)
{
	static const char *const schemes[] = {"sip", "sips", "tel", NULL};
	const bool dialog = msg->to.tag.l > 0;
	uint32_t hops = 70;

	if (!listed(schemes, msg->uri.scheme)) {
		answer(a, 416, "Unsupported URI Scheme");
		return;
	}
	/* RFC 3261 19.1.1: a Request-URI has no headers */
	if (msg->uri.headers.l) {
		answer(a, 400, "Request-URI has header fields");
		return;
	}
	if (msg->maxfwd.p && sanity_number(msg->maxfwd, 255, &hops)) {
		answer(a, 400, "Bad Max-Forwards");
		return;
	}
	if (!hops && !dialog && pl_strcmp(&msg->met, "REGISTER") &&
	    pl_strcmp(&msg->met, "CANCEL")) {
		answer(a, 483, "Too Many Hops");
		return;
	}
	if (!dialog && own_via(msg, conf))
		answer(a, 482, "Loop Detected");
}

static void check_length(const struct sip_msg *msg, bool reliable,
			 struct sanity_answer *a)
{
	uint32_t n;

	if (!msg->clen.p) {
		if (reliable)
			answer(a, 400, "Missing Content-Length");
		return;
	}
	if (sanity_number(msg->clen, UINT32_MAX, &n))
		answer(a, 400, "Bad Content-Length");
	else if (n > mbuf_get_left(msg->mb))
		answer(a, 400, "Content-Length beyond the message");
}

static void judge(const struct sip_msg *msg, bool reliable,
		  const struct sanity_conf *conf, struct sanity_answer *a)
{
	const char *bad = bad_set(msg);

	if (!bad)
		bad = bad_values(msg);
	if (!bad && msg->uri.scheme.p == sanity_bad_uri.p &&
	    msg->ver.p != sanity_bad_version.p)
		bad = "Bad Request-Line";
	if (bad) {
		answer(a, 400, bad);
		return;
	}
	if (msg->ver.p == sanity_bad_version.p) {
		answer(a, 505, "Version Not Supported");
		return;
	}
	check_length(msg, reliable, a);
	if (!a->scode)
		check_target(msg, conf, a);
	if (!a->scode && !listed(conf->methods, msg->met)) {
		answer(a, 405, "Method Not Allowed");
		re_snprintf(a->extra, sizeof(a->extra), "Allow: %s\r\n",
			    conf->allow);
	}
	if (!a->scode && pl_strcmp(&msg->met, "CANCEL"))
		check_require(msg, conf, a);
	if (!a->scode)
		check_body(msg, a);
}

void sanity_request(const struct sip_msg *msg, bool reliable,
		    const struct sanity_conf *conf, struct sanity_answer *out)
{
	*out = (struct sanity_answer){.scode = SANITY_PASS};
	if (has_maddr(msg)) {
		out->scode = SANITY_DROP;
		return;
	}
	judge(msg, reliable, conf, out);
	if (out->scode && !pl_strcmp(&msg->met, "ACK"))
		out->scode = SANITY_DROP;
}

uint16_t sanity_response(const struct sip_msg *msg)
{
	if (msg->scode < 100 || msg->scode > 699 || bad_set(msg) ||
	    bad_values(msg))
		return SANITY_DROP;
	/* RFC 3261 8.1.3.3: it was for somebody else */
	if (sip_msg_hdr_count(msg, SIP_HDR_VIA) != 1)
		return SANITY_DROP;
	return SANITY_PASS;
}
