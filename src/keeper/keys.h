/* SPDX-License-Identifier: ISC */
/**
 * @file keys.h  The exchange's signing keys, as files of one directory
 *
 *	log.key cosigner.key trunk.key	what the keeper signs with
 *	next.key			the next log key, kept for the day when
 *					the log key must be replaced: to be
 *					moved offline by the operator
 *	next.hash			SHA-256 of its public half, for our cards
 *
 * A key file is text, mode 0600:
 *
 *	ringdown-key/v1
 *	kind log
 *	seed <base64 of the 32-byte Ed25519 seed>
 */
#ifndef KEEPER_KEYS_H
#define KEEPER_KEYS_H

#include "crypto/digest.h"
#include "crypto/key.h"

#define KEYS_WHY_CHARS 600

struct keys {
	struct key *log; /* owned by the struct: keys_free() */
	struct key *cosigner;
	struct key *trunk;
	uint8_t next[DIGEST_BYTES];
	bool next_online; /* next.key is still in the directory */
};

/**
 * Make the directory (0700) and all files in it, durable on return
 *
 * A file that exists is never touched: EEXIST, and nothing was made.
 *
 * @param why gets what failed at which file, and what to do
 * @return 0 or errno
 */
int keys_create(const char *dir, char why[KEYS_WHY_CHARS])
	__attribute__((warn_unused_result));

/**
 * Load what the keeper signs with
 *
 * Refuses (EPERM) files or a directory that group or others may touch, and
 * (EBADMSG) files that are not as keys_create() writes them.
 */
int keys_load(const char *dir, struct keys *out, char why[KEYS_WHY_CHARS])
	__attribute__((warn_unused_result));

/** Frees and wipes what keys_load() made; copes with a zeroed struct. */
void keys_free(struct keys *k);

#endif
