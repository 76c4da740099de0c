/* SPDX-License-Identifier: ISC */
/**
 * @file frame.h  What travels on a path: frames, HELLO, lanes, bulk
 *
 * Source: docs/protocol.md 4-6.  On the wire a frame is
 *
 *   u32be length of payload | u8 type | payload
 *
 * inside TLS.  All numbers are big-endian.  Decoders take one payload, check
 * it to the last octet and return EBADMSG for everything they would not write.
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/key.h"

enum frame_type {
	FRAME_HELLO = 1,	/* keeper to keeper, first on every path */
	FRAME_BEAT = 2,		/* trunk to trunk */
	FRAME_LANE = 3,		/* keeper to keeper, sequenced */
	FRAME_ACK = 4,		/* keeper to keeper: lanes' progress alone */
	FRAME_BULK = 5,		/* octets of a blob, asked for by MSG_WANT */
	FRAME_BYE = 6,		/* reason, then the path is closed */
	FRAME_TYPES = 7
};

/* ---- HELLO ---- */

#define SID_BYTES 16
#define EXPORTER_BYTES 32
#define PROTOCOL_VERSION 1

enum hello_role { HELLO_DIALLER = 0, HELLO_LISTENER = 1 };

/** Views into the payload, which must outlive it. */
struct hello {
	uint16_t version;
	uint8_t role;
	uint8_t path;			/* number of the path, 0..7 */
	struct str from;		/* host names */
	struct str to;
	uint8_t sid[SID_BYTES];		/* sender's session */
	uint8_t peer_sid[SID_BYTES];	/* receiver's, as far as known; or 0 */
	uint64_t rx[LANES];		/* frames received of that session */
	int64_t time_ms;		/* sender's clock */
	struct str own;			/* note: own feed's newest; or empty */
	struct str held;		/* note: receiver's feed as held */
	struct str seen;		/* note: receiver's largest ever seen */
	uint8_t sig[SIG_BYTES];
};

/** Encode and sign with the trunk key over the path's TLS exporter. */
int hello_encode(const struct hello *h, const uint8_t exporter[EXPORTER_BYTES],
		 const struct key *trunk, struct buf *out)
	__attribute__((warn_unused_result));
/** Decode; does not check the signature.  0 or EBADMSG. */
int hello_decode(const void *p, size_t n, struct hello *out)
	__attribute__((warn_unused_result));
/** True when the payload is signed by the key over this exporter. */
bool hello_signed(const void *p, size_t n,
		  const uint8_t exporter[EXPORTER_BYTES],
		  const struct key *trunk);

/* ---- BEAT ---- */

struct beat {
	uint64_t stamp_us;	/* sender's monotonic clock */
	uint64_t echo_us;	/* newest stamp received; 0: none yet */
	uint32_t echo_age_us;	/* how long ago that was */
	uint64_t turn;		/* the sender's keeper: turns done */
	uint32_t turn_age_ms;	/* and how long ago it last answered */
};

/** Append a payload / decode one of exactly this length.  0 or EBADMSG. */
void beat_encode(const struct beat *b, struct buf *out);
int beat_decode(const void *p, size_t n, struct beat *out)
	__attribute__((warn_unused_result));

/* ---- lanes ---- */

enum lane { LANE_CONTROL = 0, LANE_RECORD = 1 };

/** Messages inside lane frames. */
enum msg_type {
	MSG_ENTRIES = 10,
	MSG_CHECKPOINT = 11,
	MSG_COSIGNATURE = 12,
	MSG_JOINT = 13,
	MSG_WANT = 14,
	MSG_FETCH = 15,
	MSG_GONE = 16,	/* a wanted blob cannot be given */
	MSG_ATTEST = 17, /* answer to FETCH: the largest of your trees I saw */
	MSG_SERVICE = 18 /* technicians' chat: never in the record */
};

enum whose { WHOSE_SENDER = 0, WHOSE_RECEIVER = 1 };

struct lane_frame {
	uint8_t lane;
	uint64_t seq;	/* 1, 2, ... in a session and lane */
	uint64_t ack;	/* highest contiguous seq received in that lane */
	uint8_t msg;
	const uint8_t *body;	/* borrowed */
	size_t body_n;
};

/** Octets before the body of a lane frame's payload. */
#define LANE_HEAD_BYTES 18

/** Append all before the body / decode, body a view.  0 or EBADMSG: no such
 *  lane, seq 0, shorter than the head. */
void lane_encode_head(const struct lane_frame *f, struct buf *out);
int lane_decode(const void *p, size_t n, struct lane_frame *out)
	__attribute__((warn_unused_result));

/** FRAME_ACK: u64 for each lane, u8 bits: lane i has a gap, send again. */
void ack_encode(const uint64_t ack[LANES], uint8_t gaps, struct buf *out);
int ack_decode(const void *p, size_t n, uint64_t ack[LANES], uint8_t *gaps)
	__attribute__((warn_unused_result));

/* MSG_ENTRIES: u8 whose, u64 first, u16 count, count * (u16 entry length,
   entry, u16 body length, body).  Body length 0: none here. */
struct entries_item {
	const uint8_t *entry;
	size_t entry_n;
	const uint8_t *body;
	size_t body_n;
};

/** Append the head, then exactly @p count items: an entry of 1 to 65535
 *  octets, a body of at most BODY_INLINE_MAX. */
void entries_begin(struct buf *out, enum whose whose, uint64_t first,
		   uint16_t count);
void entries_add(struct buf *out, const struct entries_item *it);
/** Start reading: *c is left at the first item; then the next item, views.
 *  0 or EBADMSG: count 0, numbers beyond 2^63-1, an item cut off or too
 *  long.  At the end ask cur_done(). */
int entries_open(struct cur *c, uint8_t *whose, uint64_t *first,
		 uint16_t *count) __attribute__((warn_unused_result));
int entries_next(struct cur *c, struct entries_item *it)
	__attribute__((warn_unused_result));

/* MSG_SERVICE: u8 length, who (1 to 200 octets), text (1 to 2000): UTF-8 */
#define SERVICE_BY_CHARS_MAX 200
#define SERVICE_BYTES_MAX 2000

/* MSG_CHECKPOINT: u8 whose, note.  MSG_COSIGNATURE, MSG_ATTEST: note over the
   receiver's feed.  MSG_JOINT: note. */

/** Added to seq in WANT, BULK and GONE: the entry is in the feed of the one who
 *  asks, who lost it and wants it back (restore). */
#define BODY_OF_ASKER (1ULL << 63)

/** MSG_WANT: octets of the body named by the receiver's entry seq. */
struct want {
	uint64_t seq;
	uint64_t offset;
	uint32_t bytes;		/* <= BULK_WINDOW_BYTES */
};

/** Append a payload / decode one of exactly this length.  0 or EBADMSG: bytes
 *  0 or above the window, offset above BLOB_BYTES_MAX. */
void want_encode(const struct want *w, struct buf *out);
int want_decode(const void *p, size_t n, struct want *out)
	__attribute__((warn_unused_result));

/* MSG_FETCH, MSG_GONE: u64 */

/** FRAME_BULK: octets of the body named by the sender's entry seq. */
struct bulk {
	uint64_t seq;
	uint64_t offset;
	const uint8_t *p;	/* borrowed */
	size_t n;
};

#define BULK_HEAD_BYTES 16
/** Append all before the octets / decode, octets a view.  0 or EBADMSG: none
 *  or more than BULK_BYTES of them, offset above BLOB_BYTES_MAX. */
void bulk_encode_head(uint64_t seq, uint64_t offset, struct buf *out);
int bulk_decode(const void *p, size_t n, struct bulk *out)
	__attribute__((warn_unused_result));

#endif
