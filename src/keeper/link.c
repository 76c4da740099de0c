/* SPDX-License-Identifier: ISC */
/** @file link.c  The pair with the trunk: events into core, actions out */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "core/path.h"
#include "keeper/state.h"

/* ---- out ---- */

/* A trunk that takes nothing is as good as dead, and nothing waits for it:
   the monitor replaces it, and the sessions resume on the new one. */
static void send_out(struct keeper *k, const struct wire_msg *m)
{
	struct wire_end *w = k->boot->peer[ROLE_TRUNK];
	int err;

	if (!w || k->trunk_gone)
		return;
	err = wire_send(w, m);
	if (!err || err == ENOMEM)
		return;		/* a lost frame is sent again by the session */
	log_warn("trunk.lost", "message=%s err=%s do=%s", wire_name(m->type),
		 strerror(err), "its paths count as closed");
	if (err == ENOBUFS)
		boot_complain(k->boot, ROLE_TRUNK, "it reads nothing");
	k->trunk_gone = true;
}

static void close_conn(struct keeper *k, uint32_t conn, const char *reason)
{
	struct wire_msg m = {.type = WIRE_PATH_CLOSE, .fd = -1};

	m.path_close.conn = conn;
	m.path_close.reason = (struct str){reason, strnlen(reason, 200)};
	send_out(k, &m);
}

static void frame_out(struct keeper *k, const struct action *a)
{
	struct wire_msg m = {.type = WIRE_FRAME_OUT, .fd = -1};

	if (a->head_n + a->body_n > sizeof(k->frame))
		return;		/* core's own limits are below */
	if (a->head_n)
		memcpy(k->frame, a->head, a->head_n);
	if (a->body_n)
		memcpy(k->frame + a->head_n, a->body, a->body_n);
	m.frame_out = (struct wire_frame_out){
		a->conn,
		(uint8_t)a->type,
		a->prio,
		{(const char *)k->frame, a->head_n + a->body_n}};
	send_out(k, &m);
}

struct wanted {
	uint64_t seq;
	bool there, row;
	uint8_t hash[DIGEST_BYTES];
	int fd;
	int err;
};

static int on_wanted(const struct db_entry *e, void *arg)
{
	struct wanted *w = arg;
	struct blob_ref blob;
	struct entry p;

	if (e->seq != w->seq || entry_parse(e->p, e->n, &p) ||
	    entry_blob(&p, &blob))
		return 0;
	w->there = true;
	w->row = e->body && e->body_n == blob.bytes;
	memcpy(w->hash, blob.hash, DIGEST_BYTES);
	return w->row ? box_memfd(e->body, e->body_n, &w->fd) : 0;
}

/* Core has looked: the body is here.  When it cannot be opened all the same,
   the peer asks again. */
static void bulk_out(struct keeper *k, const struct action *a)
{
	const struct db *db = store_db(k->store);
	const uint32_t feed =
		feed_id(a->pair, a->seq & BODY_OF_ASKER ? FEED_PEER : FEED_OWN);
	struct wire_msg m = {.type = WIRE_BULK_OUT};
	struct wanted w = {.seq = a->seq & ~BODY_OF_ASKER, .fd = -1};
	int err = db->entry_walk(db->arg, feed, w.seq, 1, true, on_wanted, &w);

	if (!err && w.there && !w.row)
		err = store_blob_open(k->store, w.hash, &w.fd);
	if (err || w.fd < 0) {
		log_warn("body.not-given", "seq=%llu err=%s",
			 (unsigned long long)w.seq,
			 strerror(err ? err : ENOENT));
		return;
	}
	m.fd = w.fd;
	m.bulk_out = (struct wire_bulk_out){a->conn, a->seq, a->offset,
					    a->offset, a->bytes};
	send_out(k, &m);
	close(w.fd);
}

/* ---- pairs ---- */

static void addresses_print(const struct card *c, struct buf *b)
{
	for (size_t i = 0; i < c->addresses; i++)
		buf_printf(b, "%s%s", i ? "\n" : "", c->address[i]);
}

static void pair_set(struct keeper *k, const struct pair_view *v)
{
	const struct pairing *n = v->names;
	struct wire_msg m = {.type = WIRE_PAIR_SET, .fd = -1};
	struct buf b;

	buf_init(&b, 600);
	addresses_print(v->card, &b);
	m.pair_set = (struct wire_pair_set){
		v->pair,
		str_of(v->card->name),
		str_of(n->dial_identity),
		{(const char *)n->dial_psk, sizeof(n->dial_psk)},
		str_of(n->listen_identity),
		{(const char *)n->listen_psk, sizeof(n->listen_psk)},
		{b.n ? (const char *)b.p : "", b.n}};
	if (!b.err)
		send_out(k, &m);
	k->link[v->pair].told = !b.err;
	buf_free(&b);
}

static void pair_drop(struct keeper *k, uint32_t pair)
{
	struct wire_msg m = {.type = WIRE_PAIR_DROP, .fd = -1};

	m.pair_drop.pair = pair;
	send_out(k, &m);
	k->link[pair] = (struct link){.told = false};
}

void link_pairs(struct keeper *k)
{
	struct pair_view v;

	if (!k->boot->peer[ROLE_TRUNK] || k->trunk_gone)
		return;
	for (uint32_t i = 0; i < PAIRS_MAX; i++) {
		const bool want =
			core_pair_get(k->core, i, &v) &&
			(v.state == PAIR_LIVE || v.state == PAIR_RESTORING);

		if (want && !k->link[i].told)
			pair_set(k, &v);
		else if (!want && k->link[i].told)
			pair_drop(k, i);
	}
}

void link_action(struct keeper *k, const struct action *a)
{
	struct wire_msg m = {.type = WIRE_PATH_JOINED, .fd = -1};
	struct pair_view v;

	switch (a->kind) {
	case ACTION_FRAME: frame_out(k, a); break;
	case ACTION_BULK: bulk_out(k, a); break;
	case ACTION_CLOSE: close_conn(k, a->conn, a->reason); break;
	case ACTION_PAIR:
		k->pairs_due = true;
		if (core_pair_get(k->core, a->pair, &v) &&
		    v.state == PAIR_REVOKED)
			asked_end_pair(k, a->pair);
		break;
	case ACTION_JOINED:
		m.path_joined.conn = a->conn;
		send_out(k, &m);
		break;
	case ACTION_LINE:
	case ACTION_SERVICE: alarm_take(k, a); break;
	case ACTION_ANSWER: break;
	}
}

void link_turn(struct keeper *k)
{
	struct wire_msg m = {.type = WIRE_TURN, .fd = -1};

	m.turn.turn = k->turn;
	send_out(k, &m);
}

/* ---- in ---- */

static int path_open(struct keeper *k, const struct wire_path_open *m)
{
	if (m->exporter.n != EXPORTER_BYTES || m->role > HELLO_LISTENER ||
	    k->conns == CONNS_MAX)
		return EPROTO;
	k->conn[k->conns++] = m->conn;
	if (k->sick) {
		close_conn(k, m->conn, "cannot write its record just now");
		return 0;
	}
	return core_path_open(k->core, k->now, m->conn, m->pair,
			      (enum hello_role)m->role, m->path,
			      (const uint8_t *)m->exporter.p);
}

static int path_closed(struct keeper *k, uint32_t conn)
{
	for (size_t i = 0; i < k->conns; i++) {
		if (k->conn[i] == conn) {
			k->conn[i] = k->conn[--k->conns];
			break;
		}
	}
	return core_path_closed(k->core, k->now, conn);
}

/* What a missed check says of the path.  Of the trunk's words only such as a
   record may hold, cut where a character ends. */
static void word(struct keeper *k, uint32_t pair, uint8_t path,
		 const struct link_path *p)
{
	char words[400];
	size_t n;

	(void)snprintf(words, sizeof(words), "path %u %s%s%s%s%s", path,
		       p->remote, *p->remote ? " " : "",
		       path_state_name((enum path_state)p->state),
		       *p->why ? ": " : "", p->why);
	n = strnlen(words, LINE_WORDS_CHARS);
	while (n && (words[n - 1] == ' ' || !utf8_ok(words, n, false)))
		n--;
	words[n] = '\0';
	core_path_word(k->core, pair, path, words);
}

void line_paths_again(struct keeper *k)
{
	for (uint32_t i = 0; i < PAIRS_MAX; i++) {
		for (uint8_t j = 0; j < PATHS_MAX; j++) {
			if (k->link[i].path[j].known)
				word(k, i, j, &k->link[i].path[j]);
		}
	}
}

static int path_state(struct keeper *k, const struct wire_path_state *m)
{
	struct link_path was, *p;

	if (m->pair >= PAIRS_MAX || m->path >= PATHS_MAX ||
	    m->state >= PATH_STATES)
		return EPROTO;
	p = &k->link[m->pair].path[m->path];
	if (!p->known || p->state != m->state) {
		k->news[m->pair].path_due = true;
		k->news[m->pair].path = m->path;
		k->news_due = true;
	}
	was = *p;
	*p = (struct link_path){true,           m->state,    m->rtt_us,
				m->rttvar_us,   m->bytes_in, m->bytes_out,
				m->retransmits, "",          ""};
	if (str_copy(m->remote, p->remote, sizeof(p->remote)) ||
	    str_copy(m->why, p->why, sizeof(p->why)))
		return EPROTO;
	if (!was.known || was.state != p->state ||
	    strcmp(was.remote, p->remote) != 0 || strcmp(was.why, p->why) != 0)
		word(k, m->pair, m->path, p);
	return 0;
}

int link_message(struct keeper *k, const struct wire_msg *m)
{
	switch (m->type) {
	case WIRE_PING: k->ping_due = true; return 0;
	case WIRE_PATH_OPEN: return path_open(k, &m->path_open);
	case WIRE_PATH_CLOSED: return path_closed(k, m->path_closed.conn);
	case WIRE_PATH_STATE: return path_state(k, &m->path_state);
	case WIRE_FRAME_IN:
		if (m->frame_in.type >= FRAME_TYPES)
			return EPROTO;
		return core_path_frame(k->core, k->now, m->frame_in.conn,
				       (enum frame_type)m->frame_in.type,
				       (const uint8_t *)m->frame_in.payload.p,
				       m->frame_in.payload.n);
	case WIRE_TRUNK_COUNTS:
		(void)!str_copy(m->trunk_counts.text, k->counts,
				sizeof(k->counts));
		return 0;
	default: return EPROTO;
	}
}

int link_gone(struct keeper *k)
{
	int err = 0;

	while (k->conns && !err)
		err = core_path_closed(k->core, k->now, k->conn[--k->conns]);
	k->conns = 0;
	for (uint32_t i = 0; i < PAIRS_MAX && k->core; i++) {
		for (uint8_t j = 0; j < PATHS_MAX; j++) {
			if (k->link[i].path[j].known)
				core_path_word(k->core, i, j,
					       "the trunk process ended");
		}
	}
	memset(k->link, 0, sizeof(k->link));
	k->counts[0] = '\0';
	k->news_due = true;
	return err;
}

void link_close_all(struct keeper *k, const char *reason)
{
	while (k->conns)
		close_conn(k, k->conn[--k->conns], reason);
}

/* ---- how it is ---- */

enum trunk_state trunk_state(const struct keeper *k, const struct pair_view *v)
{
	const struct link *l = &k->link[v->pair];
	enum trunk_state s = TRUNK_DOWN;

	for (int i = 0; i < PATHS_MAX && v->session; i++) {
		if (l->path[i].state == PATH_UP)
			s = TRUNK_UP;
		else if (l->path[i].state == PATH_SUSPECT && s == TRUNK_DOWN)
			s = TRUNK_SUSPECT;
	}
	return s;
}

const char *trunk_state_name(enum trunk_state s)
{
	return s == TRUNK_UP ? "up" : s == TRUNK_SUSPECT ? "suspect" : "down";
}
