/* SPDX-License-Identifier: ISC */
/** @file lines.c  Rows of a pair by name and number: lines, what waits */
#include <errno.h>
#include <string.h>
#include "store/inner.h"

#define DOING_READ "read lines from record.db"
#define DOING_WRITE "write a line to record.db"

static int row_put(void *arg, uint32_t pair, const char *name, uint64_t no,
		   const uint8_t *p, size_t n)
{
	const enum sql which = n ? SQL_LINE_PUT : SQL_LINE_DROP;
	struct store *s = arg;
	sqlite3_stmt *st;
	int err;

	if (pair >= PAIRS_MAX || strlen(name) > ROW_NAME_CHARS_MAX ||
	    no > INT64_MAX || n > ROW_BYTES_MAX)
		return EINVAL;
	err = store_begin(s);
	if (err)
		return err;
	st = stmt_take(s, which);
	if (!st)
		return store_failed(s, DOING_WRITE);
	bind_uint(s, st, 1, pair);
	bind_text(s, st, 2, name);
	bind_uint(s, st, 3, no);
	if (n)
		bind_bytes(s, st, 4, p, n);
	return stmt_run(s, which, st, DOING_WRITE);
}

static int row_next(void *arg, uint32_t pair, const char *name, uint64_t from,
		    uint64_t *no, struct buf *out)
{
	struct store *s = arg;
	sqlite3_stmt *st = stmt_take(s, SQL_LINE_NEXT);
	int rc, err = 0;

	if (!st)
		return store_failed(s, DOING_READ);
	bind_uint(s, st, 1, pair);
	bind_text(s, st, 2, name);
	bind_uint(s, st, 3, from);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*no = column_uint(st, 0);
		buf_reset(out);
		buf_put(out, sqlite3_column_blob(st, 1),
			(size_t)sqlite3_column_bytes(st, 1));
		err = out->err;
	} else {
		err = rc == SQLITE_DONE ? ENOENT : store_failed(s, DOING_READ);
	}
	stmt_give(s, SQL_LINE_NEXT, st);
	return err;
}

static int row_each(void *arg, uint32_t pair, db_row_h *h, void *harg)
{
	struct store *s = arg;
	sqlite3_stmt *st = stmt_take(s, SQL_LINE_EACH);
	int err = 0;

	if (!st)
		return store_failed(s, DOING_READ);
	bind_uint(s, st, 1, pair);
	while (!err) {
		const int rc = sqlite3_step(st);

		if (rc != SQLITE_ROW) {
			if (rc != SQLITE_DONE)
				err = store_failed(s, DOING_READ);
			break;
		}
		err = h((const char *)sqlite3_column_text(st, 0),
			column_uint(st, 1), sqlite3_column_blob(st, 2),
			(size_t)sqlite3_column_bytes(st, 2), harg);
	}
	stmt_give(s, SQL_LINE_EACH, st);
	return err;
}

void lines_fill(struct db *db)
{
	db->row_put = row_put;
	db->row_next = row_next;
	db->row_each = row_each;
}
