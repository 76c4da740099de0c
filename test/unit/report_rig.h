/* SPDX-License-Identifier: ISC */
/** @file report_rig.h  A report and the entries that make it, for its tests */
#ifndef REPORT_RIG_H
#define REPORT_RIG_H

#include "report/inner.h"

#define NORTH "north.example"
#define SOUTH "south.example"
#define GEN "0123456789abcdef0123456789abcdef"
#define DAY 20788	/* 2026-12-01, a Tuesday */
#define HOUR 3600000LL
#define MINUTE 60000LL
#define BLOB       \
	"sha256:" \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 40 " \
	"text/plain"

/* South's clock is 9 h before UTC, north's 8:30 */
#define TEXT(line, version, replaces)                                          \
	"ringdown-agreement/v1\nline " line "\nversion " version               \
	"\nreplaces " replaces "\nsides " NORTH " " SOUTH                      \
	"\nfrom 2026-11-01T00:00:00Z\npurpose Liaison\nlanguage ko\n"          \
	"medium notice\nrecording none\nrestoration machine\n"                 \
	"zone " NORTH " Asia/Pyongyang\n"                                      \
	"offset " NORTH " 2026-11-01T00:00:00Z +08:30\n"                       \
	"zone " SOUTH " Asia/Seoul\n"                                          \
	"offset " SOUTH " 2026-11-01T00:00:00Z +09:00\n"                       \
	"check opening mon-fri 09:00 " SOUTH " by " SOUTH                      \
	" grace 600 role principal\n"                                          \
	"check closing daily 17:00 " SOUTH " by " NORTH                        \
	" grace 600 role none\n"
#define OPENING "line liaison\ncheck opening\ndue 2026-12-01T00:00:00.000Z\n"
#define CLOSING "line liaison\ncheck closing\ndue 2026-12-01T08:00:00.000Z\n"

enum { SOUTHS, NORTHS };	/* reports below are south's */

struct rig {
	struct report *r;
	uint64_t seq[2];
	int64_t now;
	int err;		/* the first failure: all that follows does nothing */
	bool unplaced;
};

/** A report of south's, of this line or all. */
void rig_init(struct rig *g, const char *line);
/** With the line liaison, agreed. */
void rig_agreed(struct rig *g, const char *only);
void rig_end(struct rig *g);
/** An entry of a side at g->now, its fields as lines, then its text.  Gives its
 *  number. */
uint64_t put(struct rig *g, int side, const char *type, const char *fields,
	     const char *text);
/** put() at an hour and minute of UTC of the day. */
uint64_t at(struct rig *g, int hour, int minute, int side, const char *type,
	    const char *fields);
/** `accept`, `decline` of a text. */
void reply_text(struct rig *g, int side, const char *type, const char *line,
		const char *version, const char *text, const char *more);
/** The other side proposes, this one accepts. */
void agree(struct rig *g, const char *line, const char *text);
int statement(struct rig *g, int64_t day, enum report_lang lang,
	      struct buf *out);
/** The line is in the statement of that day, whole. */
bool has(struct rig *g, int64_t day, enum report_lang lang, const char *want);
/** As a check that shows the statement when it fails. */
void says(struct rig *g, int64_t day, const char *en, const char *ko);

#endif
