/* SPDX-License-Identifier: ISC */
/** @file single.c  One tlog-proof or checkpoint, apart from any dossier */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "verify/verify.h"

static void print_signers(const struct note *n, const struct key *keys,
			  unsigned count)
{
	char name[ORIGIN_MAX * 4], ts[25];

	for (unsigned k = 0; k < count; k++) {
		const char *s = keys[k].name;

		escape((const uint8_t *)s, strlen(s), false, name,
		       sizeof(name));
		if (!(n->mask >> k & 1))
			continue;
		if (keys[k].type == TYPE_LOG) {
			printf("signed by %s\n", name);
			continue;
		}
		ts_print(time_ms(n->time_s[k]), ts);
		printf("cosigned by %s at %s\n", name, ts);
	}
}

/* The note is a checkpoint, signed by the log key that its origin names */
static bool open_note(struct note *n, struct slice s, const struct key *keys,
		      unsigned count)
{
	bool by_log = false;

	if (!note_parse(s, n) || !note_verify(n, keys, count))
		return false;
	for (unsigned k = 0; k < count; k++) {
		if (n->mask >> k & 1 && keys[k].type == TYPE_LOG &&
		    slice_is(n->origin, keys[k].name))
			by_log = true;
	}
	return by_log;
}

static void print_note(const struct note *n, const struct key *keys,
		       unsigned count)
{
	char origin[NOTE_MAX], root[48];

	escape(n->origin.p, n->origin.n, false, origin, sizeof(origin));
	b64_print(n->root, HASH_LEN, root);
	printf("origin %s\nsize %llu\nroot %s\n", origin,
	       (unsigned long long)n->size, root);
	print_signers(n, keys, count);
}

int single_note(struct dossier *d, const struct key *keys, unsigned count,
		struct slice note, const char *place, const uint8_t *root,
		uint64_t leaves)
{
	struct note n;

	if (!open_note(&n, note, keys, count))
		return verdict_invalid(d, "signature", "%s", place);
	print_note(&n, keys, count);
	if (root && n.size != leaves)
		return verdict_invalid(d, "size", "%s", place);
	if (root && memcmp(root, n.root, HASH_LEN))
		return verdict_invalid(d, "root", "%s", place);
	return 0;
}

static bool proof_parse(struct slice *in, struct slice *extra, uint64_t *index,
			uint8_t (*proof)[HASH_LEN], size_t *count)
{
	struct slice line;

	*extra = (struct slice){NULL, 0};
	*count = 0;
	if (!slice_line(in, &line) ||
	    !slice_is(line, "c2sp.org/tlog-proof@v1") || !slice_line(in, &line))
		return false;
	if (slice_after(&line, "extra ")) {
		*extra = line;
		if (!slice_line(in, &line))
			return false;
	}
	if (!slice_after(&line, "index ") || !uint_parse(line, index))
		return false;
	while (slice_line(in, &line)) {
		if (!line.n)
			return true;
		if (*count == LEVELS_MAX ||
		    !b64_exact(line, proof[(*count)++], HASH_LEN))
			return false;
	}
	return false;
}

int single_proof(struct dossier *d, const struct key *keys, unsigned count,
		 struct slice proof, struct slice entry, const char *place)
{
	uint8_t path[LEVELS_MAX][HASH_LEN], leaf[HASH_LEN];
	static uint8_t buf[ENTRY_MAX];
	struct slice extra;
	uint64_t index;
	struct note n;
	size_t hashes, len;

	if (!proof_parse(&proof, &extra, &index, path, &hashes))
		return verdict_invalid(d, "syntax", "%s", place);
	if (!entry.p && !extra.n)
		return ENOENT;
	if (!entry.p) {
		if (!b64_parse(extra, buf, sizeof(buf), &len) ||
		    len > sizeof(buf))
			return verdict_invalid(d, "syntax", "%s", place);
		entry = (struct slice){buf, len};
	}
	if (!open_note(&n, proof, keys, count))
		return verdict_invalid(d, "signature", "%s", place);
	print_note(&n, keys, count);
	hash_leaf(entry.p, entry.n, leaf);
	if (!inclusion_ok(index, n.size, leaf, (const uint8_t(*)[HASH_LEN])path,
			  hashes, n.root))
		return verdict_invalid(d, "proof", "%s", place);
	printf("entry %llu is in this tree\n", (unsigned long long)index);
	return 0;
}
