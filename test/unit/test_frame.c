/* SPDX-License-Identifier: ISC */
/** @file test_frame.c  What travels on a path: round trips and truncations */
#include <stdio.h>
#include "proto/frame.h"
#include "rdtest.h"

/* ---- HELLO ---- */

#define EXPORTER ((const uint8_t *)"0123456789abcdef0123456789abcdef")

static struct hello hello_of(void)
{
	struct hello h = {.version = PROTOCOL_VERSION,
			  .role = HELLO_LISTENER,
			  .path = 7,
			  .from = str_of("south.example"),
			  .to = str_of("north.example"),
			  .rx = {3, 0x0102030405060708ULL},
			  .time_ms = 1795424462123,
			  .own = str_of("own note"),
			  .held = str_of(""),
			  .seen = str_of("seen")};

	memset(h.sid, 0x11, SID_BYTES);
	memset(h.peer_sid, 0x22, SID_BYTES);
	return h;
}

static struct key *trunk_key(uint8_t fill)
{
	uint8_t seed[KEY_BYTES];
	struct key *k = NULL;

	memset(seed, fill, sizeof(seed));
	CHECK_OK(key_from_seed(&k, seed));
	return k;
}

TEST_OOM(hello_round_trip)
{
	struct hello h = hello_of(), back;
	struct key *k = NULL, *pub = NULL;
	uint8_t seed[KEY_BYTES] = {1};
	struct buf b;
	void *copy;

	buf_init(&b, FRAME_BYTES_MAX);
	TRY(key_from_seed(&k, seed));
	TRY(key_from_public(&pub, key_public(k)));
	TRY(hello_encode(&h, EXPORTER, k, &b));
	copy = rdtest_exact(b.p, b.n);
	CHECK_OK(hello_decode(copy, b.n, &back));
	CHECK_EQ(back.version, 1);
	CHECK_EQ(back.role, HELLO_LISTENER);
	CHECK_EQ(back.path, 7);
	CHECK(str_is(back.from, "south.example"));
	CHECK(str_is(back.to, "north.example"));
	CHECK_MEM(back.sid, h.sid, SID_BYTES);
	CHECK_MEM(back.peer_sid, h.peer_sid, SID_BYTES);
	CHECK_EQ(back.rx[0], 3);
	CHECK_EQ(back.rx[1], 0x0102030405060708ULL);
	CHECK_EQ(back.time_ms, 1795424462123);
	CHECK(str_is(back.own, "own note"));
	CHECK(str_is(back.held, ""));
	CHECK(str_is(back.seen, "seen"));
	CHECK(hello_signed(copy, b.n, EXPORTER, pub));
out:
	key_free(k);
	key_free(pub);
	buf_free(&b);
}

/* The layout of docs/protocol.md, octet by octet */
TEST(hello_layout)
{
	struct hello h = hello_of();
	struct key *k = trunk_key(1);
	uint8_t want[DIGEST_BYTES];
	struct buf b, w;

	buf_init(&b, FRAME_BYTES_MAX);
	buf_init(&w, FRAME_BYTES_MAX);
	CHECK_OK(hello_encode(&h, EXPORTER, k, &b));
	buf_put(&w, "\0\1\1\7\0\15south.example\0\15north.example", 34);
	for (int i = 0; i < 16; i++)
		buf_u8(&w, 0x11);
	for (int i = 0; i < 16; i++)
		buf_u8(&w, 0x22);
	buf_u64(&w, 3);
	buf_u64(&w, 0x0102030405060708ULL);
	buf_u64(&w, 1795424462123);
	buf_put(&w, "\0\10own note\0\0\0\4seen", 18);
	CHECK_EQ(b.n, w.n + SIG_BYTES);
	CHECK_MEM(b.p, w.p, w.n);
	digest_pieces((struct piece[]){{"ringdown-hello/v1\n", 18},
				       {EXPORTER, 32},
				       {w.p, w.n}},
		      3, want);
	CHECK(key_verify(k, want, sizeof(want), b.p + w.n));
	buf_free(&b);
	buf_free(&w);
	key_free(k);
}

TEST(hello_signature_covers_every_octet_and_the_exporter)
{
	struct hello h = hello_of();
	struct key *k = trunk_key(1), *other = trunk_key(2);
	uint8_t exporter[EXPORTER_BYTES];
	struct buf b;

	buf_init(&b, FRAME_BYTES_MAX);
	CHECK_OK(hello_encode(&h, EXPORTER, k, &b));
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 1;
		CHECK(!hello_signed(b.p, b.n, EXPORTER, k));
		b.p[i] ^= 1;
	}
	for (size_t i = 0; i < EXPORTER_BYTES; i++) {
		memcpy(exporter, EXPORTER, EXPORTER_BYTES);
		exporter[i] ^= 1;
		CHECK(!hello_signed(b.p, b.n, exporter, k));
	}
	CHECK(!hello_signed(b.p, b.n, EXPORTER, other));
	CHECK(hello_signed(b.p, b.n, EXPORTER, k));
	for (size_t n = 0; n < b.n; n++)
		CHECK(!hello_signed(rdtest_exact(b.p, n), n, EXPORTER, k));
	buf_free(&b);
	key_free(k);
	key_free(other);
}

TEST(hello_truncated_or_with_a_tail)
{
	struct hello h = hello_of(), back;
	struct key *k = trunk_key(1);
	struct buf b;

	buf_init(&b, FRAME_BYTES_MAX);
	CHECK_OK(hello_encode(&h, EXPORTER, k, &b));
	for (size_t n = 0; n < b.n; n++)
		CHECK_ERR(hello_decode(rdtest_exact(b.p, n), n, &back),
			  EBADMSG);
	buf_u8(&b, 0);
	CHECK_ERR(hello_decode(rdtest_exact(b.p, b.n), b.n, &back), EBADMSG);
	buf_free(&b);
	key_free(k);
}

/* Encode h and decode it again */
static int coded(const struct hello *h)
{
	struct key *k = trunk_key(1);
	struct hello back;
	struct buf b;
	int err;

	buf_init(&b, FRAME_BYTES_MAX);
	CHECK_OK(hello_encode(h, EXPORTER, k, &b));
	err = hello_decode(rdtest_exact(b.p, b.n), b.n, &back);
	buf_free(&b);
	key_free(k);
	return err;
}

TEST(hello_values_refused)
{
	static char note[NOTE_BYTES_MAX + 2];
	struct hello h = hello_of();

	h.role = 2;
	CHECK_ERR(coded(&h), EBADMSG);
	h = hello_of();
	h.path = PATHS_MAX;
	CHECK_ERR(coded(&h), EBADMSG);
	h = hello_of();
	h.from = str_of("");
	CHECK_ERR(coded(&h), EBADMSG);
	h.from = str_of("South");
	CHECK_ERR(coded(&h), EBADMSG);
	h = hello_of();
	h.to = str_of("a\nb");
	CHECK_ERR(coded(&h), EBADMSG);
	h = hello_of();
	h.time_ms = -1;
	CHECK_ERR(coded(&h), EBADMSG);
	memset(note, 'n', sizeof(note));
	h = hello_of();
	h.seen = (struct str){note, NOTE_BYTES_MAX};
	CHECK_OK(coded(&h));
	h.seen.n++;
	CHECK_ERR(coded(&h), EBADMSG);
	h = hello_of();
	h.own = (struct str){note, NOTE_BYTES_MAX + 1};
	CHECK_ERR(coded(&h), EBADMSG);
	/* another version is a matter of whoever reads it, not of form */
	h = hello_of();
	h.version = 9;
	CHECK_OK(coded(&h));
}

TEST(hello_that_does_not_fit_is_an_error)
{
	struct hello h = hello_of();
	struct key *k = trunk_key(1), *pub = NULL;
	struct buf b;

	buf_init(&b, 150); /* all but the signature */
	CHECK_ERR(hello_encode(&h, EXPORTER, k, &b), EMSGSIZE);
	buf_free(&b);
	buf_init(&b, 20);
	CHECK_ERR(hello_encode(&h, EXPORTER, k, &b), EMSGSIZE);
	buf_free(&b);
	buf_init(&b, FRAME_BYTES_MAX);
	CHECK_OK(key_from_public(&pub, key_public(k)));
	CHECK_ERR(hello_encode(&h, EXPORTER, pub, &b), EINVAL);
	buf_free(&b);
	key_free(k);
	key_free(pub);
}

/* ---- the small ones: every truncation and one octet more ---- */

typedef int(decode_h)(const void *p, size_t n);

static void exact_length(const struct buf *b, decode_h *decode)
{
	uint8_t more[128];

	CHECK(b->n < sizeof(more));
	for (size_t n = 0; n < b->n; n++)
		CHECK_ERR(decode(rdtest_exact(b->p, n), n), EBADMSG);
	CHECK_OK(decode(rdtest_exact(b->p, b->n), b->n));
	memcpy(more, b->p, b->n);
	more[b->n] = 0;
	CHECK_ERR(decode(rdtest_exact(more, b->n + 1), b->n + 1), EBADMSG);
}

static struct beat beat_got;

static int beat(const void *p, size_t n)
{
	return beat_decode(p, n, &beat_got);
}

TEST(beat_round_trip)
{
	const struct beat v = {1, 2, 3, 0x0400000000000000ULL, 5};
	struct buf b;

	buf_init(&b, 64);
	beat_encode(&v, &b);
	CHECK_EQ(b.n, 32);
	exact_length(&b, beat);
	CHECK_OK(beat(b.p, b.n));
	CHECK_EQ(beat_got.stamp_us, 1);
	CHECK_EQ(beat_got.echo_us, 2);
	CHECK_EQ(beat_got.echo_age_us, 3);
	CHECK_EQ(beat_got.turn, 0x0400000000000000ULL);
	CHECK_EQ(beat_got.turn_age_ms, 5);
	buf_free(&b);
}

static uint64_t ack_got[LANES];
static uint8_t gaps_got;

static int ack(const void *p, size_t n)
{
	return ack_decode(p, n, ack_got, &gaps_got);
}

TEST(ack_round_trip)
{
	struct buf b;

	buf_init(&b, 64);
	ack_encode((const uint64_t[LANES]){7, UINT64_MAX}, 2, &b);
	exact_length(&b, ack);
	CHECK_OK(ack(b.p, b.n));
	CHECK_EQ(ack_got[0], 7);
	CHECK_EQ(ack_got[1], UINT64_MAX);
	CHECK_EQ(gaps_got, 2);
	/* a gap in a lane that is none */
	b.p[b.n - 1] = 1 << LANES;
	CHECK_ERR(ack(b.p, b.n), EBADMSG);
	buf_free(&b);
}

TEST(lane_round_trip)
{
	struct lane_frame f = {.lane = LANE_RECORD,
			       .seq = 9,
			       .ack = 8,
			       .msg = MSG_WANT},
			  back;
	const uint8_t *copy;
	struct buf b;

	buf_init(&b, 64);
	lane_encode_head(&f, &b);
	CHECK_EQ(b.n, LANE_HEAD_BYTES);
	for (size_t n = 0; n < LANE_HEAD_BYTES; n++)
		CHECK_ERR(lane_decode(rdtest_exact(b.p, n), n, &back), EBADMSG);
	CHECK_OK(lane_decode(rdtest_exact(b.p, b.n), b.n, &back));
	CHECK_EQ(back.body_n, 0);
	buf_str(&b, "body");
	copy = rdtest_exact(b.p, b.n);
	CHECK_OK(lane_decode(copy, b.n, &back));
	CHECK_EQ(back.lane, LANE_RECORD);
	CHECK_EQ(back.seq, 9);
	CHECK_EQ(back.ack, 8);
	CHECK_EQ(back.msg, MSG_WANT);
	CHECK_EQ(back.body_n, 4);
	CHECK(back.body == copy + LANE_HEAD_BYTES);
	b.p[0] = LANES;
	CHECK_ERR(lane_decode(b.p, b.n, &back), EBADMSG);
	b.p[0] = LANE_CONTROL;
	b.p[8] = 0;	/* numbers begin at 1 */
	CHECK_ERR(lane_decode(b.p, b.n, &back), EBADMSG);
	buf_free(&b);
}

static struct want want_got;

static int want(const void *p, size_t n)
{
	return want_decode(p, n, &want_got);
}

static int want_coded(struct want w)
{
	struct buf b;
	int err;

	buf_init(&b, 64);
	want_encode(&w, &b);
	err = want(rdtest_exact(b.p, b.n), b.n);
	buf_free(&b);
	return err;
}

TEST(want_round_trip_and_limits)
{
	struct buf b;

	buf_init(&b, 64);
	want_encode(&(struct want){1, 2, 3}, &b);
	exact_length(&b, want);
	CHECK_OK(want(b.p, b.n));
	CHECK_EQ(want_got.seq, 1);
	CHECK_EQ(want_got.offset, 2);
	CHECK_EQ(want_got.bytes, 3);
	buf_free(&b);
	CHECK_OK(want_coded(
		(struct want){0, BLOB_BYTES_MAX, BULK_WINDOW_BYTES}));
	CHECK_ERR(want_coded((struct want){0, 0, 0}), EBADMSG);
	CHECK_ERR(want_coded((struct want){0, 0, BULK_WINDOW_BYTES + 1}),
		  EBADMSG);
	CHECK_ERR(want_coded((struct want){0, BLOB_BYTES_MAX + 1, 1}), EBADMSG);
	CHECK_ERR(want_coded((struct want){0, UINT64_MAX, 1}), EBADMSG);
}

TEST(bulk_round_trip_and_limits)
{
	static const uint8_t body[BULK_BYTES + 1] = {1, 2};
	const uint8_t *copy;
	struct bulk back;
	struct buf b;

	buf_init(&b, FRAME_BYTES_MAX);
	bulk_encode_head(5, 6, &b);
	CHECK_EQ(b.n, BULK_HEAD_BYTES);
	for (size_t n = 0; n <= BULK_HEAD_BYTES; n++)	/* empty: none */
		CHECK_ERR(bulk_decode(rdtest_exact(b.p, n), n, &back), EBADMSG);
	buf_put(&b, body, BULK_BYTES);
	copy = rdtest_exact(b.p, b.n);
	CHECK_OK(bulk_decode(copy, b.n, &back));
	CHECK_EQ(back.seq, 5);
	CHECK_EQ(back.offset, 6);
	CHECK_EQ(back.n, BULK_BYTES);
	CHECK(back.p == copy + BULK_HEAD_BYTES);
	buf_u8(&b, 0);
	CHECK_ERR(bulk_decode(b.p, b.n, &back), EBADMSG);
	buf_reset(&b);
	bulk_encode_head(5, BLOB_BYTES_MAX + 1, &b);
	buf_u8(&b, 0);
	CHECK_ERR(bulk_decode(b.p, b.n, &back), EBADMSG);
	buf_free(&b);
}

/* ---- MSG_ENTRIES ---- */

/* Read all; 0 when every item and the end fit */
static int entries(const void *p, size_t n, uint16_t *count)
{
	struct cur c = cur_of(p, n);
	struct entries_item it;
	uint64_t first;
	uint8_t whose;

	if (entries_open(&c, &whose, &first, count))
		return EBADMSG;
	for (unsigned i = 0; i < *count; i++) {
		if (entries_next(&c, &it))
			return EBADMSG;
	}
	return cur_done(&c) ? 0 : EBADMSG;
}

TEST(entries_round_trip_and_truncations)
{
	const struct entries_item one = {(const uint8_t *)"entry", 5,
					 (const uint8_t *)"body", 4},
				  two = {(const uint8_t *)"e", 1, NULL, 0};
	struct entries_item it;
	uint64_t first = 0;
	uint16_t count = 0;
	uint8_t whose = 9;
	struct buf b;
	struct cur c;

	buf_init(&b, FRAME_BYTES_MAX);
	entries_begin(&b, WHOSE_RECEIVER, 77, 2);
	entries_add(&b, &one);
	entries_add(&b, &two);
	CHECK_EQ(b.n, 11 + 4 + 9 + 4 + 1);
	c = cur_of(rdtest_exact(b.p, b.n), b.n);
	CHECK_OK(entries_open(&c, &whose, &first, &count));
	CHECK_EQ(whose, WHOSE_RECEIVER);
	CHECK_EQ(first, 77);
	CHECK_EQ(count, 2);
	CHECK_OK(entries_next(&c, &it));
	CHECK_EQ(it.entry_n, 5);
	CHECK_MEM(it.entry, "entry", 5);
	CHECK_EQ(it.body_n, 4);
	CHECK_MEM(it.body, "body", 4);
	CHECK_OK(entries_next(&c, &it));
	CHECK_EQ(it.entry_n, 1);
	CHECK_EQ(it.body_n, 0);
	CHECK(cur_done(&c));
	CHECK_ERR(entries_next(&c, &it), EBADMSG);
	for (size_t n = 0; n < b.n; n++)
		CHECK_ERR(entries(rdtest_exact(b.p, n), n, &count), EBADMSG);
	CHECK_OK(entries(b.p, b.n, &count));
	buf_u8(&b, 0);
	CHECK_ERR(entries(b.p, b.n, &count), EBADMSG);
	buf_free(&b);
}

static int opened(uint8_t whose, uint64_t first, uint16_t count)
{
	struct buf b;
	struct cur c;
	int err;

	buf_init(&b, 64);
	entries_begin(&b, (enum whose)whose, first, count);
	c = cur_of(rdtest_exact(b.p, b.n), b.n);
	err = entries_open(&c, &whose, &first, &count);
	buf_free(&b);
	return err;
}

TEST(entries_heads_refused)
{
	CHECK_OK(opened(0, 0, 1));
	CHECK_OK(opened(1, (uint64_t)INT64_MAX - 65535, 65535));
	CHECK_ERR(opened(2, 0, 1), EBADMSG);
	CHECK_ERR(opened(0, 0, 0), EBADMSG);
	CHECK_ERR(opened(0, (uint64_t)INT64_MAX - 65534, 65535), EBADMSG);
	CHECK_ERR(opened(0, UINT64_MAX, 1), EBADMSG);
}

TEST(entries_items_refused)
{
	static const uint8_t body[BODY_INLINE_MAX + 1];
	const struct entries_item fits = {(const uint8_t *)"e", 1, body,
					  BODY_INLINE_MAX},
				  longer = {(const uint8_t *)"e", 1, body,
					    BODY_INLINE_MAX + 1},
				  empty = {(const uint8_t *)"", 0, NULL, 0};
	const struct entries_item *const item[] = {&fits, &longer, &empty};
	uint16_t count;

	for (int i = 0; i < 3; i++) {
		struct buf b;

		buf_init(&b, FRAME_BYTES_MAX);
		entries_begin(&b, WHOSE_SENDER, 0, 1);
		entries_add(&b, item[i]);
		CHECK_ERR(entries(rdtest_exact(b.p, b.n), b.n, &count),
			  i ? EBADMSG : 0);
		buf_free(&b);
	}
}
