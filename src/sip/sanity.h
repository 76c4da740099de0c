/* SPDX-License-Identifier: ISC */
/**
 * @file sanity.h  What a SIP message must be before anything acts on it
 *
 * libre parses generously: it takes a request without Call-ID, the last of two
 * CSeq, 4294967301 for 5, a Content-Length beyond the datagram.  This is the
 * gate behind its parser: pure, no state, nothing kept.
 */
#ifndef SIP_SANITY_H
#define SIP_SANITY_H

#include <stdbool.h>
#include <stdint.h>
#include <re.h>

#define SANITY_HEADERS_MAX 128	  /* header lines; more: 400 */
#define SANITY_VALUE_BYTES_MAX 512 /* To, From, Call-ID, Via; longer: 400 */
#define SANITY_VIAS_MAX 32	  /* more: 400 */
#define SANITY_EXTRA_BYTES 512	  /* of header lines in an answer */

/** True when this address, from a Via, is one of our own listeners. */
typedef bool(sanity_own_h)(const struct sa *addr, void *arg);

struct sanity_conf {
	const char *const *methods;	/* answered; the others get 405 */
	const char *const *options;	/* option tags; the others get 420 */
	const char *allow;		/* value of Allow */
	sanity_own_h *ownh;		/* NULL: loops are not looked for */
	void *arg;
};

/** What decode.c leaves in ruri and uri.scheme, or ver, of a request whose first
 *  line could not be read. */
extern const struct pl sanity_bad_uri, sanity_bad_version;

/** What to do with a message. */
struct sanity_answer {
	uint16_t
		scode; /* 0: it may pass; 1: drop it, say nothing; else reply */
	const char *reason;		/* a constant */
	char extra[SANITY_EXTRA_BYTES]; /* header lines with CRLF, or empty */
};

#define SANITY_PASS 0
#define SANITY_DROP 1

/**
 * Judge a request (RFC 3261 8.2, 16.3, 18.3; RFC 4475)
 *
 * The answer is dropping where a reply would go where the sender wants instead
 * of where it came from (Via maddr), and for any bad ACK.
 *
 * @param msg   borrowed, decoded by libre, msg->mb at its body
 * @param reliable  it came over a stream: the body is cut already
 */
void sanity_request(const struct sip_msg *msg, bool reliable,
		    const struct sanity_conf *conf, struct sanity_answer *out);

/** Judge a response: SANITY_PASS or SANITY_DROP (RFC 3261 8.1.3.3). */
uint16_t sanity_response(const struct sip_msg *msg);

/** The body, cut to Content-Length; borrowed from @p msg. */
struct pl sanity_body(const struct sip_msg *msg);

/** Decimal number of a header, blanks around it: 0 or EBADMSG (also when it is
 *  above @p most). */
int sanity_number(struct pl text, uint32_t most, uint32_t *v)
	__attribute__((warn_unused_result));

#endif
