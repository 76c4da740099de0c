/* SPDX-License-Identifier: ISC */
/** @file cli_report.c  `ringdown statement`, `check stats` and `line history` */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/cli.h"
#include "cmd/cli_feeds.h"
#include "proto/calendar.h"
#include "proto/entry.h"
#include "report/report.h"

#define OUT_BYTES_MAX (256u << 20)	/* of one answer */

/** What is asked, and the report that answers it. */
struct job {
	struct cli *c;
	const char *line;	/* NULL: all */
	enum report_lang lang;
	bool has_day;
	int64_t day;
	struct feeds f;
	const char *own, *peer;
	struct report *r;
	int64_t newest_ms;
	uint64_t strange;	/* entries that are none */
};

static int no_memory(void)
{
	complain("%s", strerror(ENOMEM));
	return EXIT_FILE;
}

/* ---- what is asked ---- */

static int options_read(struct job *j)
{
	const struct cli *c = j->c;

	j->lang = words_korean() ? REPORT_KO : REPORT_EN;
	if (c->lang && !strcmp(c->lang, "ko"))
		j->lang = REPORT_KO;
	else if (c->lang && !strcmp(c->lang, "en"))
		j->lang = REPORT_EN;
	else if (c->lang)
		return usage("%s", tr("--lang is en or ko"));
	if (c->dossier && c->peer)
		return usage("%s", tr("either --dossier or --peer"));
	if (j->line && !name_ok(str_of(j->line)))
		return usage(tr("%s is no name of a line"), j->line);
	if (c->day && calendar_date_parse(str_of(c->day), &j->day))
		return usage("%s", tr("--day is a date, as 2026-12-01"));
	j->has_day = c->day;
	return EXIT_DONE;
}

/* Whose times and words: --side, or who exported it */
static int sides_choose(struct job *j)
{
	const char *want = j->c->side ? j->c->side : j->f.side;
	const int own = !strcmp(want, j->f.host[0])   ? 0
			: !strcmp(want, j->f.host[1]) ? 1
						      : -1;

	if (own < 0)
		return usage(tr("--side is %s or %s"), j->f.host[0],
			     j->f.host[1]);
	j->own = j->f.host[own];
	j->peer = j->f.host[!own];
	return EXIT_DONE;
}

/* ---- the record ---- */

static int newest(const void *p, size_t n, bool placed, void *arg)
{
	static struct entry e;
	struct job *j = arg;

	(void)placed;
	if (!entry_parse(p, n, &e) && e.env.time_ms > j->newest_ms)
		j->newest_ms = e.env.time_ms;
	return EXIT_DONE;
}

static int entry_take(const void *p, size_t n, bool placed, void *arg)
{
	struct job *j = arg;
	const int err = report_entry(j->r, p, n, placed);

	if (err == EBADMSG) {
		j->strange++;
		return EXIT_DONE;
	}
	return err ? no_memory() : EXIT_DONE;
}

/* The day that is asked for, or that of now; of a dossier, of its end */
static int window(struct job *j, struct report_conf *conf)
{
	int code = EXIT_DONE;

	j->newest_ms = 0;
	if (j->has_day)
		j->newest_ms = calendar_midnight(j->day) + DAY_MS / 2;
	else if (j->c->dossier)
		code = feeds_each(&j->f, newest, j);
	else
		j->newest_ms = now_ms();
	conf->from_ms = j->newest_ms - 2 * DAY_MS;
	conf->to_ms = j->newest_ms + 2 * DAY_MS;
	return code;
}

/* Reads all of it into j->r.  days: only those around the day that is asked for
 * are told of in full. */
static int job_begin(struct job *j, bool days)
{
	struct report_conf conf = {.line = j->line, .to_ms = INT64_MAX};
	int code = options_read(j);

	if (code)
		return code;
	code = j->c->dossier ? feeds_open(&j->f, j->c->dossier)
			     : feeds_ask(&j->f, j->c, j->c->peer);
	code = code ? code : sides_choose(j);
	if (!code && days)
		code = window(j, &conf);
	if (code)
		return code;
	conf.own = j->own;
	conf.peer = j->peer;
	if (report_alloc(&j->r, &conf))
		return no_memory();
	code = feeds_each(&j->f, entry_take, j);
	if (!code && days && !j->has_day)
		j->day = report_day(j->r, j->line, j->newest_ms);
	if (!code && j->strange)
		complain(tr("%llu entries are none of this pair and were left "
			    "out; check the dossier with ringdown verify"),
			 (unsigned long long)j->strange);
	return code;
}

static int job_end(struct job *j, int code)
{
	report_free(j->r);
	feeds_close(&j->f);
	return code;
}

/* Names and reasons are the other side's words */
static int put(struct buf *b)
{
	const int code = b->err ? no_memory() : EXIT_DONE;

	if (!code && b->n)
		text_put(stdout, (const char *)b->p, b->n, true);
	buf_free(b);
	return code;
}

static int put_json(json_t *o)
{
	const int code = o && !json_dumpf(o, stdout, JSON_COMPACT)
				 ? EXIT_DONE
				 : no_memory();

	if (!code)
		putchar('\n');
	json_decref(o);
	return code;
}

static const char *lang_name(const struct job *j)
{
	return j->lang == REPORT_KO ? "ko" : "en";
}

/* ---- statement ---- */

int cmd_statement(struct cli *c)
{
	struct job j = {.c = c, .line = c->line, .f = {.bundle = -1}};
	char day[CALENDAR_DATE_CHARS + 1];
	struct buf b;
	int code = job_begin(&j, true);

	if (code)
		return job_end(&j, code);
	buf_init(&b, OUT_BYTES_MAX);
	if (report_statement(j.r, j.line, j.day, j.lang, &b)) {
		buf_free(&b);
		return job_end(&j, no_memory());
	}
	if (!c->json)
		return job_end(&j, put(&b));
	calendar_date_print(j.day, day);
	code = put_json(json_pack("{s:s,s:s,s:s,s:s,s:s?,s:b,s:s%}", "side",
				  j.own, "other", j.peer, "day", day, "lang",
				  lang_name(&j), "line", j.line, "complete",
				  !report_full(j.r), "text", (char *)b.p, b.n));
	buf_free(&b);
	return job_end(&j, code);
}

/* ---- statistics ---- */

static json_t *ms_or_null(uint64_t ms, bool any)
{
	return any ? json_integer((json_int_t)ms) : json_null();
}

static json_t *row_json(const struct report_row *row)
{
	const bool any =
		row->count[CHECK_ANSWERED] || row->count[CHECK_ANSWERED_LATE];
	const int rate = report_rate(row);
	char month[32];
	json_t *o, *outcomes = json_object();

	snprintf(month, sizeof(month), "%04d-%02d", row->year, row->month);
	for (int i = 0; i < CHECK_OUTCOMES; i++)
		json_object_set_new(outcomes,
				    check_outcome_name((enum check_outcome)i),
				    json_integer((json_int_t)row->count[i]));
	o = json_pack("{s:s,s:s,s:s,s:b,s:s,s:s,s:I,s:o,s:I,s:I,s:I}", "line",
		      row->line, "check", row->check, "kind",
		      report_kind_name(row->kind), "drill", row->drill, "asks",
		      row->asker, "month", month, "asked",
		      (json_int_t)row->asked, "outcomes", outcomes, "missing",
		      (json_int_t)row->missing, "no_result",
		      (json_int_t)row->open, "differ", (json_int_t)row->differ);
	if (!o)
		return NULL;
	json_object_set_new(o, "answer_rate_percent",
			    rate < 0 ? json_null() : json_real(rate / 10.0));
	json_object_set_new(o, "p50_ms", ms_or_null(row->p50_ms, any));
	json_object_set_new(o, "p90_ms", ms_or_null(row->p90_ms, any));
	json_object_set_new(o, "max_ms", ms_or_null(row->max_ms, any));
	return o;
}

static int stats_json(const struct job *j, const struct report_row *rows,
		      size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(list, row_json(&rows[i]))) {
			json_decref(list);
			return no_memory();
		}
	}
	return put_json(json_pack("{s:s,s:s,s:b,s:o}", "side", j->own, "other",
				  j->peer, "complete", !report_full(j->r),
				  "rows", list));
}

int cmd_check_stats(struct cli *c)
{
	struct job j = {.c = c, .line = c->line, .f = {.bundle = -1}};
	struct report_row *rows;
	struct buf b;
	size_t n;
	int code;

	if (c->args != 1 || c->csv + c->svg + c->json > 1)
		return usage("%s", tr("check stats [--line NAME] "
				      "[--csv|--svg|--json]"));
	code = job_begin(&j, false);
	if (code)
		return job_end(&j, code);
	if (report_stats(j.r, j.line, &rows, &n))
		return job_end(&j, no_memory());
	buf_init(&b, OUT_BYTES_MAX);
	if (c->csv)
		report_stats_csv(rows, n, &b);
	else if (c->svg)
		report_stats_svg(j.r, rows, n, j.lang, &b);
	else if (!c->json)
		report_stats_table(j.r, rows, n, j.lang, &b);
	if (c->csv && report_full(j.r))
		complain("%s", tr("this is not complete: the record holds more "
				  "than is looked at at once; name a line"));
	if (c->csv && !b.err) {
		fwrite(b.p, 1, b.n, stdout);	/* CRLF stays */
		buf_free(&b);
	} else {
		code = c->json ? stats_json(&j, rows, n) : put(&b);
	}
	free(rows);
	return job_end(&j, code);
}

/* ---- history ---- */

static json_t *stamp_json(int64_t ms)
{
	char s[STAMP_CHARS + 1];

	if (ms == INT64_MAX)
		return json_null();
	stamp_print(ms, s);
	return json_string(s);
}

static json_t *causes_json(uint8_t causes)
{
	json_t *list = json_array();

	for (int i = 0; i < REPORT_CAUSES; i++) {
		if (causes & 1u << i)
			json_array_append_new(list,
					      json_string(report_cause_name(
						      (enum report_cause)i)));
	}
	return list;
}

static json_t *two(uint64_t own, uint64_t other)
{
	return json_pack("{s:I,s:I}", "side", (json_int_t)own, "other",
			 (json_int_t)other);
}

static json_t *hiatus_json(const struct report_hiatus *h)
{
	const bool over = h->end_ms != INT64_MAX;

	return json_pack(
		"{s:o,s:o,s:o,s:s,s:s,s:{s:o,s:o},s:o,s:o,s:o}", "begin",
		stamp_json(h->begin_ms), "end", stamp_json(h->end_ms),
		"length_ms",
		ms_or_null((uint64_t)(over ? h->end_ms - h->begin_ms : 0),
			   over),
		"cause", report_cause_name(h->cause), "word_of",
		h->word_of ? "other" : "side", "causes", "side",
		causes_json(h->causes[0]), "other", causes_json(h->causes[1]),
		"waited", two(h->waited[0], h->waited[1]), "delivered_late",
		two(h->delivered[0], h->delivered[1]), "latest_by_ms",
		two(h->late_max_ms[0], h->late_max_ms[1]));
}

static int history_json(const struct job *j, const struct report_hiatus *list,
			size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(a, hiatus_json(&list[i]))) {
			json_decref(a);
			return no_memory();
		}
	}
	return put_json(json_pack("{s:s,s:s,s:s,s:b,s:o}", "side", j->own,
				  "other", j->peer, "line", j->line, "complete",
				  !report_full(j->r), "hiatuses", a));
}

int cmd_line_history(struct cli *c)
{
	struct job j = {.c = c, .f = {.bundle = -1}};
	struct report_hiatus *list;
	struct buf b;
	size_t n;
	int err, code;

	if (c->args != 2)
		return usage("%s", tr("line history NAME [--json]"));
	j.line = c->arg[1];
	code = job_begin(&j, false);
	if (code)
		return job_end(&j, code);
	err = report_history(j.r, j.line, &list, &n);
	if (err == ENOENT) {
		complain(tr("the record knows no line %s"), j.line);
		return job_end(&j, EXIT_REFUSED);
	}
	if (err)
		return job_end(&j, no_memory());
	if (c->json) {
		code = history_json(&j, list, n);
	} else {
		buf_init(&b, OUT_BYTES_MAX);
		report_history_table(j.r, j.line, list, n, j.lang, &b);
		code = put(&b);
	}
	free(list);
	return job_end(&j, code);
}
