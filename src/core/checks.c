/* SPDX-License-Identifier: ISC */
/** @file checks.c  Schedules of checks: asking, answering, results */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/state.h"

#define EARLY_MS_MAX 60000	/* a peer's check may come so much before due */
#define RESTORATION_GRACE_MS 60000	/* for the machine's answer */
#define ASK_GRACE_MS 600000	/* when the agreement names none */
#define RESTORATION_AGAIN_MS 600000	/* a missed one is asked again */
#define HOUR_MS 3600000
#define MISSED_MAX 1000		/* counted one by one after a rest */

const char *run_kind_name(enum run_kind k)
{
	static const char *const name[RUN_KINDS] = {"scheduled", "unannounced",
						    "restoration", "fallback"};

	return k < RUN_KINDS ? name[k] : "?";
}

static enum run_kind kind_of(struct str v)
{
	int k = 0;

	while (k < RUN_KINDS - 1 && !str_is(v, run_kind_name((enum run_kind)k)))
		k++;
	return (enum run_kind)k;
}

static enum check_outcome outcome_of(struct str v)
{
	int o = 0;

	while (o < CHECK_OUTCOMES - 1 &&
	       !str_is(v, check_outcome_name((enum check_outcome)o)))
		o++;
	return (enum check_outcome)o;
}

/* The number of a check of the agreement; or a->checks */
static size_t check_named(const struct agreement *a, const char *name)
{
	size_t i = 0;

	while (i < a->checks && strcmp(a->check[i].name, name) != 0)
		i++;
	return i;
}

/* ---- how far each check is done with ---- */

static struct done *done_of(const struct line *l, const char *check)
{
	for (size_t i = 0; i < l->dones; i++) {
		if (!strcmp(l->done[i].check, check))
			return &l->done[i];
	}
	return NULL;
}

static void done_until(struct line *l, const char *check, int64_t ms)
{
	struct done *d = done_of(l, check);

	if (d && d->ms < ms)
		d->ms = ms;
}

/* Checks of the text before keep their place as long as it holds */
int check_schedule(struct core *c, struct line *l)
{
	const struct agreement *a = l->agreed;
	struct done *v = calloc(a->checks + 1, sizeof(*v));

	if (!v)
		return ENOMEM;
	for (size_t i = 0; i < a->checks; i++) {
		const struct done *old = done_of(l, a->check[i].name);
		const int64_t from = a->from_ms - 1;

		snprintf(v[i].check, sizeof(v[i].check), "%s",
			 a->check[i].name);
		/* what fell due before anybody had agreed is not missed */
		v[i].ms = old                     ? old->ms
			  : from > c->now.wall_ms ? from
						  : c->now.wall_ms;
	}
	free(l->done);
	l->done = v;
	l->dones = a->checks;
	return 0;
}

/* ---- checks under way ---- */

struct run *check_run(const struct line *l, bool mine, uint64_t seq)
{
	for (size_t i = 0; i < l->runs; i++) {
		if (l->run[i].mine == mine && l->run[i].seq == seq)
			return &l->run[i];
	}
	return NULL;
}

static void run_drop(struct line *l, size_t at)
{
	memmove(&l->run[at], &l->run[at + 1],
		(l->runs - at - 1) * sizeof(*l->run));
	l->runs--;
}

/* Which one makes room: one that has its result, else the oldest of the same
   side, so that a peer's checks never push out what we asked */
static size_t run_spare(const struct line *l, bool mine)
{
	for (size_t i = 0; i < l->runs; i++) {
		if (l->run[i].closed && l->run[i].mine == mine)
			return i;
	}
	for (size_t i = 0; i < l->runs; i++) {
		if (l->run[i].mine == mine)
			return i;
	}
	return 0;
}

/* A new one ends what its forerunner could still become */
static int run_put(struct line *l, const struct run *r)
{
	struct run *v;

	for (size_t i = 0; i < l->runs; i++) {
		if (l->run[i].mine == r->mine && l->run[i].kind == r->kind &&
		    !strcmp(l->run[i].check, r->check) &&
		    (l->run[i].closed || !r->mine)) {
			l->run[i] = *r;
			return 0;
		}
	}
	if (l->runs == RUNS_MAX)
		run_drop(l, run_spare(l, r->mine));
	v = realloc(l->run, (l->runs + 1) * sizeof(*v));
	if (!v)
		return ENOMEM;
	l->run = v;
	l->run[l->runs++] = *r;
	return 0;
}

static int64_t grace_of(const struct agreement *a, const struct run *r)
{
	size_t i;

	if (r->kind == RUN_SCHEDULED) {
		i = check_named(a, r->check);
		return i < a->checks ? a->check[i].grace_ms : ASK_GRACE_MS;
	}
	if (r->kind == RUN_RESTORATION && !a->restoration_person)
		return RESTORATION_GRACE_MS;
	return a->unannounced_ms ? a->unannounced_ms : ASK_GRACE_MS;
}

static bool machine_suffices(const struct agreement *a, const struct run *r)
{
	const size_t i = check_named(a, r->check);

	if (r->kind == RUN_RESTORATION)
		return !a->restoration_person;
	return r->kind != RUN_UNANNOUNCED && i < a->checks && !a->check[i].role;
}

/* ---- the fold ---- */

static int read_run(const struct entry *e, struct run *r)
{
	int err = str_copy(entry_get(e, "check"), r->check, sizeof(r->check));

	if (!err)
		err = str_copy(entry_get(e, "for"), r->origin,
			       sizeof(r->origin));
	if (!err)
		err = stamp_parse(entry_get(e, "due"), &r->due_ms);
	r->kind = kind_of(entry_get(e, "kind"));
	r->drill = entry_get(e, "mark").n;
	r->seq = e->env.seq;
	return err;
}

/* Has it been asked before, or is such a one under way? */
static bool asked_already(const struct core *c, const struct line *l,
			  const struct run *r)
{
	for (size_t i = 0; i < l->runs; i++) {
		const struct run *had = &l->run[i];

		if (had->mine || strcmp(had->check, r->check) != 0)
			continue;
		if (had->due_ms == r->due_ms)
			return true;
		if (had->kind != r->kind)
			continue;
		/* the newest is kept: an older one is done with */
		if (r->kind == RUN_SCHEDULED && r->due_ms < had->due_ms &&
		    had->due_ms <= c->now.wall_ms + EARLY_MS_MAX)
			return true;
		/* nobody is called again while being called */
		if (r->kind != RUN_SCHEDULED && !had->closed &&
		    r->due_ms >= had->due_ms &&
		    c->now.wall_ms < had->until_ms - EARLY_MS_MAX)
			return true;
	}
	return false;
}

/* Is this line a fallback of one whose check, for the peer to ask, is named? */
static bool falls_to(const struct core *c, const struct pair *p,
		     const struct line *l, const struct run *r)
{
	const struct line *origin = line_find(p, str_of(r->origin));
	const struct agreement *a =
		origin ? line_agreement(origin, c->now.wall_ms) : NULL;
	const size_t k = a ? check_named(a, r->check) : 0;

	if (!a || k == a->checks ||
	    a->check[k].by != agreement_side(a, p->peer_card.name))
		return false;
	for (size_t i = 0; i < a->fallbacks; i++) {
		if (!strcmp(a->fallback[i], l->name))
			return true;
	}
	return false;
}

/* How much the peer's clock is ahead, as far as that is believed */
static int64_t ahead_ms(const struct pair *p)
{
	return p->offset_ms < 0         ? 0
	       : p->offset_ms > HOUR_MS ? HOUR_MS
					: p->offset_ms;
}

/* May the peer ask this now? */
static bool may_ask(const struct core *c, const struct pair *p,
		    const struct line *l, const struct agreement *a,
		    const struct run *r)
{
	const int peer = agreement_side(a, p->peer_card.name);
	size_t i;

	/* else tomorrow's would make today's look done; other kinds say when
	   they were asked, by a clock that may be off */
	if (asked_already(c, l, r) ||
	    (r->kind == RUN_SCHEDULED &&
	     r->due_ms > c->now.wall_ms + EARLY_MS_MAX + ahead_ms(p)))
		return false;
	switch (r->kind) {
	case RUN_SCHEDULED:
		i = check_named(a, r->check);
		return i < a->checks && a->check[i].by == peer &&
		       agreement_due(a, i, r->due_ms);
	case RUN_UNANNOUNCED:
		return a->unannounced_ms && !strcmp(r->check, "unannounced");
	case RUN_RESTORATION: return !strcmp(r->check, "restoration");
	default: return falls_to(c, p, l, r);
	}
}

static int fold_check(struct core *c, struct pair *p, bool own, struct line *l,
		      const struct entry *e)
{
	const struct agreement *a = line_agreement(l, c->now.wall_ms);
	struct run r = {.mine = own};

	if (!a || read_run(e, &r) || (!own && !may_ask(c, p, l, a, &r)))
		return own ? 0 : line_not_agreed(c, p, l, e->env.seq);
	r.until_ms =
		(own || r.due_ms < c->now.wall_ms ? r.due_ms : c->now.wall_ms) +
		grace_of(a, &r);
	r.answered = !own && r.seq < l->answers;
	if (r.kind == RUN_SCHEDULED)
		done_until(l, r.check, r.due_ms);
	return run_put(l, &r);
}

static int fold_answer(struct core *c, struct pair *p, bool own, struct line *l,
		       const struct entry *e)
{
	struct run *r;
	uint64_t of;

	if (uint_parse(entry_get(e, "of"), &of))
		return 0;
	r = check_run(l, !own, of);
	if (own && of >= l->answers)
		l->answers = of + 1;
	if (!r)		/* done with, or never asked */
		return own || of < p->own.tree.size
			       ? 0
			       : line_not_agreed(c, p, l, e->env.seq);
	r->answered = true;
	if (own) {
		const struct agreement *a = line_agreement(l, c->now.wall_ms);

		r->replied = e->env.seq + 1;
		/* nobody need attend to it */
		r->closed |= str_is(entry_get(e, "state"), "refused") ||
			     (a && machine_suffices(a, r));
		return 0;
	}
	r->refused |= str_is(entry_get(e, "state"), "refused");
	if (!r->present && c->now.wall_ms > r->due_ms)
		r->after_ms = (uint64_t)(c->now.wall_ms - r->due_ms);
	return 0;
}

static int fold_attend(struct core *c, struct pair *p, bool own, struct line *l,
		       const struct entry *e)
{
	const bool refused = str_is(entry_get(e, "state"), "refused");
	struct run *r;
	uint64_t of;

	if (uint_parse(entry_get(e, "of"), &of))
		return 0;
	r = check_run(l, !own, of);
	if (!r)
		return own || of < p->own.tree.size
			       ? 0
			       : line_not_agreed(c, p, l, e->env.seq);
	if (own) {
		r->closed = true;
		return 0;
	}
	if (r->present || r->refused)
		return 0;	/* the first word counts */
	r->present = !refused;
	r->refused = refused;
	r->after_ms = c->now.wall_ms > r->due_ms
			      ? (uint64_t)(c->now.wall_ms - r->due_ms)
			      : 0;
	line_words(r->by, entry_get(e, "by"));
	return 0;
}

static bool tells(enum check_outcome o)
{
	return o <= CHECK_REFUSED;
}

static bool good(enum check_outcome o)
{
	return o == CHECK_ANSWERED || o == CHECK_ANSWERED_LATE;
}

/* Was it asked (ours), or answered by us (theirs), since the hiatus? */
static bool proves(const struct line *l, bool own, uint64_t of)
{
	const struct run *theirs = own ? NULL : check_run(l, false, of);

	return own ? of >= l->unproven_at
		   : theirs && theirs->replied > l->unproven_at;
}

static int fold_result(struct core *c, struct pair *p, bool own, struct line *l,
		       const struct entry *e)
{
	struct telling *t = &l->told[own ? SIDE_OWN : SIDE_PEER];
	const enum check_outcome o = outcome_of(entry_get(e, "outcome"));
	struct run r = {0}, *had;
	uint64_t of;
	bool asked;

	if (read_run(e, &r))
		return own ? 0 : line_not_agreed(c, p, l, e->env.seq);
	if (own && r.kind == RUN_SCHEDULED)
		done_until(l, r.check, r.due_ms);
	asked = !uint_parse(entry_get(e, "of"), &of);
	if (good(o) && asked && !l->proven)
		l->proven = proves(l, own, of);
	had = own && asked ? check_run(l, true, of) : NULL;
	if (had && (good(o) || o == CHECK_REFUSED))
		run_drop(l, (size_t)(had - l->run));
	else if (had)
		had->closed = true;
	if (tells(o)) {
		*t = (struct telling){.any = true,
				      .outcome = o,
				      .due_ms = r.due_ms,
				      .time_ms = e->env.time_ms,
				      .seq = e->env.seq,
				      .seen = e->env.seen};
		memcpy(t->check, r.check, sizeof(t->check));
	}
	return line_event(c, p, l, LINE_EVENT_RESULT, e->env.seq, o);
}

int check_fold(struct core *c, struct pair *p, bool own, struct line *l,
	       const struct entry *e)
{
	switch (e->kind) {
	case ENTRY_CHECK: return fold_check(c, p, own, l, e);
	case ENTRY_ANSWER: return fold_answer(c, p, own, l, e);
	case ENTRY_ATTEND: return fold_attend(c, p, own, l, e);
	default: return fold_result(c, p, own, l, e);
	}
}

/* ---- writing ---- */

static void run_fields(struct core *c, const struct line *l,
		       const struct run *r)
{
	char due[STAMP_CHARS + 1];

	stamp_print(r->due_ms, due);
	entry_field(&c->scratch, "line", "%s", l->name);
	entry_field(&c->scratch, "check", "%s", r->check);
	entry_field(&c->scratch, "due", "%s", due);
	entry_field(&c->scratch, "kind", "%s", run_kind_name(r->kind));
	if (r->origin[0])
		entry_field(&c->scratch, "for", "%s", r->origin);
	if (r->drill)
		entry_field(&c->scratch, "mark", "drill");
}

int check_ask(struct core *c, struct pair *p, struct line *l, struct now now,
	      const struct run *r)
{
	int err = own_begin(c, p, now, "check");

	if (err)
		return err;
	run_fields(c, l, r);
	if (r->by[0])
		entry_field(&c->scratch, "by", "%s", r->by);
	return own_append(c, p, ENTRY_CHECK, NULL, 0, NULL);
}

static int write_answer(struct core *c, struct pair *p, struct line *l,
			struct now now, const struct run *r)
{
	const enum line_state s = line_state_at(p, l, now.wall_ms);
	char due[STAMP_CHARS + 1];
	int err = own_begin(c, p, now, "answer");

	if (err)
		return err;
	stamp_print(r->due_ms, due);
	entry_field(&c->scratch, "of", "%" PRIu64, r->seq);
	entry_field(&c->scratch, "line", "%s", l->name);
	entry_field(&c->scratch, "check", "%s", r->check);
	entry_field(&c->scratch, "due", "%s", due);
	entry_field(&c->scratch, "state", "%s",
		    s == LINE_CLOSED_BY_US ? "refused" : "ready");
	err = own_append(c, p, ENTRY_ANSWER, NULL, 0, NULL);
	return err ? err
		   : line_event(c, p, l, LINE_EVENT_CALL, r->seq,
				CHECK_OUTCOMES);
}

/* What was tried on which path, and what came back */
static void tried(const struct pair *p, unsigned missed,
		  char out[VALUE_BYTES_MAX / 2])
{
	size_t n = 0;

	out[0] = '\0';
	if (missed) {
		snprintf(out, VALUE_BYTES_MAX / 2,
			 "this exchange was not running: %u of these checks "
			 "up to this one",
			 missed);
		return;
	}
	for (int i = 0; i < PATHS_MAX; i++) {
		const char *w = p->lines.path_word[i];

		if (!w[0] || n + strlen(w) + 3 > VALUE_BYTES_MAX / 2)
			continue;
		n += (size_t)snprintf(out + n, VALUE_BYTES_MAX / 2 - n, "%s%s",
				      n ? "; " : "", w);
	}
	if (!n)
		snprintf(out, VALUE_BYTES_MAX / 2, "no path answered");
}

/* missed: so many were due while we did not run; 0: we did */
static int write_result(struct core *c, struct pair *p, struct line *l,
			struct now now, const struct run *r, bool asked,
			enum check_outcome o, unsigned missed)
{
	char words[VALUE_BYTES_MAX / 2];
	int err = own_begin(c, p, now, "result");

	if (err)
		return err;
	run_fields(c, l, r);
	entry_field(&c->scratch, "outcome", "%s", check_outcome_name(o));
	if (asked)
		entry_field(&c->scratch, "of", "%" PRIu64, r->seq);
	if (good(o))
		entry_field(&c->scratch, "after-ms", "%" PRIu64, r->after_ms);
	if (r->by[0] && (good(o) || o == CHECK_REFUSED))
		entry_field(&c->scratch, "by", "%s", r->by);
	if (o == CHECK_PATH_DOWN) {
		tried(p, missed, words);
		entry_field(&c->scratch, "tried", "%s", words);
	}
	return own_append(c, p, ENTRY_RESULT, NULL, 0, NULL);
}

/* ---- a miss asks on the next line ---- */

static int fall_back(struct core *c, struct pair *p, const struct line *l,
		     struct now now, const struct run *missed)
{
	const struct line *origin =
		missed->origin[0] ? line_find(p, str_of(missed->origin)) : l;
	const struct agreement *a =
		origin ? line_agreement(origin, now.wall_ms) : NULL;
	struct run r = {.mine = true,
			.kind = RUN_FALLBACK,
			.drill = missed->drill,
			.due_ms = now.wall_ms};
	size_t i = 0;

	if (!a ||
	    (missed->kind != RUN_SCHEDULED && missed->kind != RUN_FALLBACK))
		return 0;
	if (origin != l) {
		while (i < a->fallbacks && strcmp(a->fallback[i], l->name) != 0)
			i++;
		i++;
	}
	memcpy(r.check, missed->check, sizeof(r.check));
	memcpy(r.origin, origin->name, sizeof(r.origin));
	for (; i < a->fallbacks; i++) {
		struct line *next = line_find(p, str_of(a->fallback[i]));

		if (next && next != l &&
		    line_state_at(p, next, now.wall_ms) >= LINE_REFUSED)
			return check_ask(c, p, next, now, &r);
	}
	return 0;
}

/* ---- what is under way ---- */

/* CHECK_OUTCOMES: not decided yet */
static enum check_outcome decide(const struct pair *p,
				 const struct agreement *a, const struct run *r,
				 int64_t wall_ms)
{
	const bool session = p->s.paths && p->s.known;
	const bool here = r->present || (r->answered && machine_suffices(a, r));

	if (r->closed)
		return here && !r->refused ? CHECK_ANSWERED_LATE
					   : CHECK_OUTCOMES;
	if (r->refused)
		return CHECK_REFUSED;
	if (here)
		return CHECK_ANSWERED;
	/* a clock that once stood far ahead must not hold it for years */
	if (wall_ms < r->until_ms && r->due_ms < wall_ms + DAY_MS)
		return CHECK_OUTCOMES;
	return session || r->answered ? CHECK_UNATTENDED : CHECK_PATH_DOWN;
}

/* Writing may move l->run: each step works on a copy */
static int review_run(struct core *c, struct pair *p, struct line *l,
		      struct now now, const struct agreement *a, size_t at,
		      int64_t *wake_ms)
{
	const struct run r = l->run[at];
	enum check_outcome o;
	int err = 0;

	if (!r.mine) {
		if (!r.answered)
			return write_answer(c, p, l, now, &r);
		if (r.closed || r.missed)
			return 0;
		if (now.wall_ms >= r.until_ms) {
			l->run[at].missed = true;
			return machine_suffices(a, &r)
				       ? 0
				       : line_event(c, p, l, LINE_EVENT_MISSED,
						    r.seq, CHECK_OUTCOMES);
		}
	} else {
		o = decide(p, a, &r, now.wall_ms);
		if (o != CHECK_OUTCOMES) {
			err = write_result(c, p, l, now, &r, true, o, 0);
			if (!err && (o == CHECK_UNATTENDED ||
				     (o == CHECK_REFUSED && !r.closed)))
				err = fall_back(c, p, l, now, &r);
			return err;
		}
	}
	if (!r.closed && r.until_ms > now.wall_ms && r.until_ms < *wake_ms)
		*wake_ms = r.until_ms;
	return 0;
}

/* ---- schedules ---- */

/* Outcomes that need no asking; CHECK_OUTCOMES: ask */
static enum check_outcome declared_outcome(const struct pair *p,
					   const struct line *l,
					   const struct agreement *a,
					   int64_t due_ms, int64_t wall_ms)
{
	switch (line_state_at(p, l, wall_ms)) {
	case LINE_CLOSED_BY_US:
	case LINE_SUSPENDED_BY_US:
	case LINE_SUSPENDED_BY_THEM: return CHECK_SUSPENDED;
	case LINE_FAULT_HERE: return CHECK_FAULT_HERE;
	case LINE_FAULT_THERE: return CHECK_FAULT_THERE;
	default: break;
	}
	return agreement_open_at(a, due_ms) ? CHECK_OUTCOMES
					    : CHECK_OUTSIDE_HOURS;
}

/* One due instant.  *wait: nothing to do before *wake_ms. */
static int review_due(struct core *c, struct pair *p, struct line *l,
		      struct now now, const struct agreement *a, size_t i,
		      int64_t due, bool *wait, int64_t *wake_ms)
{
	const struct agreement_check *k = &a->check[i];
	const bool session = p->s.paths && p->s.known;
	const bool mine = k->by == agreement_side(a, c->conf.name);
	const int64_t until = due + k->grace_ms;
	struct run r = {.mine = mine, .due_ms = due, .until_ms = until};
	const enum check_outcome o =
		declared_outcome(p, l, a, due, now.wall_ms);

	snprintf(r.check, sizeof(r.check), "%s", k->name);
	if (o != CHECK_OUTCOMES) {
		if (mine)
			return write_result(c, p, l, now, &r, false, o, 0);
		done_until(l, r.check, due);
		l->dirty = true;
		return 0;
	}
	if (mine && session && now.wall_ms < until)
		return check_ask(c, p, l, now, &r);
	if (now.wall_ms >= until)
		return write_result(c, p, l, now, &r, false,
				    mine || !session ? CHECK_PATH_DOWN
						     : CHECK_UNATTENDED,
				    0);
	*wait = true;
	if (until < *wake_ms)
		*wake_ms = until;
	return 0;
}

/* Instants that fell due while we did not run: one result for all of them */
static int review_gap(struct core *c, struct pair *p, struct line *l,
		      struct now now, const struct agreement *a, size_t i)
{
	const struct done *d = done_of(l, a->check[i].name);
	const int64_t grace = a->check[i].grace_ms;
	struct run r = {.mine = true};
	int64_t due = agreement_check_next(a, i, d->ms);
	unsigned n = 0;

	while (due < c->started_ms - grace && n < MISSED_MAX) {
		r.due_ms = due;
		n++;
		due = agreement_check_next(a, i, due);
	}
	/* a clock years ahead, or years of rest: the rest at once */
	if (n == MISSED_MAX)
		done_until(l, a->check[i].name, c->started_ms - grace);
	if (!n)
		return 0;
	snprintf(r.check, sizeof(r.check), "%s", a->check[i].name);
	return write_result(c, p, l, now, &r, false, CHECK_PATH_DOWN, n);
}

#define DUES_MAX 64	/* of one check in a turn */

static int review_schedule(struct core *c, struct pair *p, struct line *l,
			   struct now now, const struct agreement *a, size_t i,
			   int64_t *wake_ms)
{
	struct done *d = done_of(l, a->check[i].name);
	bool wait = false;
	int err = 0, n = 0;

	if (d && d->ms > now.wall_ms + DAY_MS)	/* a clock was far ahead */
		d->ms = now.wall_ms;
	if (d)
		err = review_gap(c, p, l, now, a, i);
	while (d && !wait && !err) {
		const int64_t due = agreement_check_next(a, i, d->ms);

		if (due > now.wall_ms || n++ == DUES_MAX) {
			if (due < *wake_ms)
				*wake_ms = due;
			break;
		}
		err = review_due(c, p, l, now, a, i, due, &wait, wake_ms);
	}
	return err;
}

/* After a hiatus the pivot asks: is the line whole again? */
static int review_restoration(struct core *c, struct pair *p, struct line *l,
			      struct now now, int64_t *wake_ms)
{
	struct run r = {
		.mine = true, .kind = RUN_RESTORATION, .due_ms = now.wall_ms};

	int64_t again;

	if (l->proven || !p->names.own_pivot ||
	    line_state_at(p, l, now.wall_ms) < LINE_REFUSED)
		return 0;
	for (size_t i = 0; i < l->runs; i++) {
		/* one at a time, also when it proves nothing any more */
		if (l->run[i].mine && l->run[i].kind == RUN_RESTORATION &&
		    !l->run[i].closed)
			return 0;
	}
	if (now.mono_ms < l->restore_at_ms) {
		again = now.wall_ms + (int64_t)(l->restore_at_ms - now.mono_ms);
		if (again < *wake_ms)
			*wake_ms = again;
		return 0;
	}
	l->restore_at_ms = now.mono_ms + RESTORATION_AGAIN_MS;
	snprintf(r.check, sizeof(r.check), "restoration");
	return check_ask(c, p, l, now, &r);
}

int check_review(struct core *c, struct pair *p, struct line *l, struct now now,
		 int64_t *wake_ms)
{
	const struct agreement *a = line_agreement(l, now.wall_ms);
	const bool gone =
		l->agreed && (l->gone[0].version == l->agreed->version ||
			      l->gone[1].version == l->agreed->version);
	int err = 0;

	if (!a)
		return 0;
	/* newest first: a result may drop a run that lies behind */
	for (size_t i = l->runs; i-- > 0 && !err;) {
		if (i < l->runs)
			err = review_run(c, p, l, now, a, i, wake_ms);
	}
	for (size_t i = 0; i < a->checks && !err && !gone; i++)
		err = review_schedule(c, p, l, now, a, i, wake_ms);
	return err ? err : review_restoration(c, p, l, now, wake_ms);
}
