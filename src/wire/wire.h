/* SPDX-License-Identifier: ISC */
/**
 * @file wire.h  Messages between our own processes: one schema, one codec
 *
 * A pair of SOCK_SEQPACKET sockets joins two processes; one packet is one
 * message: u16 type, then its fields in the order of wire.def, numbers in
 * big-endian, STR and BYTES as u32 length and octets.  Decoding checks the
 * type, the sender's right to send it, every limit, that no STR holds a NUL,
 * and that no octet is left over.  What fails that is a broken or captured
 * process: its owner is told EBADMSG or EPERM, drops the pair and tells the
 * monitor (boot_complain), which kills and restarts the offender.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <stddef.h>
#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"

enum role {
	ROLE_ANY = 0,
	ROLE_MONITOR,
	ROLE_KEEPER,
	ROLE_TRUNK,
	ROLE_CONSOLE,
	ROLES
};

/** Static; "unknown" when there is none. */
const char *role_name(enum role r);
/** ROLES when there is none of this name. */
enum role role_of(const char *name);

/* WIRE_READY, WIRE_STOP, ... */
enum wire_type {
	WIRE_NONE = 0,
#define MSG(NAME, name, from, to, fd, fields) WIRE_##NAME,
#include "wire/wire.def"
#undef MSG
	WIRE_TYPES
};

/* struct wire_ready { uint8_t role; struct str what; }; ... */
#define U8(f) uint8_t f;
#define U16(f) uint16_t f;
#define U32(f) uint32_t f;
#define U64(f) uint64_t f;
#define I64(f) int64_t f;
#define STR(f, max) struct str f;
#define BYTES(f, max) struct str f;
#define MSG(NAME, name, from, to, fd, fields)                                  \
	struct wire_##name {                                                   \
		fields                                                         \
	};
#include "wire/wire.def"
#undef MSG
#undef U8
#undef U16
#undef U32
#undef U64
#undef I64
#undef STR
#undef BYTES

/** One decoded message: use the member that type names. */
struct wire_msg {
	enum wire_type type;
	int fd;		/* -1, or given to the receiver of the message */
	union {
#define MSG(NAME, name, from, to, fd, fields) struct wire_##name name;
#include "wire/wire.def"
#undef MSG
	};
};

/** Static; "unknown" when there is none. */
const char *wire_name(enum wire_type t);
/** Whether messages of this type carry a descriptor. */
bool wire_has_fd(enum wire_type t);

/** Whether role @p from may ever send this type to role @p to. */
bool wire_may(enum wire_type t, enum role from, enum role to);

/** Encode into @p out, which is reset first.  EMSGSIZE when a field is longer
 *  than its limit, EINVAL when a STR holds a NUL, ENOMEM. */
int wire_encode(const struct wire_msg *m, struct buf *out)
	__attribute__((warn_unused_result));
/**
 * Decode one packet; views point into it
 *
 * @param from, to who sent it and who we are
 * @return 0; EBADMSG does not decode; EPERM @p from may never send this
 */
int wire_decode(const void *p, size_t n, enum role from, enum role to,
		struct wire_msg *out) __attribute__((warn_unused_result));

/* ---- one end of a pair: a queue out, strict decode in ---- */

struct wire_end;

/** @p fd (SOCK_SEQPACKET) is given, also on error.  queue_bytes: more waiting
 *  than that makes wire_send() say ENOBUFS.  ENOMEM. */
int wire_end_alloc(struct wire_end **wp, int fd, enum role us, enum role them,
		   size_t queue_bytes) __attribute__((warn_unused_result));
void *wire_end_free(struct wire_end *w);
int wire_end_fd(const struct wire_end *w);
/** Queue a message, try to send.  Never blocks.  m->fd is borrowed (dup'ed
 *  when it must wait).  0; ENOBUFS, ENOMEM: not taken, try again later; EPIPE:
 *  the other end is gone; EMSGSIZE, EINVAL as wire_encode() or a descriptor is
 *  missing; EPERM: not ours to send. */
int wire_send(struct wire_end *w, const struct wire_msg *m)
	__attribute__((warn_unused_result));
/** Go on sending what waits; call when the fd is writable.  0 or EPIPE. */
int wire_flush(struct wire_end *w) __attribute__((warn_unused_result));
/** True while something waits: poll for writing. */
bool wire_waiting(const struct wire_end *w);
/** Octets that wait. */
size_t wire_waiting_bytes(const struct wire_end *w);
/**
 * Receive one message; views are good until the next call
 *
 * @return 0; EAGAIN nothing there; EPIPE closed; EBADMSG, EPERM as
 *         wire_decode, or a descriptor where none belongs (closed here);
 *         EMFILE: our table is full, the message and its descriptor are lost
 */
int wire_receive(struct wire_end *w, struct wire_msg *m)
	__attribute__((warn_unused_result));

#endif
