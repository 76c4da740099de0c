/* SPDX-License-Identifier: ISC */
/** @file day.c  What happened on a day, gathered line by line */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "report/day.h"

#define STREAK_MAX 100000
#define TODAY_MAX 4	/* due instants of one check on a day */

static bool within(const struct day *d, uint32_t line, int64_t ms)
{
	const struct line_day *l = &d->line[line];

	return l->wanted && ms >= l->start_ms && ms < l->end_ms;
}

static int add(struct day *d, uint32_t line, enum happened what, size_t index,
	       int64_t ms, unsigned streak)
{
	int err = room(&d->h, &d->cap, d->n, sizeof(*d->h), SIZE_MAX / 128);

	if (!err)
		d->h[d->n++] = (struct happening){.ms = ms,
						  .index = index,
						  .line = line,
						  .streak = streak,
						  .what = what};
	return err;
}

/* When the day begins and ends by this side's clock */
static void bounds(struct day *d, uint32_t line)
{
	const struct report *r = d->r;
	struct line_day *l = &d->line[line];
	const struct agreement *a =
		agreed_at(&r->line[line], calendar_midnight(d->day));

	l->start_ms = calendar_midnight(d->day);
	l->end_ms = calendar_midnight(d->day + 1);
	if (a) {
		const struct calendar *c = &a->clock[r->at[0]];

		l->start_ms = calendar_instant(c, l->start_ms);
		l->end_ms = calendar_instant(c, l->end_ms);
	}
	l->wanted = d->only == NO_LINE || d->only == line;
}

/* ---- checks ---- */

/* What is counted in a row: the asker's word, else the asked side's */
static unsigned came_of(const struct seen_check *c)
{
	const unsigned o = outcome_of(c, c->asker);

	return o != NO_OUTCOME ? o : CHECK_OUTCOMES + outcome_of(c, !c->asker);
}

/* How many instants of the scheduled check list[i] in a row came out so, up to
 * and with its own */
static unsigned streak(const struct report *r,
		       const struct seen_check *const *list, size_t i)
{
	int64_t first;
	bool gap;
	unsigned n = check_covers(r, list, i, &first, &gap);

	if (list[i]->kind != REPORT_SCHEDULED ||
	    came_of(list[i]) == CHECK_ANSWERED ||
	    came_of(list[i]) == CHECK_ANSWERED_LATE)
		return 1;
	for (; i && n < STREAK_MAX && !gap; i--) {
		if (!check_kin(list[i - 1], list[i]) ||
		    came_of(list[i - 1]) != came_of(list[i]))
			break;
		n += check_covers(r, list, i - 1, &first, &gap);
	}
	return n;
}

/* Also where another line was asked instead of the only one that is told of */
static uint32_t told_of(const struct day *d, const struct seen_check *c)
{
	if (d->only != NO_LINE && c->for_line &&
	    !strcmp(pool_get(&d->r->text, c->for_line),
		    d->r->line[d->only].name))
		return d->only;
	return c->line;
}

/* The line's first check at or after an instant, of this name and scheduled; n:
 * there is none */
static size_t told(const struct report *r, const struct seen_check *const *list,
		   size_t n, uint32_t line, const char *name, int64_t due_ms)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {	/* the line's first */
		const size_t mid = lo + (hi - lo) / 2;

		if (list[mid]->line < line)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n && list[lo]->line == line; lo++) {
		if (list[lo]->due_ms >= due_ms &&
		    list[lo]->kind == REPORT_SCHEDULED &&
		    !(list[lo]->bits & CHECK_DRILL) &&
		    !strcmp(pool_get(&r->text, list[lo]->name), name))
			return lo;
	}
	return n;
}

/* Nobody told of this instant by itself; a later result may, of a rest */
static int untold(struct day *d, uint32_t line,
		  const struct seen_check *const *list, size_t n,
		  const struct agreement *a, size_t check, int64_t ms)
{
	const struct report *r = d->r;
	const size_t i = told(r, list, n, line, a->check[check].name, ms);
	unsigned later = 0;
	int64_t first;
	bool gap;

	if (i < n && list[i]->due_ms == ms)
		return 0;
	if (i < n && check_covers(r, list, i, &first, &gap) > 1 &&
	    first <= ms) {
		for (int64_t t = ms; t < list[i]->due_ms; later++)
			t = check_after(r, list[i], t);
		return add(d, line, HAPPENED_REST, (size_t)(list[i] - r->check),
			   ms, streak(r, list, i) - later);
	}
	if (ms + a->check[check].grace_ms >= r->newest_ms)
		return 0;	/* it may still come */
	return add(d, line, HAPPENED_NONE, check, ms, 0);
}

/* What was due by the agreement and has no result of its own */
static int unheard(struct day *d, uint32_t line,
		   const struct seen_check *const *list, size_t n)
{
	const struct line *l = &d->r->line[line];
	const struct line_day *today = &d->line[line];
	int err = 0;

	for (size_t v = 0; v < l->agreements && !err; v++) {
		const struct agreement *a = l->agreed[v].text;

		for (size_t i = 0; i < a->checks && !err; i++) {
			int64_t ms = today->start_ms - 1;

			for (int k = 0; k < TODAY_MAX && !err; k++) {
				ms = agreement_check_next(a, i, ms);
				if (ms >= today->end_ms ||
				    ms >= l->withdrawn_ms)
					break;
				/* what was due before it held is not missed */
				if (ms >= l->agreed[v].since_ms &&
				    agreed_at(l, ms) == a)
					err = untold(d, line, list, n, a, i,
						     ms);
			}
		}
	}
	return err;
}

static int checks(struct day *d)
{
	const struct report *r = d->r;
	const struct seen_check **list;
	size_t n;
	int err = checks_sorted(r, NO_LINE, &list, &n);

	if (err)
		return err;
	for (size_t i = 0; i < n && !err; i++) {
		const uint32_t line = told_of(d, list[i]);

		if (within(d, line, list[i]->due_ms))
			err = add(d, line, HAPPENED_CHECK,
				  (size_t)(list[i] - r->check), list[i]->due_ms,
				  streak(r, list, i));
	}
	for (uint32_t l = 0; l < r->lines && !err; l++) {
		if (d->line[l].wanted)
			err = unheard(d, l, list, n);
	}
	free(list);
	return err;
}

/* ---- all else ---- */

static int cuts(struct day *d)
{
	const struct report *r = d->r;
	int err = 0;

	for (size_t i = 0; i < r->hiatuses && !err; i++) {
		const struct hiatus *h = &r->hiatus[i];
		struct line_day *l = &d->line[h->line];

		if (within(d, h->line, h->h.begin_ms))
			err = add(d, h->line, HAPPENED_CUT, i, h->h.begin_ms,
				  0);
		if (!err && within(d, h->line, h->h.end_ms))
			err = add(d, h->line, HAPPENED_CUT_END, i, h->h.end_ms,
				  0);
		if (h->h.begin_ms < l->end_ms && h->h.end_ms >= l->end_ms)
			l->hiatus = (uint32_t)i + 1;
	}
	return err;
}

static int events(struct day *d)
{
	const struct report *r = d->r;
	int err = 0;

	for (size_t i = 0; i < r->events && !err; i++) {
		if (within(d, r->event[i].line, r->event[i].time_ms))
			err = add(d, r->event[i].line, HAPPENED_EVENT, i,
				  r->event[i].time_ms, 0);
	}
	return err;
}

static void items(struct day *d)
{
	const struct report *r = d->r;

	for (size_t i = 0; i < r->items; i++) {
		const struct item *it = &r->item[i];
		struct tally *t = &d->outside[it->side];

		if (it->line == NO_LINE && calendar_day(it->time_ms) != d->day)
			continue;
		if (it->line != NO_LINE) {
			if (!within(d, it->line, it->time_ms))
				continue;
			t = &d->line[it->line].tally[it->side];
		}
		t->waiting += it->waiting;
		t->documents += !it->waiting && it->document;
		t->notices += !it->waiting && !it->document;
		t->waited += it->waited;
		if (it->late_ms > t->late_max_ms)
			t->late_max_ms = it->late_ms;
	}
}

static int order(const void *x, const void *y)
{
	const struct happening *a = x, *b = y;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->ms != b->ms)
		return a->ms < b->ms ? -1 : 1;
	if (a->what != b->what)
		return a->what < b->what ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

void day_free(struct day *d)
{
	free(d->line);
	free(d->h);
}

int day_gather(struct day *d, const struct report *r, uint32_t only,
	       int64_t day)
{
	int err;

	*d = (struct day){.r = r, .day = day, .only = only};
	d->line = calloc(r->lines + 1, sizeof(*d->line));
	if (!d->line)
		return ENOMEM;
	for (uint32_t i = 0; i < r->lines; i++)
		bounds(d, i);
	err = checks(d);
	if (!err)
		err = cuts(d);
	if (!err)
		err = events(d);
	if (err) {
		day_free(d);
		return err;
	}
	items(d);
	if (d->n)
		qsort(d->h, d->n, sizeof(*d->h), order);
	for (size_t i = 0; i < d->n; i++) {
		struct line_day *l = &d->line[d->h[i].line];

		l->first = l->end ? l->first : i;
		l->end = i + 1;
	}
	return 0;
}
