/* SPDX-License-Identifier: ISC */
/** @file address.c  Numeric addresses: text to sockaddr and back */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "trunk/state.h"

int address_parse(const char *s, struct sockaddr_storage *out, socklen_t *n)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
	const char *colon = strrchr(s, ':');
	char host[ADDRESS_CHARS_MAX];
	uint64_t port;
	struct str h;

	if (!address_ok(str_of(s)) || !colon ||
	    uint_parse(str_of(colon + 1), &port))
		return EBADMSG;
	h = (struct str){s, (size_t)(colon - s)};
	if (*s == '[')
		h = (struct str){s + 1, h.n - 2};
	if (str_copy(h, host, sizeof(host)))
		return EBADMSG;
	memset(out, 0, sizeof(*out));
	if (*s == '[') {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*n = sizeof(*v6);
		return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 ? 0
								      : EBADMSG;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	*n = sizeof(*v4);
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1 ? 0 : EBADMSG;
}

void address_print(const struct sockaddr_storage *a, char out[REMOTE_CHARS])
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;
	char host[INET6_ADDRSTRLEN];

	if (a->ss_family == AF_INET &&
	    inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host))) {
		snprintf(out, REMOTE_CHARS, "%s:%u", host, ntohs(v4->sin_port));
	} else if (a->ss_family == AF_INET6 &&
		   IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) &&
		   inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], host,
			     sizeof(host))) {
		snprintf(out, REMOTE_CHARS, "%s:%u", host,
			 ntohs(v6->sin6_port));
	} else if (a->ss_family == AF_INET6 &&
		   inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host))) {
		snprintf(out, REMOTE_CHARS, "[%s]:%u", host,
			 ntohs(v6->sin6_port));
	} else {
		snprintf(out, REMOTE_CHARS, "unknown");
	}
}
