/* SPDX-License-Identifier: ISC */
/** @file tlspsk.c  One TLS 1.3 connection whose only credential is a PSK */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "trunk/tlspsk.h"

#define SUITE "TLS_AES_128_GCM_SHA256"
#define LABEL "EXPORTER-ringdown-hello/v1"
#define READ_BYTES 65536	/* from the socket at once, when joined */
/* A certificate is refused whatever it says: read as little of it as goes */
#define CERT_BYTES_MAX 1024
/* RFC 8446 5.5 allows 2^24.5 full records under one AES-GCM key */
#define RECORDS_PER_KEY (1u << 22)

struct tlspsk_ctx {
	SSL_CTX *client, *server;
	BIO_METHOD *bio;
	tlspsk_find_h *find_h;
	void *arg;
};

struct tlspsk {
	SSL *ssl;
	struct tlspsk_ctx *ctx;
	int fd;
	bool dials;
	bool known;
	bool over;		/* the limit was hit */
	bool certificate;	/* the server showed one */
	bool retry;		/* the last write wants its octets again */
	uint32_t tag;
	uint32_t records;	/* written under the present key */
	char identity[IDENTITY_CHARS + 1];
	uint8_t psk[PSK_BYTES];
	uint64_t limit, in, out;	/* octets */
	enum tally_kind tally;
	char why[120];
};

/* ---- the socket, as OpenSSL sees it: counted, and limited ---- */

static int on_read(BIO *b, char *p, int n)
{
	struct tlspsk *t = BIO_get_data(b);
	ssize_t r;

	BIO_clear_retry_flags(b);
	if (n <= 0)
		return 0;
	if (t->in >= t->limit) {
		t->over = true;
		return -1;
	}
	if ((uint64_t)n > t->limit - t->in)
		n = (int)(t->limit - t->in);
	do
		r = recv(t->fd, p, (size_t)n, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EAGAIN)
		BIO_set_retry_read(b);
	if (r > 0)
		t->in += (uint64_t)r;
	return (int)r;
}

static int on_write(BIO *b, const char *p, int n)
{
	struct tlspsk *t = BIO_get_data(b);
	ssize_t r;

	BIO_clear_retry_flags(b);
	if (n <= 0)
		return 0;
	do
		r = send(t->fd, p, (size_t)n, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EAGAIN)
		BIO_set_retry_write(b);
	if (r > 0)
		t->out += (uint64_t)r;
	return (int)r;
}

static long on_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
				     "trunk socket");

	if (m && BIO_meth_set_read(m, on_read) &&
	    BIO_meth_set_write(m, on_write) && BIO_meth_set_ctrl(m, on_ctrl))
		return m;
	BIO_meth_free(m);
	return NULL;
}

/* ---- the PSK ---- */

/* NULL: OpenSSL is out of memory */
static SSL_SESSION *session(SSL *ssl, const uint8_t psk[PSK_BYTES])
{
	static const uint8_t suite[2] = {0x13, 0x01};
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
	SSL_SESSION *s = SSL_SESSION_new();

	if (s && cipher && SSL_SESSION_set1_master_key(s, psk, PSK_BYTES) &&
	    SSL_SESSION_set_cipher(s, cipher) &&
	    SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION))
		return s;
	SSL_SESSION_free(s);
	return NULL;
}

static int on_use_session(SSL *ssl, const EVP_MD *md, const uint8_t **id,
			  size_t *idlen, SSL_SESSION **sess)
{
	struct tlspsk *t = SSL_get_app_data(ssl);

	(void)md;	/* one suite is offered: SHA-256 it is */
	*sess = session(ssl, t->psk);
	*id = (const uint8_t *)t->identity;
	*idlen = strlen(t->identity);
	return *sess != NULL;
}

static int on_find_session(SSL *ssl, const uint8_t *id, size_t n,
			   SSL_SESSION **sess)
{
	struct tlspsk *t = SSL_get_app_data(ssl);

	/* on_client_hello() has looked it up; nothing else may follow */
	*sess = NULL;
	if (!t->known || n != strlen(t->identity) ||
	    CRYPTO_memcmp(id, t->identity, n))
		return 0;
	*sess = session(ssl, t->psk);
	return *sess != NULL;
}

static int refuse(struct tlspsk *t, enum tally_kind k, const char *why)
{
	t->tally = k;
	snprintf(t->why, sizeof(t->why), "%s", why);
	return SSL_CLIENT_HELLO_ERROR;
}

/* RFC 8446 4.2.11: u16 length of identities, each u16 length, octets and
   u32 age; then the binders, which are OpenSSL's business */
static int offered(struct tlspsk *t, const uint8_t *p, size_t n, int *alert)
{
	struct cur all = cur_of(p, n), list;
	const uint8_t *id;
	size_t id_n;
	enum tally_kind k;

	id_n = cur_u16(&all);
	list = cur_of(cur_take(&all, id_n), all.bad ? 0 : id_n);
	id_n = cur_u16(&list);
	id = cur_take(&list, id_n);
	cur_u32(&list);
	*alert = SSL_AD_DECODE_ERROR;
	if (!cur_done(&list) || !id_n)
		return refuse(t, TALLY_BAD_TLS, "not exactly one PSK identity");
	*alert = SSL_AD_UNKNOWN_PSK_IDENTITY;
	if (id_n > IDENTITY_CHARS || memchr(id, '\0', id_n))
		k = TALLY_UNKNOWN_IDENTITY;
	else
		k = t->ctx->find_h((const char *)id, id_n, t->psk, &t->tag,
				   t->ctx->arg);
	if (k != TALLY_NONE)
		return refuse(t, k,
			      k == TALLY_REFLECTED
				      ? "our own ClientHello came back"
				      : "names no pair of ours");
	memcpy(t->identity, id, id_n);
	t->identity[id_n] = '\0';
	t->known = true;
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* Before OpenSSL computes anything: is this one of our peers at all? */
static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
	struct tlspsk *t = SSL_get_app_data(ssl);
	const uint8_t *p;
	size_t n;

	(void)arg;
	*alert = SSL_AD_PROTOCOL_VERSION;
	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &p,
				       &n))
		return refuse(t, TALLY_BAD_TLS, "offers no TLS 1.3");
	*alert = SSL_AD_HANDSHAKE_FAILURE;
	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &p, &n))
		return refuse(t, TALLY_NO_PSK, "offers no PSK");
	return offered(t, p, n, alert);
}

/* Never called with a server that knows the PSK */
static int on_certificate(X509_STORE_CTX *x, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		x, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tlspsk *t = SSL_get_app_data(ssl);

	(void)arg;
	t->certificate = true;
	X509_STORE_CTX_set_error(x, X509_V_ERR_CERT_REJECTED);
	return 0;
}

/* ---- contexts ---- */

static SSL_CTX *profile(const SSL_METHOD *method)
{
	SSL_CTX *c = SSL_CTX_new(method);

	if (!c)
		return NULL;
	SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
				       SSL_OP_NO_TICKET);
	SSL_CTX_clear_options(c, SSL_OP_ALLOW_NO_DHE_KEX);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE |
				    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_clear_mode(c, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(c, CERT_BYTES_MAX);
	SSL_CTX_set_default_read_buffer_len(c, READ_BYTES);
	if (SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) &&
	    SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) &&
	    SSL_CTX_set_ciphersuites(c, SUITE) &&
	    SSL_CTX_set1_groups_list(c, "X25519") &&
	    SSL_CTX_set_num_tickets(c, 0) && SSL_CTX_set_max_early_data(c, 0) &&
	    SSL_CTX_set_recv_max_early_data(c, 0))
		return c;
	SSL_CTX_free(c);
	return NULL;
}

int tlspsk_ctx_alloc(struct tlspsk_ctx **cp, tlspsk_find_h *h, void *arg)
{
	struct tlspsk_ctx *c = calloc(1, sizeof(*c));

	if (!c)
		return ENOMEM;
	c->find_h = h;
	c->arg = arg;
	c->bio = bio_method();
	c->client = profile(TLS_client_method());
	c->server = profile(TLS_server_method());
	if (!c->bio || !c->client || !c->server) {
		tlspsk_ctx_free(c);
		ERR_clear_error();
		return EIO;
	}
	/* Without VERIFY_PEER a client takes any certificate instead of the
	   PSK (docs/protocol.md 3); the store stays empty */
	SSL_CTX_set_verify(c->client, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(c->client, on_certificate, NULL);
	SSL_CTX_set_psk_use_session_callback(c->client, on_use_session);
	SSL_CTX_set_psk_find_session_callback(c->server, on_find_session);
	SSL_CTX_set_client_hello_cb(c->server, on_client_hello, NULL);
	*cp = c;
	return 0;
}

void *tlspsk_ctx_free(struct tlspsk_ctx *c)
{
	if (c) {
		SSL_CTX_free(c->client);
		SSL_CTX_free(c->server);
		BIO_meth_free(c->bio);
		free(c);
	}
	return NULL;
}

/* ---- one connection ---- */

static int connection(struct tlspsk **tp, struct tlspsk_ctx *c, int fd,
		      bool dials)
{
	struct tlspsk *t = calloc(1, sizeof(*t));
	BIO *b;

	if (!t)
		return ENOMEM;
	t->ctx = c;
	t->fd = fd;
	t->dials = dials;
	t->limit = UINT64_MAX;
	t->ssl = SSL_new(dials ? c->client : c->server);
	b = BIO_new(c->bio);
	if (!t->ssl || !b) {
		BIO_free(b);
		tlspsk_free(t);
		ERR_clear_error();
		return ENOMEM;
	}
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b);
	SSL_set_app_data(t->ssl, t);
	if (dials)
		SSL_set_connect_state(t->ssl);
	else
		SSL_set_accept_state(t->ssl);
	*tp = t;
	return 0;
}

int tlspsk_dial(struct tlspsk **tp, struct tlspsk_ctx *c, int fd,
		const char *identity, const uint8_t psk[PSK_BYTES])
{
	struct tlspsk *t = NULL;
	int err = connection(&t, c, fd, true);

	if (err)
		return err;
	snprintf(t->identity, sizeof(t->identity), "%s", identity);
	memcpy(t->psk, psk, PSK_BYTES);
	t->known = true;
	*tp = t;
	return 0;
}

int tlspsk_accept(struct tlspsk **tp, struct tlspsk_ctx *c, int fd,
		  uint64_t limit_bytes)
{
	struct tlspsk *t = NULL;
	int err = connection(&t, c, fd, false);

	if (err)
		return err;
	t->limit = limit_bytes;
	*tp = t;
	return 0;
}

void *tlspsk_free(struct tlspsk *t)
{
	if (t) {
		SSL_free(t->ssl);
		OPENSSL_cleanse(t->psk, sizeof(t->psk));
		free(t);
	}
	return NULL;
}

/* Put the reason that OpenSSL gives into words and a name to count */
static int broken(struct tlspsk *t, enum tally_kind k)
{
	const unsigned long e = ERR_peek_error();
	const int reason = ERR_GET_REASON(e);
	const bool alert =
		ERR_GET_LIB(e) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET;

	if (t->tally != TALLY_NONE)
		return EPROTO;	/* on_client_hello() has said it */
	if (t->certificate ||
	    (t->dials && reason == SSL_R_EXCESSIVE_MESSAGE_SIZE)) {
		refuse(t, TALLY_NO_PSK, "shows a certificate, not the PSK");
	} else if (reason == SSL_R_BINDER_DOES_NOT_VERIFY) {
		refuse(t, TALLY_WRONG_PSK, "does not know the pair's secret");
	} else if (t->over) {
		refuse(t, TALLY_BYTES, "too many octets before HELLO");
	} else {
		const char *s = e ? ERR_reason_error_string(e) : NULL;

		t->tally = alert && t->dials ? TALLY_DIAL_FAILED : k;
		snprintf(t->why, sizeof(t->why), "TLS: %s%s",
			 alert ? "they sent " : "", s ? s : "broken");
	}
	return EPROTO;
}

static int gone(struct tlspsk *t, const char *why)
{
	if (!t->why[0])
		snprintf(t->why, sizeof(t->why), "%s", why);
	return ECONNRESET;
}

/* What a failed call of OpenSSL means.  r: its result; e: errno after it */
static int outcome(struct tlspsk *t, int r, int e)
{
	const int kind = SSL_get_error(t->ssl, r);
	int err;

	switch (kind) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE: return EAGAIN;
	case SSL_ERROR_ZERO_RETURN: return gone(t, "they closed it");
	case SSL_ERROR_SYSCALL:
		if (t->over)
			return broken(t, TALLY_BYTES);
		return gone(t, e ? strerror(e) : "they closed it");
	default:
		if (ERR_GET_REASON(ERR_peek_error()) ==
		    SSL_R_UNEXPECTED_EOF_WHILE_READING)
			err = gone(t, "they closed it");
		else
			err = broken(t, TALLY_BAD_TLS);
		ERR_clear_error();
		return err;
	}
}

int tlspsk_handshake(struct tlspsk *t)
{
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(t->ssl);
	if (r != 1)
		return outcome(t, r, errno);
	OPENSSL_cleanse(t->psk, sizeof(t->psk));
	if (SSL_session_reused(t->ssl) != 1) {
		refuse(t, TALLY_NO_PSK, "ignored the PSK");
		return EPROTO;
	}
	return 0;
}

bool tlspsk_known(const struct tlspsk *t)
{
	return t->known;
}

uint32_t tlspsk_tag(const struct tlspsk *t)
{
	return t->tag;
}

int tlspsk_exporter(struct tlspsk *t, uint8_t out[EXPORTER_BYTES])
{
	return SSL_export_keying_material(t->ssl, out, EXPORTER_BYTES, LABEL,
					  strlen(LABEL), NULL, 0, 0) == 1
		       ? 0
		       : EIO;
}

void tlspsk_unlimit(struct tlspsk *t)
{
	t->limit = UINT64_MAX;
	SSL_set_read_ahead(t->ssl, 1);	/* several records at once */
}

int tlspsk_read(struct tlspsk *t, void *p, size_t n, size_t *got)
{
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_read_ex(t->ssl, p, n, got);
	return r == 1 ? 0 : outcome(t, r, errno);
}

int tlspsk_write(struct tlspsk *t, const void *p, size_t n, size_t *put)
{
	int r;

	ERR_clear_error();
	if (!t->retry && t->records >= RECORDS_PER_KEY &&
	    SSL_key_update(t->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
		t->records = 0;
	errno = 0;
	r = SSL_write_ex(t->ssl, p, n < TLS_RECORD_BYTES ? n : TLS_RECORD_BYTES,
			 put);
	t->retry = r != 1;
	if (r == 1) {
		t->records++;
		return 0;
	}
	return outcome(t, r, errno);
}

bool tlspsk_wants_write(const struct tlspsk *t)
{
	return SSL_want_write(t->ssl);
}

void tlspsk_bye(struct tlspsk *t)
{
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);	/* if it does not go, FIN says it too */
	ERR_clear_error();
}

uint64_t tlspsk_bytes_in(const struct tlspsk *t)
{
	return t->in;
}

uint64_t tlspsk_bytes_out(const struct tlspsk *t)
{
	return t->out;
}

const char *tlspsk_why(const struct tlspsk *t)
{
	return t->why;
}

enum tally_kind tlspsk_tally(const struct tlspsk *t)
{
	return t->tally;
}
