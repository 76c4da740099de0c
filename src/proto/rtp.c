/* SPDX-License-Identifier: ISC */
/** @file rtp.c  RTP, RTCP and telephone-events: octets to structs and back */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include "proto/rtp.h"

#define VERSION 2
#define RTCP_HEAD_BYTES 4
#define SENDER_BYTES 24	/* SSRC and the sender's part */
#define XR_VOIP 7
#define SDES_CNAME 1

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

/* ---- RTP ---- */

bool rtp_is_rtcp(const void *p, size_t n)
{
	const uint8_t *o = p;

	return n >= 2 && o[0] >> 6 == VERSION && o[1] >= 192 && o[1] <= 223;
}

size_t rtp_head_bytes(const void *p, size_t n)
{
	const uint8_t *o = p;
	size_t head = RTP_FIXED_BYTES;

	if (n < head || o[0] >> 6 != VERSION)
		return 0;
	head += (size_t)(o[0] & 15) * 4;
	if (o[0] & 16) {
		if (n < head + 4)
			return 0;
		head += 4 + (size_t)be16(o + head + 2) * 4;
	}
	return n < head ? 0 : head;
}

int rtp_parse(const void *p, size_t n, struct rtp *out)
{
	const uint8_t *o = p;
	const size_t head = rtp_head_bytes(p, n);
	size_t padding = 0;

	if (!head)
		return EBADMSG;
	if (o[0] & 32) {
		padding = o[n - 1];
		if (!padding || padding > n - head)
			return EBADMSG;
	}
	out->marker = o[1] >> 7;
	out->pt = o[1] & 127;
	out->seq = be16(o + 2);
	out->ts = be32(o + 4);
	out->ssrc = be32(o + 8);
	out->csrcs = o[0] & 15;
	out->csrc = o + RTP_FIXED_BYTES;
	out->ext = o[0] & 16;
	out->ext_profile = 0;
	out->ext_p = o + head;
	out->ext_n = 0;
	if (out->ext) {
		const uint8_t *e = out->csrc + out->csrcs * 4;

		out->ext_profile = be16(e);
		out->ext_p = e + 4;
		out->ext_n = head - (size_t)(e + 4 - o);
	}
	out->payload = o + head;
	out->payload_n = n - head - padding;
	return 0;
}

void rtp_put_head(uint8_t out[RTP_FIXED_BYTES], bool marker, uint8_t pt,
		  uint16_t seq, uint32_t ts, uint32_t ssrc)
{
	out[0] = VERSION << 6;
	out[1] = (uint8_t)(marker << 7 | pt);
	put16(out + 2, seq);
	put32(out + 4, ts);
	put32(out + 8, ssrc);
}

void rtp_print(const struct rtp *r, struct buf *out)
{
	uint8_t head[RTP_FIXED_BYTES];

	assert(r->csrcs <= 15 && r->ext_n % 4 == 0 && r->ext_n / 4 <= 65535);
	rtp_put_head(head, r->marker, r->pt, r->seq, r->ts, r->ssrc);
	head[0] |= (uint8_t)(r->ext << 4 | r->csrcs);
	buf_put(out, head, sizeof(head));
	buf_put(out, r->csrc, (size_t)r->csrcs * 4);
	if (r->ext) {
		buf_u16(out, r->ext_profile);
		buf_u16(out, (uint16_t)(r->ext_n / 4));
		buf_put(out, r->ext_p, r->ext_n);
	}
	buf_put(out, r->payload, r->payload_n);
}

/* ---- telephone-event ---- */

int rtp_event_parse(const void *p, size_t n, struct rtp_event *out)
{
	const uint8_t *o = p;

	if (n != 4)
		return EBADMSG;
	out->code = o[0];
	out->end = o[1] & 128;
	out->volume = o[1] & 63;	/* the bit between is to be ignored */
	out->duration = be16(o + 2);
	return 0;
}

/* ---- RTCP: reading ---- */

/* Octets that must be there after the first four */
static size_t fixed_bytes(uint8_t kind, uint8_t count)
{
	switch (kind) {
	case RTCP_KIND_SR:
		return SENDER_BYTES + (size_t)count * RTCP_REPORT_BYTES;
	case RTCP_KIND_RR: return 4 + (size_t)count * RTCP_REPORT_BYTES;
	case RTCP_KIND_BYE: return (size_t)count * 4;
	case RTCP_KIND_XR: return 4;
	default: return 0;
	}
}

/* The item at the start of p; its octets, or 0 when there is none */
static size_t item_at(const uint8_t *p, size_t n, struct rtcp_item *out)
{
	size_t all, padding = 0;

	if (n < RTCP_HEAD_BYTES || p[0] >> 6 != VERSION)
		return 0;
	all = ((size_t)be16(p + 2) + 1) * 4;
	if (all > n)
		return 0;
	if (p[0] & 32) {
		padding = p[all - 1];
		if (all != n || !padding || padding % 4 ||
		    padding > all - RTCP_HEAD_BYTES)
			return 0;
	}
	out->kind = p[1];
	out->count = p[0] & 31;
	out->p = p + RTCP_HEAD_BYTES;
	out->n = all - RTCP_HEAD_BYTES - padding;
	return out->n < fixed_bytes(out->kind, out->count) ? 0 : all;
}

int rtcp_check(const void *p, size_t n)
{
	const uint8_t *o = p;
	struct rtcp_item it;
	bool first = true;

	if (!n)
		return EBADMSG;
	while (n) {
		const size_t k = item_at(o, n, &it);

		if (!k || (first && it.kind != RTCP_KIND_SR &&
			   it.kind != RTCP_KIND_RR))
			return EBADMSG;
		first = false;
		o += k;
		n -= k;
	}
	return 0;
}

bool rtcp_next(struct cur *c, struct rtcp_item *out)
{
	const size_t k = item_at(c->p, c->n, out);

	if (!k)
		return false;
	(void)cur_take(c, k);
	return true;
}

uint32_t rtcp_ssrc(const struct rtcp_item *it)
{
	return it->n >= 4 ? be32(it->p) : 0;
}

int rtcp_sender_parse(const struct rtcp_item *it, struct rtcp_sender *out)
{
	if (it->kind != RTCP_KIND_SR || it->n < SENDER_BYTES)
		return EBADMSG;
	out->ssrc = be32(it->p);
	out->ntp = (uint64_t)be32(it->p + 4) << 32 | be32(it->p + 8);
	out->ts = be32(it->p + 12);
	out->packets = be32(it->p + 16);
	out->octets = be32(it->p + 20);
	return 0;
}

int rtcp_report_parse(const struct rtcp_item *it, unsigned i,
		      struct rtcp_report *out)
{
	size_t at = it->kind == RTCP_KIND_SR ? SENDER_BYTES : 4;
	const uint8_t *p;

	if (it->kind != RTCP_KIND_SR && it->kind != RTCP_KIND_RR)
		return EBADMSG;
	if (i >= it->count)
		return ENOENT;
	at += (size_t)i * RTCP_REPORT_BYTES;
	if (it->n < at + RTCP_REPORT_BYTES)
		return EBADMSG;
	p = it->p + at;
	out->ssrc = be32(p);
	out->fraction = p[4];
	out->lost = (int32_t)(be32(p + 4) & 0xffffff);
	if (out->lost & 0x800000)
		out->lost -= 0x1000000;
	out->highest_seq = be32(p + 8);
	out->jitter = be32(p + 12);
	out->lsr = be32(p + 16);
	out->dlsr = be32(p + 20);
	return 0;
}

static void voip_fields(struct cur *c, struct rtcp_voip *out)
{
	out->ssrc = cur_u32(c);
	out->loss_rate = cur_u8(c);
	out->discard_rate = cur_u8(c);
	out->burst_density = cur_u8(c);
	out->gap_density = cur_u8(c);
	out->burst_ms = cur_u16(c);
	out->gap_ms = cur_u16(c);
	out->round_trip_ms = cur_u16(c);
	out->end_system_ms = cur_u16(c);
	out->signal_dbm = (int8_t)cur_u8(c);
	out->noise_dbm = (int8_t)cur_u8(c);
	out->rerl = cur_u8(c);
	out->gmin = cur_u8(c);
	out->r_factor = cur_u8(c);
	out->ext_r_factor = cur_u8(c);
	out->mos_lq = cur_u8(c);
	out->mos_cq = cur_u8(c);
	out->rx_config = cur_u8(c);
	(void)cur_u8(c);	/* reserved */
	out->jb_nominal_ms = cur_u16(c);
	out->jb_maximum_ms = cur_u16(c);
	out->jb_abs_max_ms = cur_u16(c);
}

int rtcp_voip_parse(const struct rtcp_item *it, struct rtcp_voip *out)
{
	struct cur c = cur_of(it->p, it->n);
	bool found = false;

	if (it->kind != RTCP_KIND_XR)
		return EBADMSG;
	(void)cur_u32(&c);
	while (c.n) {
		const uint8_t type = cur_u8(&c);
		size_t n;
		struct cur block;

		(void)cur_u8(&c);
		n = (size_t)cur_u16(&c) * 4;
		block = cur_of(cur_take(&c, n), n);
		if (c.bad || (type == XR_VOIP && n != RTCP_XR_VOIP_BYTES - 4))
			return EBADMSG;
		if (type == XR_VOIP && !found) {
			voip_fields(&block, out);
			found = true;
		}
	}
	if (c.bad)
		return EBADMSG;
	return found ? 0 : ENOENT;
}

/* ---- RTCP: writing ---- */

static void head_print(uint8_t kind, unsigned count, size_t body,
		       struct buf *out)
{
	assert(body % 4 == 0 && count <= 31);
	buf_u8(out, (uint8_t)(VERSION << 6 | count));
	buf_u8(out, kind);
	buf_u16(out, (uint16_t)(body / 4));
}

void rtcp_report_print(uint32_t ssrc, const struct rtcp_sender *s,
		       const struct rtcp_report *r, unsigned count,
		       struct buf *out)
{
	head_print(s ? RTCP_KIND_SR : RTCP_KIND_RR, count,
		   (s ? SENDER_BYTES : 4) + count * RTCP_REPORT_BYTES, out);
	buf_u32(out, ssrc);
	if (s) {
		buf_u64(out, s->ntp);
		buf_u32(out, s->ts);
		buf_u32(out, s->packets);
		buf_u32(out, s->octets);
	}
	for (unsigned i = 0; i < count; i++) {
		buf_u32(out, r[i].ssrc);
		buf_u32(out, (uint32_t)r[i].fraction << 24 |
				     ((uint32_t)r[i].lost & 0xffffff));
		buf_u32(out, r[i].highest_seq);
		buf_u32(out, r[i].jitter);
		buf_u32(out, r[i].lsr);
		buf_u32(out, r[i].dlsr);
	}
}

void rtcp_cname_print(uint32_t ssrc, const char *cname, struct buf *out)
{
	static const uint8_t zero[4];
	const size_t n = strlen(cname);
	/* at least one zero ends the list and fills up the word */
	const size_t fill = 4 - (2 + n) % 4;

	assert(n >= 1 && n <= 255);
	head_print(RTCP_KIND_SDES, 1, 4 + 2 + n + fill, out);
	buf_u32(out, ssrc);
	buf_u8(out, SDES_CNAME);
	buf_u8(out, (uint8_t)n);
	buf_put(out, cname, n);
	buf_put(out, zero, fill);
}

void rtcp_bye_print(uint32_t ssrc, struct buf *out)
{
	head_print(RTCP_KIND_BYE, 1, 4, out);
	buf_u32(out, ssrc);
}

void rtcp_voip_print(uint32_t ssrc, const struct rtcp_voip *v, struct buf *out)
{
	head_print(RTCP_KIND_XR, 0, 4 + RTCP_XR_VOIP_BYTES, out);
	buf_u32(out, ssrc);
	buf_u8(out, XR_VOIP);
	buf_u8(out, 0);
	buf_u16(out, RTCP_XR_VOIP_BYTES / 4 - 1);
	buf_u32(out, v->ssrc);
	buf_u8(out, v->loss_rate);
	buf_u8(out, v->discard_rate);
	buf_u8(out, v->burst_density);
	buf_u8(out, v->gap_density);
	buf_u16(out, v->burst_ms);
	buf_u16(out, v->gap_ms);
	buf_u16(out, v->round_trip_ms);
	buf_u16(out, v->end_system_ms);
	buf_u8(out, (uint8_t)v->signal_dbm);
	buf_u8(out, (uint8_t)v->noise_dbm);
	buf_u8(out, v->rerl);
	buf_u8(out, v->gmin);
	buf_u8(out, v->r_factor);
	buf_u8(out, v->ext_r_factor);
	buf_u8(out, v->mos_lq);
	buf_u8(out, v->mos_cq);
	buf_u8(out, v->rx_config);
	buf_u8(out, 0);
	buf_u16(out, v->jb_nominal_ms);
	buf_u16(out, v->jb_maximum_ms);
	buf_u16(out, v->jb_abs_max_ms);
}
