/* SPDX-License-Identifier: ISC */
/**
 * @file relay.c  A network that can be cut: TCP from one port to another
 *
 *   relay PORT:TARGET ...      all on 127.0.0.1
 *
 * SIGUSR1 cuts: every connection dies, new ones are closed at once.  SIGUSR2
 * mends.  For demonstrations and tests; it carries octets and knows nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DOORS_MAX 4
#define CONNS_MAX 64

struct door {
	int fd;
	uint16_t target;
};

/* One direction's octets wait in buf until the other end takes them */
struct half {
	int fd;
	size_t n;
	char buf[65536];
};

struct conn {
	bool used;
	struct half h[2];
};

static struct door door[DOORS_MAX];
static struct conn conn[CONNS_MAX];
static size_t doors;
static volatile sig_atomic_t is_cut;

static void on_signal(int sig)
{
	is_cut = sig == SIGUSR1;
}

static struct sockaddr_in address(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static int listen_on(uint16_t port)
{
	const struct sockaddr_in a = address(port);
	const int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) ||
	    listen(fd, 64)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void hang_up(struct conn *c)
{
	close(c->h[0].fd);
	close(c->h[1].fd);
	c->used = false;
}

static void take(const struct door *d)
{
	const struct sockaddr_in to = address(d->target);
	const int in = accept(d->fd, NULL, NULL),
		  out = socket(AF_INET, SOCK_STREAM, 0);
	size_t i = 0;

	while (i < CONNS_MAX && conn[i].used)
		i++;
	if (in < 0 || out < 0 || is_cut || i == CONNS_MAX ||
	    connect(out, (const struct sockaddr *)&to, sizeof(to))) {
		close(in);
		close(out);
		return;
	}
	(void)fcntl(in, F_SETFL, O_NONBLOCK);
	(void)fcntl(out, F_SETFL, O_NONBLOCK);
	conn[i].used = true;
	conn[i].h[0] = (struct half){.fd = in};
	conn[i].h[1] = (struct half){.fd = out};
}

/* Octets from one end into the other; false: an end is gone */
static bool carry(struct half *from, struct half *to)
{
	ssize_t k;

	if (!from->n) {
		k = recv(from->fd, from->buf, sizeof(from->buf), 0);
		if (!k || (k < 0 && errno != EAGAIN))
			return false;
		from->n = k < 0 ? 0 : (size_t)k;
	}
	k = from->n ? send(to->fd, from->buf, from->n, MSG_NOSIGNAL) : 0;
	if (k < 0)
		return errno == EAGAIN;
	memmove(from->buf, from->buf + k, from->n - (size_t)k);
	from->n -= (size_t)k;
	return true;
}

static void turn(void)
{
	struct pollfd p[DOORS_MAX + 2 * CONNS_MAX];
	nfds_t n = 0;

	for (size_t i = 0; i < doors; i++)
		p[n++] = (struct pollfd){.fd = door[i].fd, .events = POLLIN};
	for (size_t i = 0; i < CONNS_MAX; i++) {
		for (int k = 0; k < 2; k++) {
			const struct half *in = &conn[i].h[k],
					  *out = &conn[i].h[!k];

			p[n++] = (struct pollfd){
				.fd = conn[i].used ? in->fd : -1,
				.events = (short)((in->n ? 0 : POLLIN) |
						  (out->n ? POLLOUT : 0))};
		}
	}
	if (poll(p, n, 100) <= 0)
		return;
	for (size_t i = 0; i < doors; i++) {
		if (p[i].revents)
			take(&door[i]);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc && doors < DOORS_MAX; i++) {
		char *rest;
		const unsigned long port = strtoul(argv[i], &rest, 10);
		const unsigned long to =
			strtoul(rest + (*rest == ':'), NULL, 10);

		door[doors].fd = listen_on((uint16_t)port);
		door[doors].target = (uint16_t)to;
		if (door[doors++].fd < 0) {
			perror(argv[i]);
			return 1;
		}
	}
	if (!doors) {
		fprintf(stderr, "usage: relay PORT:TARGET ...\n");
		return 64;
	}
	(void)signal(SIGUSR1, on_signal);
	(void)signal(SIGUSR2, on_signal);
	puts("ready");
	fflush(stdout);
	for (;;) {
		turn();
		for (size_t i = 0; i < CONNS_MAX; i++) {
			struct conn *c = &conn[i];

			if (c->used && (is_cut || !carry(&c->h[0], &c->h[1]) ||
					!carry(&c->h[1], &c->h[0])))
				hang_up(c);
		}
	}
}
