/* SPDX-License-Identifier: ISC */
/** @file sync.c  Messages in the lanes, pushing feeds */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "core/state.h"

/* ---- pushing ---- */

struct push {
	struct core *c;
	struct pair *p;
	struct now now;
	enum whose whose;
	uint64_t first;		/* of the frame being filled */
	uint16_t count;
	struct buf items;
};

#define PUSH_BYTES (FRAME_BYTES_MAX - LANE_HEAD_BYTES - 16)

static int push_flush(struct push *u)
{
	struct buf head;
	int err;

	if (!u->count)
		return 0;
	buf_init(&head, 64);
	entries_begin(&head, u->whose, u->first, u->count);
	err = head.err ? head.err : u->items.err;
	if (!err)
		err = lane_send(u->c, u->p, u->now, LANE_RECORD, MSG_ENTRIES,
				head.p, head.n, u->items.p, u->items.n);
	buf_free(&head);
	u->first += u->count;
	u->count = 0;
	buf_reset(&u->items);
	return err;
}

static int push_item(struct push *u, const struct entries_item *it)
{
	int err = 0;

	if (u->items.n + 4 + it->entry_n + it->body_n > PUSH_BYTES)
		err = push_flush(u);
	if (!err) {
		entries_add(&u->items, it);
		u->count++;
		err = u->items.err;
	}
	return err;
}

static int push_entry(const struct db_entry *e, void *arg)
{
	const bool inlined = e->body && e->body_n <= BODY_INLINE_MAX;

	return push_item(
		arg, &(struct entries_item){.entry = e->p,
					    .entry_n = e->n,
					    .body = inlined ? e->body : NULL,
					    .body_n = inlined ? e->body_n : 0});
}

/* Entries next to end - 1: those just appended need not be read */
static int push_entries(struct push *u, uint32_t feed, uint64_t next,
			uint64_t end)
{
	struct recent *r = &u->p->recent;
	struct entries_item it;
	int err = 0;

	if (u->whose == WHOSE_SENDER)
		recent_skip(u->p, next);
	if (u->whose == WHOSE_SENDER && r->first == next &&
	    r->n >= end - next) {
		for (; next < end && !err; next++)
			err = recent_next(u->p, &it) ? push_item(u, &it)
						     : ENOMEM;
		return err;
	}
	return DB(u->c, entry_walk, feed, next, end - next, true, push_entry,
		  u);
}

static int push_note(const struct db_note *n, void *arg)
{
	struct push *u = arg;
	const uint8_t whose = (uint8_t)u->whose;

	return lane_send(u->c, u->p, u->now, LANE_RECORD, MSG_CHECKPOINT,
			 &whose, 1, n->p, n->n);
}

static int note_size(const struct db_note *n, void *arg)
{
	struct db_note *out = arg;

	out->size = n->size;
	out->bytes = n->bytes;
	return 0;
}

/* One batch from *next on, ended by a checkpoint that its author signed.
   ENOENT: there is none to end it. */
static int push_batch(struct push *u, uint32_t feed, uint64_t *next)
{
	struct db_note from = {0}, to = {0};
	int err;

	/* bytes below *next; unknown (a size without note) counts as none */
	err = DB(u->c, note_find, feed, NOTE_SIGNED, *next, UINT64_MAX,
		 note_size, &from);
	if (err && err != ENOENT)
		return err;
	err = DB(u->c, note_find, feed, NOTE_SIGNED, *next + BATCH_ENTRIES_MAX,
		 from.bytes + BATCH_BYTES_MAX, note_size, &to);
	if (err)
		return err;
	if (to.size <= *next)
		return ENOENT;
	u->first = *next;
	err = push_entries(u, feed, *next, to.size);
	if (!err)
		err = push_flush(u);
	if (!err)
		err = DB(u->c, note_find, feed, NOTE_SIGNED, to.size,
			 UINT64_MAX, push_note, u);
	if (!err)
		*next = to.size;
	return err;
}

static int push_feed(struct core *c, struct pair *p, struct now now,
		     enum whose whose, uint64_t *next, uint64_t end)
{
	struct push u = {.c = c, .p = p, .now = now, .whose = whose};
	const uint32_t feed =
		feed_id(p->no, whose == WHOSE_SENDER ? FEED_OWN : FEED_PEER);
	int err = 0;

	buf_init(&u.items, FRAME_BYTES_MAX);
	while (!err && *next < end && lane_room(p, LANE_RECORD))
		err = push_batch(&u, feed, next);
	buf_free(&u.items);
	return err == ENOENT ? 0 : err;
}

static int ask_back(struct core *c, struct pair *p, struct now now)
{
	struct buf b;
	int err;

	buf_init(&b, 16);
	buf_u64(&b, p->own.tree.size);
	err = b.err ? b.err
		    : lane_send(c, p, now, LANE_RECORD, MSG_FETCH, b.p, b.n,
				NULL, 0);
	buf_free(&b);
	p->s.fetch_sent = true;
	return err;
}

/* The peer asked for its entries back: they, and then our word on the largest */
static int push_back(struct core *c, struct pair *p, struct now now)
{
	const int err = push_feed(c, p, now, WHOSE_RECEIVER, &p->s.fetch_next,
				  p->peer.signed_size);

	if (err || p->s.fetch_next < p->peer.signed_size)
		return err;
	p->s.fetching = p->s.peer_behind = false;
	p->s.attest_due = true;
	return 0;
}

int sync_push(struct core *c, struct pair *p, struct now now)
{
	int err;

	if (!p->s.paths || !p->s.known)
		return 0;
	if (p->s.fetching) {
		err = push_back(c, p, now);
		if (err)
			return err;
	}
	if (!p->s.peer_behind) {
		err = push_feed(c, p, now, WHOSE_SENDER, &p->s.push_next,
				p->own.signed_size);
		if (err)
			return err;
	}
	if (p->state != PAIR_RESTORING || p->s.fetch_sent)
		return 0;
	/* first our own entries; then, when each has what the other holds,
	   the peer can attest */
	if (p->own.tree.size < p->restore_to ||
	    (p->s.push_next == p->own.signed_size &&
	     p->peer.tree.size >= p->announced))
		return ask_back(c, p, now);
	return 0;
}

void sync_start(struct pair *p, struct now now)
{
	p->s.cosign_due = true;
	p->joint_at_ms = now.mono_ms;
}

/* ---- messages ---- */

int session_end(struct core *c, struct pair *p, const char *why)
{
	int err = 0;

	/* a new session, or the same frame would come again for ever */
	session_reset(c, &p->s, true);
	for (struct path *path = c->paths; path && !err; path = path->next) {
		if (path->pair == p->no && !path->closing)
			err = core_close_path(c, path->conn, why);
	}
	return err;
}

static int entries_in(struct core *c, struct pair *p, const uint8_t *m,
		      size_t n)
{
	struct cur cur = cur_of(m, n);
	struct feed *f;
	struct entries_item it;
	uint64_t first, next;
	uint16_t count;
	uint8_t whose;

	if (entries_open(&cur, &whose, &first, &count))
		return session_end(c, p, "bad ENTRIES");
	f = whose == WHOSE_SENDER ? &p->peer : &p->own;
	if (p->s.pending_n && p->s.pending_whose != whose)
		return session_end(c, p, "ENTRIES of both feeds mixed");
	if (whose == WHOSE_RECEIVER && p->state != PAIR_RESTORING)
		return 0;	/* we did not ask, or it is over */
	next = f->tree.size + p->s.pending_n;
	if (first > next)
		return session_end(c, p, "ENTRIES leave a gap");
	p->s.pending_whose = whose;
	for (uint64_t seq = first; count; seq++, count--) {
		if (entries_next(&cur, &it))
			return session_end(c, p, "bad ENTRIES");
		if (seq < next)
			continue;	/* held already */
		if (p->s.pending_n == BATCH_ENTRIES_MAX)
			return session_end(c, p, "more ENTRIES than a batch");
		entries_add(&p->s.pending, &it);
		p->s.pending_n++;
	}
	if (!cur_done(&cur) || p->s.pending.err == EMSGSIZE)
		return session_end(c, p, "bad ENTRIES");
	return p->s.pending.err;
}

/* A checkpoint of something that we hold already: only a fork matters */
static int known_checkpoint(struct core *c, struct pair *p,
			    const struct note *n)
{
	uint8_t root[DIGEST_BYTES];
	int err;

	if (!n->size)
		return 0;
	err = feed_root(c, feed_id(p->no, FEED_PEER), n->size, root);
	if (err || !memcmp(root, n->root, sizeof(root)))
		return err;
	c->counter[COUNT_RECORD_BAD]++;
	err = fork_proof(c, p, FEED_PEER, n, PROOF_FORK_PEER);
	pair_blame(p, VERDICT_EXPOSED,
		   "signed two different trees of size %" PRIu64, n->size);
	return err ? err : session_end(c, p, "your record is proven false");
}

static int checkpoint_in(struct core *c, struct now now, struct pair *p,
			 const uint8_t *m, size_t n)
{
	const bool own = n && m[0] == WHOSE_RECEIVER;
	const struct note_key *log = own ? &p->own_log : &p->peer_log;
	struct feed *f = own ? &p->own : &p->peer;
	const char *bad = NULL;
	struct note note;
	int err;

	if (!n || m[0] > WHOSE_RECEIVER || note_parse(m + 1, n - 1, &note) ||
	    !str_is(note.origin, log->name) ||
	    note_check(&note, log, NULL, NULL) ||
	    note_known(p, own ? FEED_OWN : FEED_PEER, &note, NULL)) {
		c->counter[COUNT_RECORD_BAD]++;
		return session_end(c, p, "bad CHECKPOINT");
	}
	if (own && p->state != PAIR_RESTORING)
		return 0;
	if (note.size <= f->tree.size)
		return own ? 0 : known_checkpoint(c, p, &note);
	if (!p->s.pending_n || p->s.pending_whose != m[0] ||
	    note.size != f->tree.size + p->s.pending_n)
		return session_end(c, p, "CHECKPOINT does not end its ENTRIES");
	err = own ? own_take_back(c, p, &note, &bad)
		  : peer_take(c, p, now, &note, &bad);
	if (err || !bad)
		return err;
	return session_end(c, p, bad);
}

static int not_ack(const struct db_entry *e, void *arg)
{
	(void)arg;
	return e->kind == ENTRY_ACK ? 0 : EEXIST;
}

/* Rule I3: before it cosigned, it said in its own feed that it has seen us */
static int check_seen(struct core *c, struct pair *p, uint64_t size)
{
	int err = 0;

	if (size > p->peer.seen)
		err = DB(c, entry_walk, feed_id(p->no, FEED_OWN), p->peer.seen,
			 size - p->peer.seen, false, not_ack, NULL);
	if (err == EEXIST)
		pair_blame(p, VERDICT_SUSPECTED,
			   "cosigned %" PRIu64 " of our entries, but its own "
			   "feed says that it has seen only %" PRIu64,
			   size, p->peer.seen);
	return err == EEXIST ? 0 : err;
}

/* Of a size the first and the latest are kept */
static int keep_cosignature(struct core *c, struct pair *p,
			    const struct note *note, uint64_t time_s)
{
	struct db_note dn = {.size = note->size};
	const enum note_kind kind =
		note->size > p->own.cosigned ? NOTE_COSIGNED : NOTE_IDLE;
	struct buf b;
	int err;

	if (kind == NOTE_IDLE &&
	    (note->size < p->own.cosigned || time_s < p->own.cosigned_s))
		return 0;
	p->own.cosigned = note->size;
	p->own.cosigned_s = time_s;
	p->dirty = p->waiters_due = true;
	memcpy(dn.root, note->root, DIGEST_BYTES);
	buf_init(&b, NOTE_BYTES_MAX);
	err = note_known(p, FEED_OWN, note, &b);
	dn.p = b.p;
	dn.n = b.n;
	if (!err)
		err = DB(c, note_put, feed_id(p->no, FEED_OWN), kind, &dn);
	buf_free(&b);
	return err;
}

static int cosigned_other(struct core *c, struct pair *p,
			  const struct note *note)
{
	int err;

	c->counter[COUNT_RECORD_BAD]++;
	if (!note_check(note, &p->own_log, NULL, NULL)) {
		err = own_fork(c, p, note);
	} else {
		pair_blame(p, VERDICT_SUSPECTED,
			   "cosigned another tree of our feed at size %" PRIu64,
			   note->size);
		err = note_keep(c, p, FEED_OWN, note, PROOF_COSIGNATURE);
	}
	return err ? err
		   : session_end(c, p, "this is not the tree that we signed");
}

/* Their word that they hold our feed */
static int cosignature_in(struct core *c, struct now now, struct pair *p,
			  const uint8_t *m, size_t n, bool attest)
{
	const int64_t fresh_ms = p->s.hello_ms - CLOCK_STEP_MS_MAX - 1000;
	const struct note_line *line;
	uint8_t root[DIGEST_BYTES];
	uint64_t time_s = 0;
	struct note note;
	int err;

	if (note_parse(m, n, &note) ||
	    !str_is(note.origin, p->names.own_origin) ||
	    note_check(&note, &p->peer_cosig, &time_s, &line) ||
	    note_known(p, FEED_OWN, &note, NULL)) {
		c->counter[COUNT_RECORD_BAD]++;
		return session_end(c, p, "bad COSIGNATURE");
	}
	p->proof_ms = now.wall_ms;
	if (!note.size || note.size > p->own.signed_size)
		return 0;	/* of what we lost: FETCH brings it back */
	err = feed_root(c, feed_id(p->no, FEED_OWN), note.size, root);
	if (err)
		return err;
	if (memcmp(root, note.root, sizeof(root)))
		return cosigned_other(c, p, &note);
	/* an old one would not say what it has seen since */
	if (attest && p->state == PAIR_RESTORING && fresh_ms > 0 &&
	    time_s < (uint64_t)fresh_ms / 1000)
		return session_end(c, p, "ATTEST is older than HELLO");
	err = check_seen(c, p, note.size);
	if (!err)
		err = keep_cosignature(c, p, &note, time_s);
	if (!err && attest)
		err = restore_end(c, p, now, &note, time_s, line->sig + 8);
	return err;
}

static int fetch_in(struct core *c, struct pair *p, const uint8_t *m, size_t n)
{
	struct cur cur = cur_of(m, n);
	const uint64_t from = cur_u64(&cur);

	if (!cur_done(&cur) || from > p->peer.tree.size)
		return session_end(c, p, "bad FETCH");
	p->s.fetching = true;
	p->s.fetch_next = from;
	return 0;
}

static int gone_in(struct core *c, struct pair *p, const uint8_t *m, size_t n)
{
	struct cur cur = cur_of(m, n);
	const uint64_t seq = cur_u64(&cur);

	if (!cur_done(&cur))
		return session_end(c, p, "bad GONE");
	body_gone(&p->s, seq);
	return 0;
}

/* Technicians' chat: shown, and forgotten */
static int service_in(struct core *c, struct pair *p, const uint8_t *m,
		      size_t n)
{
	struct cur cur = cur_of(m, n);
	const size_t by_n = cur_u8(&cur);
	const char *by = (const char *)cur_take(&cur, by_n);
	struct queued *q;

	if (!by || !by_n || by_n > SERVICE_BY_CHARS_MAX || !cur.n ||
	    cur.n > SERVICE_BYTES_MAX || !utf8_ok(by, by_n, false) ||
	    !utf8_ok((const char *)m + 1 + by_n, cur.n, true)) {
		c->counter[COUNT_FRAME_BAD]++;
		return 0;
	}
	q = core_queue(c, ACTION_SERVICE, 0);
	if (!q)
		return ENOMEM;
	q->a.pair = p->no;
	q->body = octets_make(m, n, NULL, 0);
	return q->body ? 0 : ENOMEM;
}

int sync_message(struct core *c, struct now now, struct pair *p, uint32_t conn,
		 const struct lane_frame *f)
{
	switch (f->msg) {
	case MSG_ENTRIES: return entries_in(c, p, f->body, f->body_n);
	case MSG_CHECKPOINT:
		return checkpoint_in(c, now, p, f->body, f->body_n);
	case MSG_COSIGNATURE:
	case MSG_ATTEST:
		return cosignature_in(c, now, p, f->body, f->body_n,
				      f->msg == MSG_ATTEST);
	case MSG_JOINT:
		return joint_message(c, p, now, conn, f->body, f->body_n);
	case MSG_WANT: return body_asked(c, p, now, f->body, f->body_n);
	case MSG_FETCH: return fetch_in(c, p, f->body, f->body_n);
	case MSG_GONE: return gone_in(c, p, f->body, f->body_n);
	case MSG_SERVICE: return service_in(c, p, f->body, f->body_n);
	default:
		/* a later version's message: taken, and not understood */
		c->counter[COUNT_FRAME_BAD]++;
		return 0;
	}
}
