/* SPDX-License-Identifier: ISC */
/** @file pairing.c  What both sides compute from both cards */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "proto/card.h"

static void put_be(uint8_t *out, uint64_t v, int n)
{
	for (int i = n - 1; i >= 0; i--, v >>= 8)
		out[i] = (uint8_t)v;
}

/* Names and keys must tell the sides and the uses apart (record.md 2) */
static bool distinct(const struct card *a, const struct card *b)
{
	const uint8_t *key[] = {a->log, a->cosigner, a->trunk,
				b->log, b->cosigner, b->trunk};

	if (!strcmp(a->name, b->name))
		return false;
	for (int i = 0; i < 6; i++) {
		for (int k = 0; k < i; k++) {
			if (!memcmp(key[i], key[k], KEY_BYTES))
				return false;
		}
	}
	return true;
}

static void names(struct pairing *out, const struct card *own,
		  const struct card *peer, const struct buf *lo,
		  const struct buf *hi)
{
	const bool own_first = strcmp(own->name, peer->name) < 0;
	uint8_t len[2][4], generation[8] = {0}, h[DIGEST_BYTES];

	put_be(len[0], lo->n, 4);
	put_be(len[1], hi->n, 4);
	digest_pieces((struct piece[]){{"ringdown-gen/v1\n", 16},
				       {len[0], 4},
				       {lo->p, lo->n},
				       {len[1], 4},
				       {hi->p, hi->n},
				       {generation, 8}},
		      6, h);
	hex_encode(h, GEN_CHARS / 2, out->gen);
	digest_pieces((struct piece[]){{lo->p, lo->n}, {hi->p, hi->n}}, 2,
		      out->agreement);
	out->agreement_bytes = lo->n + hi->n;
	snprintf(out->own_origin, ORIGIN_CHARS_MAX, "%s/ringdown/%s/%s",
		 own->name, peer->name, out->gen);
	snprintf(out->peer_origin, ORIGIN_CHARS_MAX, "%s/ringdown/%s/%s",
		 peer->name, own->name, out->gen);
	snprintf(out->joint_origin, ORIGIN_CHARS_MAX, "ringdown/%s/%s/%s",
		 own_first ? own->name : peer->name,
		 own_first ? peer->name : own->name, out->gen);
}

/* One secret a use: info is label || dialler's log key || listener's */
static int expand(const uint8_t secret[32], const char *label,
		  const struct card *dialler, const struct card *listener,
		  uint8_t *out, size_t n)
{
	uint8_t info[32 + 2 * KEY_BYTES] = {0};

	memcpy(info, label, strlen(label));
	memcpy(info + 32, dialler->log, KEY_BYTES);
	memcpy(info + 32 + KEY_BYTES, listener->log, KEY_BYTES);
	return digest_hkdf(secret, 32, "", 0, info, sizeof(info), out, n);
}

static int secrets(struct pairing *out, const struct card *own,
		   const struct card *peer)
{
	const struct card *lo = out->own_pivot ? own : peer,
			  *hi = out->own_pivot ? peer : own;
	uint8_t shares[2 * SHARE_BYTES], secret[32], id[IDENTITY_CHARS / 2];
	int err;

	memcpy(shares, lo->share, SHARE_BYTES);
	memcpy(shares + SHARE_BYTES, hi->share, SHARE_BYTES);
	err = digest_hkdf(shares, sizeof(shares), "ringdown-trunk/v1", 17,
			  out->gen, GEN_CHARS, secret, sizeof(secret));
	if (err)
		return err;
	err = expand(secret, "psk", own, peer, out->dial_psk, 32);
	if (err)
		return err;
	err = expand(secret, "psk", peer, own, out->listen_psk, 32);
	if (err)
		return err;
	err = expand(secret, "identity", own, peer, id, sizeof(id));
	if (err)
		return err;
	hex_encode(id, sizeof(id), out->dial_identity);
	err = expand(secret, "identity", peer, own, id, sizeof(id));
	if (err)
		return err;
	hex_encode(id, sizeof(id), out->listen_identity);
	return expand(secret, "words", lo, hi, out->word, WORDS);
}

int pairing_make(struct pairing *out, const struct card *own,
		 const struct card *peer)
{
	struct buf a, b;
	int err;

	*out = (struct pairing){0};
	if (!distinct(own, peer))
		return EEXIST;
	buf_init(&a, CARD_BYTES_MAX);
	buf_init(&b, CARD_BYTES_MAX);
	card_print(own, false, &a);
	card_print(peer, false, &b);
	err = a.err ? a.err : b.err;
	if (!err) {
		out->own_pivot = memcmp(own->log, peer->log, KEY_BYTES) < 0;
		names(out, own, peer, out->own_pivot ? &a : &b,
		      out->own_pivot ? &b : &a);
		if (own->has_share && peer->has_share)
			err = secrets(out, own, peer);
	}
	buf_free(&a);
	buf_free(&b);
	return err;
}
