/* SPDX-License-Identifier: ISC */
/** @file walls.h  The single walls of sandbox_enter(): private to this room */
#ifndef SANDBOX_WALLS_H
#define SANDBOX_WALLS_H

#include "wire/wire.h"

/**
 * Give up the file system but for these directories, and TCP where the role
 * has none.  no_new_privs must be set.
 *
 * @param abi gets the kernel's version; 0: it has no Landlock, no wall stands
 * @return 0 or errno of a wall that should stand and does not
 */
int landlock_enter(enum role role, const char *const *writable_dirs,
		   size_t dirs, int *abi) __attribute__((warn_unused_result));

/** System calls: the role's own list, the rest ENOSYS, the dangerous ones
 *  death.  no_new_privs must be set.  0 or errno. */
int seccomp_enter(enum role role) __attribute__((warn_unused_result));

#endif
