/* SPDX-License-Identifier: ISC */
/** @file child.c  One role's process and its ends of pairs */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/log.h"
#include "monitor/child.h"
#include "sandbox/boot.h"

/* About a hundred of the longest messages, as the kernel counts them; the
 * queue behind is BOOT_QUEUE_BYTES */
#define PAIR_BUFFER_BYTES (8 << 20)
#define CTL_QUEUE_BYTES 65536
#define ARGS_MAX 8
#define ENV_MAX 8

void child_init(struct child *c, enum role role)
{
	*c = (struct child){.role = role, .kill_at_ms = UINT64_MAX};
	for (unsigned i = 0; i < ROLES; i++)
		c->pending[i] = -1;
}

/* What a child may know of our environment: where stderr goes, and, in builds
 * that listen to these, how a sanitizer reports */
static void environment(char *env[ENV_MAX], char text[ENV_MAX][256])
{
	static const char *const keep[] = {"JOURNAL_STREAM", "RINGDOWN_SANDBOX",
					   "ASAN_OPTIONS",   "UBSAN_OPTIONS",
					   "LSAN_OPTIONS",   NULL};
	unsigned n = 0;

	for (unsigned i = 0; keep[i]; i++) {
		const char *v = getenv(keep[i]);

		if (!v || strlen(v) > 200)
			continue;
		snprintf(text[n], sizeof(text[n]), "%s=%s", keep[i], v);
		env[n] = text[n];
		n++;
	}
	env[n] = NULL;
}

/* Signals that are meant for the monitor reach its children too, from a
 * terminal or a service manager: they end by STOP, or with the monitor */
static void signals_reset(void)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void exec_role(enum role role, int fd,
						const struct spawn_conf *sc)
{
	char text[ENV_MAX][256], *env[ENV_MAX], name[32];
	char *argv[ARGS_MAX] = {name,
				(char *)(uintptr_t) "-c",
				(char *)(uintptr_t)sc->config_path,
				(char *)(uintptr_t) "-r",
				(char *)(uintptr_t)role_name(role),
				NULL};
	int exe = sc->exe_fd;

	snprintf(name, sizeof(name), "ringdownd: %s", role_name(role));
	if (sc->debug)
		argv[5] = (char *)(uintptr_t) "-d";
	environment(env, text);
	signals_reset();
	if (exe == BOOT_FD) /* else dup2() would close it */
		exe = fcntl(exe, F_DUPFD_CLOEXEC, BOOT_FD + 1);
	if (fd == BOOT_FD ? fcntl(fd, F_SETFD, 0) : dup2(fd, BOOT_FD) < 0)
		_exit(126);
	/* what we ourselves inherited, too */
	(void)close_range(BOOT_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	fexecve(exe, argv, env);
	log_error("child.exec-failed", "child=%s err=%s", role_name(role),
		  strerror(errno));
	_exit(127);
}

/* As large as we may; a smaller buffer only makes the queue behind it work */
static void buffer_set(int fd)
{
	const int n = PAIR_BUFFER_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &n, sizeof(n)))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
}

static int pair_make(int fd[2])
{
	return socketpair(AF_UNIX,
			  SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd)
		       ? errno
		       : 0;
}

int child_spawn(struct child *c, const struct spawn_conf *sc)
{
	struct wire_end *w = NULL;
	int fd[2], err = pair_make(fd);
	pid_t pid;

	if (err)
		return err;
	err = wire_end_alloc(&w, fd[0], ROLE_MONITOR, c->role, CTL_QUEUE_BYTES);
	if (err) {
		close(fd[1]);
		return err;
	}
	pid = fork();
	if (!pid)
		exec_role(c->role, fd[1], sc);
	err = pid < 0 ? errno : 0;
	close(fd[1]);
	if (err) {
		wire_end_free(w);
		return err;
	}
	c->pid = pid;
	c->ctl = w;
	c->ready = false;
	c->kill_at_ms = UINT64_MAX;
	return 0;
}

void child_forget(struct child *c)
{
	c->pid = 0;
	c->ready = false;
	c->ctl = wire_end_free(c->ctl);
	for (unsigned i = 0; i < ROLES; i++) {
		if (c->pending[i] >= 0)
			close(c->pending[i]);
		c->pending[i] = -1;
	}
}

/* fd is given */
static int give_peer(struct child *c, enum role other, int fd)
{
	struct wire_msg m = {.type = WIRE_PEER_FD, .fd = fd};
	int err;

	m.peer_fd.role = (uint8_t)other;
	err = wire_send(c->ctl, &m);
	close(fd);
	return err;
}

int child_pair(struct child *c, struct child *other)
{
	int fd[2] = {c->pending[other->role], -1}, err;

	c->pending[other->role] = -1;
	if (fd[0] < 0) {
		err = pair_make(fd);
		if (err)
			return err;
		buffer_set(fd[0]);
		buffer_set(fd[1]);
	}
	err = give_peer(c, other->role, fd[0]);
	if (fd[1] < 0)
		return err;
	if (!other->ctl) {
		if (other->pending[c->role] >= 0)
			close(other->pending[c->role]);
		other->pending[c->role] = fd[1];
		return err;
	}
	/* a neighbour that cannot be told is dying: it gets a pair of its own
	 * when it is started again */
	(void)give_peer(other, c->role, fd[1]);
	return err;
}

int child_give_listen(struct child *c, const char *what, int fd)
{
	struct wire_msg m = {.type = WIRE_LISTEN_FD, .fd = fd};

	m.listen_fd.what = str_of(what);
	return wire_send(c->ctl, &m);
}

int child_say(struct child *c, enum wire_type type)
{
	struct wire_msg m = {.type = type, .fd = -1};

	return wire_send(c->ctl, &m);
}
