/* SPDX-License-Identifier: ISC */
/** @file dialog.c  What happens next in a SIP call: the table */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include "sip/dialog.h"

/* What a row does to the dialog itself, in the order of the row */
enum {
	IN_ACK_WAIT = DO_INNER, /* our 2xx is out: repeat it till ACK */
	IN_ACK_HERE,
	IN_REL_HERE,	/* PRACK came */
	IN_HOLD_ANSWER,
	IN_HOLD_RING,
	IN_RELEASE,	/* send what was held till PRACK */
	IN_OFFER,	/* note who has offered what */
	IN_AGREED,	/* offer and answer are complete */
	IN_SE,		/* the session timer starts anew as agreed */
	IN_SE_MORE,	/* 422: ask for what they want at least */
	IN_GLARE,	/* 491: later */
	IN_RETRY_SOON,	/* a refresh that was not answered well */
	IN_AS_IT_STANDS, /* the change is a refresh */
	IN_ALL
};

typedef bool(when_h)(const struct dialog *d, const struct dialog_event *e);

struct row_act {
	uint8_t what;
	uint16_t code; /* 0: that of the event */
};

struct row {
	uint16_t states; /* bits */
	uint16_t changes;
	uint8_t ev;
	when_h *when;
	struct row_act acts[6];
	uint8_t state, change; /* next; KEEP */
};

#define KEEP 0xff
#define ANY 0xffff
#define S(x) (1u << DIALOG_##x)
#define C(x) (1u << CHANGE_##x)
#define OUTGOING (S(CALLING) | S(EARLY))
#define HOLDS (S(UP) | S(EARLY) | S(RINGING) | S(ANSWERED) | S(ACKING))
#define BUSY_OUT (C(INVITE_OUT) | C(UPDATE_OUT) | C(ACK_IN))
#define BUSY_IN (C(INVITE_IN) | C(UPDATE_IN) | C(ACK_OUT))
#define TO(state) DIALOG_##state, CHANGE_IDLE
#define ON(state) DIALOG_##state, KEEP
#define THEN(change) KEEP, CHANGE_##change
#define STAY KEEP, KEEP

/* ---- conditions ---- */

static bool trying(const struct dialog *d, const struct dialog_event *e)
{
	(void)d;
	return e->code == 100;
}

/** A reliable provisional that we have had, or that came before its turn. */
static bool out_of_turn(const struct dialog *d, const struct dialog_event *e)
{
	const uint32_t last =
		e->leg < DIALOG_LEGS_MAX ? d->rseq_in[e->leg] : UINT32_MAX;

	return e->rseq &&
	       (e->leg >= DIALOG_LEGS_MAX || (last && e->rseq != last + 1));
}

static bool reliable(const struct dialog *d, const struct dialog_event *e)
{
	(void)d;
	return e->rseq > 0;
}

/** The 2xx brings the offer, since we made none. */
static bool late_offer(const struct dialog *d, const struct dialog_event *e)
{
	return e->sdp && !d->invite_sdp;
}

static bool more_se(const struct dialog *d, const struct dialog_event *e)
{
	return e->code == 422 && e->min_se_s > d->se_s && d->se_s &&
	       d->invites < 3;
}

static bool rel_waits(const struct dialog *d, const struct dialog_event *e)
{
	(void)e;
	return d->rel_waits;
}

static bool rel_busy(const struct dialog *d, const struct dialog_event *e)
{
	return d->rel_waits && e->reliable;
}

static bool wrong_prack(const struct dialog *d, const struct dialog_event *e)
{
	return !d->rel_waits || e->rseq != d->rseq_out;
}

/** A new offer in PRACK: answering it there is not for us. */
static bool prack_offer(const struct dialog *d, const struct dialog_event *e)
{
	return e->sdp && !d->rel_offer;
}

static bool has_sdp(const struct dialog *d, const struct dialog_event *e)
{
	(void)d;
	return e->sdp;
}

static bool no_sdp(const struct dialog *d, const struct dialog_event *e)
{
	(void)d;
	return !e->sdp;
}

static bool ours_open(const struct dialog *d, const struct dialog_event *e)
{
	return e->sdp && d->offer_ours;
}

static bool theirs_open(const struct dialog *d, const struct dialog_event *e)
{
	return e->sdp && d->offer_theirs;
}

static bool may_update(const struct dialog *d, const struct dialog_event *e)
{
	return e->sdp && d->peer_updates && d->agreed && !d->offer_ours &&
	       !d->offer_theirs && !d->rel_waits;
}

static bool asked_offer(const struct dialog *d, const struct dialog_event *e)
{
	(void)e;
	return !d->out_sdp;
}

static bool gave_offer(const struct dialog *d, const struct dialog_event *e)
{
	(void)e;
	return !d->in_sdp;
}

static bool glare(const struct dialog *d, const struct dialog_event *e)
{
	return e->code == 491 && d->retries < DIALOG_RETRIES_MAX;
}

/** RFC 3261 12.2.1.2: the other side knows no such dialog, or is gone. */
static bool gone(const struct dialog *d, const struct dialog_event *e)
{
	(void)d;
	return e->code == 408 || e->code == 481;
}

static bool silent(const struct dialog *d, const struct dialog_event *e)
{
	(void)e;
	return d->change_silent;
}

static bool updates(const struct dialog *d, const struct dialog_event *e)
{
	(void)e;
	return d->peer_updates;
}

static bool ack_due(const struct dialog *d, const struct dialog_event *e)
{
	(void)e;
	return d->ack_due;
}

/* ---- the table: the first row that fits is done ---- */

/* clang-format off */
#define ROW(st, ch, event, cond, next, ...) \
	{st, ch, event, cond, {__VA_ARGS__}, next}
#define A(what) {what, 0}
#define N(what, code) {what, code}

static const struct row table[] = {
/* The caller.  Without an offer of ours we do not take 100rel: no offer comes
 * in a provisional */
ROW(S(NEW), ANY, EV_CALL, NULL, TO(CALLING), A(IN_OFFER), A(DO_INVITE)),
ROW(S(NEW), ANY, EV_HANGUP, NULL, TO(OVER), A(DO_NOTHING)),
ROW(OUTGOING, ANY, EV_1XX, trying, ON(EARLY), A(DO_NOTHING)),
ROW(OUTGOING, ANY, EV_1XX, out_of_turn, ON(EARLY), A(DO_NOTHING)),
ROW(OUTGOING, ANY, EV_1XX, reliable, ON(EARLY), A(IN_OFFER), A(DO_PRACK), A(TELL_PROGRESS)),
ROW(OUTGOING, ANY, EV_1XX, NULL, ON(EARLY), A(TELL_PROGRESS)),
ROW(S(LEAVING), ANY, EV_1XX, NULL, TO(CANCELLING), A(DO_CANCEL)),
ROW(OUTGOING, ANY, EV_2XX, late_offer, ON(ACKING), A(IN_SE), A(TELL_ANSWER)),
ROW(OUTGOING, ANY, EV_2XX, NULL, ON(UP), A(IN_AGREED), A(IN_SE), A(DO_ACK), A(TELL_ANSWER)),
ROW(S(LEAVING) | S(CANCELLING), ANY, EV_2XX, NULL, TO(ENDING), A(DO_ACK), A(DO_BYE)),
ROW(OUTGOING, ANY, EV_FAIL, more_se, TO(CALLING), A(IN_SE_MORE), A(DO_INVITE)),
ROW(OUTGOING | S(LEAVING) | S(CANCELLING), ANY, EV_FAIL, NULL, TO(OVER), A(DO_NOTHING)),
ROW(S(CALLING), ANY, EV_HANGUP, NULL, TO(LEAVING), A(DO_NOTHING)),
ROW(S(EARLY), ANY, EV_HANGUP, NULL, TO(CANCELLING), A(DO_CANCEL)),
ROW(S(ACKING), ANY, EV_ACK_SDP, NULL, ON(UP), A(IN_AGREED), A(DO_ACK)),
ROW(S(ACKING), ANY, EV_HANGUP, NULL, TO(ENDING), A(DO_ACK), A(DO_BYE)),
ROW(S(EARLY), ANY, EV_PRACK_OK, has_sdp, STAY, A(IN_AGREED), A(TELL_SDP)),
ROW(S(UP) | S(ENDING), ANY, EV_2XX_AGAIN, NULL, STAY, A(DO_ACK)),

/* The callee */
ROW(S(RINGING), ANY, EV_RING, rel_busy, STAY, A(IN_HOLD_RING)),
ROW(S(RINGING), ANY, EV_RING, NULL, STAY, A(DO_PROV)),
ROW(S(RINGING), C(UPDATE_IN) | C(UPDATE_OUT), EV_ANSWER, NULL, STAY, A(IN_HOLD_ANSWER)),
ROW(S(RINGING), ANY, EV_ANSWER, rel_waits, STAY, A(IN_HOLD_ANSWER)),
ROW(S(RINGING), ANY, EV_ANSWER, NULL, TO(ANSWERED),
	A(IN_OFFER), A(DO_OK_INVITE), A(IN_ACK_WAIT), A(IN_SE)),
ROW(S(RINGING), ANY, EV_REJECT, NULL, TO(OVER), A(DO_FAIL_INVITE)),
ROW(S(RINGING), ANY, EV_HANGUP, NULL, TO(OVER), A(DO_FAIL_INVITE)),
ROW(S(RINGING), ANY, EV_CANCEL, NULL, TO(OVER), N(DO_FAIL_INVITE, 487), N(TELL_OVER, 487)),
ROW(S(RINGING), ANY, EV_PRACK, wrong_prack, STAY, N(DO_FAIL_PRACK, 481)),
ROW(S(RINGING), ANY, EV_PRACK, prack_offer, STAY, N(DO_FAIL_PRACK, 488)),
ROW(S(RINGING), ANY, EV_PRACK, has_sdp, STAY,
	A(DO_OK_PRACK), A(IN_AGREED), A(TELL_SDP), A(IN_REL_HERE), A(IN_RELEASE)),
ROW(S(RINGING), ANY, EV_PRACK, NULL, STAY, A(DO_OK_PRACK), A(IN_REL_HERE), A(IN_RELEASE)),
ROW(S(RINGING), ANY, EV_TIMER + TIMER_1XX, NULL, STAY, A(DO_AGAIN_1XX)),
ROW(S(RINGING), ANY, EV_TIMER + TIMER_PRACK, NULL, TO(OVER),
	N(DO_FAIL_INVITE, 504), N(TELL_OVER, 504)),
ROW(S(ANSWERED), ANY, EV_ACK, NULL, ON(UP), A(IN_ACK_HERE), A(IN_AGREED), A(TELL_CONFIRMED)),
ROW(S(ANSWERED), ANY, EV_HANGUP, NULL, TO(CLOSING), A(DO_NOTHING)),
ROW(S(CLOSING), ANY, EV_ACK, NULL, TO(ENDING), A(IN_ACK_HERE), A(DO_BYE)),
ROW(S(CLOSING), ANY, EV_TIMER + TIMER_ACK, NULL, TO(ENDING), A(DO_BYE)),
ROW(S(ANSWERED) | S(CLOSING) | S(UP), ANY, EV_TIMER + TIMER_2XX, ack_due, STAY,
	A(DO_AGAIN_2XX)),
ROW(S(ANSWERED) | S(UP), ANY, EV_TIMER + TIMER_ACK, ack_due, TO(ENDING),
	N(DO_BYE, 408), N(TELL_OVER, 408)),

/* A change that we want */
ROW(S(UP), C(IDLE), EV_CHANGE, NULL, THEN(INVITE_OUT), A(IN_OFFER), A(DO_REINVITE)),
ROW(S(EARLY) | S(RINGING), C(IDLE), EV_CHANGE, may_update, THEN(UPDATE_OUT),
	A(IN_OFFER), A(DO_UPDATE)),
ROW(S(UP), C(INVITE_OUT), EV_REINVITE_OK, silent, THEN(IDLE), A(IN_SE), A(DO_ACK)),
ROW(S(UP), C(INVITE_OUT), EV_REINVITE_OK, asked_offer, THEN(ACK_OUT),
	A(IN_SE), A(TELL_CHANGED)),
ROW(S(UP), C(INVITE_OUT), EV_REINVITE_OK, NULL, THEN(IDLE),
	A(IN_SE), A(DO_ACK), A(TELL_CHANGED)),
ROW(S(ENDING), ANY, EV_REINVITE_OK, NULL, STAY, A(DO_ACK)),
ROW(S(UP), C(ACK_OUT), EV_ACK_SDP, NULL, THEN(IDLE), A(DO_ACK)),
ROW(HOLDS, C(INVITE_OUT), EV_REINVITE_FAIL, glare, THEN(IDLE), A(IN_GLARE)),
ROW(HOLDS, C(UPDATE_OUT), EV_UPDATE_FAIL, glare, THEN(IDLE), A(IN_GLARE)),
ROW(S(UP), C(INVITE_OUT), EV_REINVITE_FAIL, gone, TO(ENDING), A(DO_BYE), A(TELL_OVER)),
ROW(S(UP), C(UPDATE_OUT), EV_UPDATE_FAIL, gone, TO(ENDING), A(DO_BYE), A(TELL_OVER)),
ROW(S(UP), C(INVITE_OUT), EV_REINVITE_FAIL, silent, THEN(IDLE), A(IN_RETRY_SOON)),
ROW(S(UP), C(INVITE_OUT), EV_REINVITE_FAIL, NULL, THEN(IDLE), A(TELL_REFUSED)),
ROW(HOLDS, C(UPDATE_OUT), EV_UPDATE_OK, NULL, THEN(IDLE),
	A(IN_SE), A(TELL_CHANGED), A(IN_RELEASE)),
ROW(HOLDS, C(UPDATE_OUT), EV_UPDATE_FAIL, NULL, THEN(IDLE), A(TELL_REFUSED), A(IN_RELEASE)),
ROW(S(UP), C(IDLE), EV_TIMER + TIMER_GLARE, NULL, THEN(INVITE_OUT), A(DO_REINVITE)),
ROW(S(EARLY) | S(RINGING), C(IDLE), EV_TIMER + TIMER_GLARE, NULL, THEN(UPDATE_OUT),
	A(DO_UPDATE)),
ROW(HOLDS, ANY, EV_TIMER + TIMER_GLARE, NULL, STAY, A(IN_GLARE)),

/* A change that they want */
ROW(S(UP), C(IDLE), EV_INVITE, NULL, THEN(INVITE_IN), A(IN_OFFER), A(TELL_OFFER)),
ROW(S(UP) | S(ANSWERED), BUSY_OUT, EV_INVITE, NULL, STAY, N(DO_FAIL_INVITE, 491)),
ROW(S(UP) | S(ANSWERED) | S(RINGING), ANY, EV_INVITE, NULL, STAY, N(DO_FAIL_INVITE, 500)),
ROW(S(CALLING) | S(EARLY) | S(ACKING), ANY, EV_INVITE, NULL, STAY, N(DO_FAIL_INVITE, 491)),
ROW(ANY, ANY, EV_INVITE, NULL, STAY, N(DO_FAIL_INVITE, 481)),
ROW(S(UP), C(INVITE_IN), EV_ACCEPT, gave_offer, THEN(ACK_IN),
	A(DO_OK_INVITE), A(IN_ACK_WAIT), A(IN_SE)),
ROW(S(UP), C(INVITE_IN), EV_ACCEPT, NULL, THEN(IDLE),
	A(DO_OK_INVITE), A(IN_ACK_WAIT), A(IN_SE)),
ROW(S(UP), C(INVITE_IN), EV_REFUSE, NULL, THEN(IDLE), A(DO_FAIL_INVITE)),
ROW(S(UP), C(INVITE_IN), EV_CANCEL, NULL, THEN(IDLE),
	N(DO_FAIL_INVITE, 487), A(TELL_WITHDRAWN)),
ROW(S(UP), C(ACK_IN), EV_ACK, NULL, THEN(IDLE), A(IN_ACK_HERE), A(TELL_CONFIRMED)),
ROW(S(UP), ANY, EV_ACK, NULL, STAY, A(IN_ACK_HERE)),
ROW(HOLDS, ANY, EV_UPDATE, no_sdp, STAY, A(IN_SE), A(DO_OK_UPDATE)),
ROW(HOLDS, BUSY_OUT, EV_UPDATE, NULL, STAY, N(DO_FAIL_UPDATE, 491)),
ROW(HOLDS, ANY, EV_UPDATE, ours_open, STAY, N(DO_FAIL_UPDATE, 491)),
ROW(HOLDS, BUSY_IN, EV_UPDATE, NULL, STAY, N(DO_FAIL_UPDATE, 500)),
ROW(HOLDS, ANY, EV_UPDATE, theirs_open, STAY, N(DO_FAIL_UPDATE, 500)),
ROW(HOLDS, C(IDLE), EV_UPDATE, NULL, THEN(UPDATE_IN), A(IN_OFFER), A(TELL_OFFER)),
ROW(ANY, ANY, EV_UPDATE, NULL, STAY, N(DO_FAIL_UPDATE, 481)),
ROW(HOLDS, C(UPDATE_IN), EV_ACCEPT, NULL, THEN(IDLE), A(DO_OK_UPDATE), A(IN_SE), A(IN_RELEASE)),
ROW(HOLDS, C(UPDATE_IN), EV_REFUSE, NULL, THEN(IDLE), A(DO_FAIL_UPDATE), A(IN_RELEASE)),

/* The session timer */
ROW(S(UP), ANY, EV_TIMER + TIMER_REFRESH, updates, STAY, A(DO_REFRESH)),
ROW(S(UP), C(IDLE), EV_TIMER + TIMER_REFRESH, NULL, THEN(INVITE_OUT),
	A(IN_AS_IT_STANDS), A(DO_REINVITE)),
ROW(S(UP), ANY, EV_TIMER + TIMER_REFRESH, NULL, STAY, A(IN_RETRY_SOON)),
ROW(S(UP), ANY, EV_REFRESH_OK, NULL, STAY, A(IN_SE)),
ROW(S(UP), ANY, EV_REFRESH_FAIL, gone, TO(ENDING), N(DO_BYE, 408), N(TELL_OVER, 408)),
ROW(S(UP), ANY, EV_REFRESH_FAIL, NULL, STAY, A(IN_SE_MORE), A(IN_RETRY_SOON)),
ROW(S(UP), ANY, EV_TIMER + TIMER_EXPIRE, NULL, TO(ENDING), N(DO_BYE, 408), N(TELL_OVER, 408)),

/* The end */
ROW(S(UP), ANY, EV_HANGUP, NULL, TO(ENDING), A(DO_BYE)),
ROW(S(RINGING), ANY, EV_BYE, NULL, TO(OVER),
	A(DO_OK_BYE), N(DO_FAIL_INVITE, 487), A(TELL_OVER)),
ROW(S(UP), C(INVITE_IN), EV_BYE, NULL, TO(OVER),
	A(DO_OK_BYE), N(DO_FAIL_INVITE, 487), A(TELL_OVER)),
ROW(S(ENDING), ANY, EV_BYE, NULL, STAY, A(DO_OK_BYE)),
ROW(OUTGOING, ANY, EV_BYE, NULL, STAY, A(DO_OK_BYE)),
ROW(ANY, ANY, EV_BYE, NULL, TO(OVER), A(DO_OK_BYE)),
ROW(S(ENDING), ANY, EV_BYE_DONE, NULL, TO(OVER), A(DO_NOTHING)),
ROW(ANY, ANY, EV_PRACK, NULL, STAY, N(DO_FAIL_PRACK, 481)),
/* A call that is up needs no stream: it may have been idle for too long, and
 * voice goes on.  What waits for an answer over it will have none */
ROW(S(UP), C(INVITE_OUT) | C(UPDATE_OUT), EV_LOST, NULL, THEN(IDLE), N(TELL_REFUSED, 503)),
ROW(ANY & ~(S(OVER) | S(UP)), ANY, EV_LOST, NULL, TO(OVER), N(TELL_OVER, 503)),
/* clang-format on */
};

#define ROWS (sizeof(table) / sizeof(table[0]))

/* ---- what rows do to the dialog ---- */

static void stop(struct dialog *d, enum dialog_timer t)
{
	d->at[t] = 0;
}

static void put(struct dialog *d, const struct dialog_event *e,
		struct row_act a, struct dialog_acts *out)
{
	struct dialog_act *o = &out->v[out->n];

	assert(out->n < DIALOG_ACTS_MAX);
	if (a.what == DO_NOTHING || (a.what == TELL_OVER && d->over_told))
		return;
	if (a.what == TELL_OVER)
		d->over_told = true;
	*o = (struct dialog_act){.what = a.what,
				 .leg = e->leg,
				 .code = a.code ? a.code : e->code,
				 .rseq = e->rseq};
	/* RFC 3261 14.2, 3311 5.2: 500 with a wait of up to ten seconds */
	if ((a.what == DO_FAIL_INVITE || a.what == DO_FAIL_UPDATE) &&
	    o->code == 500)
		o->retry_after_s = (uint16_t)(e->random % 11);
	out->n++;
}

/** A provisional of ours: reliable if it is to be and none waits. */
static void provisional(struct dialog *d, uint64_t now,
			const struct dialog_event *e, uint16_t code, bool rel,
			struct dialog_acts *out)
{
	struct dialog_event copy = *e;

	copy.rseq = 0;
	if (rel) {
		copy.rseq = ++d->rseq_out;
		d->rel_waits = true;
		d->again_1xx_ms = DIALOG_T1_MS;
		d->at[TIMER_1XX] = now + DIALOG_T1_MS;
		d->at[TIMER_PRACK] = now + 64 * DIALOG_T1_MS;
		/* It answers their offer, or is our own */
		d->rel_sdp = e->sdp;
		d->rel_offer = e->sdp && !d->invite_sdp;
		if (e->sdp && d->offer_theirs)
			d->offer_theirs = false;
		else if (e->sdp)
			d->offer_ours = d->rel_offer;
	}
	put(d, &copy, (struct row_act){DO_PROV, code}, out);
}

static void ack_wait(struct dialog *d, uint64_t now)
{
	d->ack_due = true;
	d->again_2xx_ms = DIALOG_T1_MS;
	d->at[TIMER_2XX] = now + DIALOG_T1_MS;
	d->at[TIMER_ACK] = now + 64 * DIALOG_T1_MS;
}

/** Note an offer or answer that the event brings or makes. */
static void note_offer(struct dialog *d, const struct dialog_event *e)
{
	switch (e->ev) {
	case EV_CALL:
		d->invite_sdp = d->offer_ours = e->sdp;
		d->invites = 1;
		break;
	case EV_1XX:
		d->rseq_in[e->leg] = e->rseq;
		if (e->sdp && d->offer_ours) {
			d->offer_ours = false;
			d->agreed = true;
		}
		break;
	case EV_ANSWER:
		d->offer_ours = !d->invite_sdp && !d->rel_offer;
		d->offer_theirs = false;
		break;
	case EV_CHANGE:
		d->retries = 0;
		d->change_silent = false;
		d->out_sdp = e->sdp;
		stop(d, TIMER_GLARE);
		break;
	case EV_INVITE:
	case EV_UPDATE: d->in_sdp = e->sdp; break;
	default: break;
	}
}

/** RFC 4028 10: before the end by a third or 32 s. */
static void session_timer(struct dialog *d, uint64_t now,
			  const struct dialog_event *e)
{
	const uint64_t ms = (uint64_t)e->se_s * 1000;

	stop(d, TIMER_REFRESH);
	stop(d, TIMER_EXPIRE);
	d->se_s = e->se_s;
	d->se_us = e->se_us;
	if (!ms)
		return;
	if (d->se_us)
		d->at[TIMER_REFRESH] = now + ms / 2;
	d->at[TIMER_EXPIRE] = now + ms - (ms / 3 < 32000 ? ms / 3 : 32000);
}

/** RFC 3261 14.1: who made the Call-ID waits longer. */
static void wait_for_glare(struct dialog *d, uint64_t now,
			   const struct dialog_event *e)
{
	const uint32_t r = e->random;

	if (e->ev < EV_TIMER)
		d->retries++;
	d->at[TIMER_GLARE] =
		now + 1 + (d->caller ? 2100 + r % 191 * 10 : r % 201 * 10);
}

static int take(struct dialog *d, uint64_t now, const struct dialog_event *e,
		struct dialog_acts *out);

/** What was held till PRACK or till the end of an UPDATE. */
static void release(struct dialog *d, uint64_t now,
		    const struct dialog_event *e, struct dialog_acts *out)
{
	struct dialog_event next = *e;

	if (d->state != DIALOG_RINGING || d->rel_waits ||
	    d->change != CHANGE_IDLE)
		return;
	if (d->answer_held) {
		d->answer_held = d->ring_held = false;
		next.ev = EV_ANSWER;
		next.se_s = d->se_s;
		next.se_us = d->se_us;
		(void)take(d, now, &next, out); /* RINGING has a row for it */
	} else if (d->ring_held) {
		d->ring_held = false;
		next.sdp = d->held_sdp;
		provisional(d, now, &next, d->held_code, true, out);
	}
}

static void inner(struct dialog *d, uint64_t now, const struct dialog_event *e,
		  unsigned what)
{
	switch (what) {
	case IN_ACK_WAIT: ack_wait(d, now); break;
	case IN_ACK_HERE:
		d->ack_due = false;
		stop(d, TIMER_2XX);
		stop(d, TIMER_ACK);
		break;
	case IN_REL_HERE:
		d->rel_waits = false;
		if (d->rel_sdp)
			d->agreed = true;
		stop(d, TIMER_1XX);
		stop(d, TIMER_PRACK);
		break;
	case IN_HOLD_ANSWER:
		d->answer_held = true;
		d->se_s = e->se_s;
		d->se_us = e->se_us;
		break;
	case IN_HOLD_RING:
		d->ring_held = true;
		d->held_code = e->code;
		d->held_sdp = e->sdp;
		break;
	case IN_OFFER: note_offer(d, e); break;
	case IN_AGREED:
		d->offer_ours = d->offer_theirs = false;
		d->agreed = true;
		break;
	case IN_SE: session_timer(d, now, e); break;
	case IN_SE_MORE:
		if (e->code == 422 && e->min_se_s > d->se_s)
			d->se_s = e->min_se_s;
		d->invites++;
		break;
	case IN_GLARE: wait_for_glare(d, now, e); break;
	case IN_RETRY_SOON:
		/* Not by UPDATE, then */
		if (e->code == 405 || e->code == 501)
			d->peer_updates = false;
		d->at[TIMER_REFRESH] = now + 2000 + e->random % 3000;
		break;
	case IN_AS_IT_STANDS:
		d->change_silent = true;
		d->out_sdp = true;
		d->retries = 0;
		break;
	default: assert(what < IN_ALL);
	}
}

static void done(struct dialog *d, const struct dialog_event *e,
		 struct dialog_acts *out)
{
	if (d->state != DIALOG_OVER && d->state != DIALOG_ENDING)
		return;
	/* ACK of a 2xx may still come, but nothing is repeated any more */
	memset(d->at, 0, sizeof(d->at));
	if (d->state == DIALOG_OVER && !d->over_told)
		put(d, e, (struct row_act){TELL_OVER, 0}, out);
}

static const struct row *row_of(const struct dialog *d,
				const struct dialog_event *e)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *r = &table[i];

		if (r->ev == e->ev && r->states & 1u << d->state &&
		    r->changes & 1u << d->change && (!r->when || r->when(d, e)))
			return r;
	}
	return NULL;
}

static int take(struct dialog *d, uint64_t now, const struct dialog_event *e,
		struct dialog_acts *out)
{
	const struct row *r = row_of(d, e);
	bool let_go = false;

	if (!r)
		return e->ev <= EV_ACK_SDP ? EPROTO : 0;
	for (size_t i = 0; i < sizeof(r->acts) / sizeof(r->acts[0]); i++) {
		const struct row_act a = r->acts[i];

		if (a.what == IN_RELEASE)
			let_go = true;
		else if (a.what >= DO_INNER)
			inner(d, now, e, a.what);
		else if (a.what == DO_PROV)
			provisional(d, now, e, e->code, e->reliable, out);
		else
			put(d, e, a, out);
	}
	if (r->state != KEEP)
		d->state = (enum dialog_state)r->state;
	if (r->change != KEEP)
		d->change = (enum dialog_change)r->change;
	if (let_go)
		release(d, now, e, out);
	done(d, e, out);
	return 0;
}

void dialog_init(struct dialog *d, bool caller, bool sdp, uint32_t se_s)
{
	*d = (struct dialog){.state = caller ? DIALOG_NEW : DIALOG_RINGING,
			     .caller = caller,
			     .invite_sdp = sdp,
			     .offer_theirs = !caller && sdp,
			     .se_s = se_s};
}

int dialog_take(struct dialog *d, uint64_t now_ms, const struct dialog_event *e,
		struct dialog_acts *out)
{
	assert(e->ev < DIALOG_EVS && d->state < DIALOG_STATES);
	out->n = 0;
	return take(d, now_ms, e, out);
}

uint64_t dialog_due(const struct dialog *d)
{
	uint64_t due = 0;

	for (unsigned t = 0; t < DIALOG_TIMERS; t++)
		if (d->at[t] && (!due || d->at[t] < due))
			due = d->at[t];
	return due;
}

void dialog_time(struct dialog *d, uint64_t now_ms, uint32_t random,
		 struct dialog_acts *out)
{
	struct dialog_event e = {.random = random};

	out->n = 0;
	for (unsigned t = 0; t < DIALOG_TIMERS; t++) {
		if (!d->at[t] || d->at[t] > now_ms)
			continue;
		d->at[t] = 0;
		if (t == TIMER_2XX) {
			d->again_2xx_ms *= 2;
			if (d->again_2xx_ms > DIALOG_T2_MS)
				d->again_2xx_ms = DIALOG_T2_MS;
			d->at[t] = now_ms + d->again_2xx_ms;
		} else if (t == TIMER_1XX) {
			d->again_1xx_ms *= 2;
			d->at[t] = now_ms + d->again_1xx_ms;
		}
		e.ev = (enum dialog_ev)(EV_TIMER + t);
		(void)take(d, now_ms, &e, out); /* never EPROTO */
		return;
	}
}

const char *dialog_state_name(enum dialog_state s)
{
	static const char *const names[DIALOG_STATES] = {
		"new",        "calling", "leaving", "early",
		"cancelling", "acking",  "ringing", "answered",
		"closing",    "up",      "ending",  "over"};

	return s < DIALOG_STATES ? names[s] : "?";
}
