/* SPDX-License-Identifier: ISC */
/** @file play.c  Tones and announcements into a leg */
#include <errno.h>
#include <string.h>
#include "media/state.h"

void play_stop(struct engine *e, struct leg *l)
{
	const uint32_t last = e->plays - 1;

	if (!l->play)
		return;
	l->play = NULL;
	e->playing[l->play_slot] = e->playing[last];
	e->legs[e->playing[last]].play_slot = l->play_slot;
	e->plays--;
}

int engine_play(struct engine *e, uint32_t call, unsigned side,
		const struct engine_play *conf)
{
	struct leg *l = engine_leg(e, call, side);

	if (!l)
		return ENOENT;
	if (conf->n && (!conf->p || conf->n < PLAY_OCTETS || conf->pt > 127))
		return EINVAL;
	play_stop(e, l);
	if (!conf->n)
		return 0;
	l->play = conf->p;
	l->play_n = conf->n;
	l->play_at = 0;
	l->play_loop = conf->loop;
	l->play_pt = conf->pt;
	/* another source than the last that was played */
	l->play_source++;
	l->play_seq = 0;
	l->play_ts = 0;
	l->play_us = 0;
	l->play_slot = e->plays;
	e->playing[e->plays++] = l->index;
	engine_tick(e);
	return 0;
}

/* The next 20 ms; the end of what loops is followed by its beginning */
static void octets(struct leg *l, uint8_t *out)
{
	size_t n = 0;

	while (n < PLAY_OCTETS) {
		size_t k = l->play_n - l->play_at;

		if (k > PLAY_OCTETS - n)
			k = PLAY_OCTETS - n;
		memcpy(out + n, l->play + l->play_at, k);
		n += k;
		l->play_at += k;
		if (l->play_at == l->play_n && l->play_loop)
			l->play_at = 0;
		else if (n < PLAY_OCTETS)
			break;
	}
	/* the last packet of an announcement is filled up with its last octet */
	if (n < PLAY_OCTETS)
		memset(out + n, n ? out[n - 1] : 0xd5, PLAY_OCTETS - n);
}

static void send_next(struct engine *e, struct leg *l)
{
	uint8_t *room = e->packet + ROOM_BEFORE;
	struct frame f = {
		.payload = room,
		.n = PLAY_OCTETS,
		.room_after = true,
		.marker = !l->play_seq,
		.pt = l->play_pt,
		.source = (uint16_t)(SOURCE_PLAY | (l->play_source & 1)),
		.seq = l->play_seq++,
		.ts = l->play_ts};

	octets(l, room);
	l->play_ts += PLAY_OCTETS;
	l->play_us += PLAY_US;
	engine_send(e, l, &f);
}

void play_due(struct engine *e)
{
	/* from behind: one that is over is replaced by the last */
	for (uint32_t i = e->plays; i-- > 0;) {
		struct leg *l = &e->legs[e->playing[i]];

		/* at the start, and after a long stop, the present counts */
		if (e->now_us > l->play_us + 10 * PLAY_US)
			l->play_us = e->now_us;
		while (l->play && e->now_us >= l->play_us) {
			send_next(e, l);
			if (l->play_at < l->play_n || l->play_loop)
				continue;
			play_stop(e, l);
			if (e->conf.played)
				e->conf.played(engine_call_number(e, l),
					       l->index & 1, e->conf.arg);
		}
	}
}
