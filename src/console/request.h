/* SPDX-License-Identifier: ISC */
/**
 * @file request.h  From the head of an HTTP request to a typed wire message
 *
 * Pure: no socket, file or clock.  Everything here is checked against
 * docs/openapi.yaml before the keeper hears of it.  test/fuzz/fuzz_request.c
 * runs it on hostile octets.
 */
#ifndef CONSOLE_REQUEST_H
#define CONSOLE_REQUEST_H

#include "console/problem.h"
#include "crypto/digest.h"
#include "wire/wire.h"

#define OPERATOR_BYTES_MAX 200	/* longer: 400 */
#define SUBJECT_BYTES_MAX 1000	/* longer: 400 */
#define NAME_BYTES_MAX 1000	/* longer: 400 */
#define MEDIA_BYTES_MAX 200	/* longer: 415 */
#define TARGET_BYTES_MAX 8192	/* path and query; longer: 400 */
#define TEXT_BYTES_MAX 32736	/* of a notice; longer: 413 */
#define JSON_BYTES_MAX 262144	/* a notice as JSON, or a line; longer: 413 */
#define INLINE_BYTES_MAX 32736	/* longer documents travel as memfd */
#define REASON_BYTES_MAX 1000	/* of a decline, a declaration; longer: 400 */
#define SAID_BYTES_MAX 1000	/* on the service line at once; longer: 413 */
#define PAGE_MAX 500		/* members of a list; more: 400 */
#define PAGE_DEFAULT 100

enum route {
	ROUTE_STATUS,
	ROUTE_CARD,
	ROUTE_PAIR_ADD,
	ROUTE_CONFIRM,
	ROUTE_REVOKE,
	ROUTE_VOUCH,
	ROUTE_NOTICES,
	ROUTE_DOCUMENTS,
	ROUTE_INBOX,
	ROUTE_OUTBOX,
	ROUTE_ITEM,
	ROUTE_BODY,
	ROUTE_ENTRY,
	ROUTE_RECORD,
	ROUTE_EXPORT,
	ROUTE_LINES,
	ROUTE_LINE,
	ROUTE_LINE_DO,
	ROUTE_SERVICE,
	ROUTE_METRICS,
	ROUTE_EVENTS
};

/** What the request's body is */
enum payload {
	PAYLOAD_NONE,	/* there must be none */
	PAYLOAD_CARD,	/* text, <= CARD_BYTES_MAX */
	PAYLOAD_NOTICE,	/* JSON, <= JSON_BYTES_MAX */
	PAYLOAD_LINES,	/* newline-delimited JSON */
	PAYLOAD_FILE,	/* octets of a document */
	PAYLOAD_AGREEMENT, /* text, <= AGREEMENT_BYTES_MAX */
	PAYLOAD_SAID	/* one line of text, <= SAID_BYTES_MAX */
};

/** The head as HTTP gave it: borrowed */
struct request_head {
	const char *method;
	const char *target;	/* path and query as they stood in the request */
	const char *media;	/* Content-Type, or NULL */
	const char *operator_name;	/* Ringdown-Operator, or NULL */
	uint32_t uid;		/* of the client's process */
};

/** A request that is in order.  All text is NUL-terminated. */
struct request {
	enum route route;
	enum payload payload;
	char peer[HOST_CHARS_MAX + 1];
	uint8_t box;		/* 0 in, 1 out */
	uint64_t seq;
	uint64_t from;		/* after= or from= */
	uint32_t limit;
	uint8_t open;
	uint8_t bodies;
	uint8_t wait;		/* enum submit_wait */
	char serial[33];
	char id[ID_CHARS_MAX + 1];
	char by[OPERATOR_BYTES_MAX + 1];
	char precedence[17];
	char subject[SUBJECT_BYTES_MAX + 1];
	char name[NAME_BYTES_MAX + 1];
	char media[MEDIA_BYTES_MAX + 1];
	char line[AGREEMENT_NAME_CHARS_MAX + 1];	/* "": none */
	uint8_t act;		/* enum line_act */
	uint8_t declared;	/* enum declared */
	uint8_t drill, refused, brief;
	int64_t until_ms;
	uint8_t hash[DIGEST_BYTES];
	char reason[REASON_BYTES_MAX + 1];
};

/** Check the head.  0, or EINVAL and *p says what is wrong. */
int request_parse(const struct request_head *h, struct request *out,
		  struct problem *p) __attribute__((warn_unused_result));

/** Check one value by its parameter's name (id, precedence, subject, wait, ...)
 *  and keep it.  0, or EINVAL and *p says what is wrong. */
int request_set(struct request *r, const char *name, struct str value,
		struct problem *p) __attribute__((warn_unused_result));

/**
 * Check one notice in JSON (PAYLOAD_NOTICE) and fill id, precedence, subject
 * and wait of @p r
 *
 * @param text  gets its text; reset first
 * @return 0; EINVAL and *p says what is wrong; ENOMEM
 */
int notice_parse(const char *json, size_t n, struct request *r,
		 struct buf *text, struct problem *p)
	__attribute__((warn_unused_result));
/**
 * Check one line of PAYLOAD_LINES and append it as an item of Q_BULK
 *
 * @param items  its max is the most octets of one message
 * @return 0; EMSGSIZE: @p items is as it was, send it first; EINVAL and *p
 *         says what is wrong; ENOMEM
 */
int line_parse(const char *json, size_t n, struct buf *items, struct problem *p)
	__attribute__((warn_unused_result));

/**
 * The message to the keeper; views point into @p r and @p body
 *
 * Not for ROUTE_EVENTS and PAYLOAD_LINES.
 * @param body  card, agreement, text of the notice, content of the document
 * @param fd    sealed memfd with the document's content, or -1
 * @param bytes its size
 */
void request_message(const struct request *r, uint32_t req, struct str body,
		     int fd, uint64_t bytes, struct wire_msg *m);
/** What is said on the service line: one line of text, its end cut off.  0, or
 *  EINVAL and *p says what is wrong. */
int said_check(struct buf *text, struct problem *p)
	__attribute__((warn_unused_result));
/** True when the answer may take as long as a cut does. */
bool request_waits(const struct request *r);

#endif
