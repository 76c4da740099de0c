/* SPDX-License-Identifier: ISC */
/**
 * @file timer.h  libre's timers on a timing wheel
 *
 * libre keeps all timers in one sorted list and walks it at each start; with
 * three 32 s timers a SIP call that costs ten times what the call itself does.
 * timer.c defines tmr_start(), tmr_cancel(), tmr_poll(), tmr_next_timeout() and
 * tmr_jiffies() again; libre calls them through its procedure linkage table
 * and so finds ours first, if the program is linked with -rdynamic (Makefile:
 * LDSIP).  Contracts are libre's own (re_tmr.h), with these differences:
 *
 *  - start and cancel cost the same however many timers there are;
 *  - tmr_next_timeout() may be early, never late;
 *  - the clock is CLOCK_MONOTONIC, as the rest of Ringdown;
 *  - timers of the same millisecond fire in the order they were started.
 *
 * Each thread has its own wheel: a timer is started, cancelled and fired on
 * one thread, that of its loop.
 */
#ifndef SIP_TIMER_H
#define SIP_TIMER_H

#include <stdint.h>

/**
 * See that libre really runs on these timers
 *
 * Call once after libre_init(), before re_main(), on the loop's thread, with no
 * timer due: it runs the loop for a moment.
 *
 * @param what  which of the functions is not ours, for the log; may be NULL
 * @return 0; ENOSYS: libre kept its own timers, and a switch must not start;
 *         or what pipe(2) and the loop gave
 */
int timer_check(const char **what) __attribute__((warn_unused_result));

/** Timers started and neither fired nor cancelled, on this thread. */
uint64_t timer_count(void);

#endif
