/* SPDX-License-Identifier: ISC */
/**
 * @file buf.h  A growing byte buffer with a limit, and a reading cursor
 *
 * Both are sticky: the first failure is kept in the object, later calls do
 * nothing, so that an encoder or decoder checks once, at its end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes being written.  Owner calls buf_free(). */
struct buf {
	uint8_t *p;	/* [n octets] */
	size_t n;
	size_t cap;
	size_t max;	/* EMSGSIZE beyond */
	int err;	/* first failure: ENOMEM or EMSGSIZE; 0 */
};

/** Start an empty buffer that may grow to @p max octets.  Allocates nothing. */
void buf_init(struct buf *b, size_t max);
/** Forget the content and the failure, keep the memory. */
void buf_reset(struct buf *b);
/** Release the memory; the buffer may be used again after buf_init(). */
void buf_free(struct buf *b);
/** Append @p n octets.  @p p may be NULL when @p n is 0. */
void buf_put(struct buf *b, const void *p, size_t n);
/** Append the string without its NUL. */
void buf_str(struct buf *b, const char *s);
/** Append printf-formatted text, without NUL. */
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** Append a big-endian number. */
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
/** Append u32be length, then the octets. */
void buf_blob32(struct buf *b, const void *p, size_t n);

/** Octets being read: borrowed, never owned. */
struct cur {
	const uint8_t *p;
	size_t n;	/* left */
	bool bad;	/* something was missing: all later reads give 0 */
};

/** Read @p n octets at @p p, which must outlive the cursor. */
struct cur cur_of(const void *p, size_t n);
/** The next big-endian number; 0 (and bad) when fewer octets are left. */
uint8_t cur_u8(struct cur *c);
uint16_t cur_u16(struct cur *c);
uint32_t cur_u32(struct cur *c);
uint64_t cur_u64(struct cur *c);
/** The next @p n octets, borrowed; NULL (and bad) when fewer are left. */
const uint8_t *cur_take(struct cur *c, size_t n);
/** Copy the next @p n octets to @p out; zeroes @p out when fewer are left. */
void cur_copy(struct cur *c, void *out, size_t n);
/** u32be length, then octets; length above @p max is bad. */
const uint8_t *cur_blob32(struct cur *c, size_t *n, size_t max);
/** True when nothing was missing and nothing is left over. */
bool cur_done(const struct cur *c);

#endif
