/* SPDX-License-Identifier: ISC */
/**
 * @file hook.h  Alarms to people outside: a program of theirs, and syslog
 *
 * The program is run once for each alarm, one at a time, as a user of its own,
 * with the alarm in its environment and as a line on its standard input
 * (ringdown.conf(5), alarm-hook).  What waits is bounded; what is left out is
 * counted and becomes an alarm itself.
 */
#ifndef MONITOR_HOOK_H
#define MONITOR_HOOK_H

#include <sys/types.h>
#include "proto/config.h"
#include "wire/wire.h"

#define HOOK_WAITING_MAX 256	/* alarms that wait; more: left out, counted */
#define HOOK_MS_MAX 30000	/* to run; then it and its children are killed */

struct hook;

/** ENOMEM.  @p conf is borrowed. */
int hook_alloc(struct hook **hp, const struct config *conf)
	__attribute__((warn_unused_result));
/** Kills what runs.  Copes with NULL; returns NULL. */
void *hook_free(struct hook *h);
/** To syslog at once, to the program as soon as the others before it are done. */
void hook_alarm(struct hook *h, const struct wire_alarm *a);
/** Start what waits, kill what is late. */
void hook_tick(struct hook *h, uint64_t now_ms);
/** When hook_tick() has something to do; UINT64_MAX: nothing. */
uint64_t hook_deadline_ms(const struct hook *h);
/** True when this dead child was the program. */
bool hook_reaped(struct hook *h, pid_t pid, int status);

#endif
