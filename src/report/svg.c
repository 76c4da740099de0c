/* SPDX-License-Identifier: ISC */
/**
 * @file svg.c  The answer rate by month, as an SVG image
 *
 * Black on white, told apart by dash and mark, so that it can be printed; no
 * script, no style sheet, nothing from elsewhere.
 */
#include <stdio.h>
#include <string.h>
#include "report/inner.h"

#define SERIES_MAX 8
#define MONTHS_MAX 600	/* 50 years; later ones are not drawn */
#define WIDTH 640
#define LEFT 56
#define RIGHT 16
#define TOP 44
#define PLOT_HEIGHT 180
#define LEGEND_LINE 18
#define LABELS_MAX 12	/* months named below the axis */
#define WORDS_BYTES_MAX 1024

struct plot {
	const struct report *r;
	const struct report_row *row;
	size_t n;
	enum report_lang lang;
	int first, months;	/* in months from year 0 */
	size_t series[SERIES_MAX];	/* its first row */
	size_t drawn, more;
	struct buf *out;
};

static bool plotted(const struct report_row *row)
{
	return row->kind == REPORT_SCHEDULED && !row->drill;
}

static int month_of(const struct report_row *row)
{
	return row->year * 12 + row->month - 1;
}

static bool same_series(const struct report_row *a, const struct report_row *b)
{
	return !strcmp(a->line, b->line) && !strcmp(a->check, b->check) &&
	       !strcmp(a->asker, b->asker);
}

static void survey(struct plot *p)
{
	const struct report_row *before = NULL;
	int last = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct report_row *row = &p->row[i];

		if (!plotted(row))
			continue;
		if (!before || month_of(row) < p->first)
			p->first = month_of(row);
		if (!before || month_of(row) > last)
			last = month_of(row);
		if (!before || !same_series(before, row)) {
			if (p->drawn < SERIES_MAX)
				p->series[p->drawn++] = i;
			else
				p->more++;
		}
		before = row;
	}
	p->months = before ? last - p->first + 1 : 1;
	if (p->months > MONTHS_MAX)
		p->months = MONTHS_MAX;
}

static void escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<': buf_str(out, "&lt;"); break;
		case '>': buf_str(out, "&gt;"); break;
		case '&': buf_str(out, "&amp;"); break;
		case '"': buf_str(out, "&quot;"); break;
		default: buf_u8(out, (uint8_t)*s); break;
		}
	}
}

/* A phrase as text of an element */
static void words(const struct plot *p, enum phrase what,
		  const char *const v[SAID])
{
	struct buf b;

	buf_init(&b, WORDS_BYTES_MAX);
	say(&b, p->lang, what, v);
	escaped(p->out, said(&b));
	p->out->err = p->out->err ? p->out->err : b.err;
	buf_free(&b);
}

/* Tenths of a pixel: no floating point, whose comma depends on the locale */
static int x_of(const struct plot *p, int month)
{
	const int wide = (WIDTH - LEFT - RIGHT) * 10;

	return LEFT * 10 +
	       wide * (2 * (month - p->first) + 1) / (2 * p->months);
}

static int y_of(int rate)
{
	return TOP * 10 + PLOT_HEIGHT * (1000 - rate) / 100;
}

static void point(struct buf *out, int x, int y)
{
	buf_printf(out, "%d.%d,%d.%d ", x / 10, x % 10, y / 10, y % 10);
}

static void head(const struct plot *p)
{
	const int height = TOP + PLOT_HEIGHT + 52 +
			   LEGEND_LINE * ((int)p->drawn + (p->more > 0));
	const char *v[SAID] = {[V('x')] = p->r->host[0],
			       [V('y')] = p->r->host[1]};
	const char *lang = p->lang == REPORT_KO ? "ko" : "en";

	buf_printf(p->out,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:lang=\"%s\" "
		   "width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		   "font-family=\"sans-serif\" font-size=\"12\" role=\"img\" "
		   "aria-labelledby=\"title\">\n<title id=\"title\">",
		   lang, WIDTH, height, WIDTH, height);
	words(p, P_PLOT_TITLE, v);
	buf_printf(p->out,
		   "</title>\n<rect width=\"%d\" height=\"%d\" "
		   "fill=\"#ffffff\"/>\n"
		   "<text x=\"%d\" y=\"18\" font-size=\"14\" "
		   "font-weight=\"bold\">",
		   WIDTH, height, LEFT);
	words(p, P_PLOT_TITLE, v);
	buf_printf(p->out, "</text>\n<text x=\"%d\" y=\"34\">", LEFT);
	words(p, P_PLOT_Y, NULL);
	buf_str(p->out, "</text>\n");
}

static void axes(const struct plot *p)
{
	const int step = (p->months + LABELS_MAX - 1) / LABELS_MAX;
	const int base = TOP + PLOT_HEIGHT;

	for (int percent = 0; percent <= 100; percent += 20) {
		const int y = y_of(percent * 10) / 10;

		buf_printf(p->out,
			   "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" "
			   "stroke=\"%s\"/>\n<text x=\"%d\" y=\"%d\" "
			   "text-anchor=\"end\">%d</text>\n",
			   LEFT, y, WIDTH - RIGHT, y,
			   percent ? "#cccccc" : "#000000", LEFT - 6, y + 4,
			   percent);
	}
	buf_printf(p->out,
		   "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" "
		   "stroke=\"#000000\"/>\n",
		   LEFT, TOP, LEFT, base);
	for (int m = 0; m < p->months && p->drawn; m += step) {
		const int month = p->first + m, x = x_of(p, month) / 10;

		buf_printf(p->out,
			   "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" "
			   "stroke=\"#000000\"/>\n<text x=\"%d\" y=\"%d\" "
			   "text-anchor=\"middle\" font-size=\"10\">"
			   "%04d-%02d</text>\n",
			   x, base, x, base + 4, x, base + 16, month / 12,
			   month % 12 + 1);
	}
	buf_printf(p->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
		   (LEFT + WIDTH - RIGHT) / 2, base + 32);
	words(p, P_PLOT_X, (const char *[SAID]){[V('x')] = p->r->host[0]});
	buf_str(p->out, "</text>\n");
}

/* Marks by shape; the second four are filled */
static void mark(const struct plot *p, size_t series, int x, int y)
{
	static const int shape[4][8] = {
		{-35, -35, 35, -35, 35, 35, -35, 35},	/* square */
		{0, -48, 48, 0, 0, 48, -48, 0},		/* diamond */
		{0, -45, 40, 32, -40, 32, 0, -45},	/* triangle up */
		{0, 45, 40, -32, -40, -32, 0, 45}};	/* and down */
	const int *s = shape[series % 4];

	buf_str(p->out, "<polygon points=\"");
	for (int k = 0; k < 8; k += 2)
		point(p->out, x + s[k], y + s[k + 1]);
	buf_printf(p->out, "\" fill=\"%s\" stroke=\"#000000\"/>\n",
		   series < 4 ? "#ffffff" : "#000000");
}

static const char *dash(size_t series)
{
	static const char *const d[] = {"none", "6 3", "2 2", "8 2 2 2"};

	return d[series % 4];
}

static void line_open(const struct plot *p, size_t series)
{
	buf_printf(p->out,
		   "<polyline fill=\"none\" stroke=\"#000000\" "
		   "stroke-width=\"1.2\" stroke-dasharray=\"%s\" points=\"",
		   dash(series));
}

/* Months without a check are gaps, not zeros */
static void series_draw(const struct plot *p, size_t k)
{
	const struct report_row *of = &p->row[p->series[k]];
	int before = 0;
	bool open = false;

	for (int marks = 0; marks < 2; marks++) {
		for (size_t i = p->series[k]; i < p->n; i++) {
			const struct report_row *row = &p->row[i];
			const int rate = report_rate(row), m = month_of(row);

			if (!plotted(row) || !same_series(row, of))
				break;
			if (rate < 0 || m >= p->first + p->months)
				continue;
			if (marks) {
				mark(p, k, x_of(p, m), y_of(rate));
				continue;
			}
			if (open && m != before + 1) {
				buf_str(p->out, "\"/>\n");
				open = false;
			}
			if (!open)
				line_open(p, k);
			open = true;
			before = m;
			point(p->out, x_of(p, m), y_of(rate));
		}
		if (open)
			buf_str(p->out, "\"/>\n");
		open = false;
	}
}

static void legend(const struct plot *p)
{
	int y = TOP + PLOT_HEIGHT + 52;
	char more[24];

	for (size_t k = 0; k < p->drawn; k++, y += LEGEND_LINE) {
		const struct report_row *row = &p->row[p->series[k]];

		line_open(p, k);
		point(p->out, LEFT * 10, y * 10);
		point(p->out, (LEFT + 36) * 10, y * 10);
		buf_str(p->out, "\"/>\n");
		mark(p, k, (LEFT + 18) * 10, y * 10);
		buf_printf(p->out, "<text x=\"%d\" y=\"%d\">", LEFT + 44,
			   y + 4);
		words(p, P_PLOT_SERIES,
		      (const char *[SAID]){[V('l')] = row->line,
					   [V('c')] = row->check,
					   [V('x')] = row->asker});
		buf_str(p->out, "</text>\n");
	}
	if (!p->more)
		return;
	snprintf(more, sizeof(more), "%zu", p->more);
	buf_printf(p->out, "<text x=\"%d\" y=\"%d\">", LEFT + 44, y + 4);
	words(p, P_PLOT_MORE, (const char *[SAID]){[V('n')] = more});
	buf_str(p->out, "</text>\n");
}

void report_stats_svg(const struct report *r, const struct report_row *rows,
		      size_t n, enum report_lang lang, struct buf *out)
{
	struct plot p = {.r = r, .row = rows, .n = n, .lang = lang, .out = out};

	survey(&p);
	head(&p);
	axes(&p);
	if (!p.drawn) {
		buf_printf(out,
			   "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
			   (LEFT + WIDTH - RIGHT) / 2, TOP + PLOT_HEIGHT / 2);
		words(&p, P_PLOT_NONE, NULL);
		buf_str(out, "</text>\n");
	}
	for (size_t k = 0; k < p.drawn; k++)
		series_draw(&p, k);
	legend(&p);
	if (r->full) {
		buf_printf(out, "<text x=\"%d\" y=\"%d\" font-size=\"9\">",
			   LEFT, TOP - 1);
		words(&p, P_FULL, NULL);
		buf_str(out, "</text>\n");
	}
	buf_str(out, "</svg>\n");
}
