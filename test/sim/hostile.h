/* SPDX-License-Identifier: ISC */
/** @file hostile.h  What a lying peer can do, each with its exact outcome */
#ifndef SIM_HOSTILE_H
#define SIM_HOSTILE_H

#include "liar.h"

typedef void(hostile_h)(struct rig *r);

struct hostile {
	const char *name;
	hostile_h *run;
	bool core_pivot;
};

/** Ended by a NULL name. */
extern const struct hostile hostile_frames[];
extern const struct hostile hostile_bodies[];
extern const struct hostile hostile_record[];
extern const struct hostile hostile_notes[];
extern const struct hostile hostile_restore[];
extern const struct hostile hostile_lines[];

/** All of them.  verifier: NULL, or a ringdown-verify, whose verdicts are then
 *  compared; dossiers go below tmp.  Prints `hostile: N passed, N failed`;
 *  0 when none failed. */
int hostile_run(const char *verifier, const char *tmp);

/* ---- for the tests ---- */

void hostile_check(const char *file, int line, const char *what, bool ok);
#define IS(cond) hostile_check(__FILE__, __LINE__, #cond, (cond))

/** Verdict of the core over the liar; why has to hold the text, or be "". */
void is_verdict(struct rig *r, enum verdict v, const char *why);
/** Sizes of both feeds in the store. */
void is_size(struct rig *r, uint64_t own, uint64_t peer);
/** There is a session. */
void is_open(struct rig *r);
/** There is none; the last BYE held the text. */
void is_closed(struct rig *r, const char *why);
/** Evidence i (from 0) has this form; NULL: there is none. */
void is_proof(struct rig *r, size_t i, const char *form);
void is_count(struct rig *r, enum counter c, uint64_t n);
/** The verifier says exactly this over the core's dossier. */
void is_dossier(struct rig *r, const char *verdict);

/** Connected, both feeds opened, all acknowledged: own 4, peer 1. */
void usual(struct rig *r);
/** The liar acknowledges and cosigns all. */
void liar_ack(struct rig *r);
/** usual(), and a `restore` entry of the liar's, not sent yet: at size 1, if
 *  its size and root are right, and the attestation is the core's. */
void claim_restore(struct rig *r, uint64_t size, bool right_root, bool ours);

#endif
