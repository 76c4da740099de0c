/* SPDX-License-Identifier: ISC */
/**
 * @file sandbox_test.c  Every wall of every role, tried from within
 *
 * Each forbidden act is done by a child of its own inside the real sandbox and
 * must be refused or kill it; what a role lives on (SQLite for the keeper,
 * OpenSSL and sockets for the trunk, libmicrohttpd for the console) must work.
 * As root all is done twice: dropping to another user, and started as one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "crypto/key.h"
#include "sandbox/boot.h"

#define UID 64110
#define UNPRIVILEGED 65534
#define DIES (-1)  /* SIGSYS */
#define BROKEN 250 /* an act that failed in a way with no errno */

static char dir[] = "/tmp/sandbox_test.XXXXXX";
static char state[64], outside[64], sock_path[64];
static int tcp_fd = -1; /* listening on loopback */
static uint16_t tcp_port;
static int loose_fd = -1; /* a socket neither bound nor connected */
static int unix_listen = -1;
static int landlock_abi;
static int failures;

static int rc(long r)
{
	return r < 0 ? errno : 0;
}

/* ---- acts: 0 or errno ---- */

static int open_outside(void)
{
	return rc(open(outside, O_RDONLY));
}

static int create_outside(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s.new", outside);
	return rc(open(path, O_WRONLY | O_CREAT, 0600));
}

static int open_proc(void)
{
	return rc(open("/proc/self/maps", O_RDONLY));
}

static int state_file(void)
{
	char path[80], other[80];
	int fd;

	snprintf(path, sizeof(path), "%s/a", state);
	snprintf(other, sizeof(other), "%s/b", state);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) || ftruncate(fd, 0) ||
	    close(fd))
		return errno;
	if (rename(path, other) || unlink(other))
		return errno;
	return 0;
}

static int make_symlink(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/link", state);
	return rc(symlink("/etc/passwd", path));
}

static int socket_inet(void)
{
	return rc(socket(AF_INET, SOCK_STREAM, 0));
}

static int socket_inet6_udp(void)
{
	return rc(socket(AF_INET6, SOCK_DGRAM, 0));
}

static int socket_unix(void)
{
	return rc(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int socket_netlink(void)
{
	return rc(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int connect_tcp(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(tcp_port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return rc(connect(loose_fd, (struct sockaddr *)&a, sizeof(a)));
}

static int bind_tcp(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return rc(bind(loose_fd, (struct sockaddr *)&a, sizeof(a)));
}

static int listen_tcp(void)
{
	return rc(listen(loose_fd, 1));
}

static int accept_tcp(void)
{
	return rc(accept4(tcp_fd, NULL, NULL, SOCK_NONBLOCK));
}

static int exec_program(void)
{
	char *const argv[] = {"true", NULL};

	return rc(execv("/bin/true", argv));
}

static int exec_fd(void)
{
	char *const argv[] = {"true", NULL};

	return rc(syscall(SYS_execveat, 0, "/bin/true", argv, argv, 0));
}

static int trace(void)
{
	return rc(syscall(SYS_ptrace, 16 /* ATTACH */, getppid(), 0, 0));
}

static int read_other(void)
{
	struct iovec v = {&failures, sizeof(failures)};

	return rc(process_vm_readv(getppid(), &v, 1, &v, 1, 0));
}

static int do_mount(void)
{
	return rc(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
}

static int do_bpf(void)
{
	return rc(syscall(SYS_bpf, 0, NULL, 0));
}

static int do_keyctl(void)
{
	return rc(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static int do_perf(void)
{
	return rc(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0));
}

static int do_userfaultfd(void)
{
	return rc(syscall(SYS_userfaultfd, 0));
}

static int do_module(void)
{
	return rc(syscall(SYS_init_module, NULL, 0, ""));
}

static int do_kexec(void)
{
	return rc(syscall(SYS_kexec_load, 0, 0, NULL, 0));
}

static int do_uring(void)
{
	return rc(syscall(SYS_io_uring_setup, 1, NULL));
}

static int do_unshare(void)
{
	return rc(syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */));
}

static int do_setuid(void)
{
	return rc(syscall(SYS_setuid, 0));
}

static int do_setresgid(void)
{
	return rc(syscall(SYS_setresgid, 0, 0, 0));
}

static int do_kill(void)
{
	return rc(kill(getppid(), 0));
}

static int do_vfork(void)
{
	return rc(syscall(SYS_vfork));
}

static int fork_libc(void)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(0);
	return rc(pid);
}

static void *thread_run(void *arg)
{
	return arg;
}

static int make_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, thread_run, NULL);
}

static int map_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? errno
		       : 0;
}

static int protect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? BROKEN
			       : rc(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int unknown_call(void)
{
	return rc(syscall(9999));
}

#ifdef __x86_64__
static int x32_call(void)
{
	return rc(syscall(0x40000000L | SYS_getpid));
}
#endif

static int raise_limit(void)
{
	const struct rlimit rl = {1, 1};

	return rc(setrlimit(RLIMIT_NOFILE, &rl));
}

static int tty_inject(void)
{
	return rc(syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x"));
}

static int memfd_body(void)
{
	const int fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	static const char block[65536];

	if (fd < 0)
		return errno;
	for (unsigned i = 0; i < 64; i++) {
		if (write(fd, block, sizeof(block)) != sizeof(block))
			return errno;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW))
		return errno;
	return mmap(NULL, 65536, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED
		       ? errno
		       : 0;
}

/* What a loop, a codec and a queue of ours need */
static int daily_bread(void)
{
	int sv[2] = {-1, -1}, ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN};
	struct timespec ts = {0, 1000000};
	struct rlimit rl;
	void *p = malloc(64U << 20);
	uint8_t r[32];

	if (ep < 0 || !p || pipe2(sv, O_CLOEXEC) ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, sv[0], &ev) ||
	    epoll_wait(ep, &ev, 1, 1) != 0 || write(sv[1], "x", 1) != 1 ||
	    epoll_wait(ep, &ev, 1, 1000) != 1)
		return errno ? errno : BROKEN;
	memset(p, 1, 64U << 20);
	free(p);
	if (nanosleep(&ts, NULL) || RAND_bytes(r, sizeof(r)) != 1 ||
	    fprintf(stderr, "%s", "") < 0)
		return BROKEN;
	if (getrlimit(RLIMIT_CORE, &rl) || rl.rlim_max != 0 ||
	    getrlimit(RLIMIT_NPROC, &rl) || rl.rlim_max != 0 ||
	    getrlimit(RLIMIT_NOFILE, &rl) || rl.rlim_max > 2048)
		return BROKEN;
	return 0;
}

static int sign_and_tls(void)
{
	static const uint8_t seed[KEY_BYTES] = {1};
	uint8_t sig[SIG_BYTES];
	struct key *k = NULL;
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	SSL *s = ctx ? SSL_new(ctx) : NULL;
	int err = key_from_seed(&k, seed);

	if (!err)
		err = key_sign(k, "x", 1, sig);
	if (!err && (!s || !key_verify(k, "x", 1, sig)))
		err = BROKEN;
	return err;
}

static int database(void)
{
	static const char sql[] =
		"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		"PRAGMA temp_store=MEMORY;"
		"CREATE TABLE t(x BLOB); BEGIN; INSERT INTO t VALUES(zeroblob("
		"100000)); COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"
		"DROP TABLE t";
	sqlite3 *db = NULL;
	char path[80];
	int r;

	snprintf(path, sizeof(path), "%s/test.db", state);
	r = sqlite3_open_v2(path, &db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (r != SQLITE_OK)
		fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
	if (sqlite3_close(db) != SQLITE_OK)
		return BROKEN;
	return r == SQLITE_OK ? 0 : BROKEN;
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *c,
			      const char *url, const char *method,
			      const char *version, const char *data, size_t *n,
			      void **con)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		2, (void *)(uintptr_t) "ok", MHD_RESPMEM_PERSISTENT);
	const enum MHD_Result res = MHD_queue_response(c, 200, r);

	(void)url, (void)method, (void)version, (void)data, (void)n, (void)con;
	MHD_destroy_response(r);
	*(int *)arg = 1;
	return res;
}

/* The parent has connected and asked before this child was made */
static int serve_http(void)
{
	int served = 0;
	struct MHD_Daemon *d = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, answer, &served,
		MHD_OPTION_LISTEN_SOCKET, unix_listen, MHD_OPTION_END);

	if (!d)
		return BROKEN;
	for (unsigned i = 0; i < 20 && !served; i++)
		MHD_run_wait(d, 100);
	MHD_run(d);
	MHD_stop_daemon(d);
	return served ? 0 : BROKEN;
}

/* ---- what must come of them ---- */

#define FILES_ONLY 1 /* without Landlock this one cannot be expected */

static const struct act {
	const char *name;
	int (*run)(void);
	int keeper, trunk, console; /* errno, 0 or DIES */
	int needs;
} acts[] = {
	{"daily bread", daily_bread, 0, 0, 0, 0},
	{"sign, TLS", sign_and_tls, 0, 0, 0, 0},
	{"SQLite", database, 0, BROKEN, BROKEN, 0},
	{"HTTP", serve_http, BROKEN, BROKEN, 0, 0},
	{"files of the state", state_file, 0, EACCES, EACCES, 0},
	{"memfd", memfd_body, 0, ENOSYS, 0, 0},
	{"open outside", open_outside, EACCES, EACCES, EACCES, FILES_ONLY},
	{"create outside", create_outside, EACCES, EACCES, EACCES, FILES_ONLY},
	{"open /proc", open_proc, EACCES, EACCES, EACCES, FILES_ONLY},
	{"symlink", make_symlink, DIES, DIES, DIES, 0},
	{"socket inet", socket_inet, DIES, 0, DIES, 0},
	{"socket inet6 udp", socket_inet6_udp, DIES, 0, DIES, 0},
	{"socket unix", socket_unix, DIES, ENOSYS, DIES, 0},
	{"socket netlink", socket_netlink, DIES, ENOSYS, DIES, 0},
	{"connect", connect_tcp, DIES, 0, DIES, 0},
	{"bind", bind_tcp, DIES, 0, DIES, 0},
	{"listen", listen_tcp, DIES, ENOSYS, DIES, 0},
	{"accept", accept_tcp, ENOSYS, EAGAIN, EAGAIN, 0},
	{"execve", exec_program, DIES, DIES, DIES, 0},
	{"execveat", exec_fd, DIES, DIES, DIES, 0},
	{"ptrace", trace, DIES, DIES, DIES, 0},
	{"process_vm_readv", read_other, DIES, DIES, DIES, 0},
	{"mount", do_mount, DIES, DIES, DIES, 0},
	{"bpf", do_bpf, DIES, DIES, DIES, 0},
	{"keyctl", do_keyctl, DIES, DIES, DIES, 0},
	{"perf_event_open", do_perf, DIES, DIES, DIES, 0},
	{"userfaultfd", do_userfaultfd, DIES, DIES, DIES, 0},
	{"init_module", do_module, DIES, DIES, DIES, 0},
	{"kexec_load", do_kexec, DIES, DIES, DIES, 0},
	{"io_uring_setup", do_uring, DIES, DIES, DIES, 0},
	{"unshare", do_unshare, DIES, DIES, DIES, 0},
	{"setuid", do_setuid, DIES, DIES, DIES, 0},
	{"setresgid", do_setresgid, DIES, DIES, DIES, 0},
	{"kill", do_kill, DIES, DIES, DIES, 0},
	{"vfork", do_vfork, DIES, DIES, DIES, 0},
	{"fork", fork_libc, EPERM, EPERM, EPERM, 0},
	{"thread", make_thread, EPERM, EPERM, EPERM, 0},
	{"mmap exec", map_exec, ENOSYS, ENOSYS, ENOSYS, 0},
	{"mprotect exec", protect_exec, ENOSYS, ENOSYS, ENOSYS, 0},
	{"unknown call", unknown_call, ENOSYS, ENOSYS, ENOSYS, 0},
#ifdef __x86_64__
	{"x32 call", x32_call, DIES, DIES, DIES, 0},
#endif
	{"setrlimit", raise_limit, ENOSYS, ENOSYS, ENOSYS, 0},
	{"TIOCSTI", tty_inject, ENOSYS, ENOSYS, ENOSYS, 0},
};

static void fail(enum role role, const char *what, const char *how, int got,
		 int want)
{
	printf("FAILED %s: %s: %s %d, not %d\n", role_name(role), what, how,
	       got, want);
	failures++;
}

static void enter(enum role role)
{
	const char *const dirs[] = {state};
	const char *words;

	/* FSIZE 0 is for those whose stderr is no file; make it so */
	const int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (!getenv("SANDBOX_TEST_LOUD"))
		dup2(null, STDERR_FILENO);
	words = sandbox_enter(role, UID, UID, dirs,
			      role == ROLE_KEEPER ? 1 : 0);
	if (!strstr(words, "seccomp"))
		_exit(BROKEN + 1);
}

/* As if started by an ordinary user, one whom a service manager gave
 * capabilities */
static void become_user(void)
{
	if (getuid() != 0)
		return;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgid(UNPRIVILEGED) ||
	    setuid(UNPRIVILEGED) || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
		_exit(BROKEN + 2);
}

/* A request that waits in the backlog of unix_listen */
static int ask_http(void)
{
	static const char get[] = "GET / HTTP/1.0\r\n\r\n";
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, sock_path, strlen(sock_path) + 1);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    send(fd, get, sizeof(get) - 1, MSG_NOSIGNAL) < 0)
		perror("ask_http");
	return fd;
}

static void try_act(enum role role, const struct act *act, bool drop)
{
	const int want = role == ROLE_KEEPER  ? act->keeper
			 : role == ROLE_TRUNK ? act->trunk
					      : act->console;
	const int client = act->run == serve_http && !want ? ask_http() : -1;
	int st = 0;
	pid_t pid;

	if ((act->needs & FILES_ONLY) && !landlock_abi && role == ROLE_KEEPER)
		return;
	if (want == BROKEN) /* not this role's work */
		return;
	while ((st = accept(tcp_fd, NULL, NULL)) >= 0)
		close(st); /* of an earlier connect */
	st = 0;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		loose_fd = socket(AF_INET, SOCK_STREAM, 0);
		if (!drop)
			become_user();
		enter(role);
		errno = 0;
		_exit(act->run());
	}
	if (pid < 0 || waitpid(pid, &st, 0) != pid)
		fail(role, act->name, "wait", errno, 0);
	else if (want == DIES) {
		if (!WIFSIGNALED(st) || WTERMSIG(st) != SIGSYS)
			fail(role, act->name, "lived on, status", st, SIGSYS);
	} else if (!WIFEXITED(st)) {
		fail(role, act->name, "died of signal", WTERMSIG(st), 0);
	} else if (WEXITSTATUS(st) != want) {
		fail(role, act->name, "gave", WEXITSTATUS(st), want);
	}
	if (client >= 0)
		close(client);
}

/* "Name:\tVALUE" of /proc/PID/status */
static uint64_t status_value(pid_t pid, const char *name, int base)
{
	char path[64], line[256];
	uint64_t v = UINT64_MAX;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, strlen(name)) &&
		    line[strlen(name)] == ':')
			v = strtoull(line + strlen(name) + 1, NULL, base);
	}
	if (f)
		fclose(f);
	return v;
}

static void check_value(enum role role, pid_t pid, const char *name, int base,
			uint64_t want)
{
	const uint64_t v = status_value(pid, name, base);

	if (v != want)
		fail(role, name, "is", (int)v, (int)want);
}

/* What the kernel says of a process behind the walls */
static void look(enum role role, bool drop)
{
	int ready[2], hold[2];
	struct stat st;
	char path[64], c;
	pid_t pid;

	if (pipe(ready) || pipe(hold))
		abort();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(hold[1]);
		if (!drop)
			become_user();
		enter(role);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		fail(role, "look", "did not enter", 0, 1);
	check_value(role, pid, "CapEff", 16, 0);
	check_value(role, pid, "CapPrm", 16, 0);
	check_value(role, pid, "CapInh", 16, 0);
	check_value(role, pid, "CapAmb", 16, 0);
	check_value(role, pid, "NoNewPrivs", 10, 1);
	check_value(role, pid, "Seccomp", 10, 2);
	if (getuid() == 0) {
		check_value(role, pid, "Uid", 10, drop ? UID : UNPRIVILEGED);
		check_value(role, pid, "Gid", 10, drop ? UID : UNPRIVILEGED);
		if (drop)
			check_value(role, pid, "CapBnd", 16, 0);
		/* of a process that is not dumpable, /proc belongs to root */
		snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
		if (stat(path, &st) || st.st_uid != 0)
			fail(role, "dumpable: owner of maps", "is",
			     (int)st.st_uid, 0);
	}
	close(ready[0]);
	close(hold[0]);
	close(hold[1]);
	waitpid(pid, NULL, 0);
}

/* A role dies with whoever started it */
static void orphan(enum role role)
{
	int life[2], ready[2];
	struct pollfd p;
	pid_t pid;
	char c;

	if (pipe(life) || pipe(ready))
		abort();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(life[0]);
		if (!fork()) {
			enter(role);
			if (write(ready[1], "x", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		close(life[1]);
		if (read(ready[0], &c, 1) != 1)
			_exit(1);
		_exit(0);
	}
	close(life[1]);
	close(ready[1]);
	waitpid(pid, NULL, 0);
	p = (struct pollfd){life[0], POLLIN, 0};
	if (poll(&p, 1, 5000) != 1 || read(life[0], &c, 1) != 0)
		fail(role, "orphan", "lives", 1, 0);
	close(life[0]);
	close(ready[0]);
}

/* Failing to enter is fatal: a user id of 0 is no wall */
static void refuse_root(void)
{
	pid_t pid;
	int st = 0;

	if (getuid() != 0)
		return;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		(void)!freopen("/dev/null", "w", stderr);
		sandbox_enter(ROLE_TRUNK, 0, 0, NULL, 0);
		_exit(0);
	}
	waitpid(pid, &st, 0);
	if (!WIFEXITED(st) || WEXITSTATUS(st) != 1)
		fail(ROLE_TRUNK, "entering as root", "gave", st, 1);
}

static void prepare(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t n = sizeof(in);
	int fd;

	if (!mkdtemp(dir) || chmod(dir, 0777))
		abort();
	snprintf(state, sizeof(state), "%s/state", dir);
	snprintf(outside, sizeof(outside), "%s/outside", dir);
	snprintf(sock_path, sizeof(sock_path), "%s/sock", dir);
	memcpy(un.sun_path, sock_path, strlen(sock_path) + 1);
	fd = open(outside, O_WRONLY | O_CREAT, 0666);
	tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	unix_listen = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (mkdir(state, 0777) || chmod(state, 0777) || fd < 0 ||
	    fchmod(fd, 0666) || bind(tcp_fd, (struct sockaddr *)&in, n) ||
	    listen(tcp_fd, 8) ||
	    getsockname(tcp_fd, (struct sockaddr *)&in, &n) ||
	    bind(unix_listen, (struct sockaddr *)&un, sizeof(un)) ||
	    listen(unix_listen, 8))
		abort();
	close(fd);
	tcp_port = ntohs(in.sin_port);
	landlock_abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
				    LANDLOCK_CREATE_RULESET_VERSION);
	if (landlock_abi < 0)
		landlock_abi = 0;
}

static void cleanup(void)
{
	static const char *const names[] = {
		"state/test.db", "state/a", "state", "outside",
		"outside.new",   "sock",    NULL};
	char path[96];

	for (unsigned i = 0; names[i]; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
	rmdir(dir);
}

static void round_of(bool drop)
{
	static const enum role roles[] = {ROLE_KEEPER, ROLE_TRUNK,
					  ROLE_CONSOLE};
	char path[80];

	for (unsigned r = 0; r < 3; r++) {
		for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
			try_act(roles[r], &acts[i], drop);
		look(roles[r], drop);
		if (drop)
			orphan(roles[r]);
	}
	/* made by one user, in the way of the next */
	snprintf(path, sizeof(path), "%s/test.db", state);
	unlink(path);
}

int main(void)
{
	/* must do nothing in a build without a sanitizer */
	setenv("RINGDOWN_SANDBOX", "off", 1);
	if (sandbox_is_off()) {
		printf("sandbox_test: skipped, built with a sanitizer\n");
		return 0;
	}
	prepare();
	refuse_root();
	if (getuid() == 0)
		round_of(true);
	round_of(false);
	cleanup();
	printf("Landlock ABI %d, %s\n", landlock_abi,
	       getuid() ? "one user" : "own users, one user");
	printf("sandbox: %d passed, %d failed\n", failures ? 0 : 1, failures);
	return failures ? 1 : 0;
}
