/* SPDX-License-Identifier: ISC */
/** @file cli_record.c  `ringdown record` and `verify` */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd/cli.h"

#define FOLLOW_SHOWN 10
#define PAGE 500

/* What an entry says, in one line: its fields but those that are for machines */
static void fields_print(struct buf *b, const json_t *entry)
{
	const json_t *pair;
	size_t i;

	json_array_foreach(json_object_get(entry, "fields"), i, pair)
	{
		const char *name = json_string_value(json_array_get(pair, 0));
		const char *value = json_string_value(json_array_get(pair, 1));

		if (!name || !value || !strcmp(name, "blob") ||
		    strstr(name, "-key") || !strcmp(name, "id"))
			continue;
		if (b->n)
			buf_str(b, "  ");
		if (strcmp(name, "subject") != 0)
			buf_printf(b, "%s ", name);
		buf_str(b, value);
	}
	if (json_is_false(json_object_get(entry, "understood")))
		buf_str(b, tr("  (not understood)"));
	buf_u8(b, '\0');
}

static void entry_line(const json_t *entry)
{
	const bool own = !strcmp(json_text(entry, "side"), "own");
	const char *time = json_text(entry, "time");
	struct buf b, what;

	buf_init(&b, 65536);
	buf_init(&what, 65536);
	fields_print(&what, entry);
	if (json_is_integer(json_object_get(entry, "joint")))
		buf_printf(&b, "%8lld ",
			   (long long)json_number(entry, "joint"));
	else
		buf_str(&b, "       - ");
	text_cell(&b, own ? tr("we") : tr("they"), 5);
	buf_printf(&b, "%7lld  %.10s %.8s  ",
		   (long long)json_number(entry, "seq"), time,
		   strlen(time) > 11 ? time + 11 : "");
	text_cell(&b, json_text(entry, "type"), 9);
	text_cell(&b, what.err ? "" : (char *)what.p,
		  isatty(STDOUT_FILENO) ? 27 : 0);
	buf_str(&b, "\n");
	text_out(&b, stdout);
	buf_free(&what);
}

/* One page from *from on; moves it */
static int page(struct cli *c, const char *peer, uint64_t *from, uint64_t most,
		bool unplaced, bool *last)
{
	const json_t *entry, *next;
	struct reply r;
	struct ask a;
	size_t i;
	int code;

	*last = true;
	ask_init(&a, "GET", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "record");
	ask_number(&a, "from", *from);
	ask_number(&a, "limit", most < PAGE ? most : PAGE);
	a.quiet = c->watch;
	code = ask_do(c, &a, &r);
	next = json_object_get(r.json, "next");
	*last = !json_is_integer(next);
	if (!code) {
		json_array_foreach(json_object_get(r.json, "entries"), i, entry)
		{
			if (c->json) {
				json_dumpf(entry, stdout, JSON_COMPACT);
				putchar('\n');
			} else {
				entry_line(entry);
			}
			*from = (uint64_t)json_number(entry, "joint") + 1;
		}
		json_array_foreach(json_object_get(r.json, "unplaced"), i,
				   entry)
		{
			if (unplaced && !c->json)
				entry_line(entry);
		}
	}
	reply_free(&r);
	return code;
}

static int joint_size(struct cli *c, const char *peer, uint64_t *size)
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
				json_object_get(pair, "joint"), "size");
	}
	reply_free(&r);
	return code;
}

static int record_list(struct cli *c, const char *peer)
{
	uint64_t from = c->from, left = c->has_number ? c->number : UINT64_MAX;
	bool last = false;
	int code = 0;

	if (!left)
		return usage("%s", tr("-n takes a number from 1 on"));
	while (!code && !last && left) {
		const uint64_t before = from;

		code = page(c, peer, &from, left, !c->has_number, &last);
		left -= from - before < left ? from - before : left;
		if (from == before)
			break;
	}
	return code;
}

struct follower {
	struct cli *c;
	const char *peer;
	uint64_t from;
};

static int followed(enum follow what, void *arg)
{
	struct follower *f = arg;
	bool last = false;
	uint64_t before;

	if (what != FOLLOW_NEWS)
		return 0;
	do {
		before = f->from;
		if (page(f->c, f->peer, &f->from, PAGE, false, &last))
			break;		/* tried again with the next news */
	} while (!last && f->from != before);
	fflush(stdout);
	return 0;
}

static int record_follow(struct cli *c, const char *peer)
{
	const uint64_t shown = c->has_number ? c->number : FOLLOW_SHOWN;
	struct follower f = {c, peer, 0};
	bool last;
	int code = joint_size(c, peer, &f.from);

	f.from = f.from > shown ? f.from - shown : 0;
	if (c->has_from)
		f.from = c->from;
	if (!code)	/* says loudly when there is no such pair */
		code = page(c, peer, &f.from, PAGE, false, &last);
	fflush(stdout);
	if (code)
		return code;
	c->watch = true;
	return follow_do(c, followed, &f);
}

static int record_entry(struct cli *c)
{
	struct reply r;
	struct ask a;
	int code;

	ask_init(&a, "GET", "/v1/pairs");
	for (int i = 1; i < 4; i++)
		ask_segment(&a, c->arg[i]);
	ask_segment(&a, "entry");
	code = ask_do(c, &a, &r);
	if (!code && isatty(STDOUT_FILENO))
		text_put(stdout, (char *)r.body.p, r.body.n, true);
	else if (!code &&
		 r.body.n) /* to a file: the very octets that were signed */
		fwrite(r.body.p, 1, r.body.n, stdout);
	reply_free(&r);
	return code;
}

int command_record(struct cli *c)
{
	const char *what = c->arg[0];

	if (c->args == 2 && !strcmp(what, "list"))
		return record_list(c, c->arg[1]);
	if (c->args == 2 && !strcmp(what, "follow"))
		return record_follow(c, c->arg[1]);
	if (c->args == 4 && !strcmp(what, "entry"))
		return record_entry(c);
	if (c->args == 3 && !strcmp(what, "export"))
		return export_do(c, c->arg[1], c->arg[2]);
	return usage("%s", tr("record list PEER | follow PEER | "
			      "entry PEER in|out SEQ | export PEER DIR"));
}

/* The verifier beside this program, or where programs are found */
int command_verify(struct cli *c)
{
	static char verifier[] = "ringdown-verify", json[] = "--json";
	char path[4096 + sizeof(verifier)];
	char *args[4] = {verifier, NULL, NULL, NULL};
	int n = 1;
	ssize_t len;
	char *slash;

	if (c->json)
		args[n++] = json;
	args[n] = c->arg[0];
	len = readlink("/proc/self/exe", path, 4096);
	if (len > 0 && len < 4096) {
		path[len] = '\0';
		slash = strrchr(path, '/');
		if (slash) {
			memcpy(slash + 1, verifier, sizeof(verifier));
			execv(path, args);
		}
	}
	execvp(verifier, args);
	complain("ringdown-verify: %s", strerror(errno));
	return EXIT_FILE;
}
