/* SPDX-License-Identifier: ISC */
/** @file test_timer.c  Unit tests: libre's timers on our wheel */
#include <stdlib.h>
#include <time.h>
#include <re.h>
#include "rdtest.h"
#include "sip/timer.h"

TEST(timer_libre_uses_it)
{
	const char *what = NULL;

	CHECK_OK(libre_init());
	CHECK_ERR(timer_check(&what), 0);
	CHECK(!what);
	CHECK_EQ(timer_count(), 0);
	libre_close();
}

static struct {
	uint32_t fired;
	uint64_t last;	/* jiffies of the latest that fired */
	bool early, disordered;
} seen;

static void note(void *arg)
{
	const struct tmr *t = arg;

	seen.fired++;
	if (tmr_jiffies() < t->jfs)
		seen.early = true;
	if (t->jfs < seen.last)
		seen.disordered = true;
	seen.last = t->jfs;
}

/** Sleep as the loop does: as long as the wheel says, but no longer. */
static void turn_for(uint64_t ms)
{
	const uint64_t end = tmr_jiffies() + ms;

	for (uint64_t now = tmr_jiffies(); now < end; now = tmr_jiffies()) {
		uint64_t wait = tmr_next_timeout(NULL);
		struct timespec ts;

		if (!wait)
			break;
		if (wait > end - now)
			wait = end - now;
		ts = (struct timespec){.tv_nsec = (long)(wait * 1000000)};
		if (wait >= 1000)
			ts = (struct timespec){.tv_sec = (time_t)(wait / 1000)};
		nanosleep(&ts, NULL);
		tmr_poll(NULL);
	}
}

#define MANY 5000

TEST(timer_fires_all_in_order)
{
	struct tmr *t = calloc(MANY, sizeof(*t));
	uint32_t cancelled = 0;

	CHECK(t != NULL);
	memset(&seen, 0, sizeof(seen));
	for (size_t i = 0; i < MANY; i++)
		tmr_start(&t[i], rdtest_random() % 700, note, &t[i]);
	CHECK_EQ(timer_count(), MANY);
	for (size_t i = 0; i < MANY; i += 3, cancelled++)
		tmr_cancel(&t[i]);
	/* Started anew: later, and once */
	for (size_t i = 1; i < MANY; i += 3)
		tmr_start(&t[i], 300 + rdtest_random() % 400, note, &t[i]);
	CHECK_EQ(timer_count(), MANY - cancelled);
	turn_for(800);
	CHECK_EQ(seen.fired, MANY - cancelled);
	CHECK(!seen.early);
	CHECK(!seen.disordered);
	CHECK_EQ(timer_count(), 0);
	CHECK_EQ(tmr_next_timeout(NULL), 0);
	free(t);
}

TEST(timer_next_is_never_late)
{
	struct tmr t[64] = {{.jfs = 0}};
	uint64_t soonest = UINT64_MAX;

	for (size_t i = 0; i < 64; i++) {
		const uint64_t delay =
			2 + (rdtest_random() >> (rdtest_random() % 40 + 24));
		uint64_t next;

		tmr_start(&t[i], delay, note, &t[i]);
		if (t[i].jfs < soonest)
			soonest = t[i].jfs;
		next = tmr_next_timeout(NULL);
		CHECK(next >= 1);
		CHECK(tmr_jiffies() + next <= soonest + 1);
	}
	for (size_t i = 0; i < 64; i++)
		tmr_cancel(&t[i]);
	CHECK_EQ(timer_count(), 0);
}

static void restart_once(void *arg)
{
	struct tmr *t = arg;

	if (++seen.fired < 2)
		tmr_start(t, 0, restart_once, t);
}

static void free_it(void *arg)
{
	seen.fired++;
	free(arg);
}

TEST(timer_handler_may_restart_or_free)
{
	struct tmr t = {.jfs = 0};
	struct tmr *p = calloc(1, sizeof(*p));

	CHECK(p != NULL);
	memset(&seen, 0, sizeof(seen));
	tmr_start(&t, 0, restart_once, &t);
	tmr_poll(NULL);
	tmr_poll(NULL);
	CHECK_EQ(seen.fired, 2);
	CHECK(!tmr_isrunning(&t));
	tmr_start(p, 1, free_it, p);
	turn_for(20);
	CHECK_EQ(seen.fired, 3);
	CHECK_EQ(timer_count(), 0);
}
