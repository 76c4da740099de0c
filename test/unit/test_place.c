/* SPDX-License-Identifier: ISC */
/** @file test_place.c  The places where the keeper writes: made, given, refused */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "keeper/place.h"
#include "rdtest.h"

#define OTHER 64999	/* a user that is neither root nor the keeper */

static struct stat look(const char *path)
{
	struct stat st;

	CHECK(!lstat(path, &st));
	return st;
}

TEST(place_makes)
{
	const uint32_t uid = geteuid() ? geteuid() : 64110,
		       gid = geteuid() ? getegid() : 64110;
	char state[300], dir[300], marker[320];
	const char *why;
	struct stat st;

	snprintf(state, sizeof(state), "%s/state", rdtest_tmp());
	snprintf(dir, sizeof(dir), "%s/mark", rdtest_tmp());
	snprintf(marker, sizeof(marker), "%s/marker", dir);
	CHECK_OK(place_make(state, marker, uid, gid, &why));
	st = look(state);
	CHECK(S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0700);
	CHECK_EQ(st.st_uid, uid);
	CHECK(S_ISDIR(look(dir).st_mode));
	st = look(marker);
	CHECK(S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600);
	CHECK_EQ(st.st_uid, uid);
	CHECK_OK(place_make(state, marker, uid, gid, &why));	/* and again */
}

TEST(place_closes_what_it_gives)
{
	const char *why;
	char state[300];
	struct stat st;

	snprintf(state, sizeof(state), "%s/state", rdtest_tmp());
	CHECK(!mkdir(state, 0755));
	CHECK_OK(place_make(state, "", geteuid() ? geteuid() : 64110, getegid(),
			    &why));
	st = look(state);
	if (!geteuid())	/* others' modes are their own business */
		CHECK_EQ(st.st_mode & 07777, 0700);
}

TEST(place_refuses_what_is_not_ours)
{
	const char *why;
	char state[300], link[300], nowhere[320];

	snprintf(state, sizeof(state), "%s/state", rdtest_tmp());
	snprintf(link, sizeof(link), "%s/link", rdtest_tmp());
	CHECK(!mkdir(state, 0700));
	CHECK(!symlink(state, link));
	CHECK_ERR(place_make(link, "", geteuid(), getegid(), &why), ENOTDIR);
	snprintf(nowhere, sizeof(nowhere), "%s/a/b", rdtest_tmp());
	CHECK_ERR(place_make(nowhere, "", geteuid(), getegid(), &why), ENOENT);
	if (geteuid())
		return;
	CHECK(!chown(state, OTHER, OTHER));
	CHECK_ERR(place_make(state, "", 64110, 64110, &why), EPERM);
	CHECK_EQ(look(state).st_uid, OTHER);
}
