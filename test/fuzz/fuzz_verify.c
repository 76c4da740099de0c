/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_verify.c  What the verifier reads, taken to its parsers
 *
 * The first byte says which of them; the rest is the input. The sources are
 * included: the verifier shares neither code nor names with the daemon, and its
 * statics are what meets a feed first.
 */
#include "fuzz/fuzz.h"
#include "verify/text.c"
#include "verify/hash.c"
#include "verify/note.c"
#include "verify/entry.c"
#include "verify/dossier.c"
#include "verify/evidence.c"
#include "verify/judge.c"
#include "verify/single.c"

static struct dossier d;

static bool inside(struct slice s, struct slice whole)
{
	return !s.n || (s.p >= whole.p && s.p <= whole.p + whole.n &&
			s.n <= whole.n - (size_t)(s.p - whole.p));
}

static void try_entry(struct slice s)
{
	static struct entry e;
	char ts[25];

	if (!entry_parse(s, &e))
		return;
	MUST(s.n <= ENTRY_MAX && e.count <= FIELDS_MAX);
	MUST(inside(e.log, s) && inside(e.type, s) && inside(e.text, s));
	MUST(inside(e.fields, s) && inside(e.root_text, s));
	MUST(e.root_text.n == 44 && e.seq <= UINT_MAX_VALUE);
	for (unsigned i = 0; i < e.count; i++)
		MUST(inside(e.field[i].value, e.fields));
	ts_print(e.time_ms, ts);
	MUST(memmem(s.p, s.n, ts, 24));
}

static void try_note(struct slice s)
{
	static struct note n;
	char b64[48], body[NOTE_MAX + 128];
	int len;

	if (!note_parse(s, &n))
		return;
	MUST(s.n <= NOTE_MAX && n.sigs >= 1 && n.sigs <= SIGS_MAX);
	MUST(inside(n.text, s) && inside(n.origin, n.text));
	b64_print(n.root, HASH_LEN, b64);
	len = snprintf(body, sizeof(body), "%.*s\n%llu\n%s\n", (int)n.origin.n,
		       (const char *)n.origin.p, (unsigned long long)n.size,
		       b64);
	MUST(slice_is(n.text, body) && (size_t)len == n.text.n);
	for (unsigned i = 0; i < 3; i++) {
		n.mask = 0;
		(void)note_verify(&n, d.keys[i], 3);
	}
}

static void try_card(struct slice s)
{
	static struct card c, again;

	if (!card_parse(s, true, &c))
		return;
	MUST(c.text_len <= s.n && !memcmp(c.text, s.p, c.text_len));
	MUST(host_ok((struct slice){(uint8_t *)c.host, strlen(c.host)}));
	MUST(card_parse((struct slice){c.text, c.text_len}, false, &again));
}

/* Both algorithms over whatever numbers: they end, and reject nonsense */
static void try_trees(struct slice s)
{
	static const uint8_t zero[HASH_LEN];
	uint8_t proof[LEVELS_MAX][HASH_LEN];
	uint64_t n[2];
	size_t count;

	if (s.n < sizeof(n))
		return;
	memcpy(n, s.p, sizeof(n));
	s.p += sizeof(n);
	s.n -= sizeof(n);
	count = s.n / HASH_LEN < LEVELS_MAX ? s.n / HASH_LEN : LEVELS_MAX;
	memcpy(proof, s.p, count * HASH_LEN);
	MUST(!inclusion_ok(n[0], n[1], zero, (const uint8_t(*)[HASH_LEN])proof,
			   count, zero));
	MUST(!consistency_ok(n[0], n[1], zero, zero,
			     (const uint8_t(*)[HASH_LEN])proof, count));
}

/* A feed as it comes from a file, through framing and the envelope's rules */
static void try_feed(struct slice s)
{
	struct side *side = &d.side[0];

	side->feed = s.p;
	side->feed_bytes = s.n;
	d.verdict = (struct verdict){TRUSTED, -1, NULL, ""};
	if (!frame(side) && !check_entries(&d, 0))
		MUST(d.verdict.level == EXPOSED && d.verdict.side == 0);
	side->feed = NULL;
	side->feed_bytes = 0;
	side->n = 0;
}

static void try_rest(struct slice s)
{
	static uint8_t raw[B64_MAX];
	static char back[B64_MAX + 8];
	struct key k;
	size_t len;

	(void)address_ok(s);
	(void)key_parse(s, &k);
	if (b64_parse(s, raw, sizeof(raw), &len)) {
		b64_print(raw, len, back);
		MUST(slice_is(s, back));
	}
	len = escape(s.p, s.n, true, back, 200);
	MUST(len < 200 && text_clean((uint8_t *)back, len, false));
}

static void start(void)
{
	static bool started;

	if (started)
		return;
	MUST(!hash_init());
	for (unsigned i = 0; i < 2; i++) {
		struct card *c = &d.side[i].card;

		c->host[0] = (char)('a' + i);
		memset(c->log, (int)i + 1, KEY_LEN);
		memset(c->cosigner, (int)i + 3, KEY_LEN);
		memset(c->trunk, (int)i + 5, KEY_LEN);
	}
	MUST(!pair_derive(&d));
	started = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct note first, second;
	const struct slice s = {data + 1, size - 1};
	struct slice in = s, extra;
	uint8_t path[LEVELS_MAX][HASH_LEN];
	uint64_t index;
	unsigned origin;
	size_t count;

	if (!size)
		return 0;
	start();
	switch (data[0] % 8) {
	case 0: try_entry(s); break;
	case 1: try_note(s); break;
	case 2: try_card(s); break;
	case 3:
		(void)fork_parse(s, (const struct key(*)[3])d.keys, &origin,
				 &first, &second);
		break;
	case 4:
		if (proof_parse(&in, &extra, &index, path, &count))
			MUST(count <= LEVELS_MAX && inside(in, s));
		break;
	case 5: try_trees(s); break;
	case 6: try_feed(s); break;
	default: try_rest(s);
	}
	return 0;
}
