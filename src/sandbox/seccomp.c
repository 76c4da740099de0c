/* SPDX-License-Identifier: ISC */
/**
 * @file seccomp.c  System calls: a list for each role
 *
 * What is on no list gives ENOSYS, and where the kernel audits seccomp a line
 * there: a library of tomorrow that tries something new goes on without it.
 * What only an intruder would ask for kills.  None of the three roles makes
 * threads or processes: clone() fails with EPERM, clone3() with ENOSYS, fork()
 * and all kinds of exec kill.
 *
 * Names that the running libseccomp does not know are left out of the kill
 * list (they get ENOSYS) and out of the allow lists.
 */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "sandbox/walls.h"

/* Kill every role and the monitor, which starts programs and sets user ids */
static const char *const deadly_all[] = {"ptrace",
					 "process_vm_readv",
					 "process_vm_writev",
					 "process_madvise",
					 "kcmp",
					 "pidfd_getfd",
					 "mount",
					 "umount",
					 "umount2",
					 "move_mount",
					 "open_tree",
					 "fsopen",
					 "fsconfig",
					 "fsmount",
					 "fspick",
					 "mount_setattr",
					 "pivot_root",
					 "chroot",
					 "bpf",
					 "init_module",
					 "finit_module",
					 "delete_module",
					 "create_module",
					 "keyctl",
					 "add_key",
					 "request_key",
					 "perf_event_open",
					 "userfaultfd",
					 "kexec_load",
					 "kexec_file_load",
					 "reboot",
					 "swapon",
					 "swapoff",
					 "iopl",
					 "ioperm",
					 "io_uring_setup",
					 "io_uring_enter",
					 "io_uring_register",
					 "open_by_handle_at",
					 "name_to_handle_at",
					 "acct",
					 "quotactl",
					 "quotactl_fd",
					 "settimeofday",
					 "clock_settime",
					 "adjtimex",
					 "clock_adjtime",
					 "sethostname",
					 "setdomainname",
					 "vhangup",
					 "syslog",
					 "lookup_dcookie",
					 "personality",
					 "unshare",
					 "setns",
					 "mknod",
					 "mknodat",
					 "uselib",
					 "modify_ldt",
					 NULL};

static const char *const deadly_roles[] = {"execve",
					   "execveat",
					   "fork",
					   "vfork",
					   "setuid",
					   "setgid",
					   "setreuid",
					   "setregid",
					   "setresuid",
					   "setresgid",
					   "setfsuid",
					   "setfsgid",
					   "setgroups",
					   "capset",
					   "pidfd_open",
					   "pidfd_send_signal",
					   "kill",
					   "tkill",
					   "rt_sigqueueinfo",
					   "rt_tgsigqueueinfo",
					   "seccomp",
					   "symlink",
					   "symlinkat",
					   "mq_open",
					   "shmget",
					   "shmat",
					   "semget",
					   "msgget",
					   NULL};

/* Sockets, for the roles that are given theirs ready-made */
static const char *const deadly_socket[] = {"socket", "connect",    "bind",
					    "listen", "socketpair", NULL};

static const char *const common[] = {"read",
				     "write",
				     "readv",
				     "writev",
				     "close",
				     "close_range",
				     "fcntl",
				     "fstat",
				     "dup",
				     "lseek",
				     "brk",
				     "munmap",
				     "mremap",
				     "madvise",
				     "futex",
				     "poll",
				     "ppoll",
				     "epoll_create1",
				     "epoll_ctl",
				     "epoll_wait",
				     "epoll_pwait",
				     "epoll_pwait2",
				     "select",
				     "pselect6",
				     "eventfd2",
				     "pipe2",
				     "timerfd_create",
				     "timerfd_settime",
				     "timerfd_gettime",
				     "clock_gettime",
				     "clock_getres",
				     "clock_nanosleep",
				     "nanosleep",
				     "gettimeofday",
				     "time",
				     "getrandom",
				     "getpid",
				     "gettid",
				     "getppid",
				     "getuid",
				     "geteuid",
				     "getgid",
				     "getegid",
				     "rt_sigaction",
				     "rt_sigprocmask",
				     "rt_sigreturn",
				     "sigaltstack",
				     "signalfd4",
				     "exit",
				     "exit_group",
				     "restart_syscall",
				     "sched_yield",
				     "sched_getaffinity",
				     "set_robust_list",
				     "rseq",
				     "getrlimit",
				     "sysinfo",
				     "uname",
				     "umask",
				     "getrusage",
				     "sendmsg",
				     "recvmsg",
				     "sendto",
				     "recvfrom",
				     "shutdown",
				     "getsockopt",
				     "getsockname",
				     NULL};

static const char *const keeper[] = {
	"open",       "openat",          "stat",         "lstat",
	"newfstatat", "statx",           "access",       "faccessat",
	"faccessat2", "readlink",        "readlinkat",   "getcwd",
	"getdents64", "pread64",         "pwrite64",     "preadv",
	"pwritev",    "fsync",           "fdatasync",    "sync_file_range",
	"syncfs",     "truncate",        "ftruncate",    "fallocate",
	"fadvise64",  "copy_file_range", "unlink",       "unlinkat",
	"rename",     "renameat",        "renameat2",    "link",
	"linkat",     "mkdir",           "mkdirat",      "rmdir",
	"fchmod",     "fchmodat",        "flock",        "statfs",
	"fstatfs",    "msync",           "memfd_create", NULL};

static const char *const trunk[] = {"connect",  "bind",       "accept",
				    "accept4",  "setsockopt", "getpeername",
				    "pread64",  "sendfile",   "sendmmsg",
				    "recvmmsg", NULL};

static const char *const console[] = {
	"accept",    "accept4",   "setsockopt", "getpeername",
	"pread64",   "pwrite64",  "sendfile",   "memfd_create",
	"ftruncate", "fallocate", NULL};

static int add_names(scmp_filter_ctx ctx, uint32_t action,
		     const char *const *names)
{
	for (; *names; names++) {
		const int nr = seccomp_syscall_resolve_name(*names);
		int r;

		if (nr == __NR_SCMP_ERROR)
			continue;
		r = seccomp_rule_add(ctx, action, nr, 0);
		/* EDOM: this architecture has no such call */
		if (r && r != -EDOM)
			return -r;
	}
	return 0;
}

static struct scmp_arg_cmp equals(unsigned arg, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){arg, SCMP_CMP_EQ, value, 0};
}

/* The argument has these bits of mask set, and no others of mask */
static struct scmp_arg_cmp masked(unsigned arg, scmp_datum_t mask,
				  scmp_datum_t value)
{
	return (struct scmp_arg_cmp){arg, SCMP_CMP_MASKED_EQ, mask, value};
}

/* One call, allowed when one argument fits */
static int add_if(scmp_filter_ctx ctx, int nr, struct scmp_arg_cmp arg)
{
	return -seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 1, arg);
}

/* Memory is never both filled by us and executed: no PROT_EXEC at all */
static int add_memory(scmp_filter_ctx ctx)
{
	int err = add_if(ctx, SCMP_SYS(mmap), masked(2, PROT_EXEC, 0));

	if (!err)
		err = add_if(ctx, SCMP_SYS(mprotect), masked(2, PROT_EXEC, 0));
	return err;
}

static int add_ioctls(scmp_filter_ctx ctx)
{
	static const scmp_datum_t requests[] = {FIONREAD, FIONBIO, TIOCOUTQ,
						SIOCOUTQNSD};
	int err = 0;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]) && !err;
	     i++)
		err = add_if(ctx, SCMP_SYS(ioctl), equals(1, requests[i]));
	return err;
}

/* Calls that are harmless with the right argument, for every role */
static int add_common(scmp_filter_ctx ctx)
{
	int err = add_names(ctx, SCMP_ACT_ALLOW, common);

	if (!err)
		err = add_memory(ctx);
	if (!err)
		err = add_ioctls(ctx);
	/* reading limits, not setting them */
	if (!err)
		err = add_if(ctx, SCMP_SYS(prlimit64), equals(2, 0));
	/* abort() */
	if (!err)
		err = add_if(ctx, SCMP_SYS(tgkill),
			     equals(0, (scmp_datum_t)getpid()));
	if (!err)
		err = -seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
					SCMP_SYS(clone), 0);
	return err;
}

/* No files: say so in a way that libraries understand */
static int add_no_files(scmp_filter_ctx ctx)
{
	static const char *const files[] = {
		"open",       "openat", "openat2",   "stat",       "lstat",
		"statx",      "access", "faccessat", "faccessat2", "readlink",
		"readlinkat", "creat",  NULL};
	int err = add_names(ctx, SCMP_ACT_ERRNO(EACCES), files);

	/* fstat() of glibc 2.33 and later */
	if (!err)
		err = add_if(ctx, SCMP_SYS(newfstatat),
			     masked(3, AT_EMPTY_PATH, AT_EMPTY_PATH));
	return err;
}

static int add_sockets(scmp_filter_ctx ctx)
{
	int err = add_if(ctx, SCMP_SYS(socket), equals(0, AF_INET));

	if (!err)
		err = add_if(ctx, SCMP_SYS(socket), equals(0, AF_INET6));
	return err;
}

static int add_role(scmp_filter_ctx ctx, enum role role)
{
	int err = add_names(ctx, SCMP_ACT_KILL_PROCESS, deadly_roles);

	if (!err)
		err = add_common(ctx);
	if (!err && role != ROLE_TRUNK)
		err = add_names(ctx, SCMP_ACT_KILL_PROCESS, deadly_socket);
	if (!err && role != ROLE_KEEPER)
		err = add_no_files(ctx);
	if (err)
		return err;
	switch (role) {
	case ROLE_KEEPER: return add_names(ctx, SCMP_ACT_ALLOW, keeper);
	case ROLE_TRUNK:
		err = add_names(ctx, SCMP_ACT_ALLOW, trunk);
		return err ? err : add_sockets(ctx);
	case ROLE_CONSOLE: return add_names(ctx, SCMP_ACT_ALLOW, console);
	default: return EINVAL;
	}
}

int seccomp_enter(enum role role)
{
	const bool monitor = role == ROLE_MONITOR;
	scmp_filter_ctx ctx =
		seccomp_init(monitor ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS));
	int err;

	if (!ctx)
		return ENOMEM;
	/* a wish: kernels without audit have nowhere to log */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	err = -seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
				SCMP_ACT_KILL_PROCESS);
	if (!err)
		err = add_names(ctx, SCMP_ACT_KILL_PROCESS, deadly_all);
	if (!err && !monitor)
		err = add_role(ctx, role);
	if (!err)
		err = -seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}
