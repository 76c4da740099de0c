/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_rtp.c  RTP without padding encodes back to the same octets; RTCP
 *                   that passes its check is walked to its end
 */
#include <errno.h>
#include "fuzz/fuzz.h"
#include "proto/rtp.h"

static void packet(struct buf *b, const uint8_t *p, size_t n)
{
	struct rtp r;
	struct rtp_event e;

	MUST(rtp_head_bytes(p, n) <= n);
	if (rtp_parse(p, n, &r))
		return;
	MUST(r.payload_n <= n && r.payload >= p && r.payload <= p + n);
	MUST(rtp_event_parse(r.payload, r.payload_n, &e) ==
	     (r.payload_n == 4 ? 0 : EBADMSG));
	rtp_print(&r, b);
	if (!(p[0] & 32))
		MUST(!b->err && b->n == n && !memcmp(b->p, p, n));
}

static void compound(struct buf *b, const uint8_t *p, size_t n)
{
	struct cur c = cur_of(p, n);
	struct rtcp_item it;
	struct rtcp_sender s;
	struct rtcp_voip v;

	if (rtcp_check(p, n))
		return;
	while (rtcp_next(&c, &it)) {
		const bool sr = it.kind == RTCP_KIND_SR;
		struct rtcp_report r[RTCP_REPORTS_MAX];
		unsigned count = 0;

		(void)rtcp_ssrc(&it);
		while (!rtcp_report_parse(&it, count, &r[count % 31]))
			count++;
		MUST(count <= RTCP_REPORTS_MAX);
		if (sr || it.kind == RTCP_KIND_RR) {
			MUST(rtcp_sender_parse(&it, &s) == (sr ? 0 : EBADMSG));
			buf_reset(b);
			rtcp_report_print(rtcp_ssrc(&it), sr ? &s : NULL, r,
					  count, b);
			MUST(!b->err && b->n >= 4 && b->n - 4 <= it.n);
			MUST(!memcmp(b->p + 4, it.p, b->n - 4));
		}
		if (!rtcp_voip_parse(&it, &v)) {
			buf_reset(b);
			rtcp_voip_print(rtcp_ssrc(&it), &v, b);
			MUST(!b->err && b->n == 8 + RTCP_XR_VOIP_BYTES);
		}
	}
	MUST(!c.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	packet(&b, data, size);
	buf_reset(&b);
	compound(&b, data, size);
	buf_free(&b);
	return 0;
}
