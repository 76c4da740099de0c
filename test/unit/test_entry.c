/* SPDX-License-Identifier: ISC */
/** @file test_entry.c  Entries: the vectors, every rule, what is refused */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "proto/entry.h"
#include "proto/tree.h"
#include "rdtest.h"

#define EMPTY "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define HEAD                                                                   \
	"ringdown-entry/v1\n"                                                  \
	"log a/ringdown/b/0\n" HEAD_FROM_SEQ
#define HEAD_FROM_SEQ                                                          \
	"seq 0\n"                                                              \
	"time 2026-11-23T09:00:00.000Z\n"                                      \
	"seen 0 " EMPTY "\n"                                                   \
	"nonce 000102030405060708090a0b0c0d0e0f\n"
#define SHA       \
	"sha256:" \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIG                                                                  \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
	"AAAAAAAAAAAAAAAAAAAA=="

static int parse(const char *text, struct entry *e)
{
	struct str s = rdtest_str(text);

	return entry_parse(s.p, s.n, e);
}

TEST(entry_vectors)
{
	static const struct {
		const char *file, *leaf, *type;
		size_t bytes, fields, text;
		uint64_t seq, seen;
		enum entry_kind kind;
	} v[] = {
		{"vectors/entryA0",
		 "5024347e98cdc78f2335f3093dd04761f1a837c7244d251a8950b961e7c94"
		 "375",
		 "open", 393, 3, 0, 0, 0, ENTRY_UNKNOWN},
		{"vectors/entryA1",
		 "6ee4b1c32642cff567c6ca9e7a33a0cd36aa194622c50f6d6aa40ff7ffa0a"
		 "522",
		 "line", 215, 1, 0, 1, 0, ENTRY_LINE},
		{"vectors/entryA2",
		 "bb75a96c5519e1ea79b8aba5b63dadb5e6e86d516cf66bb525b5b1792e7ec"
		 "df4",
		 "notice", 272, 2, 25, 2, 0, ENTRY_UNKNOWN},
		{"vectors/entryA3",
		 "37b18dd357c77272e303ebd7e6cec328ee153518f71a001c9ad2a2190f631"
		 "b61",
		 "ack", 205, 0, 0, 3, 1, ENTRY_ACK},
		{"vectors/entryB0",
		 "f22fb0192271a9f30cc58c6351347d8a9d5caea3721a295a6693e305811a9"
		 "bb7",
		 "ack", 205, 0, 0, 0, 3, ENTRY_ACK},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct str in = rdtest_data(v[i].file);
		uint8_t leaf[DIGEST_BYTES], want[DIGEST_BYTES];
		struct entry e;

		CHECK_EQ(in.n, v[i].bytes);
		tree_leaf(in.p, in.n, leaf);
		CHECK_OK(hex_decode(str_of(v[i].leaf), want, DIGEST_BYTES));
		CHECK_MEM(leaf, want, DIGEST_BYTES);
		CHECK_OK(entry_parse(in.p, in.n, &e));
		CHECK(str_is(e.type, v[i].type));
		CHECK_EQ(e.env.seq, v[i].seq);
		CHECK_EQ(e.env.seen, v[i].seen);
		CHECK_EQ(e.fields, v[i].fields);
		CHECK_EQ(e.text.n, v[i].text);
		CHECK_EQ(e.kind, v[i].kind);
	}
}

/* Print what was parsed; the bytes must come back */
static void round_trip(const void *p, size_t n, const struct entry *e)
{
	char type[40], name[40];
	struct buf b;

	buf_init(&b, ENTRY_BYTES_MAX);
	CHECK_OK(str_copy(e->type, type, sizeof(type)));
	entry_begin(&b, &e->env, type);
	for (size_t i = 0; i < e->fields; i++) {
		CHECK_OK(str_copy(e->field[i].name, name, sizeof(name)));
		entry_field(&b, name, "%.*s", (int)e->field[i].value.n,
			    e->field[i].value.p);
	}
	entry_end(&b);
	buf_put(&b, e->text.p, e->text.n);
	CHECK_EQ(b.err, 0);
	CHECK_EQ(b.n, n);
	CHECK_MEM(b.p, p, n);
	buf_free(&b);
}

TEST(entry_vectors_print_back)
{
	static const char *const file[] = {"vectors/entryA0", "vectors/entryA1",
					   "vectors/entryA2", "vectors/entryA3",
					   "vectors/entryB0"};

	for (size_t i = 0; i < 5; i++) {
		struct str in = rdtest_data(file[i]);
		struct entry e;

		CHECK_OK(entry_parse(in.p, in.n, &e));
		round_trip(in.p, in.n, &e);
	}
}

TEST_OOM(entry_writes_a_vector)
{
	struct str want = rdtest_data("vectors/entryA1");
	struct envelope env = {
		.origin =
			str_of("alpha.example/ringdown/bravo.example/7c1e5f20"),
		.seq = 1,
		.time_ms = 1795424407250};
	struct buf b;

	digest("", 0, env.seen_root);
	for (uint8_t i = 0; i < NONCE_BYTES; i++)
		env.nonce[i] = 0x10 + i;
	buf_init(&b, ENTRY_BYTES_MAX);
	entry_begin(&b, &env, "line");
	entry_field(&b, "state", "%s", "up");
	entry_end(&b);
	TRY(b.err);
	CHECK_EQ(b.n, want.n);
	CHECK_MEM(b.p, want.p, want.n);
out:
	buf_free(&b);
}

TEST(entry_field_value_has_a_limit)
{
	char v[VALUE_BYTES_MAX + 2];
	struct buf b;

	memset(v, 'v', sizeof(v));
	v[VALUE_BYTES_MAX] = '\0';
	buf_init(&b, ENTRY_BYTES_MAX);
	entry_field(&b, "f", "%s", v);
	CHECK_EQ(b.err, 0);
	CHECK_EQ(b.n, 2 + VALUE_BYTES_MAX + 1);
	v[VALUE_BYTES_MAX] = 'v';
	v[VALUE_BYTES_MAX + 1] = '\0';
	entry_field(&b, "f", "%s", v);
	CHECK_EQ(b.err, EMSGSIZE);
	buf_free(&b);
}

/* ---- kinds ---- */

/* The kind of HEAD + "type ..." lines; its bytes must come back */
static enum entry_kind kind(const char *rest)
{
	char text[4096];
	struct entry e;

	snprintf(text, sizeof(text), HEAD "type %s\n\n", rest);
	CHECK_OK(parse(text, &e));
	round_trip(text, strlen(text), &e);
	return e.kind;
}

#define NOTICE                                                     \
	"notice\nid 1.a_B-\nby Ann\nprecedence flash\nsubject s\n" \
	       "blob " SHA " 33 text/plain"
#define OPEN                                                                   \
	"open\npeer b/ringdown/a/0\nagreement " SHA " 700\n"                   \
	"pivot a/ringdown/b/0\nlog-key l\ncosigner-key c\nnext-key " SHA

TEST(entry_kinds_understood)
{
	CHECK_EQ(kind(OPEN), ENTRY_OPEN);
	CHECK_EQ(kind(NOTICE), ENTRY_NOTICE);
	CHECK_EQ(kind("document\nid 1\nby A\nprecedence routine\nsubject s\n"
		      "name a.pdf\nblob " SHA " 33 application/pdf"),
		 ENTRY_DOCUMENT);
	CHECK_EQ(kind("receipt\nstate held\nof 0 0"), ENTRY_RECEIPT);
	CHECK_EQ(kind("receipt\nstate delivered\nof 1 2"), ENTRY_RECEIPT);
	CHECK_EQ(kind("receipt\nstate opened\nof 1 2\nby Ann B"),
		 ENTRY_RECEIPT);
	CHECK_EQ(kind("receipt\nstate printed\nof 1 2"), ENTRY_RECEIPT);
	CHECK_EQ(kind("refuse\nof 3 4\nreason not-understood"), ENTRY_REFUSE);
	CHECK_EQ(kind("ack"), ENTRY_ACK);
	CHECK_EQ(kind("line\nstate down"), ENTRY_LINE);
	CHECK_EQ(kind("line\nstate up\noffset-ms -5\nrtt-ms 12"), ENTRY_LINE);
	CHECK_EQ(kind("line\nstate up\nrtt-ms 12"), ENTRY_LINE);
	CHECK_EQ(kind("line\nstate up\noffset-ms 0"), ENTRY_LINE);
	CHECK_EQ(kind("fault\nkind clock\nwas 2026-11-23T09:00:05.000Z\n"
		      "now 2026-11-23T09:00:00.000Z"),
		 ENTRY_FAULT);
	CHECK_EQ(kind("fault\nkind disk\ndetail full"), ENTRY_FAULT);
	CHECK_EQ(
		kind("restore\nfrom 3\nto 9 " EMPTY "\nattest 1795424462 " SIG),
		ENTRY_RESTORE);
}

TEST(entry_kinds_not_understood)
{
	static const char *const bad[] = {
		"call-offer", "key\nx y", "acks", "ack\nx y",
		/* a field missing, twice, in another order, too many */
		"notice\nid 1\nby A\nprecedence flash\nsubject s",
		"notice\nid 1\nid 1\nby A\nprecedence flash\nsubject s\n"
		"blob " SHA " 33 text/plain",
		"notice\nby A\nid 1\nprecedence flash\nsubject s\n"
		"blob " SHA " 33 text/plain",
		NOTICE "\nname x", OPEN "\nx y",
		"line\nstate up\nrtt-ms 12\noffset-ms -5",
		/* fields of a wrong form */
		"notice\nid a/b\nby A\nprecedence flash\nsubject s\n"
		"blob " SHA " 33 text/plain",
		"notice\nid 1\nby A\nprecedence Flash\nsubject s\n"
		"blob " SHA " 33 text/plain",
		"notice\nid 1\nby A\nprecedence flash\nsubject s\n"
		"blob " SHA " 033 text/plain",
		"notice\nid 1\nby A\nprecedence flash\nsubject s\n"
		"blob " SHA " 33",
		"notice\nid 1\nby A\nprecedence flash\nsubject s\n"
		"blob " SHA "0 33 text/plain",
		"notice\nid 1\nby A\nprecedence flash\nsubject s\n"
		"blob " SHA " 33 text/plain x",
		"receipt\nstate read\nof 0 0", "receipt\nstate held\nof 1 0",
		"receipt\nstate held\nof 0", "receipt\nstate held\nof 0 0 0",
		"receipt\nstate held\nof 0  0", "line\nstate sideways",
		"line\nstate up\noffset-ms -0", "line\nstate up\noffset-ms +1",
		"line\nstate up\noffset-ms -", "line\nstate up\nrtt-ms -1",
		"fault\nkind clock\ndetail x",
		"fault\nkind disk\nwas 2026-11-23T09:00:05.000Z\n"
		"now 2026-11-23T09:00:00.000Z",
		"fault\nkind clock\nwas 2026-11-23T09:00:60.000Z\n"
		"now 2026-11-23T09:00:00.000Z",
		"fault\nkind Disk\ndetail full",
		"restore\nfrom 3\nto 9 " EMPTY "\nattest 1795424462 " EMPTY,
		"restore\nfrom 3\nto 9\nattest 1795424462 " SIG,
		"open\npeer p\nagreement " SHA "\npivot p\nlog-key l\n"
		"cosigner-key c\nnext-key " SHA};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (kind(bad[i]) != ENTRY_UNKNOWN)
			CHECK_STR(bad[i], "not understood");
	}
}

TEST(entry_text_makes_it_not_understood)
{
	struct entry e;

	CHECK_OK(parse(HEAD "type ack\n\nwords\n", &e));
	CHECK_EQ(e.kind, ENTRY_UNKNOWN);
	CHECK(str_is(e.text, "words\n"));
	CHECK_OK(parse(HEAD "type ack\n\n\n", &e));
	CHECK_EQ(e.kind, ENTRY_UNKNOWN);
}

/* ---- what is not an entry ---- */

TEST(entry_envelopes_refused)
{
	static const char *const line[6] = {
		"ringdown-entry/v1",
		"log a/ringdown/b/0",
		"seq 0",
		"time 2026-11-23T09:00:00.000Z",
		("seen 0 " EMPTY),
		"nonce 000102030405060708090a0b0c0d0e0f"};
	static const struct {
		int at;
		const char *bad;
	} v[] = {{0, "ringdown-entry/v2"},
		 {0, "ringdown-entry/v1 "},
		 {0, "ringdown-entry/v1\r"},
		 {0, ""},
		 {1, "log "},
		 {1, "log"},
		 {1, "Log a"},
		 {1, "log  a"},
		 {1, "log a "},
		 {1, "log a\x01"},
		 {1, "log \xc0\xaf"},
		 {1, "log \xed\xa0\x80"},
		 {2, "seq 00"},
		 {2, "seq 01"},
		 {2, "seq -1"},
		 {2, "seq"},
		 {2, "seq 0 "},
		 {2, "seq 9223372036854775808"},
		 {2, "seq 0\r"},
		 {3, "time 2026-02-30T09:00:00.000Z"},
		 {3, "time 2026-11-23T09:00:60.000Z"},
		 {3, "time 2026-11-23T09:00:00Z"},
		 {4, "seen 0"},
		 {4, "seen  0 " EMPTY},
		 {4, "seen 00 " EMPTY},
		 {4, "seen 0  " EMPTY},
		 {4, "seen 0 " EMPTY " "},
		 {4, "seen 0 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV="},
		 {4, "seen 0 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"},
		 {4, "seen 0 47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="},
		 {5, "nonce 000102030405060708090A0B0C0D0E0F"},
		 {5, "nonce 000102030405060708090a0b0c0d0e"},
		 {5, "nonce 000102030405060708090a0b0c0d0e0f10"},
		 {5, "nonce"}};
	struct entry e;

	CHECK_OK(parse(HEAD "type ack\n\n", &e));
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		char text[1024] = "";
		size_t n = 0;

		for (int k = 0; k < 6; k++)
			n += (size_t)snprintf(
				text + n, sizeof(text) - n, "%s\n",
				v[i].at == k ? v[i].bad : line[k]);
		snprintf(text + n, sizeof(text) - n, "type ack\n\n");
		if (!parse(text, &e))
			CHECK_STR(v[i].bad, "refused");
	}
	/* two lines in another order; one left out */
	CHECK_ERR(parse("ringdown-entry/v1\nseq 0\nlog a/ringdown/b/0\n"
			"time 2026-11-23T09:00:00.000Z\nseen 0 " EMPTY
			"\nnonce 000102030405060708090a0b0c0d0e0f\n"
			"type ack\n\n",
			&e),
		  EBADMSG);
}

TEST(entry_rests_refused)
{
	static const char *const bad[] = {
		HEAD,
		HEAD "type ack\n",
		HEAD "type ack",
		HEAD "type Ack\n\n",
		HEAD "type \n\n",
		HEAD "type -x\n\n",
		HEAD "type a_b\n\n",
		HEAD "type aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\n",
		HEAD "type ack \n\n",
		HEAD "type ack\r\n\r\n",
		HEAD "type x\nname\n\n",
		HEAD "type x\nname \n\n",
		HEAD "type x\nname  v\n\n",
		HEAD "type x\nname v \n\n",
		HEAD "type x\nName v\n\n",
		HEAD "type x\n1n v\n\n",
		HEAD "type x\nname v\x7f\n\n",
		HEAD "type x\nname v\tw\n\n",
		HEAD "type x\nname \xc0\xaf\n\n",
		HEAD "type x\n v\n\n",
		HEAD "type x\n\ntext",
		HEAD "type x\n\ntext\r\n",
		HEAD "type x\n\n\xe0\x80\xaf\n",
		HEAD "type x\n\n\x1b[2J\n",
		""};
	struct entry e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!parse(bad[i], &e))
			CHECK_STR(bad[i], "refused");
	}
	CHECK_OK(parse(HEAD "type aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\n", &e));
	CHECK_OK(parse(
		HEAD "type a-1\nx \xe2\x80\x94 y\n\n\n\xf0\x9f\x93\x9e\n", &e));
}

TEST(entry_nul_anywhere_is_refused)
{
	static const char text[] = HEAD "type x\nname value\n\ntext\n";
	const size_t n = sizeof(text) - 1;
	struct entry e;

	CHECK_OK(entry_parse(rdtest_exact(text, n), n, &e));
	for (size_t i = 0; i < n; i++) {
		char *copy = rdtest_exact(text, n);

		copy[i] = '\0';
		CHECK_ERR(entry_parse(copy, n, &e), EBADMSG);
	}
}

TEST(entry_cut_short_anywhere)
{
	static const char text[] = HEAD "type x\nname value\n\n";
	const size_t n = sizeof(text) - 1;
	struct entry e;

	for (size_t cut = 0; cut < n; cut++)
		CHECK_ERR(entry_parse(rdtest_exact(text, cut), cut, &e),
			  EBADMSG);
}

TEST(entry_limits_are_exact)
{
	const size_t head = strlen(HEAD "type x\n\n");
	char *text = malloc(ENTRY_BYTES_MAX + 1), value[VALUE_BYTES_MAX + 64];
	struct entry *e = malloc(sizeof(*e));
	struct buf b;

	CHECK(text && e);
	memcpy(text, HEAD "type x\n\n", head);
	memset(text + head, 't', ENTRY_BYTES_MAX + 1 - head);
	text[ENTRY_BYTES_MAX - 1] = '\n';
	text[ENTRY_BYTES_MAX] = '\n';
	CHECK_OK(entry_parse(rdtest_exact(text, ENTRY_BYTES_MAX),
			     ENTRY_BYTES_MAX, e));
	CHECK_ERR(entry_parse(rdtest_exact(text, ENTRY_BYTES_MAX + 1),
			      ENTRY_BYTES_MAX + 1, e),
		  EBADMSG);
	/* fields */
	buf_init(&b, ENTRY_BYTES_MAX);
	buf_str(&b, HEAD "type x\n");
	for (int i = 0; i < ENTRY_FIELDS_MAX; i++)
		buf_str(&b, "f v\n");
	buf_u8(&b, '\n');
	CHECK_OK(entry_parse(rdtest_exact(b.p, b.n), b.n, e));
	CHECK_EQ(e->fields, ENTRY_FIELDS_MAX);
	b.n--;
	buf_str(&b, "f v\n\n");
	CHECK_ERR(entry_parse(rdtest_exact(b.p, b.n), b.n, e), EBADMSG);
	/* a value */
	for (size_t n = VALUE_BYTES_MAX; n <= VALUE_BYTES_MAX + 1; n++) {
		memset(value, 'v', n);
		value[n] = '\0';
		buf_reset(&b);
		buf_printf(&b, HEAD "type x\nf %s\n\n", value);
		CHECK_ERR(entry_parse(rdtest_exact(b.p, b.n), b.n, e),
			  n > VALUE_BYTES_MAX ? EBADMSG : 0);
	}
	/* an origin */
	for (size_t n = ORIGIN_CHARS_MAX - 1; n <= ORIGIN_CHARS_MAX; n++) {
		memset(value, 'o', n);
		value[n] = '\0';
		buf_reset(&b);
		buf_printf(&b, "ringdown-entry/v1\nlog %s\n%stype x\n\n", value,
			   HEAD_FROM_SEQ);
		CHECK_ERR(entry_parse(rdtest_exact(b.p, b.n), b.n, e),
			  n >= ORIGIN_CHARS_MAX ? EBADMSG : 0);
	}
	buf_free(&b);
	free(text);
	free(e);
}

/* ---- meaning ---- */

TEST(entry_get_and_blob)
{
	struct blob_ref ref;
	struct entry e;

	CHECK_OK(parse(HEAD "type " NOTICE "\n\n", &e));
	CHECK(str_is(entry_get(&e, "subject"), "s"));
	CHECK(str_is(entry_get(&e, "nothing"), ""));
	CHECK(str_is(entry_get(&e, "subjec"), ""));
	CHECK_OK(entry_blob(&e, &ref));
	CHECK_EQ(ref.bytes, 33);
	CHECK(str_is(ref.media, "text/plain"));
	CHECK_EQ(ref.hash[0], 0xe3);
	CHECK_EQ(ref.hash[31], 0x55);
	/* what is not understood names no body */
	CHECK_OK(parse(HEAD "type " NOTICE "\nx y\n\n", &e));
	CHECK_ERR(entry_blob(&e, &ref), ENOENT);
	CHECK_OK(parse(HEAD "type ack\n\n", &e));
	CHECK_ERR(entry_blob(&e, &ref), ENOENT);
}

TEST(entry_range_of_receipts)
{
	uint64_t first = 0, last = 0;
	struct entry e;

	CHECK_OK(parse(HEAD "type receipt\nstate held\nof 7 12\n\n", &e));
	CHECK_OK(entry_range(&e, &first, &last));
	CHECK_EQ(first, 7);
	CHECK_EQ(last, 12);
	CHECK_OK(parse(HEAD "type refuse\nof 3 3\nreason r\n\n", &e));
	CHECK_OK(entry_range(&e, &first, &last));
	CHECK_EQ(first, 3);
	CHECK_OK(parse(HEAD "type receipt\nstate held\nof 12 7\n\n", &e));
	CHECK_ERR(entry_range(&e, &first, &last), ENOENT);
	CHECK_OK(parse(HEAD "type " NOTICE "\n\n", &e));
	CHECK_ERR(entry_range(&e, &first, &last), ENOENT);
}

TEST(entry_kind_names_are_types)
{
	CHECK_STR(entry_kind_name(ENTRY_UNKNOWN), "?");
	CHECK_STR(entry_kind_name(ENTRY_OPEN), "open");
	CHECK_STR(entry_kind_name(ENTRY_RESTORE), "restore");
	CHECK_STR(entry_kind_name(ENTRY_KINDS), "?");
}
