/* SPDX-License-Identifier: ISC */
/** @file auth.c  Digest access authentication, the server's side */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <re.h>
#include <string.h>
#include "base/text.h"
#include "sip/auth.h"

#define KEY_BYTES 32
#define HEAD_BYTES 16 /* time, random */
#define MAC_BYTES 16
#define NONCE_BYTES (HEAD_BYTES + MAC_BYTES)

_Static_assert(NONCE_BYTES * 2 == AUTH_NONCE_CHARS, "nonce");

/* Nonces in use, hashed by their HMAC, which nobody else can choose */
#define WAYS 4
struct used {
	uint64_t ms; /* 0: free */
	uint8_t mac[MAC_BYTES];
	uint32_t nc;
};

struct auth {
	uint8_t key[KEY_BYTES];
	struct used used[AUTH_NONCES_MAX / WAYS][WAYS];
	uint64_t forgotten_ms; /* nonces up to this time may have been used */
};

int auth_alloc(struct auth **ap)
{
	struct auth *a = mem_zalloc(sizeof(*a), NULL);

	if (!a)
		return ENOMEM;
	if (RAND_bytes(a->key, sizeof(a->key)) != 1) {
		mem_deref(a);
		return EIO;
	}
	*ap = a;
	return 0;
}

void *auth_free(struct auth *a)
{
	if (a)
		OPENSSL_cleanse(a->key, sizeof(a->key));
	return mem_deref(a);
}

/* ---- hashes ---- */

static size_t hash_bytes(enum auth_algorithm alg)
{
	return alg == AUTH_MD5 ? 16 : 32;
}

/** Hex of the hash of the parts with ':' between; 0 or EIO. */
static int hash_parts(enum auth_algorithm alg, const struct pl *v, size_t n,
		      char out[AUTH_HASH_CHARS + 1])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t md[EVP_MAX_MD_SIZE];
	bool ok;

	ok = ctx &&
	     EVP_DigestInit_ex(ctx, alg == AUTH_MD5 ? EVP_md5() : EVP_sha256(),
			       NULL) == 1;
	for (size_t i = 0; ok && i < n; i++)
		ok = (!i || EVP_DigestUpdate(ctx, ":", 1) == 1) &&
		     EVP_DigestUpdate(ctx, v[i].p, v[i].l) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, md, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return EIO;
	hex_encode(md, hash_bytes(alg), out);
	return 0;
}

int auth_secret_make(struct auth_secret *s, const char *user, const char *realm,
		     const char *password)
{
	struct pl v[3];
	int err = 0;

	pl_set_str(&v[0], user);
	pl_set_str(&v[1], realm);
	pl_set_str(&v[2], password);
	for (int alg = 0; !err && alg < AUTH_ALGORITHMS; alg++)
		err = hash_parts((enum auth_algorithm)alg, v, 3, s->ha1[alg]);
	return err;
}

/* ---- nonces ---- */

static void put_u64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static bool mac_of(const struct auth *a, const uint8_t head[HEAD_BYTES],
		   uint8_t mac[MAC_BYTES])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!HMAC(EVP_sha256(), a->key, KEY_BYTES, head, HEAD_BYTES, md, &n) ||
	    n < MAC_BYTES)
		return false;
	memcpy(mac, md, MAC_BYTES);
	return true;
}

int auth_nonce(const struct auth *a, uint64_t now_ms,
	       char nonce[AUTH_NONCE_CHARS + 1])
{
	uint8_t bytes[NONCE_BYTES];

	put_u64(bytes, now_ms);
	if (RAND_bytes(bytes + 8, HEAD_BYTES - 8) != 1 ||
	    !mac_of(a, bytes, bytes + HEAD_BYTES))
		return EIO;
	hex_encode(bytes, sizeof(bytes), nonce);
	return 0;
}

/** When we made it; 0: we did not. */
static uint64_t nonce_time(const struct auth *a, struct pl nonce,
			   uint8_t mac[MAC_BYTES])
{
	uint8_t bytes[NONCE_BYTES];
	uint64_t ms = 0;

	if (hex_decode((struct str){nonce.p, nonce.l}, bytes, sizeof(bytes)) ||
	    !mac_of(a, bytes, mac) ||
	    CRYPTO_memcmp(mac, bytes + HEAD_BYTES, MAC_BYTES))
		return 0;
	for (int i = 0; i < 8; i++)
		ms = ms << 8 | bytes[i];
	return ms;
}

/** Note this use.  False: it was used with this nc or a later one, or perhaps
 *  so, since we have forgotten. */
static bool use(struct auth *a, uint64_t ms, const uint8_t mac[MAC_BYTES],
		uint32_t nc)
{
	const size_t sets = sizeof(a->used) / sizeof(a->used[0]);
	struct used *set = a->used[((size_t)mac[0] << 8 | mac[1]) % sets];
	struct used *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].ms && !memcmp(set[i].mac, mac, MAC_BYTES)) {
			if (nc <= set[i].nc)
				return false;
			set[i].nc = nc;
			return true;
		}
		if (set[i].ms < oldest->ms)
			oldest = &set[i];
	}
	if (ms <= a->forgotten_ms)
		return false;
	if (oldest->ms > a->forgotten_ms)
		a->forgotten_ms = oldest->ms;
	/* One that is older than what it pushes out cannot be held on to */
	if (ms <= a->forgotten_ms)
		return false;
	*oldest = (struct used){.ms = ms, .nc = nc};
	memcpy(oldest->mac, mac, MAC_BYTES);
	return true;
}

/* ---- the header ---- */

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct pl *in)
{
	while (in->l && blank(*in->p))
		pl_advance(in, 1);
}

/** name = token or "quoted"; false at something else. */
static bool next_param(struct pl *in, struct pl *name, struct pl *value)
{
	skip_blanks(in);
	*name = (struct pl){in->p, 0};
	while (in->l && !blank(*in->p) && *in->p != '=' && *in->p != ',') {
		name->l++;
		pl_advance(in, 1);
	}
	skip_blanks(in);
	if (!name->l || !in->l || *in->p != '=')
		return false;
	pl_advance(in, 1);
	skip_blanks(in);
	if (in->l && *in->p == '"') {
		pl_advance(in, 1);
		*value = (struct pl){in->p, 0};
		for (; in->l && *in->p != '"'; pl_advance(in, 1)) {
			/* Nothing that we take has to be escaped */
			if (*in->p == '\\')
				return false;
			value->l++;
		}
		if (!in->l)
			return false;
		pl_advance(in, 1);
	} else {
		*value = (struct pl){in->p, 0};
		for (; in->l && !blank(*in->p) && *in->p != ',';
		     pl_advance(in, 1))
			value->l++;
	}
	skip_blanks(in);
	if (in->l && *in->p != ',')
		return false;
	if (in->l)
		pl_advance(in, 1);
	return true;
}

int auth_parse(struct pl value, struct auth_params *p)
{
	const struct {
		const char *name;
		struct pl *to;
	} fields[] = {
		{"username", &p->user},
		{"realm", &p->realm},
		{"nonce", &p->nonce},
		{"uri", &p->uri},
		{"response", &p->response},
		{"cnonce", &p->cnonce},
		{"nc", &p->nc},
		{"qop", &p->qop},
		{"algorithm", &p->algorithm},
	};
	const size_t count = sizeof(fields) / sizeof(fields[0]);
	static const struct pl scheme = PL("Digest");
	struct pl name, v, head = {value.p, scheme.l};

	memset(p, 0, sizeof(*p));
	if (value.l <= scheme.l || pl_casecmp(&head, &scheme) ||
	    !blank(value.p[scheme.l]))
		return EBADMSG;
	pl_advance(&value, (ssize_t)scheme.l);
	while (value.l) {
		if (!next_param(&value, &name, &v))
			return EBADMSG;
		for (size_t i = 0; i < count; i++) {
			if (pl_strcasecmp(&name, fields[i].name))
				continue;
			if (fields[i].to->p)
				return EBADMSG;
			*fields[i].to = v;
		}
	}
	for (size_t i = 0; i < count - 1; i++) /* algorithm may be left out */
		if (!fields[i].to->p)
			return EBADMSG;
	return pl_strcasecmp(&p->qop, "auth") ? EBADMSG : 0;
}

static bool nc_value(struct pl nc, uint32_t *v)
{
	*v = 0;
	if (nc.l != 8)
		return false;
	for (size_t i = 0; i < 8; i++) {
		const char c = (char)(nc.p[i] | 0x20);
		const bool digit = nc.p[i] >= '0' && nc.p[i] <= '9';

		if (!digit && (c < 'a' || c > 'f'))
			return false;
		*v = *v << 4 | (uint32_t)(digit ? nc.p[i] - '0' : c - 'a' + 10);
	}
	return *v > 0;
}

static bool response_right(enum auth_algorithm alg, const struct auth_params *p,
			   struct pl method, const char *ha1)
{
	char ha2[AUTH_HASH_CHARS + 1], want[AUTH_HASH_CHARS + 1];
	struct pl a2[2] = {method, p->uri}, v[6];

	if (hash_parts(alg, a2, 2, ha2))
		return false;
	pl_set_str(&v[0], ha1);
	v[1] = p->nonce;
	v[2] = p->nc;
	v[3] = p->cnonce;
	v[4] = p->qop;
	pl_set_str(&v[5], ha2);
	if (hash_parts(alg, v, 6, want))
		return false;
	return p->response.l == hash_bytes(alg) * 2 &&
	       !CRYPTO_memcmp(want, p->response.p, p->response.l);
}

enum auth_verdict auth_check(struct auth *a, uint64_t now_ms,
			     const struct auth_params *p, struct pl method,
			     const struct auth_secret *s)
{
	static const struct auth_secret nobody = {{"0", "0"}};
	enum auth_algorithm alg = AUTH_MD5;
	uint8_t mac[MAC_BYTES];
	uint64_t ms;
	uint32_t nc;

	if (p->algorithm.p && !pl_strcasecmp(&p->algorithm, "SHA-256"))
		alg = AUTH_SHA256;
	else if (p->algorithm.p && pl_strcasecmp(&p->algorithm, "MD5"))
		return AUTH_WRONG;
	if (!response_right(alg, p, method, (s ? s : &nobody)->ha1[alg]) ||
	    !s || !nc_value(p->nc, &nc))
		return AUTH_WRONG;
	/* Of another process, before a restart: the password is right */
	ms = nonce_time(a, p->nonce, mac);
	if (!ms || ms > now_ms || now_ms - ms > AUTH_NONCE_MS_MAX ||
	    !use(a, ms, mac, nc))
		return AUTH_STALE;
	return AUTH_GOOD;
}
