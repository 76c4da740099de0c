/* SPDX-License-Identifier: ISC */
/**
 * @file sip_rig.c  A back-to-back user agent on src/sip, for tests
 *
 *	sip_rig [-p PORT] [-e SE] [-m MIN_SE] [-n CALLS_MAX] [-r PER_S]
 *		[-a USER:PASSWORD] ... [NAME=URI[,URI] ...]
 *
 * A call to sip:NAME@ goes to all URIs, or all contacts of the account, at
 * once; what one side says, the other hears; media is not touched.  With
 * accounts only they may call.  A REFER moves the other side to another NAME.
 * UDP and TCP on 127.0.0.1.  Says "ready", runs till its input ends or TERM,
 * then says what it counted.
 */
#include <errno.h>
#include <getopt.h>
#include <re.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/text.h"
#include "sip/endpoint.h"
#include "sip/fork.h"
#include "sip/registrar.h"
#include "sip/session.h"
#include "sip/timer.h"

struct leg {
	struct call *c;
	struct session *s;
	struct mbuf *sdp; /* what they said last */
};

struct call {
	struct le le;
	struct leg a, b;
	struct fork *f;
	struct session *old; /* transferred a away: hears how it goes */
	bool moving;	     /* f rings for b, who talks to a then */
};

static struct {
	struct endpoint *ep;
	struct registrar *reg; /* or NULL */
	char **routes;
	int route_count;
	struct list calls;
	uint32_t taken, answered;
} rig;

static void call_destructor(void *data)
{
	struct call *c = data;

	list_unlink(&c->le);
	mem_deref(c->a.sdp);
	mem_deref(c->b.sdp);
}

static void remember(struct leg *l, struct pl sdp)
{
	if (!sdp.l)
		return;
	mem_deref(l->sdp);
	l->sdp = mbuf_alloc(sdp.l);
	if (l->sdp)
		(void)mbuf_write_mem(l->sdp, (const uint8_t *)sdp.p, sdp.l);
}

static struct pl remembered(const struct leg *l)
{
	if (!l->sdp)
		return (struct pl){NULL, 0};
	return (struct pl){(const char *)l->sdp->buf, l->sdp->end};
}

/** One side is gone with this status, or hung up with 0. */
static void end(struct call *c, uint16_t code, const struct session_news *n)
{
	struct session *a = c->a.s;
	/* While it rings it is the fork's */
	struct session *b = c->f ? NULL : c->b.s;
	uint16_t cause = n && n->cause_sip ? n->cause_sip : 0;

	c->a.s = c->b.s = NULL;
	c->f = fork_free(c->f, cause, NULL);
	if (a)
		session_handler_set(a, NULL, NULL);
	if (a && code >= 300)
		(void)session_reject(a, code, NULL);
	session_free(a, cause, NULL);
	session_free(b, cause, NULL);
	session_free(c->old, cause, NULL);
	mem_deref(c);
}

static struct leg *other_of(struct leg *l)
{
	return l == &l->c->a ? &l->c->b : &l->c->a;
}

static void move(struct leg *from, const struct session_news *n);

static void handler(struct session *s, const struct session_news *n, void *arg)
{
	struct leg *l = arg, *o = other_of(l);
	char type[64] = "";
	int err = 0;

	remember(l, n->what == SESSION_INFO ? (struct pl){NULL, 0} : n->sdp);
	switch (n->what) {
	case SESSION_CONFIRMED:
		if (o->s && n->sdp.l)
			(void)session_ack(o->s, n->sdp);
		break;
	case SESSION_OFFER:
		err = o->s ? session_change(o->s, n->sdp) : EPROTO;
		if (err)
			(void)session_refuse(s, 491);
		break;
	case SESSION_CHANGED: /* EPROTO: nobody asked for it but the rig */
		if (o->s)
			(void)session_allow(o->s, n->sdp);
		break;
	case SESSION_REFUSED:
		if (o->s)
			(void)session_refuse(o->s, n->code);
		break;
	case SESSION_INFO:
		*n->answer = 200;
		(void)pl_strcpy(&n->ctype, type, sizeof(type));
		if (o->s)
			(void)session_info(o->s, type, n->sdp);
		break;
	case SESSION_REFER:
		*n->answer = 202;
		move(l, n);
		break;
	case SESSION_OVER: end(l->c, n->code, n); break;
	default: break;
	}
}

static void fork_handler(struct session *s, const struct session_news *n,
			 void *arg)
{
	struct call *c = arg;

	switch (n->what) {
	case SESSION_PROGRESS:
		if (!c->moving)
			(void)session_ring(c->a.s, n->code, n->sdp);
		break;
	case SESSION_ANSWERED:
		rig.answered++;
		c->b.s = s;
		session_handler_set(s, handler, &c->b);
		remember(&c->b, n->sdp);
		c->f = fork_free(c->f, 0, NULL);
		if (c->moving) {
			(void)session_change(c->a.s, n->sdp);
			if (c->old)
				(void)session_notify(c->old, 200);
			c->moving = false;
		} else
			(void)session_answer(c->a.s, n->sdp);
		break;
	case SESSION_OVER: end(c, n->code, n); break;
	default: /* an early UPDATE: of the one that said something last */
		c->b.s = s;
		handler(s, n, &c->b);
		break;
	}
}

/** The contacts of this name, as calls; 0: there are none. */
static size_t route(struct pl name, struct session_call *v, char *uris,
		    size_t size)
{
	struct registrar_contact at[FORK_CONTACTS_MAX];
	size_t n = rig.reg ? registrar_contacts(rig.reg, name, at,
						FORK_CONTACTS_MAX)
			   : 0;

	for (size_t i = 0; i < n; i++)
		v[i] = (struct session_call){.uri = at[i].uri,
					     .from = "sip:rig@127.0.0.1",
					     .route = at[i].route,
					     .over = at[i].over};
	for (int i = 0; i < rig.route_count; i++) {
		struct str list = str_of(rig.routes[i]);
		struct str key = str_cut(&list, '=');

		if (key.n != name.l || memcmp(key.p, name.p, name.l))
			continue;
		while (list.n && n < FORK_CONTACTS_MAX) {
			struct str uri = str_cut(&list, ',');

			if (str_copy(uri, uris, size))
				return n;
			v[n++] = (struct session_call){
				.uri = uris, .from = "sip:rig@127.0.0.1"};
			uris += uri.n + 1;
			size -= uri.n + 1;
		}
	}
	return n;
}

static void old_handler(struct session *s, const struct session_news *n,
			void *arg)
{
	struct call *c = arg;

	if (n->what != SESSION_OVER)
		return;
	c->old = NULL;
	session_free(s, 0, NULL);
}

/** The other side of @p from rings another name; then from is let go. */
static void move(struct leg *from, const struct session_news *n)
{
	struct session_call v[FORK_CONTACTS_MAX];
	struct call *c = from->c;
	char uris[1024];
	struct sip_addr to;
	size_t count;

	if (!other_of(from)->s || sip_addr_decode(&to, &n->refer_to)) {
		*n->answer = 400;
		return;
	}
	count = route(to.uri.user, v, uris, sizeof(uris));
	if (!count || fork_call(&c->f, rig.ep, v, count,
				remembered(other_of(from)), fork_handler, c)) {
		*n->answer = 404;
		return;
	}
	session_free(c->old, 0, NULL);
	c->old = from->s;
	session_handler_set(c->old, old_handler, c);
	/* The one who stays is a from now on */
	if (from == &c->a) {
		c->a.s = c->b.s;
		session_handler_set(c->a.s, handler, &c->a);
	}
	c->b.s = NULL;
	c->moving = true;
}

static void invite_handler(const struct sip_msg *msg, void *arg)
{
	struct session_call v[FORK_CONTACTS_MAX];
	const struct pl none = {NULL, 0};
	struct call *c;
	char uris[1024];
	size_t n = route(msg->uri.user, v, uris, sizeof(uris));
	struct pl sdp = {(const char *)mbuf_buf(msg->mb),
			 mbuf_get_left(msg->mb)};
	int err;

	(void)arg;
	if (rig.reg && !registrar_admit(rig.reg, msg))
		return;
	rig.taken++;
	c = mem_zalloc(sizeof(*c), call_destructor);
	if (!c)
		return;
	c->a.c = c->b.c = c;
	if (session_accept(&c->a.s, rig.ep, msg, handler, &c->a)) {
		endpoint_reply(rig.ep, msg, 400, NULL, NULL);
		mem_deref(c);
		return;
	}
	list_append(&rig.calls, &c->le, c);
	remember(&c->a, sdp);
	err = n ? fork_call(&c->f, rig.ep, v, n, sdp.l ? sdp : none,
			    fork_handler, c)
		: ENOENT;
	if (err)
		end(c, err == ENOENT ? 404 : 503, NULL);
}

static bool other_handler(const struct sip_msg *msg, void *arg)
{
	(void)arg;
	if (!rig.reg || pl_strcmp(&msg->met, "REGISTER"))
		return false;
	registrar_register(rig.reg, msg);
	return true;
}

static bool source_handler(const struct sip_msg *msg, void *arg)
{
	(void)arg;
	return !rig.reg || registrar_source_ok(rig.reg, msg);
}

static void on_signal(int sig)
{
	(void)sig;
	re_cancel();
}

static void on_input(int flags, void *arg)
{
	char c;

	(void)flags;
	(void)arg;
	if (read(0, &c, 1) <= 0)
		re_cancel();
}

static int listen_all(uint16_t port)
{
	struct sa addr;
	int err = sa_set_str(&addr, "127.0.0.1", port);

	if (!err)
		err = endpoint_listen(rig.ep, SIP_TRANSP_UDP, &addr, NULL);
	if (!err)
		err = endpoint_listen(rig.ep, SIP_TRANSP_TCP, &addr, NULL);
	return err;
}

/** Open the accounts of -a; err stays 0 without any. */
static int accounts_open(char **v, size_t n, uint32_t per_s)
{
	const struct registrar_conf conf = {.realm = "rig",
					    .requests_per_s = per_s,
					    .requests_burst = per_s * 2};
	int err = n ? registrar_alloc(&rig.reg, rig.ep, &conf) : 0;

	for (size_t i = 0; !err && i < n; i++) {
		char *colon = strchr(v[i], ':');

		if (!colon)
			return EINVAL;
		*colon = '\0';
		err = registrar_account(rig.reg, v[i], colon + 1);
	}
	return err;
}

static void report(void)
{
	const struct endpoint_count n = endpoint_counted(rig.ep);
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	printf("taken=%u answered=%u open=%u refused=%llu dropped=%llu "
	       "sources_refused=%llu cpu_ms=%ld rss_kb=%ld\n",
	       rig.taken, rig.answered, n.calls, (unsigned long long)n.refused,
	       (unsigned long long)n.dropped,
	       (unsigned long long)n.sources_refused,
	       ru.ru_utime.tv_sec * 1000 + ru.ru_utime.tv_usec / 1000 +
		       ru.ru_stime.tv_sec * 1000 + ru.ru_stime.tv_usec / 1000,
	       ru.ru_maxrss);
}

static int start(const struct endpoint_conf *conf, uint16_t port)
{
	const char *what = NULL;
	int err = timer_check(&what);

	if (err) {
		fprintf(stderr, "sip_rig: libre keeps its own %s\n",
			what ? what : "timers");
		return err;
	}
	err = endpoint_alloc(&rig.ep, conf);
	if (!err)
		err = listen_all(port);
	if (!err)
		err = fd_listen(0, FD_READ, on_input, NULL);
	return err;
}

static int run(void)
{
	int err;

	puts("ready");
	fflush(stdout);
	err = re_main(on_signal);
	fd_close(0);
	report();
	while (rig.calls.head)
		end(rig.calls.head->data, 0, NULL);
	return err;
}

int main(int argc, char **argv)
{
	struct endpoint_conf conf = {.software = "sip_rig",
				     .calls_max = 20000,
				     .inviteh = invite_handler,
				     .otherh = other_handler,
				     .sourceh = source_handler};
	uint64_t v = 0, port = 25070, per_s = 0;
	char *accounts[16];
	size_t n = 0;
	int o, err;

	while ((o = getopt(argc, argv, "p:e:m:n:r:a:")) > 0) {
		if (o == '?' || (o == 'a' && n == 16) ||
		    (o != 'a' && uint_parse(str_of(optarg), &v)))
			return 2;
		switch (o) {
		case 'p': port = v; break;
		case 'e': conf.se_s = (uint32_t)v; break;
		case 'm': conf.min_se_s = (uint32_t)v; break;
		case 'n': conf.calls_max = (uint32_t)v; break;
		case 'r': per_s = v; break;
		default: accounts[n++] = optarg;
		}
	}
	rig.routes = argv + optind;
	rig.route_count = argc - optind;
	if (libre_init() || fd_setsize(8192))
		return 1;
	err = start(&conf, (uint16_t)port);
	if (!err)
		err = accounts_open(accounts, n, (uint32_t)per_s);
	if (!err)
		err = run();
	rig.reg = registrar_free(rig.reg);
	rig.ep = endpoint_free(rig.ep);
	libre_close();
	if (err)
		fprintf(stderr, "sip_rig: %s\n", strerror(err));
	return err != 0;
}
