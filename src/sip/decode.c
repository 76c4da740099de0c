/* SPDX-License-Identifier: ISC */
/**
 * @file decode.c  libre's decoder, but requests it would not take are answered
 *
 * libre drops without a word what is not exactly `METHOD URI SIP/2.0`.  A peer
 * then repeats it for 32 s and never learns why.  This stands in for
 * sip_msg_decode(), as timer.c does for timers: a first line that is wrong, but
 * tells method and version, is written over with a harmless one of the same
 * length, and the message marked, so that sanity_request() answers 505 or 400.
 */
#include <dlfcn.h>
#include <errno.h>
#include <re.h>
#include <string.h>
#include "sip/sanity.h"

const struct pl sanity_bad_uri = PL("?");
const struct pl sanity_bad_version = PL("SIP/?");

typedef int(decode_f)(struct sip_msg **msgp, struct mbuf *mb);

/** Where the parts of a first line are: METHOD ... SIP/version blanks. */
struct line {
	char *p;
	size_t n, method;
	char version[8];
	bool version_ok;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool line_of(struct mbuf *mb, struct line *l)
{
	static const char sip[] = "SIP/";
	size_t at, end;

	l->p = (char *)mbuf_buf(mb);
	for (l->n = 0; l->n < mbuf_get_left(mb); l->n++)
		if (l->p[l->n] == '\r' || l->p[l->n] == '\n')
			break;
	for (l->method = 0; l->method < l->n; l->method++)
		if ((unsigned char)l->p[l->method] <= ' ')
			break;
	/* A response starts with the version, and is not answered */
	if (!l->method || l->n == mbuf_get_left(mb) ||
	    (l->method > 4 && !memcmp(l->p, sip, 4)))
		return false;
	for (end = l->n; end > l->method && blank(l->p[end - 1]);)
		end--;
	for (at = end; at > l->method && !blank(l->p[at - 1]);)
		at--;
	if (at == l->method || end - at < 5 || strncasecmp(l->p + at, sip, 4))
		return false;
	l->version[0] = '\0';
	if (end - at == 7) {
		memcpy(l->version, l->p + at, 7);
		l->version[7] = '\0';
	}
	l->version_ok = end - at == 7 && !strncasecmp(l->p + at, "SIP/2.0", 7);
	return true;
}

/** The same method, an URI that means nothing, and our version. */
static bool line_mend(const struct line *l)
{
	static const char uri[] = " sip:", version[] = " SIP/2.0";
	const size_t u = sizeof(uri) - 1, v = sizeof(version) - 1;

	if (l->n < l->method + u + 1 + v)
		return false;
	memcpy(l->p + l->method, uri, u);
	memset(l->p + l->method + u, 'a', l->n - l->method - u - v);
	memcpy(l->p + l->n - v, version, v);
	return true;
}

/** The same version stands in Via, where libre looks for its own too. */
static void vias_mend(const struct line *l, size_t left)
{
	char *at = l->p + l->n, *const stop = l->p + left;

	while (l->version[0] && !l->version_ok &&
	       (at = memmem(at, (size_t)(stop - at), l->version, 7))) {
		if (at + 7 < stop && at[7] == '/')
			memcpy(at, "SIP/2.0", 7);
		at += 7;
	}
}

int sip_msg_decode(struct sip_msg **msgp, struct mbuf *mb)
{
	static union {
		void *p;
		decode_f *decode;
	} theirs;
	struct line l;
	const char *end;
	int err;

	if (!theirs.p)
		theirs.p = dlsym(RTLD_NEXT, "sip_msg_decode");
	if (!theirs.p)
		return ENOSYS;
	err = theirs.decode(msgp, mb);
	/* A stream without the end of the headers waits for more */
	if (!err || !mb || !line_of(mb, &l))
		return err;
	end = memmem(l.p, mbuf_get_left(mb), "\r\n\r\n", 4);
	if (!end || !line_mend(&l))
		return err;
	vias_mend(&l, (size_t)(end - l.p));
	err = theirs.decode(msgp, mb);
	if (err)
		return err;
	(*msgp)->ruri = (*msgp)->uri.scheme = sanity_bad_uri;
	if (!l.version_ok)
		(*msgp)->ver = sanity_bad_version;
	return 0;
}
