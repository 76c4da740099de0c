/* SPDX-License-Identifier: ISC */
/**
 * @file cli.h  What the files of the command `ringdown` share
 */
#ifndef CMD_CLI_H
#define CMD_CLI_H

#include <stdio.h>
#include <jansson.h>
#include "base/buf.h"
#include "base/text.h"

/** Exit codes; man/ringdown.1 has them */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,	/* by the exchange, or by what was found */
	EXIT_UNREACHABLE = 2,	/* nobody serves the socket, keeper gone */
	EXIT_USAGE = 64,
	EXIT_FILE = 74		/* cannot read or write here */
};

#define CONF_DEFAULT "/etc/ringdown/ringdown.conf"
#define SOCKET_DEFAULT "/run/ringdown/api.sock"

/** All options of all commands; argp tells which were given */
struct cli {
	const char *conf, *socket, *as;
	const char *subject, *precedence, *id, *wait, *media, *name;
	const char *bulk, *output, *own_serial, *dir;
	uint64_t number, from, after;
	bool has_number, has_from, has_after;
	bool json, yes, watch, peek, no_bodies, document;
	const char *day, *line, *lang, *dossier, *peer, *side;	/* reports */
	bool csv, svg;
	const char *reason, *until;		/* lines */
	bool drill, refuse;
	char **arg;		/* what is not an option, after the command */
	int args;
};

/* ---- cli_words.c ---- */

/** Choose the language by LC_ALL, LC_MESSAGES, LANG: ko* or English. */
void words_begin(void);
/** That language is Korean. */
bool words_korean(void);
/** The sentence in that language; the English one when there is none. */
const char *tr(const char *english) __attribute__((format_arg(1)));

/* ---- cli_text.c ---- */

/** Print text of others: control characters and such as reorder or hide text
 *  appear as \u{...}; line ends and tabs pass when @p lines. */
void text_put(FILE *f, const char *s, size_t n, bool lines);
/** Append @p s escaped and cut or padded to @p columns (0: as long as it is). */
void text_cell(struct buf *b, const char *s, size_t columns);
/** Columns of a terminal that the text takes. */
size_t text_columns(const char *s, size_t n);
/** UTF-8 without control characters but line ends and tabs: a notice may hold
 *  it. */
bool text_plain(const char *p, size_t n);
/** Write what the buffer holds and free it. */
void text_out(struct buf *b, FILE *f);
/** "3 min", "2 h 5 min", "4 days": how long a state has lasted. */
void text_duration(struct buf *b, uint64_t ms);
/** Octets with a unit: "3.2 MB". */
void text_bytes(struct buf *b, uint64_t n);
/** Time now, UTC milliseconds since 1970. */
int64_t now_ms(void);
/** One line on stderr, "ringdown: " before it. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** What the command line got wrong.  Returns EXIT_USAGE. */
int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- cli_http.c ---- */

/** Takes a piece of an answer.  Non-zero ends it with this exit code. */
typedef int(sink_h)(const void *p, size_t n, void *arg);

struct ask {
	const char *method;
	struct buf path;	/* with query; cli_ask() frees it */
	const char *media;	/* of the body */
	const void *body;	/* first this */
	size_t body_n;
	FILE *more;		/* then this to its end; NULL: nothing */
	uint64_t more_bytes;	/* UINT64_MAX: nobody knows */
	bool quiet;		/* says nothing of a failure */
	bool progress;		/* a bar, when stderr is a terminal */
	sink_h *sink;		/* NULL: to reply->body */
	void *arg;
};

struct reply {
	long status;
	struct buf body;	/* reply_free() */
	json_t *json;		/* of a JSON answer; owned by the reply */
};

/** Begin a request: METHOD and path up to here. */
void ask_init(struct ask *a, const char *method, const char *path);
/** Append a path segment with its slash, percent-encoded. */
void ask_segment(struct ask *a, const char *s);
/** Append a parameter; nothing when @p value is NULL. */
void ask_param(struct ask *a, const char *name, const char *value);
/** As ask_param() with a number. */
void ask_number(struct ask *a, const char *name, uint64_t value);
/**
 * Ask the exchange; says on stderr what went wrong
 *
 * @return EXIT_DONE: answered with 2xx; EXIT_REFUSED, EXIT_UNREACHABLE; what
 *         the sink said
 */
int ask_do(struct cli *c, struct ask *a, struct reply *r);
/** Copes with a reply that failed. */
void reply_free(struct reply *r);
/** Print the JSON as it came, one line. */
void reply_print(const struct reply *r);

enum follow { FOLLOW_NEWS, FOLLOW_TICK, FOLLOW_LOST };
/** Non-zero ends following with this exit code. */
typedef int(follow_h)(enum follow what, void *arg);
/** Call @p h for every news of the exchange, each second, and when it cannot be
 *  reached (it is tried again), until it or a signal ends it. */
int follow_do(struct cli *c, follow_h *h, void *arg);

/** Takes one piece of news as JSON.  Non-zero ends it with this exit code. */
typedef int(news_h)(const json_t *news, void *arg);
/** Call @p h for every piece of news, until it or a signal ends it; what is said
 *  while the exchange cannot be reached is not heard. */
int news_do(struct cli *c, news_h *h, void *arg);

/* ---- JSON that may be otherwise than it should ---- */

/** Member, or "" when it is no string. */
const char *json_text(const json_t *o, const char *name);
/** Member, or 0 when it is no number. */
int64_t json_number(const json_t *o, const char *name);

/* ---- commands: each returns the exit code ---- */

/** Make configuration and keys. */
int command_init(struct cli *c);
/** Parse the configuration. */
int command_check_config(struct cli *c);
/** Cards, words, confirm, revoke, vouch, list. */
int command_pair(struct cli *c);
/** Once, or live with -w. */
int command_status(struct cli *c);
/** A notice, a document, or lines of --bulk. */
int command_send(struct cli *c);
/** What the peer sent. */
int command_inbox(struct cli *c);
/** What we sent. */
int command_outbox(struct cli *c);
/** Content of one item; writes the receipt. */
int command_show(struct cli *c);
/** list, follow, entry, export. */
int command_record(struct cli *c);
/** The statement of a day. */
int cmd_statement(struct cli *c);
/** `check stats`: how often checks were answered. */
int cmd_check_stats(struct cli *c);
/** `line history NAME`: every hiatus of a line. */
int cmd_line_history(struct cli *c);
/** Becomes ringdown-verify. */
int command_verify(struct cli *c);

/** Unpack the bundle of @p peer into the new directory c->arg[...]. */
int export_do(struct cli *c, const char *peer, const char *dir);
/** The pairs as a table, out of a status. */
void pairs_print(const json_t *status);

#endif
