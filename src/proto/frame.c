/* SPDX-License-Identifier: ISC */
/** @file frame.c  What travels on a path: frames, HELLO, lanes, bulk */
#include <errno.h>
#include <string.h>
#include "proto/frame.h"

/* ---- HELLO ---- */

static void put16(struct buf *b, struct str s)
{
	buf_u16(b, (uint16_t)s.n);	/* the caller keeps within the limits */
	buf_put(b, s.p, s.n);
}

static struct str take16(struct cur *c, size_t max)
{
	const size_t n = cur_u16(c);
	struct str s = {"", 0};

	if (n > max)
		c->bad = true;
	s.p = (const char *)cur_take(c, n);
	s.n = c->bad ? 0 : n;
	return s;
}

static void signed_octets(const void *p, size_t n,
			  const uint8_t exporter[EXPORTER_BYTES],
			  uint8_t out[DIGEST_BYTES])
{
	digest_pieces((struct piece[]){{"ringdown-hello/v1\n", 18},
				       {exporter, EXPORTER_BYTES},
				       {p, n}},
		      3, out);
}

int hello_encode(const struct hello *h, const uint8_t exporter[EXPORTER_BYTES],
		 const struct key *trunk, struct buf *out)
{
	const size_t start = out->n;
	uint8_t digested[DIGEST_BYTES], sig[SIG_BYTES];
	int err;

	buf_u16(out, h->version);
	buf_u8(out, h->role);
	buf_u8(out, h->path);
	put16(out, h->from);
	put16(out, h->to);
	buf_put(out, h->sid, SID_BYTES);
	buf_put(out, h->peer_sid, SID_BYTES);
	for (int i = 0; i < LANES; i++)
		buf_u64(out, h->rx[i]);
	buf_u64(out, (uint64_t)h->time_ms);
	put16(out, h->own);
	put16(out, h->held);
	put16(out, h->seen);
	if (out->err)
		return out->err;
	signed_octets(out->p + start, out->n - start, exporter, digested);
	err = key_sign(trunk, digested, sizeof(digested), sig);
	if (err)
		return err;
	buf_put(out, sig, sizeof(sig));
	return out->err;
}

int hello_decode(const void *p, size_t n, struct hello *out)
{
	struct cur c = cur_of(p, n);

	out->version = cur_u16(&c);
	out->role = cur_u8(&c);
	out->path = cur_u8(&c);
	out->from = take16(&c, HOST_CHARS_MAX);
	out->to = take16(&c, HOST_CHARS_MAX);
	cur_copy(&c, out->sid, SID_BYTES);
	cur_copy(&c, out->peer_sid, SID_BYTES);
	for (int i = 0; i < LANES; i++)
		out->rx[i] = cur_u64(&c);
	out->time_ms = (int64_t)cur_u64(&c);
	out->own = take16(&c, NOTE_BYTES_MAX);
	out->held = take16(&c, NOTE_BYTES_MAX);
	out->seen = take16(&c, NOTE_BYTES_MAX);
	cur_copy(&c, out->sig, SIG_BYTES);
	if (!cur_done(&c) || out->role > HELLO_LISTENER ||
	    out->path >= PATHS_MAX || !host_ok(out->from) ||
	    !host_ok(out->to) || out->time_ms < 0)
		return EBADMSG;
	return 0;
}

bool hello_signed(const void *p, size_t n,
		  const uint8_t exporter[EXPORTER_BYTES],
		  const struct key *trunk)
{
	uint8_t digested[DIGEST_BYTES];

	if (n < SIG_BYTES)
		return false;
	signed_octets(p, n - SIG_BYTES, exporter, digested);
	return key_verify(trunk, digested, sizeof(digested),
			  (const uint8_t *)p + n - SIG_BYTES);
}

/* ---- BEAT ---- */

void beat_encode(const struct beat *b, struct buf *out)
{
	buf_u64(out, b->stamp_us);
	buf_u64(out, b->echo_us);
	buf_u32(out, b->echo_age_us);
	buf_u64(out, b->turn);
	buf_u32(out, b->turn_age_ms);
}

int beat_decode(const void *p, size_t n, struct beat *out)
{
	struct cur c = cur_of(p, n);

	out->stamp_us = cur_u64(&c);
	out->echo_us = cur_u64(&c);
	out->echo_age_us = cur_u32(&c);
	out->turn = cur_u64(&c);
	out->turn_age_ms = cur_u32(&c);
	return cur_done(&c) ? 0 : EBADMSG;
}

/* ---- lanes ---- */

void lane_encode_head(const struct lane_frame *f, struct buf *out)
{
	buf_u8(out, f->lane);
	buf_u64(out, f->seq);
	buf_u64(out, f->ack);
	buf_u8(out, f->msg);
}

int lane_decode(const void *p, size_t n, struct lane_frame *out)
{
	struct cur c = cur_of(p, n);

	out->lane = cur_u8(&c);
	out->seq = cur_u64(&c);
	out->ack = cur_u64(&c);
	out->msg = cur_u8(&c);
	out->body = c.p;
	out->body_n = c.n;
	return c.bad || out->lane >= LANES || !out->seq ? EBADMSG : 0;
}

void ack_encode(const uint64_t ack[LANES], uint8_t gaps, struct buf *out)
{
	for (int i = 0; i < LANES; i++)
		buf_u64(out, ack[i]);
	buf_u8(out, gaps);
}

int ack_decode(const void *p, size_t n, uint64_t ack[LANES], uint8_t *gaps)
{
	struct cur c = cur_of(p, n);

	for (int i = 0; i < LANES; i++)
		ack[i] = cur_u64(&c);
	*gaps = cur_u8(&c);
	return cur_done(&c) && *gaps < 1u << LANES ? 0 : EBADMSG;
}

/* ---- messages ---- */

void entries_begin(struct buf *out, enum whose whose, uint64_t first,
		   uint16_t count)
{
	buf_u8(out, (uint8_t)whose);
	buf_u64(out, first);
	buf_u16(out, count);
}

void entries_add(struct buf *out, const struct entries_item *it)
{
	buf_u16(out, (uint16_t)it->entry_n);
	buf_put(out, it->entry, it->entry_n);
	buf_u16(out, (uint16_t)it->body_n);
	buf_put(out, it->body, it->body_n);
}

int entries_open(struct cur *c, uint8_t *whose, uint64_t *first,
		 uint16_t *count)
{
	*whose = cur_u8(c);
	*first = cur_u64(c);
	*count = cur_u16(c);
	return c->bad || *whose > WHOSE_RECEIVER || !*count ||
			       *first > (uint64_t)INT64_MAX - *count
		       ? EBADMSG
		       : 0;
}

int entries_next(struct cur *c, struct entries_item *it)
{
	it->entry_n = cur_u16(c);
	it->entry = cur_take(c, it->entry_n);
	it->body_n = cur_u16(c);
	it->body = cur_take(c, it->body_n);
	return c->bad || !it->entry_n || it->body_n > BODY_INLINE_MAX ? EBADMSG
								      : 0;
}

void want_encode(const struct want *w, struct buf *out)
{
	buf_u64(out, w->seq);
	buf_u64(out, w->offset);
	buf_u32(out, w->bytes);
}

int want_decode(const void *p, size_t n, struct want *out)
{
	struct cur c = cur_of(p, n);

	out->seq = cur_u64(&c);
	out->offset = cur_u64(&c);
	out->bytes = cur_u32(&c);
	return cur_done(&c) && out->bytes && out->bytes <= BULK_WINDOW_BYTES &&
			       out->offset <= BLOB_BYTES_MAX
		       ? 0
		       : EBADMSG;
}

void bulk_encode_head(uint64_t seq, uint64_t offset, struct buf *out)
{
	buf_u64(out, seq);
	buf_u64(out, offset);
}

int bulk_decode(const void *p, size_t n, struct bulk *out)
{
	struct cur c = cur_of(p, n);

	out->seq = cur_u64(&c);
	out->offset = cur_u64(&c);
	out->p = c.p;
	out->n = c.n;
	return c.bad || !c.n || c.n > BULK_BYTES || out->offset > BLOB_BYTES_MAX
		       ? EBADMSG
		       : 0;
}
