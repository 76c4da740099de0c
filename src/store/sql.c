/* SPDX-License-Identifier: ISC */
/**
 * @file sql.c  The schema, its upgrades, and every statement
 *
 * Made for appending.  A feed's entries, bodies included, lie in one table in
 * the order of (feed, seq), so that a batch fills pages one after the other.
 * The only index whose keys the outside chooses is entry_id, which has rows
 * for entries with a client's id alone.
 *
 *   row of an entry or want   feed << 40 | seq
 *   row of a note             feed << 42 | kind << 40 | size
 *   row of a proof            pair << 40 | number
 */
#include <errno.h>
#include <stdio.h>
#include "store/inner.h"

#define APPLICATION_ID 0x52444e31	/* "RDN1" */

/* The numbers are in files: they never change their meaning */
_Static_assert(APPLICATION_ID == 1380208177, "as in version_1");
_Static_assert(ENTRY_NOTICE == 2 && ENTRY_DOCUMENT == 3, "kinds in entry_item");
_Static_assert(FEED_OWN == 0 && FEED_PEER == 1 && FEED_JOINT == 2, "feeds");
_Static_assert(NOTE_SIGNED == 0 && NOTE_COSIGNED == 1 && NOTE_IDLE == 2 &&
		       NOTE_KINDS <= 4,
	       "note kinds");
_Static_assert(RECEIPT_HELD == 0 && RECEIPT_REFUSED == 4, "receipt states");

static const char version_1[] =
	"PRAGMA application_id = 1380208177;"
	"CREATE TABLE pair ("
	" number INTEGER PRIMARY KEY,"
	" state BLOB NOT NULL);"
	"CREATE TABLE meta ("
	" name TEXT PRIMARY KEY,"
	" value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE entry ("
	" row INTEGER PRIMARY KEY,"
	" kind INTEGER NOT NULL,"
	" seen INTEGER NOT NULL,"
	" time_ms INTEGER NOT NULL,"
	" id TEXT,"
	" bytes BLOB NOT NULL,"
	" body BLOB);"
	"CREATE UNIQUE INDEX entry_id ON entry (row >> 40, id)"
	" WHERE id IS NOT NULL;"
	"CREATE INDEX entry_item ON entry (row) WHERE kind IN (2, 3);"
	"CREATE TABLE held ("
	" feed INTEGER PRIMARY KEY,"
	" bytes INTEGER NOT NULL);"
	"CREATE TABLE note ("
	" row INTEGER PRIMARY KEY,"
	" bytes INTEGER NOT NULL,"
	" root BLOB NOT NULL,"
	" text BLOB NOT NULL);"
	"CREATE TABLE receipt ("
	" feed INTEGER NOT NULL,"
	" state INTEGER NOT NULL,"
	" first INTEGER NOT NULL,"
	" last INTEGER NOT NULL,"
	" by INTEGER NOT NULL,"
	" PRIMARY KEY (feed, state, first)) WITHOUT ROWID;"
	"CREATE TABLE want ("
	" row INTEGER PRIMARY KEY,"
	" hash BLOB NOT NULL,"
	" bytes INTEGER NOT NULL);"
	"CREATE TABLE proof ("
	" row INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL,"
	" bytes BLOB NOT NULL);";

static const char version_2[] = "CREATE TABLE line ("
				" pair INTEGER NOT NULL,"
				" name TEXT NOT NULL,"
				" number INTEGER NOT NULL,"
				" value BLOB NOT NULL,"
				" PRIMARY KEY (pair, name, number))"
				" WITHOUT ROWID;";

/* upgrade[v] makes version v + 1 from v; a released one is never edited */
static const char *const upgrade[] = {version_1, version_2};

#define VERSION ((int)(sizeof(upgrade) / sizeof(upgrade[0])))

const char *const sql_text[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_PAIR_EACH] = "SELECT number, state FROM pair ORDER BY number",
	[SQL_PAIR_PUT] = "INSERT OR REPLACE INTO pair VALUES (?1, ?2)",
	[SQL_META_GET] = "SELECT value FROM meta WHERE name = ?1",
	[SQL_META_PUT] = "INSERT OR REPLACE INTO meta VALUES (?1, ?2)",
	[SQL_META_DROP] = "DELETE FROM meta WHERE name = ?1",
	[SQL_ENTRY_LAST] = "SELECT row FROM entry WHERE row BETWEEN ?1 AND ?2"
			   " ORDER BY row DESC LIMIT 1",
	[SQL_ENTRY_PUT] = "INSERT INTO entry VALUES"
			  " (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_ENTRY_WALK] = "SELECT row, kind, seen, time_ms, id, bytes"
			   " FROM entry WHERE row BETWEEN ?1 AND ?2"
			   " ORDER BY row LIMIT ?3",
	[SQL_ENTRY_WALK_BODY] =
		"SELECT row, kind, seen, time_ms, id, bytes, body"
		" FROM entry WHERE row BETWEEN ?1 AND ?2 ORDER BY row LIMIT ?3",
	[SQL_ENTRY_ID] = "SELECT row FROM entry INDEXED BY entry_id"
			 " WHERE row >> 40 = ?1 AND id = ?2",
	[SQL_ENTRY_ITEMS] = "SELECT row, kind, seen, time_ms, id, bytes"
			    " FROM entry INDEXED BY entry_item"
			    " WHERE kind IN (2, 3) AND row BETWEEN ?1 AND ?2"
			    " ORDER BY row LIMIT ?3",
	[SQL_ENTRY_SEEN] = "SELECT seen FROM entry WHERE row = ?1",
	[SQL_BODY_PUT] = "UPDATE entry SET body = ?2"
			 " WHERE row = ?1 AND body IS NULL",
	[SQL_HELD_GET] = "SELECT bytes FROM held WHERE feed = ?1",
	[SQL_HELD_PUT] = "INSERT OR REPLACE INTO held VALUES (?1, ?2)",
	[SQL_NOTE_PUT] = "INSERT OR REPLACE INTO note VALUES (?1, ?2, ?3, ?4)",
	[SQL_NOTE_FIND] = "SELECT row, bytes, root, text FROM note"
			  " WHERE row BETWEEN ?1 AND ?2"
			  " ORDER BY row DESC LIMIT 1",
	[SQL_RECEIPT_FIND] = "SELECT first, last FROM receipt"
			     " WHERE feed = ?1 AND state = ?2 AND first <= ?3"
			     " ORDER BY first DESC LIMIT 1",
	[SQL_RECEIPT_DROP] = "DELETE FROM receipt"
			     " WHERE feed = ?1 AND state = ?2 AND first = ?3",
	[SQL_RECEIPT_PUT] = "INSERT INTO receipt VALUES (?1, ?2, ?3, ?4, ?5)",
	[SQL_WANT_PUT] = "INSERT OR REPLACE INTO want VALUES (?1, ?2, ?3)",
	[SQL_WANT_GET] = "SELECT hash, bytes FROM want WHERE row = ?1",
	[SQL_WANT_DROP] = "DELETE FROM want WHERE row = ?1",
	[SQL_WANT_NEXT] = "SELECT row, hash, bytes FROM want"
			  " WHERE row BETWEEN ?1 AND ?2 ORDER BY row LIMIT 1",
	[SQL_LINE_PUT] = "INSERT OR REPLACE INTO line VALUES"
			 " (?1, ?2, ?3, ?4)",
	[SQL_LINE_DROP] = "DELETE FROM line"
			  " WHERE pair = ?1 AND name = ?2 AND number = ?3",
	[SQL_LINE_NEXT] = "SELECT number, value FROM line"
			  " WHERE pair = ?1 AND name = ?2 AND number >= ?3"
			  " ORDER BY number LIMIT 1",
	[SQL_LINE_EACH] = "SELECT name, number, value FROM line"
			  " WHERE pair = ?1 ORDER BY name, number",
	[SQL_PROOF_LAST] = "SELECT row FROM proof WHERE row BETWEEN ?1 AND ?2"
			   " ORDER BY row DESC LIMIT 1",
	[SQL_PROOF_PUT] = "INSERT INTO proof VALUES (?1, ?2, ?3)",
	[SQL_PROOF_EACH] = "SELECT row, name, bytes FROM proof"
			   " WHERE row BETWEEN ?1 AND ?2 ORDER BY row",
};

/* One number that a PRAGMA gives */
static int pragma_get(struct store *s, const char *sql, int *v)
{
	sqlite3_stmt *st = NULL;
	int err = 0;

	if (sqlite3_prepare_v2(s->sqlite, sql, -1, &st, NULL))
		return store_failed(s, "read the schema version");
	if (sqlite3_step(st) == SQLITE_ROW)
		*v = sqlite3_column_int(st, 0);
	else
		err = store_failed(s, "read the schema version");
	sqlite3_finalize(st);
	return err;
}

/* A step and its number are one transaction: a crash leaves either version */
static int upgrade_one(struct store *s, int from)
{
	char number[48];
	int err = 0;

	snprintf(number, sizeof(number), "PRAGMA user_version = %d; COMMIT",
		 from + 1);
	if (sqlite3_exec(s->sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
	    sqlite3_exec(s->sqlite, upgrade[from], NULL, NULL, NULL) ||
	    sqlite3_exec(s->sqlite, number, NULL, NULL, NULL))
		err = store_failed(s, "upgrade the schema");
	if (err && !sqlite3_get_autocommit(s->sqlite))
		(void)sqlite3_exec(s->sqlite, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

int schema_make(struct store *s)
{
	int version = 0, app = 0, err;

	err = pragma_get(s, "PRAGMA user_version", &version);
	if (!err)
		err = pragma_get(s, "PRAGMA application_id", &app);
	if (err)
		return err;
	if (version > VERSION) {
		snprintf(s->why, sizeof(s->why),
			 "record.db has schema version %d, this program knows "
			 "%d: nothing was changed; use the newer program",
			 version, VERSION);
		return ENOTSUP;
	}
	if (version < 0 || (version && app != APPLICATION_ID)) {
		snprintf(s->why, sizeof(s->why),
			 "record.db is not a store of Ringdown: nothing was "
			 "changed");
		return EIO;
	}
	for (; version < VERSION; version++) {
		err = upgrade_one(s, version);
		if (err)
			return err;
	}
	return 0;
}
