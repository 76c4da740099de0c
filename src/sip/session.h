/* SPDX-License-Identifier: ISC */
/**
 * @file session.h  One leg of a call over SIP, as caller or callee
 *
 * The thin side of dialog.h: messages in and out by libre's transactions and
 * dialogs.  Bodies are passed through as they are.  All calls come from the
 * loop's thread; a handler may call any function of its session, also
 * session_free().
 */
#ifndef SIP_SESSION_H
#define SIP_SESSION_H

#include <re.h>
#include <stdbool.h>
#include <stdint.h>

struct endpoint;
struct session;

enum session_what {
	SESSION_PROGRESS, /* caller: 101..199; code */
	SESSION_ANSWERED, /* caller: 2xx.  sdp_is_offer: answer in session_ack() */
	SESSION_CONFIRMED, /* callee: ACK; with sdp if we had offered */
	SESSION_SDP,	  /* the answer to our offer, ahead of 2xx */
	SESSION_OFFER,	  /* they want a change: session_allow() or _refuse() */
	SESSION_WITHDRAWN, /* and no longer do */
	SESSION_CHANGED,  /* our change is accepted; sdp */
	SESSION_REFUSED,  /* it is not; code.  The call goes on as it was */
	SESSION_INFO,	  /* INFO; set *answer (200) */
	SESSION_REFER,	  /* set *answer (202), then session_notify() */
	SESSION_OVER	  /* the last; code: final status, 0 = they hung up */
};

/** What happened; everything borrowed for the call of the handler. */
struct session_news {
	enum session_what what;
	uint16_t code;
	bool sdp_is_offer;
	struct pl sdp;	     /* or the body of INFO */
	struct pl ctype;     /* Content-Type of it, as written */
	uint16_t cause_sip;  /* of Reason: SIP; 0: none */
	uint16_t cause_q850; /* of Reason: Q.850 */
	struct pl refer_to;
	uint16_t *answer;	   /* of INFO and REFER */
	const struct sip_msg *msg; /* may be NULL */
};

typedef void(session_h)(struct session *s, const struct session_news *n,
			void *arg);

struct session_call {
	const char *uri;       /* Request-URI: the contact */
	const char *to;	       /* To; NULL: uri */
	const char *from;      /* sip:... */
	const char *from_name; /* or NULL */
	const char *user;      /* of our Contact */
	const char *route;     /* where to send it instead, sip:host:port;... */
	const char *lines;     /* more header lines with CRLF, or NULL */
	const char *auth_user, *auth_pass; /* for 401 and 407, or NULL */
	const struct sip_msg *over; /* heard over the stream that leads there:
				     * its death ends a call that
				     * is not up yet; or NULL */
};

/**
 * Call
 *
 * @param sdp  the offer, or empty: SESSION_ANSWERED brings theirs
 * @return 0, *sp is owned; ENOMEM, EINVAL for a bad URI, or what sending gave.
 *         Nothing is called back before it returns
 */
int session_call(struct session **sp, struct endpoint *ep,
		 const struct session_call *c, struct pl sdp, session_h *h,
		 void *arg) __attribute__((warn_unused_result));

/**
 * Take an incoming call that rings
 *
 * Of the endpoint's invite handler only.  A session timer that is too short
 * has been answered with 422 already.
 *
 * @return 0, *sp is owned; ENOMEM, EBADMSG: answer the INVITE yourself
 */
int session_accept(struct session **sp, struct endpoint *ep,
		   const struct sip_msg *invite, session_h *h, void *arg)
	__attribute__((warn_unused_result));

/* Callee.  EPROTO: it makes no sense in this state, nothing was done. */

/** 101..199, reliably when the caller wants that, or takes it and there is
 *  SDP. */
int session_ring(struct session *s, uint16_t code, struct pl sdp);
/** 200, at once or when PRACK has come. */
int session_answer(struct session *s, struct pl sdp);
/** 300..699, and the end: SESSION_OVER is called. */
int session_reject(struct session *s, uint16_t code, const char *lines);

/* Either side.  EPROTO as above. */

/** Ask for a change by re-INVITE, or UPDATE before the answer. */
int session_change(struct session *s, struct pl sdp);
/** Accept what SESSION_OFFER asked for, at any time later. */
int session_allow(struct session *s, struct pl sdp);
/** Refuse it (488 or another): the call goes on. */
int session_refuse(struct session *s, uint16_t code);
/** The answer to an offer that came in a 2xx. */
int session_ack(struct session *s, struct pl sdp);
/** Tell how the transfer of SESSION_REFER goes: 100, or a final status. */
int session_notify(struct session *s, uint16_t code);
/** Send INFO; the answer is not told. */
int session_info(struct session *s, const char *ctype, struct pl body);

/**
 * Hang up, if it is not over, and let go: the handler is not called any more
 *
 * Before a final answer this is CANCEL or a rejection, later BYE.
 *
 * @param code  of the rejection, and of Reason: SIP in CANCEL and BYE; 0: 480
 *              and no Reason
 * @param text  of Reason, or NULL
 * @return NULL
 */
void *session_free(struct session *s, uint16_t code, const char *text);

/** Another handler from now on. */
void session_handler_set(struct session *s, session_h *h, void *arg);

/** The caller's or callee's INVITE is answered and not over. */
bool session_is_up(const struct session *s);
const char *session_callid(const struct session *s);

#endif
