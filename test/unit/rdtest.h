/* SPDX-License-Identifier: ISC */
/**
 * @file rdtest.h  Unit tests: how to write one
 *
 *   TEST(card_print_parse)              name: module first
 *   {
 *           CHECK(n == 3);
 *           CHECK_ERR(card_parse(p, n, &c, NULL), EBADMSG);
 *   }
 *
 *   TEST_OOM(buf_grow)                  also run with -o: memory runs out
 *   {                                   at the 1st, 2nd, 3rd ... allocation
 *           struct thing *t = NULL;
 *
 *           TRY(thing_alloc(&t));       ENOMEM: goes to out; else must be 0
 *           CHECK(thing_size(t) == 0);
 *   out:
 *           thing_free(t);
 *   }
 *
 * A test registers itself.  A check that fails ends its test, wherever it
 * stands, helpers included.  Memory that a failed test held is not freed.
 * In -o only malloc(), calloc() and realloc() called by our own objects fail,
 * not those inside libraries.
 */
#ifndef RDTEST_H
#define RDTEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/text.h"

typedef void(rdtest_h)(void);

struct rdtest {
	const char *name;
	rdtest_h *run;
	bool oom;
	struct rdtest *next;
};

#define RDTEST_DEFINE(test, is_oom)                                            \
	static void test_##test(void);                                         \
	__attribute__((constructor)) static void register_##test(void)        \
	{                                                                      \
		static struct rdtest t = {                                     \
			.name = #test, .run = test_##test, .oom = is_oom};     \
		rdtest_register(&t);                                           \
	}                                                                      \
	static void test_##test(void)

/** Define a test. */
#define TEST(name) RDTEST_DEFINE(name, false)
/** Define a test that copes with ENOMEM; run by -o too. */
#define TEST_OOM(name) RDTEST_DEFINE(name, true)

#define RDTEST_AT __FILE__, __LINE__

/** The condition holds. */
#define CHECK(cond) rdtest_check(RDTEST_AT, #cond, (cond))
/** The call gives exactly this errno. */
#define CHECK_ERR(call, want) rdtest_check_err(RDTEST_AT, #call, (call), (want))
/** The call gives 0.  Where memory may run out (TEST_OOM) write TRY(). */
#define CHECK_OK(call) CHECK_ERR(call, 0)
/** Two unsigned numbers are equal; both are shown when not. */
#define CHECK_EQ(a, b)                                                         \
	rdtest_check_eq(RDTEST_AT, #a " == " #b, (uint64_t)(a), (uint64_t)(b))
/** n octets are equal; both are shown in hex when not. */
#define CHECK_MEM(a, b, n)                                                     \
	rdtest_check_mem(RDTEST_AT, #a " == " #b, (a), (b), (n))
/** NUL-terminated texts are equal; both are shown when not. */
#define CHECK_STR(a, b) rdtest_check_str(RDTEST_AT, #a " == " #b, (a), (b))
/** In a TEST_OOM: 0 goes on, ENOMEM by -o goes to the label out, all else
 *  fails the test. */
#define TRY(call)                                                              \
	do {                                                                   \
		if (rdtest_try(RDTEST_AT, #call, (call)))                      \
			goto out;                                              \
	} while (0)

/** True when -o has made an allocation fail in this run of the test: for
 *  objects that keep ENOMEM to themselves. */
bool rdtest_starved(void);

/** A heap copy with not an octet more behind it, so that ASan sees a read past
 *  the end even of nothing.  Lives until the test ends; never fails. */
void *rdtest_exact(const void *p, size_t n);
/** rdtest_exact() of text, as a view. */
struct str rdtest_str(const char *s);
/** The file test/data/NAME, as an exact copy. */
struct str rdtest_data(const char *name);
/** An empty directory of this test's own, removed with all in it when the
 *  test ends. */
const char *rdtest_tmp(void);
/** The next number of a fixed sequence that starts anew in every test. */
uint64_t rdtest_random(void);

/* What the macros call */
void rdtest_register(struct rdtest *t);
void rdtest_check(const char *file, int line, const char *what, bool ok);
void rdtest_check_err(const char *file, int line, const char *what, int err,
		      int want);
void rdtest_check_eq(const char *file, int line, const char *what, uint64_t a,
		     uint64_t b);
void rdtest_check_mem(const char *file, int line, const char *what,
		      const void *a, const void *b, size_t n);
void rdtest_check_str(const char *file, int line, const char *what,
		      const char *a, const char *b);
int rdtest_try(const char *file, int line, const char *what, int err);

#endif
