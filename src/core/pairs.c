/* SPDX-License-Identifier: ISC */
/** @file pairs.c  Cards, pairing, loading and saving a pair */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/state.h"

#define CARDS_WAITING_MAX 8
#define STATE_VERSION 1
#define STATE_BYTES_MAX 32768

/* ---- state <-> octets ---- */

static void put_feed(const struct feed *f, struct buf *b)
{
	tree_encode(&f->tree, b);
	buf_u64(b, (uint64_t)f->time_ms);
	buf_u64(b, f->seen);
	buf_u64(b, f->bytes);
	buf_u64(b, f->signed_size);
	buf_u64(b, f->cosigned);
	buf_u64(b, f->cosigned_s);
	buf_u64(b, f->spoken);
	buf_u64(b, f->loud);
}

static void get_feed(struct feed *f, struct cur *c)
{
	tree_decode(&f->tree, c);
	f->time_ms = (int64_t)cur_u64(c);
	f->seen = cur_u64(c);
	f->bytes = cur_u64(c);
	f->signed_size = cur_u64(c);
	f->cosigned = cur_u64(c);
	f->cosigned_s = cur_u64(c);
	f->spoken = cur_u64(c);
	f->loud = cur_u64(c);
}

static void put_card(const struct card *card, struct buf *b)
{
	struct buf text;

	buf_init(&text, CARD_BYTES_MAX);
	card_print(card, true, &text);
	if (text.err && !b->err)
		b->err = text.err;
	buf_blob32(b, text.p, text.n);
	buf_free(&text);
}

static void get_card(struct card *card, struct cur *c)
{
	size_t n;
	const uint8_t *p = cur_blob32(c, &n, CARD_BYTES_MAX);

	if (!p || card_parse(p, n, card, NULL))
		c->bad = true;
}

static void put_text(const char *s, struct buf *b)
{
	buf_blob32(b, s, strlen(s));
}

static void get_text(char out[WHY_CHARS], struct cur *c)
{
	size_t n;
	const uint8_t *p = cur_blob32(c, &n, WHY_CHARS - 1);

	if (p)
		memcpy(out, p, n);
	out[p ? n : 0] = '\0';
}

int pair_save(struct core *c, struct pair *p)
{
	struct buf b;
	int err;

	buf_init(&b, STATE_BYTES_MAX);
	buf_u8(&b, STATE_VERSION);
	buf_u8(&b, (uint8_t)p->state);
	buf_u8(&b, (uint8_t)p->verdict);
	buf_u8(&b, p->line_up);
	put_text(p->why, &b);
	put_text(p->verdict_why, &b);
	put_card(&p->own_card, &b);
	put_card(&p->peer_card, &b);
	put_feed(&p->own, &b);
	put_feed(&p->peer, &b);
	tree_encode(&p->joint, &b);
	buf_u64(&b, p->joint_pivot);
	buf_u64(&b, p->joint_signed);
	buf_u64(&b, p->joint_sent);
	buf_u64(&b, (uint64_t)p->proof_ms);
	buf_u64(&b, p->body_bytes);
	buf_u64(&b, p->wants);
	buf_u64(&b, p->restored);
	buf_u64(&b, p->restore_from);
	buf_u64(&b, p->restore_to);
	buf_u8(&b, p->proofs);
	buf_u64(&b, p->folded[SIDE_OWN]);
	buf_u64(&b, p->folded[SIDE_PEER]);
	err = b.err ? b.err : DB(c, pair_put, p->no, b.p, b.n);
	buf_free(&b);
	if (!err)
		p->dirty = false;
	return err;
}

static int decode(struct pair *p, const uint8_t *m, size_t n)
{
	struct cur c = cur_of(m, n);

	if (cur_u8(&c) != STATE_VERSION)
		return EBADMSG;
	p->state = cur_u8(&c);
	p->verdict = cur_u8(&c);
	p->line_up = cur_u8(&c) != 0;
	get_text(p->why, &c);
	get_text(p->verdict_why, &c);
	get_card(&p->own_card, &c);
	get_card(&p->peer_card, &c);
	get_feed(&p->own, &c);
	get_feed(&p->peer, &c);
	tree_decode(&p->joint, &c);
	p->joint_pivot = cur_u64(&c);
	p->joint_signed = cur_u64(&c);
	p->joint_sent = cur_u64(&c);
	p->proof_ms = (int64_t)cur_u64(&c);
	p->body_bytes = cur_u64(&c);
	p->wants = cur_u64(&c);
	p->restored = cur_u64(&c);
	p->restore_from = cur_u64(&c);
	p->restore_to = cur_u64(&c);
	p->proofs = cur_u8(&c);
	p->folded[SIDE_OWN] = cur_u64(&c);
	p->folded[SIDE_PEER] = cur_u64(&c);
	return cur_done(&c) && p->state <= PAIR_REVOKED &&
			       p->verdict <= VERDICT_EXPOSED
		       ? 0
		       : EBADMSG;
}

/* ---- making and freeing ---- */

struct pair *pair_free(struct pair *p)
{
	if (p) {
		key_free(p->log_key);
		key_free(p->cosigner_key);
		key_free(p->trunk_key);
		session_reset(NULL, &p->s, false);
		buf_free(&p->s.pending);
		recent_free(p);
		lines_free(&p->lines);
		free(p);
	}
	return NULL;
}

static int name_keys(struct core *c, struct pair *p)
{
	char own[ORIGIN_CHARS_MAX], peer[ORIGIN_CHARS_MAX];
	int err;

	snprintf(own, sizeof(own), "%s/ringdown/cosigner", p->own_card.name);
	snprintf(peer, sizeof(peer), "%s/ringdown/cosigner", p->peer_card.name);
	err = note_key_init(&p->own_log, p->names.own_origin, NOTE_LOG,
			    c->conf.log);
	if (!err)
		err = note_key_init(&p->own_cosig, own, NOTE_COSIGNATURE,
				    c->conf.cosigner);
	if (!err)
		err = note_key_init(&p->peer_log, p->names.peer_origin,
				    NOTE_LOG, p->log_key);
	if (!err)
		err = note_key_init(&p->peer_cosig, peer, NOTE_COSIGNATURE,
				    p->cosigner_key);
	if (!err)
		err = note_key_init(
			&p->joint_log, p->names.joint_origin, NOTE_LOG,
			p->names.own_pivot ? c->conf.log : p->log_key);
	return err;
}

/* Everything that follows from the two cards.  EBADMSG: not our keys, or the
   peer's are none; EEXIST: the same key or name twice */
static int derive(struct core *c, struct pair *p)
{
	int err;

	if (memcmp(p->own_card.log, key_public(c->conf.log), KEY_BYTES) ||
	    memcmp(p->own_card.cosigner, key_public(c->conf.cosigner),
		   KEY_BYTES) ||
	    memcmp(p->own_card.trunk, key_public(c->conf.trunk), KEY_BYTES) ||
	    strcmp(p->own_card.name, c->conf.name))
		return EBADMSG;
	err = pairing_make(&p->names, &p->own_card, &p->peer_card);
	if (!err)
		err = key_from_public(&p->log_key, p->peer_card.log);
	if (!err)
		err = key_from_public(&p->cosigner_key, p->peer_card.cosigner);
	if (!err)
		err = key_from_public(&p->trunk_key, p->peer_card.trunk);
	if (!err)
		err = name_keys(c, p);
	return err;
}

static void start_run(struct core *c, struct pair *p)
{
	buf_init(&p->s.pending, BATCH_BYTES_MAX + 4 * BATCH_ENTRIES_MAX);
	session_reset(c, &p->s, true);
	recent_init(p);
	p->announced = p->peer.tree.size;
	p->signed_bytes = p->own.bytes;
	p->ack_at_ms = p->idle_at_ms = p->joint_at_ms = UINT64_MAX;
	p->down_at_ms = UINT64_MAX;
}

/* ---- loading ---- */

/* A store older than what we signed must sign nothing before the peer has
   given back and attested the rest (record.md 1.6, design: restore) */
static int compare_marker(struct core *c, struct pair *p)
{
	struct core_marker m;
	uint8_t root[DIGEST_BYTES];
	int err;

	if (p->state != PAIR_LIVE || !c->conf.marker_h)
		return 0;
	err = c->conf.marker_h(p->names.own_origin, &m, c->conf.marker_arg);
	if (err == ENOENT) {
		if (p->own.signed_size) {
			p->state = PAIR_RESTORING;
			snprintf(p->why, sizeof(p->why),
				 "the marker of what was signed is missing");
		}
		return 0;
	}
	if (err || m.size < p->own.signed_size)
		return err;
	tree_root(&p->own.tree, root);
	if (m.size == p->own.signed_size && !memcmp(m.root, root, sizeof(root)))
		return 0;
	p->state = PAIR_RESTORING;
	snprintf(p->why, sizeof(p->why),
		 "this store is older than what was signed (%llu < %llu)",
		 (unsigned long long)p->own.signed_size,
		 (unsigned long long)m.size);
	return 0;
}

struct load {
	struct core *c;
	struct now now;
};

static int load_one(uint32_t no, const uint8_t *state, size_t n, void *arg)
{
	struct load *l = arg;
	struct pair *p;
	bool goes_on = false;
	int err;

	if (no >= PAIRS_MAX || l->c->pair[no])
		return EBADMSG;
	p = calloc(1, sizeof(*p));
	if (!p)
		return ENOMEM;
	p->no = no;
	err = decode(p, state, n);
	if (!err)
		err = derive(l->c, p);
	if (!err) {
		goes_on = p->state == PAIR_RESTORING;
		start_run(l->c, p);
		if (p->line_up)
			p->down_at_ms = l->now.mono_ms + LINE_DOWN_RECORD_MS;
		/* an acknowledgement that waited when we were stopped */
		if (p->peer.spoken > p->own.seen)
			p->ack_at_ms = l->now.mono_ms + ACK_DELAY_MS;
		err = compare_marker(l->c, p);
	}
	if (!err)
		err = lines_load(l->c, p);
	if (err) {
		pair_free(p);
		return err == EEXIST ? EBADMSG : err;
	}
	if (p->state == PAIR_LIVE && p->peer.tree.size < p->own.seen) {
		/* our entries are back, the peer's are not */
		p->state = PAIR_RESTORING;
		snprintf(p->why, sizeof(p->why),
			 "the peer's entries are not all back yet");
	}
	/* a restore that a crash interrupted goes on as what it was */
	if (!goes_on)
		p->restore_from = p->own.tree.size;
	l->c->pair[no] = p;
	return 0;
}

int pair_load_all(struct core *c, struct now now)
{
	return DB(c, pair_each, load_one, &(struct load){c, now});
}

/* ---- states ---- */

bool pair_may_sign(const struct pair *p)
{
	return p->state == PAIR_LIVE;
}

void pair_blame(struct pair *p, enum verdict v, const char *fmt, ...)
{
	va_list ap;

	if (v <= p->verdict)
		return;
	va_start(ap, fmt);
	vsnprintf(p->verdict_why, sizeof(p->verdict_why), fmt, ap);
	va_end(ap);
	p->verdict = v;
	p->dirty = true;
}

void pair_stop(struct pair *p, const char *why)
{
	p->state = PAIR_STOPPED;
	snprintf(p->why, sizeof(p->why), "%s", why);
	p->dirty = true;
}

/* ---- cards ---- */

static void card_key(const char *kind, const uint8_t serial[SERIAL_BYTES],
		     char out[64])
{
	char hex[2 * SERIAL_BYTES + 1];

	hex_encode(serial, SERIAL_BYTES, hex);
	snprintf(out, 64, "%s.%s", kind, hex);
}

/* "cards" lists the serials of cards given out and not used, oldest first */
static int cards_waiting(struct core *c, struct buf *list)
{
	const int err = DB(c, meta_get, "cards", list);

	return err == ENOENT ? 0 : err;
}

static int cards_forget(struct core *c, struct buf *list, size_t at)
{
	char key[64];
	int err;

	card_key("card", list->p + at, key);
	err = DB(c, meta_put, key, NULL, 0);
	if (err)
		return err;
	memmove(list->p + at, list->p + at + SERIAL_BYTES,
		list->n - at - SERIAL_BYTES);
	list->n -= SERIAL_BYTES;
	return DB(c, meta_put, "cards", list->p, list->n);
}

int core_card_new(struct core *c, struct buf *out)
{
	struct card card = {0};
	struct buf list;
	char key[64];
	int err;

	snprintf(card.name, sizeof(card.name), "%s", c->conf.name);
	memcpy(card.log, key_public(c->conf.log), KEY_BYTES);
	memcpy(card.cosigner, key_public(c->conf.cosigner), KEY_BYTES);
	memcpy(card.trunk, key_public(c->conf.trunk), KEY_BYTES);
	memcpy(card.next, c->conf.next, DIGEST_BYTES);
	memcpy(card.address, c->conf.address, sizeof(card.address));
	card.addresses = c->conf.addresses;
	core_draw(c, card.serial, SERIAL_BYTES);
	core_draw(c, card.share, SHARE_BYTES);
	buf_reset(out);
	card_print(&card, true, out);
	if (out->err)
		return out->err;
	buf_init(&list, 4096);
	err = cards_waiting(c, &list);
	if (!err && list.n >= CARDS_WAITING_MAX * SERIAL_BYTES)
		err = cards_forget(c, &list, 0);
	if (!err) {
		card_key("card", card.serial, key);
		err = DB(c, meta_put, key, out->p, out->n);
	}
	if (!err) {
		buf_put(&list, card.serial, SERIAL_BYTES);
		err = list.err ? list.err
			       : DB(c, meta_put, "cards", list.p, list.n);
	}
	buf_free(&list);
	return err;
}

/* Find and use up the own card: the one with this serial, or the newest */
static int own_card_take(struct core *c, const char *serial, struct card *out,
			 enum pair_result *result)
{
	uint8_t want[SERIAL_BYTES];
	struct buf list, text;
	char key[64];
	size_t at = 0;
	int err;

	if (serial && hex_decode(str_of(serial), want, sizeof(want))) {
		*result = PAIR_NO_OWN_CARD;
		return 0;
	}
	buf_init(&list, 4096);
	buf_init(&text, CARD_BYTES_MAX);
	err = cards_waiting(c, &list);
	if (!err) {
		at = list.n - (list.n ? SERIAL_BYTES : 0);
		while (serial && at < list.n &&
		       memcmp(list.p + at, want, sizeof(want)))
			at = at ? at - SERIAL_BYTES : list.n;
		*result = at < list.n ? PAIR_OK : PAIR_NO_OWN_CARD;
	}
	if (!err && *result == PAIR_OK) {
		card_key("card", list.p + at, key);
		err = DB(c, meta_get, key, &text);
		if (!err)
			err = card_parse(text.p, text.n, out, NULL);
		if (!err)
			err = cards_forget(c, &list, at);
	}
	buf_free(&list);
	buf_free(&text);
	return err;
}

/* ---- pairing ---- */

uint32_t core_pair_find(const struct core *c, const char *name)
{
	uint32_t found = PAIRS_MAX;

	for (uint32_t i = 0; i < PAIRS_MAX; i++) {
		const struct pair *p = c->pair[i];

		if (!p || strcmp(p->peer_card.name, name))
			continue;
		if (p->state != PAIR_REVOKED)
			return i;
		found = i;	/* the newest of the ended ones */
	}
	return found;
}

static uint32_t free_slot(const struct core *c)
{
	uint32_t i = 0;

	while (i < PAIRS_MAX && c->pair[i])
		i++;
	return i;
}

/* The peer's card alone: well-formed, whole, never used, name free */
static int card_acceptable(struct core *c, const struct card *card,
			   enum pair_result *result, const char **why)
{
	const uint32_t known = core_pair_find(c, card->name);
	struct buf used;
	char key[64];
	int err;

	if (!card->has_share) {
		*result = PAIR_BAD_CARD;
		*why = "share: this is only the public part of a card";
		return 0;
	}
	card_key("used", card->serial, key);
	buf_init(&used, 4096);
	err = DB(c, meta_get, key, &used);
	buf_free(&used);
	if (err != ENOENT) {
		*result = PAIR_USED_CARD;
		return err;
	}
	if (known < PAIRS_MAX && c->pair[known]->state != PAIR_REVOKED)
		*result = PAIR_EXISTS;
	else if (free_slot(c) == PAIRS_MAX)
		*result = PAIR_FULL;
	else
		*result = PAIR_OK;
	return 0;
}

static int pair_start(struct core *c, struct pair *p, char words[160])
{
	const uint32_t no = free_slot(c);
	char key[64];
	int err;

	assert(no < PAIRS_MAX);
	card_key("used", p->peer_card.serial, key);
	err = DB(c, meta_put, key, (const uint8_t *)"1", 1);
	if (err)
		return err;
	p->no = no;
	p->state = PAIR_WAITING;
	start_run(c, p);
	err = pair_save(c, p);
	if (err)
		return err;
	c->pair[no] = p;
	words[0] = '\0';
	for (int i = 0; i < WORDS; i++) {
		const size_t n = strlen(words);

		snprintf(words + n, 160 - n, "%s%s", i ? " " : "",
			 card_word(p->names.word[i]));
	}
	return 0;
}

int core_pair_add(struct core *c, const void *card, size_t n,
		  const char *own_serial, enum pair_result *result,
		  char words[160], const char **why)
{
	struct pair *p = calloc(1, sizeof(*p));
	int err;

	*why = "";
	if (!p)
		return ENOMEM;
	if (card_parse(card, n, &p->peer_card, why)) {
		*result = PAIR_BAD_CARD;
		pair_free(p);
		return 0;
	}
	err = card_acceptable(c, &p->peer_card, result, why);
	if (!err && *result == PAIR_OK)
		err = own_card_take(c, own_serial, &p->own_card, result);
	if (!err && *result == PAIR_OK) {
		err = derive(c, p);
		if (err == EEXIST || err == EBADMSG) {
			*result = PAIR_SAME;
			err = 0;
		} else if (!err) {
			err = pair_start(c, p, words);
			if (!err)
				return 0;
		}
	}
	pair_free(p);
	return err;
}

static struct pair *by_name(struct core *c, const char *name,
			    enum pair_result *result)
{
	const uint32_t i = core_pair_find(c, name);

	*result = i < PAIRS_MAX ? PAIR_OK : PAIR_UNKNOWN;
	return i < PAIRS_MAX ? c->pair[i] : NULL;
}

/* Tell the trunk which pairs may connect */
static int announce(struct core *c, struct pair *p)
{
	struct queued *q = core_queue(c, ACTION_PAIR, 0);

	if (!q)
		return ENOMEM;
	q->a.pair = p->no;
	p->dirty = true;
	return 0;
}

int core_pair_confirm(struct core *c, struct now now, const char *name,
		      enum pair_result *result)
{
	struct pair *p = by_name(c, name, result);
	int err;

	if (!p || p->state != PAIR_WAITING) {
		*result = p && p->state != PAIR_REVOKED ? PAIR_EXISTS
							: PAIR_UNKNOWN;
		return 0;
	}
	p->state = PAIR_LIVE;
	err = own_open(c, p, now);
	return err ? err : announce(c, p);
}

int core_pair_revoke(struct core *c, const char *name, enum pair_result *result)
{
	struct pair *p = by_name(c, name, result);
	struct path *path;
	int err = 0;

	if (!p || p->state == PAIR_REVOKED) {
		*result = PAIR_UNKNOWN;
		return 0;
	}
	p->state = PAIR_REVOKED;
	snprintf(p->why, sizeof(p->why), "revoked by the operator");
	for (path = c->paths; path && !err; path = path->next) {
		if (path->pair == p->no)
			err = core_close_path(c, path->conn, "pairing revoked");
	}
	return err ? err : announce(c, p);
}

int core_pair_vouch(struct core *c, const char *name, enum pair_result *result)
{
	struct pair *p = by_name(c, name, result);

	if (p && p->state == PAIR_RESTORING &&
	    p->own.tree.size >= p->restore_to &&
	    p->peer.tree.size >= p->own.seen) {
		p->state = PAIR_LIVE;
		p->restore_to = 0;
		p->why[0] = '\0';
		p->marker_due = true;
		p->dirty = true;
	} else if (p) {
		*result = PAIR_EXISTS;
	}
	return 0;
}
