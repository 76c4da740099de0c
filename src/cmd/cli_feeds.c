/* SPDX-License-Identifier: ISC */
/** @file cli_feeds.c  Both feeds of a record, from a dossier or the exchange */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd/cli_feeds.h"
#include "proto/card.h"
#include "proto/entry.h"

#define BUNDLE_NAME_MAX 200
#define DOSSIER_BYTES_MAX 200

static int damaged(const struct feeds *f, const char *what)
{
	complain(tr("%s: %s. Nothing was reported; ringdown verify says more."),
		 f->from, what);
	return EXIT_FILE;
}

static int failed(const struct feeds *f, const char *name)
{
	complain("%s: %s: %s", f->from, name, strerror(errno));
	return EXIT_FILE;
}

static bool begins(struct str *s, const char *prefix)
{
	const size_t n = strlen(prefix);

	if (s->n < n || memcmp(s->p, prefix, n) != 0)
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

static bool ends(struct str s, const char *suffix)
{
	const size_t n = strlen(suffix);

	return s.n > n && !memcmp(s.p + s.n - n, suffix, n);
}

/* Of all files of a dossier those that are read here */
static bool part_ok(struct str s)
{
	if (str_is(s, "dossier"))
		return true;
	if (ends(s, ".checkpoint") || ends(s, ".cosigned") || ends(s, ".idle"))
		return false;
	return (begins(&s, "card.") || begins(&s, "feed.")) && host_ok(s);
}

/* One more; the descriptor is given */
static int part_add(struct feeds *f, struct str name, int fd, uint64_t at,
		    uint64_t bytes)
{
	struct feeds_part *part = &f->part[f->parts];

	if (f->parts == FEEDS_PARTS ||
	    str_copy(name, part->name, sizeof(part->name)))
		return damaged(f, tr("it is of more than two sides"));
	part->fd = fd;
	part->at = at;
	part->end = at + bytes;
	f->parts++;
	return EXIT_DONE;
}

static const struct feeds_part *part_find(const struct feeds *f,
					  const char *kind, const char *host)
{
	for (size_t i = 0; i < f->parts; i++) {
		struct str name = str_of(f->part[i].name);

		if (begins(&name, kind) && str_is(name, host))
			return &f->part[i];
	}
	return NULL;
}

static int octets_get(const struct feeds *f, const struct feeds_part *part,
		      void *out, size_t max, size_t *n)
{
	const uint64_t bytes = part->end - part->at;
	size_t got = 0;

	*n = 0;
	if (bytes > max)
		return damaged(f, part->name);
	while (got < bytes) {
		const ssize_t r =
			pread(part->fd, (char *)out + got, (size_t)bytes - got,
			      (off_t)(part->at + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return failed(f, part->name);
		if (!r)
			return damaged(f, part->name);
		got += (size_t)r;
	}
	*n = got;
	return EXIT_DONE;
}

/* ---- whose they are ---- */

/* The pivot is the side with the lower log key (record.md 2) */
static int sides_find(struct feeds *f)
{
	static struct card card[2];
	uint8_t text[CARD_BYTES_MAX];
	size_t n, cards = 0;

	for (size_t i = 0; i < f->parts; i++) {
		struct str name = str_of(f->part[i].name);
		int code;

		if (!begins(&name, "card."))
			continue;
		if (cards == 2)
			return damaged(f, tr("it is of more than two sides"));
		code = octets_get(f, &f->part[i], text, sizeof(text), &n);
		if (code)
			return code;
		if (card_parse(text, n, &card[cards], NULL) ||
		    !str_is(name, card[cards].name))
			return damaged(f, f->part[i].name);
		cards++;
	}
	if (cards != 2)
		return damaged(f, tr("a card is missing"));
	for (int i = 0; i < 2; i++) {
		const int first =
			memcmp(card[0].log, card[1].log, KEY_BYTES) < 0 ? 0 : 1;

		memcpy(f->host[i], card[i ? !first : first].name,
		       sizeof(f->host[i]));
		if (!part_find(f, "feed.", f->host[i]))
			return damaged(f, tr("a feed is missing"));
	}
	return EXIT_DONE;
}

static int side_find(struct feeds *f)
{
	const struct feeds_part *part = part_find(f, "dossier", "");
	char text[DOSSIER_BYTES_MAX];
	struct str in, line;
	size_t n;
	int code;

	if (!part)
		return damaged(f, tr("it is no dossier"));
	code = octets_get(f, part, text, sizeof(text), &n);
	if (code)
		return code;
	in = (struct str){text, n};
	if (!str_line(&in, &line) || !str_is(line, "ringdown-dossier/v1") ||
	    !str_line(&in, &line) || !begins(&line, "side ") || in.n ||
	    (!str_is(line, f->host[0]) && !str_is(line, f->host[1])) ||
	    str_copy(line, f->side, sizeof(f->side)))
		return damaged(f, "dossier");
	return EXIT_DONE;
}

/* ---- a dossier ---- */

static int part_open(struct feeds *f, int dir, const char *name)
{
	struct stat st;
	const int fd = openat(dir, name,
			      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return failed(f, name);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return damaged(f, name);
	}
	if (part_add(f, str_of(name), fd, 0, (uint64_t)st.st_size)) {
		close(fd);
		return EXIT_FILE;
	}
	return EXIT_DONE;
}

int feeds_open(struct feeds *f, const char *dir)
{
	const struct dirent *e;
	int code = EXIT_DONE;
	DIR *d;

	*f = (struct feeds){.from = dir, .bundle = -1};
	d = opendir(dir);
	if (!d) {
		complain("%s: %s", dir, strerror(errno));
		return EXIT_FILE;
	}
	while (!code && (e = readdir(d))) {
		if (part_ok(str_of(e->d_name)))
			code = part_open(f, dirfd(d), e->d_name);
	}
	closedir(d);
	code = code ? code : sides_find(f);
	return code ? code : side_find(f);
}

void feeds_close(struct feeds *f)
{
	for (size_t i = 0; i < f->parts && f->bundle < 0; i++)
		close(f->part[i].fd);
	if (f->bundle >= 0)
		close(f->bundle);
	f->parts = 0;
	f->bundle = -1;
}

/* ---- the exchange ---- */

/* A bundle goes to a file without a name: both feeds are read at once */
static int take(const void *p, size_t n, void *arg)
{
	const struct feeds *f = arg;

	while (n) {
		const ssize_t w = write(f->bundle, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return failed(f, tr("a temporary file"));
		p = (const char *)p + w;
		n -= (size_t)w;
	}
	return EXIT_DONE;
}

/* u16be length of name, name, u64be size, octets; ...; u16be 0 */
static int bundle_index(struct feeds *f)
{
	struct feeds_part head = {.name = "bundle", .fd = f->bundle};
	struct stat st;
	uint64_t at = 0;

	if (fstat(f->bundle, &st))
		return failed(f, "bundle");
	for (;;) {
		uint8_t b[BUNDLE_NAME_MAX + 8];
		const uint64_t left = (uint64_t)st.st_size - at;
		size_t n, len;
		struct cur c;
		struct str name;
		uint64_t bytes;
		int code;

		head.at = at;
		head.end = at + (left < 2 ? left : 2);
		code = octets_get(f, &head, b, sizeof(b), &n);
		c = cur_of(b, n);
		len = cur_u16(&c);
		if (code)
			return code;
		if (!len && !c.bad && left == 2)
			return EXIT_DONE;
		if (!len || len > BUNDLE_NAME_MAX || left < len + 10)
			break;
		head.at = at + 2;
		head.end = head.at + len + 8;
		code = octets_get(f, &head, b, sizeof(b), &n);
		if (code)
			return code;
		c = cur_of(b, n);
		name.p = (const char *)cur_take(&c, len);
		name.n = len;
		bytes = cur_u64(&c);
		at = head.end;
		if (c.bad || bytes > (uint64_t)st.st_size - at)
			break;
		if (part_ok(name))
			code = part_add(f, name, f->bundle, at, bytes);
		if (code)
			return code;
		at += bytes;
	}
	return damaged(f, "bundle");
}

/* The only pair there is; *name is the caller's to free */
static int peer_only(struct cli *c, char **name)
{
	const json_t *pairs;
	struct reply r;
	struct ask a;
	int code;

	ask_init(&a, "GET", "/v1/status");
	code = ask_do(c, &a, &r);
	pairs = json_object_get(r.json, "pairs");
	if (!code && json_array_size(pairs) != 1) {
		complain("%s", tr("there is not exactly one pair: name it with "
				  "--peer"));
		code = EXIT_USAGE;
	}
	if (!code) {
		*name = strdup(json_text(json_array_get(pairs, 0), "peer"));
		code = *name ? EXIT_DONE : EXIT_FILE;
	}
	reply_free(&r);
	return code;
}

static int bundle_get(struct feeds *f, struct cli *c, const char *peer)
{
	FILE *file = tmpfile();
	struct reply r;
	struct ask a;
	int code;

	if (!file)
		return failed(f, tr("a temporary file"));
	f->bundle = dup(fileno(file));
	fclose(file);
	if (f->bundle < 0)
		return failed(f, tr("a temporary file"));
	ask_init(&a, "GET", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "export");
	ask_number(&a, "bodies", 0);
	a.sink = take;
	a.arg = f;
	code = ask_do(c, &a, &r);
	reply_free(&r);
	return code;
}

int feeds_ask(struct feeds *f, struct cli *c, const char *peer)
{
	char *only = NULL;
	int code = EXIT_DONE;

	*f = (struct feeds){.from = c->socket, .bundle = -1};
	if (!peer)
		code = peer_only(c, &only);
	if (!code)
		code = bundle_get(f, c, peer ? peer : only);
	free(only);
	code = code ? code : bundle_index(f);
	code = code ? code : sides_find(f);
	return code ? code : side_find(f);
}

/* ---- in order ---- */

struct reader {
	const struct feeds *f;
	const struct feeds_part *part;
	uint64_t at;		/* of what was not read yet */
	uint64_t seq;		/* of the next entry */
	uint8_t b[65536];	/* an entry and its length fit */
	size_t first, n;
};

static struct reader *reader_make(const struct feeds *f, const char *host)
{
	struct reader *r = malloc(sizeof(*r));

	if (!r)
		return NULL;
	r->f = f;
	r->part = part_find(f, "feed.", host);
	r->at = r->part->at;
	r->seq = 0;
	r->first = r->n = 0;
	return r;
}

static int fill(struct reader *r)
{
	memmove(r->b, r->b + r->first, r->n - r->first);
	r->n -= r->first;
	r->first = 0;
	while (r->n < sizeof(r->b) && r->at < r->part->end) {
		const uint64_t left = r->part->end - r->at;
		const size_t room = sizeof(r->b) - r->n;
		const ssize_t got =
			pread(r->part->fd, r->b + r->n,
			      left < room ? (size_t)left : room, (off_t)r->at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return failed(r->f, r->part->name);
		if (!got)
			break;
		r->n += (size_t)got;
		r->at += (uint64_t)got;
	}
	return EXIT_DONE;
}

/* *p NULL: the feed ends here */
static int next(struct reader *r, const uint8_t **p, size_t *n)
{
	int code;

	*p = NULL;
	if (r->n - r->first < ENTRY_BYTES_MAX + 2 && r->at < r->part->end) {
		code = fill(r);
		if (code)
			return code;
	}
	if (r->n == r->first && r->at == r->part->end)
		return EXIT_DONE;
	*n = r->n - r->first < 2
		     ? 0
		     : (size_t)r->b[r->first] << 8 | r->b[r->first + 1];
	if (!*n || *n > ENTRY_BYTES_MAX || r->n - r->first - 2 < *n)
		return damaged(r->f, r->part->name);
	*p = r->b + r->first + 2;
	r->first += *n + 2;
	r->seq++;
	return EXIT_DONE;
}

/* The other feed's entries up to a size; all the rest */
static int emit(struct reader *q, uint64_t size, bool placed, feeds_h *h,
		void *arg)
{
	int code = EXIT_DONE;

	while (!code && q->seq < size) {
		const uint8_t *p;
		size_t n;

		code = next(q, &p, &n);
		if (code)
			return code;
		if (!p)
			return placed ? damaged(q->f, q->part->name) : 0;
		code = h(p, n, placed, arg);
	}
	return code;
}

static int joint(struct reader *pivot, struct reader *other, feeds_h *h,
		 void *arg)
{
	static struct entry e;
	const uint8_t *p;
	size_t n;
	int code;

	for (;;) {
		code = next(pivot, &p, &n);
		if (code)
			return code;
		if (!p)
			return emit(other, UINT64_MAX, false, h, arg);
		if (entry_parse(p, n, &e))
			return damaged(pivot->f, pivot->part->name);
		code = emit(other, e.env.seen, true, h, arg);
		code = code ? code : h(p, n, true, arg);
		if (code)
			return code;
	}
}

int feeds_each(const struct feeds *f, feeds_h *h, void *arg)
{
	struct reader *pivot = reader_make(f, f->host[0]),
		      *other = reader_make(f, f->host[1]);
	int code = EXIT_FILE;

	if (pivot && other)
		code = joint(pivot, other, h, arg);
	else
		complain("%s", strerror(ENOMEM));
	free(pivot);
	free(other);
	return code;
}
