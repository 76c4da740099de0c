/* SPDX-License-Identifier: ISC */
/**
 * @file line.h  What core keeps of lines (docs/lines.md): private to src/core
 *
 *   lines.c    the table of a pair, rows of the store, states, views
 *   agree.c    agreements in joint order, declarations, what people order
 *   checks.c   schedules, asking, answering, results
 *   waiting.c  what waits on a line, and its going out
 *
 * A line's state is a fold over the entries of both feeds (lines_learn(), and
 * line_agree() in joint order), saved as a row in the turn of its entry.  What
 * a line does by itself (line_review()) is to write more entries.
 */
#ifndef CORE_LINE_H
#define CORE_LINE_H

#include "core/core.h"
#include "proto/agreement.h"

struct pair;

#define RUNS_MAX 32	/* checks of a line that are not done with */
#define NEVER_MS INT64_MAX

enum side { SIDE_OWN = 0, SIDE_PEER = 1 };

/** What a side said of the line, or that it withdrew. */
struct word {
	enum declared state;
	uint64_t version;	/* withdrawn; 0: not */
	int64_t since_ms;	/* 0: nothing was ever said */
	int64_t until_ms;	/* 0: open-ended */
	char reason[LINE_WORDS_CHARS];
};

/** A text that a side proposes. */
struct proposal {
	struct agreement *a;	/* NULL: none is open */
	uint8_t hash[DIGEST_BYTES];
	uint64_t bytes;
	int64_t time_ms;
	char by[LINE_WORDS_CHARS];
};

enum run_kind {
	RUN_SCHEDULED,
	RUN_UNANNOUNCED,
	RUN_RESTORATION,
	RUN_FALLBACK,
	RUN_KINDS
};

/** A check that was asked. */
struct run {
	bool mine;		/* we asked */
	enum run_kind kind;
	char check[LINE_NAME_CHARS_MAX + 1];
	char origin[LINE_NAME_CHARS_MAX + 1];	/* fallback: for this line */
	bool drill;
	int64_t due_ms;
	int64_t until_ms;	/* end of the grace */
	uint64_t seq;		/* of its `check` */
	bool answered;		/* by the machine */
	bool present;		/* a person attended */
	bool refused;
	bool closed;		/* mine: has a result; theirs: was attended */
	bool missed;		/* theirs: the alarm was given */
	uint64_t replied;	/* theirs: 1 + seq of our `answer` */
	uint64_t after_ms;	/* mine: due to the answer that counts */
	char by[LINE_WORDS_CHARS];
};

/** How far a scheduled check is done with. */
struct done {
	char check[LINE_NAME_CHARS_MAX + 1];
	int64_t ms;
};

/** The newest result of a side that tells something of the line. */
struct telling {
	bool any;
	enum check_outcome outcome;
	int64_t due_ms;
	int64_t time_ms;	/* of the entry */
	uint64_t seq, seen;	/* of the entry */
	char check[LINE_NAME_CHARS_MAX + 1];
};

struct line {
	char name[LINE_NAME_CHARS_MAX + 1];

	/* durable: row 0, the texts rows 1 to 4 */
	struct agreement *agreed;	/* the newest; NULL: none ever */
	struct agreement *before;	/* holds until agreed->from_ms; or NULL */
	uint8_t hash[DIGEST_BYTES];	/* of the newest text */
	uint64_t bytes;
	struct proposal proposal[2];	/* enum side */
	char declined[LINE_WORDS_CHARS];
	struct word said[2];
	struct word gone[2];
	struct telling told[2];
	bool proven;
	uint64_t unproven_at;	/* own feed's size when it ceased to be */
	uint64_t spoke;		/* 1 + seq of our newest word on an agreement */
	uint64_t deciding;	/* 1 + seq of our newest accept, decline,
				   withdraw: it counts when it is placed */
	uint64_t answers;	/* 1 + the newest `of` that we answered */
	uint64_t wait_no;	/* of the next item that waits */
	bool shown_any;		/* people were told that it is: */
	enum line_state shown;
	struct done *done;
	size_t dones;
	struct run *run;
	size_t runs;

	/* this run */
	uint64_t waiting;
	bool dirty;		/* row 0 is to be written */
	bool touched;		/* on the list of lines to review */
	struct line *next_touched;
	int64_t wake_ms;	/* wall; NEVER_MS */
	size_t heap_at;
	uint64_t restore_at_ms;	/* monotonic: ask for a restoration again */
};

/** Of one pair. */
struct lines {
	struct line **v;	/* by name [n] */
	size_t n, cap;
	struct line **heap;	/* by wake_ms [n] */
	bool dirty;		/* some line's row may have changed */
	struct line *touched;
	struct now last;	/* review */
	bool session;		/* as of then */
	int64_t session_ms;	/* wall, since then */
	uint64_t at_ms;		/* monotonic: next turn for lines */
	char path_word[PATHS_MAX][LINE_WORDS_CHARS];
};

/* Rows of the store under a line's name */
enum {
	ROW_STATE = 0,
	ROW_AGREED = 1,
	ROW_BEFORE = 2,
	ROW_PROPOSAL = 3,
	ROW_WAITING = 16
};

/* ---- lines.c ---- */

/** Make the lines of a pair that the store holds.  EBADMSG: it holds what we
 *  never wrote. */
int lines_load(struct core *c, struct pair *p);
/** Copes with a table that was never filled. */
void lines_free(struct lines *t);
/** Write the rows that changed. */
int lines_save(struct core *c, struct pair *p);
/** Review what has come due; writes entries.  Only when the pair may sign. */
int lines_turn(struct core *c, struct pair *p, struct now now);
/** NULL: no such line. */
struct line *line_find(const struct pair *p, struct str name);
/** *out NULL: there are LINES_MAX already. */
int line_add(struct core *c, struct pair *p, struct str name,
	     struct line **out);
/** Look at it again in this turn or the next. */
void line_touch(struct pair *p, struct line *l);
/** A hiatus: checks answered before now prove nothing any more. */
void line_unprove(struct pair *p, struct line *l);
/** The agreement in force at an instant; NULL. */
const struct agreement *line_agreement(const struct line *l, int64_t wall_ms);
enum line_state line_state_at(const struct pair *p, const struct line *l,
			      int64_t wall_ms);
int line_event(struct core *c, struct pair *p, const struct line *l,
	       enum line_event event, uint64_t seq, enum check_outcome o);

/* ---- agree.c ---- */

/** As much of them as is kept for showing: whole characters. */
void line_words(char out[LINE_WORDS_CHARS], struct str s);

/** The newest entry of a feed: folded at once unless others wait before it. */
int lines_see(struct core *c, struct pair *p, enum side s, uint64_t seq,
	      const struct entry *e);
/** Fold what came in, each entry after all that its author had seen; to be
 *  called when the joint record has grown. */
int lines_learn(struct core *c, struct pair *p);
/** Entries of this kind count in joint order: line_agree() has to read them
 *  there. */
static inline bool line_agrees(enum entry_kind k)
{
	return k >= ENTRY_PROPOSE && k <= ENTRY_WITHDRAW;
}

/** An entry that found its place in the joint record. */
int line_agree(struct core *c, struct pair *p, bool own,
	       const struct db_entry *e);
/** The peer did what was not agreed: counted and told. */
int line_not_agreed(struct core *c, struct pair *p, const struct line *l,
		    uint64_t seq);

/* ---- checks.c ---- */

/** The part of the fold that is about checks. */
int check_fold(struct core *c, struct pair *p, bool own, struct line *l,
	       const struct entry *e);
/** Answer, ask, write results.  *wake_ms: gets smaller when it has to. */
int check_review(struct core *c, struct pair *p, struct line *l, struct now now,
		 int64_t *wake_ms);
/** Ask at once. */
int check_ask(struct core *c, struct pair *p, struct line *l, struct now now,
	      const struct run *r);
/** The schedule may have other checks now. */
int check_schedule(struct core *c, struct line *l);
struct run *check_run(const struct line *l, bool mine, uint64_t seq);
const char *run_kind_name(enum run_kind k);

/* ---- waiting.c ---- */

/** May something go out on it now? */
bool line_carries(const struct pair *p, const struct line *l, int64_t wall_ms);
/** Keep an item until it may.  *seq: of the `waiting` entry. */
int waiting_put(struct core *c, struct pair *p, struct now now, struct line *l,
		const struct submit *s, enum answer *answer, uint64_t *seq);
/** The item of this id went out: it waits no more, here or in a store that was
 *  rolled back. */
int waiting_gone(struct core *c, struct pair *p, struct line *l, struct str id);
/** Whether an item of this id waits on this line (NULL: none). */
int waiting_has(struct core *c, const struct pair *p, const char *line,
		const char *id, bool *has);
/** Let go what may; *more: something is left that could go. */
int waiting_release(struct core *c, struct pair *p, struct now now,
		    struct line *l, bool *more);

#endif
