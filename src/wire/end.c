/* SPDX-License-Identifier: ISC */
/** @file end.c  One end of a pair: a bounded queue out, strict decode in */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "wire/wire.h"

/* Room for more descriptors than any message carries, so that a sender's
 * surplus is seen and closed here and not silently dropped by the kernel */
#define FDS_SEEN 4

struct packet {
	struct packet *next;
	int fd; /* owned, -1: none */
	size_t n;
	uint8_t p[]; /* [n octets] */
};

struct wire_end {
	int fd;
	enum role us, them;
	size_t queue_max; /* octets */
	size_t queued;    /* octets */
	struct packet *first;
	struct packet **last;           /* where the next one is hung */
	struct buf out;                 /* scratch of wire_send() */
	uint8_t in[WIRE_BYTES_MAX + 1]; /* one more: sees what is too long */
};

int wire_end_alloc(struct wire_end **wp, int fd, enum role us, enum role them,
		   size_t queue_bytes)
{
	struct wire_end *w = calloc(1, sizeof(*w));

	if (!w) {
		close(fd);
		return ENOMEM;
	}
	w->fd = fd;
	w->us = us;
	w->them = them;
	w->queue_max = queue_bytes;
	w->last = &w->first;
	buf_init(&w->out, WIRE_BYTES_MAX);
	*wp = w;
	return 0;
}

/* Take the first packet off the queue */
static void packet_drop(struct wire_end *w)
{
	struct packet *k = w->first;

	w->first = k->next;
	if (!w->first)
		w->last = &w->first;
	w->queued -= k->n;
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

void *wire_end_free(struct wire_end *w)
{
	if (w) {
		while (w->first)
			packet_drop(w);
		buf_free(&w->out);
		close(w->fd);
		free(w);
	}
	return NULL;
}

int wire_end_fd(const struct wire_end *w)
{
	return w->fd;
}

bool wire_waiting(const struct wire_end *w)
{
	return w->first != NULL;
}

size_t wire_waiting_bytes(const struct wire_end *w)
{
	return w->queued;
}

/* 0; EAGAIN the socket is full; EPIPE; EMSGSIZE a socket buffer too small */
static int packet_send(struct wire_end *w, const uint8_t *p, size_t n, int fd)
{
	struct iovec iov = {(void *)(uintptr_t)p, n};
	union {
		struct cmsghdr align;
		char p[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;
	ssize_t r;

	if (fd >= 0) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = ctl.p;
		mh.msg_controllen = sizeof(ctl.p);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	}
	do
		r = sendmsg(w->fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r >= 0)
		return 0;
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS: /* descriptors in flight: the reader is behind */
		return EAGAIN;
	case EMSGSIZE: return EMSGSIZE;
	default: return EPIPE;
	}
}

/* Hang a copy of the packet at the end of the queue */
static int packet_queue(struct wire_end *w, const uint8_t *p, size_t n, int fd)
{
	struct packet *k;
	int own = -1;

	if (n > w->queue_max || w->queued > w->queue_max - n)
		return ENOBUFS;
	if (fd >= 0) {
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (own < 0)
			return ENOBUFS;
	}
	k = malloc(sizeof(*k) + n);
	if (!k) {
		if (own >= 0)
			close(own);
		return ENOMEM;
	}
	k->next = NULL;
	k->fd = own;
	k->n = n;
	memcpy(k->p, p, n);
	*w->last = k;
	w->last = &k->next;
	w->queued += n;
	return 0;
}

int wire_send(struct wire_end *w, const struct wire_msg *m)
{
	int err;

	if (!wire_may(m->type, w->us, w->them))
		return EPERM;
	if (wire_has_fd(m->type) && m->fd < 0)
		return EINVAL;
	err = wire_encode(m, &w->out);
	if (err)
		return err;
	if (w->first) { /* order: what waits goes first */
		err = wire_flush(w);
		if (err)
			return err;
	}
	err = EAGAIN;
	if (!w->first)
		err = packet_send(w, w->out.p, w->out.n,
				  wire_has_fd(m->type) ? m->fd : -1);
	if (err != EAGAIN)
		return err;
	return packet_queue(w, w->out.p, w->out.n,
			    wire_has_fd(m->type) ? m->fd : -1);
}

int wire_flush(struct wire_end *w)
{
	int err;

	while (w->first) {
		err = packet_send(w, w->first->p, w->first->n, w->first->fd);
		if (err == EAGAIN)
			return 0;
		if (err)
			return err;
		packet_drop(w);
	}
	return 0;
}

/* Gather the descriptors of a received packet; returns how many */
static size_t fds_of(struct msghdr *mh, int fd[FDS_SEEN])
{
	size_t n = 0;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm;
	     cm = CMSG_NXTHDR(mh, cm)) {
		const size_t bytes = cm->cmsg_len - CMSG_LEN(0);

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < bytes / sizeof(int) && n < FDS_SEEN; i++)
			memcpy(&fd[n++], CMSG_DATA(cm) + i * sizeof(int),
			       sizeof(int));
	}
	return n;
}

int wire_receive(struct wire_end *w, struct wire_msg *m)
{
	struct iovec iov = {w->in, sizeof(w->in)};
	union {
		struct cmsghdr align;
		char p[CMSG_SPACE(FDS_SEEN * sizeof(int))];
	} ctl;
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = ctl.p,
			    .msg_controllen = sizeof(ctl.p)};
	int fd[FDS_SEEN], err;
	size_t fds, want;
	ssize_t r;

	do
		r = recvmsg(w->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN || errno == ENOMEM ? EAGAIN : EPIPE;
	fds = fds_of(&mh, fd);
	if (!r && !fds)
		return EPIPE;
	err = mh.msg_flags & MSG_TRUNC
		      ? EBADMSG
		      : wire_decode(w->in, (size_t)r, w->them, w->us, m);
	want = !err && wire_has_fd(m->type);
	if (!err && fds != want)
		/* the sender's fault, unless our own table was full */
		err = !fds && mh.msg_flags & MSG_CTRUNC ? EMFILE : EBADMSG;
	if (!err && want) {
		m->fd = fd[0];
		return 0;
	}
	for (size_t i = 0; i < fds; i++)
		close(fd[i]);
	return err;
}
