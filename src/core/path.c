/* SPDX-License-Identifier: ISC */
/** @file path.c  Is this path alive?  A pure state machine over beats */
#include "core/path.h"

static bool joined(const struct path *p)
{
	return p->state == PATH_UP || p->state == PATH_SUSPECT;
}

static void enter(struct path *p, enum path_state s, const char *why,
		  uint64_t now_ms)
{
	if (p->state != s)
		p->since_ms = now_ms;
	p->state = s;
	p->why = why;
	p->good = 0;
}

const char *path_state_name(enum path_state s)
{
	static const char *const name[PATH_STATES] = {
		"down", "connecting", "handshake", "up", "suspect"};

	return (unsigned)s < PATH_STATES ? name[s] : "unknown";
}

void path_init(struct path *p, bool dials, uint64_t now_ms)
{
	*p = (struct path){.dials = dials,
			   .why = "",
			   .since_ms = now_ms,
			   .lost_ms = now_ms,
			   .retry_ms = now_ms};
}

/* What the connection before this one has taught does not hold any more */
static void forget(struct path *p, uint64_t now_ms)
{
	p->heard_ms = now_ms;
	p->beat_in_ms = now_ms;
	p->beat_out_ms = now_ms;
	p->peer_stamp_us = 0;
	p->peer_stamp_at_us = 0;
	p->echo_us = 0;
	p->sent_us = 0;
	p->greeted = false;
	p->keeper_hangs = false;
	p->rtt_us = 0;
	p->rttvar_us = 0;
}

void path_dialled(struct path *p, uint64_t now_ms)
{
	forget(p, now_ms);
	enter(p, PATH_CONNECTING, "", now_ms);
}

void path_connected(struct path *p, uint64_t now_ms)
{
	const uint64_t since = p->since_ms;
	const bool dialled = p->state == PATH_CONNECTING;

	if (!dialled)
		forget(p, now_ms);
	enter(p, PATH_HANDSHAKE, "", now_ms);
	if (dialled)
		p->since_ms = since;
}

void path_greeted(struct path *p, uint64_t now_ms)
{
	p->greeted = true;
	p->beat_out_ms = now_ms;
}

void path_joined(struct path *p, uint64_t now_ms)
{
	p->heard_ms = now_ms;
	p->beat_in_ms = now_ms;
	p->up_ms = now_ms;
	enter(p, PATH_UP, "", now_ms);
}

void path_heard(struct path *p, uint64_t now_ms)
{
	p->heard_ms = now_ms;
}

void path_held(struct path *p, uint64_t now_ms)
{
	p->heard_ms = now_ms;
	p->beat_in_ms = now_ms;
}

/* RFC 6298 2.3, with the clock's own grain left out */
static void measure(struct path *p, uint64_t now_us, const struct beat *b)
{
	uint64_t away, rtt, off;

	/* An echo counts once, and only of a stamp that we have sent */
	if (b->echo_us <= p->echo_us || b->echo_us > p->sent_us)
		return;
	p->echo_us = b->echo_us;
	away = now_us - b->echo_us;
	if (b->echo_age_us > away)
		return;
	rtt = away - b->echo_age_us;
	if (rtt > UINT32_MAX / 8)
		rtt = UINT32_MAX / 8;
	if (!rtt)
		rtt = 1;
	if (!p->rtt_us) {
		p->rtt_us = (uint32_t)rtt;
		p->rttvar_us = (uint32_t)(rtt / 2);
		return;
	}
	off = rtt > p->rtt_us ? rtt - p->rtt_us : p->rtt_us - rtt;
	p->rttvar_us = (uint32_t)((3 * (uint64_t)p->rttvar_us + off) / 4);
	p->rtt_us = (uint32_t)((7 * (uint64_t)p->rtt_us + rtt) / 8);
}

void path_beat_in(struct path *p, uint64_t now_ms, uint64_t now_us,
		  const struct beat *b)
{
	const bool late = now_ms - p->beat_in_ms > BEAT_LATE_MS;

	p->heard_ms = now_ms;
	p->beat_in_ms = now_ms;
	p->keeper_hangs = b->turn_age_ms > KEEPER_AGE_MS_MAX;
	if (b->stamp_us > p->peer_stamp_us) {
		p->peer_stamp_us = b->stamp_us;
		p->peer_stamp_at_us = now_us;
	}
	measure(p, now_us, b);
	if (!joined(p))
		return;
	if (p->keeper_hangs)
		enter(p, PATH_SUSPECT, "their keeper hangs", now_ms);
	else if (p->state == PATH_SUSPECT)
		p->good = late ? 1 : p->good + 1;
	if (p->state == PATH_SUSPECT && p->good >= BEATS_GOOD)
		enter(p, PATH_UP, "", now_ms);
}

void path_beat_out(struct path *p, uint64_t now_us, struct beat *b)
{
	const uint64_t age = now_us - p->peer_stamp_at_us;

	b->stamp_us = now_us;
	b->echo_us = p->peer_stamp_us;
	b->echo_age_us = 0;
	if (p->peer_stamp_us)
		b->echo_age_us = age < UINT32_MAX ? (uint32_t)age : UINT32_MAX;
	p->sent_us = now_us;
}

/* Wait before dial number `failures`, at most a quarter less by chance */
static uint64_t retry_wait(const struct path *p, uint64_t now_ms,
			   uint32_t random)
{
	const uint64_t most = now_ms - p->lost_ms < PATH_PATIENT_MS
				      ? PATH_RETRY_MS_MAX
				      : PATH_REST_MS_MAX;
	const unsigned doubled = p->failures < 16 ? p->failures - 1 : 15;
	uint64_t wait = (uint64_t)PATH_RETRY_MS << doubled;

	if (wait > most)
		wait = most;
	return wait - (wait / 4 * random >> 32);
}

void path_lost(struct path *p, uint64_t now_ms, uint32_t random)
{
	const bool steady = joined(p) && now_ms - p->up_ms >= PATH_STEADY_MS;

	if (joined(p))
		p->lost_ms = now_ms;
	/* A path that falls again and again right after HELLO must not spin */
	p->failures = steady ? 0 : p->failures + 1;
	p->retry_ms = now_ms + (steady ? 0 : retry_wait(p, now_ms, random));
	forget(p, now_ms);
	enter(p, PATH_DOWN, "", now_ms);
}

/* Beats start with our HELLO, not with theirs: they may have joined already */
static unsigned beat_want(struct path *p, uint64_t now_ms)
{
	if (!p->greeted || now_ms < p->beat_out_ms)
		return 0;
	p->beat_out_ms = now_ms + BEAT_MS;
	return PATH_WANT_BEAT;
}

unsigned path_tick(struct path *p, uint64_t now_ms)
{
	switch (p->state) {
	case PATH_DOWN:
		return p->dials && now_ms >= p->retry_ms ? PATH_WANT_DIAL : 0;
	case PATH_CONNECTING:
	case PATH_HANDSHAKE:
		if (now_ms - p->since_ms < PATH_OPEN_MS_MAX)
			return beat_want(p, now_ms);
		p->why = p->state == PATH_CONNECTING ? "no answer within 5 s"
						     : "no HELLO within 5 s";
		return PATH_WANT_CUT;
	default: break;
	}
	if (now_ms - p->heard_ms >= PATH_SILENT_MS) {
		p->why = "silent for 1 s";
		return PATH_WANT_CUT;
	}
	if (now_ms - p->beat_in_ms > BEAT_LATE_MS)
		enter(p, PATH_SUSPECT, "beats are missing", now_ms);
	return beat_want(p, now_ms);
}

uint64_t path_deadline_ms(const struct path *p)
{
	uint64_t at = p->heard_ms + PATH_SILENT_MS;

	if (p->state == PATH_DOWN)
		return p->dials ? p->retry_ms : UINT64_MAX;
	if (!joined(p))
		at = p->since_ms + PATH_OPEN_MS_MAX;
	if (p->greeted && p->beat_out_ms < at)
		at = p->beat_out_ms;
	if (p->state == PATH_UP && p->beat_in_ms + BEAT_LATE_MS + 1 < at)
		at = p->beat_in_ms + BEAT_LATE_MS + 1;
	return at;
}
