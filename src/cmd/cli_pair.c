/* SPDX-License-Identifier: ISC */
/** @file cli_pair.c  `ringdown pair`: cards, words, and the table of pairs */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/limits.h"
#include "cmd/cli.h"

static int pair_card(struct cli *c)
{
	struct ask a;
	struct reply r;
	int code;

	ask_init(&a, "POST", "/v1/card");
	code = ask_do(c, &a, &r);
	if (!code) {
		if (isatty(STDOUT_FILENO))
			complain("%s", tr("This card holds a secret: hand it "
					  "over in person, to the peer "
					  "only."));
		if (r.body.n)
			fwrite(r.body.p, 1, r.body.n, stdout);
	}
	reply_free(&r);
	return code;
}

/* A state change by name: confirm, revoke, vouch */
static int pair_act(struct cli *c, const char *peer, const char *act)
{
	struct ask a;
	struct reply r;
	int code;

	ask_init(&a, "POST", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, act);
	code = ask_do(c, &a, &r);
	if (!code && c->json)
		reply_print(&r);
	else if (!code && !strcmp(act, "confirm"))
		printf(tr("The pairing with %s is confirmed; its record is "
			  "open.\n"),
		       peer);
	else if (!code && !strcmp(act, "revoke"))
		printf(tr("The pairing with %s is ended. Its record stays.\n"),
		       peer);
	else if (!code)
		printf(tr("You vouched that this record with %s is the newest "
			  "one.\n"),
		       peer);
	reply_free(&r);
	return code;
}

/* True when the person at the terminal types yes */
static bool agreed(const char *question)
{
	char line[16] = "";

	fprintf(stderr, "%s ", question);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	return !strcmp(line, "yes\n") || !strcmp(line, "\xec\x98\x88\n") ||
	       !strcmp(line, "\xeb\x84\xa4\n");
}

/* Twelve words, four a line */
static void words_print(const char *words)
{
	struct str all = str_of(words);

	for (unsigned i = 0; all.n; i++) {
		const struct str w = str_cut(&all, ' ');

		printf("%s%2u ", i % 4 ? "   " : "    ", i + 1);
		text_put(stdout, w.p, w.n, false);
		for (size_t k = text_columns(w.p, w.n); k < 12; k++)
			putchar(' ');
		if (i % 4 == 3 || !all.n)
			putchar('\n');
	}
	fflush(stdout);
}

static int words_ask(struct cli *c, const struct reply *r)
{
	const char *peer = json_text(r->json, "peer");

	if (c->json && !c->yes) {
		reply_print(r);
		return EXIT_DONE;
	}
	if (!c->json) {
		printf(tr("Card of %s taken. Call them and read the words to "
			  "each other:\n\n"),
		       peer);
		words_print(json_text(r->json, "words"));
		putchar('\n');
	}
	if (c->yes)
		return pair_act(c, peer, "confirm");
	if (!isatty(STDIN_FILENO)) {
		printf(tr("When both sides have the same words: ringdown pair "
			  "confirm %s\n"),
		       peer);
		return EXIT_DONE;
	}
	if (agreed(tr("Did they read the same words? Type yes:")))
		return pair_act(c, peer, "confirm");
	printf(tr("Not confirmed. Later: ringdown pair confirm %s, or, when "
		  "the words differ: ringdown pair revoke %s\n"),
	       peer, peer);
	return EXIT_REFUSED;
}

static int pair_add(struct cli *c, const char *path)
{
	const bool in = !strcmp(path, "-");
	FILE *f = in ? stdin : fopen(path, "re");
	char card[CARD_BYTES_MAX + 1];
	struct ask a;
	struct reply r;
	size_t n;
	int code;

	n = f ? fread(card, 1, sizeof(card), f) : 0;
	if (!f || ferror(f)) {
		complain("%s: %s", path, strerror(errno));
		if (f && !in)
			fclose(f);
		return EXIT_FILE;
	}
	if (!in)
		fclose(f);
	if (n > CARD_BYTES_MAX) {
		complain(tr("%s is too long for a card"), path);
		return EXIT_FILE;
	}
	ask_init(&a, "POST", "/v1/pairs");
	ask_param(&a, "own-serial", c->own_serial);
	a.media = "text/plain";
	a.body = card;
	a.body_n = n;
	code = ask_do(c, &a, &r);
	explicit_bzero(card, sizeof(card));
	if (!code)
		code = words_ask(c, &r);
	reply_free(&r);
	return code;
}

static const char *state_words(const char *state)
{
	static const struct {
		const char *state, *words;
	} all[] = {
		{"waiting", "words not confirmed"},
		{"live", "live"},
		{"restoring", "restoring: older than what we signed"},
		{"stopped", "stopped: a person must decide"},
		{"revoked", "ended"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!strcmp(state, all[i].state))
			return tr(all[i].words);
	}
	return state;
}

void pairs_print(const json_t *status)
{
	const json_t *pair;
	struct buf b;
	size_t i;

	buf_init(&b, 65536);
	text_cell(&b, tr("peer"), 30);
	text_cell(&b, tr("trunk"), 10);
	text_cell(&b, tr("unacknowledged"), 16);
	text_cell(&b, tr("state"), 0);
	buf_str(&b, "\n");
	json_array_foreach(json_object_get(status, "pairs"), i, pair)
	{
		char n[24];

		text_cell(&b, json_text(pair, "peer"), 29);
		buf_str(&b, " ");
		text_cell(&b, tr(json_text(pair, "trunk")), 10);
		snprintf(n, sizeof(n), "%lld",
			 (long long)json_number(pair, "unacknowledged"));
		text_cell(&b, n, 16);
		text_cell(&b, state_words(json_text(pair, "state")), 0);
		buf_str(&b, "\n");
	}
	text_out(&b, stdout);
}

static int pair_list(struct cli *c)
{
	struct ask a;
	struct reply r;
	int code;

	ask_init(&a, "GET", "/v1/status");
	code = ask_do(c, &a, &r);
	if (!code && c->json) {
		char *text = json_dumps(json_object_get(r.json, "pairs"),
					JSON_COMPACT | JSON_ENCODE_ANY);

		puts(text ? text : "[]");
		free(text);
	} else if (!code) {
		pairs_print(r.json);
	}
	reply_free(&r);
	return code;
}

int command_pair(struct cli *c)
{
	const char *what = c->arg[0];

	if (!strcmp(what, "card") && c->args == 1)
		return pair_card(c);
	if (!strcmp(what, "list") && c->args == 1)
		return pair_list(c);
	if (c->args == 2 && !strcmp(what, "add"))
		return pair_add(c, c->arg[1]);
	if (c->args == 2 && (!strcmp(what, "confirm") ||
			     !strcmp(what, "revoke") || !strcmp(what, "vouch")))
		return pair_act(c, c->arg[1], what);
	return usage("%s", tr("pair card | add FILE | confirm PEER | "
			      "revoke PEER | vouch PEER | list"));
}
