/* SPDX-License-Identifier: ISC */
/** @file test_window.c  base/window: numbers seen, against a plain account */
#include "base/window.h"
#include "rdtest.h"

TEST(window_against_a_plain_account)
{
	enum { WORDS = WINDOW_WORDS(128), SPAN = 20000 };
	static bool seen[SPAN + 2000];
	uint64_t bits[WORDS] = {0};
	struct window w = {.bits = bits, .words = WORDS};
	uint64_t top = 0;

	memset(seen, 0, sizeof(seen));
	while (top < SPAN) {
		const uint64_t jump =
			rdtest_random() % 50 ? 4 : rdtest_random() % 700;
		const uint64_t back = rdtest_random() % 160;
		const uint64_t i = top + rdtest_random() % (jump + 1);
		const uint64_t n = i > back ? i - back : i;
		const bool old = w.next > n && w.next - n > 128;

		CHECK(window_fresh(&w, n) == (!old && !seen[n]));
		if (old || seen[n])
			continue;
		window_mark(&w, n);
		CHECK(!window_fresh(&w, n));
		seen[n] = true;
		if (n > top)
			top = n;
	}
}

TEST(window_edges)
{
	uint64_t bits[WINDOW_WORDS(128)] = {0};
	struct window w = {.bits = bits, .words = WINDOW_WORDS(128)};

	CHECK(window_fresh(&w, 0));
	window_mark(&w, 0);
	CHECK(!window_fresh(&w, 0) && window_fresh(&w, 1));
	window_mark(&w, 128);
	CHECK(!window_fresh(&w, 0));	/* marked, or too old: the same */
	CHECK(window_fresh(&w, 1));	/* 128 back from 129 */
	window_mark(&w, 129);
	CHECK(!window_fresh(&w, 1) && window_fresh(&w, 2));
	window_mark(&w, UINT64_MAX - 1);
	CHECK(!window_fresh(&w, UINT64_MAX - 1));
	CHECK(window_fresh(&w, UINT64_MAX - 128) && !window_fresh(&w, 129));
}

TEST(window_expand)
{
	CHECK_EQ(window_expand16(0, 5), 5);
	CHECK_EQ(window_expand16(0, 65530), 65530);
	CHECK_EQ(window_expand16(65535, 0), 65536);
	CHECK_EQ(window_expand16(65536, 65535), 65535);
	CHECK_EQ(window_expand16(0x30005, 0xfff0), 0x2fff0);
	CHECK_EQ(window_expand16(0x2fff0, 0x0005), 0x30005);
	CHECK_EQ(window_expand16(0x28000, 0x8001), 0x28001);
}
