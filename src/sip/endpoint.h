/* SPDX-License-Identifier: ISC */
/**
 * @file endpoint.h  One SIP stack: listeners, the gate, who gets which message
 *
 * Wraps libre's struct sip.  Each request passes sanity_request(); what belongs
 * to a call goes to its session, a new INVITE and all other requests to the
 * owner's handlers.  One thread.
 */
#ifndef SIP_ENDPOINT_H
#define SIP_ENDPOINT_H

#include <re.h>
#include <stdbool.h>
#include <stdint.h>

#define ENDPOINT_ALLOW                                                         \
	"INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, "      \
	"REGISTER"
#define ENDPOINT_SUPPORTED "100rel, timer"

struct endpoint;

/** A request that opens a call: answer it with session_accept() or by
 *  endpoint_reply(); else it gets 480.  @p msg is borrowed. */
typedef void(endpoint_invite_h)(const struct sip_msg *msg, void *arg);
/** Any other request outside of calls (REGISTER); false: not for us, 405. */
typedef bool(endpoint_other_h)(const struct sip_msg *msg, void *arg);
/** Before anything is looked at: false refuses the source, silently. */
typedef bool(endpoint_source_h)(const struct sip_msg *msg, void *arg);

struct endpoint_conf {
	const char *software; /* User-Agent and Server; NULL: none */
	uint32_t calls_max;   /* one more gets 503 with Retry-After */
	uint32_t se_s;	      /* session timer asked for; 0: none of ours */
	uint32_t min_se_s;    /* least that we take, >= 90; less gets 422 */
	endpoint_invite_h *inviteh;
	endpoint_other_h *otherh;   /* may be NULL */
	endpoint_source_h *sourceh; /* may be NULL */
	void *arg;
};

struct endpoint_count {
	uint64_t requests, refused, dropped, sources_refused;
	uint32_t calls;
};

/** ENOMEM.  *ep is owned, freed by endpoint_free().  Nothing listens yet. */
int endpoint_alloc(struct endpoint **ep, const struct endpoint_conf *conf)
	__attribute__((warn_unused_result));
/** Ends all calls without a word; their owners hear SESSION_OVER. */
void *endpoint_free(struct endpoint *ep);
/** Listen on UDP, TCP or (@p tls, kept) TLS; errno of the sockets. */
int endpoint_listen(struct endpoint *ep, enum sip_transp tp,
		    const struct sa *laddr, struct tls *tls)
	__attribute__((warn_unused_result));
struct sip *endpoint_sip(struct endpoint *ep);
struct endpoint_count endpoint_counted(const struct endpoint *ep);

/** Reply to a request outside of calls.  @p lines: header lines with CRLF, or
 *  NULL.  Failing to send is not told: the request will be repeated. */
void endpoint_reply(struct endpoint *ep, const struct sip_msg *msg,
		    uint16_t code, const char *reason, const char *lines);

/** "Busy Here" and the like, for codes without a phrase of their own. */
const char *endpoint_phrase(uint16_t code);

#endif
