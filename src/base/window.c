/* SPDX-License-Identifier: ISC */
/** @file window.c  Which of the newest numbers were seen */
#include <assert.h>
#include "base/window.h"

bool window_fresh(const struct window *w, uint64_t i)
{
	assert(w->words > 1);
	if (i >= w->next)
		return true;
	if (w->next - i > (uint64_t)(w->words - 1) * 64)
		return false;
	return !(w->bits[i / 64 % w->words] >> i % 64 & 1);
}

void window_mark(struct window *w, uint64_t i)
{
	assert(w->words > 1 && i < UINT64_MAX);
	if (i >= w->next) {
		const uint64_t last = w->next ? (w->next - 1) / 64 : 0;
		uint64_t steps = i / 64 - last;

		if (steps > w->words)
			steps = w->words;
		for (uint64_t k = 0; k < steps; k++)
			w->bits[(i / 64 - k) % w->words] = 0;
		w->next = i + 1;
	}
	w->bits[i / 64 % w->words] |= 1ULL << i % 64;
}

uint64_t window_expand16(uint64_t ref, uint16_t low)
{
	uint64_t i = (ref & ~0xffffULL) | low;

	if (i + 0x8000 < ref)
		i += 0x10000;
	else if (i > ref + 0x8000 && i >= 0x10000)
		i -= 0x10000;
	return i;
}
