/* SPDX-License-Identifier: ISC */
/** @file store_disk.c  A disk that forgets what was not synced */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store_disk.h"

#define FILES_MAX 1024
#define NAMES_MAX 512
#define SECTOR_BYTES 512

struct bytes {
	uint8_t *p;
	uint64_t n;
};

/** Things that happened and are not synced yet. */
struct list {
	const struct faultio_event **v;
	size_t n;
	size_t cap;
};

struct name {
	char path[FAULTIO_PATH_MAX];
	uint32_t file;	/* 0: a directory */
};

struct names {
	struct name v[NAMES_MAX];
	size_t n;
};

struct disk {
	uint64_t seed;
	struct bytes file[FILES_MAX];
	struct list pending[FILES_MAX];
	struct names names;
	struct list names_pending;
};

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "store_disk: %s: %s\n", what, strerror(errno));
	abort();
}

uint64_t disk_random(struct disk *d)
{
	uint64_t z = d->seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static bool coin(struct disk *d)
{
	return disk_random(d) >> 63;
}

struct disk *disk_alloc(uint64_t seed)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d)
		give_up("memory");
	d->seed = seed;
	return d;
}

void *disk_free(struct disk *d)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		free(d->file[i].p);
		free(d->pending[i].v);
	}
	free(d->names_pending.v);
	free(d);
	return NULL;
}

/* ---- content ---- */

static void list_add(struct list *l, const struct faultio_event *e)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->v = realloc(l->v, l->cap * sizeof(*l->v));
		if (!l->v)
			give_up("memory");
	}
	l->v[l->n++] = e;
}

static void resize(struct bytes *b, uint64_t n)
{
	if (n > b->n) {
		b->p = realloc(b->p, n);
		if (!b->p)
			give_up("memory");
		memset(b->p + b->n, 0, n - b->n);
	}
	b->n = n;
}

/* The first @p n octets of what was written */
static void apply(struct bytes *b, const struct faultio_event *e, uint64_t n)
{
	if (e->kind == FAULTIO_TRUNCATE) {
		resize(b, e->at);
		return;
	}
	if (!n)
		return;
	if (e->at + n > b->n)
		resize(b, e->at + n);
	memcpy(b->p + e->at, e->data, n);
}

static uint64_t torn(struct disk *d, const struct faultio_event *e)
{
	return disk_random(d) % (e->n / SECTOR_BYTES + 1) * SECTOR_BYTES;
}

static void apply_some(struct disk *d, struct bytes *b, const struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct faultio_event *e = l->v[i];

		if (coin(d))
			apply(b, e, coin(d) ? e->n : torn(d, e));
	}
}

static void apply_first(struct disk *d, struct bytes *b, const struct list *l)
{
	const size_t keep = disk_random(d) % (l->n + 1);

	for (size_t i = 0; i < keep; i++)
		apply(b, l->v[i], i + 1 < keep ? l->v[i]->n : torn(d, l->v[i]));
}

static void apply_all(struct bytes *b, const struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		apply(b, l->v[i], l->v[i]->n);
}

/* ---- names ---- */

static struct name *name_find(struct names *t, const char *path)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!strcmp(t->v[i].path, path))
			return &t->v[i];
	}
	return NULL;
}

static void name_put(struct names *t, const char *path, uint32_t file)
{
	struct name *n = name_find(t, path);

	if (!n) {
		if (t->n == NAMES_MAX)
			give_up("too many names");
		n = &t->v[t->n++];
		memcpy(n->path, path, sizeof(n->path));
	}
	n->file = file;
}

static void name_drop(struct names *t, const char *path)
{
	struct name *n = name_find(t, path);

	if (n)
		*n = t->v[--t->n];
}

static void name_apply(struct names *t, const struct faultio_event *e)
{
	if (e->kind == FAULTIO_UNLINK || e->kind == FAULTIO_RENAME)
		name_drop(t, e->path);
	if (e->kind == FAULTIO_CREATE || e->kind == FAULTIO_MKDIR)
		name_put(t, e->path, e->file);
	if (e->kind == FAULTIO_RENAME)
		name_put(t, e->path2, e->file);
}

static bool is_in(const char *path, const char *dir)
{
	const char *slash = strrchr(path, '/');
	const size_t n = slash ? (size_t)(slash - path) : 0;

	return n == strlen(dir) && !strncmp(path, dir, n);
}

static void names_sync(struct disk *d, const char *dir)
{
	struct list *l = &d->names_pending;
	size_t left = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct faultio_event *e = l->v[i];

		if (is_in(e->path, dir) ||
		    (e->kind == FAULTIO_RENAME && is_in(e->path2, dir)))
			name_apply(&d->names, e);
		else
			l->v[left++] = e;
	}
	l->n = left;
}

/* ---- what happens ---- */

void disk_event(struct disk *d, const struct faultio_event *e)
{
	struct list *l;

	if (e->file >= FILES_MAX)
		give_up("too many files");
	l = &d->pending[e->file];
	switch (e->kind) {
	case FAULTIO_CREATE:
	case FAULTIO_MKDIR:
	case FAULTIO_RENAME:
	case FAULTIO_UNLINK: list_add(&d->names_pending, e); break;
	case FAULTIO_WRITE:
	case FAULTIO_TRUNCATE: list_add(l, e); break;
	case FAULTIO_SYNC:
		if (e->failed)
			apply_some(d, &d->file[e->file], l);
		else
			apply_all(&d->file[e->file], l);
		l->n = 0;
		break;
	case FAULTIO_SYNC_DIR:
		if (!e->failed)
			names_sync(d, e->path);
		break;
	case FAULTIO_MARK: break;
	}
}

static void write_file(const char *dir, const char *name, const struct bytes *b)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 && errno == ENOENT)
		return;	/* its directory did not last */
	if (fd < 0 || (b->n && write(fd, b->p, b->n) != (ssize_t)b->n))
		give_up(path);
	close(fd);
}

static struct bytes file_image(struct disk *d, enum disk_crash how,
			       uint32_t file)
{
	struct bytes b = {NULL, 0};

	if (d->file[file].n) {
		resize(&b, d->file[file].n);
		memcpy(b.p, d->file[file].p, b.n);
	}
	if (how == DISK_SOME)
		apply_some(d, &b, &d->pending[file]);
	else if (how == DISK_FIRST)
		apply_first(d, &b, &d->pending[file]);
	else if (how == DISK_ALL)
		apply_all(&b, &d->pending[file]);
	return b;
}

/* A name above another is the shorter one */
static int by_length(const void *a, const void *b)
{
	const size_t na = strlen(((const struct name *)a)->path);
	const size_t nb = strlen(((const struct name *)b)->path);

	return na < nb ? -1 : na > nb;
}

void disk_image(struct disk *d, enum disk_crash how, const char *dir)
{
	const struct list *l = &d->names_pending;
	static struct names t;
	size_t keep = 0;

	t = d->names;
	if (how == DISK_ALL)
		keep = l->n;
	else if (how != DISK_LOSE)
		keep = disk_random(d) % (l->n + 1);
	for (size_t i = 0; i < keep; i++)
		name_apply(&t, l->v[i]);
	qsort(t.v, t.n, sizeof(t.v[0]), by_length);
	for (size_t i = 0; i < t.n; i++) {
		char path[512];
		struct bytes b;

		if (t.v[i].file) {
			b = file_image(d, how, t.v[i].file);
			write_file(dir, t.v[i].path, &b);
			free(b.p);
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", dir, t.v[i].path);
		if (mkdir(path, 0700) && errno != ENOENT)
			give_up(path);
	}
}
