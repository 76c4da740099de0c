/* SPDX-License-Identifier: ISC */
/**
 * @file rtpsec.h  SRTP and SRTCP: sealing and opening packets in place
 *
 * Source: RFC 3711 (AES-CM with HMAC-SHA1), RFC 7714 (AES-GCM), RFC 4568 6.2.
 * Key derivation rate 0, no MKI, SRTCP always encrypted; SRTCP of
 * AES_CM_128_HMAC_SHA1_32 has a tag of 80 bits, as there.
 *
 * An object is one direction of one leg: a sender seals, a receiver opens.
 * The cipher contexts are kept; a packet costs no allocation.  An SSRC is
 * taken up only when a packet of it was authentic: forged ones cost CPU and
 * no state.  A sender keeps windows too: two packets under one index would
 * give away the key stream, and of GCM the authentication key.
 */
#ifndef MEDIA_RTPSEC_H
#define MEDIA_RTPSEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/text.h"

#define RTPSEC_WINDOW 128	/* packets; older ones are refused */
#define RTPSEC_SSRCS_MAX 8	/* under one key; one more is refused */
#define RTPSEC_MASTER_MAX 44	/* key, then salt */
#define RTPSEC_TAIL_MAX 20	/* what sealing adds at most */

enum rtpsec_suite {
	RTPSEC_CM80,	/* AES_CM_128_HMAC_SHA1_80 */
	RTPSEC_CM32,	/* AES_CM_128_HMAC_SHA1_32 */
	RTPSEC_GCM128,	/* AEAD_AES_128_GCM */
	RTPSEC_GCM256,	/* AEAD_AES_256_GCM */
	RTPSEC_SUITES
};

enum rtpsec_role { RTPSEC_SENDER, RTPSEC_RECEIVER };

/** The suite's name in SDP (RFC 4568, RFC 7714 14.1). */
const char *rtpsec_suite_name(enum rtpsec_suite suite);
/** Its inverse.  ENOENT: none that is known here. */
int rtpsec_suite_find(struct str name, enum rtpsec_suite *out)
	__attribute__((warn_unused_result));
/** Octets of master key and salt together, as in SDP's inline parameter. */
size_t rtpsec_master_bytes(enum rtpsec_suite suite);

/** Session keys: of RTP or of RTCP. */
struct rtpsec_keys {
	uint8_t enc[32];	/* 16 octets of it for 128-bit suites */
	uint8_t auth[20];	/* unused by GCM */
	uint8_t salt[14];	/* 12 octets of it for GCM */
};

/** Session keys from the master (RFC 3711 4.3.1).  EIO: OpenSSL refuses. */
int rtpsec_derive(enum rtpsec_suite suite, const uint8_t *master, bool rtcp,
		  struct rtpsec_keys *out) __attribute__((warn_unused_result));

struct rtpsec;	/* used by one thread */

/**
 * Make one direction from the master
 *
 * @param sp     owned, freed by rtpsec_free()
 * @param master [n octets] key, then salt
 * @return 0; EINVAL: n is not rtpsec_master_bytes(); ENOMEM; EIO
 */
int rtpsec_alloc(struct rtpsec **sp, enum rtpsec_suite suite,
		 enum rtpsec_role role, const uint8_t *master, size_t n)
	__attribute__((warn_unused_result));
/** The same from session keys.  ENOMEM, EIO. */
int rtpsec_alloc_keys(struct rtpsec **sp, enum rtpsec_suite suite,
		      enum rtpsec_role role, const struct rtpsec_keys *rtp,
		      const struct rtpsec_keys *rtcp)
	__attribute__((warn_unused_result));
/** Frees and wipes; copes with NULL; returns NULL. */
void *rtpsec_free(struct rtpsec *s);

/**
 * Seal an RTP packet / an RTCP compound in place
 *
 * @param n    octets there; then octets of the sealed packet
 * @param size octets of memory at p, at least n + RTPSEC_TAIL_MAX
 * @return 0; EBADMSG not RTP or RTCP; EMSGSIZE no room; EALREADY this index
 *         is sealed, or too old to know; ENOSPC too many SSRCs; EOVERFLOW the
 *         key is used up; EIO.  On failure nothing may be sent.
 */
int rtpsec_seal(struct rtpsec *s, uint8_t *p, size_t *n, size_t size)
	__attribute__((warn_unused_result));
int rtpsec_seal_rtcp(struct rtpsec *s, uint8_t *p, size_t *n, size_t size)
	__attribute__((warn_unused_result));
/**
 * Open one in place
 *
 * @param n octets received; then octets of the open packet
 * @return 0; EBADMSG malformed or not authentic; EALREADY replayed or too
 *         old; ENOSPC too many SSRCs.  On failure the octets are void.
 */
int rtpsec_open(struct rtpsec *s, uint8_t *p, size_t *n)
	__attribute__((warn_unused_result));
int rtpsec_open_rtcp(struct rtpsec *s, uint8_t *p, size_t *n)
	__attribute__((warn_unused_result));

#endif
