/* SPDX-License-Identifier: ISC */
/** @file tree.c  Merkle tree of a log (RFC 6962 2.1): frontier and proofs */
#include <assert.h>
#include <string.h>
#include "proto/tree.h"

void tree_leaf(const void *entry, size_t n, uint8_t out[DIGEST_BYTES])
{
	digest_pieces((struct piece[]){{"\x00", 1}, {entry, n}}, 2, out);
}

static void join(const uint8_t *l, const uint8_t *r, uint8_t *out)
{
	digest_pieces((struct piece[]){{"\x01", 1},
				       {l, DIGEST_BYTES},
				       {r, DIGEST_BYTES}},
		      3, out);
}

static unsigned nodes(uint64_t size)
{
	return (unsigned)__builtin_popcountll(size);
}

void tree_add(struct tree *t, const uint8_t leaf[DIGEST_BYTES])
{
	unsigned n = nodes(t->size);
	uint8_t h[DIGEST_BYTES];

	assert(t->size < INT64_MAX);
	memcpy(h, leaf, DIGEST_BYTES);
	for (uint64_t s = t->size; s & 1; s >>= 1)
		join(t->node[--n], h, h);
	memcpy(t->node[n], h, DIGEST_BYTES);
	t->size++;
}

void tree_root(const struct tree *t, uint8_t out[DIGEST_BYTES])
{
	unsigned n = nodes(t->size);

	if (!n) {
		digest("", 0, out);
		return;
	}
	memcpy(out, t->node[--n], DIGEST_BYTES);
	while (n)
		join(t->node[--n], out, out);
}

void tree_encode(const struct tree *t, struct buf *b)
{
	buf_u64(b, t->size);
	buf_put(b, t->node, nodes(t->size) * DIGEST_BYTES);
}

void tree_decode(struct tree *t, struct cur *c)
{
	t->size = cur_u64(c);
	if (t->size > INT64_MAX)
		c->bad = true;
	if (c->bad)
		t->size = 0;
	cur_copy(c, t->node, nodes(t->size) * DIGEST_BYTES);
}

/* Add leaves from..to-1 to a tree of their own, so that its root is that of
   the subtree they form */
static int subtree(uint64_t from, uint64_t to, tree_leaf_h *h, void *arg,
		   uint8_t out[DIGEST_BYTES])
{
	struct tree t = {0};
	uint8_t leaf[DIGEST_BYTES];

	for (uint64_t i = from; i < to; i++) {
		const int err = h(i, leaf, arg);

		if (err)
			return err;
		tree_add(&t, leaf);
	}
	tree_root(&t, out);
	return 0;
}

int tree_root_of(uint64_t n, tree_leaf_h *h, void *arg,
		 uint8_t out[DIGEST_BYTES])
{
	return subtree(0, n, h, arg, out);
}

/* Largest power of two below n, n > 1 */
static uint64_t split(uint64_t n)
{
	return 1ULL << (63 - __builtin_clzll(n - 1));
}

/* Hashes are found from the root down and stand in the proof from the leaf
   up */
static void turn(struct tree_proof *p)
{
	uint8_t h[DIGEST_BYTES];

	for (size_t i = 0, k = p->n; i + 1 < k; i++) {
		k--;
		memcpy(h, p->hash[i], DIGEST_BYTES);
		memcpy(p->hash[i], p->hash[k], DIGEST_BYTES);
		memcpy(p->hash[k], h, DIGEST_BYTES);
	}
}

int tree_prove_inclusion(uint64_t index, uint64_t size, tree_leaf_h *h,
			 void *arg, struct tree_proof *out)
{
	uint64_t lo = 0, hi = size;

	assert(index < size);
	out->n = 0;
	while (hi - lo > 1) {
		const uint64_t mid = lo + split(hi - lo);
		uint8_t *to = out->hash[out->n++];
		int err;

		if (index < mid) {
			err = subtree(mid, hi, h, arg, to);
			hi = mid;
		} else {
			err = subtree(lo, mid, h, arg, to);
			lo = mid;
		}
		if (err)
			return err;
	}
	turn(out);
	return 0;
}

int tree_prove_consistency(uint64_t from, uint64_t to, tree_leaf_h *h,
			   void *arg, struct tree_proof *out)
{
	uint64_t lo = 0, hi = to;
	int err;

	assert(from && from <= to);
	out->n = 0;
	/* invariant: lo < from <= hi; the old tree ends inside lo..hi */
	while (from != hi) {
		const uint64_t mid = lo + split(hi - lo);
		uint8_t *h_out = out->hash[out->n++];

		if (from <= mid) {
			err = subtree(mid, hi, h, arg, h_out);
			hi = mid;
		} else {
			err = subtree(lo, mid, h, arg, h_out);
			lo = mid;
		}
		if (err)
			return err;
	}
	/* the old tree's last full subtree, unless it is the old root itself */
	if (lo) {
		err = subtree(lo, hi, h, arg, out->hash[out->n++]);
		if (err)
			return err;
	}
	turn(out);
	return 0;
}

bool tree_check_inclusion(uint64_t index, uint64_t size,
			  const uint8_t leaf[DIGEST_BYTES],
			  const struct tree_proof *p,
			  const uint8_t root[DIGEST_BYTES])
{
	uint64_t fn = index, sn = size - 1;
	uint8_t r[DIGEST_BYTES];

	if (index >= size)
		return false;
	memcpy(r, leaf, DIGEST_BYTES);
	for (size_t i = 0; i < p->n; i++) {
		if (!sn)
			return false;
		if (fn & 1 || fn == sn) {
			join(p->hash[i], r, r);
			while (fn && !(fn & 1)) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			join(r, p->hash[i], r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return !sn && !memcmp(r, root, DIGEST_BYTES);
}

bool tree_check_consistency(uint64_t from, uint64_t to,
			    const uint8_t from_root[DIGEST_BYTES],
			    const uint8_t to_root[DIGEST_BYTES],
			    const struct tree_proof *p)
{
	uint64_t fn = from - 1, sn = to - 1;
	uint8_t fr[DIGEST_BYTES], sr[DIGEST_BYTES];
	size_t i = 0;

	if (!from || from > to)
		return false;
	if (from == to)
		return !p->n && !memcmp(from_root, to_root, DIGEST_BYTES);
	while (fn & 1) {
		fn >>= 1;
		sn >>= 1;
	}
	if (from & (from - 1)) {
		if (!p->n)
			return false;
		memcpy(fr, p->hash[i++], DIGEST_BYTES);
	} else {
		memcpy(fr, from_root, DIGEST_BYTES);
	}
	memcpy(sr, fr, DIGEST_BYTES);
	for (; i < p->n; i++) {
		if (!sn)
			return false;
		if (fn & 1 || fn == sn) {
			join(p->hash[i], fr, fr);
			join(p->hash[i], sr, sr);
			while (fn && !(fn & 1)) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			join(sr, p->hash[i], sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return !sn && !memcmp(fr, from_root, DIGEST_BYTES) &&
	       !memcmp(sr, to_root, DIGEST_BYTES);
}
