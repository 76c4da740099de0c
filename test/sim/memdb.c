/* SPDX-License-Identifier: ISC */
/** @file memdb.c  A store in memory that crashes like a disk */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "memdb.h"

#define FEEDS 8	/* two pairs in one exchange suffice */

/* Octets that never change once made; shared by both images and backups */
struct shared {
	unsigned refs;
	size_t n;
	uint8_t p[];
};

static struct shared *share(const void *p, size_t n)
{
	struct shared *s = malloc(sizeof(*s) + n);

	assert(s);
	s->refs = 1;
	s->n = n;
	if (n)
		memcpy(s->p, p, n);
	return s;
}

static struct shared *keep(struct shared *s)
{
	if (s)
		s->refs++;
	return s;
}

static void drop(struct shared *s)
{
	if (s && !--s->refs)
		free(s);
}

enum op_kind {
	OP_PAIR,
	OP_META,
	OP_ENTRY,
	OP_BODY,
	OP_NOTE,
	OP_RECEIPT,
	OP_WANT,
	OP_UNWANT,
	OP_PROOF,
	OP_LINE
};

/* One change, and one row: most fields serve one kind only */
struct row {
	enum op_kind op;
	uint32_t feed;		/* or pair */
	uint64_t seq;		/* or size */
	uint64_t a, b;		/* seen, bytes, first, last ... */
	int64_t time_ms;
	int kind;
	uint8_t hash[DIGEST_BYTES];
	char name[65];
	struct shared *p, *q;	/* octets, body */
};

struct rows {
	struct row *v;
	size_t n, cap;
};

struct image {
	struct rows pair, meta, receipt, want, proof, line;
	struct rows entry[FEEDS], note[FEEDS][NOTE_KINDS];
};

struct blob {
	uint8_t hash[DIGEST_BYTES];
	struct buf b;
	size_t synced;
	bool whole;
};

struct memdb {
	struct db db;
	struct image durable, now;
	struct rows journal;
	struct blob blob[64];
	size_t blobs;
	int fail_err;
	unsigned fail_after;
};

static struct row *add(struct rows *r, struct row row)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 16;
		r->v = realloc(r->v, r->cap * sizeof(*r->v));
		assert(r->v);
	}
	r->v[r->n] = row;
	return &r->v[r->n++];
}

static void clear(struct rows *r)
{
	for (size_t i = 0; i < r->n; i++) {
		drop(r->v[i].p);
		drop(r->v[i].q);
	}
	free(r->v);
	*r = (struct rows){0};
}

static void copy(struct rows *to, const struct rows *from)
{
	clear(to);
	for (size_t i = 0; i < from->n; i++) {
		struct row row = from->v[i];

		keep(row.p);
		keep(row.q);
		add(to, row);
	}
}

static void each(struct image *to, const struct image *from)
{
	struct rows *t = (struct rows *)to;
	const struct rows *f = (const struct rows *)from;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*t); i++) {
		if (f)
			copy(&t[i], &f[i]);
		else
			clear(&t[i]);
	}
}

/* ---- applying a change to an image ---- */

static struct row *find(struct rows *r, uint32_t feed, uint64_t seq)
{
	for (size_t i = r->n; i-- > 0;) {
		if (r->v[i].feed == feed && r->v[i].seq == seq)
			return &r->v[i];
	}
	return NULL;
}

static void put_row(struct rows *r, struct row *at, struct row row)
{
	keep(row.p);
	keep(row.q);
	if (!at) {
		add(r, row);
		return;
	}
	drop(at->p);
	drop(at->q);
	*at = row;
}

static void unput(struct rows *r, struct row *at)
{
	if (!at)
		return;
	drop(at->p);
	drop(at->q);
	memmove(at, at + 1, (size_t)(&r->v[r->n] - (at + 1)) * sizeof(*at));
	r->n--;
}

static struct row *meta_at(struct rows *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!strcmp(r->v[i].name, name))
			return &r->v[i];
	}
	return NULL;
}

/* Notes stand in order of size */
static void put_note(struct rows *r, struct row row)
{
	size_t i = r->n;

	while (i && r->v[i - 1].seq > row.seq)
		i--;
	if (i && r->v[i - 1].seq == row.seq) {
		put_row(r, &r->v[i - 1], row);
		return;
	}
	keep(row.p);
	add(r, row);
	memmove(&r->v[i + 1], &r->v[i], (r->n - 1 - i) * sizeof(row));
	r->v[i] = row;
}

/* Rows of lines stand in order of pair, name, number */
static int line_order(const struct row *a, const struct row *b)
{
	const int by_name = strcmp(a->name, b->name);

	if (a->feed != b->feed)
		return a->feed < b->feed ? -1 : 1;
	if (by_name)
		return by_name;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

/* The first that is not before this one */
static size_t line_at(const struct rows *r, const struct row *row)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (line_order(&r->v[mid], row) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void put_line(struct rows *r, struct row row)
{
	const size_t i = line_at(r, &row);
	const bool there = i < r->n && !line_order(&r->v[i], &row);

	if (!row.p->n) {
		unput(r, there ? &r->v[i] : NULL);
		return;
	}
	if (there) {
		put_row(r, &r->v[i], row);
		return;
	}
	keep(row.p);
	add(r, row);
	memmove(&r->v[i + 1], &r->v[i], (r->n - 1 - i) * sizeof(row));
	r->v[i] = row;
}

static void apply(struct image *m, const struct row *o)
{
	struct row *at;

	switch (o->op) {
	case OP_PAIR: put_row(&m->pair, find(&m->pair, o->feed, 0), *o); break;
	case OP_META:
		at = meta_at(&m->meta, o->name);
		if (o->p->n)
			put_row(&m->meta, at, *o);
		else
			unput(&m->meta, at);
		break;
	case OP_ENTRY: put_row(&m->entry[o->feed], NULL, *o); break;
	case OP_BODY:
		at = &m->entry[o->feed].v[o->seq];
		drop(at->q);
		at->q = keep(o->q);
		break;
	case OP_NOTE: put_note(&m->note[o->feed][o->kind], *o); break;
	case OP_RECEIPT: put_row(&m->receipt, NULL, *o); break;
	case OP_WANT:
		put_row(&m->want, find(&m->want, o->feed, o->seq), *o);
		break;
	case OP_UNWANT: unput(&m->want, find(&m->want, o->feed, o->seq)); break;
	case OP_PROOF: put_row(&m->proof, NULL, *o); break;
	case OP_LINE: put_line(&m->line, *o); break;
	}
}

static bool failing(struct memdb *m)
{
	if (!m->fail_err)
		return false;
	if (m->fail_after) {
		m->fail_after--;
		return false;
	}
	return true;
}

/* Takes over the references in row */
static int change(struct memdb *m, struct row row)
{
	if (failing(m)) {
		drop(row.p);
		drop(row.q);
		return m->fail_err;
	}
	apply(&m->now, &row);
	add(&m->journal, row);
	return 0;
}

/* ---- the interface ---- */

static int pair_each(void *arg, db_pair_h *h, void *harg)
{
	struct memdb *m = arg;
	int err = 0;

	for (size_t i = 0; i < m->now.pair.n && !err; i++)
		err = h(m->now.pair.v[i].feed, m->now.pair.v[i].p->p,
			m->now.pair.v[i].p->n, harg);
	return err;
}

static int pair_put(void *arg, uint32_t pair, const uint8_t *p, size_t n)
{
	return change(
		arg,
		(struct row){.op = OP_PAIR, .feed = pair, .p = share(p, n)});
}

static int meta_get(void *arg, const char *name, struct buf *out)
{
	struct memdb *m = arg;
	const struct row *at = meta_at(&m->now.meta, name);

	if (!at)
		return ENOENT;
	buf_reset(out);
	buf_put(out, at->p->p, at->p->n);
	return out->err;
}

static int meta_put(void *arg, const char *name, const uint8_t *p, size_t n)
{
	struct row row = {.op = OP_META, .p = share(p, n)};

	snprintf(row.name, sizeof(row.name), "%s", name);
	return change(arg, row);
}

static int entry_put(void *arg, uint32_t feed, const struct db_entry *e)
{
	struct memdb *m = arg;
	struct row row = {.op = OP_ENTRY,
			  .feed = feed,
			  .seq = e->seq,
			  .a = e->seen,
			  .time_ms = e->time_ms,
			  .kind = (int)e->kind};

	if (feed >= FEEDS || e->seq != m->now.entry[feed].n)
		return EINVAL;
	row.p = share(e->p, e->n);
	row.q = e->body ? share(e->body, e->body_n) : NULL;
	if (e->id)
		snprintf(row.name, sizeof(row.name), "%s", e->id);
	return change(m, row);
}

static int entry_walk(void *arg, uint32_t feed, uint64_t first, uint64_t max,
		      bool with_body, db_entry_h *h, void *harg)
{
	struct memdb *m = arg;
	int err = 0;

	for (uint64_t i = first; i < m->now.entry[feed].n && max-- && !err;
	     i++) {
		const struct row *r = &m->now.entry[feed].v[i];
		struct db_entry e = {.seq = r->seq,
				     .kind = (enum entry_kind)r->kind,
				     .seen = r->a,
				     .time_ms = r->time_ms,
				     .p = r->p->p,
				     .n = r->p->n};

		if (with_body && r->q) {
			e.body = r->q->p;
			e.body_n = r->q->n;
		}
		err = h(&e, harg);
	}
	return err;
}

static int entry_find_id(void *arg, uint32_t feed, const char *id,
			 uint64_t *seq)
{
	struct memdb *m = arg;

	for (size_t i = 0; i < m->now.entry[feed].n; i++) {
		if (!strcmp(m->now.entry[feed].v[i].name, id)) {
			*seq = i;
			return 0;
		}
	}
	return ENOENT;
}

static int body_put(void *arg, uint32_t feed, uint64_t seq, const uint8_t *p,
		    size_t n)
{
	return change(arg, (struct row){.op = OP_BODY,
					.feed = feed,
					.seq = seq,
					.q = share(p, n)});
}

static int note_put(void *arg, uint32_t feed, enum note_kind kind,
		    const struct db_note *n)
{
	struct row row = {.op = OP_NOTE,
			  .feed = feed,
			  .seq = n->size,
			  .a = n->bytes,
			  .kind = (int)kind,
			  .p = share(n->p, n->n)};

	memcpy(row.hash, n->root, DIGEST_BYTES);
	return change(arg, row);
}

static int note_find(void *arg, uint32_t feed, enum note_kind kind,
		     uint64_t max_size, uint64_t max_bytes, db_note_h *h,
		     void *harg)
{
	struct memdb *m = arg;
	const struct rows *r = &m->now.note[feed][kind];

	for (size_t i = r->n; i-- > 0;) {
		const struct row *o = &r->v[i];
		struct db_note n = {.size = o->seq,
				    .bytes = o->a,
				    .p = o->p->p,
				    .n = o->p->n};

		if (o->seq > max_size || o->a > max_bytes)
			continue;
		memcpy(n.root, o->hash, DIGEST_BYTES);
		return h(&n, harg);
	}
	return ENOENT;
}

static int row_put(void *arg, uint32_t pair, const char *name, uint64_t no,
		   const uint8_t *p, size_t n)
{
	struct row row = {
		.op = OP_LINE, .feed = pair, .seq = no, .p = share(p, n)};

	snprintf(row.name, sizeof(row.name), "%s", name);
	return change(arg, row);
}

static int row_next(void *arg, uint32_t pair, const char *name, uint64_t from,
		    uint64_t *no, struct buf *out)
{
	const struct rows *r = &((struct memdb *)arg)->now.line;
	struct row want = {.feed = pair, .seq = from};
	size_t i;

	snprintf(want.name, sizeof(want.name), "%s", name);
	i = line_at(r, &want);
	if (i == r->n || r->v[i].feed != pair || strcmp(r->v[i].name, name))
		return ENOENT;
	*no = r->v[i].seq;
	buf_reset(out);
	buf_put(out, r->v[i].p->p, r->v[i].p->n);
	return out->err;
}

static int row_each(void *arg, uint32_t pair, db_row_h *h, void *harg)
{
	const struct rows *r = &((struct memdb *)arg)->now.line;
	const struct row from = {.feed = pair};
	int err = 0;

	for (size_t i = line_at(r, &from);
	     i < r->n && r->v[i].feed == pair && !err; i++)
		err = h(r->v[i].name, r->v[i].seq, r->v[i].p->p, r->v[i].p->n,
			harg);
	return err;
}

static int receipt_put(void *arg, uint32_t feed, uint64_t first, uint64_t last,
		       enum receipt_state state, uint64_t by)
{
	(void)by;
	return change(arg, (struct row){.op = OP_RECEIPT,
					.feed = feed,
					.a = first,
					.b = last,
					.kind = (int)state});
}

static int receipt_bits(void *arg, uint32_t feed, uint64_t seq, unsigned *bits)
{
	struct memdb *m = arg;

	*bits = 0;
	for (size_t i = 0; i < m->now.receipt.n; i++) {
		const struct row *r = &m->now.receipt.v[i];

		if (r->feed == feed && r->a <= seq && seq <= r->b)
			*bits |= 1u << r->kind;
	}
	return 0;
}

static int want_put(void *arg, uint32_t feed, const struct db_want *w)
{
	struct row row = {
		.op = OP_WANT, .feed = feed, .seq = w->seq, .a = w->bytes};

	memcpy(row.hash, w->hash, DIGEST_BYTES);
	return change(arg, row);
}

static int want_drop(void *arg, uint32_t feed, uint64_t seq)
{
	return change(arg,
		      (struct row){.op = OP_UNWANT, .feed = feed, .seq = seq});
}

static int want_next(void *arg, uint32_t feed, uint64_t from,
		     struct db_want *out)
{
	struct memdb *m = arg;
	const struct row *best = NULL;

	for (size_t i = 0; i < m->now.want.n; i++) {
		const struct row *r = &m->now.want.v[i];

		if (r->feed == feed && r->seq >= from &&
		    (!best || r->seq < best->seq))
			best = r;
	}
	if (!best)
		return ENOENT;
	out->seq = best->seq;
	out->bytes = best->a;
	memcpy(out->hash, best->hash, DIGEST_BYTES);
	return 0;
}

static struct blob *blob_of(struct memdb *m, const uint8_t *hash)
{
	for (size_t i = 0; i < m->blobs; i++) {
		if (!memcmp(m->blob[i].hash, hash, DIGEST_BYTES))
			return &m->blob[i];
	}
	return NULL;
}

static struct blob *blob_new(struct memdb *m, const uint8_t *hash)
{
	struct blob *b;

	assert(m->blobs < sizeof(m->blob) / sizeof(m->blob[0]));
	b = &m->blob[m->blobs++];
	*b = (struct blob){0};
	memcpy(b->hash, hash, DIGEST_BYTES);
	buf_init(&b->b, SIZE_MAX);
	return b;
}

static int blob_have(void *arg, const uint8_t *hash, uint64_t *have,
		     bool *whole)
{
	const struct blob *b = blob_of(arg, hash);

	*have = b ? b->b.n : 0;
	*whole = b && b->whole;
	return 0;
}

static int blob_write(void *arg, const uint8_t *hash, uint64_t offset,
		      const uint8_t *p, size_t n)
{
	struct memdb *m = arg;
	struct blob *b = blob_of(m, hash);

	if (failing(m))
		return m->fail_err;
	if (!b)
		b = blob_new(m, hash);
	if (b->whole || offset != b->b.n)
		return EINVAL;
	buf_put(&b->b, p, n);
	return b->b.err;
}

static int blob_finish(void *arg, const uint8_t *hash)
{
	struct memdb *m = arg;
	struct blob *b = blob_of(m, hash);
	uint8_t h[DIGEST_BYTES];

	if (failing(m))
		return m->fail_err;
	if (!b)
		return EINVAL;
	digest(b->b.p, b->b.n, h);
	if (memcmp(h, hash, DIGEST_BYTES)) {
		buf_reset(&b->b);
		b->synced = 0;
		return EBADMSG;
	}
	b->whole = true;
	b->synced = b->b.n;
	return 0;
}

static int proof_put(void *arg, uint32_t pair, const char *name,
		     const uint8_t *p, size_t n)
{
	struct row row = {.op = OP_PROOF, .feed = pair, .p = share(p, n)};

	snprintf(row.name, sizeof(row.name), "%s", name);
	return change(arg, row);
}

/* ---- outside ---- */

struct memdb *memdb_new(void)
{
	struct memdb *m = calloc(1, sizeof(*m));

	assert(m);
	m->db = (struct db){.arg = m,
			    .pair_each = pair_each,
			    .pair_put = pair_put,
			    .meta_get = meta_get,
			    .meta_put = meta_put,
			    .entry_put = entry_put,
			    .entry_walk = entry_walk,
			    .entry_find_id = entry_find_id,
			    .body_put = body_put,
			    .note_put = note_put,
			    .note_find = note_find,
			    .receipt_put = receipt_put,
			    .row_put = row_put,
			    .row_next = row_next,
			    .row_each = row_each,
			    .receipt_bits = receipt_bits,
			    .want_put = want_put,
			    .want_drop = want_drop,
			    .want_next = want_next,
			    .blob_have = blob_have,
			    .blob_write = blob_write,
			    .blob_finish = blob_finish,
			    .proof_put = proof_put};
	return m;
}

struct memdb *memdb_free(struct memdb *m)
{
	each(&m->durable, NULL);
	each(&m->now, NULL);
	clear(&m->journal);
	for (size_t i = 0; i < m->blobs; i++)
		buf_free(&m->blob[i].b);
	free(m);
	return NULL;
}

const struct db *memdb_db(struct memdb *m)
{
	return &m->db;
}

bool memdb_changed(const struct memdb *m)
{
	return m->journal.n != 0;
}

int memdb_commit(struct memdb *m)
{
	if (!m->journal.n)
		return 0;
	if (failing(m))
		return m->fail_err;
	for (size_t i = 0; i < m->journal.n; i++)
		apply(&m->durable, &m->journal.v[i]);
	clear(&m->journal);
	return 0;
}

void memdb_crash(struct memdb *m, unsigned keep_permille)
{
	each(&m->now, &m->durable);
	clear(&m->journal);
	for (size_t i = 0; i < m->blobs; i++) {
		struct blob *b = &m->blob[i];

		if (!b->whole)
			b->b.n = b->synced +
				 (b->b.n - b->synced) * keep_permille / 1000;
	}
}

void memdb_fail(struct memdb *m, int err, unsigned after)
{
	m->fail_err = err;
	m->fail_after = after;
}

struct image *memdb_backup(const struct memdb *m)
{
	struct image *i = calloc(1, sizeof(*i));

	assert(i);
	each(i, &m->durable);
	return i;
}

void memdb_restore(struct memdb *m, const struct image *i)
{
	each(&m->durable, i);
	each(&m->now, i);
	clear(&m->journal);
	/* a backup has the finished bodies of its time; keep it simple: none */
	for (size_t k = 0; k < m->blobs; k++)
		buf_free(&m->blob[k].b);
	m->blobs = 0;
}

struct image *image_free(struct image *i)
{
	if (i) {
		each(i, NULL);
		free(i);
	}
	return NULL;
}

void memdb_blob_put(struct memdb *m, const uint8_t *p, size_t n,
		    uint8_t hash[DIGEST_BYTES])
{
	struct blob *b;

	digest(p, n, hash);
	b = blob_of(m, hash);
	if (!b)
		b = blob_new(m, hash);
	buf_reset(&b->b);
	buf_put(&b->b, p, n);
	b->whole = true;
	b->synced = n;
}

const uint8_t *memdb_body(struct memdb *m, uint32_t feed, uint64_t seq,
			  size_t *n)
{
	const struct row *r = &m->durable.entry[feed].v[seq];
	const struct blob *b;
	struct blob_ref ref;
	struct entry e;

	if (r->q) {
		*n = r->q->n;
		return r->q->p;
	}
	if (entry_parse(r->p->p, r->p->n, &e) || entry_blob(&e, &ref))
		return NULL;
	b = blob_of(m, ref.hash);
	if (!b || !b->whole)
		return NULL;
	*n = b->b.n;
	return b->b.p;
}

uint64_t memdb_size(struct memdb *m, uint32_t feed)
{
	return m->durable.entry[feed].n;
}

const uint8_t *memdb_entry(struct memdb *m, uint32_t feed, uint64_t seq,
			   size_t *n)
{
	const struct row *r = &m->durable.entry[feed].v[seq];

	*n = r->p->n;
	return r->p->p;
}

const uint8_t *memdb_proof(struct memdb *m, uint32_t pair, size_t i,
			   const char **name, size_t *n)
{
	for (size_t k = 0; k < m->durable.proof.n; k++) {
		const struct row *r = &m->durable.proof.v[k];

		if (r->feed != pair || i--)
			continue;
		*name = r->name;
		*n = r->p->n;
		return r->p->p;
	}
	return NULL;
}
