/* SPDX-License-Identifier: ISC */
/** @file test_path.c  core/path: beats, hysteresis, silence, redial */
#include "core/path.h"
#include "rdtest.h"

#define HALF 0x80000000u

/* Drive the path to t, beats of the peer every 250 ms if asked; gives what
   path_tick() wanted on the way */
static unsigned run(struct path *p, uint64_t *now, uint64_t until, bool beats)
{
	struct beat b = {.turn_age_ms = 10};
	unsigned want = 0;

	for (; *now < until; ++*now) {
		if (beats && *now % BEAT_MS == 0) {
			b.stamp_us = *now * 1000;
			path_beat_in(p, *now, *now * 1000, &b);
		}
		want |= path_tick(p, *now);
		if (want & PATH_WANT_CUT)
			break;
	}
	return want;
}

static void up(struct path *p, uint64_t now)
{
	path_init(p, true, now);
	CHECK(path_tick(p, now) == PATH_WANT_DIAL);
	path_dialled(p, now);
	CHECK(p->state == PATH_CONNECTING);
	path_connected(p, now);
	CHECK(p->state == PATH_HANDSHAKE);
	path_greeted(p, now);
	path_joined(p, now);
	CHECK(p->state == PATH_UP);
}

TEST(path_opens_in_time)
{
	struct path p;

	path_init(&p, true, 1000);
	CHECK_EQ(path_deadline_ms(&p), 1000);
	path_dialled(&p, 1000);
	CHECK_EQ(path_deadline_ms(&p), 1000 + PATH_OPEN_MS_MAX);
	path_connected(&p, 4000);	/* the time goes on, it does not start anew */
	CHECK(path_tick(&p, 5999) == 0);
	CHECK(path_tick(&p, 6000) == PATH_WANT_CUT);
	CHECK_STR(p.why, "no HELLO within 5 s");
	path_init(&p, true, 1000);
	path_dialled(&p, 1000);
	CHECK(path_tick(&p, 6000) == PATH_WANT_CUT);
	CHECK_STR(p.why, "no answer within 5 s");
	path_init(&p, false, 1000);
	CHECK(path_tick(&p, 1000) == 0);	/* an accepted one never dials */
	CHECK_EQ(path_deadline_ms(&p), UINT64_MAX);
	path_connected(&p, 2000);
	CHECK_EQ(path_deadline_ms(&p), 2000 + PATH_OPEN_MS_MAX);
	CHECK_STR(path_state_name(PATH_SUSPECT), "suspect");
}

TEST(path_beats_from_hello_on)
{
	struct path p;

	path_init(&p, false, 1000);
	path_connected(&p, 1000);
	CHECK(path_tick(&p, 1500) == 0);	/* HELLO must be the first frame */
	path_greeted(&p, 1500);
	CHECK_EQ(path_deadline_ms(&p), 1500);
	CHECK(path_tick(&p, 1500) == PATH_WANT_BEAT);
	CHECK(path_tick(&p, 1749) == 0);
	CHECK_EQ(path_deadline_ms(&p), 1750);
	CHECK(path_tick(&p, 1750) == PATH_WANT_BEAT);
	path_joined(&p, 1800);
	CHECK(path_tick(&p, 2000) == PATH_WANT_BEAT);
}

TEST(path_silence)
{
	struct path p;
	uint64_t now = 1000;

	up(&p, now);
	CHECK(run(&p, &now, 10000, true) == PATH_WANT_BEAT);
	CHECK(p.state == PATH_UP);
	/* the last beat came at 9750 */
	CHECK(run(&p, &now, 9750 + BEAT_LATE_MS + 1, false) <= PATH_WANT_BEAT);
	CHECK(p.state == PATH_UP);
	CHECK(run(&p, &now, 9750 + BEAT_LATE_MS + 2, false) <= PATH_WANT_BEAT);
	CHECK(p.state == PATH_SUSPECT);
	CHECK_STR(p.why, "beats are missing");
	CHECK(run(&p, &now, 20000, false) & PATH_WANT_CUT);
	CHECK_EQ(now, 9750 + PATH_SILENT_MS);
	CHECK(now - 9750 <= 1000);
	CHECK_STR(p.why, "silent for 1 s");
	path_lost(&p, now, HALF);
	CHECK(p.state == PATH_DOWN);
	CHECK(path_tick(&p, now) == PATH_WANT_DIAL);	/* at once */
}

TEST(path_octets_without_beats)
{
	struct path p;

	up(&p, 1000);
	for (uint64_t now = 1000; now < 9000; now += 100) {
		path_heard(&p, now);	/* a long frame on a slow path */
		CHECK(!(path_tick(&p, now) & PATH_WANT_CUT));
	}
	CHECK(p.state == PATH_SUSPECT);
}

TEST(path_hysteresis)
{
	struct beat b = {.turn_age_ms = 10};
	struct path p;

	up(&p, 1000);
	path_heard(&p, 1700);
	(void)path_tick(&p, 1801);
	CHECK(p.state == PATH_SUSPECT);
	path_beat_in(&p, 1850, 1850000, &b);
	path_beat_in(&p, 2100, 2100000, &b);
	CHECK(p.state == PATH_SUSPECT);
	path_heard(&p, 2600);
	path_beat_in(&p, 2100 + BEAT_LATE_MS + 1, 2901000, &b);	/* a gap */
	path_beat_in(&p, 3000, 3000000, &b);
	CHECK(p.state == PATH_SUSPECT);
	path_beat_in(&p, 3100, 3100000, &b);
	CHECK(p.state == PATH_UP);
	CHECK_STR(p.why, "");
	CHECK_EQ(p.since_ms, 3100);
}

TEST(path_their_keeper_hangs)
{
	struct beat b = {.turn_age_ms = KEEPER_AGE_MS_MAX};
	struct path p;

	up(&p, 1000);
	path_beat_in(&p, 1100, 1100000, &b);
	CHECK(p.state == PATH_UP);
	b.turn_age_ms++;
	for (uint64_t now = 1200; now < 3000; now += BEAT_MS) {
		path_beat_in(&p, now, now * 1000, &b);
		CHECK(!(path_tick(&p, now) & PATH_WANT_CUT));
		CHECK(p.state == PATH_SUSPECT);
		CHECK_STR(p.why, "their keeper hangs");
	}
	b.turn_age_ms = 0;
	path_beat_in(&p, 3000, 3000000, &b);
	path_beat_in(&p, 3250, 3250000, &b);
	CHECK(p.state == PATH_SUSPECT);
	path_beat_in(&p, 3500, 3500000, &b);
	CHECK(p.state == PATH_UP);
}

/* While we do not read ourselves, nobody is judged for silence */
TEST(path_held)
{
	struct path p;

	up(&p, 1000);
	for (uint64_t now = 1000; now < 9000; now += 500) {
		path_held(&p, now);
		CHECK(!(path_tick(&p, now) & PATH_WANT_CUT));
	}
	CHECK(p.state == PATH_UP);
	CHECK(path_tick(&p, 8500 + PATH_SILENT_MS) & PATH_WANT_CUT);
}

TEST(path_round_trip)
{
	struct beat out = {0}, in = {0};
	struct path p;

	up(&p, 1000);
	path_beat_out(&p, 1000000, &out);
	CHECK_EQ(out.stamp_us, 1000000);
	CHECK_EQ(out.echo_us, 0);
	CHECK_EQ(out.echo_age_us, 0);
	in = (struct beat){
		.stamp_us = 77, .echo_us = 1000000, .echo_age_us = 5000};
	path_beat_in(&p, 1045, 1045000, &in);
	CHECK_EQ(p.rtt_us, 40000);
	CHECK_EQ(p.rttvar_us, 20000);
	/* the same echo again says nothing new */
	path_beat_in(&p, 1999, 1999000, &in);
	CHECK_EQ(p.rtt_us, 40000);
	path_beat_out(&p, 2000000, &out);
	CHECK_EQ(out.echo_us, 77);
	CHECK_EQ(out.echo_age_us, 2000000 - 1045000);
	in = (struct beat){.stamp_us = 78, .echo_us = 2000000};
	path_beat_in(&p, 2080, 2080000, &in);
	CHECK_EQ(p.rtt_us, (7 * 40000 + 80000) / 8);
	CHECK_EQ(p.rttvar_us, (3 * 20000 + 40000) / 4);
	/* stamps that we never sent, ages longer than the time */
	in = (struct beat){.stamp_us = 79, .echo_us = 2000001};
	path_beat_in(&p, 2090, 2090000, &in);
	path_beat_out(&p, 3000000, &out);
	in = (struct beat){
		.stamp_us = 80, .echo_us = 3000000, .echo_age_us = UINT32_MAX};
	path_beat_in(&p, 3001, 3001000, &in);
	CHECK_EQ(p.rtt_us, (7 * 40000 + 80000) / 8);
	/* a stamp that goes back is not echoed */
	in = (struct beat){.stamp_us = 5};
	path_beat_in(&p, 3002, 3002000, &in);
	path_beat_out(&p, 3003000, &out);
	CHECK_EQ(out.echo_us, 80);
}

/* The wait before dial n, for one roll of the dice */
static uint64_t wait_after(struct path *p, uint64_t *now, uint32_t random)
{
	path_dialled(p, *now);
	path_lost(p, *now, random);
	CHECK(path_tick(p, p->retry_ms) == PATH_WANT_DIAL);
	return p->retry_ms - *now;
}

TEST(path_redial)
{
	static const uint64_t early[] = {250, 500, 1000, 2000, 2000, 2000};
	struct path p;
	uint64_t now = 1000, w;

	path_init(&p, true, now);
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		CHECK_EQ(wait_after(&p, &now, 0), early[i]);
		now = p.retry_ms;
	}
	now = 1000 + PATH_PATIENT_MS;
	w = wait_after(&p, &now, 0);
	CHECK(w > PATH_RETRY_MS_MAX && w <= PATH_REST_MS_MAX);
	for (int i = 0; i < 40; i++)	/* the doubling does not overflow */
		CHECK(wait_after(&p, &now, 0) <= PATH_REST_MS_MAX);
	/* chance takes a quarter at most, and is used */
	w = wait_after(&p, &now, UINT32_MAX);
	CHECK(w >= PATH_REST_MS_MAX * 3 / 4 && w < PATH_REST_MS_MAX * 4 / 5);
}

TEST(path_redial_steady_only)
{
	struct path p;
	uint64_t now = 1000;

	up(&p, now);
	now += PATH_STEADY_MS - 1;
	path_lost(&p, now, 0);	/* up, but not for long: no tight loop */
	CHECK_EQ(p.retry_ms, now + PATH_RETRY_MS);
	path_dialled(&p, now);
	path_connected(&p, now);
	path_joined(&p, now);
	path_lost(&p, now, 0);
	CHECK_EQ(p.retry_ms, now + 2 * PATH_RETRY_MS);
	path_dialled(&p, now);
	path_connected(&p, now);
	path_joined(&p, now);
	path_lost(&p, now + PATH_STEADY_MS, 0);
	CHECK_EQ(p.retry_ms, now + PATH_STEADY_MS);
	CHECK_EQ(p.failures, 0);
}
