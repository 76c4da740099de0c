/* SPDX-License-Identifier: ISC */
/**
 * @file bodies.c  Asking for and giving bodies that do not travel with entries
 *
 * Several small bodies are under way at once, and one large one, in windows
 * that are asked for: lost octets are asked for again from where the body ends,
 * also after a restart, so that a cut in the middle of 200 MB costs nothing.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include "core/state.h"

#define BAD_MAX 3	/* wrong hashes of one body in a session */
#define HALF (BULK_WINDOW_BYTES / 2)

static void stop(struct intake *in)
{
	buf_free(&in->row);
	*in = (struct intake){.stall_at_ms = UINT64_MAX};
}

void body_reset(struct session *s)
{
	for (int i = 0; i < INTAKES; i++)
		stop(&s->in[i]);
	s->want_from[0] = s->want_from[1] = 0;
}

uint64_t body_deadline(const struct pair *p)
{
	uint64_t at = UINT64_MAX;

	for (int i = 0; i < INTAKES; i++) {
		if (p->s.in[i].stall_at_ms < at)
			at = p->s.in[i].stall_at_ms;
	}
	return at;
}

static bool in_row(const struct intake *in)
{
	return in->want.bytes <= BODY_ROW_MAX;
}

/* The number by which this body is asked for */
static uint64_t number(const struct intake *in)
{
	return in->want.seq | (in->of == FEED_OWN ? BODY_OF_ASKER : 0);
}

static struct intake *intake_of(struct session *s, uint64_t seq)
{
	for (int i = 0; i < INTAKES; i++) {
		if (s->in[i].active && number(&s->in[i]) == seq)
			return &s->in[i];
	}
	return NULL;
}

static int ask(struct core *c, struct pair *p, struct now now,
	       struct intake *in)
{
	const uint64_t left = in->want.bytes - in->have;
	struct want w = {.seq = number(in), .offset = in->have};
	struct buf b;
	int err;

	/* the next window is asked for when half of this one is here */
	w.bytes =
		(uint32_t)(left > BULK_WINDOW_BYTES ? BULK_WINDOW_BYTES : left);
	if (in->asked > in->have) {
		w.offset = in->asked;
		w.bytes = HALF;
		if (w.bytes > in->want.bytes - in->asked)
			w.bytes = (uint32_t)(in->want.bytes - in->asked);
		in->edge = in->asked;
		in->edge_turn = ++p->s.asks;
	} else {
		in->edge = in->want.bytes;
		in->turn = ++p->s.asks;
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

int body_late(struct core *c, struct pair *p, struct now now)
{
	int err = 0;

	for (int i = 0; i < INTAKES && !err; i++) {
		struct intake *in = &p->s.in[i];

		if (!in->active || now.mono_ms < in->stall_at_ms)
			continue;
		in->asked = in->have;
		err = ask(c, p, now, in);
	}
	return err;
}

/* ---- which ---- */

/* Octets of the peer that are under way */
static uint64_t coming(const struct pair *p)
{
	uint64_t n = 0;

	for (int i = 0; i < INTAKES; i++) {
		if (p->s.in[i].active && p->s.in[i].of == FEED_PEER)
			n += p->s.in[i].want.bytes;
	}
	return n;
}

static bool acceptable(struct core *c, const struct pair *p,
		       const struct db_want *w)
{
	if (!w->bytes || w->bytes > BLOB_BYTES_MAX + BLOB_SALT_BYTES)
		return false;
	if (c->conf.quota_bytes &&
	    p->body_bytes + coming(p) + w->bytes > c->conf.quota_bytes) {
		c->counter[COUNT_QUOTA]++;
		return false;
	}
	return true;
}

/* The next wanted body of a feed that may be taken; ENOENT */
static int next_of(struct core *c, struct pair *p, struct intake *in)
{
	for (;;) {
		const int err = DB(c, want_next, feed_id(p->no, in->of),
				   p->s.want_from[in->of], &in->want);

		if (err)
			return err;
		if (acceptable(c, p, &in->want))
			return 0;
		p->s.want_from[in->of] = in->want.seq + 1;
	}
}

/* Is there room for this one beside those that are under way?  One large body
   at a time, and the others together in a window; the same octets, named
   twice, one after the other. */
static bool fits(const struct session *s, const struct intake *in)
{
	uint64_t small = in->want.bytes > HALF ? 0 : in->want.bytes;

	for (int i = 0; i < INTAKES; i++) {
		const struct intake *o = &s->in[i];

		if (!o->active)
			continue;
		if (o->want.bytes > HALF && in->want.bytes > HALF)
			return false;
		if (o->want.bytes <= HALF)
			small += o->want.bytes;
		if (!memcmp(o->want.hash, in->want.hash, DIGEST_BYTES))
			return false;
	}
	return small <= BULK_WINDOW_BYTES;
}

static int done(struct core *c, struct pair *p, struct now now,
		struct intake *in);

/* Begin with it, in an intake that is free */
static int begin(struct core *c, struct pair *p, struct now now,
		 struct intake *in)
{
	bool whole = false;
	int err;

	p->s.want_from[in->of] = in->want.seq + 1;
	in->active = true;
	buf_init(&in->row, BODY_ROW_MAX);
	if (!in_row(in)) {
		err = DB(c, blob_have, in->want.hash, &in->have, &whole);
		if (err)
			return err;
		/* all is there but the end of its turn was lost */
		if (whole || in->have >= in->want.bytes)
			return done(c, p, now, in);
	}
	return ask(c, p, now, in);
}

int body_want_next(struct core *c, struct pair *p, struct now now)
{
	int err = 0;

	if (!p->s.paths || !pair_may_sign(p) || !p->wants)
		return 0;
	for (int i = 0; i < INTAKES && !err; i++) {
		struct intake *in = &p->s.in[i];

		if (in->active)
			continue;
		in->of = FEED_PEER;
		err = next_of(c, p, in);
		if (err == ENOENT) {
			in->of = FEED_OWN;
			err = next_of(c, p, in);
		}
		if (err || !fits(&p->s, in))
			break;
		err = begin(c, p, now, in);
	}
	return err == ENOENT ? 0 : err;
}

/* ---- coming ---- */

/* What came is what the entry names: keep it, say so */
static int keep(struct core *c, struct pair *p, struct now now,
		struct intake *in)
{
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

static int done(struct core *c, struct pair *p, struct now now,
		struct intake *in)
{
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
			return ask(c, p, now, in);
		err = 0;	/* not from this peer, not in this session */
	} else if (!err) {
		err = keep(c, p, now, in);
	}
	stop(in);
	return err;
}

/* Bodies come in the order in which they were asked for: while one does, those
   behind it are not late */
static void not_late(struct session *s, struct now now, const struct intake *in)
{
	for (int i = 0; i < INTAKES; i++) {
		if (s->in[i].active && s->in[i].turn >= in->turn)
			s->in[i].stall_at_ms = now.mono_ms + WANT_STALL_MS;
	}
}

int body_bulk(struct core *c, struct pair *p, struct now now, const uint8_t *m,
	      size_t n)
{
	struct intake *in;
	struct bulk b;
	int err = 0;

	if (bulk_decode(m, n, &b)) {
		c->counter[COUNT_FRAME_BAD]++;
		return 0;
	}
	in = intake_of(&p->s, b.seq);
	if (!in || b.offset != in->have || b.n > in->asked - in->have) {
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
	not_late(&p->s, now, in);
	if (in->have >= in->edge)
		in->turn = in->edge_turn;
	if (in->have == in->want.bytes)
		return done(c, p, now, in);
	if (in->asked < in->want.bytes && in->asked - in->have <= HALF)
		return ask(c, p, now, in);
	return 0;
}

void body_gone(struct session *s, uint64_t seq)
{
	struct intake *in = intake_of(s, seq);

	if (in)
		stop(in);	/* asked again in a later session */
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
