/* SPDX-License-Identifier: ISC */
/** @file ask.c  Requests of a call that we send, and their answers */
#include <errno.h>
#include <re.h>
#include <stdio.h>
#include <string.h>
#include "sip/sanity.h"
#include "sip/state.h"

#define CANCEL_MS_MAX 32000 /* 64 T1: then the INVITE is given up */

static void ask_destructor(void *data)
{
	struct ask *a = data;

	list_unlink(&a->le);
	mem_deref(a->req); /* goes on by itself, and calls nobody */
	mem_deref(a->dlg);
	mem_deref(a->rest);
}

/* ---- what stands in requests ---- */

int reply_body(struct mbuf *mb, struct mbuf *sdp)
{
	if (!sdp || !sdp->end)
		return mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	return mbuf_printf(mb,
			   "Content-Type: application/sdp\r\n"
			   "Content-Length: %zu\r\n\r\n%b",
			   sdp->end, sdp->buf, sdp->end);
}

static int offer_lines(const struct session *s, struct mbuf *mb, bool first)
{
	const uint32_t least = s->ep->conf.min_se_s;
	int err;

	/* Without an offer of ours a provisional would bring theirs, to be
	 * answered in PRACK: we do not take that */
	err = mbuf_printf(mb, "Allow: " ENDPOINT_ALLOW "\r\nSupported: %s\r\n",
			  first && !s->offer ? "timer" : ENDPOINT_SUPPORTED);
	if (!err && s->d.se_s && first)
		err = mbuf_printf(mb, "Session-Expires: %u\r\nMin-SE: %u\r\n",
				  s->d.se_s, least);
	else if (!err && s->d.se_s)
		err = mbuf_printf(mb,
				  "Session-Expires: %u;refresher=%s\r\n"
				  "Min-SE: %u\r\n",
				  s->d.se_s, s->d.se_us ? "uac" : "uas", least);
	return err;
}

static int reason_line(struct mbuf *mb, uint16_t code, const char *text)
{
	if (!code)
		return 0;
	return mbuf_printf(mb, "Reason: SIP;cause=%u;text=\"%s\"\r\n", code,
			   text && *text ? text : endpoint_phrase(code));
}

void local_set(struct session *s, struct mbuf *sdp)
{
	if (!sdp || sdp == s->local)
		return;
	mem_deref(s->local);
	s->local = mem_ref(sdp);
}

/* ---- sending ---- */

static int send_handler(enum sip_transp tp, const struct sa *src,
			const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct ask *a = arg;
	struct sip_contact contact;

	if (a->kind == ASK_INVITE) {
		a->s->dst = *dst;
		a->s->tp = tp;
	}
	if (a->kind > ASK_REFRESH)
		return 0;
	sip_contact_set(&contact, a->s->user, src, tp);
	return mbuf_printf(mb, "%H", sip_contact_print, &contact);
}

static void answered(int err, const struct sip_msg *msg, void *arg);

static int send_ask(struct ask *a)
{
	a->cseq = sip_dialog_lseq(a->dlg);
	a->tries++;
	return sip_drequestf(&a->req, a->s->ep->sip, true, a->met, a->dlg, 0,
			     a->s->auth, send_handler, answered, a, "%b",
			     a->rest->buf, a->rest->end);
}

int ask_send(struct session *s, enum ask_kind kind, const char *met,
	     struct sip_dialog *dlg, struct mbuf *rest)
{
	struct ask *a = mem_zalloc(sizeof(*a), ask_destructor);
	int err;

	if (!a || !dlg) {
		mem_deref(a);
		return a ? EINVAL : ENOMEM;
	}
	a->s = s;
	a->kind = kind;
	a->met = met;
	a->dlg = mem_ref(dlg);
	a->rest = mem_ref(rest);
	list_append(&s->asks, &a->le, a);
	err = send_ask(a);
	if (err)
		mem_deref(a);
	return err;
}

/** Send a request whose failing is an event like a bad answer. */
static void ask_or_fail(struct session *s, enum ask_kind kind, const char *met,
			struct mbuf *rest, int err, enum dialog_ev fail)
{
	struct dialog_event e = {.ev = fail, .code = 503};

	if (!err)
		err = ask_send(s, kind, met, s->dlg, rest);
	mem_deref(rest);
	if (err)
		session_feed(s, &e, NULL);
}

int ask_invite(struct session *s)
{
	struct mbuf *rest = mbuf_alloc(1024);
	int err = rest ? 0 : ENOMEM;

	if (!err)
		err = offer_lines(s, rest, true);
	if (!err && s->lines)
		err = mbuf_write_str(rest, s->lines);
	if (!err)
		err = reply_body(rest, s->offer);
	if (!err)
		err = ask_send(s, ASK_INVITE, "INVITE", s->root, rest);
	mem_deref(rest);
	return err;
}

static void ask_change(struct session *s, bool update, bool refresh)
{
	struct mbuf *rest = mbuf_alloc(1024);
	int err = rest ? 0 : ENOMEM;

	if (!err)
		err = offer_lines(s, rest, false);
	if (!err)
		err = reply_body(rest, refresh              ? NULL
				       : s->d.change_silent ? s->local
							    : s->offer);
	if (refresh)
		ask_or_fail(s, ASK_REFRESH, "UPDATE", rest, err,
			    EV_REFRESH_FAIL);
	else if (update)
		ask_or_fail(s, ASK_UPDATE, "UPDATE", rest, err, EV_UPDATE_FAIL);
	else
		ask_or_fail(s, ASK_REINVITE, "INVITE", rest, err,
			    EV_REINVITE_FAIL);
}

static void ask_prack(struct session *s, const struct dialog_act *act,
		      const struct sip_msg *msg)
{
	struct mbuf *rest = mbuf_alloc(128);

	/* Not sent: they repeat the provisional, but we will not see it as
	 * new; the call goes on when it is answered */
	if (rest && act->leg < DIALOG_LEGS_MAX &&
	    !mbuf_printf(rest,
			 "RAck: %u %u INVITE\r\nContent-Length: 0\r\n\r\n",
			 act->rseq, msg->cseq.num))
		(void)ask_send(s, ASK_PRACK, "PRACK", s->leg[act->leg], rest);
	mem_deref(rest);
}

void ask_ack(struct session *s, struct sip_dialog *dlg, uint32_t cseq,
	     struct mbuf *sdp)
{
	struct mbuf *rest = mbuf_alloc(256);

	/* Lost or not sent: their 2xx comes again, and so does this */
	if (rest && !reply_body(rest, sdp))
		(void)sip_drequestf(NULL, s->ep->sip, false, "ACK", dlg, cseq,
				    s->auth, NULL, NULL, NULL, "%b", rest->buf,
				    rest->end);
	mem_deref(rest);
}

void ask_bye(struct session *s, struct sip_dialog *dlg, enum ask_kind kind,
	     uint16_t code, const char *text)
{
	struct dialog_event e = {.ev = EV_BYE_DONE};
	struct mbuf *rest = mbuf_alloc(128);
	int err = rest ? 0 : ENOMEM;

	if (!err)
		err = reason_line(rest, code, text);
	if (!err)
		err = reply_body(rest, NULL);
	if (!err)
		err = ask_send(s, kind, "BYE", dlg, rest);
	mem_deref(rest);
	if (err && kind == ASK_BYE)
		session_feed(s, &e, NULL);
}

/* ---- CANCEL, by ourselves: libre's can carry no Reason ---- */

void ask_cancel_stop(struct session *s)
{
	s->cancel = mem_deref(s->cancel);
}

static void cancel_again(void *arg)
{
	struct dialog_event e = {.ev = EV_FAIL, .code = 408};
	struct session *s = arg;

	s->cancel_sum_ms += s->cancel_ms;
	if (s->cancel_sum_ms >= CANCEL_MS_MAX) {
		session_feed(s, &e, NULL); /* no final came */
		return;
	}
	if (s->cancel)
		(void)sip_send(s->ep->sip, NULL, s->tp, &s->dst, s->cancel);
	s->cancel_ms = s->cancel_ms * 2 < DIALOG_T2_MS ? s->cancel_ms * 2
						       : DIALOG_T2_MS;
	tmr_start(&s->tmr_cancel, s->cancel_ms, cancel_again, s);
}

static int cancel_text(struct session *s, struct mbuf *mb)
{
	const struct sip_msg *p = s->prov;
	int err;

	err = mbuf_printf(mb,
			  "CANCEL %s SIP/2.0\r\n"
			  "Via: SIP/2.0/%s %r;branch=%r;rport\r\n"
			  "Max-Forwards: 70\r\n",
			  s->uri, sip_transp_name(s->tp), &p->via.sentby,
			  &p->via.branch);
	if (!err && s->route)
		err = mbuf_printf(mb, "Route: <%s;lr>\r\n", s->route);
	if (!err)
		err = mbuf_printf(mb,
				  "To: <%s>\r\nFrom: %r\r\nCall-ID: %r\r\n"
				  "CSeq: %u CANCEL\r\n",
				  s->to, &p->from.val, &p->callid, p->cseq.num);
	if (!err)
		err = reason_line(mb, s->bye_code, s->bye_text);
	if (!err)
		err = mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	mbuf_set_pos(mb, 0);
	return err;
}

static void ask_cancel(struct session *s)
{
	s->cancel = mbuf_alloc(512);
	if (s->cancel && (!s->prov || cancel_text(s, s->cancel)))
		s->cancel = mem_deref(s->cancel);
	if (s->cancel)
		(void)sip_send(s->ep->sip, NULL, s->tp, &s->dst, s->cancel);
	s->cancel_ms = DIALOG_T1_MS;
	s->cancel_sum_ms = 0;
	tmr_start(&s->tmr_cancel, s->cancel_ms, cancel_again, s);
}

/* ---- actions ---- */

void ask_do(struct session *s, const struct dialog_act *a,
	    const struct sip_msg *msg)
{
	struct dialog_event e = {.ev = EV_FAIL, .code = 503};

	switch (a->what) {
	case DO_INVITE:
		if (ask_invite(s))
			session_feed(s, &e, NULL);
		break;
	case DO_CANCEL: ask_cancel(s); break;
	case DO_ACK:
		local_set(s, s->ack_sdp ? s->ack_sdp : s->offer);
		ask_ack(s, s->dlg, s->ack_cseq, s->ack_sdp);
		break;
	case DO_PRACK:
		if (msg)
			ask_prack(s, a, msg);
		break;
	case DO_BYE:
		if (!s->hung_up && a->code >= 300)
			s->bye_code = a->code;
		ask_bye(s, s->dlg, ASK_BYE, s->bye_code, s->bye_text);
		break;
	case DO_REINVITE: ask_change(s, false, false); break;
	case DO_UPDATE: ask_change(s, true, false); break;
	case DO_REFRESH: ask_change(s, true, true); break;
	default: break;
	}
}

/* ---- answers ---- */

/** The early dialog of this response: found, or made; LEGS_MAX: neither. */
static uint8_t leg_of(struct session *s, const struct sip_msg *msg)
{
	uint8_t i;

	for (i = 0; i < DIALOG_LEGS_MAX && s->leg[i]; i++)
		if (sip_dialog_cmp(s->leg[i], msg))
			return i;
	if (i < DIALOG_LEGS_MAX && msg->to.tag.l &&
	    !contact_fork(&s->leg[i], s->root, msg)) {
		if (!s->dlg)
			s->dlg = mem_ref(s->leg[i]);
		return i;
	}
	return DIALOG_LEGS_MAX;
}

static void invite_provisional(struct session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *rseq = sip_msg_hdr(msg, SIP_HDR_RSEQ);
	struct dialog_event e = {.ev = EV_1XX, .code = msg->scode};

	if (sanity_response(msg) != SANITY_PASS)
		return;
	if (!s->prov)
		s->prov = mem_ref((void *)msg);
	e.leg = leg_of(s, msg);
	if (rseq && has_option(msg, SIP_HDR_REQUIRE, "100rel") &&
	    msg->scode > 100 && sanity_number(rseq->val, UINT32_MAX, &e.rseq))
		return;
	e.sdp = session_body(msg, NULL);
	if (e.leg < DIALOG_LEGS_MAX)
		session_learn(s, msg);
	session_feed(s, &e, msg);
}

static void invite_accepted(struct session *s, const struct ask *a,
			    const struct sip_msg *msg)
{
	struct dialog_event e = {.ev = EV_2XX, .code = msg->scode};
	const uint8_t leg = leg_of(s, msg);

	/* One more fork than we followed early has answered */
	if (leg < DIALOG_LEGS_MAX) {
		mem_deref(s->dlg);
		s->dlg = mem_ref(s->leg[leg]);
		contact_update(s->dlg, msg);
	} else {
		s->dlg = mem_deref(s->dlg);
		(void)contact_fork(&s->dlg, s->root, msg);
	}
	if (!s->dlg) {
		/* No Contact: it cannot even be acknowledged */
		e.ev = EV_FAIL;
		e.code = 502;
	}
	s->ack_cseq = a->cseq;
	/* What was of use only while it rang */
	s->prov = mem_deref(s->prov);
	for (size_t i = 0; i < DIALOG_LEGS_MAX; i++)
		s->leg[i] = mem_deref(s->leg[i]);
	e.sdp = session_body(msg, NULL);
	session_learn(s, msg);
	session_terms(s, msg, &e);
	session_feed(s, &e, msg);
}

static void changed(struct session *s, const struct ask *a,
		    const struct sip_msg *msg, struct dialog_event *e)
{
	const bool ok = e->code / 100 == 2;

	switch (a->kind) {
	case ASK_REINVITE:
		e->ev = ok ? EV_REINVITE_OK : EV_REINVITE_FAIL;
		if (!ok)
			break;
		s->ack_cseq = a->cseq;
		s->ack_sdp = mem_deref(s->ack_sdp);
		/* DO_ACK takes the offer for what stands from now on */
		if (s->d.change_silent) {
			mem_deref(s->offer);
			s->offer = mem_ref(s->local);
		}
		break;
	case ASK_UPDATE:
		e->ev = ok ? EV_UPDATE_OK : EV_UPDATE_FAIL;
		if (ok)
			local_set(s, s->offer);
		break;
	default: e->ev = ok ? EV_REFRESH_OK : EV_REFRESH_FAIL;
	}
	if (ok && msg) {
		e->sdp = session_body(msg, NULL);
		contact_update(s->dlg, msg);
		session_terms(s, msg, e);
	}
	session_feed(s, e, msg);
}

static bool authenticate(struct ask *a, const struct sip_msg *msg)
{
	return msg && (msg->scode == 401 || msg->scode == 407) && a->s->auth &&
	       a->tries < 3 && !sip_auth_authenticate(a->s->auth, msg) &&
	       !send_ask(a);
}

static void answered(int err, const struct sip_msg *msg, void *arg)
{
	struct ask *a = arg;
	struct session *s = a->s;
	struct dialog_event e = {.code = 503};

	if (msg && msg->scode < 200) {
		if (a->kind == ASK_INVITE)
			invite_provisional(s, msg);
		return;
	}
	if (authenticate(a, msg))
		return;
	if (msg)
		e.code = sanity_response(msg) == SANITY_PASS ? msg->scode : 502;
	else if (err == ETIMEDOUT)
		e.code = 408;
	if (msg && e.code == 422)
		e.min_se_s = min_se_of(msg);
	list_unlink(&a->le);
	mem_ref(s);
	if (a->kind == ASK_INVITE && e.code / 100 == 2) {
		invite_accepted(s, a, msg);
	} else if (a->kind == ASK_INVITE) {
		e.ev = EV_FAIL;
		session_feed(s, &e, msg);
	} else if (a->kind <= ASK_REFRESH) {
		changed(s, a, msg, &e);
	} else if (a->kind == ASK_PRACK) {
		e.ev = e.code / 100 == 2 ? EV_PRACK_OK : EV_PRACK_FAIL;
		e.sdp = msg && session_body(msg, NULL);
		session_feed(s, &e, msg);
	} else if (a->kind == ASK_BYE) {
		e.ev = EV_BYE_DONE;
		session_feed(s, &e, NULL);
	}
	mem_deref(a);
	mem_deref(s);
}
