/* SPDX-License-Identifier: ISC */
/** @file lines.c  The lines of a pair: their rows, states, turns and views */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/state.h"

#define BATCHES_MAX 8	/* of lines that fall due together, in one turn */
#define CLOCK_AHEAD_MS 10000
#define LINE_ROW_BYTES_MAX 32768
#define LINE_ROW_VERSION 1

/* ---- the table ---- */

static size_t place_of(const struct lines *t, struct str name)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const struct str have = str_of(t->v[mid]->name);
		const size_t n = have.n < name.n ? have.n : name.n;
		const int by = memcmp(have.p, name.p, n);

		if (by < 0 || (!by && have.n < name.n))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct line *line_find(const struct pair *p, struct str name)
{
	const size_t at = place_of(&p->lines, name);

	return at < p->lines.n && str_is(name, p->lines.v[at]->name)
		       ? p->lines.v[at]
		       : NULL;
}

static int grow(struct lines *t)
{
	const size_t cap = t->cap ? t->cap * 2 : 8;
	struct line **v;

	if (t->n < t->cap)
		return 0;
	v = realloc(t->v, cap * sizeof(void *));
	if (!v)
		return ENOMEM;
	t->v = v;
	v = realloc(t->heap, cap * sizeof(void *));
	if (!v)
		return ENOMEM;
	t->heap = v;
	t->cap = cap;
	return 0;
}

int line_add(struct core *c, struct pair *p, struct str name, struct line **out)
{
	struct lines *t = &p->lines;
	const size_t at = place_of(t, name);
	struct line *l;
	int err;

	(void)c;
	*out = NULL;
	if (t->n == LINES_MAX)
		return 0;
	err = grow(t);
	l = err ? NULL : calloc(1, sizeof(*l));
	if (!l)
		return ENOMEM;
	if (str_copy(name, l->name, sizeof(l->name))) {
		free(l);
		return EBADMSG;
	}
	l->wake_ms = NEVER_MS;
	l->wait_no = ROW_WAITING;
	memmove(&t->v[at + 1], &t->v[at], (t->n - at) * sizeof(void *));
	t->v[at] = l;
	l->heap_at = t->n;
	t->heap[t->n++] = l;	/* NEVER_MS belongs at the end */
	*out = l;
	return 0;
}

static void line_free(struct line *l)
{
	agreement_free(l->agreed);
	agreement_free(l->before);
	agreement_free(l->proposal[0].a);
	agreement_free(l->proposal[1].a);
	free(l->done);
	free(l->run);
	free(l);
}

void lines_free(struct lines *t)
{
	for (size_t i = 0; i < t->n; i++)
		line_free(t->v[i]);
	free(t->v);
	free(t->heap);
	*t = (struct lines){0};
}

/* ---- when to look again ---- */

static void heap_put(struct lines *t, size_t at, struct line *l)
{
	t->heap[at] = l;
	l->heap_at = at;
}

static void wake_at(struct lines *t, struct line *l, int64_t ms)
{
	size_t at = l->heap_at;

	l->wake_ms = ms;
	while (at && t->heap[(at - 1) / 2]->wake_ms > ms) {
		heap_put(t, at, t->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t kid = 2 * at + 1;

		if (kid + 1 < t->n &&
		    t->heap[kid + 1]->wake_ms < t->heap[kid]->wake_ms)
			kid++;
		if (kid >= t->n || t->heap[kid]->wake_ms >= ms)
			break;
		heap_put(t, at, t->heap[kid]);
		at = kid;
	}
	heap_put(t, at, l);
}

void line_touch(struct pair *p, struct line *l)
{
	p->lines.dirty = true;
	if (l->touched)
		return;
	l->touched = true;
	l->next_touched = p->lines.touched;
	p->lines.touched = l;
	p->lines.at_ms = 0;
}

void line_unprove(struct pair *p, struct line *l)
{
	l->proven = false;
	l->unproven_at = p->own.tree.size;
	l->restore_at_ms = 0;
	l->dirty = true;
	line_touch(p, l);
}

/* ---- rows ---- */

static void put_words(struct buf *b, const char *s)
{
	buf_u16(b, (uint16_t)strlen(s));
	buf_str(b, s);
}

static void get_words(struct cur *c, char *out, size_t size)
{
	const size_t n = cur_u16(c);
	const uint8_t *p = cur_take(c, n);

	if (!p || str_copy((struct str){(const char *)p, n}, out, size))
		c->bad = true;
}

static void put_word(struct buf *b, const struct word *w)
{
	buf_u8(b, (uint8_t)w->state);
	buf_u64(b, w->version);
	buf_u64(b, (uint64_t)w->since_ms);
	buf_u64(b, (uint64_t)w->until_ms);
	put_words(b, w->reason);
}

static void get_word(struct cur *c, struct word *w)
{
	const uint8_t state = cur_u8(c);

	if (state >= DECLARED_STATES)
		c->bad = true;
	else
		w->state = (enum declared)state;
	w->version = cur_u64(c);
	w->since_ms = (int64_t)cur_u64(c);
	w->until_ms = (int64_t)cur_u64(c);
	get_words(c, w->reason, sizeof(w->reason));
}

static void put_told(struct buf *b, const struct telling *t)
{
	buf_u8(b, t->any);
	buf_u8(b, (uint8_t)t->outcome);
	buf_u64(b, (uint64_t)t->due_ms);
	buf_u64(b, (uint64_t)t->time_ms);
	buf_u64(b, t->seq);
	buf_u64(b, t->seen);
	put_words(b, t->check);
}

static void get_told(struct cur *c, struct telling *t)
{
	uint8_t o;

	t->any = cur_u8(c);
	o = cur_u8(c);
	if (o >= CHECK_OUTCOMES)
		c->bad = true;
	else
		t->outcome = (enum check_outcome)o;
	t->due_ms = (int64_t)cur_u64(c);
	t->time_ms = (int64_t)cur_u64(c);
	t->seq = cur_u64(c);
	t->seen = cur_u64(c);
	get_words(c, t->check, sizeof(t->check));
}

static void put_run(struct buf *b, const struct run *r)
{
	buf_u8(b,
	       (uint8_t)(r->mine | r->drill << 1 | r->answered << 2 |
			 r->present << 3 | r->refused << 4 | r->closed << 5));
	buf_u8(b, (uint8_t)r->kind);
	put_words(b, r->check);
	put_words(b, r->origin);
	buf_u64(b, (uint64_t)r->due_ms);
	buf_u64(b, (uint64_t)r->until_ms);
	buf_u64(b, r->seq);
	buf_u64(b, r->replied);
	buf_u64(b, r->after_ms);
	put_words(b, r->by);
}

static void get_run(struct cur *c, struct run *r)
{
	const uint8_t bits = cur_u8(c), kind = cur_u8(c);

	*r = (struct run){.mine = bits & 1,
			  .drill = bits & 2,
			  .answered = bits & 4,
			  .present = bits & 8,
			  .refused = bits & 16,
			  .closed = bits & 32};
	if (kind >= RUN_KINDS)
		c->bad = true;
	else
		r->kind = (enum run_kind)kind;
	get_words(c, r->check, sizeof(r->check));
	get_words(c, r->origin, sizeof(r->origin));
	r->due_ms = (int64_t)cur_u64(c);
	r->until_ms = (int64_t)cur_u64(c);
	r->seq = cur_u64(c);
	r->replied = cur_u64(c);
	r->after_ms = cur_u64(c);
	get_words(c, r->by, sizeof(r->by));
}

static void put_line(struct buf *b, const struct line *l)
{
	buf_u8(b, LINE_ROW_VERSION);
	for (int i = 0; i < 2; i++) {
		put_word(b, &l->said[i]);
		put_word(b, &l->gone[i]);
		put_told(b, &l->told[i]);
		buf_u64(b, (uint64_t)l->proposal[i].time_ms);
		put_words(b, l->proposal[i].by);
	}
	put_words(b, l->declined);
	buf_u8(b, l->proven);
	buf_u64(b, l->unproven_at);
	buf_u64(b, l->spoke);
	buf_u64(b, l->deciding);
	buf_u64(b, l->answers);
	buf_u64(b, l->wait_no);
	buf_u8(b, l->shown_any);
	buf_u8(b, (uint8_t)l->shown);
	buf_u16(b, (uint16_t)l->dones);
	for (size_t i = 0; i < l->dones; i++) {
		put_words(b, l->done[i].check);
		buf_u64(b, (uint64_t)l->done[i].ms);
	}
	buf_u16(b, (uint16_t)l->runs);
	for (size_t i = 0; i < l->runs; i++)
		put_run(b, &l->run[i]);
}

static int get_dones(struct cur *c, struct line *l)
{
	const size_t n = cur_u16(c);

	if (n > AGREEMENT_CHECKS_MAX)
		return EBADMSG;
	l->done = n ? calloc(n, sizeof(*l->done)) : NULL;
	if (n && !l->done)
		return ENOMEM;
	l->dones = n;
	for (size_t i = 0; i < n; i++) {
		get_words(c, l->done[i].check, sizeof(l->done[i].check));
		l->done[i].ms = (int64_t)cur_u64(c);
	}
	return 0;
}

static int get_line(struct line *l, const uint8_t *m, size_t n)
{
	struct cur c = cur_of(m, n);
	size_t runs;
	int err;

	if (cur_u8(&c) != LINE_ROW_VERSION)
		return EBADMSG;
	for (int i = 0; i < 2; i++) {
		get_word(&c, &l->said[i]);
		get_word(&c, &l->gone[i]);
		get_told(&c, &l->told[i]);
		l->proposal[i].time_ms = (int64_t)cur_u64(&c);
		get_words(&c, l->proposal[i].by, sizeof(l->proposal[i].by));
	}
	get_words(&c, l->declined, sizeof(l->declined));
	l->proven = cur_u8(&c);
	l->unproven_at = cur_u64(&c);
	l->spoke = cur_u64(&c);
	l->deciding = cur_u64(&c);
	l->answers = cur_u64(&c);
	l->wait_no = cur_u64(&c);
	l->shown_any = cur_u8(&c);
	l->shown = (enum line_state)cur_u8(&c);
	err = get_dones(&c, l);
	if (err)
		return err;
	runs = cur_u16(&c);
	if (runs > RUNS_MAX)
		return EBADMSG;
	l->run = runs ? calloc(runs, sizeof(*l->run)) : NULL;
	if (runs && !l->run)
		return ENOMEM;
	l->runs = runs;
	for (size_t i = 0; i < runs; i++)
		get_run(&c, &l->run[i]);
	return cur_done(&c) ? 0 : EBADMSG;
}

static int get_text(struct line *l, uint64_t no, const uint8_t *p, size_t n)
{
	struct proposal *open;

	if (no == ROW_AGREED) {
		digest(p, n, l->hash);
		l->bytes = n;
		return agreement_parse(p, n, &l->agreed, NULL);
	}
	if (no == ROW_BEFORE)
		return agreement_parse(p, n, &l->before, NULL);
	if (no > ROW_PROPOSAL + 1)
		return EBADMSG;
	open = &l->proposal[no - ROW_PROPOSAL];
	digest(p, n, open->hash);
	open->bytes = n;
	return agreement_parse(p, n, &open->a, NULL);
}

struct loading {
	struct core *c;
	struct pair *p;
	struct line *l;
};

static int load_row(const char *name, uint64_t no, const uint8_t *p, size_t n,
		    void *arg)
{
	struct loading *g = arg;
	int err = 0;

	if (!g->l || strcmp(g->l->name, name)) {
		err = line_add(g->c, g->p, str_of(name), &g->l);
		if (!err && !g->l)
			err = EBADMSG;
		if (!err)
			line_touch(g->p, g->l);
	}
	if (err)
		return err;
	if (no >= ROW_WAITING) {
		g->l->waiting++;
		return 0;
	}
	return no == ROW_STATE ? get_line(g->l, p, n)
			       : get_text(g->l, no, p, n);
}

int lines_load(struct core *c, struct pair *p)
{
	struct loading g = {c, p, NULL};

	p->lines.at_ms = UINT64_MAX;
	return DB(c, row_each, p->no, load_row, &g);
}

int lines_save(struct core *c, struct pair *p)
{
	struct buf b;
	int err = 0;

	if (!p->lines.dirty)
		return 0;
	buf_init(&b, LINE_ROW_BYTES_MAX);
	for (size_t i = 0; i < p->lines.n && !err; i++) {
		struct line *l = p->lines.v[i];

		if (!l->dirty)
			continue;
		buf_reset(&b);
		put_line(&b, l);
		err = b.err ? b.err
			    : DB(c, row_put, p->no, l->name, ROW_STATE, b.p,
				 b.n);
		l->dirty = false;
	}
	buf_free(&b);
	p->lines.dirty = false;
	return err;
}

/* ---- states ---- */

const struct agreement *line_agreement(const struct line *l, int64_t wall_ms)
{
	if (l->agreed && wall_ms >= l->agreed->from_ms)
		return l->agreed;
	return l->before;
}

static bool is_gone(const struct line *l, enum side s)
{
	return l->agreed && l->gone[s].version == l->agreed->version;
}

static bool says(const struct line *l, enum side s, enum declared what,
		 int64_t wall_ms)
{
	const struct word *w = &l->said[s];

	return w->since_ms && w->state == what &&
	       !(what == DECLARED_SUSPENDED && w->until_ms &&
		 wall_ms >= w->until_ms);
}

/* Whose result tells: that of the side that had seen the other's; of two that
   nobody had seen, the pivot's.  No clock has a say in it. */
static int teller(const struct pair *p, const struct line *l)
{
	const struct telling *own = &l->told[SIDE_OWN],
			     *peer = &l->told[SIDE_PEER];

	if (!own->any || !peer->any)
		return own->any ? SIDE_OWN : peer->any ? SIDE_PEER : -1;
	if (own->seen > peer->seq)
		return SIDE_OWN;
	if (peer->seen > own->seq)
		return SIDE_PEER;
	return p->names.own_pivot ? SIDE_OWN : SIDE_PEER;
}

enum line_state line_state_at(const struct pair *p, const struct line *l,
			      int64_t wall_ms)
{
	static const struct {
		enum declared what;
		enum line_state state[2];
	} row[] = {
		{DECLARED_CLOSED, {LINE_CLOSED_BY_US, LINE_CLOSED_BY_THEM}},
		{DECLARED_SUSPENDED,
		 {LINE_SUSPENDED_BY_US, LINE_SUSPENDED_BY_THEM}},
		{DECLARED_FAULT, {LINE_FAULT_HERE, LINE_FAULT_THERE}},
	};
	const struct agreement *a = line_agreement(l, wall_ms);
	int by;

	if (!l->agreed || !a)
		return LINE_PROPOSED;
	for (size_t i = 0; i < 3; i++) {
		for (int s = SIDE_OWN; s <= SIDE_PEER; s++) {
			if (says(l, (enum side)s, row[i].what, wall_ms) ||
			    (!i && is_gone(l, (enum side)s)))
				return row[i].state[s];
		}
	}
	if (!p->s.paths || !p->s.known)
		return LINE_DOWN;
	if (!agreement_open_at(a, wall_ms))
		return LINE_OUTSIDE_HOURS;
	by = teller(p, l);
	if (by >= 0 && l->told[by].outcome == CHECK_REFUSED)
		return LINE_REFUSED;
	if (by >= 0 && l->told[by].outcome == CHECK_UNATTENDED)
		return LINE_UNATTENDED;
	return LINE_OPEN;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Since when, by whose word and why: the columns of docs/lines.md 4 */
static void explain(const struct pair *p, const struct line *l, int64_t wall_ms,
		    struct line_view *v)
{
	const struct agreement *a = line_agreement(l, wall_ms);
	const int by = teller(p, l);
	const enum side side =
		v->state == LINE_CLOSED_BY_THEM ||
				v->state == LINE_SUSPENDED_BY_THEM ||
				v->state == LINE_FAULT_THERE
				       ? SIDE_PEER
			: SIDE_OWN;
	const struct word *w = &l->said[side];

	v->word_of = (int)side;
	switch (v->state) {
	case LINE_PROPOSED:
		v->word_of = l->proposal[SIDE_OWN].a ? SIDE_OWN : SIDE_PEER;
		v->since_ms = l->agreed ? l->agreed->from_ms
					: l->proposal[v->word_of].time_ms;
		break;
	case LINE_DOWN: v->since_ms = p->proof_ms; break;
	case LINE_OUTSIDE_HOURS:
		v->word_of = -1;
		v->since_ms = agreement_hours_since(a, wall_ms);
		break;
	case LINE_REFUSED:
	case LINE_UNATTENDED:
		v->word_of = by;
		v->since_ms = l->told[by].time_ms;
		break;
	case LINE_OPEN:
		v->word_of = -1;
		v->since_ms = later(agreement_hours_since(a, wall_ms),
				    p->lines.session_ms);
		for (int i = 0; i < 2; i++)
			v->since_ms = later(v->since_ms, l->said[i].since_ms);
		if (by >= 0)
			v->since_ms = later(v->since_ms, l->told[by].time_ms);
		break;
	default:
		if (is_gone(l, side))
			w = &l->gone[side];
		v->since_ms = w->since_ms;
		v->until_ms = w->until_ms;
		v->reason = w->reason;
		break;
	}
}

/* ---- turns ---- */

int line_event(struct core *c, struct pair *p, const struct line *l,
	       enum line_event event, uint64_t seq, enum check_outcome o)
{
	struct queued *q = core_queue(c, ACTION_LINE, 0);

	if (!q)
		return ENOMEM;
	q->a.pair = p->no;
	q->a.event = event;
	q->a.seq = seq;
	q->a.outcome = o;
	snprintf(q->a.line, sizeof(q->a.line), "%s", l->name);
	return 0;
}

/* The text before it is needed no more */
static int settle(struct core *c, struct pair *p, struct line *l,
		  int64_t wall_ms)
{
	if (!l->before || wall_ms < l->agreed->from_ms)
		return 0;
	l->before = agreement_free(l->before);
	return DB(c, row_put, p->no, l->name, ROW_BEFORE, NULL, 0);
}

/* Instants at which the state changes by itself */
static int64_t next_change(const struct line *l, int64_t wall_ms)
{
	const struct agreement *a = line_agreement(l, wall_ms);
	int64_t at = a ? agreement_hours_next(a, wall_ms) : NEVER_MS;

	if (l->agreed && l->agreed->from_ms > wall_ms &&
	    l->agreed->from_ms < at)
		at = l->agreed->from_ms;
	for (int i = 0; i < 2; i++) {
		if (says(l, (enum side)i, DECLARED_SUSPENDED, wall_ms) &&
		    l->said[i].until_ms && l->said[i].until_ms < at)
			at = l->said[i].until_ms;
	}
	return at;
}

static int review(struct core *c, struct pair *p, struct line *l,
		  struct now now)
{
	int64_t wake = next_change(l, now.wall_ms);
	enum line_state state;
	bool more = false;
	int err = settle(c, p, l, now.wall_ms);

	if (!err)
		err = check_review(c, p, l, now, &wake);
	if (!err)
		err = waiting_release(c, p, now, l, &more);
	if (err)
		return err;
	state = line_state_at(p, l, now.wall_ms);
	if (!l->shown_any || l->shown != state) {
		err = line_event(c, p, l, LINE_EVENT_STATE, 0, CHECK_OUTCOMES);
		l->shown_any = l->dirty = true;
		l->shown = state;
	}
	if (more)
		line_touch(p, l);
	wake_at(&p->lines, l, wake);
	p->lines.dirty |= l->dirty;
	return err;
}

/* A clock set forward: what lies between never was.  Set back: it never ran so
   far ahead. */
static void watch_clock(struct core *c, struct lines *t, struct now now)
{
	const int64_t went = now.wall_ms - t->last.wall_ms;

	if (t->last.mono_ms &&
	    went > (int64_t)(now.mono_ms - t->last.mono_ms) + CLOCK_AHEAD_MS)
		c->started_ms = now.wall_ms;
	if (c->started_ms > now.wall_ms)
		c->started_ms = now.wall_ms;
	t->last = now;
}

static void collect(struct pair *p, struct now now)
{
	struct lines *t = &p->lines;
	const bool session = p->s.paths && p->s.known;

	if (session != t->session) {
		t->session = session;
		t->session_ms = now.wall_ms;
		for (size_t i = 0; i < t->n; i++)
			line_touch(p, t->v[i]);
	}
	while (t->n && t->heap[0]->wake_ms <= now.wall_ms) {
		struct line *l = t->heap[0];

		wake_at(t, l, NEVER_MS);
		line_touch(p, l);
	}
}

/* A batch must fit under a checkpoint of its own */
static bool batch_full(const struct pair *p)
{
	return p->own.tree.size - p->own.signed_size >= BATCH_ENTRIES_MAX / 2 ||
	       p->own.bytes - p->signed_bytes >= BATCH_BYTES_MAX / 2;
}

int lines_turn(struct core *c, struct pair *p, struct now now)
{
	struct lines *t = &p->lines;
	struct line *l;
	int batches = 0, err = 0;

	/* after a restore: nothing before all that we said is known again */
	if (!t->n || p->folded[SIDE_OWN] != p->own.tree.size)
		return 0;
	watch_clock(c, t, now);
	collect(p, now);
	l = t->touched;
	t->touched = NULL;
	while (l && !err) {
		struct line *next = l->next_touched;

		l->touched = false;
		if (batch_full(p) && ++batches < BATCHES_MAX)
			err = own_sign(c, p, now);
		if (batch_full(p))	/* the others come next turn */
			line_touch(p, l);
		else if (!err)
			err = review(c, p, l, now);
		l = next;
	}
	for (; l; l = l->next_touched)	/* after an error: void anyway */
		l->touched = false;
	t->at_ms = UINT64_MAX;
	if (t->touched || t->heap[0]->wake_ms <= now.wall_ms)
		t->at_ms = now.mono_ms;
	else if (t->heap[0]->wake_ms != NEVER_MS)
		t->at_ms = now.mono_ms +
			   (uint64_t)(t->heap[0]->wake_ms - now.wall_ms);
	return err;
}

/* ---- looking ---- */

static void view_calls(const struct line *l, const struct agreement *a,
		       struct line_view *v)
{
	for (size_t i = 0; i < l->runs && v->calls < CHECK_CALLS_MAX; i++) {
		const struct run *r = &l->run[i];
		struct check_call *call = &v->call[v->calls];

		if (r->mine || r->closed)
			continue;
		*call = (struct check_call){.seq = r->seq,
					    .check = r->check,
					    .kind = run_kind_name(r->kind),
					    .role = "",
					    .due_ms = r->due_ms,
					    .until_ms = r->until_ms,
					    .drill = r->drill};
		for (size_t k = 0; a && k < a->checks; k++) {
			if (!strcmp(a->check[k].name, r->check) &&
			    a->check[k].role)
				call->role = a->check[k].role;
		}
		v->calls++;
	}
}

static void view_next(const struct line *l, const struct agreement *a,
		      struct line_view *v)
{
	v->next_due_ms = NEVER_MS;
	v->next_check = "";
	for (size_t i = 0; a && i < a->checks; i++) {
		for (size_t k = 0; k < l->dones; k++) {
			int64_t due;

			if (strcmp(l->done[k].check, a->check[i].name) != 0)
				continue;
			due = agreement_check_next(a, i, l->done[k].ms);
			if (due < v->next_due_ms) {
				v->next_due_ms = due;
				v->next_check = a->check[i].name;
			}
		}
	}
}

static void view(const struct pair *p, const struct line *l, int64_t wall_ms,
		 struct line_view *v)
{
	const struct agreement *a = line_agreement(l, wall_ms);
	const int by = teller(p, l);

	*v = (struct line_view){.pair = p->no,
				.name = l->name,
				.state = line_state_at(p, l, wall_ms),
				.reason = "",
				.agreement = l->agreed,
				.hash = l->agreed ? l->hash : NULL,
				.begins = l->agreed &&
					  wall_ms < l->agreed->from_ms,
				.declined = l->declined,
				.proven = l->proven,
				.waiting = l->waiting,
				.last_check = ""};
	explain(p, l, wall_ms, v);
	for (int i = 0; i < 2; i++) {
		const struct proposal *o = &l->proposal[i];

		v->proposal[i] = o->a;
		v->proposal_hash[i] = o->a ? o->hash : NULL;
		v->proposal_by[i] = o->a ? o->by : "";
	}
	if (by >= 0) {
		v->told = true;
		v->last_outcome = l->told[by].outcome;
		v->last_check = l->told[by].check;
		v->last_due_ms = l->told[by].due_ms;
	}
	view_next(l, a, v);
	view_calls(l, a, v);
}

int core_line_each(struct core *c, struct now now, uint32_t pair,
		   line_view_h *h, void *arg)
{
	const struct pair *p = pair < PAIRS_MAX ? c->pair[pair] : NULL;
	struct line_view v;
	int err = 0;

	for (size_t i = 0; p && i < p->lines.n && !err; i++) {
		view(p, p->lines.v[i], now.wall_ms, &v);
		err = h(&v, arg);
	}
	return err;
}

bool core_line_get(struct core *c, struct now now, uint32_t pair,
		   const char *name, struct line_view *out)
{
	const struct pair *p = pair < PAIRS_MAX ? c->pair[pair] : NULL;
	const struct line *l = p ? line_find(p, str_of(name)) : NULL;

	if (l)
		view(p, l, now.wall_ms, out);
	return l;
}

int core_line_text(struct core *c, uint32_t pair, const char *name, int which,
		   struct buf *out)
{
	static const uint64_t row[] = {ROW_AGREED, ROW_PROPOSAL,
				       ROW_PROPOSAL + 1};
	const struct pair *p = pair < PAIRS_MAX ? c->pair[pair] : NULL;
	uint64_t no;
	int err;

	if (!p || which < 0 || which > 2 || !line_find(p, str_of(name)))
		return ENOENT;
	err = DB(c, row_next, pair, name, row[which], &no, out);
	return !err && no != row[which] ? ENOENT : err;
}

void core_path_word(struct core *c, uint32_t pair, uint8_t path,
		    const char *words)
{
	struct pair *p = pair < PAIRS_MAX ? c->pair[pair] : NULL;

	if (p && path < PATHS_MAX)
		snprintf(p->lines.path_word[path],
			 sizeof(p->lines.path_word[path]), "%s", words);
}

/* ---- names ---- */

const char *line_state_name(enum line_state s)
{
	static const char *const name[LINE_STATES] = {
		"proposed",          "closed-by-us",
		"closed-by-them",    "suspended-by-us",
		"suspended-by-them", "fault-here",
		"fault-there",       "down",
		"outside-hours",     "refused",
		"unattended",        "open"};

	return s < LINE_STATES ? name[s] : "?";
}

const char *check_outcome_name(enum check_outcome o)
{
	static const char *const name[CHECK_OUTCOMES] = {"answered",
							 "answered-late",
							 "unattended",
							 "refused",
							 "path-down",
							 "fault-declared-here",
							 "fault-declared-there",
							 "outside-hours",
							 "suspended"};

	return o < CHECK_OUTCOMES ? name[o] : "?";
}

const char *declared_name(enum declared d)
{
	static const char *const name[DECLARED_STATES] = {"open", "closed",
							  "suspended", "fault"};

	return d < DECLARED_STATES ? name[d] : "?";
}
