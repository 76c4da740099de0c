/* SPDX-License-Identifier: ISC */
/** @file engine_rig.c  Engines, telephones and paths on loopback, for tests */
#include <arpa/inet.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>
#include "engine_rig.h"

struct sockaddr_in rig_loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A socket on a port of its own */
int rig_udp(struct rig *r, bool keep, struct sockaddr_storage *a)
{
	struct sockaddr_in at = rig_loopback(0);
	socklen_t n = sizeof(*a);
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof(at)));
	CHECK(!getsockname(fd, (struct sockaddr *)a, &n));
	if (keep)
		r->fds[r->fds_n++] = fd;
	CHECK(r->fds_n < 16);
	return fd;
}

static void tap(const struct engine_frame *f, void *arg)
{
	struct rig *r = arg;

	r->taps++;
	r->tapped_n = f->n < 256 ? f->n : 256;
	memcpy(r->tapped, f->payload, r->tapped_n);
}

static void digit(uint32_t call, uint8_t side, uint8_t code, void *arg)
{
	struct rig *r = arg;

	(void)call;
	(void)side;
	r->digits++;
	r->code = code;
}

static void other(uint32_t call, uint8_t side, const void *p, size_t n,
		  const struct sockaddr *from, socklen_t from_n, void *arg)
{
	struct rig *r = arg;

	(void)call;
	(void)side;
	(void)from;
	(void)from_n;
	r->others += n == 20 && *(const uint8_t *)p == 0;
}

static void played(uint32_t call, uint8_t side, void *arg)
{
	struct rig *r = arg;

	(void)call;
	(void)side;
	r->played++;
}

void rig_start(struct rig *r, unsigned engines)
{
	struct engine_conf c = {.calls_max = 40,
				.port_min = PORT_MIN,
				.port_max = PORT_MAX,
				.cname = "ringdown@test",
				.tap = tap,
				.digit = digit,
				.other = other,
				.played = played,
				.arg = r};

	memset(r, 0, sizeof(*r));
	for (unsigned i = 0; i < engines; i++)
		CHECK_OK(engine_alloc(&r->e[i], &c));
}

void rig_stop(struct rig *r)
{
	engine_free(r->e[0]);
	engine_free(r->e[1]);
	for (unsigned i = 0; i < r->fds_n; i++)
		close(r->fds[i]);
}

/* Two paths between the two engines, keys both ways */
void rig_paths(struct rig *r, unsigned paths)
{
	for (unsigned i = 0; i < paths; i++) {
		struct engine_path c[2] = {{.pair = 3}, {.pair = 3}};

		for (int s = 0; s < 2; s++) {
			c[s].fd = rig_udp(r, false, &c[!s].remote);
			c[!s].remote_n = sizeof(struct sockaddr_in);
		}
		for (int s = 0; s < 2; s++)
			CHECK_OK(engine_path_add(r->e[s], &c[s],
						 &r->path[s][i]));
		for (int s = 0; s < 2; s++) {
			struct bundle_key k = {.id = 10 * i + (unsigned)s + 1};

			k.key[0] = (uint8_t)k.id;
			CHECK_OK(
				engine_path_tx_key(r->e[s], r->path[s][i], &k));
			CHECK_OK(engine_path_rx_key(r->e[!s], r->path[!s][i],
						    &k));
		}
	}
}

void rig_trunk(struct rig *r, int s, uint32_t *call, uint16_t number,
	       uint64_t paths)
{
	const struct engine_trunk t = {
		.pair = 3, .number = number, .paths = paths};

	CHECK_OK(engine_call_add(r->e[s], call));
	CHECK_OK(engine_trunk_set(r->e[s], *call, 1, &t));
}

void phone_open(struct rig *r, struct engine *e, struct phone *p, uint32_t call,
		unsigned side)
{
	struct sockaddr_in here = rig_loopback(0);
	uint16_t port = 0;

	p->fd = rig_udp(r, true, &p->conf.remote);
	p->conf.remote_n = sizeof(here);
	CHECK_OK(engine_station_open(e, call, side, (struct sockaddr *)&here,
				     sizeof(here), false, &port));
	CHECK(port >= PORT_MIN && port < PORT_MAX && port % 2 == 0);
	here.sin_port = htons(port);
	memcpy(&p->engine, &here, sizeof(here));
}

void phone_set(struct engine *e, struct phone *p, uint32_t call, unsigned side)
{
	CHECK_OK(engine_station_set(e, call, side, &p->conf));
}

void rig_say_octets(int fd, const struct phone *p, const void *octets, size_t n)
{
	CHECK(sendto(fd, octets, n, 0, (const struct sockaddr *)&p->engine,
		     sizeof(struct sockaddr_in)) == (ssize_t)n);
}

size_t rig_packet(uint8_t *out, uint32_t ssrc, uint16_t seq,
		  const char *payload)
{
	rtp_put_head(out, false, 8, seq, seq * 160u, ssrc);
	memcpy(out + 12, payload, strlen(payload));
	return 12 + strlen(payload);
}

void phone_say(const struct phone *p, uint32_t ssrc, uint16_t seq,
	       const char *payload)
{
	uint8_t out[256];

	rig_say_octets(p->fd, p, out, rig_packet(out, ssrc, seq, payload));
}

void rig_work(struct rig *r)
{
	struct pollfd p[2];
	nfds_t n = 0;

	for (int i = 0; i < 2; i++) {
		if (r->e[i])
			p[n++] = (struct pollfd){engine_fd(r->e[i]), POLLIN, 0};
	}
	(void)poll(p, n, 10);
	for (int i = 0; i < 2; i++) {
		if (r->e[i])
			engine_work(r->e[i]);
	}
}

uint64_t rig_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What the telephone receives next, within WAIT_MS */
size_t rig_hear_octets(struct rig *r, int fd, uint8_t *out, size_t size)
{
	const uint64_t end = rig_now_ms() + WAIT_MS;

	while (rig_now_ms() < end) {
		const ssize_t n = recv(fd, out, size, MSG_DONTWAIT);

		if (n >= 0)
			return (size_t)n;
		rig_work(r);
	}
	CHECK(rig_now_ms() < end);	/* heard nothing */
	return 0;
}

void phone_hear(struct rig *r, const struct phone *p, const char *payload,
		struct rtp *got)
{
	static uint8_t room[2048];
	const size_t n = rig_hear_octets(r, p->fd, room, sizeof(room));

	CHECK_OK(rtp_parse(room, n, got));
	CHECK(got->payload_n == strlen(payload));
	CHECK_MEM(got->payload, payload, got->payload_n);
}

/* Nothing is on its way: what came was worked off, and gave nothing */
void phone_quiet(struct rig *r, const struct phone *p)
{
	uint8_t room[2048];

	for (int i = 0; i < 4; i++)
		rig_work(r);
	CHECK(recv(p->fd, room, sizeof(room), MSG_DONTWAIT) < 0);
}

void rig_phones(struct rig *r, uint32_t *call, struct phone p[2])
{
	memset(p, 0, 2 * sizeof(*p));
	CHECK_OK(engine_call_add(r->e[0], call));
	for (unsigned s = 0; s < 2; s++)
		phone_open(r, r->e[0], &p[s], *call, s);
}

void rig_crypto(struct engine_crypto *c, uint8_t fill)
{
	c->suite = RTPSEC_CM80;
	c->n = rtpsec_master_bytes(c->suite);
	memset(c->master, fill, c->n);
}

/* One call across, telephones at both ends */
void rig_across(struct rig *r, uint32_t call[2], struct phone p[2],
		uint16_t number, uint64_t paths)
{
	memset(p, 0, 2 * sizeof(*p));
	for (int s = 0; s < 2; s++) {
		rig_trunk(r, s, &call[s], number, paths);
		phone_open(r, r->e[s], &p[s], call[s], 0);
		phone_set(r->e[s], &p[s], call[s], 0);
	}
}
