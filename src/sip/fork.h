/* SPDX-License-Identifier: ISC */
/**
 * @file fork.h  One call to several contacts: the first to answer has it
 *
 * The others get CANCEL with `Reason: SIP;cause=200`; one that answers all the
 * same, since its 200 crossed the CANCEL, gets ACK and BYE.
 */
#ifndef SIP_FORK_H
#define SIP_FORK_H

#include <re.h>
#include "sip/session.h"

#define FORK_CONTACTS_MAX 16 /* more: E2BIG */

struct fork;

/**
 * What a contact says
 *
 * SESSION_ANSWERED: @p s has won and is given; set its handler.  The fork is
 * empty and may be freed here or later.
 * SESSION_OVER: none has answered, @p s is NULL, code is the best of theirs.
 * Else: of one contact, borrowed.
 */
typedef void(fork_h)(struct session *s, const struct session_news *n,
		     void *arg);

/**
 * Ring them all
 *
 * @param v  [n]
 * @return 0: at least one INVITE is out, *fp is owned; E2BIG; EINVAL for none;
 *         else why the last of them could not be called
 */
int fork_call(struct fork **fp, struct endpoint *ep,
	      const struct session_call *v, size_t n, struct pl sdp, fork_h *h,
	      void *arg) __attribute__((warn_unused_result));

/** Cancel what still rings, and let go: no handler is called any more.
 *  @p code and @p text as in session_free(). */
void *fork_free(struct fork *f, uint16_t code, const char *text);

/** Of two final statuses the one to pass on (RFC 3261 16.7). */
uint16_t fork_better(uint16_t a, uint16_t b);

#endif
