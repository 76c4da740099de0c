/* SPDX-License-Identifier: ISC */
/** @file submit.c  What people and programs write: notices and documents */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "keeper/state.h"

#define INLINE_BYTES_MAX (BODY_ROW_MAX - BLOB_SALT_BYTES)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static const char *const wait_names[] = {
	[WAIT_STORED] = "stored", [WAIT_ACKED] = "acked", [WAIT_HELD] = "held"};

/* The wire's limits are smaller than our arrays: only a NUL could cut */
static void copy(struct str s, char *out, size_t size)
{
	if (str_copy(s, out, size))
		out[0] = '\0';
}

bool submit_pair(struct keeper *k, uint32_t req, const char *peer,
		 uint32_t *pair)
{
	struct pair_view v;

	if (!pair_view_by(k, peer, &v)) {
		reply_no_pair(k, req, peer);
		return false;
	}
	if (v.state != PAIR_LIVE) {
		reply_state(k, req, v.state, peer, v.state_why);
		return false;
	}
	*pair = v.pair;
	return true;
}

/* ---- one ---- */

int submit_words(struct keeper *k, const struct words *w, const uint8_t *body,
		 size_t body_n, const uint8_t hash[DIGEST_BYTES],
		 uint64_t blob_bytes)
{
	struct submit s = {.kind = w->kind,
			   .wait = w->wait,
			   .id = w->id[0] ? w->id : NULL,
			   .by = w->by,
			   .precedence = w->precedence,
			   .subject = w->subject,
			   .name = w->name,
			   .media = w->media,
			   .body = body,
			   .body_n = body_n,
			   .blob_bytes = blob_bytes,
			   .line = w->line[0] ? w->line : NULL};
	struct asked *a;

	if (!submit_pair(k, w->req, w->peer, &s.pair))
		return 0;
	a = asked_new(k, ASKED_SUBMIT, w->req);
	if (!a)
		return 0;
	a->pair = s.pair;
	a->wait = s.wait;
	memcpy(a->line, w->line, sizeof(a->line));
	memcpy(a->peer, w->peer, sizeof(a->peer));
	s.request = a->id;
	if (!body)
		memcpy(s.hash, hash, DIGEST_BYTES);
	return core_submit(k->core, k->now, &s);
}

static bool kind_ok(struct keeper *k, uint32_t req, uint8_t kind, uint8_t wait)
{
	if ((kind == ENTRY_NOTICE || kind == ENTRY_DOCUMENT) &&
	    wait <= WAIT_HELD)
		return true;
	reply_problem(k, req, REFUSE_REQUEST,
		      "Only notices and documents are sent, and waited for "
		      "until they are stored, acked or held.");
	return false;
}

int submit_inline(struct keeper *k, const struct wire_q_submit *m)
{
	struct words w = {.req = m->req, .kind = m->kind, .wait = m->wait};

	copy(m->peer, w.peer, sizeof(w.peer));
	copy(m->id, w.id, sizeof(w.id));
	copy(m->by, w.by, sizeof(w.by));
	copy(m->precedence, w.precedence, sizeof(w.precedence));
	copy(m->subject, w.subject, sizeof(w.subject));
	copy(m->name, w.name, sizeof(w.name));
	copy(m->media, w.media, sizeof(w.media));
	copy(m->line, w.line, sizeof(w.line));
	if (!kind_ok(k, m->req, m->kind, m->wait))
		return 0;
	return submit_words(k, &w, (const uint8_t *)m->body.p, m->body.n, NULL,
			    0);
}

/* ---- one whose content comes in a descriptor ---- */

/* What a memfd cannot do any more: change under our hands */
static bool sealed(int fd, uint64_t bytes)
{
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	return seals >= 0 && (seals & SEALS) == SEALS && !fstat(fd, &st) &&
	       S_ISREG(st.st_mode) && st.st_size >= 0 &&
	       (uint64_t)st.st_size == bytes;
}

static int submit_short(struct keeper *k, const struct words *w, int fd,
			size_t n)
{
	static uint8_t body[INLINE_BYTES_MAX];
	size_t at = 0;

	while (at < n) {
		const ssize_t r = pread(fd, body + at, n - at, (off_t)at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			reply_failure(k, w->req, r ? errno : EIO);
			return 0;
		}
		at += (size_t)r;
	}
	return submit_words(k, w, body, n, NULL, 0);
}

/* Its id is known: nothing is taken in a second time */
static int known(struct keeper *k, uint32_t pair, const struct words *w)
{
	const struct db *db = store_db(k->store);
	uint64_t seq;

	return w->id[0] ? db->entry_find_id(db->arg, feed_id(pair, FEED_OWN),
					    w->id, &seq)
			: ENOENT;
}

int submit_fd(struct keeper *k, const struct wire_q_submit_fd *m, int fd)
{
	struct words w = {.req = m->req, .kind = m->kind, .wait = m->wait};
	static const uint8_t none[DIGEST_BYTES];
	uint32_t pair;
	int err = 0;

	copy(m->peer, w.peer, sizeof(w.peer));
	copy(m->id, w.id, sizeof(w.id));
	copy(m->by, w.by, sizeof(w.by));
	copy(m->precedence, w.precedence, sizeof(w.precedence));
	copy(m->subject, w.subject, sizeof(w.subject));
	copy(m->name, w.name, sizeof(w.name));
	copy(m->media, w.media, sizeof(w.media));
	copy(m->line, w.line, sizeof(w.line));
	if (!kind_ok(k, m->req, m->kind, m->wait) ||
	    !submit_pair(k, m->req, w.peer, &pair))
		goto out;
	if (m->bytes > BLOB_BYTES_MAX - BLOB_SALT_BYTES) {
		reply_problem(k, m->req, REFUSE_TOO_LARGE,
			      "A document has at most 1 GiB less 32 bytes; "
			      "this one has %" PRIu64 ". Nothing was written.",
			      m->bytes);
		goto out;
	}
	if (!sealed(fd, m->bytes)) {
		reply_problem(k, m->req, REFUSE_REQUEST,
			      "The content did not come as a sealed memory "
			      "file of the size that was said. Nothing was "
			      "written.");
		goto out;
	}
	if (m->bytes <= INLINE_BYTES_MAX) {
		err = submit_short(k, &w, fd, (size_t)m->bytes);
		goto out;
	}
	err = known(k, pair, &w);
	if (!err) {
		err = submit_words(k, &w, NULL, 0, none,
				   m->bytes + BLOB_SALT_BYTES);
	} else if (err == ENOENT) {
		err = 0;
		import_begin(k, &w, fd, m->bytes);
		fd = -1;
	}
out:
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- very many ---- */

static bool item_next(struct cur *c, struct str *subject, struct str *body)
{
	subject->n = cur_u16(c);
	subject->p = (const char *)cur_take(c, subject->n);
	body->n = cur_u16(c);
	body->p = (const char *)cur_take(c, body->n);
	return !c->bad;
}

/* What core would refuse is found before anything is written, so that all
   items of a message are written or none */
static bool items_ok(const struct wire_q_bulk *m)
{
	struct cur c = cur_of(m->items.p, m->items.n);
	struct str subject, body;

	for (unsigned i = 0; i < m->count; i++) {
		if (!item_next(&c, &subject, &body) || !subject.n ||
		    subject.n > 1000 || body.n > INLINE_BYTES_MAX ||
		    memchr(subject.p, '\0', subject.n) || subject.p[0] == ' ' ||
		    subject.p[subject.n - 1] == ' ' ||
		    !utf8_ok(subject.p, subject.n, false))
			return false;
	}
	return m->count && cur_done(&c) && m->wait <= WAIT_HELD;
}

static int submit_items(struct keeper *k, const struct wire_q_bulk *m,
			const struct asked *a)
{
	struct cur c = cur_of(m->items.p, m->items.n);
	char by[201], text[1001];
	struct submit s = {.request = a->id,
			   .pair = a->pair,
			   .kind = ENTRY_NOTICE,
			   .by = by,
			   .precedence = "routine",
			   .subject = text,
			   .media = "text/plain"};
	struct str subject, body;
	int err = 0;

	copy(m->by, by, sizeof(by));
	for (unsigned i = 0; i < m->count && !err; i++) {
		(void)item_next(&c, &subject, &body);
		memcpy(text, subject.p, subject.n);
		text[subject.n] = '\0';
		s.body = (const uint8_t *)(body.n ? body.p : "");
		s.body_n = body.n;
		/* what holds for the last holds for all before it */
		s.wait = i + 1 == m->count ? a->wait : WAIT_STORED;
		err = core_submit(k->core, k->now, &s);
	}
	return err;
}

int submit_bulk(struct keeper *k, const struct wire_q_bulk *m)
{
	char peer[HOST_CHARS_MAX + 1];
	struct asked *a;
	uint32_t pair;

	copy(m->peer, peer, sizeof(peer));
	if (!submit_pair(k, m->req, peer, &pair))
		return 0;
	if (!items_ok(m)) {
		reply_problem(k, m->req, REFUSE_REQUEST,
			      "A subject or text among these notices breaks "
			      "the rules of the record. None of this message's "
			      "was written.");
		return 0;
	}
	a = asked_new(k, ASKED_BULK, m->req);
	if (!a)
		return 0;
	a->pair = pair;
	a->wait = m->wait;
	a->left = m->count;
	a->answer = ANSWER_OK;
	return submit_items(k, m, a);
}

/* ---- answers ---- */

void reply_refused(struct keeper *k, const struct asked *a, enum answer why)
{
	struct pair_view v;

	if (why == ANSWER_BUSY)
		reply_problem(k, a->req, REFUSE_BUSY,
			      "%d requests wait for the other side already. "
			      "Nothing was written; ask again later, or "
			      "without waiting.",
			      WAITERS_MAX);
	else if (why == ANSWER_UNKNOWN)
		reply_no_item(k, a->req, a->q.from);
	else if (why == ANSWER_BAD)
		reply_problem(k, a->req, REFUSE_REQUEST,
			      "A field breaks the rules of the record: text "
			      "must be UTF-8 without control characters, not "
			      "empty, and without a space at either end. "
			      "Nothing was written.");
	else if (core_pair_get(k->core, a->pair, &v) && v.state != PAIR_LIVE)
		reply_state(k, a->req, v.state, v.card->name, v.state_why);
	else
		reply_problem(k, a->req, REFUSE_NO_PAIR,
			      "This pair is not there any more. Nothing was "
			      "written.");
}

/* Refused by the other side counts as an end of waiting, not as held */
static const char *state_of(struct keeper *k, const struct asked *a,
			    uint64_t seq)
{
	const struct db *db = store_db(k->store);
	unsigned bits = 0;

	if (a->wait == WAIT_HELD &&
	    (db->receipt_bits(db->arg, feed_id(a->pair, FEED_OWN), seq,
			      &bits) ||
	     !(bits & 1u << RECEIPT_HELD)))
		return wait_names[WAIT_ACKED];
	return wait_names[a->wait];
}

static void bulk_answered(struct keeper *k, struct asked *a,
			  const struct action *act)
{
	char text[160];
	int n;

	if (act->answer == ANSWER_OK) {
		a->first = a->count ? a->first : act->seq;
		a->last = act->seq;
		a->count++;
	} else if (a->answer == ANSWER_OK) {
		a->answer = act->answer;
	}
	if (--a->left)
		return;
	if (a->answer != ANSWER_OK) {
		reply_refused(k, a, a->answer);
	} else {
		n = snprintf(text, sizeof(text),
			     "{\"first\":%" PRIu64 ",\"last\":%" PRIu64
			     ",\"count\":%" PRIu64 "}",
			     a->first, a->last, a->count);
		reply_text(k, a->req, 200, MEDIA_JSON, text, (size_t)n);
	}
	asked_free(k, a);
}

/* What was sent on a line: it waits, or cannot be on this line */
static void on_line_answered(struct keeper *k, const struct asked *a,
			     const struct action *act)
{
	char text[120];
	int n;

	switch (act->answer) {
	case ANSWER_WAITS:
		n = snprintf(text, sizeof(text),
			     "{\"seq\":%" PRIu64
			     ",\"again\":%s,\"state\":\"waits\"}",
			     act->seq, act->again ? "true" : "false");
		reply_text(k, a->req, 202, MEDIA_JSON, text, (size_t)n);
		break;
	case ANSWER_UNKNOWN: lines_no_line(k, a->req, a->peer, a->line); break;
	case ANSWER_NOT_NOW:
		reply_problem(k, a->req, REFUSE_LINE_STATE,
			      "It was not sent on the line %s with %s: %s. "
			      "Nothing was written. Look at the agreement and "
			      "the state: `ringdown line show %s`.",
			      a->line, a->peer,
			      act->reason && *act->reason
				      ? act->reason
				      : "the line does not allow it now",
			      a->line);
		break;
	default: reply_refused(k, a, act->answer); break;
	}
}

void submit_answered(struct keeper *k, struct asked *a,
		     const struct action *act)
{
	char text[120];
	int n;

	if (a->kind == ASKED_BULK) {
		bulk_answered(k, a, act);
		return;
	}
	if (a->kind == ASKED_LINE || a->kind == ASKED_SERVICE) {
		lines_answered(k, a, act);
	} else if (a->kind == ASKED_SUBMIT && a->line[0] &&
		   act->answer != ANSWER_OK) {
		on_line_answered(k, a, act);
	} else if (act->answer != ANSWER_OK) {
		reply_refused(k, a, act->answer);
	} else if (a->kind == ASKED_OPEN) {
		box_body(k, &a->q);
	} else {
		n = snprintf(text, sizeof(text),
			     "{\"seq\":%" PRIu64
			     ",\"again\":%s,\"state\":\"%s\"}",
			     act->seq, act->again ? "true" : "false",
			     state_of(k, a, act->seq));
		reply_text(k, a->req, act->again ? 200 : 201, MEDIA_JSON, text,
			   (size_t)n);
	}
	asked_free(k, a);
}
