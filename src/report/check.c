/* SPDX-License-Identifier: ISC */
/** @file check.c  Checks, and what became of them by either side's word */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "report/inner.h"

#define RESTED_MAX 1000	/* instants in one result; more: as many */
#define APART_MAX 4000	/* instants between two results; more: a gap */
#define RESTED "this exchange was not running: "	/* docs/lines.md 5 */
#define AT_ONCE_MAX 64	/* of one line, name and instant; more: left out */

/** What names a check. */
struct naming {
	int64_t due_ms;
	uint32_t line, name, for_line;
	uint8_t kind, asker;
	bool drill;
};

static uint64_t naming_hash(const struct naming *k)
{
	const uint64_t v[3] = {(uint64_t)k->due_ms, k->line, k->name};

	return hash_of(v, sizeof(v));
}

static uint8_t kind_of(const struct entry *e)
{
	const struct str kind = entry_get(e, "kind");
	unsigned k = 0;

	while (k < REPORT_KINDS - 1 &&
	       !str_is(kind, report_kind_name((enum report_kind)k)))
		k++;
	return (uint8_t)k;
}

/* 0 or 1 by the agreement of that instant, -1 when it has no such check */
static int asker_agreed(const struct report *r, const struct naming *k)
{
	const struct agreement *a = agreed_at(&r->line[k->line], k->due_ms);
	const char *name = pool_get(&r->text, k->name);

	for (size_t i = 0; a && i < a->checks; i++) {
		if (!strcmp(a->check[i].name, name))
			return a->check[i].by == r->at[0] ? 0 : 1;
	}
	return -1;
}

/*
 * The check of this name; NULL.  @p some: only line, name and due count, and
 * who asks; @p seq is then that of its `check`.
 */
static struct seen_check *find(const struct report *r, const struct naming *k,
			       bool some, uint64_t seq, unsigned *met)
{
	const uint64_t hash = naming_hash(k);
	size_t at = SIZE_MAX;
	uint32_t v;

	*met = 0;
	while ((v = table_next(&r->check_at, hash, &at))) {
		struct seen_check *c = &r->check[v - 1];

		if (c->line != k->line || c->name != k->name ||
		    c->due_ms != k->due_ms)
			continue;
		++*met;
		if (c->asker != k->asker)
			continue;
		if (some ? (c->bits & CHECK_IS_ASKED) && c->seq == seq
			 : c->kind == k->kind && c->for_line == k->for_line &&
				    !(c->bits & CHECK_DRILL) == !k->drill)
			return c;
	}
	return NULL;
}

/* Found or made; *out NULL: there is no room for it */
static int get(struct report *r, const struct naming *k,
	       struct seen_check **out)
{
	struct seen_check *c;
	unsigned met;
	int err = 0;

	*out = find(r, k, false, 0, &met);
	if (*out)
		return 0;
	if (met >= AT_ONCE_MAX)
		err = ENOSPC;
	if (!err)
		err = room(&r->check, &r->check_cap, r->checks,
			   sizeof(*r->check), REPORT_CHECKS_MAX);
	if (!err)
		err = table_add(&r->check_at, naming_hash(k),
				(uint32_t)r->checks + 1);
	if (err)
		return fit(r, err);
	c = &r->check[r->checks++];
	*c = (struct seen_check){.due_ms = k->due_ms,
				 .line = k->line,
				 .name = k->name,
				 .for_line = k->for_line,
				 .kind = k->kind,
				 .asker = k->asker,
				 .bits = k->drill ? CHECK_DRILL : 0,
				 .outcome = {NO_OUTCOME, NO_OUTCOME}};
	*out = c;
	return 0;
}

/* Line, name and due of an entry; k->line NO_LINE: not asked for */
static int naming_of(struct report *r, const struct fact *f, struct naming *k)
{
	const struct str name = entry_get(f->e, "line"),
			 instead = entry_get(f->e, "for");
	int err = 0;

	memset(k, 0, sizeof(*k));
	k->due_ms = get_stamp(f->e, "due", 0);
	k->kind = kind_of(f->e);
	k->drill = entry_get(f->e, "mark").n > 0;
	k->asker = (uint8_t)f->side;
	/* what another line was asked instead is told of this one too */
	k->line = line_known(r, name);
	if (k->line == NO_LINE && *r->only && str_is(instead, r->only))
		err = line_make(r, name, &k->line);
	else if (k->line == NO_LINE)
		err = line_of(r, name, &k->line);
	if (!err && k->line != NO_LINE)
		err = pool_put(&r->text, entry_get(f->e, "check"), &k->name);
	if (!err && k->line != NO_LINE)
		err = pool_put(&r->text, instead, &k->for_line);
	return err;
}

static int asked(struct report *r, const struct fact *f, const struct naming *k)
{
	struct seen_check *c;
	const int err = get(r, k, &c);

	if (err || !c || (c->bits & CHECK_IS_ASKED))
		return err;
	c->bits |= CHECK_IS_ASKED;
	c->seq = f->e->env.seq;
	return 0;
}

/* `answer` and `attend`: the other side's check, by its number */
static int replied(struct report *r, const struct fact *f, struct naming *k)
{
	const struct str state = entry_get(f->e, "state");
	const bool person = f->e->kind == ENTRY_ATTEND;
	struct seen_check *c;
	uint32_t by, reason;
	unsigned met;
	int err;

	k->asker = !f->side;
	c = find(r, k, true, get_uint(f->e, "of", UINT64_MAX), &met);
	if (!c)
		return 0;
	err = pool_put(&r->text, entry_get(f->e, "by"), &by);
	if (!err)
		err = pool_put(&r->text, entry_get(f->e, "reason"), &reason);
	if (err)
		return err;
	if (str_is(state, "refused")) {
		c->bits |= CHECK_SAID_NO;
		c->reason = reason ? reason : c->reason;
	} else {
		c->bits |= person ? CHECK_PRESENT : CHECK_READY;
	}
	if (person && !c->by)
		c->by = by;
	return 0;
}

static uint8_t outcome_read(const struct entry *e)
{
	const struct str s = entry_get(e, "outcome");
	unsigned o = 0;

	while (o < CHECK_OUTCOMES && !str_is(s, check_outcome_name(o)))
		o++;
	return (uint8_t)o;
}

/* `tried` of an exchange that was off: how many instants passed */
static uint32_t rested(struct str tried)
{
	const size_t n = sizeof(RESTED) - 1;
	uint64_t v;

	if (tried.n <= n || memcmp(tried.p, RESTED, n) != 0)
		return 0;
	tried = (struct str){tried.p + n, tried.n - n};
	if (uint_parse(str_cut(&tried, ' '), &v))
		return 0;
	return v < RESTED_MAX ? (uint32_t)v : RESTED_MAX;
}

/* The asker's own words about it, which only its own results have */
static int details(struct report *r, const struct fact *f, struct seen_check *c,
		   bool late)
{
	const uint64_t after = get_uint(f->e, "after-ms", 0);
	const uint32_t ms = after > UINT32_MAX ? UINT32_MAX : (uint32_t)after;
	uint32_t by, tried;
	int err = pool_put(&r->text, entry_get(f->e, "by"), &by);

	if (!err)
		err = pool_put(&r->text, entry_get(f->e, "tried"), &tried);
	if (err)
		return err;
	if (late) {
		c->late_ms = ms;
		c->late_by = by;
		return 0;
	}
	c->after_ms = ms;
	c->by = by ? by : c->by;
	c->tried = tried;
	c->rested = rested(entry_get(f->e, "tried"));
	return 0;
}

/* Who asks: a result with `of` is the asker's, one without it is the asked
 * side's when a scheduled check of the other has not come */
static void asker_find(const struct report *r, const struct fact *f,
		       struct naming *k)
{
	unsigned met;
	int agreed;

	if (entry_get(f->e, "of").n || k->kind != REPORT_SCHEDULED)
		return;
	agreed = asker_agreed(r, k);
	if (agreed >= 0) {
		k->asker = (uint8_t)agreed;
		return;
	}
	k->asker = !f->side;
	if (!find(r, k, false, 0, &met))
		k->asker = (uint8_t)f->side;
}

static void proves(struct report *r, const struct fact *f,
		   const struct seen_check *c, uint32_t after_ms)
{
	int64_t at = c->due_ms + after_ms;

	if (at > f->e->env.time_ms)
		at = f->e->env.time_ms;
	hiatus_answered(r, c->line, at);
}

static int came_of_it(struct report *r, const struct fact *f, struct naming *k)
{
	const uint8_t outcome = outcome_read(f->e);
	const bool late = outcome == CHECK_ANSWERED_LATE;
	struct seen_check *c;
	int err;

	asker_find(r, f, k);
	err = get(r, k, &c);
	if (err || !c)
		return err;
	/* a check has one result of a side; only lateness comes after it */
	if (c->outcome[f->side] == CHECK_ANSWERED || c->late[f->side] ||
	    (c->outcome[f->side] != NO_OUTCOME && !late))
		return 0;
	if (c->asker == f->side)
		err = details(r, f, c, late);
	if (err)
		return fit(r, err);
	if (late)
		c->late[f->side] = true;
	else
		c->outcome[f->side] = outcome;
	if (c->asker == f->side && (outcome == CHECK_ANSWERED || late))
		proves(r, f, c, late ? c->late_ms : c->after_ms);
	return 0;
}

int check_fact(struct report *r, const struct fact *f)
{
	struct naming k;
	int err = naming_of(r, f, &k);

	if (!err && k.line != NO_LINE) {
		switch (f->e->kind) {
		case ENTRY_CHECK: err = asked(r, f, &k); break;
		case ENTRY_RESULT: err = came_of_it(r, f, &k); break;
		default: err = replied(r, f, &k); break;
		}
	}
	return fit(r, err);
}

/* ---- instants ---- */

unsigned outcome_of(const struct seen_check *c, int side)
{
	return c->late[side] ? CHECK_ANSWERED_LATE : c->outcome[side];
}

int64_t check_after(const struct report *r, const struct seen_check *c,
		    int64_t ms)
{
	const struct agreement *a = agreed_at(&r->line[c->line], c->due_ms);
	const char *name = pool_get(&r->text, c->name);

	for (size_t i = 0; a && i < a->checks; i++) {
		if (!strcmp(a->check[i].name, name))
			return agreement_check_next(a, i, ms);
	}
	return INT64_MAX;
}

unsigned check_covers(const struct report *r,
		      const struct seen_check *const *list, size_t i,
		      int64_t *first_ms, bool *gap)
{
	const struct seen_check *c = list[i];
	const struct line *l = &r->line[c->line];
	const struct agreement *a = agreed_at(l, c->due_ms);
	const bool kin = i && check_kin(list[i - 1], c);
	const int64_t before = kin ? list[i - 1]->due_ms
			       : a ? a->from_ms - 1
				   : c->due_ms - 1;
	int64_t ring[RESTED_MAX];	/* the last instants up to this one */
	const bool rest =
		c->rested && outcome_of(c, c->asker) == CHECK_PATH_DOWN;
	unsigned n = 0, want = rest ? c->rested : 1;

	*first_ms = c->due_ms;
	*gap = false;
	if (c->kind != REPORT_SCHEDULED || (!kin && !rest))
		return 1;
	for (int64_t ms = check_after(r, c, before); ms < c->due_ms;
	     ms = check_after(r, c, ms)) {
		ring[n++ % RESTED_MAX] = ms;
		if (n == APART_MAX) {
			*gap = true;
			return 1;
		}
	}
	/* another text may have had other instants: then nobody can tell */
	*gap = kin && n + 1 > want && a == agreed_at(l, before);
	if (want > n + 1)
		want = n + 1;
	if (want > 1)
		*first_ms = ring[(n - (want - 1)) % RESTED_MAX];
	return want;
}

/* ---- in order ---- */

static int by_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int kin_order(const struct seen_check *a, const struct seen_check *b)
{
	int d = by_number(a->line, b->line);

	d = d ? d : by_number(a->name, b->name);
	d = d ? d : by_number(a->asker, b->asker);
	d = d ? d : by_number(a->kind, b->kind);
	return d ? d : by_number(a->bits & CHECK_DRILL, b->bits & CHECK_DRILL);
}

bool check_kin(const struct seen_check *a, const struct seen_check *b)
{
	return !kin_order(a, b);
}

static int order(const void *x, const void *y)
{
	const struct seen_check *a = *(const struct seen_check *const *)x,
				*b = *(const struct seen_check *const *)y;
	int d = kin_order(a, b);

	if (!d && a->due_ms != b->due_ms)
		d = a->due_ms < b->due_ms ? -1 : 1;
	d = d ? d : by_number(a->for_line, b->for_line);
	return d ? d : (a < b ? -1 : a > b);
}

int checks_sorted(const struct report *r, uint32_t line,
		  const struct seen_check ***list, size_t *n)
{
	const struct seen_check **v =
		malloc((r->checks + 1) * sizeof(const void *));

	if (!v)
		return ENOMEM;
	*n = 0;
	for (size_t i = 0; i < r->checks; i++) {
		if (line == NO_LINE || r->check[i].line == line)
			v[(*n)++] = &r->check[i];
	}
	if (*n)
		qsort(v, *n, sizeof(const void *), order);
	*list = v;
	return 0;
}
