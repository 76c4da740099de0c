/* SPDX-License-Identifier: ISC */
/** @file day.h  What happened on a day: private to src/report */
#ifndef REPORT_DAY_H
#define REPORT_DAY_H

#include "report/inner.h"

enum happened {
	HAPPENED_CHECK,		/* index: of check */
	HAPPENED_REST,		/* index: of the check that tells of it too */
	HAPPENED_NONE,		/* index: of the agreement's check */
	HAPPENED_EVENT,
	HAPPENED_CUT,		/* index: of hiatus */
	HAPPENED_CUT_END
};

struct happening {
	int64_t ms;
	size_t index;
	uint32_t line;		/* whose statement it is in */
	unsigned streak;
	enum happened what;
};

/** What went out, and what began to wait, by a side. */
struct tally {
	uint64_t notices, documents, waited, late_max_ms, waiting;
};

/** A line's day. */
struct line_day {
	int64_t start_ms, end_ms;	/* as this side's clock has it */
	bool wanted;
	struct tally tally[2];
	uint32_t hiatus;	/* 1 + the one that goes on at its end; 0 */
	size_t first, end;	/* its happenings */
};

struct day {
	const struct report *r;
	int64_t day;
	uint32_t only;		/* NO_LINE: all lines */
	struct line_day *line;	/* [r->lines], owned */
	struct tally outside[2];	/* on no line, in UTC */
	struct happening *h;	/* [n] by line and time, owned */
	size_t n, cap;
};

/** Gather; on failure nothing is left to free.  ENOMEM. */
int day_gather(struct day *d, const struct report *r, uint32_t only,
	       int64_t day);
void day_free(struct day *d);

#endif
