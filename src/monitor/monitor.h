/* SPDX-License-Identifier: ISC */
/**
 * @file monitor.h  The first process: makes the others and starts them again
 *
 * It binds the sockets, makes the pairs, and for each of keeper, trunk and
 * console executes its own program again with `-c CONF -r ROLE`, descriptor 3
 * and an empty environment.  It reads nothing that comes from a stranger, but
 * for words in the keeper's alarms, which it only hands on (hook.h).
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "proto/config.h"

struct monitor_conf {
	const struct config *config;
	const char *config_path; /* handed to the children */
	int ready_fd;            /* a newline when all serve; -1: none */
	bool debug;              /* children get -d */
};

/**
 * Run until SIGTERM or SIGINT
 *
 * @return exit status: 0 stopped as asked; 1 could not start, or a child did
 *         not become ready five times in a row at the start
 */
int monitor_main(const struct monitor_conf *mc);

/** Tell the service manager, if there is one (sd_notify(3) protocol). */
void notify_manager(const char *what);

#endif
