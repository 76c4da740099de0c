/* SPDX-License-Identifier: ISC */
/** @file rdtest.c  Unit tests: run all, one by name, or short of memory */
#include <fnmatch.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "rdtest.h"

#define TEST_SECONDS_MAX 120	/* a test that hangs ends the run */
#define STARVE_MAX 100000	/* -o: allocations tried in one test */

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);

struct kept {
	struct kept *next;
	void *p;
};

static struct {
	struct rdtest *tests;
	const struct rdtest *now;
	jmp_buf leave;
	struct kept *kept;	/* exact copies of this test */
	char tmp[256];		/* its directory, or empty */
	uint64_t random;
	uint64_t starve_at;	/* this allocation fails; 0: none */
	uint64_t allocations;
	bool starved;
	bool verbose;
} run;

/* ---- memory that runs out ---- */

static bool starve(void)
{
	if (!run.starve_at || ++run.allocations != run.starve_at)
		return false;
	run.starved = true;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return starve() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
	return starve() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
	return starve() ? NULL : __real_realloc(p, n);
}

bool rdtest_starved(void)
{
	return run.starved;
}

/* ---- checks ---- */

void rdtest_register(struct rdtest *t)
{
	struct rdtest **at = &run.tests;

	while (*at && strcmp((*at)->name, t->name) < 0)
		at = &(*at)->next;
	if (*at && !strcmp((*at)->name, t->name)) {
		fprintf(stderr, "two tests are called %s\n", t->name);
		exit(1);
	}
	t->next = *at;
	*at = t;
}

static void failed(const char *file, int line, const char *what)
{
	printf("%s:%d: %s: %s", file, line, run.now->name, what);
	if (run.starve_at)
		printf(" [allocation %" PRIu64 " failed]", run.starve_at);
}

__attribute__((noreturn)) static void leave(void)
{
	putchar('\n');
	longjmp(run.leave, 1);
}

void rdtest_check(const char *file, int line, const char *what, bool ok)
{
	if (ok)
		return;
	failed(file, line, what);
	leave();
}

void rdtest_check_err(const char *file, int line, const char *what, int err,
		      int want)
{
	if (err == want)
		return;
	failed(file, line, what);
	printf(" gave %d (%s), not %d (%s)", err, strerror(err), want,
	       strerror(want));
	leave();
}

void rdtest_check_eq(const char *file, int line, const char *what, uint64_t a,
		     uint64_t b)
{
	if (a == b)
		return;
	failed(file, line, what);
	printf(": %" PRIu64 ", %" PRIu64, a, b);
	leave();
}

static void print_hex(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && i < 64; i++)
		printf("%02x", p[i]);
	if (n > 64)
		printf("...");
}

void rdtest_check_mem(const char *file, int line, const char *what,
		      const void *a, const void *b, size_t n)
{
	if (!n || !memcmp(a, b, n))
		return;
	failed(file, line, what);
	printf(":\n  ");
	print_hex(a, n);
	printf("\n  ");
	print_hex(b, n);
	leave();
}

void rdtest_check_str(const char *file, int line, const char *what,
		      const char *a, const char *b)
{
	if (a && b && !strcmp(a, b))
		return;
	failed(file, line, what);
	printf(":\n  %s\n  %s", a ? a : "NULL", b ? b : "NULL");
	leave();
}

int rdtest_try(const char *file, int line, const char *what, int err)
{
	if (!err || (err == ENOMEM && run.starved))
		return err;
	rdtest_check_err(file, line, what, err, run.starved ? ENOMEM : 0);
	return err;
}

/* ---- what tests need ---- */

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", run.now ? run.now->name : "rdtest",
		what, strerror(errno));
	exit(1);
}

void *rdtest_exact(const void *p, size_t n)
{
	struct kept *k = __real_malloc(sizeof(*k));
	/* of nothing: the end of a block, since one of 0 octets has an octet */
	const size_t lead = n ? 0 : 8;
	uint8_t *copy = __real_malloc(lead + n);

	if (!k || !copy)
		give_up("exact copy");
	if (n)
		memcpy(copy, p, n);
	*k = (struct kept){run.kept, copy};
	run.kept = k;
	return copy + lead;
}

struct str rdtest_str(const char *s)
{
	return (struct str){rdtest_exact(s, strlen(s)), strlen(s)};
}

struct str rdtest_data(const char *name)
{
	char path[512];
	struct stat st;
	uint8_t *raw;
	struct str s;
	FILE *f;

	snprintf(path, sizeof(path), "test/data/%s", name);
	f = fopen(path, "rb");
	if (!f || fstat(fileno(f), &st))
		give_up(path);
	s.n = (size_t)st.st_size;
	raw = __real_malloc(s.n + 1);
	if (!raw || fread(raw, 1, s.n, f) != s.n)
		give_up(path);
	fclose(f);
	s.p = rdtest_exact(raw, s.n);
	free(raw);
	return s;
}

const char *rdtest_tmp(void)
{
	const char *base = getenv("TMPDIR");

	if (run.tmp[0])
		return run.tmp;
	snprintf(run.tmp, sizeof(run.tmp), "%s/rdtest-XXXXXX",
		 base ? base : "/tmp");
	if (!mkdtemp(run.tmp))
		give_up(run.tmp);
	return run.tmp;
}

/* SplitMix64: good enough to spread test cases */
uint64_t rdtest_random(void)
{
	uint64_t z = run.random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* ---- running ---- */

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void clean(void)
{
	while (run.kept) {
		struct kept *k = run.kept;

		run.kept = k->next;
		free(k->p);
		free(k);
	}
	if (run.tmp[0])
		(void)nftw(run.tmp, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	run.tmp[0] = '\0';
}

/* One run; false when a check failed */
static bool once(const struct rdtest *t, uint64_t starve_at)
{
	volatile bool ok = false;	/* outlives longjmp() */

	run.now = t;
	run.random = 0;
	run.starved = false;
	run.allocations = 0;
	run.starve_at = starve_at;
	if (!setjmp(run.leave)) {
		t->run();
		ok = true;
	}
	run.starve_at = 0;
	clean();
	return ok;
}

static bool each_allocation(const struct rdtest *t)
{
	for (uint64_t i = 1; i < STARVE_MAX; i++) {
		if (!once(t, i))
			return false;
		if (!run.starved) {
			if (run.verbose)
				printf("%s: %" PRIu64 " allocations\n", t->name,
				       i - 1);
			return true;
		}
	}
	printf("%s: more than %d allocations\n", t->name, STARVE_MAX);
	return false;
}

static bool chosen(const char *name, char *const *pattern)
{
	if (!*pattern)
		return true;
	for (; *pattern; pattern++) {
		if (!fnmatch(*pattern, name, 0))
			return true;
	}
	return false;
}

static int usage(void)
{
	fputs("usage: rdtest [-l] [-o] [-v] [NAME ...]\n"
	      "  NAME  test or pattern: card_*      -l  list\n"
	      "  -o    out of memory at each allocation in turn\n"
	      "  -v    name each test\n"
	      "Run it in the top directory: test data is in test/data.\n",
	      stderr);
	return 64;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failures = 0;
	bool oom = false, list = false;
	int c;

	while ((c = getopt(argc, argv, "lov")) != -1) {
		oom |= c == 'o';
		list |= c == 'l';
		run.verbose |= c == 'v';
		if (c == '?')
			return usage();
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (const struct rdtest *t = run.tests; t; t = t->next) {
		bool ok;

		if (!chosen(t->name, argv + optind) || (oom && !t->oom))
			continue;
		if (list || run.verbose)
			puts(t->name);
		if (list)
			continue;
		alarm(TEST_SECONDS_MAX);
		ok = oom ? each_allocation(t) : once(t, 0);
		passed += ok;
		failures += !ok;
	}
	alarm(0);
	if (list)
		return 0;
	if (!passed && !failures) {
		fprintf(stderr, "rdtest: no test of this name\n");
		return 1;
	}
	printf("%u passed, %u failed\n", passed, failures);
	return failures ? 1 : 0;
}
