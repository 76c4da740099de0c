/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_request.c  The console's translation of requests, on any octets
 *
 * Input: method LF target LF Content-Type LF operator LF body; an empty
 * Content-Type or operator is a missing header.  Whatever passes must be a
 * message that encodes, decodes at the keeper, and says the same again.
 */
#include "console/request.h"
#include "core/core.h"
#include "fuzz/fuzz.h"
#include "proto/entry.h"

/* A header or target as HTTP gives it: without NUL; NULL when empty */
static char *take(struct str *in)
{
	const struct str s = str_cut(in, '\n');

	return s.n ? strndup(s.p, s.n) : NULL;
}

static void message_check(const struct request *r, struct str body)
{
	struct wire_msg m, back;
	struct buf b, again;

	buf_init(&b, WIRE_BYTES_MAX);
	buf_init(&again, WIRE_BYTES_MAX);
	request_message(r, 5, body, -1, body.n, &m);
	MUST(!wire_encode(&m, &b));
	MUST(!wire_decode(b.p, b.n, ROLE_CONSOLE, ROLE_KEEPER, &back));
	MUST(back.type == m.type && back.q_status.req == 5);
	MUST(!wire_encode(&back, &again));
	MUST(again.n == b.n && !memcmp(again.p, b.p, b.n));
	buf_free(&b);
	buf_free(&again);
}

static void request_check(const struct request *r)
{
	MUST(r->limit >= 1 && r->limit <= PAGE_MAX);
	MUST(r->box <= 1 && r->open <= 1 && r->bodies <= 1);
	MUST(r->wait <= WAIT_HELD);
	MUST(!r->peer[0] || host_ok(str_of(r->peer)));
	MUST(!r->id[0] || id_ok(str_of(r->id)));
	MUST(r->by[0] && utf8_ok(r->by, strlen(r->by), false));
	MUST(utf8_ok(r->subject, strlen(r->subject), false));
	MUST(utf8_ok(r->name, strlen(r->name), false));
	MUST(!strchr(r->name, '/') && !strpbrk(r->media, " \r\n"));
	MUST(!r->line[0] || name_ok(str_of(r->line)));
	MUST(r->act <= LINE_ATTEND && r->declared < DECLARED_STATES);
	MUST(r->drill <= 1 && r->refused <= 1 && r->brief <= 1);
	MUST(r->until_ms >= 0);
	MUST(utf8_ok(r->reason, strlen(r->reason), false));
}

/* Every line, as bulk.c cuts them; items must read back */
static void lines_check(struct str body)
{
	struct problem p = {0};
	struct buf items;
	struct cur c;

	buf_init(&items, 60000);
	while (body.n) {
		const struct str line = str_cut(&body, '\n');
		const size_t before = items.n;

		if (line_parse(line.p, line.n, &items, &p))
			MUST(items.n == before);
	}
	c = cur_of(items.p, items.n);
	while (c.n && !c.bad) {
		const size_t subject_n = cur_u16(&c);
		const char *subject = (const char *)cur_take(&c, subject_n);
		const size_t text_n = cur_u16(&c);
		const char *text = (const char *)cur_take(&c, text_n);

		MUST(subject_n && text_n && subject && text);
		MUST(utf8_ok(subject, subject_n, false));
		MUST(subject_n <= SUBJECT_BYTES_MAX &&
		     text_n <= TEXT_BYTES_MAX);
	}
	MUST(cur_done(&c));
	buf_free(&items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str in = {(const char *)data, n};
	struct request_head h = {.uid = 1000};
	struct problem p = {0};
	struct buf text;
	struct request *r = malloc(sizeof(*r));
	char *part[4];

	for (size_t i = 0; i < 4; i++)
		part[i] = take(&in);
	h.method = part[0] ? part[0] : "";
	h.target = part[1] ? part[1] : "";
	h.media = part[2];
	h.operator_name = part[3];
	buf_init(&text, INLINE_BYTES_MAX);
	if (!request_parse(&h, r, &p)) {
		request_check(r);
		if (r->payload == PAYLOAD_LINES) {
			lines_check(in);
		} else if (r->payload == PAYLOAD_SAID) {
			buf_put(&text, in.p,
				in.n < SAID_BYTES_MAX ? in.n : SAID_BYTES_MAX);
			if (!said_check(&text, &p))
				message_check(r, (struct str){(char *)text.p,
							      text.n});
		} else if (r->payload != PAYLOAD_NOTICE) {
			in.n = in.n < CARD_BYTES_MAX ? in.n : CARD_BYTES_MAX;
			message_check(r, r->payload == PAYLOAD_CARD &&
							 memchr(in.p, 0, in.n)
						 ? str_of("")
						 : in);
		} else if (!notice_parse(in.p, in.n, r, &text, &p)) {
			request_check(r);
			message_check(r, (struct str){(char *)text.p, text.n});
		}
	} else {
		MUST(p.kind && p.detail[0]);
		MUST(problem_status(p.kind) >= 400);
	}
	if (p.kind) {
		buf_reset(&text);
		problem_print(&p, &text);
		MUST(!text.err && utf8_ok((char *)text.p, text.n, false));
	}
	buf_free(&text);
	free(r);
	for (size_t i = 0; i < 4; i++)
		free(part[i]);
	return 0;
}
