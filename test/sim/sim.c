/* SPDX-License-Identifier: ISC */
/**
 * @file sim.c  Weeks of bad luck from a seed
 *
 *   rdsim [-n SEEDS] [-s FIRST] [-e EVENTS] [-m LEAST] [-j JOBS] [-v]
 *         [-x VERIFIER] [-t TMPDIR]
 *   rdsim -H [-x VERIFIER] [-t TMPDIR]
 *   rdsim -L DOCUMENT
 *   rdsim -M DIRECTORY
 *
 * Each seed is a world of its own: two exchanges, a network, disks, clocks and
 * a schedule of faults.  After EVENTS events the faults stop and both sides must
 * come to the same record, in whose dossiers the verifier finds no fault (in one
 * of 7 with all bodies).  A seed that fails is printed and can be run alone with
 * -s SEED -n 1 -v; one of 51 is run twice, to the same octets.  LEAST: how often
 * each kind of fault must have struck in all seeds together.  -H: one exchange
 * against a lying peer instead.  -L: every state and outcome of docs/lines.md.
 * -M: thirteen months without an answer, the dossiers left in the directory.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "export.h"
#include "hostile.h"
#include "lines.h"
#include "memo.h"

#define BODIES_EVERY 7  /* seeds: exported with all bodies */
#define REPLAY_EVERY 51 /* seeds: run twice */

struct totals {
	uint64_t fault[FAULTS];
	uint64_t events, entries, virtual_ms, voids;
	unsigned failed;
	uint8_t trace[DIGEST_BYTES]; /* of the newest seed */
};

/* A seed is lossy, or crashes, or rolls back ...: seldom all at once, or
   nothing would ever get through */
static void draw_faults(struct world *w)
{
	if (world_chance(w, 500)) {
		w->loss = (unsigned)world_draw(w, 80);
		w->dup = (unsigned)world_draw(w, 80);
		w->reorder = (unsigned)world_draw(w, 80);
	}
	w->crash = world_chance(w, 700) ? 1 + (unsigned)world_draw(w, 12) : 0;
	w->busy = world_chance(w, 100);
}

static void something(struct world *w)
{
	static const struct {
		enum fault f;
		unsigned weight;
	} often[] = {{FAULT_CUT, 30},
		     {FAULT_PARTITION, 6},
		     {FAULT_DISK_FULL, 3},
		     {FAULT_DISK_ERROR, 3},
		     {FAULT_CLOCK_BACK, 3},
		     {FAULT_CLOCK_FORWARD, 3},
		     {FAULT_CLOCK_DRIFT, 3},
		     {FAULT_ROLLBACK, 16},
		     {FAULT_ROLLBACK_UNMARKED, 12}};
	const int side = (int)world_draw(w, SIDES);
	uint64_t r = world_draw(w, 1000);

	if (r < 180) {
		world_write(w, side);
		return;
	}
	if (w->lines && world_chance(w, 250)) {
		lines_act(w, side);
		return;
	}
	if (r < 210) {
		world_open(w, side);
		return;
	}
	r = world_draw(w, 2000);
	for (size_t i = 0; i < sizeof(often) / sizeof(often[0]); i++) {
		if (r < often[i].weight) {
			if (w->verbose)
				printf("%8" PRIu64 " fault %s at %s\n",
				       w->now_ms, fault_name(often[i].f),
				       w->node[side].name);
			world_fault(w, often[i].f, side);
			return;
		}
		r -= often[i].weight;
	}
}

static void settle(struct world *w)
{
	char why[200] = "";

	world_settle(w);
	for (unsigned i = 0; i < 20000 && !w->broken[0]; i++) {
		world_step(w);
		if (i % 50 == 49 && world_converged(w, why))
			return;
	}
	if (!world_converged(w, why))
		world_broken(w, "no convergence: %s", why);
}

/* The product's own verifier is the last word on a record */
static void verify(struct world *w, uint64_t seed, const char *tmp,
		   const char *verifier)
{
	char dir[512];

	for (int s = 0; s < SIDES && verifier && !w->broken[0]; s++) {
		int status;

		snprintf(dir, sizeof(dir), "%s/%d-%" PRIu64 "-%d", tmp,
			 (int)getpid(), seed, s);
		if (world_export(w, s, dir)) {
			world_broken(w, "cannot export to %s", dir);
			return;
		}
		status = verifier_run(verifier, dir);
		if (status)
			world_broken(w, "dossier %s: verifier says %d", dir,
				     status);
		else
			dossier_remove(dir);
	}
}

/* What each side said last, to look at */
static void tail(const struct world *w)
{
	for (int s = 0; s < SIDES; s++) {
		struct memdb *db = w->node[s].db;
		const uint64_t size = memdb_size(db, 0);

		for (uint64_t i = size > 8 ? size - 8 : 0; i < size; i++) {
			size_t n;
			const uint8_t *p = memdb_entry(db, 0, i, &n);

			printf("---- %s\n%.*s", w->node[s].name, (int)n,
			       (const char *)p);
		}
	}
}

static void run(uint64_t seed, uint64_t events, bool verbose,
		const char *verifier, const char *tmp, struct totals *t)
{
	static struct world w;
	char trace[2 * DIGEST_BYTES + 1];
	unsigned steps = 0;

	memo_start();
	world_init(&w, seed);
	w.verbose = verbose;
	w.withhold = seed % BODIES_EVERY != 0;
	world_pair(&w);
	w.lines = seed % 2;
	if (w.lines) {
		lines_agree(&w, "liaison", "fallback west\n");
		lines_agree(&w, "west", "");
	}
	draw_faults(&w);
	while (w.events < events && !w.broken[0]) {
		something(&w);
		world_step(&w);
		if (++steps % 64 == 0)
			world_check(&w);
	}
	if (!w.broken[0])
		settle(&w);
	world_check(&w);
	lines_check(&w, true);
	if (!w.broken[0])
		verify(&w, seed, tmp, verifier);
	memcpy(t->trace, w.trace, DIGEST_BYTES);
	hex_encode(w.trace, DIGEST_BYTES, trace);
	if (verbose || w.broken[0])
		printf("seed %" PRIu64 ": %s after %" PRIu64 " events, %" PRIu64
		       " virtual s, trace %.16s\n",
		       seed, w.broken[0] ? w.broken : "good", w.events,
		       w.now_ms / 1000, trace);
	if (verbose && w.broken[0])
		tail(&w);
	fflush(stdout);
	for (int i = 0; i < FAULTS; i++)
		t->fault[i] += w.fault[i];
	t->events += w.events;
	t->virtual_ms += w.now_ms;
	t->failed += w.broken[0] != '\0';
	for (int s = 0; s < SIDES; s++) {
		t->entries += memdb_size(w.node[s].db, 0);
		t->voids += w.node[s].unsaved;
	}
	world_free(&w);
}

static int report(const struct totals *t, uint64_t seeds, uint64_t least)
{
	unsigned failed = t->failed;

	printf("%" PRIu64 " seeds, %" PRIu64 " events, %" PRIu64
	       " entries, %" PRIu64 " virtual days, %" PRIu64 " void turns\n",
	       seeds, t->events, t->entries, t->virtual_ms / 86400000,
	       t->voids);
	for (int i = 0; i < FAULTS; i++) {
		printf("  %-20s %" PRIu64 "\n", fault_name((enum fault)i),
		       t->fault[i]);
		if (t->fault[i] < least) {
			printf("  ... fewer than the %" PRIu64 " promised\n",
			       least);
			failed++;
		}
	}
	printf("sim: %" PRIu64 " passed, %u failed\n",
	       seeds > t->failed ? seeds - t->failed : 0, failed);
	return failed ? 1 : 0;
}

struct job {
	uint64_t first, seeds, step, events;
	const char *verifier, *tmp;
	bool verbose;
};

static void replay(const struct job *j, uint64_t seed, struct totals *t)
{
	static struct totals again;

	memset(&again, 0, sizeof(again));
	run(seed, j->events, false, NULL, NULL, &again);
	if (memcmp(again.trace, t->trace, DIGEST_BYTES)) {
		printf("seed %" PRIu64 ": does not replay\n", seed);
		t->failed++;
	}
}

static uint64_t running; /* seed */

static void died(int sig)
{
	char line[60];
	const int n =
		snprintf(line, sizeof(line),
			 "seed %" PRIu64 ": died of signal %d\n", running, sig);

	(void)!write(1, line, (size_t)n);
	(void)raise(sig); /* now with its default action */
}

static void run_job(const struct job *j, struct totals *t)
{
	const struct sigaction act = {.sa_handler = died,
				      .sa_flags = (int)SA_RESETHAND};

	(void)sigaction(SIGABRT, &act, NULL);
	(void)sigaction(SIGSEGV, &act, NULL);
	for (uint64_t i = 0; i < j->seeds; i += j->step) {
		const uint64_t seed = j->first + i;

		running = seed;
		run(seed, j->events, j->verbose, j->verifier, j->tmp, t);
		if (seed % REPLAY_EVERY == 0)
			replay(j, seed, t);
	}
}

static void add_totals(struct totals *to, const struct totals *t)
{
	for (int i = 0; i < FAULTS; i++)
		to->fault[i] += t->fault[i];
	to->events += t->events;
	to->entries += t->entries;
	to->virtual_ms += t->virtual_ms;
	to->voids += t->voids;
	to->failed += t->failed;
}

/* One process a job, each with every jobs-th seed; a job that dies has failed */
static void run_jobs(struct job j, unsigned jobs, struct totals *sum)
{
	int end[2], from[64];
	struct totals t;

	for (unsigned i = 0; i < jobs; i++, j.first++) {
		if (pipe(end))
			abort();
		if (!fork()) {
			memset(&t, 0, sizeof(t));
			j.step = jobs;
			j.seeds -= i < j.seeds ? i : j.seeds;
			run_job(&j, &t);
			_exit(write(end[1], &t, sizeof(t)) != sizeof(t));
		}
		close(end[1]);
		from[i] = end[0];
	}
	for (unsigned i = 0; i < jobs; i++) {
		if (read(from[i], &t, sizeof(t)) == sizeof(t))
			add_totals(sum, &t);
		else
			sum->failed++;
		close(from[i]);
		(void)wait(NULL);
	}
}

int main(int argc, char **argv)
{
	uint64_t seeds = 100, first = 1, events = 2000, least = 0;
	unsigned jobs = 1;
	const char *verifier = NULL, *tmp = "/tmp/rdsim";
	struct totals t = {0};
	bool verbose = false, hostile = false;
	int c;

	while ((c = getopt(argc, argv, "n:s:e:m:j:x:t:vHL:M:")) != -1) {
		if (c == 'n')
			seeds = strtoull(optarg, NULL, 10);
		else if (c == 's')
			first = strtoull(optarg, NULL, 10);
		else if (c == 'e')
			events = strtoull(optarg, NULL, 10);
		else if (c == 'm')
			least = strtoull(optarg, NULL, 10);
		else if (c == 'j')
			jobs = (unsigned)strtoull(optarg, NULL, 10);
		else if (c == 'x')
			verifier = optarg;
		else if (c == 't')
			tmp = optarg;
		else if (c == 'v')
			verbose = true;
		else if (c == 'L')
			return lines_run(optarg);
		else if (c == 'M')
			return lines_months(optarg);
		else if (c == 'H')
			hostile = true;
		else
			return 64;
	}
	(void)mkdir(tmp, 0700);
	if (hostile)
		return hostile_run(verifier, tmp);
	if (!jobs || jobs > 64)
		return 64;
	run_jobs((struct job){.first = first,
			      .seeds = seeds,
			      .events = events,
			      .verifier = verifier,
			      .tmp = tmp,
			      .verbose = verbose},
		 jobs, &t);
	return report(&t, seeds, least);
}
