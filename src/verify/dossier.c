/* SPDX-License-Identifier: ISC */
/** @file dossier.c  What a directory holds: checks 1 and 2 (docs/record.md 8) */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "verify/verify.h"

static const char *const suffixes[] = {"", ".checkpoint", ".cosigned", ".idle"};

int verdict_invalid(struct dossier *d, const char *reason, const char *fmt, ...)
{
	struct verdict *v = &d->verdict;
	char buf[PLACE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	*v = (struct verdict){INVALID, -1, reason, ""};
	escape((const uint8_t *)buf, strlen(buf), false, v->place, PLACE_MAX);
	return EBADMSG;
}

void verdict_add(struct dossier *d, enum level level, unsigned side,
		 const char *reason, const char *place, int64_t n)
{
	struct verdict *v = &d->verdict;

	if (v->level >= level)
		return;
	*v = (struct verdict){level, (int)side, reason, ""};
	if (n < 0)
		snprintf(v->place, sizeof(v->place), "%s", place);
	else
		snprintf(v->place, sizeof(v->place), "%s:%lld", place,
			 (long long)n);
}

int file_open(int dir, const char *name, uint64_t *bytes)
{
	const int fd = openat(dir, name,
			      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
				      O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = EIO;
		return -1;
	}
	*bytes = (uint64_t)st.st_size;
	return fd;
}

int file_read(int dir, const char *name, uint8_t *buf, size_t max,
	      struct slice *s)
{
	uint64_t bytes;
	size_t n = 0;
	ssize_t got = 1;
	const int fd = file_open(dir, name, &bytes);
	int err;

	*s = (struct slice){buf, 0};
	if (fd < 0)
		return errno ? errno : EIO;
	err = bytes > max ? EMSGSIZE : 0;
	while (!err && got && n < bytes) {
		got = read(fd, buf + n, (size_t)bytes - n);
		if (got < 0 && errno != EINTR)
			err = errno;
		n += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	s->n = n;
	return err;
}

/* What a name at the top of the directory stands for */
struct shape {
	char unbound[NAME_MAX + 8];	/* the least name that is not the table's */
	char large[NAME_MAX + 8];	/* the least name beyond its limit */
	bool has_dossier;
	unsigned cards;
};

/* Keep the first in byte order */
static void keep_least(char least[static NAME_MAX + 8], const char *sub,
		       const char *name)
{
	char full[NAME_MAX + 8];

	snprintf(full, sizeof(full), "%s%s", sub, name);
	if (!*least || strcmp(full, least) < 0)
		memcpy(least, full, sizeof(full));
}

static bool ends_in(struct slice s, const char *end)
{
	const size_t n = strlen(end);

	return s.n >= n && !memcmp(s.p + s.n - n, end, n);
}

static bool card_name(const char *name, struct slice *host)
{
	*host = (struct slice){(const uint8_t *)name, strlen(name)};
	if (!slice_after(host, "card.") || !host_ok(*host))
		return false;
	for (unsigned k = 1; k < 4; k++) {	/* feed.X.idle: whose is it? */
		if (ends_in(*host, suffixes[k]))
			return false;
	}
	return true;
}

/* The first pass: who is here. With three cards, two hosts are as good as
 * any: the dossier is refused for it in any case */
static void take_card(struct dossier *d, struct shape *sh, struct slice host)
{
	const unsigned at = sh->cards < 2 ? sh->cards : 1;

	memset(d->host[at], 0, sizeof(d->host[at]));
	memcpy(d->host[at], host.p, host.n);
	sh->cards++;
}

/* feed.HOST and its notes, of any host that has a card here */
static bool feed_name(const struct dossier *d, const char *name)
{
	struct slice s = {(const uint8_t *)name, strlen(name)}, host;
	char card[NAME_MAX + 1];
	struct stat st;

	if (!slice_after(&s, "feed.") || s.n > NAME_MAX - 5)
		return false;
	for (unsigned k = 1; k < 4; k++) {
		if (ends_in(s, suffixes[k])) {
			s.n -= strlen(suffixes[k]);
			break;
		}
	}
	snprintf(card, sizeof(card), "card.%.*s", (int)s.n, s.p);
	return card_name(card, &host) &&
	       !fstatat(d->dir, card, &st, AT_SYMLINK_NOFOLLOW);
}

static bool name_fits(const struct dossier *d, const char *sub,
		      const char *name, bool *is_dir)
{
	const size_t n = strlen(name), digits = strspn(name, "0123456789");
	struct slice host;

	*is_dir = false;
	if (!strcmp(sub, "blob/"))
		return n == 64 && strspn(name, "0123456789abcdef") == 64;
	if (!strcmp(sub, "proof/"))
		return digits >= 1 && digits <= 9 &&
		       !strcmp(name + digits, ".fork");
	*is_dir = !strcmp(name, "blob") || !strcmp(name, "proof");
	return *is_dir || !strcmp(name, "dossier") ||
	       !strcmp(name, "joint.checkpoint") || card_name(name, &host) ||
	       feed_name(d, name);
}

/* Most bytes of a file of a fitting name. Feeds and blobs have no limit: they
 * are never held in memory as a whole */
static int64_t limit_of(const char *sub, const char *name)
{
	const struct slice s = {(const uint8_t *)name, strlen(name)};

	if (*sub)
		return !strcmp(sub, "proof/") ? FORK_MAX : INT64_MAX;
	if (!strcmp(name, "dossier"))
		return DOSSIER_MAX;
	if (!strncmp(name, "card.", 5))
		return CARD_MAX;
	for (unsigned k = 1; k < 4; k++) {
		if (ends_in(s, suffixes[k]))
			return NOTE_MAX;
	}
	return INT64_MAX;
}

static int scan(struct dossier *d, struct shape *sh, const char *sub)
{
	const int fd = openat(d->dir, *sub ? sub : ".",
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;
	bool is_dir;

	if (!dir) {
		const int err = errno;

		if (fd >= 0)
			close(fd);
		/* no directory: then the scan of the top has said so */
		return *sub && (err == ENOENT || err == ENOTDIR || err == ELOOP)
			       ? 0
			       : err;
	}
	while (errno = 0, (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!name_fits(d, sub, e->d_name, &is_dir) ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    (is_dir ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)))
			keep_least(sh->unbound, sub, e->d_name);
		else if (!is_dir && st.st_size > limit_of(sub, e->d_name))
			keep_least(sh->large, sub, e->d_name);
		if (!*sub && !strcmp(e->d_name, "dossier"))
			sh->has_dossier = true;
	}
	is_dir = errno != 0;
	closedir(dir);
	return is_dir ? EIO : 0;
}

static int scan_cards(struct dossier *d, struct shape *sh)
{
	const int fd = openat(d->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct slice host;
	struct dirent *e;

	if (!dir)
		return errno;
	while ((e = readdir(dir))) {
		if (card_name(e->d_name, &host))
			take_card(d, sh, host);
	}
	closedir(dir);
	if (sh->cards == 2 && strcmp(d->host[0], d->host[1]) > 0) {
		char swap[HOST_MAX + 1];

		memcpy(swap, d->host[0], sizeof(swap));
		memcpy(d->host[0], d->host[1], sizeof(swap));
		memcpy(d->host[1], swap, sizeof(swap));
	}
	return 0;
}

static int64_t size_of(const struct dossier *d, const char *name)
{
	struct stat st;

	return fstatat(d->dir, name, &st, AT_SYMLINK_NOFOLLOW)
		       ? -1
		       : (int64_t)st.st_size;
}

static int check_missing(struct dossier *d, const struct shape *sh)
{
	char name[NAME_MAX];

	if (!sh->has_dossier)
		return verdict_invalid(d, "missing", "dossier");
	if (sh->cards != 2)
		return verdict_invalid(d, "missing", "card");
	for (unsigned i = 0; i < 2; i++) {
		int64_t n;

		snprintf(name, sizeof(name), "feed.%s", d->host[i]);
		n = size_of(d, name);
		if (n < 0)
			return verdict_invalid(d, "missing", "%s", name);
		snprintf(name, sizeof(name), "feed.%s.checkpoint", d->host[i]);
		if (n > 0 && size_of(d, name) < 0)
			return verdict_invalid(d, "missing", "%s", name);
	}
	return 0;
}

static int check_shape(struct dossier *d)
{
	struct shape sh = {.cards = 0};
	int err = scan_cards(d, &sh);

	if (!err)
		err = scan(d, &sh, "");
	if (!err)
		err = scan(d, &sh, "blob/");
	if (!err)
		err = scan(d, &sh, "proof/");
	if (err)
		return err;
	if (*sh.unbound)
		return verdict_invalid(d, "unbound", "%s", sh.unbound);
	err = check_missing(d, &sh);
	if (!err && *sh.large)
		return verdict_invalid(d, "syntax", "%s", sh.large);
	return err;
}

static bool keys_differ(const struct card *a, const struct card *b)
{
	const uint8_t *x[] = {a->log, a->cosigner, a->trunk};
	const uint8_t *y[] = {b->log, b->cosigner, b->trunk};

	for (unsigned i = 0; i < 9; i++) {
		if (!memcmp(x[i / 3], y[i % 3], KEY_LEN))
			return false;
	}
	return true;
}

int pair_derive(struct dossier *d)
{
	struct side *s = d->side;
	char gen[33], name[ORIGIN_MAX];
	uint8_t hash[HASH_LEN], *text;
	size_t n = 0;

	if (!keys_differ(&s[0].card, &s[1].card) ||
	    !strcmp(s[0].card.host, s[1].card.host))
		return EINVAL;
	text = malloc(64 + 2 * CARD_MAX);
	if (!text)
		return ENOMEM;
	if (memcmp(s[0].card.log, s[1].card.log, KEY_LEN) > 0) {
		const struct card swap = s[0].card;

		s[0].card = s[1].card;
		s[1].card = swap;
	}
	memcpy(text, "ringdown-gen/v1\n", 16);
	n = 16;
	for (unsigned i = 0; i < 2; i++) {
		const size_t len = s[i].card.text_len;

		for (int k = 24; k >= 0; k -= 8)
			text[n++] = (uint8_t)(len >> k);
		memcpy(text + n, s[i].card.text, len);
		n += len;
	}
	memset(text + n, 0, 8);			/* the generation */
	hash_bytes(text, n + 8, hash);
	free(text);
	hex_print(hash, 16, gen);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(s[i].origin, ORIGIN_MAX, "%.63s/ringdown/%.63s/%s",
			 s[i].card.host, s[1 - i].card.host, gen);
		snprintf(s[i].feed_name, sizeof(s[i].feed_name), "feed.%.63s",
			 s[i].card.host);
		key_make(&d->keys[i][0], s[i].origin, TYPE_LOG, s[i].card.log);
	}
	n = strcmp(s[0].card.host, s[1].card.host) < 0 ? 0 : 1;
	snprintf(d->joint_origin, ORIGIN_MAX, "ringdown/%.63s/%.63s/%s",
		 s[n].card.host, s[1 - n].card.host, gen);
	key_make(&d->keys[2][0], d->joint_origin, TYPE_LOG, s[0].card.log);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < 2; k++) {
			const struct card *c = &s[i == 1 ? 1 - k : k].card;

			snprintf(name, sizeof(name), "%.63s/ringdown/cosigner",
				 c->host);
			key_make(&d->keys[i][1 + k], name, TYPE_COSIGNER,
				 c->cosigner);
		}
	}
	return 0;
}

static int check_given(struct dossier *d, const struct card *given,
		       unsigned count)
{
	for (unsigned k = 0; k < count; k++) {
		const struct card *g = &given[k];
		bool same = false;

		for (unsigned i = 0; i < 2; i++) {
			const struct card *c = &d->side[i].card;

			if (strcmp(c->host, g->host))
				continue;
			same = c->text_len == g->text_len &&
			       !memcmp(c->text, g->text, c->text_len);
			d->carded[i] = same;
		}
		if (!same)
			return verdict_invalid(d, "card", "card.%s", g->host);
	}
	return 0;
}

static int check_cards(struct dossier *d, const struct card *given,
		       unsigned count)
{
	uint8_t buf[CARD_MAX];
	char name[NAME_MAX];
	struct slice s, line;
	int err;

	for (unsigned i = 0; i < 2; i++) {
		struct card *c = &d->side[i].card;

		snprintf(name, sizeof(name), "card.%s", d->host[i]);
		err = file_read(d->dir, name, buf, sizeof(buf), &s);
		if (err)
			return err;
		if (!card_parse(s, false, c) || strcmp(c->host, d->host[i]))
			return verdict_invalid(d, "syntax", "%s", name);
	}
	err = pair_derive(d);
	if (err == EINVAL)
		return verdict_invalid(d, "syntax", "%s", name);
	if (err)
		return err;
	d->known = true;
	err = check_given(d, given, count);
	if (err)
		return err;
	err = file_read(d->dir, "dossier", buf, DOSSIER_MAX, &s);
	if (err)
		return err;
	if (slice_line(&s, &line) && slice_is(line, "ringdown-dossier/v1") &&
	    slice_line(&s, &line) && slice_after(&line, "side ") && !s.n) {
		for (d->exporter = 0; d->exporter < 2; d->exporter++) {
			if (slice_is(line, d->side[d->exporter].card.host))
				return 0;
		}
	}
	d->exporter = 0;
	return verdict_invalid(d, "syntax", "dossier");
}

static int map_feed(struct dossier *d, struct side *s)
{
	uint64_t bytes;
	void *map;
	int err = 0;
	const int fd = file_open(d->dir, s->feed_name, &bytes);

	if (fd < 0)
		return errno;
	if (bytes) {
		map = mmap(NULL, (size_t)bytes, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map == MAP_FAILED)
			err = errno;
		else
			s->feed = map;
		s->feed_bytes = err ? 0 : (size_t)bytes;
		if (!err)
			(void)madvise(map, s->feed_bytes, MADV_SEQUENTIAL);
	}
	close(fd);
	return err;
}

int dossier_open(struct dossier *d, const char *path, const struct card *given,
		 unsigned count)
{
	int err;

	d->path = path;
	d->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0)
		return errno;
	err = check_shape(d);
	if (!err)
		err = check_cards(d, given, count);
	for (unsigned i = 0; i < 2 && !err; i++)
		err = map_feed(d, &d->side[i]);
	return err;
}

void dossier_close(struct dossier *d)
{
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &d->side[i];

		if (s->feed)
			munmap((void *)(uintptr_t)s->feed, s->feed_bytes);
		tree_close(&s->tree);
		free(s->item);
	}
	if (d->dir >= 0)
		close(d->dir);
}
