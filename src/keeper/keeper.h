/* SPDX-License-Identifier: ISC */
/** @file keeper.h  The process that holds the keys and the record, and decides */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include "proto/config.h"
#include "sandbox/boot.h"

/**
 * Run the keeper until STOP (boot_begin() has been done)
 *
 * @return exit status: 0 after STOP; 1 when keys, store or marker cannot be
 *         used, or the monitor is gone
 */
int keeper_main(struct boot *b, const struct config *conf);

#endif
