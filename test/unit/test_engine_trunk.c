/* SPDX-License-Identifier: ISC */
/** @file test_engine_trunk.c  media/engine: two engines and the paths between */
#include <unistd.h>
#include "engine_rig.h"

TEST(engine_trunk)
{
	struct engine_path_stats ps;
	struct engine_stats st;
	struct phone p[2];
	struct rig r;
	struct rtp got, first;
	uint32_t call[2];

	rig_start(&r, 2);
	rig_paths(&r, 1);
	rig_across(&r, call, p, 4711, 1);
	phone_say(&p[0], 7, 65534, "hello");
	phone_hear(&r, &p[1], "hello", &first);
	CHECK(first.seq == 65534 && first.ts == 65534 * 160 && first.pt == 8);
	phone_say(&p[1], 7, 5, "yes");
	phone_hear(&r, &p[0], "yes", &got);
	phone_say(&p[0], 7, 3, "later");
	phone_hear(&r, &p[1], "later", &got);
	CHECK(got.seq == 3 && got.ssrc == first.ssrc);
	phone_say(&p[0], 99, 1000, "transferred");
	phone_hear(&r, &p[1], "transferred", &got);
	CHECK(got.seq == 4 && got.ssrc == first.ssrc && got.marker);
	CHECK_OK(engine_stats(r.e[1], call[1], 1, &st));
	CHECK(st.packets == 3 && st.lost == 4 && !st.frames_lost);
	CHECK(st.sent == 1 && !st.doubles);
	CHECK_OK(engine_path_stats(r.e[1], r.path[1][0], &ps));
	CHECK(ps.rx.received >= 3 && ps.frames_in == 3 && ps.frames_out == 1);
	CHECK(ps.sent >= 1 && !ps.strays && !ps.rx.lost);
	/* the call is gone at one end: what still comes is a stray */
	engine_call_del(r.e[1], call[1]);
	phone_say(&p[0], 99, 1001, "nobody");
	phone_quiet(&r, &p[1]);
	CHECK_OK(engine_path_stats(r.e[1], r.path[1][0], &ps));
	CHECK_EQ(ps.strays, 1);
	rig_stop(&r);
}

/* Two frames in one datagram, sealed for the telephone one by one */
TEST(engine_trunk_to_srtp)
{
	struct engine_path_stats ps;
	struct rtpsec *in = NULL;
	struct phone p[2][2];
	struct rig r;
	uint8_t o[256], octets[64];
	uint32_t call[2][2];

	rig_start(&r, 2);
	rig_paths(&r, 1);
	for (uint16_t i = 0; i < 2; i++) {
		rig_across(&r, call[i], p[i], i + 1, 1);
		rig_crypto(&p[i][1].conf.out, 5);
		phone_set(r.e[1], &p[i][1], call[i][1], 0);
		memset(octets, 'a' + i, sizeof(octets));
		engine_send(r.e[0], engine_leg(r.e[0], call[i][0], 1),
			    &(struct frame){.payload = octets, .n = 40});
	}
	for (int i = 0; i < 2; i++) {
		size_t n = rig_hear_octets(&r, p[i][1].fd, o, sizeof(o));

		CHECK_OK(rtpsec_alloc(&in, RTPSEC_CM80, RTPSEC_RECEIVER,
				      p[i][1].conf.out.master,
				      p[i][1].conf.out.n));
		CHECK_EQ(n, 12 + 40 + 10);
		CHECK_OK(rtpsec_open(in, o, &n));
		memset(octets, 'a' + i, sizeof(octets));
		CHECK_MEM(o + 12, octets, 40);
		in = rtpsec_free(in);
	}
	CHECK_OK(engine_path_stats(r.e[1], r.path[1][0], &ps));
	CHECK(ps.frames_in == 2 && ps.rx.received == 1);
	rig_stop(&r);
}

TEST(engine_trunk_fills_datagrams)
{
	static uint8_t octets[200];
	struct engine_path_stats ps;
	struct rig r;
	uint32_t call;

	rig_start(&r, 2);
	rig_paths(&r, 1);
	rig_trunk(&r, 0, &call, 1, 1);
	for (uint16_t i = 0; i < 21; i++)
		engine_send(
			r.e[0], engine_leg(r.e[0], call, 1),
			&(struct frame){.payload = octets, .n = 160, .seq = i});
	engine_work(r.e[0]);
	CHECK_OK(engine_path_stats(r.e[0], 0, &ps));
	CHECK(ps.frames_out == 21 && ps.sent == 3);
	rig_stop(&r);
}

TEST(engine_trunk_doubled)
{
	struct engine_stats st;
	struct phone p[2];
	struct rig r;
	struct rtp got;
	uint32_t call[2];

	rig_start(&r, 2);
	rig_paths(&r, 2);
	rig_across(&r, call, p, 1, 3);
	for (uint16_t i = 0; i < 10; i++) {
		phone_say(&p[0], 7, i, "twice");
		phone_hear(&r, &p[1], "twice", &got);
		CHECK_EQ(got.seq, i);
	}
	phone_quiet(&r, &p[1]);
	CHECK_OK(engine_stats(r.e[1], call[1], 1, &st));
	CHECK(st.packets == 10 && st.doubles == 10);
	/* one path dies: nothing is lost */
	engine_path_del(r.e[0], r.path[0][1]);
	for (uint16_t i = 10; i < 20; i++) {
		phone_say(&p[0], 7, i, "once");
		phone_hear(&r, &p[1], "once", &got);
	}
	CHECK_OK(engine_stats(r.e[1], call[1], 1, &st));
	CHECK(st.packets == 20 && st.doubles == 10 && !st.frames_lost);
	/* a path of another pair does not carry it */
	r.e[0]->ports[0].pair = 4;
	phone_say(&p[0], 7, 20, "elsewhere");
	phone_quiet(&r, &p[1]);
	r.e[0]->ports[0].pair = 3;
	/* the call's paths may change */
	CHECK_OK(engine_trunk_set(
		r.e[0], call[0], 1,
		&(struct engine_trunk){.pair = 3, .number = 1, .paths = 0}));
	phone_say(&p[0], 7, 21, "nowhere");
	phone_quiet(&r, &p[1]);
	rig_stop(&r);
}

enum gso { GSO, NO_GSO, REFUSED_GSO };

/* Many calls, payloads of many lengths: runs, segments, full buffers */
static void many(enum gso gso)
{
	enum { CALLS = 20, FRAMES = 120 };
	static uint8_t octets[1200];
	const int one = 1;
	struct engine_path_stats ps;
	struct rig r;
	uint32_t call[2][CALLS];
	uint16_t seq[CALLS] = {0};
	struct leg *l;
	uint64_t sent = 0, got = 0, bytes = 0, bytes_got = 0;
	uint64_t end;

	rig_start(&r, 2);
	rig_paths(&r, 1);
	for (uint16_t i = 0; i < CALLS; i++) {
		rig_trunk(&r, 0, &call[0][i], i + 1, 1);
		rig_trunk(&r, 1, &call[1][i], i + 1, 1);
	}
	CHECK(r.e[0]->ports[0].gso && r.e[0]->ports[0].gro);
	r.e[0]->ports[0].gso = gso != NO_GSO;
	/* without checksums the kernel refuses to segment: EINVAL */
	CHECK(gso != REFUSED_GSO ||
	      !setsockopt(r.e[0]->ports[0].fd, SOL_SOCKET, SO_NO_CHECK, &one,
			  sizeof(one)));
	for (int round = 0; round < 30; round++) {
		for (int k = 0; k < FRAMES; k++) {
			const unsigned i = (unsigned)(rdtest_random() % CALLS);
			const size_t size[3] = {160, 700,
						rdtest_random() % 1100};
			struct frame f = {.payload = octets + 12,
					  .n = size[round % 3],
					  .pt = 8,
					  .seq = seq[i]++};

			l = engine_leg(r.e[0], call[0][i], 1);
			engine_send(r.e[0], l, &f);
			sent++;
			bytes += f.n;
		}
		end = rig_now_ms() + WAIT_MS;
		do {
			rig_work(&r);
		} while (r.e[1]->ports[0].stats.frames_in < sent &&
			 rig_now_ms() < end);
	}
	for (unsigned i = 0; i < CALLS; i++) {
		struct engine_stats st;

		CHECK_OK(engine_stats(r.e[1], call[1][i], 1, &st));
		CHECK(!st.lost && !st.frames_lost && !st.late);
		got += st.packets;
		bytes_got += st.octets;
	}
	CHECK_EQ(got, sent);
	CHECK_EQ(bytes_got, bytes);
	CHECK_OK(engine_path_stats(r.e[0], 0, &ps));
	CHECK(ps.gso == (gso == GSO) && !ps.send_failed);
	CHECK_EQ(ps.frames_out, sent);
	CHECK(ps.sent < sent);
	CHECK_OK(engine_path_stats(r.e[1], 0, &ps));
	CHECK(!ps.rx.lost && !ps.rx.refused && !ps.overflows);
	rig_stop(&r);
}

TEST(engine_trunk_many)
{
	many(GSO);
	many(NO_GSO);
	many(REFUSED_GSO);
}

/* Nobody reads the port for a while: what the kernel drops is counted */
TEST(engine_trunk_overflows)
{
	static uint8_t octets[1200];
	const int size = 8192;
	struct engine_path_stats ps;
	struct rig r;
	uint32_t call;

	rig_start(&r, 2);
	rig_paths(&r, 1);
	rig_trunk(&r, 0, &call, 1, 1);
	r.e[0]->ports[0].gso = false;
	CHECK(!setsockopt(r.e[1]->ports[0].fd, SOL_SOCKET, SO_RCVBUF, &size,
			  sizeof(size)));
	for (uint16_t i = 0; i < 101; i++) {
		engine_send(r.e[0], engine_leg(r.e[0], call, 1),
			    &(struct frame){
				    .payload = octets, .n = 1000, .seq = i});
		engine_work(r.e[0]);
		if (i == 99) {
			for (int k = 0; k < 4; k++)
				engine_work(r.e[1]);
		}
	}
	for (int k = 0; k < 4; k++)
		rig_work(&r);
	CHECK_OK(engine_path_stats(r.e[1], 0, &ps));
	CHECK(ps.overflows > 50 && ps.overflows == ps.rx.lost);
	CHECK(ps.frames_in + ps.overflows == 101);
	rig_stop(&r);
}

TEST(engine_trunk_learns_the_address)
{
	const struct bundle_key k = {.id = 1, .key = {1}};
	struct engine_path c = {.pair = 3};
	struct sockaddr_storage a, here, there;
	struct engine_path_stats ps;
	struct bundle_tx *t = NULL;
	struct rig r;
	uint8_t o[64] = {0};
	unsigned path;
	int stranger, peer;

	rig_start(&r, 1);
	stranger = rig_udp(&r, true, &a);
	peer = rig_udp(&r, true, &there);
	/* bound to the number: one that the kernel chose is given back when
	   the socket is unconnected */
	close(rig_udp(&r, false, &here));
	c.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(!bind(c.fd, (struct sockaddr *)&here,
		    sizeof(struct sockaddr_in)));
	CHECK_OK(engine_path_add(r.e[0], &c, &path));
	CHECK_OK(engine_path_tx_key(r.e[0], path, &k));
	CHECK_OK(engine_path_rx_key(r.e[0], path, &k));
	CHECK_OK(bundle_tx_alloc(&t, &k));
	(void)sendto(stranger, o, 40, 0, (struct sockaddr *)&here,
		     sizeof(struct sockaddr_in));
	rig_work(&r);
	rig_work(&r);
	CHECK(!r.e[0]->ports[path].connected);
	CHECK_OK(bundle_seal(t, o, 0));
	(void)sendto(peer, o, 28, 0, (struct sockaddr *)&here,
		     sizeof(struct sockaddr_in));
	/* then our probe comes to it, within about a second */
	CHECK_EQ(rig_hear_octets(&r, peer, o, sizeof(o)), 28);
	CHECK_OK(engine_path_stats(r.e[0], path, &ps));
	CHECK(ps.rx.received == 1 && ps.rx.refused == 1 && ps.sent == 1);
	/* it moves, and says so by the session, or by a datagram */
	CHECK_OK(
		engine_path_move(r.e[0], path, &a, sizeof(struct sockaddr_in)));
	CHECK_EQ(rig_hear_octets(&r, stranger, o, sizeof(o)), 28);
	CHECK_OK(engine_path_move(r.e[0], path, NULL, 0));
	CHECK(!r.e[0]->ports[path].connected);
	CHECK_OK(bundle_seal(t, o, 0));
	(void)sendto(peer, o, 28, 0, (struct sockaddr *)&here,
		     sizeof(struct sockaddr_in));
	CHECK_EQ(rig_hear_octets(&r, peer, o, sizeof(o)), 28);
	CHECK_ERR(engine_path_move(r.e[0], 9, NULL, 0), ENOENT);
	bundle_tx_free(t);
	rig_stop(&r);
}
