/* SPDX-License-Identifier: ISC */
/** @file test_voice.c  proto/voice: frames and heads of voice datagrams */
#include "proto/voice.h"
#include "rdtest.h"

/* docs/voice.md, appendix */
static const uint8_t example[] = {
	0x00, 0x01, 0x00, 0x07, 0x00, 0x88, 0x03, 0xe8, 0x00, 0x02, 0x71, 0x00,
	0x00, 0x04, 0xd5, 0xd5, 0xd5, 0xd5, 0x01, 0x02, 0xff, 0xff, 0x02, 0x65,
	0xff, 0xfe, 0xff, 0xff, 0xff, 0xf0, 0x00, 0x04, 0x05, 0x8a, 0x03, 0x20};

TEST(voice_example)
{
	struct cur c =
		cur_of(rdtest_exact(example, sizeof(example)), sizeof(example));
	struct voice_frame f, g;
	uint8_t out[sizeof(example)];

	CHECK_OK(voice_check(c.p, c.n));
	CHECK_OK(voice_frame_next(&c, &f));
	CHECK(f.call == 1 && f.number == 7 && f.source == 0 && f.marker);
	CHECK(f.pt == 8 && f.seq == 1000 && f.ts == 160000 && f.n == 4);
	CHECK_MEM(f.payload, "\xd5\xd5\xd5\xd5", 4);
	CHECK_OK(voice_frame_next(&c, &g));
	CHECK(g.call == 258 && g.number == 65535 && g.source == 2);
	CHECK(!g.marker && g.pt == 101 && g.seq == 65534);
	CHECK(g.ts == 0xfffffff0 && g.n == 4 && g.payload[1] == 0x8a);
	CHECK_ERR(voice_frame_next(&c, &g), ENOENT);
	voice_frame_put(out, &f);
	CHECK_MEM(out, example, 18);
}

TEST(voice_frames_cut_off)
{
	uint8_t p[sizeof(example)];

	for (size_t n = 0; n < sizeof(example); n++)
		CHECK_ERR(voice_check(rdtest_exact(example, n), n),
			  n && n != 18 ? EBADMSG : 0);
	memcpy(p, example, sizeof(p));
	p[1] = 0;	/* call 0 is no call */
	CHECK_ERR(voice_check(p, sizeof(p)), EBADMSG);
	p[1] = 1;
	p[31] = 5;	/* one octet more than there is */
	CHECK_ERR(voice_check(rdtest_exact(p, sizeof(p)), sizeof(p)), EBADMSG);
}

TEST(voice_heads)
{
	uint8_t p[VOICE_BYTES_MAX + 1] = {0};
	uint64_t counter;
	uint32_t key;

	voice_head_put(p, 0x01020304, 0x1122334455667788);
	CHECK_OK(voice_head_parse(p, 28, &key, &counter));
	CHECK(key == 0x01020304 && counter == 0x1122334455667788);
	CHECK_OK(voice_head_parse(p, VOICE_BYTES_MAX, &key, &counter));
	CHECK_ERR(voice_head_parse(p, 27, &key, &counter), EBADMSG);
	CHECK_ERR(voice_head_parse(p, sizeof(p), &key, &counter), EBADMSG);
	voice_head_put(p, 1, UINT64_MAX);
	CHECK_ERR(voice_head_parse(p, 28, &key, &counter), EBADMSG);
	memset(p, 0, 12);
	CHECK_ERR(voice_head_parse(p, 28, &key, &counter), EBADMSG);
}
