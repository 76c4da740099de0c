/* SPDX-License-Identifier: ISC */
/**
 * @file console.h  The process that faces API clients: HTTP on a Unix socket
 *
 * It decides nothing: what a client asks becomes a typed message to the keeper,
 * what the keeper answers goes back as it is.  One thread, one poll(2).
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include "sandbox/boot.h"

struct config;

/**
 * Enter the sandbox, serve on b->listen[0] until the monitor says stop
 *
 * @param b    of boot_begin(); its pair with the keeper may be missing yet
 * @param conf borrowed: user and group of the console
 * @return exit status: 0 after STOP, 1 when it could not start or the monitor
 *         is gone
 */
int console_main(struct boot *b, const struct config *conf);

#endif
