/* SPDX-License-Identifier: ISC */
/**
 * @file conn.h  Frames over one TLS connection, in order of priority
 *
 * A frame is cut out of the stream by length and type alone and handed up; to
 * send, what is more urgent always goes first, and a body is read from its
 * file only when nothing else waits and the socket takes more.
 */
#ifndef TRUNK_CONN_H
#define TRUNK_CONN_H

#include "proto/frame.h"
#include "trunk/tally.h"
#include "trunk/tlspsk.h"

#define CONN_QUEUE_BYTES_MAX \
	16777216 /* waiting to be sent; more: the frame is
					 dropped and counted, lanes repeat it */
#define CONN_BULKS_MAX \
	64                        /* bodies waiting; more: dropped and counted,
				   the peer asks again */
#define CONN_REASON_BYTES_MAX 200 /* in BYE; longer: cut */

enum prio { PRIO_CONTROL = 0, PRIO_RECORD = 1, PRIO_QUEUES = 2 };

struct conn;

/**
 * A whole frame came; p is borrowed.  Must not free the conn.
 *
 * @return 0: taken.  EAGAIN: not now; the same frame comes again with the next
 *         conn_read().  EPROTO: against the rules; ECONNRESET: the peer's
 *         last word; conn_read() returns them
 */
typedef int(conn_frame_h)(enum frame_type type, const uint8_t *p, size_t n,
			  void *arg);
/** The beat asked for by conn_beat() goes out now: fill it in. */
typedef void(conn_beat_h)(struct beat *out, void *arg);

/** @p t is borrowed, its handshake done, and outlives the conn.  ENOMEM. */
int conn_alloc(struct conn **cp, struct tlspsk *t, struct tally *tally,
	       conn_frame_h *fh, conn_beat_h *bh, void *arg)
	__attribute__((warn_unused_result));
/** Closes the descriptors of bodies that wait; copes with NULL. */
void *conn_free(struct conn *c);

/**
 * Read and hand up frames, about @p budget octets at most
 *
 * @return EAGAIN: all is read; 0: the budget is used up, call again without
 *         waiting for the socket; EBUSY: the handler said EAGAIN; ECONNRESET,
 *         EPROTO: it is over, conn_why() says why
 */
int conn_read(struct conn *c, size_t budget)
	__attribute__((warn_unused_result));

/** Queue a copy.  ENOBUFS (counted): the queue is full; ENOMEM. */
int conn_put(struct conn *c, enum prio prio, enum frame_type type,
	     const void *p, size_t n) __attribute__((warn_unused_result));
/**
 * Queue octets of a body: they leave in BULK frames
 *
 * @param fd given, also on error; read from fd_offset on
 * @return 0; ENOBUFS (counted); ENOMEM
 */
int conn_put_bulk(struct conn *c, uint64_t seq, uint64_t offset, int fd,
		  uint64_t fd_offset, uint32_t bytes)
	__attribute__((warn_unused_result));
/** Send a beat as soon as the socket takes one; one at a time, and none before
 *  the first frame, HELLO. */
void conn_beat(struct conn *c);
/** Forget what waits but for a frame half sent, and say BYE. */
void conn_say_bye(struct conn *c, const char *reason);

/**
 * Write what waits, about @p budget octets at most
 *
 * @return 0: nothing waits; EAGAIN: wait for the socket; EINPROGRESS: the
 *         budget is used up; ECONNRESET, EPROTO: it is over
 */
int conn_write(struct conn *c, size_t budget)
	__attribute__((warn_unused_result));
/** Something waits to be sent. */
bool conn_waiting(const struct conn *c);

/** Words for a person, of what ended it; never NULL. */
const char *conn_why(const struct conn *c);
enum tally_kind conn_tally(const struct conn *c);

#endif
