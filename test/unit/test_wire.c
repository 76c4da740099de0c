/* SPDX-License-Identifier: ISC */
/** @file test_wire.c  Messages between our own processes, and their queue */
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "rdtest.h"
#include "wire/wire.h"

/* The fields once more from wire.def, by other means than the codec's */
enum kind { NUMBER, TEXT, OCTETS };

struct field {
	enum kind kind;
	size_t at, bytes, max;
};

#define FIELDS_MAX 16

static struct layout {
	enum wire_type type;
	enum role from, to;
	bool fd;
	size_t n;
	struct field f[FIELDS_MAX];
} layouts[WIRE_TYPES];

#define PUT(k, member, b, m)                                                   \
	layout_put(l, k, (size_t)((uint8_t *)&v->member - (uint8_t *)&any), b, \
		   m);
#define U8(member) PUT(NUMBER, member, 1, 0)
#define U16(member) PUT(NUMBER, member, 2, 0)
#define U32(member) PUT(NUMBER, member, 4, 0)
#define U64(member) PUT(NUMBER, member, 8, 0)
#define I64(member) PUT(NUMBER, member, 8, 0)
#define STR(member, m) PUT(TEXT, member, 0, m)
#define BYTES(member, m) PUT(OCTETS, member, 0, m)
#define IS_FD true
#define IS_NOFD false

static void layout_put(struct layout *l, enum kind kind, size_t at,
		       size_t bytes, size_t max)
{
	CHECK(l->n < FIELDS_MAX);
	l->f[l->n++] = (struct field){kind, at, bytes, max};
}

static size_t layouts_make(void)
{
	static struct wire_msg any;
	size_t n = 0;

#define MSG(NAME, name, from_, to_, fd_, list)                  \
	{                                                       \
		struct layout *l = &layouts[n++];               \
		struct wire_##name *v = &any.name;              \
                                                                \
		*l = (struct layout){WIRE_##NAME, ROLE_##from_, \
				     ROLE_##to_,  IS_##fd_,     \
				     0,           {{0}}};       \
		list                                            \
	}
#include "wire/wire.def"
#undef MSG
	CHECK_EQ(n, WIRE_TYPES - 1);
	return n;
}

/* One role that may send it, and one that may receive it */
static enum role sender(const struct layout *l)
{
	return l->from == ROLE_ANY ? ROLE_TRUNK : l->from;
}

static enum role receiver(const struct layout *l)
{
	return l->to == ROLE_ANY ? ROLE_CONSOLE : l->to;
}

/* Never NUL: a text may not hold one */
static char *random_text(size_t n)
{
	char *copy = malloc(n + 1), *p;

	CHECK(copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = (char)(1 + rdtest_random() % 255);
	copy[n] = '\0';
	p = rdtest_exact(copy, n);
	free(copy);
	return p;
}

/* how: 0 empty, 1 random, 2 as long as allowed */
static void fill(const struct layout *l, struct wire_msg *m, int how)
{
	memset(m, 0, sizeof(*m));
	m->type = l->type;
	m->fd = -1;
	for (size_t i = 0; i < l->n; i++) {
		const struct field *f = &l->f[i];
		uint8_t *at = (uint8_t *)m + f->at;
		struct str s = {0};

		if (f->kind == NUMBER) {
			for (size_t k = 0; how && k < f->bytes; k++)
				at[k] = (uint8_t)rdtest_random();
			continue;
		}
		s.n = how == 0 ? 0
		      : how == 1
			      ? rdtest_random() % (f->max < 300 ? f->max : 300)
			      : f->max;
		s.p = random_text(s.n);
		memcpy(at, &s, sizeof(s));
	}
}

static void check_same(const struct layout *l, const struct wire_msg *a,
		       const struct wire_msg *b)
{
	CHECK_EQ(a->type, b->type);
	for (size_t i = 0; i < l->n; i++) {
		const struct field *f = &l->f[i];
		const uint8_t *p = (const uint8_t *)a + f->at;
		const uint8_t *q = (const uint8_t *)b + f->at;
		struct str s, t;

		if (f->kind == NUMBER) {
			CHECK_MEM(p, q, f->bytes);
			continue;
		}
		memcpy(&s, p, sizeof(s));
		memcpy(&t, q, sizeof(t));
		CHECK_EQ(s.n, t.n);
		CHECK(str_same(s, t));
	}
}

static void round_trip(const struct layout *l, int how)
{
	struct wire_msg m, back;
	struct buf b;

	fill(l, &m, how);
	buf_init(&b, WIRE_BYTES_MAX);
	CHECK_OK(wire_encode(&m, &b));
	CHECK_OK(wire_decode(rdtest_exact(b.p, b.n), b.n, sender(l),
			     receiver(l), &back));
	CHECK_EQ(back.fd, -1);
	check_same(l, &m, &back);
	buf_free(&b);
}

/* The last one, of 60 KiB fields, shows too that the longest fits */
TEST(wire_every_message_round_trips)
{
	const size_t n = layouts_make();

	for (size_t i = 0; i < n; i++) {
		round_trip(&layouts[i], 0);
		for (unsigned k = 0; k < 20; k++)
			round_trip(&layouts[i], 1);
		round_trip(&layouts[i], 2);
	}
}

TEST(wire_golden)
{
	static const uint8_t want[] = {
		0, WIRE_PATH_CLOSED, 1, 2, 3, 4, 0, 0, 0, 2, 'n', 'o'};
	struct wire_msg m = {.type = WIRE_PATH_CLOSED, .fd = -1};
	struct buf b;

	m.path_closed.conn = 0x01020304;
	m.path_closed.reason = str_of("no");
	buf_init(&b, 100);
	CHECK_OK(wire_encode(&m, &b));
	CHECK_EQ(b.n, sizeof(want));
	CHECK_MEM(b.p, want, sizeof(want));
	buf_free(&b);
}

TEST(wire_every_truncation_and_surplus_is_refused)
{
	const size_t n = layouts_make();
	struct wire_msg m, back;
	struct buf b;

	buf_init(&b, WIRE_BYTES_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct layout *l = &layouts[i];

		fill(l, &m, 1);
		CHECK_OK(wire_encode(&m, &b));
		for (size_t k = 0; k < b.n; k++)
			CHECK_ERR(wire_decode(rdtest_exact(b.p, k), k,
					      sender(l), receiver(l), &back),
				  EBADMSG);
		buf_u8(&b, 0);
		CHECK_OK(b.err);
		CHECK_ERR(wire_decode(b.p, b.n, sender(l), receiver(l), &back),
			  EBADMSG);
	}
	buf_free(&b);
}

/* The encoding with one field's length changed, by hand */
static void encode_raw(const struct layout *l, const struct wire_msg *m,
		       size_t longer, struct buf *b)
{
	buf_reset(b);
	buf_u16(b, (uint16_t)l->type);
	for (size_t i = 0; i < l->n; i++) {
		const struct field *f = &l->f[i];
		const uint8_t *at = (const uint8_t *)m + f->at;
		struct str s;

		if (f->kind == NUMBER) {
			for (size_t k = f->bytes; k--;)
				buf_u8(b, at[k]); /* little-endian host */
			continue;
		}
		memcpy(&s, at, sizeof(s));
		buf_u32(b, (uint32_t)(i == longer ? f->max + 1 : s.n));
		buf_put(b, s.p, s.n);
		for (size_t k = s.n; i == longer && k <= f->max; k++)
			buf_u8(b, 'x');
	}
}

TEST(wire_every_field_over_its_limit_is_refused)
{
	const size_t n = layouts_make();
	struct wire_msg m, back;
	struct buf b, out;

	buf_init(&b, 1 << 20);
	buf_init(&out, WIRE_BYTES_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct layout *l = &layouts[i];

		for (size_t k = 0; k < l->n; k++) {
			struct str s;

			if (l->f[k].kind == NUMBER)
				continue;
			fill(l, &m, 0);
			encode_raw(l, &m, SIZE_MAX, &b);
			CHECK_OK(wire_decode(b.p, b.n, sender(l), receiver(l),
					     &back));
			encode_raw(l, &m, k, &b);
			CHECK_ERR(wire_decode(b.p, b.n, sender(l), receiver(l),
					      &back),
				  EBADMSG);
			s = (struct str){random_text(l->f[k].max + 1),
					 l->f[k].max + 1};
			memcpy((uint8_t *)&m + l->f[k].at, &s, sizeof(s));
			CHECK_ERR(wire_encode(&m, &out), EMSGSIZE);
		}
	}
	buf_free(&b);
	buf_free(&out);
}

TEST(wire_text_holds_no_nul_but_octets_may)
{
	const size_t n = layouts_make();
	const struct str nul = {rdtest_exact("a\0b", 3), 3};
	struct wire_msg m, back;
	struct buf b;

	buf_init(&b, WIRE_BYTES_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct layout *l = &layouts[i];

		for (size_t k = 0; k < l->n; k++) {
			const bool ok = l->f[k].kind == OCTETS;

			if (l->f[k].kind == NUMBER || l->f[k].max < 3)
				continue;
			fill(l, &m, 0);
			memcpy((uint8_t *)&m + l->f[k].at, &nul, sizeof(nul));
			CHECK_ERR(wire_encode(&m, &b), ok ? 0 : EINVAL);
			encode_raw(l, &m, SIZE_MAX, &b);
			CHECK_ERR(wire_decode(b.p, b.n, sender(l), receiver(l),
					      &back),
				  ok ? 0 : EBADMSG);
		}
	}
	buf_free(&b);
}

static bool child(enum role r)
{
	return r == ROLE_KEEPER || r == ROLE_TRUNK || r == ROLE_CONSOLE;
}

TEST(wire_only_the_right_role_may_send)
{
	const size_t n = layouts_make();
	struct wire_msg m, back;
	struct buf b;

	buf_init(&b, WIRE_BYTES_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct layout *l = &layouts[i];

		fill(l, &m, 1);
		CHECK_OK(wire_encode(&m, &b));
		for (unsigned f = 0; f <= ROLES; f++) {
			for (unsigned t = 0; t <= ROLES; t++) {
				const enum role from = (enum role)f;
				const enum role to = (enum role)t;
				const bool ok =
					(l->from == ROLE_ANY
						 ? child(from)
						 : l->from == from) &&
					(l->to == ROLE_ANY ? child(to)
							   : l->to == to);

				CHECK_ERR(
					wire_decode(b.p, b.n, from, to, &back),
					ok ? 0 : EPERM);
				CHECK(wire_may(l->type, from, to) == ok);
			}
		}
	}
	buf_free(&b);
}

TEST(wire_unknown_types_are_refused)
{
	struct wire_msg m = {.type = WIRE_NONE, .fd = -1};
	uint8_t p[3] = {0, 0, 0};
	struct buf b;

	for (unsigned t = 0; t < 0x10000; t++) {
		p[0] = (uint8_t)(t >> 8);
		p[1] = (uint8_t)t;
		if (t && t < WIRE_TYPES)
			continue;
		CHECK_ERR(wire_decode(p, 3, ROLE_TRUNK, ROLE_KEEPER, &m),
			  EBADMSG);
	}
	buf_init(&b, 10);
	m.type = WIRE_NONE;
	CHECK_ERR(wire_encode(&m, &b), EINVAL);
	m.type = WIRE_TYPES;
	CHECK_ERR(wire_encode(&m, &b), EINVAL);
	CHECK_STR(wire_name(WIRE_NONE), "unknown");
	CHECK_STR(wire_name(WIRE_FRAME_IN), "frame_in");
	buf_free(&b);
}

TEST(wire_roles_have_names)
{
	for (unsigned r = ROLE_MONITOR; r < ROLES; r++)
		CHECK_EQ(role_of(role_name((enum role)r)), r);
	CHECK_EQ(role_of("any"), ROLES);
	CHECK_EQ(role_of("root"), ROLES);
	CHECK_STR(role_name(ROLES), "unknown");
}

/* ---- ends ---- */

struct ends {
	struct wire_end *keeper, *trunk;
	int raw; /* of the trunk's end, or -1 */
};

/* The keeper's end with a small socket buffer, so that its queue fills */
static struct ends ends_make(size_t queue, bool raw)
{
	struct ends e = {NULL, NULL, -1};
	const int small = 4096;
	int fd[2];

	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd));
	CHECK(!setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
	CHECK_OK(wire_end_alloc(&e.keeper, fd[0], ROLE_KEEPER, ROLE_TRUNK,
				queue));
	if (raw)
		e.raw = fd[1];
	else
		CHECK_OK(wire_end_alloc(&e.trunk, fd[1], ROLE_TRUNK,
					ROLE_KEEPER, queue));
	return e;
}

static void ends_free(struct ends *e)
{
	e->keeper = wire_end_free(e->keeper);
	e->trunk = wire_end_free(e->trunk);
	if (e->raw >= 0)
		close(e->raw);
}

static int send_turn(struct wire_end *w, uint64_t v)
{
	struct wire_msg m = {.type = WIRE_TURN, .fd = -1};

	m.turn.turn = v;
	return wire_send(w, &m);
}

TEST(wire_queue_keeps_order_fills_and_drains)
{
	struct ends e = ends_make(1000, false);
	uint64_t sent = 0, got = 0;
	struct wire_msg m;
	int err;

	CHECK_ERR(wire_receive(e.trunk, &m), EAGAIN);
	CHECK(!wire_waiting(e.keeper));
	while (!(err = send_turn(e.keeper, sent)))
		sent++;
	CHECK_EQ(err, ENOBUFS);
	CHECK(wire_waiting(e.keeper));
	CHECK_EQ(wire_waiting_bytes(e.keeper), 1000); /* 100 of 10 octets */
	CHECK(sent > 100);
	CHECK_OK(wire_flush(e.keeper));
	CHECK_EQ(wire_waiting_bytes(e.keeper), 1000); /* nobody reads yet */
	/* one out: some of those that wait go, not all */
	CHECK_OK(wire_receive(e.trunk, &m));
	CHECK_EQ(m.turn.turn, got++);
	CHECK_OK(wire_flush(e.keeper));
	CHECK(wire_waiting_bytes(e.keeper) < 1000 && wire_waiting(e.keeper));
	/* and new ones behind those */
	while (!(err = send_turn(e.keeper, sent)))
		sent++;
	CHECK_EQ(err, ENOBUFS);
	while (got < sent) {
		err = wire_receive(e.trunk, &m);
		if (err == EAGAIN) {
			CHECK_OK(wire_flush(e.keeper));
			continue;
		}
		CHECK_OK(err);
		CHECK_EQ(m.type, WIRE_TURN);
		CHECK_EQ(m.turn.turn, got++);
	}
	CHECK(!wire_waiting(e.keeper));
	CHECK_EQ(wire_waiting_bytes(e.keeper), 0);
	CHECK_ERR(wire_receive(e.trunk, &m), EAGAIN);
	/* what comes new does not overtake what waits */
	CHECK_OK(send_turn(e.keeper, 7));
	CHECK_OK(wire_receive(e.trunk, &m));
	CHECK_EQ(m.turn.turn, 7);
	ends_free(&e);
}

static unsigned fds_open(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static ino_t inode(int fd)
{
	struct stat st;

	CHECK(!fstat(fd, &st));
	return st.st_ino;
}

TEST(wire_descriptors_travel_also_through_the_queue)
{
	const unsigned before = fds_open();
	struct ends e = ends_make(10000, false);
	struct wire_msg m = {.type = WIRE_BULK_OUT};
	ino_t ino[60];
	unsigned sent = 0, got = 0;

	for (; sent < 60 && !wire_waiting(e.keeper); sent++)
		CHECK_OK(send_turn(e.keeper, 1));
	got = sent; /* the socket is full of others */
	for (sent = 0; sent < 30; sent++) {
		m.fd = memfd_create("body", 0);
		CHECK(m.fd >= 0);
		ino[sent] = inode(m.fd);
		m.bulk_out.seq = sent;
		CHECK_OK(wire_send(e.keeper, &m));
		close(m.fd); /* it was borrowed */
	}
	CHECK(wire_waiting(e.keeper));
	for (sent = 0; sent < got + 30;) {
		const int err = wire_receive(e.trunk, &m);

		if (err == EAGAIN) {
			CHECK_OK(wire_flush(e.keeper));
			continue;
		}
		CHECK_OK(err);
		if (sent++ < got)
			continue;
		CHECK_EQ(m.type, WIRE_BULK_OUT);
		CHECK_EQ(m.bulk_out.seq, sent - 1 - got);
		CHECK_EQ(inode(m.fd), ino[m.bulk_out.seq]);
		CHECK(fcntl(m.fd, F_GETFD) & FD_CLOEXEC);
		close(m.fd);
	}
	/* freed with some still waiting: none is lost */
	m.fd = memfd_create("body", 0);
	for (unsigned i = 0; i < 50; i++)
		CHECK_OK(wire_send(e.keeper, &m));
	close(m.fd);
	CHECK(wire_waiting(e.keeper));
	ends_free(&e);
	CHECK_EQ(fds_open(), before);
}

/* A raw packet with so many descriptors, as no wire_send() would make it */
static void send_raw(int fd, const void *p, size_t n, unsigned fds)
{
	union {
		struct cmsghdr align;
		char p[CMSG_SPACE(8 * sizeof(int))];
	} ctl = {.p = {0}};
	struct iovec iov = {(void *)(uintptr_t)p, n};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;

	if (fds) {
		mh.msg_control = ctl.p;
		mh.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (unsigned i = 0; i < fds; i++)
			memcpy(CMSG_DATA(cm) + i * sizeof(int), &(int){2},
			       sizeof(int));
	}
	CHECK(sendmsg(fd, &mh, 0) == (ssize_t)n);
}

TEST(wire_surplus_descriptors_are_closed_and_refused)
{
	static const uint8_t ping[] = {0, WIRE_PING, 0};
	const unsigned before = fds_open();
	struct ends e = ends_make(1000, true);
	const unsigned during = fds_open();
	struct wire_msg m;

	send_raw(e.raw, ping, sizeof(ping), 0);
	CHECK_OK(wire_receive(e.keeper, &m));
	for (unsigned n = 1; n <= 8; n++) {
		send_raw(e.raw, ping, sizeof(ping), n);
		CHECK_ERR(wire_receive(e.keeper, &m), EBADMSG);
		CHECK_EQ(fds_open(), during);
	}
	/* a nonsense packet's descriptor too */
	send_raw(e.raw, "\xff\xff", 2, 1);
	CHECK_ERR(wire_receive(e.keeper, &m), EBADMSG);
	CHECK_EQ(fds_open(), during);
	ends_free(&e);
	CHECK_EQ(fds_open(), before);
}

TEST(wire_a_missing_descriptor_is_refused)
{
	struct wire_end *console = NULL;
	struct wire_msg m = {.type = WIRE_ANSWER_FD, .fd = -1};
	struct buf b;
	int fd[2];

	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd));
	CHECK_OK(wire_end_alloc(&console, fd[0], ROLE_CONSOLE, ROLE_KEEPER,
				1000));
	buf_init(&b, 1000);
	CHECK_OK(wire_encode(&m, &b));
	send_raw(fd[1], b.p, b.n, 0);
	CHECK_ERR(wire_receive(console, &m), EBADMSG);
	send_raw(fd[1], b.p, b.n, 1);
	CHECK_OK(wire_receive(console, &m));
	CHECK(m.fd >= 0);
	close(m.fd);
	send_raw(fd[1], b.p, b.n, 2);
	CHECK_ERR(wire_receive(console, &m), EBADMSG);
	buf_free(&b);
	wire_end_free(console);
	close(fd[1]);
}

TEST(wire_sending_is_checked_too)
{
	struct ends e = ends_make(1000, false);
	struct wire_msg m = {.type = WIRE_PING, .fd = -1};

	CHECK_ERR(wire_send(e.keeper, &m), EPERM);
	CHECK_OK(wire_send(e.trunk, &m));
	m.type = WIRE_BULK_OUT;
	CHECK_ERR(wire_send(e.keeper, &m), EINVAL);
	m.type = WIRE_PATH_CLOSE;
	m.path_close.reason = (struct str){random_text(201), 201};
	CHECK_ERR(wire_send(e.keeper, &m), EMSGSIZE);
	ends_free(&e);
}

TEST(wire_packets_too_long_and_from_the_wrong_side)
{
	struct ends e = ends_make(1000, true);
	uint8_t *big = calloc(1, WIRE_BYTES_MAX + 2);
	static const uint8_t turn[] = {0, WIRE_TURN, 0, 0, 0, 0, 0, 0, 0, 0};
	const int size = 1 << 20;
	struct wire_msg m;

	CHECK(big);
	big[1] = WIRE_PING;
	CHECK(!setsockopt(e.raw, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	send_raw(e.raw, big, WIRE_BYTES_MAX + 2, 0);
	CHECK_ERR(wire_receive(e.keeper, &m), EBADMSG);
	send_raw(e.raw, big, WIRE_BYTES_MAX + 1, 0);
	CHECK_ERR(wire_receive(e.keeper, &m), EBADMSG);
	send_raw(e.raw, big, WIRE_BYTES_MAX, 0);
	CHECK_ERR(wire_receive(e.keeper, &m), EBADMSG);
	/* a trunk that talks like a keeper */
	send_raw(e.raw, turn, sizeof(turn), 0);
	CHECK_ERR(wire_receive(e.keeper, &m), EPERM);
	free(big);
	ends_free(&e);
}

TEST(wire_the_other_end_gone)
{
	struct ends e = ends_make(1000, true);
	struct wire_msg m;

	CHECK_OK(send_turn(e.keeper, 1));
	close(e.raw);
	e.raw = -1;
	CHECK_ERR(wire_receive(e.keeper, &m), EPIPE);
	CHECK_ERR(send_turn(e.keeper, 2), EPIPE);
	ends_free(&e);
}

TEST_OOM(wire_memory_runs_out)
{
	struct wire_end *w = NULL;
	struct wire_msg m = {.type = WIRE_TURN, .fd = -1};
	int fd[2], err;

	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd));
	TRY(wire_end_alloc(&w, fd[0], ROLE_KEEPER, ROLE_TRUNK, 500));
	do
		err = wire_send(w, &m);
	while (!err);
	if (err != ENOBUFS)
		TRY(err);
	CHECK_EQ(wire_waiting_bytes(w), 500);
out:
	wire_end_free(w);
	close(fd[1]);
}
