/* SPDX-License-Identifier: ISC */
/** @file turn.c  Paths, timers, the end of a turn, and what leaves it */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/state.h"

#define CONNS_MAX (4 * PATHS_MAX)	/* of one pair at once */

/* ---- a core ---- */

int core_alloc(struct core **cp, const struct core_conf *conf,
	       const struct db *db, struct now now)
{
	struct core *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return ENOMEM;
	c->conf = *conf;
	c->db = db;
	c->now = now;
	c->started_ms = now.wall_ms;
	buf_init(&c->scratch, ENTRY_BYTES_MAX);
	err = pair_load_all(c, now);
	if (err) {
		core_free(c);
		return err;
	}
	*cp = c;
	return 0;
}

static void queue_clear(struct core *c)
{
	while (c->head) {
		struct queued *q = c->head;

		c->head = q->next;
		octets_drop(q->body);
		free(q);
	}
	c->tail = NULL;
}

void *core_free(struct core *c)
{
	if (c) {
		queue_clear(c);
		for (uint32_t i = 0; i < PAIRS_MAX; i++)
			pair_free(c->pair[i]);
		while (c->paths) {
			struct path *path = c->paths;

			c->paths = path->next;
			free(path);
		}
		buf_free(&c->scratch);
		free(c);
	}
	return NULL;
}

void core_draw(struct core *c, uint8_t *out, size_t n)
{
	uint8_t h[DIGEST_BYTES];

	while (n) {
		const size_t k = n < sizeof(h) ? n : sizeof(h);

		c->drawn++;
		digest_pieces((struct piece[]){{c->conf.seed, 32},
					       {&c->drawn, sizeof(c->drawn)}},
			      2, h);
		memcpy(out, h, k);
		out += k;
		n -= k;
	}
}

/* ---- actions ---- */

struct queued *core_queue(struct core *c, enum action_kind kind, uint32_t conn)
{
	struct queued *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->a.kind = kind;
	q->a.conn = conn;
	if (c->tail)
		c->tail->next = q;
	else
		c->head = q;
	c->tail = q;
	return q;
}

int core_answer(struct core *c, uint64_t request, enum answer a, uint64_t seq,
		bool again)
{
	struct queued *q = core_queue(c, ACTION_ANSWER, 0);

	if (!q)
		return ENOMEM;
	q->a.request = request;
	q->a.answer = a;
	q->a.seq = seq;
	q->a.again = again;
	return 0;
}

/* The head of a lane frame says what we have received: it is made last, when
   all that is durable */
static void hand_out(struct core *c, struct queued *q, action_h *h, void *arg)
{
	struct buf head;

	buf_init(&head, 64);
	if (q->a.kind == ACTION_FRAME && q->a.type == FRAME_LANE) {
		const struct pair *p = c->pair[q->a.pair];
		const struct lane_frame f = {.lane = q->lane,
					     .seq = q->seq,
					     .ack = p->s.lane[q->lane].rx,
					     .msg = q->msg};

		lane_encode_head(&f, &head);
	}
	if (q->a.kind == ACTION_FRAME && q->a.type == FRAME_ACK) {
		const struct pair *p = c->pair[q->a.pair];
		uint64_t rx[LANES];

		for (int i = 0; i < LANES; i++)
			rx[i] = p->s.lane[i].rx;
		ack_encode(rx, q->lane, &head);
	}
	q->a.head = head.p;
	q->a.head_n = head.n;
	if (q->body) {
		q->a.body = q->body->p;
		q->a.body_n = q->body->n;
	}
	q->a.reason = q->reason;
	if (!head.err)	/* else the peer asks again */
		h(&q->a, arg);
	buf_free(&head);
}

void core_actions(struct core *c, action_h *h, void *arg)
{
	struct queued *q, *next = c->head;

	c->head = c->tail = NULL;
	while ((q = next)) {
		next = q->next;
		hand_out(c, q, h, arg);
		octets_drop(q->body);
		free(q);
	}
}

/* ---- paths ---- */

static struct path *path_of(struct core *c, uint32_t conn)
{
	struct path *path = c->paths;

	while (path && path->conn != conn)
		path = path->next;
	return path;
}

/* Out of the session: what it may have taken with it goes another way */
static int path_leave(struct core *c, struct now now, struct pair *p,
		      bool joined)
{
	int err = 0;

	if (joined) {
		assert(p->s.paths);
		p->s.paths--;
	}
	if (p->s.paths) {
		for (int i = 0; i < LANES && joined && !err; i++)
			err = lane_resend(c, p, now, (enum lane)i, 0,
					  LANE_FRAMES_MAX);
		return err;
	}
	body_reset(&p->s);
	p->s.fetch_sent = false;
	p->s.joint_offered = 0;
	if (p->down_at_ms == UINT64_MAX)
		p->down_at_ms = now.mono_ms + LINE_DOWN_RECORD_MS;
	return 0;
}

int core_close_path(struct core *c, uint32_t conn, const char *reason)
{
	struct path *path = path_of(c, conn);
	struct queued *q;

	if (!path || path->closing)
		return 0;
	path->closing = true;
	q = core_queue(c, ACTION_CLOSE, conn);
	if (!q)
		return ENOMEM;
	snprintf(q->reason, sizeof(q->reason), "%s", reason);
	if (path->joined) {
		path->joined = false;
		c->pair[path->pair]->s.paths--;
	}
	return 0;
}

int core_path_open(struct core *c, struct now now, uint32_t conn, uint32_t pair,
		   enum hello_role role, uint8_t number,
		   const uint8_t exporter[EXPORTER_BYTES])
{
	struct pair *p = pair < PAIRS_MAX ? c->pair[pair] : NULL;
	struct path *path = calloc(1, sizeof(*path));
	unsigned conns = 0;

	if (!path)
		return ENOMEM;
	for (const struct path *o = c->paths; o; o = o->next)
		conns += o->pair == pair;
	*path = (struct path){.conn = conn,
			      .pair = pair,
			      .role = role,
			      .number = number,
			      .next = c->paths};
	memcpy(path->exporter, exporter, EXPORTER_BYTES);
	c->paths = path;
	if (!p || (p->state != PAIR_LIVE && p->state != PAIR_RESTORING))
		return core_close_path(c, conn, "this pairing is closed here");
	if (conns >= CONNS_MAX || number >= PATHS_MAX)
		return core_close_path(c, conn, "too many paths");
	return hello_out(c, now, p, path);
}

int core_path_closed(struct core *c, struct now now, uint32_t conn)
{
	struct path **at = &c->paths, *path;
	int err = 0;

	while (*at && (*at)->conn != conn)
		at = &(*at)->next;
	path = *at;
	if (!path)
		return 0;
	*at = path->next;
	if (path->pair < PAIRS_MAX && c->pair[path->pair])
		err = path_leave(c, now, c->pair[path->pair], path->joined);
	free(path);
	return err;
}

static int lane_in(struct core *c, struct now now, struct pair *p,
		   uint32_t conn, const uint8_t *m, size_t n)
{
	struct lane_frame f;
	bool deliver;

	if (lane_decode(m, n, &f)) {
		c->counter[COUNT_FRAME_BAD]++;
		return core_close_path(c, conn, "bad LANE frame");
	}
	lane_take(c, p, now, &f, &deliver);
	return deliver ? sync_message(c, now, p, conn, &f) : 0;
}

static int ack_in(struct core *c, struct now now, struct pair *p, uint32_t conn,
		  const uint8_t *m, size_t n)
{
	uint64_t ack[LANES];
	uint8_t gaps;
	int err = 0;

	if (ack_decode(m, n, ack, &gaps)) {
		c->counter[COUNT_FRAME_BAD]++;
		return core_close_path(c, conn, "bad ACK frame");
	}
	for (int i = 0; i < LANES && !err; i++) {
		lane_acked(p, now, (enum lane)i, ack[i]);
		if (gaps & 1u << i)
			err = lane_resend(c, p, now, (enum lane)i, 0,
					  LANE_FRAMES_MAX);
	}
	return err;
}

int core_path_frame(struct core *c, struct now now, uint32_t conn,
		    enum frame_type type, const uint8_t *m, size_t n)
{
	struct path *path = path_of(c, conn);
	struct pair *p;

	c->now = now;
	if (!path || path->closing)
		return 0;	/* it crossed our closing */
	p = c->pair[path->pair];
	if (type == FRAME_HELLO)
		return hello_in(c, now, p, path, m, n);
	if (type == FRAME_BYE)
		return 0;	/* the trunk closes and logs it */
	if (!path->joined) {
		c->counter[COUNT_FRAME_BAD]++;
		return core_close_path(c, conn, "frame before HELLO");
	}
	if (type == FRAME_LANE)
		return lane_in(c, now, p, conn, m, n);
	if (type == FRAME_ACK)
		return ack_in(c, now, p, conn, m, n);
	if (type == FRAME_BULK)
		return body_bulk(c, p, now, m, n);
	c->counter[COUNT_FRAME_BAD]++;
	return core_close_path(c, conn, "frame type not known");
}

/* ---- timers ---- */

static int pair_tick(struct core *c, struct pair *p, struct now now)
{
	int err = lanes_tick(c, p, now);

	return err ? err : body_late(c, p, now);
}

int core_tick(struct core *c, struct now now)
{
	int err = 0;

	for (uint32_t i = 0; i < PAIRS_MAX && !err; i++) {
		if (c->pair[i])
			err = pair_tick(c, c->pair[i], now);
	}
	return err;
}

static bool joint_waits(const struct pair *p)
{
	return p->names.own_pivot && p->s.paths && p->s.known &&
	       pair_may_sign(p) && p->s.push_next >= p->own.signed_size &&
	       p->joint.size > p->joint_signed &&
	       p->joint.size != p->s.joint_offered;
}

static uint64_t pair_deadline(const struct pair *p)
{
	uint64_t at = lanes_deadline(p);

	if (body_deadline(p) < at)
		at = body_deadline(p);
	if (pair_may_sign(p)) {
		if (p->ack_at_ms < at)
			at = p->ack_at_ms;
		if (!p->s.paths && p->line_up && p->down_at_ms < at)
			at = p->down_at_ms;
		if (joint_waits(p) && p->joint_at_ms < at)
			at = p->joint_at_ms;
		if (p->lines.n && p->lines.at_ms < at)
			at = p->lines.at_ms;
	}
	if (p->s.paths && p->idle_at_ms < at)
		at = p->idle_at_ms;
	return at;
}

uint64_t core_deadline_ms(const struct core *c)
{
	uint64_t at = UINT64_MAX;

	for (uint32_t i = 0; i < PAIRS_MAX; i++) {
		if (c->pair[i] && pair_deadline(c->pair[i]) < at)
			at = pair_deadline(c->pair[i]);
	}
	return at;
}

/* ---- the end of a turn ---- */

static int line_entry(struct core *c, struct pair *p, struct now now, bool up)
{
	int err = own_begin(c, p, now, "line");

	if (err)
		return err;
	entry_field(&c->scratch, "state", "%s", up ? "up" : "down");
	if (up)
		entry_field(&c->scratch, "offset-ms", "%lld",
			    (long long)p->offset_ms);
	p->line_up = up;
	return own_append(c, p, ENTRY_LINE, NULL, 0, NULL);
}

/* What we have to say by ourselves */
static int say(struct core *c, struct pair *p, struct now now)
{
	const bool session = p->s.paths && p->s.known;
	int err = own_clock(c, p, now);

	if (!err && session && !p->line_up)
		err = line_entry(c, p, now, true);
	if (!err && !p->s.paths && p->line_up && now.mono_ms >= p->down_at_ms)
		err = line_entry(c, p, now, false);
	if (!err)
		err = peer_answer(c, p, now);
	if (!err)
		err = lines_turn(c, p, now);
	if (!err && p->peer.spoken > p->own.seen &&
	    (p->peer.loud > p->own.seen || p->s.attest_due ||
	     now.mono_ms >= p->ack_at_ms)) {
		err = own_begin(c, p, now, "ack");
		if (!err)
			err = own_append(c, p, ENTRY_ACK, NULL, 0, NULL);
	}
	if (p->peer.spoken <= p->own.seen)
		p->ack_at_ms = UINT64_MAX;
	return err ? err : own_sign(c, p, now);
}

/* Signatures that follow what was pushed */
static int vouch(struct core *c, struct pair *p, struct now now)
{
	const bool same = p->peer.cosigned == p->peer.tree.size;
	int err = 0;

	if (!p->s.paths || !p->s.known || p->s.push_next < p->own.signed_size)
		return 0;
	if (!same || p->s.attest_due || p->s.cosign_due ||
	    now.mono_ms >= p->idle_at_ms)
		err = peer_cosign(c, p, now, same);
	if (!err && joint_waits(p) && now.mono_ms >= p->joint_at_ms) {
		p->s.joint_offered = p->joint.size;
		p->joint_at_ms = now.mono_ms + JOINT_SIGN_MS;
		err = joint_offer(c, p, now);
	}
	return err;
}

static int acknowledge(struct core *c, struct pair *p, struct now now)
{
	int err = 0;

	if (!lanes_untold(p, now))
		return 0;
	for (struct path *path = c->paths; path && !err; path = path->next) {
		struct queued *q;

		if (!path->joined || path->pair != p->no)
			continue;
		q = core_queue(c, ACTION_FRAME, path->conn);
		err = q ? 0 : ENOMEM;
		if (q) {
			q->a.type = FRAME_ACK;
			q->a.pair = p->no;
			q->lane = p->s.gaps;
		}
	}
	for (int i = 0; i < LANES; i++)
		lane_told(&p->s.lane[i]);
	p->s.ack_due = false;
	p->s.tell_at_ms = UINT64_MAX;
	p->s.gaps = 0;
	return err;
}

/* What came in, or was said, finds its place; then lines know of it */
static int learn(struct core *c, struct pair *p)
{
	const int err = joint_place(c, p);

	return err ? err : lines_learn(c, p);
}

static int pair_turn_end(struct core *c, struct pair *p, struct now now)
{
	/* first: what it finds to be here already is said now, or a crash would
	   take the word with it */
	int err = body_want_next(c, p, now);

	if (!err)
		err = learn(c, p);
	if (!err && pair_may_sign(p))
		err = say(c, p, now);
	if (!err)
		err = learn(c, p);
	if (!err)
		err = sync_push(c, p, now);
	if (!err && pair_may_sign(p))
		err = vouch(c, p, now);
	if (now.mono_ms >= p->idle_at_ms) {
		/* what was not answered is asked once more */
		p->s.joint_offered = 0;
		p->s.fetch_sent = false;
		p->idle_at_ms = now.mono_ms + IDLE_COSIGN_MS;
	}
	if (!err && p->waiters_due)
		err = waiters_answer(c, p);
	if (!err)
		err = acknowledge(c, p, now);
	if (!err)
		err = lines_save(c, p);
	if (!err && p->dirty)
		err = pair_save(c, p);
	return err;
}

int core_turn_end(struct core *c, struct now now)
{
	int err = 0;

	c->now = now;
	for (uint32_t i = 0; i < PAIRS_MAX && !err; i++) {
		if (c->pair[i])
			err = pair_turn_end(c, c->pair[i], now);
	}
	return err;
}

bool core_marker_get(struct core *c, uint32_t i, struct core_marker *out)
{
	struct pair *p = i < PAIRS_MAX ? c->pair[i] : NULL;

	if (!p || !p->marker_due)
		return false;
	p->marker_due = false;
	snprintf(out->origin, sizeof(out->origin), "%s", p->names.own_origin);
	out->size = p->own.signed_size;
	memcpy(out->root, feed_root_now(&p->own), DIGEST_BYTES);
	return true;
}
