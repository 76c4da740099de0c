/* SPDX-License-Identifier: ISC */
/** @file peer.c  Checking and taking over what the peer's feed says */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "core/state.h"

/* ---- checking: nothing is written before the whole batch is good ---- */

/* What the check knows while it goes through a batch */
struct check {
	struct core *c;
	struct pair *p;
	bool own;		/* our own entries, given back */
	struct feed f;		/* the feed as it grows */
	const char *rule;	/* what was broken: record.md 8 */
	bool doubt;		/* and a stranger could not tell by whom */
	uint64_t at;
};

static int broken(struct check *k, const char *rule, uint64_t at)
{
	k->rule = rule;
	k->at = at;
	return EBADMSG;
}

static int doubtful(struct check *k, const char *rule, uint64_t at)
{
	k->doubt = true;
	return broken(k, rule, at);
}

static int note_exact(const struct db_note *n, void *arg)
{
	struct db_note *out = arg;

	out->size = n->size;
	memcpy(out->root, n->root, DIGEST_BYTES);
	return 0;
}

/* The root that `seen` names must be ours.  Only sizes that we signed: else a
   peer could make us hash the whole feed for each of its entries. */
static int seen_root(struct check *k, const struct entry *e)
{
	struct pair *p = k->p;
	struct db_note n = {.size = UINT64_MAX};
	int err;

	if (k->own)
		return 0;	/* the peer's feed may not be here again yet */
	if (e->env.seen > p->own.signed_size)
		return doubtful(k, "seen-size", e->env.seq);
	if (!p->seen_valid || p->seen_size != e->env.seen) {
		err = DB(k->c, note_find, feed_id(p->no, FEED_OWN), NOTE_SIGNED,
			 e->env.seen, UINT64_MAX, note_exact, &n);
		if (err && err != ENOENT)
			return err;
		if (n.size != e->env.seen && e->env.seen > p->restored)
			return doubtful(k, "seen-size", e->env.seq);
		err = feed_root(k->c, feed_id(p->no, FEED_OWN), e->env.seen,
				p->seen_root);
		if (err)
			return err;
		p->seen_size = e->env.seen;
		p->seen_valid = true;
	}
	if (!memcmp(p->seen_root, e->env.seen_root, DIGEST_BYTES))
		return 0;
	return e->env.seen ? doubtful(k, "seen-root", e->env.seq)
			   : broken(k, "seen", e->env.seq);
}

static int open_right(struct check *k, const struct entry *e)
{
	struct buf want;
	const char *start, *end;
	int err;

	if (e->kind != ENTRY_OPEN)
		return broken(k, "open", 0);
	buf_init(&want, ENTRY_BYTES_MAX);
	open_fields(k->p, k->own, &want);
	start = e->field[0].name.p;
	end = e->field[e->fields - 1].value.p +
	      e->field[e->fields - 1].value.n + 1;
	err = want.err;
	if (!err &&
	    (want.n != (size_t)(end - start) || memcmp(want.p, start, want.n)))
		err = broken(k, "open", 0);
	buf_free(&want);
	return err;
}

/* A `restore` rests on our word: it must be ours, and of this very tree */
static int restore_right(struct check *k, const struct entry *e)
{
	struct str to = entry_get(e, "to"), attest = entry_get(e, "attest");
	uint8_t root[DIGEST_BYTES], sig[SIG_BYTES], now[DIGEST_BYTES];
	uint64_t size, time_s;
	struct buf body;
	bool ours;
	int err;

	if (uint_parse(str_cut(&to, ' '), &size) ||
	    b64_exact(to, root, sizeof(root)) ||
	    uint_parse(str_cut(&attest, ' '), &time_s) ||
	    b64_exact(attest, sig, sizeof(sig)))
		return broken(k, "attest", e->env.seq);
	buf_init(&body, NOTE_BYTES_MAX);
	note_body(&body, k->p->names.peer_origin, size, root);
	err = body.err;
	ours = !err &&
	       note_cosignature_ok((struct str){(const char *)body.p, body.n},
				   &k->p->own_cosig, time_s, sig);
	buf_free(&body);
	if (err)
		return err;
	if (!ours)
		return broken(k, "attest", e->env.seq);
	tree_root(&k->f.tree, now);
	if (size != k->f.tree.size || memcmp(now, root, sizeof(now)))
		return broken(k, "restore", e->env.seq);
	return 0;
}

static bool time_right(const struct check *k, const struct entry *e)
{
	int64_t was, now;

	if (e->env.time_ms >= k->f.time_ms)
		return true;
	return e->kind == ENTRY_FAULT &&
	       str_is(entry_get(e, "kind"), "clock") &&
	       !stamp_parse(entry_get(e, "was"), &was) &&
	       !stamp_parse(entry_get(e, "now"), &now) && was == k->f.time_ms &&
	       now == e->env.time_ms;
}

static int check_envelope(struct check *k, const struct entry *e)
{
	const uint64_t seq = k->f.tree.size;
	const char *origin =
		k->own ? k->p->names.own_origin : k->p->names.peer_origin;
	int err = 0;

	if (!str_is(e->env.origin, origin))
		return broken(k, "log", seq);
	if (e->env.seq != seq)
		return broken(k, "seq", seq);
	if (!seq != str_is(e->type, "open"))
		return broken(k, "open", seq);
	if (!seq)
		err = open_right(k, e);
	if (err)
		return err;
	if (e->env.seen < k->f.seen)
		return broken(k, "seen", seq);
	if (seq && !time_right(k, e))
		return broken(k, "time", seq);
	if (e->kind == ENTRY_RESTORE && !k->own)
		err = restore_right(k, e);
	return err ? err : seen_root(k, e);
}

static enum receipt_state state_of(const struct entry *e)
{
	const struct str v = entry_get(e, "state");

	if (e->kind == ENTRY_REFUSE)
		return RECEIPT_REFUSED;
	return str_is(v, "opened")      ? RECEIPT_OPENED
	       : str_is(v, "printed")   ? RECEIPT_PRINTED
	       : str_is(v, "delivered") ? RECEIPT_DELIVERED
					: RECEIPT_HELD;
}

static int check_one(struct check *k, const struct entries_item *it,
		     struct taken *t)
{
	struct entry e;
	struct blob_ref blob;
	int err;

	if (entry_parse(it->entry, it->entry_n, &e))
		return broken(k, "grammar", k->f.tree.size);
	err = check_envelope(k, &e);
	if (err)
		return err;
	t->kind = e.kind;
	t->time_ms = e.env.time_ms;
	t->seen = e.env.seen;
	t->bytes = 0;
	t->folds = e.kind == ENTRY_LINE || e.kind >= ENTRY_PROPOSE ||
		   entry_get(&e, "line").n;
	if (!entry_blob(&e, &blob)) {
		memcpy(t->hash, blob.hash, DIGEST_BYTES);
		t->bytes = blob.bytes;
	}
	t->first = 1;
	t->last = 0;
	if (!entry_range(&e, &t->first, &t->last))
		t->state = state_of(&e);
	feed_grow(&k->f, t->kind, t->time_ms, t->seen, t->leaf,
		  it->entry_n + it->body_n);
	return 0;
}

/* Root first: whether the author signed exactly these entries */
static int check_root(struct check *k, const struct note *n)
{
	struct cur c = cur_of(k->p->s.pending.p, k->p->s.pending.n);
	struct tree t = k->f.tree;
	struct entries_item it;
	uint8_t h[DIGEST_BYTES];

	for (size_t i = 0; c.n; i++) {
		const int err = entries_next(&c, &it);

		if (err)
			return err;
		assert(i < BATCH_ENTRIES_MAX);
		tree_leaf(it.entry, it.entry_n, k->c->taken[i].leaf);
		tree_add(&t, k->c->taken[i].leaf);
	}
	tree_root(&t, h);
	return memcmp(h, n->root, DIGEST_BYTES) ? EBADMSG : 0;
}

static int check_batch(struct check *k)
{
	struct cur c = cur_of(k->p->s.pending.p, k->p->s.pending.n);
	struct entries_item it;
	int err = 0;

	for (size_t i = 0; c.n && !err; i++) {
		assert(i < BATCH_ENTRIES_MAX);
		err = entries_next(&c, &it);
		if (!err)
			err = check_one(k, &it, &k->c->taken[i]);
	}
	return err;
}

/* ---- taking over ---- */

/* Extend the newest range up to seq when nothing unsaid lies between */
static bool say(struct said *list, size_t *n, uint64_t seq, uint64_t unsaid)
{
	if (*n && list[*n - 1].last < seq && unsaid <= list[*n - 1].last + 1) {
		list[*n - 1].last = seq;
		return true;
	}
	if (*n == SAID_MAX)
		return false;
	list[(*n)++] = (struct said){seq, seq};
	return true;
}

bool peer_held(struct pair *p, uint64_t seq, bool in_batch)
{
	return say(p->held, &p->helds, seq, in_batch ? p->unheld : seq);
}

/* The body came with its entry, is what the entry names, and may be kept */
static bool body_good(struct core *c, struct pair *p,
		      const struct entries_item *it, const struct taken *t)
{
	uint8_t h[DIGEST_BYTES];

	if (!it->body_n || !pair_may_sign(p))
		return false;
	digest(it->body, it->body_n, h);
	if (t->bytes != it->body_n || memcmp(h, t->hash, sizeof(h))) {
		c->counter[COUNT_BLOB_BAD]++;
		return false;
	}
	if (c->conf.quota_bytes &&
	    p->body_bytes + it->body_n > c->conf.quota_bytes) {
		c->counter[COUNT_QUOTA]++;
		return false;
	}
	return true;
}

static int put_item(struct core *c, struct pair *p, uint64_t seq,
		    const struct entries_item *it, const struct taken *t,
		    struct db_entry *e)
{
	struct db_want w = {.seq = seq, .bytes = t->bytes};
	int err;

	if (body_good(c, p, it, t) && peer_held(p, seq, true)) {
		e->body = it->body;
		e->body_n = it->body_n;
		p->body_bytes += it->body_n;
		return DB(c, entry_put, feed_id(p->no, FEED_PEER), e);
	}
	err = DB(c, entry_put, feed_id(p->no, FEED_PEER), e);
	if (err)
		return err;
	memcpy(w.hash, t->hash, DIGEST_BYTES);
	p->unheld = seq + 1;
	p->wants++;
	return DB(c, want_put, feed_id(p->no, FEED_PEER), &w);
}

/* Our own item, back from the peer: its body, or a note to ask for it */
static int put_own_item(struct core *c, struct pair *p,
			const struct entries_item *it, const struct taken *t,
			struct db_entry *e)
{
	struct db_want w = {.seq = e->seq, .bytes = t->bytes};
	char id[ID_CHARS_MAX + 1];
	uint8_t h[DIGEST_BYTES];
	struct entry parsed;
	uint64_t seq;
	int err = ENOENT;

	/* or a client that repeats this id would be written twice; of what
	   waited its `waiting` may have it */
	if (!entry_parse(it->entry, it->entry_n, &parsed) &&
	    !str_copy(entry_get(&parsed, "id"), id, sizeof(id))) {
		err = DB(c, entry_find_id, feed_id(p->no, FEED_OWN), id, &seq);
		if (err == ENOENT)
			e->id = id;
	}
	if (err && err != ENOENT)
		return err;
	digest(it->body, it->body_n, h);
	if (it->body_n == t->bytes && !memcmp(h, t->hash, sizeof(h))) {
		e->body = it->body;
		e->body_n = it->body_n;
		return DB(c, entry_put, feed_id(p->no, FEED_OWN), e);
	}
	err = DB(c, entry_put, feed_id(p->no, FEED_OWN), e);
	if (err)
		return err;
	memcpy(w.hash, t->hash, DIGEST_BYTES);
	p->wants++;
	return DB(c, want_put, feed_id(p->no, FEED_OWN), &w);
}

/* Receipts and refusals speak of entries of the other feed that their author
   has seen */
static int put_receipt(struct core *c, struct pair *p, enum feed_of of,
		       uint64_t seq, const struct taken *t)
{
	if (t->first > t->last || t->last >= t->seen)
		return 0;
	p->waiters_due = true;
	return DB(c, receipt_put, feed_id(p->no, of), t->first, t->last,
		  t->state, seq);
}

static int take_one(struct core *c, struct pair *p, bool own,
		    const struct entries_item *it, const struct taken *t)
{
	struct feed *f = own ? &p->own : &p->peer;
	const enum feed_of of = own ? FEED_OWN : FEED_PEER;
	struct db_entry e = {.seq = f->tree.size,
			     .kind = t->kind,
			     .seen = t->seen,
			     .time_ms = t->time_ms,
			     .p = it->entry,
			     .n = it->entry_n};
	const bool item = t->kind == ENTRY_NOTICE || t->kind == ENTRY_DOCUMENT;
	int err;

	/* a `waiting` that comes back has lost its item: its id is free, so
	   that the client may give the item again */
	if (item)
		err = own ? put_own_item(c, p, it, t, &e)
			  : put_item(c, p, e.seq, it, t, &e);
	else
		err = DB(c, entry_put, feed_id(p->no, of), &e);
	if (!err && (t->kind == ENTRY_RECEIPT || t->kind == ENTRY_REFUSE))
		err = put_receipt(c, p, own ? FEED_PEER : FEED_OWN, e.seq, t);
	if (!err && t->kind == ENTRY_UNKNOWN && !own)
		(void)say(p->refuse, &p->refuses, e.seq, e.seq);	/* or not */
	if (!line_agrees(t->kind))
		leaf_put(p, of, e.seq, t->seen, t->leaf);
	feed_grow(f, t->kind, t->time_ms, t->seen, t->leaf,
		  it->entry_n + it->body_n);
	if (!t->folds && p->folded[own ? SIDE_OWN : SIDE_PEER] == e.seq)
		p->folded[own ? SIDE_OWN : SIDE_PEER]++;
	return err;
}

static int take_batch(struct core *c, struct pair *p, bool own,
		      const struct note *n)
{
	struct feed *f = own ? &p->own : &p->peer;
	const enum feed_of of = own ? FEED_OWN : FEED_PEER;
	struct cur cur = cur_of(p->s.pending.p, p->s.pending.n);
	struct entries_item it;
	struct db_note dn = {.size = n->size};
	struct buf b;
	int err = 0;

	for (size_t i = 0; cur.n && !err; i++) {
		err = entries_next(&cur, &it);
		if (!err)
			err = take_one(c, p, own, &it, &c->taken[i]);
	}
	if (err)
		return err;
	assert(f->tree.size == n->size);
	f->signed_size = n->size;
	memcpy(f->root, n->root, DIGEST_BYTES);	/* as checked */
	f->root_known = true;
	p->dirty = true;
	buf_reset(&p->s.pending);
	p->s.pending_n = 0;
	buf_init(&b, NOTE_BYTES_MAX);
	err = note_known(p, of, n, &b);
	dn.bytes = f->bytes;
	dn.p = b.p;
	dn.n = b.n;
	memcpy(dn.root, n->root, DIGEST_BYTES);
	if (!err)
		err = DB(c, note_put, feed_id(p->no, of), NOTE_SIGNED, &dn);
	buf_free(&b);
	return err;
}

/* The author signed a tree over something that breaks the rules: that is proof,
   but of what it says of our feed a stranger could not tell who lies */
static int expose(struct core *c, struct pair *p, const struct check *k,
		  const struct note *n)
{
	c->counter[COUNT_RECORD_BAD]++;
	pair_blame(p, k->doubt ? VERDICT_SUSPECTED : VERDICT_EXPOSED,
		   "signed entry %" PRIu64 " which breaks the rule `%s`", k->at,
		   k->rule);
	return k->doubt ? 0 : envelope_proof(c, p, n);
}

int peer_take(struct core *c, struct pair *p, struct now now,
	      const struct note *n, const char **bad)
{
	struct check k = {.c = c, .p = p, .f = p->peer};
	int err;

	assert(p->s.pending_n && p->peer.tree.size + p->s.pending_n == n->size);
	err = check_root(&k, n);
	if (err == EBADMSG) {
		c->counter[COUNT_RECORD_BAD]++;
		pair_blame(p, VERDICT_SUSPECTED,
			   "its checkpoint of size %" PRIu64
			   " does not follow from the entries it sent",
			   n->size);
		*bad = "checkpoint does not fit the entries";
		return 0;
	}
	if (!err)
		err = check_batch(&k);
	if (err == EBADMSG && k.rule) {
		*bad = "an entry breaks the rules of the record";
		return expose(c, p, &k, n);
	}
	if (!err)
		err = take_batch(c, p, false, n);
	if (err)
		return err;
	p->proof_ms = now.wall_ms;
	if (p->peer.tree.size > p->announced)
		p->announced = p->peer.tree.size;
	if (p->peer.spoken > p->own.seen && p->ack_at_ms == UINT64_MAX)
		p->ack_at_ms = now.mono_ms + ACK_DELAY_MS;
	return 0;
}

int own_take_back(struct core *c, struct pair *p, const struct note *n,
		  const char **bad)
{
	struct check k = {.c = c, .p = p, .own = true, .f = p->own};
	int err;

	assert(p->s.pending_n && p->own.tree.size + p->s.pending_n == n->size);
	err = check_root(&k, n);
	if (!err)
		err = check_batch(&k);
	if (err == EBADMSG) {
		/* signed by us, and still not ours: the peer sent other
		   entries than those we signed, or this store has written
		   where it lacked them.  Neither is proven, nothing is signed;
		   a tree of ours not larger than this one would tell */
		c->counter[COUNT_RECORD_BAD]++;
		snprintf(p->why, sizeof(p->why),
			 "the entries that the peer gave back do not continue "
			 "the %" PRIu64
			 " of this store: it keeps ours back, or "
			 "this store was an old copy and has written",
			 p->own.tree.size);
		p->dirty = true;
		*bad = "these are not the entries that we signed";
		return 0;
	}
	if (!err)
		err = take_batch(c, p, true, n);
	if (!err)
		p->restored = n->size;
	if (!err && n->size >= p->restore_to)
		p->s.fetch_sent = false;	/* next: the attestation */
	return err;
}

/* ---- answering ---- */

static int answer_held(struct core *c, struct pair *p, struct now now,
		       const struct said *s)
{
	uint64_t first = s->first;
	int err = 0;

	/* what was said before a restore, and whose body came again, is not
	   said twice */
	for (; first <= s->last; first++) {
		unsigned bits = 0;

		err = DB(c, receipt_bits, feed_id(p->no, FEED_PEER), first,
			 &bits);
		if (err || !(bits & 1u << RECEIPT_HELD))
			break;
	}
	if (err || first > s->last)
		return err;
	err = own_begin(c, p, now, "receipt");
	if (err)
		return err;
	entry_field(&c->scratch, "state", "held");
	entry_field(&c->scratch, "of", "%" PRIu64 " %" PRIu64, first, s->last);
	err = own_append(c, p, ENTRY_RECEIPT, NULL, 0, NULL);
	if (err)
		return err;
	return DB(c, receipt_put, feed_id(p->no, FEED_PEER), first, s->last,
		  RECEIPT_HELD, p->own.tree.size - 1);
}

static int answer_refuse(struct core *c, struct pair *p, struct now now,
			 const struct said *s)
{
	int err = own_begin(c, p, now, "refuse");

	if (err)
		return err;
	entry_field(&c->scratch, "of", "%" PRIu64 " %" PRIu64, s->first,
		    s->last);
	entry_field(&c->scratch, "reason", "not-understood");
	err = own_append(c, p, ENTRY_REFUSE, NULL, 0, NULL);
	if (err)
		return err;
	return DB(c, receipt_put, feed_id(p->no, FEED_PEER), s->first, s->last,
		  RECEIPT_REFUSED, p->own.tree.size - 1);
}

int peer_answer(struct core *c, struct pair *p, struct now now)
{
	int err = 0;

	for (size_t i = 0; i < p->helds && !err; i++)
		err = answer_held(c, p, now, &p->held[i]);
	for (size_t i = 0; i < p->refuses && !err; i++)
		err = answer_refuse(c, p, now, &p->refuse[i]);
	p->helds = p->refuses = 0;
	return err;
}
