/* SPDX-License-Identifier: ISC */
/** @file evidence.c  Checks 9 and 10: blobs and proofs (record.md 7, 8) */
#include "verify/verify.h"
#include <stdlib.h>
#include <string.h>

static int named_cmp(const void *a, const void *b)
{
	return memcmp(((const struct named *)a)->hash,
		      ((const struct named *)b)->hash, HASH_LEN);
}

/* Files and what is named are both in order of the hashes: go along both */
void check_blobs(struct dossier *d)
{
	const struct named *n = d->named;
	size_t at = 0;

	if (d->nameds)
		qsort(d->named, d->nameds, sizeof(*n), named_cmp);
	for (size_t k = 0; k < d->nameds; k++)
		d->withheld += !k || named_cmp(&n[k - 1], &n[k]);
	for (size_t i = 0; i < d->files; i++) {
		const char *name = d->file[i].name;
		struct named file;
		uint8_t hash[HASH_LEN];
		struct slice s;
		bool sized = false;

		if (!scan(slice_of(name), "blob/%x", file.hash))
			continue;
		while (at < d->nameds && named_cmp(&n[at], &file) < 0)
			at++;
		if (at == d->nameds || named_cmp(&n[at], &file))
			invalid(d, "unbound", name, WHOLE);
		s = file_map(d->dir, name, INT64_MAX);
		hash_bytes(s.p, s.n, hash);
		for (; at < d->nameds && !named_cmp(&n[at], &file); at++)
			sized = sized || n[at].bytes == s.n;
		if (!sized || !same_hash(hash, file.hash))
			invalid(d, "hash", name, WHOLE);
		file_unmap(s);
		d->held++;
		d->withheld--;
	}
}

/* A fork proof that proves: form, signatures and contradiction */
static bool fork_parse(const struct dossier *d, struct slice in,
		       struct note *first, struct note *second)
{
	uint8_t prefix[HASH_LEN], proof[2 * LEVELS_MAX][HASH_LEN];
	uint64_t n, m, count;
	struct slice s;

	if (!scan(in,
		  "ringdown-fork/v1\nfirst %u\nsecond %u\nprefix %h\n"
		  "proof %u\n%*",
		  &n, &m, prefix, &count, &s) ||
	    count > 2 * LEVELS_MAX)
		return false;
	for (size_t k = 0; k < count; k++) {
		if (!scan(s, "%h\n%*", proof[k], &s))
			return false;
	}
	if (n > s.n || m != s.n - n ||
	    !note_open((struct slice){s.p, n}, d->key, d->keys, first) ||
	    !note_open((struct slice){s.p + n, m}, d->key, d->keys, second) ||
	    !first->by_log || !second->by_log || first->size < 1 ||
	    first->origin.n != second->origin.n ||
	    memcmp(first->origin.p, second->origin.p, first->origin.n) ||
	    second->size < first->size || same_hash(prefix, first->root))
		return false;
	if (first->size == second->size)
		return !count && same_hash(prefix, second->root);
	return consistency_ok(first->size, second->size, prefix, second->root,
			      proof, count);
}

/* The other side had cosigned more than it then attested as the largest. Its
 * times say so, unless its clock was set back to before the cosignature's */
static bool attested_lie(const struct dossier *d, unsigned other,
			 const struct note *n, uint64_t attested, uint64_t t)
{
	const uint64_t cosigned_s = n->time_s[KEY_COSIGNER + other];

	return n->size > attested && cosigned(n, other) && cosigned_s <= t &&
	       d->side[other].clock_least_s > cosigned_s;
}

void judge_fork(struct dossier *d, unsigned origin, const struct note *first,
		const struct note *second, const char *place)
{
	const unsigned signer = origin == HI ? HI : LO, other = 1 - signer;
	const struct side *s = &d->side[signer];
	bool restored = false;
	struct slice sig;
	struct entry e;

	for (uint64_t n = 0; n < s->n; n++) {
		const struct item *it = &s->item[n];
		uint64_t m = n, t;

		if (origin == JOINT && n)
			m += it[-1].seen;
		if (!it->restore || it->fault || m >= first->size ||
		    !entry_parse(it->bytes, &e) ||
		    !scan(entry_field(&e, "attest"), "%u %*", &t, &sig))
			continue;
		restored = true;
		if (attested_lie(d, other, first, m, t) ||
		    attested_lie(d, other, second, m, t)) {
			blame(d, EXPOSED, other, "attested-lie", place, WHOLE);
			return;
		}
	}
	if (restored)
		blame(d, SUSPECTED, signer, "fork-after-restore", place, WHOLE);
	else
		blame(d, EXPOSED, signer, "fork", place, WHOLE);
}

/* Of which side's feed, or the joint record? */
static unsigned origin_of(const struct dossier *d, const struct note *n)
{
	unsigned i = LO;

	while (i <= JOINT && !slice_is(n->origin, d->key[i].name))
		i++;
	return i;
}

static bool check_fork(struct dossier *d, const char *name, struct slice s)
{
	struct note first, second;

	if (!fork_parse(d, s, &first, &second))
		return false;
	if (d->judged)		/* else check 4 found what comes first */
		judge_fork(d, origin_of(d, &first), &first, &second, name);
	return true;
}

/* A checkpoint over entries of which one breaks the rules */
static bool check_envelope(struct dossier *d, const char *name, struct slice s)
{
	struct item before = {.fault = NULL};
	struct tree t = {.n = 0};
	uint8_t leaf[HASH_LEN], root[HASH_LEN];
	const char *why = NULL;
	struct slice in, bytes;
	uint64_t from, len, at = 0;
	struct entry e;
	struct note n;
	unsigned i;

	if (!scan(s, "ringdown-envelope/v1\nfrom %u\nnote %u\n%*", &from, &len,
		  &in) ||
	    len > in.n ||
	    !note_open((struct slice){in.p, len}, d->key, d->keys, &n))
		return false;
	i = origin_of(d, &n);
	if (i >= JOINT || !n.by_log || from > d->side[i].n)
		return false;
	in = (struct slice){in.p + len, in.n - len};
	feed_tree(&d->side[i], from, &t);
	if (from)
		before = d->side[i].item[from - 1];
	for (; frame(&in, &bytes, UINT16_MAX); tree_push(&t, leaf)) {
		hash_leaf(bytes, leaf);
		if (why)
			continue;
		at = t.n;
		why = "grammar";
		if (!entry_parse(bytes, &e))
			continue;
		why = entry_fault(d, i, at, &e, at ? &before : NULL);
		if (!why)
			why = restore_fault(d, i, &e, &t);
		before.seen = e.seen;
		before.time_ms = e.time_ms;
	}
	tree_root(&t, root);
	if (in.n || t.n != n.size || !same_hash(root, n.root) || !why)
		return false;
	blame(d, EXPOSED, i, why, name, at);
	return true;
}

/* The other side cosigned a tree that this feed does not have */
static bool check_cosignature(struct dossier *d, const char *name,
			      struct slice s)
{
	struct note n;
	unsigned i;

	if (!note_open(s, d->key, d->keys, &n))
		return false;
	i = origin_of(d, &n);
	return i < JOINT && cosigned(&n, 1 - i) && n.size > 0 &&
	       n.size <= d->side[i].n && !cosigned_root(d, i, name, &n);
}

/* The pivot signed a tree that the joint record does not have */
static bool check_joint_note(struct dossier *d, const char *name,
			     struct slice s)
{
	struct note n;
	const char *why;
	bool proves;

	if (!note_open(s, d->key, d->keys, &n) || !n.by_log ||
	    origin_of(d, &n) != JOINT)
		return false;
	why = joint_fault(d, &n, &proves);
	if (!why || slice_is(slice_of(why), "size"))
		return false;
	blame(d, proves ? EXPOSED : SUSPECTED, LO, why, name, WHOLE);
	return true;
}

void check_proofs(struct dossier *d)
{
	static const struct {
		const char *form;
		bool (*check)(struct dossier *, const char *, struct slice);
		bool always;		/* or only in a record that holds */
	} kinds[] = {
		{"proof/%9.cosignature", check_cosignature, false},
		{"proof/%9.envelope", check_envelope, false},
		{"proof/%9.fork", check_fork, true},
		{"proof/%9.joint", check_joint_note, false},
	};

	for (size_t i = 0; i < d->files; i++) {
		const char *name = d->file[i].name;

		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			struct slice s;

			if (!fits(slice_of(name), kinds[k].form) ||
			    !(kinds[k].always || d->judged))
				continue;
			s = file_map(d->dir, name, ENVELOPE_MAX);
			if (!kinds[k].check(d, name, s))
				invalid(d, "proof", name, WHOLE);
			file_unmap(s);
		}
	}
}
