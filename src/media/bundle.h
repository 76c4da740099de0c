/* SPDX-License-Identifier: ISC */
/**
 * @file bundle.h  Sealing and opening the datagrams of a voice port
 *
 * Source: docs/voice.md 3.  AES-256-GCM once a datagram; the context is kept,
 * a datagram costs no allocation.  A key belongs to one sender, one path and
 * one direction: two ends that seal under one key would repeat nonces.
 */
#ifndef MEDIA_BUNDLE_H
#define MEDIA_BUNDLE_H

#include <stddef.h>
#include <stdint.h>
#include "proto/voice.h"

#define BUNDLE_KEY_BYTES 32

/** A key as it is announced over the trunk. */
struct bundle_key {
	uint32_t id;	/* not 0; drawn by the sender */
	uint8_t key[BUNDLE_KEY_BYTES];
};

struct bundle_tx;	/* one sender's key; used by one thread */

/** *tp is owned, freed by bundle_tx_free().  EINVAL: id 0; ENOMEM; EIO. */
int bundle_tx_alloc(struct bundle_tx **tp, const struct bundle_key *key)
	__attribute__((warn_unused_result));
/** Copes with NULL; returns NULL. */
void *bundle_tx_free(struct bundle_tx *t);
/** Datagrams sealed under this key: at VOICE_REKEY the owner draws another. */
uint64_t bundle_tx_count(const struct bundle_tx *t);
/**
 * Seal one datagram in place
 *
 * @param p [VOICE_HEAD_BYTES + n + VOICE_TAG_BYTES octets] the frames stand
 *          after the first VOICE_HEAD_BYTES
 * @param n octets of frames, at most VOICE_PLAIN_MAX; 0: a probe
 * @return 0; EOVERFLOW: the key is used up; EIO.  On failure nothing is sent.
 */
int bundle_seal(struct bundle_tx *t, uint8_t *p, size_t n)
	__attribute__((warn_unused_result));

struct bundle_rx;	/* the newest two keys of one sender and path */

struct bundle_rx_stats {
	uint64_t received;	/* authentic and new */
	uint64_t lost;		/* by the gaps between counters */
	uint64_t replayed;	/* authentic or not: number seen, or too old */
	uint64_t refused;	/* malformed or not authentic */
	uint64_t unknown;	/* sealed under a key that is not known */
};

/** *rp is owned, freed by bundle_rx_free().  It knows no key yet.  ENOMEM. */
int bundle_rx_alloc(struct bundle_rx **rp) __attribute__((warn_unused_result));
/** Copes with NULL; returns NULL. */
void *bundle_rx_free(struct bundle_rx *r);
/** Accept this key from now on, beside the newest one until now; an older one
 *  goes.  EEXIST: a key of this id is there; EINVAL: id 0; ENOMEM; EIO. */
int bundle_rx_key(struct bundle_rx *r, const struct bundle_key *key)
	__attribute__((warn_unused_result));
/**
 * Open a datagram in place, count it
 *
 * @param p    [n octets] hostile
 * @param out  gets the octets of its frames, at p + VOICE_HEAD_BYTES; they are
 *             whole frames (voice_check())
 * @return 0; EBADMSG malformed, not authentic; ENOKEY; EALREADY seen, or too
 *         old to know.  On failure the octets are void.
 */
int bundle_open(struct bundle_rx *r, uint8_t *p, size_t n, size_t *out)
	__attribute__((warn_unused_result));
/** What was counted, over all keys. */
void bundle_rx_stats(const struct bundle_rx *r, struct bundle_rx_stats *out);

#endif
