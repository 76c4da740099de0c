/* SPDX-License-Identifier: ISC */
/** @file buf.c  A growing byte buffer with a limit, and a reading cursor */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->err = 0;
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.max = b->max};
}

/* Room for n more octets, or the sticky error */
static bool reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 256;
	uint8_t *p;

	if (b->err)
		return false;
	if (n > b->max - b->n) {
		b->err = EMSGSIZE;
		return false;
	}
	if (n <= b->cap - b->n)
		return true;
	while (cap < b->n + n)
		cap *= 2;
	p = realloc(b->p, cap + 1);	/* one more, for the NUL of printf */
	if (!p) {
		b->err = ENOMEM;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	if (!n || !reserve(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void buf_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	const uint8_t *p = b->p;
	const size_t cap = b->cap;
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	/* where it goes, if it fits there: else its length is known */
	n = vsnprintf(p ? (char *)b->p + b->n : NULL, p ? cap - b->n + 1 : 0,
		      fmt, ap);
	va_end(ap);
	if (n > 0 && reserve(b, (size_t)n)) {
		if (!p || cap != b->cap)
			vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt,
				  again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
	const uint8_t be[] = {(uint8_t)(v >> 8), (uint8_t)v};

	buf_put(b, be, sizeof(be));
}

void buf_u32(struct buf *b, uint32_t v)
{
	buf_u16(b, (uint16_t)(v >> 16));
	buf_u16(b, (uint16_t)v);
}

void buf_u64(struct buf *b, uint64_t v)
{
	buf_u32(b, (uint32_t)(v >> 32));
	buf_u32(b, (uint32_t)v);
}

void buf_blob32(struct buf *b, const void *p, size_t n)
{
	if (n > UINT32_MAX) {
		b->err = b->err ? b->err : EMSGSIZE;
		return;
	}
	buf_u32(b, (uint32_t)n);
	buf_put(b, p, n);
}

struct cur cur_of(const void *p, size_t n)
{
	return (struct cur){.p = p, .n = n};
}

const uint8_t *cur_take(struct cur *c, size_t n)
{
	const uint8_t *p = c->p;

	if (c->bad || n > c->n) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	c->n -= n;
	return p;
}

/* A big-endian number of n octets; 0 when they are not there */
static uint64_t number(struct cur *c, size_t n)
{
	const uint8_t *p = cur_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; p && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t cur_u8(struct cur *c)
{
	return (uint8_t)number(c, 1);
}

uint16_t cur_u16(struct cur *c)
{
	return (uint16_t)number(c, 2);
}

uint32_t cur_u32(struct cur *c)
{
	return (uint32_t)number(c, 4);
}

uint64_t cur_u64(struct cur *c)
{
	return number(c, 8);
}

void cur_copy(struct cur *c, void *out, size_t n)
{
	const uint8_t *p = cur_take(c, n);

	if (p)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}

const uint8_t *cur_blob32(struct cur *c, size_t *n, size_t max)
{
	*n = cur_u32(c);
	if (*n > max)
		c->bad = true;
	if (c->bad)
		*n = 0;
	return cur_take(c, *n);
}

bool cur_done(const struct cur *c)
{
	return !c->bad && !c->n;
}
