/* SPDX-License-Identifier: ISC */
/** @file report.c  RTCP with a station: what it says, and what we say to it */
#include <string.h>
#include <time.h>
#include "media/state.h"

#define NTP_1970 2208988800ULL	/* seconds from 1900 to 1970 */

static uint64_t ntp_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return ((uint64_t)t.tv_sec + NTP_1970) << 32 |
	       ((uint64_t)t.tv_nsec << 32) / 1000000000;
}

/* Its report on what we sent */
static void far_in(struct leg *l, const struct rtcp_report *r)
{
	const uint32_t middle = (uint32_t)(ntp_now() >> 16);
	const uint32_t rtt = middle - r->lsr - r->dlsr;

	if (r->ssrc != l->to.ssrc)
		return;
	l->far_known = true;
	l->far = *r;
	/* more than half a minute, or below nothing: not believed */
	if (r->lsr && rtt < 30u << 16)
		l->rtt_us = (uint32_t)((uint64_t)rtt * 1000000 >> 16);
}

void report_in(struct engine *e, struct leg *l, const uint8_t *p, size_t n)
{
	struct cur c = cur_of(p, n);
	struct rtcp_item it;
	struct rtcp_sender s;
	struct rtcp_report r;

	if (rtcp_check(p, n)) {
		l->refused++;
		return;
	}
	while (rtcp_next(&c, &it)) {
		if (!rtcp_sender_parse(&it, &s) && s.ssrc == l->ssrc) {
			l->lsr = (uint32_t)(s.ntp >> 16);
			l->lsr_us = e->now_us;
		}
		for (unsigned i = 0; !rtcp_report_parse(&it, i, &r); i++)
			far_in(l, &r);
		if (!rtcp_voip_parse(&it, &l->voip))
			l->voip_known = true;
	}
}

void report_out(struct engine *e, struct leg *l)
{
	const struct outgoing *o = &l->to;
	const uint64_t since = e->now_us - o->us;
	const struct rtcp_sender s = {
		.ntp = ntp_now(),
		.ts = o->ts + (uint32_t)(since * l->clock_hz / 1000000),
		.packets = (uint32_t)o->packets,
		.octets = (uint32_t)o->octets};
	struct rtcp_report r = {.ssrc = l->ssrc};

	if (!l->connected || (!o->packets && !l->ssrc_known))
		return;
	if (l->ssrc_known) {
		rtpstat_report(&l->stat, &r);
		if (l->lsr_us) {
			r.lsr = l->lsr;
			r.dlsr = (uint32_t)((e->now_us - l->lsr_us) * 65536 /
					    1000000);
		}
	}
	buf_reset(&e->report);
	rtcp_report_print(o->ssrc, o->packets ? &s : NULL, &r, l->ssrc_known,
			  &e->report);
	rtcp_cname_print(o->ssrc, e->cname, &e->report);
	if (e->report.err)
		return;
	memcpy(e->sealing + ROOM_BEFORE, e->report.p, e->report.n);
	station_send_rtcp(e, l, e->report.n);
}
