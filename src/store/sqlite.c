/* SPDX-License-Identifier: ISC */
/**
 * @file sqlite.c  The store on SQLite: opening, turns, what a failure means
 *
 * A short turn is made durable in the log of turns (turns.c), while SQLite
 * keeps its transaction open; a long one, or one that does not fit there, by
 * SQLite's commit, together with those before it.
 *
 * WAL with synchronous=FULL: a commit appends the changed pages to the WAL and
 * syncs it once.  The WAL is copied into record.db by our own checkpoints, not
 * by SQLite's, which would hide their failures.
 *
 * After a failed sync nobody knows what the disk holds: the kernel may have
 * dropped the pages, shows them all the same, and says "done" when asked again.
 * So the store takes no more writes until it is opened anew.  Opening writes
 * both logs over themselves before anything relies on them: a WAL that is whole in memory
 * and has a hole on the disk would, after a power cut, be played back as far as
 * the hole over a database that is newer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store/inner.h"

#define PAGE_BYTES 8192
#define PATH_CHARS_MAX 480	/* SQLite stops at 512 */
#define WAL_PAGES_MAX 2048	/* of 8 KiB: 16 MiB, then a checkpoint */

/* Measured on appends in batches of 500: 8 KiB pages beat 4 KiB by a quarter.
   No mmap: an I/O error would be SIGBUS. */
static const char *const setup[] = {
	"PRAGMA page_size = 8192",
	"PRAGMA locking_mode = EXCLUSIVE",
	"PRAGMA synchronous = FULL",
	"PRAGMA wal_autocheckpoint = 0",
	"PRAGMA journal_size_limit = 33554432",
	"PRAGMA cache_size = -8192",
	/* pages of a turn are written by commits alone: going back to the last
	   turn must not need room on the disk */
	"PRAGMA cache_spill = OFF",
	"PRAGMA mmap_size = 0",
	"PRAGMA temp_store = MEMORY",
	"PRAGMA secure_delete = OFF",
	"PRAGMA trusted_schema = OFF",
};

/* ---- what a failure means ---- */

/* A failed read leaves the disk as it was; any other failure does not */
static bool is_read(int rc)
{
	return rc == SQLITE_IOERR_READ || rc == SQLITE_IOERR_SHORT_READ ||
	       rc == SQLITE_IOERR_FSTAT || rc == SQLITE_IOERR_ACCESS;
}

static int errno_of(struct store *s, int rc)
{
	const int os = sqlite3_system_errno(s->sqlite);

	switch (rc & 0xff) {
	case SQLITE_NOMEM: return ENOMEM;
	case SQLITE_FULL: return ENOSPC;
	case SQLITE_CONSTRAINT: return EEXIST;
	case SQLITE_IOERR:
		if (rc == SQLITE_IOERR_NOMEM)
			return ENOMEM;
		if (rc == SQLITE_IOERR_WRITE && (os == ENOSPC || os == EDQUOT))
			return ENOSPC;
		if (!is_read(rc))
			s->broken = EIO;
		return EIO;
	default: return EIO;
	}
}

int store_failed(struct store *s, const char *doing)
{
	const int rc = sqlite3_extended_errcode(s->sqlite);
	const int err = errno_of(s, rc);
	const bool odd = !rc || rc == SQLITE_ROW || rc == SQLITE_DONE;

	snprintf(s->why, sizeof(s->why), "cannot %s: %s (%d)%s", doing,
		 odd ? "record.db is damaged" : sqlite3_errmsg(s->sqlite), rc,
		 s->broken ? "; what was committed is kept, no more is written "
			     "until the disk is checked and the store reopened"
			   : "; what was committed is kept");
	if (s->turn && err != EEXIST)
		s->turn_err = err;
	return err;
}

int store_failed_os(struct store *s, int err, const char *doing)
{
	if (err == EDQUOT)
		err = ENOSPC;
	snprintf(s->why, sizeof(s->why),
		 "cannot %s: %s; what was committed is kept", doing,
		 strerror(err));
	return err == ENOSPC || err == ENOMEM ? err : EIO;
}

const char *store_why(const struct store *s)
{
	return s->why;
}

/* ---- statements ---- */

/* After some failures SQLite has rolled back by itself: turns that are durable
   come back before anything is read */
static bool lost(struct store *s)
{
	if (!s->open || !sqlite3_get_autocommit(s->sqlite))
		return false;
	if (s->turn)
		s->turn_err = s->turn_err ? s->turn_err : EIO;
	return s->turn || turns_again(s);
}

sqlite3_stmt *stmt_take(struct store *s, enum sql which)
{
	sqlite3_stmt *st = NULL;

	if (lost(s))
		return NULL;
	if (!s->taken[which]) {
		s->taken[which] = true;
		st = s->stmt[which];
	} else if (sqlite3_prepare_v2(s->sqlite, sql_text[which], -1, &st,
				      NULL)) {
		return NULL;
	}
	op_begin(s, which, st);
	return st;
}

void stmt_give(struct store *s, enum sql which, sqlite3_stmt *st)
{
	if (st != s->stmt[which]) {
		(void)sqlite3_finalize(st);
		return;
	}
	(void)sqlite3_reset(st);	/* repeats the step's error */
	(void)sqlite3_clear_bindings(st);
	s->taken[which] = false;
}

int stmt_run(struct store *s, enum sql which, sqlite3_stmt *st,
	     const char *doing)
{
	int err = 0;

	if (sqlite3_step(st) != SQLITE_DONE)
		err = store_failed(s, doing);
	op_end(s, st, !err);
	stmt_give(s, which, st);
	return err;
}

void bind_int(struct store *s, sqlite3_stmt *st, int at, int64_t v)
{
	(void)sqlite3_bind_int64(st, at, v);
	op_int(s, st, at, v);
}

void bind_uint(struct store *s, sqlite3_stmt *st, int at, uint64_t v)
{
	bind_int(s, st, at, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

/* No octets are not NULL */
void bind_bytes(struct store *s, sqlite3_stmt *st, int at, const void *p,
		size_t n)
{
	(void)sqlite3_bind_blob64(st, at, n ? p : "", n, SQLITE_STATIC);
	op_bytes(s, st, at, false, p, n);
}

void bind_text(struct store *s, sqlite3_stmt *st, int at, const char *v)
{
	if (!v) {
		op_null(s, st, at);
		return;
	}
	(void)sqlite3_bind_text(st, at, v, -1, SQLITE_STATIC);
	op_bytes(s, st, at, true, v, strlen(v));
}

uint64_t column_uint(sqlite3_stmt *st, int at)
{
	const sqlite3_int64 v = sqlite3_column_int64(st, at);

	return v < 0 ? 0 : (uint64_t)v;
}

int stmt_plain(struct store *s, enum sql which, const char *doing)
{
	sqlite3_stmt *st = stmt_take(s, which);

	return st ? stmt_run(s, which, st, doing) : store_failed(s, doing);
}

/* ---- turns ---- */

int store_begin(struct store *s)
{
	int err = 0;

	if (s->broken)
		return s->broken;
	if (s->turn)
		return s->turn_err;
	turns_reset(s);
	if (!s->open)
		err = stmt_plain(s, SQL_BEGIN, "begin a turn");
	else if (lost(s))
		err = EIO;
	if (err)
		return err;
	s->open = s->turn = true;
	return 0;
}

/* Back to where the last turn ended */
void store_rollback(struct store *s)
{
	rows_forget(s);
	turns_reset(s);
	s->turn_err = 0;
	if (!s->turn)
		return;
	s->turn = false;
	/* SQLite has already rolled back after some failures */
	if (!sqlite3_get_autocommit(s->sqlite) &&
	    stmt_plain(s, SQL_ROLLBACK, "roll back"))
		s->broken = EIO;
	/* when that fails it is tried again before anything is read */
	if (s->turns.n)
		(void)!turns_again(s);
	else
		s->open = false;
}

/* The turn is durable already.  A full disk here only leaves the log longer; a
   failed sync is seen by the next turn. */
static void checkpoint(struct store *s)
{
	const int rc = sqlite3_wal_checkpoint_v2(
		s->sqlite, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	if (rc && rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
		(void)store_failed(s, "copy the log into record.db");
}

/* All turns since the last time become SQLite's */
static int commit(struct store *s)
{
	int err = turns_round(s);

	if (!err)
		err = stmt_plain(s, SQL_COMMIT, "commit to record.db");
	if (err)
		return err;
	s->open = false;
	turns_over(s);
	if (s->wal_pages >= s->wal_pages_max)
		checkpoint(s);
	return 0;
}

int store_commit(struct store *s)
{
	int err;

	if (!s->turn)
		return 0;
	err = s->turn_err;
	if (!err)
		err = held_flush(s);
	if (!err)
		err = turns_append(s);
	if (err == EMSGSIZE)
		err = commit(s);
	if (err) {
		store_rollback(s);
		return err;
	}
	s->turn = false;
	return 0;
}

static int on_wal(void *arg, sqlite3 *sqlite, const char *name, int pages)
{
	struct store *s = arg;

	(void)sqlite;
	(void)name;
	s->wal_pages = pages;
	return SQLITE_OK;
}

/* ---- open and close ---- */

static int dir_open(struct store *s, const char *dir)
{
	struct stat st;

	s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0 || fstat(s->dir, &st)) {
		const int err = errno;

		snprintf(s->why, sizeof(s->why),
			 "cannot open the state directory: %s", strerror(err));
		return err;
	}
	if (st.st_uid != geteuid() || st.st_mode & 077) {
		snprintf(s->why, sizeof(s->why),
			 "the state directory must belong to this user, mode "
			 "0700: nothing was opened");
		return EPERM;
	}
	s->lock = openat(s->dir, "lock",
			 O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		return store_failed_os(s, errno, "open the signing lock");
	if (flock(s->lock, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return store_failed_os(s, errno, "take the lock");
		snprintf(s->why, sizeof(s->why),
			 "another process has the signing lock: it keeps this "
			 "record; stop it first");
		return EBUSY;
	}
	return 0;
}

static int write_over(int fd, uint64_t max)
{
	static uint8_t piece[65536];
	struct stat st;
	off_t at = 0;

	if (fstat(fd, &st))
		return errno;
	if ((uint64_t)st.st_size > max)
		return 0;
	while (at < st.st_size) {
		const ssize_t k = pread(fd, piece, sizeof(piece), at);
		ssize_t done;

		if (k < 0)
			return errno;
		if (!k)
			break;
		done = pwrite(fd, piece, (size_t)k, at);
		if (done != k)
			return done < 0 ? errno : ENOSPC;
		at += k;
	}
	return fdatasync(fd) ? errno : 0;
}

/* A name must be durable before SQLite syncs what is in the file.  The first
   page is older than the log, and SQLite drops the log of an empty database. */
static int files_make(struct store *s)
{
	int fd = openat(s->dir, "record.db",
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err;

	if (fd < 0)
		return store_failed_os(s, errno, "open record.db");
	err = write_over(fd, PAGE_BYTES);
	close(fd);
	if (err)
		return store_failed_os(s, err, "write to record.db");
	fd = openat(s->dir, "record.db-wal", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		err = write_over(fd, UINT64_MAX);
		close(fd);
	} else if (errno != ENOENT) {
		err = errno;
	}
	if (err)
		return store_failed_os(s, err, "write to record.db-wal");
	err = turns_make(s);
	if (err)
		return err;
	if (fsync(s->dir))
		return store_failed_os(s, errno, "sync the state directory");
	return 0;
}

/* The row says "wal" before the switch is committed: that is the second step */
static int wal_mode(struct store *s)
{
	sqlite3_stmt *st = NULL;
	const unsigned char *mode = NULL;
	bool is_wal;
	int err = 0;

	if (sqlite3_prepare_v2(s->sqlite, "PRAGMA journal_mode = WAL", -1, &st,
			       NULL))
		return store_failed(s, "open record.db");
	if (sqlite3_step(st) == SQLITE_ROW)
		mode = sqlite3_column_text(st, 0);
	is_wal = mode && !strcmp((const char *)mode, "wal");
	if (!is_wal || sqlite3_step(st) != SQLITE_DONE)
		err = store_failed(s, "open the log of record.db");
	(void)sqlite3_finalize(st);
	return err;
}

static int sqlite_open(struct store *s, const char *dir)
{
	char path[PATH_CHARS_MAX];
	int err;

	if (snprintf(path, sizeof(path), "%s/record.db", dir) >=
	    (int)sizeof(path)) {
		snprintf(s->why, sizeof(s->why),
			 "the state directory's name is longer than %d octets",
			 PATH_CHARS_MAX);
		return ENAMETOOLONG;
	}
	if (sqlite3_open_v2(path, &s->sqlite,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		return s->sqlite ? store_failed(s, "open record.db") : ENOMEM;
	(void)sqlite3_extended_result_codes(s->sqlite, 1);
	(void)sqlite3_db_config(s->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	for (size_t i = 0; i < sizeof(setup) / sizeof(setup[0]); i++) {
		if (sqlite3_exec(s->sqlite, setup[i], NULL, NULL, NULL))
			return store_failed(s, "set up record.db");
	}
	err = wal_mode(s);
	if (err)
		return err;
	(void)sqlite3_wal_hook(s->sqlite, on_wal, s);
	return 0;
}

static int prepare(struct store *s)
{
	for (int i = 0; i < SQL_COUNT; i++) {
		if (sqlite3_prepare_v3(s->sqlite, sql_text[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &s->stmt[i],
				       NULL))
			return store_failed(s, "read the schema of record.db");
		if (i > SQL_ROLLBACK && !sqlite3_stmt_readonly(s->stmt[i]))
			s->turns.code[i] = turns_code(sql_text[i]);
	}
	return 0;
}

int store_open(struct store **sp, const char *dir, const char **why)
{
	static char words[sizeof((*sp)->why)];
	struct store *s = calloc(1, sizeof(*s));
	int err;

	*why = "out of memory";
	if (!s)
		return ENOMEM;
	s->dir = -1;
	s->lock = -1;
	s->turns.fd = -1;
	s->wal_pages_max = WAL_PAGES_MAX;
	s->db.arg = s;
	rows_fill(&s->db);
	marks_fill(&s->db);
	lines_fill(&s->db);
	blobs_fill(&s->db);
	rows_forget(s);
	err = dir_open(s, dir);
	if (!err)
		err = files_make(s);
	if (!err)
		err = sqlite_open(s, dir);
	if (!err)
		err = schema_make(s);
	if (!err)
		err = prepare(s);
	if (!err)
		err = turns_load(s);
	if (!err)
		err = blobs_open(s);
	if (err) {
		if (s->why[0]) {
			memcpy(words, s->why, sizeof(words));
			*why = words;
		}
		store_close(s);
		return err;
	}
	*why = "";
	*sp = s;
	return 0;
}

void *store_close(struct store *s)
{
	if (!s)
		return NULL;
	if (s->sqlite) {
		if (s->turn)
			store_rollback(s);
		/* what does not succeed is in the log of turns */
		if (s->open && !s->broken && !lost(s))
			(void)!commit(s);
		for (int i = 0; i < SQL_COUNT; i++)
			(void)sqlite3_finalize(s->stmt[i]);
		/* Copies the log into record.db and removes it, if it can */
		(void)sqlite3_close(s->sqlite);
	}
	turns_close(s);
	blobs_close(s->blobs);
	if (s->dir >= 0)
		close(s->dir);
	if (s->lock >= 0)
		close(s->lock);
	free(s);
	return NULL;
}

const struct db *store_db(struct store *s)
{
	return &s->db;
}
