/* SPDX-License-Identifier: ISC */
/**
 * @file store.h  Where an exchange keeps its record: db.h made durable
 *
 * One writer.  A turn is everything between two commits.  SQLite is the first
 * implementation (sqlite.c); no SQL stands anywhere else.  Bodies longer than
 * BODY_ROW_MAX are files under blobs/ in the state directory, named by hash.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "core/db.h"

struct store;

/**
 * Open or create the store in the directory @p dir (must exist, ours, 0700)
 *
 * Takes the signing lock (I5): EBUSY when another process has it.  Upgrades an
 * older schema; a newer one is ENOTSUP.  EPERM: the directory is open to
 * others.  EIO, ENOSPC, ENOMEM, ENAMETOOLONG; *why gets words for the operator
 * (static or owned by the store library; copy it).
 */
int store_open(struct store **sp, const char *dir, const char **why)
	__attribute__((warn_unused_result));
/** Rolls back what is not committed.  Copes with NULL, returns NULL. */
void *store_close(struct store *s);
/** The interface for core; lives as long as the store. */
const struct db *store_db(struct store *s);
/**
 * Everything of this turn becomes durable.  Without writes since the last
 * commit: no I/O.
 *
 * ENOSPC, EIO: the turn is rolled back, what was committed before is kept, and
 * reading goes on.  After ENOSPC writing may be tried again.  After EIO from a
 * write or sync every write gives EIO until the store is closed and opened: the
 * disk can no longer be asked what it holds.  Only if the process or machine
 * stops before that close may the failed turn be there again, and then whole.
 */
int store_commit(struct store *s) __attribute__((warn_unused_result));
void store_rollback(struct store *s);
/** Words for the last failure, for the log. */
const char *store_why(const struct store *s);

/**
 * Take a content from @p fd into a blob of the store: salt || content
 *
 * Durable on return.  @p fd is a regular file, read from its start; its offset
 * stays.  @p bytes is the content's length.  *hash and *stored_bytes are of the
 * stored blob.  ENOSPC, EIO, EINVAL (fd shorter, or bytes > BLOB_BYTES_MAX).
 */
int store_blob_import(struct store *s, int fd, uint64_t bytes,
		      const uint8_t salt[BLOB_SALT_BYTES],
		      uint8_t hash[DIGEST_BYTES], uint64_t *stored_bytes)
	__attribute__((warn_unused_result));
/**
 * The same in slices, for an owner whose loop must not stand still
 *
 * begin, step until *done, end; free at any time.  One at a time: a second
 * begin takes the first one's file away.  The store must outlive it.  @p fd is
 * borrowed until free.  Errors as above; after one only free is left.
 */
struct store_import;
int store_import_begin(struct store *s, int fd, uint64_t bytes,
		       const uint8_t salt[BLOB_SALT_BYTES],
		       struct store_import **ip)
	__attribute__((warn_unused_result));
/** Take in at most @p most octets more. */
int store_import_step(struct store_import *i, uint64_t most, bool *done)
	__attribute__((warn_unused_result));
/** Durable on return. */
int store_import_end(struct store_import *i, uint8_t hash[DIGEST_BYTES],
		     uint64_t *stored_bytes)
	__attribute__((warn_unused_result));
void *store_import_free(struct store_import *i);
/** Open a whole blob for reading (salt first).  *fdp is owned.  ENOENT. */
int store_blob_open(struct store *s, const uint8_t hash[DIGEST_BYTES], int *fdp)
	__attribute__((warn_unused_result));

/* ---- reading for people ---- */

/** Notices and documents of a feed, seq > after, at most max; with bodies no. */
int store_items(struct store *s, uint32_t feed, uint64_t after, uint64_t max,
		db_entry_h *h, void *arg) __attribute__((warn_unused_result));
/** Largest i with i + seen(entry i) <= joint index, in the pivot's feed: for
 *  walking the joint order from anywhere.  ENOENT on an empty feed, and when
 *  joint lies before entry 0 (joint < its seen). */
int store_joint_floor(struct store *s, uint32_t pivot_feed, uint64_t joint,
		      uint64_t *i) __attribute__((warn_unused_result));
/** All evidence of a pair: number, form, bytes. */
typedef int(store_proof_h)(uint64_t number, const char *name, const uint8_t *p,
			   size_t n, void *arg);
int store_proofs(struct store *s, uint32_t pair, store_proof_h *h, void *arg)
	__attribute__((warn_unused_result));
/** Bytes of bodies held for a peer's feed: in rows, and in files since the want
 *  that asked for them was dropped. */
int store_body_bytes(struct store *s, uint32_t feed, uint64_t *bytes)
	__attribute__((warn_unused_result));

#endif
