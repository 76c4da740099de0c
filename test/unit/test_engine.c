/* SPDX-License-Identifier: ISC */
/** @file test_engine.c  media/engine: real sockets on loopback, two engines */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "media/state.h"
#include "media/g711.h"
#include "rdtest.h"

#define WAIT_MS 2000	/* for what must come */
/* Below the ports that the kernel gives away; other runs may use them too */
#define PORT_MIN 20000
#define PORT_MAX 29999

struct rig {
	struct engine *e[2];
	unsigned path[2][2];
	int fds[16];		/* closed at the end */
	unsigned fds_n;
	unsigned taps, digits, others, played;
	uint8_t code, tapped[256];
	size_t tapped_n;
};

/* ---- the world around ---- */

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A socket on a port of its own */
static int udp(struct rig *r, bool keep, struct sockaddr_storage *a)
{
	struct sockaddr_in at = loopback(0);
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

static void rig_start(struct rig *r, unsigned engines)
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

static void rig_stop(struct rig *r)
{
	engine_free(r->e[0]);
	engine_free(r->e[1]);
	for (unsigned i = 0; i < r->fds_n; i++)
		close(r->fds[i]);
}

/* Two paths between the two engines, keys both ways */
static void rig_paths(struct rig *r, unsigned paths)
{
	for (unsigned i = 0; i < paths; i++) {
		struct engine_path c[2] = {{.pair = 3}, {.pair = 3}};

		for (int s = 0; s < 2; s++) {
			c[s].fd = udp(r, false, &c[!s].remote);
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

static void trunk(struct rig *r, int s, uint32_t *call, uint16_t number,
		  uint64_t paths)
{
	const struct engine_trunk t = {
		.pair = 3, .number = number, .paths = paths};

	CHECK_OK(engine_call_add(r->e[s], call));
	CHECK_OK(engine_trunk_set(r->e[s], *call, 1, &t));
}

/* One station of a call: our socket is the telephone */
struct phone {
	int fd;
	struct sockaddr_storage engine;	/* its RTP port */
	struct engine_station conf;
};

static void phone_open(struct rig *r, struct engine *e, struct phone *p,
		       uint32_t call, unsigned side)
{
	struct sockaddr_in here = loopback(0);
	uint16_t port = 0;

	p->fd = udp(r, true, &p->conf.remote);
	p->conf.remote_n = sizeof(here);
	CHECK_OK(engine_station_open(e, call, side, (struct sockaddr *)&here,
				     sizeof(here), false, &port));
	CHECK(port >= PORT_MIN && port < PORT_MAX && port % 2 == 0);
	here.sin_port = htons(port);
	memcpy(&p->engine, &here, sizeof(here));
}

static void phone_set(struct engine *e, struct phone *p, uint32_t call,
		      unsigned side)
{
	CHECK_OK(engine_station_set(e, call, side, &p->conf));
}

static void say_octets(int fd, const struct phone *p, const void *octets,
		       size_t n)
{
	CHECK(sendto(fd, octets, n, 0, (const struct sockaddr *)&p->engine,
		     sizeof(struct sockaddr_in)) == (ssize_t)n);
}

static size_t packet(uint8_t *out, uint32_t ssrc, uint16_t seq,
		     const char *payload)
{
	rtp_put_head(out, false, 8, seq, seq * 160u, ssrc);
	memcpy(out + 12, payload, strlen(payload));
	return 12 + strlen(payload);
}

static void say(const struct phone *p, uint32_t ssrc, uint16_t seq,
		const char *payload)
{
	uint8_t out[256];

	say_octets(p->fd, p, out, packet(out, ssrc, seq, payload));
}

static void work(struct rig *r)
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

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What the telephone receives next, within WAIT_MS */
static size_t hear_octets(struct rig *r, int fd, uint8_t *out, size_t size)
{
	const uint64_t end = now_ms() + WAIT_MS;

	while (now_ms() < end) {
		const ssize_t n = recv(fd, out, size, MSG_DONTWAIT);

		if (n >= 0)
			return (size_t)n;
		work(r);
	}
	CHECK(now_ms() < end);	/* heard nothing */
	return 0;
}

static void hear(struct rig *r, const struct phone *p, const char *payload,
		 struct rtp *got)
{
	static uint8_t room[2048];
	const size_t n = hear_octets(r, p->fd, room, sizeof(room));

	CHECK_OK(rtp_parse(room, n, got));
	CHECK(got->payload_n == strlen(payload));
	CHECK_MEM(got->payload, payload, got->payload_n);
}

/* Nothing is on its way: what came was worked off, and gave nothing */
static void quiet(struct rig *r, const struct phone *p)
{
	uint8_t room[2048];

	for (int i = 0; i < 4; i++)
		work(r);
	CHECK(recv(p->fd, room, sizeof(room), MSG_DONTWAIT) < 0);
}

/* ---- stations ---- */

static void pair_of_phones(struct rig *r, uint32_t *call, struct phone p[2])
{
	memset(p, 0, 2 * sizeof(*p));
	CHECK_OK(engine_call_add(r->e[0], call));
	for (unsigned s = 0; s < 2; s++)
		phone_open(r, r->e[0], &p[s], *call, s);
}

TEST(engine_station_to_station)
{
	struct engine_stats st;
	struct phone p[2];
	struct rig r;
	struct rtp got, first;
	uint32_t call;

	rig_start(&r, 1);
	pair_of_phones(&r, &call, p);
	say(&p[0], 7, 1, "before it is set");
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	quiet(&r, &p[1]);
	say(&p[0], 7, 100, "hello");
	hear(&r, &p[1], "hello", &first);
	CHECK(first.seq == 100 && first.ts == 16000 && first.pt == 8);
	say(&p[1], 9, 5, "yes");
	hear(&r, &p[0], "yes", &got);
	CHECK(got.ssrc != first.ssrc && got.seq == 5);
	/* another source: the stream goes on without a gap */
	say(&p[0], 8, 40000, "transferred");
	hear(&r, &p[1], "transferred", &got);
	CHECK(got.ssrc == first.ssrc && got.seq == 101 && got.marker);
	CHECK(got.ts - first.ts >= 1 && got.ts - first.ts < 16000);
	say(&p[0], 8, 40003, "lost two");
	hear(&r, &p[1], "lost two", &got);
	CHECK(got.seq == 104 && !got.marker);
	CHECK_OK(engine_stats(r.e[0], call, 0, &st));
	CHECK(st.packets == 3 && st.lost == 2 && st.sent == 1 && st.last_us);
	CHECK_EQ(st.octets, strlen("hellotransferredlost two"));
	CHECK_OK(engine_stats(r.e[0], call, 1, &st));
	CHECK(st.packets == 1 && st.sent == 3 && !st.send_failed);
	/* the same again: what waits at the socket is not thrown away */
	say(&p[0], 8, 40004, "in between");
	phone_set(r.e[0], &p[0], call, 0);
	hear(&r, &p[1], "in between", &got);
	engine_call_del(r.e[0], call);
	CHECK_ERR(engine_stats(r.e[0], call, 0, &st), ENOENT);
	rig_stop(&r);
}

TEST(engine_strangers_are_not_heard)
{
	static const uint8_t stun[20] = {0}, junk[20] = {0xff};
	static const uint8_t large[MEDIA_PACKET_BYTES_MAX + 1] = {0x80};
	struct sockaddr_storage a;
	struct engine_stats st;
	struct phone p[2];
	struct rig r;
	uint8_t out[256];
	uint32_t call;
	size_t n;
	int stranger;

	rig_start(&r, 1);
	pair_of_phones(&r, &call, p);
	stranger = udp(&r, true, &a);
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	n = packet(out, 7, 1, "intruder");
	say_octets(stranger, &p[0], out, n);
	quiet(&r, &p[1]);
	/* and from the right place, what is no RTP */
	say_octets(p[0].fd, &p[0], junk, sizeof(junk));
	say_octets(p[0].fd, &p[0], out, 11);
	say_octets(p[0].fd, &p[0], large, sizeof(large));
	quiet(&r, &p[1]);
	CHECK_OK(engine_stats(r.e[0], call, 0, &st));
	CHECK(st.refused == 3 && !st.packets);
	say_octets(p[0].fd, &p[0], stun, sizeof(stun));
	quiet(&r, &p[1]);
	CHECK_EQ(r.others, 1);
	rig_stop(&r);
}

static void crypto(struct engine_crypto *c, uint8_t fill)
{
	c->suite = RTPSEC_CM80;
	c->n = rtpsec_master_bytes(c->suite);
	memset(c->master, fill, c->n);
}

TEST(engine_srtp_latches)
{
	struct sockaddr_storage a;
	struct rtpsec *out = NULL, *in = NULL;
	struct phone p[2];
	struct rig r;
	struct rtp got;
	uint8_t o[256];
	uint32_t call;
	size_t n;
	int stranger;

	rig_start(&r, 1);
	pair_of_phones(&r, &call, p);
	stranger = udp(&r, true, &a);
	p[0].conf.remote_n = 0;
	CHECK_ERR(engine_station_set(r.e[0], call, 0, &p[0].conf),
		  EDESTADDRREQ);
	crypto(&p[0].conf.in, 1);
	crypto(&p[0].conf.out, 2);
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	CHECK_OK(rtpsec_alloc(&out, RTPSEC_CM80, RTPSEC_SENDER,
			      p[0].conf.in.master, p[0].conf.in.n));
	CHECK_OK(rtpsec_alloc(&in, RTPSEC_CM80, RTPSEC_RECEIVER,
			      p[0].conf.out.master, p[0].conf.out.n));
	/* a stranger comes first, and is not authentic */
	n = packet(o, 7, 1, "forged forged forged");
	say_octets(stranger, &p[0], o, n);
	quiet(&r, &p[1]);
	n = packet(o, 7, 1, "authentic");
	CHECK_OK(rtpsec_seal(out, o, &n, sizeof(o)));
	say_octets(p[0].fd, &p[0], o, n);
	hear(&r, &p[1], "authentic", &got);
	/* now it is known where it is */
	say(&p[1], 9, 1, "answer");
	n = hear_octets(&r, p[0].fd, o, sizeof(o));
	CHECK_EQ(n, 12 + 6 + 10);
	CHECK(memcmp(o + 12, "answer", 6));
	CHECK_OK(rtpsec_open(in, o, &n));
	CHECK_MEM(o + 12, "answer", 6);
	/* the same authentic octets from elsewhere: not even looked at */
	n = packet(o, 7, 2, "moved");
	CHECK_OK(rtpsec_seal(out, o, &n, sizeof(o)));
	say_octets(stranger, &p[0], o, n);
	quiet(&r, &p[1]);
	say_octets(p[0].fd, &p[0], o, n);
	hear(&r, &p[1], "moved", &got);
	/* set again with the same keys: windows and place stay */
	phone_set(r.e[0], &p[0], call, 0);
	say_octets(p[0].fd, &p[0], o, n);
	quiet(&r, &p[1]);
	say(&p[1], 9, 2, "more");
	CHECK_EQ(hear_octets(&r, p[0].fd, o, sizeof(o)), 12 + 4 + 10);
	/* other keys: the old ones do not open any more */
	crypto(&p[0].conf.in, 3);
	phone_set(r.e[0], &p[0], call, 0);
	n = packet(o, 7, 3, "old key");
	CHECK_OK(rtpsec_seal(out, o, &n, sizeof(o)));
	say_octets(p[0].fd, &p[0], o, n);
	quiet(&r, &p[1]);
	rtpsec_free(out);
	rtpsec_free(in);
	rig_stop(&r);
}

TEST(engine_flags_tap_digits)
{
	static const uint8_t event[] = {5, 0x0a, 0, 160};
	struct phone p[2];
	struct rig r;
	struct rtp got;
	uint8_t o[64];
	uint32_t call;

	rig_start(&r, 1);
	pair_of_phones(&r, &call, p);
	p[0].conf.digit_pt = 101;
	p[1].conf.maps = 1;
	p[1].conf.map[0].there = 101;
	p[1].conf.map[0].here = 96;
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	CHECK_OK(engine_flags_set(r.e[0], call, 0, ENGINE_TAP | ENGINE_HOLD));
	say(&p[0], 7, 1, "held, but recorded");
	quiet(&r, &p[1]);
	CHECK(r.taps == 1 && r.tapped_n == strlen("held, but recorded"));
	say(&p[1], 9, 1, "not to a held one");
	quiet(&r, &p[0]);
	CHECK_OK(engine_flags_set(r.e[0], call, 0, 0));
	say(&p[1], 9, 500, "heard");
	hear(&r, &p[0], "heard", &got);
	CHECK_OK(engine_flags_set(r.e[0], call, 0, ENGINE_LOOP));
	say(&p[0], 7, 2, "echo");
	hear(&r, &p[0], "echo", &got);
	CHECK(got.seq == 501 && got.marker);
	quiet(&r, &p[1]);
	CHECK_OK(engine_flags_set(r.e[0], call, 0, 0));
	/* an event is three packets, told once, and goes on translated */
	for (uint16_t i = 0; i < 3; i++) {
		rtp_put_head(o, !i, 101, 3 + i, 480, 7);
		memcpy(o + 12, event, 4);
		say_octets(p[0].fd, &p[0], o, 16);
		CHECK_EQ(hear_octets(&r, p[1].fd, o, sizeof(o)), 16);
		CHECK_EQ(o[1] & 127, 96);
	}
	CHECK(r.digits == 1 && r.code == 5);
	/* and back */
	rtp_put_head(o, false, 96, 9, 480, 9);
	say_octets(p[1].fd, &p[1], o, 16);
	CHECK_EQ(hear_octets(&r, p[0].fd, o, sizeof(o)), 16);
	CHECK_EQ(o[1] & 127, 101);
	CHECK(r.taps == 1 && r.digits == 1);
	CHECK_ERR(engine_flags_set(r.e[0], call, 2, 0), ENOENT);
	rig_stop(&r);
}

TEST(engine_plays)
{
	static uint8_t tone[400];
	const struct g711_tone t = {.hz = 425, .peak = 8000};
	struct engine_play play = {.p = tone, .n = sizeof(tone), .pt = 8};
	struct phone p[2];
	struct rig r;
	struct rtp got;
	uint8_t o[512];
	uint32_t call, ssrc = 0, ts = 0;
	uint16_t seq = 0;

	g711_tone(G711_ALAW, &t, tone, sizeof(tone));
	rig_start(&r, 1);
	pair_of_phones(&r, &call, p);
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	say(&p[0], 7, 9, "speech");
	hear(&r, &p[1], "speech", &got);
	ssrc = got.ssrc;
	CHECK_OK(engine_play(r.e[0], call, 1, &play));
	for (uint16_t i = 0; i < 3; i++) {
		CHECK_EQ(hear_octets(&r, p[1].fd, o, sizeof(o)), 172);
		CHECK_OK(rtp_parse(o, 172, &got));
		CHECK(got.ssrc == ssrc && got.seq == 10 + i && got.pt == 8);
		CHECK(got.marker == !i && (!i || got.ts == ts + 160));
		ts = got.ts;
		CHECK_MEM(got.payload, tone + 160 * i, i < 2 ? 160 : 80);
		if (i == 0) {	/* meanwhile speech is not heard */
			say(&p[0], 7, 10, "speech");
			for (int k = 0; k < 3; k++)
				work(&r);
		}
	}
	CHECK_EQ(r.played, 1);
	CHECK_MEM(got.payload + 80, got.payload + 79, 1);
	say(&p[0], 7, 13, "speech");
	hear(&r, &p[1], "speech", &got);
	CHECK(got.seq == 13 && got.marker && got.ssrc == ssrc);
	/* in a loop, until it is stopped */
	play.loop = true;
	play.n = 200;
	CHECK_OK(engine_play(r.e[0], call, 1, &play));
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(hear_octets(&r, p[1].fd, o, sizeof(o)), 172);
		CHECK_EQ(o[12], tone[i * 160 % 200]);
		CHECK_EQ(o[12 + 159], tone[(i * 160 + 159) % 200]);
		seq = (uint16_t)(o[2] << 8 | o[3]);
	}
	/* another in its place */
	CHECK_OK(engine_play(r.e[0], call, 1, &play));
	CHECK_EQ(hear_octets(&r, p[1].fd, o, sizeof(o)), 172);
	CHECK_EQ(o[2] << 8 | o[3], seq + 1);
	CHECK(o[1] & 128);
	seq = (uint16_t)(seq + 1);
	play.n = 0;
	CHECK_OK(engine_play(r.e[0], call, 1, &play));
	CHECK(r.e[0]->plays == 0 && r.played == 1);
	say(&p[0], 7, 14, "speech");
	hear(&r, &p[1], "speech", &got);
	CHECK_EQ(got.seq, seq + 1);
	play.n = 159;
	CHECK_ERR(engine_play(r.e[0], call, 1, &play), EINVAL);
	rig_stop(&r);
}

TEST(engine_plays_to_several)
{
	static uint8_t tone[160];
	struct engine_play play = {
		.p = tone, .n = sizeof(tone), .pt = 8, .loop = true};
	const struct engine_play stop = {.n = 0};
	struct phone p[2][2];
	struct rig r;
	uint8_t o[512];
	uint32_t call[2];

	rig_start(&r, 1);
	for (int i = 0; i < 2; i++) {
		pair_of_phones(&r, &call[i], p[i]);
		for (unsigned s = 0; s < 2; s++)
			phone_set(r.e[0], &p[i][s], call[i], s);
	}
	CHECK_OK(engine_play(r.e[0], call[0], 0, &play));
	CHECK_OK(engine_play(r.e[0], call[0], 1, &play));
	CHECK_OK(engine_play(r.e[0], call[1], 0, &play));
	for (int k = 0; k < 3; k++) {
		(void)hear_octets(&r, p[0][0].fd, o, sizeof(o));
		(void)hear_octets(&r, p[0][1].fd, o, sizeof(o));
		(void)hear_octets(&r, p[1][0].fd, o, sizeof(o));
	}
	CHECK_OK(engine_play(r.e[0], call[0], 0, &stop));
	engine_call_del(r.e[0], call[1]);
	CHECK_EQ(r.e[0]->plays, 1);
	for (int k = 0; k < 3; k++)
		(void)hear_octets(&r, p[0][1].fd, o, sizeof(o));
	rig_stop(&r);
}

static void rtcp_on_the_rtp_port(bool from_start)
{
	struct sockaddr_in here = loopback(0);
	struct engine_stats st;
	struct rtcp_report rep = {.lost = 3};
	struct phone p = {0};
	struct rig r;
	struct buf b;
	uint8_t o[512];
	uint32_t call;
	uint16_t port;

	rig_start(&r, 1);
	p.fd = udp(&r, true, &p.conf.remote);
	p.conf.remote_n = sizeof(here);
	CHECK_OK(engine_call_add(r.e[0], &call));
	CHECK_OK(engine_station_open(r.e[0], call, 0, (struct sockaddr *)&here,
				     sizeof(here), from_start, &port));
	here.sin_port = htons(port);
	memcpy(&p.engine, &here, sizeof(here));
	phone_set(r.e[0], &p, call, 0);
	p.conf.mux = true;	/* and said in the answer, if not before */
	phone_set(r.e[0], &p, call, 0);
	CHECK_OK(engine_flags_set(r.e[0], call, 0, ENGINE_LOOP));
	r.e[0]->slot_us = UINT64_MAX;
	say(&p, 7, 1, "echo");
	CHECK_EQ(hear_octets(&r, p.fd, o, sizeof(o)), 16);
	rep.ssrc = engine_leg(r.e[0], call, 0)->to.ssrc;
	buf_init(&b, 1000);
	rtcp_report_print(7, NULL, &rep, 1, &b);
	say_octets(p.fd, &p, b.p, b.n);
	for (int i = 0; i < 3; i++)
		work(&r);
	CHECK_OK(engine_stats(r.e[0], call, 0, &st));
	CHECK(st.far_known && st.far_lost == 3 && !st.refused);
	report_out(r.e[0], engine_leg(r.e[0], call, 0));
	CHECK_OK(rtcp_check(o, hear_octets(&r, p.fd, o, sizeof(o))));
	buf_free(&b);
	rig_stop(&r);
}

TEST(engine_rtcp_on_the_rtp_port)
{
	rtcp_on_the_rtp_port(true);
	rtcp_on_the_rtp_port(false);
}

TEST(engine_rtcp)
{
	struct sockaddr_storage rtcp_port;
	struct engine_stats st;
	struct rtcp_item it;
	struct rtcp_sender s;
	struct rtcp_report rep;
	struct rtcp_voip v = {.ssrc = 1, .mos_lq = 41};
	struct phone p[2];
	struct rig r;
	struct rtp got;
	struct cur c;
	struct buf b;
	uint8_t o[512];
	uint32_t call;
	size_t n;
	int fd;

	rig_start(&r, 1);
	pair_of_phones(&r, &call, p);
	fd = udp(&r, true, &rtcp_port);
	p[1].conf.remote_rtcp =
		ntohs(((struct sockaddr_in *)&rtcp_port)->sin_port);
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	r.e[0]->slot_us = UINT64_MAX;	/* no reports but ours */
	say(&p[0], 7, 9, "speech");
	hear(&r, &p[1], "speech", &got);
	say(&p[1], 77, 1, "one");
	say(&p[1], 77, 3, "three");
	hear(&r, &p[0], "one", &got);
	hear(&r, &p[0], "three", &got);
	report_out(r.e[0], engine_leg(r.e[0], call, 1));
	n = hear_octets(&r, fd, o, sizeof(o));
	CHECK_OK(rtcp_check(o, n));
	c = cur_of(o, n);
	CHECK(rtcp_next(&c, &it) && !rtcp_sender_parse(&it, &s));
	CHECK(s.packets == 1 && s.octets == 6);
	CHECK_OK(rtcp_report_parse(&it, 0, &rep));
	CHECK(rep.ssrc == 77 && rep.lost == 1 && rep.highest_seq == 3);
	CHECK(rep.fraction == 85 && !rep.lsr);
	CHECK(rtcp_next(&c, &it) && it.kind == RTCP_KIND_SDES);
	/* the telephone reports back at once: 100 ms of it its own delay */
	rep = (struct rtcp_report){.ssrc = s.ssrc,
				   .lost = 5,
				   .jitter = 80,
				   .lsr = (uint32_t)(s.ntp >> 16)};
	buf_init(&b, 1000);
	rtcp_report_print(77, &s, &rep, 1, &b);
	rtcp_voip_print(77, &v, &b);
	((struct sockaddr_in *)&p[1].engine)->sin_port = htons(
		ntohs(((struct sockaddr_in *)&p[1].engine)->sin_port) + 1);
	say_octets(fd, &p[1], b.p, b.n);
	for (int i = 0; i < 3; i++)
		work(&r);
	CHECK_OK(engine_stats(r.e[0], call, 1, &st));
	CHECK(st.far_known && st.far_lost == 5 && st.far_jitter_us == 10000);
	CHECK(st.rtt_us > 0 && st.rtt_us < 1000000);
	CHECK(st.voip_known && st.voip.mos_lq == 41 && !st.refused);
	say_octets(fd, &p[1], b.p, b.n - 1);
	for (int i = 0; i < 3; i++)
		work(&r);
	CHECK_OK(engine_stats(r.e[0], call, 1, &st));
	CHECK_EQ(st.refused, 1);
	buf_free(&b);
	rig_stop(&r);
}

/* ---- trunk ---- */

/* One call across, telephones at both ends */
static void across(struct rig *r, uint32_t call[2], struct phone p[2],
		   uint16_t number, uint64_t paths)
{
	memset(p, 0, 2 * sizeof(*p));
	for (int s = 0; s < 2; s++) {
		trunk(r, s, &call[s], number, paths);
		phone_open(r, r->e[s], &p[s], call[s], 0);
		phone_set(r->e[s], &p[s], call[s], 0);
	}
}

TEST(engine_trunk)
{
	struct engine_path_stats ps;
	struct engine_stats st;
	struct phone p[2];
	struct rig r;
	struct rtp got, first;
	uint32_t call[2];

	rig_start(&r, 2);
	rig_paths(&r, 1);
	across(&r, call, p, 4711, 1);
	say(&p[0], 7, 65534, "hello");
	hear(&r, &p[1], "hello", &first);
	CHECK(first.seq == 65534 && first.ts == 65534 * 160 && first.pt == 8);
	say(&p[1], 7, 5, "yes");
	hear(&r, &p[0], "yes", &got);
	say(&p[0], 7, 3, "later");
	hear(&r, &p[1], "later", &got);
	CHECK(got.seq == 3 && got.ssrc == first.ssrc);
	say(&p[0], 99, 1000, "transferred");
	hear(&r, &p[1], "transferred", &got);
	CHECK(got.seq == 4 && got.ssrc == first.ssrc && got.marker);
	CHECK_OK(engine_stats(r.e[1], call[1], 1, &st));
	CHECK(st.packets == 3 && st.lost == 4 && !st.frames_lost);
	CHECK(st.sent == 1 && !st.doubles);
	CHECK_OK(engine_path_stats(r.e[1], r.path[1][0], &ps));
	CHECK(ps.rx.received >= 3 && ps.frames_in == 3 && ps.frames_out == 1);
	CHECK(ps.sent >= 1 && !ps.strays && !ps.rx.lost);
	/* the call is gone at one end: what still comes is a stray */
	engine_call_del(r.e[1], call[1]);
	say(&p[0], 99, 1001, "nobody");
	quiet(&r, &p[1]);
	CHECK_OK(engine_path_stats(r.e[1], r.path[1][0], &ps));
	CHECK_EQ(ps.strays, 1);
	rig_stop(&r);
}

/* Two frames in one datagram, sealed for the telephone one by one */
TEST(engine_trunk_to_srtp)
{
	struct engine_path_stats ps;
	struct rtpsec *in = NULL;
	struct phone p[2][2];
	struct rig r;
	uint8_t o[256], octets[64];
	uint32_t call[2][2];

	rig_start(&r, 2);
	rig_paths(&r, 1);
	for (uint16_t i = 0; i < 2; i++) {
		across(&r, call[i], p[i], i + 1, 1);
		crypto(&p[i][1].conf.out, 5);
		phone_set(r.e[1], &p[i][1], call[i][1], 0);
		memset(octets, 'a' + i, sizeof(octets));
		engine_send(r.e[0], engine_leg(r.e[0], call[i][0], 1),
			    &(struct frame){.payload = octets, .n = 40});
	}
	for (int i = 0; i < 2; i++) {
		size_t n = hear_octets(&r, p[i][1].fd, o, sizeof(o));

		CHECK_OK(rtpsec_alloc(&in, RTPSEC_CM80, RTPSEC_RECEIVER,
				      p[i][1].conf.out.master,
				      p[i][1].conf.out.n));
		CHECK_EQ(n, 12 + 40 + 10);
		CHECK_OK(rtpsec_open(in, o, &n));
		memset(octets, 'a' + i, sizeof(octets));
		CHECK_MEM(o + 12, octets, 40);
		in = rtpsec_free(in);
	}
	CHECK_OK(engine_path_stats(r.e[1], r.path[1][0], &ps));
	CHECK(ps.frames_in == 2 && ps.rx.received == 1);
	rig_stop(&r);
}

TEST(engine_trunk_fills_datagrams)
{
	static uint8_t octets[200];
	struct engine_path_stats ps;
	struct rig r;
	uint32_t call;

	rig_start(&r, 2);
	rig_paths(&r, 1);
	trunk(&r, 0, &call, 1, 1);
	for (uint16_t i = 0; i < 21; i++)
		engine_send(
			r.e[0], engine_leg(r.e[0], call, 1),
			&(struct frame){.payload = octets, .n = 160, .seq = i});
	engine_work(r.e[0]);
	CHECK_OK(engine_path_stats(r.e[0], 0, &ps));
	CHECK(ps.frames_out == 21 && ps.sent == 3);
	rig_stop(&r);
}

TEST(engine_trunk_doubled)
{
	struct engine_stats st;
	struct phone p[2];
	struct rig r;
	struct rtp got;
	uint32_t call[2];

	rig_start(&r, 2);
	rig_paths(&r, 2);
	across(&r, call, p, 1, 3);
	for (uint16_t i = 0; i < 10; i++) {
		say(&p[0], 7, i, "twice");
		hear(&r, &p[1], "twice", &got);
		CHECK_EQ(got.seq, i);
	}
	quiet(&r, &p[1]);
	CHECK_OK(engine_stats(r.e[1], call[1], 1, &st));
	CHECK(st.packets == 10 && st.doubles == 10);
	/* one path dies: nothing is lost */
	engine_path_del(r.e[0], r.path[0][1]);
	for (uint16_t i = 10; i < 20; i++) {
		say(&p[0], 7, i, "once");
		hear(&r, &p[1], "once", &got);
	}
	CHECK_OK(engine_stats(r.e[1], call[1], 1, &st));
	CHECK(st.packets == 20 && st.doubles == 10 && !st.frames_lost);
	/* a path of another pair does not carry it */
	r.e[0]->ports[0].pair = 4;
	say(&p[0], 7, 20, "elsewhere");
	quiet(&r, &p[1]);
	r.e[0]->ports[0].pair = 3;
	/* the call's paths may change */
	CHECK_OK(engine_trunk_set(
		r.e[0], call[0], 1,
		&(struct engine_trunk){.pair = 3, .number = 1, .paths = 0}));
	say(&p[0], 7, 21, "nowhere");
	quiet(&r, &p[1]);
	rig_stop(&r);
}

enum gso { GSO, NO_GSO, REFUSED_GSO };

/* Many calls, payloads of many lengths: runs, segments, full buffers */
static void many(enum gso gso)
{
	enum { CALLS = 20, FRAMES = 400 };
	static uint8_t octets[1200];
	const int one = 1;
	struct engine_path_stats ps;
	struct rig r;
	uint32_t call[2][CALLS];
	uint16_t seq[CALLS] = {0};
	struct leg *l;
	uint64_t sent = 0, got = 0, bytes = 0, bytes_got = 0;
	const uint64_t end = now_ms() + WAIT_MS;

	rig_start(&r, 2);
	rig_paths(&r, 1);
	for (uint16_t i = 0; i < CALLS; i++) {
		trunk(&r, 0, &call[0][i], i + 1, 1);
		trunk(&r, 1, &call[1][i], i + 1, 1);
	}
	CHECK(r.e[0]->ports[0].gso && r.e[0]->ports[0].gro);
	r.e[0]->ports[0].gso = gso != NO_GSO;
	/* without checksums the kernel refuses to segment: EINVAL */
	CHECK(gso != REFUSED_GSO ||
	      !setsockopt(r.e[0]->ports[0].fd, SOL_SOCKET, SO_NO_CHECK, &one,
			  sizeof(one)));
	for (int round = 0; round < 10; round++) {
		for (int k = 0; k < FRAMES; k++) {
			const unsigned i = (unsigned)(rdtest_random() % CALLS);
			const size_t size[3] = {160, 700,
						rdtest_random() % 1100};
			struct frame f = {.payload = octets + 12,
					  .n = size[round % 3],
					  .pt = 8,
					  .seq = seq[i]++};

			l = engine_leg(r.e[0], call[0][i], 1);
			engine_send(r.e[0], l, &f);
			sent++;
			bytes += f.n;
		}
		do {
			work(&r);
		} while (r.e[1]->ports[0].stats.frames_in < sent &&
			 now_ms() < end);
	}
	for (unsigned i = 0; i < CALLS; i++) {
		struct engine_stats st;

		CHECK_OK(engine_stats(r.e[1], call[1][i], 1, &st));
		CHECK(!st.lost && !st.frames_lost && !st.late);
		got += st.packets;
		bytes_got += st.octets;
	}
	CHECK_EQ(got, sent);
	CHECK_EQ(bytes_got, bytes);
	CHECK_OK(engine_path_stats(r.e[0], 0, &ps));
	CHECK(ps.gso == (gso == GSO) && !ps.send_failed);
	CHECK_EQ(ps.frames_out, sent);
	CHECK(ps.sent < sent);
	CHECK_OK(engine_path_stats(r.e[1], 0, &ps));
	CHECK(!ps.rx.lost && !ps.rx.refused && !ps.overflows);
	rig_stop(&r);
}

TEST(engine_trunk_many)
{
	many(GSO);
	many(NO_GSO);
	many(REFUSED_GSO);
}

/* Nobody reads the port for a while: what the kernel drops is counted */
TEST(engine_trunk_overflows)
{
	static uint8_t octets[1200];
	const int size = 8192;
	struct engine_path_stats ps;
	struct rig r;
	uint32_t call;

	rig_start(&r, 2);
	rig_paths(&r, 1);
	trunk(&r, 0, &call, 1, 1);
	r.e[0]->ports[0].gso = false;
	CHECK(!setsockopt(r.e[1]->ports[0].fd, SOL_SOCKET, SO_RCVBUF, &size,
			  sizeof(size)));
	for (uint16_t i = 0; i < 101; i++) {
		engine_send(r.e[0], engine_leg(r.e[0], call, 1),
			    &(struct frame){
				    .payload = octets, .n = 1000, .seq = i});
		engine_work(r.e[0]);
		if (i == 99) {
			for (int k = 0; k < 4; k++)
				engine_work(r.e[1]);
		}
	}
	for (int k = 0; k < 4; k++)
		work(&r);
	CHECK_OK(engine_path_stats(r.e[1], 0, &ps));
	CHECK(ps.overflows > 50 && ps.overflows == ps.rx.lost);
	CHECK(ps.frames_in + ps.overflows == 101);
	rig_stop(&r);
}

TEST(engine_trunk_learns_the_address)
{
	const struct bundle_key k = {.id = 1, .key = {1}};
	struct engine_path c = {.pair = 3};
	struct sockaddr_storage a, here, there;
	struct engine_path_stats ps;
	struct bundle_tx *t = NULL;
	struct rig r;
	uint8_t o[64] = {0};
	unsigned path;
	int stranger, peer;

	rig_start(&r, 1);
	stranger = udp(&r, true, &a);
	peer = udp(&r, true, &there);
	/* bound to the number: one that the kernel chose is given back when
	   the socket is unconnected */
	close(udp(&r, false, &here));
	c.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(!bind(c.fd, (struct sockaddr *)&here,
		    sizeof(struct sockaddr_in)));
	CHECK_OK(engine_path_add(r.e[0], &c, &path));
	CHECK_OK(engine_path_tx_key(r.e[0], path, &k));
	CHECK_OK(engine_path_rx_key(r.e[0], path, &k));
	CHECK_OK(bundle_tx_alloc(&t, &k));
	(void)sendto(stranger, o, 40, 0, (struct sockaddr *)&here,
		     sizeof(struct sockaddr_in));
	work(&r);
	work(&r);
	CHECK(!r.e[0]->ports[path].connected);
	CHECK_OK(bundle_seal(t, o, 0));
	(void)sendto(peer, o, 28, 0, (struct sockaddr *)&here,
		     sizeof(struct sockaddr_in));
	/* then our probe comes to it, within about a second */
	CHECK_EQ(hear_octets(&r, peer, o, sizeof(o)), 28);
	CHECK_OK(engine_path_stats(r.e[0], path, &ps));
	CHECK(ps.rx.received == 1 && ps.rx.refused == 1 && ps.sent == 1);
	/* it moves, and says so by the session, or by a datagram */
	CHECK_OK(
		engine_path_move(r.e[0], path, &a, sizeof(struct sockaddr_in)));
	CHECK_EQ(hear_octets(&r, stranger, o, sizeof(o)), 28);
	CHECK_OK(engine_path_move(r.e[0], path, NULL, 0));
	CHECK(!r.e[0]->ports[path].connected);
	CHECK_OK(bundle_seal(t, o, 0));
	(void)sendto(peer, o, 28, 0, (struct sockaddr *)&here,
		     sizeof(struct sockaddr_in));
	CHECK_EQ(hear_octets(&r, peer, o, sizeof(o)), 28);
	CHECK_ERR(engine_path_move(r.e[0], 9, NULL, 0), ENOENT);
	bundle_tx_free(t);
	rig_stop(&r);
}

/* ---- the loop, limits ---- */

TEST(engine_ticks_when_busy)
{
	struct engine_stats st;
	struct phone p[2];
	struct rig r;
	struct rtp got;
	uint32_t call;
	uint64_t end;
	uint16_t i = 0;

	rig_start(&r, 1);
	r.e[0]->conf.busy_calls = 1;	/* 100 packets a second */
	pair_of_phones(&r, &call, p);
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	for (end = now_ms() + WAIT_MS; !r.e[0]->busy && now_ms() < end;) {
		say(&p[0], 7, i++, "quick");
		hear(&r, &p[1], "quick", &got);
	}
	CHECK(r.e[0]->busy && r.e[0]->timer_us == 1000);
	for (int k = 0; k < 50; k++) {
		say(&p[0], 7, i++, "quick");
		hear(&r, &p[1], "quick", &got);
	}
	CHECK_OK(engine_stats(r.e[0], call, 0, &st));
	CHECK(st.packets == i && !st.lost);
	/* nothing comes any more: back */
	for (end = now_ms() + WAIT_MS; r.e[0]->busy && now_ms() < end;)
		work(&r);
	CHECK(!r.e[0]->busy);
	say(&p[0], 7, i++, "slow");
	hear(&r, &p[1], "slow", &got);
	rig_stop(&r);
}

TEST(engine_limits)
{
	struct engine_conf bad = {
		.calls_max = 1, .cname = "x", .port_min = 4000};
	const struct engine_trunk t = {.pair = 3, .number = 9, .paths = 1};
	struct engine_trunk u = t;
	struct sockaddr_in here = loopback(0);
	struct engine *e = NULL;
	struct rig r;
	uint32_t call[41], again;
	/* of our own, so that all of them are free */
	const uint16_t base = (uint16_t)(11000 + getpid() % 900 * 10);
	uint16_t port;

	CHECK_ERR(engine_alloc(&e, &bad), EINVAL);
	rig_start(&r, 1);
	for (int i = 0; i < 40; i++)
		CHECK_OK(engine_call_add(r.e[0], &call[i]));
	CHECK_ERR(engine_call_add(r.e[0], &call[40]), ENOSPC);
	engine_call_del(r.e[0], call[7]);
	engine_call_del(r.e[0], call[7]);
	CHECK_OK(engine_call_add(r.e[0], &again));
	CHECK(again != call[7] && (again & 0xffff) == (call[7] & 0xffff));
	CHECK_ERR(engine_trunk_set(r.e[0], call[7], 1, &t), ENOENT);
	CHECK_OK(engine_trunk_set(r.e[0], again, 1, &t));
	CHECK_OK(engine_trunk_set(r.e[0], again, 1, &t));
	CHECK_ERR(engine_trunk_set(r.e[0], call[8], 1, &t), EEXIST);
	u.number = 10;
	CHECK_ERR(engine_trunk_set(r.e[0], again, 1, &u), EBUSY);
	u.number = 0;
	CHECK_ERR(engine_trunk_set(r.e[0], call[8], 1, &u), EINVAL);
	engine_call_del(r.e[0], again);
	CHECK_OK(engine_trunk_set(r.e[0], call[8], 1, &t));
	/* ports: two pairs, and no more */
	r.e[0]->conf.port_min = base + 1;
	r.e[0]->conf.port_max = base + 5;
	CHECK_OK(engine_station_open(r.e[0], call[0], 0,
				     (struct sockaddr *)&here, sizeof(here),
				     false, &port));
	CHECK_EQ(port, base + 2);
	CHECK_ERR(engine_station_open(r.e[0], call[0], 0,
				      (struct sockaddr *)&here, sizeof(here),
				      false, &port),
		  EBUSY);
	CHECK_OK(engine_station_open(r.e[0], call[0], 1,
				     (struct sockaddr *)&here, sizeof(here),
				     true, &port));
	CHECK_EQ(port, base + 4);
	CHECK_ERR(engine_station_open(r.e[0], call[1], 0,
				      (struct sockaddr *)&here, sizeof(here),
				      false, &port),
		  EADDRINUSE);
	CHECK_EQ(engine_station_fd(r.e[0], call[1], 0), -1);
	engine_call_del(r.e[0], call[0]);
	CHECK_OK(engine_station_open(r.e[0], call[1], 0,
				     (struct sockaddr *)&here, sizeof(here),
				     false, &port));
	rig_stop(&r);
}

TEST_OOM(engine_alloc)
{
	const struct engine_conf c = {.calls_max = 4,
				      .port_min = PORT_MIN,
				      .port_max = PORT_MAX,
				      .cname = "x"};
	const struct engine_trunk t = {.pair = 0, .number = 9};
	struct engine_path path = {.fd = -1};
	struct engine *e = NULL;
	uint32_t call;
	unsigned number;

	TRY(engine_alloc(&e, &c));
	CHECK_OK(engine_call_add(e, &call));
	TRY(engine_trunk_set(e, call, 0, &t));
	path.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(path.fd >= 0);
	TRY(engine_path_add(e, &path, &number));
	path.fd = -1;
out:
	if (path.fd >= 0)
		close(path.fd);
	engine_free(e);
}
