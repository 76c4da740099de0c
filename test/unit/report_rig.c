/* SPDX-License-Identifier: ISC */
/** @file report_rig.c  A report and the entries that make it, for its tests */
#include <stdio.h>
#include "rdtest.h"
#include "report_rig.h"

void rig_init(struct rig *g, const char *line)
{
	const struct report_conf conf = {.own = SOUTH,
					 .peer = NORTH,
					 .line = line,
					 .from_ms = 0,
					 .to_ms = INT64_MAX};

	memset(g, 0, sizeof(*g));
	g->now = 20780LL * DAY_MS;
	g->err = report_alloc(&g->r, &conf);
}

/* An entry of a side at g->now, its fields as lines, then its text */
uint64_t put(struct rig *g, int side, const char *type, const char *fields,
	     const char *text)
{
	const struct envelope env = {
		.origin = str_of(side == SOUTHS
					 ? SOUTH "/ringdown/" NORTH "/" GEN
					 : NORTH "/ringdown/" SOUTH "/" GEN),
		.seq = g->seq[side],
		.time_ms = g->now};
	struct buf b;

	if (g->err)
		return 0;
	buf_init(&b, ENTRY_BYTES_MAX);
	entry_begin(&b, &env, type);
	buf_str(&b, fields);
	entry_end(&b);
	buf_str(&b, text);
	g->err = b.err;
	if (!g->err) {
		void *exact = rdtest_exact(b.p, b.n);

		g->err = report_entry(g->r, exact, b.n, !g->unplaced);
	}
	buf_free(&b);
	return g->seq[side]++;
}

/* put() at an hour and minute of UTC of the day */
uint64_t at(struct rig *g, int hour, int minute, int side, const char *type,
	    const char *fields)
{
	g->now = DAY * DAY_MS + hour * HOUR + minute * MINUTE;
	return put(g, side, type, fields, "");
}

void reply_text(struct rig *g, int side, const char *type, const char *line,
		const char *version, const char *text, const char *more)
{
	char hex[2 * DIGEST_BYTES + 1], fields[512];
	uint8_t h[DIGEST_BYTES];

	digest(text, strlen(text), h);
	hex_encode(h, sizeof(h), hex);
	snprintf(fields, sizeof(fields),
		 "line %s\nversion %s\nagreement sha256:%s %zu\nby Kim\n%s",
		 line, version, hex, strlen(text), more);
	put(g, side, type, fields, "");
}

void agree(struct rig *g, const char *line, const char *text)
{
	char fields[128];

	snprintf(fields, sizeof(fields), "line %s\nversion 1\nby Pak\n", line);
	put(g, NORTHS, "propose", fields, text);
	reply_text(g, SOUTHS, "accept", line, "1", text, "");
}

/* A rig with the line liaison, agreed */
void rig_agreed(struct rig *g, const char *only)
{
	rig_init(g, only);
	agree(g, "liaison", TEXT("liaison", "1", "none"));
}

void rig_end(struct rig *g)
{
	g->r = report_free(g->r);
}

int statement(struct rig *g, int64_t day, enum report_lang lang,
	      struct buf *out)
{
	buf_init(out, 1 << 20);
	return g->err ? g->err : report_statement(g->r, NULL, day, lang, out);
}

bool has(struct rig *g, int64_t day, enum report_lang lang, const char *want)
{
	struct str all, line;
	bool found = false;
	struct buf b;

	CHECK_OK(statement(g, day, lang, &b));
	all = (struct str){(const char *)b.p, b.n};
	while (str_line(&all, &line))
		found |= str_is(line, want);
	buf_free(&b);
	return found;
}

static void must(struct rig *g, int64_t day, enum report_lang lang,
		 const char *want)
{
	struct buf b;

	if (!want || has(g, day, lang, want))
		return;
	CHECK_OK(statement(g, day, lang, &b));
	CHECK_STR(said(&b), want);
}

void says(struct rig *g, int64_t day, const char *en, const char *ko)
{
	must(g, day, REPORT_EN, en);
	must(g, day, REPORT_KO, ko);
}
