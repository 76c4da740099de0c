/* SPDX-License-Identifier: ISC */
/** @file test_report.c  Statements, from entries alone */
#include <stdio.h>
#include "rdtest.h"
#include "report_rig.h"

/* ---- phrases ---- */

static void placeholders(const char *s, unsigned *set)
{
	for (*set = 0; (s = strchr(s, '{')); s += 3) {
		CHECK(s[1] >= 'a' && s[1] <= 'z' && s[2] == '}');
		*set |= 1u << V(s[1]);
	}
}

TEST(report_phrases_match)
{
	for (int p = 0; p < PHRASES; p++) {
		unsigned en, ko;

		placeholders(phrase(REPORT_EN, (enum phrase)p), &en);
		placeholders(phrase(REPORT_KO, (enum phrase)p), &ko);
		CHECK_EQ(en, ko);
	}
}

TEST(report_lengths)
{
	static const struct {
		uint64_t ms;
		const char *en, *ko;
	} v[] = {
		{0, "0 s", "0초"},
		{340, "0.3 s", "0.3초"},
		{12000, "12 s", "12초"},
		{60000, "1 min", "1분"},
		{80000, "1 min 20 s", "1분 20초"},
		{80 * 60000, "1 h 20 min", "1시간 20분"},
		{76ULL * 3600000, "3 d 4 h", "3일 4시간"},
		{UINT64_MAX, "213503982334 d 14 h", "213503982334일 14시간"},
	};
	char out[TIME_CHARS];

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		say_length(v[i].ms, REPORT_EN, out);
		CHECK_STR(out, v[i].en);
		say_length(v[i].ms, REPORT_KO, out);
		CHECK_STR(out, v[i].ko);
	}
}

TEST(report_times)
{
	struct rig g;
	struct place here = {NULL, 0, DAY, REPORT_EN};
	char out[TIME_CHARS];

	rig_agreed(&g, NULL);
	CHECK_OK(g.err);
	here.r = g.r;
	say_time(&here, DAY * DAY_MS, out);
	CHECK_STR(out, "09:00 (00:00 UTC)");
	say_time(&here, DAY * DAY_MS - HOUR, out);
	CHECK_STR(out, "08:00 (2026-11-30 23:00 UTC)");
	say_time(&here, DAY * DAY_MS + 16 * HOUR, out);
	CHECK_STR(out, "2026-12-02 01:00 (2026-12-01 16:00 UTC)");
	here.day = INT64_MIN;
	say_time(&here, DAY * DAY_MS, out);
	CHECK_STR(out, "2026-12-01 09:00 (00:00 UTC)");
	here.line = NO_LINE;
	here.lang = REPORT_KO;
	say_time(&here, DAY * DAY_MS, out);
	CHECK_STR(out, "UTC 2026-12-01 00:00");
	CHECK_EQ(report_day(g.r, "liaison", DAY * DAY_MS + 15 * HOUR), DAY + 1);
	CHECK_EQ(report_day(g.r, NULL, DAY * DAY_MS + 15 * HOUR), DAY + 1);
	CHECK_EQ(report_day(g.r, "nothing", DAY * DAY_MS + 15 * HOUR), DAY);
	rig_end(&g);
}

/* ---- checks in words ---- */

#define SCHEDULED "kind scheduled\n"

TEST(report_check_answered)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 0, 0, SOUTHS, "check", OPENING SCHEDULED);
	at(&g, 0, 0, NORTHS, "answer", "of 1\n" OPENING "state ready\n");
	at(&g, 0, 0, NORTHS, "attend",
	   "of 1\n" OPENING "state present\nby Pak Chol\n");
	at(&g, 0, 1, SOUTHS, "result",
	   OPENING SCHEDULED "outcome answered\nof 1\nafter-ms 12000\n"
			     "by Pak Chol\n");
	says(&g, DAY,
	     "The 09:00 (00:00 UTC) opening check on line liaison "
	     "was answered by the other side after 12 s (Pak Chol).",
	     "회선 liaison의 09:00(UTC 00:00) 개시 점검에 상대 측이 "
	     "12초 만에 응답하였습니다(응답자: Pak Chol).");
	rig_end(&g);
}

TEST(report_check_answered_by_us)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 8, 0, NORTHS, "check", CLOSING SCHEDULED);
	at(&g, 8, 0, SOUTHS, "answer", "of 1\n" CLOSING "state ready\n");
	at(&g, 8, 0, NORTHS, "result",
	   CLOSING SCHEDULED "outcome answered\nof 1\nafter-ms 340\n");
	says(&g, DAY,
	     "The 17:00 (08:00 UTC) closing check of the other side on line "
	     "liaison was answered by this side after 0.3 s (its machine).",
	     "상대 측의 회선 liaison의 17:00(UTC 08:00) 마감 점검에 우리 "
	     "측이 0.3초 만에 응답하였습니다(자동 응답).");
	rig_end(&g);
}

TEST(report_check_answer_is_not_in_the_record)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 0, 0, SOUTHS, "check", OPENING SCHEDULED);
	at(&g, 0, 0, NORTHS, "answer", "of 1\n" OPENING "state ready\n");
	at(&g, 0, 1, SOUTHS, "result",
	   OPENING SCHEDULED "outcome answered\nof 1\nafter-ms 12000\n"
			     "by Pak Chol\n");
	says(&g, DAY,
	     "The 09:00 (00:00 UTC) opening check on line liaison "
	     "was answered by the other side after 12 s (Pak Chol). "
	     "The record holds no answer of the other side.",
	     "회선 liaison의 09:00(UTC 00:00) 개시 점검에 상대 측이 "
	     "12초 만에 응답하였습니다(응답자: Pak Chol). 다만 "
	     "기록에 상대 측의 응답은 없습니다.");
	rig_end(&g);
}

TEST(report_check_late)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 0, 0, SOUTHS, "check", OPENING SCHEDULED);
	at(&g, 0, 10, SOUTHS, "result",
	   OPENING SCHEDULED "outcome unattended\nof 1\n");
	at(&g, 1, 20, NORTHS, "attend",
	   "of 1\n" OPENING "state present\nby Pak Chol\n");
	at(&g, 1, 20, SOUTHS, "result",
	   OPENING SCHEDULED "outcome answered-late\nof 1\n"
			     "after-ms 4800000\nby Pak Chol\n");
	says(&g, DAY,
	     "The 09:00 (00:00 UTC) opening check on line liaison "
	     "was not answered in time; the other side answered "
	     "after 1 h 20 min (Pak Chol).",
	     "회선 liaison의 09:00(UTC 00:00) 개시 점검에 상대 측이 "
	     "정해진 시간 안에 응답하지 않았으며, 1시간 20분 만에 "
	     "응답하였습니다(응답자: Pak Chol).");
	rig_end(&g);
}

static void refused(struct rig *g, bool person)
{
	rig_agreed(g, NULL);
	at(g, 0, 0, SOUTHS, "check", OPENING SCHEDULED);
	if (person)
		at(g, 0, 0, NORTHS, "attend",
		   "of 1\n" OPENING
		   "state refused\nby Pak Chol\nreason no orders\n");
	else
		at(g, 0, 0, NORTHS, "answer",
		   "of 1\n" OPENING "state refused\n");
	at(g, 0, 1, SOUTHS, "result",
	   OPENING SCHEDULED "outcome refused\nof 1\n");
}

TEST(report_check_refused)
{
	struct rig g;

	refused(&g, true);
	says(&g, DAY,
	     "The 09:00 (00:00 UTC) opening check on line liaison "
	     "was refused by the other side (Pak Chol; reason: no "
	     "orders).",
	     "회선 liaison의 09:00(UTC 00:00) 개시 점검에 대하여 "
	     "상대 측이 응답을 거부하였습니다(담당자: Pak Chol, "
	     "사유: no orders).");
	rig_end(&g);
	refused(&g, false);
	says(&g, DAY,
	     "The 09:00 (00:00 UTC) opening check on line liaison "
	     "was refused by the other side (its machine).",
	     "회선 liaison의 09:00(UTC 00:00) 개시 점검에 대하여 "
	     "상대 측이 응답을 거부하였습니다(자동 응답).");
	rig_end(&g);
}

/* Outcomes that need nothing besides; the asked side is north */
TEST(report_check_outcomes)
{
	static const struct {
		const char *fields, *en, *ko;
	} v[] = {
		{"outcome unattended\nof 1\n",
		 "was not answered; the exchange of the other side could be "
		 "reached.",
		 "에 상대 측이 응답하지 않았습니다. 상대 측 교환국과는 "
		 "연결되어 있었습니다."},
		{"outcome path-down\ntried path 1: timed out; path 2: "
		 "refused\n",
		 "was not answered; the exchange of the other side could not "
		 "be "
		 "reached (tried: path 1: timed out; path 2: refused).",
		 "에 응답이 없었습니다. 상대 측 교환국과 연결되지 않았습니다"
		 "(시도: path 1: timed out; path 2: refused)."},
		{"outcome fault-declared-here\n",
		 "was not held; this side had declared a fault.",
		 "은 우리 측이 장애를 선언한 상태여서 실시되지 않았습니다."},
		{"outcome fault-declared-there\n",
		 "was not held; the other side had declared a fault.",
		 "은 상대 측이 장애를 선언한 상태여서 실시되지 않았습니다."},
		{"outcome outside-hours\n",
		 "was not held; the time was outside the agreed hours.",
		 "은 합의된 운영 시간이 아니어서 실시되지 않았습니다."},
		{"outcome suspended\n",
		 "was not held; the line had been declared closed or "
		 "suspended.",
		 "은 회선의 폐쇄 또는 중지가 선언된 상태여서 실시되지 "
		 "않았습니다."},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		char fields[512], en[512], ko[512];
		struct rig g;

		rig_agreed(&g, NULL);
		snprintf(fields, sizeof(fields), OPENING SCHEDULED "%s",
			 v[i].fields);
		snprintf(en, sizeof(en),
			 "The 09:00 (00:00 UTC) opening check on line liaison "
			 "%s",
			 v[i].en);
		snprintf(ko, sizeof(ko),
			 "회선 liaison의 09:00(UTC 00:00) 개시 점검%s",
			 v[i].ko);
		at(&g, 0, 11, SOUTHS, "result", fields);
		says(&g, DAY, en, ko);
		rig_end(&g);
	}
}

/* A fault that the asker has is the other side's, seen from here */
TEST(report_check_fault_of_the_asker)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 8, 0, NORTHS, "result",
	   CLOSING SCHEDULED "outcome fault-declared-here\n");
	says(&g, DAY,
	     "The 17:00 (08:00 UTC) closing check of the other side on "
	     "line liaison was not held; the other side had declared a "
	     "fault.",
	     NULL);
	rig_end(&g);
}

TEST(report_check_never_came)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 8, 10, SOUTHS, "result",
	   CLOSING SCHEDULED "outcome unattended\n");
	says(&g, DAY,
	     "The 17:00 (08:00 UTC) closing check of the other side on line "
	     "liaison did not come; the exchange of the other side could be "
	     "reached.",
	     "상대 측의 회선 liaison의 17:00(UTC 08:00) 마감 점검은 "
	     "실시되지 않았습니다. 상대 측 교환국과는 연결되어 있었습니다.");
	rig_end(&g);
}

TEST(report_check_both_down)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 8, 10, SOUTHS, "result",
	   CLOSING SCHEDULED "outcome path-down\n");
	at(&g, 8, 10, NORTHS, "result",
	   CLOSING SCHEDULED "outcome path-down\n");
	says(&g, DAY,
	     "The 17:00 (08:00 UTC) closing check of the other side on line "
	     "liaison was not answered; the exchange of this side could not "
	     "be reached. Both sides recorded this.",
	     "상대 측의 회선 liaison의 17:00(UTC 08:00) 마감 점검에 응답이 "
		"없었습니다. 우리 측 교환국과 연결되지 않았습니다. 양측의 "
	     "기록이 일치합니다.");
	rig_end(&g);
}

TEST(report_check_sides_differ)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 0, 10, NORTHS, "result",
	   OPENING SCHEDULED "outcome path-down\n");
	at(&g, 0, 10, SOUTHS, "result",
	   OPENING SCHEDULED "outcome unattended\nof 1\n");
	says(&g, DAY,
	     "The 09:00 (00:00 UTC) opening check on line liaison: the "
		"records of the two sides differ. This side recorded that it "
	     "was not answered; the exchange of the other side could be "
	     "reached. The other side recorded that it did not come; the "
	     "exchange of this side could not be reached.",
	     "회선 liaison의 09:00(UTC 00:00) 개시 점검에 관한 양측의 "
		"기록이 서로 다릅니다. 우리 측 기록에 따르면 동 점검에 상대 "
		"측이 응답하지 않았습니다. 상대 측 교환국과는 연결되어 "
		"있었습니다. 상대 측 기록에 따르면 동 점검은 실시되지 "
	     "않았습니다. 우리 측 교환국과 연결되지 않았습니다.");
	rig_end(&g);
}

TEST(report_check_without_result)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 0, 0, SOUTHS, "check", OPENING SCHEDULED);
	says(&g, DAY,
	     "The 09:00 (00:00 UTC) opening check on line liaison "
	     "was asked; this record holds no result of it.",
	     "회선 liaison의 09:00(UTC 00:00) 개시 점검은 "
	     "실시되었으나 이 기록에 결과는 없습니다.");
	rig_end(&g);
}

/* Due, the grace over, and the record goes on without a word of it */
TEST(report_check_unheard)
{
	static const char *const en =
		"The 09:00 (00:00 UTC) opening check on line liaison: this "
		"record holds no result of it.";
	struct rig g;
	struct buf b;

	rig_agreed(&g, NULL);
	at(&g, 0, 10, SOUTHS, "ack", "");
	CHECK_OK(statement(&g, DAY, REPORT_EN, &b));
	CHECK(!strstr(said(&b), "holds no result"));	/* to the last ms */
	buf_free(&b);
	at(&g, 0, 11, SOUTHS, "ack", "");
	says(&g, DAY, en,
	     "회선 liaison의 09:00(UTC 00:00) 개시 점검: 이 기록에 "
	     "결과가 없습니다.");
	/* on Saturday there is only the daily one */
	at(&g, 5 * 24, 0, SOUTHS, "ack", "");
	CHECK(!has(&g, DAY + 4, REPORT_EN, en));
	says(&g, DAY + 4,
	     "The 17:00 (08:00 UTC) closing check of the other side on "
	     "line liaison: this record holds no result of it.",
	     NULL);
	rig_end(&g);
}

static void missed(struct rig *g, int day, const char *outcome)
{
	char fields[512], due[STAMP_CHARS + 1];

	g->now = (int64_t)day * DAY_MS;
	stamp_print(g->now, due);
	g->now += 11 * MINUTE;
	snprintf(fields, sizeof(fields),
		 "line liaison\ncheck opening\ndue %s\n" SCHEDULED
		 "outcome %s\n",
		 due, outcome);
	put(g, SOUTHS, "result", fields, "");
}

#define UNATTENDED_EN                                                  \
	"The 09:00 (00:00 UTC) opening check on line liaison was not " \
	"answered; the exchange of the other side could be reached"
#define UNATTENDED_KO                                                       \
	"회선 liaison의 09:00(UTC 00:00) 개시 점검에 상대 측이 응답하지 "   \
	"않았습니다. 상대 측 교환국과는 연결되어 있었습니다"

TEST(report_streak)
{
	struct rig g;

	/* Friday, Monday, Tuesday: the days between are no working days */
	rig_agreed(&g, NULL);
	missed(&g, DAY - 4, "unattended");
	missed(&g, DAY - 1, "unattended");
	missed(&g, DAY, "unattended");
	says(&g, DAY, UNATTENDED_EN "; third working day in a row.",
	     UNATTENDED_KO ". 근무일 기준 3일 연속입니다.");
	says(&g, DAY - 4, UNATTENDED_EN ".", NULL);
	rig_end(&g);

	/* another outcome ends it, and so does a day that nobody tells of */
	rig_agreed(&g, NULL);
	missed(&g, DAY - 4, "unattended");
	missed(&g, DAY - 1, "path-down");
	missed(&g, DAY, "unattended");
	says(&g, DAY, UNATTENDED_EN ".", NULL);
	rig_end(&g);
	rig_agreed(&g, NULL);
	missed(&g, DAY - 4, "unattended");
	missed(&g, DAY, "unattended");
	says(&g, DAY, UNATTENDED_EN ".", NULL);
	rig_end(&g);

	rig_agreed(&g, NULL);
	for (int i = 0, day = DAY - 20; i < 13; i++, day++) {
		while (calendar_weekday(day) > 4)
			day++;
		missed(&g, day, "unattended");
	}
	says(&g, DAY - 6, UNATTENDED_EN "; 11th working day in a row.", NULL);
	says(&g, DAY - 4, UNATTENDED_EN "; 13th working day in a row.", NULL);
	rig_end(&g);
}

TEST(report_check_kinds)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 0, 0, SOUTHS, "result",
	   OPENING "kind unannounced\nmark drill\noutcome unattended\nof 7\n");
	says(&g, DAY,
	     "DRILL: The unannounced check at 09:00 (00:00 UTC) on line "
	     "liaison was not answered; the exchange of the other side "
	     "could be reached.",
	     "[훈련] 회선 liaison의 09:00(UTC 00:00) 불시 점검에 상대 측이 "
	     "응답하지 않았습니다. 상대 측 교환국과는 연결되어 있었습니다.");
	at(&g, 0, 0, NORTHS, "result",
	   OPENING "kind restoration\noutcome unattended\nof 7\n");
	says(&g, DAY,
	     "The restoration check of the other side at 09:00 (00:00 UTC) "
	     "on line liaison was not answered; the exchange of this side "
	     "could be reached.",
	     "상대 측의 회선 liaison의 09:00(UTC 00:00) 복구 확인 점검에 "
		"우리 측이 응답하지 않았습니다. 우리 측 교환국과는 연결되어 "
	     "있었습니다.");
	rig_end(&g);
}

/* The statement of one line tells where it was asked instead */
TEST(report_check_fallback)
{
	static const char *const only[] = {NULL, "liaison"};

	for (int i = 0; i < 2; i++) {
		struct rig g;

		rig_agreed(&g, only[i]);
		agree(&g, "military-west", TEXT("military-west", "1", "none"));
		at(&g, 0, 10, SOUTHS, "check",
		   "line military-west\ncheck opening\n"
		   "due 2026-12-01T00:00:00.000Z\nkind fallback\n"
		   "for liaison\n");
		at(&g, 0, 10, NORTHS, "answer",
		   "of 2\nline military-west\ncheck opening\n"
		   "due 2026-12-01T00:00:00.000Z\nstate ready\n");
		at(&g, 0, 10, SOUTHS, "result",
		   "line military-west\ncheck opening\n"
		   "due 2026-12-01T00:00:00.000Z\nkind fallback\n"
		   "for liaison\noutcome answered\nof 2\nafter-ms 600000\n");
		says(&g, DAY,
		     "In place of line liaison, the 09:00 (00:00 UTC) "
			"opening check on line military-west was answered by "
		     "the other side after 10 min (its machine).",
			"회선 liaison 대신 실시한 회선 military-west의 "
		     "09:00(UTC 00:00) 개시 점검에 상대 측이 10분 만에 "
		     "응답하였습니다(자동 응답).");
		rig_end(&g);
	}
}
