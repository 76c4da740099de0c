/* SPDX-License-Identifier: ISC */
/**
 * @file liar.h  One real core, and the other side's keys in a liar's hands
 *
 * The liar writes every frame by hand.  Nothing it does by default is wrong:
 * a test changes the one thing that it is about.
 */
#ifndef SIM_LIAR_H
#define SIM_LIAR_H

#include "core/state.h"
#include "memdb.h"

#define LIAR_EPOCH_MS 1795424400000LL	/* 2026-11-23T09:00:00Z */
#define LIAR_ENTRIES_MAX 4096
#define MSGS 32

/** A history: entries, and their tree. */
struct story {
	struct tree tree;
	struct piece v[LIAR_ENTRIES_MAX];	/* owned */
	int64_t time_ms;
	uint64_t seen;
	uint64_t sent;		/* below: handed over */
};

struct rig {
	/* the core */
	const char *name, *peer_name;
	struct key *log, *cosigner, *trunk;
	struct core *core;
	struct memdb *db;
	struct now now;
	uint64_t starts;
	struct core_marker marker;
	bool marked;		/* there is a marker */
	bool forgetful;		/* the marker is not kept up */
	int err;		/* of the last turn, which was void then */

	/* what it did */
	unsigned frames[FRAME_TYPES], said[MSGS];
	struct buf hello;	/* its last HELLO */
	struct buf ack;		/* its last ACK */
	uint32_t lane_conn;	/* where its last LANE frame went */
	struct buf body[MSGS];	/* of its last message of each kind */
	unsigned closes, joins, bulks;
	char why[WHY_CHARS];	/* of the last close */
	struct action bulk;	/* the last */
	enum answer answer;
	uint64_t answers, answer_seq;

	/* the liar */
	struct key *my_log_key, *my_cosigner_key, *my_trunk;
	struct card my_card;
	struct pairing names;	/* as the liar sees them */
	struct note_key my_log, my_cosig, core_log, core_cosig, joint_log;
	struct story mine;
	uint32_t conn;
	uint8_t exporter[EXPORTER_BYTES];
	uint8_t sid[SID_BYTES];
	uint64_t tx[LANES], rx[LANES];
};

/** A pairing, confirmed at the core.  core_pivot: who has the lower key. */
void rig_init(struct rig *r, bool core_pivot);
void rig_free(struct rig *r);
/** End a turn: sign, commit, mark, act.  err voids it. */
void rig_turn(struct rig *r, int err);
/** Stop and start the core from its store; the path is gone. */
void rig_restart(struct rig *r);
/** Time passes, timers run. */
void rig_wait(struct rig *r, uint64_t ms);
void rig_submit(struct rig *r, const char *id, size_t body_n);

/** A path is up; the core has said HELLO. */
void rig_path(struct rig *r);
void rig_closed(struct rig *r);
/** The HELLO an honest side would say now, for a new session. */
void liar_hello_make(struct rig *r, struct hello *h, struct buf *own,
		     struct buf *held);
void liar_hello(struct rig *r, const struct hello *h);
/** rig_path() and liar_hello(). */
void liar_connect(struct rig *r);
void liar_frame(struct rig *r, enum frame_type type, const void *p, size_t n);
/** A lane frame with the next number. */
void liar_lane(struct rig *r, enum lane lane, enum msg_type msg, const void *p,
	       size_t n);

/** Entries: an envelope that is right, and one written with it. */
void story_envelope(const struct rig *r, const struct story *s,
		    struct envelope *env);
void story_add(struct rig *r, struct story *s, const struct envelope *env,
	       const char *type, const char *fields);
void story_raw(struct story *s, const void *p, size_t n);
void story_root(const struct story *s, uint64_t size,
		uint8_t out[DIGEST_BYTES]);
/** The first n entries of another. */
void story_copy(struct story *to, const struct story *from, uint64_t n);
/** What the core has of its own feed, as a story. */
void story_of_core(struct rig *r, struct story *s);
void story_free(struct story *s);
/** The `open` entry, when there is none yet. */
void liar_open(struct rig *r);

/** ENTRIES first..last of a story, and its CHECKPOINT at size last. */
void liar_entries(struct rig *r, const struct story *s, enum whose whose,
		  uint64_t first, uint64_t last);
void liar_checkpoint(struct rig *r, const struct story *s, uint64_t size);
/** All that was not sent. */
void liar_push(struct rig *r);

/** A note; NULL keys do not sign. */
void liar_note(struct buf *b, const char *origin, uint64_t size,
	       const uint8_t root[DIGEST_BYTES], const struct note_key *log,
	       const struct note_key *cosig, uint64_t time_s);
/** The liar's cosignature over the core's feed at this size. */
void liar_cosign(struct rig *r, enum msg_type msg, uint64_t size,
		 uint64_t time_s);
/** Newest note of the core with size <= max. */
void core_note(struct rig *r, enum feed_of of, enum note_kind kind,
	       uint64_t max, struct buf *b);
/** Root of a feed as the core's store has it. */
void core_root(struct rig *r, enum feed_of of, uint64_t size,
	       uint8_t out[DIGEST_BYTES]);
struct pair *rig_pair(const struct rig *r);
uint64_t rig_time_s(const struct rig *r);

#endif
