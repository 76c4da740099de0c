/* SPDX-License-Identifier: ISC */
/** @file config_print.c  The commented configuration that `init` writes */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "proto/config.h"

/* "key value", or the example as a comment when there is none */
static void line(struct buf *b, const char *key, const char *value,
		 const char *example)
{
	if (*value)
		buf_printf(b, "%s %s\n", key, value);
	else
		buf_printf(b, "#%s %s\n", key, example);
}

static void print_identity(const struct config *c, struct buf *b)
{
	char keys[CONFIG_PATH_CHARS + 8];

	buf_str(b,
		"# Ringdown: configuration of one exchange, ringdown.conf(5).\n"
		"# A # begins a comment.  Changes take effect when ringdownd "
		"is restarted.\n"
		"\n"
		"# Our name: on our pairing cards and in every record.  It "
		"cannot change\n"
		"# while a pairing lasts.\n");
	line(b, "name", c->name, "exchange.example.org");
	buf_str(b, "\n# The record and the bodies.  A directory of the keeper "
		   "alone.\n");
	line(b, "state", c->state, "/var/lib/ringdown");
	buf_str(b, "\n# The signing keys.\n");
	snprintf(keys, sizeof(keys), "%s/keys", c->state);
	line(b, "keys", !strcmp(keys, c->keys) ? "" : c->keys,
	     *c->state ? keys : "/var/lib/ringdown/keys");
	buf_str(b, "\n# The continuity marker: what we last signed, kept "
		   "outside the state so that\n"
		   "# a restored old copy of the state cannot sign history a "
		   "second time.  Best on\n"
		   "# another disk.  `none` goes without.\n");
	line(b, "marker", *c->marker ? c->marker : "none", "");
}

static void print_edges(const struct config *c, struct buf *b)
{
	buf_str(b, "\n# The socket that ringdown(1) and programs use.  Its "
		   "directory is made, but\n# not the one above it.\n"
		   "# Who may use it: the file's mode is 0660, and this is "
		   "its group.\n");
	line(b, "socket", c->socket, "/run/ringdown/api.sock");
	line(b, "socket-group", c->socket_group, "ringdown");
	buf_str(b,
		"\n# Where peers may dial us: numeric, up to 8 lines.  None: "
		"we only dial.\n");
	for (size_t i = 0; i < c->listens; i++)
		line(b, "listen", c->listen[i], "");
	if (!c->listens)
		buf_str(b, "#listen 192.0.2.1:7411\n"
			   "#listen [2001:db8::1]:7411\n");
	buf_str(b, "\n# What our card tells the peer to dial, when that is not "
		   "what we listen on (a\n"
		   "# router translates, or we listen on 0.0.0.0).  `none`: "
		   "the peer cannot dial.\n");
	for (size_t i = 0; i < c->addresses; i++)
		line(b, "address", c->address[i], "");
	if (!c->addresses)
		buf_str(b, c->listens ? "address none\n"
				      : "#address 198.51.100.1:7411\n");
	buf_str(b, "\n# Whether we dial the addresses on the peers' cards.\n");
	buf_printf(b, "dial %s\n", c->dial ? "yes" : "no");
}

static void print_alarms(const struct config *c, struct buf *b)
{
	const struct config_user *u = &c->alarm_user;
	struct config standard;

	config_defaults(&standard);
	buf_str(b, "\n# A program of yours, run for every alarm: each change "
		   "of a line's state, each\n"
		   "# check that is asked, answered or missed, what waits, "
		   "what is proposed.\n");
	line(b, "alarm-hook", c->alarm_hook, "/usr/local/sbin/ringdown-alarm");
	buf_str(b, "\n# Whom it runs as, when started as root.\n");
	if (u->name[0])
		buf_printf(b, "alarm-user %s\n", u->name);
	else
		buf_printf(b, "%salarm-user %" PRIu32 "\n",
			   u->uid == standard.alarm_user.uid ? "#" : "",
			   u->uid);
	buf_str(b, "\n# The same to syslog: daemon.notice, and daemon.alert "
		   "where somebody has to act.\n");
	buf_str(b,
		c->alarm_syslog ? "alarm-syslog yes\n" : "#alarm-syslog yes\n");
}

void config_print_template(const struct config *c, struct buf *b)
{
	static const char *const roles[CONFIG_ROLES] = {"keeper", "trunk",
							"console"};
	struct config standard;

	config_defaults(&standard);
	print_identity(c, b);
	print_edges(c, b);
	buf_str(b, "\n# Octets of bodies kept of each peer; K, M, G and T are "
		   "powers of 1024.  When it\n"
		   "# is used up, entries still come in and their bodies are "
		   "left with the peer.\n");
	if (c->quota_bytes && !(c->quota_bytes & ((1U << 30) - 1)))
		buf_printf(b, "quota %" PRIu64 "G\n", c->quota_bytes >> 30);
	else if (c->quota_bytes)
		buf_printf(b, "quota %" PRIu64 "\n", c->quota_bytes);
	else
		buf_str(b, "quota none\n");
	buf_str(b, "\n# Whom the processes run as when started as root: names, "
		   "or numbers that need\n"
		   "# no account.  Started as anybody else, all run as that "
		   "user.\n");
	for (unsigned i = 0; i < CONFIG_ROLES; i++) {
		const struct config_user *u = &c->user[i];
		const bool same = !u->name[0] && u->uid == standard.user[i].uid;

		if (u->name[0])
			buf_printf(b, "user %s %s\n", roles[i], u->name);
		else
			buf_printf(b, "%suser %s %" PRIu32 "\n",
				   same ? "#" : "", roles[i], u->uid);
	}
	print_alarms(c, b);
}
