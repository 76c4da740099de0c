/* SPDX-License-Identifier: ISC */
/**
 * @file timer.c  libre's timers on a timing wheel
 *
 * Four rings of 256 slots; a slot of ring r spans 256^r ms:
 *
 *	ring 0   | | |x| | | ... |    1 ms a slot, the next 256 ms
 *	ring 1   | |x| | | |          256 ms
 *	ring 2   |x| | |              65.5 s
 *	ring 3   | |x|                4.7 h, 49 days round
 *
 * A timer goes into the finest ring that reaches it.  When ring 0 has turned
 * once, the next slot of ring 1 is dealt out again over ring 0, and so on.
 * Slots are libre's lists and timers hang in by their own element, so that
 * nothing here allocates.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>
#include <re.h>
#include "sip/timer.h"

#define RINGS 4
#define SLOT_BITS 8
#define SLOTS (1u << SLOT_BITS)
#define REACH_MS ((1ull << (RINGS * SLOT_BITS)) - 1)

/* The layout that libre was compiled with, 1.1.0 and 2.0.1 alike */
_Static_assert(offsetof(struct tmr, le) == 0, "struct tmr");
_Static_assert(offsetof(struct tmr, th) == sizeof(struct le), "struct tmr");
_Static_assert(sizeof(struct tmr) == sizeof(struct le) + 24, "struct tmr");

struct wheel {
	uint64_t now;	/* all before and at this ms has been dealt with */
	uint64_t count; /* in the rings and in due */
	struct list due;
	struct list slot[RINGS][SLOTS];
	uint64_t used[RINGS][SLOTS / 64]; /* may be set for an empty slot */
};

static _Thread_local struct wheel wheel;
/* Which of the replacements libre has called; for timer_check() */
static _Thread_local struct {
	uint32_t starts, polls, nexts;
} called;

uint64_t tmr_jiffies(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void place(struct wheel *w, struct tmr *t)
{
	uint64_t at = t->jfs;
	unsigned r = 0, s;

	if (at <= w->now) {
		list_append(&w->due, &t->le, t);
		return;
	}
	/* Beyond the last ring: to its end, and dealt out again from there */
	if (at - w->now > REACH_MS)
		at = w->now + REACH_MS;
	while ((at - w->now) >> ((r + 1) * SLOT_BITS))
		r++;
	s = (unsigned)(at >> (r * SLOT_BITS)) & (SLOTS - 1);
	list_append(&w->slot[r][s], &t->le, t);
	w->used[r][s / 64] |= 1ull << (s % 64);
}

/** The first used slot from @p from on, round the ring; SLOTS if none. */
static unsigned slot_next(struct wheel *w, unsigned r, unsigned from)
{
	for (unsigned n = 0; n < SLOTS;) {
		const unsigned s = (from + n) & (SLOTS - 1);
		uint64_t word = w->used[r][s / 64] >> (s % 64);

		if (!word) {
			n += 64 - s % 64;
			continue;
		}
		n += (unsigned)__builtin_ctzll(word);
		if (n >= SLOTS)
			break;
		if (w->slot[r][(from + n) & (SLOTS - 1)].head)
			return (from + n) & (SLOTS - 1);
		w->used[r][((from + n) & (SLOTS - 1)) / 64] &=
			~(1ull << ((from + n) % 64));
	}
	return SLOTS;
}

/** The tick at which something of this ring must be looked at; 0: nothing. */
static uint64_t ring_tick(struct wheel *w, unsigned r)
{
	const uint64_t at = w->now >> (r * SLOT_BITS);
	const unsigned from = (unsigned)(at + 1) & (SLOTS - 1);
	const unsigned s = slot_next(w, r, from);

	if (s == SLOTS)
		return 0;
	return (at + 1 + ((s - from) & (SLOTS - 1))) << (r * SLOT_BITS);
}

/** The next tick at which anything happens; 0 when the wheel is empty. */
static uint64_t wheel_tick(struct wheel *w)
{
	uint64_t first = 0;

	for (unsigned r = 0; r < RINGS; r++) {
		const uint64_t t = ring_tick(w, r);

		if (t && (!first || t < first))
			first = t;
	}
	return first;
}

/** Go to @p tick, which is at most wheel_tick(): deal out what lies there. */
static void wheel_turn(struct wheel *w, uint64_t tick)
{
	w->now = tick;
	/* From the coarsest: what falls out of one ring may be due in the next */
	for (unsigned r = RINGS; r-- > 0;) {
		const unsigned s =
			(unsigned)(tick >> (r * SLOT_BITS)) & (SLOTS - 1);
		struct list from;

		if (tick & ((1ull << (r * SLOT_BITS)) - 1))
			continue;
		from = w->slot[r][s];
		list_init(&w->slot[r][s]);
		for (struct le *le = from.head; le;) {
			struct tmr *t = le->data;

			le = le->next;
			t->le.prev = t->le.next = NULL;
			t->le.list = NULL;
			place(w, t);
		}
	}
}

static void unlink_timer(struct tmr *t)
{
	/* An owner that cleared its memory in passing left no list */
	if (!t->le.list)
		return;
	list_unlink(&t->le);
	wheel.count--;
}

void tmr_start(struct tmr *t, uint64_t delay, tmr_h *th, void *arg)
{
	called.starts++;
	if (!t)
		return;
	if (t->th)
		unlink_timer(t);
	t->th = th;
	t->arg = arg;
	if (!th)
		return;
	/* An empty wheel has nothing to deal out on its way to now */
	if (!wheel.count)
		wheel.now = tmr_jiffies();
	t->jfs =
		tmr_jiffies() + (delay < REACH_MS * 16 ? delay : REACH_MS * 16);
	place(&wheel, t);
	wheel.count++;
}

void tmr_cancel(struct tmr *t)
{
	tmr_start(t, 0, NULL, NULL);
}

void tmr_poll(struct list *unused)
{
	struct wheel *w = &wheel;
	const uint64_t now = tmr_jiffies();

	(void)unused;
	called.polls++;
	for (;;) {
		struct tmr *t = list_ledata(w->due.head);
		uint64_t tick;
		tmr_h *th;

		if (t) {
			th = t->th;
			unlink_timer(t);
			t->th = NULL;
			/* The handler may free the timer */
			if (th)
				th(t->arg);
			continue;
		}
		tick = wheel_tick(w);
		if (!tick || tick > now)
			break;
		wheel_turn(w, tick);
	}
	if (w->now < now)
		w->now = now;
}

uint64_t tmr_next_timeout(struct list *unused)
{
	const uint64_t now = tmr_jiffies();
	uint64_t tick;

	(void)unused;
	called.nexts++;
	if (wheel.due.head)
		return 1;
	tick = wheel_tick(&wheel);
	if (!tick)
		return 0;
	return tick <= now ? 1 : tick - now;
}

uint64_t timer_count(void)
{
	return wheel.count;
}

/* ---- the self-test ---- */

struct trial {
	struct tmr tmr;
	int fd;
	uint32_t rounds;
	bool fired;
};

static void trial_fired(void *arg)
{
	struct trial *t = arg;

	t->fired = true;
	re_cancel();
}

/** The pipe stays readable: the loop comes round though no timer fires. */
static void trial_round(int flags, void *arg)
{
	struct trial *t = arg;

	(void)flags;
	if (++t->rounds > 2)
		re_cancel();
}

static void trial_nothing(void *arg)
{
	(void)arg;
}

/** libre's own tmr_cancel() calls tmr_start(): is it ours? */
static bool start_is_ours(void)
{
	union {
		void *p;
		void (*cancel)(struct tmr *);
	} theirs = {.p = dlsym(RTLD_NEXT, "tmr_cancel")};
	struct tmr t;
	const uint32_t starts = called.starts;
	bool ours;

	if (!theirs.p || theirs.cancel == tmr_cancel)
		return false;
	tmr_init(&t);
	tmr_start(&t, 1000, trial_nothing, NULL);
	theirs.cancel(&t);
	ours = called.starts == starts + 2 && !tmr_isrunning(&t);
	tmr_cancel(&t);
	return ours;
}

static const char *not_ours(struct trial *t)
{
	const uint32_t polls = called.polls, nexts = called.nexts;

	if (!start_is_ours())
		return "tmr_start";
	tmr_start(&t->tmr, 0, trial_fired, t);
	if (re_main(NULL))
		return "re_main";
	tmr_cancel(&t->tmr);
	if (called.nexts == nexts)
		return "tmr_next_timeout";
	if (called.polls == polls || !t->fired)
		return "tmr_poll";
	return NULL;
}

int timer_check(const char **what)
{
	struct trial t = {.fd = -1};
	const char *theirs;
	int fd[2], err = 0;

	if (pipe(fd))
		return errno;
	tmr_init(&t.tmr);
	if (write(fd[1], "x", 1) != 1)
		err = errno;
	if (!err)
		err = fd_listen(fd[0], FD_READ, trial_round, &t);
	if (!err) {
		theirs = not_ours(&t);
		if (theirs)
			err = ENOSYS;
		if (what)
			*what = theirs;
		fd_close(fd[0]);
	}
	close(fd[0]);
	close(fd[1]);
	return err;
}
