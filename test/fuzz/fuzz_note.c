/* SPDX-License-Identifier: ISC */
/** @file fuzz_note.c  Notes: views stay inside, bodies print back, checks end */
#include <errno.h>
#include "fuzz/fuzz.h"
#include "proto/note.h"

static bool inside(struct str s, const uint8_t *data, size_t size)
{
	const uint8_t *p = (const uint8_t *)s.p;

	return p >= data && p <= data + size &&
	       s.n <= size - (size_t)(p - data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[KEY_BYTES] = {1};
	struct key *key = NULL;
	char origin[NOTE_BYTES_MAX + 1];
	struct note_key k;
	struct note n;
	struct buf b;

	if (note_parse(data, size, &n))
		return 0;
	MUST(size <= NOTE_BYTES_MAX && n.lines && n.lines <= NOTE_SIGS_MAX);
	MUST(inside(n.body, data, size));
	buf_init(&b, NOTE_BYTES_MAX);
	MUST(!str_copy(n.origin, origin, sizeof(origin)));
	note_body(&b, origin, n.size, n.root);
	MUST(!b.err && b.n == n.body.n && !memcmp(b.p, n.body.p, b.n));
	buf_free(&b);
	MUST(!key_from_seed(&key, seed));
	for (size_t i = 0; i < n.lines; i++) {
		char name[ORIGIN_CHARS_MAX];

		MUST(inside(n.line[i].whole, data, size));
		MUST(inside(n.line[i].name, data, size));
		if (str_copy(n.line[i].name, name, sizeof(name)))
			continue;
		/* as if the line were of a key that we know */
		for (int type = 0; type < 2; type++) {
			MUST(!note_key_init(&k, name,
					    type ? NOTE_COSIGNATURE : NOTE_LOG,
					    key));
			memcpy(k.id, n.line[i].id, sizeof(k.id));
			MUST(note_check(&n, &k, NULL, NULL) != ENOENT);
		}
	}
	key_free(key);
	return 0;
}
