/* SPDX-License-Identifier: ISC */
/**
 * @file inner.h  What a report keeps: private to src/report
 *
 *   report.c    entries coming in
 *   pool.c      texts and tables that cope with what a peer makes up
 *   agreed.c    agreements, declarations
 *   hiatus.c    cuts, and what waited in them
 *   check.c     checks and what became of them
 *   words.c     every phrase, in both languages
 *   say.c       phrases filled in; times, lengths, tables
 *   sentence.c  what became of a check, in words
 *   statement.c the statement of a day
 *   stats.c     rows, table, CSV
 *   svg.c       the plot
 */
#ifndef REPORT_INNER_H
#define REPORT_INNER_H

#include "crypto/digest.h"
#include "proto/agreement.h"
#include "proto/entry.h"
#include "report/report.h"

/* ---- pool.c ---- */

/** Hash to number, never 0.  Open addressing; more than one may have a hash. */
struct table {
	struct slot {
		uint64_t hash;
		uint32_t value;
	} * slot; /* [cap], owned */
	size_t cap, n;
};

/** Texts, each once. */
struct pool {
	char *p;	/* owned; each with its NUL */
	size_t n, cap;
	struct table table;
};

/** Room for one more in an array of @p n; doubles.  ENOMEM; ENOSPC at @p max. */
int room(void *array, size_t *cap, size_t n, size_t size, size_t max);
/** The first 8 octets of SHA-256: nobody makes many that meet. */
uint64_t hash_of(const void *p, size_t n);
/** The next value with this hash, 0: no more.  *at is SIZE_MAX at first. */
uint32_t table_next(const struct table *t, uint64_t hash, size_t *at);
int table_add(struct table *t, uint64_t hash, uint32_t value);
/** The number of a text, 0 for the empty one.  ENOMEM, ENOSPC. */
int pool_put(struct pool *p, struct str s, uint32_t *id);
/** The text; "" for 0. */
const char *pool_get(const struct pool *p, uint32_t id);

/* ---- what is kept ---- */

/** A text that was proposed or agreed. */
struct agreed {
	struct agreement *text;	/* owned; NULL: none */
	uint64_t version;
	int64_t since_ms;	/* its `from`, or when it was accepted if later */
	uint8_t hash[DIGEST_BYTES];
};

/** What a side last declared. */
struct word {
	enum declared state;
	int64_t until_ms;	/* suspended; 0: open-ended */
};

struct line {
	char name[LINE_NAME_CHARS_MAX + 1];
	struct agreed *agreed;	/* [agreements], owned, by version */
	size_t agreements, agreed_cap;
	struct agreed proposal[2];
	int64_t withdrawn_ms;	/* by either side; INT64_MAX: it is not */
	struct word word[2];
	uint32_t hiatus;	/* the newest, 1 + index; 0: none yet */
};

enum check_bits {
	CHECK_DRILL = 1,
	CHECK_IS_ASKED = 2,	/* a `check` is in the record */
	CHECK_READY = 4,	/* the other side's machine answered */
	CHECK_PRESENT = 8,	/* its person did */
	CHECK_SAID_NO = 16	/* either refused */
};

#define NO_OUTCOME CHECK_OUTCOMES

/** One check: named by line, check, due, kind and who asks. */
struct seen_check {
	int64_t due_ms;
	uint64_t seq;		/* of its `check`, with CHECK_IS_ASKED */
	uint32_t line;		/* index */
	uint32_t name;		/* texts from here */
	uint32_t for_line;
	uint32_t by, late_by;	/* who answered */
	uint32_t tried, reason;
	uint32_t after_ms, late_ms;	/* beyond 49 days: that */
	uint32_t rested;	/* so many were due while the asker's exchange
				   did not run, this is the last; 0: it ran */
	uint8_t kind, asker, bits;
	uint8_t outcome[2];	/* by each side's first word; NO_OUTCOME */
	bool late[2];		/* and answered-late as its second */
};

/** Something that people did to a line. */
struct event {
	int64_t time_ms;
	int64_t other_ms;	/* until, in force from; 0: none */
	uint64_t version;
	uint32_t line, by, reason;
	uint8_t kind;		/* enum entry_kind */
	uint8_t side, state;
	bool stale, placed;
};

struct item {
	int64_t time_ms;
	uint64_t late_ms;
	uint32_t line;		/* index; NO_LINE */
	uint8_t side;
	bool document, waited;
	bool waiting;		/* none went out: it began to wait */
};

#define NO_LINE UINT32_MAX

struct hiatus {
	struct report_hiatus h;	/* line: not set */
	uint32_t line;
};

struct report {
	char host[2][HOST_CHARS_MAX + 1];	/* this side, the other */
	int at[2];		/* of each: its place in an agreement */
	char only[LINE_NAME_CHARS_MAX + 1];	/* "": all lines */
	int64_t from_ms, to_ms;
	bool full;
	bool down[2];		/* by its newest `line` */
	size_t cuts;		/* `line` entries that changed that */
	uint64_t entries[2], unplaced;
	int64_t newest_ms;
	struct pool text;
	struct line *line;	/* [lines] */
	size_t lines, line_cap;
	struct table line_at;
	struct seen_check *check;	/* [checks] */
	size_t checks, check_cap;
	struct table check_at;	/* by line, name, due */
	struct event *event;	/* [events] */
	size_t events, event_cap;
	struct item *item;	/* [items] */
	size_t items, item_cap;
	struct hiatus *hiatus;	/* [hiatuses] */
	size_t hiatuses, hiatus_cap;
};

/** An entry that came in. */
struct fact {
	const struct entry *e;
	int side;		/* who wrote it: 0 this side */
	bool placed;
};

/* ---- report.c ---- */

/** The line of an entry; NO_LINE: none, not asked for, or too many.  ENOMEM. */
int line_of(struct report *r, struct str name, uint32_t *index);
/** The same, asked for or not. */
int line_make(struct report *r, struct str name, uint32_t *index);
/** Its index, or NO_LINE. */
uint32_t line_known(const struct report *r, struct str name);
/** A number or time of an understood entry; @p none when it has none. */
uint64_t get_uint(const struct entry *e, const char *name, uint64_t none);
int64_t get_stamp(const struct entry *e, const char *name, int64_t none);
/** ENOSPC becomes "full", and 0. */
int fit(struct report *r, int err);

/* ---- agreed.c ---- */

/** `propose`, `accept`, `decline`, `withdraw`, `declare`. */
int agreed_fact(struct report *r, const struct fact *f);
/** The text in force at an instant, or the first one that will be; NULL. */
const struct agreement *agreed_at(const struct line *l, int64_t ms);
/** A side's offset on a line at an instant, 0 without an agreement. */
int32_t offset_at(const struct report *r, uint32_t line, int64_t ms);
void line_drop(struct line *l);

/* ---- hiatus.c ---- */

/** The trunk's `line` entry: begins a hiatus of every line. */
int hiatus_trunk(struct report *r, const struct fact *f);
/** A side's word that a line is not to be used. */
int hiatus_begin(struct report *r, uint32_t line, int side,
		 enum report_cause cause, int64_t ms);
/** A check was answered at an instant. */
void hiatus_answered(struct report *r, uint32_t line, int64_t ms);
/** `notice`, `document`, `waiting`. */
int hiatus_item(struct report *r, const struct fact *f);

/* ---- check.c ---- */

/** `check`, `answer`, `attend`, `result`. */
int check_fact(struct report *r, const struct fact *f);
/** What became of it, by a side's word; NO_OUTCOME. */
unsigned outcome_of(const struct seen_check *c, int side);
/** The checks of a line (NO_LINE: of all) by line, name, asker, kind, drill, due;
 *  *list is owned, free().  ENOMEM. */
int checks_sorted(const struct report *r, uint32_t line,
		  const struct seen_check ***list, size_t *n);
/** By the agreement, the instant after @p ms of this scheduled check; INT64_MAX. */
int64_t check_after(const struct report *r, const struct seen_check *c,
		    int64_t ms);
/** How many instants list[i] of checks_sorted() stands for, no more than there
 *  are after the one before it; *first_ms is the first.  *gap: between that one
 *  and the check before there are others, which nobody tells of. */
unsigned check_covers(const struct report *r,
		      const struct seen_check *const *list, size_t i,
		      int64_t *first_ms, bool *gap);
/** Two of the same line, name, asker, kind and drill. */
bool check_kin(const struct seen_check *a, const struct seen_check *b);

/* ---- words.c ---- */

enum phrase {
#define PHRASE(name, english, korean) P_##name,
#include "report/words.def"
#undef PHRASE
	PHRASES
};

/** What is said, with {a} ... {z} to be filled in. */
const char *phrase(enum report_lang lang, enum phrase p);

/* ---- say.c ---- */

#define SAID 26
#define V(c) ((c) - 'a')

/** Append a phrase; v['x' - 'a'] stands for {x}. */
void say(struct buf *b, enum report_lang lang, enum phrase p,
	 const char *const v[SAID]);
/** The buffer as a string: "" when it met something.  It stays its owner's. */
const char *said(struct buf *b);

#define TIME_CHARS 128

/** Where and when words are read. */
struct place {
	const struct report *r;
	uint32_t line;		/* whose agreement tells the time; NO_LINE */
	int64_t day;		/* times on it are without date; INT64_MIN: none */
	enum report_lang lang;
};

/** "09:00 (00:00 UTC)", with a date where it is of another day. */
void say_time(const struct place *at, int64_t ms, char out[TIME_CHARS]);
/** "UTC+09:00" */
void say_offset(int32_t offset_s, char out[16]);
/** "Tuesday, 1 December 2026" */
void say_date(int64_t day, enum report_lang lang, char out[TIME_CHARS]);
/** "12 s", "1 h 20 min" */
void say_length(uint64_t ms, enum report_lang lang, char out[TIME_CHARS]);
/** Year and month of a day. */
void day_split(int64_t day, int *year, int *month, int *mday);
/** A cell of a table: padded to @p columns, on the left when @p right. */
void say_cell(struct buf *b, const char *s, size_t columns, bool right);
/** Columns of our own words on a terminal. */
size_t say_columns(const char *s);

/* ---- sentence.c ---- */

/** What became of a check: one paragraph.  @p streak: how many in a row. */
void sentence_check(const struct place *at, const struct seen_check *c,
		    unsigned streak, struct buf *out);
/** No result of a scheduled check at @p due_ms. */
void sentence_none(const struct place *at, const char *check, int asker,
		   int64_t due_ms, struct buf *out);

#endif
