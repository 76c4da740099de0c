/* SPDX-License-Identifier: ISC */
/** @file world.c  Two exchanges and the hostile network between them */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/state.h"
#include "proto/note.h"
#include "world.h"

#define EPOCH_MS 1795424400000LL	/* 2026-11-23T09:00:00Z */
#define DAY (86400ULL * 1000)

const char *fault_name(enum fault f)
{
	static const char *const name[FAULTS] = {"cut",
						 "partition",
						 "loss",
						 "duplicate",
						 "reorder",
						 "crash-before-commit",
						 "crash-after-commit",
						 "crash-after-marker",
						 "crash-while-sending",
						 "disk-full",
						 "disk-error",
						 "clock-back",
						 "clock-forward",
						 "clock-drift",
						 "rollback",
						 "rollback-unmarked"};

	return f < FAULTS ? name[f] : "?";
}

/* ---- chance: splitmix64 ---- */

static uint64_t draw64(struct world *w)
{
	uint64_t z = (w->rng += 0x9e3779b97f4a7c15ULL);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint64_t world_draw(struct world *w, uint64_t below)
{
	return below ? draw64(w) % below : 0;
}

bool world_chance(struct world *w, unsigned permille)
{
	return world_draw(w, 1000) < permille;
}

void world_broken(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->broken[0])
		return;
	va_start(ap, fmt);
	vsnprintf(w->broken, sizeof(w->broken), fmt, ap);
	va_end(ap);
}

/* ---- clocks ---- */

static struct now clock_of(const struct world *w, const struct node *n)
{
	return (struct now){
		.mono_ms = w->now_ms + 1,
		.wall_ms = EPOCH_MS + (int64_t)w->now_ms + n->skew_ms +
			   (int64_t)w->now_ms * n->drift_ppm / 1000000};
}

/* ---- a node's life ---- */

static int marker_h(const char *origin, struct core_marker *out, void *arg)
{
	struct node *n = arg;

	for (size_t i = 0; i < n->markers; i++) {
		if (!strcmp(n->marker[i].origin, origin)) {
			*out = n->marker[i];
			return 0;
		}
	}
	return ENOENT;
}

static void marker_set(struct node *n, const struct core_marker *m)
{
	for (size_t i = 0; i < n->markers; i++) {
		if (!strcmp(n->marker[i].origin, m->origin)) {
			n->marker[i] = *m;
			return;
		}
	}
	assert(n->markers < MARKERS_MAX);
	n->marker[n->markers++] = *m;
}

static void node_start(struct world *w, struct node *n)
{
	struct core_conf conf = {.name = n->name,
				 .log = n->log,
				 .cosigner = n->cosigner,
				 .trunk = n->trunk,
				 .marker_h = marker_h,
				 .marker_arg = n};
	uint64_t r = draw64(w);

	assert(!n->core);
	digest(&r, sizeof(r), conf.seed);
	n->starts++;
	if (core_alloc(&n->core, &conf, memdb_db(n->db), clock_of(w, n)))
		world_broken(w, "%s cannot start from its store", n->name);
	n->up = true;
}

static void link_cut(struct world *w, struct link *l)
{
	if (!l->open)
		return;
	l->open = false;
	for (int s = 0; s < SIDES; s++) {
		l->closing[s] = true;
		while (l->head[s]) {
			struct flight *f = l->head[s];

			l->head[s] = f->next;
			free(f);
		}
	}
	l->dial_at_ms = w->now_ms + 1 + world_draw(w, 2000);
}

static void node_stop(struct world *w, struct node *n, uint64_t for_ms)
{
	n->core = core_free(n->core);
	memdb_crash(n->db, (unsigned)world_draw(w, 1001));
	n->up = false;
	n->up_at_ms = w->now_ms + for_ms;
	for (unsigned i = 0; i < w->links; i++) {
		link_cut(w, &w->link[i]);
		w->link[i].closing[n->side] = false;
	}
}

/* ---- the network ---- */

static void fly(struct link *l, int to, enum frame_type type, const uint8_t *a,
		size_t an, const uint8_t *b, size_t bn, uint64_t at_ms)
{
	struct flight *f = malloc(sizeof(*f) + an + bn), **at;

	assert(f);
	f->at_ms = at_ms;
	f->type = type;
	f->n = an + bn;
	if (an)
		memcpy(f->p, a, an);
	if (bn)
		memcpy(f->p + an, b, bn);
	for (at = &l->head[to]; *at && (*at)->at_ms <= at_ms;)
		at = &(*at)->next;
	f->next = *at;
	*at = f;
}

static void transmit(struct world *w, struct link *l, int to,
		     enum frame_type type, const uint8_t *a, size_t an,
		     const uint8_t *b, size_t bn)
{
	uint64_t at = w->now_ms + 1 + world_draw(w, w->latency_ms + 1);
	const bool faulty = !w->quiet && type != FRAME_HELLO;

	digest_pieces((struct piece[]){{w->trace, DIGEST_BYTES},
				       {&type, sizeof(type)},
				       {a, an},
				       {b, bn}},
		      4, w->trace);
	if (faulty && world_chance(w, w->loss)) {
		w->fault[FAULT_LOSS]++;
		return;
	}
	if (faulty && world_chance(w, w->reorder)) {
		w->fault[FAULT_REORDER]++;
		at += 1 + world_draw(w, 3ULL * w->latency_ms + 20);
	} else {
		if (at < l->last_at_ms[to])
			at = l->last_at_ms[to];
		l->last_at_ms[to] = at;
	}
	fly(l, to, type, a, an, b, bn, at);
	if (faulty && world_chance(w, w->dup)) {
		w->fault[FAULT_DUPLICATE]++;
		fly(l, to, type, a, an, b, bn, at + world_draw(w, 200));
	}
}

static struct link *link_of(struct world *w, uint32_t conn)
{
	for (unsigned i = 0; i < w->links; i++) {
		if (w->link[i].open && w->link[i].conn == conn)
			return &w->link[i];
	}
	return NULL;
}

/* ---- never two conflicting signatures ---- */

static int origin_no(const struct world *w, struct str origin)
{
	const struct pair *p = w->node[0].core ? w->node[0].core->pair[0]
					       : w->node[1].core->pair[0];
	const bool first = w->node[0].core != NULL;

	if (str_is(origin, p->names.own_origin))
		return first ? 0 : 1;
	if (str_is(origin, p->names.peer_origin))
		return first ? 1 : 0;
	return 2;
}

static void tap_note(struct world *w, const uint8_t *p, size_t n)
{
	struct roots *r;
	struct note note;

	if (!n || note_parse(p, n, &note))
		return;
	r = &w->roots[origin_no(w, note.origin)];
	if (note.size >= r->n) {
		const size_t cap = note.size * 2 + 64;

		r->v = realloc(r->v, cap * sizeof(*r->v));
		r->set = realloc(r->set, cap * sizeof(*r->set));
		assert(r->v && r->set);
		memset(r->set + r->n, 0, cap - r->n);
		r->n = cap;
	}
	if (r->set[note.size] &&
	    memcmp(r->v[note.size], note.root, DIGEST_BYTES))
		world_broken(w, "two signatures conflict: %.*s size %" PRIu64,
			     (int)note.origin.n, note.origin.p, note.size);
	r->set[note.size] = true;
	memcpy(r->v[note.size], note.root, DIGEST_BYTES);
}

static void tap(struct world *w, const struct action *a)
{
	struct lane_frame f = {0};
	struct hello h;

	if (a->type == FRAME_HELLO && !hello_decode(a->body, a->body_n, &h)) {
		tap_note(w, (const uint8_t *)h.own.p, h.own.n);
		tap_note(w, (const uint8_t *)h.held.p, h.held.n);
	}
	if (a->type != FRAME_LANE || lane_decode(a->head, a->head_n, &f))
		return;
	if (f.msg == MSG_CHECKPOINT)
		tap_note(w, a->body + 1, a->body_n - 1);
	if (f.msg == MSG_COSIGNATURE || f.msg == MSG_ATTEST ||
	    f.msg == MSG_JOINT)
		tap_note(w, a->body, a->body_n);
}

/* What the lost turns of a disk signed and nobody holds is void */
static void roots_forget(struct world *w, int side)
{
	const struct pair *p = w->node[!side].core->pair[0];
	const uint64_t keep[3] = {side == 0 ? p->peer.tree.size : UINT64_MAX,
				  side == 1 ? p->peer.tree.size : UINT64_MAX,
				  p->joint.size};

	for (int i = 0; i < 3; i++) {
		for (size_t k = 0; k < w->roots[i].n; k++) {
			if (k > keep[i])
				w->roots[i].set[k] = false;
		}
	}
}

/* ---- actions ---- */

struct acting {
	struct world *w;
	struct node *n;
	size_t left;	/* actions before the power fails */
};

static void bulk(struct world *w, struct node *n, struct link *l,
		 const struct action *a)
{
	const uint32_t feed = a->seq & BODY_OF_ASKER ? 1 : 0;
	size_t size = 0;
	const uint8_t *body =
		memdb_body(n->db, feed, a->seq & ~BODY_OF_ASKER, &size);
	struct buf head;

	if (!body || a->offset + a->bytes > size) {
		world_broken(w, "%s promised a body that it does not have",
			     n->name);
		return;
	}
	for (uint64_t o = a->offset; o < a->offset + a->bytes;
	     o += BULK_BYTES) {
		uint64_t k = a->offset + a->bytes - o;

		buf_init(&head, 64);
		bulk_encode_head(a->seq, o, &head);
		k = k > BULK_BYTES ? BULK_BYTES : k;
		transmit(w, l, !n->side, FRAME_BULK, head.p, head.n, body + o,
			 (size_t)k);
		buf_free(&head);
	}
}

static void answered(struct world *w, struct node *n, const struct action *a)
{
	struct item *it = &n->item[a->request / 2];

	if (a->answer != ANSWER_OK && a->answer != ANSWER_WAITS)
		return;
	if (it->stored && it->seq != a->seq)
		world_broken(w, "%s wrote %s twice: %" PRIu64 ", %" PRIu64,
			     n->name, it->id, it->seq, a->seq);
	it->stored = true;
	it->waits |= a->answer == ANSWER_WAITS;
	it->seq = a->seq;
	if (a->request & 1 && a->answer == ANSWER_OK)
		it->acked = true;
}

static void act(const struct action *a, void *arg)
{
	struct acting *x = arg;
	struct link *l = link_of(x->w, a->conn);

	if (!x->left)
		return;
	x->left--;
	switch (a->kind) {
	case ACTION_FRAME:
		tap(x->w, a);
		if (l)
			transmit(x->w, l, !x->n->side, a->type, a->head,
				 a->head_n, a->body, a->body_n);
		break;
	case ACTION_BULK:
		if (l)
			bulk(x->w, x->n, l, a);
		break;
	case ACTION_CLOSE:
		if (x->w->verbose)
			printf("%8" PRIu64 " %s closes: %s\n", x->w->now_ms,
			       x->n->name, a->reason);
		if (l)
			link_cut(x->w, l);
		break;
	case ACTION_ANSWER:
		if (a->request != UINT64_MAX)
			answered(x->w, x->n, a);
		break;
	case ACTION_JOINED:
	case ACTION_PAIR:
	case ACTION_LINE:
	case ACTION_SERVICE: break;
	}
}

/* A failure of ours voids the turn: as the keeper does it */
static void void_turn(struct world *w, struct node *n)
{
	n->unsaved++;
	node_stop(w, n, 1 + world_draw(w, 3000));
}

static enum fault crash_here(struct world *w)
{
	if (w->quiet || !world_chance(w, w->crash))
		return FAULTS;
	return FAULT_CRASH_BEFORE_COMMIT + (enum fault)world_draw(w, 4);
}

static void turn(struct world *w, struct node *n, int err)
{
	const enum fault crash = crash_here(w);
	struct acting x = {.w = w, .n = n, .left = SIZE_MAX};
	struct core_marker m;

	if (!err)
		err = core_turn_end(n->core, clock_of(w, n));
	if (crash == FAULT_CRASH_BEFORE_COMMIT) {
		w->fault[crash]++;
		node_stop(w, n, 1 + world_draw(w, 5000));
		return;
	}
	if (!err)
		err = memdb_commit(n->db);
	if (err) {
		if (err != ENOSPC && err != EIO)
			world_broken(w, "%s failed with %d", n->name, err);
		void_turn(w, n);
		return;
	}
	if (crash != FAULT_CRASH_AFTER_COMMIT) {
		for (uint32_t i = 0; i < PAIRS_MAX; i++) {
			if (core_marker_get(n->core, i, &m))
				marker_set(n, &m);
		}
		if (crash == FAULT_CRASH_WHILE_SENDING)
			x.left = world_draw(w, 4);
		if (crash != FAULT_CRASH_AFTER_MARKER)
			core_actions(n->core, act, &x);
	}
	if (crash != FAULTS) {
		w->fault[crash]++;
		node_stop(w, n, 1 + world_draw(w, 5000));
	}
}

/* ---- pairing ---- */

void world_init(struct world *w, uint64_t seed)
{
	static const char *const name[SIDES] = {"north.example",
						"south.example"};

	memset(w, 0, sizeof(*w));
	w->rng = seed * 0x2545f4914f6cdd1dULL + 0x1234567;
	w->latency_ms = 1 + (unsigned)world_draw(w, 300);
	w->links = 1 + (unsigned)world_draw(w, LINKS_MAX);
	for (int s = 0; s < SIDES; s++) {
		struct node *n = &w->node[s];
		struct key **k[] = {&n->log, &n->cosigner, &n->trunk};

		n->side = s;
		snprintf(n->name, sizeof(n->name), "%s", name[s]);
		for (int i = 0; i < 3; i++) {
			uint8_t kseed[32];
			uint64_t r = draw64(w);

			digest(&r, sizeof(r), kseed);
			if (key_from_seed(k[i], kseed))
				abort();
		}
		n->db = memdb_new();
		n->skew_ms = (int64_t)world_draw(w, 4000) - 2000;
		node_start(w, n);
	}
}

void world_free(struct world *w)
{
	for (unsigned i = 0; i < w->links; i++) {
		w->link[i].open = true;
		link_cut(w, &w->link[i]);
	}
	for (int s = 0; s < SIDES; s++) {
		struct node *n = &w->node[s];

		core_free(n->core);
		memdb_free(n->db);
		image_free(n->backup);
		key_free(n->log);
		key_free(n->cosigner);
		key_free(n->trunk);
		free(n->item);
	}
	for (int i = 0; i < 3; i++) {
		free(w->roots[i].v);
		free(w->roots[i].set);
	}
}

void world_pair(struct world *w)
{
	struct buf card[SIDES];
	char words[SIDES][160];
	enum pair_result r;
	const char *why;

	for (int s = 0; s < SIDES; s++) {
		buf_init(&card[s], CARD_BYTES_MAX);
		if (core_card_new(w->node[s].core, &card[s]))
			abort();
	}
	for (int s = 0; s < SIDES; s++) {
		struct node *n = &w->node[s];

		if (core_pair_add(n->core, card[!s].p, card[!s].n, NULL, &r,
				  words[s], &why) ||
		    r != PAIR_OK)
			abort();
		if (core_pair_confirm(n->core, clock_of(w, n), w->node[!s].name,
				      &r) ||
		    r != PAIR_OK)
			abort();
		turn(w, n, 0);
		buf_free(&card[!s]);
	}
	if (strcmp(words[0], words[1]))
		world_broken(w, "the words differ");
}

/* ---- what happens ---- */

static void dial(struct world *w, struct link *l)
{
	uint8_t exporter[EXPORTER_BYTES];
	const bool flip = world_chance(w, 500);
	const uint8_t number = (uint8_t)(l - w->link);

	l->open = true;
	l->conn = ++w->conns;
	l->last_at_ms[0] = l->last_at_ms[1] = 0;
	digest(&l->conn, sizeof(l->conn), exporter);
	for (int s = 0; s < SIDES; s++) {
		struct node *n = &w->node[s];
		const enum hello_role role =
			flip == s ? HELLO_DIALLER : HELLO_LISTENER;

		if (!n->up || !l->open)
			continue;
		turn(w, n,
		     core_path_open(n->core, clock_of(w, n), l->conn, 0, role,
				    number, exporter));
	}
}

static void deliver(struct world *w, struct link *l, int to)
{
	struct node *n = &w->node[to];
	unsigned batch = 1 + (unsigned)world_draw(w, 12);
	int err = 0;

	while (batch-- && !err && l->head[to] &&
	       l->head[to]->at_ms <= w->now_ms) {
		struct flight *f = l->head[to];
		/* exact-size copy: ASan sees one octet too many */
		uint8_t *p = malloc(f->n ? f->n : 1);

		assert(p);
		memcpy(p, f->p, f->n);
		l->head[to] = f->next;
		err = core_path_frame(n->core, clock_of(w, n), l->conn, f->type,
				      p, f->n);
		free(p);
		free(f);
		w->events++;
	}
	turn(w, n, err);
}

static void tell_closed(struct world *w, struct link *l, int s)
{
	struct node *n = &w->node[s];

	l->closing[s] = false;
	w->events++;
	turn(w, n, core_path_closed(n->core, clock_of(w, n), l->conn));
}

static uint64_t next_time(const struct world *w)
{
	uint64_t at = UINT64_MAX;

	for (int s = 0; s < SIDES; s++) {
		const struct node *n = &w->node[s];
		uint64_t t = n->up_at_ms;

		if (n->up) {
			t = core_deadline_ms(n->core);
			t = t == UINT64_MAX ? t : t > 1 ? t - 1 : 0;
		}
		if (n->disk_well_ms && n->disk_well_ms < at)
			at = n->disk_well_ms;
		at = t < at ? t : at;
	}
	for (unsigned i = 0; i < w->links; i++) {
		const struct link *l = &w->link[i];
		uint64_t t =
			l->dial_at_ms > w->heal_ms ? l->dial_at_ms : w->heal_ms;

		for (int s = 0; s < SIDES; s++) {
			if (l->closing[s] && w->node[s].up)
				return w->now_ms;
			if (l->head[s] && l->head[s]->at_ms < at)
				at = l->head[s]->at_ms;
		}
		if (!l->open && w->node[0].up && w->node[1].up && t < at)
			at = t;
	}
	return at;
}

static void node_events(struct world *w, int s)
{
	struct node *n = &w->node[s];

	if (n->disk_well_ms && n->disk_well_ms <= w->now_ms) {
		memdb_fail(n->db, 0, 0);
		n->disk_well_ms = 0;
	}
	if (!n->up && n->up_at_ms <= w->now_ms)
		node_start(w, n);
	for (unsigned i = 0; i < w->links; i++) {
		struct link *l = &w->link[i];

		if (n->up && l->closing[s])
			tell_closed(w, l, s);
		if (n->up && l->open && l->head[s] &&
		    l->head[s]->at_ms <= w->now_ms)
			deliver(w, l, s);
	}
	if (n->up && core_deadline_ms(n->core) <= w->now_ms + 1) {
		w->events++;
		turn(w, n, core_tick(n->core, clock_of(w, n)));
	}
}

/* How far time may go on at once.  A partition of months, or a day without the
   other side, is all spent on writing in a busy world only. */
static uint64_t horizon(const struct world *w)
{
	const uint64_t most = w->now_ms + (w->quiet ? 60000 : 5000);
	uint64_t until = w->heal_ms;

	for (int s = 0; s < SIDES; s++) {
		if (!w->node[s].up && w->node[s].up_at_ms > until)
			until = w->node[s].up_at_ms;
	}
	return until > most && !w->busy ? most + (until - most) / 8 : most;
}

void world_step(struct world *w)
{
	const uint64_t most = horizon(w);
	uint64_t at = next_time(w);

	if (at > most)
		at = most;
	if (at > w->now_ms)
		w->now_ms = at;
	for (int s = 0; s < SIDES; s++)
		node_events(w, s);
	for (unsigned i = 0; i < w->links; i++) {
		struct link *l = &w->link[i];

		if (!l->open && !l->closing[0] && !l->closing[1] &&
		    w->node[0].up && w->node[1].up &&
		    l->dial_at_ms <= w->now_ms && w->heal_ms <= w->now_ms)
			dial(w, l);
	}
}

void world_until(struct world *w, uint64_t ms)
{
	while (next_time(w) <= ms)
		world_step(w);
	if (w->now_ms < ms)
		w->now_ms = ms;
}

void world_rest(struct world *w, int side, uint64_t for_ms)
{
	node_stop(w, &w->node[side], for_ms);
}

/* ---- people ---- */

static struct item *new_item(struct world *w, struct node *n)
{
	struct item *it;

	n->item = realloc(n->item, (n->items + 1) * sizeof(*n->item));
	assert(n->item);
	it = &n->item[n->items++];
	*it = (struct item){0};
	snprintf(it->id, sizeof(it->id), "i%" PRIu64, w->next_item++);
	return it;
}

void world_write(struct world *w, int side)
{
	world_write_on(w, side, NULL);
}

void world_order(struct world *w, int side, const struct line_order *o)
{
	struct node *n = &w->node[side];

	if (!n->up)
		return;
	w->events++;
	turn(w, n, core_line_do(n->core, clock_of(w, n), o));
}

void world_submit(struct world *w, int side, const struct submit *s)
{
	struct node *n = &w->node[side];

	turn(w, n, core_submit(n->core, clock_of(w, n), s));
}

int64_t world_wall_ms(const struct world *w)
{
	return EPOCH_MS + (int64_t)w->now_ms;
}

void world_write_on(struct world *w, int side, const char *line)
{
	static uint8_t body[200000];
	struct node *n = &w->node[side];
	struct submit s = {.kind = ENTRY_NOTICE,
			   .by = "Duty officer",
			   .precedence = "routine",
			   .subject = "회선 점검 / line check",
			   .media = "text/plain",
			   .line = line};
	const bool again = n->items && world_chance(w, 150);
	const size_t which = again ? world_draw(w, n->items) : n->items;
	uint64_t r = draw64(w);

	if (!n->up)
		return;
	if (!again)
		(void)new_item(w, n);
	s.id = n->item[which].id;
	s.wait = world_chance(w, 500) ? WAIT_STORED : WAIT_ACKED;
	s.request = which * 2 + (s.wait == WAIT_ACKED);
	s.body_n = world_draw(w, world_chance(w, 100) ? 30000 : 400);
	for (size_t i = 0; i < sizeof(r); i++)
		body[i] = (uint8_t)(r >> 8 * i);
	s.body = body;
	if (world_chance(w, 30)) {
		const size_t big = 40000 + world_draw(w, 150000);

		s.kind = ENTRY_DOCUMENT;
		s.name = "report.pdf";
		s.body = NULL;
		s.blob_bytes = big;
		memdb_blob_put(n->db, body, big, s.hash);
	}
	w->events++;
	turn(w, n, core_submit(n->core, clock_of(w, n), &s));
}

void world_open(struct world *w, int side)
{
	struct node *n = &w->node[side];
	uint64_t size = memdb_size(n->db, 1);

	if (!n->up || !size)
		return;
	w->events++;
	turn(w, n,
	     core_opened(n->core, clock_of(w, n), UINT64_MAX, 0,
			 world_draw(w, size), "Kim / 김"));
}

/* ---- faults ---- */

static bool may_roll_back(const struct world *w, int side)
{
	const struct node *n = &w->node[side], *o = &w->node[!side];

	/* two restored sides can attest nothing to each other: people do */
	return n->up && o->up && n->backup && n->backup_peer_held &&
	       o->core->pair[0]->state == PAIR_LIVE &&
	       n->core->pair[0]->state == PAIR_LIVE;
}

static void roll_back(struct world *w, int side, bool unmarked)
{
	struct node *n = &w->node[side];
	const uint64_t held = w->node[!side].core->pair[0]->peer.tree.size;

	node_stop(w, n, 1000 + world_draw(w, DAY));
	memdb_restore(n->db, n->backup);
	if (unmarked)
		n->markers = 0;
	for (size_t i = 0; i < n->items; i++) {
		struct item *it = &n->item[i];

		/* what waits is nowhere else */
		if (!it->stored || it->waits || it->seq >= held) {
			it->may_be_lost = true;
			it->stored = false;
		}
	}
	roots_forget(w, side);
	n->backup = image_free(n->backup);
}

static void sick_disk(struct world *w, struct node *n, int err)
{
	memdb_fail(n->db, err, (unsigned)world_draw(w, 40));
	n->disk_well_ms = w->now_ms + 1 + world_draw(w, 20000);
}

static void backup(struct world *w, int side)
{
	struct node *n = &w->node[side], *o = &w->node[!side];

	if (!n->up || !o->up)
		return;
	image_free(n->backup);
	n->backup = memdb_backup(n->db);
	n->backup_peer_held = memdb_size(o->db, 1);
}

void world_fault(struct world *w, enum fault f, int side)
{
	struct node *n = &w->node[side];

	switch (f) {
	case FAULT_CUT: link_cut(w, &w->link[world_draw(w, w->links)]); break;
	case FAULT_PARTITION:
		for (unsigned i = 0; i < w->links; i++)
			link_cut(w, &w->link[i]);
		w->heal_ms = w->now_ms + (world_chance(w, 100)
						  ? world_draw(w, 400 * DAY)
						  : world_draw(w, 120000));
		break;
	case FAULT_DISK_FULL: sick_disk(w, n, ENOSPC); break;
	case FAULT_DISK_ERROR: sick_disk(w, n, EIO); break;
	case FAULT_CLOCK_BACK:
		n->skew_ms -= (int64_t)world_draw(
			w, world_chance(w, 300) ? 10 * 365 * DAY : 60000);
		if (EPOCH_MS + n->skew_ms < 0)
			n->skew_ms = 0;
		break;
	case FAULT_CLOCK_FORWARD:
		n->skew_ms += (int64_t)world_draw(
			w, world_chance(w, 300) ? 10 * 365 * DAY : 60000);
		break;
	case FAULT_CLOCK_DRIFT:
		n->drift_ppm = (int64_t)world_draw(w, 400) - 200;
		break;
	case FAULT_ROLLBACK:
	case FAULT_ROLLBACK_UNMARKED:
		if (!may_roll_back(w, side)) {
			backup(w, side);
			return;
		}
		roll_back(w, side, f == FAULT_ROLLBACK_UNMARKED);
		break;
	default: return; /* drawn elsewhere: in turns and transmissions */
	}
	w->fault[f]++;
}

void world_settle(struct world *w)
{
	w->quiet = true;
	w->loss = w->dup = w->reorder = w->crash = 0;
	if (w->heal_ms > w->now_ms + 1000)
		w->heal_ms = w->now_ms + 1000;
	for (int s = 0; s < SIDES; s++) {
		memdb_fail(w->node[s].db, 0, 0);
		w->node[s].disk_well_ms = 0;
		if (!w->node[s].up && w->node[s].up_at_ms > w->now_ms + 1000)
			w->node[s].up_at_ms = w->now_ms + 1000;
	}
}
