/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_engine.c  A media engine with a call, between a telephone and a
 *                      peer that say anything at all
 *
 * The input is a sequence of packets: kind, length (one octet each, length in
 * units of 4 for kinds above 3), octets.  Kinds: RTP and RTCP of the
 * telephone, frames of the peer properly sealed, datagrams as they are.
 */
#include <arpa/inet.h>
#include <unistd.h>
#include "fuzz/fuzz.h"
#include "media/state.h"

static const struct bundle_key key = {.id = 7, .key = {7}};

struct world {
	struct engine *e;
	uint32_t call;
	int phone, rtcp, peer;
	struct sockaddr_in rtp_to, rtcp_to, port_to;
	struct bundle_tx *tx;
};

static int udp(struct sockaddr_in *a)
{
	socklen_t n = sizeof(*a);
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*a = (struct sockaddr_in){.sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	MUST(fd >= 0 && !bind(fd, (struct sockaddr *)a, n));
	MUST(!getsockname(fd, (struct sockaddr *)a, &n));
	return fd;
}

static void start(struct world *w)
{
	const struct engine_conf conf = {.calls_max = 2,
					 .port_min = 42000,
					 .port_max = 43000,
					 .cname = "x"};
	const struct engine_trunk trunk = {.number = 1, .paths = 1};
	struct engine_station st = {.digit_pt = 101, .maps = 1};
	struct engine_path path = {0};
	struct sockaddr_in phone, rtcp, peer;
	unsigned number;
	uint16_t port;

	memset(w, 0, sizeof(*w));
	MUST(!engine_alloc(&w->e, &conf));
	w->phone = udp(&phone);
	w->rtcp = udp(&rtcp);
	w->peer = udp(&peer);
	path.fd = udp(&w->port_to);
	path.remote_n = st.remote_n = sizeof(peer);
	memcpy(&path.remote, &peer, sizeof(peer));
	memcpy(&st.remote, &phone, sizeof(phone));
	st.remote_rtcp = ntohs(rtcp.sin_port);
	st.map[0].here = 96;
	MUST(!engine_path_add(w->e, &path, &number));
	MUST(!engine_path_tx_key(w->e, number, &key));
	MUST(!engine_path_rx_key(w->e, number, &key));
	MUST(!bundle_tx_alloc(&w->tx, &key));
	MUST(!engine_call_add(w->e, &w->call));
	w->rtp_to = phone;
	MUST(!engine_station_open(w->e, w->call, 0, (struct sockaddr *)&phone,
				  sizeof(phone), false, &port));
	w->rtp_to.sin_port = htons(port);
	w->rtcp_to = w->rtp_to;
	w->rtcp_to.sin_port = htons((uint16_t)(port + 1));
	MUST(!engine_station_set(w->e, w->call, 0, &st));
	MUST(!engine_trunk_set(w->e, w->call, 1, &trunk));
	MUST(!engine_flags_set(w->e, w->call, 0, ENGINE_TAP));
}

static void end(struct world *w)
{
	engine_free(w->e);
	bundle_tx_free(w->tx);
	close(w->phone);
	close(w->rtcp);
	close(w->peer);
}

static void to(int fd, const struct sockaddr_in *a, const uint8_t *p, size_t n)
{
	(void)!sendto(fd, p, n, MSG_DONTWAIT, (const struct sockaddr *)a,
		      sizeof(*a));
}

static void one(struct world *w, uint8_t kind, const uint8_t *p, size_t n)
{
	uint8_t o[VOICE_BYTES_MAX];

	switch (kind % 4) {
	case 0: to(w->phone, &w->rtp_to, p, n); break;
	case 1: to(w->rtcp, &w->rtcp_to, p, n); break;
	case 2:
		memcpy(o + VOICE_HEAD_BYTES, p, n);
		MUST(!bundle_seal(w->tx, o, n));
		to(w->peer, &w->port_to, o,
		   VOICE_HEAD_BYTES + n + VOICE_TAG_BYTES);
		break;
	default: to(w->peer, &w->port_to, p, n); break;
	}
	engine_work(w->e);
}

/* What came out is RTP, or sealed frames */
static void heard(struct world *w, uint64_t *packets)
{
	uint8_t p[2048];
	struct rtp r;
	ssize_t n;

	while ((n = recv(w->phone, p, sizeof(p), MSG_DONTWAIT)) >= 0) {
		MUST(!rtp_parse(p, (size_t)n, &r));
		MUST(!r.ext && !r.csrcs);
		++*packets;
	}
	while ((n = recv(w->peer, p, sizeof(p), MSG_DONTWAIT)) >= 0)
		MUST(n >= VOICE_HEAD_BYTES + VOICE_TAG_BYTES &&
		     n <= VOICE_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct engine_stats st;
	struct world w;
	uint64_t packets = 0;

	start(&w);
	while (size >= 2) {
		size_t n = (size_t)data[1] * (data[0] % 8 > 3 ? 4 : 1);
		const uint8_t kind = data[0];

		data += 2;
		size -= 2;
		n = n < size ? n : size;
		one(&w, kind, data, n);
		heard(&w, &packets);
		data += n;
		size -= n;
	}
	report_out(w.e, engine_leg(w.e, w.call, 0));
	MUST(!engine_stats(w.e, w.call, 0, &st));
	MUST(packets <= st.sent);
	end(&w);
	return 0;
}
