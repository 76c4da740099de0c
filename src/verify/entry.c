/* SPDX-License-Identifier: ISC */
/** @file entry.c  Entries: grammar and types (docs/record.md section 3) */
#include "verify/verify.h"
#include <string.h>

#define KIND "kind %(scheduled|unannounced|restoration|fallback)\n"

/* The types and their fields, ? before a line that may be missing; `open`
 * follows from the cards: see judge.c */
static const char *const types[] = {
	"notice\nid %i\nby %v\nprecedence %(routine|priority|immediate|flash)\n"
	"subject %v\nblob sha256:%x %u %w\n?line %k\n?written %t\n",
	"document\nid %i\nby %v\n"
	"precedence %(routine|priority|immediate|flash)\n"
	"subject %v\nname %v\nblob sha256:%x %u %w\n?line %k\n?written %t\n",
	"receipt\nstate %(held|delivered|opened|printed)\nof %r\n?by %v\n",
	"refuse\nof %r\nreason %v\n",
	"ack\n",
	"line\nstate %(up|down)\n?offset-ms %d\n?rtt-ms %u\n",
	"fault\nkind clock\nwas %t\nnow %t\n",
	"fault\nkind %K\ndetail %v\n",
	"restore\nfrom %u\nto %u %h\nattest %u %s\n",
	/* docs/lines.md section 2 */
	"propose\nline %k\nversion %u\nby %v\n",
	"accept\nline %k\nversion %u\nagreement sha256:%x %u\nby %v\n",
	"decline\nline %k\nversion %u\nagreement sha256:%x %u\nby %v\n"
	"reason %v\n",
	"withdraw\nline %k\nversion %u\nby %v\nreason %v\n",
	"declare\nline %k\nstate %(open|closed|suspended|fault)\n?until %t\n"
	"by %v\nreason %v\n",
	"check\nline %k\ncheck %k\ndue %t\n" KIND "?for %k\n?mark %(drill)\n"
	"?by %v\n",
	"answer\nof %u\nline %k\ncheck %k\ndue %t\nstate %(ready|refused)\n",
	"attend\nof %u\nline %k\ncheck %k\ndue %t\nstate %(present|refused)\n"
	"by %v\n?reason %v\n",
	"result\nline %k\ncheck %k\ndue %t\n" KIND "?for %k\n?mark %(drill)\n"
	"outcome %(answered|answered-late|unattended|refused|path-down|"
	"fault-declared-here|fault-declared-there|outside-hours|suspended)\n"
	"?of %u\n?after-ms %u\n?by %v\n?tried %v\n",
	"waiting\nline %k\nid %i\nblob sha256:%x %u %w\n",
};

bool entry_parse(struct slice s, struct entry *e)
{
	struct slice rest, name, value;
	unsigned fields = 0;

	if (s.n > ENTRY_MAX || !text_clean(s) ||
	    !scan(s,
		  "ringdown-entry/v1\nlog %v\nseq %u\ntime %t\nseen %u %h\n"
		  "nonce %n\ntype %k\n%*",
		  &e->log, &e->seq, &e->time_ms, &e->seen, e->root, &e->type,
		  &rest))
		return false;
	while (scan(rest, "%k %v\n%*", &name, &value, &rest)) {
		if (fields++ == FIELDS_MAX)
			return false;
	}
	e->said = (struct slice){e->type.p, (size_t)(rest.p - e->type.p)};
	if (!scan(rest, "\n%*", &e->text) ||
	    (e->text.n && e->text.p[e->text.n - 1] != '\n'))
		return false;
	e->understood = false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		e->understood |= fits(e->said, types[i]);
	e->understood &= !e->text.n != slice_is(e->type, "propose");
	e->clock = e->understood &&
		   scan(e->said, "fault\nkind clock\nwas %t\nnow %t\n",
			&e->was_ms, &e->now_ms);
	return true;
}

struct slice entry_field(const struct entry *e, const char *name)
{
	struct slice rest = e->said, key, value;

	(void)scan(rest, "%k\n%*", &key, &rest);
	while (scan(rest, "%k %v\n%*", &key, &value, &rest)) {
		if (slice_is(key, name))
			return value;
	}
	return (struct slice){NULL, 0};
}
