/* SPDX-License-Identifier: ISC */
/**
 * @file strangers.c  Accepting connections, and the limits of those whose
 *                    HELLO has not been called good
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "trunk/state.h"

#define ACCEPTS_MAX 32		/* in one turn from one socket */
#define ACCEPT_REST_MS 100	/* when descriptors run out */

static void add(struct trunk *t, struct link *l)
{
	l->stranger = true;
	l->older = t->newest;
	if (t->newest)
		t->newest->newer = l;
	else
		t->oldest = l;
	t->newest = l;
	t->strangers++;
}

void strangers_remove(struct trunk *t, struct link *l)
{
	if (!l->stranger)
		return;
	l->stranger = false;
	if (l->older)
		l->older->newer = l->newer;
	else
		t->oldest = l->newer;
	if (l->newer)
		l->newer->older = l->older;
	else
		t->newest = l->older;
	t->strangers--;
}

/* The oldest goes; but who has named one of our pairs goes last, so that a
   flood does not keep a real peer with a long round trip out */
static void make_room(struct trunk *t)
{
	struct link *l = t->oldest;

	while (l && l->tls && tlspsk_known(l->tls))
		l = l->newer;
	if (!l)
		l = t->oldest;
	if (l)
		link_close(t, l, TALLY_TOO_MANY,
			   "too many connections without HELLO");
}

/* No descriptors: level-triggered epoll would spin on the listener */
static void rest(struct trunk *t)
{
	struct epoll_event e = {0};

	make_room(t);
	if (t->listen_again_ms)
		return;
	t->listen_again_ms = t->now_ms + ACCEPT_REST_MS;
	for (size_t i = 0; i < t->boot->listens; i++) {
		e.data.ptr = &t->listen[i];
		(void)epoll_ctl(t->epoll, EPOLL_CTL_MOD, t->listen[i].fd, &e);
	}
	if (t->timer_ms > t->listen_again_ms)
		t->timer_ms = t->listen_again_ms;
}

static void wake(struct trunk *t)
{
	struct epoll_event e = {.events = EPOLLIN};

	t->listen_again_ms = 0;
	for (size_t i = 0; i < t->boot->listens; i++) {
		e.data.ptr = &t->listen[i];
		(void)epoll_ctl(t->epoll, EPOLL_CTL_MOD, t->listen[i].fd, &e);
	}
}

void strangers_accept(struct trunk *t, const struct source *listen)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t n = sizeof(peer);
		int fd = accept4(listen->fd, (void *)&peer, &n,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct link *l;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM)
				rest(t);
			return;
		}
		tally_add(&t->tally, TALLY_ACCEPTED);
		if (t->strangers >= STRANGERS_MAX)
			make_room(t);
		l = link_new(t, fd, LINK_FIRST);
		if (!l) {
			tally_add(&t->tally, TALLY_TOO_MANY);
			continue;
		}
		l->peer = peer;
		add(t, l);
		if (t->timer_ms > t->now_ms + STRANGER_MS_MAX)
			t->timer_ms = t->now_ms + STRANGER_MS_MAX;
		/* The first octets are mostly there with the connection */
		link_event(t, l, EPOLLIN);
		link_interest(t, l);
	}
}

uint64_t strangers_tick(struct trunk *t)
{
	struct link *l;

	while ((l = t->oldest) && t->now_ms - l->since_ms >= STRANGER_MS_MAX)
		link_close(t, l, TALLY_TIMEOUT, "no HELLO within 5 s");
	if (t->listen_again_ms && t->now_ms >= t->listen_again_ms)
		wake(t);
	if (t->listen_again_ms)
		return t->listen_again_ms;
	return l ? l->since_ms + STRANGER_MS_MAX : UINT64_MAX;
}
