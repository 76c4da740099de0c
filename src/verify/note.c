/* SPDX-License-Identifier: ISC */
/** @file note.c  Keys, cards and signed checkpoints (docs/record.md 2 and 4) */
#include <stdio.h>
#include <string.h>
#include <openssl/evp.h>
#include "verify/verify.h"

static bool ed25519_ok(const uint8_t pub[static KEY_LEN], const uint8_t *sig,
		       const uint8_t *msg, size_t len)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub,
						    KEY_LEN);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	const bool ok = key && md &&
			EVP_DigestVerifyInit(md, NULL, NULL, NULL, key) == 1 &&
			EVP_DigestVerify(md, sig, SIG_LEN, msg, len) == 1;

	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return ok;
}

void key_make(struct key *k, const char *name, uint8_t type,
	      const uint8_t pub[static KEY_LEN])
{
	uint8_t buf[ORIGIN_MAX + 2 + KEY_LEN], hash[HASH_LEN];
	const size_t n = strnlen(name, ORIGIN_MAX - 1);

	memcpy(buf, name, n);
	buf[n] = '\n';
	buf[n + 1] = type;
	memcpy(buf + n + 2, pub, KEY_LEN);
	hash_bytes(buf, n + 2 + KEY_LEN, hash);
	memset(k, 0, sizeof(*k));
	memcpy(k->name, name, n);
	k->type = type;
	memcpy(k->id, hash, sizeof(k->id));
	memcpy(k->pub, pub, KEY_LEN);
}

void key_print(const struct key *k, char out[static ORIGIN_MAX + 64])
{
	uint8_t raw[1 + KEY_LEN];
	char id[9], b64[48];

	raw[0] = k->type;
	memcpy(raw + 1, k->pub, KEY_LEN);
	hex_print(k->id, sizeof(k->id), id);
	b64_print(raw, sizeof(raw), b64);
	snprintf(out, ORIGIN_MAX + 64, "%s+%s+%s", k->name, id, b64);
}

bool key_parse(struct slice s, struct key *k)
{
	const uint8_t *plus = s.n ? memchr(s.p, '+', s.n) : NULL;
	const size_t n = plus ? (size_t)(plus - s.p) : 0;
	char name[ORIGIN_MAX];
	uint8_t raw[1 + KEY_LEN], id[4];

	if (n < 1 || n >= sizeof(name) || s.n < n + 10 || s.p[n + 9] != '+' ||
	    !text_clean(s.p, n, false) ||
	    !hex_parse((struct slice){s.p + n + 1, 8}, id, 4) ||
	    !b64_exact((struct slice){s.p + n + 10, s.n - n - 10}, raw,
		       sizeof(raw)))
		return false;
	memcpy(name, s.p, n);
	name[n] = '\0';
	key_make(k, name, raw[0], raw + 1);
	return (raw[0] == TYPE_LOG || raw[0] == TYPE_COSIGNER) &&
	       !memcmp(id, k->id, 4);
}

static bool card_key(struct slice *in, const char *name, uint8_t *out)
{
	struct slice line;

	return slice_line(in, &line) && slice_after(&line, name) &&
	       b64_exact(line, out, KEY_LEN);
}

/* `share` and `check`, or nothing: the end of a card */
static bool card_secret(struct slice all, struct slice in)
{
	const size_t at = all.n - in.n;
	uint8_t share[KEY_LEN], check[4], hash[HASH_LEN];
	struct slice line;

	if (!in.n)
		return true;
	if (!card_key(&in, "share ", share))
		return false;
	hash_bytes(all.p, all.n - in.n, hash);
	return slice_line(&in, &line) && slice_after(&line, "check ") &&
	       hex_parse(line, check, 4) && !in.n && at &&
	       !memcmp(hash, check, 4);
}

bool card_parse(struct slice s, bool whole_ok, struct card *c)
{
	struct slice in = s, line, rest;
	unsigned addresses = 0;

	if (s.n > CARD_MAX || !text_clean(s.p, s.n, true) ||
	    !slice_line(&in, &line) || !slice_is(line, "ringdown-card/v1") ||
	    !slice_line(&in, &line) || !slice_after(&line, "name ") ||
	    !host_ok(line))
		return false;
	memset(c, 0, sizeof(*c));
	memcpy(c->host, line.p, line.n);
	if (!card_key(&in, "log ", c->log) ||
	    !card_key(&in, "cosigner ", c->cosigner) ||
	    !card_key(&in, "trunk ", c->trunk) || !slice_line(&in, &line) ||
	    !slice_after(&line, "next sha256:") ||
	    !hex_parse(line, c->next, HASH_LEN) || !slice_line(&in, &line) ||
	    !slice_after(&line, "serial ") || !hex_parse(line, NULL, 16))
		return false;
	for (rest = in;
	     slice_line(&rest, &line) && slice_after(&line, "address ");
	     in = rest) {
		if (++addresses > ADDRESSES_MAX || !address_ok(line))
			return false;
	}
	c->text_len = s.n - in.n;
	memcpy(c->text, s.p, c->text_len);
	if (in.n && (!whole_ok || !card_secret(s, in)))
		return false;
	return memcmp(c->log, c->cosigner, KEY_LEN) &&
	       memcmp(c->log, c->trunk, KEY_LEN) &&
	       memcmp(c->cosigner, c->trunk, KEY_LEN);
}

/* No Unicode space, no plus; SP has ended the name already */
static bool name_ok(struct slice s)
{
	static const char *const space[] = {
		"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
		"\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
	};

	if (!s.n || memchr(s.p, '+', s.n))
		return false;
	for (size_t i = 0; i < sizeof(space) / sizeof(space[0]); i++) {
		if (memmem(s.p, s.n, space[i], strlen(space[i])))
			return false;
	}
	for (size_t i = 0; i + 3 <= s.n; i++) {		/* U+2000 to U+200A */
		if (!memcmp(s.p + i, "\xe2\x80", 2) && s.p[i + 2] <= 0x8a)
			return false;
	}
	return true;
}

static bool sig_parse(struct slice line, struct sig *sig)
{
	return slice_after(&line, "\xe2\x80\x94 ") &&
	       slice_word(&line, &sig->name) && name_ok(sig->name) &&
	       b64_parse(line, sig->raw, sizeof(sig->raw), &sig->len) &&
	       sig->len >= 5;
}

bool note_parse(struct slice s, struct note *n)
{
	const uint8_t *gap = NULL;
	struct slice in, line;

	memset(n, 0, sizeof(*n));
	if (s.n > NOTE_MAX || !text_clean(s.p, s.n, true))
		return false;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i - 1] == '\n' && s.p[i] == '\n')
			gap = s.p + i;
	}
	if (!gap)
		return false;
	n->text = in = (struct slice){s.p, (size_t)(gap - s.p)};
	if (!slice_line(&in, &n->origin) || !n->origin.n ||
	    !slice_line(&in, &line) || !uint_parse(line, &n->size) ||
	    !slice_line(&in, &line) || !b64_exact(line, n->root, HASH_LEN) ||
	    in.n)
		return false;
	in = (struct slice){gap + 1, s.n - n->text.n - 1};
	while (in.n) {
		if (n->sigs == SIGS_MAX || !slice_line(&in, &line) ||
		    !sig_parse(line, &n->sig[n->sigs++]))
			return false;
	}
	return n->sigs > 0;
}

bool cosignature_ok(const struct key *k, uint64_t time_s, struct slice text,
		    const uint8_t sig[static SIG_LEN])
{
	uint8_t msg[64 + NOTE_MAX];
	const int n = snprintf((char *)msg, 64, "cosignature/v1\ntime %llu\n",
			       (unsigned long long)time_s);

	if (time_s > UINT_MAX_VALUE || text.n > NOTE_MAX)
		return false;
	memcpy(msg + n, text.p, text.n);
	return ed25519_ok(k->pub, sig, msg, (size_t)n + text.n);
}

static bool sig_ok(const struct sig *sig, const struct key *k,
		   struct slice text, uint64_t *time_s)
{
	uint64_t t = 0;

	if (k->type == TYPE_LOG)
		return sig->len == 4 + SIG_LEN &&
		       ed25519_ok(k->pub, sig->raw + 4, text.p, text.n);
	for (unsigned i = 4; i < 12; i++)
		t = t << 8 | sig->raw[i];
	*time_s = t;
	return sig->len == 12 + SIG_LEN &&
	       cosignature_ok(k, t, text, sig->raw + 12);
}

bool note_verify(struct note *n, const struct key *keys, unsigned count)
{
	for (unsigned i = 0; i < n->sigs; i++) {
		const struct sig *sig = &n->sig[i];

		for (unsigned k = 0; k < count; k++) {
			if (!slice_is(sig->name, keys[k].name) ||
			    memcmp(sig->raw, keys[k].id, 4))
				continue;
			if (n->mask >> k & 1 ||
			    !sig_ok(sig, &keys[k], n->text, &n->time_s[k]))
				return false;
			n->mask |= 1u << k;
		}
	}
	return true;
}
