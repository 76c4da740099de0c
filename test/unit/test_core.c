/* SPDX-License-Identifier: ISC */
/**
 * @file test_core.c  Two cores and a record, whenever memory runs out
 *
 * By -o every single allocation fails once.  The turn in which it does is void:
 * the core is made anew from its store, and in the end all is as it would have
 * been.  The store and the wires of this test never run short.
 */
#include <stdio.h>
#include <stdlib.h>
#include "core/state.h"
#include "rdtest.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);

#define malloc __real_malloc
#define calloc __real_calloc
#define realloc __real_realloc
#include "sim/memdb.c"

struct wire {
	struct wire *next;
	enum frame_type type;
	size_t n;
	uint8_t p[];
};

struct end {
	const char *name;
	struct key *key[3];
	struct core *core;
	struct memdb *db;
	struct core_marker marker;
	bool marked;
	struct wire *in;	/* what it has not read yet */
	struct end *other;
};

static struct {
	struct end end[2];
	struct now now;
	uint32_t conn;
	bool up;
	unsigned voids;
	unsigned starts;
} two;

static int marker_of(const char *origin, struct core_marker *out, void *arg)
{
	const struct end *e = arg;

	if (!e->marked || strcmp(origin, e->marker.origin))
		return ENOENT;
	*out = e->marker;
	return 0;
}

static void cut(void)
{
	two.up = false;
	for (int i = 0; i < 2; i++) {
		while (two.end[i].in) {
			struct wire *w = two.end[i].in;

			two.end[i].in = w->next;
			free(w);
		}
	}
}

static void start(struct end *e)
{
	struct core_conf conf = {.name = e->name,
				 .log = e->key[0],
				 .cosigner = e->key[1],
				 .trunk = e->key[2],
				 .marker_h = marker_of,
				 .marker_arg = e};

	two.starts++;
	memcpy(conf.seed, &two.starts, sizeof(two.starts));
	e->core = core_free(e->core);
	memdb_crash(e->db, 0);
	while (!e->core) {
		const int err =
			core_alloc(&e->core, &conf, memdb_db(e->db), two.now);

		CHECK(!err || (err == ENOMEM && rdtest_starved()));
	}
}

static void send(struct end *to, enum frame_type type, const void *a, size_t an,
		 const void *b, size_t bn)
{
	struct wire *w = malloc(sizeof(*w) + an + bn), **at = &to->in;

	CHECK(w != NULL);
	w->next = NULL;
	w->type = type;
	w->n = an + bn;
	if (an)
		memcpy(w->p, a, an);
	if (bn)
		memcpy(w->p + an, b, bn);
	while (*at)
		at = &(*at)->next;
	*at = w;
}

static void give_body(struct end *e, const struct action *a)
{
	size_t n;
	const uint8_t *body = memdb_body(e->db, a->seq & BODY_OF_ASKER ? 1 : 0,
					 a->seq & ~BODY_OF_ASKER, &n);
	struct buf head;

	CHECK(body && a->offset + a->bytes <= n && a->bytes <= BULK_BYTES);
	buf_init(&head, 64);
	bulk_encode_head(a->seq, a->offset, &head);
	if (!head.err)
		send(e->other, FRAME_BULK, head.p, head.n, body + a->offset,
		     a->bytes);
	buf_free(&head);
}

static void act(const struct action *a, void *arg)
{
	struct end *e = arg;

	if (a->kind == ACTION_CLOSE && a->conn == two.conn)
		cut();
	if (!two.up || a->conn != two.conn)
		return;
	if (a->kind == ACTION_FRAME)
		send(e->other, a->type, a->head, a->head_n, a->body, a->body_n);
	if (a->kind == ACTION_BULK)
		give_body(e, a);
}

/* False: it was void */
static bool turn(struct end *e, int err)
{
	struct core_marker m;

	two.now.mono_ms++;
	two.now.wall_ms++;
	if (!err)
		err = core_turn_end(e->core, two.now);
	if (!err)
		err = memdb_commit(e->db);
	if (!err) {
		if (core_marker_get(e->core, 0, &m)) {
			e->marker = m;
			e->marked = true;
		}
		core_actions(e->core, act, e);
		return true;
	}
	CHECK(err == ENOMEM && rdtest_starved());
	two.voids++;
	CHECK(two.voids == 1);
	start(e);
	cut();
	return false;
}

static void dial(void)
{
	uint8_t exporter[EXPORTER_BYTES];

	/* the end that still knows the old path hears that it is gone */
	for (int i = 0; i < 2; i++)
		turn(&two.end[i],
		     core_path_closed(two.end[i].core, two.now, two.conn));
	two.up = true;
	two.conn++;
	digest(&two.conn, sizeof(two.conn), exporter);
	for (int i = 0; i < 2; i++) {
		if (two.up)
			turn(&two.end[i],
			     core_path_open(two.end[i].core, two.now, two.conn,
					    0,
					    i ? HELLO_LISTENER : HELLO_DIALLER,
					    0, exporter));
	}
}

static bool read_one(struct end *e)
{
	struct wire *w = e->in;
	int err;

	if (!w)
		return false;
	e->in = w->next;
	err = core_path_frame(e->core, two.now, two.conn, w->type, w->p, w->n);
	free(w);
	turn(e, err);
	return true;
}

static bool all_there(void)
{
	struct pair_view a, b;

	return core_pair_get(two.end[0].core, 0, &a) &&
	       core_pair_get(two.end[1].core, 0, &b) &&
	       a.own_size == b.peer_size && b.own_size == a.peer_size &&
	       a.own_acked == a.own_size && b.own_acked == b.own_size &&
	       a.joint_signed == a.joint_size &&
	       b.joint_signed == b.joint_size && !a.wants && !b.wants &&
	       a.state == PAIR_LIVE && b.state == PAIR_LIVE;
}

static void settle(void)
{
	for (int i = 0; i < 10000 && !all_there(); i++) {
		if (!two.up) {
			dial();
			continue;
		}
		if (read_one(&two.end[0]) || read_one(&two.end[1]))
			continue;
		two.now.mono_ms += 250;
		two.now.wall_ms += 250;
		for (int k = 0; k < 2; k++)
			turn(&two.end[k], core_tick(two.end[k].core, two.now));
	}
	CHECK(all_there());
	for (int k = 0; k < 2; k++) {
		struct pair_view v;

		CHECK(core_pair_get(two.end[k].core, 0, &v));
		CHECK(v.verdict == VERDICT_TRUSTED);
		CHECK_EQ(core_counter(two.end[k].core, COUNT_RECORD_BAD), 0);
		CHECK_EQ(core_counter(two.end[k].core, COUNT_HELLO_BAD), 0);
	}
}

static int make(void)
{
	int err = 0;

	memset(&two, 0, sizeof(two));
	two.now = (struct now){.mono_ms = 1, .wall_ms = 1795424400000LL};
	for (int i = 0; i < 2; i++) {
		struct end *e = &two.end[i];

		e->name = i ? "south.example" : "north.example";
		e->other = &two.end[!i];
		e->db = memdb_new();
		for (uint8_t k = 0; k < 3 && !err; k++) {
			const uint8_t seed[KEY_BYTES] = {(uint8_t)(i + 1), k};

			err = key_from_seed(&e->key[k], seed);
		}
	}
	for (int i = 0; i < 2 && !err; i++)
		start(&two.end[i]);
	return err;
}

static void unmake(void)
{
	cut();
	for (int i = 0; i < 2; i++) {
		struct end *e = &two.end[i];

		core_free(e->core);
		memdb_free(e->db);
		for (int k = 0; k < 3; k++)
			key_free(e->key[k]);
	}
}

static int pair_up(void)
{
	struct buf card[2];
	char words[2][160];
	enum pair_result r;
	const char *why;

	for (int i = 0; i < 2; i++) {
		buf_init(&card[i], CARD_BYTES_MAX);
		while (!turn(&two.end[i],
			     core_card_new(two.end[i].core, &card[i])))
			;
	}
	for (int i = 0; i < 2; i++) {
		struct end *e = &two.end[i];

		while (!turn(e, core_pair_add(e->core, card[!i].p, card[!i].n,
					      NULL, &r, words[i], &why)))
			;
		CHECK(r == PAIR_OK);
		while (!turn(e, core_pair_confirm(e->core, two.now,
						  e->other->name, &r)))
			;
		CHECK(r == PAIR_OK);
	}
	CHECK_STR(words[0], words[1]);
	buf_free(&card[0]);
	buf_free(&card[1]);
	return 0;
}

static void write_one(struct end *e, const char *id, size_t n)
{
	static const uint8_t body[BODY_ROW_MAX];
	const struct submit s = {.request = 1,
				 .kind = ENTRY_NOTICE,
				 .id = id,
				 .by = "A",
				 .precedence = "flash",
				 .subject = "s",
				 .media = "text/plain",
				 .body = body,
				 .body_n = n};

	while (!turn(e, core_submit(e->core, two.now, &s)))
		;
}

static void item_stands_once(uint64_t seq, const char *line)
{
	struct end *e = &two.end[0];
	unsigned found = 0;

	for (uint64_t i = 0; i < memdb_size(e->db, 0); i++) {
		size_t n;
		const uint8_t *p = memdb_entry(e->db, 0, i, &n);

		found += memmem(p, n, line, strlen(line)) != NULL;
	}
	CHECK_EQ(found, 1);
	CHECK(seq < memdb_size(e->db, 0));
}

TEST_OOM(core_exchange)
{
	size_t n;

	TRY(make());
	TRY(pair_up());
	write_one(&two.end[0], "one", 9000);
	settle();
	item_stands_once(1, "\nid one\n");
	CHECK(memdb_body(two.end[1].db, 1, 1, &n) && n == 9032);
out:
	unmake();
}

TEST_OOM(core_restored)
{
	struct image *image = NULL;

	TRY(make());
	TRY(pair_up());
	image = memdb_backup(two.end[0].db);
	write_one(&two.end[0], "one", 50);
	settle();
	memdb_restore(two.end[0].db, image);
	start(&two.end[0]);
	cut();
	settle();
	item_stands_once(1, "\nid one\n");
	CHECK(!memcmp(feed_root_now(&two.end[0].core->pair[0]->own),
		      feed_root_now(&two.end[1].core->pair[0]->peer),
		      DIGEST_BYTES));
out:
	image_free(image);
	unmake();
}
