/* SPDX-License-Identifier: ISC */
/** @file place.h  The places where the keeper writes, made for its user */
#ifndef KEEPER_PLACE_H
#define KEEPER_PLACE_H

#include <stdint.h>

/**
 * Make the state directory (0700), the marker's file (0600) and its directory
 * (0755) when they are not there, and, as root, give them to the user that will keep them
 *
 * To be called before the sandbox: afterwards the keeper is that user.  What is
 * there already and belongs to somebody else is left alone and refused.
 *
 * @param marker "" when there is none
 * @param why    gets words for the operator, static
 * @return 0; EPERM belongs to somebody else; other errno of the failing call
 */
int place_make(const char *state, const char *marker, uint32_t uid,
	       uint32_t gid, const char **why)
	__attribute__((warn_unused_result));

#endif
