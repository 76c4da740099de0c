/* SPDX-License-Identifier: ISC */
/** @file digest.h  SHA-256 and HKDF, from OpenSSL */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES 32

/** One piece of what is hashed. */
struct piece {
	const void *p;
	size_t n;
};

/** SHA-256 over @p count pieces.  Aborts only if OpenSSL has no SHA-256. */
void digest_pieces(const struct piece *v, size_t count,
		   uint8_t out[DIGEST_BYTES]);
/** SHA-256 of one piece. */
void digest(const void *p, size_t n, uint8_t out[DIGEST_BYTES]);

/** A running SHA-256: for bodies that do not fit in memory. */
struct digest_run;
/** ENOMEM.  *rp is owned, freed by digest_run_free(). */
int digest_run_alloc(struct digest_run **rp)
	__attribute__((warn_unused_result));
void digest_run_put(struct digest_run *r, const void *p, size_t n);
/** The digest of all that was put; the run is empty again afterwards. */
void digest_run_end(struct digest_run *r, uint8_t out[DIGEST_BYTES]);
void *digest_run_free(struct digest_run *r);

/**
 * HKDF-SHA-256 (RFC 5869), extract and expand
 *
 * @param out [n octets], n <= 255 * 32
 * @return 0; EIO when OpenSSL refuses
 */
int digest_hkdf(const void *key, size_t key_n, const void *salt, size_t salt_n,
		const void *info, size_t info_n, uint8_t *out, size_t n)
	__attribute__((warn_unused_result));

#endif
