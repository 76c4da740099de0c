/* SPDX-License-Identifier: ISC */
/** @file keeper_fault.c  Keepers that are killed, rolled back, without a disk */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "keeper_talk.h"

volatile pid_t *fault_bad_disk;

/* ---- crashes ---- */

static void inbox_has_once(struct krig *r, int i, unsigned count)
{
	static unsigned char seen[2000];
	uint64_t after = 0;
	bool more = true;
	unsigned total = 0;

	memset(seen, 0, sizeof(seen));
	while (more) {
		struct wire_msg m = talk_box_msg(WIRE_Q_ITEMS, i, 0, after);
		json_t *root, *item;
		size_t n;

		root = krig_json(r, i, &m, 200);
		json_array_foreach(json_object_get(root, "items"), n, item)
		{
			const char *id =
				json_string_value(json_object_get(item, "id"));
			uint64_t no;

			MUST(id && !strncmp(id, "k-", 2));
			MUST(!uint_parse(str_of(id + 2), &no) && no < count);
			MUST(!seen[no]++);
			total++;
		}
		more = !json_is_null(json_object_get(root, "next"));
		if (more)
			after = talk_number(root, "next");
		json_decref(root);
	}
	MUST(total == count);
}

void fault_killed(struct krig *r)
{
	enum { COUNT = 500 };
	uint32_t req[COUNT];
	unsigned answered = 0;
	struct wire_msg m;
	char id[20];

	talk_line_up(r);
	for (int victim = 0; victim < 2; victim++) {
		for (unsigned i = 0; i < COUNT; i++) {
			snprintf(id, sizeof(id), "k-%u", i);
			m = talk_notice_msg(N, id, WAIT_STORED, "once");
			req[i] = krig_ask(r, N, &m);
			if (i == COUNT / 2)
				KRIG_WAIT(r, krig_answered(r, N, req[60]),
					  10000);
			if (i % 10 == 0)
				krig_pump(r, 0);
			if (i == COUNT * 3 / 5)
				break;
		}
		for (unsigned i = 0; i <= COUNT * 3 / 5; i++)
			answered += krig_answered(r, N, req[i]) != NULL;
		MUST(answered);
		krig_kill(r, victim ? S : N);
		krig_start(r, victim ? S : N);
	}
	/* who got no answer asks again with the same id */
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(id, sizeof(id), "k-%u", i);
		m = talk_notice_msg(N, id, WAIT_HELD, "once");
		req[i] = krig_ask(r, N, &m);
	}
	for (unsigned i = 0; i < COUNT; i++)
		KRIG_WAIT(r, krig_answered(r, N, req[i]), 30000);
	inbox_has_once(r, S, COUNT);
	KRIG_WAIT(r, talk_quiet(r), 20000);
	talk_verify(r, N, 1, "north-killed");
	talk_verify(r, S, 1, "south-killed");
	MUST(krig_stop(r, N) == 0 && krig_stop(r, S) == 0);
}

static void copy_state(struct krig *r, const char *from, const char *to)
{
	const pid_t pid = fork();
	int st;

	(void)r;
	if (!pid) {
		execlp("cp", "cp", "-a", from, to, (char *)NULL);
		_exit(71);
	}
	MUST(pid > 0 && waitpid(pid, &st, 0) == pid && !st);
}

void fault_rolled_back(struct krig *r)
{
	char old[400], away[400];
	struct wire_msg m;

	talk_line_up(r);
	(void)talk_notice(r, N, WAIT_HELD, "before the backup");
	KRIG_WAIT(r, talk_quiet(r), 10000);
	snprintf(old, sizeof(old), "%s/old", r->node[N].dir);
	snprintf(away, sizeof(away), "%s/away", r->node[N].dir);
	MUST(krig_stop(r, N) == 0);
	copy_state(r, r->node[N].conf.state, old);
	krig_start(r, N);
	KRIG_WAIT(r, krig_joined(r), 10000);
	(void)talk_notice(r, N, WAIT_HELD, "after the backup");
	KRIG_WAIT(r, talk_quiet(r), 10000);
	MUST(krig_stop(r, N) == 0);
	krig_line(r, false);
	MUST(!rename(r->node[N].conf.state, away) &&
	     !rename(old, r->node[N].conf.state));
	krig_start(r, N);
	MUST(talk_pair_is(r, N, "state", "restoring"));
	m = talk_notice_msg(N, "", WAIT_STORED, "not now");
	krig_problem(r, N, &m, 409, "/problems/pair-restoring");
	krig_line(r, true);
	KRIG_WAIT(r, talk_pair_is(r, N, "state", "live"), 15000);
	(void)talk_notice(r, N, WAIT_HELD, "restored");
	KRIG_WAIT(r, talk_quiet(r), 10000);
	talk_verify(r, N, 1, "restored");
	talk_verify(r, S, 1, "restored-other");
}

static void fill(const char *dir, const char *name)
{
	static char block[65536];
	char path[400];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
	MUST(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	while (write(fd, block, 1) > 0)
		;
	close(fd);
}

/* Send until the disk takes no more; gives how many were stored */
static unsigned until_full(struct krig *r, unsigned from, unsigned http,
			   const char *type)
{
	static char text[8000];
	struct wire_msg m;
	char id[20];

	memset(text, 't', sizeof(text) - 1);
	for (unsigned i = from; i < 2000; i++) {
		struct krig_answer *a;
		uint32_t req;

		snprintf(id, sizeof(id), "k-%u", i);
		m = talk_notice_msg(N, id, WAIT_STORED, text);
		req = krig_ask(r, N, &m);
		KRIG_WAIT(r, krig_answered(r, N, req), 10000);
		a = krig_answered(r, N, req);
		if (a->http == 201)
			continue;
		MUST(a->http == http);
		buf_u8(&a->body, 0);
		MUST(strstr((char *)a->body.p, type));
		return i;
	}
	krig_fail(__FILE__, __LINE__, "the disk never was full");
}

static void recovered(struct krig *r, unsigned count)
{
	struct wire_msg m;
	char id[20], as[40];

	/* reading goes on, and what was answered is there */
	KRIG_WAIT(r, krig_joined(r), 60000);
	for (unsigned i = 0; i < count + 1; i++) {
		const uint64_t until = krig_ms() + 60000;
		bool done = false;

		snprintf(id, sizeof(id), "k-%u", i);
		while (!done) {
			struct krig_answer *a;
			uint32_t req;

			MUST(krig_ms() < until);
			m = talk_notice_msg(N, id, WAIT_HELD, "small");
			req = krig_ask(r, N, &m);
			KRIG_WAIT(r, krig_answered(r, N, req), 20000);
			a = krig_answered(r, N, req);
			done = a->http == (i < count ? 200 : 201);
			MUST(done || a->http >= 500 ||
			     (i == count && a->http == 200));
			if (!done)
				krig_pump(r, 100);
		}
	}
	inbox_has_once(r, S, count + 1);
	KRIG_WAIT(r, talk_quiet(r), 20000);
	snprintf(as, sizeof(as), "recovered-%u", count);
	talk_verify(r, N, 1, as);
	snprintf(as, sizeof(as), "other-recovered-%u", count);
	talk_verify(r, S, 0, as);
}

void fault_disk_full(struct krig *r)
{
	struct wire_msg waits = talk_notice_msg(N, "k-0", WAIT_HELD, "waits");
	const char *state = r->node[N].conf.state;
	struct krig_answer *a;
	unsigned stored;
	uint32_t req;
	char path[400];

	MUST(krig_stop(r, N) == 0);
	if (mount("none", state, "tmpfs", 0,
		  "size=6m,mode=0700,uid=65534,gid=65534")) {
		printf("keeper: no tmpfs here, full disk not tested\n");
		return;
	}
	krig_start(r, N);
	talk_pair_up(r);
	req = krig_ask(r, N, &waits);	/* no line yet */
	KRIG_WAIT(r, talk_item_has(r, N, 1, 1, "stored"), 5000);
	krig_line(r, true);
	KRIG_WAIT(r, krig_answered(r, N, req), 10000);
	krig_line(r, false);
	stored = until_full(r, 1, 507, "/problems/no-room");
	MUST(stored > 10);
	/* who waited is told that it is safe */
	a = krig_answered(r, N, req);
	MUST(a && a->http == 201);
	MUST(talk_item_has(r, N, 1, 1, "held"));	/* reading goes on */
	fill(state, "filler");
	krig_line(r, true);
	krig_pump(r, 300);
	waits = talk_notice_msg(N, "k-9999", WAIT_STORED, "no");
	krig_problem(r, N, &waits, 507, "/problems/no-room");
	snprintf(path, sizeof(path), "%s/filler", state);
	MUST(!unlink(path));
	MUST(!mount("none", state, "tmpfs", MS_REMOUNT, "size=60m"));
	recovered(r, stored);
	MUST(krig_stop(r, N) == 0);
}

void fault_disk_error(struct krig *r)
{
	struct wire_msg m = talk_notice_msg(N, "k-0", WAIT_HELD, "waits");
	struct krig_answer *a;
	unsigned closes;
	uint32_t req;
	char id[20];

	talk_pair_up(r);
	req = krig_ask(r, N, &m);	/* waits: there is no line */
	KRIG_WAIT(r, talk_item_has(r, N, 1, 1, "stored"), 5000);
	for (unsigned i = 1; i < 20; i++) {
		snprintf(id, sizeof(id), "k-%u", i);
		m = talk_notice_msg(N, id, WAIT_STORED, "stored");
		json_decref(krig_json(r, N, &m, 201));
	}
	*fault_bad_disk = r->node[N].pid;
	MUST(until_full(r, 20, 503, "/problems/disk") == 20);
	*fault_bad_disk = 0;
	KRIG_WAIT(r, krig_answered(r, N, req), 1000);
	a = krig_answered(r, N, req);
	buf_u8(&a->body, 0);
	MUST(a->http == 503 &&
	     strstr((char *)a->body.p, "/problems/keeper-gone") &&
	     strstr((char *)a->body.p, "same id"));
	m = talk_box_msg(WIRE_Q_ITEMS, N, 1, 0);	/* reading goes on */
	json_decref(krig_json(r, N, &m, 200));
	krig_line(r, true);
	recovered(r, 20);

	/* and with the line up: it goes down, since what came in this turn is
	   not kept, and comes back by itself */
	closes = r->closes;
	*fault_bad_disk = r->node[N].pid;
	MUST(until_full(r, 21, 503, "/problems/disk") == 21);
	KRIG_WAIT(r, r->closes > closes, 1000);
	*fault_bad_disk = 0;
	recovered(r, 21);
}
