/* SPDX-License-Identifier: ISC */
/**
 * @file turns.c  The log of turns: what makes a short turn durable
 *
 * A turn of one notice changes a dozen pages of 8 KiB, and the next one the
 * same pages again.  So SQLite's transaction stays open over many turns, and
 * what is synced at the end of each is the statements of that turn alone, with
 * their parameters, in a file that is set aside beforehand:
 *
 *	turns.log = record *record
 *	record    = u32 octets of ops | u64 round | u64 turn | ops | 32 octets
 *	ops       = *( u32 statement | u8 count | count * value )
 *	value     = u8 at | u8 1 | u64 number  /  u8 at | u8 2 | u32 n, text
 *	          / u8 at | u8 3 | u32 n, octets  /  u8 at | u8 0
 *
 * The last 32 octets are SHA-256 over those of the record before (zeros: there
 * is none in this round) and over the record up to here: so what an earlier
 * round or a turn that failed has left there is never taken for a turn.
 *
 * A commit of SQLite ends a round: it puts the next round's number into the
 * same transaction, and the file is used from its beginning again.  On opening,
 * and whenever the transaction is lost, the records of the present round are
 * run again, in order.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store/inner.h"

#define FILE_NAME "turns.log"
#define ROUND_NAME "turns.round" /* of the value in SQLite */
#define HEAD_BYTES 20

enum value { VALUE_NULL, VALUE_INT, VALUE_TEXT, VALUE_BYTES };

/* ---- collecting ---- */

uint32_t turns_code(const char *sql)
{
	uint8_t h[DIGEST_BYTES];
	struct cur c;

	digest(sql, strlen(sql), h);
	c = cur_of(h, sizeof(h));
	return cur_u32(&c) | 1;
}

void turns_reset(struct store *s)
{
	buf_reset(&s->turns.ops);
	s->turns.op = NULL;
	s->turns.too_long = false;
}

static bool collects(const struct store *s, const sqlite3_stmt *st)
{
	return s->turns.op == st && !s->turns.too_long;
}

void op_begin(struct store *s, enum sql which, sqlite3_stmt *st)
{
	struct turns *t = &s->turns;

	if (!t->code[which])
		return;
	assert(!t->op);
	t->op = st;
	t->binds = 0;
	t->too_long = t->too_long || t->ops.n > t->turn_bytes;
	if (!collects(s, st))
		return;
	buf_u32(&t->ops, t->code[which]);
	buf_u8(&t->ops, (uint8_t)sqlite3_bind_parameter_count(st));
}

static bool value(struct store *s, sqlite3_stmt *st, int at, enum value kind)
{
	if (s->turns.op == st)
		s->turns.binds++;
	if (!collects(s, st))
		return false;
	buf_u8(&s->turns.ops, (uint8_t)at);
	buf_u8(&s->turns.ops, (uint8_t)kind);
	return true;
}

void op_int(struct store *s, sqlite3_stmt *st, int at, int64_t v)
{
	if (value(s, st, at, VALUE_INT))
		buf_u64(&s->turns.ops, (uint64_t)v);
}

void op_bytes(struct store *s, sqlite3_stmt *st, int at, bool text,
	      const void *p, size_t n)
{
	if (value(s, st, at, text ? VALUE_TEXT : VALUE_BYTES))
		buf_blob32(&s->turns.ops, p, n);
}

void op_null(struct store *s, sqlite3_stmt *st, int at)
{
	(void)value(s, st, at, VALUE_NULL);
}

void op_end(struct store *s, sqlite3_stmt *st, bool ok)
{
	if (s->turns.op != st)
		return;
	/* one that was bound past us would come back without its values */
	assert(!ok || s->turns.binds == sqlite3_bind_parameter_count(st));
	s->turns.op = NULL;
}

/* ---- writing ---- */

static int write_all(int fd, const uint8_t *p, size_t n, uint64_t at)
{
	while (n) {
		const ssize_t k = pwrite(fd, p, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k ? errno : ENOSPC;
		p += k;
		n -= (size_t)k;
		at += (uint64_t)k;
	}
	return 0;
}

static void record_sum(const struct turns *t, const uint8_t *p, size_t n,
		       uint8_t out[DIGEST_BYTES])
{
	digest_pieces((struct piece[]){{t->sum, DIGEST_BYTES}, {p, n}}, 2, out);
}

static void record_make(const struct turns *t, struct buf *b,
			uint8_t sum[DIGEST_BYTES])
{
	buf_u32(b, (uint32_t)t->ops.n);
	buf_u64(b, t->round);
	buf_u64(b, t->n);
	buf_put(b, t->ops.p, t->ops.n);
	if (b->err)
		return;
	record_sum(t, b->p, b->n, sum);
	buf_put(b, sum, DIGEST_BYTES);
}

/* Nobody knows what the disk holds now.  The store takes no more writes; and
   whoever reads the file before a power cut shall not find this turn. */
static int sync_failed(struct store *s, int err)
{
	static const uint8_t zeros[HEAD_BYTES];

	s->broken = EIO;
	(void)!write_all(s->turns.fd, zeros, sizeof(zeros), s->turns.end);
	(void)store_failed_os(s, err, "sync the log of turns");
	return EIO;
}

static int record_write(struct store *s, const struct buf *b)
{
	int err = write_all(s->turns.fd, b->p, b->n, s->turns.end);

	if (err) {
		err = store_failed_os(s, err, "write to the log of turns");
		if (err == EIO)
			s->broken = EIO;
		return err;
	}
	return fdatasync(s->turns.fd) ? sync_failed(s, errno) : 0;
}

int turns_append(struct store *s)
{
	struct turns *t = &s->turns;
	const uint64_t n = HEAD_BYTES + t->ops.n + DIGEST_BYTES;
	uint8_t sum[DIGEST_BYTES];
	struct buf b;
	int err;

	if (t->too_long || t->ops.n > t->turn_bytes || t->end + n > t->bytes)
		return EMSGSIZE;
	if (t->ops.err)
		return t->ops.err;
	if (!t->ops.n)
		return 0;
	buf_init(&b, n);
	record_make(t, &b, sum);
	err = b.err ? b.err : record_write(s, &b);
	buf_free(&b);
	if (err)
		return err;
	memcpy(t->sum, sum, sizeof(t->sum));
	t->end += n;
	t->n++;
	return 0;
}

int turns_round(struct store *s)
{
	struct buf b;
	int err;

	if (!s->turns.n)
		return 0;
	buf_init(&b, 16);
	buf_u64(&b, s->turns.round + 1);
	turns_reset(s);
	err = b.err ? b.err : s->db.meta_put(s, ROUND_NAME, b.p, b.n);
	buf_free(&b);
	return err;
}

void turns_over(struct store *s)
{
	struct turns *t = &s->turns;

	if (t->n)
		t->round++;
	t->n = t->end = 0;
	memset(t->sum, 0, sizeof(t->sum));
	turns_reset(s);
}

/* ---- reading ---- */

static int read_all(int fd, uint8_t *p, size_t n, uint64_t at)
{
	while (n) {
		const ssize_t k = pread(fd, p, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k ? errno : ENODATA;
		p += k;
		n -= (size_t)k;
		at += (uint64_t)k;
	}
	return 0;
}

static sqlite3_stmt *stmt_of(struct store *s, uint32_t code)
{
	for (int i = 0; i < SQL_COUNT; i++) {
		if (code && s->turns.code[i] == code)
			return s->stmt[i];
	}
	return NULL;
}

static void bind_value(sqlite3_stmt *st, struct cur *c)
{
	const int at = cur_u8(c);
	const uint8_t kind = cur_u8(c);
	const uint8_t *p;
	size_t n;

	switch (kind) {
	case VALUE_NULL: return;
	case VALUE_INT:
		(void)sqlite3_bind_int64(st, at, (int64_t)cur_u64(c));
		return;
	case VALUE_TEXT:
	case VALUE_BYTES:
		p = cur_blob32(c, &n, c->n);
		if (!p)
			return;
		if (kind == VALUE_TEXT)
			(void)sqlite3_bind_text(st, at, (const char *)p, (int)n,
						SQLITE_STATIC);
		else
			(void)sqlite3_bind_blob64(st, at,
						  n ? (const void *)p : "", n,
						  SQLITE_STATIC);
		return;
	default: c->bad = true;
	}
}

/* One statement once more */
static int op_run(struct store *s, struct cur *c)
{
	sqlite3_stmt *st = stmt_of(s, cur_u32(c));
	uint8_t count = cur_u8(c);
	int err = 0;

	if (!st) {
		snprintf(s->why, sizeof(s->why),
			 "the log of turns was written by another version: "
			 "nothing was changed; start and stop that one once");
		return ENOTSUP;
	}
	while (count--)
		bind_value(st, c);
	if (c->bad)
		err = EIO;
	else if (sqlite3_step(st) != SQLITE_DONE)
		err = store_failed(s, "run the log of turns");
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return err;
}

/* The record at *at.  ENODATA: there is none */
static int record_read(struct turns *t, uint64_t at, uint8_t *p, size_t *n)
{
	uint8_t sum[DIGEST_BYTES];
	struct cur c;
	size_t ops;
	int err;

	if (at + HEAD_BYTES + DIGEST_BYTES > TURNS_BYTES)
		return ENODATA;
	err = read_all(t->fd, p, HEAD_BYTES, at);
	if (err)
		return err;
	c = cur_of(p, HEAD_BYTES);
	ops = cur_u32(&c);
	if (!ops || cur_u64(&c) != t->round || cur_u64(&c) != t->n ||
	    ops > TURNS_BYTES - at - HEAD_BYTES - DIGEST_BYTES)
		return ENODATA;
	*n = HEAD_BYTES + ops;
	err = read_all(t->fd, p + HEAD_BYTES, ops + DIGEST_BYTES,
		       at + HEAD_BYTES);
	if (err)
		return err;
	record_sum(t, p, *n, sum);
	return memcmp(sum, p + *n, sizeof(sum)) ? ENODATA : 0;
}

static int record_run(struct store *s, const uint8_t *p, size_t n)
{
	struct cur c = cur_of(p + HEAD_BYTES, n - HEAD_BYTES);
	int err = 0;

	while (c.n && !err)
		err = op_run(s, &c);
	return err;
}

/* Run the round from its first record on */
static int run(struct store *s, uint64_t most)
{
	struct turns *t = &s->turns;
	uint8_t *p = malloc(TURNS_BYTES);
	size_t n;
	int err = p ? 0 : ENOMEM;

	t->n = t->end = 0;
	memset(t->sum, 0, sizeof(t->sum));
	while (!err && t->n < most) {
		err = record_read(t, t->end, p, &n);
		if (!err && sqlite3_get_autocommit(s->sqlite) &&
		    (sqlite3_step(s->stmt[SQL_BEGIN]) != SQLITE_DONE))
			err = store_failed(s, "begin a turn");
		(void)sqlite3_reset(s->stmt[SQL_BEGIN]);
		if (!err)
			err = record_run(s, p, n);
		if (!err) {
			memcpy(t->sum, p + n, sizeof(t->sum));
			t->end += n + DIGEST_BYTES;
			t->n++;
		}
	}
	free(p);
	return err;
}

int turns_again(struct store *s)
{
	const struct turns was = s->turns;
	int err;

	s->open = false; /* statements are run past stmt_take() */
	err = run(s, was.n);
	if (!err && memcmp(s->turns.sum, was.sum, sizeof(was.sum)))
		err = EIO;
	s->open = true;
	if (!err)
		return 0;
	/* all or nothing; it is tried again before anything is read */
	if (!sqlite3_get_autocommit(s->sqlite)) {
		(void)sqlite3_step(s->stmt[SQL_ROLLBACK]);
		(void)sqlite3_reset(s->stmt[SQL_ROLLBACK]);
	}
	s->turns.n = was.n;
	s->turns.end = was.end;
	memcpy(s->turns.sum, was.sum, sizeof(was.sum));
	return err == ENODATA ? EIO : err;
}

/* ---- opening ---- */

/* All octets there ever will be: so that later a sync is of octets alone, and
   a full disk stops no short turn */
static int set_aside(int fd)
{
	static const uint8_t zeros[65536];
	struct stat st;
	int err = 0;

	if (fstat(fd, &st))
		return errno;
	if (!S_ISREG(st.st_mode))
		return EIO;
	if (st.st_size >= TURNS_BYTES)
		return 0;
	for (uint64_t at = (uint64_t)st.st_size; at < TURNS_BYTES && !err;) {
		const uint64_t left = TURNS_BYTES - at;
		const size_t n = left < sizeof(zeros) ? left : sizeof(zeros);

		err = write_all(fd, zeros, n, at);
		at += n;
	}
	return err ? err : fdatasync(fd) ? errno : 0;
}

/* What was read is on the disk too; and what follows it, be it nothing */
static int settle(const struct turns *t)
{
	const uint64_t n = t->end + HEAD_BYTES < TURNS_BYTES
				   ? t->end + HEAD_BYTES
				   : TURNS_BYTES;
	uint8_t *p = malloc(n);
	int err = p ? read_all(t->fd, p, n, 0) : ENOMEM;

	if (!err)
		err = write_all(t->fd, p, n, 0);
	free(p);
	return err ? err : fdatasync(t->fd) ? errno : 0;
}

int turns_make(struct store *s)
{
	struct turns *t = &s->turns;
	int err;

	buf_init(&t->ops, SIZE_MAX);
	t->bytes = TURNS_BYTES;
	t->turn_bytes = TURN_BYTES_MAX;
	t->fd = openat(s->dir, FILE_NAME,
		       O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (t->fd < 0)
		return store_failed_os(s, errno, "open the log of turns");
	err = set_aside(t->fd);
	return err ? store_failed_os(s, err, "write to the log of turns") : 0;
}

int turns_load(struct store *s)
{
	struct buf b;
	struct cur c;
	int err;

	buf_init(&b, 16);
	err = s->db.meta_get(s, ROUND_NAME, &b);
	if (!err) {
		c = cur_of(b.p, b.n);
		s->turns.round = cur_u64(&c);
		if (!cur_done(&c))
			err = EIO;
	}
	buf_free(&b);
	if (err && err != ENOENT)
		return err;
	err = run(s, UINT64_MAX);
	if (err != ENODATA)
		return err ? err : EIO;
	s->open = s->turns.n != 0;
	err = settle(&s->turns);
	return err ? store_failed_os(s, err, "write to the log of turns") : 0;
}

void turns_close(struct store *s)
{
	buf_free(&s->turns.ops);
	if (s->turns.fd >= 0)
		close(s->turns.fd);
}
