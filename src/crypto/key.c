/* SPDX-License-Identifier: ISC */
/** @file key.c  Ed25519 keys (RFC 8032), from OpenSSL */
#include <errno.h>
#include <stdlib.h>
#include <openssl/evp.h>
#include "crypto/key.h"

struct key {
	EVP_PKEY *pkey;
	uint8_t pub[KEY_BYTES];
	bool can_sign;
};

/* pkey is given: freed here when there is no memory for its holder */
static int hold(struct key **kp, EVP_PKEY *pkey, bool can_sign)
{
	struct key *k = calloc(1, sizeof(*k));
	size_t n = KEY_BYTES;

	if (!k || EVP_PKEY_get_raw_public_key(pkey, k->pub, &n) != 1) {
		EVP_PKEY_free(pkey);
		free(k);
		return ENOMEM;
	}
	k->pkey = pkey;
	k->can_sign = can_sign;
	*kp = k;
	return 0;
}

int key_from_seed(struct key **kp, const uint8_t seed[KEY_BYTES])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
						      seed, KEY_BYTES);

	return pkey ? hold(kp, pkey, true) : ENOMEM;
}

int key_from_public(struct key **kp, const uint8_t pub[KEY_BYTES])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
						     pub, KEY_BYTES);

	return pkey ? hold(kp, pkey, false) : EBADMSG;
}

void *key_free(struct key *k)
{
	if (k) {
		EVP_PKEY_free(k->pkey);
		free(k);
	}
	return NULL;
}

const uint8_t *key_public(const struct key *k)
{
	return k->pub;
}

int key_sign(const struct key *k, const void *p, size_t n,
	     uint8_t sig[SIG_BYTES])
{
	EVP_MD_CTX *ctx;
	size_t len = SIG_BYTES;
	int err;

	if (!k->can_sign)
		return EINVAL;
	ctx = EVP_MD_CTX_new();
	err = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
			      EVP_DigestSign(ctx, sig, &len, p, n) == 1 &&
			      len == SIG_BYTES
		      ? 0
		      : ENOMEM;
	EVP_MD_CTX_free(ctx);
	return err;
}

bool key_verify(const struct key *k, const void *p, size_t n,
		const uint8_t sig[SIG_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const bool ok =
		ctx &&
		EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
		EVP_DigestVerify(ctx, sig, SIG_BYTES, p, n) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}
