/* SPDX-License-Identifier: ISC */
/** @file test_report_stats.c  Statistics and history, from entries alone */
#include <stdio.h>
#include <stdlib.h>
#include "rdtest.h"
#include "report_rig.h"

#define SCHEDULED "kind scheduled\n"

/* A result of the opening check on a day after DAY, at 09:00 of south's clock;
 * it is there within the same entry time */
static void result(struct rig *g, int side, int day, const char *kind,
		   const char *what)
{
	char fields[512], due[STAMP_CHARS + 1];

	g->now = (int64_t)(DAY + day) * DAY_MS;
	stamp_print(g->now, due);
	g->now += 11 * MINUTE;
	snprintf(fields, sizeof(fields),
		 "line liaison\ncheck opening\ndue %s\n%s%s", due, kind, what);
	put(g, side, "result", fields, "");
}

static void answered(struct rig *g, int day, unsigned after_ms)
{
	char what[64];

	snprintf(what, sizeof(what), "outcome answered\nof 1\nafter-ms %u\n",
		 after_ms);
	result(g, SOUTHS, day, SCHEDULED, what);
}

/* December: 1 to 4 answered, then each other outcome once; a drill; January */
static void two_months(struct rig *g)
{
	static const char *const outcomes[] = {"unattended\nof 1",
					       "refused\nof 1",
					       "path-down",
					       "fault-declared-here",
					       "fault-declared-there",
					       "outside-hours",
					       "suspended"};

	rig_agreed(g, NULL);
	answered(g, 0, 1000);
	answered(g, 1, 3000);
	answered(g, 2, 2000);
	answered(g, 3, 20000);
	for (int i = 0; i < 7; i++) {
		char what[64];

		snprintf(what, sizeof(what), "outcome %s\n", outcomes[i]);
		result(g, SOUTHS, 6 + i, SCHEDULED, what);
	}
	result(g, SOUTHS, 13, SCHEDULED, "outcome unattended\nof 1\n");
	result(g, SOUTHS, 13, SCHEDULED,
	       "outcome answered-late\nof 1\nafter-ms 4000000\n");
	result(g, NORTHS, 14, SCHEDULED, "outcome unattended\n");
	result(g, NORTHS, 15, SCHEDULED, "outcome path-down\n");
	result(g, SOUTHS, 15, SCHEDULED, "outcome unattended\nof 1\n");
	result(g, SOUTHS, 16, "kind unannounced\nmark drill\n",
	       "outcome unattended\nof 1\n");
	answered(g, 34, 7);
}

TEST(report_rows)
{
	struct report_row *rows;
	struct rig g;
	size_t n;

	two_months(&g);
	CHECK_OK(g.err);
	CHECK_OK(report_stats(g.r, NULL, &rows, &n));
	CHECK_EQ(n, 3);
	CHECK_STR(rows[0].line, "liaison");
	CHECK_STR(rows[0].check, "opening");
	CHECK_STR(rows[0].asker, SOUTH);
	CHECK_EQ(rows[0].kind, REPORT_SCHEDULED);
	CHECK(!rows[0].drill);
	CHECK_EQ(rows[0].year, 2026);
	CHECK_EQ(rows[0].month, 12);
	CHECK_EQ(rows[0].count[CHECK_ANSWERED], 4);
	CHECK_EQ(rows[0].count[CHECK_ANSWERED_LATE], 1);
	CHECK_EQ(rows[0].count[CHECK_UNATTENDED], 2);
	for (int o = CHECK_REFUSED; o < CHECK_OUTCOMES; o++)
		CHECK_EQ(rows[0].count[o], 1);
	CHECK_EQ(rows[0].asked, 9);
	CHECK_EQ(rows[0].missing, 1);
	CHECK_EQ(rows[0].differ, 1);
	CHECK_EQ(rows[0].open, 0);
	CHECK_EQ(report_rate(&rows[0]), 444);
	CHECK_EQ(rows[0].p50_ms, 3000);
	CHECK_EQ(rows[0].p90_ms, 4000000);
	CHECK_EQ(rows[0].max_ms, 4000000);
	CHECK_EQ(rows[1].year, 2027);
	CHECK_EQ(rows[1].month, 1);
	CHECK_EQ(report_rate(&rows[1]), 1000);
	CHECK_EQ(rows[1].p50_ms, 7);
	CHECK_EQ(rows[1].p90_ms, 7);
	CHECK_EQ(rows[2].kind, REPORT_UNANNOUNCED);
	CHECK(rows[2].drill);
	CHECK_EQ(rows[2].asked, 1);
	CHECK_EQ(report_rate(&rows[2]), 0);
	free(rows);
	CHECK_OK(report_stats(g.r, "nothing", &rows, &n));
	CHECK_EQ(n, 0);
	free(rows);
	rig_end(&g);
}

/* Nearest rank, at its edges */
TEST(report_percentiles)
{
	struct report_row *rows;
	struct rig g;
	size_t n;

	rig_agreed(&g, NULL);
	for (int i = 0; i < 20; i++)
		answered(&g, i, (unsigned)(20 - i));
	CHECK_OK(report_stats(g.r, NULL, &rows, &n));
	CHECK_EQ(n, 1);
	CHECK_EQ(rows[0].p50_ms, 10);
	CHECK_EQ(rows[0].p90_ms, 18);
	CHECK_EQ(rows[0].max_ms, 20);
	free(rows);
	rig_end(&g);
}

/* A month by the clock of this side: 2026-12-31T15:00Z is the new year */
TEST(report_month_of_the_clock)
{
	static const char *const due[] = {"2026-12-31T14:59:59.999Z",
					  "2026-12-31T15:00:00.000Z"};
	struct report_row *rows;
	struct rig g;
	size_t n;

	rig_agreed(&g, NULL);
	for (int i = 0; i < 2; i++) {
		char fields[256];

		snprintf(fields, sizeof(fields),
			 "line liaison\ncheck x\ndue %s\nkind unannounced\n"
			 "outcome unattended\nof 1\n",
			 due[i]);
		put(&g, NORTHS, "result", fields, "");
	}
	CHECK_OK(report_stats(g.r, NULL, &rows, &n));
	CHECK_EQ(n, 2);
	CHECK_EQ(rows[0].month, 12);
	CHECK_EQ(rows[1].month, 1);
	CHECK_STR(rows[0].asker, NORTH);
	free(rows);
	rig_end(&g);
}

/* A rest over the new year counts in both months */
TEST(report_rest_rows)
{
	struct report_row *rows;
	struct rig g;
	size_t n;

	rig_agreed(&g, NULL);
	answered(&g, 29, 1000);		/* Wednesday, 30 December */
	result(&g, SOUTHS, 34, SCHEDULED,
	       "outcome path-down\n"
	       "tried this exchange was not running: 3 of these checks up to "
	       "this one\n");		/* Thursday, Friday, Monday */
	CHECK_OK(report_stats(g.r, NULL, &rows, &n));
	CHECK_EQ(n, 2);
	CHECK_EQ(rows[0].asked, 2);
	CHECK_EQ(rows[0].count[CHECK_PATH_DOWN], 1);
	CHECK_EQ(rows[1].asked, 2);
	CHECK_EQ(rows[1].count[CHECK_PATH_DOWN], 2);
	free(rows);
	rig_end(&g);
}

/* What the asker calls its own fault is the other side's here */
TEST(report_fault_rows)
{
	struct report_row *rows;
	struct rig g;
	size_t n;

	rig_agreed(&g, NULL);
	put(&g, NORTHS, "result",
	    "line liaison\ncheck closing\ndue 2026-12-01T08:00:00.000Z\n"
	    "kind scheduled\noutcome fault-declared-here\n",
	    "");
	CHECK_OK(report_stats(g.r, NULL, &rows, &n));
	CHECK_EQ(n, 1);
	CHECK_EQ(rows[0].count[CHECK_FAULT_HERE], 0);
	CHECK_EQ(rows[0].count[CHECK_FAULT_THERE], 1);
	CHECK_EQ(rows[0].asked, 0);
	CHECK_EQ(report_rate(&rows[0]) + 1, 0);
	free(rows);
	rig_end(&g);
}

/* ---- printed ---- */

TEST(report_csv)
{
	static const char want[] =
		"line,check,kind,drill,asks,month,asked,answered,"
		"answered_late,unattended,refused,path_down,fault_this_side,"
		"fault_other_side,outside_hours,suspended,missing,no_result,"
		"differ,answer_rate_percent,p50_ms,p90_ms,max_ms\r\n"
		"liaison,opening,scheduled,,south.example,2026-12,9,4,1,2,1,1,"
		"1,1,1,1,1,0,1,44.4,3000,4000000,4000000\r\n"
		"liaison,opening,scheduled,,south.example,2027-01,1,1,0,0,0,0,"
		"0,0,0,0,0,0,0,100.0,7,7,7\r\n"
		"liaison,opening,unannounced,drill,south.example,2026-12,1,0,0,"
		"1,0,0,0,0,0,0,0,0,0,0.0,,,\r\n";
	struct report_row *rows, odd;
	struct rig g;
	struct buf b;
	size_t n;

	two_months(&g);
	CHECK_OK(report_stats(g.r, NULL, &rows, &n));
	buf_init(&b, 65536);
	report_stats_csv(rows, n, &b);
	CHECK_STR(said(&b), want);
	/* quoted where it must be */
	odd = rows[2];
	odd.line = "a,b\"c";
	buf_reset(&b);
	report_stats_csv(&odd, 1, &b);
	CHECK(strstr(said(&b), "\r\n\"a,b\"\"c\",opening,"));
	buf_free(&b);
	free(rows);
	rig_end(&g);
}

TEST(report_table)
{
	static const char en[] =
		"line     check    kind               asks           month    "
		"asked  answered  late  unattended  refused  path-down  not "
		"held  missing  differ    rate   p50        p90        max\n"
		"liaison  opening  scheduled          south.example  2026-12  "
		"    9         4     1           2        1          1       "
		"  4        1       1   44.4%   3 s  1 h 6 min  1 h 6 min\n"
		"liaison  opening  scheduled          south.example  2027-01  "
		"    1         1     0           0        0          0       "
		"  0        0       0  100.0%  7 ms       7 ms       7 ms\n"
		"liaison  opening  unannounced DRILL  south.example  2026-12  "
		"    1         0     0           1        0          0       "
		"  0        0       0    0.0%     -          -          -\n"
		"rate: answered within the grace, of those asked. p50, p90, "
		"max: from due to answer, late ones included. not held: fault, "
		"hours, suspension.\n";
	struct report_row *rows;
	struct str all, line;
	struct rig g;
	struct buf b;
	size_t n;

	two_months(&g);
	CHECK_OK(report_stats(g.r, NULL, &rows, &n));
	for (int lang = 0; lang < REPORT_LANGS; lang++) {
		size_t width = 0, lines = 0;

		buf_init(&b, 65536);
		report_stats_table(g.r, rows, n, (enum report_lang)lang, &b);
		if (lang == REPORT_EN)
			CHECK_STR(said(&b), en);
		all = (struct str){(const char *)b.p, b.n};
		/* every row is as wide as the head */
		while (lines < 4 && str_line(&all, &line)) {
			char s[512];

			CHECK_OK(str_copy(line, s, sizeof(s)));
			width = width ? width : say_columns(s);
			CHECK_EQ(say_columns(s), width);
			lines++;
		}
		CHECK_EQ(lines, 4);
		CHECK(strstr(said(&b), lang == REPORT_KO
					       ? "불시 훈련"
					       : "unannounced DRILL"));
		CHECK(strstr(said(&b), "44.4%"));
		buf_free(&b);
	}
	free(rows);
	buf_init(&b, 1024);
	report_stats_table(g.r, NULL, 0, REPORT_EN, &b);
	CHECK_STR(said(&b), "No checks are recorded.\n");
	buf_free(&b);
	rig_end(&g);
}

/* How often a text stands in another */
static size_t times(const char *in, const char *what)
{
	size_t n = 0;

	for (; (in = strstr(in, what)); in += strlen(what))
		n++;
	return n;
}

static void plot(struct rig *g, enum report_lang lang, struct buf *b)
{
	struct report_row *rows;
	size_t n;

	CHECK_OK(report_stats(g->r, NULL, &rows, &n));
	buf_init(b, 1 << 20);
	report_stats_svg(g->r, rows, n, lang, b);
	CHECK_OK(b->err);
	free(rows);
}

TEST(report_svg)
{
	struct rig g;
	struct buf b;

	two_months(&g);
	plot(&g, REPORT_EN, &b);
	/* one line over two months, one mark each, both again in the legend */
	CHECK_EQ(times(said(&b), "<polyline"), 2);
	CHECK_EQ(times(said(&b), "<polygon"), 3);
	/* December at 44.4 %, January at 100 % */
	CHECK(strstr(said(&b), "points=\"198.0,144.0 482.0,44.0 \""));
	CHECK(strstr(said(&b), ">2026-12</text>"));
	CHECK(strstr(said(&b), ">2027-01</text>"));
	CHECK(strstr(said(&b), ">liaison opening, asked by south.example<"));
	CHECK(!strstr(said(&b), "script"));
	buf_free(&b);
	plot(&g, REPORT_KO, &b);
	CHECK(strstr(said(&b), "xml:lang=\"ko\""));
	CHECK(strstr(said(&b), ">정기 점검의 기한 내 응답률, south.example · "
			       "north.example</title>"));
	buf_free(&b);
	rig_end(&g);
}

/* A month without checks is a gap; nothing at all is said; more than eight
 * series are counted */
TEST(report_svg_edges)
{
	struct rig g;
	struct buf b;

	rig_agreed(&g, NULL);
	plot(&g, REPORT_EN, &b);
	CHECK(strstr(said(&b), ">no scheduled checks</text>"));
	buf_free(&b);
	answered(&g, 0, 1000);
	answered(&g, 70, 1000);	/* February */
	plot(&g, REPORT_EN, &b);
	CHECK_EQ(times(said(&b), "<polyline"), 3);
	buf_free(&b);
	for (int i = 0; i < 12; i++) {
		char fields[256];

		snprintf(fields, sizeof(fields),
			 "line liaison\ncheck x%d\ndue "
			 "2026-12-01T00:00:00.000Z\n"
			 "kind scheduled\noutcome unattended\nof 1\n",
			 i);
		put(&g, NORTHS, "result", fields, "");
	}
	plot(&g, REPORT_EN, &b);
	CHECK(strstr(said(&b), ">5 more are not drawn</text>"));
	buf_free(&b);
	rig_end(&g);
}

/* ---- history ---- */

#define ANSWERED_AT(utc)                                             \
	"line liaison\ncheck restoration\ndue 2026-12-01T" utc ":00.000Z\n" \
	"kind restoration\noutcome answered\nof 9\nafter-ms 1000\n"

TEST(report_history_overlapping)
{
	struct report_hiatus *list;
	struct rig g;
	size_t n;

	rig_agreed(&g, NULL);
	at(&g, 1, 0, NORTHS, "line", "state down\n");
	at(&g, 1, 1, SOUTHS, "line", "state down\n");
	at(&g, 1, 2, SOUTHS, "waiting", "line liaison\nid a\nblob " BLOB "\n");
	at(&g, 1, 3, NORTHS, "declare",
	   "line liaison\nstate suspended\nuntil 2026-12-01T03:00:00.000Z\n"
	   "by x\nreason y\n");
	at(&g, 1, 4, SOUTHS, "declare",
	   "line liaison\nstate fault\nby x\nreason y\n");
	at(&g, 2, 0, NORTHS, "line", "state up\n");
	/* each of the words that still hold keeps it open */
	at(&g, 2, 1, SOUTHS, "result", ANSWERED_AT("02:01"));
	CHECK(g.r->hiatus[0].h.end_ms == INT64_MAX);
	at(&g, 2, 2, SOUTHS, "line", "state up\n");
	at(&g, 2, 3, SOUTHS, "result", ANSWERED_AT("02:03"));
	CHECK(g.r->hiatus[0].h.end_ms == INT64_MAX);
	at(&g, 2, 4, SOUTHS, "declare",
	   "line liaison\nstate open\nby x\nreason y\n");
	at(&g, 2, 5, SOUTHS, "result", ANSWERED_AT("02:05"));
	CHECK(g.r->hiatus[0].h.end_ms == INT64_MAX);	/* suspended to 3 */
	at(&g, 3, 1, SOUTHS, "result", ANSWERED_AT("03:01"));
	at(&g, 3, 2, SOUTHS, "notice",
	   "id a\nby Kim\nprecedence routine\nsubject x\nblob " BLOB
	   "\nline liaison\nwritten 2026-12-01T01:02:00.000Z\n");
	at(&g, 4, 0, NORTHS, "declare",
	   "line liaison\nstate closed\nby x\nreason y\n");
	CHECK_OK(g.err);

	CHECK_OK(report_history(g.r, "liaison", &list, &n));
	CHECK_EQ(n, 2);
	CHECK_STR(list[0].line, "liaison");
	CHECK_EQ(list[0].begin_ms, DAY * DAY_MS + HOUR);
	CHECK_EQ(list[0].end_ms,
		 DAY * DAY_MS + 3 * HOUR + MINUTE + 1000 - 1000);
	CHECK_EQ(list[0].cause, REPORT_DOWN);
	CHECK_EQ(list[0].word_of, 1);
	CHECK_EQ(list[0].causes[0], 1u << REPORT_DOWN | 1u << REPORT_FAULT);
	CHECK_EQ(list[0].causes[1], 1u << REPORT_DOWN | 1u << REPORT_SUSPENDED);
	CHECK_EQ(list[0].waited[0], 1);
	CHECK_EQ(list[0].waited[1], 0);
	CHECK_EQ(list[0].delivered[0], 1);
	CHECK_EQ(list[0].late_max_ms[0], 2 * HOUR);
	CHECK_EQ(list[1].begin_ms, DAY * DAY_MS + 4 * HOUR);
	CHECK(list[1].end_ms == INT64_MAX);
	CHECK_EQ(list[1].cause, REPORT_CLOSED);
	CHECK_EQ(list[1].word_of, 1);
	free(list);
	CHECK_ERR(report_history(g.r, "nothing", &list, &n), ENOENT);
	rig_end(&g);
}

/* While any one word holds, an answer is no end of it */
TEST(report_history_held)
{
	static const struct {
		int side;
		const char *type, *begin, *end;
	} v[] = {{NORTHS, "line", "state down\n", "state up\n"},
		 {SOUTHS, "line", "state down\n", "state up\n"},
		 {NORTHS, "declare",
		  "line liaison\nstate fault\nby x\nreason y\n",
		  "line liaison\nstate open\nby x\nreason y\n"},
		 {SOUTHS, "declare",
		  "line liaison\nstate closed\nby x\nreason y\n",
		  "line liaison\nstate open\nby x\nreason y\n"},
		 {SOUTHS, "declare",
		  "line liaison\nstate suspended\nby x\nreason y\n",
		  "line liaison\nstate open\nby x\nreason y\n"}};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct rig g;

		rig_agreed(&g, NULL);
		at(&g, 1, 0, v[i].side, v[i].type, v[i].begin);
		at(&g, 1, 1, SOUTHS, "result", ANSWERED_AT("01:01"));
		CHECK(g.r->hiatus[0].h.end_ms == INT64_MAX);
		at(&g, 1, 2, v[i].side, v[i].type, v[i].end);
		CHECK(g.r->hiatus[0].h.end_ms == INT64_MAX);
		at(&g, 1, 3, SOUTHS, "result", ANSWERED_AT("01:03"));
		CHECK(g.r->hiatus[0].h.end_ms != INT64_MAX);
		CHECK_EQ(g.r->hiatuses, 1);
		rig_end(&g);
	}
}

/* Written after it was sent: somebody's clock; it is late by nothing */
TEST(report_history_written_later)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 1, 0, SOUTHS, "line", "state down\n");
	at(&g, 2, 0, SOUTHS, "notice",
	   "id a\nby Kim\nprecedence routine\nsubject x\nblob " BLOB
	   "\nline liaison\nwritten 2026-12-01T03:00:00.000Z\n");
	CHECK_EQ(g.r->hiatus[0].h.delivered[0], 1);
	CHECK_EQ(g.r->hiatus[0].h.late_max_ms[0], 0);
	rig_end(&g);
}

/* An answer from before the cut, heard of after it, is no end of it */
TEST(report_history_older_answer)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 1, 0, NORTHS, "line", "state down\n");
	at(&g, 1, 1, NORTHS, "line", "state up\n");
	at(&g, 1, 2, SOUTHS, "result", ANSWERED_AT("00:30"));
	CHECK(g.r->hiatus[0].h.end_ms == INT64_MAX);
	at(&g, 1, 3, SOUTHS, "result", ANSWERED_AT("01:02"));
	CHECK_EQ(g.r->hiatus[0].h.end_ms,
		 DAY * DAY_MS + HOUR + 2 * MINUTE + 1000);
	rig_end(&g);
}

/* No line is cut that is none yet, and a withdrawn one stays so until the next
 * text is agreed */
TEST(report_history_of_agreements)
{
	struct report_hiatus *list;
	struct rig g;
	size_t n;

	rig_init(&g, NULL);
	at(&g, 0, 0, NORTHS, "declare",
	   "line liaison\nstate closed\nby x\nreason y\n");
	at(&g, 0, 0, NORTHS, "line", "state down\n");
	CHECK_EQ(g.r->hiatuses, 0);
	at(&g, 0, 0, NORTHS, "line", "state up\n");
	at(&g, 0, 0, NORTHS, "declare",
	   "line liaison\nstate open\nby x\nreason y\n");
	agree(&g, "liaison", TEXT("liaison", "1", "none"));
	at(&g, 1, 0, SOUTHS, "withdraw",
	   "line liaison\nversion 1\nby x\nreason y\n");
	at(&g, 1, 1, SOUTHS, "result", ANSWERED_AT("01:01"));
	CHECK_OK(report_history(g.r, "liaison", &list, &n));
	CHECK_EQ(n, 1);
	CHECK_EQ(list[0].cause, REPORT_WITHDRAWN);
	CHECK_EQ(list[0].word_of, 0);
	CHECK(list[0].end_ms == INT64_MAX);
	free(list);
	rig_end(&g);
}

TEST(report_history_printed)
{
	static const char en[] =
		"begin                         end                           "
		"   length  waited  delivered late   latest by  by word of\n"
		"2026-12-01 10:00 (01:00 UTC)  2026-12-01 11:08 (02:08 UTC)  "
		"1 h 8 min       1               1  1 h 10 min  the other "
		"side: "
		"down; this side: down, fault\n"
		"2026-12-01 13:00 (04:00 UTC)  goes on                       "
		"        -       0               0           -  the other "
		"side: "
		"closed\n";
	struct report_hiatus *list;
	struct rig g;
	struct buf b;
	size_t n;

	rig_agreed(&g, NULL);
	at(&g, 1, 0, NORTHS, "line", "state down\n");
	at(&g, 1, 1, SOUTHS, "line", "state down\n");
	at(&g, 1, 2, SOUTHS, "waiting", "line liaison\nid a\nblob " BLOB "\n");
	at(&g, 1, 3, SOUTHS, "declare",
	   "line liaison\nstate fault\nby x\nreason y\n");
	at(&g, 1, 4, SOUTHS, "declare",
	   "line liaison\nstate open\nby x\nreason y\n");
	at(&g, 2, 0, NORTHS, "line", "state up\n");
	at(&g, 2, 0, SOUTHS, "line", "state up\n");
	at(&g, 2, 9, SOUTHS, "result", ANSWERED_AT("02:08"));
	at(&g, 2, 12, SOUTHS, "notice",
	   "id a\nby Kim\nprecedence routine\nsubject x\nblob " BLOB
	   "\nline liaison\nwritten 2026-12-01T01:02:00.000Z\n");
	at(&g, 4, 0, NORTHS, "declare",
	   "line liaison\nstate closed\nby x\nreason y\n");
	CHECK_OK(report_history(g.r, "liaison", &list, &n));
	buf_init(&b, 65536);
	report_history_table(g.r, "liaison", list, n, REPORT_EN, &b);
	CHECK_STR(said(&b), en);
	buf_reset(&b);
	report_history_table(g.r, "liaison", list, n, REPORT_KO, &b);
	CHECK(strstr(said(&b), "상대 측: 두절; 우리 측: 두절, 장애"));
	buf_reset(&b);
	report_history_table(g.r, "liaison", NULL, 0, REPORT_EN, &b);
	CHECK_STR(said(&b), "Line liaison was never interrupted.\n");
	buf_free(&b);
	free(list);
	rig_end(&g);
}

/* A trunk that goes up and down for ever costs no more than so much */
TEST(report_cuts_bounded)
{
	struct rig g;

	rig_agreed(&g, NULL);
	for (int i = 0; i < REPORT_CUTS_MAX / 2; i++) {
		g.now++;
		put(&g, NORTHS, "line", "state down\n", "");
		put(&g, NORTHS, "line", "state up\n", "");
	}
	CHECK_OK(g.err);
	CHECK(!report_full(g.r));
	CHECK_EQ(g.r->hiatuses, 1);
	put(&g, NORTHS, "line", "state down\n", "");
	CHECK(report_full(g.r));
	rig_end(&g);
}

TEST_OOM(report_stats_oom)
{
	struct report_row *rows = NULL;
	struct report_hiatus *list = NULL;
	struct rig g;
	struct buf b = {0};
	size_t n = 0;

	two_months(&g);
	at(&g, 4, 0, NORTHS, "declare",
	   "line liaison\nstate closed\nby x\nreason y\n");
	TRY(g.err);
	TRY(report_stats(g.r, NULL, &rows, &n));
	CHECK_EQ(n, 3);
	buf_init(&b, 1 << 20);
	report_stats_table(g.r, rows, n, REPORT_KO, &b);
	report_stats_svg(g.r, rows, n, REPORT_KO, &b);
	report_stats_csv(rows, n, &b);
	TRY(b.err);
	TRY(report_history(g.r, "liaison", &list, &n));
	report_history_table(g.r, "liaison", list, n, REPORT_KO, &b);
	TRY(b.err);
out:
	buf_free(&b);
	free(rows);
	free(list);
	rig_end(&g);
}
