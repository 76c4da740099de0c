/* SPDX-License-Identifier: ISC */
/**
 * @file core.h  The exchange as a pure function: event + now -> actions
 *
 * No socket, file, thread, clock or randomness in here: time and seed are
 * values, the store is an interface (db.h).  One turn of the owner is
 *
 *   core_xxx(event) ...  any number of events
 *   core_turn_end()      acknowledges, signs, fills the lanes
 *   commit               by the owner, on its store
 *   core_marker_get()    signed sizes, made durable outside the store
 *   core_actions()       only now anything leaves
 *
 * Every function that returns int gives 0, or the errno of a failure of ours
 * (ENOMEM; ENOSPC, EIO from the store; ESTALE: the store turned out to be older
 * than what we signed, after this turn had written to it).  Then the turn is void: roll back, free
 * the core, make a new one from the store.  What a peer or a client does wrong
 * is never such a failure: it is answered, counted and recorded.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "core/db.h"
#include "crypto/key.h"
#include "proto/card.h"
#include "proto/frame.h"

struct core;

struct now {
	uint64_t mono_ms;	/* never goes back */
	int64_t wall_ms;	/* UTC since 1970; may jump */
};

/** The size and root we last signed of an own feed, kept outside the store. */
struct core_marker {
	char origin[ORIGIN_CHARS_MAX];
	uint64_t size;
	uint8_t root[DIGEST_BYTES];
};

/** ENOENT: there is no marker for this origin. */
typedef int(core_marker_h)(const char *origin, struct core_marker *out,
			   void *arg);

struct core_conf {
	const char *name;		/* our host name */
	const struct key *log;		/* borrowed, outlive the core */
	const struct key *cosigner;
	const struct key *trunk;
	uint8_t next[DIGEST_BYTES];	/* hash of the next log public key */
	char address[CARD_ADDRESSES_MAX][ADDRESS_CHARS_MAX];
	size_t addresses;
	uint8_t seed[32];		/* fresh randomness of this start */
	uint64_t quota_bytes;		/* peer's bodies held at most; 0: none */
	core_marker_h *marker_h;
	void *marker_arg;
};

/** Load all pairs.  *cp is owned.  EBADMSG: the store holds what we never
 *  wrote. */
int core_alloc(struct core **cp, const struct core_conf *conf,
	       const struct db *db, struct now now)
	__attribute__((warn_unused_result));
void *core_free(struct core *c);

/* ---- pairing ---- */

/** A new card with a fresh share, printed whole; older unused ones stay good
 *  until a pairing uses one (at most 8 wait; the oldest goes). */
int core_card_new(struct core *c, struct buf *out)
	__attribute__((warn_unused_result));

enum pair_result {
	PAIR_OK,
	PAIR_BAD_CARD,		/* *why says what was expected */
	PAIR_USED_CARD,		/* this card has made a pairing before */
	PAIR_NO_OWN_CARD,	/* we have given out none */
	PAIR_SAME,		/* our own card, or a key used twice */
	PAIR_EXISTS,		/* revoke the pairing with this name first */
	PAIR_FULL,
	PAIR_UNKNOWN
};

/**
 * Take the peer's card.  The pair waits for core_pair_confirm().
 *
 * @param own_serial which of our cards they got (32 hex); NULL: the newest
 * @param words  gets the twelve words, space between
 */
int core_pair_add(struct core *c, const void *card, size_t n,
		  const char *own_serial, enum pair_result *result,
		  char words[160], const char **why)
	__attribute__((warn_unused_result));
/** The other side read the same words: open the record. */
int core_pair_confirm(struct core *c, struct now now, const char *name,
		      enum pair_result *result)
	__attribute__((warn_unused_result));
/** End it: no more connections; the record stays. */
int core_pair_revoke(struct core *c, const char *name, enum pair_result *result)
	__attribute__((warn_unused_result));
/** The operator vouches that this store is the newest (marker lost).  Not while
 *  entries are missing: of ours, which the peer has shown, or of the peer's,
 *  which ours have seen. */
int core_pair_vouch(struct core *c, const char *name, enum pair_result *result)
	__attribute__((warn_unused_result));

/* ---- trunk ---- */

/** A path is up: TLS done, PSK of this pair proven.  conn: the trunk's number
 *  for it, never used again by that trunk process. */
int core_path_open(struct core *c, struct now now, uint32_t conn, uint32_t pair,
		   enum hello_role role, uint8_t path,
		   const uint8_t exporter[EXPORTER_BYTES])
	__attribute__((warn_unused_result));
int core_path_frame(struct core *c, struct now now, uint32_t conn,
		    enum frame_type type, const uint8_t *p, size_t n)
	__attribute__((warn_unused_result));
int core_path_closed(struct core *c, struct now now, uint32_t conn)
	__attribute__((warn_unused_result));

/* ---- what people and programs write ---- */

enum submit_wait {
	WAIT_STORED,	/* durable here */
	WAIT_ACKED,	/* cosigned by the other side */
	WAIT_HELD	/* the other side holds the body */
};

struct submit {
	uint64_t request;	/* comes back in ACTION_ANSWER */
	uint32_t pair;
	enum entry_kind kind;	/* ENTRY_NOTICE or ENTRY_DOCUMENT */
	enum submit_wait wait;
	const char *id;		/* client's; NULL: one is made */
	const char *by;
	const char *precedence;
	const char *subject;
	const char *name;	/* documents: file name */
	const char *media;
	const uint8_t *body;	/* content, <= BODY_ROW_MAX - salt; or NULL: */
	size_t body_n;
	uint8_t hash[DIGEST_BYTES];	/* a whole blob in the store */
	uint64_t blob_bytes;
	const char *line;	/* on this line; NULL: on none */
};

/** Answered by ACTION_ANSWER in this or a later turn.  The same id again
 *  answers with the first entry's number and writes nothing. */
int core_submit(struct core *c, struct now now, const struct submit *s)
	__attribute__((warn_unused_result));
/** The client of this request is gone: forget that it waits. */
void core_cancel(struct core *c, uint64_t request);
/** A person opened the peer's entry: a receipt is written, once. */
int core_opened(struct core *c, struct now now, uint64_t request, uint32_t pair,
		uint64_t seq, const char *by)
	__attribute__((warn_unused_result));

/* ---- lines (docs/lines.md) ---- */

/** What a side says of a line of its own accord. */
enum declared {
	DECLARED_OPEN,
	DECLARED_CLOSED,
	DECLARED_SUSPENDED,
	DECLARED_FAULT,
	DECLARED_STATES
};

enum line_act {
	LINE_PROPOSE,	/* text */
	LINE_ACCEPT,	/* hash: of the text the person has read */
	LINE_DECLINE,	/* hash, reason */
	LINE_WITHDRAW,	/* reason */
	LINE_DECLARE,	/* declared, reason, until_ms when suspended */
	LINE_CHECK,	/* ask now: unannounced; drill */
	LINE_ATTEND	/* seq: of the peer's check; refused; reason */
};

/** What a person does to a line.  Strings are borrowed for the call. */
struct line_order {
	uint64_t request;	/* comes back in ACTION_ANSWER */
	uint32_t pair;
	const char *line;
	enum line_act act;
	const char *by;		/* required but for LINE_CHECK */
	const char *reason;	/* DECLINE, WITHDRAW, DECLARE; or NULL */
	const void *text;	/* an agreement [text_n] */
	size_t text_n;
	uint8_t hash[DIGEST_BYTES];
	enum declared declared;
	int64_t until_ms;	/* 0: open-ended */
	uint64_t seq;
	bool drill;
	bool refused;
};

/** Answered by ACTION_ANSWER, whose reason says what was wrong. */
int core_line_do(struct core *c, struct now now, const struct line_order *o)
	__attribute__((warn_unused_result));
/** Technicians' chat to the peer: never in the record, lost without a path. */
int core_service(struct core *c, struct now now, uint64_t request,
		 uint32_t pair, const char *by, const char *text)
	__attribute__((warn_unused_result));

/** The table of docs/lines.md 4, in its order. */
enum line_state {
	LINE_PROPOSED,
	LINE_CLOSED_BY_US,
	LINE_CLOSED_BY_THEM,
	LINE_SUSPENDED_BY_US,
	LINE_SUSPENDED_BY_THEM,
	LINE_FAULT_HERE,
	LINE_FAULT_THERE,
	LINE_DOWN,
	LINE_OUTSIDE_HOURS,
	LINE_REFUSED,
	LINE_UNATTENDED,
	LINE_OPEN,
	LINE_STATES
};

enum check_outcome {
	CHECK_ANSWERED,
	CHECK_ANSWERED_LATE,
	CHECK_UNATTENDED,
	CHECK_REFUSED,
	CHECK_PATH_DOWN,
	CHECK_FAULT_HERE,
	CHECK_FAULT_THERE,
	CHECK_OUTSIDE_HOURS,
	CHECK_SUSPENDED,
	CHECK_OUTCOMES
};

#define LINE_NAME_CHARS_MAX 32	/* of a line, a check, a role */
#define LINE_WORDS_CHARS 200	/* of a reason or name kept for showing */

struct agreement;	/* proto/agreement.h */

/** A check that the peer asked and nobody here has attended to yet. */
struct check_call {
	uint64_t seq;			/* of the peer's `check` */
	const char *check;		/* its name */
	const char *kind;		/* scheduled, unannounced ... */
	const char *role;		/* who is to answer; "" anyone */
	int64_t due_ms;
	int64_t until_ms;		/* end of the grace */
	bool drill;
};

#define CHECK_CALLS_MAX 4

struct line_view {
	uint32_t pair;
	const char *name;
	enum line_state state;
	int64_t since_ms;		/* wall */
	int word_of;			/* 0 us, 1 them, -1 the agreement */
	const char *reason;		/* of the declaration; or "" */
	int64_t until_ms;		/* of a suspension; 0: open-ended */
	const struct agreement *agreement;	/* newest agreed; or NULL */
	const uint8_t *hash;		/* of its text; or NULL */
	bool begins;			/* its `from` has not come yet */
	const struct agreement *proposal[2];	/* ours, theirs; or NULL */
	const uint8_t *proposal_hash[2];
	const char *proposal_by[2];
	const char *declined;		/* why ours was declined; or "" */
	bool proven;			/* a check was answered since the hiatus */
	uint64_t waiting;		/* items */
	const char *next_check;		/* name; "" none */
	int64_t next_due_ms;
	bool told;			/* there is a last result: */
	enum check_outcome last_outcome;
	const char *last_check;
	int64_t last_due_ms;
	struct check_call call[CHECK_CALLS_MAX];
	size_t calls;
};

/** Views borrow from the core until the next event. */
typedef int(line_view_h)(const struct line_view *v, void *arg);
/** Every line of the pair in order of name.  Non-zero of h ends and is given. */
int core_line_each(struct core *c, struct now now, uint32_t pair,
		   line_view_h *h, void *arg);
bool core_line_get(struct core *c, struct now now, uint32_t pair,
		   const char *name, struct line_view *out);
/** The text of the agreement in force (which 0) or of our (1), their (2)
 *  proposal.  ENOENT. */
int core_line_text(struct core *c, uint32_t pair, const char *name, int which,
		   struct buf *out) __attribute__((warn_unused_result));
/** "closed-by-us" ...; "answered" ...; "closed" ...: static. */
const char *line_state_name(enum line_state s);
const char *check_outcome_name(enum check_outcome o);
const char *declared_name(enum declared d);
/** What the trunk last said of a path, for `tried` of a check: words, no
 *  control characters; "" forgets it. */
void core_path_word(struct core *c, uint32_t pair, uint8_t path,
		    const char *words);

/* ---- turn ---- */

/** Timers.  Call when core_deadline_ms() has come; harmless earlier. */
int core_tick(struct core *c, struct now now)
	__attribute__((warn_unused_result));
/** Monotonic time of the next timer; UINT64_MAX: none. */
uint64_t core_deadline_ms(const struct core *c);
int core_turn_end(struct core *c, struct now now)
	__attribute__((warn_unused_result));
/** False when this turn signed nothing of pair number i; i >= PAIRS_MAX: false.
 *  Reading clears it. */
bool core_marker_get(struct core *c, uint32_t i, struct core_marker *out);

enum action_kind {
	ACTION_FRAME,	/* send type, head and body on conn */
	ACTION_JOINED,	/* conn's HELLO was good: it is the peer */
	ACTION_BULK,	/* send octets offset.. of entry seq's body on conn */
	ACTION_CLOSE,	/* say BYE reason, close conn */
	ACTION_ANSWER,	/* to a submit, opened or line order */
	ACTION_PAIR,	/* pair was added, confirmed or revoked: tell the trunk */
	ACTION_LINE,	/* something happened to a line: tell people */
	ACTION_SERVICE	/* technicians' chat: body as in MSG_SERVICE */
};

enum line_event {
	LINE_EVENT_STATE,	/* its state is another one */
	LINE_EVENT_PROPOSAL,	/* the peer proposes; or withdrew, declined */
	LINE_EVENT_AGREED,
	LINE_EVENT_CALL,	/* the peer asks a check: somebody attend */
	LINE_EVENT_MISSED,	/* and nobody did within the grace */
	LINE_EVENT_RESULT,	/* a check has a result */
	LINE_EVENT_WAITING,	/* something waits, or went out */
	LINE_EVENT_NOT_AGREED,	/* the peer did what was not agreed */
	LINE_EVENTS
};

enum answer {
	ANSWER_OK,
	ANSWER_BUSY,
	ANSWER_NO_PAIR,
	ANSWER_RESTORING,
	ANSWER_STOPPED,
	ANSWER_BAD,
	ANSWER_UNKNOWN,
	ANSWER_WAITS,	/* stored; goes out when the line is proven again */
	ANSWER_NOT_NOW	/* the line's state or agreement does not allow it */
};

struct action {
	enum action_kind kind;
	uint32_t conn;
	uint8_t prio;		/* 0 first; lane number, bulk last */
	enum frame_type type;
	const uint8_t *head;	/* borrowed until the call returns */
	size_t head_n;
	const uint8_t *body;
	size_t body_n;
	uint32_t pair;
	uint64_t seq;		/* BULK: of our feed; ANSWER: the entry */
	uint64_t offset;
	uint32_t bytes;
	const char *reason;
	uint64_t request;
	enum answer answer;
	bool again;		/* ANSWER: this id was known */
	enum line_event event;	/* LINE */
	char line[LINE_NAME_CHARS_MAX + 1];
	enum check_outcome outcome;	/* LINE_EVENT_RESULT */
};

typedef void(action_h)(const struct action *a, void *arg);

/** Hand out and forget everything that this turn decided. */
void core_actions(struct core *c, action_h *h, void *arg);

/* ---- looking ---- */

enum pair_state {
	PAIR_WAITING,	/* words not confirmed */
	PAIR_LIVE,
	PAIR_RESTORING,	/* older than what we signed: signs nothing yet */
	PAIR_STOPPED,	/* forked with our own key: a person decides */
	PAIR_REVOKED
};

enum verdict { VERDICT_TRUSTED, VERDICT_SUSPECTED, VERDICT_EXPOSED };

struct pair_view {
	uint32_t pair;
	const struct card *card;	/* peer's, borrowed */
	const struct card *own_card;	/* the one they were given */
	const struct pairing *names;	/* borrowed */
	enum pair_state state;
	const char *state_why;
	enum verdict verdict;		/* of the peer */
	const char *verdict_why;
	bool session;			/* HELLO done on some path */
	unsigned paths;			/* joined */
	uint64_t session_since_ms;	/* monotonic */
	int64_t last_proof_ms;		/* wall: last signed word of the peer */
	int64_t offset_ms;		/* peer's clock - ours, at HELLO */
	uint64_t own_size;
	uint64_t own_acked;		/* cosigned by the peer */
	uint64_t own_sent;		/* handed to the trunk in this session */
	uint64_t peer_size;
	uint64_t peer_cosigned;		/* by us */
	uint64_t peer_announced;	/* their newest checkpoint, seen */
	uint64_t joint_size;
	uint8_t joint_root[DIGEST_BYTES];
	uint64_t joint_signed;		/* size with all three signatures */
	uint64_t wants;			/* bodies we wait for */
};

/** False when there is no such pair. */
bool core_pair_get(const struct core *c, uint32_t pair, struct pair_view *out);
/** Number of the pair with this peer name, revoked ones last; or PAIRS_MAX. */
uint32_t core_pair_find(const struct core *c, const char *name);

enum counter {
	COUNT_HELLO_BAD,	/* not signed by the peer's trunk key */
	COUNT_HELLO_REFUSED,	/* wrong names, role or version */
	COUNT_FRAME_BAD,	/* a frame that does not decode */
	COUNT_RECORD_BAD,	/* entries or notes that break record.md */
	COUNT_LANE_DUPLICATE,	/* seen before: dropped */
	COUNT_LANE_GAP,		/* out of order: dropped, sent again */
	COUNT_BULK_STRAY,	/* not asked for: dropped */
	COUNT_BLOB_BAD,		/* hash wrong: asked for again */
	COUNT_QUOTA,		/* bodies not taken for want of room */
	COUNT_RESENT,		/* lane frames sent again */
	COUNT_NOT_AGREED,	/* entries on a line that its agreement denies */
	COUNTERS
};

/** Since core_alloc(); and its name for `status`, static. */
uint64_t core_counter(const struct core *c, enum counter i);
const char *core_counter_name(enum counter i);

#endif
