/* SPDX-License-Identifier: ISC */
/** @file test_torture.c  Unit tests: the 49 messages of RFC 4475, one answer each */
#include <dirent.h>
#include <re.h>
#include <stdio.h>
#include "rdtest.h"
#include "sip/sanity.h"

static const char *const methods[] = {"INVITE",  "ACK",      "BYE",   "CANCEL",
				      "OPTIONS", "REGISTER", "PRACK", "UPDATE",
				      "INFO",    "REFER",    NULL};
static const char *const options[] = {"100rel", "timer", NULL};
static struct sanity_conf conf = {
	.methods = methods, .options = options, .allow = "INVITE, ACK"};

/* UNREAD: libre's parser refuses it, and nobody is answered */
enum { UNREAD = 2 };

/* As a user agent with a registrar that speaks neither RFC 2543 nor MESSAGE.
 * Where the RFC leaves a choice, the strict side is taken */
static const struct torture {
	const char *name, *section;
	uint16_t scode;
	const char *says; /* in the reason or the added header lines */
} torture[] = {
	{"wsinv", "3.1.1.1", SANITY_PASS, NULL},
	{"intmeth", "3.1.1.2", 405, "Allow: INVITE"},
	{"esc01", "3.1.1.3", SANITY_PASS, NULL},
	{"escnull", "3.1.1.4", SANITY_PASS, NULL},
	{"esc02", "3.1.1.5", 405, "Allow: INVITE"},
	{"lwsdisp", "3.1.1.6", SANITY_PASS, NULL},
	{"longreq", "3.1.1.7", UNREAD, NULL}, /* top Via without branch */
	{"dblreq", "3.1.1.8", SANITY_PASS, NULL},
	{"semiuri", "3.1.1.9", SANITY_PASS, NULL},
	{"transports", "3.1.1.10", SANITY_PASS, NULL},
	{"mpart01", "3.1.1.11", 405, "Allow: INVITE"},
	{"unreason", "3.1.1.12", SANITY_PASS, NULL},
	{"noreason", "3.1.1.13", SANITY_PASS, NULL},
	{"badinv01", "3.1.2.1", UNREAD, NULL},
	{"clerr", "3.1.2.2", 400, "Content-Length beyond"},
	{"ncl", "3.1.2.3", 400, "Bad Content-Length"},
	{"scalar02", "3.1.2.4", 400, "CSeq"},
	{"scalarlg", "3.1.2.5", SANITY_DROP, NULL},
	{"quotbal", "3.1.2.6", 400, "Bad To"},
	{"ltgtruri", "3.1.2.7", UNREAD, NULL},
	{"lwsruri", "3.1.2.8", 400, "Request-Line"},
	{"lwsstart", "3.1.2.9", 400, "Request-Line"},
	{"trws", "3.1.2.10", 400, "Request-Line"},
	{"escruri", "3.1.2.11", 400, "Request-URI"},
	{"baddate", "3.1.2.12", SANITY_PASS, NULL}, /* Date is not used */
	{"regbadct", "3.1.2.13", SANITY_PASS, NULL}, /* the registrar's */
	{"badaspec", "3.1.2.14", 400, "Bad To"},
	{"baddn", "3.1.2.15", UNREAD, NULL}, /* no empty line either */
	{"badvers", "3.1.2.16", 505, NULL},
	{"mismatch01", "3.1.2.17", 400, "CSeq method"},
	{"mismatch02", "3.1.2.18", 400, "CSeq method"},
	{"bigcode", "3.1.2.19", SANITY_DROP, NULL},
	{"badbranch", "3.2.1", SANITY_PASS, NULL},
	{"insuf", "3.3.1", 400, "Missing To"},
	{"unkscm", "3.3.2", 416, NULL},
	{"novelsc", "3.3.3", 416, NULL},
	{"unksm2", "3.3.4", UNREAD, NULL},
	{"bext01", "3.3.5", 420, "Unsupported: nothingSupportsThisEither"},
	{"invut", "3.3.6", 415, "Accept: application/sdp"},
	{"regaut01", "3.3.7", SANITY_PASS, NULL}, /* the registrar's: 401 */
	{"multi01", "3.3.8", 400, "More than one To"},
	{"mcl01", "3.3.9", 400, "More than one Content-Length"},
	{"bcast", "3.3.10", SANITY_DROP, NULL},
	{"zeromf", "3.3.11", 483, NULL},
	{"cparam01", "3.3.12", SANITY_PASS, NULL},
	{"cparam02", "3.3.13", SANITY_PASS, NULL},
	{"regescrt", "3.3.14", SANITY_PASS, NULL},
	{"sdp01", "3.3.15", 406, NULL},
	{"inv2543", "3.4.1", UNREAD, NULL},
};
#define TORTURE (sizeof(torture) / sizeof(torture[0]))

static uint16_t judge(struct str text, struct sanity_answer *a)
{
	struct mbuf *mb = mbuf_alloc(text.n ? text.n : 1);
	struct sip_msg *msg = NULL;

	memset(a, 0, sizeof(*a));
	CHECK(mb != NULL);
	CHECK_OK(mbuf_write_mem(mb, (const uint8_t *)text.p, text.n));
	mbuf_set_pos(mb, 0);
	if (sip_msg_decode(&msg, mb)) {
		mem_deref(mb);
		return UNREAD;
	}
	if (msg->req)
		sanity_request(msg, false, &conf, a);
	else
		a->scode = sanity_response(msg);
	mem_deref(msg);
	mem_deref(mb);
	return a->scode;
}

TEST(torture_each_message_has_its_answer)
{
	struct sanity_answer a;

	CHECK_EQ(TORTURE, 49);
	for (size_t i = 0; i < TORTURE; i++) {
		const struct torture *t = &torture[i];
		char name[64];
		uint16_t got;

		snprintf(name, sizeof(name), "torture/%s.dat", t->name);
		got = judge(rdtest_data(name), &a);
		if (got != t->scode)
			printf("%s (RFC 4475 %s): %s\n", t->name, t->section,
			       a.reason ? a.reason : "-");
		CHECK_EQ(got, t->scode);
		CHECK(!t->says || strstr(a.extra, t->says) ||
		      strstr(a.reason, t->says));
	}
}

/** A good INVITE with one line replaced by another. */
static uint16_t with(const char *line, const char *instead,
		     struct sanity_answer *a)
{
	static const char good[] =
		"INVITE sip:7@192.0.2.1 SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKa;rport\r\n"
		"Max-Forwards: 70\r\n"
		"To: <sip:7@192.0.2.1>\r\n"
		"From: <sip:8@192.0.2.1>;tag=1\r\n"
		"Call-ID: a@192.0.2.2\r\n"
		"CSeq: 1 INVITE\r\n"
		"Contact: <sip:8@192.0.2.2>\r\n"
		"Content-Type: application/sdp\r\n"
		"Content-Length: 5\r\n"
		"\r\n"
		"v=0\r\n";
	const char *at = strstr(good, line);
	char text[2048];

	CHECK(at != NULL);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good,
		 instead, at + strlen(line));
	return judge(rdtest_str(text), a);
}

static bool loop_is_ours(const struct sa *addr, void *arg)
{
	struct sa own;

	(void)arg;
	return !sa_set_str(&own, "192.0.2.1", 5060) &&
	       sa_cmp(addr, &own, SA_ALL);
}

TEST(sanity_one_line_changed)
{
	static const struct {
		const char *line, *instead;
		uint16_t scode;
		const char *says;
	} rows[] = {
		{"CSeq: 1", "CSeq: 1", SANITY_PASS, NULL},
		{"CSeq: 1 INVITE\r\n", "", 400, "Missing CSeq"},
		{"Call-ID: a@192.0.2.2\r\n", "", 400, "Missing Call-ID"},
		{"From: <sip:8@192.0.2.1>;tag=1\r\n", "", 400, "Missing From"},
		{";tag=1", "", 400, "Missing From tag"},
		{"To: ", "t: <sip:9@192.0.2.1>\r\nTo: ", 400,
		 "More than one To"},
		{"Call-ID", "i: b\r\nCall-ID", 400, "More than one Call-ID"},
		{"CSeq: 1", "CSeq: 4294967297", 400, "Bad CSeq"},
		{"CSeq: 1", "CSeq: 2147483648", 400, "Bad CSeq"},
		{"CSeq: 1", "CSeq: 2147483647", SANITY_PASS, NULL},
		{"CSeq: 1", "CSeq: -1", 400, "Bad CSeq"},
		{"1 INVITE", "1 invite", 400, "CSeq method"},
		{"Length: 5", "Length: 6", 400, "beyond"},
		{"Length: 5", "Length: 4294967301", 400, "Bad Content-Length"},
		{"Length: 5", "Length: 4", SANITY_PASS, NULL},
		{"Content-Length: 5\r\n", "", SANITY_PASS, NULL},
		{"Max-Forwards: 70\r\n", "", SANITY_PASS, NULL},
		{"Forwards: 70", "Forwards: 256", 400, "Bad Max-Forwards"},
		{"Forwards: 70", "Forwards: 0", 483, NULL},
		{"sip:7@192.0.2.1 SIP", "mailto:7@192.0.2.1 SIP", 416, NULL},
		{"sip:7@192.0.2.1 SIP", "tel:+47 SIP", SANITY_PASS, NULL},
		{"rport", "maddr=192.0.2.66", SANITY_DROP, NULL},
		{"rport", "maddr", SANITY_DROP, NULL},
		{"Contact", "Require: timer, moon\r\nContact", 420,
		 "Unsupported: moon\r\n"},
		{"Contact", "Require: 100rel\r\nContact", SANITY_PASS, NULL},
		{"application/sdp", "text/plain", 415, "Accept: "},
		{"Content-Type: application/sdp\r\n", "", 400,
		 "Missing Content-Type"},
		{"Contact", "Content-Encoding: gzip\r\nContact", 415, NULL},
		{"Contact", "Accept: text/html\r\nContact", 406, NULL},
		{"Contact", "Accept: text/html, application/*;q=1\r\nContact",
		 SANITY_PASS, NULL},
		{"Via",
		 "v: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKb,"
		 "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKc\r\nVia",
		 482, NULL},
	};
	struct sanity_answer a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint16_t got;

		conf.ownh = loop_is_ours;
		got = with(rows[i].line, rows[i].instead, &a);
		conf.ownh = NULL;
		if (got != rows[i].scode)
			printf("row %zu: %s\n", i, a.reason ? a.reason : "-");
		CHECK_EQ(got, rows[i].scode);
		CHECK(!rows[i].says || strstr(a.extra, rows[i].says) ||
		      strstr(a.reason, rows[i].says));
	}
}

TEST(sanity_name_with_anothers_hash)
{
	struct sanity_answer a;
	char line[64] = "";

	/* libre keeps 12 bits of the hash of a name */
	for (unsigned i = 0; !*line; i++) {
		char name[16];

		snprintf(name, sizeof(name), "Y-%u", i);
		if ((hash_joaat_ci(name, strlen(name)) & 0xfff) ==
		    SIP_HDR_CALL_ID)
			snprintf(line, sizeof(line), "%s: evil\r\nContact",
				 name);
	}
	CHECK_EQ(with("Contact", line, &a), 400);
	CHECK_STR(a.reason, "Header field name not understood");
}

TEST(sanity_limits)
{
	struct sanity_answer a;
	char many[4096] = "";
	size_t n = 0;

	for (unsigned i = 0; i < SANITY_HEADERS_MAX; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n,
				      "X-%03u: b\r\n", i);
	snprintf(many + n, sizeof(many) - n, "Contact");
	CHECK(n < 1600);
	CHECK_EQ(with("Contact", many, &a), 400);
	CHECK_STR(a.reason, "Too many header fields");
	memset(many, 'x', sizeof(many));
	many[SANITY_VALUE_BYTES_MAX] = '\0';
	CHECK_EQ(with("a@192.0.2.2", many, &a), SANITY_PASS);
	many[SANITY_VALUE_BYTES_MAX] = 'x';
	many[SANITY_VALUE_BYTES_MAX + 1] = '\0';
	CHECK_EQ(with("a@192.0.2.2", many, &a), 400);
}

TEST(sanity_number_is_strict)
{
	static const struct {
		const char *text;
		uint32_t most, v;
		int err;
	} rows[] = {
		{"0", 9, 0, 0},
		{" 12 ", 12, 12, 0},
		{"0068", 70, 68, 0},
		{"13", 12, 0, EBADMSG},
		{"", 9, 0, EBADMSG},
		{"-1", 9, 0, EBADMSG},
		{"1x", 9, 0, EBADMSG},
		{"+1", 9, 0, EBADMSG},
		{"1 1", 99, 0, EBADMSG},
		{"4294967296", UINT32_MAX, 0, EBADMSG},
		{"4294967295", UINT32_MAX, UINT32_MAX, 0},
		{"99999999999999999999999", UINT32_MAX, 0, EBADMSG},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str s = rdtest_str(rows[i].text);
		uint32_t v = 0;

		CHECK_ERR(
			sanity_number((struct pl){s.p, s.n}, rows[i].most, &v),
			rows[i].err);
		CHECK_EQ(v, rows[i].v);
	}
}
