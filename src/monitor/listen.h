/* SPDX-License-Identifier: ISC */
/** @file listen.h  The sockets that strangers reach us by */
#ifndef MONITOR_LISTEN_H
#define MONITOR_LISTEN_H

#include <stddef.h>

#define LISTEN_WHY_CHARS 400

/**
 * Bind and listen on a numeric IPv4:port or [IPv6]:port
 *
 * @param fdp gets the socket, owned by the caller: non-blocking, close-on-exec
 * @param why gets one line on error
 * @return 0 or errno
 */
int listen_tcp(const char *address, int *fdp, char why[LISTEN_WHY_CHARS])
	__attribute__((warn_unused_result));

/**
 * The same for a Unix stream socket, mode 0660
 *
 * A socket that is there and that nobody listens on is removed; anything else
 * at that path is left alone: EADDRINUSE.
 *
 * @param group name or number of the group that may use it; "": none
 */
int listen_unix(const char *path, const char *group, int *fdp,
		char why[LISTEN_WHY_CHARS]) __attribute__((warn_unused_result));

#endif
