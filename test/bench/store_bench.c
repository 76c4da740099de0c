/* SPDX-License-Identifier: ISC */
/**
 * @file store_bench.c  Appends to the store beside raw synced appends
 *
 * usage: store_bench [-n ENTRIES] [-i] [DIR]
 *
 * Rows of 450 + 332 octets in turns of 1, 100 and 1000, two feeds in turn.  The
 * raw figure is the same octets with one fdatasync() a turn at the end of a
 * growing file, in the same directory and run.  -i: entries of the own feed
 * carry a random client id.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "store/store.h"

#define ENTRY_BYTES 450
#define BODY_BYTES 332
#define ROW_BYTES (ENTRY_BYTES + BODY_BYTES)

static uint8_t row[ROW_BYTES];
static uint64_t next[2];
static bool with_ids;

__attribute__((noreturn)) static void give_up(const char *what, int err)
{
	fprintf(stderr, "store_bench: %s: %s\n", what, strerror(err));
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t any(void)
{
	static uint64_t state = 1;
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static long status_kib(const char *field)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, field, strlen(field)))
			kib = strtol(line + strlen(field), NULL, 10);
	}
	if (f)
		fclose(f);
	return kib;
}

static struct store *open_store(const char *dir)
{
	struct store *s = NULL;
	const char *why;
	const int err = store_open(&s, dir, &why);

	if (err)
		give_up(why, err);
	return s;
}

static void put_turn(struct store *s, uint64_t entries, unsigned feed)
{
	const struct db *db = store_db(s);
	int err = 0;

	for (uint64_t i = 0; i < entries && !err; i++) {
		char id[40];
		struct db_entry e = {.seq = next[feed],
				     .kind = ENTRY_NOTICE,
				     .seen = next[!feed],
				     .time_ms = 1700000000000,
				     .p = row,
				     .n = ENTRY_BYTES,
				     .body = row + ENTRY_BYTES,
				     .body_n = BODY_BYTES};

		snprintf(id, sizeof(id), "%016" PRIx64 "%016" PRIx64, any(),
			 any());
		e.id = with_ids && feed == FEED_OWN ? id : NULL;
		err = db->entry_put(db->arg, feed, &e);
		next[feed]++;
	}
	if (!err)
		err = store_commit(s);
	if (err)
		give_up(store_why(s), err);
}

static double bench_store(struct store *s, uint64_t entries, uint64_t batch,
			  double *worst_ms)
{
	const double from = now_s();
	double last = from;

	*worst_ms = 0;
	for (uint64_t done = 0, turn = 0; done < entries; done += batch) {
		double t;

		put_turn(s, batch, turn++ & 1);
		t = now_s();
		if ((t - last) * 1e3 > *worst_ms)
			*worst_ms = (t - last) * 1e3;
		last = t;
	}
	return (double)entries / (now_s() - from);
}

static double bench_raw(const char *dir, uint64_t entries, uint64_t batch)
{
	char path[512];
	double from;
	int fd;

	snprintf(path, sizeof(path), "%s/raw", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		give_up(path, errno);
	from = now_s();
	for (uint64_t done = 0; done < entries; done += batch) {
		uint8_t *p = malloc(batch * ROW_BYTES);

		if (!p)
			give_up("raw", ENOMEM);
		for (uint64_t i = 0; i < batch; i++)
			memcpy(p + i * ROW_BYTES, row, ROW_BYTES);
		if (write(fd, p, batch * ROW_BYTES) !=
			    (ssize_t)(batch * ROW_BYTES) ||
		    fdatasync(fd))
			give_up(path, errno);
		free(p);
	}
	from = now_s() - from;
	close(fd);
	unlink(path);
	return (double)entries / from;
}

static int count(const struct db_entry *e, void *arg)
{
	(void)e;
	++*(uint64_t *)arg;
	return 0;
}

static void bench_reading(const char *dir, uint64_t entries)
{
	double t = now_s();
	struct store *s = open_store(dir);
	const struct db *db = store_db(s);
	uint64_t found = 0, at;
	struct stat st;
	char path[512];
	int err;

	printf("open, %" PRIu64 " entries: %.1f ms, resident %ld KiB\n",
	       entries, (now_s() - t) * 1e3, status_kib("VmRSS:"));
	t = now_s();
	err = db->entry_walk(db->arg, FEED_OWN, 0, UINT64_MAX, true, count,
			     &found);
	if (err)
		give_up(store_why(s), err);
	printf("walk with bodies: %.0f entries/s\n",
	       (double)found / (now_s() - t));
	t = now_s();
	err = store_items(s, FEED_OWN, found / 2, 50, count, &found);
	if (err)
		give_up(store_why(s), err);
	printf("50 items from the middle: %.2f ms\n", (now_s() - t) * 1e3);
	t = now_s();
	for (uint64_t i = 0; i < 1000; i++) {
		err = store_joint_floor(s, FEED_OWN, any() % entries, &at);
		if (err && err != ENOENT)
			give_up(store_why(s), err);
	}
	printf("joint floor: %.1f us, resident %ld KiB, peak %ld KiB\n",
	       (now_s() - t) * 1e3, status_kib("VmRSS:"), status_kib("VmHWM:"));
	store_close(s);
	snprintf(path, sizeof(path), "%s/record.db", dir);
	if (!stat(path, &st))
		printf("record.db: %.0f octets an entry\n",
		       (double)st.st_size / (double)(next[0] + next[1]));
}

static void clean(const char *dir)
{
	static const char *const name[] = {"record.db", "record.db-wal", "lock",
					   "blobs/part", "blobs"};
	char path[512];

	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, name[i]);
		(void)remove(path);
	}
	(void)rmdir(dir);
}

int main(int argc, char **argv)
{
	static const uint64_t batch[] = {1, 100, 1000};
	uint64_t entries = 200000;
	char dir[256];
	int c;

	while ((c = getopt(argc, argv, "n:i")) != -1) {
		if (c == 'n')
			entries = strtoull(optarg, NULL, 10);
		else if (c == 'i')
			with_ids = true;
		else
			return 64;
	}
	snprintf(dir, sizeof(dir), "%s/store-bench-XXXXXX",
		 optind < argc ? argv[optind] : "/tmp");
	if (!mkdtemp(dir))
		give_up(dir, errno);
	for (size_t i = 0; i < sizeof(row); i++)
		row[i] = (uint8_t)any();
	for (size_t i = 0; i < 3; i++) {
		const uint64_t n = batch[i] == 1     ? 4000
				   : batch[i] == 100 ? entries / 4
						     : entries;
		struct store *s = open_store(dir);
		double raw, ours, worst_ms;

		raw = bench_raw(dir, batch[i] == 1000 ? n / 2 : n, batch[i]);
		ours = bench_store(s, n, batch[i], &worst_ms);
		printf("batch %4" PRIu64 ": store %8.0f/s  raw %8.0f/s  "
		       "ratio %.2f  longest turn %.0f ms\n",
		       batch[i], ours, raw, ours / raw, worst_ms);
		fflush(stdout);
		store_close(s);
	}
	bench_reading(dir, next[0] + next[1]);
	clean(dir);
	return 0;
}
