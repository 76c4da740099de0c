/* SPDX-License-Identifier: ISC */
/**
 * @file faultio.h  File I/O below one directory: recorded, and made to fail
 *
 * Two ways to use it.  A test that wants the record includes faultio.c, whose
 * functions then stand before libc's for the whole program, SQLite included.
 * Any other program is run with faultio.so in LD_PRELOAD and
 *
 *   FAULTIO=<dir>:<write|sync>:<n>:<ENOSPC|EIO|KILL>[:<count>]
 *
 * so that change or sync number n below dir fails, and those after it up to
 * count in all; KILL ends the process by SIGKILL just before it.  Nothing is
 * really synced below the directory: the disk that loses what was not synced
 * is modelled from the record (fault/store_disk.c).
 *
 * One thread at a time.  The record is in memory shared over fork().
 */
#ifndef FAULTIO_H
#define FAULTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULTIO_PATH_MAX 112	/* below the directory, with NUL */

enum faultio_kind {
	FAULTIO_CREATE,	/* path, file */
	FAULTIO_MKDIR,	/* path */
	FAULTIO_RENAME,	/* path to path2 */
	FAULTIO_UNLINK,	/* path */
	FAULTIO_WRITE,	/* file, at, data */
	FAULTIO_TRUNCATE,	/* file, at: the new size */
	FAULTIO_SYNC,	/* file; failed */
	FAULTIO_SYNC_DIR,	/* path; failed */
	FAULTIO_MARK	/* file, at: the test's own */
};

/** One thing that happened; the next one is at next octets from the start. */
struct faultio_event {
	enum faultio_kind kind;
	bool failed;
	uint32_t file;	/* numbered in the order of creation, from 1 */
	uint64_t at;
	uint64_t n;	/* octets of data */
	uint64_t next;
	char path[FAULTIO_PATH_MAX];
	char path2[FAULTIO_PATH_MAX];
	uint8_t data[];
};

struct faultio_plan {
	unsigned write_at;	/* this change fails, counted from 1; 0: none */
	unsigned sync_at;	/* this sync fails */
	unsigned count;	/* so many in a row */
	int err;	/* 0: the process is killed */
	bool half;	/* the first failing write does half its work */
};

/** Record from now on what happens below @p dir, which is empty, and forget
 *  what was recorded.  The plan and all counts are reset. */
void faultio_start(const char *dir);
/** Set the plan; the counts begin anew. */
void faultio_set(const struct faultio_plan *plan);
/** Changes and syncs since faultio_set(), and whether a failure was given. */
void faultio_counts(unsigned *writes, unsigned *syncs, bool *failed);
/** Put a mark of the test into the record. */
void faultio_mark(uint32_t what, uint64_t value);
/** First event, then each one after it; NULL at the end. */
const struct faultio_event *faultio_next(const struct faultio_event *e);

#endif
