/* SPDX-License-Identifier: ISC */
/** @file check.c  What must hold in a world at every step, and at its end */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/state.h"
#include "world.h"

struct pair_view world_view(const struct world *w, int side)
{
	struct pair_view v = {0};

	if (w->node[side].core)
		(void)core_pair_get(w->node[side].core, 0, &v);
	return v;
}

/* One side's feed and its mirror at the other: one a beginning of the other */
static void check_mirror(struct world *w, int author)
{
	struct memdb *own = w->node[author].db, *mirror = w->node[!author].db;
	const uint64_t a = memdb_size(own, 0), b = memdb_size(mirror, 1);

	for (uint64_t i = 0; i < a && i < b; i++) {
		size_t n, m;
		const uint8_t *p = memdb_entry(own, 0, i, &n),
			      *q = memdb_entry(mirror, 1, i, &m);

		if (n != m || memcmp(p, q, n)) {
			world_broken(w,
				     "%s: entry %" PRIu64
				     " differs from its mirror",
				     w->node[author].name, i);
			return;
		}
	}
}

static void check_acked(struct world *w, int side)
{
	const struct node *n = &w->node[side];
	const uint64_t held = memdb_size(w->node[!side].db, 1);

	for (size_t i = 0; i < n->items; i++) {
		if (n->item[i].acked && n->item[i].seq >= held &&
		    w->node[!side].core &&
		    w->node[!side].core->pair[0]->state == PAIR_LIVE &&
		    w->node[!side].up)
			world_broken(w, "%s: %s was acknowledged and is lost",
				     n->name, n->item[i].id);
	}
}

static void check_queues(struct world *w, const struct node *n)
{
	const struct pair *p = n->core ? n->core->pair[0] : NULL;

	for (int i = 0; p && i < LANES; i++) {
		if (p->s.lane[i].bytes > LANE_BYTES_MAX ||
		    p->s.lane[i].frames > LANE_FRAMES_MAX)
			world_broken(w, "%s: lane %d is over its limit",
				     n->name, i);
	}
	if (p && (p->state == PAIR_STOPPED || p->verdict != VERDICT_TRUSTED))
		world_broken(w, "%s: honest sides, and yet: %s%s", n->name,
			     p->why, p->verdict_why);
}

/* The joint record computed naively (record.md 6), its root compared */
static void check_joint(struct world *w, int side)
{
	const struct node *n = &w->node[side];
	const struct pair *p = n->core->pair[0];
	const uint32_t pf = p->names.own_pivot ? 0 : 1, qf = 1 - pf;
	struct tree t = {0};
	uint8_t leaf[DIGEST_BYTES], a[DIGEST_BYTES], b[DIGEST_BYTES];
	uint64_t j = 0;

	for (uint64_t i = 0; i < memdb_size(n->db, pf); i++) {
		size_t len;
		const uint8_t *e = memdb_entry(n->db, pf, i, &len);
		struct entry parsed;

		if (entry_parse(e, len, &parsed))
			abort();
		if (parsed.env.seen > memdb_size(n->db, qf))
			break;	/* restored: placed when the rest is back */
		for (; j < parsed.env.seen; j++) {
			size_t m;
			const uint8_t *q = memdb_entry(n->db, qf, j, &m);

			tree_leaf(q, m, leaf);
			tree_add(&t, leaf);
		}
		tree_leaf(e, len, leaf);
		tree_add(&t, leaf);
	}
	tree_root(&t, a);
	tree_root(&p->joint, b);
	if (memcmp(a, b, sizeof(a)))
		world_broken(w, "%s: joint record differs from its definition",
			     n->name);
}

void world_check(struct world *w)
{
	for (int s = 0; s < SIDES; s++) {
		check_mirror(w, s);
		check_acked(w, s);
		check_queues(w, &w->node[s]);
		if (w->node[s].core && !memdb_changed(w->node[s].db))
			check_joint(w, s);
	}
}

/* Entries with this id: items, and what says that one waits */
static int count_id(const struct world *w, int side, const char *id,
		    int *waiting)
{
	struct memdb *db = w->node[side].db;
	char line[64];
	int found = 0;

	*waiting = 0;
	snprintf(line, sizeof(line), "\nid %s\n", id);
	for (uint64_t i = 0; i < memdb_size(db, 0); i++) {
		size_t n;
		const uint8_t *p = memdb_entry(db, 0, i, &n);

		if (!memmem(p, n, line, strlen(line)))
			continue;
		if (memmem(p, n, "\ntype waiting\n", 14))
			(*waiting)++;
		else
			found++;
	}
	return found;
}

/* At the end: every promise that was given is kept exactly once */
static void check_items(struct world *w, int side)
{
	const struct node *n = &w->node[side];

	for (size_t i = 0; i < n->items; i++) {
		const struct item *it = &n->item[i];
		int waiting;
		const int found = count_id(w, side, it->id, &waiting);

		if (found > 1 || (waiting > 1 && !it->may_be_lost))
			world_broken(w, "%s: %s stands %d times", n->name,
				     it->id, found);
		if (!found && !waiting && it->stored && !it->may_be_lost)
			world_broken(w, "%s: %s was stored and is lost",
				     n->name, it->id);
	}
}

/* Did a disk take this body with it before the other side had it? */
static bool body_died(struct world *w, int side, uint64_t seq)
{
	size_t n;

	return !memdb_body(w->node[!side].db, 0, seq, &n);
}

static void check_bodies(struct world *w, int side)
{
	struct memdb *db = w->node[side].db;
	unsigned bits;

	for (uint64_t i = 0; i < memdb_size(db, 1); i++) {
		size_t n;
		const uint8_t *p = memdb_entry(db, 1, i, &n);
		struct entry e;

		if (entry_parse(p, n, &e) ||
		    (e.kind != ENTRY_NOTICE && e.kind != ENTRY_DOCUMENT))
			continue;
		if (memdb_db(db)->receipt_bits(db, 1, i, &bits) ||
		    (!(bits & 1u << RECEIPT_HELD) && !body_died(w, side, i)))
			world_broken(w, "%s never said that it holds %" PRIu64,
				     w->node[side].name, i);
	}
}

/* Bodies that are wanted and that the other side has */
static unsigned wants_to_come(struct world *w, int side)
{
	struct memdb *db = w->node[side].db, *other = w->node[!side].db;
	unsigned count = 0;

	for (uint32_t feed = 0; feed < 2; feed++) {
		struct db_want want;
		uint64_t from = 0;
		size_t n;

		while (!memdb_db(db)->want_next(db, feed, from, &want)) {
			from = want.seq + 1;
			if (want.seq < memdb_size(other, 1 - feed) &&
			    memdb_body(other, 1 - feed, want.seq, &n))
				count++;
		}
	}
	return count;
}

bool world_converged(struct world *w, char why[200])
{
	const struct pair_view a = world_view(w, 0), b = world_view(w, 1);
	bool yes = false;

	snprintf(why, 200,
		 "own %" PRIu64 "/%" PRIu64 " mirrored %" PRIu64 "/%" PRIu64
		 " cosigned %" PRIu64 "/%" PRIu64 " joint %" PRIu64 "/%" PRIu64
		 " signed %" PRIu64 "/%" PRIu64 " wants %" PRIu64 "/%" PRIu64
		 " state %d/%d paths %u/%u",
		 a.own_size, b.own_size, b.peer_size, a.peer_size, a.own_acked,
		 b.own_acked, a.joint_size, b.joint_size, a.joint_signed,
		 b.joint_signed, a.wants, b.wants, a.state, b.state, a.paths,
		 b.paths);
	if (!w->node[0].core || !w->node[1].core)
		return false;
	yes = a.own_size == b.peer_size && b.own_size == a.peer_size &&
	      a.own_acked == a.own_size && b.own_acked == b.own_size &&
	      a.joint_size == b.joint_size && a.joint_signed == a.joint_size &&
	      b.joint_signed == b.joint_size && !wants_to_come(w, 0) &&
	      !wants_to_come(w, 1) && a.state == PAIR_LIVE &&
	      b.state == PAIR_LIVE && a.session && b.session &&
	      !memcmp(a.joint_root, b.joint_root, DIGEST_BYTES);
	if (!yes)
		return false;
	for (int s = 0; s < SIDES; s++) {
		check_items(w, s);
		check_bodies(w, s);
	}
	return true;
}
