/* SPDX-License-Identifier: ISC */
/** @file paths.c  Pairs and their paths: dial, beat, cut, report */
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "base/log.h"
#include "trunk/state.h"

#define REPORT_MS 5000		/* PATH_STATE at least this often */

/* ---- pairs ---- */

static void pair_end(struct trunk *t, struct pair *p, const char *why)
{
	if (!p->used)
		return;
	for (int i = 0; i < PATHS_MAX; i++) {
		p->slot[i].path.dials = false;
		if (p->slot[i].link)
			link_bye(t, p->slot[i].link, why);
	}
	OPENSSL_cleanse(p, sizeof(*p));	/* used is false from here on */
}

void paths_pair_drop(struct trunk *t, uint32_t pair, const char *why)
{
	if (pair < PAIRS_MAX)
		pair_end(t, &t->pair[pair], why);
}

static struct slot *slot_take(struct trunk *t, uint32_t pair, uint8_t number)
{
	struct slot *s = &t->pair[pair].slot[number];

	*s = (struct slot){.used = true, .pair = pair, .number = number};
	s->told = -1;
	return s;
}

/* One path for each address, numbered from 0; those beyond DIALS_MAX and
   those that are no addresses are left out */
static void slots_dial(struct trunk *t, uint32_t pair)
{
	struct str in = str_of(t->pair[pair].addresses), line;
	uint8_t number = 0;

	while (in.n && number < DIALS_MAX) {
		struct slot *s;

		line = str_cut(&in, '\n');
		if (!address_ok(line))
			continue;
		s = slot_take(t, pair, number);
		if (str_copy(line, s->address, sizeof(s->address))) {
			s->used = false;
			continue;
		}
		path_init(&s->path, true, t->now_ms);
		number++;
	}
}

static bool same(const struct pair *p, const struct pair *q)
{
	return p->used && !strcmp(p->name, q->name) &&
	       !strcmp(p->dial_identity, q->dial_identity) &&
	       !strcmp(p->listen_identity, q->listen_identity) &&
	       !memcmp(p->dial_psk, q->dial_psk, PSK_BYTES) &&
	       !memcmp(p->listen_psk, q->listen_psk, PSK_BYTES) &&
	       !strcmp(p->addresses, q->addresses);
}

bool paths_pair_set(struct trunk *t, const struct wire_pair_set *m)
{
	struct pair q = {.used = true}, *p;

	if (m->pair >= PAIRS_MAX || m->dial_psk.n != PSK_BYTES ||
	    m->listen_psk.n != PSK_BYTES || !m->dial_identity.n ||
	    !m->listen_identity.n ||
	    str_copy(m->name, q.name, sizeof(q.name)) ||
	    str_copy(m->dial_identity, q.dial_identity,
		     sizeof(q.dial_identity)) ||
	    str_copy(m->listen_identity, q.listen_identity,
		     sizeof(q.listen_identity)) ||
	    str_copy(m->addresses, q.addresses, sizeof(q.addresses)))
		return false;
	memcpy(q.dial_psk, m->dial_psk.p, PSK_BYTES);
	memcpy(q.listen_psk, m->listen_psk.p, PSK_BYTES);
	p = &t->pair[m->pair];
	if (!same(p, &q)) {
		pair_end(t, p, "the pairing was changed");
		*p = q;
		if (t->conf->dial)
			slots_dial(t, m->pair);
		t->timer_ms = t->now_ms;
	}
	OPENSSL_cleanse(&q, sizeof(q));
	return true;
}

enum tally_kind paths_find(const char *identity, size_t n,
			   uint8_t psk[PSK_BYTES], uint32_t *tag, void *arg)
{
	const struct str id = {identity, n};
	struct trunk *t = arg;

	for (uint32_t i = 0; i < PAIRS_MAX; i++) {
		const struct pair *p = &t->pair[i];

		if (!p->used)
			continue;
		if (str_is(id, p->listen_identity)) {
			memcpy(psk, p->listen_psk, PSK_BYTES);
			*tag = i;
			return TALLY_NONE;
		}
		if (str_is(id, p->dial_identity))
			return TALLY_REFLECTED;
	}
	return TALLY_UNKNOWN_IDENTITY;
}

/* ---- one path ---- */

struct slot *paths_accepted(struct trunk *t, uint32_t pair, struct link *l)
{
	struct pair *p = &t->pair[pair];
	struct slot *s, *unjoined = NULL;

	if (pair >= PAIRS_MAX || !p->used)
		return NULL;
	for (int i = PATHS_MAX - 1; i >= 0; i--) {
		s = &p->slot[i];
		if (!s->used)
			break;
		/* A thief of the PSK must not hold all numbers: the oldest
		   without HELLO gives way.  Dead ones are down within 1 s */
		if (s->link && s->link->stranger &&
		    (!unjoined || s->link->since_ms < unjoined->link->since_ms))
			unjoined = s;
		s = NULL;
	}
	if (!s && unjoined) {
		link_close(t, unjoined->link, TALLY_TOO_MANY,
			   "a newer connection of this peer takes its place");
		s = unjoined;
	}
	if (!s)
		return NULL;
	s = slot_take(t, pair, (uint8_t)(s - p->slot));
	path_init(&s->path, false, t->now_ms);
	path_connected(&s->path, t->now_ms);
	s->link = l;
	t->report = true;
	return s;
}

static uint32_t chance(void)
{
	uint32_t v = 0;

	/* only spreads redials: without it they are just not spread */
	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != sizeof(v))
		return 0;
	return v;
}

static void report(struct trunk *t, struct slot *s)
{
	struct wire_msg m = {.type = WIRE_PATH_STATE, .fd = -1};
	char remote[REMOTE_CHARS] = "";
	struct tcp_info ti = {0};
	socklen_t n = sizeof(ti);

	snprintf(remote, sizeof(remote), "%s", s->address);
	m.path_state.pair = s->pair;
	m.path_state.path = s->number;
	m.path_state.state = (uint8_t)s->path.state;
	m.path_state.rtt_us = s->path.rtt_us;
	m.path_state.rttvar_us = s->path.rttvar_us;
	if (s->link) {
		address_print(&s->link->peer, remote);
		m.path_state.conn = s->link->id;
		if (s->link->tls) {
			m.path_state.bytes_in = tlspsk_bytes_in(s->link->tls);
			m.path_state.bytes_out = tlspsk_bytes_out(s->link->tls);
		}
		if (!getsockopt(s->link->src.fd, IPPROTO_TCP, TCP_INFO, &ti,
				&n))
			m.path_state.retransmits = ti.tcpi_total_retrans;
	}
	m.path_state.remote = str_of(remote);
	m.path_state.why = str_of(s->path.why[0] ? s->path.why : s->why);
	if (keeper_send(t, &m))
		return;
	s->told = (int)s->path.state;
	s->told_ms = t->now_ms;
}

void paths_lost(struct trunk *t, struct link *l, const char *why)
{
	struct slot *s = l->slot;
	const bool up = s->path.state >= PATH_UP;

	l->slot = NULL;
	s->link = NULL;
	if (up)
		log_warn("path.down", "peer=%s path=%u why=%s",
			 t->pair[s->pair].name, s->number, why);
	else if (s->path.dials && strcmp(s->why, why))
		log_info("path.dial-failed", "peer=%s path=%u remote=%s why=%s",
			 t->pair[s->pair].name, s->number, s->address, why);
	snprintf(s->why, sizeof(s->why), "%s", why);
	path_lost(&s->path, t->now_ms, chance());
	if (t->timer_ms > path_deadline_ms(&s->path))
		t->timer_ms = path_deadline_ms(&s->path);
	t->report = true;
	if (!s->address[0]) {
		report(t, s);	/* its last word; the number is free again */
		s->used = false;
	}
}

static void dial(struct trunk *t, struct slot *s)
{
	struct sockaddr_storage a;
	socklen_t n = 0;
	struct link *l;
	int err, fd;

	path_dialled(&s->path, t->now_ms);
	t->report = true;
	err = address_parse(s->address, &a, &n);
	fd = err ? -1
		 : socket(a.ss_family,
			  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	l = fd < 0 ? NULL : link_new(t, fd, LINK_CONNECTING);
	if (!l) {
		snprintf(s->why, sizeof(s->why), "no socket to dial with");
		path_lost(&s->path, t->now_ms, chance());
		return;
	}
	tally_add(&t->tally, TALLY_DIALLED);
	l->dialled = true;
	l->peer = a;
	l->slot = s;
	s->link = l;
	if (connect(fd, (struct sockaddr *)&a, n) && errno != EINPROGRESS)
		link_close(t, l, TALLY_DIAL_FAILED, strerror(errno));
	else
		link_interest(t, l);
}

/* ---- all paths ---- */

static void cut(struct trunk *t, struct slot *s)
{
	const bool up = s->path.state >= PATH_UP;

	/* We may have slept ourselves: hear first, judge then */
	if (up)
		link_read(t, s->link);
	if (!s->link || !(path_tick(&s->path, t->now_ms) & PATH_WANT_CUT))
		return;
	link_close(t, s->link,
		   up                  ? TALLY_SILENT
		   : s->link->stranger ? TALLY_TIMEOUT
				       : TALLY_DIAL_FAILED,
		   s->path.why);
}

static void slot_tick(struct trunk *t, struct slot *s)
{
	const enum path_state before = s->path.state;
	unsigned want;

	if (s->link && s->link->held)
		path_held(&s->path, t->now_ms);
	want = path_tick(&s->path, t->now_ms);
	if (want & PATH_WANT_DIAL) {
		dial(t, s);
	} else if (want & PATH_WANT_CUT) {
		cut(t, s);
	} else if (want & PATH_WANT_BEAT && s->link && s->link->conn) {
		conn_beat(s->link->conn);
		link_kick(t, s->link);
	}
	if (s->path.state != before || t->now_ms - s->told_ms >= REPORT_MS)
		t->report = true;
}

uint64_t paths_tick(struct trunk *t)
{
	uint64_t next = UINT64_MAX, at;

	for (uint32_t i = 0; i < PAIRS_MAX; i++) {
		struct pair *p = &t->pair[i];

		for (int k = 0; p->used && k < PATHS_MAX; k++) {
			struct slot *s = &p->slot[k];

			if (s->used)
				slot_tick(t, s);
			if (!s->used)
				continue;
			at = path_deadline_ms(&s->path);
			next = at < next ? at : next;
			at = s->told_ms + REPORT_MS;
			next = at < next && at > t->now_ms ? at : next;
		}
	}
	return next;
}

void paths_report(struct trunk *t)
{
	t->report = false;
	for (uint32_t i = 0; i < PAIRS_MAX; i++) {
		struct pair *p = &t->pair[i];

		for (int k = 0; p->used && k < PATHS_MAX; k++) {
			struct slot *s = &p->slot[k];

			if (!s->used || (s->told == (int)s->path.state &&
					 t->now_ms - s->told_ms < REPORT_MS))
				continue;
			if (s->path.state == PATH_UP && s->told < PATH_UP)
				log_info("path.up", "peer=%s path=%u", p->name,
					 s->number);
			if (s->path.state >= PATH_UP)
				s->why[0] = '\0';
			report(t, s);
		}
	}
}

void paths_untold(struct trunk *t)
{
	t->report = true;
	for (uint32_t i = 0; i < PAIRS_MAX; i++) {
		for (int k = 0; k < PATHS_MAX; k++)
			t->pair[i].slot[k].told = -1;
	}
}
