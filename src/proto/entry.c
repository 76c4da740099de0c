/* SPDX-License-Identifier: ISC */
/** @file entry.c  One line of the record: its text and what it means */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "crypto/key.h"
#include "proto/entry.h"

bool name_ok(struct str s)
{
	if (!s.n || s.n > 32 || s.p[0] < 'a' || s.p[0] > 'z')
		return false;
	for (size_t i = 1; i < s.n; i++) {
		const char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	return true;
}

static bool value_ok(struct str s)
{
	return s.n && s.n <= VALUE_BYTES_MAX && s.p[0] != ' ' &&
	       s.p[s.n - 1] != ' ' && utf8_ok(s.p, s.n, false);
}

/* ---- what each field may hold ---- */

typedef bool(form_h)(struct str v);

static bool uint_form(struct str v)
{
	uint64_t n;

	return !uint_parse(v, &n);
}

static bool int_form(struct str v)
{
	if (v.n && v.p[0] == '-') {
		v.p++;
		v.n--;
		return !str_is(v, "0") && uint_form(v);
	}
	return uint_form(v);
}

static bool stamp_form(struct str v)
{
	int64_t ms;

	return !stamp_parse(v, &ms);
}

static bool hash_form(struct str v)
{
	uint8_t h[DIGEST_BYTES];

	return v.n == 7 + 2 * DIGEST_BYTES && !memcmp(v.p, "sha256:", 7) &&
	       !hex_decode((struct str){v.p + 7, v.n - 7}, h, sizeof(h));
}

static bool hash_size_form(struct str v)
{
	return hash_form(str_cut(&v, ' ')) && uint_form(v);
}

static bool blob_form(struct str v)
{
	return hash_form(str_cut(&v, ' ')) && uint_form(str_cut(&v, ' ')) &&
	       v.n && !memchr(v.p, ' ', v.n);
}

static bool range_form(struct str v)
{
	uint64_t first, last;

	return !uint_parse(str_cut(&v, ' '), &first) && !uint_parse(v, &last) &&
	       first <= last;
}

static bool size_root_form(struct str v)
{
	uint8_t h[DIGEST_BYTES];

	return uint_form(str_cut(&v, ' ')) && !b64_exact(v, h, sizeof(h));
}

static bool attest_form(struct str v)
{
	uint8_t sig[SIG_BYTES];

	return uint_form(str_cut(&v, ' ')) && !b64_exact(v, sig, sizeof(sig));
}

static bool precedence_form(struct str v)
{
	return str_is(v, "routine") || str_is(v, "priority") ||
	       str_is(v, "immediate") || str_is(v, "flash");
}

static bool receipt_form(struct str v)
{
	return str_is(v, "held") || str_is(v, "delivered") ||
	       str_is(v, "opened") || str_is(v, "printed");
}

static bool line_form(struct str v)
{
	return str_is(v, "up") || str_is(v, "down");
}

static bool clock_form(struct str v)
{
	return str_is(v, "clock");
}

static bool one_of(struct str v, const char *const list[])
{
	while (*list && !str_is(v, *list))
		list++;
	return *list;
}

static bool declared_form(struct str v)
{
	static const char *const list[] = {"open", "closed", "suspended",
					   "fault", NULL};
	return one_of(v, list);
}

static bool kind_form(struct str v)
{
	static const char *const list[] = {"scheduled", "unannounced",
					   "restoration", "fallback", NULL};
	return one_of(v, list);
}

static bool drill_form(struct str v)
{
	return str_is(v, "drill");
}

static bool ready_form(struct str v)
{
	return str_is(v, "ready") || str_is(v, "refused");
}

static bool present_form(struct str v)
{
	return str_is(v, "present") || str_is(v, "refused");
}

static bool outcome_form(struct str v)
{
	static const char *const list[] = {
		"answered",  "answered-late", "unattended",
		"refused",   "path-down",     "fault-declared-here",
		"suspended", "outside-hours", "fault-declared-there",
		NULL};
	return one_of(v, list);
}

/* Any token but clock, whose entries have fields of their own */
static bool fault_form(struct str v)
{
	return name_ok(v) && !clock_form(v);
}

struct slot {
	const char *name; /* NULL ends the list */
	form_h *form;
	bool optional;
};

#define SLOTS_MAX 12

/* docs/record.md 3, the table of types, in its order */
static const struct rule {
	const char *type;
	enum entry_kind kind;
	struct slot slot[SLOTS_MAX];
} rules[] = {
	{"open",
	 ENTRY_OPEN,
	 {{"peer", value_ok, false},
	  {"agreement", hash_size_form, false},
	  {"pivot", value_ok, false},
	  {"log-key", value_ok, false},
	  {"cosigner-key", value_ok, false},
	  {"next-key", hash_form, false}}},
	{"notice",
	 ENTRY_NOTICE,
	 {{"id", id_ok, false},
	  {"by", value_ok, false},
	  {"precedence", precedence_form, false},
	  {"subject", value_ok, false},
	  {"blob", blob_form, false},
	  {"line", name_ok, true},
	  {"written", stamp_form, true}}},
	{"document",
	 ENTRY_DOCUMENT,
	 {{"id", id_ok, false},
	  {"by", value_ok, false},
	  {"precedence", precedence_form, false},
	  {"subject", value_ok, false},
	  {"name", value_ok, false},
	  {"blob", blob_form, false},
	  {"line", name_ok, true},
	  {"written", stamp_form, true}}},
	{"receipt",
	 ENTRY_RECEIPT,
	 {{"state", receipt_form, false},
	  {"of", range_form, false},
	  {"by", value_ok, true}}},
	{"refuse",
	 ENTRY_REFUSE,
	 {{"of", range_form, false}, {"reason", value_ok, false}}},
	{"ack", ENTRY_ACK, {{0}}},
	{"line",
	 ENTRY_LINE,
	 {{"state", line_form, false},
	  {"offset-ms", int_form, true},
	  {"rtt-ms", uint_form, true}}},
	{"fault",
	 ENTRY_FAULT,
	 {{"kind", clock_form, false},
	  {"was", stamp_form, false},
	  {"now", stamp_form, false}}},
	{"fault",
	 ENTRY_FAULT,
	 {{"kind", fault_form, false}, {"detail", value_ok, false}}},
	{"restore",
	 ENTRY_RESTORE,
	 {{"from", uint_form, false},
	  {"to", size_root_form, false},
	  {"attest", attest_form, false}}},
	{"propose",
	 ENTRY_PROPOSE,
	 {{"line", name_ok, false},
	  {"version", uint_form, false},
	  {"by", value_ok, false}}},
	{"accept",
	 ENTRY_ACCEPT,
	 {{"line", name_ok, false},
	  {"version", uint_form, false},
	  {"agreement", hash_size_form, false},
	  {"by", value_ok, false}}},
	{"decline",
	 ENTRY_DECLINE,
	 {{"line", name_ok, false},
	  {"version", uint_form, false},
	  {"agreement", hash_size_form, false},
	  {"by", value_ok, false},
	  {"reason", value_ok, false}}},
	{"withdraw",
	 ENTRY_WITHDRAW,
	 {{"line", name_ok, false},
	  {"version", uint_form, false},
	  {"by", value_ok, false},
	  {"reason", value_ok, false}}},
	{"declare",
	 ENTRY_DECLARE,
	 {{"line", name_ok, false},
	  {"state", declared_form, false},
	  {"until", stamp_form, true},
	  {"by", value_ok, false},
	  {"reason", value_ok, false}}},
	{"check",
	 ENTRY_CHECK,
	 {{"line", name_ok, false},
	  {"check", name_ok, false},
	  {"due", stamp_form, false},
	  {"kind", kind_form, false},
	  {"for", name_ok, true},
	  {"mark", drill_form, true},
	  {"by", value_ok, true}}},
	{"answer",
	 ENTRY_ANSWER,
	 {{"of", uint_form, false},
	  {"line", name_ok, false},
	  {"check", name_ok, false},
	  {"due", stamp_form, false},
	  {"state", ready_form, false}}},
	{"attend",
	 ENTRY_ATTEND,
	 {{"of", uint_form, false},
	  {"line", name_ok, false},
	  {"check", name_ok, false},
	  {"due", stamp_form, false},
	  {"state", present_form, false},
	  {"by", value_ok, false},
	  {"reason", value_ok, true}}},
	{"result",
	 ENTRY_RESULT,
	 {{"line", name_ok, false},
	  {"check", name_ok, false},
	  {"due", stamp_form, false},
	  {"kind", kind_form, false},
	  {"for", name_ok, true},
	  {"mark", drill_form, true},
	  {"outcome", outcome_form, false},
	  {"of", uint_form, true},
	  {"after-ms", uint_form, true},
	  {"by", value_ok, true},
	  {"tried", value_ok, true}}},
	{"waiting",
	 ENTRY_WAITING,
	 {{"line", name_ok, false},
	  {"id", id_ok, false},
	  {"blob", blob_form, false}}},
};

static bool rule_fits(const struct rule *r, const struct entry *e)
{
	size_t k = 0;

	for (const struct slot *s = r->slot; s->name; s++) {
		if (k < e->fields && str_is(e->field[k].name, s->name)) {
			if (!s->form(e->field[k].value))
				return false;
			k++;
		} else if (!s->optional) {
			return false;
		}
	}
	return k == e->fields && !e->text.n == (r->kind != ENTRY_PROPOSE);
}

static enum entry_kind understand(const struct entry *e)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (str_is(e->type, rules[i].type) && rule_fits(&rules[i], e))
			return rules[i].kind;
	}
	return ENTRY_UNKNOWN;
}

/* ---- parse ---- */

/* A line "token SP value": value gets the rest */
static int named(struct str *in, const char *name, struct str *value)
{
	struct str line;

	if (!str_line(in, &line) || !str_is(str_cut(&line, ' '), name))
		return EBADMSG;
	*value = line;
	return 0;
}

static int parse_envelope(struct str *in, struct envelope *env)
{
	struct str line, v;

	if (!str_line(in, &line) || !str_is(line, "ringdown-entry/v1"))
		return EBADMSG;
	if (named(in, "log", &env->origin) || !value_ok(env->origin) ||
	    env->origin.n >= ORIGIN_CHARS_MAX)
		return EBADMSG;
	if (named(in, "seq", &v) || uint_parse(v, &env->seq))
		return EBADMSG;
	if (named(in, "time", &v) || stamp_parse(v, &env->time_ms))
		return EBADMSG;
	if (named(in, "seen", &v) || uint_parse(str_cut(&v, ' '), &env->seen) ||
	    b64_exact(v, env->seen_root, DIGEST_BYTES))
		return EBADMSG;
	if (named(in, "nonce", &v) || hex_decode(v, env->nonce, NONCE_BYTES))
		return EBADMSG;
	return 0;
}

int entry_parse(const void *p, size_t n, struct entry *out)
{
	struct str in = {p, n}, line;

	if (n > ENTRY_BYTES_MAX || parse_envelope(&in, &out->env))
		return EBADMSG;
	if (named(&in, "type", &out->type) || !name_ok(out->type))
		return EBADMSG;
	out->fields = 0;
	for (;;) {
		struct field *f = &out->field[out->fields];

		if (!str_line(&in, &line))
			return EBADMSG;
		if (!line.n)
			break;
		if (out->fields == ENTRY_FIELDS_MAX)
			return EBADMSG;
		f->name = str_cut(&line, ' ');
		f->value = line;
		if (!name_ok(f->name) || !value_ok(f->value))
			return EBADMSG;
		out->fields++;
	}
	if (in.n && (in.p[in.n - 1] != '\n' || !utf8_ok(in.p, in.n, true)))
		return EBADMSG;
	out->text = in;
	out->kind = understand(out);
	return 0;
}

/* ---- print ---- */

static void put_uint(struct buf *b, uint64_t v)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_put(b, text + at, sizeof(text) - at);
}

/* Put together by hand, as it is for each of very many entries */
void entry_begin(struct buf *b, const struct envelope *env, const char *type)
{
	char ts[STAMP_CHARS + 1], root[B64_SIZE(DIGEST_BYTES)],
		nonce[2 * NONCE_BYTES + 1];

	stamp_print(env->time_ms, ts);
	b64_encode(env->seen_root, DIGEST_BYTES, root);
	hex_encode(env->nonce, NONCE_BYTES, nonce);
	buf_str(b, "ringdown-entry/v1\nlog ");
	buf_put(b, env->origin.p, env->origin.n);
	buf_str(b, "\nseq ");
	put_uint(b, env->seq);
	buf_str(b, "\ntime ");
	buf_str(b, ts);
	buf_str(b, "\nseen ");
	put_uint(b, env->seen);
	buf_u8(b, ' ');
	buf_str(b, root);
	buf_str(b, "\nnonce ");
	buf_str(b, nonce);
	buf_str(b, "\ntype ");
	buf_str(b, type);
	buf_u8(b, '\n');
}

void entry_field(struct buf *b, const char *name, const char *fmt, ...)
{
	char printed[VALUE_BYTES_MAX + 1];
	const char *value = printed;
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	if (!strcmp(fmt, "%s")) {
		value = va_arg(ap, const char *);
		n = strlen(value);
	} else {
		n = (size_t)vsnprintf(printed, sizeof(printed), fmt, ap);
	}
	va_end(ap);
	if (n > VALUE_BYTES_MAX) {	/* or a negative result */
		b->err = b->err ? b->err : EMSGSIZE;
		return;
	}
	buf_str(b, name);
	buf_u8(b, ' ');
	buf_put(b, value, n);
	buf_u8(b, '\n');
}

void entry_end(struct buf *b)
{
	buf_u8(b, '\n');
}

/* ---- meaning ---- */

struct str entry_get(const struct entry *e, const char *name)
{
	for (size_t i = 0; i < e->fields; i++) {
		if (str_is(e->field[i].name, name))
			return e->field[i].value;
	}
	return (struct str){"", 0};
}

int entry_blob(const struct entry *e, struct blob_ref *out)
{
	struct str v, hash;

	if (e->kind != ENTRY_NOTICE && e->kind != ENTRY_DOCUMENT)
		return ENOENT;
	v = entry_get(e, "blob");
	hash = str_cut(&v, ' ');
	if (hex_decode((struct str){hash.p + 7, hash.n - 7}, out->hash,
		       DIGEST_BYTES) ||
	    uint_parse(str_cut(&v, ' '), &out->bytes))
		return ENOENT; /* cannot be: understand() has checked it */
	out->media = v;
	return 0;
}

int entry_range(const struct entry *e, uint64_t *first, uint64_t *last)
{
	struct str v;

	if (e->kind != ENTRY_RECEIPT && e->kind != ENTRY_REFUSE)
		return ENOENT;
	v = entry_get(e, "of");
	if (uint_parse(str_cut(&v, ' '), first) || uint_parse(v, last))
		return ENOENT;
	return 0;
}

const char *entry_kind_name(enum entry_kind kind)
{
	static const char *const name[ENTRY_KINDS] = {
		"?",       "open",   "notice",  "document", "receipt",
		"refuse",  "ack",    "line",    "fault",    "restore",
		"propose", "accept", "decline", "withdraw", "declare",
		"check",   "answer", "attend",  "result",   "waiting"};

	return kind < ENTRY_KINDS ? name[kind] : "?";
}
