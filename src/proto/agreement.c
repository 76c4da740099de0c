/* SPDX-License-Identifier: ISC */
/** @file agreement.c  What both sides agreed on for one line: parse */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "proto/agreement.h"

#define WORD_OF(x) #x
#define WORD(x) WORD_OF(x)
#define AT_MOST(n) "at most " WORD(n) " of them"

struct parse {
	struct agreement *a;
	struct calendar_offset *offset[2];
	struct agreement_hours *hour;
	struct agreement_holiday *holiday;
	struct agreement_person *person;
	struct agreement_station *station;
	struct agreement_check *check;
	const char **fallback;
	struct agreement_duty *duty;
	char *strings;		/* room for what comes yet */
	unsigned zones;		/* zone lines so far */
	const char *expected;	/* set by a taker that knows better */
};

/* ---- forms ---- */

static bool name_ok(struct str s)
{
	if (!s.n || s.n > AGREEMENT_NAME_CHARS_MAX || s.p[0] < 'a' ||
	    s.p[0] > 'z')
		return false;
	for (size_t i = 1; i < s.n; i++) {
		const char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	return true;
}

/* One space between words, none around them */
static bool words_ok(struct str s)
{
	if (!s.n || s.n > AGREEMENT_WORDS_BYTES_MAX || s.p[0] == ' ' ||
	    s.p[s.n - 1] == ' ')
		return false;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == ' ' && s.p[i - 1] == ' ')
			return false;
	}
	return true;
}

/* RFC 5646 2.1 in outline: a language, then subtags of 1 to 8 */
static bool language_ok(struct str s)
{
	bool first = true;

	if (!s.n || s.n > 35 || s.p[s.n - 1] == '-')
		return false;
	while (s.n) {
		const struct str tag = str_cut(&s, '-');

		if (!tag.n || tag.n > 8 || (first && tag.n < 2))
			return false;
		for (size_t i = 0; i < tag.n; i++) {
			const char c = tag.p[i];

			if (!(c >= 'a' && c <= 'z') &&
			    (first || c < '0' || c > '9'))
				return false;
		}
		first = false;
	}
	return true;
}

static bool side_ok(const struct parse *p, struct str s, uint8_t *side)
{
	for (uint8_t i = 0; i < 2; i++) {
		if (str_is(s, p->a->sides[i])) {
			*side = i;
			return true;
		}
	}
	return false;
}

static uint8_t medium_of(struct str s)
{
	uint8_t medium = AGREEMENT_NOTICE;

	while (medium && !str_is(s, agreement_medium_name(medium)))
		medium >>= 1;
	return medium;
}

static bool grace_ok(struct str s, uint32_t *ms)
{
	uint64_t n;

	if (uint_parse(s, &n) || n < AGREEMENT_GRACE_S_MIN ||
	    n > AGREEMENT_GRACE_S_MAX)
		return false;
	*ms = (uint32_t)n * 1000;
	return true;
}

/* A copy that lives as long as the agreement */
static const char *keep(struct parse *p, struct str s)
{
	char *at = p->strings;

	memcpy(at, s.p, s.n);
	at[s.n] = '\0';
	p->strings += s.n + 1;
	return at;
}

static int unless(struct parse *p, const char *expected)
{
	p->expected = expected;
	return EBADMSG;
}

/* ---- one taker a keyword: 0, or EBADMSG and perhaps p->expected ---- */

static int take_line(struct parse *p, struct str v)
{
	if (!name_ok(v))
		return EBADMSG;
	p->a->line = keep(p, v);
	return 0;
}

static int take_version(struct parse *p, struct str v)
{
	return uint_parse(v, &p->a->version) || !p->a->version ? EBADMSG : 0;
}

static int take_replaces(struct parse *p, struct str v)
{
	struct agreement *a = p->a;

	a->replaces_any = !str_is(v, "none");
	if (a->replaces_any != (a->version > 1))
		return unless(p, "`none` with version 1, and with no other");
	if (!a->replaces_any)
		return 0;
	if (v.n < 7 || memcmp(v.p, "sha256:", 7))
		return EBADMSG;
	return hex_decode((struct str){v.p + 7, v.n - 7}, a->replaces,
			  DIGEST_BYTES);
}

static int take_sides(struct parse *p, struct str v)
{
	const struct str lo = str_cut(&v, ' ');

	if (!host_ok(lo) || !host_ok(v))
		return EBADMSG;
	p->a->sides[0] = keep(p, lo);
	p->a->sides[1] = keep(p, v);
	return strcmp(p->a->sides[0], p->a->sides[1]) < 0 ? 0 : EBADMSG;
}

static int take_from(struct parse *p, struct str v)
{
	return calendar_second_parse(v, &p->a->from_ms);
}

static int take_purpose(struct parse *p, struct str v)
{
	if (!words_ok(v))
		return EBADMSG;
	p->a->purpose = keep(p, v);
	return 0;
}

static int take_language(struct parse *p, struct str v)
{
	struct agreement *a = p->a;

	if (!language_ok(v))
		return EBADMSG;
	for (size_t i = 0; i < a->languages; i++) {
		if (str_is(v, a->language[i]))
			return unless(p, "each language once");
	}
	a->language[a->languages++] = keep(p, v);
	return 0;
}

static int take_medium(struct parse *p, struct str v)
{
	const uint8_t medium = medium_of(v);

	if (!medium)
		return EBADMSG;
	if (p->a->media & medium)
		return unless(p, "each medium once");
	p->a->media |= medium;
	p->a->medium[p->a->mediums++] = medium;
	return 0;
}

static int take_recording(struct parse *p, struct str v)
{
	p->a->recording = str_is(v, "announced");
	return p->a->recording || str_is(v, "none") ? 0 : EBADMSG;
}

static int take_restoration(struct parse *p, struct str v)
{
	p->a->restoration_person = str_is(v, "person");
	return p->a->restoration_person || str_is(v, "machine") ? 0 : EBADMSG;
}

static int take_zone(struct parse *p, struct str v)
{
	const unsigned side = p->zones;

	if (!str_is(str_cut(&v, ' '), p->a->sides[side]) ||
	    !agreement_zone_ok(v))
		return EBADMSG;
	if (side)
		p->offset[1] = p->offset[0] + p->a->clock[0].n;
	p->a->clock[side].offset = p->offset[side];
	p->a->zones[side] = keep(p, v);
	p->zones++;
	return 0;
}

static int take_offset(struct parse *p, struct str v)
{
	const unsigned side = p->zones - 1;
	struct calendar *clock = &p->a->clock[side];
	struct calendar_offset *o = &p->offset[side][clock->n];

	if (!str_is(str_cut(&v, ' '), p->a->sides[side]))
		return unless(p, "an offset of the side whose zone is above");
	if (calendar_second_parse(str_cut(&v, ' '), &o->from_ms) ||
	    calendar_offset_parse(v, &o->offset_s))
		return EBADMSG;
	if (!clock->n && o->from_ms > p->a->from_ms)
		return unless(p, "a first offset that is not after `from`");
	if (clock->n && o->from_ms <= o[-1].from_ms)
		return unless(p, "an offset after the one before it");
	clock->n++;
	return 0;
}

static int take_hours(struct parse *p, struct str v)
{
	struct agreement_hours *h = &p->hour[p->a->hours];
	const struct str days = str_cut(&v, ' ');
	struct str span = str_cut(&v, ' ');
	const struct str first = str_cut(&span, '-');

	if (calendar_days_parse(days, &h->days) ||
	    calendar_clock_parse(first, &h->first) ||
	    calendar_clock_parse(span, &h->end) || !side_ok(p, v, &h->side))
		return EBADMSG;
	if (h->first >= h->end)
		return unless(p, "hours that end after they begin, and on the "
				 "same day");
	h->days_as = keep(p, days);
	p->a->hours++;
	return 0;
}

static int take_holiday(struct parse *p, struct str v)
{
	struct agreement_holiday *h = &p->holiday[p->a->holidays];
	int64_t day;

	if (!side_ok(p, str_cut(&v, ' '), &h->side) ||
	    calendar_date_parse(str_cut(&v, ' '), &day) || !words_ok(v))
		return EBADMSG;
	h->day = (int32_t)day;
	h->words = keep(p, v);
	p->a->holidays++;
	return 0;
}

static int take_person(struct parse *p, struct str v)
{
	struct agreement_person *person = &p->person[p->a->persons];
	struct str role;

	if (!side_ok(p, str_cut(&v, ' '), &person->side))
		return EBADMSG;
	role = str_cut(&v, ' ');
	if (!name_ok(role) || str_is(role, "none") || !words_ok(v))
		return EBADMSG;
	person->role = keep(p, role);
	person->words = keep(p, v);
	p->a->persons++;
	return 0;
}

static int take_station(struct parse *p, struct str v)
{
	struct agreement_station *s = &p->station[p->a->stations];
	struct str name;

	if (!side_ok(p, str_cut(&v, ' '), &s->side))
		return EBADMSG;
	s->medium = medium_of(str_cut(&v, ' '));
	if (!(s->medium & p->a->media))
		return unless(p, "a station of a medium named above");
	name = str_cut(&v, ' ');
	if (!name_ok(name) || !words_ok(v))
		return EBADMSG;
	for (size_t i = 0; i < p->a->stations; i++) {
		const struct agreement_station *other = &p->station[i];

		if (other->side == s->side && other->medium == s->medium &&
		    str_is(name, other->name))
			return unless(p, "each station of a side and medium "
					 "once");
	}
	s->name = keep(p, name);
	s->words = keep(p, v);
	p->a->stations++;
	return 0;
}

static int take_check(struct parse *p, struct str v)
{
	struct agreement_check *c = &p->check[p->a->checks];
	const struct str name = str_cut(&v, ' '), days = str_cut(&v, ' ');

	if (!name_ok(name) || calendar_days_parse(days, &c->days) ||
	    calendar_clock_parse(str_cut(&v, ' '), &c->minute) ||
	    c->minute == 1440 || !side_ok(p, str_cut(&v, ' '), &c->side) ||
	    !str_is(str_cut(&v, ' '), "by") ||
	    !side_ok(p, str_cut(&v, ' '), &c->by) ||
	    !str_is(str_cut(&v, ' '), "grace") ||
	    !grace_ok(str_cut(&v, ' '), &c->grace_ms) ||
	    !str_is(str_cut(&v, ' '), "role") || !name_ok(v))
		return EBADMSG;
	for (size_t i = 0; i < p->a->checks; i++) {
		if (str_is(name, p->check[i].name))
			return unless(p, "another name for each check");
	}
	c->name = keep(p, name);
	c->days_as = keep(p, days);
	c->role = str_is(v, "none") ? NULL : keep(p, v);
	p->a->checks++;
	return 0;
}

static int take_unannounced(struct parse *p, struct str v)
{
	return str_is(str_cut(&v, ' '), "grace") &&
			       grace_ok(v, &p->a->unannounced_ms)
		       ? 0
		       : EBADMSG;
}

static int take_fallback(struct parse *p, struct str v)
{
	if (!name_ok(v) || str_is(v, p->a->line))
		return EBADMSG;
	for (size_t i = 0; i < p->a->fallbacks; i++) {
		if (str_is(v, p->fallback[i]))
			return unless(p, "each fallback once");
	}
	p->fallback[p->a->fallbacks++] = keep(p, v);
	return 0;
}

static int take_duty(struct parse *p, struct str v)
{
	struct agreement_duty *d = &p->duty[p->a->duties];

	if (!side_ok(p, str_cut(&v, ' '), &d->side) || !words_ok(v))
		return EBADMSG;
	d->words = keep(p, v);
	p->a->duties++;
	return 0;
}

/* ---- the order of keywords ---- */

#define ZONE_RULE \
	"`zone`: the side, in the order of `sides`, and its IANA zone name"
#define OFFSET_RULE \
	"`offset`: the side, YYYY-MM-DDThh:mm:ssZ, +hh:mm or -hh:mm up to " \
	"14:59"

/* docs/lines.md 1, the table of keywords */
static const struct row {
	const char *keyword;
	unsigned min, max;
	int (*take)(struct parse *p, struct str v);
	const char *rule;
	const char *many;	/* what to say of one more than max */
} rows[] = {
	{"line", 1, 1, take_line,
	 "`line`: a name of a-z, then a-z 0-9 -, at most 32", NULL},
	{"version", 1, 1, take_version, "`version`: a number from 1 on", NULL},
	{"replaces", 1, 1, take_replaces,
	 "`replaces`: `none`, or sha256: and 64 lower-case hex digits", NULL},
	{"sides", 1, 1, take_sides,
	 "`sides`: the names of both exchanges, in byte order", NULL},
	{"from", 1, 1, take_from, "`from`: YYYY-MM-DDThh:mm:ssZ", NULL},
	{"purpose", 1, 1, take_purpose, "`purpose`: words, at most 512 bytes",
	 NULL},
	{"language", 1, AGREEMENT_LANGUAGES_MAX, take_language,
	 "`language`: a BCP 47 tag in lower case",
	 AT_MOST(AGREEMENT_LANGUAGES_MAX)},
	{"medium", 1, 3, take_medium,
	 "`medium`: `telephone`, `fax` or `notice`", "each medium once"},
	{"recording", 1, 1, take_recording,
	 "`recording`: `none` or `announced`", NULL},
	{"restoration", 1, 1, take_restoration,
	 "`restoration`: `machine` or `person`", NULL},
	{"zone", 1, 1, take_zone, ZONE_RULE, NULL},
	{"offset", 1, AGREEMENT_OFFSETS_MAX, take_offset, OFFSET_RULE,
	 AT_MOST(AGREEMENT_OFFSETS_MAX)},
	{"zone", 1, 1, take_zone, ZONE_RULE, NULL},
	{"offset", 1, AGREEMENT_OFFSETS_MAX, take_offset, OFFSET_RULE,
	 AT_MOST(AGREEMENT_OFFSETS_MAX)},
	{"hours", 0, AGREEMENT_HOURS_MAX, take_hours,
	 "`hours`: days, hh:mm-hh:mm, the side whose clock it is",
	 AT_MOST(AGREEMENT_HOURS_MAX)},
	{"holiday", 0, AGREEMENT_HOLIDAYS_MAX, take_holiday,
	 "`holiday`: the side, YYYY-MM-DD, words",
	 AT_MOST(AGREEMENT_HOLIDAYS_MAX)},
	{"person", 0, AGREEMENT_PERSONS_MAX, take_person,
	 "`person`: the side, a role (not `none`), name and office",
	 AT_MOST(AGREEMENT_PERSONS_MAX)},
	{"station", 0, AGREEMENT_STATIONS_MAX, take_station,
	 "`station`: the side, a medium, a name, words",
	 AT_MOST(AGREEMENT_STATIONS_MAX)},
	{"check", 0, AGREEMENT_CHECKS_MAX, take_check,
	 "`check`: name, days, hh:mm, the side whose clock it is, `by` the "
	 "side "
	 "that asks, `grace` 10 to 86400, `role` of who answers or `none`",
	 AT_MOST(AGREEMENT_CHECKS_MAX)},
	{"unannounced", 0, 1, take_unannounced,
	 "`unannounced`: `grace` 10 to 86400", NULL},
	{"fallback", 0, AGREEMENT_FALLBACKS_MAX, take_fallback,
	 "`fallback`: the name of another line",
	 AT_MOST(AGREEMENT_FALLBACKS_MAX)},
	{"duty", 0, AGREEMENT_DUTIES_MAX, take_duty, "`duty`: the side, words",
	 AT_MOST(AGREEMENT_DUTIES_MAX)},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ---- memory ---- */

/* One array of the agreement.  All elements are as strictly aligned as the
   struct itself, which comes first. */
static void *carve(char **at, size_t n, size_t size)
{
	void *array = *at;

	*at += n * size;
	return array;
}

/* Lines of a keyword, no more than it may have */
static size_t lines_of(struct str in, const char *keyword, size_t max)
{
	struct str line;
	size_t n = 0;

	while (n < max && str_line(&in, &line))
		n += str_is(str_cut(&line, ' '), keyword);
	return n;
}

/* Enough for all values of the text but offsets, each with its NUL instead of
   the space before it */
static size_t strings_of(struct str in)
{
	struct str line;
	size_t n = 0;

	while (str_line(&in, &line)) {
		if (!str_is(str_cut(&line, ' '), "offset"))
			n += line.n + 1;
	}
	return n;
}

static int parse_alloc(struct parse *p, struct str in)
{
	const size_t offsets =
			     lines_of(in, "offset", 2 * AGREEMENT_OFFSETS_MAX),
		     hours = lines_of(in, "hours", AGREEMENT_HOURS_MAX),
		     holidays = lines_of(in, "holiday", AGREEMENT_HOLIDAYS_MAX),
		     persons = lines_of(in, "person", AGREEMENT_PERSONS_MAX),
		     stations = lines_of(in, "station", AGREEMENT_STATIONS_MAX),
		     checks = lines_of(in, "check", AGREEMENT_CHECKS_MAX),
		     fallbacks =
			     lines_of(in, "fallback", AGREEMENT_FALLBACKS_MAX),
		     duties = lines_of(in, "duty", AGREEMENT_DUTIES_MAX);
	char *at =
		calloc(1, sizeof(*p->a) + offsets * sizeof(*p->offset[0]) +
				  hours * sizeof(*p->hour) +
				  holidays * sizeof(*p->holiday) +
				  persons * sizeof(*p->person) +
				  stations * sizeof(*p->station) +
				  checks * sizeof(*p->check) +
				  fallbacks * sizeof(*p->fallback) +
				  duties * sizeof(*p->duty) + strings_of(in));

	if (!at)
		return ENOMEM;
	p->a = carve(&at, 1, sizeof(*p->a));
	p->offset[0] = carve(&at, offsets, sizeof(*p->offset[0]));
	p->a->hour = p->hour = carve(&at, hours, sizeof(*p->hour));
	p->a->holiday = p->holiday = carve(&at, holidays, sizeof(*p->holiday));
	p->a->person = p->person = carve(&at, persons, sizeof(*p->person));
	p->a->station = p->station = carve(&at, stations, sizeof(*p->station));
	p->a->check = p->check = carve(&at, checks, sizeof(*p->check));
	p->a->fallback = p->fallback =
		carve(&at, fallbacks, sizeof(*p->fallback));
	p->a->duty = p->duty = carve(&at, duties, sizeof(*p->duty));
	p->strings = at;
	return 0;
}

void *agreement_free(struct agreement *a)
{
	free(a);
	return NULL;
}

/* ---- parse ---- */

/* Where in the order of keywords the text stands */
struct place {
	size_t row;
	unsigned taken; /* lines of that row */
};

/* Find the row of the next keyword ("": the end).  NULL, or what else should
 * have been here. */
static const char *advance(struct place *at, struct str keyword)
{
	for (; at->row < ROWS; at->row++, at->taken = 0) {
		const struct row *r = &rows[at->row];
		const bool here = str_is(keyword, r->keyword);

		if (here && at->taken < r->max)
			return NULL;
		if (here && r->many)
			return r->many;
		if (at->taken < r->min)
			return r->rule;
	}
	return keyword.n ? "one of the keywords, in their order" : NULL;
}

static const char *parse_line(struct parse *p, struct place *at,
			      struct str line)
{
	struct str value = line;
	const struct str keyword = str_cut(&value, ' ');
	const char *expected;

	if (!line.n)
		return "no empty line";
	if (!utf8_ok(line.p, line.n, false))
		return "UTF-8 without control characters";
	if (!keyword.n)
		return "a keyword first, without a space before it";
	expected = advance(at, keyword);
	if (expected)
		return expected;
	p->expected = rows[at->row].rule;
	if (rows[at->row].take(p, value))
		return p->expected;
	at->taken++;
	return NULL;
}

/* NULL, or what was expected in *line */
static const char *parse_all(struct parse *p, struct str in, unsigned *number)
{
	struct place at = {0};
	const char *expected = NULL;
	struct str line;

	*number = 1;
	if (!str_line(&in, &line) || !str_is(line, "ringdown-agreement/v1"))
		return "`ringdown-agreement/v1`";
	while (!expected && in.n) {
		++*number;
		expected = str_line(&in, &line) ? parse_line(p, &at, line)
						: "a line ended by LF";
	}
	if (!expected) {
		++*number;
		expected = advance(&at, (struct str){"", 0});
	}
	return expected;
}

int agreement_parse(const void *text, size_t n, struct agreement **out,
		    struct agreement_fault *why)
{
	struct parse p = {0};
	struct agreement_fault fault = {
		1, "a text of at most " WORD(AGREEMENT_BYTES_MAX) " byte"
								  "s"};
	const struct str in = {text, n};
	int err = EBADMSG;

	if (n <= AGREEMENT_BYTES_MAX) {
		err = parse_alloc(&p, in);
		if (err)
			return err;
		fault.rule = parse_all(&p, in, &fault.line);
		err = fault.rule ? EBADMSG : 0;
	}
	if (err) {
		agreement_free(p.a);
		if (why)
			*why = fault;
		return err;
	}
	*out = p.a;
	return 0;
}

/* ---- what it says ---- */

/* A relative path without dots: it is looked up below a directory */
bool agreement_zone_ok(struct str s)
{
	if (!s.n || s.n > AGREEMENT_ZONE_CHARS_MAX || s.p[s.n - 1] == '/')
		return false;
	while (s.n) {
		const struct str part = str_cut(&s, '/');

		if (!part.n)
			return false;
		for (size_t i = 0; i < part.n; i++) {
			const char c = part.p[i];

			if (!(c >= 'a' && c <= 'z') &&
			    !(c >= 'A' && c <= 'Z') &&
			    !(c >= '0' && c <= '9') && c != '_' && c != '+' &&
			    c != '-')
				return false;
		}
	}
	return true;
}

const char *agreement_medium_name(unsigned medium)
{
	return medium == AGREEMENT_TELEPHONE ? "telephone"
	       : medium == AGREEMENT_FAX     ? "fax"
	       : medium == AGREEMENT_NOTICE  ? "notice"
					     : "?";
}

int agreement_side(const struct agreement *a, const char *host)
{
	return !strcmp(host, a->sides[0])   ? 0
	       : !strcmp(host, a->sides[1]) ? 1
					    : -1;
}

int32_t agreement_offset_s(const struct agreement *a, int side, int64_t ms)
{
	return calendar_offset_s(&a->clock[side], ms);
}
