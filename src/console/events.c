/* SPDX-License-Identifier: ISC */
/** @file events.c  News from the keeper as server-sent events */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "console/server.h"

/*
 * Event ids are LIFE-NUMBER: LIFE is the start of this process in milliseconds,
 * NUMBER counts from 1.  Kept are the numbers news_head - NEWS_KEPT (or 1) up to
 * news_head - 1; number k is in news[k % NEWS_KEPT].
 */
int events_init(struct console *c)
{
	struct timespec ts;
	uint64_t ms;
	uint8_t be[8];

	c->news = calloc(NEWS_KEPT, sizeof(*c->news));
	if (!c->news)
		return ENOMEM;
	c->news_head = 1;
	clock_gettime(CLOCK_REALTIME, &ts);
	ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	for (size_t i = 0; i < sizeof(be); i++)
		be[i] = (uint8_t)(ms >> (56 - 8 * i));
	hex_encode(be, sizeof(be), c->life);
	return 0;
}

void events_free(struct console *c)
{
	free(c->news);
	c->news = NULL;
}

static bool streams(const struct job *j)
{
	return j->stage == STAGE_ANSWERED && j->r.route == ROUTE_EVENTS;
}

/* A member that is left out when it says nothing */
static void optional(struct buf *b, const char *name, struct str s)
{
	if (!s.n)
		return;
	buf_printf(b, ",\"%s\":", name);
	json_print(b, s.p, s.n);
}

void events_put(struct console *c, const struct wire_news *n)
{
	struct news *to = &c->news[c->news_head % NEWS_KEPT];
	struct buf b;

	buf_init(&b, sizeof(to->text));
	buf_printf(&b, "event: news\nid: %s-%llu\ndata: {\"peer\":", c->life,
		   (unsigned long long)c->news_head);
	json_print(&b, n->peer.p, n->peer.n);
	buf_printf(&b, ",\"joint\":%llu,\"own\":%llu,\"other\":%llu,\"what\":",
		   (unsigned long long)n->joint, (unsigned long long)n->own,
		   (unsigned long long)n->other);
	json_print(&b, n->what.p, n->what.n);
	optional(&b, "line", n->line);
	optional(&b, "who", n->who);
	optional(&b, "text", n->text);
	buf_str(&b, "}\n\n");
	if (!b.err && utf8_ok((const char *)b.p, b.n, true)) {
		memcpy(to->text, b.p, b.n);
		to->n = b.n;
		c->news_head++;
	}
	buf_free(&b);
	for (struct job *j = c->jobs; j; j = j->next) {
		if (streams(j))
			job_wake(j);
	}
}

void events_tick(struct console *c)
{
	for (struct job *j = c->jobs; j; j = j->next) {
		if (streams(j) && c->now_ms >= j->alive_ms)
			job_wake(j);
	}
}

void events_begin(struct job *j, const char *last_id)
{
	struct console *c = j->c;
	struct str s = str_of(last_id ? last_id : "");
	const struct str life = str_cut(&s, '-');
	uint64_t k;

	buf_init(&j->out, NEWS_BYTES_MAX);
	j->alive_ms = c->now_ms;	/* a first comment opens the stream */
	j->news_next = c->news_head;
	if (!last_id)
		return;
	if (!str_is(life, c->life) || uint_parse(s, &k) || k >= c->news_head ||
	    c->news_head - k > NEWS_KEPT + 1)
		j->reset = true;
	else
		j->news_next = k + 1;
}

/* The next piece of text, if there is any */
static void fill(struct job *j)
{
	struct console *c = j->c;
	const struct news *n;

	buf_reset(&j->out);
	j->out_at = 0;
	if (!j->reset && c->news_head - j->news_next > NEWS_KEPT)
		j->reset = true;	/* it reads too slowly */
	if (j->reset) {
		j->reset = false;
		j->news_next = c->news_head;
		buf_printf(&j->out, "event: reset\nid: %s-%llu\ndata: {}\n\n",
			   c->life, (unsigned long long)c->news_head - 1);
	} else if (j->news_next < c->news_head) {
		n = &c->news[j->news_next++ % NEWS_KEPT];
		buf_put(&j->out, n->text, n->n);
	} else if (c->now_ms >= j->alive_ms) {
		buf_str(&j->out, ": alive\n\n");
	}
	if (j->out.n)
		j->alive_ms = c->now_ms + ALIVE_MS;
}

ssize_t events_read(void *arg, uint64_t pos, char *out, size_t max)
{
	struct job *j = arg;
	size_t n;

	(void)pos;
	if (j->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (j->out_at == j->out.n)
		fill(j);
	if (j->out.err)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = j->out.n - j->out_at;
	if (!n) {
		job_sleep(j);
		return 0;
	}
	n = n < max ? n : max;
	memcpy(out, j->out.p + j->out_at, n);
	j->out_at += n;
	return (ssize_t)n;
}
