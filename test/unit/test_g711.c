/* SPDX-License-Identifier: ISC */
/** @file test_g711.c  media/g711: the tables' edges, tones, level */
#include "media/g711.h"
#include "rdtest.h"

TEST(g711_known_values)
{
	/* G.711 tables: silence, full scale, smallest steps */
	CHECK_EQ(g711_encode(G711_ULAW, 0), 0xff);
	CHECK_EQ(g711_encode(G711_ULAW, INT16_MAX), 0x80);
	CHECK_EQ(g711_encode(G711_ULAW, INT16_MIN), 0x00);
	CHECK(g711_decode(G711_ULAW, 0x80) == 32124);
	CHECK(g711_decode(G711_ULAW, 0x00) == -32124);
	CHECK(g711_decode(G711_ULAW, 0xff) == 0);
	CHECK_EQ(g711_encode(G711_ALAW, 0), 0xd5);
	CHECK_EQ(g711_encode(G711_ALAW, -1), 0x55);
	CHECK_EQ(g711_encode(G711_ALAW, INT16_MAX), 0xaa);
	CHECK_EQ(g711_encode(G711_ALAW, INT16_MIN), 0x2a);
	CHECK(g711_decode(G711_ALAW, 0xd5) == 8);
	CHECK(g711_decode(G711_ALAW, 0x55) == -8);
	CHECK(g711_decode(G711_ALAW, 0xaa) == 32256);
	CHECK(g711_decode(G711_ALAW, 0x2a) == -32256);
}

static void law(enum g711_law l)
{
	int16_t last = INT16_MIN;

	/* each octet is what its own value encodes to; both zeros of u-law
	   are one value */
	for (int i = 0; i < 256; i++) {
		const int16_t v = g711_decode(l, (uint8_t)i);
		const uint8_t o = g711_encode(l, v);

		CHECK(o == i || (l == G711_ULAW && i == 0x7f && o == 0xff));
	}
	/* never down, and never off by more than half a step */
	for (int v = INT16_MIN; v <= INT16_MAX; v++) {
		const int16_t d = g711_decode(l, g711_encode(l, (int16_t)v));
		const int size = v < 0 ? -v : v, off = d > v ? d - v : v - d;

		CHECK(d >= last);
		CHECK(off <= (size > 31900 ? 1000 : size / 32 + 8));
		last = d;
	}
}

TEST(g711_round_trip)
{
	law(G711_ULAW);
	law(G711_ALAW);
}

TEST(g711_tone_and_level)
{
	const struct g711_tone t = {.hz = 425, .peak = 3277}; /* -20 dBov */
	const struct g711_tone none = {0};
	uint8_t p[G711_HZ];
	unsigned rises = 0;

	for (int i = 0; i < 2; i++) {
		const enum g711_law l = i ? G711_ALAW : G711_ULAW;

		g711_tone(l, &t, p, sizeof(p));
		/* a sine's power is half its peak's: 3 dB less */
		CHECK_EQ(g711_level(l, p, sizeof(p)), 23);
	}
	for (size_t i = 1; i < sizeof(p); i++)
		rises += g711_decode(G711_ALAW, p[i - 1]) < 0 &&
			 g711_decode(G711_ALAW, p[i]) >= 0;
	CHECK(rises >= 424 && rises <= 425);
	memset(p, g711_encode(G711_ULAW, 8), sizeof(p));	/* -72.2 */
	CHECK_EQ(g711_level(G711_ULAW, p, sizeof(p)), 72);
	g711_tone(G711_ULAW, &none, p, sizeof(p));
	CHECK_EQ(g711_level(G711_ULAW, p, sizeof(p)), 127);
	memset(p, g711_encode(G711_ULAW, INT16_MAX), sizeof(p));
	CHECK_EQ(g711_level(G711_ULAW, p, sizeof(p)), 0);
	CHECK_EQ(g711_level(G711_ULAW, p, 0), 127);
}
