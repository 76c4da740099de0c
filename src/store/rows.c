/* SPDX-License-Identifier: ISC */
/** @file rows.c  Pairs, small values, entries, notes and evidence in record.db */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "store/inner.h"

#define DOING_READ "read record.db"
#define DOING_WRITE "write to record.db"
#define PAIR_BYTES_MAX 32768
#define META_BYTES_MAX 4096
#define META_CHARS_MAX 64
#define PROOF_BYTES_MAX 4194304	/* a batch without its bodies, a note */

void rows_forget(struct store *s)
{
	for (size_t i = 0; i < FEEDS; i++) {
		s->next[i] = NUMBER_UNKNOWN;
		s->held[i] = NUMBER_UNKNOWN;
		s->held_new[i] = false;
	}
}

/* One number by one or two parameters; ENOENT */
static int number_get(struct store *s, enum sql which, uint64_t a, uint64_t b,
		      uint64_t *v)
{
	sqlite3_stmt *st = stmt_take(s, which);
	int rc, err = 0;

	if (!st)
		return store_failed(s, DOING_READ);
	bind_uint(s, st, 1, a);
	if (sqlite3_bind_parameter_count(st) > 1)
		bind_uint(s, st, 2, b);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*v = column_uint(st, 0);
	else
		err = rc == SQLITE_DONE ? ENOENT : store_failed(s, DOING_READ);
	stmt_give(s, which, st);
	return err;
}

/* ---- pairs and small values ---- */

static int pair_each(void *arg, db_pair_h *h, void *harg)
{
	struct store *s = arg;
	sqlite3_stmt *st = stmt_take(s, SQL_PAIR_EACH);
	int rc, err = 0;

	if (!st)
		return store_failed(s, DOING_READ);
	while (!err && (rc = sqlite3_step(st)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW) {
			err = store_failed(s, DOING_READ);
			break;
		}
		err = h((uint32_t)column_uint(st, 0),
			sqlite3_column_blob(st, 1),
			(size_t)sqlite3_column_bytes(st, 1), harg);
	}
	stmt_give(s, SQL_PAIR_EACH, st);
	return err;
}

static int pair_put(void *arg, uint32_t pair, const uint8_t *p, size_t n)
{
	struct store *s = arg;
	sqlite3_stmt *st;
	int err;

	if (pair >= PAIRS_MAX || n > PAIR_BYTES_MAX)
		return EINVAL;
	err = store_begin(s);
	if (err)
		return err;
	st = stmt_take(s, SQL_PAIR_PUT);
	if (!st)
		return store_failed(s, DOING_WRITE);
	bind_uint(s, st, 1, pair);
	bind_bytes(s, st, 2, p, n);
	return stmt_run(s, SQL_PAIR_PUT, st, DOING_WRITE);
}

static int meta_get(void *arg, const char *name, struct buf *out)
{
	struct store *s = arg;
	sqlite3_stmt *st = stmt_take(s, SQL_META_GET);
	int rc, err = 0;

	if (!st)
		return store_failed(s, DOING_READ);
	bind_text(s, st, 1, name);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		buf_put(out, sqlite3_column_blob(st, 0),
			(size_t)sqlite3_column_bytes(st, 0));
		err = out->err;
	} else {
		err = rc == SQLITE_DONE ? ENOENT : store_failed(s, DOING_READ);
	}
	stmt_give(s, SQL_META_GET, st);
	return err;
}

static int meta_put(void *arg, const char *name, const uint8_t *p, size_t n)
{
	const enum sql which = n ? SQL_META_PUT : SQL_META_DROP;
	struct store *s = arg;
	sqlite3_stmt *st;
	int err;

	if (n > META_BYTES_MAX || strlen(name) > META_CHARS_MAX)
		return EINVAL;
	err = store_begin(s);
	if (err)
		return err;
	st = stmt_take(s, which);
	if (!st)
		return store_failed(s, DOING_WRITE);
	bind_text(s, st, 1, name);
	if (n)
		bind_bytes(s, st, 2, p, n);
	return stmt_run(s, which, st, DOING_WRITE);
}

/* ---- what is kept in memory of each feed ---- */

static int next_get(struct store *s, uint32_t feed, uint64_t *next)
{
	uint64_t row;
	int err;

	if (s->next[feed] == NUMBER_UNKNOWN) {
		err = number_get(s, SQL_ENTRY_LAST, row_of(feed, 0),
				 row_of(feed, SEQ_MAX), &row);
		if (err && err != ENOENT)
			return err;
		s->next[feed] = err ? 0 : (row & SEQ_MAX) + 1;
	}
	*next = s->next[feed];
	return 0;
}

int held_get(struct store *s, uint32_t feed, uint64_t *bytes)
{
	if (s->held[feed] == NUMBER_UNKNOWN) {
		uint64_t v = 0;
		const int err = number_get(s, SQL_HELD_GET, feed, 0, &v);

		if (err && err != ENOENT)
			return err;
		s->held[feed] = v;
	}
	*bytes = s->held[feed];
	return 0;
}

int held_add(struct store *s, uint32_t feed, uint64_t bytes)
{
	uint64_t v;
	const int err = held_get(s, feed, &v);

	if (err)
		return err;
	s->held[feed] = v + bytes;
	s->held_new[feed] = true;
	return 0;
}

int held_flush(struct store *s)
{
	for (uint32_t feed = 0; feed < FEEDS; feed++) {
		sqlite3_stmt *st;
		int err;

		if (!s->held_new[feed])
			continue;
		st = stmt_take(s, SQL_HELD_PUT);
		if (!st)
			return store_failed(s, DOING_WRITE);
		bind_uint(s, st, 1, feed);
		bind_uint(s, st, 2, s->held[feed]);
		err = stmt_run(s, SQL_HELD_PUT, st, DOING_WRITE);
		if (err)
			return err;
		s->held_new[feed] = false;
	}
	return 0;
}

int store_body_bytes(struct store *s, uint32_t feed, uint64_t *bytes)
{
	return feed < FEEDS ? held_get(s, feed, bytes) : EINVAL;
}

/* ---- entries ---- */

static bool entry_fits(const struct db_entry *e)
{
	return e->n && e->n <= ENTRY_BYTES_MAX && e->seq < SEQ_MAX &&
	       (unsigned)e->kind < ENTRY_KINDS && e->seen <= INT64_MAX &&
	       (!e->body || e->body_n <= BODY_ROW_MAX) &&
	       (!e->id || (e->id[0] && strlen(e->id) <= ID_CHARS_MAX));
}

static int entry_put(void *arg, uint32_t feed, const struct db_entry *e)
{
	struct store *s = arg;
	sqlite3_stmt *st;
	uint64_t next;
	int err;

	if (feed >= FEEDS || !entry_fits(e))
		return EINVAL;
	err = store_begin(s);
	if (!err)
		err = next_get(s, feed, &next);
	if (err)
		return err;
	if (e->seq != next)
		return EINVAL;
	st = stmt_take(s, SQL_ENTRY_PUT);
	if (!st)
		return store_failed(s, "write an entry to record.db");
	bind_uint(s, st, 1, row_of(feed, e->seq));
	bind_uint(s, st, 2, e->kind);
	bind_uint(s, st, 3, e->seen);
	bind_int(s, st, 4, e->time_ms);
	bind_text(s, st, 5, e->id);
	bind_bytes(s, st, 6, e->p, e->n);
	if (e->body)
		bind_bytes(s, st, 7, e->body, e->body_n);
	else
		bind_text(s, st, 7, NULL);
	err = stmt_run(s, SQL_ENTRY_PUT, st, "write an entry to record.db");
	if (err)
		return err;
	s->next[feed] = next + 1;
	return e->body && e->body_n ? held_add(s, feed, e->body_n) : 0;
}

static int body_put(void *arg, uint32_t feed, uint64_t seq, const uint8_t *p,
		    size_t n)
{
	struct store *s = arg;
	sqlite3_stmt *st;
	int err;

	if (feed >= FEEDS || seq > SEQ_MAX || n > BODY_ROW_MAX)
		return EINVAL;
	err = store_begin(s);
	if (err)
		return err;
	st = stmt_take(s, SQL_BODY_PUT);
	if (!st)
		return store_failed(s, "write a body to record.db");
	bind_uint(s, st, 1, row_of(feed, seq));
	bind_bytes(s, st, 2, p, n);
	err = stmt_run(s, SQL_BODY_PUT, st, "write a body to record.db");
	if (err)
		return err;
	if (!sqlite3_changes(s->sqlite))
		return ENOENT;
	return held_add(s, feed, n);
}

static void entry_read(sqlite3_stmt *st, bool with_body, struct db_entry *e)
{
	const uint64_t kind = column_uint(st, 1);

	e->seq = column_uint(st, 0) & SEQ_MAX;
	e->kind = kind < ENTRY_KINDS ? (enum entry_kind)kind : ENTRY_UNKNOWN;
	e->seen = column_uint(st, 2);
	e->time_ms = sqlite3_column_int64(st, 3);
	e->id = (const char *)sqlite3_column_text(st, 4);
	e->p = sqlite3_column_blob(st, 5);
	e->n = (size_t)sqlite3_column_bytes(st, 5);
	e->body = NULL;
	e->body_n = 0;
	if (with_body && sqlite3_column_type(st, 6) != SQLITE_NULL) {
		e->body = sqlite3_column_blob(st, 6);
		e->body_n = (size_t)sqlite3_column_bytes(st, 6);
		if (!e->body)	/* SQLite's way to say empty */
			e->body = (const uint8_t *)"";
	}
}

static int walk(struct store *s, enum sql which, uint32_t feed, uint64_t first,
		uint64_t max, db_entry_h *h, void *harg)
{
	const bool with_body = which == SQL_ENTRY_WALK_BODY;
	struct db_entry e;
	sqlite3_stmt *st;
	int rc, err = 0;

	if (feed >= FEEDS)
		return EINVAL;
	if (first > SEQ_MAX || !max)
		return 0;
	st = stmt_take(s, which);
	if (!st)
		return store_failed(s, DOING_READ);
	bind_uint(s, st, 1, row_of(feed, first));
	bind_uint(s, st, 2, row_of(feed, SEQ_MAX));
	bind_uint(s, st, 3, max);
	while (!err && (rc = sqlite3_step(st)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW) {
			err = store_failed(s, DOING_READ);
			break;
		}
		entry_read(st, with_body, &e);
		err = e.p ? h(&e, harg) : store_failed(s, DOING_READ);
	}
	stmt_give(s, which, st);
	return err;
}

static int entry_walk(void *arg, uint32_t feed, uint64_t first, uint64_t max,
		      bool with_body, db_entry_h *h, void *harg)
{
	return walk(arg, with_body ? SQL_ENTRY_WALK_BODY : SQL_ENTRY_WALK, feed,
		    first, max, h, harg);
}

int store_items(struct store *s, uint32_t feed, uint64_t after, uint64_t max,
		db_entry_h *h, void *arg)
{
	if (after >= SEQ_MAX)
		return feed < FEEDS ? 0 : EINVAL;
	return walk(s, SQL_ENTRY_ITEMS, feed, after + 1, max, h, arg);
}

static int entry_find_id(void *arg, uint32_t feed, const char *id,
			 uint64_t *seq)
{
	struct store *s = arg;
	sqlite3_stmt *st;
	int rc, err = 0;

	if (feed >= FEEDS)
		return EINVAL;
	st = stmt_take(s, SQL_ENTRY_ID);
	if (!st)
		return store_failed(s, DOING_READ);
	bind_uint(s, st, 1, feed);
	bind_text(s, st, 2, id);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*seq = column_uint(st, 0) & SEQ_MAX;
	else
		err = rc == SQLITE_DONE ? ENOENT : store_failed(s, DOING_READ);
	stmt_give(s, SQL_ENTRY_ID, st);
	return err;
}

/* i + seen(i) grows with i: halve the feed until one entry is left */
int store_joint_floor(struct store *s, uint32_t pivot_feed, uint64_t joint,
		      uint64_t *i)
{
	uint64_t lo = 0, hi;	/* entries below lo fit, from hi on they do not */
	int err;

	if (pivot_feed >= FEEDS)
		return EINVAL;
	err = next_get(s, pivot_feed, &hi);
	if (err)
		return err;
	while (lo < hi) {
		const uint64_t mid = lo + (hi - lo) / 2;
		uint64_t seen;

		err = number_get(s, SQL_ENTRY_SEEN, row_of(pivot_feed, mid), 0,
				 &seen);
		if (err)
			return err;
		if (mid + seen <= joint)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return ENOENT;
	*i = lo - 1;
	return 0;
}

/* ---- notes ---- */

static uint64_t note_row(uint32_t feed, enum note_kind kind, uint64_t size)
{
	return row_of(feed * 4 + (uint32_t)kind, size);
}

static int note_put(void *arg, uint32_t feed, enum note_kind kind,
		    const struct db_note *n)
{
	struct store *s = arg;
	sqlite3_stmt *st;
	int err;

	if (feed >= FEEDS || (unsigned)kind >= NOTE_KINDS ||
	    n->size > SEQ_MAX || n->bytes > INT64_MAX || !n->n ||
	    n->n > NOTE_BYTES_MAX)
		return EINVAL;
	err = store_begin(s);
	if (err)
		return err;
	st = stmt_take(s, SQL_NOTE_PUT);
	if (!st)
		return store_failed(s, DOING_WRITE);
	bind_uint(s, st, 1, note_row(feed, kind, n->size));
	bind_uint(s, st, 2, n->bytes);
	bind_bytes(s, st, 3, n->root, DIGEST_BYTES);
	bind_bytes(s, st, 4, n->p, n->n);
	return stmt_run(s, SQL_NOTE_PUT, st, DOING_WRITE);
}

/* The statement stands on the note with the largest size in lo..hi, or ENOENT */
static int note_seek(struct store *s, sqlite3_stmt *st, uint64_t lo,
		     uint64_t hi, struct db_note *n)
{
	const void *root;
	int rc;

	(void)sqlite3_reset(st);
	bind_uint(s, st, 1, lo);
	bind_uint(s, st, 2, hi);
	rc = sqlite3_step(st);
	if (rc == SQLITE_DONE)
		return ENOENT;
	if (rc != SQLITE_ROW)
		return store_failed(s, DOING_READ);
	n->size = column_uint(st, 0) & SEQ_MAX;
	n->bytes = column_uint(st, 1);
	root = sqlite3_column_blob(st, 2);
	n->p = sqlite3_column_blob(st, 3);
	n->n = (size_t)sqlite3_column_bytes(st, 3);
	if (!root || sqlite3_column_bytes(st, 2) != DIGEST_BYTES || !n->p)
		return store_failed(s, "read a note");
	memcpy(n->root, root, DIGEST_BYTES);
	return 0;
}

/* Bytes grow with size.  A note that is too heavy sends us to the lower half of
   the sizes, one that fits to the upper half. */
static int note_lighter(struct store *s, sqlite3_stmt *st, uint64_t lo,
			uint64_t hi, uint64_t max_bytes, struct db_note *n)
{
	const uint64_t first = lo;
	uint64_t best = NUMBER_UNKNOWN;
	int err;

	while (lo <= hi) {
		const uint64_t mid = lo + (hi - lo) / 2;

		err = note_seek(s, st, first, mid, n);
		if (err && err != ENOENT)
			return err;
		if (!err && n->bytes > max_bytes) {
			hi = first + n->size;
			if (hi == first)
				break;
			hi--;
			continue;
		}
		if (!err)
			best = first + n->size;
		lo = mid + 1;
	}
	if (best == NUMBER_UNKNOWN)
		return ENOENT;
	return note_seek(s, st, best, best, n);
}

static int note_find(void *arg, uint32_t feed, enum note_kind kind,
		     uint64_t max_size, uint64_t max_bytes, db_note_h *h,
		     void *harg)
{
	struct store *s = arg;
	struct db_note n;
	sqlite3_stmt *st;
	uint64_t first;
	int err;

	if (feed >= FEEDS || (unsigned)kind >= NOTE_KINDS)
		return EINVAL;
	st = stmt_take(s, SQL_NOTE_FIND);
	if (!st)
		return store_failed(s, DOING_READ);
	first = note_row(feed, kind, 0);
	err = note_seek(s, st, first,
			first + (max_size > SEQ_MAX ? SEQ_MAX : max_size), &n);
	if (!err && n.bytes > max_bytes)
		err = n.size ? note_lighter(s, st, first, first + n.size - 1,
					    max_bytes, &n)
			     : ENOENT;
	if (!err)
		err = h(&n, harg);
	stmt_give(s, SQL_NOTE_FIND, st);
	return err;
}

/* ---- evidence ---- */

static int proof_put(void *arg, uint32_t pair, const char *name,
		     const uint8_t *p, size_t n)
{
	struct store *s = arg;
	sqlite3_stmt *st;
	uint64_t row = 0;
	int err;

	if (pair >= PAIRS_MAX || !n || n > PROOF_BYTES_MAX)
		return EINVAL;
	err = store_begin(s);
	if (!err)
		err = number_get(s, SQL_PROOF_LAST, row_of(pair, 0),
				 row_of(pair, SEQ_MAX), &row);
	if (err && err != ENOENT)
		return err;
	st = stmt_take(s, SQL_PROOF_PUT);
	if (!st)
		return store_failed(s, DOING_WRITE);
	bind_uint(s, st, 1, row_of(pair, (row & SEQ_MAX) + 1));
	bind_text(s, st, 2, name);
	bind_bytes(s, st, 3, p, n);
	return stmt_run(s, SQL_PROOF_PUT, st, DOING_WRITE);
}

int store_proofs(struct store *s, uint32_t pair, store_proof_h *h, void *arg)
{
	sqlite3_stmt *st;
	int rc, err = 0;

	if (pair >= PAIRS_MAX)
		return EINVAL;
	st = stmt_take(s, SQL_PROOF_EACH);
	if (!st)
		return store_failed(s, DOING_READ);
	bind_uint(s, st, 1, row_of(pair, 0));
	bind_uint(s, st, 2, row_of(pair, SEQ_MAX));
	while (!err && (rc = sqlite3_step(st)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW) {
			err = store_failed(s, DOING_READ);
			break;
		}
		err = h(column_uint(st, 0) & SEQ_MAX,
			(const char *)sqlite3_column_text(st, 1),
			sqlite3_column_blob(st, 2),
			(size_t)sqlite3_column_bytes(st, 2), arg);
	}
	stmt_give(s, SQL_PROOF_EACH, st);
	return err;
}

void rows_fill(struct db *db)
{
	db->pair_each = pair_each;
	db->pair_put = pair_put;
	db->meta_get = meta_get;
	db->meta_put = meta_put;
	db->entry_put = entry_put;
	db->entry_walk = entry_walk;
	db->entry_find_id = entry_find_id;
	db->body_put = body_put;
	db->note_put = note_put;
	db->note_find = note_find;
	db->proof_put = proof_put;
}
