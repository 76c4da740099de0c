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
#define BOOT_QUEUE_BYTES (16U << 20) /* waiting to a neighbour; more: ENOBUFS */

struct boot {
	enum role role;
	struct wire_end *monitor;
	struct wire_end *peer[ROLES]; /* by role; NULL: no pair */
	int listen[BOOT_LISTENS_MAX];
	char listen_what[BOOT_LISTENS_MAX][65];
	size_t listens;
};

/** Take descriptors until START (blocking, at most 10 s).  Exits the process
 *  with a line on stderr when the monitor says something else. */
void boot_begin(struct boot *b, enum role role);
/**
 * Handle one message of the monitor; call while its fd is readable
 *
 * @param changed the role whose pair was replaced: b->peer[] is the new one,
 *                the old one is freed and its fd closed; else ROLE_ANY
 * @return 0; ESHUTDOWN: stop cleanly; EPIPE: the monitor is gone, exit
 */
int boot_monitor_read(struct boot *b, enum role *changed)
	__attribute__((warn_unused_result));
/** Tell the monitor that we serve; what: words for the log. */
void boot_ready(struct boot *b, const char *what);
/** A neighbour broke the rules (wire_receive: EBADMSG, EPERM): log it, free
 *  b->peer[about], and have the monitor kill it.  A fresh pair comes. */
void boot_complain(struct boot *b, enum role about, const char *why);

/** Free the pairs and close what boot_begin() took; after the role's main(). */
void boot_end(struct boot *b);

/**
 * Enter the role's sandbox: drop to @p uid / @p gid when root, no capability,
 * no_new_privs, not dumpable, death with the monitor, rlimits, Landlock as far
 * as the kernel goes, seccomp.  Failing to enter is fatal (exits).  Paths the
 * role may use below: the keeper its state and marker directories; the others
 * none.  What a role needs of other files (keys, OpenSSL's configuration) it
 * loads before.  No threads or processes can be made afterwards.
 *
 * In builds with a sanitizer compiled in, and only there, RINGDOWN_SANDBOX=off
 * in the environment leaves out Landlock, seccomp and what else would stop the
 * sanitizer's own reports.
 *
 * @return words that say which walls stand, for READY and `status`
 */
const char *sandbox_enter(enum role role, uint32_t uid, uint32_t gid,
			  const char *const *writable_dirs, size_t dirs);
/** Whether this process may leave walls out: see above. */
bool sandbox_is_off(void);

#endif
