/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_bundle.c  Frames encode back to the same octets; datagrams of
 *                      strangers do not open, sealed ones do, once
 */
#include <errno.h>
#include "fuzz/fuzz.h"
#include "media/bundle.h"

static void frames(const uint8_t *p, size_t n)
{
	static uint8_t out[65536 + VOICE_FRAME_HEAD_BYTES];
	struct cur c = cur_of(p, n);
	struct voice_frame f;
	const uint8_t *at = p;
	int err;

	while (!(err = voice_frame_next(&c, &f))) {
		MUST(f.call && f.payload + f.n == c.p);
		if (f.n <= VOICE_PAYLOAD_MAX) {
			voice_frame_put(out, &f);
			MUST(!memcmp(out, at, VOICE_FRAME_HEAD_BYTES + f.n));
		}
		at = c.p;
	}
	MUST(err == ENOENT ? !c.n : err == EBADMSG);
	MUST(voice_check(p, n) == (err == ENOENT ? 0 : EBADMSG));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bundle_key key = {.id = 0x01020304, .key = {9}};
	static uint8_t p[VOICE_BYTES_MAX], again[VOICE_BYTES_MAX];
	struct bundle_tx *t = NULL;
	struct bundle_rx *r = NULL;
	size_t n, out;

	frames(data, size);
	if (size > VOICE_BYTES_MAX)
		return 0;
	MUST(!bundle_tx_alloc(&t, &key));
	MUST(!bundle_rx_alloc(&r));
	MUST(!bundle_rx_key(r, &key));
	memcpy(p, data, size);
	MUST(bundle_open(r, p, size, &out));
	if (size <= VOICE_PLAIN_MAX) {
		n = VOICE_HEAD_BYTES + size + VOICE_TAG_BYTES;
		memcpy(p + VOICE_HEAD_BYTES, data, size);
		MUST(!bundle_seal(t, p, size));
		memcpy(again, p, n);
		MUST(bundle_open(r, p, n, &out) == voice_check(data, size));
		MUST(bundle_open(r, again, n, &out) == EALREADY);
	}
	bundle_tx_free(t);
	bundle_rx_free(r);
	return 0;
}
