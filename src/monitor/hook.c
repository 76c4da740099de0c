/* SPDX-License-Identifier: ISC */
/** @file hook.c  Alarms to people outside: a program of theirs, and syslog */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>
#include "base/log.h"
#include "monitor/hook.h"

#define TEXT_CHARS 800
#define PROCESSES_MAX 256	/* of the hook's user; then it cannot fork */
#define ENV_MAX 12
#define ENV_CHARS (TEXT_CHARS + 32)

struct waiting {
	char event[33], peer[64], line[33];
	char words[601];
	char time[STAMP_CHARS + 1];
};

struct hook {
	const struct config *conf;
	struct waiting ring[HOOK_WAITING_MAX];
	size_t first, n;
	size_t left_out;
	int log;		/* socket to the system's log; -1 */
	uint64_t deaf;		/* alarms in a row that it did not take */
	pid_t pid;		/* 0: none runs */
	uint64_t kill_at_ms;
	struct waiting now;	/* what it was started with */
};

int hook_alloc(struct hook **hp, const struct config *conf)
{
	struct hook *h = calloc(1, sizeof(*h));

	if (!h)
		return ENOMEM;
	h->conf = conf;
	h->kill_at_ms = UINT64_MAX;
	h->log = conf->alarm_syslog
			 ? socket(AF_UNIX,
				  SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)
			 : -1;
	if (conf->alarm_hook[0] && access(conf->alarm_hook, X_OK))
		log_warn("hook.not-there", "file=%s err=%s do=%s",
			 conf->alarm_hook, strerror(errno),
			 "make it executable, or mend `alarm-hook`; alarms go "
			 "to the log all the same");
	*hp = h;
	return 0;
}

static void hook_kill(const struct hook *h)
{
	if (!h->pid)
		return;
	(void)kill(-h->pid, SIGKILL);	/* with what it has started */
	(void)kill(h->pid, SIGKILL);	/* if it has no group yet */
}

void *hook_free(struct hook *h)
{
	if (h) {
		hook_kill(h);
		if (h->log >= 0)
			(void)close(h->log);
		free(h);
	}
	return NULL;
}

/* ---- taking ---- */

static void text(struct str s, char *out, size_t size)
{
	if (s.n >= size || !utf8_ok(s.p, s.n, false) || str_copy(s, out, size))
		out[0] = '\0';
}

/* As syslog(3) writes it, but never waiting: a log daemon that hangs must not
   keep the monitor from starting a child again.  What receives it puts its own
   time in. */
static void to_syslog(struct hook *h, const struct waiting *w, bool loud)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const struct sockaddr_un a = {.sun_family = AF_UNIX,
				      .sun_path = "/dev/log"};
	const int month = (w->time[5] - '0') * 10 + w->time[6] - '1';
	char text[TEXT_CHARS + 200];
	size_t n;

	(void)snprintf(text, sizeof(text),
		       "<%d>%.3s %c%c %.8s ringdownd[%d]: %s peer=%s line=%s: "
		       "%s",
		       LOG_DAEMON | (loud ? LOG_ALERT : LOG_NOTICE),
		       months + 3 * month, w->time[8] == '0' ? ' ' : w->time[8],
		       w->time[9], w->time + 11, (int)getpid(), w->event,
		       *w->peer ? w->peer : "-", *w->line ? w->line : "-",
		       w->words);
	n = strlen(text);
	if (sendto(h->log, text, n, MSG_DONTWAIT | MSG_NOSIGNAL,
		   (const struct sockaddr *)&a, sizeof(a)) == (ssize_t)n) {
		if (h->deaf)
			log_info("syslog.takes-again", "lost=%llu",
				 (unsigned long long)h->deaf);
		h->deaf = 0;
	} else if (!h->deaf++) {
		log_error("syslog.deaf", "err=%s kept=%s do=%s",
			  strerror(errno), "the alarms, in this log",
			  "look at what serves /dev/log");
	}
}

void hook_alarm(struct hook *h, const struct wire_alarm *a)
{
	struct waiting w;

	text(a->kind, w.event, sizeof(w.event));
	text(a->peer, w.peer, sizeof(w.peer));
	text(a->line, w.line, sizeof(w.line));
	text(a->words, w.words, sizeof(w.words));
	stamp_print(a->time_ms, w.time);
	if (h->log >= 0)
		to_syslog(h, &w, a->loud);
	if (!h->conf->alarm_hook[0])
		return;
	if (h->n == HOOK_WAITING_MAX) {
		h->left_out++;
		return;
	}
	h->ring[(h->first + h->n++) % HOOK_WAITING_MAX] = w;
}

/* ---- running: from here on in the child ---- */

static void put_env(char *env[ENV_MAX], char store[ENV_MAX][ENV_CHARS],
		    const char *name, const char *value)
{
	unsigned n = 0;

	while (env[n])
		n++;
	(void)snprintf(store[n], ENV_CHARS, "%s=%s", name, value);
	env[n] = store[n];
}

static bool limit(__rlimit_resource_t what, rlim_t most)
{
	const struct rlimit rl = {most, most};

	return !setrlimit(what, &rl);
}

static bool user_become(const struct config_user *u)
{
	if (geteuid() != 0)
		return true;	/* as everything else of ours */
	return u->uid && u->gid && !setgroups(0, NULL) &&
	       !setresgid(u->gid, u->gid, u->gid) &&
	       !setresuid(u->uid, u->uid, u->uid) && setuid(0) != 0 &&
	       limit(RLIMIT_NPROC, PROCESSES_MAX);
}

/* Only what is safe between fork and exec in a process without threads */
__attribute__((noreturn)) static void run(const struct hook *h, int in)
{
	static char store[ENV_MAX][ENV_CHARS];
	static char path[CONFIG_PATH_CHARS];
	char *env[ENV_MAX] = {NULL}, *argv[] = {path, NULL};
	const struct waiting *w = &h->now;
	sigset_t none;
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)umask(077);
	put_env(env, store, "PATH", "/usr/local/bin:/usr/bin:/bin");
	put_env(env, store, "LC_ALL", "C.UTF-8");
	put_env(env, store, "RINGDOWN_NAME", h->conf->name);
	put_env(env, store, "RINGDOWN_EVENT", w->event);
	put_env(env, store, "RINGDOWN_PEER", w->peer);
	put_env(env, store, "RINGDOWN_LINE", w->line);
	put_env(env, store, "RINGDOWN_WORDS", w->words);
	put_env(env, store, "RINGDOWN_TIME", w->time);
	memcpy(path, h->conf->alarm_hook, sizeof(path));
	if (null < 0 || dup2(in, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(null, 2) < 0 || close_range(3, ~0U, 0) || chdir("/"))
		_exit(126);
	if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_CPU, 10) ||
	    !limit(RLIMIT_NOFILE, 64) || !limit(RLIMIT_FSIZE, 16U << 20) ||
	    !limit(RLIMIT_AS, 1U << 30) || !user_become(&h->conf->alarm_user))
		_exit(126);
	execve(path, argv, env);
	_exit(127);
}

/* ---- the monitor's side ---- */

/* The line fits the pipe, so that nobody waits for a reader.  It names things
   as logfmt does; words of others are quoted. */
static int line_fd(const struct waiting *w, int *fdp)
{
	struct buf b;
	int fd[2], err;

	if (pipe2(fd, O_CLOEXEC))
		return errno;
	buf_init(&b, 4096);
	buf_printf(&b, "time=%s event=%s peer=%s line=%s words=", w->time,
		   w->event, *w->peer ? w->peer : "-",
		   *w->line ? w->line : "-");
	log_value(&b, str_of(w->words));
	buf_u8(&b, '\n');
	err = b.err ? b.err : write(fd[1], b.p, b.n) == (ssize_t)b.n ? 0 : EIO;
	buf_free(&b);
	(void)close(fd[1]);
	if (err)
		(void)close(fd[0]);
	else
		*fdp = fd[0];
	return err;
}

static int start(struct hook *h)
{
	int fd = -1, err = line_fd(&h->now, &fd);
	pid_t pid;

	if (err)
		return err;
	pid = fork();
	if (!pid)
		run(h, fd);
	err = pid < 0 ? errno : 0;
	(void)close(fd);
	h->pid = err ? 0 : pid;
	return err;
}

static void left_out_say(struct hook *h)
{
	struct waiting *w = &h->now;

	*w = (struct waiting){.event = "overflow"};
	(void)snprintf(w->words, sizeof(w->words),
		       "%zu alarms were left out: more than %d waited for the "
		       "hook; see ringdown status",
		       h->left_out, HOOK_WAITING_MAX);
	memcpy(w->time, h->ring[h->first].time, sizeof(w->time));
	log_error("hook.left-out", "count=%zu do=%s", h->left_out,
		  "make the program of `alarm-hook` quicker");
	h->left_out = 0;
}

void hook_tick(struct hook *h, uint64_t now_ms)
{
	int err;

	if (h->pid && now_ms >= h->kill_at_ms) {
		log_error("hook.too-slow", "pid=%d event=%s killed_after_ms=%d",
			  (int)h->pid, h->now.event, HOOK_MS_MAX);
		hook_kill(h);
		h->kill_at_ms = UINT64_MAX;
	}
	if (h->pid || !h->n)
		return;
	if (h->left_out) {
		left_out_say(h);
	} else {
		h->now = h->ring[h->first];
		h->first = (h->first + 1) % HOOK_WAITING_MAX;
		h->n--;
	}
	err = start(h);
	if (err)
		log_error("hook.not-started", "file=%s event=%s err=%s",
			  h->conf->alarm_hook, h->now.event, strerror(err));
	else
		h->kill_at_ms = now_ms + HOOK_MS_MAX;
}

uint64_t hook_deadline_ms(const struct hook *h)
{
	return h->pid ? h->kill_at_ms : h->n ? 0 : UINT64_MAX;
}

bool hook_reaped(struct hook *h, pid_t pid, int status)
{
	if (!h->pid || pid != h->pid)
		return false;
	(void)kill(-pid, SIGKILL);	/* what it left behind */
	if (WIFSIGNALED(status))
		log_error("hook.died", "event=%s signal=%d", h->now.event,
			  WTERMSIG(status));
	else if (WEXITSTATUS(status))
		log_error("hook.failed", "file=%s event=%s status=%d why=%s",
			  h->conf->alarm_hook, h->now.event,
			  WEXITSTATUS(status),
			  WEXITSTATUS(status) == 127
				  ? "its user cannot execute it"
				  : NULL);
	else
		log_debug("hook.done", "event=%s", h->now.event);
	h->pid = 0;
	h->kill_at_ms = UINT64_MAX;
	return true;
}
