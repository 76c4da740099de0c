/* SPDX-License-Identifier: ISC */
/** @file hostile_lines.c  A peer that signs one agreement and acts on another */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "hostile.h"
#include "lines.h"

#define DUE "2026-11-24T08:00:00.000Z"	/* `closing`: the liar asks */
#define HOURS_TO_DUE (23ULL * 3600000)

/* An entry of the liar's with this text, not sent yet */
static void put(struct rig *r, const char *type, const char *fields,
		const void *text, size_t n)
{
	struct envelope env;
	struct buf b;

	story_envelope(r, &r->mine, &env);
	buf_init(&b, ENTRY_BYTES_MAX);
	entry_begin(&b, &env, type);
	buf_str(&b, fields);
	entry_end(&b);
	buf_put(&b, text, n);
	IS(!b.err);
	story_raw(&r->mine, b.p, b.n);
	r->mine.time_ms = env.time_ms;
	r->mine.seen = env.seen;
	buf_free(&b);
}

/* The same sent, and all acknowledged */
static void say(struct rig *r, const char *type, const char *fields,
		const void *text, size_t n)
{
	put(r, type, fields, text, n);
	liar_push(r);
	liar_ack(r);
	rig_wait(r, 300);
}

static void order(struct rig *r, struct line_order o)
{
	o.line = "liaison";
	o.by = "Kim";
	o.reason = "as ordered";
	rig_turn(r, core_line_do(r->core, r->now, &o));
	liar_ack(r);
	rig_wait(r, 300);
}

static struct line *line(const struct rig *r)
{
	return line_find(rig_pair(r), str_of("liaison"));
}

static unsigned own(struct rig *r, enum entry_kind kind)
{
	unsigned count = 0;

	for (uint64_t i = 0; i < memdb_size(r->db, 0); i++) {
		struct entry e;
		size_t n;
		const uint8_t *p = memdb_entry(r->db, 0, i, &n);

		count += !entry_parse(p, n, &e) && e.kind == kind;
	}
	return count;
}

/* The liar proposes, the core signs what it read */
static void agreed(struct rig *r)
{
	struct line_order o = {.act = LINE_ACCEPT};
	struct buf text;

	usual(r);
	lines_text("liaison", 1, NULL, "", &text);
	say(r, "propose", "line liaison\nversion 1\nby Ri\n", text.p, text.n);
	digest(text.p, text.n, o.hash);
	buf_free(&text);
	order(r, o);
	IS(line(r) && line(r)->agreed);
	is_count(r, COUNT_NOT_AGREED, 0);
}

static void peer_check(struct rig *r, const char *check, const char *due,
		       const char *kind)
{
	char fields[300];

	snprintf(fields, sizeof(fields),
		 "line liaison\ncheck %s\ndue %s\nkind %s\n", check, due, kind);
	say(r, "check", fields, NULL, 0);
}

static void check_as_agreed(struct rig *r)
{
	agreed(r);
	rig_wait(r, HOURS_TO_DUE);
	peer_check(r, "closing", DUE, "scheduled");
	is_count(r, COUNT_NOT_AGREED, 0);
	IS(own(r, ENTRY_ANSWER) == 1);
	/* the same again: no second check */
	peer_check(r, "closing", DUE, "scheduled");
	is_count(r, COUNT_NOT_AGREED, 1);
	IS(own(r, ENTRY_ANSWER) == 1);
}

static void check_not_due(struct rig *r)
{
	agreed(r);
	rig_wait(r, HOURS_TO_DUE);
	peer_check(r, "closing", "2026-11-24T08:00:01.000Z", "scheduled");
	is_count(r, COUNT_NOT_AGREED, 1);
	/* tomorrow's must not make today's look done */
	peer_check(r, "closing", "2026-11-25T08:00:00.000Z", "scheduled");
	is_count(r, COUNT_NOT_AGREED, 2);
	IS(own(r, ENTRY_ANSWER) == 0);
	rig_wait(r, 700000);
	IS(own(r, ENTRY_RESULT) >= 1);	/* ours: nobody came */
}

static void check_of_ours(struct rig *r)
{
	agreed(r);
	rig_wait(r, HOURS_TO_DUE);
	peer_check(r, "opening", "2026-11-24T00:00:00.000Z", "scheduled");
	is_count(r, COUNT_NOT_AGREED, 1);
}

static void check_unknown(struct rig *r)
{
	agreed(r);
	peer_check(r, "midnight", DUE, "scheduled");
	say(r, "check",
	    "line west\ncheck opening\ndue " DUE "\nkind scheduled\n", NULL, 0);
	is_count(r, COUNT_NOT_AGREED, 2);
	IS(own(r, ENTRY_ANSWER) == 0);
}

static void accepts_another_text(struct rig *r)
{
	struct line_order o = {.act = LINE_PROPOSE};
	struct buf text;
	char fields[300];

	usual(r);
	lines_text("liaison", 1, NULL, "", &text);
	o.text = text.p;
	o.text_n = text.n;
	order(r, o);
	IS(line(r) && line(r)->proposal[SIDE_OWN].a);
	snprintf(fields, sizeof(fields),
		 "line liaison\nversion 1\nagreement sha256:%064d %zu\nby Ri\n",
		 0, text.n);
	say(r, "accept", fields, NULL, 0);
	is_count(r, COUNT_NOT_AGREED, 1);
	IS(!line(r)->agreed && line(r)->proposal[SIDE_OWN].a);
	/* nor its own proposal */
	say(r, "propose", "line liaison\nversion 1\nby Ri\n", text.p, text.n);
	buf_free(&text);
}

static void accepts_its_own(struct rig *r)
{
	struct buf text;
	char fields[300], hex[2 * DIGEST_BYTES + 1];
	uint8_t h[DIGEST_BYTES];

	usual(r);
	lines_text("liaison", 1, NULL, "", &text);
	say(r, "propose", "line liaison\nversion 1\nby Ri\n", text.p, text.n);
	digest(text.p, text.n, h);
	hex_encode(h, sizeof(h), hex);
	snprintf(fields, sizeof(fields),
		 "line liaison\nversion 1\nagreement sha256:%s %zu\nby Ri\n",
		 hex, text.n);
	buf_free(&text);
	say(r, "accept", fields, NULL, 0);
	is_count(r, COUNT_NOT_AGREED, 1);
	IS(!line(r)->agreed);
}

static void proposes_rubbish(struct rig *r)
{
	struct buf text;

	usual(r);
	say(r, "propose", "line liaison\nversion 1\nby Ri\n",
	    "give us everything\n", 19);
	is_count(r, COUNT_NOT_AGREED, 1);
	lines_text("west", 1, NULL, "", &text);
	say(r, "propose", "line liaison\nversion 1\nby Ri\n", text.p, text.n);
	is_count(r, COUNT_NOT_AGREED, 2);
	buf_free(&text);
	lines_text("liaison", 2, NULL, "", &text);
	say(r, "propose", "line liaison\nversion 2\nby Ri\n", text.p, text.n);
	is_count(r, COUNT_NOT_AGREED, 3);
	buf_free(&text);
	IS(!line(r));
	is_open(r);	/* the record goes on */
	is_verdict(r, VERDICT_TRUSTED, "");
}

static void answers_nothing(struct rig *r)
{
	char fields[300];

	agreed(r);
	snprintf(fields, sizeof(fields),
		 "of %d\nline liaison\ncheck opening\ndue " DUE
		 "\nstate ready\n",
		 999);
	say(r, "answer", fields, NULL, 0);
	snprintf(fields, sizeof(fields),
		 "of %d\nline liaison\ncheck opening\ndue " DUE
		 "\nstate present\nby Ri\n",
		 999);
	say(r, "attend", fields, NULL, 0);
	is_count(r, COUNT_NOT_AGREED, 2);
}

static void withdraws_the_future(struct rig *r)
{
	agreed(r);
	say(r, "withdraw", "line liaison\nversion 7\nby Ri\nreason repealed\n",
	    NULL, 0);
	IS(line_state_at(rig_pair(r), line(r), r->now.wall_ms) !=
	   LINE_CLOSED_BY_THEM);
	say(r, "withdraw", "line liaison\nversion 1\nby Ri\nreason repealed\n",
	    NULL, 0);
	IS(line_state_at(rig_pair(r), line(r), r->now.wall_ms) ==
	   LINE_CLOSED_BY_THEM);
}

/* One batch, so that its feed is known before the joint record has it */
static void accepts_and_withdraws(struct rig *r)
{
	struct line_order o = {.act = LINE_PROPOSE};
	char fields[300], hex[2 * DIGEST_BYTES + 1];
	uint8_t h[DIGEST_BYTES];
	struct buf text;

	agreed(r);
	lines_text("liaison", 2, line(r)->hash, "", &text);
	o.text = text.p;
	o.text_n = text.n;
	order(r, o);
	digest(text.p, text.n, h);
	hex_encode(h, sizeof(h), hex);
	snprintf(fields, sizeof(fields),
		 "line liaison\nversion 2\nagreement sha256:%s %zu\nby Ri\n",
		 hex, text.n);
	buf_free(&text);
	put(r, "accept", fields, NULL, 0);
	say(r, "withdraw", "line liaison\nversion 2\nby Ri\nreason repealed\n",
	    NULL, 0);
	IS(line(r)->agreed->version == 2);
	IS(line_state_at(rig_pair(r), line(r), r->now.wall_ms) ==
	   LINE_CLOSED_BY_THEM);
	IS(!line(r)->proven);
}

static void check_long_past(struct rig *r)
{
	agreed(r);
	rig_wait(r, HOURS_TO_DUE + 24ULL * 3600000);
	/* late, but never asked before */
	peer_check(r, "closing", DUE, "scheduled");
	peer_check(r, "closing", "2026-11-25T08:00:00.000Z", "scheduled");
	is_count(r, COUNT_NOT_AGREED, 0);
	IS(own(r, ENTRY_ANSWER) == 2);
	peer_check(r, "closing", DUE, "scheduled");
	is_count(r, COUNT_NOT_AGREED, 1);
	IS(own(r, ENTRY_ANSWER) == 2);
}

/* Names of its own choice must not push out what we have asked */
static void crowds_out(struct rig *r)
{
	char name[20];

	agreed(r);
	rig_wait(r, HOURS_TO_DUE - 8ULL * 3600000);
	IS(own(r, ENTRY_CHECK) >= 1);
	for (int i = 0; i < RUNS_MAX + 8; i++) {
		char fields[300];

		snprintf(name, sizeof(name), "name-%d", i);
		snprintf(fields, sizeof(fields),
			 "line liaison\ncheck %s\ndue "
			 "2026-11-24T00:00:00.000Z\nkind fallback\nfor west\n",
			 name);
		say(r, "check", fields, NULL, 0);
	}
	is_count(r, COUNT_NOT_AGREED, RUNS_MAX + 8);
	IS(own(r, ENTRY_ANSWER) == 0);
	rig_wait(r, 700000);
	IS(own(r, ENTRY_RESULT) >= 1);
}

static void rings_on(struct rig *r)
{
	char due[STAMP_CHARS + 1];

	agreed(r);
	for (int i = 0; i < 10; i++) {
		stamp_print(r->now.wall_ms, due);
		peer_check(r, "unannounced", due, "unannounced");
	}
	is_count(r, COUNT_NOT_AGREED, 9);
	IS(own(r, ENTRY_ANSWER) == 1);
	/* once somebody has come, or nobody has, it may ask again */
	order(r,
	      (struct line_order){.act = LINE_ATTEND,
				  .seq = line(r)->run[line(r)->runs - 1].seq});
	stamp_print(r->now.wall_ms, due);
	peer_check(r, "unannounced", due, "unannounced");
	IS(own(r, ENTRY_ANSWER) == 2);
	rig_wait(r, 301000);
	stamp_print(r->now.wall_ms, due);
	peer_check(r, "unannounced", due, "unannounced");
	IS(own(r, ENTRY_ANSWER) == 3);
	is_count(r, COUNT_NOT_AGREED, 9);
}

static void result(struct rig *r, uint64_t of)
{
	char fields[300];

	snprintf(fields, sizeof(fields),
		 "line liaison\ncheck unannounced\ndue "
		 "2026-11-23T10:00:00.000Z\nkind unannounced\noutcome "
		 "answered\nof %" PRIu64 "\nafter-ms 5\nby Kim\n",
		 of);
	say(r, "result", fields, NULL, 0);
}

/* Answered before the line was closed: what waits does not go out on that */
static void proves_by_an_old_check(struct rig *r)
{
	uint64_t asked;

	agreed(r);
	for (int i = 0; i < 2; i++) {
		asked = r->mine.tree.size;
		peer_check(r, "unannounced",
			   i ? "2026-11-23T11:00:00.000Z"
			     : "2026-11-23T10:00:00.000Z",
			   "unannounced");
		order(r, (struct line_order){.act = LINE_ATTEND, .seq = asked});
		if (!i) {
			order(r,
			      (struct line_order){.act = LINE_DECLARE,
						  .declared = DECLARED_CLOSED});
			order(r,
			      (struct line_order){.act = LINE_DECLARE,
						  .declared = DECLARED_OPEN});
		}
		result(r, asked);
		IS(line(r)->proven == (i == 1));
	}
	is_count(r, COUNT_NOT_AGREED, 0);
}

/* Each text is kept: so many and no more */
static void proposes_without_end(struct rig *r)
{
	char name[40], fields[100];
	struct buf text;
	size_t open = 0;

	usual(r);
	for (int i = 0; i < PROPOSALS_MAX + 30; i++) {
		snprintf(name, sizeof(name), "line-%d", i);
		snprintf(fields, sizeof(fields), "line %s\nversion 1\nby Ri\n",
			 name);
		lines_text(name, 1, NULL, "", &text);
		if (i % 200 == 199)
			say(r, "propose", fields, text.p, text.n);
		else
			put(r, "propose", fields, text.p, text.n);
		buf_free(&text);
	}
	liar_push(r);
	liar_ack(r);
	rig_wait(r, 300);
	for (size_t i = 0; i < rig_pair(r)->lines.n; i++)
		open += rig_pair(r)->lines.v[i]->proposal[SIDE_PEER].a != NULL;
	IS(open == PROPOSALS_MAX);
	is_count(r, COUNT_NOT_AGREED, 30);
}

static void falls_silent(struct rig *r)
{
	struct entry e;
	size_t n;
	bool told = false;

	agreed(r);
	rig_closed(r);
	rig_wait(r, HOURS_TO_DUE + 9ULL * 3600000);
	for (uint64_t i = 0; i < memdb_size(r->db, 0); i++) {
		const uint8_t *p = memdb_entry(r->db, 0, i, &n);

		told |= !entry_parse(p, n, &e) && e.kind == ENTRY_RESULT &&
			str_is(entry_get(&e, "check"), "closing") &&
			str_is(entry_get(&e, "outcome"), "path-down");
	}
	IS(told);
}

const struct hostile hostile_lines[] = {
	{"lines: a check as agreed, and twice", check_as_agreed, false},
	{"lines: a check that is not due", check_not_due, false},
	{"lines: a check that we are to ask", check_of_ours, false},
	{"lines: a check that nobody agreed on", check_unknown, false},
	{"lines: another text is accepted", accepts_another_text, false},
	{"lines: its own proposal is accepted", accepts_its_own, false},
	{"lines: rubbish is proposed", proposes_rubbish, false},
	{"lines: what was never asked is answered", answers_nothing, false},
	{"lines: a later version is withdrawn", withdraws_the_future, false},
	{"lines: an agreement accepted and withdrawn at once",
	 accepts_and_withdraws, true},
	{"lines: the same, by the pivot", accepts_and_withdraws, false},
	{"lines: a check asked again after the next", check_long_past, false},
	{"lines: forty checks for a line that is not", crowds_out, false},
	{"lines: it rings every second", rings_on, false},
	{"lines: it proves by an old check", proves_by_an_old_check, false},
	{"lines: it proposes without end", proposes_without_end, false},
	{"lines: it falls silent", falls_silent, false},
	{NULL, NULL, false}};
