/* SPDX-License-Identifier: ISC */
/** @file test_rtpsec.c  media/rtpsec: vectors of the RFCs, replay, forgery */
#include <stdlib.h>
#include "media/rtpsec.h"
#include "proto/rtp.h"
#include "rdtest.h"

#define SIZE 2048

/* Hex to octets, in memory of SIZE */
static uint8_t *octets(const char *hex, size_t *n)
{
	uint8_t room[SIZE] = {0};

	*n = strlen(hex) / 2;
	CHECK_OK(hex_decode(str_of(hex), room, *n));
	return rdtest_exact(room, SIZE);
}

static void same(const uint8_t *p, size_t n, const char *hex)
{
	size_t want_n;
	const uint8_t *want = octets(hex, &want_n);

	CHECK_EQ(n, want_n);
	CHECK_MEM(p, want, n);
}

static struct rtpsec *from_master(enum rtpsec_suite suite,
				  enum rtpsec_role role)
{
	uint8_t master[RTPSEC_MASTER_MAX];
	struct rtpsec *s = NULL;

	for (unsigned i = 0; i < sizeof(master); i++)
		master[i] = (uint8_t)(i * 7 + 1);
	CHECK_OK(rtpsec_alloc(&s, suite, role, master,
			      rtpsec_master_bytes(suite)));
	return s;
}

/* ---- RFC 3711 ---- */

TEST(rtpsec_rfc3711_b2_key_stream)
{
	struct rtpsec_keys k = {
		.enc = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab,
			0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c},
		.salt = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
			 0xf9, 0xfa, 0xfb, 0xfc, 0xfd}};
	uint8_t p[SIZE] = {0x80};	/* SSRC and index are 0 */
	struct rtpsec *s = NULL;
	size_t n = 12 + 48;

	CHECK_OK(rtpsec_alloc_keys(&s, RTPSEC_CM80, RTPSEC_SENDER, &k, &k));
	CHECK_OK(rtpsec_seal(s, p, &n, sizeof(p)));
	CHECK_EQ(n, 12 + 48 + 10);
	same(p + 12, 48,
	     "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
	     "41e95b3bb0a2e8dd477901e4fca894c0");
	rtpsec_free(s);
}

TEST(rtpsec_rfc3711_b3_derivation)
{
	size_t n;
	const uint8_t *master =
		octets("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3"
		       "aabe6",
		       &n);
	struct rtpsec_keys k;

	CHECK_EQ(n, rtpsec_master_bytes(RTPSEC_CM80));
	CHECK_OK(rtpsec_derive(RTPSEC_CM80, master, false, &k));
	same(k.enc, 16, "c61e7a93744f39ee10734afe3ff7a087");
	same(k.salt, 14, "30cbbc08863d8c85d49db34a9ae1");
	same(k.auth, 20, "cebe321f6ff7716b6fd4ab49af256a156d38baa4");
}

/* The reference packets that are published with libsrtp, same master */
TEST(rtpsec_cm80_reference)
{
	size_t n, rn;
	const uint8_t *master =
		octets("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3"
		       "aabe6",
		       &n);
	uint8_t *p = octets("800f1234decafbadcafebabe"
			    "abababababababababababababababab",
			    &n);
	uint8_t *r =
		octets("81c8000bcafebabeabababababababababababababababab", &rn);
	struct rtpsec *s = NULL, *o = NULL;

	CHECK_OK(rtpsec_alloc(&s, RTPSEC_CM80, RTPSEC_SENDER, master, 30));
	CHECK_OK(rtpsec_alloc(&o, RTPSEC_CM80, RTPSEC_RECEIVER, master, 30));
	CHECK_OK(rtpsec_seal(s, p, &n, SIZE));
	same(p, n,
	     "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402"
	     "b78d6acc99ea179b8dbb");
	/* the published one has index 1 */
	CHECK_OK(rtpsec_seal_rtcp(s, r, &rn, SIZE));
	r = octets("81c8000bcafebabeabababababababababababababababab", &rn);
	CHECK_OK(rtpsec_seal_rtcp(s, r, &rn, SIZE));
	same(r, rn,
	     "81c8000bcafebabe7128035be487b9bdbef89041f977a5a8"
	     "80000001993e08cd54d6c1230798");
	CHECK_OK(rtpsec_open(o, p, &n));
	CHECK_OK(rtpsec_open_rtcp(o, r, &rn));
	same(p, n, "800f1234decafbadcafebabeabababababababababababababababab");
	same(r, rn, "81c8000bcafebabeabababababababababababababababab");
	rtpsec_free(s);
	rtpsec_free(o);
}

/* ---- RFC 7714 16, 17: session keys 00 01 02 ..., salt "Quid pro quo" ---- */

#define PLAIN                                                                  \
	"8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e6973206469766973" \
	"6120696e207061727465732074726573"
#define RTCP                                                                   \
	"81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61"     \
	"deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"

static void rfc7714(enum rtpsec_suite suite, const char *rtp, const char *rtcp)
{
	struct rtpsec_keys k = {.salt = "Quid pro quo"};
	struct rtpsec *s = NULL, *o = NULL;
	size_t n;
	uint8_t *p = octets(PLAIN, &n);

	for (uint8_t i = 0; i < 32; i++)
		k.enc[i] = i;
	CHECK_OK(rtpsec_alloc_keys(&s, suite, RTPSEC_SENDER, &k, &k));
	CHECK_OK(rtpsec_alloc_keys(&o, suite, RTPSEC_RECEIVER, &k, &k));
	CHECK_OK(rtpsec_seal(s, p, &n, SIZE));
	same(p, n, rtp);
	CHECK_OK(rtpsec_open(o, p, &n));
	same(p, n, PLAIN);
	/* the RTCP index there is 0x5d4 */
	for (unsigned i = 0; i <= 0x5d4; i++) {
		n = sizeof(RTCP) / 2;
		CHECK_OK(hex_decode(str_of(RTCP), p, n));
		CHECK_OK(rtpsec_seal_rtcp(s, p, &n, SIZE));
	}
	same(p, n, rtcp);
	CHECK_OK(rtpsec_open_rtcp(o, p, &n));
	same(p, n, RTCP);
	rtpsec_free(s);
	rtpsec_free(o);
}

TEST(rtpsec_rfc7714_gcm128)
{
	rfc7714(RTPSEC_GCM128,
		"8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bca"
		"be633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb1"
		"6a9152cf765ee4390cce",
		"81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f7"
		"6c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa458"
		"96cf4d2fc5abf87245d9eade800005d4");
}

TEST(rtpsec_rfc7714_gcm256)
{
	rfc7714(RTPSEC_GCM256,
		"8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aa"
		"b18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfff"
		"d6b0f9bb7878d7a76c13",
		"81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5d"
		"bffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c"
		"4446839f57ff6f6cb26ac3be800005d4");
}

/* RFC 7714 17.3: authentic, but not encrypted; by our policy refused */
TEST(rtpsec_rtcp_in_the_clear)
{
	struct rtpsec_keys k = {.salt = "Quid pro quo"};
	struct rtpsec *o = NULL;
	size_t n;
	uint8_t *p =
		octets(RTCP "841dd9683dd78ec92ae58790125f62b3000005d4", &n);

	for (uint8_t i = 0; i < 16; i++)
		k.enc[i] = i;
	CHECK_OK(rtpsec_alloc_keys(&o, RTPSEC_GCM128, RTPSEC_RECEIVER, &k, &k));
	CHECK_ERR(rtpsec_open_rtcp(o, p, &n), EBADMSG);
	rtpsec_free(o);
}

/* ---- behaviour ---- */

static size_t packet(uint8_t *p, uint16_t seq, uint32_t ssrc)
{
	memset(p, 0xd5, 172);
	rtp_put_head(p, false, 8, seq, seq * 160u, ssrc);
	return 172;
}

static int seal(struct rtpsec *s, uint8_t *p, size_t *n, uint16_t seq,
		uint32_t ssrc)
{
	*n = packet(p, seq, ssrc);
	return rtpsec_seal(s, p, n, SIZE);
}

static void both(void (*with)(struct rtpsec *s, struct rtpsec *o))
{
	for (int i = 0; i < RTPSEC_SUITES; i++) {
		struct rtpsec *s =
			from_master((enum rtpsec_suite)i, RTPSEC_SENDER);
		struct rtpsec *o =
			from_master((enum rtpsec_suite)i, RTPSEC_RECEIVER);

		with(s, o);
		rtpsec_free(s);
		rtpsec_free(o);
	}
}

static void rolls_over(struct rtpsec *s, struct rtpsec *o)
{
	uint8_t p[SIZE], late[SIZE], want[SIZE];
	size_t n, late_n;

	/* three times through the sequence numbers, one in 64 gets through;
	   those across the edges come in the wrong order */
	for (uint32_t i = 40000; i < 40000 + 3 * 65536; i++) {
		CHECK_OK(seal(s, p, &n, (uint16_t)i, 77));
		if (i % 65536 == 65535) {
			memcpy(late, p, n);
			late_n = n;
		} else if (i % 64 == 0 || i % 65536 < 3) {
			(void)packet(want, (uint16_t)i, 77);
			CHECK_OK(rtpsec_open(o, p, &n));
			CHECK_EQ(n, 172);
			CHECK_MEM(p, want, n);
		}
		if (i % 65536 == 2 && i > 65536) {
			CHECK_OK(rtpsec_open(o, late, &late_n));
		}
	}
}

TEST(rtpsec_rolls_over)
{
	both(rolls_over);
}

static void replayed(struct rtpsec *s, struct rtpsec *o)
{
	static uint8_t p[300][256];
	size_t n[300];
	uint8_t again[256];

	for (uint16_t i = 0; i < 300; i++)
		CHECK_OK(rtpsec_seal(s, p[i],
				     (n[i] = packet(p[i], i, 5), &n[i]), 256));
	memcpy(again, p[100], n[100]);
	CHECK_OK(rtpsec_open(o, p[100], &n[100]));
	n[100] = n[0];
	CHECK_ERR(rtpsec_open(o, again, &n[100]), EALREADY);
	CHECK_OK(rtpsec_open(o, p[50], &n[50]));	/* late, but new */
	CHECK_OK(rtpsec_open(o, p[299], &n[299]));
	CHECK_OK(rtpsec_open(o, p[299 - 127], &n[299 - 127]));
	CHECK_ERR(rtpsec_open(o, p[299 - 128], &n[299 - 128]), EALREADY);
	/* a sender never uses an index twice */
	n[0] = packet(again, 299, 5);
	CHECK_ERR(rtpsec_seal(s, again, &n[0], 256), EALREADY);
	CHECK_EQ(n[0], 172);
}

TEST(rtpsec_replay)
{
	both(replayed);
}

static void forged(struct rtpsec *s, struct rtpsec *o)
{
	uint8_t good[SIZE], p[SIZE];
	size_t n, k;

	/* many forged SSRCs first: none of them takes a place */
	CHECK_OK(seal(s, good, &n, 1, 1));
	for (uint32_t i = 0; i < 100; i++) {
		memcpy(p, good, n);
		p[10] ^= (uint8_t)(1 + i % 255);
		k = n;
		CHECK_ERR(rtpsec_open(o, p, &k), EBADMSG);
	}
	/* each octet matters */
	for (size_t i = 0; i < n; i++) {
		memcpy(p, good, n);
		p[i] ^= 0x20;
		k = n;
		CHECK_ERR(rtpsec_open(o, p, &k), EBADMSG);
	}
	/* and each is needed */
	for (size_t i = 0; i < n; i++) {
		k = i;
		CHECK_ERR(rtpsec_open(o, rdtest_exact(good, i), &k), EBADMSG);
	}
	CHECK_OK(rtpsec_open(o, good, &n));
	/* authentic SSRCs: up to the limit, and no further */
	for (uint32_t i = 2; i <= RTPSEC_SSRCS_MAX; i++) {
		CHECK_OK(seal(s, p, &n, 1, i));
		CHECK_OK(rtpsec_open(o, p, &n));
	}
	CHECK_ERR(seal(s, p, &n, 1, 99), ENOSPC);
	packet(p, 1, 99);
	n = 172;
	CHECK_ERR(rtpsec_open(o, p, &n), ENOSPC);
}

TEST(rtpsec_forged)
{
	both(forged);
}

static void rtcp(struct rtpsec *s, struct rtpsec *o)
{
	uint8_t p[SIZE], good[SIZE];
	size_t n, k;
	struct buf b;

	buf_init(&b, SIZE);
	rtcp_report_print(9, NULL, NULL, 0, &b);
	memcpy(p, b.p, b.n);
	k = b.n;
	CHECK_OK(rtpsec_seal_rtcp(s, p, &k, SIZE));	/* nothing but 8 */
	CHECK_OK(rtpsec_open_rtcp(o, p, &k));
	CHECK(k == b.n && !memcmp(p, b.p, k));
	rtcp_cname_print(9, "a@b", &b);
	for (int i = 0; i < 3; i++) {
		n = b.n;
		memcpy(good, b.p, n);
		CHECK_OK(rtpsec_seal_rtcp(s, good, &n, SIZE));
	}
	for (size_t i = 0; i < n; i++) {
		memcpy(p, good, n);
		p[i] ^= 0x40;
		k = n;
		CHECK_ERR(rtpsec_open_rtcp(o, p, &k), EBADMSG);
		k = i;
		CHECK_ERR(rtpsec_open_rtcp(o, rdtest_exact(good, i), &k),
			  EBADMSG);
	}
	memcpy(p, good, n);
	k = n;
	CHECK_OK(rtpsec_open_rtcp(o, p, &k));
	CHECK(k == b.n && !memcmp(p, b.p, k));
	CHECK_ERR(rtpsec_open_rtcp(o, good, &n), EALREADY);
	buf_free(&b);
}

TEST(rtpsec_rtcp)
{
	both(rtcp);
}

static void odd_sizes(struct rtpsec *s, struct rtpsec *o)
{
	uint8_t p[SIZE], want[SIZE];
	uint16_t seq = 0;

	/* CSRCs, an extension, and payloads of 0 to 99 octets */
	for (size_t k = 0; k < 100; k++) {
		const size_t head = 12 + 8 + 4 + 4;
		size_t n = head + k;

		(void)packet(p, ++seq, 3);
		p[0] = 0x92;
		p[22] = 0;
		p[23] = 1;
		memcpy(want, p, n);
		CHECK_ERR(rtpsec_seal(s, p, &n, n + RTPSEC_TAIL_MAX - 1),
			  EMSGSIZE);
		CHECK_OK(rtpsec_seal(s, p, &n, SIZE));
		CHECK_MEM(p, want, head);
		CHECK(k < 8 || memcmp(p + head, want + head, k));
		CHECK_OK(rtpsec_open(o, p, &n));
		CHECK_EQ(n, head + k);
		CHECK_MEM(p, want, n);
	}
}

TEST(rtpsec_odd_sizes)
{
	both(odd_sizes);
}

TEST(rtpsec_names)
{
	enum rtpsec_suite suite;
	struct rtpsec *s = NULL;

	for (int i = 0; i < RTPSEC_SUITES; i++) {
		CHECK_OK(rtpsec_suite_find(
			str_of(rtpsec_suite_name((enum rtpsec_suite)i)),
			&suite));
		CHECK(suite == (enum rtpsec_suite)i);
	}
	CHECK_ERR(rtpsec_suite_find(str_of("F8_128_HMAC_SHA1_80"), &suite),
		  ENOENT);
	CHECK_ERR(rtpsec_alloc(&s, RTPSEC_CM80, RTPSEC_SENDER,
			       (const uint8_t *)"short", 5),
		  EINVAL);
	CHECK(!s && !rtpsec_free(NULL));
}

TEST_OOM(rtpsec_alloc)
{
	static const uint8_t master[RTPSEC_MASTER_MAX];
	struct rtpsec *s = NULL;

	TRY(rtpsec_alloc(&s, RTPSEC_GCM256, RTPSEC_SENDER, master, 44));
	CHECK(s);
out:
	rtpsec_free(s);
}
