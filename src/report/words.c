/* SPDX-License-Identifier: ISC */
/** @file words.c  Every phrase, in both languages */
#include "report/inner.h"

const char *phrase(enum report_lang lang, enum phrase p)
{
	static const char *const words[PHRASES][REPORT_LANGS] = {
#define PHRASE(name, english, korean) {english, korean},
#include "report/words.def"
#undef PHRASE
	};

	return words[p][lang == REPORT_KO ? REPORT_KO : REPORT_EN];
}
