/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_wire.c  Packets between processes: what decodes encodes the same
 *
 * The first octet says who sends (high half) and who receives (low half).
 */
#include "fuzz/fuzz.h"
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct wire_msg m;
	enum role from, to;
	struct buf b;

	if (!n)
		return 0;
	from = (enum role)(p[0] >> 4);
	to = (enum role)(p[0] & 15);
	p++;
	n--;
	if (wire_decode(p, n, from, to, &m))
		return 0;
	MUST(m.fd == -1);
	MUST(wire_may(m.type, from, to));
	buf_init(&b, WIRE_BYTES_MAX);
	MUST(!wire_encode(&m, &b));
	MUST(b.n == n && !memcmp(b.p, p, n));
	buf_free(&b);
	return 0;
}
