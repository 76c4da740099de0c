/* SPDX-License-Identifier: ISC */
/** @file fuzz_entry.c  What parses as an entry prints back to the same bytes */
#include "fuzz/fuzz.h"
#include "proto/entry.h"

static void text_of(struct str s, char *out, size_t size)
{
	MUST(!str_copy(s, out, size));
}

static void print_back(const struct entry *e, const uint8_t *data, size_t size)
{
	char name[64];
	struct buf b;

	buf_init(&b, ENTRY_BYTES_MAX);
	text_of(e->type, name, sizeof(name));
	entry_begin(&b, &e->env, name);
	for (size_t i = 0; i < e->fields; i++) {
		text_of(e->field[i].name, name, sizeof(name));
		entry_field(&b, name, "%.*s", (int)e->field[i].value.n,
			    e->field[i].value.p);
	}
	entry_end(&b);
	buf_put(&b, e->text.p, e->text.n);
	MUST(!b.err && b.n == size && !memcmp(b.p, data, size));
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct entry e;
	struct blob_ref ref;
	uint64_t first, last;
	bool has_blob, has_range;

	if (entry_parse(data, size, &e))
		return 0;
	MUST(size <= ENTRY_BYTES_MAX && e.fields <= ENTRY_FIELDS_MAX);
	MUST(utf8_ok((const char *)data, size, true));
	print_back(&e, data, size);
	has_blob = e.kind == ENTRY_NOTICE || e.kind == ENTRY_DOCUMENT;
	has_range = e.kind == ENTRY_RECEIPT || e.kind == ENTRY_REFUSE;
	MUST(!entry_blob(&e, &ref) == has_blob);
	MUST(!has_blob || (ref.media.n && ref.bytes <= INT64_MAX));
	MUST(!entry_range(&e, &first, &last) == has_range);
	MUST(!has_range || first <= last);
	MUST(e.kind == ENTRY_UNKNOWN ||
	     str_is(e.type, entry_kind_name(e.kind)));
	return 0;
}
