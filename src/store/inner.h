/* SPDX-License-Identifier: ISC */
/**
 * @file inner.h  What the files of this room share
 *
 *   sqlite.c  open, turns, what a failure means        sql.c   schema and SQL
 *   rows.c    pairs, values, entries, notes, evidence  blobs.c  bodies in files
 *   marks.c   receipts and wants                       turns.c  the log of turns
 *   lines.c   rows of lines
 */
#ifndef STORE_INNER_H
#define STORE_INNER_H

#include <sqlite3.h>
#include "store/store.h"

#define FEEDS (PAIRS_MAX * 4)
#define SEQ_BITS 40	/* entries of a feed; feed << 40 | seq is a row */
#define SEQ_MAX ((UINT64_C(1) << SEQ_BITS) - 1)
#define NUMBER_UNKNOWN UINT64_MAX

/** Statements, prepared once.  Their text is in sql.c, in this order. */
enum sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_PAIR_EACH,
	SQL_PAIR_PUT,
	SQL_META_GET,
	SQL_META_PUT,
	SQL_META_DROP,
	SQL_ENTRY_LAST,
	SQL_ENTRY_PUT,
	SQL_ENTRY_WALK,
	SQL_ENTRY_WALK_BODY,
	SQL_ENTRY_ID,
	SQL_ENTRY_ITEMS,
	SQL_ENTRY_SEEN,
	SQL_BODY_PUT,
	SQL_HELD_GET,
	SQL_HELD_PUT,
	SQL_NOTE_PUT,
	SQL_NOTE_FIND,
	SQL_RECEIPT_FIND,
	SQL_RECEIPT_DROP,
	SQL_RECEIPT_PUT,
	SQL_WANT_PUT,
	SQL_WANT_GET,
	SQL_WANT_DROP,
	SQL_WANT_NEXT,
	SQL_LINE_PUT,
	SQL_LINE_DROP,
	SQL_LINE_NEXT,
	SQL_LINE_EACH,
	SQL_PROOF_LAST,
	SQL_PROOF_PUT,
	SQL_PROOF_EACH,
	SQL_COUNT
};

struct blobs;

#define TURNS_BYTES 1048576	/* the log of turns, set aside at once */
#define TURN_BYTES_MAX 131072	/* a longer turn is committed to SQLite */

/** The log of turns (turns.c): what SQLite has taken in and not committed. */
struct turns {
	int fd;
	uint64_t bytes;		/* of the file that may be used */
	uint64_t turn_bytes;	/* of one turn */
	uint64_t round;		/* SQLite's commits since the file was made */
	uint64_t n;		/* turns in this round */
	uint64_t end;		/* where the next one is put */
	uint8_t sum[DIGEST_BYTES];	/* of the last one; zeros: none */
	struct buf ops;		/* of this turn: what was written, in order */
	sqlite3_stmt *op;	/* being bound */
	int binds;		/* so far */
	bool too_long;		/* this turn: ops is not all of it */
	uint32_t code[SQL_COUNT];	/* 0: a statement that only reads */
};

struct store {
	struct db db;
	sqlite3 *sqlite;
	sqlite3_stmt *stmt[SQL_COUNT];
	bool taken[SQL_COUNT];	/* in use: a nested walk gets one of its own */
	int dir;	/* the state directory */
	int lock;	/* flock()ed */
	bool open;	/* a transaction is: it may hold several turns */
	bool turn;	/* one has begun */
	int turn_err;	/* a write of this turn failed: it must end */
	int broken;	/* a sync failed: no more writes until reopened */
	int wal_pages;	/* in the log since the last checkpoint */
	int wal_pages_max;	/* then the next one; tests make it small */
	uint64_t next[FEEDS];	/* seq of the next entry, or NUMBER_UNKNOWN */
	uint64_t held[FEEDS];	/* body octets, or NUMBER_UNKNOWN */
	bool held_new[FEEDS];	/* to be written by the commit */
	struct turns turns;
	struct blobs *blobs;
	char why[256];
};

/* ---- sqlite.c ---- */

/** Begin the turn unless it has begun.  EIO when broken. */
int store_begin(struct store *s) __attribute__((warn_unused_result));
/** The errno of SQLite's last failure, with words; voids an open turn when the
 *  turn cannot go on.  Never 0. */
int store_failed(struct store *s, const char *doing);
/** Words and errno of a failure outside SQLite. */
int store_failed_os(struct store *s, int err, const char *doing);
/** A prepared statement, to be given back; NULL: store_failed() tells. */
sqlite3_stmt *stmt_take(struct store *s, enum sql which);
void stmt_give(struct store *s, enum sql which, sqlite3_stmt *st);
/** Step a statement without result and give it back. */
int stmt_run(struct store *s, enum sql which, sqlite3_stmt *st,
	     const char *doing) __attribute__((warn_unused_result));
/* Parameters of a statement that writes are bound by these alone, each once
   and in any order: so they come into the log of turns. */
/** A number; above 2^63-1 it is 2^63-1. */
void bind_uint(struct store *s, sqlite3_stmt *st, int at, uint64_t v);
void bind_int(struct store *s, sqlite3_stmt *st, int at, int64_t v);
/** Octets, borrowed until the statement is given back. */
void bind_bytes(struct store *s, sqlite3_stmt *st, int at, const void *p,
		size_t n);
/** Text, borrowed as above; or NULL. */
void bind_text(struct store *s, sqlite3_stmt *st, int at, const char *v);
/** A number of the row; a negative one is 0. */
uint64_t column_uint(sqlite3_stmt *st, int at);

/** The row of an entry or want. */
static inline uint64_t row_of(uint32_t feed, uint64_t seq)
{
	return (uint64_t)feed << SEQ_BITS | seq;
}

/** Run a statement without parameters. */
int stmt_plain(struct store *s, enum sql which, const char *doing)
	__attribute__((warn_unused_result));

/* ---- turns.c ---- */

/** What a statement is called in the file: never 0. */
uint32_t turns_code(const char *sql);
/** Open or make the file; its name is not durable yet. */
int turns_make(struct store *s) __attribute__((warn_unused_result));
/** Statements are prepared: take into SQLite what is in the file and was not
 *  committed there.  Afterwards a transaction is open, or there was nothing. */
int turns_load(struct store *s) __attribute__((warn_unused_result));
/** This turn's statements are durable in the file.  EMSGSIZE: they do not fit,
 *  commit to SQLite; else errno as store_commit(). */
int turns_append(struct store *s) __attribute__((warn_unused_result));
/** Within the transaction that is to be committed: it ends a round. */
int turns_round(struct store *s) __attribute__((warn_unused_result));
/** It was committed. */
void turns_over(struct store *s);
/** Begin a turn, or forget what it wrote. */
void turns_reset(struct store *s);
void turns_close(struct store *s);
/** SQLite has lost its transaction: begin one, take in the round again. */
int turns_again(struct store *s) __attribute__((warn_unused_result));
/** A statement that writes is taken; each value bound; and it was run. */
void op_begin(struct store *s, enum sql which, sqlite3_stmt *st);
void op_int(struct store *s, sqlite3_stmt *st, int at, int64_t v);
void op_bytes(struct store *s, sqlite3_stmt *st, int at, bool text,
	      const void *p, size_t n);
void op_null(struct store *s, sqlite3_stmt *st, int at);
/** To be called before the statement is reset; ok: it was done. */
void op_end(struct store *s, sqlite3_stmt *st, bool ok);

/* ---- sql.c ---- */

extern const char *const sql_text[SQL_COUNT];

/** Create or upgrade the schema.  ENOTSUP when it is newer than this program,
 *  EIO, ENOSPC. */
int schema_make(struct store *s) __attribute__((warn_unused_result));

/* ---- rows.c, marks.c: the calls of core/db.h ---- */

/** Set those of rows.c. */
void rows_fill(struct db *db);
/** Set those of marks.c. */
void marks_fill(struct db *db);
/** Set those of lines.c. */
void lines_fill(struct db *db);
/** Octets of bodies held for a feed, of this turn too. */
int held_get(struct store *s, uint32_t feed, uint64_t *bytes)
	__attribute__((warn_unused_result));
int held_add(struct store *s, uint32_t feed, uint64_t bytes)
	__attribute__((warn_unused_result));
/** Write the changed ones. */
int held_flush(struct store *s) __attribute__((warn_unused_result));
/** Forget what is kept in memory: it may be of a turn that was rolled back. */
void rows_forget(struct store *s);

/* ---- blobs.c ---- */

/** Make the directories, remove what a crash left.  ENOMEM, ENOSPC, EIO. */
int blobs_open(struct store *s) __attribute__((warn_unused_result));
void *blobs_close(struct blobs *b);
void blobs_fill(struct db *db);
/** 0 and *whole, or EIO. */
int blobs_have(struct store *s, const uint8_t hash[DIGEST_BYTES],
	       uint64_t *have, bool *whole) __attribute__((warn_unused_result));

#endif
