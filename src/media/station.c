/* SPDX-License-Identifier: ISC */
/** @file station.c  An end that is a station: its sockets, RTP in and out */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include "media/state.h"

#define TOS_EF 0xb8		/* expedited forwarding (RFC 3246) */
#define DRAIN_MAX 4096		/* what may wait at a socket when it is set */

/* ---- sockets ---- */

static void port_put_be(struct sockaddr_storage *a, uint16_t port)
{
	if (a->ss_family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)a)->sin_port = htons(port);
}

static uint16_t port_of(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)a)->sin6_port);
	return ntohs(((const struct sockaddr_in *)a)->sin_port);
}

static int bound(const struct sockaddr_storage *local, socklen_t n,
		 uint16_t port, int *fdp)
{
	const int tos = TOS_EF;
	struct sockaddr_storage a = *local;
	int fd, err;

	fd = socket(a.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	port_put_be(&a, port);
	if (bind(fd, (struct sockaddr *)&a, n)) {
		err = errno;
		close(fd);
		return err;
	}
	if (a.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos,
				 sizeof(tos));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	*fdp = fd;
	return 0;
}

/* Both ports of a pair, or neither */
static int bound_pair(struct leg *l, const struct sockaddr_storage *local,
		      socklen_t n, uint16_t port, bool mux)
{
	int err = bound(local, n, port, &l->fd);

	if (err)
		return err;
	l->rtcp_fd = l->fd;
	if (mux)
		return 0;
	err = bound(local, n, port + 1, &l->rtcp_fd);
	if (err) {
		close(l->fd);
		l->fd = l->rtcp_fd = -1;
	}
	return err;
}

int engine_station_open(struct engine *e, uint32_t call, unsigned side,
			const struct sockaddr *local, socklen_t local_n,
			bool mux, uint16_t *port)
{
	const uint16_t first = (uint16_t)((e->conf.port_min + 1) & ~1);
	struct sockaddr_storage a = {0};
	struct leg *l = engine_leg(e, call, side);
	unsigned tries;
	uint16_t at = e->port_next;
	int err = EADDRINUSE;

	if (!l)
		return ENOENT;
	if (l->kind != LEG_NONE)
		return EBUSY;
	if (local_n > sizeof(a) ||
	    (local->sa_family != AF_INET && local->sa_family != AF_INET6))
		return EINVAL;
	memcpy(&a, local, local_n);
	tries = (unsigned)(e->conf.port_max - first + 1) / 2;
	while (tries-- && err == EADDRINUSE) {
		if (at < first || at >= e->conf.port_max)
			at = first;
		err = bound_pair(l, &a, local_n, at, mux);
		at = (uint16_t)(at + 2);
	}
	if (err)
		return err;
	e->port_next = at;
	*port = (uint16_t)(at - 2);
	l->kind = LEG_STATION;
	(void)!getrandom(&l->to.ssrc, sizeof(l->to.ssrc), 0);
	l->to.source = SOURCE_NONE;
	return 0;
}

int engine_station_fd(const struct engine *e, uint32_t call, unsigned side)
{
	const struct leg *l = engine_leg(e, call, side);

	return l && l->kind == LEG_STATION ? l->fd : -1;
}

void station_close(struct leg *l)
{
	if (l->rtcp_fd >= 0 && l->rtcp_fd != l->fd)
		close(l->rtcp_fd);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = l->rtcp_fd = -1;
	l->in = rtpsec_free(l->in);
	l->out = rtpsec_free(l->out);
	l->set = l->connected = false;
	OPENSSL_cleanse(&l->conf, sizeof(l->conf));
}

/* ---- where to ---- */

static int connect_to(const struct leg *l, const struct sockaddr_storage *a,
		      socklen_t n, uint16_t rtcp_port)
{
	struct sockaddr_storage c = *a;

	if (connect(l->fd, (const struct sockaddr *)a, n))
		return errno;
	if (l->rtcp_fd == l->fd)
		return 0;
	if (!rtcp_port)
		rtcp_port = (uint16_t)(port_of(a) + 1);
	port_put_be(&c, rtcp_port);
	return connect(l->rtcp_fd, (struct sockaddr *)&c, n) ? errno : 0;
}

static void connect_to_nobody(const struct leg *l)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};

	(void)connect(l->fd, &none, sizeof(none));
	if (l->rtcp_fd != l->fd)
		(void)connect(l->rtcp_fd, &none, sizeof(none));
}

/* What was queued before connect() may be of anybody */
static void drain(const struct leg *l)
{
	uint8_t octet;

	for (int i = 0; i < DRAIN_MAX; i++) {
		if (recv(l->fd, &octet, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
			break;
	}
	for (int i = 0; i < DRAIN_MAX && l->rtcp_fd != l->fd; i++) {
		if (recv(l->rtcp_fd, &octet, 1, MSG_DONTWAIT) < 0 &&
		    errno == EAGAIN)
			break;
	}
}

/* Latched: from now on this station is here, and nowhere else */
static void latch(struct leg *l, const struct sockaddr_storage *from,
		  socklen_t n)
{
	if (!n || connect_to(l, from, n, l->conf.remote_rtcp))
		return;
	l->connected = true;
	drain(l);
}

/* ---- what the answer says ---- */

static bool crypto_same(const struct engine_crypto *a,
			const struct engine_crypto *b)
{
	return a->n == b->n &&
	       (!a->n || (a->suite == b->suite &&
			  !CRYPTO_memcmp(a->master, b->master, a->n)));
}

/* *sp: NULL for plain, the old one while the keys are the same.  A new object
   under the same keys would seal under indices that were used. */
static int crypto_make(struct rtpsec **sp, struct rtpsec *old, bool set,
		       const struct engine_crypto *had,
		       const struct engine_crypto *want, enum rtpsec_role role)
{
	*sp = NULL;
	if (set && crypto_same(had, want)) {
		*sp = old;
		return 0;
	}
	return want->n ? rtpsec_alloc(sp, want->suite, role, want->master,
				      want->n)
		       : 0;
}

static int conf_check(const struct engine_station *c)
{
	if (c->in.n > RTPSEC_MASTER_MAX || c->out.n > RTPSEC_MASTER_MAX ||
	    c->maps > MEDIA_PT_MAPS_MAX || c->digit_pt > 127 ||
	    c->remote_n > sizeof(c->remote) ||
	    (c->remote_n && !port_of(&c->remote)))
		return EINVAL;
	for (unsigned i = 0; i < c->maps; i++) {
		if (c->map[i].here > 127 || c->map[i].there > 127)
			return EINVAL;
	}
	return !c->remote_n && !c->in.n ? EDESTADDRREQ : 0;
}

static int first_set(struct engine *e, struct leg *l)
{
	int err;

	if (l->set)
		return 0;
	err = engine_watch(e, l->fd, EVENT_RTP, l->index);
	if (!err && l->rtcp_fd != l->fd) {
		err = engine_watch(e, l->rtcp_fd, EVENT_RTCP, l->index);
		if (err)
			(void)epoll_ctl(e->inner, EPOLL_CTL_DEL, l->fd, NULL);
	}
	return err;
}

int engine_station_set(struct engine *e, uint32_t call, unsigned side,
		       const struct engine_station *conf)
{
	struct leg *l = engine_leg(e, call, side);
	struct rtpsec *in = NULL, *out = NULL;
	bool moved;
	int err;

	if (!l)
		return ENOENT;
	moved = !l->set || l->conf.remote_n != conf->remote_n ||
		memcmp(&l->conf.remote, &conf->remote, conf->remote_n) != 0;
	err = l->kind != LEG_STATION ? EINVAL : conf_check(conf);
	if (err)
		return err;
	err = crypto_make(&in, l->in, l->set, &l->conf.in, &conf->in,
			  RTPSEC_RECEIVER);
	if (!err)
		err = crypto_make(&out, l->out, l->set, &l->conf.out,
				  &conf->out, RTPSEC_SENDER);
	if (!err && conf->remote_n)
		err = connect_to(l, &conf->remote, conf->remote_n,
				 conf->remote_rtcp);
	if (!err)
		err = first_set(e, l);
	if (err) {
		if (in != l->in)
			rtpsec_free(in);
		if (out != l->out)
			rtpsec_free(out);
		if (l->set && l->conf.remote_n)
			(void)connect_to(l, &l->conf.remote, l->conf.remote_n,
					 l->conf.remote_rtcp);
		return err;
	}
	/* latched already, and nothing said against it */
	if (!conf->remote_n && !(l->latching && l->connected && in == l->in)) {
		connect_to_nobody(l);
		l->connected = false;
	}
	if (in != l->in)
		rtpsec_free(l->in);
	if (out != l->out)
		rtpsec_free(l->out);
	l->in = in;
	l->out = out;
	if (conf->mux && l->rtcp_fd != l->fd) {
		close(l->rtcp_fd);
		l->rtcp_fd = l->fd;
	}
	l->latching = !conf->remote_n;
	l->connected = l->connected || conf->remote_n;
	l->conf = *conf;
	l->clock_hz = conf->clock_hz ? conf->clock_hz : CLOCK_HZ;
	l->digit_pt = conf->digit_pt;
	l->maps = (uint8_t)conf->maps;
	l->set = true;
	if (moved)
		drain(l);
	return 0;
}

/* ---- in ---- */

static uint8_t pt_translate(const struct leg *l, uint8_t pt, bool in)
{
	for (unsigned i = 0; i < l->maps; i++) {
		if ((in ? l->conf.map[i].here : l->conf.map[i].there) == pt)
			return in ? l->conf.map[i].there : l->conf.map[i].here;
	}
	return pt;
}

/* Each event comes in several packets of one timestamp */
static void digit(struct engine *e, struct leg *l, const struct rtp *r)
{
	struct rtp_event ev;

	if (!l->digit_pt || r->pt != l->digit_pt ||
	    rtp_event_parse(r->payload, r->payload_n, &ev) ||
	    (l->digit_any && l->digit_ts == r->ts))
		return;
	l->digit_any = true;
	l->digit_ts = r->ts;
	if (e->conf.digit)
		e->conf.digit(engine_call_number(e, l), l->index & 1, ev.code,
			      e->conf.arg);
}

static void rtp_in(struct engine *e, struct leg *l, uint8_t *p, size_t n)
{
	struct rtp r;
	struct frame f;

	if (rtp_parse(p, n, &r)) {
		l->refused++;
		return;
	}
	if (!l->ssrc_known || l->ssrc != r.ssrc) {
		if (l->ssrc_known) {
			l->source++;
			rtpstat_restart(&l->stat);
		}
		l->ssrc_known = true;
		l->ssrc = r.ssrc;
	}
	digit(e, l, &r);
	f = (struct frame){.payload = p + (r.payload - p),
			   .n = r.payload_n,
			   .room_after = true,
			   .marker = r.marker,
			   .pt = pt_translate(l, r.pt, true),
			   .source = l->source,
			   .seq = r.seq,
			   .ts = r.ts};
	engine_relay(e, l, &f);
}

static void rtcp_in(struct engine *e, struct leg *l, uint8_t *p, size_t n)
{
	if (l->in && rtpsec_open_rtcp(l->in, p, &n)) {
		l->refused++;
		return;
	}
	report_in(e, l, p, n);
}

void station_rtp_in(struct engine *e, struct leg *l)
{
	struct sockaddr_storage from;
	socklen_t from_n = 0;
	uint8_t *p = e->packet + ROOM_BEFORE;
	ssize_t got;
	size_t n;

	if (l->kind != LEG_STATION)
		return;
	if (l->connected) {
		got = recv(l->fd, p, MEDIA_PACKET_BYTES_MAX,
			   MSG_DONTWAIT | MSG_TRUNC);
	} else {
		memset(&from, 0, sizeof(from));
		from_n = sizeof(from);
		got = recvfrom(l->fd, p, MEDIA_PACKET_BYTES_MAX,
			       MSG_DONTWAIT | MSG_TRUNC,
			       (struct sockaddr *)&from, &from_n);
	}
	if (got < 0)
		return;		/* nothing there, or what became of a packet */
	n = (size_t)got;
	if (!n || n > MEDIA_PACKET_BYTES_MAX || p[0] >> 6 > 2) {
		l->refused++;
		return;
	}
	if (p[0] >> 6 < 2) {
		if (e->conf.other)
			e->conf.other(engine_call_number(e, l), l->index & 1, p,
				      n, (struct sockaddr *)&from, from_n,
				      e->conf.arg);
		else
			l->refused++;
		return;
	}
	if (rtp_is_rtcp(p, n)) {
		if (l->rtcp_fd == l->fd && l->connected)
			rtcp_in(e, l, p, n);
		else
			l->refused++;
		return;
	}
	if (l->in && rtpsec_open(l->in, p, &n)) {
		l->refused++;
		return;
	}
	if (!l->connected)
		latch(l, &from, from_n);
	rtp_in(e, l, p, n);
}

void station_rtcp_in(struct engine *e, struct leg *l)
{
	uint8_t *p = e->packet + ROOM_BEFORE;
	ssize_t n;

	if (l->kind != LEG_STATION)
		return;
	n = recv(l->rtcp_fd, p, MEDIA_PACKET_BYTES_MAX,
		 MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0)
		return;
	if (n > MEDIA_PACKET_BYTES_MAX || !l->connected ||
	    !rtp_is_rtcp(p, (size_t)n))
		l->refused++;
	else
		rtcp_in(e, l, p, (size_t)n);
}

/* ---- out ---- */

static bool deliver(int fd, const uint8_t *p, size_t n)
{
	ssize_t k = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	/* what an ICMP message said of an earlier packet */
	if (k < 0 && errno == ECONNREFUSED)
		k = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return k >= 0;
}

/* Another source: its numbers go on where the last one's ended */
static void rebase(struct engine *e, struct leg *l, struct frame *f)
{
	struct outgoing *o = &l->to;

	if (o->any) {
		const uint64_t us = e->now_us - o->us;
		uint32_t ts = (uint32_t)(us * l->clock_hz / 1000000);

		if (!ts)
			ts = 1;
		o->seq_off = (uint16_t)(o->seq + 1 - f->seq);
		o->ts_off = o->ts + ts - f->ts;
		f->marker = true;
	}
	o->source = f->source;
	o->seq = (uint16_t)(f->seq + o->seq_off);
	o->ts = f->ts + o->ts_off;
	o->any = true;
}

void station_send(struct engine *e, struct leg *l, struct frame *f)
{
	struct outgoing *o = &l->to;
	uint8_t *p = f->payload - ROOM_BEFORE;
	size_t n = RTP_FIXED_BYTES + f->n;
	uint16_t seq;
	uint32_t ts;

	if (!l->connected)
		return;
	if (l->out && !f->room_after) {
		p = e->sealing;
		memcpy(p + ROOM_BEFORE, f->payload, f->n);
	}
	if (o->source != f->source)
		rebase(e, l, f);
	seq = (uint16_t)(f->seq + o->seq_off);
	ts = f->ts + o->ts_off;
	if ((uint16_t)(seq - o->seq) < 0x8000) {
		o->seq = seq;
		o->ts = ts;
		o->us = e->now_us;
	}
	rtp_put_head(p, f->marker, pt_translate(l, f->pt, false), seq, ts,
		     o->ssrc);
	if ((l->out && rtpsec_seal(l->out, p, &n, n + ROOM_AFTER)) ||
	    !deliver(l->fd, p, n)) {
		o->failed++;
		return;
	}
	o->packets++;
	o->octets += f->n;
}

void station_send_rtcp(struct engine *e, struct leg *l, size_t n)
{
	uint8_t *p = e->sealing + ROOM_BEFORE;

	if (!l->connected ||
	    (l->out && rtpsec_seal_rtcp(l->out, p, &n, n + ROOM_AFTER)))
		return;
	(void)deliver(l->rtcp_fd, p, n);
}
