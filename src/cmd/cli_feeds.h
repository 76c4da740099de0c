/* SPDX-License-Identifier: ISC */
/**
 * @file cli_feeds.h  Both feeds of a record, from a dossier or the exchange
 *
 * Source: docs/record.md 6, 7.  Nothing is verified but what is needed to put
 * the entries in order.
 */
#ifndef CMD_CLI_FEEDS_H
#define CMD_CLI_FEEDS_H

#include "cmd/cli.h"
#include "base/limits.h"

/** A file of a dossier, or where it lies in a bundle. */
struct feeds_part {
	char name[HOST_CHARS_MAX + 8];
	int fd;			/* owned when it is of a dossier */
	uint64_t at, end;
};

#define FEEDS_PARTS 5	/* dossier, two cards, two feeds */

struct feeds {
	const char *from;	/* dossier or peer, for messages; borrowed */
	struct feeds_part part[FEEDS_PARTS];
	size_t parts;
	int bundle;		/* descriptor, -1: a dossier */
	char host[2][HOST_CHARS_MAX + 1];	/* the pivot first */
	char side[HOST_CHARS_MAX + 1];	/* who exported it */
};

/** Each entry in joint order, then what is not placed.  Non-zero ends it. */
typedef int(feeds_h)(const void *p, size_t n, bool placed, void *arg);

/** Open a dossier's directory.  The exit code; says what is wrong. */
int feeds_open(struct feeds *f, const char *dir);
/** The record with a peer (NULL: with the only one) as the exchange has it,
 *  without bodies.  As feeds_open(). */
int feeds_ask(struct feeds *f, struct cli *c, const char *peer);
/** Any number of times. */
int feeds_each(const struct feeds *f, feeds_h *h, void *arg);
/** Copes with what was not opened. */
void feeds_close(struct feeds *f);

#endif
