/* SPDX-License-Identifier: ISC */
/**
 * @file alarm.c  What happened to lines, told to people
 *
 * Core says it within a turn; once the turn stands, each thing goes to the log,
 * to followers, and as an ALARM to the monitor, which runs the hook and writes
 * to syslog.  When ten thousand lines change at once, the first
 * LINE_EVENTS_KEPT are told one by one and the rest as a number.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "keeper/state.h"
#include "proto/agreement.h"

#define WORDS_CHARS 600 /* as the message has it */

const char *alarm_event_name(enum line_event e)
{
	static const char *const names[LINE_EVENTS] = {
		[LINE_EVENT_STATE] = "line-state",
		[LINE_EVENT_PROPOSAL] = "proposal",
		[LINE_EVENT_AGREED] = "agreed",
		[LINE_EVENT_CALL] = "check-asked",
		[LINE_EVENT_MISSED] = "check-missed",
		[LINE_EVENT_RESULT] = "check-result",
		[LINE_EVENT_WAITING] = "waiting",
		[LINE_EVENT_NOT_AGREED] = "not-agreed",
	};

	return e < LINE_EVENTS ? names[e] : "?";
}

/* ---- in the turn ---- */

/* u8 length, who, text (proto/frame.h) */
static void service_take(struct keeper *k, const struct action *a)
{
	char who[SERVICE_BY_CHARS_MAX + 1], text[SERVICE_BYTES_MAX + 1];
	struct cur c = cur_of(a->body, a->body_n);
	const size_t who_n = cur_u8(&c);
	const struct str by = {(const char *)cur_take(&c, who_n), who_n};

	if (c.bad || str_copy(by, who, sizeof(who)) ||
	    str_copy((struct str){(const char *)c.p, c.n}, text, sizeof(text)))
		return;		/* core has looked */
	news_say(k, a->pair, "", who, text, "service");
}

void alarm_take(struct keeper *k, const struct action *a)
{
	struct line_counts *c = &k->counts_of_lines;
	struct line_happened *h;
	const char *words = a->reason ? a->reason : "";

	if (a->kind == ACTION_SERVICE) {
		service_take(k, a);
		return;
	}
	if (a->pair >= PAIRS_MAX || a->event >= LINE_EVENTS)
		return;
	c->event[a->pair][a->event]++;
	if (a->event == LINE_EVENT_RESULT && a->outcome < CHECK_OUTCOMES)
		c->check[a->pair][a->outcome]++;
	if (k->happened_n == LINE_EVENTS_KEPT) {
		k->happened_more++;
		return;
	}
	h = &k->happened[k->happened_n++];
	*h = (struct line_happened){.pair = a->pair,
				    .event = a->event,
				    .outcome = a->outcome,
				    .seq = a->seq};
	memcpy(h->line, a->line, sizeof(h->line));
	h->line[sizeof(h->line) - 1] = '\0';
	if (str_copy((struct str){words, strnlen(words, LINE_WORDS_CHARS)},
		     h->words, sizeof(h->words)))
		h->words[0] = '\0';
}

/* ---- in words ---- */

/* Until when, by each side's clock */
static void local_print(struct buf *b, const struct agreement *a, int64_t ms)
{
	char text[STAMP_CHARS + 1];

	stamp_print(ms, text);
	buf_printf(b, "%.16sZ", text);
	for (int i = 0; a && i < 2; i++) {
		stamp_print(ms + agreement_offset_s(a, i, ms) * 1000LL, text);
		buf_printf(b, "%s %.5s %s", i ? "," : " (", text + 11,
			   a->sides[i]);
	}
	buf_str(b, a ? ")" : "");
}

static void state_words(struct buf *b, const struct line_view *v)
{
	char since[STAMP_CHARS + 1];

	stamp_print(v->since_ms, since);
	buf_printf(b, "it is %s since %s", line_state_name(v->state), since);
	if (v->reason && *v->reason)
		buf_printf(b, ": %s", v->reason);
	if (v->until_ms) {
		buf_str(b, "; until ");
		local_print(b, v->agreement, v->until_ms);
	}
	if (v->waiting)
		buf_printf(b, "; %" PRIu64 " items wait", v->waiting);
}

/* What waits for a person; NULL: it is over already, or a machine's answer was
   enough */
static const struct check_call *call_of(const struct line_happened *h,
					const struct line_view *v)
{
	for (size_t i = 0; i < v->calls; i++) {
		if (v->call[i].seq == h->seq)
			return &v->call[i];
	}
	return NULL;
}

static void call_words(struct buf *b, const struct line_happened *h,
		       const struct line_view *v)
{
	const struct check_call *c = call_of(h, v);

	if (!c) {
		buf_str(b, "a check was asked, and nobody need attend to it");
		return;
	}
	buf_printf(b, "%scheck %s (%s) is asked; ", c->drill ? "DRILL: " : "",
		   c->check, c->kind);
	if (c->role && *c->role)
		buf_printf(b, "the %s is to attend", c->role);
	else
		buf_str(b, "somebody is to attend");
	buf_str(b, " before ");
	local_print(b, v->agreement, c->until_ms);
}

/* The entry that it is about */
struct about {
	const struct line_happened *h;
	enum entry_kind kind;
	struct buf *b;
	bool found;
};

static void field(struct buf *b, const struct entry *e, const char *name,
		  const char *before)
{
	const struct str v = entry_get(e, name);

	if (!v.n)
		return;
	buf_str(b, before);
	buf_put(b, v.p, v.n);
}

static int on_entry(const struct db_entry *row, void *arg)
{
	struct about *a = arg;
	struct entry e;

	if (row->seq != a->h->seq || entry_parse(row->p, row->n, &e) ||
	    e.kind != a->kind || !str_is(entry_get(&e, "line"), a->h->line))
		return 0;
	if (a->kind == ENTRY_RESULT &&
	    !str_is(entry_get(&e, "outcome"),
		    check_outcome_name(a->h->outcome)))
		return 0;
	a->found = true;
	buf_str(a->b, entry_get(&e, "mark").n ? "DRILL: " : "");
	field(a->b, &e, "check", "check ");
	field(a->b, &e, "kind", ", ");
	field(a->b, &e, "for", ", for ");
	field(a->b, &e, "due", ", due ");
	field(a->b, &e, "outcome", ": ");
	field(a->b, &e, "by", ", by ");
	field(a->b, &e, "tried", ", tried ");
	return 0;
}

/* "check opening, scheduled, due ...: answered, by Kim" */
static bool entry_words(struct keeper *k, struct buf *b,
			const struct line_happened *h, enum feed_of feed,
			enum entry_kind kind)
{
	const struct db *db = store_db(k->store);
	struct about a = {.h = h, .kind = kind, .b = b};

	return !db->entry_walk(db->arg, feed_id(h->pair, feed), h->seq, 1,
			       false, on_entry, &a) &&
	       a.found;
}

static void words_print(struct keeper *k, struct buf *b,
			const struct line_happened *h,
			const struct line_view *v)
{
	switch (h->event) {
	case LINE_EVENT_STATE: state_words(b, v); break;
	case LINE_EVENT_CALL: call_words(b, h, v); break;
	case LINE_EVENT_RESULT:
		if (!entry_words(k, b, h, FEED_OWN, ENTRY_RESULT) &&
		    !entry_words(k, b, h, FEED_PEER, ENTRY_RESULT))
			buf_printf(b, "a check has the result %s",
				   check_outcome_name(h->outcome));
		break;
	case LINE_EVENT_MISSED:
		if (!entry_words(k, b, h, FEED_PEER, ENTRY_CHECK))
			buf_str(b, "a check");
		buf_str(b, ": nobody here attended within its grace");
		break;
	case LINE_EVENT_PROPOSAL:
		buf_str(b, v->proposal[1]
				   ? "the other side proposes an agreement; "
				     "read and answer it"
			   : v->proposal[0] ? "our proposal waits for them"
			   : *v->declined   ? "our proposal was declined"
					    : "no proposal is open any more");
		if (!v->proposal[0] && *v->declined)
			buf_printf(b, ": %s", v->declined);
		break;
	case LINE_EVENT_AGREED: buf_str(b, "an agreement is signed"); break;
	case LINE_EVENT_WAITING:
		buf_printf(b, "%" PRIu64 " items wait", v->waiting);
		break;
	default: buf_str(b, "the other side did what was not agreed"); break;
	}
	if (h->words[0] && h->event != LINE_EVENT_STATE)
		buf_printf(b, ": %s", h->words);
}

/* Somebody has to do something, or something is wrong */
static bool loud(const struct line_happened *h, const struct line_view *v)
{
	switch (h->event) {
	case LINE_EVENT_STATE:
		return v->state == LINE_FAULT_HERE ||
		       v->state == LINE_FAULT_THERE || v->state == LINE_DOWN ||
		       v->state == LINE_REFUSED || v->state == LINE_UNATTENDED;
	case LINE_EVENT_RESULT:
		return h->outcome == CHECK_UNATTENDED ||
		       h->outcome == CHECK_REFUSED ||
		       h->outcome == CHECK_PATH_DOWN;
	case LINE_EVENT_CALL: return call_of(h, v);
	case LINE_EVENT_MISSED:
	case LINE_EVENT_NOT_AGREED: return true;
	default: return false;
	}
}

/* ---- out ---- */

/* As much as the message takes, no character cut in two */
static struct str cut(const char *s, size_t max)
{
	size_t n = strnlen(s, max);

	while (n && s[n] && ((uint8_t)s[n] & 0xc0) == 0x80)
		n--;
	return (struct str){s, n};
}

static void alarm_send(struct keeper *k, const char *kind, const char *peer,
		       const char *line, bool is_loud, const char *words)
{
	struct line_counts *c = &k->counts_of_lines;
	struct wire_msg m = {.type = WIRE_ALARM, .fd = -1};

	c->alarms++;
	m.alarm = (struct wire_alarm){str_of(kind),   str_of(peer),
				      str_of(line),   is_loud,
				      k->now.wall_ms, cut(words, WORDS_CHARS)};
	if (wire_send(k->boot->monitor, &m))
		c->alarms_lost++; /* it is full, or gone and then seen by poll */
}

void alarm_say(struct keeper *k, const char *kind, const char *peer,
	       bool is_loud, const char *fmt, ...)
{
	char words[WORDS_CHARS + 1];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	alarm_send(k, kind, peer, "", is_loud, words);
}

static void tell(struct keeper *k, const struct line_happened *h)
{
	const char *kind = alarm_event_name(h->event);
	struct pair_view p;
	struct line_view v;
	bool is_loud;
	struct buf b;
	char *words;

	if (!core_pair_get(k->core, h->pair, &p) ||
	    !core_line_get(k->core, k->now, h->pair, h->line, &v))
		return;
	buf_init(&b, 4 * WORDS_CHARS);
	words_print(k, &b, h, &v);
	buf_u8(&b, '\0');
	words = b.err ? NULL : (char *)b.p;
	if (words) {
		words[cut(words, WORDS_CHARS).n] = '\0';
		is_loud = loud(h, &v);
		log_event(is_loud ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
			  "line.event", "event=%s peer=%s line=%s words=%s",
			  kind, p.card->name, h->line, words);
		alarm_send(k, kind, p.card->name, h->line, is_loud, words);
		news_say(k, h->pair, h->line, "", words, kind);
	}
	buf_free(&b);
}

/* Those that found the monitor's queue full */
static void lost_say(struct keeper *k)
{
	struct line_counts *c = &k->counts_of_lines;
	const uint64_t lost = c->alarms_lost - c->lost_told;

	if (!lost || wire_waiting(k->boot->monitor))
		return;
	c->lost_told = c->alarms_lost;
	alarm_say(k, "overflow", "", true,
		  "%" PRIu64 " alarms were too many to be passed on; see "
		  "ringdown status",
		  lost);
}

void alarm_tick(struct keeper *k)
{
	for (size_t i = 0; i < k->happened_n; i++)
		tell(k, &k->happened[i]);
	k->happened_n = 0;
	lost_say(k);
	if (!k->happened_more)
		return;
	log_warn("line.events-left-out", "count=%zu do=%s", k->happened_more,
		 "see ringdown status");
	alarm_say(k, "overflow", "", true,
		  "%zu more things happened to lines at the same time; see "
		  "ringdown status",
		  k->happened_more);
	news_say(k, PAIRS_MAX, "", "", "", "lines");
	k->happened_more = 0;
}
