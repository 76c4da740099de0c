/* SPDX-License-Identifier: ISC */
/** @file child.h  One role's process and its ends of pairs: of the monitor */
#ifndef MONITOR_CHILD_H
#define MONITOR_CHILD_H

#include <sys/types.h>
#include "wire/wire.h"

struct child {
	enum role role;
	pid_t pid;            /* 0: not running */
	struct wire_end *ctl; /* NULL: not running */
	bool ready;
	uint64_t started_ms;
	uint64_t restart_at_ms; /* when not running */
	uint64_t kill_at_ms;    /* it hung up on us; UINT64_MAX: no */
	unsigned deaths;        /* since it last lived long enough */
	/* its end of a pair of which a neighbour has the other; -1: none */
	int pending[ROLES];
};

struct spawn_conf {
	int exe_fd; /* our own program */
	const char *config_path;
	bool debug;
};

/** Not running, no ends. */
void child_init(struct child *c, enum role role);
/** Fork and execute; c->pid and c->ctl are set.  0 or errno. */
int child_spawn(struct child *c, const struct spawn_conf *sc)
	__attribute__((warn_unused_result));
/** It is dead and reaped: forget its descriptors. */
void child_forget(struct child *c);
/** Give @p c its end of a pair with @p other, which gets its own end now when
 *  it runs and when it is started otherwise.  0 or errno. */
int child_pair(struct child *c, struct child *other)
	__attribute__((warn_unused_result));
/** Hand over a listening socket, which stays ours. */
int child_give_listen(struct child *c, const char *what, int fd)
	__attribute__((warn_unused_result));
/** START or STOP. */
int child_say(struct child *c, enum wire_type type)
	__attribute__((warn_unused_result));

#endif
