/* SPDX-License-Identifier: ISC */
/**
 * @file boot.h  What every child does first: take its descriptors, then the
 *               sandbox, then say that it is ready
 *
 * The monitor execs `ringdownd -c CONF -r ROLE` with one socket, descriptor 3.
 * On it come PEER_FD and LISTEN_FD messages, then START; later PEER_FD again
 * whenever a neighbour was restarted, and STOP.
 */
#ifndef SANDBOX_BOOT_H
#define SANDBOX_BOOT_H

#include "wire/wire.h"

#define BOOT_FD 3
#define BOOT_LISTENS_MAX 8

struct boot {
	enum role role;
	struct wire_end *monitor;
	struct wire_end *peer[ROLES];	/* by role; NULL: no pair */
	int listen[BOOT_LISTENS_MAX];
	char listen_what[BOOT_LISTENS_MAX][65];
	size_t listens;
};

/** Take descriptors until START (blocking, at most 10 s).  Exits the process
 *  with a line on stderr when the monitor says something else. */
void boot_begin(struct boot *b, enum role role);
/**
 * Handle what the monitor says while running; call when its fd is readable
 *
 * @param changed the role whose pair was replaced (b->peer[] is the new one),
 *                or ROLE_ANY
 * @return 0; ESHUTDOWN: stop cleanly; EPIPE: the monitor is gone, exit
 */
int boot_monitor_read(struct boot *b, enum role *changed)
	__attribute__((warn_unused_result));
/** Tell the monitor that we serve; what: words for the log. */
void boot_ready(struct boot *b, const char *what);

/**
 * Enter the role's sandbox: drop to @p uid / @p gid when root, no_new_privs,
 * not dumpable, rlimits, Landlock as far as the kernel goes, seccomp.  Failing
 * to enter is fatal (exits).  Paths the role may use below: the keeper its
 * state and marker directories; the others none.
 *
 * @return words that say which walls stand, for READY and `status`
 */
const char *sandbox_enter(enum role role, uint32_t uid, uint32_t gid,
			  const char *const *writable_dirs, size_t dirs);

#endif
