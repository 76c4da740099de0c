/* SPDX-License-Identifier: ISC */
/**
 * @file agreement.h  What both sides agreed on for one line
 *
 * Source: docs/lines.md 1.  Reject, never repair: what parses prints back to
 * the same bytes.  All times are in the text itself, so that two exchanges come
 * to the same instants whatever their time-zone databases hold.
 */
#ifndef PROTO_AGREEMENT_H
#define PROTO_AGREEMENT_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "proto/calendar.h"

enum agreement_medium {
	AGREEMENT_TELEPHONE = 1,
	AGREEMENT_FAX = 2,
	AGREEMENT_NOTICE = 4
};

struct agreement_hours {
	const char *days_as;	/* as written */
	uint8_t days;		/* bits, 1 is Monday */
	uint8_t side;		/* whose clock it is */
	uint16_t first, end;	/* minutes of the day, end 1..1440 not in it */
};

struct agreement_holiday {
	const char *words;
	int32_t day;	/* days from 1970-01-01, by its side's clock */
	uint8_t side;
};

struct agreement_person {
	const char *role;
	const char *words;	/* name and office */
	uint8_t side;
};

struct agreement_station {
	const char *name;
	const char *words;
	uint8_t side;
	uint8_t medium;		/* one bit */
};

struct agreement_check {
	const char *name;
	const char *days_as;	/* as written */
	const char *role;	/* NULL: the machine's answer is enough */
	uint32_t grace_ms;
	uint16_t minute;	/* of the day */
	uint8_t days;		/* bits, 1 is Monday */
	uint8_t side;		/* whose clock it is */
	uint8_t by;		/* who asks */
};

struct agreement_duty {
	const char *words;
	uint8_t side;
};

/** A parsed agreement: one allocation, all pointers into it.  A side is 0 or 1,
 *  in the order of the text. */
struct agreement {
	const char *line;
	uint64_t version;
	uint8_t replaces[DIGEST_BYTES];
	bool replaces_any;		/* true: replaces is set */
	bool recording;			/* announced */
	bool restoration_person;
	uint8_t media;			/* bits of enum agreement_medium */
	uint8_t mediums, languages;
	uint8_t medium[3];		/* as ordered in the text, one bit each */
	uint32_t unannounced_ms;	/* grace; 0: none */
	const char *sides[2];
	int64_t from_ms;
	const char *purpose;
	const char *language[AGREEMENT_LANGUAGES_MAX];
	const char *zones[2];		/* IANA names */
	struct calendar clock[2];
	const struct agreement_hours *hour;
	const struct agreement_holiday *holiday;
	const struct agreement_person *person;
	const struct agreement_station *station;
	const struct agreement_check *check;
	const char *const *fallback;	/* names of lines, in order */
	const struct agreement_duty *duty;
	size_t hours, holidays, persons, stations, checks, fallbacks, duties;
};

/** Where a text is no agreement. */
struct agreement_fault {
	unsigned line;		/* from 1 */
	const char *rule;	/* static words: what was expected there */
};

/** Strict parse.  *out is owned, agreement_free().  0, ENOMEM, or EBADMSG with
 *  @p why (may be NULL) set; then *out is untouched. */
int agreement_parse(const void *p, size_t n, struct agreement **out,
		    struct agreement_fault *why)
	__attribute__((warn_unused_result));
/** Copes with NULL.  Returns NULL. */
void *agreement_free(struct agreement *a);
/** Append the text.  What the buffer met. */
int agreement_print(const struct agreement *a, struct buf *out)
	__attribute__((warn_unused_result));
/**
 * Append what changes, for who is to sign: a line an item, in the order of the
 * grammar, "- " gone, "+ " new, "= " as before
 *
 * @param old NULL: there was none, all is new
 * @return ENOMEM, EMSGSIZE of the buffer, or 0
 */
int agreement_diff(const struct agreement *old, const struct agreement *now,
		   struct buf *out) __attribute__((warn_unused_result));

/** 0, 1, or -1 when @p host is none of the sides. */
int agreement_side(const struct agreement *a, const char *host);
/** Seconds that a side's clock shows more than UTC at an instant. */
int32_t agreement_offset_s(const struct agreement *a, int side, int64_t ms);

/** The form of an IANA name; whether there is such a zone, nobody here knows. */
bool agreement_zone_ok(struct str s);
/** A medium's word; "?" for none. */
const char *agreement_medium_name(unsigned medium);

/* ---- agreement_hours.c ---- */

/** The instant lies within hours, and not before the agreement holds. */
bool agreement_open_at(const struct agreement *a, int64_t ms);
/** The next instant after @p ms at which agreement_open_at() changes; INT64_MAX:
 *  it stays as it is. */
int64_t agreement_hours_next(const struct agreement *a, int64_t ms);
/** The last instant up to @p ms at which it changed; from_ms when it never did. */
int64_t agreement_hours_since(const struct agreement *a, int64_t ms);
/** The next due instant of check[@p check] after @p after_ms, none before
 *  from_ms; INT64_MAX: none.  Cheap. */
int64_t agreement_check_next(const struct agreement *a, size_t check,
			     int64_t after_ms);
/** The instant is exactly a due one of check[@p check]. */
bool agreement_due(const struct agreement *a, size_t check, int64_t ms);

#endif
