/* SPDX-License-Identifier: ISC */
/**
 * @file world.h  Two exchanges and the hostile network between them, simulated
 *
 * The very core code, virtual time, one seed.  Everything random is drawn from
 * the world's own generator, so that a seed replays to the byte.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "core/core.h"
#include "memdb.h"

#define SIDES 2
#define LINKS_MAX 2
#define MARKERS_MAX 4

enum fault {
	FAULT_CUT,		/* a connection dies, what was in it is lost */
	FAULT_PARTITION,	/* no connection for minutes to months */
	FAULT_LOSS,
	FAULT_DUPLICATE,
	FAULT_REORDER, /* of single frames */
	FAULT_CRASH_BEFORE_COMMIT,
	FAULT_CRASH_AFTER_COMMIT,
	FAULT_CRASH_AFTER_MARKER,
	FAULT_CRASH_WHILE_SENDING,
	FAULT_DISK_FULL,
	FAULT_DISK_ERROR,
	FAULT_CLOCK_BACK,
	FAULT_CLOCK_FORWARD,
	FAULT_CLOCK_DRIFT,
	FAULT_ROLLBACK,		/* an older backup, the marker kept */
	FAULT_ROLLBACK_UNMARKED, /* an older backup, the marker lost */
	FAULTS
};

const char *fault_name(enum fault f);

/* What one side was asked to write */
struct item {
	char id[24];
	uint64_t seq;
	bool stored;		/* answered: durable */
	bool waits;		/* answered: here, until its line is proven */
	bool acked;		/* answered: the other side has it */
	bool may_be_lost;	/* died with a disk before it was acknowledged */
};

struct node {
	int side;
	char name[32];
	struct key *log, *cosigner, *trunk;
	struct core *core;
	struct memdb *db;
	struct core_marker marker[MARKERS_MAX];
	size_t markers;
	bool up;
	int64_t skew_ms;
	int64_t drift_ppm;
	unsigned starts;
	uint64_t up_at_ms;	/* when it is started again */
	uint64_t disk_well_ms;	/* when a sick disk is well again */
	struct image *backup;
	uint64_t backup_peer_held;
	uint64_t unsaved;	/* counter of turns that were void */
	struct item *item;
	size_t items;
	uint64_t acked;		/* own size known to be cosigned */
};

struct flight {
	struct flight *next;
	uint64_t at_ms;
	enum frame_type type;
	size_t n;
	uint8_t p[];
};

struct link {
	bool open;
	bool closing[SIDES];	/* the side was not told yet */
	uint32_t conn;		/* same number at both ends */
	struct flight *head[SIDES];	/* towards that side, by time */
	uint64_t last_at_ms[SIDES];	/* order is kept in a connection */
	uint64_t dial_at_ms;
};

struct world {
	uint64_t rng;
	uint64_t now_ms;
	struct node node[SIDES];
	struct link link[LINKS_MAX];
	unsigned links;
	uint32_t conns;
	uint64_t heal_ms;	/* end of a partition */
	bool quiet;		/* no faults any more */
	unsigned loss, dup, reorder;	/* permille */
	unsigned latency_ms;
	unsigned crash;		/* permille of turns */
	bool busy;		/* written to all the time, cut or not */
	bool lines;		/* with agreements */
	uint64_t events;
	uint64_t fault[FAULTS];
	uint8_t trace[DIGEST_BYTES];	/* of everything that was sent */
	uint64_t next_item;
	/* every root that was ever signed and left, by origin and size */
	struct roots {
		uint8_t (*v)[DIGEST_BYTES];
		bool *set;
		size_t n;
	} roots[3];
	char broken[400];	/* the first invariant that did not hold */
	bool verbose;
	bool withhold;		/* bodies are not exported */
};

uint64_t world_draw(struct world *w, uint64_t below);
bool world_chance(struct world *w, unsigned permille);
void world_init(struct world *w, uint64_t seed);
void world_free(struct world *w);
/** Cards exchanged, words compared, record opened. */
void world_pair(struct world *w);
/** Let time go on to the next thing that happens, and let it happen. */
void world_step(struct world *w);
/** Let all happen that happens until then. */
void world_until(struct world *w, uint64_t ms);
/** Switch a side off for a while. */
void world_rest(struct world *w, int side, uint64_t for_ms);
/** Somebody writes something at this side. */
void world_write(struct world *w, int side);
/** The same, on a line. */
void world_write_on(struct world *w, int side, const char *line);
/** Exactly this is submitted; its answer goes nowhere with request UINT64_MAX. */
void world_submit(struct world *w, int side, const struct submit *s);
/** Somebody orders something of a line at this side. */
void world_order(struct world *w, int side, const struct line_order *o);
/** The true time. */
int64_t world_wall_ms(const struct world *w);
/** Somebody opens something at this side. */
void world_open(struct world *w, int side);
void world_fault(struct world *w, enum fault f, int side);
/** No more faults; all up again. */
void world_settle(struct world *w);
/** Have both sides everything, signed by both? */
bool world_converged(struct world *w, char why[200]);
/** Compare everything with everything; sets w->broken. */
void world_check(struct world *w);
void world_broken(struct world *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
struct pair_view world_view(const struct world *w, int side);
#endif
