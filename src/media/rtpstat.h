/* SPDX-License-Identifier: ISC */
/**
 * @file rtpstat.h  What a receiver knows of an RTP stream: loss, order, jitter
 *
 * Source: RFC 3550 6.4.1, A.1, A.3, A.8.  Pure: time is passed in.
 */
#ifndef MEDIA_RTPSTAT_H
#define MEDIA_RTPSTAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "proto/rtp.h"

/** Zeroed at the start. */
struct rtpstat {
	uint64_t packets;
	uint64_t octets;	/* of payload */
	uint64_t late;		/* came after one with a higher number */
	uint64_t jumps;		/* numbers that began anew */
	uint64_t lost_before;	/* in sources and numberings that are over */
	bool any;
	uint32_t base;		/* first number of this numbering */
	uint32_t highest;	/* extended by the rounds */
	uint32_t received;	/* since base */
	uint32_t jump_to;	/* this number next: it is a new numbering */
	uint32_t ts;		/* of the newest packet */
	uint32_t transit;	/* its arrival - ts, timestamp units */
	uint32_t jitter16;	/* timestamp units * 16 */
	uint32_t jitter16_max;
	uint32_t expected_prior, received_prior;
};

/** A packet came.  @p clock_hz is that of its timestamps. */
void rtpstat_packet(struct rtpstat *s, uint16_t seq, uint32_t ts, size_t n,
		    uint32_t clock_hz, uint64_t now_us);
/** The next packet is of another source: numbers and clock begin anew. */
void rtpstat_restart(struct rtpstat *s);
/** Packets that did not come, over all; doubles make it smaller. */
uint64_t rtpstat_lost(const struct rtpstat *s);
/** Mean deviation of transit, as in RFC 3550, in microseconds. */
uint32_t rtpstat_jitter_us(const struct rtpstat *s, uint32_t clock_hz);
/** The same at its highest. */
uint32_t rtpstat_jitter_max_us(const struct rtpstat *s, uint32_t clock_hz);
/** Fill in fraction, lost, highest_seq and jitter; the next fraction counts
 *  from here. */
void rtpstat_report(struct rtpstat *s, struct rtcp_report *out);

#endif
