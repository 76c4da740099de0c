/* SPDX-License-Identifier: ISC */
/** @file test_agreement.c  The text of an agreement, and what changes in it */
#include <stdlib.h>
#include "proto/agreement.h"
#include "rdtest.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char *const base[] = {
	/* 1 */ "ringdown-agreement/v1",
	/* 2 */ "line liaison",
	/* 3 */ "version 1",
	/* 4 */ "replaces none",
	/* 5 */ "sides a.example b.example",
	/* 6 */ "from 2026-12-01T00:00:00Z",
	/* 7 */ "purpose Liaison between the two offices",
	/* 8 */ "language ko",
	/* 9 */ "language en",
	/* 10 */ "medium notice",
	/* 11 */ "medium telephone",
	/* 12 */ "recording none",
	/* 13 */ "restoration machine",
	/* 14 */ "zone a.example Asia/Pyongyang",
	/* 15 */ "offset a.example 2026-12-01T00:00:00Z +09:00",
	/* 16 */ "zone b.example America/New_York",
	/* 17 */ "offset b.example 2026-11-01T06:00:00Z -05:00",
	/* 18 */ "offset b.example 2027-03-14T07:00:00Z -04:00",
	/* 19 */ "hours mon-fri 09:00-12:00 b.example",
	/* 20 */ "hours sat 13:00-24:00 a.example",
	/* 21 */ "holiday b.example 2027-01-01 New Year's Day",
	/* 22 */ "person b.example principal Han Ji-woo, head of liaison",
	/* 23 */ "station b.example telephone desk-1 Second floor",
	/* 24 */
	"check opening mon-fri 09:00 b.example by a.example grace 600 "
	"role principal",
	/* 25 */
	"check night daily 23:59 a.example by b.example grace 10 "
	"role none",
	/* 26 */ "unannounced grace 900",
	/* 27 */ "fallback military-west",
	/* 28 */ "fallback military-east",
	/* 29 */ "duty b.example Repairs up to the border crossing",
};

#define LINES (sizeof(base) / sizeof(base[0]))

/* The base with one line (from 1) replaced by others, or left out (""); owned */
static struct buf with(unsigned line, const char *other)
{
	struct buf b;

	buf_init(&b, 3 * AGREEMENT_BYTES_MAX);
	for (unsigned i = 1; i <= LINES; i++) {
		buf_str(&b, i == line ? other : base[i - 1]);
		if (i != line || *other)
			buf_u8(&b, '\n');
	}
	CHECK_EQ(b.err, 0);
	return b;
}

/* Parse an exact copy; it must print back */
static struct agreement *taken(const void *p, size_t n)
{
	struct agreement_fault why = {0, NULL};
	struct agreement *a = NULL;
	struct buf b;

	if (agreement_parse(rdtest_exact(p, n), n, &a, &why))
		CHECK_STR(why.rule, "");
	buf_init(&b, AGREEMENT_BYTES_MAX);
	CHECK_OK(agreement_print(a, &b));
	CHECK_EQ(b.n, n);
	CHECK_MEM(b.p, p, n);
	buf_free(&b);
	return a;
}

static void take(unsigned line, const char *other)
{
	struct buf b = with(line, other);

	agreement_free(taken(b.p, b.n));
	buf_free(&b);
}

/* Refused, in this line, for this rule */
static void refuse_text(const void *p, size_t n, unsigned line,
			const char *rule)
{
	struct agreement *a = (void *)1;
	struct agreement_fault why = {0, NULL};

	if (agreement_parse(rdtest_exact(p, n), n, &a, &why) != EBADMSG)
		CHECK_STR(rule, "refused");
	CHECK(a == (void *)1);
	if (!strstr(why.rule, rule))
		CHECK_STR(why.rule, rule);
	CHECK_EQ(why.line, line);
	CHECK_ERR(agreement_parse(p, n, &a, NULL), EBADMSG);
}

static void refuse(unsigned line, const char *other, unsigned fault,
		   const char *rule)
{
	struct buf b = with(line, other);

	refuse_text(b.p, b.n, fault, rule);
	buf_free(&b);
}

TEST(agreement_all_fields)
{
	struct buf b = with(3, "version 2");
	struct agreement *a;
	struct str in;

	buf_free(&b);
	b = with(4, "replaces sha256:" HEX);
	in = (struct str){(const char *)b.p, b.n};
	memcpy(strstr((char *)b.p, "version 1"), "version 7", 9);
	a = taken(in.p, in.n);
	CHECK_STR(a->line, "liaison");
	CHECK_EQ(a->version, 7);
	CHECK(a->replaces_any);
	CHECK_EQ(a->replaces[1], 0x11);
	CHECK_STR(a->sides[0], "a.example");
	CHECK_STR(a->sides[1], "b.example");
	CHECK_EQ(a->from_ms, 1796083200000);
	CHECK_STR(a->purpose, "Liaison between the two offices");
	CHECK_EQ(a->languages, 2);
	CHECK_STR(a->language[0], "ko");
	CHECK_STR(a->language[1], "en");
	CHECK_EQ(a->media, AGREEMENT_NOTICE | AGREEMENT_TELEPHONE);
	CHECK_EQ(a->mediums, 2);
	CHECK_EQ(a->medium[0], AGREEMENT_NOTICE);
	CHECK(!a->recording);
	CHECK(!a->restoration_person);
	CHECK_STR(a->zones[0], "Asia/Pyongyang");
	CHECK_STR(a->zones[1], "America/New_York");
	CHECK_EQ(a->clock[0].n, 1);
	CHECK_EQ(a->clock[1].n, 2);
	CHECK_EQ(a->clock[1].offset[1].from_ms, 1805007600000);
	CHECK(a->clock[1].offset[1].offset_s == -4 * 3600);
	agreement_free(a);
	buf_free(&b);
}

TEST(agreement_all_lists)
{
	struct buf b = with(0, "");
	struct agreement *a = taken(b.p, b.n);

	CHECK_EQ(a->hours, 2);
	CHECK_STR(a->hour[0].days_as, "mon-fri");
	CHECK_EQ(a->hour[0].days, 0x1f);
	CHECK_EQ(a->hour[0].first, 540);
	CHECK_EQ(a->hour[0].end, 720);
	CHECK_EQ(a->hour[0].side, 1);
	CHECK_EQ(a->hour[1].end, 1440);
	CHECK_EQ(a->hour[1].side, 0);
	CHECK_EQ(a->holidays, 1);
	CHECK_EQ(a->holiday[0].day, 20819);
	CHECK_STR(a->holiday[0].words, "New Year's Day");
	CHECK_EQ(a->persons, 1);
	CHECK_STR(a->person[0].role, "principal");
	CHECK_STR(a->person[0].words, "Han Ji-woo, head of liaison");
	CHECK_EQ(a->person[0].side, 1);
	CHECK_EQ(a->stations, 1);
	CHECK_EQ(a->station[0].medium, AGREEMENT_TELEPHONE);
	CHECK_STR(a->station[0].name, "desk-1");
	CHECK_STR(a->station[0].words, "Second floor");
	CHECK_EQ(a->checks, 2);
	CHECK_STR(a->check[0].name, "opening");
	CHECK_EQ(a->check[0].minute, 540);
	CHECK_EQ(a->check[0].side, 1);
	CHECK_EQ(a->check[0].by, 0);
	CHECK_EQ(a->check[0].grace_ms, 600000);
	CHECK_STR(a->check[0].role, "principal");
	CHECK_EQ(a->check[1].days, 0x7f);
	CHECK(!a->check[1].role);
	CHECK_EQ(a->unannounced_ms, 900000);
	CHECK_EQ(a->fallbacks, 2);
	CHECK_STR(a->fallback[1], "military-east");
	CHECK_EQ(a->duties, 1);
	CHECK_EQ(a->duty[0].side, 1);
	CHECK_STR(a->duty[0].words, "Repairs up to the border crossing");
	CHECK(agreement_side(a, "a.example") == 0);
	CHECK(agreement_side(a, "b.example") == 1);
	CHECK(agreement_side(a, "b.exampl") == -1);
	CHECK(agreement_side(a, "") == -1);
	CHECK(agreement_offset_s(a, 0, a->from_ms) == 9 * 3600);
	CHECK(agreement_offset_s(a, 1, 1805007599999) == -5 * 3600);
	CHECK(agreement_offset_s(a, 1, 1805007600000) == -4 * 3600);
	CHECK(!agreement_free(a));
	CHECK(!agreement_free(NULL));
	buf_free(&b);
}

TEST(agreement_example_parses)
{
	const struct str in = rdtest_data("../../packaging/agreement.example");
	const struct str docs = rdtest_data("../../docs/lines.md");
	struct agreement *a = taken(in.p, in.n);

	CHECK(memmem(docs.p, docs.n, in.p, in.n));
	/* an example that operators copy: people on both sides, each check
	   within the hours, with an answer from somebody who is named */
	CHECK(a->checks >= 2 && a->holidays && a->fallbacks && a->duties);
	for (size_t i = 0; i < a->checks; i++) {
		const int64_t ms = agreement_check_next(a, i, 0);
		bool named = !a->check[i].role;

		for (size_t k = 0; k < a->persons; k++)
			named = named ||
				(a->person[k].side != a->check[i].by &&
				 !strcmp(a->person[k].role, a->check[i].role));
		CHECK(named);
		CHECK(ms != INT64_MAX && agreement_open_at(a, ms));
	}
	agreement_free(a);
}

/* What may also stand where the base has something else */
TEST(agreement_taken)
{
	static const struct {
		unsigned line;
		const char *other;
	} v[] = {
		{2, "line a"},
		{2, "line a-0123456789-abcdefghijklmnopqrs"},
		{6, "from 2028-02-29T23:59:59Z"},
		{7, "purpose \xed\x95\x9c\xea\xb8\x80 x"},
		{9, ""},
		{9, "language sr-cyrl-rs"},
		{9, "language de-1996"},
		{11, "medium telephone\nmedium fax"},
		{12, "recording announced"},
		{13, "restoration person"},
		{14, "zone a.example Etc/GMT-14"},
		{14, "zone a.example UTC"},
		{14, "zone a.example America/Argentina/Buenos_Aires"},
		{15, "offset a.example 1970-01-01T00:00:00Z +00:00"},
		{15, "offset a.example 2026-11-30T23:59:59Z -14:59\n"
		     "offset a.example 2026-12-01T00:00:00Z +14:59"},
		{18, ""},
		{19, ""},
		{19, "hours daily 00:00-24:00 a.example"},
		{19, "hours mon,wed-thu,sun 00:00-00:01 a.example"},
		{21, ""},
		{21, "holiday a.example 1970-01-01 x\n"
		     "holiday a.example 9999-12-31 x"},
		{22, ""},
		{22, "person a.example duty-officer X\n"
		     "person a.example duty-officer X"},
		{23, ""},
		{23, "station a.example notice desk-1 x\n"
		     "station a.example telephone desk-1 x\n"
		     "station b.example telephone desk-1 x"},
		{24, ""},
		{24, "check opening sun 00:00 a.example by a.example grace "
		     "86400 role none"},
		{26, ""},
		{26, "unannounced grace 10"},
		{27, ""},
		{29, ""},
		{29, "duty a.example x\nduty a.example x"},
	};
	struct buf b = with(0, "");

	agreement_free(taken(b.p, b.n));
	buf_free(&b);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		take(v[i].line, v[i].other);
}

/* Each rule: a text that breaks it, the line, the words; no words: taken */
static const struct {
	unsigned line;
	const char *other;
	unsigned fault;
	const char *rule;
} broken[] = {
	{1, "", 1, "ringdown-agreement/v1"},
	{1, "ringdown-agreement/v2", 1, "ringdown-agreement/v1"},
	{1, "ringdown-agreement/v1 ", 1, "ringdown-agreement/v1"},
	{1, "ringdown-agreement/v1\r", 1, "ringdown-agreement/v1"},
	{1, "\nringdown-agreement/v1", 1, "ringdown-agreement/v1"},
	{2, "", 2, "`line`"},
	{2, "line", 2, "`line`"},
	{2, "line ", 2, "`line`"},
	{2, "line  liaison", 2, "`line`"},
	{2, "line liaison ", 2, "`line`"},
	{2, " line liaison", 2, "keyword first"},
	{2, "Line liaison", 2, "`line`"},
	{2, "line Liaison", 2, "`line`"},
	{2, "line 1a", 2, "`line`"},
	{2, "line -a", 2, "`line`"},
	{2, "line a_b", 2, "`line`"},
	{2, "line a b", 2, "`line`"},
	{2, "line a-0123456789-abcdefghijklmnopqrst", 2, "`line`"},
	{2, "line a\nline b", 3, "`version`"},
	{2, "\nline liaison", 2, "no empty line"},
	{2, "line\tliaison", 2, "control"},
	{3, "", 3, "`version`"},
	{3, "version 0", 3, "`version`"},
	{3, "version 01", 3, "`version`"},
	{3, "version +1", 3, "`version`"},
	{3, "version 9223372036854775808", 3, "`version`"},
	{3, "version 2", 4, "`none` with version 1"},
	{4, "", 4, "`replaces`"},
	{4, "replaces sha256:" HEX, 4, "`none` with version 1"},
	{4, "replaces nothing", 4, "`none` with version 1"},
	{5, "", 5, "`sides`"},
	{5, "sides b.example a.example", 5, "`sides`"},
	{5, "sides a.example a.example", 5, "`sides`"},
	{5, "sides a.example", 5, "`sides`"},
	{5, "sides a.example b.example c.example", 5, "`sides`"},
	{5, "sides A.example b.example", 5, "`sides`"},
	{5, "sides a.example  b.example", 5, "`sides`"},
	{5, "sides a.example b.example ", 5, "`sides`"},
	{6, "", 6, "`from`"},
	{6, "from 2026-12-01T00:00:00.000Z", 6, "`from`"},
	{6, "from 2026-02-30T00:00:00Z", 6, "`from`"},
	{6, "from 2026-12-01T00:00:00+00:00", 6, "`from`"},
	{7, "", 7, "`purpose`"},
	{7, "purpose", 7, "`purpose`"},
	{7, "purpose  a", 7, "`purpose`"},
	{7, "purpose a ", 7, "`purpose`"},
	{7, "purpose a  b", 7, "`purpose`"},
	{7, "purpose a\xff", 7, "UTF-8"},
	{7, "purpose a\x7f", 7, "control"},
	{8, "language Ko", 8, "`language`"},
	{8, "language k", 8, "`language`"},
	{8, "language ko-", 8, "`language`"},
	{8, "language -ko", 8, "`language`"},
	{8, "language ko--x", 8, "`language`"},
	{8, "language k0", 8, "`language`"},
	{8, "language ko_kr", 8, "`language`"},
	{8, "language aaaaaaaaa", 8, "`language`"},
	{8, "language ko-aaaaaaaaa", 8, "`language`"},
	{8, "language ko-a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q", 8, "`language`"},
	{9, "language ko", 9, "each language once"},
	{9, "language en\nlanguage de\nlanguage fr\nlanguage it", 12,
	 "at most 4"},
	{10, "", 0, NULL},
	{10, "medium letter", 10, "`medium`"},
	{10, "medium telephone", 11, "each medium once"},
	{10, "medium notice\nmedium fax\nmedium telephone", 13,
	 "each medium once"},
	{12, "", 12, "`recording`"},
	{12, "recording", 12, "`recording`"},
	{12, "recording secret", 12, "`recording`"},
	{13, "", 13, "`restoration`"},
	{13, "restoration none", 13, "`restoration`"},
	{14, "", 14, "`zone`"},
	{14, "zone b.example Asia/Seoul", 14, "`zone`"},
	{14, "zone c.example Asia/Seoul", 14, "`zone`"},
	{14, "zone a.example", 14, "`zone`"},
	{14, "zone a.example /etc/passwd", 14, "`zone`"},
	{14, "zone a.example ../passwd", 14, "`zone`"},
	{14, "zone a.example Asia//Seoul", 14, "`zone`"},
	{14, "zone a.example Asia/", 14, "`zone`"},
	{14, "zone a.example Asia/Seoul x", 14, "`zone`"},
	{14,
	 "zone a.example aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaaaaaaaaaaaa",
	 14, "`zone`"},
	{15, "", 15, "`offset`"},
	{15, "offset b.example 2026-12-01T00:00:00Z +09:00", 15,
	 "whose zone is above"},
	{15, "offset a.example 2026-12-01T00:00:00Z 09:00", 15, "`offset`"},
	{15, "offset a.example 2026-12-01T00:00:00Z +15:00", 15, "`offset`"},
	{15, "offset a.example 2026-12-01T00:00:00Z -00:00", 15, "`offset`"},
	{15, "offset a.example 2026-12-01T00:00:00Z +09:00 ", 15, "`offset`"},
	{15, "offset a.example 2026-12-01 +09:00", 15, "`offset`"},
	{15, "offset a.example 2026-12-01T00:00:01Z +09:00", 15,
	 "not after `from`"},
	{16, "", 16, "whose zone is above"},
	{17, "", 17, "not after `from`"},
	{18, "offset b.example 2026-11-01T06:00:00Z -04:00", 18,
	 "after the one before"},
	{19, "hours mon-fri 09:00-09:00 b.example", 19, "end after they begin"},
	{19, "hours mon-fri 22:00-06:00 b.example", 19, "end after they begin"},
	{19, "hours mon-fri 09:00-24:01 b.example", 19, "`hours`"},
	{19, "hours fri-mon 09:00-12:00 b.example", 19, "`hours`"},
	{19, "hours mon-fri 09:00 b.example", 19, "`hours`"},
	{19, "hours mon-fri 09:00-12:00", 19, "`hours`"},
	{19, "hours mon-fri 09:00-12:00-13:00 b.example", 19, "`hours`"},
	{19, "hours mon-fri 09:00-12:00 c.example", 19, "`hours`"},
	{21, "holiday b.example 2027-02-29 x", 21, "`holiday`"},
	{21, "holiday b.example 2027-01-01", 21, "`holiday`"},
	{21, "holiday b.example 2027-01-01 ", 21, "`holiday`"},
	{21, "holiday c.example 2027-01-01 x", 21, "`holiday`"},
	{22, "person b.example none Han", 22, "`person`"},
	{22, "person b.example Head Han", 22, "`person`"},
	{22, "person b.example head", 22, "`person`"},
	{22, "person c.example head Han", 22, "`person`"},
	{23, "station b.example fax desk-1 x", 23, "medium named"},
	{23, "station b.example radio desk-1 x", 23, "medium named"},
	{23, "station b.example notice Desk x", 23, "`station`"},
	{23, "station b.example notice desk", 23, "`station`"},
	{23, "station c.example notice desk x", 23, "`station`"},
	{23,
	 "station a.example notice d x\nstation a.example notice d "
	 "y",
	 24, "each station"},
	{24,
	 "check night daily 09:00 b.example by a.example grace 10 "
	 "role none",
	 25, "another name"},
#define CHECK_BAD(text)                          \
	{                                        \
		24, "check " text, 24, "`check`" \
	}
	CHECK_BAD("o daily 24:00 b.example by a.example grace 600 role "
		  "p"),
	CHECK_BAD("o daily 9:00 b.example by a.example grace 600 role "
		  "p"),
	CHECK_BAD("o day 09:00 b.example by a.example grace 600 role "
		  "p"),
	CHECK_BAD("O daily 09:00 b.example by a.example grace 600 role "
		  "p"),
	CHECK_BAD("o daily 09:00 c.example by a.example grace 600 role "
		  "p"),
	CHECK_BAD("o daily 09:00 b.example by c.example grace 600 role "
		  "p"),
	CHECK_BAD("o daily 09:00 b.example a.example grace 600 role p"),
	CHECK_BAD("o daily 09:00 b.example by a.example 600 role p"),
	CHECK_BAD("o daily 09:00 b.example by a.example grace 600 p"),
	CHECK_BAD("o daily 09:00 b.example by a.example grace 600 role "
		  "P"),
	CHECK_BAD("o daily 09:00 b.example by a.example grace 600 "
		  "role"),
	CHECK_BAD("o daily 09:00 b.example by a.example grace 600 role "
		  "p q"),
	CHECK_BAD("o daily 09:00 b.example by a.example grace 9 role "
		  "p"),
	CHECK_BAD("o daily 09:00 b.example by a.example grace 86401 "
		  "role p"),
	CHECK_BAD("o daily 09:00 b.example by a.example grace 0600 "
		  "role p"),
	{26, "unannounced grace 9", 26, "`unannounced`"},
	{26, "unannounced 900", 26, "`unannounced`"},
	{26, "unannounced grace 900 ", 26, "`unannounced`"},
	{26, "unannounced grace 900\nunannounced grace 900", 27,
	 "one of the keywords"},
	{27, "fallback Military", 27, "`fallback`"},
	{27, "fallback military-east", 28, "each fallback once"},
	{27, "fallback liaison", 27, "`fallback`"},
	{29, "duty c.example x", 29, "`duty`"},
	{29, "duty a.example", 29, "`duty`"},
	{29, "penalty a.example x", 29, "one of the keywords"},
	{29,
	 "fallback x\nduty b.example x\nhours daily 09:00-10:00 "
	 "a.example",
	 31, "one of the keywords"},
	{29, "duty b.example x\n", 30, "no empty line"},
};

TEST(agreement_refused)
{
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		if (broken[i].rule)
			refuse(broken[i].line, broken[i].other, broken[i].fault,
			       broken[i].rule);
		else
			take(broken[i].line, broken[i].other);
	}
}

TEST(agreement_replaces_a_hash)
{
	static const char *const bad[] = {
		"replaces none",        "replaces sha256:" HEX "0",
		"replaces sha256:0011", "replaces SHA256:" HEX,
		"replaces " HEX,        "replaces sha256:"};
	struct buf b = with(4, "replaces sha256:" HEX);
	char *version = strstr((char *)b.p, "version 1");

	version[8] = '2';
	agreement_free(taken(b.p, b.n));
	*strstr((char *)b.p, "aabb") = 'A';
	refuse_text(b.p, b.n, 4, "`replaces`");
	buf_free(&b);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		b = with(4, bad[i]);
		version = strstr((char *)b.p, "version 1");
		version[8] = '2';
		refuse_text(b.p, b.n, 4, i ? "`replaces`" : "`none`");
		buf_free(&b);
	}
}

TEST(agreement_cut_short_anywhere)
{
	struct buf b = with(0, "");
	size_t good = 0;

	for (size_t n = 0; n < b.n; n++) {
		struct agreement_fault why = {0, NULL};
		struct agreement *a = NULL;
		unsigned lines = 1;

		for (size_t i = 0; i < n; i++)
			lines += b.p[i] == '\n';
		if (agreement_parse(rdtest_exact(b.p, n), n, &a, &why)) {
			CHECK_EQ(why.line, lines);
		} else {
			/* only at the end of a line that need not go on */
			CHECK(lines > 17 && b.p[n - 1] == '\n');
			agreement_free(a);
			good++;
		}
	}
	CHECK_EQ(good, LINES - 17);
	refuse_text(b.p, b.n - 1, LINES, "ended by LF");
	buf_free(&b);
}

TEST(agreement_nul_anywhere_is_refused)
{
	struct buf b = with(0, "");

	for (size_t i = 0; i < b.n; i++) {
		struct agreement *a = NULL;
		char *copy = rdtest_exact(b.p, b.n);

		copy[i] = '\0';
		CHECK_ERR(agreement_parse(copy, b.n, &a, NULL), EBADMSG);
	}
	buf_free(&b);
}

/* n lines made of a form are taken, one more is not */
static void limit(unsigned line, unsigned n, const char *rule,
		  void (*make)(struct buf *b, unsigned i))
{
	struct buf text, b;

	for (unsigned more = 0; more < 2; more++) {
		buf_init(&text, AGREEMENT_BYTES_MAX);
		for (unsigned i = 0; i < n + more; i++) {
			if (i)
				buf_u8(&text, '\n');
			make(&text, i);
		}
		buf_u8(&text, '\0');
		CHECK_EQ(text.err, 0);
		b = with(line, (const char *)text.p);
		if (more)
			refuse_text(b.p, b.n, line + n, rule);
		else
			agreement_free(taken(b.p, b.n));
		buf_free(&b);
		buf_free(&text);
	}
}

static void make_offset(struct buf *b, unsigned i)
{
	buf_printf(b, "offset a.example 2026-10-01T00:%02u:00Z +09:00", i);
	if (i > 59)
		b->n -= sizeof("60:00Z +09:00") - 1;
	if (i > 59)
		buf_printf(b, "59:%02uZ +09:00", i - 59);
}

static void make_hours(struct buf *b, unsigned i)
{
	buf_printf(b, "hours daily 00:%02u-24:00 a.example", i);
}

static void make_holiday(struct buf *b, unsigned i)
{
	buf_printf(b, "holiday a.example %04u-01-01 x", 2000 + i);
}

static void make_person(struct buf *b, unsigned i)
{
	buf_printf(b, "person a.example r%u x", i);
}

static void make_station(struct buf *b, unsigned i)
{
	buf_printf(b, "station a.example notice s%u x", i);
}

static void make_check(struct buf *b, unsigned i)
{
	buf_printf(b,
		   "check c%u daily 09:00 a.example by a.example grace 10 "
		   "role none",
		   i);
}

static void make_fallback(struct buf *b, unsigned i)
{
	buf_printf(b, "fallback f%u", i);
}

static void make_duty(struct buf *b, unsigned i)
{
	buf_printf(b, "duty a.example d%u", i);
}

TEST(agreement_limits_are_exact)
{
	/* lines 20, 25 and 28 of the base count too */
	limit(15, AGREEMENT_OFFSETS_MAX, "at most 64", make_offset);
	limit(20, AGREEMENT_HOURS_MAX - 1, "at most 32", make_hours);
	limit(21, AGREEMENT_HOLIDAYS_MAX, "at most 256", make_holiday);
	limit(22, AGREEMENT_PERSONS_MAX, "at most 64", make_person);
	limit(23, AGREEMENT_STATIONS_MAX, "at most 64", make_station);
	limit(25, AGREEMENT_CHECKS_MAX - 1, "at most 16", make_check);
	limit(28, AGREEMENT_FALLBACKS_MAX - 1, "at most 8", make_fallback);
	limit(29, AGREEMENT_DUTIES_MAX, "at most 16", make_duty);
}

TEST(agreement_words_have_a_limit)
{
	char line[AGREEMENT_WORDS_BYTES_MAX + 32] = "purpose ";

	memset(line + 8, 'w', AGREEMENT_WORDS_BYTES_MAX);
	take(7, line);
	line[8 + AGREEMENT_WORDS_BYTES_MAX] = 'w';
	refuse(7, line, 7, "at most 512 bytes");
}

TEST(agreement_bytes_have_a_limit)
{
	struct buf b = with(22, "");
	size_t left;
	char words[AGREEMENT_WORDS_BYTES_MAX + 1];

	/* as many persons as fit, the last one to the byte */
	memset(words, 'w', sizeof(words));
	b.n = (size_t)(strstr((char *)b.p, "station ") - (char *)b.p);
	for (int i = 0; i < 63; i++)
		buf_printf(&b, "person a.example p %.*s\n", 490, words);
	left = AGREEMENT_BYTES_MAX - b.n;
	CHECK(left > 20 && left < 500 + 20);
	buf_printf(&b, "person a.example p %.*s\n", (int)left - 20, words);
	CHECK_EQ(b.n, AGREEMENT_BYTES_MAX);
	agreement_free(taken(b.p, b.n));
	b.n--;
	buf_str(&b, "w\n");
	refuse_text(b.p, b.n, 1, "at most 32768 bytes");
	buf_free(&b);
}

TEST_OOM(agreement_parse_and_diff)
{
	const struct str in = rdtest_data("../../packaging/agreement.example");
	struct agreement *a = NULL, *none = NULL;
	struct buf b;

	buf_init(&b, 2 * AGREEMENT_BYTES_MAX);
	TRY(agreement_parse(in.p, in.n, &a, NULL));
	TRY(agreement_print(a, &b));
	CHECK_EQ(b.n, in.n);
	CHECK_MEM(b.p, in.p, in.n);
	buf_reset(&b);
	TRY(agreement_diff(NULL, a, &b));
	TRY(agreement_diff(a, a, &b));
	TRY(agreement_parse(in.p, in.n, &none, NULL));
out:
	CHECK(a || !none);
	agreement_free(a);
	agreement_free(none);
	buf_free(&b);
}

/* ---- difference ---- */

/* Lines 1.. of the difference between the base and the base changed */
static char *diff(unsigned line, const char *other)
{
	struct buf b1 = with(0, ""), b2 = with(line, other), out;
	struct agreement *old = taken(b1.p, b1.n), *now = taken(b2.p, b2.n);
	char *text;

	buf_init(&out, 3 * AGREEMENT_BYTES_MAX);
	CHECK_OK(agreement_diff(old, now, &out));
	buf_u8(&out, '\0');
	text = rdtest_exact(out.p, out.n);
	buf_free(&out);
	buf_free(&b1);
	buf_free(&b2);
	agreement_free(old);
	agreement_free(now);
	return text;
}

/* All but what is as before */
static void changes(unsigned line, const char *other, const char *want)
{
	struct str in = str_of(diff(line, other)), item;
	struct buf b;
	size_t same = 0;

	buf_init(&b, AGREEMENT_BYTES_MAX);
	while (str_line(&in, &item)) {
		CHECK(item.n > 2 && item.p[1] == ' ');
		if (item.p[0] == '=') {
			same++;
			continue;
		}
		buf_put(&b, item.p, item.n);
		buf_u8(&b, '\n');
	}
	buf_u8(&b, '\0');
	CHECK_STR((const char *)b.p, want);
	CHECK(same > 15);
	buf_free(&b);
}

TEST(agreement_diff_of_all)
{
	struct buf b = with(0, ""), out;
	struct agreement *a = taken(b.p, b.n);
	struct str in, line;
	size_t n = 0;

	buf_init(&out, AGREEMENT_BYTES_MAX);
	CHECK_OK(agreement_diff(NULL, a, &out));
	in = (struct str){(const char *)out.p, out.n};
	while (str_line(&in, &line)) {
		CHECK(line.p[0] == '+' && line.p[1] == ' ');
		n++;
	}
	CHECK_EQ(in.n, 0);
	CHECK_EQ(n, LINES - 2); /* no first line, both languages in one */
	buf_reset(&out);
	CHECK_OK(agreement_diff(a, a, &out));
	in = (struct str){(const char *)out.p, out.n};
	for (n = 0; str_line(&in, &line); n++)
		CHECK(line.p[0] == '=' && line.p[1] == ' ');
	CHECK_EQ(n, LINES - 4); /* three offsets are one line */
	buf_u8(&out, '\0');
	CHECK(strstr((char *)out.p, "= offset: 3 as before\n"));
	buf_free(&out);
	buf_free(&b);
	agreement_free(a);
}

TEST(agreement_diff_of_items)
{
	changes(7, "purpose x",
		"- purpose: Liaison between the two offices\n"
		"+ purpose: x\n");
	changes(9, "", "- language: ko, en\n+ language: ko\n");
	changes(12, "recording announced",
		"- recording: none\n+ recording: announced\n");
	changes(13, "restoration person",
		"- restoration: a machine must answer before what waits goes "
		"out\n"
		"+ restoration: a person must answer before what waits goes "
		"out\n");
	changes(18, "offset b.example 2027-03-14T08:00:00Z -04:30",
		"- offset: b.example UTC-04:00 from 2027-03-14T07:00:00Z on\n"
		"+ offset: b.example UTC-04:30 from 2027-03-14T08:00:00Z on\n");
	changes(19, "hours daily 08:00-12:00 b.example",
		"- hours: mon-fri 09:00-12:00 by the clock of b.example\n"
		"+ hours: daily 08:00-12:00 by the clock of b.example\n");
	changes(21,
		"holiday b.example 2026-12-25 Christmas\n"
		"holiday b.example 2027-01-01 New Year's Day",
		"+ holiday: 2026-12-25 of b.example, Christmas\n");
	changes(22, "",
		"- person: principal of b.example, Han Ji-woo, head of "
		"liaison\n");
	changes(23, "station b.example telephone desk-2 Second floor",
		"- station: telephone desk-1 of b.example, Second floor\n"
		"+ station: telephone desk-2 of b.example, Second floor\n");
	changes(25, "",
		"- check night: daily 23:59 by the clock of a.example, "
		"b.example asks, the machine of a.example answers within 10 "
		"s\n");
	changes(24,
		"check opening mon-fri 09:00 b.example by b.example grace 600 "
		"role principal",
		"- check opening: mon-fri 09:00 by the clock of b.example, "
		"a.example asks, principal of b.example answers within 600 s\n"
		"+ check opening: mon-fri 09:00 by the clock of b.example, "
		"b.example asks, principal of a.example answers within 600 "
		"s\n");
	changes(26, "",
		"- unannounced: either side may ask at any time within hours, "
		"answer within 900 s\n"
		"+ unannounced: none\n");
	changes(27, "",
		"- fallback 1: military-west\n- fallback 2: military-east\n"
		"+ fallback 1: military-east\n");
}

TEST(agreement_diff_shows_another_order)
{
	changes(22,
		"person b.example deputy Lim\n"
		"person b.example principal Han Ji-woo, head of liaison",
		"+ person: deputy of b.example, Lim\n");
	changes(19,
		"hours sun 09:00-12:00 b.example\n"
		"hours mon-fri 09:00-12:00 b.example\n"
		"hours sun 09:00-12:00 b.example",
		"+ hours: sun 09:00-12:00 by the clock of b.example\n"
		"+ hours: sun 09:00-12:00 by the clock of b.example\n");
}

/* As few as can be are shown as moved */
TEST(agreement_diff_is_short)
{
#define DATE(d) "holiday a.example 2027-01-0" #d " x\n"
	struct buf b1 = with(21, DATE(1) DATE(2) DATE(
					 3) "holiday a.example 2027-01-04 x"),
		   b2 = with(21,
			     DATE(3) DATE(4) "holiday a.example 2027-01-01 x"),
		   out;
	struct agreement *old = taken(b1.p, b1.n), *now = taken(b2.p, b2.n);

	buf_init(&out, AGREEMENT_BYTES_MAX);
	CHECK_OK(agreement_diff(old, now, &out));
	buf_u8(&out, '\0');
	CHECK(strstr((char *)out.p, "- holiday: 2027-01-01 of a.example, x\n"
				    "- holiday: 2027-01-02 of a.example, x\n"
				    "= holiday: 2027-01-03 of a.example, x\n"
				    "= holiday: 2027-01-04 of a.example, x\n"
				    "+ holiday: 2027-01-01 of a.example, x\n"));
	buf_free(&out);
	buf_free(&b1);
	buf_free(&b2);
	agreement_free(old);
	agreement_free(now);
}

TEST(agreement_diff_tells_always)
{
	struct buf b1 = with(19, ""), b2;
	struct agreement *old, *now;
	struct buf out;

	/* without both lines of hours */
	b2 = with(19, "");
	memmove(strstr((char *)b2.p, "hours "), strstr((char *)b2.p, "holiday"),
		(size_t)(b2.p + b2.n -
			 (uint8_t *)strstr((char *)b2.p, "holiday")));
	b2.n -= strlen(base[19]) + 1;
	old = taken(b1.p, b1.n);
	now = taken(b2.p, b2.n);
	buf_init(&out, AGREEMENT_BYTES_MAX);
	CHECK_OK(agreement_diff(old, now, &out));
	buf_u8(&out, '\0');
	CHECK(strstr((char *)out.p,
		     "- hours: sat 13:00-24:00 by the clock of a.example\n"
		     "+ hours: always\n"));
	buf_free(&out);
	buf_free(&b1);
	buf_free(&b2);
	agreement_free(old);
	agreement_free(now);
}

TEST(agreement_diff_into_a_small_buffer)
{
	struct buf b = with(0, ""), out;
	struct agreement *a = taken(b.p, b.n);

	buf_init(&out, 100);
	CHECK_ERR(agreement_diff(NULL, a, &out), EMSGSIZE);
	buf_free(&out);
	buf_init(&out, 100);
	CHECK_ERR(agreement_print(a, &out), EMSGSIZE);
	buf_free(&out);
	buf_free(&b);
	agreement_free(a);
}
