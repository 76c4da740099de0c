/* SPDX-License-Identifier: ISC */
/** @file marker.c  What we last signed, kept outside the store */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "keeper/marker.h"

#define HEAD "ringdown-marker/v1"
#define CHECK "check "
#define CHECK_CHARS (sizeof(CHECK) - 1 + 2 * DIGEST_BYTES + 1)

struct marker {
	int fd;
	bool dirty;
	uint64_t counter; /* of the newest whole slot; 0: none */
	size_t feeds;
	struct core_marker feed[MARKER_FEEDS_MAX];
};

/* ---- a slot's text ---- */

static bool uint_line(struct str *in, const char *word, uint64_t *v)
{
	struct str line;

	return str_line(in, &line) && str_is(str_cut(&line, ' '), word) &&
	       !uint_parse(line, v);
}

static bool feed_line(struct str *in, struct core_marker *out)
{
	struct str line, origin;

	if (!str_line(in, &line))
		return false;
	origin = str_cut(&line, ' ');
	return origin.n &&
	       !str_copy(origin, out->origin, sizeof(out->origin)) &&
	       !uint_parse(str_cut(&line, ' '), &out->size) &&
	       !b64_exact(line, out->root, DIGEST_BYTES);
}

static bool check_good(struct str before, struct str rest)
{
	uint8_t want[DIGEST_BYTES], got[DIGEST_BYTES];
	struct str line;

	if (!str_line(&rest, &line) || line.n != CHECK_CHARS - 1 ||
	    memcmp(line.p, CHECK, sizeof(CHECK) - 1))
		return false;
	line.p += sizeof(CHECK) - 1;
	line.n -= sizeof(CHECK) - 1;
	if (hex_decode(line, want, DIGEST_BYTES))
		return false;
	digest(before.p, before.n, got);
	return !memcmp(want, got, DIGEST_BYTES);
}

/* Whether a slot is whole; then m is what it says */
static bool slot_parse(const char *p, size_t n, struct marker *m)
{
	struct str in = {p, n}, line;
	uint64_t feeds;

	if (!str_line(&in, &line) || !str_is(line, HEAD) ||
	    !uint_line(&in, "counter", &m->counter) || !m->counter ||
	    !uint_line(&in, "feeds", &feeds) || feeds > MARKER_FEEDS_MAX)
		return false;
	m->feeds = (size_t)feeds;
	for (size_t i = 0; i < m->feeds; i++) {
		if (!feed_line(&in, &m->feed[i]))
			return false;
	}
	return check_good((struct str){p, n - in.n}, in);
}

static void slot_print(const struct marker *m, uint64_t counter, struct buf *b)
{
	uint8_t sum[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1], root[B64_SIZE(DIGEST_BYTES)];

	buf_printf(b, HEAD "\ncounter %" PRIu64 "\nfeeds %zu\n", counter,
		   m->feeds);
	for (size_t i = 0; i < m->feeds; i++) {
		b64_encode(m->feed[i].root, DIGEST_BYTES, root);
		buf_printf(b, "%s %" PRIu64 " %s\n", m->feed[i].origin,
			   m->feed[i].size, root);
	}
	digest(b->p, b->n, sum);
	hex_encode(sum, DIGEST_BYTES, hex);
	buf_printf(b, CHECK "%s\n", hex);
}

/* ---- the file ---- */

static int slot_read(int fd, unsigned slot, char *p, size_t *n)
{
	*n = 0;
	while (*n < MARKER_SLOT_BYTES) {
		const ssize_t k =
			pread(fd, p + *n, MARKER_SLOT_BYTES - *n,
			      (off_t)slot * MARKER_SLOT_BYTES + (off_t)*n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return errno;
		if (!k)
			break;
		*n += (size_t)k;
	}
	return 0;
}

static bool all_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i])
			return false;
	}
	return true;
}

/* The whole slot with the larger counter, if there is one */
static int slots_read(struct marker *m, enum marker_found *found)
{
	char *text = malloc(MARKER_SLOT_BYTES);
	struct marker *one = malloc(sizeof(*one));
	bool written = false;
	int err = text && one ? 0 : ENOMEM;
	size_t n;

	for (unsigned slot = 0; slot < 2 && !err; slot++) {
		err = slot_read(m->fd, slot, text, &n);
		if (err || all_zero(text, n))
			continue;
		written = true;
		if (!slot_parse(text, n, one) || one->counter <= m->counter)
			continue;
		m->counter = one->counter;
		m->feeds = one->feeds;
		memcpy(m->feed, one->feed, sizeof(m->feed));
	}
	*found = m->counter ? MARKER_WHOLE
		 : written  ? MARKER_DAMAGED
			    : MARKER_NEW;
	free(text);
	free(one);
	return err;
}

/* The file's name is durable only when its directory is */
static int dir_sync(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash && slash != path
			    ? strndup(path, (size_t)(slash - path))
			    : strdup(slash ? "/" : ".");
	int fd, err = 0;

	if (!dir)
		return ENOMEM;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		err = errno;
	if (fd >= 0)
		close(fd);
	free(dir);
	return err;
}

/* All octets there ever will be, so that a full disk cannot stop us later */
static int allocate(int fd, const char *path)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	if (st.st_size >= 2 * MARKER_SLOT_BYTES)
		return 0;
	err = posix_fallocate(fd, 0, 2 * MARKER_SLOT_BYTES);
	if (!err && fsync(fd))
		err = errno;
	return err ? err : dir_sync(path);
}

int marker_open(struct marker **mp, const char *path, enum marker_found *found,
		const char **why)
{
	struct marker *m = calloc(1, sizeof(*m));
	int err;

	*why = "out of memory";
	if (!m)
		return ENOMEM;
	m->fd = open(path,
		     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		     0600);
	err = m->fd < 0 ? errno : 0;
	*why = "cannot open or make the file";
	if (!err) {
		err = allocate(m->fd, path);
		*why = err == EINVAL ? "this is no regular file"
				     : "cannot set its octets aside";
	}
	if (!err) {
		err = slots_read(m, found);
		*why = "cannot read it";
	}
	if (err) {
		marker_close(m);
		return err;
	}
	*mp = m;
	return 0;
}

void *marker_close(struct marker *m)
{
	if (m && m->fd >= 0)
		close(m->fd);
	free(m);
	return NULL;
}

/* ---- what it says ---- */

static struct core_marker *find(struct marker *m, const char *origin)
{
	for (size_t i = 0; i < m->feeds; i++) {
		if (!strcmp(m->feed[i].origin, origin))
			return &m->feed[i];
	}
	return NULL;
}

int marker_get(const char *origin, struct core_marker *out, void *arg)
{
	const struct core_marker *v = find(arg, origin);

	if (!v)
		return ENOENT;
	*out = *v;
	return 0;
}

int marker_put(struct marker *m, const struct core_marker *v)
{
	struct core_marker *to = find(m, v->origin);

	if (!to) {
		if (m->feeds == MARKER_FEEDS_MAX)
			return ENOSPC;
		to = &m->feed[m->feeds++];
	}
	*to = *v;
	m->dirty = true;
	return 0;
}

int marker_flush(struct marker *m)
{
	const uint64_t counter = m->counter + 1;
	const off_t at = (off_t)(counter % 2) * MARKER_SLOT_BYTES;
	struct buf b;
	size_t done = 0;
	int err;

	if (!m->dirty)
		return 0;
	buf_init(&b, MARKER_SLOT_BYTES);
	slot_print(m, counter, &b);
	err = b.err;
	while (!err && done < b.n) {
		const ssize_t k =
			pwrite(m->fd, b.p + done, b.n - done, at + (off_t)done);

		if (k > 0)
			done += (size_t)k;
		else if (!k || errno != EINTR)
			err = k ? errno : ENOSPC;
	}
	if (!err && fdatasync(m->fd))
		err = errno;
	buf_free(&b);
	if (err)
		return err;
	/* only now: a slot that may be torn is written again, not the other */
	m->counter = counter;
	m->dirty = false;
	return 0;
}
