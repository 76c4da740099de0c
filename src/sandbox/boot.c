/* SPDX-License-Identifier: ISC */
/** @file boot.c  A child's side of its pair with the monitor */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "sandbox/boot.h"

#define START_MS_MAX 10000
#define MONITOR_QUEUE_BYTES 65536

__attribute__((noreturn)) static void fatal(const char *what, int err)
{
	log_error("boot.failed", "what=%s err=%s", what, strerror(err));
	_exit(1);
}

static int64_t mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A fresh pair with a neighbour; fd is given */
static int peer_set(struct boot *b, unsigned role, int fd)
{
	struct wire_end *w = NULL;
	int err;

	if (role <= ROLE_MONITOR || role >= ROLES || role == b->role) {
		close(fd);
		return EBADMSG;
	}
	err = wire_end_alloc(&w, fd, b->role, (enum role)role,
			     BOOT_QUEUE_BYTES);
	if (err)
		return err;
	wire_end_free(b->peer[role]);
	b->peer[role] = w;
	return 0;
}

static int listen_add(struct boot *b, struct str what, int fd)
{
	if (b->listens == BOOT_LISTENS_MAX ||
	    str_copy(what, b->listen_what[b->listens],
		     sizeof(b->listen_what[0]))) {
		close(fd);
		return EBADMSG;
	}
	b->listen[b->listens++] = fd;
	return 0;
}

/* 0 more to come; ECANCELED: START.  Exits on all else. */
static int before_start(struct boot *b, struct wire_msg *m)
{
	switch (m->type) {
	case WIRE_PEER_FD: return peer_set(b, m->peer_fd.role, m->fd);
	case WIRE_LISTEN_FD: return listen_add(b, m->listen_fd.what, m->fd);
	case WIRE_START: return ECANCELED;
	case WIRE_STOP: _exit(0);
	default: return EBADMSG;
	}
}

void boot_begin(struct boot *b, enum role role)
{
	const int64_t until = mono_ms() + START_MS_MAX;
	struct wire_msg m;
	int type = 0, err;
	socklen_t n = sizeof(type);

	memset(b, 0, sizeof(*b));
	b->role = role;
	if (getsockopt(BOOT_FD, SOL_SOCKET, SO_TYPE, &type, &n) ||
	    type != SOCK_SEQPACKET)
		fatal("-r is for ringdownd itself: start it without -r", EBADF);
	err = wire_end_alloc(&b->monitor, BOOT_FD, role, ROLE_MONITOR,
			     MONITOR_QUEUE_BYTES);
	while (!err) {
		struct pollfd p = {wire_end_fd(b->monitor), POLLIN, 0};
		const int64_t left = until - mono_ms();

		if (left <= 0 || !poll(&p, 1, (int)left))
			fatal("no word from the monitor in time", ETIMEDOUT);
		err = wire_receive(b->monitor, &m);
		if (err == EAGAIN)
			err = 0;
		else if (!err)
			err = before_start(b, &m);
	}
	if (err != ECANCELED)
		fatal("the monitor's messages do not make sense", err);
}

int boot_monitor_read(struct boot *b, enum role *changed)
{
	struct wire_msg m;
	int err = wire_receive(b->monitor, &m);

	*changed = ROLE_ANY;
	if (err == EAGAIN)
		return 0;
	if (err) /* closed; or, as good as closed, out of its mind */
		return EPIPE;
	switch (m.type) {
	case WIRE_PEER_FD:
		err = peer_set(b, m.peer_fd.role, m.fd);
		if (!err)
			*changed = (enum role)m.peer_fd.role;
		return err ? EPIPE : 0;
	case WIRE_STOP: return ESHUTDOWN;
	default:
		if (m.fd >= 0)
			close(m.fd);
		return EPIPE;
	}
}

/* The monitor gone or its queue full: seen by the next boot_monitor_read() */
static void tell(struct boot *b, const struct wire_msg *m)
{
	const int err = wire_send(b->monitor, m);

	if (err)
		log_warn("boot.monitor-deaf", "message=%s err=%s",
			 wire_name(m->type), strerror(err));
}

/* As much of it as the message takes */
static struct str words(const char *s)
{
	return (struct str){s, strnlen(s, 200)};
}

void boot_ready(struct boot *b, const char *what)
{
	struct wire_msg m = {.type = WIRE_READY, .fd = -1};

	m.ready.role = (uint8_t)b->role;
	m.ready.what = words(what);
	tell(b, &m);
}

void boot_complain(struct boot *b, enum role about, const char *why)
{
	struct wire_msg m = {.type = WIRE_COMPLAIN, .fd = -1};

	log_error("boot.neighbour-broke-rules", "neighbour=%s why=%s",
		  role_name(about), why);
	b->peer[about] = wire_end_free(b->peer[about]);
	m.complain.role = (uint8_t)about;
	m.complain.why = words(why);
	tell(b, &m);
}

void boot_end(struct boot *b)
{
	for (unsigned r = 0; r < ROLES; r++)
		b->peer[r] = wire_end_free(b->peer[r]);
	b->monitor = wire_end_free(b->monitor);
	while (b->listens)
		close(b->listen[--b->listens]);
}
