/* SPDX-License-Identifier: ISC */
/** @file cli_words.c  English or Korean, by the locale */
#include <stdlib.h>
#include <string.h>
#include "cmd/cli.h"

static const struct {
	const char *english, *korean;
} words[] = {
#define WORDS(english, korean) {english, korean},
#include "cmd/cli_words.def"
#undef WORDS
};

static bool korean;

void words_begin(void)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *v = getenv(names[i]);

		if (!v || !*v)
			continue;
		korean = !strncmp(v, "ko", 2) &&
			 (v[2] == '_' || v[2] == '.' || v[2] == '@' || !v[2]);
		return;
	}
}

bool words_korean(void)
{
	return korean;
}

const char *tr(const char *english)
{
	for (size_t i = 0; korean && i < sizeof(words) / sizeof(words[0]);
	     i++) {
		if (!strcmp(words[i].english, english))
			return words[i].korean;
	}
	return english;
}
