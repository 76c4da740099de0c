/* SPDX-License-Identifier: ISC */
/**
 * @file dossier.c  Export: a dossier (docs/record.md 7) as one bundle
 *
 * Everything that must fit together (cards, checkpoints, the sizes of both
 * feeds) is taken in one step after a commit; entries and bodies follow in
 * slices, since what lies below a size never changes.  The bundle is a file
 * without a name in the state directory: it goes when nobody has it open.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/log.h"
#include "keeper/state.h"

#define OUT_BYTES 262144
#define WALK_ENTRIES 256
#define WALK_BODIES 32
#define NAME_CHARS 160
#define MEDIA_BUNDLE "application/vnd.ringdown.bundle"

enum stage { STAGE_FEED, STAGE_BODIES, STAGE_PROOFS, STAGE_END };

struct export
{
	struct export *next;
	struct keeper *k;
	uint32_t req;
	uint32_t pair;
	char host[2][HOST_CHARS_MAX + 1];	/* by enum feed_of */
	uint64_t size[2];
	bool bodies;
	enum stage stage;
	enum feed_of of;	/* FEED, BODIES: which */
	uint64_t pos;		/* next entry */
	int fd;			/* owned */
	uint64_t at;		/* octets written */
	struct buf out;		/* then these */
	uint64_t file_at;	/* where its size stands */
	/* a body that is being copied */
	int body_fd;		/* owned, -1 */
	uint64_t body_at, body_bytes;
	/* bodies that are in, by the first 8 octets of their hash: a peer may
	   name one twice, and a dossier holds it once */
	uint64_t *seen;		/* [seen_size], owned, 0: free */
	size_t seen_size, seen_n;
};

/* ---- octets into the file ---- */

static int put_at(int fd, const uint8_t *p, size_t n, uint64_t at)
{
	while (n) {
		const ssize_t r = pwrite(fd, p, n, (off_t)at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r ? errno : ENOSPC;
		p += r;
		n -= (size_t)r;
		at += (uint64_t)r;
	}
	return 0;
}

static int flush(struct export *x)
{
	int err = x->out.err;

	if (!err)
		err = put_at(x->fd, x->out.p, x->out.n, x->at);
	x->at += x->out.n;
	buf_reset(&x->out);
	return err;
}

static int put(struct export *x, const void *p, size_t n)
{
	int err = x->out.n + n > OUT_BYTES ? flush(x) : 0;

	if (err)
		return err;
	if (n > OUT_BYTES) {	/* evidence can be as long */
		err = put_at(x->fd, p, n, x->at);
		x->at += n;
		return err;
	}
	buf_put(&x->out, p, n);
	return x->out.err;
}

static int file_begin(struct export *x, const char *name, uint64_t bytes)
{
	struct buf b;
	int err;

	buf_init(&b, NAME_CHARS + 16);
	buf_u16(&b, (uint16_t)strlen(name));
	buf_str(&b, name);
	x->file_at = x->at + x->out.n + b.n;
	buf_u64(&b, bytes);
	err = b.err ? b.err : put(x, b.p, b.n);
	buf_free(&b);
	return err;
}

/* Now its size is known */
static int file_end(struct export *x)
{
	uint8_t be[8];
	uint64_t n = x->at + x->out.n - x->file_at - sizeof(be);

	for (int i = 7; i >= 0; i--, n >>= 8)
		be[i] = (uint8_t)n;
	if (x->file_at >= x->at) {
		memcpy(x->out.p + (x->file_at - x->at), be, sizeof(be));
		return 0;
	}
	/* not cut in two: put() has it in one piece */
	return put_at(x->fd, be, sizeof(be), x->file_at);
}

static int file_whole(struct export *x, const char *name, const void *p,
		      size_t n)
{
	const int err = file_begin(x, name, n);

	return err ? err : put(x, p, n);
}

/* ---- what must fit together ---- */

struct note_out {
	struct export *x;
	char name[NAME_CHARS];
	uint64_t size;
};

static int on_note(const struct db_note *n, void *arg)
{
	struct note_out *o = arg;

	o->size = n->size;
	return file_whole(o->x, o->name, n->p, n->n);
}

static int note_put(struct export *x, enum feed_of of, enum note_kind kind,
		    uint64_t max_size, const char *name, uint64_t *size)
{
	const struct db *db = store_db(x->k->store);
	struct note_out o = {.x = x};
	int err;

	snprintf(o.name, sizeof(o.name), "%s", name);
	err = db->note_find(db->arg, feed_id(x->pair, of), kind, max_size,
			    UINT64_MAX, on_note, &o);
	if (size)
		*size = o.size;
	return err == ENOENT ? 0 : err;
}

static int feed_notes(struct export *x, enum feed_of of)
{
	char name[NAME_CHARS];
	int err;

	snprintf(name, sizeof(name), "feed.%s.checkpoint", x->host[of]);
	err = note_put(x, of, NOTE_SIGNED, UINT64_MAX, name, &x->size[of]);
	if (err || !x->size[of])
		return err;
	snprintf(name, sizeof(name), "feed.%s.cosigned", x->host[of]);
	err = note_put(x, of, NOTE_COSIGNED, x->size[of], name, NULL);
	if (err)
		return err;
	snprintf(name, sizeof(name), "feed.%s.idle", x->host[of]);
	return note_put(x, of, NOTE_IDLE, x->size[of], name, NULL);
}

static int card_put(struct export *x, const struct card *c)
{
	char name[NAME_CHARS];
	struct buf b;
	int err;

	buf_init(&b, CARD_BYTES_MAX);
	card_print(c, false, &b);
	snprintf(name, sizeof(name), "card.%s", c->name);
	err = b.err ? b.err : file_whole(x, name, b.p, b.n);
	buf_free(&b);
	return err;
}

static int head_put(struct export *x, const struct pair_view *v)
{
	char head[40 + HOST_CHARS_MAX + 2];
	int err;

	snprintf(head, sizeof(head), "ringdown-dossier/v1\nside %s\n",
		 x->host[FEED_OWN]);
	err = file_whole(x, "dossier", head, strlen(head));
	if (!err)
		err = card_put(x, v->own_card);
	if (!err)
		err = card_put(x, v->card);
	if (!err)
		err = feed_notes(x, FEED_OWN);
	if (!err)
		err = feed_notes(x, FEED_PEER);
	/* the newest that both have signed; before the first, the pivot's */
	if (!err)
		err = note_put(x, FEED_JOINT, NOTE_SIGNED,
			       v->joint_signed ? v->joint_signed : UINT64_MAX,
			       "joint.checkpoint", NULL);
	return err;
}

/* ---- entries ---- */

static int on_entry(const struct db_entry *e, void *arg)
{
	struct export *x = arg;
	const uint8_t n[2] = {(uint8_t)(e->n >> 8), (uint8_t)e->n};
	int err = put(x, n, sizeof(n));

	if (!err)
		err = put(x, e->p, e->n);
	x->pos++;
	return err;
}

/* The other feed, or the next stage */
static void advance(struct export *x, enum stage next)
{
	x->pos = 0;
	if (x->of == FEED_OWN) {
		x->of = FEED_PEER;
		return;
	}
	x->of = FEED_OWN;
	x->stage = next;
}

static int feed_slice(struct export *x)
{
	const struct db *db = store_db(x->k->store);
	const uint64_t from = x->pos, left = x->size[x->of] - from;
	char name[NAME_CHARS];
	int err = 0;

	if (!from) {
		snprintf(name, sizeof(name), "feed.%s", x->host[x->of]);
		err = file_begin(x, name, 0);
	}
	if (!err && left)
		err = db->entry_walk(db->arg, feed_id(x->pair, x->of), from,
				     left < WALK_ENTRIES ? left : WALK_ENTRIES,
				     false, on_entry, x);
	if (!err && left && x->pos == from)
		err = EIO;	/* what was signed is not there */
	if (err || x->pos < x->size[x->of])
		return err;
	err = file_end(x);
	advance(x, x->bodies ? STAGE_BODIES : STAGE_PROOFS);
	return err;
}

/* ---- bodies ---- */

static bool seen_put(struct export *x, uint64_t v)
{
	size_t i = (size_t)v & (x->seen_size - 1);

	while (x->seen[i] && x->seen[i] != v)
		i = (i + 1) & (x->seen_size - 1);
	if (x->seen[i])
		return false;
	x->seen[i] = v;
	x->seen_n++;
	return true;
}

static int seen_grow(struct export *x)
{
	const size_t old_size = x->seen_size;
	uint64_t *old = x->seen;

	if (old_size && x->seen_n < old_size / 2)
		return 0;
	x->seen_size = old_size ? old_size * 2 : 1024;
	x->seen = calloc(x->seen_size, sizeof(*x->seen));
	if (!x->seen) {
		x->seen = old;
		x->seen_size = old_size;
		return ENOMEM;
	}
	x->seen_n = 0;
	for (size_t i = 0; i < old_size; i++) {
		if (old[i])
			(void)seen_put(x, old[i]);
	}
	free(old);
	return 0;
}

/* ECANCELED: a file's content is to be copied first */
static int on_body(const struct db_entry *e, void *arg)
{
	struct export *x = arg;
	char name[5 + 2 * DIGEST_BYTES + 1] = "blob/";
	struct blob_ref blob;
	struct entry p;
	uint64_t mark;
	int err;

	x->pos++;
	if (entry_parse(e->p, e->n, &p) || entry_blob(&p, &blob))
		return 0;
	memcpy(&mark, blob.hash, sizeof(mark));
	err = seen_grow(x);
	if (err || !seen_put(x, mark ? mark : 1))
		return err;
	hex_encode(blob.hash, DIGEST_BYTES, name + 5);
	if (e->body && e->body_n == blob.bytes)
		return file_whole(x, name, e->body, e->body_n);
	err = store_blob_open(x->k->store, blob.hash, &x->body_fd);
	if (err)
		return err == ENOENT ? 0 : err;	/* withheld */
	x->body_at = 0;
	x->body_bytes = blob.bytes;
	err = file_begin(x, name, blob.bytes);
	return err ? err : ECANCELED;
}

static int body_copy(struct export *x)
{
	static uint8_t piece[OUT_BYTES];
	const uint64_t left = x->body_bytes - x->body_at;
	const size_t want = left < sizeof(piece) ? (size_t)left : sizeof(piece);
	const ssize_t r = pread(x->body_fd, piece, want, (off_t)x->body_at);
	int err;

	if (r < 0 && errno == EINTR)
		return 0;
	if (r <= 0)
		return r ? errno : EIO;
	err = put(x, piece, (size_t)r);
	x->body_at += (uint64_t)r;
	if (x->body_at == x->body_bytes) {
		close(x->body_fd);
		x->body_fd = -1;
	}
	return err;
}

static int bodies_slice(struct export *x)
{
	const struct db *db = store_db(x->k->store);
	const uint64_t left = x->size[x->of] - x->pos;
	int err = 0;

	if (x->body_fd >= 0)
		return body_copy(x);
	if (left)
		err = db->entry_walk(db->arg, feed_id(x->pair, x->of), x->pos,
				     left < WALK_BODIES ? left : WALK_BODIES,
				     true, on_body, x);
	if (err == ECANCELED)
		return 0;
	if (!err && x->pos == x->size[x->of])
		advance(x, STAGE_PROOFS);
	return err;
}

/* ---- evidence, end ---- */

static int on_proof(uint64_t number, const char *form, const uint8_t *p,
		    size_t n, void *arg)
{
	/* what proves nothing to a stranger stays here */
	static const char *const forms[] = {"cosignature", "envelope", "fork",
					    "joint"};
	char name[NAME_CHARS];

	if (number > 999999999)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(form, forms[i]))
			continue;
		snprintf(name, sizeof(name), "proof/%" PRIu64 ".%s", number,
			 form);
		return file_whole(arg, name, p, n);
	}
	return 0;
}

static int slice(struct export *x)
{
	int err;

	switch (x->stage) {
	case STAGE_FEED: return feed_slice(x);
	case STAGE_BODIES: return bodies_slice(x);
	case STAGE_PROOFS:
		err = store_proofs(x->k->store, x->pair, on_proof, x);
		if (!err)
			err = put(x, "\0", 2);
		x->stage = STAGE_END;
		return err ? err : flush(x);
	case STAGE_END: break;
	}
	return 0;
}

static void export_free(struct export *x)
{
	if (x->fd >= 0)
		close(x->fd);
	if (x->body_fd >= 0)
		close(x->body_fd);
	buf_free(&x->out);
	free(x->seen);
	free(x);
}

static void failed(struct keeper *k, uint32_t req, int err)
{
	log_warn("export.failed", "err=%s kept=%s", strerror(err),
		 "the record");
	reply_failure(k, req, err);
}

void dossier_step(struct keeper *k)
{
	const uint64_t until = clock_mono_ms() + EXPORT_MS_MAX;
	struct export *x = k->exports;
	char name[NAME_CHARS];
	int err = 0;

	if (!x)
		return;
	while (!err && x->stage != STAGE_END && clock_mono_ms() < until)
		err = slice(x);
	if (!err && x->stage != STAGE_END)
		return;
	k->exports = x->next;
	snprintf(name, sizeof(name), "%s.ringdown", x->host[FEED_PEER]);
	if (err)
		failed(k, x->req, err);
	else
		reply_fd(k, x->req, str_of(MEDIA_BUNDLE), str_of(name), x->fd,
			 0, x->at);
	export_free(x);
}

/* ---- begin ---- */

static bool ends(const char *s, const char *end)
{
	const size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

static bool ambiguous(const char *host)
{
	return ends(host, ".checkpoint") || ends(host, ".cosigned") ||
	       ends(host, ".idle");
}

/* Some file systems have no files without a name: then memory */
static int file_open(const char *dir, int *fdp)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		fd = memfd_create("dossier", MFD_CLOEXEC);
	*fdp = fd;
	return fd < 0 ? errno : 0;
}

static int begin(struct keeper *k, const struct question *q,
		 const struct pair_view *v, struct export **xp)
{
	struct export *x = calloc(1, sizeof(*x));
	int err;

	if (!x)
		return ENOMEM;
	x->k = k;
	x->req = q->req;
	x->pair = v->pair;
	x->bodies = q->flag;
	x->body_fd = -1;
	buf_init(&x->out, OUT_BYTES);
	snprintf(x->host[FEED_OWN], sizeof(x->host[0]), "%s",
		 v->own_card->name);
	snprintf(x->host[FEED_PEER], sizeof(x->host[0]), "%s", v->card->name);
	err = file_open(k->conf->state, &x->fd);
	if (!err)
		err = head_put(x, v);
	if (err)
		export_free(x);
	else
		*xp = x;
	return err;
}

void dossier_begin(struct keeper *k, const struct question *q)
{
	struct export **at = &k->exports;
	struct pair_view v;
	unsigned n = 0;
	int err;

	for (; *at; at = &(*at)->next)
		n++;
	if (!pair_view_by(k, q->peer, &v)) {
		reply_no_pair(k, q->req, q->peer);
		return;
	}
	if (n == EXPORTS_MAX) {
		reply_problem(k, q->req, REFUSE_BUSY,
			      "%u exports are under way. Ask again when one of "
			      "them is done.",
			      n);
		return;
	}
	if (ambiguous(v.card->name) || ambiguous(v.own_card->name)) {
		reply_problem(k, q->req, REFUSE_REQUEST,
			      "A host name that ends in .checkpoint, .cosigned "
			      "or .idle has no dossier: its file names would "
			      "be two things.");
		return;
	}
	err = begin(k, q, &v, at);
	if (err)
		failed(k, q->req, err);
}

void dossier_cancel(struct keeper *k, uint32_t req)
{
	struct export **at = &k->exports, *x;

	while ((x = *at)) {
		if (req && x->req != req) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		export_free(x);
	}
}
