/* SPDX-License-Identifier: ISC */
/** @file hash.c  SHA-256, and the trees and proofs of RFC 6962 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/evp.h>
#include "verify/verify.h"

static EVP_MD *sha256;
static EVP_MD_CTX *ctx;		/* one for all: fetching costs more than hashing */

int hash_init(void)
{
	if (ctx)
		return 0;
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	ctx = EVP_MD_CTX_new();
	return sha256 && ctx && EVP_DigestInit_ex2(ctx, sha256, NULL) == 1
		       ? 0
		       : ENOMEM;
}

void hash_close(void)
{
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(sha256);
	ctx = NULL;
	sha256 = NULL;
}

/* A hash that is not computed must not pass for one: there is no going on */
static void need(int ok)
{
	if (ok != 1)
		abort();
}

/* Without a type, what the context holds is used again and nothing allocated */
static void begin(void)
{
	need(EVP_DigestInit_ex2(ctx, NULL, NULL));
}

static void finish(uint8_t *out)
{
	need(EVP_DigestFinal_ex(ctx, out, NULL));
}

void hash_bytes(const void *p, size_t n, uint8_t out[static HASH_LEN])
{
	begin();
	need(EVP_DigestUpdate(ctx, p, n));
	finish(out);
}

void hash_leaf(const void *p, size_t n, uint8_t out[static HASH_LEN])
{
	begin();
	need(EVP_DigestUpdate(ctx, "\0", 1));
	need(EVP_DigestUpdate(ctx, p, n));
	finish(out);
}

void hash_node(const uint8_t *l, const uint8_t *r, uint8_t *out)
{
	uint8_t buf[1 + 2 * HASH_LEN] = {1};

	memcpy(buf + 1, l, HASH_LEN);
	memcpy(buf + 1 + HASH_LEN, r, HASH_LEN);
	hash_bytes(buf, sizeof(buf), out);
}

int hash_fd(int fd, uint64_t *bytes, uint8_t out[static HASH_LEN])
{
	uint8_t buf[65536];
	ssize_t n;

	*bytes = 0;
	begin();
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		need(EVP_DigestUpdate(ctx, buf, (size_t)n));
		*bytes += (uint64_t)n;
	}
	finish(out);
	return 0;
}

int tree_alloc(struct tree *t, uint64_t n, bool keep)
{
	memset(t, 0, sizeof(*t));
	t->keep = keep;
	for (unsigned k = 0; k < LEVELS_MAX && n >> k; k++) {
		t->level[k] = calloc(keep ? (size_t)(n >> k) : 1, HASH_LEN);
		if (!t->level[k]) {
			tree_close(t);
			return ENOMEM;
		}
	}
	return 0;
}

void tree_close(struct tree *t)
{
	for (unsigned k = 0; k < LEVELS_MAX; k++)
		free(t->level[k]);
	memset(t, 0, sizeof(*t));
}

void tree_push(struct tree *t, const uint8_t leaf[static HASH_LEN])
{
	uint64_t i = t->n++;
	uint8_t h[HASH_LEN];

	memcpy(h, leaf, HASH_LEN);
	for (unsigned k = 0; k < LEVELS_MAX; k++, i >>= 1) {
		if (t->keep)
			memcpy(t->level[k][i], h, HASH_LEN);
		else if (!(i & 1))	/* a right child is used up at once */
			memcpy(t->level[k][0], h, HASH_LEN);
		if (!(i & 1))
			break;
		hash_node(t->level[k][t->keep ? i - 1 : 0], h, h);
	}
}

void tree_root(const struct tree *t, uint64_t n, uint8_t *out)
{
	bool any = false;

	if (!n)
		hash_bytes("", 0, out);
	for (unsigned k = 0; k < LEVELS_MAX && n >> k; k++) {
		const uint8_t *peak;

		if (!(n >> k & 1))
			continue;
		peak = t->level[k][t->keep ? (n >> k) - 1 : 0];
		if (any)
			hash_node(peak, out, out);
		else
			memcpy(out, peak, HASH_LEN);
		any = true;
	}
}

bool inclusion_ok(uint64_t i, uint64_t n, const uint8_t *leaf,
		  const uint8_t (*proof)[HASH_LEN], size_t count,
		  const uint8_t *root)
{
	uint64_t fn = i, sn = n - 1;
	uint8_t r[HASH_LEN];

	if (i >= n)
		return false;
	memcpy(r, leaf, HASH_LEN);
	for (size_t k = 0; k < count; k++) {
		if (!sn)
			return false;
		if (fn & 1 || fn == sn) {
			hash_node(proof[k], r, r);
			while (fn && !(fn & 1)) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			hash_node(r, proof[k], r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return !sn && !memcmp(r, root, HASH_LEN);
}

bool consistency_ok(uint64_t n, uint64_t m, const uint8_t *first,
		    const uint8_t *second, const uint8_t (*proof)[HASH_LEN],
		    size_t count)
{
	const bool pow2 = n && !(n & (n - 1));
	uint64_t fn = n - 1, sn = m - 1;
	uint8_t fr[HASH_LEN], sr[HASH_LEN];
	size_t k = pow2 ? 0 : 1;

	if (n < 1 || n >= m || count < k || (pow2 && !count))
		return false;
	memcpy(fr, pow2 ? first : proof[0], HASH_LEN);
	memcpy(sr, fr, HASH_LEN);
	for (; fn & 1; fn >>= 1)
		sn >>= 1;
	for (; k < count; k++) {
		if (!sn)
			return false;
		if (fn & 1 || fn == sn) {
			hash_node(proof[k], fr, fr);
			hash_node(proof[k], sr, sr);
			while (fn && !(fn & 1)) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			hash_node(sr, proof[k], sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return !sn && !memcmp(fr, first, HASH_LEN) &&
	       !memcmp(sr, second, HASH_LEN);
}
