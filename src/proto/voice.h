/* SPDX-License-Identifier: ISC */
/**
 * @file voice.h  What travels on a path's voice port: datagrams of frames
 *
 * Source: docs/voice.md.  A datagram is, in octets,
 *
 *   4 key | 8 counter | frames, sealed | 16 tag         1300 at most
 *
 * and a frame, under the seal,
 *
 *   2 call | 2 number | 1 source | 1 M, PT | 2 seq | 4 ts | 2 n | n payload
 */
#ifndef PROTO_VOICE_H
#define PROTO_VOICE_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/limits.h"

#define VOICE_HEAD_BYTES 12
#define VOICE_TAG_BYTES 16
#define VOICE_FRAME_HEAD_BYTES 14
/** Frames of one datagram together; payload of one frame alone. */
#define VOICE_PLAIN_MAX (VOICE_BYTES_MAX - VOICE_HEAD_BYTES - VOICE_TAG_BYTES)
#define VOICE_PAYLOAD_MAX (VOICE_PLAIN_MAX - VOICE_FRAME_HEAD_BYTES)

struct voice_frame {
	uint16_t call;		/* 1..65535 */
	uint16_t number;	/* of the frame, in its call and direction */
	uint8_t source;		/* counts the call's RTP sources */
	bool marker;
	uint8_t pt;		/* 0..127 */
	uint16_t seq;
	uint32_t ts;
	const uint8_t *payload;	/* borrowed */
	size_t n;		/* 0..VOICE_PAYLOAD_MAX */
};

/** Write VOICE_FRAME_HEAD_BYTES + f->n octets. */
void voice_frame_put(uint8_t *out, const struct voice_frame *f);
/** Take the next frame, a view, out of the opened frames of one datagram.
 *  0; ENOENT: no more; EBADMSG: it is cut off, or of call 0. */
int voice_frame_next(struct cur *c, struct voice_frame *out)
	__attribute__((warn_unused_result));
/** All of these are whole frames, or none is there.  0 or EBADMSG. */
int voice_check(const void *p, size_t n) __attribute__((warn_unused_result));

/** The clear head of a datagram: it is the nonce as well. */
void voice_head_put(uint8_t out[VOICE_HEAD_BYTES], uint32_t key,
		    uint64_t counter);
/** EBADMSG: too short or too long to be a datagram, or key 0. */
int voice_head_parse(const void *p, size_t n, uint32_t *key, uint64_t *counter)
	__attribute__((warn_unused_result));

#endif
