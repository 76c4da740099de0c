/* SPDX-License-Identifier: ISC */
/** @file hostile_record.c  Lies in the record: entries, notes, histories */
#include <stdio.h>
#include <string.h>
#include "hostile.h"

/* ---- envelopes ---- */

/* A signed tree over an entry that breaks a rule: never in the record */
static void refused(struct rig *r, enum verdict v, const char *rule)
{
	char why[40], dossier[200] = "verdict: trusted";

	snprintf(why, sizeof(why), "rule `%s`", rule);
	liar_push(r);
	is_verdict(r, v, why);
	is_size(r, 4, 1);
	is_closed(r, "breaks the rules");
	is_count(r, COUNT_RECORD_BAD, 1);
	/* nothing of it came in, but what a stranger can check is kept */
	IS(rig_pair(r)->peer.cosigned == 1);
	if (v == VERDICT_EXPOSED)
		snprintf(dossier, sizeof(dossier),
			 "verdict: exposed %s %s proof/1.envelope:1",
			 r->peer_name, rule);
	is_proof(r, 0, v == VERDICT_EXPOSED ? "envelope" : NULL);
	is_dossier(r, dossier);
	/* and again: a suspect may try, an exposed one may not */
	r->mine.sent = 1;
	liar_connect(r);
	if (v == VERDICT_EXPOSED) {
		is_closed(r, "proven false");
		is_count(r, COUNT_HELLO_REFUSED, 1);
		return;
	}
	liar_push(r);
	is_verdict(r, v, why);
	is_size(r, 4, 1);
	is_proof(r, 0, NULL);
}

static void grammar(struct rig *r)
{
	usual(r);
	story_raw(&r->mine, "ringdown-entry/v1\nlog\n", 22);
	refused(r, VERDICT_EXPOSED, "grammar");
}

static void grammar_cut(struct rig *r)
{
	usual(r);
	story_add(r, &r->mine, NULL, "ack", "");
	r->mine.v[1].n--;
	r->mine.tree = (struct tree){0};
	for (int i = 0; i < 2; i++) {
		uint8_t leaf[DIGEST_BYTES];

		tree_leaf(r->mine.v[i].p, r->mine.v[i].n, leaf);
		tree_add(&r->mine.tree, leaf);
	}
	refused(r, VERDICT_EXPOSED, "grammar");
}

static void log_rule(struct rig *r)
{
	struct envelope env;

	usual(r);
	story_envelope(r, &r->mine, &env);
	env.origin = str_of(r->names.peer_origin);
	story_add(r, &r->mine, &env, "ack", "");
	refused(r, VERDICT_EXPOSED, "log");
}

static void seq_rule(struct rig *r)
{
	struct envelope env;

	usual(r);
	story_envelope(r, &r->mine, &env);
	env.seq = 2;
	story_add(r, &r->mine, &env, "ack", "");
	refused(r, VERDICT_EXPOSED, "seq");
}

static void open_again(struct rig *r)
{
	struct buf b;

	usual(r);
	buf_init(&b, 4000);
	open_fields(rig_pair(r), false, &b);
	buf_u8(&b, 0);
	story_add(r, &r->mine, NULL, "open", (const char *)b.p);
	buf_free(&b);
	refused(r, VERDICT_EXPOSED, "open");
}

static void open_missing(struct rig *r)
{
	liar_connect(r);
	story_add(r, &r->mine, NULL, "ack", "");
	liar_push(r);
	is_verdict(r, VERDICT_EXPOSED, "rule `open`");
	is_size(r, 2, 0);
	is_proof(r, 0, "envelope");
	is_dossier(r, "verdict: exposed south.example open proof/1.envelope:0");
}

/* An `open` that names other keys than the cards do */
static void open_other(struct rig *r)
{
	struct buf b;
	char *at;

	liar_connect(r);
	buf_init(&b, 4000);
	open_fields(rig_pair(r), false, &b);
	buf_u8(&b, 0);
	at = strstr((char *)b.p, "next-key sha256:");
	IS(at != NULL);
	at[17] = at[17] == 'a' ? 'b' : 'a';
	story_add(r, &r->mine, NULL, "open", (const char *)b.p);
	buf_free(&b);
	liar_push(r);
	is_verdict(r, VERDICT_EXPOSED, "rule `open`");
	is_size(r, 2, 0);
	is_dossier(r, "verdict: exposed south.example open proof/1.envelope:0");
}

static void seen_decreasing(struct rig *r)
{
	struct envelope env;

	usual(r);
	IS(r->mine.seen == 2);
	story_envelope(r, &r->mine, &env);
	env.seen = 1;
	core_root(r, FEED_OWN, 1, env.seen_root);
	story_add(r, &r->mine, &env, "ack", "");
	refused(r, VERDICT_EXPOSED, "seen");
}

static void seen_root(struct rig *r)
{
	struct envelope env;

	usual(r);
	story_envelope(r, &r->mine, &env);
	env.seen_root[0] ^= 1;
	story_add(r, &r->mine, &env, "ack", "");
	refused(r, VERDICT_SUSPECTED, "seen-root");
}

static void seen_beyond(struct rig *r)
{
	struct envelope env;

	usual(r);
	story_envelope(r, &r->mine, &env);
	env.seen++;
	story_add(r, &r->mine, &env, "ack", "");
	refused(r, VERDICT_SUSPECTED, "seen-size");
}

static void seen_far_beyond(struct rig *r)
{
	struct envelope env;

	usual(r);
	story_envelope(r, &r->mine, &env);
	env.seen = INT64_MAX;
	story_add(r, &r->mine, &env, "ack", "");
	refused(r, VERDICT_SUSPECTED, "seen-size");
}

/* The right root, of a size that we never signed */
static void seen_between(struct rig *r)
{
	struct envelope env;
	const struct submit s = {.kind = ENTRY_NOTICE,
				 .by = "A",
				 .precedence = "routine",
				 .subject = "s",
				 .media = "text/plain",
				 .body = (const uint8_t *)"x",
				 .body_n = 1};

	usual(r);
	/* two in one turn: one checkpoint */
	IS(!core_submit(r->core, r->now, &s));
	rig_turn(r, core_submit(r->core, r->now, &s));
	is_size(r, 6, 1);
	story_envelope(r, &r->mine, &env);
	env.seen = 5;
	core_root(r, FEED_OWN, 5, env.seen_root);
	story_add(r, &r->mine, &env, "ack", "");
	liar_push(r);
	is_verdict(r, VERDICT_SUSPECTED, "rule `seen-size`");
	is_size(r, 6, 1);
}

static void seen_zero(struct rig *r)
{
	struct envelope env;
	struct buf b;

	liar_connect(r);
	buf_init(&b, 4000);
	open_fields(rig_pair(r), false, &b);
	buf_u8(&b, 0);
	story_envelope(r, &r->mine, &env);
	env.seen = 0;	/* and the root of another tree */
	story_add(r, &r->mine, &env, "open", (const char *)b.p);
	buf_free(&b);
	liar_push(r);
	is_verdict(r, VERDICT_EXPOSED, "rule `seen`");
	is_size(r, 2, 0);
	is_dossier(r, "verdict: exposed south.example seen proof/1.envelope:0");
}

static void time_decreasing(struct rig *r)
{
	struct envelope env;

	usual(r);
	story_envelope(r, &r->mine, &env);
	env.time_ms = r->mine.time_ms - 1;
	story_add(r, &r->mine, &env, "ack", "");
	refused(r, VERDICT_EXPOSED, "time");
}

static void clock_fault(struct rig *r, int64_t off_ms)
{
	struct envelope env;
	char was[STAMP_CHARS + 1], now[STAMP_CHARS + 1], fields[200];

	usual(r);
	story_envelope(r, &r->mine, &env);
	stamp_print(r->mine.time_ms + off_ms, was);
	env.time_ms = r->mine.time_ms - 3600000;
	stamp_print(env.time_ms, now);
	snprintf(fields, sizeof(fields), "kind clock\nwas %s\nnow %s\n", was,
		 now);
	story_add(r, &r->mine, &env, "fault", fields);
}

static void clock_fault_lies(struct rig *r)
{
	clock_fault(r, 1);
	refused(r, VERDICT_EXPOSED, "time");
}

static void clock_fault_true(struct rig *r)
{
	clock_fault(r, 0);
	liar_push(r);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_size(r, 5, 2);
	is_open(r);
	is_dossier(r, "verdict: trusted");
}

/* The core's own clock: rule I4 */
static int64_t own_time_ms(struct rig *r, uint64_t seq)
{
	struct entry e;
	size_t n;
	const uint8_t *p = memdb_entry(r->db, FEED_OWN, seq, &n);

	return entry_parse(p, n, &e) ? -1 : e.env.time_ms;
}

static void own_clock_small(struct rig *r)
{
	uint64_t cosigned_s;

	usual(r);
	rig_wait(r, 5000);
	story_add(r, &r->mine, NULL, "line", "state up\n");
	liar_push(r);
	is_size(r, 5, 2);
	cosigned_s = rig_pair(r)->peer.cosigned_s;
	r->now.wall_ms -= CLOCK_STEP_MS_MAX - 100;
	rig_submit(r, "late", 10);
	is_size(r, 6, 2);	/* no fault: the last time is used again */
	IS(own_time_ms(r, 5) == own_time_ms(r, 4));
	story_add(r, &r->mine, NULL, "line", "state up\n");
	liar_push(r);
	IS(rig_pair(r)->peer.cosigned == 3);
	IS(rig_pair(r)->peer.cosigned_s == cosigned_s);
	is_dossier(r, "verdict: trusted");
}

static void own_clock_big(struct rig *r)
{
	usual(r);
	r->now.wall_ms -= 3600000;
	rig_submit(r, "late", 10);
	is_size(r, 6, 1);
	IS(own_time_ms(r, 4) < own_time_ms(r, 3));
	liar_ack(r);
	IS(rig_pair(r)->peer.cosigned == 2);
	IS(rig_pair(r)->peer.cosigned_s == rig_time_s(r));
	is_verdict(r, VERDICT_TRUSTED, "");
	is_dossier(r, "verdict: trusted");
}

/* ---- what is carried ---- */

static bool refuses(struct rig *r, uint64_t seq)
{
	char line[60];
	size_t n;
	const uint8_t *p = memdb_entry(r->db, 0, memdb_size(r->db, 0) - 1, &n);

	snprintf(line, sizeof(line), "of %llu %llu\nreason not-understood\n",
		 (unsigned long long)seq, (unsigned long long)seq);
	return memmem(p, n, line, strlen(line)) != NULL;
}

static void carried(struct rig *r, const char *type, const char *fields)
{
	usual(r);
	story_add(r, &r->mine, NULL, type, fields);
	liar_push(r);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_size(r, 5, 2);
	is_open(r);
	IS(refuses(r, 1));
	IS(rig_pair(r)->peer.cosigned == 2);
	is_count(r, COUNT_RECORD_BAD, 0);
	is_dossier(r, "verdict: trusted");
}

static void unknown_type(struct rig *r)
{
	carried(r, "call-offer", "to all\n");
}

static void misfitting(struct rig *r)
{
	carried(r, "receipt", "state eaten\nof 0 0\n");
}

static void misfitting_order(struct rig *r)
{
	carried(r, "refuse", "reason not-understood\nof 0 0\n");
}

/* A receipt for what its author has not seen changes nothing */
static void receipt_beyond(struct rig *r)
{
	unsigned bits;

	usual(r);
	story_add(r, &r->mine, NULL, "receipt",
		  "state held\nof 3 9223372036854775807\n");
	liar_push(r);
	IS(!memdb_db(r->db)->receipt_bits(r->db, 0, 3, &bits) && !bits);
	story_add(r, &r->mine, NULL, "receipt", "state held\nof 3 3\n");
	liar_push(r);
	IS(!memdb_db(r->db)->receipt_bits(r->db, 0, 3, &bits) &&
	   bits == 1u << RECEIPT_HELD);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_open(r);
}

/* ---- restores that the liar claims ---- */

void claim_restore(struct rig *r, uint64_t size, bool right_root, bool ours)
{
	struct note_key k = r->core_cosig;
	uint8_t root[DIGEST_BYTES];
	char b64[B64_SIZE(DIGEST_BYTES)], sig[B64_SIZE(SIG_BYTES)], fields[300];
	struct note note;
	struct buf b;

	usual(r);
	story_root(&r->mine, 1, root);
	root[0] ^= !right_root;
	if (!ours)
		k.key = r->my_cosigner_key;
	buf_init(&b, NOTE_BYTES_MAX);
	liar_note(&b, r->names.own_origin, size, root, NULL, &k, 77);
	IS(!note_parse(b.p, b.n, &note));
	b64_encode(root, sizeof(root), b64);
	b64_encode(note.line[0].sig + 8, SIG_BYTES, sig);
	snprintf(fields, sizeof(fields), "from 0\nto %llu %s\nattest 77 %s\n",
		 (unsigned long long)size, b64, sig);
	story_add(r, &r->mine, NULL, "restore", fields);
	buf_free(&b);
}

static void restore_unattested(struct rig *r)
{
	claim_restore(r, 1, true, false);
	refused(r, VERDICT_EXPOSED, "attest");
}

static void restore_elsewhere(struct rig *r)
{
	claim_restore(r, 2, true, true);
	refused(r, VERDICT_EXPOSED, "restore");
}

static void restore_other_root(struct rig *r)
{
	claim_restore(r, 1, false, true);
	refused(r, VERDICT_EXPOSED, "restore");
}

static void restore_true(struct rig *r)
{
	claim_restore(r, 1, true, true);
	liar_push(r);
	is_size(r, 5, 2);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_dossier(r, "verdict: trusted");
}

/* ---- batches ---- */

static void checkpoint_of_others(struct rig *r)
{
	struct story other;

	usual(r);
	story_copy(&other, &r->mine, 1);
	story_add(r, &r->mine, NULL, "ack", "");
	story_add(r, &other, NULL, "line", "state up\n");
	liar_entries(r, &r->mine, WHOSE_SENDER, 1, 2);
	liar_checkpoint(r, &other, 2);
	is_verdict(r, VERDICT_SUSPECTED, "does not follow from the entries");
	is_closed(r, "does not fit");
	is_size(r, 4, 1);
	is_proof(r, 0, NULL);
	is_count(r, COUNT_RECORD_BAD, 1);
	story_free(&other);
	/* the true one is taken all the same */
	liar_connect(r);
	liar_push(r);
	is_size(r, 4, 2);
	is_open(r);
}

static void checkpoint_alone(struct rig *r)
{
	usual(r);
	story_add(r, &r->mine, NULL, "ack", "");
	liar_checkpoint(r, &r->mine, 2);
	is_closed(r, "does not end its ENTRIES");
	is_verdict(r, VERDICT_TRUSTED, "");
	is_size(r, 4, 1);
}

static void checkpoint_too_early(struct rig *r)
{
	usual(r);
	story_add(r, &r->mine, NULL, "ack", "");
	story_add(r, &r->mine, NULL, "ack", "");
	liar_entries(r, &r->mine, WHOSE_SENDER, 1, 3);
	liar_checkpoint(r, &r->mine, 2);
	is_closed(r, "does not end its ENTRIES");
	is_size(r, 4, 1);
	IS(rig_pair(r)->s.pending_n == 0);
}

static void entries_gap(struct rig *r)
{
	usual(r);
	story_add(r, &r->mine, NULL, "ack", "");
	story_add(r, &r->mine, NULL, "ack", "");
	liar_entries(r, &r->mine, WHOSE_SENDER, 2, 3);
	is_closed(r, "ENTRIES leave a gap");
	is_size(r, 4, 1);
	is_verdict(r, VERDICT_TRUSTED, "");
}

/* What is held already is skipped, in the store and in the batch */
static void entries_overlap(struct rig *r)
{
	struct story *s = &r->mine;

	usual(r);
	for (int i = 0; i < 4; i++)
		story_add(r, s, NULL, "ack", "");
	liar_entries(r, s, WHOSE_SENDER, 0, 3);
	liar_entries(r, s, WHOSE_SENDER, 0, 1);
	liar_entries(r, s, WHOSE_SENDER, 1, 5);
	liar_checkpoint(r, s, 5);
	is_open(r);
	is_size(r, 4, 5);
	liar_entries(r, s, WHOSE_SENDER, 0, 5);
	liar_checkpoint(r, s, 5);
	is_open(r);
	is_size(r, 4, 5);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_count(r, COUNT_RECORD_BAD, 0);
}

static void entries_garbled(struct rig *r)
{
	usual(r);
	liar_lane(r, LANE_RECORD, MSG_ENTRIES, "\0\0", 2);
	is_closed(r, "bad ENTRIES");
	liar_connect(r);	/* first + count beyond every number */
	liar_lane(r, LANE_RECORD, MSG_ENTRIES,
		  "\0\177\377\377\377\377\377\377\377\0\1\0\1x\0\0", 16);
	is_closed(r, "bad ENTRIES");
	liar_connect(r);	/* octets left over */
	liar_lane(r, LANE_RECORD, MSG_ENTRIES,
		  "\0\0\0\0\0\0\0\0\1\0\1\0\1x\0\0z", 17);
	is_closed(r, "bad ENTRIES");
	is_size(r, 4, 1);
	is_verdict(r, VERDICT_TRUSTED, "");
}

static void batch_too_many(struct rig *r)
{
	usual(r);
	for (int i = 0; i < BATCH_ENTRIES_MAX + 1; i++)
		story_add(r, &r->mine, NULL, "ack", "");
	liar_entries(r, &r->mine, WHOSE_SENDER, 1, 1 + BATCH_ENTRIES_MAX);
	is_open(r);
	liar_entries(r, &r->mine, WHOSE_SENDER, 1 + BATCH_ENTRIES_MAX,
		     2 + BATCH_ENTRIES_MAX);
	is_closed(r, "more ENTRIES than a batch");
	is_size(r, 4, 1);
	is_verdict(r, VERDICT_TRUSTED, "");
	/* at the limit it is taken */
	liar_connect(r);
	liar_entries(r, &r->mine, WHOSE_SENDER, 1, 1 + BATCH_ENTRIES_MAX);
	liar_checkpoint(r, &r->mine, 1 + BATCH_ENTRIES_MAX);
	is_open(r);
	IS(memdb_size(r->db, 1) == 1 + BATCH_ENTRIES_MAX);
}

static void batch_too_long(struct rig *r)
{
	static char fields[45000] = "to ";

	usual(r);
	memset(fields, 0, sizeof(fields));
	for (int i = 0; i < 44; i++) {
		char *at = fields + strlen(fields);

		snprintf(at, 10, "aa%c%c ", 'a' + i / 26, 'a' + i % 26);
		memset(at + 5, 'x', 1000);
		strcat(at, "\n");
	}
	for (int i = 0; i < 50; i++) {
		story_add(r, &r->mine, NULL, "big", fields);
		if (rig_pair(r)->s.paths)
			liar_entries(r, &r->mine, WHOSE_SENDER, (uint64_t)i + 1,
				     (uint64_t)i + 2);
	}
	is_closed(r, "bad ENTRIES");
	is_size(r, 4, 1);
	IS(rig_pair(r)->s.pending_n == 0);
}

static void feeds_mixed(struct rig *r)
{
	struct story core;

	usual(r);
	story_of_core(r, &core);
	story_add(r, &r->mine, NULL, "ack", "");
	liar_entries(r, &r->mine, WHOSE_SENDER, 1, 2);
	liar_entries(r, &core, WHOSE_RECEIVER, 0, 1);
	is_closed(r, "both feeds mixed");
	is_size(r, 4, 1);
	story_free(&core);
}

/* Entries of ours that we never wrote, though we asked for nothing */
static void forged_own(struct rig *r)
{
	struct story core;
	struct buf b;
	uint8_t root[DIGEST_BYTES];

	usual(r);
	story_of_core(r, &core);
	story_raw(&core, core.v[3].p, core.v[3].n);
	liar_entries(r, &core, WHOSE_RECEIVER, 4, 5);
	buf_init(&b, NOTE_BYTES_MAX);
	story_root(&core, 5, root);
	liar_note(&b, r->names.peer_origin, 5, root, &r->core_log, NULL, 0);
	memmove(b.p + 1, b.p, b.n - 1);	/* not even a note */
	b.p[0] = WHOSE_RECEIVER;
	is_size(r, 4, 1);
	is_open(r);
	IS(rig_pair(r)->s.pending_n == 0);
	/* the key is stolen: a good note, and still nobody asked */
	buf_reset(&b);
	buf_u8(&b, WHOSE_RECEIVER);
	{
		struct buf note;

		buf_init(&note, NOTE_BYTES_MAX);
		liar_note(&note, r->names.peer_origin, 5, root, &r->core_log,
			  NULL, 0);
		buf_put(&b, note.p, note.n);
		buf_free(&note);
	}
	liar_lane(r, LANE_RECORD, MSG_CHECKPOINT, b.p, b.n);
	is_size(r, 4, 1);
	is_open(r);
	IS(rig_pair(r)->state == PAIR_LIVE);
	buf_free(&b);
	story_free(&core);
}

const struct hostile hostile_record[] = {
	{"grammar", grammar, false},
	{"grammar_cut", grammar_cut, false},
	{"log", log_rule, false},
	{"seq", seq_rule, false},
	{"open_again", open_again, false},
	{"open_missing", open_missing, false},
	{"open_other", open_other, false},
	{"seen_decreasing", seen_decreasing, false},
	{"seen_root", seen_root, false},
	{"seen_beyond", seen_beyond, false},
	{"seen_far_beyond", seen_far_beyond, false},
	{"seen_between", seen_between, false},
	{"seen_zero", seen_zero, false},
	{"time_decreasing", time_decreasing, false},
	{"clock_fault_lies", clock_fault_lies, false},
	{"clock_fault_true", clock_fault_true, false},
	{"own_clock_small", own_clock_small, false},
	{"own_clock_big", own_clock_big, false},
	{"unknown_type", unknown_type, false},
	{"misfitting", misfitting, false},
	{"misfitting_order", misfitting_order, false},
	{"receipt_beyond", receipt_beyond, false},
	{"restore_unattested", restore_unattested, false},
	{"restore_elsewhere", restore_elsewhere, false},
	{"restore_other_root", restore_other_root, false},
	{"restore_true", restore_true, false},
	{"checkpoint_of_others", checkpoint_of_others, false},
	{"checkpoint_alone", checkpoint_alone, false},
	{"checkpoint_too_early", checkpoint_too_early, false},
	{"entries_gap", entries_gap, false},
	{"entries_overlap", entries_overlap, false},
	{"entries_garbled", entries_garbled, false},
	{"batch_too_many", batch_too_many, false},
	{"batch_too_long", batch_too_long, false},
	{"feeds_mixed", feeds_mixed, false},
	{"forged_own", forged_own, false},
	{0},
};
