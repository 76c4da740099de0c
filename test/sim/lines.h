/* SPDX-License-Identifier: ISC */
/** @file lines.h  Lines in a world: agreements, orders, what must hold */
#ifndef SIM_LINES_H
#define SIM_LINES_H

#include "world.h"

/** An agreement of this line, version and text it replaces (NULL: none), from
 *  the epoch on: checks daily, `opening` by north, `closing` by south.
 *  more: further lines of the grammar after the checks, or "". */
void lines_text(const char *line, uint64_t version, const uint8_t *replaces,
		const char *more, struct buf *out);
/** Both sides sign the line's first agreement. */
void lines_agree(struct world *w, const char *line, const char *more);
void lines_agree_text(struct world *w, const char *line, const void *text,
		      size_t n);
/** Somebody does something to a line at this side. */
void lines_act(struct world *w, int side);
/** Compare both ends' lines; sets w->broken.  settled: all has arrived. */
void lines_check(struct world *w, bool settled);
/** Every row of docs/lines.md 4, and what else lines promise.  Prints `lines:
 *  N passed, N failed`; 0 when none failed. */
int lines_run(const char *doc);
/** Thirteen months without an answer, and the line again: leaves both dossiers
 *  below dir. */
int lines_months(const char *dir);

#endif
