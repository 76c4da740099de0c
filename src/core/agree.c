/* SPDX-License-Identifier: ISC */
/** @file agree.c  Agreements, declarations, and what people order of a line */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "core/state.h"

static enum side side_of(bool own)
{
	return own ? SIDE_OWN : SIDE_PEER;
}

void line_words(char out[LINE_WORDS_CHARS], struct str s)
{
	size_t n = s.n < LINE_WORDS_CHARS - 1 ? s.n : LINE_WORDS_CHARS - 1;

	while (n && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	memcpy(out, s.p, n);
	out[n] = '\0';
}

int line_not_agreed(struct core *c, struct pair *p, const struct line *l,
		    uint64_t seq)
{
	c->counter[COUNT_NOT_AGREED]++;
	return l ? line_event(c, p, l, LINE_EVENT_NOT_AGREED, seq,
			      CHECK_OUTCOMES)
		 : 0;
}

/* ---- each feed in its order ---- */

/* Ours, of an agreement: until it is placed, what it decides is open */
static void fold_decision(struct line *l, const struct entry *e)
{
	l->deciding = e->env.seq + 1;
	l->dirty = true;
}

/* Own entries that stand in the joint record */
static uint64_t own_placed(const struct pair *p)
{
	return p->names.own_pivot ? p->joint_pivot
				  : p->joint.size - p->joint_pivot;
}

static void fold_declare(struct pair *p, bool own, struct line *l,
			 const struct entry *e)
{
	struct word *w = &l->said[side_of(own)];
	const struct str state = entry_get(e, "state");

	w->state = DECLARED_OPEN;
	for (int i = 0; i < DECLARED_STATES; i++) {
		if (str_is(state, declared_name((enum declared)i)))
			w->state = (enum declared)i;
	}
	w->since_ms = e->env.time_ms;
	if (stamp_parse(entry_get(e, "until"), &w->until_ms))
		w->until_ms = 0;	/* none */
	line_words(w->reason, entry_get(e, "reason"));
	line_unprove(p, l);
}

/* At once when its version is known to be agreed; else, when it came with the
   `accept`, from its place in the joint record */
static void fold_withdraw(struct pair *p, bool own, struct line *l,
			  const struct entry *e)
{
	struct word *w = &l->gone[side_of(own)];
	uint64_t version;

	if (uint_parse(entry_get(e, "version"), &version) ||
	    version != l->agreed->version || version == w->version)
		return;	/* stale, or known */
	w->version = version;
	w->state = DECLARED_CLOSED;
	w->since_ms = e->env.time_ms;
	line_words(w->reason, entry_get(e, "reason"));
	line_unprove(p, l);
}

static int fold_item(struct core *c, struct pair *p, bool own,
		     const struct entry *e)
{
	const struct str name = entry_get(e, "line");
	struct line *l = name.n ? line_find(p, name) : NULL;
	const struct agreement *a =
		l ? line_agreement(l, c->now.wall_ms) : NULL;
	const unsigned needs = e->kind == ENTRY_DOCUMENT
				       ? AGREEMENT_NOTICE | AGREEMENT_FAX
				       : AGREEMENT_NOTICE;

	if (own)
		return l && entry_get(e, "written").n
			       ? waiting_gone(c, p, l, entry_get(e, "id"))
			       : 0;
	if (!name.n || (a && a->media & needs))
		return 0;
	return line_not_agreed(c, p, l, e->env.seq);
}

static void fold_trunk(struct pair *p, const struct entry *e)
{
	if (!str_is(entry_get(e, "state"), "down"))
		return;
	for (size_t i = 0; i < p->lines.n; i++)
		line_unprove(p, p->lines.v[i]);
}

static int fold(struct core *c, struct pair *p, bool own, const struct entry *e)
{
	struct line *l;

	switch (e->kind) {
	case ENTRY_LINE:
		if (own)
			fold_trunk(p, e);
		return 0;
	case ENTRY_NOTICE:
	case ENTRY_DOCUMENT: return fold_item(c, p, own, e);
	case ENTRY_ACCEPT:
	case ENTRY_DECLINE:
		l = own ? line_find(p, entry_get(e, "line")) : NULL;
		if (l)
			fold_decision(l, e);
		return 0;
	case ENTRY_WITHDRAW:
	case ENTRY_DECLARE:
	case ENTRY_CHECK:
	case ENTRY_ANSWER:
	case ENTRY_ATTEND:
	case ENTRY_RESULT: break;
	default: return 0;
	}
	l = line_find(p, entry_get(e, "line"));
	if (!l || !l->agreed)
		return own ? 0 : line_not_agreed(c, p, l, e->env.seq);
	l->dirty = true;
	line_touch(p, l);
	if (e->kind == ENTRY_WITHDRAW && own)
		fold_decision(l, e);
	if (e->kind == ENTRY_WITHDRAW)
		fold_withdraw(p, own, l, e);
	else if (e->kind == ENTRY_DECLARE)
		fold_declare(p, own, l, e);
	else
		return check_fold(c, p, own, l, e);
	return 0;
}

int lines_see(struct core *c, struct pair *p, enum side s, uint64_t seq,
	      const struct entry *e)
{
	if (p->folded[s] != seq)
		return 0;
	p->folded[s]++;
	return fold(c, p, s == SIDE_OWN, e);
}

struct learning {
	struct core *c;
	struct pair *p;
	enum side s;
};

static int learn(const struct db_entry *d, void *arg)
{
	const struct learning *g = arg;
	struct entry e;

	if (d->seen > g->p->folded[!g->s])
		return EAGAIN;
	g->p->folded[g->s]++;
	g->p->dirty = true;
	if ((d->kind != ENTRY_LINE && d->kind != ENTRY_NOTICE &&
	     d->kind != ENTRY_DOCUMENT && d->kind < ENTRY_PROPOSE) ||
	    entry_parse(d->p, d->n, &e))
		return 0;
	return fold(g->c, g->p, g->s == SIDE_OWN, &e);
}

/* The feeds name each other: go from one to the other as long as it helps */
int lines_learn(struct core *c, struct pair *p)
{
	const uint64_t size[2] = {p->own.tree.size, p->peer.tree.size};
	uint64_t before;
	int err = 0;

	do {
		before = p->folded[0] + p->folded[1];
		for (int s = 0; s < 2 && !err; s++) {
			struct learning g = {c, p, (enum side)s};

			if (p->folded[s] == size[s])
				continue;
			err = DB(c, entry_walk, feed_id(p->no, (enum feed_of)s),
				 p->folded[s], size[s] - p->folded[s], false,
				 learn, &g);
			err = err == EAGAIN ? 0 : err;
		}
	} while (!err && p->folded[0] + p->folded[1] != before);
	return err;
}

/* ---- the joint record ---- */

static bool replaces_it(const struct agreement *a, const struct line *l)
{
	if (!l->agreed)
		return a->version == 1 && !a->replaces_any;
	return a->version == l->agreed->version + 1 && a->replaces_any &&
	       !memcmp(a->replaces, l->hash, DIGEST_BYTES);
}

static bool between_us(const struct core *c, const struct pair *p,
		       const struct agreement *a)
{
	return agreement_side(a, c->conf.name) >= 0 &&
	       agreement_side(a, p->peer_card.name) >= 0;
}

static int proposal_close(struct core *c, struct pair *p, struct line *l,
			  enum side s)
{
	struct proposal *o = &l->proposal[s];

	if (!o->a)
		return 0;
	o->a = agreement_free(o->a);
	return DB(c, row_put, p->no, l->name, ROW_PROPOSAL + (uint64_t)s, NULL,
		  0);
}

/* No lie when it crossed what we said: its author had not seen that */
static int stale(struct core *c, struct pair *p, bool own, const struct line *l,
		 const struct entry *e)
{
	return own || (l && e->env.seen < l->spoke)
		       ? 0
		       : line_not_agreed(c, p, l, e->env.seq);
}

/* Of lines that nobody has agreed on: each text is kept here */
static size_t offers(const struct pair *p, enum side s)
{
	size_t n = 0;

	for (size_t i = 0; i < p->lines.n; i++)
		n += !p->lines.v[i]->agreed && p->lines.v[i]->proposal[s].a;
	return n;
}

static int agree_propose(struct core *c, struct pair *p, bool own,
			 const struct entry *e, uint64_t version)
{
	const struct str name = entry_get(e, "line");
	struct line *l = line_find(p, name);
	struct agreement *a = NULL;
	struct proposal *o;
	int err = agreement_parse(e->text.p, e->text.n, &a, NULL);

	if (err)
		return err == EBADMSG ? line_not_agreed(c, p, l, e->env.seq)
				      : err;
	if (!str_is(name, a->line) || a->version != version ||
	    !between_us(c, p, a) || (!l && a->version != 1) ||
	    (l && !replaces_it(a, l)) ||
	    (!l && offers(p, side_of(own)) >= PROPOSALS_MAX)) {
		agreement_free(a);
		return stale(c, p, own, l, e);
	}
	if (!l)
		err = line_add(c, p, name, &l);
	if (!err && l)
		err = proposal_close(c, p, l, side_of(own));
	if (err || !l) {
		agreement_free(a);
		return err;
	}
	o = &l->proposal[side_of(own)];
	o->a = a;
	digest(e->text.p, e->text.n, o->hash);
	o->bytes = e->text.n;
	o->time_ms = e->env.time_ms;
	line_words(o->by, entry_get(e, "by"));
	if (own) {
		l->declined[0] = '\0';
		l->spoke = e->env.seq + 1;
	}
	err = DB(c, row_put, p->no, l->name,
		 ROW_PROPOSAL + (uint64_t)side_of(own),
		 (const uint8_t *)e->text.p, e->text.n);
	l->dirty = true;
	line_touch(p, l);
	return err ? err
		   : line_event(c, p, l, LINE_EVENT_PROPOSAL, e->env.seq,
				CHECK_OUTCOMES);
}

/* The proposal of the other side becomes what is agreed.  What was agreed goes
   on until then, if it held when that was signed: by the signer's clock, the
   same at both ends. */
static int agreed_now(struct core *c, struct pair *p, struct line *l,
		      enum side proposer, int64_t signed_ms)
{
	struct proposal *o = &l->proposal[proposer];
	struct buf text;
	uint64_t no;
	int err;

	buf_init(&text, ROW_BYTES_MAX);
	err = DB(c, row_next, p->no, l->name, ROW_AGREED, &no, &text);
	if (err == ENOENT || (!err && no != ROW_AGREED)) {
		err = 0;	/* the first */
	} else if (!err && l->agreed->from_ms <= signed_ms) {
		err = DB(c, row_put, p->no, l->name, ROW_BEFORE, text.p,
			 text.n);
		agreement_free(l->before);
		l->before = l->agreed;
		l->agreed = NULL;
	}
	if (!err)
		err = DB(c, row_next, p->no, l->name,
			 ROW_PROPOSAL + (uint64_t)proposer, &no, &text);
	if (!err)
		err = DB(c, row_put, p->no, l->name, ROW_AGREED, text.p,
			 text.n);
	buf_free(&text);
	agreement_free(l->agreed);
	l->agreed = o->a;
	o->a = NULL;
	memcpy(l->hash, o->hash, DIGEST_BYTES);
	l->bytes = o->bytes;
	if (!err)
		err = DB(c, row_put, p->no, l->name,
			 ROW_PROPOSAL + (uint64_t)proposer, NULL, 0);
	if (!err)
		err = proposal_close(c, p, l, (enum side) !proposer);
	return err ? err : check_schedule(c, l);
}

static bool names_it(const struct entry *e, const struct proposal *o)
{
	struct str v = entry_get(e, "agreement"), hash = str_cut(&v, ' ');
	uint8_t h[DIGEST_BYTES];
	uint64_t bytes, version;

	return o->a &&
	       !hex_decode((struct str){hash.p + 7, hash.n - 7}, h,
			   sizeof(h)) &&
	       !uint_parse(v, &bytes) && bytes == o->bytes &&
	       !memcmp(h, o->hash, sizeof(h)) &&
	       !uint_parse(entry_get(e, "version"), &version) &&
	       version == o->a->version;
}

static int agree_answer(struct core *c, struct pair *p, bool own,
			const struct entry *e, struct line *l)
{
	const enum side proposer = side_of(!own);
	int err;

	if (!names_it(e, &l->proposal[proposer]))
		return stale(c, p, own, l, e);
	if (e->kind == ENTRY_ACCEPT) {
		err = agreed_now(c, p, l, proposer, e->env.time_ms);
	} else {
		err = proposal_close(c, p, l, proposer);
		if (!own)
			line_words(l->declined, entry_get(e, "reason"));
	}
	l->dirty = true;
	line_touch(p, l);
	return err ? err
		   : line_event(c, p, l,
				e->kind == ENTRY_ACCEPT ? LINE_EVENT_AGREED
							: LINE_EVENT_PROPOSAL,
				e->env.seq, CHECK_OUTCOMES);
}

int line_agree(struct core *c, struct pair *p, bool own,
	       const struct db_entry *d)
{
	struct entry e;
	struct line *l;
	uint64_t version;
	int err = 0;

	if (!line_agrees(d->kind) || entry_parse(d->p, d->n, &e) ||
	    uint_parse(entry_get(&e, "version"), &version))
		return 0;
	if (e.kind == ENTRY_PROPOSE)
		return agree_propose(c, p, own, &e, version);
	l = line_find(p, entry_get(&e, "line"));
	if (!l)
		return own ? 0 : line_not_agreed(c, p, NULL, e.env.seq);
	if (own)
		l->spoke = e.env.seq + 1;
	if (e.kind != ENTRY_WITHDRAW)
		return agree_answer(c, p, own, &e, l);
	if (!l->agreed || l->agreed->version != version)
		return 0;
	for (int s = 0; s < 2 && !err; s++)
		err = proposal_close(c, p, l, (enum side)s);
	fold_withdraw(p, own, l, &e);
	l->dirty = true;
	line_touch(p, l);
	return err;
}

/* ---- orders of people ---- */

static int answer(struct core *c, const struct line_order *o, enum answer a,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static int answer(struct core *c, const struct line_order *o, enum answer a,
		  const char *fmt, ...)
{
	struct queued *q = core_queue(c, ACTION_ANSWER, 0);
	va_list ap;

	if (!q)
		return ENOMEM;
	q->a.request = o->request;
	q->a.answer = a;
	va_start(ap, fmt);
	vsnprintf(q->reason, sizeof(q->reason), fmt, ap);
	va_end(ap);
	return 0;
}

static int written(struct core *c, const struct pair *p,
		   const struct line_order *o, int err)
{
	if (err == EINVAL || err == EMSGSIZE)
		return answer(c, o, ANSWER_BAD,
			      "a name, reason or text breaks the grammar of "
			      "the record, or is too long");
	return err ? err
		   : core_answer(c, o->request, ANSWER_OK, p->own.tree.size - 1,
				 false);
}

/* May it be proposed?  *no: it may not, and that was answered. */
static int may_propose(struct core *c, const struct pair *p,
		       const struct line_order *o, const struct agreement *a,
		       bool *no)
{
	const struct line *l = line_find(p, str_of(o->line));

	*no = true;
	if (strcmp(a->line, o->line) != 0)
		return answer(c, o, ANSWER_BAD, "the text is of line %s",
			      a->line);
	if (!between_us(c, p, a))
		return answer(c, o, ANSWER_BAD,
			      "`sides` are not this exchange and %s",
			      p->peer_card.name);
	if (l && l->deciding > own_placed(p))
		return answer(c, o, ANSWER_NOT_NOW,
			      "what was decided here last has not been seen by "
			      "the other side yet");
	if (l ? !replaces_it(a, l) : a->version != 1)
		return answer(c, o, ANSWER_NOT_NOW,
			      "version and `replaces` do not follow the newest "
			      "agreed text: version %" PRIu64
			      " is expected, replacing the hash that `line "
			      "show` gives",
			      l && l->agreed ? l->agreed->version + 1
					     : (uint64_t)1);
	if (!l && offers(p, SIDE_OWN) >= PROPOSALS_MAX)
		return answer(c, o, ANSWER_NOT_NOW,
			      "%d proposals of new lines are open; the other "
			      "side is to answer them first",
			      PROPOSALS_MAX);
	if (!l && p->lines.n == LINES_MAX)
		return answer(c, o, ANSWER_NOT_NOW,
			      "there are %d lines already", LINES_MAX);
	*no = false;
	return 0;
}

static int do_propose(struct core *c, struct pair *p, struct now now,
		      const struct line_order *o)
{
	struct agreement_fault why = {0};
	struct agreement *a = NULL;
	bool no = true;
	int err = agreement_parse(o->text, o->text_n, &a, &why);

	if (err == EBADMSG)
		return answer(c, o, ANSWER_BAD, "line %u of the agreement: %s",
			      why.line, why.rule);
	if (!err)
		err = may_propose(c, p, o, a, &no);
	if (!err && !no)
		err = own_begin(c, p, now, "propose");
	if (!err && !no) {
		entry_field(&c->scratch, "line", "%s", o->line);
		entry_field(&c->scratch, "version", "%" PRIu64, a->version);
		entry_field(&c->scratch, "by", "%s", o->by);
		err = own_append_text(c, p, ENTRY_PROPOSE, o->text, o->text_n);
	}
	agreement_free(a);
	return no ? err : written(c, p, o, err);
}

static int do_answer(struct core *c, struct pair *p, struct now now,
		     const struct line_order *o, const struct line *l)
{
	const struct proposal *open = &l->proposal[SIDE_PEER];
	const bool yes = o->act == LINE_ACCEPT;
	char hex[2 * DIGEST_BYTES + 1];
	int err;

	if (!open->a || memcmp(open->hash, o->hash, DIGEST_BYTES) != 0)
		return answer(c, o, ANSWER_NOT_NOW,
			      "%s has no open proposal of this text; look at "
			      "it again",
			      p->peer_card.name);
	if (l->deciding > own_placed(p))
		return answer(c, o, ANSWER_NOT_NOW,
			      "it was answered; the other side has not seen "
			      "that yet");
	err = own_begin(c, p, now, yes ? "accept" : "decline");
	if (err)
		return err;
	hex_encode(open->hash, DIGEST_BYTES, hex);
	entry_field(&c->scratch, "line", "%s", o->line);
	entry_field(&c->scratch, "version", "%" PRIu64, open->a->version);
	entry_field(&c->scratch, "agreement", "sha256:%s %" PRIu64, hex,
		    open->bytes);
	entry_field(&c->scratch, "by", "%s", o->by);
	if (!yes)
		entry_field(&c->scratch, "reason", "%s", o->reason);
	return written(c, p, o,
		       own_append(c, p, yes ? ENTRY_ACCEPT : ENTRY_DECLINE,
				  NULL, 0, NULL));
}

static int do_withdraw(struct core *c, struct pair *p, struct now now,
		       const struct line_order *o, const struct line *l)
{
	const uint64_t version = l->agreed ? l->agreed->version : 0;
	int err;

	if (!version || l->gone[SIDE_OWN].version == version)
		return answer(c, o, ANSWER_NOT_NOW,
			      "no agreement of this line is in force here");
	err = own_begin(c, p, now, "withdraw");
	if (err)
		return err;
	entry_field(&c->scratch, "line", "%s", o->line);
	entry_field(&c->scratch, "version", "%" PRIu64, version);
	entry_field(&c->scratch, "by", "%s", o->by);
	entry_field(&c->scratch, "reason", "%s", o->reason);
	return written(c, p, o,
		       own_append(c, p, ENTRY_WITHDRAW, NULL, 0, NULL));
}

static int do_declare(struct core *c, struct pair *p, struct now now,
		      const struct line_order *o, const struct line *l)
{
	char until[STAMP_CHARS + 1];
	int err;

	if (!l->agreed || o->declared >= DECLARED_STATES)
		return answer(c, o, ANSWER_NOT_NOW,
			      "no agreement of this line is in force here");
	err = own_begin(c, p, now, "declare");
	if (err)
		return err;
	entry_field(&c->scratch, "line", "%s", o->line);
	entry_field(&c->scratch, "state", "%s", declared_name(o->declared));
	if (o->declared == DECLARED_SUSPENDED && o->until_ms > 0) {
		stamp_print(o->until_ms, until);
		entry_field(&c->scratch, "until", "%s", until);
	}
	entry_field(&c->scratch, "by", "%s", o->by);
	entry_field(&c->scratch, "reason", "%s", o->reason);
	return written(c, p, o, own_append(c, p, ENTRY_DECLARE, NULL, 0, NULL));
}

static int do_check(struct core *c, struct pair *p, struct now now,
		    const struct line_order *o, struct line *l)
{
	const struct agreement *a = line_agreement(l, now.wall_ms);
	struct run r = {.mine = true,
			.kind = RUN_UNANNOUNCED,
			.drill = o->drill,
			.due_ms = now.wall_ms};
	const enum line_state state = line_state_at(p, l, now.wall_ms);

	if (!a || !a->unannounced_ms)
		return answer(c, o, ANSWER_NOT_NOW,
			      "the agreement has no unannounced checks");
	if (state < LINE_REFUSED)
		return answer(c, o, ANSWER_NOT_NOW, "the line is %s",
			      line_state_name(state));
	for (size_t i = 0; i < l->runs; i++) {
		if (l->run[i].mine && l->run[i].kind == RUN_UNANNOUNCED &&
		    !l->run[i].closed)
			return answer(c, o, ANSWER_NOT_NOW,
				      "such a check is under way");
	}
	snprintf(r.check, sizeof(r.check), "unannounced");
	line_words(r.by, str_of(o->by));
	return written(c, p, o, check_ask(c, p, l, now, &r));
}

static int do_attend(struct core *c, struct pair *p, struct now now,
		     const struct line_order *o, const struct line *l)
{
	const struct run *r = check_run(l, false, o->seq);
	char due[STAMP_CHARS + 1];
	int err;

	if (!r || r->closed)
		return answer(c, o, ANSWER_NOT_NOW,
			      "no check of this number waits for a person");
	err = own_begin(c, p, now, "attend");
	if (err)
		return err;
	stamp_print(r->due_ms, due);
	entry_field(&c->scratch, "of", "%" PRIu64, r->seq);
	entry_field(&c->scratch, "line", "%s", l->name);
	entry_field(&c->scratch, "check", "%s", r->check);
	entry_field(&c->scratch, "due", "%s", due);
	entry_field(&c->scratch, "state", "%s",
		    o->refused ? "refused" : "present");
	entry_field(&c->scratch, "by", "%s", o->by);
	if (o->reason && o->reason[0])
		entry_field(&c->scratch, "reason", "%s", o->reason);
	return written(c, p, o, own_append(c, p, ENTRY_ATTEND, NULL, 0, NULL));
}

static bool words_ok(const char *s)
{
	return s && s[0] && utf8_ok(s, strlen(s), false);
}

static int order(struct core *c, struct pair *p, struct now now,
		 const struct line_order *o)
{
	struct line *l = line_find(p, str_of(o->line));

	if (!l)
		return answer(c, o, ANSWER_UNKNOWN, "there is no line %s",
			      o->line);
	switch (o->act) {
	case LINE_ACCEPT:
	case LINE_DECLINE: return do_answer(c, p, now, o, l);
	case LINE_WITHDRAW: return do_withdraw(c, p, now, o, l);
	case LINE_DECLARE: return do_declare(c, p, now, o, l);
	case LINE_CHECK: return do_check(c, p, now, o, l);
	default: return do_attend(c, p, now, o, l);
	}
}

int core_line_do(struct core *c, struct now now, const struct line_order *o)
{
	struct pair *p = o->pair < PAIRS_MAX ? c->pair[o->pair] : NULL;
	const bool reasons = o->act == LINE_DECLINE ||
			     o->act == LINE_WITHDRAW || o->act == LINE_DECLARE;
	int err;

	c->now = now;
	if (!p || p->state == PAIR_WAITING || p->state == PAIR_REVOKED)
		return answer(c, o, ANSWER_NO_PAIR, "there is no such peer");
	if (!pair_may_sign(p))
		return answer(c, o,
			      p->state == PAIR_RESTORING ? ANSWER_RESTORING
							 : ANSWER_STOPPED,
			      "nothing is signed for %s now",
			      p->peer_card.name);
	if (!o->line || !name_ok(str_of(o->line)))
		return answer(c, o, ANSWER_BAD, "not the name of a line");
	if (!words_ok(o->by) || (reasons && !words_ok(o->reason)) ||
	    (o->reason && !utf8_ok(o->reason, strlen(o->reason), false)))
		return answer(c, o, ANSWER_BAD,
			      "a name or reason is missing or has control "
			      "characters");
	err = own_clock(c, p, now);
	if (err)
		return err;
	return o->act == LINE_PROPOSE ? do_propose(c, p, now, o)
				      : order(c, p, now, o);
}

/* ---- technicians' chat ---- */

int core_service(struct core *c, struct now now, uint64_t request,
		 uint32_t pair, const char *by, const char *text)
{
	struct pair *p = pair < PAIRS_MAX ? c->pair[pair] : NULL;
	const struct line_order o = {.request = request};
	struct buf b;
	int err;

	c->now = now;
	if (!p)
		return answer(c, &o, ANSWER_NO_PAIR, "there is no such peer");
	if (!words_ok(by) || strlen(by) > SERVICE_BY_CHARS_MAX || !text ||
	    !text[0] || strlen(text) > SERVICE_BYTES_MAX ||
	    !utf8_ok(text, strlen(text), true))
		return answer(c, &o, ANSWER_BAD,
			      "the text is empty, too long or not UTF-8");
	if (!p->s.paths || !p->s.known || !lane_room(p, LANE_CONTROL))
		return answer(c, &o, ANSWER_NOT_NOW,
			      "the trunk to %s is down; chat is not kept",
			      p->peer_card.name);
	buf_init(&b, 512);
	buf_u8(&b, (uint8_t)strlen(by));
	buf_str(&b, by);
	err = b.err ? b.err
		    : lane_send(c, p, now, LANE_CONTROL, MSG_SERVICE, b.p, b.n,
				text, strlen(text));
	buf_free(&b);
	return err ? err : core_answer(c, request, ANSWER_OK, 0, false);
}
