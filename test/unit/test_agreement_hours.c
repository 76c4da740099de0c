/* SPDX-License-Identifier: ISC */
/** @file test_agreement_hours.c  When a line is open and its checks are due */
#include <inttypes.h>
#include <stdlib.h>
#include "proto/agreement.h"
#include "rdtest.h"

#define BERLIN \
	"2026-01-01T00:00:00Z +01:00", "2026-03-29T01:00:00Z +02:00", \
		"2026-10-25T01:00:00Z +01:00"
#define SEOUL "1988-10-08T17:00:00Z +09:00"
#define UTC "1970-01-01T00:00:00Z +00:00"

/* An agreement of a and b from an instant on, with the offsets of both clocks,
   each list ended by NULL, and lines from hours on.  Owned. */
static struct agreement *make(const char *from, const char *const *offset_a,
			      const char *const *offset_b, const char *lines)
{
	struct agreement_fault why = {0, ""};
	struct agreement *a = NULL;
	struct buf b;

	buf_init(&b, AGREEMENT_BYTES_MAX);
	buf_printf(&b,
		   "ringdown-agreement/v1\nline l\nversion 1\nreplaces none\n"
		   "sides a b\nfrom %s\npurpose p\nlanguage en\nmedium notice\n"
		   "recording none\nrestoration machine\nzone a A\n",
		   from);
	for (; *offset_a; offset_a++)
		buf_printf(&b, "offset a %s\n", *offset_a);
	buf_str(&b, "zone b B\n");
	for (; *offset_b; offset_b++)
		buf_printf(&b, "offset b %s\n", *offset_b);
	buf_str(&b, lines);
	CHECK_EQ(b.err, 0);
	if (agreement_parse(rdtest_exact(b.p, b.n), b.n, &a, &why))
		CHECK_STR(why.rule, "");
	buf_free(&b);
	return a;
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static int64_t ms(const char *s)
{
	int64_t v = 0;

	CHECK_OK(calendar_second_parse(str_of(s), &v));
	return v;
}

static void is(int64_t got, const char *want)
{
	char s[CALENDAR_SECOND_CHARS + 1] = "never";

	if (got != INT64_MAX)
		calendar_second_print(got, s);
	CHECK_STR(s, want);
}

/* Due instants of check 0 after an instant, as many as there are words */
static void due(const struct agreement *a, const char *after,
		const char *const *want)
{
	int64_t at = ms(after);

	for (; *want; want++) {
		at = agreement_check_next(a, 0, at);
		is(at, *want);
		CHECK(at == INT64_MAX || agreement_due(a, 0, at));
	}
}

/* Changes of hours after an instant, the first is to what is said */
static void changes(const struct agreement *a, const char *after, bool open,
		    const char *const *want)
{
	int64_t at = ms(after);

	CHECK(agreement_open_at(a, at) != open);
	for (; *want; want++) {
		const int64_t next = agreement_hours_next(a, at);

		is(next, *want);
		if (next == INT64_MAX)
			break;
		CHECK(agreement_open_at(a, next) == open);
		CHECK(agreement_open_at(a, next - 1) == !open);
		CHECK_EQ(agreement_hours_since(a, next), next);
		CHECK_EQ(agreement_hours_since(a, next + 1), next);
		open = !open;
		at = next;
	}
}

#define ASKED " by a grace 600 role none\n"

TEST(agreement_checks_on_weekdays)
{
	struct agreement *a =
		make("2026-12-04T00:00:00Z", LIST(SEOUL), LIST(SEOUL),
		     "check c mon-fri 09:00 a" ASKED);

	/* the first one is at the very instant from which it holds, a Friday */
	due(a, "1970-01-01T00:00:00Z",
	    LIST("2026-12-04T00:00:00Z", "2026-12-07T00:00:00Z",
		 "2026-12-08T00:00:00Z"));
	is(agreement_check_next(a, 0, INT64_MIN), "2026-12-04T00:00:00Z");
	CHECK(agreement_due(a, 0, ms("2026-12-04T00:00:00Z")));
	CHECK(!agreement_due(a, 0, ms("2026-12-04T00:00:00Z") + 1));
	CHECK(!agreement_due(a, 0, ms("2026-12-04T00:00:00Z") - 1));
	CHECK(!agreement_due(a, 0, ms("2026-12-05T00:00:00Z")));
	CHECK(!agreement_due(a, 0, ms("2026-12-03T00:00:00Z")));
	CHECK(!agreement_due(a, 0, INT64_MIN));
	CHECK(!agreement_due(a, 0, INT64_MAX));
	agreement_free(a);
	a = make("2026-12-04T00:00:01Z", LIST(SEOUL), LIST(SEOUL),
		 "check c mon-fri 09:00 a" ASKED);
	due(a, "1970-01-01T00:00:00Z", LIST("2026-12-07T00:00:00Z"));
	agreement_free(a);
}

TEST(agreement_checks_in_leap_years)
{
	struct agreement *a = make("2027-01-01T00:00:00Z", LIST(UTC), LIST(UTC),
				   "check c daily 23:30 a" ASKED);

	due(a, "2027-02-28T00:00:00Z",
	    LIST("2027-02-28T23:30:00Z", "2027-03-01T23:30:00Z"));
	due(a, "2028-02-28T00:00:00Z",
	    LIST("2028-02-28T23:30:00Z", "2028-02-29T23:30:00Z",
		 "2028-03-01T23:30:00Z"));
	due(a, "2100-02-28T00:00:00Z",
	    LIST("2100-02-28T23:30:00Z", "2100-03-01T23:30:00Z"));
	agreement_free(a);
}

TEST(agreement_checks_in_spring_and_autumn)
{
	struct agreement *a = make("2026-01-01T00:00:00Z", LIST(BERLIN),
				   LIST(SEOUL), "check c daily 02:30 a" ASKED);

	due(a, "2026-03-27T12:00:00Z",
	    LIST("2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z",
		 "2026-03-30T00:30:00Z"));
	due(a, "2026-10-24T12:00:00Z",
	    LIST("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"));
	agreement_free(a);
	/* a missing midnight, and a day whose 00:30 comes twice */
	a = make("2026-01-01T00:00:00Z",
		 LIST("2026-01-01T00:00:00Z +00:00",
		      "2026-03-29T00:00:00Z +01:00",
		      "2026-10-25T00:00:00Z +00:00"),
		 LIST(UTC), "check c sun 00:30 a" ASKED);
	due(a, "2026-03-24T00:00:00Z",
	    LIST("2026-03-29T00:30:00Z", "2026-04-04T23:30:00Z"));
	due(a, "2026-10-20T00:00:00Z",
	    LIST("2026-10-24T23:30:00Z", "2026-11-01T00:30:00Z"));
	agreement_free(a);
}

/* Apia: two days' 09:00 are one instant, which is one check */
TEST(agreement_checks_on_a_day_that_never_was)
{
	struct agreement *a = make("2011-12-01T00:00:00Z",
				   LIST("2011-12-01T00:00:00Z -10:00",
					"2011-12-30T10:00:00Z +14:00"),
				   LIST(UTC), "check c daily 09:00 a" ASKED);

	due(a, "2011-12-28T12:00:00Z",
	    LIST("2011-12-28T19:00:00Z", "2011-12-29T19:00:00Z",
		 "2011-12-30T19:00:00Z", "2011-12-31T19:00:00Z"));
	agreement_free(a);
}

TEST(agreement_checks_not_on_holidays)
{
	/* b is 9 hours ahead: its 5 December begins at 15:00 UTC on the 4th */
	struct agreement *a =
		make("2026-12-01T00:00:00Z", LIST(UTC), LIST(SEOUL),
		     "holiday a 2026-12-03 x\nholiday b 2026-12-05 y\n"
		     "check c daily 15:00 a" ASKED "check d daily 14:59 a" ASKED
		     "check e daily 00:00 b" ASKED);

	due(a, "2026-12-01T12:00:00Z",
	    LIST("2026-12-01T15:00:00Z", "2026-12-02T15:00:00Z",
		 "2026-12-05T15:00:00Z"));
	is(agreement_check_next(a, 1, ms("2026-12-03T00:00:00Z")),
	   "2026-12-04T14:59:00Z");
	is(agreement_check_next(a, 1, ms("2026-12-04T14:59:00Z")),
	   "2026-12-06T14:59:00Z");
	/* 00:00 of b on 6 December is no longer its 5th */
	is(agreement_check_next(a, 2, ms("2026-12-03T15:00:00Z")),
	   "2026-12-05T15:00:00Z");
	CHECK(!agreement_due(a, 0, ms("2026-12-03T15:00:00Z")));
	CHECK(!agreement_due(a, 2, ms("2026-12-02T15:00:00Z") - 1));
	agreement_free(a);
}

TEST(agreement_checks_end_with_9999)
{
	struct agreement *a = make("9999-12-30T00:00:00Z", LIST(UTC),
				   LIST("1970-01-01T00:00:00Z -10:00"),
				   "check c daily 20:00 a" ASKED
				   "check d daily 20:00 b" ASKED);

	due(a, "9999-12-30T12:00:00Z",
	    LIST("9999-12-30T20:00:00Z", "9999-12-31T20:00:00Z", "never"));
	is(agreement_check_next(a, 1, 0), "9999-12-30T06:00:00Z");
	is(agreement_check_next(a, 1, ms("9999-12-31T06:00:00Z")), "never");
	is(agreement_check_next(a, 0, CALENDAR_MS_MAX), "never");
	is(agreement_check_next(a, 0, INT64_MAX), "never");
	CHECK(!agreement_due(a, 0, CALENDAR_MS_MAX));
	agreement_free(a);
	a = make("1970-01-01T00:00:00Z", LIST("1970-01-01T00:00:00Z +14:00"),
		 LIST(UTC), "check c daily 13:00 a" ASKED);
	due(a, "1970-01-01T00:00:00Z", LIST("1970-01-01T23:00:00Z"));
	agreement_free(a);
	a = make("1970-01-01T00:00:00Z", LIST("1970-01-01T00:00:00Z -14:00"),
		 LIST(UTC), "check c wed 13:00 a" ASKED);
	/* the Wednesday is 31 December 1969 there */
	due(a, "1970-01-01T00:00:00Z",
	    LIST("1970-01-01T03:00:00Z", "1970-01-08T03:00:00Z"));
	agreement_free(a);
}

/* ---- hours ---- */

TEST(agreement_without_hours_is_always_open)
{
	struct agreement *a = make("2026-12-01T00:00:00Z", LIST(UTC),
				   LIST(SEOUL), "holiday a 2026-12-03 x\n");

	changes(a, "2026-11-01T00:00:00Z", true,
		LIST("2026-12-01T00:00:00Z", "never"));
	CHECK(agreement_open_at(a, ms("2026-12-03T12:00:00Z")));
	CHECK(agreement_open_at(a, INT64_MAX));
	CHECK(!agreement_open_at(a, INT64_MIN));
	is(agreement_hours_next(a, INT64_MIN), "2026-12-01T00:00:00Z");
	is(agreement_hours_next(a, INT64_MAX), "never");
	is(agreement_hours_since(a, INT64_MIN), "2026-12-01T00:00:00Z");
	is(agreement_hours_since(a, INT64_MAX), "2026-12-01T00:00:00Z");
	agreement_free(a);
}

TEST(agreement_hours_of_a_week)
{
	struct agreement *a =
		make("2026-12-01T00:00:00Z", LIST(SEOUL), LIST(SEOUL),
		     "hours mon-fri 09:00-12:00 a\n"
		     "hours mon-fri 13:00-17:00 a\n");

	changes(a, "2026-11-01T00:00:00Z", true,
		LIST("2026-12-01T00:00:00Z", "2026-12-01T03:00:00Z",
		     "2026-12-01T04:00:00Z", "2026-12-01T08:00:00Z",
		     "2026-12-02T00:00:00Z"));
	changes(a, "2026-12-04T08:00:00Z", true,
		LIST("2026-12-07T00:00:00Z", "2026-12-07T03:00:00Z"));
	/* from the middle of hours, and of their lack */
	is(agreement_hours_next(a, ms("2026-12-01T01:23:45Z")),
	   "2026-12-01T03:00:00Z");
	is(agreement_hours_next(a, ms("2026-12-05T01:23:45Z")),
	   "2026-12-07T00:00:00Z");
	is(agreement_hours_since(a, ms("2026-12-01T01:23:45Z")),
	   "2026-12-01T00:00:00Z");
	is(agreement_hours_since(a, ms("2026-12-06T01:23:45Z")),
	   "2026-12-04T08:00:00Z");
	agreement_free(a);
	/* it begins to hold within hours, and outside of them */
	a = make("2026-12-01T01:00:00Z", LIST(SEOUL), LIST(SEOUL),
		 "hours mon-fri 09:00-12:00 a\n");
	changes(a, "2026-11-30T00:30:00Z", true,
		LIST("2026-12-01T01:00:00Z", "2026-12-01T03:00:00Z",
		     "2026-12-02T00:00:00Z"));
	agreement_free(a);
	a = make("2026-12-05T01:00:00Z", LIST(SEOUL), LIST(SEOUL),
		 "hours mon-fri 09:00-12:00 a\n");
	changes(a, "2026-11-30T00:30:00Z", true, LIST("2026-12-07T00:00:00Z"));
	is(agreement_hours_since(a, ms("2026-12-06T00:00:00Z")),
	   "2026-12-05T01:00:00Z");
	agreement_free(a);
}

/* Both clocks count; what touches or overlaps is one */
TEST(agreement_hours_of_two_clocks)
{
	struct agreement *a =
		make("2026-01-01T00:00:00Z", LIST(BERLIN), LIST(SEOUL),
		     "hours daily 08:00-17:00 a\nhours daily 09:00-17:00 b\n");

	/* Berlin 07:00-16:00 UTC, Seoul 00:00-08:00 UTC */
	changes(a, "2026-01-02T16:00:00Z", true,
		LIST("2026-01-03T00:00:00Z", "2026-01-03T16:00:00Z"));
	/* in summer from 06:00 on */
	changes(a, "2026-07-02T16:00:00Z", true,
		LIST("2026-07-03T00:00:00Z", "2026-07-03T15:00:00Z"));
	agreement_free(a);
}

TEST(agreement_hours_in_spring_and_autumn)
{
	struct agreement *a = make("2026-01-01T00:00:00Z", LIST(BERLIN),
				   LIST(SEOUL), "hours sun 01:30-02:30 a\n");

	/* 02:30 is skipped: it is taken as 03:30 of the summer */
	changes(a, "2026-03-28T00:00:00Z", true,
		LIST("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"));
	/* the first 02:30 ends it */
	changes(a, "2026-10-24T00:00:00Z", true,
		LIST("2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z",
		     "2026-11-01T00:30:00Z"));
	agreement_free(a);
	/* nothing is left: 02:00 and 03:00 are one instant */
	a = make("2026-01-01T00:00:00Z", LIST(BERLIN), LIST(SEOUL),
		 "hours sun 02:00-03:00 a\n");
	changes(a, "2026-03-22T02:00:00Z", true,
		LIST("2026-04-05T00:00:00Z", "2026-04-05T01:00:00Z"));
	agreement_free(a);
	/* a night of 23 hours, one of 25 */
	a = make("2026-01-01T00:00:00Z", LIST(BERLIN), LIST(SEOUL),
		 "hours sun 00:00-24:00 a\n");
	changes(a, "2026-03-28T00:00:00Z", true,
		LIST("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"));
	changes(a, "2026-10-24T00:00:00Z", true,
		LIST("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"));
	agreement_free(a);
}

/* The largest changes there can be reach 30 hours far */
TEST(agreement_hours_long_after_a_change)
{
	struct agreement *a = make("2026-12-01T00:00:00Z",
				   LIST("2026-12-01T00:00:00Z -14:59",
					"2026-12-10T14:59:00Z +14:59"),
				   LIST(UTC), "hours fri 05:00-05:50 a\n");

	/* from 00:00 on the 10th to 05:58 on the 11th, a Friday */
	changes(a, "2026-12-08T00:00:00Z", true,
		LIST("2026-12-11T19:59:00Z", "2026-12-11T20:49:00Z",
		     "2026-12-17T14:01:00Z"));
	agreement_free(a);
	a = make("2026-12-01T00:00:00Z",
		 LIST("2026-12-01T00:00:00Z +14:59",
		      "2026-12-10T14:59:00Z -14:59"),
		 LIST(UTC), "hours fri 05:00-05:50 a\n");
	/* from 05:58 on the 11th back to 00:00 on the 10th: the first one */
	changes(a, "2026-12-08T00:00:00Z", true,
		LIST("2026-12-10T14:01:00Z", "2026-12-10T14:51:00Z",
		     "2026-12-18T19:59:00Z"));
	CHECK(!agreement_open_at(a, ms("2026-12-11T20:00:00Z")));
	agreement_free(a);
}

TEST(agreement_hours_not_on_holidays)
{
	struct agreement *a =
		make("2026-12-01T00:00:00Z", LIST(UTC), LIST(SEOUL),
		     "hours daily 08:00-16:00 a\n"
		     "holiday a 2026-12-03 x\nholiday b 2026-12-05 y\n");

	/* the 5th of b begins at 15:00 UTC on the 4th and ends then on the 5th */
	changes(a, "2026-12-02T12:00:00Z", false,
		LIST("2026-12-02T16:00:00Z", "2026-12-04T08:00:00Z",
		     "2026-12-04T15:00:00Z", "2026-12-05T15:00:00Z",
		     "2026-12-05T16:00:00Z", "2026-12-06T08:00:00Z"));
	agreement_free(a);
	/* two that follow each other, of two sides, listed the other way */
	a = make("2026-12-01T00:00:00Z", LIST(UTC), LIST(SEOUL),
		 "hours daily 00:00-24:00 a\n"
		 "holiday b 2026-12-05 y\nholiday a 2026-12-03 x\n"
		 "holiday b 2026-12-04 x\n");
	changes(a, "2026-12-02T12:00:00Z", false,
		LIST("2026-12-03T00:00:00Z", "2026-12-05T15:00:00Z", "never"));
	is(agreement_hours_since(a, ms("9999-01-01T00:00:00Z")),
	   "2026-12-05T15:00:00Z");
	agreement_free(a);
}

/* Hours that follow each other without end, and what ends them much later */
TEST(agreement_hours_without_a_gap)
{
	struct agreement *a =
		make("2026-12-01T00:00:00Z", LIST(UTC), LIST(BERLIN),
		     "hours daily 00:00-12:00 a\nhours daily 12:00-24:00 a\n");

	changes(a, "2026-11-01T00:00:00Z", true,
		LIST("2026-12-01T00:00:00Z", "never"));
	is(agreement_hours_since(a, ms("9000-01-01T00:00:00Z")),
	   "2026-12-01T00:00:00Z");
	agreement_free(a);
	a = make("2026-12-01T00:00:00Z", LIST(UTC), LIST(UTC),
		 "hours daily 00:00-12:00 a\nhours daily 12:00-24:00 a\n"
		 "holiday a 9998-05-05 x\n");
	changes(a, "2026-12-01T00:00:00Z", false,
		LIST("9998-05-05T00:00:00Z", "9998-05-06T00:00:00Z", "never"));
	agreement_free(a);
	/* after 900 years one clock is set for good, and a gap opens every noon
	   but on Mondays and Tuesdays; 474 years on the other was on a Tuesday,
	   for a day */
	a = make("2026-12-01T00:00:00Z",
		 LIST("2026-12-01T00:00:00Z +00:00",
		      "2926-06-01T00:00:00Z +01:00"),
		 LIST("1970-01-01T00:00:00Z +00:00",
		      "2500-06-01T00:00:00Z +02:00",
		      "2500-06-02T00:00:00Z +00:00"),
		 "hours daily 00:00-12:00 a\nhours daily 12:00-24:00 b\n"
		 "hours mon-tue 00:00-24:00 a\n");
	changes(a, "2026-12-01T00:00:00Z", false,
		LIST("2926-06-01T11:00:00Z", "2926-06-01T12:00:00Z",
		     "2926-06-02T11:00:00Z", "2926-06-02T12:00:00Z",
		     "2926-06-05T11:00:00Z"));
	agreement_free(a);
}

TEST(agreement_hours_stay_open_over_changes)
{
	struct agreement *a = make("2026-01-01T00:00:00Z", LIST(BERLIN),
				   LIST(SEOUL), "hours daily 00:00-24:00 a\n");

	changes(a, "2025-01-01T00:00:00Z", true,
		LIST("2026-01-01T00:00:00Z", "never"));
	agreement_free(a);
}

/* However long after now a clock is set, and whichever, the gap that this opens
   is found; the clock is set once more when nobody waits for that */
TEST(agreement_hours_find_each_gap)
{
	const int64_t begin = ms("2026-12-01T00:00:00Z");

	for (int64_t i = 2; i < 120; i++) {
		const int64_t at = begin + i / 2 * DAY_MS;
		const bool late = i % 2;
		char change[64] = "", want[CALENDAR_SECOND_CHARS + 1];
		const char *const *set =
			LIST("2026-12-01T00:00:00Z +00:00", change,
			     "2028-01-01T00:00:00Z +01:30");
		struct agreement *a;

		calendar_second_print(at, change);
		memcpy(change + CALENDAR_SECOND_CHARS, " +01:00", 8);
		a = make("2026-12-01T00:00:00Z", late ? LIST(UTC) : set,
			 late ? set : LIST(UTC),
			 "hours daily 00:00-12:00 a\n"
			 "hours daily 12:00-24:00 b\n");
		calendar_second_print(at + (late ? 23 : 11) * 60 * MINUTE_MS,
				      want);
		is(agreement_hours_next(a, begin), want);
		agreement_free(a);
	}
}

TEST(agreement_hours_end_with_9999)
{
	struct agreement *a = make("9999-12-30T00:00:00Z", LIST(UTC), LIST(UTC),
				   "hours daily 20:00-24:00 a\n");

	changes(a, "9999-12-30T12:00:00Z", true,
		LIST("9999-12-30T20:00:00Z", "9999-12-31T00:00:00Z",
		     "9999-12-31T20:00:00Z", "never"));
	CHECK(agreement_open_at(a, INT64_MAX));
	is(agreement_hours_next(a, INT64_MAX), "never");
	is(agreement_hours_next(a, INT64_MIN), "9999-12-30T20:00:00Z");
	is(agreement_hours_since(a, INT64_MAX), "9999-12-31T20:00:00Z");
	agreement_free(a);
}

/* ---- any agreement, against minutes that are simply looked at ---- */

#define DAYS 16
#define MINUTES (DAYS * 1440)
#define AROUND 3	/* days before and after, which reach into them */

static int64_t begin_ms; /* from */

static void any_clock(struct buf *b, char side)
{
	int64_t at = begin_ms;
	const unsigned n = 1 + (unsigned)(rdtest_random() % 5);

	for (unsigned i = 0; i < n; i++) {
		char second[CALENDAR_SECOND_CHARS + 1];
		const unsigned minutes = (unsigned)(rdtest_random() % 900);

		calendar_second_print(at, second);
		buf_printf(b, "offset %c %s %c%02u:%02u\n", side, second,
			   minutes && rdtest_random() % 2 ? '-' : '+',
			   minutes / 60, minutes % 60);
		at += (int64_t)(1 + rdtest_random() % 8000) * MINUTE_MS;
	}
}

static const char *any_days(void)
{
	static const char *const days[] = {"daily",   "mon-fri", "sat-sun",
					   "wed",     "mon,thu", "tue-sun",
					   "mon-wed", "daily"};

	return days[rdtest_random() % 8];
}

static char any_side(void)
{
	return rdtest_random() % 2 ? 'a' : 'b';
}

static struct agreement *any(void)
{
	struct agreement *a = NULL;
	unsigned n = (unsigned)(1 + rdtest_random() % 5);
	struct buf b;

	buf_init(&b, AGREEMENT_BYTES_MAX);
	buf_str(&b,
		"ringdown-agreement/v1\nline l\nversion 1\nreplaces none\n"
		"sides a b\nfrom 2026-12-01T00:00:00Z\npurpose p\nlanguage en\n"
		"medium notice\nrecording none\nrestoration machine\n"
		"zone a A\n");
	any_clock(&b, 'a');
	buf_str(&b, "zone b B\n");
	any_clock(&b, 'b');
	while (n--) {
		const unsigned first = (unsigned)(rdtest_random() % 1440),
			       end = first + 1 +
				     (unsigned)(rdtest_random() %
						(1440 - first));

		buf_printf(&b, "hours %s %02u:%02u-%02u:%02u %c\n", any_days(),
			   first / 60, first % 60, end / 60, end % 60,
			   any_side());
	}
	n = (unsigned)(rdtest_random() % 5);
	while (n--)
		buf_printf(&b, "holiday %c 2026-12-%02u x\n", any_side(),
			   (unsigned)(1 + rdtest_random() % DAYS));
	buf_printf(&b, "check c %s %02u:%02u %c" ASKED, any_days(),
		   (unsigned)(rdtest_random() % 24),
		   (unsigned)(rdtest_random() % 60), any_side());
	CHECK_OK(agreement_parse(b.p, b.n, &a, NULL));
	buf_free(&b);
	return a;
}

static int64_t local_at(const struct agreement *a, unsigned side, int64_t t)
{
	return t + agreement_offset_s(a, (int)side, t) * 1000LL;
}

/* As docs/lines.md 1 says, minute by minute */
static int64_t instant_seen(const struct agreement *a, unsigned side,
			    int64_t local)
{
	int64_t skipped = -1;

	for (int64_t t = local - 900 * MINUTE_MS; t <= local + 900 * MINUTE_MS;
	     t += MINUTE_MS) {
		const int64_t now = local_at(a, side, t),
			      before = local_at(a, side, t - 1) + 1;

		if (now == local)
			return t;
		if (before <= local && local < now && skipped == -1)
			skipped = t + local - before;
	}
	CHECK(skipped != -1);
	return skipped;
}

static bool holiday_seen(const struct agreement *a, int64_t t)
{
	for (size_t i = 0; i < a->holidays; i++) {
		const int64_t day = a->holiday[i].day * DAY_MS,
			      local = local_at(a, a->holiday[i].side, t);

		if (local >= day && local < day + DAY_MS)
			return true;
	}
	return false;
}

static bool has_day(uint8_t days, int64_t day)
{
	/* day 20787, 2026-11-30, is a Monday */
	return days >> ((day - 20787) % 7 + 7) % 7 & 1;
}

/* What is open and what is due from from on */
static void look(const struct agreement *a, bool open[MINUTES],
		 bool is_due[MINUTES])
{
	const struct agreement_check *c = &a->check[0];

	memset(open, 0, MINUTES * sizeof(*open));
	memset(is_due, 0, MINUTES * sizeof(*is_due));
	for (int64_t d = -AROUND; d < DAYS + AROUND; d++) {
		const int64_t midnight = begin_ms + d * DAY_MS,
			      day = midnight / DAY_MS;
		int64_t t;

		for (size_t i = 0; i < a->hours; i++) {
			const struct agreement_hours *h = &a->hour[i];
			int64_t end;

			if (!has_day(h->days, day))
				continue;
			t = instant_seen(a, h->side,
					 midnight + h->first * MINUTE_MS);
			end = instant_seen(a, h->side,
					   midnight + h->end * MINUTE_MS);
			for (; t < end; t += MINUTE_MS) {
				const int64_t m = (t - begin_ms) / MINUTE_MS;

				if (t >= begin_ms && m < MINUTES &&
				    !holiday_seen(a, t))
					open[m] = true;
			}
		}
		if (!has_day(c->days, day))
			continue;
		t = instant_seen(a, c->side, midnight + c->minute * MINUTE_MS);
		if (t >= begin_ms && (t - begin_ms) / MINUTE_MS < MINUTES &&
		    !holiday_seen(a, t))
			is_due[(t - begin_ms) / MINUTE_MS] = true;
	}
}

static void compare(const struct agreement *a, const bool *open,
		    const bool *is_due)
{
	int64_t since = begin_ms, next = agreement_hours_next(a, begin_ms),
		due_ms = agreement_check_next(a, 0, begin_ms - 1);

	for (int64_t m = 0; m < MINUTES; m++) {
		const int64_t t = begin_ms + m * MINUTE_MS;

		CHECK(agreement_open_at(a, t) == open[m]);
		CHECK(agreement_open_at(a, t + MINUTE_MS - 1) == open[m]);
		CHECK(agreement_due(a, 0, t) == is_due[m]);
		if (m && open[m] != open[m - 1]) {
			CHECK_EQ(next, t);
			since = t;
			next = agreement_hours_next(a, t);
		}
		CHECK(next > t);
		if (!(m % 97))
			CHECK_EQ(agreement_hours_since(a, t), since);
		if (is_due[m]) {
			CHECK_EQ(due_ms, t);
			due_ms = agreement_check_next(a, 0, t);
		}
		CHECK(due_ms > t);
	}
}

TEST(agreement_times_as_watched)
{
	bool *open = malloc(MINUTES * sizeof(*open)),
	     *is_due = malloc(MINUTES * sizeof(*is_due));

	CHECK(open && is_due);
	begin_ms = ms("2026-12-01T00:00:00Z");
	for (int round = 0; round < 60; round++) {
		struct agreement *a = any();

		look(a, open, is_due);
		compare(a, open, is_due);
		agreement_free(a);
	}
	free(open);
	free(is_due);
}
