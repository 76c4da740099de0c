/* SPDX-License-Identifier: ISC */
/** @file sandbox.c  One function that puts every wall around a role */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/log.h"
#include "sandbox/boot.h"
#include "sandbox/walls.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

bool sandbox_is_off(void)
{
	const char *v = SANITIZED ? getenv("RINGDOWN_SANDBOX") : NULL;

	return v && !strcmp(v, "off");
}

__attribute__((noreturn)) static void fatal(const char *wall, int err)
{
	log_error("sandbox.failed", "wall=%s err=%s kept=%s do=%s", wall,
		  strerror(err),
		  "nothing was read from the network, no file was touched",
		  "run it on a kernel with seccomp, as root or as one "
		  "ordinary user, and see ringdownd(8)");
	_exit(1);
}

static void must(const char *wall, int failed)
{
	if (failed)
		fatal(wall, errno);
}

/* The capabilities of a process that was given some without being root, and
 * the bounding set of one that is root */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {0};

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	must("capabilities", syscall(SYS_capset, &head, none) != 0);
}

static void drop_bounding(void)
{
	for (unsigned long cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1)
			continue;
		/* EPERM without CAP_SETPCAP: then no_new_privs has to do */
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EPERM)
			fatal("capability bounding set", errno);
	}
}

static void drop_user(uint32_t uid, uint32_t gid)
{
	const bool root = geteuid() == 0;

	if (root && (!uid || !gid))
		fatal("user", EINVAL);
	if (root) {
		drop_bounding();
		must("groups", setgroups(0, NULL));
		must("gid", setresgid(gid, gid, gid));
		must("uid", setresuid(uid, uid, uid));
	}
	drop_capabilities();
	if (!setuid(0) || geteuid() == 0)
		fatal("uid", EPERM);
}

static void limit(const char *wall, __rlimit_resource_t what, rlim_t most)
{
	struct rlimit now, rl = {most, most};

	must(wall, getrlimit(what, &now));
	if (now.rlim_max < most)
		rl.rlim_cur = rl.rlim_max = now.rlim_max;
	must(wall, setrlimit(what, &rl));
}

static bool is_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

static void drop_limits(enum role role, bool off)
{
	limit("core size", RLIMIT_CORE, 0);
	limit("open files", RLIMIT_NOFILE, role == ROLE_TRUNK ? 2048 : 1024);
	if (!off) /* the sanitizer's symbolizer is a process */
		limit("processes", RLIMIT_NPROC, 0);
	/* the limit counts in memfds, which the console fills with bodies, and
	 * in a log file behind stderr, which is not ours to stop */
	if (role == ROLE_KEEPER || is_file(STDOUT_FILENO) ||
	    is_file(STDERR_FILENO))
		return;
	limit("file size", RLIMIT_FSIZE,
	      role == ROLE_CONSOLE ? BLOB_BYTES_MAX + (1U << 20) : 0);
}

/* The monitor stays what it is, root as a rule, since it starts the others
 * again; it only gives up what would make it worth taking over. */
static const char *enter_monitor(void)
{
	int err;

	must("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	limit("core size", RLIMIT_CORE, 0);
	if (sandbox_is_off())
		return "walls=off,sanitizer-build";
	err = seccomp_enter(ROLE_MONITOR);
	if (err)
		fatal("seccomp", err);
	return "no-new-privs,seccomp";
}

const char *sandbox_enter(enum role role, uint32_t uid, uint32_t gid,
			  const char *const *writable_dirs, size_t dirs)
{
	static char words[120];
	const bool off = sandbox_is_off();
	const bool root = geteuid() == 0;
	int err, abi = 0;

	if (role == ROLE_MONITOR)
		return enter_monitor();
	umask(077);
	drop_user(uid, gid);
	/* now: setting the user id clears it.  A monitor that died before is
	 * seen on its socket. */
	must("death signal", prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
	must("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	drop_limits(role, off);
	if (off)
		return "walls=off,sanitizer-build";
	must("not dumpable", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
	err = landlock_enter(role, writable_dirs, dirs, &abi);
	if (err)
		fatal("landlock", err);
	err = seccomp_enter(role);
	if (err)
		fatal("seccomp", err);
	snprintf(words, sizeof(words),
		 "%s,no-caps,no-new-privs,not-dumpable,rlimits,landlock=%d%s,"
		 "seccomp",
		 root ? "own-user" : "same-user", abi,
		 !abi      ? "(none)"
		 : abi < 4 ? "(files)"
			   : "(files+net)");
	return words;
}
