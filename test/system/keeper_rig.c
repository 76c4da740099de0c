/* SPDX-License-Identifier: ISC */
/** @file keeper_rig.c  Two real keeper processes, all else scripted */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "core/path.h"
#include "keeper/keeper.h"
#include "keeper/keys.h"
#include "keeper_rig.h"
#include "proto/frame.h"

#define NOBODY 65534
#define REOPEN_MS 50
#define QUEUE_BYTES (256U << 20)

jmp_buf krig_jump;

void krig_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	longjmp(krig_jump, 1);
}

uint64_t krig_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- processes ---- */

static void pair_of(int fd[2])
{
	MUST(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd));
	MUST(!fcntl(fd[0], F_SETFL, O_NONBLOCK) &&
	     !fcntl(fd[1], F_SETFL, O_NONBLOCK));
}

static struct wire_end *end_of(int fd, enum role us, enum role them)
{
	struct wire_end *w = NULL;

	if (wire_end_alloc(&w, fd, us, them, QUEUE_BYTES))
		abort();
	return w;
}

__attribute__((noreturn)) static void child(const struct config *conf,
					    int fd[3])
{
	static struct boot b;
	enum { FIRST = 200 };

	for (int i = 0; i < 3; i++)
		fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, FIRST);
	close_range(3, FIRST - 1, 0);
	close_range(FIRST + 3, ~0U, 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	log_open("keeper", false);
	if (!getenv("KEEPER_LOG"))
		log_level_set((enum log_level)0);
	b.role = ROLE_KEEPER;
	b.monitor = end_of(fd[0], ROLE_KEEPER, ROLE_MONITOR);
	b.peer[ROLE_TRUNK] = end_of(fd[1], ROLE_KEEPER, ROLE_TRUNK);
	b.peer[ROLE_CONSOLE] = end_of(fd[2], ROLE_KEEPER, ROLE_CONSOLE);
	exit(keeper_main(&b, conf));
}

void krig_start(struct krig *r, int i)
{
	struct krig_node *n = &r->node[i];
	int monitor[2], trunk[2], console[2];

	pair_of(monitor);
	pair_of(trunk);
	pair_of(console);
	n->ready = false;
	n->last_conn = 0;
	fflush(NULL);
	n->pid = fork();
	MUST(n->pid >= 0);
	if (!n->pid)
		child(&n->conf, (int[3]){monitor[1], trunk[1], console[1]});
	close(monitor[1]);
	close(trunk[1]);
	close(console[1]);
	n->monitor = end_of(monitor[0], ROLE_MONITOR, ROLE_KEEPER);
	n->trunk = end_of(trunk[0], ROLE_TRUNK, ROLE_KEEPER);
	n->console = end_of(console[0], ROLE_CONSOLE, ROLE_KEEPER);
	KRIG_WAIT(r, n->ready, 20000);
}

static void ends_free(struct krig_node *n)
{
	n->monitor = wire_end_free(n->monitor);
	n->trunk = wire_end_free(n->trunk);
	n->console = wire_end_free(n->console);
}

static void say(struct wire_end *w, struct wire_msg *m)
{
	if (w)
		(void)!wire_send(w, m);
}

void krig_say_trunk(struct krig *r, int i, struct wire_msg *m)
{
	say(r->node[i].trunk, m);
}

static void path_down(struct krig *r, struct krig_path *p)
{
	struct wire_msg m = {.type = WIRE_PATH_CLOSED, .fd = -1};

	if (!p->open)
		return;
	p->open = false;
	p->again_ms = krig_ms() + REOPEN_MS;
	m.path_closed.reason = str_of("cut");
	for (int i = 0; i < 2; i++) {
		m.path_closed.conn = p->conn[i];
		krig_say_trunk(r, i, &m);
	}
}

static int reap(struct krig_node *n)
{
	int st = -1;

	if (n->pid)
		MUST(waitpid(n->pid, &st, 0) == n->pid);
	n->pid = 0;
	return st;
}

void krig_kill(struct krig *r, int i)
{
	MUST(!kill(r->node[i].pid, SIGKILL));
	(void)reap(&r->node[i]);
	ends_free(&r->node[i]);
	for (int p = 0; p < KRIG_PATHS; p++)
		path_down(r, &r->path[p]);
}

int krig_stop(struct krig *r, int i)
{
	struct wire_msg m = {.type = WIRE_STOP, .fd = -1};
	int st;

	say(r->node[i].monitor, &m);
	st = reap(&r->node[i]);
	ends_free(&r->node[i]);
	for (int p = 0; p < KRIG_PATHS; p++)
		path_down(r, &r->path[p]);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 255;
}

void krig_trunk_again(struct krig *r, int i)
{
	struct wire_msg m = {.type = WIRE_PEER_FD};
	int fd[2];

	pair_of(fd);
	r->node[i].trunk = wire_end_free(r->node[i].trunk);
	for (int p = 0; p < KRIG_PATHS; p++)
		path_down(r, &r->path[p]);
	r->node[i].trunk = end_of(fd[0], ROLE_TRUNK, ROLE_KEEPER);
	r->node[i].pair.set = false;
	m.fd = fd[1];
	m.peer_fd.role = ROLE_TRUNK;
	say(r->node[i].monitor, &m);
	close(fd[1]);
}

/* ---- directories ---- */

static void dir_make(const char *path)
{
	MUST(!mkdir(path, 0700));
	if (!geteuid())
		MUST(!chown(path, NOBODY, NOBODY));
}

static void node_make(struct krig *r, int i, const char *name)
{
	struct krig_node *n = &r->node[i];
	struct config *c = &n->conf;
	char why[KEYS_WHY_CHARS], dir[120];

	for (size_t a = 0; a < KRIG_ANSWERS; a++)
		n->answer[a].fd = -1;
	snprintf(n->name, sizeof(n->name), "%s", name);
	snprintf(dir, sizeof(dir), "%.60s/%s", r->base, name);
	snprintf(n->dir, sizeof(n->dir), "%s", dir);
	MUST(!mkdir(dir, 0711));
	config_defaults(c);
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->state, sizeof(c->state), "%s/state", dir);
	snprintf(c->keys, sizeof(c->keys), "%s/keys", dir);
	snprintf(c->marker, sizeof(c->marker), "%s/mark/marker", dir);
	snprintf(c->address[0], sizeof(c->address[0]), "192.0.2.%d:7411",
		 i + 1);
	c->addresses = 1;
	c->user[CONFIG_KEEPER].uid = geteuid() ? geteuid() : NOBODY;
	c->user[CONFIG_KEEPER].gid = geteuid() ? getegid() : NOBODY;
	dir_make(c->state);
	*strrchr(c->marker, '/') = '\0';
	dir_make(c->marker);
	c->marker[strlen(c->marker)] = '/';
	MUST(!keys_create(c->keys, why));
}

void krig_begin(struct krig *r)
{
	memset(r, 0, sizeof(*r));
	memcpy(r->base, "/tmp/keeper-test.XXXXXX", 24);
	MUST(mkdtemp(r->base) && !chmod(r->base, 0711));
	node_make(r, 0, "north.example");
	node_make(r, 1, "south.example");
	krig_start(r, 0);
	krig_start(r, 1);
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

void krig_end(struct krig *r)
{
	for (int i = 0; i < 2; i++) {
		struct krig_node *n = &r->node[i];

		if (n->pid) {
			(void)kill(n->pid, SIGKILL);
			(void)waitpid(n->pid, NULL, 0);
			n->pid = 0;
		}
		ends_free(n);
		/* a test may have put a small disk there */
		(void)umount2(n->conf.state, MNT_DETACH);
		for (size_t a = 0; a < KRIG_ANSWERS; a++) {
			buf_free(&n->answer[a].body);
			if (n->answer[a].fd >= 0)
				close(n->answer[a].fd);
			n->answer[a].fd = -1;
		}
	}
	if (r->base[0])
		(void)nftw(r->base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	r->base[0] = '\0';
}

/* ---- the joined trunks ---- */

static struct krig_path *path_find(struct krig *r, int i, uint32_t conn)
{
	for (int p = 0; p < KRIG_PATHS; p++) {
		if (r->path[p].open && r->path[p].conn[i] == conn)
			return &r->path[p];
	}
	return NULL;
}

static void frame_in(struct krig *r, int i, uint32_t conn, uint8_t type,
		     struct str payload)
{
	struct wire_msg m = {.type = WIRE_FRAME_IN, .fd = -1};

	m.frame_in = (struct wire_frame_in){conn, type, payload};
	krig_say_trunk(r, i, &m);
}

static void bulk_relay(struct krig *r, int i, struct krig_path *p,
		       const struct wire_bulk_out *m, int fd)
{
	static uint8_t piece[BULK_BYTES];
	struct buf b;

	buf_init(&b, FRAME_BYTES_MAX);
	for (uint64_t at = 0; at < m->bytes;) {
		const uint64_t left = m->bytes - at;
		const size_t n =
			left < sizeof(piece) ? (size_t)left : sizeof(piece);

		MUST(pread(fd, piece, n, (off_t)(m->fd_offset + at)) ==
		     (ssize_t)n);
		buf_reset(&b);
		bulk_encode_head(m->seq, m->offset + at, &b);
		buf_put(&b, piece, n);
		frame_in(r, !i, p->conn[!i], FRAME_BULK,
			 (struct str){(const char *)b.p, b.n});
		at += n;
	}
	buf_free(&b);
}

static void path_up(struct krig *r, struct krig_path *p)
{
	static uint8_t exporter[32];
	struct wire_msg m = {.type = WIRE_PATH_OPEN, .fd = -1};
	struct wire_msg s = {.type = WIRE_PATH_STATE, .fd = -1};
	const uint8_t number = (uint8_t)(p - r->path);

	exporter[0]++;
	p->open = true;
	for (int i = 0; i < 2; i++) {
		p->joined[i] = false;
		p->conn[i] = ++r->node[i].last_conn;
		m.path_open = (struct wire_path_open){
			p->conn[i],
			0,
			(uint8_t)i,
			number,
			{(const char *)exporter, sizeof(exporter)},
			str_of("192.0.2.1:1"),
			str_of("192.0.2.2:2")};
		krig_say_trunk(r, i, &m);
		s.path_state = (struct wire_path_state){
			0,         number,
			PATH_UP,   p->conn[i],
			1500,      200,
			10,        20,
			0,         str_of("192.0.2.2:2"),
			str_of("")};
		krig_say_trunk(r, i, &s);
	}
}

void krig_line(struct krig *r, bool up)
{
	r->line = up;
	for (int p = 0; p < KRIG_PATHS && !up; p++)
		path_down(r, &r->path[p]);
}

bool krig_joined(const struct krig *r)
{
	for (int p = 0; p < KRIG_PATHS; p++) {
		if (r->path[p].open && r->path[p].joined[0] &&
		    r->path[p].joined[1])
			return true;
	}
	return false;
}

static void pair_set(struct krig_node *n, const struct wire_pair_set *m)
{
	struct krig_pair *p = &n->pair;

	MUST(m->dial_psk.n == 32 && m->listen_psk.n == 32);
	MUST(!str_copy(m->name, p->name, sizeof(p->name)) &&
	     !str_copy(m->dial_identity, p->dial, sizeof(p->dial)) &&
	     !str_copy(m->listen_identity, p->listen, sizeof(p->listen)));
	memcpy(p->dial_psk, m->dial_psk.p, 32);
	memcpy(p->listen_psk, m->listen_psk.p, 32);
	p->set = true;
}

static void on_trunk(struct krig *r, int i, const struct wire_msg *m)
{
	struct krig_path *p;

	switch (m->type) {
	case WIRE_PAIR_SET: pair_set(&r->node[i], &m->pair_set); break;
	case WIRE_PAIR_DROP:
		r->node[i].drops++;
		r->node[i].pair.set = false;
		break;
	case WIRE_FRAME_OUT:
		r->node[i].frames++;
		p = path_find(r, i, m->frame_out.conn);
		if (p)
			frame_in(r, !i, p->conn[!i], m->frame_out.type,
				 m->frame_out.payload);
		break;
	case WIRE_BULK_OUT:
		p = path_find(r, i, m->bulk_out.conn);
		if (p)
			bulk_relay(r, i, p, &m->bulk_out, m->fd);
		close(m->fd);
		break;
	case WIRE_PATH_CLOSE:
		r->closes++;
		p = path_find(r, i, m->path_close.conn);
		if (p)
			path_down(r, p);
		break;
	case WIRE_PATH_JOINED:
		p = path_find(r, i, m->path_joined.conn);
		if (p)
			p->joined[i] = true;
		r->joins++;
		break;
	case WIRE_TURN: r->node[i].turn = m->turn.turn; break;
	default: krig_fail(__FILE__, __LINE__, wire_name(m->type));
	}
}

/* ---- the console ---- */

static struct krig_answer *slot(struct krig_node *n, uint32_t req)
{
	return &n->answer[req % KRIG_ANSWERS];
}

static void on_console(struct krig *r, int i, const struct wire_msg *m)
{
	struct krig_node *n = &r->node[i];
	struct krig_answer *a;

	switch (m->type) {
	case WIRE_NEWS:
		n->news++;
		if (strlen(n->what) + m->news.what.n + 2 < sizeof(n->what))
			snprintf(n->what + strlen(n->what),
				 sizeof(n->what) - strlen(n->what), "%.*s;",
				 (int)m->news.what.n, m->news.what.p);
		break;
	case WIRE_ANSWER:
		a = slot(n, m->answer.req);
		MUST(a->used && !a->last);
		a->http = m->answer.http;
		a->last = m->answer.last;
		MUST(!str_copy(m->answer.media, a->media, sizeof(a->media)));
		buf_put(&a->body, m->answer.body.p, m->answer.body.n);
		break;
	case WIRE_ANSWER_FD:
		a = slot(n, m->answer_fd.req);
		MUST(a->used && !a->last);
		a->http = m->answer_fd.http;
		a->last = true;
		a->fd = m->fd;
		a->offset = m->answer_fd.offset;
		a->bytes = m->answer_fd.bytes;
		MUST(!str_copy(m->answer_fd.media, a->media, sizeof(a->media)));
		MUST(!str_copy(m->answer_fd.name, a->name, sizeof(a->name)));
		break;
	default: krig_fail(__FILE__, __LINE__, wire_name(m->type));
	}
}

uint32_t krig_ask(struct krig *r, int i, struct wire_msg *m)
{
	struct krig_node *n = &r->node[i];
	const uint32_t req = ++n->last_req;
	struct krig_answer *a = slot(n, req);

	buf_free(&a->body);
	if (a->fd >= 0)
		close(a->fd);
	*a = (struct krig_answer){.used = true, .fd = -1};
	buf_init(&a->body, 8U << 20);
	/* every question begins with its number */
	m->q_status.req = req;
	if (!wire_has_fd(m->type))
		m->fd = -1;
	MUST(!wire_send(n->console, m));
	return req;
}

struct krig_answer *krig_answered(struct krig *r, int i, uint32_t req)
{
	struct krig_answer *a = slot(&r->node[i], req);

	return a->last ? a : NULL;
}

struct krig_answer *krig_expect(struct krig *r, int i, struct wire_msg *m,
				unsigned http)
{
	const uint32_t req = krig_ask(r, i, m);
	struct krig_answer *a;

	KRIG_WAIT(r, krig_answered(r, i, req), 30000);
	a = krig_answered(r, i, req);
	if (a->http != http)
		fprintf(stderr, "%s: %u, not %u: %.*s\n", wire_name(m->type),
			a->http, http, (int)a->body.n, (char *)a->body.p);
	MUST(a->http == http);
	return a;
}

json_t *krig_json(struct krig *r, int i, struct wire_msg *m, unsigned http)
{
	struct krig_answer *a = krig_expect(r, i, m, http);
	json_t *root = json_loadb((const char *)a->body.p, a->body.n, 0, NULL);

	MUST(root);
	return root;
}

void krig_problem(struct krig *r, int i, struct wire_msg *m, unsigned http,
		  const char *type)
{
	json_t *root = krig_json(r, i, m, http);
	const char *got = json_string_value(json_object_get(root, "type"));
	const char *detail = json_string_value(json_object_get(root, "detail"));

	if (!got || strcmp(got, type) != 0)
		fprintf(stderr, "%s: problem %s, not %s\n", wire_name(m->type),
			got, type);
	MUST(got && !strcmp(got, type));
	MUST(detail && strlen(detail) > 20);
	MUST(json_integer_value(json_object_get(root, "status")) ==
	     (json_int_t)http);
	json_decref(root);
}

/* ---- the loop ---- */

typedef void(on_h)(struct krig *r, int i, const struct wire_msg *m);

static void drain(struct krig *r, int i, struct wire_end **w, on_h *h)
{
	struct wire_msg m;

	for (int n = 0; n < 512 && *w; n++) {
		const int err = wire_receive(*w, &m);

		if (err == EAGAIN)
			return;
		if (err) {
			*w = wire_end_free(*w);
			return;
		}
		h(r, i, &m);
	}
}

static void on_monitor(struct krig *r, int i, const struct wire_msg *m)
{
	MUST(m->type == WIRE_READY || m->type == WIRE_COMPLAIN ||
	     m->type == WIRE_ALARM);
	if (m->type == WIRE_READY)
		r->node[i].ready = true;
}

void krig_pump(struct krig *r, int ms)
{
	struct wire_end **w[6];
	struct pollfd p[6];

	for (int i = 0; i < 2; i++) {
		w[3 * i] = &r->node[i].monitor;
		w[3 * i + 1] = &r->node[i].trunk;
		w[3 * i + 2] = &r->node[i].console;
	}
	for (int i = 0; i < 6; i++) {
		p[i] = (struct pollfd){*w[i] ? wire_end_fd(*w[i]) : -1, POLLIN,
				       0};
		if (*w[i] && wire_waiting(*w[i]))
			p[i].events |= POLLOUT;
	}
	(void)poll(p, 6, ms);
	for (int i = 0; i < 6; i++) {
		if (*w[i] && p[i].revents & POLLOUT && wire_flush(*w[i]))
			*w[i] = wire_end_free(*w[i]);
		if (*w[i] && p[i].revents & ~POLLOUT)
			drain(r, i / 3, w[i],
			      i % 3 == 0   ? on_monitor
			      : i % 3 == 1 ? on_trunk
					   : on_console);
	}
	for (int i = 0; i < KRIG_PATHS && r->line; i++) {
		if (!r->path[i].open && krig_ms() >= r->path[i].again_ms &&
		    r->node[0].trunk && r->node[1].trunk &&
		    r->node[0].pair.set && r->node[1].pair.set)
			path_up(r, &r->path[i]);
	}
}
