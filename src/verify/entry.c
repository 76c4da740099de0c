/* SPDX-License-Identifier: ISC */
/** @file entry.c  Entries: grammar and types (docs/record.md section 3) */
#include "verify/verify.h"
#include <string.h>

/* The types and their fields; `open` follows from the cards: see judge.c */
static const char *const types[] = {
	"notice\nid %i\nby %v\nprecedence %(routine|priority|immediate|flash)\n"
	"subject %v\nblob sha256:%x %u %w\n",
	"document\nid %i\nby %v\n"
	"precedence %(routine|priority|immediate|flash)\n"
	"subject %v\nname %v\nblob sha256:%x %u %w\n",
	"receipt\nstate %(held|delivered|opened|printed)\nof %r\n",
	"receipt\nstate %(held|delivered|opened|printed)\nof %r\nby %v\n",
	"refuse\nof %r\nreason %v\n",
	"ack\n",
	"line\nstate %(up|down)\n",
	"line\nstate %(up|down)\noffset-ms %d\n",
	"line\nstate %(up|down)\nrtt-ms %u\n",
	"line\nstate %(up|down)\noffset-ms %d\nrtt-ms %u\n",
	"fault\nkind clock\nwas %t\nnow %t\n",
	"fault\nkind %K\ndetail %v\n",
	"restore\nfrom %u\nto %u %h\nattest %u %s\n",
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
		e->understood |= !e->text.n && fits(e->said, types[i]);
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
