/* SPDX-License-Identifier: ISC */
/** @file store_work.c  A scripted life of a store whose every state is known */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "store/inner.h"
#include "store_work.h"

#define BODY_BIG 30000
#define BLOB_MAX 120000

static uint8_t scratch[BLOB_MAX];

/* ---- what turn t is ---- */

static uint64_t own_len(const struct work *w, unsigned t)
{
	uint64_t n = 0;

	for (unsigned i = 1; i <= t; i++)
		n += w->big && i == 3 ? 400 : 1 + i % 4;
	return n;
}

static uint64_t peer_len(unsigned t)
{
	uint64_t n = 0;

	for (unsigned i = 1; i <= t; i++)
		n += i % 3;
	return n;
}

static void fill(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i += 8) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		memcpy(p + i, &seed, n - i < 8 ? n - i : 8);
	}
}

static uint64_t seed_of(uint32_t feed, uint64_t seq)
{
	return (uint64_t)feed << 32 ^ (seq + 1) * 0x9e3779b97f4a7c15ULL;
}

static size_t entry_bytes(uint64_t seq)
{
	return 100 + (size_t)(seq * 37 % 350);
}

/* A body that the entry is put with; 0: none */
static size_t body_bytes(const struct work *w, uint32_t feed, uint64_t seq)
{
	if (w->big && feed == FEED_OWN && seq > 9)
		return BODY_BIG;
	if (seq % 37 == 5)
		return 20000;
	return seq % 5 ? 0 : 332;
}

/* The peer's entry gets its body a turn later */
static bool is_late(uint64_t seq)
{
	return seq % 11 == 3;
}

static size_t blob_bytes(unsigned b)
{
	return 40000 + b % 3 * 30000;
}

/* Its content into scratch */
static size_t blob_make(unsigned b, uint8_t hash[DIGEST_BYTES])
{
	const size_t n = blob_bytes(b);

	fill(scratch, n, b * 7919 + 1);
	digest(scratch, n, hash);
	return n;
}

/* The same hash, remembered: blobs are asked for much more than written */
static const uint8_t *blob_hash(unsigned b)
{
	static uint8_t hash[2][WORK_BLOBS_MAX][DIGEST_BYTES];
	static bool known[2][WORK_BLOBS_MAX];
	const unsigned i = b >= 1000, k = b % 1000;

	if (!known[i][k]) {
		(void)blob_make(b, hash[i][k]);
		known[i][k] = true;
	}
	return hash[i][k];
}

/* ---- doing it ---- */

int work_open(struct work *w, const char *dir)
{
	const char *why;
	const int err = store_open(&w->s, dir, &why);

	if (err) {
		w->s = NULL;
		snprintf(w->why, sizeof(w->why), "open: %s", why);
		return err;
	}
	w->s->wal_pages_max = 32;
	w->s->turns.bytes = 32768;
	w->s->turns.turn_bytes = 8192;
	w->db = store_db(w->s);
	return 0;
}

void work_close(struct work *w)
{
	w->s = store_close(w->s);
}

int work_turn_get(struct work *w, unsigned *t)
{
	struct buf b;
	int err;

	buf_init(&b, 4096);
	err = w->db->meta_get(w->db->arg, "turn", &b);
	*t = 0;
	if (!err && b.n == sizeof(*t))
		memcpy(t, b.p, sizeof(*t));
	buf_free(&b);
	return err == ENOENT ? 0 : err;
}

static int put_entries(struct work *w, uint32_t feed, uint64_t from,
		       uint64_t to, uint64_t seen)
{
	static uint8_t bytes[512], body[BODY_ROW_MAX];
	int err = 0;

	for (uint64_t seq = from; seq < to && !err; seq++) {
		char id[32];
		struct db_entry e = {.seq = seq,
				     .kind = seq % 2 ? ENTRY_NOTICE : ENTRY_ACK,
				     .seen = seen,
				     .p = bytes,
				     .n = entry_bytes(seq),
				     .body_n = body_bytes(w, feed, seq)};

		fill(bytes, e.n, seed_of(feed, seq));
		fill(body, e.body_n, seed_of(feed + 9, seq));
		if (e.body_n && !is_late(seq))
			e.body = body;
		snprintf(id, sizeof(id), "id-%u", (unsigned)(seq * 7919));
		if (feed == FEED_OWN && seq % 7 == 0)
			e.id = id;
		err = w->db->entry_put(w->db->arg, feed, &e);
	}
	return err;
}

static int put_late(struct work *w, unsigned t)
{
	const struct db *db = w->db;
	int err = 0;

	if (t < 2)
		return 0;
	for (uint64_t q = peer_len(t - 2); q < peer_len(t - 1) && !err; q++) {
		if (!is_late(q))
			continue;
		fill(scratch, 200, seed_of(17, q));
		err = db->body_put(db->arg, FEED_PEER, q, scratch, 200);
	}
	return err;
}

/* Bring the blob to @p target octets from wherever it is */
static int pump(struct work *w, unsigned b, size_t target)
{
	uint8_t hash[DIGEST_BYTES];
	uint64_t have;
	bool whole;
	int err;

	err = w->db->blob_have(w->db->arg, blob_hash(b), &have, &whole);
	if (err || whole || have >= target)
		return err;
	(void)blob_make(b, hash);
	return w->db->blob_write(w->db->arg, hash, have, scratch + have,
				 target - have);
}

static int finish(struct work *w, unsigned b)
{
	const uint8_t *hash = blob_hash(b);
	const size_t n = blob_bytes(b);
	int err = pump(w, b, n);

	if (!err)
		err = w->db->blob_finish(w->db->arg, hash);
	if (err != EBADMSG)
		return err;
	err = pump(w, b, n);	/* a crash left rubbish: all of it again */
	return err ? err : w->db->blob_finish(w->db->arg, hash);
}

static int import(struct work *w, unsigned b)
{
	uint8_t hash[DIGEST_BYTES], got[DIGEST_BYTES];
	const size_t n = blob_make(b, hash);
	const int fd = memfd_create("content", MFD_CLOEXEC);
	uint64_t stored;
	int err = EIO;

	if (fd >= 0 &&
	    write(fd, scratch + BLOB_SALT_BYTES, n - BLOB_SALT_BYTES) > 0)
		err = store_blob_import(w->s, fd, n - BLOB_SALT_BYTES, scratch,
					got, &stored);
	if (fd >= 0)
		close(fd);
	if (!err && (stored != n || memcmp(got, hash, DIGEST_BYTES) != 0))
		abort();
	return err;
}

static int do_blobs(struct work *w, unsigned t)
{
	const unsigned b = t / 8;
	struct db_want want = {.seq = b};

	want.bytes = blob_bytes(b);
	memcpy(want.hash, blob_hash(b), DIGEST_BYTES);
	switch (t % 8) {
	case 1: return w->db->want_put(w->db->arg, FEED_PEER, &want);
	case 2:
	case 3:
	case 4:
	case 5: return pump(w, b, want.bytes / 5 * (t % 8 - 1));
	case 6: return finish(w, b);
	case 7: return w->db->want_drop(w->db->arg, FEED_PEER, b);
	default: return import(w, b + 1000);
	}
}

static int do_notes(struct work *w, unsigned t)
{
	uint8_t text[700];
	struct db_note n = {.size = own_len(w, t), .p = text, .n = 600};
	int err;

	n.bytes = n.size * 500;
	fill(text, sizeof(text), t);
	memset(n.root, (int)t, sizeof(n.root));
	err = w->db->note_put(w->db->arg, FEED_OWN, NOTE_SIGNED, &n);
	if (err || t % 5)
		return err;
	return w->db->note_put(w->db->arg, FEED_PEER, NOTE_IDLE, &n);
}

static int do_receipts(struct work *w, unsigned t)
{
	const uint64_t from = peer_len(t - 1), to = peer_len(t);
	int err;

	if (from == to)
		return 0;
	err = w->db->receipt_put(w->db->arg, FEED_PEER, from, to - 1,
				 RECEIPT_HELD, t);
	if (!err && t % 3 == 2)
		err = w->db->receipt_put(w->db->arg, FEED_PEER, from, from,
					 RECEIPT_OPENED, t);
	return err;
}

static int do_values(struct work *w, unsigned t)
{
	static uint8_t state[32768];
	const size_t n = 100 + t * 977 % 20000;
	const struct db *db = w->db;
	int err;

	fill(state, n, t);
	err = db->pair_put(db->arg, 0, state, n);
	if (!err)
		err = db->meta_put(db->arg, "odd", state, t % 2);
	if (!err && t % 16 == 5)
		err = db->proof_put(db->arg, 0, "fork", state, 100);
	if (!err)
		err = db->meta_put(db->arg, "turn", (const uint8_t *)&t,
				   sizeof(t));
	return err;
}

int work_turn(struct work *w, unsigned t)
{
	int err;

	/* Half of the turns name themselves first, half last: what is written
	   first must not come through alone either */
	err = t % 2 ? do_values(w, t) : 0;
	if (!err)
		err = put_entries(w, FEED_OWN, own_len(w, t - 1), own_len(w, t),
				  peer_len(t - 1));
	if (!err)
		err = put_entries(w, FEED_PEER, peer_len(t - 1), peer_len(t),
				  own_len(w, t - 1));
	if (!err)
		err = put_late(w, t);
	if (!err)
		err = do_blobs(w, t);
	if (!err && w->blob_h && (t % 8 == 6 || t % 8 == 0))
		w->blob_h(t);
	if (!err)
		err = do_notes(w, t);
	if (!err)
		err = do_receipts(w, t);
	if (!err && t % 2 == 0)
		err = do_values(w, t);
	return err ? err : store_commit(w->s);
}

/* ---- checking it ---- */

static bool wrong(struct work *w, const char *what, uint64_t at)
{
	snprintf(w->why, sizeof(w->why), "%s at %u", what, (unsigned)at);
	return false;
}

struct walk {
	struct work *w;
	uint32_t feed;
	uint64_t next;
	uint64_t late_until;	/* late bodies below are there */
	uint64_t held;
};

static int see(const struct db_entry *e, void *arg)
{
	static uint8_t want[BODY_ROW_MAX];
	struct walk *v = arg;
	size_t n = body_bytes(v->w, v->feed, e->seq);
	uint64_t seed = seed_of(v->feed + 9, e->seq);

	fill(want, entry_bytes(e->seq), seed_of(v->feed, e->seq));
	if (e->seq != v->next++ || e->n != entry_bytes(e->seq) ||
	    memcmp(e->p, want, e->n) != 0)
		return EBADMSG;
	if (is_late(e->seq)) {
		const bool there =
			v->feed == FEED_PEER && e->seq < v->late_until;

		n = there ? 200 : 0;
		seed = seed_of(17, e->seq);
	}
	fill(want, n, seed);
	if (e->body_n != n || !e->body != !n ||
	    (n && memcmp(e->body, want, n) != 0))
		return EBADMSG;
	v->held += n;
	return 0;
}

static bool check_feed(struct work *w, uint32_t feed, unsigned t,
		       uint64_t *held)
{
	struct walk v = {.w = w, .feed = feed};
	const uint64_t len = feed == FEED_OWN ? own_len(w, t) : peer_len(t);

	v.late_until = t ? peer_len(t - 1) : 0;
	if (w->db->entry_walk(w->db->arg, feed, 0, UINT64_MAX, true, see, &v))
		return wrong(w, feed == FEED_OWN ? "own entry" : "peer's entry",
			     v.next - 1);
	*held = v.held;
	return v.next == len || wrong(w, "length of a feed", v.next);
}

static bool check_ids(struct work *w, unsigned t)
{
	const uint64_t len = own_len(w, t);

	for (uint64_t i = 0; i < len + 7; i += 7) {
		const int want = i < len ? 0 : ENOENT;
		uint64_t seq = i;
		char id[32];

		snprintf(id, sizeof(id), "id-%u", (unsigned)(i * 7919));
		if (w->db->entry_find_id(w->db->arg, FEED_OWN, id, &seq) !=
			    want ||
		    seq != i)
			return wrong(w, "id", i);
	}
	return true;
}

static int count_items(const struct db_entry *e, void *arg)
{
	if (e->seq % 2)
		++*(uint64_t *)arg;
	return 0;
}

static bool check_items(struct work *w, unsigned t)
{
	uint64_t n = 0;

	if (store_items(w->s, FEED_OWN, 0, UINT64_MAX, count_items, &n))
		return wrong(w, "items", 0);
	return n == own_len(w, t) / 2 || wrong(w, "number of items", n);
}

static int see_pair(uint32_t pair, const uint8_t *p, size_t n, void *arg)
{
	const unsigned t = *(unsigned *)arg;
	static uint8_t want[32768];

	fill(want, 100 + t * 977 % 20000, t);
	return pair || n != 100 + t * 977 % 20000 || memcmp(p, want, n) != 0
		       ? EBADMSG
		       : 0;
}

static int see_note(const struct db_note *n, void *arg)
{
	const unsigned t = *(unsigned *)arg;
	uint8_t want[600];

	fill(want, sizeof(want), t);
	return n->n != sizeof(want) || n->root[3] != (uint8_t)t ||
			       memcmp(n->p, want, sizeof(want)) != 0
		       ? EBADMSG
		       : 0;
}

static int see_proof(uint64_t number, const char *name, const uint8_t *p,
		     size_t n, void *arg)
{
	(void)p;
	if (number != ++*(uint64_t *)arg || strcmp(name, "fork") || n != 100)
		return EBADMSG;
	return 0;
}

static bool check_values(struct work *w, unsigned t)
{
	const struct db *db = w->db;
	uint64_t proofs = 0;
	struct buf b;
	int err;

	if (db->pair_each(db->arg, see_pair, &t))
		return wrong(w, "pair", t);
	err = db->note_find(db->arg, FEED_OWN, NOTE_SIGNED, UINT64_MAX,
			    UINT64_MAX, see_note, &t);
	if (err != (t ? 0 : ENOENT))
		return wrong(w, "note", t);
	if (store_proofs(w->s, 0, see_proof, &proofs) ||
	    proofs != (t + 11) / 16)
		return wrong(w, "proofs", proofs);
	buf_init(&b, 4096);
	err = db->meta_get(db->arg, "odd", &b);
	buf_free(&b);
	return err == (t % 2 ? 0 : ENOENT) || wrong(w, "value", t);
}

static bool check_marks(struct work *w, unsigned t)
{
	const struct db *db = w->db;
	const uint64_t len = peer_len(t);
	struct db_want want;
	unsigned bits;
	int err;

	for (uint64_t i = len < 20 ? 0 : len - 20; i < len + 3; i++) {
		if (db->receipt_bits(db->arg, FEED_PEER, i, &bits) ||
		    (bits & 1) != (i < len))
			return wrong(w, "receipt", i);
	}
	err = db->want_next(db->arg, FEED_PEER, 0, &want);
	if (t % 8 >= 1 && t % 8 <= 6)
		return (!err && want.seq == t / 8) || wrong(w, "want", t / 8);
	return err == ENOENT || wrong(w, "want left over", want.seq);
}

/* Whole, and then what its name says; or not there when it need not be */
static bool check_blob(struct work *w, unsigned b, bool must)
{
	static uint8_t got[BLOB_MAX + 1];
	const uint8_t *hash = blob_hash(b);
	const size_t n = blob_bytes(b);
	uint8_t again[DIGEST_BYTES];
	ssize_t k;
	int fd;

	if (store_blob_open(w->s, hash, &fd))
		return !must || wrong(w, "blob missing", b);
	k = read(fd, got, sizeof(got));
	close(fd);
	if (k != (ssize_t)n)
		return wrong(w, "blob's length", b);
	digest(got, n, again);
	return !memcmp(hash, again, DIGEST_BYTES) || wrong(w, "blob", b);
}

/* The last ones by content, the older ones now and then */
static bool check_blobs(struct work *w, unsigned t)
{
	for (unsigned b = 0; b <= t / 8 + 1; b++) {
		if (b + 3 < t / 8 && t % 16)
			continue;
		if (!check_blob(w, b, b * 8 + 6 <= t) ||
		    !check_blob(w, b + 1000, b && b * 8 <= t))
			return false;
	}
	return true;
}

bool work_blob_check(struct work *w, unsigned t)
{
	if (t % 8 == 6)
		return check_blob(w, t / 8, true);
	return t % 8 || check_blob(w, t / 8 + 1000, true);
}

bool work_check(struct work *w, unsigned t)
{
	uint64_t own, peer, held;

	if (!check_feed(w, FEED_OWN, t, &own) ||
	    !check_feed(w, FEED_PEER, t, &peer) || !check_ids(w, t) ||
	    !check_items(w, t) || !check_values(w, t) || !check_marks(w, t) ||
	    !check_blobs(w, t))
		return false;
	for (unsigned b = 0; b * 8 + 7 <= t; b++)
		peer += blob_bytes(b);
	if (store_body_bytes(w->s, FEED_PEER, &held) || held != peer)
		return wrong(w, "octets held", held);
	return true;
}
