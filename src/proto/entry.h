/* SPDX-License-Identifier: ISC */
/**
 * @file entry.h  One line of the record: its text and what it means
 *
 * Source: docs/record.md 3.  Reject, never repair: what parses prints back to
 * the same bytes.
 */
#ifndef PROTO_ENTRY_H
#define PROTO_ENTRY_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "crypto/digest.h"

#define NONCE_BYTES 16

enum entry_kind {
	ENTRY_UNKNOWN,	/* carried, shown as not understood, refused */
	ENTRY_OPEN,
	ENTRY_NOTICE,
	ENTRY_DOCUMENT,
	ENTRY_RECEIPT,
	ENTRY_REFUSE,
	ENTRY_ACK,
	ENTRY_LINE,
	ENTRY_FAULT,
	ENTRY_RESTORE,
	ENTRY_PROPOSE,	/* from here on: lines (docs/lines.md 2) */
	ENTRY_ACCEPT,
	ENTRY_DECLINE,
	ENTRY_WITHDRAW,
	ENTRY_DECLARE,
	ENTRY_CHECK,
	ENTRY_ANSWER,
	ENTRY_ATTEND,
	ENTRY_RESULT,
	ENTRY_WAITING,
	ENTRY_KINDS
};

struct field {
	struct str name;
	struct str value;
};

/** The envelope; what is signed with every entry, whatever its type. */
struct envelope {
	struct str origin;
	uint64_t seq;
	int64_t time_ms;
	uint64_t seen;
	uint8_t seen_root[DIGEST_BYTES];
	uint8_t nonce[NONCE_BYTES];
};

/** A parsed entry: views into its bytes, which must outlive it. */
struct entry {
	struct envelope env;
	struct str type;
	enum entry_kind kind;	/* ENTRY_UNKNOWN also when fields misfit */
	struct field field[ENTRY_FIELDS_MAX];
	size_t fields;
	struct str text;
};

/** A body named by a notice or document. */
struct blob_ref {
	uint8_t hash[DIGEST_BYTES];
	uint64_t bytes;	/* stored: salt and content */
	struct str media;
};

/** Strict parse.  0 or EBADMSG, then @p out is undefined. */
int entry_parse(const void *p, size_t n, struct entry *out)
	__attribute__((warn_unused_result));
/** Write envelope and type; then entry_field() ..., then entry_end(). */
void entry_begin(struct buf *b, const struct envelope *env, const char *type);
void entry_field(struct buf *b, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void entry_end(struct buf *b);

/** The value of a field, or an empty view. */
struct str entry_get(const struct entry *e, const char *name);
/** The body of an understood notice or document.  0 or ENOENT. */
int entry_blob(const struct entry *e, struct blob_ref *out)
	__attribute__((warn_unused_result));
/** FIRST LAST of an understood receipt or refuse.  0 or ENOENT. */
int entry_range(const struct entry *e, uint64_t *first, uint64_t *last)
	__attribute__((warn_unused_result));
/** The name of a line, a check, a role: a-z, then a-z 0-9 -, 1 to 32. */
bool name_ok(struct str s);
/** The type's token; "?" for ENTRY_UNKNOWN. */
const char *entry_kind_name(enum entry_kind kind);

#endif
