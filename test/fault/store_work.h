/* SPDX-License-Identifier: ISC */
/**
 * @file store_work.h  A scripted life of a store whose every state is known
 *
 * Turn t writes what follows from t alone, so a run can be cut anywhere, go on
 * from there, and be checked to the last octet.
 */
#ifndef STORE_WORK_H
#define STORE_WORK_H

#include "store/store.h"

#define WORK_TURNS_MAX 400
#define WORK_BLOBS_MAX (WORK_TURNS_MAX / 8 + 1)

struct work {
	struct store *s;
	const struct db *db;
	void (*blob_h)(unsigned t);	/* turn t's blob is whole; or NULL */
	bool big;	/* turn 3 is larger than SQLite's cache */
	char why[256];	/* what work_check() found */
};

/** Open the store in @p dir, with a log that is copied back early. */
int work_open(struct work *w, const char *dir);
void work_close(struct work *w);
/** The last turn that is in the store; 0 in an empty one. */
int work_turn_get(struct work *w, unsigned *t);
/** Do turn t, numbered from 1, and commit.  0, or the errno of what failed;
 *  the caller rolls back. */
int work_turn(struct work *w, unsigned t);
/** The store holds exactly turns 1..t and every whole blob is what its name
 *  says.  Else false, with words in why. */
bool work_check(struct work *w, unsigned t);
/** The blob that turn t finishes is whole, whether t is committed or not. */
bool work_blob_check(struct work *w, unsigned t);

#endif
