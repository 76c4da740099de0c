/* SPDX-License-Identifier: ISC */
/** @file log.c  One line an event, in logfmt, on stderr */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/log.h"

/* One process, one stderr: the only state of its kind in the tree */
static const char *whose = "ringdown";
static bool to_journal;
static enum log_level most_wanted = LOG_LEVEL_INFO;

void log_open(const char *role, bool journal)
{
	whose = role;
	to_journal = journal;
}

void log_level_set(enum log_level most)
{
	most_wanted = most;
}

/* U+0080..9f, and the characters that change direction or break a line */
static bool misleads(const uint8_t *p, size_t n)
{
	if (n >= 2 && p[0] == 0xc2)
		return p[1] < 0xa0;
	if (n < 3 || p[0] != 0xe2)
		return false;
	return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f ||
				 (p[2] >= 0xa8 && p[2] <= 0xae))) ||
	       (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

/* Octets of the UTF-8 character that starts here, in text known to be UTF-8 */
static size_t char_bytes(uint8_t first)
{
	return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static void put_escaped(struct buf *b, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n')
			buf_str(b, "\\n");
		else if (p[i] == '"' || p[i] == '\\')
			buf_printf(b, "\\%c", p[i]);
		else
			buf_printf(b, "\\x%02x", p[i]);
	}
}

static bool plain(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == '"' || p[i] == '=' ||
		    p[i] == '\\')
			return false;
	}
	return n > 0;
}

void log_value(struct buf *b, struct str value)
{
	const uint8_t *p = (const uint8_t *)value.p;
	const bool cut = value.n > LOG_VALUE_BYTES_MAX;
	size_t n = cut ? LOG_VALUE_BYTES_MAX : value.n;
	bool utf8;

	while (cut && n > LOG_VALUE_BYTES_MAX - 4 && (p[n] & 0xc0) == 0x80)
		n--; /* not within a character */
	if (!cut && plain(p, n)) {
		buf_put(b, p, n);
		return;
	}
	/* tabs and the like do not make it less UTF-8; only octets >= 0x80 are
	 * looked at below, and those stand where utf8_ok() would take them */
	utf8 = true;
	for (size_t i = 0, k; i < n && utf8; i += k) {
		k = p[i] < 0x80 ? 1 : char_bytes(p[i]);
		utf8 = p[i] < 0x80 ||
		       (k <= n - i && utf8_ok(value.p + i, k, false));
	}
	buf_str(b, "\"");
	for (size_t i = 0, k; i < n; i += k) {
		k = utf8 ? char_bytes(p[i]) : 1;
		if (p[i] < ' ' || p[i] == '"' || p[i] == '\\' || p[i] == 0x7f ||
		    (!utf8 && p[i] >= 0x80) || (utf8 && misleads(p + i, k)))
			put_escaped(b, p + i, k);
		else
			buf_put(b, p + i, k);
	}
	buf_str(b, cut ? "...\"" : "\"");
}

/* One conversion as read from the format */
struct conv {
	char kind;  /* s d u x; 0: one we do not know */
	int length; /* 0 int, 1 long, 2 long long, 3 size_t */
	int width;  /* of %x, zero-filled */
	bool star;  /* %.*s */
};

static struct conv conv_read(const char **fp)
{
	const char *f = *fp;
	struct conv c = {0};

	if (!strncmp(f, ".*", 2)) {
		c.star = true;
		f += 2;
	}
	while (*f >= '0' && *f <= '9' && c.width < 10)
		c.width = c.width * 10 + (*f++ - '0');
	for (; *f == 'h' || *f == 'l' || *f == 'z'; f++)
		c.length = *f == 'h' ? 0 : *f == 'z' ? 3 : c.length + 1;
	if (*f && strchr("sdux", *f) && c.length <= 3 && c.star <= (*f == 's'))
		c.kind = *f++;
	*fp = f;
	return c;
}

static void put_text(struct buf *b, const struct conv *c, va_list *ap)
{
	const int star = c->star ? va_arg(*ap, int) : 0;
	const char *s = va_arg(*ap, const char *);
	struct str v = {s, 0};

	if (!s) {
		buf_str(b, "-");
		return;
	}
	v.n = !c->star   ? strnlen(s, LOG_VALUE_BYTES_MAX + 1)
	      : star > 0 ? (size_t)star
			 : 0;
	log_value(b, v);
}

static void put_number(struct buf *b, const struct conv *c, va_list *ap)
{
	long long v;

	if (c->kind == 'd') {
		v = c->length == 0   ? va_arg(*ap, int)
		    : c->length == 1 ? va_arg(*ap, long)
		    : c->length == 2 ? va_arg(*ap, long long)
				     : va_arg(*ap, ssize_t);
		buf_printf(b, "%lld", v);
	} else {
		const unsigned long long u =
			c->length == 0   ? va_arg(*ap, unsigned)
			: c->length == 1 ? va_arg(*ap, unsigned long)
			: c->length == 2 ? va_arg(*ap, unsigned long long)
					 : va_arg(*ap, size_t);

		if (c->kind == 'x')
			buf_printf(b, "%0*llx", c->width ? c->width : 1, u);
		else
			buf_printf(b, "%llu", u);
	}
}

static void put_fields(struct buf *b, const char *fmt, va_list *ap)
{
	while (*fmt) {
		const size_t n = strcspn(fmt, "%");
		struct conv c;

		buf_put(b, fmt, n);
		fmt += n;
		if (!*fmt)
			break;
		fmt++;
		if (*fmt == '%') {
			buf_str(b, "%");
			fmt++;
			continue;
		}
		c = conv_read(&fmt);
		if (!c.kind) { /* its argument's type is not known: stop */
			buf_str(b, "? format=bad");
			break;
		}
		if (c.kind == 's')
			put_text(b, &c, ap);
		else
			put_number(b, &c, ap);
	}
}

static const char *level_name(enum log_level level)
{
	return level == LOG_LEVEL_ERROR  ? "error"
	       : level == LOG_LEVEL_WARN ? "warn"
	       : level == LOG_LEVEL_INFO ? "info"
					 : "debug";
}

static void put_head(struct buf *b, enum log_level level, const char *ev)
{
	struct timespec ts = {0};
	char stamp[STAMP_CHARS + 1];

	if (to_journal) {
		buf_printf(b, "<%d>", (int)level);
	} else {
		clock_gettime(CLOCK_REALTIME, &ts);
		stamp_print(ts.tv_sec * 1000 + ts.tv_nsec / 1000000, stamp);
		buf_printf(b, "t=%s ", stamp);
	}
	buf_printf(b, "level=%s role=%s ev=%s", level_name(level), whose, ev);
}

void log_event(enum log_level level, const char *ev, const char *fmt, ...)
{
	static char line[LOG_LINE_BYTES_MAX + 96];
	struct buf b = {.p = (uint8_t *)line,
			.cap = sizeof(line),
			.max = LOG_LINE_BYTES_MAX};
	const int saved = errno;
	va_list ap;

	if (level > most_wanted)
		return;
	put_head(&b, level, ev);
	if (fmt && *fmt) {
		buf_str(&b, " ");
		va_start(ap, fmt);
		put_fields(&b, fmt, &ap);
		va_end(ap);
	}
	/* cap > max: the buffer never grows, and there is room for the end */
	b.max = sizeof(line);
	if (b.err) {
		b.err = 0;
		buf_str(&b, " cut=yes");
	}
	buf_str(&b, "\n");
	if (write(STDERR_FILENO, b.p, b.n) < 0)
		errno = saved; /* nowhere left to say so */
	errno = saved;
}
