/* SPDX-License-Identifier: ISC */
/**
 * @file lanes.c  The session: sequence, acknowledge, send again
 *
 * Go-back-N: the receiver takes only the next frame of a lane, so what comes
 * twice or out of order costs nothing but a counter.  A path (TCP) keeps order
 * and loses only by dying; frames go out again when a path joins or is lost,
 * when the peer reports a gap, and, as a probe of the first ones, by a timer.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/state.h"

#define PROBE_FRAMES 4
#define BACKOFF_MS_MAX 60000
#define GAP_REPEAT_MS 200
#define UNTOLD_FRAMES 16	/* received; more are acknowledged at once */
#define UNTOLD_BYTES 131072	/* as above */

struct octets *octets_make(const void *a, size_t an, const void *b, size_t bn)
{
	struct octets *o = malloc(sizeof(*o) + an + bn);

	if (o) {
		o->refs = 1;
		o->n = an + bn;
		if (an)
			memcpy(o->p, a, an);
		if (bn)
			memcpy(o->p + an, b, bn);
	}
	return o;
}

struct octets *octets_drop(struct octets *o)
{
	if (o && !--o->refs)
		free(o);
	return NULL;
}

static void lane_clear(struct lane_state *l)
{
	while (l->head) {
		struct sent *s = l->head;

		l->head = s->next;
		octets_drop(s->body);
		free(s);
	}
	*l = (struct lane_state){.resend_at_ms = UINT64_MAX,
				 .backoff_ms = RETRANSMIT_MS};
}

void session_reset(struct core *c, struct session *s, bool new_sid)
{
	for (int i = 0; i < LANES; i++)
		lane_clear(&s->lane[i]);
	if (new_sid) {
		core_draw(c, s->sid, SID_BYTES);
		s->known = false;
	}
	s->ack_due = false;
	s->tell_at_ms = UINT64_MAX;
	s->joint_offered = 0;
	s->peer_behind = false;
	s->gaps = 0;
	s->fetching = s->attest_due = s->fetch_sent = false;
	s->cosign_due = false;
	buf_reset(&s->pending);
	s->pending_n = 0;
	body_reset(s);
}

/* ---- sending ---- */

struct path *pair_path(struct core *c, const struct pair *p)
{
	struct path *path = c->paths;

	while (path && !(path->joined && path->pair == p->no))
		path = path->next;
	return path;
}

bool lane_room(const struct pair *p, enum lane lane)
{
	const struct lane_state *l = &p->s.lane[lane];

	return l->bytes < LANE_BYTES_MAX / 2 && l->frames < LANE_FRAMES_MAX / 2;
}

static int send_on(struct core *c, struct pair *p, const struct sent *s,
		   enum lane lane, uint32_t conn)
{
	struct queued *q = core_queue(c, ACTION_FRAME, conn);

	if (!q)
		return ENOMEM;
	p->s.lane[lane].speaks = true;
	q->a.pair = p->no;
	q->a.type = FRAME_LANE;
	q->a.prio = (uint8_t)lane;
	q->lane = (uint8_t)lane;
	q->seq = s->seq;
	q->msg = s->msg;
	q->body = s->body;
	s->body->refs++;
	return 0;
}

/* Control goes on every path, the record on the best */
static int send_out(struct core *c, struct pair *p, const struct sent *s,
		    enum lane lane)
{
	int err = 0;

	if (lane == LANE_RECORD) {
		const struct path *best = pair_path(c, p);

		return best ? send_on(c, p, s, lane, best->conn) : 0;
	}
	for (struct path *path = c->paths; path && !err; path = path->next) {
		if (path->joined && path->pair == p->no)
			err = send_on(c, p, s, lane, path->conn);
	}
	return err;
}

int lane_send(struct core *c, struct pair *p, struct now now, enum lane lane,
	      enum msg_type msg, const void *a, size_t an, const void *b,
	      size_t bn)
{
	struct lane_state *l = &p->s.lane[lane];
	struct sent *s;

	assert(an + bn + LANE_HEAD_BYTES <= FRAME_BYTES_MAX);
	if (!p->s.paths || !p->s.known)
		return 0;	/* the next session starts from the heads */
	s = calloc(1, sizeof(*s));
	if (!s)
		return ENOMEM;
	s->body = octets_make(a, an, b, bn);
	if (!s->body) {
		free(s);
		return ENOMEM;
	}
	s->seq = ++l->tx;
	s->msg = (uint8_t)msg;
	if (l->tail)
		l->tail->next = s;
	else
		l->head = s;
	l->tail = s;
	l->bytes += s->body->n;
	l->frames++;
	if (l->resend_at_ms == UINT64_MAX)
		l->resend_at_ms = now.mono_ms + l->backoff_ms;
	return send_out(c, p, s, lane);
}

int lane_resend(struct core *c, struct pair *p, struct now now, enum lane lane,
		uint32_t conn, size_t max_frames)
{
	struct lane_state *l = &p->s.lane[lane];
	int err = 0;

	for (struct sent *s = l->head; s && max_frames-- && !err; s = s->next) {
		c->counter[COUNT_RESENT]++;
		err = conn ? send_on(c, p, s, lane, conn)
			   : send_out(c, p, s, lane);
	}
	if (l->head)
		l->resend_at_ms = now.mono_ms + l->backoff_ms;
	return err;
}

/* ---- receiving ---- */

/* A lane that speaks acknowledges by it; one that heard little has time */
bool lanes_untold(struct pair *p, struct now now)
{
	bool due = p->s.ack_due, waits = false;

	for (int i = 0; i < LANES; i++) {
		struct lane_state *l = &p->s.lane[i];

		if (l->speaks)
			lane_told(l);
		l->speaks = false;
		if (l->told == l->rx)
			continue;
		waits = true;
		due = due || l->rx - l->told >= UNTOLD_FRAMES ||
		      l->untold >= UNTOLD_BYTES ||
		      now.mono_ms >= p->s.tell_at_ms;
	}
	if (!waits)
		p->s.tell_at_ms = UINT64_MAX;
	return due;
}

void lane_told(struct lane_state *l)
{
	l->told = l->rx;
	l->untold = 0;
}

void lane_take(struct core *c, struct pair *p, struct now now,
	       const struct lane_frame *f, bool *deliver)
{
	struct lane_state *l = &p->s.lane[f->lane];

	lane_acked(p, now, f->lane, f->ack);
	*deliver = f->seq == l->rx + 1;
	if (*deliver) {
		l->rx = f->seq;
		l->gap_asked_ms = 0;
		l->untold += f->body_n;
		if (p->s.tell_at_ms == UINT64_MAX)
			p->s.tell_at_ms = now.mono_ms + ACK_FRAME_MS;
		return;
	}
	p->s.ack_due = true;
	if (f->seq <= l->rx) {
		c->counter[COUNT_LANE_DUPLICATE]++;
	} else {
		c->counter[COUNT_LANE_GAP]++;
		if (!l->gap_asked_ms ||
		    now.mono_ms - l->gap_asked_ms >= GAP_REPEAT_MS) {
			l->gap_asked_ms = now.mono_ms ? now.mono_ms : 1;
			p->s.gaps |= (uint8_t)(1u << f->lane);
		}
	}
}

void lane_acked(struct pair *p, struct now now, enum lane lane, uint64_t ack)
{
	struct lane_state *l = &p->s.lane[lane];

	if (ack <= l->acked || ack > l->tx)
		return;
	l->acked = ack;
	while (l->head && l->head->seq <= ack) {
		struct sent *s = l->head;

		l->head = s->next;
		l->bytes -= s->body->n;
		l->frames--;
		octets_drop(s->body);
		free(s);
	}
	if (!l->head)
		l->tail = NULL;
	l->backoff_ms = RETRANSMIT_MS;
	l->resend_at_ms = l->head ? now.mono_ms + l->backoff_ms : UINT64_MAX;
}

int lanes_tick(struct core *c, struct pair *p, struct now now)
{
	int err = 0;

	for (int i = 0; i < LANES && !err; i++) {
		struct lane_state *l = &p->s.lane[i];

		if (!p->s.paths || now.mono_ms < l->resend_at_ms)
			continue;
		l->backoff_ms = l->backoff_ms * 2 > BACKOFF_MS_MAX
					? BACKOFF_MS_MAX
					: l->backoff_ms * 2;
		err = lane_resend(c, p, now, (enum lane)i, 0, PROBE_FRAMES);
	}
	return err;
}

uint64_t lanes_deadline(const struct pair *p)
{
	uint64_t at = UINT64_MAX;

	for (int i = 0; i < LANES; i++) {
		if (p->s.paths && p->s.lane[i].resend_at_ms < at)
			at = p->s.lane[i].resend_at_ms;
	}
	if (p->s.paths && p->s.tell_at_ms < at)
		at = p->s.tell_at_ms;
	return at;
}
