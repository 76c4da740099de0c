/* SPDX-License-Identifier: ISC */
/**
 * @file engine.h  The media engine: sound from stations to trunk and back
 *
 * A call has two ends, sides 0 and 1.  An end is a station (RTP and RTCP
 * sockets of its own, plain or SRTP) or a trunk (frames in the datagrams of
 * one or more voice ports, docs/voice.md).  What comes in at one side goes out
 * at the other, as RTP, not transcoded.  An end's outgoing stream has one SSRC
 * for its life; sequence and time go on without a gap when its source changes.
 *
 * One thread.  The owner either lets engine_run() loop, or waits in its own
 * loop until engine_fd() is readable, and then calls engine_work().  Up to
 * busy_calls' worth of traffic each packet is handled when it comes; above,
 * everything once a millisecond.  No allocation and no lock for a packet.
 *
 * Calls are named by a number that is not used again soon: a stale one gives
 * ENOENT.  Handlers must not call anything here but engine_stats(), and what
 * they are given is borrowed for the call.
 */
#ifndef MEDIA_ENGINE_H
#define MEDIA_ENGINE_H

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "base/limits.h"
#include "media/bundle.h"
#include "media/rtpsec.h"
#include "proto/rtp.h"

struct engine;

/** A packet or frame that an end gave, opened, before anything is mixed,
 *  muted or translated. */
struct engine_frame {
	uint32_t call;
	uint8_t side;
	bool marker;
	uint8_t pt;		/* as the other side knows it */
	uint16_t seq;
	uint32_t ts;
	const uint8_t *payload;
	size_t n;
	uint64_t now_us;	/* CLOCK_MONOTONIC */
};

/** For recordings: each frame of an end with ENGINE_TAP. */
typedef void(engine_tap_h)(const struct engine_frame *f, void *arg);
/** An RFC 4733 event began at this end: 0-9 digits, 10 *, 11 #, 16 flash. */
typedef void(engine_digit_h)(uint32_t call, uint8_t side, uint8_t code,
			     void *arg);
/** Octets at a station's RTP port that are neither RTP nor RTCP: STUN, DTLS
 *  (RFC 7983).  @p from_n is 0 when it came from where the station is. */
typedef void(engine_other_h)(uint32_t call, uint8_t side, const void *p,
			     size_t n, const struct sockaddr *from,
			     socklen_t from_n, void *arg);
/** What was to be played once is over. */
typedef void(engine_played_h)(uint32_t call, uint8_t side, void *arg);

struct engine_conf {
	uint32_t calls_max;		/* 1..MEDIA_CALLS_MAX */
	uint32_t busy_calls;		/* 0: 100; UINT32_MAX: never tick */
	uint16_t port_min, port_max;	/* of stations: even RTP, odd RTCP */
	const char *cname;		/* in our RTCP; copied; 1..63 octets */
	engine_tap_h *tap;		/* handlers may be NULL */
	engine_digit_h *digit;
	engine_other_h *other;
	engine_played_h *played;
	void *arg;
};

/** *ep is owned, freed by engine_free().  EINVAL, ENOMEM, or what the kernel
 *  says to epoll and timerfd. */
int engine_alloc(struct engine **ep, const struct engine_conf *conf)
	__attribute__((warn_unused_result));
/** Closes all; no handler is called any more.  Copes with NULL; returns NULL. */
void *engine_free(struct engine *e);
/** Readable (level-triggered) when engine_work() has something to do. */
int engine_fd(const struct engine *e);
/** Do what is ready; never blocks, and is bounded by what has arrived. */
void engine_work(struct engine *e);
/** Loop until *stop, which a signal handler or a handler here sets. */
void engine_run(struct engine *e, const volatile sig_atomic_t *stop);

/* ---- paths: voice ports ---- */

struct engine_path {
	uint32_t pair;			/* 0..PAIRS_MAX-1: whose calls */
	int fd;				/* UDP socket, bound to a port by its
					   number; given on success */
	struct sockaddr_storage remote;	/* where to send */
	socklen_t remote_n;		/* 0: where the first authentic datagram
					   comes from */
};

struct engine_path_stats {
	struct bundle_rx_stats rx;
	uint64_t frames_in, frames_out;
	uint64_t strays;	/* authentic frames of calls not known */
	uint64_t overflows;	/* datagrams the kernel had no room for */
	uint64_t sent;		/* datagrams */
	uint64_t send_failed;
	uint64_t sealed;	/* under the present key; see VOICE_REKEY */
	bool gso, gro;		/* what the kernel offers */
};

/**
 * Take over a voice port.  Nothing is sent before there is a key.
 *
 * @param path gets its number, 0..MEDIA_PATHS_MAX-1
 * @return 0; EINVAL, ENOSPC, ENOMEM, or what the kernel says to connect() and
 *         epoll: then the fd is still the caller's
 */
int engine_path_add(struct engine *e, const struct engine_path *conf,
		    unsigned *path) __attribute__((warn_unused_result));
/** The other exchange is elsewhere now; @p remote_n 0: learn where, as at the
 *  start.  Keys and counters go on.  ENOENT, EINVAL, or what the kernel says
 *  to connect(): then all is as it was. */
int engine_path_move(struct engine *e, unsigned path,
		     const struct sockaddr_storage *remote, socklen_t remote_n)
	__attribute__((warn_unused_result));
/** Close it.  Calls that had only this path are mute. */
void engine_path_del(struct engine *e, unsigned path);
/** Seal under this key from now on.  ENOENT, EINVAL, ENOMEM, EIO. */
int engine_path_tx_key(struct engine *e, unsigned path,
		       const struct bundle_key *key)
	__attribute__((warn_unused_result));
/** Open this key too; the one before the newest goes.  ENOENT; EEXIST, EINVAL,
 *  ENOMEM, EIO. */
int engine_path_rx_key(struct engine *e, unsigned path,
		       const struct bundle_key *key)
	__attribute__((warn_unused_result));
/** ENOENT. */
int engine_path_stats(const struct engine *e, unsigned path,
		      struct engine_path_stats *out)
	__attribute__((warn_unused_result));

/* ---- calls ---- */

/** A call with two ends that are nothing yet.  ENOSPC: calls_max. */
int engine_call_add(struct engine *e, uint32_t *call)
	__attribute__((warn_unused_result));
/** Close its sockets, forget it.  A stale number is ignored. */
void engine_call_del(struct engine *e, uint32_t call);

/**
 * Bind a station's sockets at this local address (its port is ignored); they
 * take nothing in before engine_station_set()
 *
 * @param mux  RTCP on the RTP port (RFC 5761)
 * @param port gets the RTP port; RTCP's is one more
 * @return 0; ENOENT; EBUSY this end is something already; EADDRINUSE no pair
 *         of ports is free; or what the kernel says
 */
int engine_station_open(struct engine *e, uint32_t call, unsigned side,
			const struct sockaddr *local, socklen_t local_n,
			bool mux, uint16_t *port)
	__attribute__((warn_unused_result));

/** One direction's SRTP. */
struct engine_crypto {
	enum rtpsec_suite suite;
	uint8_t master[RTPSEC_MASTER_MAX];
	size_t n;	/* 0: plain RTP */
};

struct engine_station {
	/** Where RTP goes to, and alone may come from. */
	struct sockaddr_storage remote;
	/** 0: latch to where the first authentic packet comes from, and no
	 *  other; needs SRTP.  RTCP then comes from one port above. */
	socklen_t remote_n;
	uint16_t remote_rtcp;	/* its port; 0: one more, or the same if mux */
	bool mux;		/* RTCP on the RTP port after all */
	struct engine_crypto in, out;
	uint32_t clock_hz;	/* of the codec; 0: 8000 */
	uint8_t digit_pt;	/* of telephone-event; 0: none */
	unsigned maps;		/* payload types to translate */
	struct {
		uint8_t here, there;	/* at this station; at the other side */
	} map[MEDIA_PT_MAPS_MAX];
};

/** What the answer says; may be called again (re-INVITE).  The same keys as
 *  before go on, with their windows.  ENOENT; EINVAL; EDESTADDRREQ: latching
 *  without SRTP; ENOMEM, EIO, or what the kernel says to connect(): then the
 *  end stays as it was. */
int engine_station_set(struct engine *e, uint32_t call, unsigned side,
		       const struct engine_station *conf)
	__attribute__((warn_unused_result));
/** The RTP socket, borrowed, to send STUN and DTLS from; -1: none. */
int engine_station_fd(const struct engine *e, uint32_t call, unsigned side);

struct engine_trunk {
	uint32_t pair;
	uint16_t number;	/* of the call, 1..65535 */
	uint64_t paths;		/* bit i: path i; several: doubled */
	uint32_t clock_hz;	/* of the codec; 0: 8000 */
};

/** Make this end the trunk, or change its paths.  ENOENT; EINVAL; EEXIST:
 *  another call of the pair has this number; EBUSY: the end is a station, or
 *  another number; ENOMEM. */
int engine_trunk_set(struct engine *e, uint32_t call, unsigned side,
		     const struct engine_trunk *conf)
	__attribute__((warn_unused_result));

enum engine_flag {
	ENGINE_MUTE_IN = 1,	/* nothing from this end goes on */
	ENGINE_MUTE_OUT = 2,	/* nothing goes to it, but what is played */
	ENGINE_HOLD = 3,	/* both */
	ENGINE_LOOP = 4,	/* what it gives goes back to it: checks */
	ENGINE_TAP = 8		/* the tap gets what it gives */
};

/** Set all flags of an end.  ENOENT. */
int engine_flags_set(struct engine *e, uint32_t call, unsigned side,
		     unsigned flags) __attribute__((warn_unused_result));

/** G.711, 20 ms a packet, in place of what the other side gives. */
struct engine_play {
	const uint8_t *p;	/* borrowed until it is over or stopped */
	size_t n;		/* octets, 160 at least; 0: stop playing */
	uint8_t pt;
	bool loop;
};

/** Play into an end.  ENOENT; EINVAL: too short. */
int engine_play(struct engine *e, uint32_t call, unsigned side,
		const struct engine_play *conf)
	__attribute__((warn_unused_result));

/** An end, as seen from here.  When the engine ticks, arrival times and with
 *  them jitter are known to a millisecond. */
struct engine_stats {
	/* received from it */
	uint64_t packets, octets, lost, late;
	uint32_t jitter_us, jitter_max_us;
	uint64_t refused;	/* not RTP, not authentic, replayed */
	uint64_t doubles;	/* trunk: frames that came before */
	uint64_t frames_lost;	/* trunk: lost between the exchanges */
	uint64_t last_us;	/* when it last gave something; 0: never */
	/* sent to it */
	uint64_t sent, sent_octets, send_failed;
	/* what a station reports of what it received */
	bool far_known;
	uint64_t far_lost;
	uint32_t far_jitter_us;
	uint32_t rtt_us;	/* 0: not known */
	bool voip_known;	/* its RTCP XR */
	struct rtcp_voip voip;
};

/** ENOENT. */
int engine_stats(const struct engine *e, uint32_t call, unsigned side,
		 struct engine_stats *out) __attribute__((warn_unused_result));

#endif
