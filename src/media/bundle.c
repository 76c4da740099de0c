/* SPDX-License-Identifier: ISC */
/** @file bundle.c  Sealing and opening the datagrams of a voice port */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include "base/window.h"
#include "media/bundle.h"

#define WORDS WINDOW_WORDS(VOICE_WINDOW)
#define KEYS 2

struct bundle_tx {
	EVP_CIPHER_CTX *ctx;
	uint32_t id;
	uint64_t counter;	/* of the next datagram */
};

struct keyed {
	EVP_CIPHER_CTX *ctx;	/* NULL: no key here */
	uint32_t id;
	uint64_t received;
	uint64_t first;		/* lowest counter received */
	struct window seen;
	uint64_t bits[WORDS];
};

struct bundle_rx {
	struct keyed keys[KEYS];	/* the newest first */
	struct bundle_rx_stats stats;	/* lost: of keys that are gone */
};

static int ctx_alloc(EVP_CIPHER_CTX **cp, const struct bundle_key *key, int enc)
{
	EVP_CIPHER_CTX *c;

	if (!key->id)
		return EINVAL;
	c = EVP_CIPHER_CTX_new();
	if (!c)
		return ENOMEM;
	if (EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key->key, NULL,
			      enc) != 1) {
		EVP_CIPHER_CTX_free(c);
		return EIO;
	}
	*cp = c;
	return 0;
}

/* ---- sending ---- */

int bundle_tx_alloc(struct bundle_tx **tp, const struct bundle_key *key)
{
	struct bundle_tx *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return ENOMEM;
	err = ctx_alloc(&t->ctx, key, 1);
	if (err) {
		free(t);
		return err;
	}
	t->id = key->id;
	*tp = t;
	return 0;
}

void *bundle_tx_free(struct bundle_tx *t)
{
	if (t) {
		EVP_CIPHER_CTX_free(t->ctx);
		free(t);
	}
	return NULL;
}

uint64_t bundle_tx_count(const struct bundle_tx *t)
{
	return t->counter;
}

int bundle_seal(struct bundle_tx *t, uint8_t *p, size_t n)
{
	uint8_t *body = p + VOICE_HEAD_BYTES, *tag = body + n;
	EVP_CIPHER_CTX *c = t->ctx;
	int k;

	assert(n <= VOICE_PLAIN_MAX);
	if (t->counter >= VOICE_KEY_DATAGRAMS_MAX)
		return EOVERFLOW;
	/* counted before it is used, whatever comes of it */
	voice_head_put(p, t->id, t->counter++);
	if (EVP_EncryptInit_ex(c, NULL, NULL, NULL, p) != 1 ||
	    EVP_EncryptUpdate(c, NULL, &k, p, VOICE_HEAD_BYTES) != 1 ||
	    (n && EVP_EncryptUpdate(c, body, &k, body, (int)n) != 1) ||
	    EVP_EncryptFinal_ex(c, tag, &k) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, VOICE_TAG_BYTES,
				tag) != 1)
		return EIO;
	return 0;
}

/* ---- receiving ---- */

int bundle_rx_alloc(struct bundle_rx **rp)
{
	struct bundle_rx *r = calloc(1, sizeof(*r));

	if (!r)
		return ENOMEM;
	*rp = r;
	return 0;
}

void *bundle_rx_free(struct bundle_rx *r)
{
	if (r) {
		for (int i = 0; i < KEYS; i++)
			EVP_CIPHER_CTX_free(r->keys[i].ctx);
		free(r);
	}
	return NULL;
}

static uint64_t lost(const struct keyed *k)
{
	return k->received ? k->seen.next - k->first - k->received : 0;
}

int bundle_rx_key(struct bundle_rx *r, const struct bundle_key *key)
{
	struct keyed *k = r->keys;
	EVP_CIPHER_CTX *ctx = NULL;
	int err;

	for (int i = 0; i < KEYS; i++) {
		/* the same key again would forget what was seen of it */
		if (k[i].ctx && k[i].id == key->id)
			return EEXIST;
	}
	err = ctx_alloc(&ctx, key, 0);
	if (err)
		return err;
	r->stats.lost += lost(&k[1]);
	EVP_CIPHER_CTX_free(k[1].ctx);
	k[1] = k[0];
	k[1].seen.bits = k[1].bits;
	k[0] = (struct keyed){.ctx = ctx, .id = key->id};
	k[0].seen = (struct window){.bits = k[0].bits, .words = WORDS};
	return 0;
}

static struct keyed *key_find(struct bundle_rx *r, uint32_t id)
{
	for (int i = 0; i < KEYS; i++) {
		if (r->keys[i].ctx && r->keys[i].id == id)
			return &r->keys[i];
	}
	return NULL;
}

static bool authentic(EVP_CIPHER_CTX *c, uint8_t *p, size_t body_n)
{
	uint8_t *body = p + VOICE_HEAD_BYTES, *tag = body + body_n;
	int k;

	return EVP_DecryptInit_ex(c, NULL, NULL, NULL, p) == 1 &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, VOICE_TAG_BYTES,
				   tag) == 1 &&
	       EVP_DecryptUpdate(c, NULL, &k, p, VOICE_HEAD_BYTES) == 1 &&
	       (!body_n ||
		EVP_DecryptUpdate(c, body, &k, body, (int)body_n) == 1) &&
	       EVP_DecryptFinal_ex(c, tag, &k) == 1;
}

int bundle_open(struct bundle_rx *r, uint8_t *p, size_t n, size_t *out)
{
	uint64_t counter;
	uint32_t id;
	struct keyed *k;
	size_t body;

	if (voice_head_parse(p, n, &id, &counter)) {
		r->stats.refused++;
		return EBADMSG;
	}
	k = key_find(r, id);
	if (!k) {
		r->stats.unknown++;
		return ENOKEY;
	}
	if (!window_fresh(&k->seen, counter)) {
		r->stats.replayed++;
		return EALREADY;
	}
	body = n - VOICE_HEAD_BYTES - VOICE_TAG_BYTES;
	if (!authentic(k->ctx, p, body)) {
		r->stats.refused++;
		return EBADMSG;
	}
	window_mark(&k->seen, counter);
	if (!k->received || counter < k->first)
		k->first = counter;
	k->received++;
	if (voice_check(p + VOICE_HEAD_BYTES, body)) {
		r->stats.refused++;
		return EBADMSG;
	}
	r->stats.received++;
	*out = body;
	return 0;
}

void bundle_rx_stats(const struct bundle_rx *r, struct bundle_rx_stats *out)
{
	*out = r->stats;
	for (int i = 0; i < KEYS; i++)
		out->lost += lost(&r->keys[i]);
}
