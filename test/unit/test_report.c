/* SPDX-License-Identifier: ISC */
/** @file test_report.c  Statements, from entries alone */
#include <stdio.h>
#include <stdlib.h>
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
		{7, "7 ms", "7ms"},
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

/* ---- what people did ---- */

TEST(report_declarations)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 1, 2, SOUTHS, "declare",
	   "line liaison\nstate suspended\nuntil 2026-12-02T00:00:00.000Z\n"
	   "by Kim\nreason storm\n");
	says(&g, DAY,
	     "At 10:02 (01:02 UTC) this side (Kim) declared line liaison "
	     "suspended until 2026-12-02 09:00 (00:00 UTC); reason: storm.",
	     "10:02(UTC 01:02)에 우리 측(Kim)이 회선 liaison의 중지를 "
	     "선언하였습니다(2026-12-02 09:00(UTC 00:00)까지). 사유: storm.");
	says(&g, DAY,
	     "At 10:02 (01:02 UTC) line liaison was interrupted by the word of "
	     "this side (suspended).",
	     "10:02(UTC 01:02)에 우리 측의 선언(중지)으로 회선 liaison의 "
	     "운용이 "
	     "중단되었습니다.");
	at(&g, 2, 0, NORTHS, "declare",
	   "line liaison\nstate closed\nby Pak\nreason orders\n");
	says(&g, DAY,
	     "At 11:00 (02:00 UTC) the other side (Pak) declared line liaison "
	     "closed; reason: orders.",
	     "11:00(UTC 02:00)에 상대 측(Pak)이 회선 liaison의 폐쇄를 "
	     "선언하였습니다. 사유: orders.");
	at(&g, 3, 0, NORTHS, "declare",
	   "line liaison\nstate fault\nby Pak\nreason cable\n");
	says(&g, DAY,
	     "At 12:00 (03:00 UTC) the other side (Pak) declared a fault of "
	     "line liaison; reason: cable.",
	     "12:00(UTC 03:00)에 상대 측(Pak)이 회선 liaison의 장애를 "
	     "선언하였습니다. 사유: cable.");
	at(&g, 4, 0, NORTHS, "declare",
	   "line liaison\nstate open\nby Pak\nreason mended\n");
	says(&g, DAY,
	     "At 13:00 (04:00 UTC) the other side (Pak) declared line liaison "
	     "open; reason: mended.",
	     "13:00(UTC 04:00)에 상대 측(Pak)이 회선 liaison의 개통을 "
	     "선언하였습니다. 사유: mended.");
	rig_end(&g);
}

static void replaces(const char *old, char *out, size_t size)
{
	char hex[2 * DIGEST_BYTES + 1];
	uint8_t h[DIGEST_BYTES];

	digest(old, strlen(old), h);
	hex_encode(h, sizeof(h), hex);
	snprintf(out, size, TEXT("liaison", "2", "sha256:%s"), hex);
}

TEST(report_amendment)
{
	char text[4096];
	struct rig g;

	rig_agreed(&g, NULL);
	replaces(TEXT("liaison", "1", "none"), text, sizeof(text));
	g.now = DAY * DAY_MS;
	put(&g, NORTHS, "propose", "line liaison\nversion 2\nby Pak\n", text);
	says(&g, DAY,
	     "At 09:00 (00:00 UTC) the other side (Pak) proposed version 2 of "
	     "the agreement on line liaison.",
	     "09:00(UTC 00:00)에 상대 측(Pak)이 회선 liaison 합의문 제2판을 "
	     "제안하였습니다.");
	reply_text(&g, SOUTHS, "decline", "liaison", "2", text,
		   "reason too early\n");
	says(&g, DAY,
	     "At 09:00 (00:00 UTC) this side (Kim) declined version 2 of the "
	     "agreement on line liaison; reason: too early.",
	     "09:00(UTC 00:00)에 우리 측(Kim)이 회선 liaison 합의문 제2판을 "
	     "거절하였습니다. 사유: too early.");
	/* what was declined cannot be accepted */
	reply_text(&g, SOUTHS, "accept", "liaison", "2", text, "");
	says(&g, DAY,
	     "At 09:00 (00:00 UTC) this side (Kim) accepted version 2 of the "
	     "agreement on line liaison. This had no effect.",
	     "09:00(UTC 00:00)에 우리 측(Kim)이 회선 liaison 합의문 제2판을 "
	     "수락하였습니다. 이는 효력이 없습니다.");
	says(&g, DAY,
	     "Line liaison (agreement version 1, local time UTC+09:00)",
	     "회선 liaison (합의문 제1판, 현지 시각 UTC+09:00)");
	g.now += MINUTE;
	put(&g, SOUTHS, "propose", "line liaison\nversion 2\nby Kim\n", text);
	reply_text(&g, NORTHS, "accept", "liaison", "2", text, "");
	says(&g, DAY,
	     "At 09:01 (00:01 UTC) the other side (Kim) accepted version 2 of "
	     "the agreement on line liaison; it is in force from 2026-11-01 "
	     "09:00 (00:00 UTC).",
	     "09:01(UTC 00:01)에 상대 측(Kim)이 회선 liaison 합의문 제2판을 "
	     "수락하였습니다. 효력은 2026-11-01 09:00(UTC 00:00)부터입니다.");
	says(&g, DAY,
	     "Line liaison (agreement version 2, local time UTC+09:00)", NULL);
	at(&g, 1, 0, NORTHS, "withdraw",
	   "line liaison\nversion 1\nby Pak\nreason old\n");
	says(&g, DAY,
	     "At 10:00 (01:00 UTC) the other side (Pak) withdrew from version "
	     "1 "
	     "of the agreement on line liaison; reason: old. This had no "
	     "effect.",
	     NULL);
	at(&g, 1, 0, NORTHS, "withdraw",
	   "line liaison\nversion 2\nby Pak\nreason orders\n");
	says(&g, DAY,
	     "At 10:00 (01:00 UTC) the other side (Pak) withdrew from version "
	     "2 "
	     "of the agreement on line liaison; reason: orders.",
	     "10:00(UTC 01:00)에 상대 측(Pak)이 회선 liaison 합의문 제2판에서 "
	     "탈퇴하였습니다. 사유: orders.");
	says(&g, DAY,
	     "At 10:00 (01:00 UTC) line liaison was interrupted by the word of "
	     "the other side (withdrawn).",
	     NULL);
	/* nothing is due on it any more */
	at(&g, 20, 0, SOUTHS, "ack", "");
	CHECK(!has(&g, DAY, REPORT_EN,
		   "The 17:00 (08:00 UTC) closing check of the other side on "
		   "line liaison: this record holds no result of it."));
	rig_end(&g);
}

/* What the text says must fit what it is proposed as */
TEST(report_stale_proposals)
{
	static const char *const texts[] = {
		"no agreement at all\n", TEXT("other", "1", "none"),
		TEXT("liaison", "2", "none"),
		TEXT("liaison", "2",
		     "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca4"
		     "95991b7852b855"),
		TEXT("liaison", "1",
		     "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca4"
		     "95991b7852b855")};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct rig g;

		rig_init(&g, NULL);
		g.now = DAY * DAY_MS;
		put(&g, NORTHS, "propose", "line liaison\nversion 1\nby Pak\n",
		    texts[i]);
		put(&g, NORTHS, "propose", "line liaison\nversion 2\nby Pak\n",
		    texts[i]);
		CHECK(!g.r->line[0].proposal[NORTHS].text);
		reply_text(&g, SOUTHS, "accept", "liaison", "1", texts[i], "");
		says(&g, DAY,
		     "At 00:00 UTC the other side (Pak) proposed version 1 of "
		     "the agreement on line liaison. This had no effect.",
		     NULL);
		says(&g, DAY,
		     "At 00:00 UTC this side (Kim) accepted version 1 of the "
		     "agreement on line liaison. This had no effect.",
		     "UTC 00:00에 우리 측(Kim)이 회선 liaison 합의문 제1판을 "
		     "수락하였습니다. 이는 효력이 없습니다.");
		says(&g, DAY,
		     "Line liaison (no agreement in the record, times are UTC)",
		     NULL);
		rig_end(&g);
	}
}

/* Every part of what is accepted must be what was proposed, and a text must
 * follow the one before it */
TEST(report_agreement_must_match)
{
	static const char other[] = TEXT("liaison", "2", "none");
	char text[4096], wrong[4096];
	struct rig g;

	rig_agreed(&g, NULL);
	replaces(TEXT("liaison", "1", "none"), text, sizeof(text));
	replaces(other, wrong, sizeof(wrong));
	put(&g, NORTHS, "propose", "line liaison\nversion 2\nby Pak\n", wrong);
	CHECK(!g.r->line[0].proposal[NORTHS].text);
	put(&g, NORTHS, "propose", "line liaison\nversion 1\nby Pak\n",
	    TEXT("liaison", "1", "none"));
	CHECK(!g.r->line[0].proposal[NORTHS].text);
	snprintf(wrong, sizeof(wrong), "%s", text);
	strchr(strstr(wrong, "version"), '2')[0] = '3';
	put(&g, NORTHS, "propose", "line liaison\nversion 3\nby Pak\n", wrong);
	CHECK(!g.r->line[0].proposal[NORTHS].text);
	put(&g, NORTHS, "propose", "line liaison\nversion 2\nby Pak\n", text);
	CHECK(g.r->line[0].proposal[NORTHS].text);
	reply_text(&g, SOUTHS, "accept", "liaison", "2", other, "");
	reply_text(&g, SOUTHS, "accept", "liaison", "3", text, "");
	reply_text(&g, NORTHS, "accept", "liaison", "2", text, "");
	CHECK_EQ(g.r->line[0].agreements, 1);
	CHECK(g.r->line[0].proposal[NORTHS].text);
	CHECK_OK(g.err);
	rig_end(&g);
}

/* Two proposals that crossed: the first one accepted ends the other */
TEST(report_proposals_cross)
{
	const char *ours = TEXT("liaison", "1", "none");
	char theirs[4096];
	struct rig g;

	rig_init(&g, NULL);
	snprintf(theirs, sizeof(theirs), "%s", ours);
	memcpy(strstr(theirs, "Liaison"), "LIAISON", 7);
	g.now = DAY * DAY_MS;
	put(&g, NORTHS, "propose", "line liaison\nversion 1\nby Pak\n", theirs);
	put(&g, SOUTHS, "propose", "line liaison\nversion 1\nby Kim\n", ours);
	reply_text(&g, NORTHS, "accept", "liaison", "1", ours, "");
	reply_text(&g, SOUTHS, "accept", "liaison", "1", theirs, "");
	CHECK_OK(g.err);
	CHECK_EQ(g.r->line[0].agreements, 1);
	CHECK_STR(g.r->line[0].agreed[0].text->purpose, "Liaison");
	CHECK(!g.r->line[0].proposal[NORTHS].text);
	rig_end(&g);
}

/* Until it is placed, an accept may turn out to be stale */
TEST(report_unplaced)
{
	const char *text = TEXT("liaison", "1", "none");
	struct rig g;

	rig_init(&g, NULL);
	g.now = DAY * DAY_MS;
	put(&g, NORTHS, "propose", "line liaison\nversion 1\nby Pak\n", text);
	g.unplaced = true;
	reply_text(&g, SOUTHS, "accept", "liaison", "1", text, "");
	says(&g, DAY,
	     "At 00:00 UTC this side (Kim) accepted version 1 of the agreement "
	     "on line liaison. It is not in the joint record yet.",
	     "UTC 00:00에 우리 측(Kim)이 회선 liaison 합의문 제1판을 "
	     "수락하였습니다. 이는 아직 공동 기록에 오르지 않았습니다.");
	says(&g, DAY,
	     "Source: the record of both sides up to 2026-12-01 00:00 UTC; "
	     "entries of this side: 1, of the other: 1. Not in the joint "
	     "record "
	     "yet: 1.",
	     "출처: UTC 2026-12-01 00:00까지의 양측 기록. 우리 측 1건, 상대 측 "
	     "1건. 그중 1건은 아직 공동 기록에 오르지 않았습니다.");
	CHECK_EQ(g.r->line[0].agreements, 0);
	put(&g, SOUTHS, "declare",
	    "line liaison\nstate open\nby Kim\nreason y\n", "");
	says(&g, DAY,
	     "At 00:00 UTC this side (Kim) declared line liaison open; reason: "
	     "y. It is not in the joint record yet.",
	     NULL);
	rig_end(&g);
}

/* ---- cuts and messages ---- */

TEST(report_cut)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 5, 2, SOUTHS, "line", "state down\n");
	says(&g, DAY,
	     "At 14:02 (05:02 UTC) this side recorded that the exchange of the "
	     "other side could not be reached any more: line liaison was "
	     "interrupted.",
	     "14:02(UTC 05:02)에 우리 측이 상대 측 교환국과의 연결이 끊겼음을 "
	     "기록하였으며, 회선 liaison의 운용이 중단되었습니다.");
	says(&g, DAY,
	     "Line liaison has been interrupted since 14:02 (05:02 UTC), and "
	     "was not restored on this day.",
	     "회선 liaison의 운용은 14:02(UTC 05:02)부터 중단된 상태이며, "
	     "이날 재개되지 않았습니다.");
	says(&g, DAY + 1,
	     "Line liaison has been interrupted since 2026-12-01 14:02 (05:02 "
	     "UTC), and was not restored on this day.",
	     NULL);
	at(&g, 6, 0, SOUTHS, "line", "state up\n");
	at(&g, 6, 10, SOUTHS, "result",
	   "line liaison\ncheck restoration\ndue 2026-12-01T06:10:00.000Z\n"
	   "kind restoration\noutcome answered\nof 3\nafter-ms 20\n");
	says(&g, DAY,
	     "At 15:10 (06:10 UTC) the interruption of line liaison ended "
	     "after "
	     "1 h 8 min: a check was answered.",
	     "15:10(UTC 06:10)에 점검 응답이 확인되어 회선 liaison의 중단이 "
	     "1시간 8분 만에 끝났습니다.");
	rig_end(&g);
}

static void message(struct rig *g, int side, bool document, const char *more)
{
	char fields[512];

	snprintf(fields, sizeof(fields),
		 "id a\nby Kim\nprecedence routine\nsubject x\n%sblob " BLOB
		 "\n%s",
		 document ? "name x\n" : "", more);
	put(g, side, document ? "document" : "notice", fields, "");
}

TEST(report_messages)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, 5, 0, SOUTHS, "waiting", "line liaison\nid a\nblob " BLOB "\n");
	message(&g, SOUTHS, false, "line liaison\n");
	message(&g, SOUTHS, false,
		"line liaison\nwritten 2026-12-01T01:48:00.000Z\n");
	message(&g, SOUTHS, true,
		"line liaison\nwritten 2026-12-01T04:00:00.000Z\n");
	message(&g, NORTHS, false, "line liaison\n");
	message(&g, NORTHS, false, "");
	says(&g, DAY,
	     "This side passed 2 notices and 1 document on line liaison. 2 of "
	     "them had waited, the longest for 3 h 12 min.",
	     "회선 liaison에서 우리 측은 통지문 2건, 문서 1건을 "
	     "전달하였습니다. 그중 2건은 대기 후 전달되었으며 가장 긴 대기 "
	     "시간은 3시간 12분입니다.");
	says(&g, DAY, "The other side passed 1 notice on line liaison.",
	     "회선 liaison에서 상대 측은 통지문 1건을 전달하였습니다.");
	says(&g, DAY,
	     "This side handed in 1 message on line liaison, kept "
	     "waiting.",
	     "회선 liaison에서 우리 측의 문건 1건이 대기 상태로 "
	     "접수되었습니다.");
	says(&g, DAY, "The other side passed 1 notice outside the lines.",
	     "회선 외로 상대 측은 통지문 1건을 전달하였습니다.");
	says(&g, DAY + 1, "Nothing is recorded for line liaison on this day.",
	     "이날 회선 liaison에 관한 기록은 없습니다.");
	rig_end(&g);
}

/* ---- the whole ---- */

TEST(report_statement_whole)
{
	static const char en[] =
		"Statement on the lines between " SOUTH " and " NORTH "\n"
		"Tuesday, 1 December 2026. Times are those of " SOUTH
		", with UTC in brackets. This side is " SOUTH
		", the other side is " NORTH ".\n"
		"\n"
		"Line liaison (agreement version 1, local time "
		"UTC+09:00)\n" UNATTENDED_EN "; second working day in a row.\n"
		"\n"
		"Source: the record of both sides up to 2026-12-01 00:11 UTC; "
		"entries of this side: 3, of the other: 1.\n";
	static const char ko[] = SOUTH
		" · " NORTH " 간 회선 상황 발표\n"
		"2026년 12월 1일 화요일. 시각은 " SOUTH
		"의 현지 시각이며 괄호 안은 UTC입니다. 우리 측은 " SOUTH
		", 상대 측은 " NORTH "입니다.\n"
		"\n"
		"회선 liaison (합의문 제1판, 현지 시각 "
		"UTC+09:00)\n" UNATTENDED_KO ". 근무일 기준 2일 연속입니다.\n"
		"\n"
		"출처: UTC 2026-12-01 00:11까지의 양측 기록. 우리 측 3건, 상대 "
		"측 1건.\n";
	struct rig g;
	struct buf b;

	rig_agreed(&g, NULL);
	missed(&g, DAY - 1, "unattended");
	missed(&g, DAY, "unattended");
	CHECK_OK(statement(&g, DAY, REPORT_EN, &b));
	CHECK_STR(said(&b), en);
	buf_free(&b);
	CHECK_OK(statement(&g, DAY, REPORT_KO, &b));
	CHECK_STR(said(&b), ko);
	buf_free(&b);
	rig_end(&g);
}

/* The same record, read on the other side: its clock, its words */
TEST(report_of_the_other_side)
{
	const struct report_conf conf = {
		.own = NORTH, .peer = SOUTH, .to_ms = INT64_MAX};
	struct rig g;

	rig_init(&g, NULL);
	g.r = report_free(g.r);
	CHECK_OK(report_alloc(&g.r, &conf));
	agree(&g, "liaison", TEXT("liaison", "1", "none"));
	missed(&g, DAY, "unattended");
	says(&g, DAY,
	     "The 08:30 (00:00 UTC) opening check of the other side on line "
	     "liaison was not answered; the exchange of this side could be "
	     "reached.",
	     NULL);
	rig_end(&g);
}

/* A day of the clock, not of UTC: from 15:00 to 15:00 */
TEST(report_day_of_the_clock)
{
	struct rig g;

	rig_agreed(&g, NULL);
	at(&g, -9, 0, SOUTHS, "declare",
	   "line liaison\nstate fault\nby Kim\nreason first\n");
	at(&g, 15, 0, SOUTHS, "declare",
	   "line liaison\nstate open\nby Kim\nreason next\n");
	says(&g, DAY,
	     "At 00:00 (2026-11-30 15:00 UTC) this side (Kim) declared a fault "
	     "of line liaison; reason: first.",
	     NULL);
	says(&g, DAY + 1,
	     "At 00:00 (2026-12-01 15:00 UTC) this side (Kim) declared line "
	     "liaison open; reason: next.",
	     NULL);
	rig_end(&g);
}

/* An exchange that was off has one result for all it missed */
TEST(report_rest)
{
	static const char rest[] =
		"path-down\ntried this exchange was not running: 3 of these "
		"checks up to this one";
#define REST_EN                                                            \
	"The 09:00 (00:00 UTC) opening check on line liaison was not "     \
	"answered; the exchange of the other side could not be reached "   \
	"(tried: this exchange was not running: 3 of these checks up to "  \
	"this one)"
	struct rig g;

	rig_agreed(&g, NULL);
	missed(&g, DAY - 6, "path-down");	/* Wednesday */
	missed(&g, DAY, rest);			/* Friday, Monday, Tuesday */
	CHECK(!has(&g, DAY - 5, REPORT_EN, REST_EN "."));
	says(&g, DAY - 5,
	     "The 09:00 (00:00 UTC) opening check on line liaison: this record "
	     "holds no result of it.",
	     NULL);
	says(&g, DAY - 4, REST_EN ".", NULL);
	says(&g, DAY - 1, REST_EN "; second working day in a row.", NULL);
	says(&g, DAY, REST_EN "; third working day in a row.", NULL);
	rig_end(&g);

	rig_agreed(&g, NULL);
	missed(&g, DAY - 5, "path-down");
	missed(&g, DAY, rest);
	says(&g, DAY, REST_EN "; fourth working day in a row.", NULL);
	rig_end(&g);

	/* nobody was off on more days than there were */
	rig_agreed(&g, NULL);
	missed(&g, DAY - 1, "path-down");
	missed(&g, DAY, rest);
	says(&g, DAY, REST_EN "; second working day in a row.", NULL);
	rig_end(&g);
}

/* ---- memory that runs out ---- */

TEST_OOM(report_oom)
{
	struct rig g;
	struct buf b = {0};

	rig_agreed(&g, NULL);
	at(&g, 0, 0, SOUTHS, "check", OPENING SCHEDULED);
	at(&g, 0, 0, NORTHS, "attend",
	   "of 1\n" OPENING "state refused\nby Pak\nreason no orders\n");
	at(&g, 0, 1, SOUTHS, "result",
	   OPENING SCHEDULED "outcome refused\nof 1\n");
	at(&g, 1, 0, SOUTHS, "line", "state down\n");
	at(&g, 1, 0, NORTHS, "declare",
	   "line liaison\nstate closed\nby Pak\nreason orders\n");
	message(&g, SOUTHS, false, "line liaison\n");
	at(&g, 0, 12, NORTHS, "result",
	   OPENING SCHEDULED "outcome path-down\n");
	TRY(g.err);
	TRY(statement(&g, DAY, REPORT_KO, &b));
	CHECK(strstr(said(&b), "양측의 기록이 서로 다릅니다"));
out:
	buf_free(&b);
	rig_end(&g);
}
