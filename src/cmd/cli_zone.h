/* SPDX-License-Identifier: ISC */
/**
 * @file cli_zone.h  Offsets of time zones, from this machine's database
 *
 * Source: docs/lines.md 1, "Time".  Only who writes a proposal, or looks after
 * an agreement, asks the database; what counts is in the text.  Both functions
 * set TZ for as long as they run: not while another thread tells the time.
 */
#ifndef CMD_CLI_ZONE_H
#define CMD_CLI_ZONE_H

#include "proto/agreement.h"

/** For so long the offsets are filled in, from `from` on: ten years. */
#define ZONE_FILL_MS (3653 * DAY_MS)

/**
 * Copy a text to @p out, with `offset` lines after each `zone` that has none
 *
 * Nothing else is looked at: agreement_parse() judges the outcome.
 *
 * @param why What is wrong and what to do, a sentence without end; set on error
 * @return ENOENT: the database has no such zone; ERANGE: its offsets do not fit
 *         in an agreement; EBADMSG: no `from` that can be read; ENOMEM,
 *         EMSGSIZE (of the buffer)
 */
int zone_fill(const char *text, size_t n, struct buf *out, char *why,
	      size_t why_n) __attribute__((warn_unused_result));

/**
 * Compare the offsets of a text with the database, from an instant on
 *
 * Looks as far as they were filled in, and half a year ahead at least: so much
 * time is left for an amendment when they run out.
 *
 * @param side, at_ms The clock and the first instant that differ, when ESTALE
 * @return 0: they agree; ESTALE: they do not; ENOENT: the database has no zone
 *         of this name (side is set); ENOMEM
 */
int zone_differs(const struct agreement *a, int64_t now_ms, int *side,
		 int64_t *at_ms) __attribute__((warn_unused_result));

#endif
