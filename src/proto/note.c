/* SPDX-License-Identifier: ISC */
/** @file note.c  Checkpoints as signed notes (C2SP) */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "proto/note.h"

static const char dash[] = "\xe2\x80\x94 ";

int note_key_init(struct note_key *k, const char *name, enum note_type type,
		  const struct key *key)
{
	const uint8_t lead[] = {'\n', (uint8_t)type};
	uint8_t h[DIGEST_BYTES];

	if (strlen(name) >= sizeof(k->name))
		return EMSGSIZE;
	digest_pieces((struct piece[]){{name, strlen(name)},
				       {lead, sizeof(lead)},
				       {key_public(key), KEY_BYTES}},
		      3, h);
	snprintf(k->name, sizeof(k->name), "%s", name);
	memcpy(k->id, h, sizeof(k->id));
	k->type = type;
	k->key = key;
	return 0;
}

void note_vkey(const struct note_key *k, char out[VKEY_CHARS_MAX])
{
	uint8_t raw[1 + KEY_BYTES];
	char id[9], b64[B64_SIZE(sizeof(raw))];

	raw[0] = (uint8_t)k->type;
	memcpy(raw + 1, key_public(k->key), KEY_BYTES);
	hex_encode(k->id, sizeof(k->id), id);
	b64_encode(raw, sizeof(raw), b64);
	snprintf(out, VKEY_CHARS_MAX, "%.191s+%s+%s", k->name, id, b64);
}

void note_body(struct buf *b, const char *origin, uint64_t size,
	       const uint8_t root[DIGEST_BYTES])
{
	char b64[B64_SIZE(DIGEST_BYTES)];

	b64_encode(root, DIGEST_BYTES, b64);
	buf_printf(b, "%s\n%" PRIu64 "\n%s\n", origin, size, b64);
}

/* What a cosignature signs: its own header, then the body */
static void cosigned(struct buf *b, struct str body, uint64_t time_s)
{
	buf_printf(b, "cosignature/v1\ntime %" PRIu64 "\n", time_s);
	buf_put(b, body.p, body.n);
}

int note_sign(struct buf *b, struct str body, const struct note_key *k,
	      uint64_t time_s)
{
	uint8_t raw[4 + 8 + SIG_BYTES];
	char b64[B64_SIZE(sizeof(raw))];
	struct buf msg;
	size_t n = 4;
	int err;

	memcpy(raw, k->id, 4);
	if (k->type == NOTE_LOG) {
		err = key_sign(k->key, body.p, body.n, raw + n);
	} else {
		for (int i = 0; i < 8; i++)
			raw[n++] = (uint8_t)(time_s >> (56 - 8 * i));
		buf_init(&msg, NOTE_BYTES_MAX);
		cosigned(&msg, body, time_s);
		err = msg.err ? msg.err
			      : key_sign(k->key, msg.p, msg.n, raw + n);
		buf_free(&msg);
	}
	if (err)
		return err;
	b64_encode(raw, n + SIG_BYTES, b64);
	buf_printf(b, "%s%s %s\n", dash, k->name, b64);
	return 0;
}

/* The line without its LF */
static int signature_line(struct str s, struct note_line *out)
{
	uint8_t raw[4 + 4096];	/* room for signatures of later kinds */
	size_t n;

	out->whole = (struct str){s.p, s.n + 1};
	out->good = NULL;
	if (s.n < 4 || memcmp(s.p, dash, 4))
		return EBADMSG;
	s.p += 4;
	s.n -= 4;
	out->name = str_cut(&s, ' ');
	if (!out->name.n || memchr(out->name.p, '+', out->name.n))
		return EBADMSG;
	if (b64_decode(s, raw, sizeof(raw), &n) || n < 5)
		return EBADMSG;
	memcpy(out->id, raw, 4);
	n -= 4;
	out->sig_n = n == SIG_BYTES || n == 8 + SIG_BYTES ? n : 0;
	memcpy(out->sig, raw + 4, out->sig_n);
	return 0;
}

/* The last empty line parts text and signatures; it is the first LF LF here,
   since a checkpoint's three lines are never empty */
int note_parse(const void *p, size_t n, struct note *out)
{
	struct str in = {p, n}, size, root, line;

	if (!n || n > NOTE_BYTES_MAX || !utf8_ok(p, n, true))
		return EBADMSG;
	if (!str_line(&in, &out->origin) || !str_line(&in, &size) ||
	    !str_line(&in, &root) || !out->origin.n)
		return EBADMSG;
	out->body = (struct str){p, (size_t)(in.p - (const char *)p)};
	if (uint_parse(size, &out->size) ||
	    b64_exact(root, out->root, DIGEST_BYTES))
		return EBADMSG;
	if (!str_line(&in, &line) || line.n)
		return EBADMSG;
	out->lines = 0;
	while (in.n) {
		if (out->lines == NOTE_SIGS_MAX || !str_line(&in, &line) ||
		    signature_line(line, &out->line[out->lines]))
			return EBADMSG;
		out->lines++;
	}
	return out->lines ? 0 : EBADMSG;
}

bool note_cosignature_ok(struct str body, const struct note_key *k,
			 uint64_t time_s, const uint8_t sig[SIG_BYTES])
{
	char msg[NOTE_BYTES_MAX + 64];	/* no heap: want of it is no verdict */
	size_t n;

	if (time_s > INT64_MAX || body.n > NOTE_BYTES_MAX)
		return false;
	n = (size_t)snprintf(msg, sizeof(msg),
			     "cosignature/v1\ntime %" PRIu64 "\n", time_s);
	memcpy(msg + n, body.p, body.n);
	return key_verify(k->key, msg, n + body.n, sig);
}

/* Several callers look at one note: a signature is verified once */
static bool signed_by(const struct note *n, const struct note_line *l,
		      const struct note_key *k, uint64_t time_s)
{
	if (l->good == k->key)
		return true;
	return k->type == NOTE_LOG
		       ? key_verify(k->key, n->body.p, n->body.n, l->sig)
		       : note_cosignature_ok(n->body, k, time_s, l->sig + 8);
}

static bool line_ok(const struct note *n, const struct note_line *l,
		    const struct note_key *k, uint64_t *time_s)
{
	const bool log = k->type == NOTE_LOG;
	uint64_t t = 0;

	if (l->sig_n != (log ? SIG_BYTES : 8 + SIG_BYTES))
		return false;
	for (int i = 0; i < 8 && !log; i++)
		t = t << 8 | l->sig[i];
	if (time_s && !log)
		*time_s = t;
	if (!signed_by(n, l, k, t))
		return false;
	/* no part of the note's value: what is not looked at twice */
	((struct note_line *)(uintptr_t)l)->good = k->key;
	return true;
}

int note_check(const struct note *n, const struct note_key *k, uint64_t *time_s,
	       const struct note_line **line)
{
	for (size_t i = 0; i < n->lines; i++) {
		const struct note_line *l = &n->line[i];

		if (!str_is(l->name, k->name) || memcmp(l->id, k->id, 4))
			continue;
		if (!line_ok(n, l, k, time_s))
			return EBADMSG;
		if (line)
			*line = l;
		return 0;
	}
	return ENOENT;
}
