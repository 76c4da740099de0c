/* SPDX-License-Identifier: ISC */
/**
 * @file memdb.h  A store in memory that crashes like a disk
 *
 * Two images: what is durable, and what the running turn sees.  Every change is
 * an operation in a journal; a commit applies the journal to the durable image,
 * a crash makes the running image a copy of the durable one again.
 */
#ifndef SIM_MEMDB_H
#define SIM_MEMDB_H

#include "core/db.h"

struct memdb;
struct image;	/* a copy of all that is durable */

struct memdb *memdb_new(void);
struct memdb *memdb_free(struct memdb *m);
const struct db *memdb_db(struct memdb *m);
/** ENOSPC or EIO when told so by memdb_fail(); then nothing is durable. */
int memdb_commit(struct memdb *m);
/** Power fails: the turn is gone, and the unsynced end of partial blobs, of
 *  which keep_permille is kept. */
void memdb_crash(struct memdb *m, unsigned keep_permille);
/** The n-th change or commit from now fails with this errno, and all after it;
 *  0: the disk is well again. */
void memdb_fail(struct memdb *m, int err, unsigned after);
bool memdb_changed(const struct memdb *m);

/** A backup, and going back to it. */
struct image *memdb_backup(const struct memdb *m);
void memdb_restore(struct memdb *m, const struct image *i);
struct image *image_free(struct image *i);

/** Put a whole blob in place, as an import does. */
void memdb_blob_put(struct memdb *m, const uint8_t *p, size_t n,
		    uint8_t hash[DIGEST_BYTES]);
/** Read a stored body, wherever it lies.  NULL: not here. */
const uint8_t *memdb_body(struct memdb *m, uint32_t feed, uint64_t seq,
			  size_t *n);
uint64_t memdb_size(struct memdb *m, uint32_t feed);
/** Durable entry bytes. */
const uint8_t *memdb_entry(struct memdb *m, uint32_t feed, uint64_t seq,
			   size_t *n);
/** Evidence number i (from 0) of a pair; NULL when there are fewer. */
const uint8_t *memdb_proof(struct memdb *m, uint32_t pair, size_t i,
			   const char **name, size_t *n);

#endif
