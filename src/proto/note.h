/* SPDX-License-Identifier: ISC */
/**
 * @file note.h  Checkpoints as signed notes (C2SP signed-note,
 *               tlog-checkpoint, tlog-cosignature)
 *
 *   origin LF            \
 *   size LF               > body: what is signed
 *   base64(root) LF      /
 *   LF
 *   U+2014 SP name SP base64(keyID[4] || signature) LF     1..16 lines
 */
#ifndef PROTO_NOTE_H
#define PROTO_NOTE_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/key.h"

enum note_type {
	NOTE_LOG = 0x01,	/* Ed25519 over the body */
	NOTE_COSIGNATURE = 0x04	/* with a time: cosignature/v1 */
};

/** A named key: its ID is the hash of name, type and public key. */
struct note_key {
	char name[ORIGIN_CHARS_MAX];
	enum note_type type;
	uint8_t id[4];
	const struct key *key;	/* borrowed, outlives this */
};

struct note_line {
	struct str name;
	uint8_t id[4];
	uint8_t sig[8 + SIG_BYTES];
	size_t sig_n;	/* SIG_BYTES, 8 + SIG_BYTES, or 0: not one of ours */
	struct str whole;	/* the line with its LF */
	const struct key *good;	/* note_check() found it so, once for all */
};

/** A parsed note: views into the text, which must outlive it. */
struct note {
	struct str body;	/* with the last LF, without the empty line */
	struct str origin;
	uint64_t size;
	uint8_t root[DIGEST_BYTES];
	struct note_line line[NOTE_SIGS_MAX];
	size_t lines;
};

/** EMSGSIZE when the name is too long. */
int note_key_init(struct note_key *k, const char *name, enum note_type type,
		  const struct key *key) __attribute__((warn_unused_result));
/** name+8hex+base64(type || public key), NUL added. */
void note_vkey(const struct note_key *k, char out[VKEY_CHARS_MAX]);

/** Append the checkpoint body. */
void note_body(struct buf *b, const char *origin, uint64_t size,
	       const uint8_t root[DIGEST_BYTES]);
/**
 * Append one signature line over @p body
 *
 * @param time_s for cosignatures; ignored for log signatures
 * @return 0, ENOMEM (EMSGSIZE stays in the buffer)
 */
int note_sign(struct buf *b, struct str body, const struct note_key *k,
	      uint64_t time_s) __attribute__((warn_unused_result));
/** Strict parse.  0 or EBADMSG. */
int note_parse(const void *p, size_t n, struct note *out)
	__attribute__((warn_unused_result));
/**
 * Look for the key's first signature and check it
 *
 * @param time_s gets the time of a cosignature; may be NULL
 * @param line   gets the line; may be NULL
 * @return 0 good; ENOENT the key did not sign; EBADMSG it has a bad one
 */
int note_check(const struct note *n, const struct note_key *k, uint64_t *time_s,
	       const struct note_line **line)
	__attribute__((warn_unused_result));
/** True when @p sig is the key's cosignature of this time over @p body. */
bool note_cosignature_ok(struct str body, const struct note_key *k,
			 uint64_t time_s, const uint8_t sig[SIG_BYTES]);

#endif
