/* SPDX-License-Identifier: ISC */
/** @file status.c  How the exchange, its pairs and their paths are */
#include <string.h>
#include "core/path.h"
#include "keeper/state.h"

const char *status_pair_name(enum pair_state s)
{
	static const char *const names[] = {[PAIR_WAITING] = "waiting",
					    [PAIR_LIVE] = "live",
					    [PAIR_RESTORING] = "restoring",
					    [PAIR_STOPPED] = "stopped",
					    [PAIR_REVOKED] = "revoked"};

	return names[s];
}

static const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {[VERDICT_TRUSTED] = "trusted",
					    [VERDICT_SUSPECTED] = "suspected",
					    [VERDICT_EXPOSED] = "exposed"};

	return names[v];
}

/* What words the trunk sends is its own affair; JSON is UTF-8 */
static json_t *words(const char *s)
{
	return json_string(utf8_ok(s, strlen(s), false) ? s : "");
}

static json_t *measured(uint32_t us)
{
	return us ? json_integer(us) : json_null();
}

static json_t *path_make(unsigned number, const struct link_path *p)
{
	const char *state = p->state == PATH_UP        ? "up"
			    : p->state == PATH_SUSPECT ? "suspect"
						       : "down";

	return json_pack("{s:i,s:s,s:o,s:o,s:o,s:I,s:I,s:I,s:o}", "path",
			 (int)number, "state", state, "rtt_us",
			 measured(p->rtt_us), "rttvar_us",
			 measured(p->rttvar_us), "remote", words(p->remote),
			 "bytes_in", (json_int_t)p->bytes_in, "bytes_out",
			 (json_int_t)p->bytes_out, "retransmits",
			 (json_int_t)p->retransmits, "why", words(p->why));
}

static json_t *paths_make(const struct link *l)
{
	json_t *to = json_array();

	for (unsigned i = 0; to && i < PATHS_MAX; i++) {
		if (l->path[i].known &&
		    json_array_append_new(to, path_make(i, &l->path[i]))) {
			json_decref(to);
			to = NULL;
		}
	}
	return to;
}

static json_t *stamp_or_null(int64_t ms)
{
	return ms > 0 ? reply_stamp(ms) : json_null();
}

static int words_add(json_t *pair, const struct pair_view *v)
{
	struct buf b;
	int err;

	buf_init(&b, 400);
	for (int i = 0; i < WORDS; i++)
		buf_printf(&b, "%s%s", i ? " " : "",
			   card_word(v->names->word[i]));
	err = b.err || json_object_set_new(
			       pair, "words",
			       reply_str((struct str){(const char *)b.p, b.n}));
	buf_free(&b);
	return err;
}

static json_t *pair_make(struct keeper *k, const struct pair_view *v)
{
	const struct told *t = &k->news[v->pair];
	const enum trunk_state trunk = trunk_state(k, v);
	const int64_t since =
		t->known && t->trunk == trunk ? t->trunk_since_ms : 0;
	char root[2 * DIGEST_BYTES + 1];
	json_t *pair;

	hex_encode(v->joint_root, DIGEST_BYTES, root);
	pair = json_pack(
		"{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:b,s:o,"
		"s:{s:I,s:I,s:I},s:{s:I,s:I,s:I},s:{s:I,s:s,s:I},"
		"s:I,s:o,s:o,s:I}",
		"peer", v->card->name, "state", status_pair_name(v->state),
		"why", v->state_why, "verdict", verdict_name(v->verdict),
		"verdict_why", v->verdict_why, "trunk", trunk_state_name(trunk),
		"since", stamp_or_null(since), "session", v->session, "paths",
		paths_make(&k->link[v->pair]), "own", "size",
		(json_int_t)v->own_size, "acked", (json_int_t)v->own_acked,
		"sent", (json_int_t)v->own_sent, "other", "size",
		(json_int_t)v->peer_size, "cosigned",
		(json_int_t)v->peer_cosigned, "announced",
		(json_int_t)v->peer_announced, "joint", "size",
		(json_int_t)v->joint_size, "root", root, "signed",
		(json_int_t)v->joint_signed, "wants", (json_int_t)v->wants,
		"offset_ms",
		v->session_since_ms ? json_integer(v->offset_ms) : json_null(),
		"last_proof", stamp_or_null(v->last_proof_ms), "unacknowledged",
		(json_int_t)(v->own_size > v->own_acked
				     ? v->own_size - v->own_acked
				     : 0));
	if (pair && v->state == PAIR_WAITING && words_add(pair, v)) {
		json_decref(pair);
		return NULL;
	}
	return pair;
}

static json_t *pairs_make(struct keeper *k)
{
	json_t *to = json_array();
	struct pair_view v;

	for (uint32_t i = 0; to && i < PAIRS_MAX; i++) {
		if (core_pair_get(k->core, i, &v) &&
		    json_array_append_new(to, pair_make(k, &v))) {
			json_decref(to);
			to = NULL;
		}
	}
	return to;
}

/* Ours by core's names, the trunk's with `trunk-` before them */
static json_t *counters_make(struct keeper *k)
{
	json_t *to = json_object();
	struct str in = str_of(k->counts), line;
	char name[80] = "trunk-";

	for (int i = 0; to && i < COUNTERS; i++)
		(void)json_object_set_new(to,
					  core_counter_name((enum counter)i),
					  json_integer((json_int_t)core_counter(
						  k->core, (enum counter)i)));
	while (to && str_line(&in, &line)) {
		const struct str word = str_cut(&line, ' ');
		uint64_t n;

		if (!str_copy(word, name + 6, sizeof(name) - 6) &&
		    !uint_parse(line, &n))
			(void)json_object_set_new(to, name,
						  json_integer((json_int_t)n));
	}
	return to;
}

void status_show(struct keeper *k, const struct question *q)
{
	reply_json(k, q->req, 200,
		   json_pack("{s:s,s:s,s:o,s:{s:s},s:o,s:o}", "name",
			     k->conf->name, "version", RINGDOWN_VERSION, "time",
			     reply_stamp(k->now.wall_ms), "sandbox", "keeper",
			     k->walls, "pairs", pairs_make(k), "counters",
			     counters_make(k)));
}
