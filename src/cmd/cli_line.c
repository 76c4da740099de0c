/* SPDX-License-Identifier: ISC */
/** @file cli_line.c  `ringdown line`: how lines are, and what is declared */
#include <stdlib.h>
#include <string.h>
#include "cmd/cli_line.h"

#define LIST_BYTES_MAX (32U << 20)

/* ---- shared ---- */

int line_peer(struct cli *c, char peer[HOST_CHARS_MAX + 1])
{
	const json_t *pairs, *p, *found = NULL;
	struct reply r;
	struct ask a;
	size_t i;
	int code;

	if (c->peer) {
		if (!host_ok(str_of(c->peer)))
			return usage(tr("%s is no name of a peer"), c->peer);
		return str_copy(str_of(c->peer), peer, HOST_CHARS_MAX + 1)
			       ? EXIT_USAGE
			       : EXIT_DONE;
	}
	ask_init(&a, "GET", "/v1/status");
	code = ask_do(c, &a, &r);
	pairs = json_object_get(r.json, "pairs");
	json_array_foreach(pairs, i, p)
	{
		if (!strcmp(json_text(p, "state"), "revoked"))
			continue;
		if (found)
			code = code ? code : EXIT_USAGE;
		found = p;
	}
	if (!code && !found)
		code = EXIT_USAGE;
	if (code == EXIT_USAGE)
		complain("%s", tr("there is not exactly one pair: name it with "
				  "--peer"));
	else if (!code && str_copy(str_of(json_text(found, "peer")), peer,
				   HOST_CHARS_MAX + 1))
		code = EXIT_REFUSED;
	reply_free(&r);
	return code;
}

int line_ask(struct cli *c, const char *peer, const char *name, struct reply *r)
{
	struct ask a;

	ask_init(&a, "GET", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "lines");
	ask_segment(&a, name);
	return ask_do(c, &a, r);
}

bool line_agreed(const char *question)
{
	char line[16] = "";

	fprintf(stderr, "%s ", question);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	return !strcmp(line, "yes\n") || !strcmp(line, "\xec\x98\x88\n") ||
	       !strcmp(line, "\xeb\x84\xa4\n");
}

int line_reason(const struct cli *c, const char **reason)
{
	if (!c->reason || !*c->reason)
		return usage("%s", tr("say why with --reason WORDS"));
	*reason = c->reason;
	return EXIT_DONE;
}

/* ---- list, show, text ---- */

static int line_list(struct cli *c)
{
	struct reply r;
	struct ask a;
	struct buf b;
	int code;

	if (c->peer) {
		ask_init(&a, "GET", "/v1/pairs");
		ask_segment(&a, c->peer);
		ask_segment(&a, "lines");
	} else {
		ask_init(&a, "GET", "/v1/lines");
	}
	code = ask_do(c, &a, &r);
	if (!code && c->json) {
		reply_print(&r);
	} else if (!code) {
		const json_t *lines = json_object_get(r.json, "lines"), *l;
		const char *peer = "";
		size_t i;

		buf_init(&b, LIST_BYTES_MAX);
		(void)line_calls(&b, lines, false);
		json_array_foreach(lines, i, l)
		{
			if (!strcmp(json_text(l, "peer"), peer))
				continue;
			peer = json_text(l, "peer");
			text_cell(&b, peer, 0);
			buf_str(&b, "\n");
			line_rows(&b, lines, peer, false);
		}
		if (!json_array_size(lines))
			buf_printf(&b, "%s\n",
				   tr("No lines yet: ringdown line propose "
				      "FILE"));
		text_out(&b, stdout);
	}
	reply_free(&r);
	return code;
}

static void titled(const char *title, const char *text)
{
	printf("\n%s\n", title);
	text_put(stdout, text, strlen(text), true);
}

static void show_print(struct cli *c, const json_t *line)
{
	const json_t *texts = json_object_get(line, "texts");
	const json_t *differ = json_object_get(line, "differences");
	json_t *one = json_array();
	struct buf b;

	json_array_append(one, (json_t *)(uintptr_t)line);
	buf_init(&b, LIST_BYTES_MAX);
	(void)line_calls(&b, one, false);
	line_rows(&b, one, NULL, false);
	line_zones(c, &b, one);
	text_out(&b, stdout);
	json_decref(one);
	if (json_object_get(texts, "agreement")) {
		printf("\n%s\nsha256:%s\n", tr("The agreement:"),
		       json_text(line, "agreement"));
		titled("", json_text(texts, "agreement"));
	}
	if (json_object_get(differ, "ours"))
		titled(tr("What our proposal changes:"),
		       json_text(differ, "ours"));
	if (json_object_get(differ, "theirs")) {
		titled(tr("What their proposal changes:"),
		       json_text(differ, "theirs"));
		printf(tr("\nAnswer it: ringdown line accept %s, or ringdown "
			  "line decline %s --reason WORDS\n"),
		       json_text(line, "line"), json_text(line, "line"));
	}
}

static int line_show(struct cli *c, const char *name)
{
	char peer[HOST_CHARS_MAX + 1];
	struct reply r;
	int code = line_peer(c, peer);

	if (code)
		return code;
	code = line_ask(c, peer, name, &r);
	if (!code && c->json)
		reply_print(&r);
	else if (!code)
		show_print(c, r.json);
	reply_free(&r);
	return code;
}

/* A text as it was signed, to begin the next version from */
static int line_text(struct cli *c, const char *name, const char *which)
{
	char peer[HOST_CHARS_MAX + 1];
	const json_t *text;
	struct reply r;
	int code;

	if (strcmp(which, "agreement") != 0 && strcmp(which, "ours") != 0 &&
	    strcmp(which, "theirs") != 0)
		return usage("%s",
			     tr("line text NAME [agreement|ours|theirs]"));
	code = line_peer(c, peer);
	if (code)
		return code;
	code = line_ask(c, peer, name, &r);
	text = json_object_get(json_object_get(r.json, "texts"), which);
	if (!code && !json_is_string(text)) {
		complain(tr("the line %s has no such text"), name);
		code = EXIT_REFUSED;
	} else if (!code) {
		fputs(json_string_value(text), stdout);
	}
	reply_free(&r);
	return code;
}

/* ---- what our side says ---- */

static int declared(struct cli *c, struct ask *a, const char *name,
		    const char *said)
{
	struct reply r;
	int code = ask_do(c, a, &r);

	if (!code && c->json) {
		reply_print(&r);
	} else if (!code) {
		printf(tr("Line %s with %s: "), name,
		       json_text(r.json, "peer"));
		printf(tr("entry %lld. "),
		       (long long)json_number(r.json, "seq"));
		printf("%s\n", said);
	}
	reply_free(&r);
	return code;
}

/* A stamp with or without its milliseconds */
static int until_take(const char *s, char out[STAMP_CHARS + 1])
{
	int64_t ms;

	if (strlen(s) == STAMP_CHARS)
		(void)snprintf(out, STAMP_CHARS + 1, "%s", s);
	else if (strlen(s) == STAMP_CHARS - 4)
		(void)snprintf(out, STAMP_CHARS + 1, "%.19s.000%s", s, s + 19);
	else
		out[0] = '\0';
	if (!stamp_parse(str_of(out), &ms))
		return EXIT_DONE;
	return usage("%s", tr("--until takes UTC as 2026-12-01T09:00:00Z"));
}

static int line_declare(struct cli *c, const char *name, const char *state,
			const char *said)
{
	char peer[HOST_CHARS_MAX + 1], until[STAMP_CHARS + 1] = "";
	const char *reason = "open again";
	struct ask a;
	int code = 0;

	if (strcmp(state, "open") != 0 || c->reason)
		code = line_reason(c, &reason);
	if (!code && c->until && strcmp(state, "suspended") != 0)
		code = usage("%s", tr("--until belongs to line suspend"));
	if (!code && c->until)
		code = until_take(c->until, until);
	if (!code)
		code = line_peer(c, peer);
	if (code)
		return code;
	ask_init(&a, "POST", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "lines");
	ask_segment(&a, name);
	ask_segment(&a, "declare");
	ask_param(&a, "state", state);
	ask_param(&a, "reason", reason);
	ask_param(&a, "until", *until ? until : NULL);
	return declared(c, &a, name, said);
}

static int line_withdraw(struct cli *c, const char *name)
{
	char peer[HOST_CHARS_MAX + 1];
	const char *reason = NULL;
	struct ask a;
	int code = line_reason(c, &reason);

	if (!code)
		code = line_peer(c, peer);
	if (code)
		return code;
	ask_init(&a, "POST", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "lines");
	ask_segment(&a, name);
	ask_segment(&a, "withdraw");
	ask_param(&a, "reason", reason);
	return declared(c, &a, name,
			tr("The agreement is withdrawn; the line is closed "
			   "until another one is signed."));
}

static const struct {
	const char *word, *state, *said;
} declarations[] = {
	{"close", "closed", "Closed by us. What is sent on it waits here."},
	{"suspend", "suspended",
	 "Suspended by us. What is sent on it waits here."},
	{"fault", "fault",
	 "A fault here is declared. What is sent on it waits here."},
	{"open", "open",
	 "Open from our side. A check is asked; then what waits goes out."},
};

int command_line(struct cli *c)
{
	const char *what = c->arg[0];
	const char *name = c->args > 1 ? c->arg[1] : NULL;

	if (!strcmp(what, "list") && c->args == 1)
		return line_list(c);
	if (!strcmp(what, "text") && name)
		return line_text(c, name,
				 c->args > 2 ? c->arg[2] : "agreement");
	if (!strcmp(what, "history"))
		return cmd_line_history(c);
	for (size_t i = 0; c->args == 2 && i < 4; i++) {
		if (!strcmp(what, declarations[i].word))
			return line_declare(c, name, declarations[i].state,
					    tr(declarations[i].said));
	}
	if (c->args == 2 && !strcmp(what, "show"))
		return line_show(c, name);
	if (c->args == 2 && !strcmp(what, "propose"))
		return line_propose(c, name);
	if (c->args == 2 && !strcmp(what, "accept"))
		return line_accept(c, name);
	if (c->args == 2 && !strcmp(what, "decline"))
		return line_decline(c, name);
	if (c->args == 2 && !strcmp(what, "withdraw"))
		return line_withdraw(c, name);
	return usage("%s",
		     tr("line list | show|text|accept NAME | propose FILE "
			      "| decline|withdraw|close|suspend|fault|open NAME "
			"--reason WORDS | history NAME"));
}
