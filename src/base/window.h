/* SPDX-License-Identifier: ISC */
/**
 * @file window.h  Which of the newest numbers were seen: against replay, and
 *                 against doubles
 *
 * A ring of bits (as in RFC 6479): moving on clears whole words, and nothing
 * is shifted.  Numbers are 64 bits and never wrap.
 */
#ifndef BASE_WINDOW_H
#define BASE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/** Words for a window of at least this many numbers. */
#define WINDOW_WORDS(numbers) ((numbers) / 64 + 1)

struct window {
	uint64_t next;	/* one above the highest number seen; 0: none yet */
	uint64_t *bits;	/* [words], zeroed at the start; the owner's */
	unsigned words;
};

/** Number @p i was not marked and is not too old to say. */
bool window_fresh(const struct window *w, uint64_t i);
/** Mark it; only what window_fresh() let through.  @p i < UINT64_MAX. */
void window_mark(struct window *w, uint64_t i);

/** The number near @p ref whose low 16 bits are @p low; in the first half of
 *  the first round never below 0. */
uint64_t window_expand16(uint64_t ref, uint16_t low);

#endif
