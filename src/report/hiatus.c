/* SPDX-License-Identifier: ISC */
/** @file hiatus.c  Cuts of lines, and what waited in them */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "report/inner.h"

static struct hiatus *newest(struct report *r, const struct line *l)
{
	return l->hiatus ? &r->hiatus[l->hiatus - 1] : NULL;
}

int hiatus_begin(struct report *r, uint32_t line, int side,
		 enum report_cause cause, int64_t ms)
{
	struct line *l = &r->line[line];
	struct hiatus *h = newest(r, l);
	int err;

	if (!l->agreements)	/* no line yet that could be cut */
		return 0;
	if (h && h->h.end_ms == INT64_MAX) {
		h->h.causes[side] |= (uint8_t)(1u << cause);
		return 0;
	}
	err = room(&r->hiatus, &r->hiatus_cap, r->hiatuses, sizeof(*r->hiatus),
		   REPORT_HIATUSES_MAX);
	if (err)
		return fit(r, err);
	h = &r->hiatus[r->hiatuses++];
	memset(h, 0, sizeof(*h));
	h->line = line;
	h->h.begin_ms = ms;
	h->h.end_ms = INT64_MAX;
	h->h.cause = cause;
	h->h.word_of = side;
	h->h.causes[side] = (uint8_t)(1u << cause);
	l->hiatus = (uint32_t)r->hiatuses;
	return 0;
}

int hiatus_trunk(struct report *r, const struct fact *f)
{
	const bool down = str_is(entry_get(f->e, "state"), "down");

	if (down == r->down[f->side])
		return 0;
	/* each costs as much as there are lines */
	if (r->cuts >= REPORT_CUTS_MAX) {
		r->full = true;
		return 0;
	}
	r->cuts++;
	r->down[f->side] = down;
	for (uint32_t i = 0; down && i < r->lines; i++) {
		const int err = hiatus_begin(r, i, f->side, REPORT_DOWN,
					     f->e->env.time_ms);

		if (err)
			return err;
	}
	return 0;
}

/* A word holds at this instant that the line is not to be used */
static bool held_up(const struct report *r, const struct line *l, int64_t ms)
{
	if (l->withdrawn_ms != INT64_MAX)
		return true;
	for (int side = 0; side < 2; side++) {
		const struct word *w = &l->word[side];

		if (r->down[side])
			return true;
		if (w->state == DECLARED_CLOSED || w->state == DECLARED_FAULT)
			return true;
		if (w->state == DECLARED_SUSPENDED &&
		    (!w->until_ms || ms < w->until_ms))
			return true;
	}
	return false;
}

void hiatus_answered(struct report *r, uint32_t line, int64_t ms)
{
	struct line *l = &r->line[line];
	struct hiatus *h = newest(r, l);

	if (h && h->h.end_ms == INT64_MAX && ms >= h->h.begin_ms &&
	    !held_up(r, l, ms))
		h->h.end_ms = ms;
}

/* What waited is of the newest hiatus: it is over when things go out */
static void count(struct report *r, const struct item *it)
{
	struct hiatus *h =
		it->line == NO_LINE ? NULL : newest(r, &r->line[it->line]);

	if (!h)
		return;
	if (it->waiting) {
		h->h.waited[it->side]++;
	} else if (it->waited) {
		h->h.delivered[it->side]++;
		if (it->late_ms > h->h.late_max_ms[it->side])
			h->h.late_max_ms[it->side] = it->late_ms;
	}
}

int hiatus_item(struct report *r, const struct fact *f)
{
	const struct str name = entry_get(f->e, "line");
	const int64_t ms = f->e->env.time_ms,
		      written = get_stamp(f->e, "written", INT64_MAX);
	struct item it = {.time_ms = ms,
			  .line = NO_LINE,
			  .side = (uint8_t)f->side,
			  .document = f->e->kind == ENTRY_DOCUMENT,
			  .waiting = f->e->kind == ENTRY_WAITING,
			  .waited = written != INT64_MAX};
	int err = name.n ? line_of(r, name, &it.line) : 0;

	if (err || (it.line == NO_LINE && (name.n || *r->only)))
		return err;
	if (it.waited && written < ms)
		it.late_ms = (uint64_t)(ms - written);
	count(r, &it);
	if (ms < r->from_ms || ms > r->to_ms)
		return 0;
	err = room(&r->item, &r->item_cap, r->items, sizeof(*r->item),
		   REPORT_ITEMS_MAX);
	if (!err)
		r->item[r->items++] = it;
	return fit(r, err);
}

/* ---- asked for ---- */

const char *report_cause_name(enum report_cause cause)
{
	static const char *const name[REPORT_CAUSES] = {
		"down", "closed", "suspended", "fault", "withdrawn"};

	return cause < REPORT_CAUSES ? name[cause] : "?";
}

static int by_begin(const void *x, const void *y)
{
	const struct report_hiatus *a = x, *b = y;

	if (a->begin_ms != b->begin_ms)
		return a->begin_ms < b->begin_ms ? -1 : 1;
	return a->end_ms < b->end_ms ? -1 : a->end_ms > b->end_ms;
}

int report_history(const struct report *r, const char *line,
		   struct report_hiatus **list, size_t *n)
{
	const uint32_t l = line_known(r, str_of(line));
	struct report_hiatus *v;

	if (l == NO_LINE)
		return ENOENT;
	v = calloc(r->hiatuses + 1, sizeof(*v));
	if (!v)
		return ENOMEM;
	*n = 0;
	for (size_t i = 0; i < r->hiatuses; i++) {
		if (r->hiatus[i].line != l)
			continue;
		v[*n] = r->hiatus[i].h;
		v[(*n)++].line = r->line[l].name;
	}
	if (*n)
		qsort(v, *n, sizeof(*v), by_begin);
	*list = v;
	return 0;
}
