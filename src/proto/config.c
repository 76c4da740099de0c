/* SPDX-License-Identifier: ISC */
/** @file config.c  The configuration: parse, and print a commented one */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "proto/config.h"

#define NOBODY_UID 65534 /* the alarm hook's, when none is named */
#define FIRST_UID 64110 /* without accounts: keeper, and the next two */

static const char *const role_names[CONFIG_ROLES] = {"keeper", "trunk",
						     "console"};

enum key_id {
	KEY_NAME,
	KEY_STATE,
	KEY_KEYS,
	KEY_MARKER,
	KEY_SOCKET,
	KEY_SOCKET_GROUP,
	KEY_LISTEN,
	KEY_ADDRESS,
	KEY_DIAL,
	KEY_QUOTA,
	KEY_USER,
	KEY_ALARM_HOOK,
	KEY_ALARM_USER,
	KEY_ALARM_SYSLOG,
	KEYS
};

struct parse {
	struct config *c;
	unsigned seen[KEYS]; /* line, 0: not seen */
	unsigned user_seen[CONFIG_ROLES];
	bool address_none;
	const char *expected; /* set by a taker that knows better */
};

void config_defaults(struct config *c)
{
	*c = (struct config){.dial = true, .quota_bytes = CONFIG_QUOTA_DEFAULT};
	for (unsigned i = 0; i < CONFIG_ROLES; i++) {
		c->user[i].uid = FIRST_UID + i;
		c->user[i].gid = FIRST_UID + i;
	}
	c->alarm_user.uid = c->alarm_user.gid = NOBODY_UID;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Without spaces around it, and without what follows a # */
static struct str trim(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '#' && (!i || is_space(s.p[i - 1])))
			s.n = i;
	}
	while (s.n && is_space(s.p[0]))
		s = (struct str){s.p + 1, s.n - 1};
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool text_ok(struct str line)
{
	while (line.n) {
		const struct str part = str_cut(&line, '\t');

		if (!utf8_ok(part.p, part.n, false))
			return false;
	}
	return true;
}

/* Cut the first word and the spaces behind it */
static struct str word_cut(struct str *in)
{
	struct str word = {in->p, 0};

	while (word.n < in->n && !is_space(in->p[word.n]))
		word.n++;
	*in = trim((struct str){in->p + word.n, in->n - word.n});
	return word;
}

/* Absolute, no empty, "." or ".." part, no slash at the end */
static bool path_ok(struct str v)
{
	if (v.n < 2 || v.p[0] != '/' || v.p[v.n - 1] == '/')
		return false;
	v = (struct str){v.p + 1, v.n - 1};
	while (v.n) {
		const struct str part = str_cut(&v, '/');

		if (!part.n || str_is(part, ".") || str_is(part, ".."))
			return false;
	}
	return true;
}

bool config_path_within(const char *path, const char *dir)
{
	const size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

static bool user_name_ok(struct str v)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz_";

	if (!v.n || v.n >= CONFIG_USER_CHARS || !strchr(first, v.p[0]))
		return false;
	for (size_t i = 1; i < v.n; i++) {
		if (!strchr(first, v.p[i]) && v.p[i] != '-' &&
		    !(v.p[i] >= '0' && v.p[i] <= '9'))
			return false;
	}
	return true;
}

/* Not 0 and not (uid_t)-1: neither is a wall */
static bool user_id_ok(struct str v, uint32_t *id)
{
	uint64_t n;

	if (uint_parse(v, &n) || !n || n >= UINT32_MAX)
		return false;
	*id = (uint32_t)n;
	return true;
}

static int take_name(struct parse *p, struct str v)
{
	return host_ok(v) ? str_copy(v, p->c->name, sizeof(p->c->name))
			  : EBADMSG;
}

static int take_path(struct str v, char *out, size_t size)
{
	return path_ok(v) ? str_copy(v, out, size) : EBADMSG;
}

static int take_state(struct parse *p, struct str v)
{
	return take_path(v, p->c->state, sizeof(p->c->state));
}

static int take_keys(struct parse *p, struct str v)
{
	return take_path(v, p->c->keys, sizeof(p->c->keys));
}

static int take_marker(struct parse *p, struct str v)
{
	if (str_is(v, "none"))
		return 0;
	return take_path(v, p->c->marker, sizeof(p->c->marker));
}

static int take_socket(struct parse *p, struct str v)
{
	return take_path(v, p->c->socket, sizeof(p->c->socket));
}

static int take_socket_group(struct parse *p, struct str v)
{
	uint32_t gid;

	if (!user_name_ok(v) && !user_id_ok(v, &gid))
		return EBADMSG;
	return str_copy(v, p->c->socket_group, sizeof(p->c->socket_group));
}

/* Append to a list of numeric addresses, each once */
static int take_address_in(struct parse *p, struct str v,
			   char list[][ADDRESS_CHARS_MAX], size_t *n,
			   size_t max)
{
	if (!address_ok(v))
		return EBADMSG;
	for (size_t i = 0; i < *n; i++) {
		if (str_is(v, list[i])) {
			p->expected = "each address once";
			return EBADMSG;
		}
	}
	if (*n == max) {
		p->expected = "at most 8 of them";
		return EBADMSG;
	}
	return str_copy(v, list[(*n)++], ADDRESS_CHARS_MAX);
}

static int take_listen(struct parse *p, struct str v)
{
	return take_address_in(p, v, p->c->listen, &p->c->listens,
			       CONFIG_LISTENS_MAX);
}

/* Listening on every address; nothing that a peer could dial */
static bool is_wildcard(struct str v)
{
	return (v.n >= 8 && !memcmp(v.p, "0.0.0.0:", 8)) ||
	       (v.n >= 5 && !memcmp(v.p, "[::]:", 5));
}

static int take_address(struct parse *p, struct str v)
{
	const bool none = str_is(v, "none");

	if (p->address_none || (none && p->c->addresses)) {
		p->expected = "either `address none` or addresses";
		return EBADMSG;
	}
	p->address_none = none;
	if (none)
		return 0;
	if (is_wildcard(v)) {
		p->expected = "an address that the peer can dial";
		return EBADMSG;
	}
	return take_address_in(p, v, p->c->address, &p->c->addresses,
			       CARD_ADDRESSES_MAX);
}

static int take_dial(struct parse *p, struct str v)
{
	p->c->dial = str_is(v, "yes");
	return p->c->dial || str_is(v, "no") ? 0 : EBADMSG;
}

static int take_quota(struct parse *p, struct str v)
{
	static const char suffix[] = "KMGT";
	const char *at;
	unsigned shift = 0;
	uint64_t n;

	if (str_is(v, "none")) {
		p->c->quota_bytes = 0;
		return 0;
	}
	at = v.n && v.p[v.n - 1] ? strchr(suffix, v.p[v.n - 1]) : NULL;
	if (at) {
		shift = 10 * (unsigned)(at - suffix + 1);
		v.n--;
	}
	if (uint_parse(v, &n) || !n || n > (uint64_t)INT64_MAX >> shift)
		return EBADMSG;
	p->c->quota_bytes = n << shift;
	return 0;
}

static int take_user(struct parse *p, struct str v)
{
	const struct str role = word_cut(&v);
	struct config_user *u;
	unsigned i = 0;

	while (i < CONFIG_ROLES && !str_is(role, role_names[i]))
		i++;
	if (i == CONFIG_ROLES)
		return EBADMSG;
	if (p->user_seen[i]++) {
		p->expected = "one user a role";
		return EBADMSG;
	}
	u = &p->c->user[i];
	if (user_id_ok(v, &u->uid)) {
		u->gid = u->uid;
		return 0;
	}
	u->uid = u->gid = 0;
	return user_name_ok(v) ? str_copy(v, u->name, sizeof(u->name))
			       : EBADMSG;
}

static int take_alarm_hook(struct parse *p, struct str v)
{
	return path_ok(v)
		       ? str_copy(v, p->c->alarm_hook, sizeof(p->c->alarm_hook))
		       : EBADMSG;
}

static int take_alarm_user(struct parse *p, struct str v)
{
	struct config_user *u = &p->c->alarm_user;

	if (user_id_ok(v, &u->uid)) {
		u->gid = u->uid;
		return 0;
	}
	u->uid = u->gid = 0;
	return user_name_ok(v) ? str_copy(v, u->name, sizeof(u->name))
			       : EBADMSG;
}

static int take_alarm_syslog(struct parse *p, struct str v)
{
	p->c->alarm_syslog = str_is(v, "yes");
	return p->c->alarm_syslog || str_is(v, "no") ? 0 : EBADMSG;
}

struct key_row {
	const char *name;
	bool many;
	bool needed;
	int (*take)(struct parse *p, struct str v);
	const char *expected;
};

static const struct key_row rows[KEYS] = {
	[KEY_NAME] = {"name", false, true, take_name,
		      "a name of 1 to 63 lower-case letters, digits, . and -"},
	[KEY_STATE] = {"state", false, true, take_state,
		       "an absolute path without // . or .. in it"},
	[KEY_KEYS] = {"keys", false, false, take_keys,
		      "an absolute path without // . or .. in it"},
	[KEY_MARKER] = {"marker", false, true, take_marker,
			"the absolute path of a file on another disk than the "
			"state, or `none`"},
	[KEY_SOCKET] = {"socket", false, true, take_socket,
			"an absolute path of at most 107 characters"},
	[KEY_SOCKET_GROUP] = {"socket-group", false, false, take_socket_group,
			      "a group's name, or its number above 0"},
	[KEY_LISTEN] = {"listen", true, false, take_listen,
			"a numeric IPv4:port or [IPv6]:port"},
	[KEY_ADDRESS] = {"address", true, false, take_address,
			 "a numeric IPv4:port or [IPv6]:port, or `none`"},
	[KEY_DIAL] = {"dial", false, false, take_dial, "`yes` or `no`"},
	[KEY_QUOTA] = {"quota", false, false, take_quota,
		       "a number of bytes above 0 with K, M, G, T or nothing "
		       "behind it, or `none`"},
	[KEY_USER] = {"user", true, false, take_user,
		      "keeper, trunk or console, then a user's name or its "
		      "number above 0"},
	[KEY_ALARM_HOOK] = {"alarm-hook", false, false, take_alarm_hook,
			    "the absolute path of a program"},
	[KEY_ALARM_USER] = {"alarm-user", false, false, take_alarm_user,
			    "a user's name or its number above 0"},
	[KEY_ALARM_SYSLOG] = {"alarm-syslog", false, false, take_alarm_syslog,
			      "`yes` or `no`"},
};

/* Put "FILE:LINE: what, expected expected" into why; EBADMSG.  found may be
 * NULL; it is the file's own text, so it is quoted. */
static int complain(char why[CONFIG_WHY_CHARS], const char *file, unsigned line,
		    const char *key, const struct str *found,
		    const char *expected)
{
	struct buf b;

	buf_init(&b, CONFIG_WHY_CHARS - 1);
	buf_printf(&b, "%.200s:", file);
	if (line)
		buf_printf(&b, "%u:", line);
	if (key)
		buf_printf(&b, " %s:", key);
	if (found) {
		buf_str(&b, " found ");
		log_value(&b, (struct str){found->p,
					   found->n < 200 ? found->n : 200});
		buf_str(&b, ",");
	}
	buf_printf(&b, " expected %s", expected);
	if (b.n)
		memcpy(why, b.p, b.n);
	why[b.n] = '\0';
	buf_free(&b);
	return EBADMSG;
}

static int parse_line(struct parse *p, struct str line, unsigned number,
		      const char *file, char why[CONFIG_WHY_CHARS])
{
	struct str value = trim(line), key;
	const struct key_row *row;
	unsigned k = 0;

	if (!value.n)
		return 0;
	key = word_cut(&value);
	while (k < KEYS && !str_is(key, rows[k].name))
		k++;
	if (k == KEYS)
		return complain(why, file, number, NULL, &key,
				"name, state, keys, marker, socket, "
				"socket-group, listen, address, dial, quota, "
				"user, alarm-hook, alarm-user or "
				"alarm-syslog");
	row = &rows[k];
	if (p->seen[k] && !row->many)
		return complain(why, file, number, row->name, &value,
				"this key only once");
	p->seen[k] = number;
	p->expected = row->expected;
	if (row->take(p, value))
		return complain(why, file, number, row->name, &value,
				p->expected);
	return 0;
}

static bool same_user(const struct config_user *a, const struct config_user *b)
{
	return a->name[0] ? !strcmp(a->name, b->name)
			  : !b->name[0] && a->uid == b->uid;
}

/* What no line alone can break */
static int check_whole(struct parse *p, const char *file,
		       char why[CONFIG_WHY_CHARS])
{
	const struct config *c = p->c;
	const struct str marker = str_of(c->marker);

	for (unsigned k = 0; k < KEYS; k++) {
		if (rows[k].needed && !p->seen[k])
			return complain(why, file, 0, rows[k].name,
					&(struct str){"no such line", 12},
					rows[k].expected);
	}
	if (c->marker[0] && config_path_within(c->marker, c->state))
		return complain(why, file, p->seen[KEY_MARKER], "marker",
				&marker,
				"a file outside the state directory: it has "
				"to survive when an old copy of that is put "
				"back");
	for (unsigned i = 0; i < CONFIG_ROLES; i++) {
		for (unsigned k = 0; k < i; k++) {
			const struct config_user *a = &c->user[i];
			const struct config_user *b = &c->user[k];

			if (same_user(a, b))
				return complain(why, file, p->seen[KEY_USER],
						"user", NULL,
						"another user for each role");
		}
		if (same_user(&c->alarm_user, &c->user[i]))
			return complain(why, file, p->seen[KEY_ALARM_USER],
					"alarm-user", NULL,
					"a user that is none of the roles'");
	}
	return 0;
}

/* keys and address, when the file does not say */
static int fill(struct parse *p, const char *file, char why[CONFIG_WHY_CHARS])
{
	static const char sub[] = "/keys";
	struct config *c = p->c;
	const size_t n = strlen(c->state);

	if (!p->seen[KEY_KEYS]) {
		if (n + sizeof(sub) > sizeof(c->keys))
			return complain(why, file, p->seen[KEY_STATE], "state",
					NULL, "a shorter path");
		memcpy(c->keys, c->state, n);
		memcpy(c->keys + n, sub, sizeof(sub));
	}
	if (p->seen[KEY_ADDRESS])
		return 0;
	for (size_t i = 0; i < c->listens; i++) {
		const struct str v = str_of(c->listen[i]);

		if (is_wildcard(v))
			return complain(why, file, p->seen[KEY_LISTEN],
					"listen", &v,
					"an `address` line too, with what the "
					"peer dials to reach it, or "
					"`address none`");
		memcpy(c->address[i], c->listen[i], ADDRESS_CHARS_MAX);
	}
	c->addresses = c->listens;
	return 0;
}

int config_parse(const void *text, size_t n, const char *file,
		 struct config *out, char why[CONFIG_WHY_CHARS])
{
	struct parse p = {.c = out};
	struct str in = {text, n}, line;
	unsigned number = 0;
	int err;

	config_defaults(out);
	why[0] = '\0';
	if (n > CONFIG_BYTES_MAX)
		return complain(why, file, 0, NULL, NULL,
				"a file of at most 65536 bytes");
	while (in.n) {
		number++;
		if (!str_line(&in, &line)) {
			line = in; /* the last one, without its LF */
			in.n = 0;
		}
		if (line.n > CONFIG_LINE_CHARS_MAX)
			return complain(why, file, number, NULL, &line,
					"a line of at most 1000 characters");
		if (!text_ok(line))
			return complain(why, file, number, NULL, &line,
					"UTF-8 without control characters");
		err = parse_line(&p, line, number, file, why);
		if (err)
			return err;
	}
	err = check_whole(&p, file, why);
	if (!err)
		err = fill(&p, file, why);
	return err;
}
