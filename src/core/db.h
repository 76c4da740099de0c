/* SPDX-License-Identifier: ISC */
/**
 * @file db.h  What core asks of a store
 *
 * Core decides, the store keeps.  Every call belongs to the current turn: reads
 * see what the turn has written, and nothing is durable before the owner of the
 * store commits.  When any call fails (ENOMEM, ENOSPC, EIO), core returns that
 * error, the owner rolls back, and builds a new core from the store.
 *
 * Implementations: store/sqlite.c, test/sim/memdb.c.
 */
#ifndef CORE_DB_H
#define CORE_DB_H

#include <stdbool.h>
#include "base/buf.h"
#include "crypto/digest.h"
#include "proto/entry.h"

/** Feeds are numbered pair * 4 + one of these. */
enum feed_of { FEED_OWN = 0, FEED_PEER = 1, FEED_JOINT = 2 };

/** The number of a pair's feed. */
static inline uint32_t feed_id(uint32_t pair, enum feed_of of)
{
	return pair * 4 + (uint32_t)of;
}

struct db_entry {
	uint64_t seq;
	enum entry_kind kind;
	uint64_t seen;
	int64_t time_ms;
	const uint8_t *p;	/* entry bytes [n] */
	size_t n;
	const uint8_t *body;	/* stored body kept in the row, or NULL */
	size_t body_n;
	const char *id;		/* id given by a client, unique in the feed;
				   NULL: none.  Only own feeds have one. */
};

/** Octets are borrowed for the call.  Non-zero stops and is the result. */
typedef int(db_row_h)(const char *name, uint64_t no, const uint8_t *p, size_t n,
		      void *arg);

/** Borrowed for the call.  Non-zero stops the walk and is its result. */
typedef int(db_entry_h)(const struct db_entry *e, void *arg);

/** Notes of a feed.  Of each kind one for a size; put replaces. */
enum note_kind {
	NOTE_SIGNED = 0,	/* the author's checkpoint (joint: pivot's) */
	NOTE_COSIGNED = 1,	/* first cosignature of the side that mirrors */
	NOTE_IDLE = 2,		/* newest cosignature of the same size */
	NOTE_KINDS = 3
};

struct db_note {
	uint64_t size;
	uint64_t bytes;		/* entry and row body bytes below size */
	uint8_t root[DIGEST_BYTES];
	const uint8_t *p;	/* note text [n], borrowed */
	size_t n;
};

typedef int(db_note_h)(const struct db_note *n, void *arg);

enum receipt_state {
	RECEIPT_HELD = 0,
	RECEIPT_DELIVERED = 1,
	RECEIPT_OPENED = 2,
	RECEIPT_PRINTED = 3,
	RECEIPT_REFUSED = 4,
	RECEIPT_STATES = 5
};

/** A body that a peer's entry names and that is not held yet. */
struct db_want {
	uint64_t seq;
	uint8_t hash[DIGEST_BYTES];
	uint64_t bytes;
};

typedef int(db_pair_h)(uint32_t pair, const uint8_t *state, size_t n,
		       void *arg);

struct db {
	void *arg;	/* first argument of every call */

	/* Pairs: number 0..PAIRS_MAX-1 and an opaque state, <= 32 KiB */
	int (*pair_each)(void *arg, db_pair_h *h, void *harg);
	int (*pair_put)(void *arg, uint32_t pair, const uint8_t *p, size_t n);

	/* Small named values.  get: ENOENT when there is none.  put with
	   n = 0 removes.  Names <= 64 characters, values <= 4 KiB. */
	int (*meta_get)(void *arg, const char *name, struct buf *out);
	int (*meta_put)(void *arg, const char *name, const uint8_t *p,
			size_t n);

	/* Entries.  put appends: seq is the feed's next (else EINVAL).
	   walk: from first on, at most max entries; with_body fills body. */
	int (*entry_put)(void *arg, uint32_t feed, const struct db_entry *e);
	int (*entry_walk)(void *arg, uint32_t feed, uint64_t first,
			  uint64_t max, bool with_body, db_entry_h *h,
			  void *harg);
	int (*entry_find_id)(void *arg, uint32_t feed, const char *id,
			     uint64_t *seq);	/* or ENOENT */
	/* The row body of an entry that was put without one */
	int (*body_put)(void *arg, uint32_t feed, uint64_t seq,
			const uint8_t *p, size_t n);

	/* Notes.  find: the one with the largest size <= max_size and bytes
	   <= max_bytes (UINT64_MAX: any), handed to h; ENOENT when none. */
	int (*note_put)(void *arg, uint32_t feed, enum note_kind kind,
			const struct db_note *n);
	int (*note_find)(void *arg, uint32_t feed, enum note_kind kind,
			 uint64_t max_size, uint64_t max_bytes, db_note_h *h,
			 void *harg);

	/* What has been said of entries first..last of a feed; by = seq of
	   the receipt in the other feed.  bits: one per receipt_state. */
	int (*receipt_put)(void *arg, uint32_t feed, uint64_t first,
			   uint64_t last, enum receipt_state state,
			   uint64_t by);
	int (*receipt_bits)(void *arg, uint32_t feed, uint64_t seq,
			    unsigned *bits);

	/* Bodies of the peer's entries that are wanted.  next: the first
	   with seq >= from, or ENOENT. */
	int (*want_put)(void *arg, uint32_t feed, const struct db_want *w);
	int (*want_drop)(void *arg, uint32_t feed, uint64_t seq);
	int (*want_next)(void *arg, uint32_t feed, uint64_t from,
			 struct db_want *out);

	/* Bodies longer than BODY_ROW_MAX, by hash of the stored bytes.
	   have: octets there so far (whole or partial), *whole when finished.
	   write: appends at offset == have (else EINVAL).  finish: makes it
	   durable at once (before the turn's commit) and checks the hash;
	   EBADMSG: what was written is thrown away. */
	int (*blob_have)(void *arg, const uint8_t hash[DIGEST_BYTES],
			 uint64_t *have, bool *whole);
	int (*blob_write)(void *arg, const uint8_t hash[DIGEST_BYTES],
			  uint64_t offset, const uint8_t *p, size_t n);
	int (*blob_finish)(void *arg, const uint8_t hash[DIGEST_BYTES]);

	/* Rows of a pair by name and number: lines, and what waits on them.
	   put with n = 0 removes.  next: the first of this name with a number
	   >= from, or ENOENT.  each: all, in order of name and number.  Names
	   <= ROW_NAME_CHARS_MAX characters, octets <= ROW_BYTES_MAX. */
	int (*row_put)(void *arg, uint32_t pair, const char *name, uint64_t no,
		       const uint8_t *p, size_t n);
	int (*row_next)(void *arg, uint32_t pair, const char *name,
			uint64_t from, uint64_t *no, struct buf *out);
	int (*row_each)(void *arg, uint32_t pair, db_row_h *h, void *harg);

	/* Evidence, numbered from 1 in the pair by the store.
	   name: "fork" or another token that says its form. */
	int (*proof_put)(void *arg, uint32_t pair, const char *name,
			 const uint8_t *p, size_t n);
};

#endif
