/* SPDX-License-Identifier: ISC */
/**
 * @file agreement_tool.c  Instants of an agreement, for calendar_test.py
 *
 *   agreement_tool fill < DRAFT       the text with its offsets
 *   agreement_tool checks END < TEXT  NAME SECOND for each due instant up to END
 *   agreement_tool hours END < TEXT   open|closed SECOND for each change
 *   agreement_tool differs NOW < TEXT same, or SIDE SECOND
 *
 * Several texts may follow each other, each ended by an empty line; so are the
 * answers.  On stderr what was wrong with a text; then the status is 1.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "cmd/cli_zone.c"

static void put(const char *what, int64_t ms)
{
	char s[CALENDAR_SECOND_CHARS + 1];

	calendar_second_print(ms, s);
	printf("%s %s\n", what, s);
}

static int fill(struct str text)
{
	struct buf b;
	char why[300] = "";
	int err;

	buf_init(&b, AGREEMENT_BYTES_MAX);
	err = zone_fill(text.p, text.n, &b, why, sizeof(why));
	if (err)
		fprintf(stderr, "%d %s\n", err, why);
	else
		fwrite(b.p, 1, b.n, stdout);
	buf_free(&b);
	return err;
}

static void checks(const struct agreement *a, int64_t end)
{
	for (size_t i = 0; i < a->checks; i++) {
		int64_t ms = agreement_check_next(a, i, 0);

		for (; ms <= end; ms = agreement_check_next(a, i, ms))
			put(a->check[i].name, ms);
	}
}

static void hours(const struct agreement *a, int64_t end)
{
	int64_t ms = agreement_hours_next(a, 0);

	for (; ms <= end; ms = agreement_hours_next(a, ms))
		put(agreement_open_at(a, ms) ? "open" : "closed", ms);
}

static int differs(const struct agreement *a, int64_t now)
{
	int64_t at = 0;
	int side = -1;
	const int err = zone_differs(a, now, &side, &at);

	if (err == ESTALE)
		put(a->sides[side], at);
	else if (err)
		fprintf(stderr, "%d %s\n", err, side < 0 ? "" : a->sides[side]);
	else
		puts("same");
	return err == ESTALE ? 0 : err;
}

static int one(const char *what, struct str text, int64_t ms)
{
	struct agreement_fault why;
	struct agreement *a;
	int err;

	if (!strcmp(what, "fill"))
		return fill(text);
	err = agreement_parse(text.p, text.n, &a, &why);
	if (err) {
		fprintf(stderr, "line %u: %s\n", why.line, why.rule);
		return err;
	}
	if (!strcmp(what, "checks"))
		checks(a, ms);
	else if (!strcmp(what, "hours"))
		hours(a, ms);
	else
		err = differs(a, ms);
	agreement_free(a);
	return err;
}

int main(int argc, char **argv)
{
	struct buf in;
	struct str rest;
	char piece[4096];
	int64_t ms = 0;
	int err = 0;
	size_t n;

	if (argc < 2 ||
	    (argc > 2 && calendar_second_parse(str_of(argv[2]), &ms)))
		return 64;
	buf_init(&in, 64U << 20);
	while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
		buf_put(&in, piece, n);
	rest = (struct str){(const char *)in.p, in.n};
	while (rest.n && !in.err && !err) {
		const char *end = memmem(rest.p, rest.n, "\n\n", 2);
		const size_t len = end ? (size_t)(end - rest.p) + 1 : rest.n;

		err = one(argv[1], (struct str){rest.p, len}, ms);
		puts("");
		rest.p += len + !!end;
		rest.n -= len + !!end;
	}
	err = err || in.err;
	buf_free(&in);
	return err;
}
