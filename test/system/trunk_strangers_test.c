/* SPDX-License-Identifier: ISC */
/**
 * @file trunk_strangers_test.c  Who is not the peer: each refused, each counted
 *                               by its name, and none harms the path that is up
 *
 * usage: trunk_strangers_test [NAME ...]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "trunk_peer.h"
#include "trunk_rig.h"

/* Node 0 dials node 1; both are up */
static void start_up(struct rig *r)
{
	rig_start(r, 0, AF_INET, true);
	rig_start(r, 1, AF_INET, false);
	rig_pair_one(r, 1, "");
	rig_pump(r, 10);
	rig_pair_one(r, 0, r->node[1].listen);
	RIG_WAIT(r, rig_joined(r, 0) && rig_joined(r, 1), 5000);
}

/* And at the end the path is the one that it was */
static void end_up(struct rig *r)
{
	RIG_CHECK(rig_joined(r, 0) && rig_joined(r, 1));
	RIG_CHECK(rig_count(r, 1, "joined") <= 1);
	RIG_CHECK(r->node[0].state[0].downs == 0);
	RIG_CHECK(r->node[1].state[7].downs == 0);
	rig_end(r);
}

/* The listener of node 1 ends the connection and counts one of this name */
static void refused(struct rig *r, int fd, const char *name, unsigned count)
{
	RIG_WAIT(r, socket_ended(fd), 2000);
	RIG_WAIT(r, rig_count(r, 1, name) == count, 3000);
}

static void test_octets(void)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	static const uint8_t odd[] = {0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0};
	struct rig r = {0};
	int fd;

	start_up(&r);
	fd = rig_connect(&r, 1);
	RIG_CHECK(write(fd, http, sizeof(http)) > 0);
	refused(&r, fd, "bad-tls", 1);
	close(fd);
	fd = rig_connect(&r, 1);	/* looks like TLS at first */
	RIG_CHECK(write(fd, odd, sizeof(odd)) > 0);
	refused(&r, fd, "bad-tls", 2);
	close(fd);
	fd = rig_connect(&r, 1);	/* comes and goes */
	close(fd);
	RIG_WAIT(&r, rig_count(&r, 1, "left") == 1, 3000);
	end_up(&r);
}

static void client(struct rig *r, int version, const char *identity,
		   const uint8_t *psk, const char *name)
{
	struct peer p;

	peer_client(&p, rig_connect(r, 1), version, identity, psk);
	RIG_CHECK(!peer_handshake(&p));
	refused(r, p.fd, name, 1);
	peer_close(&p);
}

static void test_clients(void)
{
	struct rig r = {0};
	uint8_t wrong[32];

	start_up(&r);
	memcpy(wrong, rig_psk(1), 32);
	wrong[31] ^= 1;
	client(&r, TLS1_2_VERSION, NULL, NULL, "bad-tls");
	client(&r, TLS1_3_VERSION, NULL, NULL, "no-psk");
	client(&r, TLS1_3_VERSION, "00000000000000000000000000000000",
	       rig_psk(1), "unknown-identity");
	client(&r, TLS1_3_VERSION, rig_identity(1), wrong, "wrong-psk");
	/* the identity of the other direction, with the right secret of it */
	client(&r, TLS1_3_VERSION, rig_identity(0), rig_psk(0), "reflected");
	end_up(&r);
}

/* Octet by octet, our own ClientHello comes back to our own listener */
static void test_reflected(void)
{
	struct rig r = {0};
	char address[64];
	int fd = rig_listen(address);
	pid_t relay;

	rig_start(&r, 0, AF_INET, true);
	relay = relay_start(fd, r.node[0].port);
	rig_pair_one(&r, 0, address);
	RIG_WAIT(&r, rig_count(&r, 0, "reflected") >= 1, 4000);
	RIG_CHECK(!r.node[0].conn[0].id); /* the keeper heard of no path */
	RIG_CHECK(rig_count(&r, 0, "dial-failed") >= 1);
	rig_end(&r);
	relay_cut(relay);
	close(fd);
}

static void test_certificate(void)
{
	struct rig r = {0};
	char address[64];
	int fd = rig_listen(address);
	struct peer p;

	rig_start(&r, 0, 0, true);
	rig_pair_one(&r, 0, address);
	peer_server(&p, accept(fd, NULL, NULL));
	(void)peer_handshake(&p);	/* our side may think that it worked */
	RIG_WAIT(&r, rig_count(&r, 0, "no-psk") == 1, 3000);
	RIG_CHECK(!r.node[0].conn[0].id);
	RIG_WAIT(&r, socket_ended(p.fd), 1000);
	peer_close(&p);
	rig_end(&r);
	close(fd);
}

/* ---- limits before HELLO ---- */

static void test_timeout(void)
{
	struct rig r = {0};
	struct peer p;
	uint64_t start;
	int fd;

	start_up(&r);
	fd = rig_connect(&r, 1);
	start = rig_us();
	/* and one that knows the PSK, but says no HELLO */
	peer_client(&p, rig_connect(&r, 1), TLS1_3_VERSION, rig_identity(1),
		    rig_psk(1));
	RIG_CHECK(peer_handshake(&p));
	RIG_WAIT(&r, socket_ended(fd), 6000);
	RIG_CHECK(rig_us() - start > 4900000 && rig_us() - start < 5500000);
	RIG_WAIT(&r, socket_ended(p.fd), 1000);
	RIG_WAIT(&r, rig_count(&r, 1, "timeout") == 2, 3000);
	close(fd);
	peer_close(&p);
	end_up(&r);
}

static void test_bytes(void)
{
	static uint8_t junk[20000];
	struct rig r = {0};
	struct peer p;
	int fd;

	start_up(&r);
	/* a ClientHello that does not end */
	fd = rig_connect(&r, 1);
	for (int i = 0; i < 5; i++) {
		static uint8_t record[5 + 4096] = {0x16, 3, 1, 0x10, 0};

		if (i == 0) {
			record[5] = 1;		/* ClientHello ... */
			record[6] = 1;		/* of 65,536 octets */
		} else {
			record[5] = record[6] = 0;
		}
		if (write(fd, record, sizeof(record)) < 0)
			break;
	}
	refused(&r, fd, "bytes", 1);
	close(fd);
	/* a HELLO that does not end, by who knows the PSK */
	peer_client(&p, rig_connect(&r, 1), TLS1_3_VERSION, rig_identity(1),
		    rig_psk(1));
	RIG_CHECK(peer_handshake(&p));
	peer_frame(&p, 60000, FRAME_HELLO, junk, sizeof(junk));
	RIG_WAIT(&r, rig_count(&r, 1, "bytes") == 2, 3000);
	peer_close(&p);
	end_up(&r);
}

static void test_too_many(void)
{
	struct rig r = {0};
	struct peer p;
	int fd[STRANGERS_MAX + 1];

	start_up(&r);
	r.node[1].no_join = true;
	/* the oldest of all, but it has named a pair of ours */
	peer_client(&p, rig_connect(&r, 1), TLS1_3_VERSION, rig_identity(1),
		    rig_psk(1));
	RIG_CHECK(peer_handshake(&p));
	for (int i = 0; i < STRANGERS_MAX; i++)
		fd[i] = rig_connect(&r, 1);
	RIG_WAIT(&r, socket_ended(fd[0]), 1000);
	RIG_WAIT(&r, rig_count(&r, 1, "too-many") == 1, 3000);
	RIG_CHECK(!socket_ended(fd[1]));
	fd[STRANGERS_MAX] = rig_connect(&r, 1);
	RIG_WAIT(&r, socket_ended(fd[1]), 1000);
	RIG_CHECK(!socket_ended(fd[2]) && !socket_ended(fd[STRANGERS_MAX]));
	RIG_WAIT(&r, rig_count(&r, 1, "too-many") == 2, 3000);
	RIG_CHECK(rig_count(&r, 1, "left") == 0);
	for (int i = 0; i <= STRANGERS_MAX; i++)
		close(fd[i]);
	peer_close(&p);
	end_up(&r);
}

/* Whoever has the PSK alone takes no number from a path that is up */
static void test_psk_thief(void)
{
	struct rig r = {0};
	struct peer p[PATHS_MAX + 2];

	start_up(&r);
	r.node[1].no_join = true;
	for (int i = 0; i < PATHS_MAX + 2; i++) {
		peer_client(&p[i], rig_connect(&r, 1), TLS1_3_VERSION,
			    rig_identity(1), rig_psk(1));
		RIG_CHECK(peer_handshake(&p[i]));
		RIG_WAIT(&r, r.node[1].opens == (unsigned)i + 2, 1000);
	}
	/* one number is the real path's: three had to go */
	RIG_WAIT(&r, rig_count(&r, 1, "too-many") == 3, 3000);
	for (int i = 0; i < PATHS_MAX + 2; i++)
		peer_close(&p[i]);
	end_up(&r);
}

/* ---- frames ---- */

/* A raw peer that knows the PSK; its first frame */
static void frame_first(struct rig *r, uint32_t n, uint8_t type, unsigned count)
{
	struct peer p;

	peer_client(&p, rig_connect(r, 1), TLS1_3_VERSION, rig_identity(1),
		    rig_psk(1));
	RIG_CHECK(peer_handshake(&p));
	peer_frame(&p, n, type, "", 0);
	RIG_WAIT(r, rig_count(r, 1, "bad-frame") == count, 3000);
	peer_close(&p);
}

/* Read frames until the end; gives the text of the last, which is a BYE */
static void read_bye(struct rig *r, struct peer *p, char text[64])
{
	static uint8_t in[4096];
	size_t n = 0, at = 0, size = 0;
	int got = 1;

	for (const uint64_t until = rig_us() + 3000000; got >= 0;) {
		RIG_CHECK(rig_us() < until && n < sizeof(in));
		got = peer_read(p, &in[n]);
		if (got > 0)
			n++;
		else
			rig_pump(r, 1);
	}
	while (n - at >= 5) {
		size = (size_t)in[at + 2] << 8 | in[at + 3];
		RIG_CHECK(n - at - 5 >= size && size < 64);
		if (at + 5 + size == n)
			break;
		at += 5 + size;
	}
	RIG_CHECK(n > 5 && in[at + 4] == FRAME_BYE);
	memcpy(text, in + at + 5, size);
	text[size] = '\0';
}

static void frame_joined(struct rig *r, uint32_t n, uint8_t type,
			 const char *bye)
{
	struct peer p;
	char text[64];

	peer_client(&p, rig_connect(r, 1), TLS1_3_VERSION, rig_identity(1),
		    rig_psk(1));
	RIG_CHECK(peer_handshake(&p));
	peer_frame(&p, 5, FRAME_HELLO, "hello", 5);
	RIG_WAIT(r, rig_joined_count(r, 1) == 2, 2000);
	peer_frame(&p, n, type, "", 0);
	read_bye(r, &p, text);
	RIG_CHECK(!strcmp(text, bye));
	RIG_WAIT(r, rig_joined_count(r, 1) == 1, 2000);
	peer_close(&p);
}

static void test_frames(void)
{
	struct rig r = {0};

	start_up(&r);
	frame_first(&r, FRAME_BYTES_MAX + 1, FRAME_HELLO, 1);
	frame_first(&r, 0, FRAME_TYPES, 2);
	frame_first(&r, 0, 0, 3);
	frame_first(&r, 0, FRAME_LANE, 4);	/* HELLO comes first */
	frame_first(&r, 0, FRAME_BEAT, 5);
	frame_joined(&r, FRAME_BYTES_MAX + 1, FRAME_LANE, "frame too long");
	frame_joined(&r, 0, 0, "unknown frame type");
	frame_joined(&r, 0, FRAME_TYPES, "unknown frame type");
	frame_joined(&r, 0, FRAME_BEAT, "frame out of place");
	RIG_WAIT(&r, rig_count(&r, 1, "bad-frame") == 9, 3000);
	RIG_CHECK(rig_joined(&r, 0) && r.node[0].state[0].downs == 0);
	rig_end(&r);
}

/* What follows HELLO waits until the keeper has judged it */
static void test_before_joined(void)
{
	struct rig r = {0};
	struct peer p;
	uint64_t until;

	start_up(&r);
	r.node[1].no_join = true;
	peer_client(&p, rig_connect(&r, 1), TLS1_3_VERSION, rig_identity(1),
		    rig_psk(1));
	RIG_CHECK(peer_handshake(&p));
	peer_frame(&p, 5, FRAME_HELLO, "hello", 5);
	for (int i = 0; i < 50; i++)	/* the rig checks that none comes up */
		peer_frame(&p, 5, FRAME_LANE, "early", 5);
	until = rig_us() + 1000000;
	while (rig_us() < until)
		rig_pump(&r, 50);
	RIG_CHECK(!socket_ended(p.fd));
	peer_close(&p);
	end_up(&r);
}

/* ---- flood ---- */

static void junk(struct rig *r, unsigned i)
{
	static const uint8_t hello[] = {0x16, 3, 1, 0, 4, 1, 0, 0, 0};
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(r->node[1].port)};
	const struct linger hard = {1, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	RIG_CHECK(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (!connect(fd, (void *)&a, sizeof(a)) || errno == EINPROGRESS) {
		if (i % 3 == 0)
			(void)!write(fd, "junk", 4);
		else if (i % 3 == 1)
			(void)!write(fd, hello, sizeof(hello));
	}
	close(fd);
}

static void test_flood(void)
{
	struct rig r = {0};
	struct peer p;
	uint64_t start, now, sent = 0;
	const uint64_t seconds = 5, rate = 1000;

	start_up(&r);
	start = rig_us();
	do {
		now = rig_us() - start;
		while (sent < now * rate / 1000000)
			junk(&r, (unsigned)sent++);
		rig_pump(&r, 1);
	} while (now < seconds * 1000000);
	RIG_CHECK(sent >= seconds * rate - 1);
	/* who was taken is accounted for; a slow machine's backlog may have
	   overflowed before */
	RIG_WAIT(&r,
		 rig_count(&r, 1, "left") + rig_count(&r, 1, "bad-tls") +
				 rig_count(&r, 1, "too-many") +
				 rig_count(&r, 1, "timeout") +
				 rig_count(&r, 1, "unknown-identity") + 1 ==
			 rig_count(&r, 1, "accepted"),
		 8000);
	RIG_CHECK(rig_count(&r, 1, "accepted") > sent / 2);
	printf("  flood: %llu of %llu taken, the path stayed up\n",
	       (unsigned long long)rig_count(&r, 1, "accepted") - 1,
	       (unsigned long long)sent);
	/* and a peer gets in */
	peer_client(&p, rig_connect(&r, 1), TLS1_3_VERSION, rig_identity(1),
		    rig_psk(1));
	RIG_CHECK(peer_handshake(&p));
	peer_close(&p);
	end_up(&r);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"octets", test_octets},       {"clients", test_clients},
	{"reflected", test_reflected}, {"certificate", test_certificate},
	{"timeout", test_timeout},     {"bytes", test_bytes},
	{"too-many", test_too_many},   {"psk-thief", test_psk_thief},
	{"frames", test_frames},       {"before-joined", test_before_joined},
	{"flood", test_flood},
};

int main(int argc, char **argv)
{
	unsigned passed = 0;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		bool asked = argc < 2;

		for (int k = 1; k < argc; k++)
			asked = asked || !strcmp(argv[k], tests[i].name);
		if (!asked)
			continue;
		tests[i].run();
		printf("strangers %s: ok\n", tests[i].name);
		fflush(stdout);
		passed++;
	}
	printf("%u passed, 0 failed\n", passed);
	return 0;
}
