/* SPDX-License-Identifier: ISC */
/**
 * @file tlspsk.h  One TLS 1.3 connection whose only credential is an external
 *                 PSK (docs/protocol.md 3)
 *
 * psk_dhe_ke, X25519, TLS_AES_128_GCM_SHA256; no certificate, ticket, early
 * data or resumption.  Non-blocking; belongs to the loop that made it.
 */
#ifndef TRUNK_TLSPSK_H
#define TRUNK_TLSPSK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "proto/card.h"
#include "proto/frame.h"
#include "trunk/tally.h"

#define PSK_BYTES 32
#define TLS_RECORD_BYTES 16384	/* plaintext of a full record */

/** What both roles share: OpenSSL's contexts.  Made before the sandbox. */
struct tlspsk_ctx;

/**
 * A ClientHello names this identity.
 *
 * @param psk gets the secret
 * @param tag gets a number to be found by tlspsk_tag()
 * @return TALLY_NONE: known.  Else what to count: the connection is refused
 */
typedef enum tally_kind(tlspsk_find_h)(const char *identity, size_t n,
				       uint8_t psk[PSK_BYTES], uint32_t *tag,
				       void *arg);

/** ENOMEM, or EIO when OpenSSL lacks what the profile needs.  h and arg are
 *  kept. */
int tlspsk_ctx_alloc(struct tlspsk_ctx **cp, tlspsk_find_h *h, void *arg)
	__attribute__((warn_unused_result));
void *tlspsk_ctx_free(struct tlspsk_ctx *c);

struct tlspsk;

/** @p fd is borrowed and must outlive it.  ENOMEM. */
int tlspsk_dial(struct tlspsk **tp, struct tlspsk_ctx *c, int fd,
		const char *identity, const uint8_t psk[PSK_BYTES])
	__attribute__((warn_unused_result));
/** At most limit_bytes are read from the socket until tlspsk_unlimit(). */
int tlspsk_accept(struct tlspsk **tp, struct tlspsk_ctx *c, int fd,
		  uint64_t limit_bytes) __attribute__((warn_unused_result));
/** Says nothing to the peer; copes with NULL; returns NULL. */
void *tlspsk_free(struct tlspsk *t);

/** 0: done, the PSK is proven by both.  EAGAIN: tlspsk_wants_write() says
 *  for what.  EPROTO: refused, tlspsk_why() and tlspsk_tally() say why. */
int tlspsk_handshake(struct tlspsk *t) __attribute__((warn_unused_result));
/** The identity in the ClientHello was known. */
bool tlspsk_known(const struct tlspsk *t);
/** What the find handler gave for it. */
uint32_t tlspsk_tag(const struct tlspsk *t);
/** RFC 8446 7.5, label EXPORTER-ringdown-hello/v1.  After the handshake. */
int tlspsk_exporter(struct tlspsk *t, uint8_t out[EXPORTER_BYTES])
	__attribute__((warn_unused_result));
void tlspsk_unlimit(struct tlspsk *t);

/** At most one record.  0 and *got > 0; EAGAIN; ECONNRESET: the peer has
 *  ended it or it broke; EPROTO: against TLS, or over the limit.  Read until
 *  EAGAIN: what is in hand here no poll will announce. */
int tlspsk_read(struct tlspsk *t, void *p, size_t n, size_t *got)
	__attribute__((warn_unused_result));
/** At most one record.  0 and *put > 0; EAGAIN: call again with the same
 *  octets and no fewer; ECONNRESET; EPROTO. */
int tlspsk_write(struct tlspsk *t, const void *p, size_t n, size_t *put)
	__attribute__((warn_unused_result));
/** The last EAGAIN waits for room to write. */
bool tlspsk_wants_write(const struct tlspsk *t);
/** Say close_notify, as far as the socket takes it. */
void tlspsk_bye(struct tlspsk *t);

/** Octets on the wire. */
uint64_t tlspsk_bytes_in(const struct tlspsk *t);
uint64_t tlspsk_bytes_out(const struct tlspsk *t);
/** Words for a person; never NULL. */
const char *tlspsk_why(const struct tlspsk *t);
enum tally_kind tlspsk_tally(const struct tlspsk *t);

#endif
