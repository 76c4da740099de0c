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
	lane_frame(r, next++, 0, 99);
	rig_wait(r, ACK_FRAME_MS);
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
	rig_wait(r, ACK_FRAME_MS);
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
	{"many_paths", many_paths, false},
	{"errors_cost_nothing", errors_cost_nothing, false},
	{0},
};
