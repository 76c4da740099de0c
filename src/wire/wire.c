/* SPDX-License-Identifier: ISC */
/** @file wire.c  The codec, driven by a table made from wire.def */
#include <errno.h>
#include <string.h>
#include "wire/wire.h"

static const char *const role_names[ROLES] = {
	[ROLE_ANY] = "any",         [ROLE_MONITOR] = "monitor",
	[ROLE_KEEPER] = "keeper",   [ROLE_TRUNK] = "trunk",
	[ROLE_CONSOLE] = "console",
};

const char *role_name(enum role r)
{
	return (unsigned)r < ROLES ? role_names[r] : "unknown";
}

enum role role_of(const char *name)
{
	for (unsigned r = ROLE_MONITOR; r < ROLES; r++) {
		if (!strcmp(name, role_names[r]))
			return (enum role)r;
	}
	return ROLES;
}

enum kind {
	KIND_U8,
	KIND_U16,
	KIND_U32,
	KIND_U64,
	KIND_I64,
	KIND_STR,
	KIND_BYTES
};

struct field {
	enum kind kind;
	size_t at;  /* offset in the message's struct */
	size_t max; /* octets, of KIND_STR and KIND_BYTES */
};

struct message {
	const char *name;
	enum role from, to;
	bool fd;
	size_t at; /* offset of the struct in struct wire_msg */
	const struct field *(*fields)(size_t *count);
};

/* One function a message, only because offsetof() needs its struct's name and
 * the field macros cannot be told it any other way. */
#define U8(f) {KIND_U8, offsetof(self, f), 0},
#define U16(f) {KIND_U16, offsetof(self, f), 0},
#define U32(f) {KIND_U32, offsetof(self, f), 0},
#define U64(f) {KIND_U64, offsetof(self, f), 0},
#define I64(f) {KIND_I64, offsetof(self, f), 0},
#define STR(f, max) {KIND_STR, offsetof(self, f), max},
#define BYTES(f, max) {KIND_BYTES, offsetof(self, f), max},
#define MSG(NAME, name, from, to, fd, list)                                    \
	static const struct field *fields_##name(size_t *count)                \
	{                                                                      \
		typedef struct wire_##name self;                               \
		static const struct field f[] = {list};                        \
                                                                               \
		*count = sizeof(f) / sizeof(f[0]);                             \
		return f;                                                      \
	}
#include "wire/wire.def"
#undef MSG
#undef U8
#undef U16
#undef U32
#undef U64
#undef I64
#undef STR
#undef BYTES

enum { CARRIES_NOFD = 0, CARRIES_FD = 1 };

static const struct message messages[WIRE_TYPES] = {
#define MSG(NAME, name, from, to, fd, list)                                    \
	[WIRE_##NAME] = {#name,                                                \
			 ROLE_##from,                                          \
			 ROLE_##to,                                            \
			 CARRIES_##fd,                                         \
			 offsetof(struct wire_msg, name),                      \
			 fields_##name},
#include "wire/wire.def"
#undef MSG
};

/* The row of a type; NULL when there is none */
static const struct message *message_of(unsigned type)
{
	return type < WIRE_TYPES && messages[type].name ? &messages[type]
							: NULL;
}

const char *wire_name(enum wire_type t)
{
	const struct message *d = message_of(t);

	return d ? d->name : "unknown";
}

bool wire_has_fd(enum wire_type t)
{
	const struct message *d = message_of(t);

	return d && d->fd;
}

/* ANY is any child: what goes from or to the monitor alone */
static bool role_fits(enum role said, enum role is)
{
	return said == ROLE_ANY ? is > ROLE_MONITOR && is < ROLES : said == is;
}

bool wire_may(enum wire_type t, enum role from, enum role to)
{
	const struct message *d = message_of(t);

	return d && role_fits(d->from, from) && role_fits(d->to, to);
}

static int field_encode(const struct field *f, const uint8_t *p, struct buf *b)
{
	struct str s;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (f->kind) {
	case KIND_U8: buf_u8(b, *p); return 0;
	case KIND_U16:
		memcpy(&u16, p, sizeof(u16));
		buf_u16(b, u16);
		return 0;
	case KIND_U32:
		memcpy(&u32, p, sizeof(u32));
		buf_u32(b, u32);
		return 0;
	case KIND_U64:
	case KIND_I64:
		memcpy(&u64, p, sizeof(u64));
		buf_u64(b, u64);
		return 0;
	case KIND_STR:
	case KIND_BYTES:
		memcpy(&s, p, sizeof(s));
		if (s.n > f->max)
			return EMSGSIZE;
		if (f->kind == KIND_STR && s.n && memchr(s.p, 0, s.n))
			return EINVAL;
		buf_blob32(b, s.p, s.n);
		return 0;
	}
	return EINVAL;
}

int wire_encode(const struct wire_msg *m, struct buf *out)
{
	const struct message *d = message_of(m->type);
	const struct field *f;
	size_t count = 0;
	int err;

	buf_reset(out);
	if (!d)
		return EINVAL;
	buf_u16(out, (uint16_t)m->type);
	f = d->fields(&count);
	for (size_t i = 0; i < count; i++) {
		err = field_encode(&f[i], (const uint8_t *)m + d->at + f[i].at,
				   out);
		if (err)
			return err;
	}
	return out->err;
}

static void field_decode(const struct field *f, struct cur *c, uint8_t *p)
{
	struct str s = {NULL, 0};
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (f->kind) {
	case KIND_U8: *p = cur_u8(c); break;
	case KIND_U16:
		u16 = cur_u16(c);
		memcpy(p, &u16, sizeof(u16));
		break;
	case KIND_U32:
		u32 = cur_u32(c);
		memcpy(p, &u32, sizeof(u32));
		break;
	case KIND_U64:
	case KIND_I64:
		u64 = cur_u64(c);
		memcpy(p, &u64, sizeof(u64));
		break;
	case KIND_STR:
	case KIND_BYTES:
		s.p = (const char *)cur_blob32(c, &s.n, f->max);
		/* whoever copies text ends it with NUL: one within would make
		 * two readers see two texts */
		if (f->kind == KIND_STR && s.n && s.p && memchr(s.p, 0, s.n))
			c->bad = true;
		memcpy(p, &s, sizeof(s));
		break;
	}
}

int wire_decode(const void *p, size_t n, enum role from, enum role to,
		struct wire_msg *out)
{
	struct cur c = cur_of(p, n);
	struct wire_msg m;
	const struct message *d;
	const struct field *f;
	size_t count = 0;
	unsigned type;

	if (n > WIRE_BYTES_MAX)
		return EBADMSG;
	type = cur_u16(&c);
	d = message_of(type);
	if (!d)
		return EBADMSG;
	if (!wire_may((enum wire_type)type, from, to))
		return EPERM;
	memset(&m, 0, sizeof(m));
	m.type = (enum wire_type)type;
	m.fd = -1;
	f = d->fields(&count);
	for (size_t i = 0; i < count; i++)
		field_decode(&f[i], &c, (uint8_t *)&m + d->at + f[i].at);
	if (!cur_done(&c))
		return EBADMSG;
	*out = m;
	return 0;
}
