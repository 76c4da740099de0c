/* SPDX-License-Identifier: ISC */
/** @file cli_setup.c  `ringdown init` and `check-config` */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd/cli.h"
#include "keeper/keys.h"
#include "monitor/load.h"

static int path_set(char *out, size_t size, const char *dir, const char *name)
{
	const int n = snprintf(out, size, "%s%s", dir, name);

	if (n > 0 && (size_t)n < size)
		return EXIT_DONE;
	complain(tr("%s is too long a name of a directory"), dir);
	return EXIT_USAGE;
}

/* Where an exchange lives: the system's places, or all below one directory */
static int places(const struct cli *c, struct config *conf)
{
	const char *d = c->dir;
	int code;

	code = d ? path_set(conf->state, sizeof(conf->state), d, "/state")
		 : path_set(conf->state, sizeof(conf->state),
			    "/var/lib/ringdown", "");
	if (!code)
		code = d ? path_set(conf->keys, sizeof(conf->keys), d, "/keys")
			 : path_set(conf->keys, sizeof(conf->keys),
				    "/var/lib/ringdown", "/keys");
	if (!code)
		code = path_set(conf->marker, sizeof(conf->marker),
				d ? d : "/var/lib/ringdown-marker", "/marker");
	if (!code)
		code = d ? path_set(conf->socket, sizeof(conf->socket), d,
				    "/api.sock")
			 : path_set(conf->socket, sizeof(conf->socket),
				    SOCKET_DEFAULT, "");
	return code;
}

/* The directory that holds path.  It may exist. */
static void parent_make(const char *path)
{
	char dir[CONFIG_PATH_CHARS];
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path ||
	    str_copy((struct str){path, (size_t)(slash - path)}, dir,
		     sizeof(dir)))
		return;
	(void)mkdir(dir, 0755);	/* what is wrong with it, open() will say */
}

static int file_make(const char *path, const struct buf *b)
{
	int fd;
	bool ok;

	parent_make(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0644);
	if (fd < 0 && errno == EEXIST) {
		complain(tr("%s exists and was left alone; nothing was made. "
			    "Name another file with -c."),
			 path);
		return EXIT_REFUSED;
	}
	if (fd < 0) {
		complain("%s: %s", path, strerror(errno));
		return EXIT_FILE;
	}
	ok = write(fd, b->p, b->n) == (ssize_t)b->n && !fsync(fd);
	close(fd);
	if (ok)
		return EXIT_DONE;
	complain(tr("%s cannot be written; nothing was made."), path);
	unlink(path);
	return EXIT_FILE;
}

int command_init(struct cli *c)
{
	const char *path = c->conf ? c->conf : CONF_DEFAULT;
	char why[KEYS_WHY_CHARS];
	struct config conf;
	struct buf b;
	int code;

	if (!host_ok(str_of(c->arg[0])))
		return usage(tr("%s is no name for an exchange: 1 to 63 of "
				"a-z 0-9 . -, as exchange.example.org"),
			     c->arg[0]);
	if (c->dir && c->dir[0] != '/')
		return usage("%s", tr("--dir must begin with /"));
	config_defaults(&conf);
	if (str_copy(str_of(c->arg[0]), conf.name, sizeof(conf.name)))
		return EXIT_USAGE;
	code = places(c, &conf);
	if (code)
		return code;
	buf_init(&b, CONFIG_BYTES_MAX);
	config_print_template(&conf, &b);
	code = b.err ? EXIT_FILE : file_make(path, &b);
	buf_free(&b);
	if (code)
		return code;
	parent_make(conf.state);
	(void)mkdir(conf.state, 0700);	/* before keys in it make it wider */
	parent_make(conf.keys);
	parent_make(conf.marker);
	if (keys_create(conf.keys, why)) {
		complain("%s", why);
		unlink(path);
		return EXIT_FILE;
	}
	if (c->json) {
		printf("{\"name\":\"%s\",\"configuration\":\"%s\","
		       "\"keys\":\"%s\"}\n",
		       conf.name, path, conf.keys);
		return EXIT_DONE;
	}
	printf(tr("Made %s and the keys in %s.\n"), path, conf.keys);
	printf(tr("Move %s/next.key to a safe place offline. Then look through "
		  "the\nconfiguration, start ringdownd, and make a card: "
		  "ringdown pair card\n"),
	       conf.keys);
	return EXIT_DONE;
}

int command_check_config(struct cli *c)
{
	const char *path = c->conf ? c->conf : CONF_DEFAULT;
	char why[CONFIG_WHY_CHARS];
	struct config conf;
	const int err = config_load(path, &conf, why);

	if (err) {
		complain("%s", why);
		return err == EBADMSG || err == ENOENT ? EXIT_REFUSED
						       : EXIT_FILE;
	}
	if (c->json)
		printf("{\"name\":\"%s\",\"socket\":\"%s\"}\n", conf.name,
		       conf.socket);
	else
		printf(tr("%s is in order: exchange %s, socket %s\n"), path,
		       conf.name, conf.socket);
	return EXIT_DONE;
}
