/* SPDX-License-Identifier: ISC */
/** @file load.h  The configuration file, read and with its users looked up */
#ifndef MONITOR_LOAD_H
#define MONITOR_LOAD_H

#include "proto/config.h"

/**
 * Read @p path, parse it, and fill in the users' ids
 *
 * Users are looked up only when we are root, since nobody else can become
 * them.
 *
 * @param why gets one line on error: file, what was found, what was expected
 * @return 0; EBADMSG the text is wrong; ENOENT no such user; errno of reading
 */
int config_load(const char *path, struct config *out,
		char why[CONFIG_WHY_CHARS]) __attribute__((warn_unused_result));

/** The number of a group's name or number.  0 or ENOENT. */
int group_find(const char *name, uint32_t *gid)
	__attribute__((warn_unused_result));

#endif
