/* SPDX-License-Identifier: ISC */
/**
 * @file config.h  The configuration of one exchange: a text file of
 *                 `key value` lines (ringdown.conf(5))
 *
 * Pure: the caller reads the file and looks user names up.
 */
#ifndef PROTO_CONFIG_H
#define PROTO_CONFIG_H

#include "base/buf.h"
#include "base/limits.h"
#include "proto/card.h"

#define CONFIG_BYTES_MAX 65536     /* longer: refused */
#define CONFIG_LINE_CHARS_MAX 1000 /* longer: refused */
#define CONFIG_PATH_CHARS 240      /* with NUL; longer: refused */
#define CONFIG_SOCKET_CHARS 108    /* with NUL: what sockaddr_un takes */
#define CONFIG_USER_CHARS 33       /* with NUL; what useradd(8) takes */
#define CONFIG_WHY_CHARS 1400      /* FILE:LINE: found ..., expected ... */
#define CONFIG_LISTENS_MAX 8
#define CONFIG_QUOTA_DEFAULT (10ULL << 30)

/** The roles that have a user of their own. */
enum config_role { CONFIG_KEEPER, CONFIG_TRUNK, CONFIG_CONSOLE, CONFIG_ROLES };

struct config_user {
	char name[CONFIG_USER_CHARS]; /* "": uid and gid are known */
	uint32_t uid, gid;            /* with a name: the caller fills them */
};

struct config {
	char name[HOST_CHARS_MAX + 1];        /* our host name */
	char state[CONFIG_PATH_CHARS];        /* directory */
	char keys[CONFIG_PATH_CHARS];         /* directory */
	char marker[CONFIG_PATH_CHARS];       /* file; "": none, said so */
	char socket[CONFIG_SOCKET_CHARS];     /* of the API */
	char socket_group[CONFIG_USER_CHARS]; /* name or number; "": none */
	char listen[CONFIG_LISTENS_MAX][ADDRESS_CHARS_MAX];
	size_t listens;
	char address[CARD_ADDRESSES_MAX][ADDRESS_CHARS_MAX]; /* on our card */
	size_t addresses;
	bool dial;
	uint64_t quota_bytes; /* of a peer's bodies; 0: no quota */
	struct config_user user[CONFIG_ROLES];
	char alarm_hook[CONFIG_PATH_CHARS];   /* program; "": none */
	struct config_user alarm_user;        /* whom it runs as */
	bool alarm_syslog;
};

/** The defaults of what has one; all else empty. */
void config_defaults(struct config *c);

/**
 * Read a whole file
 *
 * @param file its name, for *why only
 * @param why  gets one line without LF: where, what was found, what was
 *             expected.  A file's text in it is quoted and escaped.
 * @return 0, or EBADMSG and *out is not to be used
 */
int config_parse(const void *p, size_t n, const char *file, struct config *out,
		 char why[CONFIG_WHY_CHARS])
	__attribute__((warn_unused_result));

/** Print the commented file that config_parse() reads as @p c again, all
 *  keys explained.  Values of @p c must be such as it would accept. */
void config_print_template(const struct config *c, struct buf *b);

/** Whether @p path is @p dir or lies below it, both as config_parse() takes
 *  them. */
bool config_path_within(const char *path, const char *dir);

#endif
