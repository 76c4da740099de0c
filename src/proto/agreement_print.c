/* SPDX-License-Identifier: ISC */
/** @file agreement_print.c  An agreement as its text again */
#include <inttypes.h>
#include "proto/agreement.h"

static void print_head(const struct agreement *a, struct buf *b)
{
	char hex[2 * DIGEST_BYTES + 1], from[CALENDAR_SECOND_CHARS + 1];

	hex_encode(a->replaces, DIGEST_BYTES, hex);
	calendar_second_print(a->from_ms, from);
	buf_printf(b,
		   "ringdown-agreement/v1\nline %s\nversion %" PRIu64 "\n"
		   "replaces %s%s\nsides %s %s\nfrom %s\npurpose %s\n",
		   a->line, a->version, a->replaces_any ? "sha256:" : "none",
		   a->replaces_any ? hex : "", a->sides[0], a->sides[1], from,
		   a->purpose);
	for (size_t i = 0; i < a->languages; i++)
		buf_printf(b, "language %s\n", a->language[i]);
	for (size_t i = 0; i < a->mediums; i++)
		buf_printf(b, "medium %s\n",
			   agreement_medium_name(a->medium[i]));
	buf_printf(b, "recording %s\nrestoration %s\n",
		   a->recording ? "announced" : "none",
		   a->restoration_person ? "person" : "machine");
}

static void print_clock(const struct agreement *a, unsigned side, struct buf *b)
{
	char from[CALENDAR_SECOND_CHARS + 1];

	buf_printf(b, "zone %s %s\n", a->sides[side], a->zones[side]);
	for (size_t i = 0; i < a->clock[side].n; i++) {
		const struct calendar_offset *o = &a->clock[side].offset[i];
		const int32_t minutes =
			(o->offset_s < 0 ? -o->offset_s : o->offset_s) / 60;

		calendar_second_print(o->from_ms, from);
		buf_printf(b, "offset %s %s %c%02d:%02d\n", a->sides[side],
			   from, o->offset_s < 0 ? '-' : '+', minutes / 60,
			   minutes % 60);
	}
}

static void print_hours(const struct agreement *a, struct buf *b)
{
	char date[CALENDAR_DATE_CHARS + 1];

	for (size_t i = 0; i < a->hours; i++) {
		const struct agreement_hours *h = &a->hour[i];

		buf_printf(b, "hours %s %02d:%02d-%02d:%02d %s\n", h->days_as,
			   h->first / 60, h->first % 60, h->end / 60,
			   h->end % 60, a->sides[h->side]);
	}
	for (size_t i = 0; i < a->holidays; i++) {
		const struct agreement_holiday *h = &a->holiday[i];

		calendar_date_print(h->day, date);
		buf_printf(b, "holiday %s %s %s\n", a->sides[h->side], date,
			   h->words);
	}
}

static void print_people(const struct agreement *a, struct buf *b)
{
	for (size_t i = 0; i < a->persons; i++) {
		const struct agreement_person *p = &a->person[i];

		buf_printf(b, "person %s %s %s\n", a->sides[p->side], p->role,
			   p->words);
	}
	for (size_t i = 0; i < a->stations; i++) {
		const struct agreement_station *s = &a->station[i];

		buf_printf(b, "station %s %s %s %s\n", a->sides[s->side],
			   agreement_medium_name(s->medium), s->name, s->words);
	}
}

static void print_checks(const struct agreement *a, struct buf *b)
{
	for (size_t i = 0; i < a->checks; i++) {
		const struct agreement_check *c = &a->check[i];

		buf_printf(b,
			   "check %s %s %02d:%02d %s by %s grace %u role %s\n",
			   c->name, c->days_as, c->minute / 60, c->minute % 60,
			   a->sides[c->side], a->sides[c->by],
			   c->grace_ms / 1000, c->role ? c->role : "none");
	}
	if (a->unannounced_ms)
		buf_printf(b, "unannounced grace %u\n",
			   a->unannounced_ms / 1000);
	for (size_t i = 0; i < a->fallbacks; i++)
		buf_printf(b, "fallback %s\n", a->fallback[i]);
	for (size_t i = 0; i < a->duties; i++)
		buf_printf(b, "duty %s %s\n", a->sides[a->duty[i].side],
			   a->duty[i].words);
}

int agreement_print(const struct agreement *a, struct buf *out)
{
	print_head(a, out);
	print_clock(a, 0, out);
	print_clock(a, 1, out);
	print_hours(a, out);
	print_people(a, out);
	print_checks(a, out);
	return out->err;
}
