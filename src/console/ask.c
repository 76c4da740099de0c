/* SPDX-License-Identifier: ISC */
/** @file ask.c  Questions to the keeper, and whose answer is whose */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "console/server.h"

/* A number is round << 10 | slot: an answer that comes after its question was
 * cancelled does not meet the next one in the same slot */
#define SLOT_BITS 10
static_assert(1 << SLOT_BITS == ASKED_MAX, "a slot fits its bits");

/* Messages taken in one turn, so that clients are not kept waiting */
#define ANSWERS_A_TURN 256

static void gone_problem(struct problem *p)
{
	(void)problem_set(p, PROBLEM_KEEPER_GONE,
			  "The keeper is not there or was restarted. What it "
			  "answered before is safe in its store; whether this "
			  "request was done is not known. Ask again; with the "
			  "same id nothing is written twice.");
}

static struct slot *slot_find(struct console *c, uint32_t req)
{
	struct slot *s = &c->slot[req & (ASKED_MAX - 1)];

	return req && s->req == req ? s : NULL;
}

uint32_t ask_number(struct console *c, struct job *j)
{
	for (uint32_t i = 0; i < ASKED_MAX; i++) {
		if (c->slot[i].req)
			continue;
		c->round = (c->round + 1) & (UINT32_MAX >> SLOT_BITS);
		if (!c->round)
			c->round = 1;	/* 0 is no number */
		c->slot[i] = (struct slot){c->round << SLOT_BITS | i, j};
		return c->slot[i].req;
	}
	return 0;
}

void ask_over(struct console *c, uint32_t req)
{
	struct slot *s = slot_find(c, req);

	if (s)
		*s = (struct slot){0, NULL};
}

void ask_cancel(struct console *c, uint32_t req)
{
	struct wire_msg m = {.type = WIRE_Q_CANCEL, .fd = -1};

	if (!slot_find(c, req))
		return;
	ask_over(c, req);
	m.q_cancel.req = req;
	/* lost when the queue is full: the keeper's answer is then dropped */
	if (c->keeper_up)
		(void)!wire_send(c->boot->peer[ROLE_KEEPER], &m);
}

int ask_job(struct job *j)
{
	struct console *c = j->c;
	const struct str body = {(const char *)j->in.small.p, j->in.small.n};
	struct wire_msg m;
	int err;

	if (!c->keeper_up) {
		gone_problem(&j->problem);
		return EINVAL;
	}
	j->req = ask_number(c, j);
	if (!j->req)
		return problem_set(&j->problem, PROBLEM_BUSY,
				   "1,024 requests wait for the keeper. "
				   "Nothing was done.");
	request_message(&j->r, j->req, body, j->in.fd, j->in.bytes, &m);
	err = wire_send(c->boot->peer[ROLE_KEEPER], &m);
	if (!err)
		return 0;
	ask_over(c, j->req);
	j->req = 0;
	if (err == EPIPE) {
		gone_problem(&j->problem);
		return EINVAL;
	}
	return problem_set(&j->problem, PROBLEM_BUSY,
			   "The queue to the keeper is full. Nothing was "
			   "done.");
}

static void broken(struct job *j, const char *what)
{
	log_error("keeper.answer-broken", "what=%s target=%s", what, j->target);
	(void)problem_set(&j->problem, PROBLEM_BROKEN,
			  "The keeper's answer cannot be passed on: %s. What "
			  "was asked for may have been done.",
			  what);
}

/* What may stand in a header line */
static bool header_ok(struct str s, size_t max)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	}
	return s.n && s.n <= max;
}

static void finish(struct job *j)
{
	ask_over(j->c, j->req);
	j->req = 0;
	j->complete = true;
	job_wake(j);
}

static void answer_take(struct job *j, const struct wire_answer *m)
{
	struct answer_parts *a = &j->answer;

	if (!a->http) {
		if (m->http < 200 || m->http > 599 ||
		    !header_ok(m->media, sizeof(a->media) - 1) ||
		    str_copy(m->media, a->media, sizeof(a->media))) {
			broken(j, "no such status or media type");
			finish(j);
			return;
		}
		a->http = m->http;
	}
	buf_put(&a->body, m->body.p, m->body.n);
	if (a->body.err) {
		broken(j, "longer than 8 MiB");
		finish(j);
		return;
	}
	if (m->last)
		finish(j);
}

static void answer_fd_take(struct job *j, const struct wire_answer_fd *m,
			   int fd)
{
	struct answer_parts *a = &j->answer;
	struct stat st;

	a->fd = fd;
	a->http = m->http;
	a->offset = m->offset;
	a->bytes = m->bytes;
	if (m->http < 200 || m->http > 599 || fstat(fd, &st) < 0 ||
	    !S_ISREG(st.st_mode) || st.st_size < 0 ||
	    m->offset > (uint64_t)st.st_size ||
	    m->bytes > (uint64_t)st.st_size - m->offset ||
	    str_copy(m->name, a->name, sizeof(a->name)))
		broken(j, "its file is not as it says");
	/* the type is the peer's word: what no header can hold is octets */
	else if (!header_ok(m->media, sizeof(a->media) - 1) ||
		 str_copy(m->media, a->media, sizeof(a->media)))
		memcpy(a->media, "application/octet-stream",
		       sizeof("application/octet-stream"));
	finish(j);
}

static void message_take(struct console *c, struct wire_msg *m)
{
	const uint32_t req =
		m->type == WIRE_ANSWER ? m->answer.req : m->answer_fd.req;
	struct slot *s;

	if (m->type == WIRE_NEWS) {
		events_put(c, &m->news);
		return;
	}
	s = slot_find(c, req);
	if (m->type == WIRE_ANSWER_FD) {
		if (!s)
			close(m->fd);	/* cancelled before */
		else if (s->job->bulk)
			close(m->fd);	/* not an answer to lines */
		else
			answer_fd_take(s->job, &m->answer_fd, m->fd);
		return;
	}
	if (!s)
		return;
	if (s->job->bulk)
		bulk_answer(s->job->bulk, req, &m->answer);
	else
		answer_take(s->job, &m->answer);
}

int ask_receive(struct console *c)
{
	struct wire_msg m;

	for (unsigned i = 0; i < ANSWERS_A_TURN; i++) {
		const int err = wire_receive(c->boot->peer[ROLE_KEEPER], &m);

		if (err == EAGAIN)
			return 0;
		if (err)
			return err;
		message_take(c, &m);
	}
	return 0;
}

void ask_fail_all(struct console *c)
{
	for (uint32_t i = 0; i < ASKED_MAX; i++) {
		struct job *j = c->slot[i].job;

		if (!c->slot[i].req)
			continue;
		if (j->bulk) {
			bulk_answer(j->bulk, c->slot[i].req, NULL);
			continue;
		}
		gone_problem(&j->problem);
		finish(j);
	}
}
