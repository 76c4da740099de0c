/* SPDX-License-Identifier: ISC */
/** @file rtpstat.c  What a receiver knows of an RTP stream */
#include "media/rtpstat.h"

#define ROUND 65536u
#define DROPOUT_MAX 3000	/* a gap up to here is loss (RFC 3550 A.1) */
#define MISORDER_MAX 100
#define NO_JUMP (ROUND + 1)

static uint32_t expected(const struct rtpstat *s)
{
	return s->any ? s->highest - s->base + 1 : 0;
}

static uint32_t lost_now(const struct rtpstat *s)
{
	const uint32_t e = expected(s);

	return e > s->received ? e - s->received : 0;
}

void rtpstat_restart(struct rtpstat *s)
{
	s->lost_before += lost_now(s);
	s->any = false;
	s->received = 0;
	s->expected_prior = s->received_prior = 0;
}

static void begin(struct rtpstat *s, uint16_t seq, uint32_t ts,
		  uint32_t transit)
{
	s->any = true;
	s->base = s->highest = seq;
	s->jump_to = NO_JUMP;
	s->ts = ts;
	s->transit = transit;
}

static void jitter(struct rtpstat *s, uint32_t transit)
{
	const int32_t d = (int32_t)(transit - s->transit);
	const uint32_t size = d < 0 ? 0 - (uint32_t)d : (uint32_t)d;

	s->jitter16 += size - ((s->jitter16 + 8) >> 4);
	if (s->jitter16 > s->jitter16_max)
		s->jitter16_max = s->jitter16;
	s->transit = transit;
}

void rtpstat_packet(struct rtpstat *s, uint16_t seq, uint32_t ts, size_t n,
		    uint32_t clock_hz, uint64_t now_us)
{
	const uint32_t transit = (uint32_t)(now_us * clock_hz / 1000000) - ts;
	const uint16_t ahead = (uint16_t)(seq - s->highest);

	s->packets++;
	s->octets += n;
	if (s->any && ahead >= DROPOUT_MAX && ahead <= ROUND - MISORDER_MAX) {
		/* two in a row make a new numbering, one is a stray */
		if (s->jump_to != seq) {
			s->jump_to = (uint16_t)(seq + 1);
			s->received++;
			return;
		}
		rtpstat_restart(s);
		s->jumps++;
	}
	s->received++;
	if (!s->any) {
		begin(s, seq, ts, transit);
		return;
	}
	if (ahead && ahead < DROPOUT_MAX)
		s->highest += ahead;
	else
		s->late++;
	/* events repeat their timestamp: that is no jitter */
	if (ts != s->ts)
		jitter(s, transit);
	s->ts = ts;
}

uint64_t rtpstat_lost(const struct rtpstat *s)
{
	return s->lost_before + lost_now(s);
}

static uint32_t in_us(uint32_t jitter16, uint32_t clock_hz)
{
	return clock_hz ? (uint32_t)((uint64_t)(jitter16 >> 4) * 1000000 /
				     clock_hz)
			: 0;
}

uint32_t rtpstat_jitter_us(const struct rtpstat *s, uint32_t clock_hz)
{
	return in_us(s->jitter16, clock_hz);
}

uint32_t rtpstat_jitter_max_us(const struct rtpstat *s, uint32_t clock_hz)
{
	return in_us(s->jitter16_max, clock_hz);
}

void rtpstat_report(struct rtpstat *s, struct rtcp_report *out)
{
	const uint32_t now = expected(s), span = now - s->expected_prior;
	const uint32_t got = s->received - s->received_prior;
	const uint64_t all = rtpstat_lost(s);

	out->fraction =
		span && span > got
			? (uint8_t)(((uint64_t)(span - got) << 8) / span)
			: 0;
	if (span && !got)
		out->fraction = 255;
	out->lost = all > 0x7fffff ? 0x7fffff : (int32_t)all;
	out->highest_seq = s->highest;
	out->jitter = s->jitter16 >> 4;
	s->expected_prior = now;
	s->received_prior = s->received;
}
