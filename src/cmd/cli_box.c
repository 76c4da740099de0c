/* SPDX-License-Identifier: ISC */
/** @file cli_box.c  `ringdown inbox`, `outbox` and `show` */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd/cli.h"

#define SHOWN_DEFAULT 20
#define WINDOW_FIRST 200	/* entries looked through for the newest items */
#define PAGE 500

/* The states in words, the furthest along last */
static void states_print(struct buf *b, const json_t *states, bool in)
{
	const json_t *s;
	const char *last = "";
	size_t i;

	json_array_foreach(states, i, s)
	{
		if (json_is_string(s))
			last = json_string_value(s);
	}
	if (in && (!strcmp(last, "acked") || !*last))
		last = "coming";
	text_cell(b, tr(last), 0);
}

static void item_line(struct buf *b, const json_t *item, bool in)
{
	const char *time = json_text(item, "time");
	const char *precedence = json_text(item, "precedence");
	const bool pressing = strcmp(precedence, "routine") != 0;
	struct buf subject;

	buf_init(&subject, 4096);
	if (pressing) {
		buf_str(&subject, "!");
		buf_str(&subject, tr(precedence));
		buf_str(&subject, " ");
	}
	if (json_is_string(json_object_get(item, "name"))) {
		buf_str(&subject, "[");
		buf_str(&subject, json_text(item, "name"));
		buf_str(&subject, "] ");
	}
	buf_str(&subject, json_text(item, "subject"));
	buf_u8(&subject, '\0');
	buf_printf(b, "%7lld  %.10s %.5s  ",
		   (long long)json_number(item, "seq"), time,
		   strlen(time) > 11 ? time + 11 : "");
	text_cell(b, subject.err ? "" : (char *)subject.p, 40);
	buf_str(b, "  ");
	states_print(b, json_object_get(item, "states"), in);
	buf_str(b, "\n");
	buf_free(&subject);
}

/* All items after `after`, over as many pages as there are */
static int items_get(struct cli *c, const char *peer, const char *box,
		     uint64_t after, uint64_t most, json_t *all)
{
	for (;;) {
		json_t *items, *next;
		struct reply r;
		struct ask a;
		int code;

		ask_init(&a, "GET", "/v1/pairs");
		ask_segment(&a, peer);
		ask_segment(&a, box);
		ask_number(&a, "after", after);
		ask_number(&a, "limit", PAGE);
		code = ask_do(c, &a, &r);
		items = json_object_get(r.json, "items");
		next = json_object_get(r.json, "next");
		if (!code && !json_is_array(items)) {
			complain("%s", tr("the answer is not understood"));
			code = EXIT_REFUSED;
		}
		if (!code)
			json_array_extend(all, items);
		if (code || !json_is_integer(next) ||
		    (uint64_t)json_integer_value(next) <= after ||
		    (most && json_array_size(all) >= most)) {
			reply_free(&r);
			return code;
		}
		after = (uint64_t)json_integer_value(next);
		reply_free(&r);
	}
}

/* How many entries the box's feed has, out of the status */
static int feed_size(struct cli *c, const char *peer, bool in, uint64_t *size)
{
	const json_t *pair;
	struct reply r;
	struct ask a;
	size_t i;
	int code;

	*size = 0;
	ask_init(&a, "GET", "/v1/status");
	code = ask_do(c, &a, &r);
	json_array_foreach(json_object_get(r.json, "pairs"), i, pair)
	{
		if (!code && !strcmp(json_text(pair, "peer"), peer))
			*size = (uint64_t)json_number(
				json_object_get(pair, in ? "other" : "own"),
				"size");
	}
	reply_free(&r);
	return code;
}

/* The newest `want`: a window at the end, made larger until it has them */
static int items_newest(struct cli *c, const char *peer, const char *box,
			uint64_t want, json_t **all)
{
	uint64_t size = 0, window = WINDOW_FIRST, after;
	int code = feed_size(c, peer, box[0] == 'i', &size);

	while (!code) {
		after = size > window ? size - window : 0;
		json_array_clear(*all);
		code = items_get(c, peer, box, after, 0, *all);
		if (code || !after || json_array_size(*all) >= want)
			break;
		window *= 4;
	}
	while (json_array_size(*all) > want)
		json_array_remove(*all, 0);
	return code;
}

static int command_box(struct cli *c, const char *box)
{
	const uint64_t want = c->has_number ? c->number : SHOWN_DEFAULT;
	json_t *all = json_array();
	const json_t *item;
	struct buf b;
	size_t i;
	int code;

	if (!want || want > 100000) {
		json_decref(all);
		return usage("%s", tr("-n takes a number from 1 to 100000"));
	}
	if (c->has_after)
		code = items_get(c, c->arg[0], box, c->after, want, all);
	else
		code = items_newest(c, c->arg[0], box, want, &all);
	while (c->has_after && json_array_size(all) > want)
		json_array_remove(all, json_array_size(all) - 1);
	buf_init(&b, 64 << 20);
	if (!code && c->json) {
		char *text = json_dumps(all, JSON_COMPACT);

		buf_printf(&b, "{\"items\":%s}\n", text ? text : "[]");
		free(text);
	} else if (!code) {
		json_array_foreach(all, i, item)
			item_line(&b, item, box[0] == 'i');
		if (!json_array_size(all))
			buf_printf(&b, "%s\n", tr("Nothing yet."));
	}
	text_out(&b, stdout);
	json_decref(all);
	return code;
}

int command_inbox(struct cli *c)
{
	return command_box(c, "inbox");
}

int command_outbox(struct cli *c)
{
	return command_box(c, "outbox");
}

/* ---- show ---- */

static void field(struct buf *b, const char *name, const char *value)
{
	if (!*value)
		return;
	text_cell(b, name, 12);
	text_cell(b, value, 0);
	buf_str(b, "\n");
}

static void head_print(const json_t *item, bool in, FILE *f)
{
	struct buf b, size;

	buf_init(&b, 65536);
	buf_init(&size, 100);
	field(&b, tr("subject"), json_text(item, "subject"));
	field(&b, tr("by"), json_text(item, "by"));
	field(&b, tr("time"), json_text(item, "time"));
	field(&b, tr("line"), json_text(item, "line"));
	field(&b, tr("written"), json_text(item, "written"));
	field(&b, tr("precedence"), tr(json_text(item, "precedence")));
	field(&b, "id", json_text(item, "id"));
	field(&b, tr("file"), json_text(item, "name"));
	text_bytes(&size, (uint64_t)json_number(item, "bytes"));
	buf_printf(&size, ", %s", json_text(item, "media"));
	buf_u8(&size, '\0');
	field(&b, tr("content"), size.err ? "" : (char *)size.p);
	text_cell(&b, tr("state"), 12);
	states_print(&b, json_object_get(item, "states"), in);
	buf_str(&b, "\n\n");
	text_out(&b, f);
	buf_free(&size);
}

struct out {
	FILE *f;
	const char *path;
	bool escape;		/* a terminal */
	char rest[4];		/* of a character cut between pieces */
	size_t rest_n;
};

/* Octets at the end that may be the beginning of a character */
static size_t unfinished(const char *p, size_t n)
{
	for (size_t i = 1; i <= 3 && i <= n; i++) {
		const uint8_t u = (uint8_t)p[n - i];

		if ((u & 0xc0) == 0x80)
			continue;
		return (u >= 0xf0 && i < 4) ||
				       (u >= 0xe0 && u < 0xf0 && i < 3) ||
				       (u >= 0xc0 && u < 0xe0 && i < 2)
			       ? i
			       : 0;
	}
	return 0;
}

static void escape_put(struct out *o, const char *p, size_t n)
{
	struct buf b;
	size_t keep;

	buf_init(&b, n + sizeof(o->rest));
	buf_put(&b, o->rest, o->rest_n);
	buf_put(&b, p, n);
	keep = unfinished((char *)b.p, b.n);
	text_put(o->f, (char *)b.p, b.n - keep, true);
	memcpy(o->rest, b.p + b.n - keep, keep);
	o->rest_n = keep;
	buf_free(&b);
}

static int content(const void *p, size_t n, void *arg)
{
	struct out *o = arg;

	if (o->escape)
		escape_put(o, p, n);
	else if (fwrite(p, 1, n, o->f) != n) {
		complain("%s: %s", o->path, strerror(errno));
		return EXIT_FILE;
	}
	return EXIT_DONE;
}

static int body_get(struct cli *c, struct out *o)
{
	const bool in = !strcmp(c->arg[1], "in");
	struct reply r;
	struct ask a;
	int code;

	ask_init(&a, "GET", "/v1/pairs");
	for (int i = 0; i < 3; i++)
		ask_segment(&a, c->arg[i]);
	ask_segment(&a, "body");
	if (in && !c->peek)
		ask_param(&a, "open", "1");
	a.sink = content;
	a.arg = o;
	code = ask_do(c, &a, &r);
	reply_free(&r);
	if (o->rest_n)
		text_put(o->f, o->rest, o->rest_n, true);
	return code;
}

/* Into a new file, which is there whole or not at all */
static int body_file(struct cli *c)
{
	struct out o = {.path = c->output};
	int fd = open(c->output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int code;

	o.f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!o.f) {
		complain("%s: %s", c->output, strerror(errno));
		if (fd >= 0)
			close(fd);
		return EXIT_FILE;
	}
	code = body_get(c, &o);
	if ((fflush(o.f) || fsync(fd)) && !code) {
		complain("%s: %s", c->output, strerror(errno));
		code = EXIT_FILE;
	}
	fclose(o.f);
	if (code)
		unlink(c->output);
	else if (!c->json)
		printf(tr("Written to %s.\n"), c->output);
	return code;
}

static int body_show(struct cli *c, const json_t *item)
{
	struct out o = {
		.f = stdout, .path = "stdout", .escape = isatty(STDOUT_FILENO)};
	const char *media = json_text(item, "media");
	int code;

	if (o.escape && strncmp(media, "text/", 5) != 0) {
		complain("%s", tr("this is a document: write it to a file with "
				  "-o FILE"));
		return EXIT_REFUSED;
	}
	if (o.escape)
		head_print(item, !strcmp(c->arg[1], "in"), stdout);
	code = body_get(c, &o);
	if (o.escape)
		putchar('\n');
	return code;
}

int command_show(struct cli *c)
{
	struct reply r;
	struct ask a;
	uint64_t seq;
	int code;

	if ((strcmp(c->arg[1], "in") != 0 && strcmp(c->arg[1], "out") != 0) ||
	    uint_parse(str_of(c->arg[2]), &seq))
		return usage("%s", tr("show PEER in|out SEQ"));
	ask_init(&a, "GET", "/v1/pairs");
	for (int i = 0; i < 3; i++)
		ask_segment(&a, c->arg[i]);
	code = ask_do(c, &a, &r);
	if (!code && c->json)
		reply_print(&r);
	if (!code && c->output)
		code = body_file(c);
	else if (!code && !c->json)
		code = body_show(c, r.json);
	reply_free(&r);
	return code;
}
