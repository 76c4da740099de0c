/* SPDX-License-Identifier: ISC */
/** @file hostile_bodies.c  Bodies: wrong ones, late ones, many of them */
#include <stdio.h>
#include <string.h>
#include "hostile.h"

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

/* ---- many of them ---- */

#define MANY 40

/* Notices with these bodies, in one batch: entries 1 to n.  Their first octets
   tell them apart */
static void notices(struct rig *r, uint8_t *body, uint64_t size, unsigned n)
{
	uint8_t h[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1], fields[600];

	for (unsigned i = 1; i <= n; i++) {
		body[0] = (uint8_t)i;
		digest(body, (size_t)size, h);
		hex_encode(h, DIGEST_BYTES, hex);
		snprintf(fields, sizeof(fields),
			 "id n%u\nby Liar\nprecedence routine\nsubject s\n"
			 "blob sha256:%s %llu text/plain\n",
			 i, hex, (unsigned long long)size);
		story_add(r, &r->mine, NULL, "notice", fields);
	}
	liar_push(r);
}

static void give(struct rig *r, uint64_t seq, uint8_t *body, uint64_t size)
{
	body[0] = (uint8_t)seq;
	for (uint64_t at = 0; at < size; at += BULK_BYTES)
		bulk(r, seq, at, body + at,
		     size - at < BULK_BYTES ? (size_t)(size - at) : BULK_BYTES);
}

static bool says_held(struct rig *r, uint64_t at, uint64_t seq)
{
	uint64_t first, last;
	struct entry e;
	size_t n;
	const uint8_t *p = memdb_entry(r->db, 0, at, &n);

	return !entry_parse(p, n, &e) && e.kind == ENTRY_RECEIPT &&
	       str_is(entry_get(&e, "state"), "held") &&
	       !entry_range(&e, &first, &last) && first <= seq && seq <= last;
}

/* Bodies that came are said to be held, exactly once */
static void is_held(struct rig *r, uint64_t first, uint64_t last)
{
	for (uint64_t seq = first; seq <= last; seq++) {
		unsigned said = 0;

		for (uint64_t i = 0; i < memdb_size(r->db, 0); i++)
			said += says_held(r, i, seq);
		IS(said == 1);
	}
}

/* All its frames are acknowledged: none comes again */
static void took(struct rig *r)
{
	struct buf b;

	buf_init(&b, 100);
	ack_encode(r->rx, 0, &b);
	liar_frame(r, FRAME_ACK, b.p, b.n);
	buf_free(&b);
}

/* Sixteen are asked for at once, the next when one of them is there, in
   whatever order they come */
static void many_at_once(struct rig *r)
{
	static uint8_t body[BIG];

	usual(r);
	notices(r, body, BIG, MANY);
	IS(r->said[MSG_WANT] == INTAKES && rig_pair(r)->wants == MANY);
	give(r, 17, body, BIG);		/* not asked for yet */
	is_count(r, COUNT_BULK_STRAY, 1);
	give(r, INTAKES, body, BIG);
	IS(r->said[MSG_WANT] == INTAKES + 1);
	for (unsigned i = 1; i <= MANY; i++) {
		if (i != INTAKES)
			give(r, i, body, BIG);
	}
	IS(r->said[MSG_WANT] == MANY && rig_pair(r)->wants == 0);
	is_count(r, COUNT_BULK_STRAY, 1);
	is_count(r, COUNT_BLOB_BAD, 0);
	is_held(r, 1, MANY);
	give(r, MANY, body, BIG);
	is_count(r, COUNT_BULK_STRAY, 2);
	is_open(r);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_dossier(r, "verdict: trusted");
}

/* What is behind a body that comes is not late; what is before it is */
static void one_lost(struct rig *r)
{
	static uint8_t body[BIG];
	struct want w;

	usual(r);
	notices(r, body, BIG, 5);
	IS(r->said[MSG_WANT] == 5);
	for (unsigned i = 0; i < 3; i++) {
		took(r);
		rig_wait(r, 6000);
		took(r);
		body[0] = 2;
		bulk(r, 2, 3000 * i, body + 3000 * i, 3000);
		/* the first is late from 10 s on */
		IS(r->said[MSG_WANT] == 5 + (i > 0));
	}
	took(r);
	IS(rig_pair(r)->wants == 4);
	IS(!want_decode(r->body[MSG_WANT].p, r->body[MSG_WANT].n, &w));
	IS(w.seq == 1 && w.offset == 0 && w.bytes == BIG);
	rig_wait(r, 5000);
	took(r);
	IS(r->said[MSG_WANT] == 6);	/* it is behind the second now */
	rig_wait(r, 5000);
	took(r);
	IS(r->said[MSG_WANT] == 10);	/* all that is left */
	for (unsigned i = 1; i <= 5; i++)
		give(r, i, body, BIG);
	IS(rig_pair(r)->wants == 0);
	is_held(r, 1, 5);
	is_open(r);
}

/* Large ones come one after the other, small ones beside them */
static void large_one_by_one(struct rig *r)
{
	static uint8_t body[BULK_WINDOW_BYTES + 100000];
	const uint64_t large = sizeof(body);
	struct want w;

	usual(r);
	notices(r, body, large, 2);
	IS(r->said[MSG_WANT] == 1);
	IS(!want_decode(r->body[MSG_WANT].p, r->body[MSG_WANT].n, &w));
	IS(w.seq == 1 && w.bytes == BULK_WINDOW_BYTES);
	give(r, 1, body, large);	/* more than was asked for: as it is */
	IS(r->said[MSG_WANT] == 3 && rig_pair(r)->wants == 1);
	IS(!want_decode(r->body[MSG_WANT].p, r->body[MSG_WANT].n, &w));
	IS(w.seq == 2 && w.offset == 0);
	notice(r, body, BIG);
	notice(r, body, BIG + 1);
	IS(r->said[MSG_WANT] == 5 && rig_pair(r)->wants == 3);
	bulk(r, 3, 0, body, BIG);
	bulk(r, 4, 0, body, BIG + 1);
	IS(rig_pair(r)->wants == 1);
	give(r, 2, body, large);
	IS(rig_pair(r)->wants == 0);
	is_count(r, COUNT_BLOB_BAD, 0);
	is_held(r, 1, 4);
	is_open(r);
}

/* The rest is asked for when half of the window is there */
static void window_slides(struct rig *r)
{
	static uint8_t body[2 * BULK_WINDOW_BYTES];
	const uint64_t half = BULK_WINDOW_BYTES / 2;
	struct want w;

	usual(r);
	notices(r, body, sizeof(body), 1);
	for (uint64_t at = 0; at < sizeof(body); at += BULK_BYTES) {
		bulk(r, 1, at, body + at, BULK_BYTES);
		IS(r->said[MSG_WANT] == (at + BULK_BYTES < half       ? 1
		    : at + BULK_BYTES < 2 * half ? 2
								      : 3));
		IS(!want_decode(r->body[MSG_WANT].p, r->body[MSG_WANT].n, &w));
		IS(w.offset ==
		   (w.bytes == half ? half * r->said[MSG_WANT] : 0));
	}
	IS(rig_pair(r)->wants == 0);
	is_held(r, 1, 1);
	is_open(r);
}

/* The same octets under two entries are taken for both */
static void same_octets(struct rig *r)
{
	static uint8_t body[BODY_ROW_MAX + 1];

	usual(r);
	notice(r, body, sizeof(body));
	notice(r, body, sizeof(body));
	IS(r->said[MSG_WANT] == 1 && rig_pair(r)->wants == 2);
	bulk(r, 1, 0, body, BULK_BYTES);
	bulk(r, 2, 0, body, BULK_BYTES);
	is_count(r, COUNT_BULK_STRAY, 1);
	bulk(r, 1, BULK_BYTES, body, sizeof(body) - BULK_BYTES);
	IS(r->said[MSG_WANT] == 1 && rig_pair(r)->wants == 0);
	IS(!r->err);
	is_held(r, 1, 2);
	is_open(r);
}

/* One that is gone lets the next one come, and is asked for when all paths were
   lost meanwhile */
static void gone_of_many(struct rig *r)
{
	static uint8_t body[BIG];
	static const uint8_t other[] = {0x80, 0, 0, 0, 0, 0, 0, 2};
	uint8_t seq[8] = {0};

	usual(r);
	notices(r, body, BIG, MANY);
	liar_lane(r, LANE_CONTROL, MSG_GONE, other, 8);	/* of our own feed */
	IS(r->said[MSG_WANT] == INTAKES);
	for (seq[7] = 1; seq[7] <= MANY; seq[7]++)
		liar_lane(r, LANE_CONTROL, MSG_GONE, seq, 8);
	IS(r->said[MSG_WANT] == MANY && rig_pair(r)->wants == MANY);
	rig_wait(r, 20000);
	IS(r->said[MSG_WANT] == MANY);
	rig_closed(r);
	liar_connect(r);
	IS(r->said[MSG_WANT] == MANY + INTAKES);
	for (unsigned i = 1; i <= MANY; i++)
		give(r, i, body, BIG);
	IS(rig_pair(r)->wants == 0);
	is_held(r, 1, MANY);
}

const struct hostile hostile_bodies[] = {
	{"bulk_stray", bulk_stray, false},
	{"bulk_wrong_hash", bulk_wrong_hash, false},
	{"held_once", held_once, false},
	{"inline_wrong_hash", inline_wrong_hash, false},
	{"gone", gone, false},
	{"body_of_nonsense_size", body_of_nonsense_size, false},
	{"want_nonsense", want_nonsense, false},
	{"fetch_nonsense", fetch_nonsense, false},
	{"many_at_once", many_at_once, false},
	{"one_lost", one_lost, false},
	{"large_one_by_one", large_one_by_one, false},
	{"window_slides", window_slides, false},
	{"same_octets", same_octets, false},
	{"gone_of_many", gone_of_many, false},
	{0},
};
