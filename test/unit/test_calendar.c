/* SPDX-License-Identifier: ISC */
/** @file test_calendar.c  Instants and local times by written offsets */
#include "proto/calendar.h"
#include "rdtest.h"

/* YYYY-MM-DDThh:mm:ss, read as UTC */
static int64_t ms(const char *s)
{
	char z[CALENDAR_SECOND_CHARS + 1];
	int64_t v = 0;

	CHECK_EQ(strlen(s), CALENDAR_SECOND_CHARS - 1);
	memcpy(z, s, CALENDAR_SECOND_CHARS - 1);
	z[CALENDAR_SECOND_CHARS - 1] = 'Z';
	CHECK_OK(calendar_second_parse((struct str){z, CALENDAR_SECOND_CHARS},
				       &v));
	return v;
}

/* The local time is this instant */
static void shows(const struct calendar *c, const char *local, const char *utc)
{
	char got[CALENDAR_SECOND_CHARS + 1], want[CALENDAR_SECOND_CHARS + 1];

	calendar_second_print(calendar_instant(c, ms(local)), got);
	calendar_second_print(ms(utc), want);
	CHECK_STR(got, want);
}

TEST(calendar_seconds_strict)
{
	static const char *const bad[] = {
		"1969-12-31T23:59:59Z",
		"10000-01-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:60Z",
		"2026-01-01T00:00:00z",
		"2026-01-01 00:00:00Z",
		"2026-01-01T00:00:00",
		"2026-01-01T00:00:00Z ",
		"2026-1-01T00:00:00Z0",
		"2026-01-01T00:00:00.000Z",
		"",
	};
	char out[CALENDAR_SECOND_CHARS + 1];
	int64_t v = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!calendar_second_parse(rdtest_str(bad[i]), &v))
			CHECK_STR(bad[i], "refused");
	}
	CHECK_EQ(v, 7);
	CHECK_OK(calendar_second_parse(rdtest_str("2028-02-29T23:59:59Z"), &v));
	CHECK_EQ(v, 1835481599000);
	calendar_second_print(v, out);
	CHECK_STR(out, "2028-02-29T23:59:59Z");
	CHECK_OK(calendar_second_parse(rdtest_str("9999-12-31T23:59:59Z"), &v));
	CHECK_EQ(v, CALENDAR_MS_MAX - 999);
}

TEST(calendar_dates_strict)
{
	static const char *const bad[] = {
		"1969-12-31", "2026-02-29",  "2100-02-29",
		"2026-1-01",  "2026-01-01 ", "2026-01-1",
		"2026/01/01", "2026-01-32",  "",
	};
	char out[CALENDAR_DATE_CHARS + 1];
	int64_t day = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!calendar_date_parse(rdtest_str(bad[i]), &day))
			CHECK_STR(bad[i], "refused");
	}
	CHECK_EQ(day, 7);
	CHECK_OK(calendar_date_parse(rdtest_str("1970-01-01"), &day));
	CHECK_EQ(day, 0);
	CHECK_OK(calendar_date_parse(rdtest_str("2000-02-29"), &day));
	CHECK_EQ(day, 11016);
	CHECK_OK(calendar_date_parse(rdtest_str("9999-12-31"), &day));
	CHECK_EQ(day, 2932896);
	calendar_date_print(day, out);
	CHECK_STR(out, "9999-12-31");
}

/* Each day of 130 years, by the rules as every child learns them */
TEST(calendar_days_follow_each_other)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30,
				      31, 31, 30, 31, 30, 31};
	int64_t day = 0;
	unsigned weekday = 3;

	for (int y = 1970; y <= 2100; y++) {
		const bool leap = (!(y % 4) && y % 100) || !(y % 400);

		for (int m = 0; m < 12; m++) {
			const int n = lengths[m] + (m == 1 && leap);

			for (int d = 1; d <= n; d++, day++) {
				char want[CALENDAR_DATE_CHARS + 1],
					got[CALENDAR_DATE_CHARS + 1];
				int64_t back = -1;

				memcpy(want, "yyyy-mm-dd", sizeof(want));
				for (int k = 3, v = y; k >= 0; k--, v /= 10)
					want[k] = (char)('0' + v % 10);
				want[5] = (char)('0' + (m + 1) / 10);
				want[6] = (char)('0' + (m + 1) % 10);
				want[8] = (char)('0' + d / 10);
				want[9] = (char)('0' + d % 10);
				calendar_date_print(day, got);
				CHECK_STR(got, want);
				CHECK_OK(calendar_date_parse(str_of(want),
							     &back));
				CHECK_EQ(back, day);
				CHECK_EQ(calendar_weekday(day), weekday);
				weekday = (weekday + 1) % 7;
			}
		}
	}
}

TEST(calendar_days_below_1970)
{
	CHECK_EQ(calendar_day(0), 0);
	CHECK_EQ(calendar_day(DAY_MS - 1), 0);
	CHECK_EQ(calendar_day(DAY_MS), 1);
	CHECK_EQ(calendar_day(-1), -1);
	CHECK_EQ(calendar_day(-DAY_MS), -1);
	CHECK_EQ(calendar_day(-DAY_MS - 1), -2);
	CHECK_EQ(calendar_midnight(-2), -2 * DAY_MS);
	CHECK_EQ(calendar_weekday(-1), 2);
	CHECK_EQ(calendar_weekday(-4), 6);
	CHECK_EQ(calendar_weekday(-11), 6);
}

TEST(calendar_clocks_strict)
{
	static const char *const bad[] = {
		"9:00",  "09:0",   "24:01", "09:60", "25:00", "0900", "09.00",
		"-1:00", "09:00 ", " 9:00", "0a:00", "09:0a", ""};
	uint16_t v = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!calendar_clock_parse(rdtest_str(bad[i]), &v))
			CHECK_STR(bad[i], "refused");
	}
	CHECK_EQ(v, 7);
	CHECK_OK(calendar_clock_parse(rdtest_str("00:00"), &v));
	CHECK_EQ(v, 0);
	CHECK_OK(calendar_clock_parse(rdtest_str("23:59"), &v));
	CHECK_EQ(v, 1439);
	CHECK_OK(calendar_clock_parse(rdtest_str("24:00"), &v));
	CHECK_EQ(v, 1440);
}

TEST(calendar_offsets_strict)
{
	static const char *const bad[] = {
		"09:00",  "+9:00", "+09",    "+0900",  "-00:00",  "+15:00",
		"-15:00", "Z",     "+09:60", " 09:00", "+09:00 ", ""};
	int32_t v = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!calendar_offset_parse(rdtest_str(bad[i]), &v))
			CHECK_STR(bad[i], "refused");
	}
	CHECK_EQ(v, 7);
	CHECK_OK(calendar_offset_parse(rdtest_str("+08:30"), &v));
	CHECK_EQ(v, 30600);
	CHECK_OK(calendar_offset_parse(rdtest_str("-03:30"), &v));
	CHECK_EQ(v, -12600);
	CHECK_OK(calendar_offset_parse(rdtest_str("+00:00"), &v));
	CHECK_EQ(v, 0);
	CHECK_OK(calendar_offset_parse(rdtest_str("-14:59"), &v));
	CHECK_EQ(v, -53940);
}

TEST(calendar_lists_of_days)
{
	static const struct {
		const char *s;
		int days; /* -1: refused */
	} v[] = {{"daily", 0x7f},
		 {"mon", 1},
		 {"sun", 0x40},
		 {"mon-fri", 0x1f},
		 {"mon,wed,fri", 0x15},
		 {"mon-tue", 3},
		 {"mon,wed-thu,sun", 0x4d},
		 {"mon-sun", 0x7f},
		 {"mon,tue", 3},
		 {"", -1},
		 {"Mon", -1},
		 {"mon,", -1},
		 {",mon", -1},
		 {"mon,,tue", -1},
		 {"mon-", -1},
		 {"-mon", -1},
		 {"mon-mon", -1},
		 {"tue,mon", -1},
		 {"mon,mon", -1},
		 {"fri-mon", -1},
		 {"mon-wed,wed", -1},
		 {"mon-wed,tue", -1},
		 {"mon-tue-wed", -1},
		 {"daily,mon", -1},
		 {"mon,daily", -1},
		 {"monday", -1},
		 {"mon fri", -1},
		 {"mon, fri", -1},
		 {"mon-,tue", -1},
		 {"mo", -1},
		 {"sat-sun", 0x60}};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		uint8_t days = 0;
		const int err = calendar_days_parse(rdtest_str(v[i].s), &days);

		if (err ? v[i].days >= 0 : v[i].days != days)
			CHECK_STR(v[i].s, err ? "refused" : "taken");
	}
}

/* Berlin: forward at 01:00 UTC on 29 March, back on 25 October 2026 */
TEST(calendar_spring_and_autumn)
{
	const struct calendar_offset offset[] = {
		{ms("2026-01-01T00:00:00"), 3600},
		{ms("2026-03-29T01:00:00"), 7200},
		{ms("2026-10-25T01:00:00"), 3600}};
	const struct calendar c = {rdtest_exact(offset, sizeof(offset)), 3};

	CHECK_EQ(calendar_offset_s(&c, ms("2026-03-29T00:59:59")), 3600);
	CHECK_EQ(calendar_offset_s(&c, ms("2026-03-29T01:00:00")), 7200);
	CHECK_EQ(calendar_offset_s(&c, ms("1970-01-01T00:00:00")), 3600);
	CHECK_EQ(calendar_offset_s(&c, CALENDAR_MS_MAX), 3600);
	shows(&c, "2026-03-29T01:59:59", "2026-03-29T00:59:59");
	shows(&c, "2026-03-29T02:00:00", "2026-03-29T01:00:00");
	shows(&c, "2026-03-29T02:30:00", "2026-03-29T01:30:00");
	shows(&c, "2026-03-29T02:59:59", "2026-03-29T01:59:59");
	shows(&c, "2026-03-29T03:00:00", "2026-03-29T01:00:00");
	shows(&c, "2026-10-25T01:59:59", "2026-10-24T23:59:59");
	shows(&c, "2026-10-25T02:00:00", "2026-10-25T00:00:00");
	shows(&c, "2026-10-25T02:59:59", "2026-10-25T00:59:59");
	shows(&c, "2026-10-25T03:00:00", "2026-10-25T02:00:00");
	/* before the first and after the last */
	shows(&c, "1980-07-01T12:00:00", "1980-07-01T11:00:00");
	shows(&c, "9999-07-01T12:00:00", "9999-07-01T11:00:00");
}

/* Apia: 30 December 2011 did not exist */
TEST(calendar_a_day_that_never_was)
{
	const struct calendar_offset offset[] = {
		{ms("2011-01-01T00:00:00"), -36000},
		{ms("2011-12-30T10:00:00"), 50400}};
	const struct calendar c = {offset, 2};
	int64_t day = 0;

	shows(&c, "2011-12-29T23:59:59", "2011-12-30T09:59:59");
	shows(&c, "2011-12-30T09:00:00", "2011-12-30T19:00:00");
	shows(&c, "2011-12-31T00:00:00", "2011-12-30T10:00:00");
	shows(&c, "2011-12-31T09:00:00", "2011-12-30T19:00:00");
	CHECK_OK(calendar_date_parse(str_of("2011-12-30"), &day));
	CHECK_EQ(calendar_date_edge(&c, day, 0), INT64_MAX);
	CHECK_EQ(calendar_date_edge(&c, day - 1, 0), ms("2011-12-29T10:00:00"));
	CHECK_EQ(calendar_date_edge(&c, day - 1, ms("2011-12-29T10:00:00")),
		 ms("2011-12-30T10:00:00"));
	CHECK_EQ(calendar_date_edge(&c, day + 1, 0), ms("2011-12-30T10:00:00"));
}

/* Changes in quick succession: skipped at the first, shown after the second */
TEST(calendar_skipped_and_shown_later)
{
	const struct calendar_offset offset[] = {
		{ms("2026-01-01T00:00:00"), 0},
		{ms("2026-01-02T00:00:00"), 7200},
		{ms("2026-01-02T00:10:00"), 0},
		{ms("2026-01-02T03:00:00"), 3600},
		{ms("2026-01-02T03:20:00"), 7200}};
	const struct calendar c = {offset, 5};

	shows(&c, "2026-01-02T00:05:00", "2026-01-02T00:05:00");
	shows(&c, "2026-01-02T01:00:00", "2026-01-02T01:00:00");
	/* shown from 00:00 on, and again from 02:00 on */
	shows(&c, "2026-01-02T02:05:00", "2026-01-02T00:05:00");
	/* skipped at 03:00, and at 03:20 */
	shows(&c, "2026-01-02T03:30:00", "2026-01-02T03:30:00");
	shows(&c, "2026-01-02T04:30:00", "2026-01-02T03:30:00");
}

/* A date that begins, is left and begins again; one whose midnight is skipped */
TEST(calendar_edges_of_dates)
{
	const struct calendar_offset offset[] = {
		{ms("2026-01-01T00:00:00"), 0},
		{ms("2026-01-02T00:30:00"), -3600},
		{ms("2026-01-04T00:30:00"), 0}};
	const struct calendar c = {offset, 3};
	static const char *const want[] = {
		"2026-01-02T00:00:00", "2026-01-02T00:30:00",
		"2026-01-02T01:00:00", "2026-01-03T01:00:00"};
	int64_t day = 0, at = 0;

	CHECK_OK(calendar_date_parse(str_of("2026-01-02"), &day));
	for (size_t i = 0; i < 4; i++) {
		at = calendar_date_edge(&c, day, at);
		CHECK_EQ(at, ms(want[i]));
	}
	CHECK_EQ(calendar_date_edge(&c, day, at), INT64_MAX);
	/* 23:30 is followed by 00:30 */
	CHECK_EQ(calendar_date_edge(&c, day + 2, 0), ms("2026-01-04T00:30:00"));
	CHECK_EQ(calendar_date_edge(&c, day + 1, ms("2026-01-03T01:00:00")),
		 ms("2026-01-04T00:30:00"));
}

/* Any change of any clock, against a clock that is simply watched */
TEST(calendar_instants_as_watched)
{
	enum { MINUTES = 4 * 1440 };
	struct calendar_offset offset[6];

	for (int round = 0; round < 200; round++) {
		struct calendar c = {offset, 1 + rdtest_random() % 6};
		int64_t local = (int64_t)(rdtest_random() % MINUTES) *
				MINUTE_MS,
			at = (int64_t)(rdtest_random() % 1440) * MINUTE_MS,
			shown = -1, skipped = -1;

		for (size_t i = 0; i < c.n; i++) {
			offset[i].from_ms = at;
			offset[i].offset_s =
				60 * (int32_t)(rdtest_random() % 1799) - 53940;
			at += (int64_t)(1 + rdtest_random() % 1000) * MINUTE_MS;
		}
		for (int64_t m = -1440; m < MINUTES + 1440; m++) {
			const int64_t t = m * MINUTE_MS,
				      now = calendar_local(&c, t),
				      before = calendar_local(&c, t - 1) + 1;

			if (now == local && shown == -1)
				shown = t;
			if (before <= local && local < now && skipped == -1)
				skipped = t + local - before;
		}
		CHECK(shown != -1 || skipped != -1);
		CHECK_EQ(calendar_instant(&c, local),
			 shown != -1 ? shown : skipped);
	}
}
