/* SPDX-License-Identifier: ISC */
/** @file test_text.c  Strict text: what is read, and above all what is not */
#include <stdio.h>
#include "base/limits.h"
#include "base/text.h"
#include "rdtest.h"

static struct str octets(const char *p, size_t n)
{
	return (struct str){rdtest_exact(p, n), n};
}

TEST(text_views)
{
	char out[4];

	CHECK(str_is(rdtest_str("abc"), "abc"));
	CHECK(!str_is(rdtest_str("abc"), "ab"));
	CHECK(!str_is(rdtest_str("ab"), "abc"));
	CHECK(!str_is(octets("ab\0", 3), "ab"));
	CHECK(str_is((struct str){NULL, 0}, ""));
	CHECK(str_same(rdtest_str(""), (struct str){NULL, 0}));
	CHECK(!str_same(rdtest_str("abc"), rdtest_str("abd")));
	CHECK_OK(str_copy(rdtest_str("abc"), out, sizeof(out)));
	CHECK_STR(out, "abc");
	CHECK_ERR(str_copy(rdtest_str("abcd"), out, sizeof(out)), EMSGSIZE);
	CHECK_STR(out, "abc");
	CHECK_OK(str_copy((struct str){NULL, 0}, out, 1));
	CHECK_STR(out, "");
}

TEST(text_lines)
{
	struct str in = rdtest_str("one\n\nthree"), line = {"", 0};

	CHECK(str_line(&in, &line));
	CHECK(str_is(line, "one"));
	CHECK(str_line(&in, &line));
	CHECK_EQ(line.n, 0);
	CHECK(!str_line(&in, &line));
	CHECK(str_is(in, "three"));
	in = rdtest_str("");
	CHECK(!str_line(&in, &line));
	in = rdtest_str("\n");
	CHECK(str_line(&in, &line));
	CHECK_EQ(in.n, 0);
	CHECK(!str_line(&in, &line));
}

TEST(text_cut)
{
	struct str in = rdtest_str("a bc  d");

	CHECK(str_is(str_cut(&in, ' '), "a"));
	CHECK(str_is(str_cut(&in, ' '), "bc"));
	CHECK(str_is(str_cut(&in, ' '), ""));
	CHECK(str_is(str_cut(&in, ' '), "d"));
	CHECK_EQ(in.n, 0);
	CHECK(str_is(str_cut(&in, ' '), ""));
}

TEST(text_uint)
{
	static const char *const bad[] = {"",
					  "00",
					  "01",
					  "-1",
					  "+1",
					  " 1",
					  "1 ",
					  "1a",
					  "0x1",
					  "1.0",
					  "1\n",
					  "9223372036854775808",
					  "9999999999999999999",
					  "18446744073709551616",
					  "10000000000000000000"};
	uint64_t v = 77;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(uint_parse(rdtest_str(bad[i]), &v), EBADMSG);
	CHECK_ERR(uint_parse(octets("1\0", 2), &v), EBADMSG);
	CHECK_EQ(v, 77);
	CHECK_OK(uint_parse(rdtest_str("0"), &v));
	CHECK_EQ(v, 0);
	CHECK_OK(uint_parse(rdtest_str("1234567890"), &v));
	CHECK_EQ(v, 1234567890);
	CHECK_OK(uint_parse(rdtest_str("9223372036854775807"), &v));
	CHECK_EQ(v, INT64_MAX);
}

TEST(text_hex)
{
	const uint8_t raw[] = {0x00, 0x0f, 0xf0, 0xab, 0xff};
	uint8_t out[5];
	char text[11];

	hex_encode(raw, 5, text);
	CHECK_STR(text, "000ff0abff");
	CHECK_OK(hex_decode(rdtest_str("000ff0abff"), out, 5));
	CHECK_MEM(out, raw, 5);
	CHECK_ERR(hex_decode(rdtest_str("000ff0abff"), out, 4), EBADMSG);
	CHECK_ERR(hex_decode(rdtest_str("000ff0abf"), out, 5), EBADMSG);
	CHECK_ERR(hex_decode(rdtest_str("000FF0ABFF"), out, 5), EBADMSG);
	CHECK_ERR(hex_decode(rdtest_str("000ff0abfg"), out, 5), EBADMSG);
	CHECK_ERR(hex_decode(rdtest_str("000ff0ab f"), out, 5), EBADMSG);
	CHECK_ERR(hex_decode(rdtest_str("000ff0ab/:"), out, 5), EBADMSG);
	CHECK_ERR(hex_decode(rdtest_str("000ff0ab`a"), out, 5), EBADMSG);
	CHECK_OK(hex_decode(rdtest_str(""), out, 0));
}

TEST(text_base64_of_rfc_4648)
{
	static const char *const pair[][2] = {
		{"f", "Zg=="},           {"fo", "Zm8="},
		{"foo", "Zm9v"},         {"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},   {"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xbf", "+/+/"}};

	for (size_t i = 0; i < sizeof(pair) / sizeof(pair[0]); i++) {
		const size_t n = strlen(pair[i][0]);
		uint8_t out[8];
		char text[B64_SIZE(8)];
		size_t got = 0;

		b64_encode(rdtest_exact(pair[i][0], n), n, text);
		CHECK_STR(text, pair[i][1]);
		CHECK_EQ(strlen(text) + 1, B64_SIZE(n));
		CHECK_OK(b64_decode(rdtest_str(text), out, n, &got));
		CHECK_EQ(got, n);
		CHECK_MEM(out, pair[i][0], n);
		/* one octet more than there is room for */
		CHECK_ERR(b64_decode(rdtest_str(text), out, n - 1, &got),
			  EBADMSG);
		CHECK_OK(b64_exact(rdtest_str(text), out, n));
		CHECK_ERR(b64_exact(rdtest_str(text), out, n + 1), EBADMSG);
		CHECK_ERR(b64_exact(rdtest_str(text), out, n - 1), EBADMSG);
	}
}

TEST(text_base64_has_one_form_only)
{
	static const char *const bad[] = {"",
					  "Z",
					  "Zg",
					  "Zg=",
					  "Zh==",
					  "Zm9=",
					  "Zm8",
					  "=m8=",
					  "Zg==Zg==",
					  "Z===",
					  "====",
					  "Zm8=\n",
					  "Zm 8",
					  " Zm8=",
					  "Zm-_",
					  "Zm8=Zm9v",
					  "Zg==\n\n\n\n",
					  "Zm8\n",
					  "Z=8=",
					  "Zm9v==="};
	uint8_t out[16];
	size_t n = 99;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(b64_decode(rdtest_str(bad[i]), out, sizeof(out), &n),
			  EBADMSG);
	CHECK_ERR(b64_decode(octets("Zm8\0", 4), out, sizeof(out), &n),
		  EBADMSG);
	CHECK_EQ(n, 99);
	/* 44 digits for 32 octets; 45 digits' worth of room must not pass */
	CHECK_ERR(b64_exact(rdtest_str("Zm9v"), out, 2), EBADMSG);
}

TEST(text_base64_round_trips_any_octets)
{
	uint8_t raw[64], out[64];
	char text[B64_SIZE(64)];

	for (size_t n = 1; n <= sizeof(raw); n++) {
		for (size_t i = 0; i < n; i++)
			raw[i] = (uint8_t)rdtest_random();
		b64_encode(rdtest_exact(raw, n), n, text);
		CHECK_OK(b64_exact(rdtest_str(text), out, n));
		CHECK_MEM(out, raw, n);
	}
}

static bool utf8(const char *s)
{
	struct str v = rdtest_str(s);

	return utf8_ok(v.p, v.n, false);
}

TEST(text_utf8_is_strict)
{
	static const char *const good[] = {"",
					   "plain ~",
					   "\xc2\x80",
					   "\xdf\xbf",
					   "\xe0\xa0\x80",
					   "\xec\xbf\xbf",
					   "\xed\x9f\xbf",
					   "\xee\x80\x80",
					   "\xef\xbf\xbf",
					   "\xf0\x90\x80\x80",
					   "\xf3\xbf\xbf\xbf",
					   "\xf4\x8f\xbf\xbf",
					   "\xea\xb0\x80\xe2\x80\x94x"};
	static const char *const bad[] = {"\x1f",
					  "\x7f",
					  "a\x7f",
					  "\x01",
					  "\t",
					  "\r",
					  "a\nb",
					  "\x80",
					  "\xbf",
					  "\xc0\x80",
					  "\xc1\xbf", /* overlong */
					  "\xe0\x80\x80",
					  "\xe0\x9f\xbf",
					  "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",				/* overlong */
					  "\xed\xa0\x80",
					  "\xed\xbf\xbf", /* surrogates */
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xff", /* too high */
					  "\xc2",
					  "\xe0\xa0",
					  "\xf0\x90\x80", /* cut off */
					  "\xc2z",
					  "\xe0\xa0z",
					  "\xf0\x90\x80z",
					  "\xc2\xc2",
					  "\xe1\x80\xc0",
					  "\xf1\x80\x80\x7f"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(utf8(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!utf8(bad[i]));
	CHECK(!utf8_ok(octets("a\0b", 3).p, 3, true));
	CHECK(utf8_ok(octets("a\nb\n", 4).p, 4, true));
	CHECK(!utf8_ok(octets("a\r\n", 3).p, 3, true));
	CHECK(!utf8_ok(octets("\t", 1).p, 1, true));
}

static void letters(char *s, size_t n)
{
	memset(s, 'a', n);
	s[n] = '\0';
}

TEST(text_host_names)
{
	static const char *const bad[] = {
		"",    "A.example", ".a",  "a.",  "-a",       "a-",
		"a_b", "a/b",       "a b", "a\n", "\xc3\xa9", "a+b"};
	char s[80];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!host_ok(rdtest_str(bad[i])));
	CHECK(!host_ok(octets("a\0b", 3)));
	CHECK(host_ok(rdtest_str("a")));
	CHECK(host_ok(rdtest_str("7")));
	CHECK(host_ok(rdtest_str("south-1.example")));
	letters(s, 63);
	CHECK(host_ok(rdtest_str(s)));
	letters(s, 64);
	CHECK(!host_ok(rdtest_str(s)));
}

TEST(text_ids)
{
	char s[80];

	CHECK(id_ok(rdtest_str("Az09._-")));
	CHECK(!id_ok(rdtest_str("")));
	CHECK(!id_ok(rdtest_str("a b")));
	CHECK(!id_ok(rdtest_str("a/b")));
	CHECK(!id_ok(rdtest_str("a\n")));
	CHECK(!id_ok(rdtest_str("\xc3\xa9")));
	letters(s, 64);
	CHECK(id_ok(rdtest_str(s)));
	letters(s, 65);
	CHECK(!id_ok(rdtest_str(s)));
}

static void stamp_both(int64_t ms, const char *text)
{
	char out[STAMP_CHARS + 1];
	int64_t back = -1;

	stamp_print(ms, out);
	CHECK_STR(out, text);
	CHECK_OK(stamp_parse(rdtest_str(text), &back));
	CHECK_EQ(back, ms);
}

TEST(text_stamps)
{
	stamp_both(0, "1970-01-01T00:00:00.000Z");
	stamp_both(86399999, "1970-01-01T23:59:59.999Z");
	stamp_both(951782400000, "2000-02-29T00:00:00.000Z");
	stamp_both(951868800000, "2000-03-01T00:00:00.000Z");
	stamp_both(1795424460000, "2026-11-23T09:01:00.000Z");
	stamp_both(4107542400000, "2100-03-01T00:00:00.000Z");
	stamp_both(253402300799999, "9999-12-31T23:59:59.999Z");
}

TEST(text_stamps_out_of_range_are_clamped)
{
	char out[STAMP_CHARS + 1];

	stamp_print(-1, out);
	CHECK_STR(out, "1970-01-01T00:00:00.000Z");
	stamp_print(INT64_MIN, out);
	CHECK_STR(out, "1970-01-01T00:00:00.000Z");
	stamp_print(INT64_MAX, out);
	CHECK_STR(out, "9999-12-31T23:59:59.999Z");
}

TEST(text_stamps_every_day_there_is)
{
	char out[STAMP_CHARS + 1], before[STAMP_CHARS + 1] = "";
	int64_t back = 0;

	for (int64_t ms = 0; ms < 253402300800000; ms += 86400000) {
		stamp_print(ms, out);
		CHECK(strcmp(before, out) < 0);
		if (stamp_parse((struct str){out, STAMP_CHARS}, &back) ||
		    back != ms)
			CHECK_STR(out, "a day that comes back");
		memcpy(before, out, sizeof(out));
	}
}

TEST(text_dates_that_are_none)
{
	static const char *const bad[] = {"1969-12-31T23:59:59.999Z",
					  "2026-00-10T00:00:00.000Z",
					  "2026-13-10T00:00:00.000Z",
					  "2026-01-00T00:00:00.000Z",
					  "2026-01-32T00:00:00.000Z",
					  "2026-02-29T00:00:00.000Z",
					  "2026-02-30T00:00:00.000Z",
					  "2100-02-29T00:00:00.000Z",
					  "2026-04-31T00:00:00.000Z",
					  "2026-01-01T24:00:00.000Z",
					  "2026-01-01T00:60:00.000Z",
					  "2026-01-01T00:00:60.000Z",
					  "2026-01-01t00:00:00.000Z",
					  "2026-01-01T00:00:00.000z",
					  "2026-01-01 00:00:00.000Z",
					  "2026-01-01T00:00:00,000Z",
					  "2026-01-01T00:00:00.000",
					  "2026-01-01T00:00:00.000ZZ",
					  "+026-01-01T00:00:00.000Z",
					  "2026-1-001T00:00:00.000Z",
					  "2026-01-01T 0:00:00.000Z",
					  "2026-01-01T00:00:00.00:Z",
					  ""};
	int64_t ms = 5;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(stamp_parse(rdtest_str(bad[i]), &ms), EBADMSG);
	CHECK_EQ(ms, 5);
}
