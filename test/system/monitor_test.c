/* SPDX-License-Identifier: ISC */
/**
 * @file monitor_test.c  The real monitor over roles that only talk
 *
 * The monitor executes its own program again for each role: that is this one.
 * With -r it is a role that enters its sandbox, greets its neighbours over the
 * pairs and logs what it hears; without, it is the test, which runs
 * monitor_main() in a child, reads all of their stderr and does them harm.
 * Files in the state directory tell a role to misbehave.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "monitor/load.h"
#include "monitor/monitor.h"
#include "sandbox/boot.h"

#define WAIT_MS 15000

/* ==== a role ==== */

static struct config conf;

/* Told to misbehave in this way?  Once only: the file goes. */
static bool told(enum role role, const char *what)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s.%s", conf.state, role_name(role),
		 what);
	return !unlink(path);
}

/* Told so for every life */
static bool told_always(enum role role, const char *what)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s.%s", conf.state, role_name(role),
		 what);
	return !access(path, F_OK);
}

static void greet(struct boot *b, enum role to)
{
	struct wire_msg m = {.fd = -1};

	if (b->role == ROLE_KEEPER && to == ROLE_TRUNK)
		m.type = WIRE_TURN;
	else if (b->role == ROLE_KEEPER)
		m.type = WIRE_NEWS;
	else if (b->role == ROLE_TRUNK)
		m.type = WIRE_PING;
	else
		m.type = WIRE_Q_STATUS;
	if (b->peer[to] && wire_send(b->peer[to], &m))
		log_error("stub.cannot-greet", "to=%s", role_name(to));
}

static void hear(struct boot *b, enum role from)
{
	struct wire_msg m;
	const int err = wire_receive(b->peer[from], &m);

	if (!err)
		log_info("stub.heard", "from=%s what=%s", role_name(from),
			 wire_name(m.type));
	else if (err == EBADMSG || err == EPERM)
		boot_complain(b, from, "does not decode");
	else if (err != EAGAIN)
		b->peer[from] = wire_end_free(b->peer[from]);
}

static int role_loop(struct boot *b, bool deaf)
{
	enum role changed;
	int err = 0;

	while (!err || (deaf && err == ESHUTDOWN)) {
		struct pollfd p[ROLES] = {{0}};

		for (unsigned r = 0; r < ROLES; r++) {
			p[r].fd = b->peer[r] ? wire_end_fd(b->peer[r]) : -1;
			p[r].events = POLLIN;
		}
		p[0].fd = wire_end_fd(b->monitor);
		poll(p, ROLES, -1);
		for (unsigned r = 1; r < ROLES; r++) {
			if (p[r].revents && b->peer[r])
				hear(b, (enum role)r);
		}
		if (!p[0].revents)
			continue;
		err = boot_monitor_read(b, &changed);
		if (changed != ROLE_ANY) {
			log_info("stub.new-pair", "with=%s",
				 role_name(changed));
			greet(b, changed);
		}
	}
	return err == ESHUTDOWN ? 0 : 1;
}

static int role_main(const char *path, enum role role)
{
	const unsigned who = role == ROLE_KEEPER  ? CONFIG_KEEPER
			     : role == ROLE_TRUNK ? CONFIG_TRUNK
						  : CONFIG_CONSOLE;
	const char *const dirs[] = {conf.state};
	char why[CONFIG_WHY_CHARS];
	bool rogue, liar, deaf;
	const char *walls;
	struct boot b;
	int status;

	log_open(role_name(role), false);
	if (config_load(path, &conf, why))
		return 1;
	boot_begin(&b, role);
	if (told_always(role, "exit"))
		_exit(3);
	rogue = told(role, "rogue");
	liar = told(role, "liar");
	deaf = told(role, "deaf");
	log_info("stub.booted", "listens=%zu first=%s", b.listens,
		 b.listens ? b.listen_what[0] : NULL);
	walls = sandbox_enter(role, conf.user[who].uid, conf.user[who].gid,
			      dirs, role == ROLE_KEEPER ? 1 : 0);
	for (unsigned r = ROLE_KEEPER; r < ROLES; r++)
		greet(&b, (enum role)r);
	boot_ready(&b, walls);
	if (rogue)
		(void)!write(wire_end_fd(b.peer[ROLE_KEEPER]), "\xff\xff", 2);
	if (liar)
		boot_complain(&b, ROLE_KEEPER, "a lie");
	status = role_loop(&b, deaf);
	boot_end(&b);
	return status;
}

/* ==== the test ==== */

static char dir[] = "/tmp/monitor_test.XXXXXX";
static char conf_path[64];
static uint16_t port;
static pid_t monitor;
static int log_fd = -1, ready_fd = -1, notify_fd = -1;
static char text[1 << 20];  /* all lines of this monitor so far */
static size_t text_n, seen; /* octets there; await() looks behind these */
static size_t matched;      /* where the line that came last ends */

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt,
								...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n--- lines of the processes:\n%s", text);
	if (monitor > 0)
		kill(monitor, SIGKILL);
	exit(1);
}

#define MUST(cond)                                                   \
	do {                                                         \
		if (!(cond))                                         \
			die("%s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

static int64_t mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A line behind the first `seen` octets that holds all three texts; a copy
 * of it, good until the next call */
static const char *await(const char *a, const char *b, const char *c)
{
	const int64_t until = mono_ms() + WAIT_MS;
	static char line[4200];
	size_t from = seen;

	for (;;) {
		struct pollfd p = {log_fd, POLLIN, 0};
		char *end;
		ssize_t n;

		while ((end = strchr(text + from, '\n'))) {
			snprintf(line, sizeof(line), "%.*s",
				 (int)(end - text - (long)from), text + from);
			from = (size_t)(end - text) + 1;
			if (strstr(line, a) && strstr(line, b) &&
			    strstr(line, c)) {
				matched = from;
				return line;
			}
		}
		if (mono_ms() > until)
			die("waited in vain for a line with %s %s %s", a, b, c);
		if (poll(&p, 1, 200) <= 0)
			continue;
		n = read(log_fd, text + text_n, sizeof(text) - text_n - 1);
		if (n <= 0)
			die("the processes are gone; no line with %s %s %s", a,
			    b, c);
		text_n += (size_t)n;
		text[text_n] = '\0';
	}
}

/* From here on */
static void forget(void)
{
	seen = text_n;
}

static pid_t pid_of(const char *line)
{
	const char *at = strstr(line, " pid=");

	MUST(at);
	return (pid_t)strtol(at + 5, NULL, 10);
}

static void tell(const char *what)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/state/%s", dir, what);
	fd = open(path, O_WRONLY | O_CREAT, 0666);
	MUST(fd >= 0);
	close(fd);
}

static void untell(const char *what)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/state/%s", dir, what);
	unlink(path);
}

static const char *under(const char *name)
{
	static char path[4][200];
	static unsigned i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void start(void)
{
	int log[2], ready[2];
	char why[CONFIG_WHY_CHARS];
	const char *line;

	MUST(!pipe(log) && !pipe(ready));
	text_n = seen = 0;
	text[0] = '\0';
	if (log_fd >= 0)
		close(log_fd);
	if (ready_fd >= 0)
		close(ready_fd);
	monitor = fork();
	MUST(monitor >= 0);
	if (!monitor) {
		struct monitor_conf mc = {&conf, conf_path, ready[1], false};

		dup2(log[1], STDERR_FILENO);
		close(log[0]);
		close(log[1]);
		setenv("NOTIFY_SOCKET", under("notify"), 1);
		setenv("SECRET_OF_THE_MONITOR", "1", 1);
		setenv("RINGDOWN_SANDBOX", "off", 1); /* sanitizers only */
		log_open("monitor", false);
		if (config_load(conf_path, &conf, why))
			_exit(9);
		exit(monitor_main(&mc));
	}
	close(log[1]);
	close(ready[1]);
	log_fd = log[0];
	ready_fd = ready[0];
	line = await("ev=", "monitor.", "");
	MUST(line);
}

static int stop_status(void)
{
	int st = 0;

	MUST(waitpid(monitor, &st, 0) == monitor);
	monitor = 0;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + WTERMSIG(st);
}

static void all_greet(void)
{
	await("role=trunk", "stub.heard from=keeper", "what=turn");
	await("role=keeper", "stub.heard from=trunk", "what=ping");
	await("role=console", "stub.heard from=keeper", "what=news");
	await("role=keeper", "stub.heard from=console", "what=q_status");
}

static unsigned open_fds(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n > 2 ? n - 2 : 0;
}

static void environment_is_clean(pid_t pid)
{
	char path[64], env[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	fd = open(path, O_RDONLY);
	MUST(fd >= 0);
	n = read(fd, env, sizeof(env));
	close(fd);
	MUST(n >= 0);
	MUST(!memmem(env, (size_t)n, "SECRET", 6));
	MUST(!memmem(env, (size_t)n, "NOTIFY", 6));
	MUST(!memmem(env, (size_t)n, "PATH=", 5));
}

static void check_notify(const char *want)
{
	char got[256];
	struct pollfd p = {notify_fd, POLLIN, 0};
	ssize_t n;

	MUST(poll(&p, 1, WAIT_MS) == 1);
	n = recv(notify_fd, got, sizeof(got) - 1, 0);
	MUST(n > 0);
	got[n] = '\0';
	MUST(strstr(got, want));
}

static int connect_api(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	const char *path = under("api.sock");
	int err;

	memcpy(a.sun_path, path, strlen(path) + 1);
	err = connect(fd, (struct sockaddr *)&a, sizeof(a)) ? errno : 0;
	close(fd);
	return err;
}

static int connect_trunk(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	const int err =
		connect(fd, (struct sockaddr *)&a, sizeof(a)) ? errno : 0;

	close(fd);
	return err;
}

static void second_monitor_is_refused(void)
{
	struct monitor_conf mc = {&conf, conf_path, -1, false};
	char why[CONFIG_WHY_CHARS];
	int st;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(8);
		if (config_load(conf_path, &conf, why))
			_exit(9);
		conf.listens = 0; /* it is the socket that is asked of */
		_exit(monitor_main(&mc));
	}
	MUST(waitpid(pid, &st, 0) == pid);
	MUST(WIFEXITED(st) && WEXITSTATUS(st) == 1);
	MUST(!connect_api()); /* and did not take ours away */
}

/* start, be ready, talk, be found */
static void life_begins(void)
{
	pid_t keeper, trunk, console;
	struct stat st;
	char c;

	/* one that nobody listens on is in the way */
	{
		struct sockaddr_un a = {.sun_family = AF_UNIX};
		const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		const char *path = under("api.sock");

		memcpy(a.sun_path, path, strlen(path) + 1);
		MUST(!bind(fd, (struct sockaddr *)&a, sizeof(a)));
		close(fd);
	}
	start();
	keeper = pid_of(await("child.started", "child=keeper", "pid="));
	trunk = pid_of(await("child.started", "child=trunk", "pid="));
	console = pid_of(await("child.started", "child=console", "pid="));
	await("role=trunk", "stub.booted listens=2", "first=127.0.0.1:");
	await("role=console", "stub.booted listens=1", "first=api");
	await("role=keeper", "stub.booted listens=0", "first=-");
	all_greet();
	await("monitor.ready", "", "");
	MUST(read(ready_fd, &c, 1) == 1 && c == '\n');
	check_notify("READY=1");
	if (getuid() == 0) { /* nobody else may look at them */
		/* 0 1 2, the monitor, each neighbour, what it listens on */
		MUST(open_fds(keeper) == 6);
		MUST(open_fds(trunk) == 7);
		MUST(open_fds(console) == 6);
		environment_is_clean(trunk);
	}
	MUST(!stat(under("api.sock"), &st) && (st.st_mode & 0777) == 0660);
	MUST(!connect_api());
	MUST(!connect_trunk());
	second_monitor_is_refused();
}

static void children_are_replaced(void)
{
	const char *line;
	pid_t trunk, keeper;
	int64_t t;

	line = await("child.started", "child=trunk", "");
	trunk = pid_of(line);
	forget();
	kill(trunk, SIGKILL);
	await("child.died", "child=trunk", "signal=9");
	await("role=keeper", "stub.new-pair", "with=trunk");
	await("child.ready", "child=trunk", "");
	await("role=trunk", "stub.heard from=keeper", "what=turn");
	await("role=keeper", "stub.heard from=trunk", "what=ping");
	trunk = pid_of(await("child.started", "child=trunk", ""));
	forget();
	kill(trunk, SIGKILL); /* the second time it has to wait */
	t = mono_ms();
	await("child.started", "child=trunk", "");
	MUST(mono_ms() - t >= 150);
	await("child.ready", "child=trunk", "");

	/* from the first line: the keeper's first life */
	seen = 0;
	keeper = pid_of(await("child.started", "child=keeper", ""));
	forget();
	kill(keeper, SIGKILL);
	await("role=trunk", "stub.new-pair", "with=keeper");
	await("role=console", "stub.new-pair", "with=keeper");
	all_greet();
	await("child.ready", "child=keeper", "");
}

static void rule_breakers_are_killed(void)
{
	pid_t console;

	forget();
	kill(monitor, SIGHUP);
	await("monitor.configuration-good", "", "");
	seen = 0;
	console = pid_of(await("child.started", "child=console", ""));
	forget();
	tell("console.liar");
	kill(console, SIGKILL);
	/* its second life lies about the keeper, and is believed nothing */
	await("child.broke-rules by=console", "about=keeper", "killed=console");
	seen = matched;
	await("child.died", "child=console", "signal=9");
	await("child.ready", "child=console", "");
}

static void life_ends(void)
{
	struct stat st;

	forget();
	kill(monitor, SIGTERM);
	MUST(stop_status() == 0);
	check_notify("STOPPING=1");
	await("child.stopped", "child=keeper", "");
	await("child.stopped", "child=trunk", "");
	await("child.stopped", "child=console", "");
	MUST(stat(under("api.sock"), &st) && errno == ENOENT);
}

/* A broken trunk is reported by the keeper and killed; one that does not stop
 * is killed when asked twice */
static void rogue_and_deaf(void)
{
	tell("trunk.rogue");
	start();
	await("role=keeper", "boot.neighbour-broke-rules", "neighbour=trunk");
	await("child.broke-rules by=keeper", "about=trunk", "killed=trunk");
	await("child.died", "child=trunk", "signal=9");
	await("role=keeper", "stub.new-pair", "with=trunk");
	await("monitor.ready", "", "");
	forget();
	tell("trunk.deaf");
	seen = 0;
	await("child.died", "child=trunk", "");
	{
		const char *at, *last = NULL;

		for (at = text; (at = strstr(at, "child.started child=trunk"));
		     at++)
			last = at;
		MUST(last);
		kill(pid_of(last), SIGKILL);
	}
	forget();
	await("child.ready", "child=trunk", "");
	kill(monitor, SIGTERM);
	await("child.stopped", "child=console", "");
	kill(monitor, SIGTERM);
	await("child.died", "child=trunk", "signal=9");
	MUST(stop_status() == 0);
}

/* Nobody outlives the monitor */
static void all_die_together(void)
{
	char c[4096];
	struct pollfd p;

	start();
	await("monitor.ready", "", "");
	kill(monitor, SIGKILL);
	MUST(stop_status() == 1000 + SIGKILL);
	/* stderr closes when the last of them is gone */
	p = (struct pollfd){log_fd, POLLIN, 0};
	while (poll(&p, 1, WAIT_MS) == 1 && read(log_fd, c, sizeof(c)) > 0)
		;
	MUST(p.revents & POLLHUP);
}

static void gives_up_at_start(void)
{
	tell("keeper.exit");
	start();
	await("child.died", "child=keeper", "status=3");
	await("monitor.gave-up", "child=keeper", "times=5");
	MUST(stop_status() == 1);
	untell("keeper.exit");
}

static void bad_address(void)
{
	const int fd = open(under("bad.conf"), O_WRONLY | O_CREAT, 0600);
	char why[CONFIG_WHY_CHARS] = "";
	struct config c;

	MUST(fd >= 0 && write(fd, "name A\n", 7) == 7);
	close(fd);
	MUST(config_load(under("bad.conf"), &c, why) == EBADMSG);
	MUST(strstr(why, "bad.conf:1: name: found A, expected"));
	MUST(config_load(under("none.conf"), &c, why) == ENOENT);
	MUST(strstr(why, "none.conf"));
}

static uint16_t free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t n = sizeof(a);

	MUST(!bind(fd, (struct sockaddr *)&a, n) &&
	     !getsockname(fd, (struct sockaddr *)&a, &n));
	close(fd);
	return ntohs(a.sin_port);
}

static void prepare(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const char *path;
	FILE *f;

	MUST(mkdtemp(dir) && !chmod(dir, 0755));
	MUST(!mkdir(under("state"), 0777) && !chmod(under("state"), 0777));
	port = free_port();
	snprintf(conf_path, sizeof(conf_path), "%s/ringdown.conf", dir);
	f = fopen(conf_path, "w");
	MUST(f);
	fprintf(f,
		"name test.example\nstate %s/state\nmarker none\n"
		"socket %s/api.sock\nlisten 127.0.0.1:%u\nlisten [::1]:%u\n",
		dir, dir, port, port);
	fclose(f);
	path = under("notify");
	memcpy(a.sun_path, path, strlen(path) + 1);
	notify_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	MUST(!bind(notify_fd, (struct sockaddr *)&a, sizeof(a)));
}

static void cleanup(void)
{
	static const char *const names[] = {"notify",   "ringdown.conf",
					    "bad.conf", "api.sock",
					    "state",    NULL};

	for (unsigned i = 0; names[i]; i++)
		remove(under(names[i]));
	rmdir(dir);
}

int main(int argc, char **argv)
{
	if (argc >= 5 && !strcmp(argv[3], "-r"))
		return role_main(argv[2], role_of(argv[4]));
	prepare();
	bad_address();
	life_begins();
	seen = 0;
	children_are_replaced();
	rule_breakers_are_killed();
	life_ends();
	rogue_and_deaf();
	all_die_together();
	gives_up_at_start();
	cleanup();
	printf("monitor: 1 passed, 0 failed\n");
	return 0;
}
