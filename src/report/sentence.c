/* SPDX-License-Identifier: ISC */
/** @file sentence.c  What became of a check, in words */
#include <stdio.h>
#include <string.h>
#include "report/inner.h"

#define SENTENCE_BYTES_MAX 16384

static const char *side_name(const struct place *at, int side)
{
	return phrase(at->lang, side ? P_OTHER_SIDE : P_THIS_SIDE);
}

/* Two names that offices use everywhere; all others stay as they were agreed */
static const char *check_name(const struct place *at, const char *name)
{
	if (!strcmp(name, "opening"))
		return phrase(at->lang, P_OPENING);
	if (!strcmp(name, "closing"))
		return phrase(at->lang, P_CLOSING);
	return name;
}

static void subject(const struct place *at, const struct seen_check *c,
		    struct buf *b)
{
	static const enum phrase by_kind[REPORT_KINDS] = {
		P_CHECK_SCHEDULED, P_CHECK_UNANNOUNCED, P_CHECK_RESTORATION,
		P_CHECK_FALLBACK};
	const struct pool *text = &at->r->text;
	char time[TIME_CHARS];
	const char *v[SAID] = {
		[V('t')] = time,
		[V('l')] = at->r->line[c->line].name,
		[V('f')] = pool_get(text, c->for_line),
		[V('c')] = check_name(at, pool_get(text, c->name)),
		[V('o')] = c->asker ? phrase(at->lang, P_OF_OTHER) : ""};

	say_time(at, c->due_ms, time);
	say(b, at->lang, by_kind[c->kind], v);
}

/* What stands in brackets: who answered or refused, and why; what was tried */
static void brackets(const struct place *at, const struct seen_check *c,
		     unsigned outcome, struct buf *b)
{
	const struct pool *text = &at->r->text;
	const uint32_t by = outcome == CHECK_ANSWERED_LATE && c->late_by
				    ? c->late_by
				    : c->by;
	const char *v[SAID] = {[V('n')] = pool_get(text, by),
			       [V('r')] = pool_get(text, c->reason)};

	if (outcome == CHECK_PATH_DOWN) {
		v[V('n')] = pool_get(text, c->tried);
		if (c->tried)
			say(b, at->lang, P_TRIED, v);
	} else if (!by) {
		say(b, at->lang, P_BY_MACHINE, v);
	} else if (outcome == CHECK_REFUSED) {
		say(b, at->lang, c->reason ? P_REFUSED_WHY : P_REFUSED_BY, v);
	} else {
		say(b, at->lang, P_NAMED, v);
	}
}

/* By the word of a side */
static void became(const struct place *at, const struct seen_check *c, int side,
		   struct buf *b)
{
	static const enum phrase asker[CHECK_OUTCOMES] = {
		[CHECK_ANSWERED] = P_ANSWERED,
		[CHECK_ANSWERED_LATE] = P_LATE,
		[CHECK_UNATTENDED] = P_UNATTENDED,
		[CHECK_REFUSED] = P_REFUSED,
		[CHECK_PATH_DOWN] = P_PATH_DOWN,
		[CHECK_FAULT_HERE] = P_FAULT,
		[CHECK_FAULT_THERE] = P_FAULT,
		[CHECK_OUTSIDE_HOURS] = P_OUTSIDE,
		[CHECK_SUSPENDED] = P_SUSPENDED};
	const unsigned outcome = outcome_of(c, side);
	char length[TIME_CHARS];
	struct buf in;
	const char *v[SAID] = {[V('x')] = side_name(at, c->asker),
			       [V('y')] = side_name(at, !c->asker),
			       [V('d')] = length};
	enum phrase p = asker[outcome];

	say_length(outcome == CHECK_ANSWERED_LATE ? c->late_ms : c->after_ms,
		   at->lang, length);
	buf_init(&in, SENTENCE_BYTES_MAX);
	if (side == c->asker) {
		brackets(at, c, outcome, &in);
		if (outcome == CHECK_FAULT_HERE)
			v[V('y')] = v[V('x')];
	} else if (outcome == CHECK_PATH_DOWN) {
		p = P_MISSING_CUT;
	} else if (outcome == CHECK_UNATTENDED) {
		p = P_MISSING_REACHED;
	} else {
		p = P_ODD;
		v[V('r')] = check_outcome_name(outcome);
	}
	v[V('b')] = said(&in);
	say(b, at->lang, p, v);
	b->err = b->err ? b->err : in.err;
	buf_free(&in);
}

/* The asker says that there was an answer: is it in the other side's feed?  Of
 * a person only its `attend` tells. */
static bool proven(const struct seen_check *c)
{
	switch (outcome_of(c, c->asker)) {
	case CHECK_ANSWERED:
	case CHECK_ANSWERED_LATE:
		if (c->by || c->late_by)
			return c->bits & CHECK_PRESENT;
		return c->bits & (CHECK_READY | CHECK_PRESENT);
	case CHECK_REFUSED: return c->bits & CHECK_SAID_NO;
	default: return true;
	}
}

static void ordinal(unsigned n, enum report_lang lang, char out[16])
{
	static const char *const words[] = {
		"zeroth", "first",   "second", "third", "fourth", "fifth",
		"sixth",  "seventh", "eighth", "ninth", "tenth"};
	static const char *const ends[] = {"th", "st", "nd", "rd"};
	const unsigned teen = n % 100 >= 11 && n % 100 <= 13;

	if (lang == REPORT_KO)
		snprintf(out, 16, "%u", n);
	else if (n < 11)
		snprintf(out, 16, "%s", words[n]);
	else
		snprintf(out, 16, "%u%s", n,
			 ends[teen || n % 10 > 3 ? 0 : n % 10]);
}

/* The third working day, day or time, by the days that were agreed */
static void in_a_row(const struct place *at, const struct seen_check *c,
		     unsigned streak, struct buf *b)
{
	const struct agreement *a = agreed_at(&at->r->line[c->line], c->due_ms);
	const char *name = pool_get(&at->r->text, c->name);
	enum phrase p = P_STREAK_TIME;
	char n[16];
	const char *v[SAID] = {[V('n')] = n};

	if (streak < 2)
		return;
	for (size_t i = 0; a && i < a->checks; i++) {
		if (strcmp(a->check[i].name, name) != 0)
			continue;
		if (!strcmp(a->check[i].days_as, "mon-fri"))
			p = P_STREAK_WORKING;
		else if (!strcmp(a->check[i].days_as, "daily"))
			p = P_STREAK_DAY;
	}
	ordinal(streak, at->lang, n);
	say(b, at->lang, p, v);
}

static void differ(const struct place *at, const struct seen_check *c,
		   const char *what, struct buf *out)
{
	struct buf ours, theirs;
	const char *v[SAID] = {[V('c')] = what};

	buf_init(&ours, SENTENCE_BYTES_MAX);
	buf_init(&theirs, SENTENCE_BYTES_MAX);
	became(at, c, 0, &ours);
	became(at, c, 1, &theirs);
	v[V('n')] = said(&ours);
	v[V('m')] = said(&theirs);
	say(out, at->lang, P_DIFFER, v);
	out->err = out->err ? out->err : ours.err ? ours.err : theirs.err;
	buf_free(&ours);
	buf_free(&theirs);
}

void sentence_check(const struct place *at, const struct seen_check *c,
		    unsigned streak, struct buf *out)
{
	const bool by_asker = outcome_of(c, c->asker) != NO_OUTCOME,
		   by_asked = outcome_of(c, !c->asker) != NO_OUTCOME,
		   both_down = outcome_of(c, 0) == CHECK_PATH_DOWN &&
			       outcome_of(c, 1) == CHECK_PATH_DOWN;
	struct buf what;
	const char *v[SAID] = {[V('y')] = side_name(at, !c->asker)};

	buf_init(&what, SENTENCE_BYTES_MAX);
	subject(at, c, &what);
	v[V('c')] = said(&what);
	if (c->bits & CHECK_DRILL)
		say(out, at->lang, P_DRILL, NULL);
	if (!by_asker && !by_asked) {
		say(out, at->lang, P_NO_RESULT_YET, v);
	} else if (by_asker && by_asked && !both_down) {
		differ(at, c, v[V('c')], out);
	} else {
		buf_str(out, v[V('c')]);
		buf_str(out, at->lang == REPORT_KO ? "" : " ");
		became(at, c, by_asker ? c->asker : !c->asker, out);
		in_a_row(at, c, streak, out);
		buf_str(out, ".");
		if (both_down)
			say(out, at->lang, P_BOTH, NULL);
		if (!proven(c))
			say(out, at->lang, P_NO_WORD, v);
	}
	out->err = out->err ? out->err : what.err;
	buf_free(&what);
}

void sentence_none(const struct place *at, const char *check, int asker,
		   int64_t due_ms, struct buf *out)
{
	char time[TIME_CHARS];
	struct buf what;
	const char *v[SAID] = {[V('t')] = time,
			       [V('l')] = at->r->line[at->line].name,
			       [V('c')] = check_name(at, check),
			       [V('o')] = asker ? phrase(at->lang, P_OF_OTHER)
						: ""};

	say_time(at, due_ms, time);
	buf_init(&what, SENTENCE_BYTES_MAX);
	say(&what, at->lang, P_CHECK_SCHEDULED, v);
	v[V('c')] = said(&what);
	say(out, at->lang, P_NO_RESULT, v);
	out->err = out->err ? out->err : what.err;
	buf_free(&what);
}
