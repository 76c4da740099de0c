/* SPDX-License-Identifier: ISC */
/** @file state.h  What endpoint.c, session.c, ask.c and reply.c share */
#ifndef SIP_STATE_H
#define SIP_STATE_H

#include <re.h>
#include "sip/dialog.h"
#include "sip/endpoint.h"
#include "sip/session.h"

#define SESSION_REASON_BYTES 160
#define ENDPOINT_SOCKETS 4

struct endpoint {
	struct endpoint_conf conf;
	char *software;
	struct sip *sip;
	struct sip_lsnr *requests, *responses;
	struct hash *calls; /* struct session by Call-ID */
	struct endpoint_count count;
	void *sized[ENDPOINT_SOCKETS]; /* UDP sockets seen; never followed */
	/* Reason of the CANCEL that libre is just dealing with: it shows us
	 * the message only as octets, before it finds the transaction */
	char cancel_reason[SESSION_REASON_BYTES];
};

enum ask_kind {
	ASK_INVITE,
	ASK_REINVITE,
	ASK_UPDATE,
	ASK_REFRESH,
	ASK_PRACK,
	ASK_BYE,
	ASK_OTHER /* nobody waits for its answer */
};

/** A request of ours that waits for its answer. */
struct ask {
	struct le le;
	struct session *s;
	enum ask_kind kind;
	const char *met;
	struct sip_request *req;
	struct sip_dialog *dlg;
	struct mbuf *rest; /* header lines and body */
	uint32_t cseq;
	uint8_t tries;
};

/** A request of theirs that waits for ours. */
struct owed {
	struct sip_msg *msg;
	struct sip_strans *st;
};

/** A reply that is repeated. */
struct repeat {
	struct mbuf *mb;
	struct sip_msg *msg;
	struct sa dst;
};

struct session {
	struct le he; /* endpoint's calls */
	struct endpoint *ep;
	session_h *h; /* NULL: let go */
	void *arg;
	struct dialog d;
	struct sip_dialog *root; /* caller: the INVITE's */
	struct sip_dialog *dlg;	 /* with the peer, once there is one */
	struct sip_dialog *leg[DIALOG_LEGS_MAX];
	struct sip_dialog *stray; /* of a second 2xx, which got ACK and BYE */
	struct tmr tmr;
	struct list asks;
	struct sip_keepalive *watch;
	bool finished;

	/* caller */
	char *uri, *to, *user, *lines, *route;
	struct sip_auth *auth;
	char *auth_user, *auth_pass;
	struct mbuf *offer;   /* of INVITE or of our change */
	struct mbuf *ack_sdp; /* the answer for ACK */
	struct mbuf *local;   /* ours, as it was last agreed */
	uint32_t ack_cseq;    /* of our INVITE that was accepted last */
	struct sip_msg *prov; /* a provisional: CANCEL needs its Via */
	struct sa dst;	      /* where INVITE went */
	enum sip_transp tp;
	struct mbuf *cancel;
	struct tmr tmr_cancel;
	uint32_t cancel_ms, cancel_sum_ms;

	/* callee */
	struct owed invite; /* or re-INVITE */
	struct owed update;
	struct repeat prov_sent, ok_sent;
	struct mbuf *answer, *ring_sdp;
	uint32_t invite_cseq;
	bool peer_rel, peer_needs_rel, peer_timer;

	bool hung_up; /* by session_free() */
	uint16_t bye_code;
	char bye_text[64];
};

/* session.c */
void session_feed(struct session *s, struct dialog_event *e,
		  const struct sip_msg *msg);
bool session_request(struct session *s, const struct sip_msg *msg);
void session_stray(struct session *s, const struct sip_msg *msg);
void session_lost(struct session *s);
void session_learn(struct session *s, const struct sip_msg *msg);
void session_terms(const struct session *s, const struct sip_msg *msg,
		   struct dialog_event *e);
bool session_body(const struct sip_msg *msg, struct pl *body);

/* contact.c: libre's, with a Contact that leads to where msg came from */
int contact_accept(struct sip_dialog **dlg, const struct sip_msg *msg);
int contact_fork(struct sip_dialog **dlg, struct sip_dialog *root,
		 const struct sip_msg *msg);
void contact_update(struct sip_dialog *dlg, const struct sip_msg *msg);

/* ask.c: requests of ours */
int ask_invite(struct session *s);
void ask_do(struct session *s, const struct dialog_act *a,
	    const struct sip_msg *msg);
void ask_ack(struct session *s, struct sip_dialog *dlg, uint32_t cseq,
	     struct mbuf *sdp);
int ask_send(struct session *s, enum ask_kind kind, const char *met,
	     struct sip_dialog *dlg, struct mbuf *rest);
void ask_bye(struct session *s, struct sip_dialog *dlg, enum ask_kind kind,
	     uint16_t code, const char *text);
void ask_cancel_stop(struct session *s);

/* reply.c: answers of ours */
void reply_do(struct session *s, const struct dialog_act *a,
	      const struct sip_msg *msg);
void reply_drop(struct owed *o);
int reply_owe(struct session *s, struct owed *o, const struct sip_msg *msg,
	      sip_cancel_h *cancelh);
int reply_body(struct mbuf *mb, struct mbuf *sdp);

/** Session-Expires as text of one header; 0: none or not to be understood. */
uint32_t expires_of(const struct sip_msg *msg, struct pl *params);
uint32_t min_se_of(const struct sip_msg *msg);
bool has_option(const struct sip_msg *msg, enum sip_hdrid id, const char *tag);
struct mbuf *body_keep(struct pl body);
/** What stands from now on, if the other side wants to hear it again. */
void local_set(struct session *s, struct mbuf *sdp);

#endif
