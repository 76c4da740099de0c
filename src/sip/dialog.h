/* SPDX-License-Identifier: ISC */
/**
 * @file dialog.h  What happens next in a SIP call: event and now in, actions out
 *
 * The state machine of one INVITE dialog, without sockets, memory or clock.
 * One table (dialog.c) says for each event in each state what is done; the
 * binding to libre (session.c) turns messages into events and carries the
 * actions out.
 *
 *   caller  NEW -> CALLING -> EARLY ----------------> UP -> ENDING -> OVER
 *                     |         |  \-> ACKING --------^
 *                     v         v
 *                  LEAVING -> CANCELLING -> OVER, or ENDING if it was answered
 *
 *   callee  RINGING -> ANSWERED -> UP -> ENDING -> OVER
 *                         \-> CLOSING -----^
 *
 * Beside the state there is at most one change of the session under way:
 *
 *   IDLE -> INVITE_OUT (-> ACK_OUT) | UPDATE_OUT | INVITE_IN (-> ACK_IN)
 *         | UPDATE_IN -> IDLE
 *
 * RFC 3261 12-15, 3262 (100rel), 3311 (UPDATE), 4028 (session timer), 6141.
 */
#ifndef SIP_DIALOG_H
#define SIP_DIALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIALOG_T1_MS 500
#define DIALOG_T2_MS 4000
#define DIALOG_LEGS_MAX \
	4                    /* early dialogs of one INVITE; more are not
				   followed */
#define DIALOG_ACTS_MAX 12	/* of one event; the table never needs more */
#define DIALOG_RETRIES_MAX 5	/* of a change met by 491; then refused */

enum dialog_state {
	DIALOG_NEW,
	DIALOG_CALLING,		/* INVITE sent, nothing heard */
	DIALOG_LEAVING,		/* hung up then: a CANCEL may not go yet */
	DIALOG_EARLY,		/* a provisional heard */
	DIALOG_CANCELLING,	/* CANCEL sent, the final awaited */
	DIALOG_ACKING,		/* 2xx brought an offer: ACK waits for us */
	DIALOG_RINGING,		/* INVITE received, no final sent */
	DIALOG_ANSWERED,	/* 2xx sent, no ACK yet */
	DIALOG_CLOSING,		/* hung up then: BYE may not go before ACK */
	DIALOG_UP,
	DIALOG_ENDING,		/* BYE sent */
	DIALOG_OVER,
	DIALOG_STATES
};

enum dialog_change {
	CHANGE_IDLE,
	CHANGE_INVITE_OUT,
	CHANGE_ACK_OUT,		/* re-INVITE without offer: ACK waits for us */
	CHANGE_UPDATE_OUT,
	CHANGE_INVITE_IN,	/* the application owes accept or refuse */
	CHANGE_ACK_IN,		/* our 2xx had the offer: ACK brings the answer */
	CHANGE_UPDATE_IN,
	CHANGES
};

enum dialog_timer {
	TIMER_2XX,		/* send our 2xx again */
	TIMER_ACK,		/* no ACK came at all */
	TIMER_1XX,		/* send the reliable provisional again */
	TIMER_PRACK,		/* no PRACK came at all */
	TIMER_GLARE,		/* try the change again after 491 */
	TIMER_REFRESH,		/* session timer: our refresh is due */
	TIMER_EXPIRE,		/* session timer: nobody refreshed */
	DIALOG_TIMERS
};

enum dialog_ev {
	/* from the application */
	EV_CALL,		/* sdp: with an offer */
	EV_RING,		/* code 101..199; sdp; reliable: wanted so */
	EV_ANSWER,
	EV_REJECT,		/* code 300..699 */
	EV_HANGUP,		/* code: of the rejection where one is due */
	EV_CHANGE,		/* sdp: with an offer */
	EV_ACCEPT,		/* the change they asked for */
	EV_REFUSE,		/* the same; code */
	EV_ACK_SDP,		/* the answer for ACK is there */
	/* from the network, this INVITE's responses */
	EV_1XX,			/* code; sdp; rseq or 0; leg */
	EV_2XX,			/* sdp; se */
	EV_2XX_AGAIN,		/* of any INVITE of ours, heard before */
	EV_FAIL,		/* code; min_se_s with 422 */
	/* requests */
	EV_INVITE,		/* a re-INVITE: sdp; se */
	EV_ACK,			/* sdp */
	EV_CANCEL,
	EV_PRACK,		/* rseq; sdp */
	EV_UPDATE,		/* sdp; se */
	EV_BYE,
	/* responses to our other requests */
	EV_REINVITE_OK,		/* sdp; se */
	EV_REINVITE_FAIL,	/* code */
	EV_UPDATE_OK,		/* of a change; se */
	EV_UPDATE_FAIL,		/* code */
	EV_REFRESH_OK,		/* se */
	EV_REFRESH_FAIL,	/* code; min_se_s with 422 */
	EV_PRACK_OK,		/* sdp */
	EV_PRACK_FAIL,		/* code */
	EV_BYE_DONE,		/* any final, or none came */
	EV_LOST,		/* the stream to them is gone */
	/* timers, from dialog_time() */
	EV_TIMER,		/* + enum dialog_timer */
	DIALOG_EVS = EV_TIMER + DIALOG_TIMERS
};

enum dialog_do {
	DO_NOTHING,
	/* send */
	DO_INVITE,		/* se_s of the dialog in it */
	DO_CANCEL,
	DO_ACK,			/* with the answer, if an offer waits for it */
	DO_PRACK,		/* rseq, leg */
	DO_BYE,			/* code: for Reason, 0 none */
	DO_REINVITE,		/* with the offer of EV_CHANGE, or as it stands */
	DO_UPDATE,		/* with the offer of EV_CHANGE */
	DO_REFRESH,		/* UPDATE without body */
	/* reply; code where it is a failure */
	DO_PROV,		/* code; rseq: reliably, or 0 */
	DO_OK_INVITE,
	DO_FAIL_INVITE,
	DO_OK_PRACK,
	DO_FAIL_PRACK,
	DO_OK_UPDATE,
	DO_FAIL_UPDATE,
	DO_OK_BYE,
	DO_AGAIN_1XX,
	DO_AGAIN_2XX,
	/* tell the application */
	TELL_PROGRESS,		/* code; the message is at hand */
	TELL_ANSWER,		/* 2xx; an offer in it if none was made */
	TELL_CONFIRMED,		/* ACK; with the answer if we had offered */
	TELL_SDP,		/* an answer in PRACK or its 2xx */
	TELL_OFFER,		/* they want a change: accept or refuse */
	TELL_WITHDRAWN,		/* they no longer want it */
	TELL_CHANGED,		/* our change was accepted */
	TELL_REFUSED,		/* our change was refused with code; the
				   dialog stands as it was */
	TELL_OVER,		/* code; 0: they hung up.  Once, at the end */
	/* inside dialog.c */
	DO_INNER
};

struct dialog_act {
	uint8_t what; /* enum dialog_do */
	uint8_t leg;
	uint16_t code;
	uint16_t retry_after_s; /* of a 500; else 0 */
	uint32_t rseq;
};

struct dialog_acts {
	size_t n;
	struct dialog_act v[DIALOG_ACTS_MAX];
};

struct dialog_event {
	enum dialog_ev ev;
	uint16_t code;
	bool sdp;
	bool reliable;
	uint8_t leg;
	uint32_t rseq;
	uint32_t se_s;	/* Session-Expires as agreed by this message; 0: none */
	bool se_us;	/* and we are the refresher */
	uint32_t min_se_s;
	uint32_t random; /* for waits; any number will do in tests */
};

struct dialog {
	enum dialog_state state;
	enum dialog_change change;
	bool caller;		/* of the first INVITE: owns the Call-ID */
	bool over_told;
	bool invite_sdp;	/* the first INVITE had an offer */
	bool offer_ours;	/* ours, of the first INVITE, is unanswered */
	bool offer_theirs;	/* theirs is */
	bool agreed;		/* there has been an offer with an answer */
	bool peer_updates;	/* their Allow has UPDATE */
	/* 100rel */
	bool rel_waits;		/* a reliable provisional without PRACK */
	bool rel_sdp, rel_offer; /* it carried SDP; and that was our offer */
	bool answer_held, ring_held, held_sdp; /* till that PRACK */
	uint16_t held_code;
	uint32_t rseq_out;
	uint32_t rseq_in[DIALOG_LEGS_MAX];
	/* retransmission, ms to the next */
	uint32_t again_2xx_ms, again_1xx_ms;
	bool ack_due;
	/* changes */
	bool out_sdp, in_sdp;	/* ours, theirs made an offer */
	bool change_silent;	/* it is a refresh: the application sees none */
	uint8_t retries;
	/* session timer */
	uint32_t se_s;		/* asked for, later agreed; 0: none */
	bool se_us;
	uint8_t invites;	/* sent for this call: 422 */
	uint64_t at[DIALOG_TIMERS]; /* ms; 0: not running */
};

/** Start.  @p sdp: callee, the INVITE has an offer.  @p se_s is what we ask for,
 *  or what their INVITE and we have agreed on; 0: no session timer. */
void dialog_init(struct dialog *d, bool caller, bool sdp, uint32_t se_s);

/**
 * Take one event
 *
 * @param out  what to do, in this order; emptied first
 * @return 0; EPROTO: an event of the application that makes no sense now, out
 *         is empty and nothing has changed.  Events of the network always have
 *         an answer, if only an empty one
 */
int dialog_take(struct dialog *d, uint64_t now_ms, const struct dialog_event *e,
		struct dialog_acts *out) __attribute__((warn_unused_result));

/** When dialog_time() is due; 0: never. */
uint64_t dialog_due(const struct dialog *d);

/** Let at most one timer that is due fire; call until dialog_due() is later. */
void dialog_time(struct dialog *d, uint64_t now_ms, uint32_t random,
		 struct dialog_acts *out);

/** For logs. */
const char *dialog_state_name(enum dialog_state s);

#endif
