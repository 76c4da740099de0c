/* SPDX-License-Identifier: ISC */
/**
 * @file evidence.c  What is kept against a side, and when it is none
 *
 * A note that the peer hands us goes into our store, and from there into a
 * dossier that strangers judge.  So nothing of it is kept but what we checked.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "core/state.h"

/* ---- notes ---- */

static unsigned lines_of(const struct note *n, const struct note_key *k)
{
	unsigned count = 0;

	for (size_t i = 0; i < n->lines; i++)
		count += str_is(n->line[i].name, k->name) &&
			 !memcmp(n->line[i].id, k->id, sizeof(k->id));
	return count;
}

int note_known(const struct pair *p, enum feed_of of, const struct note *n,
	       struct buf *out)
{
	const struct note_key *const key[] = {of == FEED_JOINT ? &p->joint_log
					      : of == FEED_OWN ? &p->own_log
							       : &p->peer_log,
					      &p->own_cosig, &p->peer_cosig};

	if (out) {
		buf_reset(out);
		buf_put(out, n->body.p, n->body.n);
		buf_str(out, "\n");
	}
	for (size_t i = 0; i < sizeof(key) / sizeof(key[0]); i++) {
		const struct note_line *line;
		const int err = note_check(n, key[i], NULL, &line);

		if (err == EBADMSG || lines_of(n, key[i]) > 1)
			return EBADMSG;
		if (!err && out)
			buf_put(out, line->whole.p, line->whole.n);
	}
	return out ? out->err : 0;
}

/* ---- keeping ---- */

int proof_keep(struct core *c, struct pair *p, enum proof_kind kind,
	       const void *m, size_t n)
{
	static const char *const name[PROOFS] = {
		[PROOF_FORK_PEER] = "fork",
		[PROOF_FORK_OWN] = "fork",
		[PROOF_FORK_HIDDEN] = "fork",
		[PROOF_FORK_LIE] = "fork",
		[PROOF_HIDDEN] = "hidden",
		[PROOF_ENVELOPE] = "envelope",
		[PROOF_JOINT] = "joint",
		[PROOF_COSIGNATURE] = "cosignature"};
	int err;

	/* the first of a kind says it; or a peer could fill our disk */
	if (p->proofs & 1u << kind)
		return 0;
	err = DB(c, proof_put, p->no, name[kind], m, n);
	if (err)
		return err;
	p->proofs |= (uint8_t)(1u << kind);
	p->dirty = true;
	return 0;
}

int note_keep(struct core *c, struct pair *p, enum feed_of of,
	      const struct note *n, enum proof_kind kind)
{
	struct buf b;
	int err;

	buf_init(&b, NOTE_BYTES_MAX);
	err = note_known(p, of, n, &b);
	if (!err)
		err = proof_keep(c, p, kind, b.p, b.n);
	buf_free(&b);
	return err;
}

/* ---- envelopes ---- */

int envelope_proof(struct core *c, struct pair *p, const struct note *n)
{
	struct cur cur = cur_of(p->s.pending.p, p->s.pending.n);
	struct entries_item it;
	struct buf b, note;
	int err;

	buf_init(&b, BATCH_BYTES_MAX * 2);
	buf_init(&note, NOTE_BYTES_MAX);
	err = note_known(p, FEED_PEER, n, &note);
	buf_printf(&b, "ringdown-envelope/v1\nfrom %" PRIu64 "\nnote %zu\n",
		   p->peer.tree.size, note.n);
	buf_put(&b, note.p, note.n);
	while (!err && cur.n) {
		err = entries_next(&cur, &it);
		if (err)
			break;
		buf_u16(&b, (uint16_t)it.entry_n);
		buf_put(&b, it.entry, it.entry_n);
	}
	if (!err)
		err = b.err;
	if (!err)
		err = proof_keep(c, p, PROOF_ENVELOPE, b.p, b.n);
	buf_free(&b);
	buf_free(&note);
	return err;
}

/* ---- forks ---- */

struct leaves {
	struct core *c;
	uint32_t feed;
	uint64_t first, n;	/* what cache holds */
	uint8_t cache[256][DIGEST_BYTES];
};

static int fill(const struct db_entry *e, void *arg)
{
	struct leaves *l = arg;

	tree_leaf(e->p, e->n, l->cache[l->n++]);
	return 0;
}

static int leaf_at(uint64_t i, uint8_t out[DIGEST_BYTES], void *arg)
{
	struct leaves *l = arg;
	int err;

	if (i < l->first || i >= l->first + l->n) {
		l->first = i;
		l->n = 0;
		err = DB(l->c, entry_walk, l->feed, i, 256, false, fill, l);
		if (err)
			return err;
		if (!l->n)
			return EIO;
	}
	memcpy(out, l->cache[i - l->first], DIGEST_BYTES);
	return 0;
}

struct proof_parts {
	const struct buf *first;
	const uint8_t *prefix;
	struct tree_proof way;
	struct buf *out;
};

static int print_proof(const struct db_note *second, void *arg)
{
	struct proof_parts *pp = arg;
	char b64[B64_SIZE(DIGEST_BYTES)];

	b64_encode(pp->prefix, DIGEST_BYTES, b64);
	buf_printf(pp->out,
		   "ringdown-fork/v1\nfirst %zu\nsecond %zu\nprefix %s\n"
		   "proof %zu\n",
		   pp->first->n, second->n, b64, pp->way.n);
	for (size_t i = 0; i < pp->way.n; i++) {
		b64_encode(pp->way.hash[i], DIGEST_BYTES, b64);
		buf_printf(pp->out, "%s\n", b64);
	}
	buf_put(pp->out, pp->first->p, pp->first->n);
	buf_put(pp->out, second->p, second->n);
	return pp->out->err;
}

int fork_proof(struct core *c, struct pair *p, enum feed_of of,
	       const struct note *first, enum proof_kind kind)
{
	const struct feed *f = of == FEED_OWN ? &p->own : &p->peer;
	const uint32_t feed = feed_id(p->no, of);
	struct leaves l = {.c = c, .feed = feed};
	struct proof_parts pp = {0};
	uint8_t prefix[DIGEST_BYTES];
	struct buf b, note;
	int err;

	assert(first->size && first->size <= f->signed_size);
	if (p->proofs & 1u << kind)
		return 0;
	buf_init(&b, 65536);
	buf_init(&note, NOTE_BYTES_MAX);
	pp.out = &b;
	pp.first = &note;
	pp.prefix = prefix;
	err = note_known(p, of, first, &note);
	if (!err)
		err = feed_root(c, feed, first->size, prefix);
	if (!err && first->size < f->signed_size)
		err = tree_prove_consistency(first->size, f->signed_size,
					     leaf_at, &l, &pp.way);
	if (!err)
		err = DB(c, note_find, feed, NOTE_SIGNED, f->signed_size,
			 UINT64_MAX, print_proof, &pp);
	if (!err)
		err = proof_keep(c, p, kind, b.p, b.n);
	buf_free(&b);
	buf_free(&note);
	return err;
}

/* ---- two trees of our own feed, and restores ---- */

/* What our restores and the peer's clock say about a tree of this size */
struct restores {
	uint64_t size;		/* of the tree */
	uint64_t cosigned_s;	/* by the peer, on it */
	bool cosigned;
	bool any;		/* the peer attested less than size */
	bool lie;		/* after it had cosigned the tree */
	int64_t first_ms;	/* our time of the first such restore */
	bool clock;		/* and our clock went back since */
};

static bool is_clock(const struct entry *e)
{
	return str_is(entry_get(e, "kind"), "clock");
}

static int look_restore(const struct db_entry *e, void *arg)
{
	struct restores *r = arg;
	struct entry parsed;
	struct str v;
	uint64_t to, at;

	if ((e->kind != ENTRY_RESTORE && e->kind != ENTRY_FAULT) ||
	    entry_parse(e->p, e->n, &parsed))
		return 0;
	if (e->kind == ENTRY_FAULT) {
		r->clock |= r->any && is_clock(&parsed);
		return 0;
	}
	v = entry_get(&parsed, "to");
	if (uint_parse(str_cut(&v, ' '), &to) || to >= r->size)
		return 0;
	if (!r->any)
		r->first_ms = e->time_ms;
	r->any = true;
	v = entry_get(&parsed, "attest");
	if (r->cosigned && !uint_parse(str_cut(&v, ' '), &at) &&
	    r->cosigned_s <= at)
		r->lie = true;
	return 0;
}

/* Its clock was set back to before the cosignature: no lie, perhaps */
static int look_clock(const struct db_entry *e, void *arg)
{
	struct restores *r = arg;
	struct entry parsed;

	if (e->kind == ENTRY_FAULT && !entry_parse(e->p, e->n, &parsed) &&
	    is_clock(&parsed) && e->time_ms / 1000 <= (int64_t)r->cosigned_s)
		r->lie = false;
	return 0;
}

static int restores_of(struct core *c, struct pair *p, const struct note *n,
		       struct restores *r)
{
	int err;

	*r = (struct restores){.size = n->size};
	r->cosigned = !note_check(n, &p->peer_cosig, &r->cosigned_s, NULL);
	err = DB(c, entry_walk, feed_id(p->no, FEED_OWN), 0, UINT64_MAX, false,
		 look_restore, r);
	if (!err && r->lie)
		err = DB(c, entry_walk, feed_id(p->no, FEED_PEER), 0,
			 UINT64_MAX, false, look_clock, r);
	return err;
}

static void blame_hidden(struct pair *p, const struct note *n,
			 const struct restores *r)
{
	pair_blame(p, r->lie ? VERDICT_EXPOSED : VERDICT_SUSPECTED,
		   "shows a tree of our feed of size %llu that we signed and "
		   "it did not attest when we were restored",
		   (unsigned long long)n->size);
}

int own_fork(struct core *c, struct pair *p, const struct note *n)
{
	struct restores r;
	int err = restores_of(c, p, n, &r);

	if (err)
		return err;
	if (!r.any) {
		pair_stop(p, "our own key has signed two histories of this "
			     "feed");
		return fork_proof(c, p, FEED_OWN, n, PROOF_FORK_OWN);
	}
	blame_hidden(p, n, &r);
	return fork_proof(c, p, FEED_OWN, n,
			  r.lie ? PROOF_FORK_LIE : PROOF_FORK_HIDDEN);
}

int own_hidden(struct core *c, struct pair *p, const struct note *n, bool *yes)
{
	struct restores r;
	uint64_t time_s;
	int err = restores_of(c, p, n, &r);

	*yes = false;
	/* when we know that entries were lost, this tree may be of them: then
	   they come back, or do not fit, and nothing is signed before */
	if (err || !r.any || p->state == PAIR_RESTORING || r.clock ||
	    note_check(n, &p->own_cosig, &time_s, NULL))
		return err;
	/* our own time on it decreases only with the clock: it is from before
	   the restore */
	if ((int64_t)time_s * 1000 + CLOCK_STEP_MS_MAX + 1000 >= r.first_ms)
		return 0;
	*yes = true;
	blame_hidden(p, n, &r);
	return note_keep(c, p, FEED_OWN, n, PROOF_HIDDEN);
}

static int is_restore(const struct db_entry *e, void *arg)
{
	(void)arg;
	return e->kind == ENTRY_RESTORE ? EEXIST : 0;
}

int peer_restored(struct core *c, const struct pair *p, bool *yes)
{
	const int err = DB(c, entry_walk, feed_id(p->no, FEED_PEER), 0,
			   p->peer.tree.size, false, is_restore, NULL);

	*yes = err == EEXIST;
	return *yes ? 0 : err;
}
