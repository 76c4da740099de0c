/* SPDX-License-Identifier: ISC */
/** @file test_tree.c  RFC 6962 trees: roots, frontiers, every small proof */
#include "proto/tree.h"
#include "rdtest.h"

#define SIZE_MAX_TRIED 70

/* The eight leaves of the reference tree of Certificate Transparency */
static const char *const ct_leaf[8] = {"",
				       "00",
				       "10",
				       "2021",
				       "3031",
				       "40414243",
				       "5051525354555657",
				       "606162636465666768696a6b6c6d6e6f"};
static const char *const ct_root[8] = {
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

static int ct_leaves(uint64_t i, uint8_t out[DIGEST_BYTES], void *arg)
{
	uint8_t raw[16];
	const size_t n = strlen(ct_leaf[i]) / 2;

	(void)arg;
	CHECK_OK(hex_decode(str_of(ct_leaf[i]), raw, n));
	tree_leaf(rdtest_exact(raw, n), n, out);
	return 0;
}

TEST(tree_reference_roots)
{
	struct tree t = {0};
	uint8_t leaf[DIGEST_BYTES], root[DIGEST_BYTES], want[DIGEST_BYTES];

	tree_root(&t, root);
	digest("", 0, want);
	CHECK_MEM(root, want, DIGEST_BYTES);
	for (uint64_t i = 0; i < 8; i++) {
		CHECK_OK(ct_leaves(i, leaf, NULL));
		tree_add(&t, leaf);
		CHECK_EQ(t.size, i + 1);
		CHECK_OK(hex_decode(str_of(ct_root[i]), want, DIGEST_BYTES));
		tree_root(&t, root);
		CHECK_MEM(root, want, DIGEST_BYTES);
		CHECK_OK(tree_root_of(i + 1, ct_leaves, NULL, root));
		CHECK_MEM(root, want, DIGEST_BYTES);
	}
}

/* ---- a second, recursive tree, written from the RFC's definition ---- */

static uint8_t leaves[SIZE_MAX_TRIED][DIGEST_BYTES];

static void mth(size_t lo, size_t hi, uint8_t out[DIGEST_BYTES])
{
	uint8_t pair[1 + 2 * DIGEST_BYTES] = {1};
	size_t k = 1;

	if (lo == hi) {
		digest("", 0, out);
		return;
	}
	if (hi - lo == 1) {
		memcpy(out, leaves[lo], DIGEST_BYTES);
		return;
	}
	while (2 * k < hi - lo)
		k *= 2;
	mth(lo, lo + k, pair + 1);
	mth(lo + k, hi, pair + 1 + DIGEST_BYTES);
	digest(pair, sizeof(pair), out);
}

static void path(size_t m, size_t lo, size_t hi, struct tree_proof *p)
{
	size_t k = 1;

	if (hi - lo == 1)
		return;
	while (2 * k < hi - lo)
		k *= 2;
	if (m < k) {
		path(m, lo, lo + k, p);
		mth(lo + k, hi, p->hash[p->n++]);
	} else {
		path(m - k, lo + k, hi, p);
		mth(lo, lo + k, p->hash[p->n++]);
	}
}

static void subproof(size_t m, size_t lo, size_t hi, bool whole,
		     struct tree_proof *p)
{
	size_t k = 1;

	if (m == hi - lo) {
		if (!whole)
			mth(lo, hi, p->hash[p->n++]);
		return;
	}
	while (2 * k < hi - lo)
		k *= 2;
	if (m <= k) {
		subproof(m, lo, lo + k, whole, p);
		mth(lo + k, hi, p->hash[p->n++]);
	} else {
		subproof(m - k, lo + k, hi, false, p);
		mth(lo, lo + k, p->hash[p->n++]);
	}
}

static int reader(uint64_t i, uint8_t out[DIGEST_BYTES], void *arg)
{
	const uint64_t *bad = arg;

	if (bad && i == *bad)
		return EIO;
	CHECK(i < SIZE_MAX_TRIED);
	memcpy(out, leaves[i], DIGEST_BYTES);
	return 0;
}

static void fill(void)
{
	for (size_t i = 0; i < SIZE_MAX_TRIED; i++)
		tree_leaf(&i, sizeof(i), leaves[i]);
}

static void same_proof(const struct tree_proof *a, const struct tree_proof *b)
{
	CHECK_EQ(a->n, b->n);
	CHECK_MEM(a->hash, b->hash, a->n * DIGEST_BYTES);
}

TEST(tree_roots_of_all_sizes)
{
	struct tree t = {0};
	uint8_t a[DIGEST_BYTES], b[DIGEST_BYTES];

	fill();
	for (size_t n = 0; n <= SIZE_MAX_TRIED; n++) {
		mth(0, n, a);
		tree_root(&t, b);
		CHECK_MEM(a, b, DIGEST_BYTES);
		CHECK_OK(tree_root_of(n, reader, NULL, b));
		CHECK_MEM(a, b, DIGEST_BYTES);
		if (n < SIZE_MAX_TRIED)
			tree_add(&t, leaves[n]);
	}
}

TEST(tree_inclusion_of_all_leaves_in_all_sizes)
{
	uint8_t root[DIGEST_BYTES];

	fill();
	for (size_t n = 1; n <= SIZE_MAX_TRIED; n++) {
		mth(0, n, root);
		for (size_t i = 0; i < n; i++) {
			struct tree_proof p, want = {0};

			path(i, 0, n, &want);
			CHECK_OK(tree_prove_inclusion(i, n, reader, NULL, &p));
			same_proof(&p, &want);
			CHECK(tree_check_inclusion(i, n, leaves[i], &p, root));
			/* another leaf, place or size */
			CHECK(!tree_check_inclusion(
				i, n, leaves[(i + 1) % SIZE_MAX_TRIED], &p,
				root));
			CHECK(!tree_check_inclusion(n, n, leaves[i], &p, root));
			CHECK(n == 1 ||
			      !tree_check_inclusion((i + 1) % n, n, leaves[i],
						    &p, root));
			/* a hash more, a hash less, a hash changed */
			memset(p.hash[p.n++], 0, DIGEST_BYTES);
			CHECK(!tree_check_inclusion(i, n, leaves[i], &p, root));
			p.n--;
			if (!p.n)
				continue;
			p.hash[p.n - 1][31] ^= 1;
			CHECK(!tree_check_inclusion(i, n, leaves[i], &p, root));
			p.n--;
			CHECK(!tree_check_inclusion(i, n, leaves[i], &p, root));
		}
	}
	CHECK(!tree_check_inclusion(0, 0, leaves[0], &(struct tree_proof){0},
				    root));
}

TEST(tree_consistency_of_all_pairs_of_sizes)
{
	uint8_t old[DIGEST_BYTES], new[DIGEST_BYTES];

	fill();
	for (size_t m = 1; m <= SIZE_MAX_TRIED; m++) {
		mth(0, m, new);
		for (size_t n = 1; n <= m; n++) {
			struct tree_proof p, want = {0};

			mth(0, n, old);
			subproof(n, 0, m, true, &want);
			CHECK_OK(
				tree_prove_consistency(n, m, reader, NULL, &p));
			same_proof(&p, &want);
			CHECK(tree_check_consistency(n, m, old, new, &p));
			CHECK(n == m ||
			      !tree_check_consistency(n, m, new, new, &p));
			CHECK(n == m ||
			      !tree_check_consistency(n, m, old, old, &p));
			CHECK(n == m ||
			      !tree_check_consistency(m, n, new, old, &p));
			CHECK(!tree_check_consistency(0, m, old, new, &p));
			memset(p.hash[p.n++], 0, DIGEST_BYTES);
			CHECK(!tree_check_consistency(n, m, old, new, &p));
			p.n--;
			for (size_t i = 0; i < p.n; i++) {
				p.hash[i][0] ^= 0x80;
				CHECK(!tree_check_consistency(n, m, old, new,
							      &p));
				p.hash[i][0] ^= 0x80;
			}
			if (p.n--) {
				CHECK(!tree_check_consistency(n, m, old, new,
							      &p));
			}
		}
	}
}

/* What a liar would send: proofs of a length that is not the sizes' own */
TEST(tree_proofs_of_another_shape)
{
	uint8_t pair[DIGEST_BYTES];
	struct tree_proof p = {0};

	fill();
	mth(0, 2, pair);
	/* leaf 0 as if it were the root of two */
	CHECK(!tree_check_inclusion(0, 2, leaves[0], &p, leaves[0]));
	CHECK(!tree_check_consistency(1, 2, leaves[0], leaves[0], &p));
	/* sizes that shrink, with roots that do not change */
	CHECK(!tree_check_consistency(2, 1, pair, pair, &p));
	CHECK(!tree_check_consistency(4, 3, pair, pair, &p));
	CHECK(!tree_check_consistency(3, 0, pair, pair, &p));
	/* leaf 1 of two as if it were a tree of one */
	memcpy(p.hash[p.n++], leaves[0], DIGEST_BYTES);
	CHECK(tree_check_inclusion(1, 2, leaves[1], &p, pair));
	CHECK(!tree_check_inclusion(0, 1, leaves[1], &p, pair));
	/* a consistency proof that goes on beyond the new root */
	memcpy(p.hash[0], leaves[1], DIGEST_BYTES);
	CHECK(tree_check_consistency(1, 2, leaves[0], pair, &p));
	memcpy(p.hash[p.n++], leaves[2], DIGEST_BYTES);
	mth(0, 3, pair);
	CHECK(!tree_check_consistency(1, 2, leaves[0], pair, &p));
}

TEST(tree_reader_error_is_the_result)
{
	struct tree_proof p;
	uint8_t root[DIGEST_BYTES];
	uint64_t bad = 3;

	fill();
	CHECK_ERR(tree_root_of(8, reader, &bad, root), EIO);
	CHECK_OK(tree_root_of(3, reader, &bad, root));
	CHECK_ERR(tree_prove_inclusion(0, 8, reader, &bad, &p), EIO);
	CHECK_ERR(tree_prove_inclusion(7, 8, reader, &bad, &p), EIO);
	CHECK_ERR(tree_prove_consistency(3, 8, reader, &bad, &p), EIO);
	CHECK_ERR(tree_prove_consistency(6, 7, reader, &bad, &p), EIO);
}

TEST(tree_frontier_round_trip)
{
	struct tree t = {0}, back;
	uint8_t a[DIGEST_BYTES], b[DIGEST_BYTES];

	fill();
	for (size_t n = 0; n < SIZE_MAX_TRIED; n++) {
		struct buf buf;
		struct cur c;

		buf_init(&buf, 4096);
		tree_encode(&t, &buf);
		CHECK_EQ(buf.n,
			 8 + DIGEST_BYTES * (size_t)__builtin_popcountll(n));
		c = cur_of(rdtest_exact(buf.p, buf.n), buf.n);
		tree_decode(&back, &c);
		CHECK(cur_done(&c));
		CHECK_EQ(back.size, n);
		/* what was read goes on like what was written */
		tree_add(&t, leaves[n]);
		tree_add(&back, leaves[n]);
		tree_root(&t, a);
		tree_root(&back, b);
		CHECK_MEM(a, b, DIGEST_BYTES);
		for (size_t cut = 0; cut < buf.n; cut++) {
			c = cur_of(rdtest_exact(buf.p, cut), cut);
			tree_decode(&back, &c);
			CHECK(c.bad);
		}
		buf_free(&buf);
	}
}

TEST(tree_frontier_of_impossible_size)
{
	static const uint8_t huge[8 + 64 * DIGEST_BYTES] = {0x80};
	static const uint8_t all[8 + 63 * DIGEST_BYTES] = {
		0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct cur c = cur_of(huge, sizeof(huge));
	struct tree t;

	tree_decode(&t, &c);
	CHECK(c.bad);
	CHECK_EQ(t.size, 0);
	c = cur_of(rdtest_exact(all, sizeof(all)), sizeof(all));
	tree_decode(&t, &c);
	CHECK(cur_done(&c));
	CHECK_EQ(t.size, INT64_MAX);
}
