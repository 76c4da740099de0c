/* SPDX-License-Identifier: ISC */
/** @file admin.c  Cards and pairs: what changes with whom we talk */
#include <errno.h>
#include <string.h>
#include "keeper/state.h"

/* What is answered and logged when the turn stands */
static struct asked *ready(struct keeper *k, uint32_t req, const char *event,
			   struct str by, struct str peer)
{
	struct asked *a = asked_new(k, ASKED_READY, req);

	if (!a)
		return NULL;
	a->pair = PAIRS_MAX;
	a->event = event;
	a->http = 200;
	a->media = MEDIA_JSON;
	if (str_copy(by, a->by, sizeof(a->by)))
		a->by[0] = '\0';
	if (str_copy(peer, a->peer, sizeof(a->peer)))
		a->peer[0] = '\0';
	return a;
}

static void refuse(struct asked *a, enum refusal r, const char *detail)
{
	a->media = MEDIA_PROBLEM;
	a->http = reply_print(&a->text, r, detail);
}

/* ---- cards ---- */

static int card(struct keeper *k, const struct wire_q_card *m)
{
	struct asked *a =
		ready(k, m->req, "admin.card-made", m->by, (struct str){"", 0});
	int err;

	if (!a)
		return 0;
	a->media = "text/plain; charset=utf-8";
	err = core_card_new(k->core, &a->text);
	return a->text.err ? 0 : err;
}

static void card_refused(struct asked *a, enum pair_result result,
			 const char *why)
{
	char detail[600];
	struct buf b;

	switch (result) {
	case PAIR_BAD_CARD:
		buf_init(&b, sizeof(detail) - 1);
		buf_printf(&b,
			   "The card does not read: %.300s. Nothing was "
			   "changed. Copy it whole, from `ringdown-card/v1` "
			   "to its `check` line, and unaltered.",
			   why);
		if (str_copy((struct str){(const char *)b.p, b.n}, detail,
			     sizeof(detail)))
			detail[0] = '\0';
		buf_free(&b);
		refuse(a, REFUSE_CARD_BAD, detail);
		break;
	case PAIR_USED_CARD:
		refuse(a, REFUSE_CARD_USED,
		       "A card makes one pairing only, and this one has made "
		       "one. Nothing was changed. Ask the other side for a "
		       "new card.");
		break;
	case PAIR_NO_OWN_CARD:
		refuse(a, REFUSE_NO_OWN_CARD,
		       "None of our cards that wait for a pairing has this "
		       "serial, or there is none at all. Nothing was changed. "
		       "Make a card, give it to the other side, then add "
		       "theirs.");
		break;
	case PAIR_SAME:
		refuse(a, REFUSE_CARD_OWN,
		       "This card is one of ours, or a name or key in it is "
		       "ours too. Nothing was changed. Add the card that the "
		       "other side gave you.");
		break;
	case PAIR_FULL:
		refuse(a, REFUSE_PAIR_FULL,
		       "This exchange keeps 64 pairs, ended ones included. "
		       "Nothing was changed.");
		break;
	default:
		refuse(a, REFUSE_PAIR_EXISTS,
		       "There is a pairing with this name. Nothing was "
		       "changed. Revoke that one first.");
		break;
	}
}

static int pair_add(struct keeper *k, const struct wire_q_pair *m)
{
	struct asked *a = ready(k, m->req, "admin.pair-added", m->by,
				(struct str){"", 0});
	char serial[33], words[160] = "";
	enum pair_result result = PAIR_OK;
	const char *why = "";
	struct card c;
	int err;

	if (!a)
		return 0;
	if (str_copy(m->own_serial, serial, sizeof(serial)))
		serial[0] = '\0';
	err = core_pair_add(k->core, m->card.p, m->card.n,
			    serial[0] ? serial : NULL, &result, words, &why);
	if (err)
		return err;
	if (result != PAIR_OK) {
		a->event = "admin.pair-refused";
		card_refused(a, result, why);
		return 0;
	}
	if (!card_parse(m->card.p, m->card.n, &c, NULL))
		(void)!str_copy(str_of(c.name), a->peer, sizeof(a->peer));
	explicit_bzero(&c, sizeof(c));
	a->http = 201;
	/* both are of our own small alphabets */
	buf_printf(&a->text, "{\"peer\":\"%s\",\"words\":\"%s\"}", a->peer,
		   words);
	return 0;
}

/* ---- pairs ---- */

typedef int(change_h)(struct keeper *k, const char *peer,
		      enum pair_result *result);

static int confirm_h(struct keeper *k, const char *peer,
		     enum pair_result *result)
{
	return core_pair_confirm(k->core, k->now, peer, result);
}

static int revoke_h(struct keeper *k, const char *peer,
		    enum pair_result *result)
{
	return core_pair_revoke(k->core, peer, result);
}

static int vouch_h(struct keeper *k, const char *peer, enum pair_result *result)
{
	return core_pair_vouch(k->core, peer, result);
}

static int change(struct keeper *k, uint32_t req, const char *event,
		  struct str by, struct str name, change_h *h)
{
	char peer[HOST_CHARS_MAX + 1];
	enum pair_result result = PAIR_OK;
	struct pair_view v;
	struct asked *a;
	int err;

	if (str_copy(name, peer, sizeof(peer)))
		return EPROTO;
	if (!pair_view_by(k, peer, &v)) {
		reply_no_pair(k, req, peer);
		return 0;
	}
	err = h(k, peer, &result);
	if (err)
		return err;
	if (result != PAIR_OK) {
		/* the state says why it cannot be */
		reply_state(k, req, v.state, peer, v.state_why);
		return 0;
	}
	a = ready(k, req, event, by, name);
	if (!a || !core_pair_get(k->core, v.pair, &v))
		return 0;
	buf_printf(&a->text, "{\"peer\":\"%s\",\"state\":\"%s\"}", v.card->name,
		   status_pair_name(v.state));
	return 0;
}

int admin_message(struct keeper *k, const struct wire_msg *m)
{
	switch (m->type) {
	case WIRE_Q_CARD: return card(k, &m->q_card);
	case WIRE_Q_PAIR: return pair_add(k, &m->q_pair);
	case WIRE_Q_CONFIRM:
		return change(k, m->q_confirm.req, "admin.pair-confirmed",
			      m->q_confirm.by, m->q_confirm.peer, confirm_h);
	case WIRE_Q_REVOKE:
		return change(k, m->q_revoke.req, "admin.pair-revoked",
			      m->q_revoke.by, m->q_revoke.peer, revoke_h);
	case WIRE_Q_VOUCH:
		return change(k, m->q_vouch.req, "admin.pair-vouched",
			      m->q_vouch.by, m->q_vouch.peer, vouch_h);
	default: return EPROTO;
	}
}
