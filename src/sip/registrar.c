/* SPDX-License-Identifier: ISC */
/** @file registrar.c  Stations: who may register and call, and where they are */
#include <errno.h>
#include <re.h>
#include <stdio.h>
#include <string.h>
#include "sip/auth.h"
#include "sip/endpoint.h"
#include "sip/registrar.h"
#include "sip/sanity.h"

#define WATCH_INTERVAL_S 4000000 /* to hear of a stream's end, not to ping */
#define ROUTE_CHARS 80
#define WRONG_COSTS 10

struct contact {
	struct le le;
	struct account *account;
	char uri[REGISTRAR_URI_CHARS_MAX + 1];
	char route[ROUTE_CHARS]; /* or empty */
	char *callid;
	uint32_t cseq;
	struct sip_msg *msg;
	struct sip_keepalive *watch;
	struct tmr tmr;
};

struct account {
	struct le he;
	char user[REGISTRAR_USER_CHARS_MAX + 1];
	struct auth_secret secret;
	struct list contacts;
};

/** Tokens of one address, in thousandths. */
struct source {
	struct sa addr;
	uint64_t at_ms;
	int64_t milli;
};

struct registrar {
	struct endpoint *ep;
	struct registrar_conf conf;
	char *realm;
	struct auth *auth;
	struct hash *accounts;
	uint32_t count;
	struct source sources[REGISTRAR_SOURCES_MAX];
};

/* ---- objects ---- */

static void contact_destructor(void *data)
{
	struct contact *c = data;

	list_unlink(&c->le);
	tmr_cancel(&c->tmr);
	mem_deref(c->watch);
	mem_deref(c->callid);
	mem_deref(c->msg);
}

static void account_destructor(void *data)
{
	struct account *a = data;

	hash_unlink(&a->he);
	list_flush(&a->contacts);
}

static void destructor(void *data)
{
	struct registrar *r = data;

	if (r->accounts)
		hash_flush(r->accounts);
	mem_deref(r->accounts);
	auth_free(r->auth);
	mem_deref(r->realm);
}

int registrar_alloc(struct registrar **rp, struct endpoint *ep,
		    const struct registrar_conf *conf)
{
	struct registrar *r = mem_zalloc(sizeof(*r), destructor);
	int err;

	if (!r)
		return ENOMEM;
	r->ep = ep;
	r->conf = *conf;
	err = str_dup(&r->realm, conf->realm);
	if (!err)
		err = hash_alloc(&r->accounts, 1024);
	if (!err)
		err = auth_alloc(&r->auth);
	if (err)
		mem_deref(r);
	else
		*rp = r;
	return err;
}

void *registrar_free(struct registrar *r)
{
	return mem_deref(r);
}

static struct account *account_find(const struct registrar *r, struct pl user)
{
	struct le *le = list_head(hash_list(r->accounts, hash_joaat_pl(&user)));

	for (; le; le = le->next) {
		struct account *a = le->data;

		if (!pl_strcmp(&user, a->user))
			return a;
	}
	return NULL;
}

int registrar_account(struct registrar *r, const char *user,
		      const char *password)
{
	struct account *a;
	struct pl name;
	int err;

	pl_set_str(&name, user);
	if (!name.l || name.l > REGISTRAR_USER_CHARS_MAX)
		return ENAMETOOLONG;
	a = account_find(r, name);
	if (a)
		return auth_secret_make(&a->secret, user, r->realm, password);
	if (r->count == REGISTRAR_ACCOUNTS_MAX)
		return ENOSPC;
	a = mem_zalloc(sizeof(*a), account_destructor);
	if (!a)
		return ENOMEM;
	str_ncpy(a->user, user, sizeof(a->user));
	err = auth_secret_make(&a->secret, user, r->realm, password);
	if (err) {
		mem_deref(a);
		return err;
	}
	hash_append(r->accounts, hash_joaat_pl(&name), &a->he, a);
	r->count++;
	return 0;
}

/* ---- how often one may ask ---- */

static struct source *source_of(struct registrar *r, const struct sa *addr)
{
	const uint64_t now = tmr_jiffies();
	struct source *s =
		&r->sources[sa_hash(addr, SA_ADDR) % REGISTRAR_SOURCES_MAX];
	const int64_t full = (int64_t)r->conf.requests_burst * 1000;

	/* Two addresses in one place push each other out only when the other
	 * is at rest: else they share, or one could reset itself by the other */
	if (!s->at_ms ||
	    (!sa_cmp(&s->addr, addr, SA_ADDR) && s->milli >= full / 2)) {
		*s = (struct source){.addr = *addr, .milli = full};
	} else {
		s->milli += (int64_t)(now - s->at_ms) *
			    (int64_t)r->conf.requests_per_s;
		if (s->milli > full)
			s->milli = full;
	}
	s->at_ms = now ? now : 1;
	return s;
}

bool registrar_source_ok(struct registrar *r, const struct sip_msg *msg)
{
	struct source *s;

	if (!r->conf.requests_burst || (pl_strcmp(&msg->met, "REGISTER") &&
					pl_strcmp(&msg->met, "INVITE")))
		return true;
	/* Inside of a call it has been let in already */
	if (msg->to.tag.l)
		return true;
	s = source_of(r, &msg->src);
	if (s->milli < 1000)
		return false;
	s->milli -= 1000;
	return true;
}

static void wrong(struct registrar *r, const struct sip_msg *msg)
{
	struct source *s;

	if (!r->conf.requests_burst)
		return;
	s = source_of(r, &msg->src);
	s->milli -= (WRONG_COSTS - 1) * 1000;
	if (s->milli < -(int64_t)r->conf.requests_burst * 1000)
		s->milli = -(int64_t)r->conf.requests_burst * 1000;
}

/* ---- who it is ---- */

static void challenge(struct registrar *r, const struct sip_msg *msg,
		      bool stale)
{
	char nonce[AUTH_NONCE_CHARS + 1], lines[768];
	const char *old = stale ? ", stale=true" : "";

	if (auth_nonce(r->auth, tmr_jiffies(), nonce)) {
		endpoint_reply(r->ep, msg, 500, NULL, NULL);
		return;
	}
	/* The better first (RFC 8760 2.4) */
	(void)re_snprintf(lines, sizeof(lines),
			  "WWW-Authenticate: Digest realm=\"%s\", "
			  "nonce=\"%s\", algorithm=SHA-256, qop=\"auth\"%s\r\n"
			  "WWW-Authenticate: Digest realm=\"%s\", "
			  "nonce=\"%s\", algorithm=MD5, qop=\"auth\"%s\r\n",
			  r->realm, nonce, old, r->realm, nonce, old);
	endpoint_reply(r->ep, msg, 401, NULL, lines);
}

/** The header for our realm, or the first that we can read. */
static bool credentials(const struct registrar *r, const struct sip_msg *msg,
			struct auth_params *p)
{
	struct le *le = list_head(hash_list(msg->hdrht, SIP_HDR_AUTHORIZATION));

	for (; le; le = le->next) {
		const struct sip_hdr *h = le->data;

		if (!pl_strcasecmp(&h->name, "Authorization") &&
		    !auth_parse(h->val, p) && !pl_strcmp(&p->realm, r->realm))
			return true;
	}
	return false;
}

/** Up to the parameters: telephones differ in whether they repeat those. */
static bool uri_fits(struct pl uri, struct pl ruri)
{
	const char *semi = pl_strchr(&uri, ';');

	if (semi)
		uri.l = (size_t)(semi - uri.p);
	semi = pl_strchr(&ruri, ';');
	if (semi)
		ruri.l = (size_t)(semi - ruri.p);
	return !pl_cmp(&uri, &ruri);
}

static struct account *admit(struct registrar *r, const struct sip_msg *msg)
{
	struct auth_params p;
	struct account *a;

	if (!credentials(r, msg, &p)) {
		challenge(r, msg, false);
		return NULL;
	}
	a = account_find(r, p.user);
	switch (auth_check(r->auth, tmr_jiffies(), &p, msg->met,
			   a ? &a->secret : NULL)) {
	case AUTH_STALE: challenge(r, msg, true); return NULL;
	case AUTH_WRONG:
		wrong(r, msg);
		challenge(r, msg, false);
		return NULL;
	case AUTH_GOOD: break;
	}
	if (!uri_fits(p.uri, msg->ruri)) {
		endpoint_reply(r->ep, msg, 400, "Digest is for another URI",
			       NULL);
		return NULL;
	}
	return a;
}

const char *registrar_admit(struct registrar *r, const struct sip_msg *msg)
{
	const struct account *a = admit(r, msg);

	return a ? a->user : NULL;
}

/* ---- where they are ---- */

static void expired(void *arg)
{
	mem_deref(arg);
}

static void stream_ended(int err, void *arg)
{
	struct contact *c = arg;

	(void)err;
	c->watch = mem_deref(c->watch);
	mem_deref(c);
}

static struct contact *contact_find(const struct account *a, struct pl uri)
{
	for (struct le *le = a->contacts.head; le; le = le->next) {
		struct contact *c = le->data;

		if (!pl_strcmp(&uri, c->uri))
			return c;
	}
	return NULL;
}

/** Where a call must go to arrive where this REGISTER came from. */
static void set_route(struct contact *c, const struct sip_msg *msg,
		      const struct uri *uri)
{
	struct sa there;

	c->route[0] = '\0';
	if (msg->tp == SIP_TRANSP_UDP &&
	    !sa_set(&there, &uri->host, uri->port) &&
	    sa_cmp(&there, &msg->src, SA_ADDR) &&
	    (uri->port ? uri->port : SIP_PORT) == sa_port(&msg->src))
		return;
	(void)re_snprintf(c->route, sizeof(c->route), "sip:%J%s", &msg->src,
			  sip_transp_param(msg->tp));
}

/** What one Contact of a REGISTER asks for. */
struct wish {
	struct pl uri;
	struct uri parts;
	uint32_t expires_s;
};

static uint16_t wish_of(const struct sip_msg *msg, const struct sip_hdr *h,
			struct wish *w)
{
	struct sip_addr addr;
	struct pl value;

	if (sip_addr_decode(&addr, &h->val) || !addr.auri.l ||
	    addr.auri.l > REGISTRAR_URI_CHARS_MAX)
		return 400;
	for (size_t i = 0; i < addr.auri.l; i++)
		if ((unsigned char)addr.auri.p[i] <= ' ' ||
		    strchr("\"<>", addr.auri.p[i]))
			return 400;
	if (pl_strcasecmp(&addr.uri.scheme, "sip") &&
	    pl_strcasecmp(&addr.uri.scheme, "sips"))
		return 400;
	/* Headers of a URI would go into requests of ours */
	w->uri = addr.auri;
	if (addr.uri.headers.l)
		w->uri.l = (size_t)(addr.uri.headers.p - addr.auri.p);
	w->parts = addr.uri;
	w->expires_s = REGISTRAR_EXPIRES_S_MAX;
	/* RFC 3261 20.10, 20.19: what is no number is an hour */
	if (!msg_param_decode(&addr.params, "expires", &value)) {
		if (sanity_number(value, UINT32_MAX, &w->expires_s))
			w->expires_s = REGISTRAR_EXPIRES_S_MAX;
	} else if (msg->expires.p &&
		   sanity_number(msg->expires, UINT32_MAX, &w->expires_s)) {
		w->expires_s = REGISTRAR_EXPIRES_S_MAX;
	}
	if (w->expires_s > REGISTRAR_EXPIRES_S_MAX)
		w->expires_s = REGISTRAR_EXPIRES_S_MAX;
	return w->expires_s && w->expires_s < REGISTRAR_EXPIRES_S_MIN ? 423 : 0;
}

static uint16_t bind_contact(struct registrar *r, struct account *a,
			     const struct sip_msg *msg, const struct wish *w)
{
	struct contact *c = contact_find(a, w->uri);

	if (c && !pl_strcmp(&msg->callid, c->callid) &&
	    msg->cseq.num <= c->cseq)
		return 400; /* RFC 3261 10.3: out of order */
	if (!w->expires_s) {
		mem_deref(c);
		return 0;
	}
	if (!c && list_count(&a->contacts) >= REGISTRAR_CONTACTS_MAX)
		return 403;
	mem_deref(c);
	c = mem_zalloc(sizeof(*c), contact_destructor);
	if (!c || pl_strdup(&c->callid, &msg->callid)) {
		mem_deref(c);
		return 500;
	}
	c->account = a;
	(void)pl_strcpy(&w->uri, c->uri, sizeof(c->uri)); /* it fits */
	c->cseq = msg->cseq.num;
	c->msg = mem_ref((void *)msg);
	set_route(c, msg, &w->parts);
	list_append(&a->contacts, &c->le, c);
	tmr_start(&c->tmr, (uint64_t)w->expires_s * 1000, expired, c);
	if (msg->tp != SIP_TRANSP_UDP)
		(void)sip_keepalive_start(&c->watch, endpoint_sip(r->ep), msg,
					  WATCH_INTERVAL_S, stream_ended, c);
	return 0;
}

/** All Contacts of the message, in two passes: all are good, or none is
 *  done. */
static uint16_t update(struct registrar *r, struct account *a,
		       const struct sip_msg *msg)
{
	static const struct pl star = PL("*");
	struct list *l = hash_list(msg->hdrht, SIP_HDR_CONTACT);
	uint32_t n = sip_msg_hdr_count(msg, SIP_HDR_CONTACT), zero;

	for (int pass = 0; pass < 2; pass++) {
		for (struct le *le = list_head(l); le; le = le->next) {
			const struct sip_hdr *h = le->data;
			struct wish w;
			uint16_t code;

			if (h->id != SIP_HDR_CONTACT)
				continue;
			if (!pl_cmp(&h->val, &star)) {
				if (n != 1 || !msg->expires.p ||
				    sanity_number(msg->expires, 0, &zero))
					return 400;
				list_flush(&a->contacts);
				return 0;
			}
			code = wish_of(msg, h, &w);
			if (!code && pass)
				code = bind_contact(r, a, msg, &w);
			if (code)
				return code;
		}
	}
	return 0;
}

static void registered(struct registrar *r, const struct account *a,
		       const struct sip_msg *msg)
{
	struct mbuf *mb = mbuf_alloc(512);
	int err = mb ? 0 : ENOMEM;

	for (struct le *le = a->contacts.head; !err && le; le = le->next) {
		const struct contact *c = le->data;

		err = mbuf_printf(mb, "Contact: <%s>;expires=%llu\r\n", c->uri,
				  (tmr_get_expire(&c->tmr) + 999) / 1000);
	}
	if (!err)
		err = mbuf_write_u8(mb, 0);
	endpoint_reply(r->ep, msg, err ? 500 : 200, NULL,
		       err ? NULL : (const char *)mb->buf);
	mem_deref(mb);
}

void registrar_register(struct registrar *r, const struct sip_msg *msg)
{
	struct account *a = admit(r, msg);
	char lines[32] = "";
	uint16_t code;

	if (!a)
		return;
	if (pl_strcmp(&msg->to.uri.user, a->user)) {
		endpoint_reply(r->ep, msg, 403, "Not your own account", NULL);
		return;
	}
	code = update(r, a, msg);
	if (!code) {
		registered(r, a, msg);
		return;
	}
	if (code == 423)
		snprintf(lines, sizeof(lines), "Min-Expires: %d\r\n",
			 REGISTRAR_EXPIRES_S_MIN);
	endpoint_reply(r->ep, msg, code, code == 400 ? "Bad Contact" : NULL,
		       lines);
}

size_t registrar_contacts(struct registrar *r, struct pl user,
			  struct registrar_contact *v, size_t max)
{
	const struct account *a = account_find(r, user);
	size_t n = 0;

	for (struct le *le = a ? a->contacts.head : NULL; le && n < max;
	     le = le->next) {
		const struct contact *c = le->data;

		v[n++] = (struct registrar_contact){
			.uri = c->uri,
			.route = c->route[0] ? c->route : NULL,
			.over = c->msg};
	}
	return n;
}
