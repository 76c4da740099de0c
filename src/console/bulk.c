/* SPDX-License-Identifier: ISC */
/** @file bulk.c  Very many notices in one request: lines in, batches out */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "console/server.h"

/*
 *	octets -> lines -> items (<= 60,000 octets) -> Q_BULK -> ANSWER
 *	                                    up to BULK_WINDOW of them at once
 *
 * A message is sent when it is full, or when octets pause and none is at the
 * keeper: a slow sender does not wait for company, a fast one fills messages.
 */
enum batch_state { BATCH_ASKED, BATCH_STORED, BATCH_FAILED };

struct batch {
	uint32_t req;
	enum batch_state state;
	uint64_t last_line;
};

struct bulk {
	struct job *j;
	struct buf partial;	/* a line not yet whole */
	struct buf items;
	uint16_t items_n;
	uint64_t line;		/* looked at */
	struct batch batch[BULK_WINDOW];	/* ring */
	size_t head, asked;	/* oldest, and how many */
	bool stop;		/* take no more: a problem is known */
	bool gap;		/* a batch failed: what follows is beyond it */
	/* what became of it */
	uint64_t lines, count, first, last;
	json_t *refusal;	/* the keeper's problem, owned */
	unsigned refusal_http;
};

int bulk_alloc(struct bulk **bp, struct job *j)
{
	struct bulk *b = calloc(1, sizeof(*b));

	if (!b)
		return ENOMEM;
	b->j = j;
	buf_init(&b->partial, JSON_BYTES_MAX);
	buf_init(&b->items, BULK_ITEMS_BYTES);
	*bp = b;
	return 0;
}

void *bulk_free(struct bulk *b)
{
	if (b) {
		for (size_t i = 0; i < b->asked; i++) {
			struct batch *k =
				&b->batch[(b->head + i) % BULK_WINDOW];

			if (k->state == BATCH_ASKED)
				ask_cancel(b->j->c, k->req);
		}
		buf_free(&b->partial);
		buf_free(&b->items);
		json_decref(b->refusal);
		free(b);
	}
	return NULL;
}

static void stop(struct bulk *b)
{
	b->stop = true;
	buf_reset(&b->items);
	buf_reset(&b->partial);
	b->items_n = 0;
}

/* Send the items.  EAGAIN: no room in the window or the queue */
static int send_items(struct bulk *b)
{
	struct console *c = b->j->c;
	struct wire_msg m = {.type = WIRE_Q_BULK, .fd = -1};
	uint32_t req;
	int err = EPIPE;

	if (!b->items_n)
		return 0;
	if (b->asked == BULK_WINDOW)
		return EAGAIN;
	req = c->keeper_up ? ask_number(c, b->j) : 0;
	if (c->keeper_up && !req)
		return EAGAIN;
	m.q_bulk = (struct wire_q_bulk){
		req,          str_of(b->j->r.peer),
		b->j->r.wait, str_of(b->j->r.by),
		b->items_n,   {(const char *)b->items.p, b->items.n}};
	if (req)
		err = wire_send(c->boot->peer[ROLE_KEEPER], &m);
	if (err) {
		ask_over(c, req);
		if (err == ENOBUFS)
			return EAGAIN;
		(void)problem_set(&b->j->problem,
				  err == EPIPE ? PROBLEM_KEEPER_GONE
					       : PROBLEM_BUSY,
				  err == EPIPE ? "The keeper is not there."
					       : "Out of memory.");
		stop(b);
		return err;
	}
	b->batch[(b->head + b->asked++) % BULK_WINDOW] =
		(struct batch){req, BATCH_ASKED, b->line};
	buf_reset(&b->items);
	b->items_n = 0;
	return 0;
}

/* One whole line.  EAGAIN: not taken, the window is full */
static int take_line(struct bulk *b, const char *p, size_t n)
{
	struct problem why = {0};
	int err;

	if (n && p[n - 1] == '\r')
		n--;
	if (!n) {
		b->line++;
		return 0;
	}
	err = line_parse(p, n, &b->items, &why);
	if (err == EMSGSIZE) {
		err = send_items(b);
		if (err)
			return err;
		err = line_parse(p, n, &b->items, &why);
	}
	b->line++;
	if (!err) {
		b->items_n++;
		return 0;
	}
	if (err == EINVAL)
		(void)problem_set(&b->j->problem, why.kind, "Line %llu: %s",
				  (unsigned long long)b->line, why.detail);
	else
		(void)problem_set(&b->j->problem, PROBLEM_BUSY,
				  "Out of memory at line %llu.",
				  (unsigned long long)b->line);
	stop(b);
	return err;
}

/* The line that ends at p[n], with what came before */
static int take_ended(struct bulk *b, const char *p, size_t n)
{
	const size_t before = b->partial.n;
	int err;

	if (!before && !b->partial.err)
		return take_line(b, p, n);
	buf_put(&b->partial, p, n);
	if (b->partial.err) {
		(void)problem_set(&b->j->problem, PROBLEM_TOO_LARGE,
				  "Line %llu is longer than 256 KiB.",
				  (unsigned long long)b->line + 1);
		stop(b);
		return EINVAL;
	}
	err = take_line(b, (const char *)b->partial.p, b->partial.n);
	if (err == EAGAIN)
		b->partial.n = before;	/* it comes again */
	else
		buf_reset(&b->partial);
	return err;
}

size_t bulk_take(struct bulk *b, const char *p, size_t n)
{
	size_t at = 0;

	while (!b->stop && at < n) {
		const char *lf = memchr(p + at, '\n', n - at);
		size_t len;

		if (!lf) {
			buf_put(&b->partial, p + at, n - at);
			at = n;
			if (b->partial.err)
				(void)!take_ended(b, "", 0); /* says why */
			break;
		}
		len = (size_t)(lf - (p + at));
		if (take_ended(b, p + at, len) == EAGAIN)
			return at;
		at += len + 1;
	}
	if (!b->asked)
		(void)!send_items(b);	/* EAGAIN: with the next octets */
	return n;
}

/* Oldest first: `lines` grows only without a gap */
static void settle(struct bulk *b)
{
	while (b->asked && b->batch[b->head].state != BATCH_ASKED) {
		if (b->batch[b->head].state == BATCH_FAILED)
			b->gap = true;
		else if (!b->gap)
			b->lines = b->batch[b->head].last_line;
		b->head = (b->head + 1) % BULK_WINDOW;
		b->asked--;
	}
}

static bool stored_take(struct bulk *b, const struct wire_answer *m)
{
	json_t *root = json_loadb(m->body.p, m->body.n, 0, NULL);
	json_int_t first = -1, last = -1;
	const bool ok = root &&
			!json_unpack(root, "{s:I,s:I}", "first", &first, "last",
				     &last) &&
			first >= 0 && last >= first;

	json_decref(root);
	if (!ok)
		return false;
	if (!b->count || (uint64_t)first < b->first)
		b->first = (uint64_t)first;
	if (!b->count || (uint64_t)last > b->last)
		b->last = (uint64_t)last;
	b->count += (uint64_t)(last - first) + 1;
	return true;
}

static void refusal_take(struct bulk *b, const struct wire_answer *m)
{
	if (b->refusal || b->j->problem.kind)
		return;		/* the first says it */
	if (m && m->http >= 400 && m->http <= 599)
		b->refusal = json_loadb(m->body.p, m->body.n, 0, NULL);
	if (json_is_object(b->refusal)) {
		b->refusal_http = m->http;
		return;
	}
	json_decref(b->refusal);
	b->refusal = NULL;
	if (m)
		(void)problem_set(&b->j->problem, PROBLEM_BROKEN,
				  "The keeper's answer is not understood.");
	else
		(void)problem_set(&b->j->problem, PROBLEM_KEEPER_GONE,
				  "The keeper is not there or was restarted. "
				  "The lines counted here are safe in its "
				  "store; up to 16 messages of lines after "
				  "them may be.");
}

void bulk_answer(struct bulk *b, uint32_t req, const struct wire_answer *m)
{
	for (size_t i = 0; i < b->asked; i++) {
		struct batch *k = &b->batch[(b->head + i) % BULK_WINDOW];

		if (k->req != req || k->state != BATCH_ASKED)
			continue;
		ask_over(b->j->c, req);
		if (m && m->http < 300 && stored_take(b, m)) {
			k->state = BATCH_STORED;
		} else {
			k->state = BATCH_FAILED;
			refusal_take(b, m);
			stop(b);
		}
		break;
	}
	settle(b);
	if (bulk_ready(b))
		job_wake(b->j);
}

bool bulk_ready(const struct bulk *b)
{
	if (b->j->stage == STAGE_ASKED)
		return b->items_n ? b->asked < BULK_WINDOW : !b->asked;
	return b->stop || b->asked < BULK_WINDOW;
}

static void range_print(const struct bulk *b, struct buf *out)
{
	if (b->count)
		buf_printf(out, "\"first\":%llu,\"last\":%llu,",
			   (unsigned long long)b->first,
			   (unsigned long long)b->last);
	else
		buf_str(out, "\"first\":null,\"last\":null,");
	buf_printf(out, "\"count\":%llu", (unsigned long long)b->count);
}

/* The keeper's own problem document without its closing brace */
static void refusal_print(const struct bulk *b, struct buf *out)
{
	char *text = json_dumps(b->refusal, JSON_COMPACT);
	const size_t n = text ? strlen(text) : 0;

	buf_put(out, text, n ? n - 1 : 0);
	if (!n)
		out->err = ENOMEM;
	free(text);
}

static void result_print(struct bulk *b)
{
	struct answer_parts *a = &b->j->answer;
	struct buf *out = &a->body;

	a->http = 200;
	if (!b->refusal && !b->j->problem.kind) {
		memcpy(a->media, "application/json",
		       sizeof("application/json"));
		buf_str(out, "{");
		range_print(b, out);
		buf_str(out, "}");
		return;
	}
	memcpy(a->media, PROBLEM_MEDIA, sizeof(PROBLEM_MEDIA));
	if (b->refusal) {
		a->http = b->refusal_http;
		refusal_print(b, out);
	} else {
		a->http = problem_status(b->j->problem.kind);
		problem_print(&b->j->problem, out);
	}
	b->j->problem.kind = PROBLEM_NONE;	/* it is in the answer now */
	buf_printf(out, ",\"lines\":%llu,", (unsigned long long)b->lines);
	range_print(b, out);
	buf_str(out, "}");
}

bool bulk_end(struct bulk *b)
{
	if (!b->stop && (b->partial.n || b->partial.err)) {
		/* the last line without LF */
		if (take_ended(b, "", 0) == EAGAIN)
			return false;
	}
	if (!b->stop && send_items(b) == EAGAIN)
		return false;
	if (b->asked)
		return false;
	result_print(b);
	return true;
}
