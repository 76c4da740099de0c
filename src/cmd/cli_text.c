/* SPDX-License-Identifier: ISC */
/** @file cli_text.c  Text for people: escaped, measured, and in round numbers */
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include "cmd/cli.h"

struct range {
	uint32_t first, last;
};

static bool within(uint32_t u, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (u >= r[i].first && u <= r[i].last)
			return true;
	}
	return false;
}

/* What moves a cursor, reorders text, hides it or ends a line unasked */
static bool unseen(uint32_t u)
{
	static const struct range r[] = {
		{0x00, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},
		{0x61c, 0x61c},   {0x180e, 0x180e},   {0x200b, 0x200f},
		{0x2028, 0x202e}, {0x2060, 0x206f},   {0xfeff, 0xfeff},
		{0xfff9, 0xfffb}, {0xe0000, 0xe0fff}, {0xd800, 0xdfff},
	};

	return within(u, r, sizeof(r) / sizeof(r[0]));
}

/* Two columns: Hangul, CJK, full-width forms, pictures */
static bool wide(uint32_t u)
{
	static const struct range r[] = {
		{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},
		{0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
		{0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
		{0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
	};

	return within(u, r, sizeof(r) / sizeof(r[0]));
}

/* Stands over the character before it */
static bool combining(uint32_t u)
{
	static const struct range r[] = {
		{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},
		{0x610, 0x61a},   {0x64b, 0x65f},   {0x1ab0, 0x1aff},
		{0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f},
		{0xfe20, 0xfe2f},
	};

	return within(u, r, sizeof(r) / sizeof(r[0]));
}

/* The character at s, how many octets it has; what is no UTF-8: one octet and
 * U+FFFD */
static size_t character(const char *s, size_t n, uint32_t *u)
{
	const uint8_t c = (uint8_t)s[0];
	const size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (len == 1) {
		*u = c;
		return 1;
	}
	if (len > n || !utf8_ok(s, len, false)) {
		/* C1 controls are refused by nobody below us */
		*u = 0xfffd;
		return 1;
	}
	*u = c & (0x7fu >> len);
	for (size_t i = 1; i < len; i++)
		*u = *u << 6 | ((uint8_t)s[i] & 0x3f);
	return len;
}

/* One character as it may be shown; returns its columns */
static size_t show(struct buf *b, const char *s, size_t len, uint32_t u)
{
	const size_t before = b->n;

	if (u == 0xfffd && len == 1) {
		buf_str(b, "\xef\xbf\xbd");
		return 1;
	}
	if (!unseen(u)) {
		buf_put(b, s, len);
		return combining(u) ? 0 : wide(u) ? 2 : 1;
	}
	buf_printf(b, "\\u{%x}", u);
	return b->n - before;
}

void text_put(FILE *f, const char *s, size_t n, bool lines)
{
	struct buf b;

	buf_init(&b, 64);
	while (n) {
		uint32_t u = 0;
		const size_t len = character(s, n, &u);

		buf_reset(&b);
		if (lines && u == '\r' && n > 1 && s[1] == '\n')
			;	/* the line end of other systems */
		else if (lines && (u == '\n' || u == '\t'))
			buf_put(&b, s, len);
		else
			show(&b, s, len, u);
		if (b.n)
			fwrite(b.p, 1, b.n, f);
		s += len;
		n -= len;
	}
	buf_free(&b);
}

void text_out(struct buf *b, FILE *f)
{
	if (b->n)
		fwrite(b->p, 1, b->n, f);
	buf_free(b);
}

void text_cell(struct buf *b, const char *s, size_t columns)
{
	size_t n = strlen(s), used = 0;
	struct buf one;

	buf_init(&one, 64);
	while (n) {
		uint32_t u = 0;
		const size_t len = character(s, n, &u);
		size_t w;

		buf_reset(&one);
		w = show(&one, s, len, u);
		/* room for the mark that says that more follows */
		if (columns && used + w + (n > len) > columns) {
			if (used < columns) {
				buf_str(b, "\xe2\x80\xa6");
				used++;
			}
			break;
		}
		buf_put(b, one.p, one.n);
		used += w;
		s += len;
		n -= len;
	}
	for (; used < columns; used++)
		buf_u8(b, ' ');
	buf_free(&one);
}

size_t text_columns(const char *s, size_t n)
{
	size_t columns = 0;

	while (n) {
		uint32_t u = 0;
		const size_t len = character(s, n, &u);

		columns += combining(u) ? 0 : wide(u) ? 2 : 1;
		s += len;
		n -= len;
	}
	return columns;
}

bool text_plain(const char *p, size_t n)
{
	for (size_t from = 0, i = 0; i <= n; i++) {
		if (i < n && p[i] != '\t' && p[i] != '\r' && p[i] != '\n')
			continue;
		if (!utf8_ok(p + from, i - from, false))
			return false;
		from = i + 1;
	}
	return true;
}

void text_duration(struct buf *b, uint64_t ms)
{
	const uint64_t s = ms / 1000, min = s / 60, h = min / 60, days = h / 24;

	if (min < 2)
		buf_printf(b, tr("%llu s"), (unsigned long long)s);
	else if (h < 1)
		buf_printf(b, tr("%llu min"), (unsigned long long)min);
	else if (h < 48)
		buf_printf(b, tr("%llu h %llu min"), (unsigned long long)h,
			   (unsigned long long)(min % 60));
	else
		buf_printf(b, tr("%llu days %llu h"), (unsigned long long)days,
			   (unsigned long long)(h % 24));
}

void text_bytes(struct buf *b, uint64_t n)
{
	static const char *const unit[] = {"B", "kB", "MB", "GB", "TB"};
	double v = (double)n;
	size_t i = 0;

	while (v >= 1000 && i < 4) {
		v /= 1000;
		i++;
	}
	buf_printf(b, i && v < 100 ? "%.1f %s" : "%.0f %s", v, unit[i]);
}

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void complain(const char *fmt, ...)
{
	va_list ap;

	fputs("ringdown: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int usage(const char *fmt, ...)
{
	va_list ap;

	fputs("ringdown: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n%s\n", tr("`ringdown help` shows what there is."));
	return EXIT_USAGE;
}

const char *json_text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

int64_t json_number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}
