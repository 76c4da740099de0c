/* SPDX-License-Identifier: ISC */
/**
 * @file view.c  How lines are, as JSON
 *
 * Printed straight into the buffer: a list may have ten thousand lines, and is
 * asked for every few seconds by who watches.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "keeper/state.h"
#include "proto/agreement.h"

#define LIST_BYTES_MAX (8U << 20)
#define TEXTS_BYTES_MAX (2U << 20)

static void stamp_or_null(struct buf *b, int64_t ms)
{
	if (ms > 0)
		reply_quote_stamp(b, ms);
	else
		buf_str(b, "null");
}

static void member(struct buf *b, const char *name, const char *value)
{
	buf_str(b, ",\"");
	buf_str(b, name);
	buf_str(b, "\":");
	reply_quote(b, value ? value : "");
}

static void hash_print(struct buf *b, const uint8_t *hash)
{
	char hex[2 * DIGEST_BYTES + 1];

	hex_encode(hash, DIGEST_BYTES, hex);
	buf_printf(b, "\"%s\"", hex);
}

static void number(struct buf *b, const char *name, uint64_t n)
{
	char text[24];
	size_t at = sizeof(text);

	do
		text[--at] = (char)('0' + n % 10);
	while (n /= 10);
	buf_str(b, name);
	buf_put(b, text + at, sizeof(text) - at);
}

/* ---- parts of a row ---- */

static void clocks_print(struct buf *b, const struct line_view *v, int64_t now)
{
	const struct agreement *a = v->agreement     ? v->agreement
				    : v->proposal[1] ? v->proposal[1]
						     : v->proposal[0];

	buf_str(b, ",\"clocks\":[");
	for (int i = 0; a && i < 2; i++) {
		buf_str(b, i ? ",{\"side\":" : "{\"side\":");
		reply_quote(b, a->sides[i]);
		member(b, "zone", a->zones[i]);
		buf_printf(b, ",\"offset_s\":%d,\"due_offset_s\":%d}",
			   agreement_offset_s(a, i, now),
			   agreement_offset_s(a, i,
					      v->next_check[0] ? v->next_due_ms
							       : now));
	}
	buf_u8(b, ']');
}

static void checks_print(struct buf *b, const struct line_view *v)
{
	if (v->next_check[0]) {
		buf_str(b, ",\"next_check\":{\"check\":");
		reply_quote(b, v->next_check);
		buf_str(b, ",\"due\":");
		reply_quote_stamp(b, v->next_due_ms);
		buf_u8(b, '}');
	} else {
		buf_str(b, ",\"next_check\":null");
	}
	if (v->told) {
		buf_str(b, ",\"last_check\":{\"check\":");
		reply_quote(b, v->last_check);
		buf_str(b, ",\"due\":");
		reply_quote_stamp(b, v->last_due_ms);
		buf_printf(b, ",\"outcome\":\"%s\"}",
			   check_outcome_name(v->last_outcome));
	} else {
		buf_str(b, ",\"last_check\":null");
	}
}

static void calls_print(struct buf *b, const struct line_view *v)
{
	buf_str(b, ",\"calls\":[");
	for (size_t i = 0; i < v->calls; i++) {
		const struct check_call *c = &v->call[i];

		number(b, i ? ",{\"seq\":" : "{\"seq\":", c->seq);
		member(b, "check", c->check);
		member(b, "kind", c->kind);
		member(b, "role", c->role);
		buf_str(b, ",\"due\":");
		reply_quote_stamp(b, c->due_ms);
		buf_str(b, ",\"until\":");
		reply_quote_stamp(b, c->until_ms);
		buf_str(b, c->drill ? ",\"drill\":true}" : ",\"drill\":false}");
	}
	buf_u8(b, ']');
}

static void proposals_print(struct buf *b, const struct line_view *v)
{
	bool any = false;

	buf_str(b, ",\"proposals\":[");
	for (int i = 0; i < 2; i++) {
		if (!v->proposal[i])
			continue;
		buf_str(b, any ? ",{\"from\":" : "{\"from\":");
		reply_quote(b, i ? "them" : "us");
		member(b, "by", v->proposal_by[i]);
		number(b, ",\"version\":", v->proposal[i]->version);
		buf_str(b, ",\"agreement\":");
		hash_print(b, v->proposal_hash[i]);
		buf_u8(b, '}');
		any = true;
	}
	buf_u8(b, ']');
}

/* One line without the closing brace */
static void row_print(struct buf *b, const char *peer,
		      const struct line_view *v, int64_t now)
{
	buf_str(b, "{\"peer\":");
	reply_quote(b, peer);
	member(b, "line", v->name);
	member(b, "state", line_state_name(v->state));
	buf_str(b, ",\"since\":");
	stamp_or_null(b, v->since_ms);
	member(b, "word_of",
	       v->word_of == 0   ? "us"
	       : v->word_of == 1 ? "them"
				 : "agreement");
	member(b, "reason", v->reason);
	buf_str(b, ",\"until\":");
	stamp_or_null(b, v->until_ms);
	if (v->agreement)
		number(b, ",\"version\":", v->agreement->version);
	else
		buf_str(b, ",\"version\":null");
	buf_str(b, ",\"begins\":");
	stamp_or_null(b, v->begins && v->agreement ? v->agreement->from_ms : 0);
	proposals_print(b, v);
	member(b, "declined", v->declined);
	buf_str(b, v->proven ? ",\"proven\":true" : ",\"proven\":false");
	number(b, ",\"waiting\":", v->waiting);
	checks_print(b, v);
	calls_print(b, v);
	clocks_print(b, v, now);
}

/* ---- lists ---- */

enum rank { RANK_CALLED, RANK_ASKED, RANK_TROUBLED, RANK_CALM, RANKS };

/* Of how much concern: in a brief list the first ones come first */
static enum rank rank_of(const struct line_view *v)
{
	if (v->calls)
		return RANK_CALLED;
	if (v->proposal[1])
		return RANK_ASKED;
	if (v->waiting ||
	    (v->state != LINE_OPEN && v->state != LINE_OUTSIDE_HOURS))
		return RANK_TROUBLED;
	return RANK_CALM;
}

struct list {
	struct keeper *k;
	const char *peer;
	bool brief;
	struct buf rows[RANKS];
	size_t n[RANKS];
	uint64_t state[LINE_STATES];	/* of all, shown or not */
	uint64_t total;
};

static int on_line(const struct line_view *v, void *arg)
{
	struct list *l = arg;
	const enum rank r = l->brief ? rank_of(v) : RANK_CALLED;

	l->total++;
	l->state[v->state]++;
	if (l->brief && l->n[r] == BRIEF_ROWS)
		return 0;
	row_print(&l->rows[r], l->peer, v, l->k->now.wall_ms);
	buf_str(&l->rows[r], "},\n");
	l->n[r]++;
	return l->rows[r].err;
}

/* Cut what was put behind the n-th row; rows end with },LF */
static size_t rows_cut(const struct buf *b, size_t n)
{
	const uint8_t *at = b->p, *lf;

	while (n-- && (lf = memchr(at, '\n', (size_t)(b->p + b->n - at))))
		at = lf + 1;
	return (size_t)(at - b->p);
}

static void list_print(const struct list *l, struct buf *b)
{
	size_t left = BRIEF_ROWS, shown = 0;
	bool any = false;

	buf_str(b, "{\"time\":");
	reply_quote_stamp(b, l->k->now.wall_ms);
	buf_str(b, ",\"lines\":[");
	for (int r = 0; r < RANKS; r++) {
		const size_t n = l->brief && l->n[r] > left ? left : l->n[r];

		if (!n)
			continue;
		buf_put(b, l->rows[r].p, rows_cut(&l->rows[r], n));
		left -= l->brief ? n : 0;
		shown += n;
	}
	if (shown)
		b->n -= 2;	/* the last comma and LF */
	buf_str(b, "],\"states\":{");
	for (int i = 0; i < LINE_STATES; i++) {
		if (!l->state[i])
			continue;
		buf_str(b, any ? ",\"" : "\"");
		buf_str(b, line_state_name((enum line_state)i));
		number(b, "\":", l->state[i]);
		any = true;
	}
	number(b, "},\"total\":", l->total);
	number(b, ",\"left_out\":", l->total - shown);
	buf_u8(b, '}');
}

static int pair_lines(struct list *l, const struct pair_view *v)
{
	l->peer = v->card->name;
	return core_line_each(l->k->core, l->k->now, v->pair, on_line, l);
}

void view_lines(struct keeper *k, const struct question *q)
{
	struct list l = {.k = k, .brief = q->flag};
	struct pair_view v;
	struct buf b;
	int err = 0;

	if (q->peer[0] && !pair_view_by(k, q->peer, &v)) {
		reply_no_pair(k, q->req, q->peer);
		return;
	}
	for (int r = 0; r < RANKS; r++)
		buf_init(&l.rows[r], LIST_BYTES_MAX);
	buf_init(&b, LIST_BYTES_MAX);
	if (q->peer[0])
		err = pair_lines(&l, &v);
	for (uint32_t i = 0; !q->peer[0] && i < PAIRS_MAX && !err; i++) {
		if (core_pair_get(k->core, i, &v) && v.state != PAIR_REVOKED)
			err = pair_lines(&l, &v);
	}
	list_print(&l, &b);
	err = err ? err : b.err;
	if (err == EMSGSIZE)
		reply_problem(k, q->req, REFUSE_TOO_LARGE,
			      "The list is longer than 8 MiB. Nothing was "
			      "changed. Ask for the lines of one pair, or for "
			      "the brief list.");
	else if (err)
		reply_failure(k, q->req, err);
	else
		reply_text(k, q->req, 200, MEDIA_JSON, b.p, b.n);
	for (int r = 0; r < RANKS; r++)
		buf_free(&l.rows[r]);
	buf_free(&b);
}

/* ---- one, with its texts ---- */

/* In the order of core_line_text() */
static const char *const text_names[] = {"agreement", "ours", "theirs"};

static int quoted(struct buf *to, struct buf *text)
{
	buf_u8(text, '\0');
	if (!text->err)
		reply_quote(to, (const char *)text->p);
	return text->err ? text->err : to->err;
}

static int texts_print(struct keeper *k, const struct line_view *v,
		       struct buf *b)
{
	struct buf text;
	bool any = false;
	int err = 0;

	buf_init(&text, AGREEMENT_BYTES_MAX + 1);
	buf_str(b, ",\"texts\":{");
	for (int i = 0; i < 3 && !err; i++) {
		buf_reset(&text);
		err = core_line_text(k->core, v->pair, v->name, i, &text);
		if (err == ENOENT) {
			err = 0;
			continue;
		}
		buf_printf(b, "%s\"%s\":", any ? "," : "", text_names[i]);
		if (!err)
			err = quoted(b, &text);
		any = true;
	}
	buf_u8(b, '}');
	buf_free(&text);
	return err;
}

static int differences_print(const struct line_view *v, struct buf *b)
{
	struct buf text;
	bool any = false;
	int err = 0;

	buf_init(&text, TEXTS_BYTES_MAX);
	buf_str(b, ",\"differences\":{");
	for (int i = 0; i < 2 && !err; i++) {
		if (!v->proposal[i])
			continue;
		buf_reset(&text);
		err = agreement_diff(v->agreement, v->proposal[i], &text);
		buf_printf(b, "%s\"%s\":", any ? "," : "", text_names[i + 1]);
		if (!err)
			err = quoted(b, &text);
		any = true;
	}
	buf_u8(b, '}');
	buf_free(&text);
	return err;
}

void view_line(struct keeper *k, const struct question *q)
{
	struct pair_view p;
	struct line_view v;
	struct buf b;
	int err;

	if (!pair_view_by(k, q->peer, &p)) {
		reply_no_pair(k, q->req, q->peer);
		return;
	}
	if (!core_line_get(k->core, k->now, p.pair, q->line, &v)) {
		lines_no_line(k, q->req, q->peer, q->line);
		return;
	}
	buf_init(&b, TEXTS_BYTES_MAX);
	row_print(&b, q->peer, &v, k->now.wall_ms);
	buf_str(&b, ",\"agreement\":");
	if (v.hash)
		hash_print(&b, v.hash);
	else
		buf_str(&b, "null");
	err = texts_print(k, &v, &b);
	if (!err)
		err = differences_print(&v, &b);
	buf_u8(&b, '}');
	err = err ? err : b.err;
	if (err)
		reply_failure(k, q->req, err);
	else
		reply_text(k, q->req, 200, MEDIA_JSON, b.p, b.n);
	buf_free(&b);
}
