/* SPDX-License-Identifier: ISC */
/**
 * @file calendar.h  Instants and local times by written offsets, no zone database
 *
 * Source: docs/lines.md 1, "Time".  An instant is UTC milliseconds since 1970;
 * a local time is what a side's clock shows, counted in the same way.  Days are
 * counted from 1970-01-01, below 0 too.  All is defined for instants from 1970
 * to 9999 and what lies two days around them.
 */
#ifndef PROTO_CALENDAR_H
#define PROTO_CALENDAR_H

#include "base/text.h"

#define DAY_MS 86400000LL
#define MINUTE_MS 60000LL
/** 9999-12-31T23:59:59.999Z, the last instant there is */
#define CALENDAR_MS_MAX 253402300799999LL
/** No clock differs from UTC by as much */
#define CALENDAR_OFFSET_MINUTES_MAX (14 * 60 + 59)
#define CALENDAR_SECOND_CHARS 20
#define CALENDAR_DATE_CHARS 10

/** From its instant on a clock shows so many seconds more than UTC. */
struct calendar_offset {
	int64_t from_ms;
	int32_t offset_s;
};

/** The offsets of one clock, rising; at least one, which also holds before its
 *  instant.  The last holds for good. */
struct calendar {
	const struct calendar_offset *offset;	/* [n], borrowed */
	size_t n;
};

/** Offset at an instant, seconds to add to UTC. */
int32_t calendar_offset_s(const struct calendar *c, int64_t ms);
/** One offset holds for all of both instants and what is between. */
bool calendar_steady(const struct calendar *c, int64_t from_ms, int64_t to_ms);
/** What the clock shows at an instant. */
int64_t calendar_local(const struct calendar *c, int64_t ms);
/** The first instant at which the clock shows @p local; when it never does, the
 *  instant by the offset that held before the change that skips it. */
int64_t calendar_instant(const struct calendar *c, int64_t local);
/** The next instant after @p after_ms at which the clock's date becomes or stops
 *  being @p day; INT64_MAX: none. */
int64_t calendar_date_edge(const struct calendar *c, int64_t day,
			   int64_t after_ms);
/** Day of a local time, and the other way its first millisecond. */
int64_t calendar_day(int64_t local);
int64_t calendar_midnight(int64_t day);
/** 0 Monday ... 6 Sunday. */
unsigned calendar_weekday(int64_t day);

/** YYYY-MM-DDThh:mm:ssZ, a whole second; NUL added; and strictly back. */
void calendar_second_print(int64_t ms, char out[CALENDAR_SECOND_CHARS + 1]);
int calendar_second_parse(struct str s, int64_t *ms)
	__attribute__((warn_unused_result));
/** YYYY-MM-DD from 1970 to 9999; NUL added; and strictly back. */
void calendar_date_print(int64_t day, char out[CALENDAR_DATE_CHARS + 1]);
int calendar_date_parse(struct str s, int64_t *day)
	__attribute__((warn_unused_result));
/** hh:mm to minutes of the day; 24:00 is 1440.  0 or EBADMSG. */
int calendar_clock_parse(struct str s, uint16_t *minutes)
	__attribute__((warn_unused_result));
/** +hh:mm or -hh:mm to seconds, at most 14:59, no -00:00.  0 or EBADMSG. */
int calendar_offset_parse(struct str s, int32_t *offset_s)
	__attribute__((warn_unused_result));
/** `daily`, or a rising list like mon-wed,fri: bits, 1 is Monday.  0 or EBADMSG. */
int calendar_days_parse(struct str s, uint8_t *days)
	__attribute__((warn_unused_result));

#endif
