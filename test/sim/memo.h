/* SPDX-License-Identifier: ISC */
/** @file memo.h  Signatures that were made or checked before, in a simulation */
#ifndef SIM_MEMO_H
#define SIM_MEMO_H

#include "crypto/key.h"

/** From now on, and with nothing remembered. */
void memo_start(void);

#endif
