/* SPDX-License-Identifier: ISC */
/** @file test_report_odd.c  Reports of what a peer may make up */
#include <stdio.h>
#include <stdlib.h>
#include "rdtest.h"
#include "report_rig.h"

#define SCHEDULED "kind scheduled\n"

/* ---- what a peer may make up ---- */

TEST(report_refuses)
{
	struct report_conf conf = {.own = SOUTH, .peer = NORTH};
	struct report *r = NULL;

	conf.line = "No Name";
	CHECK_ERR(report_alloc(&r, &conf), EINVAL);
	conf.line = NULL;
	conf.own = NORTH;
	CHECK_ERR(report_alloc(&r, &conf), EINVAL);
	conf.own = "UPPER";
	CHECK_ERR(report_alloc(&r, &conf), EINVAL);
	CHECK(!r);
}

static struct str exact(struct buf *b)
{
	struct str s = {rdtest_exact(b->p, b->n), b->n};

	buf_free(b);
	return s;
}

/* Not of these two feeds, or not an entry: nothing is changed by it */
TEST(report_strangers)
{
	static const char *const logs[] = {
		"north.example/ringdown/other.example/" GEN,
		"other.example/ringdown/south.example/" GEN,
		"north.example/else/south.example/" GEN,
		"north.example",
		"///",
		"ringdown/north.example/south.example/" GEN};
	struct buf before, after, b;
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 0, 11, SOUTHS, "result",
	   OPENING SCHEDULED "outcome unattended\nof 1\n");
	CHECK_OK(statement(&g, DAY, REPORT_EN, &before));
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		const struct envelope env = {.origin = str_of(logs[i]),
					     .time_ms = DAY * DAY_MS};
		struct str s;

		buf_init(&b, 4096);
		entry_begin(&b, &env, "declare");
		buf_str(&b, "line liaison\nstate closed\nby x\nreason y\n");
		entry_end(&b);
		s = exact(&b);
		CHECK_ERR(report_entry(g.r, s.p, s.n, true), EBADMSG);
		CHECK_ERR(report_entry(g.r, s.p, s.n - 1, true), EBADMSG);
	}
	CHECK_ERR(report_entry(g.r, rdtest_exact("", 0), 0, true), EBADMSG);
	CHECK_OK(statement(&g, DAY, REPORT_EN, &after));
	CHECK_STR(said(&after), said(&before));
	buf_free(&before);
	buf_free(&after);
	rig_end(&g);
}

/* What does not fit its type is counted and says nothing */
TEST(report_not_understood)
{
	static const char *const v[][2] = {
		{"declare", "line liaison\nstate ajar\nby x\nreason y\n"},
		{"declare", "line Liaison\nstate open\nby x\nreason y\n"},
		{"result", OPENING "kind scheduled\noutcome unheard-of\n"},
		{"result", OPENING "kind other\noutcome answered\n"},
		{"result", "line liaison\ncheck opening\ndue never\n"
			   "kind scheduled\noutcome answered\n"},
		{"attend", "of -1\n" OPENING "state present\nby x\n"},
		{"answer", "of 1\n" OPENING "state perhaps\n"},
		{"no-such-type", "line liaison\n"},
		{"check", "line liaison\n"},
		{"line", "state sideways\n"}};
	struct rig g;

	rig_agreed(&g, NULL);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		at(&g, 1, 0, NORTHS, v[i][0], v[i][1]);
	CHECK_OK(g.err);
	CHECK_EQ(g.r->entries[NORTHS], 1 + sizeof(v) / sizeof(v[0]));
	CHECK_EQ(g.r->lines, 1);
	CHECK_EQ(g.r->checks, 0);
	CHECK_EQ(g.r->hiatuses, 0);
	says(&g, DAY - 9, "Nothing is recorded for line liaison on this day.",
	     NULL);
	rig_end(&g);
}

/* A side speaks for itself only: it answers no check of its own, and ends no
 * cut with a check that the other side asked */
TEST(report_speaks_for_itself)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 0, 0, SOUTHS, "check", OPENING SCHEDULED);
	at(&g, 0, 0, SOUTHS, "answer", "of 1\n" OPENING "state ready\n");
	at(&g, 0, 0, NORTHS, "answer", "of 7\n" OPENING "state ready\n");
	CHECK_EQ(g.r->check[0].bits, CHECK_IS_ASKED);
	at(&g, -1, 50, SOUTHS, "declare",
	   "line liaison\nstate suspended\nuntil 2026-11-30T23:55:00.000Z\n"
	   "by x\nreason y\n");
	at(&g, 0, 3, NORTHS, "result",
	   OPENING SCHEDULED "outcome answered\nafter-ms 180000\n");
	CHECK(g.r->hiatus[0].h.end_ms == INT64_MAX);
	says(&g, DAY,
	     "The 09:00 (00:00 UTC) opening check on line liaison had, by the "
	     "word of the other side, the result answered.",
	     "회선 liaison의 09:00(UTC 00:00) 개시 점검의 결과는 상대 측의 "
	     "기록상 answered입니다.");
	/* one result a side: what comes after it is not heard */
	at(&g, 0, 10, SOUTHS, "result",
	   OPENING SCHEDULED "outcome unattended\nof 1\n");
	at(&g, 0, 10, SOUTHS, "result",
	   OPENING SCHEDULED "outcome refused\nof 1\n");
	CHECK_EQ(g.r->check[0].outcome[SOUTHS], CHECK_UNATTENDED);
	CHECK_EQ(g.r->checks, 1);
	rig_end(&g);
}

/* Lateness comes once, and only after a miss; beyond 49 days nobody counts */
TEST(report_late_once)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 0, 10, SOUTHS, "result",
	   OPENING SCHEDULED "outcome unattended\nof 1\n");
	at(&g, 0, 20, SOUTHS, "result",
	   OPENING SCHEDULED "outcome answered-late\nof 1\n"
			     "after-ms 4294967297\nby Pak\n");
	at(&g, 0, 30, SOUTHS, "result",
	   OPENING SCHEDULED "outcome answered-late\nof 1\nafter-ms 5\n");
	says(&g, DAY,
	     "The 09:00 (00:00 UTC) opening check on line liaison was not "
	     "answered in time; the other side answered after 49 d 17 h (Pak). "
	     "The record holds no answer of the other side.",
	     NULL);
	rig_end(&g);
	rig_agreed(&g, NULL);
	at(&g, 0, 1, SOUTHS, "result",
	   OPENING SCHEDULED "outcome answered\nof 1\nafter-ms 1000\n");
	at(&g, 0, 20, SOUTHS, "result",
	   OPENING SCHEDULED "outcome answered-late\nof 1\nafter-ms 5\n");
	CHECK_EQ(outcome_of(&g.r->check[0], SOUTHS), CHECK_ANSWERED);
	rig_end(&g);
}

/* Only a scheduled check is expected by the asked side: of all others who has a
 * result has asked */
TEST(report_asker)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 0, 1, NORTHS, "result",
	   OPENING "kind restoration\noutcome path-down\n");
	at(&g, 0, 1, NORTHS, "result", OPENING SCHEDULED "outcome path-down\n");
	CHECK_EQ(g.r->check[0].asker, NORTHS);
	CHECK_EQ(g.r->check[1].asker, SOUTHS);
	/* not agreed on: who asked it has a result, who else may have one too */
	at(&g, 0, 1, NORTHS, "result",
	   "line liaison\ncheck noon\ndue 2026-12-01T03:00:00.000Z\n" SCHEDULED
	   "outcome unattended\nof 3\n");
	at(&g, 0, 1, SOUTHS, "result",
	   "line liaison\ncheck noon\ndue 2026-12-01T03:00:00.000Z\n" SCHEDULED
	   "outcome path-down\n");
	CHECK_EQ(g.r->checks, 3);
	CHECK_EQ(g.r->check[2].asker, NORTHS);
	CHECK_EQ(g.r->check[2].outcome[SOUTHS], CHECK_PATH_DOWN);
	rig_end(&g);
}

TEST(report_pool)
{
	char s[64];

	memset(s, 'x', sizeof(s));
	for (size_t n = 1; n < sizeof(s); n++) {
		struct pool p = {0};
		uint32_t a, b, c;

		CHECK_OK(pool_put(&p, (struct str){s, n}, &a));
		CHECK_OK(pool_put(&p, (struct str){s, n - 1}, &b));
		CHECK_OK(pool_put(&p, (struct str){s, n}, &c));
		CHECK_EQ(a, c);
		CHECK_EQ(b != 0, n > 1);
		CHECK_EQ(strlen(pool_get(&p, a)), n);
		CHECK_EQ(strlen(pool_get(&p, b)), n - 1);
		free(p.p);
		free(p.table.slot);
	}
}

TEST(report_huge_numbers)
{
	struct rig g;
	struct buf b;

	rig_agreed(&g, NULL);
	at(&g, 0, 0, SOUTHS, "check",
	   "line liaison\ncheck opening\ndue 9999-12-31T23:59:59.999Z\n"
	   "kind scheduled\n");
	at(&g, 0, 0, SOUTHS, "result",
	   "line liaison\ncheck opening\ndue 9999-12-31T23:59:59.999Z\n"
	   "kind scheduled\noutcome answered\nof 1\n"
	   "after-ms 9223372036854775807\n");
	at(&g, 0, 0, SOUTHS, "result",
	   "line liaison\ncheck opening\ndue 1970-01-01T00:00:00.000Z\n"
	   "kind scheduled\noutcome path-down\n"
	   "tried this exchange was not running: 9223372036854775807 of\n");
	at(&g, 0, 0, SOUTHS, "result",
	   "line liaison\ncheck opening\ndue 2026-12-01T00:00:00.000Z\n"
	   "kind scheduled\noutcome path-down\n"
	   "tried this exchange was not running: 9223372036854775807 of\n");
	at(&g, 0, 0, NORTHS, "withdraw",
	   "line liaison\nversion 9223372036854775807\nby x\nreason y\n");
	CHECK_OK(g.err);
	for (int64_t day = -5; day < 6000000; day += 2999999) {
		CHECK_OK(statement(&g, day, REPORT_EN, &b));
		buf_free(&b);
		CHECK_OK(statement(&g, day, REPORT_KO, &b));
		buf_free(&b);
	}
	CHECK_OK(statement(&g, INT64_MAX, REPORT_EN, &b));
	buf_free(&b);
	CHECK_OK(statement(&g, INT64_MIN, REPORT_EN, &b));
	buf_free(&b);
	rig_end(&g);
}

/* A peer may name as many lines as it likes, and ask as often at one instant */
TEST(report_full)
{
	char fields[256];
	struct rig g;

	rig_agreed(&g, NULL);
	for (int i = 0; i < 65; i++) {
		snprintf(fields, sizeof(fields),
			 OPENING "kind fallback\nfor line-%d\n", i);
		CHECK(!report_full(g.r));
		at(&g, 0, 0, NORTHS, "check", fields);
	}
	CHECK(report_full(g.r));
	CHECK_EQ(g.r->checks, 64);
	says(&g, DAY,
	     "This is not complete: the record holds more than is looked at at "
	     "once. Name a line.",
	     "이 내용은 완전하지 않습니다. 기록이 한 번에 처리할 수 있는 양을 "
	     "넘었습니다. 회선을 지정하십시오.");
	rig_end(&g);

	rig_agreed(&g, NULL);
	for (int i = 1; i <= REPORT_LINES_MAX; i++) {
		snprintf(fields, sizeof(fields),
			 "line line-%d\nstate open\nby x\nreason y\n", i);
		CHECK(!report_full(g.r));
		g.now++;
		put(&g, NORTHS, "declare", fields, "");
	}
	CHECK_OK(g.err);
	CHECK(report_full(g.r));
	CHECK_EQ(g.r->lines, REPORT_LINES_MAX);
	rig_end(&g);

	/* a report of one line does not care */
	rig_agreed(&g, "liaison");
	for (int i = 1; i <= 100; i++) {
		snprintf(fields, sizeof(fields),
			 "line line-%d\nstate open\nby x\nreason y\n", i);
		put(&g, NORTHS, "declare", fields, "");
	}
	CHECK_EQ(g.r->lines, 1);
	rig_end(&g);
}
