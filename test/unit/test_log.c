/* SPDX-License-Identifier: ISC */
/** @file test_log.c  Lines of the log: nothing in a value can forge one */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/log.h"
#include "rdtest.h"

static char line[8192];

/* What the statement writes to stderr goes to line[] */
#define CAPTURE(statement)                      \
	do {                                    \
		const int at = capture_begin(); \
		statement;                      \
		capture_end(at);                \
	} while (0)

static int saved;

static int capture_begin(void)
{
	const int fd = memfd_create("stderr", 0);

	CHECK(fd >= 0);
	saved = dup(2);
	CHECK(saved >= 0 && dup2(fd, 2) == 2);
	return fd;
}

static void capture_end(int fd)
{
	ssize_t n;

	dup2(saved, 2);
	close(saved);
	n = pread(fd, line, sizeof(line) - 1, 0);
	close(fd);
	CHECK(n >= 0);
	line[n] = '\0';
}

static const char *value(const char *p, size_t n)
{
	struct buf b;

	buf_init(&b, sizeof(line) - 1);
	log_value(&b, (struct str){rdtest_exact(p, n), n});
	CHECK_OK(b.err);
	if (b.n)
		memcpy(line, b.p, b.n);
	line[b.n] = '\0';
	buf_free(&b);
	return line;
}

static const char *text(const char *s)
{
	return value(s, strlen(s));
}

TEST(log_values_that_need_no_quotes)
{
	CHECK_STR(text("abc.def/1-2_3:[]"), "abc.def/1-2_3:[]");
	CHECK_STR(text(""), "\"\"");
}

TEST(log_values_are_quoted_and_escaped)
{
	CHECK_STR(text("a b"), "\"a b\"");
	CHECK_STR(text("a=b"), "\"a=b\"");
	CHECK_STR(text("a\"b\\c"), "\"a\\\"b\\\\c\"");
	CHECK_STR(text("a\nlevel=error"), "\"a\\nlevel=error\"");
	CHECK_STR(text("\x1b[2J\r\t\x7f"), "\"\\x1b[2J\\x0d\\x09\\x7f\"");
	CHECK_STR(value("a\0b", 3), "\"a\\x00b\"");
}

TEST(log_values_keep_letters_but_nothing_that_misleads)
{
	CHECK_STR(text("Zürich 東"), "\"Zürich 東\"");
	CHECK_STR(text("a\u202eb"), "\"a\\xe2\\x80\\xaeb\"");
	CHECK_STR(text("a\u2028b"), "\"a\\xe2\\x80\\xa8b\"");
	CHECK_STR(text("a\u2066b"), "\"a\\xe2\\x81\\xa6b\"");
	CHECK_STR(text("a\xc2\x9b"
		       "b"),
		  "\"a\\xc2\\x9bb\"");
	CHECK_STR(text("a\u00a0b"), "\"a\u00a0b\"");
	/* not UTF-8: no octet above 7f is let through */
	CHECK_STR(text("\xc3\xbc\xff"), "\"\\xc3\\xbc\\xff\"");
	CHECK_STR(text("\xc3"), "\"\\xc3\"");
	CHECK_STR(text("a\xf0\x9f\x98"), "\"a\\xf0\\x9f\\x98\"");
	/* and what stands beside an escaped one still is checked */
	CHECK_STR(text("\t\xc3\xbc"), "\"\\x09ü\"");
}

TEST(log_long_values_are_cut_between_characters)
{
	char s[LOG_VALUE_BYTES_MAX + 8], want[LOG_VALUE_BYTES_MAX + 16];

	memset(s, 'a', sizeof(s));
	value(s, LOG_VALUE_BYTES_MAX);
	CHECK_EQ(strlen(line), LOG_VALUE_BYTES_MAX);
	value(s, LOG_VALUE_BYTES_MAX + 1);
	snprintf(want, sizeof(want), "\"%.*s...\"", LOG_VALUE_BYTES_MAX, s);
	CHECK_STR(line, want);
	memcpy(s + LOG_VALUE_BYTES_MAX - 1, "\xc3\xbc", 2);
	value(s, LOG_VALUE_BYTES_MAX + 4);
	snprintf(want, sizeof(want), "\"%.*s...\"", LOG_VALUE_BYTES_MAX - 1, s);
	CHECK_STR(line, want);
}

TEST(log_line)
{
	const struct str view = {"view and more", 4};

	log_open("trunk", true);
	CAPTURE(log_info("path.up",
			 "peer=%s path=%u rtt_us=%lld n=%zu at=%02x/%llx "
			 "v=%.*s p=100%% d=%hhd",
			 "a b", 7U, -5LL, (size_t)1 << 40, 5U, 1ULL << 63,
			 LOG_STR(view), (signed char)-3));
	CHECK_STR(line, "<6>level=info role=trunk ev=path.up peer=\"a b\" "
			"path=7 rtt_us=-5 n=1099511627776 at=05/"
			"8000000000000000 v=view p=100% d=-3\n");
	CAPTURE(log_error("a.b", NULL));
	CHECK_STR(line, "<3>level=error role=trunk ev=a.b\n");
	log_open("keeper", false);
	CAPTURE(log_warn("a.b", "x=%d", 1));
	CHECK(!strncmp(line, "t=20", 4));
	CHECK_STR(line + 2 + STAMP_CHARS,
		  " level=warn role=keeper ev=a.b x=1\n");
}

TEST(log_levels)
{
	CAPTURE(log_debug("a.b", NULL));
	CHECK_STR(line, "");
	log_level_set(LOG_LEVEL_DEBUG);
	CAPTURE(log_debug("a.b", NULL));
	CHECK(strstr(line, "level=debug"));
	log_level_set(LOG_LEVEL_INFO);
}

TEST(log_lines_have_a_limit)
{
	char s[600];

	memset(s, 'b', sizeof(s) - 1);
	s[sizeof(s) - 1] = '\0';
	CAPTURE(log_info("a.b", "a=%s b=%s c=%s d=%s e=%s f=%s g=%s h=%s i=%s",
			 s, s, s, s, s, s, s, s, s));
	CHECK(strlen(line) > 3900 && strlen(line) < LOG_LINE_BYTES_MAX + 100);
	CHECK_STR(line + strlen(line) - 9, " cut=yes\n");
	CHECK(strchr(line, '\n') == line + strlen(line) - 1);
}

TEST(log_keeps_errno)
{
	errno = ENOSPC;
	CAPTURE(errno = ENOSPC; log_info("a.b", NULL); CHECK_EQ(errno, ENOSPC));
}
