/* SPDX-License-Identifier: ISC */
/** @file conn.c  Frames over one TLS connection, in order of priority */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "trunk/conn.h"

#define IN_BYTES 262144
#define FRAME_WHOLE_MAX (FRAME_HEAD_BYTES + FRAME_BYTES_MAX)
/* Less than a record, and then one more frame of any size */
#define OUT_BYTES (TLS_RECORD_BYTES + FRAME_WHOLE_MAX)

_Static_assert(IN_BYTES >= FRAME_WHOLE_MAX + TLS_RECORD_BYTES,
	       "a frame and a record fit");
_Static_assert(BULK_HEAD_BYTES + BULK_BYTES <= FRAME_BYTES_MAX,
	       "a piece of a body fits in a frame");

struct queued {
	struct queued *next;
	size_t n;
	uint8_t p[];		/* the frame with its head, [n octets] */
};

struct queue {
	struct queued *first, **last;
};

struct bulk_out {
	struct bulk_out *next;
	int fd;			/* owned */
	uint64_t seq, offset, fd_offset;
	uint32_t bytes;		/* left */
};

struct conn {
	struct tlspsk *tls;	/* borrowed */
	struct tally *tally;	/* borrowed */
	conn_frame_h *frame_h;
	conn_beat_h *beat_h;
	void *arg;

	uint8_t *in;		/* [IN_BYTES] */
	size_t in_at, in_end;	/* not yet handed up */

	struct queue queue[PRIO_QUEUES];
	size_t queued;		/* octets in them */
	struct bulk_out *bulk, **bulk_last;
	unsigned bulks;
	bool beat_due;
	bool spoken;		/* HELLO is out: beats may follow */
	uint8_t *out;		/* [OUT_BYTES]: frames on their way into TLS */
	size_t out_at, out_end;

	enum tally_kind kind;
	const char *why;	/* NULL: ask tls */
};

static void queue_clear(struct queue *q)
{
	struct queued *k = q->first, *next;

	for (; k; k = next) {
		next = k->next;
		free(k);
	}
	q->first = NULL;
	q->last = &q->first;
}

static void bulk_drop(struct conn *c)
{
	struct bulk_out *b = c->bulk;

	c->bulk = b->next;
	if (!c->bulk)
		c->bulk_last = &c->bulk;
	c->bulks--;
	close(b->fd);
	free(b);
}

static void queues_clear(struct conn *c)
{
	for (int i = 0; i < PRIO_QUEUES; i++)
		queue_clear(&c->queue[i]);
	c->queued = 0;
	while (c->bulk)
		bulk_drop(c);
	c->beat_due = false;
}

int conn_alloc(struct conn **cp, struct tlspsk *t, struct tally *tally,
	       conn_frame_h *fh, conn_beat_h *bh, void *arg)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return ENOMEM;
	c->tls = t;
	c->tally = tally;
	c->frame_h = fh;
	c->beat_h = bh;
	c->arg = arg;
	for (int i = 0; i < PRIO_QUEUES; i++)
		c->queue[i].last = &c->queue[i].first;
	c->bulk_last = &c->bulk;
	c->in = malloc(IN_BYTES);
	c->out = malloc(OUT_BYTES);
	if (!c->in || !c->out) {
		conn_free(c);
		return ENOMEM;
	}
	*cp = c;
	return 0;
}

void *conn_free(struct conn *c)
{
	if (c) {
		queues_clear(c);
		free(c->in);
		free(c->out);
		free(c);
	}
	return NULL;
}

/* ---- in ---- */

static int bad_frame(struct conn *c, const char *why)
{
	c->kind = TALLY_BAD_FRAME;
	c->why = why;
	return EPROTO;
}

/* Hand up the whole frames that are here */
static int frames(struct conn *c)
{
	struct cur cur;
	uint32_t n;
	uint8_t type;
	int err;

	while (c->in_end - c->in_at >= FRAME_HEAD_BYTES) {
		cur = cur_of(c->in + c->in_at, c->in_end - c->in_at);
		n = cur_u32(&cur);
		type = cur_u8(&cur);
		if (n > FRAME_BYTES_MAX)
			return bad_frame(c, "frame too long");
		if (type == 0 || type >= FRAME_TYPES)
			return bad_frame(c, "unknown frame type");
		if (cur.n < n)
			return 0;
		err = c->frame_h((enum frame_type)type, cur.p, n, c->arg);
		if (err == EPROTO)
			return bad_frame(c, "frame out of place");
		if (err)
			return err == EAGAIN ? EBUSY : err;
		c->in_at += FRAME_HEAD_BYTES + n;
	}
	return 0;
}

int conn_read(struct conn *c, size_t budget)
{
	size_t got;
	int err;

	for (size_t sum = 0;; sum += got) {
		err = frames(c);
		if (err)
			return err;
		if (sum >= budget)
			return 0;
		if (IN_BYTES - c->in_end < TLS_RECORD_BYTES) {
			memmove(c->in, c->in + c->in_at, c->in_end - c->in_at);
			c->in_end -= c->in_at;
			c->in_at = 0;
		}
		err = tlspsk_read(c->tls, c->in + c->in_end,
				  IN_BYTES - c->in_end, &got);
		if (err)
			return err;
		c->in_end += got;
	}
}

/* ---- out ---- */

static void head_put(uint8_t *p, size_t n, enum frame_type type)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
	p[4] = (uint8_t)type;
}

int conn_put(struct conn *c, enum prio prio, enum frame_type type,
	     const void *p, size_t n)
{
	struct queue *q = &c->queue[prio];
	struct queued *k;

	if (n > FRAME_BYTES_MAX || c->queued > CONN_QUEUE_BYTES_MAX - n) {
		tally_add(c->tally, TALLY_QUEUE_FULL);
		return ENOBUFS;
	}
	k = malloc(sizeof(*k) + FRAME_HEAD_BYTES + n);
	if (!k)
		return ENOMEM;
	k->next = NULL;
	k->n = FRAME_HEAD_BYTES + n;
	head_put(k->p, n, type);
	if (n)
		memcpy(k->p + FRAME_HEAD_BYTES, p, n);
	*q->last = k;
	q->last = &k->next;
	c->queued += n;
	return 0;
}

int conn_put_bulk(struct conn *c, uint64_t seq, uint64_t offset, int fd,
		  uint64_t fd_offset, uint32_t bytes)
{
	struct bulk_out *b;

	if (c->bulks >= CONN_BULKS_MAX || bytes > BULK_WINDOW_BYTES) {
		tally_add(c->tally, TALLY_QUEUE_FULL);
		close(fd);
		return ENOBUFS;
	}
	b = malloc(sizeof(*b));
	if (!b) {
		close(fd);
		return ENOMEM;
	}
	*b = (struct bulk_out){.fd = fd,
			       .seq = seq,
			       .offset = offset,
			       .fd_offset = fd_offset,
			       .bytes = bytes};
	*c->bulk_last = b;
	c->bulk_last = &b->next;
	c->bulks++;
	return 0;
}

void conn_beat(struct conn *c)
{
	c->beat_due = true;
}

void conn_say_bye(struct conn *c, const char *reason)
{
	const size_t n = strnlen(reason, CONN_REASON_BYTES_MAX);

	queues_clear(c);
	if (conn_put(c, PRIO_CONTROL, FRAME_BYE, reason, n))
		return;		/* no memory: it ends without a word */
}

static void beat_fill(struct conn *c)
{
	struct beat beat = {0};
	uint8_t *p = c->out + c->out_end;
	struct buf b;

	c->beat_due = false;
	c->beat_h(&beat, c->arg);
	buf_init(&b, FRAME_BYTES_MAX);
	beat_encode(&beat, &b);
	if (!b.err) {
		head_put(p, b.n, FRAME_BEAT);
		memcpy(p + FRAME_HEAD_BYTES, b.p, b.n);
		c->out_end += FRAME_HEAD_BYTES + b.n;
	}
	buf_free(&b);
}

static void queued_fill(struct conn *c, struct queue *q)
{
	struct queued *k = q->first;

	memcpy(c->out + c->out_end, k->p, k->n);
	c->out_end += k->n;
	c->queued -= k->n - FRAME_HEAD_BYTES;
	q->first = k->next;
	if (!q->first)
		q->last = &q->first;
	free(k);
	c->spoken = true;
}

static int read_whole(int fd, uint8_t *p, size_t n, uint64_t at)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = pread(fd, p + got, n - got, (off_t)(at + got));
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r ? errno : ENODATA;
		got += (size_t)r;
	}
	return 0;
}

/* The body goes from the file right to where TLS takes it */
static void bulk_fill(struct conn *c)
{
	struct bulk_out *b = c->bulk;
	const uint32_t n = b->bytes < BULK_BYTES ? b->bytes : BULK_BYTES;
	uint8_t *p = c->out + c->out_end;

	if (!n || read_whole(b->fd, p + FRAME_HEAD_BYTES + BULK_HEAD_BYTES, n,
			     b->fd_offset)) {
		if (n)
			tally_add(c->tally, TALLY_BULK_FAILED);
		bulk_drop(c);
		return;
	}
	head_put(p, BULK_HEAD_BYTES + n, FRAME_BULK);
	for (int i = 0; i < 8; i++) {
		p[FRAME_HEAD_BYTES + i] = (uint8_t)(b->seq >> (56 - 8 * i));
		p[FRAME_HEAD_BYTES + 8 + i] =
			(uint8_t)(b->offset >> (56 - 8 * i));
	}
	c->out_end += FRAME_HEAD_BYTES + BULK_HEAD_BYTES + n;
	b->offset += n;
	b->fd_offset += n;
	b->bytes -= n;
	if (!b->bytes)
		bulk_drop(c);
}

/* Have a full record in hand, if there is as much to say.  What is in out is
   sent as it stands, so never more than that: later frames may be more urgent */
static void fill(struct conn *c)
{
	if (c->out_end - c->out_at >= TLS_RECORD_BYTES)
		return;
	memmove(c->out, c->out + c->out_at, c->out_end - c->out_at);
	c->out_end -= c->out_at;
	c->out_at = 0;
	if (c->beat_due && c->spoken)
		beat_fill(c);
	while (c->out_end < TLS_RECORD_BYTES) {
		if (c->queue[PRIO_CONTROL].first)
			queued_fill(c, &c->queue[PRIO_CONTROL]);
		else if (c->queue[PRIO_RECORD].first)
			queued_fill(c, &c->queue[PRIO_RECORD]);
		else if (c->bulk)
			bulk_fill(c);
		else
			break;
	}
}

int conn_write(struct conn *c, size_t budget)
{
	size_t put;
	int err;

	for (size_t sum = 0; sum < budget; sum += put) {
		fill(c);
		if (c->out_at == c->out_end)
			return 0;
		err = tlspsk_write(c->tls, c->out + c->out_at,
				   c->out_end - c->out_at, &put);
		if (err)
			return err;
		c->out_at += put;
	}
	return conn_waiting(c) ? EINPROGRESS : 0;
}

bool conn_waiting(const struct conn *c)
{
	return c->out_at < c->out_end || (c->beat_due && c->spoken) ||
	       c->bulk || c->queue[PRIO_CONTROL].first ||
	       c->queue[PRIO_RECORD].first;
}

const char *conn_why(const struct conn *c)
{
	return c->why ? c->why : tlspsk_why(c->tls);
}

enum tally_kind conn_tally(const struct conn *c)
{
	return c->kind != TALLY_NONE ? c->kind : tlspsk_tally(c->tls);
}
