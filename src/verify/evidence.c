/* SPDX-License-Identifier: ISC */
/** @file evidence.c  Checks 9 and 10: blobs and fork proofs (record.md 7, 8) */
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

void check_proofs(struct dossier *d)
{
	struct note first, second;

	for (size_t i = 0; i < d->files; i++) {
		const char *name = d->file[i].name;
		unsigned origin = LO;
		struct slice s;

		if (strncmp(name, "proof/", 6))
			continue;
		s = file_map(d->dir, name, FORK_MAX);
		if (!fork_parse(d, s, &first, &second))
			invalid(d, "proof", name, WHOLE);
		while (!slice_is(first.origin, d->key[origin].name))
			origin++;
		if (d->judged)		/* else check 4 found what comes first */
			judge_fork(d, origin, &first, &second, name);
		file_unmap(s);
	}
}
