/* SPDX-License-Identifier: ISC */
/** @file link.c  One TCP connection: handshake, HELLO, frames, end */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "base/log.h"
#include "trunk/state.h"

/* ---- beginning and end ---- */

struct link *link_new(struct trunk *t, int fd, enum link_state state)
{
	struct link *l = calloc(1, sizeof(*l));
	struct epoll_event e = {.data.ptr = l};
	uint32_t id = t->last_id;
	unsigned tries = 0;

	while (l && tries++ < LINKS_MAX && (!++id || t->link[id % LINKS_MAX]))
		;
	if (!l || !id || t->link[id % LINKS_MAX] ||
	    epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &e)) {
		free(l);
		close(fd);
		return NULL;
	}
	l->src = (struct source){SOURCE_LINK, fd};
	l->id = id;
	l->state = state;
	l->trunk = t;
	l->since_ms = t->now_ms;
	t->last_id = id;
	t->link[id % LINKS_MAX] = l;
	return l;
}

struct link *link_find(const struct trunk *t, uint32_t id)
{
	struct link *l = t->link[id % LINKS_MAX];

	return l && l->id == id && l->state < LINK_BYE ? l : NULL;
}

/* The keeper is told once, as soon as its queue takes it */
static void tell_closed(struct trunk *t, struct link *l)
{
	struct wire_msg m = {.type = WIRE_PATH_CLOSED, .fd = -1};

	if (!l->opened)
		return;
	m.path_closed.conn = l->id;
	m.path_closed.reason = str_of(l->why);
	if (keeper_send(t, &m) != ENOBUFS)
		l->opened = false;
}

/* From here on nothing but the socket is left of it */
static void detach(struct trunk *t, struct link *l, const char *why)
{
	snprintf(l->why, sizeof(l->why), "%s", why);
	strangers_remove(t, l);
	if (l->slot)
		paths_lost(t, l, l->why);
	tell_closed(t, l);
}

void link_close(struct trunk *t, struct link *l, enum tally_kind k,
		const char *why)
{
	char remote[REMOTE_CHARS];

	if (l->state == LINK_DEAD)
		return;
	tally_add(&t->tally, k);
	if (!l->dialled && l->state == LINK_TLS && l->tls &&
	    tlspsk_known(l->tls) && t->now_ms >= t->log_ms) {
		t->log_ms = t->now_ms + 1000;
		address_print(&l->peer, remote);
		log_warn("stranger.refused", "remote=%s refused=%s why=%s",
			 remote, tally_name(k), why);
	}
	if (l->state < LINK_BYE)
		detach(t, l, why);
	l->state = LINK_DEAD;
	l->conn = conn_free(l->conn);
	l->tls = tlspsk_free(l->tls);
	close(l->src.fd);
	l->src.fd = -1;
	l->next_dead = t->dead;
	t->dead = l;
}

void link_bury(struct trunk *t)
{
	struct link **lp = &t->dead, *l;

	while ((l = *lp)) {
		tell_closed(t, l);
		if (l->opened || l->kicked) {
			lp = &l->next_dead;
			continue;
		}
		*lp = l->next_dead;
		t->link[l->id % LINKS_MAX] = NULL;
		free(l);
	}
}

void link_bye(struct trunk *t, struct link *l, const char *reason)
{
	if (l->state >= LINK_BYE)
		return;
	if (!l->conn) {
		link_close(t, l, TALLY_NONE, reason);
		return;
	}
	conn_say_bye(l->conn, reason);
	detach(t, l, reason);
	l->state = LINK_BYE;
	l->since_ms = t->now_ms;
	if (t->timer_ms > t->now_ms + LINGER_MS)
		t->timer_ms = t->now_ms + LINGER_MS;
	link_kick(t, l);
}

void link_linger(struct trunk *t)
{
	for (size_t i = 0; i < LINKS_MAX; i++) {
		struct link *l = t->link[i];

		if (!l || (l->state != LINK_BYE && l->state != LINK_DRAIN))
			continue;
		if (t->now_ms - l->since_ms >= LINGER_MS)
			link_close(t, l, TALLY_NONE, l->why);
		else if (t->timer_ms > l->since_ms + LINGER_MS)
			t->timer_ms = l->since_ms + LINGER_MS;
	}
}

/* The connection failed below us, or the peer broke the rules */
static void fail(struct trunk *t, struct link *l, int err)
{
	const char *why = l->conn  ? conn_why(l->conn)
			  : l->tls ? tlspsk_why(l->tls)
				   : "";
	enum tally_kind k = l->conn  ? conn_tally(l->conn)
			    : l->tls ? tlspsk_tally(l->tls)
				     : TALLY_NONE;
	char words[REASON_CHARS];

	if (l->bye[0])
		snprintf(words, sizeof(words), "they said: %.180s", l->bye);
	else
		snprintf(words, sizeof(words), "%s",
			 why[0] ? why : strerror(err));
	if (l->state >= LINK_BYE)
		k = TALLY_NONE;	/* counted when that began */
	else if (k == TALLY_NONE && l->state < LINK_JOINED)
		k = l->dialled ? TALLY_DIAL_FAILED : TALLY_LEFT;
	if (l->conn && err == EPROTO && l->state <= LINK_JOINED) {
		tally_add(&t->tally, k);
		link_bye(t, l, words);	/* tell them what was wrong */
		return;
	}
	link_close(t, l, k, words);
}

void link_interest(struct trunk *t, struct link *l)
{
	struct epoll_event e = {.data.ptr = l};

	switch (l->state) {
	case LINK_CONNECTING: e.events = EPOLLOUT; break;
	case LINK_FIRST:
	case LINK_DRAIN: e.events = EPOLLIN; break;
	case LINK_TLS:
		e.events = tlspsk_wants_write(l->tls) ? EPOLLIN | EPOLLOUT
						      : EPOLLIN;
		break;
	case LINK_HELLO:
	case LINK_JOINED: e.events = l->held ? 0 : EPOLLIN; break;
	case LINK_GIVEN:
	case LINK_BYE: break;
	case LINK_DEAD: return;
	}
	if (l->conn && l->blocked)
		e.events |= EPOLLOUT;
	if (e.events == l->events)
		return;
	l->events = e.events;
	if (epoll_ctl(t->epoll, EPOLL_CTL_MOD, l->src.fd, &e))
		link_close(t, l, TALLY_NONE, strerror(errno));
}

/* ---- handshake ---- */

/* The kernel must not hold more of ours than what the network can take, and
   must give up a peer that acknowledges nothing */
static void socket_tune(int fd)
{
	const int on = 1, lowat = 32768, give_up_ms = 10000;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat,
			 sizeof(lowat));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &give_up_ms,
			 sizeof(give_up_ms));
}

static int forward(struct trunk *t, struct link *l, enum frame_type type,
		   const uint8_t *p, size_t n)
{
	struct wire_msg m = {.type = WIRE_FRAME_IN, .fd = -1};
	int err;

	m.frame_in.conn = l->id;
	m.frame_in.type = (uint8_t)type;
	m.frame_in.payload = (struct str){(const char *)p, n};
	err = keeper_send(t, &m);
	if (err == ENOBUFS)
		l->held = t->any_held = true;
	/* a lost keeper ends all links at the end of the turn */
	return err ? EAGAIN : 0;
}

/* The peer's last word: text for a log, or nothing */
static int farewell(struct link *l, const uint8_t *p, size_t n)
{
	if (n > CONN_REASON_BYTES_MAX || !utf8_ok((const char *)p, n, false))
		n = 0;
	snprintf(l->bye, sizeof(l->bye), "%.*s", (int)n, (const char *)p);
	if (!n)
		snprintf(l->bye, sizeof(l->bye), "BYE");
	return ECONNRESET;
}

static int on_frame(enum frame_type type, const uint8_t *p, size_t n, void *arg)
{
	struct link *l = arg;
	struct trunk *t = l->trunk;
	struct beat beat;
	int err;

	if (l->state == LINK_GIVEN || t->keeper_lost)
		return EAGAIN;	/* nothing counts before HELLO is judged */
	if (type == FRAME_BYE)
		return farewell(l, p, n);
	if (l->state == LINK_HELLO) {
		if (type != FRAME_HELLO)
			return EPROTO;
		err = forward(t, l, type, p, n);
		if (!err)
			l->state = LINK_GIVEN;
		return err;
	}
	if (type != FRAME_BEAT)
		return forward(t, l, type, p, n);
	if (beat_decode(p, n, &beat))
		return EPROTO;
	path_beat_in(&l->slot->path, t->now_ms, t->now_us, &beat);
	t->report = true;
	return 0;
}

static void on_beat(struct beat *out, void *arg)
{
	struct link *l = arg;

	if (!l->slot)
		return;
	keeper_beat(l->trunk, out);
	path_beat_out(&l->slot->path, l->trunk->now_us, out);
}

/* The PSK is proven: hand the path to the keeper, who says HELLO */
static void open_path(struct trunk *t, struct link *l)
{
	struct wire_msg m = {.type = WIRE_PATH_OPEN, .fd = -1};
	struct sockaddr_storage own = {0};
	socklen_t own_n = sizeof(own);
	char local[REMOTE_CHARS], remote[REMOTE_CHARS];
	uint8_t exporter[EXPORTER_BYTES];

	socket_tune(l->src.fd);
	if (!l->slot)
		l->slot = paths_accepted(t, tlspsk_tag(l->tls), l);
	if (!l->slot) {
		link_close(t, l, TALLY_TOO_MANY, "all paths are in use");
		return;
	}
	(void)getsockname(l->src.fd, (void *)&own, &own_n);
	address_print(&own, local);
	address_print(&l->peer, remote);
	m.path_open.conn = l->id;
	m.path_open.pair = l->slot->pair;
	m.path_open.role = l->dialled ? HELLO_DIALLER : HELLO_LISTENER;
	m.path_open.path = l->slot->number;
	m.path_open.exporter = (struct str){(char *)exporter, sizeof(exporter)};
	m.path_open.local = str_of(local);
	m.path_open.remote = str_of(remote);
	if (tlspsk_exporter(l->tls, exporter) ||
	    conn_alloc(&l->conn, l->tls, &t->tally, on_frame, on_beat, l)) {
		link_close(t, l, TALLY_NONE, "out of memory");
	} else if (keeper_send(t, &m)) {
		link_close(t, l, TALLY_NONE, "our keeper does not answer");
	} else {
		l->opened = true;
		l->state = LINK_HELLO;
		l->read_more = true;
		link_kick(t, l);
	}
}

static void handshake(struct trunk *t, struct link *l)
{
	const int err = tlspsk_handshake(l->tls);

	if (!err)
		open_path(t, l);
	else if (err == EAGAIN)
		link_interest(t, l);
	else
		fail(t, l, err);
}

static void connected(struct trunk *t, struct link *l)
{
	const struct pair *p = &t->pair[l->slot->pair];
	int err = 0;
	socklen_t n = sizeof(err);

	if (getsockopt(l->src.fd, SOL_SOCKET, SO_ERROR, &err, &n))
		err = errno;
	if (!err)
		err = tlspsk_dial(&l->tls, t->tls, l->src.fd, p->dial_identity,
				  p->dial_psk);
	if (err) {
		link_close(t, l, TALLY_DIAL_FAILED, strerror(err));
		return;
	}
	path_connected(&l->slot->path, t->now_ms);
	t->report = true;
	l->state = LINK_TLS;
	handshake(t, l);
}

/* Most of what knocks is not TLS: find out before OpenSSL is bothered */
static void first_octets(struct trunk *t, struct link *l)
{
	uint8_t p[2];
	const ssize_t n = recv(l->src.fd, p, sizeof(p), MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		link_close(t, l, TALLY_LEFT, "went without a word");
	else if (p[0] != 0x16 || (n > 1 && p[1] != 3))
		link_close(t, l, TALLY_BAD_TLS, "does not speak TLS");
	else if (tlspsk_accept(&l->tls, t->tls, l->src.fd, STRANGER_BYTES_MAX))
		link_close(t, l, TALLY_NONE, "out of memory");
	else {
		l->state = LINK_TLS;
		handshake(t, l);
	}
}

void link_join(struct trunk *t, struct link *l)
{
	if (l->state != LINK_GIVEN || !l->slot)
		return;		/* crossed with its end */
	strangers_remove(t, l);
	l->state = LINK_JOINED;
	tlspsk_unlimit(l->tls);
	path_joined(&l->slot->path, t->now_ms);
	tally_add(&t->tally, TALLY_JOINED);
	t->report = true;
	t->timer_ms = t->now_ms;
	l->read_more = true;
	link_kick(t, l);
}

/* ---- frames ---- */

void link_read(struct trunk *t, struct link *l)
{
	uint64_t before;
	int err;

	l->read_more = false;
	if (l->state != LINK_HELLO && l->state != LINK_JOINED)
		return;
	if (keeper_behind(t)) {
		l->held = t->any_held = true;
		link_interest(t, l);
		return;
	}
	before = tlspsk_bytes_in(l->tls);
	err = conn_read(l->conn, TURN_BYTES);
	if (tlspsk_bytes_in(l->tls) != before)
		path_heard(&l->slot->path, t->now_ms);
	if (!err) {
		l->read_more = true;
		link_kick(t, l);
	} else if (err != EAGAIN && err != EBUSY) {
		fail(t, l, err);
		return;
	}
	link_interest(t, l);
}

static void write_out(struct trunk *t, struct link *l)
{
	const int err = conn_write(l->conn, TURN_BYTES);

	l->blocked = err == EAGAIN;
	if (err == EINPROGRESS)
		link_kick(t, l);
	else if (err && err != EAGAIN) {
		fail(t, l, err);
		return;
	}
	if (!err && l->state == LINK_BYE) {
		tlspsk_bye(l->tls);
		shutdown(l->src.fd, SHUT_WR);
		l->state = LINK_DRAIN;
	}
	link_interest(t, l);
}

void link_kick(struct trunk *t, struct link *l)
{
	if (l->kicked)
		return;
	l->kicked = true;
	l->next_work = t->work;
	t->work = l;
}

void link_work(struct trunk *t)
{
	struct link *l = t->work, *next;

	t->work = NULL;		/* who needs another turn kicks again */
	for (; l; l = next) {
		next = l->next_work;
		l->kicked = false;
		if (l->read_more)
			link_read(t, l);
		if (l->conn && !l->blocked && l->state != LINK_DRAIN)
			write_out(t, l);
	}
}

/* Whatever still comes is not ours to read: until their end, or LINGER_MS */
static void drain(struct trunk *t, struct link *l)
{
	uint8_t p[4096];
	ssize_t n;

	for (int i = 0; i < 16; i++) {
		n = recv(l->src.fd, p, sizeof(p), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			link_close(t, l, TALLY_NONE, l->why);
			return;
		}
	}
}

void link_event(struct trunk *t, struct link *l, uint32_t events)
{
	switch (l->state) {
	case LINK_CONNECTING: connected(t, l); return;
	case LINK_FIRST: first_octets(t, l); return;
	case LINK_TLS: handshake(t, l); return;
	case LINK_DRAIN: drain(t, l); return;
	case LINK_DEAD: return;
	default: break;
	}
	if (events & EPOLLOUT) {
		l->blocked = false;
		link_kick(t, l);
	}
	if (events & EPOLLIN)
		link_read(t, l);
	/* Without EPOLLIN nobody reads, and the loop would spin on it */
	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN))
		link_close(t, l, TALLY_NONE, "connection broken");
}
