/* SPDX-License-Identifier: ISC */
/** @file session.c  One leg of a call over SIP: messages to events and back */
#include <errno.h>
#include <re.h>
#include <stdio.h>
#include <string.h>
#include "sip/sanity.h"
#include "sip/state.h"

/* So seldom that no keep-alive is sent before the call is over; what we want
 * of libre's keep-alive is to be told of the stream's end.  s */
#define WATCH_INTERVAL_S 4000000

/* ---- what stands in messages ---- */

bool has_option(const struct sip_msg *msg, enum sip_hdrid id, const char *tag)
{
	return sip_msg_hdr_has_value(msg, id, tag);
}

bool session_body(const struct sip_msg *msg, struct pl *body)
{
	const struct pl b = sanity_body(msg);

	if (!b.l || !msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
		return false;
	if (body)
		*body = b;
	return true;
}

struct mbuf *body_keep(struct pl body)
{
	struct mbuf *mb;

	if (!body.l)
		return NULL;
	mb = mbuf_alloc(body.l);
	if (mb && mbuf_write_mem(mb, (const uint8_t *)body.p, body.l))
		mb = mem_deref(mb);
	if (mb)
		mbuf_set_pos(mb, 0);
	return mb;
}

uint32_t expires_of(const struct sip_msg *msg, struct pl *params)
{
	const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES);
	struct pl number;
	const char *semi;
	uint32_t v;

	if (!h)
		return 0;
	number = h->val;
	semi = pl_strchr(&number, ';');
	if (semi) {
		if (params)
			*params = (struct pl){
				semi, (size_t)(h->val.p + h->val.l - semi)};
		number.l = (size_t)(semi - number.p);
	}
	/* A week is as good as for ever */
	if (sanity_number(number, UINT32_MAX, &v))
		return 0;
	return v < 604800 ? v : 604800;
}

uint32_t min_se_of(const struct sip_msg *msg)
{
	const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_MIN_SE);
	uint32_t v;

	return h && !sanity_number(h->val, 604800, &v) ? v : 0;
}

/** What a message of theirs tells of them. */
void session_learn(struct session *s, const struct sip_msg *msg)
{
	if (sip_msg_hdr(msg, SIP_HDR_ALLOW))
		s->d.peer_updates = has_option(msg, SIP_HDR_ALLOW, "UPDATE");
	if (!msg->req)
		return;
	s->peer_timer = has_option(msg, SIP_HDR_SUPPORTED, "timer");
	s->peer_needs_rel = has_option(msg, SIP_HDR_REQUIRE, "100rel");
	s->peer_rel = s->peer_needs_rel ||
		      has_option(msg, SIP_HDR_SUPPORTED, "100rel");
}

static bool refresher_is(const struct pl *params, const char *who)
{
	struct pl value;

	return params->l && !msg_param_decode(params, "refresher", &value) &&
	       !pl_strcasecmp(&value, who);
}

/** The session timer that this request or 2xx settles (RFC 4028 7.2, 9). */
void session_terms(const struct session *s, const struct sip_msg *msg,
		   struct dialog_event *e)
{
	const uint32_t ours = s->ep->conf.se_s;
	struct pl params = {NULL, 0};

	e->se_s = expires_of(msg, &params);
	if (!msg->req) {
		e->se_us = refresher_is(&params, "uac");
		if (e->se_s)
			return;
		/* They know of none: we may still see whether they live */
		e->se_us = true;
		e->se_s = s->d.peer_updates ? s->d.se_s : 0;
		return;
	}
	if (e->se_s) {
		if (e->se_s < s->ep->conf.min_se_s)
			e->se_s = s->ep->conf.min_se_s;
		e->se_us = !s->peer_timer || refresher_is(&params, "uas");
	} else if (ours && (s->peer_timer || s->d.peer_updates)) {
		e->se_s = ours;
		e->se_us = true;
	}
}

/** Reason (RFC 3326): the causes of each protocol. */
static void reason_of(struct pl value, struct session_news *n)
{
	static const struct pl sip = PL("SIP"), q850 = PL("Q.850");

	/* Several in one value are separated by commas, and a text may have
	 * one: what is not at the start is looked for after each */
	while (value.l) {
		const char *semi = pl_strchr(&value, ';');
		struct pl name = value, cause, params;
		uint32_t v;

		if (!semi)
			break;
		name.l = (size_t)(semi - value.p);
		while (name.l && strchr(" \t,", *name.p))
			pl_advance(&name, 1);
		params = (struct pl){semi, value.l - (size_t)(semi - value.p)};
		if (!msg_param_decode(&params, "cause", &cause) &&
		    !sanity_number(cause, 999, &v)) {
			if (!pl_casecmp(&name, &sip))
				n->cause_sip = (uint16_t)v;
			else if (!pl_casecmp(&name, &q850))
				n->cause_q850 = (uint16_t)v;
		}
		semi = pl_strchr(&value, ',');
		if (!semi)
			break;
		pl_advance(&value, semi + 1 - value.p);
	}
}

static bool reason_handler(const struct sip_hdr *h, const struct sip_msg *msg,
			   void *arg)
{
	(void)msg;
	if (!pl_strcasecmp(&h->name, "Reason"))
		reason_of(h->val, arg);
	return false;
}

/* ---- the session as an object ---- */

static void destructor(void *data)
{
	struct session *s = data;

	tmr_cancel(&s->tmr);
	tmr_cancel(&s->tmr_cancel);
	hash_unlink(&s->he);
	list_flush(&s->asks);
	reply_drop(&s->invite);
	reply_drop(&s->update);
	mem_deref(s->watch);
	mem_deref(s->prov_sent.mb);
	mem_deref(s->prov_sent.msg);
	mem_deref(s->ok_sent.mb);
	mem_deref(s->ok_sent.msg);
	mem_deref(s->root);
	mem_deref(s->dlg);
	mem_deref(s->stray);
	for (size_t i = 0; i < DIALOG_LEGS_MAX; i++)
		mem_deref(s->leg[i]);
	mem_deref(s->uri);
	mem_deref(s->to);
	mem_deref(s->user);
	mem_deref(s->lines);
	mem_deref(s->route);
	mem_deref(s->auth);
	mem_deref(s->auth_user);
	mem_deref(s->auth_pass);
	mem_deref(s->offer);
	mem_deref(s->ack_sdp);
	mem_deref(s->local);
	mem_deref(s->answer);
	mem_deref(s->ring_sdp);
	mem_deref(s->prov);
	mem_deref(s->cancel);
}

/** It is over: nothing more is sent, the machinery lets go. */
static void finish(struct session *s)
{
	if (s->finished)
		return;
	s->finished = true;
	tmr_cancel(&s->tmr);
	tmr_cancel(&s->tmr_cancel);
	hash_unlink(&s->he);
	s->watch = mem_deref(s->watch);
	list_flush(&s->asks);
	/* A change of theirs that nobody will answer any more */
	if (s->update.msg)
		(void)sip_treply(&s->update.st, s->ep->sip, s->update.msg, 487,
				 "Request Terminated");
	reply_drop(&s->invite);
	reply_drop(&s->update);
	if (s->ep->count.calls)
		s->ep->count.calls--;
	mem_deref(s);
}

static void tell(struct session *s, const struct dialog_act *a,
		 const struct sip_msg *msg)
{
	static const uint8_t whats[] = {
		[TELL_PROGRESS - TELL_PROGRESS] = SESSION_PROGRESS,
		[TELL_ANSWER - TELL_PROGRESS] = SESSION_ANSWERED,
		[TELL_CONFIRMED - TELL_PROGRESS] = SESSION_CONFIRMED,
		[TELL_SDP - TELL_PROGRESS] = SESSION_SDP,
		[TELL_OFFER - TELL_PROGRESS] = SESSION_OFFER,
		[TELL_WITHDRAWN - TELL_PROGRESS] = SESSION_WITHDRAWN,
		[TELL_CHANGED - TELL_PROGRESS] = SESSION_CHANGED,
		[TELL_REFUSED - TELL_PROGRESS] = SESSION_REFUSED,
		[TELL_OVER - TELL_PROGRESS] = SESSION_OVER};
	struct session_news n = {
		.what = (enum session_what)whats[a->what - TELL_PROGRESS],
		.code = a->code,
		.msg = msg};
	session_h *h = s->h;

	n.sdp_is_offer =
		(a->what == TELL_ANSWER && s->d.state == DIALOG_ACKING) ||
		(a->what == TELL_CHANGED && s->d.change == CHANGE_ACK_OUT) ||
		a->what == TELL_OFFER;
	if (msg && session_body(msg, &n.sdp))
		n.ctype = (struct pl)PL("application/sdp");
	if (msg)
		sip_msg_hdr_apply(msg, true, SIP_HDR_REASON, reason_handler,
				  &n);
	else if (a->what == TELL_OVER && a->code == 487)
		reason_of((struct pl){s->ep->cancel_reason,
				      strlen(s->ep->cancel_reason)},
			  &n);
	if (a->what == TELL_OVER)
		s->h = NULL; /* it is the last */
	if (h)
		h(s, &n, s->arg);
}

static void on_timer(void *arg);

static void arm(struct session *s)
{
	const uint64_t due = dialog_due(&s->d), now = tmr_jiffies();

	if (due && !s->finished)
		tmr_start(&s->tmr, due > now ? due - now : 0, on_timer, s);
	else
		tmr_cancel(&s->tmr);
}

static void carry_out(struct session *s, const struct dialog_acts *acts,
		      const struct sip_msg *msg)
{
	mem_ref(s);
	for (size_t i = 0; i < acts->n; i++) {
		const struct dialog_act *a = &acts->v[i];

		if (s->finished && a->what < TELL_PROGRESS)
			continue;
		if (a->what >= TELL_PROGRESS)
			tell(s, a, msg);
		else if (a->what >= DO_PROV)
			reply_do(s, a, msg);
		else
			ask_do(s, a, msg);
	}
	arm(s);
	if (s->d.state == DIALOG_OVER)
		finish(s);
	mem_deref(s);
}

static int feed(struct session *s, struct dialog_event *e,
		const struct sip_msg *msg)
{
	struct dialog_acts acts;
	int err;

	e->random = rand_u32();
	err = dialog_take(&s->d, tmr_jiffies(), e, &acts);
	if (!err)
		carry_out(s, &acts, msg);
	return err;
}

/** An event of the network: always has an answer. */
void session_feed(struct session *s, struct dialog_event *e,
		  const struct sip_msg *msg)
{
	(void)feed(s, e, msg);
}

static void on_timer(void *arg)
{
	struct session *s = arg;
	struct dialog_acts acts;

	dialog_time(&s->d, tmr_jiffies(), rand_u32(), &acts);
	carry_out(s, &acts, NULL);
}

void session_lost(struct session *s)
{
	struct dialog_event e = {.ev = EV_LOST};

	session_feed(s, &e, NULL);
}

static void watch_handler(int err, void *arg)
{
	struct session *s = arg;

	(void)err;
	s->watch = mem_deref(s->watch);
	session_lost(s);
}

/** Be told when the stream that this came over ends.  Not so: it is heard of
 *  when something is sent. */
static void watch(struct session *s, const struct sip_msg *msg)
{
	if (msg && msg->tp != SIP_TRANSP_UDP && !s->watch)
		(void)sip_keepalive_start(&s->watch, s->ep->sip, msg,
					  WATCH_INTERVAL_S, watch_handler, s);
}

/* ---- from the network ---- */

static void cancelled(void *arg)
{
	struct dialog_event e = {.ev = EV_CANCEL};

	session_feed(arg, &e, NULL);
}

/** A request that changes the session: it waits if the application is to say
 *  something, else it is answered at once. */
static void change_in(struct session *s, struct dialog_event *e, struct owed *o,
		      const struct sip_msg *msg)
{
	struct dialog_acts acts;

	session_terms(s, msg, e);
	e->random = rand_u32();
	if (dialog_take(&s->d, tmr_jiffies(), e, &acts))
		return; /* never: it is not the application's */
	for (size_t i = 0; i < acts.n; i++)
		if (acts.v[i].what == TELL_OFFER &&
		    reply_owe(s, o, msg, o == &s->invite ? cancelled : NULL)) {
			/* No memory to keep it: as if refused */
			s->d.change = CHANGE_IDLE;
			endpoint_reply(s->ep, msg, 500, NULL, NULL);
			return;
		}
	carry_out(s, &acts, msg);
}

static bool too_short(struct session *s, const struct sip_msg *msg)
{
	const uint32_t se = expires_of(msg, NULL);
	char lines[64];

	if (!se || se >= s->ep->conf.min_se_s ||
	    !has_option(msg, SIP_HDR_SUPPORTED, "timer"))
		return false;
	(void)re_snprintf(lines, sizeof(lines), "Min-SE: %u\r\n",
			  s->ep->conf.min_se_s);
	endpoint_reply(s->ep, msg, 422, NULL, lines);
	return true;
}

static void prack_in(struct session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_RACK);
	struct dialog_event e = {.ev = EV_PRACK};
	struct pl rseq, cseq, met;
	uint32_t n;

	e.sdp = session_body(msg, NULL);
	if (!h ||
	    re_regex(h->val.p, h->val.l, "[0-9]+[ \t]+[0-9]+[ \t]+[^ \t]+",
		     &rseq, NULL, &cseq, NULL, &met) ||
	    sanity_number(rseq, UINT32_MAX, &e.rseq) ||
	    sanity_number(cseq, UINT32_MAX, &n) || !s->invite.msg ||
	    n != s->invite.msg->cseq.num || pl_strcmp(&met, "INVITE"))
		e.rseq = 0;
	session_feed(s, &e, msg);
}

static void ask_owner(struct session *s, struct session_news *n)
{
	if (s->h)
		s->h(s, n, s->arg);
}

static void refer_in(struct session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_REFER_TO);
	const struct sip_hdr *sub = sip_msg_hdr(msg, SIP_HDR_REFER_SUB);
	struct session_news n = {.what = SESSION_REFER, .msg = msg};
	uint16_t code = 603;

	if (!h) {
		endpoint_reply(s->ep, msg, 400, "Missing Refer-To", NULL);
		return;
	}
	n.refer_to = h->val;
	mem_ref(s);
	n.answer = &code;
	ask_owner(s, &n);
	endpoint_reply(s->ep, msg, code, NULL,
		       sub && !pl_strcasecmp(&sub->val, "false")
			       ? "Refer-Sub: false\r\n"
			       : NULL);
	if (code / 100 == 2)
		(void)session_notify(s, 100);
	mem_deref(s);
}

static void info_in(struct session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_CONTENT_TYPE);
	struct session_news n = {
		.what = SESSION_INFO, .msg = msg, .sdp = sanity_body(msg)};

	uint16_t code = n.sdp.l ? 415 : 200;

	if (h)
		n.ctype = h->val;
	n.answer = &code;
	mem_ref(s);
	ask_owner(s, &n);
	endpoint_reply(s->ep, msg, code, NULL, NULL);
	mem_deref(s);
}

/** Nothing of it will be sent again: a held call should be small. */
static void forget_sent(struct session *s)
{
	s->ok_sent.mb = mem_deref(s->ok_sent.mb);
	s->ok_sent.msg = mem_deref(s->ok_sent.msg);
	s->prov_sent.mb = mem_deref(s->prov_sent.mb);
	s->prov_sent.msg = mem_deref(s->prov_sent.msg);
}

/** A request with this session's tags.  False: not one for sessions. */
bool session_request(struct session *s, const struct sip_msg *msg)
{
	struct dialog_event e = {.ev = EV_ACK};

	e.sdp = session_body(msg, NULL);
	if (!pl_strcmp(&msg->met, "ACK")) {
		if (msg->cseq.num == s->invite_cseq) {
			mem_ref(s);
			session_feed(s, &e, msg);
			if (!s->d.ack_due)
				forget_sent(s);
			mem_deref(s);
		}
		return true;
	}
	if (!sip_dialog_rseq_valid(s->dlg, msg)) {
		endpoint_reply(s->ep, msg, 500, "CSeq out of order", NULL);
		return true;
	}
	if (!pl_strcmp(&msg->met, "BYE")) {
		e.ev = EV_BYE;
		session_feed(s, &e, msg);
	} else if (!pl_strcmp(&msg->met, "PRACK")) {
		prack_in(s, msg);
	} else if (!pl_strcmp(&msg->met, "INFO")) {
		info_in(s, msg);
	} else if (!pl_strcmp(&msg->met, "REFER")) {
		refer_in(s, msg);
	} else if (!pl_strcmp(&msg->met, "OPTIONS")) {
		endpoint_reply(s->ep, msg, 200, NULL,
			       "Allow: " ENDPOINT_ALLOW "\r\n");
	} else if (!pl_strcmp(&msg->met, "INVITE") ||
		   !pl_strcmp(&msg->met, "UPDATE")) {
		if (too_short(s, msg))
			return true;
		contact_update(s->dlg, msg);
		session_learn(s, msg);
		e.ev = msg->met.p[0] == 'I' ? EV_INVITE : EV_UPDATE;
		change_in(s, &e, e.ev == EV_INVITE ? &s->invite : &s->update,
			  msg);
	} else {
		return false;
	}
	return true;
}

/** A 2xx to an INVITE of ours that no transaction waits for. */
void session_stray(struct session *s, const struct sip_msg *msg)
{
	struct dialog_event e = {.ev = EV_2XX_AGAIN};
	struct sip_dialog *other = NULL;

	if (sip_dialog_cmp(s->dlg, msg)) {
		if (msg->cseq.num == s->ack_cseq)
			session_feed(s, &e, msg);
		return;
	}
	if (sip_dialog_cmp(s->stray, msg)) {
		ask_ack(s, s->stray, msg->cseq.num, NULL);
		return;
	}
	/* Another fork answered too: it is thanked and sent home */
	if (!s->dlg || contact_fork(&other, s->root, msg))
		return;
	mem_deref(s->stray);
	s->stray = other;
	ask_ack(s, other, msg->cseq.num, NULL);
	ask_bye(s, other, ASK_OTHER, 200, "Call completed elsewhere");
}

/* ---- for the application ---- */

static int session_new(struct session **sp, struct endpoint *ep, session_h *h,
		       void *arg)
{
	struct session *s = mem_zalloc(sizeof(*s), destructor);

	if (!s)
		return ENOMEM;
	s->ep = ep;
	s->h = h;
	s->arg = arg;
	mem_ref(s); /* the machinery's own, till it is over */
	ep->count.calls++;
	*sp = s;
	return 0;
}

/** Undo session_new(): nothing of it was seen outside. */
static int give_up(struct session *s, int err)
{
	s->h = NULL;
	s->d.state = DIALOG_OVER;
	finish(s);
	mem_deref(s);
	return err;
}

static int auth_handler(char **user, char **pass, const char *realm, void *arg)
{
	struct session *s = arg;
	int err;

	(void)realm;
	err = str_dup(user, s->auth_user);
	if (!err)
		err = str_dup(pass, s->auth_pass);
	return err;
}

static int dup_or_not(char **dst, const char *src)
{
	return src ? str_dup(dst, src) : 0;
}

static int call_texts(struct session *s, const struct session_call *c)
{
	int err = str_dup(&s->uri, c->uri);

	if (!err)
		err = str_dup(&s->to, c->to ? c->to : c->uri);
	if (!err)
		err = str_dup(&s->user, c->user ? c->user : "ringdown");
	if (!err)
		err = dup_or_not(&s->lines, c->lines);
	if (!err)
		err = dup_or_not(&s->route, c->route);
	if (!err && c->auth_user) {
		err = dup_or_not(&s->auth_user, c->auth_user);
		if (!err)
			err = str_dup(&s->auth_pass,
				      c->auth_pass ? c->auth_pass : "");
		if (!err)
			err = sip_auth_alloc(&s->auth, auth_handler, s, false);
	}
	return err;
}

int session_call(struct session **sp, struct endpoint *ep,
		 const struct session_call *c, struct pl sdp, session_h *h,
		 void *arg)
{
	struct dialog_event e = {.ev = EV_CALL, .sdp = sdp.l > 0};
	struct dialog_acts acts;
	const char *route = c->route;
	struct session *s;
	int err;

	err = session_new(&s, ep, h, arg);
	if (err)
		return err;
	err = call_texts(s, c);
	if (!err)
		err = sip_dialog_alloc(&s->root, s->uri, s->to, c->from_name,
				       c->from, &route, route ? 1 : 0);
	s->offer = body_keep(sdp);
	if (!err && sdp.l && !s->offer)
		err = ENOMEM;
	if (err)
		return give_up(s, err);
	dialog_init(&s->d, true, false, ep->conf.se_s);
	err = dialog_take(&s->d, tmr_jiffies(), &e, &acts);
	if (!err)
		err = ask_invite(s); /* the only act: here its failing shows */
	if (err)
		return give_up(s, err);
	{
		struct pl callid;

		pl_set_str(&callid, sip_dialog_callid(s->root));
		hash_append(ep->calls, hash_joaat_pl(&callid), &s->he, s);
	}
	watch(s, c->over);
	*sp = s;
	return 0;
}

int session_accept(struct session **sp, struct endpoint *ep,
		   const struct sip_msg *invite, session_h *h, void *arg)
{
	struct session *s;
	int err;

	err = session_new(&s, ep, h, arg);
	if (err)
		return err;
	err = contact_accept(&s->dlg, invite);
	if (!err)
		err = str_dup(&s->user, "ringdown");
	if (!err)
		err = reply_owe(s, &s->invite, invite, cancelled);
	if (err)
		return give_up(s, err == ENOMEM ? ENOMEM : EBADMSG);
	dialog_init(&s->d, false, session_body(invite, NULL), 0);
	session_learn(s, invite);
	hash_append(ep->calls, hash_joaat_pl(&invite->callid), &s->he, s);
	watch(s, invite);
	(void)sip_treply(&s->invite.st, ep->sip, invite, 100, "Trying");
	*sp = s;
	return 0;
}

/** Replace a body that is sent by the next action. */
static int set_body(struct mbuf **mb, struct pl sdp)
{
	struct mbuf *kept = body_keep(sdp);

	if (sdp.l && !kept)
		return ENOMEM;
	mem_deref(*mb);
	*mb = kept;
	return 0;
}

static int with_body(struct session *s, enum dialog_ev ev, struct mbuf **mb,
		     struct pl sdp, uint16_t code)
{
	struct dialog_event e = {.ev = ev, .sdp = sdp.l > 0, .code = code};
	struct mbuf *before = mem_ref(*mb);
	int err = set_body(mb, sdp);

	if (ev == EV_RING)
		e.reliable = s->peer_needs_rel || (s->peer_rel && e.sdp);
	if (ev == EV_ANSWER && s->invite.msg)
		session_terms(s, s->invite.msg, &e);
	if (ev == EV_ACCEPT && s->d.change == CHANGE_INVITE_IN && s->invite.msg)
		session_terms(s, s->invite.msg, &e);
	else if (ev == EV_ACCEPT && s->update.msg)
		session_terms(s, s->update.msg, &e);
	if (!err)
		err = feed(s, &e, NULL);
	if (err == EPROTO) {
		mem_deref(*mb);
		*mb = mem_ref(before);
	}
	mem_deref(before);
	return err;
}

int session_ring(struct session *s, uint16_t code, struct pl sdp)
{
	return with_body(s, EV_RING, &s->ring_sdp, sdp, code);
}

int session_answer(struct session *s, struct pl sdp)
{
	return with_body(s, EV_ANSWER, &s->answer, sdp, 0);
}

int session_reject(struct session *s, uint16_t code, const char *lines)
{
	struct dialog_event e = {.ev = EV_REJECT, .code = code};

	s->lines = mem_deref(s->lines);
	if (dup_or_not(&s->lines, lines))
		return ENOMEM;
	return feed(s, &e, NULL);
}

int session_change(struct session *s, struct pl sdp)
{
	return with_body(s, EV_CHANGE, &s->offer, sdp, 0);
}

int session_allow(struct session *s, struct pl sdp)
{
	return with_body(s, EV_ACCEPT, &s->answer, sdp, 0);
}

int session_refuse(struct session *s, uint16_t code)
{
	struct dialog_event e = {.ev = EV_REFUSE, .code = code};

	return feed(s, &e, NULL);
}

int session_ack(struct session *s, struct pl sdp)
{
	return with_body(s, EV_ACK_SDP, &s->ack_sdp, sdp, 0);
}

int session_notify(struct session *s, uint16_t code)
{
	struct mbuf *rest = mbuf_alloc(256);
	char frag[80];
	int n, err = rest ? 0 : ENOMEM;

	n = re_snprintf(frag, sizeof(frag), "SIP/2.0 %u %s\r\n", code,
			endpoint_phrase(code));
	if (s->d.state != DIALOG_UP || s->finished)
		err = EPROTO;
	if (!err)
		err = mbuf_printf(
			rest,
			"Event: refer\r\nSubscription-State: %s\r\n"
			"Content-Type: message/sipfrag;version=2.0\r\n"
			"Content-Length: %d\r\n\r\n%s",
			code < 200 ? "active;expires=60"
				   : "terminated;reason=noresource",
			n, frag);
	if (!err)
		err = ask_send(s, ASK_OTHER, "NOTIFY", s->dlg, rest);
	mem_deref(rest);
	return err;
}

int session_info(struct session *s, const char *ctype, struct pl body)
{
	struct mbuf *rest = mbuf_alloc(256);
	int err = rest ? 0 : ENOMEM;

	if (s->d.state != DIALOG_UP || s->finished)
		err = EPROTO;
	if (!err)
		err = mbuf_printf(rest,
				  "Content-Type: %s\r\n"
				  "Content-Length: %zu\r\n\r\n%r",
				  ctype, body.l, &body);
	if (!err)
		err = ask_send(s, ASK_OTHER, "INFO", s->dlg, rest);
	mem_deref(rest);
	return err;
}

void *session_free(struct session *s, uint16_t code, const char *text)
{
	struct dialog_event e = {.ev = EV_HANGUP, .code = code ? code : 480};

	if (!s)
		return NULL;
	s->h = NULL;
	s->hung_up = true;
	s->bye_code = code;
	str_ncpy(s->bye_text, text ? text : "", sizeof(s->bye_text));
	/* EPROTO: it is over, or on its way there */
	(void)feed(s, &e, NULL);
	return mem_deref(s);
}

void session_handler_set(struct session *s, session_h *h, void *arg)
{
	if (!s->d.over_told)
		s->h = h;
	s->arg = arg;
}

bool session_is_up(const struct session *s)
{
	return s->d.state == DIALOG_UP || s->d.state == DIALOG_ACKING;
}

const char *session_callid(const struct session *s)
{
	return sip_dialog_callid(s->dlg ? s->dlg : s->root);
}
