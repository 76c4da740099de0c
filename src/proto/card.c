/* SPDX-License-Identifier: ISC */
/** @file card.c  Pairing cards: text to struct and back */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include "proto/card.h"

bool address_ok(struct str s)
{
	char host[ADDRESS_CHARS_MAX];
	uint8_t raw[16];
	uint64_t port;
	struct str h, p;
	int family = AF_INET;
	const char *colon = NULL;

	for (size_t i = 0; i < s.n; i++)
		colon = s.p[i] == ':' ? s.p + i : colon;
	if (!colon || s.n >= ADDRESS_CHARS_MAX)
		return false;
	h = (struct str){s.p, (size_t)(colon - s.p)};
	p = (struct str){colon + 1, s.n - h.n - 1};
	if (h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']') {
		family = AF_INET6;
		h = (struct str){h.p + 1, h.n - 2};
	}
	if (uint_parse(p, &port) || !port || port > 65535)
		return false;
	if (memchr(s.p, '\0', s.n) || str_copy(h, host, sizeof(host)))
		return false;
	return inet_pton(family, host, raw) == 1;
}

/* The next line must be "name SP value" */
static bool named(struct str *in, const char *name, struct str *value)
{
	struct str line, rest = *in;

	if (!str_line(&rest, &line) || !str_is(str_cut(&line, ' '), name))
		return false;
	*in = rest;
	*value = line;
	return true;
}

static bool key_line(struct str *in, const char *name, uint8_t *out)
{
	struct str v;

	return named(in, name, &v) && !b64_exact(v, out, KEY_BYTES);
}

/* share and check end a whole card; text is the card up to here */
static const char *secret_part(struct str *in, const char *start,
			       struct card *c)
{
	uint8_t h[DIGEST_BYTES], check[4];
	struct str v;

	if (!key_line(in, "share", c->share))
		return "share <base64 of 32 bytes>";
	digest(start, (size_t)(in->p - start), h);
	if (!named(in, "check", &v) || hex_decode(v, check, sizeof(check)))
		return "check <8 hex digits>";
	if (memcmp(check, h, sizeof(check)))
		return "check that fits the card: it was changed or mistyped";
	c->has_share = true;
	return NULL;
}

static const char *parse(struct str in, struct card *c)
{
	const char *start = in.p;
	struct str v;

	if (!str_line(&in, &v) || !str_is(v, "ringdown-card/v1"))
		return "ringdown-card/v1";
	if (!named(&in, "name", &v) || !host_ok(v) ||
	    str_copy(v, c->name, sizeof(c->name)))
		return "name <host>";
	if (!key_line(&in, "log", c->log))
		return "log <base64 of 32 bytes>";
	if (!key_line(&in, "cosigner", c->cosigner))
		return "cosigner <base64 of 32 bytes>";
	if (!key_line(&in, "trunk", c->trunk))
		return "trunk <base64 of 32 bytes>";
	if (!named(&in, "next", &v) || v.n < 7 || memcmp(v.p, "sha256:", 7) ||
	    hex_decode((struct str){v.p + 7, v.n - 7}, c->next, DIGEST_BYTES))
		return "next sha256:<64 hex digits>";
	if (!named(&in, "serial", &v) || hex_decode(v, c->serial, SERIAL_BYTES))
		return "serial <32 hex digits>";
	while (named(&in, "address", &v)) {
		if (c->addresses == CARD_ADDRESSES_MAX || !address_ok(v) ||
		    str_copy(v, c->address[c->addresses], ADDRESS_CHARS_MAX))
			return "at most 8 lines address <IP>:<port>";
		c->addresses++;
	}
	if (in.n) {
		const char *bad = secret_part(&in, start, c);

		if (bad)
			return bad;
	}
	return in.n ? "nothing after check" : NULL;
}

int card_parse(const void *p, size_t n, struct card *out, const char **where)
{
	const char *bad = "a card of at most 4096 bytes";

	*out = (struct card){0};
	if (n <= CARD_BYTES_MAX)
		bad = parse((struct str){p, n}, out);
	if (where)
		*where = bad ? bad : "";
	return bad ? EBADMSG : 0;
}

static void print_key(struct buf *b, const char *name, const uint8_t *key)
{
	char b64[B64_SIZE(KEY_BYTES)];

	b64_encode(key, KEY_BYTES, b64);
	buf_printf(b, "%s %s\n", name, b64);
}

void card_print(const struct card *c, bool share, struct buf *b)
{
	const size_t start = b->n;
	char hex[2 * DIGEST_BYTES + 1];
	uint8_t h[DIGEST_BYTES];

	buf_printf(b, "ringdown-card/v1\nname %s\n", c->name);
	print_key(b, "log", c->log);
	print_key(b, "cosigner", c->cosigner);
	print_key(b, "trunk", c->trunk);
	hex_encode(c->next, DIGEST_BYTES, hex);
	buf_printf(b, "next sha256:%s\n", hex);
	hex_encode(c->serial, SERIAL_BYTES, hex);
	buf_printf(b, "serial %s\n", hex);
	for (size_t i = 0; i < c->addresses; i++)
		buf_printf(b, "address %s\n", c->address[i]);
	if (!share)
		return;
	print_key(b, "share", c->share);
	if (b->err)
		return;
	digest(b->p + start, b->n - start, h);
	hex_encode(h, 4, hex);
	buf_printf(b, "check %s\n", hex);
}
