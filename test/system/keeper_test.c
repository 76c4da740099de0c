/* SPDX-License-Identifier: ISC */
/** @file keeper_test.c  Two keepers talk: record, receipts, crashes, full disks
 *
 * KEEPER_LOG=1 shows what the keepers log.  RINGDOWN_VERIFY, or $BIN/, names
 * the verifier.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "keeper_talk.h"

/* ---- a disk whose syncs fail ---- */

static int sync_as(long call, int fd)
{
	if (fault_bad_disk && *fault_bad_disk == getpid()) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(call, fd);
}

/* These stand before libc's, for SQLite too */
int fsync(int fd)
{
	return sync_as(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_as(SYS_fdatasync, fd);
}

/* ---- tests ---- */

static void test_pairing(struct krig *r)
{
	char card[4097], north[4097];
	struct wire_msg m;

	m = talk_add_msg("ringdown-card/v1\nname x\n");
	krig_problem(r, N, &m, 422, "/problems/card-bad");
	talk_card_of(r, S, card);
	m = talk_add_msg(card);
	krig_problem(r, N, &m, 409, "/problems/no-own-card");
	talk_card_of(r, N, north);
	m = talk_add_msg(north);
	krig_problem(r, N, &m, 409, "/problems/card-own");
	m = talk_notice_msg(N, "", WAIT_STORED, "early");
	krig_problem(r, N, &m, 404, "/problems/no-pair");
	m = talk_pair_msg(WIRE_Q_CONFIRM, "nobody.example");
	krig_problem(r, N, &m, 404, "/problems/no-pair");

	talk_card_of(r, N, north);
	m = talk_add_msg(card);
	json_decref(krig_json(r, N, &m, 201));
	talk_card_of(r, N, north);
	krig_problem(r, N, &m, 409, "/problems/card-used");
	MUST(talk_pair_is(r, N, "state", "waiting"));
	m = talk_notice_msg(N, "", WAIT_STORED, "early");
	krig_problem(r, N, &m, 409, "/problems/pair-waiting");
	MUST(!r->node[N].pair.set);	/* the trunk hears of it later */
	m = talk_pair_msg(WIRE_Q_CONFIRM, talk_host[S]);
	json_decref(krig_json(r, N, &m, 200));
	krig_problem(r, N, &m, 409, "/problems/pair-live");
	KRIG_WAIT(r, r->node[N].pair.set, 2000);
	MUST(!strcmp(r->node[N].pair.name, talk_host[S]));
	m = talk_pair_msg(WIRE_Q_REVOKE, talk_host[S]);
	json_decref(krig_json(r, N, &m, 200));
	KRIG_WAIT(r, r->node[N].drops == 1, 2000);
	krig_problem(r, N, &m, 409, "/problems/pair-revoked");
	m = talk_notice_msg(N, "", WAIT_STORED, "late");
	krig_problem(r, N, &m, 409, "/problems/pair-revoked");
}

/* Who waits for the other side is not left waiting for ever */
static void test_revoked_while_waiting(struct krig *r)
{
	struct wire_msg m;
	struct krig_answer *a;
	uint32_t req;

	talk_pair_up(r);
	m = talk_notice_msg(N, "", WAIT_HELD, "nobody will hear this");
	req = krig_ask(r, N, &m);
	m = talk_pair_msg(WIRE_Q_REVOKE, talk_host[S]);
	json_decref(krig_json(r, N, &m, 200));
	KRIG_WAIT(r, krig_answered(r, N, req), 2000);
	a = krig_answered(r, N, req);
	MUST(a->http == 409);
	buf_u8(&a->body, 0);
	MUST(strstr((const char *)a->body.p, "/problems/pair-revoked"));
}

static bool in_session(struct krig *r, int i)
{
	json_t *pair = talk_pair_status(r, i);
	const bool yes = json_is_true(json_object_get(pair, "session"));

	json_decref(pair);
	return yes;
}

static void test_trunk_is_told(struct krig *r)
{
	const struct krig_pair *p[2] = {&r->node[N].pair, &r->node[S].pair};
	struct wire_msg m = talk_msg(WIRE_PING);
	const uint64_t turn = r->node[N].turn;

	talk_pair_up(r);
	KRIG_WAIT(r, p[0]->set && p[1]->set, 2000);
	for (int i = 0; i < 2; i++) {
		MUST(!strcmp(p[i]->dial, p[!i]->listen));
		MUST(!memcmp(p[i]->dial_psk, p[!i]->listen_psk, 32));
		MUST(memcmp(p[i]->dial_psk, p[i]->listen_psk, 32) != 0);
	}
	krig_say_trunk(r, N, &m);
	KRIG_WAIT(r, r->node[N].turn > turn, 2000);
	krig_line(r, true);
	KRIG_WAIT(r, krig_joined(r), 10000);
	(void)talk_notice(r, N, WAIT_HELD, "one");
	MUST(talk_pair_is(r, N, "trunk", "up"));
	krig_trunk_again(r, N);
	KRIG_WAIT(r, r->node[N].pair.set && krig_joined(r), 10000);
	(void)talk_notice(r, N, WAIT_HELD, "two");
	/* nothing of the old trunk is left: no path, no session */
	krig_line(r, false);
	KRIG_WAIT(r, !in_session(r, N), 2000);
}

static void test_notices(struct krig *r)
{
	struct wire_msg m = talk_notice_msg(N, "an-id", WAIT_HELD, "Hello\n");
	struct krig_answer *a;
	json_t *root, *again, *item;
	uint64_t seq;

	talk_line_up(r);
	root = krig_json(r, N, &m, 201);
	again = krig_json(r, N, &m, 200);
	seq = talk_number(root, "seq");
	MUST(json_is_false(json_object_get(root, "again")) &&
	     json_is_true(json_object_get(again, "again")) &&
	     talk_number(again, "seq") == seq);
	json_decref(root);
	json_decref(again);
	MUST(talk_item_has(r, N, 1, seq, "acked") &&
	     talk_item_has(r, N, 1, seq, "held"));

	m = talk_box_msg(WIRE_Q_ITEMS, S, 0, 0);
	root = krig_json(r, S, &m, 200);
	MUST(json_array_size(json_object_get(root, "items")) == 1);
	MUST(json_is_null(json_object_get(root, "next")));
	item = json_array_get(json_object_get(root, "items"), 0);
	MUST(talk_number(item, "seq") == seq &&
	     talk_number(item, "bytes") == 6 && talk_is(item, "id", "an-id") &&
	     talk_is(item, "by", "Anna") &&
	     talk_is(item, "subject", "A \"subject\"") &&
	     talk_is(item, "precedence", "flash") &&
	     json_is_null(json_object_get(item, "name")));
	json_decref(root);

	m = talk_box_msg(WIRE_Q_ENTRY, S, 0, seq);
	a = krig_expect(r, S, &m, 200);
	MUST(a->body.n > 18 && !memcmp(a->body.p, "ringdown-entry/v1\n", 18));
	m = talk_box_msg(WIRE_Q_ENTRY, S, 0, 999);
	krig_problem(r, S, &m, 404, "/problems/no-item");
	m = talk_box_msg(WIRE_Q_SHOW, S, 0, 0);	/* `open` is no item */
	krig_problem(r, S, &m, 404, "/problems/no-item");
	m = talk_notice_msg(N, "", WAIT_STORED, "x");
	m.q_submit.subject = str_of("blank at the end ");
	krig_problem(r, N, &m, 400, "/problems/request");
	m.q_submit.subject = str_of("\xff");
	krig_problem(r, N, &m, 400, "/problems/request");
}

static void body_is(const struct krig_answer *a, const uint8_t *want, size_t n)
{
	uint8_t *got = malloc(n + 1);

	MUST(got && a->fd >= 0 && a->bytes == n);
	MUST(pread(a->fd, got, n, (off_t)a->offset) == (ssize_t)n);
	MUST(!memcmp(got, want, n));
	free(got);
}

static void test_opened(struct krig *r)
{
	struct wire_msg m;
	uint64_t seq;

	talk_line_up(r);
	seq = talk_notice(r, N, WAIT_HELD, "Read this");
	m = talk_box_msg(WIRE_Q_BODY, S, 0, seq);
	body_is(krig_expect(r, S, &m, 200), (const uint8_t *)"Read this", 9);
	MUST(!talk_item_has(r, S, 0, seq, "opened"));
	m.q_body.open = 1;
	body_is(krig_expect(r, S, &m, 200), (const uint8_t *)"Read this", 9);
	MUST(talk_item_has(r, S, 0, seq, "opened"));
	KRIG_WAIT(r, talk_item_has(r, N, 1, seq, "opened"), 5000);
	/* the second time writes nothing */
	krig_line(r, false);
	for (int i = 0; i < 2; i++) {
		json_t *pair = talk_pair_status(r, S);
		json_t *own = json_object_get(pair, "own");
		static uint64_t before;

		MUST(!i || talk_number(own, "size") == before);
		before = talk_number(own, "size");
		json_decref(pair);
		body_is(krig_expect(r, S, &m, 200),
			(const uint8_t *)"Read this", 9);
	}
	m.q_body.seq = 4000;
	krig_problem(r, S, &m, 404, "/problems/no-item");
	m = talk_box_msg(WIRE_Q_BODY, N, 1, seq);
	m.q_body.open = 1;
	krig_problem(r, N, &m, 400, "/problems/request");
}

static void test_document(struct krig *r)
{
	static uint8_t content[20000000];
	static const size_t sizes[] = {20000000, 40000, 9000};
	struct wire_msg m;
	json_t *root;

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 2654435761u >> 13);
	talk_line_up(r);
	for (size_t i = 0; i < 3; i++) {
		const size_t n = sizes[i];
		int fd = talk_memfd_of(content, n, false);
		char id[20];

		snprintf(id, sizeof(id), "doc-%zu", i);
		m = talk_document_msg(N, fd, n, WAIT_HELD);
		m.q_submit_fd.id = str_of(id);
		krig_problem(r, N, &m, 400, "/problems/request");
		close(fd);
		fd = talk_memfd_of(content, n, true);
		m.fd = fd;
		m.q_submit_fd.bytes = n + 1;
		krig_problem(r, N, &m, 400, "/problems/request");
		m.q_submit_fd.bytes = n;
		root = krig_json(r, N, &m, 201);
		m = talk_box_msg(WIRE_Q_BODY, S, 0, talk_number(root, "seq"));
		json_decref(root);
		body_is(krig_expect(r, S, &m, 200), content, n);
		m = talk_document_msg(N, fd, n, WAIT_STORED);
		m.q_submit_fd.id = str_of(id);
		root = krig_json(r, N, &m, 200);
		MUST(json_is_true(json_object_get(root, "again")));
		json_decref(root);
		close(fd);
	}
}

/* ---- many, and pages ---- */

static void test_bulk(struct krig *r)
{
	enum { MESSAGES = 60, EACH = 500 };
	uint32_t req[MESSAGES];
	struct wire_msg m;
	struct buf items;
	uint64_t start, next = 0;
	json_t *root;

	buf_init(&items, 60000);
	talk_line_up(r);
	start = krig_ms();
	for (int i = 0; i < MESSAGES; i++) {
		m = talk_bulk_msg(N, &items, EACH, WAIT_STORED);
		req[i] = krig_ask(r, N, &m);
	}
	for (int i = 0; i < MESSAGES; i++) {
		KRIG_WAIT(r, krig_answered(r, N, req[i]), 30000);
		root = json_loadb((char *)krig_answered(r, N, req[i])->body.p,
				  krig_answered(r, N, req[i])->body.n, 0, NULL);
		MUST(root && talk_number(root, "count") == EACH);
		MUST(talk_number(root, "last") - talk_number(root, "first") >=
		     EACH - 1);
		MUST(talk_number(root, "first") >= next);
		next = talk_number(root, "last") + 1;
		json_decref(root);
	}
	printf("keeper: %d notices stored in %llu ms", MESSAGES * EACH,
	       (unsigned long long)(krig_ms() - start));
	m = talk_bulk_msg(N, &items, EACH, WAIT_HELD);
	json_decref(krig_json(r, N, &m, 200));
	printf(", held in %llu ms\n", (unsigned long long)(krig_ms() - start));
	/* one bad one and none is written */
	m = talk_bulk_msg(N, &items, 3, WAIT_STORED);
	items.p[2 + 7 + 2 + 100 + 2] = ' ';
	root = talk_pair_status(r, N);
	next = talk_number(json_object_get(root, "own"), "size");
	json_decref(root);
	krig_problem(r, N, &m, 400, "/problems/request");
	m = talk_bulk_msg(N, &items, 3, WAIT_STORED);
	m.q_bulk.items.n--;
	krig_problem(r, N, &m, 400, "/problems/request");
	root = talk_pair_status(r, N);
	MUST(talk_number(json_object_get(root, "own"), "size") <= next + 3);
	json_decref(root);
	buf_free(&items);
}

/* Everything by pages of @p limit, as "side seq type" lines of north's view */
static void record_read(struct krig *r, int i, uint32_t limit, struct buf *out)
{
	uint64_t next = 0, at = 0;
	bool more = true;

	buf_reset(out);
	while (more) {
		struct wire_msg m = talk_msg(WIRE_Q_RECORD);
		json_t *root, *row;
		size_t n;

		m.q_record = (struct wire_q_record){0, str_of(talk_host[!i]),
						    next, limit};
		root = krig_json(r, i, &m, 200);
		json_array_foreach(json_object_get(root, "entries"), n, row)
		{
			const bool own = talk_is(row, "side", "own");

			MUST(talk_number(row, "joint") == at++);
			buf_printf(out, "%s %llu %s\n", own == !i ? "N" : "S",
				   (unsigned long long)talk_number(row, "seq"),
				   json_string_value(
					   json_object_get(row, "type")));
		}
		MUST(n && n <= limit);
		more = !json_is_null(json_object_get(root, "next"));
		MUST(!more || talk_number(root, "next") == next + n);
		next += n;
		MUST(!more ||
		     !json_array_size(json_object_get(root, "unplaced")));
		json_decref(root);
	}
}

static unsigned unplaced_notices(struct krig *r, int i)
{
	struct wire_msg m = talk_msg(WIRE_Q_RECORD);
	unsigned found = 0;
	json_t *root, *row;
	size_t n;

	m.q_record =
		(struct wire_q_record){0, str_of(talk_host[!i]), 100000, 500};
	root = krig_json(r, i, &m, 200);
	MUST(!json_array_size(json_object_get(root, "entries")));
	json_array_foreach(json_object_get(root, "unplaced"), n, row)
	{
		MUST(json_is_null(json_object_get(row, "joint")));
		found += talk_is(row, "type", "notice");
	}
	json_decref(root);
	return found;
}

static void test_record_pages(struct krig *r)
{
	static const uint32_t limits[] = {1, 2, 7, 500};
	struct buf want, got;

	buf_init(&want, 1U << 20);
	buf_init(&got, 1U << 20);
	talk_line_up(r);
	for (int i = 0; i < 20; i++)
		(void)talk_notice(r, i % 3 ? N : S,
				  i % 4 ? WAIT_STORED : WAIT_HELD, "text");
	KRIG_WAIT(r, talk_quiet(r), 10000);
	record_read(r, N, 500, &want);
	MUST(want.n > 40 * 10);
	for (size_t i = 0; i < 4; i++) {
		for (int side = 0; side < 2; side++) {
			record_read(r, side, limits[i], &got);
			MUST(got.n == want.n && !memcmp(got.p, want.p, got.n));
		}
	}
	/* what the pivot cannot see yet is shown apart, at one of the two */
	krig_line(r, false);
	(void)talk_notice(r, N, WAIT_STORED, "unseen");
	(void)talk_notice(r, S, WAIT_STORED, "unseen");
	MUST(unplaced_notices(r, N) + unplaced_notices(r, S) == 1);
	buf_free(&want);
	buf_free(&got);
}

static void test_news(struct krig *r)
{
	talk_line_up(r);
	KRIG_WAIT(r, strstr(r->node[S].what, "trunk up"), 5000);
	r->node[S].what[0] = '\0';
	(void)talk_notice(r, N, WAIT_HELD, "news");
	KRIG_WAIT(r, strstr(r->node[S].what, "record"), 5000);
	krig_line(r, false);
	KRIG_WAIT(r, strstr(r->node[S].what, "trunk down"), 5000);
}

/* ---- export ---- */

static void test_export(struct krig *r)
{
	static uint8_t content[600000];
	struct wire_msg m;
	struct buf items;
	char path[400];
	int fd;

	buf_init(&items, 60000);
	talk_pair_up(r);
	m = talk_bulk_msg(N, &items, 400, WAIT_STORED);
	json_decref(krig_json(r, N, &m, 200));
	talk_verify(r, N, 1, "before");	/* the other feed is empty */
	krig_line(r, true);
	fd = talk_memfd_of(content, sizeof(content), true);
	m = talk_document_msg(S, fd, sizeof(content), WAIT_HELD);
	json_decref(krig_json(r, S, &m, 201));
	close(fd);
	(void)talk_notice(r, N, WAIT_HELD, "last");
	KRIG_WAIT(r, talk_quiet(r), 10000);
	talk_verify(r, N, 1, "north-bodies");
	talk_verify(r, S, 1, "south-bodies");
	talk_verify(r, N, 0, "north");
	talk_verify(r, S, 0, "south");
	snprintf(path, sizeof(path), "%.200s/north/blob", r->base);
	MUST(!rmdir(path));	/* withheld: empty */
	m = talk_msg(WIRE_Q_EXPORT);
	m.q_export = (struct wire_q_export){0, str_of("x.example"), 0};
	krig_problem(r, N, &m, 404, "/problems/no-pair");
	buf_free(&items);
}

/* ---- all ---- */

static const struct {
	const char *name;
	void (*run)(struct krig *r);
} tests[] = {
	{"pairing", test_pairing},
	{"revoked-while-waiting", test_revoked_while_waiting},
	{"trunk-is-told", test_trunk_is_told},
	{"notices", test_notices},
	{"opened", test_opened},
	{"document", test_document},
	{"bulk", test_bulk},
	{"record-pages", test_record_pages},
	{"news", test_news},
	{"export", test_export},
	{"killed", fault_killed},
	{"rolled-back", fault_rolled_back},
	{"disk-full", fault_disk_full},
	{"disk-error", fault_disk_error},
};

int main(int argc, char **argv)
{
	static struct krig r;
	static unsigned passed, failed;
	static size_t i; /* not lost by longjmp() */

	(void)signal(SIGPIPE, SIG_IGN);
	fault_bad_disk =
		mmap(NULL, sizeof(*fault_bad_disk), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (argc > 1 && strcmp(argv[1], tests[i].name) != 0)
			continue;
		if (!setjmp(krig_jump)) {
			krig_begin(&r);
			tests[i].run(&r);
			passed++;
		} else {
			fprintf(stderr, "failed: %s\n", tests[i].name);
			failed++;
		}
		krig_end(&r);
	}
	printf("keeper: %u passed, %u failed\n", passed, failed);
	return failed != 0;
}
