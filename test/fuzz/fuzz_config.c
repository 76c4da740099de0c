/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_config.c  The configuration: what is taken prints and reads back
 *                      the same, and every refusal is one line of text
 */
#include "fuzz/fuzz.h"
#include "proto/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct config c, back;
	char why[CONFIG_WHY_CHARS];
	struct buf b;

	if (config_parse(p, n, "fuzz", &c, why)) {
		MUST(*why && utf8_ok(why, strlen(why), false));
		return 0;
	}
	buf_init(&b, CONFIG_BYTES_MAX);
	config_print_template(&c, &b);
	MUST(!b.err);
	MUST(!config_parse(b.p, b.n, "printed", &back, why));
	MUST(!memcmp(&c, &back, sizeof(c)));
	buf_free(&b);
	return 0;
}
