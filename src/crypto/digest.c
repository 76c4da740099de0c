/* SPDX-License-Identifier: ISC */
/** @file digest.c  SHA-256 and HKDF, from OpenSSL */
#include <errno.h>
#include <stdlib.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include "crypto/digest.h"

struct digest_run {
	EVP_MD_CTX *ctx;
};

/* Looking SHA-256 up costs more than hashing an entry: done once.  Without it
   nothing can be signed or checked, and there is no way to go on. */
static EVP_MD_CTX *ready(EVP_MD_CTX *ctx)
{
	static EVP_MD *md;

	if (!md)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!md || !ctx || EVP_DigestInit_ex2(ctx, md, NULL) != 1)
		abort();
	return ctx;
}

void digest_pieces(const struct piece *v, size_t count,
		   uint8_t out[DIGEST_BYTES])
{
	static EVP_MD_CTX *kept;	/* our processes have one thread each */

	if (!kept)
		kept = EVP_MD_CTX_new();
	(void)ready(kept);
	for (size_t i = 0; i < count; i++) {
		if (v[i].n && EVP_DigestUpdate(kept, v[i].p, v[i].n) != 1)
			abort();
	}
	if (EVP_DigestFinal_ex(kept, out, NULL) != 1)
		abort();
}

void digest(const void *p, size_t n, uint8_t out[DIGEST_BYTES])
{
	digest_pieces(&(struct piece){p, n}, 1, out);
}

int digest_run_alloc(struct digest_run **rp)
{
	struct digest_run *r = calloc(1, sizeof(*r));

	if (!r)
		return ENOMEM;
	r->ctx = EVP_MD_CTX_new();
	if (!r->ctx) {
		free(r);
		return ENOMEM;
	}
	(void)ready(r->ctx);
	*rp = r;
	return 0;
}

void digest_run_put(struct digest_run *r, const void *p, size_t n)
{
	if (n && EVP_DigestUpdate(r->ctx, p, n) != 1)
		abort();
}

void digest_run_end(struct digest_run *r, uint8_t out[DIGEST_BYTES])
{
	if (EVP_DigestFinal_ex(r->ctx, out, NULL) != 1)
		abort();
	(void)ready(r->ctx);
}

void *digest_run_free(struct digest_run *r)
{
	if (r) {
		EVP_MD_CTX_free(r->ctx);
		free(r);
	}
	return NULL;
}

int digest_hkdf(const void *key, size_t key_n, const void *salt, size_t salt_n,
		const void *info, size_t info_n, uint8_t *out, size_t n)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	/* OpenSSL takes non-const pointers and does not write through them */
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						 (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, key_n),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, salt_n),
		OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, info_n),
		OSSL_PARAM_construct_end()};
	const int err =
		ctx && EVP_KDF_derive(ctx, out, n, params) == 1 ? 0 : EIO;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return err;
}
