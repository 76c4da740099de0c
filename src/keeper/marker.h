/* SPDX-License-Identifier: ISC */
/**
 * @file marker.h  What we last signed, kept outside the store
 *
 * A store that was put back from a backup, or a machine that was rolled back,
 * signs a second history unless something else remembers how far the first one
 * went.  The marker is that something: a small file, best on another disk.
 *
 * One preallocated file holds two slots that are written in turn, so that a
 * torn write leaves the other one whole:
 *
 *	0        ringdown-marker/v1 LF        65536    the same
 *	         counter N LF                          (the whole slot with the
 *	         feeds K LF                             larger counter counts)
 *	         origin SP size SP base64(root) LF     K times
 *	         check <64 hex: SHA-256 of all before> LF
 *	         whatever an earlier, longer text left
 */
#ifndef KEEPER_MARKER_H
#define KEEPER_MARKER_H

#include "core/core.h"

#define MARKER_SLOT_BYTES 65536
#define MARKER_FEEDS_MAX 128 /* twice PAIRS_MAX; more: ENOSPC */

struct marker;

enum marker_found {
	MARKER_NEW,	/* no file, or never written */
	MARKER_WHOLE,
	MARKER_DAMAGED	/* both slots: taken as empty, said so */
};

/**
 * Open or make the file at @p path, durable on return
 *
 * @param why gets what failed, static
 * @return 0; ENOMEM, ENOSPC, EIO ...; EINVAL not a regular file
 */
int marker_open(struct marker **mp, const char *path, enum marker_found *found,
		const char **why) __attribute__((warn_unused_result));
/** Copes with NULL, returns NULL.  What was not flushed is lost. */
void *marker_close(struct marker *m);

/** core_marker_h: what is known of this feed, flushed or not; or ENOENT. */
core_marker_h marker_get;
/** Remember; on disk after marker_flush().  ENOSPC: too many feeds. */
int marker_put(struct marker *m, const struct core_marker *v)
	__attribute__((warn_unused_result));
/** Everything put is durable.  No I/O when nothing was put since the last.
 *  On failure (EIO, ENOSPC) call it again later: the last good slot is kept. */
int marker_flush(struct marker *m) __attribute__((warn_unused_result));

#endif
