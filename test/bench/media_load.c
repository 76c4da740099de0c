/* SPDX-License-Identifier: ISC */
/**
 * @file media_load.c  RTP both ways through what is measured, for media.sh
 *
 * usage: media_load NAME TABLE CALLS SECONDS A_PORT B_PORT far|near|SUITE PID...
 *
 * TABLE has a line "A B" a call: the ports on 127.0.0.1 that its telephones
 * send to.  We are all telephones of side A at A_PORT and, with "near", all of
 * side B at B_PORT; with "far" we are the other exchange at B_PORT, speak
 * docs/voice.md with the engine, and B of the first line is its voice port;
 * with the name of a suite we are that, and side A's telephones speak SRTP.
 * "media_load floor" says what this machine takes for a system call, and for a
 * packet sent and received on loopback and nothing else.
 *
 * Each call sends a packet of 160 octets every 20 ms in each direction; sent
 * and arrived are the kernel's times.  Says loss, delay, jitter, and CPU of the
 * processes PID for each packet delivered.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/udp.h>
#include <time.h>
#include <unistd.h>
#include "base/text.h"
#include "bench/media_key.h"
#include "proto/rtp.h"

#define CALLS_MAX 8000
#define BATCH 64
#define PAYLOAD 160
#define PACKET (RTP_FIXED_BYTES + PAYLOAD)
#define BIN_NS 10000		/* of the histogram */
#define BINS 200000		/* two seconds; later: the last bin */
#define STEP_NS 250000		/* packets due are sent this often */
#define PERIOD_NS 20000000ULL
#define WARM_NS 1500000000ULL
#define FRAMES 7		/* in a datagram, when we are the far end */

struct flow {
	struct sockaddr_in to;
	uint32_t seq;		/* RTP's */
	uint32_t sent, got;	/* while measuring; sent counts from 1 */
	uint64_t transit_ns;
	double jitter_ns;
};

/* What a payload begins with */
struct mark {
	char magic[4];
	uint32_t call;
	uint32_t number;	/* 0: before measuring */
	uint32_t direction;
	uint64_t ns;
};

static struct {
	unsigned calls;
	bool far;
	int fd[2];
	struct flow *flow[2];	/* [calls] by direction: 0 from A to B */
	bool measuring;
	uint32_t histogram[BINS];
	uint64_t got, wrong, held;
	struct bundle_tx *tx;
	struct bundle_rx *rx;
	uint16_t *number;	/* [calls] of frames */
	struct rtpsec **in, **out;	/* [calls] of side A, or NULL */
	uint16_t by_port[65536];	/* call whose port this is, + 1 */
} load;

static void die(const char *what)
{
	fprintf(stderr, "media_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- receiving ---- */

static void payload_in(unsigned direction, const uint8_t *p, size_t n,
		       uint64_t ns)
{
	struct mark m;
	struct flow *f;
	uint64_t bin, transit;

	memcpy(&m, p, sizeof(m));
	if (n != PAYLOAD || memcmp(m.magic, "RGDN", 4) ||
	    m.direction != direction || m.call >= load.calls) {
		load.wrong++;
		return;
	}
	if (!m.number)
		return;
	f = &load.flow[direction][m.call];
	f->got++;
	load.got++;
	transit = ns > m.ns ? ns - m.ns : 0;
	if (f->transit_ns) {
		const double d = (double)transit - (double)f->transit_ns;

		f->jitter_ns += ((d < 0 ? -d : d) - f->jitter_ns) / 16;
	}
	f->transit_ns = transit;
	bin = transit / BIN_NS;
	load.histogram[bin < BINS ? bin : BINS - 1]++;
}

static void datagram_in(uint8_t *p, size_t n, uint64_t ns)
{
	struct voice_frame f;
	struct cur c;
	size_t frames;

	if (bundle_open(load.rx, p, n, &frames)) {
		load.wrong++;
		return;
	}
	c = cur_of(p + VOICE_HEAD_BYTES, frames);
	while (!voice_frame_next(&c, &f))
		payload_in(0, f.payload, f.n, ns);
}

/* From a port of the engine, at a telephone */
static void rtp_in(unsigned side, uint8_t *p, size_t n, uint64_t ns,
		   const struct sockaddr_in *from)
{
	const uint16_t call = load.by_port[ntohs(from->sin_port)];

	if (rtp_is_rtcp(p, n))
		return;
	if (load.in && !side &&
	    (!call || rtpsec_open(load.in[call - 1], p, &n)))
		n = 0;
	if (n < RTP_FIXED_BYTES + sizeof(struct mark))
		load.wrong++;
	else
		payload_in(!side, p + RTP_FIXED_BYTES, n - RTP_FIXED_BYTES, ns);
}

/* Arrival and, of bundles, the length of one in what came */
static void control_in(struct msghdr *m, uint64_t *ns, size_t *segment)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct timespec t;
		int size;

		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SO_TIMESTAMPNS) {
			memcpy(&t, CMSG_DATA(c), sizeof(t));
			*ns = (uint64_t)t.tv_sec * 1000000000 +
			      (uint64_t)t.tv_nsec;
		} else if (c->cmsg_level == IPPROTO_UDP &&
			   c->cmsg_type == UDP_GRO) {
			memcpy(&size, CMSG_DATA(c), sizeof(size));
			*segment = (size_t)size;
		}
	}
}

static bool receive_batch(unsigned side)
{
	static uint8_t room[BATCH][65536];
	static uint8_t control[BATCH][128];
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	struct sockaddr_in from[BATCH];
	int k;

	for (int i = 0; i < BATCH; i++) {
		v[i] = (struct iovec){room[i], sizeof(room[i])};
		m[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
					       .msg_namelen = sizeof(from[i]),
					       .msg_iov = &v[i],
					       .msg_iovlen = 1,
					       .msg_control = control[i],
					       .msg_controllen = 128};
	}
	k = recvmmsg(load.fd[side], m, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < k; i++) {
		size_t n = m[i].msg_len, segment = n;
		uint64_t ns = 0;

		control_in(&m[i].msg_hdr, &ns, &segment);
		if (!(side && load.far)) {
			rtp_in(side, room[i], n, ns, &from[i]);
			continue;
		}
		for (size_t at = 0; at < n; at += segment)
			datagram_in(room[i] + at,
				    n - at < segment ? n - at : segment, ns);
	}
	return k == BATCH;
}

static void receive(void)
{
	for (unsigned side = 0; side < 2; side++) {
		for (int i = 0; i < 8 && receive_batch(side); i++)
			;
	}
}

/* ---- sending ---- */

static void mark_put(unsigned direction, unsigned call, uint64_t ns,
		     uint8_t *payload)
{
	struct flow *f = &load.flow[direction][call];
	const struct mark m = {.magic = {'R', 'G', 'D', 'N'},
			       .call = call,
			       .number = load.measuring ? ++f->sent : 0,
			       .direction = direction,
			       .ns = ns};

	f->seq++;
	memset(payload, 0xd5, PAYLOAD);
	memcpy(payload, &m, sizeof(m));
}

static void send_rtp(unsigned direction, unsigned from, unsigned to)
{
	static uint8_t room[BATCH][PACKET + RTPSEC_TAIL_MAX];
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	const uint64_t ns = now_ns();
	int k = 0, sent = 0;

	for (unsigned i = from; i < to; i++, k++) {
		struct flow *f = &load.flow[direction][i];

		mark_put(direction, i, ns, room[k] + RTP_FIXED_BYTES);
		rtp_put_head(room[k], f->seq == 1, 8, (uint16_t)f->seq,
			     f->seq * PAYLOAD, i + 1);
		v[k] = (struct iovec){room[k], PACKET};
		if (load.out && !direction &&
		    rtpsec_seal(load.out[i], room[k], &v[k].iov_len,
				sizeof(room[k])))
			die("seal");
		m[k].msg_hdr = (struct msghdr){.msg_name = &f->to,
					       .msg_namelen = sizeof(f->to),
					       .msg_iov = &v[k],
					       .msg_iovlen = 1};
	}
	while (sent < k) {
		const int n = sendmmsg(load.fd[direction], m + sent,
				       (unsigned)(k - sent), 0);

		if (n < 0 && errno != EAGAIN && errno != ENOBUFS &&
		    errno != ECONNREFUSED)
			die("send");
		if (n < 0) {
			load.held++;
			receive();
		}
		sent += n > 0 ? n : 0;
	}
}

/* As the other exchange: datagrams of FRAMES, sent at once */
static void send_bundles(unsigned from, unsigned to)
{
	static uint8_t room[65536];
	uint8_t control[CMSG_SPACE(sizeof(uint16_t))] = {0};
	struct iovec v = {room, 0};
	struct msghdr m = {.msg_name = &load.flow[1][0].to,
			   .msg_namelen = sizeof(struct sockaddr_in),
			   .msg_iov = &v,
			   .msg_iovlen = 1};
	struct cmsghdr *c = (struct cmsghdr *)control;
	const uint64_t ns = now_ns();
	uint16_t segment = 0;

	while (from < to) {
		uint8_t *p = room + v.iov_len, payload[PAYLOAD];
		size_t n = 0;

		for (int k = 0; k < FRAMES && from < to; k++, from++) {
			struct voice_frame f = {.call = (uint16_t)(from + 1),
						.number = load.number[from]++,
						.pt = 8,
						.payload = payload,
						.n = PAYLOAD};

			mark_put(1, from, ns, payload);
			f.seq = (uint16_t)load.flow[1][from].seq;
			f.ts = load.flow[1][from].seq * PAYLOAD;
			voice_frame_put(p + VOICE_HEAD_BYTES + n, &f);
			n += VOICE_FRAME_HEAD_BYTES + PAYLOAD;
		}
		if (bundle_seal(load.tx, p, n))
			die("seal");
		n += VOICE_HEAD_BYTES + VOICE_TAG_BYTES;
		if (!segment)
			segment = (uint16_t)n;
		v.iov_len += n;
	}
	if (v.iov_len > segment) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c->cmsg_level = IPPROTO_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(segment));
		memcpy(CMSG_DATA(c), &segment, sizeof(segment));
	}
	while (sendmsg(load.fd[1], &m, 0) < 0) {
		if (errno != EAGAIN && errno != ENOBUFS &&
		    errno != ECONNREFUSED)
			die("send");
		load.held++;
		receive();
	}
}

/* All that is due by now, in turns of one batch */
static void send_due(uint64_t since_ns, uint64_t done[2])
{
	const uint64_t due = since_ns * load.calls / PERIOD_NS;

	for (unsigned d = 0; d < 2; d++) {
		while (done[d] < due) {
			const unsigned at = (unsigned)(done[d] % load.calls);
			uint64_t n = due - done[d];

			if (n > BATCH)
				n = BATCH;
			if (n > load.calls - at)
				n = load.calls - at;
			if (d && load.far)
				send_bundles(at, at + (unsigned)n);
			else
				send_rtp(d, at, at + (unsigned)n);
			done[d] += n;
			receive();
		}
	}
}

/* ---- what is measured ---- */

/* Clock ticks of a process, user and system */
static uint64_t ticks(const char *pid)
{
	char path[64], line[1024] = "";
	struct str s = {line, 0};
	uint64_t user = 0, system = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	f = fopen(path, "r");
	if (!f || !fgets(line, sizeof(line), f))
		die(path);
	fclose(f);
	s.p = strrchr(line, ')') ? strrchr(line, ')') : line;
	s.n = strlen(s.p);
	for (int i = 2; i < 14; i++)
		(void)str_cut(&s, ' ');
	if (uint_parse(str_cut(&s, ' '), &user) ||
	    uint_parse(str_cut(&s, ' '), &system))
		die("stat");
	return user + system;
}

static double cpu_s(char **pids)
{
	uint64_t all = 0;

	for (; *pids; pids++)
		all += ticks(*pids);
	return (double)all / (double)sysconf(_SC_CLK_TCK);
}

static double self_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double quantile_ms(double q)
{
	uint64_t at = 0;

	for (unsigned i = 0; i < BINS; i++) {
		at += load.histogram[i];
		if ((double)at >= q * (double)load.got)
			return (double)i * BIN_NS / 1e6;
	}
	return 0;
}

static void say(const char *name, unsigned seconds, double cpu, double self)
{
	uint64_t sent = 0;
	double jitter = 0;

	for (unsigned i = 0; i < 2 * load.calls; i++) {
		sent += load.flow[i % 2][i / 2].sent;
		jitter += load.flow[i % 2][i / 2].jitter_ns;
	}
	printf("%-18s calls %5u  us/packet %6.2f  cpu %5.1f%%  loss %.4f%%  "
	       "delay ms p50 %.2f p99 %.2f p99.9 %.2f  jitter ms %.2f  "
	       "(wrong %" PRIu64 ", held %" PRIu64 ", load's own cpu %.0f%%)\n",
	       name, load.calls, load.got ? cpu * 1e6 / (double)load.got : 0,
	       100 * cpu / seconds,
	       sent > load.got ? 100 * (double)(sent - load.got) / (double)sent
			       : 0,
	       quantile_ms(.5), quantile_ms(.99), quantile_ms(.999),
	       jitter / (2 * load.calls) / 1e6, load.wrong, load.held,
	       100 * self / seconds);
}

/* ---- set-up ---- */

static unsigned number(const char *s, unsigned max)
{
	uint64_t v;

	if (uint_parse(str_of(s), &v) || !v || v > max) {
		fprintf(stderr, "media_load: %s is not 1 to %u\n", s, max);
		exit(64);
	}
	return (unsigned)v;
}

static void socket_make(unsigned side, unsigned port)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr =
					       htonl(INADDR_LOOPBACK)};
	const int size = 16 << 20, one = 1;
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size,
				 sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)))
		die("socket");
	if (side && load.far)
		(void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof(one));
	load.fd[side] = fd;
}

static void table_read(const char *path)
{
	char line[64];
	FILE *f = fopen(path, "r");

	if (!f)
		die(path);
	for (unsigned i = 0; i < load.calls; i++) {
		struct str s;

		if (!fgets(line, sizeof(line), f))
			die("the table is too short");
		line[strcspn(line, "\n")] = '\0';
		s = str_of(line);
		for (unsigned d = 0; d < 2; d++) {
			uint64_t port;

			if (uint_parse(str_cut(&s, ' '), &port))
				die("the table is not of numbers");
			load.by_port[port & 0xffff] = (uint16_t)(i + 1);
			load.flow[d][i].to = (struct sockaddr_in){
				.sin_family = AF_INET,
				.sin_port = htons((uint16_t)port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		}
	}
	fclose(f);
}

static void srtp_make(enum rtpsec_suite suite)
{
	const size_t n = rtpsec_master_bytes(suite);
	uint8_t in[RTPSEC_MASTER_MAX], out[RTPSEC_MASTER_MAX];

	media_master(true, in);
	media_master(false, out);
	load.in = calloc(load.calls, sizeof(*load.in));
	load.out = calloc(load.calls, sizeof(*load.out));
	if (!load.in || !load.out)
		die("start");
	for (unsigned i = 0; i < load.calls; i++) {
		if (rtpsec_alloc(&load.in[i], suite, RTPSEC_RECEIVER, in, n) ||
		    rtpsec_alloc(&load.out[i], suite, RTPSEC_SENDER, out, n))
			die("SRTP");
	}
}

/* Absolute figures mean little without these */
static void say_floor(void)
{
	enum { TIMES = 100000, QUEUED = 64 };
	const struct sockaddr_in any = {.sin_family = AF_INET,
					.sin_addr.s_addr =
						htonl(INADDR_LOOPBACK)};
	struct sockaddr_in at = any;
	socklen_t n = sizeof(at);
	uint8_t packet[PACKET] = {0};
	uint64_t t[3], send_ns = 0, recv_ns = 0;
	const int in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (bind(in, (const struct sockaddr *)&any, sizeof(any)) ||
	    getsockname(in, (struct sockaddr *)&at, &n) ||
	    connect(out, (const struct sockaddr *)&at, n))
		die("floor");
	t[0] = now_ns();
	for (int i = 0; i < TIMES; i++)
		(void)getppid();
	t[1] = now_ns();
	printf("floor: system call %.0f ns", (double)(t[1] - t[0]) / TIMES);
	for (int i = 0; i < TIMES / QUEUED; i++) {
		t[0] = now_ns();
		for (int k = 0; k < QUEUED; k++)
			(void)!send(out, packet, sizeof(packet), 0);
		t[1] = now_ns();
		for (int k = 0; k < QUEUED; k++)
			(void)!recv(in, packet, sizeof(packet), MSG_DONTWAIT);
		t[2] = now_ns();
		send_ns += t[1] - t[0];
		recv_ns += t[2] - t[1];
	}
	printf(", send %.0f ns, receive %.0f ns\n", (double)send_ns / TIMES,
	       (double)recv_ns / TIMES);
}

static void run(unsigned seconds, const char *name, char **pids)
{
	const uint64_t start = now_ns(), from = start + WARM_NS;
	const uint64_t end = from + seconds * 1000000000ULL;
	const struct timespec step = {.tv_nsec = STEP_NS / 2};
	uint64_t done[2] = {0, 0}, now;
	double cpu = 0, self = 0;

	while ((now = now_ns()) < end) {
		if (!load.measuring && now >= from) {
			load.measuring = true;
			cpu = cpu_s(pids);
			self = self_s();
		}
		send_due((now - start) / STEP_NS * STEP_NS, done);
		receive();
		nanosleep(&step, NULL);
	}
	cpu = cpu_s(pids) - cpu;
	self = self_s() - self;
	for (now = now_ns(); now_ns() < now + 500000000;) {
		receive();
		nanosleep(&step, NULL);
	}
	say(name, seconds, cpu, self);
}

int main(int argc, char **argv)
{
	const struct bundle_key tx = media_key(true), rx = media_key(false);
	enum rtpsec_suite suite;

	if (argc == 2 && !strcmp(argv[1], "floor")) {
		say_floor();
		return 0;
	}
	if (argc < 9) {
		fprintf(stderr, "usage: media_load NAME TABLE CALLS SECONDS "
				"A_PORT B_PORT far|near|SUITE PID...\n");
		return 64;
	}
	load.calls = number(argv[3], CALLS_MAX);
	load.far = strcmp(argv[7], "near") != 0;
	load.flow[0] = calloc(load.calls, sizeof(struct flow));
	load.flow[1] = calloc(load.calls, sizeof(struct flow));
	load.number = calloc(load.calls, sizeof(*load.number));
	if (!load.flow[0] || !load.flow[1] || !load.number ||
	    bundle_tx_alloc(&load.tx, &tx) || bundle_rx_alloc(&load.rx) ||
	    bundle_rx_key(load.rx, &rx))
		die("start");
	if (!rtpsec_suite_find(str_of(argv[7]), &suite))
		srtp_make(suite);
	table_read(argv[2]);
	socket_make(0, number(argv[5], 65535));
	socket_make(1, number(argv[6], 65535));
	run(number(argv[4], 3600), argv[1], argv + 8);
	return 0;
}
