/* SPDX-License-Identifier: ISC */
/** @file trunk.c  The process that faces the peer: its loop, and its keeper */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "trunk/state.h"

#define EVENTS_MAX 256
#define PING_MS 250
#define COUNTS_MS 1000
#define HEAP_KEPT_BYTES 67108864 /* free memory not given back at once */

static uint64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Counted from our start: beats must not tell the peer how long this machine
   has been running */
static void clock_read(struct trunk *t)
{
	t->now_us = clock_us() - t->start_us + 1000000;
	t->now_ms = t->now_us / 1000;
}

static void timer_by(struct trunk *t, uint64_t at_ms)
{
	if (t->timer_ms > at_ms)
		t->timer_ms = at_ms;
}

/* ---- keeper ---- */

int keeper_send(struct trunk *t, const struct wire_msg *m)
{
	int err;

	if (!t->keeper || t->keeper_lost)
		return EPIPE;
	err = wire_send(t->keeper, m);
	if (err == ENOMEM)
		err = ENOBUFS;
	if (err && err != ENOBUFS) {
		log_error("keeper.lost", "while=sending message=%s why=%s",
			  wire_name(m->type), strerror(err));
		t->keeper_lost = true;
		err = EPIPE;
	}
	return err;
}

bool keeper_behind(const struct trunk *t)
{
	return t->keeper &&
	       wire_waiting_bytes(t->keeper) > KEEPER_QUEUE_BYTES_HIGH;
}

void keeper_beat(const struct trunk *t, struct beat *out)
{
	const uint64_t age = t->now_ms - t->turn_ms;

	out->turn = t->turn;
	out->turn_age_ms = age < UINT32_MAX ? (uint32_t)age : UINT32_MAX;
}

static void keeper_take(struct trunk *t)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = &t->keeper_src};

	t->keeper = t->boot->peer[ROLE_KEEPER];
	t->keeper_lost = false;
	t->turn_ms = t->now_ms;
	t->ping_ms = t->now_ms;
	t->tally.changed = true;
	t->timer_ms = t->now_ms;
	if (!t->keeper)
		return;
	t->keeper_src = (struct source){SOURCE_KEEPER, wire_end_fd(t->keeper)};
	t->keeper_events = EPOLLIN;
	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->keeper_src.fd, &e))
		t->keeper_lost = true;
	paths_untold(t);
}

/* What it said is void: its successor will say it anew, and says HELLO anew */
static void keeper_drop(struct trunk *t)
{
	if (t->keeper)
		log_warn("keeper.gone", "paths=closed");
	t->keeper = NULL;
	t->keeper_lost = false;
	t->any_held = false;
	for (uint32_t i = 0; i < PAIRS_MAX; i++)
		paths_pair_drop(t, i, "our keeper starts anew");
}

static void on_frame_out(struct trunk *t, const struct wire_frame_out *m)
{
	struct link *l = link_find(t, m->conn);
	int err;

	if (!l || !l->conn || m->type == 0 || m->type >= FRAME_TYPES ||
	    m->type == FRAME_BEAT)
		return;		/* crossed with its end */
	err = conn_put(l->conn, m->prio ? PRIO_RECORD : PRIO_CONTROL,
		       (enum frame_type)m->type, m->payload.p, m->payload.n);
	if (err == ENOMEM) {
		link_bye(t, l, "out of memory");
		return;
	}
	if (m->type == FRAME_HELLO && l->slot && !l->slot->path.greeted) {
		path_greeted(&l->slot->path, t->now_ms);
		timer_by(t, t->now_ms);
	}
	link_kick(t, l);
}

static void on_bulk_out(struct trunk *t, const struct wire_bulk_out *m, int fd)
{
	struct link *l = link_find(t, m->conn);

	if (!l || l->state != LINK_JOINED) {
		close(fd);
		return;
	}
	if (conn_put_bulk(l->conn, m->seq, m->offset, fd, m->fd_offset,
			  m->bytes))
		return;		/* counted; the peer asks again */
	link_kick(t, l);
}

/* False: it broke the rules */
static bool keeper_message(struct trunk *t, const struct wire_msg *m)
{
	struct link *l;
	char reason[REASON_CHARS];

	switch (m->type) {
	case WIRE_PAIR_SET: return paths_pair_set(t, &m->pair_set);
	case WIRE_PAIR_DROP:
		paths_pair_drop(t, m->pair_drop.pair, "this pairing has ended");
		return true;
	case WIRE_FRAME_OUT: on_frame_out(t, &m->frame_out); return true;
	case WIRE_BULK_OUT: on_bulk_out(t, &m->bulk_out, m->fd); return true;
	case WIRE_PATH_CLOSE:
		l = link_find(t, m->path_close.conn);
		if (l &&
		    !str_copy(m->path_close.reason, reason, sizeof(reason)))
			link_bye(t, l, reason);
		return true;
	case WIRE_PATH_JOINED:
		l = link_find(t, m->path_joined.conn);
		if (l)
			link_join(t, l);
		return true;
	case WIRE_TURN:
		t->turn = m->turn.turn;
		t->turn_ms = t->now_ms;
		return true;
	default: return false;
	}
}

static void keeper_complain(struct trunk *t, const char *why)
{
	struct wire_msg m = {.type = WIRE_COMPLAIN, .fd = -1};

	log_error("keeper.broken", "why=%s", why);
	m.complain.role = ROLE_KEEPER;
	m.complain.why = str_of(why);
	if (wire_send(t->boot->monitor, &m))
		log_error("monitor.lost", "message=complain");
	t->keeper_lost = true;
}

static void keeper_read(struct trunk *t)
{
	struct wire_msg m;
	int err;

	for (int i = 0; i < TURN_MSGS_MAX && t->keeper && !t->keeper_lost;
	     i++) {
		err = wire_receive(t->keeper, &m);
		if (err == EAGAIN)
			return;
		if (err == EMFILE)
			continue;	/* a body is lost; the peer asks again */
		if (err == EPIPE)
			t->keeper_lost = true;
		else if (err)
			keeper_complain(t, "a message that may not be");
		else if (!keeper_message(t, &m))
			keeper_complain(t, wire_name(m.type));
	}
}

static void keeper_event(struct trunk *t, uint32_t events)
{
	if (!t->keeper)
		return;
	if (events & EPOLLOUT && wire_flush(t->keeper))
		t->keeper_lost = true;
	keeper_read(t);
	if (events & EPOLLERR)
		t->keeper_lost = true;
}

/* Once a turn, after all was said: flow control towards the keeper */
static void keeper_settle(struct trunk *t)
{
	struct epoll_event e = {.data.ptr = &t->keeper_src};

	if (t->keeper_lost) {
		(void)epoll_ctl(t->epoll, EPOLL_CTL_DEL, t->keeper_src.fd, &e);
		keeper_drop(t);
	}
	if (!t->keeper)
		return;
	e.events = wire_waiting(t->keeper) ? EPOLLIN | EPOLLOUT : EPOLLIN;
	if (e.events != t->keeper_events) {
		t->keeper_events = e.events;
		(void)epoll_ctl(t->epoll, EPOLL_CTL_MOD, t->keeper_src.fd, &e);
	}
	if (!t->any_held ||
	    wire_waiting_bytes(t->keeper) > KEEPER_QUEUE_BYTES_LOW)
		return;
	t->any_held = false;
	for (size_t i = 0; i < LINKS_MAX; i++) {
		struct link *l = t->link[i];

		if (!l || !l->held)
			continue;
		l->held = false;
		if (l->slot)
			path_held(&l->slot->path, t->now_ms);
		l->read_more = true;
		link_kick(t, l);
	}
}

/* ---- timers ---- */

static void keeper_ping(struct trunk *t)
{
	struct wire_msg m = {.type = WIRE_PING, .fd = -1};

	t->ping_ms = t->now_ms + PING_MS;
	/* its answer is what counts; a full queue says enough */
	if (!keeper_behind(t) && keeper_send(t, &m) == EPIPE)
		return;
}

static void counts_send(struct trunk *t)
{
	struct wire_msg m = {.type = WIRE_TRUNK_COUNTS, .fd = -1};
	struct buf b;

	t->counts_ms = t->now_ms + COUNTS_MS;
	buf_init(&b, 4000);
	tally_print(&t->tally, &b);
	m.trunk_counts.text = (struct str){(const char *)b.p, b.n};
	if (!b.err && !keeper_send(t, &m))
		t->tally.changed = false;
	buf_free(&b);
}

static void timers(struct trunk *t)
{
	t->timer_ms = UINT64_MAX;
	timer_by(t, paths_tick(t));
	timer_by(t, strangers_tick(t));
	link_linger(t);
	if (!t->keeper)
		return;
	if (t->now_ms >= t->ping_ms)
		keeper_ping(t);
	timer_by(t, t->ping_ms);
	if (t->tally.changed && t->now_ms >= t->counts_ms)
		counts_send(t);
}

static int wait_ms(const struct trunk *t)
{
	if (t->work)
		return 0;
	if (t->timer_ms == UINT64_MAX)
		return -1;
	if (t->timer_ms <= t->now_ms)
		return 0;
	return t->timer_ms - t->now_ms < 60000 ? (int)(t->timer_ms - t->now_ms)
					       : 60000;
}

/* ---- loop ---- */

/* 0; else what trunk_main() returns, plus one */
static int monitor_read(struct trunk *t)
{
	enum role changed = ROLE_ANY;
	const int err = boot_monitor_read(t->boot, &changed);

	if (err == ESHUTDOWN)
		return 1;
	if (err) {
		log_error("monitor.lost", "why=%s", strerror(err));
		return 2;
	}
	if (changed == ROLE_KEEPER) {
		keeper_drop(t);	/* boot has freed the old pair */
		keeper_take(t);
	}
	return 0;
}

static int dispatch(struct trunk *t, struct epoll_event *e)
{
	const struct source *s = e->data.ptr;

	switch (s->kind) {
	case SOURCE_LINK: link_event(t, e->data.ptr, e->events); return 0;
	case SOURCE_LISTEN: strangers_accept(t, s); return 0;
	case SOURCE_KEEPER: keeper_event(t, e->events); return 0;
	case SOURCE_MONITOR: return monitor_read(t);
	}
	return 0;
}

static int serve(struct trunk *t)
{
	struct epoll_event e[EVENTS_MAX];
	int n, end = 0;

	while (!end) {
		n = epoll_wait(t->epoll, e, EVENTS_MAX, wait_ms(t));
		if (n < 0 && errno != EINTR) {
			log_error("trunk.epoll", "why=%s", strerror(errno));
			return 1;
		}
		clock_read(t);
		for (int i = 0; i < n && !end; i++)
			end = dispatch(t, &e[i]);
		if (t->now_ms >= t->timer_ms)
			timers(t);
		link_work(t);
		if (t->report)
			paths_report(t);
		keeper_settle(t);
		link_bury(t);
		if (t->tally.changed && t->keeper)
			timer_by(t, t->counts_ms);
	}
	return end - 1;
}

/* Best effort: BYE to all, without waiting for anybody */
static void farewell(struct trunk *t)
{
	for (size_t i = 0; i < LINKS_MAX; i++) {
		if (t->link[i])
			link_bye(t, t->link[i], "shutting down");
	}
	link_work(t);
}

static int watch(struct trunk *t, struct source *s)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};

	return epoll_ctl(t->epoll, EPOLL_CTL_ADD, s->fd, &e) ? errno : 0;
}

static int start(struct trunk *t)
{
	int err;

	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll < 0)
		return errno;
	err = tlspsk_ctx_alloc(&t->tls, paths_find, t);
	if (err)
		return err;
	t->monitor =
		(struct source){SOURCE_MONITOR, wire_end_fd(t->boot->monitor)};
	err = watch(t, &t->monitor);
	for (size_t i = 0; !err && i < t->boot->listens; i++) {
		t->listen[i] =
			(struct source){SOURCE_LISTEN, t->boot->listen[i]};
		if (fcntl(t->listen[i].fd, F_SETFL, O_NONBLOCK))
			return errno;
		err = watch(t, &t->listen[i]);
	}
	return err;
}

static void *trunk_free(struct trunk *t)
{
	for (size_t i = 0; i < LINKS_MAX; i++) {
		if (t->link[i])
			link_close(t, t->link[i], TALLY_NONE, "");
		free(t->link[i]);
	}
	tlspsk_ctx_free(t->tls);
	if (t->epoll >= 0)
		close(t->epoll);
	OPENSSL_cleanse(t->pair, sizeof(t->pair));
	free(t);
	return NULL;
}

int trunk_main(struct boot *b, const struct config *conf)
{
	struct trunk *t = calloc(1, sizeof(*t));
	const struct config_user *user = &conf->user[CONFIG_TRUNK];
	int err, status = 1;

	if (!t) {
		log_error("trunk.start", "why=%s", strerror(ENOMEM));
		return 1;
	}
	t->boot = b;
	t->conf = conf;
	t->start_us = clock_us();
	clock_read(t);
	t->timer_ms = t->now_ms;
	(void)signal(SIGPIPE, SIG_IGN);
	/* Queues of a megabyte come and go a hundred times a second while a
	   body passes: giving that to the kernel and taking it back again
	   cost more than TLS */
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
	err = start(t);
	if (err) {
		log_error("trunk.start", "why=%s", strerror(err));
	} else {
		boot_ready(b, sandbox_enter(ROLE_TRUNK, user->uid, user->gid,
					    NULL, 0));
		keeper_take(t);
		status = serve(t);
		farewell(t);
	}
	trunk_free(t);
	return status;
}
