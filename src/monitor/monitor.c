/* SPDX-License-Identifier: ISC */
/** @file monitor.c  Start all, keep all running, stop all */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "monitor/child.h"
#include "monitor/hook.h"
#include "monitor/listen.h"
#include "monitor/load.h"
#include "monitor/monitor.h"
#include "sandbox/boot.h"

#define STOP_MS_MAX 10000  /* to stop cleanly; then killed */
#define HANGUP_MS_MAX 2000 /* from closing our pair to its exit; as above */
#define SETTLED_MS 60000   /* a life this long forgets earlier deaths */
#define START_DEATHS_MAX 5 /* in a row before all were ready: give up */

/* After the first, second, ... death; the last one from then on */
static const unsigned restart_delay_ms[] = {0, 200, 1000, 5000};

/* In the order they are started: nobody starts before whom it needs */
static const enum role order[] = {ROLE_KEEPER, ROLE_TRUNK, ROLE_CONSOLE};
#define CHILDREN (sizeof(order) / sizeof(order[0]))

struct monitor {
	const struct monitor_conf *conf;
	struct spawn_conf spawn;
	struct child child[ROLES]; /* by role; those of order[] are used */
	int tcp[CONFIG_LISTENS_MAX];
	int api; /* listening Unix socket, -1 */
	int sigfd;
	struct hook *hook;
	bool served; /* all have been ready once */
	bool stopping;
	bool failed;
	uint64_t stop_at_ms;
};

static uint64_t mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The keeper has a pair with everybody, the others with nobody else */
static bool neighbours(enum role a, enum role b)
{
	return a != b && (a == ROLE_KEEPER || b == ROLE_KEEPER);
}

/* ---- starting one ---- */

static int give_listens(struct monitor *m, struct child *c)
{
	const struct config *conf = m->conf->config;
	int err = 0;

	if (c->role == ROLE_CONSOLE)
		return child_give_listen(c, "api", m->api);
	if (c->role != ROLE_TRUNK)
		return 0;
	for (size_t i = 0; i < conf->listens && !err; i++)
		err = child_give_listen(c, conf->listen[i], m->tcp[i]);
	return err;
}

static int give_all(struct monitor *m, struct child *c)
{
	int err = 0;

	for (size_t i = 0; i < CHILDREN && !err; i++) {
		if (neighbours(c->role, order[i]))
			err = child_pair(c, &m->child[order[i]]);
	}
	if (!err)
		err = give_listens(m, c);
	if (!err)
		err = child_say(c, WIRE_START);
	return err;
}

static void stop_all(struct monitor *m)
{
	if (m->stopping)
		return;
	m->stopping = true;
	m->stop_at_ms = mono_ms() + STOP_MS_MAX;
	notify_manager("STOPPING=1");
	for (size_t i = 0; i < CHILDREN; i++) {
		struct child *c = &m->child[order[i]];

		/* who cannot be told is killed when the time is up */
		if (c->ctl && child_say(c, WIRE_STOP))
			kill(c->pid, SIGKILL);
	}
}

/* It died, or could not be made: when is it tried again? */
static void restart_plan(struct monitor *m, struct child *c)
{
	const size_t last = sizeof(restart_delay_ms) / sizeof(unsigned) - 1;
	const uint64_t now = mono_ms();

	if (c->started_ms && now - c->started_ms >= SETTLED_MS)
		c->deaths = 0;
	c->restart_at_ms =
		now + restart_delay_ms[c->deaths < last ? c->deaths : last];
	c->deaths++;
	if (m->stopping)
		return;
	if (!m->served && c->deaths >= START_DEATHS_MAX) {
		log_error("monitor.gave-up", "child=%s times=%u kept=%s do=%s",
			  role_name(c->role), c->deaths,
			  "the record is as it was",
			  "see the child's own last line above");
		m->failed = true;
		stop_all(m);
		return;
	}
	log_info("child.restarts", "child=%s in_ms=%llu", role_name(c->role),
		 (unsigned long long)(c->restart_at_ms - now));
}

static void start_one(struct monitor *m, struct child *c)
{
	int err = child_spawn(c, &m->spawn);

	c->started_ms = mono_ms();
	if (err) {
		log_error("child.not-started", "child=%s err=%s",
			  role_name(c->role), strerror(err));
		restart_plan(m, c);
		return;
	}
	log_info("child.started", "child=%s pid=%d", role_name(c->role),
		 (int)c->pid);
	err = give_all(m, c);
	if (err) { /* its end is seen by SIGCHLD */
		log_error("child.not-started", "child=%s err=%s",
			  role_name(c->role), strerror(err));
		kill(c->pid, SIGKILL);
	}
}

static void start_due(struct monitor *m)
{
	for (size_t i = 0; i < CHILDREN && !m->stopping; i++) {
		struct child *c = &m->child[order[i]];

		if (!c->pid && c->restart_at_ms <= mono_ms())
			start_one(m, c);
	}
}

/* ---- what happens to them ---- */

static void log_death(const struct child *c, int st)
{
	if (WIFSIGNALED(st) && WTERMSIG(st) == SIGSYS)
		log_error("child.died", "child=%s pid=%d signal=%d why=%s",
			  role_name(c->role), (int)c->pid, WTERMSIG(st),
			  "a system call that its sandbox forbids: treat the "
			  "process as taken over until shown otherwise");
	else if (WIFSIGNALED(st))
		log_error("child.died", "child=%s pid=%d signal=%d",
			  role_name(c->role), (int)c->pid, WTERMSIG(st));
	else
		log_error("child.died", "child=%s pid=%d status=%d",
			  role_name(c->role), (int)c->pid, WEXITSTATUS(st));
}

static void reap(struct monitor *m)
{
	int st;
	pid_t pid;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		if (hook_reaped(m->hook, pid, st))
			continue;
		for (size_t i = 0; i < CHILDREN; i++) {
			struct child *c = &m->child[order[i]];

			if (c->pid != pid)
				continue;
			if (m->stopping && WIFEXITED(st) && !WEXITSTATUS(st))
				log_info("child.stopped", "child=%s pid=%d",
					 role_name(c->role), (int)pid);
			else
				log_death(c, st);
			child_forget(c);
			restart_plan(m, c);
		}
	}
}

static bool all_ready(const struct monitor *m)
{
	for (size_t i = 0; i < CHILDREN; i++) {
		if (!m->child[order[i]].ready)
			return false;
	}
	return true;
}

static void on_ready(struct monitor *m, struct child *c, struct str what)
{
	const int fd = m->conf->ready_fd;

	c->ready = true;
	log_info("child.ready", "child=%s pid=%d what=%.*s", role_name(c->role),
		 (int)c->pid, LOG_STR(what));
	if (m->served || !all_ready(m))
		return;
	m->served = true;
	log_info("monitor.ready", "name=%s", m->conf->config->name);
	notify_manager("READY=1\nSTATUS=All processes serve.");
	if (fd >= 0 && write(fd, "\n", 1) != 1)
		log_warn("monitor.ready-fd", "fd=%d err=%s", fd,
			 strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* The keeper faces no stranger: a neighbour that says it broke the rules is
 * more likely the broken one, and must not be able to have it killed. */
static void on_complaint(struct monitor *m, struct child *c, unsigned about,
			 struct str why)
{
	struct child *guilty = c;

	if (about < ROLES && neighbours(c->role, (enum role)about) &&
	    about != ROLE_KEEPER && m->child[about].pid)
		guilty = &m->child[about];
	log_error("child.broke-rules", "by=%s about=%s killed=%s why=%.*s",
		  role_name(c->role), role_name((enum role)about),
		  role_name(guilty->role), LOG_STR(why));
	kill(guilty->pid, SIGKILL);
}

static void listen_to(struct monitor *m, struct child *c)
{
	struct wire_msg msg;
	int err = wire_receive(c->ctl, &msg);

	if (!err && msg.type == WIRE_READY && msg.ready.role == c->role &&
	    !c->ready)
		on_ready(m, c, msg.ready.what);
	else if (!err && msg.type == WIRE_ALARM)
		hook_alarm(m->hook, &msg.alarm);
	else if (!err && msg.type == WIRE_COMPLAIN)
		on_complaint(m, c, msg.complain.role, msg.complain.why);
	else if (err == EPIPE) {
		/* it exits, and with a status of its own */
		c->ctl = wire_end_free(c->ctl);
		c->kill_at_ms = mono_ms() + HANGUP_MS_MAX;
	} else if (err != EAGAIN) {
		log_error("child.broke-rules", "by=%s about=monitor",
			  role_name(c->role));
		c->ctl = wire_end_free(c->ctl);
		kill(c->pid, SIGKILL);
	}
}

static void on_hup(const struct monitor *m)
{
	struct config c;
	char why[CONFIG_WHY_CHARS];

	if (config_load(m->conf->config_path, &c, why))
		log_error("monitor.configuration-bad", "why=%s kept=%s", why,
			  "what runs goes on with what it had");
	else
		log_warn("monitor.configuration-good", "file=%s note=%s",
			 m->conf->config_path,
			 "nothing changes before ringdownd is restarted");
}

static void on_signal(struct monitor *m)
{
	struct signalfd_siginfo si;

	while (read(m->sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD) {
			reap(m);
		} else if (si.ssi_signo == SIGHUP) {
			on_hup(m);
		} else {
			log_info("monitor.stopping", "signal=%u", si.ssi_signo);
			if (m->stopping) /* asked twice */
				m->stop_at_ms = 0;
			stop_all(m);
		}
	}
}

/* ---- the loop ---- */

static bool any_left(const struct monitor *m)
{
	for (size_t i = 0; i < CHILDREN; i++) {
		if (m->child[order[i]].pid)
			return true;
	}
	return false;
}

static int wait_ms(const struct monitor *m)
{
	const uint64_t now = mono_ms();
	uint64_t next = UINT64_MAX;

	if (m->stopping)
		next = m->stop_at_ms;
	for (size_t i = 0; i < CHILDREN; i++) {
		const struct child *c = &m->child[order[i]];
		const uint64_t at = c->pid        ? c->kill_at_ms
				    : m->stopping ? UINT64_MAX
						  : c->restart_at_ms;

		next = at < next ? at : next;
	}
	if (!m->stopping && hook_deadline_ms(m->hook) < next)
		next = hook_deadline_ms(m->hook);
	if (next == UINT64_MAX)
		return -1;
	return next <= now ? 0 : (int)(next - now);
}

static void kill_due(struct monitor *m)
{
	const uint64_t now = mono_ms();
	const bool all = m->stopping && now >= m->stop_at_ms;

	for (size_t i = 0; i < CHILDREN; i++) {
		struct child *c = &m->child[order[i]];

		if (!c->pid || (!all && now < c->kill_at_ms))
			continue;
		kill(c->pid, SIGKILL);
		c->kill_at_ms = UINT64_MAX;
	}
	if (all)
		m->stop_at_ms = now + STOP_MS_MAX;
}

static void turn(struct monitor *m)
{
	struct pollfd p[CHILDREN + 1] = {{m->sigfd, POLLIN, 0}};

	for (size_t i = 0; i < CHILDREN; i++) {
		const struct child *c = &m->child[order[i]];

		p[i + 1].fd = c->ctl ? wire_end_fd(c->ctl) : -1;
		p[i + 1].events = POLLIN;
		if (c->ctl && wire_waiting(c->ctl))
			p[i + 1].events = POLLIN | POLLOUT;
	}
	if (poll(p, CHILDREN + 1, wait_ms(m)) < 0)
		return;
	for (size_t i = 0; i < CHILDREN; i++) {
		struct child *c = &m->child[order[i]];

		if (c->ctl &&
		    ((p[i + 1].revents & POLLOUT && wire_flush(c->ctl)) ||
		     p[i + 1].revents & ~POLLOUT))
			listen_to(m, c);
	}
	if (p[0].revents)
		on_signal(m);
	kill_due(m);
	start_due(m);
	if (!m->stopping)
		hook_tick(m->hook, mono_ms());
}

/* ---- from nothing, to nothing ---- */

static int signals_take(struct monitor *m)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return errno;
	m->sigfd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return m->sigfd < 0 ? errno : 0;
}

static int open_all(struct monitor *m)
{
	const struct config *c = m->conf->config;
	char why[LISTEN_WHY_CHARS] = "";
	int err = 0;

	for (size_t i = 0; i < c->listens && !err; i++)
		err = listen_tcp(c->listen[i], &m->tcp[i], why);
	if (!err)
		err = listen_unix(c->socket, c->socket_group, &m->api, why);
	if (err) {
		log_error("monitor.cannot-listen", "why=%s", why);
		return err;
	}
	/* held open: what is executed later is what was started */
	m->spawn.exe_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (m->spawn.exe_fd < 0)
		err = errno;
	if (!err)
		err = signals_take(m);
	if (!err)
		err = hook_alloc(&m->hook, c);
	if (err)
		log_error("monitor.cannot-start", "err=%s", strerror(err));
	return err;
}

static void close_all(struct monitor *m)
{
	for (size_t i = 0; i < CONFIG_LISTENS_MAX; i++) {
		if (m->tcp[i] >= 0)
			close(m->tcp[i]);
	}
	if (m->api >= 0) {
		close(m->api);
		unlink(m->conf->config->socket);
	}
	if (m->spawn.exe_fd >= 0)
		close(m->spawn.exe_fd);
	if (m->sigfd >= 0)
		close(m->sigfd);
	m->hook = hook_free(m->hook);
}

int monitor_main(const struct monitor_conf *mc)
{
	struct monitor m = {.conf = mc, .api = -1, .sigfd = -1};
	const char *walls;

	if (mc->ready_fd >= 0)
		(void)fcntl(mc->ready_fd, F_SETFD, FD_CLOEXEC);
	m.spawn = (struct spawn_conf){-1, mc->config_path, mc->debug};
	for (size_t i = 0; i < CONFIG_LISTENS_MAX; i++)
		m.tcp[i] = -1;
	for (size_t i = 0; i < CHILDREN; i++)
		child_init(&m.child[order[i]], order[i]);
	if (open_all(&m)) {
		close_all(&m);
		return 1;
	}
	walls = sandbox_enter(ROLE_MONITOR, 0, 0, NULL, 0);
	log_info("monitor.started", "name=%s pid=%d walls=%s", mc->config->name,
		 (int)getpid(), walls);
	start_due(&m);
	while (!m.stopping || any_left(&m))
		turn(&m);
	close_all(&m);
	log_info("monitor.stopped", NULL);
	return m.failed ? 1 : 0;
}
