/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz.h  What a fuzz target is: one function, no state from run to run
 *
 * With libFuzzer (make fuzz) it is called with what the fuzzer makes up; with
 * replay.c (make check) with the files of test/fuzz/corpus/NAME.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What must hold whatever comes in.  Unlike assert() it is always there. */
#define MUST(cond)                                                             \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, \
				__LINE__, #cond);                              \
			abort();                                               \
		}                                                              \
	} while (0)

#endif
