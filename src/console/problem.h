/* SPDX-License-Identifier: ISC */
/** @file problem.h  What went wrong, as RFC 9457 has it told to a client */
#ifndef CONSOLE_PROBLEM_H
#define CONSOLE_PROBLEM_H

#include "base/buf.h"

#define PROBLEM_MEDIA "application/problem+json"
#define PROBLEM_DETAIL_BYTES 400

/** The problems that the console finds by itself.  The keeper has its own
 *  (docs/openapi.yaml, Problem). */
enum problem_kind {
	PROBLEM_NONE,
	PROBLEM_REQUEST,	/* 400 */
	PROBLEM_NOT_FOUND,	/* 404 no such resource in this API */
	PROBLEM_METHOD,		/* 405 */
	PROBLEM_TOO_LARGE,	/* 413 */
	PROBLEM_MEDIA_TYPE,	/* 415 */
	PROBLEM_BROKEN,		/* 500 the keeper's answer cannot be passed on */
	PROBLEM_BUSY,		/* 503 a limit is reached; nothing was done */
	PROBLEM_KEEPER_GONE,	/* 503 */
	PROBLEM_KINDS
};

struct problem {
	enum problem_kind kind;
	char detail[PROBLEM_DETAIL_BYTES];	/* UTF-8, cut when longer */
	const char *allow;	/* METHOD: the method that is taken here */
};

/** Set kind and detail.  Returns EINVAL, for `return problem_set(...)`. */
int problem_set(struct problem *p, enum problem_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
unsigned problem_status(enum problem_kind kind);
/**
 * Append the document's members, with the opening and without the closing
 * brace, so that a caller may add its own
 */
void problem_print(const struct problem *p, struct buf *b);
/** Append @p n octets of UTF-8 as a JSON string with its quotes. */
void json_print(struct buf *b, const char *s, size_t n);

#endif
