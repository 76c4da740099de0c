/* SPDX-License-Identifier: ISC */
/** @file state.h  What the files of the media engine share */
#ifndef MEDIA_STATE_H
#define MEDIA_STATE_H

#include <sys/epoll.h>
#include "base/window.h"
#include "media/engine.h"
#include "media/rtpstat.h"
#include "proto/voice.h"

#define GRO_BYTES 65536		/* one receive of a voice port */
#define RUN_BYTES 65536		/* datagrams gathered for one send */
#define RUN_SEGMENTS 64		/* the kernel's UDP_MAX_SEGMENTS */
#define EVENTS_MAX 512
#define PLAY_US 20000
#define PLAY_OCTETS 160
#define CLOCK_HZ 8000
#define SLOT_US 100000		/* housekeeping: RTCP, probes, pace */
#define RTCP_SLOTS 50		/* an end reports every fiftieth slot: 5 s */

/* Room that sending uses around a payload */
#define ROOM_BEFORE RTP_FIXED_BYTES
#define ROOM_AFTER RTPSEC_TAIL_MAX

enum leg_kind { LEG_NONE, LEG_STATION, LEG_TRUNK };

/* One frame on its way through.  ROOM_BEFORE octets before the payload are
   free to be written. */
struct frame {
	uint8_t *payload;
	size_t n;
	bool room_after;	/* and ROOM_AFTER octets behind it */
	bool marker;
	uint8_t pt;
	uint16_t source;	/* whose numbers these are */
	uint16_t seq;
	uint32_t ts;
};

#define SOURCE_NONE 0xffff
#define SOURCE_PLAY 0x100	/* above the other side's 0..255 */
#define SOURCE_LOOP 0x200	/* its own 0..255, coming back */

/* The stream to a station */
struct outgoing {
	uint32_t ssrc;
	uint16_t source;
	bool any;
	uint16_t seq_off, seq;	/* offset of the source; highest sent */
	uint32_t ts_off, ts;
	uint64_t us;		/* when */
	uint64_t packets, octets, failed;
};

/* In the order of use: what every packet touches stands together */
struct leg {
	uint32_t index;		/* in engine's legs: call * 2 + side */
	uint8_t kind;		/* enum leg_kind */
	uint8_t flags;
	uint8_t source;		/* station: counts its SSRCs; trunk: newest */
	uint8_t digit_pt;
	uint32_t clock_hz;
	int fd, rtcp_fd;	/* station; -1: none; rtcp_fd == fd: mux */
	uint32_t ssrc;		/* of the station's stream */
	bool ssrc_known;	/* or, of a trunk, the source */
	bool connected;
	uint8_t maps;		/* of conf */
	struct rtpsec *in, *out;
	const uint8_t *play;	/* what is played into it; NULL: nothing */
	uint64_t last_us;
	struct rtpstat stat;
	struct outgoing to;

	/* trunk */
	struct window seen;
	uint64_t seen_bits[WINDOW_WORDS(VOICE_DOUBLES)];
	uint64_t first_in, frames_in, doubles;
	uint64_t paths;
	uint64_t frames_out, octets_out;
	uint32_t pair;
	uint16_t number;
	uint16_t next_out;	/* frame number */
	uint16_t source_in;	/* whose frames were sent last */
	uint8_t source_out;	/* and their number on the trunk */

	/* now and then */
	bool set;		/* by engine_station_set() */
	bool latching;
	bool digit_any;
	uint32_t digit_ts;
	uint64_t refused;
	struct engine_station conf;
	uint32_t lsr;		/* its last SR, and when it came */
	uint64_t lsr_us;
	bool far_known, voip_known;
	struct rtcp_report far;
	uint32_t rtt_us;
	struct rtcp_voip voip;

	size_t play_n, play_at;
	bool play_loop;
	uint8_t play_pt;
	uint16_t play_source;
	uint16_t play_seq;
	uint32_t play_ts;
	uint64_t play_us;	/* when the next packet is due */
	uint32_t play_slot;	/* in engine's playing */
};

struct call {
	uint16_t generation;	/* of the number; never 0 */
	bool used;
};

struct port {
	bool used;
	bool connected;
	bool gso, gro;
	int fd;
	uint32_t pair;
	struct bundle_tx *tx;	/* NULL: nothing is sent yet */
	struct bundle_rx *rx;
	/* [RUN_BYTES]: run_at.. sealed datagrams of one length, bundle_at..
	   one that is being filled */
	uint8_t *run;
	size_t run_at, bundle_at;
	size_t fill;		/* octets of frames in the one being filled */
	unsigned segments;
	size_t segment;		/* their length */
	uint64_t sent_us;
	uint32_t overflow_last;
	struct engine_path_stats stats;
};

struct engine {
	struct engine_conf conf;
	char cname[64];
	int outer, inner, timer;	/* outer has inner while not busy */
	bool busy;
	uint64_t now_us;
	uint64_t timer_us;		/* period the timer has */
	uint64_t slot_us;		/* next housekeeping */
	uint64_t pace_us;		/* start of the pace's measure */
	uint32_t handled;		/* packets since */
	unsigned slot;
	uint16_t port_next;
	uint32_t calls_used;
	struct call *calls;		/* [calls_max] */
	struct leg *legs;		/* [2 * calls_max] */
	uint32_t *free_calls;		/* [calls_max], free_count of them */
	uint32_t free_count;
	uint32_t *playing;		/* [2 * calls_max] indices of legs */
	uint32_t plays;
	uint32_t *numbers[PAIRS_MAX];	/* [65536] leg index + 1; NULL: none */
	unsigned ports_top;		/* none is used from here on */
	struct port ports[MEDIA_PATHS_MAX];
	struct epoll_event events[EVENTS_MAX];
	struct buf report;		/* RTCP being written */
	uint8_t *gro;			/* [GRO_BYTES] */
	uint8_t packet[ROOM_BEFORE + MEDIA_PACKET_BYTES_MAX + ROOM_AFTER];
	uint8_t sealing[ROOM_BEFORE + MEDIA_PACKET_BYTES_MAX + ROOM_AFTER];
};

/* What an epoll event is about: kind in the high half, index in the low */
enum event_kind { EVENT_RTP, EVENT_RTCP, EVENT_PORT };

/** Watch an fd with the inner epoll. */
int engine_watch(struct engine *e, int fd, enum event_kind kind, uint32_t index)
	__attribute__((warn_unused_result));
/** The leg of a call and side; NULL: the number is stale. */
struct leg *engine_leg(const struct engine *e, uint32_t call, unsigned side);
/** The call's number, for handlers. */
uint32_t engine_call_number(const struct engine *e, const struct leg *l);
/** A frame came from this leg: count it, give it to the other side. */
void engine_relay(struct engine *e, struct leg *from, struct frame *f);
/** Send a frame to an end, whatever it is. */
void engine_send(struct engine *e, struct leg *to, struct frame *f);
/** Let the timer run as fast as there is need for. */
void engine_tick(struct engine *e);

/* ---- station.c ---- */

/** Something is at the RTP / RTCP socket. */
void station_rtp_in(struct engine *e, struct leg *l);
void station_rtcp_in(struct engine *e, struct leg *l);
/** Send a frame to the station. */
void station_send(struct engine *e, struct leg *l, struct frame *f);
/** Close sockets, free keys. */
void station_close(struct leg *l);
/** Send an RTCP compound of n octets in e->sealing at ROOM_BEFORE. */
void station_send_rtcp(struct engine *e, struct leg *l, size_t n);

/* ---- report.c ---- */

/** An RTCP compound came, opened and not checked yet. */
void report_in(struct engine *e, struct leg *l, const uint8_t *p, size_t n);
/** Report to the station: SR or RR, and CNAME. */
void report_out(struct engine *e, struct leg *l);

/* ---- port.c ---- */

/** Something is at the voice port. */
void port_in(struct engine *e, struct port *p);
/** Put a frame into the datagram being filled. */
void port_put(struct engine *e, struct port *p, const struct voice_frame *f);
/** Send all that is put. */
void port_flush(struct engine *e, struct port *p);
/** Send a probe if nothing was sent for a second. */
void port_probe(struct engine *e, struct port *p);
/** Close it, free all. */
void port_close(struct port *p);

/* ---- play.c ---- */

/** Send what is due of all that is played. */
void play_due(struct engine *e);
/** Play no more into this leg. */
void play_stop(struct engine *e, struct leg *l);

#endif
