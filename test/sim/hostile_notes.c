/* SPDX-License-Identifier: ISC */
/** @file hostile_notes.c  Lies in notes: histories, cosignatures, the joint one */
#include <string.h>
#include "hostile.h"

/* ---- notes that would spoil our dossier ---- */

static void spoiled(struct rig *r, enum msg_type msg, const char *origin,
		    uint64_t size, const uint8_t *root,
		    const struct note_key *k, const struct note_key *again,
		    const char *why)
{
	struct buf b, note;

	buf_init(&note, NOTE_BYTES_MAX);
	liar_note(&note, origin, size, root, k->type == NOTE_LOG ? k : NULL,
		  k->type == NOTE_LOG ? NULL : k, 100);
	buf_init(&b, NOTE_BYTES_MAX);
	if (msg == MSG_CHECKPOINT)
		buf_u8(&b, WHOSE_SENDER);
	buf_put(&b, note.p, note.n);
	if (note_sign(&b,
		      (struct str){(const char *)note.p,
				   (size_t)(strstr((char *)note.p, "\n\n") -
					    (char *)note.p + 1)},
		      again, 100))
		IS(false);
	liar_lane(r, LANE_RECORD, msg, b.p, b.n);
	is_closed(r, why);
	buf_free(&b);
	buf_free(&note);
}

static void note_lines(struct rig *r)
{
	struct note_key forged = r->core_cosig, log = r->core_log;
	uint8_t root[DIGEST_BYTES];

	usual(r);
	forged.key = r->my_cosigner_key;
	log.key = r->my_log_key;
	/* a checkpoint with a line in our cosigner's name, or a line twice */
	story_add(r, &r->mine, NULL, "ack", "");
	story_root(&r->mine, 2, root);
	liar_entries(r, &r->mine, WHOSE_SENDER, 1, 2);
	spoiled(r, MSG_CHECKPOINT, r->names.own_origin, 2, root, &r->my_log,
		&forged, "bad CHECKPOINT");
	liar_connect(r);
	liar_entries(r, &r->mine, WHOSE_SENDER, 1, 2);
	spoiled(r, MSG_CHECKPOINT, r->names.own_origin, 2, root, &r->my_log,
		&r->my_log, "bad CHECKPOINT");
	is_size(r, 4, 1);
	/* a cosignature with a line in our log's name, or twice */
	liar_connect(r);
	liar_push(r);
	core_root(r, FEED_OWN, 4, root);
	spoiled(r, MSG_COSIGNATURE, r->names.peer_origin, 4, root, &r->my_cosig,
		&log, "bad COSIGNATURE");
	liar_connect(r);
	spoiled(r, MSG_COSIGNATURE, r->names.peer_origin, 4, root, &r->my_cosig,
		&r->my_cosig, "bad COSIGNATURE");
	IS(rig_pair(r)->own.cosigned == 2);
	is_count(r, COUNT_RECORD_BAD, 4);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_dossier(r, "verdict: trusted");
}

/* What is no key's of ours is dropped, whatever it looks like */
static void note_strange_lines(struct rig *r)
{
	struct buf b;
	uint8_t root[DIGEST_BYTES];

	usual(r);
	story_add(r, &r->mine, NULL, "ack", "");
	liar_push(r);
	core_root(r, FEED_OWN, 4, root);
	buf_init(&b, NOTE_BYTES_MAX);
	liar_note(&b, r->names.peer_origin, 4, root, NULL, &r->my_cosig,
		  rig_time_s(r));
	/* a name with U+00A0 in it is none to a strict reader */
	buf_str(&b, "\xe2\x80\x94 a\xc2\xa0z AAAAAAAA\n");
	liar_lane(r, LANE_RECORD, MSG_COSIGNATURE, b.p, b.n);
	is_open(r);
	IS(rig_pair(r)->own.cosigned == 4);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_dossier(r, "verdict: trusted");
	buf_free(&b);
}

/* ---- two histories ---- */

static void equivocate(struct rig *r, uint64_t from, uint64_t size, bool hello,
		       const char *why)
{
	struct story other;
	struct buf own, held, fork;
	struct hello h;
	uint8_t root[DIGEST_BYTES];

	usual(r);
	for (int i = 0; i < 5; i++) {
		story_add(r, &r->mine, NULL, "ack", "");
		liar_push(r);
	}
	is_size(r, 4, 6);
	story_copy(&other, &r->mine, from);
	while (other.tree.size < size)
		story_add(r, &other, NULL, "line", "state up\n");
	if (hello) {
		rig_path(r);
		liar_hello_make(r, &h, &own, &held);
		story_root(&other, size, root);
		buf_init(&fork, NOTE_BYTES_MAX);
		liar_note(&fork, r->names.own_origin, size, root, &r->my_log,
			  NULL, 0);
		h.own = (struct str){(const char *)fork.p, fork.n};
		liar_hello(r, &h);
		buf_free(&own);
		buf_free(&held);
		buf_free(&fork);
	} else {
		liar_checkpoint(r, &other, size);
	}
	is_verdict(r, VERDICT_EXPOSED, why);
	is_size(r, 4, 6);
	is_closed(r, "proven false");
	is_proof(r, 0, "fork");
	is_proof(r, 1, NULL);
	is_dossier(r, "verdict: exposed south.example fork proof/1.fork");
	IS(rig_pair(r)->state == PAIR_LIVE);
	liar_connect(r);
	is_closed(r, "proven false");
	is_count(r, COUNT_HELLO_REFUSED, 1);
	/* what is proven stays so */
	rig_restart(r);
	is_verdict(r, VERDICT_EXPOSED, why);
	liar_connect(r);
	is_closed(r, "proven false");
	is_proof(r, 1, NULL);
	story_free(&other);
}

static void equivocation_same_hello(struct rig *r)
{
	equivocate(r, 5, 6, true, "two different trees");
}

static void equivocation_smaller_hello(struct rig *r)
{
	equivocate(r, 2, 4, true, "two different trees");
}

static void equivocation_same(struct rig *r)
{
	equivocate(r, 5, 6, false, "two different trees of size 6");
}

static void equivocation_smaller(struct rig *r)
{
	equivocate(r, 1, 3, false, "two different trees of size 3");
}

static void equivocation_first(struct rig *r)
{
	equivocate(r, 0, 1, false, "two different trees of size 1");
}

/* An older checkpoint of the same history is a smaller prefix */
static void truncation(struct rig *r)
{
	usual(r);
	story_add(r, &r->mine, NULL, "ack", "");
	story_add(r, &r->mine, NULL, "ack", "");
	liar_push(r);
	liar_checkpoint(r, &r->mine, 1);
	liar_checkpoint(r, &r->mine, 2);
	is_open(r);
	r->mine.sent = 1;
	liar_connect(r);
	is_open(r);
	IS(rig_pair(r)->s.peer_behind);
	is_size(r, 4, 3);
	IS(rig_pair(r)->peer.cosigned == 3);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_proof(r, 0, NULL);
}

/* ---- cosignatures ---- */

static void cosignature_wrong_root(struct rig *r)
{
	struct buf b;
	uint8_t root[DIGEST_BYTES];

	usual(r);
	core_root(r, FEED_OWN, 3, root);
	buf_init(&b, NOTE_BYTES_MAX);
	liar_note(&b, r->names.peer_origin, 4, root, NULL, &r->my_cosig, 9);
	liar_lane(r, LANE_RECORD, MSG_COSIGNATURE, b.p, b.n);
	is_verdict(r, VERDICT_SUSPECTED, "cosigned another tree");
	is_closed(r, "not the tree that we signed");
	is_proof(r, 0, "cosignature");
	IS(rig_pair(r)->own.cosigned == 2);
	is_dossier(r, "verdict: suspected south.example cosigned-root "
		      "proof/1.cosignature");
	buf_free(&b);
}

static void cosignature_bad(struct rig *r)
{
	struct note_key forged = r->my_cosig;
	uint8_t root[DIGEST_BYTES];
	struct buf b;

	usual(r);
	forged.key = r->my_log_key;
	core_root(r, FEED_OWN, 4, root);
	buf_init(&b, NOTE_BYTES_MAX);
	liar_note(&b, r->names.peer_origin, 4, root, NULL, &forged, 9);
	liar_lane(r, LANE_RECORD, MSG_COSIGNATURE, b.p, b.n);
	is_closed(r, "bad COSIGNATURE");
	liar_connect(r);	/* of its own feed */
	story_root(&r->mine, 1, root);
	liar_note(&b, r->names.own_origin, 1, root, NULL, &r->my_cosig, 9);
	liar_lane(r, LANE_RECORD, MSG_COSIGNATURE, b.p, b.n);
	is_closed(r, "bad COSIGNATURE");
	IS(rig_pair(r)->own.cosigned == 2);
	is_count(r, COUNT_RECORD_BAD, 2);
	is_verdict(r, VERDICT_TRUSTED, "");
	buf_free(&b);
}

/* Of trees that we have not signed: nothing comes of it */
static void cosignature_beyond(struct rig *r)
{
	static const uint64_t size[] = {0, 5, INT64_MAX};
	uint8_t root[DIGEST_BYTES] = {0};
	struct buf b;

	usual(r);
	buf_init(&b, NOTE_BYTES_MAX);
	for (size_t i = 0; i < 3; i++) {
		liar_note(&b, r->names.peer_origin, size[i], root, NULL,
			  &r->my_cosig, 9);
		liar_lane(r, LANE_RECORD, MSG_COSIGNATURE, b.p, b.n);
	}
	IS(rig_pair(r)->own.cosigned == 2);
	is_open(r);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_dossier(r, "verdict: trusted");
	buf_free(&b);
}

/* Rule I3 of ours: no cosignature before our own entry says that we have seen */
static void cosigns_what_it_said(struct rig *r)
{
	unsigned notes;

	usual(r);
	notes = r->said[MSG_COSIGNATURE];
	story_add(r, &r->mine, NULL, "receipt", "state opened\nof 3 3\n");
	story_add(r, &r->mine, NULL, "ack", "");
	liar_push(r);	/* a receipt's acknowledgement may wait a little */
	is_size(r, 4, 3);
	IS(r->said[MSG_COSIGNATURE] == notes);
	IS(rig_pair(r)->peer.cosigned == 1);
	rig_wait(r, ACK_DELAY_MS);
	is_size(r, 5, 3);
	IS(r->said[MSG_COSIGNATURE] == notes + 1);
	IS(rig_pair(r)->peer.cosigned == 3);
	/* an ack needs none */
	story_add(r, &r->mine, NULL, "ack", "");
	liar_push(r);
	is_size(r, 5, 4);
	IS(r->said[MSG_COSIGNATURE] == notes + 2);
	rig_wait(r, 1000);
	is_size(r, 5, 4);
	is_dossier(r, "verdict: trusted");
}

/* An acknowledgement that waited when the core was stopped */
static void acks_after_start(struct rig *r)
{
	usual(r);
	story_add(r, &r->mine, NULL, "receipt", "state opened\nof 3 3\n");
	liar_push(r);
	is_size(r, 4, 2);
	rig_restart(r);
	rig_wait(r, ACK_DELAY_MS);
	is_size(r, 5, 2);
	liar_connect(r);
	IS(rig_pair(r)->peer.cosigned == 2);
}

/* Rule I3: cosigned, and never said in its own feed */
static void cosignature_unseen(struct rig *r)
{
	usual(r);
	liar_cosign(r, MSG_COSIGNATURE, 4, rig_time_s(r));
	is_verdict(r, VERDICT_SUSPECTED, "has seen only 2");
	is_open(r);
	IS(rig_pair(r)->own.cosigned == 4);
	is_dossier(r, "verdict: suspected south.example cosigned-unseen "
		      "feed.north.example.cosigned");
}

/* The core's own word on an idle line, and in each new session */
static void idle_cosignature(struct rig *r)
{
	struct note note;
	uint64_t before_s, time_s;
	unsigned notes;

	usual(r);
	liar_ack(r);
	IS(rig_pair(r)->peer.cosigned == 2);
	before_s = rig_pair(r)->peer.cosigned_s;
	notes = r->said[MSG_COSIGNATURE];
	rig_wait(r, IDLE_COSIGN_MS + 1000);
	IS(r->said[MSG_COSIGNATURE] == notes + 1);
	IS(!note_parse(r->body[MSG_COSIGNATURE].p, r->body[MSG_COSIGNATURE].n,
		       &note));
	IS(!note_check(&note, &r->core_cosig, &time_s, NULL) &&
	   time_s > before_s + 50 && note.size == 2);
	liar_connect(r);
	IS(r->said[MSG_COSIGNATURE] == notes + 2);
	is_size(r, 4, 2);
	is_dossier(r, "verdict: trusted");
}

/* Alive, says so, and acknowledges nothing */
static void unacknowledged(struct rig *r)
{
	usual(r);
	rig_wait(r, 301000);
	liar_cosign(r, MSG_COSIGNATURE, 2, rig_time_s(r));
	is_open(r);
	/* an older word does not take the newer one back */
	liar_cosign(r, MSG_COSIGNATURE, 2, rig_time_s(r) - 300);
	is_dossier(r, "verdict: suspected south.example unacknowledged "
		      "feed.north.example:3");
}

/* ---- the joint record ---- */

static void joint_send(struct rig *r, uint64_t size, const uint8_t *root,
		       const struct note_key *log, const struct note_key *cosig)
{
	struct buf b;

	buf_init(&b, NOTE_BYTES_MAX);
	liar_note(&b, r->names.joint_origin, size, root, log, cosig,
		  rig_time_s(r));
	liar_lane(r, LANE_RECORD, MSG_JOINT, b.p, b.n);
	buf_free(&b);
}

static void joint_wrong_root(struct rig *r)
{
	uint8_t root[DIGEST_BYTES];

	usual(r);
	liar_ack(r);
	tree_root(&rig_pair(r)->joint, root);
	root[9] ^= 1;
	joint_send(r, rig_pair(r)->joint.size, root, &r->joint_log,
		   &r->my_cosig);
	is_verdict(r, VERDICT_EXPOSED, "joint checkpoint");
	is_closed(r, "not true");
	is_proof(r, 0, "joint");
	is_dossier(r,
		   "verdict: exposed south.example joint-root proof/1.joint");
	IS(rig_pair(r)->joint_signed == 0 && r->said[MSG_JOINT] == 0);
}

static void joint_wrong_after_restore(struct rig *r)
{
	uint8_t root[DIGEST_BYTES] = {0};

	claim_restore(r, 1, true, true);
	liar_push(r);
	joint_send(r, rig_pair(r)->joint.size, root, &r->joint_log,
		   &r->my_cosig);
	is_verdict(r, VERDICT_SUSPECTED, "joint checkpoint");
	is_closed(r, "not true");
	IS(rig_pair(r)->joint_signed == 0 && r->said[MSG_JOINT] == 0);
}

static void joint_true(struct rig *r)
{
	const struct pair *p;
	uint8_t root[DIGEST_BYTES];

	usual(r);
	liar_ack(r);
	p = rig_pair(r);
	tree_root(&p->joint, root);
	joint_send(r, p->joint.size - 1, root, &r->joint_log, &r->my_cosig);
	joint_send(r, p->joint.size + 1, root, &r->joint_log, &r->my_cosig);
	IS(r->said[MSG_JOINT] == 0 && p->joint_signed == 0);
	is_open(r);
	joint_send(r, p->joint.size, root, &r->joint_log, &r->my_cosig);
	IS(r->said[MSG_JOINT] == 1 && p->joint_signed == p->joint.size);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_dossier(r, "verdict: trusted");
	/* signed by one of them only: that path is closed */
	joint_send(r, p->joint.size, root, &r->joint_log, NULL);
	is_closed(r, "bad joint");
	liar_connect(r);
	joint_send(r, p->joint.size, root, &r->my_log, &r->my_cosig);
	is_closed(r, "bad joint");
	is_count(r, COUNT_RECORD_BAD, 2);
}

/* The core is the pivot: only what it has offered comes back */
static void joint_as_pivot(struct rig *r)
{
	struct buf mine;
	uint8_t root[DIGEST_BYTES] = {1};
	struct note note;

	usual(r);
	liar_ack(r);
	rig_wait(r, 2000);
	IS(r->said[MSG_JOINT] >= 1);
	/* forged whole, with a key that is not the pivot's */
	joint_send(r, 3, root, &r->my_log, &r->my_cosig);
	is_closed(r, "bad joint");
	liar_connect(r);
	rig_wait(r, 2000);
	buf_init(&mine, NOTE_BYTES_MAX);
	buf_put(&mine, r->body[MSG_JOINT].p, r->body[MSG_JOINT].n);
	IS(!note_parse(mine.p, mine.n, &note));
	/* without the liar's line it is nothing */
	liar_lane(r, LANE_RECORD, MSG_JOINT, mine.p, mine.n);
	is_closed(r, "bad joint");
	IS(rig_pair(r)->joint_signed == 0);
	liar_connect(r);
	IS(!note_sign(&mine, note.body, &r->my_cosig, rig_time_s(r)));
	buf_str(&mine, "\xe2\x80\x94 a\xc2\xa0z AAAAAAAA\n");
	liar_lane(r, LANE_RECORD, MSG_JOINT, mine.p, mine.n);
	is_open(r);
	IS(rig_pair(r)->joint_signed == note.size);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_dossier(r, "verdict: trusted");
	buf_free(&mine);
}

const struct hostile hostile_notes[] = {
	{"note_lines", note_lines, false},
	{"note_strange_lines", note_strange_lines, false},
	{"equivocation_same_hello", equivocation_same_hello, false},
	{"equivocation_smaller_hello", equivocation_smaller_hello, false},
	{"equivocation_same", equivocation_same, false},
	{"equivocation_same", equivocation_same, true},
	{"equivocation_smaller", equivocation_smaller, false},
	{"equivocation_first", equivocation_first, false},
	{"truncation", truncation, false},
	{"cosignature_wrong_root", cosignature_wrong_root, false},
	{"cosignature_bad", cosignature_bad, false},
	{"cosignature_beyond", cosignature_beyond, false},
	{"cosigns_what_it_said", cosigns_what_it_said, false},
	{"acks_after_start", acks_after_start, false},
	{"cosignature_unseen", cosignature_unseen, false},
	{"idle_cosignature", idle_cosignature, false},
	{"unacknowledged", unacknowledged, false},
	{"joint_wrong_root", joint_wrong_root, false},
	{"joint_wrong_after_restore", joint_wrong_after_restore, false},
	{"joint_true", joint_true, false},
	{"joint_as_pivot", joint_as_pivot, true},
	{0},
};
