/* SPDX-License-Identifier: ISC */
/** @file judge.c  Checks 3 to 8: feeds, entries, signatures (record.md 8) */
#include "verify/verify.h"
#include <stdio.h>
#include <string.h>

/* seconds an idle cosignature may lag behind an entry before it tells */
static const uint64_t ack_grace_s = 300;

bool same_hash(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, HASH_LEN);
}

bool cosigned(const struct note *n, unsigned side)
{
	return n->mask >> (KEY_COSIGNER + side) & 1;
}

/* When? */
static uint64_t cosigned_s(const struct note *n, unsigned side)
{
	return n->time_s[KEY_COSIGNER + side];
}

bool frame(struct slice *in, struct slice *entry, size_t max)
{
	size_t n;

	if (in->n < 2)
		return false;
	n = (size_t)(in->p[0] << 8 | in->p[1]);
	*entry = (struct slice){in->p + 2, n};
	if (!n || n > max || n > in->n - 2)
		return false;
	*in = (struct slice){in->p + 2 + n, in->n - 2 - n};
	return true;
}

void feed_tree(const struct side *s, uint64_t n, struct tree *t)
{
	while (t->n < n)
		tree_push(t, s->item[t->n].leaf);
}

/* A note over an origin, if there is one; false if nothing is there */
static bool note_load(struct dossier *d, const char *name, unsigned origin,
		      struct note *n)
{
	if (!file_find(d, name))
		return false;
	if (!note_open(file_map(d->dir, name, NOTE_MAX), d->key, d->keys, n) ||
	    !slice_is(n->origin, d->key[origin].name))
		invalid(d, "signature", name, WHOLE);
	return true;
}

/* Take a feed apart. Gives its tree. */
static void feed_read(struct dossier *d, struct side *s, struct slice in,
		      struct tree *t)
{
	/* Of more, one is too short to keep the rules, and check 4 stops there.
	   So memory stays in proportion to the file. */
	const uint64_t most = in.n / ENTRY_MIN + 1;
	struct item item = {.fault = NULL};

	for (; in.n; tree_push(t, item.leaf)) {
		if (!frame(&in, &item.bytes, ENTRY_MAX))
			invalid(d, "framing", s->name[FEED], WHOLE);
		hash_leaf(item.bytes, item.leaf);
		if (t->n >= most)
			continue;
		s->item = grow(s->item, t->n, sizeof(item));
		s->item[t->n] = item;
	}
	s->n = t->n;
}

/* 3 */
static void check_feed(struct dossier *d, unsigned i)
{
	struct side *s = &d->side[i];
	const char *name = s->name[CHECKPOINT];
	struct note *n = &s->note[CHECKPOINT];
	struct tree t = {.n = 0};
	uint8_t root[HASH_LEN];

	feed_read(d, s, file_map(d->dir, s->name[FEED], INT64_MAX), &t);
	if (!note_load(d, name, i, n))
		return;
	if (!n->by_log)
		invalid(d, "signature", name, WHOLE);
	if (n->size != s->n)
		invalid(d, "size", name, WHOLE);
	tree_root(&t, root);
	if (!same_hash(n->root, root))
		invalid(d, "root", name, WHOLE);
}

/* Entry 0 says what follows from the cards, and nothing else */
static bool open_ok(const struct dossier *d, unsigned i, const struct entry *e)
{
	const struct slice both[] = {d->side[LO].card.text,
				     d->side[HI].card.text};
	uint8_t hash[HASH_LEN];
	char agreement[65], next[65], log[VKEY_LEN], cosigner[VKEY_LEN],
		want[2048];

	hash_parts(both, 2, hash);
	hex_print(hash, HASH_LEN, agreement);
	hex_print(d->side[i].card.next, HASH_LEN, next);
	key_print(&d->key[i], log);
	key_print(&d->key[KEY_COSIGNER + i], cosigner);
	snprintf(want, sizeof(want),
		 "open\npeer %s\nagreement sha256:%s %zu\npivot %s\n"
		 "log-key %s\ncosigner-key %s\nnext-key sha256:%s\n",
		 d->key[1 - i].name, agreement, both[LO].n + both[HI].n,
		 d->key[LO].name, log, cosigner, next);
	return slice_is(e->said, want) && !e->text.n;
}

const char *entry_fault(const struct dossier *d, unsigned i, uint64_t n,
			const struct entry *e, const struct item *before)
{
	const bool opens = slice_is(e->type, "open");
	uint8_t empty[HASH_LEN];

	hash_bytes("", 0, empty);
	if (!slice_is(e->log, d->key[i].name))
		return "log";
	if (e->seq != n)
		return "seq";
	if (opens != (n == 0))
		return "open";
	if ((before && e->seen < before->seen) ||
	    (!e->seen && !same_hash(e->root, empty)))
		return "seen";
	if (before && e->time_ms < before->time_ms &&
	    !(e->clock && e->was_ms == before->time_ms &&
	      e->now_ms == e->time_ms))
		return "time";
	return opens && !open_ok(d, i, e) ? "open" : NULL;
}

/* What later checks ask of an entry */
static void keep(struct dossier *d, struct side *s, struct item *it,
		 const struct entry *e)
{
	const struct slice blob = entry_field(e, "blob");
	const uint64_t time_s = e->time_ms / 1000;
	struct named *named;
	struct slice media;

	it->seen = e->seen;
	memcpy(it->seen_root, e->root, HASH_LEN);
	it->time_ms = e->time_ms;
	it->ack = slice_is(e->type, "ack");
	it->clock = e->clock;
	if (e->clock && time_s < s->clock_least_s)
		s->clock_least_s = time_s;
	it->understood = e->understood || e->seq == 0;
	s->unknown += !it->understood;
	it->restore = e->understood && slice_is(e->type, "restore");
	it->named = e->understood && blob.n && !slice_is(e->type, "waiting");
	if (!it->named)
		return;
	d->named = grow(d->named, d->nameds, sizeof(*named));
	named = &d->named[d->nameds++];
	(void)scan(blob, "sha256:%x %u %w", named->hash, &named->bytes, &media);
}

/* 4: do all entries keep the rules? */
static bool check_entries(struct dossier *d, unsigned i)
{
	struct side *s = &d->side[i];
	struct entry e;

	s->clock_least_s = UINT64_MAX;
	for (uint64_t n = 0; n < s->n; n++) {
		struct item *it = &s->item[n];
		const char *why = "grammar";

		if (entry_parse(it->bytes, &e))
			why = entry_fault(d, i, n, &e, n ? it - 1 : NULL);
		if (why) {
			blame(d, EXPOSED, i, why, s->name[FEED], n);
			return false;
		}
		keep(d, s, it, &e);
	}
	return true;
}

/* 5 */
static void check_seen(struct dossier *d, unsigned i)
{
	const struct side *s = &d->side[i], *o = &d->side[1 - i];
	struct tree t = {.n = 0};
	uint8_t root[HASH_LEN];
	bool told = false;

	tree_root(&t, root);
	for (uint64_t n = 0; n < s->n; n++) {
		struct item *it = &s->item[n];

		if (it->seen > o->n)
			invalid(d, "incomplete", s->name[FEED], n);
		if (it->seen > t.n) {
			feed_tree(o, it->seen, &t);
			tree_root(&t, root);
		}
		it->seen_true = same_hash(root, it->seen_root);
		if (!it->seen_true && !told)
			blame(d, SUSPECTED, i, "seen-root", s->name[FEED], n);
		told = told || !it->seen_true;
	}
}

const char *restore_fault(const struct dossier *d, unsigned i,
			  const struct entry *e, const struct tree *t)
{
	uint8_t root[HASH_LEN], to[HASH_LEN], sig[SIG_LEN];
	char body[NAME_LEN + 128], b64[48];
	uint64_t size, time_s;

	if (!e->understood || !slice_is(e->type, "restore") ||
	    !scan(entry_field(e, "to"), "%u %h", &size, to) ||
	    !scan(entry_field(e, "attest"), "%u %s", &time_s, sig))
		return NULL;
	b64_print(to, HASH_LEN, b64);
	snprintf(body, sizeof(body), "%s\n%llu\n%s\n", d->key[i].name,
		 (ull)size, b64);
	if (!cosignature_ok(&d->key[KEY_COSIGNER + 1 - i], time_s,
			    slice_of(body), sig))
		return "attest";
	tree_root(t, root);
	return size == t->n && same_hash(to, root) ? NULL : "restore";
}

/* For 6 to 8 and 10 */
static void weigh_restores(struct dossier *d, unsigned i)
{
	const struct side *s = &d->side[i];
	struct tree t = {.n = 0};
	struct entry e;

	for (uint64_t n = 0; n < s->n; n++) {
		struct item *it = &s->item[n];

		if (!it->restore || !entry_parse(it->bytes, &e))
			continue;
		feed_tree(s, n, &t);
		it->fault = restore_fault(d, i, &e, &t);
	}
}

bool cosigned_root(struct dossier *d, unsigned i, const char *name,
		   const struct note *n)
{
	const struct side *s = &d->side[i];
	struct tree t = {.n = 0};
	uint8_t root[HASH_LEN];

	feed_tree(s, n->size, &t);
	tree_root(&t, root);
	if (same_hash(root, n->root))
		return true;
	/* with the author's signature it is the author's doing */
	if (n->by_log)
		judge_fork(d, i, n, &s->note[CHECKPOINT], name);
	else
		blame(d, SUSPECTED, 1 - i, "cosigned-root", name, WHOLE);
	return false;
}

/* 6: the other side cosigned a tree of this feed. Was it one of its trees, and
 * did it say in its own feed what it had seen? */
static void check_cosigned(struct dossier *d, unsigned i, const char *name,
			   const struct note *n)
{
	const struct side *s = &d->side[i], *o = &d->side[1 - i];
	uint64_t k = o->n ? o->item[o->n - 1].seen : 0;

	if (!cosigned(n, 1 - i))
		invalid(d, "signature", name, WHOLE);
	if (!n->size || n->size > s->n)
		invalid(d, "size", name, WHOLE);
	if (!cosigned_root(d, i, name, n))
		return;
	while (k < n->size && s->item[k].ack)
		k++;
	if (k < n->size)
		blame(d, SUSPECTED, 1 - i, "cosigned-unseen", name, WHOLE);
}

/* At a time the author said that its feed had this size; what is written after
 * that and bears an earlier time is backdated */
static void check_backdated(struct dossier *d, unsigned i, const struct note *n)
{
	const struct side *s = &d->side[i];

	for (uint64_t k = n->size; k < s->n && !s->item[k].clock; k++) {
		if (s->item[k].time_ms / 1000 >= cosigned_s(n, i))
			continue;
		blame(d, EXPOSED, i, "backdated", s->name[FEED], k);
		break;
	}
}

static void check_idle(struct dossier *d, unsigned i)
{
	const struct side *s = &d->side[i];
	const struct note *n = &s->note[IDLE];

	for (uint64_t k = acknowledged(s); k < s->n; k++) {
		const uint64_t late_s = s->item[k].time_ms / 1000 + ack_grace_s;

		if (s->item[k].ack || late_s >= cosigned_s(n, 1 - i))
			continue;
		blame(d, SUSPECTED, 1 - i, "unacknowledged", s->name[FEED], k);
		break;
	}
}

static void check_cosignatures(struct dossier *d, unsigned i)
{
	struct side *s = &d->side[i];

	for (unsigned k = COSIGNED; k <= IDLE; k++) {
		if (note_load(d, s->name[k], i, &s->note[k]))
			check_cosigned(d, i, s->name[k], &s->note[k]);
	}
	for (unsigned k = CHECKPOINT; k <= IDLE; k++) {
		if (cosigned(&s->note[k], i))
			check_backdated(d, i, &s->note[k]);
	}
	if (s->note[IDLE].mask)
		check_idle(d, i);
}

/* 7 */
static void check_restores(struct dossier *d, unsigned i)
{
	const struct side *s = &d->side[i];

	for (uint64_t n = 0; n < s->n; n++) {
		if (s->item[n].fault)
			blame(d, EXPOSED, i, s->item[n].fault, s->name[FEED],
			      n);
	}
}

unsigned joint_next(const struct dossier *d, const uint64_t at[static 2])
{
	const struct side *lo = &d->side[LO];

	return at[LO] < lo->n && at[HI] >= lo->item[at[LO]].seen ? LO : HI;
}

const char *joint_fault(struct dossier *d, const struct note *n, bool *proves)
{
	const struct side *lo = &d->side[LO];
	uint64_t at[2] = {0, 0};
	struct tree t = {.n = 0};
	uint8_t root[HASH_LEN];
	bool found = !n->size, lost = false;

	*proves = true;
	tree_root(&t, root);
	while (at[LO] < lo->n) {
		const unsigned i = joint_next(d, at);
		const struct item *it = &d->side[i].item[at[i]++];

		tree_push(&t, it->leaf);
		lost = lost || (i == LO && it->restore);
		if (i == HI || t.n != n->size)
			continue;
		found = true;
		tree_root(&t, root);
		/* is it the pivot alone that a wrong root speaks of? Not when
		   the feeds disagree, nor when it has lost its memory */
		*proves = it->seen_true && !lost;
	}
	d->joint_n = t.n;
	tree_root(&t, d->joint_root);
	return !found ? "size" : same_hash(root, n->root) ? NULL : "joint-root";
}

/* 8 */
static void check_joint(struct dossier *d)
{
	static const char name[] = "joint.checkpoint";
	struct note *n = &d->joint;
	const bool there = note_load(d, name, JOINT, n);
	bool proves;
	const char *why;

	if (there && !n->by_log)
		invalid(d, "signature", name, WHOLE);
	why = joint_fault(d, n, &proves);
	if (why && slice_is(slice_of(why), "size"))
		invalid(d, "size", name, WHOLE);
	if (why && there)
		blame(d, proves ? EXPOSED : SUSPECTED, LO, why, name, WHOLE);
}

void dossier_judge(struct dossier *d)
{
	static void (*const check[])(struct dossier * d, unsigned i) = {
		check_seen, weigh_restores, check_cosignatures, check_restores};
	bool good;

	check_feed(d, LO);
	check_feed(d, HI);
	good = check_entries(d, LO);
	good = check_entries(d, HI) && good;
	if (good) {
		for (size_t k = 0; k < sizeof(check) / sizeof(check[0]); k++) {
			check[k](d, LO);
			check[k](d, HI);
		}
		check_joint(d);
		check_blobs(d);
		d->judged = true;
	}
	check_proofs(d);
}
