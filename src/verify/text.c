/* SPDX-License-Identifier: ISC */
/** @file text.c  The small grammar: forms, numbers, base64, times, names */
#include "verify/verify.h"
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool slice_is(struct slice s, const char *str)
{
	return s.n == strlen(str) && !memcmp(s.p, str, s.n);
}

struct slice slice_of(const char *str)
{
	return (struct slice){(const uint8_t *)str, strlen(str)};
}

/* Length of the character at p (n >= 1), 0 if there is none */
static size_t utf8(const uint8_t *p, size_t n, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const size_t len = p[0] < 0x80   ? 1
			   : p[0] < 0xe0 ? 2
			   : p[0] < 0xf0 ? 3
					 : 4;

	*c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	if (n < len || p[0] > 0xf4 || (p[0] & 0xc0) == 0x80)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	if (*c < least[len] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000))
		return 0;
	return len;
}

bool text_clean(struct slice s)
{
	uint32_t c;

	for (size_t i = 0, len = 1; i < s.n; i += len, len = 1) {
		if (s.p[i] >= 0x20 && s.p[i] < 0x7f)
			continue;
		len = utf8(s.p + i, s.n - i, &c);
		if (!len || (c < 0x20 && c != '\n') || c == 0x7f)
			return false;
	}
	return true;
}

static bool within(uint32_t c, const uint32_t (*range)[2])
{
	for (; (*range)[1]; range++) {
		if (c >= (*range)[0] && c <= (*range)[1])
			return true;
	}
	return false;
}

bool name_clean(struct slice s)
{
	static const uint32_t bad[][2] = {{'+', '+'},
					  {' ', ' '},
					  {0x85, 0x85},
					  {0xa0, 0xa0},
					  {0x1680, 0x1680},
					  {0x2000, 0x200a},
					  {0x2028, 0x2029},
					  {0x202f, 0x202f},
					  {0x205f, 0x205f},
					  {0x3000, 0x3000},
					  {0, 0}};
	uint32_t c;

	for (size_t i = 0, len; i < s.n; i += len) {
		len = utf8(s.p + i, s.n - i, &c);
		if (!len || within(c, bad))
			return false;
	}
	return true;
}

static bool uint_parse(struct slice s, uint64_t *v)
{
	uint64_t x = 0;

	if (s.n < 1 || s.n > 19 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		x = x * 10 + (uint64_t)(s.p[i] - '0');
	}
	if (v)
		*v = x;
	return x <= INT64_MAX;
}

static bool hex_parse(struct slice s, uint8_t *out, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";

	if (s.n != 2 * bytes)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const char *at = memchr(digits, s.p[i], 16);

		if (!at)
			return false;
		if (out)
			out[i / 2] = (uint8_t)(out[i / 2] << 4 | (at - digits));
	}
	return true;
}

size_t b64_decode(struct slice s, uint8_t *out, size_t max)
{
	static uint8_t raw[LINE_MAX_B64], back[LINE_MAX_B64 + 8];
	size_t n = s.n / 4 * 3;

	if (!s.n || s.n % 4 || s.n > LINE_MAX_B64 ||
	    EVP_DecodeBlock(raw, s.p, (int)s.n) != (int)n)
		return 0;
	n -= s.p[s.n - 1] != '=' ? 0u : s.p[s.n - 2] != '=' ? 1u : 2u;
	/* it is canonical if encoding gives the same */
	if (EVP_EncodeBlock(back, raw, (int)n) != (int)s.n ||
	    memcmp(back, s.p, s.n))
		return 0;
	if (out)
		memcpy(out, raw, n < max ? n : max);
	return n;
}

void b64_print(const uint8_t *p, size_t n, char *out)
{
	(void)EVP_EncodeBlock((uint8_t *)out, p, (int)n);
}

void hex_print(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
}

void time_print(uint64_t s, uint64_t ms, char out[static 25])
{
	const uint64_t end = 253402300799;	/* 9999-12-31T23:59:59Z */
	const time_t t = (time_t)(s > end ? end : s);
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    strftime(out, 20, "%Y-%m-%dT%H:%M:%S", &tm) != 19)
		memset(out, '-', 19);
	snprintf(out + 19, 6, ".%03uZ", s > end ? 999 : (unsigned)(ms % 1000));
}

/* A time is one if printing it gives the same */
static bool time_parse(struct slice s, uint64_t *ms)
{
	char in[25] = "", back[25];
	struct tm tm = {.tm_sec = 0};
	uint64_t t, f;

	if (s.n != 24)
		return false;
	memcpy(in, s.p, 24);
	if (!strptime(in, "%Y-%m-%dT%H:%M:%S.", &tm))
		return false;
	t = (uint64_t)timegm(&tm);
	f = s.p[20] * 100ull + s.p[21] * 10ull + s.p[22] - 111ull * '0';
	time_print(t, f, back);
	if (ms)
		*ms = t * 1000 + f;
	return !memcmp(in, back, 24);
}

/* From `first` on only those of a set: ranges like a-z, or single bytes */
static bool only(struct slice s, size_t first, size_t max, const char *set)
{
	if (s.n < 1 || s.n > max)
		return false;
	for (size_t i = first; i < s.n; i++) {
		const char *c = set;

		while (*c && (s.p[i] < c[0] || s.p[i] > c[1]))
			c += 2;
		if (!*c)
			return false;
	}
	return true;
}

static bool host_ok(struct slice s)
{
	return only(s, 0, HOST_MAX, "az09..--") && !memchr(".-", s.p[0], 2) &&
	       !memchr(".-", s.p[s.n - 1], 2);
}

static bool token_ok(struct slice s)
{
	return only(s, 1, 32, "az09--") && s.p[0] >= 'a' && s.p[0] <= 'z';
}

static bool value_ok(struct slice s)
{
	return s.n >= 1 && s.n <= 1024 && s.p[0] != ' ' &&
	       s.p[s.n - 1] != ' ' && !memchr(s.p, '\n', s.n);
}

static bool address_ok(struct slice s)
{
	char host[INET6_ADDRSTRLEN];
	uint8_t raw[16];
	struct slice h;
	uint64_t port;
	const int family = scan(s, "[%l]:%u", &h, &port) ? AF_INET6
			   : scan(s, "%l:%u", &h, &port) ? AF_INET
							 : AF_UNSPEC;

	if (family == AF_UNSPEC || port < 1 || port > 65535 ||
	    h.n >= sizeof(host))
		return false;
	memcpy(host, h.p, h.n);
	host[h.n] = '\0';
	return inet_pton(family, host, raw) == 1;
}

static bool range_ok(struct slice s)
{
	uint64_t first, last;

	return scan(s, "%u %u", &first, &last) && first <= last;
}

/* One of the words of (a|b|c) */
static bool among(struct slice s, const char *list)
{
	size_t n;

	do {
		n = strcspn(++list, "|)");
		if (n == s.n && !memcmp(list, s.p, n))
			return true;
		list += n;
	} while (*list == '|');
	return false;
}

#define OUT(type) (ap ? va_arg(*ap, type *) : NULL)

/* What stands in the place of % and a letter */
static bool take(struct slice s, const char *form, va_list *ap)
{
	struct slice *to;
	bool ok = true;

	switch (*form) {
	case 'u': return uint_parse(s, OUT(uint64_t));
	case 't': return time_parse(s, OUT(uint64_t));
	case 'h': return b64_decode(s, OUT(uint8_t), HASH_LEN) == HASH_LEN;
	case 's': return b64_decode(s, OUT(uint8_t), SIG_LEN) == SIG_LEN;
	case 'x': return hex_parse(s, OUT(uint8_t), HASH_LEN);
	case 'c': return hex_parse(s, OUT(uint8_t), 4);
	case 'n': return hex_parse(s, NULL, 16);
	case 'w': return s.n && !memchr(s.p, ' ', s.n);
	case '9': return only(s, 0, 9, "09");
	case 'i': return only(s, 0, 64, "AZaz09..__--");
  case 'd':
		return uint_parse(s, NULL) ||
		       (s.n > 1 && s.p[0] == '-' && s.p[1] != '0' &&
			uint_parse((struct slice){s.p + 1, s.n - 1}, NULL));
	case 'r': return range_ok(s);
	case 'a': return address_ok(s);
	case 'K': return token_ok(s) && !slice_is(s, "clock");
	case '(': return among(s, form);
	case 'k': ok = token_ok(s); break;
	case 'v': ok = value_ok(s); break;
	case 'o': ok = host_ok(s); break;
	case 'l': ok = s.n > 0; break;
	case '*': break;
	}
	to = OUT(struct slice);
	if (to)
		*to = s;
	return ok;
}

static bool match(struct slice in, const char *form, va_list *ap)
{
	for (; *form; form++) {
		const char *what = form + 1;
		struct slice s = in;

		if (*form == '?') {	/* a line that may be missing */
			const size_t n = strcspn(what, " ") + 1;

			if (in.n < n || memcmp(in.p, what, n) != 0)
				form = strchr(form, '\n');
			continue;
		}

		if (*form == '%') {
			form = *what == '(' ? strchr(what, ')') : what;
			if (form[1]) {
				const uint8_t *end = NULL;

				if (in.n)
					end = memchr(in.p, form[1], in.n);
				if (!end)
					return false;
				s.n = (size_t)(end - in.p);
			}
			if (!take(s, what, ap))
				return false;
		} else if (!in.n || *in.p != (uint8_t)*form) {
			return false;
		} else {
			s.n = 1;
		}
		in = (struct slice){in.p + s.n, in.n - s.n};
	}
	return !in.n;
}

bool scan(struct slice in, const char *form, ...)
{
	va_list ap;
	bool ok;

	va_start(ap, form);
	ok = match(in, form, &ap);
	va_end(ap);
	return ok;
}

bool fits(struct slice in, const char *form)
{
	return match(in, form, NULL);
}

/* Beyond ASCII a person can read it as it stands: it is not invisible, and does
 * not turn the text around it */
static bool readable(uint32_t c)
{
	static const uint32_t not [][2] = {{0, 0x9f},        {0x200b, 0x200f},
					   {0x2028, 0x202f}, {0x2060, 0x206f},
					   {0xfeff, 0xfeff}, {0xfff0, 0xffff},
					   {0x20000, ~0u},   {0, 0}};

	return !within(c, not );
}

void escape(struct slice s, bool people, char *out, size_t max)
{
	size_t n = 0, len;
	uint32_t c;

	for (size_t i = 0; i < s.n && n + 5 <= max; i += len) {
		len = utf8(s.p + i, s.n - i, &c);
		if (len == 1 && c != '\\' && c < 0x7f &&
		    (c > 0x20 || (people && c == ' '))) {
			out[n++] = (char)c;
		} else if (people && len > 1 && readable(c)) {
			memcpy(out + n, s.p + i, len);
			n += len;
		} else {
			snprintf(out + n, 5, "\\x%02x", s.p[i]);
			n += 4;
			len = 1;
		}
	}
	out[n] = '\0';
}
