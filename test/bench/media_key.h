/* SPDX-License-Identifier: ISC */
/** @file media_key.h  The keys of the two ends in media.sh */
#ifndef BENCH_MEDIA_KEY_H
#define BENCH_MEDIA_KEY_H

#include <string.h>
#include "media/bundle.h"
#include "media/rtpsec.h"

/** What end a, or b, seals under. */
static inline struct bundle_key media_key(bool is_b)
{
	struct bundle_key k = {.id = is_b ? 2 : 1};

	memset(k.key, is_b ? 0xbb : 0xaa, sizeof(k.key));
	return k;
}

/** What telephones, or their exchange, seal under; the suite's length. */
static inline void media_master(bool is_exchange,
				uint8_t master[RTPSEC_MASTER_MAX])
{
	memset(master, is_exchange ? 0x55 : 0x66, RTPSEC_MASTER_MAX);
}

#endif
