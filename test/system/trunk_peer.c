/* SPDX-License-Identifier: ISC */
/** @file trunk_peer.c  The other end of a path by our own hand */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "trunk_peer.h"
#include "trunk_rig.h"

static int use_session(SSL *ssl, const EVP_MD *md, const uint8_t **id,
		       size_t *n, SSL_SESSION **sess)
{
	static const uint8_t suite[2] = {0x13, 0x01};
	struct peer *p = SSL_get_app_data(ssl);

	(void)md;
	*sess = NULL;
	if (!p->has_psk)
		return 1;
	*sess = SSL_SESSION_new();
	RIG_CHECK(*sess && SSL_SESSION_set1_master_key(*sess, p->psk, 32) &&
		  SSL_SESSION_set_cipher(*sess, SSL_CIPHER_find(ssl, suite)) &&
		  SSL_SESSION_set_protocol_version(*sess, TLS1_3_VERSION));
	*id = (const uint8_t *)p->identity;
	*n = strlen(p->identity);
	return 1;
}

void peer_client(struct peer *p, int fd, int tls_version, const char *identity,
		 const uint8_t *psk)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	*p = (struct peer){.fd = fd, .has_psk = identity != NULL};
	RIG_CHECK(c && SSL_CTX_set_min_proto_version(c, tls_version) &&
		  SSL_CTX_set_max_proto_version(c, tls_version));
	SSL_CTX_set_psk_use_session_callback(c, use_session);
	if (identity) {
		RIG_CHECK(!str_copy(str_of(identity), p->identity,
				    sizeof(p->identity)));
		memcpy(p->psk, psk, 32);
	}
	p->ssl = SSL_new(c);
	SSL_CTX_free(c);
	RIG_CHECK(p->ssl && SSL_set_fd(p->ssl, fd));
	SSL_set_app_data(p->ssl, p);
	SSL_set_connect_state(p->ssl);
}

void peer_server(struct peer *p, int fd)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	*p = (struct peer){.fd = fd};
	RIG_CHECK(c && key && x && X509_set_version(x, 2) &&
		  ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
		  X509_gmtime_adj(X509_getm_notBefore(x), -60) &&
		  X509_gmtime_adj(X509_getm_notAfter(x), 3600) &&
		  X509_set_pubkey(x, key) && X509_sign(x, key, EVP_sha256()) &&
		  SSL_CTX_use_certificate(c, x) &&
		  SSL_CTX_use_PrivateKey(c, key));
	X509_free(x);
	EVP_PKEY_free(key);
	p->ssl = SSL_new(c);
	SSL_CTX_free(c);
	RIG_CHECK(p->ssl && SSL_set_fd(p->ssl, fd));
	SSL_set_accept_state(p->ssl);
}

bool peer_handshake(struct peer *p)
{
	const int r = SSL_do_handshake(p->ssl);

	ERR_clear_error();
	return r == 1;
}

void peer_frame(struct peer *p, uint32_t n, uint8_t type, const void *body,
		size_t body_n)
{
	uint8_t head[5] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16),
			   (uint8_t)(n >> 8), (uint8_t)n, type};
	size_t put;

	RIG_CHECK(SSL_write_ex(p->ssl, head, sizeof(head), &put) == 1);
	if (body_n)
		RIG_CHECK(SSL_write_ex(p->ssl, body, body_n, &put) == 1);
}

int peer_read(struct peer *p, uint8_t *octet)
{
	struct pollfd f = {p->fd, POLLIN, 0};
	int r;

	if (!SSL_has_pending(p->ssl) && poll(&f, 1, 0) <= 0)
		return 0;
	r = SSL_read(p->ssl, octet, 1);
	ERR_clear_error();
	return r == 1 ? 1 : -1;
}

void peer_close(struct peer *p)
{
	SSL_free(p->ssl);
	close(p->fd);
}

bool socket_ended(int fd)
{
	uint8_t p[512];
	ssize_t n;

	do
		n = recv(fd, p, sizeof(p), MSG_DONTWAIT);
	while (n > 0);
	return n == 0 || errno != EAGAIN;
}

/* ---- relay ---- */

static bool pass(int from, int to)
{
	uint8_t p[16384];
	ssize_t n = read(from, p, sizeof(p));

	for (ssize_t at = 0, k; at < n; at += k) {
		k = send(to, p + at, (size_t)(n - at), MSG_NOSIGNAL);
		if (k <= 0)
			return false;
	}
	return n > 0;
}

__attribute__((noreturn)) static void relay(int listen_fd, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (;;) {
		int in = accept(listen_fd, NULL, NULL);
		int out = socket(AF_INET, SOCK_STREAM, 0);
		struct pollfd f[2] = {{in, POLLIN, 0}, {out, POLLIN, 0}};
		bool go = in >= 0 && !connect(out, (void *)&a, sizeof(a));

		while (go && poll(f, 2, -1) > 0) {
			if (f[0].revents)
				go = pass(in, out);
			if (go && f[1].revents)
				go = pass(out, in);
		}
		close(in);
		close(out);
	}
}

pid_t relay_start(int listen_fd, uint16_t port)
{
	pid_t pid = fork();

	RIG_CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		relay(listen_fd, port);
	}
	return pid;
}

void relay_cut(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
