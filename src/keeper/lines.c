/* SPDX-License-Identifier: ISC */
/** @file lines.c  What people do to lines: orders, and answers in words */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "keeper/state.h"
#include "proto/agreement.h"

static void copy(struct str s, char *out, size_t size)
{
	if (str_copy(s, out, size))
		out[0] = '\0';
}

void lines_no_line(struct keeper *k, uint32_t req, const char *peer,
		   const char *line)
{
	reply_problem(k, req, REFUSE_NO_LINE,
		      "There is no line %s with %s: nobody has proposed one "
		      "of this name. Nothing was written. `ringdown line "
		      "list` shows all.",
		      line, peer);
}

/* ---- orders ---- */

static const char *const act_names[] = {
	[LINE_PROPOSE] = "propose", [LINE_ACCEPT] = "accept",
	[LINE_DECLINE] = "decline", [LINE_WITHDRAW] = "withdraw",
	[LINE_DECLARE] = "declare", [LINE_CHECK] = "check",
	[LINE_ATTEND] = "attend",
};

/* The texts of an order, ended */
struct order_words {
	char peer[HOST_CHARS_MAX + 1];
	char line[LINE_NAME_CHARS_MAX + 1];
	char by[201];
	char reason[1001];
};

/* A proposal names its line itself; what is no agreement goes back at once with
   the place and the rule */
static bool text_take(struct keeper *k, const struct wire_q_line_do *m,
		      struct order_words *w)
{
	struct agreement_fault why = {0, ""};
	struct agreement *a = NULL;
	const int err = agreement_parse(m->text.p, m->text.n, &a, &why);
	bool ok = !err;

	if (err == EBADMSG)
		reply_problem(k, m->req, REFUSE_AGREEMENT_BAD,
			      "Line %u of the text: expected %s. Nothing was "
			      "written. Mend it, and propose it again.",
			      why.line, why.rule);
	else if (err)
		reply_failure(k, m->req, err);
	else
		ok = !str_copy(str_of(a->line), w->line, sizeof(w->line));
	agreement_free(a);
	return ok;
}

static bool order_ok(struct keeper *k, const struct wire_q_line_do *m)
{
	const bool hashed = m->act == LINE_ACCEPT || m->act == LINE_DECLINE;

	if (m->act <= LINE_ATTEND && m->declared < DECLARED_STATES &&
	    m->hash.n == (hashed ? DIGEST_BYTES : 0) && m->until_ms >= 0)
		return true;
	reply_problem(k, m->req, REFUSE_REQUEST,
		      "This is nothing that is done to a line. Nothing was "
		      "written.");
	return false;
}

static int order(struct keeper *k, const struct wire_q_line_do *m)
{
	struct line_order o = {.act = m->act,
			       .text = m->text.p,
			       .text_n = m->text.n,
			       .declared = m->declared,
			       .until_ms = m->until_ms,
			       .seq = m->seq,
			       .drill = m->drill,
			       .refused = m->refused};
	struct order_words w;
	struct asked *a;

	copy(m->peer, w.peer, sizeof(w.peer));
	copy(m->line, w.line, sizeof(w.line));
	copy(m->by, w.by, sizeof(w.by));
	copy(m->reason, w.reason, sizeof(w.reason));
	if (!order_ok(k, m) || !submit_pair(k, m->req, w.peer, &o.pair) ||
	    (m->act == LINE_PROPOSE && !text_take(k, m, &w)))
		return 0;
	a = asked_new(k, ASKED_LINE, m->req);
	if (!a)
		return 0;
	a->pair = o.pair;
	a->act = o.act;
	memcpy(a->by, w.by, sizeof(a->by));
	memcpy(a->peer, w.peer, sizeof(a->peer));
	memcpy(a->line, w.line, sizeof(a->line));
	if (m->hash.n == DIGEST_BYTES)
		memcpy(o.hash, m->hash.p, DIGEST_BYTES);
	o.request = a->id;
	o.line = w.line;
	o.by = w.by;
	o.reason = w.reason[0] ? w.reason : NULL;
	return core_line_do(k->core, k->now, &o);
}

static int service(struct keeper *k, const struct wire_q_service *m)
{
	char peer[HOST_CHARS_MAX + 1], by[201], text[1001];
	struct asked *a;
	uint32_t pair;

	copy(m->peer, peer, sizeof(peer));
	copy(m->by, by, sizeof(by));
	copy(m->text, text, sizeof(text));
	if (!submit_pair(k, m->req, peer, &pair))
		return 0;
	a = asked_new(k, ASKED_SERVICE, m->req);
	if (!a)
		return 0;
	a->pair = pair;
	memcpy(a->peer, peer, sizeof(a->peer));
	return core_service(k->core, k->now, a->id, pair, by, text);
}

int lines_message(struct keeper *k, const struct wire_msg *m)
{
	switch (m->type) {
	case WIRE_Q_LINE_DO: return order(k, &m->q_line_do);
	case WIRE_Q_SERVICE: return service(k, &m->q_service);
	default: return EPROTO;
	}
}

/* ---- answers ---- */

/* What was not done */
static const char *undone(enum line_act act)
{
	static const char *const words[] = {
		[LINE_PROPOSE] = "was not proposed",
		[LINE_ACCEPT] = "was not agreed",
		[LINE_DECLINE] = "was not declined",
		[LINE_WITHDRAW] = "was not withdrawn",
		[LINE_DECLARE] = "was not declared so",
		[LINE_CHECK] = "was not checked",
		[LINE_ATTEND] = "was not attended to",
	};

	return words[act];
}

static const char *to_do(enum line_act act)
{
	static const char *const words[] = {
		[LINE_PROPOSE] = "Look at the version in force and at what is "
				 "proposed already",
		[LINE_ACCEPT] = "Read what is proposed now and answer that",
		[LINE_DECLINE] = "Read what is proposed now and answer that",
		[LINE_WITHDRAW] = "Look at how it stands",
		[LINE_DECLARE] = "Look at how it stands",
		[LINE_CHECK] = "Look at its state and hours, and whether a "
			       "path is up",
		[LINE_ATTEND] = "Look at which checks wait for somebody",
	};

	return words[act];
}

static void order_refused(struct keeper *k, const struct asked *a,
			  const struct action *act)
{
	const char *why = act->reason && *act->reason
				  ? act->reason
				  : "it breaks the rules of the record";

	switch (act->answer) {
	case ANSWER_UNKNOWN: lines_no_line(k, a->req, a->peer, a->line); break;
	case ANSWER_NOT_NOW:
	case ANSWER_WAITS:
		reply_problem(k, a->req, REFUSE_LINE_STATE,
			      "The line %s with %s %s: %s. Nothing was "
			      "written. %s: `ringdown line show %s`.",
			      a->line, a->peer, undone(a->act), why,
			      to_do(a->act), a->line);
		break;
	case ANSWER_BAD:
		reply_problem(k, a->req, REFUSE_LINE_ORDER,
			      "The line %s with %s %s: %s. Nothing was "
			      "written.",
			      a->line, a->peer, undone(a->act), why);
		break;
	default: reply_refused(k, a, act->answer); break;
	}
}

static void order_done(struct keeper *k, const struct asked *a,
		       const struct action *act)
{
	struct buf b;

	buf_init(&b, 1024);
	buf_str(&b, "{\"peer\":");
	reply_quote(&b, a->peer);
	buf_str(&b, ",\"line\":");
	reply_quote(&b, a->line);
	buf_printf(&b, ",\"act\":\"%s\",\"seq\":%" PRIu64 "}",
		   act_names[a->act], act->seq);
	if (b.err)
		reply_failure(k, a->req, b.err);
	else
		reply_text(k, a->req, 201, MEDIA_JSON, b.p, b.n);
	buf_free(&b);
}

static void service_refused(struct keeper *k, const struct asked *a,
			    const struct action *act)
{
	if (act->answer == ANSWER_BAD)
		reply_problem(k, a->req, REFUSE_REQUEST,
			      "One line of text is said at a time, UTF-8 "
			      "without control characters. Nothing was said.");
	else if (act->answer == ANSWER_NOT_NOW || act->answer == ANSWER_UNKNOWN)
		reply_problem(k, a->req, REFUSE_NO_PATH,
			      "Nobody at %s hears the service line: no path "
			      "is up. It is not in the record, so nothing was "
			      "kept. Say it again when `ringdown status` shows "
			      "a path up.",
			      a->peer);
	else
		reply_refused(k, a, act->answer);
}

void lines_answered(struct keeper *k, const struct asked *a,
		    const struct action *act)
{
	static const char said[] = "{\"said\":true}";

	if (a->kind == ASKED_SERVICE && act->answer == ANSWER_OK)
		reply_text(k, a->req, 200, MEDIA_JSON, said, sizeof(said) - 1);
	else if (a->kind == ASKED_SERVICE)
		service_refused(k, a, act);
	else if (act->answer == ANSWER_OK)
		order_done(k, a, act);
	else
		order_refused(k, a, act);
}
