/* SPDX-License-Identifier: ISC */
/** @file test_store.c  The store: every call, reopening, what it refuses */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "rdtest.h"
#include "store/store.h"

#define OWN FEED_OWN
#define PEER FEED_PEER

static struct store *s;
static const struct db *db;

static void start(void)
{
	const char *why;

	CHECK_OK(store_open(&s, rdtest_tmp(), &why));
	db = store_db(s);
}

static void stop(void)
{
	s = store_close(s);
}

static void again(void)
{
	stop();
	start();
}

/* Is there a file of this name (of a hash, when one is given)? */
static bool there(const char *form, const uint8_t *hash)
{
	char path[400], hex[2 * DIGEST_BYTES + 1] = "";
	struct stat st;

	if (hash)
		hex_encode(hash, DIGEST_BYTES, hex);
	if (!strcmp(form, "whole"))
		snprintf(path, sizeof(path), "%s/blobs/%.2s/%s", rdtest_tmp(),
			 hex, hex);
	else if (!strcmp(form, "part"))
		snprintf(path, sizeof(path), "%s/blobs/part/%s", rdtest_tmp(),
			 hex);
	else
		snprintf(path, sizeof(path), "%s/%s", rdtest_tmp(), form);
	return !stat(path, &st);
}

static int put(uint32_t feed, uint64_t seq, const char *id, const char *body)
{
	char text[64];
	struct db_entry e = {.seq = seq,
			     .kind = seq % 3 ? ENTRY_ACK : ENTRY_NOTICE,
			     .seen = seq / 2,
			     .time_ms = (int64_t)seq - 5,
			     .id = id,
			     .body = (const uint8_t *)body,
			     .body_n = body ? strlen(body) : 0};

	snprintf(text, sizeof(text), "entry %u of %u", (unsigned)seq,
		 (unsigned)feed);
	e.p = (const uint8_t *)text;
	e.n = strlen(text);
	return db->entry_put(db->arg, feed, &e);
}

/* What a walk gave, as text */
struct seen {
	char text[2048];
	size_t n;
	int stop_after;
};

static int see(const struct db_entry *e, void *arg)
{
	struct seen *v = arg;

	v->n += (size_t)snprintf(v->text + v->n, sizeof(v->text) - v->n,
				 "%u:%s:%u:%d:%.*s:%s:", (unsigned)e->seq,
				 entry_kind_name(e->kind), (unsigned)e->seen,
				 (int)e->time_ms, (int)e->n, (const char *)e->p,
				 e->id ? e->id : "-");
	v->n += (size_t)snprintf(v->text + v->n, sizeof(v->text) - v->n,
				 "%.*s ", e->body ? (int)e->body_n : 1,
				 e->body ? (const char *)e->body : "-");
	return v->stop_after && !--v->stop_after ? ECANCELED : 0;
}

static int count(const struct db_entry *e, void *arg)
{
	(void)e;
	++*(unsigned *)arg;
	return 0;
}

TEST(store_entries_keep_order_and_content)
{
	struct seen v = {.n = 0};
	unsigned n = 0;

	start();
	CHECK_OK(put(OWN, 0, "a", NULL));
	CHECK_OK(put(OWN, 1, NULL, ""));
	CHECK_OK(put(OWN, 2, NULL, "body"));
	CHECK_OK(put(PEER, 0, NULL, NULL));
	CHECK_ERR(put(OWN, 2, NULL, NULL), EINVAL);
	CHECK_ERR(put(OWN, 4, NULL, NULL), EINVAL);
	CHECK_ERR(put(PAIRS_MAX * 4, 0, NULL, NULL), EINVAL);
	CHECK_OK(store_commit(s));
	again();
	CHECK_ERR(put(OWN, 2, NULL, NULL), EINVAL);
	CHECK_OK(put(OWN, 3, NULL, NULL));
	CHECK_OK(db->entry_walk(db->arg, OWN, 0, UINT64_MAX, true, see, &v));
	CHECK_STR(v.text, "0:notice:0:-5:entry 0 of 0:a:- "
			  "1:ack:0:-4:entry 1 of 0:-: "
			  "2:ack:1:-3:entry 2 of 0:-:body "
			  "3:notice:1:-2:entry 3 of 0:-:- ");
	v = (struct seen){.stop_after = 2};
	CHECK_ERR(db->entry_walk(db->arg, OWN, 1, 9, false, see, &v),
		  ECANCELED);
	CHECK_STR(v.text, "1:ack:0:-4:entry 1 of 0:-:- "
			  "2:ack:1:-3:entry 2 of 0:-:- ");
	CHECK_OK(db->entry_walk(db->arg, OWN, 1, 2, false, count, &n));
	CHECK_EQ(n, 2);
	CHECK_OK(db->entry_walk(db->arg, OWN, 4, 2, false, count, &n));
	CHECK_OK(db->entry_walk(db->arg, OWN, 0, 0, false, count, &n));
	CHECK_EQ(n, 2);
	stop();
}

TEST(store_limits_are_refused)
{
	static uint8_t big[ENTRY_BYTES_MAX + 1];
	struct db_entry e = {.seq = 0, .kind = ENTRY_ACK, .p = big, .n = 0};

	start();
	CHECK_ERR(db->entry_put(db->arg, OWN, &e), EINVAL);
	e.n = ENTRY_BYTES_MAX + 1;
	CHECK_ERR(db->entry_put(db->arg, OWN, &e), EINVAL);
	e.n = ENTRY_BYTES_MAX;
	e.body = big;
	e.body_n = BODY_ROW_MAX + 1;
	CHECK_ERR(db->entry_put(db->arg, OWN, &e), EINVAL);
	e.body_n = BODY_ROW_MAX;
	e.id = "";
	CHECK_ERR(db->entry_put(db->arg, OWN, &e), EINVAL);
	e.id = NULL;
	CHECK_OK(db->entry_put(db->arg, OWN, &e));
	CHECK_ERR(db->pair_put(db->arg, PAIRS_MAX, big, 1), EINVAL);
	CHECK_ERR(db->pair_put(db->arg, 0, big, 32769), EINVAL);
	CHECK_OK(db->pair_put(db->arg, 0, big, 32768));
	CHECK_ERR(db->meta_put(db->arg, "m", big, 4097), EINVAL);
	CHECK_OK(db->meta_put(db->arg, "m", big, 4096));
	CHECK_ERR(db->proof_put(db->arg, PAIRS_MAX, "fork", big, 1), EINVAL);
	stop();
}

TEST(store_ids_are_unique_in_their_feed)
{
	uint64_t seq = 99;

	start();
	CHECK_OK(put(OWN, 0, "x", NULL));
	CHECK_ERR(put(OWN, 1, "x", NULL), EEXIST);
	CHECK_OK(put(OWN, 1, "X", NULL));
	CHECK_OK(put(feed_id(1, FEED_OWN), 0, "x", NULL));
	CHECK_OK(put(OWN, 2, NULL, NULL));
	CHECK_OK(put(OWN, 3, NULL, NULL));
	CHECK_OK(store_commit(s));	/* EEXIST has not voided the turn */
	again();
	CHECK_ERR(put(OWN, 4, "X", NULL), EEXIST);
	CHECK_OK(db->entry_find_id(db->arg, OWN, "X", &seq));
	CHECK_EQ(seq, 1);
	CHECK_OK(db->entry_find_id(db->arg, feed_id(1, FEED_OWN), "x", &seq));
	CHECK_EQ(seq, 0);
	CHECK_ERR(db->entry_find_id(db->arg, OWN, "y", &seq), ENOENT);
	stop();
}

TEST(store_bodies_come_later_and_are_counted)
{
	struct seen v = {.n = 0};
	uint64_t bytes = 0;

	start();
	CHECK_OK(put(PEER, 0, NULL, NULL));
	CHECK_OK(put(PEER, 1, NULL, "1234"));
	CHECK_OK(store_commit(s));
	CHECK_OK(db->body_put(db->arg, PEER, 0, (const uint8_t *)"abc", 3));
	CHECK_ERR(db->body_put(db->arg, PEER, 0, (const uint8_t *)"z", 1),
		  ENOENT);
	CHECK_ERR(db->body_put(db->arg, PEER, 2, (const uint8_t *)"z", 1),
		  ENOENT);
	CHECK_ERR(db->body_put(db->arg, PEER, 0, NULL, BODY_ROW_MAX + 1),
		  EINVAL);
	CHECK_OK(store_body_bytes(s, PEER, &bytes));
	CHECK_EQ(bytes, 7);
	CHECK_OK(store_commit(s));
	again();
	CHECK_OK(store_body_bytes(s, PEER, &bytes));
	CHECK_EQ(bytes, 7);
	CHECK_OK(store_body_bytes(s, OWN, &bytes));
	CHECK_EQ(bytes, 0);
	CHECK_OK(db->entry_walk(db->arg, PEER, 0, 1, true, see, &v));
	CHECK_STR(v.text, "0:notice:0:-5:entry 0 of 1:-:abc ");
	stop();
}

/* ---- turns ---- */

TEST(store_rollback_forgets_the_turn_alone)
{
	uint64_t bytes;
	unsigned n = 0, bits = 9;

	start();
	CHECK_OK(put(PEER, 0, NULL, "12"));
	CHECK_OK(store_commit(s));
	CHECK_OK(put(PEER, 1, NULL, "34"));
	CHECK_OK(db->receipt_put(db->arg, PEER, 0, 1, RECEIPT_HELD, 0));
	CHECK_OK(db->receipt_bits(db->arg, PEER, 1, &bits));
	CHECK_EQ(bits, 1);
	store_rollback(s);
	CHECK_OK(db->receipt_bits(db->arg, PEER, 0, &bits));
	CHECK_EQ(bits, 0);
	CHECK_OK(store_body_bytes(s, PEER, &bytes));
	CHECK_EQ(bytes, 2);
	CHECK_OK(put(PEER, 1, NULL, NULL));	/* the number is free again */
	stop();	/* rolls back too */
	start();
	CHECK_OK(db->entry_walk(db->arg, PEER, 0, 9, false, count, &n));
	CHECK_EQ(n, 1);
	store_rollback(s);
	store_rollback(s);
	stop();
	CHECK(!store_close(NULL));
}

static uint64_t written(void)
{
	unsigned long long v = 0;
	char line[64];
	FILE *f = fopen("/proc/self/io", "r");

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "syscw: ", 7))
			v = strtoull(line + 7, NULL, 10);
	}
	fclose(f);
	return v;
}

TEST(store_commit_of_nothing_writes_nothing)
{
	unsigned n = 0;
	uint64_t before;

	start();
	CHECK_OK(put(OWN, 0, NULL, NULL));
	CHECK_OK(store_commit(s));
	before = written();
	CHECK_OK(db->entry_walk(db->arg, OWN, 0, 9, false, count, &n));
	CHECK_ERR(put(OWN, 7, NULL, NULL), EINVAL);
	store_rollback(s);
	CHECK_OK(store_commit(s));
	CHECK_EQ(written(), before);
	stop();
}

static int walk_inside(const struct db_entry *e, void *arg)
{
	(void)e;
	CHECK_OK(db->entry_walk(db->arg, OWN, 0, 9, false, count, arg));
	return put(PEER, *(unsigned *)arg / 2 - 1, NULL, NULL);
}

TEST(store_walks_nest_and_may_write)
{
	unsigned n = 0;

	start();
	CHECK_OK(put(OWN, 0, NULL, NULL));
	CHECK_OK(put(OWN, 1, NULL, NULL));
	CHECK_OK(db->entry_walk(db->arg, OWN, 0, 9, false, walk_inside, &n));
	CHECK_EQ(n, 4);
	CHECK_OK(store_commit(s));
	n = 0;
	CHECK_OK(db->entry_walk(db->arg, PEER, 0, 9, false, count, &n));
	CHECK_EQ(n, 2);
	stop();
}

/* The WAL goes back into the database and is used again */
TEST(store_log_stays_short)
{
	static uint8_t state[32768];
	char path[300];
	struct stat st;

	start();
	snprintf(path, sizeof(path), "%s/record.db-wal", rdtest_tmp());
	for (int i = 0; i < 120; i++) {
		state[0] = (uint8_t)i;
		for (uint32_t pair = 0; pair < 5; pair++)	/* a long turn */
			CHECK_OK(db->pair_put(db->arg, pair, state,
					      sizeof(state)));
		CHECK_OK(store_commit(s));
	}
	CHECK_OK(stat(path, &st));
	CHECK(st.st_size > 16 << 20);	/* 120 turns are 22 MiB */
	CHECK(st.st_size < 18 << 20);
	stop();
	CHECK(!there("record.db-wal", NULL));
}

/* ---- pairs, values, notes, evidence ---- */

static int see_pair(uint32_t pair, const uint8_t *p, size_t n, void *arg)
{
	struct seen *v = arg;

	v->n += (size_t)snprintf(v->text + v->n, sizeof(v->text) - v->n,
				 "%u=%.*s ", pair, (int)n, (const char *)p);
	return v->stop_after && !--v->stop_after ? ECANCELED : 0;
}

TEST(store_pairs)
{
	struct seen v = {.n = 0};

	start();
	CHECK_OK(db->pair_put(db->arg, 7, (const uint8_t *)"old", 3));
	CHECK_OK(db->pair_put(db->arg, 0, (const uint8_t *)"zero", 4));
	CHECK_OK(db->pair_put(db->arg, 7, (const uint8_t *)"new", 3));
	CHECK_OK(db->pair_put(db->arg, 63, NULL, 0));
	CHECK_OK(store_commit(s));
	again();
	CHECK_OK(db->pair_each(db->arg, see_pair, &v));
	CHECK_STR(v.text, "0=zero 7=new 63= ");
	v = (struct seen){.stop_after = 1};
	CHECK_ERR(db->pair_each(db->arg, see_pair, &v), ECANCELED);
	stop();
}

TEST(store_meta)
{
	struct buf b;

	start();
	buf_init(&b, 4096);
	CHECK_ERR(db->meta_get(db->arg, "k", &b), ENOENT);
	CHECK_OK(db->meta_put(db->arg, "k", (const uint8_t *)"one", 3));
	CHECK_OK(db->meta_put(db->arg, "k", (const uint8_t *)"two2", 4));
	CHECK_OK(store_commit(s));
	again();
	CHECK_OK(db->meta_get(db->arg, "k", &b));
	CHECK_EQ(b.n, 4);
	CHECK_MEM(b.p, "two2", 4);
	CHECK_OK(db->meta_put(db->arg, "k", NULL, 0));
	CHECK_OK(db->meta_put(db->arg, "never", NULL, 0));
	CHECK_ERR(db->meta_get(db->arg, "k", &b), ENOENT);
	buf_free(&b);
	stop();
}

static int note_put(uint32_t feed, enum note_kind kind, uint64_t size,
		    uint64_t bytes, const char *text)
{
	struct db_note n = {.size = size,
			    .bytes = bytes,
			    .p = (const uint8_t *)text,
			    .n = strlen(text)};

	memset(n.root, (int)size, sizeof(n.root));
	return db->note_put(db->arg, feed, kind, &n);
}

static int see_note(const struct db_note *n, void *arg)
{
	struct seen *v = arg;

	CHECK_EQ(n->root[31], n->size & 0xff);
	snprintf(v->text, sizeof(v->text), "%u/%u %.*s", (unsigned)n->size,
		 (unsigned)n->bytes, (int)n->n, (const char *)n->p);
	return 0;
}

static int find(enum note_kind kind, uint64_t size, uint64_t bytes,
		struct seen *v)
{
	v->text[0] = '\0';
	return db->note_find(db->arg, OWN, kind, size, bytes, see_note, v);
}

TEST(store_notes_are_found_by_size_and_bytes)
{
	struct seen v;

	start();
	CHECK_ERR(find(NOTE_SIGNED, UINT64_MAX, UINT64_MAX, &v), ENOENT);
	for (uint64_t i = 1; i <= 200; i++)
		CHECK_OK(note_put(OWN, NOTE_SIGNED, i * 3, i * 1000, "n"));
	CHECK_OK(note_put(OWN, NOTE_IDLE, 9, 1, "idle"));
	CHECK_OK(note_put(OWN, NOTE_SIGNED, 30, 10000, "again"));
	CHECK_OK(note_put(PEER, NOTE_SIGNED, 1, 1, "other"));
	CHECK_OK(store_commit(s));
	again();
	CHECK_OK(find(NOTE_SIGNED, UINT64_MAX, UINT64_MAX, &v));
	CHECK_STR(v.text, "600/200000 n");
	CHECK_OK(find(NOTE_SIGNED, 32, UINT64_MAX, &v));
	CHECK_STR(v.text, "30/10000 again");
	CHECK_ERR(find(NOTE_SIGNED, 2, UINT64_MAX, &v), ENOENT);
	CHECK_ERR(find(NOTE_SIGNED, 600, 999, &v), ENOENT);
	for (uint64_t i = 1; i <= 200; i++) {
		char want[32];

		snprintf(want, sizeof(want), "%u/%u %s", (unsigned)i * 3,
			 (unsigned)i * 1000, i == 10 ? "again" : "n");
		CHECK_OK(find(NOTE_SIGNED, UINT64_MAX, i * 1000 + 999, &v));
		CHECK_STR(v.text, want);
		CHECK_OK(find(NOTE_SIGNED, i * 3 + 2, UINT64_MAX, &v));
		CHECK_STR(v.text, want);
	}
	CHECK_OK(find(NOTE_IDLE, 9, 1, &v));
	CHECK_STR(v.text, "9/1 idle");
	CHECK_ERR(find(NOTE_COSIGNED, 9, 1, &v), ENOENT);
	CHECK_OK(note_put(OWN, NOTE_IDLE, 0, 5, "heavy"));
	CHECK_ERR(find(NOTE_IDLE, 3, 4, &v), ENOENT);
	stop();
}

static int see_proof(uint64_t number, const char *name, const uint8_t *p,
		     size_t n, void *arg)
{
	struct seen *v = arg;

	v->n += (size_t)snprintf(v->text + v->n, sizeof(v->text) - v->n,
				 "%u.%s=%.*s ", (unsigned)number, name, (int)n,
				 (const char *)p);
	return 0;
}

TEST(store_proofs_are_numbered_in_their_pair)
{
	struct seen v = {.n = 0};

	start();
	CHECK_OK(db->proof_put(db->arg, 2, "fork", (const uint8_t *)"a", 1));
	CHECK_OK(db->proof_put(db->arg, 3, "fork", (const uint8_t *)"b", 1));
	CHECK_OK(store_commit(s));
	again();
	CHECK_OK(db->proof_put(db->arg, 2, "odd", (const uint8_t *)"c", 1));
	CHECK_OK(store_proofs(s, 2, see_proof, &v));
	CHECK_STR(v.text, "1.fork=a 2.odd=c ");
	CHECK_ERR(store_proofs(s, PAIRS_MAX, see_proof, &v), EINVAL);
	stop();
}

/* ---- receipts and wants ---- */

/* Against a table that holds one bit for each entry and state */
TEST(store_receipts_agree_with_a_plain_table)
{
	unsigned table[64] = {0};

	start();
	for (int i = 0; i < 600; i++) {
		const uint64_t first = rdtest_random() % 64;
		const uint64_t left = 64 - first;
		const uint64_t last =
			first + rdtest_random() % (left < 4 ? left : 4);
		const unsigned state =
			(unsigned)(rdtest_random() % RECEIPT_STATES);

		if (i % 150 == 0) {	/* also with few in the table */
			store_rollback(s);
			memset(table, 0, sizeof(table));
		}
		CHECK_OK(db->receipt_put(db->arg, PEER, first, last,
					 (enum receipt_state)state, 3));
		for (uint64_t k = first; k <= last; k++)
			table[k] |= 1u << state;
		for (uint64_t k = 0; k < 64; k++) {
			unsigned bits;

			CHECK_OK(db->receipt_bits(db->arg, PEER, k, &bits));
			CHECK_EQ(bits, table[k]);
		}
	}
	CHECK_ERR(db->receipt_put(db->arg, PEER, 3, 2, RECEIPT_HELD, 0),
		  EINVAL);
	CHECK_ERR(db->receipt_put(db->arg, PEER, 3, 4, RECEIPT_STATES, 0),
		  EINVAL);
	stop();
}

static unsigned rows(const char *sql)
{
	sqlite3 *q = NULL;
	sqlite3_stmt *st = NULL;
	char path[300];
	unsigned n;

	snprintf(path, sizeof(path), "%s/record.db", rdtest_tmp());
	CHECK(sqlite3_open(path, &q) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(q, sql, -1, &st, NULL) == SQLITE_OK);
	CHECK(sqlite3_step(st) == SQLITE_ROW);
	n = (unsigned)sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(q);
	return n;
}

TEST(store_receipts_in_a_row_are_one_range)
{
	start();
	for (uint64_t i = 0; i < 50; i++)
		CHECK_OK(db->receipt_put(db->arg, OWN, i * 10, i * 10 + 9,
					 RECEIPT_HELD, i));
	CHECK_OK(db->receipt_put(db->arg, OWN, 20, 30, RECEIPT_HELD, 99));
	CHECK_OK(db->receipt_put(db->arg, PEER, 500, 501, RECEIPT_HELD, 9));
	CHECK_OK(store_commit(s));
	stop();
	CHECK_EQ(rows("SELECT count(*) FROM receipt"), 2);
	CHECK_EQ(rows("SELECT last FROM receipt WHERE feed = 0"), 499);
}

TEST(store_wants)
{
	struct db_want w = {.seq = 4, .bytes = 100000};
	struct db_want out;

	start();
	memset(w.hash, 4, sizeof(w.hash));
	CHECK_OK(db->want_put(db->arg, PEER, &w));
	w.seq = 9;
	memset(w.hash, 9, sizeof(w.hash));
	CHECK_OK(db->want_put(db->arg, PEER, &w));
	CHECK_OK(store_commit(s));
	again();
	CHECK_OK(db->want_next(db->arg, PEER, 0, &out));
	CHECK_EQ(out.seq, 4);
	CHECK_EQ(out.bytes, 100000);
	CHECK_OK(db->want_next(db->arg, PEER, 5, &out));
	CHECK_EQ(out.seq, 9);
	CHECK_MEM(out.hash, w.hash, DIGEST_BYTES);
	CHECK_ERR(db->want_next(db->arg, PEER, 10, &out), ENOENT);
	CHECK_ERR(db->want_next(db->arg, OWN, 0, &out), ENOENT);
	CHECK_ERR(db->want_next(db->arg, PEER, UINT64_MAX, &out), ENOENT);
	CHECK_OK(db->want_drop(db->arg, PEER, 4));
	CHECK_OK(db->want_drop(db->arg, PEER, 4));
	CHECK_OK(db->want_next(db->arg, PEER, 0, &out));
	CHECK_EQ(out.seq, 9);
	stop();
}

/* ---- reading for people ---- */

TEST(store_items_are_notices_and_documents)
{
	struct seen v = {.n = 0};
	unsigned n = 0;

	start();
	for (uint64_t i = 0; i < 10; i++)
		CHECK_OK(put(OWN, i, NULL, "b"));
	CHECK_OK(put(PEER, 0, NULL, NULL));
	CHECK_OK(store_items(s, OWN, 0, 2, see, &v));
	CHECK_STR(v.text, "3:notice:1:-2:entry 3 of 0:-:- "
			  "6:notice:3:1:entry 6 of 0:-:- ");
	CHECK_OK(store_items(s, OWN, 8, 9, count, &n));
	CHECK_EQ(n, 1);
	CHECK_OK(store_items(s, OWN, UINT64_MAX, 9, count, &n));
	CHECK_EQ(n, 1);
	CHECK_ERR(store_items(s, PAIRS_MAX * 4, 0, 9, count, &n), EINVAL);
	stop();
}

TEST(store_joint_floor_agrees_with_counting)
{
	uint64_t i = 99, seen = 2, at[200];

	start();
	CHECK_ERR(store_joint_floor(s, OWN, 0, &i), ENOENT);
	for (uint64_t k = 0; k < 200; k++) {
		struct db_entry e = {.seq = k,
				     .kind = ENTRY_ACK,
				     .seen = seen,
				     .p = (const uint8_t *)"e",
				     .n = 1};

		CHECK_OK(db->entry_put(db->arg, OWN, &e));
		at[k] = k + seen;
		seen += rdtest_random() % 4;
	}
	CHECK_ERR(store_joint_floor(s, OWN, 1, &i), ENOENT);
	for (uint64_t joint = 2, k = 0; joint < at[199] + 5; joint++) {
		while (k + 1 < 200 && at[k + 1] <= joint)
			k++;
		CHECK_OK(store_joint_floor(s, OWN, joint, &i));
		CHECK_EQ(i, k);
	}
	CHECK_OK(store_joint_floor(s, OWN, UINT64_MAX, &i));
	CHECK_EQ(i, 199);
	stop();
}

/* ---- blobs ---- */

static uint8_t *blob_make(size_t n, uint8_t seed, uint8_t hash[DIGEST_BYTES])
{
	uint8_t *p = malloc(n);

	CHECK(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 7 + i / 251 + seed);
	digest(p, n, hash);
	return p;
}

static void have_is(const uint8_t *hash, uint64_t want, bool want_whole)
{
	bool whole = !want_whole;
	uint64_t have = 77;

	CHECK_OK(db->blob_have(db->arg, hash, &have, &whole));
	CHECK_EQ(have, want);
	CHECK_EQ(whole, want_whole);
}

TEST(store_blob_grows_is_checked_and_read)
{
	uint8_t hash[DIGEST_BYTES], back[100000];
	uint8_t *p;
	int fd = -1;

	start();
	p = blob_make(100000, 1, hash);
	have_is(hash, 0, false);
	CHECK_ERR(db->blob_finish(db->arg, hash), ENOENT);
	CHECK_ERR(store_blob_open(s, hash, &fd), ENOENT);
	CHECK_ERR(db->blob_write(db->arg, hash, 1, p, 10), EINVAL);
	CHECK_OK(db->blob_write(db->arg, hash, 0, p, 60000));
	have_is(hash, 60000, false);
	CHECK_ERR(db->blob_write(db->arg, hash, 0, p, 60000), EINVAL);
	CHECK_OK(db->blob_write(db->arg, hash, 60000, p + 60000, 40000));
	CHECK(there("part", hash) && !there("whole", hash));
	CHECK_OK(db->blob_finish(db->arg, hash));
	CHECK(!there("part", hash) && there("whole", hash));
	have_is(hash, 100000, true);
	CHECK_OK(db->blob_finish(db->arg, hash));
	CHECK_ERR(db->blob_write(db->arg, hash, 100000, p, 1), EINVAL);
	store_rollback(s);	/* durable before any commit */
	again();
	have_is(hash, 100000, true);
	CHECK_OK(store_blob_open(s, hash, &fd));
	CHECK_EQ(read(fd, back, sizeof(back)), sizeof(back));
	CHECK_MEM(back, p, sizeof(back));
	close(fd);
	free(p);
	stop();
}

TEST(store_blob_goes_on_after_reopening)
{
	uint8_t hash[DIGEST_BYTES];
	uint8_t *p;

	start();
	p = blob_make(3 << 20, 2, hash);
	CHECK_OK(db->blob_write(db->arg, hash, 0, p, 1234567));
	again();
	have_is(hash, 1234567, false);
	CHECK_OK(db->blob_write(db->arg, hash, 1234567, p + 1234567,
				(3 << 20) - 1234567));
	CHECK_OK(db->blob_finish(db->arg, hash));
	have_is(hash, 3 << 20, true);
	free(p);
	stop();
}

TEST(store_blob_with_another_hash_is_thrown_away)
{
	uint8_t hash[DIGEST_BYTES];
	uint8_t *p;

	start();
	p = blob_make(50000, 3, hash);
	for (int reopen = 0; reopen < 2; reopen++) {
		p[777] ^= 1;
		CHECK_OK(db->blob_write(db->arg, hash, 0, p, 50000));
		if (reopen)
			again();
		CHECK_ERR(db->blob_finish(db->arg, hash), EBADMSG);
		CHECK(!there("part", hash) && !there("whole", hash));
		have_is(hash, 0, false);
		p[777] ^= 1;
	}
	CHECK_OK(db->blob_write(db->arg, hash, 0, p, 50000));
	CHECK_OK(db->blob_finish(db->arg, hash));
	free(p);
	stop();
}

/* More at once than are kept open */
TEST(store_many_partial_blobs_at_once)
{
	enum { BLOBS = 40, BYTES = 40000 };
	static uint8_t hash[BLOBS][DIGEST_BYTES];
	uint8_t *p[BLOBS];

	start();
	for (int i = 0; i < BLOBS; i++)
		p[i] = blob_make(BYTES, (uint8_t)(i + 1), hash[i]);
	for (uint64_t at = 0; at < BYTES; at += 10000) {
		for (int i = 0; i < BLOBS; i++)
			CHECK_OK(db->blob_write(db->arg, hash[i], at, p[i] + at,
						10000));
	}
	for (int i = 0; i < BLOBS; i++) {
		CHECK_OK(db->blob_finish(db->arg, hash[i]));
		have_is(hash[i], BYTES, true);
		free(p[i]);
	}
	stop();
}

static int temp_file(const uint8_t *p, size_t n)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/content", rdtest_tmp());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, p, n), n);
	return fd;	/* stands at its end */
}

TEST(store_blob_import_salts_and_hashes)
{
	const size_t n = (2 << 20) + 5;
	const uint8_t salt[BLOB_SALT_BYTES] = {1, 2, 3};
	uint8_t hash[DIGEST_BYTES], want[DIGEST_BYTES], dummy[DIGEST_BYTES];
	uint8_t *p, *back = malloc(n + BLOB_SALT_BYTES);
	uint64_t bytes = 0;
	int fd, from;

	start();
	p = blob_make(n, 4, dummy);
	digest_pieces((struct piece[]){{salt, sizeof(salt)}, {p, n}}, 2, want);
	from = temp_file(p, n);
	CHECK_OK(db->blob_write(db->arg, want, 0, salt, 7));	/* and a partial */
	CHECK_ERR(store_blob_import(s, from, n + 1, salt, hash, &bytes),
		  EINVAL);
	for (int i = 0; i < 2; i++) {	/* the second is there already */
		CHECK_OK(store_blob_import(s, from, n, salt, hash, &bytes));
		CHECK_EQ(bytes, n + BLOB_SALT_BYTES);
		CHECK_MEM(hash, want, DIGEST_BYTES);
		have_is(hash, n + BLOB_SALT_BYTES, true);
		CHECK(!there("part", hash));
		CHECK(!there("blobs/part/import", NULL));
	}
	CHECK_OK(store_blob_open(s, hash, &fd));
	CHECK_EQ(read(fd, back, n + BLOB_SALT_BYTES), n + BLOB_SALT_BYTES);
	CHECK_MEM(back, salt, BLOB_SALT_BYTES);
	CHECK_MEM(back + BLOB_SALT_BYTES, p, n);
	CHECK_ERR(store_blob_import(s, from, BLOB_BYTES_MAX + 1, salt, hash,
				    &bytes),
		  EINVAL);
	close(fd);
	close(from);
	free(p);
	free(back);
	stop();
}

TEST(store_blob_of_a_dropped_want_is_counted)
{
	struct db_want w = {.seq = 0, .bytes = 40000};
	uint64_t bytes = 9;
	uint8_t *p;

	start();
	p = blob_make(40000, 5, w.hash);
	CHECK_OK(db->want_put(db->arg, PEER, &w));
	CHECK_OK(db->want_drop(db->arg, PEER, 0));	/* never came */
	CHECK_OK(store_body_bytes(s, PEER, &bytes));
	CHECK_EQ(bytes, 0);
	CHECK_OK(db->want_put(db->arg, PEER, &w));
	CHECK_OK(db->blob_write(db->arg, w.hash, 0, p, 40000));
	CHECK_OK(db->blob_finish(db->arg, w.hash));
	CHECK_OK(db->want_drop(db->arg, PEER, 0));
	CHECK_OK(store_commit(s));
	again();
	CHECK_OK(store_body_bytes(s, PEER, &bytes));
	CHECK_EQ(bytes, 40000);
	free(p);
	stop();
}

TEST(store_leftovers_of_an_import_are_removed)
{
	uint8_t hash[DIGEST_BYTES];
	char path[300];
	uint8_t *p;

	start();
	p = blob_make(10, 6, hash);
	CHECK_OK(db->blob_write(db->arg, hash, 0, p, 10));
	stop();
	snprintf(path, sizeof(path), "%s/blobs/part/import", rdtest_tmp());
	close(open(path, O_CREAT | O_WRONLY, 0600));
	CHECK(there("blobs/part/import", NULL));
	start();
	CHECK(!there("blobs/part/import", NULL));
	have_is(hash, 10, false);
	free(p);
	stop();
}

/* ---- opening ---- */

static void run_sql(const char *sql)
{
	char path[300];
	sqlite3 *q = NULL;

	snprintf(path, sizeof(path), "%s/record.db", rdtest_tmp());
	CHECK(sqlite3_open(path, &q) == SQLITE_OK);
	CHECK(sqlite3_exec(q, sql, NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(q);
}

TEST(store_newer_schema_is_left_alone)
{
	const char *why = NULL;
	struct store *t = NULL;

	start();
	CHECK_OK(put(OWN, 0, NULL, NULL));
	CHECK_OK(store_commit(s));
	stop();
	CHECK_EQ(rows("PRAGMA user_version"), 2);
	run_sql("PRAGMA user_version = 3");
	CHECK_ERR(store_open(&t, rdtest_tmp(), &why), ENOTSUP);
	CHECK(!t && strstr(why, "version 3"));
	CHECK_EQ(rows("PRAGMA user_version"), 3);
	CHECK_EQ(rows("SELECT count(*) FROM entry"), 1);
	run_sql("PRAGMA user_version = 2");
	start();
	CHECK_ERR(put(OWN, 0, NULL, NULL), EINVAL);
	stop();
}

/* Version 0 is a file without schema: also what a crash in creation leaves */
TEST(store_older_schema_is_upgraded)
{
	start();
	stop();
	run_sql("DROP TABLE entry; DROP TABLE pair; DROP TABLE meta;"
		"DROP TABLE held; DROP TABLE note; DROP TABLE receipt;"
		"DROP TABLE want; DROP TABLE proof; DROP TABLE line;"
		"PRAGMA user_version = 0");
	start();
	CHECK_OK(put(OWN, 0, NULL, NULL));
	CHECK_OK(store_commit(s));
	stop();
	CHECK_EQ(rows("PRAGMA user_version"), 2);
}

TEST(store_foreign_file_is_refused)
{
	const char *why = NULL;
	struct store *t = NULL;
	char path[300];
	FILE *f;

	start();
	stop();
	run_sql("PRAGMA application_id = 5");
	CHECK_ERR(store_open(&t, rdtest_tmp(), &why), EIO);
	CHECK(strstr(why, "not a store of Ringdown"));
	snprintf(path, sizeof(path), "%s/record.db", rdtest_tmp());
	f = fopen(path, "w");
	CHECK(f);
	for (int i = 0; i < 1000; i++)
		fputs("this is no database. ", f);
	fclose(f);
	CHECK_ERR(store_open(&t, rdtest_tmp(), &why), EIO);
	CHECK(!t && strstr(why, "not a database"));
}

TEST(store_lock_is_exclusive)
{
	const char *why = NULL;
	struct store *t = NULL;
	int status;
	pid_t pid;

	start();
	CHECK_ERR(store_open(&t, rdtest_tmp(), &why), EBUSY);
	CHECK(!t && strstr(why, "signing lock"));
	pid = fork();
	if (!pid)
		_exit(store_open(&t, rdtest_tmp(), &why) == EBUSY ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	stop();
	start();
	stop();
}

TEST(store_directory_must_be_ours_alone)
{
	const char *why = NULL;
	struct store *t = NULL;

	CHECK(!chmod(rdtest_tmp(), 0750));
	CHECK_ERR(store_open(&t, rdtest_tmp(), &why), EPERM);
	CHECK(!chmod(rdtest_tmp(), 0700));
	CHECK_ERR(store_open(&t, "/nonexistent/x", &why), ENOENT);
	CHECK(!t && strstr(why, "state directory"));
}

TEST_OOM(store_memory_runs_out)
{
	uint8_t hash[DIGEST_BYTES] = {0};
	const char *why;
	uint64_t bytes;
	int fd = -1;

	s = NULL;
	TRY(store_open(&s, rdtest_tmp(), &why));
	db = store_db(s);
	TRY(put(OWN, 0, "a", "b"));
	TRY(db->blob_write(db->arg, hash, 0, (const uint8_t *)"abc", 3));
	TRY(store_commit(s));
	fd = temp_file((const uint8_t *)"content", 7);
	TRY(store_blob_import(s, fd, 7, hash, hash, &bytes));
out:
	if (fd >= 0)
		close(fd);
	stop();
}
