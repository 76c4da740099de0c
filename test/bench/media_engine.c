/* SPDX-License-Identifier: ISC */
/**
 * @file media_engine.c  A media engine with many calls, for media.sh
 *
 * usage: media_engine a|b CALLS STATIONS_FROM TELEPHONES TRUNK REMOTE_TRUNK
 *                     [SUITE]
 *
 * All on 127.0.0.1.  Call i has its RTP port at STATIONS_FROM + 2 i; all
 * telephones are at the port TELEPHONES.  The voice port is TRUNK, the other
 * exchange's REMOTE_TRUNK.  SUITE: stations speak SRTP.  Says "ready", runs
 * until SIGTERM, then says what it counted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "bench/media_key.h"
#include "media/engine.h"

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void die(const char *what, int err)
{
	fprintf(stderr, "media_engine: %s: %s\n", what, strerror(err));
	exit(1);
}

static unsigned number(const char *s)
{
	uint64_t v;

	if (uint_parse(str_of(s), &v) || v > 65535)
		die(s, EINVAL);
	return (unsigned)v;
}

static struct sockaddr_in loopback(unsigned port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void path_make(struct engine *e, bool is_b, unsigned here,
		      unsigned there)
{
	const struct sockaddr_in local = loopback(here);
	const struct sockaddr_in remote = loopback(there);
	struct engine_path c = {.remote_n = sizeof(remote)};
	struct bundle_key tx = media_key(is_b), rx = media_key(!is_b);
	unsigned path;
	int err;

	memcpy(&c.remote, &remote, sizeof(remote));
	c.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c.fd < 0 ||
	    bind(c.fd, (const struct sockaddr *)&local, sizeof(local)))
		die("trunk port", errno);
	err = engine_path_add(e, &c, &path);
	if (!err)
		err = engine_path_tx_key(e, path, &tx);
	if (!err)
		err = engine_path_rx_key(e, path, &rx);
	if (err)
		die("path", err);
}

static void crypto_make(struct engine_crypto *c, const char *suite,
			bool is_exchange)
{
	if (rtpsec_suite_find(str_of(suite), &c->suite))
		die(suite, EINVAL);
	c->n = rtpsec_master_bytes(c->suite);
	media_master(is_exchange, c->master);
}

static uint32_t call_make(struct engine *e, unsigned i, unsigned first,
			  unsigned telephones, const char *suite)
{
	const struct sockaddr_in local = loopback(0);
	const struct sockaddr_in remote = loopback(telephones);
	const struct engine_trunk trunk = {.number = (uint16_t)(i + 1),
					   .paths = 1};
	struct engine_station c = {.remote_n = sizeof(remote)};
	uint32_t call;
	uint16_t port;
	int err = engine_call_add(e, &call);

	memcpy(&c.remote, &remote, sizeof(remote));
	if (suite) {
		crypto_make(&c.in, suite, false);
		crypto_make(&c.out, suite, true);
	}
	if (!err)
		err = engine_station_open(e, call, 0,
					  (const struct sockaddr *)&local,
					  sizeof(local), false, &port);
	/* the load knows the ports by their order */
	if (!err && port != first + 2 * i)
		err = EADDRINUSE;
	if (!err)
		err = engine_station_set(e, call, 0, &c);
	if (!err)
		err = engine_trunk_set(e, call, 1, &trunk);
	if (err)
		die("call", err);
	return call;
}

static void say_stats(const struct engine *e, const uint32_t *calls, unsigned n)
{
	struct engine_path_stats p;
	struct engine_stats s;
	uint64_t lost = 0, late = 0, failed = 0;
	uint32_t jitter = 0;

	for (unsigned i = 0; i < 2 * n; i++) {
		if (engine_stats(e, calls[i / 2], i % 2, &s))
			continue;
		lost += s.lost;
		late += s.late;
		failed += s.send_failed;
		if (s.jitter_max_us > jitter)
			jitter = s.jitter_max_us;
	}
	if (engine_path_stats(e, 0, &p))
		return;
	printf("  engine: lost %" PRIu64 " late %" PRIu64 " unsent %" PRIu64
	       " jitter max %" PRIu32 " us; trunk: frames a datagram %.1f,"
	       " lost %" PRIu64 " overflows %" PRIu64 " refused %" PRIu64
	       " gso %d gro %d\n",
	       lost, late, failed + p.send_failed, jitter,
	       (double)p.frames_out / (double)(p.sent ? p.sent : 1), p.rx.lost,
	       p.overflows, p.rx.refused, p.gso, p.gro);
}

int main(int argc, char **argv)
{
	const struct sigaction act = {.sa_handler = on_signal};
	struct engine_conf conf = {.cname = "ringdown@bench",
				   .port_max = 65534};
	struct rlimit files;
	struct engine *e = NULL;
	uint32_t *calls;
	unsigned n;
	int err;

	if (argc != 7 && argc != 8) {
		fprintf(stderr, "usage: media_engine a|b CALLS STATIONS_FROM "
				"TELEPHONES TRUNK REMOTE_TRUNK [SUITE]\n");
		return 64;
	}
	n = number(argv[2]);
	conf.calls_max = n;
	conf.port_min = (uint16_t)number(argv[3]);
	sigaction(SIGTERM, &act, NULL);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	calls = calloc(n, sizeof(*calls));
	err = calls ? engine_alloc(&e, &conf) : ENOMEM;
	if (err)
		die("engine", err);
	path_make(e, argv[1][0] == 'b', number(argv[5]), number(argv[6]));
	for (unsigned i = 0; i < n; i++)
		calls[i] = call_make(e, i, number(argv[3]), number(argv[4]),
				     argv[7]);
	printf("ready\n");
	fflush(stdout);
	engine_run(e, &stop);
	say_stats(e, calls, n);
	engine_free(e);
	free(calls);
	return 0;
}
