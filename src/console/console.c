/* SPDX-License-Identifier: ISC */
/** @file console.c  The process that faces API clients: its one loop */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "base/log.h"
#include "console/server.h"
#include "proto/config.h"

#define TURN_MS_MAX 1000	/* deadlines are looked at this often */

enum { AT_MONITOR, AT_HTTP, AT_KEEPER, AT_CLIENTS };

static uint64_t mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Clients that are not served while they sleep are watched for hanging up:
 * POLLHUP comes unasked, and on a Unix socket only when the peer is closed */
static nfds_t poll_fill(struct console *c, struct pollfd *p)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(c->http, MHD_DAEMON_INFO_EPOLL_FD);
	struct wire_end *keeper = c->boot->peer[ROLE_KEEPER];
	nfds_t n = AT_CLIENTS;

	p[AT_MONITOR] =
		(struct pollfd){wire_end_fd(c->boot->monitor), POLLIN, 0};
	p[AT_HTTP] = (struct pollfd){info ? info->epoll_fd : -1, POLLIN, 0};
	p[AT_KEEPER] = (struct pollfd){-1, POLLIN, 0};
	if (c->keeper_up) {
		p[AT_KEEPER].fd = wire_end_fd(keeper);
		if (wire_waiting(keeper))
			p[AT_KEEPER].events |= POLLOUT;
	}
	if (wire_waiting(c->boot->monitor))
		p[AT_MONITOR].events |= POLLOUT;
	for (struct job *j = c->jobs; j && n < AT_CLIENTS + CLIENTS_MAX;
	     j = j->next) {
		if (j->suspended)
			p[n++] = (struct pollfd){j->client->fd, 0, 0};
	}
	return n;
}

/* In the order of poll_fill(): nothing has run in between */
static void hangups_take(struct console *c, const struct pollfd *p, nfds_t n)
{
	nfds_t i = AT_CLIENTS;

	for (struct job *j = c->jobs; j && i < n; j = j->next) {
		if (!j->suspended)
			continue;
		if (p[i++].revents & (POLLHUP | POLLERR | POLLNVAL)) {
			j->gone = true;
			job_wake(j);	/* ends it: job_end() cancels */
		}
	}
}

static void keeper_lost(struct console *c)
{
	if (!c->keeper_up)
		return;
	c->keeper_up = false;
	log_warn("keeper.gone", NULL);
	ask_fail_all(c);
}

static void keeper_back(struct console *c)
{
	static const char said[] = "keeper restarted";
	const struct wire_news n = {.peer = str_of(""), .what = str_of(said)};

	c->keeper_up = c->boot->peer[ROLE_KEEPER] != NULL;
	if (c->keeper_up)
		events_put(c, &n);
}

static int monitor_take(struct console *c, short revents)
{
	enum role changed = ROLE_ANY;
	int err;

	if (revents & POLLOUT && wire_flush(c->boot->monitor))
		return EPIPE;
	if (!(revents & ~POLLOUT))
		return 0;
	err = boot_monitor_read(c->boot, &changed);
	if (!err && changed == ROLE_KEEPER) {
		/* numbers of the old pair mean nothing to the new keeper */
		c->keeper_up = false;
		ask_fail_all(c);
		keeper_back(c);
	}
	return err;
}

static void keeper_take(struct console *c, short revents)
{
	int err = 0;

	if (!revents)
		return;
	if (revents & POLLOUT)
		err = wire_flush(c->boot->peer[ROLE_KEEPER]);
	if (!err && revents & ~POLLOUT)
		err = ask_receive(c);
	if (err && err != EPIPE)
		boot_complain(c->boot, ROLE_KEEPER, strerror(err));
	if (err)
		keeper_lost(c);
}

static void clients_tick(struct console *c)
{
	for (struct client *k = c->clients; k; k = k->next) {
		if (c->now_ms < k->deadline_ms)
			continue;
		k->deadline_ms = UINT64_MAX;
		log_debug("client.slow", "uid=%u", k->uid);
		(void)shutdown(k->fd, SHUT_RDWR);	/* the library sees it */
	}
}

/* Uploads that found the queue to the keeper full go on when it is empty */
static void bulk_tick(struct console *c)
{
	if (c->keeper_up && wire_waiting(c->boot->peer[ROLE_KEEPER]))
		return;
	for (struct job *j = c->jobs; j; j = j->next) {
		if (j->bulk && j->suspended && bulk_ready(j->bulk))
			job_wake(j);
	}
}

static int timeout_ms(struct console *c)
{
	MHD_UNSIGNED_LONG_LONG most;

	if (c->again)
		return 0;
	if (MHD_get_timeout(c->http, &most) == MHD_YES && most < TURN_MS_MAX)
		return (int)most;
	return c->clients ? TURN_MS_MAX : 60 * TURN_MS_MAX;
}

static int turn(struct console *c)
{
	struct pollfd p[AT_CLIENTS + CLIENTS_MAX];
	const nfds_t n = poll_fill(c, p);
	int err;

	if (poll(p, n, timeout_ms(c)) < 0 && errno != EINTR)
		return errno;
	c->now_ms = mono_ms();
	hangups_take(c, p, n);
	/* the keeper's pair first: its descriptor may be closed below */
	keeper_take(c, p[AT_KEEPER].revents);
	err = monitor_take(c, p[AT_MONITOR].revents);
	if (err)
		return err;
	clients_tick(c);
	events_tick(c);
	bulk_tick(c);
	c->again = false;
	return MHD_run(c->http) == MHD_YES ? 0 : EIO;
}

static void stop(struct console *c)
{
	for (struct job *j = c->jobs; j; j = j->next) {
		j->gone = true;
		job_wake(j);
	}
	(void)MHD_run(c->http);
	MHD_stop_daemon(c->http);	/* ends every job */
}

int console_main(struct boot *b, const struct config *conf)
{
	const char *walls;
	struct console *c;
	int err;

	(void)signal(SIGPIPE, SIG_IGN);	/* the library writes with sendfile */
	if (!b->listens) {
		log_error("console.no-socket", NULL);
		return 1;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return 1;
	walls = sandbox_enter(ROLE_CONSOLE, conf->user[CONFIG_CONSOLE].uid,
			      conf->user[CONFIG_CONSOLE].gid, NULL, 0);
	c->boot = b;
	c->now_ms = mono_ms();
	c->keeper_up = b->peer[ROLE_KEEPER] != NULL;
	err = events_init(c);
	if (!err)
		err = http_start(c);
	if (err) {
		log_error("console.start-failed", "error=%d", err);
		goto out;
	}
	boot_ready(b, walls);
	while (!err)
		err = turn(c);
	stop(c);
out:
	events_free(c);
	free(c);
	return err == ESHUTDOWN ? 0 : 1;
}
