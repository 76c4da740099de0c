/* SPDX-License-Identifier: ISC */
/**
 * @file auth.h  Digest access authentication, the server's side
 *
 * RFC 7616 and 8760: SHA-256 and MD5, qop auth only.  A nonce carries its own
 * time under an HMAC, so that asking costs us no memory; only one that was used
 * well is remembered, with its highest nc, and none can be used twice.
 */
#ifndef SIP_AUTH_H
#define SIP_AUTH_H

#include <re.h>
#include <stdbool.h>
#include <stdint.h>

#define AUTH_NONCE_CHARS 64	/* 8 octets time, 8 random, 16 HMAC, in hex */
#define AUTH_NONCE_MS_MAX 300000 /* older: stale, asked again */
#define AUTH_NONCES_MAX 4096	/* remembered; more: the oldest are stale */
#define AUTH_HASH_CHARS 64	/* SHA-256; MD5 has 32 */

enum auth_algorithm { AUTH_MD5, AUTH_SHA256, AUTH_ALGORITHMS };

/** What stands in for a password: of no use with another realm. */
struct auth_secret {
	char ha1[AUTH_ALGORITHMS][AUTH_HASH_CHARS + 1];
};

/** The parameters of an Authorization header, borrowed, unquoted. */
struct auth_params {
	struct pl user, realm, nonce, uri, response, cnonce, nc, qop, algorithm;
};

enum auth_verdict {
	AUTH_GOOD,
	AUTH_STALE, /* right, but the nonce is old or used: ask again, stale */
	AUTH_WRONG
};

struct auth;

/** ENOMEM; EIO: no random octets.  *ap is owned, freed by auth_free(). */
int auth_alloc(struct auth **ap) __attribute__((warn_unused_result));
void *auth_free(struct auth *a);

/** H(user:realm:password) of both algorithms; EIO when OpenSSL refuses. */
int auth_secret_make(struct auth_secret *s, const char *user, const char *realm,
		     const char *password) __attribute__((warn_unused_result));

/** A new nonce.  @p now_ms of any clock that does not step back. */
int auth_nonce(const struct auth *a, uint64_t now_ms,
	       char nonce[AUTH_NONCE_CHARS + 1])
	__attribute__((warn_unused_result));

/** Take the header's value apart.  EBADMSG: not Digest, a parameter twice or
 *  missing, no qop. */
int auth_parse(struct pl value, struct auth_params *p)
	__attribute__((warn_unused_result));

/**
 * Judge a request
 *
 * @param s  NULL for an unknown user: takes as long as a wrong password
 */
enum auth_verdict auth_check(struct auth *a, uint64_t now_ms,
			     const struct auth_params *p, struct pl method,
			     const struct auth_secret *s);

#endif
