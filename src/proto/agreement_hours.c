/* SPDX-License-Identifier: ISC */
/** @file agreement_hours.c  When a line is open and when its checks are due */
#include <assert.h>
#include "proto/agreement.h"

/* A local time read as UTC is less than this from its instant, so that what a
   day's clock shows lies within it of that day, and only a day and the next
   can come in the wrong order, where a clock changes by many hours. */
#define NEAR_MS ((CALENDAR_OFFSET_MINUTES_MAX + 1) * MINUTE_MS)

#define NEVER INT64_MAX

static int64_t instant_of(const struct agreement *a, unsigned side, int64_t day,
			  unsigned minute)
{
	return calendar_instant(&a->clock[side],
				calendar_midnight(day) + minute * MINUTE_MS);
}

static bool is_holiday(const struct agreement *a, int64_t ms)
{
	int64_t day[2];

	if (!a->holidays)
		return false;
	for (unsigned i = 0; i < 2; i++)
		day[i] = calendar_day(calendar_local(&a->clock[i], ms));
	for (size_t i = 0; i < a->holidays; i++) {
		if (a->holiday[i].day == day[a->holiday[i].side])
			return true;
	}
	return false;
}

static bool has_day(uint8_t days, int64_t day)
{
	return days >> calendar_weekday(day) & 1;
}

/* A time of the day on some days by one side's clock */
struct daily {
	unsigned side, minute;
	uint8_t days;
	bool holidays;	/* on them too */
};

/* Its instant on that day; NEVER: not on it, or not after after_ms */
static int64_t daily_on(const struct agreement *a, const struct daily *t,
			int64_t day, int64_t after_ms)
{
	int64_t ms;

	if (!has_day(t->days, day))
		return NEVER;
	ms = instant_of(a, t->side, day, t->minute);
	return ms > after_ms && (t->holidays || !is_holiday(a, ms)) ? ms
								    : NEVER;
}

static int64_t daily_next(const struct agreement *a, const struct daily *t,
			  int64_t after_ms)
{
	const int64_t last = calendar_day(CALENDAR_MS_MAX) + 1;
	int64_t day = calendar_day(after_ms - NEAR_MS), ms = NEVER;

	while (ms == NEVER && day <= last)
		ms = daily_on(a, t, day++, after_ms);
	if (ms != NEVER) {
		const int64_t other = daily_on(a, t, day, after_ms);

		ms = other < ms ? other : ms;
	}
	return ms > CALENDAR_MS_MAX ? NEVER : ms;
}

/* ---- checks ---- */

int64_t agreement_check_next(const struct agreement *a, size_t check,
			     int64_t after_ms)
{
	const struct agreement_check *c = &a->check[check];
	const struct daily t = {
		.side = c->side, .minute = c->minute, .days = c->days};

	assert(check < a->checks);
	if (after_ms < a->from_ms)
		after_ms = a->from_ms - 1;
	return after_ms < CALENDAR_MS_MAX ? daily_next(a, &t, after_ms) : NEVER;
}

bool agreement_due(const struct agreement *a, size_t check, int64_t ms)
{
	return ms >= a->from_ms && ms <= CALENDAR_MS_MAX &&
	       agreement_check_next(a, check, ms - 1) == ms;
}

/* ---- hours ---- */

/* End of these hours when they hold the instant, else ms */
static int64_t hour_end(const struct agreement *a,
			const struct agreement_hours *h, int64_t ms)
{
	const int64_t last = calendar_day(ms + NEAR_MS);
	int64_t end = ms;

	for (int64_t d = calendar_day(ms - NEAR_MS); d <= last; d++) {
		int64_t e;

		if (!has_day(h->days, d) ||
		    instant_of(a, h->side, d, h->first) > ms)
			continue;
		e = instant_of(a, h->side, d, h->end);
		end = e > end ? e : end;
	}
	return end;
}

/* The same where the clock is steady for a day and two NEAR_MS around: then it
   counts like UTC */
static int64_t hour_end_steady(const struct agreement_hours *h, int64_t ms,
			       int64_t local)
{
	const int64_t day = calendar_day(local),
		      time = local - calendar_midnight(day);

	return has_day(h->days, day) && h->first * MINUTE_MS <= time &&
			       time < h->end * MINUTE_MS
		       ? ms + h->end * MINUTE_MS - time
		       : ms;
}

/* End of the latest hours that hold the instant, whatever the holidays;
   ms itself: it lies in none */
static int64_t hours_end(const struct agreement *a, int64_t ms)
{
	const int64_t around = DAY_MS + 2 * NEAR_MS;
	int64_t end = ms, local[2];
	bool steady[2];

	for (unsigned i = 0; i < 2; i++) {
		const struct calendar *c = &a->clock[i];

		local[i] = calendar_local(c, ms);
		steady[i] = calendar_steady(c, ms - around, ms + around);
	}
	for (size_t i = 0; i < a->hours; i++) {
		const struct agreement_hours *h = &a->hour[i];
		const int64_t e =
			steady[h->side] ? hour_end_steady(h, ms, local[h->side])
					: hour_end(a, h, ms);

		end = e > end ? e : end;
	}
	return end;
}

/* The next instant after ms at which any holiday begins or ends */
static int64_t holiday_next(const struct agreement *a, int64_t ms)
{
	int64_t next = NEVER;

	for (size_t i = 0; i < a->holidays; i++) {
		const struct agreement_holiday *h = &a->holiday[i];
		const int64_t edge =
			calendar_date_edge(&a->clock[h->side], h->day, ms);

		next = edge < next ? edge : next;
	}
	return next;
}

/* The next change of either clock */
static int64_t offset_next(const struct agreement *a, int64_t ms)
{
	int64_t next = NEVER;

	for (unsigned i = 0; i < 2; i++) {
		for (size_t k = 0; k < a->clock[i].n; k++) {
			const int64_t at = a->clock[i].offset[k].from_ms;

			if (at > ms && at < next)
				next = at;
		}
	}
	return next;
}

/* When what is open closes.  Hours may follow each other without a gap, for
   good even.  What no clock's change is near repeats every week: a week and a
   bit that is open goes on to the next change. */
static int64_t closing(const struct agreement *a, int64_t ms)
{
	const int64_t bit = 3 * DAY_MS, holiday = holiday_next(a, ms);
	int64_t regular = ms;	/* from here on, until the next change */

	for (;;) {
		const int64_t end = hours_end(a, ms);
		int64_t change;

		if (end == ms || ms >= holiday)
			return ms < holiday ? ms : holiday;
		ms = end;
		if (ms - regular < 7 * DAY_MS + 2 * bit)
			continue;
		change = offset_next(a, regular - bit);
		if (change == NEVER)
			return holiday;
		if (ms < change - bit)
			ms = change - bit;
		regular = change + bit;
	}
}

/* When what is closed opens */
static int64_t opening(const struct agreement *a, int64_t ms)
{
	do {
		int64_t next = NEVER;

		if (is_holiday(a, ms)) {
			ms = holiday_next(a, ms);
			continue;
		}
		for (size_t i = 0; i < a->hours; i++) {
			const struct agreement_hours *h = &a->hour[i];
			const struct daily t = {.side = h->side,
						.minute = h->first,
						.days = h->days,
						.holidays = true};
			const int64_t begin = daily_next(a, &t, ms);

			next = begin < next ? begin : next;
		}
		ms = next;
	} while (ms < CALENDAR_MS_MAX && !agreement_open_at(a, ms));
	return ms;
}

bool agreement_open_at(const struct agreement *a, int64_t ms)
{
	if (ms < a->from_ms)
		return false;
	if (!a->hours)
		return true;
	if (ms > CALENDAR_MS_MAX)
		ms = CALENDAR_MS_MAX;
	return hours_end(a, ms) > ms && !is_holiday(a, ms);
}

int64_t agreement_hours_next(const struct agreement *a, int64_t ms)
{
	if (ms < a->from_ms) {
		ms = a->from_ms;
		if (agreement_open_at(a, ms))
			return ms;
	}
	if (!a->hours || ms >= CALENDAR_MS_MAX)
		return NEVER;
	ms = agreement_open_at(a, ms) ? closing(a, ms) : opening(a, ms);
	return ms > CALENDAR_MS_MAX ? NEVER : ms;
}

/* Forward from ever further back */
int64_t agreement_hours_since(const struct agreement *a, int64_t ms)
{
	int64_t span = 2 * DAY_MS, begin, since, next;

	if (ms <= a->from_ms)
		return a->from_ms;
	if (ms > CALENDAR_MS_MAX)
		ms = CALENDAR_MS_MAX;
	do {
		begin = ms - a->from_ms > span ? ms - span : a->from_ms;
		since = a->from_ms;
		next = begin;
		while ((next = agreement_hours_next(a, next)) <= ms)
			since = next;
		span *= 4;
	} while (since == a->from_ms && begin > a->from_ms);
	return since;
}
