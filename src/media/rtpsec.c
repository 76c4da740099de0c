/* SPDX-License-Identifier: ISC */
/** @file rtpsec.c  SRTP and SRTCP: sealing and opening packets in place */
/* EVP copies the state of a digest by allocating, for every packet.  The low
   interface copies a struct; it is what OpenSSL 3 calls deprecated. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include "base/window.h"
#include "media/rtpsec.h"
#include "proto/rtp.h"

#define WORDS WINDOW_WORDS(RTPSEC_WINDOW)
#define GCM_TAG 16
#define GCM_SALT 12
#define RTCP_TAG 10		/* of both CM suites */
#define RTCP_CLEAR 8		/* octets of RTCP that stay readable */
#define RTCP_WORD 4		/* E bit and index, behind the packet */
#define INDEX_MAX ((1ULL << 48) - 1)
#define RTCP_INDEX_MAX 0x7fffffffu
#define E_BIT 0x80000000u

static const struct {
	const char *name;
	uint8_t key, salt;	/* octets */
	uint8_t tag;		/* of RTP */
	bool gcm;
} suites[RTPSEC_SUITES] = {
	[RTPSEC_CM80] = {"AES_CM_128_HMAC_SHA1_80", 16, 14, 10, false},
	[RTPSEC_CM32] = {"AES_CM_128_HMAC_SHA1_32", 16, 14, 4, false},
	[RTPSEC_GCM128] = {"AEAD_AES_128_GCM", 16, GCM_SALT, GCM_TAG, true},
	[RTPSEC_GCM256] = {"AEAD_AES_256_GCM", 32, GCM_SALT, GCM_TAG, true}};

/* One kind of packet: its keys, made ready */
struct keyed {
	EVP_CIPHER_CTX *cipher;
	SHA_CTX inner, outer;	/* HMAC's two starts (RFC 2104 4) */
	uint8_t salt[14];
};

/* What is kept of one SSRC */
struct source {
	uint32_t ssrc;
	struct window rtp, rtcp;
	uint64_t rtp_bits[WORDS], rtcp_bits[WORDS];
};

struct rtpsec {
	enum rtpsec_suite suite;
	enum rtpsec_role role;
	struct keyed rtp, rtcp;
	unsigned count;
	struct source sources[RTPSEC_SSRCS_MAX];
};

const char *rtpsec_suite_name(enum rtpsec_suite suite)
{
	return (unsigned)suite < RTPSEC_SUITES ? suites[suite].name : "";
}

int rtpsec_suite_find(struct str name, enum rtpsec_suite *out)
{
	for (unsigned i = 0; i < RTPSEC_SUITES; i++) {
		if (str_is(name, suites[i].name)) {
			*out = (enum rtpsec_suite)i;
			return 0;
		}
	}
	return ENOENT;
}

size_t rtpsec_master_bytes(enum rtpsec_suite suite)
{
	return (size_t)suites[suite].key + suites[suite].salt;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* ---- keys ---- */

/* AES-CM with the label in place of the index (RFC 3711 4.3.3) */
static int expand(enum rtpsec_suite suite, const uint8_t *master, uint8_t label,
		  uint8_t *out, int n)
{
	static const uint8_t zero[32];
	const size_t key = suites[suite].key;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t iv[16] = {0};
	int k, ok;

	memcpy(iv, master + key, suites[suite].salt);
	iv[7] ^= label;
	ok = c &&
	     EVP_EncryptInit_ex(
		     c, key == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL,
		     master, iv) == 1 &&
	     EVP_EncryptUpdate(c, out, &k, zero, n) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok ? 0 : EIO;
}

int rtpsec_derive(enum rtpsec_suite suite, const uint8_t *master, bool rtcp,
		  struct rtpsec_keys *out)
{
	const uint8_t label = rtcp ? 3 : 0;
	int err;

	memset(out, 0, sizeof(*out));
	err = expand(suite, master, label, out->enc, suites[suite].key);
	if (!err && !suites[suite].gcm)
		err = expand(suite, master, label + 1, out->auth,
			     sizeof(out->auth));
	if (!err)
		err = expand(suite, master, label + 2, out->salt,
			     suites[suite].salt);
	return err;
}

static void hmac_start(SHA_CTX *c, const uint8_t key[20], uint8_t pad)
{
	uint8_t block[SHA_CBLOCK];

	memset(block, pad, sizeof(block));
	for (int i = 0; i < 20; i++)
		block[i] ^= key[i];
	SHA1_Init(c);
	SHA1_Update(c, block, sizeof(block));
	OPENSSL_cleanse(block, sizeof(block));
}

static int keyed_init(struct keyed *k, enum rtpsec_suite suite,
		      enum rtpsec_role role, const struct rtpsec_keys *keys)
{
	const bool big = suites[suite].key == 32;
	const EVP_CIPHER *cipher = big ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
	/* counter mode only ever encrypts */
	const int enc = role == RTPSEC_SENDER || !suites[suite].gcm;

	if (!suites[suite].gcm) {
		cipher = EVP_aes_128_ctr();
		hmac_start(&k->inner, keys->auth, 0x36);
		hmac_start(&k->outer, keys->auth, 0x5c);
	}
	memcpy(k->salt, keys->salt, sizeof(k->salt));
	k->cipher = EVP_CIPHER_CTX_new();
	if (!k->cipher)
		return ENOMEM;
	return EVP_CipherInit_ex(k->cipher, cipher, NULL, keys->enc, NULL,
				 enc) == 1
		       ? 0
		       : EIO;
}

int rtpsec_alloc_keys(struct rtpsec **sp, enum rtpsec_suite suite,
		      enum rtpsec_role role, const struct rtpsec_keys *rtp,
		      const struct rtpsec_keys *rtcp)
{
	struct rtpsec *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return ENOMEM;
	s->suite = suite;
	s->role = role;
	err = keyed_init(&s->rtp, suite, role, rtp);
	if (!err)
		err = keyed_init(&s->rtcp, suite, role, rtcp);
	if (err) {
		rtpsec_free(s);
		return err;
	}
	*sp = s;
	return 0;
}

int rtpsec_alloc(struct rtpsec **sp, enum rtpsec_suite suite,
		 enum rtpsec_role role, const uint8_t *master, size_t n)
{
	struct rtpsec_keys rtp, rtcp;
	int err;

	if ((unsigned)suite >= RTPSEC_SUITES || n != rtpsec_master_bytes(suite))
		return EINVAL;
	err = rtpsec_derive(suite, master, false, &rtp);
	if (!err)
		err = rtpsec_derive(suite, master, true, &rtcp);
	if (!err)
		err = rtpsec_alloc_keys(sp, suite, role, &rtp, &rtcp);
	OPENSSL_cleanse(&rtp, sizeof(rtp));
	OPENSSL_cleanse(&rtcp, sizeof(rtcp));
	return err;
}

void *rtpsec_free(struct rtpsec *s)
{
	if (s) {
		EVP_CIPHER_CTX_free(s->rtp.cipher);
		EVP_CIPHER_CTX_free(s->rtcp.cipher);
		OPENSSL_cleanse(s, sizeof(*s));
		free(s);
	}
	return NULL;
}

/* ---- sources ---- */

static struct source *source_find(struct rtpsec *s, uint32_t ssrc)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (s->sources[i].ssrc == ssrc)
			return &s->sources[i];
	}
	return NULL;
}

/* Only for a packet that is authentic, or our own */
static struct source *source_add(struct rtpsec *s, uint32_t ssrc)
{
	struct source *o = &s->sources[s->count++];

	assert(s->count <= RTPSEC_SSRCS_MAX);
	*o = (struct source){.ssrc = ssrc};
	o->rtp = (struct window){.bits = o->rtp_bits, .words = WORDS};
	o->rtcp = (struct window){.bits = o->rtcp_bits, .words = WORDS};
	return o;
}

/* ---- transforms ---- */

/* IV of CM (RFC 3711 4.1.1) and of GCM (RFC 7714 8.1, 9.1): salt, SSRC and
   48 bits of index, at places that differ */
static void iv_make(uint8_t iv[16], const struct keyed *k, bool gcm,
		    uint32_t ssrc, uint64_t index)
{
	uint8_t *p = iv + (gcm ? 2 : 4);

	memcpy(iv, k->salt, 14);
	iv[14] = iv[15] = 0;
	for (int i = 0; i < 4; i++)
		p[i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
	for (int i = 0; i < 6; i++)
		p[4 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

static int cm_crypt(struct keyed *k, const uint8_t iv[16], uint8_t *p, size_t n)
{
	int out;

	return EVP_EncryptInit_ex(k->cipher, NULL, NULL, NULL, iv) == 1 &&
			       EVP_EncryptUpdate(k->cipher, p, &out, p,
						 (int)n) == 1
		       ? 0
		       : EIO;
}

/* HMAC-SHA1 over the packet and a word of the index */
static void cm_tag(const struct keyed *k, const uint8_t *p, size_t n,
		   uint32_t word, uint8_t tag[20])
{
	SHA_CTX c = k->inner;
	uint8_t w[4];

	put32(w, word);
	SHA1_Update(&c, p, n);
	SHA1_Update(&c, w, sizeof(w));
	SHA1_Final(tag, &c);
	c = k->outer;
	SHA1_Update(&c, tag, 20);
	SHA1_Final(tag, &c);
}

struct aead {
	const uint8_t *aad;
	size_t aad_n;
	const uint8_t *aad2;	/* the word of RTCP; or NULL */
	uint8_t *p;
	size_t n;
	uint8_t *tag;
};

static int gcm_seal(EVP_CIPHER_CTX *c, const uint8_t iv[12],
		    const struct aead *a)
{
	int k;

	if (EVP_EncryptInit_ex(c, NULL, NULL, NULL, iv) != 1 ||
	    EVP_EncryptUpdate(c, NULL, &k, a->aad, (int)a->aad_n) != 1 ||
	    (a->aad2 &&
	     EVP_EncryptUpdate(c, NULL, &k, a->aad2, RTCP_WORD) != 1) ||
	    (a->n && EVP_EncryptUpdate(c, a->p, &k, a->p, (int)a->n) != 1) ||
	    EVP_EncryptFinal_ex(c, a->tag, &k) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, GCM_TAG, a->tag) != 1)
		return EIO;
	return 0;
}

static int gcm_open(EVP_CIPHER_CTX *c, const uint8_t iv[12],
		    const struct aead *a)
{
	int k;

	if (EVP_DecryptInit_ex(c, NULL, NULL, NULL, iv) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, GCM_TAG, a->tag) !=
		    1 ||
	    EVP_DecryptUpdate(c, NULL, &k, a->aad, (int)a->aad_n) != 1 ||
	    (a->aad2 &&
	     EVP_DecryptUpdate(c, NULL, &k, a->aad2, RTCP_WORD) != 1) ||
	    (a->n && EVP_DecryptUpdate(c, a->p, &k, a->p, (int)a->n) != 1) ||
	    EVP_DecryptFinal_ex(c, a->tag, &k) != 1)
		return EBADMSG;
	return 0;
}

/* ---- RTP ---- */

int rtpsec_seal(struct rtpsec *s, uint8_t *p, size_t *n, size_t size)
{
	const bool gcm = suites[s->suite].gcm;
	const size_t head = rtp_head_bytes(p, *n), tag = suites[s->suite].tag;
	struct source *o;
	uint64_t index;
	uint8_t iv[16], full[20];
	int err;

	assert(s->role == RTPSEC_SENDER);
	if (!head)
		return EBADMSG;
	if (*n > size || size - *n < RTPSEC_TAIL_MAX)
		return EMSGSIZE;
	o = source_find(s, be32(p + 8));
	if (!o) {
		if (s->count == RTPSEC_SSRCS_MAX)
			return ENOSPC;
		o = source_add(s, be32(p + 8));
	}
	index = window_expand16(o->rtp.next ? o->rtp.next - 1 : 0,
				(uint16_t)(p[2] << 8 | p[3]));
	if (index > INDEX_MAX)
		return EOVERFLOW;
	if (!window_fresh(&o->rtp, index))
		return EALREADY;
	window_mark(&o->rtp, index);
	iv_make(iv, &s->rtp, gcm, o->ssrc, index);
	if (gcm) {
		err = gcm_seal(s->rtp.cipher, iv,
			       &(struct aead){.aad = p,
					      .aad_n = head,
					      .p = p + head,
					      .n = *n - head,
					      .tag = p + *n});
	} else {
		err = cm_crypt(&s->rtp, iv, p + head, *n - head);
		cm_tag(&s->rtp, p, *n, (uint32_t)(index >> 16), full);
		memcpy(p + *n, full, tag);
	}
	if (!err)
		*n += tag;
	return err;
}

int rtpsec_open(struct rtpsec *s, uint8_t *p, size_t *n)
{
	const bool gcm = suites[s->suite].gcm;
	const size_t head = rtp_head_bytes(p, *n), tag = suites[s->suite].tag;
	struct source *o;
	uint64_t index;
	uint16_t seq;
	uint32_t ssrc;
	uint8_t iv[16], full[20];
	size_t open;
	int err;

	assert(s->role == RTPSEC_RECEIVER);
	if (!head || *n - head < tag)
		return EBADMSG;
	open = *n - tag;
	ssrc = be32(p + 8);
	seq = (uint16_t)(p[2] << 8 | p[3]);
	o = source_find(s, ssrc);
	if (!o && s->count == RTPSEC_SSRCS_MAX)
		return ENOSPC;
	index = window_expand16(o && o->rtp.next ? o->rtp.next - 1 : seq, seq);
	if (index > INDEX_MAX || (o && !window_fresh(&o->rtp, index)))
		return EALREADY;
	iv_make(iv, &s->rtp, gcm, ssrc, index);
	if (gcm) {
		err = gcm_open(s->rtp.cipher, iv,
			       &(struct aead){.aad = p,
					      .aad_n = head,
					      .p = p + head,
					      .n = open - head,
					      .tag = p + open});
	} else {
		cm_tag(&s->rtp, p, open, (uint32_t)(index >> 16), full);
		err = CRYPTO_memcmp(full, p + open, tag)
			      ? EBADMSG
			      : cm_crypt(&s->rtp, iv, p + head, open - head);
	}
	if (err)
		return EBADMSG;
	if (!o)
		o = source_add(s, ssrc);
	window_mark(&o->rtp, index);
	*n = open;
	return 0;
}

/* ---- RTCP ----

   CM:  clear 8 | sealed | E, index | tag 10        tag over all before it
   GCM: clear 8 | sealed | tag 16   | E, index      both clear parts are AAD */

int rtpsec_seal_rtcp(struct rtpsec *s, uint8_t *p, size_t *n, size_t size)
{
	const bool gcm = suites[s->suite].gcm;
	struct source *o;
	uint32_t index;
	uint8_t iv[16], full[20], *word;
	int err;

	assert(s->role == RTPSEC_SENDER);
	if (*n < RTCP_CLEAR || !rtp_is_rtcp(p, *n))
		return EBADMSG;
	if (*n > size || size - *n < RTPSEC_TAIL_MAX)
		return EMSGSIZE;
	o = source_find(s, be32(p + 4));
	if (!o) {
		if (s->count == RTPSEC_SSRCS_MAX)
			return ENOSPC;
		o = source_add(s, be32(p + 4));
	}
	if (o->rtcp.next > RTCP_INDEX_MAX)
		return EOVERFLOW;
	index = (uint32_t)o->rtcp.next++;
	iv_make(iv, &s->rtcp, gcm, o->ssrc, index);
	word = p + *n + (gcm ? GCM_TAG : 0);
	put32(word, E_BIT | index);
	if (gcm) {
		err = gcm_seal(s->rtcp.cipher, iv,
			       &(struct aead){.aad = p,
					      .aad_n = RTCP_CLEAR,
					      .aad2 = word,
					      .p = p + RTCP_CLEAR,
					      .n = *n - RTCP_CLEAR,
					      .tag = p + *n});
		*n += GCM_TAG + RTCP_WORD;
	} else {
		err = cm_crypt(&s->rtcp, iv, p + RTCP_CLEAR, *n - RTCP_CLEAR);
		cm_tag(&s->rtcp, p, *n, E_BIT | index, full);
		memcpy(word + RTCP_WORD, full, RTCP_TAG);
		*n += RTCP_WORD + RTCP_TAG;
	}
	return err;
}

int rtpsec_open_rtcp(struct rtpsec *s, uint8_t *p, size_t *n)
{
	const bool gcm = suites[s->suite].gcm;
	const size_t tail = RTCP_WORD + (gcm ? GCM_TAG : RTCP_TAG);
	struct source *o;
	uint32_t index, ssrc;
	uint8_t iv[16], full[20], *word;
	size_t open;
	int err;

	assert(s->role == RTPSEC_RECEIVER);
	if (*n < RTCP_CLEAR + tail || !rtp_is_rtcp(p, *n))
		return EBADMSG;
	open = *n - tail;
	word = p + open + (gcm ? GCM_TAG : 0);
	index = be32(word);
	if (!(index & E_BIT))
		return EBADMSG;
	index &= RTCP_INDEX_MAX;
	ssrc = be32(p + 4);
	o = source_find(s, ssrc);
	if (!o && s->count == RTPSEC_SSRCS_MAX)
		return ENOSPC;
	if (o && !window_fresh(&o->rtcp, index))
		return EALREADY;
	iv_make(iv, &s->rtcp, gcm, ssrc, index);
	if (gcm) {
		err = gcm_open(s->rtcp.cipher, iv,
			       &(struct aead){.aad = p,
					      .aad_n = RTCP_CLEAR,
					      .aad2 = word,
					      .p = p + RTCP_CLEAR,
					      .n = open - RTCP_CLEAR,
					      .tag = p + open});
	} else {
		cm_tag(&s->rtcp, p, open, E_BIT | index, full);
		err = CRYPTO_memcmp(full, word + RTCP_WORD, RTCP_TAG)
			      ? EBADMSG
			      : cm_crypt(&s->rtcp, iv, p + RTCP_CLEAR,
					 open - RTCP_CLEAR);
	}
	if (err)
		return EBADMSG;
	if (!o)
		o = source_add(s, ssrc);
	window_mark(&o->rtcp, index);
	*n = open;
	return 0;
}
