/* SPDX-License-Identifier: ISC */
/** @file test_digest.c  SHA-256, HKDF and Ed25519 against published values */
#include "crypto/digest.h"
#include "crypto/key.h"
#include "rdtest.h"

static void is_hex(const uint8_t *p, size_t n, const char *hex)
{
	char text[257];

	hex_encode(p, n, text);
	CHECK_STR(text, hex);
}

/* n octets from hex */
static uint8_t *raw(const char *hex)
{
	const size_t n = strlen(hex) / 2;
	uint8_t tmp[256];

	CHECK_OK(hex_decode(str_of(hex), tmp, n));
	return rdtest_exact(tmp, n);
}

TEST(digest_fips_180)
{
	uint8_t h[DIGEST_BYTES];

	digest("", 0, h);
	is_hex(h, 32,
	       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8"
	       "55");
	digest(rdtest_exact("abc", 3), 3, h);
	is_hex(h, 32,
	       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
	       "ad");
	/* what was hashed before must not stay in the kept context */
	digest("", 0, h);
	is_hex(h, 4, "e3b0c442");
}

TEST(digest_pieces_are_one_text)
{
	uint8_t a[DIGEST_BYTES], b[DIGEST_BYTES];

	digest("abc", 3, a);
	digest_pieces((struct piece[]){{"a", 1}, {NULL, 0}, {"bc", 2}}, 3, b);
	CHECK_MEM(a, b, DIGEST_BYTES);
	digest_pieces((struct piece[]){{"a", 1}, {"b", 1}, {"cd", 1}}, 3, b);
	CHECK_MEM(a, b, DIGEST_BYTES);
	digest_pieces(NULL, 0, b);
	is_hex(b, 4, "e3b0c442");
}

TEST_OOM(digest_run_in_pieces_and_again)
{
	uint8_t a[DIGEST_BYTES], b[DIGEST_BYTES];
	struct digest_run *r = NULL;

	TRY(digest_run_alloc(&r));
	digest("abcabc", 6, a);
	digest_run_put(r, "ab", 2);
	digest_run_put(r, NULL, 0);
	digest_run_put(r, "cabc", 4);
	digest_run_end(r, b);
	CHECK_MEM(a, b, DIGEST_BYTES);
	/* empty again */
	digest_run_put(r, "abcabc", 6);
	digest_run_end(r, b);
	CHECK_MEM(a, b, DIGEST_BYTES);
	digest_run_end(r, b);
	is_hex(b, 4, "e3b0c442");
out:
	CHECK(!digest_run_free(r));
	CHECK(!digest_run_free(NULL));
}

TEST(digest_hkdf_rfc_5869_a1)
{
	uint8_t out[42];

	CHECK_OK(
		digest_hkdf(raw("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
			    22, raw("000102030405060708090a0b0c"), 13,
			    raw("f0f1f2f3f4f5f6f7f8f9"), 10, out, 42));
	is_hex(out, 42,
	       "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5b"
	       "f34007208d5b887185865");
}

TEST(digest_hkdf_rfc_5869_a3)
{
	uint8_t out[42];

	CHECK_OK(
		digest_hkdf(raw("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
			    22, "", 0, "", 0, out, 42));
	is_hex(out, 42,
	       "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2"
	       "d9d201395faa4b61a96c8");
}

/* RFC 8032 7.1, TEST 1, 2, 3 */
static const struct {
	const char *seed, *pub, *msg, *sig;
} rfc8032[] = {
	{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
	 "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
	{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
	 "72",
	 "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	 "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	 "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
	 "af82",
	 "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
	 "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST_OOM(key_rfc_8032)
{
	struct key *k = NULL, *pub = NULL;
	uint8_t sig[SIG_BYTES];

	for (size_t i = 0; i < 3; i++) {
		const size_t n = strlen(rfc8032[i].msg) / 2;
		uint8_t *msg = raw(rfc8032[i].msg);

		TRY(key_from_seed(&k, raw(rfc8032[i].seed)));
		is_hex(key_public(k), KEY_BYTES, rfc8032[i].pub);
		TRY(key_sign(k, msg, n, sig));
		is_hex(sig, SIG_BYTES, rfc8032[i].sig);
		CHECK(key_verify(k, msg, n, sig));
		TRY(key_from_public(&pub, raw(rfc8032[i].pub)));
		is_hex(key_public(pub), KEY_BYTES, rfc8032[i].pub);
		CHECK(key_verify(pub, msg, n, rdtest_exact(sig, SIG_BYTES)));
		k = key_free(k);
		pub = key_free(pub);
	}
out:
	CHECK(!key_free(k));
	CHECK(!key_free(pub));
}

TEST(key_refuses)
{
	struct key *k = NULL, *pub = NULL, *other = NULL;
	uint8_t sig[SIG_BYTES];

	CHECK_OK(key_from_seed(&k, raw(rfc8032[0].seed)));
	CHECK_OK(key_from_seed(&other, raw(rfc8032[1].seed)));
	CHECK_OK(key_from_public(&pub, key_public(k)));
	CHECK_ERR(key_sign(pub, "x", 1, sig), EINVAL);
	CHECK_OK(key_sign(k, "text", 4, sig));
	CHECK(key_verify(pub, "text", 4, sig));
	CHECK(!key_verify(pub, "texu", 4, sig));
	CHECK(!key_verify(pub, "tex", 3, sig));
	CHECK(!key_verify(other, "text", 4, sig));
	for (size_t i = 0; i < SIG_BYTES; i++) {
		sig[i] ^= 1;
		CHECK(!key_verify(pub, "text", 4, sig));
		sig[i] ^= 1;
	}
	key_free(k);
	key_free(other);
	key_free(pub);
}
