/* SPDX-License-Identifier: ISC */
/** @file engine.c  The media engine: its loop, its calls, the way through */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "media/state.h"

#define BUSY_CALLS 100
#define TICK_US 1000
#define STOP_MS_MAX 1000
#define PLAY_TICK_US 5000	/* while something is played and not busy */
#define PACKETS_PER_CALL_S 100	/* of 20 ms, both ways */

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- life ---- */

static int poll_make(struct engine *e)
{
	struct epoll_event ev = {.events = EPOLLIN};

	e->outer = epoll_create1(EPOLL_CLOEXEC);
	e->inner = epoll_create1(EPOLL_CLOEXEC);
	e->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (e->outer < 0 || e->inner < 0 || e->timer < 0)
		return errno;
	ev.data.fd = e->timer;
	if (epoll_ctl(e->outer, EPOLL_CTL_ADD, e->timer, &ev))
		return errno;
	ev.data.fd = e->inner;
	if (epoll_ctl(e->outer, EPOLL_CTL_ADD, e->inner, &ev))
		return errno;
	return 0;
}

static int arrays_make(struct engine *e)
{
	const uint32_t max = e->conf.calls_max;

	e->calls = calloc(max, sizeof(*e->calls));
	e->legs = calloc(2 * (size_t)max, sizeof(*e->legs));
	e->free_calls = calloc(max, sizeof(*e->free_calls));
	e->playing = calloc(2 * (size_t)max, sizeof(*e->playing));
	e->gro = malloc(GRO_BYTES);
	if (!e->calls || !e->legs || !e->free_calls || !e->playing || !e->gro)
		return ENOMEM;
	for (uint32_t i = 0; i < max; i++)
		e->free_calls[e->free_count++] = max - 1 - i;
	return 0;
}

int engine_alloc(struct engine **ep, const struct engine_conf *conf)
{
	const size_t cname_n = conf->cname ? strlen(conf->cname) : 0;
	struct engine *e;
	int err;

	if (!conf->calls_max || conf->calls_max > MEDIA_CALLS_MAX || !cname_n ||
	    cname_n >= sizeof(e->cname) || conf->port_min < 2 ||
	    conf->port_max <= conf->port_min)
		return EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return ENOMEM;
	e->conf = *conf;
	e->conf.cname = e->cname;
	memcpy(e->cname, conf->cname, cname_n);
	if (!e->conf.busy_calls)
		e->conf.busy_calls = BUSY_CALLS;
	e->outer = e->inner = e->timer = -1;
	e->port_next = conf->port_min;
	buf_init(&e->report, MEDIA_PACKET_BYTES_MAX);
	e->now_us = e->pace_us = clock_us();
	err = arrays_make(e);
	if (!err)
		err = poll_make(e);
	if (err) {
		engine_free(e);
		return err;
	}
	*ep = e;
	return 0;
}

static void leg_clear(struct engine *e, struct leg *l)
{
	play_stop(e, l);
	if (l->kind == LEG_STATION)
		station_close(l);
	if (l->kind == LEG_TRUNK)
		e->numbers[l->pair][l->number] = 0;
	l->kind = LEG_NONE;
}

void *engine_free(struct engine *e)
{
	if (!e)
		return NULL;
	for (uint32_t i = 0; e->legs && i < 2 * e->conf.calls_max; i++)
		leg_clear(e, &e->legs[i]);
	for (unsigned i = 0; i < MEDIA_PATHS_MAX; i++)
		port_close(&e->ports[i]);
	for (unsigned i = 0; i < PAIRS_MAX; i++)
		free(e->numbers[i]);
	for (int i = 0; i < 3; i++) {
		const int fd = (int[]){e->outer, e->inner, e->timer}[i];

		if (fd >= 0)
			close(fd);
	}
	free(e->calls);
	free(e->legs);
	free(e->free_calls);
	free(e->playing);
	free(e->gro);
	buf_free(&e->report);
	free(e);
	return NULL;
}

/* ---- calls ---- */

int engine_call_add(struct engine *e, uint32_t *call)
{
	struct call *c;
	uint32_t i;

	if (!e->free_count)
		return ENOSPC;
	i = e->free_calls[--e->free_count];
	c = &e->calls[i];
	c->used = true;
	if (!++c->generation)
		c->generation = 1;
	for (uint32_t s = 0; s < 2; s++) {
		struct leg *l = &e->legs[2 * i + s];

		*l = (struct leg){.index = 2 * i + s,
				  .clock_hz = CLOCK_HZ,
				  .fd = -1,
				  .rtcp_fd = -1};
	}
	e->calls_used++;
	engine_tick(e);
	*call = (uint32_t)c->generation << 16 | i;
	return 0;
}

struct leg *engine_leg(const struct engine *e, uint32_t call, unsigned side)
{
	const uint32_t i = call & 0xffff;

	if (i >= e->conf.calls_max || side > 1 || !e->calls[i].used ||
	    e->calls[i].generation != call >> 16)
		return NULL;
	return &e->legs[2 * i + side];
}

uint32_t engine_call_number(const struct engine *e, const struct leg *l)
{
	const uint32_t i = l->index / 2;

	return (uint32_t)e->calls[i].generation << 16 | i;
}

void engine_call_del(struct engine *e, uint32_t call)
{
	if (!engine_leg(e, call, 0))
		return;
	leg_clear(e, engine_leg(e, call, 0));
	leg_clear(e, engine_leg(e, call, 1));
	e->calls[call & 0xffff].used = false;
	e->free_calls[e->free_count++] = call & 0xffff;
	e->calls_used--;
}

int engine_trunk_set(struct engine *e, uint32_t call, unsigned side,
		     const struct engine_trunk *conf)
{
	struct leg *l = engine_leg(e, call, side);
	uint32_t **numbers;

	if (!l)
		return ENOENT;
	if (conf->pair >= PAIRS_MAX || !conf->number)
		return EINVAL;
	if (l->kind == LEG_TRUNK &&
	    (l->pair != conf->pair || l->number != conf->number))
		return EBUSY;
	if (l->kind == LEG_STATION)
		return EBUSY;
	numbers = &e->numbers[conf->pair];
	if (!*numbers)
		*numbers = calloc(65536, sizeof(**numbers));
	if (!*numbers)
		return ENOMEM;
	if (l->kind == LEG_NONE) {
		if ((*numbers)[conf->number])
			return EEXIST;
		(*numbers)[conf->number] = l->index + 1;
		l->kind = LEG_TRUNK;
		l->pair = conf->pair;
		l->number = conf->number;
		l->source_in = SOURCE_NONE;
		l->seen = (struct window){.bits = l->seen_bits,
					  .words = WINDOW_WORDS(VOICE_DOUBLES)};
	}
	l->paths = conf->paths;
	l->clock_hz = conf->clock_hz ? conf->clock_hz : CLOCK_HZ;
	return 0;
}

int engine_flags_set(struct engine *e, uint32_t call, unsigned side,
		     unsigned flags)
{
	struct leg *l = engine_leg(e, call, side);

	if (!l)
		return ENOENT;
	l->flags = (uint8_t)flags;
	return 0;
}

int engine_stats(const struct engine *e, uint32_t call, unsigned side,
		 struct engine_stats *out)
{
	const struct leg *l = engine_leg(e, call, side);

	if (!l)
		return ENOENT;
	*out = (struct engine_stats){
		.packets = l->stat.packets,
		.octets = l->stat.octets,
		.lost = rtpstat_lost(&l->stat),
		.late = l->stat.late,
		.jitter_us = rtpstat_jitter_us(&l->stat, l->clock_hz),
		.jitter_max_us = rtpstat_jitter_max_us(&l->stat, l->clock_hz),
		.refused = l->refused,
		.doubles = l->doubles,
		.last_us = l->last_us,
		.sent = l->to.packets + l->frames_out,
		.sent_octets = l->to.octets + l->octets_out,
		.send_failed = l->to.failed,
		.far_known = l->far_known,
		.far_lost = l->far.lost > 0 ? (uint64_t)l->far.lost : 0,
		.far_jitter_us = (uint32_t)((uint64_t)l->far.jitter * 1000000 /
					    l->clock_hz),
		.rtt_us = l->rtt_us,
		.voip_known = l->voip_known,
		.voip = l->voip};
	if (l->frames_in)
		out->frames_lost = l->seen.next - l->first_in - l->frames_in;
	return 0;
}

/* ---- the way through ---- */

static void trunk_send(struct engine *e, struct leg *l, const struct frame *f)
{
	struct voice_frame v = {.call = l->number,
				.number = l->next_out,
				.marker = f->marker,
				.pt = f->pt,
				.seq = f->seq,
				.ts = f->ts,
				.payload = f->payload,
				.n = f->n};

	if (f->n > VOICE_PAYLOAD_MAX) {
		l->to.failed++;
		return;
	}
	if (l->source_in != f->source) {
		l->source_in = f->source;
		l->source_out++;
	}
	v.source = l->source_out;
	l->next_out++;
	l->frames_out++;
	l->octets_out += f->n;
	for (uint64_t left = l->paths; left; left &= left - 1) {
		struct port *p = &e->ports[__builtin_ctzll(left)];

		if (p->used && p->pair == l->pair)
			port_put(e, p, &v);
	}
}

void engine_send(struct engine *e, struct leg *to, struct frame *f)
{
	if (to->kind == LEG_STATION)
		station_send(e, to, f);
	else if (to->kind == LEG_TRUNK)
		trunk_send(e, to, f);
}

void engine_relay(struct engine *e, struct leg *from, struct frame *f)
{
	struct leg *to = &e->legs[from->index ^ 1];

	rtpstat_packet(&from->stat, f->seq, f->ts, f->n, from->clock_hz,
		       e->now_us);
	from->last_us = e->now_us;
	e->handled++;
	if (from->flags & ENGINE_TAP && e->conf.tap) {
		const struct engine_frame t = {
			.call = engine_call_number(e, from),
			.side = from->index & 1,
			.marker = f->marker,
			.pt = f->pt,
			.seq = f->seq,
			.ts = f->ts,
			.payload = f->payload,
			.n = f->n,
			.now_us = e->now_us};

		e->conf.tap(&t, e->conf.arg);
	}
	if (from->flags & ENGINE_MUTE_IN)
		return;
	if (from->flags & ENGINE_LOOP) {
		to = from;
		f->source |= SOURCE_LOOP;
	}
	/* what is played takes the place of what comes */
	if (!(to->flags & ENGINE_MUTE_OUT) && !to->play)
		engine_send(e, to, f);
}

/* ---- the loop ---- */

int engine_watch(struct engine *e, int fd, enum event_kind kind, uint32_t index)
{
	struct epoll_event ev = {.events = EPOLLIN,
				 .data.u64 = (uint64_t)kind << 32 | index};

	return epoll_ctl(e->inner, EPOLL_CTL_ADD, fd, &ev) ? errno : 0;
}

int engine_fd(const struct engine *e)
{
	return e->outer;
}

static void timer_set(struct engine *e, uint64_t us)
{
	const struct timespec t = {.tv_sec = (time_t)(us / 1000000),
				   .tv_nsec = (long)(us % 1000000) * 1000};

	if (us == e->timer_us)
		return;
	e->timer_us = us;
	(void)timerfd_settime(e->timer, 0, &(struct itimerspec){t, t}, NULL);
}

void engine_tick(struct engine *e)
{
	if (e->busy)
		timer_set(e, TICK_US);
	else if (e->plays)
		timer_set(e, PLAY_TICK_US);
	else
		timer_set(e, e->calls_used || e->ports_top ? SLOT_US : 0);
}

/* Busy: the sockets do not wake us any more, only the timer does */
static void busy_set(struct engine *e, bool busy)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = e->inner};

	if (busy == e->busy)
		return;
	if (epoll_ctl(e->outer, busy ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, e->inner,
		      &ev))
		return;
	e->busy = busy;
}

/* Once a slot: is it worth ticking?  Packets a second are compared with those
   of busy_calls; back at three quarters of them. */
static void pace(struct engine *e)
{
	const uint64_t us = e->now_us - e->pace_us;
	const uint64_t rate = us ? e->handled * 1000000ULL / us : 0;
	const uint64_t busy = (uint64_t)e->conf.busy_calls * PACKETS_PER_CALL_S;

	busy_set(e, rate >= (e->busy ? busy / 4 * 3 : busy));
	e->handled = 0;
	e->pace_us = e->now_us;
}

static void housekeeping(struct engine *e)
{
	if (e->now_us < e->slot_us)
		return;
	e->slot_us = e->now_us + SLOT_US;
	pace(e);
	e->slot = (e->slot + 1) % RTCP_SLOTS;
	for (uint32_t i = e->slot; i < 2 * e->conf.calls_max; i += RTCP_SLOTS) {
		if (e->legs[i].kind == LEG_STATION)
			report_out(e, &e->legs[i]);
	}
	for (unsigned i = 0; i < e->ports_top; i++)
		port_probe(e, &e->ports[i]);
}

static void dispatch(struct engine *e, const struct epoll_event *ev)
{
	const uint32_t index = (uint32_t)ev->data.u64;

	switch ((enum event_kind)(ev->data.u64 >> 32)) {
	case EVENT_RTP: station_rtp_in(e, &e->legs[index]); break;
	case EVENT_RTCP: station_rtcp_in(e, &e->legs[index]); break;
	case EVENT_PORT: port_in(e, &e->ports[index]); break;
	}
}

void engine_work(struct engine *e)
{
	uint64_t expired;
	int n;

	(void)!read(e->timer, &expired, sizeof(expired));
	e->now_us = clock_us();
	/* A full batch means more is waiting; what keeps being full is left
	   for the next turn, so that the owner's loop lives */
	for (int round = 0; round < 8; round++) {
		n = epoll_wait(e->inner, e->events, EVENTS_MAX, 0);
		for (int i = 0; i < n; i++)
			dispatch(e, &e->events[i]);
		if (n < EVENTS_MAX)
			break;
	}
	play_due(e);
	housekeeping(e);
	for (unsigned i = 0; i < e->ports_top; i++)
		port_flush(e, &e->ports[i]);
	engine_tick(e);
}

void engine_run(struct engine *e, const volatile sig_atomic_t *stop)
{
	struct epoll_event ev;

	engine_work(e);
	while (!*stop) {
		/* a signal may come between the look at *stop and here */
		(void)epoll_wait(e->outer, &ev, 1, STOP_MS_MAX);
		engine_work(e);
	}
}
