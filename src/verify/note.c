/* SPDX-License-Identifier: ISC */
/** @file note.c  Keys, cards and signed checkpoints (docs/record.md 2 and 4) */
#include "verify/verify.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static bool ed25519_ok(const struct key *k, const uint8_t *sig,
		       struct slice text)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
						    k->pub, KEY_LEN);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	const bool ok = key && md &&
			EVP_DigestVerifyInit(md, NULL, NULL, NULL, key) == 1 &&
			EVP_DigestVerify(md, sig, SIG_LEN, text.p, text.n) == 1;

	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return ok;
}

void key_make(struct key *k, const char *name, uint8_t type, const uint8_t *pub)
{
	const uint8_t mark[] = {'\n', type};
	const struct slice part[] = {slice_of(name), {mark, 2}, {pub, KEY_LEN}};
	uint8_t hash[HASH_LEN];

	hash_parts(part, 3, hash);
	snprintf(k->name, sizeof(k->name), "%s", name);
	k->type = type;
	memcpy(k->id, hash, sizeof(k->id));
	memcpy(k->pub, pub, KEY_LEN);
}

void key_print(const struct key *k, char out[static VKEY_LEN])
{
	uint8_t raw[1 + KEY_LEN] = {k->type};
	char id[9], b64[48];

	memcpy(raw + 1, k->pub, KEY_LEN);
	hex_print(k->id, sizeof(k->id), id);
	b64_print(raw, sizeof(raw), b64);
	snprintf(out, VKEY_LEN, "%s+%s+%s", k->name, id, b64);
}

bool key_parse(struct slice s, struct key *k)
{
	uint8_t raw[1 + KEY_LEN], id[4];
	struct slice name, pub;
	char str[NAME_LEN];

	if (!scan(s, "%l+%c+%*", &name, id, &pub) || name.n >= sizeof(str) ||
	    !text_clean(name) || memchr(name.p, '\n', name.n) ||
	    b64_decode(pub, raw, sizeof(raw)) != sizeof(raw))
		return false;
	memcpy(str, name.p, name.n);
	str[name.n] = '\0';
	key_make(k, str, raw[0], raw + 1);
	return (k->type == TYPE_LOG || k->type == TYPE_COSIGNER) &&
	       !memcmp(id, k->id, 4);
}

bool keys_repeat(const struct card *a, const struct card *b)
{
	for (unsigned i = 0; i < CARD_KEYS; i++) {
		for (unsigned k = 0; k < CARD_KEYS; k++) {
			if ((a != b || i != k) &&
			    !memcmp(a->key[i], b->key[k], KEY_LEN))
				return true;
		}
	}
	return false;
}

bool card_parse(struct slice s, bool whole_ok, struct card *c)
{
	uint8_t share[KEY_LEN], check[4], hash[HASH_LEN];
	struct slice host, rest;

	if (s.n > CARD_MAX || !text_clean(s) ||
	    !scan(s,
		  "ringdown-card/v1\nname %o\nlog %h\ncosigner %h\ntrunk %h\n"
		  "next sha256:%x\nserial %n\n%*",
		  &host, c->key[LOG], c->key[COSIGNER], c->key[TRUNK], c->next,
		  &rest))
		return false;
	memset(c->host, 0, sizeof(c->host));
	memcpy(c->host, host.p, host.n);
	for (unsigned n = 0; n < ADDRESSES_MAX; n++) {
		if (!scan(rest, "address %a\n%*", &rest))
			break;
	}
	c->text = (struct slice){s.p, s.n - rest.n};
	if (rest.n) {
		if (!whole_ok ||
		    !scan(rest, "share %h\ncheck %c\n", share, check))
			return false;
		hash_bytes(s.p, s.n - strlen("check 01234567\n"), hash);
		if (memcmp(hash, check, 4))
			return false;
	}
	return !keys_repeat(c, c);
}

bool cosignature_ok(const struct key *k, uint64_t time_s, struct slice body,
		    const uint8_t *sig)
{
	uint8_t msg[64 + NOTE_MAX];
	const int n = snprintf((char *)msg, 64, "cosignature/v1\ntime %llu\n",
			       (unsigned long long)time_s);

	if (time_s > INT64_MAX || body.n > NOTE_MAX)
		return false;
	memcpy(msg + n, body.p, body.n);
	return ed25519_ok(k, sig, (struct slice){msg, (size_t)n + body.n});
}

/* A signature line's bytes, after the key ID */
static bool sig_ok(const struct key *k, const uint8_t *raw, size_t len,
		   struct slice body, uint64_t *time_s)
{
	if (k->type == TYPE_LOG)
		return len == SIG_LEN && ed25519_ok(k, raw, body);
	*time_s = 0;
	for (unsigned i = 0; i < 8; i++)
		*time_s = *time_s << 8 | raw[i];
	return len == 8 + SIG_LEN && cosignature_ok(k, *time_s, body, raw + 8);
}

static bool line_ok(struct slice name, struct slice b64, struct slice body,
		    const struct key *keys, unsigned count, struct note *n)
{
	uint8_t raw[4 + 8 + SIG_LEN] = {0};
	const size_t len = b64_decode(b64, raw, sizeof(raw));

	if (len < 5 || !name_clean(name))
		return false;
	for (unsigned k = 0; k < count; k++) {
		const bool log = keys[k].type == TYPE_LOG;

		if (!slice_is(name, keys[k].name) ||
		    memcmp(raw, keys[k].id, 4) ||
		    (log && !slice_is(n->origin, keys[k].name)))
			continue;
		if (n->mask >> k & 1 ||
		    !sig_ok(&keys[k], raw + 4, len - 4, body, &n->time_s[k]))
			return false;
		n->mask |= 1u << k;
		n->by_log |= log;
	}
	return true;
}

bool note_open(struct slice s, const struct key *keys, unsigned count,
	       struct note *n)
{
	struct slice body = s, rest, name, b64;
	unsigned lines = 0;

	memset(n, 0, sizeof(*n));
	if (s.n < 2 || s.n > NOTE_MAX || !text_clean(s))
		return false;
	/* the text ends at the last empty line */
	for (body.n--; body.n && memcmp(s.p + body.n - 1, "\n\n", 2); body.n--)
		;
	if (!scan(body, "%l\n%u\n%h\n", &n->origin, &n->size, n->root))
		return false;
	rest = (struct slice){s.p + body.n + 1, s.n - body.n - 1};
	for (; rest.n; lines++) {
		if (lines == SIGS_MAX ||
		    !scan(rest, "\xe2\x80\x94 %l %l\n%*", &name, &b64, &rest) ||
		    !line_ok(name, b64, body, keys, count, n))
			return false;
	}
	return lines > 0;
}
