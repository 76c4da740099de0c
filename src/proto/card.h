/* SPDX-License-Identifier: ISC */
/**
 * @file card.h  Pairing cards, and what two of them make
 *
 * Source: docs/record.md 2 (card, names), docs/protocol.md 2 (secrets).
 */
#ifndef PROTO_CARD_H
#define PROTO_CARD_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/key.h"

#define SHARE_BYTES 32
#define SERIAL_BYTES 16
#define ADDRESS_CHARS_MAX 64	/* "[IPv6]:port", and NUL */

struct card {
	char name[HOST_CHARS_MAX + 1];
	uint8_t log[KEY_BYTES];
	uint8_t cosigner[KEY_BYTES];
	uint8_t trunk[KEY_BYTES];
	uint8_t next[DIGEST_BYTES];	/* SHA-256 of the next log key */
	uint8_t serial[SERIAL_BYTES];
	char address[CARD_ADDRESSES_MAX][ADDRESS_CHARS_MAX];
	size_t addresses;
	uint8_t share[SHARE_BYTES];
	bool has_share;
};

/**
 * Strict parse of a whole or a public card
 *
 * @param where gets what was expected at the place that did not fit; NULL allowed
 * @return 0 or EBADMSG
 */
int card_parse(const void *p, size_t n, struct card *out, const char **where)
	__attribute__((warn_unused_result));
/** Print; with @p share the whole card, without it the public one. */
void card_print(const struct card *c, bool share, struct buf *b);
/** "192.0.2.1:7411" or "[2001:db8::1]:7411", numeric, port 1..65535 */
bool address_ok(struct str s);

#define GEN_CHARS 32
#define WORDS 12
#define IDENTITY_CHARS 32

/** What both sides compute from both cards, seen from one side. */
struct pairing {
	char own_origin[ORIGIN_CHARS_MAX];	/* our feed */
	char peer_origin[ORIGIN_CHARS_MAX];	/* their feed */
	char joint_origin[ORIGIN_CHARS_MAX];
	char gen[GEN_CHARS + 1];
	bool own_pivot;
	uint8_t agreement[DIGEST_BYTES];	/* SHA-256 of the pairing text */
	uint64_t agreement_bytes;
	uint8_t dial_psk[32];			/* we dial them */
	char dial_identity[IDENTITY_CHARS + 1];
	uint8_t listen_psk[32];			/* they dial us */
	char listen_identity[IDENTITY_CHARS + 1];
	uint8_t word[WORDS];			/* index into card_word() */
};

/**
 * Both cards with their shares; secrets are left zero when a share is missing
 *
 * @return 0; EEXIST when names or any two keys are equal; ENOMEM, EIO
 */
int pairing_make(struct pairing *out, const struct card *own,
		 const struct card *peer) __attribute__((warn_unused_result));

/** The word to read out for a value 0..255. */
const char *card_word(uint8_t i);

#endif
