/* SPDX-License-Identifier: ISC */
/** @file voice.c  What travels on a path's voice port: datagrams of frames */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include "proto/voice.h"

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

void voice_frame_put(uint8_t *out, const struct voice_frame *f)
{
	assert(f->call && f->pt < 128 && f->n <= VOICE_PAYLOAD_MAX);
	put16(out, f->call);
	put16(out + 2, f->number);
	out[4] = f->source;
	out[5] = (uint8_t)(f->marker << 7 | f->pt);
	put16(out + 6, f->seq);
	put32(out + 8, f->ts);
	put16(out + 12, (uint16_t)f->n);
	if (f->n)
		memcpy(out + VOICE_FRAME_HEAD_BYTES, f->payload, f->n);
}

int voice_frame_next(struct cur *c, struct voice_frame *out)
{
	const uint8_t *p = c->p;

	if (c->bad)
		return EBADMSG;
	if (!c->n)
		return ENOENT;
	if (c->n < VOICE_FRAME_HEAD_BYTES)
		return EBADMSG;
	out->call = be16(p);
	out->number = be16(p + 2);
	out->source = p[4];
	out->marker = p[5] >> 7;
	out->pt = p[5] & 127;
	out->seq = be16(p + 6);
	out->ts = be32(p + 8);
	out->n = be16(p + 12);
	if (!out->call || out->n > c->n - VOICE_FRAME_HEAD_BYTES)
		return EBADMSG;
	out->payload = p + VOICE_FRAME_HEAD_BYTES;
	c->p += VOICE_FRAME_HEAD_BYTES + out->n;
	c->n -= VOICE_FRAME_HEAD_BYTES + out->n;
	return 0;
}

int voice_check(const void *p, size_t n)
{
	struct cur c = cur_of(p, n);
	struct voice_frame f;
	int err;

	do {
		err = voice_frame_next(&c, &f);
	} while (!err);
	return err == ENOENT ? 0 : EBADMSG;
}

void voice_head_put(uint8_t out[VOICE_HEAD_BYTES], uint32_t key,
		    uint64_t counter)
{
	assert(key);
	put32(out, key);
	put32(out + 4, (uint32_t)(counter >> 32));
	put32(out + 8, (uint32_t)counter);
}

int voice_head_parse(const void *p, size_t n, uint32_t *key, uint64_t *counter)
{
	const uint8_t *o = p;

	if (n < VOICE_HEAD_BYTES + VOICE_TAG_BYTES || n > VOICE_BYTES_MAX)
		return EBADMSG;
	*key = be32(o);
	*counter = (uint64_t)be32(o + 4) << 32 | be32(o + 8);
	return *key && *counter != UINT64_MAX ? 0 : EBADMSG;
}
