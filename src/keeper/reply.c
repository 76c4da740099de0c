/* SPDX-License-Identifier: ISC */
/** @file reply.c  Answers to the console, and problem documents (RFC 9457) */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "keeper/state.h"

#define PART_BYTES 61440
#define DETAIL_CHARS 900
#define ANSWER_BYTES_MAX 8388608 /* what the console takes */

static const struct {
	unsigned http;
	const char *type;
	const char *title;
} about[REFUSALS] = {
	[REFUSE_REQUEST] = {400, "request", "The request is not understood"},
	[REFUSE_NO_PAIR] = {404, "no-pair", "There is no such pair"},
	[REFUSE_NO_ITEM] = {404, "no-item", "There is no such entry"},
	[REFUSE_NOT_HELD] = {404, "not-held", "The content is not here yet"},
	[REFUSE_TOO_LARGE] = {413, "too-large", "The request is too large"},
	[REFUSE_NO_ROOM] = {507, "no-room", "The state directory is full"},
	[REFUSE_DISK] = {503, "disk", "The record cannot be written"},
	[REFUSE_BUSY] = {503, "busy", "The exchange is busy"},
	[REFUSE_KEEPER_GONE] = {503, "keeper-gone",
				"The keeper has begun anew"},
	[REFUSE_CARD_BAD] = {422, "card-bad", "This is not a card"},
	[REFUSE_CARD_USED] = {409, "card-used",
			      "This card has made a pairing before"},
	[REFUSE_CARD_OWN] = {409, "card-own", "This card is our own"},
	[REFUSE_NO_OWN_CARD] = {409, "no-own-card",
				"We have given out no such card"},
	[REFUSE_PAIR_EXISTS] = {409, "pair-exists",
				"There is a pair of this name"},
	[REFUSE_PAIR_FULL] = {409, "pair-full", "There is no room for a pair"},
	[REFUSE_PAIR_WAITING] = {409, "pair-waiting",
				 "The pair waits for confirmation"},
	[REFUSE_PAIR_LIVE] = {409, "pair-live", "The pair is confirmed"},
	[REFUSE_PAIR_RESTORING] = {409, "pair-restoring",
				   "The pair is being restored"},
	[REFUSE_PAIR_STOPPED] = {409, "pair-stopped", "The pair is stopped"},
	[REFUSE_PAIR_REVOKED] = {409, "pair-revoked", "The pair is revoked"},
	[REFUSE_NO_LINE] = {404, "no-line", "There is no such line"},
	[REFUSE_LINE_STATE] = {409, "line-state",
			       "The line does not allow this now"},
	[REFUSE_LINE_ORDER] = {422, "line-order",
			       "This cannot be done to a line"},
	[REFUSE_AGREEMENT_BAD] = {422, "agreement-bad",
				  "This is not an agreement"},
	[REFUSE_NO_PATH] = {409, "no-path", "The other side does not hear it"},
};

/* ---- sending ---- */

static void sent(struct keeper *k, uint32_t req, int err)
{
	if (!err)
		return;
	if (err == EPIPE) {
		k->console_gone = true; /* seen to at the turn's end */
		return;
	}
	log_warn("answer.dropped", "request=%u err=%s do=%s", req,
		 strerror(err), "ask again");
}

void reply_text(struct keeper *k, uint32_t req, unsigned http,
		const char *media, const void *p, size_t n)
{
	struct wire_msg m = {.type = WIRE_ANSWER, .fd = -1};
	size_t at = 0;
	int err = 0;

	do {
		const size_t part = n - at < PART_BYTES ? n - at : PART_BYTES;

		if (!k->boot->peer[ROLE_CONSOLE] || k->console_gone)
			return;
		m.answer = (struct wire_answer){
			req,
			(uint16_t)http,
			at + part == n,
			str_of(media),
			{part ? (const char *)p + at : "", part}};
		err = wire_send(k->boot->peer[ROLE_CONSOLE], &m);
		at += part;
	} while (at < n && !err);
	sent(k, req, err);
}

static int to_buf(const char *p, size_t n, void *arg)
{
	buf_put(arg, p, n);
	return ((struct buf *)arg)->err ? -1 : 0;
}

void reply_json(struct keeper *k, uint32_t req, unsigned http, json_t *root)
{
	struct buf b;

	buf_init(&b, ANSWER_BYTES_MAX);
	if (!root || json_dump_callback(root, to_buf, &b, JSON_COMPACT))
		reply_problem(k, req, REFUSE_BUSY,
			      "There is not enough memory for this answer. "
			      "Nothing was changed; ask again.");
	else
		reply_text(k, req, http, MEDIA_JSON, b.p, b.n);
	buf_free(&b);
	json_decref(root);
}

void reply_fd(struct keeper *k, uint32_t req, struct str media, struct str name,
	      int fd, uint64_t offset, uint64_t bytes)
{
	struct wire_msg m = {.type = WIRE_ANSWER_FD, .fd = fd};

	if (media.n > 200)
		media = str_of("application/octet-stream");
	if (name.n > 1000)
		name.n = 0;
	m.answer_fd =
		(struct wire_answer_fd){req, 200, media, name, offset, bytes};
	if (k->boot->peer[ROLE_CONSOLE] && !k->console_gone)
		sent(k, req, wire_send(k->boot->peer[ROLE_CONSOLE], &m));
}

/* ---- problems ---- */

/* As JSON text; names in it are a client's, and need not be UTF-8 */
void reply_quote(struct buf *b, const char *s)
{
	const size_t n = strlen(s);
	const bool utf8 = utf8_ok(s, n, true);
	size_t from = 0;

	buf_u8(b, '"');
	for (size_t i = 0; i < n; i++) {
		const uint8_t c = (uint8_t)s[i];

		if (c >= 0x20 && c != 0x7f && (c < 0x80 || utf8) && c != '"' &&
		    c != '\\')
			continue;
		buf_put(b, s + from, i - from);
		from = i + 1;
		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c == '\n')
			buf_str(b, "\\n");
		else
			buf_u8(b, '?');
	}
	buf_put(b, s + from, n - from);
	buf_u8(b, '"');
}

void reply_quote_stamp(struct buf *b, int64_t ms)
{
	char text[STAMP_CHARS + 3] = "\"";

	stamp_print(ms, text + 1);
	text[STAMP_CHARS + 1] = '"';
	buf_put(b, text, STAMP_CHARS + 2);
}

unsigned reply_print(struct buf *b, enum refusal r, const char *detail)
{
	buf_printf(b,
		   "{\"type\":\"/problems/%s\",\"title\":\"%s\","
		   "\"status\":%u,\"detail\":",
		   about[r].type, about[r].title, about[r].http);
	reply_quote(b, detail);
	buf_u8(b, '}');
	return about[r].http;
}

void reply_problem(struct keeper *k, uint32_t req, enum refusal r,
		   const char *fmt, ...)
{
	char detail[DETAIL_CHARS];
	struct buf b;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	buf_init(&b, 8192);
	(void)reply_print(&b, r, detail);
	if (b.err)
		sent(k, req, b.err);
	else
		reply_text(k, req, about[r].http, MEDIA_PROBLEM, b.p, b.n);
	buf_free(&b);
}

void reply_failure(struct keeper *k, uint32_t req, int err)
{
	if (err == ENOSPC)
		reply_problem(
			k, req, REFUSE_NO_ROOM,
			"The disk of the state directory %s is full. Nothing "
			"of this request was kept; everything answered before "
			"is safe, and reading goes on. Make room there, then "
			"send it again.",
			k->conf->state);
	else if (err == ENOMEM)
		reply_problem(k, req, REFUSE_BUSY,
			      "There is not enough memory. Nothing of this "
			      "request was kept; everything answered before is "
			      "safe. Ask again.");
	else
		reply_problem(
			k, req, REFUSE_DISK,
			"The state directory %s cannot be read or written "
			"(%s). Nothing of this request was kept; everything "
			"answered before is safe. Check the disk; the "
			"exchange tries again by itself.",
			k->conf->state, strerror(err));
}

void reply_state(struct keeper *k, uint32_t req, enum pair_state s,
		 const char *peer, const char *why)
{
	switch (s) {
	case PAIR_WAITING:
		reply_problem(k, req, REFUSE_PAIR_WAITING,
			      "The pairing with %s waits: read the twelve "
			      "words to each other, then confirm it. Nothing "
			      "was written.",
			      peer);
		break;
	case PAIR_LIVE:
		reply_problem(k, req, REFUSE_PAIR_LIVE,
			      "The pairing with %s stands. Nothing was "
			      "changed.",
			      peer);
		break;
	case PAIR_RESTORING:
		reply_problem(
			k, req, REFUSE_PAIR_RESTORING,
			"The record with %s is not signed now: %s. As soon as "
			"the line is up, the other side gives back what is "
			"missing here, and it goes on by itself. If this store "
			"is the newest one and only the marker was lost, a "
			"person can vouch for it. Nothing was written.",
			peer, why);
		break;
	case PAIR_STOPPED:
		reply_problem(
			k, req, REFUSE_PAIR_STOPPED,
			"The record with %s is stopped: %s. Export it, look at "
			"the evidence with ringdown-verify, then revoke the "
			"pairing and make a new one. Nothing was written.",
			peer, why);
		break;
	case PAIR_REVOKED:
		reply_problem(k, req, REFUSE_PAIR_REVOKED,
			      "The pairing with %s has ended; its record stays "
			      "readable. To talk again, make a new pairing. "
			      "Nothing was written.",
			      peer);
		break;
	}
}

void reply_no_pair(struct keeper *k, uint32_t req, const char *peer)
{
	reply_problem(k, req, REFUSE_NO_PAIR,
		      "There is no pair with %s. `ringdown status` lists all.",
		      peer);
}

void reply_no_item(struct keeper *k, uint32_t req, uint64_t seq)
{
	reply_problem(k, req, REFUSE_NO_ITEM,
		      "There is no such entry with number %llu.",
		      (unsigned long long)seq);
}

json_t *reply_str(struct str s)
{
	return json_stringn(s.p ? s.p : "", s.n);
}

json_t *reply_stamp(int64_t ms)
{
	char text[STAMP_CHARS + 1];

	stamp_print(ms, text);
	return json_string(text);
}
