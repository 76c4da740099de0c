/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_sip.c  Any octets through libre's parser, the gate and a call
 *
 * Input: messages, with a line "%%" between them.  They arrive at an endpoint
 * without sockets as if by UDP; calls are taken, rung and answered, and the To
 * tag that a caller must repeat is always 0000000000000001.  What the calls do
 * is carried out but for the sending.
 */
#define ENDPOINT_BUCKETS 16 /* one is made for each input */
#include "sip/endpoint.c"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "sip/auth.h"

#define CALLS 4

static struct {
	struct endpoint *ep;
	struct session *calls[CALLS];
	bool over[CALLS];
	unsigned n, step;
} fuzz;

static const struct pl sdp = PL("v=0\r\n");
static const struct pl none = {NULL, 0};

static void handler(struct session *s, const struct session_news *n, void *arg)
{
	const size_t i = (size_t)arg;

	MUST(!fuzz.over[i]);
	MUST(!n->sdp.l || n->sdp.p);
	switch (n->what) {
	case SESSION_OFFER:
		if (fuzz.step++ & 1)
			MUST(!session_allow(s, sdp));
		else
			MUST(!session_refuse(s, 488));
		break;
	case SESSION_REFER: *n->answer = 202; break;
	case SESSION_INFO: *n->answer = 200; break;
	case SESSION_CONFIRMED: (void)session_change(s, sdp); break;
	case SESSION_OVER: fuzz.over[i] = true; break;
	default: break;
	}
}

static void invite(const struct sip_msg *msg, void *arg)
{
	const unsigned i = fuzz.n;

	(void)arg;
	if (i == CALLS || session_accept(&fuzz.calls[i], fuzz.ep, msg, handler,
					 (void *)(size_t)i))
		return;
	fuzz.n++;
	fuzz.over[i] = false;
	switch (msg->mb->end % 4) {
	case 0: (void)session_ring(fuzz.calls[i], 183, sdp); break;
	case 1: (void)session_ring(fuzz.calls[i], 180, none); /* fall through */
	case 2: (void)session_answer(fuzz.calls[i], sdp); break;
	default: break;
	}
}

static void judge(const struct sip_msg *msg)
{
	const struct sanity_conf conf = {.methods = methods,
					 .options = options,
					 .allow = ENDPOINT_ALLOW};
	const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_AUTHORIZATION);
	struct sanity_answer a;
	struct auth_params p;

	if (h && !auth_parse(h->val, &p))
		MUST(p.user.p && p.nonce.p && p.response.p && p.nc.p);
	if (!msg->req) {
		(void)sanity_response(msg);
		return;
	}
	sanity_request(msg, false, &conf, &a);
	MUST(memchr(a.extra, 0, sizeof(a.extra)));
	if (a.scode > SANITY_DROP) {
		MUST(a.scode >= 400 && a.scode < 600 && a.reason);
		return;
	}
	if (a.scode == SANITY_DROP)
		return;
	MUST(msg->callid.l && msg->from.tag.l && msg->to.auri.l);
	MUST(!pl_cmp(&msg->met, &msg->cseq.met));
	MUST(sanity_body(msg).l <= mbuf_get_left(msg->mb));
}

static void arrive(const uint8_t *p, size_t n)
{
	struct mbuf *mb = mbuf_alloc(n ? n : 1);
	struct sip_msg *msg;

	if (!mb)
		return;
	(void)mbuf_write_mem(mb, p, n);
	mbuf_set_pos(mb, 0);
	if (!sip_msg_decode(&msg, mb)) {
		(void)sa_set_str(&msg->src, "127.0.0.1", 5060);
		msg->dst = msg->src;
		msg->tp = SIP_TRANSP_UDP;
		msg->tag = 1;
		judge(msg);
		if (msg->req)
			(void)request_handler(msg, fuzz.ep);
		else
			(void)response_handler(msg, fuzz.ep);
		mem_deref(msg);
	}
	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct endpoint_conf conf = {
		.calls_max = CALLS, .se_s = 90, .inviteh = invite};
	static const char mark[] = "\n%%\n";

	if (size > 16384 || endpoint_alloc(&fuzz.ep, &conf))
		return 0;
	fuzz.n = fuzz.step = 0;
	for (;;) {
		const uint8_t *end = memmem(data, size, mark, sizeof(mark) - 1);

		trace_handler(false, SIP_TRANSP_UDP, NULL, NULL, data,
			      end ? (size_t)(end - data) + 1 : size, fuzz.ep);
		arrive(data, end ? (size_t)(end - data) + 1 : size);
		if (!end)
			break;
		size -= (size_t)(end - data) + sizeof(mark) - 1;
		data = end + sizeof(mark) - 1;
	}
	for (unsigned i = 0; i < fuzz.n; i++)
		session_free(fuzz.calls[i], 0, NULL);
	fuzz.ep = endpoint_free(fuzz.ep);
	return 0;
}
