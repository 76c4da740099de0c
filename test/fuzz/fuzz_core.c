/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_core.c  A real core against a peer that does anything at all
 *
 * The input is a list of steps: an octet says which, the next ones how.  Most
 * are a liar's, who signs what he writes, so that what comes after HELLO is
 * reached; some are the core's own life: a start, a bad disk, an old backup.
 */
#include <errno.h>
#include "fuzz/fuzz.h"
#include "sim/memdb.c"
#include "sim/liar.c"

#define STEPS_MAX 48
#define FUZZ_ENTRIES_MAX 200

static struct {
	struct rig r;
	struct cur in;
	struct image *image;
	struct story lost;	/* the core's feed before it went back */
	struct buf note;	/* its newest note then */
	struct core_marker marker;
	bool marked;
	enum verdict verdict;	/* so far */
	bool stopped;
} f;

static uint64_t number(void)
{
	const uint8_t n = cur_u8(&f.in);

	/* small ones, mostly; some from the other end */
	return n < 250    ? n
	       : n == 250 ? INT64_MAX
	       : n == 251 ? UINT64_MAX
			  : UINT64_MAX - cur_u8(&f.in);
}

static uint64_t at_most(uint64_t n)
{
	return cur_u16(&f.in) % (n + 1);
}

/* ---- what the liar does ---- */

static void step_connect(void)
{
	const uint8_t how = cur_u8(&f.in);
	struct buf own, held, old;
	struct hello h;

	rig_path(&f.r);
	if (how & 8)
		return;
	liar_hello_make(&f.r, &h, &own, &held);
	buf_init(&old, NOTE_BYTES_MAX);
	if (how & 1)
		core_note(&f.r, FEED_OWN, NOTE_SIGNED, at_most(50), &old);
	else if (how & 2)
		buf_put(&old, f.note.p, f.note.n);
	if (how & 3)
		h.held = (struct str){old.n ? (const char *)old.p : "", old.n};
	if (how & 4)
		memcpy(h.sid, f.r.sid, SID_BYTES);
	if (how & 16)
		h.own = (struct str){"", 0};
	if (how & 32)
		h.time_ms = (int64_t)at_most(60000);
	if (how & 64)
		h.rx[LANE_RECORD] = number();
	liar_hello(&f.r, &h);
	buf_free(&own);
	buf_free(&held);
	buf_free(&old);
}

static void step_frame(void)
{
	const enum frame_type type = cur_u8(&f.in) % (FRAME_TYPES + 1);
	const size_t n = cur_u8(&f.in);
	const uint8_t *p = cur_take(&f.in, n);

	liar_frame(&f.r, type, p, p ? n : 0);
}

static void step_lane(void)
{
	const uint8_t how = cur_u8(&f.in);
	const size_t n = cur_u8(&f.in);
	const uint8_t *p = cur_take(&f.in, n);

	liar_lane(&f.r, how & 1, MSG_ENTRIES + (how >> 1) % 9, p, p ? n : 0);
}

static void step_lane_number(void)
{
	const struct lane_frame lane = {.lane = cur_u8(&f.in) & 1,
					.seq = number(),
					.ack = number(),
					.msg = cur_u8(&f.in)};
	struct buf b;

	buf_init(&b, 100);
	lane_encode_head(&lane, &b);
	liar_frame(&f.r, FRAME_LANE, b.p, b.n);
	buf_free(&b);
}

static void blob_fields(char *out, size_t size)
{
	static const uint8_t zero[BODY_ROW_MAX + 1000];
	const uint64_t n = cur_u16(&f.in) % sizeof(zero);
	uint8_t h[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];

	digest(zero, n, h);
	hex_encode(h, DIGEST_BYTES, hex);
	snprintf(out, size,
		 "id i\nby b\nprecedence flash\nsubject s\n"
		 "blob sha256:%s %llu a/b\n",
		 hex, (unsigned long long)n);
}

static void twist(struct envelope *env)
{
	switch (cur_u8(&f.in)) {
	case 1: env->seq = number(); break;
	case 2: env->seen = at_most(60); break;
	case 3: env->seen_root[0] ^= 1; break;
	case 4: env->time_ms -= (int64_t)at_most(60000); break;
	case 5: env->origin = str_of(f.r.names.peer_origin); break;
	case 6:
		env->seen = at_most(env->seen);
		core_root(&f.r, FEED_OWN, env->seen, env->seen_root);
		break;
	default: break;
	}
}

static void step_entry(void)
{
	static const char *const type[] = {"ack",     "line",   "receipt",
					   "refuse",  "notice", "fault",
					   "restore", "later"};
	const size_t which = cur_u8(&f.in) % (sizeof(type) / sizeof(type[0]));
	char fields[600] = "state up\n", was[STAMP_CHARS + 1],
	     at[STAMP_CHARS + 1];
	struct envelope env;

	if (f.r.mine.tree.size >= FUZZ_ENTRIES_MAX)
		return;
	if (!f.r.mine.tree.size) {
		liar_open(&f.r);
		return;
	}
	story_envelope(&f.r, &f.r.mine, &env);
	twist(&env);
	if (which == 0)
		fields[0] = '\0';
	if (which == 2 || which == 3)
		snprintf(fields, sizeof(fields), "%sof %u %u\n%s",
			 which == 2 ? "state held\n" : "",
			 (unsigned)cur_u8(&f.in), (unsigned)cur_u8(&f.in),
			 which == 3 ? "reason r\n" : "");
	if (which == 4)
		blob_fields(fields, sizeof(fields));
	if (which == 5) {
		stamp_print(f.r.mine.time_ms, was);
		stamp_print(env.time_ms, at);
		snprintf(fields, sizeof(fields), "kind clock\nwas %s\nnow %s\n",
			 was, at);
	}
	story_add(&f.r, &f.r.mine, &env, type[which], fields);
}

static void step_raw_entry(void)
{
	const size_t n = 1 + cur_u8(&f.in);
	const uint8_t *p = cur_take(&f.in, n);

	if (p && f.r.mine.tree.size < FUZZ_ENTRIES_MAX)
		story_raw(&f.r.mine, p, n);
}

static void step_push(void)
{
	if (f.r.mine.tree.size)
		liar_push(&f.r);
}

static void step_range(void)
{
	const uint64_t size = f.r.mine.tree.size, first = at_most(size),
		       last = at_most(size);

	liar_entries(&f.r, &f.r.mine, WHOSE_SENDER, first, last);
	if (last)
		liar_checkpoint(&f.r, &f.r.mine, at_most(last));
}

static void step_fork(void)
{
	struct story other;
	const uint64_t size = f.r.mine.tree.size;

	story_copy(&other, &f.r.mine, at_most(size));
	story_raw(&other, "other", 5);
	liar_checkpoint(&f.r, &other, at_most(other.tree.size));
	story_free(&other);
}

static void step_cosign(void)
{
	const uint8_t how = cur_u8(&f.in);
	const uint64_t size = how & 2 ? memdb_size(f.r.db, FEED_OWN) : number(),
		       before_s = how & 4 ? at_most(60000) : 0;

	liar_cosign(&f.r, how & 1 ? MSG_ATTEST : MSG_COSIGNATURE, size,
		    rig_time_s(&f.r) - before_s);
}

static void step_joint(void)
{
	const uint8_t how = cur_u8(&f.in);
	const struct tree *joint = &rig_pair(&f.r)->joint;
	uint8_t root[DIGEST_BYTES];
	struct buf b;
	struct note note;

	buf_init(&b, NOTE_BYTES_MAX);
	if (how & 1 &&
	    !note_parse(f.r.body[MSG_JOINT].p, f.r.body[MSG_JOINT].n, &note)) {
		buf_put(&b, f.r.body[MSG_JOINT].p, f.r.body[MSG_JOINT].n);
		MUST(!note_parse(b.p, b.n, &note));
		if (note_sign(&b, note.body, &f.r.my_cosig, 7))
			abort();
	} else {
		tree_root(joint, root);
		root[0] ^= how >> 1 & 1;
		liar_note(&b, f.r.names.joint_origin,
			  joint->size + (how >> 2 & 1), root, &f.r.joint_log,
			  &f.r.my_cosig, 7);
	}
	liar_lane(&f.r, LANE_RECORD, MSG_JOINT, b.p, b.n);
	buf_free(&b);
}

static void step_bulk(void)
{
	static const uint8_t zero[BULK_BYTES];
	const struct intake *in = &rig_pair(&f.r)->s.in[0];
	const uint8_t how = cur_u8(&f.in);
	uint64_t seq = number(), offset = number();
	size_t n = at_most(BULK_BYTES);
	struct buf b;

	if (how & 1) {	/* what is asked for */
		seq = in->want.seq | (in->of == FEED_OWN ? BODY_OF_ASKER : 0);
		offset = in->have;
		if (n > in->asked - in->have || how & 2)
			n = (size_t)(in->asked - in->have);
		n = n > BULK_BYTES ? BULK_BYTES : n;
	}
	buf_init(&b, FRAME_BYTES_MAX);
	bulk_encode_head(seq, offset, &b);
	buf_put(&b, zero, n);
	liar_frame(&f.r, FRAME_BULK, b.p, b.n);
	buf_free(&b);
}

static void step_numbers(void)
{
	static const enum msg_type msg[] = {MSG_WANT, MSG_FETCH, MSG_GONE};
	const size_t which = cur_u8(&f.in) % 3;
	struct buf b;

	buf_init(&b, 100);
	buf_u64(&b, number());
	if (!which) {
		buf_u64(&b, number());
		buf_u32(&b, (uint32_t)number());
	}
	liar_lane(&f.r, which == 1 ? LANE_RECORD : LANE_CONTROL, msg[which],
		  b.p, b.n);
	buf_free(&b);
}

/* ---- what happens to the core ---- */

static void step_back(void)
{
	const uint8_t how = cur_u8(&f.in);

	if (!f.image || how & 1) {
		image_free(f.image);
		f.image = memdb_backup(f.r.db);
		f.marker = f.r.marker;
		f.marked = f.r.marked;
		return;
	}
	story_free(&f.lost);
	story_of_core(&f.r, &f.lost);
	core_note(&f.r, FEED_OWN, NOTE_SIGNED, UINT64_MAX, &f.note);
	f.r.core = core_free(f.r.core);
	memdb_restore(f.r.db, f.image);
	if (how & 2) {
		f.r.marker = f.marker;
		f.r.marked = f.marked && !(how & 4);
	}
	rig_restart(&f.r);
	/* the operator has the old verdict back too */
	f.verdict = rig_pair(&f.r)->verdict;
	f.stopped = rig_pair(&f.r)->state == PAIR_STOPPED;
}

static void step_give_back(void)
{
	struct buf b;

	liar_entries(&f.r, &f.lost, WHOSE_RECEIVER,
		     memdb_size(f.r.db, FEED_OWN),
		     f.lost.tree.size - at_most(1) * !!f.lost.tree.size);
	buf_init(&b, FRAME_BYTES_MAX);
	buf_u8(&b, WHOSE_RECEIVER);
	buf_put(&b, f.note.p, f.note.n);
	liar_lane(&f.r, LANE_RECORD, MSG_CHECKPOINT, b.p, b.n);
	buf_free(&b);
}

static void step_wait(void)
{
	static const uint64_t ms[] = {200, 1000, 2000, 11000, 61000};

	rig_wait(&f.r, ms[cur_u8(&f.in) % 5]);
}

static void step_clock(void)
{
	f.r.now.wall_ms += 3600000 * ((int64_t)cur_u8(&f.in) - 128);
}

static void step_submit(void)
{
	char id[2] = {(char)('a' + cur_u8(&f.in) % 8), '\0'};

	rig_submit(&f.r, id, cur_u16(&f.in) % 32000);
}

static void step_operator(void)
{
	enum pair_result result;

	if (cur_u8(&f.in) & 1)
		rig_turn(&f.r,
			 core_pair_vouch(f.r.core, f.r.peer_name, &result));
	else
		rig_turn(&f.r,
			 core_opened(f.r.core, f.r.now, 2, 0, number(), "Kim"));
}

static void step_start(void)
{
	rig_restart(&f.r);
}

static void step_closed(void)
{
	rig_closed(&f.r);
}

static void step_disk(void)
{
	const uint8_t how = cur_u8(&f.in);

	memdb_fail(f.r.db, how & 1 ? ENOSPC : how & 2 ? EIO : 0, how >> 2);
}

/* ---- what must hold ---- */

static void check(void)
{
	const struct pair *p = rig_pair(&f.r);

	MUST(!f.r.err || f.r.err == ENOSPC || f.r.err == EIO ||
	     f.r.err == ESTALE);
	MUST(p->own.tree.size == memdb_size(f.r.db, FEED_OWN));
	MUST(p->peer.tree.size == memdb_size(f.r.db, FEED_PEER));
	MUST(p->own.signed_size == p->own.tree.size);
	MUST(p->peer.signed_size == p->peer.tree.size);
	MUST(p->own.cosigned <= p->own.tree.size);
	MUST(p->peer.cosigned <= p->peer.tree.size);
	MUST(p->state != PAIR_LIVE || p->own.seen <= p->peer.tree.size);
	MUST(p->joint.size <= p->own.tree.size + p->peer.tree.size);
	MUST(p->joint_signed <= p->joint.size || p->restored ||
	     p->state == PAIR_RESTORING);
	for (int i = 0; i < LANES; i++)
		MUST(p->s.lane[i].bytes <= LANE_BYTES_MAX &&
		     p->s.lane[i].acked <= p->s.lane[i].tx);
	/* no way back from these */
	MUST(p->verdict >= f.verdict);
	MUST(p->verdict != VERDICT_EXPOSED || !p->s.paths);
	MUST(!f.stopped || (p->state == PAIR_STOPPED && !p->s.paths));
	f.verdict = p->verdict;
	f.stopped = p->state == PAIR_STOPPED;
	/* we were never given a reason to doubt ourselves but by a rollback */
	MUST(!f.stopped || f.lost.tree.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const step[])(void) = {
		step_connect, step_frame,  step_lane,      step_lane_number,
		step_entry,   step_push,   step_range,     step_raw_entry,
		step_fork,    step_cosign, step_joint,     step_bulk,
		step_numbers, step_back,   step_give_back, step_wait,
		step_clock,   step_submit, step_operator,  step_start,
		step_closed,  step_disk};

	if (!size)
		return 0;
	memset(&f, 0, sizeof(f));
	buf_init(&f.note, NOTE_BYTES_MAX);
	rig_init(&f.r, data[0] & 1);
	f.in = cur_of(data + 1, size - 1);
	for (unsigned i = 0; i < STEPS_MAX && f.in.n; i++) {
		step[cur_u8(&f.in) % (sizeof(step) / sizeof(step[0]))]();
		check();
		f.r.err = 0;
	}
	image_free(f.image);
	story_free(&f.lost);
	buf_free(&f.note);
	rig_free(&f.r);
	return 0;
}
