/* SPDX-License-Identifier: ISC */
/**
 * @file text.h  Strict text: views, lines, numbers, hex, base64, UTF-8, time
 *
 * All parsers refuse what they would not have written themselves, so that
 * parse and print are exact inverses (docs/record.md 2, 3).
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A view of text: borrowed, not NUL-terminated. */
struct str {
	const char *p;
	size_t n;
};

/** A view of the string, without its NUL. */
struct str str_of(const char *s);
/** Equal, octet for octet. */
bool str_is(struct str a, const char *s);
bool str_same(struct str a, struct str b);
/** Copy to a NUL-terminated array of @p size octets.  EMSGSIZE if too long. */
int str_copy(struct str s, char *out, size_t size)
	__attribute__((warn_unused_result));
/** Cut the next line (without its LF) from @p in.  False when no LF is left. */
bool str_line(struct str *in, struct str *line);
/** Cut the text before the next @p sep; the whole rest when there is none. */
struct str str_cut(struct str *in, char sep);

/** Decimal without sign or leading zero, at most 2^63-1.  0 or EBADMSG. */
int uint_parse(struct str s, uint64_t *v) __attribute__((warn_unused_result));

/** Lower-case hex; @p out has room for 2n+1 (NUL added). */
void hex_encode(const uint8_t *p, size_t n, char *out);
/** Exactly 2n lower-case digits.  0 or EBADMSG. */
int hex_decode(struct str s, uint8_t *out, size_t n)
	__attribute__((warn_unused_result));

/** Octets needed for base64 of @p n octets, with NUL. */
#define B64_SIZE(n) (((n) + 2) / 3 * 4 + 1)
/** Standard alphabet, padded; @p out has room for B64_SIZE(n). */
void b64_encode(const uint8_t *p, size_t n, char *out);
/** Canonical base64 of 1..max octets; *n is what came out.  0 or EBADMSG. */
int b64_decode(struct str s, uint8_t *out, size_t max, size_t *n)
	__attribute__((warn_unused_result));
/** Canonical base64 of exactly @p n octets.  0 or EBADMSG. */
int b64_exact(struct str s, uint8_t *out, size_t n)
	__attribute__((warn_unused_result));

/** Strict UTF-8 without control characters; LF allowed only if @p lf. */
bool utf8_ok(const char *p, size_t n, bool lf);

/** An exchange's name (docs/record.md 2). */
bool host_ok(struct str s);
/** 1-64 of A-Z a-z 0-9 . _ - */
bool id_ok(struct str s);

#define STAMP_CHARS 24
/** YYYY-MM-DDThh:mm:ss.mmmZ of UTC milliseconds since 1970; NUL added.
 *  Out of 1970..9999: clamped. */
void stamp_print(int64_t ms, char out[STAMP_CHARS + 1]);
/** Inverse.  A date that does not exist, or second 60: EBADMSG. */
int stamp_parse(struct str s, int64_t *ms) __attribute__((warn_unused_result));

#endif
