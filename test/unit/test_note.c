/* SPDX-License-Identifier: ISC */
/** @file test_note.c  Checkpoints as signed notes, against the C2SP vectors */
#include <stdio.h>
#include <stdlib.h>
#include "proto/note.h"
#include "proto/tree.h"
#include "rdtest.h"

#define FEED_A "alpha.example/ringdown/bravo.example/7c1e5f20"
#define FEED_B "bravo.example/ringdown/alpha.example/7c1e5f20"
#define JOINT "ringdown/alpha.example/bravo.example/7c1e5f20"

/* Keys of the vectors: RFC 8032 7.1 */
static const char *const seeds[4] = {
	"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	"f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5"};

struct fix {
	struct key *key[4];	/* A log, A cosigner, B log, B cosigner */
	struct note_key a, a_co, b, b_co, joint;
};

static int open_fix(struct fix *f)
{
	*f = (struct fix){0};
	for (int i = 0; i < 4; i++) {
		uint8_t seed[KEY_BYTES];
		int err;

		CHECK_OK(hex_decode(str_of(seeds[i]), seed, KEY_BYTES));
		err = key_from_seed(&f->key[i], seed);
		if (err)
			return err;
	}
	CHECK_OK(note_key_init(&f->a, FEED_A, NOTE_LOG, f->key[0]));
	CHECK_OK(note_key_init(&f->a_co, "alpha.example/ringdown/cosigner",
			       NOTE_COSIGNATURE, f->key[1]));
	CHECK_OK(note_key_init(&f->b, FEED_B, NOTE_LOG, f->key[2]));
	CHECK_OK(note_key_init(&f->b_co, "bravo.example/ringdown/cosigner",
			       NOTE_COSIGNATURE, f->key[3]));
	CHECK_OK(note_key_init(&f->joint, JOINT, NOTE_LOG, f->key[0]));
	return 0;
}

static void close_fix(struct fix *f)
{
	for (int i = 0; i < 4; i++)
		f->key[i] = key_free(f->key[i]);
}

TEST(note_vkeys_of_the_vectors)
{
	struct str text = rdtest_data("vectors/vkeys"), line;
	char out[VKEY_CHARS_MAX];
	struct fix f;

	CHECK_OK(open_fix(&f));
	const struct note_key *k[] = {&f.a, &f.a_co, &f.b, &f.b_co};
	for (int i = 0; i < 4; i++) {
		note_vkey(k[i], out);
		CHECK(str_line(&text, &line));
		CHECK(str_is(line, out));
	}
	CHECK_EQ(text.n, 0);
	text = rdtest_data("vectors/joint.vkey");
	note_vkey(&f.joint, out);
	CHECK(str_is(text, out) ||
	      (str_line(&text, &line) && str_is(line, out)));
	close_fix(&f);
}

TEST(note_checkpoint_of_the_vectors)
{
	struct str text = rdtest_data("vectors/checkpoint");
	const struct note_line *line = NULL;
	uint64_t time_s = 0;
	struct note n;
	struct fix f;

	CHECK_OK(open_fix(&f));
	CHECK_OK(note_parse(text.p, text.n, &n));
	CHECK(str_is(n.origin, FEED_A));
	CHECK_EQ(n.size, 3);
	CHECK_EQ(n.lines, 3);
	CHECK_EQ(n.body.n, strlen(FEED_A) + 1 + 2 + 45);
	CHECK_OK(note_check(&n, &f.a, NULL, NULL));
	CHECK_OK(note_check(&n, &f.a_co, &time_s, &line));
	CHECK_EQ(time_s, 1795424461);
	CHECK(line == &n.line[1]);
	CHECK_OK(note_check(&n, &f.b_co, &time_s, &line));
	CHECK_EQ(time_s, 1795424462);
	CHECK_EQ(line->sig_n, 8 + SIG_BYTES);
	CHECK(line->whole.p[line->whole.n - 1] == '\n');
	CHECK(line->whole.p + line->whole.n == text.p + text.n);
	CHECK_ERR(note_check(&n, &f.b, NULL, NULL), ENOENT);
	/* same key, other name: not this origin's signature */
	CHECK_ERR(note_check(&n, &f.joint, NULL, NULL), ENOENT);
	CHECK(note_cosignature_ok(n.body, &f.b_co, 1795424462, line->sig + 8));
	CHECK(!note_cosignature_ok(n.body, &f.b_co, 1795424461, line->sig + 8));
	CHECK(!note_cosignature_ok(n.body, &f.a_co, 1795424462, line->sig + 8));
	CHECK(!note_cosignature_ok(n.body, &f.b_co, 1ULL << 63, line->sig + 8));
	close_fix(&f);
}

/* Our writer gives the very bytes of the vectors: Ed25519 is deterministic */
TEST_OOM(note_writes_the_vectors)
{
	const struct {
		const char *file, *origin;
		int log;
		uint64_t time_s[2];
	} v[] = {{"vectors/checkpoint", FEED_A, 0, {1795424461, 1795424462}},
		 {"vectors/checkpoint.2", FEED_A, 0, {0, 0}},
		 {"vectors/joint.checkpoint",
		  JOINT,
		  1,
		  {1795424463, 1795424463}}};
	struct buf b;
	struct fix f;

	buf_init(&b, NOTE_BYTES_MAX);
	TRY(open_fix(&f));
	for (size_t i = 0; i < 3; i++) {
		struct str want = rdtest_data(v[i].file), body;
		struct note n;

		CHECK_OK(note_parse(want.p, want.n, &n));
		buf_reset(&b);
		note_body(&b, v[i].origin, n.size, n.root);
		TRY(b.err);
		CHECK_EQ(b.n, n.body.n);
		body = (struct str){rdtest_exact(b.p, b.n), b.n};
		buf_u8(&b, '\n');
		TRY(note_sign(&b, body, v[i].log ? &f.joint : &f.a, 7));
		if (v[i].time_s[0]) {
			TRY(note_sign(&b, body, &f.a_co, v[i].time_s[0]));
			TRY(note_sign(&b, body, &f.b_co, v[i].time_s[1]));
		}
		TRY(b.err);
		CHECK_EQ(b.n, want.n);
		CHECK_MEM(b.p, want.p, want.n);
	}
out:
	buf_free(&b);
	close_fix(&f);
}

TEST_OOM(note_check_out_of_memory_is_not_good)
{
	struct str text = rdtest_data("vectors/checkpoint");
	struct note n;
	struct fix f;
	int err;

	TRY(open_fix(&f));
	CHECK_OK(note_parse(text.p, text.n, &n));
	err = note_check(&n, &f.a_co, NULL, NULL);
	/* a cosignature that cannot be checked is refused, never taken */
	CHECK(rdtest_starved() ? err != 0 : !err);
out:
	close_fix(&f);
}

/* Parse an altered copy of the three-signature checkpoint */
static int altered(size_t at, const char *with, size_t drop)
{
	struct str in = rdtest_data("vectors/checkpoint");
	const size_t w = strlen(with);
	char tmp[2048];
	struct note n;

	CHECK(at + drop <= in.n && in.n + w < sizeof(tmp));
	memcpy(tmp, in.p, at);
	memcpy(tmp + at, with, w);
	memcpy(tmp + at + w, in.p + at + drop, in.n - at - drop);
	in.n += w - drop;
	return note_parse(rdtest_exact(tmp, in.n), in.n, &n);
}

static int whole(const char *text)
{
	struct str s = rdtest_str(text);
	struct note n;

	return note_parse(s.p, s.n, &n);
}

#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define LINE "\xe2\x80\x94 k AAAAAAA=\n"
#define SIGNED "\n" LINE

TEST(note_forms_that_are_none)
{
	const size_t size_at = strlen(FEED_A) + 1, root_at = size_at + 2,
		     gap = root_at + 45, dash = gap + 1, name = dash + 4,
		     sig = name + strlen(FEED_A) + 1;

	CHECK_OK(altered(0, "", 0));
	CHECK_OK(whole("o\n0\n" ROOT "\n" SIGNED));
	CHECK_ERR(altered(size_at, "0", 0), EBADMSG);	/* 03 */
	CHECK_ERR(altered(size_at, "-", 0), EBADMSG);
	CHECK_ERR(altered(size_at, " ", 0), EBADMSG);
	CHECK_ERR(altered(size_at, "", 1), EBADMSG);
	CHECK_ERR(altered(size_at + 1, "\r", 0), EBADMSG);
	CHECK_ERR(altered(root_at + 43, "", 1), EBADMSG);   /* no padding */
	CHECK_ERR(altered(root_at + 42, "J", 1), EBADMSG);  /* unused bits */
	CHECK_ERR(altered(root_at + 44, "ext\n", 0), EBADMSG);
	CHECK_ERR(altered(gap, "ext\n", 0), EBADMSG);	    /* extension line */
	CHECK_ERR(altered(gap, "", 1), EBADMSG);	    /* no empty line */
	CHECK_ERR(altered(gap, "\n", 0), EBADMSG);
	CHECK_ERR(altered(dash, "-", 3), EBADMSG);
	CHECK_ERR(altered(dash, "\xe2\x80\x93", 3), EBADMSG);
	CHECK_ERR(altered(name, " ", 0), EBADMSG);	    /* empty name */
	CHECK_ERR(altered(name, "+", 0), EBADMSG);
	CHECK_ERR(altered(name, "\x01", 0), EBADMSG);
	CHECK_ERR(altered(name, "\xc0\xaf", 0), EBADMSG);   /* overlong */
	CHECK_ERR(altered(sig, " ", 0), EBADMSG);
	CHECK_ERR(altered(sig, "A", 0), EBADMSG);
	CHECK_ERR(altered(sig, "", 91), EBADMSG);
	CHECK_ERR(whole("\n0\n" ROOT "\n" SIGNED), EBADMSG);
	CHECK_ERR(whole("o\n0\n" ROOT "\n"), EBADMSG);
	CHECK_ERR(whole("o\n0\n" ROOT "\n\n"), EBADMSG);
	CHECK_ERR(whole("o\n0\n" ROOT "\n" SIGNED "\n"), EBADMSG);
	CHECK_ERR(whole("o\n0\n" ROOT "\n" SIGNED "x"), EBADMSG);
	CHECK_ERR(whole("o\n9223372036854775808\n" ROOT "\n" SIGNED), EBADMSG);
	CHECK_OK(whole("o\n9223372036854775807\n" ROOT "\n" SIGNED));
	/* an ID of four octets and not one of a signature */
	CHECK_ERR(whole("o\n0\n" ROOT "\n\n\xe2\x80\x94 k AAAAAA==\n"),
		  EBADMSG);
	CHECK_ERR(whole(""), EBADMSG);
}

TEST(note_cut_short_anywhere)
{
	struct str in = rdtest_data("vectors/checkpoint.2");
	struct note n;

	for (size_t cut = 0; cut < in.n; cut++)
		CHECK_ERR(note_parse(rdtest_exact(in.p, cut), cut, &n),
			  EBADMSG);
}

TEST(note_no_octet_can_be_changed)
{
	struct str in = rdtest_data("vectors/checkpoint.2");
	struct note n;
	struct fix f;

	CHECK_OK(open_fix(&f));
	for (size_t i = 0; i < in.n; i++) {
		char *copy = rdtest_exact(in.p, in.n);

		copy[i] ^= 1;
		/* not a note, or not this key's, or a bad signature */
		CHECK(note_parse(copy, in.n, &n) ||
		      note_check(&n, &f.a, NULL, NULL));
	}
	close_fix(&f);
}

TEST(note_sixteen_lines_and_no_more)
{
	char text[4096] = "o\n1\n" ROOT "\n\n";
	struct note n;

	for (int i = 0; i < NOTE_SIGS_MAX; i++)
		strncat(text, LINE, sizeof(text) - strlen(text) - 1);
	CHECK_OK(note_parse(rdtest_str(text).p, strlen(text), &n));
	CHECK_EQ(n.lines, 16);
	/* kinds of later versions: no signature of ours, but no error */
	CHECK_EQ(n.line[15].sig_n, 0);
	strncat(text, LINE, sizeof(text) - strlen(text) - 1);
	CHECK_ERR(note_parse(rdtest_str(text).p, strlen(text), &n), EBADMSG);
}

TEST(note_length_limit_is_exact)
{
	char *text = malloc(NOTE_BYTES_MAX + 1);
	const size_t head = strlen("o\n1\n" ROOT "\n\n");
	struct note n;
	size_t at;

	/* one line with a long name, up to the last octet */
	CHECK(text != NULL);
	memcpy(text, "o\n1\n" ROOT "\n\n", head);
	for (int over = 0; over <= 1; over++) {
		const size_t total = NOTE_BYTES_MAX + (size_t)over;

		at = head;
		memcpy(text + at, "\xe2\x80\x94 ", 4);
		memset(text + at + 4, 'k', total - at - 4);
		memcpy(text + total - 10, " AAAAAAA=\n", 10);
		CHECK_ERR(note_parse(rdtest_exact(text, total), total, &n),
			  over ? EBADMSG : 0);
	}
	free(text);
}

TEST(note_known_key_with_a_bad_signature)
{
	struct buf b;
	struct note n;
	struct fix f;
	uint8_t root[DIGEST_BYTES] = {1};
	struct str body;

	CHECK_OK(open_fix(&f));
	buf_init(&b, NOTE_BYTES_MAX);
	note_body(&b, FEED_A, 1, root);
	body = (struct str){rdtest_exact(b.p, b.n), b.n};
	buf_u8(&b, '\n');
	/* over another body first, then a good one: the first counts */
	CHECK_OK(note_sign(&b, str_of("other"), &f.a, 0));
	CHECK_OK(note_sign(&b, body, &f.a, 0));
	/* a cosigner's line must have a time */
	CHECK_OK(note_sign(&b, body, &f.b_co, 5));
	CHECK_OK(note_parse(b.p, b.n, &n));
	CHECK_ERR(note_check(&n, &f.a, NULL, NULL), EBADMSG);
	CHECK_OK(note_check(&n, &f.b_co, NULL, NULL));
	n.line[2].sig_n = SIG_BYTES;
	CHECK_ERR(note_check(&n, &f.b_co, NULL, NULL), EBADMSG);
	n.line[2].sig_n = 0;
	CHECK_ERR(note_check(&n, &f.b_co, NULL, NULL), EBADMSG);
	/* a good log signature with eight octets behind it is none */
	n.line[0] = n.line[1];
	CHECK_OK(note_check(&n, &f.a, NULL, NULL));
	n.line[0].sig_n = 8 + SIG_BYTES;
	CHECK_ERR(note_check(&n, &f.a, NULL, NULL), EBADMSG);
	/* nor is a good signature over a time that no number here can be */
	buf_reset(&b);
	buf_put(&b, body.p, body.n);
	buf_u8(&b, '\n');
	CHECK_OK(note_sign(&b, body, &f.b_co, 1ULL << 63));
	CHECK_OK(note_parse(b.p, b.n, &n));
	CHECK_ERR(note_check(&n, &f.b_co, NULL, NULL), EBADMSG);
	buf_free(&b);
	close_fix(&f);
}

TEST(note_key_names_have_a_limit)
{
	char name[ORIGIN_CHARS_MAX + 1], vkey[VKEY_CHARS_MAX];
	struct note_key k;
	struct fix f;

	CHECK_OK(open_fix(&f));
	memset(name, 'a', sizeof(name));
	name[ORIGIN_CHARS_MAX] = '\0';
	CHECK_ERR(note_key_init(&k, name, NOTE_LOG, f.key[0]), EMSGSIZE);
	name[ORIGIN_CHARS_MAX - 1] = '\0';
	CHECK_OK(note_key_init(&k, name, NOTE_LOG, f.key[0]));
	note_vkey(&k, vkey);
	CHECK_EQ(strlen(vkey), 191 + 1 + 8 + 1 + 44);
	close_fix(&f);
}

/* ---- proofs of the vectors ---- */

static int vector_leaf(uint64_t i, uint8_t out[DIGEST_BYTES], void *arg)
{
	static const char *const file[] = {"vectors/entryA0", "vectors/entryA1",
					   "vectors/entryA2", "vectors/entryB0",
					   "vectors/entryA3"};
	struct str e = rdtest_data(file[i]);

	(void)arg;
	tree_leaf(e.p, e.n, out);
	return 0;
}

TEST(note_roots_of_the_vectors)
{
	static const char *const file[] = {"vectors/checkpoint.2",
					   "vectors/checkpoint",
					   "vectors/joint.checkpoint"};

	for (int i = 0; i < 3; i++) {
		struct str text = rdtest_data(file[i]);
		uint8_t root[DIGEST_BYTES];
		struct note n;

		CHECK_OK(note_parse(text.p, text.n, &n));
		CHECK_OK(tree_root_of(n.size, vector_leaf, NULL, root));
		CHECK_MEM(n.root, root, DIGEST_BYTES);
	}
}

static void hash_line(struct str *in, struct tree_proof *p)
{
	struct str line;

	CHECK(str_line(in, &line));
	CHECK_OK(b64_exact(line, p->hash[p->n++], DIGEST_BYTES));
}

TEST(note_tlog_proof_of_the_vectors)
{
	struct str in = rdtest_data("vectors/a2.tlog-proof"), line;
	uint8_t leaf[DIGEST_BYTES];
	struct tree_proof p = {0}, own;
	struct note n;
	struct fix f;

	CHECK_OK(open_fix(&f));
	CHECK(str_line(&in, &line));
	CHECK(str_is(line, "c2sp.org/tlog-proof@v1"));
	CHECK(str_line(&in, &line));
	CHECK(str_is(line, "index 2"));
	hash_line(&in, &p);
	CHECK(str_line(&in, &line));
	CHECK_EQ(line.n, 0);
	CHECK_OK(note_parse(in.p, in.n, &n));
	CHECK_OK(note_check(&n, &f.a, NULL, NULL));
	CHECK_OK(note_check(&n, &f.b_co, NULL, NULL));
	CHECK_OK(vector_leaf(2, leaf, NULL));
	CHECK(tree_check_inclusion(2, n.size, leaf, &p, n.root));
	CHECK_OK(tree_prove_inclusion(2, 3, vector_leaf, NULL, &own));
	CHECK_EQ(own.n, 1);
	CHECK_MEM(own.hash, p.hash, DIGEST_BYTES);
	close_fix(&f);
}

TEST(note_consistency_of_the_vectors)
{
	struct str in = rdtest_data("vectors/add-checkpoint.req"), line,
		   old = rdtest_data("vectors/checkpoint.2");
	struct tree_proof p = {0}, own;
	struct note from, to;

	CHECK(str_line(&in, &line));
	CHECK(str_is(line, "old 2"));
	hash_line(&in, &p);
	CHECK(str_line(&in, &line));
	CHECK_OK(note_parse(old.p, old.n, &from));
	CHECK_OK(note_parse(in.p, in.n, &to));
	CHECK(tree_check_consistency(2, 3, from.root, to.root, &p));
	CHECK_OK(tree_prove_consistency(2, 3, vector_leaf, NULL, &own));
	CHECK_EQ(own.n, 1);
	CHECK_MEM(own.hash, p.hash, DIGEST_BYTES);
}
