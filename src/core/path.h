/* SPDX-License-Identifier: ISC */
/**
 * @file path.h  Is this path alive?  A pure state machine over beats
 *
 * One of these for each path of a trunk (docs/protocol.md 5).  No clock and
 * no socket in here: the owner passes the time in, does what path_tick() says,
 * and reports what came of it.
 *
 *           +----------- lost ----------+-------------+--------+
 *           v                           |             |        |
 *   DOWN --dial--> CONNECTING --TLS--> HANDSHAKE --joined--> UP <-> SUSPECT
 *
 * Losing a path is quick (1 s without an octet), calling it good again is slow
 * (3 beats in a row), so that a bad network does not make it flap.
 */
#ifndef CORE_PATH_H
#define CORE_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include "proto/frame.h"

#define BEAT_MS 250		/* both ends send one this often */
#define BEAT_LATE_MS 800	/* none for so long, three missed: suspect */
#define BEATS_GOOD 3		/* in a row, then no longer suspect */
#define PATH_SILENT_MS 950	/* no octet for so long: down, within 1 s */
#define PATH_OPEN_MS_MAX STRANGER_MS_MAX /* to connect and join; then down */
#define PATH_STEADY_MS 5000	/* up for so long: the next loss redials at once */
#define PATH_RETRY_MS 250	/* first wait; doubles */
#define PATH_RETRY_MS_MAX 2000	/* while up less than PATH_PATIENT_MS ago */
#define PATH_PATIENT_MS 60000
#define PATH_REST_MS_MAX 15000	/* longest wait ever */
#define KEEPER_AGE_MS_MAX 5000	/* their keeper is silent: suspect */

enum path_state {
	PATH_DOWN = 0,
	PATH_CONNECTING = 1,
	PATH_HANDSHAKE = 2,	/* TCP is there; TLS and HELLO are not */
	PATH_UP = 3,
	PATH_SUSPECT = 4,	/* joined, used last */
	PATH_STATES = 5
};

/** "down", "connecting", "handshake", "up", "suspect"; else "unknown". */
const char *path_state_name(enum path_state s);

/** Read freely; written by the functions below only. */
struct path {
	enum path_state state;
	bool greeted;		/* our HELLO is on its way */
	bool dials;		/* ours to dial again when down */
	const char *why;	/* of suspect or silence: a constant; or "" */
	uint64_t since_ms;	/* of the state */
	uint64_t heard_ms;	/* last octet of the peer */
	uint64_t up_ms;		/* start of the last or present time up */
	uint64_t lost_ms;	/* end of the last time up, or of path_init() */
	uint64_t retry_ms;	/* DOWN: dial then */
	unsigned failures;	/* dials since it was last up and steady */

	uint64_t beat_in_ms;	/* last beat of the peer */
	uint64_t beat_out_ms;	/* next beat to send */
	uint64_t peer_stamp_us;	/* newest of the peer's, and when it came */
	uint64_t peer_stamp_at_us;
	uint64_t echo_us;	/* newest of ours that came back */
	uint64_t sent_us;	/* newest of ours */
	unsigned good;		/* beats in a row while suspect */
	bool keeper_hangs;	/* said by the peer's last beat */
	uint32_t rtt_us;	/* smoothed (RFC 6298); 0: not measured yet */
	uint32_t rttvar_us;
};

/** What path_tick() asks for: a set. */
enum path_want {
	PATH_WANT_DIAL = 1,	/* dial; then path_dialled() or path_lost() */
	PATH_WANT_BEAT = 2,	/* send path_beat_out(); said once */
	PATH_WANT_CUT = 4	/* close the connection; then path_lost() */
};

/** DOWN.  A path that dials does so at once. */
void path_init(struct path *p, bool dials, uint64_t now_ms);
/** connect() is under way. */
void path_dialled(struct path *p, uint64_t now_ms);
/** TCP is there: connected or accepted.  Starts the time for TLS and HELLO
 *  of an accepted path; that of a dialled one began with path_dialled(). */
void path_connected(struct path *p, uint64_t now_ms);
/** Our HELLO is on its way: from now on beats go out. */
void path_greeted(struct path *p, uint64_t now_ms);
/** The peer's HELLO is good. */
void path_joined(struct path *p, uint64_t now_ms);
/** Octets came from the peer, of any kind. */
void path_heard(struct path *p, uint64_t now_ms);
/** We did not read: the silence so far is our own and does not count. */
void path_held(struct path *p, uint64_t now_ms);
/** A beat came.  now_us: the clock that path_beat_out() is given. */
void path_beat_in(struct path *p, uint64_t now_ms, uint64_t now_us,
		  const struct beat *b);
/** Fill in the beat to send now; turn and turn_age_ms are the caller's. */
void path_beat_out(struct path *p, uint64_t now_us, struct beat *b);
/**
 * The connection is gone, or was never made.
 *
 * @param random any 32 bits: spreads the redials of many paths
 */
void path_lost(struct path *p, uint64_t now_ms, uint32_t random);
/** Timers.  A set of path_want; harmless when nothing is due. */
unsigned path_tick(struct path *p, uint64_t now_ms);
/** When path_tick() is next to be called; UINT64_MAX: never. */
uint64_t path_deadline_ms(const struct path *p);

#endif
