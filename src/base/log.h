/* SPDX-License-Identifier: ISC */
/**
 * @file log.h  One line an event, in logfmt, on stderr
 *
 *	t=2026-03-01T09:00:00.000Z level=info role=trunk ev=path.up peer=b
 *path=0
 *
 * Under a service manager's journal (log_open) the time is left out and
 * "<6>", the level as syslog knows it, stands in front.
 *
 * Keys and event names are ours and fixed.  Every %s value may be a peer's
 * text: the logger quotes and escapes it, cuts it at LOG_VALUE_BYTES_MAX, and
 * so no value can forge a key, a line or move a terminal's cursor.  There is no
 * conversion that prints octets: keys, seeds and secrets have no printer, and
 * must not be handed in as text.
 *
 * Only the processes' outer rooms log, once, where it is decided; base, proto,
 * core and wire return errors.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include "base/text.h"

#define LOG_VALUE_BYTES_MAX 512 /* longer: cut, "..." follows */
#define LOG_LINE_BYTES_MAX 4000 /* longer: cut, " cut=yes" follows */

enum log_level {
	LOG_LEVEL_ERROR = 3, /* what a person has to mend */
	LOG_LEVEL_WARN = 4,  /* what a person should know of */
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7 /* off unless asked for */
};

/** Name the process in every line.  @p role is kept: a string constant.
 *  @p journal: the journal reads stderr. */
void log_open(const char *role, bool journal);
/** Lines above this level are not written.  At first: LOG_LEVEL_INFO. */
void log_level_set(enum log_level most);

/** Arguments for "%.*s" of a view: log_info("x", "peer=%.*s", LOG_STR(s)) */
#define LOG_STR(s)                                                             \
	(int)((s).n > LOG_VALUE_BYTES_MAX + 1 ? LOG_VALUE_BYTES_MAX + 1        \
					      : (s).n),                        \
		(s).p

/**
 * Write one line with one write(2); never fails, never waits for memory
 *
 * @param ev   "object.what-happened", lower case
 * @param fmt  "key=%s key=%u ...", or NULL.  Conversions: %s %.*s (NULL prints
 *             as -) and %d %u %x with the lengths hh h l ll z; 02 and the like
 *             before x.  Text between them is written as it stands.
 */
void log_event(enum log_level level, const char *ev, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_event(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)

struct buf;
/** The value as log_event() would write it: quoted when it needs to be. */
void log_value(struct buf *b, struct str value);

#endif
