/* SPDX-License-Identifier: ISC */
/** @file waiting.c  What waits on a line that is cut, and its going out */
#include <errno.h>
#include <string.h>
#include "core/state.h"

#define RELEASE_MAX 64	/* items of a line in one turn */

bool line_carries(const struct pair *p, const struct line *l, int64_t wall_ms)
{
	return l->proven && !l->waiting &&
	       line_state_at(p, l, wall_ms) >= LINE_REFUSED;
}

static void put_words(struct buf *b, const char *s)
{
	buf_u16(b, (uint16_t)strlen(s));
	buf_put(b, s, strlen(s) + 1);
}

static const char *get_words(struct cur *c)
{
	const size_t n = cur_u16(c);
	const uint8_t *p = cur_take(c, n + 1);

	if (!p || p[n]) {
		c->bad = true;
		return "";
	}
	return (const char *)p;
}

static void put_item(struct buf *b, const struct submit *s, int64_t written_ms)
{
	buf_u8(b, (uint8_t)s->kind);
	buf_u64(b, (uint64_t)written_ms);
	put_words(b, s->id);
	put_words(b, s->by);
	put_words(b, s->precedence);
	put_words(b, s->subject);
	put_words(b, s->name ? s->name : "");
	put_words(b, s->media);
	buf_put(b, s->hash, DIGEST_BYTES);
	buf_u64(b, s->blob_bytes);
	buf_put(b, s->body, s->body_n);
}

static int get_item(const struct buf *b, struct submit *s, int64_t *written_ms)
{
	struct cur c = cur_of(b->p, b->n);

	s->kind = (enum entry_kind)cur_u8(&c);
	*written_ms = (int64_t)cur_u64(&c);
	s->id = get_words(&c);
	s->by = get_words(&c);
	s->precedence = get_words(&c);
	s->subject = get_words(&c);
	s->name = get_words(&c);
	s->media = get_words(&c);
	cur_copy(&c, s->hash, DIGEST_BYTES);
	s->blob_bytes = cur_u64(&c);
	s->body_n = c.n;
	s->body = c.n ? cur_take(&c, c.n) : NULL;
	return c.bad ? EBADMSG : 0;
}

int waiting_put(struct core *c, struct pair *p, struct now now, struct line *l,
		const struct submit *s, enum answer *answer, uint64_t *seq)
{
	struct submit item;
	struct stored_body body;
	char id[ID_CHARS_MAX + 1];
	struct buf b;
	int err;

	if (l->waiting == WAITING_MAX) {
		*answer = ANSWER_BUSY;
		return 0;
	}
	submit_id(p, s, id);
	submit_body(c, s, &body);
	item = *s;
	item.id = id;
	item.body = body.p;
	item.body_n = body.n;
	memcpy(item.hash, body.hash, DIGEST_BYTES);
	item.blob_bytes = body.bytes;
	err = submit_try(c, p, now, &item, &body);
	if (err == EINVAL || err == EMSGSIZE) {
		*answer = ANSWER_BAD;	/* not after a year of waiting */
		return 0;
	}
	if (!err)
		err = own_begin(c, p, now, "waiting");
	if (err)
		return err;
	entry_field(&c->scratch, "line", "%s", l->name);
	entry_field(&c->scratch, "id", "%s", id);
	submit_blob(c, &body, s->media);
	err = own_append(c, p, ENTRY_WAITING, NULL, 0, s->id);
	if (err == EINVAL || err == EMSGSIZE) {
		*answer = ANSWER_BAD;
		return 0;
	}
	if (err)
		return err;
	*answer = ANSWER_WAITS;
	*seq = p->own.tree.size - 1;
	buf_init(&b, ROW_BYTES_MAX);
	put_item(&b, &item, p->own.time_ms);
	err = b.err ? b.err
		    : DB(c, row_put, p->no, l->name, l->wait_no, b.p, b.n);
	buf_free(&b);
	l->wait_no++;
	l->waiting++;
	l->dirty = true;
	line_touch(p, l);
	return err ? err
		   : line_event(c, p, l, LINE_EVENT_WAITING, *seq,
				CHECK_OUTCOMES);
}

/* The row of the item with this id.  ENOENT. */
static int row_find(struct core *c, const struct pair *p, const struct line *l,
		    struct str id, uint64_t *no)
{
	uint64_t from = ROW_WAITING;
	struct submit s;
	int64_t written_ms;
	bool found = false;
	struct buf b;
	int err = l->waiting ? 0 : ENOENT;

	buf_init(&b, ROW_BYTES_MAX);
	while (!err && !found) {
		err = DB(c, row_next, p->no, l->name, from, no, &b);
		if (!err)
			err = get_item(&b, &s, &written_ms);
		found = !err && str_is(id, s.id);
		from = *no + 1;
	}
	buf_free(&b);
	return err;
}

int waiting_gone(struct core *c, struct pair *p, struct line *l, struct str id)
{
	uint64_t no;
	int err = row_find(c, p, l, id, &no);

	if (err)
		return err == ENOENT ? 0 : err;
	l->waiting--;
	return DB(c, row_put, p->no, l->name, no, NULL, 0);
}

int waiting_has(struct core *c, const struct pair *p, const char *line,
		const char *id, bool *has)
{
	const struct line *l = line ? line_find(p, str_of(line)) : NULL;
	uint64_t no;
	const int err = l ? row_find(c, p, l, str_of(id), &no) : ENOENT;

	*has = !err;
	return err == ENOENT ? 0 : err;
}

static int release_one(struct core *c, struct pair *p, struct now now,
		       struct line *l, struct buf *b, enum answer *answer)
{
	struct submit s = {.pair = p->no, .line = l->name};
	int64_t written_ms;
	uint64_t no;
	int err = DB(c, row_next, p->no, l->name, ROW_WAITING, &no, b);

	if (!err)
		err = get_item(b, &s, &written_ms);
	return err ? err : submit_write(c, p, now, &s, written_ms, answer);
}

int waiting_release(struct core *c, struct pair *p, struct now now,
		    struct line *l, bool *more)
{
	enum answer answer = ANSWER_OK;
	struct buf b;
	int n = 0, err = 0;

	*more = false;
	if (!l->waiting || !l->proven ||
	    line_state_at(p, l, now.wall_ms) < LINE_REFUSED)
		return 0;
	buf_init(&b, ROW_BYTES_MAX);
	while (!err && l->waiting && answer == ANSWER_OK && n++ < RELEASE_MAX)
		err = release_one(c, p, now, l, &b, &answer);
	buf_free(&b);
	*more = l->waiting && answer == ANSWER_OK;
	return err ? err
		   : line_event(c, p, l, LINE_EVENT_WAITING, 0, CHECK_OUTCOMES);
}
