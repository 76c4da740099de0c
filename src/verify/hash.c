/* SPDX-License-Identifier: ISC */
/** @file hash.c  SHA-256, and the trees and proofs of RFC 6962 */
#include "verify/verify.h"
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* A hash that is not computed must not pass for one: there is no going on */
static void must(int ok)
{
	if (ok != 1)
		cannot_read("libcrypto", 0);
}

void hash_parts(const struct slice *part, size_t parts, uint8_t *out)
{
	static EVP_MD_CTX
		*ctx; /* one for all: fetching costs more than hashing */

	if (!ctx) {
		ctx = EVP_MD_CTX_new();
		must(ctx && EVP_DigestInit_ex2(ctx, EVP_sha256(), NULL) == 1);
	}
	must(EVP_DigestInit_ex2(ctx, NULL, NULL));
	for (size_t i = 0; i < parts; i++)
		must(EVP_DigestUpdate(ctx, part[i].p, part[i].n));
	must(EVP_DigestFinal_ex(ctx, out, NULL));
}

void hash_bytes(const void *p, size_t n, uint8_t *out)
{
	const struct slice all = {p, n};

	hash_parts(&all, 1, out);
}

void hash_leaf(struct slice entry, uint8_t *out)
{
	const struct slice part[] = {{(const uint8_t *)"", 1}, entry};

	hash_parts(part, 2, out);
}

static void hash_node(const uint8_t *l, const uint8_t *r, uint8_t *out)
{
	uint8_t buf[1 + 2 * HASH_LEN] = {1};

	memcpy(buf + 1, l, HASH_LEN);
	memcpy(buf + 1 + HASH_LEN, r, HASH_LEN);
	hash_bytes(buf, sizeof(buf), out);
}

void tree_push(struct tree *t, const uint8_t *leaf)
{
	uint8_t h[HASH_LEN];
	unsigned k = 0;

	memcpy(h, leaf, HASH_LEN);
	for (; t->n >> k & 1; k++)
		hash_node(t->peak[k], h, h);
	memcpy(t->peak[k], h, HASH_LEN);
	t->n++;
}

void tree_root(const struct tree *t, uint8_t *out)
{
	bool any = false;

	if (!t->n)
		hash_bytes("", 0, out);
	for (unsigned k = 0; k < LEVELS_MAX; k++) {
		if (!(t->n >> k & 1))
			continue;
		if (any)
			hash_node(t->peak[k], out, out);
		else
			memcpy(out, t->peak[k], HASH_LEN);
		any = true;
	}
}

/* From a node up to the root of a tree: fn and sn are the indices of this node
 * and of the last one of its level. `all` becomes the root; `left` the root of
 * what ends here, for which the hashes on the right do not count. */
static bool climb(uint64_t fn, uint64_t sn, uint8_t (*proof)[HASH_LEN],
		  size_t count, uint8_t *left, uint8_t *all)
{
	for (size_t k = 0; k < count; k++) {
		if (!sn)
			return false;
		if (fn & 1 || fn == sn) {
			hash_node(proof[k], left, left);
			hash_node(proof[k], all, all);
			while (fn && !(fn & 1)) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			hash_node(all, proof[k], all);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return !sn;
}

bool inclusion_ok(uint64_t i, uint64_t n, const uint8_t *leaf,
		  uint8_t (*proof)[HASH_LEN], size_t count, const uint8_t *root)
{
	uint8_t left[HASH_LEN], all[HASH_LEN];

	memcpy(left, leaf, HASH_LEN);
	memcpy(all, leaf, HASH_LEN);
	return i < n && climb(i, n - 1, proof, count, left, all) &&
	       !memcmp(all, root, HASH_LEN);
}

bool consistency_ok(uint64_t n, uint64_t m, const uint8_t *first,
		    const uint8_t *second, uint8_t (*proof)[HASH_LEN],
		    size_t count)
{
	/* a full tree of n leaves is a node itself, which the proof leaves out */
	const size_t skip = n & (n - 1) ? 1 : 0;
	uint64_t fn = n - 1, sn = m - 1;
	uint8_t left[HASH_LEN], all[HASH_LEN];

	if (n < 1 || n >= m || count < 1)
		return false;
	memcpy(left, skip ? proof[0] : first, HASH_LEN);
	memcpy(all, left, HASH_LEN);
	for (; fn & 1; fn >>= 1)
		sn >>= 1;
	return climb(fn, sn, proof + skip, count - skip, left, all) &&
	       !memcmp(left, first, HASH_LEN) && !memcmp(all, second, HASH_LEN);
}
