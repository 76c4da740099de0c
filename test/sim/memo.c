/* SPDX-License-Identifier: ISC */
/**
 * @file memo.c  Signatures that were made or checked before, in a simulation
 *
 * Ed25519 signs deterministically, and both sides live in this process: that a
 * signature is good is found once for each (key, octets, signature), and never
 * assumed for another.  The linker puts these two functions in front of those
 * of crypto/key.c (Makefile: rdsim).
 */
#include <string.h>
#include "crypto/digest.h"
#include "memo.h"

#define SLOTS 16384	/* one of two that collide is checked again */

static struct {
	bool on;
	uint8_t good[SLOTS][DIGEST_BYTES];
} memo;

bool __real_key_verify(const struct key *k, const void *p, size_t n,
		       const uint8_t sig[SIG_BYTES]);
int __real_key_sign(const struct key *k, const void *p, size_t n,
		    uint8_t sig[SIG_BYTES]);
bool __wrap_key_verify(const struct key *k, const void *p, size_t n,
		       const uint8_t sig[SIG_BYTES]);
int __wrap_key_sign(const struct key *k, const void *p, size_t n,
		    uint8_t sig[SIG_BYTES]);

void memo_start(void)
{
	memset(&memo, 0, sizeof(memo));
	memo.on = true;
}

static uint8_t *slot(const struct key *k, const void *p, size_t n,
		     const uint8_t *sig, uint8_t h[DIGEST_BYTES])
{
	digest_pieces((struct piece[]){{key_public(k), KEY_BYTES},
				       {sig, SIG_BYTES},
				       {p, n}},
		      3, h);
	return memo.good[(h[0] << 8 | h[1]) % SLOTS];
}

bool __wrap_key_verify(const struct key *k, const void *p, size_t n,
		       const uint8_t sig[SIG_BYTES])
{
	uint8_t h[DIGEST_BYTES], *at;

	if (!memo.on)
		return __real_key_verify(k, p, n, sig);
	at = slot(k, p, n, sig, h);
	if (!memcmp(at, h, sizeof(h)))
		return true;
	if (!__real_key_verify(k, p, n, sig))
		return false;
	memcpy(at, h, sizeof(h));
	return true;
}

int __wrap_key_sign(const struct key *k, const void *p, size_t n,
		    uint8_t sig[SIG_BYTES])
{
	uint8_t h[DIGEST_BYTES];
	const int err = __real_key_sign(k, p, n, sig);

	if (!err && memo.on)
		memcpy(slot(k, p, n, sig, h), h, sizeof(h));
	return err;
}
