/* SPDX-License-Identifier: ISC */
/**
 * @file record.c  The joint record in its order, page by page
 *
 * Pivot entry i stands at i + seen(i); before it stand the other feed's entries
 * below seen(i) that no earlier pivot entry placed (docs/record.md 6).
 */
#include <errno.h>
#include <string.h>
#include "keeper/state.h"

struct rows {
	struct keeper *k;
	const struct pair_view *v;
	json_t *to;
	uint64_t pivot, other;	/* entries of each that stand before here */
	bool from_pivot;	/* the walk under way is of the pivot's feed */
	bool unplaced;
	uint32_t limit;
	size_t count, bytes;
};

static uint32_t feed_of(const struct rows *r, bool pivot)
{
	const bool own = r->v->names->own_pivot == pivot;

	return feed_id(r->v->pair, own ? FEED_OWN : FEED_PEER);
}

static json_t *fields_make(const struct entry *p)
{
	json_t *to = json_array();

	for (size_t i = 0; to && i < p->fields; i++) {
		if (json_array_append_new(
			    to, json_pack("[o,o]", reply_str(p->field[i].name),
					  reply_str(p->field[i].value)))) {
			json_decref(to);
			to = NULL;
		}
	}
	return to;
}

static int row_add(struct rows *r, const struct db_entry *e, bool pivot)
{
	const bool own = r->v->names->own_pivot == pivot;
	struct entry p;
	json_t *row;

	if (entry_parse(e->p, e->n, &p))
		return EIO;	/* the store holds what we never wrote */
	row = json_pack(
		"{s:o,s:s,s:I,s:o,s:o,s:I,s:b,s:o}", "joint",
		r->unplaced ? json_null()
			    : json_integer((json_int_t)(r->pivot + r->other)),
		"side", own ? "own" : "peer", "seq", (json_int_t)e->seq, "type",
		reply_str(p.type), "time", reply_stamp(p.env.time_ms), "seen",
		(json_int_t)p.env.seen, "understood", p.kind != ENTRY_UNKNOWN,
		"fields", fields_make(&p));
	if (!row || json_array_append_new(r->to, row))
		return ENOMEM;
	r->count++;
	r->bytes += e->n;
	return 0;
}

static bool full(const struct rows *r)
{
	return r->count == r->limit || r->bytes > PAGE_BYTES;
}

static int on_other(const struct db_entry *e, void *arg)
{
	struct rows *r = arg;
	int err;

	if (full(r))
		return ECANCELED;
	err = row_add(r, e, false);
	r->other += !err;
	return err;
}

static int on_pivot(const struct db_entry *e, void *arg)
{
	const struct db *db = store_db(((struct rows *)arg)->k->store);
	struct rows *r = arg;
	int err = 0;

	if (full(r) || r->pivot + r->other >= r->v->joint_size)
		return ECANCELED;
	if (r->other < e->seen)
		err = db->entry_walk(db->arg, feed_of(r, false), r->other,
				     e->seen - r->other, false, on_other, r);
	if (err)
		return err;
	if (full(r) || r->pivot + r->other >= r->v->joint_size)
		return ECANCELED;
	err = row_add(r, e, true);
	r->pivot += !err;
	return err;
}

/* How many entries of both feeds stand before joint index @p from */
static int seek(struct rows *r, uint64_t from)
{
	uint64_t i, at = 0;
	int err;

	err = store_joint_floor(r->k->store, feed_of(r, true), from, &i);
	if (err == ENOENT) {	/* before the first of the pivot's */
		r->pivot = 0;
		r->other = from;
		return 0;
	}
	if (err)
		return err;
	/* entry i itself, or what follows it? */
	if (from) {
		err = store_joint_floor(r->k->store, feed_of(r, true), from - 1,
					&at);
		if (err && err != ENOENT)
			return err;
	}
	r->pivot = !from || err == ENOENT || at != i ? i : i + 1;
	r->other = from - r->pivot;
	return 0;
}

static int placed_rows(struct rows *r, uint64_t from)
{
	const struct db *db = store_db(r->k->store);
	int err = seek(r, from);

	if (!err)
		err = db->entry_walk(db->arg, feed_of(r, true), r->pivot,
				     r->limit, false, on_pivot, r);
	return err == ECANCELED ? 0 : err;
}

/* What the pivot has not seen yet */
static int unplaced_rows(struct rows *r)
{
	const struct db *db = store_db(r->k->store);
	const uint64_t size = r->v->joint_size;
	uint64_t i = 0;
	int err = 0;

	r->unplaced = true;
	r->count = r->bytes = 0;
	r->limit = PAGE_ROWS;
	r->other = 0;
	if (size) {
		err = store_joint_floor(r->k->store, feed_of(r, true), size - 1,
					&i);
		r->other = size - 1 - i;
	}
	if (!err)
		err = db->entry_walk(db->arg, feed_of(r, false), r->other,
				     PAGE_ROWS, false, on_other, r);
	return err == ECANCELED ? 0 : err;
}

void record_page(struct keeper *k, const struct question *q)
{
	struct pair_view v;
	struct rows r = {.k = k, .v = &v};
	json_t *entries = json_array(), *unplaced = json_array();
	uint64_t next = q->from;
	int err = entries && unplaced ? 0 : ENOMEM;

	if (!pair_view_by(k, q->peer, &v)) {
		json_decref(entries);
		json_decref(unplaced);
		reply_no_pair(k, q->req, q->peer);
		return;
	}
	r.limit = q->limit && q->limit < PAGE_ROWS ? q->limit : PAGE_ROWS;
	r.to = entries;
	if (!err && q->from < v.joint_size) {
		err = placed_rows(&r, q->from);
		next = q->from + r.count;
	}
	r.to = unplaced;
	if (!err && next >= v.joint_size)
		err = unplaced_rows(&r);
	if (err) {
		json_decref(entries);
		json_decref(unplaced);
		reply_failure(k, q->req, err);
		return;
	}
	reply_json(k, q->req, 200,
		   json_pack("{s:o,s:o,s:o}", "entries", entries, "next",
			     next < v.joint_size
				     ? json_integer((json_int_t)next)
				     : json_null(),
			     "unplaced", unplaced));
}
