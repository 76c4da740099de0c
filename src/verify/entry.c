/* SPDX-License-Identifier: ISC */
/** @file entry.c  Entries: grammar and types (docs/record.md section 3) */
#include <string.h>
#include "verify/verify.h"

static bool line_after(struct slice *in, const char *prefix,
		       struct slice *value)
{
	return slice_line(in, value) && slice_after(value, prefix);
}

static bool uint_b64h(struct slice s, uint64_t *n, uint8_t *hash)
{
	struct slice word;

	return slice_word(&s, &word) && uint_parse(word, n) &&
	       b64_exact(s, hash, HASH_LEN);
}

static bool hash_size(struct slice s, uint8_t *hash, uint64_t *bytes,
		      struct slice *rest)
{
	struct slice word;

	if (!slice_after(&s, "sha256:") || !slice_word(&s, &word) ||
	    !hex_parse(word, hash, HASH_LEN) || !slice_word(&s, &word) ||
	    !uint_parse(word, bytes))
		return false;
	*rest = s;
	return true;
}

/* FIRST LAST */
static bool range_ok(struct slice s)
{
	struct slice word;
	uint64_t first, last;

	return slice_word(&s, &word) && uint_parse(word, &first) &&
	       uint_parse(s, &last) && first <= last;
}

static bool id_ok(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		const uint8_t c = s.p[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
		    !(c >= '0' && c <= '9') && !memchr("._-", c, 3))
			return false;
	}
	return s.n >= 1 && s.n <= 64;
}

/* One of the words of a list */
static bool among(struct slice s, const char *list)
{
	struct slice in = {(const uint8_t *)list, strlen(list)}, word;

	while (slice_word(&in, &word)) {
		if (word.n == s.n && !memcmp(word.p, s.p, s.n))
			return true;
	}
	return false;
}

static bool signed_ok(struct slice s)
{
	uint64_t v;

	if (slice_after(&s, "-"))
		return uint_parse(s, &v) && v > 0;
	return uint_parse(s, &v);
}

static bool attest_ok(struct slice s)
{
	uint8_t sig[SIG_LEN];
	struct slice word;
	uint64_t time_s;

	return slice_word(&s, &word) && uint_parse(word, &time_s) &&
	       b64_exact(s, sig, SIG_LEN);
}

bool blob_parse(struct slice s, uint8_t hash[static HASH_LEN], uint64_t *bytes)
{
	struct slice media;

	return hash_size(s, hash, bytes, &media) && media.n &&
	       !memchr(media.p, ' ', media.n);
}

/* The kinds of value, by the letter that the table below uses */
static bool value_fits(char kind, struct slice s)
{
	uint8_t hash[HASH_LEN];
	uint64_t v;
	int64_t ms;

	switch (kind) {
	case 'A': return attest_ok(s);
	case 'B': return blob_parse(s, hash, &v);
	case 'C': return slice_is(s, "clock");
	case 'F': return range_ok(s);
	case 'H': return uint_b64h(s, &v, hash);
	case 'I': return id_ok(s);
	case 'K': return token_ok(s) && !slice_is(s, "clock");
	case 'L': return among(s, "up down");
	case 'P': return among(s, "routine priority immediate flash");
	case 'R': return among(s, "held delivered opened printed");
	case 'S': return signed_ok(s);
	case 'T': return ts_parse(s, &ms);
	case 'U': return uint_parse(s, &v);
	default: return true;			/* V: any value */
	}
}

/* NAME=KIND in order; one that begins with ? may be missing */
static const struct {
	const char *type, *fields;
} types[] = {
	{"notice", "id=I by=V precedence=P subject=V blob=B"},
	{"document", "id=I by=V precedence=P subject=V name=V blob=B"},
	{"receipt", "state=R of=F ?by=V"},
	{"refuse", "of=F reason=V"},
	{"ack", ""},
	{"line", "state=L ?offset-ms=S ?rtt-ms=U"},
	{"fault", "kind=C was=T now=T"},
	{"fault", "kind=K detail=V"},
	{"restore", "from=U to=H attest=A"},
};

static bool fields_fit(const struct entry *e, const char *spec)
{
	struct slice in = {(const uint8_t *)spec, strlen(spec)}, want;
	unsigned i = 0;

	while (slice_word(&in, &want)) {
		const bool may = slice_after(&want, "?");
		const size_t n = want.n - 2;
		const struct field *f = &e->field[i];

		if (i < e->count && f->name.n == n &&
		    !memcmp(f->name.p, want.p, n)) {
			if (!value_fits((char)want.p[n + 1], f->value))
				return false;
			i++;
		} else if (!may) {
			return false;
		}
	}
	return i == e->count && !e->text.n;
}

static void understand(struct entry *e)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (slice_is(e->type, types[i].type) &&
		    fields_fit(e, types[i].fields))
			e->understood = true;
	}
	e->clock = e->understood && slice_is(e->type, "fault") &&
		   slice_is(e->field[0].value, "clock");
}

bool entry_parse(struct slice s, struct entry *e)
{
	struct slice in = s, line;

	memset(e, 0, offsetof(struct entry, field));
	e->count = 0;
	e->understood = e->clock = false;
	if (s.n < 1 || s.n > ENTRY_MAX || !text_clean(s.p, s.n, true) ||
	    !slice_line(&in, &line) || !slice_is(line, "ringdown-entry/v1") ||
	    !line_after(&in, "log ", &e->log) || !value_ok(e->log) ||
	    !line_after(&in, "seq ", &line) || !uint_parse(line, &e->seq) ||
	    !line_after(&in, "time ", &line) || !ts_parse(line, &e->time_ms) ||
	    !line_after(&in, "seen ", &e->root_text) ||
	    !slice_word(&e->root_text, &line) || !uint_parse(line, &e->seen) ||
	    !b64_exact(e->root_text, e->root, HASH_LEN) ||
	    !line_after(&in, "nonce ", &line) || !hex_parse(line, NULL, 16) ||
	    !line_after(&in, "type ", &e->type) || !token_ok(e->type))
		return false;
	e->fields = in;
	for (;;) {
		struct field *f = &e->field[e->count];

		if (!slice_line(&in, &line))
			return false;
		if (!line.n)
			break;
		if (e->count++ == FIELDS_MAX || !memchr(line.p, ' ', line.n))
			return false;
		f->name = line;
		f->name.n =
			(size_t)((const uint8_t *)memchr(line.p, ' ', line.n) -
				 line.p);
		f->value = (struct slice){line.p + f->name.n + 1,
					  line.n - f->name.n - 1};
		if (!token_ok(f->name) || !value_ok(f->value))
			return false;
	}
	e->fields.n -= in.n + 1;
	e->text = in;
	if (in.n && in.p[in.n - 1] != '\n')
		return false;
	understand(e);
	return true;
}

struct slice entry_field(const struct entry *e, const char *name)
{
	for (unsigned i = 0; i < e->count; i++) {
		if (slice_is(e->field[i].name, name))
			return e->field[i].value;
	}
	return (struct slice){NULL, 0};
}
