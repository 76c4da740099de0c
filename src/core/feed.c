/* SPDX-License-Identifier: ISC */
/** @file feed.c  Appending, signing, cosigning, the joint tree */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "core/state.h"

/* ---- trees ---- */

const uint8_t *feed_root_now(struct feed *f)
{
	if (!f->root_known)
		tree_root(&f->tree, f->root);
	f->root_known = true;
	return f->root;
}

void feed_grow(struct feed *f, enum entry_kind kind, int64_t time_ms,
	       uint64_t seen, const uint8_t leaf[DIGEST_BYTES], size_t bytes)
{
	assert(seen >= f->seen);
	tree_add(&f->tree, leaf);
	f->root_known = false;
	f->time_ms = time_ms;
	f->seen = seen;
	f->bytes += bytes;
	if (kind != ENTRY_ACK)
		f->spoken = f->tree.size;
	if (kind != ENTRY_ACK && kind != ENTRY_RECEIPT)
		f->loud = f->tree.size;
}

static int add_leaf(const struct db_entry *e, void *arg)
{
	uint8_t leaf[DIGEST_BYTES];

	tree_leaf(e->p, e->n, leaf);
	tree_add(arg, leaf);
	return 0;
}

static int note_root(const struct db_note *n, void *arg)
{
	struct db_note *out = arg;

	*out = *n;
	return 0;
}

int feed_root(struct core *c, uint32_t feed, uint64_t size,
	      uint8_t out[DIGEST_BYTES])
{
	struct db_note n = {.size = UINT64_MAX};
	struct tree t = {0};
	int err;

	err = DB(c, note_find, feed, NOTE_SIGNED, size, UINT64_MAX, note_root,
		 &n);
	if (err && err != ENOENT)
		return err;
	if (!err && n.size == size) {
		memcpy(out, n.root, DIGEST_BYTES);
		return 0;
	}
	if (size) {
		err = DB(c, entry_walk, feed, 0, size, false, add_leaf, &t);
		if (err)
			return err;
	}
	assert(t.size == size);
	tree_root(&t, out);
	return 0;
}

/* ---- notes ---- */

/* body, empty line, signatures; a NULL key does not sign */
static int make_note(struct buf *b, const char *origin, const struct db_note *n,
		     const struct note_key *log, const struct note_key *cosig,
		     uint64_t time_s)
{
	char text[ORIGIN_CHARS_MAX + 96];	/* b moves while it grows */
	int err;

	buf_init(b, NOTE_BYTES_MAX);
	note_body(b, origin, n->size, n->root);
	err = b->err ? b->err
		     : str_copy((struct str){(const char *)b->p, b->n}, text,
				sizeof(text));
	buf_str(b, "\n");
	if (!err && log)
		err = note_sign(b, str_of(text), log, 0);
	if (!err && cosig)
		err = note_sign(b, str_of(text), cosig, time_s);
	return err ? err : b->err;
}

/* ---- own entries ---- */

static int64_t newest_own_word_ms(const struct pair *p)
{
	const int64_t cosigned_ms = (int64_t)p->peer.cosigned_s * 1000;

	return p->own.time_ms > cosigned_ms ? p->own.time_ms : cosigned_ms;
}

/* I4: times never decrease; a small step back reuses the last one */
static int64_t entry_time(const struct pair *p, struct now now)
{
	const int64_t last = newest_own_word_ms(p);

	return now.wall_ms > last ? now.wall_ms : last;
}

static uint64_t cosign_time_s(const struct pair *p, struct now now)
{
	const uint64_t s = now.wall_ms > 0 ? (uint64_t)now.wall_ms / 1000 : 0;

	return s > p->peer.cosigned_s ? s : p->peer.cosigned_s;
}

static int begin_at(struct core *c, struct pair *p, int64_t time_ms,
		    const char *type)
{
	struct envelope env = {
		.origin = str_of(p->names.own_origin),
		.seq = p->own.tree.size,
		.time_ms = time_ms,
		.seen = p->peer.tree.size,
	};

	memcpy(env.seen_root, feed_root_now(&p->peer), DIGEST_BYTES);
	core_draw(c, env.nonce, NONCE_BYTES);
	buf_reset(&c->scratch);
	entry_begin(&c->scratch, &env, type);
	return c->scratch.err;
}

int own_begin(struct core *c, struct pair *p, struct now now, const char *type)
{
	assert(pair_may_sign(p));
	return begin_at(c, p, entry_time(p, now), type);
}

static int own_put(struct core *c, struct pair *p, enum entry_kind kind,
		   const uint8_t *body, size_t body_n, const char *id)
{
	struct entry parsed;
	struct db_entry e = {.seq = p->own.tree.size,
			     .kind = kind,
			     .body = body,
			     .body_n = body_n,
			     .id = id};
	uint8_t leaf[DIGEST_BYTES];
	size_t inlined;
	int err;

	if (c->scratch.err)
		return c->scratch.err;
	e.p = c->scratch.p;
	e.n = c->scratch.n;
	/* what we write must read back, or the other side may refuse it */
	err = entry_parse(e.p, e.n, &parsed);
	if (err || parsed.kind != kind)
		return EINVAL;
	e.time_ms = parsed.env.time_ms;
	e.seen = parsed.env.seen;
	err = DB(c, entry_put, feed_id(p->no, FEED_OWN), &e);
	if (err)
		return err;
	tree_leaf(e.p, e.n, leaf);
	inlined = body_n <= BODY_INLINE_MAX ? body_n : 0;
	if (!line_agrees(kind))
		leaf_put(p, FEED_OWN, e.seq, e.seen, leaf);
	recent_put(p, e.seq, &(struct entries_item){e.p, e.n, body, inlined});
	feed_grow(&p->own, kind, e.time_ms, e.seen, leaf, e.n + inlined);
	p->dirty = true;
	return lines_see(c, p, SIDE_OWN, e.seq, &parsed);
}

int own_append(struct core *c, struct pair *p, enum entry_kind kind,
	       const uint8_t *body, size_t body_n, const char *id)
{
	entry_end(&c->scratch);
	return own_put(c, p, kind, body, body_n, id);
}

int own_append_text(struct core *c, struct pair *p, enum entry_kind kind,
		    const void *text, size_t n)
{
	entry_end(&c->scratch);
	buf_put(&c->scratch, text, n);
	return own_put(c, p, kind, NULL, 0, NULL);
}

void open_fields(const struct pair *p, bool own, struct buf *b)
{
	const struct pairing *n = &p->names;
	const char *own_name = own ? n->own_origin : n->peer_origin,
		   *other = own ? n->peer_origin : n->own_origin;
	char hex[2 * DIGEST_BYTES + 1], vkey[VKEY_CHARS_MAX];

	entry_field(b, "peer", "%s", other);
	hex_encode(n->agreement, DIGEST_BYTES, hex);
	entry_field(b, "agreement", "sha256:%s %" PRIu64, hex,
		    n->agreement_bytes);
	entry_field(b, "pivot", "%s", n->own_pivot == own ? own_name : other);
	note_vkey(own ? &p->own_log : &p->peer_log, vkey);
	entry_field(b, "log-key", "%s", vkey);
	note_vkey(own ? &p->own_cosig : &p->peer_cosig, vkey);
	entry_field(b, "cosigner-key", "%s", vkey);
	hex_encode(own ? p->own_card.next : p->peer_card.next, DIGEST_BYTES,
		   hex);
	entry_field(b, "next-key", "sha256:%s", hex);
}

int own_open(struct core *c, struct pair *p, struct now now)
{
	const int err = own_begin(c, p, now, "open");

	if (err)
		return err;
	open_fields(p, true, &c->scratch);
	return own_append(c, p, ENTRY_OPEN, NULL, 0, NULL);
}

int own_clock(struct core *c, struct pair *p, struct now now)
{
	char was[STAMP_CHARS + 1], at[STAMP_CHARS + 1];
	int err;

	if (now.wall_ms < 0 || !p->own.tree.size ||
	    newest_own_word_ms(p) - now.wall_ms <= CLOCK_STEP_MS_MAX)
		return 0;
	/* named exactly when it explains a smaller time in the feed */
	stamp_print(p->own.time_ms > now.wall_ms ? p->own.time_ms
						 : newest_own_word_ms(p),
		    was);
	stamp_print(now.wall_ms, at);
	err = begin_at(c, p, now.wall_ms, "fault");
	if (err)
		return err;
	entry_field(&c->scratch, "kind", "clock");
	entry_field(&c->scratch, "was", "%s", was);
	entry_field(&c->scratch, "now", "%s", at);
	p->peer.cosigned_s = (uint64_t)now.wall_ms / 1000;
	return own_append(c, p, ENTRY_FAULT, NULL, 0, NULL);
}

int own_sign(struct core *c, struct pair *p, struct now now)
{
	struct db_note n = {.size = p->own.tree.size, .bytes = p->own.bytes};
	struct buf b;
	int err;

	if (p->own.signed_size == p->own.tree.size)
		return 0;
	assert(pair_may_sign(p) && p->own.signed_size < p->own.tree.size);
	memcpy(n.root, feed_root_now(&p->own), DIGEST_BYTES);
	p->peer.cosigned_s = cosign_time_s(p, now);
	err = make_note(&b, p->names.own_origin, &n, &p->own_log, &p->own_cosig,
			p->peer.cosigned_s);
	n.p = b.p;
	n.n = b.n;
	if (!err)
		err = DB(c, note_put, feed_id(p->no, FEED_OWN), NOTE_SIGNED,
			 &n);
	buf_free(&b);
	if (err)
		return err;
	p->own.signed_size = n.size;
	p->signed_bytes = n.bytes;
	p->marker_due = true;
	p->dirty = true;
	return 0;
}

/* ---- cosigning ---- */

int peer_cosign(struct core *c, struct pair *p, struct now now, bool again)
{
	struct db_note n = {.size = p->peer.tree.size, .bytes = p->peer.bytes};
	const enum note_kind kind = again ? NOTE_IDLE : NOTE_COSIGNED;
	const enum msg_type msg =
		p->s.attest_due ? MSG_ATTEST : MSG_COSIGNATURE;
	struct buf b;
	int err;

	/* I3: all they said, but trailing acks, is in what we wrote */
	if (!n.size || p->peer.spoken > p->own.seen ||
	    p->own.signed_size < p->own.tree.size ||
	    (!again && p->peer.cosigned == n.size))
		return 0;
	memcpy(n.root, feed_root_now(&p->peer), DIGEST_BYTES);
	p->peer.cosigned_s = cosign_time_s(p, now);
	err = make_note(&b, p->names.peer_origin, &n, NULL, &p->own_cosig,
			p->peer.cosigned_s);
	n.p = b.p;
	n.n = b.n;
	if (!err)
		err = DB(c, note_put, feed_id(p->no, FEED_PEER), kind, &n);
	if (!err)
		err = lane_send(c, p, now, LANE_RECORD, msg, b.p, b.n, NULL, 0);
	buf_free(&b);
	if (err)
		return err;
	if (n.size > p->peer.cosigned)
		p->peer.cosigned = n.size;
	p->s.attest_due = p->s.cosign_due = false;
	p->dirty = true;
	return 0;
}

/* ---- the joint tree ---- */

struct placing {
	struct core *c;
	struct pair *p;
	bool own;	/* whose entries they are */
	uint64_t seen;	/* of the entries being placed */
};

static int look(const struct db_entry *e, void *arg)
{
	struct placing *l = arg;

	l->seen = e->seen;
	return 0;
}

static int place(const struct db_entry *e, void *arg)
{
	const struct placing *l = arg;
	const int err = add_leaf(e, &l->p->joint);

	return err ? err : line_agree(l->c, l->p, l->own, e);
}

/* Pivot entries one after another, until one has seen more than is placed */
static int place_pivot(const struct db_entry *e, void *arg)
{
	const struct placing *l = arg;

	return e->seen == l->seen ? place(e, arg) : EAGAIN;
}

/* The next pivot entry, and what it has seen, when all that is at hand */
static bool place_recent(struct pair *p, enum feed_of pivot, enum feed_of other,
			 uint64_t there)
{
	uint64_t placed = p->joint.size - p->joint_pivot, seen, any;
	const uint8_t *leaf = leaf_get(p, pivot, p->joint_pivot, &seen);

	if (!leaf || seen > there ||
	    (placed < seen && (!leaf_get(p, other, placed, &any) ||
			       !leaf_get(p, other, seen - 1, &any))))
		return false;
	for (; placed < seen; placed++)
		tree_add(&p->joint, leaf_get(p, other, placed, &any));
	tree_add(&p->joint, leaf);
	p->joint_pivot++;
	p->dirty = true;
	return true;
}

static int place_stored(struct core *c, struct pair *p)
{
	const bool own = p->names.own_pivot;
	const uint32_t pivot = feed_id(p->no, own ? FEED_OWN : FEED_PEER),
		       other = feed_id(p->no, own ? FEED_PEER : FEED_OWN);
	const uint64_t size = own ? p->own.tree.size : p->peer.tree.size,
		       there = own ? p->peer.tree.size : p->own.tree.size;
	int err = 0;

	while (!err && p->joint_pivot < size) {
		struct placing l = {c, p, !own, 0};
		const uint64_t placed = p->joint.size - p->joint_pivot;

		err = DB(c, entry_walk, pivot, p->joint_pivot, 1, false, look,
			 &l);
		if (err || l.seen > there)
			break;
		assert(placed <= l.seen);
		if (placed < l.seen)
			err = DB(c, entry_walk, other, placed, l.seen - placed,
				 false, place, &l);
		if (err)
			break;
		assert(p->joint.size == p->joint_pivot + l.seen);
		l.own = own;
		err = DB(c, entry_walk, pivot, p->joint_pivot,
			 size - p->joint_pivot, false, place_pivot, &l);
		err = err == EAGAIN ? 0 : err;
		p->joint_pivot = p->joint.size - l.seen;
		p->dirty = true;
	}
	return err;
}

int joint_place(struct core *c, struct pair *p)
{
	const bool own = p->names.own_pivot;
	const enum feed_of pivot = own ? FEED_OWN : FEED_PEER,
			   other = own ? FEED_PEER : FEED_OWN;
	int err;

	while (place_recent(p, pivot, other,
			    own ? p->peer.tree.size : p->own.tree.size))
		;
	err = place_stored(c, p);
	leaf_drop(p, pivot, p->joint_pivot);
	leaf_drop(p, other, p->joint.size - p->joint_pivot);
	return err;
}

int joint_offer(struct core *c, struct pair *p, struct now now)
{
	struct db_note n = {.size = p->joint.size};
	struct buf b;
	int err;

	tree_root(&p->joint, n.root);
	p->peer.cosigned_s = cosign_time_s(p, now);
	err = make_note(&b, p->names.joint_origin, &n, &p->joint_log,
			&p->own_cosig, p->peer.cosigned_s);
	n.p = b.p;
	n.n = b.n;
	if (!err)
		err = DB(c, note_put, feed_id(p->no, FEED_JOINT), NOTE_SIGNED,
			 &n);
	if (!err)
		err = lane_send(c, p, now, LANE_RECORD, MSG_JOINT, b.p, b.n,
				NULL, 0);
	buf_free(&b);
	if (err)
		return err;
	p->joint_sent = n.size;
	p->dirty = true;
	return 0;
}

/* The pivot's offer: same tree here?  Then our cosignature completes it */
static int joint_complete(struct core *c, struct pair *p, struct now now,
			  const struct note *note)
{
	struct db_note dn = {.size = note->size};
	struct buf b;
	int err;

	/* the pivot offers again in its next session */
	if (!pair_may_sign(p) || !note_check(note, &p->own_cosig, NULL, NULL))
		return 0;
	buf_init(&b, NOTE_BYTES_MAX);
	memcpy(dn.root, note->root, DIGEST_BYTES);
	p->peer.cosigned_s = cosign_time_s(p, now);
	err = note_known(p, FEED_JOINT, note, &b);
	if (!err)
		err = note_sign(&b, note->body, &p->own_cosig,
				p->peer.cosigned_s);
	if (!err)
		err = b.err;
	dn.p = b.p;
	dn.n = b.n;
	if (!err)
		err = DB(c, note_put, feed_id(p->no, FEED_JOINT), NOTE_SIGNED,
			 &dn);
	if (!err)
		err = lane_send(c, p, now, LANE_RECORD, MSG_JOINT, b.p, b.n,
				NULL, 0);
	buf_free(&b);
	if (err)
		return err;
	p->joint_signed = note->size;
	p->dirty = true;
	return 0;
}

static int keep_joint(struct core *c, struct pair *p, const struct note *note)
{
	struct db_note dn = {.size = note->size};
	struct buf b;
	int err;

	memcpy(dn.root, note->root, DIGEST_BYTES);
	if (note->size > p->joint_signed)
		p->joint_signed = note->size;
	p->dirty = true;
	buf_init(&b, NOTE_BYTES_MAX);
	err = note_known(p, FEED_JOINT, note, &b);
	dn.p = b.p;
	dn.n = b.n;
	if (!err)
		err = DB(c, note_put, feed_id(p->no, FEED_JOINT), NOTE_SIGNED,
			 &dn);
	buf_free(&b);
	return err;
}

/* Another root than both feeds give: proof, unless the pivot was restored and
   signed over what it has lost (record.md 8, check 8) */
static int joint_false(struct core *c, struct pair *p, const struct note *note)
{
	bool restored;
	int err = peer_restored(c, p, &restored);

	if (err)
		return err;
	pair_blame(p, restored ? VERDICT_SUSPECTED : VERDICT_EXPOSED,
		   "signed a joint checkpoint of size %" PRIu64
		   " with another root than both feeds give",
		   note->size);
	c->counter[COUNT_RECORD_BAD]++;
	err = note_keep(c, p, FEED_JOINT, note, PROOF_JOINT);
	return err ? err : session_end(c, p, "joint checkpoint is not true");
}

int joint_message(struct core *c, struct pair *p, struct now now, uint32_t conn,
		  const uint8_t *m, size_t n)
{
	uint8_t root[DIGEST_BYTES];
	struct note note;
	int err;

	if (note_parse(m, n, &note) ||
	    !str_is(note.origin, p->names.joint_origin) ||
	    note_check(&note, &p->joint_log, NULL, NULL) ||
	    note_check(&note, &p->peer_cosig, NULL, NULL) ||
	    note_known(p, FEED_JOINT, &note, NULL)) {
		c->counter[COUNT_RECORD_BAD]++;
		return core_close_path(c, conn, "bad joint checkpoint");
	}
	if (p->names.own_pivot) {
		/* our own offer comes back; our signature on it is checked */
		if (note_check(&note, &p->own_cosig, NULL, NULL) == 0 &&
		    note.size <= p->joint_sent)
			return keep_joint(c, p, &note);
		return 0;
	}
	err = joint_place(c, p);
	/* what follows has not come yet, or we were restored: later */
	if (err || note.size != p->joint.size)
		return err;
	tree_root(&p->joint, root);
	if (memcmp(root, note.root, sizeof(root)))
		return joint_false(c, p, &note);
	return joint_complete(c, p, now, &note);
}
