/* SPDX-License-Identifier: ISC */
/**
 * @file fuzz_agreement.c  What parses prints back; its instants are consistent
 *
 * The first 8 octets choose the instants that are looked at.
 */
#include <errno.h>
#include "fuzz/fuzz.h"
#include "proto/agreement.h"

#define LOOKS 12 /* instants of each check, changes of hours */

static void print_back(const struct agreement *a, const void *p, size_t n)
{
	struct buf b;

	buf_init(&b, AGREEMENT_BYTES_MAX);
	MUST(!agreement_print(a, &b));
	MUST(b.n == n && !memcmp(b.p, p, n));
	buf_free(&b);
	buf_init(&b, 8 * AGREEMENT_BYTES_MAX);
	MUST(!agreement_diff(NULL, a, &b) && b.n);
	for (size_t i = 0; i < b.n; i++)
		MUST((i && b.p[i - 1] != '\n') || b.p[i] == '+');
	buf_reset(&b);
	MUST(!agreement_diff(a, a, &b) && b.n);
	for (size_t i = 0; i < b.n; i++)
		MUST((i && b.p[i - 1] != '\n') || b.p[i] == '=');
	buf_free(&b);
}

static bool holiday(const struct agreement *a, int64_t ms)
{
	for (size_t i = 0; i < a->holidays; i++) {
		const struct agreement_holiday *h = &a->holiday[i];

		if (calendar_day(calendar_local(&a->clock[h->side], ms)) ==
		    h->day)
			return true;
	}
	return false;
}

static void look_at_checks(const struct agreement *a, int64_t after)
{
	for (size_t i = 0; i < a->checks; i++) {
		int64_t at = after;

		for (int k = 0; k < LOOKS; k++) {
			const int64_t next = agreement_check_next(a, i, at),
				      half = at / 2 + next / 2;

			if (next == INT64_MAX)
				break;
			MUST(next > at && next >= a->from_ms);
			MUST(next <= CALENDAR_MS_MAX && !(next % 1000));
			MUST(agreement_due(a, i, next) && !holiday(a, next));
			MUST(half == next || !agreement_due(a, i, half) ||
			     half == at);
			MUST(agreement_check_next(a, i, next - 1) == next);
			at = next;
		}
	}
}

static void look_at_hours(const struct agreement *a, int64_t ms)
{
	bool open = agreement_open_at(a, ms);
	const int64_t since = agreement_hours_since(a, ms);

	MUST(since <= ms || since == a->from_ms);
	MUST(ms < a->from_ms || agreement_open_at(a, since) == open);
	for (int k = 0; k < LOOKS; k++) {
		const int64_t next = agreement_hours_next(a, ms);

		if (next == INT64_MAX) {
			MUST(agreement_open_at(a, CALENDAR_MS_MAX) == open);
			break;
		}
		MUST(next > ms && next >= a->from_ms);
		MUST(agreement_open_at(a, next) == !open);
		MUST(agreement_open_at(a, next - 1) == open);
		MUST(agreement_open_at(a, ms + (next - ms) / 2) == open);
		MUST(agreement_hours_since(a, next) == next);
		MUST(!agreement_open_at(a, next) || !a->hours ||
		     !holiday(a, next));
		open = !open;
		ms = next;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agreement_fault why = {0, NULL};
	struct agreement *a = NULL;
	uint64_t at = 0;
	int err;

	if (size < sizeof(at))
		return 0;
	memcpy(&at, data, sizeof(at));
	data += sizeof(at);
	size -= sizeof(at);
	err = agreement_parse(data, size, &a, &why);
	if (err) {
		MUST(err == EBADMSG && why.line && why.rule && !a);
		return 0;
	}
	MUST(size <= AGREEMENT_BYTES_MAX);
	MUST(utf8_ok((const char *)data, size, true));
	print_back(a, data, size);
	for (size_t i = 0; i < 2; i++) {
		/* near its beginning, then anywhere */
		const int64_t ms =
			i ? (int64_t)(at % CALENDAR_MS_MAX)
			  : a->from_ms - 5000 + (int64_t)(at % (4000 * DAY_MS));

		look_at_checks(a, ms);
		look_at_hours(a, ms);
	}
	look_at_checks(a, 0);
	look_at_hours(a, 0);
	MUST(agreement_hours_next(a, (int64_t)at) > 0);
	MUST(agreement_hours_since(a, (int64_t)at) >= a->from_ms);
	agreement_free(a);
	return 0;
}
