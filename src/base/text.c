/* SPDX-License-Identifier: ISC */
/** @file text.c  Strict text: views, lines, numbers, hex, base64, UTF-8, time */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/limits.h"
#include "base/text.h"

struct str str_of(const char *s)
{
	return (struct str){s, strlen(s)};
}

bool str_same(struct str a, struct str b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

bool str_is(struct str a, const char *s)
{
	return str_same(a, str_of(s));
}

int str_copy(struct str s, char *out, size_t size)
{
	if (s.n >= size)
		return EMSGSIZE;
	if (s.n)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return 0;
}

bool str_line(struct str *in, struct str *line)
{
	const char *lf = in->n ? memchr(in->p, '\n', in->n) : NULL;

	if (!lf)
		return false;
	*line = (struct str){in->p, (size_t)(lf - in->p)};
	in->n -= line->n + 1;
	in->p = lf + 1;
	return true;
}

struct str str_cut(struct str *in, char sep)
{
	const char *at = in->n ? memchr(in->p, sep, in->n) : NULL;
	struct str head = *in;

	if (!at) {
		*in = (struct str){in->p + in->n, 0};
		return head;
	}
	head.n = (size_t)(at - in->p);
	in->n -= head.n + 1;
	in->p = at + 1;
	return head;
}

int uint_parse(struct str s, uint64_t *v)
{
	uint64_t n = 0;

	if (!s.n || s.n > 19 || (s.p[0] == '0' && s.n > 1))
		return EBADMSG;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return EBADMSG;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	if (n > INT64_MAX)	/* 19 digits cannot wrap 64 bits */
		return EBADMSG;
	*v = n;
	return 0;
}

static const char hexdigit[] = "0123456789abcdef";

void hex_encode(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hexdigit[p[i] >> 4];
		out[2 * i + 1] = hexdigit[p[i] & 15];
	}
	out[2 * n] = '\0';
}

/* Its value and 1; 0: no lower-case hex digit.  A branch a digit cost a busy
   keeper a twentieth of its time. */
static const uint8_t hexvalue[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

int hex_decode(struct str s, uint8_t *out, size_t n)
{
	if (s.n != 2 * n)
		return EBADMSG;
	for (size_t i = 0; i < n; i++) {
		const unsigned hi = hexvalue[(uint8_t)s.p[2 * i]],
			       lo = hexvalue[(uint8_t)s.p[2 * i + 1]];

		if (!hi || !lo)
			return EBADMSG;
		out[i] = (uint8_t)((hi - 1) << 4 | (lo - 1));
	}
	return 0;
}

static const char b64digit[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void b64_encode(const uint8_t *p, size_t n, char *out)
{
	for (; n >= 3; n -= 3, p += 3) {
		*out++ = b64digit[p[0] >> 2];
		*out++ = b64digit[(p[0] & 3) << 4 | p[1] >> 4];
		*out++ = b64digit[(p[1] & 15) << 2 | p[2] >> 6];
		*out++ = b64digit[p[2] & 63];
	}
	if (n) {
		const uint8_t b = n == 2 ? p[1] : 0;

		*out++ = b64digit[p[0] >> 2];
		*out++ = b64digit[(p[0] & 3) << 4 | b >> 4];
		*out++ = n == 2 ? b64digit[(b & 15) << 2] : '=';
		*out++ = '=';
	}
	*out = '\0';
}

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int b64_decode(struct str s, uint8_t *out, size_t max, size_t *n)
{
	size_t pad, len;

	if (!s.n || s.n % 4)
		return EBADMSG;
	pad = s.p[s.n - 1] != '=' ? 0 : s.p[s.n - 2] != '=' ? 1 : 2;
	len = s.n / 4 * 3 - pad;
	if (len > max)
		return EBADMSG;
	for (size_t i = 0, o = 0; i < s.n; i += 4) {
		uint32_t v = 0;
		const size_t digits = i + 4 == s.n ? 4 - pad : 4;

		for (size_t k = 0; k < 4; k++) {
			const int d = k < digits ? sextet(s.p[i + k]) : 0;

			if (d < 0)
				return EBADMSG;
			v = v << 6 | (uint32_t)d;
		}
		/* unused bits must be zero: one text for each value */
		if ((digits == 3 && v & 0xff) || (digits == 2 && v & 0xffff))
			return EBADMSG;
		for (size_t k = 0; k < digits - 1; k++)
			out[o++] = (uint8_t)(v >> (16 - 8 * k));
	}
	*n = len;
	return 0;
}

int b64_exact(struct str s, uint8_t *out, size_t n)
{
	size_t got = 0;

	if (s.n != B64_SIZE(n) - 1)
		return EBADMSG;
	if (b64_decode(s, out, n, &got))
		return EBADMSG;
	return got == n ? 0 : EBADMSG;
}

/* Octets of the character at p, 0 when it is not strict UTF-8 (RFC 3629 4) */
static size_t utf8_char(const uint8_t *p, size_t n)
{
	size_t len;

	if (p[0] < 0x80)
		return 1;
	len = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
	      : p[0] >= 0xe0 && p[0] <= 0xef ? 3
	      : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
					     : 0;
	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

bool utf8_ok(const char *p, size_t n, bool lf)
{
	const uint8_t *u = (const uint8_t *)p;

	while (n) {
		const size_t len = utf8_char(u, n);

		if (!len)
			return false;
		if ((u[0] < 0x20 && !(lf && u[0] == '\n')) || u[0] == 0x7f)
			return false;
		u += len;
		n -= len;
	}
	return true;
}

static bool alnum_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool host_ok(struct str s)
{
	if (!s.n || s.n > HOST_CHARS_MAX || !alnum_lower(s.p[0]) ||
	    !alnum_lower(s.p[s.n - 1]))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!alnum_lower(s.p[i]) && s.p[i] != '.' && s.p[i] != '-')
			return false;
	}
	return true;
}

bool id_ok(struct str s)
{
	if (!s.n || s.n > ID_CHARS_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const char c = s.p[i];

		if (!alnum_lower(c) && !(c >= 'A' && c <= 'Z') && c != '.' &&
		    c != '_' && c != '-')
			return false;
	}
	return true;
}

/* Days from 1970-01-01 of a Gregorian date; and back.  March-based years make
   the leap day the last of its year. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_of(int64_t days, int64_t *y, int64_t *m, int64_t *d)
{
	const int64_t z = days + 719468, era = z / 146097,
		      doe = z - era * 146097,
		      yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) /
			    365,
		      doy = doe - (365 * yoe + yoe / 4 - yoe / 100),
		      mp = (5 * doy + 2) / 153;

	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = yoe + era * 400 + (*m <= 2);
}

#define DAY_MS 86400000LL
#define STAMP_MS_MAX 253402300799999LL /* 9999-12-31T23:59:59.999Z */

/* n decimal digits of v, with leading zeros */
static void digits(char *out, int64_t v, int n)
{
	while (n--) {
		out[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

/* By hand: every entry has one */
void stamp_print(int64_t ms, char out[STAMP_CHARS + 1])
{
	int64_t y, m, d, t;

	ms = ms < 0 ? 0 : ms > STAMP_MS_MAX ? STAMP_MS_MAX : ms;
	date_of(ms / DAY_MS, &y, &m, &d);
	t = ms % DAY_MS;
	memcpy(out, "0000-00-00T00:00:00.000Z", STAMP_CHARS + 1);
	digits(out, y, 4);
	digits(out + 5, m, 2);
	digits(out + 8, d, 2);
	digits(out + 11, t / 3600000, 2);
	digits(out + 14, t / 60000 % 60, 2);
	digits(out + 17, t / 1000 % 60, 2);
	digits(out + 20, t % 1000, 3);
}

int stamp_parse(struct str s, int64_t *ms)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	int64_t f[7] = {0}, back, y, m, d;
	size_t k = 0;

	if (s.n != STAMP_CHARS)
		return EBADMSG;
	for (size_t i = 0; i < STAMP_CHARS; i++) {
		if (form[i] != 'd') {
			if (s.p[i] != form[i])
				return EBADMSG;
			k++;
			continue;
		}
		if (s.p[i] < '0' || s.p[i] > '9')
			return EBADMSG;
		f[k] = f[k] * 10 + (s.p[i] - '0');
	}
	if (f[0] < 1970 || f[1] < 1 || f[1] > 12 || f[2] < 1 || f[3] > 23 ||
	    f[4] > 59 || f[5] > 59)
		return EBADMSG;
	back = days_of(f[0], f[1], f[2]);
	date_of(back, &y, &m, &d);
	if (y != f[0] || m != f[1] || d != f[2])
		return EBADMSG;	/* 30 February */
	*ms = back * DAY_MS + f[3] * 3600000 + f[4] * 60000 + f[5] * 1000 +
	      f[6];
	return 0;
}
