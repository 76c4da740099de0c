/* SPDX-License-Identifier: ISC */
/** @file cli_status.c  `ringdown status`: does the line live? */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "cmd/cli_line.h"

#define SCREEN_BYTES_MAX 262144
#define LABEL_COLUMNS 20

struct view {
	struct cli *c;
	bool color;
	bool live;		/* redrawn in place */
	int64_t looked_ms;
	struct reply r;
	struct reply lines;
	bool has;		/* r and lines are answers, of looked_ms */
	int64_t rang_ms;
};

#define RING_MS 10000	/* a check that waits rings again after so long */

/* State never by colour alone: a shape, a word, then the colour */
static void trunk_mark(struct buf *b, const char *line, bool color)
{
	const bool up = !strcmp(line, "up"), down = !strcmp(line, "down");

	if (color)
		buf_str(b, up     ? "\033[1;32m"
			   : down ? "\033[1;31m"
				  : "\033[1;33m");
	buf_str(b, up     ? "\xe2\x97\x8f "
		   : down ? "\xe2\x97\x8b "
			  : "\xe2\x97\x90 ");
	text_cell(b, tr(line), 0);
	if (color)
		buf_str(b, "\033[0m");
}

static void label(struct buf *b, const char *s)
{
	buf_str(b, "    ");
	text_cell(b, s, LABEL_COLUMNS);
}

static void ago(struct buf *b, const json_t *stamp)
{
	const char *s = json_string_value(stamp);
	int64_t ms = 0;

	if (!s || stamp_parse(str_of(s), &ms)) {
		buf_str(b, tr("never"));
		return;
	}
	text_duration(b, now_ms() > ms ? (uint64_t)(now_ms() - ms) : 0);
	buf_str(b, tr(" ago"));
}

static void since(struct buf *b, const json_t *stamp)
{
	const char *s = json_string_value(stamp);
	int64_t ms = 0;

	if (!s || stamp_parse(str_of(s), &ms))
		return;
	buf_str(b, "  ");
	buf_printf(b, tr("since %.10s %.8sZ"), s, s + 11);
	buf_str(b, " (");
	text_duration(b, now_ms() > ms ? (uint64_t)(now_ms() - ms) : 0);
	buf_str(b, ")");
}

static const char *verdict_words(const char *v)
{
	if (!strcmp(v, "trusted"))
		return tr("nothing speaks against them");
	if (!strcmp(v, "suspected"))
		return tr("SUSPECTED: unexplained, not proven");
	if (!strcmp(v, "exposed"))
		return tr("EXPOSED: their own signatures prove a breach");
	return v;
}

static void path_print(struct buf *b, const json_t *path)
{
	const char *why = json_text(path, "why");
	char text[64];

	snprintf(text, sizeof(text), tr("path %lld"),
		 (long long)json_number(path, "path"));
	label(b, text);
	text_cell(b, tr(json_text(path, "state")), 8);
	text_cell(b, json_text(path, "remote"), 0);
	if (json_is_integer(json_object_get(path, "rtt_us"))) {
		buf_printf(b, "  %.1f ms \xc2\xb1%.1f",
			   (double)json_number(path, "rtt_us") / 1000,
			   (double)json_number(path, "rttvar_us") / 1000);
	}
	buf_str(b, "\n");
	if (*why) {
		label(b, "");
		text_cell(b, why, 56);
		buf_str(b, "\n");
	}
}

/* Words that a person has to act upon */
static void pair_warn(struct buf *b, const json_t *pair)
{
	const char *state = json_text(pair, "state");
	const char *why = json_text(pair, "why");
	const char *words = json_text(pair, "words");

	if (!strcmp(state, "live"))
		return;
	label(b, tr("state"));
	text_cell(b, tr(state), 0);
	if (*why) {
		buf_str(b, ": ");
		text_cell(b, why, 0);
	}
	buf_str(b, "\n");
	if (!*words)
		return;
	label(b, tr("words to compare"));
	text_cell(b, words, 0);
	buf_str(b, "\n");
}

static void feeds_print(struct buf *b, const json_t *pair)
{
	const json_t *own = json_object_get(pair, "own");
	const json_t *other = json_object_get(pair, "other");
	const json_t *joint = json_object_get(pair, "joint");
	const long long waits = json_number(pair, "unacknowledged"),
			held = json_number(other, "size"),
			wants = json_number(pair, "wants");

	label(b, tr("we wrote"));
	buf_printf(b, tr("%lld entries; "),
		   (long long)json_number(own, "size"));
	if (waits)
		buf_printf(b, tr("%lld wait for their signature"), waits);
	else
		buf_str(b, tr("all signed by them"));
	buf_str(b, "\n");
	label(b, tr("they wrote"));
	buf_printf(b, tr("%lld entries"), held);
	if (json_number(other, "announced") > held)
		buf_printf(b, tr("; %lld more announced"),
			   (long long)json_number(other, "announced") - held);
	if (wants)
		buf_printf(b, tr("; %lld contents still to come"), wants);
	buf_str(b, "\n");
	label(b, tr("joint record"));
	buf_printf(b, tr("%lld entries, signed by both up to %lld"),
		   (long long)json_number(joint, "size"),
		   (long long)json_number(joint, "signed"));
	buf_str(b, "\n");
}

static void pair_print(struct buf *b, const json_t *pair, const json_t *lines,
		       bool color)
{
	const char *why = json_text(pair, "verdict_why");
	const json_t *path;
	size_t i;

	buf_str(b, "\n");
	text_cell(b, json_text(pair, "peer"), 0);
	buf_str(b, "  ");
	trunk_mark(b, json_text(pair, "trunk"), color);
	since(b, json_object_get(pair, "since"));
	buf_str(b, "\n");
	pair_warn(b, pair);
	line_rows(b, lines, json_text(pair, "peer"), color);
	label(b, tr("their last word"));
	ago(b, json_object_get(pair, "last_proof"));
	if (json_is_integer(json_object_get(pair, "offset_ms")))
		buf_printf(b, tr("; their clock %+lld ms"),
			   (long long)json_number(pair, "offset_ms"));
	buf_str(b, "\n");
	label(b, tr("their conduct"));
	text_cell(b, verdict_words(json_text(pair, "verdict")), 0);
	buf_str(b, "\n");
	if (*why) {
		label(b, "");
		text_cell(b, why, 56);
		buf_str(b, "\n");
	}
	feeds_print(b, pair);
	json_array_foreach(json_object_get(pair, "paths"), i, path)
		path_print(b, path);
}

static void status_print(struct buf *b, const json_t *s, const struct view *v)
{
	const json_t *list = v->lines.json;
	const json_t *lines = json_object_get(list, "lines"), *pair, *walls;
	const char *role;
	char stamp[STAMP_CHARS + 1];
	size_t i;

	stamp_print(v->looked_ms, stamp);
	text_cell(b, json_text(s, "name"), 0);
	buf_str(b, "  ringdown ");
	text_cell(b, json_text(s, "version"), 0);
	buf_printf(b, "  %.10s %.8sZ\n", stamp, stamp + 11);
	(void)line_calls(b, lines, v->color);
	if (!json_array_size(json_object_get(s, "pairs")))
		buf_printf(b, "\n%s\n", tr("No pairs yet: ringdown pair card"));
	json_array_foreach(json_object_get(s, "pairs"), i, pair)
		pair_print(b, pair, lines, v->color);
	line_states(b, list);
	if (!v->c->watch)
		line_zones(v->c, b, lines);
	buf_str(b, "\n");
	json_object_foreach(json_object_get(s, "sandbox"), role, walls)
	{
		label(b, role);
		text_cell(b,
			  json_is_string(walls) ? json_string_value(walls) : "",
			  56);
		buf_str(b, "\n");
	}
}

/* Lines of the screen, cut where it ends, the rest of each cleared */
static void screen_put(const struct buf *b)
{
	struct winsize size = {.ws_row = 24};
	struct str all = {(const char *)b->p, b->n}, line;

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	fputs("\033[H", stdout);
	for (unsigned row = 1; str_line(&all, &line); row++) {
		if (row >= size.ws_row && size.ws_row)
			break;
		fwrite(line.p, 1, line.n, stdout);
		fputs("\033[K\r\n", stdout);
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

static int look(struct view *v)
{
	struct reply r, lines = {0};
	struct ask a;
	int code;

	ask_init(&a, "GET", "/v1/status");
	a.quiet = v->live;
	code = ask_do(v->c, &a, &r);
	if (!code) {
		ask_init(&a, "GET", "/v1/lines");
		ask_param(&a, "brief", "1");
		a.quiet = v->live;
		code = ask_do(v->c, &a, &lines);
	}
	if (code) {
		reply_free(&r);
		reply_free(&lines);
		return code;
	}
	if (v->has) {
		reply_free(&v->r);
		reply_free(&v->lines);
	}
	v->r = r;
	v->lines = lines;
	v->has = true;
	v->looked_ms = now_ms();
	return EXIT_DONE;
}

/* Status and lines in one object */
static void json_print(const struct view *v)
{
	static const char *const taken[] = {"lines", "states", "total",
					    "left_out"};
	json_t *all = json_object(), *lines = json_object();
	char *text;

	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		(void)json_object_set(lines, taken[i],
				      json_object_get(v->lines.json, taken[i]));
	(void)json_object_update(all, v->r.json);
	(void)json_object_set_new(all, "lines", lines);
	text = json_dumps(all, JSON_COMPACT);
	puts(text ? text : "{}");
	fflush(stdout);
	free(text);
	json_decref(all);
}

/* A check that waits for a person is heard too */
static void ring(struct view *v)
{
	struct buf b;
	bool any;

	if (!v->live)
		return;
	buf_init(&b, SCREEN_BYTES_MAX);
	any = line_calls(&b, json_object_get(v->lines.json, "lines"), false);
	buf_free(&b);
	if (!any) {
		v->rang_ms = 0;	/* the next one rings at once */
	} else if (now_ms() - v->rang_ms >= RING_MS) {
		fputs("\a", stdout);
		v->rang_ms = now_ms();
	}
}

static void show(const struct view *v, int code)
{
	struct buf b;

	buf_init(&b, SCREEN_BYTES_MAX);
	if (code)
		buf_printf(&b,
			   tr("%s does not answer. What is shown is old.\n"
			      "\n"),
			   v->c->socket);
	if (v->has)
		status_print(&b, v->r.json, v);
	if (v->live) {
		screen_put(&b);
		buf_free(&b);
	} else {
		text_out(&b, stdout);
	}
}

static int watch(enum follow what, void *arg)
{
	struct view *v = arg;
	int code = 0;

	if (v->c->json) {
		if (what != FOLLOW_NEWS)
			return 0;
		code = look(v);
		if (!code)
			json_print(v);
		return 0;
	}
	/* durations go on by themselves; all else comes with news */
	if (what == FOLLOW_NEWS || now_ms() - v->looked_ms > 10000)
		code = look(v);
	if (what == FOLLOW_LOST)
		code = EXIT_UNREACHABLE;
	ring(v);
	show(v, code);
	return 0;
}

int command_status(struct cli *c)
{
	const bool terminal = isatty(STDOUT_FILENO);
	struct view v = {.c = c, .color = terminal && !getenv("NO_COLOR")};
	int code;

	if (!c->watch) {
		code = look(&v);
		if (!code && c->json)
			json_print(&v);
		else if (!code)
			show(&v, 0);
	} else {
		v.live = terminal && !c->json;
		if (v.live)
			fputs("\033[?1049h\033[?25l", stdout);
		code = follow_do(c, watch, &v);
		if (v.live)
			fputs("\033[?25h\033[?1049l", stdout);
	}
	if (v.has) {
		reply_free(&v.r);
		reply_free(&v.lines);
	}
	return code;
}
