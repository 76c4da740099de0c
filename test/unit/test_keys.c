/* SPDX-License-Identifier: ISC */
/** @file test_keys.c  The signing keys' files */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "keeper/keys.h"
#include "rdtest.h"

static char why[KEYS_WHY_CHARS];
static char dir[300];

static const char *path(const char *name)
{
	static char p[400];

	snprintf(p, sizeof(p), "%s/%s", dir, name);
	return p;
}

static void create(void)
{
	snprintf(dir, sizeof(dir), "%s/keys", rdtest_tmp());
	CHECK_OK(keys_create(dir, why));
}

static size_t slurp(const char *name, char *out, size_t size)
{
	const int fd = open(path(name), O_RDONLY);
	ssize_t n;

	CHECK(fd >= 0);
	n = read(fd, out, size - 1);
	CHECK(n >= 0);
	close(fd);
	out[n] = '\0';
	return (size_t)n;
}

static void spill(const char *name, const char *text, size_t n)
{
	const int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK(write(fd, text, n) == (ssize_t)n);
	close(fd);
}

static void refused(int want, const char *words)
{
	struct keys k = {0};

	CHECK_ERR(keys_load(dir, &k, why), want);
	CHECK(!k.log && !k.cosigner && !k.trunk);
	if (!strstr(why, words))
		CHECK_STR(why, words);
}

TEST(keys_made_are_loaded)
{
	static const char *const names[] = {"log.key", "cosigner.key",
					    "trunk.key", "next.key",
					    "next.hash"};
	uint8_t seed[KEY_BYTES], hash[DIGEST_BYTES], sig[SIG_BYTES];
	struct key *next = NULL;
	struct str text, line;
	struct keys k = {0};
	struct stat st;
	char buf[1024];

	create();
	CHECK(!stat(dir, &st));
	CHECK_EQ(st.st_mode & 07777, 0700);
	for (unsigned i = 0; i < 5; i++) {
		CHECK(!stat(path(names[i]), &st));
		CHECK_EQ(st.st_mode & 07777, 0600);
	}
	CHECK_OK(keys_load(dir, &k, why));
	CHECK_OK(key_sign(k.log, "x", 1, sig));
	CHECK(memcmp(key_public(k.log), key_public(k.cosigner), KEY_BYTES));
	CHECK(memcmp(key_public(k.log), key_public(k.trunk), KEY_BYTES));
	CHECK(k.next_online);
	/* the hash is that of the public half of next.key's seed */
	text = (struct str){buf, slurp("next.key", buf, sizeof(buf))};
	CHECK(str_line(&text, &line) && str_is(line, "ringdown-key/v1"));
	CHECK(str_line(&text, &line) && str_is(line, "kind next"));
	CHECK(str_line(&text, &line) && str_is(str_cut(&line, ' '), "seed"));
	CHECK_OK(b64_exact(line, seed, sizeof(seed)));
	CHECK(str_line(&text, &line) && strstr(line.p, "offline"));
	CHECK_OK(key_from_seed(&next, seed));
	digest(key_public(next), KEY_BYTES, hash);
	CHECK_MEM(hash, k.next, DIGEST_BYTES);
	key_free(next);
	keys_free(&k);
	/* it is meant to be taken away */
	CHECK(!unlink(path("next.key")));
	CHECK_OK(keys_load(dir, &k, why));
	CHECK(!k.next_online);
	keys_free(&k);
}

TEST(keys_are_never_made_twice)
{
	char before[1024], after[1024];

	create();
	slurp("log.key", before, sizeof(before));
	CHECK_ERR(keys_create(dir, why), EEXIST);
	CHECK(strstr(why, "log.key: this file exists already"));
	/* all or none: one that is left stops the others from being made */
	CHECK(!unlink(path("log.key")) && !unlink(path("cosigner.key")));
	CHECK_ERR(keys_create(dir, why), EEXIST);
	CHECK(access(path("log.key"), F_OK) && errno == ENOENT);
	CHECK(access(path("cosigner.key"), F_OK) && errno == ENOENT);
	slurp("trunk.key", after, sizeof(after));
	CHECK(strcmp(before, after));
}

TEST(keys_of_a_directory_that_others_reach)
{
	struct stat st;

	create();
	CHECK(!chmod(dir, 0750));
	refused(EPERM, "set its mode to 0700");
	CHECK_ERR(keys_create(dir, why), EPERM);
	CHECK(!stat(dir, &st));
	CHECK_EQ(st.st_mode & 0777, 0750); /* left as it was */
}

TEST(keys_that_others_could_read_are_refused)
{
	static const char *const names[] = {"log.key", "cosigner.key",
					    "trunk.key", "next.hash"};
	struct keys k = {0};

	create();
	for (unsigned i = 0; i < 4; i++) {
		static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610};

		for (unsigned m = 0; m < 5; m++) {
			CHECK(!chmod(path(names[i]), modes[m]));
			refused(EPERM, "0600");
			CHECK(strstr(why, names[i]));
		}
		CHECK(!chmod(path(names[i]), 0400));
		CHECK_OK(keys_load(dir, &k, why));
		keys_free(&k);
	}
}

TEST(keys_files_are_read_strictly)
{
	char text[1024], bad[2200];
	const char *seed;
	size_t n;

	create();
	n = slurp("trunk.key", text, sizeof(text));
	for (size_t cut = 0; cut < n; cut++) {
		spill("trunk.key", text, cut);
		refused(EBADMSG, "trunk.key: not a key file");
	}
	spill("trunk.key", text, n);
	seed = strstr(text, "seed ");
	snprintf(bad, sizeof(bad), "ringdown-key/v1\nkind log\n%s", seed);
	spill("trunk.key", bad, strlen(bad));
	refused(EBADMSG, "of this kind");
	snprintf(bad, sizeof(bad), "%sx\n", text);
	spill("trunk.key", bad, strlen(bad));
	refused(EBADMSG, "of this kind");
	snprintf(bad, sizeof(bad), "%snote %01030d\n", text, 0);
	spill("trunk.key", bad, strlen(bad));
	refused(EBADMSG, "of this kind"); /* too long */
	spill("next.hash", "ringdown-key-hash/v1\n", 21);
	spill("trunk.key", text, n);
	refused(EBADMSG, "next.hash: not the hash");
	CHECK(!strstr(why, "seed"));
}

TEST(keys_missing_or_not_files)
{
	create();
	CHECK(!unlink(path("cosigner.key")));
	refused(ENOENT, "cosigner.key: cannot open it");
	CHECK(!mkfifo(path("cosigner.key"), 0600));
	refused(EBADMSG, "not a regular file");
	CHECK(!unlink(path("cosigner.key")));
	CHECK(!symlink("log.key", path("cosigner.key")));
	refused(ELOOP, "cosigner.key");
	snprintf(dir, sizeof(dir), "%s/none/keys", rdtest_tmp());
	refused(ENOENT, "cannot open the directory");
	CHECK_ERR(keys_create(dir, why), ENOENT);
	CHECK(strstr(why, "cannot make the directory"));
}
