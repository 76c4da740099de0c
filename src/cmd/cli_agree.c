/* SPDX-License-Identifier: ISC */
/** @file cli_agree.c  `ringdown line propose`, `accept` and `decline` */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd/cli_line.h"
#include "cmd/cli_zone.h"
#include "crypto/digest.h"

#define WHY_CHARS 400

/* ---- propose ---- */

static int file_take(const char *path, struct buf *out)
{
	const bool in = !strcmp(path, "-");
	FILE *f = in ? stdin : fopen(path, "re");
	char piece[4096];
	size_t n;
	bool bad;

	while (f && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_put(out, piece, n);
	bad = !f || ferror(f);
	if (bad)
		complain("%s: %s", path, strerror(errno));
	if (f && !in)
		fclose(f);
	if (!bad && out->err) {
		complain(tr("%s is too long for an agreement; nothing was "
			    "sent"),
			 path);
		return EXIT_REFUSED;
	}
	return bad ? EXIT_FILE : EXIT_DONE;
}

/* The line of the file that became line @p at of the text with its offsets */
static unsigned line_before(const struct buf *file, const struct buf *text,
			    unsigned at)
{
	struct str a = {(const char *)file->p, file->n}, x = {NULL, 0};
	struct str b = {(const char *)text->p, text->n}, y;
	bool fresh = true;
	unsigned n = 1;

	for (unsigned i = 1; i <= at && b.n; i++) {
		if (fresh)
			x = str_cut(&a, '\n');
		y = str_cut(&b, '\n');
		fresh = str_same(x, y);
		if (fresh && i < at)
			n++;
	}
	return n;
}

static int text_make(const char *path, const struct buf *file, struct buf *text,
		     struct agreement **a)
{
	struct agreement_fault fault = {0, ""};
	char why[WHY_CHARS] = "";
	int err = zone_fill((const char *)file->p, file->n, text, why,
			    sizeof(why));

	if (err == ENOMEM) {
		complain("%s", strerror(ENOMEM));
		return EXIT_FILE;
	}
	if (err) {
		complain(tr("%s: %s; nothing was sent"), path, why);
		return EXIT_REFUSED;
	}
	err = agreement_parse(text->p, text->n, a, &fault);
	if (!err)
		return EXIT_DONE;
	if (err == EBADMSG)
		complain(tr("%s:%u: expected %s; nothing was sent"), path,
			 line_before(file, text, fault.line), fault.rule);
	else
		complain("%s", strerror(err));
	return EXIT_REFUSED;
}

/* The side that is not ours */
static int other_side(struct cli *c, const struct agreement *a,
		      const char **peer)
{
	struct reply r;
	struct ask q;
	int code, side;

	ask_init(&q, "GET", "/v1/status");
	code = ask_do(c, &q, &r);
	if (!code) {
		side = agreement_side(a, json_text(r.json, "name"));
		if (side < 0) {
			complain(tr("this exchange is %s, and that is none of "
				    "the sides; nothing was sent"),
				 json_text(r.json, "name"));
			code = EXIT_REFUSED;
		} else {
			*peer = a->sides[!side];
		}
	}
	reply_free(&r);
	return code;
}

/* From the newest agreed text; quiet when there is no such line yet */
static void difference_print(struct cli *c, const char *peer,
			     const struct agreement *now)
{
	struct agreement *old = NULL;
	const char *text;
	struct reply r;
	struct ask a;
	struct buf b;

	ask_init(&a, "GET", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "lines");
	ask_segment(&a, now->line);
	a.quiet = true;
	if (!ask_do(c, &a, &r)) {
		text = json_text(json_object_get(r.json, "texts"), "agreement");
		if (*text && agreement_parse(text, strlen(text), &old, NULL))
			old = NULL;
	}
	reply_free(&r);
	buf_init(&b, 1U << 20);
	if (!agreement_diff(old, now, &b) && b.n)
		text_put(stdout, (const char *)b.p, b.n, true);
	fflush(stdout);
	buf_free(&b);
	agreement_free(old);
}

static int propose(struct cli *c, const struct agreement *now,
		   const struct buf *text)
{
	const char *peer = NULL;
	struct reply r;
	struct ask a;
	int code = other_side(c, now, &peer);

	if (code)
		return code;
	if (!c->json)
		difference_print(c, peer, now);
	ask_init(&a, "POST", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "lines");
	a.media = "text/plain";
	a.body = text->p;
	a.body_n = text->n;
	code = ask_do(c, &a, &r);
	if (!code && c->json)
		reply_print(&r);
	else if (!code)
		printf(tr("Version %llu of line %s is proposed to %s: entry "
			  "%lld. It holds when they have signed it.\n"),
		       (unsigned long long)now->version, now->line, peer,
		       (long long)json_number(r.json, "seq"));
	reply_free(&r);
	return code;
}

int line_propose(struct cli *c, const char *path)
{
	struct agreement *now = NULL;
	struct buf file, text;
	int code;

	buf_init(&file, AGREEMENT_BYTES_MAX);
	buf_init(&text, AGREEMENT_BYTES_MAX);
	code = file_take(path, &file);
	if (!code)
		code = text_make(path, &file, &text, &now);
	if (!code)
		code = propose(c, now, &text);
	agreement_free(now);
	buf_free(&file);
	buf_free(&text);
	return code;
}

/* ---- accept, decline ---- */

static int answer_do(struct cli *c, const char *peer, const char *name,
		     const char *act, const char *text)
{
	char hex[2 * DIGEST_BYTES + 1];
	uint8_t hash[DIGEST_BYTES];
	struct reply r;
	struct ask a;
	int code;

	digest(text, strlen(text), hash);	/* of what was shown */
	hex_encode(hash, sizeof(hash), hex);
	ask_init(&a, "POST", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "lines");
	ask_segment(&a, name);
	ask_segment(&a, act);
	ask_param(&a, "agreement", hex);
	if (!strcmp(act, "decline"))
		ask_param(&a, "reason", c->reason);
	code = ask_do(c, &a, &r);
	if (!code && c->json)
		reply_print(&r);
	else if (!code && !strcmp(act, "accept"))
		printf(tr("Signed, entry %lld: line %s with %s is agreed.\n"),
		       (long long)json_number(r.json, "seq"), name, peer);
	else if (!code)
		printf(tr("Declined, entry %lld: they see your reason.\n"),
		       (long long)json_number(r.json, "seq"));
	reply_free(&r);
	return code;
}

static void theirs_print(const json_t *line, const char *text)
{
	const char *change =
		json_text(json_object_get(line, "differences"), "theirs");

	printf("%s\n", tr("The text they propose:"));
	text_put(stdout, text, strlen(text), true);
	printf("\n%s\n", tr("What their proposal changes:"));
	text_put(stdout, change, strlen(change), true);
	fflush(stdout);
}

static int answer(struct cli *c, const char *name, const char *act)
{
	char peer[HOST_CHARS_MAX + 1];
	const char *text;
	struct reply r;
	int code = line_peer(c, peer);

	if (code)
		return code;
	code = line_ask(c, peer, name, &r);
	text = json_text(json_object_get(r.json, "texts"), "theirs");
	if (!code && !*text) {
		complain(tr("%s proposes nothing for the line %s just now"),
			 peer, name);
		code = EXIT_REFUSED;
	}
	if (!code && !strcmp(act, "accept")) {
		if (!c->json)
			theirs_print(r.json, text);
		if (!c->yes && !isatty(STDIN_FILENO)) {
			complain("%s", tr("nothing was signed: read it, then "
					  "give --yes"));
			code = EXIT_REFUSED;
		} else if (!c->yes &&
			   !line_agreed(tr("Sign this agreement? Type yes:"))) {
			complain("%s", tr("Nothing was signed."));
			code = EXIT_REFUSED;
		}
	}
	if (!code)
		code = answer_do(c, peer, name, act, text);
	reply_free(&r);
	return code;
}

int line_accept(struct cli *c, const char *name)
{
	return answer(c, name, "accept");
}

int line_decline(struct cli *c, const char *name)
{
	const char *reason;
	const int code = line_reason(c, &reason);

	return code ? code : answer(c, name, "decline");
}
