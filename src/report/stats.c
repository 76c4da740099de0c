/* SPDX-License-Identifier: ISC */
/** @file stats.c  How often checks were answered, and how fast */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/inner.h"

#define TENTHS 1000	/* all of them, in tenths of a percent */

const char *report_kind_name(enum report_kind kind)
{
	static const char *const name[REPORT_KINDS] = {
		"scheduled", "unannounced", "restoration", "fallback"};

	return kind < REPORT_KINDS ? name[kind] : "?";
}

int report_rate(const struct report_row *row)
{
	if (!row->asked)
		return -1;
	return (int)(row->count[CHECK_ANSWERED] * TENTHS / row->asked);
}

/* ---- rows ---- */

struct rows {
	const struct report *r;
	struct report_row *row;	/* [n], owned */
	size_t n, cap;
	uint32_t *ms;		/* [waits] of the newest row, owned */
	size_t waits, ms_cap;
	const struct seen_check *kin;	/* the newest row's */
};

static int by_ms(const void *x, const void *y)
{
	const uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

/* Nearest rank: the smallest value that p percent do not exceed */
static uint32_t percentile(const struct rows *s, unsigned p)
{
	const size_t rank = (s->waits * p + 99) / 100;

	return s->ms[rank ? rank - 1 : 0];
}

static void row_end(struct rows *s)
{
	struct report_row *row;

	if (!s->row || !s->n || !s->waits)
		return;
	row = &s->row[s->n - 1];
	qsort(s->ms, s->waits, sizeof(*s->ms), by_ms);
	row->p50_ms = percentile(s, 50);
	row->p90_ms = percentile(s, 90);
	row->max_ms = s->ms[s->waits - 1];
	s->waits = 0;
}

/* The row of this check at an instant: the newest, or one that begins */
static int row_of(struct rows *s, const struct seen_check *c, int64_t ms,
		  struct report_row **out)
{
	const struct report *r = s->r;
	const int64_t local = ms + offset_at(r, c->line, ms) * 1000LL;
	int year, month, mday, err;

	day_split(calendar_day(local), &year, &month, &mday);
	*out = s->n ? &s->row[s->n - 1] : NULL;
	/* a clock that was put back shows the end of a month once more */
	if (*out && check_kin(s->kin, c) &&
	    year * 12 + month <= (*out)->year * 12 + (*out)->month)
		return 0;
	row_end(s);
	err = room(&s->row, &s->cap, s->n, sizeof(*s->row), SIZE_MAX / 512);
	if (err)
		return err;
	s->row[s->n] = (struct report_row){.line = r->line[c->line].name,
					   .check = pool_get(&r->text, c->name),
					   .asker = r->host[c->asker],
					   .kind = (enum report_kind)c->kind,
					   .drill = c->bits & CHECK_DRILL,
					   .year = year,
					   .month = month};
	s->kin = c;
	*out = &s->row[s->n++];
	return 0;
}

static int wait_add(struct rows *s, uint32_t ms)
{
	const int err = room(&s->ms, &s->ms_cap, s->waits, sizeof(*s->ms),
			     REPORT_CHECKS_MAX);

	if (!err)
		s->ms[s->waits++] = ms;
	return err;
}

/* A fault is said by side here; the record says it from the asker's place */
static unsigned turned(const struct seen_check *c, unsigned outcome)
{
	if (!c->asker)
		return outcome;
	if (outcome == CHECK_FAULT_HERE)
		return CHECK_FAULT_THERE;
	return outcome == CHECK_FAULT_THERE ? CHECK_FAULT_HERE : outcome;
}

static int row_add(struct rows *s, const struct seen_check *c)
{
	const unsigned outcome = outcome_of(c, c->asker),
		       other = outcome_of(c, !c->asker);
	struct report_row *row;
	int err = row_of(s, c, c->due_ms, &row);

	if (err)
		return err;
	if (outcome == NO_OUTCOME) {
		row->missing += other != NO_OUTCOME;
		row->open += other == NO_OUTCOME;
		return 0;
	}
	row->count[turned(c, outcome)]++;
	row->differ += other != NO_OUTCOME &&
		       (outcome != CHECK_PATH_DOWN || other != CHECK_PATH_DOWN);
	row->asked += outcome <= CHECK_PATH_DOWN;
	if (outcome == CHECK_ANSWERED)
		err = wait_add(s, c->after_ms);
	else if (outcome == CHECK_ANSWERED_LATE)
		err = wait_add(s, c->late_ms);
	return err;
}

/* A rest of the asker's exchange: the instants before the one with the result */
static int rest_add(struct rows *s, const struct seen_check *const *list,
		    size_t i)
{
	const struct seen_check *c = list[i];
	struct report_row *row;
	int64_t ms;
	bool gap;
	unsigned n = check_covers(s->r, list, i, &ms, &gap);
	int err = 0;

	for (; n > 1 && !err; n--, ms = check_after(s->r, c, ms)) {
		err = row_of(s, c, ms, &row);
		if (!err) {
			row->count[CHECK_PATH_DOWN]++;
			row->asked++;
		}
	}
	return err;
}

static int order(const void *x, const void *y)
{
	const struct report_row *a = x, *b = y;
	int d = strcmp(a->line, b->line);

	d = d ? d : strcmp(a->check, b->check);
	d = d ? d : (int)a->kind - (int)b->kind;
	d = d ? d : (int)a->drill - (int)b->drill;
	d = d ? d : strcmp(a->asker, b->asker);
	d = d ? d : a->year - b->year;
	return d ? d : a->month - b->month;
}

int report_stats(const struct report *r, const char *line,
		 struct report_row **rows, size_t *n)
{
	const char *name = *r->only ? r->only : line;
	const uint32_t only = name ? line_known(r, str_of(name)) : NO_LINE;
	const struct seen_check **list;
	struct rows s = {.r = r};
	size_t checks = 0;
	int err = checks_sorted(r, only, &list, &checks);

	if (err)
		return err;
	if (name && only == NO_LINE)
		checks = 0;
	for (size_t i = 0; i < checks && !err; i++) {
		err = list[i]->rested ? rest_add(&s, list, i) : 0;
		if (!err)
			err = row_add(&s, list[i]);
	}
	row_end(&s);
	free(list);
	free(s.ms);
	if (err) {
		free(s.row);
		return ENOMEM;
	}
	if (s.n)
		qsort(s.row, s.n, sizeof(*s.row), order);
	*rows = s.row;
	*n = s.n;
	return 0;
}
