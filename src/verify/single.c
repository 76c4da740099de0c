/* SPDX-License-Identifier: ISC */
/** @file single.c  One tlog-proof or checkpoint, apart from any dossier */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "verify/verify.h"

/* Signed by the log key that its origin names: say by whom besides */
static void note_say(struct dossier *d, struct slice s, struct note *n)
{
	char text[NOTE_MAX], root[48], ts[25];

	if (!note_open(s, d->key, d->keys, n) || !n->by_log)
		invalid(d, "signature", d->path, WHOLE);
	escape(n->origin, false, text, sizeof(text));
	b64_print(n->root, HASH_LEN, root);
	printf("origin %s\nsize %llu\nroot %s\n", text, (ull)n->size, root);
	for (unsigned k = 0; k < d->keys; k++) {
		if (!(n->mask >> k & 1))
			continue;
		escape(slice_of(d->key[k].name), false, text, sizeof(text));
		time_print(n->time_s[k], 0, ts);
		if (d->key[k].type == TYPE_LOG)
			printf("signed by %s\n", text);
		else
			printf("cosigned by %s at %s\n", text, ts);
	}
}

struct proof {
	uint64_t index;
	size_t hashes;
	uint8_t hash[LEVELS_MAX][HASH_LEN];
	struct slice extra, note;
};

static bool proof_parse(struct slice s, struct proof *p)
{
	p->extra.n = p->hashes = 0;
	if (!scan(s, "c2sp.org/tlog-proof@v1\n%*", &s))
		return false;
	(void)scan(s, "extra %l\n%*", &p->extra, &s);
	if (!scan(s, "index %u\n%*", &p->index, &s))
		return false;
	while (p->hashes < LEVELS_MAX &&
	       scan(s, "%h\n%*", p->hash[p->hashes], &s))
		p->hashes++;
	return scan(s, "\n%*", &p->note);
}

void single_proof(struct dossier *d, const char *name)
{
	static uint8_t buf[ENTRY_MAX];
	struct slice entry = {buf, 0};
	uint8_t leaf[HASH_LEN];
	struct proof p;
	struct note n;

	if (!proof_parse(file_map(AT_FDCWD, d->path, PROOF_MAX), &p))
		invalid(d, "syntax", d->path, WHOLE);
	if (name) {
		entry = file_map(AT_FDCWD, name, ENTRY_MAX);
	} else if (p.extra.n) {
		entry.n = b64_decode(p.extra, buf, sizeof(buf));
		if (!entry.n || entry.n > sizeof(buf))
			invalid(d, "syntax", d->path, WHOLE);
	} else {
		fputs("ringdown-verify: the proof does not hold its entry: "
		      "give it with --entry FILE.\n",
		      stderr);
		exit(EXIT_USAGE);
	}
	note_say(d, p.note, &n);
	hash_leaf(entry, leaf);
	if (!inclusion_ok(p.index, n.size, leaf, p.hash, p.hashes, n.root))
		invalid(d, "proof", d->path, WHOLE);
	printf("entry %llu is in this tree\n", (ull)p.index);
	finish(d);
}

void single_note(struct dossier *d, char *const *entry)
{
	struct tree t = {.n = 0};
	uint8_t hash[HASH_LEN];
	struct note n;

	note_say(d, file_map(AT_FDCWD, d->path, NOTE_MAX), &n);
	for (; *entry; entry++) {
		hash_leaf(file_map(AT_FDCWD, *entry, ENTRY_MAX), hash);
		tree_push(&t, hash);
	}
	tree_root(&t, hash);
	if (t.n && n.size != t.n)
		invalid(d, "size", d->path, WHOLE);
	if (t.n && !same_hash(hash, n.root))
		invalid(d, "root", d->path, WHOLE);
	finish(d);
}
