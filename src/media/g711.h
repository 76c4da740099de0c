/* SPDX-License-Identifier: ISC */
/**
 * @file g711.h  G.711 and tones in it: what announcements are made of
 *
 * Source: ITU-T G.711 (11/88), tables 1 and 2.  8000 samples a second.
 */
#ifndef MEDIA_G711_H
#define MEDIA_G711_H

#include <stddef.h>
#include <stdint.h>

#define G711_HZ 8000

enum g711_law {
	G711_ULAW = 0,	/* RTP payload type 0 */
	G711_ALAW = 8	/* and 8 */
};

/** One sample, 16 bits with sign, to an octet and back. */
uint8_t g711_encode(enum g711_law law, int16_t sample);
int16_t g711_decode(enum g711_law law, uint8_t octet);

/** Up to two sines, or silence. */
struct g711_tone {
	uint16_t hz, hz2;	/* 0: none */
	int16_t peak;		/* of each: 16 bits, 32767 is about +3 dBm0 */
};

/** @p n octets of the tone, from phase 0 on. */
void g711_tone(enum g711_law law, const struct g711_tone *t, uint8_t *out,
	       size_t n);
/** Loudness of @p n octets: 0 to 127, -dBov as in RFC 6464; 127: silence. */
unsigned g711_level(enum g711_law law, const uint8_t *p, size_t n);

#endif
