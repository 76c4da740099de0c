/* SPDX-License-Identifier: ISC */
/**
 * @file store_crash.c  The store under power cuts and failing disks
 *
 * A scripted life runs once, recorded; then for every sync in it the disk as a
 * power cut just before would leave it is opened and checked.  And for every
 * change and every sync the life runs with that one failing.
 *
 * With -e N only one point in N is tried, for slow builds.
 *
 * What must hold: each turn whose commit returned is there, a later one wholly
 * or not at all, finished blobs are whole, and the life can go on.
 */
#include "shim/faultio.c"
#include <ftw.h>
#include <malloc.h>
#include <sys/wait.h>
#include <time.h>
#include "store/inner.h"
#include "store_disk.h"
#include "store_work.h"

#define MARK_COMMITTED 1
#define MARK_BLOB 2 /* this turn's blob is whole */

#define TRIES_MAX 12
#define EXIT_BAD 1
#define EXIT_KILLED 3 /* died after its first failure, as planned */

static char root[64], image[64];
static unsigned passed, failures;
static unsigned one_in = 1;

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	return ftw->level ? remove(path) : 0;
}

static void empty(const char *dir)
{
	if (sh)
		sh->root_n = 0;	/* of the test's own doing, no record */
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool bad(const char *what, unsigned n, const char *why)
{
	printf("store_crash: %s, point %u: %s\n", what, n, why);
	return false;
}

/* ---- one life, in a process of its own ---- */

struct life {
	unsigned turns;
	unsigned reopen;	/* every so many turns */
	bool big;
	bool die;	/* at the first failure, without closing */
	int err;	/* what the plan gives */
};

static void done(unsigned t)
{
	faultio_mark(MARK_COMMITTED, t);
}

/* Open, however often that fails; what is there is durable then */
static bool open_again(struct work *w, const struct life *l, unsigned *t)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		const int err = work_open(w, root);

		if (!err) {
			if (work_turn_get(w, t))
				return bad("open", *t, store_why(w->s));
			done(*t);
			return true;
		}
		if (l->die)
			_exit(EXIT_KILLED);
		if (err != EIO && err != ENOSPC)
			return bad("open", 0, w->why);
	}
	return bad("open", 0, "never succeeded");
}

/* A turn failed: nothing of it may be seen, and reading goes on */
static bool failed_turn(struct work *w, const struct life *l, unsigned t,
			int err)
{
	unsigned now;

	if (err != EIO && err != ENOSPC)
		return bad("failing turn", t, strerror(err));
	if (err == EIO && l->err == ENOSPC && !w->s->broken)
		return bad("full disk taken for a broken one", t,
			   store_why(w->s));
	if (l->die)
		_exit(EXIT_KILLED);
	store_rollback(w->s);
	if (work_turn_get(w, &now) || now != t - 1)
		return bad("after a failing turn", t, "its value is seen");
	if (!work_check(w, t - 1))
		return bad("after a failing turn", t, w->why);
	return true;
}

/* Once more, with a store that was opened anew when the disk failed */
static bool repeat_turn(struct work *w, const struct life *l, unsigned *t)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		const bool was_broken = w->s->broken;
		const int err = work_turn(w, *t);
		unsigned now;

		if (!err && was_broken)
			return bad("repeated turn", *t, "a broken disk wrote");
		if (!err)
			return true;
		if (!failed_turn(w, l, *t, err))
			return false;
		if (!w->s->broken)
			continue;
		work_close(w);
		if (!open_again(w, l, &now))
			return false;
		if (now == *t)
			return true;	/* it was in the log after all */
		if (now != *t - 1)
			return bad("reopened", now, "an older turn is lost");
	}
	return bad("repeated turn", *t, "never succeeded");
}

static void blob_done(unsigned t)
{
	faultio_mark(MARK_BLOB, t);
}

static bool live(const struct life *l)
{
	struct work w = {.big = l->big, .blob_h = blob_done};
	unsigned t;

	if (!open_again(&w, l, &t))
		return false;
	while (t < l->turns) {
		const int err = work_turn(&w, ++t);

		if (err &&
		    (!failed_turn(&w, l, t, err) || !repeat_turn(&w, l, &t)))
			return false;
		done(t);
		if (l->reopen && t % l->reopen == 0) {
			work_close(&w);
			if (!open_again(&w, l, &t))
				return false;
		}
	}
	if (!work_check(&w, t))
		return bad("end of life", t, w.why);
	work_close(&w);
	return true;
}

/* The exit code, or EXIT_BAD */
static int live_apart(const struct life *l)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		const bool ok = live(l);

		fflush(stdout);
		_exit(ok ? 0 : EXIT_BAD);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return EXIT_BAD;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return EXIT_KILLED;
	if (!WIFEXITED(status))
		return EXIT_BAD;
	return WEXITSTATUS(status);
}

/* ---- the disk after a power cut ---- */

struct cut {
	struct disk *disk;
	const struct life *life;
	unsigned committed;
	unsigned blob;	/* the last turn whose blob was finished */
	unsigned at;	/* number of this sync */
};

static bool image_check(struct cut *c, struct work *w, unsigned go_on)
{
	unsigned t, end;

	if (work_open(w, image))
		return bad("power cut", c->at, w->why);
	if (work_turn_get(w, &t))
		return bad("power cut", c->at, store_why(w->s));
	if (t != c->committed && t != c->committed + 1)
		return bad("power cut", c->at,
			   t < c->committed ? "a committed turn is lost"
					    : "turns out of nowhere");
	if (!work_check(w, t) || (c->blob && !work_blob_check(w, c->blob)))
		return bad("power cut", c->at, w->why);
	end = t + go_on < c->life->turns ? t + go_on : c->life->turns;
	while (t < end) {
		if (work_turn(w, ++t))
			return bad("life goes on", c->at, store_why(w->s));
	}
	if (!work_check(w, t))
		return bad("life goes on", c->at, w->why);
	return true;
}

static void image_try(struct cut *c, enum disk_crash how, unsigned go_on)
{
	struct work w = {.big = c->life->big};
	bool ok;

	empty(image);
	disk_image(c->disk, how, image);
	ok = image_check(c, &w, go_on);
	work_close(&w);
	passed += ok;
	failures += !ok;
	if (!ok)
		printf("store_crash: ^ kept of the unsynced: %s\n",
		       how == DISK_LOSE    ? "nothing"
		       : how == DISK_SOME  ? "some writes"
		       : how == DISK_FIRST ? "the first writes"
					   : "everything");
}

/* Replay the record; cut the power before syncs from..to, one in @p every */
static void cut_all(const struct life *l, unsigned from, unsigned to,
		    unsigned every)
{
	struct cut c = {.disk = disk_alloc(from), .life = l};
	const struct faultio_event *e;

	for (e = faultio_next(NULL); e; e = faultio_next(e)) {
		if (e->kind == FAULTIO_SYNC || e->kind == FAULTIO_SYNC_DIR) {
			c.at++;
			if (c.at >= from && c.at < to && c.at % every == 0) {
				image_try(&c, DISK_LOSE,
					  c.at % 16 ? 2 : l->turns);
				image_try(&c, 1 + disk_random(c.disk) % 3, 2);
			}
		}
		disk_event(c.disk, e);
		if (e->kind == FAULTIO_MARK && e->file == MARK_COMMITTED)
			c.committed = (unsigned)e->at;
		if (e->kind == FAULTIO_MARK && e->file == MARK_BLOB)
			c.blob = (unsigned)e->at;
	}
	image_try(&c, DISK_LOSE, 0);
	disk_free(c.disk);
}

/* ---- the runs ---- */

static void begin(const struct faultio_plan *plan)
{
	empty(root);
	faultio_start(root);
	faultio_set(plan);
}

static void power_cuts(const struct life *l)
{
	begin(&(struct faultio_plan){0});
	if (live_apart(l)) {
		failures++;
		return;
	}
	cut_all(l, 1, UINT32_MAX, one_in);
}

/* One life for each change or sync, with that one failing; @p at is what
   counts, in @p plan */
static void failing(struct faultio_plan *plan, unsigned *at, struct life l)
{
	unsigned writes, syncs;
	bool hit_it = true;

	l.err = plan->err;
	for (*at = 1; hit_it; *at += one_in) {
		int rc;

		begin(plan);
		rc = live_apart(&l);
		faultio_counts(&writes, &syncs, &hit_it);
		if (l.die && rc == EXIT_KILLED) {
			struct life rest = l;

			rest.die = false;
			faultio_set(&(struct faultio_plan){0});
			rc = live_apart(&rest);
		}
		if (rc) {
			(void)bad(l.die ? "killed after a failure" : "failure",
				  *at,
				  plan->err ? strerror(plan->err) : "killed");
			failures++;
			continue;
		}
		passed++;
		if (plan->sync_at)
			cut_all(&l, plan->sync_at + 1,
				plan->sync_at + (l.die ? 7 : 12),
				l.die ? 2 : 4);
	}
}

static void all_failing(const struct life *l)
{
	struct faultio_plan plan;
	struct life die = *l;

	die.die = true;
	plan = (struct faultio_plan){.err = ENOSPC, .count = 2, .half = true};
	failing(&plan, &plan.write_at, *l);
	plan = (struct faultio_plan){.err = EIO};
	failing(&plan, &plan.write_at, *l);
	plan = (struct faultio_plan){.err = EIO};
	failing(&plan, &plan.sync_at, *l);
	plan = (struct faultio_plan){.err = EIO, .count = 3};
	failing(&plan, &plan.sync_at, *l);
	plan = (struct faultio_plan){.err = EIO};
	failing(&plan, &plan.sync_at, die);
	plan = (struct faultio_plan){.err = 0};
	failing(&plan, &plan.sync_at, die);
}

int main(int argc, char **argv)
{
	const char *base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	const struct life longer = {.turns = 50, .reopen = 20};
	const struct life big = {.turns = 5, .big = true};
	const struct life shorter = {.turns = 8, .reopen = 5};

	if (argc == 3 && !strcmp(argv[1], "-e"))
		one_in = (unsigned)strtoul(argv[2], NULL, 10);
	if (!one_in || (argc != 1 && argc != 3)) {
		fputs("usage: store_crash [-e N]\n", stderr);
		return 64;
	}
	/* Thousands of stores are opened: keep the memory of the last one */
	(void)mallopt(M_MMAP_THRESHOLD, 64 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
	snprintf(root, sizeof(root), "%s/store-crash-XXXXXX", base);
	snprintf(image, sizeof(image), "%s/store-image-XXXXXX", base);
	if (!mkdtemp(root) || !mkdtemp(image)) {
		perror("store_crash");
		return 1;
	}
	power_cuts(&longer);
	power_cuts(&big);
	all_failing(&shorter);
	empty(root);
	empty(image);
	(void)rmdir(root);
	(void)rmdir(image);
	printf("store_crash: %u passed, %u failed\n", passed, failures);
	return failures || !passed ? 1 : 0;
}
