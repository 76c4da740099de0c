/* SPDX-License-Identifier: ISC */
/** @file test_engine.c  media/engine: stations, its loop, its limits */
#include <arpa/inet.h>
#include <unistd.h>
#include "engine_rig.h"
#include "media/g711.h"

/* ---- stations ---- */

TEST(engine_station_to_station)
{
	struct engine_stats st;
	struct phone p[2];
	struct rig r;
	struct rtp got, first;
	uint32_t call;

	rig_start(&r, 1);
	rig_phones(&r, &call, p);
	phone_say(&p[0], 7, 1, "before it is set");
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	phone_quiet(&r, &p[1]);
	phone_say(&p[0], 7, 100, "hello");
	phone_hear(&r, &p[1], "hello", &first);
	CHECK(first.seq == 100 && first.ts == 16000 && first.pt == 8);
	phone_say(&p[1], 9, 5, "yes");
	phone_hear(&r, &p[0], "yes", &got);
	CHECK(got.ssrc != first.ssrc && got.seq == 5);
	/* another source: the stream goes on without a gap */
	phone_say(&p[0], 8, 40000, "transferred");
	phone_hear(&r, &p[1], "transferred", &got);
	CHECK(got.ssrc == first.ssrc && got.seq == 101 && got.marker);
	CHECK(got.ts - first.ts >= 1 && got.ts - first.ts < 16000);
	phone_say(&p[0], 8, 40003, "lost two");
	phone_hear(&r, &p[1], "lost two", &got);
	CHECK(got.seq == 104 && !got.marker);
	CHECK_OK(engine_stats(r.e[0], call, 0, &st));
	CHECK(st.packets == 3 && st.lost == 2 && st.sent == 1 && st.last_us);
	CHECK_EQ(st.octets, strlen("hellotransferredlost two"));
	CHECK_OK(engine_stats(r.e[0], call, 1, &st));
	CHECK(st.packets == 1 && st.sent == 3 && !st.send_failed);
	/* the same again: what waits at the socket is not thrown away */
	phone_say(&p[0], 8, 40004, "in between");
	phone_set(r.e[0], &p[0], call, 0);
	phone_hear(&r, &p[1], "in between", &got);
	engine_call_del(r.e[0], call);
	CHECK_ERR(engine_stats(r.e[0], call, 0, &st), ENOENT);
	rig_stop(&r);
}

TEST(engine_strangers_are_not_heard)
{
	static const uint8_t stun[20] = {0}, junk[20] = {0xff};
	static const uint8_t large[MEDIA_PACKET_BYTES_MAX + 1] = {0x80};
	struct sockaddr_storage a;
	struct engine_stats st;
	struct phone p[2];
	struct rig r;
	uint8_t out[256];
	uint32_t call;
	size_t n;
	int stranger;

	rig_start(&r, 1);
	rig_phones(&r, &call, p);
	stranger = rig_udp(&r, true, &a);
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	n = rig_packet(out, 7, 1, "intruder");
	rig_say_octets(stranger, &p[0], out, n);
	phone_quiet(&r, &p[1]);
	/* and from the right place, what is no RTP */
	rig_say_octets(p[0].fd, &p[0], junk, sizeof(junk));
	rig_say_octets(p[0].fd, &p[0], out, 11);
	rig_say_octets(p[0].fd, &p[0], large, sizeof(large));
	phone_quiet(&r, &p[1]);
	CHECK_OK(engine_stats(r.e[0], call, 0, &st));
	CHECK(st.refused == 3 && !st.packets);
	rig_say_octets(p[0].fd, &p[0], stun, sizeof(stun));
	phone_quiet(&r, &p[1]);
	CHECK_EQ(r.others, 1);
	rig_stop(&r);
}

TEST(engine_srtp_latches)
{
	struct sockaddr_storage a;
	struct rtpsec *out = NULL, *in = NULL;
	struct phone p[2];
	struct rig r;
	struct rtp got;
	uint8_t o[256];
	uint32_t call;
	size_t n;
	int stranger;

	rig_start(&r, 1);
	rig_phones(&r, &call, p);
	stranger = rig_udp(&r, true, &a);
	p[0].conf.remote_n = 0;
	CHECK_ERR(engine_station_set(r.e[0], call, 0, &p[0].conf),
		  EDESTADDRREQ);
	rig_crypto(&p[0].conf.in, 1);
	rig_crypto(&p[0].conf.out, 2);
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	CHECK_OK(rtpsec_alloc(&out, RTPSEC_CM80, RTPSEC_SENDER,
			      p[0].conf.in.master, p[0].conf.in.n));
	CHECK_OK(rtpsec_alloc(&in, RTPSEC_CM80, RTPSEC_RECEIVER,
			      p[0].conf.out.master, p[0].conf.out.n));
	/* a stranger comes first, and is not authentic */
	n = rig_packet(o, 7, 1, "forged forged forged");
	rig_say_octets(stranger, &p[0], o, n);
	phone_quiet(&r, &p[1]);
	n = rig_packet(o, 7, 1, "authentic");
	CHECK_OK(rtpsec_seal(out, o, &n, sizeof(o)));
	rig_say_octets(p[0].fd, &p[0], o, n);
	phone_hear(&r, &p[1], "authentic", &got);
	/* now it is known where it is */
	phone_say(&p[1], 9, 1, "answer");
	n = rig_hear_octets(&r, p[0].fd, o, sizeof(o));
	CHECK_EQ(n, 12 + 6 + 10);
	CHECK(memcmp(o + 12, "answer", 6));
	CHECK_OK(rtpsec_open(in, o, &n));
	CHECK_MEM(o + 12, "answer", 6);
	/* the same authentic octets from elsewhere: not even looked at */
	n = rig_packet(o, 7, 2, "moved");
	CHECK_OK(rtpsec_seal(out, o, &n, sizeof(o)));
	rig_say_octets(stranger, &p[0], o, n);
	phone_quiet(&r, &p[1]);
	rig_say_octets(p[0].fd, &p[0], o, n);
	phone_hear(&r, &p[1], "moved", &got);
	/* set again with the same keys: windows and place stay */
	phone_set(r.e[0], &p[0], call, 0);
	rig_say_octets(p[0].fd, &p[0], o, n);
	phone_quiet(&r, &p[1]);
	phone_say(&p[1], 9, 2, "more");
	CHECK_EQ(rig_hear_octets(&r, p[0].fd, o, sizeof(o)), 12 + 4 + 10);
	/* other keys: the old ones do not open any more */
	rig_crypto(&p[0].conf.in, 3);
	phone_set(r.e[0], &p[0], call, 0);
	n = rig_packet(o, 7, 3, "old key");
	CHECK_OK(rtpsec_seal(out, o, &n, sizeof(o)));
	rig_say_octets(p[0].fd, &p[0], o, n);
	phone_quiet(&r, &p[1]);
	rtpsec_free(out);
	rtpsec_free(in);
	rig_stop(&r);
}

TEST(engine_flags_tap_digits)
{
	static const uint8_t event[] = {5, 0x0a, 0, 160};
	struct phone p[2];
	struct rig r;
	struct rtp got;
	uint8_t o[64];
	uint32_t call;

	rig_start(&r, 1);
	rig_phones(&r, &call, p);
	p[0].conf.digit_pt = 101;
	p[1].conf.maps = 1;
	p[1].conf.map[0].there = 101;
	p[1].conf.map[0].here = 96;
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	CHECK_OK(engine_flags_set(r.e[0], call, 0, ENGINE_TAP | ENGINE_HOLD));
	phone_say(&p[0], 7, 1, "held, but recorded");
	phone_quiet(&r, &p[1]);
	CHECK(r.taps == 1 && r.tapped_n == strlen("held, but recorded"));
	phone_say(&p[1], 9, 1, "not to a held one");
	phone_quiet(&r, &p[0]);
	CHECK_OK(engine_flags_set(r.e[0], call, 0, 0));
	phone_say(&p[1], 9, 500, "heard");
	phone_hear(&r, &p[0], "heard", &got);
	CHECK_OK(engine_flags_set(r.e[0], call, 0, ENGINE_LOOP));
	phone_say(&p[0], 7, 2, "echo");
	phone_hear(&r, &p[0], "echo", &got);
	CHECK(got.seq == 501 && got.marker);
	phone_quiet(&r, &p[1]);
	CHECK_OK(engine_flags_set(r.e[0], call, 0, 0));
	/* an event is three packets, told once, and goes on translated */
	for (uint16_t i = 0; i < 3; i++) {
		rtp_put_head(o, !i, 101, 3 + i, 480, 7);
		memcpy(o + 12, event, 4);
		rig_say_octets(p[0].fd, &p[0], o, 16);
		CHECK_EQ(rig_hear_octets(&r, p[1].fd, o, sizeof(o)), 16);
		CHECK_EQ(o[1] & 127, 96);
	}
	CHECK(r.digits == 1 && r.code == 5);
	/* and back */
	rtp_put_head(o, false, 96, 9, 480, 9);
	rig_say_octets(p[1].fd, &p[1], o, 16);
	CHECK_EQ(rig_hear_octets(&r, p[0].fd, o, sizeof(o)), 16);
	CHECK_EQ(o[1] & 127, 101);
	CHECK(r.taps == 1 && r.digits == 1);
	CHECK_ERR(engine_flags_set(r.e[0], call, 2, 0), ENOENT);
	rig_stop(&r);
}

TEST(engine_plays)
{
	static uint8_t tone[400];
	const struct g711_tone t = {.hz = 425, .peak = 8000};
	struct engine_play play = {.p = tone, .n = sizeof(tone), .pt = 8};
	struct phone p[2];
	struct rig r;
	struct rtp got;
	uint8_t o[512];
	uint32_t call, ssrc = 0, ts = 0;
	uint16_t seq = 0;

	g711_tone(G711_ALAW, &t, tone, sizeof(tone));
	rig_start(&r, 1);
	rig_phones(&r, &call, p);
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	phone_say(&p[0], 7, 9, "speech");
	phone_hear(&r, &p[1], "speech", &got);
	ssrc = got.ssrc;
	CHECK_OK(engine_play(r.e[0], call, 1, &play));
	for (uint16_t i = 0; i < 3; i++) {
		CHECK_EQ(rig_hear_octets(&r, p[1].fd, o, sizeof(o)), 172);
		CHECK_OK(rtp_parse(o, 172, &got));
		CHECK(got.ssrc == ssrc && got.seq == 10 + i && got.pt == 8);
		CHECK(got.marker == !i && (!i || got.ts == ts + 160));
		ts = got.ts;
		CHECK_MEM(got.payload, tone + 160 * i, i < 2 ? 160 : 80);
		if (i == 0) {	/* meanwhile speech is not heard */
			phone_say(&p[0], 7, 10, "speech");
			for (int k = 0; k < 3; k++)
				rig_work(&r);
		}
	}
	CHECK_EQ(r.played, 1);
	CHECK_MEM(got.payload + 80, got.payload + 79, 1);
	phone_say(&p[0], 7, 13, "speech");
	phone_hear(&r, &p[1], "speech", &got);
	CHECK(got.seq == 13 && got.marker && got.ssrc == ssrc);
	/* in a loop, until it is stopped */
	play.loop = true;
	play.n = 200;
	CHECK_OK(engine_play(r.e[0], call, 1, &play));
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(rig_hear_octets(&r, p[1].fd, o, sizeof(o)), 172);
		CHECK_EQ(o[12], tone[i * 160 % 200]);
		CHECK_EQ(o[12 + 159], tone[(i * 160 + 159) % 200]);
		seq = (uint16_t)(o[2] << 8 | o[3]);
	}
	/* another in its place */
	CHECK_OK(engine_play(r.e[0], call, 1, &play));
	CHECK_EQ(rig_hear_octets(&r, p[1].fd, o, sizeof(o)), 172);
	CHECK_EQ(o[2] << 8 | o[3], seq + 1);
	CHECK(o[1] & 128);
	seq = (uint16_t)(seq + 1);
	play.n = 0;
	CHECK_OK(engine_play(r.e[0], call, 1, &play));
	CHECK(r.e[0]->plays == 0 && r.played == 1);
	phone_say(&p[0], 7, 14, "speech");
	phone_hear(&r, &p[1], "speech", &got);
	CHECK_EQ(got.seq, seq + 1);
	play.n = 159;
	CHECK_ERR(engine_play(r.e[0], call, 1, &play), EINVAL);
	rig_stop(&r);
}

TEST(engine_plays_to_several)
{
	static uint8_t tone[160];
	struct engine_play play = {
		.p = tone, .n = sizeof(tone), .pt = 8, .loop = true};
	const struct engine_play stop = {.n = 0};
	struct phone p[2][2];
	struct rig r;
	uint8_t o[512];
	uint32_t call[2];

	rig_start(&r, 1);
	for (int i = 0; i < 2; i++) {
		rig_phones(&r, &call[i], p[i]);
		for (unsigned s = 0; s < 2; s++)
			phone_set(r.e[0], &p[i][s], call[i], s);
	}
	CHECK_OK(engine_play(r.e[0], call[0], 0, &play));
	CHECK_OK(engine_play(r.e[0], call[0], 1, &play));
	CHECK_OK(engine_play(r.e[0], call[1], 0, &play));
	for (int k = 0; k < 3; k++) {
		(void)rig_hear_octets(&r, p[0][0].fd, o, sizeof(o));
		(void)rig_hear_octets(&r, p[0][1].fd, o, sizeof(o));
		(void)rig_hear_octets(&r, p[1][0].fd, o, sizeof(o));
	}
	CHECK_OK(engine_play(r.e[0], call[0], 0, &stop));
	engine_call_del(r.e[0], call[1]);
	CHECK_EQ(r.e[0]->plays, 1);
	for (int k = 0; k < 3; k++)
		(void)rig_hear_octets(&r, p[0][1].fd, o, sizeof(o));
	rig_stop(&r);
}

static void rtcp_on_the_rtp_port(bool from_start)
{
	struct sockaddr_in here = rig_loopback(0);
	struct engine_stats st;
	struct rtcp_report rep = {.lost = 3};
	struct phone p = {0};
	struct rig r;
	struct buf b;
	uint8_t o[512];
	uint32_t call;
	uint16_t port;

	rig_start(&r, 1);
	p.fd = rig_udp(&r, true, &p.conf.remote);
	p.conf.remote_n = sizeof(here);
	CHECK_OK(engine_call_add(r.e[0], &call));
	CHECK_OK(engine_station_open(r.e[0], call, 0, (struct sockaddr *)&here,
				     sizeof(here), from_start, &port));
	here.sin_port = htons(port);
	memcpy(&p.engine, &here, sizeof(here));
	phone_set(r.e[0], &p, call, 0);
	p.conf.mux = true;	/* and said in the answer, if not before */
	phone_set(r.e[0], &p, call, 0);
	CHECK_OK(engine_flags_set(r.e[0], call, 0, ENGINE_LOOP));
	r.e[0]->slot_us = UINT64_MAX;
	phone_say(&p, 7, 1, "echo");
	CHECK_EQ(rig_hear_octets(&r, p.fd, o, sizeof(o)), 16);
	rep.ssrc = engine_leg(r.e[0], call, 0)->to.ssrc;
	buf_init(&b, 1000);
	rtcp_report_print(7, NULL, &rep, 1, &b);
	rig_say_octets(p.fd, &p, b.p, b.n);
	for (int i = 0; i < 3; i++)
		rig_work(&r);
	CHECK_OK(engine_stats(r.e[0], call, 0, &st));
	CHECK(st.far_known && st.far_lost == 3 && !st.refused);
	report_out(r.e[0], engine_leg(r.e[0], call, 0));
	CHECK_OK(rtcp_check(o, rig_hear_octets(&r, p.fd, o, sizeof(o))));
	buf_free(&b);
	rig_stop(&r);
}

TEST(engine_rtcp_on_the_rtp_port)
{
	rtcp_on_the_rtp_port(true);
	rtcp_on_the_rtp_port(false);
}

TEST(engine_rtcp)
{
	struct sockaddr_storage rtcp_port;
	struct engine_stats st;
	struct rtcp_item it;
	struct rtcp_sender s;
	struct rtcp_report rep;
	struct rtcp_voip v = {.ssrc = 1, .mos_lq = 41};
	struct phone p[2];
	struct rig r;
	struct rtp got;
	struct cur c;
	struct buf b;
	uint8_t o[512];
	uint32_t call;
	size_t n;
	int fd;

	rig_start(&r, 1);
	rig_phones(&r, &call, p);
	fd = rig_udp(&r, true, &rtcp_port);
	p[1].conf.remote_rtcp =
		ntohs(((struct sockaddr_in *)&rtcp_port)->sin_port);
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	r.e[0]->slot_us = UINT64_MAX;	/* no reports but ours */
	phone_say(&p[0], 7, 9, "speech");
	phone_hear(&r, &p[1], "speech", &got);
	phone_say(&p[1], 77, 1, "one");
	phone_say(&p[1], 77, 3, "three");
	phone_hear(&r, &p[0], "one", &got);
	phone_hear(&r, &p[0], "three", &got);
	report_out(r.e[0], engine_leg(r.e[0], call, 1));
	n = rig_hear_octets(&r, fd, o, sizeof(o));
	CHECK_OK(rtcp_check(o, n));
	c = cur_of(o, n);
	CHECK(rtcp_next(&c, &it) && !rtcp_sender_parse(&it, &s));
	CHECK(s.packets == 1 && s.octets == 6);
	CHECK_OK(rtcp_report_parse(&it, 0, &rep));
	CHECK(rep.ssrc == 77 && rep.lost == 1 && rep.highest_seq == 3);
	CHECK(rep.fraction == 85 && !rep.lsr);
	CHECK(rtcp_next(&c, &it) && it.kind == RTCP_KIND_SDES);
	/* the telephone reports back at once: 100 ms of it its own delay */
	rep = (struct rtcp_report){.ssrc = s.ssrc,
				   .lost = 5,
				   .jitter = 80,
				   .lsr = (uint32_t)(s.ntp >> 16)};
	buf_init(&b, 1000);
	rtcp_report_print(77, &s, &rep, 1, &b);
	rtcp_voip_print(77, &v, &b);
	((struct sockaddr_in *)&p[1].engine)->sin_port = htons(
		ntohs(((struct sockaddr_in *)&p[1].engine)->sin_port) + 1);
	rig_say_octets(fd, &p[1], b.p, b.n);
	for (int i = 0; i < 3; i++)
		rig_work(&r);
	CHECK_OK(engine_stats(r.e[0], call, 1, &st));
	CHECK(st.far_known && st.far_lost == 5 && st.far_jitter_us == 10000);
	CHECK(st.rtt_us > 0 && st.rtt_us < 1000000);
	CHECK(st.voip_known && st.voip.mos_lq == 41 && !st.refused);
	rig_say_octets(fd, &p[1], b.p, b.n - 1);
	for (int i = 0; i < 3; i++)
		rig_work(&r);
	CHECK_OK(engine_stats(r.e[0], call, 1, &st));
	CHECK_EQ(st.refused, 1);
	buf_free(&b);
	rig_stop(&r);
}

/* ---- the loop, limits ---- */

TEST(engine_ticks_when_busy)
{
	struct engine_stats st;
	struct phone p[2];
	struct rig r;
	struct rtp got;
	uint32_t call;
	uint64_t end;
	uint16_t i = 0;

	rig_start(&r, 1);
	r.e[0]->conf.busy_calls = 1;	/* 100 packets a second */
	rig_phones(&r, &call, p);
	phone_set(r.e[0], &p[0], call, 0);
	phone_set(r.e[0], &p[1], call, 1);
	for (end = rig_now_ms() + WAIT_MS;
	     !r.e[0]->busy && rig_now_ms() < end;) {
		phone_say(&p[0], 7, i++, "quick");
		phone_hear(&r, &p[1], "quick", &got);
	}
	CHECK(r.e[0]->busy && r.e[0]->timer_us == 1000);
	for (int k = 0; k < 50; k++) {
		phone_say(&p[0], 7, i++, "quick");
		phone_hear(&r, &p[1], "quick", &got);
	}
	CHECK_OK(engine_stats(r.e[0], call, 0, &st));
	CHECK(st.packets == i && !st.lost);
	/* nothing comes any more: back */
	for (end = rig_now_ms() + WAIT_MS; r.e[0]->busy && rig_now_ms() < end;)
		rig_work(&r);
	CHECK(!r.e[0]->busy);
	phone_say(&p[0], 7, i++, "slow");
	phone_hear(&r, &p[1], "slow", &got);
	rig_stop(&r);
}

TEST(engine_limits)
{
	struct engine_conf bad = {
		.calls_max = 1, .cname = "x", .port_min = 4000};
	const struct engine_trunk t = {.pair = 3, .number = 9, .paths = 1};
	struct engine_trunk u = t;
	struct sockaddr_in here = rig_loopback(0);
	struct engine *e = NULL;
	struct rig r;
	uint32_t call[41], again;
	/* of our own, so that all of them are free */
	const uint16_t base = (uint16_t)(11000 + getpid() % 900 * 10);
	uint16_t port;

	CHECK_ERR(engine_alloc(&e, &bad), EINVAL);
	rig_start(&r, 1);
	for (int i = 0; i < 40; i++)
		CHECK_OK(engine_call_add(r.e[0], &call[i]));
	CHECK_ERR(engine_call_add(r.e[0], &call[40]), ENOSPC);
	engine_call_del(r.e[0], call[7]);
	engine_call_del(r.e[0], call[7]);
	CHECK_OK(engine_call_add(r.e[0], &again));
	CHECK(again != call[7] && (again & 0xffff) == (call[7] & 0xffff));
	CHECK_ERR(engine_trunk_set(r.e[0], call[7], 1, &t), ENOENT);
	CHECK_OK(engine_trunk_set(r.e[0], again, 1, &t));
	CHECK_OK(engine_trunk_set(r.e[0], again, 1, &t));
	CHECK_ERR(engine_trunk_set(r.e[0], call[8], 1, &t), EEXIST);
	u.number = 10;
	CHECK_ERR(engine_trunk_set(r.e[0], again, 1, &u), EBUSY);
	u.number = 0;
	CHECK_ERR(engine_trunk_set(r.e[0], call[8], 1, &u), EINVAL);
	engine_call_del(r.e[0], again);
	CHECK_OK(engine_trunk_set(r.e[0], call[8], 1, &t));
	/* ports: two pairs, and no more */
	r.e[0]->conf.port_min = base + 1;
	r.e[0]->conf.port_max = base + 5;
	CHECK_OK(engine_station_open(r.e[0], call[0], 0,
				     (struct sockaddr *)&here, sizeof(here),
				     false, &port));
	CHECK_EQ(port, base + 2);
	CHECK_ERR(engine_station_open(r.e[0], call[0], 0,
				      (struct sockaddr *)&here, sizeof(here),
				      false, &port),
		  EBUSY);
	CHECK_OK(engine_station_open(r.e[0], call[0], 1,
				     (struct sockaddr *)&here, sizeof(here),
				     true, &port));
	CHECK_EQ(port, base + 4);
	CHECK_ERR(engine_station_open(r.e[0], call[1], 0,
				      (struct sockaddr *)&here, sizeof(here),
				      false, &port),
		  EADDRINUSE);
	CHECK_EQ(engine_station_fd(r.e[0], call[1], 0), -1);
	engine_call_del(r.e[0], call[0]);
	CHECK_OK(engine_station_open(r.e[0], call[1], 0,
				     (struct sockaddr *)&here, sizeof(here),
				     false, &port));
	rig_stop(&r);
}

TEST_OOM(engine_alloc)
{
	const struct engine_conf c = {.calls_max = 4,
				      .port_min = PORT_MIN,
				      .port_max = PORT_MAX,
				      .cname = "x"};
	const struct engine_trunk t = {.pair = 0, .number = 9};
	struct engine_path path = {.fd = -1};
	struct engine *e = NULL;
	uint32_t call;
	unsigned number;

	TRY(engine_alloc(&e, &c));
	CHECK_OK(engine_call_add(e, &call));
	TRY(engine_trunk_set(e, call, 0, &t));
	path.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(path.fd >= 0);
	TRY(engine_path_add(e, &path, &number));
	path.fd = -1;
out:
	if (path.fd >= 0)
		close(path.fd);
	engine_free(e);
}
