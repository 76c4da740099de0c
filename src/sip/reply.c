/* SPDX-License-Identifier: ISC */
/** @file reply.c  Answers of a call that we send */
#include <errno.h>
#include <re.h>
#include <stdio.h>
#include "sip/state.h"

void reply_drop(struct owed *o)
{
	o->st = mem_deref(o->st);
	o->msg = mem_deref(o->msg);
}

int reply_owe(struct session *s, struct owed *o, const struct sip_msg *msg,
	      sip_cancel_h *cancelh)
{
	struct sip_strans *st = NULL;
	int err;

	err = sip_strans_alloc(&st, s->ep->sip, msg, cancelh, s);
	if (err)
		return err;
	reply_drop(o);
	o->st = st;
	o->msg = mem_ref((void *)msg);
	return 0;
}

static int contact_line(struct session *s, struct mbuf *mb,
			const struct sip_msg *msg)
{
	struct sip_contact contact;

	sip_contact_set(&contact, s->user, &msg->dst, msg->tp);
	return mbuf_printf(mb, "%H", sip_contact_print, &contact);
}

/** RFC 4028 7.2, 9: what was agreed, and that a caller who is to refresh must
 *  know of it. */
static int timer_lines(const struct session *s, struct mbuf *mb)
{
	if (!s->d.se_s)
		return 0;
	return mbuf_printf(mb, "Session-Expires: %u;refresher=%s\r\n%s",
			   s->d.se_s, s->d.se_us ? "uas" : "uac",
			   s->d.se_us ? "" : "Require: timer\r\n");
}

static int ok_lines(struct session *s, struct mbuf *mb,
		    const struct sip_msg *msg, struct mbuf *sdp)
{
	int err = contact_line(s, mb, msg);

	if (!err)
		err = mbuf_write_str(mb,
				     "Allow: " ENDPOINT_ALLOW "\r\n"
				     "Supported: " ENDPOINT_SUPPORTED "\r\n");
	if (!err)
		err = timer_lines(s, mb);
	if (!err)
		err = reply_body(mb, sdp);
	return err;
}

/** Send it and keep it, to be sent again. */
static void send_kept(struct session *s, struct owed *o, struct repeat *r,
		      uint16_t code, struct mbuf *rest)
{
	struct mbuf *mb = NULL;
	struct pl rport;

	if (sip_treplyf(&o->st, &mb, s->ep->sip, o->msg, true, code,
			endpoint_phrase(code), "%b", rest->buf, rest->end))
		return; /* a dead stream is told by itself; UDP: sent again */
	mem_deref(r->mb);
	mem_deref(r->msg);
	r->mb = mb;
	r->msg = mem_ref(o->msg);
	sip_reply_addr(&r->dst, o->msg,
		       !msg_param_exists(&o->msg->via.params, "rport", &rport));
}

static void provisional(struct session *s, const struct dialog_act *a)
{
	struct mbuf *rest = mbuf_alloc(512);
	int err = rest && s->invite.msg ? 0 : ENOMEM;

	if (!err)
		err = contact_line(s, rest, s->invite.msg);
	if (!err)
		err = mbuf_write_str(rest, "Allow: " ENDPOINT_ALLOW "\r\n");
	if (!err && a->rseq)
		err = mbuf_printf(rest, "Require: 100rel\r\nRSeq: %u\r\n",
				  a->rseq);
	if (!err)
		err = reply_body(rest, s->ring_sdp);
	if (!err && a->rseq)
		send_kept(s, &s->invite, &s->prov_sent, a->code, rest);
	else if (!err)
		(void)sip_treplyf(&s->invite.st, NULL, s->ep->sip,
				  s->invite.msg, true, a->code,
				  endpoint_phrase(a->code), "%b", rest->buf,
				  rest->end);
	mem_deref(rest);
}

static void ok_invite(struct session *s)
{
	struct mbuf *rest = mbuf_alloc(1024);

	if (rest && s->invite.msg &&
	    !ok_lines(s, rest, s->invite.msg, s->answer)) {
		send_kept(s, &s->invite, &s->ok_sent, 200, rest);
		s->invite_cseq = s->invite.msg->cseq.num;
		local_set(s, s->answer);
	}
	mem_deref(rest);
	reply_drop(&s->invite);
}

static void ok_update(struct session *s, const struct sip_msg *msg,
		      struct mbuf *sdp)
{
	struct mbuf *rest = mbuf_alloc(1024);

	if (rest && !ok_lines(s, rest, msg, sdp))
		(void)sip_treplyf(s->update.msg == msg ? &s->update.st : NULL,
				  NULL, s->ep->sip, msg, true, 200, "OK", "%b",
				  rest->buf, rest->end);
	mem_deref(rest);
}

/** Refuse the message at hand, or the one that waits. */
static void fail(struct session *s, const struct dialog_act *a,
		 const char *method, struct owed *o, const struct sip_msg *msg)
{
	const bool at_hand = msg && msg->req && msg != o->msg &&
			     !pl_strcmp(&msg->met, method);
	char lines[64] = "";

	if (a->retry_after_s)
		(void)re_snprintf(lines, sizeof(lines), "Retry-After: %u\r\n",
				  a->retry_after_s);
	else if (a->code == 500)
		(void)re_snprintf(lines, sizeof(lines), "Retry-After: 0\r\n");
	if (at_hand) {
		endpoint_reply(s->ep, msg, a->code, NULL, lines);
		return;
	}
	if (!o->msg)
		return;
	(void)sip_treplyf(&o->st, NULL, s->ep->sip, o->msg, false, a->code,
			  endpoint_phrase(a->code),
			  "%s%sContent-Length: 0\r\n\r\n", lines,
			  !s->d.caller && s->lines ? s->lines : "");
	reply_drop(o);
}

static void again(struct session *s, const struct repeat *r)
{
	if (r->mb)
		(void)sip_send(s->ep->sip, r->msg->sock, r->msg->tp, &r->dst,
			       r->mb);
}

void reply_do(struct session *s, const struct dialog_act *a,
	      const struct sip_msg *msg)
{
	switch (a->what) {
	case DO_PROV: provisional(s, a); break;
	case DO_OK_INVITE: ok_invite(s); break;
	case DO_FAIL_INVITE: fail(s, a, "INVITE", &s->invite, msg); break;
	case DO_OK_PRACK:
	case DO_OK_BYE:
		if (msg)
			endpoint_reply(s->ep, msg, 200, NULL, NULL);
		break;
	case DO_FAIL_PRACK:
		if (msg)
			endpoint_reply(s->ep, msg, a->code, NULL, NULL);
		break;
	case DO_OK_UPDATE:
		if (msg && msg->req && msg != s->update.msg) {
			ok_update(s, msg, NULL);
		} else if (s->update.msg) {
			ok_update(s, s->update.msg, s->answer);
			local_set(s, s->answer);
			reply_drop(&s->update);
		}
		break;
	case DO_FAIL_UPDATE: fail(s, a, "UPDATE", &s->update, msg); break;
	case DO_AGAIN_1XX: again(s, &s->prov_sent); break;
	case DO_AGAIN_2XX: again(s, &s->ok_sent); break;
	default: break;
	}
}
