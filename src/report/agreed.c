/* SPDX-License-Identifier: ISC */
/** @file agreed.c  Agreements as the joint record has them, and declarations */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "report/inner.h"

void line_drop(struct line *l)
{
	for (size_t i = 0; i < l->agreements; i++)
		agreement_free(l->agreed[i].text);
	for (int side = 0; side < 2; side++)
		agreement_free(l->proposal[side].text);
	free(l->agreed);
}

const struct agreement *agreed_at(const struct line *l, int64_t ms)
{
	for (size_t i = l->agreements; i > 0; i--) {
		if (l->agreed[i - 1].since_ms <= ms)
			return l->agreed[i - 1].text;
	}
	return l->agreements ? l->agreed[0].text : NULL;
}

int32_t offset_at(const struct report *r, uint32_t line, int64_t ms)
{
	const struct agreement *a =
		line == NO_LINE ? NULL : agreed_at(&r->line[line], ms);

	return a ? agreement_offset_s(a, r->at[0], ms) : 0;
}

static void proposals_close(struct line *l)
{
	for (int side = 0; side < 2; side++) {
		agreement_free(l->proposal[side].text);
		l->proposal[side] = (struct agreed){0};
	}
}

static const struct agreed *newest(const struct line *l)
{
	return l->agreements ? &l->agreed[l->agreements - 1] : NULL;
}

/* This text may be proposed now (docs/lines.md 3) */
static bool follows(const struct report *r, const struct line *l,
		    const struct agreement *a, uint64_t version)
{
	const struct agreed *old = newest(l);

	if (strcmp(a->line, l->name) != 0 || a->version != version ||
	    strcmp(a->sides[r->at[0]], r->host[0]) != 0 ||
	    strcmp(a->sides[r->at[1]], r->host[1]) != 0)
		return false;
	if (!old)
		return version == 1 && !a->replaces_any;
	return version == old->version + 1 && a->replaces_any &&
	       !memcmp(a->replaces, old->hash, DIGEST_BYTES);
}

static int propose(const struct report *r, struct line *l, const struct fact *f,
		   struct event *ev)
{
	struct agreed *to = &l->proposal[f->side];
	struct agreement *a = NULL;
	int err = agreement_parse(f->e->text.p, f->e->text.n, &a, NULL);

	if (err)	/* no agreement: it stands in the record, that is all */
		return err == EBADMSG ? 0 : err;
	if (!follows(r, l, a, ev->version)) {
		agreement_free(a);
		return 0;
	}
	agreement_free(to->text);
	*to = (struct agreed){.text = a, .version = ev->version};
	digest(f->e->text.p, f->e->text.n, to->hash);
	ev->stale = false;
	return 0;
}

/* The open proposal of the other side that an accept or decline names; NULL */
static struct agreed *named(struct line *l, const struct fact *f,
			    uint64_t version)
{
	struct agreed *of = &l->proposal[!f->side];
	struct str v = entry_get(f->e, "agreement");
	const struct str hash = str_cut(&v, ' ');
	uint8_t h[DIGEST_BYTES];

	if (!of->text || of->version != version ||
	    hex_decode((struct str){hash.p + 7, hash.n - 7}, h, sizeof(h)) ||
	    memcmp(h, of->hash, sizeof(h)) != 0)
		return NULL;
	return of;
}

static int accept(struct report *r, struct line *l, const struct fact *f,
		  struct event *ev)
{
	struct agreed *of = named(l, f, ev->version);
	int err;

	if (!of)
		return 0;
	err = room(&l->agreed, &l->agreed_cap, l->agreements,
		   sizeof(*l->agreed), REPORT_VERSIONS_MAX);
	if (err)
		return fit(r, err);
	ev->other_ms = of->text->from_ms;
	l->agreed[l->agreements] = *of;
	l->agreed[l->agreements++].since_ms =
		ev->other_ms > ev->time_ms ? ev->other_ms : ev->time_ms;
	of->text = NULL;	/* given */
	proposals_close(l);
	l->withdrawn_ms = INT64_MAX;
	ev->stale = false;
	return 0;
}

static void decline(struct line *l, const struct fact *f, struct event *ev)
{
	struct agreed *of = named(l, f, ev->version);

	if (!of)
		return;
	agreement_free(of->text);
	*of = (struct agreed){0};
	ev->stale = false;
}

static int withdraw(struct report *r, uint32_t line, const struct fact *f,
		    struct event *ev)
{
	struct line *l = &r->line[line];
	const struct agreed *old = newest(l);

	if (!old || old->version != ev->version || l->withdrawn_ms != INT64_MAX)
		return 0;
	l->withdrawn_ms = ev->time_ms;
	proposals_close(l);
	ev->stale = false;
	return hiatus_begin(r, line, f->side, REPORT_WITHDRAWN, ev->time_ms);
}

static int declare(struct report *r, uint32_t line, const struct fact *f,
		   struct event *ev)
{
	static const enum report_cause cause[DECLARED_STATES] = {
		[DECLARED_CLOSED] = REPORT_CLOSED,
		[DECLARED_SUSPENDED] = REPORT_SUSPENDED,
		[DECLARED_FAULT] = REPORT_FAULT};
	const struct str state = entry_get(f->e, "state");
	enum declared d = DECLARED_OPEN;

	while (d < DECLARED_FAULT && !str_is(state, declared_name(d)))
		d++;
	ev->state = (uint8_t)d;
	ev->other_ms = get_stamp(f->e, "until", 0);
	ev->stale = false;
	r->line[line].word[f->side] = (struct word){d, ev->other_ms};
	if (d == DECLARED_OPEN)
		return 0;
	return hiatus_begin(r, line, f->side, cause[d], ev->time_ms);
}

static int happened(struct report *r, const struct fact *f, uint32_t line,
		    struct event *ev)
{
	/* what was not placed may yet turn out to be stale: no effect so far */
	const bool agrees = f->placed;
	struct line *l = &r->line[line];

	switch (f->e->kind) {
	case ENTRY_PROPOSE: return agrees ? propose(r, l, f, ev) : 0;
	case ENTRY_ACCEPT: return agrees ? accept(r, l, f, ev) : 0;
	case ENTRY_DECLINE:
		if (agrees)
			decline(l, f, ev);
		return 0;
	case ENTRY_WITHDRAW: return agrees ? withdraw(r, line, f, ev) : 0;
	default: return declare(r, line, f, ev);
	}
}

int agreed_fact(struct report *r, const struct fact *f)
{
	const struct entry *e = f->e;
	struct event ev = {.time_ms = e->env.time_ms,
			   .version = get_uint(e, "version", 0),
			   .kind = (uint8_t)e->kind,
			   .side = (uint8_t)f->side,
			   .stale = true,
			   .placed = f->placed};
	int err = line_of(r, entry_get(e, "line"), &ev.line);

	if (err || ev.line == NO_LINE)
		return err;
	err = happened(r, f, ev.line, &ev);
	if (err || ev.time_ms < r->from_ms || ev.time_ms > r->to_ms)
		return err;
	err = pool_put(&r->text, entry_get(e, "by"), &ev.by);
	if (!err)
		err = pool_put(&r->text, entry_get(e, "reason"), &ev.reason);
	if (!err)
		err = room(&r->event, &r->event_cap, r->events,
			   sizeof(*r->event), REPORT_EVENTS_MAX);
	if (!err)
		r->event[r->events++] = ev;
	return fit(r, err);
}
