/* SPDX-License-Identifier: ISC */
/**
 * @file landlock.c  The file system and TCP, as far as the kernel has walls
 *
 * Debian 12's headers know ABI 2, its backported kernels more; the numbers
 * below are the kernel's own and do not change.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sandbox/walls.h"

#define FS_ABI1 ((1ULL << 13) - 1) /* EXECUTE .. MAKE_SYM */
#define FS_REFER (1ULL << 13)      /* ABI 2 */
#define FS_TRUNCATE (1ULL << 14)   /* ABI 3 */
#define FS_IOCTL_DEV (1ULL << 15)  /* ABI 5 */
#define NET_BIND_TCP (1ULL << 0)   /* ABI 4 */
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX (1ULL << 0) /* ABI 6 */
#define SCOPE_SIGNAL (1ULL << 1)

/* struct landlock_ruleset_attr of ABI 6; an older kernel takes its beginning */
struct attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static size_t attr_bytes(int abi)
{
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static uint64_t fs_all(int abi)
{
	return FS_ABI1 | (abi >= 2 ? FS_REFER : 0) |
	       (abi >= 3 ? FS_TRUNCATE : 0) | (abi >= 5 ? FS_IOCTL_DEV : 0);
}

/* What may be done below a directory of the keeper's: files and directories,
 * no devices, sockets, links or programs */
static uint64_t fs_data(int abi)
{
	return (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
		LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
		LANDLOCK_ACCESS_FS_MAKE_REG | FS_REFER | FS_TRUNCATE) &
	       fs_all(abi);
}

static int allow_below(int ruleset, const char *dir, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access};
	int err;

	rule.parent_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno;
	err = syscall(SYS_landlock_add_rule, ruleset,
		      LANDLOCK_RULE_PATH_BENEATH, &rule, 0)
		      ? errno
		      : 0;
	close(rule.parent_fd);
	return err;
}

int landlock_enter(enum role role, const char *const *writable_dirs,
		   size_t dirs, int *abi)
{
	const long v = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	struct attr attr;
	int ruleset, err = 0;

	*abi = v > 0 ? (int)v : 0;
	if (!*abi)
		return 0;
	attr = (struct attr){
		.fs = fs_all(*abi),
		/* the trunk binds and dials; its ports are the peer's choice */
		.net = role == ROLE_TRUNK ? 0 : NET_BIND_TCP | NET_CONNECT_TCP,
		.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL,
	};
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
			       attr_bytes(*abi), 0);
	if (ruleset < 0)
		return errno;
	for (size_t i = 0; i < dirs && !err; i++)
		err = allow_below(ruleset, writable_dirs[i], fs_data(*abi));
	if (!err && syscall(SYS_landlock_restrict_self, ruleset, 0))
		err = errno;
	close(ruleset);
	return err;
}
