/* SPDX-License-Identifier: ISC */
/** @file liar.c  One real core, and the other side's keys in a liar's hands */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "liar.h"

struct pair *rig_pair(const struct rig *r)
{
	return r->core->pair[0];
}

uint64_t rig_time_s(const struct rig *r)
{
	return (uint64_t)r->now.wall_ms / 1000;
}

/* ---- the core's life ---- */

static int marker_h(const char *origin, struct core_marker *out, void *arg)
{
	const struct rig *r = arg;

	if (!r->marked || strcmp(origin, r->marker.origin))
		return ENOENT;
	*out = r->marker;
	return 0;
}

static void start(struct rig *r)
{
	struct core_conf conf = {.name = r->name,
				 .log = r->log,
				 .cosigner = r->cosigner,
				 .trunk = r->trunk,
				 .marker_h = marker_h,
				 .marker_arg = r};

	r->starts++;
	digest(&r->starts, sizeof(r->starts), conf.seed);
	if (core_alloc(&r->core, &conf, memdb_db(r->db), r->now))
		abort();
}

void rig_restart(struct rig *r)
{
	r->core = core_free(r->core);
	memdb_crash(r->db, 0);
	r->conn++;	/* nothing on the old path is heard */
	start(r);
}

static void copy_to(struct buf *b, const void *p, size_t n)
{
	buf_reset(b);
	buf_put(b, p, n);
}

static void act(const struct action *a, void *arg)
{
	struct rig *r = arg;
	struct lane_frame f;

	switch (a->kind) {
	case ACTION_FRAME:
		r->frames[a->type]++;
		if (a->type == FRAME_HELLO)
			copy_to(&r->hello, a->body, a->body_n);
		if (a->type == FRAME_ACK)
			copy_to(&r->ack, a->head, a->head_n);
		if (a->type == FRAME_LANE)
			r->lane_conn = a->conn;
		if (a->type != FRAME_LANE ||
		    lane_decode(a->head, a->head_n, &f) || f.msg >= MSGS)
			break;
		r->said[f.msg]++;
		copy_to(&r->body[f.msg], a->body, a->body_n);
		if (f.seq > r->rx[f.lane])
			r->rx[f.lane] = f.seq;
		break;
	case ACTION_JOINED: r->joins++; break;
	case ACTION_BULK:
		r->bulks++;
		r->bulk = *a;
		break;
	case ACTION_CLOSE:
		r->closes++;
		snprintf(r->why, sizeof(r->why), "%s", a->reason);
		break;
	case ACTION_ANSWER:
		r->answers++;
		r->answer = a->answer;
		r->answer_seq = a->seq;
		break;
	case ACTION_PAIR:
	case ACTION_LINE:
	case ACTION_SERVICE: break;
	}
}

void rig_turn(struct rig *r, int err)
{
	struct core_marker m;

	r->now.mono_ms += 10;
	r->now.wall_ms += 10;
	if (!err)
		err = core_turn_end(r->core, r->now);
	if (!err)
		err = memdb_commit(r->db);
	r->err = err;
	if (err) {
		rig_restart(r);
		return;
	}
	if (core_marker_get(r->core, 0, &m) && !r->forgetful) {
		r->marker = m;
		r->marked = true;
	}
	core_actions(r->core, act, r);
}

void rig_wait(struct rig *r, uint64_t ms)
{
	r->now.mono_ms += ms;
	r->now.wall_ms += (int64_t)ms;
	rig_turn(r, core_tick(r->core, r->now));
}

void rig_submit(struct rig *r, const char *id, size_t body_n)
{
	static uint8_t body[BODY_ROW_MAX];
	const struct submit s = {.request = 1,
				 .kind = ENTRY_NOTICE,
				 .id = id,
				 .by = "Duty officer",
				 .precedence = "routine",
				 .subject = "line check",
				 .media = "text/plain",
				 .body = body,
				 .body_n = body_n};

	rig_turn(r, core_submit(r->core, r->now, &s));
}

/* ---- pairing ---- */

static void make_key(struct key **k, const char *what)
{
	uint8_t seed[KEY_BYTES];

	digest(what, strlen(what), seed);
	if (key_from_seed(k, seed))
		abort();
}

static void make_card(struct rig *r)
{
	struct card *c = &r->my_card;

	snprintf(c->name, sizeof(c->name), "%s", r->peer_name);
	memcpy(c->log, key_public(r->my_log_key), KEY_BYTES);
	memcpy(c->cosigner, key_public(r->my_cosigner_key), KEY_BYTES);
	memcpy(c->trunk, key_public(r->my_trunk), KEY_BYTES);
	memset(c->next, 7, sizeof(c->next));
	memset(c->serial, 8, sizeof(c->serial));
	memset(c->share, 9, sizeof(c->share));
	c->has_share = true;
}

static void name_keys(struct rig *r)
{
	char mine[ORIGIN_CHARS_MAX], core[ORIGIN_CHARS_MAX];

	snprintf(mine, sizeof(mine), "%s/ringdown/cosigner", r->peer_name);
	snprintf(core, sizeof(core), "%s/ringdown/cosigner", r->name);
	if (note_key_init(&r->my_log, r->names.own_origin, NOTE_LOG,
			  r->my_log_key) ||
	    note_key_init(&r->my_cosig, mine, NOTE_COSIGNATURE,
			  r->my_cosigner_key) ||
	    note_key_init(&r->core_log, r->names.peer_origin, NOTE_LOG,
			  r->log) ||
	    note_key_init(&r->core_cosig, core, NOTE_COSIGNATURE,
			  r->cosigner) ||
	    note_key_init(&r->joint_log, r->names.joint_origin, NOTE_LOG,
			  r->names.own_pivot ? r->my_log_key : r->log))
		abort();
}

static void make_keys(struct rig *r, bool core_pivot)
{
	struct key *a, *b;
	bool a_first;

	make_key(&a, "log a");
	make_key(&b, "log b");
	a_first = memcmp(key_public(a), key_public(b), KEY_BYTES) < 0;
	r->log = a_first == core_pivot ? a : b;
	r->my_log_key = a_first == core_pivot ? b : a;
	make_key(&r->cosigner, "cosigner");
	make_key(&r->trunk, "trunk");
	make_key(&r->my_cosigner_key, "liar's cosigner");
	make_key(&r->my_trunk, "liar's trunk");
}

void rig_init(struct rig *r, bool core_pivot)
{
	struct buf card, mine;
	struct card core_card;
	enum pair_result result;
	char words[160];
	const char *why;

	memset(r, 0, sizeof(*r));
	r->name = "north.example";
	r->peer_name = "south.example";
	r->now = (struct now){.mono_ms = 1000, .wall_ms = LIAR_EPOCH_MS};
	buf_init(&r->hello, FRAME_BYTES_MAX);
	buf_init(&r->ack, 100);
	for (size_t i = 0; i < MSGS; i++)
		buf_init(&r->body[i], FRAME_BYTES_MAX);
	make_keys(r, core_pivot);
	make_card(r);
	r->db = memdb_new();
	start(r);
	buf_init(&card, CARD_BYTES_MAX);
	buf_init(&mine, CARD_BYTES_MAX);
	card_print(&r->my_card, true, &mine);
	if (core_card_new(r->core, &card) ||
	    core_pair_add(r->core, mine.p, mine.n, NULL, &result, words,
			  &why) ||
	    result != PAIR_OK ||
	    core_pair_confirm(r->core, r->now, r->peer_name, &result) ||
	    result != PAIR_OK || card_parse(card.p, card.n, &core_card, NULL) ||
	    pairing_make(&r->names, &r->my_card, &core_card))
		abort();
	assert(r->names.own_pivot != core_pivot);
	buf_free(&card);
	buf_free(&mine);
	name_keys(r);
	rig_turn(r, 0);
}

void rig_free(struct rig *r)
{
	struct key *const k[] = {
		r->log,        r->cosigner,        r->trunk,
		r->my_log_key, r->my_cosigner_key, r->my_trunk};

	core_free(r->core);
	memdb_free(r->db);
	buf_free(&r->hello);
	buf_free(&r->ack);
	for (size_t i = 0; i < MSGS; i++)
		buf_free(&r->body[i]);
	story_free(&r->mine);
	for (size_t i = 0; i < sizeof(k) / sizeof(k[0]); i++)
		key_free(k[i]);
}

/* ---- frames ---- */

void rig_path(struct rig *r)
{
	r->conn++;
	digest(&r->conn, sizeof(r->conn), r->exporter);
	rig_turn(r, core_path_open(r->core, r->now, r->conn, 0, HELLO_LISTENER,
				   0, r->exporter));
}

void rig_closed(struct rig *r)
{
	rig_turn(r, core_path_closed(r->core, r->now, r->conn));
}

void liar_frame(struct rig *r, enum frame_type type, const void *p, size_t n)
{
	/* exact-size copy: ASan sees one octet too many */
	uint8_t *exact = malloc(n ? n : 1);
	int err;

	assert(exact);
	if (n)
		memcpy(exact, p, n);
	err = core_path_frame(r->core, r->now, r->conn, type, exact, n);
	free(exact);
	rig_turn(r, err);
}

void liar_hello_make(struct rig *r, struct hello *h, struct buf *own,
		     struct buf *held)
{
	struct hello theirs;
	uint8_t root[DIGEST_BYTES];

	*h = (struct hello){.version = PROTOCOL_VERSION,
			    .role = HELLO_DIALLER,
			    .from = str_of(r->peer_name),
			    .to = str_of(r->name),
			    .time_ms = r->now.wall_ms,
			    .seen = {"", 0}};
	digest(&r->conn, sizeof(r->conn), root);
	memcpy(h->sid, root, SID_BYTES);
	if (!hello_decode(r->hello.p, r->hello.n, &theirs))
		memcpy(h->peer_sid, theirs.sid, SID_BYTES);
	buf_init(own, NOTE_BYTES_MAX);
	buf_init(held, NOTE_BYTES_MAX);
	if (r->mine.sent) {
		story_root(&r->mine, r->mine.sent, root);
		liar_note(own, r->names.own_origin, r->mine.sent, root,
			  &r->my_log, &r->my_cosig, rig_time_s(r));
	}
	core_note(r, FEED_OWN, NOTE_SIGNED, UINT64_MAX, held);
	h->own = (struct str){own->n ? (const char *)own->p : "", own->n};
	h->held = (struct str){held->n ? (const char *)held->p : "", held->n};
}

void liar_hello(struct rig *r, const struct hello *h)
{
	struct buf b;

	buf_init(&b, FRAME_BYTES_MAX);
	if (hello_encode(h, r->exporter, r->my_trunk, &b))
		abort();
	if (memcmp(r->sid, h->sid, SID_BYTES)) {
		memcpy(r->sid, h->sid, SID_BYTES);
		memset(r->tx, 0, sizeof(r->tx));
		memset(r->rx, 0, sizeof(r->rx));
	}
	liar_frame(r, FRAME_HELLO, b.p, b.n);
	buf_free(&b);
}

void liar_connect(struct rig *r)
{
	struct buf own, held;
	struct hello h;

	rig_path(r);
	liar_hello_make(r, &h, &own, &held);
	liar_hello(r, &h);
	buf_free(&own);
	buf_free(&held);
}

void liar_lane(struct rig *r, enum lane lane, enum msg_type msg, const void *p,
	       size_t n)
{
	const struct lane_frame f = {.lane = (uint8_t)lane,
				     .seq = ++r->tx[lane],
				     .ack = r->rx[lane],
				     .msg = (uint8_t)msg};
	struct buf b;

	buf_init(&b, FRAME_BYTES_MAX);
	lane_encode_head(&f, &b);
	buf_put(&b, p, n);
	if (b.err)
		abort();
	liar_frame(r, FRAME_LANE, b.p, b.n);
	buf_free(&b);
}

/* ---- stories ---- */

void story_raw(struct story *s, const void *p, size_t n)
{
	uint8_t leaf[DIGEST_BYTES];
	void *copy = malloc(n);

	assert(copy && s->tree.size < LIAR_ENTRIES_MAX);
	memcpy(copy, p, n);
	s->v[s->tree.size] = (struct piece){copy, n};
	tree_leaf(p, n, leaf);
	tree_add(&s->tree, leaf);
}

void story_envelope(const struct rig *r, const struct story *s,
		    struct envelope *env)
{
	struct rig *mut = (struct rig *)(uintptr_t)r;	/* looks only */
	const uint64_t i = s->tree.size;
	uint8_t h[DIGEST_BYTES];

	*env = (struct envelope){.origin = str_of(r->names.own_origin),
				 .seq = i,
				 .time_ms = r->now.wall_ms > s->time_ms
						    ? r->now.wall_ms
						    : s->time_ms,
				 .seen = rig_pair(r)->own.signed_size};
	core_root(mut, FEED_OWN, env->seen, env->seen_root);
	digest_pieces((struct piece[]){{&i, sizeof(i)}, {&r->now.mono_ms, 8}},
		      2, h);
	memcpy(env->nonce, h, NONCE_BYTES);
}

void story_add(struct rig *r, struct story *s, const struct envelope *env,
	       const char *type, const char *fields)
{
	struct envelope right;
	struct buf b;

	if (!env)
		story_envelope(r, s, &right);
	env = env ? env : &right;
	buf_init(&b, ENTRY_BYTES_MAX + 1000);
	entry_begin(&b, env, type);
	buf_str(&b, fields);
	entry_end(&b);
	if (b.err)
		abort();
	story_raw(s, b.p, b.n);
	s->time_ms = env->time_ms;
	s->seen = env->seen;
	buf_free(&b);
}

void story_root(const struct story *s, uint64_t size, uint8_t out[DIGEST_BYTES])
{
	struct tree t = {0};
	uint8_t leaf[DIGEST_BYTES];

	for (uint64_t i = 0; i < size; i++) {
		tree_leaf(s->v[i].p, s->v[i].n, leaf);
		tree_add(&t, leaf);
	}
	tree_root(&t, out);
}

void story_copy(struct story *to, const struct story *from, uint64_t n)
{
	memset(to, 0, sizeof(*to));
	for (uint64_t i = 0; i < n; i++)
		story_raw(to, from->v[i].p, from->v[i].n);
	to->time_ms = from->time_ms;
	to->seen = from->seen;
}

void story_of_core(struct rig *r, struct story *s)
{
	memset(s, 0, sizeof(*s));
	for (uint64_t i = 0; i < memdb_size(r->db, FEED_OWN); i++) {
		size_t n;
		const uint8_t *p = memdb_entry(r->db, FEED_OWN, i, &n);

		story_raw(s, p, n);
	}
}

void story_free(struct story *s)
{
	for (uint64_t i = 0; i < s->tree.size; i++)
		free((void *)(uintptr_t)s->v[i].p);
	memset(s, 0, sizeof(*s));
}

void liar_open(struct rig *r)
{
	struct buf fields;

	if (r->mine.tree.size)
		return;
	buf_init(&fields, ENTRY_BYTES_MAX);
	open_fields(rig_pair(r), false, &fields);
	buf_u8(&fields, 0);
	story_add(r, &r->mine, NULL, "open", (const char *)fields.p);
	buf_free(&fields);
}

/* ---- messages ---- */

void liar_entries(struct rig *r, const struct story *s, enum whose whose,
		  uint64_t first, uint64_t last)
{
	while (first < last) {
		struct buf b;
		uint64_t end = first;
		size_t n = 0;

		while (end < last && n + s->v[end].n + 4 < 50000)
			n += s->v[end++].n + 4;
		buf_init(&b, FRAME_BYTES_MAX);
		entries_begin(&b, whose, first, (uint16_t)(end - first));
		for (; first < end; first++) {
			const struct entries_item it = {.entry = s->v[first].p,
							.entry_n =
								s->v[first].n};

			entries_add(&b, &it);
		}
		liar_lane(r, LANE_RECORD, MSG_ENTRIES, b.p, b.n);
		buf_free(&b);
	}
}

void liar_note(struct buf *b, const char *origin, uint64_t size,
	       const uint8_t root[DIGEST_BYTES], const struct note_key *log,
	       const struct note_key *cosig, uint64_t time_s)
{
	char text[ORIGIN_CHARS_MAX + 96];

	buf_reset(b);
	note_body(b, origin, size, root);
	if (b->err || str_copy((struct str){(const char *)b->p, b->n}, text,
			       sizeof(text)))
		abort();
	buf_str(b, "\n");
	if ((log && note_sign(b, str_of(text), log, 0)) ||
	    (cosig && note_sign(b, str_of(text), cosig, time_s)) || b->err)
		abort();
}

static void send_note(struct rig *r, enum msg_type msg, int whose,
		      const struct buf *note)
{
	struct buf b;

	buf_init(&b, FRAME_BYTES_MAX);
	if (whose >= 0)
		buf_u8(&b, (uint8_t)whose);
	buf_put(&b, note->p, note->n);
	liar_lane(r, LANE_RECORD, msg, b.p, b.n);
	buf_free(&b);
}

void liar_checkpoint(struct rig *r, const struct story *s, uint64_t size)
{
	uint8_t root[DIGEST_BYTES];
	struct buf b;

	buf_init(&b, NOTE_BYTES_MAX);
	story_root(s, size, root);
	liar_note(&b, r->names.own_origin, size, root, &r->my_log, &r->my_cosig,
		  rig_time_s(r));
	send_note(r, MSG_CHECKPOINT, WHOSE_SENDER, &b);
	buf_free(&b);
}

void liar_push(struct rig *r)
{
	struct story *s = &r->mine;
	const uint64_t from = s->sent;

	liar_entries(r, s, WHOSE_SENDER, from, s->tree.size);
	s->sent = s->tree.size;
	liar_checkpoint(r, s, s->sent);
}

void liar_cosign(struct rig *r, enum msg_type msg, uint64_t size,
		 uint64_t time_s)
{
	uint8_t root[DIGEST_BYTES];
	struct buf b;

	buf_init(&b, NOTE_BYTES_MAX);
	core_root(r, FEED_OWN, size, root);
	liar_note(&b, r->names.peer_origin, size, root, NULL, &r->my_cosig,
		  time_s);
	send_note(r, msg, -1, &b);
	buf_free(&b);
}

/* ---- looking into the core's store ---- */

static int copy_note(const struct db_note *n, void *arg)
{
	buf_reset(arg);
	buf_put(arg, n->p, n->n);
	return 0;
}

void core_note(struct rig *r, enum feed_of of, enum note_kind kind,
	       uint64_t max, struct buf *b)
{
	const struct db *db = memdb_db(r->db);

	buf_reset(b);
	(void)db->note_find(db->arg, feed_id(0, of), kind, max, UINT64_MAX,
			    copy_note, b);
}

void core_root(struct rig *r, enum feed_of of, uint64_t size,
	       uint8_t out[DIGEST_BYTES])
{
	struct tree t = {0};
	uint8_t leaf[DIGEST_BYTES];

	for (uint64_t i = 0; i < size && i < memdb_size(r->db, of); i++) {
		size_t n;
		const uint8_t *p = memdb_entry(r->db, of, i, &n);

		tree_leaf(p, n, leaf);
		tree_add(&t, leaf);
	}
	tree_root(&t, out);
}
