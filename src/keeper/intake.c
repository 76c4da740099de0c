/* SPDX-License-Identifier: ISC */
/**
 * @file intake.c  Long bodies into the store, a slice a turn
 *
 * One at a time, in the order they came: 1 GiB is read, hashed and written in
 * about 130 turns, so that beats, acknowledgements and short notices go on
 * meanwhile.  What is not submitted in the end stays in the store without an
 * entry that names it; it harms nothing but the room it takes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/log.h"
#include "keeper/state.h"

struct import {
	struct import *next;
	struct words words;
	int fd;			/* owned */
	uint64_t bytes;
	struct store_import *run;	/* NULL: waits */
};

static void import_free(struct import *i)
{
	store_import_free(i->run);
	close(i->fd);
	free(i);
}

void import_begin(struct keeper *k, const struct words *w, int fd,
		  uint64_t bytes)
{
	struct import **at = &k->imports, *i = NULL;
	unsigned n = 0;

	for (; *at; at = &(*at)->next)
		n++;
	if (n < IMPORTS_MAX)
		i = calloc(1, sizeof(*i));
	if (!i) {
		reply_problem(k, w->req, REFUSE_BUSY,
			      "%u documents wait to be taken in. Nothing was "
			      "written; send it again in a while.",
			      n);
		close(fd);
		return;
	}
	i->words = *w;
	i->fd = fd;
	i->bytes = bytes;
	*at = i;
}

static int begin(struct keeper *k, struct import *i)
{
	uint8_t salt[BLOB_SALT_BYTES];

	if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
		return EIO;
	return store_import_begin(k->store, i->fd, i->bytes, salt, &i->run);
}

int import_step(struct keeper *k)
{
	struct import *i = k->imports;
	uint8_t hash[DIGEST_BYTES];
	uint64_t stored;
	bool done = false;
	int err;

	if (!i || k->sick)
		return 0;
	err = i->run ? 0 : begin(k, i);
	if (!err)
		err = store_import_step(i->run, IMPORT_SLICE_BYTES, &done);
	if (!err && !done)
		return 0;
	if (!err)
		err = store_import_end(i->run, hash, &stored);
	k->imports = i->next;
	if (err) {
		log_error("document.not-taken", "peer=%s err=%s why=%s kept=%s",
			  i->words.peer, strerror(err), store_why(k->store),
			  "all that was answered before");
		reply_failure(k, i->words.req, err);
		err = 0;
	} else {
		err = submit_words(k, &i->words, NULL, 0, hash, stored);
	}
	import_free(i);
	return err;
}

void import_cancel(struct keeper *k, uint32_t req)
{
	struct import **at = &k->imports, *i;

	while ((i = *at)) {
		if (req && i->words.req != req) {
			at = &i->next;
			continue;
		}
		*at = i->next;
		import_free(i);
	}
}

void import_again(struct keeper *k)
{
	for (struct import *i = k->imports; i; i = i->next)
		i->run = store_import_free(i->run);
}
