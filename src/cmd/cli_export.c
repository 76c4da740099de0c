/* SPDX-License-Identifier: ISC */
/** @file cli_export.c  `ringdown record export`: a bundle into a directory */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/limits.h"
#include "cmd/cli.h"

#define BUNDLE_NAME_MAX 200

/*
 * u16be length of name, name, u64be size, octets; ...; u16be 0
 *
 * The files go to DIR.partial, which becomes DIR when the bundle has ended:
 * what bears the name of a dossier is one.
 */
enum part { PART_LENGTH, PART_NAME, PART_SIZE, PART_OCTETS, PART_ENDED };

struct unpack {
	enum part part;
	uint8_t head[BUNDLE_NAME_MAX + 1];	/* of the part being read */
	size_t head_n, want;
	char name[BUNDLE_NAME_MAX + 1];
	uint64_t left;		/* octets of this file */
	int dir, file;		/* descriptors, -1 */
	uint64_t files, bytes;
};

static bool ends(struct str *s, const char *suffix)
{
	const size_t n = strlen(suffix);

	if (s->n < n || memcmp(s->p + s->n - n, suffix, n) != 0)
		return false;
	s->n -= n;
	return true;
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

/* The names of docs/record.md 7, and nothing else: a path in a bundle leads
 * nowhere but into its directory */
static bool name_ok(struct str s)
{
	uint8_t hash[32];
	uint64_t n;

	if (str_is(s, "dossier") || str_is(s, "joint.checkpoint"))
		return true;
	if (begins(&s, "card."))
		return host_ok(s);
	if (begins(&s, "feed.")) {
		if (!ends(&s, ".checkpoint") && !ends(&s, ".cosigned"))
			(void)ends(&s, ".idle");
		return host_ok(s);
	}
	if (begins(&s, "blob/"))
		return !hex_decode(s, hash, sizeof(hash));
	if (begins(&s, "proof/"))
		return (ends(&s, ".fork") || ends(&s, ".envelope") ||
			ends(&s, ".cosignature") || ends(&s, ".joint")) &&
		       s.n <= 9 && !uint_parse(s, &n);
	return false;
}

static int failed(const struct unpack *u, const char *why)
{
	struct buf b;

	buf_init(&b, 2048);
	text_cell(&b, u->name, 0);
	buf_u8(&b, '\0');
	complain(tr("the export stopped at %s: %s"), b.err ? "?" : (char *)b.p,
		 why);
	buf_free(&b);
	return EXIT_FILE;
}

static int file_open(struct unpack *u)
{
	const char *slash = strchr(u->name, '/');
	char dir[8];

	if (!name_ok(str_of(u->name)))
		return failed(u, tr("a dossier has no file of this name"));
	if (slash) {
		if (str_copy((struct str){u->name, (size_t)(slash - u->name)},
			     dir, sizeof(dir)))
			return failed(u, strerror(EINVAL));
		if (mkdirat(u->dir, dir, 0777) && errno != EEXIST)
			return failed(u, strerror(errno));
	}
	u->file = openat(u->dir, u->name,
			 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			 0666);
	if (u->file < 0)
		return failed(u, strerror(errno));
	u->files++;
	return EXIT_DONE;
}

/* Not durable yet: a dossier may have a hundred thousand files, and they are
 * made so all at once, before it gets its name */
static int file_close(struct unpack *u)
{
	const bool bad = close(u->file) != 0;

	u->file = -1;
	return bad ? failed(u, strerror(errno)) : EXIT_DONE;
}

static uint64_t number(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static void expect(struct unpack *u, enum part part, size_t want)
{
	u->part = part;
	u->head_n = 0;
	u->want = want;
}

/* A length, name or size is whole */
static int head_done(struct unpack *u)
{
	int code;

	switch (u->part) {
	case PART_LENGTH:
		if (!number(u->head, 2)) {
			expect(u, PART_ENDED, 0);
			return EXIT_DONE;
		}
		if (number(u->head, 2) > BUNDLE_NAME_MAX)
			return failed(u, tr("a name is too long"));
		expect(u, PART_NAME, (size_t)number(u->head, 2));
		return EXIT_DONE;
	case PART_NAME:
		memcpy(u->name, u->head, u->head_n);
		u->name[u->head_n] = '\0';
		if (strlen(u->name) != u->head_n)
			return failed(u, strerror(EINVAL));
		expect(u, PART_SIZE, 8);
		return EXIT_DONE;
	default:
		u->left = number(u->head, 8);
		code = file_open(u);
		if (!code && !u->left)
			code = file_close(u);
		if (u->left)
			expect(u, PART_OCTETS, 0);
		else
			expect(u, PART_LENGTH, 2);
		return code;
	}
}

static int octets(struct unpack *u, const uint8_t *p, size_t n, size_t *used)
{
	const size_t most = u->left < n ? (size_t)u->left : n;
	const ssize_t w = write(u->file, p, most);

	if (w <= 0)
		return failed(u, w ? strerror(errno) : strerror(EIO));
	*used = (size_t)w;
	u->left -= *used;
	u->bytes += *used;
	if (u->left)
		return EXIT_DONE;
	expect(u, PART_LENGTH, 2);
	return file_close(u);
}

static int take(const void *data, size_t n, void *arg)
{
	struct unpack *u = arg;
	const uint8_t *p = data;
	int code = EXIT_DONE;

	while (n && !code) {
		size_t used = 0;

		if (u->part == PART_ENDED)
			return failed(u, tr("something follows its end"));
		if (u->part == PART_OCTETS) {
			code = octets(u, p, n, &used);
		} else {
			used = u->want - u->head_n < n ? u->want - u->head_n
						       : n;
			memcpy(u->head + u->head_n, p, used);
			u->head_n += used;
			if (u->head_n == u->want)
				code = head_done(u);
		}
		p += used;
		n -= used;
	}
	return code;
}

static int bundle_get(struct cli *c, const char *peer, struct unpack *u)
{
	struct reply r;
	struct ask a;
	int code;

	ask_init(&a, "GET", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "export");
	ask_number(&a, "bodies", !c->no_bodies);
	a.sink = take;
	a.arg = u;
	code = ask_do(c, &a, &r);
	reply_free(&r);
	if (!code && u->part != PART_ENDED)
		code = failed(u, tr("it ends in the middle"));
	if (u->file >= 0)
		close(u->file);
	if (!code && syncfs(u->dir))
		code = failed(u, strerror(errno));
	return code;
}

int export_do(struct cli *c, const char *peer, const char *dir)
{
	struct unpack u = {.want = 2, .dir = -1, .file = -1};
	char part[4096];
	struct stat st;
	int code;
	const int n = snprintf(part, sizeof(part), "%s.partial", dir);

	if (n < 0 || (size_t)n >= sizeof(part) || !*dir)
		return usage(tr("%s is no name for a directory"), dir);
	if (!lstat(dir, &st)) {
		complain(tr("%s exists and was left alone; name a new "
			    "directory"),
			 dir);
		return EXIT_FILE;
	}
	if (mkdir(part, 0777)) {
		complain("%s: %s", part, strerror(errno));
		return EXIT_FILE;
	}
	u.dir = open(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	code = u.dir < 0 ? failed(&u, strerror(errno))
			 : bundle_get(c, peer, &u);
	if (u.dir >= 0)
		close(u.dir);
	if (!code && rename(part, dir)) {
		complain("%s: %s", dir, strerror(errno));
		code = EXIT_FILE;
	}
	if (code && rmdir(part))	/* nothing in it: as if never made */
		complain(tr("%s holds what came so far; it is no dossier, "
			    "remove it"),
			 part);
	if (code)
		return code;
	if (c->json)
		printf("{\"files\":%llu,\"bytes\":%llu}\n",
		       (unsigned long long)u.files,
		       (unsigned long long)u.bytes);
	else
		printf(tr("%llu files in %s. Check them: ringdown verify %s\n"),
		       (unsigned long long)u.files, dir, dir);
	return EXIT_DONE;
}
