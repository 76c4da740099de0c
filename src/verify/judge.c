/* SPDX-License-Identifier: ISC */
/** @file judge.c  Checks 3 to 8: feeds, entries, cosignatures (record.md 8) */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "verify/verify.h"

enum { AUTHOR = 1, OTHER = 2 };		/* cosigners' places in keys[][] */

/* seconds an idle cosignature may lag behind an entry before it tells */
static const int64_t ack_grace_s = 300;

static bool signed_by(const struct note *n, unsigned key)
{
	return n->mask >> key & 1;
}

/* Read a note over an origin, if there is one, that key `must` has signed */
static int note_load(struct dossier *d, const char *name, unsigned origin,
		     unsigned must, struct note *n, uint8_t *buf, bool *has)
{
	const struct key *keys = d->keys[origin];
	struct slice s;
	const int err = file_read(d->dir, name, buf, NOTE_MAX, &s);

	*has = !err;
	if (err)
		return err == ENOENT ? 0 : err;
	if (!note_parse(s, n) || !slice_is(n->origin, keys[0].name) ||
	    !note_verify(n, keys, 3) || !signed_by(n, must))
		return verdict_invalid(d, "signature", "%s", name);
	return 0;
}

/* Count the entries of a feed. 0, or EBADMSG: it does not add up */
static int frame(struct side *s)
{
	size_t at = 0;

	for (s->n = 0; at < s->feed_bytes; s->n++) {
		const uint8_t *p = s->feed + at;
		size_t len;

		if (s->feed_bytes - at < 2)
			return EBADMSG;
		len = (size_t)(p[0] << 8 | p[1]);
		if (!len || len > ENTRY_MAX || len > s->feed_bytes - at - 2)
			return EBADMSG;
		at += 2 + len;
	}
	return 0;
}

static int check_feed(struct dossier *d, unsigned i)
{
	struct side *s = &d->side[i];
	const struct note *n = &s->checkpoint;
	char name[128];
	uint8_t hash[HASH_LEN];
	size_t at = 0;
	bool keep;
	int err;

	snprintf(name, sizeof(name), "%s.checkpoint", s->feed_name);
	if (frame(s))
		return verdict_invalid(d, "framing", "%s", s->feed_name);
	err = note_load(d, name, i, 0, &s->checkpoint, s->buf[0],
			&s->has_checkpoint);
	if (err)
		return err;
	if (s->has_checkpoint && n->size != s->n)
		return verdict_invalid(d, "size", "%s", name);
	/* with smaller entries one breaks the grammar, and nothing that needs
	   the nodes is ever asked; so memory stays in proportion to the file */
	keep = s->n <= s->feed_bytes / ENTRY_MIN;
	err = tree_alloc(&s->tree, s->n, keep);
	if (!err && keep && s->n) {
		s->item = calloc((size_t)s->n, sizeof(*s->item));
		err = s->item ? 0 : ENOMEM;
	}
	if (err)
		return err;
	for (uint64_t k = 0; k < s->n; k++) {
		const size_t len = (size_t)(s->feed[at] << 8 | s->feed[at + 1]);

		hash_leaf(s->feed + at + 2, len, hash);
		tree_push(&s->tree, hash);
		at += 2 + len;
	}
	tree_root(&s->tree, s->n, hash);
	if (s->has_checkpoint && memcmp(hash, n->root, HASH_LEN))
		return verdict_invalid(d, "root", "%s", name);
	return 0;
}

bool side_entry(const struct side *s, uint64_t i, struct entry *e)
{
	return entry_parse(
		(struct slice){s->feed + s->item[i].off, s->item[i].len}, e);
}

/* Entry 0 says what follows from the cards, and nothing else */
static bool open_ok(const struct dossier *d, unsigned i, const struct entry *e)
{
	const struct card *lo = &d->side[0].card, *hi = &d->side[1].card;
	const size_t len = lo->text_len + hi->text_len;
	uint8_t *pairing = malloc(len), hash[HASH_LEN];
	char agreement[65], next[65], log[ORIGIN_MAX + 64],
		cosigner[ORIGIN_MAX + 64], want[2048];

	if (!pairing)
		abort();
	memcpy(pairing, lo->text, lo->text_len);
	memcpy(pairing + lo->text_len, hi->text, hi->text_len);
	hash_bytes(pairing, len, hash);
	free(pairing);
	hex_print(hash, HASH_LEN, agreement);
	hex_print(d->side[i].card.next, HASH_LEN, next);
	key_print(&d->keys[i][0], log);
	key_print(&d->keys[i][AUTHOR], cosigner);
	snprintf(want, sizeof(want),
		 "peer %s\nagreement sha256:%s %zu\n"
		 "pivot %s\nlog-key %s\ncosigner-key %s\nnext-key sha256:%s\n",
		 d->side[1 - i].origin, agreement, len, d->side[0].origin, log,
		 cosigner, next);
	return slice_is(e->fields, want) && !e->text.n;
}

/* A clock set back, told as the rules want it */
static bool step_ok(const struct entry *e, int64_t before_ms)
{
	int64_t was, now;

	return e->clock && ts_parse(e->field[1].value, &was) &&
	       ts_parse(e->field[2].value, &now) && was == before_ms &&
	       now == e->time_ms;
}

static const char *entry_fault(const struct dossier *d, unsigned i, uint64_t n,
			       const struct entry *e, const struct item *before)
{
	const bool opens = slice_is(e->type, "open");
	uint8_t empty[HASH_LEN];

	hash_bytes("", 0, empty);
	if (!slice_is(e->log, d->side[i].origin))
		return "log";
	if (e->seq != n)
		return "seq";
	if (opens != (n == 0))
		return "open";
	if (e->seen < before->seen ||
	    (!e->seen && memcmp(e->root, empty, HASH_LEN)))
		return "seen";
	if (e->time_ms < before->time_ms && !step_ok(e, before->time_ms))
		return "time";
	if (opens && !open_ok(d, i, e))
		return "open";
	return NULL;
}

/* @return whether all entries of the feed keep the rules */
static bool check_entries(struct dossier *d, unsigned i)
{
	struct side *s = &d->side[i];
	struct item before = {.seen = 0}, item;
	struct entry e;
	uint64_t at = 0;

	s->clock_least_s = UINT64_MAX;
	for (uint64_t n = 0; n < s->n; n++) {
		const size_t len = (size_t)(s->feed[at] << 8 | s->feed[at + 1]);
		const struct slice bytes = {s->feed + at + 2, len};
		const char *why = "grammar";

		if (entry_parse(bytes, &e))
			why = entry_fault(d, i, n, &e, &before);
		if (why) {
			verdict_add(d, EXPOSED, i, why, s->feed_name,
				    (int64_t)n);
			return false;
		}
		item = (struct item){
			.off = at + 2,
			.len = (uint16_t)len,
			.seen = e.seen,
			.time_ms = e.time_ms,
			.ack = slice_is(e.type, "ack"),
			.understood = e.understood || !n,
			.clock = e.clock,
		};
		item.root_at = (uint16_t)(e.root_text.p - bytes.p);
		item.restore = e.understood && slice_is(e.type, "restore");
		if (e.understood && (slice_is(e.type, "notice") ||
				     slice_is(e.type, "document")))
			item.blob_at =
				(uint16_t)(entry_field(&e, "blob").p - bytes.p);
		s->unknown += item.understood ? 0 : 1;
		if (e.clock && (uint64_t)(e.time_ms / 1000) < s->clock_least_s)
			s->clock_least_s = (uint64_t)(e.time_ms / 1000);
		if (s->item)
			s->item[n] = item;
		before = item;
		at += 2 + len;
	}
	return true;
}

static int check_seen(struct dossier *d, unsigned i)
{
	const struct side *s = &d->side[i], *o = &d->side[1 - i];
	uint8_t root[HASH_LEN], said[HASH_LEN];
	uint64_t size = UINT64_MAX;
	bool told = false;

	for (uint64_t n = 0; n < s->n; n++) {
		const struct item *e = &s->item[n];
		const struct slice b64 = {s->feed + e->off + e->root_at, 44};

		if (e->seen > o->n)
			return verdict_invalid(d, "incomplete", "%s:%llu",
					       s->feed_name,
					       (unsigned long long)n);
		if (told || !b64_exact(b64, said, HASH_LEN))
			continue;
		if (e->seen != size)
			tree_root(&o->tree, e->seen, root);
		size = e->seen;
		if (memcmp(root, said, HASH_LEN)) {
			verdict_add(d, SUSPECTED, i, "seen-root", s->feed_name,
				    (int64_t)n);
			told = true;
		}
	}
	return 0;
}

static uint64_t last_seen(const struct side *s)
{
	return s->n ? s->item[s->n - 1].seen : 0;
}

/* The other side cosigned a tree of this feed: was it one of its trees? */
static int check_cosigned(struct dossier *d, unsigned i, const char *name,
			  const struct note *n)
{
	const struct side *s = &d->side[i];
	uint8_t root[HASH_LEN];

	if (!n->size || n->size > s->n)
		return verdict_invalid(d, "size", "%s", name);
	tree_root(&s->tree, n->size, root);
	if (memcmp(root, n->root, HASH_LEN)) {
		/* with the author's signature it is the author's doing */
		if (signed_by(n, 0))
			judge_fork(d, i, n, &s->checkpoint, name);
		else
			verdict_add(d, SUSPECTED, 1 - i, "cosigned-root", name,
				    -1);
		return 0;
	}
	for (uint64_t k = last_seen(&d->side[1 - i]); k < n->size; k++) {
		if (s->item[k].ack)
			continue;
		verdict_add(d, SUSPECTED, 1 - i, "cosigned-unseen", name, -1);
		break;
	}
	return 0;
}

/* At T the author said that its feed had this size; what is written after
 * that and bears an earlier time is backdated */
static void check_backdated(struct dossier *d, unsigned i, const struct note *n)
{
	const struct side *s = &d->side[i];

	for (uint64_t k = n->size; k < s->n && !s->item[k].clock; k++) {
		if ((uint64_t)(s->item[k].time_ms / 1000) >= n->time_s[AUTHOR])
			continue;
		verdict_add(d, EXPOSED, i, "backdated", s->feed_name,
			    (int64_t)k);
		return;
	}
}

static void check_idle(struct dossier *d, unsigned i)
{
	const struct side *s = &d->side[i];
	const struct note *n = &s->idle;
	uint64_t k = n->size;

	/* a larger tree was cosigned since: that answers it */
	if (s->has_cosigned && s->cosigned.size > k)
		k = s->cosigned.size;
	for (; k < s->n; k++) {
		const int64_t ms = s->item[k].time_ms + ack_grace_s * 1000;

		/* ms < T * 1000, without the product's overflow */
		if (s->item[k].ack || (uint64_t)(ms / 1000) >= n->time_s[OTHER])
			continue;
		verdict_add(d, SUSPECTED, 1 - i, "unacknowledged", s->feed_name,
			    (int64_t)k);
		return;
	}
}

static int check_cosignatures(struct dossier *d, unsigned i)
{
	struct side *s = &d->side[i];
	struct note *notes[] = {&s->checkpoint, &s->cosigned, &s->idle};
	bool *has[] = {&s->has_checkpoint, &s->has_cosigned, &s->has_idle};
	static const char *const kind[] = {"checkpoint", "cosigned", "idle"};
	char name[128];
	int err;

	for (unsigned k = 1; k < 3; k++) {
		snprintf(name, sizeof(name), "%s.%s", s->feed_name, kind[k]);
		err = note_load(d, name, i, OTHER, notes[k], s->buf[k], has[k]);
		if (!err && *has[k])
			err = check_cosigned(d, i, name, notes[k]);
		if (err)
			return err;
	}
	for (unsigned k = 0; k < 3; k++) {
		if (*has[k] && signed_by(notes[k], AUTHOR))
			check_backdated(d, i, notes[k]);
	}
	if (s->has_idle)
		check_idle(d, i);
	return 0;
}

/* The attestation of an understood restore, and what it is of */
static bool restore_read(const struct entry *e, uint64_t *size, uint8_t *root,
			 uint64_t *time_s, uint8_t *sig)
{
	struct slice to = entry_field(e, "to"), word;
	struct slice attest = entry_field(e, "attest");

	return slice_word(&to, &word) && uint_parse(word, size) &&
	       b64_exact(to, root, HASH_LEN) && slice_word(&attest, &word) &&
	       uint_parse(word, time_s) && b64_exact(attest, sig, SIG_LEN);
}

/* Weigh the restores of a feed, for checks 6, 7, 8 and 10 */
static void weigh_restores(struct dossier *d, unsigned i)
{
	const struct side *s = &d->side[i];
	char b64[48], text[ORIGIN_MAX + 128];
	uint8_t to_root[HASH_LEN], root[HASH_LEN], sig[SIG_LEN];
	uint64_t size, time_s;
	struct entry e;
	int len;

	for (uint64_t n = 0; n < s->n; n++) {
		if (!s->item[n].restore || !side_entry(s, n, &e))
			continue;
		s->item[n].restore = RESTORE_UNATTESTED;
		if (!restore_read(&e, &size, to_root, &time_s, sig))
			continue;
		b64_print(to_root, HASH_LEN, b64);
		len = snprintf(text, sizeof(text), "%s\n%llu\n%s\n", s->origin,
			       (unsigned long long)size, b64);
		if (!cosignature_ok(
			    &d->keys[i][OTHER], time_s,
			    (struct slice){(const uint8_t *)text, (size_t)len},
			    sig))
			continue;
		tree_root(&s->tree, n, root);
		s->item[n].restore =
			size == n && !memcmp(root, to_root, HASH_LEN)
				? RESTORE_GOOD
				: RESTORE_WRONG;
	}
}

static void check_restores(struct dossier *d, unsigned i)
{
	const struct side *s = &d->side[i];

	for (uint64_t n = 0; n < s->n; n++) {
		if (s->item[n].restore > RESTORE_GOOD)
			verdict_add(d, EXPOSED, i,
				    s->item[n].restore == RESTORE_WRONG
					    ? "restore"
					    : "attest",
				    s->feed_name, (int64_t)n);
	}
}

/* Build the joint record; `at` is the size to stop over at, for its root.
 * `own`: how many of the pivot's entries that is. @return ENOENT: no such */
static int joint_build(struct dossier *d, uint64_t at, uint8_t *root,
		       uint64_t *own)
{
	const struct side *p = &d->side[0], *q = &d->side[1];
	struct tree t;
	uint64_t j = 0;
	int err = tree_alloc(&t, p->n + q->n, false);
	bool found = !at;

	if (err)
		return err;
	*own = 0;
	tree_root(&t, 0, root);
	for (uint64_t i = 0; i < p->n; i++) {
		for (; j < p->item[i].seen; j++)
			tree_push(&t, q->tree.level[0][j]);
		tree_push(&t, p->tree.level[0][i]);
		if (t.n != at)
			continue;
		tree_root(&t, t.n, root);
		*own = i + 1;
		found = true;
	}
	d->joint_n = t.n;
	tree_root(&t, t.n, d->joint_root);
	tree_close(&t);
	return found ? 0 : ENOENT;
}

/* Is it the pivot alone that a wrong joint root speaks of? Not when the two
 * sides' feeds disagree, nor when the pivot has lost its memory meanwhile */
static bool joint_proves(const struct dossier *d, uint64_t own)
{
	const struct side *p = &d->side[0], *q = &d->side[1];
	uint8_t root[HASH_LEN];
	struct entry e;

	for (uint64_t i = 0; i < own; i++) {
		if (p->item[i].restore)
			return false;
	}
	if (!own || !side_entry(p, own - 1, &e))
		return true;
	tree_root(&q->tree, e.seen, root);
	return !memcmp(root, e.root, HASH_LEN);
}

static int check_joint(struct dossier *d)
{
	static const char name[] = "joint.checkpoint";
	uint8_t root[HASH_LEN];
	uint64_t own;
	int err = note_load(d, name, ORIGIN_JOINT, 0, &d->joint, d->joint_buf,
			    &d->has_joint);

	if (err)
		return err;
	err = joint_build(d, d->has_joint ? d->joint.size : 0, root, &own);
	if (err == ENOENT)
		return verdict_invalid(d, "size", "%s", name);
	if (!err && d->has_joint && memcmp(root, d->joint.root, HASH_LEN))
		verdict_add(d, joint_proves(d, own) ? EXPOSED : SUSPECTED, 0,
			    "joint-root", name, -1);
	return err;
}

int dossier_judge(struct dossier *d)
{
	bool good = true;
	int err = 0;

	for (unsigned i = 0; i < 2 && !err; i++)
		err = check_feed(d, i);
	for (unsigned i = 0; i < 2 && !err; i++)
		good = check_entries(d, i) && good;
	if (err)
		return err;
	if (!good)
		return judge_proofs(d);
	for (unsigned i = 0; i < 2 && !err; i++)
		err = check_seen(d, i);
	for (unsigned i = 0; i < 2 && !err; i++)
		weigh_restores(d, i);
	for (unsigned i = 0; i < 2 && !err; i++)
		err = check_cosignatures(d, i);
	if (err)
		return err;
	for (unsigned i = 0; i < 2; i++)
		check_restores(d, i);
	err = check_joint(d);
	if (!err)
		err = judge_blobs(d);
	d->judged = !err;
	return err ? err : judge_proofs(d);
}
