/* SPDX-License-Identifier: ISC */
/** @file say.c  Phrases filled in; times, lengths, cells of tables */
#include <stdio.h>
#include <string.h>
#include "report/inner.h"

void say(struct buf *b, enum report_lang lang, enum phrase p,
	 const char *const v[SAID])
{
	const char *s = phrase(lang, p);

	while (*s) {
		const size_t plain = strcspn(s, "{");

		buf_put(b, s, plain);
		s += plain;
		if (*s) {	/* {x} */
			const char *of = v ? v[V(s[1])] : NULL;

			buf_str(b, of ? of : "");
			s += 3;
		}
	}
}

const char *said(struct buf *b)
{
	buf_u8(b, '\0');
	if (b->err)
		return "";
	b->n--;
	return (const char *)b->p;
}

/* ---- days and times ---- */

void day_split(int64_t day, int *year, int *month, int *mday)
{
	char s[CALENDAR_DATE_CHARS + 1];
	int *const to[] = {year, month, mday};
	int part = 0;

	calendar_date_print(day, s);
	*year = *month = *mday = 0;
	for (const char *c = s; *c; c++) {
		if (*c == '-')
			part++;
		else if (part < 3)
			*to[part] = *to[part] * 10 + (*c - '0');
	}
}

void say_date(int64_t day, enum report_lang lang, char out[TIME_CHARS])
{
	static const char *const week[7][REPORT_LANGS] = {
		{"Monday", "월"},   {"Tuesday", "화"}, {"Wednesday", "수"},
		{"Thursday", "목"}, {"Friday", "금"},  {"Saturday", "토"},
		{"Sunday", "일"}};
	static const char *const months[] = {
		"",        "January",  "February", "March",  "April",
		"May",     "June",     "July",     "August", "September",
		"October", "November", "December"};
	const char *name = week[calendar_weekday(day)][lang];
	int year, month, mday;

	day_split(day, &year, &month, &mday);
	if (lang == REPORT_KO)
		snprintf(out, TIME_CHARS, "%d년 %d월 %d일 %s요일", year, month,
			 mday, name);
	else
		snprintf(out, TIME_CHARS, "%s, %d %s %d", name, mday,
			 months[month], year);
}

/* What a clock shows; with the date when it is not @p day */
static void clock_print(int64_t local, int64_t day, char out[TIME_CHARS])
{
	const int64_t on = calendar_day(local);
	const int minutes = (int)((local - calendar_midnight(on)) / MINUTE_MS);
	char date[CALENDAR_DATE_CHARS + 1];

	calendar_date_print(on, date);
	snprintf(out, TIME_CHARS, "%s%s%02d:%02d", on == day ? "" : date,
		 on == day ? "" : " ", minutes / 60, minutes % 60);
}

void say_time(const struct place *at, int64_t ms, char out[TIME_CHARS])
{
	const int64_t local = ms + offset_at(at->r, at->line, ms) * 1000LL;
	const int64_t day = calendar_day(local);
	char here[TIME_CHARS], utc[TIME_CHARS];
	const char *v[SAID] = {[V('l')] = here, [V('u')] = utc};
	struct buf b;

	clock_print(local, at->day, here);
	clock_print(ms, local == ms ? at->day : day, utc);
	buf_init(&b, TIME_CHARS - 1);
	say(&b, at->lang, local == ms ? P_TIME_UTC : P_TIME_BOTH, v);
	snprintf(out, TIME_CHARS, "%s", b.err ? utc : said(&b));
	buf_free(&b);
}

void say_offset(int32_t offset_s, char out[16])
{
	const int32_t minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;

	snprintf(out, 16, "UTC%c%02d:%02d", offset_s < 0 ? '-' : '+',
		 (int)(minutes / 60) % 100, (int)(minutes % 60));
}

void say_length(uint64_t ms, enum report_lang lang, char out[TIME_CHARS])
{
	const uint64_t s = ms / 1000, min = s / 60, h = min / 60;
	char n[32], m[32];
	const char *v[SAID] = {[V('n')] = n, [V('m')] = m};
	enum phrase p = P_SECONDS;
	uint64_t big = s, small = 0;
	struct buf b;

	if (h >= 48) {
		p = P_DAYS;
		big = h / 24;
		small = h % 24;
	} else if (h) {
		p = P_HOURS;
		big = h;
		small = min % 60;
	} else if (min) {
		p = s % 60 ? P_MINUTES_SECONDS : P_MINUTES;
		big = min;
		small = s % 60;
	}
	snprintf(n, sizeof(n), "%llu", (unsigned long long)big);
	snprintf(m, sizeof(m), "%llu", (unsigned long long)small);
	if (ms && ms < 100) {
		p = P_MILLIS;
		snprintf(n, sizeof(n), "%llu", (unsigned long long)ms);
	} else if (s < 10 && ms % 1000 >= 100) {
		snprintf(n, sizeof(n), "%llu.%llu", (unsigned long long)s,
			 (unsigned long long)(ms % 1000 / 100));
	}
	buf_init(&b, TIME_CHARS - 1);
	say(&b, lang, p, v);
	snprintf(out, TIME_CHARS, "%s", b.err ? n : said(&b));
	buf_free(&b);
}

/* ---- cells ---- */

size_t say_columns(const char *s)
{
	size_t columns = 0;

	/* ours: ASCII, Hangul (two columns), and the middle dot (one) */
	for (; *s; s++) {
		const uint8_t c = (uint8_t)*s;

		if (c < 0x80 || (c >= 0xc0 && c < 0xe0))
			columns++;
		else if (c >= 0xe0)
			columns += 2;
	}
	return columns;
}

void say_cell(struct buf *b, const char *s, size_t columns, bool right)
{
	const size_t has = say_columns(s);

	for (size_t i = has; right && i < columns; i++)
		buf_u8(b, ' ');
	buf_str(b, s);
	for (size_t i = has; !right && i < columns; i++)
		buf_u8(b, ' ');
}
