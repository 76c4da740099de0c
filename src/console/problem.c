/* SPDX-License-Identifier: ISC */
/** @file problem.c  What went wrong, as RFC 9457 has it told to a client */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "console/problem.h"

static const struct {
	unsigned status;
	const char *type;
	const char *title;
} about[PROBLEM_KINDS] = {
	[PROBLEM_NONE] = {500, "broken-answer", "No answer"},
	[PROBLEM_REQUEST] = {400, "request", "The request is not understood"},
	[PROBLEM_NOT_FOUND] = {404, "not-found",
			       "There is nothing of this name"},
	[PROBLEM_METHOD] = {405, "method", "This method is not taken here"},
	[PROBLEM_TOO_LARGE] = {413, "too-large", "The request is too large"},
	[PROBLEM_MEDIA_TYPE] = {415, "media", "This Content-Type is not taken"},
	[PROBLEM_BROKEN] = {500, "broken-answer",
			    "The answer cannot be passed on"},
	[PROBLEM_BUSY] = {503, "busy", "The exchange is busy"},
	[PROBLEM_KEEPER_GONE] = {503, "keeper-gone", "The keeper is not there"},
};

/* Cut at the last whole character that fits */
static void trim(char *s, size_t n)
{
	while (n && ((uint8_t)s[n - 1] & 0xc0) == 0x80)
		n--;
	if (n)
		s[n - 1] = '\0';
}

int problem_set(struct problem *p, enum problem_kind kind, const char *fmt, ...)
{
	va_list ap;
	int n;

	p->kind = kind;
	va_start(ap, fmt);
	n = vsnprintf(p->detail, sizeof(p->detail), fmt, ap);
	va_end(ap);
	if (n < 0)
		p->detail[0] = '\0';
	else if ((size_t)n >= sizeof(p->detail))
		trim(p->detail, sizeof(p->detail) - 1);
	return EINVAL;
}

unsigned problem_status(enum problem_kind kind)
{
	return about[kind].status;
}

void json_print(struct buf *b, const char *s, size_t n)
{
	size_t from = 0;

	buf_u8(b, '"');
	for (size_t i = 0; i < n; i++) {
		const uint8_t c = (uint8_t)s[i];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		buf_put(b, s + from, i - from);
		buf_printf(b, "\\u%04x", c);
		from = i + 1;
	}
	buf_put(b, s + from, n - from);
	buf_u8(b, '"');
}

void problem_print(const struct problem *p, struct buf *b)
{
	const size_t n = strlen(p->detail);

	buf_printf(b,
		   "{\"type\":\"/problems/%s\",\"title\":\"%s\","
		   "\"status\":%u,\"detail\":",
		   about[p->kind].type, about[p->kind].title,
		   about[p->kind].status);
	/* what a client wrote may be in it, and need not be UTF-8 */
	if (utf8_ok(p->detail, n, true))
		json_print(b, p->detail, n);
	else
		buf_str(b, "\"The request is not UTF-8.\"");
}
