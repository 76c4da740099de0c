/* SPDX-License-Identifier: ISC */
/** @file test_bundle.c  media/bundle: the document's example, replay, keys */
#include "media/bundle.h"
#include "rdtest.h"

static struct bundle_key key_of(uint32_t id)
{
	struct bundle_key k = {.id = id};

	for (uint8_t i = 0; i < BUNDLE_KEY_BYTES; i++)
		k.key[i] = (uint8_t)(i + (id == 0x0a0b0c0d ? 0 : id));
	return k;
}

static struct bundle_tx *sender(uint32_t id)
{
	const struct bundle_key k = key_of(id);
	struct bundle_tx *t = NULL;

	CHECK_OK(bundle_tx_alloc(&t, &k));
	return t;
}

static struct bundle_rx *receiver(uint32_t id)
{
	const struct bundle_key k = key_of(id);
	struct bundle_rx *r = NULL;

	CHECK_OK(bundle_rx_alloc(&r));
	CHECK_OK(bundle_rx_key(r, &k));
	return r;
}

/* One frame of 4 octets of payload; gives the datagram's length */
static size_t datagram(struct bundle_tx *t, uint8_t *p)
{
	const struct voice_frame f = {
		.call = 3, .pt = 8, .payload = (const uint8_t *)"abcd", .n = 4};

	voice_frame_put(p + VOICE_HEAD_BYTES, &f);
	CHECK_OK(bundle_seal(t, p, 18));
	return VOICE_HEAD_BYTES + 18 + VOICE_TAG_BYTES;
}

static void drop(struct bundle_tx *t, uint64_t count)
{
	uint8_t p[64];

	while (count--)
		CHECK_OK(bundle_seal(t, p, 0));
}

/* docs/voice.md, appendix; computed there by another implementation */
TEST(bundle_example)
{
	static const char *const probe = "0a0b0c0d0000000000000000"
					 "c1d3409db04549039390f3773546fa5f";
	static const char *const whole =
		"0a0b0c0d0000000000000005495f8e21fec87e30b7a72c04c76b09ac3722db"
		"077fbf1e3812b7df3c87659a57f98d5f747d6658fdb2a6a85d1915c145dcb1"
		"9dcf";
	static const char *const frames =
		"00010007008803e8000271000004d5d5d5d50102ffff0265fffefffffff000"
		"04058a0320";
	struct bundle_tx *t = sender(0x0a0b0c0d);
	struct bundle_rx *r = receiver(0x0a0b0c0d);
	uint8_t p[64], want[64];
	size_t n;

	CHECK_OK(bundle_seal(t, p, 0));
	CHECK_OK(hex_decode(str_of(probe), want, 28));
	CHECK_MEM(p, want, 28);
	CHECK_OK(bundle_open(r, p, 28, &n));
	CHECK_EQ(n, 0);
	drop(t, 4);
	CHECK_OK(hex_decode(str_of(frames), p + 12, 36));
	CHECK_OK(bundle_seal(t, p, 36));
	CHECK_OK(hex_decode(str_of(whole), want, 64));
	CHECK_MEM(p, want, 64);
	CHECK_OK(bundle_open(r, p, 64, &n));
	CHECK_EQ(n, 36);
	CHECK_OK(hex_decode(str_of(frames), want, 36));
	CHECK_MEM(p + 12, want, 36);
	CHECK_EQ(bundle_tx_count(t), 6);
	bundle_tx_free(t);
	bundle_rx_free(r);
}

TEST(bundle_each_octet_matters)
{
	struct bundle_tx *t = sender(5);
	struct bundle_rx *r = receiver(5);
	struct bundle_rx_stats s;
	uint8_t good[64], p[64];
	const size_t n = datagram(t, good);
	size_t out = 99;

	for (size_t i = 0; i < n; i++) {
		memcpy(p, good, n);
		p[i] ^= 1;
		/* the first four name a key */
		CHECK_ERR(bundle_open(r, p, n, &out), i < 4 ? ENOKEY : EBADMSG);
		memcpy(p, good, n);
		CHECK_ERR(bundle_open(r, rdtest_exact(p, i), i, &out), EBADMSG);
	}
	CHECK_EQ(out, 99);
	bundle_rx_stats(r, &s);
	CHECK(s.unknown == 4 && s.refused == 2 * n - 4 && !s.received);
	CHECK(!s.lost);
	CHECK_OK(bundle_open(r, good, n, &out));
	CHECK_EQ(out, 18);
	bundle_tx_free(t);
	bundle_rx_free(r);
}

TEST(bundle_replay_and_loss)
{
	struct bundle_tx *t = sender(1);
	struct bundle_rx *r = receiver(1);
	struct bundle_rx_stats s;
	uint8_t first[64], second[64], third[64], last[64], p[64];
	size_t n, out;

	drop(t, 5);	/* before the first that comes nothing is lost */
	n = datagram(t, first);
	(void)datagram(t, third);
	(void)datagram(t, second);
	memcpy(p, first, n);
	CHECK_OK(bundle_open(r, p, n, &out));
	memcpy(p, first, n);
	CHECK_ERR(bundle_open(r, p, n, &out), EALREADY);
	drop(t, VOICE_WINDOW - 2);
	n = datagram(t, p);
	CHECK_OK(bundle_open(r, p, n, &out));
	bundle_rx_stats(r, &s);
	CHECK(s.received == 2 && s.replayed == 1);
	CHECK_EQ(s.lost, VOICE_WINDOW);
	/* 1024 below the highest: too old; 1023: welcome */
	(void)datagram(t, last);
	CHECK_ERR(bundle_open(r, third, n, &out), EALREADY);
	memcpy(p, second, n);
	CHECK_OK(bundle_open(r, p, n, &out));
	CHECK_OK(bundle_open(r, last, n, &out));
	bundle_rx_stats(r, &s);
	CHECK(s.received == 4 && s.replayed == 2);
	CHECK_EQ(s.lost, VOICE_WINDOW - 1);
	bundle_tx_free(t);
	bundle_rx_free(r);
}

TEST(bundle_keys_overlap)
{
	struct bundle_tx *t[3] = {sender(1), sender(2), sender(3)};
	struct bundle_rx *r = receiver(1);
	struct bundle_key k = key_of(2);
	struct bundle_rx_stats s;
	uint8_t p[64], late[64], seen[64];
	size_t n, out;

	n = datagram(t[1], p);
	CHECK_ERR(bundle_open(r, p, n, &out), ENOKEY);
	(void)datagram(t[0], seen);
	memcpy(p, seen, n);
	CHECK_OK(bundle_open(r, p, n, &out));
	(void)datagram(t[0], late);
	drop(t[0], 1);
	CHECK_OK(bundle_rx_key(r, &k));
	CHECK_ERR(bundle_rx_key(r, &k), EEXIST);
	k = key_of(1);
	CHECK_ERR(bundle_rx_key(r, &k), EEXIST);
	for (int i = 0; i < 2; i++) {
		(void)datagram(t[0], p);
		CHECK_OK(bundle_open(r, p, n, &out));
		(void)datagram(t[1], p);
		CHECK_OK(bundle_open(r, p, n, &out));
	}
	CHECK_OK(bundle_open(r, late, n, &out));
	/* what was seen of the old key is not forgotten */
	CHECK_ERR(bundle_open(r, seen, n, &out), EALREADY);
	bundle_rx_stats(r, &s);
	CHECK(s.received == 6 && s.lost == 1);
	/* the third: the first goes, with its account kept */
	k = key_of(3);
	CHECK_OK(bundle_rx_key(r, &k));
	(void)datagram(t[0], p);
	CHECK_ERR(bundle_open(r, p, n, &out), ENOKEY);
	(void)datagram(t[1], p);
	CHECK_OK(bundle_open(r, p, n, &out));
	(void)datagram(t[2], p);
	CHECK_OK(bundle_open(r, p, n, &out));
	bundle_rx_stats(r, &s);
	CHECK(s.received == 8 && s.lost == 1);
	k.id = 0;
	CHECK_ERR(bundle_rx_key(r, &k), EINVAL);
	for (int i = 0; i < 3; i++)
		bundle_tx_free(t[i]);
	bundle_rx_free(r);
}

TEST(bundle_frames_must_fill_it)
{
	struct bundle_tx *t = sender(1);
	struct bundle_rx *r = receiver(1);
	struct bundle_rx_stats s;
	uint8_t p[VOICE_BYTES_MAX] = {0};
	size_t out;

	CHECK_OK(bundle_seal(t, p, 3));
	CHECK_ERR(bundle_open(r, p, 12 + 3 + 16, &out), EBADMSG);
	memset(p, 0, sizeof(p));
	CHECK_OK(bundle_seal(t, p, VOICE_PLAIN_MAX));
	CHECK_ERR(bundle_open(r, p, sizeof(p), &out), EBADMSG);
	bundle_rx_stats(r, &s);
	CHECK(s.refused == 2 && !s.received && !s.lost);
	bundle_tx_free(t);
	bundle_rx_free(r);
}

TEST_OOM(bundle_alloc)
{
	const struct bundle_key k = key_of(7);
	struct bundle_tx *t = NULL;
	struct bundle_rx *r = NULL;

	TRY(bundle_tx_alloc(&t, &k));
	TRY(bundle_rx_alloc(&r));
	TRY(bundle_rx_key(r, &k));
out:
	bundle_tx_free(t);
	bundle_rx_free(r);
}
