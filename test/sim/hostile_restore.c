/* SPDX-License-Identifier: ISC */
/** @file hostile_restore.c  An older copy of the core, and a peer that knows */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "hostile.h"

/* What the liar still has of the history that the core has lost */
static struct {
	struct image *image;
	uint64_t size;		/* of the backup */
	struct story lost;	/* all of it */
	struct buf note;	/* over all of it, as the core signed it */
	struct core_marker marker;
} old;

static void forget(void)
{
	old.image = image_free(old.image);
	story_free(&old.lost);
	buf_free(&old.note);
}

/* own entries up to `old.size`, a backup, `more` entries after that */
static void roll_back(struct rig *r, unsigned more, bool snapshot)
{
	char id[20] = "x";

	memset(&old, 0, sizeof(old));
	buf_init(&old.note, NOTE_BYTES_MAX);
	usual(r);
	liar_ack(r);
	old.image = memdb_backup(r->db);
	old.size = memdb_size(r->db, 0);
	old.marker = r->marker;
	for (unsigned i = 0; i < more; i++) {
		id[1] = (char)('a' + i);
		rig_submit(r, id, 50);
	}
	story_of_core(r, &old.lost);
	core_note(r, FEED_OWN, NOTE_SIGNED, UINT64_MAX, &old.note);
	r->core = core_free(r->core);
	memdb_restore(r->db, old.image);
	if (snapshot)
		r->marker = old.marker;
	r->now.mono_ms += 60000;
	r->now.wall_ms += 60000;
	rig_restart(r);
}

static void connect_showing(struct rig *r, const struct buf *held)
{
	struct buf own, right;
	struct hello h;

	rig_path(r);
	liar_hello_make(r, &h, &own, &right);
	if (held)
		h.held = (struct str){(const char *)held->p, held->n};
	liar_hello(r, &h);
	buf_free(&own);
	buf_free(&right);
}

/* The lost entries come back */
static void give_back(struct rig *r, const struct story *s)
{
	struct buf b;

	liar_entries(r, s, WHOSE_RECEIVER, memdb_size(r->db, 0), s->tree.size);
	buf_init(&b, NOTE_BYTES_MAX);
	buf_u8(&b, WHOSE_RECEIVER);
	buf_put(&b, old.note.p, old.note.n);
	liar_lane(r, LANE_RECORD, MSG_CHECKPOINT, b.p, b.n);
	buf_free(&b);
}

/* As an honest side does: says that it has seen all, and attests it */
static void attest(struct rig *r)
{
	story_add(r, &r->mine, NULL, "ack", "");
	liar_push(r);
	liar_cosign(r, MSG_ATTEST, rig_pair(r)->own.tree.size, rig_time_s(r));
}

static bool core_says(struct rig *r, uint64_t seq, const char *line)
{
	size_t n;
	const uint8_t *p = memdb_entry(r->db, 0, seq, &n);

	return memmem(p, n, line, strlen(line)) != NULL;
}

static enum pair_state state(const struct rig *r)
{
	return rig_pair(r)->state;
}

/* ---- a peer that is honest about it ---- */

static void snapshot_heals(struct rig *r)
{
	unsigned signed_notes;

	roll_back(r, 3, true);
	IS(state(r) == PAIR_LIVE);	/* nothing tells us yet */
	connect_showing(r, &old.note);
	IS(state(r) == PAIR_RESTORING);
	is_size(r, old.size, 2);
	IS(r->said[MSG_FETCH] == 1);
	signed_notes = r->said[MSG_COSIGNATURE];
	rig_submit(r, "new", 20);
	IS(r->answer == ANSWER_RESTORING);
	give_back(r, &old.lost);
	is_size(r, old.lost.tree.size, 2);
	IS(state(r) == PAIR_RESTORING && r->said[MSG_FETCH] == 2);
	IS(r->said[MSG_COSIGNATURE] == signed_notes);
	attest(r);
	IS(state(r) == PAIR_LIVE);
	is_size(r, old.lost.tree.size + 1, 3);	/* restore */
	is_verdict(r, VERDICT_TRUSTED, "");
	is_proof(r, 0, NULL);
	is_dossier(r, "verdict: trusted");
	rig_submit(r, "new", 20);
	IS(r->answer == ANSWER_OK);
	is_open(r);
	forget();
}

/* Whatever comes meanwhile: not a signature leaves */
static void restoring_signs_nothing(struct rig *r)
{
	unsigned notes, pushed, joints;

	roll_back(r, 3, true);
	joints = r->said[MSG_JOINT];
	notes = r->said[MSG_COSIGNATURE];
	pushed = r->said[MSG_CHECKPOINT];
	connect_showing(r, &old.note);
	IS(state(r) == PAIR_RESTORING);
	story_add(r, &r->mine, NULL, "line", "state up\n");
	liar_push(r);
	rig_wait(r, 1000);
	is_size(r, old.size, 3);
	IS(r->said[MSG_CHECKPOINT] == pushed);
	/* what the liar signed itself may go back to it */
	liar_lane(r, LANE_RECORD, MSG_FETCH, "\0\0\0\0\0\0\0\0", 8);
	rig_wait(r, 61000);
	rig_wait(r, 61000);
	is_open(r);
	is_size(r, old.size, 3);
	IS(r->said[MSG_COSIGNATURE] == notes && !r->said[MSG_ATTEST]);
	IS(r->body[MSG_CHECKPOINT].p[0] == WHOSE_RECEIVER);
	IS(r->said[MSG_JOINT] == joints);
	IS(rig_pair(r)->peer.cosigned == 2);
	forget();
}

/* With its own writes after the snapshot: two histories, and it says so */
static void snapshot_wrote(struct rig *r)
{
	const struct pair *p;

	roll_back(r, 2, true);
	for (char id[] = "A"; id[0] < 'F'; id[0]++)
		rig_submit(r, id, 30);
	is_size(r, old.size + 5, 2);
	connect_showing(r, &old.note);
	p = rig_pair(r);
	IS(p->state == PAIR_STOPPED && strstr(p->why, "two histories"));
	is_closed(r, "this pairing is closed here");
	is_size(r, old.size + 5, 2);
	is_verdict(r, VERDICT_TRUSTED, "");	/* the peer has done nothing */
	is_proof(r, 0, "fork");
	is_dossier(r, "verdict: exposed north.example fork proof/1.fork");
	/* and nothing is signed any more, also after a start */
	rig_restart(r);
	IS(state(r) == PAIR_STOPPED);
	rig_submit(r, "more", 20);
	IS(r->answer == ANSWER_STOPPED);
	is_size(r, old.size + 5, 2);
	liar_connect(r);
	is_closed(r, "this pairing is closed here");
	is_proof(r, 1, NULL);
	forget();
}

/* Fewer than what was lost: nothing more is signed, nothing is taken */
static void snapshot_wrote_less(struct rig *r)
{
	uint8_t root[DIGEST_BYTES];
	enum pair_result result;
	struct buf small;

	roll_back(r, 4, true);
	rig_submit(r, "A", 30);
	is_size(r, old.size + 1, 2);
	connect_showing(r, &old.note);
	IS(state(r) == PAIR_RESTORING);
	give_back(r, &old.lost);
	is_closed(r, "not the entries that we signed");
	is_size(r, old.size + 1, 2);
	IS(state(r) == PAIR_RESTORING);
	IS(strstr(rig_pair(r)->why, "do not continue") != NULL);
	rig_submit(r, "B", 30);
	IS(r->answer == ANSWER_RESTORING);
	is_size(r, old.size + 1, 2);
	is_verdict(r, VERDICT_TRUSTED, "");
	/* nobody can vouch for it, nor can the liar make it forget */
	rig_turn(r, core_pair_vouch(r->core, r->peer_name, &result));
	IS(result != PAIR_OK && state(r) == PAIR_RESTORING);
	rig_restart(r);
	liar_connect(r);
	attest(r);
	IS(state(r) == PAIR_RESTORING);
	rig_turn(r, core_pair_vouch(r->core, r->peer_name, &result));
	IS(result != PAIR_OK && state(r) == PAIR_RESTORING);
	IS(strstr(rig_pair(r)->why, "do not continue") != NULL);
	is_size(r, old.size + 1, 3);
	/* a smaller tree of the lost history is the proof */
	story_root(&old.lost, old.size + 1, root);
	buf_init(&small, NOTE_BYTES_MAX);
	liar_note(&small, r->names.peer_origin, old.size + 1, root,
		  &r->core_log, NULL, 0);
	connect_showing(r, &small);
	IS(state(r) == PAIR_STOPPED);
	is_proof(r, 0, "fork");
	is_dossier(r, "verdict: exposed north.example fork proof/1.fork");
	buf_free(&small);
	forget();
}

/* The turn that learns of it had written already: it is void */
static void snapshot_writing(struct rig *r)
{
	const struct submit s = {.kind = ENTRY_NOTICE,
				 .by = "A",
				 .precedence = "routine",
				 .subject = "s",
				 .media = "text/plain",
				 .body = (const uint8_t *)"x",
				 .body_n = 1};
	struct buf own, held, b;
	struct hello h;
	int err;

	roll_back(r, 1, true);
	rig_path(r);
	liar_hello_make(r, &h, &own, &held);
	h.held = (struct str){(const char *)old.note.p, old.note.n};
	buf_init(&b, FRAME_BYTES_MAX);
	IS(!hello_encode(&h, r->exporter, r->my_trunk, &b));
	IS(!core_submit(r->core, r->now, &s));
	err = core_path_frame(r->core, r->now, r->conn, FRAME_HELLO, b.p, b.n);
	IS(err == ESTALE);
	rig_turn(r, err);
	is_size(r, old.size, 2);
	connect_showing(r, &old.note);
	IS(state(r) == PAIR_RESTORING);
	buf_free(&own);
	buf_free(&held);
	buf_free(&b);
	forget();
}

/* ---- a peer that hides what it has ---- */

/* The marker says that we have signed more; the liar attests the old size,
   with the time given */
static void attest_less(struct rig *r, unsigned more)
{
	roll_back(r, more, false);
	IS(state(r) == PAIR_RESTORING);
	liar_connect(r);	/* shows what the store has */
	IS(state(r) == PAIR_RESTORING && r->said[MSG_FETCH] == 1);
	rig_submit(r, "no", 20);
	IS(r->answer == ANSWER_RESTORING);
	is_size(r, old.size, 2);
	liar_cosign(r, MSG_ATTEST, old.size, rig_time_s(r));
	IS(state(r) == PAIR_LIVE);
	is_size(r, old.size + 1, 2);
	is_verdict(r, VERDICT_TRUSTED, "");
}

static void goes_on(struct rig *r)
{
	const uint64_t size = memdb_size(r->db, 0);

	IS(state(r) == PAIR_LIVE);
	rig_submit(r, NULL, 20);
	IS(r->answer == ANSWER_OK && memdb_size(r->db, 0) == size + 1);
	rig_restart(r);
	IS(state(r) == PAIR_LIVE);
}

/* Shown when ours has grown past it */
static void hidden_smaller(struct rig *r)
{
	attest_less(r, 1);
	is_size(r, old.size + 1, 2);
	connect_showing(r, &old.note);
	is_verdict(r, VERDICT_SUSPECTED, "did not attest");
	is_open(r);
	is_proof(r, 0, "fork");
	is_dossier(r, "verdict: suspected north.example fork-after-restore "
		      "proof/1.fork");
	goes_on(r);
	connect_showing(r, &old.note);
	is_proof(r, 1, NULL);
	IS(state(r) == PAIR_LIVE);
	forget();
}

/* Shown with the liar's own cosignature from before it attested less */
static void hidden_cosigned(struct rig *r)
{
	struct note note;
	struct buf shown;

	attest_less(r, 1);
	buf_init(&shown, NOTE_BYTES_MAX);
	buf_put(&shown, old.note.p, old.note.n);
	IS(!note_parse(old.note.p, old.note.n, &note));
	IS(!note_sign(&shown, note.body, &r->my_cosig, rig_time_s(r) - 30));
	connect_showing(r, &shown);
	is_verdict(r, VERDICT_EXPOSED, "did not attest");
	is_closed(r, "proven false");
	is_proof(r, 0, "fork");
	is_proof(r, 1, NULL);
	is_dossier(r, "verdict: exposed south.example attested-lie "
		      "proof/1.fork");
	goes_on(r);
	buf_free(&shown);
	forget();
}

/* Cosigned after it attested: for a stranger it may have come late */
static void hidden_cosigned_later(struct rig *r)
{
	struct note note;
	struct buf shown;

	attest_less(r, 1);
	buf_init(&shown, NOTE_BYTES_MAX);
	buf_put(&shown, old.note.p, old.note.n);
	IS(!note_parse(old.note.p, old.note.n, &note));
	IS(!note_sign(&shown, note.body, &r->my_cosig, rig_time_s(r) + 5));
	connect_showing(r, &shown);
	is_verdict(r, VERDICT_SUSPECTED, "did not attest");
	is_open(r);
	is_dossier(r, "verdict: suspected north.example fork-after-restore "
		      "proof/1.fork");
	goes_on(r);
	buf_free(&shown);
	forget();
}

/* A clock that was set back explains it */
static void hidden_clock(struct rig *r)
{
	struct envelope env;
	char was[STAMP_CHARS + 1], now[STAMP_CHARS + 1], fields[200];
	struct note note;
	struct buf shown;

	attest_less(r, 1);
	story_envelope(r, &r->mine, &env);
	stamp_print(r->mine.time_ms, was);
	env.time_ms = r->mine.time_ms - 100000000;
	stamp_print(env.time_ms, now);
	snprintf(fields, sizeof(fields), "kind clock\nwas %s\nnow %s\n", was,
		 now);
	story_add(r, &r->mine, &env, "fault", fields);
	liar_push(r);
	buf_init(&shown, NOTE_BYTES_MAX);
	buf_put(&shown, old.note.p, old.note.n);
	IS(!note_parse(old.note.p, old.note.n, &note));
	IS(!note_sign(&shown, note.body, &r->my_cosig, rig_time_s(r) - 30));
	connect_showing(r, &shown);
	is_verdict(r, VERDICT_SUSPECTED, "did not attest");
	is_dossier(r, "verdict: suspected north.example fork-after-restore "
		      "proof/1.fork");
	goes_on(r);
	buf_free(&shown);
	forget();
}

/* Shown while it is still larger than ours: no fork yet, and no reason to
   believe that we are the older copy again */
static void hidden_larger(struct rig *r)
{
	attest_less(r, 6);
	connect_showing(r, &old.note);
	IS(state(r) == PAIR_LIVE);
	is_verdict(r, VERDICT_SUSPECTED, "did not attest");
	is_open(r);
	is_proof(r, 0, "hidden");
	is_proof(r, 1, NULL);
	goes_on(r);
	connect_showing(r, &old.note);
	IS(state(r) == PAIR_LIVE);
	is_proof(r, 1, NULL);
	for (char id[] = "A"; id[0] < 'J'; id[0]++)
		rig_submit(r, id, 30);
	connect_showing(r, &old.note);
	is_proof(r, 1, "fork");
	is_dossier(r, "verdict: suspected north.example fork-after-restore "
		      "proof/2.fork");
	goes_on(r);
	forget();
}

/* As a COSIGNATURE with our own old signature on it */
static void hidden_as_cosignature(struct rig *r)
{
	struct note note;

	attest_less(r, 1);
	IS(!note_parse(old.note.p, old.note.n, &note));
	IS(!note_sign(&old.note, note.body, &r->my_cosig, rig_time_s(r) - 30));
	liar_lane(r, LANE_RECORD, MSG_COSIGNATURE, old.note.p, old.note.n);
	is_verdict(r, VERDICT_EXPOSED, "did not attest");
	is_closed(r, "not the tree that we signed");
	is_dossier(r, "verdict: exposed south.example attested-lie "
		      "proof/1.fork");
	goes_on(r);
	forget();
}

/* Restored once and rolled back again: that is no lie of the peer's */
static void restored_twice(struct rig *r)
{
	struct image *image;
	struct story lost;

	attest_less(r, 1);
	story_add(r, &r->mine, NULL, "ack", "");
	liar_push(r);
	image = memdb_backup(r->db);
	old.marker = r->marker;
	rig_wait(r, 60000);
	rig_submit(r, "y", 20);
	story_of_core(r, &lost);
	core_note(r, FEED_OWN, NOTE_SIGNED, UINT64_MAX, &old.note);
	r->core = core_free(r->core);
	memdb_restore(r->db, image);
	r->marker = old.marker;
	rig_restart(r);
	connect_showing(r, &old.note);
	IS(state(r) == PAIR_RESTORING);
	give_back(r, &lost);
	attest(r);
	IS(state(r) == PAIR_LIVE);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_dossier(r, "verdict: trusted");
	image_free(image);
	story_free(&lost);
	forget();
}

/* What it has shown before a crash is known after it */
static void shown_then_hidden(struct rig *r)
{
	enum pair_result result;

	roll_back(r, 3, true);
	connect_showing(r, &old.note);
	IS(state(r) == PAIR_RESTORING);
	rig_restart(r);
	IS(state(r) == PAIR_RESTORING);
	liar_connect(r);	/* shows what the store has */
	liar_cosign(r, MSG_ATTEST, old.size, rig_time_s(r));
	IS(state(r) == PAIR_RESTORING);
	is_size(r, old.size, 2);
	rig_turn(r, core_pair_vouch(r->core, r->peer_name, &result));
	IS(result != PAIR_OK && state(r) == PAIR_RESTORING);
	give_back(r, &old.lost);
	rig_restart(r);
	connect_showing(r, &old.note);
	attest(r);
	IS(state(r) == PAIR_LIVE);
	IS(core_says(r, old.size + 3, "\ntype restore\n"));
	is_size(r, old.size + 4, 3);
	is_verdict(r, VERDICT_TRUSTED, "");
	is_dossier(r, "verdict: trusted");
	goes_on(r);
	forget();
}

/* ---- lies in an attestation ---- */

static void attest_wrong(struct rig *r)
{
	uint8_t root[DIGEST_BYTES];
	struct buf b;

	roll_back(r, 3, false);
	connect_showing(r, &old.note);
	/* less than it has shown */
	liar_cosign(r, MSG_ATTEST, old.size, rig_time_s(r));
	IS(state(r) == PAIR_RESTORING);
	is_open(r);
	give_back(r, &old.lost);
	liar_cosign(r, MSG_ATTEST, old.size, rig_time_s(r));
	IS(state(r) == PAIR_RESTORING);
	/* as a mere cosignature */
	story_add(r, &r->mine, NULL, "ack", "");
	liar_push(r);
	liar_cosign(r, MSG_COSIGNATURE, old.lost.tree.size, rig_time_s(r));
	IS(state(r) == PAIR_RESTORING);
	/* more than there is */
	buf_init(&b, NOTE_BYTES_MAX);
	core_root(r, FEED_OWN, old.size, root);
	liar_note(&b, r->names.peer_origin, old.lost.tree.size + 1, root, NULL,
		  &r->my_cosig, rig_time_s(r));
	liar_lane(r, LANE_RECORD, MSG_ATTEST, b.p, b.n);
	IS(state(r) == PAIR_RESTORING);
	is_size(r, old.lost.tree.size, 3);
	is_open(r);
	/* a word from before this session */
	liar_cosign(r, MSG_ATTEST, old.lost.tree.size, rig_time_s(r) - 100);
	is_closed(r, "ATTEST is older");
	IS(state(r) == PAIR_RESTORING);
	connect_showing(r, &old.note);
	/* another root */
	liar_note(&b, r->names.peer_origin, old.lost.tree.size, root, NULL,
		  &r->my_cosig, rig_time_s(r));
	liar_lane(r, LANE_RECORD, MSG_ATTEST, b.p, b.n);
	is_closed(r, "not the tree");
	is_verdict(r, VERDICT_SUSPECTED, "cosigned another tree");
	IS(state(r) == PAIR_RESTORING);
	connect_showing(r, &old.note);
	attest(r);
	IS(state(r) == PAIR_LIVE);
	buf_free(&b);
	forget();
}

/* Stopped when our own entries were back and the liar's were not: what we have
   seen must not go back */
static void stopped_in_between(struct rig *r)
{
	enum pair_result result;
	struct story mine;

	memset(&old, 0, sizeof(old));
	buf_init(&old.note, NOTE_BYTES_MAX);
	usual(r);
	old.image = memdb_backup(r->db);
	story_add(r, &r->mine, NULL, "line", "state up\n");
	liar_push(r);
	is_size(r, 5, 2);
	story_of_core(r, &old.lost);
	core_note(r, FEED_OWN, NOTE_SIGNED, UINT64_MAX, &old.note);
	r->core = core_free(r->core);
	memdb_restore(r->db, old.image);
	rig_restart(r);
	IS(state(r) == PAIR_RESTORING);
	connect_showing(r, &old.note);
	give_back(r, &old.lost);
	is_size(r, 5, 1);
	rig_restart(r);
	IS(state(r) == PAIR_RESTORING);
	rig_turn(r, core_pair_vouch(r->core, r->peer_name, &result));
	IS(result != PAIR_OK && state(r) == PAIR_RESTORING);
	rig_submit(r, "no", 20);
	IS(r->answer == ANSWER_RESTORING);
	is_size(r, 5, 1);
	/* attested too early, by one that hides what ours have seen */
	r->mine.sent = 1;
	connect_showing(r, &old.note);
	liar_cosign(r, MSG_ATTEST, 5, rig_time_s(r));
	IS(state(r) == PAIR_RESTORING);
	is_size(r, 5, 1);
	r->mine.sent = 2;
	connect_showing(r, &old.note);
	story_copy(&mine, &r->mine, 2);
	liar_entries(r, &mine, WHOSE_SENDER, 1, 2);
	liar_checkpoint(r, &mine, 2);
	is_size(r, 5, 2);
	attest(r);
	IS(state(r) == PAIR_LIVE);
	is_size(r, 6, 3);
	IS(core_says(r, 5, "\nfrom 4\n"));	/* as it began */
	/* what that cosignature was worth is known */
	is_verdict(r, VERDICT_SUSPECTED, "has seen only 2");
	is_dossier(r, "verdict: trusted");
	story_free(&mine);
	forget();
}

/* Attested before all is here that the liar has shown to have written */
static void attest_before_push(struct rig *r)
{
	roll_back(r, 1, false);
	story_add(r, &r->mine, NULL, "line", "state up\n");
	r->mine.sent = 3;	/* shown in HELLO, not sent */
	liar_connect(r);
	liar_cosign(r, MSG_ATTEST, old.size, rig_time_s(r));
	IS(state(r) == PAIR_RESTORING);
	is_size(r, old.size, 2);
	liar_entries(r, &r->mine, WHOSE_SENDER, 2, 3);
	liar_checkpoint(r, &r->mine, 3);
	IS(state(r) == PAIR_RESTORING);
	is_size(r, old.size, 3);
	liar_cosign(r, MSG_ATTEST, old.size, rig_time_s(r));
	IS(state(r) == PAIR_LIVE);
	is_size(r, old.size + 1, 3);
	is_verdict(r, VERDICT_TRUSTED, "");
	forget();
}

/* Checkpoints between are not given back; what the peer has seen by them is
   right all the same, also after a start */
static void seen_of_lost_checkpoint(struct rig *r)
{
	struct envelope env;

	roll_back(r, 3, false);
	connect_showing(r, &old.note);
	give_back(r, &old.lost);
	is_size(r, old.size + 3, 2);
	rig_restart(r);
	connect_showing(r, &old.note);
	for (uint64_t size = old.size + 1; size <= old.size + 2; size++) {
		story_envelope(r, &r->mine, &env);
		env.seen = size;
		core_root(r, FEED_OWN, size, env.seen_root);
		story_add(r, &r->mine, &env, "ack", "");
	}
	liar_push(r);
	is_size(r, old.size + 3, 4);
	is_verdict(r, VERDICT_TRUSTED, "");
	attest(r);
	IS(state(r) == PAIR_LIVE);
	is_dossier(r, "verdict: trusted");
	forget();
}

/* Other entries than those that we signed */
static void give_back_other(struct rig *r)
{
	struct story other;

	roll_back(r, 2, false);
	connect_showing(r, &old.note);
	story_copy(&other, &old.lost, old.lost.tree.size - 1);
	story_raw(&other, "x", 1);
	give_back(r, &other);
	is_closed(r, "not the entries that we signed");
	is_size(r, old.size, 2);
	IS(state(r) == PAIR_RESTORING);
	is_count(r, COUNT_RECORD_BAD, 1);
	is_verdict(r, VERDICT_TRUSTED, "");
	/* all of them, and then what is true */
	connect_showing(r, &old.note);
	give_back(r, &old.lost);
	is_size(r, old.lost.tree.size, 2);
	story_free(&other);
	forget();
}

/* A repeated id must not be written twice, whoever gave the entry back */
static void id_survives(struct rig *r)
{
	roll_back(r, 2, false);
	connect_showing(r, &old.note);
	give_back(r, &old.lost);
	attest(r);
	IS(state(r) == PAIR_LIVE);
	rig_submit(r, "xb", 50);
	IS(r->answer == ANSWER_OK && r->answer_seq == old.size + 1);
	is_size(r, old.lost.tree.size + 1, 3);
	rig_submit(r, "first", 100);
	IS(r->answer == ANSWER_OK && r->answer_seq == 3);
	is_size(r, old.lost.tree.size + 1, 3);
	forget();
}

/* The marker is gone, the store is the newest, and the operator says so */
static void vouched(struct rig *r)
{
	enum pair_result result;

	usual(r);
	liar_ack(r);
	r->marked = false;
	rig_restart(r);
	IS(state(r) == PAIR_RESTORING);
	rig_turn(r, core_pair_vouch(r->core, r->peer_name, &result));
	IS(result == PAIR_OK && state(r) == PAIR_LIVE && r->marked);
	liar_connect(r);
	is_open(r);
	is_verdict(r, VERDICT_TRUSTED, "");
}

const struct hostile hostile_restore[] = {
	{"snapshot_heals", snapshot_heals, false},
	{"snapshot_heals", snapshot_heals, true},
	{"restoring_signs_nothing", restoring_signs_nothing, false},
	{"restoring_signs_nothing", restoring_signs_nothing, true},
	{"snapshot_wrote", snapshot_wrote, false},
	{"snapshot_wrote_less", snapshot_wrote_less, false},
	{"snapshot_writing", snapshot_writing, false},
	{"hidden_smaller", hidden_smaller, false},
	{"hidden_smaller", hidden_smaller, true},
	{"hidden_cosigned", hidden_cosigned, false},
	{"hidden_cosigned_later", hidden_cosigned_later, false},
	{"hidden_clock", hidden_clock, false},
	{"hidden_larger", hidden_larger, false},
	{"hidden_as_cosignature", hidden_as_cosignature, false},
	{"restored_twice", restored_twice, false},
	{"shown_then_hidden", shown_then_hidden, false},
	{"shown_then_hidden", shown_then_hidden, true},
	{"attest_wrong", attest_wrong, false},
	{"attest_before_push", attest_before_push, false},
	{"seen_of_lost_checkpoint", seen_of_lost_checkpoint, false},
	{"stopped_in_between", stopped_in_between, false},
	{"give_back_other", give_back_other, false},
	{"id_survives", id_survives, false},
	{"vouched", vouched, false},
	{0},
};
