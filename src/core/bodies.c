/* SPDX-License-Identifier: ISC */
/**
 * @file bodies.c  Asking for and giving bodies that do not travel with entries
 *
 * One body at a time comes in, in windows that are asked for: lost octets are
 * asked for again from where the body ends, also after a restart, so that a cut
 * in the middle of 200 MB costs nothing.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include "core/state.h"

#define BAD_MAX 3	/* wrong hashes of one body in a session */

void body_reset(struct session *s)
{
	struct buf row = s->in.row;

	buf_reset(&row);
	s->in = (struct intake){.row = row, .stall_at_ms = UINT64_MAX};
	s->want_from[0] = s->want_from[1] = 0;
}

static bool in_row(const struct intake *in)
{
	return in->want.bytes <= BODY_ROW_MAX;
}

static int ask(struct core *c, struct pair *p, struct now now)
{
	struct intake *in = &p->s.in;
	const uint64_t left = in->want.bytes - in->have;
	struct want w = {.seq = in->want.seq |
				(in->of == FEED_OWN ? BODY_OF_ASKER : 0),
			 .offset = in->have};
	struct buf b;
	int err;

	/* the next window is asked for when half of this one is here */
	w.bytes =
		(uint32_t)(left > BULK_WINDOW_BYTES ? BULK_WINDOW_BYTES : left);
	if (in->asked > in->have) {
		w.offset = in->asked;
		w.bytes = BULK_WINDOW_BYTES / 2;
		if (w.bytes > in->want.bytes - in->asked)
			w.bytes = (uint32_t)(in->want.bytes - in->asked);
	}
	in->asked = w.offset + w.bytes;
	in->stall_at_ms = now.mono_ms + WANT_STALL_MS;
	buf_init(&b, 64);
	want_encode(&w, &b);
	err = b.err ? b.err
		    : lane_send(c, p, now, LANE_CONTROL, MSG_WANT, b.p, b.n,
				NULL, 0);
	buf_free(&b);
	return err;
}

int body_ask_again(struct core *c, struct pair *p, struct now now)
{
	p->s.in.asked = p->s.in.have;
	return ask(c, p, now);
}

static bool acceptable(struct core *c, const struct pair *p,
		       const struct db_want *w)
{
	if (!w->bytes || w->bytes > BLOB_BYTES_MAX + BLOB_SALT_BYTES)
		return false;
	if (c->conf.quota_bytes &&
	    p->body_bytes + w->bytes > c->conf.quota_bytes) {
		c->counter[COUNT_QUOTA]++;
		return false;
	}
	return true;
}

/* The next wanted body of a feed that may be taken; ENOENT */
static int next_of(struct core *c, struct pair *p, enum feed_of of)
{
	struct intake *in = &p->s.in;

	for (;;) {
		const int err = DB(c, want_next, feed_id(p->no, of),
				   p->s.want_from[of], &in->want);

		if (err)
			return err;
		p->s.want_from[of] = in->want.seq + 1;
		if (acceptable(c, p, &in->want))
			return 0;
	}
}

static int done(struct core *c, struct pair *p, struct now now);

int body_want_next(struct core *c, struct pair *p, struct now now)
{
	struct intake *in = &p->s.in;
	bool whole = false;
	int err;

	if (in->active || !p->s.paths || !pair_may_sign(p) || !p->wants)
		return 0;
	in->of = FEED_PEER;
	err = next_of(c, p, FEED_PEER);
	if (err == ENOENT) {
		in->of = FEED_OWN;
		err = next_of(c, p, FEED_OWN);
	}
	if (err)
		return err == ENOENT ? 0 : err;
	in->active = true;
	in->have = in->asked = 0;
	in->bad = 0;
	buf_reset(&in->row);
	if (!in_row(in)) {
		err = DB(c, blob_have, in->want.hash, &in->have, &whole);
		if (err)
			return err;
		/* all is there but the end of its turn was lost */
		if (whole || in->have >= in->want.bytes)
			return done(c, p, now);
	}
	return ask(c, p, now);
}

/* What came is what the entry names: keep it, say so */
static int keep(struct core *c, struct pair *p, struct now now)
{
	struct intake *in = &p->s.in;
	const uint32_t feed = feed_id(p->no, in->of);
	int err = 0;

	if (in->of == FEED_PEER && !peer_held(p, in->want.seq, false)) {
		err = peer_answer(c, p, now);
		(void)peer_held(p, in->want.seq, false); /* room now */
	}
	if (!err && in_row(in))
		err = DB(c, body_put, feed, in->want.seq, in->row.p, in->row.n);
	if (!err)
		err = DB(c, want_drop, feed, in->want.seq);
	if (err)
		return err;
	if (in->of == FEED_PEER)
		p->body_bytes += in->want.bytes;
	if (p->wants)
		p->wants--;
	p->dirty = true;
	return 0;
}

static int done(struct core *c, struct pair *p, struct now now)
{
	struct intake *in = &p->s.in;
	uint8_t h[DIGEST_BYTES];
	int err;

	if (in_row(in)) {
		digest(in->row.p, in->row.n, h);
		err = memcmp(h, in->want.hash, sizeof(h)) ? EBADMSG : 0;
	} else {
		err = DB(c, blob_finish, in->want.hash);
	}
	if (err == EBADMSG) {
		c->counter[COUNT_BLOB_BAD]++;
		in->have = in->asked = 0;
		buf_reset(&in->row);
		if (++in->bad < BAD_MAX)
			return ask(c, p, now);
		err = 0;	/* not from this peer, not in this session */
	} else if (!err) {
		err = keep(c, p, now);
	}
	in->active = false;
	in->stall_at_ms = UINT64_MAX;
	return err;
}

int body_bulk(struct core *c, struct pair *p, struct now now, const uint8_t *m,
	      size_t n)
{
	struct intake *in = &p->s.in;
	const uint64_t mark = in->of == FEED_OWN ? BODY_OF_ASKER : 0;
	struct bulk b;
	int err = 0;

	if (bulk_decode(m, n, &b)) {
		c->counter[COUNT_FRAME_BAD]++;
		return 0;
	}
	if (!in->active || b.seq != (in->want.seq | mark) ||
	    b.offset != in->have || b.n > in->asked - in->have) {
		c->counter[COUNT_BULK_STRAY]++;
		return 0;
	}
	if (in_row(in)) {
		buf_put(&in->row, b.p, b.n);
		err = in->row.err;
	} else {
		err = DB(c, blob_write, in->want.hash, b.offset, b.p, b.n);
	}
	if (err)
		return err;
	in->have += b.n;
	in->stall_at_ms = now.mono_ms + WANT_STALL_MS;
	if (in->have == in->want.bytes)
		return done(c, p, now);
	if (in->asked < in->want.bytes &&
	    in->asked - in->have <= BULK_WINDOW_BYTES / 2)
		return ask(c, p, now);
	return 0;
}

/* ---- giving ---- */

struct found {
	bool there;
	bool row;
	struct db_want w;
};

static int look(const struct db_entry *e, void *arg)
{
	struct found *f = arg;
	struct entry parsed;
	struct blob_ref blob;

	if (entry_parse(e->p, e->n, &parsed) || entry_blob(&parsed, &blob))
		return 0;
	f->there = true;
	f->row = e->body_n == blob.bytes;
	f->w.bytes = blob.bytes;
	memcpy(f->w.hash, blob.hash, DIGEST_BYTES);
	return 0;
}

static int gone(struct core *c, struct pair *p, struct now now, uint64_t seq)
{
	struct buf b;
	int err;

	buf_init(&b, 16);
	buf_u64(&b, seq);
	err = b.err ? b.err
		    : lane_send(c, p, now, LANE_CONTROL, MSG_GONE, b.p, b.n,
				NULL, 0);
	buf_free(&b);
	return err;
}

int body_asked(struct core *c, struct pair *p, struct now now, const uint8_t *m,
	       size_t n)
{
	const struct path *path = pair_path(c, p);
	struct found f = {0};
	struct queued *q;
	struct want w;
	uint64_t have = 0;
	uint32_t feed;
	bool whole = false;
	int err;

	if (want_decode(m, n, &w)) {
		c->counter[COUNT_FRAME_BAD]++;
		return 0;
	}
	feed = feed_id(p->no, w.seq & BODY_OF_ASKER ? FEED_PEER : FEED_OWN);
	err = DB(c, entry_walk, feed, w.seq & ~BODY_OF_ASKER, 1, true, look,
		 &f);
	if (!err && f.there && !f.row)
		err = DB(c, blob_have, f.w.hash, &have, &whole);
	if (err)
		return err;
	if (!f.there || (!f.row && !whole) || w.offset >= f.w.bytes)
		return gone(c, p, now, w.seq);
	if (!path)
		return 0;
	q = core_queue(c, ACTION_BULK, path->conn);
	if (!q)
		return ENOMEM;
	q->a.pair = p->no;
	q->a.seq = w.seq;
	q->a.offset = w.offset;
	q->a.bytes = w.bytes > f.w.bytes - w.offset
			     ? (uint32_t)(f.w.bytes - w.offset)
			     : w.bytes;
	return 0;
}
