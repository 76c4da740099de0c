/* SPDX-License-Identifier: ISC */
/** @file port.c  A path's voice port: bundles out and in, GSO and GRO */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/udp.h>
#include "media/state.h"

#define TOS_EF 0xb8		/* expedited forwarding (RFC 3246) */
#define RCVBUF_BYTES 4194304	/* all calls of a path in one: must not overflow */
#define SNDBUF_BYTES 1048576
#define RECVS_MAX 64		/* in one turn; the rest is still there next time */
#define PROBE_US 1000000

/* ---- set-up ---- */

static void options_set(struct port *p)
{
	const int rcv = RCVBUF_BYTES, snd = SNDBUF_BYTES, one = 1, tos = TOS_EF;
	const int none = 0, dont = IP_PMTUDISC_DONT;

	/* beyond the system's limit where we may, else up to it */
	if (setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcv, sizeof(rcv)))
		(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &rcv,
				 sizeof(rcv));
	(void)setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &snd, sizeof(snd));
	(void)setsockopt(p->fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof(one));
	(void)setsockopt(p->fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	(void)setsockopt(p->fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	/* a datagram fits nearly every path; where it does not, it is cut */
	(void)setsockopt(p->fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont,
			 sizeof(dont));
	(void)setsockopt(p->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &dont,
			 sizeof(dont));
	p->gso = !setsockopt(p->fd, IPPROTO_UDP, UDP_SEGMENT, &none,
			     sizeof(none));
	p->gro = !setsockopt(p->fd, IPPROTO_UDP, UDP_GRO, &one, sizeof(one));
}

static struct port *port_find(const struct engine *e, unsigned path)
{
	if (path >= MEDIA_PATHS_MAX || !e->ports[path].used)
		return NULL;
	return (struct port *)&e->ports[path];
}

int engine_path_add(struct engine *e, const struct engine_path *conf,
		    unsigned *path)
{
	struct port *p;
	unsigned i = 0;
	int err;

	while (i < MEDIA_PATHS_MAX && e->ports[i].used)
		i++;
	if (i == MEDIA_PATHS_MAX)
		return ENOSPC;
	p = &e->ports[i];
	if (conf->pair >= PAIRS_MAX || conf->fd < 0 ||
	    conf->remote_n > sizeof(conf->remote))
		return EINVAL;
	if (fcntl(conf->fd, F_SETFL, O_NONBLOCK))
		return errno;
	if (conf->remote_n &&
	    connect(conf->fd, (const struct sockaddr *)&conf->remote,
		    conf->remote_n))
		return errno;
	*p = (struct port){.used = true,
			   .connected = conf->remote_n,
			   .fd = conf->fd,
			   .pair = conf->pair,
			   .sent_us = e->now_us,
			   .run = malloc(RUN_BYTES)};
	err = p->run ? bundle_rx_alloc(&p->rx) : ENOMEM;
	if (!err)
		err = engine_watch(e, p->fd, EVENT_PORT, i);
	if (err) {
		p->fd = -1;	/* not ours */
		port_close(p);
		return err;
	}
	options_set(p);
	if (i >= e->ports_top)
		e->ports_top = i + 1;
	*path = i;
	engine_tick(e);
	return 0;
}

int engine_path_move(struct engine *e, unsigned path,
		     const struct sockaddr_storage *remote, socklen_t remote_n)
{
	const struct sockaddr_storage none = {.ss_family = AF_UNSPEC};
	struct port *p = port_find(e, path);

	if (!p)
		return ENOENT;
	if (remote_n > sizeof(*remote))
		return EINVAL;
	if (!remote_n) {
		remote = &none;
		remote_n = sizeof(none);
	}
	port_flush(e, p);
	if (connect(p->fd, (const struct sockaddr *)remote, remote_n))
		return errno;
	p->connected = remote != &none;
	return 0;
}

void port_close(struct port *p)
{
	if (!p->used)
		return;
	if (p->fd >= 0)
		close(p->fd);
	bundle_tx_free(p->tx);
	bundle_rx_free(p->rx);
	free(p->run);
	p->used = false;
}

void engine_path_del(struct engine *e, unsigned path)
{
	struct port *p = port_find(e, path);

	if (!p)
		return;
	/* whoever gave us the socket may hold it still */
	(void)epoll_ctl(e->inner, EPOLL_CTL_DEL, p->fd, NULL);
	port_close(p);
}

int engine_path_tx_key(struct engine *e, unsigned path,
		       const struct bundle_key *key)
{
	struct port *p = port_find(e, path);
	struct bundle_tx *t = NULL;
	int err = p ? bundle_tx_alloc(&t, key) : ENOENT;

	if (err)
		return err;
	port_flush(e, p);
	bundle_tx_free(p->tx);
	p->tx = t;
	return 0;
}

int engine_path_rx_key(struct engine *e, unsigned path,
		       const struct bundle_key *key)
{
	struct port *p = port_find(e, path);

	return p ? bundle_rx_key(p->rx, key) : ENOENT;
}

int engine_path_stats(const struct engine *e, unsigned path,
		      struct engine_path_stats *out)
{
	const struct port *p = port_find(e, path);

	if (!p)
		return ENOENT;
	*out = p->stats;
	bundle_rx_stats(p->rx, &out->rx);
	out->sealed = p->tx ? bundle_tx_count(p->tx) : 0;
	out->gso = p->gso;
	out->gro = p->gro;
	return 0;
}

/* ---- out ----

   Datagrams of one length stand one behind the other in p->run, from run_at
   on, and go out in one send; the last may be shorter. */

static bool send_one(struct port *p, const uint8_t *octets, size_t n,
		     size_t segment)
{
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(sizeof(uint16_t))];
	} control = {0};
	struct iovec v = {(void *)(uintptr_t)octets, n};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	ssize_t k;

	if (n > segment) {
		const uint16_t size = (uint16_t)segment;

		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.head.cmsg_level = IPPROTO_UDP;
		control.head.cmsg_type = UDP_SEGMENT;
		control.head.cmsg_len = CMSG_LEN(sizeof(size));
		memcpy(CMSG_DATA(&control.head), &size, sizeof(size));
	}
	k = sendmsg(p->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (k < 0 && errno == ECONNREFUSED)	/* of an earlier one */
		k = sendmsg(p->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	return k >= 0;
}

static void count(struct port *p, uint64_t datagrams, bool ok)
{
	if (ok)
		p->stats.sent += datagrams;
	else
		p->stats.send_failed += datagrams;
}

/* Send the run that ends at `end` */
static void run_send(struct engine *e, struct port *p, size_t end)
{
	const uint8_t *at = p->run + p->run_at;
	size_t left = end - p->run_at;

	p->sent_us = e->now_us;
	if (p->segments > 1 && p->gso) {
		if (send_one(p, at, left, p->segment)) {
			count(p, p->segments, true);
			left = 0;
		} else if (errno == EINVAL || errno == EOPNOTSUPP ||
			   errno == EIO || errno == EMSGSIZE) {
			p->gso = false;	/* not here; one by one from now on */
		} else {
			count(p, p->segments, false);
			left = 0;
		}
	}
	while (left) {
		const size_t n = left < p->segment ? left : p->segment;

		count(p, 1, send_one(p, at, n, n));
		at += n;
		left -= n;
	}
	p->run_at = end;
	p->segments = 0;
}

/* Seal what was filled; it joins the run, or the run goes first */
static void bundle_close(struct engine *e, struct port *p)
{
	const size_t n = VOICE_HEAD_BYTES + p->fill + VOICE_TAG_BYTES;

	if (!p->tx || bundle_seal(p->tx, p->run + p->bundle_at, p->fill)) {
		p->stats.send_failed++;
		p->fill = 0;
		return;
	}
	if (p->segments && n > p->segment)
		run_send(e, p, p->bundle_at);
	if (!p->segments)
		p->segment = n;
	p->segments++;
	p->bundle_at += n;
	p->fill = 0;
	if (n < p->segment || p->segments == RUN_SEGMENTS ||
	    p->bundle_at + VOICE_BYTES_MAX > RUN_BYTES)
		run_send(e, p, p->bundle_at);
	if (p->bundle_at + VOICE_BYTES_MAX > RUN_BYTES)
		p->run_at = p->bundle_at = 0;
}

void port_put(struct engine *e, struct port *p, const struct voice_frame *f)
{
	const size_t n = VOICE_FRAME_HEAD_BYTES + f->n;

	if (!p->tx || !p->connected) {
		p->stats.send_failed++;
		return;
	}
	if (p->fill + n > VOICE_PLAIN_MAX)
		bundle_close(e, p);
	voice_frame_put(p->run + p->bundle_at + VOICE_HEAD_BYTES + p->fill, f);
	p->fill += n;
	p->stats.frames_out++;
}

void port_flush(struct engine *e, struct port *p)
{
	if (!p->used)
		return;
	if (p->fill)
		bundle_close(e, p);
	if (p->segments)
		run_send(e, p, p->bundle_at);
	p->run_at = p->bundle_at = 0;
}

void port_probe(struct engine *e, struct port *p)
{
	if (p->used && p->tx && p->connected && !p->fill && !p->segments &&
	    e->now_us - p->sent_us >= PROBE_US)
		bundle_close(e, p);
}

/* ---- in ---- */

static void frame_in(struct engine *e, struct port *p, uint8_t *base,
		     const struct voice_frame *v)
{
	const uint32_t *numbers = e->numbers[p->pair];
	const uint32_t index = numbers ? numbers[v->call] : 0;
	struct frame f;
	struct leg *l;
	uint64_t number;

	p->stats.frames_in++;
	if (!index) {
		p->stats.strays++;
		return;
	}
	l = &e->legs[index - 1];
	number =
		window_expand16(l->seen.next ? l->seen.next - 1 : 0, v->number);
	if (!window_fresh(&l->seen, number)) {
		l->doubles++;
		return;
	}
	window_mark(&l->seen, number);
	if (!l->frames_in || number < l->first_in)
		l->first_in = number;
	l->frames_in++;
	if (!l->ssrc_known || l->source != v->source) {
		if (l->ssrc_known)
			rtpstat_restart(&l->stat);
		l->ssrc_known = true;
		l->source = v->source;
	}
	f = (struct frame){.payload = base + (v->payload - base),
			   .n = v->n,
			   .marker = v->marker,
			   .pt = v->pt,
			   .source = v->source,
			   .seq = v->seq,
			   .ts = v->ts};
	engine_relay(e, l, &f);
}

static void datagram_in(struct engine *e, struct port *p, uint8_t *at, size_t n,
			const struct msghdr *m)
{
	struct voice_frame v;
	struct cur c;
	size_t frames;

	if (bundle_open(p->rx, at, n, &frames))
		return;
	if (!p->connected &&
	    !connect(p->fd, (const struct sockaddr *)m->msg_name,
		     m->msg_namelen))
		p->connected = true;
	c = cur_of(at + VOICE_HEAD_BYTES, frames);
	while (!voice_frame_next(&c, &v))
		frame_in(e, p, at, &v);
}

/* Length of one datagram in what was received; counts what overflowed */
static size_t control_in(struct port *p, struct msghdr *m, size_t n)
{
	size_t segment = n;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			int size;

			memcpy(&size, CMSG_DATA(c), sizeof(size));
			if (size > 0)
				segment = (size_t)size;
		}
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SO_RXQ_OVFL) {
			uint32_t all;

			memcpy(&all, CMSG_DATA(c), sizeof(all));
			p->stats.overflows += all - p->overflow_last;
			p->overflow_last = all;
		}
	}
	return segment;
}

void port_in(struct engine *e, struct port *p)
{
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(sizeof(int)) +
			     CMSG_SPACE(sizeof(uint32_t))];
	} control;
	struct sockaddr_storage from;
	struct iovec v = {e->gro, GRO_BYTES};

	if (!p->used)
		return;
	for (int i = 0; i < RECVS_MAX; i++) {
		struct msghdr m = {.msg_iov = &v,
				   .msg_iovlen = 1,
				   .msg_control = &control,
				   .msg_controllen = sizeof(control)};
		ssize_t got;
		size_t n, segment;

		if (!p->connected) {
			m.msg_name = &from;
			m.msg_namelen = sizeof(from);
		}
		got = recvmsg(p->fd, &m, MSG_DONTWAIT);
		if (got < 0)
			return;
		n = (size_t)got;
		segment = control_in(p, &m, n);
		for (size_t at = 0; at < n; at += segment)
			datagram_in(e, p, e->gro + at,
				    n - at < segment ? n - at : segment, &m);
	}
}
