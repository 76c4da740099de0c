/* SPDX-License-Identifier: ISC */
/**
 * @file hello.c  Joining a path; what both sides hold; restore and fork
 *
 * HELLO shows each side what the other holds of both feeds.  Nothing of it is
 * believed without the signature that belongs to it, and nothing is appended
 * because of it: it only decides from where the feeds are pushed, whether we
 * are the older copy of ourselves, and whether somebody has two histories.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "core/state.h"

/* ---- out ---- */

static int copy_note(const struct db_note *n, void *arg)
{
	buf_put(arg, n->p, n->n);
	return ((struct buf *)arg)->err;
}

static struct str newest_note(struct core *c, struct pair *p, enum feed_of of,
			      struct buf *b, int *err)
{
	buf_init(b, NOTE_BYTES_MAX);
	*err = DB(c, note_find, feed_id(p->no, of), NOTE_SIGNED, UINT64_MAX,
		  UINT64_MAX, copy_note, b);
	if (*err == ENOENT)
		*err = 0;
	return (struct str){b->n ? (const char *)b->p : "", b->n};
}

int hello_out(struct core *c, struct now now, struct pair *p,
	      const struct path *path)
{
	struct hello h = {.version = PROTOCOL_VERSION,
			  .role = (uint8_t)path->role,
			  .path = path->number,
			  .from = str_of(p->own_card.name),
			  .to = str_of(p->peer_card.name),
			  .time_ms = now.wall_ms > 0 ? now.wall_ms : 0,
			  .seen = {"", 0}};
	struct buf own, held, out;
	struct queued *q;
	int err, err2;

	memcpy(h.sid, p->s.sid, SID_BYTES);
	if (p->s.known)
		memcpy(h.peer_sid, p->s.peer_sid, SID_BYTES);
	for (int i = 0; i < LANES; i++)
		h.rx[i] = p->s.lane[i].rx;
	h.own = newest_note(c, p, FEED_OWN, &own, &err);
	h.held = newest_note(c, p, FEED_PEER, &held, &err2);
	buf_init(&out, FRAME_BYTES_MAX);
	err = err ? err : err2;
	if (!err)
		err = hello_encode(&h, path->exporter, c->conf.trunk, &out);
	q = err ? NULL : core_queue(c, ACTION_FRAME, path->conn);
	if (q) {
		q->a.type = FRAME_HELLO;
		q->body = octets_make(out.p, out.n, NULL, 0);
	}
	if (!err && (!q || !q->body))
		err = ENOMEM;
	buf_free(&own);
	buf_free(&held);
	buf_free(&out);
	return err;
}

/* ---- in: what they say of their own feed ---- */

struct heads {
	bool own;	/* they showed a checkpoint of their feed */
	struct note own_note;
	bool held;	/* and one of ours */
	struct note held_note;
};

/* Their newest checkpoint against our mirror */
static int peer_head(struct core *c, struct pair *p, struct now now,
		     const struct note *n)
{
	uint8_t root[DIGEST_BYTES];
	int err;

	if (n->size > p->announced)
		p->announced = n->size;
	p->proof_ms = now.wall_ms;
	if (n->size > p->peer.tree.size || !n->size)
		return 0;
	err = feed_root(c, feed_id(p->no, FEED_PEER), n->size, root);
	if (err || !memcmp(root, n->root, sizeof(root)))
		return err;
	err = fork_proof(c, p, FEED_PEER, n, PROOF_FORK_PEER);
	pair_blame(p, VERDICT_EXPOSED,
		   "signed two different trees of its feed: size %" PRIu64
		   " is no beginning of size %" PRIu64,
		   n->size, p->peer.tree.size);
	return err;
}

/* The peer holds more of ours than we do.  That is known from now on, whatever
   it shows later: nothing is signed before we are so far again */
static void older(struct pair *p, uint64_t size)
{
	if (p->state == PAIR_RESTORING && size <= p->restore_to)
		return;
	if (p->state != PAIR_RESTORING)
		p->restore_from = p->own.tree.size;
	p->state = PAIR_RESTORING;
	p->restore_to = size;
	p->dirty = true;
	snprintf(p->why, sizeof(p->why),
		 "the peer holds %" PRIu64
		 " of our entries, this store only %" PRIu64,
		 size, p->own.tree.size);
}

/* Our feed as they hold it against ours.  *ours: it is the same */
static int own_head(struct core *c, struct pair *p, const struct note *n,
		    bool *ours)
{
	uint8_t root[DIGEST_BYTES];
	bool hidden;
	int err;

	if (n->size > p->own.signed_size) {
		/* this turn has written on an older copy: it must be void */
		if (p->own.tree.size > p->own.signed_size)
			return ESTALE;
		err = own_hidden(c, p, n, &hidden);
		*ours = !hidden;
		if (err || hidden)
			return err;
		/* signed by us, and we do not have it: we were rolled back */
		older(p, n->size);
		return 0;
	}
	err = n->size ? feed_root(c, feed_id(p->no, FEED_OWN), n->size, root)
		      : 0;
	if (err || !n->size || !memcmp(root, n->root, sizeof(root)))
		return err;
	*ours = false;
	return own_fork(c, p, n);
}

/* ---- in: the session ---- */

static int resume(struct core *c, struct pair *p, struct now now,
		  const struct path *path, const struct hello *h)
{
	const bool knows_us = !memcmp(h->peer_sid, p->s.sid, SID_BYTES);
	int err = 0;

	for (int i = 0; i < LANES && !err; i++) {
		if (knows_us)
			lane_acked(p, now, (enum lane)i, h->rx[i]);
		err = lane_resend(c, p, now, (enum lane)i, path->conn,
				  LANE_FRAMES_MAX);
	}
	return err;
}

static int begin(struct core *c, struct pair *p, struct now now,
		 const struct path *path, const struct hello *h,
		 const struct heads *heads)
{
	int err = 0;

	/* what is still under way on the paths of the old session is not of
	   this one, though its numbers may look so */
	for (struct path *o = c->paths; o && !err; o = o->next) {
		if (o != path && o->joined && o->pair == p->no)
			err = core_close_path(c, o->conn,
					      "a new session has begun");
	}
	session_reset(c, &p->s, false);
	memcpy(p->s.peer_sid, h->sid, SID_BYTES);
	p->s.known = true;
	p->s.since_ms = now.mono_ms;
	p->s.hello_ms = h->time_ms;
	p->s.push_next = heads->held ? heads->held_note.size : 0;
	if (p->s.push_next > p->own.signed_size)
		p->s.push_next = p->own.signed_size;
	p->s.peer_behind =
		(heads->own ? heads->own_note.size : 0) < p->peer.tree.size;
	sync_start(p, now);
	return err;
}

static int join(struct core *c, struct pair *p, struct now now,
		struct path *path, const struct hello *h,
		const struct heads *heads)
{
	const bool same =
		p->s.known && !memcmp(h->sid, p->s.peer_sid, SID_BYTES);
	int err;

	if (!core_queue(c, ACTION_JOINED, path->conn))
		return ENOMEM;
	path->joined = true;
	if (!p->s.paths++) {
		p->idle_at_ms = now.mono_ms + IDLE_COSIGN_MS;
		p->down_at_ms = UINT64_MAX;
	}
	p->offset_ms = h->time_ms - now.wall_ms;
	p->dirty = true;
	if (same)
		err = resume(c, p, now, path, h);
	else
		err = begin(c, p, now, path, h, heads);
	return err;
}

/* ---- in ---- */

static const char *refuse(const struct pair *p, const struct path *path,
			  const struct hello *h)
{
	if (!str_is(h->from, p->peer_card.name) ||
	    !str_is(h->to, p->own_card.name))
		return "HELLO names other exchanges than this pairing";
	/* the number is the sender's own: ends may number a path differently */
	if (h->role == path->role)
		return "HELLO has our own role";
	if (h->version != PROTOCOL_VERSION)
		return "protocol version not spoken here";
	if (p->state != PAIR_LIVE && p->state != PAIR_RESTORING)
		return "this pairing is closed here";
	if (p->verdict == VERDICT_EXPOSED)
		return "your record is proven false: ask your operator";
	return NULL;
}

/* A note is there and good, or not there; else false */
static bool head_of(const struct pair *p, enum feed_of of, struct str text,
		    struct note *out, bool *there)
{
	const struct note_key *k = of == FEED_OWN ? &p->own_log : &p->peer_log;

	*there = text.n != 0;
	return !text.n || (!note_parse(text.p, text.n, out) &&
			   str_is(out->origin, k->name) &&
			   !note_check(out, k, NULL, NULL) &&
			   !note_known(p, of, out, NULL));
}

int hello_in(struct core *c, struct now now, struct pair *p, struct path *path,
	     const uint8_t *m, size_t n)
{
	struct heads heads;
	struct hello h;
	const char *why;
	int err;

	if (path->joined || hello_decode(m, n, &h) ||
	    !hello_signed(m, n, path->exporter, p->trunk_key)) {
		c->counter[COUNT_HELLO_BAD]++;
		return core_close_path(c, path->conn, "bad HELLO");
	}
	why = refuse(p, path, &h);
	if (why) {
		c->counter[COUNT_HELLO_REFUSED]++;
		return core_close_path(c, path->conn, why);
	}
	if (!head_of(p, FEED_PEER, h.own, &heads.own_note, &heads.own) ||
	    !head_of(p, FEED_OWN, h.held, &heads.held_note, &heads.held)) {
		c->counter[COUNT_RECORD_BAD]++;
		return core_close_path(c, path->conn, "HELLO shows a bad note");
	}
	err = heads.own ? peer_head(c, p, now, &heads.own_note) : 0;
	if (!err && heads.held)
		err = own_head(c, p, &heads.held_note, &heads.held);
	if (err)
		return err;
	if (p->state == PAIR_STOPPED || p->verdict == VERDICT_EXPOSED)
		return session_end(c, p,
				   p->state == PAIR_STOPPED
					   ? "this pairing is closed here"
					   : "your record is proven false");
	return join(c, p, now, path, &h, &heads);
}

/* ---- restore ---- */

int restore_end(struct core *c, struct pair *p, struct now now,
		const struct note *attest, uint64_t time_s,
		const uint8_t sig[SIG_BYTES])
{
	char root[B64_SIZE(DIGEST_BYTES)], sig64[B64_SIZE(SIG_BYTES)];
	int err;

	/* not before all is here: what we signed, and what we had seen */
	if (p->state != PAIR_RESTORING || attest->size != p->own.tree.size ||
	    attest->size < p->restore_to || p->peer.tree.size < p->own.seen ||
	    p->peer.tree.size < p->announced ||
	    memcmp(attest->root, feed_root_now(&p->own), DIGEST_BYTES))
		return 0;
	p->state = PAIR_LIVE;
	p->restore_to = 0;
	p->why[0] = '\0';
	p->dirty = true;
	err = own_begin(c, p, now, "restore");
	if (err)
		return err;
	b64_encode(attest->root, DIGEST_BYTES, root);
	b64_encode(sig, SIG_BYTES, sig64);
	entry_field(&c->scratch, "from", "%" PRIu64, p->restore_from);
	entry_field(&c->scratch, "to", "%" PRIu64 " %s", attest->size, root);
	entry_field(&c->scratch, "attest", "%" PRIu64 " %s", time_s, sig64);
	return own_append(c, p, ENTRY_RESTORE, NULL, 0, NULL);
}
