/* SPDX-License-Identifier: ISC */
/** @file test_auth.c  Unit tests: digest authentication, RFC 7616's examples */
#include <stdio.h>
#include <re.h>
#include "rdtest.h"
#include "sip/auth.h"

/* RFC 7616 3.9.1 */
#define NONCE "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
#define CNONCE "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
#define MD5_RIGHT "8ca523f5e9506fed4657c9700eebdbec"
#define SHA_RIGHT                                                              \
	"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
#define MUFASA                                                                 \
	"Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "        \
	"uri=\"/dir/index.html\", nc=00000001, cnonce=\"" CNONCE               \
	"\", qop=auth, "

static const struct pl get = PL("GET");

static enum auth_verdict judge(struct auth *a, uint64_t now, const char *header,
			       const struct auth_secret *s)
{
	struct str text = rdtest_str(header);
	struct auth_params p;

	CHECK_OK(auth_parse((struct pl){text.p, text.n}, &p));
	return auth_check(a, now, &p, get, s);
}

/** The RFC's nonce is not ours: a right answer is stale, a wrong one wrong. */
TEST(auth_rfc7616_examples)
{
	struct auth_secret s;
	struct auth *a;

	CHECK_OK(auth_alloc(&a));
	CHECK_OK(auth_secret_make(&s, "Mufasa", "http-auth@example.org",
				  "Circle of Life"));
	CHECK_EQ(judge(a, 1,
		       MUFASA "algorithm=MD5, nonce=\"" NONCE
			      "\", response=\"" MD5_RIGHT "\"",
		       &s),
		 AUTH_STALE);
	CHECK_EQ(judge(a, 1,
		       MUFASA "nonce=\"" NONCE "\", response=\"" MD5_RIGHT "\"",
		       &s),
		 AUTH_STALE);
	CHECK_EQ(judge(a, 1,
		       MUFASA "algorithm=SHA-256, nonce=\"" NONCE
			      "\", response=\"" SHA_RIGHT "\"",
		       &s),
		 AUTH_STALE);
	CHECK_EQ(judge(a, 1,
		       MUFASA "algorithm=SHA-256, nonce=\"" NONCE
			      "\", response=\"" MD5_RIGHT "\"",
		       &s),
		 AUTH_WRONG);
	CHECK_EQ(judge(a, 1,
		       MUFASA "algorithm=SHA-512, nonce=\"" NONCE
			      "\", response=\"" SHA_RIGHT "\"",
		       &s),
		 AUTH_WRONG);
	CHECK_EQ(judge(a, 1,
		       MUFASA "algorithm=MD5, nonce=\"" NONCE
			      "\", response=\"" MD5_RIGHT "\"",
		       NULL),
		 AUTH_WRONG);
	auth_free(a);
}

/** What a client sends for this nonce and nc, with the hash of @p s. */
static void answer(const char *nonce, uint32_t nc, const struct auth_secret *s,
		   char *out, size_t size)
{
	char text[512], ha2[33], r[33];
	uint8_t md[16];

	md5((const uint8_t *)"GET:/", 5, md);
	hex_encode(md, 16, ha2);
	snprintf(text, sizeof(text), "%s:%s:%08x:c:auth:%s", s->ha1[AUTH_MD5],
		 nonce, nc, ha2);
	md5((const uint8_t *)text, strlen(text), md);
	hex_encode(md, 16, r);
	snprintf(out, size,
		 "Digest username=\"u\",realm=\"r\",nonce=\"%s\",uri=\"/\","
		 "response=\"%s\",cnonce=\"c\",nc=%08x,qop=auth",
		 nonce, r, nc);
}

static enum auth_verdict use(struct auth *a, uint64_t now, const char *nonce,
			     uint32_t nc, const struct auth_secret *s)
{
	char header[512];

	answer(nonce, nc, s, header, sizeof(header));
	return judge(a, now, header, s);
}

TEST(auth_nonce_is_used_once_a_count)
{
	char nonce[AUTH_NONCE_CHARS + 1], other[AUTH_NONCE_CHARS + 1];
	struct auth_secret s;
	struct auth *a, *b;

	CHECK_OK(auth_alloc(&a));
	CHECK_OK(auth_alloc(&b));
	CHECK_OK(auth_secret_make(&s, "u", "r", "p"));
	CHECK_OK(auth_nonce(a, 1000, nonce));
	CHECK_OK(auth_nonce(a, 1000, other));
	CHECK(strcmp(nonce, other) != 0);
	CHECK_EQ(use(a, 1000, nonce, 1, &s), AUTH_GOOD);
	CHECK_EQ(use(a, 1001, nonce, 1, &s), AUTH_STALE);
	CHECK_EQ(use(a, 1001, nonce, 2, &s), AUTH_GOOD);
	CHECK_EQ(use(a, 1001, nonce, 9, &s), AUTH_GOOD);
	CHECK_EQ(use(a, 1001, nonce, 8, &s), AUTH_STALE);
	CHECK_EQ(use(a, 1001, nonce, 0, &s), AUTH_WRONG);
	CHECK_EQ(use(a, 1000 + AUTH_NONCE_MS_MAX, other, 1, &s), AUTH_GOOD);
	CHECK_EQ(use(a, 1001 + AUTH_NONCE_MS_MAX, other, 2, &s), AUTH_STALE);
	/* from before its time, of another process, and made up */
	CHECK_EQ(use(a, 999, other, 3, &s), AUTH_STALE);
	CHECK_EQ(use(b, 1000, nonce, 10, &s), AUTH_STALE);
	nonce[5] = nonce[5] == '0' ? '1' : '0';
	CHECK_EQ(use(a, 1000, nonce, 10, &s), AUTH_STALE);
	auth_free(a);
	auth_free(b);
}

/** More nonces than are remembered: none of them can be used again. */
TEST(auth_forgotten_nonces_are_stale)
{
	enum { N = AUTH_NONCES_MAX + 2000 };
	static char nonces[N][AUTH_NONCE_CHARS + 1];
	struct auth_secret s;
	struct auth *a;
	uint32_t good = 0;

	CHECK_OK(auth_alloc(&a));
	CHECK_OK(auth_secret_make(&s, "u", "r", "p"));
	for (uint32_t i = 0; i < N; i++) {
		CHECK_OK(auth_nonce(a, 1000 + i, nonces[i]));
		good += use(a, 1000 + i, nonces[i], 1, &s) == AUTH_GOOD;
	}
	CHECK(good == N); /* each was newer than what was forgotten */
	for (uint32_t i = 0; i < N; i++)
		CHECK_EQ(use(a, 1000 + N, nonces[i], 1, &s), AUTH_STALE);
	auth_free(a);
}

TEST(auth_parse_is_strict)
{
	static const char *const bad[] = {
		"",
		"Digest",
		"Basic dTpw",
		"Digestusername=\"u\"",
		"Digest username=\"u\"",
		"Digest ,",
		"Digest username",
		"Digest username=",
		"Digest username=\"u",
		"Digest username=\"u\\\"\", realm=r",
		"Digest username=\"u\" realm=r",
		MUFASA "nonce=a, response=b, nonce=a",
		MUFASA "nonce=a",
		MUFASA "response=b",
		("Digest username=u,realm=r,nonce=n,uri=/,response=x,cnonce=c,"
		 "nc=00000001,qop=auth-int"),
	};
	struct auth_params p;
	struct str text;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		text = rdtest_str(bad[i]);
		CHECK_ERR(auth_parse((struct pl){text.p, text.n}, &p), EBADMSG);
	}
	text = rdtest_str(
		"digest\r\n UserName = \"u\" , realm=r,nonce=\"\","
		"uri=/,response=x,cnonce=c,nc=1,qop=\"auth\",a=\"b,\"");
	CHECK_OK(auth_parse((struct pl){text.p, text.n}, &p));
	CHECK(!pl_strcmp(&p.user, "u") && !p.nonce.l && p.nonce.p);
}
