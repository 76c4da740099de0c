/* SPDX-License-Identifier: ISC */
/** @file test_rtpstat.c  media/rtpstat: loss, order, jumps, jitter */
#include "media/rtpstat.h"
#include "rdtest.h"

#define HZ 8000

/* Packet number i of a stream of 20 ms packets, late by us */
static void packet(struct rtpstat *s, uint32_t i, uint64_t late_us)
{
	rtpstat_packet(s, (uint16_t)i, i * 160, 160, HZ,
		       1000000 + i * 20000ULL + late_us);
}

TEST(rtpstat_loss_and_order)
{
	struct rtpstat s = {0};
	struct rtcp_report r;

	for (uint32_t i = 65000; i < 67000; i++) {
		if (i % 100 == 7)
			continue;	/* 20 of 2000 */
		if (i == 65536 || i == 66010)
			continue;
		packet(&s, i, 0);
		if (i == 65537 || i == 66011)
			packet(&s, i - 1, 0);
	}
	CHECK_EQ(s.packets, 1980);
	CHECK_EQ(s.octets, 1980 * 160);
	CHECK_EQ(rtpstat_lost(&s), 20);
	CHECK_EQ(s.late, 2);
	CHECK_EQ(rtpstat_jitter_us(&s, HZ) / 1000, 0);
	rtpstat_report(&s, &r);
	CHECK_EQ(r.fraction, 20 * 256 / 2000);
	CHECK(r.lost == 20 && r.highest_seq == 66999);
	/* the second report counts from the first */
	for (uint32_t i = 67000; i < 67100; i += 2)
		packet(&s, i, 0);
	rtpstat_report(&s, &r);
	CHECK_EQ(r.fraction, 49 * 256 / 99);
	CHECK_EQ((uint64_t)r.lost, 69);
	rtpstat_report(&s, &r);
	CHECK_EQ(r.fraction, 0);
}

TEST(rtpstat_jump_and_stray)
{
	struct rtpstat s = {0};

	for (uint32_t i = 0; i < 100; i++)
		packet(&s, i, 0);
	packet(&s, 30000, 0);	/* one stray */
	for (uint32_t i = 100; i < 200; i++)
		packet(&s, i, 0);
	CHECK_EQ(rtpstat_lost(&s), 0);
	CHECK_EQ(s.jumps, 0);
	CHECK_EQ(s.highest, 199);
	packet(&s, 205, 0);
	for (uint32_t i = 40000; i < 40100; i++)
		packet(&s, i, 0);
	CHECK_EQ(s.jumps, 1);
	CHECK_EQ(s.highest, 40099);
	CHECK_EQ(s.packets, 302);
	/* 5 before the jump; the stray and the first of the jump filled two */
	CHECK_EQ(rtpstat_lost(&s), 3);
	/* another source: no loss in between */
	rtpstat_restart(&s);
	for (uint32_t i = 7; i < 100; i++)
		packet(&s, i, 0);
	CHECK_EQ(rtpstat_lost(&s), 3);
	CHECK_EQ(s.jumps, 1);
}

TEST(rtpstat_jitter)
{
	struct rtpstat s = {0};

	/* every second packet late by 4 ms: |D| is always 4 ms */
	for (uint32_t i = 0; i < 500; i++)
		packet(&s, i, i % 2 * 4000);
	CHECK(rtpstat_jitter_us(&s, HZ) >= 3800);
	CHECK(rtpstat_jitter_us(&s, HZ) <= 4000);
	CHECK(rtpstat_jitter_max_us(&s, HZ) >= rtpstat_jitter_us(&s, HZ));
	for (uint32_t i = 500; i < 1000; i++)
		packet(&s, i, 0);
	CHECK(rtpstat_jitter_us(&s, HZ) <= 125);
	CHECK(rtpstat_jitter_max_us(&s, HZ) >= 3800);
	/* an event: the same timestamp again and again */
	for (uint32_t i = 0; i < 50; i++)
		rtpstat_packet(&s, (uint16_t)(1000 + i), 999 * 160, 4, HZ,
			       1000000 + (1000 + i) * 20000ULL);
	CHECK(rtpstat_jitter_us(&s, HZ) <= 125);
	CHECK_EQ(rtpstat_jitter_us(&s, 0), 0);
}

TEST(rtpstat_nothing_came)
{
	struct rtpstat s = {0};
	struct rtcp_report r;

	rtpstat_report(&s, &r);
	CHECK(!r.fraction && !r.lost && !rtpstat_lost(&s));
	packet(&s, 5, 0);
	rtpstat_report(&s, &r);
	CHECK(!r.fraction && r.highest_seq == 5);
}
