/* SPDX-License-Identifier: ISC */
/** @file cli_check.c  `ringdown check`, `service` and `metrics` */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd/cli_line.h"

#define SAID_BYTES_MAX 1000

/* ---- check ---- */

static int check_act(struct cli *c, struct ask *a, const char *said)
{
	struct reply r;
	const int code = ask_do(c, a, &r);

	if (!code && c->json)
		reply_print(&r);
	else if (!code)
		printf(tr("Entry %lld: %s\n"),
		       (long long)json_number(r.json, "seq"), said);
	reply_free(&r);
	return code;
}

static void check_ask(struct ask *a, const char *peer, const char *name,
		      const char *act)
{
	ask_init(a, "POST", "/v1/pairs");
	ask_segment(a, peer);
	ask_segment(a, "lines");
	ask_segment(a, name);
	ask_segment(a, act);
}

static int check_run(struct cli *c, const char *name)
{
	char peer[HOST_CHARS_MAX + 1];
	struct ask a;
	const int code = line_peer(c, peer);

	if (code)
		return code;
	check_ask(&a, peer, name, "check");
	ask_param(&a, "drill", c->drill ? "1" : NULL);
	return check_act(c, &a,
			 c->drill ? tr("DRILL: the check is asked. ringdown "
				       "status -w shows the answer.")
				  : tr("the check is asked. ringdown status -w "
				       "shows the answer."));
}

/* The number of the only check that waits */
static int only_call(struct cli *c, const char *peer, const char *name,
		     uint64_t *seq)
{
	const json_t *calls;
	struct reply r;
	struct buf b;
	int code = line_ask(c, peer, name, &r);

	calls = json_object_get(r.json, "calls");
	if (!code && json_array_size(calls) == 1) {
		*seq = (uint64_t)json_number(json_array_get(calls, 0), "seq");
	} else if (!code && !json_array_size(calls)) {
		complain(tr("no check of line %s waits for anybody"), name);
		code = EXIT_REFUSED;
	} else if (!code) {
		json_t *one = json_array();

		json_array_append(one, r.json);
		buf_init(&b, 65536);
		(void)line_calls(&b, one, false);
		text_out(&b, stderr);
		json_decref(one);
		complain("%s", tr("more than one waits: name its number"));
		code = EXIT_REFUSED;
	}
	reply_free(&r);
	return code;
}

static int check_attend(struct cli *c, const char *name, const char *number)
{
	char peer[HOST_CHARS_MAX + 1], text[24];
	const char *reason = NULL;
	uint64_t seq = 0;
	struct ask a;
	int code = 0;

	if (number && uint_parse(str_of(number), &seq))
		return usage("%s", tr("check attend NAME [SEQ] [--refuse "
				      "--reason WORDS]"));
	if (c->refuse)
		code = line_reason(c, &reason);
	if (!code)
		code = line_peer(c, peer);
	if (!code && !number)
		code = only_call(c, peer, name, &seq);
	if (code)
		return code;
	check_ask(&a, peer, name, "attend");
	snprintf(text, sizeof(text), "%llu", (unsigned long long)seq);
	ask_param(&a, "seq", text);
	ask_param(&a, "refused", c->refuse ? "1" : NULL);
	ask_param(&a, "reason", reason ? reason : c->reason);
	return check_act(c, &a,
			 c->refuse ? tr("refused; they see your name and "
					"reason.")
				   : tr("you attended; they see your name."));
}

int command_check(struct cli *c)
{
	const char *what = c->arg[0];

	if (!strcmp(what, "run") && c->args == 2)
		return check_run(c, c->arg[1]);
	if (!strcmp(what, "attend") && (c->args == 2 || c->args == 3))
		return check_attend(c, c->arg[1],
				    c->args == 3 ? c->arg[2] : NULL);
	if (!strcmp(what, "stats"))
		return cmd_check_stats(c);
	return usage("%s", tr("check run NAME [--drill] | attend NAME [SEQ] "
			      "[--refuse --reason WORDS] | stats"));
}

/* ---- service ---- */

static int service_say(struct cli *c)
{
	char peer[HOST_CHARS_MAX + 1];
	struct reply r;
	struct ask a;
	struct buf b;
	int code = line_peer(c, peer);

	if (code)
		return code;
	buf_init(&b, SAID_BYTES_MAX);
	for (int i = 1; i < c->args; i++) {
		buf_str(&b, i > 1 ? " " : "");
		buf_str(&b, c->arg[i]);
	}
	if (b.err) {
		buf_free(&b);
		return usage("%s", tr("at most 1000 bytes are said at a time"));
	}
	ask_init(&a, "POST", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "service");
	a.media = "text/plain";
	a.body = b.p;
	a.body_n = b.n;
	code = ask_do(c, &a, &r);
	if (!code && c->json)
		reply_print(&r);
	reply_free(&r);
	buf_free(&b);
	return code;
}

static int heard(const json_t *news, void *arg)
{
	const struct cli *c = arg;
	char stamp[STAMP_CHARS + 1];
	struct buf b;

	if (strcmp(json_text(news, "what"), "service") != 0 ||
	    (c->peer && strcmp(json_text(news, "peer"), c->peer) != 0))
		return 0;
	if (c->json) {
		json_dumpf(news, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		stamp_print(now_ms(), stamp);
		buf_init(&b, 65536);
		buf_printf(&b, "%.8sZ ", stamp + 11);
		text_cell(&b, json_text(news, "peer"), 0);
		buf_str(&b, " ");
		text_cell(&b, json_text(news, "who"), 0);
		buf_str(&b, ": ");
		text_cell(&b, json_text(news, "text"), 0);
		buf_str(&b, "\n");
		text_out(&b, stdout);
	}
	fflush(stdout);
	return 0;
}

int command_service(struct cli *c)
{
	if (!strcmp(c->arg[0], "say") && c->args > 1)
		return service_say(c);
	if (!strcmp(c->arg[0], "follow") && c->args == 1)
		return news_do(c, heard, c);
	return usage("%s", tr("service say WORDS ... | follow"));
}

/* ---- metrics ---- */

int command_metrics(struct cli *c)
{
	struct reply r;
	struct ask a;
	int code;

	ask_init(&a, "GET", "/metrics");
	code = ask_do(c, &a, &r);
	if (!code)
		reply_print(&r);
	reply_free(&r);
	return code;
}
