/* SPDX-License-Identifier: ISC */
/** @file test_dialog.c  Unit tests: every row of the dialog's table, once */
#include "sip/dialog.c"
#include <stdio.h>
#include "rdtest.h"

/* What is the case before the event */
enum {
	INV = 1,	/* the INVITE had an offer */
	OURS = 2,	/* unanswered */
	THEIRS = 4,
	AGREED = 8,
	UPD = 16,	/* they take UPDATE */
	REL = 32,	/* our reliable provisional, RSeq 7, waits for PRACK */
	RELOFFER = 64,	/* with our offer */
	ACKDUE = 128,
	OUT = 256,	/* our change has an offer */
	IN = 512,	/* theirs */
	QUIET = 1024,	/* it is a refresh */
	TIRED = 2048,	/* 491 often enough */
	HELD = 4096,	/* an answer waits for PRACK */
	RINGHELD = 8192
};

#define ENDS(x) DIALOG_##x
#define CH(x) CHANGE_##x
#define TICK(t) .ev = (enum dialog_ev)(EV_TIMER + TIMER_##t)
#define SDP .sdp = true

static const struct sample {
	enum dialog_state state;
	enum dialog_change change;
	unsigned is;
	struct dialog_event e;
	struct {
		uint8_t what;
		uint16_t code;
	} acts[6];
	enum dialog_state next;
	enum dialog_change next_change;
} samples[] = {
/* clang-format off */
/* the caller */
{ENDS(NEW), CH(IDLE), 0, {.ev = EV_CALL, SDP}, {{DO_INVITE, 0}}, ENDS(CALLING), CH(IDLE)},
{ENDS(NEW), CH(IDLE), 0, {.ev = EV_HANGUP}, {{TELL_OVER, 0}}, ENDS(OVER), CH(IDLE)},
{ENDS(CALLING), CH(IDLE), INV|OURS, {.ev = EV_1XX, .code = 100}, {{0}}, ENDS(EARLY), CH(IDLE)},
{ENDS(CALLING), CH(IDLE), INV|OURS, {.ev = EV_1XX, .code = 180},
	{{TELL_PROGRESS, 180}}, ENDS(EARLY), CH(IDLE)},
{ENDS(EARLY), CH(IDLE), INV|OURS, {.ev = EV_1XX, .code = 183, .rseq = 5, SDP},
	{{DO_PRACK, 183}, {TELL_PROGRESS, 183}}, ENDS(EARLY), CH(IDLE)},
{ENDS(EARLY), CH(IDLE), INV|OURS, {.ev = EV_1XX, .code = 183, .rseq = 5, .leg = 1},
	{{0}}, ENDS(EARLY), CH(IDLE)}, /* 5 was had on leg 1 */
{ENDS(EARLY), CH(IDLE), INV|OURS, {.ev = EV_1XX, .code = 183, .rseq = 7, .leg = 1},
	{{0}}, ENDS(EARLY), CH(IDLE)}, /* 6 is missing */
{ENDS(EARLY), CH(IDLE), INV|OURS, {.ev = EV_1XX, .code = 183, .rseq = 6, .leg = 1},
	{{DO_PRACK, 183}, {TELL_PROGRESS, 183}}, ENDS(EARLY), CH(IDLE)},
{ENDS(EARLY), CH(IDLE), INV|OURS, {.ev = EV_1XX, .code = 183, .rseq = 1, .leg = 9},
	{{0}}, ENDS(EARLY), CH(IDLE)},
{ENDS(LEAVING), CH(IDLE), INV|OURS, {.ev = EV_1XX, .code = 100},
	{{DO_CANCEL, 100}}, ENDS(CANCELLING), CH(IDLE)},
{ENDS(EARLY), CH(IDLE), 0, {.ev = EV_2XX, .code = 200, SDP},
	{{TELL_ANSWER, 200}}, ENDS(ACKING), CH(IDLE)},
{ENDS(CALLING), CH(IDLE), INV|OURS, {.ev = EV_2XX, .code = 200, SDP},
	{{DO_ACK, 200}, {TELL_ANSWER, 200}}, ENDS(UP), CH(IDLE)},
{ENDS(EARLY), CH(UPDATE_OUT), INV|AGREED, {.ev = EV_2XX, .code = 200},
	{{DO_ACK, 200}, {TELL_ANSWER, 200}}, ENDS(UP), CH(UPDATE_OUT)},
{ENDS(CANCELLING), CH(IDLE), INV|OURS, {.ev = EV_2XX, .code = 200},
	{{DO_ACK, 200}, {DO_BYE, 200}}, ENDS(ENDING), CH(IDLE)},
{ENDS(LEAVING), CH(IDLE), INV|OURS, {.ev = EV_2XX, .code = 200},
	{{DO_ACK, 200}, {DO_BYE, 200}}, ENDS(ENDING), CH(IDLE)},
{ENDS(CALLING), CH(IDLE), INV|OURS, {.ev = EV_FAIL, .code = 422, .min_se_s = 3600},
	{{DO_INVITE, 422}}, ENDS(CALLING), CH(IDLE)},
{ENDS(CALLING), CH(IDLE), INV|OURS, {.ev = EV_FAIL, .code = 422, .min_se_s = 90},
	{{TELL_OVER, 422}}, ENDS(OVER), CH(IDLE)},
{ENDS(EARLY), CH(IDLE), INV|OURS, {.ev = EV_FAIL, .code = 486},
	{{TELL_OVER, 486}}, ENDS(OVER), CH(IDLE)},
{ENDS(CANCELLING), CH(IDLE), INV|OURS, {.ev = EV_FAIL, .code = 487},
	{{TELL_OVER, 487}}, ENDS(OVER), CH(IDLE)},
{ENDS(CALLING), CH(IDLE), INV|OURS, {.ev = EV_HANGUP}, {{0}}, ENDS(LEAVING), CH(IDLE)},
{ENDS(EARLY), CH(IDLE), INV|OURS, {.ev = EV_HANGUP, .code = 200},
	{{DO_CANCEL, 200}}, ENDS(CANCELLING), CH(IDLE)},
{ENDS(ACKING), CH(IDLE), 0, {.ev = EV_ACK_SDP, SDP}, {{DO_ACK, 0}}, ENDS(UP), CH(IDLE)},
{ENDS(ACKING), CH(IDLE), 0, {.ev = EV_HANGUP, .code = 480},
	{{DO_ACK, 480}, {DO_BYE, 480}}, ENDS(ENDING), CH(IDLE)},
{ENDS(EARLY), CH(IDLE), INV, {.ev = EV_PRACK_OK, SDP}, {{TELL_SDP, 0}}, ENDS(EARLY), CH(IDLE)},
{ENDS(UP), CH(IDLE), INV|AGREED, {.ev = EV_2XX_AGAIN}, {{DO_ACK, 0}}, ENDS(UP), CH(IDLE)},
{ENDS(ENDING), CH(IDLE), INV|AGREED, {.ev = EV_2XX_AGAIN},
	{{DO_ACK, 0}}, ENDS(ENDING), CH(IDLE)},
/* the callee */
{ENDS(RINGING), CH(IDLE), INV|THEIRS, {.ev = EV_RING, .code = 180},
	{{DO_PROV, 180}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|REL, {.ev = EV_RING, .code = 180},
	{{DO_PROV, 180}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|REL, {.ev = EV_RING, .code = 180, .reliable = true},
	{{0}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|REL, {.ev = EV_ANSWER}, {{0}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(UPDATE_IN), INV|AGREED, {.ev = EV_ANSWER},
	{{0}}, ENDS(RINGING), CH(UPDATE_IN)},
{ENDS(RINGING), CH(IDLE), INV|THEIRS, {.ev = EV_ANSWER},
	{{DO_OK_INVITE, 0}}, ENDS(ANSWERED), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|THEIRS, {.ev = EV_REJECT, .code = 486},
	{{DO_FAIL_INVITE, 486}, {TELL_OVER, 486}}, ENDS(OVER), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|THEIRS, {.ev = EV_HANGUP, .code = 480},
	{{DO_FAIL_INVITE, 480}, {TELL_OVER, 480}}, ENDS(OVER), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|THEIRS, {.ev = EV_CANCEL},
	{{DO_FAIL_INVITE, 487}, {TELL_OVER, 487}}, ENDS(OVER), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|THEIRS, {.ev = EV_PRACK, .rseq = 7},
	{{DO_FAIL_PRACK, 481}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|REL, {.ev = EV_PRACK, .rseq = 6},
	{{DO_FAIL_PRACK, 481}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|REL, {.ev = EV_PRACK, .rseq = 7, SDP},
	{{DO_FAIL_PRACK, 488}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), REL|RELOFFER|OURS, {.ev = EV_PRACK, .rseq = 7, SDP},
	{{DO_OK_PRACK, 0}, {TELL_SDP, 0}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|REL, {.ev = EV_PRACK, .rseq = 7},
	{{DO_OK_PRACK, 0}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|REL|HELD, {.ev = EV_PRACK, .rseq = 7},
	{{DO_OK_PRACK, 0}, {DO_OK_INVITE, 0}}, ENDS(ANSWERED), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|REL|RINGHELD, {.ev = EV_PRACK, .rseq = 7},
	{{DO_OK_PRACK, 0}, {DO_PROV, 183}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|REL, {TICK(1XX)}, {{DO_AGAIN_1XX, 0}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|REL, {TICK(PRACK)},
	{{DO_FAIL_INVITE, 504}, {TELL_OVER, 504}}, ENDS(OVER), CH(IDLE)},
{ENDS(ANSWERED), CH(IDLE), INV|ACKDUE, {.ev = EV_ACK},
	{{TELL_CONFIRMED, 0}}, ENDS(UP), CH(IDLE)},
{ENDS(ANSWERED), CH(IDLE), INV|ACKDUE, {.ev = EV_HANGUP}, {{0}}, ENDS(CLOSING), CH(IDLE)},
{ENDS(CLOSING), CH(IDLE), INV|ACKDUE, {.ev = EV_ACK}, {{DO_BYE, 0}}, ENDS(ENDING), CH(IDLE)},
{ENDS(CLOSING), CH(IDLE), INV|ACKDUE, {TICK(ACK)}, {{DO_BYE, 0}}, ENDS(ENDING), CH(IDLE)},
{ENDS(CLOSING), CH(IDLE), INV|ACKDUE, {TICK(2XX)},
	{{DO_AGAIN_2XX, 0}}, ENDS(CLOSING), CH(IDLE)},
{ENDS(UP), CH(IDLE), INV|AGREED, {TICK(2XX)}, {{0}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(IDLE), INV|ACKDUE, {TICK(ACK)},
	{{DO_BYE, 408}, {TELL_OVER, 408}}, ENDS(ENDING), CH(IDLE)},
/* our change */
{ENDS(UP), CH(IDLE), INV|AGREED, {.ev = EV_CHANGE, SDP},
	{{DO_REINVITE, 0}}, ENDS(UP), CH(INVITE_OUT)},
{ENDS(EARLY), CH(IDLE), INV|AGREED|UPD, {.ev = EV_CHANGE, SDP},
	{{DO_UPDATE, 0}}, ENDS(EARLY), CH(UPDATE_OUT)},
{ENDS(UP), CH(INVITE_OUT), INV|AGREED|OUT, {.ev = EV_REINVITE_OK, .code = 200, SDP},
	{{DO_ACK, 200}, {TELL_CHANGED, 200}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(INVITE_OUT), INV|AGREED|OUT|QUIET, {.ev = EV_REINVITE_OK, .code = 200, SDP},
	{{DO_ACK, 200}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(INVITE_OUT), INV|AGREED, {.ev = EV_REINVITE_OK, .code = 200, SDP},
	{{TELL_CHANGED, 200}}, ENDS(UP), CH(ACK_OUT)},
{ENDS(ENDING), CH(IDLE), INV|AGREED, {.ev = EV_REINVITE_OK, .code = 200, SDP},
	{{DO_ACK, 200}}, ENDS(ENDING), CH(IDLE)},
{ENDS(UP), CH(ACK_OUT), INV|AGREED, {.ev = EV_ACK_SDP, SDP}, {{DO_ACK, 0}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(INVITE_OUT), INV|AGREED|OUT, {.ev = EV_REINVITE_FAIL, .code = 491},
	{{0}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(INVITE_OUT), INV|AGREED|OUT|TIRED, {.ev = EV_REINVITE_FAIL, .code = 491},
	{{TELL_REFUSED, 491}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(INVITE_OUT), INV|AGREED|OUT, {.ev = EV_REINVITE_FAIL, .code = 488},
	{{TELL_REFUSED, 488}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(INVITE_OUT), INV|AGREED|OUT, {.ev = EV_REINVITE_FAIL, .code = 481},
	{{DO_BYE, 481}, {TELL_OVER, 481}}, ENDS(ENDING), CH(IDLE)},
{ENDS(UP), CH(INVITE_OUT), INV|AGREED|OUT|QUIET, {.ev = EV_REINVITE_FAIL, .code = 488},
	{{0}}, ENDS(UP), CH(IDLE)},
{ENDS(RINGING), CH(UPDATE_OUT), INV|AGREED|UPD|OUT, {.ev = EV_UPDATE_FAIL, .code = 491},
	{{0}}, ENDS(RINGING), CH(IDLE)},
{ENDS(UP), CH(UPDATE_OUT), INV|AGREED|UPD|OUT, {.ev = EV_UPDATE_FAIL, .code = 408},
	{{DO_BYE, 408}, {TELL_OVER, 408}}, ENDS(ENDING), CH(IDLE)},
{ENDS(RINGING), CH(UPDATE_OUT), INV|AGREED|UPD|OUT|HELD, {.ev = EV_UPDATE_FAIL, .code = 488},
	{{TELL_REFUSED, 488}, {DO_OK_INVITE, 488}}, ENDS(ANSWERED), CH(IDLE)},
{ENDS(EARLY), CH(UPDATE_OUT), INV|AGREED|UPD|OUT, {.ev = EV_UPDATE_OK, SDP},
	{{TELL_CHANGED, 0}}, ENDS(EARLY), CH(IDLE)},
{ENDS(UP), CH(IDLE), INV|AGREED|OUT, {TICK(GLARE)},
	{{DO_REINVITE, 0}}, ENDS(UP), CH(INVITE_OUT)},
{ENDS(RINGING), CH(IDLE), INV|AGREED|OUT, {TICK(GLARE)},
	{{DO_UPDATE, 0}}, ENDS(RINGING), CH(UPDATE_OUT)},
{ENDS(UP), CH(INVITE_IN), INV|AGREED|OUT, {TICK(GLARE)}, {{0}}, ENDS(UP), CH(INVITE_IN)},
/* their change */
{ENDS(UP), CH(IDLE), INV|AGREED, {.ev = EV_INVITE, SDP},
	{{TELL_OFFER, 0}}, ENDS(UP), CH(INVITE_IN)},
{ENDS(UP), CH(INVITE_OUT), INV|AGREED|OUT, {.ev = EV_INVITE, SDP},
	{{DO_FAIL_INVITE, 491}}, ENDS(UP), CH(INVITE_OUT)},
{ENDS(UP), CH(INVITE_IN), INV|AGREED|IN, {.ev = EV_INVITE, SDP},
	{{DO_FAIL_INVITE, 500}}, ENDS(UP), CH(INVITE_IN)},
{ENDS(ANSWERED), CH(IDLE), INV, {.ev = EV_INVITE, SDP},
	{{DO_FAIL_INVITE, 500}}, ENDS(ANSWERED), CH(IDLE)},
{ENDS(EARLY), CH(IDLE), INV|OURS, {.ev = EV_INVITE, SDP},
	{{DO_FAIL_INVITE, 491}}, ENDS(EARLY), CH(IDLE)},
{ENDS(ENDING), CH(IDLE), INV, {.ev = EV_INVITE, SDP},
	{{DO_FAIL_INVITE, 481}}, ENDS(ENDING), CH(IDLE)},
{ENDS(UP), CH(INVITE_IN), INV|AGREED|IN, {.ev = EV_ACCEPT, SDP},
	{{DO_OK_INVITE, 0}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(INVITE_IN), INV|AGREED, {.ev = EV_ACCEPT, SDP},
	{{DO_OK_INVITE, 0}}, ENDS(UP), CH(ACK_IN)},
{ENDS(UP), CH(INVITE_IN), INV|AGREED|IN, {.ev = EV_REFUSE, .code = 488},
	{{DO_FAIL_INVITE, 488}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(INVITE_IN), INV|AGREED|IN, {.ev = EV_CANCEL},
	{{DO_FAIL_INVITE, 487}, {TELL_WITHDRAWN, 0}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(ACK_IN), INV|AGREED|ACKDUE, {.ev = EV_ACK, SDP},
	{{TELL_CONFIRMED, 0}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(IDLE), INV|AGREED|ACKDUE, {.ev = EV_ACK}, {{0}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(INVITE_OUT), INV|AGREED, {.ev = EV_UPDATE},
	{{DO_OK_UPDATE, 0}}, ENDS(UP), CH(INVITE_OUT)},
{ENDS(UP), CH(UPDATE_OUT), INV|AGREED, {.ev = EV_UPDATE, SDP},
	{{DO_FAIL_UPDATE, 491}}, ENDS(UP), CH(UPDATE_OUT)},
{ENDS(EARLY), CH(IDLE), INV|OURS, {.ev = EV_UPDATE, SDP},
	{{DO_FAIL_UPDATE, 491}}, ENDS(EARLY), CH(IDLE)},
{ENDS(UP), CH(INVITE_IN), INV|AGREED|IN, {.ev = EV_UPDATE, SDP},
	{{DO_FAIL_UPDATE, 500}}, ENDS(UP), CH(INVITE_IN)},
{ENDS(RINGING), CH(IDLE), INV|THEIRS, {.ev = EV_UPDATE, SDP},
	{{DO_FAIL_UPDATE, 500}}, ENDS(RINGING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|AGREED, {.ev = EV_UPDATE, SDP},
	{{TELL_OFFER, 0}}, ENDS(RINGING), CH(UPDATE_IN)},
{ENDS(OVER), CH(IDLE), INV, {.ev = EV_UPDATE}, {{DO_FAIL_UPDATE, 481}}, ENDS(OVER), CH(IDLE)},
{ENDS(EARLY), CH(UPDATE_IN), INV|AGREED|IN, {.ev = EV_ACCEPT, SDP},
	{{DO_OK_UPDATE, 0}}, ENDS(EARLY), CH(IDLE)},
{ENDS(RINGING), CH(UPDATE_IN), INV|AGREED|IN|HELD, {.ev = EV_ACCEPT, SDP},
	{{DO_OK_UPDATE, 0}, {DO_OK_INVITE, 0}}, ENDS(ANSWERED), CH(IDLE)},
{ENDS(RINGING), CH(UPDATE_IN), INV|AGREED|IN|REL|HELD, {.ev = EV_ACCEPT, SDP},
	{{DO_OK_UPDATE, 0}}, ENDS(RINGING), CH(IDLE)}, /* PRACK is still missing */
{ENDS(UP), CH(UPDATE_IN), INV|AGREED|IN, {.ev = EV_REFUSE, .code = 488},
	{{DO_FAIL_UPDATE, 488}}, ENDS(UP), CH(IDLE)},
/* the session timer */
{ENDS(UP), CH(INVITE_IN), INV|AGREED|UPD, {TICK(REFRESH)},
	{{DO_REFRESH, 0}}, ENDS(UP), CH(INVITE_IN)},
{ENDS(UP), CH(IDLE), INV|AGREED, {TICK(REFRESH)}, {{DO_REINVITE, 0}}, ENDS(UP), CH(INVITE_OUT)},
{ENDS(UP), CH(INVITE_IN), INV|AGREED, {TICK(REFRESH)}, {{0}}, ENDS(UP), CH(INVITE_IN)},
{ENDS(UP), CH(IDLE), INV|AGREED|UPD, {.ev = EV_REFRESH_OK, .se_s = 1800, .se_us = true},
	{{0}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(IDLE), INV|AGREED|UPD, {.ev = EV_REFRESH_FAIL, .code = 408},
	{{DO_BYE, 408}, {TELL_OVER, 408}}, ENDS(ENDING), CH(IDLE)},
{ENDS(UP), CH(IDLE), INV|AGREED|UPD, {.ev = EV_REFRESH_FAIL, .code = 500},
	{{0}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(IDLE), INV|AGREED|UPD, {TICK(EXPIRE)},
	{{DO_BYE, 408}, {TELL_OVER, 408}}, ENDS(ENDING), CH(IDLE)},
/* the end */
{ENDS(UP), CH(IDLE), INV|AGREED, {.ev = EV_HANGUP, .code = 16},
	{{DO_BYE, 16}}, ENDS(ENDING), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|THEIRS, {.ev = EV_BYE},
	{{DO_OK_BYE, 0}, {DO_FAIL_INVITE, 487}, {TELL_OVER, 0}}, ENDS(OVER), CH(IDLE)},
{ENDS(UP), CH(INVITE_IN), INV|AGREED|IN, {.ev = EV_BYE},
	{{DO_OK_BYE, 0}, {DO_FAIL_INVITE, 487}, {TELL_OVER, 0}}, ENDS(OVER), CH(IDLE)},
{ENDS(ENDING), CH(IDLE), INV|AGREED, {.ev = EV_BYE}, {{DO_OK_BYE, 0}}, ENDS(ENDING), CH(IDLE)},
{ENDS(EARLY), CH(IDLE), INV|OURS, {.ev = EV_BYE}, {{DO_OK_BYE, 0}}, ENDS(EARLY), CH(IDLE)},
{ENDS(UP), CH(IDLE), INV|AGREED, {.ev = EV_BYE},
	{{DO_OK_BYE, 0}, {TELL_OVER, 0}}, ENDS(OVER), CH(IDLE)},
{ENDS(ENDING), CH(IDLE), INV|AGREED, {.ev = EV_BYE_DONE},
	{{TELL_OVER, 0}}, ENDS(OVER), CH(IDLE)},
{ENDS(UP), CH(IDLE), INV|AGREED, {.ev = EV_PRACK, .rseq = 7},
	{{DO_FAIL_PRACK, 481}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(IDLE), INV|AGREED, {.ev = EV_LOST}, {{0}}, ENDS(UP), CH(IDLE)},
{ENDS(UP), CH(INVITE_OUT), INV|AGREED, {.ev = EV_LOST}, {{TELL_REFUSED, 503}}, ENDS(UP), CH(IDLE)},
{ENDS(RINGING), CH(IDLE), INV|AGREED, {.ev = EV_LOST}, {{TELL_OVER, 503}}, ENDS(OVER), CH(IDLE)},
/* clang-format on */
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static void set_up(struct dialog *d, const struct sample *s)
{
	const unsigned is = s->is;

	*d = (struct dialog){.state = s->state,
			     .change = s->change,
			     .caller = s->state < DIALOG_RINGING,
			     .over_told = s->state == DIALOG_OVER,
			     .invite_sdp = is & INV,
			     .offer_ours = is & OURS,
			     .offer_theirs = is & THEIRS,
			     .agreed = is & AGREED,
			     .peer_updates = is & UPD,
			     .rel_waits = is & REL,
			     .rel_sdp = is & REL,
			     .rel_offer = is & RELOFFER,
			     .rseq_out = 7,
			     .rseq_in = {0, 5, 0, 0},
			     .ack_due = is & ACKDUE,
			     .out_sdp = is & OUT,
			     .in_sdp = is & IN,
			     .change_silent = is & QUIET,
			     .retries = is & TIRED ? DIALOG_RETRIES_MAX : 0,
			     .answer_held = is & HELD,
			     .ring_held = is & RINGHELD,
			     .held_code = is & RINGHELD ? 183 : 0,
			     .se_s = 1800,
			     .invites = 1};
}

TEST(dialog_every_row)
{
	bool hit[ROWS] = {false};
	size_t missed = 0;

	for (size_t i = 0; i < SAMPLES; i++) {
		const struct sample *s = &samples[i];
		struct dialog_acts acts;
		const struct row *r;
		struct dialog d;
		size_t n = 0;
		bool ok;

		set_up(&d, s);
		r = row_of(&d, &s->e);
		if (r)
			hit[r - table] = true;
		CHECK_OK(dialog_take(&d, 1000, &s->e, &acts));
		while (n < 6 && s->acts[n].what)
			n++;
		ok = acts.n == n && d.state == s->next &&
		     d.change == s->next_change;
		for (size_t k = 0; ok && k < n; k++)
			ok = acts.v[k].what == s->acts[k].what &&
			     acts.v[k].code == s->acts[k].code;
		if (!ok) {
			printf("sample %zu: event %d: %s, change %d, acts", i,
			       (int)s->e.ev, dialog_state_name(d.state),
			       (int)d.change);
			for (size_t k = 0; k < acts.n; k++)
				printf(" %u(%u)", acts.v[k].what,
				       acts.v[k].code);
			putchar('\n');
		}
		CHECK(ok);
	}
	for (size_t i = 0; i < ROWS; i++) {
		if (!hit[i])
			printf("row %zu, event %u, has no sample\n", i,
			       table[i].ev);
		missed += !hit[i];
	}
	CHECK_EQ(missed, 0);
}

TEST(dialog_application_out_of_turn)
{
	static const struct {
		enum dialog_state state;
		enum dialog_change change;
		enum dialog_ev ev;
	} rows[] = {
		{DIALOG_UP, CHANGE_INVITE_OUT, EV_CHANGE},
		{DIALOG_UP, CHANGE_IDLE, EV_ACCEPT},
		{DIALOG_UP, CHANGE_IDLE, EV_REFUSE},
		{DIALOG_UP, CHANGE_IDLE, EV_ANSWER},
		{DIALOG_ANSWERED, CHANGE_IDLE, EV_REJECT},
		{DIALOG_CALLING, CHANGE_IDLE, EV_CHANGE},
		{DIALOG_RINGING, CHANGE_IDLE, EV_CALL},
		{DIALOG_OVER, CHANGE_IDLE, EV_HANGUP},
		{DIALOG_ENDING, CHANGE_IDLE, EV_RING},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample s = {.state = rows[i].state,
				   .change = rows[i].change,
				   .e = {.ev = rows[i].ev, .sdp = true}};
		struct dialog d, before;
		struct dialog_acts acts;

		set_up(&d, &s);
		before = d;
		CHECK_ERR(dialog_take(&d, 1, &s.e, &acts), EPROTO);
		CHECK_EQ(acts.n, 0);
		CHECK_MEM(&d, &before, sizeof(d));
	}
}

/** Let time go until something is done; the action, and when. */
static unsigned wait_act(struct dialog *d, uint64_t *now)
{
	struct dialog_acts acts;

	for (;;) {
		const uint64_t due = dialog_due(d);

		if (!due)
			return 0;
		CHECK(due >= *now);
		*now = due;
		dialog_time(d, due, 17, &acts);
		if (acts.n)
			return acts.v[0].what;
	}
}

static void feed(struct dialog *d, uint64_t now, struct dialog_event e)
{
	struct dialog_acts acts;

	CHECK_OK(dialog_take(d, now, &e, &acts));
}

TEST(dialog_2xx_is_repeated_till_ack)
{
	static const uint64_t at[] = {500,   1500,  3500,  7500,  11500,
				      15500, 19500, 23500, 27500, 31500};
	struct dialog d;
	uint64_t now = 0;

	dialog_init(&d, false, true, 0);
	feed(&d, 0, (struct dialog_event){.ev = EV_ANSWER});
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		CHECK_EQ(wait_act(&d, &now), DO_AGAIN_2XX);
		CHECK_EQ(now, at[i]);
	}
	CHECK_EQ(wait_act(&d, &now), DO_BYE);
	CHECK_EQ(now, 32000);
	CHECK_EQ(wait_act(&d, &now), 0);

	dialog_init(&d, false, true, 0);
	feed(&d, 0, (struct dialog_event){.ev = EV_ANSWER});
	feed(&d, 700, (struct dialog_event){.ev = EV_ACK});
	CHECK_EQ(dialog_due(&d), 0);
}

TEST(dialog_reliable_provisional_is_repeated_till_prack)
{
	struct dialog d;
	uint64_t now = 100;
	uint32_t n = 0;

	dialog_init(&d, false, true, 0);
	feed(&d, 100,
	     (struct dialog_event){.ev = EV_RING,
				   .code = 183,
				   .sdp = true,
				   .reliable = true});
	CHECK_EQ(d.rseq_out, 1);
	CHECK(!d.offer_theirs);
	for (; wait_act(&d, &now) == DO_AGAIN_1XX; n++)
		;
	CHECK_EQ(n, 6); /* 0.5 1.5 3.5 7.5 15.5 31.5 s */
	CHECK_EQ(now, 32100);
	CHECK_EQ(d.state, DIALOG_OVER);
}

TEST(dialog_offer_in_a_reliable_provisional)
{
	struct dialog d;

	dialog_init(&d, false, false, 0);
	feed(&d, 0,
	     (struct dialog_event){.ev = EV_RING,
				   .code = 183,
				   .sdp = true,
				   .reliable = true});
	CHECK(d.rel_offer && d.offer_ours);
	/* an UPDATE must wait till PRACK has brought the answer */
	CHECK(!d.agreed);
	feed(&d, 1,
	     (struct dialog_event){.ev = EV_PRACK, .rseq = 1, .sdp = true});
	CHECK(d.agreed && !d.offer_ours && !d.rel_waits);
	/* the 2xx makes no second offer */
	feed(&d, 2, (struct dialog_event){.ev = EV_ANSWER});
	CHECK(!d.offer_ours);
	CHECK_EQ(d.state, DIALOG_ANSWERED);

	/* without one the 2xx is the offer, and ACK the answer */
	dialog_init(&d, false, false, 0);
	feed(&d, 2, (struct dialog_event){.ev = EV_ANSWER});
	CHECK(d.offer_ours);
	feed(&d, 3, (struct dialog_event){.ev = EV_ACK, .sdp = true});
	CHECK(!d.offer_ours && d.agreed);
}

TEST(dialog_session_timer)
{
	struct dialog d;
	uint64_t now = 0;

	/* refresher: at half time, and each time anew */
	dialog_init(&d, true, true, 1800);
	d.peer_updates = true;
	feed(&d, 0, (struct dialog_event){.ev = EV_CALL, .sdp = true});
	feed(&d, 0,
	     (struct dialog_event){
		     .ev = EV_2XX, .sdp = true, .se_s = 600, .se_us = true});
	CHECK_EQ(wait_act(&d, &now), DO_REFRESH);
	CHECK_EQ(now, 300000);
	feed(&d, now,
	     (struct dialog_event){
		     .ev = EV_REFRESH_FAIL, .code = 422, .min_se_s = 900});
	CHECK_EQ(d.se_s, 900);
	CHECK_EQ(wait_act(&d, &now), DO_REFRESH);
	CHECK(now > 300000 && now <= 305000);
	feed(&d, now,
	     (struct dialog_event){
		     .ev = EV_REFRESH_OK, .se_s = 900, .se_us = true});
	CHECK_EQ(dialog_due(&d), now + 450000);
	/* they do not take UPDATE after all */
	CHECK_EQ(wait_act(&d, &now), DO_REFRESH);
	feed(&d, now,
	     (struct dialog_event){.ev = EV_REFRESH_FAIL, .code = 405});
	CHECK_EQ(wait_act(&d, &now), DO_REINVITE);
	CHECK(d.change_silent);

	/* refreshee: nothing comes */
	now = 0;
	dialog_init(&d, false, true, 90);
	feed(&d, 0, (struct dialog_event){.ev = EV_ANSWER, .se_s = 90});
	feed(&d, 10, (struct dialog_event){.ev = EV_ACK});
	CHECK_EQ(wait_act(&d, &now), DO_BYE);
	CHECK_EQ(now, 60000);
	CHECK_EQ(d.state, DIALOG_ENDING);
}

TEST(dialog_glare_waits)
{
	for (uint32_t r = 0; r < 3000; r += 7) {
		struct dialog d;

		dialog_init(&d, true, true, 0);
		feed(&d, 0, (struct dialog_event){.ev = EV_CALL, .sdp = true});
		feed(&d, 0, (struct dialog_event){.ev = EV_2XX, .sdp = true});
		feed(&d, 0,
		     (struct dialog_event){.ev = EV_CHANGE, .sdp = true});
		feed(&d, 0,
		     (struct dialog_event){
			     .ev = EV_REINVITE_FAIL, .code = 491, .random = r});
		CHECK(dialog_due(&d) >= 2100 && dialog_due(&d) <= 4001);
		d.change = CHANGE_INVITE_OUT;
		d.caller = false;
		feed(&d, 0,
		     (struct dialog_event){
			     .ev = EV_REINVITE_FAIL, .code = 491, .random = r});
		CHECK(dialog_due(&d) >= 1 && dialog_due(&d) <= 2001);
	}
}

TEST(dialog_glare_ends)
{
	struct dialog d;
	uint64_t now = 0;
	unsigned tries = 0;

	dialog_init(&d, false, true, 0);
	feed(&d, 0, (struct dialog_event){.ev = EV_ANSWER});
	feed(&d, 0, (struct dialog_event){.ev = EV_ACK});
	feed(&d, 0, (struct dialog_event){.ev = EV_CHANGE, .sdp = true});
	while (d.change == CHANGE_INVITE_OUT) {
		tries++;
		feed(&d, now,
		     (struct dialog_event){.ev = EV_REINVITE_FAIL,
					   .code = 491});
		if (dialog_due(&d))
			CHECK_EQ(wait_act(&d, &now), DO_REINVITE);
	}
	CHECK_EQ(tries, DIALOG_RETRIES_MAX + 1);
	CHECK_EQ(d.state, DIALOG_UP);
}

/** No sequence of events may break the machine or end it twice. */
TEST(dialog_any_events)
{
	for (unsigned run = 0; run < 3000; run++) {
		uint64_t now = 1;
		unsigned over = 0;
		struct dialog d;

		dialog_init(&d, rdtest_random() & 1, rdtest_random() & 1,
			    rdtest_random() & 1 ? 90 : 0);
		for (unsigned i = 0; i < 60; i++) {
			const uint64_t r = rdtest_random();
			struct dialog_event e = {
				.ev = (enum dialog_ev)(r % EV_TIMER),
				.code = (uint16_t)(100 + (r >> 8) % 600),
				.sdp = r >> 20 & 1,
				.reliable = r >> 21 & 1,
				.leg = r >> 22 & 7,
				.rseq = (uint32_t)(r >> 26) & 3,
				.se_s = r >> 30 & 1 ? 90 : 0,
				.se_us = r >> 31 & 1,
				.min_se_s = r >> 32 & 1 ? 9000 : 0,
				.random = (uint32_t)(r >> 33)};
			const bool was_over = d.state == DIALOG_OVER;
			struct dialog_acts acts;

			now += r >> 50 & 0x1fff;
			if (dialog_due(&d) && dialog_due(&d) <= now)
				dialog_time(&d, now, 3, &acts);
			else if (dialog_take(&d, now, &e, &acts))
				CHECK(e.ev <= EV_ACK_SDP && !acts.n);
			for (size_t k = 0; k < acts.n; k++)
				over += acts.v[k].what == TELL_OVER;
			CHECK(over <= 1);
			CHECK(!was_over || d.state == DIALOG_OVER);
			CHECK(d.state != DIALOG_OVER ||
			      (!dialog_due(&d) && over == 1));
		}
	}
}
