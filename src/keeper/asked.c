/* SPDX-License-Identifier: ISC */
/** @file asked.c  Requests of people, and whose answer is whose */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "keeper/state.h"

/* ---- open requests ---- */

struct asked *asked_new(struct keeper *k, enum asked_kind kind, uint32_t req)
{
	struct asked *a = NULL;

	if (k->asked_open < ASKED_SLOTS)
		a = calloc(1, sizeof(*a));
	if (!a) {
		reply_problem(k, req, REFUSE_BUSY,
			      "%zu requests are open. Nothing was done; ask "
			      "again.",
			      k->asked_open);
		return NULL;
	}
	/* numbers grow, and skip those whose slot is taken */
	do
		k->asked_round++;
	while (k->asked[k->asked_round % ASKED_SLOTS]);
	a->id = k->asked_round;
	a->turn = k->turn;
	a->req = req;
	a->kind = kind;
	buf_init(&a->text, 65536);
	k->asked[a->id % ASKED_SLOTS] = a;
	k->asked_open++;
	return a;
}

void asked_free(struct keeper *k, struct asked *a)
{
	k->asked[a->id % ASKED_SLOTS] = NULL;
	k->asked_open--;
	if (a->text.p)
		explicit_bzero(a->text.p, a->text.n); /* a card's secret */
	buf_free(&a->text);
	free(a);
}

void asked_answer(struct keeper *k, const struct action *act)
{
	struct asked *a = k->asked[act->request % ASKED_SLOTS];

	if (a && a->id == act->request)
		submit_answered(k, a, act);
}

void asked_commit(struct keeper *k)
{
	for (size_t i = 0; i < ASKED_SLOTS && k->asked_open; i++) {
		struct asked *a = k->asked[i];

		if (!a || a->kind != ASKED_READY || a->turn != k->turn)
			continue;
		if (a->event)
			log_info(a->event, "by=%s peer=%s status=%u", a->by,
				 a->peer[0] ? a->peer : NULL, a->http);
		if (a->text.err)
			reply_failure(k, a->req, ENOMEM);
		else
			reply_text(k, a->req, a->http, a->media, a->text.p,
				   a->text.n);
		asked_free(k, a);
	}
}

static void cut_off(struct keeper *k, const struct asked *a)
{
	reply_problem(k, a->req, REFUSE_KEEPER_GONE,
		      "It is written and durable here. Its receipt from the "
		      "other side is not known: the keeper had to begin anew. "
		      "Ask again with the same id to wait on; nothing is "
		      "written twice.");
}

void asked_void(struct keeper *k, int err, bool kept)
{
	for (size_t i = 0; i < ASKED_SLOTS && k->asked_open; i++) {
		struct asked *a = k->asked[i];

		if (!a)
			continue;
		if (a->turn != k->turn || kept)
			cut_off(k, a);
		else
			reply_failure(k, a->req, err);
		asked_free(k, a);
	}
}

void asked_end_pair(struct keeper *k, uint32_t pair)
{
	for (size_t i = 0; i < ASKED_SLOTS && k->asked_open; i++) {
		struct asked *a = k->asked[i];

		if (!a || a->kind == ASKED_READY || a->pair != pair)
			continue;
		core_cancel(k->core, a->id);
		reply_problem(k, a->req, REFUSE_PAIR_REVOKED,
			      "The pairing was revoked while this waited for "
			      "the other side. It is written and durable here; "
			      "it will not be delivered any more.");
		asked_free(k, a);
	}
}

void asked_forget_all(struct keeper *k)
{
	for (size_t i = 0; i < ASKED_SLOTS && k->asked_open; i++) {
		struct asked *a = k->asked[i];

		if (!a)
			continue;
		if (k->core)
			core_cancel(k->core, a->id);
		asked_free(k, a);
	}
	k->questions = 0;
	import_cancel(k, 0);
	dossier_cancel(k, 0);
}

/* The client is gone: what is written stays written */
static void cancel(struct keeper *k, uint32_t req)
{
	for (size_t i = 0; i < ASKED_SLOTS && k->asked_open; i++) {
		struct asked *a = k->asked[i];

		if (!a || a->req != req || a->kind == ASKED_READY)
			continue;
		core_cancel(k->core, a->id);
		asked_free(k, a);
	}
	import_cancel(k, req);
	dossier_cancel(k, req);
}

/* ---- questions ---- */

static struct question *question_new(struct keeper *k, enum wire_type type,
				     uint32_t req, struct str peer)
{
	struct question *q;

	/* the loop takes no message when there is no room */
	q = &k->question[(k->question_first + k->questions++) % QUESTIONS_MAX];
	*q = (struct question){.type = type, .req = req};
	if (str_copy(peer, q->peer, sizeof(q->peer)))
		q->peer[0] = '\0';
	return q;
}

static void question_answer(struct keeper *k, const struct question *q)
{
	switch (q->type) {
	case WIRE_Q_STATUS: status_show(k, q); break;
	case WIRE_Q_ITEMS: box_items(k, q); break;
	case WIRE_Q_SHOW: box_show(k, q); break;
	case WIRE_Q_ENTRY: box_entry(k, q); break;
	case WIRE_Q_BODY: box_body(k, q); break;
	case WIRE_Q_RECORD: record_page(k, q); break;
	case WIRE_Q_LINES: view_lines(k, q); break;
	case WIRE_Q_LINE: view_line(k, q); break;
	case WIRE_Q_METRICS: metrics_show(k, q); break;
	default: dossier_begin(k, q); break;
	}
}

void asked_questions(struct keeper *k)
{
	const uint64_t until = clock_mono_ms() + QUESTIONS_MS_MAX;

	while (k->questions && clock_mono_ms() <= until) {
		struct question q;

		if (!k->boot->peer[ROLE_CONSOLE] ||
		    wire_waiting_bytes(k->boot->peer[ROLE_CONSOLE]) >
			    CONSOLE_HIGH_BYTES)
			return;
		q = k->question[k->question_first];
		k->question_first = (k->question_first + 1) % QUESTIONS_MAX;
		k->questions--;
		question_answer(k, &q);
	}
}

/* ---- messages ---- */

/* The receipt first; then, when it is durable, the content */
static int open_body(struct keeper *k, const struct question *q)
{
	struct pair_view v;
	struct asked *a;
	int err;

	if (!pair_view_by(k, q->peer, &v)) {
		reply_no_pair(k, q->req, q->peer);
		return 0;
	}
	if (q->box) {
		reply_problem(k, q->req, REFUSE_REQUEST,
			      "Only what the other side sent can be opened.");
		return 0;
	}
	err = box_held(k, feed_id(v.pair, FEED_PEER), q->from);
	if (err == ENOENT || err == ENODATA) {
		/* as without a receipt */
		*question_new(k, WIRE_Q_BODY, q->req, str_of(q->peer)) = *q;
		return 0;
	}
	if (err)
		return err;
	a = asked_new(k, ASKED_OPEN, q->req);
	if (!a)
		return 0;
	a->pair = v.pair;
	a->q = *q;
	return core_opened(k->core, k->now, a->id, v.pair, q->from, q->by);
}

static int body_message(struct keeper *k, const struct wire_q_body *m)
{
	struct question q = {.type = WIRE_Q_BODY,
			     .req = m->req,
			     .box = m->box,
			     .flag = m->open,
			     .from = m->seq};

	if (str_copy(m->peer, q.peer, sizeof(q.peer)) ||
	    str_copy(m->by, q.by, sizeof(q.by)))
		return EPROTO;
	if (m->open)
		return open_body(k, &q);
	*question_new(k, WIRE_Q_BODY, q.req, m->peer) = q;
	return 0;
}

/* True: it was a question, and stands in the ring */
static bool take_question(struct keeper *k, const struct wire_msg *m)
{
	struct question *q;

	switch (m->type) {
	case WIRE_Q_STATUS:
		(void)question_new(k, m->type, m->q_status.req, str_of(""));
		return true;
	case WIRE_Q_ITEMS:
		q = question_new(k, m->type, m->q_items.req, m->q_items.peer);
		q->box = m->q_items.box;
		q->from = m->q_items.after;
		q->limit = m->q_items.limit;
		return true;
	case WIRE_Q_SHOW:
		q = question_new(k, m->type, m->q_show.req, m->q_show.peer);
		q->box = m->q_show.box;
		q->from = m->q_show.seq;
		return true;
	case WIRE_Q_ENTRY:
		q = question_new(k, m->type, m->q_entry.req, m->q_entry.peer);
		q->box = m->q_entry.box;
		q->from = m->q_entry.seq;
		return true;
	case WIRE_Q_RECORD:
		q = question_new(k, m->type, m->q_record.req, m->q_record.peer);
		q->from = m->q_record.from;
		q->limit = m->q_record.limit;
		return true;
	case WIRE_Q_EXPORT:
		q = question_new(k, m->type, m->q_export.req, m->q_export.peer);
		q->flag = m->q_export.bodies;
		return true;
	case WIRE_Q_LINES:
		q = question_new(k, m->type, m->q_lines.req, m->q_lines.peer);
		q->flag = m->q_lines.brief;
		return true;
	case WIRE_Q_LINE:
		q = question_new(k, m->type, m->q_line.req, m->q_line.peer);
		if (str_copy(m->q_line.line, q->line, sizeof(q->line)))
			q->line[0] = '\0';
		return true;
	case WIRE_Q_METRICS:
		(void)question_new(k, m->type, m->q_metrics.req, str_of(""));
		return true;
	default: return false;
	}
}

/* While the disk takes nothing: who wants to write is told at once */
static bool sick_refuses(struct keeper *k, struct wire_msg *m)
{
	uint32_t req;

	if (!k->sick)
		return false;
	switch (m->type) {
	case WIRE_Q_CARD: req = m->q_card.req; break;
	case WIRE_Q_PAIR: req = m->q_pair.req; break;
	case WIRE_Q_CONFIRM: req = m->q_confirm.req; break;
	case WIRE_Q_REVOKE: req = m->q_revoke.req; break;
	case WIRE_Q_VOUCH: req = m->q_vouch.req; break;
	case WIRE_Q_SUBMIT: req = m->q_submit.req; break;
	case WIRE_Q_SUBMIT_FD: req = m->q_submit_fd.req; break;
	case WIRE_Q_BULK: req = m->q_bulk.req; break;
	case WIRE_Q_LINE_DO: req = m->q_line_do.req; break;
	case WIRE_Q_SERVICE: req = m->q_service.req; break;
	case WIRE_Q_BODY:
		if (!m->q_body.open)
			return false;
		req = m->q_body.req;
		break;
	default: return false;
	}
	if (m->fd >= 0)
		close(m->fd);
	reply_failure(k, req, k->sick);
	return true;
}

int asked_message(struct keeper *k, struct wire_msg *m)
{
	if (sick_refuses(k, m) || take_question(k, m))
		return 0;
	switch (m->type) {
	case WIRE_Q_SUBMIT: return submit_inline(k, &m->q_submit);
	case WIRE_Q_SUBMIT_FD: return submit_fd(k, &m->q_submit_fd, m->fd);
	case WIRE_Q_BULK: return submit_bulk(k, &m->q_bulk);
	case WIRE_Q_BODY: return body_message(k, &m->q_body);
	case WIRE_Q_LINE_DO:
	case WIRE_Q_SERVICE: return lines_message(k, m);
	case WIRE_Q_CANCEL: cancel(k, m->q_cancel.req); return 0;
	case WIRE_Q_CARD:
	case WIRE_Q_PAIR:
	case WIRE_Q_CONFIRM:
	case WIRE_Q_REVOKE:
	case WIRE_Q_VOUCH: return admin_message(k, m);
	default: return EPROTO;
	}
}
