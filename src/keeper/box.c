/* SPDX-License-Identifier: ISC */
/** @file box.c  Inbox and outbox: items, one entry, one body */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "keeper/state.h"

static enum feed_of box_of(const struct question *q)
{
	return q->box ? FEED_OWN : FEED_PEER;
}

/* ---- items as JSON ---- */

struct page {
	struct keeper *k;
	const struct pair_view *v;
	enum feed_of of;
	uint32_t limit;
	json_t *items;
	size_t count, bytes;
	uint64_t last;
	bool more;
};

static int add_state(json_t *to, const char *name, bool yes)
{
	return yes && json_array_append_new(to, json_string(name)) ? ENOMEM : 0;
}

/* In the order of docs/openapi.yaml; NULL: no memory */
static json_t *states_make(const struct page *pg, uint64_t seq, unsigned bits)
{
	const bool own = pg->of == FEED_OWN;
	json_t *to = json_array();
	int err = to ? 0 : ENOMEM;

	if (!err)
		err = add_state(to, "stored", own);
	if (!err)
		err = add_state(
			to, "acked",
			seq < (own ? pg->v->own_acked : pg->v->peer_cosigned));
	if (!err)
		err = add_state(to, "held", bits & 1u << RECEIPT_HELD);
	if (!err)
		err = add_state(to, "delivered",
				own && bits & 1u << RECEIPT_DELIVERED);
	if (!err)
		err = add_state(to, "opened", bits & 1u << RECEIPT_OPENED);
	if (!err)
		err = add_state(to, "printed", bits & 1u << RECEIPT_PRINTED);
	if (!err)
		err = add_state(to, "refused", bits & 1u << RECEIPT_REFUSED);
	if (err) {
		json_decref(to);
		return NULL;
	}
	return to;
}

static json_t *value_or_null(const struct entry *e, const char *name)
{
	const struct str v = entry_get(e, name);

	return v.n ? reply_str(v) : json_null();
}

/* 0 with *out; EBADMSG: no item after all; ENOMEM, EIO */
static int item_make(const struct page *pg, const struct db_entry *e,
		     json_t **out)
{
	const struct db *db = store_db(pg->k->store);
	struct blob_ref blob;
	struct entry p;
	unsigned bits = 0;
	int err;

	if (entry_parse(e->p, e->n, &p) || entry_blob(&p, &blob))
		return EBADMSG;
	err = db->receipt_bits(db->arg, feed_id(pg->v->pair, pg->of), e->seq,
			       &bits);
	if (err)
		return err;
	*out = json_pack(
		"{s:I,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:o,s:o,s:o,s:o}", "seq",
		(json_int_t)e->seq, "kind", entry_kind_name(p.kind), "id",
		reply_str(entry_get(&p, "id")), "by",
		reply_str(entry_get(&p, "by")), "precedence",
		reply_str(entry_get(&p, "precedence")), "subject",
		reply_str(entry_get(&p, "subject")), "name",
		p.kind == ENTRY_DOCUMENT ? reply_str(entry_get(&p, "name"))
					 : json_null(),
		"media", reply_str(blob.media), "bytes",
		(json_int_t)(blob.bytes > BLOB_SALT_BYTES
				     ? blob.bytes - BLOB_SALT_BYTES
				     : 0),
		"time", reply_stamp(p.env.time_ms), "states",
		states_make(pg, e->seq, bits), "line",
		value_or_null(&p, "line"), "written",
		value_or_null(&p, "written"));
	return *out ? 0 : ENOMEM;
}

static int on_item(const struct db_entry *e, void *arg)
{
	struct page *pg = arg;
	json_t *item = NULL;
	int err;

	if (pg->count == pg->limit || pg->bytes > PAGE_BYTES) {
		pg->more = true;
		return ECANCELED;
	}
	err = item_make(pg, e, &item);
	if (err)
		return err == EBADMSG ? 0 : err;
	if (json_array_append_new(pg->items, item))
		return ENOMEM;
	pg->count++;
	pg->bytes += e->n;
	pg->last = e->seq;
	return 0;
}

static bool view_or_answer(struct keeper *k, const struct question *q,
			   struct pair_view *v)
{
	if (pair_view_by(k, q->peer, v))
		return true;
	reply_no_pair(k, q->req, q->peer);
	return false;
}

void box_items(struct keeper *k, const struct question *q)
{
	struct pair_view v;
	struct page pg = {.k = k, .v = &v, .of = box_of(q)};
	int err;

	if (!view_or_answer(k, q, &v))
		return;
	pg.limit = q->limit && q->limit < PAGE_ROWS ? q->limit : PAGE_ROWS;
	pg.items = json_array();
	err = pg.items ? store_items(k->store, feed_id(v.pair, pg.of), q->from,
				     pg.limit + 1, on_item, &pg)
		       : ENOMEM;
	if (err && err != ECANCELED) {
		json_decref(pg.items);
		reply_failure(k, q->req, err);
		return;
	}
	reply_json(k, q->req, 200,
		   json_pack("{s:o,s:o}", "items", pg.items, "next",
			     pg.more ? json_integer((json_int_t)pg.last)
				     : json_null()));
}

/* ---- one ---- */

struct one {
	struct page pg;
	json_t *item;
	uint64_t seq;
	bool there;
	bool body_there;
	struct blob_ref blob;
	char media[201];
	char name[1025];
	struct buf text;	/* of the entry; or the row's body */
};

static int one_item(const struct db_entry *e, void *arg)
{
	struct one *o = arg;
	int err;

	if (e->seq != o->seq ||
	    (e->kind != ENTRY_NOTICE && e->kind != ENTRY_DOCUMENT))
		return 0;
	err = item_make(&o->pg, e, &o->item);
	return err == EBADMSG ? 0 : err;
}

static int one_walk(struct keeper *k, struct one *o, uint32_t feed,
		    bool with_body, db_entry_h *h)
{
	const struct db *db = store_db(k->store);

	return db->entry_walk(db->arg, feed, o->seq, 1, with_body, h, o);
}

void box_show(struct keeper *k, const struct question *q)
{
	struct pair_view v;
	struct one o = {.pg = {.k = k, .v = &v, .of = box_of(q)},
			.seq = q->from};
	int err;

	if (!view_or_answer(k, q, &v))
		return;
	err = one_walk(k, &o, feed_id(v.pair, o.pg.of), false, one_item);
	if (err)
		reply_failure(k, q->req, err);
	else if (!o.item)
		reply_no_item(k, q->req, q->from);
	else
		reply_json(k, q->req, 200, o.item);
}

static int one_text(const struct db_entry *e, void *arg)
{
	struct one *o = arg;

	if (e->seq == o->seq)
		buf_put(&o->text, e->p, e->n);
	return o->text.err;
}

void box_entry(struct keeper *k, const struct question *q)
{
	struct pair_view v;
	struct one o = {.seq = q->from};
	int err;

	if (!view_or_answer(k, q, &v))
		return;
	buf_init(&o.text, ENTRY_BYTES_MAX);
	err = one_walk(k, &o, feed_id(v.pair, box_of(q)), false, one_text);
	if (err)
		reply_failure(k, q->req, err);
	else if (!o.text.n)
		reply_no_item(k, q->req, q->from);
	else
		reply_text(k, q->req, 200, "text/plain; charset=utf-8",
			   o.text.p, o.text.n);
	buf_free(&o.text);
}

/* ---- bodies ---- */

static int one_body(const struct db_entry *e, void *arg)
{
	struct one *o = arg;
	struct entry p;

	if (e->seq != o->seq || entry_parse(e->p, e->n, &p) ||
	    entry_blob(&p, &o->blob))
		return 0;
	o->there = true;
	if (str_copy(o->blob.media, o->media, sizeof(o->media)) ||
	    str_copy(entry_get(&p, "name"), o->name, sizeof(o->name)))
		o->media[0] = o->name[0] = '\0';
	/* an empty row is a body that has not come yet */
	o->body_there = e->body && e->body_n == o->blob.bytes;
	if (o->body_there)
		buf_put(&o->text, e->body, e->body_n);
	return o->text.err;
}

int box_held(struct keeper *k, uint32_t feed, uint64_t seq)
{
	const struct db *db = store_db(k->store);
	struct one o = {.seq = seq};
	uint64_t have;
	bool whole = false;
	int err;

	buf_init(&o.text, BODY_ROW_MAX);
	err = one_walk(k, &o, feed, true, one_body);
	buf_free(&o.text);
	if (err)
		return err;
	if (!o.there)
		return ENOENT;
	if (!o.body_there)
		err = db->blob_have(db->arg, o.blob.hash, &have, &whole);
	return err ? err : o.body_there || whole ? 0 : ENODATA;
}

int box_memfd(const uint8_t *p, size_t n, int *fdp)
{
	const int fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t at = 0;
	int err = fd < 0 ? errno : 0;

	while (!err && at < n) {
		const ssize_t r = write(fd, p + at, n - at);

		if (r > 0)
			at += (size_t)r;
		else if (!r || errno != EINTR)
			err = r ? errno : EIO;
	}
	if (!err &&
	    fcntl(fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		err = errno;
	if (err && fd >= 0)
		close(fd);
	if (!err)
		*fdp = fd;
	return err;
}

/* *fdp is owned; *offset: where the content begins */
static int body_open(struct keeper *k, const struct one *o, int *fdp,
		     uint64_t *offset)
{
	if (!o->body_there) {
		*offset = BLOB_SALT_BYTES;
		return store_blob_open(k->store, o->blob.hash, fdp);
	}
	*offset = 0;
	return box_memfd(o->text.p + BLOB_SALT_BYTES,
			 o->text.n - BLOB_SALT_BYTES, fdp);
}

void box_body(struct keeper *k, const struct question *q)
{
	struct pair_view v;
	struct one o = {.seq = q->from};
	uint64_t offset = 0;
	int fd = -1, err;

	if (!view_or_answer(k, q, &v))
		return;
	buf_init(&o.text, BODY_ROW_MAX);
	err = one_walk(k, &o, feed_id(v.pair, box_of(q)), true, one_body);
	if (!err && (!o.there || o.blob.bytes < BLOB_SALT_BYTES)) {
		reply_no_item(k, q->req, q->from);
		goto out;
	}
	if (!err)
		err = body_open(k, &o, &fd, &offset);
	if (err == ENOENT)
		reply_problem(k, q->req, REFUSE_NOT_HELD,
			      "The entry is here; its content of %llu bytes "
			      "has not arrived yet. It is fetched as soon as "
			      "the line is up.",
			      (unsigned long long)o.blob.bytes);
	else if (err)
		reply_failure(k, q->req, err);
	else
		reply_fd(k, q->req, str_of(o.media), str_of(o.name), fd, offset,
			 o.blob.bytes - BLOB_SALT_BYTES);
out:
	if (fd >= 0)
		close(fd);
	buf_free(&o.text);
}
