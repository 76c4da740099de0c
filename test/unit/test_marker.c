/* SPDX-License-Identifier: ISC */
/** @file test_marker.c  The marker: kept, torn, damaged, full */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "keeper/marker.h"
#include "rdtest.h"

static char path[600];

static const char *file(void)
{
	snprintf(path, sizeof(path), "%s/marker", rdtest_tmp());
	return path;
}

static struct core_marker value(const char *origin, uint64_t size)
{
	struct core_marker v = {.size = size};

	snprintf(v.origin, sizeof(v.origin), "%s", origin);
	memset(v.root, (int)(size & 0xff), sizeof(v.root));
	return v;
}

static struct marker *opened(enum marker_found want)
{
	enum marker_found found = MARKER_DAMAGED;
	struct marker *m = NULL;
	const char *why;

	CHECK_OK(marker_open(&m, file(), &found, &why));
	CHECK_EQ(found, want);
	return m;
}

static void put(struct marker *m, const char *origin, uint64_t size)
{
	const struct core_marker v = value(origin, size);

	CHECK_OK(marker_put(m, &v));
}

static void says(struct marker *m, const char *origin, uint64_t size)
{
	const struct core_marker want = value(origin, size);
	struct core_marker got;

	CHECK_OK(marker_get(origin, &got, m));
	CHECK_STR(got.origin, origin);
	CHECK_EQ(got.size, size);
	CHECK_MEM(got.root, want.root, sizeof(want.root));
}

/* Octets at an offset of the file, as a torn write or a bad disk leaves them */
static void spoil(off_t at, const void *p, size_t n)
{
	const int fd = open(file(), O_WRONLY);

	CHECK(fd >= 0 && pwrite(fd, p, n, at) == (ssize_t)n);
	close(fd);
}

TEST(marker_new_file)
{
	struct core_marker v;
	struct stat st;
	struct marker *m = opened(MARKER_NEW);

	CHECK_ERR(marker_get("a/ringdown/b/0", &v, m), ENOENT);
	CHECK_OK(marker_flush(m)); /* nothing was put: nothing is written */
	marker_close(m);
	CHECK(!stat(file(), &st));
	CHECK_EQ(st.st_mode & 07777, 0600);
	CHECK_EQ(st.st_size, 2 * MARKER_SLOT_BYTES);
	marker_close(opened(MARKER_NEW));
}

TEST(marker_keeps_what_was_flushed)
{
	struct marker *m = opened(MARKER_NEW);

	put(m, "a/ringdown/b/0", 7);
	says(m, "a/ringdown/b/0", 7);
	marker_close(m);
	m = opened(MARKER_NEW); /* never flushed */
	put(m, "a/ringdown/b/0", 7);
	put(m, "a/ringdown/c/1", 900);
	CHECK_OK(marker_flush(m));
	put(m, "a/ringdown/b/0", 8);
	CHECK_OK(marker_flush(m));
	put(m, "a/ringdown/b/0", 9); /* not flushed */
	marker_close(m);
	m = opened(MARKER_WHOLE);
	says(m, "a/ringdown/b/0", 8);
	says(m, "a/ringdown/c/1", 900);
	marker_close(m);
}

TEST(marker_may_go_back)
{
	struct marker *m = opened(MARKER_NEW);

	/* a person vouched for an older store */
	put(m, "a/ringdown/b/0", 700);
	CHECK_OK(marker_flush(m));
	put(m, "a/ringdown/b/0", 5);
	CHECK_OK(marker_flush(m));
	marker_close(m);
	m = opened(MARKER_WHOLE);
	says(m, "a/ringdown/b/0", 5);
	marker_close(m);
}

/* After three writes, slot 1 has 1 and 3, slot 0 has 2.  However far the write
   of 4 into slot 0 came, 3 or 4 is found, and never nothing */
TEST(marker_survives_torn_writes)
{
	static uint8_t old[2 * MARKER_SLOT_BYTES], new[2 * MARKER_SLOT_BYTES];
	struct marker *m = opened(MARKER_NEW);
	size_t whole = 300;
	int fd;

	for (uint64_t i = 1; i <= 3; i++) {
		put(m, "a/ringdown/b/0", i);
		CHECK_OK(marker_flush(m));
	}
	fd = open(file(), O_RDONLY);
	CHECK(read(fd, old, sizeof(old)) == (ssize_t)sizeof(old));
	put(m, "a/ringdown/b/0", 4);
	CHECK_OK(marker_flush(m));
	CHECK(pread(fd, new, sizeof(new), 0) == (ssize_t)sizeof(new));
	close(fd);
	marker_close(m);
	CHECK(memcmp(old, new, MARKER_SLOT_BYTES) != 0);
	CHECK_MEM(old + MARKER_SLOT_BYTES, new + MARKER_SLOT_BYTES,
		  MARKER_SLOT_BYTES);
	while (whole && old[whole - 1] == new[whole - 1])
		whole--; /* octets that have to arrive */
	CHECK(whole > 100);
	for (size_t cut = 0; cut < 240; cut++) {
		struct core_marker v;

		spoil(0, old, 300);
		spoil(0, new, cut);
		m = opened(MARKER_WHOLE);
		CHECK_OK(marker_get("a/ringdown/b/0", &v, m));
		CHECK_EQ(v.size, cut < whole ? 3 : 4);
		marker_close(m);
	}
	spoil(0, new, 300);
	m = opened(MARKER_WHOLE);
	says(m, "a/ringdown/b/0", 4);
	marker_close(m);
}

TEST(marker_damage_of_both_is_said)
{
	struct marker *m = opened(MARKER_NEW);
	struct core_marker v;

	put(m, "a/ringdown/b/0", 1);
	CHECK_OK(marker_flush(m));
	put(m, "a/ringdown/b/0", 2);
	CHECK_OK(marker_flush(m));
	marker_close(m);
	spoil(40, "?", 1);
	m = opened(MARKER_WHOLE);
	says(m, "a/ringdown/b/0", 1);
	marker_close(m);
	spoil(MARKER_SLOT_BYTES + 40, "?", 1);
	m = opened(MARKER_DAMAGED);
	CHECK_ERR(marker_get("a/ringdown/b/0", &v, m), ENOENT);
	/* and it can be used again */
	put(m, "a/ringdown/b/0", 3);
	CHECK_OK(marker_flush(m));
	marker_close(m);
	m = opened(MARKER_WHOLE);
	says(m, "a/ringdown/b/0", 3);
	marker_close(m);
}

TEST(marker_full)
{
	struct marker *m = opened(MARKER_NEW);
	char origin[ORIGIN_CHARS_MAX];
	struct core_marker v;

	for (uint64_t i = 0; i < MARKER_FEEDS_MAX; i++) {
		snprintf(origin, sizeof(origin), "%0*llu", ORIGIN_CHARS_MAX - 1,
			 (unsigned long long)i);
		put(m, origin, INT64_MAX - i);
	}
	v = value("one/more", 1);
	CHECK_ERR(marker_put(m, &v), ENOSPC);
	CHECK_OK(marker_flush(m));
	marker_close(m);
	m = opened(MARKER_WHOLE);
	says(m, origin, INT64_MAX - (MARKER_FEEDS_MAX - 1));
	marker_close(m);
}

TEST(marker_refuses_what_is_no_file)
{
	enum marker_found found;
	struct marker *m = NULL;
	const char *why = NULL;
	char no[700];

	CHECK(!symlink("/dev/null", file()));
	CHECK_ERR(marker_open(&m, file(), &found, &why), ELOOP);
	CHECK(why && *why);
	CHECK(!unlink(file()));
	CHECK(!mkfifo(file(), 0600));
	CHECK_ERR(marker_open(&m, file(), &found, &why), EINVAL);
	snprintf(no, sizeof(no), "%s/none/marker", rdtest_tmp());
	CHECK_ERR(marker_open(&m, no, &found, &why), ENOENT);
	CHECK(!m);
}

TEST_OOM(marker_memory)
{
	enum marker_found found;
	struct marker *m = NULL;
	struct core_marker v = value("a/ringdown/b/0", 7);
	const char *why;

	TRY(marker_open(&m, file(), &found, &why));
	TRY(marker_put(m, &v));
	TRY(marker_flush(m));
out:
	marker_close(m);
}
