/* SPDX-License-Identifier: ISC */
/** @file hostile.c  A lying peer: running the tests, and what they ask */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "export.h"
#include "hostile.h"

static struct {
	const char *verifier, *tmp;
	const struct hostile *now;
	unsigned checks, dossiers;
	bool failed;
} run;

void hostile_check(const char *file, int line, const char *what, bool ok)
{
	run.checks++;
	if (ok)
		return;
	run.failed = true;
	printf("%s:%d: %s%s: %s\n", file, line, run.now->name,
	       run.now->core_pivot ? " (core is pivot)" : "", what);
}

#define SAY(ok, ...)                                                           \
	do {                                                                   \
		char line_[600];                                               \
                                                                               \
		snprintf(line_, sizeof(line_), __VA_ARGS__);                   \
		hostile_check(__FILE__, __LINE__, line_, ok);                  \
	} while (0)

void is_verdict(struct rig *r, enum verdict v, const char *why)
{
	const struct pair *p = rig_pair(r);

	SAY(p->verdict == v, "verdict %d (%s), not %d", p->verdict,
	    p->verdict_why, v);
	SAY(strstr(p->verdict_why, why) != NULL, "why `%s`, not `%s`",
	    p->verdict_why, why);
}

void is_size(struct rig *r, uint64_t own, uint64_t peer)
{
	const struct pair *p = rig_pair(r);

	SAY(memdb_size(r->db, 0) == own && memdb_size(r->db, 1) == peer,
	    "sizes %llu, %llu, not %llu, %llu",
	    (unsigned long long)memdb_size(r->db, 0),
	    (unsigned long long)memdb_size(r->db, 1), (unsigned long long)own,
	    (unsigned long long)peer);
	IS(p->own.tree.size == memdb_size(r->db, 0));
	IS(p->peer.tree.size == memdb_size(r->db, 1));
	IS(p->peer.cosigned <= p->peer.tree.size);
	IS(p->peer.signed_size == p->peer.tree.size);
}

void is_open(struct rig *r)
{
	SAY(rig_pair(r)->s.paths == 1, "the session is closed: %s", r->why);
}

void is_closed(struct rig *r, const char *why)
{
	IS(rig_pair(r)->s.paths == 0);
	SAY(r->closes && strstr(r->why, why), "closed for `%s`, not `%s`",
	    r->why, why);
}

void is_proof(struct rig *r, size_t i, const char *form)
{
	const char *name = "none";
	size_t n;
	const uint8_t *p = memdb_proof(r->db, 0, i, &name, &n);

	SAY(form ? p && !strcmp(name, form) : !p, "proof %zu is %s, not %s", i,
	    name, form ? form : "none");
}

void is_count(struct rig *r, enum counter c, uint64_t n)
{
	SAY(core_counter(r->core, c) == n, "%s is %llu, not %llu",
	    core_counter_name(c), (unsigned long long)core_counter(r->core, c),
	    (unsigned long long)n);
}

/* ---- the verifier ---- */

static bool ask(const char *dossier, char *out, size_t size)
{
	int fd[2];
	pid_t pid;
	FILE *f;
	bool found = false;

	if (pipe(fd))
		return false;
	pid = fork();
	if (!pid) {
		(void)dup2(fd[1], 1);
		close(fd[0]);
		execl(run.verifier, run.verifier, dossier, (char *)NULL);
		_exit(71);
	}
	close(fd[1]);
	f = fdopen(fd[0], "r");
	while (f && fgets(out, (int)size, f)) {
		found = !strncmp(out, "verdict: ", 9);
		if (found) {
			out[strcspn(out, "\n")] = '\0';
			break;
		}
	}
	if (f)
		fclose(f);
	(void)waitpid(pid, NULL, 0);
	return found;
}

void is_dossier(struct rig *r, const char *verdict)
{
	static struct world w;
	char dir[512], line[1000] = "";
	bool found;

	if (!run.verifier)
		return;
	memset(&w, 0, sizeof(w));
	w.node[0].core = r->core;
	w.node[0].db = r->db;
	snprintf(w.node[0].name, sizeof(w.node[0].name), "%s", r->name);
	snprintf(w.node[1].name, sizeof(w.node[1].name), "%s", r->peer_name);
	snprintf(dir, sizeof(dir), "%s/hostile-%d-%u", run.tmp, (int)getpid(),
		 run.dossiers++);
	SAY(!world_export(&w, 0, dir), "cannot export to %s", dir);
	found = ask(dir, line, sizeof(line));
	SAY(found && !strcmp(line, verdict), "verifier says `%.200s`, not `%s`",
	    line, verdict);
	if (!run.failed)
		dossier_remove(dir);
}

/* ---- what most tests begin with ---- */

void liar_ack(struct rig *r)
{
	const struct pair *p = rig_pair(r);

	story_add(r, &r->mine, NULL, "ack", "");
	liar_push(r);
	liar_cosign(r, MSG_COSIGNATURE, p->own.signed_size, rig_time_s(r));
}

void usual(struct rig *r)
{
	liar_connect(r);
	liar_open(r);
	liar_push(r);		/* the core acknowledges */
	liar_cosign(r, MSG_COSIGNATURE, rig_pair(r)->own.signed_size - 1,
		    rig_time_s(r));
	rig_submit(r, "first", 100);
	is_size(r, 4, 1);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_open(r);
}

static bool one(const struct hostile *h)
{
	static struct rig r;

	run.now = h;
	run.failed = false;
	rig_init(&r, h->core_pivot);
	h->run(&r);
	rig_free(&r);
	return !run.failed;
}

int hostile_run(const char *verifier, const char *tmp)
{
	const struct hostile *const all[] = {hostile_frames,  hostile_bodies,
					     hostile_record,  hostile_notes,
					     hostile_restore, hostile_lines};
	unsigned passed = 0, failed = 0;

	run.verifier = verifier;
	run.tmp = tmp;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (const struct hostile *h = all[i]; h->name; h++) {
			const bool ok = one(h);

			passed += ok;
			failed += !ok;
		}
	}
	printf("hostile: %u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
