/* SPDX-License-Identifier: ISC */
/**
 * @file metrics.c  Everything that can be watched, as Prometheus reads it
 *
 * Text format 0.0.4: the samples of one name stand together, so those of lines
 * are gathered in one walk over the lines, in a buffer for each name.
 */
#include <inttypes.h>
#include <string.h>
#include "core/path.h"
#include "keeper/state.h"

#define METRICS_BYTES_MAX (8U << 20)

/* ---- text ---- */

/* A label's value: backslash, quote and line feed are escaped */
static void value(struct buf *b, const char *s)
{
	const size_t n = strlen(s);
	const bool utf8 = utf8_ok(s, n, true);

	buf_u8(b, '"');
	for (size_t i = 0; i < n; i++) {
		const uint8_t c = (uint8_t)s[i];

		if (c == '\\' || c == '"')
			buf_printf(b, "\\%c", c);
		else if (c == '\n')
			buf_str(b, "\\n");
		else
			buf_u8(b, c >= 0x80 && !utf8 ? '?' : c);
	}
	buf_u8(b, '"');
}

static void family(struct buf *b, const char *name, const char *type,
		   const char *help)
{
	buf_printf(b, "# HELP ringdown_%s %s\n# TYPE ringdown_%s %s\n", name,
		   help, name, type);
}

/* ringdown_NAME{L1="V1",L2="V2"; labels that are NULL are left out */
static void sample(struct buf *b, const char *name, const char *l1,
		   const char *v1, const char *l2, const char *v2)
{
	buf_str(b, "ringdown_");
	buf_str(b, name);
	if (l1) {
		buf_u8(b, '{');
		buf_str(b, l1);
		buf_u8(b, '=');
		value(b, v1);
	}
	if (l2) {
		buf_u8(b, ',');
		buf_str(b, l2);
		buf_u8(b, '=');
		value(b, v2);
	}
	if (l1)
		buf_u8(b, '}');
}

static void whole(struct buf *b, uint64_t n)
{
	buf_printf(b, " %" PRIu64 "\n", n);
}

static void seconds(struct buf *b, int64_t ms)
{
	const uint64_t abs = (uint64_t)(ms < 0 ? -ms : ms);

	buf_printf(b, " %s%" PRIu64 ".%03u\n", ms < 0 ? "-" : "", abs / 1000,
		   (unsigned)(abs % 1000));
}

/* ---- lines ---- */

enum {
	M_STATE,
	M_SINCE,
	M_WAITING,
	M_PROVEN,
	M_CALLS,
	M_OUTCOME,
	M_DUE,
	METRICS
};

static const struct {
	const char *name, *help;
} about[METRICS] = {
	[M_STATE] = {"line_state", "State of the line: 1 for the one it has."},
	[M_SINCE] = {"line_since_timestamp_seconds",
		     "Since when the line has its state."},
	[M_WAITING] = {"line_waiting_items",
		       "What waits here until the line is proven again."},
	[M_PROVEN] = {"line_proven",
		      "1 when a check was answered since the last hiatus."},
	[M_CALLS] = {"line_checks_to_attend",
		     "Checks of the other side that wait for a person here."},
	[M_OUTCOME] = {"line_last_check_outcome",
		       "Outcome of the newest check that tells: 1."},
	[M_DUE] = {"line_last_check_timestamp_seconds",
		   "When the newest check that tells was due."},
};

struct lines {
	const char *peer;
	struct buf b[METRICS];
};

/* ringdown_NAME{peer="P",line="L" */
static struct buf *head(struct lines *l, int which, const char *line)
{
	struct buf *b = &l->b[which];

	buf_str(b, "ringdown_");
	buf_str(b, about[which].name);
	buf_str(b, "{peer=");
	value(b, l->peer);
	buf_str(b, ",line=");
	value(b, line);
	return b;
}

static void gauge(struct lines *l, int which, const char *line, uint64_t n)
{
	struct buf *b = head(l, which, line);

	buf_u8(b, '}');
	whole(b, n);
}

static void named(struct lines *l, int which, const char *line,
		  const char *label, const char *is)
{
	struct buf *b = head(l, which, line);

	buf_printf(b, ",%s=\"%s\"} 1\n", label, is);
}

static void stamp(struct lines *l, int which, const char *line, int64_t ms)
{
	struct buf *b = head(l, which, line);

	buf_u8(b, '}');
	seconds(b, ms);
}

static int on_line(const struct line_view *v, void *arg)
{
	struct lines *l = arg;

	named(l, M_STATE, v->name, "state", line_state_name(v->state));
	stamp(l, M_SINCE, v->name, v->since_ms);
	gauge(l, M_WAITING, v->name, v->waiting);
	gauge(l, M_PROVEN, v->name, v->proven);
	gauge(l, M_CALLS, v->name, v->calls);
	if (v->told) {
		named(l, M_OUTCOME, v->name, "outcome",
		      check_outcome_name(v->last_outcome));
		stamp(l, M_DUE, v->name, v->last_due_ms);
	}
	return l->b[M_STATE].err;
}

static int lines_print(struct keeper *k, struct buf *b)
{
	struct lines l = {.peer = ""};
	struct pair_view v;
	int err = 0;

	for (int i = 0; i < METRICS; i++) {
		buf_init(&l.b[i], METRICS_BYTES_MAX);
		family(&l.b[i], about[i].name, "gauge", about[i].help);
	}
	for (uint32_t i = 0; i < PAIRS_MAX && !err; i++) {
		if (!core_pair_get(k->core, i, &v) || v.state == PAIR_REVOKED)
			continue;
		l.peer = v.card->name;
		err = core_line_each(k->core, k->now, i, on_line, &l);
	}
	for (int i = 0; i < METRICS; i++) {
		err = err ? err : l.b[i].err;
		buf_put(b, l.b[i].p, l.b[i].n);
		buf_free(&l.b[i]);
	}
	return err;
}

/* ---- counters of lines ---- */

static void counts_print(struct keeper *k, struct buf *b)
{
	const struct line_counts *c = &k->counts_of_lines;
	struct pair_view v;

	family(b, "checks_total", "counter",
	       "Results of checks of lines, by outcome.");
	for (uint32_t i = 0; i < PAIRS_MAX; i++) {
		for (int o = 0; core_pair_get(k->core, i, &v) &&
				v.state != PAIR_REVOKED && o < CHECK_OUTCOMES;
		     o++) {
			sample(b, "checks_total", "peer", v.card->name,
			       "outcome",
			       check_outcome_name((enum check_outcome)o));
			whole(b, c->check[i][o]);
		}
	}
	family(b, "line_events_total", "counter",
	       "What happened to lines, by kind.");
	for (uint32_t i = 0; i < PAIRS_MAX; i++) {
		for (int e = 0; core_pair_get(k->core, i, &v) &&
				v.state != PAIR_REVOKED && e < LINE_EVENTS;
		     e++) {
			sample(b, "line_events_total", "peer", v.card->name,
			       "event", alarm_event_name((enum line_event)e));
			whole(b, c->event[i][e]);
		}
	}
	family(b, "alarms_total", "counter", "Alarms raised.");
	sample(b, "alarms_total", NULL, NULL, NULL, NULL);
	whole(b, c->alarms);
	family(b, "alarms_lost_total", "counter",
	       "Alarms that were too many to be passed on.");
	sample(b, "alarms_lost_total", NULL, NULL, NULL, NULL);
	whole(b, c->alarms_lost);
}

/* ---- pairs and paths ---- */

typedef void(pair_h)(struct keeper *k, struct buf *b, const char *name,
		     const struct pair_view *v);

static void state_h(struct keeper *k, struct buf *b, const char *name,
		    const struct pair_view *v)
{
	(void)k;
	sample(b, name, "peer", v->card->name, "state",
	       status_pair_name(v->state));
	whole(b, 1);
}

static void up_h(struct keeper *k, struct buf *b, const char *name,
		 const struct pair_view *v)
{
	sample(b, name, "peer", v->card->name, NULL, NULL);
	whole(b, trunk_state(k, v) != TRUNK_DOWN);
}

static void trusted_h(struct keeper *k, struct buf *b, const char *name,
		      const struct pair_view *v)
{
	(void)k;
	sample(b, name, "peer", v->card->name, NULL, NULL);
	whole(b, v->verdict == VERDICT_TRUSTED);
}

static void entries_h(struct keeper *k, struct buf *b, const char *name,
		      const struct pair_view *v)
{
	const struct {
		const char *feed;
		uint64_t n;
	} all[] = {
		{"own", v->own_size},     {"own_acked", v->own_acked},
		{"other", v->peer_size},  {"other_cosigned", v->peer_cosigned},
		{"joint", v->joint_size}, {"joint_signed", v->joint_signed}};

	(void)k;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		sample(b, name, "peer", v->card->name, "feed", all[i].feed);
		whole(b, all[i].n);
	}
}

static void wants_h(struct keeper *k, struct buf *b, const char *name,
		    const struct pair_view *v)
{
	(void)k;
	sample(b, name, "peer", v->card->name, NULL, NULL);
	whole(b, v->wants);
}

static void proof_h(struct keeper *k, struct buf *b, const char *name,
		    const struct pair_view *v)
{
	(void)k;
	sample(b, name, "peer", v->card->name, NULL, NULL);
	seconds(b, v->last_proof_ms);
}

static void offset_h(struct keeper *k, struct buf *b, const char *name,
		     const struct pair_view *v)
{
	(void)k;
	if (!v->session_since_ms)
		return;
	sample(b, name, "peer", v->card->name, NULL, NULL);
	seconds(b, v->offset_ms);
}

enum path_metric { PATH_M_UP, PATH_M_RTT, PATH_M_IN, PATH_M_OUT, PATH_M_AGAIN };

static void paths(struct keeper *k, struct buf *b, const char *name,
		  const struct pair_view *v, enum path_metric which)
{
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct link_path *p = &k->link[v->pair].path[i];
		const char number[2] = {(char)('0' + i), '\0'};

		if (!p->known || (which == PATH_M_RTT && !p->rtt_us))
			continue;
		sample(b, name, "peer", v->card->name, "path", number);
		switch (which) {
		case PATH_M_UP:
			whole(b,
			      p->state == PATH_UP || p->state == PATH_SUSPECT);
			break;
		case PATH_M_RTT:
			buf_printf(b, " %u.%06u\n", p->rtt_us / 1000000,
				   p->rtt_us % 1000000);
			break;
		case PATH_M_IN: whole(b, p->bytes_in); break;
		case PATH_M_OUT: whole(b, p->bytes_out); break;
		case PATH_M_AGAIN: whole(b, p->retransmits); break;
		}
	}
}

static void path_up_h(struct keeper *k, struct buf *b, const char *name,
		      const struct pair_view *v)
{
	paths(k, b, name, v, PATH_M_UP);
}

static void path_rtt_h(struct keeper *k, struct buf *b, const char *name,
		       const struct pair_view *v)
{
	paths(k, b, name, v, PATH_M_RTT);
}

static void path_in_h(struct keeper *k, struct buf *b, const char *name,
		      const struct pair_view *v)
{
	paths(k, b, name, v, PATH_M_IN);
}

static void path_out_h(struct keeper *k, struct buf *b, const char *name,
		       const struct pair_view *v)
{
	paths(k, b, name, v, PATH_M_OUT);
}

static void path_again_h(struct keeper *k, struct buf *b, const char *name,
			 const struct pair_view *v)
{
	paths(k, b, name, v, PATH_M_AGAIN);
}

static const struct {
	const char *name, *type, *help;
	pair_h *h;
} of_pairs[] = {
	{"pair_state", "gauge", "State of the pair: 1 for the one it has.",
	 state_h},
	{"trunk_up", "gauge", "1 when a session is joined and a path is up.",
	 up_h},
	{"peer_trusted", "gauge", "1 when nothing speaks against the peer.",
	 trusted_h},
	{"feed_entries", "gauge", "Entries, by feed and how far signed.",
	 entries_h},
	{"bodies_wanted", "gauge", "Contents that have not arrived yet.",
	 wants_h},
	{"last_proof_timestamp_seconds", "gauge",
	 "When the last signed word of the peer came; 0: never.", proof_h},
	{"clock_offset_seconds", "gauge", "The peer's clock less ours.",
	 offset_h},
	{"path_up", "gauge", "1 when the path is up.", path_up_h},
	{"path_rtt_seconds", "gauge", "Round trip time of the path.",
	 path_rtt_h},
	{"path_bytes_in_total", "counter", "Octets received on the path.",
	 path_in_h},
	{"path_bytes_out_total", "counter", "Octets sent on the path.",
	 path_out_h},
	{"path_retransmits_total", "counter",
	 "Segments that the path's TCP sent again.", path_again_h},
};

static void pairs_print(struct keeper *k, struct buf *b)
{
	struct pair_view v;

	for (size_t i = 0; i < sizeof(of_pairs) / sizeof(*of_pairs); i++) {
		family(b, of_pairs[i].name, of_pairs[i].type, of_pairs[i].help);
		for (uint32_t p = 0; p < PAIRS_MAX; p++) {
			if (core_pair_get(k->core, p, &v) &&
			    v.state != PAIR_REVOKED)
				of_pairs[i].h(k, b, of_pairs[i].name, &v);
		}
	}
}

/* ---- the whole ---- */

static void whole_print(struct keeper *k, struct buf *b)
{
	struct str in = str_of(k->counts), line;
	char name[80];
	uint64_t n;

	family(b, "info", "gauge", "Name and version of this exchange.");
	sample(b, "info", "name", k->conf->name, "version", RINGDOWN_VERSION);
	whole(b, 1);
	family(b, "time_seconds", "gauge", "This exchange's clock.");
	sample(b, "time_seconds", NULL, NULL, NULL, NULL);
	seconds(b, k->now.wall_ms);
	family(b, "core_events_total", "counter",
	       "What the peer or the network did against the rules, and what "
	       "was sent again.");
	for (int i = 0; i < COUNTERS; i++) {
		sample(b, "core_events_total", "event",
		       core_counter_name((enum counter)i), NULL, NULL);
		whole(b, core_counter(k->core, (enum counter)i));
	}
	family(b, "trunk_events_total", "counter",
	       "What the trunk counts of connections and frames.");
	while (str_line(&in, &line)) {
		if (str_copy(str_cut(&line, ' '), name, sizeof(name)) ||
		    uint_parse(line, &n))
			continue;
		sample(b, "trunk_events_total", "event", name, NULL, NULL);
		whole(b, n);
	}
}

void metrics_show(struct keeper *k, const struct question *q)
{
	struct buf b;
	int err;

	buf_init(&b, METRICS_BYTES_MAX);
	whole_print(k, &b);
	pairs_print(k, &b);
	counts_print(k, &b);
	err = lines_print(k, &b);
	if (err || b.err)
		reply_failure(k, q->req, err ? err : b.err);
	else
		reply_text(k, q->req, 200,
			   "text/plain; version=0.0.4; charset=utf-8", b.p,
			   b.n);
	buf_free(&b);
}
