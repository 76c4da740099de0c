/* SPDX-License-Identifier: ISC */
/** @file place.c  The places where the keeper writes, made for its user */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "keeper/place.h"
#include "proto/config.h"

/* Root's own is given away, closed to others first; anybody else's is not ours
   to take */
static int give(int fd, mode_t mode, uint32_t uid, uint32_t gid)
{
	struct stat st;

	if (fstat(fd, &st))
		return errno;
	if (geteuid() != 0 || st.st_uid == uid)
		return 0;
	if (st.st_uid != 0)
		return EPERM;
	return fchmod(fd, mode) || fchown(fd, uid, gid) ? errno : 0;
}

static int make_state(const char *state, uint32_t uid, uint32_t gid)
{
	int err, fd;

	if (mkdir(state, 0700) && errno != EEXIST)
		return errno;
	fd = open(state, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = give(fd, 0700, uid, gid);
	(void)close(fd);	/* nothing was written through it */
	return err;
}

static int make_marker(const char *marker, uint32_t uid, uint32_t gid)
{
	char dir[CONFIG_PATH_CHARS];
	const char *slash = strrchr(marker, '/');
	int err, fd;

	if (slash && slash != marker &&
	    !str_copy((struct str){marker, (size_t)(slash - marker)}, dir,
		      sizeof(dir)))
		(void)mkdir(dir, 0755);	/* what is wrong, open() will say */
	fd = open(marker, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	err = give(fd, 0600, uid, gid);
	(void)close(fd);
	return err;
}

int place_make(const char *state, const char *marker, uint32_t uid,
	       uint32_t gid, const char **why)
{
	int err = make_state(state, uid, gid);

	*why = err ? "the state directory cannot be made, or is another user's"
		   : "";
	if (err || !*marker)
		return err;
	err = make_marker(marker, uid, gid);
	*why = err ? "the marker's file cannot be made, or is another user's"
		   : "";
	return err;
}
