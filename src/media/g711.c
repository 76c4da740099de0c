/* SPDX-License-Identifier: ISC */
/** @file g711.c  G.711 and tones in it */
#include "media/g711.h"

#define ULAW_BIAS 132	/* 33 in 14 bits: moves the segments to powers of 2 */
#define ULAW_MAX 32635

/* Position of the highest bit above bit 7: the segment, 0 to 7 */
static unsigned segment(unsigned v)
{
	unsigned s = 0;

	for (v >>= 8; v; v >>= 1)
		s++;
	return s;
}

static uint8_t ulaw_encode(int sample)
{
	const unsigned sign = sample < 0 ? 0x80 : 0;
	unsigned v = (unsigned)(sample < 0 ? -sample : sample), s;

	v = (v > ULAW_MAX ? ULAW_MAX : v) + ULAW_BIAS;
	s = segment(v);
	return (uint8_t) ~(sign | s << 4 | (v >> (s + 3) & 15));
}

static int16_t ulaw_decode(uint8_t octet)
{
	const uint8_t o = (uint8_t)~octet;
	const unsigned s = o >> 4 & 7;
	const int v = (int)(((o & 15u) << 3 | ULAW_BIAS) << s) - ULAW_BIAS;

	return (int16_t)(o & 0x80 ? -v : v);
}

static uint8_t alaw_encode(int sample)
{
	const unsigned sign = sample < 0 ? 0 : 0x80;
	const unsigned v = (unsigned)(sample < 0 ? ~sample : sample);
	const unsigned s = segment(v), shift = s ? s + 3 : 4;

	return (uint8_t)((sign | s << 4 | (v >> shift & 15)) ^ 0x55);
}

static int16_t alaw_decode(uint8_t octet)
{
	const uint8_t o = octet ^ 0x55;
	const unsigned s = o >> 4 & 7;
	int v = (int)((o & 15u) << 4) + 8;

	if (s)
		v = (v + 256) << (s - 1);
	return (int16_t)(o & 0x80 ? v : -v);
}

uint8_t g711_encode(enum g711_law law, int16_t sample)
{
	return law == G711_ULAW ? ulaw_encode(sample) : alaw_encode(sample);
}

int16_t g711_decode(enum g711_law law, uint8_t octet)
{
	return law == G711_ULAW ? ulaw_decode(octet) : alaw_decode(octet);
}

/* Sine of phase / 65536 of a turn, by Bhaskara's fraction: off by 0.2 % at
   most, which is below what G.711 itself adds */
static int sine(uint16_t phase, int peak)
{
	const int64_t half = 32768, p = phase & 32767, q = p * (half - p);
	const int64_t v = 16 * q * peak / (5 * half * half - 4 * q);

	return (int)(phase & 32768 ? -v : v);
}

void g711_tone(enum g711_law law, const struct g711_tone *t, uint8_t *out,
	       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint16_t a =
			(uint16_t)((uint64_t)i * t->hz * 65536 / G711_HZ);
		const uint16_t b =
			(uint16_t)((uint64_t)i * t->hz2 * 65536 / G711_HZ);
		int v = sine(a, t->peak) + sine(b, t->peak);

		if (v > INT16_MAX)
			v = INT16_MAX;
		if (v < INT16_MIN)
			v = INT16_MIN;
		out[i] = g711_encode(law, (int16_t)v);
	}
}

unsigned g711_level(enum g711_law law, const uint8_t *p, size_t n)
{
	const uint64_t full = (uint64_t)32768 * 32768;
	uint64_t sum = 0, mean, top;
	unsigned level = 0;

	for (size_t i = 0; i < n; i++) {
		const int64_t v = g711_decode(law, p[i]);

		sum += (uint64_t)(v * v);
	}
	mean = n ? sum / n : 0;
	if (!mean)
		return 127;
	/* a decibel is a factor of 10^(1/10) in power; half of one first, for
	   the nearest */
	for (top = full * 8913 / 10000; top > mean && level < 127; level++)
		top = top * 7943 / 10000;
	return level;
}
