/* SPDX-License-Identifier: ISC */
/** @file calendar.c  Instants and local times by written offsets */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include "proto/calendar.h"

#define OFFSET_MS_MAX (CALENDAR_OFFSET_MINUTES_MAX * MINUTE_MS)

/* Which offset holds at an instant */
static size_t at(const struct calendar *c, int64_t ms)
{
	size_t lo = 0, hi = c->n;

	assert(c->n);
	while (hi - lo > 1) {
		const size_t mid = lo + (hi - lo) / 2;

		if (c->offset[mid].from_ms <= ms)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static int64_t offset_ms(const struct calendar *c, size_t i)
{
	return c->offset[i].offset_s * 1000LL;
}

int32_t calendar_offset_s(const struct calendar *c, int64_t ms)
{
	return c->offset[at(c, ms)].offset_s;
}

bool calendar_steady(const struct calendar *c, int64_t from_ms, int64_t to_ms)
{
	return at(c, from_ms) == at(c, to_ms);
}

int64_t calendar_local(const struct calendar *c, int64_t ms)
{
	return ms + offset_ms(c, at(c, ms));
}

/* Only offsets that hold within OFFSET_MS_MAX of the local time read as UTC can
   give it.  Changes may follow each other at any distance, so each is tried. */
int64_t calendar_instant(const struct calendar *c, int64_t local)
{
	const size_t first = at(c, local - OFFSET_MS_MAX),
		     last = at(c, local + OFFSET_MS_MAX);
	int64_t skipped = local - offset_ms(c, last);
	bool skips = false;

	for (size_t i = first; i <= last; i++) {
		const int64_t ms = local - offset_ms(c, i);

		if (i < last && ms >= c->offset[i + 1].from_ms)
			continue;	/* shown after this offset's time */
		if (i == first || ms >= c->offset[i].from_ms)
			return ms;
		if (!skips)
			skipped = local - offset_ms(c, i - 1);
		skips = true;
	}
	return skipped;
}

static bool is_on(const struct calendar *c, int64_t day, int64_t ms)
{
	return calendar_day(calendar_local(c, ms)) == day;
}

/* A date begins and ends at midnight, or where a change of offset skips that or
   comes back over it */
int64_t calendar_date_edge(const struct calendar *c, int64_t day,
			   int64_t after_ms)
{
	const int64_t begin = calendar_midnight(day), end = begin + DAY_MS;
	const size_t first = at(c, begin - OFFSET_MS_MAX),
		     last = at(c, end + OFFSET_MS_MAX);
	int64_t edge = INT64_MAX;

	for (size_t i = first; i <= last; i++) {
		const int64_t maybe[] = {c->offset[i].from_ms,
					 begin - offset_ms(c, i),
					 end - offset_ms(c, i)};

		for (size_t k = 0; k < 3; k++) {
			if (maybe[k] > after_ms && maybe[k] < edge &&
			    is_on(c, day, maybe[k]) !=
				    is_on(c, day, maybe[k] - 1))
				edge = maybe[k];
		}
	}
	return edge;
}

int64_t calendar_day(int64_t local)
{
	return local >= 0 ? local / DAY_MS : -((DAY_MS - 1 - local) / DAY_MS);
}

int64_t calendar_midnight(int64_t day)
{
	return day * DAY_MS;
}

/* 1970-01-01 was a Thursday */
unsigned calendar_weekday(int64_t day)
{
	return (unsigned)(((day + 3) % 7 + 7) % 7);
}

/* ---- text ---- */

void calendar_second_print(int64_t ms, char out[CALENDAR_SECOND_CHARS + 1])
{
	char stamp[STAMP_CHARS + 1];

	stamp_print(ms, stamp);
	memcpy(out, stamp, CALENDAR_SECOND_CHARS - 1);
	out[CALENDAR_SECOND_CHARS - 1] = 'Z';
	out[CALENDAR_SECOND_CHARS] = '\0';
}

int calendar_second_parse(struct str s, int64_t *ms)
{
	char stamp[STAMP_CHARS + 1] = "dddd-dd-ddTdd:dd:dd.000Z";

	if (s.n != CALENDAR_SECOND_CHARS || s.p[s.n - 1] != 'Z')
		return EBADMSG;
	memcpy(stamp, s.p, s.n - 1);
	return stamp_parse(str_of(stamp), ms);
}

void calendar_date_print(int64_t day, char out[CALENDAR_DATE_CHARS + 1])
{
	char stamp[STAMP_CHARS + 1];

	stamp_print(calendar_midnight(day), stamp);
	memcpy(out, stamp, CALENDAR_DATE_CHARS);
	out[CALENDAR_DATE_CHARS] = '\0';
}

int calendar_date_parse(struct str s, int64_t *day)
{
	char stamp[STAMP_CHARS + 1] = "dddd-dd-ddT00:00:00.000Z";
	int64_t ms;

	if (s.n != CALENDAR_DATE_CHARS)
		return EBADMSG;
	memcpy(stamp, s.p, s.n);
	if (stamp_parse((struct str){stamp, STAMP_CHARS}, &ms))
		return EBADMSG;
	*day = calendar_day(ms);
	return 0;
}

static bool digits(const char *p, unsigned *v)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*v = (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
	return true;
}

int calendar_clock_parse(struct str s, uint16_t *minutes)
{
	unsigned h, m;

	if (s.n != 5 || s.p[2] != ':' || !digits(s.p, &h) ||
	    !digits(s.p + 3, &m) || m > 59 || h * 60 + m > 1440)
		return EBADMSG;
	*minutes = (uint16_t)(h * 60 + m);
	return 0;
}

int calendar_offset_parse(struct str s, int32_t *offset_s)
{
	uint16_t minutes;

	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') ||
	    calendar_clock_parse((struct str){s.p + 1, 5}, &minutes) ||
	    minutes > CALENDAR_OFFSET_MINUTES_MAX)
		return EBADMSG;
	if (s.p[0] == '-' && !minutes)
		return EBADMSG;
	*offset_s = (s.p[0] == '-' ? -60 : 60) * (int32_t)minutes;
	return 0;
}

static unsigned day_named(struct str s)
{
	static const char names[][4] = {"mon", "tue", "wed", "thu",
					"fri", "sat", "sun"};
	unsigned d = 0;

	while (d < 7 && !str_is(s, names[d]))
		d++;
	return d;
}

int calendar_days_parse(struct str s, uint8_t *days)
{
	unsigned bits = 0;

	if (str_is(s, "daily")) {
		*days = 0x7f;
		return 0;
	}
	if (!s.n || s.p[s.n - 1] == ',')
		return EBADMSG;	/* str_cut() would swallow the comma */
	while (s.n) {
		struct str range = str_cut(&s, ',');
		const bool one = !range.n || !memchr(range.p, '-', range.n);
		const unsigned first = day_named(str_cut(&range, '-'));
		const unsigned last = one ? first : day_named(range);

		if (first > 6 || last > 6 || bits >> first ||
		    (!one && last <= first))
			return EBADMSG;
		for (unsigned d = first; d <= last; d++)
			bits |= 1U << d;
	}
	*days = (uint8_t)bits;
	return 0;
}
