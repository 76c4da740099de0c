/* SPDX-License-Identifier: ISC */
/** @file submit.c  What people and programs write, and looking at a pair */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "core/state.h"

/* ---- waiting for receipts ---- */

static int fulfilled(struct core *c, const struct waiter *w, bool *yes)
{
	const struct pair *p = c->pair[w->pair];
	unsigned bits = 0;
	int err = 0;

	*yes = w->wait == WAIT_STORED;
	if (w->wait == WAIT_ACKED)
		*yes = p->own.cosigned > w->seq;
	if (w->wait == WAIT_HELD) {
		err = DB(c, receipt_bits, feed_id(w->pair, FEED_OWN), w->seq,
			 &bits);
		*yes = bits & (1u << RECEIPT_HELD | 1u << RECEIPT_REFUSED);
	}
	return err;
}

int waiters_answer(struct core *c, struct pair *p)
{
	size_t kept = 0;
	int err = 0;

	p->waiters_due = false;
	for (size_t i = 0; i < c->waiters && !err; i++) {
		const struct waiter w = c->waiter[i];
		bool yes = false;

		if (w.pair == p->no)
			err = fulfilled(c, &w, &yes);
		if (yes && !err)
			err = core_answer(c, w.request, ANSWER_OK, w.seq,
					  w.again);
		else
			c->waiter[kept++] = w;
	}
	c->waiters = kept;
	return err;
}

void core_cancel(struct core *c, uint64_t request)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->waiters; i++) {
		if (c->waiter[i].request != request)
			c->waiter[kept++] = c->waiter[i];
	}
	c->waiters = kept;
}

/* Answer now, or when the other side has said what is waited for */
static int answer_when(struct core *c, const struct submit *s, uint64_t seq,
		       bool again)
{
	const struct waiter w = {s->request, s->pair, seq, s->wait, again};
	bool yes;
	const int err = fulfilled(c, &w, &yes);

	if (err)
		return err;
	if (yes)
		return core_answer(c, s->request, ANSWER_OK, seq, again);
	assert(c->waiters < WAITERS_MAX);
	c->waiter[c->waiters++] = w;
	return 0;
}

/* ---- submitting ---- */

static bool text_ok(const char *s)
{
	return s && utf8_ok(s, strlen(s), false);
}

static bool submit_ok(const struct submit *s)
{
	const bool document = s->kind == ENTRY_DOCUMENT;

	if (s->kind != ENTRY_NOTICE && !document)
		return false;
	if (!text_ok(s->by) || !text_ok(s->precedence) ||
	    !text_ok(s->subject) || !text_ok(s->media) ||
	    (document && !text_ok(s->name)) || (s->id && !id_ok(str_of(s->id))))
		return false;
	return s->body ? s->body_n <= BODY_ROW_MAX - BLOB_SALT_BYTES
		       : s->blob_bytes > BODY_ROW_MAX;
}

/* Stored body: salt || content */
void submit_body(struct core *c, const struct submit *s,
		 struct stored_body *out)
{
	static uint8_t body[BODY_ROW_MAX];	/* one thread, one turn */

	*out = (struct stored_body){.bytes = s->blob_bytes};
	if (!s->body) {
		memcpy(out->hash, s->hash, DIGEST_BYTES);
		return;
	}
	core_draw(c, body, BLOB_SALT_BYTES);
	if (s->body_n)
		memcpy(body + BLOB_SALT_BYTES, s->body, s->body_n);
	out->p = body;
	out->n = BLOB_SALT_BYTES + s->body_n;
	out->bytes = out->n;
	digest(body, out->n, out->hash);
}

void submit_blob(struct core *c, const struct stored_body *body,
		 const char *media)
{
	char hex[2 * DIGEST_BYTES + 1];

	hex_encode(body->hash, DIGEST_BYTES, hex);
	entry_field(&c->scratch, "blob", "sha256:%s %" PRIu64 " %s", hex,
		    body->bytes, media);
}

void submit_id(const struct pair *p, const struct submit *s,
	       char out[ID_CHARS_MAX + 1])
{
	if (s->id)
		snprintf(out, ID_CHARS_MAX + 1, "%s", s->id);
	else	/* the feed's number makes it unique */
		snprintf(out, ID_CHARS_MAX + 1, "%.8s-%" PRIu64, p->names.gen,
			 p->own.tree.size);
}

/* Its entry in c->scratch; written_ms 0: it did not wait */
static int item_begin(struct core *c, struct pair *p, struct now now,
		      const struct submit *s, const struct stored_body *body,
		      int64_t written_ms)
{
	struct buf *b = &c->scratch;
	char id[ID_CHARS_MAX + 1], stamp[STAMP_CHARS + 1];
	int err = own_begin(c, p, now,
			    s->kind == ENTRY_NOTICE ? "notice" : "document");

	if (err)
		return err;
	submit_id(p, s, id);
	entry_field(b, "id", "%s", id);
	entry_field(b, "by", "%s", s->by);
	entry_field(b, "precedence", "%s", s->precedence);
	entry_field(b, "subject", "%s", s->subject);
	if (s->kind == ENTRY_DOCUMENT)
		entry_field(b, "name", "%s", s->name);
	submit_blob(c, body, s->media);
	if (s->line)
		entry_field(b, "line", "%s", s->line);
	if (written_ms) {
		stamp_print(written_ms, stamp);
		entry_field(b, "written", "%s", stamp);
	}
	return 0;
}

int submit_try(struct core *c, struct pair *p, struct now now,
	       const struct submit *s, const struct stored_body *body)
{
	struct entry parsed;
	int err = item_begin(c, p, now, s, body, p->own.time_ms + 1);

	if (err)
		return err;
	entry_end(&c->scratch);
	if (c->scratch.err)
		return c->scratch.err;
	err = entry_parse(c->scratch.p, c->scratch.n, &parsed);
	return err || parsed.kind != s->kind ? EINVAL : 0;
}

static int write_entry(struct core *c, struct pair *p, struct now now,
		       const struct submit *s, const struct stored_body *body,
		       int64_t written_ms, enum answer *answer)
{
	int err = item_begin(c, p, now, s, body, written_ms);

	if (err)
		return err;
	/* the id of what waited belongs to its `waiting` */
	err = own_append(c, p, s->kind, body->n ? body->p : NULL, body->n,
			 written_ms ? NULL : s->id);
	if (err == EINVAL || err == EMSGSIZE) {
		*answer = ANSWER_BAD;	/* a field breaks the grammar */
		return 0;
	}
	*answer = ANSWER_OK;
	/* a batch must fit under a checkpoint of its own */
	if (!err &&
	    (p->own.tree.size - p->own.signed_size >= BATCH_ENTRIES_MAX / 2 ||
	     p->own.bytes - p->signed_bytes >= BATCH_BYTES_MAX / 2))
		err = own_sign(c, p, now);
	return err;
}

int submit_write(struct core *c, struct pair *p, struct now now,
		 const struct submit *s, int64_t written_ms,
		 enum answer *answer)
{
	struct stored_body body = {
		.p = s->body, .n = s->body_n, .bytes = s->blob_bytes};

	memcpy(body.hash, s->hash, DIGEST_BYTES);
	return write_entry(c, p, now, s, &body, written_ms, answer);
}

/* On a line: at once, or when it carries again */
static int write_item(struct core *c, struct pair *p, struct now now,
		      const struct submit *s, enum answer *answer,
		      uint64_t *seq)
{
	struct line *l = s->line ? line_find(p, str_of(s->line)) : NULL;
	const struct agreement *a = l ? line_agreement(l, now.wall_ms) : NULL;
	const unsigned needs = s->kind == ENTRY_DOCUMENT
				       ? AGREEMENT_NOTICE | AGREEMENT_FAX
				       : AGREEMENT_NOTICE;
	struct stored_body body;
	int err;

	if (s->line && !(a && a->media & needs)) {
		*answer = l ? ANSWER_NOT_NOW : ANSWER_UNKNOWN;
		return 0;
	}
	if (l && !line_carries(p, l, now.wall_ms))
		return waiting_put(c, p, now, l, s, answer, seq);
	submit_body(c, s, &body);
	err = write_entry(c, p, now, s, &body, 0, answer);
	*seq = p->own.tree.size - 1;
	return err;
}

static enum answer may_submit(const struct core *c, const struct submit *s)
{
	const struct pair *p = s->pair < PAIRS_MAX ? c->pair[s->pair] : NULL;

	if (!p || p->state == PAIR_WAITING || p->state == PAIR_REVOKED)
		return ANSWER_NO_PAIR;
	if (p->state == PAIR_STOPPED)
		return ANSWER_STOPPED;
	if (p->state == PAIR_RESTORING)
		return ANSWER_RESTORING;
	if (!submit_ok(s))
		return ANSWER_BAD;
	return c->waiters < WAITERS_MAX ? ANSWER_OK : ANSWER_BUSY;
}

/* This id was written before; it may wait still */
static int answer_again(struct core *c, const struct pair *p,
			const struct submit *s, uint64_t seq)
{
	bool waits;
	int err = waiting_has(c, p, s->line, s->id, &waits);

	if (err)
		return err;
	return waits ? core_answer(c, s->request, ANSWER_WAITS, seq, true)
		     : answer_when(c, s, seq, true);
}

int core_submit(struct core *c, struct now now, const struct submit *s)
{
	enum answer answer = may_submit(c, s);
	struct pair *p;
	uint64_t seq;
	int err;

	c->now = now;
	if (answer != ANSWER_OK)
		return core_answer(c, s->request, answer, 0, false);
	p = c->pair[s->pair];
	if (s->id) {
		err = DB(c, entry_find_id, feed_id(p->no, FEED_OWN), s->id,
			 &seq);
		if (!err)
			return answer_again(c, p, s, seq);
		if (err != ENOENT)
			return err;
	}
	err = own_clock(c, p, now);
	if (!err)
		err = write_item(c, p, now, s, &answer, &seq);
	if (err)
		return err;
	if (answer != ANSWER_OK)
		return core_answer(c, s->request, answer,
				   answer == ANSWER_WAITS ? seq : 0, false);
	return answer_when(c, s, seq, false);
}

/* ---- opening ---- */

static int is_item(const struct db_entry *e, void *arg)
{
	*(bool *)arg = e->kind == ENTRY_NOTICE || e->kind == ENTRY_DOCUMENT;
	return 0;
}

static int write_opened(struct core *c, struct pair *p, struct now now,
			uint64_t seq, const char *by, enum answer *answer)
{
	int err = own_clock(c, p, now);

	if (!err)
		err = own_begin(c, p, now, "receipt");
	if (err)
		return err;
	entry_field(&c->scratch, "state", "opened");
	entry_field(&c->scratch, "of", "%" PRIu64 " %" PRIu64, seq, seq);
	entry_field(&c->scratch, "by", "%s", by);
	err = own_append(c, p, ENTRY_RECEIPT, NULL, 0, NULL);
	if (err == EINVAL || err == EMSGSIZE) {
		*answer = ANSWER_BAD;
		return 0;
	}
	if (err)
		return err;
	return DB(c, receipt_put, feed_id(p->no, FEED_PEER), seq, seq,
		  RECEIPT_OPENED, p->own.tree.size - 1);
}

int core_opened(struct core *c, struct now now, uint64_t request, uint32_t pair,
		uint64_t seq, const char *by)
{
	struct pair *p = pair < PAIRS_MAX ? c->pair[pair] : NULL;
	enum answer answer = ANSWER_OK;
	bool item = false;
	unsigned bits = 0;
	int err;

	if (!p)
		return core_answer(c, request, ANSWER_NO_PAIR, 0, false);
	if (!text_ok(by))
		return core_answer(c, request, ANSWER_BAD, seq, false);
	err = DB(c, entry_walk, feed_id(pair, FEED_PEER), seq, 1, false,
		 is_item, &item);
	if (!err)
		err = DB(c, receipt_bits, feed_id(pair, FEED_PEER), seq, &bits);
	if (err)
		return err;
	if (!item)
		return core_answer(c, request, ANSWER_UNKNOWN, seq, false);
	if (bits & 1u << RECEIPT_OPENED)
		return core_answer(c, request, ANSWER_OK, seq, true);
	if (!pair_may_sign(p))
		return core_answer(c, request,
				   p->state == PAIR_RESTORING ? ANSWER_RESTORING
							      : ANSWER_STOPPED,
				   seq, false);
	err = write_opened(c, p, now, seq, by, &answer);
	return err ? err : core_answer(c, request, answer, seq, false);
}

/* ---- looking ---- */

bool core_pair_get(const struct core *c, uint32_t pair, struct pair_view *out)
{
	struct pair *p = pair < PAIRS_MAX ? c->pair[pair] : NULL;

	if (!p)
		return false;
	*out = (struct pair_view){
		.pair = pair,
		.card = &p->peer_card,
		.own_card = &p->own_card,
		.names = &p->names,
		.state = p->state,
		.state_why = p->why,
		.verdict = p->verdict,
		.verdict_why = p->verdict_why,
		.session = p->s.paths && p->s.known,
		.paths = p->s.paths,
		.session_since_ms = p->s.since_ms,
		.last_proof_ms = p->proof_ms,
		.offset_ms = p->offset_ms,
		.own_size = p->own.tree.size,
		.own_acked = p->own.cosigned,
		.own_sent = p->s.push_next,
		.peer_size = p->peer.tree.size,
		.peer_cosigned = p->peer.cosigned,
		.peer_announced = p->announced,
		.joint_size = p->joint.size,
		.joint_signed = p->joint_signed,
		.wants = p->wants,
	};
	tree_root(&p->joint, out->joint_root);
	return true;
}

uint64_t core_counter(const struct core *c, enum counter i)
{
	return i < COUNTERS ? c->counter[i] : 0;
}

const char *core_counter_name(enum counter i)
{
	static const char *const name[COUNTERS] = {
		"hello-bad",      "hello-refused", "frame-bad",  "record-bad",
		"lane-duplicate", "lane-gap",      "bulk-stray", "blob-bad",
		"quota",          "lane-resent",   "not-agreed"};

	return i < COUNTERS ? name[i] : "?";
}
