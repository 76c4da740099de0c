/* SPDX-License-Identifier: ISC */
/** @file export.h  Files around the simulator: dossiers out, verifier run */
#ifndef SIM_EXPORT_H
#define SIM_EXPORT_H

#include "world.h"

/** Write what `record export` would into the new directory dir, without bodies
 *  when w->withhold; 0 or -1. */
int world_export(struct world *w, int side, const char *dir);
/** Exit status of the verifier on this dossier, or 255. */
int verifier_run(const char *verifier, const char *dossier);
/** Remove a dossier that world_export() made. */
void dossier_remove(const char *dir);

#endif
