/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_rtpsec.c  What is not authentic does not open; what was sealed
 *                      opens to the same octets, once
 *
 * The first octet chooses the suite and whether it is RTCP.
 */
#include <errno.h>
#include "fuzz/fuzz.h"
#include "media/rtpsec.h"
#include "proto/rtp.h"

#define BYTES_MAX 1500

typedef int(open_h)(struct rtpsec *s, uint8_t *p, size_t *n);
typedef int(seal_h)(struct rtpsec *s, uint8_t *p, size_t *n, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t p[BYTES_MAX + RTPSEC_TAIL_MAX], again[sizeof(p)];
	static const uint8_t master[RTPSEC_MASTER_MAX] = {1, 2, 3};
	enum rtpsec_suite suite;
	struct rtpsec *out = NULL, *in = NULL;
	open_h *open;
	seal_h *seal;
	size_t n, octets;

	if (!size || size > BYTES_MAX)
		return 0;
	suite = (enum rtpsec_suite)(data[0] % RTPSEC_SUITES);
	open = data[0] & 128 ? rtpsec_open_rtcp : rtpsec_open;
	seal = data[0] & 128 ? rtpsec_seal_rtcp : rtpsec_seal;
	octets = rtpsec_master_bytes(suite);
	MUST(!rtpsec_alloc(&out, suite, RTPSEC_SENDER, master, octets));
	MUST(!rtpsec_alloc(&in, suite, RTPSEC_RECEIVER, master, octets));
	data++;
	n = --size;
	memcpy(p, data, n);
	MUST(open(in, p, &n));
	n = size;
	memcpy(p, data, n);
	if (!seal(out, p, &n, sizeof(p))) {
		MUST(n <= size + RTPSEC_TAIL_MAX);
		memcpy(again, p, n);
		MUST(!open(in, p, &n));
		MUST(n == size && !memcmp(p, data, n));
		n = size + (suite == RTPSEC_CM80 ? 10 : 16);
		MUST(open(in, again, &n));
	}
	rtpsec_free(out);
	rtpsec_free(in);
	return 0;
}
