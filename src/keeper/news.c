/* SPDX-License-Identifier: ISC */
/** @file news.c  What changed in a pair, for followers: at most ten a second */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "keeper/state.h"

static void say(struct keeper *k, const struct pair_view *v, const char *fmt,
		...) __attribute__((format(printf, 3, 4)));

static void news_send(struct keeper *k, const struct wire_news *n)
{
	struct wire_msg m = {.type = WIRE_NEWS, .fd = -1};

	if (!k->boot->peer[ROLE_CONSOLE] || k->console_gone)
		return;
	m.news = *n;
	if (wire_send(k->boot->peer[ROLE_CONSOLE], &m) == EPIPE)
		k->console_gone = true;
	/* a full queue: the next news carry all numbers again */
}

void news_say(struct keeper *k, uint32_t pair, const char *line,
	      const char *who, const char *text, const char *what)
{
	struct wire_news n = {.peer = str_of(""),
			      .what = str_of(what),
			      .line = str_of(line),
			      .who = str_of(who),
			      .text = str_of(text)};
	struct pair_view v;

	if (core_pair_get(k->core, pair, &v)) {
		n.peer = str_of(v.card->name);
		n.joint = v.joint_size;
		n.own = v.own_size;
		n.other = v.peer_size;
	}
	if (n.text.n > 2000)
		n.text.n = 0;
	news_send(k, &n);
}

static void say(struct keeper *k, const struct pair_view *v, const char *fmt,
		...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	news_say(k, v->pair, "", "", "", what);
}

static void link_news(struct keeper *k, const struct pair_view *v,
		      struct told *t)
{
	const enum trunk_state now = trunk_state(k, v);

	if (t->known && now == t->trunk)
		return;
	if (t->known || now != TRUNK_DOWN) {
		t->trunk_since_ms = k->now.wall_ms;
		log_info("trunk.changed", "peer=%s trunk=%s", v->card->name,
			 trunk_state_name(now));
		say(k, v, "trunk %s", trunk_state_name(now));
		alarm_say(k, "trunk", v->card->name, now == TRUNK_DOWN,
			  "the trunk is %s", trunk_state_name(now));
	}
	t->trunk = now;
}

static void standing_news(struct keeper *k, const struct pair_view *v,
			  const struct told *t)
{
	if (t->verdict != v->verdict) {
		log_error("peer.verdict", "peer=%s why=%s kept=%s do=%s",
			  v->card->name, v->verdict_why,
			  "the record and the evidence",
			  "export the record and verify it");
		say(k, v, "verdict %s", v->verdict_why);
		alarm_say(k, "verdict", v->card->name, true,
			  "the peer's conduct: %s", v->verdict_why);
	}
	if (t->state != v->state) {
		log_warn("pair.state", "peer=%s state=%s why=%s", v->card->name,
			 status_pair_name(v->state), v->state_why);
		say(k, v, "pair %s", status_pair_name(v->state));
		alarm_say(k, "pair", v->card->name,
			  v->state == PAIR_STOPPED ||
				  v->state == PAIR_RESTORING,
			  "the pair is %s%s%s", status_pair_name(v->state),
			  *v->state_why ? ": " : "", v->state_why);
	}
}

static void pair_news(struct keeper *k, const struct pair_view *v)
{
	struct told *t = &k->news[v->pair];
	const bool first = !t->known;

	link_news(k, v, t);
	if (!first) {
		standing_news(k, v, t);
		if (t->joint != v->joint_size || t->own != v->own_size ||
		    t->other != v->peer_size)
			say(k, v, "record");
		if (t->acked != v->own_acked ||
		    t->cosigned != v->peer_cosigned || t->wants != v->wants)
			say(k, v, "receipt");
	} else {
		say(k, v, "pair %s", status_pair_name(v->state));
	}
	if (t->path_due)
		say(k, v, "path %u", t->path);
	*t = (struct told){.known = true,
			   .state = v->state,
			   .verdict = v->verdict,
			   .trunk = t->trunk,
			   .trunk_since_ms = t->trunk_since_ms,
			   .joint = v->joint_size,
			   .own = v->own_size,
			   .other = v->peer_size,
			   .acked = v->own_acked,
			   .cosigned = v->peer_cosigned,
			   .wants = v->wants};
}

void news_tick(struct keeper *k)
{
	struct pair_view v;

	if (!k->news_due || k->now.mono_ms < k->news_at_ms)
		return;
	k->news_due = false;
	k->news_at_ms = k->now.mono_ms + NEWS_MS;
	for (uint32_t i = 0; i < PAIRS_MAX; i++) {
		if (core_pair_get(k->core, i, &v))
			pair_news(k, &v);
	}
	link_pairs(k);	/* a pair that stopped by itself must not be dialled */
}
