/* SPDX-License-Identifier: ISC */
/** @file fuzz_card.c  Cards print back; any two of them pair or say why not */
#include <errno.h>
#include "fuzz/fuzz.h"
#include "proto/card.h"

static void print_back(const struct card *c, const uint8_t *data, size_t size)
{
	struct buf b;

	buf_init(&b, CARD_BYTES_MAX);
	card_print(c, c->has_share, &b);
	MUST(!b.err && b.n == size && !memcmp(b.p, data, size));
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *where = NULL;
	struct card own = {0}, c;
	struct pairing a, b;
	int err;

	if (card_parse(data, size, &c, &where)) {
		MUST(where && *where);
		return 0;
	}
	print_back(&c, data, size);
	memcpy(own.name, "own.example", 12);
	memset(own.log, 0x80, KEY_BYTES);
	memset(own.cosigner, 0x81, KEY_BYTES);
	memset(own.trunk, 0x82, KEY_BYTES);
	own.has_share = true;
	err = pairing_make(&a, &own, &c);
	MUST(!err || err == EEXIST);
	if (err)
		return 0;
	MUST(!pairing_make(&b, &c, &own));
	MUST(!strcmp(a.joint_origin, b.joint_origin));
	MUST(!memcmp(a.word, b.word, WORDS));
	MUST(!memcmp(a.dial_psk, b.listen_psk, sizeof(a.dial_psk)));
	return 0;
}
