/* SPDX-License-Identifier: ISC */
/**
 * @file trunk_peer.h  The other end of a path by our own hand: TLS clients and
 *                     servers of every wrong kind, and a relay between ends
 */
#ifndef TRUNK_PEER_H
#define TRUNK_PEER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct peer {
	int fd;
	SSL *ssl;
	char identity[64];
	uint8_t psk[32];
	bool has_psk;
};

/** A client on a connected socket, which is given.  identity NULL: no PSK. */
void peer_client(struct peer *p, int fd, int tls_version, const char *identity,
		 const uint8_t *psk);
/** A server with a certificate of its own making and no PSK. */
void peer_server(struct peer *p, int fd);
/** Do the handshake, blocking; whether it worked. */
bool peer_handshake(struct peer *p);
/** Send one frame whose head says that it has n octets. */
void peer_frame(struct peer *p, uint32_t n, uint8_t type, const void *body,
		size_t body_n);
/** One octet more of what has come, without waiting: 1; 0 nothing; -1 end. */
int peer_read(struct peer *p, uint8_t *octet);
void peer_close(struct peer *p);
/** Whether the other end has closed the socket; does not wait. */
bool socket_ended(int fd);

/** A process that accepts on listen_fd and relays each connection to the
 *  port on 127.0.0.1.  Killing it cuts them. */
pid_t relay_start(int listen_fd, uint16_t port);
void relay_cut(pid_t pid);

#endif
