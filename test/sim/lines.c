/* SPDX-License-Identifier: ISC */
/** @file lines.c  Lines in a world: agreements, orders, what must hold */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/state.h"
#include "lines.h"

void lines_text(const char *line, uint64_t version, const uint8_t *replaces,
		const char *more, struct buf *out)
{
	char hex[2 * DIGEST_BYTES + 1] = "";

	buf_init(out, AGREEMENT_BYTES_MAX);
	if (replaces)
		hex_encode(replaces, DIGEST_BYTES, hex);
	buf_printf(out,
		   "ringdown-agreement/v1\nline %s\nversion %" PRIu64
		   "\nreplaces %s%s\nsides north.example south.example\n"
		   "from 2026-11-23T00:00:00Z\npurpose Liaison\nlanguage ko\n"
		   "medium notice\nrecording none\nrestoration machine\n"
		   "zone north.example Asia/Pyongyang\n"
		   "offset north.example 2026-11-23T00:00:00Z +09:00\n"
		   "zone south.example Asia/Seoul\n"
		   "offset south.example 2026-11-23T00:00:00Z +09:00\n"
		   "check opening daily 09:00 south.example by north.example "
		   "grace 600 role officer\n"
		   "check closing daily 17:00 south.example by south.example "
		   "grace 600 role none\n"
		   "unannounced grace 300\n%s",
		   line, version, replaces ? "sha256:" : "none", hex, more);
	assert(!out->err);
}

/* ---- orders ---- */

static void order(struct world *w, int side, struct line_order *o)
{
	o->by = side ? "남측 김 / Kim" : "북측 리 / Ri";
	o->request = UINT64_MAX;
	world_order(w, side, o);
}

static struct line *line_of(const struct world *w, int side, const char *name)
{
	const struct core *c = w->node[side].core;

	return c && c->pair[0] ? line_find(c->pair[0], str_of(name)) : NULL;
}

static void propose(struct world *w, int side, const char *name,
		    const char *more)
{
	const struct line *l = line_of(w, side, name);
	struct line_order o = {.line = name, .act = LINE_PROPOSE};
	struct buf text;

	lines_text(name, l && l->agreed ? l->agreed->version + 1 : 1,
		   l && l->agreed ? l->hash : NULL, more, &text);
	o.text = text.p;
	o.text_n = text.n;
	order(w, side, &o);
	buf_free(&text);
}

static void answer(struct world *w, int side, const char *name, bool yes)
{
	const struct line *l = line_of(w, side, name);
	struct line_order o = {.line = name,
			       .act = yes ? LINE_ACCEPT : LINE_DECLINE,
			       .reason = "not these hours"};

	if (!l || !l->proposal[SIDE_PEER].a)
		return;
	memcpy(o.hash, l->proposal[SIDE_PEER].hash, DIGEST_BYTES);
	order(w, side, &o);
}

static void declare(struct world *w, int side, const char *name,
		    enum declared what, int64_t until_ms)
{
	order(w, side,
	      &(struct line_order){.line = name,
				   .act = LINE_DECLARE,
				   .declared = what,
				   .until_ms = until_ms,
				   .reason = "as ordered"});
}

static void attend(struct world *w, int side, const char *name, bool refuse)
{
	const struct line *l = line_of(w, side, name);
	struct line_order o = {
		.line = name, .act = LINE_ATTEND, .refused = refuse};

	for (size_t i = 0; l && i < l->runs; i++) {
		if (l->run[i].mine || l->run[i].closed)
			continue;
		o.seq = l->run[i].seq;
		order(w, side, &o);
		return;
	}
}

void lines_act(struct world *w, int side)
{
	static const char *const name[] = {"liaison", "west", "none"};
	const char *line = name[world_draw(w, 100) < 2 ? 2 : world_draw(w, 2)];

	if (!w->node[side].up)
		return;
	switch (world_draw(w, 12)) {
	case 0:
		propose(w, side, line,
			world_draw(w, 2) ? "" : "fallback west\n");
		break;
	case 1:
	case 2: answer(w, side, line, true); break;
	case 3: answer(w, side, line, false); break;
	case 4:
		declare(w, side, line,
			(enum declared)world_draw(w, DECLARED_STATES), 0);
		break;
	case 5: declare(w, side, line, DECLARED_OPEN, 0); break;
	case 6:
		if (!world_draw(w, 8))
			order(w, side,
			      &(struct line_order){.line = line,
						   .act = LINE_WITHDRAW,
						   .reason = "repealed"});
		break;
	case 7:
		order(w, side,
		      &(struct line_order){.line = line,
					   .act = LINE_CHECK,
					   .drill = world_draw(w, 2)});
		break;
	case 8:
	case 9: attend(w, side, line, !world_draw(w, 5)); break;
	default: world_write_on(w, side, line); break;
	}
}

/* ---- what must hold ---- */

/* The other end's name for the same state */
static enum line_state mirrored(enum line_state s)
{
	switch (s) {
	case LINE_CLOSED_BY_US: return LINE_CLOSED_BY_THEM;
	case LINE_CLOSED_BY_THEM: return LINE_CLOSED_BY_US;
	case LINE_SUSPENDED_BY_US: return LINE_SUSPENDED_BY_THEM;
	case LINE_SUSPENDED_BY_THEM: return LINE_SUSPENDED_BY_US;
	case LINE_FAULT_HERE: return LINE_FAULT_THERE;
	case LINE_FAULT_THERE: return LINE_FAULT_HERE;
	default: return s;
	}
}

/* Of two that hold at once each end names its own first */
static bool same_state(const struct line *a, enum line_state sa,
		       const struct line *b, enum line_state sb)
{
	(void)a;
	(void)b;
	return sb == mirrored(sa) ||
	       (sa == sb && sa < LINE_DOWN && sa != LINE_PROPOSED);
}

static void check_same(struct world *w, const struct line *a)
{
	const struct line *b = line_of(w, 1, a->name);
	const int64_t at = world_wall_ms(w);
	const struct pair *p = w->node[0].core->pair[0],
			  *q = w->node[1].core->pair[0];

	if (!b) {
		world_broken(w, "line %s is known in the north alone", a->name);
		return;
	}
	if (!a->agreed != !b->agreed ||
	    (a->agreed && memcmp(a->hash, b->hash, DIGEST_BYTES)))
		world_broken(w, "line %s: two agreements in force", a->name);
	for (int s = 0; s < 2; s++) {
		if (!a->proposal[s].a != !b->proposal[!s].a)
			world_broken(w,
				     "line %s: a proposal is open at one end",
				     a->name);
	}
	if (!same_state(a, line_state_at(p, a, at), b, line_state_at(q, b, at)))
		world_broken(w, "line %s: %s in the north, %s in the south",
			     a->name, line_state_name(line_state_at(p, a, at)),
			     line_state_name(line_state_at(q, b, at)));
}

struct seen_check {
	char key[80];
	int asked, results;
};

/* A check happens once: one `check`, and one `result` but for a later answer */
static void check_once(struct world *w, int side)
{
	struct memdb *db = w->node[side].db;
	const uint64_t size = memdb_size(db, 0);
	struct seen_check *v = calloc(size + 1, sizeof(*v));
	size_t n = 0;

	assert(v);
	for (uint64_t i = 0; i < size; i++) {
		struct entry e;
		char key[80];
		size_t len, k = 0;
		const uint8_t *p = memdb_entry(db, 0, i, &len);

		if (entry_parse(p, len, &e) ||
		    (e.kind != ENTRY_CHECK && e.kind != ENTRY_RESULT) ||
		    !str_is(entry_get(&e, "kind"), "scheduled") ||
		    str_is(entry_get(&e, "outcome"), "answered-late"))
			continue;
		snprintf(key, sizeof(key), "%.*s %.*s %.*s",
			 (int)entry_get(&e, "line").n, entry_get(&e, "line").p,
			 (int)entry_get(&e, "check").n,
			 entry_get(&e, "check").p, (int)entry_get(&e, "due").n,
			 entry_get(&e, "due").p);
		while (k < n && strcmp(v[k].key, key) != 0)
			k++;
		memcpy(v[k].key, key, sizeof(key));
		n += k == n;
		v[k].asked += e.kind == ENTRY_CHECK;
		v[k].results += e.kind == ENTRY_RESULT;
		if (v[k].asked > 1 || v[k].results > 1)
			world_broken(w, "%s: check twice: %s",
				     w->node[side].name, key);
	}
	free(v);
}

/* The newest `waiting` before this item with its id: by its place, since clocks
   may be set back */
static uint64_t waited_at(struct memdb *db, const struct entry *item)
{
	for (uint64_t i = item->env.seq; i-- > 0;) {
		struct entry e;
		size_t len;
		const uint8_t *p = memdb_entry(db, 0, i, &len);

		if (!entry_parse(p, len, &e) && e.kind == ENTRY_WAITING &&
		    str_same(entry_get(&e, "id"), entry_get(item, "id")))
			return i;
	}
	return 0;
}

/* What waited went out once, in order, and not while the line was shut */
static void check_waited(struct world *w, int side)
{
	struct memdb *db = w->node[side].db;
	const uint64_t size = memdb_size(db, 0);
	int64_t last[3] = {0, 0, 0};
	uint64_t waited = 0, went = 0, waits = 0;
	const struct pair *pair =
		w->node[side].core ? w->node[side].core->pair[0] : NULL;

	for (uint64_t i = 0; i < size; i++) {
		struct entry e;
		size_t len;
		const uint8_t *p = memdb_entry(db, 0, i, &len);
		int64_t at;
		int line;

		if (entry_parse(p, len, &e))
			continue;
		waited += e.kind == ENTRY_WAITING;
		if ((e.kind != ENTRY_NOTICE && e.kind != ENTRY_DOCUMENT) ||
		    stamp_parse(entry_get(&e, "written"), &at))
			continue;
		went++;
		line = str_is(entry_get(&e, "line"), "west")
			       ? 1
			       : str_is(entry_get(&e, "line"), "none") * 2;
		at = (int64_t)waited_at(db, &e);
		if (at < last[line])
			world_broken(w,
				     "%s: entry %" PRIu64
				     " went out before its turn",
				     w->node[side].name, i);
		last[line] = at;
	}
	for (size_t i = 0; pair && i < pair->lines.n; i++)
		waits += pair->lines.v[i]->waiting;
	if (pair && !memdb_changed(db) && waited != went + waits &&
	    !w->fault[FAULT_ROLLBACK] && !w->fault[FAULT_ROLLBACK_UNMARKED])
		world_broken(w,
			     "%s: %" PRIu64 " waited, %" PRIu64
			     " went out, %" PRIu64 " wait",
			     w->node[side].name, waited, went, waits);
}

/* The entry of our own that asks the same check next, or 0 */
static uint64_t asked_next(struct memdb *db, const struct entry *check,
			   uint64_t *seen)
{
	for (uint64_t i = check->env.seq + 1; i < memdb_size(db, 0); i++) {
		struct entry e;
		size_t n;
		const uint8_t *p = memdb_entry(db, 0, i, &n);

		if (entry_parse(p, n, &e) || e.kind != ENTRY_CHECK ||
		    !str_same(entry_get(&e, "line"),
			      entry_get(check, "line")) ||
		    !str_same(entry_get(&e, "check"),
			      entry_get(check, "check")))
			continue;
		*seen = e.env.seen;
		return i;
	}
	return 0;
}

/* Has this check of ours a result that says so? */
static bool told_answered(struct memdb *db, uint64_t of)
{
	for (uint64_t i = of + 1; i < memdb_size(db, 0); i++) {
		struct entry e;
		uint64_t v;
		size_t n;
		const uint8_t *p = memdb_entry(db, 0, i, &n);

		if (!entry_parse(p, n, &e) && e.kind == ENTRY_RESULT &&
		    !uint_parse(entry_get(&e, "of"), &v) && v == of &&
		    (str_is(entry_get(&e, "outcome"), "answered") ||
		     str_is(entry_get(&e, "outcome"), "answered-late")))
			return true;
	}
	return false;
}

/* Whoever attended is in a result, unless the same was asked anew meanwhile; by a
   clock set back to before the agreement nothing is decided */
static void check_attended(struct world *w, int side)
{
	struct memdb *db = w->node[side].db;

	for (uint64_t i = 0; i < memdb_size(db, 1); i++) {
		struct entry e, check;
		uint64_t of, seen = 0;
		size_t n;
		const uint8_t *p = memdb_entry(db, 1, i, &n);

		if (entry_parse(p, n, &e) || e.kind != ENTRY_ATTEND ||
		    !str_is(entry_get(&e, "state"), "present") ||
		    uint_parse(entry_get(&e, "of"), &of))
			continue;
		p = memdb_entry(db, 0, of, &n);
		if (entry_parse(p, n, &check) ||
		    (asked_next(db, &check, &seen) && seen <= i) ||
		    told_answered(db, of))
			continue;
		world_broken(w,
			     "%s: entry %" PRIu64
			     " of the other side attended, no result says so",
			     w->node[side].name, i);
	}
}

void lines_check(struct world *w, bool settled)
{
	const struct pair *p;

	for (int s = 0; s < SIDES; s++) {
		check_waited(w, s);
		if (w->node[s].core && !w->fault[FAULT_CLOCK_BACK] &&
		    !w->fault[FAULT_CLOCK_FORWARD] &&
		    core_counter(w->node[s].core, COUNT_NOT_AGREED))
			world_broken(w, "%s accuses an honest side",
				     w->node[s].name);
		if (!w->fault[FAULT_CLOCK_BACK] &&
		    !w->fault[FAULT_CLOCK_FORWARD])
			check_once(w, s);
	}
	if (!settled || !w->node[0].core || !w->node[1].core)
		return;
	for (int s = 0; s < SIDES && !w->fault[FAULT_CLOCK_BACK]; s++)
		check_attended(w, s);
	p = w->node[0].core->pair[0];
	for (size_t i = 0; i < p->lines.n; i++)
		check_same(w, p->lines.v[i]);
	if (p->lines.n != w->node[1].core->pair[0]->lines.n)
		world_broken(w, "the ends know of different lines");
}

void lines_agree_text(struct world *w, const char *line, const void *text,
		      size_t n)
{
	struct line_order o = {
		.line = line, .act = LINE_PROPOSE, .text = text, .text_n = n};

	order(w, 0, &o);
	for (int i = 0; i < 4000 && !(line_of(w, 1, line) &&
				      line_of(w, 1, line)->proposal[1].a);
	     i++)
		world_step(w);
	answer(w, 1, line, true);
	for (int i = 0;
	     i < 4000 && !(line_of(w, 0, line) && line_of(w, 0, line)->agreed);
	     i++)
		world_step(w);
}

void lines_agree(struct world *w, const char *line, const char *more)
{
	struct buf text;

	lines_text(line, 1, NULL, more, &text);
	lines_agree_text(w, line, text.p, text.n);
	buf_free(&text);
}
