/* SPDX-License-Identifier: ISC */
/** @file statement.c  The statement of a day */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/day.h"

#define WORDS_BYTES_MAX 4096

static const char *side_first(const struct place *at, int side)
{
	return phrase(at->lang, side ? P_OTHER_SIDE_FIRST : P_THIS_SIDE_FIRST);
}

static const char *side_name(const struct place *at, int side)
{
	return phrase(at->lang, side ? P_OTHER_SIDE : P_THIS_SIDE);
}

/* ---- what people did ---- */

static enum phrase event_phrase(const struct event *ev)
{
	static const enum phrase declared[DECLARED_STATES] = {
		P_DECLARED_OPEN, P_DECLARED_CLOSED, P_DECLARED_SUSPENDED,
		P_DECLARED_FAULT};

	switch (ev->kind) {
	case ENTRY_PROPOSE: return P_PROPOSED;
	case ENTRY_ACCEPT: return ev->stale ? P_ACCEPTED_STALE : P_ACCEPTED;
	case ENTRY_DECLINE: return P_DECLINED;
	case ENTRY_WITHDRAW: return P_WITHDREW;
	default: return declared[ev->state];
	}
}

static void event_say(const struct place *at, const struct event *ev,
		      struct buf *out)
{
	const struct pool *text = &at->r->text;
	char time[TIME_CHARS], other[TIME_CHARS], version[24];
	struct buf until;
	const char *v[SAID] = {[V('t')] = time,
			       [V('x')] = side_name(at, ev->side),
			       [V('b')] = pool_get(text, ev->by),
			       [V('l')] = at->r->line[ev->line].name,
			       [V('r')] = pool_get(text, ev->reason),
			       [V('v')] = version,
			       [V('u')] = other};

	say_time(at, ev->time_ms, time);
	say_time(at, ev->other_ms, other);
	snprintf(version, sizeof(version), "%llu",
		 (unsigned long long)ev->version);
	buf_init(&until, WORDS_BYTES_MAX);
	if (ev->kind == ENTRY_DECLARE) {
		if (ev->other_ms)
			say(&until, at->lang, P_UNTIL,
			    (const char *[SAID]){[V('t')] = other});
		v[V('u')] = said(&until);
	}
	say(out, at->lang, event_phrase(ev), v);
	if (!ev->placed)
		say(out, at->lang, P_UNPLACED, NULL);
	else if (ev->stale)
		say(out, at->lang, P_NO_EFFECT, NULL);
	buf_free(&until);
}

/* ---- cuts ---- */

static void cut_say(const struct place *at, const struct hiatus *h, bool end,
		    struct buf *out)
{
	static const enum phrase cause[REPORT_CAUSES] = {
		P_DOWN, P_CLOSED, P_SUSPENSION, P_FAULT_WORD, P_WITHDRAWN};
	char time[TIME_CHARS], length[TIME_CHARS] = "";
	const char *v[SAID] = {[V('t')] = time,
			       [V('l')] = at->r->line[h->line].name,
			       [V('x')] = side_name(at, h->h.word_of),
			       [V('y')] = side_name(at, !h->h.word_of),
			       [V('d')] = length,
			       [V('b')] = phrase(at->lang, cause[h->h.cause])};

	say_time(at, end ? h->h.end_ms : h->h.begin_ms, time);
	if (end)
		say_length((uint64_t)(h->h.end_ms - h->h.begin_ms), at->lang,
			   length);
	say(out, at->lang,
	    end                         ? P_CUT_END
	    : h->h.cause == REPORT_DOWN ? P_CUT_DOWN
					: P_CUT_WORD,
	    v);
}

/* ---- messages ---- */

static void counted(const struct place *at, uint64_t n, enum phrase one,
		    enum phrase many, struct buf *out)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	say(out, at->lang, n == 1 ? one : many,
	    (const char *[SAID]){[V('n')] = text});
}

static void passed(const struct place *at, const struct tally *t, int side,
		   struct buf *out)
{
	char late[TIME_CHARS], waited[24];
	struct buf what;
	const char *v[SAID] = {[V('x')] = side_first(at, side)};
	const bool on_line = at->line != NO_LINE;

	if (!t->notices && !t->documents)
		return;
	if (on_line)
		v[V('l')] = at->r->line[at->line].name;
	if (at->lang == REPORT_KO)
		v[V('x')] = side_name(at, side);
	buf_init(&what, WORDS_BYTES_MAX);
	if (t->notices)
		counted(at, t->notices, P_NOTICE, P_NOTICES, &what);
	if (t->notices && t->documents)
		say(&what, at->lang, P_AND, NULL);
	if (t->documents)
		counted(at, t->documents, P_DOCUMENT, P_DOCUMENTS, &what);
	v[V('n')] = said(&what);
	say(out, at->lang, on_line ? P_PASSED : P_PASSED_NO_LINE, v);
	buf_free(&what);
	if (t->waited) {
		say_length(t->late_max_ms, at->lang, late);
		snprintf(waited, sizeof(waited), "%llu",
			 (unsigned long long)t->waited);
		say(out, at->lang, P_HAD_WAITED,
		    (const char *[SAID]){[V('n')] = waited, [V('d')] = late});
	}
	buf_str(out, "\n");
}

static void waits(const struct place *at, const struct tally *t, int side,
		  struct buf *out)
{
	struct buf what;
	const char *v[SAID] = {[V('x')] = side_first(at, side)};

	if (!t->waiting || at->line == NO_LINE)
		return;
	v[V('l')] = at->r->line[at->line].name;
	buf_init(&what, WORDS_BYTES_MAX);
	counted(at, t->waiting, P_MESSAGE, P_MESSAGES, &what);
	v[V('n')] = said(&what);
	say(out, at->lang, P_WAITS, v);
	buf_str(out, "\n");
	buf_free(&what);
}

static void tallies(const struct place *at, const struct tally t[2],
		    struct buf *out)
{
	for (int side = 0; side < 2; side++) {
		passed(at, &t[side], side, out);
		waits(at, &t[side], side, out);
	}
}

/* ---- a line's day ---- */

static void happening_say(const struct place *at, const struct happening *h,
			  struct buf *out)
{
	const struct report *r = at->r;
	const struct agreement *a;
	struct seen_check rest;

	switch (h->what) {
	case HAPPENED_CHECK:
		sentence_check(at, &r->check[h->index], h->streak, out);
		break;
	case HAPPENED_REST:
		rest = r->check[h->index];
		rest.due_ms = h->ms;
		rest.outcome[!rest.asker] = NO_OUTCOME;	/* of the last only */
		sentence_check(at, &rest, h->streak, out);
		break;
	case HAPPENED_NONE:
		a = agreed_at(&r->line[h->line], h->ms);
		sentence_none(at, a->check[h->index].name,
			      a->check[h->index].by != r->at[0], h->ms, out);
		break;
	case HAPPENED_EVENT: event_say(at, &r->event[h->index], out); break;
	case HAPPENED_CUT: cut_say(at, &r->hiatus[h->index], false, out); break;
	default: cut_say(at, &r->hiatus[h->index], true, out); break;
	}
	buf_str(out, "\n");
}

static void line_head(const struct place *at, const struct line_day *today,
		      struct buf *out)
{
	const struct line *l = &at->r->line[at->line];
	const struct agreement *a = agreed_at(l, today->end_ms - 1);
	char version[24], offset[16];
	const char *v[SAID] = {
		[V('l')] = l->name, [V('v')] = version, [V('u')] = offset};

	if (a)
		snprintf(version, sizeof(version), "%llu",
			 (unsigned long long)a->version);
	say_offset(offset_at(at->r, at->line, today->end_ms - 1), offset);
	buf_str(out, "\n");
	say(out, at->lang, a ? P_LINE_HEAD : P_LINE_HEAD_NONE, v);
	buf_str(out, "\n");
}

static bool empty(const struct line_day *l)
{
	const struct tally *t = l->tally;

	return !l->end && !l->hiatus && !t[0].notices && !t[0].documents &&
	       !t[0].waiting && !t[1].notices && !t[1].documents &&
	       !t[1].waiting;
}

static void line_say(const struct day *d, uint32_t line, enum report_lang lang,
		     struct buf *out)
{
	const struct line_day *today = &d->line[line];
	const struct place at = {d->r, line, d->day, lang};
	char since[TIME_CHARS];
	const char *v[SAID] = {[V('l')] = d->r->line[line].name,
			       [V('t')] = since};

	line_head(&at, today, out);
	for (size_t i = today->first; i < today->end; i++)
		happening_say(&at, &d->h[i], out);
	tallies(&at, today->tally, out);
	if (today->hiatus) {
		say_time(&at, d->r->hiatus[today->hiatus - 1].h.begin_ms,
			 since);
		say(out, lang, P_CUT_GOES_ON, v);
		buf_str(out, "\n");
	}
	if (empty(today)) {
		say(out, lang, P_NOTHING, v);
		buf_str(out, "\n");
	}
}

/* ---- the whole ---- */

static void head(const struct day *d, enum report_lang lang, struct buf *out)
{
	char date[TIME_CHARS];
	const char *v[SAID] = {[V('x')] = d->r->host[0],
			       [V('y')] = d->r->host[1],
			       [V('d')] = date};

	say_date(d->day, lang, date);
	say(out, lang, P_TITLE, v);
	buf_str(out, "\n");
	say(out, lang, P_HEAD, v);
	buf_str(out, "\n");
}

static void foot(const struct day *d, enum report_lang lang, struct buf *out)
{
	const struct report *r = d->r;
	const struct place utc = {r, NO_LINE, INT64_MIN, lang};
	char time[TIME_CHARS], own[24], other[24], unplaced[24];
	const char *v[SAID] = {
		[V('t')] = time, [V('n')] = own, [V('m')] = other};

	say_time(&utc, r->newest_ms == INT64_MIN ? 0 : r->newest_ms, time);
	snprintf(own, sizeof(own), "%llu", (unsigned long long)r->entries[0]);
	snprintf(other, sizeof(other), "%llu",
		 (unsigned long long)r->entries[1]);
	snprintf(unplaced, sizeof(unplaced), "%llu",
		 (unsigned long long)r->unplaced);
	buf_str(out, "\n");
	say(out, lang, P_SOURCE, v);
	if (r->unplaced) {
		v[V('n')] = unplaced;
		buf_str(out, " ");
		say(out, lang, P_SOURCE_UNPLACED, v);
	}
	buf_str(out, "\n");
	if (r->full) {
		say(out, lang, P_FULL, NULL);
		buf_str(out, "\n");
	}
}

static int by_name(const void *x, const void *y)
{
	const struct line *const *a = x, *const *b = y;

	return strcmp((*a)->name, (*b)->name);
}

int report_statement(const struct report *r, const char *line, int64_t day,
		     enum report_lang lang, struct buf *out)
{
	const char *name = *r->only ? r->only : line;
	const uint32_t only = name ? line_known(r, str_of(name)) : NO_LINE;
	const struct line **list;
	struct day d;
	size_t n = 0;
	int err;

	day = day < 0 ? 0 : day;
	if (day > calendar_day(CALENDAR_MS_MAX))
		day = calendar_day(CALENDAR_MS_MAX);
	err = day_gather(&d, r, only, day);
	if (err)
		return err;
	list = malloc((r->lines + 1) * sizeof(const void *));
	if (!list) {
		day_free(&d);
		return ENOMEM;
	}
	for (size_t i = 0; i < r->lines; i++) {
		if (!name || i == only)
			list[n++] = &r->line[i];
	}
	if (n)
		qsort(list, n, sizeof(const void *), by_name);
	head(&d, lang, out);
	for (size_t i = 0; i < n; i++)
		line_say(&d, (uint32_t)(list[i] - r->line), lang, out);
	if (!n) {
		buf_str(out, "\n");
		say(out, lang, name ? P_NOTHING : P_NO_LINES,
		    (const char *[SAID]){[V('l')] = name});
		buf_str(out, "\n");
	}
	if (!name)
		tallies(&(struct place){r, NO_LINE, day, lang}, d.outside, out);
	foot(&d, lang, out);
	free(list);
	day_free(&d);
	return out->err;
}
