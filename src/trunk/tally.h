/* SPDX-License-Identifier: ISC */
/** @file tally.h  What the trunk counts, by name */
#ifndef TRUNK_TALLY_H
#define TRUNK_TALLY_H

#include <stdbool.h>
#include "base/buf.h"

/* The names are part of `ringdown status` and docs/protocol.md 7 */
enum tally_kind {
	TALLY_NONE = 0,		/* nothing to count */
	TALLY_ACCEPTED,		/* TCP connections taken */
	TALLY_DIALLED,		/* TCP connections begun */
	TALLY_JOINED,		/* paths whose HELLO the keeper called good */
	TALLY_NO_PSK,		/* offers no PSK, or ignores ours */
	TALLY_WRONG_PSK,	/* names a pair, does not know its secret */
	TALLY_UNKNOWN_IDENTITY,
	TALLY_REFLECTED,	/* names us as the dialler: our own ClientHello */
	TALLY_TIMEOUT,		/* no HELLO in time */
	TALLY_TOO_MANY,		/* dropped for a newer stranger */
	TALLY_BYTES,		/* too many octets before HELLO */
	TALLY_BAD_FRAME,	/* too long, unknown, or not its turn */
	TALLY_BAD_TLS,		/* not TLS 1.3 as the profile wants it */
	TALLY_LEFT,		/* strangers that went by themselves */
	TALLY_DIAL_FAILED,	/* our dials that came to nothing */
	TALLY_SILENT,		/* paths cut because nothing was heard */
	TALLY_QUEUE_FULL,	/* frames not queued: the path is too slow */
	TALLY_BULK_FAILED,	/* bodies that could not be read for sending */
	TALLY_KINDS
};

struct tally {
	uint64_t count[TALLY_KINDS];
	bool changed;		/* since the owner set it false */
};

/** One more of this kind; TALLY_NONE: nothing. */
void tally_add(struct tally *t, enum tally_kind k);
/** "no-psk"; "" for TALLY_NONE. */
const char *tally_name(enum tally_kind k);
/** All of them, one "name value" a line. */
void tally_print(const struct tally *t, struct buf *out);

#endif
