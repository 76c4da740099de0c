/* SPDX-License-Identifier: ISC */
/**
 * @file cli_line.h  What the commands about lines share
 */
#ifndef CMD_CLI_LINE_H
#define CMD_CLI_LINE_H

#include "base/limits.h"
#include "cmd/cli.h"

/** Whom it is about: --peer, or the only pair there is.  The exit code. */
int line_peer(struct cli *c, char peer[HOST_CHARS_MAX + 1]);
/** GET one line with its texts; reply_free() it in any case. */
int line_ask(struct cli *c, const char *peer, const char *name,
	     struct reply *r);
/** True when the person at the terminal types yes. */
bool line_agreed(const char *question);
/** Words of --reason, or usage. */
int line_reason(const struct cli *c, const char **reason);
/** The lines of a list that are of this peer (NULL: all), as rows with what
 *  wants attention below them. */
void line_rows(struct buf *b, const json_t *lines, const char *peer,
	       bool color);
/** Checks that wait for a person here, loudly; true when there is one. */
bool line_calls(struct buf *b, const json_t *lines, bool color);
/** How many lines have which state, when not all are shown. */
void line_states(struct buf *b, const json_t *list);
/** A UTC stamp as YYYY-MM-DD hh:mm, moved by a clock's offset. */
void line_time(struct buf *b, const char *stamp, int64_t offset_s, bool day);
/** Where the zone database of this machine differs from agreements; one line
 *  a clock. */
void line_zones(struct cli *c, struct buf *b, const json_t *lines);

/** line list, show, text, propose, accept, decline, withdraw, close, suspend,
 *  fault, open, history. */
int command_line(struct cli *c);
/** The part of command_line() that is about texts. */
int line_propose(struct cli *c, const char *path);
int line_accept(struct cli *c, const char *name);
int line_decline(struct cli *c, const char *name);
/** check run, attend, stats. */
int command_check(struct cli *c);
/** service say, follow. */
int command_service(struct cli *c);
/** What Prometheus would read. */
int command_metrics(struct cli *c);

#endif
