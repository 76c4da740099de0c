/* SPDX-License-Identifier: ISC */
/**
 * @file keeper_rig.h  Two real keeper processes; monitor, trunk and console
 *                     are scripted
 *
 * Each keeper is a forked keeper_main() behind its walls, with keys, store and
 * marker of its own.  The scripted trunks are joined: what one keeper sends on
 * a path comes in at the other.  Every wait is for an event and has a limit; a
 * failed check prints and ends its test.
 */
#ifndef KEEPER_RIG_H
#define KEEPER_RIG_H

#include <jansson.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "proto/config.h"
#include "wire/wire.h"

#define KRIG_PATHS 2
#define KRIG_ANSWERS 4096

struct krig_answer {
	bool used, last;
	unsigned http;
	char media[201];
	char name[1001];
	struct buf body;
	int fd;			/* -1: none */
	uint64_t offset, bytes;
};

struct krig_pair {		/* PAIR_SET */
	bool set;
	char name[64];
	char dial[33], listen[33];
	uint8_t dial_psk[32], listen_psk[32];
};

struct krig_node {
	char name[32];
	char dir[300];		/* state, keys and mark are below */
	struct config conf;
	pid_t pid;
	struct wire_end *monitor, *trunk, *console;
	bool ready;
	uint32_t last_conn, last_req;
	struct krig_answer answer[KRIG_ANSWERS];
	struct krig_pair pair;
	unsigned drops;		/* PAIR_DROP */
	uint64_t turn;		/* newest TURN */
	unsigned news;
	char what[4000];	/* news since last cleared, ';' between */
	uint64_t frames;	/* FRAME_OUT so far */
};

struct krig_path {
	bool open;
	uint32_t conn[2];
	bool joined[2];
	uint64_t again_ms;	/* not opened before */
};

struct krig {
	char base[200];
	struct krig_node node[2];
	struct krig_path path[KRIG_PATHS];
	bool line;		/* open paths whenever both are there */
	unsigned joins;
	unsigned closes;	/* PATH_CLOSE by a keeper */
};

extern jmp_buf krig_jump;
__attribute__((noreturn)) void krig_fail(const char *file, int line,
					 const char *what);
#define MUST(cond)                                                             \
	do {                                                                   \
		if (!(cond))                                                   \
			krig_fail(__FILE__, __LINE__, #cond);                  \
	} while (0)

uint64_t krig_ms(void);
/** Directories, keys and both keepers. */
void krig_begin(struct krig *r);
/** Kill what runs, remove the directories. */
void krig_end(struct krig *r);
void krig_start(struct krig *r, int i);
/** SIGKILL, and its paths go down. */
void krig_kill(struct krig *r, int i);
/** STOP; returns its exit status. */
int krig_stop(struct krig *r, int i);
/** A new pair with a restarted trunk: all paths are gone. */
void krig_trunk_again(struct krig *r, int i);
/** Handle what has come; wait at most @p ms for something. */
void krig_pump(struct krig *r, int ms);
/** Pump until the condition holds; else the test fails. */
#define KRIG_WAIT(r, cond, ms)                                                 \
	do {                                                                   \
		const uint64_t until_ms = krig_ms() + (ms);                    \
		while (!(cond)) {                                              \
			if (krig_ms() > until_ms)                              \
				krig_fail(__FILE__, __LINE__,                  \
					  "in time: " #cond);                  \
			krig_pump((r), 20);                                    \
		}                                                              \
	} while (0)
/** Bring the line up, or cut it. */
void krig_line(struct krig *r, bool up);
bool krig_joined(const struct krig *r);

/** Say something on the trunk's pair. */
void krig_say_trunk(struct krig *r, int i, struct wire_msg *m);
/** Ask on the console's pair: gives the number. */
uint32_t krig_ask(struct krig *r, int i, struct wire_msg *m);
/** The answer, when it is whole; else NULL. */
struct krig_answer *krig_answered(struct krig *r, int i, uint32_t req);
/** Ask, wait, and give the answer, which must have this status. */
struct krig_answer *krig_expect(struct krig *r, int i, struct wire_msg *m,
				unsigned http);
/** The same as JSON; to be json_decref()ed. */
json_t *krig_json(struct krig *r, int i, struct wire_msg *m, unsigned http);
/** And for a problem: checks its type. */
void krig_problem(struct krig *r, int i, struct wire_msg *m, unsigned http,
		  const char *type);

#endif
