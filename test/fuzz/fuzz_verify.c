/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_verify.c  What the verifier reads, taken to its parsers
 *
 * The first byte says which of them; the rest is the input. The sources are
 * included: the verifier shares neither code nor names with the daemon, and its
 * statics are what meets a feed first. Where it would exit, it comes back here.
 */
#include <setjmp.h>
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
static jmp_buf over;

/* In the place of report.c */

void *grow(void *array, size_t n, size_t size)
{
	array = realloc(array, (n + 1) * size);
	MUST(array);
	return array;
}

void cannot_read(const char *what, int err)
{
	(void)what;
	(void)err;
	abort();
}

void blame(struct dossier *of, enum level level, unsigned side,
	   const char *reason, const char *file, uint64_t n)
{
	(void)file;
	(void)n;
	of->level = level;
	of->blamed = (int)side;
	of->reason = reason;
}

void invalid(struct dossier *of, const char *reason, const char *file,
	     uint64_t n)
{
	blame(of, INVALID, LO, reason, file, n);
	longjmp(over, 1);
}

void finish(const struct dossier *of)
{
	(void)of;
	abort();
}

uint64_t acknowledged(const struct side *s)
{
	return s->note[COSIGNED].size;
}

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
	MUST(s.n <= ENTRY_MAX);
	MUST(s.n >= ENTRY_MIN || !slice_is(e.log, d.key[LO].name));
	MUST(inside(e.log, s) && inside(e.type, e.said) && inside(e.text, s));
	MUST(inside(e.said, s) && e.said.p[e.said.n - 1] == '\n');
	MUST(inside(entry_field(&e, "blob"), e.said));
	MUST(e.seq <= INT64_MAX && e.seen <= INT64_MAX);
	time_print(e.time_ms / 1000, e.time_ms % 1000, ts);
	MUST(memmem(s.p, s.n, ts, 24));
	MUST(!e.clock || e.understood);
}

static void try_note(struct slice s)
{
	static struct note n;
	char b64[48], body[NOTE_MAX + 128];
	int len;

	if (!note_open(s, d.key, d.keys, &n))
		return;
	MUST(s.n <= NOTE_MAX && inside(n.origin, s) && n.origin.p == s.p);
	b64_print(n.root, HASH_LEN, b64);
	len = snprintf(body, sizeof(body), "%.*s\n%llu\n%s\n\n",
		       (int)n.origin.n, (const char *)n.origin.p, (ull)n.size,
		       b64);
	MUST((size_t)len < s.n && !memcmp(s.p, body, (size_t)len));
	MUST(n.mask >> d.keys == 0);
}

static void try_card(struct slice s)
{
	static struct card c, again;

	if (!card_parse(s, true, &c))
		return;
	MUST(c.text.p == s.p && c.text.n <= s.n && !keys_repeat(&c, &c));
	MUST(fits(slice_of(c.host), "%o"));
	MUST(card_parse(c.text, false, &again) && again.text.n == c.text.n);
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
	MUST(!inclusion_ok(n[0], n[1], zero, proof, count, zero));
	MUST(!consistency_ok(n[0], n[1], zero, zero, proof, count));
}

/* A feed as it comes from a file, through framing and the envelope's rules */
static void try_feed(struct slice s)
{
	struct side *side = &d.side[LO];
	struct tree t = {.n = 0};

	d.level = TRUSTED;
	if (setjmp(over)) {
		MUST(d.level == INVALID && !strcmp(d.reason, "framing"));
	} else {
		feed_read(&d, side, s, &t);
		if (!check_entries(&d, LO))
			MUST(d.level == EXPOSED && d.blamed == LO);
	}
	free(side->item);
	free(d.named);
	side->item = NULL;
	d.named = NULL;
	side->n = d.nameds = 0;
}

static void try_rest(struct slice s)
{
	static uint8_t raw[LINE_MAX_B64];
	static char back[LINE_MAX_B64 + 8];
	struct key k;
	size_t n;

	(void)fits(s, "%a");
	(void)key_parse(s, &k);
	n = b64_decode(s, raw, sizeof(raw));
	if (n) {
		b64_print(raw, n, back);
		MUST(slice_is(s, back));
	}
	escape(s, true, back, 200);
	MUST(strlen(back) < 200 && text_clean(slice_of(back)));
}

static void start(void)
{
	static const uint8_t text[] = "ringdown-card/v1\n";

	if (d.keys)
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct card *c = &d.side[i].card;

		c->host[0] = (char)('a' + i);
		c->text = (struct slice){text, sizeof(text) - 1};
		for (unsigned k = 0; k < CARD_KEYS; k++)
			memset(c->key[k], (int)(1 + i + 2 * k), KEY_LEN);
	}
	MUST(pair_derive(&d));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct note first, second;
	const struct slice s = {data + 1, size - 1};
	static struct proof proof;

	if (!size)
		return 0;
	start();
	switch (data[0] % 9) {
	case 0: try_entry(s); break;
	case 1: try_note(s); break;
	case 2: try_card(s); break;
	case 3: (void)fork_parse(&d, s, &first, &second); break;
	case 4:
		if (proof_parse(s, &proof))
			MUST(proof.hashes <= LEVELS_MAX &&
			     inside(proof.note, s));
		break;
	case 5: try_trees(s); break;
	case 6: try_feed(s); break;
	case 8: (void)check_envelope(&d, "", s); break;
	default: try_rest(s);
	}
	return 0;
}
