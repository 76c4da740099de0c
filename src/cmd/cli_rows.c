/* SPDX-License-Identifier: ISC */
/** @file cli_rows.c  Lines as rows: state, since, next check, what waits */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/cli_line.h"
#include "cmd/cli_zone.h"

#define NAME_COLUMNS 15
#define STATE_COLUMNS 19
#define SINCE_COLUMNS 13
#define ZONES_LOOKED 4	/* lines whose clocks are compared; more are alike */

/* ---- pieces ---- */

/* State never by colour alone: a shape, a word, then the colour */
static void state_mark(struct buf *b, const char *state, bool color)
{
	const bool open = !strcmp(state, "open");
	const bool calm = open || !strcmp(state, "outside-hours") ||
			  !strcmp(state, "proposed");
	const bool bad = !strcmp(state, "down") || !strcmp(state, "refused") ||
			 !strcmp(state, "unattended") ||
			 !strncmp(state, "fault", 5);

	if (color)
		buf_str(b, open   ? "\033[1;32m"
			   : bad  ? "\033[1;31m"
			   : calm ? ""
				  : "\033[1;33m");
	buf_str(b, open  ? "\xe2\x97\x8f "
		   : bad ? "\xe2\x97\x8b "
			 : "\xe2\x97\x90 ");
	text_cell(b, tr(state), STATE_COLUMNS - 2);
	if (color)
		buf_str(b, "\033[0m");
}

void line_time(struct buf *b, const char *stamp, int64_t offset_s, bool day)
{
	char text[STAMP_CHARS + 1];
	int64_t ms = 0;

	if (stamp_parse(str_of(stamp), &ms)) {
		buf_str(b, "-");
		return;
	}
	stamp_print(ms + offset_s * 1000, text);
	if (day)
		buf_printf(b, "%.10s ", text);
	buf_printf(b, "%.5s", text + 11);
}

static void since_cell(struct buf *b, const char *stamp)
{
	struct buf one;
	int64_t ms = 0;

	buf_init(&one, 64);
	if (!stamp_parse(str_of(stamp), &ms))
		text_duration(&one,
			      now_ms() > ms ? (uint64_t)(now_ms() - ms) : 0);
	buf_u8(&one, '\0');
	text_cell(b, one.err ? "" : (char *)one.p, SINCE_COLUMNS);
	buf_free(&one);
}

/* The next check at the times that both clocks show */
static void next_print(struct buf *b, const json_t *line)
{
	const json_t *next = json_object_get(line, "next_check"), *clock;
	const char *due = json_text(next, "due");
	char today[STAMP_CHARS + 1];
	size_t i;

	if (!json_is_object(next))
		return;
	buf_str(b, "  ");
	text_cell(b, json_text(next, "check"), 0);
	buf_str(b, " ");
	stamp_print(now_ms(), today);
	if (strncmp(today, due, 10) != 0 && strlen(due) > 10)
		buf_printf(b, "%.5s ", due + 5);
	json_array_foreach(json_object_get(line, "clocks"), i, clock)
	{
		buf_str(b, i ? "/" : "");
		line_time(b, due, json_number(clock, "due_offset_s"), false);
	}
}

static void indented(struct buf *b, const char *words)
{
	buf_str(b, "      ");
	text_cell(b, words, 0);
	buf_str(b, "\n");
}

/* Within its grace; afterwards one may still attend, late and unasked */
static bool pressing(const json_t *c)
{
	int64_t until;

	return !stamp_parse(str_of(json_text(c, "until")), &until) &&
	       until > now_ms();
}

/* What a person wants to know besides, one row each */
static void more_print(struct buf *b, const json_t *line)
{
	const char *reason = json_text(line, "reason");
	const char *declined = json_text(line, "declined");
	const char *until = json_string_value(json_object_get(line, "until"));
	const char *begins = json_string_value(json_object_get(line, "begins"));
	const json_t *p;
	char text[1200];
	size_t i;

	if (*reason)
		indented(b, reason);
	if (until) {
		snprintf(text, sizeof(text), tr("until %.10s %.5sZ"), until,
			 strlen(until) > 11 ? until + 11 : "");
		indented(b, text);
	}
	if (begins) {
		snprintf(text, sizeof(text),
			 tr("version %lld holds from %.10s %.5sZ on"),
			 (long long)json_number(line, "version"), begins,
			 strlen(begins) > 11 ? begins + 11 : "");
		indented(b, text);
	}
	json_array_foreach(json_object_get(line, "proposals"), i, p)
	{
		snprintf(
			text, sizeof(text),
			!strcmp(json_text(p, "from"), "us")
				? tr("our version %lld waits for their answer")
				: tr("they propose version %lld: ringdown line "
				     "show %s"),
			(long long)json_number(p, "version"),
			json_text(line, "line"));
		indented(b, text);
	}
	json_array_foreach(json_object_get(line, "calls"), i, p)
	{
		if (pressing(p))
			continue;
		snprintf(text, sizeof(text),
			 tr("check %s was missed; late is better than never: "
			    "ringdown check attend %s %lld"),
			 json_text(p, "check"), json_text(line, "line"),
			 (long long)json_number(p, "seq"));
		indented(b, text);
	}
	if (*declined) {
		snprintf(text, sizeof(text),
			 tr("our proposal was declined: %s"), declined);
		indented(b, text);
	}
}

/* ---- rows ---- */

static void row(struct buf *b, const json_t *line, bool color)
{
	const long long waits = json_number(line, "waiting");

	buf_str(b, "    ");
	text_cell(b, json_text(line, "line"), NAME_COLUMNS);
	buf_str(b, " ");
	state_mark(b, json_text(line, "state"), color);
	since_cell(b, json_text(line, "since"));
	if (waits) {
		buf_str(b, "  ");
		buf_printf(b, tr("%lld wait"), waits);
	}
	next_print(b, line);
	while (b->n && b->p[b->n - 1] == ' ')
		b->n--;
	buf_str(b, "\n");
	more_print(b, line);
}

static bool same_clocks(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "clocks"),
			  json_object_get(b, "clocks"));
}

/* Both sides' clocks, now */
static void clocks_row(struct buf *b, const json_t *line)
{
	char stamp[STAMP_CHARS + 1];
	const json_t *clock;
	size_t i;

	stamp_print(now_ms(), stamp);
	buf_str(b, "   ");
	json_array_foreach(json_object_get(line, "clocks"), i, clock)
	{
		const int64_t off = json_number(clock, "offset_s");
		const int64_t abs = off < 0 ? -off : off;

		buf_str(b, " ");
		line_time(b, stamp, off, false);
		buf_str(b, " ");
		text_cell(b, json_text(clock, "side"), 0);
		buf_printf(b, " %c%02d:%02d ", off < 0 ? '-' : '+',
			   (int)(abs / 3600 % 100), (int)(abs / 60 % 60));
	}
	while (b->n && b->p[b->n - 1] == ' ')
		b->n--;
	buf_str(b, "\n");
}

void line_rows(struct buf *b, const json_t *lines, const char *peer, bool color)
{
	const json_t *line, *last = NULL;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		if (peer && strcmp(json_text(line, "peer"), peer) != 0)
			continue;
		/* said again only where they are others */
		if (json_array_size(json_object_get(line, "clocks")) &&
		    (!last || !same_clocks(line, last)) &&
		    (!last || json_object_get(last, "next_check"))) {
			if (!last)
				clocks_row(b, line);
			last = line;
		}
		row(b, line, color);
	}
}

static void call(struct buf *b, const json_t *line, const json_t *c, bool color)
{
	const char *until = json_text(c, "until");
	const char *role = json_text(c, "role");
	const json_t *clock;
	struct buf words;
	size_t i;

	buf_init(&words, 2048);
	if (json_is_true(json_object_get(c, "drill")))
		buf_str(&words, tr("DRILL "));
	buf_printf(&words, tr("CHECK %s of line %s"), json_text(c, "check"),
		   json_text(line, "line"));
	buf_str(&words, ": ");
	buf_printf(&words, tr("%s attend before %.5sZ"),
		   *role ? role : tr("anybody"),
		   strlen(until) > 11 ? until + 11 : "");
	json_array_foreach(json_object_get(line, "clocks"), i, clock)
	{
		buf_str(&words, i ? ", " : " (");
		line_time(&words, until, json_number(clock, "offset_s"), false);
		buf_printf(&words, " %s%s", json_text(clock, "side"),
			   i ? ")" : "");
	}
	buf_u8(&words, '\0');
	buf_str(b, color ? "\033[7m" : "");
	buf_str(b, "!! ");
	text_cell(b, words.err ? "" : (char *)words.p, 0);
	buf_str(b, color ? "\033[0m\n" : "\n");
	buf_printf(b, "   ringdown check attend ");
	text_cell(b, json_text(line, "line"), 0);
	buf_printf(b, " %lld --peer ", (long long)json_number(c, "seq"));
	text_cell(b, json_text(line, "peer"), 0);
	buf_str(b, "\n");
	buf_free(&words);
}

bool line_calls(struct buf *b, const json_t *lines, bool color)
{
	const json_t *line, *c;
	bool any = false;
	size_t i, k;

	json_array_foreach(lines, i, line)
	{
		json_array_foreach(json_object_get(line, "calls"), k, c)
		{
			if (!pressing(c))
				continue;
			call(b, line, c, color);
			any = true;
		}
	}
	return any;
}

void line_states(struct buf *b, const json_t *list)
{
	const long long left = json_number(list, "left_out");
	const json_t *n;
	const char *state;
	bool any = false;

	if (!left)
		return;
	buf_str(b, "\n");
	buf_printf(b, tr("%lld more lines are not shown; of all %lld: "), left,
		   (long long)json_number(list, "total"));
	json_object_foreach(
		(json_t *)(uintptr_t)json_object_get(list, "states"), state, n)
	{
		buf_printf(b, "%s%s %lld", any ? ", " : "", tr(state),
			   (long long)json_integer_value(n));
		any = true;
	}
	buf_str(b, "\n");
}

/* ---- the zone database ---- */

static void zone_warn(struct buf *b, const json_t *line, const char *text)
{
	struct agreement *a = NULL;
	char stamp[STAMP_CHARS + 1];
	int64_t at = 0;
	int side = 0, err;

	if (agreement_parse(text, strlen(text), &a, NULL))
		return;
	err = zone_differs(a, now_ms(), &side, &at);
	if (err == ESTALE) {
		stamp_print(at, stamp);
		buf_str(b, "! ");
		buf_printf(b,
			   tr("line %s: from %.10s on this machine's time-zone "
			      "database has other times for %s than the "
			      "agreement; amend it"),
			   json_text(line, "line"), stamp, a->zones[side]);
		buf_str(b, "\n");
	}
	agreement_free(a);
}

void line_zones(struct cli *c, struct buf *b, const json_t *lines)
{
	const json_t *line, *seen[ZONES_LOOKED];
	size_t i, n = 0, k;

	json_array_foreach(lines, i, line)
	{
		const json_t *text;
		struct reply r;

		for (k = 0; k < n && !same_clocks(seen[k], line); k++)
			;
		if (n == ZONES_LOOKED)
			return;
		if (k < n || !json_is_integer(json_object_get(line, "version")))
			continue;
		seen[n++] = line;
		if (!line_ask(c, json_text(line, "peer"),
			      json_text(line, "line"), &r)) {
			text = json_object_get(json_object_get(r.json, "texts"),
					       "agreement");
			if (json_is_string(text))
				zone_warn(b, line, json_string_value(text));
		}
		reply_free(&r);
	}
}
