/* SPDX-License-Identifier: ISC */
/** @file keeper_talk.h  What people ask of the two keepers, in short */
#ifndef KEEPER_TALK_H
#define KEEPER_TALK_H

#include "core/core.h"
#include "keeper_rig.h"

#define N 0 /* north.example */
#define S 1 /* south.example */

extern const char *const talk_host[2];

/** Messages; views point to constants and to what is given. */
struct wire_msg talk_msg(enum wire_type type);
struct wire_msg talk_notice_msg(int from, const char *id, enum submit_wait w,
				const char *text);
/** Q_SHOW, Q_ENTRY, Q_ITEMS (seq: after), Q_BODY; box 0 in, 1 out. */
struct wire_msg talk_box_msg(enum wire_type type, int at, uint8_t box,
			     uint64_t seq);
/** Q_CONFIRM, Q_REVOKE, Q_VOUCH. */
struct wire_msg talk_pair_msg(enum wire_type type, const char *peer);
struct wire_msg talk_add_msg(const char *card);
struct wire_msg talk_document_msg(int from, int fd, uint64_t bytes,
				  enum submit_wait wait);
/** @p count notices of 100 octets, in @p items. */
struct wire_msg talk_bulk_msg(int from, struct buf *items, unsigned count,
			      enum submit_wait wait);
int talk_memfd_of(const uint8_t *p, size_t n, bool seal);

/** A member that must be a number; whether one is this text. */
uint64_t talk_number(json_t *root, const char *name);
bool talk_is(json_t *root, const char *name, const char *want);

/** The one pair in the status; to be json_decref()ed. */
json_t *talk_pair_status(struct krig *r, int i);
bool talk_pair_is(struct krig *r, int i, const char *name, const char *want);
bool talk_item_has(struct krig *r, int i, uint8_t box, uint64_t seq,
		   const char *state);
uint64_t talk_joint_size(struct krig *r, int i);
/** Both hold and have signed all of both. */
bool talk_quiet(struct krig *r);

void talk_card_of(struct krig *r, int i, char out[4097]);
/** Cards exchanged and confirmed. */
void talk_pair_up(struct krig *r);
/** And the line is there. */
void talk_line_up(struct krig *r);
/** Send one and wait; its number. */
uint64_t talk_notice(struct krig *r, int from, enum submit_wait wait,
		     const char *text);
/** Export; the verifier, when there is one, must trust it. */
void talk_verify(struct krig *r, int i, uint8_t bodies, const char *as);

/* ---- keeper_fault.c ---- */

/** The process whose syncs fail; shared over fork(). */
extern volatile pid_t *fault_bad_disk;
void fault_killed(struct krig *r);
void fault_rolled_back(struct krig *r);
void fault_disk_full(struct krig *r);
void fault_disk_error(struct krig *r);

#endif
