/* SPDX-License-Identifier: ISC */
/**
 * @file blobs.c  Bodies longer than a row holds: files named by their hash
 *
 *   blobs/ab/abcd...ef   whole: the hash was checked, then made durable
 *   blobs/part/abcd...   grows by blob_write(); a crash may leave any content
 *                        in it, since nothing of it is synced
 *   blobs/part/import    content being taken in; removed at open
 *
 * Only a whole blob has a name outside part/, because the rename comes after
 * the check and the sync.  A partial that was written in one go has a running
 * digest; one found on disk is read again before it becomes whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store/inner.h"

#define PARTS_OPEN_MAX 16	/* the one longest without a write is closed */
#define PIECE_BYTES 1048576
#define NAME_CHARS (2 * DIGEST_BYTES)
#define STORED_BYTES_MAX (BLOB_BYTES_MAX + BLOB_SALT_BYTES)
#define IMPORT "import"
#define EARLY_BYTES 8388608

/** A partial blob that is open. */
struct part {
	int fd;	/* -1: free */
	uint8_t hash[DIGEST_BYTES];
	uint64_t have;
	uint64_t used;	/* when, for closing the oldest */
	struct digest_run *run;	/* NULL: read again at the end */
};

struct blobs {
	int dir;
	int dir_part;
	uint64_t clock;
	bool synced[256];	/* names in blobs/ab are known to be durable */
	struct part part[PARTS_OPEN_MAX];
	uint8_t piece[PIECE_BYTES];
};

struct name {
	char chars[NAME_CHARS + 1];
};

static struct name name_of(const uint8_t hash[DIGEST_BYTES])
{
	struct name n;

	hex_encode(hash, DIGEST_BYTES, n.chars);
	return n;
}

/* ---- partials ---- */

static void part_free(struct part *p)
{
	p->run = digest_run_free(p->run);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static struct part *part_find(struct blobs *b, const uint8_t *hash)
{
	for (size_t i = 0; i < PARTS_OPEN_MAX; i++) {
		if (b->part[i].fd >= 0 &&
		    !memcmp(b->part[i].hash, hash, DIGEST_BYTES))
			return &b->part[i];
	}
	return NULL;
}

static struct part *part_slot(struct blobs *b)
{
	struct part *oldest = &b->part[0];

	for (size_t i = 0; i < PARTS_OPEN_MAX; i++) {
		if (b->part[i].fd < 0)
			return &b->part[i];
		if (b->part[i].used < oldest->used)
			oldest = &b->part[i];
	}
	part_free(oldest);
	return oldest;
}

/* Open the partial, or with O_CREAT begin it.  ENOENT; else with words */
static int part_open(struct store *s, const uint8_t *hash, int flags,
		     struct part **out)
{
	struct blobs *b = s->blobs;
	struct part *p = part_find(b, hash);
	struct stat st;
	int err = 0;

	if (p) {
		p->used = ++b->clock;
		*out = p;
		return 0;
	}
	p = part_slot(b);
	p->fd = openat(b->dir_part, name_of(hash).chars,
		       O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (p->fd < 0)
		return errno == ENOENT
			       ? ENOENT
			       : store_failed_os(s, errno, "open a body");
	if (fstat(p->fd, &st))
		err = store_failed_os(s, errno, "open a body");
	else if (!S_ISREG(st.st_mode))
		err = store_failed_os(s, EIO, "open a body");
	else if (!st.st_size)
		err = digest_run_alloc(&p->run);
	if (err) {
		part_free(p);
		return err;
	}
	memcpy(p->hash, hash, DIGEST_BYTES);
	p->have = (uint64_t)st.st_size;
	p->used = ++b->clock;
	*out = p;
	return 0;
}

/* It will be fetched from its beginning again */
static void part_remove(struct blobs *b, const uint8_t *hash)
{
	struct part *p = part_find(b, hash);

	if (p)
		part_free(p);
	(void)unlinkat(b->dir_part, name_of(hash).chars, 0);
}

static int write_all(int fd, const uint8_t *p, size_t n, uint64_t at)
{
	while (n) {
		const ssize_t k = pwrite(fd, p, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k ? errno : ENOSPC;
		p += k;
		n -= (size_t)k;
		at += (uint64_t)k;
	}
	return 0;
}

/* ---- whole blobs ---- */

/* blobs/ab, made when needed, its own name durable.  *fdp is owned */
static int dir_of(struct blobs *b, const struct name *n, int *fdp)
{
	const char two[3] = {n->chars[0], n->chars[1], '\0'};

	if (mkdirat(b->dir, two, 0700) && errno != EEXIST)
		return errno;
	*fdp = openat(b->dir, two,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (*fdp < 0)
		return errno;
	return fsync(b->dir) ? errno : 0;
}

/* A process that was killed may have left a name that no sync has covered: the
   first blob seen in a directory makes sure of all that are in it. */
static int dir_sync(struct store *s, const uint8_t *hash)
{
	struct blobs *b = s->blobs;
	const struct name n = name_of(hash);
	int dir = -1, err;

	if (b->synced[hash[0]])
		return 0;
	err = dir_of(b, &n, &dir);
	if (!err && fsync(dir))
		err = errno;
	if (dir >= 0)
		close(dir);
	if (err)
		return store_failed_os(s, err, "sync a directory of bodies");
	b->synced[hash[0]] = true;
	return 0;
}

/* blobs/ab/abcd... of the hash, from blobs/ */
static void whole_path(const uint8_t *hash, char path[3 + NAME_CHARS + 1])
{
	const struct name n = name_of(hash);

	memcpy(path, n.chars, 2);
	path[2] = '/';
	memcpy(path + 3, n.chars, sizeof(n.chars));
}

static int whole_stat(struct store *s, const uint8_t *hash, uint64_t *bytes)
{
	char path[3 + NAME_CHARS + 1];
	struct stat st;

	whole_path(hash, path);
	if (fstatat(s->blobs->dir, path, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT
			       ? ENOENT
			       : store_failed_os(s, errno, "look up a body");
	if (!S_ISREG(st.st_mode))
		return store_failed_os(s, EIO, "look up a body");
	*bytes = (uint64_t)st.st_size;
	return 0;
}

/* There, and sure to stay */
static int whole_settled(struct store *s, const uint8_t *hash, uint64_t *bytes)
{
	const int err = whole_stat(s, hash, bytes);

	return err ? err : dir_sync(s, hash);
}

int blobs_have(struct store *s, const uint8_t hash[DIGEST_BYTES],
	       uint64_t *have, bool *whole)
{
	const struct part *p = part_find(s->blobs, hash);
	struct stat st;
	int err;

	*whole = false;
	if (p) {
		*have = p->have;
		return 0;
	}
	err = whole_settled(s, hash, have);
	*whole = !err;
	if (err != ENOENT)
		return err;
	*have = 0;
	if (!fstatat(s->blobs->dir_part, name_of(hash).chars, &st,
		     AT_SYMLINK_NOFOLLOW))
		*have = (uint64_t)st.st_size;
	else if (errno != ENOENT)
		return store_failed_os(s, errno, "look up a body");
	return 0;
}

/* Content is checked: make it durable under its name.  When a sync fails the
   file goes, because asking again would be answered with a lie. */
static int make_whole(struct store *s, int fd, const char *from,
		      const uint8_t *hash)
{
	struct blobs *b = s->blobs;
	const struct name n = name_of(hash);
	int dir = -1, err = 0;

	if (fdatasync(fd))
		err = errno;
	if (!err)
		err = dir_of(b, &n, &dir);
	if (!err && renameat(b->dir_part, from, dir, n.chars))
		err = errno;
	if (!err && (fsync(dir) || fsync(b->dir_part))) {
		err = errno;
		(void)unlinkat(dir, n.chars, 0);
	}
	if (dir >= 0)
		close(dir);
	if (err) {
		(void)unlinkat(b->dir_part, from, 0);
		return store_failed_os(s, err, "make a body durable");
	}
	return 0;
}

/* ---- the calls of core/db.h ---- */

static int blob_have(void *arg, const uint8_t hash[DIGEST_BYTES],
		     uint64_t *have, bool *whole)
{
	return blobs_have(arg, hash, have, whole);
}

static int blob_write(void *arg, const uint8_t hash[DIGEST_BYTES],
		      uint64_t offset, const uint8_t *p, size_t n)
{
	struct store *s = arg;
	uint64_t have;
	struct part *part;
	bool whole;
	int err;

	if (s->broken)
		return s->broken;
	err = blobs_have(s, hash, &have, &whole);
	if (err)
		return err;
	if (whole || offset != have || n > STORED_BYTES_MAX - have)
		return EINVAL;
	err = part_open(s, hash, O_CREAT, &part);
	if (err)
		return err;
	err = write_all(part->fd, p, n, offset);
	if (err) {
		if (ftruncate(part->fd, (off_t)offset))
			part_remove(s->blobs, hash);
		return store_failed_os(s, err, "write a body");
	}
	part->have += n;
	if (part->run)
		digest_run_put(part->run, p, n);
	/* only a hint: so that the sync at the end has little left to do */
	if (offset / EARLY_BYTES != part->have / EARLY_BYTES)
		(void)sync_file_range(part->fd, 0, (off_t)part->have,
				      SYNC_FILE_RANGE_WRITE);
	return 0;
}

/* A partial of an earlier process: hash it, and write it over itself.  If a
   sync failed back then, only octets written anew are surely synced. */
static int read_again(struct store *s, struct part *part,
		      uint8_t got[DIGEST_BYTES])
{
	uint8_t *piece = s->blobs->piece;
	struct digest_run *run = NULL;
	uint64_t at = 0;
	int err = digest_run_alloc(&run);

	while (!err && at < part->have) {
		const ssize_t k =
			pread(part->fd, piece, PIECE_BYTES, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0) {
			err = store_failed_os(s, k ? errno : EIO,
					      "read a body");
			break;
		}
		err = write_all(part->fd, piece, (size_t)k, at);
		if (err)
			err = store_failed_os(s, err, "write a body");
		digest_run_put(run, piece, (size_t)k);
		at += (uint64_t)k;
	}
	if (!err)
		digest_run_end(run, got);
	digest_run_free(run);
	return err;
}

static int blob_finish(void *arg, const uint8_t hash[DIGEST_BYTES])
{
	struct store *s = arg;
	uint8_t got[DIGEST_BYTES];
	struct part *part;
	uint64_t have;
	bool whole;
	int err;

	if (s->broken)
		return s->broken;
	err = blobs_have(s, hash, &have, &whole);
	if (err || whole)
		return err;
	err = part_open(s, hash, 0, &part);
	if (err)
		return err;
	if (part->run) {
		digest_run_end(part->run, got);
		part->run = digest_run_free(part->run);
	} else {
		err = read_again(s, part, got);
		if (err)
			return err;
	}
	if (memcmp(got, hash, DIGEST_BYTES)) {
		part_remove(s->blobs, hash);
		return EBADMSG;
	}
	err = make_whole(s, part->fd, name_of(hash).chars, hash);
	part_free(part);
	return err;
}

void blobs_fill(struct db *db)
{
	db->blob_have = blob_have;
	db->blob_write = blob_write;
	db->blob_finish = blob_finish;
}

/* ---- taking a content in ---- */

struct store_import {
	struct store *s;
	int from;	/* borrowed */
	int to;
	uint64_t bytes, at;	/* of the content */
	struct digest_run *run;
};

int store_import_begin(struct store *s, int fd, uint64_t bytes,
		       const uint8_t salt[BLOB_SALT_BYTES],
		       struct store_import **ip)
{
	struct store_import *i;
	int err;

	if (s->broken)
		return s->broken;
	if (bytes > BLOB_BYTES_MAX)
		return EINVAL;
	i = calloc(1, sizeof(*i));
	if (!i)
		return ENOMEM;
	i->s = s;
	i->from = fd;
	i->to = -1;
	i->bytes = bytes;
	err = digest_run_alloc(&i->run);
	if (!err) {
		i->to = openat(s->blobs->dir_part, IMPORT,
			       O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC |
				       O_NOFOLLOW,
			       0600);
		err = i->to < 0 ? errno
				: write_all(i->to, salt, BLOB_SALT_BYTES, 0);
		if (err)
			err = store_failed_os(s, err, "take in a body");
	}
	if (err) {
		store_import_free(i);
		return err;
	}
	digest_run_put(i->run, salt, BLOB_SALT_BYTES);
	*ip = i;
	return 0;
}

int store_import_step(struct store_import *i, uint64_t most, bool *done)
{
	uint8_t *piece = i->s->blobs->piece;
	const uint64_t first = i->at;
	const uint64_t end = i->bytes - i->at < most ? i->bytes : i->at + most;
	int err = 0;

	while (!err && i->at < end) {
		const size_t n = end - i->at < PIECE_BYTES
					 ? (size_t)(end - i->at)
					 : PIECE_BYTES;
		const ssize_t k = pread(i->from, piece, n, (off_t)i->at);

		if (k < 0 && errno == EINTR)
			continue;
		if (!k)
			return EINVAL;
		err = k < 0 ? errno
			    : write_all(i->to, piece, (size_t)k,
					BLOB_SALT_BYTES + i->at);
		if (!err) {
			digest_run_put(i->run, piece, (size_t)k);
			i->at += (uint64_t)k;
		}
	}
	if (err)
		return store_failed_os(i->s, err, "take in a body");
	/* only a hint: so that the sync at the end has little left to do */
	(void)sync_file_range(i->to, (off_t)first, (off_t)(i->at - first),
			      SYNC_FILE_RANGE_WRITE);
	*done = i->at == i->bytes;
	return 0;
}

int store_import_end(struct store_import *i, uint8_t hash[DIGEST_BYTES],
		     uint64_t *stored_bytes)
{
	uint64_t have;
	int err;

	digest_run_end(i->run, hash);
	part_remove(i->s->blobs, hash);
	err = whole_settled(i->s, hash, &have);
	if (err == ENOENT)
		err = make_whole(i->s, i->to, IMPORT, hash);
	*stored_bytes = BLOB_SALT_BYTES + i->bytes;
	return err;
}

void *store_import_free(struct store_import *i)
{
	if (!i)
		return NULL;
	if (i->to >= 0) {
		(void)unlinkat(i->s->blobs->dir_part, IMPORT, 0);
		close(i->to);
	}
	digest_run_free(i->run);
	free(i);
	return NULL;
}

int store_blob_import(struct store *s, int fd, uint64_t bytes,
		      const uint8_t salt[BLOB_SALT_BYTES],
		      uint8_t hash[DIGEST_BYTES], uint64_t *stored_bytes)
{
	struct store_import *i = NULL;
	bool done = false;
	int err = store_import_begin(s, fd, bytes, salt, &i);

	if (!err)
		err = store_import_step(i, UINT64_MAX, &done);
	if (!err)
		err = store_import_end(i, hash, stored_bytes);
	store_import_free(i);
	return err;
}

int store_blob_open(struct store *s, const uint8_t hash[DIGEST_BYTES], int *fdp)
{
	char path[3 + NAME_CHARS + 1];
	uint64_t bytes;
	int fd, err;

	err = whole_stat(s, hash, &bytes);
	if (err)
		return err;
	whole_path(hash, path);
	fd = openat(s->blobs->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return store_failed_os(s, errno, "open a body");
	*fdp = fd;
	return 0;
}

/* ---- open and close ---- */

static int sub_dir(struct store *s, int in, const char *name, int *fdp)
{
	if (mkdirat(in, name, 0700) && errno != EEXIST)
		return store_failed_os(s, errno, "make blobs/");
	if (fsync(in))
		return store_failed_os(s, errno, "sync a directory");
	*fdp = openat(in, name,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *fdp < 0 ? store_failed_os(s, errno, "open blobs/") : 0;
}

/* Partials may go on; whatever else is in part/ was cut off by a crash */
static int part_clean(struct store *s)
{
	const int fd = openat(s->blobs->dir_part, ".",
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	uint8_t hash[DIGEST_BYTES];
	const struct dirent *e;

	if (!d) {
		const int err = errno;

		if (fd >= 0)
			close(fd);
		return store_failed_os(s, err, "read blobs/part");
	}
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (hex_decode(str_of(e->d_name), hash, DIGEST_BYTES))
			(void)unlinkat(s->blobs->dir_part, e->d_name, 0);
	}
	closedir(d);
	return 0;
}

int blobs_open(struct store *s)
{
	struct blobs *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return ENOMEM;
	s->blobs = b;
	b->dir = -1;
	b->dir_part = -1;
	for (size_t i = 0; i < PARTS_OPEN_MAX; i++)
		b->part[i].fd = -1;
	err = sub_dir(s, s->dir, "blobs", &b->dir);
	if (!err)
		err = sub_dir(s, b->dir, "part", &b->dir_part);
	return err ? err : part_clean(s);
}

void *blobs_close(struct blobs *b)
{
	if (!b)
		return NULL;
	for (size_t i = 0; i < PARTS_OPEN_MAX; i++)
		part_free(&b->part[i]);
	if (b->dir_part >= 0)
		close(b->dir_part);
	if (b->dir >= 0)
		close(b->dir);
	free(b);
	return NULL;
}
