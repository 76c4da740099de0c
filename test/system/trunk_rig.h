/* SPDX-License-Identifier: ISC */
/**
 * @file trunk_rig.h  Real trunk processes with scripted keepers
 *
 * Each node is a forked trunk_main() behind its real walls; this process plays
 * its monitor and its keeper on socket pairs, and the hostile network.  Every
 * wait is for an event and has a limit; a failed check prints and exits.
 */
#ifndef TRUNK_RIG_H
#define TRUNK_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "core/path.h"
#include "wire/wire.h"

#define RIG_NODES 2
#define RIG_CONNS 32

/** A path as the scripted keeper knows it. */
struct rig_conn {
	uint32_t id;		/* 0: free */
	uint32_t pair;
	uint8_t role, path;
	uint8_t exporter[EXPORTER_BYTES];
	bool hello;		/* the peer's came */
	bool joined;
	bool closed;
	char reason[201];
};

struct rig_state {		/* PATH_STATE, newest of a path */
	uint8_t state;
	uint32_t rtt_us;
	uint64_t bytes_out;	/* as of 5 s ago at most */
	uint64_t at_us;
	unsigned changes;	/* of state */
	unsigned downs;		/* left UP or SUSPECT for less */
	char why[201];
};

struct rig;
/** A frame other than HELLO came; payload is borrowed. */
typedef void(rig_frame_h)(struct rig *r, int node, uint32_t conn, uint8_t type,
			  struct str payload);

struct rig_node {
	int no;
	pid_t pid;
	struct wire_end *monitor, *keeper;
	uint16_t port;		/* listens here; 0: does not */
	char listen[64];
	bool dial;
	bool ready;
	bool no_turn;		/* leave PING unanswered */
	bool no_hello;		/* do not say HELLO on a new path */
	bool no_join;		/* do not call a HELLO good */
	bool deaf;		/* read nothing */
	uint64_t turn;
	unsigned opens;		/* PATH_OPEN so far */
	struct rig_conn conn[RIG_CONNS];
	struct rig_state state[PATHS_MAX];
	char counts[4001];
	char complaint[201];
};

struct rig {
	struct rig_node node[RIG_NODES];
	rig_frame_h *frame_h;	/* NULL: frames are dropped */
};

uint64_t rig_us(void);

/** Start node @p i.  family: AF_INET, AF_INET6; 0: it does not listen. */
void rig_start(struct rig *r, int i, int family, bool dial);
/** Make them a pair: number 0 at both.  An address of NULL: the other's
 *  listener, when it has one. */
void rig_pair(struct rig *r, const char *addr_of_1, const char *addr_of_0);
/** PAIR_SET to node @p i with this peer address. */
void rig_pair_one(struct rig *r, int i, const char *address);
/** The pair with a keeper that was restarted. */
void rig_keeper_again(struct rig *r, int i);
/** End the node by STOP and check that it exits with 0. */
void rig_stop(struct rig *r, int i);
void rig_end(struct rig *r);

/** Take what keepers and monitors got; wait @p ms for something at most. */
void rig_pump(struct rig *r, int ms);
/** A message from the keeper of node @p i. */
void rig_say(struct rig *r, int i, const struct wire_msg *m);
void rig_frame(struct rig *r, int i, uint32_t conn, uint8_t type, uint8_t prio,
	       const void *p, size_t n);
/** The first live conn of node @p i, joined by its keeper; or NULL. */
struct rig_conn *rig_joined(struct rig *r, int i);
unsigned rig_joined_count(const struct rig *r, int i);
/** The newest TRUNK_COUNTS value of this name. */
uint64_t rig_count(const struct rig *r, int i, const char *name);

/** The identity and PSK by which the peer of node @p i dials it. */
const char *rig_identity(int i);
const uint8_t *rig_psk(int i);

/** A socket connected to the listener of node @p i, blocking. */
int rig_connect(const struct rig *r, int i);
/** A listener of our own on 127.0.0.1; gives its "address:port". */
int rig_listen(char address[64]);

__attribute__((noreturn)) void rig_fail(const char *file, int line,
					const char *what);
#define RIG_CHECK(cond)                                                        \
	do {                                                                   \
		if (!(cond))                                                   \
			rig_fail(__FILE__, __LINE__, #cond);                   \
	} while (0)
/** Pump until the condition holds; fail after @p ms. */
#define RIG_WAIT(r, cond, ms)                                                  \
	do {                                                                   \
		const uint64_t until_us = rig_us() + (uint64_t)(ms)*1000;     \
		while (!(cond)) {                                              \
			if (rig_us() > until_us)                               \
				rig_fail(__FILE__, __LINE__,              \
					 "in time: " #cond);              \
			rig_pump((r), 20);                                     \
		}                                                              \
	} while (0)

#endif
