/* SPDX-License-Identifier: ISC */
/** @file tally.c  What the trunk counts, by name */
#include <inttypes.h>
#include "trunk/tally.h"

static const char *const names[TALLY_KINDS] = {
	"",          "accepted",         "dialled",    "joined",  "no-psk",
	"wrong-psk", "unknown-identity", "reflected",  "timeout", "too-many",
	"bytes",     "bad-frame",        "bad-tls",    "left",    "dial-failed",
	"silent",    "queue-full",       "bulk-failed"};

void tally_add(struct tally *t, enum tally_kind k)
{
	if (k == TALLY_NONE || k >= TALLY_KINDS)
		return;
	t->count[k]++;
	t->changed = true;
}

const char *tally_name(enum tally_kind k)
{
	return (unsigned)k < TALLY_KINDS ? names[k] : "";
}

void tally_print(const struct tally *t, struct buf *out)
{
	for (int k = TALLY_NONE + 1; k < TALLY_KINDS; k++)
		buf_printf(out, "%s %" PRIu64 "\n", names[k], t->count[k]);
}
