/* SPDX-License-Identifier: ISC */
/**
 * @file trunk.h  The process that faces the peer
 *
 *   network <-- TLS 1.3, PSK --> conn <--> trunk <-- wire --> keeper
 *
 * It knows the pairing secrets, parses nothing of a frame beyond its length
 * and type (but for BEAT, its own), and decides nothing about the record.
 *
 *   tlspsk.c    one TLS connection, external PSK only
 *   conn.c      frames over it, in order of priority
 *   strangers.c accepting, and the limits of who has not said HELLO yet
 *   paths.c     pairs and their paths: dial, beat, cut, report
 *   trunk.c     the loop, and what the keeper says
 *   tally.c     what is counted
 */
#ifndef TRUNK_TRUNK_H
#define TRUNK_TRUNK_H

#include "proto/config.h"
#include "sandbox/boot.h"

/**
 * Serve until the monitor says STOP or is gone.  Enters the sandbox by itself,
 * after OpenSSL is ready and before the first octet of a stranger.
 *
 * @param b     of boot_begin(); its pair with the keeper may be missing yet
 * @param conf  borrowed: dial, and the trunk's user
 * @return exit status: 0 after STOP, 1 when it could not start or the monitor
 *         is gone
 */
int trunk_main(struct boot *b, const struct config *conf);

#endif
