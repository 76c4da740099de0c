/* SPDX-License-Identifier: ISC */
/**
 * @file state.h  What the files of the keeper share: private to src/keeper
 *
 *   keeper.c   start, the loop, one turn, void turns
 *   link.c     the pair with the trunk: events in, actions out
 *   asked.c    requests of people, and whose answer is whose
 *   reply.c    answers and problem documents
 *   submit.c   notices, documents, many notices; intake.c  long bodies in slices
 *   admin.c    cards and pairs
 *   box.c      inbox, outbox, one entry, one body
 *   record.c   the joint record in its order; dossier.c  export
 *   status.c   how everything is; news.c  what changed
 *   lines.c    agreements, declarations and checks: orders and their answers
 *   view.c     how lines are, as JSON; metrics.c  for Prometheus
 *   alarm.c    what happened to lines, for people: news, log, alarms
 *   marker.c   what we signed, outside the store; keys.c  the keys
 *
 * A turn:
 *
 *   take messages ──► core ──► core_turn_end ──► store_commit ──► marker ──► send
 *        │                          failure: the turn is void, see turn_void()
 *        └─ questions wait until here, so that they see what is durable only ──►
 */
#ifndef KEEPER_STATE_H
#define KEEPER_STATE_H

#include <jansson.h>
#include "core/core.h"
#include "keeper/keys.h"
#include "keeper/marker.h"
#include "proto/config.h"
#include "sandbox/boot.h"
#include "store/store.h"

#ifndef RINGDOWN_VERSION
#define RINGDOWN_VERSION "unknown"
#endif

#define TAKE_MS_MAX 50		/* taking messages of one neighbour in a turn */
#define CONNS_MAX 2048		/* paths of all pairs; more: trunk complained of */
#define ASKED_SLOTS 4096	/* requests open; more: 503 busy */
#define QUESTIONS_MAX 256	/* waiting in a turn; then the console waits */
#define QUESTIONS_MS_MAX 50	/* answering them in a turn; rest: next turn */
#define CONSOLE_HIGH_BYTES (4U << 20) /* unread answers; then questions wait */
#define IMPORT_SLICE_BYTES (8U << 20) /* of a long body in a turn */
#define IMPORTS_MAX 64		/* long bodies waiting; more: 503 busy */
#define EXPORTS_MAX 4		/* at once; more: 503 busy */
#define EXPORT_MS_MAX 20	/* in a turn */
#define PAGE_BYTES 262144	/* of entries in one page; then `next` */
#define PAGE_ROWS 500
#define LINE_EVENTS_KEPT 1024	/* told about in a turn; more: counted */
#define BRIEF_ROWS 100		/* lines in a brief list; more: counted */
#define NEWS_MS 100		/* at most one of a kind and pair in so long */
#define SICK_MS 1000		/* first rest after a void turn; doubles */
#define SICK_MS_MAX 30000
#define HEALTHY_MS 60000	/* so long without: begin at SICK_MS again */

struct keeper;

/* ---- questions and requests ---- */

/** A question of the console, copied: answered after the commit. */
struct question {
	enum wire_type type;
	uint32_t req;
	char peer[HOST_CHARS_MAX + 1];
	uint8_t box;		/* 0 in, 1 out */
	uint8_t flag;		/* open, bodies */
	uint64_t from;		/* seq, after, from */
	uint32_t limit;
	char by[201];
	char line[LINE_NAME_CHARS_MAX + 1];
};

enum asked_kind {
	ASKED_SUBMIT,
	ASKED_BULK,
	ASKED_OPEN,
	ASKED_READY,
	ASKED_LINE,
	ASKED_SERVICE
};

/** A request that core or the commit has yet to answer. */
struct asked {
	uint64_t id;		/* core's request number */
	uint64_t turn;		/* in which it was made */
	uint32_t req;		/* the console's */
	enum asked_kind kind;
	uint32_t pair;
	enum submit_wait wait;
	unsigned left;		/* BULK: answers to come */
	uint64_t first, last, count;
	enum answer answer;	/* BULK: the first that was not OK */
	struct question q;	/* OPEN: then this is answered */
	/* READY: goes out as it is, when the turn stands */
	unsigned http;
	const char *media;
	const char *event;	/* for the log, static */
	char by[201];
	char peer[HOST_CHARS_MAX + 1];
	struct buf text;
	/* SUBMIT, LINE */
	char line[LINE_NAME_CHARS_MAX + 1];
	enum line_act act;
};

/** Something happened to a line: told to people after the turn. */
struct line_happened {
	uint32_t pair;
	enum line_event event;
	enum check_outcome outcome;
	uint64_t seq;
	char line[LINE_NAME_CHARS_MAX + 1];
	char words[LINE_WORDS_CHARS + 1];
};

/** Since the start of this process. */
struct line_counts {
	uint64_t check[PAIRS_MAX][CHECK_OUTCOMES];
	uint64_t event[PAIRS_MAX][LINE_EVENTS];
	uint64_t alarms, alarms_lost, lost_told;
};

/* ---- what the trunk said ---- */

struct link_path {
	bool known;
	uint8_t state;		/* enum path_state of core/path.h */
	uint32_t rtt_us, rttvar_us;
	uint64_t bytes_in, bytes_out, retransmits;
	char remote[65];
	char why[201];
};

enum trunk_state { TRUNK_DOWN, TRUNK_SUSPECT, TRUNK_UP };

struct link {
	struct link_path path[PATHS_MAX];
	bool told;		/* the trunk has a PAIR_SET */
};

/** What followers were told of a pair. */
struct told {
	bool known;
	enum pair_state state;
	enum verdict verdict;
	enum trunk_state trunk;
	int64_t trunk_since_ms;	/* wall; 0: not known */
	uint64_t joint, own, other, acked, cosigned, wants;
	bool path_due;
	uint8_t path;
};

struct import;
struct export;

struct keeper {
	struct boot *boot;
	const struct config *conf;
	const char *walls;
	struct keys keys;
	struct store *store;
	struct marker *marker;	/* NULL: none, said so */
	struct core *core;
	struct now now;
	uint64_t turn;
	bool stop;
	int fatal;		/* exit status; 0: none */

	/* the turn */
	bool ping_due;
	bool pairs_due;		/* the trunk must hear of all pairs */
	bool trunk_gone;	/* its paths must leave core */
	bool console_gone;	/* its requests must be forgotten */

	/* after a void turn */
	int sick;		/* errno; 0: well */
	uint64_t sick_until_ms;
	uint64_t sick_rest_ms;
	uint64_t well_since_ms;

	uint32_t conn[CONNS_MAX];
	size_t conns;
	struct link link[PAIRS_MAX];
	char counts[4001];
	uint8_t frame[FRAME_BYTES_MAX];	/* head and body in one */

	struct asked *asked[ASKED_SLOTS];
	uint64_t asked_round;
	size_t asked_open;
	struct question question[QUESTIONS_MAX];	/* ring */
	size_t question_first, questions;
	struct import *imports;
	struct export *exports;

	struct told news[PAIRS_MAX];
	uint64_t news_at_ms;	/* not before */
	bool news_due;

	struct line_happened happened[LINE_EVENTS_KEPT];
	size_t happened_n, happened_more;
	struct line_counts counts_of_lines;
};

/* ---- keeper.c ---- */

/** Monotonic time now, for budgets within a turn. */
uint64_t clock_mono_ms(void);
/** The pair of this name, also a revoked one. */
bool pair_view_by(struct keeper *k, const char *peer, struct pair_view *v);

/* ---- link.c ---- */

/** One message of the trunk: 0, errno of core (the turn is void), or EPROTO:
 *  it broke the rules. */
int link_message(struct keeper *k, const struct wire_msg *m)
	__attribute__((warn_unused_result));
/** What core wants sent.  Not for ACTION_ANSWER. */
void link_action(struct keeper *k, const struct action *a);
/** All paths leave core: the trunk is gone.  errno of core. */
int link_gone(struct keeper *k) __attribute__((warn_unused_result));
/** Close all paths: core starts anew. */
void link_close_all(struct keeper *k, const char *reason);
/** PAIR_SET and PAIR_DROP, as far as not told. */
void link_pairs(struct keeper *k);
void link_turn(struct keeper *k);
/** Core is a new one: tell it again how the paths are. */
void line_paths_again(struct keeper *k);
enum trunk_state trunk_state(const struct keeper *k, const struct pair_view *v);
const char *trunk_state_name(enum trunk_state s);

/* ---- asked.c ---- */

/** A new request; NULL: none is free, the problem was sent. */
struct asked *asked_new(struct keeper *k, enum asked_kind kind, uint32_t req);
void asked_free(struct keeper *k, struct asked *a);
/** One message of the console: 0, errno of core, or EPROTO. */
int asked_message(struct keeper *k, struct wire_msg *m)
	__attribute__((warn_unused_result));
/** ACTION_ANSWER. */
void asked_answer(struct keeper *k, const struct action *a);
/** The turn stands: send what waited for it. */
void asked_commit(struct keeper *k);
/** The turn is void: what was asked in it did not happen, and nobody waits any
 *  more.  kept: it was committed all the same (the marker failed). */
void asked_void(struct keeper *k, int err, bool kept);
/** This pair has ended: nobody waits for its receipts. */
void asked_end_pair(struct keeper *k, uint32_t pair);
/** The console is gone. */
void asked_forget_all(struct keeper *k);
/** Answer questions, within a budget. */
void asked_questions(struct keeper *k);

/* ---- reply.c ---- */

enum refusal {
	REFUSE_REQUEST,
	REFUSE_NO_PAIR,
	REFUSE_NO_ITEM,
	REFUSE_NOT_HELD,
	REFUSE_TOO_LARGE,
	REFUSE_NO_ROOM,
	REFUSE_DISK,
	REFUSE_BUSY,
	REFUSE_KEEPER_GONE,
	REFUSE_CARD_BAD,
	REFUSE_CARD_USED,
	REFUSE_CARD_OWN,
	REFUSE_NO_OWN_CARD,
	REFUSE_PAIR_EXISTS,
	REFUSE_PAIR_FULL,
	REFUSE_PAIR_WAITING,
	REFUSE_PAIR_LIVE,
	REFUSE_PAIR_RESTORING,
	REFUSE_PAIR_STOPPED,
	REFUSE_PAIR_REVOKED,
	REFUSE_NO_LINE,
	REFUSE_LINE_STATE,
	REFUSE_LINE_ORDER,
	REFUSE_AGREEMENT_BAD,
	REFUSE_NO_PATH,
	REFUSALS
};

#define MEDIA_JSON "application/json"
#define MEDIA_PROBLEM "application/problem+json"

/** In parts, when it is long. */
void reply_text(struct keeper *k, uint32_t req, unsigned http,
		const char *media, const void *p, size_t n);
/** root is given; NULL: no memory, and that is answered. */
void reply_json(struct keeper *k, uint32_t req, unsigned http, json_t *root);
void reply_problem(struct keeper *k, uint32_t req, enum refusal r,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/** fd is borrowed. */
void reply_fd(struct keeper *k, uint32_t req, struct str media, struct str name,
	      int fd, uint64_t offset, uint64_t bytes);
/** The problem as text, for later; and its status. */
unsigned reply_print(struct buf *b, enum refusal r, const char *detail);
/** Our own failure: what is safe. */
void reply_failure(struct keeper *k, uint32_t req, int err);
/** Why nothing can be written in this pair; peer for the words. */
void reply_state(struct keeper *k, uint32_t req, enum pair_state s,
		 const char *peer, const char *why);
void reply_no_pair(struct keeper *k, uint32_t req, const char *peer);
void reply_no_item(struct keeper *k, uint32_t req, uint64_t seq);
/** Append as a JSON string with its quotes; octets that are no UTF-8 text as
 *  question marks. */
void reply_quote(struct buf *b, const char *s);
/** Append a stamp with its quotes. */
void reply_quote_stamp(struct buf *b, int64_t ms);
/** What was refused in general: state of the pair, too many requests ... */
void reply_refused(struct keeper *k, const struct asked *a, enum answer why);
/** A view as JSON string; NULL: no memory. */
json_t *reply_str(struct str s);
json_t *reply_stamp(int64_t ms);

/* ---- submit.c ---- */

/** Where the pair cannot be written in at all: answered, false. */
bool submit_pair(struct keeper *k, uint32_t req, const char *peer,
		 uint32_t *pair);
/** Content within the message.  errno of core, as the next two. */
int submit_inline(struct keeper *k, const struct wire_q_submit *m)
	__attribute__((warn_unused_result));
/** Content in a sealed memfd, which is given. */
int submit_fd(struct keeper *k, const struct wire_q_submit_fd *m, int fd)
	__attribute__((warn_unused_result));
/** Many notices in one message: all are written or none. */
int submit_bulk(struct keeper *k, const struct wire_q_bulk *m)
	__attribute__((warn_unused_result));
/** Answers of core to the above. */
void submit_answered(struct keeper *k, struct asked *a,
		     const struct action *act);

/** A submit's texts, copied and ended. */
struct words {
	uint32_t req;
	char peer[HOST_CHARS_MAX + 1];
	uint8_t kind, wait;
	char id[ID_CHARS_MAX + 1];
	char by[201];
	char precedence[17];
	char subject[1001];
	char name[1001];
	char media[201];
	char line[LINE_NAME_CHARS_MAX + 1];
};

/** Hand it to core: body [body_n], or NULL and a whole blob. */
int submit_words(struct keeper *k, const struct words *w, const uint8_t *body,
		 size_t body_n, const uint8_t hash[DIGEST_BYTES],
		 uint64_t blob_bytes) __attribute__((warn_unused_result));

/* ---- intake.c ---- */

/** Take a long body into the store in slices, then submit.  fd is given. */
void import_begin(struct keeper *k, const struct words *w, int fd,
		  uint64_t bytes);
/** The next slice; errno of core. */
int import_step(struct keeper *k) __attribute__((warn_unused_result));
/** req 0: all. */
void import_cancel(struct keeper *k, uint32_t req);
/** The store is opened anew: begin those again. */
void import_again(struct keeper *k);

/* ---- admin.c ---- */

/** Q_CARD, Q_PAIR, Q_CONFIRM, Q_REVOKE, Q_VOUCH: answered and logged when the
 *  turn stands.  errno of core, or EPROTO. */
int admin_message(struct keeper *k, const struct wire_msg *m)
	__attribute__((warn_unused_result));

/* ---- box.c, record.c, status.c, dossier.c: after the commit ---- */

/** A page of notices and documents after number q->from. */
void box_items(struct keeper *k, const struct question *q);
/** One of them. */
void box_show(struct keeper *k, const struct question *q);
/** The text of any entry. */
void box_entry(struct keeper *k, const struct question *q);
/** Its content: ANSWER_FD. */
void box_body(struct keeper *k, const struct question *q);
/** In the turn: 0 held, ENODATA not held, ENOENT no item, else errno. */
int box_held(struct keeper *k, uint32_t feed, uint64_t seq)
	__attribute__((warn_unused_result));
/** A memfd with these octets, sealed.  *fdp is owned. */
int box_memfd(const uint8_t *p, size_t n, int *fdp)
	__attribute__((warn_unused_result));
void record_page(struct keeper *k, const struct question *q);
void status_show(struct keeper *k, const struct question *q);
const char *status_pair_name(enum pair_state s);
void dossier_begin(struct keeper *k, const struct question *q);
void dossier_step(struct keeper *k);
void dossier_cancel(struct keeper *k, uint32_t req);

/* ---- lines.c ---- */

/** Q_LINE_DO, Q_SERVICE: errno of core, or EPROTO. */
int lines_message(struct keeper *k, const struct wire_msg *m)
	__attribute__((warn_unused_result));
/** Answers of core to them. */
void lines_answered(struct keeper *k, const struct asked *a,
		    const struct action *act);
void lines_no_line(struct keeper *k, uint32_t req, const char *peer,
		   const char *line);

/* ---- view.c, metrics.c: after the commit ---- */

/** Lines of one pair, or of all. */
void view_lines(struct keeper *k, const struct question *q);
/** One line with its texts. */
void view_line(struct keeper *k, const struct question *q);
/** Everything as Prometheus reads it, text format 0.0.4. */
void metrics_show(struct keeper *k, const struct question *q);

/* ---- alarm.c ---- */

/** ACTION_LINE and ACTION_SERVICE: kept until alarm_tick(). */
void alarm_take(struct keeper *k, const struct action *a);
/** After the turn: log, tell followers and the monitor. */
void alarm_tick(struct keeper *k);
/** One alarm about something else than a line; loud: somebody has to act. */
void alarm_say(struct keeper *k, const char *kind, const char *peer, bool loud,
	       const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/** "line-state", "check-missed" ...: static. */
const char *alarm_event_name(enum line_event e);

/* ---- news.c ---- */

/** To followers at once; sizes are filled in.  line, who, text may be "". */
void news_say(struct keeper *k, uint32_t pair, const char *line,
	      const char *who, const char *text, const char *what);
/** Tell followers what changed, when it is time. */
void news_tick(struct keeper *k);

#endif
