/* SPDX-License-Identifier: ISC */
/**
 * @file srtp_box.c  media/rtpsec behind a pipe, for srtp_test.py
 *
 * usage: srtp_box SUITE MASTER_HEX.  A line in is "seal|open rtp|rtcp HEX", a
 * line out the octets in hex, or "errno N".
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "media/rtpsec.h"

#define BYTES_MAX 4096

static int hex_in(struct str s, uint8_t *out, size_t *n)
{
	*n = s.n / 2;
	return *n > BYTES_MAX - RTPSEC_TAIL_MAX ? EMSGSIZE
						: hex_decode(s, out, *n);
}

static int one(struct rtpsec *out, struct rtpsec *in, struct str line,
	       uint8_t *p, size_t *n)
{
	const struct str verb = str_cut(&line, ' '), kind = str_cut(&line, ' ');
	const bool rtcp = str_is(kind, "rtcp");
	const int err = hex_in(line, p, n);

	if (err)
		return err;
	if (str_is(verb, "seal"))
		return rtcp ? rtpsec_seal_rtcp(out, p, n, BYTES_MAX)
			    : rtpsec_seal(out, p, n, BYTES_MAX);
	return rtcp ? rtpsec_open_rtcp(in, p, n) : rtpsec_open(in, p, n);
}

int main(int argc, char **argv)
{
	static char line[BYTES_MAX * 2 + 32], hex[BYTES_MAX * 2 + 1];
	static uint8_t p[BYTES_MAX];
	struct rtpsec *out = NULL, *in = NULL;
	enum rtpsec_suite suite;
	size_t n;

	if (argc != 3 || rtpsec_suite_find(str_of(argv[1]), &suite) ||
	    hex_in(str_of(argv[2]), p, &n) ||
	    rtpsec_alloc(&out, suite, RTPSEC_SENDER, p, n) ||
	    rtpsec_alloc(&in, suite, RTPSEC_RECEIVER, p, n)) {
		fprintf(stderr, "usage: srtp_box SUITE MASTER_HEX\n");
		return 64;
	}
	while (fgets(line, sizeof(line), stdin)) {
		struct str in_line = str_of(line);
		int err;

		in_line.n -= in_line.n && line[in_line.n - 1] == '\n';
		err = one(out, in, in_line, p, &n);
		hex_encode(p, err ? 0 : n, hex);
		if (err)
			printf("errno %d\n", err);
		else
			printf("%s\n", hex);
		fflush(stdout);
	}
	rtpsec_free(out);
	rtpsec_free(in);
	return 0;
}
