/* SPDX-License-Identifier: ISC */
/**
 * @file rtp.h  RTP, RTCP and telephone-events: octets to structs and back
 *
 * Source: RFC 3550 5.1, 6.4, A.1, A.2; RFC 3611 4.7 (VoIP metrics); RFC 4733
 * 2.3; RFC 5761 4 (both on one port).  Numbers are big-endian.  What is
 * malformed gives EBADMSG and leaves the out-structure undefined.
 */
#ifndef PROTO_RTP_H
#define PROTO_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* ---- RTP ---- */

#define RTP_FIXED_BYTES 12

/** One packet; pointers are views into it. */
struct rtp {
	bool marker;
	uint8_t pt;		/* payload type, 0..127 */
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	uint8_t csrcs;		/* 0..15 */
	const uint8_t *csrc;	/* [4 * csrcs octets] */
	bool ext;
	uint16_t ext_profile;
	const uint8_t *ext_p;	/* [ext_n octets], a multiple of 4 */
	size_t ext_n;
	const uint8_t *payload;	/* without padding */
	size_t payload_n;
};

/** The octets look like RTCP on a port that has RTP too (RFC 5761 4). */
bool rtp_is_rtcp(const void *p, size_t n);
/** Octets before the payload; 0 when these are not RTP.  Good for SRTP too,
 *  whose header is in the clear. */
size_t rtp_head_bytes(const void *p, size_t n);
/** Take a packet apart, check it to its last octet.  0 or EBADMSG. */
int rtp_parse(const void *p, size_t n, struct rtp *out)
	__attribute__((warn_unused_result));
/** Append the packet, without padding; csrcs <= 15, ext_n <= 262140. */
void rtp_print(const struct rtp *r, struct buf *out);
/** Write the 12 octets of a header without CSRC and extension. */
void rtp_put_head(uint8_t out[RTP_FIXED_BYTES], bool marker, uint8_t pt,
		  uint16_t seq, uint32_t ts, uint32_t ssrc);

/* ---- telephone-event ---- */

struct rtp_event {
	uint8_t code;		/* 0-9, 10 *, 11 #, 12-15 A-D, 16 flash ... */
	bool end;
	uint8_t volume;		/* -dBm0, 0..63 */
	uint16_t duration;	/* timestamp units */
};

/** Payload of exactly one event.  0 or EBADMSG. */
int rtp_event_parse(const void *p, size_t n, struct rtp_event *out)
	__attribute__((warn_unused_result));

/* ---- RTCP ---- */

#define RTCP_REPORTS_MAX 31
#define RTCP_REPORT_BYTES 24
#define RTCP_XR_VOIP_BYTES 36

enum rtcp_kind {
	RTCP_KIND_SR = 200,
	RTCP_KIND_RR = 201,
	RTCP_KIND_SDES = 202,
	RTCP_KIND_BYE = 203,
	RTCP_KIND_XR = 207
};

/** One packet of a compound: views. */
struct rtcp_item {
	uint8_t kind;		/* enum rtcp_kind, or another number */
	uint8_t count;		/* RC, SC or subtype */
	const uint8_t *p;	/* [n octets] after the first four */
	size_t n;		/* without padding */
};

/** Reception of one source as its receiver sees it (RFC 3550 6.4.1). */
struct rtcp_report {
	uint32_t ssrc;		/* of the source */
	uint8_t fraction;	/* lost since the last report, of 256 */
	int32_t lost;		/* 24 bits with sign */
	uint32_t highest_seq;	/* extended */
	uint32_t jitter;	/* timestamp units */
	uint32_t lsr;		/* middle 32 bits of the last SR's time */
	uint32_t dlsr;		/* since then, 1/65536 s */
};

struct rtcp_sender {
	uint32_t ssrc;
	uint64_t ntp;		/* seconds since 1900 in 1/2^32 s */
	uint32_t ts;
	uint32_t packets;
	uint32_t octets;
};

/** VoIP metrics block (RFC 3611 4.7), fields as there; 127 = unknown where
 *  that is said there. */
struct rtcp_voip {
	uint32_t ssrc;
	uint8_t loss_rate, discard_rate, burst_density, gap_density;
	uint16_t burst_ms, gap_ms, round_trip_ms, end_system_ms;
	int8_t signal_dbm, noise_dbm;
	uint8_t rerl, gmin, r_factor, ext_r_factor, mos_lq, mos_cq, rx_config;
	uint16_t jb_nominal_ms, jb_maximum_ms, jb_abs_max_ms;
};

/** A whole compound (RFC 3550 A.2): begins with SR or RR, padding only in the
 *  last, lengths add up, fixed parts are there.  0 or EBADMSG. */
int rtcp_check(const void *p, size_t n) __attribute__((warn_unused_result));
/** The next packet of a compound that rtcp_check() passed.  False: no more. */
bool rtcp_next(struct cur *c, struct rtcp_item *out);
/** The SSRC of who sent it; 0 when the item has none. */
uint32_t rtcp_ssrc(const struct rtcp_item *it);
/** The sender's part of an SR.  EBADMSG for another kind. */
int rtcp_sender_parse(const struct rtcp_item *it, struct rtcp_sender *out)
	__attribute__((warn_unused_result));
/** Report @p i of an SR or RR.  EBADMSG for another kind, ENOENT: no more. */
int rtcp_report_parse(const struct rtcp_item *it, unsigned i,
		      struct rtcp_report *out)
	__attribute__((warn_unused_result));
/** The first VoIP metrics block of an XR.  EBADMSG: another kind or blocks
 *  that do not add up, ENOENT: none. */
int rtcp_voip_parse(const struct rtcp_item *it, struct rtcp_voip *out)
	__attribute__((warn_unused_result));

/** Append an SR (@p s given) or RR of @p ssrc, with @p count reports, at most
 *  RTCP_REPORTS_MAX. */
void rtcp_report_print(uint32_t ssrc, const struct rtcp_sender *s,
		       const struct rtcp_report *r, unsigned count,
		       struct buf *out);
/** Append an SDES with one CNAME of 1..255 octets. */
void rtcp_cname_print(uint32_t ssrc, const char *cname, struct buf *out);
/** Append a BYE. */
void rtcp_bye_print(uint32_t ssrc, struct buf *out);
/** Append an XR of @p ssrc with one VoIP metrics block. */
void rtcp_voip_print(uint32_t ssrc, const struct rtcp_voip *v, struct buf *out);

#endif
