/* SPDX-License-Identifier: ISC */
/** @file dossier.c  What a directory holds: checks 1 and 2 (docs/record.md 8)
 */
#include "verify/verify.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct slice file_map(int dir, const char *name, uint64_t max)
{
	const int fd = openat(dir, name,
			      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
				      O_NOCTTY);
	struct slice s = {(const uint8_t *)"", 0};
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		cannot_read(name, errno);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		cannot_read(name, S_ISREG(st.st_mode) ? EFBIG : EINVAL);
	if (st.st_size) {
		s.n = (size_t)st.st_size;
		s.p = mmap(NULL, s.n, PROT_READ, MAP_PRIVATE, fd, 0);
		if (s.p == MAP_FAILED)
			cannot_read(name, errno);
	}
	close(fd);
	return s;
}

void file_unmap(struct slice s)
{
	if (s.n)
		(void)munmap((void *)(uintptr_t)s.p, s.n);
}

static int file_cmp(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name,
		      ((const struct file *)b)->name);
}

const struct file *file_find(const struct dossier *d, const char *name)
{
	const struct file key = {.name = (char *)(uintptr_t)name};

	return d->files
		       ? bsearch(&key, d->file, d->files, sizeof(key), file_cmp)
		       : NULL;
}

static const char *const endings[] = {".checkpoint", ".cosigned", ".idle", ""};

/* Add what a directory holds to the list; the two in it are looked into */
static void list(struct dossier *d, const char *sub)
{
	const int fd = openat(d->dir, *sub ? sub : ".",
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (!dir)
		cannot_read(d->path, errno);
	while (errno = 0, (e = readdir(dir))) {
		struct file *f;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			cannot_read(d->path, errno);
		if (!*sub && S_ISDIR(st.st_mode) &&
		    (!strcmp(e->d_name, "blob") ||
		     !strcmp(e->d_name, "proof"))) {
			list(d, strcmp(e->d_name, "blob") ? "proof/" : "blob/");
			continue;
		}
		d->file = grow(d->file, d->files, sizeof(*f));
		f = &d->file[d->files++];
		f->size = S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
		if (asprintf(&f->name, "%s%s", sub, e->d_name) < 0)
			cannot_read(d->path, ENOMEM);
	}
	if (errno)
		cannot_read(d->path, errno);
	closedir(dir);
}

/* Take the ending off the name of a feed's file: which it was */
static unsigned strip(struct slice *name)
{
	unsigned k = CHECKPOINT;

	for (; k < FEED; k++) {
		const size_t n = strlen(endings[k]);

		if (name->n >= n &&
		    !memcmp(name->p + name->n - n, endings[k], n)) {
			name->n -= n;
			break;
		}
	}
	return k;
}

/* A host with such an ending would make two things of feed.HOST */
static bool is_card(struct slice name)
{
	return fits(name, "card.%o") && strip(&name) == FEED;
}

/* Most bytes of a file of this name, -1 if it is none of the table's. Feeds and
 * blobs have no limit: of them little is ever held in memory. */
static int64_t name_limit(const struct dossier *d, const char *name)
{
	static const struct {
		const char *form;
		int64_t max;
	} table[] = {
		{"dossier", DOSSIER_MAX},
		{"joint.checkpoint", NOTE_MAX},
		{"blob/%x", INT64_MAX},
		{"proof/%9.cosignature", NOTE_MAX},
		{"proof/%9.envelope", ENVELOPE_MAX},
		{"proof/%9.fork", FORK_MAX},
		{"proof/%9.joint", NOTE_MAX},
	};
	struct slice s = slice_of(name);
	char card[2 * NAME_LEN];
	unsigned kind;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (fits(s, table[i].form))
			return table[i].max;
	}
	if (is_card(s))
		return CARD_MAX;
	if (strncmp(name, "feed.", 5))
		return -1;
	/* of any host that has a card here */
	snprintf(card, sizeof(card), "card.%s", name + 5);
	s = slice_of(card);
	kind = strip(&s);
	card[s.n] = '\0';
	if (!is_card(s) || !file_find(d, card))
		return -1;
	return kind == FEED ? INT64_MAX : NOTE_MAX;
}

/* Check 1. Gives the names of the two cards, in byte order. */
static void check_shape(struct dossier *d, const char *card[static 2])
{
	const char *large = NULL;
	unsigned cards = 0;

	list(d, "");
	if (d->files)
		qsort(d->file, d->files, sizeof(*d->file), file_cmp);
	for (size_t i = 0; i < d->files; i++) {
		const struct file *f = &d->file[i];
		const int64_t limit = name_limit(d, f->name);

		if (limit < 0 || f->size < 0)
			invalid(d, "unbound", f->name, WHOLE);
		if (f->size > limit && !large)
			large = f->name;
		if (is_card(slice_of(f->name)) && cards++ < 2)
			card[cards - 1] = f->name;
	}
	if (!file_find(d, "dossier"))
		invalid(d, "missing", "dossier", WHOLE);
	if (cards != 2)
		invalid(d, "missing", "card", WHOLE);
	for (unsigned i = 0; i < 2; i++) {
		char name[2 * NAME_LEN];
		const struct file *f;

		snprintf(name, sizeof(name), "feed.%s", card[i] + 5);
		f = file_find(d, name);
		if (!f)
			invalid(d, "missing", name, WHOLE);
		strncat(name, endings[CHECKPOINT], NAME_LEN);
		if (f->size && !file_find(d, name))
			invalid(d, "missing", name, WHOLE);
	}
	if (large)
		invalid(d, "syntax", large, WHOLE);
}

bool pair_derive(struct dossier *d)
{
	struct card *lo = &d->side[LO].card, *hi = &d->side[HI].card;
	uint8_t be[2][4], hash[HASH_LEN];
	char gen[33], name[NAME_LEN];
	bool swap;

	if (keys_repeat(lo, hi) || !strcmp(lo->host, hi->host))
		return false;
	if (memcmp(lo->key[LOG], hi->key[LOG], KEY_LEN) > 0) {
		const struct card was = *lo;

		*lo = *hi;
		*hi = was;
	}
	for (unsigned i = 0; i < 2; i++) {
		const size_t n = d->side[i].card.text.n;

		for (unsigned k = 0; k < 4; k++)
			be[i][k] = (uint8_t)(n >> (24 - 8 * k));
	}
	hash_parts((struct slice[]){slice_of("ringdown-gen/v1\n"),
				    {be[LO], 4},
				    lo->text,
				    {be[HI], 4},
				    hi->text,
				    {(const uint8_t[8]){0}, 8}},
		   6, hash);
	hex_print(hash, 16, gen);
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &d->side[i];

		for (unsigned k = 0; k < FILES; k++)
			snprintf(s->name[k], NAME_LEN, "feed.%s%s",
				 s->card.host, endings[k]);
		snprintf(name, NAME_LEN, "%s/ringdown/%s/%s", s->card.host,
			 d->side[1 - i].card.host, gen);
		key_make(&d->key[i], name, TYPE_LOG, s->card.key[LOG]);
		snprintf(name, NAME_LEN, "%s/ringdown/cosigner", s->card.host);
		key_make(&d->key[KEY_COSIGNER + i], name, TYPE_COSIGNER,
			 s->card.key[COSIGNER]);
	}
	swap = strcmp(lo->host, hi->host) > 0;
	snprintf(name, NAME_LEN, "ringdown/%s/%s/%s",
		 swap ? hi->host : lo->host, swap ? lo->host : hi->host, gen);
	key_make(&d->key[JOINT], name, TYPE_LOG, lo->key[LOG]);
	d->keys = KEY_COSIGNER + 2;
	return true;
}

/* A card that was given is the dossier's, of its host, if it is there */
static void check_given(struct dossier *d, const struct card *given)
{
	char name[NAME_LEN];
	bool same = false;

	snprintf(name, sizeof(name), "card.%s", given->host);
	for (unsigned i = 0; i < 2; i++) {
		const struct card *c = &d->side[i].card;

		if (strcmp(c->host, given->host))
			continue;
		same = c->text.n == given->text.n &&
		       !memcmp(c->text.p, given->text.p, c->text.n);
		d->carded[i] = same;
	}
	if (!same)
		invalid(d, "card", name, WHOLE);
}

void dossier_open(struct dossier *d, const struct card *given, unsigned count)
{
	const char *card[2];
	struct slice host;

	d->dir = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0)
		cannot_read(d->path, errno);
	check_shape(d, card);
	for (unsigned i = 0; i < 2; i++) {
		struct card *c = &d->side[i].card;

		if (!card_parse(file_map(d->dir, card[i], CARD_MAX), false,
				c) ||
		    strcmp(c->host, card[i] + 5))
			invalid(d, "syntax", card[i], WHOLE);
	}
	if (!pair_derive(d))
		invalid(d, "syntax", card[1], WHOLE);
	d->known = true;
	for (unsigned i = 0; i < count; i++)
		check_given(d, &given[i]);
	if (!scan(file_map(d->dir, "dossier", DOSSIER_MAX),
		  "ringdown-dossier/v1\nside %o\n", &host))
		invalid(d, "syntax", "dossier", WHOLE);
	if (slice_is(host, d->side[HI].card.host))
		d->exporter = HI;
	else if (!slice_is(host, d->side[LO].card.host))
		invalid(d, "syntax", "dossier", WHOLE);
}
