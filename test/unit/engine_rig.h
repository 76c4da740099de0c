/* SPDX-License-Identifier: ISC */
/** @file engine_rig.h  Engines, telephones and paths on loopback, for tests */
#ifndef ENGINE_RIG_H
#define ENGINE_RIG_H

#include "media/state.h"
#include "rdtest.h"

#define WAIT_MS 2000	/* for what must come */
/* Below the ports that the kernel gives away; other runs may use them too */
#define PORT_MIN 20000
#define PORT_MAX 29999

struct rig {
	struct engine *e[2];
	unsigned path[2][2];
	int fds[16];		/* closed at the end */
	unsigned fds_n;
	unsigned taps, digits, others, played;
	uint8_t code, tapped[256];
	size_t tapped_n;
};

/* One station of a call: our socket is the telephone */
struct phone {
	int fd;
	struct sockaddr_storage engine;	/* its RTP port */
	struct engine_station conf;
};

/** One or two engines. */
void rig_start(struct rig *r, unsigned engines);
void rig_stop(struct rig *r);
/** Paths between the two engines, keys both ways. */
void rig_paths(struct rig *r, unsigned paths);
/** A call of engine s whose side 1 is the trunk. */
void rig_trunk(struct rig *r, int s, uint32_t *call, uint16_t number,
	       uint64_t paths);
/** A call across, telephones at both ends. */
void rig_across(struct rig *r, uint32_t call[2], struct phone p[2],
		uint16_t number, uint64_t paths);
/** A call between two telephones at the first engine. */
void rig_phones(struct rig *r, uint32_t *call, struct phone p[2]);
/** SRTP under a master of such octets. */
void rig_crypto(struct engine_crypto *c, uint8_t fill);
/** Let the engines do what is ready, wait a little if nothing is. */
void rig_work(struct rig *r);
uint64_t rig_now_ms(void);
/** 127.0.0.1 and this port. */
struct sockaddr_in rig_loopback(uint16_t port);
/** A socket on a port of its own, and its address; kept: closed by rig_stop(). */
int rig_udp(struct rig *r, bool keep, struct sockaddr_storage *a);
/** Write an RTP packet; its length. */
size_t rig_packet(uint8_t *out, uint32_t ssrc, uint16_t seq,
		  const char *payload);
/** From this socket to the telephone's port of the engine. */
void rig_say_octets(int fd, const struct phone *p, const void *octets,
		    size_t n);
/** What comes to the socket next, within WAIT_MS. */
size_t rig_hear_octets(struct rig *r, int fd, uint8_t *out, size_t size);
/** A telephone for this end. */
void phone_open(struct rig *r, struct engine *e, struct phone *p, uint32_t call,
		unsigned side);
/** The answer: the telephone is where its conf says. */
void phone_set(struct engine *e, struct phone *p, uint32_t call, unsigned side);
void phone_say(const struct phone *p, uint32_t ssrc, uint16_t seq,
	       const char *payload);
/** The next packet has this payload. */
void phone_hear(struct rig *r, const struct phone *p, const char *payload,
		struct rtp *got);
/** Nothing is on its way: what came was worked off, and gave nothing. */
void phone_quiet(struct rig *r, const struct phone *p);

#endif
