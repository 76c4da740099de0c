/* SPDX-License-Identifier: ISC */
/** @file test_card.c  Cards, their misuse, and what two of them make */
#include <stdio.h>
#include "proto/card.h"
#include "rdtest.h"

#define B64_1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define B64_2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define B64_3 "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="
#define B64_9 "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk="
#define NEXT                                                                   \
	"sha256:"                                                              \
	"0404040404040404040404040404040404040404040404040404040404040404"
#define HEAD                                                                   \
	"ringdown-card/v1\n"                                                   \
	"name south.example\n"                                                 \
	"log " B64_1 "\n"                                                      \
	"cosigner " B64_2 "\n"                                                 \
	"trunk " B64_3 "\n"                                                    \
	"next " NEXT "\n"                                                      \
	"serial 05050505050505050505050505050505\n"
#define SHARE "share " B64_9 "\n"

static int parse(const char *text, struct card *c, const char **where)
{
	struct str s = rdtest_str(text);

	return card_parse(s.p, s.n, c, where);
}

/* A card whose keys and secrets are runs of one octet from first on */
static struct card card_of(const char *name, uint8_t first)
{
	struct card c = {0};

	snprintf(c.name, sizeof(c.name), "%s", name);
	memset(c.log, first, KEY_BYTES);
	memset(c.cosigner, first + 1, KEY_BYTES);
	memset(c.trunk, first + 2, KEY_BYTES);
	memset(c.next, first + 3, DIGEST_BYTES);
	memset(c.serial, first + 4, SERIAL_BYTES);
	memset(c.share, first + 8, SHARE_BYTES);
	c.has_share = true;
	return c;
}

TEST_OOM(card_print_and_parse)
{
	struct card c = card_of("south.example", 1), back;
	const char *where = NULL;
	struct buf b;

	snprintf(c.address[c.addresses++], ADDRESS_CHARS_MAX, "192.0.2.1:7411");
	snprintf(c.address[c.addresses++], ADDRESS_CHARS_MAX,
		 "[2001:db8::1]:65535");
	buf_init(&b, CARD_BYTES_MAX);
	card_print(&c, true, &b);
	TRY(b.err);
	CHECK_OK(card_parse(rdtest_exact(b.p, b.n), b.n, &back, &where));
	CHECK_STR(where, "");
	CHECK_MEM(&back, &c, sizeof(c));
	/* the public part is how the whole one begins, and parses alone */
	CHECK_OK(card_parse(b.p,
			    b.n - strlen(SHARE) - strlen("check ........\n"),
			    &back, NULL));
	CHECK(!back.has_share);
	memset(c.share, 0, SHARE_BYTES);
	c.has_share = false;
	CHECK_MEM(&back, &c, sizeof(c));
out:
	buf_free(&b);
}

TEST(card_text_is_exactly_the_documented_one)
{
	static const char text[] = HEAD "address 192.0.2.1:7411\n" SHARE;
	struct card c = card_of("south.example", 1);
	uint8_t h[DIGEST_BYTES];
	char check[9];
	struct buf b;

	snprintf(c.address[c.addresses++], ADDRESS_CHARS_MAX, "192.0.2.1:7411");
	buf_init(&b, CARD_BYTES_MAX);
	/* after something else: the check covers the card alone */
	buf_str(&b, "before");
	card_print(&c, true, &b);
	CHECK_EQ(b.err, 0);
	CHECK_EQ(b.n, 6 + sizeof(text) - 1 + 15);
	CHECK_MEM(b.p + 6, text, sizeof(text) - 1);
	digest(text, sizeof(text) - 1, h);
	hex_encode(h, 4, check);
	CHECK_MEM(b.p + b.n - 15, "check ", 6);
	CHECK_MEM(b.p + b.n - 9, check, 8);
	buf_free(&b);
}

TEST(card_any_changed_octet_is_noticed)
{
	struct card c = card_of("south.example", 1), back;
	struct buf b;

	buf_init(&b, CARD_BYTES_MAX);
	card_print(&c, true, &b);
	for (size_t i = 0; i < b.n; i++) {
		uint8_t *copy = rdtest_exact(b.p, b.n);

		copy[i] ^= 1;
		CHECK_ERR(card_parse(copy, b.n, &back, NULL), EBADMSG);
	}
	for (size_t cut = 0; cut < b.n; cut++) {
		const int err =
			card_parse(rdtest_exact(b.p, cut), cut, &back, NULL);

		/* cut before the share it is the public card */
		CHECK_EQ(err, cut == strlen(HEAD) ? 0 : EBADMSG);
	}
	buf_free(&b);
}

TEST(card_misuse_is_named)
{
	static const struct {
		const char *text, *where;
	} v[] = {
		{"", "ringdown-card/v1"},
		{"ringdown-card/v2\n", "ringdown-card/v1"},
		{"ringdown-card/v1\r\n", "ringdown-card/v1"},
		{"ringdown-card/v1\nname South.example\n", "name <host>"},
		{"ringdown-card/v1\nname a b\n", "name <host>"},
		{"ringdown-card/v1\nlog " B64_1 "\n", "name <host>"},
		{"ringdown-card/v1\nname a\nlog x\n",
		 "log <base64 of 32 bytes>"},
		{"ringdown-card/v1\nname a\nlog " B64_1 "\ntrunk " B64_3 "\n",
		 "cosigner <base64 of 32 bytes>"},
		{"ringdown-card/v1\nname a\nlog " B64_1 "\ncosigner " B64_2
		 "\ntrunk  " B64_3 "\n",
		 "trunk <base64 of 32 bytes>"},
		{"ringdown-card/v1\nname a\nlog " B64_1 "\ncosigner " B64_2
		 "\ntrunk " B64_3 "\nnext sha256:00\n",
		 "next sha256:<64 hex digits>"},
		{"ringdown-card/v1\nname a\nlog " B64_1 "\ncosigner " B64_2
		 "\ntrunk " B64_3 "\nnext " NEXT "\nserial 0505\n",
		 "serial <32 hex digits>"},
		{HEAD "address localhost:7411\n",
		 "at most 8 lines address <IP>:<port>"},
		{HEAD "adress 192.0.2.1:1\n", "share <base64 of 32 bytes>"},
		{HEAD SHARE, "check <8 hex digits>"},
		{HEAD SHARE "check 0000000\n", "check <8 hex digits>"},
		{HEAD SHARE "check 00000000\n",
		 "check that fits the card: it was changed or mistyped"},
	};
	struct card c;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		const char *where = NULL;

		CHECK_ERR(parse(v[i].text, &c, &where), EBADMSG);
		CHECK_STR(where, v[i].where);
	}
}

TEST(card_nothing_after_the_check)
{
	struct card c = card_of("a", 1), back;
	const char *where = NULL;
	struct buf b;

	buf_init(&b, CARD_BYTES_MAX);
	card_print(&c, true, &b);
	buf_u8(&b, '\n');
	CHECK_ERR(card_parse(rdtest_exact(b.p, b.n), b.n, &back, &where),
		  EBADMSG);
	CHECK_STR(where, "nothing after check");
	buf_free(&b);
}

TEST(card_limits)
{
	static const uint8_t long_text[CARD_BYTES_MAX + 1] = {'r'};
	char text[4096] = HEAD;
	const char *where = NULL;
	struct card c;

	for (int i = 0; i < CARD_ADDRESSES_MAX; i++)
		strncat(text, "address 192.0.2.1:7411\n",
			sizeof(text) - strlen(text) - 1);
	CHECK_OK(parse(text, &c, NULL));
	CHECK_EQ(c.addresses, CARD_ADDRESSES_MAX);
	strncat(text, "address 192.0.2.1:7411\n",
		sizeof(text) - strlen(text) - 1);
	CHECK_ERR(parse(text, &c, NULL), EBADMSG);
	CHECK_ERR(card_parse(long_text, sizeof(long_text), &c, &where),
		  EBADMSG);
	CHECK_STR(where, "a card of at most 4096 bytes");
}

TEST(card_addresses)
{
	static const char *const good[] = {
		"192.0.2.1:1", "0.0.0.0:65535", "[2001:db8::1]:7411", "[::]:1",
		"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535"};
	static const char *const bad[] = {
		"",
		":",
		":1",
		"192.0.2.1",
		"192.0.2.1:",
		"192.0.2.1:0",
		"192.0.2.1:65536",
		"192.0.2.1:07",
		"192.0.2.1:+7",
		"192.0.2.1:7 ",
		" 192.0.2.1:7",
		"192.0.2.256:7",
		"192.0.2:7",
		"192.0.2.01:7",
		"2001:db8::1:7411",
		"[2001:db8::1]",
		"[2001:db8::1]7411",
		"[2001:db8::1:7411",
		"[192.0.2.1]:7",
		"[]:7",
		"[fe80::1%eth0]:7",
		"a.example:7",
		"[0:0:0:0:0:ffff:0000000000000000000000000255.255.255.255]:1"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(address_ok(rdtest_str(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (address_ok(rdtest_str(bad[i])))
			CHECK_STR(bad[i], "no address");
	}
	CHECK(!address_ok((struct str){rdtest_exact("192.0.2.1\0:7", 12), 12}));
}

/* ---- pairing ---- */

TEST_OOM(pairing_is_the_same_from_both_sides)
{
	struct card north = card_of("north.example", 0x40),
		    south = card_of("south.example", 1);
	struct pairing n, s;

	TRY(pairing_make(&n, &north, &south));
	TRY(pairing_make(&s, &south, &north));
	CHECK(!n.own_pivot);
	CHECK(s.own_pivot);
	CHECK_STR(n.own_origin, s.peer_origin);
	CHECK_STR(n.peer_origin, s.own_origin);
	CHECK_STR(n.joint_origin, s.joint_origin);
	CHECK_STR(n.gen, s.gen);
	CHECK_MEM(n.agreement, s.agreement, DIGEST_BYTES);
	CHECK_EQ(n.agreement_bytes, s.agreement_bytes);
	CHECK_MEM(n.dial_psk, s.listen_psk, 32);
	CHECK_MEM(n.listen_psk, s.dial_psk, 32);
	CHECK_STR(n.dial_identity, s.listen_identity);
	CHECK_STR(n.listen_identity, s.dial_identity);
	CHECK_MEM(n.word, s.word, WORDS);
	/* one direction's secret is not the other's (RFC 9257) */
	CHECK(memcmp(n.dial_psk, n.listen_psk, 32) != 0);
	CHECK(strcmp(n.dial_identity, n.listen_identity) != 0);
	CHECK_EQ(strlen(n.dial_identity), IDENTITY_CHARS);
out:;
}

/* The formulas of docs/record.md 2 and docs/protocol.md 2, done by hand */
TEST(pairing_names_by_hand)
{
	struct card lo = card_of("south.example", 1),
		    hi = card_of("north.example", 0x40);
	uint8_t h[DIGEST_BYTES];
	char gen[33], want[ORIGIN_CHARS_MAX];
	struct buf text, both;
	struct pairing p;
	size_t lo_n;

	CHECK_OK(pairing_make(&p, &lo, &hi));
	buf_init(&text, 8192);
	card_print(&lo, false, &text);
	lo_n = text.n;
	card_print(&hi, false, &text);
	digest(text.p, text.n, h);
	CHECK_MEM(p.agreement, h, DIGEST_BYTES);
	CHECK_EQ(p.agreement_bytes, text.n);
	buf_init(&both, 8192);
	buf_str(&both, "ringdown-gen/v1\n");
	buf_blob32(&both, text.p, lo_n);
	buf_blob32(&both, text.p + lo_n, text.n - lo_n);
	buf_u64(&both, 0);
	digest(both.p, both.n, h);
	hex_encode(h, 16, gen);
	CHECK_STR(p.gen, gen);
	snprintf(want, sizeof(want), "south.example/ringdown/north.example/%s",
		 gen);
	CHECK_STR(p.own_origin, want);
	snprintf(want, sizeof(want), "north.example/ringdown/south.example/%s",
		 gen);
	CHECK_STR(p.peer_origin, want);
	/* hosts in byte order, whoever is the pivot */
	snprintf(want, sizeof(want), "ringdown/north.example/south.example/%s",
		 gen);
	CHECK_STR(p.joint_origin, want);
	buf_free(&text);
	buf_free(&both);
}

TEST(pairing_secrets_by_hand)
{
	struct card lo = card_of("south.example", 1),
		    hi = card_of("north.example", 0x40);
	uint8_t shares[64], secret[32], info[96] = {0}, out[32];
	char id[33];
	struct pairing p;

	CHECK_OK(pairing_make(&p, &hi, &lo));
	memset(shares, 9, 32);
	memset(shares + 32, 0x48, 32);
	CHECK_OK(digest_hkdf(shares, 64, "ringdown-trunk/v1", 17, p.gen, 32,
			     secret, 32));
	/* hi dials */
	memcpy(info, "psk", 3);
	memset(info + 32, 0x40, 32);
	memset(info + 64, 1, 32);
	CHECK_OK(digest_hkdf(secret, 32, "", 0, info, 96, out, 32));
	CHECK_MEM(p.dial_psk, out, 32);
	memset(info, 0, 32);
	memcpy(info, "identity", 8);
	CHECK_OK(digest_hkdf(secret, 32, "", 0, info, 96, out, 16));
	hex_encode(out, 16, id);
	CHECK_STR(p.dial_identity, id);
	memset(info, 0, 32);
	memcpy(info, "words", 5);
	memset(info + 32, 1, 32);
	memset(info + 64, 0x40, 32);
	CHECK_OK(digest_hkdf(secret, 32, "", 0, info, 96, out, WORDS));
	CHECK_MEM(p.word, out, WORDS);
}

TEST(pairing_changes_with_everything_on_a_card)
{
	struct card own = card_of("a", 1), peer = card_of("b", 0x40), other;
	struct pairing p, q;

	CHECK_OK(pairing_make(&p, &own, &peer));
	other = peer;
	other.serial[3] ^= 1;
	CHECK_OK(pairing_make(&q, &own, &other));
	CHECK(strcmp(p.gen, q.gen) != 0);
	CHECK(memcmp(p.agreement, q.agreement, DIGEST_BYTES) != 0);
	CHECK(memcmp(p.word, q.word, WORDS) != 0);
	/* the share is secret: it changes no public name */
	other = peer;
	other.share[31] ^= 1;
	CHECK_OK(pairing_make(&q, &own, &other));
	CHECK_STR(p.gen, q.gen);
	CHECK(memcmp(p.word, q.word, WORDS) != 0);
	CHECK(memcmp(p.dial_psk, q.dial_psk, 32) != 0);
	CHECK(memcmp(p.listen_psk, q.listen_psk, 32) != 0);
	CHECK(strcmp(p.dial_identity, q.dial_identity) != 0);
}

TEST(pairing_needs_both_shares_for_secrets)
{
	static const uint8_t zero[32];
	struct card own = card_of("a", 1), peer = card_of("b", 0x40);
	struct pairing p;

	own.has_share = false;
	CHECK_OK(pairing_make(&p, &own, &peer));
	CHECK_MEM(p.dial_psk, zero, 32);
	CHECK_MEM(p.listen_psk, zero, 32);
	CHECK_STR(p.dial_identity, "");
	CHECK_EQ(strlen(p.gen), GEN_CHARS);
}

TEST(pairing_refuses_what_is_not_two)
{
	struct card a = card_of("a", 1), b = card_of("b", 0x40), c;
	uint8_t *key[6] = {a.log, a.cosigner, a.trunk,
			   b.log, b.cosigner, b.trunk};
	struct pairing p;

	CHECK_OK(pairing_make(&p, &a, &b));
	CHECK_ERR(pairing_make(&p, &a, &a), EEXIST);
	c = b;
	snprintf(c.name, sizeof(c.name), "a");
	CHECK_ERR(pairing_make(&p, &a, &c), EEXIST);
	for (int i = 0; i < 6; i++) {
		for (int k = 0; k < 6; k++) {
			uint8_t keep[KEY_BYTES];

			if (i == k)
				continue;
			memcpy(keep, key[i], KEY_BYTES);
			memcpy(key[i], key[k], KEY_BYTES);
			CHECK_ERR(pairing_make(&p, &a, &b), EEXIST);
			memcpy(key[i], keep, KEY_BYTES);
		}
	}
	CHECK_OK(pairing_make(&p, &a, &b));
}

TEST(pairing_longest_names_fit)
{
	struct card a = card_of("", 1), b = card_of("", 0x40);
	struct pairing p;

	memset(a.name, 'a', HOST_CHARS_MAX);
	memset(b.name, 'b', HOST_CHARS_MAX);
	CHECK_OK(pairing_make(&p, &a, &b));
	CHECK_EQ(strlen(p.own_origin), 63 + 10 + 63 + 1 + 32);
	CHECK_EQ(strlen(p.joint_origin), 9 + 63 + 1 + 63 + 1 + 32);
	CHECK(!strcmp(p.own_origin + 137, p.gen));
}

/* ---- words ---- */

TEST(card_words_are_256_different_ones_in_order)
{
	uint8_t h[DIGEST_BYTES];
	struct buf b;
	char hex[17];

	buf_init(&b, 4096);
	for (int i = 0; i < 256; i++) {
		const char *w = card_word((uint8_t)i);

		CHECK(w != NULL);
		CHECK(strlen(w) >= 3 && strlen(w) <= 8);
		for (const char *c = w; *c; c++)
			CHECK(*c >= 'a' && *c <= 'z');
		/* sorted, so none is there twice */
		CHECK(!i || strcmp(card_word((uint8_t)(i - 1)), w) < 0);
		buf_printf(&b, "%s\n", w);
	}
	/* the list is part of the protocol: docs/protocol.md 2 */
	digest(b.p, b.n, h);
	hex_encode(h, 8, hex);
	CHECK_STR(hex, "782a386d2fb4270c");
	buf_free(&b);
}
