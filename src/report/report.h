/* SPDX-License-Identifier: ISC */
/**
 * @file report.h  What the record says, for people: statements, statistics, cuts
 *
 * Source: docs/lines.md.  Everything here is computed from entries alone, so
 * that whoever holds the record comes to the same words and numbers.  Hand in
 * every entry once, in the order of the joint record, then those that are not
 * placed yet; then ask.  Nothing is verified: that is ringdown-verify's.
 *
 * Names, reasons and what was tried are printed as they stand in the record:
 * strict UTF-8 without control characters.  Who shows them escapes what hides or
 * reorders text.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/buf.h"
#include "base/limits.h"
#include "core/core.h"

enum report_lang { REPORT_EN, REPORT_KO, REPORT_LANGS };

struct report;

struct report_conf {
	const char *own;	/* host: "this side" */
	const char *peer;	/* "the other side" */
	const char *line;	/* only this one; NULL: all */
	/* Messages, declarations and agreements are kept of these instants;
	   checks and hiatuses of all. */
	int64_t from_ms, to_ms;
};

/** *rp is owned, report_free().  ENOMEM; EINVAL: no two hosts, no name. */
int report_alloc(struct report **rp, const struct report_conf *conf)
	__attribute__((warn_unused_result));
/** Copes with NULL.  Returns NULL. */
void *report_free(struct report *r);
/**
 * The next entry
 *
 * @param placed it stands in the joint record; of the others no agreement comes
 * @return 0, ENOMEM (the report is as before, or lacks some of this entry);
 *         EBADMSG: no entry of these two feeds, nothing was changed
 */
int report_entry(struct report *r, const void *p, size_t n, bool placed)
	__attribute__((warn_unused_result));

/** More was there than is kept (limits.h): all answers lack something, and the
 *  printed ones say so. */
bool report_full(const struct report *r);
/** The newest time of any entry; INT64_MIN: there is none. */
int64_t report_newest_ms(const struct report *r);
/** The day (from 1970-01-01) that this side's clock shows at an instant, by the
 *  agreement of the line, or of the first that has one; else UTC. */
int64_t report_day(const struct report *r, const char *line, int64_t ms);

/** Append the statement of a day: what happened on the line (NULL: on all).
 *  What the buffer met, or ENOMEM. */
int report_statement(const struct report *r, const char *line, int64_t day,
		     enum report_lang lang, struct buf *out)
	__attribute__((warn_unused_result));

/* ---- statistics ---- */

/** As `kind` of check and result. */
enum report_kind {
	REPORT_SCHEDULED,
	REPORT_UNANNOUNCED,
	REPORT_RESTORATION,
	REPORT_FALLBACK,
	REPORT_KINDS
};

/** The checks of one name, kind and asker in a month of this side's clock. */
struct report_row {
	const char *line, *check;	/* borrowed from the report */
	const char *asker;		/* host */
	enum report_kind kind;
	bool drill;
	int year, month;
	/** By the asker's word; FAULT_HERE: declared on this side. */
	uint64_t count[CHECK_OUTCOMES];
	uint64_t missing;	/* it never came, says the asked side alone */
	uint64_t open;		/* asked, and no result in the record */
	uint64_t differ;	/* both have a result, not the same one */
	uint64_t asked;		/* answered, late, unattended, refused, path-down */
	uint64_t p50_ms, p90_ms, max_ms;	/* from due to answer; 0: none */
};

/** The rows by line, check, kind, asker and month; *rows is owned, free().
 *  ENOMEM. */
int report_stats(const struct report *r, const char *line,
		 struct report_row **rows, size_t *n)
	__attribute__((warn_unused_result));
/** Answered within the grace, in tenths of a percent of those asked; -1: none
 *  were. */
int report_rate(const struct report_row *row);
/** "scheduled" ... */
const char *report_kind_name(enum report_kind kind);
/** Append the rows as an aligned table. */
void report_stats_table(const struct report *r, const struct report_row *rows,
			size_t n, enum report_lang lang, struct buf *out);
/** As CSV (RFC 4180). */
void report_stats_csv(const struct report_row *rows, size_t n, struct buf *out);
/** The answer rate by month of scheduled checks that are no drills, as an SVG
 *  image. */
void report_stats_svg(const struct report *r, const struct report_row *rows,
		      size_t n, enum report_lang lang, struct buf *out);

/* ---- history ---- */

enum report_cause {
	REPORT_DOWN,		/* a side wrote that no path is joined */
	REPORT_CLOSED,
	REPORT_SUSPENDED,
	REPORT_FAULT,
	REPORT_WITHDRAWN,
	REPORT_CAUSES
};

/**
 * A hiatus: from the first word that the line is not to be used, to the first
 * check answered when no such word holds any more.  The last proof of life is not
 * in the record: a cut begins when the first side wrote it down, which is 10 s
 * after its last path.
 */
struct report_hiatus {
	const char *line;	/* borrowed from the report */
	int64_t begin_ms, end_ms;	/* end INT64_MAX: it goes on */
	enum report_cause cause;	/* of the first word */
	int word_of;			/* whose: 0 this side, 1 the other */
	uint8_t causes[2];		/* all: bits, by this, the other side */
	/* what was kept waiting, by side */
	uint64_t waited[2], delivered[2];
	uint64_t late_max_ms[2];
};

/** In order of beginning; *list is owned, free().  ENOMEM; ENOENT: the record
 *  knows no such line. */
int report_history(const struct report *r, const char *line,
		   struct report_hiatus **list, size_t *n)
	__attribute__((warn_unused_result));
/** "down" ... */
const char *report_cause_name(enum report_cause cause);
/** Append them as an aligned table, in this side's time. */
void report_history_table(const struct report *r, const char *line,
			  const struct report_hiatus *list, size_t n,
			  enum report_lang lang, struct buf *out);

#endif
