/* SPDX-License-Identifier: ISC */
/** @file load.c  The configuration file, read and with its users looked up */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "monitor/load.h"

/* The file and one octet more, if it has that many; 0 or errno */
static int file_read(const char *path, char *p, size_t size, size_t *n)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int err = 0;
	ssize_t r;

	if (fd < 0)
		return errno;
	*n = 0;
	while (*n < size) {
		r = read(fd, p + *n, size - *n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			err = errno;
		if (r <= 0)
			break;
		*n += (size_t)r;
	}
	close(fd);
	return err;
}

static int users_find(struct config *c, const char *path,
		      char why[CONFIG_WHY_CHARS])
{
	for (unsigned i = 0; i < CONFIG_ROLES; i++) {
		struct config_user *u = &c->user[i];
		const struct passwd *pw;

		if (!u->name[0])
			continue;
		pw = getpwnam(u->name);
		if (!pw || !pw->pw_uid || !pw->pw_gid) {
			snprintf(why, CONFIG_WHY_CHARS,
				 "%.200s: user: found %s, expected a user that "
				 "exists and is not root",
				 path, u->name);
			return ENOENT;
		}
		u->uid = pw->pw_uid;
		u->gid = pw->pw_gid;
		for (unsigned k = 0; k < CONFIG_ROLES; k++) {
			if (k == i || c->user[k].uid != u->uid)
				continue;
			snprintf(why, CONFIG_WHY_CHARS,
				 "%.200s: user: found %s, expected another "
				 "user for each role",
				 path, u->name);
			return ENOENT;
		}
	}
	return 0;
}

static int alarm_user_find(struct config *c, const char *path,
			   char why[CONFIG_WHY_CHARS])
{
	struct config_user *u = &c->alarm_user;
	const struct passwd *pw = u->name[0] ? getpwnam(u->name) : NULL;

	if (pw) {
		u->uid = pw->pw_uid;
		u->gid = pw->pw_gid;
	}
	for (unsigned i = 0; i < CONFIG_ROLES && u->uid; i++) {
		if (c->user[i].uid == u->uid)
			u->uid = 0;
	}
	if (u->uid && u->gid)
		return 0;
	snprintf(why, CONFIG_WHY_CHARS,
		 "%.200s: alarm-user: found %s, expected a user that exists, "
		 "is not root and none of the roles'",
		 path, u->name);
	return ENOENT;
}

int config_load(const char *path, struct config *out,
		char why[CONFIG_WHY_CHARS])
{
	char *text = malloc(CONFIG_BYTES_MAX + 1);
	size_t n = 0;
	int err =
		text ? file_read(path, text, CONFIG_BYTES_MAX + 1, &n) : ENOMEM;

	if (err)
		snprintf(why, CONFIG_WHY_CHARS,
			 "%.200s: cannot read the configuration: %s; "
			 "`ringdown init` writes one",
			 path, strerror(err));
	else
		err = config_parse(text, n, path, out, why);
	free(text);
	if (!err && geteuid() == 0)
		err = users_find(out, path, why);
	if (!err && geteuid() == 0)
		err = alarm_user_find(out, path, why);
	return err;
}

int group_find(const char *name, uint32_t *gid)
{
	const struct group *gr;
	uint64_t n;

	if (!uint_parse(str_of(name), &n) && n < UINT32_MAX) {
		*gid = (uint32_t)n;
		return 0;
	}
	gr = getgrnam(name);
	if (!gr)
		return ENOENT;
	*gid = gr->gr_gid;
	return 0;
}
