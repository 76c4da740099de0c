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
 *  entries of the peer are missing that ours have seen. */
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
	ACTION_ANSWER,	/* to a submit or opened */
	ACTION_PAIR	/* pair was added, confirmed or revoked: tell the trunk */
};

enum answer {
	ANSWER_OK,
	ANSWER_BUSY,
	ANSWER_NO_PAIR,
	ANSWER_RESTORING,
	ANSWER_STOPPED,
	ANSWER_BAD,
	ANSWER_UNKNOWN
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
	COUNTERS
};

/** Since core_alloc(); and its name for `status`, static. */
uint64_t core_counter(const struct core *c, enum counter i);
const char *core_counter_name(enum counter i);

#endif
