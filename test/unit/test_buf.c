/* SPDX-License-Identifier: ISC */
/** @file test_buf.c  The growing buffer and the reading cursor */
#include "base/buf.h"
#include "rdtest.h"

TEST(buf_numbers_are_big_endian)
{
	static const uint8_t want[] = {1, 2,  3,  4,  5,  6,  7, 8,
				       9, 10, 11, 12, 13, 14, 15};
	struct buf b;

	buf_init(&b, 64);
	buf_u8(&b, 1);
	buf_u16(&b, 0x0203);
	buf_u32(&b, 0x04050607);
	buf_u64(&b, 0x08090a0b0c0d0e0fULL);
	CHECK_EQ(b.err, 0);
	CHECK_EQ(b.n, sizeof(want));
	CHECK_MEM(b.p, want, sizeof(want));
	buf_free(&b);
}

TEST(buf_limit_is_exact_and_sticky)
{
	struct buf b;

	buf_init(&b, 4);
	buf_put(&b, "abcd", 4);
	CHECK_EQ(b.err, 0);
	buf_put(&b, NULL, 0);
	CHECK_EQ(b.err, 0);
	buf_u8(&b, 'e');
	CHECK_EQ(b.err, EMSGSIZE);
	CHECK_EQ(b.n, 4);
	buf_put(&b, "", 0);
	buf_reset(&b);
	CHECK_EQ(b.err, 0);
	CHECK_EQ(b.n, 0);
	buf_put(&b, "abcde", 5);
	CHECK_EQ(b.err, EMSGSIZE);
	CHECK_EQ(b.n, 0);
	/* smaller ones would fit, but what is missing before them is missing */
	buf_u8(&b, 'a');
	CHECK_EQ(b.n, 0);
	buf_free(&b);
	CHECK(!b.p);
	CHECK_EQ(b.max, 4);
}

TEST(buf_a_length_that_would_wrap_is_too_long)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_u8(&b, 1);
	buf_put(&b, "x", SIZE_MAX);
	CHECK_EQ(b.err, EMSGSIZE);
	CHECK_EQ(b.n, 1);
	buf_free(&b);
}

TEST(buf_printf_fills_to_the_last_octet)
{
	struct buf b;

	buf_init(&b, 5);
	buf_printf(&b, "%s%d", "ab", 123);
	CHECK_EQ(b.err, 0);
	CHECK_EQ(b.n, 5);
	CHECK_MEM(b.p, "ab123", 5);
	buf_reset(&b);
	buf_printf(&b, "%s", "abcdef");
	CHECK_EQ(b.err, EMSGSIZE);
	CHECK_EQ(b.n, 0);
	buf_free(&b);
}

/* The NUL of printf must find room at whatever length memory ends */
TEST(buf_printf_at_every_length)
{
	struct buf b;

	for (int n = 0; n <= 1030; n++) {
		buf_init(&b, 2048);
		buf_printf(&b, "%*s", n, "");
		CHECK_EQ(b.err, 0);
		CHECK_EQ(b.n, n);
		buf_free(&b);
	}
}

TEST(buf_printf_grows)
{
	char text[1000];
	struct buf b;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	buf_init(&b, 4096);
	buf_str(&b, "head ");
	buf_printf(&b, "%s", text);
	CHECK_EQ(b.n, 5 + 999);
	CHECK_MEM(b.p, "head x", 6);
	CHECK_MEM(b.p + 5, text, 999);
	buf_free(&b);
}

TEST_OOM(buf_keeps_enomem)
{
	struct buf b;
	struct cur c;

	buf_init(&b, 65536);
	for (uint32_t i = 0; i < 2000; i++)
		buf_u32(&b, i);
	buf_printf(&b, "%s", "end");
	TRY(b.err);
	CHECK_EQ(b.n, 8003);
	c = cur_of(b.p, b.n);
	for (uint32_t i = 0; i < 2000; i++)
		CHECK_EQ(cur_u32(&c), i);
out:
	CHECK(b.err || !rdtest_starved());
	buf_free(&b);
}

TEST(cur_reads_what_buf_wrote)
{
	const uint8_t *p;
	uint8_t out[3];
	struct buf b;
	struct cur c;
	size_t n;

	buf_init(&b, 128);
	buf_u8(&b, 0xfe);
	buf_u16(&b, 0xfedc);
	buf_u32(&b, 0xfedcba98);
	buf_u64(&b, 0xfedcba9876543210ULL);
	buf_put(&b, "abc", 3);
	buf_blob32(&b, "blob", 4);
	buf_blob32(&b, NULL, 0);
	c = cur_of(rdtest_exact(b.p, b.n), b.n);
	buf_free(&b);
	CHECK_EQ(cur_u8(&c), 0xfe);
	CHECK_EQ(cur_u16(&c), 0xfedc);
	CHECK_EQ(cur_u32(&c), 0xfedcba98);
	CHECK_EQ(cur_u64(&c), 0xfedcba9876543210ULL);
	cur_copy(&c, out, 3);
	CHECK_MEM(out, "abc", 3);
	CHECK(!cur_done(&c));
	p = cur_blob32(&c, &n, 4);
	CHECK_EQ(n, 4);
	CHECK_MEM(p, "blob", 4);
	CHECK(!cur_done(&c));
	CHECK(cur_blob32(&c, &n, 0));
	CHECK_EQ(n, 0);
	CHECK(cur_done(&c));
}

TEST(cur_missing_octets_are_zero_and_sticky)
{
	const uint8_t *p = rdtest_exact("\xff\xff\xff", 3);
	struct cur c = cur_of(p, 3);
	uint8_t out[4];

	CHECK_EQ(cur_u32(&c), 0);
	CHECK(c.bad);
	/* three are there still, but the reader has lost its place */
	CHECK_EQ(cur_u8(&c), 0);
	CHECK(!cur_take(&c, 0));
	CHECK(!cur_done(&c));
	c = cur_of(p, 3);
	memset(out, 0xee, sizeof(out));
	cur_copy(&c, out, 4);
	CHECK_MEM(out, "\0\0\0\0", 4);
	CHECK(c.bad);
	c = cur_of(p, 3);
	CHECK(cur_take(&c, 3) == p);
	CHECK(cur_done(&c));
	CHECK(!cur_take(&c, 1));
	CHECK(!cur_done(&c));
	c = cur_of(rdtest_exact(NULL, 0), 0);
	CHECK(cur_done(&c));
	CHECK_EQ(cur_u8(&c), 0);
	CHECK(c.bad);
}

TEST(cur_blob_length_is_checked_before_use)
{
	struct cur c = cur_of(rdtest_exact("\0\0\0\5abcde", 9), 9);
	size_t n = 99;

	CHECK(!cur_blob32(&c, &n, 4));
	CHECK(c.bad);
	CHECK_EQ(n, 0);
	c = cur_of(rdtest_exact("\xff\xff\xff\xff"
				"abcde",
				9),
		   9);
	CHECK(!cur_blob32(&c, &n, SIZE_MAX));
	CHECK(c.bad);
	c = cur_of(rdtest_exact("\0\0\0", 3), 3);
	CHECK(!cur_blob32(&c, &n, 10));
	CHECK_EQ(n, 0);
}
