/* SPDX-License-Identifier: ISC */
/** @file agreement_diff.c  What a new agreement changes, in words */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include "proto/agreement.h"

#define ITEMS_MAX AGREEMENT_HOLIDAYS_MAX /* of one keyword; no other has more */

static_assert(2 * AGREEMENT_OFFSETS_MAX <= ITEMS_MAX, "offsets are one group");

/* ---- one function a keyword: a line an item ---- */

typedef void(items_h)(const struct agreement *a, struct buf *b);

static void items_line(const struct agreement *a, struct buf *b)
{
	buf_printf(b, "line: %s\n", a->line);
}

static void items_version(const struct agreement *a, struct buf *b)
{
	buf_printf(b, "version: %" PRIu64 "\n", a->version);
}

static void items_replaces(const struct agreement *a, struct buf *b)
{
	char hex[2 * DIGEST_BYTES + 1];

	hex_encode(a->replaces, DIGEST_BYTES, hex);
	buf_printf(b, "replaces: %s%s\n",
		   a->replaces_any ? "the text sha256:" : "none",
		   a->replaces_any ? hex : "");
}

static void items_sides(const struct agreement *a, struct buf *b)
{
	buf_printf(b, "sides: %s and %s\n", a->sides[0], a->sides[1]);
}

static void items_from(const struct agreement *a, struct buf *b)
{
	char from[CALENDAR_SECOND_CHARS + 1];

	calendar_second_print(a->from_ms, from);
	buf_printf(b, "from: %s\n", from);
}

static void items_purpose(const struct agreement *a, struct buf *b)
{
	buf_printf(b, "purpose: %s\n", a->purpose);
}

/* One item: the order counts */
static void items_language(const struct agreement *a, struct buf *b)
{
	buf_str(b, "language:");
	for (size_t i = 0; i < a->languages; i++)
		buf_printf(b, "%s %s", i ? "," : "", a->language[i]);
	buf_u8(b, '\n');
}

static void items_medium(const struct agreement *a, struct buf *b)
{
	for (size_t i = 0; i < a->mediums; i++)
		buf_printf(b, "medium: %s\n",
			   agreement_medium_name(a->medium[i]));
}

static void items_recording(const struct agreement *a, struct buf *b)
{
	buf_printf(b, "recording: %s\n", a->recording ? "announced" : "none");
}

static void items_restoration(const struct agreement *a, struct buf *b)
{
	buf_printf(b,
		   "restoration: a %s must answer before what waits goes "
		   "out\n",
		   a->restoration_person ? "person" : "machine");
}

static void items_zone(const struct agreement *a, struct buf *b)
{
	for (unsigned i = 0; i < 2; i++)
		buf_printf(b, "zone: %s of %s\n", a->zones[i], a->sides[i]);
}

static void items_offset(const struct agreement *a, struct buf *b)
{
	char from[CALENDAR_SECOND_CHARS + 1];

	for (unsigned i = 0; i < 2; i++) {
		for (size_t k = 0; k < a->clock[i].n; k++) {
			const struct calendar_offset *o =
				&a->clock[i].offset[k];
			const int minutes = abs(o->offset_s) / 60;

			calendar_second_print(o->from_ms, from);
			buf_printf(b, "offset: %s UTC%c%02d:%02d from %s on\n",
				   a->sides[i], o->offset_s < 0 ? '-' : '+',
				   minutes / 60, minutes % 60, from);
		}
	}
}

static void items_hours(const struct agreement *a, struct buf *b)
{
	if (!a->hours)
		buf_str(b, "hours: always\n");
	for (size_t i = 0; i < a->hours; i++) {
		const struct agreement_hours *h = &a->hour[i];

		buf_printf(b,
			   "hours: %s %02d:%02d-%02d:%02d by the clock of "
			   "%s\n",
			   h->days_as, h->first / 60, h->first % 60,
			   h->end / 60, h->end % 60, a->sides[h->side]);
	}
}

static void items_holiday(const struct agreement *a, struct buf *b)
{
	char date[CALENDAR_DATE_CHARS + 1];

	for (size_t i = 0; i < a->holidays; i++) {
		const struct agreement_holiday *h = &a->holiday[i];

		calendar_date_print(h->day, date);
		buf_printf(b, "holiday: %s of %s, %s\n", date,
			   a->sides[h->side], h->words);
	}
}

static void items_person(const struct agreement *a, struct buf *b)
{
	for (size_t i = 0; i < a->persons; i++) {
		const struct agreement_person *p = &a->person[i];

		buf_printf(b, "person: %s of %s, %s\n", p->role,
			   a->sides[p->side], p->words);
	}
}

static void items_station(const struct agreement *a, struct buf *b)
{
	for (size_t i = 0; i < a->stations; i++) {
		const struct agreement_station *s = &a->station[i];

		buf_printf(b, "station: %s %s of %s, %s\n",
			   agreement_medium_name(s->medium), s->name,
			   a->sides[s->side], s->words);
	}
}

static void items_check(const struct agreement *a, struct buf *b)
{
	for (size_t i = 0; i < a->checks; i++) {
		const struct agreement_check *c = &a->check[i];

		buf_printf(b,
			   "check %s: %s %02d:%02d by the clock of %s, %s "
			   "asks, %s of %s answers within %u s\n",
			   c->name, c->days_as, c->minute / 60, c->minute % 60,
			   a->sides[c->side], a->sides[c->by],
			   c->role ? c->role : "the machine", a->sides[!c->by],
			   c->grace_ms / 1000);
	}
}

static void items_unannounced(const struct agreement *a, struct buf *b)
{
	if (a->unannounced_ms)
		buf_printf(b,
			   "unannounced: either side may ask at any time "
			   "within hours, answer within %u s\n",
			   a->unannounced_ms / 1000);
	else
		buf_str(b, "unannounced: none\n");
}

/* Numbered: the order counts */
static void items_fallback(const struct agreement *a, struct buf *b)
{
	for (size_t i = 0; i < a->fallbacks; i++)
		buf_printf(b, "fallback %zu: %s\n", i + 1, a->fallback[i]);
}

static void items_duty(const struct agreement *a, struct buf *b)
{
	for (size_t i = 0; i < a->duties; i++)
		buf_printf(b, "duty: %s, %s\n", a->sides[a->duty[i].side],
			   a->duty[i].words);
}

/* In the order of the grammar.  Offsets that stay are only counted: there may
   be a hundred, and a person reads the others. */
static const struct group {
	items_h *items;
	const char *count;
} groups[] = {
	{items_line, NULL},      {items_version, NULL},
	{items_replaces, NULL},  {items_sides, NULL},
	{items_from, NULL},      {items_purpose, NULL},
	{items_language, NULL},  {items_medium, NULL},
	{items_recording, NULL}, {items_restoration, NULL},
	{items_zone, NULL},      {items_offset, "offset"},
	{items_hours, NULL},     {items_holiday, NULL},
	{items_person, NULL},    {items_station, NULL},
	{items_check, NULL},     {items_unannounced, NULL},
	{items_fallback, NULL},  {items_duty, NULL},
};

/* ---- difference ---- */

struct list {
	struct buf text;
	struct str item[ITEMS_MAX];
	size_t n;
};

static void list_fill(struct list *l, const struct agreement *a, items_h *items)
{
	struct str in, line;

	buf_reset(&l->text);
	l->n = 0;
	if (a)
		items(a, &l->text);
	in = (struct str){(const char *)l->text.p, l->text.n};
	while (l->n < ITEMS_MAX && str_line(&in, &line))
		l->item[l->n++] = line;
}

static void put(struct buf *out, const char *sign, struct str item)
{
	buf_str(out, sign);
	buf_put(out, item.p, item.n);
	buf_u8(out, '\n');
}

/* Show the fewest items as gone or new.  common[i * (m + 1) + j] is how many
   the lists from i and from j on can have in common, in their order. */
static void list_diff(const struct list *old, const struct list *now,
		      uint16_t *common, const char *count, struct buf *out)
{
	const size_t n = old->n, m = now->n, row = m + 1;
	size_t i, j, same = 0;

	for (i = n + 1; i-- > 0;) {
		for (j = m + 1; j-- > 0;) {
			uint16_t *at = &common[i * row + j];

			if (i == n || j == m)
				*at = 0;
			else if (str_same(old->item[i], now->item[j]))
				*at = (uint16_t)(at[row + 1] + 1);
			else
				*at = at[row] >= at[1] ? at[row] : at[1];
		}
	}
	for (i = j = 0; i < n || j < m;) {
		const uint16_t *at = &common[i * row + j];

		if (i < n && j < m && str_same(old->item[i], now->item[j])) {
			if (!count)
				put(out, "= ", now->item[j]);
			same++;
			i++;
			j++;
		} else if (j == m || (i < n && at[row] >= at[1])) {
			put(out, "- ", old->item[i++]);
		} else {
			put(out, "+ ", now->item[j++]);
		}
	}
	if (count && same)
		buf_printf(out, "= %s: %zu as before\n", count, same);
}

int agreement_diff(const struct agreement *old, const struct agreement *now,
		   struct buf *out)
{
	struct work {
		struct list old, now;
		uint16_t common[(ITEMS_MAX + 1) * (ITEMS_MAX + 1)];
	} *w = malloc(sizeof(*w));
	int err = 0;

	if (!w)
		return ENOMEM;
	/* each line of the text with some words around it */
	buf_init(&w->old.text, 4 * AGREEMENT_BYTES_MAX);
	buf_init(&w->now.text, 4 * AGREEMENT_BYTES_MAX);
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]) && !err;
	     g++) {
		list_fill(&w->old, old, groups[g].items);
		list_fill(&w->now, now, groups[g].items);
		err = w->old.text.err ? w->old.text.err : w->now.text.err;
		if (!err) {
			list_diff(&w->old, &w->now, w->common, groups[g].count,
				  out);
			err = out->err;
		}
	}
	buf_free(&w->old.text);
	buf_free(&w->now.text);
	free(w);
	return err;
}
