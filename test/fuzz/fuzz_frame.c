/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_frame.c  Frames: what decodes encodes back to the same octets
 *
 * The first octet says which decoder gets the rest.
 */
#include "fuzz/fuzz.h"
#include "proto/frame.h"

static void same(struct buf *b, const uint8_t *p, size_t n)
{
	MUST(!b->err && b->n == n && !memcmp(b->p, p, n));
}

static void hello(struct buf *b, const uint8_t *p, size_t n)
{
	static const uint8_t seed[KEY_BYTES] = {1}, exporter[EXPORTER_BYTES];
	struct key *key = NULL;
	struct hello h;

	if (hello_decode(p, n, &h))
		return;
	MUST(!key_from_seed(&key, seed));
	(void)hello_signed(p, n, exporter, key);
	/* all but the signature, which is ours */
	MUST(!hello_encode(&h, exporter, key, b));
	MUST(b->n == n && !memcmp(b->p, p, n - SIG_BYTES));
	MUST(hello_signed(b->p, b->n, exporter, key));
	key_free(key);
}

static void beat(struct buf *b, const uint8_t *p, size_t n)
{
	struct beat v;

	if (beat_decode(p, n, &v))
		return;
	beat_encode(&v, b);
	same(b, p, n);
}

static void ack(struct buf *b, const uint8_t *p, size_t n)
{
	uint64_t v[LANES];
	uint8_t gaps;

	if (ack_decode(p, n, v, &gaps))
		return;
	ack_encode(v, gaps, b);
	same(b, p, n);
}

static void lane(struct buf *b, const uint8_t *p, size_t n)
{
	struct lane_frame f;

	if (lane_decode(p, n, &f))
		return;
	MUST(f.lane < LANES && f.seq);
	lane_encode_head(&f, b);
	buf_put(b, f.body, f.body_n);
	same(b, p, n);
}

static void entries(struct buf *b, const uint8_t *p, size_t n)
{
	struct cur c = cur_of(p, n);
	struct entries_item it;
	uint64_t first;
	uint16_t count;
	uint8_t whose;

	if (entries_open(&c, &whose, &first, &count))
		return;
	MUST(first + count <= INT64_MAX);
	entries_begin(b, (enum whose)whose, first, count);
	for (unsigned i = 0; i < count; i++) {
		if (entries_next(&c, &it))
			return;
		entries_add(b, &it);
	}
	if (cur_done(&c))
		same(b, p, n);
}

static void want(struct buf *b, const uint8_t *p, size_t n)
{
	struct want w;

	if (want_decode(p, n, &w))
		return;
	want_encode(&w, b);
	same(b, p, n);
}

static void bulk(struct buf *b, const uint8_t *p, size_t n)
{
	struct bulk v;

	if (bulk_decode(p, n, &v))
		return;
	MUST(v.n && v.n <= BULK_BYTES && v.offset <= BLOB_BYTES_MAX);
	bulk_encode_head(v.seq, v.offset, b);
	buf_put(b, v.p, v.n);
	same(b, p, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const decoder[])(struct buf *, const uint8_t *,
				       size_t) = {hello,   beat, ack, lane,
						  entries, want, bulk};
	const size_t count = sizeof(decoder) / sizeof(decoder[0]);
	struct buf b;

	if (!size || data[0] >= count)
		return 0;
	buf_init(&b, 1 << 20);
	decoder[data[0]](&b, data + 1, size - 1);
	buf_free(&b);
	return 0;
}
