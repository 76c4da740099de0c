/* SPDX-License-Identifier: ISC */
/**
 * @file lines_table.c  Every state and outcome of docs/lines.md, walked
 *
 * Two honest exchanges, no faults but those a scenario makes.  The document is
 * read: a state or outcome that it names and nothing here reaches is a failure.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/state.h"
#include "lines.h"

#define NORTH 0
#define SOUTH 1
#define HOUR 3600000ULL
#define DAY (24 * HOUR)
#define OPENING (15 * HOUR)	/* from the epoch: 09:00 in both zones */
#define CLOSING (23 * HOUR)

static const char *scenario;
static unsigned passed, failed;
static bool reached[LINE_STATES], came[CHECK_OUTCOMES];

static void is(bool ok, int line, const char *what)
{
	if (ok) {
		passed++;
		return;
	}
	failed++;
	printf("test/sim/lines_table.c:%d: %s: %s\n", line, scenario, what);
}

#define IS(cond) is((cond), __LINE__, #cond)

/* ---- what is looked at ---- */

static struct line *line(const struct world *w, int side)
{
	return line_find(w->node[side].core->pair[0], str_of("liaison"));
}

static enum line_state state(struct world *w, int side)
{
	struct line_view v;
	const struct now now = {w->now_ms + 1, world_wall_ms(w)};

	if (!core_line_get(w->node[side].core, now, 0, "liaison", &v))
		return LINE_STATES;
	reached[v.state] = true;
	return v.state;
}

/* The newest own entry of this kind on the line; its outcome is noted */
static bool newest(struct world *w, int side, enum entry_kind kind,
		   const char *line_name, struct entry *e)
{
	struct memdb *db = w->node[side].db;

	for (uint64_t i = memdb_size(db, 0); i-- > 0;) {
		size_t n;
		const uint8_t *p = memdb_entry(db, 0, i, &n);

		if (!entry_parse(p, n, e) && e->kind == kind &&
		    str_is(entry_get(e, "line"), line_name))
			return true;
	}
	return false;
}

static size_t calls(struct world *w, int side)
{
	struct line_view v = {0};
	const struct now now = {w->now_ms + 1, world_wall_ms(w)};

	(void)core_line_get(w->node[side].core, now, 0, "liaison", &v);
	return v.calls;
}

static bool outcome(struct world *w, int side, const char *check,
		    enum check_outcome o)
{
	struct entry e;
	const bool ok = newest(w, side, ENTRY_RESULT, "liaison", &e) &&
			str_is(entry_get(&e, "check"), check) &&
			str_is(entry_get(&e, "outcome"), check_outcome_name(o));

	came[o] |= ok;
	return ok;
}

static unsigned count(struct world *w, int side, enum entry_kind kind,
		      const char *field, const char *value)
{
	struct memdb *db = w->node[side].db;
	unsigned n = 0;

	for (uint64_t i = 0; i < memdb_size(db, 0); i++) {
		struct entry e;
		size_t len;
		const uint8_t *p = memdb_entry(db, 0, i, &len);

		n += !entry_parse(p, len, &e) && e.kind == kind &&
		     str_is(entry_get(&e, field), value);
	}
	return n;
}

/* ---- what is done ---- */

static void order(struct world *w, int side, struct line_order o)
{
	o.line = "liaison";
	o.by = side == NORTH ? "Ri" : "Kim";
	o.request = UINT64_MAX;
	world_order(w, side, &o);
}

static void declare(struct world *w, int side, enum declared d, int64_t until)
{
	order(w, side,
	      (struct line_order){.act = LINE_DECLARE,
				  .declared = d,
				  .until_ms = until,
				  .reason = "as ordered"});
}

static void attend(struct world *w, int side, bool refuse)
{
	const struct line *l = line(w, side);

	for (size_t i = 0; i < l->runs; i++) {
		if (l->run[i].mine || l->run[i].closed)
			continue;
		order(w, side,
		      (struct line_order){.act = LINE_ATTEND,
					  .seq = l->run[i].seq,
					  .refused = refuse});
		return;
	}
	is(false, __LINE__, "a check waits for a person");
}

static void cut(struct world *w, uint64_t for_ms)
{
	world_fault(w, FAULT_PARTITION, 0);
	w->heal_ms = w->now_ms + for_ms;
}

static void begin(struct world *w, const char *name, const char *more)
{
	scenario = name;
	world_init(w, 7);
	world_pair(w);
	world_settle(w);
	lines_agree(w, "liaison", more);
	world_until(w, HOUR);
}

/* The same by an agreement with one piece of the text replaced */
static void begin_with(struct world *w, const char *name, const char *piece,
		       const char *instead)
{
	struct buf usual, text;
	const char *at;

	scenario = name;
	world_init(w, 5);
	world_pair(w);
	world_settle(w);
	lines_text("liaison", 1, NULL, "", &usual);
	buf_init(&text, AGREEMENT_BYTES_MAX);
	at = memmem(usual.p, usual.n, piece, strlen(piece));
	buf_put(&text, usual.p, (size_t)(at - (const char *)usual.p));
	buf_str(&text, instead);
	at += strlen(piece);
	buf_put(&text, at, usual.n - (size_t)(at - (const char *)usual.p));
	lines_agree_text(w, "liaison", text.p, text.n);
	buf_free(&usual);
	buf_free(&text);
}

/* A notice of South's on the line */
static void notice(struct world *w, const char *id)
{
	const struct submit s = {.kind = ENTRY_NOTICE,
				 .id = id,
				 .by = "Kim",
				 .precedence = "routine",
				 .subject = "line check",
				 .media = "text/plain",
				 .body = (const uint8_t *)"x",
				 .body_n = 1,
				 .line = "liaison",
				 .request = UINT64_MAX};

	world_submit(w, SOUTH, &s);
}

/* ---- scenarios ---- */

static void proposed_then_open(struct world *w)
{
	struct line_order o = {.act = LINE_ACCEPT};
	struct buf text;

	scenario = __func__;
	world_init(w, 3);
	world_pair(w);
	world_settle(w);
	world_until(w, 60000);
	lines_text("liaison", 1, NULL, "", &text);
	order(w, NORTH,
	      (struct line_order){
		      .act = LINE_PROPOSE, .text = text.p, .text_n = text.n});
	world_until(w, 120000);
	IS(state(w, NORTH) == LINE_PROPOSED &&
	   state(w, SOUTH) == LINE_PROPOSED);
	/* what was not read cannot be signed */
	order(w, SOUTH, o);
	world_until(w, 180000);
	IS(state(w, SOUTH) == LINE_PROPOSED);
	digest(text.p, text.n, o.hash);
	order(w, SOUTH, o);
	world_until(w, 240000);
	IS(state(w, NORTH) == LINE_OPEN && state(w, SOUTH) == LINE_OPEN);
	IS(line(w, NORTH)->proven && line(w, SOUTH)->proven);
	buf_free(&text);
}

static void declined(struct world *w)
{
	struct line_order o = {.act = LINE_DECLINE,
			       .reason = "not in these hours"};
	struct buf text;

	begin(w, __func__, "");
	lines_text("liaison", 2, line(w, NORTH)->hash, "fallback west\n",
		   &text);
	order(w, NORTH,
	      (struct line_order){
		      .act = LINE_PROPOSE, .text = text.p, .text_n = text.n});
	world_until(w, 2 * HOUR);
	digest(text.p, text.n, o.hash);
	order(w, SOUTH, o);
	world_until(w, 3 * HOUR);
	IS(line(w, NORTH)->agreed->version == 1);
	IS(!line(w, NORTH)->proposal[0].a && !line(w, SOUTH)->proposal[1].a);
	IS(!strcmp(line(w, NORTH)->declined, "not in these hours"));
	buf_free(&text);
}

/* Both propose and both accept while their messages cross */
static void crossing(struct world *w)
{
	struct line_order o = {.act = LINE_ACCEPT};
	struct buf text[2];
	int pivot;

	begin(w, __func__, "");
	for (int s = 0; s < 2; s++) {
		lines_text("liaison", 2, line(w, s)->hash,
			   s ? "fallback west\n" : "fallback east\n", &text[s]);
		order(w, s,
		      (struct line_order){.act = LINE_PROPOSE,
					  .text = text[s].p,
					  .text_n = text[s].n});
	}
	world_until(w, 2 * HOUR);
	for (int s = 0; s < 2; s++) {
		digest(text[!s].p, text[!s].n, o.hash);
		order(w, s, o);
	}
	world_until(w, 3 * HOUR);
	IS(line(w, NORTH)->agreed->version == 2);
	IS(!memcmp(line(w, NORTH)->hash, line(w, SOUTH)->hash, DIGEST_BYTES));
	/* the pivot's `accept` stands first: what the other side proposed */
	pivot = w->node[NORTH].core->pair[0]->names.own_pivot ? NORTH : SOUTH;
	digest(text[!pivot].p, text[!pivot].n, o.hash);
	IS(!memcmp(line(w, NORTH)->hash, o.hash, DIGEST_BYTES));
	IS(count(w, NORTH, ENTRY_ACCEPT, "version", "2") == 1);
	IS(count(w, SOUTH, ENTRY_ACCEPT, "version", "2") == 1);
	/* nobody lied */
	for (int s = 0; s < 2; s++)
		IS(!core_counter(w->node[s].core, COUNT_NOT_AGREED));
	buf_free(&text[0]);
	buf_free(&text[1]);
}

/* The next version, from this day of November 2026 on */
static void amend(struct world *w, const char *day)
{
	const struct line *l = line(w, NORTH);
	struct line_order o = {.act = LINE_ACCEPT};
	struct buf text;
	char *from;

	lines_text("liaison", l->agreed->version + 1, l->hash, "", &text);
	from = memmem(text.p, text.n, "from 2026-11-23", 15);
	memcpy(from + 13, day, 2);
	order(w, NORTH,
	      (struct line_order){
		      .act = LINE_PROPOSE, .text = text.p, .text_n = text.n});
	world_until(w, w->now_ms + 60000);
	digest(text.p, text.n, o.hash);
	order(w, SOUTH, o);
	world_until(w, w->now_ms + 60000);
	buf_free(&text);
}

/* Version 2 is replaced before its day: 1 goes on until that of 3 */
static void amended_twice(struct world *w)
{
	begin(w, __func__, "");
	amend(w, "25");
	amend(w, "26");
	for (int s = 0; s < 2; s++)
		IS(line(w, s)->agreed->version == 3);
	world_until(w, 2 * DAY);
	for (int s = 0; s < 2; s++)
		IS(line_agreement(line(w, s), world_wall_ms(w))->version == 1);
	world_until(w, 3 * DAY);
	for (int s = 0; s < 2; s++)
		IS(line_agreement(line(w, s), world_wall_ms(w))->version == 3);
}

static void withdrawn(struct world *w)
{
	begin(w, __func__, "");
	order(w, NORTH,
	      (struct line_order){.act = LINE_WITHDRAW, .reason = "repealed"});
	IS(state(w, NORTH) == LINE_CLOSED_BY_US);
	world_until(w, 2 * DAY);
	IS(state(w, SOUTH) == LINE_CLOSED_BY_THEM);
	IS(count(w, NORTH, ENTRY_CHECK, "kind", "scheduled") == 0);
	IS(count(w, SOUTH, ENTRY_RESULT, "kind", "scheduled") == 0);
}

static void declared_by_each(struct world *w)
{
	static const struct {
		enum declared d;
		enum line_state here, there;
	} row[] = {
		{DECLARED_CLOSED, LINE_CLOSED_BY_US, LINE_CLOSED_BY_THEM},
		{DECLARED_SUSPENDED, LINE_SUSPENDED_BY_US,
		 LINE_SUSPENDED_BY_THEM},
		{DECLARED_FAULT, LINE_FAULT_HERE, LINE_FAULT_THERE},
	};

	begin(w, __func__, "");
	for (size_t i = 0; i < 3; i++) {
		for (int s = 0; s < 2; s++) {
			declare(w, s, row[i].d, 0);
			world_until(w, w->now_ms + 60000);
			IS(state(w, s) == row[i].here);
			IS(state(w, !s) == row[i].there);
			declare(w, s, DECLARED_OPEN, 0);
			world_until(w, w->now_ms + 60000);
			IS(state(w, s) == LINE_OPEN);
			IS(state(w, !s) == LINE_OPEN);
			IS(line(w, s)->proven && line(w, !s)->proven);
		}
	}
}

static void suspended_until(struct world *w)
{
	begin(w, __func__, "");
	declare(w, SOUTH, DECLARED_SUSPENDED,
		world_wall_ms(w) + (int64_t)(5 * HOUR));
	world_until(w, 2 * HOUR);
	IS(state(w, NORTH) == LINE_SUSPENDED_BY_THEM);
	world_until(w, 6 * HOUR + 5 * 60000);
	IS(state(w, NORTH) == LINE_OPEN && state(w, SOUTH) == LINE_OPEN);
}

static void cut_and_back(struct world *w)
{
	begin(w, __func__, "");
	cut(w, 2 * HOUR);
	world_until(w, 2 * HOUR);
	IS(state(w, NORTH) == LINE_DOWN && state(w, SOUTH) == LINE_DOWN);
	IS(!line(w, NORTH)->proven);
	world_until(w, 4 * HOUR);
	IS(state(w, NORTH) == LINE_OPEN && state(w, SOUTH) == LINE_OPEN);
	IS(line(w, NORTH)->proven && line(w, SOUTH)->proven);
}

static void hours(struct world *w)
{
	begin_with(w, __func__, "check opening",
		   "hours daily 10:00-18:00 south.example\ncheck opening");
	IS(state(w, NORTH) == LINE_OUTSIDE_HOURS);
	world_until(w, OPENING + 1000);
	IS(outcome(w, NORTH, "opening", CHECK_OUTSIDE_HOURS));
	world_until(w, OPENING + HOUR + 60000);
	IS(state(w, NORTH) == LINE_OPEN && state(w, SOUTH) == LINE_OPEN);
	/* proven, and in the evening what is written waits for the morning */
	world_until(w, OPENING + 10 * HOUR);
	IS(line(w, SOUTH)->proven);
	notice(w, "evening");
	world_until(w, OPENING + 20 * HOUR);
	IS(line(w, SOUTH)->waiting == 1);
	world_until(w, OPENING + DAY + HOUR + 60000);
	IS(line(w, SOUTH)->waiting == 0);
}

static void attended(struct world *w)
{
	struct entry e;

	begin(w, __func__, "");
	world_until(w, OPENING + 60000);
	IS(calls(w, SOUTH) == 1);
	attend(w, SOUTH, false);
	world_until(w, OPENING + 120000);
	IS(outcome(w, NORTH, "opening", CHECK_ANSWERED));
	IS(newest(w, NORTH, ENTRY_RESULT, "liaison", &e) &&
	   str_is(entry_get(&e, "by"), "Kim"));
	IS(state(w, NORTH) == LINE_OPEN);
	/* the closing check asks no person */
	world_until(w, CLOSING + 60000);
	IS(outcome(w, SOUTH, "closing", CHECK_ANSWERED));
}

static void unattended_then_late(struct world *w)
{
	begin(w, __func__, "");
	world_until(w, OPENING + 11 * 60000);
	IS(outcome(w, NORTH, "opening", CHECK_UNATTENDED));
	IS(state(w, NORTH) == LINE_UNATTENDED);
	IS(state(w, SOUTH) == LINE_UNATTENDED);
	attend(w, SOUTH, false);
	world_until(w, OPENING + 13 * 60000);
	IS(outcome(w, NORTH, "opening", CHECK_ANSWERED_LATE));
	IS(state(w, NORTH) == LINE_OPEN && state(w, SOUTH) == LINE_OPEN);
}

static void refused_by_a_person(struct world *w)
{
	begin(w, __func__, "");
	world_until(w, OPENING + 60000);
	attend(w, SOUTH, true);
	world_until(w, OPENING + 120000);
	IS(outcome(w, NORTH, "opening", CHECK_REFUSED));
	IS(state(w, NORTH) == LINE_REFUSED && state(w, SOUTH) == LINE_REFUSED);
}

static void refused_by_a_closed_line(struct world *w)
{
	begin(w, __func__, "");
	declare(w, SOUTH, DECLARED_CLOSED, 0);
	world_until(w, OPENING + 60000);
	IS(outcome(w, NORTH, "opening", CHECK_REFUSED));
	IS(state(w, NORTH) == LINE_CLOSED_BY_THEM);
	world_until(w, CLOSING + 60000);
	IS(outcome(w, SOUTH, "closing", CHECK_SUSPENDED));
}

static void faults_declared(struct world *w)
{
	begin(w, __func__, "");
	declare(w, NORTH, DECLARED_FAULT, 0);
	world_until(w, CLOSING + 60000);
	IS(outcome(w, NORTH, "opening", CHECK_FAULT_HERE));
	IS(outcome(w, SOUTH, "closing", CHECK_FAULT_THERE));
}

static void paths_down(struct world *w)
{
	struct entry e;

	begin(w, __func__, "");
	core_path_word(w->node[NORTH].core, 0, 0,
		       "path 0 192.0.2.1:7000: connection refused");
	cut(w, 2 * DAY);
	world_until(w, OPENING + 11 * 60000);
	IS(outcome(w, NORTH, "opening", CHECK_PATH_DOWN));
	IS(newest(w, NORTH, ENTRY_RESULT, "liaison", &e) &&
	   str_is(entry_get(&e, "tried"),
		  "path 0 192.0.2.1:7000: connection refused"));
	/* who is asked sees as well that nobody came */
	IS(outcome(w, SOUTH, "opening", CHECK_PATH_DOWN));
}

static void falls_back(struct world *w)
{
	struct entry e;

	begin(w, __func__, "fallback west\n");
	lines_agree(w, "west", "");
	world_until(w, OPENING + 11 * 60000);
	IS(outcome(w, NORTH, "opening", CHECK_UNATTENDED));
	IS(newest(w, NORTH, ENTRY_CHECK, "west", &e));
	IS(str_is(entry_get(&e, "kind"), "fallback"));
	IS(str_is(entry_get(&e, "for"), "liaison"));
	world_until(w, OPENING + 30 * 60000);
	IS(newest(w, NORTH, ENTRY_RESULT, "west", &e));
	IS(str_is(entry_get(&e, "kind"), "fallback"));
}

static void drill(struct world *w)
{
	struct entry e;

	begin(w, __func__, "");
	order(w, SOUTH, (struct line_order){.act = LINE_CHECK, .drill = true});
	world_until(w, w->now_ms + 60000);
	IS(newest(w, SOUTH, ENTRY_CHECK, "liaison", &e) &&
	   str_is(entry_get(&e, "mark"), "drill"));
	attend(w, NORTH, false);
	world_until(w, w->now_ms + 60000);
	IS(newest(w, SOUTH, ENTRY_RESULT, "liaison", &e) &&
	   str_is(entry_get(&e, "mark"), "drill") &&
	   str_is(entry_get(&e, "kind"), "unannounced"));
}

/* What can never be written must not wait either */
static void not_to_be_written(struct world *w)
{
	const struct submit s = {.kind = ENTRY_NOTICE,
				 .id = "spaced",
				 .by = "Kim",
				 .precedence = "routine",
				 .subject = " begins with a space",
				 .media = "text/plain",
				 .body = (const uint8_t *)"x",
				 .body_n = 1,
				 .line = "liaison",
				 .request = UINT64_MAX};

	begin(w, __func__, "");
	declare(w, NORTH, DECLARED_CLOSED, 0);
	world_until(w, 2 * HOUR);
	world_submit(w, SOUTH, &s);
	IS(line(w, SOUTH)->waiting == 0);
	notice(w, "plain");
	IS(line(w, SOUTH)->waiting == 1);
	declare(w, NORTH, DECLARED_OPEN, 0);
	world_until(w, 3 * HOUR);
	IS(line(w, SOUTH)->waiting == 0);
	IS(count(w, SOUTH, ENTRY_NOTICE, "line", "liaison") == 1);
}

/* Nobody comes: asked again every ten minutes, whatever the grace, and nothing
   goes out before somebody has come */
static void restoration_again(struct world *w)
{
	unsigned asked;

	begin_with(w, __func__, "restoration machine", "restoration person");
	world_until(w, w->now_ms + 60000);
	notice(w, "early");
	world_until(w, w->now_ms + 60 * 60000);
	asked = count(w, NORTH, ENTRY_CHECK, "kind", "restoration") +
		count(w, SOUTH, ENTRY_CHECK, "kind", "restoration");
	IS(asked == 7);
	IS(!line(w, NORTH)->proven && !line(w, SOUTH)->proven);
	IS(line(w, SOUTH)->waiting == 1);
	IS(count(w, SOUTH, ENTRY_NOTICE, "line", "liaison") == 0);
	for (int s = 0; s < 2; s++) {
		if (calls(w, s))
			attend(w, s, false);
	}
	world_until(w, w->now_ms + 60000);
	IS(line(w, NORTH)->proven && line(w, SOUTH)->proven);
	IS(line(w, SOUTH)->waiting == 0);
	IS(count(w, SOUTH, ENTRY_NOTICE, "line", "liaison") == 1);
}

/* While the first of many are on their way out, a new one goes to the end */
static void overtakes_nothing(struct world *w)
{
	char id[16];

	begin(w, __func__, "");
	declare(w, NORTH, DECLARED_CLOSED, 0);
	world_until(w, 2 * HOUR);
	for (int i = 0; i < 400; i++) {
		snprintf(id, sizeof(id), "n%d", i);
		notice(w, id);
	}
	declare(w, NORTH, DECLARED_OPEN, 0);
	while (line(w, SOUTH)->waiting == 400)
		world_step(w);
	IS(line(w, SOUTH)->waiting > 0);
	notice(w, "last");
	world_until(w, w->now_ms + 60000);
	IS(line(w, SOUTH)->waiting == 0);
	IS(count(w, SOUTH, ENTRY_WAITING, "id", "last") == 1);
	lines_check(w, true);
	IS(!w->broken[0]);
}

static void waits_and_goes(struct world *w)
{
	begin(w, __func__, "");
	declare(w, NORTH, DECLARED_CLOSED, 0);
	world_until(w, 2 * HOUR);
	for (int i = 0; i < 5; i++) {
		world_write_on(w, SOUTH, "liaison");
		world_until(w, w->now_ms + HOUR);
	}
	IS(count(w, SOUTH, ENTRY_NOTICE, "line", "liaison") == 0);
	IS(line(w, SOUTH)->waiting ==
	   count(w, SOUTH, ENTRY_WAITING, "line", "liaison"));
	IS(line(w, SOUTH)->waiting > 2);
	declare(w, NORTH, DECLARED_OPEN, 0);
	world_until(w, w->now_ms + 60000);
	IS(line(w, SOUTH)->waiting == 0);
	IS(count(w, SOUTH, ENTRY_WAITING, "line", "liaison") ==
	   count(w, SOUTH, ENTRY_NOTICE, "line", "liaison") +
		   count(w, SOUTH, ENTRY_DOCUMENT, "line", "liaison"));
	lines_check(w, true);
	IS(!w->broken[0]);
}

static void rests_ten_days(struct world *w)
{
	struct entry e;

	begin(w, __func__, "");
	world_rest(w, NORTH, 10 * DAY);
	world_until(w, w->now_ms + 10 * DAY + HOUR);
	IS(newest(w, NORTH, ENTRY_RESULT, "liaison", &e));
	IS(count(w, NORTH, ENTRY_RESULT, "outcome", "path-down") == 2);
	IS(count(w, SOUTH, ENTRY_RESULT, "outcome", "path-down") == 20);
}

/* ---- the document ---- */

static bool word_in(const char *text, const char *word)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "`%s`", word);
	return strstr(text, quoted);
}

/* Each name between backquotes in the first column of section 4 is a state */
static void document(const char *path)
{
	static char text[65536], name[64];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	char *at = strstr(text, "## 4. States"), *end;

	scenario = "docs/lines.md";
	if (f)
		fclose(f);
	IS(n && at);
	end = at ? strstr(at, "## 5.") : NULL;
	for (int i = 0; i < LINE_STATES; i++) {
		snprintf(name, sizeof(name), "%s is reached",
			 line_state_name((enum line_state)i));
		is(reached[i], __LINE__, name);
		is(at && word_in(at, line_state_name((enum line_state)i)),
		   __LINE__, line_state_name((enum line_state)i));
	}
	for (int i = 0; i < CHECK_OUTCOMES; i++) {
		snprintf(name, sizeof(name), "%s comes",
			 check_outcome_name((enum check_outcome)i));
		is(came[i], __LINE__, name);
		is(end && word_in(end,
				  check_outcome_name((enum check_outcome)i)),
		   __LINE__, check_outcome_name((enum check_outcome)i));
	}
	/* and no row that is no state of ours */
	end = at ? strstr(at, "| from the entry") : NULL;
	for (at = at ? strstr(at, "\n| `") : NULL; at && at < end;
	     at = strstr(at + 1, "\n| `")) {
		for (char *p = at + 4; *p && *p != '|' && *p != '\n';) {
			const size_t k = strcspn(p, "`");
			bool known = false;

			snprintf(name, sizeof(name), "%.*s", (int)k, p);
			for (int i = 0; i < LINE_STATES; i++)
				known |= !strcmp(
					name,
					line_state_name((enum line_state)i));
			is(known, __LINE__, name);
			p += k + 1;
			p += strcspn(p, "`|\n");
			p += *p == '`';
			if (*p == '|')
				break;
		}
	}
}

int lines_run(const char *doc)
{
	static void (*const all[])(struct world *) = {
		proposed_then_open,
		declined,
		crossing,
		amended_twice,
		withdrawn,
		declared_by_each,
		suspended_until,
		cut_and_back,
		hours,
		attended,
		unattended_then_late,
		refused_by_a_person,
		refused_by_a_closed_line,
		faults_declared,
		paths_down,
		falls_back,
		drill,
		not_to_be_written,
		restoration_again,
		waits_and_goes,
		overtakes_nothing,
		rests_ten_days,
	};
	static struct world w;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		all[i](&w);
		world_check(&w);
		lines_check(&w, false);
		is(!w.broken[0], __LINE__, w.broken);
		world_free(&w);
	}
	document(doc);
	printf("lines: %u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
