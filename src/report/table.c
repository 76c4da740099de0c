/* SPDX-License-Identifier: ISC */
/** @file table.c  Statistics and history as tables and CSV */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/inner.h"

#define COLUMNS_MAX 18
#define CELL_CHARS 128
#define GAP "  "

/* ---- aligned ---- */

struct column {
	enum phrase head;
	bool right;
};

/** Fills the cells of a row. */
typedef void(cells_h)(size_t row, char cell[COLUMNS_MAX][CELL_CHARS],
		      void *arg);

static void cells_put(const struct column *c, size_t columns,
		      const size_t width[COLUMNS_MAX],
		      const char cell[COLUMNS_MAX][CELL_CHARS], struct buf *out)
{
	for (size_t k = 0; k < columns; k++) {
		const bool last = k + 1 == columns && !c[k].right;

		buf_str(out, k ? GAP : "");
		say_cell(out, cell[k], last ? 0 : width[k], c[k].right);
	}
	buf_str(out, "\n");
}

/* Twice over the rows: first to see how wide they are */
static void table(const struct column *c, size_t columns, size_t rows,
		  enum report_lang lang, cells_h *h, void *arg, struct buf *out)
{
	char cell[COLUMNS_MAX][CELL_CHARS];
	size_t width[COLUMNS_MAX];

	for (size_t k = 0; k < columns; k++)
		width[k] = say_columns(phrase(lang, c[k].head));
	for (size_t i = 0; i < rows; i++) {
		h(i, cell, arg);
		for (size_t k = 0; k < columns; k++) {
			const size_t w = say_columns(cell[k]);

			width[k] = w > width[k] ? w : width[k];
		}
	}
	for (size_t k = 0; k < columns; k++)
		snprintf(cell[k], CELL_CHARS, "%s", phrase(lang, c[k].head));
	cells_put(c, columns, width, cell, out);
	for (size_t i = 0; i < rows && !out->err; i++) {
		h(i, cell, arg);
		cells_put(c, columns, width, cell, out);
	}
}

static void line_out(enum report_lang lang, enum phrase p,
		     const char *const v[SAID], struct buf *out)
{
	say(out, lang, p, v);
	buf_str(out, "\n");
}

/* ---- statistics ---- */

struct stats {
	const struct report_row *row;
	enum report_lang lang;
};

static void number(char out[CELL_CHARS], uint64_t n)
{
	snprintf(out, CELL_CHARS, "%llu", (unsigned long long)n);
}

static void rate_print(const struct report_row *row, char out[CELL_CHARS])
{
	const int rate = report_rate(row);

	if (rate < 0)
		snprintf(out, CELL_CHARS, "-");
	else
		snprintf(out, CELL_CHARS, "%d.%d%%", rate / 10, rate % 10);
}

static void kind_print(const struct report_row *row, enum report_lang lang,
		       char out[CELL_CHARS])
{
	static const enum phrase kind[REPORT_KINDS] = {
		P_KIND_SCHEDULED, P_KIND_UNANNOUNCED, P_KIND_RESTORATION,
		P_KIND_FALLBACK};
	const char *name = phrase(lang, kind[row->kind]);
	struct buf b;

	buf_init(&b, CELL_CHARS - 1);
	if (row->drill)
		say(&b, lang, P_KIND_DRILL,
		    (const char *[SAID]){[V('n')] = name});
	snprintf(out, CELL_CHARS, "%s", row->drill ? said(&b) : name);
	buf_free(&b);
}

static void length_cell(uint64_t ms, bool any, enum report_lang lang,
			char out[CELL_CHARS])
{
	char s[TIME_CHARS] = "-";

	if (any)
		say_length(ms, lang, s);
	snprintf(out, CELL_CHARS, "%s", s);
}

static uint64_t not_held(const struct report_row *row)
{
	return row->count[CHECK_FAULT_HERE] + row->count[CHECK_FAULT_THERE] +
	       row->count[CHECK_OUTSIDE_HOURS] + row->count[CHECK_SUSPENDED];
}

static void stats_cells(size_t i, char cell[COLUMNS_MAX][CELL_CHARS], void *arg)
{
	const struct stats *s = arg;
	const struct report_row *row = &s->row[i];
	const bool any =
		row->count[CHECK_ANSWERED] || row->count[CHECK_ANSWERED_LATE];

	snprintf(cell[0], CELL_CHARS, "%s", row->line);
	snprintf(cell[1], CELL_CHARS, "%s", row->check);
	kind_print(row, s->lang, cell[2]);
	snprintf(cell[3], CELL_CHARS, "%s", row->asker);
	snprintf(cell[4], CELL_CHARS, "%04d-%02d", row->year, row->month);
	number(cell[5], row->asked);
	number(cell[6], row->count[CHECK_ANSWERED]);
	number(cell[7], row->count[CHECK_ANSWERED_LATE]);
	number(cell[8], row->count[CHECK_UNATTENDED]);
	number(cell[9], row->count[CHECK_REFUSED]);
	number(cell[10], row->count[CHECK_PATH_DOWN]);
	number(cell[11], not_held(row));
	number(cell[12], row->missing);
	number(cell[13], row->differ);
	rate_print(row, cell[14]);
	length_cell(row->p50_ms, any, s->lang, cell[15]);
	length_cell(row->p90_ms, any, s->lang, cell[16]);
	length_cell(row->max_ms, any, s->lang, cell[17]);
}

void report_stats_table(const struct report *r, const struct report_row *rows,
			size_t n, enum report_lang lang, struct buf *out)
{
	static const struct column c[] = {
		{P_COL_LINE, false},      {P_COL_CHECK, false},
		{P_COL_KIND, false},      {P_COL_ASKER, false},
		{P_COL_MONTH, false},     {P_COL_ASKED, true},
		{P_COL_ANSWERED, true},   {P_COL_LATE, true},
		{P_COL_UNATTENDED, true}, {P_COL_REFUSED, true},
		{P_COL_DOWN, true},       {P_COL_NOT_HELD, true},
		{P_COL_MISSING, true},    {P_COL_DIFFER, true},
		{P_COL_RATE, true},       {P_COL_P50, true},
		{P_COL_P90, true},        {P_COL_MAX, true}};
	struct stats s = {rows, lang};

	if (!n) {
		line_out(lang, P_NO_CHECKS, NULL, out);
	} else {
		table(c, sizeof(c) / sizeof(c[0]), n, lang, stats_cells, &s,
		      out);
		line_out(lang, P_RATE_NOTE, NULL, out);
	}
	if (r->full)
		line_out(lang, P_FULL, NULL, out);
}

/* ---- CSV ---- */

/* Nothing in our columns needs quotes, but who knows what a name will be */
static void csv_field(struct buf *out, const char *s)
{
	if (!s[strcspn(s, ",\"\r\n")]) {
		buf_str(out, s);
		return;
	}
	buf_str(out, "\"");
	for (; *s; s++) {
		if (*s == '"')
			buf_str(out, "\"");
		buf_u8(out, (uint8_t)*s);
	}
	buf_str(out, "\"");
}

static void csv_length(struct buf *out, uint64_t ms, bool any)
{
	buf_str(out, ",");
	if (any)
		buf_printf(out, "%llu", (unsigned long long)ms);
}

void report_stats_csv(const struct report_row *rows, size_t n, struct buf *out)
{
	buf_str(out, "line,check,kind,drill,asks,month,asked,answered,"
		     "answered_late,unattended,refused,path_down,"
		     "fault_this_side,fault_other_side,outside_hours,suspended,"
		     "missing,no_result,differ,answer_rate_percent,p50_ms,"
		     "p90_ms,max_ms\r\n");
	for (size_t i = 0; i < n && !out->err; i++) {
		const struct report_row *row = &rows[i];
		const bool any = row->count[CHECK_ANSWERED] ||
				 row->count[CHECK_ANSWERED_LATE];
		const int rate = report_rate(row);

		csv_field(out, row->line);
		buf_str(out, ",");
		csv_field(out, row->check);
		buf_printf(out, ",%s,%s,", report_kind_name(row->kind),
			   row->drill ? "drill" : "");
		csv_field(out, row->asker);
		buf_printf(out, ",%04d-%02d,%llu", row->year, row->month,
			   (unsigned long long)row->asked);
		for (int o = 0; o < CHECK_OUTCOMES; o++)
			buf_printf(out, ",%llu",
				   (unsigned long long)row->count[o]);
		buf_printf(out, ",%llu,%llu,%llu,",
			   (unsigned long long)row->missing,
			   (unsigned long long)row->open,
			   (unsigned long long)row->differ);
		if (rate >= 0)
			buf_printf(out, "%d.%d", rate / 10, rate % 10);
		csv_length(out, row->p50_ms, any);
		csv_length(out, row->p90_ms, any);
		csv_length(out, row->max_ms, any);
		buf_str(out, "\r\n");
	}
}

/* ---- history ---- */

struct history {
	struct place at;
	const struct report_hiatus *list;
};

static void causes_print(const struct history *t, const struct report_hiatus *h,
			 char out[CELL_CHARS])
{
	static const enum phrase word[REPORT_CAUSES] = {
		P_DOWN, P_CLOSED, P_SUSPENSION, P_FAULT_WORD, P_WITHDRAWN};
	struct buf b;

	buf_init(&b, CELL_CHARS - 1);
	for (int k = 0; k < 2; k++) {	/* whose word was first, first */
		const int side = k ? !h->word_of : h->word_of;
		bool any = false;

		if (!h->causes[side])
			continue;
		buf_str(&b, b.n ? "; " : "");
		buf_printf(
			&b, "%s: ",
			phrase(t->at.lang, side ? P_OTHER_SIDE : P_THIS_SIDE));
		for (int c = 0; c < REPORT_CAUSES; c++) {
			if (!(h->causes[side] & 1u << c))
				continue;
			buf_str(&b, any ? ", " : "");
			buf_str(&b, phrase(t->at.lang, word[c]));
			any = true;
		}
	}
	snprintf(out, CELL_CHARS, "%s", said(&b));
	buf_free(&b);
}

static void history_cells(size_t i, char cell[COLUMNS_MAX][CELL_CHARS],
			  void *arg)
{
	const struct history *t = arg;
	const struct report_hiatus *h = &t->list[i];
	const uint64_t late = h->late_max_ms[0] > h->late_max_ms[1]
				      ? h->late_max_ms[0]
				      : h->late_max_ms[1];
	const bool over = h->end_ms != INT64_MAX,
		   any = h->delivered[0] + h->delivered[1] > 0;

	say_time(&t->at, h->begin_ms, cell[0]);
	if (over)
		say_time(&t->at, h->end_ms, cell[1]);
	else
		snprintf(cell[1], CELL_CHARS, "%s",
			 phrase(t->at.lang, P_GOES_ON));
	length_cell(over ? (uint64_t)(h->end_ms - h->begin_ms) : 0, over,
		    t->at.lang, cell[2]);
	number(cell[3], h->waited[0] + h->waited[1]);
	number(cell[4], h->delivered[0] + h->delivered[1]);
	length_cell(late, any, t->at.lang, cell[5]);
	causes_print(t, h, cell[6]);
}

void report_history_table(const struct report *r, const char *line,
			  const struct report_hiatus *list, size_t n,
			  enum report_lang lang, struct buf *out)
{
	static const struct column c[] = {
		{P_COL_BEGIN, false},    {P_COL_END, false},
		{P_COL_LENGTH, true},    {P_COL_WAITED, true},
		{P_COL_DELIVERED, true}, {P_COL_LATEST, true},
		{P_COL_CAUSE, false}};
	struct history t = {{r, line_known(r, str_of(line)), INT64_MIN, lang},
			    list};

	if (!n)
		line_out(lang, P_NO_HIATUS,
			 (const char *[SAID]){[V('l')] = line}, out);
	else
		table(c, sizeof(c) / sizeof(c[0]), n, lang, history_cells, &t,
		      out);
	if (r->full)
		line_out(lang, P_FULL, NULL, out);
}
