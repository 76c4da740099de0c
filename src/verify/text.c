/* SPDX-License-Identifier: ISC */
/** @file text.c  The small grammar: lines, numbers, base64, times, names */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <openssl/evp.h>
#include "verify/verify.h"

bool slice_is(struct slice s, const char *str)
{
	return s.n == strlen(str) && !memcmp(s.p, str, s.n);
}

bool slice_line(struct slice *in, struct slice *line)
{
	const uint8_t *lf = in->n ? memchr(in->p, '\n', in->n) : NULL;

	if (!lf)
		return false;
	*line = (struct slice){in->p, (size_t)(lf - in->p)};
	in->n -= line->n + 1;
	in->p = lf + 1;
	return true;
}

bool slice_after(struct slice *s, const char *prefix)
{
	const size_t n = strlen(prefix);

	if (s->n < n || memcmp(s->p, prefix, n))
		return false;
	*s = (struct slice){s->p + n, s->n - n};
	return true;
}

bool slice_word(struct slice *in, struct slice *word)
{
	const uint8_t *sp = in->n ? memchr(in->p, ' ', in->n) : NULL;

	if (!in->n)
		return false;
	*word = (struct slice){in->p, sp ? (size_t)(sp - in->p) : in->n};
	if (sp && word->n + 1 == in->n)
		return false;
	in->p += word->n + (sp ? 1 : 0);
	in->n -= word->n + (sp ? 1 : 0);
	return true;
}

/* Length of the UTF-8 sequence at p (n >= 1), 0 if there is none */
static size_t utf8_len(const uint8_t *p, size_t n)
{
	const uint8_t lo = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	const uint8_t hi = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	const size_t len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n < len || p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

/* Are these eight bytes all %x20-7E? Most are, and a record is long */
static bool plain(const uint8_t *p)
{
	const uint64_t ones = 0x0101010101010101u, tops = ones << 7;
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return !((w | (w - ones * 0x20) | (w + ones)) & tops);
}

bool text_clean(const uint8_t *p, size_t n, bool lf)
{
	size_t i = 0;

	while (i < n) {
		size_t len = 1;

		if (n - i >= 8 && plain(p + i)) {
			i += 8;
			continue;
		}
		if (p[i] < 0x20 ? !lf || p[i] != '\n' : p[i] == 0x7f)
			return false;
		if (p[i] >= 0x80)
			len = utf8_len(p + i, n - i);
		if (!len)
			return false;
		i += len;
	}
	return true;
}

bool uint_parse(struct slice s, uint64_t *v)
{
	uint64_t x = 0;

	if (s.n < 1 || s.n > 19 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		x = x * 10 + (uint64_t)(s.p[i] - '0');
	}
	if (x > UINT_MAX_VALUE)
		return false;
	*v = x;
	return true;
}

static int nibble(uint8_t c)
{
	const unsigned digit = c - '0', letter = c - 'a';

	return digit < 10 ? (int)digit : letter < 6 ? (int)letter + 10 : -1;
}

bool hex_parse(struct slice s, uint8_t *out, size_t bytes)
{
	if (s.n != 2 * bytes)
		return false;
	for (size_t i = 0; i < s.n; i += 2) {
		const int hi = nibble(s.p[i]), lo = nibble(s.p[i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		if (out)
			out[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

bool b64_parse(struct slice s, uint8_t *out, size_t max, size_t *len)
{
	static uint8_t raw[B64_MAX], back[B64_MAX + 8];
	size_t n = s.n / 4 * 3;

	if (!s.n || s.n % 4 || s.n > B64_MAX ||
	    EVP_DecodeBlock(raw, s.p, (int)s.n) != (int)n)
		return false;
	n -= s.p[s.n - 1] != '=' ? 0u : s.p[s.n - 2] != '=' ? 1u : 2u;
	if (EVP_EncodeBlock(back, raw, (int)n) != (int)s.n ||
	    memcmp(back, s.p, s.n))
		return false;
	memcpy(out, raw, n < max ? n : max);
	*len = n;
	return true;
}

bool b64_exact(struct slice s, uint8_t *out, size_t bytes)
{
	size_t len;

	return b64_parse(s, out, bytes, &len) && len == bytes;
}

bool token_ok(struct slice s)
{
	if (s.n < 1 || s.n > 32 || s.p[0] < 'a' || s.p[0] > 'z')
		return false;
	for (size_t i = 1; i < s.n; i++) {
		const uint8_t c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	return true;
}

bool value_ok(struct slice s)
{
	return s.n >= 1 && s.n <= 1024 && s.p[0] != ' ' && s.p[s.n - 1] != ' ';
}

static bool host_edge(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool host_ok(struct slice s)
{
	if (s.n < 1 || s.n > HOST_MAX || !host_edge(s.p[0]) ||
	    !host_edge(s.p[s.n - 1]))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!host_edge(s.p[i]) && s.p[i] != '.' && s.p[i] != '-')
			return false;
	}
	return true;
}

bool address_ok(struct slice s)
{
	const bool six = s.n && s.p[0] == '[';
	char host[INET6_ADDRSTRLEN];
	uint8_t raw[16];
	uint64_t port;
	size_t end = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ':')
			end = i;
	}
	if (!end ||
	    !uint_parse((struct slice){s.p + end + 1, s.n - end - 1}, &port) ||
	    port < 1 || port > 65535)
		return false;
	if (six) {
		if (end < 3 || s.p[end - 1] != ']')
			return false;
		s.p++;
		end -= 2;
	}
	if (end >= sizeof(host) || memchr(s.p, 0, end))
		return false;
	memcpy(host, s.p, end);
	host[end] = '\0';
	return inet_pton(six ? AF_INET6 : AF_INET, host, raw) == 1;
}

bool ts_parse(struct slice s, int64_t *ms)
{
	static const char form[] = "YYYY-MM-DDThh:mm:ss.fffZ";
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
				       31, 31, 30, 31, 30, 31};
	int v[128] = {0}, leap;
	struct tm tm = {.tm_sec = 0};

	if (s.n != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const size_t at = (size_t)form[i];

		if (at < 'A' || at == 'T' || at == 'Z') {
			if (s.p[i] != at)
				return false;
			continue;
		}
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v[at] = v[at] * 10 + s.p[i] - '0';
	}
	leap = v['M'] == 2 && v['Y'] % 4 == 0 &&
	       (v['Y'] % 100 != 0 || v['Y'] % 400 == 0);
	if (v['Y'] < 1970 || v['M'] < 1 || v['M'] > 12 || v['D'] < 1 ||
	    v['D'] > days[v['M'] - 1] + leap || v['h'] > 23 || v['m'] > 59 ||
	    v['s'] > 59)
		return false;
	tm.tm_year = v['Y'] - 1900;
	tm.tm_mon = v['M'] - 1;
	tm.tm_mday = v['D'];
	tm.tm_hour = v['h'];
	tm.tm_min = v['m'];
	tm.tm_sec = v['s'];
	*ms = (int64_t)timegm(&tm) * 1000 + v['f'];
	return true;
}

void ts_print(int64_t ms, char out[static 25])
{
	const int64_t end = 253402300799999;	/* 9999-12-31T23:59:59.999Z */
	time_t s;
	struct tm tm;

	ms = ms < 0 ? 0 : ms > end ? end : ms;
	s = (time_t)(ms / 1000);
	if (!gmtime_r(&s, &tm) ||
	    strftime(out, 20, "%Y-%m-%dT%H:%M:%S", &tm) != 19)
		memset(out, '-', 19);
	snprintf(out + 19, 6, ".%03dZ", (int)(ms % 1000));
}

int64_t time_ms(uint64_t time_s)
{
	return time_s > INT64_MAX / 1000 ? INT64_MAX : (int64_t)time_s * 1000;
}

void hex_print(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = "0123456789abcdef"[p[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
	}
	out[2 * n] = '\0';
}

void b64_print(const uint8_t *p, size_t n, char *out)
{
	(void)EVP_EncodeBlock((uint8_t *)out, p, (int)n);
}

/* Bytes of a character beyond ASCII that a person can read as it stands; 0 for
 * what is invisible or turns the text around it (C1, U+200B..200F,
 * U+2028..202F, U+2060..206F, U+FEFF, U+FFF0..FFFF, beyond U+1FFFF) */
static size_t readable(const uint8_t *p, size_t n)
{
	const size_t len = *p < 0x80 ? 0 : utf8_len(p, n);
	uint32_t c;

	if (!len)
		return 0;
	c = *p & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++)
		c = c << 6 | (p[i] & 0x3f);
	if (c < 0xa0 || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202f) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0xfeff || (c >= 0xfff0 && c <= 0xffff) || c > 0x1ffff)
		return 0;
	return len;
}

size_t escape(const uint8_t *p, size_t n, bool space, char *out, size_t max)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len + 5 <= max; i++) {
		const size_t wide = space ? readable(p + i, n - i) : 0;

		if (wide) {
			memcpy(out + len, p + i, wide);
			len += wide;
			i += wide - 1;
			continue;
		}
		if ((p[i] > 0x20 && p[i] < 0x7f && p[i] != '\\') ||
		    (space && p[i] == ' ')) {
			out[len++] = (char)p[i];
			continue;
		}
		memcpy(out + len, "\\x", 2);
		hex_print(p + i, 1, out + len + 2);
		len += 4;
	}
	out[len] = '\0';
	return len;
}
