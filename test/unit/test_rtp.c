/* SPDX-License-Identifier: ISC */
/** @file test_rtp.c  proto/rtp: RTP, RTCP, telephone-event */
#include "proto/rtp.h"
#include "rdtest.h"

static void parse(const uint8_t *p, size_t n, struct rtp *r, int want)
{
	CHECK_ERR(rtp_parse(rdtest_exact(p, n), n, r), want);
}

TEST(rtp_parse_print)
{
	static const uint8_t p[] = {0x92, 0xe5, 0x12, 0x34, 1,    2,    3, 4,
				    5,    6,    7,    8,    1,    1,    1, 1,
				    2,    2,    2,    2,    0xbe, 0xde, 0, 1,
				    9,    9,    9,    9,    0xaa, 0xbb};
	struct rtp r;
	struct buf b;

	parse(p, sizeof(p), &r, 0);
	CHECK(r.marker && r.pt == 0x65 && r.seq == 0x1234);
	CHECK(r.ts == 0x01020304 && r.ssrc == 0x05060708 && r.csrcs == 2);
	CHECK(r.ext && r.ext_profile == 0xbede && r.ext_n == 4);
	CHECK(r.ext_p[0] == 9 && r.payload_n == 2 && r.payload[0] == 0xaa);
	CHECK_EQ(rtp_head_bytes(p, sizeof(p)), sizeof(p) - 2);
	buf_init(&b, 1000);
	rtp_print(&r, &b);
	CHECK(!b.err && b.n == sizeof(p));
	CHECK_MEM(b.p, p, sizeof(p));
	buf_free(&b);
	/* cut anywhere in the header: not RTP; after it: a shorter payload */
	for (size_t n = 0; n < sizeof(p) - 2; n++) {
		parse(p, n, &r, EBADMSG);
		CHECK_EQ(rtp_head_bytes(rdtest_exact(p, n), n), 0);
	}
	parse(p, sizeof(p) - 2, &r, 0);
	CHECK_EQ(r.payload_n, 0);
}

TEST(rtp_padding)
{
	uint8_t p[16] = {0xa0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 7, 0, 0, 3};
	struct rtp r;

	parse(p, 16, &r, 0);
	CHECK(r.payload_n == 1 && r.payload[0] == 7);
	p[15] = 4;
	parse(p, 16, &r, 0);
	CHECK_EQ(r.payload_n, 0);
	p[15] = 5;	/* would reach into the header */
	parse(p, 16, &r, EBADMSG);
	p[15] = 0;
	parse(p, 16, &r, EBADMSG);
	parse(p, 12, &r, EBADMSG);	/* padding, and not an octet of it */
	p[0] = 0x40;
	parse(p, 16, &r, EBADMSG);	/* version 1 */
}

TEST(rtp_or_rtcp)
{
	const uint8_t rtcp[] = {0x80, 200}, rtp[] = {0x80, 0x80 | 8},
		      dtls[] = {22, 200};

	CHECK(rtp_is_rtcp(rtcp, 2) && !rtp_is_rtcp(rtcp, 1));
	CHECK(!rtp_is_rtcp(rtp, 2) && !rtp_is_rtcp(dtls, 2));
}

TEST(rtp_event)
{
	const uint8_t p[] = {11, 0x8a, 0x03, 0x20};
	struct rtp_event e;

	CHECK_OK(rtp_event_parse(p, 4, &e));
	CHECK(e.code == 11 && e.end && e.volume == 10 && e.duration == 800);
	CHECK_ERR(rtp_event_parse(p, 3, &e), EBADMSG);
	CHECK_ERR(rtp_event_parse(p, 0, &e), EBADMSG);
}

static const struct rtcp_sender sender = {.ssrc = 7,
					  .ntp = 0x1122334455667788,
					  .ts = 1600,
					  .packets = 10,
					  .octets = 1720};
static const struct rtcp_report reports[2] = {{.ssrc = 8,
					       .fraction = 3,
					       .lost = -5,
					       .highest_seq = 0x10002,
					       .jitter = 6,
					       .lsr = 9,
					       .dlsr = 10},
					      {.ssrc = 9, .lost = 0x7fffff}};
static const struct rtcp_voip voip = {.ssrc = 8,
				      .loss_rate = 1,
				      .discard_rate = 2,
				      .burst_density = 3,
				      .gap_density = 4,
				      .burst_ms = 500,
				      .gap_ms = 600,
				      .round_trip_ms = 70,
				      .end_system_ms = 80,
				      .signal_dbm = -15,
				      .noise_dbm = -70,
				      .rerl = 127,
				      .gmin = 16,
				      .r_factor = 90,
				      .ext_r_factor = 127,
				      .mos_lq = 43,
				      .mos_cq = 42,
				      .rx_config = 0x80,
				      .jb_nominal_ms = 40,
				      .jb_maximum_ms = 60,
				      .jb_abs_max_ms = 200};

static void compound(struct buf *b)
{
	buf_init(b, 1000);
	rtcp_report_print(7, &sender, reports, 2, b);
	rtcp_cname_print(7, "x@y.example", b);
	rtcp_voip_print(7, &voip, b);
	rtcp_bye_print(7, b);
	CHECK(!b->err && b->n % 4 == 0);
}

TEST(rtp_rtcp_compound)
{
	struct rtcp_sender s;
	struct rtcp_report r;
	struct rtcp_voip v;
	struct rtcp_item it;
	struct buf b, again;
	struct cur c;

	compound(&b);
	CHECK_OK(rtcp_check(rdtest_exact(b.p, b.n), b.n));
	c = cur_of(b.p, b.n);
	CHECK(rtcp_next(&c, &it) && it.kind == RTCP_KIND_SR && it.count == 2);
	CHECK_EQ(rtcp_ssrc(&it), 7);
	CHECK_OK(rtcp_sender_parse(&it, &s));
	CHECK(s.ssrc == 7 && s.ntp == sender.ntp && s.ts == 1600);
	CHECK(s.packets == 10 && s.octets == 1720);
	CHECK_OK(rtcp_report_parse(&it, 0, &r));
	CHECK(r.ssrc == 8 && r.fraction == 3 && r.lost == -5 && r.jitter == 6);
	CHECK(r.highest_seq == 0x10002 && r.lsr == 9 && r.dlsr == 10);
	CHECK_OK(rtcp_report_parse(&it, 1, &r));
	CHECK(r.ssrc == 9 && r.lost == 0x7fffff);
	CHECK_ERR(rtcp_report_parse(&it, 2, &r), ENOENT);
	CHECK_ERR(rtcp_voip_parse(&it, &v), EBADMSG);
	CHECK(rtcp_next(&c, &it) && it.kind == RTCP_KIND_SDES && it.n == 20);
	CHECK_MEM(it.p + 4, "\x01\x0bx@y.example\0\0\0", 16);
	CHECK(rtcp_next(&c, &it) && it.kind == RTCP_KIND_XR);
	CHECK_OK(rtcp_voip_parse(&it, &v));
	buf_init(&again, 100);
	rtcp_voip_print(7, &v, &again);
	CHECK(again.n == 44 && !memcmp(again.p, b.p + 100, 44));
	buf_free(&again);
	CHECK_ERR(rtcp_sender_parse(&it, &s), EBADMSG);
	CHECK(rtcp_next(&c, &it) && it.kind == RTCP_KIND_BYE);
	CHECK(!rtcp_next(&c, &it));
	buf_free(&b);
}

/* RFC 3611 4.7, written out by hand */
TEST(rtp_voip_octets)
{
	static const uint8_t want[] = {
		0x80, 207,  0,  10,   0, 0,  0,    7,    7,   0,    0,
		8,    0,    0,  0,    8, 1,  2,    3,    4,   0x01, 0xf4,
		0x02, 0x58, 0,  70,   0, 80, 0xf1, 0xba, 127, 16,   90,
		127,  43,   42, 0x80, 0, 0,  40,   0,    60,  0,    200};
	struct buf b;

	buf_init(&b, 100);
	rtcp_voip_print(7, &voip, &b);
	CHECK_EQ(b.n, sizeof(want));
	CHECK_MEM(b.p, want, sizeof(want));
	buf_free(&b);
}

TEST(rtp_rtcp_refused)
{
	static const uint8_t pad[] = {0xa0, 201, 0, 2, 0, 0, 0, 7, 0, 0, 0, 4};
	uint8_t p[64];
	struct rtcp_item it;
	struct rtcp_voip v;
	struct buf b;

	compound(&b);
	/* cut anywhere but between two packets */
	for (size_t n = 0; n < b.n; n++) {
		const bool whole = n == 76 || n == 100 || n == 144;

		CHECK_ERR(rtcp_check(rdtest_exact(b.p, n), n),
			  whole ? 0 : EBADMSG);
	}
	/* must begin with SR or RR */
	CHECK_ERR(rtcp_check(b.p + 76, b.n - 76), EBADMSG);
	/* more reports than there is room for */
	memcpy(p, b.p, 28);
	p[3] = 6;
	CHECK_ERR(rtcp_check(rdtest_exact(p, 28), 28), EBADMSG);
	p[0] = 0x80;
	CHECK_OK(rtcp_check(rdtest_exact(p, 28), 28));
	/* padding: in the last packet alone, whole words */
	CHECK_OK(rtcp_check(rdtest_exact(pad, 12), 12));
	memcpy(p, pad, 12);
	memcpy(p + 12, pad, 12);
	CHECK_ERR(rtcp_check(rdtest_exact(p, 24), 24), EBADMSG);
	p[11] = 3;
	CHECK_ERR(rtcp_check(rdtest_exact(p, 12), 12), EBADMSG);
	p[11] = 8;	/* then the SSRC is missing */
	CHECK_ERR(rtcp_check(rdtest_exact(p, 12), 12), EBADMSG);
	/* blocks of an XR that do not add up, or none of ours */
	memcpy(p, b.p + 100, 44);
	it = (struct rtcp_item){RTCP_KIND_XR, 0, p + 4, 40};
	CHECK_OK(rtcp_voip_parse(&it, &v));
	p[11] = 9;
	CHECK_ERR(rtcp_voip_parse(&it, &v), EBADMSG);
	p[11] = 7;
	CHECK_ERR(rtcp_voip_parse(&it, &v), EBADMSG);
	p[11] = 8;
	p[8] = 4;
	CHECK_ERR(rtcp_voip_parse(&it, &v), ENOENT);
	buf_free(&b);
}
