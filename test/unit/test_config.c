/* SPDX-License-Identifier: ISC */
/** @file test_config.c  The configuration file */
#include <stdio.h>
#include <stdlib.h>
#include "proto/config.h"
#include "rdtest.h"

#define NEEDED \
	"name a.example\nstate /s\nmarker /m/marker\nsocket /r/api.sock\n"

static struct config conf;
static char why[CONFIG_WHY_CHARS];

static int parse(const char *text)
{
	const size_t n = strlen(text);

	return config_parse(rdtest_exact(text, n), n, "f.conf", &conf, why);
}

/* The file NEEDED and more is refused, and why says this */
static void refused(const char *more, const char *want)
{
	char text[4000];

	snprintf(text, sizeof(text), "%s%s", NEEDED, more);
	CHECK_ERR(parse(text), EBADMSG);
	if (!strstr(why, want))
		CHECK_STR(why, want);
	CHECK(!strchr(why, '\n'));
}

static void taken(const char *more)
{
	char text[4000];

	snprintf(text, sizeof(text), "%s%s", NEEDED, more);
	if (parse(text))
		CHECK_STR(why, "");
}

TEST(config_defaults_of_a_short_file)
{
	taken("");
	CHECK_STR(conf.name, "a.example");
	CHECK_STR(conf.state, "/s");
	CHECK_STR(conf.keys, "/s/keys");
	CHECK_STR(conf.marker, "/m/marker");
	CHECK_STR(conf.socket, "/r/api.sock");
	CHECK_STR(conf.socket_group, "");
	CHECK_EQ(conf.listens, 0);
	CHECK_EQ(conf.addresses, 0);
	CHECK(conf.dial);
	CHECK_EQ(conf.quota_bytes, 10ULL << 30);
	for (unsigned i = 0; i < CONFIG_ROLES; i++) {
		CHECK_EQ(conf.user[i].uid, 64110 + i);
		CHECK_EQ(conf.user[i].gid, 64110 + i);
		CHECK_STR(conf.user[i].name, "");
	}
}

TEST(config_every_key)
{
	CHECK_OK(parse("# a comment\n"
		       "\n"
		       "  name\tb.example   # behind it\n"
		       "state /var/lib/ringdown\n"
		       "keys /etc/ringdown/keys#1\n"
		       "marker none\n"
		       "socket /run/ringdown/api.sock\n"
		       "socket-group operators\n"
		       "listen 192.0.2.1:7411\n"
		       "listen [2001:db8::1]:7411\n"
		       "address 198.51.100.7:80\n"
		       "dial no\n"
		       "quota 3M\n"
		       "user keeper _rd-keeper2\n"
		       "user  trunk\t 4000\n"
		       "user console www")); /* no LF at the end */
	CHECK_STR(conf.name, "b.example");
	CHECK_STR(conf.keys, "/etc/ringdown/keys#1");
	CHECK_STR(conf.marker, "");
	CHECK_STR(conf.socket_group, "operators");
	CHECK_EQ(conf.listens, 2);
	CHECK_STR(conf.listen[1], "[2001:db8::1]:7411");
	CHECK_EQ(conf.addresses, 1);
	CHECK_STR(conf.address[0], "198.51.100.7:80");
	CHECK(!conf.dial);
	CHECK_EQ(conf.quota_bytes, 3 << 20);
	CHECK_STR(conf.user[CONFIG_KEEPER].name, "_rd-keeper2");
	CHECK_EQ(conf.user[CONFIG_TRUNK].uid, 4000);
	CHECK_EQ(conf.user[CONFIG_TRUNK].gid, 4000);
	CHECK_STR(conf.user[CONFIG_CONSOLE].name, "www");
}

TEST(config_each_needed_key_is_asked_for)
{
	static const char *const lines[] = {"name a.example\n", "state /s\n",
					    "marker /m/marker\n",
					    "socket /r/api.sock\n"};
	static const char *const want[] = {
		"f.conf: name: found \"no such line\", expected",
		"f.conf: state: ", "f.conf: marker: ", "f.conf: socket: "};

	for (unsigned skip = 0; skip < 4; skip++) {
		char text[200] = "";
		size_t n = 0;

		for (unsigned i = 0; i < 4; i++) {
			if (i != skip)
				n += (size_t)snprintf(text + n,
						      sizeof(text) - n, "%s",
						      lines[i]);
		}
		CHECK_ERR(parse(text), EBADMSG);
		CHECK(strstr(why, want[skip]) == why);
	}
	CHECK(strstr(why, "expected an absolute path"));
}

TEST(config_single_keys_come_once)
{
	static const char *const again[] = {"name b\n",
					    "state /t\n",
					    "marker none\n",
					    "socket /t\n",
					    "dial yes\ndial yes\n",
					    "quota 1\nquota 1\n",
					    "keys /k\nkeys /k\n",
					    "socket-group a\nsocket-group a\n"};

	for (unsigned i = 0; i < sizeof(again) / sizeof(again[0]); i++)
		refused(again[i], "expected this key only once");
	refused("user trunk a\nuser trunk b\n", "f.conf:6: user: found "
						"\"trunk b\", expected one "
						"user a role");
}

TEST(config_errors_name_the_line)
{
	refused("\n# x\nport 7\n", "f.conf:7: found port, expected name, ");
	refused("name\n", "f.conf:5: name: found \"\", expected this key");
	refused("dial maybe\n", "f.conf:5: dial: found maybe, expected `yes` "
				"or `no`");
	refused("dial\n", "f.conf:5: dial: found \"\", expected");
	refused("dial yes no\n", "found \"yes no\"");
	refused("Dial yes\n", "found Dial,");
	refused("dial yes\r\n", "f.conf:5: found \"dial yes\\x0d\", expected "
				"UTF-8 without control");
	refused("keys /a\x1b[0m\n", "\\x1b");
	refused("keys /\xff\n", "expected UTF-8");
}

TEST(config_paths_are_absolute_and_plain)
{
	static const char *const bad[] = {"",    "keys",  "./keys", "/",
					  "/a/", "/a//b", "/a/./b", "/a/../b",
					  "/..", "//a",   "~/keys"};
	char line[300];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "keys %s\n", bad[i]);
		refused(line, "f.conf:5: keys: found ");
		CHECK(strstr(why, "expected an absolute path"));
	}
	taken("keys /a b/..c\n");
	CHECK_STR(conf.keys, "/a b/..c");
}

/* A path of n characters */
static const char *path_of(size_t n)
{
	static char p[400];

	memset(p, 'a', sizeof(p));
	p[0] = '/';
	p[n] = '\0';
	return p;
}

TEST(config_limits_are_exact)
{
	char text[CONFIG_LINE_CHARS_MAX + 100];

	snprintf(text, sizeof(text), "keys %s\n",
		 path_of(CONFIG_PATH_CHARS - 1));
	taken(text);
	snprintf(text, sizeof(text), "keys %s\n", path_of(CONFIG_PATH_CHARS));
	refused(text, "f.conf:5: keys: ");
	/* the keys' default must fit too */
	snprintf(text, sizeof(text),
		 "name a\nmarker none\nsocket /r\nstate %s\n",
		 path_of(CONFIG_PATH_CHARS - 6));
	CHECK_OK(parse(text));
	CHECK_EQ(strlen(conf.keys), CONFIG_PATH_CHARS - 1);
	snprintf(text, sizeof(text),
		 "name a\nmarker none\nsocket /r\nstate %s\n",
		 path_of(CONFIG_PATH_CHARS - 5));
	CHECK_ERR(parse(text), EBADMSG);
	CHECK(strstr(why, "a shorter path"));
	snprintf(text, sizeof(text),
		 "name a\nmarker none\nstate /s\nsocket %s\n", path_of(107));
	CHECK_OK(parse(text));
	snprintf(text, sizeof(text),
		 "name a\nmarker none\nstate /s\nsocket %s\n", path_of(108));
	CHECK_ERR(parse(text), EBADMSG);
	CHECK(strstr(why, "107"));
	snprintf(text, sizeof(text), "#%0*d\n", CONFIG_LINE_CHARS_MAX - 1, 0);
	taken(text);
	snprintf(text, sizeof(text), "#%0*d\n", CONFIG_LINE_CHARS_MAX, 0);
	refused(text, "f.conf:5: found ");
	CHECK(strstr(why, "at most 1000"));
}

TEST(config_file_length)
{
	char *text = malloc(CONFIG_BYTES_MAX + 1);
	const size_t n = strlen(NEEDED);

	CHECK(text);
	memset(text, '\n', CONFIG_BYTES_MAX + 1);
	memcpy(text, NEEDED, n);
	CHECK_OK(config_parse(text, CONFIG_BYTES_MAX, "f", &conf, why));
	CHECK_ERR(config_parse(text, CONFIG_BYTES_MAX + 1, "f", &conf, why),
		  EBADMSG);
	CHECK_STR(why, "f: expected a file of at most 65536 bytes");
	free(text);
	CHECK_ERR(config_parse(NULL, 0, "f", &conf, why), EBADMSG);
}

TEST(config_marker_lies_outside_the_state)
{
	CHECK_ERR(parse("name a\nstate /s/t\nsocket /r\nmarker /s/t/m\n"),
		  EBADMSG);
	CHECK(strstr(why, "f.conf:4: marker: found /s/t/m, expected a file "
			  "outside"));
	CHECK_ERR(parse("marker /s/t\nname a\nstate /s/t\nsocket /r\n"),
		  EBADMSG);
	CHECK_OK(parse("name a\nstate /s/t\nsocket /r\nmarker /s/tm\n"));
	CHECK_OK(parse("name a\nstate /s/t\nsocket /r\nmarker /s/m\n"));
}

TEST(config_names)
{
	static const char *const bad[] = {"A", "a_b", "-a", "a.", "a b", "é"};
	char text[200];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
			 "state /s\nmarker none\nsocket /r\nname %s\n", bad[i]);
		CHECK_ERR(parse(text), EBADMSG);
		CHECK(strstr(why, "f.conf:4: name: found "));
	}
}

TEST(config_listen_and_address)
{
	char text[1000] = "";
	size_t n = 0;

	taken("listen 192.0.2.1:1\nlisten [::1]:65535\n");
	CHECK_EQ(conf.addresses, 2); /* the default */
	CHECK_STR(conf.address[1], "[::1]:65535");
	refused("listen 192.0.2.1:1\nlisten 192.0.2.1:1\n",
		"f.conf:6: listen: found 192.0.2.1:1, expected each address "
		"once");
	refused("listen example.org:1\n", "expected a numeric");
	refused("listen 192.0.2.1\n", "expected a numeric");
	refused("listen 192.0.2.1:0\n", "expected a numeric");
	refused("listen 192.0.2.1:65536\n", "expected a numeric");
	refused("listen ::1:7\n", "expected a numeric");
	/* a peer cannot dial a wildcard */
	refused("listen 0.0.0.0:7411\n", "an `address` line too");
	refused("listen [::]:7411\n", "an `address` line too");
	refused("address 0.0.0.0:7411\n", "that the peer can dial");
	taken("listen [::]:7411\naddress none\n");
	CHECK_EQ(conf.addresses, 0);
	taken("listen 0.0.0.0:7411\naddress 192.0.2.1:7411\n");
	CHECK_EQ(conf.addresses, 1);
	refused("address none\naddress 192.0.2.1:1\n", "either `address none`");
	refused("address 192.0.2.1:1\naddress none\n", "either `address none`");
	for (unsigned i = 0; i < 8; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "listen 192.0.2.1:%u\n", i + 1);
	taken(text);
	CHECK_EQ(conf.listens, 8);
	snprintf(text + n, sizeof(text) - n, "listen 192.0.2.1:9\n");
	refused(text, "f.conf:13: listen: found 192.0.2.1:9, expected at most "
		      "8");
}

TEST(config_quota)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {{"1", 1},
		    {"none", 0},
		    {"2K", 2048},
		    {"10G", 10ULL << 30},
		    {"7T", 7ULL << 40},
		    {"9223372036854775807", INT64_MAX},
		    {"8388607T", 8388607ULL << 40}};
	static const char *const bad[] = {
		"0",        "0G",  "-1",
		"1.5G",     "G",   "10g",
		"10 G",     "1GK", "9223372036854775808",
		"8388608T", "007", ""};
	char line[100];

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(line, sizeof(line), "quota %s\n", good[i].text);
		taken(line);
		CHECK_EQ(conf.quota_bytes, good[i].bytes);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "quota %s\n", bad[i]);
		refused(line, "f.conf:5: quota: ");
	}
}

TEST(config_users)
{
	static const char *const bad[] = {
		"root2x 7",
		"keeper",
		"keeper 0",
		"keeper 4294967295",
		"keeper -1",
		"keeper Root",
		"keeper a b",
		"monitor x",
		"keeper abcdefghijklmnopqrstuvwxyzabcdefg"};
	char line[100];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "user %s\n", bad[i]);
		refused(line, "f.conf:5: user: ");
	}
	taken("user keeper 4294967294\n");
	CHECK_EQ(conf.user[CONFIG_KEEPER].uid, 4294967294);
	/* a shared user is no wall */
	refused("user keeper a\nuser trunk a\n", "another user for each");
	refused("user keeper 7\nuser console 7\n", "another user for each");
	refused("user keeper 64111\n", "another user for each");
	taken("user keeper 64111\nuser trunk a\n");
}

static void print_and_parse(const struct config *c)
{
	struct buf b;

	buf_init(&b, CONFIG_BYTES_MAX);
	config_print_template(c, &b);
	CHECK_OK(b.err);
	if (config_parse(rdtest_exact(b.p, b.n), b.n, "t", &conf, why))
		CHECK_STR(why, "");
	CHECK_STR(conf.name, c->name);
	CHECK_STR(conf.state, c->state);
	CHECK_STR(conf.keys, c->keys);
	CHECK_STR(conf.marker, c->marker);
	CHECK_STR(conf.socket, c->socket);
	CHECK_STR(conf.socket_group, c->socket_group);
	CHECK_EQ(conf.listens, c->listens);
	CHECK_EQ(conf.addresses, c->addresses);
	for (size_t i = 0; i < c->listens; i++)
		CHECK_STR(conf.listen[i], c->listen[i]);
	for (size_t i = 0; i < c->addresses; i++)
		CHECK_STR(conf.address[i], c->address[i]);
	CHECK(conf.dial == c->dial);
	CHECK_EQ(conf.quota_bytes, c->quota_bytes);
	for (unsigned i = 0; i < CONFIG_ROLES; i++) {
		CHECK_STR(conf.user[i].name, c->user[i].name);
		CHECK_EQ(conf.user[i].uid, c->user[i].uid);
		CHECK_EQ(conf.user[i].gid, c->user[i].gid);
	}
	buf_free(&b);
}

TEST(config_alarms)
{
	taken("dial yes\n");
	CHECK_STR(conf.alarm_hook, "");
	CHECK_EQ(conf.alarm_user.uid, 65534);
	CHECK(!conf.alarm_syslog);
	taken("alarm-hook /usr/local/sbin/ringdown-alarm\nalarm-user 7\n"
	      "alarm-syslog yes\n");
	CHECK_STR(conf.alarm_hook, "/usr/local/sbin/ringdown-alarm");
	CHECK_EQ(conf.alarm_user.uid, 7);
	CHECK_EQ(conf.alarm_user.gid, 7);
	CHECK(conf.alarm_syslog);
	taken("alarm-user pager\nalarm-syslog no\n");
	CHECK_STR(conf.alarm_user.name, "pager");
	CHECK(!conf.alarm_syslog);
	refused("alarm-hook hook\n", "f.conf:5: alarm-hook: ");
	refused("alarm-user 0\n", "f.conf:5: alarm-user: ");
	refused("alarm-user Root\n", "f.conf:5: alarm-user: ");
	refused("alarm-syslog maybe\n", "f.conf:5: alarm-syslog: ");
	/* it could read what the role may */
	refused("alarm-user 64110\n", "none of the roles'");
	refused("user trunk a\nalarm-user a\n", "none of the roles'");
}

TEST(config_template_is_read_back_the_same)
{
	static const char *const files[] = {
		"",
		"keys /k\nsocket-group ops\ndial no\nquota none\n",
		"listen 0.0.0.0:7411\naddress none\nquota 12345\n",
		"listen [::1]:1\nlisten 192.0.2.1:7\naddress 192.0.2.9:7\n",
		"user keeper a\nuser trunk 7\nquota 20G\n",
		"alarm-hook /h\nalarm-user 7\nalarm-syslog yes\n",
		"alarm-user pager\n"};

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct config c;

		taken(files[i]);
		c = conf;
		print_and_parse(&c);
	}
}

/* With nothing filled in it names every key, most as comments */
TEST(config_template_explains_every_key)
{
	static const char *const keys[] = {
		"name ",         "state ",       "keys ",
		"marker ",       "socket ",      "socket-group ",
		"listen ",       "address ",     "dial ",
		"quota ",        "user keeper ", "user trunk ",
		"user console ", "alarm-hook ",  "alarm-user ",
		"alarm-syslog "};
	struct config c;
	struct buf b;

	config_defaults(&c);
	buf_init(&b, CONFIG_BYTES_MAX);
	config_print_template(&c, &b);
	buf_u8(&b, 0);
	CHECK_OK(b.err);
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char a[40], d[40];

		snprintf(a, sizeof(a), "\n%s", keys[i]);
		snprintf(d, sizeof(d), "\n#%s", keys[i]);
		CHECK(strstr((char *)b.p, a) || strstr((char *)b.p, d));
	}
	for (size_t i = 0, col = 0; i < b.n; i++, col++) {
		col = b.p[i] == '\n' ? 0 : col;
		CHECK(col <= 80);
	}
	buf_free(&b);
}

TEST(config_path_within)
{
	CHECK(config_path_within("/a/b", "/a"));
	CHECK(config_path_within("/a", "/a"));
	CHECK(!config_path_within("/ab", "/a"));
	CHECK(!config_path_within("/", "/a"));
}

/* What is packaged is what `ringdown init` would write */
TEST(config_packaged_example_is_the_template)
{
	const struct str file =
		rdtest_data("../../packaging/ringdown.conf.example");
	struct buf b;

	CHECK_OK(config_parse(file.p, file.n, "example", &conf, why));
	CHECK_STR(conf.name, "north.example");
	buf_init(&b, CONFIG_BYTES_MAX);
	config_print_template(&conf, &b);
	CHECK_EQ(b.n, file.n);
	CHECK_MEM(b.p, file.p, file.n);
	buf_free(&b);
}
