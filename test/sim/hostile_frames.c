/* SPDX-License-Identifier: ISC */
/** @file hostile_frames.c  Lies below the record: HELLO, lanes, bodies */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include "hostile.h"

/* ---- HELLO ---- */

static void hello_replayed(struct rig *r)
{
	struct buf own, held, old;
	struct hello h;

	rig_path(r);
	liar_hello_make(r, &h, &own, &held);
	buf_init(&old, FRAME_BYTES_MAX);
	IS(!hello_encode(&h, r->exporter, r->my_trunk, &old));
	rig_path(r);	/* another connection, another exporter */
	liar_frame(r, FRAME_HELLO, old.p, old.n);
	is_closed(r, "bad HELLO");
	is_count(r, COUNT_HELLO_BAD, 1);
	is_verdict(r, VERDICT_TRUSTED, "");
	buf_free(&own);
	buf_free(&held);
	buf_free(&old);
}

static void hello_reflected(struct rig *r)
{
	rig_path(r);
	liar_frame(r, FRAME_HELLO, r->hello.p, r->hello.n);
	is_closed(r, "bad HELLO");
	is_count(r, COUNT_HELLO_BAD, 1);
}

/* The PSK is stolen, the trunk key is not */
static void hello_stolen_psk(struct rig *r)
{
	struct key *const right = r->my_trunk;

	r->my_trunk = r->my_log_key;
	liar_connect(r);
	r->my_trunk = right;
	is_closed(r, "bad HELLO");
	is_count(r, COUNT_HELLO_BAD, 1);
	is_size(r, 1, 0);
}

static void hello_garbled(struct rig *r)
{
	rig_path(r);
	liar_frame(r, FRAME_HELLO, r->hello.p, r->hello.n - 1);
	is_closed(r, "bad HELLO");
	rig_path(r);
	liar_frame(r, FRAME_HELLO, "", 0);
	is_closed(r, "bad HELLO");
	is_count(r, COUNT_HELLO_BAD, 2);
}

static void hello_wrong_fields(struct rig *r)
{
	for (int what = 0; what < 4; what++) {
		struct buf own, held;
		struct hello h;

		rig_path(r);
		liar_hello_make(r, &h, &own, &held);
		if (what == 0)
			h.from = str_of("west.example");
		else if (what == 1)
			h.to = str_of("west.example");
		else if (what == 2)
			h.role = HELLO_LISTENER;
		else
			h.version = 2;
		liar_hello(r, &h);
		is_closed(r, what < 2    ? "names other exchanges"
			     : what == 2 ? "our own role"
					 : "version not spoken");
		buf_free(&own);
		buf_free(&held);
	}
	is_count(r, COUNT_HELLO_REFUSED, 4);
	is_count(r, COUNT_HELLO_BAD, 0);
	IS(r->joins == 0);
}

/* The number of a path is its sender's own */
static void hello_path_number(struct rig *r)
{
	struct buf own, held;
	struct hello h;

	rig_path(r);
	liar_hello_make(r, &h, &own, &held);
	h.path = 7;
	liar_hello(r, &h);
	is_open(r);
	buf_free(&own);
	buf_free(&held);
}

static void hello_twice(struct rig *r)
{
	struct buf own, held;
	struct hello h;

	liar_connect(r);
	liar_hello_make(r, &h, &own, &held);
	liar_hello(r, &h);
	is_closed(r, "bad HELLO");
	is_count(r, COUNT_HELLO_BAD, 1);
	buf_free(&own);
	buf_free(&held);
}

static void bad_note(struct rig *r, bool held_one, const struct note_key *k,
		     const char *origin, const struct note_key *also)
{
	static const uint8_t root[DIGEST_BYTES] = {1};
	struct buf own, held, note;
	struct hello h;

	rig_path(r);
	liar_hello_make(r, &h, &own, &held);
	buf_init(&note, NOTE_BYTES_MAX);
	liar_note(&note, origin, 9, root, k, also, 5);
	if (held_one)
		h.held = (struct str){(const char *)note.p, note.n};
	else
		h.own = (struct str){(const char *)note.p, note.n};
	liar_hello(r, &h);
	is_closed(r, "HELLO shows a bad note");
	is_verdict(r, VERDICT_TRUSTED, "");
	IS(rig_pair(r)->state == PAIR_LIVE);
	is_proof(r, 0, NULL);
	buf_free(&own);
	buf_free(&held);
	buf_free(&note);
}

static void hello_bad_notes(struct rig *r)
{
	struct note_key forged = r->core_log, cosig = r->core_cosig;

	forged.key = r->my_log_key;
	cosig.key = r->my_cosigner_key;
	/* our name and key ID, the liar's signature */
	bad_note(r, true, &forged, r->names.peer_origin, NULL);
	bad_note(r, true, &r->my_log, r->names.peer_origin, NULL);
	bad_note(r, true, &r->my_log, r->names.own_origin, NULL);
	bad_note(r, false, &r->my_log, r->names.joint_origin, NULL);
	bad_note(r, false, &r->my_cosig, r->names.own_origin, NULL);
	/* good but for a line in our cosigner's name */
	bad_note(r, false, &r->my_log, r->names.own_origin, &cosig);
	is_count(r, COUNT_RECORD_BAD, 6);
}

static void frames_before_hello(struct rig *r)
{
	static const enum frame_type type[] = {FRAME_LANE, FRAME_ACK,
					       FRAME_BULK, FRAME_TYPES};

	for (size_t i = 0; i < sizeof(type) / sizeof(type[0]); i++) {
		rig_path(r);
		liar_frame(r, type[i], "\0\0\0\0\0\0\0\0", 8);
		is_closed(r, "frame before HELLO");
	}
	is_count(r, COUNT_FRAME_BAD, 4);
	is_size(r, 1, 0);
}

/* ---- lanes ---- */

static void lane_frame(struct rig *r, uint64_t seq, uint64_t ack, uint8_t msg)
{
	const struct lane_frame f = {
		.lane = LANE_RECORD, .seq = seq, .ack = ack, .msg = msg};
	struct buf b;

	buf_init(&b, 100);
	lane_encode_head(&f, &b);
	liar_frame(r, FRAME_LANE, b.p, b.n);
	buf_free(&b);
}

static void lane_numbers(struct rig *r)
{
	const struct lane_state *l;
	uint64_t tx, left;

	usual(r);
	l = &rig_pair(r)->s.lane[LANE_RECORD];
	tx = l->rx;
	left = l->frames;
	lane_frame(r, 1, 0, MSG_FETCH);		/* a replay */
	lane_frame(r, tx, 0, MSG_FETCH);
	is_count(r, COUNT_LANE_DUPLICATE, 2);
	lane_frame(r, tx + 2, 0, MSG_FETCH);	/* a gap */
	lane_frame(r, INT64_MAX, 0, MSG_FETCH);
	lane_frame(r, UINT64_MAX, UINT64_MAX, MSG_FETCH);
	is_count(r, COUNT_LANE_GAP, 3);
	IS(l->rx == tx);
	IS(l->frames == left && l->acked < UINT64_MAX);
	is_open(r);
	lane_frame(r, tx + 1, l->tx + 1, 99);	/* not understood, taken */
	IS(l->rx == tx + 1 && l->frames == left);
	is_count(r, COUNT_FRAME_BAD, 1);
	lane_frame(r, tx + 2, l->tx, 99);
	IS(l->frames == 0 && l->bytes == 0 && l->acked == l->tx);
	lane_frame(r, tx + 3, 1, 99);	/* what is acknowledged stays so */
	IS(l->acked == l->tx);
	is_size(r, 4, 1);
	is_open(r);
}

static uint8_t gaps_said(const struct rig *r)
{
	uint64_t ack[LANES];
	uint8_t gaps = 0xff;

	IS(!ack_decode(r->ack.p, r->ack.n, ack, &gaps));
	return gaps;
}

/* A gap is said once, and once more when it stays */
static void gap_said(struct rig *r)
{
	uint64_t next;

	usual(r);
	next = rig_pair(r)->s.lane[LANE_RECORD].rx + 1;
	IS(gaps_said(r) == 0);
	lane_frame(r, next + 1, 0, 99);
	IS(gaps_said(r) == 1 << LANE_RECORD);
	lane_frame(r, next + 2, 0, 99);
	IS(gaps_said(r) == 0);
	rig_wait(r, 200);
	lane_frame(r, next + 3, 0, 99);
	IS(gaps_said(r) == 1 << LANE_RECORD);
	lane_frame(r, next, 0, 99);
	lane_frame(r, next + 1, 0, 99);
	IS(gaps_said(r) == 0);
	is_count(r, COUNT_LANE_GAP, 3);
}

/* Two paths, one session: what went with one goes on the other, at once */
static void path_lost(struct rig *r)
{
	struct buf own, held;
	struct hello h;
	uint32_t first;
	unsigned entries;

	usual(r);
	first = r->conn;
	rig_path(r);
	liar_hello_make(r, &h, &own, &held);
	memcpy(h.sid, r->sid, SID_BYTES);
	memcpy(h.rx, r->rx, sizeof(h.rx));
	liar_hello(r, &h);
	IS(rig_pair(r)->s.paths == 2 && r->closes == 0);
	rig_submit(r, "second", 10);
	IS(r->lane_conn == r->conn);
	entries = r->said[MSG_ENTRIES];
	rig_closed(r);
	IS(rig_pair(r)->s.paths == 1 && r->lane_conn == first);
	IS(r->said[MSG_ENTRIES] == entries + 1);
	r->conn = first;
	rig_closed(r);
	IS(rig_pair(r)->s.paths == 0);
	buf_free(&own);
	buf_free(&held);
}

static void lane_garbled(struct rig *r)
{
	usual(r);
	liar_frame(r, FRAME_LANE, "\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\14", 18);
	is_closed(r, "bad LANE");
	liar_connect(r);
	liar_frame(r, FRAME_LANE, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\14", 18);
	is_closed(r, "bad LANE");
	liar_connect(r);
	liar_frame(r, FRAME_LANE, "\1\0\0\0", 4);
	is_closed(r, "bad LANE");
	is_count(r, COUNT_FRAME_BAD, 3);
	liar_connect(r);
	liar_frame(r, FRAME_TYPES, "", 0);
	is_closed(r, "type not known");
	liar_connect(r);
	liar_frame(r, FRAME_BYE, "x", 1);
	is_open(r);
}

static void acks(struct rig *r)
{
	const struct lane_state *l;
	uint64_t ack[LANES] = {UINT64_MAX, UINT64_MAX};
	struct buf b;
	unsigned sent;

	usual(r);
	l = &rig_pair(r)->s.lane[LANE_RECORD];
	buf_init(&b, 100);
	ack_encode(ack, 0, &b);
	liar_frame(r, FRAME_ACK, b.p, b.n);
	IS(l->frames != 0);
	ack[0] = ack[1] = 0;
	buf_reset(&b);
	ack_encode(ack, 3, &b);
	sent = r->frames[FRAME_LANE];
	liar_frame(r, FRAME_ACK, b.p, b.n);
	IS(r->frames[FRAME_LANE] - sent == l->frames);
	is_open(r);
	liar_frame(r, FRAME_ACK, b.p, b.n - 1);
	is_closed(r, "bad ACK");
	buf_free(&b);
}

/* What an old connection still brings is not of the new session */
static void old_path_deaf(struct rig *r)
{
	const struct lane_state *l;
	uint32_t old, new;

	usual(r);
	old = r->conn;
	liar_connect(r);
	new = r->conn;
	l = &rig_pair(r)->s.lane[LANE_RECORD];
	IS(!strcmp(r->why, "a new session has begun"));
	r->conn = old;
	lane_frame(r, 1, 0, 99);
	IS(l->rx == 0);
	r->conn = new;
	is_open(r);
	lane_frame(r, 1, 0, 99);
	IS(l->rx == 1);
}

/* ---- bodies ---- */

#define BIG 9000	/* stored octets: too many to travel with the entry */

static void notice(struct rig *r, const uint8_t *body, uint64_t n)
{
	uint8_t h[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1], fields[600];

	digest(body, (size_t)n, h);
	hex_encode(h, DIGEST_BYTES, hex);
	snprintf(fields, sizeof(fields),
		 "id n%llu\nby Liar\nprecedence routine\nsubject s\n"
		 "blob sha256:%s %llu text/plain\n",
		 (unsigned long long)r->mine.tree.size, hex,
		 (unsigned long long)n);
	story_add(r, &r->mine, NULL, "notice", fields);
	liar_push(r);
}

static void bulk(struct rig *r, uint64_t seq, uint64_t offset, const uint8_t *p,
		 size_t n)
{
	struct buf b;

	buf_init(&b, FRAME_BYTES_MAX);
	bulk_encode_head(seq, offset, &b);
	buf_put(&b, p, n);
	liar_frame(r, FRAME_BULK, b.p, b.n);
	buf_free(&b);
}

static void bulk_stray(struct rig *r)
{
	static uint8_t body[BIG];
	struct intake *in;
	struct want w;

	usual(r);
	bulk(r, 1, 0, body, 100);	/* nothing was asked */
	is_count(r, COUNT_BULK_STRAY, 1);
	body[5] = 5;
	notice(r, body, BIG);
	in = &rig_pair(r)->s.in[0];
	IS(r->said[MSG_WANT] == 1 && in->active);
	IS(!want_decode(r->body[MSG_WANT].p, r->body[MSG_WANT].n, &w));
	IS(w.seq == 1 && w.offset == 0 && w.bytes == BIG);
	bulk(r, 2, 0, body, 100);			/* another's */
	bulk(r, 1 | BODY_OF_ASKER, 0, body, 100);
	bulk(r, 1, 1, body + 1, 100);			/* leaves a gap */
	bulk(r, 1, UINT64_MAX - 50, body, 100);
	is_count(r, COUNT_BULK_STRAY, 4);
	is_count(r, COUNT_FRAME_BAD, 1);	/* beyond any body */
	bulk(r, 1, 0, body, 5000);
	bulk(r, 1, 0, body, 5000);			/* overlaps */
	bulk(r, 1, 4000, body, 4000);
	bulk(r, 1, 5000, body, BIG - 5000 + 1);		/* too much */
	is_count(r, COUNT_BULK_STRAY, 7);
	IS(in->have == 5000);
	bulk(r, 1, 5000, body + 5000, BIG - 5000);
	IS(!in->active && rig_pair(r)->wants == 0);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_size(r, 6, 2);	/* an ack, the receipt */
	bulk(r, 1, BIG, body, 1);
	is_count(r, COUNT_BULK_STRAY, 8);
	liar_frame(r, FRAME_BULK, "", 0);
	is_count(r, COUNT_FRAME_BAD, 2);
	is_open(r);
	is_dossier(r, "verdict: trusted");
}

static void bulk_wrong_hash(struct rig *r)
{
	static uint8_t body[BIG], wrong[BIG];

	usual(r);
	body[0] = 1;
	notice(r, body, BIG);
	is_size(r, 5, 2);	/* an ack */
	for (unsigned i = 1; i <= 3; i++) {
		IS(r->said[MSG_WANT] == i);
		bulk(r, 1, 0, wrong, BIG);
		is_count(r, COUNT_BLOB_BAD, i);
	}
	IS(r->said[MSG_WANT] == 3 && !rig_pair(r)->s.in[0].active);
	bulk(r, 1, 0, body, BIG);	/* too late in this session */
	is_count(r, COUNT_BULK_STRAY, 1);
	is_size(r, 5, 2);
	is_open(r);
	liar_connect(r);
	IS(r->said[MSG_WANT] == 4);
	bulk(r, 1, 0, body, BIG);
	IS(rig_pair(r)->wants == 0);
	is_size(r, 6, 2);
	is_dossier(r, "verdict: trusted");
}

static void hello_again(struct rig *r, const struct buf *note)
{
	struct buf own, right;
	struct hello h;

	rig_path(r);
	liar_hello_make(r, &h, &own, &right);
	h.held = (struct str){(const char *)note->p, note->n};
	liar_hello(r, &h);
	buf_free(&own);
	buf_free(&right);
}

/* A body that comes again after a restore: its receipt came back before it */
static void held_once(struct rig *r)
{
	static const uint8_t body[BIG] = {9};
	struct image *image;
	struct story lost;
	struct buf note, b;

	usual(r);
	image = memdb_backup(r->db);
	notice(r, body, BIG);
	bulk(r, 1, 0, body, BIG);
	is_size(r, 6, 2);	/* ack, receipt */
	story_of_core(r, &lost);
	buf_init(&note, NOTE_BYTES_MAX);
	core_note(r, FEED_OWN, NOTE_SIGNED, UINT64_MAX, &note);
	r->core = core_free(r->core);
	memdb_restore(r->db, image);
	rig_restart(r);
	hello_again(r, &note);
	liar_entries(r, &lost, WHOSE_RECEIVER, 4, 6);
	buf_init(&b, NOTE_BYTES_MAX);
	buf_u8(&b, WHOSE_RECEIVER);
	buf_put(&b, note.p, note.n);
	liar_lane(r, LANE_RECORD, MSG_CHECKPOINT, b.p, b.n);
	liar_entries(r, &r->mine, WHOSE_SENDER, 1, 2);
	liar_checkpoint(r, &r->mine, 2);
	story_add(r, &r->mine, NULL, "ack", "");
	liar_push(r);
	liar_cosign(r, MSG_ATTEST, 6, rig_time_s(r));
	is_size(r, 7, 3);	/* restore */
	IS(r->said[MSG_WANT] == 2);
	bulk(r, 1, 0, body, BIG);
	IS(rig_pair(r)->wants == 0);
	is_size(r, 7, 3);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_dossier(r, "verdict: trusted");
	buf_free(&b);
	buf_free(&note);
	story_free(&lost);
	image_free(image);
}

static void inline_wrong_hash(struct rig *r)
{
	static const uint8_t body[40], wrong[40] = {1};
	struct story *s = &r->mine;
	struct entries_item it = {.body = wrong, .body_n = sizeof(wrong)};
	struct buf b;
	uint8_t h[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1], fields[400];

	usual(r);
	digest(body, sizeof(body), h);
	hex_encode(h, DIGEST_BYTES, hex);
	snprintf(fields, sizeof(fields),
		 "id n\nby Liar\nprecedence routine\nsubject s\n"
		 "blob sha256:%s 40 text/plain\n",
		 hex);
	story_add(r, s, NULL, "notice", fields);
	it.entry = s->v[1].p;
	it.entry_n = s->v[1].n;
	buf_init(&b, FRAME_BYTES_MAX);
	entries_begin(&b, WHOSE_SENDER, 1, 1);
	entries_add(&b, &it);
	liar_lane(r, LANE_RECORD, MSG_ENTRIES, b.p, b.n);
	liar_checkpoint(r, s, 2);
	is_count(r, COUNT_BLOB_BAD, 1);
	IS(r->said[MSG_WANT] == 1 && rig_pair(r)->wants == 1);
	bulk(r, 1, 0, body, sizeof(body));
	IS(rig_pair(r)->wants == 0);
	is_open(r);
	buf_free(&b);
}

static void gone(struct rig *r)
{
	static const uint8_t body[BIG] = {3};
	static const uint8_t seq[] = {0, 0, 0, 0, 0, 0, 0, 1},
			     other[] = {0xff, 0, 0, 0, 0, 0, 0, 9};

	usual(r);
	liar_lane(r, LANE_CONTROL, MSG_GONE, seq, 8);	/* nothing asked */
	notice(r, body, BIG);
	liar_lane(r, LANE_CONTROL, MSG_GONE, other, 8);
	IS(rig_pair(r)->s.in[0].active);
	liar_lane(r, LANE_CONTROL, MSG_GONE, seq, 8);
	IS(!rig_pair(r)->s.in[0].active && rig_pair(r)->wants == 1);
	rig_wait(r, 20000);
	IS(r->said[MSG_WANT] == 1);
	is_open(r);
	liar_lane(r, LANE_CONTROL, MSG_GONE, seq, 7);
	is_closed(r, "bad GONE");
	is_verdict(r, VERDICT_TRUSTED, "");
}

/* A body that nobody could ever hold is never asked for */
static void body_of_nonsense_size(struct rig *r)
{
	usual(r);
	story_add(r, &r->mine, NULL, "notice",
		  "id n\nby Liar\nprecedence routine\nsubject s\nblob sha256:"
		  "00000000000000000000000000000000"
		  "00000000000000000000000000000000"
		  " 9223372036854775807 text/plain\n");
	liar_push(r);
	IS(r->said[MSG_WANT] == 0 && rig_pair(r)->wants == 1);
	is_size(r, 5, 2);
	is_open(r);
	is_verdict(r, VERDICT_TRUSTED, "");
}

static void want(struct rig *r, uint64_t seq, uint64_t offset, uint32_t bytes)
{
	const struct want w = {seq, offset, bytes};
	struct buf b;

	buf_init(&b, 100);
	want_encode(&w, &b);
	liar_lane(r, LANE_CONTROL, MSG_WANT, b.p, b.n);
	buf_free(&b);
}

static void want_nonsense(struct rig *r)
{
	usual(r);
	want(r, 0, 0, 100);			/* no body */
	want(r, 99, 0, 100);
	want(r, INT64_MAX, 0, 100);
	want(r, UINT64_MAX, 0, 100);
	want(r, BODY_OF_ASKER, 0, 100);
	want(r, 3, 132, 1);			/* at its end */
	want(r, 3, BLOB_BYTES_MAX, 1);
	IS(r->said[MSG_GONE] == 7 && r->bulks == 0);
	want(r, 3, BLOB_BYTES_MAX + 1, 1);
	want(r, 3, 0, 0);
	want(r, 3, 0, BULK_WINDOW_BYTES + 1);
	liar_lane(r, LANE_CONTROL, MSG_WANT, "x", 1);
	is_count(r, COUNT_FRAME_BAD, 4);
	IS(r->said[MSG_GONE] == 7 && r->bulks == 0);
	want(r, 3, 130, BULK_WINDOW_BYTES);
	IS(r->bulks == 1 && r->bulk.seq == 3 && r->bulk.offset == 130 &&
	   r->bulk.bytes == 2);
	is_open(r);
}

static void fetch_nonsense(struct rig *r)
{
	static const uint8_t beyond[] = {0, 0, 0, 0, 0, 0, 0, 2},
			     huge[] = {255, 255, 255, 255, 255, 255, 255, 255},
			     all[8];

	usual(r);
	liar_lane(r, LANE_RECORD, MSG_FETCH, beyond, 8);
	is_closed(r, "bad FETCH");
	liar_connect(r);
	liar_lane(r, LANE_RECORD, MSG_FETCH, huge, 8);
	is_closed(r, "bad FETCH");
	liar_connect(r);
	liar_lane(r, LANE_RECORD, MSG_FETCH, all, 7);
	is_closed(r, "bad FETCH");
	liar_connect(r);
	liar_lane(r, LANE_RECORD, MSG_FETCH, all, 8);
	is_open(r);
	IS(r->said[MSG_ATTEST] == 1);
	is_verdict(r, VERDICT_TRUSTED, "");
}

/* ---- much of it ---- */

/* Paths that say nothing do not pile up */
static void many_paths(struct rig *r)
{
	for (unsigned i = 0; i < 40; i++)
		rig_path(r);
	is_closed(r, "too many paths");
	IS(r->closes == 40 - 4 * PATHS_MAX);
}

static void errors(struct rig *r, unsigned n)
{
	static const uint8_t root[DIGEST_BYTES];
	struct buf note;

	buf_init(&note, NOTE_BYTES_MAX);
	liar_note(&note, r->names.peer_origin, 2, root, NULL, &r->my_cosig, 9);
	for (unsigned i = 0; i < n; i++) {
		liar_connect(r);
		if (i % 2)
			liar_lane(r, LANE_RECORD, MSG_COSIGNATURE, note.p,
				  note.n);
		else
			liar_lane(r, LANE_RECORD, MSG_CHECKPOINT, "x", 1);
		IS(rig_pair(r)->s.paths == 0);
		rig_closed(r);
	}
	buf_free(&note);
}

static void errors_cost_nothing(struct rig *r)
{
	size_t before, after;
	uint64_t size;

	usual(r);
	errors(r, 100);
	size = memdb_size(r->db, 0);
	before = mallinfo2().uordblks;
	errors(r, 10000);
	after = mallinfo2().uordblks;
	IS(after < before + 4096);
	IS(memdb_size(r->db, 0) == size && memdb_size(r->db, 1) == 1);
	is_verdict(r, VERDICT_SUSPECTED, "cosigned another tree");
	is_proof(r, 0, "cosignature");
	is_proof(r, 1, NULL);
	liar_connect(r);
	is_open(r);
}

const struct hostile hostile_frames[] = {
	{"hello_replayed", hello_replayed, false},
	{"hello_reflected", hello_reflected, false},
	{"hello_stolen_psk", hello_stolen_psk, false},
	{"hello_garbled", hello_garbled, false},
	{"hello_wrong_fields", hello_wrong_fields, false},
	{"hello_path_number", hello_path_number, false},
	{"hello_twice", hello_twice, false},
	{"hello_bad_notes", hello_bad_notes, false},
	{"frames_before_hello", frames_before_hello, false},
	{"lane_numbers", lane_numbers, false},
	{"gap_said", gap_said, false},
	{"path_lost", path_lost, false},
	{"lane_garbled", lane_garbled, false},
	{"acks", acks, false},
	{"old_path_deaf", old_path_deaf, false},
	{"bulk_stray", bulk_stray, false},
	{"bulk_wrong_hash", bulk_wrong_hash, false},
	{"held_once", held_once, false},
	{"inline_wrong_hash", inline_wrong_hash, false},
	{"gone", gone, false},
	{"body_of_nonsense_size", body_of_nonsense_size, false},
	{"want_nonsense", want_nonsense, false},
	{"fetch_nonsense", fetch_nonsense, false},
	{"many_paths", many_paths, false},
	{"errors_cost_nothing", errors_cost_nothing, false},
	{0},
};
