/* SPDX-License-Identifier: ISC */
/**
 * @file server.h  What the files of the console share: jobs, clients, questions
 *
 * A job is one HTTP request.  Its stages:
 *
 *	HEAD -> BODY -> ASKED -> ANSWERED      suspended in ASKED, and in BODY
 *	  |      |        ^                    while a bulk window is full
 *	  |      +-> DRAIN (a problem is known, the client is still sending)
 *	  +------> answered at once
 */
#ifndef CONSOLE_SERVER_H
#define CONSOLE_SERVER_H

#include <microhttpd.h>
#include "console/console.h"
#include "console/request.h"

#define CLIENTS_MAX 64		/* connections; more wait to be accepted */
#define HELD_MAX 48		/* of them streams and waits; more: 503 */
#define ASKED_MAX 1024		/* questions at the keeper; more: 503 */
#define ANSWER_BYTES_MAX 8388608 /* in parts; longer: 500 */
#define CON_POOL_BYTES 65536	/* of a connection; half holds the head */
#define HEAD_MS_MAX 30000	/* head complete, next request; then cut */
#define BODY_BYTES_PER_MS 4	/* on average, with HEAD_MS_MAX of grace */
#define READ_PAUSE_S_MAX 30	/* client does not read its answer; then cut */
#define UPLOADS_BYTES_MAX (2 * BLOB_BYTES_MAX) /* memfds of all; more: 503 */
#define DRAIN_NOW_BYTES 1048576	/* longer: refused before the body is read */
#define LINES_BYTES_MAX (16ULL << 30) /* one bulk request; longer: 413 */
#define BULK_WINDOW 16		/* messages at the keeper from one request */
#define BULK_ITEMS_BYTES 60000
#define NEWS_KEPT 1000		/* for Last-Event-ID; older: reset */
#define NEWS_BYTES_MAX 16384	/* one event as text */
#define ALIVE_MS 15000		/* comment on a quiet event stream */

struct console;
struct job;
struct bulk;

struct client {
	struct client *next;
	struct client **link;
	int fd;			/* MHD's, borrowed */
	uint32_t uid;
	uint64_t deadline_ms;	/* cut when it comes; UINT64_MAX: none */
};

enum stage { STAGE_HEAD, STAGE_BODY, STAGE_DRAIN, STAGE_ASKED, STAGE_ANSWERED };

/** An answer being put together */
struct answer_parts {
	unsigned http;		/* 0: nothing yet */
	char media[MEDIA_BYTES_MAX + 1];
	char name[NAME_BYTES_MAX + 1];
	struct buf body;
	int fd;			/* owned, -1: body counts */
	uint64_t offset, bytes;
};

/** A file as it comes in: small in memory, then in a memfd */
struct upload {
	struct buf small;
	int fd;			/* owned, -1 */
	uint64_t bytes;
};

struct job {
	struct job *next;
	struct job **link;
	struct console *c;
	struct MHD_Connection *con;
	struct client *client;
	char *target;
	enum stage stage;
	bool suspended;
	bool gone;		/* the client hung up */
	bool held;		/* counted in c->held */
	bool complete;		/* the answer is whole */
	struct request r;
	struct problem problem;
	uint64_t drained;
	struct buf text;	/* card or JSON as it comes in */
	struct upload in;
	struct bulk *bulk;	/* owned; PAYLOAD_LINES */
	uint32_t req;		/* 0: nothing asked */
	struct answer_parts answer;
	/* event stream */
	uint64_t news_next;
	uint64_t alive_ms;
	bool reset;
	struct buf out;
	size_t out_at;
};

struct news {
	char text[NEWS_BYTES_MAX];
	size_t n;
};

struct slot {
	uint32_t req;		/* 0: free */
	struct job *job;
};

struct console {
	struct boot *boot;
	struct MHD_Daemon *http;
	bool keeper_up;
	uint64_t now_ms;	/* monotonic, of this turn */
	struct client *clients;
	bool again;		/* the library has to run once more, now */
	struct job *jobs;
	unsigned held;
	uint64_t uploads_bytes;
	struct slot slot[ASKED_MAX];
	uint32_t round;		/* makes req numbers differ from old ones */
	char life[17];		/* of this process, in event ids */
	uint64_t news_head;	/* number of the next event; first is 1 */
	struct news *news;	/* [NEWS_KEPT], owned */
};

/* ---- http.c ---- */

/** Start MHD on the listening socket.  ENOMEM, EINVAL. */
int http_start(struct console *c) __attribute__((warn_unused_result));
/** The next call of the library for this job may go on. */
void job_wake(struct job *j);
/** Stop the library's calls until job_wake(). */
void job_sleep(struct job *j);
/** Free the job: cancel its questions, close its files. */
void job_end(struct job *j);

/* ---- ask.c ---- */

/** A number for a question of @p j; 0: none is free. */
uint32_t ask_number(struct console *c, struct job *j);
/** The question is over.  Copes with 0. */
void ask_over(struct console *c, uint32_t req);
/** As ask_over(), and tell the keeper that nobody waits any more. */
void ask_cancel(struct console *c, uint32_t req);
/** Ask for the job; then it sleeps until `complete`.  On a failure j->problem
 *  is set and EINVAL returned. */
int ask_job(struct job *j) __attribute__((warn_unused_result));
/** Take what the keeper sent.  0; EPIPE; EBADMSG, EPERM it broke the rules. */
int ask_receive(struct console *c) __attribute__((warn_unused_result));
/** The keeper is gone or new: whoever waits is told so. */
void ask_fail_all(struct console *c);

/* ---- upload.c ---- */

/** Start an empty one; upload_free() ends it. */
void upload_init(struct upload *u);
/** 0; EFBIG too long; ENOSPC no room for now; ENOMEM */
int upload_take(struct console *c, struct upload *u, const void *p, size_t n)
	__attribute__((warn_unused_result));
/** Seal the memfd, if there is one. */
int upload_end(struct upload *u) __attribute__((warn_unused_result));
/** Close, give the room back; it is empty again. */
void upload_free(struct console *c, struct upload *u);

/* ---- bulk.c ---- */

/** For a job whose head is PAYLOAD_LINES.  *bp is owned; ENOMEM. */
int bulk_alloc(struct bulk **bp, struct job *j)
	__attribute__((warn_unused_result));
/** Frees, cancels what is asked; copes with NULL; returns NULL. */
void *bulk_free(struct bulk *b);
/** Take octets; returns how many.  Fewer than @p n: the window is full, sleep
 *  until an answer came.  A failure makes it take everything and drop it. */
size_t bulk_take(struct bulk *b, const char *p, size_t n);
/** No more octets.  True when everything is answered and j->answer stands. */
bool bulk_end(struct bulk *b);
/** True when bulk_take() or bulk_end() can go on, as far as the window goes. */
bool bulk_ready(const struct bulk *b);
/** The keeper's answer to one message; NULL: it is gone. */
void bulk_answer(struct bulk *b, uint32_t req, const struct wire_answer *m);

/* ---- events.c ---- */

/** Room for the news, and this life's name.  ENOMEM. */
int events_init(struct console *c) __attribute__((warn_unused_result));
/** Copes with a failed events_init(). */
void events_free(struct console *c);
/** Keep and hand out. */
void events_put(struct console *c, const struct wire_news *n);
/** Wake streams that have been quiet for ALIVE_MS. */
void events_tick(struct console *c);
/** Where the stream begins, by the header Last-Event-ID or NULL. */
void events_begin(struct job *j, const char *last_id);
/** MHD_ContentReaderCallback of a job's stream */
ssize_t events_read(void *arg, uint64_t pos, char *out, size_t max);

#endif
