/* SPDX-License-Identifier: ISC */
/** @file test_hook.c  The alarm hook: a real script, its world, its limits */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/buf.h"
#include "monitor/hook.h"
#include "rdtest.h"

static struct config conf;
static char dir[200];

static void path_of(char out[300], const char *name)
{
	(void)snprintf(out, 300, "%s/%s", dir, name);
}

/* A hook of these commands; what it writes to `out` is read below */
static void hook_make(struct hook **h, const char *commands)
{
	char path[300], text[1000];
	int fd, n;

	(void)snprintf(dir, sizeof(dir), "%s", rdtest_tmp());
	CHECK(!chmod(dir, 0755));
	path_of(path, "out");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	CHECK(fd >= 0 && !fchmod(fd, 0666));
	close(fd);
	path_of(path, "hook");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	n = snprintf(text, sizeof(text), "#!/bin/sh\nexec 2>&1 >>%s/out\n%s\n",
		     dir, commands);
	CHECK(fd >= 0 && write(fd, text, (size_t)n) == n && !fchmod(fd, 0755));
	close(fd);
	config_defaults(&conf);
	memcpy(conf.name, "north.example", sizeof("north.example"));
	memcpy(conf.alarm_hook, path, strlen(path) + 1);
	CHECK_OK(hook_alloc(h, &conf));
}

static void alarm_put(struct hook *h, const char *kind, const char *words)
{
	const struct wire_alarm a = {str_of(kind),      str_of("south.example"),
				     str_of("liaison"), 1,
				     1795508680084,     str_of(words)};

	hook_alarm(h, &a);
}

/* The one that runs; its status */
static int reap(struct hook *h)
{
	int st = 0;
	const pid_t pid = waitpid(-1, &st, 0);

	CHECK(pid > 0);
	CHECK(!hook_reaped(h, pid + 1, st));
	CHECK(hook_reaped(h, pid, st));
	CHECK(!hook_reaped(h, pid, st));
	return st;
}

static struct str out(void)
{
	static char text[65536];
	char path[300];
	ssize_t n;
	int fd;

	path_of(path, "out");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	CHECK(n >= 0);
	text[n] = '\0';
	close(fd);
	return (struct str){text, (size_t)n};
}

TEST(hook_gets_the_alarm_and_nothing_else)
{
	static const char quoted[] =
		"time=2026-11-24T08:24:40.084Z event=check-missed "
		"peer=south.example line=liaison words=\"a \\\"b\\\" "
		"$(id) 가\"\n";
	struct hook *h = NULL;
	struct str text;
	char want[900];

	CHECK(!setenv("SECRET", "of the monitor", 1));
	hook_make(&h, "cat; env | grep -v '^_=\\|^PWD=\\|^SHLVL=\\|^OLDPWD=' | "
		      "LC_ALL=C sort; id -u; id -G; pwd; ls /proc/self/fd | "
		      "wc -l; ulimit -c");
	CHECK_EQ(hook_deadline_ms(h), UINT64_MAX);
	hook_tick(h, 1);
	alarm_put(h, "check-missed", "a \"b\" $(id) 가");
	CHECK_EQ(hook_deadline_ms(h), 0);
	hook_tick(h, 1);
	CHECK_EQ(hook_deadline_ms(h), 1 + HOOK_MS_MAX);
	CHECK_EQ(reap(h), 0);
	text = out();
	(void)snprintf(
		want, sizeof(want),
		"%sLC_ALL=C.UTF-8\nPATH=/usr/local/bin:/usr/bin:/bin\n"
		"RINGDOWN_EVENT=check-missed\nRINGDOWN_LINE=liaison\n"
		"RINGDOWN_NAME=north.example\nRINGDOWN_PEER=south.example"
		"\nRINGDOWN_TIME=2026-11-24T08:24:40.084Z\n"
		"RINGDOWN_WORDS=a \"b\" $(id) 가\n",
		quoted);
	CHECK(text.n > strlen(want));
	CHECK(!memcmp(text.p, want, strlen(want)));
	if (!geteuid())
		CHECK_STR(text.p + strlen(want), "65534\n65534\n/\n4\n0\n");
	h = hook_free(h);
	CHECK(!unsetenv("SECRET"));
}

TEST(hook_runs_one_after_another_and_counts_what_is_too_much)
{
	struct hook *h = NULL;
	struct str text;
	char words[40];

	hook_make(&h, "read l; echo \"$RINGDOWN_EVENT $RINGDOWN_WORDS\"");
	for (int i = 0; i < HOOK_WAITING_MAX + 7; i++) {
		(void)snprintf(words, sizeof(words), "number %d", i);
		alarm_put(h, "x", words);
	}
	for (int i = 0; i < 3; i++) {
		hook_tick(h, 1);
		hook_tick(h, 1);	/* while one runs: nothing */
		CHECK_EQ(reap(h), 0);
	}
	text = out();
	CHECK(strstr(text.p, "overflow 7 alarms were left out: more than 256 "
			     "waited") == text.p);
	CHECK(strstr(text.p, "\nx number 0\nx number 1\n"));
	CHECK(!strstr(text.p, "number 2"));
	h = hook_free(h);
}

TEST(hook_that_hangs_is_killed_with_its_children)
{
	struct hook *h = NULL;
	int st;

	hook_make(&h, "sleep 300 & echo started; wait");
	alarm_put(h, "x", "y");
	hook_tick(h, 1000);
	while (!out().n)
		(void)usleep(10000);
	hook_tick(h, 1000 + HOOK_MS_MAX - 1);
	CHECK_EQ(waitpid(-1, &st, WNOHANG), 0);
	hook_tick(h, 1000 + HOOK_MS_MAX);
	st = reap(h);
	CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
	CHECK_EQ(hook_deadline_ms(h), UINT64_MAX);
	/* and one that cannot be run at all does not stop the next */
	CHECK(!unlink(conf.alarm_hook));
	alarm_put(h, "x", "y");
	hook_tick(h, 50000);
	st = reap(h);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 127);
	h = hook_free(h);
}

/* The keeper is ours, its words are others': what is too long or no UTF-8 is
   left out */
TEST(hook_copes_with_any_alarm)
{
	const struct wire_alarm bad = {
		str_of("a kind that is longer than thirty-three"),
		str_of("\xff"),
		str_of("\x1b[2J"),
		0,
		INT64_MIN,
		str_of("a\nb")};
	struct hook *h = NULL;

	hook_make(&h, "read l; echo \"$l\"");
	hook_alarm(h, &bad);
	hook_tick(h, 1);
	CHECK_EQ(reap(h), 0);
	CHECK_STR(out().p, "time=1970-01-01T00:00:00.000Z event= peer=- line=- "
			   "words=\"\"\n");
	h = hook_free(h);
}

TEST_OOM(hook_alloc)
{
	struct hook *h = NULL;

	config_defaults(&conf);
	TRY(hook_alloc(&h, &conf));
	alarm_put(h, "x", "y");	/* nobody to tell */
	CHECK_EQ(hook_deadline_ms(h), UINT64_MAX);
out:
	h = hook_free(h);
}
