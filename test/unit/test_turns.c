/* SPDX-License-Identifier: ISC */
/** @file test_turns.c  The log of turns: what is there after an end by force */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "rdtest.h"
#include "store/inner.h"

#define OWN FEED_OWN
#define HEAD 20

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

/* One turn: an entry with a body, a note, a small value */
static int turn(uint64_t seq, size_t body_n)
{
	static uint8_t body[BODY_ROW_MAX];
	const struct db_entry e = {.seq = seq,
				   .kind = ENTRY_NOTICE,
				   .seen = seq,
				   .time_ms = -5,
				   .p = (const uint8_t *)"entry",
				   .n = 5,
				   .body = body_n ? body : NULL,
				   .body_n = body_n};
	const struct db_note n = {
		.size = seq + 1, .p = (const uint8_t *)"note", .n = 4};
	int err = db->entry_put(db->arg, OWN, &e);

	if (!err)
		err = db->note_put(db->arg, OWN, NOTE_SIGNED, &n);
	if (!err)
		err = db->meta_put(db->arg, "turn", (const uint8_t *)&seq,
				   sizeof(seq));
	return err;
}

/* Whole turns up to and without @p n, and nothing else */
static void are_there(uint64_t n)
{
	uint64_t last = UINT64_MAX, held;
	struct buf b;
	int err;

	buf_init(&b, 64);
	err = db->meta_get(db->arg, "turn", &b);
	CHECK_EQ(err, n ? 0 : ENOENT);
	if (!err)
		memcpy(&last, b.p, sizeof(last));
	buf_free(&b);
	CHECK_EQ(last, n - 1);
	CHECK_ERR(turn(n + 1, 0), EINVAL);
	CHECK_OK(turn(n, 0));
	store_rollback(s);
	CHECK_OK(store_body_bytes(s, OWN, &held));
	CHECK_EQ(held, n * 300);
}

/* Turns from..to-1 in a process that then ends without closing */
static void killed(uint64_t from, uint64_t to)
{
	const char *dir = rdtest_tmp(); /* made before: it is the parent's */
	const pid_t pid = fork();
	int status;

	CHECK(dir[0]);
	if (!pid) {
		int err = 0;

		start();
		for (uint64_t i = from; i < to && !err; i++) {
			err = turn(i, 300);
			if (!err)
				err = store_commit(s);
		}
		if (!err)
			err = turn(to, 300); /* not committed */
		_exit(err ? 1 : 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
}

static void change(off_t at, const void *p, size_t n)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/turns.log", rdtest_tmp());
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0 && pwrite(fd, p, n, at) == (ssize_t)n);
	close(fd);
}

TEST(turns_are_there_after_an_end_by_force)
{
	killed(0, 3);
	start();
	are_there(3);
	CHECK(s->open);
	CHECK_OK(turn(3, 300));
	CHECK_OK(store_commit(s));
	are_there(4);
	stop();
	killed(4, 9);
	killed(9, 10); /* goes on in the same round */
	start();
	CHECK_EQ(s->turns.n, 6);
	are_there(10);
	stop();
	start();
	CHECK(!s->open && !s->turns.n); /* closing has committed */
	are_there(10);
	stop();
}

TEST(turns_use_their_file_again)
{
	uint64_t round, i = 0;

	start();
	round = s->turns.round;
	for (; s->turns.round < round + 3; i++) {
		CHECK_OK(turn(i, 300));
		CHECK_OK(store_commit(s));
		CHECK(s->turns.end <= TURNS_BYTES);
	}
	CHECK(i > 1000);
	CHECK(!s->open);
	are_there(i);
	stop();
	/* what is left there of other rounds is none of this one */
	killed(i, i + 2);
	start();
	CHECK_EQ(s->turns.n, 2);
	are_there(i + 2);
	stop();
}

TEST(turns_that_are_long_are_committed_with_those_before)
{
	static uint8_t state[32768];

	start();
	CHECK_OK(turn(0, 300));
	CHECK_OK(store_commit(s));
	CHECK(s->open && s->turns.n == 1);
	for (uint32_t pair = 0; pair < 5; pair++)
		CHECK_OK(db->pair_put(db->arg, pair, state, sizeof(state)));
	CHECK_OK(store_commit(s));
	CHECK(!s->open && !s->turns.n);
	are_there(1);
	stop();
}

TEST(turns_come_back_when_one_is_void)
{
	start();
	for (uint64_t i = 0; i < 5; i++) {
		CHECK_OK(turn(i, 300));
		CHECK_OK(store_commit(s));
	}
	CHECK_OK(turn(5, 300));
	store_rollback(s);
	CHECK_EQ(s->turns.n, 5);
	are_there(5);
	CHECK_OK(turn(5, 300));
	CHECK_OK(store_commit(s));
	/* SQLite gives up its transaction by itself, as after a failed read */
	CHECK(sqlite3_exec(s->sqlite, "ROLLBACK", NULL, NULL, NULL) == 0);
	are_there(6);
	stop();
	start();
	are_there(6);
	stop();
}

/* A turn of which a part is there is not there */
TEST(turns_that_are_damaged_are_none)
{
	off_t at;

	killed(0, 4);
	start();
	at = (off_t)s->turns.end;
	stop();
	killed(4, 5); /* at the beginning again */
	start();
	CHECK_EQ(s->turns.n, 1);
	CHECK((off_t)s->turns.end < at);
	stop();
	killed(5, 7);
	change(HEAD + 30, "?", 1);
	start();
	CHECK_EQ(s->turns.n, 0);
	are_there(5);
	stop();
}

TEST(turns_of_another_version_stop_the_start)
{
	const char *why = "";
	struct buf b;

	/* one statement that nobody knows */
	start();
	turns_reset(s);
	s->turn = true;
	buf_u32(&s->turns.ops, 7);
	buf_u8(&s->turns.ops, 0);
	CHECK_OK(turns_append(s));
	s->turn = false;
	s->broken = EIO; /* or closing would commit */
	stop();
	CHECK_ERR(store_open(&s, rdtest_tmp(), &why), ENOTSUP);
	CHECK(strstr(why, "another version"));
	buf_init(&b, 64);
	buf_u32(&b, 0);
	change(0, b.p, b.n);
	buf_free(&b);
	start();
	are_there(0);
	stop();
}

TEST(turns_names_differ)
{
	start();
	for (int i = 0; i < SQL_COUNT; i++) {
		for (int j = 0; j < i; j++)
			CHECK(!s->turns.code[i] ||
			      s->turns.code[i] != s->turns.code[j]);
	}
	CHECK(s->turns.code[SQL_ENTRY_PUT] && s->turns.code[SQL_WANT_DROP]);
	CHECK(!s->turns.code[SQL_ENTRY_WALK] && !s->turns.code[SQL_BEGIN]);
	stop();
}
