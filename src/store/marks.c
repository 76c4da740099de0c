/* SPDX-License-Identifier: ISC */
/**
 * @file marks.c  What is said of entries, and which bodies are wanted
 *
 * The ranges of one state in one feed neither overlap nor touch: a new one
 * swallows its neighbours.  So a look-up is one step to the range that begins
 * at or before the entry, and a peer that scatters its receipts pays for the
 * swallowing once for each range it made.
 */
#include <errno.h>
#include <string.h>
#include "store/inner.h"

#define DOING_RECEIPT "write a receipt to record.db"

struct range {
	uint64_t first;
	uint64_t last;
};

/* The range of this state that begins last, at or before @p at; or ENOENT */
static int range_find(struct store *s, uint32_t feed, unsigned state,
		      uint64_t at, struct range *out)
{
	sqlite3_stmt *st = stmt_take(s, SQL_RECEIPT_FIND);
	int rc, err = 0;

	if (!st)
		return store_failed(s, "read receipts");
	bind_uint(s, st, 1, feed);
	bind_uint(s, st, 2, state);
	bind_uint(s, st, 3, at);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		out->first = column_uint(st, 0);
		out->last = column_uint(st, 1);
	} else {
		err = rc == SQLITE_DONE ? ENOENT
					: store_failed(s, "read receipts");
	}
	stmt_give(s, SQL_RECEIPT_FIND, st);
	return err;
}

static int range_drop(struct store *s, uint32_t feed, unsigned state,
		      uint64_t first)
{
	sqlite3_stmt *st = stmt_take(s, SQL_RECEIPT_DROP);

	if (!st)
		return store_failed(s, DOING_RECEIPT);
	bind_uint(s, st, 1, feed);
	bind_uint(s, st, 2, state);
	bind_uint(s, st, 3, first);
	return stmt_run(s, SQL_RECEIPT_DROP, st, DOING_RECEIPT);
}

static int receipt_put(void *arg, uint32_t feed, uint64_t first, uint64_t last,
		       enum receipt_state state, uint64_t by)
{
	struct store *s = arg;
	struct range all = {first, last}, r;
	sqlite3_stmt *st;
	int err;

	if (feed >= FEEDS || (unsigned)state >= RECEIPT_STATES ||
	    first > last || last > SEQ_MAX || by > INT64_MAX)
		return EINVAL;
	err = store_begin(s);
	if (err)
		return err;
	for (;;) {
		err = range_find(s, feed, state, all.last + 1, &r);
		if (err && err != ENOENT)
			return err;
		if (err || r.last + 1 < all.first)
			break;
		if (r.first <= first && last <= r.last)
			return 0;	/* said before */
		all.first = r.first < all.first ? r.first : all.first;
		all.last = r.last > all.last ? r.last : all.last;
		err = range_drop(s, feed, state, r.first);
		if (err)
			return err;
	}
	st = stmt_take(s, SQL_RECEIPT_PUT);
	if (!st)
		return store_failed(s, DOING_RECEIPT);
	bind_uint(s, st, 1, feed);
	bind_uint(s, st, 2, state);
	bind_uint(s, st, 3, all.first);
	bind_uint(s, st, 4, all.last);
	bind_uint(s, st, 5, by);
	return stmt_run(s, SQL_RECEIPT_PUT, st, DOING_RECEIPT);
}

static int receipt_bits(void *arg, uint32_t feed, uint64_t seq, unsigned *bits)
{
	unsigned found = 0;
	struct range r;

	if (feed >= FEEDS || seq > SEQ_MAX)
		return EINVAL;
	for (unsigned state = 0; state < RECEIPT_STATES; state++) {
		const int err = range_find(arg, feed, state, seq, &r);

		if (err && err != ENOENT)
			return err;
		if (!err && seq <= r.last)
			found |= 1u << state;
	}
	*bits = found;
	return 0;
}

/* ---- wants ---- */

static int want_put(void *arg, uint32_t feed, const struct db_want *w)
{
	struct store *s = arg;
	sqlite3_stmt *st;
	int err;

	if (feed >= FEEDS || w->seq > SEQ_MAX || w->bytes > INT64_MAX)
		return EINVAL;
	err = store_begin(s);
	if (err)
		return err;
	st = stmt_take(s, SQL_WANT_PUT);
	if (!st)
		return store_failed(s, "write to record.db");
	bind_uint(s, st, 1, row_of(feed, w->seq));
	bind_bytes(s, st, 2, w->hash, DIGEST_BYTES);
	bind_uint(s, st, 3, w->bytes);
	return stmt_run(s, SQL_WANT_PUT, st, "write to record.db");
}

/* Column @p at is the hash, the next one the size */
static int want_read(struct store *s, sqlite3_stmt *st, int at,
		     struct db_want *out)
{
	const void *hash = sqlite3_column_blob(st, at);

	if (!hash || sqlite3_column_bytes(st, at) != DIGEST_BYTES)
		return store_failed(s, "read a want");
	memcpy(out->hash, hash, DIGEST_BYTES);
	out->bytes = column_uint(st, at + 1);
	return 0;
}

static int want_get(struct store *s, uint64_t row, struct db_want *out)
{
	sqlite3_stmt *st = stmt_take(s, SQL_WANT_GET);
	int rc, err;

	if (!st)
		return store_failed(s, "read record.db");
	bind_uint(s, st, 1, row);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		err = want_read(s, st, 0, out);
	else
		err = rc == SQLITE_DONE ? ENOENT
					: store_failed(s, "read record.db");
	stmt_give(s, SQL_WANT_GET, st);
	return err;
}

/* A want that ends with its body in a file adds it to what the feed holds */
static int want_drop(void *arg, uint32_t feed, uint64_t seq)
{
	struct store *s = arg;
	struct db_want w;
	sqlite3_stmt *st;
	uint64_t have;
	bool whole = false;
	int err;

	if (feed >= FEEDS || seq > SEQ_MAX)
		return EINVAL;
	err = want_get(s, row_of(feed, seq), &w);
	if (err)
		return err == ENOENT ? 0 : err;
	err = store_begin(s);
	if (!err && w.bytes > BODY_ROW_MAX)
		err = blobs_have(s, w.hash, &have, &whole);
	if (!err && whole)
		err = held_add(s, feed, w.bytes);
	if (err)
		return err;
	st = stmt_take(s, SQL_WANT_DROP);
	if (!st)
		return store_failed(s, "write to record.db");
	bind_uint(s, st, 1, row_of(feed, seq));
	return stmt_run(s, SQL_WANT_DROP, st, "write to record.db");
}

static int want_next(void *arg, uint32_t feed, uint64_t from,
		     struct db_want *out)
{
	struct store *s = arg;
	sqlite3_stmt *st;
	int rc, err;

	if (feed >= FEEDS)
		return EINVAL;
	if (from > SEQ_MAX)
		return ENOENT;
	st = stmt_take(s, SQL_WANT_NEXT);
	if (!st)
		return store_failed(s, "read record.db");
	bind_uint(s, st, 1, row_of(feed, from));
	bind_uint(s, st, 2, row_of(feed, SEQ_MAX));
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		out->seq = column_uint(st, 0) & SEQ_MAX;
		err = want_read(s, st, 1, out);
	} else {
		err = rc == SQLITE_DONE ? ENOENT
					: store_failed(s, "read record.db");
	}
	stmt_give(s, SQL_WANT_NEXT, st);
	return err;
}

void marks_fill(struct db *db)
{
	db->receipt_put = receipt_put;
	db->receipt_bits = receipt_bits;
	db->want_put = want_put;
	db->want_drop = want_drop;
	db->want_next = want_next;
}
