/* SPDX-License-Identifier: ISC */
/** @file request.c  From the head of an HTTP request to a typed wire message */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include "console/request.h"
#include "core/core.h"
#include "proto/entry.h"

static_assert(CARD_BYTES_MAX == 4096, "Q_PAIR carries a whole card");

/* ---- parameters ---- */

enum {
	P_SERIAL = 1 << 0,
	P_WAIT = 1 << 1,
	P_SUBJECT = 1 << 2,
	P_NAME = 1 << 3,
	P_PRECEDENCE = 1 << 4,
	P_ID = 1 << 5,
	P_AFTER = 1 << 6,
	P_FROM = 1 << 7,
	P_LIMIT = 1 << 8,
	P_OPEN = 1 << 9,
	P_BODIES = 1 << 10,
	P_LINE = 1 << 11,
	P_HASH = 1 << 12,
	P_REASON = 1 << 13,
	P_STATE = 1 << 14,
	P_UNTIL = 1 << 15,
	P_DRILL = 1 << 16,
	P_CHECK_SEQ = 1 << 17,
	P_REFUSED = 1 << 18,
	P_BRIEF = 1 << 19
};

/* One line without control characters, no space at either end: what a field of
 * an entry may be (docs/record.md 3) */
static bool value_ok(struct str s, size_t max)
{
	return s.n && s.n <= max && utf8_ok(s.p, s.n, false) && s.p[0] != ' ' &&
	       s.p[s.n - 1] != ' ';
}

static int bad(struct problem *p, const char *name, const char *want)
{
	return problem_set(p, PROBLEM_REQUEST, "%s must be %s.", name, want);
}

static int take_serial(struct request *r, struct str v, struct problem *p)
{
	uint8_t raw[16];

	if (hex_decode(v, raw, sizeof(raw)) ||
	    str_copy(v, r->serial, sizeof(r->serial)))
		return bad(p, "own-serial", "32 lower-case hex digits");
	return 0;
}

static int take_wait(struct request *r, struct str v, struct problem *p)
{
	if (str_is(v, "stored"))
		r->wait = WAIT_STORED;
	else if (str_is(v, "acked"))
		r->wait = WAIT_ACKED;
	else if (str_is(v, "held"))
		r->wait = WAIT_HELD;
	else
		return bad(p, "wait", "stored, acked or held");
	return 0;
}

static int take_subject(struct request *r, struct str v, struct problem *p)
{
	if (!value_ok(v, SUBJECT_BYTES_MAX) ||
	    str_copy(v, r->subject, sizeof(r->subject)))
		return bad(p, "subject",
			   "one line of 1 to 1,000 bytes of UTF-8 without "
			   "control characters, no space at either end");
	return 0;
}

static int take_name(struct request *r, struct str v, struct problem *p)
{
	if (!value_ok(v, NAME_BYTES_MAX) || memchr(v.p, '/', v.n) ||
	    str_is(v, ".") || str_is(v, "..") ||
	    str_copy(v, r->name, sizeof(r->name)))
		return bad(p, "name",
			   "a file name without directories, 1 to 1,000 bytes "
			   "of UTF-8 without control characters");
	return 0;
}

static int take_precedence(struct request *r, struct str v, struct problem *p)
{
	if ((!str_is(v, "routine") && !str_is(v, "priority") &&
	     !str_is(v, "immediate") && !str_is(v, "flash")) ||
	    str_copy(v, r->precedence, sizeof(r->precedence)))
		return bad(p, "precedence",
			   "routine, priority, immediate or flash");
	return 0;
}

static int take_id(struct request *r, struct str v, struct problem *p)
{
	if (!id_ok(v) || str_copy(v, r->id, sizeof(r->id)))
		return bad(p, "id", "1 to 64 of A-Z a-z 0-9 . _ -");
	return 0;
}

static int take_from(struct request *r, struct str v, struct problem *p)
{
	if (uint_parse(v, &r->from))
		return bad(p, "after or from", "a whole number");
	return 0;
}

static int take_limit(struct request *r, struct str v, struct problem *p)
{
	uint64_t n;

	if (uint_parse(v, &n) || !n || n > PAGE_MAX)
		return bad(p, "limit", "a number from 1 to 500");
	r->limit = (uint32_t)n;
	return 0;
}

static int take_flag(struct str v, const char *name, uint8_t *to,
		     struct problem *p)
{
	if (!str_is(v, "0") && !str_is(v, "1"))
		return bad(p, name, "0 or 1");
	*to = v.p[0] == '1';
	return 0;
}

static int take_open(struct request *r, struct str v, struct problem *p)
{
	return take_flag(v, "open", &r->open, p);
}

static int take_bodies(struct request *r, struct str v, struct problem *p)
{
	return take_flag(v, "bodies", &r->bodies, p);
}

static int take_drill(struct request *r, struct str v, struct problem *p)
{
	return take_flag(v, "drill", &r->drill, p);
}

static int take_refused(struct request *r, struct str v, struct problem *p)
{
	return take_flag(v, "refused", &r->refused, p);
}

static int take_brief(struct request *r, struct str v, struct problem *p)
{
	return take_flag(v, "brief", &r->brief, p);
}

static int take_line(struct request *r, struct str v, struct problem *p)
{
	if (!name_ok(v) || str_copy(v, r->line, sizeof(r->line)))
		return bad(p, "line",
			   "the name of a line: a-z, then a-z 0-9 -, at most "
			   "32 characters");
	return 0;
}

static int take_hash(struct request *r, struct str v, struct problem *p)
{
	if (hex_decode(v, r->hash, sizeof(r->hash)))
		return bad(p, "agreement",
			   "the SHA-256 of the text that was read, 64 "
			   "lower-case hex digits");
	return 0;
}

static int take_reason(struct request *r, struct str v, struct problem *p)
{
	if (!value_ok(v, REASON_BYTES_MAX) ||
	    str_copy(v, r->reason, sizeof(r->reason)))
		return bad(p, "reason",
			   "one line of 1 to 1,000 bytes of UTF-8 without "
			   "control characters, no space at either end");
	return 0;
}

static int take_state(struct request *r, struct str v, struct problem *p)
{
	for (int i = 0; i < DECLARED_STATES; i++) {
		if (str_is(v, declared_name((enum declared)i))) {
			r->declared = (uint8_t)i;
			return 0;
		}
	}
	return bad(p, "state", "open, closed, suspended or fault");
}

static int take_until(struct request *r, struct str v, struct problem *p)
{
	if (stamp_parse(v, &r->until_ms) || r->until_ms <= 0)
		return bad(p, "until", "UTC as 2026-12-01T09:00:00.000Z");
	return 0;
}

static int take_seq(struct request *r, struct str v, struct problem *p)
{
	if (uint_parse(v, &r->seq))
		return bad(p, "seq",
			   "the number of their check, as the line "
			   "gives it");
	return 0;
}

typedef int(take_h)(struct request *r, struct str v, struct problem *p);

static const struct param {
	const char *name;
	unsigned bit;
	take_h *take;
} params[] = {
	{"own-serial", P_SERIAL, take_serial},
	{"wait", P_WAIT, take_wait},
	{"subject", P_SUBJECT, take_subject},
	{"name", P_NAME, take_name},
	{"precedence", P_PRECEDENCE, take_precedence},
	{"id", P_ID, take_id},
	{"after", P_AFTER, take_from},
	{"from", P_FROM, take_from},
	{"limit", P_LIMIT, take_limit},
	{"open", P_OPEN, take_open},
	{"bodies", P_BODIES, take_bodies},
	{"line", P_LINE, take_line},
	{"agreement", P_HASH, take_hash},
	{"reason", P_REASON, take_reason},
	{"state", P_STATE, take_state},
	{"until", P_UNTIL, take_until},
	{"drill", P_DRILL, take_drill},
	{"seq", P_CHECK_SEQ, take_seq},
	{"refused", P_REFUSED, take_refused},
	{"brief", P_BRIEF, take_brief},
};

static const struct param *param_find(struct str name)
{
	for (size_t i = 0; i < sizeof(params) / sizeof(*params); i++) {
		if (str_is(name, params[i].name))
			return &params[i];
	}
	return NULL;
}

int request_set(struct request *r, const char *name, struct str value,
		struct problem *p)
{
	const struct param *q = param_find(str_of(name));

	if (!q)
		return bad(p, name, "left out");
	return q->take(r, value, p);
}

static int hexit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Percent-decode into out[max].  A plus is a plus, except in a query, where
 * forms write it for a space.  EINVAL: not well-formed, NUL, or too long */
static int unescape(struct str s, bool query, char *out, size_t max, size_t *n)
{
	size_t o = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			const int hi = s.n - i > 2 ? hexit(s.p[i + 1]) : -1;
			const int lo = s.n - i > 2 ? hexit(s.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return EINVAL;
			c = (char)(hi << 4 | lo);
			i += 2;
		} else if (c == '+' && query) {
			c = ' ';
		}
		if (!c || o == max)
			return EINVAL;
		out[o++] = c;
	}
	*n = o;
	return 0;
}

static int query_parse(struct str query, unsigned allowed, unsigned needed,
		       struct request *r, struct problem *p)
{
	char text[SUBJECT_BYTES_MAX + 1];
	unsigned seen = 0;

	while (query.n) {
		struct str value = str_cut(&query, '&');
		const struct str name = str_cut(&value, '=');
		const struct param *q = param_find(name);
		size_t n = 0;
		int err;

		if (!q || !(q->bit & allowed))
			return problem_set(p, PROBLEM_REQUEST,
					   "This resource takes no parameter "
					   "of the name given.");
		if (q->bit & seen)
			return bad(p, q->name, "given once only");
		seen |= q->bit;
		if (unescape(value, true, text, sizeof(text), &n))
			return bad(p, q->name,
				   "percent-encoded and of at most 1,000 "
				   "bytes");
		err = q->take(r, (struct str){text, n}, p);
		if (err)
			return err;
	}
	for (size_t i = 0; i < sizeof(params) / sizeof(*params); i++) {
		if (params[i].bit & needed & ~seen)
			return bad(p, params[i].name, "given");
	}
	return 0;
}

/* ---- resources ---- */

static const struct resource {
	const char *path;	/* * peer, # box, 0 number, = line, + act */
	bool post;
	enum route route;
	enum payload payload;
	unsigned params;	/* taken */
	unsigned needed;
} resources[] = {
	{"v1/status", false, ROUTE_STATUS, PAYLOAD_NONE, 0, 0},
	{"v1/card", true, ROUTE_CARD, PAYLOAD_NONE, 0, 0},
	{"v1/pairs", true, ROUTE_PAIR_ADD, PAYLOAD_CARD, P_SERIAL, 0},
	{"v1/events", false, ROUTE_EVENTS, PAYLOAD_NONE, 0, 0},
	{"v1/pairs/*/confirm", true, ROUTE_CONFIRM, PAYLOAD_NONE, 0, 0},
	{"v1/pairs/*/revoke", true, ROUTE_REVOKE, PAYLOAD_NONE, 0, 0},
	{"v1/pairs/*/vouch", true, ROUTE_VOUCH, PAYLOAD_NONE, 0, 0},
	{"v1/pairs/*/notices", true, ROUTE_NOTICES, PAYLOAD_NOTICE, P_WAIT, 0},
	{"v1/pairs/*/documents", true, ROUTE_DOCUMENTS, PAYLOAD_FILE,
	 P_SUBJECT | P_NAME | P_PRECEDENCE | P_ID | P_WAIT | P_LINE,
	 P_SUBJECT | P_NAME},
	{"v1/pairs/*/inbox", false, ROUTE_INBOX, PAYLOAD_NONE,
	 P_AFTER | P_LIMIT, 0},
	{"v1/pairs/*/outbox", false, ROUTE_OUTBOX, PAYLOAD_NONE,
	 P_AFTER | P_LIMIT, 0},
	{"v1/pairs/*/record", false, ROUTE_RECORD, PAYLOAD_NONE,
	 P_FROM | P_LIMIT, 0},
	{"v1/pairs/*/export", false, ROUTE_EXPORT, PAYLOAD_NONE, P_BODIES, 0},
	{"metrics", false, ROUTE_METRICS, PAYLOAD_NONE, 0, 0},
	{"v1/lines", false, ROUTE_LINES, PAYLOAD_NONE, P_BRIEF, 0},
	{"v1/pairs/*/lines", false, ROUTE_LINES, PAYLOAD_NONE, P_BRIEF, 0},
	{"v1/pairs/*/lines", true, ROUTE_LINE_DO, PAYLOAD_AGREEMENT, 0, 0},
	{"v1/pairs/*/lines/=", false, ROUTE_LINE, PAYLOAD_NONE, 0, 0},
	{"v1/pairs/*/lines/=/accept", true, ROUTE_LINE_DO, PAYLOAD_NONE, P_HASH,
	 P_HASH},
	{"v1/pairs/*/lines/=/decline", true, ROUTE_LINE_DO, PAYLOAD_NONE,
	 P_HASH | P_REASON, P_HASH | P_REASON},
	{"v1/pairs/*/lines/=/withdraw", true, ROUTE_LINE_DO, PAYLOAD_NONE,
	 P_REASON, P_REASON},
	{"v1/pairs/*/lines/=/declare", true, ROUTE_LINE_DO, PAYLOAD_NONE,
	 P_STATE | P_REASON | P_UNTIL, P_STATE | P_REASON},
	{"v1/pairs/*/lines/=/check", true, ROUTE_LINE_DO, PAYLOAD_NONE, P_DRILL,
	 0},
	{"v1/pairs/*/lines/=/attend", true, ROUTE_LINE_DO, PAYLOAD_NONE,
	 P_CHECK_SEQ | P_REFUSED | P_REASON, P_CHECK_SEQ},
	{"v1/pairs/*/service", true, ROUTE_SERVICE, PAYLOAD_SAID, 0, 0},
	{"v1/pairs/*/#/0", false, ROUTE_ITEM, PAYLOAD_NONE, 0, 0},
	{"v1/pairs/*/#/0/body", false, ROUTE_BODY, PAYLOAD_NONE, P_OPEN, 0},
	{"v1/pairs/*/#/0/entry", false, ROUTE_ENTRY, PAYLOAD_NONE, 0, 0},
};

/* Does this segment fit, and what does it say? */
static bool segment_fits(struct str want, struct str got, struct request *r)
{
	if (str_is(want, "*"))
		return host_ok(got) && !str_copy(got, r->peer, sizeof(r->peer));
	if (str_is(want, "#")) {
		r->box = str_is(got, "out");
		return r->box || str_is(got, "in");
	}
	if (str_is(want, "0"))
		return !uint_parse(got, &r->seq);
	if (str_is(want, "="))
		return name_ok(got) && !str_copy(got, r->line, sizeof(r->line));
	return str_same(want, got);
}

/* Names in paths hold nothing that needs an escape, so that an escape is no
 * second way to say the same: such a path is not found */
static bool path_fits(const char *pattern, struct str path, struct request *r)
{
	struct str want = str_of(pattern);

	if (!path.n || path.p[0] != '/')
		return false;
	path.p++;
	path.n--;
	for (;;) {
		const bool last = !memchr(want.p, '/', want.n);

		if (last != !(path.n && memchr(path.p, '/', path.n)))
			return false;
		if (!segment_fits(str_cut(&want, '/'), str_cut(&path, '/'), r))
			return false;
		if (last)
			return true;
	}
}

/* A path with both methods stands in two rows; when neither fits, the first
   that has the path */
static const struct resource *resource_find(struct str path, bool post,
					    struct request *r)
{
	const struct resource *found = NULL;

	for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++) {
		if (!path_fits(resources[i].path, path, r))
			continue;
		if (resources[i].post == post)
			return &resources[i];
		if (!found)
			found = &resources[i];
	}
	return found;
}

/* What is done to a line, by the last segment */
static uint8_t act_of(struct str path)
{
	static const struct {
		const char *segment;
		enum line_act act;
	} acts[] = {
		{"accept", LINE_ACCEPT},     {"decline", LINE_DECLINE},
		{"withdraw", LINE_WITHDRAW}, {"declare", LINE_DECLARE},
		{"check", LINE_CHECK},       {"attend", LINE_ATTEND},
	};
	struct str last = path;

	while (memchr(path.p, '/', path.n)) {
		(void)str_cut(&path, '/');
		last = path;
	}
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		if (str_is(last, acts[i].segment))
			return (uint8_t)acts[i].act;
	}
	return LINE_PROPOSE;
}

/* ---- head ---- */

static int operator_take(const struct request_head *h, struct request *r,
			 struct problem *p)
{
	struct buf b;

	if (h->operator_name) {
		const struct str s = str_of(h->operator_name);

		if (!value_ok(s, OPERATOR_BYTES_MAX) ||
		    str_copy(s, r->by, sizeof(r->by)))
			return bad(p, "Ringdown-Operator",
				   "a name of 1 to 200 bytes of UTF-8 without "
				   "control characters");
		return 0;
	}
	buf_init(&b, sizeof(r->by));
	buf_printf(&b, "uid:%u", h->uid);
	if (b.err) {
		buf_free(&b);
		return problem_set(p, PROBLEM_BUSY, "Out of memory.");
	}
	memcpy(r->by, b.p, b.n);
	r->by[b.n] = '\0';
	buf_free(&b);
	return 0;
}

/* The media type in lower case without its parameters */
static struct str media_bare(const char *media, char out[MEDIA_BYTES_MAX + 1])
{
	size_t n = 0;

	for (; media[n] && media[n] != ';' && media[n] != ' ' &&
	       n < MEDIA_BYTES_MAX;
	     n++) {
		const char c = media[n];

		out[n] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	out[n] = '\0';
	return (struct str){out, n};
}

/* The media type of a document: in an entry it stands without spaces */
static int media_take(const char *media, struct request *r, struct problem *p)
{
	size_t n = 0, slash = 0;

	for (; *media; media++) {
		if (*media == ' ' || *media == '\t')
			continue;
		if (*media < 0x21 || *media > 0x7e || n == MEDIA_BYTES_MAX)
			goto refuse;
		if (*media == '/')
			slash = n;
		r->media[n++] = *media;
	}
	r->media[n] = '\0';
	if (slash && slash + 1 < n)
		return 0;
refuse:
	return problem_set(p, PROBLEM_MEDIA_TYPE,
			   "The Content-Type of a document must be a media "
			   "type of at most 200 printable ASCII characters, "
			   "as application/pdf.");
}

static int payload_take(const struct request_head *h, struct request *r,
			struct problem *p)
{
	char bare[MEDIA_BYTES_MAX + 1];
	const struct str m = media_bare(h->media ? h->media : "", bare);

	switch (r->payload) {
	case PAYLOAD_NONE: return 0;
	case PAYLOAD_CARD:
		if (str_is(m, "text/plain"))
			return 0;
		return problem_set(p, PROBLEM_MEDIA_TYPE,
				   "A card is sent as text/plain.");
	case PAYLOAD_AGREEMENT:
	case PAYLOAD_SAID:
		if (str_is(m, "text/plain"))
			return 0;
		return problem_set(p, PROBLEM_MEDIA_TYPE,
				   "An agreement, and what is said on the "
				   "service line, is sent as text/plain.");
	case PAYLOAD_NOTICE:
	case PAYLOAD_LINES:
		if (str_is(m, "application/json")) {
			r->payload = PAYLOAD_NOTICE;
			return 0;
		}
		if (str_is(m, "application/x-ndjson")) {
			r->payload = PAYLOAD_LINES;
			return 0;
		}
		return problem_set(p, PROBLEM_MEDIA_TYPE,
				   "Notices are sent as application/json, or "
				   "many as application/x-ndjson.");
	case PAYLOAD_FILE: return media_take(h->media ? h->media : "", r, p);
	}
	return EINVAL;
}

int request_parse(const struct request_head *h, struct request *out,
		  struct problem *p)
{
	const bool post = !strcmp(h->method, "POST");
	struct str query = str_of(h->target), path;
	const struct resource *found;
	int err;

	*out = (struct request){.limit = PAGE_DEFAULT};
	memcpy(out->precedence, "routine", sizeof("routine"));
	if (query.n > TARGET_BYTES_MAX)
		return problem_set(p, PROBLEM_REQUEST,
				   "Path and query are longer than 8 KiB.");
	path = str_cut(&query, '?');
	found = resource_find(path, post, out);
	if (!found)
		return problem_set(p, PROBLEM_NOT_FOUND,
				   "There is no such resource; "
				   "docs/openapi.yaml has them all.");
	if (strcmp(h->method, found->post ? "POST" : "GET") != 0) {
		p->allow = found->post ? "POST" : "GET";
		return problem_set(p, PROBLEM_METHOD,
				   "This resource takes %s only.", p->allow);
	}
	if (found->route == ROUTE_LINE_DO)
		out->act = act_of(path);
	out->route = found->route;
	out->payload = found->payload;
	err = operator_take(h, out, p);
	if (err)
		return err;
	err = payload_take(h, out, p);
	if (err)
		return err;
	/* a single notice says in its body how long to wait */
	return query_parse(query,
			   out->payload == PAYLOAD_NOTICE ? 0 : found->params,
			   found->needed, out, p);
}

/* ---- message ---- */

static void submit_message(const struct request *r, uint32_t req,
			   struct str body, int fd, uint64_t bytes,
			   struct wire_msg *m)
{
	const uint8_t kind =
		r->route == ROUTE_NOTICES ? ENTRY_NOTICE : ENTRY_DOCUMENT;

	if (fd >= 0) {
		m->type = WIRE_Q_SUBMIT_FD;
		m->fd = fd;
		m->q_submit_fd =
			(struct wire_q_submit_fd){req,
						  str_of(r->peer),
						  kind,
						  r->wait,
						  str_of(r->id),
						  str_of(r->by),
						  str_of(r->precedence),
						  str_of(r->subject),
						  str_of(r->name),
						  str_of(r->media),
						  str_of(r->line),
						  bytes};
		return;
	}
	m->type = WIRE_Q_SUBMIT;
	m->q_submit = (struct wire_q_submit){
		req,
		str_of(r->peer),
		kind,
		r->wait,
		str_of(r->id),
		str_of(r->by),
		str_of(r->precedence),
		str_of(r->subject),
		str_of(r->name),
		str_of(kind == ENTRY_NOTICE ? "text/plain" : r->media),
		str_of(r->line),
		body};
}

static void pair_message(const struct request *r, uint32_t req, struct str body,
			 struct wire_msg *m)
{
	const struct str by = str_of(r->by), peer = str_of(r->peer);

	switch (r->route) {
	case ROUTE_CARD:
		m->type = WIRE_Q_CARD;
		m->q_card = (struct wire_q_card){req, by};
		break;
	case ROUTE_PAIR_ADD:
		m->type = WIRE_Q_PAIR;
		m->q_pair =
			(struct wire_q_pair){req, by, str_of(r->serial), body};
		break;
	case ROUTE_CONFIRM:
		m->type = WIRE_Q_CONFIRM;
		m->q_confirm = (struct wire_q_confirm){req, by, peer};
		break;
	case ROUTE_REVOKE:
		m->type = WIRE_Q_REVOKE;
		m->q_revoke = (struct wire_q_revoke){req, by, peer};
		break;
	default:
		m->type = WIRE_Q_VOUCH;
		m->q_vouch = (struct wire_q_vouch){req, by, peer};
		break;
	}
}

static void line_message(const struct request *r, uint32_t req, struct str body,
			 struct wire_msg *m)
{
	const struct str peer = str_of(r->peer), none = {"", 0};
	const bool hashed = r->act == LINE_ACCEPT || r->act == LINE_DECLINE;

	switch (r->route) {
	case ROUTE_LINES:
		m->type = WIRE_Q_LINES;
		m->q_lines = (struct wire_q_lines){req, peer, r->brief};
		break;
	case ROUTE_LINE:
		m->type = WIRE_Q_LINE;
		m->q_line = (struct wire_q_line){req, peer, str_of(r->line)};
		break;
	case ROUTE_SERVICE:
		m->type = WIRE_Q_SERVICE;
		m->q_service =
			(struct wire_q_service){req, peer, str_of(r->by), body};
		break;
	default:
		m->type = WIRE_Q_LINE_DO;
		m->q_line_do = (struct wire_q_line_do){
			req,
			peer,
			str_of(r->line),
			r->act,
			str_of(r->by),
			str_of(r->reason),
			r->act == LINE_PROPOSE ? body : none,
			hashed ? (struct str){(const char *)r->hash,
					      sizeof(r->hash)}
			       : none,
			r->declared,
			r->until_ms,
			r->seq,
			r->drill,
			r->refused};
		break;
	}
}

void request_message(const struct request *r, uint32_t req, struct str body,
		     int fd, uint64_t bytes, struct wire_msg *m)
{
	const struct str peer = str_of(r->peer);

	*m = (struct wire_msg){.fd = -1};
	switch (r->route) {
	case ROUTE_CARD:
	case ROUTE_PAIR_ADD:
	case ROUTE_CONFIRM:
	case ROUTE_REVOKE:
	case ROUTE_VOUCH: pair_message(r, req, body, m); break;
	case ROUTE_NOTICES:
	case ROUTE_DOCUMENTS: submit_message(r, req, body, fd, bytes, m); break;
	case ROUTE_INBOX:
	case ROUTE_OUTBOX:
		m->type = WIRE_Q_ITEMS;
		m->q_items = (struct wire_q_items){
			req, peer, r->route == ROUTE_OUTBOX, r->from, r->limit};
		break;
	case ROUTE_ITEM:
		m->type = WIRE_Q_SHOW;
		m->q_show = (struct wire_q_show){req, peer, r->box, r->seq};
		break;
	case ROUTE_BODY:
		m->type = WIRE_Q_BODY;
		m->q_body = (struct wire_q_body){
			req, peer, r->box, r->seq, r->open, str_of(r->by)};
		break;
	case ROUTE_ENTRY:
		m->type = WIRE_Q_ENTRY;
		m->q_entry = (struct wire_q_entry){req, peer, r->box, r->seq};
		break;
	case ROUTE_RECORD:
		m->type = WIRE_Q_RECORD;
		m->q_record =
			(struct wire_q_record){req, peer, r->from, r->limit};
		break;
	case ROUTE_EXPORT:
		m->type = WIRE_Q_EXPORT;
		m->q_export = (struct wire_q_export){req, peer, r->bodies};
		break;
	case ROUTE_LINES:
	case ROUTE_LINE:
	case ROUTE_LINE_DO:
	case ROUTE_SERVICE: line_message(r, req, body, m); break;
	case ROUTE_METRICS:
		m->type = WIRE_Q_METRICS;
		m->q_metrics = (struct wire_q_metrics){req};
		break;
	case ROUTE_STATUS:
	case ROUTE_EVENTS:
		m->type = WIRE_Q_STATUS;
		m->q_status = (struct wire_q_status){req};
		break;
	}
}

int said_check(struct buf *text, struct problem *p)
{
	if (text->n && text->p[text->n - 1] == '\n')
		text->n--;
	if (!value_ok((struct str){(const char *)text->p, text->n},
		      SAID_BYTES_MAX))
		return problem_set(p, PROBLEM_REQUEST,
				   "What is said must be one line of 1 to "
				   "1,000 bytes of UTF-8 without control "
				   "characters, no space at either end.");
	return 0;
}

bool request_waits(const struct request *r)
{
	return r->route == ROUTE_EVENTS || r->wait != WAIT_STORED;
}
