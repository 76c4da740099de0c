/* SPDX-License-Identifier: ISC */
/** @file key.h  Ed25519 keys (RFC 8032), from OpenSSL */
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES 32	/* public key, and seed of a private one */
#define SIG_BYTES 64

struct key;	/* private or public */

/** From the 32-byte seed.  *kp is owned; ENOMEM. */
int key_from_seed(struct key **kp, const uint8_t seed[KEY_BYTES])
	__attribute__((warn_unused_result));
/** From the public key.  EBADMSG when it is none, ENOMEM. */
int key_from_public(struct key **kp, const uint8_t pub[KEY_BYTES])
	__attribute__((warn_unused_result));
/** Frees; copes with NULL; returns NULL.  A private key is wiped. */
void *key_free(struct key *k);
/** The public part, borrowed, [KEY_BYTES]. */
const uint8_t *key_public(const struct key *k);
/** Sign.  EINVAL for a public key, ENOMEM. */
int key_sign(const struct key *k, const void *p, size_t n,
	     uint8_t sig[SIG_BYTES]) __attribute__((warn_unused_result));
/** True when @p sig is the key's signature over the octets. */
bool key_verify(const struct key *k, const void *p, size_t n,
		const uint8_t sig[SIG_BYTES]);

#endif
