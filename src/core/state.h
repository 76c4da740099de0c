/* SPDX-License-Identifier: ISC */
/**
 * @file state.h  What core keeps in memory: private to src/core
 *
 *   pairs.c    cards, pairing, loading and saving a pair
 *   recent.c   what was just appended, for pushing and placing
 *   feed.c     appending, signing, cosigning, the joint tree
 *   peer.c     checking and taking over what the peer's feed says
 *   lanes.c    the session: sequence, acknowledge, send again
 *   hello.c    joining a path; restore and fork
 *   evidence.c what is kept against a side, and when it is none
 *   sync.c     messages in the lanes, pushing feeds
 *   bodies.c   asking for and giving bodies
 *   submit.c   what people and programs write; looking
 *   line.h     lines: lines.c, agree.c, checks.c, waiting.c
 *   turn.c     paths, timers, the turn, what leaves it
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "core/core.h"
#include "core/line.h"
#include "proto/note.h"
#include "proto/tree.h"

#define WHY_CHARS 200

/** A feed as we hold it.  All of it is durable. */
struct feed {
	struct tree tree;
	int64_t time_ms;	/* of the newest entry */
	uint64_t seen;		/* of the newest entry */
	uint64_t bytes;		/* entries and inline bodies */
	uint64_t signed_size;	/* newest checkpoint by its author */
	uint64_t cosigned;	/* largest size cosigned by the other side */
	uint64_t cosigned_s;	/* own: time of the peer's newest cosignature;
				   peer: of ours, over any tree of the pair */
	uint64_t spoken;	/* 1 + seq of the newest entry, no `ack` */
	uint64_t loud;		/* 1 + seq of the newest, no `ack`, no receipt */
	/* not durable: the root of tree, once asked for */
	uint8_t root[DIGEST_BYTES];
	bool root_known;
};

/** Octets shared by a lane and the actions that send them. */
struct octets {
	unsigned refs;
	size_t n;
	uint8_t p[];
};

struct sent {
	struct sent *next;
	uint64_t seq;
	uint8_t msg;
	struct octets *body;
};

struct lane_state {
	uint64_t tx;		/* last seq given */
	uint64_t acked;
	uint64_t rx;		/* highest contiguous seq received */
	uint64_t told;		/* of rx, in this session, on some path */
	size_t untold;		/* octets that came since */
	bool speaks;		/* a frame of this turn will tell it */
	struct sent *head, *tail;	/* not acknowledged, in order */
	size_t bytes, frames;	/* in that list */
	uint64_t resend_at_ms;	/* UINT64_MAX: nothing waits */
	uint32_t backoff_ms;
	uint64_t gap_asked_ms;	/* when we last said that there is a gap */
};

struct path {
	bool joined;		/* HELLO was good */
	bool closing;		/* what still comes on it is not heard */
	uint32_t conn;
	uint32_t pair;
	enum hello_role role;
	uint8_t number;
	uint8_t exporter[EXPORTER_BYTES];
	struct path *next;
};

#define INTAKES 16	/* bodies of a pair that come in at once */

/** A body that is coming in. */
struct intake {
	bool active;
	enum feed_of of;	/* whose entry names it */
	struct db_want want;
	uint64_t have;
	uint64_t asked;		/* asked for up to here */
	uint64_t turn;		/* of what comes next, in the order of asking */
	uint64_t edge;		/* from here on it is */
	uint64_t edge_turn;	/* this one */
	uint64_t stall_at_ms;	/* UINT64_MAX: not active */
	unsigned bad;		/* times the hash was wrong */
	struct buf row;		/* bodies <= BODY_ROW_MAX */
};

struct session {
	uint8_t sid[SID_BYTES];
	uint8_t peer_sid[SID_BYTES];
	bool known;		/* peer_sid is theirs */
	bool ack_due;		/* in this turn: the peer sends again */
	bool fetching;		/* the peer asked for its own entries */
	uint8_t gaps;
	unsigned paths;		/* joined */
	uint64_t since_ms;
	int64_t hello_ms;	/* their clock when it began */
	struct lane_state lane[LANES];
	uint64_t tell_at_ms;	/* received frames are acknowledged by then */
	uint64_t push_next;	/* own entries below this were handed over */
	uint64_t fetch_next;
	bool attest_due;	/* and then our word on the largest tree */
	bool cosign_due;	/* our newest may have been lost */
	bool fetch_sent;	/* we asked for ours */
	bool peer_behind;	/* the peer lost entries of its own: it cannot
				   check ours before it has them back */
	uint64_t joint_offered;	/* in this session */
	struct buf pending;	/* entries without their checkpoint yet */
	uint64_t pending_n;
	enum whose pending_whose;
	struct intake in[INTAKES];
	uint64_t asks;		/* turns given to intakes */
	uint64_t want_from[2];	/* next body to look for: own, peer */
};

/** Entries first..last of the peer's feed. */
struct said {
	uint64_t first, last;
};

/** Own entries with their bodies, not handed over yet: a row without gaps. */
struct recent {
	uint64_t first, n;
	size_t at;		/* octets of items that are handed over */
	struct buf items;
};

/** Leaves of a feed that are not placed yet, and what their entries have seen:
 *  a row without gaps. */
struct unplaced {
	uint64_t first, n;
	struct buf b;
};

#define SAID_MAX 256	/* ranges a turn; more bodies are asked for again */

struct pair {
	/* durable (pairs.c) */
	enum pair_state state;
	enum verdict verdict;
	char why[WHY_CHARS];
	char verdict_why[WHY_CHARS];
	struct card own_card, peer_card;
	struct feed own, peer;
	struct tree joint;
	uint64_t joint_pivot;	/* pivot entries that stand in it */
	uint64_t joint_signed;	/* all three signatures are in */
	uint64_t joint_sent;	/* pivot: newest size offered */
	int64_t proof_ms;	/* wall: last signed word of the peer */
	bool line_up;		/* what our newest `line` entry says */
	uint8_t proofs;		/* bits: kinds of evidence that are kept */
	uint64_t body_bytes;	/* of the peer, held here */
	uint64_t wants;
	uint64_t restored;	/* own checkpoints below this may be missing */
	uint64_t restore_from;	/* RESTORING: own size when it began */
	uint64_t restore_to;	/* and the largest that the peer has shown */
	uint64_t folded[2];	/* entries of each feed that lines know of */

	/* derived */
	uint32_t no;
	struct pairing names;
	struct key *log_key, *cosigner_key, *trunk_key;	/* peer's */
	struct note_key own_log, own_cosig, peer_log, peer_cosig, joint_log;

	/* this run */
	struct lines lines;
	bool dirty;
	bool marker_due;
	bool waiters_due;	/* something may answer a waiting request */
	bool seen_valid;
	uint64_t signed_bytes;	/* own.bytes at the newest checkpoint */
	struct session s;
	uint64_t announced;	/* peer's size as its HELLO or checkpoint said */
	int64_t offset_ms;
	uint64_t ack_at_ms, idle_at_ms, joint_at_ms, down_at_ms;
	uint64_t seen_size;	/* cache, if valid: our feed's root at this size */
	uint8_t seen_root[DIGEST_BYTES];
	struct recent recent;
	struct unplaced unplaced[2];	/* FEED_OWN, FEED_PEER */
	struct said held[SAID_MAX];	/* receipts held to be written */
	size_t helds;
	uint64_t unheld;	/* 1 + seq of the newest item whose body did
				   not come with it */
	struct said refuse[SAID_MAX];	/* not understood: refuse */
	size_t refuses;
};

/** What a pending entry of a batch says, found while checking it. */
struct taken {
	enum entry_kind kind;
	int64_t time_ms;
	uint64_t seen;
	uint8_t leaf[DIGEST_BYTES];
	uint8_t hash[DIGEST_BYTES];	/* of its body, for items */
	uint64_t bytes;
	bool folds;			/* it says something of a line */
	uint64_t first, last;		/* receipt, refuse */
	enum receipt_state state;
};

struct waiter {
	uint64_t request;
	uint32_t pair;
	uint64_t seq;
	enum submit_wait wait;
	bool again;
};

struct queued {
	struct queued *next;
	struct action a;
	struct octets *body;
	uint8_t lane;		/* FRAME_LANE: head is made when handed out */
	uint64_t seq;
	uint8_t msg;
	char reason[WHY_CHARS];
};

struct core {
	struct core_conf conf;
	const struct db *db;
	struct pair *pair[PAIRS_MAX];
	struct path *paths;
	struct waiter waiter[WAITERS_MAX];
	size_t waiters;
	struct queued *head, *tail;
	uint64_t drawn;		/* counter of the random stream */
	uint64_t counter[COUNTERS];
	struct buf scratch;	/* an entry being made */
	struct now now;		/* as the owner last said */
	int64_t started_ms;	/* wall: of core_alloc(), or since when the
				   clock goes as it should */
	struct taken taken[BATCH_ENTRIES_MAX];
};

/* A call in the store's interface */
#define DB(c, call, ...) ((c)->db->call((c)->db->arg, __VA_ARGS__))

/* ---- evidence.c ---- */

enum proof_kind {
	PROOF_FORK_PEER,	/* the peer signed two histories */
	PROOF_FORK_OWN,		/* our key did */
	PROOF_FORK_HIDDEN,	/* it did, the other one hidden at a restore */
	PROOF_FORK_LIE,		/* and cosigned before that by the peer */
	PROOF_HIDDEN,		/* such a tree, larger than ours: no fork yet */
	PROOF_ENVELOPE,
	PROOF_JOINT,
	PROOF_COSIGNATURE,
	PROOFS
};

/**
 * The signatures of the keys that belong to this feed, or to the joint record:
 * each once and good (record.md 8)
 *
 * @param out gets the note with these lines only; NULL: just look
 * @return 0, ENOMEM; EBADMSG for one that is bad or there twice
 */
int note_known(const struct pair *p, enum feed_of of, const struct note *n,
	       struct buf *out);
/** Keep evidence; the first of a kind only. */
int proof_keep(struct core *c, struct pair *p, enum proof_kind kind,
	       const void *m, size_t n);
/** The same of a note, with the lines of known keys only. */
int note_keep(struct core *c, struct pair *p, enum feed_of of,
	      const struct note *n, enum proof_kind kind);
/** The pending entries break a rule, and this note of the peer's covers them:
 *  make and keep the proof. */
int envelope_proof(struct core *c, struct pair *p, const struct note *n);
/** Two trees signed by one key of which one is no prefix of the other: make
 *  and keep the proof.  The second is at our mirror's or feed's size. */
int fork_proof(struct core *c, struct pair *p, enum feed_of of,
	       const struct note *first, enum proof_kind kind);
/** A note of our own feed, signed by us, not larger than ours, with another
 *  root: stop, or, when it was hidden from us at a restore, blame the peer. */
int own_fork(struct core *c, struct pair *p, const struct note *n);
/** A larger one.  *yes: it was hidden from us at a restore, the peer is blamed;
 *  else we are the older copy of ourselves. */
int own_hidden(struct core *c, struct pair *p, const struct note *n, bool *yes);
/** Has the peer's feed a `restore`? */
int peer_restored(struct core *c, const struct pair *p, bool *yes);

/* ---- turn.c ---- */

/** The next @p n octets of the seeded stream: nonces, salts, session ids. */
void core_draw(struct core *c, uint8_t *out, size_t n);
/** Close a path after saying why; it leaves the session at once. */
int core_close_path(struct core *c, uint32_t conn, const char *reason);
int core_answer(struct core *c, uint64_t request, enum answer a, uint64_t seq,
		bool again);
/** A new action at the end of the queue; NULL: no memory. */
struct queued *core_queue(struct core *c, enum action_kind kind, uint32_t conn);

/* ---- pairs.c ---- */

/** Make every pair that the store holds.  EBADMSG: it holds what we never
 *  wrote, or was written with other keys. */
int pair_load_all(struct core *c, struct now now);
/** Write what is durable of a pair into this turn. */
int pair_save(struct core *c, struct pair *p);
/** Copes with NULL and with half a pair; returns NULL. */
struct pair *pair_free(struct pair *p);
/** May new entries and cosignatures be signed in this pair? */
bool pair_may_sign(const struct pair *p);
/** What the peer did is proven or suspected; never lowered, first reason kept. */
void pair_blame(struct pair *p, enum verdict v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** We have two histories ourselves: sign nothing any more. */
void pair_stop(struct pair *p, const char *why);

/* ---- feed.c ---- */

/** Start an own entry in c->scratch; add fields, then own_append(). */
int own_begin(struct core *c, struct pair *p, struct now now, const char *type);
/** Append what is in c->scratch.  body: stored body for the row, or NULL. */
int own_append(struct core *c, struct pair *p, enum entry_kind kind,
	       const uint8_t *body, size_t body_n, const char *id);
/** The same with a text [n] and no body. */
int own_append_text(struct core *c, struct pair *p, enum entry_kind kind,
		    const void *text, size_t n);
int own_open(struct core *c, struct pair *p, struct now now);
/** The fields of the `open` entry of our feed, or of the peer's. */
void open_fields(const struct pair *p, bool own, struct buf *b);
/** Clock went back by too much: say so before anything is signed. */
int own_clock(struct core *c, struct pair *p, struct now now);
/** Sign a checkpoint when there are entries without one. */
int own_sign(struct core *c, struct pair *p, struct now now);
/** Cosign the peer's feed if I3 allows; again: same size, new time. */
int peer_cosign(struct core *c, struct pair *p, struct now now, bool again);
/** Place what the pivot's entries make final.  After a restore the other feed
 *  may lag behind what they have seen: then the rest is placed later. */
int joint_place(struct core *c, struct pair *p);
/** Root of a feed as it stands. */
const uint8_t *feed_root_now(struct feed *f);
/** Pivot: offer the joint checkpoint. */
int joint_offer(struct core *c, struct pair *p, struct now now);
int joint_message(struct core *c, struct pair *p, struct now now, uint32_t conn,
		  const uint8_t *m, size_t n);
/** Root of a feed at an earlier size: from its checkpoint, else recomputed. */
int feed_root(struct core *c, uint32_t feed, uint64_t size,
	      uint8_t out[DIGEST_BYTES]);
/** Add leaf, time, seen, sizes to a feed's state. */
void feed_grow(struct feed *f, enum entry_kind kind, int64_t time_ms,
	       uint64_t seen, const uint8_t leaf[DIGEST_BYTES], size_t bytes);

/* ---- recent.c ---- */

/** Empty: nothing is at hand yet. */
void recent_init(struct pair *p);
/** Copes with a pair that recent_init() never saw. */
void recent_free(struct pair *p);
/** An own entry was appended. */
void recent_put(struct pair *p, uint64_t seq, const struct entries_item *it);
/** Forget those below @p next. */
void recent_skip(struct pair *p, uint64_t next);
/** Take the first one; views, good until the next recent_put(). */
bool recent_next(struct pair *p, struct entries_item *it);
void leaf_put(struct pair *p, enum feed_of of, uint64_t seq, uint64_t seen,
	      const uint8_t leaf[DIGEST_BYTES]);
/** NULL: not here; ask the store. */
const uint8_t *leaf_get(const struct pair *p, enum feed_of of, uint64_t seq,
			uint64_t *seen);
/** They are placed. */
void leaf_drop(struct pair *p, enum feed_of of, uint64_t below);

/* ---- peer.c ---- */

/** The pending entries and this checkpoint of the peer's feed: check and take
 *  over, or blame.  *bad: words when the peer broke the protocol. */
int peer_take(struct core *c, struct pair *p, struct now now,
	      const struct note *n, const char **bad);
/** The same for our own feed, given back after a restore. */
int own_take_back(struct core *c, struct pair *p, const struct note *n,
		  const char **bad);
/** A body came in: a receipt is due.  False: too many already this turn. */
bool peer_held(struct pair *p, uint64_t seq, bool in_batch);
/** Write the receipts and refusals that are due. */
int peer_answer(struct core *c, struct pair *p, struct now now);

/* ---- lanes.c ---- */

/** Empty lanes and windows; new_sid: also another name for our end, so that the
 *  peer starts anew as well.  c may be NULL without new_sid. */
void session_reset(struct core *c, struct session *s, bool new_sid);
/** a and b in one; NULL: no memory. */
struct octets *octets_make(const void *a, size_t an, const void *b, size_t bn);
/** Let go; copes with NULL; returns NULL. */
struct octets *octets_drop(struct octets *o);
/** Queue a message for the peer; no-op without a session. */
int lane_send(struct core *c, struct pair *p, struct now now, enum lane lane,
	      enum msg_type msg, const void *a, size_t an, const void *b,
	      size_t bn);
bool lane_room(const struct pair *p, enum lane lane);
/** Take a lane frame apart; *deliver: it is the next one. */
void lane_take(struct core *c, struct pair *p, struct now now,
	       const struct lane_frame *f, bool *deliver);
/** At the end of a turn: must what was received be acknowledged now? */
bool lanes_untold(struct pair *p, struct now now);
/** An acknowledgement of all that was received goes out. */
void lane_told(struct lane_state *l);
void lane_acked(struct pair *p, struct now now, enum lane lane, uint64_t ack);
/** Everything not acknowledged goes out again; on conn, or where it belongs. */
int lane_resend(struct core *c, struct pair *p, struct now now, enum lane lane,
		uint32_t conn, size_t max_frames);
int lanes_tick(struct core *c, struct pair *p, struct now now);
uint64_t lanes_deadline(const struct pair *p);
/** The path for bulk and record: the first joined one; NULL. */
struct path *pair_path(struct core *c, const struct pair *p);

/* ---- hello.c ---- */

/** Queue our HELLO on a path that is up. */
int hello_out(struct core *c, struct now now, struct pair *p,
	      const struct path *path);
/** Take theirs: refuse it, or join the path and resume or begin the session. */
int hello_in(struct core *c, struct now now, struct pair *p, struct path *path,
	     const uint8_t *m, size_t n);
/** Our own entries are back and attested: go on. */
int restore_end(struct core *c, struct pair *p, struct now now,
		const struct note *attest, uint64_t time_s,
		const uint8_t sig[SIG_BYTES]);

/* ---- sync.c ---- */

/** A lane's next message. */
int sync_message(struct core *c, struct now now, struct pair *p, uint32_t conn,
		 const struct lane_frame *f);
/** Hand over of both feeds what the peer lacks, as far as the lane has room. */
int sync_push(struct core *c, struct pair *p, struct now now);
/** A new session, and all paths closed with this reason. */
int session_end(struct core *c, struct pair *p, const char *why);
/** A new session: tell what the peer may have lost. */
void sync_start(struct pair *p, struct now now);

/* ---- bodies.c ---- */

/** Ask for the next wanted bodies, as far as there is room. */
int body_want_next(struct core *c, struct pair *p, struct now now);
/** Octets of it. */
int body_bulk(struct core *c, struct pair *p, struct now now, const uint8_t *m,
	      size_t n);
/** The peer asks us for one. */
int body_asked(struct core *c, struct pair *p, struct now now, const uint8_t *m,
	       size_t n);
/** Ask once more for the rest of bodies of which nothing came for long. */
int body_late(struct core *c, struct pair *p, struct now now);
/** When the next of them is late. */
uint64_t body_deadline(const struct pair *p);
/** The peer cannot give the one that was asked for by this number. */
void body_gone(struct session *s, uint64_t seq);
/** Forget what is on its way; the next session asks again. */
void body_reset(struct session *s);

/* ---- submit.c ---- */

/** Answer who waits for something in this pair that may have come. */
int waiters_answer(struct core *c, struct pair *p);

/** What is stored of an item's content: salt and content, or a blob's hash. */
struct stored_body {
	const uint8_t *p;	/* [n]; NULL: a blob of the store */
	size_t n;
	uint8_t hash[DIGEST_BYTES];
	uint64_t bytes;
};

/** Salt the content.  Good until the next call. */
void submit_body(struct core *c, const struct submit *s,
		 struct stored_body *out);
/** The client's id, or one of ours. */
void submit_id(const struct pair *p, const struct submit *s,
	       char out[ID_CHARS_MAX + 1]);
/** The field `blob` of the entry being made. */
void submit_blob(struct core *c, const struct stored_body *body,
		 const char *media);
/** Could it be written later, with `written`?  EINVAL, EMSGSIZE: a field breaks
 *  the grammar. */
int submit_try(struct core *c, struct pair *p, struct now now,
	       const struct submit *s, const struct stored_body *body);
/** Write an item that waited: body, hash and blob_bytes are of the stored
 *  body.  Signs in between when a batch is full. */
int submit_write(struct core *c, struct pair *p, struct now now,
		 const struct submit *s, int64_t written_ms,
		 enum answer *answer);

#endif
