/* SPDX-License-Identifier: ISC */
/** @file keeper.c  Start, the loop, a turn and what happens when it is void */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "keeper/keeper.h"
#include "keeper/place.h"
#include "keeper/state.h"

enum { AT_MONITOR, AT_TRUNK, AT_CONSOLE, ENDS };

#define REST_MS_MAX 1000
#define HEAP_KEPT_BYTES (32 << 20)

#define SAFE "everything that was answered before"

/* ---- clock ---- */

static int64_t clock_ms(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

uint64_t clock_mono_ms(void)
{
	return (uint64_t)clock_ms(CLOCK_MONOTONIC);
}

static void clock_read(struct keeper *k)
{
	k->now.mono_ms = clock_mono_ms();
	k->now.wall_ms = clock_ms(CLOCK_REALTIME);
}

bool pair_view_by(struct keeper *k, const char *peer, struct pair_view *v)
{
	return core_pair_get(k->core, core_pair_find(k->core, peer), v);
}

/* ---- core from the store ---- */

static int on_signed(const struct db_note *n, void *arg)
{
	struct core_marker *m = arg;

	m->size = n->size;
	memcpy(m->root, n->root, DIGEST_BYTES);
	return 0;
}

/* A crash between commit and marker leaves the marker behind.  Nothing of what
   it lacks has left; before anything does, it catches up. */
static int marker_catch_up(struct keeper *k)
{
	const struct db *db = store_db(k->store);
	struct pair_view v;
	int err = 0;

	for (uint32_t i = 0; i < PAIRS_MAX && !err && k->marker; i++) {
		struct core_marker in_store = {.size = 0}, known = {.size = 0};

		if (!core_pair_get(k->core, i, &v) || v.state != PAIR_LIVE)
			continue;
		err = db->note_find(db->arg, feed_id(i, FEED_OWN), NOTE_SIGNED,
				    UINT64_MAX, UINT64_MAX, on_signed,
				    &in_store);
		if (err == ENOENT)
			err = 0;
		(void)marker_get(v.names->own_origin, &known, k->marker);
		if (err || in_store.size <= known.size)
			continue;
		(void)!str_copy(str_of(v.names->own_origin), in_store.origin,
				sizeof(in_store.origin));
		err = marker_put(k->marker, &in_store);
	}
	return err;
}

static int core_build(struct keeper *k)
{
	struct core_conf cc = {.name = k->conf->name,
			       .log = k->keys.log,
			       .cosigner = k->keys.cosigner,
			       .trunk = k->keys.trunk,
			       .addresses = k->conf->addresses,
			       .quota_bytes = k->conf->quota_bytes,
			       .marker_h = k->marker ? marker_get : NULL,
			       .marker_arg = k->marker};
	int err;

	memcpy(cc.next, k->keys.next, DIGEST_BYTES);
	memcpy(cc.address, k->conf->address, sizeof(cc.address));
	if (getrandom(cc.seed, sizeof(cc.seed), 0) != (ssize_t)sizeof(cc.seed))
		return EIO;
	err = core_alloc(&k->core, &cc, store_db(k->store), k->now);
	explicit_bzero(cc.seed, sizeof(cc.seed));
	return err ? err : marker_catch_up(k);
}

static void core_again(struct keeper *k)
{
	int err;

	k->core = core_free(k->core);
	err = core_build(k);
	if (!err) {
		line_paths_again(k);
		return;
	}
	log_error("core.not-built", "err=%s why=%s kept=%s do=%s",
		  strerror(err), store_why(k->store), SAFE,
		  "check the disk of the state directory");
	k->fatal = 1;	/* the monitor starts us again, ever more slowly */
}

/* ---- void turns ---- */

static void rest(struct keeper *k, int err)
{
	if (k->now.mono_ms - k->well_since_ms >= HEALTHY_MS || !k->sick_rest_ms)
		k->sick_rest_ms = SICK_MS;
	else if (k->sick_rest_ms < SICK_MS_MAX)
		k->sick_rest_ms *= 2;
	k->sick = err;
	k->sick_until_ms = k->now.mono_ms + k->sick_rest_ms;
	k->well_since_ms = k->now.mono_ms;
}

/*
 * Nothing of this turn has left, and none of it is kept (unless only the marker
 * failed: kept).  Core may hold what the store does not: a new one is built.
 * The sessions end, since core may have taken frames of this turn as received;
 * they resume from the heads that are durable.
 */
static void turn_void(struct keeper *k, int err, bool kept)
{
	rest(k, err);
	log_error("turn.void", "err=%s why=%s kept=%s do=%s rest_ms=%llu",
		  strerror(err), kept ? "marker" : store_why(k->store), SAFE,
		  err == ENOSPC ? "make room" : "check the disk",
		  (unsigned long long)k->sick_rest_ms);
	store_rollback(k->store);
	asked_void(k, err, kept);
	link_close_all(k, "cannot write its record just now");
	core_again(k);
	k->pairs_due = k->news_due = true;
}

static int store_again(struct keeper *k)
{
	const char *why = "";
	int err;

	import_again(k);
	k->core = core_free(k->core);
	k->store = store_close(k->store);
	err = store_open(&k->store, k->conf->state, &why);
	if (err) {
		log_error("store.not-opened", "err=%s why=%s kept=%s",
			  strerror(err), why, SAFE);
		k->fatal = 1;
	}
	return err;
}

/* Does the disk take a write again? */
static int probe(struct keeper *k)
{
	const struct db *db = store_db(k->store);
	const int err =
		db->meta_put(db->arg, "probe", (const uint8_t *)&k->now.wall_ms,
			     sizeof(k->now.wall_ms));

	if (err) {
		store_rollback(k->store);
		return err;
	}
	return store_commit(k->store);
}

static void recover(struct keeper *k)
{
	int err;

	if (!k->sick || k->now.mono_ms < k->sick_until_ms)
		return;
	if (k->sick == EIO && store_again(k))
		return;
	err = probe(k);
	if (!err && k->marker)
		err = marker_flush(k->marker);
	if (err) {
		rest(k, err);
		if (!k->core)
			core_again(k);
		return;
	}
	log_info("turn.resumed", "after=%s", strerror(k->sick));
	k->sick = 0;
	k->well_since_ms = k->now.mono_ms;
	core_again(k);
}

/* ---- taking messages ---- */

static void trunk_broken(struct keeper *k, int err, const char *what)
{
	if (err != EPIPE)
		boot_complain(k->boot, ROLE_TRUNK, what);
	else
		log_warn("trunk.gone", NULL);
	k->trunk_gone = true;
}

static void console_broken(struct keeper *k, int err, const char *what)
{
	if (err != EPIPE)
		boot_complain(k->boot, ROLE_CONSOLE, what);
	else
		log_warn("console.gone", NULL);
	k->console_gone = true;
}

/* The descriptor table was full: the message is lost, the pair is not */
static bool passing(int err)
{
	return err == EMFILE;
}

/* 0; errno of core: the turn is void */
static int trunk_take(struct keeper *k)
{
	const uint64_t until = clock_mono_ms() + TAKE_MS_MAX;
	struct wire_msg m;
	int err;

	for (int i = 0; i < TURN_MSGS_MAX / 2; i++) {
		struct wire_end *w = k->boot->peer[ROLE_TRUNK];

		if (!w || k->trunk_gone || clock_mono_ms() > until)
			return 0;
		err = wire_receive(w, &m);
		if (err == EAGAIN)
			return 0;
		if (passing(err))
			continue;
		if (err) {
			trunk_broken(k, err, "a message that may not be");
			return 0;
		}
		err = link_message(k, &m);
		if (err == EPROTO)
			trunk_broken(k, err, wire_name(m.type));
		else if (err)
			return err;
	}
	return 0;
}

static int console_take(struct keeper *k)
{
	const uint64_t until = clock_mono_ms() + TAKE_MS_MAX;
	struct wire_msg m;
	int err;

	for (int i = 0; i < TURN_MSGS_MAX / 2; i++) {
		struct wire_end *w = k->boot->peer[ROLE_CONSOLE];

		if (!w || k->console_gone || k->questions == QUESTIONS_MAX ||
		    clock_mono_ms() > until)
			return 0;
		err = wire_receive(w, &m);
		if (err == EAGAIN)
			return 0;
		if (passing(err))
			continue;
		if (err) {
			console_broken(k, err, "a message that may not be");
			return 0;
		}
		err = asked_message(k, &m);
		if (err == EPROTO)
			console_broken(k, err, wire_name(m.type));
		else if (err)
			return err;
	}
	return 0;
}

static void monitor_take(struct keeper *k, short revents)
{
	enum role changed = ROLE_ANY;
	int err = 0;

	if (revents & POLLOUT)
		err = wire_flush(k->boot->monitor);
	if (!err && revents & ~POLLOUT)
		err = boot_monitor_read(k->boot, &changed);
	if (err) {
		k->stop = true;
		k->fatal = err == ESHUTDOWN ? k->fatal : 1;
		return;
	}
	/* numbers of the old pair mean nothing on the new one */
	if (changed == ROLE_TRUNK)
		k->trunk_gone = k->pairs_due = true;
	if (changed == ROLE_CONSOLE)
		k->console_gone = true;
}

/* Their ends go with them; a new one that is here already stays */
static int gone_take(struct keeper *k, bool new_trunk, bool new_console)
{
	int err = 0;

	if (k->trunk_gone) {
		if (!new_trunk)
			k->boot->peer[ROLE_TRUNK] =
				wire_end_free(k->boot->peer[ROLE_TRUNK]);
		err = link_gone(k);
		k->trunk_gone = false;
	}
	if (k->console_gone) {
		if (!new_console)
			k->boot->peer[ROLE_CONSOLE] =
				wire_end_free(k->boot->peer[ROLE_CONSOLE]);
		asked_forget_all(k);
		k->console_gone = false;
	}
	return err;
}

/* ---- one turn ---- */

static void on_action(const struct action *a, void *arg)
{
	struct keeper *k = arg;

	if (a->kind == ACTION_ANSWER)
		asked_answer(k, a);
	else
		link_action(k, a);
}

/* What was signed, outside the store too */
static int marker_write(struct keeper *k)
{
	struct core_marker m;
	int err = 0;

	if (!k->marker)
		return 0;
	for (uint32_t i = 0; i < PAIRS_MAX && !err; i++) {
		if (core_marker_get(k->core, i, &m))
			err = marker_put(k->marker, &m);
	}
	return err ? err : marker_flush(k->marker);
}

/* The end of a turn: durable first, then out */
static void turn_end(struct keeper *k, int err)
{
	bool kept = false;

	if (k->sick && !err)
		return;		/* nothing was written; timers wait */
	if (!err)
		err = core_tick(k->core, k->now);
	if (!err)
		err = core_turn_end(k->core, k->now);
	if (!err)
		err = store_commit(k->store);
	if (!err) {
		err = marker_write(k);
		kept = err != 0;
	}
	if (err) {
		turn_void(k, err, kept);
		return;
	}
	core_actions(k->core, on_action, k);
	asked_commit(k);
}

static void after_turn(struct keeper *k)
{
	if (k->fatal)
		return;
	if (k->pairs_due)
		link_pairs(k);
	k->pairs_due = false;
	if (k->ping_due)
		link_turn(k);
	k->ping_due = false;
	asked_questions(k);
	dossier_step(k);
	alarm_tick(k);
	news_tick(k);
}

static short events_of(const struct wire_end *w)
{
	return wire_waiting(w) ? POLLIN | POLLOUT : POLLIN;
}

static void poll_fill(const struct keeper *k, struct pollfd p[ENDS])
{
	const struct wire_end *end[ENDS] = {k->boot->monitor,
					    k->boot->peer[ROLE_TRUNK],
					    k->boot->peer[ROLE_CONSOLE]};

	for (int i = 0; i < ENDS; i++) {
		p[i] = (struct pollfd){-1, 0, 0};
		if (end[i])
			p[i] = (struct pollfd){wire_end_fd(end[i]),
					       events_of(end[i]), 0};
	}
	/* no room for more questions before some were answered */
	if (k->questions == QUESTIONS_MAX)
		p[AT_CONSOLE].events &= (short)~POLLIN;
}

static bool questions_can(const struct keeper *k)
{
	const struct wire_end *w = k->boot->peer[ROLE_CONSOLE];

	return k->questions && w && wire_waiting_bytes(w) <= CONSOLE_HIGH_BYTES;
}

static int wait_ms(const struct keeper *k)
{
	uint64_t at = core_deadline_ms(k->core);

	if (k->sick)
		at = k->sick_until_ms;
	if (k->exports || (k->imports && !k->sick) || questions_can(k))
		return 0;
	if (k->news_due && k->news_at_ms < at)
		at = k->news_at_ms;
	if (at <= k->now.mono_ms)
		return 0;
	/* lines go by the wall clock, which somebody may set meanwhile */
	at -= k->now.mono_ms;
	return at < REST_MS_MAX ? (int)at : REST_MS_MAX;
}

static void flush_end(struct keeper *k, enum role r, short revents)
{
	if (!k->boot->peer[r] || !(revents & POLLOUT) ||
	    !wire_flush(k->boot->peer[r]))
		return;
	if (r == ROLE_TRUNK)
		k->trunk_gone = true;
	else
		k->console_gone = true;
}

static void turn(struct keeper *k)
{
	struct pollfd p[ENDS];
	bool new_trunk, new_console;
	int n, err;

	poll_fill(k, p);
	n = poll(p, ENDS, wait_ms(k));
	clock_read(k);
	if (n < 0)
		return;
	flush_end(k, ROLE_TRUNK, p[AT_TRUNK].revents);
	flush_end(k, ROLE_CONSOLE, p[AT_CONSOLE].revents);
	err = gone_take(k, false, false);
	if (p[AT_MONITOR].revents)
		monitor_take(k, p[AT_MONITOR].revents);
	new_trunk = k->trunk_gone;
	new_console = k->console_gone;
	if (!err)
		err = gone_take(k, new_trunk, new_console);
	recover(k);
	if (k->fatal)
		return;
	if (!err && (p[AT_TRUNK].revents & ~POLLOUT || new_trunk))
		err = trunk_take(k);
	if (!err && (p[AT_CONSOLE].revents & ~POLLOUT || new_console))
		err = console_take(k);
	if (!err)
		err = import_step(k);
	if (n || k->imports || core_deadline_ms(k->core) <= k->now.mono_ms)
		k->news_due = true;
	turn_end(k, err);
	after_turn(k);
	k->turn++;
}

/* ---- start and stop ---- */

static void dir_of(const char *path, char out[CONFIG_PATH_CHARS])
{
	const char *slash = strrchr(path, '/');
	const size_t n = slash && slash != path ? (size_t)(slash - path) : 1;

	memcpy(out, slash ? path : ".", n);
	out[n] = '\0';
}

static int marker_start(struct keeper *k)
{
	const char *path = k->conf->marker, *why = "";
	enum marker_found found = MARKER_NEW;
	int err;

	if (!path[0]) {
		log_warn("marker.none", "do=%s",
			 "name a file on another disk, so that a rolled back "
			 "store cannot sign twice");
		return 0;
	}
	err = marker_open(&k->marker, path, &found, &why);
	if (err)
		log_error("marker.not-opened", "file=%s err=%s why=%s kept=%s",
			  path, strerror(err), why, "the record");
	else if (found == MARKER_DAMAGED)
		log_error("marker.damaged", "file=%s kept=%s do=%s", path,
			  "the record; nothing is signed by it until the other "
			  "side has confirmed it",
			  "bring the line up, or vouch for this store");
	return err;
}

static int open_all(struct keeper *k)
{
	const char *why = "";
	int err = store_open(&k->store, k->conf->state, &why);

	if (err) {
		log_error("store.not-opened", "dir=%s err=%s why=%s kept=%s",
			  k->conf->state, strerror(err), why, "the record");
		return err;
	}
	err = marker_start(k);
	if (err)
		return err;
	err = core_build(k);
	if (err)
		log_error("core.not-built", "err=%s why=%s kept=%s do=%s",
			  strerror(err),
			  err == EBADMSG ? "the store was written with other "
					   "keys, or is damaged"
					 : store_why(k->store),
			  "the record",
			  "put back keys and state that belong together");
	return err;
}

/* Walls first: the store is made and opened as the user that keeps it */
static int enter(struct keeper *k)
{
	const char *why;
	int err;

	const struct config_user *u = &k->conf->user[CONFIG_KEEPER];
	char marker_dir[CONFIG_PATH_CHARS];
	const char *dirs[2] = {k->conf->state, marker_dir};

	err = place_make(k->conf->state, k->conf->marker, u->uid, u->gid, &why);
	if (err) {
		log_error("state.no-place", "err=%s why=%s state=%s marker=%s",
			  strerror(err), why, k->conf->state, k->conf->marker);
		return err;
	}
	dir_of(k->conf->marker, marker_dir);
	/* before: it would open a file to seed itself */
	json_object_seed(0);
	k->walls = sandbox_enter(ROLE_KEEPER, u->uid, u->gid, dirs,
				 k->conf->marker[0] ? 2 : 1);
	return 0;
}

static void keeper_free(struct keeper *k)
{
	if (k->core)
		asked_forget_all(k);
	k->core = core_free(k->core);
	k->store = store_close(k->store);
	k->marker = marker_close(k->marker);
	keys_free(&k->keys);
	free(k);
}

int keeper_main(struct boot *b, const struct config *conf)
{
	struct keeper *k = calloc(1, sizeof(*k));
	char why[KEYS_WHY_CHARS];
	int status;

	if (!k)
		return 1;
	(void)signal(SIGPIPE, SIG_IGN);
	/* batches are as large in every turn: asking the kernel for their
	   pages anew cost a fifth of the time of a busy keeper */
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_KEPT_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
	k->boot = b;
	k->conf = conf;
	if (keys_load(conf->keys, &k->keys, why)) {
		log_error("keys.not-loaded", "why=%s", why);
		keeper_free(k);
		return 1;
	}
	if (k->keys.next_online)
		log_warn("keys.next-online", "dir=%s do=%s", conf->keys,
			 "move next.key to offline media");
	clock_read(k);
	k->well_since_ms = k->now.mono_ms;
	k->pairs_due = k->news_due = true;
	if (enter(k) || open_all(k)) {
		keeper_free(k);
		return 1;
	}
	boot_ready(b, k->walls);
	while (!k->stop && !k->fatal)
		turn(k);
	status = k->fatal;
	keeper_free(k);
	return status;
}
