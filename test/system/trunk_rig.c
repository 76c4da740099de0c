/* SPDX-License-Identifier: ISC */
/** @file trunk_rig.c  Real trunk processes with scripted keepers */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "trunk/trunk.h"
#include "trunk_rig.h"

/* [i]: by which the other dials node i */
static const char *const identities[RIG_NODES] = {
	"0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"};
static const uint8_t psks[RIG_NODES][32] = {{0x11, 1, 2, 3}, {0x22, 4, 5, 6}};

void rig_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	printf("0 passed, 1 failed\n");
	exit(1);
}

uint64_t rig_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

const char *rig_identity(int i)
{
	return identities[i];
}

const uint8_t *rig_psk(int i)
{
	return psks[i];
}

/* ---- sockets ---- */

static int listener(int family, uint16_t *port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t n = family == AF_INET ? sizeof(v4) : sizeof(v6);
	struct sockaddr *a = family == AF_INET ? (void *)&v4 : (void *)&v6;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	RIG_CHECK(fd >= 0 && !bind(fd, a, n) && !listen(fd, 511));
	RIG_CHECK(!getsockname(fd, a, &n));
	*port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return fd;
}

int rig_listen(char address[64])
{
	uint16_t port;
	int fd = listener(AF_INET, &port);

	snprintf(address, 64, "127.0.0.1:%u", port);
	return fd;
}

int rig_connect(const struct rig *r, int i)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(r->node[i].port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	RIG_CHECK(fd >= 0 && !connect(fd, (void *)&a, sizeof(a)));
	return fd;
}

/* ---- processes ---- */

static void pair_of(int fd[2])
{
	RIG_CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd));
	RIG_CHECK(!fcntl(fd[0], F_SETFL, O_NONBLOCK) &&
		  !fcntl(fd[1], F_SETFL, O_NONBLOCK));
}

static struct wire_end *end_of(int fd, enum role us, enum role them)
{
	struct wire_end *w = NULL;

	RIG_CHECK(!wire_end_alloc(&w, fd, us, them, 64U << 20));
	return w;
}

__attribute__((noreturn)) static void child(int monitor, int keeper,
					    int listen_fd, bool dial)
{
	static struct boot b;
	static struct config conf;
	int fd[3] = {monitor, keeper, listen_fd};

	/* away with all that the test has open: who else held a socket would
	   keep it alive */
	for (int i = 0; i < 3; i++) {
		if (fd[i] >= 0)
			fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 200);
	}
	close_range(3, 199, 0);
	close_range(203, ~0U, 0);
	b.role = ROLE_TRUNK;
	b.monitor = end_of(fd[0], ROLE_TRUNK, ROLE_MONITOR);
	b.peer[ROLE_KEEPER] = end_of(fd[1], ROLE_TRUNK, ROLE_KEEPER);
	if (fd[2] >= 0)
		b.listen[b.listens++] = fd[2];
	conf.dial = dial;
	conf.user[CONFIG_TRUNK].uid = 65534;
	conf.user[CONFIG_TRUNK].gid = 65534;
	exit(trunk_main(&b, &conf));
}

void rig_start(struct rig *r, int i, int family, bool dial)
{
	struct rig_node *n = &r->node[i];
	int monitor[2], keeper[2], fd = -1;

	*n = (struct rig_node){.no = i, .dial = dial};
	pair_of(monitor);
	pair_of(keeper);
	if (family)
		fd = listener(family, &n->port);
	snprintf(n->listen, sizeof(n->listen),
		 family == AF_INET6 ? "[::1]:%u" : "127.0.0.1:%u", n->port);
	fflush(NULL);
	n->pid = fork();
	RIG_CHECK(n->pid >= 0);
	if (!n->pid)
		child(monitor[1], keeper[1], fd, dial);
	close(monitor[1]);
	close(keeper[1]);
	if (fd >= 0)
		close(fd);
	n->monitor = end_of(monitor[0], ROLE_MONITOR, ROLE_TRUNK);
	n->keeper = end_of(keeper[0], ROLE_KEEPER, ROLE_TRUNK);
	RIG_WAIT(r, n->ready, 5000);
}

void rig_keeper_again(struct rig *r, int i)
{
	struct rig_node *n = &r->node[i];
	struct wire_msg m = {.type = WIRE_PEER_FD};
	int keeper[2];

	pair_of(keeper);
	m.fd = keeper[1];
	m.peer_fd.role = ROLE_KEEPER;
	RIG_CHECK(!wire_send(n->monitor, &m));
	close(keeper[1]);
	wire_end_free(n->keeper);
	n->keeper = end_of(keeper[0], ROLE_KEEPER, ROLE_TRUNK);
	memset(n->conn, 0, sizeof(n->conn));
	memset(n->state, 0, sizeof(n->state));
}

void rig_stop(struct rig *r, int i)
{
	struct rig_node *n = &r->node[i];
	struct wire_msg m = {.type = WIRE_STOP, .fd = -1};
	const uint64_t until_us = rig_us() + 5000000;
	int status = -1;

	RIG_CHECK(!wire_send(n->monitor, &m));
	while (waitpid(n->pid, &status, WNOHANG) == 0) {
		RIG_CHECK(rig_us() < until_us);
		rig_pump(r, 10);
	}
	RIG_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	n->pid = 0;
	n->monitor = wire_end_free(n->monitor);
	n->keeper = wire_end_free(n->keeper);
}

void rig_end(struct rig *r)
{
	for (int i = 0; i < RIG_NODES; i++) {
		if (r->node[i].pid)
			rig_stop(r, i);
	}
	*r = (struct rig){0};
}

/* ---- the scripted keeper ---- */

void rig_say(struct rig *r, int i, const struct wire_msg *m)
{
	RIG_CHECK(!wire_send(r->node[i].keeper, m));
}

void rig_frame(struct rig *r, int i, uint32_t conn, uint8_t type, uint8_t prio,
	       const void *p, size_t n)
{
	struct wire_msg m = {.type = WIRE_FRAME_OUT, .fd = -1};

	m.frame_out.conn = conn;
	m.frame_out.type = type;
	m.frame_out.prio = prio;
	m.frame_out.payload = (struct str){p, n};
	rig_say(r, i, &m);
}

void rig_pair_one(struct rig *r, int i, const char *address)
{
	struct wire_msg m = {.type = WIRE_PAIR_SET, .fd = -1};

	m.pair_set.name = str_of(i ? "zero.example" : "one.example");
	m.pair_set.dial_identity = str_of(identities[!i]);
	m.pair_set.dial_psk = (struct str){(const char *)psks[!i], 32};
	m.pair_set.listen_identity = str_of(identities[i]);
	m.pair_set.listen_psk = (struct str){(const char *)psks[i], 32};
	m.pair_set.addresses = str_of(address);
	rig_say(r, i, &m);
}

void rig_pair(struct rig *r, const char *addr_of_1, const char *addr_of_0)
{
	const struct rig_node *n = r->node;

	rig_pair_one(r, 0,
		     addr_of_1   ? addr_of_1
		     : n[1].port ? n[1].listen
				 : "");
	rig_pair_one(r, 1,
		     addr_of_0   ? addr_of_0
		     : n[0].port ? n[0].listen
				 : "");
}

static struct rig_conn *conn_of(struct rig_node *n, uint32_t id)
{
	for (int i = 0; i < RIG_CONNS; i++) {
		if (n->conn[i].id == id)
			return &n->conn[i];
	}
	return NULL;
}

static void on_open(struct rig *r, struct rig_node *n,
		    const struct wire_path_open *m)
{
	struct rig_conn *c = conn_of(n, 0);

	for (int i = 0; !c && i < RIG_CONNS; i++)
		c = n->conn[i].closed ? &n->conn[i] : NULL;
	RIG_CHECK(c && m->conn && m->exporter.n == EXPORTER_BYTES);
	n->opens++;
	RIG_CHECK(m->path < PATHS_MAX && m->role <= HELLO_LISTENER);
	*c = (struct rig_conn){.id = m->conn,
			       .pair = m->pair,
			       .role = m->role,
			       .path = m->path};
	memcpy(c->exporter, m->exporter.p, EXPORTER_BYTES);
	if (!n->no_hello)
		rig_frame(r, n->no, c->id, FRAME_HELLO, 0, "hello", 5);
}

static void on_frame(struct rig *r, struct rig_node *n,
		     const struct wire_frame_in *m)
{
	struct wire_msg out = {.type = WIRE_PATH_JOINED, .fd = -1};
	struct rig_conn *c = conn_of(n, m->conn);

	RIG_CHECK(c && !c->closed);
	if (m->type != FRAME_HELLO) {
		RIG_CHECK(c->joined); /* nothing before HELLO was judged */
		if (r->frame_h)
			r->frame_h(r, n->no, m->conn, m->type, m->payload);
		return;
	}
	c->hello = true;
	if (n->no_join)
		return;
	c->joined = true;
	out.path_joined.conn = c->id;
	rig_say(r, n->no, &out);
}

static void on_state(struct rig_node *n, const struct wire_path_state *m)
{
	struct rig_state *s;

	RIG_CHECK(m->pair == 0 && m->path < PATHS_MAX &&
		  m->state < PATH_STATES);
	s = &n->state[m->path];
	if (s->state != m->state) {
		s->changes++;
		s->at_us = rig_us();
	}
	if (s->state >= PATH_UP && m->state < PATH_UP)
		s->downs++;
	s->state = m->state;
	s->rtt_us = m->rtt_us;
	s->bytes_out = m->bytes_out;
	RIG_CHECK(!str_copy(m->why, s->why, sizeof(s->why)));
}

static void on_message(struct rig *r, struct rig_node *n,
		       const struct wire_msg *m)
{
	struct wire_msg out = {.type = WIRE_TURN, .fd = -1};
	struct rig_conn *c;

	switch (m->type) {
	case WIRE_PING:
		out.turn.turn = ++n->turn;
		if (!n->no_turn)
			rig_say(r, n->no, &out);
		return;
	case WIRE_PATH_OPEN: on_open(r, n, &m->path_open); return;
	case WIRE_FRAME_IN: on_frame(r, n, &m->frame_in); return;
	case WIRE_PATH_CLOSED:
		c = conn_of(n, m->path_closed.conn);
		RIG_CHECK(c && !c->closed); /* told once, of what was opened */
		c->closed = true;
		RIG_CHECK(!str_copy(m->path_closed.reason, c->reason,
				    sizeof(c->reason)));
		return;
	case WIRE_PATH_STATE: on_state(n, &m->path_state); return;
	case WIRE_TRUNK_COUNTS:
		RIG_CHECK(!str_copy(m->trunk_counts.text, n->counts,
				    sizeof(n->counts)));
		return;
	default: rig_fail(__FILE__, __LINE__, wire_name(m->type));
	}
}

static void take(struct rig *r, struct rig_node *n)
{
	struct wire_msg m;
	int err;

	while (n->keeper && !n->deaf) {
		RIG_CHECK(!wire_flush(n->keeper));
		err = wire_receive(n->keeper, &m);
		if (err == EAGAIN)
			break;
		if (err == EPIPE)
			return;	/* on its way out */
		RIG_CHECK(!err);
		on_message(r, n, &m);
	}
	while (!wire_receive(n->monitor, &m)) {
		if (m.type == WIRE_READY)
			n->ready = true;
		else if (m.type == WIRE_COMPLAIN)
			RIG_CHECK(!str_copy(m.complain.why, n->complaint,
					    sizeof(n->complaint)));
	}
}

void rig_pump(struct rig *r, int ms)
{
	struct pollfd p[2 * RIG_NODES];
	nfds_t k = 0;

	for (int i = 0; i < RIG_NODES; i++) {
		struct rig_node *n = &r->node[i];

		if (!n->pid || !n->monitor)
			continue;
		p[k++] = (struct pollfd){wire_end_fd(n->monitor), POLLIN, 0};
		if (!n->keeper || n->deaf)
			continue;
		p[k++] = (struct pollfd){wire_end_fd(n->keeper), POLLIN, 0};
		if (wire_waiting(n->keeper))
			p[k - 1].events |= POLLOUT;
	}
	RIG_CHECK(poll(p, k, ms) >= 0 || errno == EINTR);
	for (int i = 0; i < RIG_NODES; i++) {
		if (r->node[i].pid && r->node[i].monitor)
			take(r, &r->node[i]);
	}
}

struct rig_conn *rig_joined(struct rig *r, int i)
{
	for (int k = 0; k < RIG_CONNS; k++) {
		struct rig_conn *c = &r->node[i].conn[k];

		if (c->id && c->joined && !c->closed)
			return c;
	}
	return NULL;
}

unsigned rig_joined_count(const struct rig *r, int i)
{
	unsigned n = 0;

	for (int k = 0; k < RIG_CONNS; k++) {
		const struct rig_conn *c = &r->node[i].conn[k];

		n += c->id && c->joined && !c->closed;
	}
	return n;
}

uint64_t rig_count(const struct rig *r, int i, const char *name)
{
	struct str in = str_of(r->node[i].counts), line, key;
	uint64_t v;

	while (str_line(&in, &line)) {
		key = str_cut(&line, ' ');
		if (str_is(key, name) && !uint_parse(line, &v))
			return v;
	}
	return 0;
}
