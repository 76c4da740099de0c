/* SPDX-License-Identifier: ISC */
/** @file listen.c  The sockets that strangers reach us by */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/text.h"
#include "monitor/listen.h"
#include "monitor/load.h"

#define BACKLOG 128

static int explain(char why[LISTEN_WHY_CHARS], int err, const char *where,
		   const char *what)
{
	snprintf(why, LISTEN_WHY_CHARS, "%.200s: %s: %s", where, what,
		 strerror(err));
	return err;
}

/* Length of what came out in *out; 0: not an address */
static socklen_t address_parse(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	const char *colon = strrchr(text, ':');
	char host[64];
	uint64_t port;
	const bool six = text[0] == '[';
	struct str h;

	if (!colon || uint_parse(str_of(colon + 1), &port) || port > 65535)
		return 0;
	h = (struct str){text + six, (size_t)(colon - text)};
	if (six && h.n < 3)
		return 0;
	h.n -= six ? 2 : 0;
	if (str_copy(h, host, sizeof(host)))
		return 0;
	memset(out, 0, sizeof(*out));
	if (six) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1
			       ? sizeof(*in6)
			       : 0;
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? sizeof(*in) : 0;
}

int listen_tcp(const char *address, int *fdp, char why[LISTEN_WHY_CHARS])
{
	struct sockaddr_storage a;
	const socklen_t n = address_parse(address, &a);
	const int one = 1;
	int fd, err;

	if (!n)
		return explain(why, EINVAL, address, "not a numeric address");
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return explain(why, errno, address, "cannot make a socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    (a.ss_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one))) ||
	    bind(fd, (struct sockaddr *)&a, n) || listen(fd, BACKLOG)) {
		err = explain(why, errno, address,
			      "cannot listen here (`listen` in the "
			      "configuration)");
		close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

/* Make way for a new socket at this path */
static int stale_remove(const struct sockaddr_un *a, char why[LISTEN_WHY_CHARS])
{
	struct stat st;
	int fd, err;

	if (lstat(a->sun_path, &st))
		return errno == ENOENT ? 0
				       : explain(why, errno, a->sun_path,
						 "cannot look at it");
	if (!S_ISSOCK(st.st_mode))
		return explain(why, EADDRINUSE, a->sun_path,
			       "there is something that is not a socket, and "
			       "it was left alone");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return explain(why, errno, a->sun_path, "cannot make a socket");
	err = connect(fd, (const struct sockaddr *)a, sizeof(*a)) ? errno : 0;
	close(fd);
	if (err != ECONNREFUSED)
		return explain(why, EADDRINUSE, a->sun_path,
			       "another ringdownd listens here");
	if (unlink(a->sun_path))
		return explain(why, errno, a->sun_path,
			       "cannot remove the old socket");
	return 0;
}

/* /run is empty after a boot.  What is wrong with it, bind() will say */
static void parent_make(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(path, '/');

	if (slash && slash != path &&
	    !str_copy((struct str){path, (size_t)(slash - path)}, dir,
		      sizeof(dir)))
		(void)mkdir(dir, 0755);
}

static int group_set(const char *path, const char *group,
		     char why[LISTEN_WHY_CHARS])
{
	uint32_t gid;

	if (!*group)
		return 0;
	if (group_find(group, &gid))
		return explain(why, ENOENT, group,
			       "no such group (`socket-group` in the "
			       "configuration)");
	if (chown(path, (uid_t)-1, gid))
		return explain(why, errno, path,
			       "cannot give it to the socket-group");
	return 0;
}

int listen_unix(const char *path, const char *group, int *fdp,
		char why[LISTEN_WHY_CHARS])
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	mode_t mask;
	int fd, err;

	if (str_copy(str_of(path), a.sun_path, sizeof(a.sun_path)))
		return explain(why, ENAMETOOLONG, path, "cannot listen here");
	err = stale_remove(&a, why);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return explain(why, errno, path, "cannot make a socket");
	parent_make(path);
	mask = umask(0117);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		err = explain(why, errno, path, "cannot make the API's socket");
	umask(mask);
	if (!err) {
		err = group_set(path, group, why);
		if (!err && listen(fd, BACKLOG))
			err = explain(why, errno, path, "cannot listen here");
		if (err)
			unlink(path);
	}
	if (err)
		close(fd);
	else
		*fdp = fd;
	return err;
}
