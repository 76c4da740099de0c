/* SPDX-License-Identifier: ISC */
/**
 * @file store_disk.h  A disk that forgets what was not synced
 *
 * Built from the record of faultio.  At any moment it can say what would be on
 * the disk if the power went: all that was synced, and of the rest nothing, a
 * random part, or all.  Stricter than ext4: a new name lasts only when its
 * directory was synced, and what a failed sync was about may be lost for ever,
 * whatever later syncs say.
 */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include "shim/faultio.h"

enum disk_crash {
	DISK_LOSE,	/* nothing that was not synced */
	DISK_SOME,	/* each write or not; some torn at a sector */
	DISK_FIRST,	/* the first so many writes, the last of them torn */
	DISK_ALL,	/* everything: only the process died */
	DISK_CRASHES
};

struct disk;

/** Aborts when memory is out.  @p seed decides what is kept. */
struct disk *disk_alloc(uint64_t seed);
void *disk_free(struct disk *d);
/** The next thing that happened. */
void disk_event(struct disk *d, const struct faultio_event *e);
/** Write what a crash now leaves into the empty directory @p dir. */
void disk_image(struct disk *d, enum disk_crash how, const char *dir);
uint64_t disk_random(struct disk *d);

#endif
