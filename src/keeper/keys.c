/* SPDX-License-Identifier: ISC */
/** @file keys.c  The exchange's signing keys, as files of one directory */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/text.h"
#include "keeper/keys.h"

#define FILE_BYTES_MAX 1024 /* a longer one is no key file */

enum file { FILE_LOG, FILE_COSIGNER, FILE_TRUNK, FILE_NEXT, FILE_HASH, FILES };

static const char *const names[FILES] = {"log.key", "cosigner.key", "trunk.key",
					 "next.key", "next.hash"};
static const char *const kinds[FILES] = {"log", "cosigner", "trunk", "next",
					 "next"};

/* Say what went wrong; returns err */
static int explain(char why[KEYS_WHY_CHARS], int err, const char *dir,
		   const char *file, const char *what)
{
	snprintf(why, KEYS_WHY_CHARS, "%.240s%s%s: %s%s%s", dir,
		 file ? "/" : "", file ? file : "", what, *what ? ": " : "",
		 strerror(err));
	return err;
}

static int refuse(char why[KEYS_WHY_CHARS], int err, const char *dir,
		  const char *file, const char *what)
{
	snprintf(why, KEYS_WHY_CHARS, "%.240s%s%s: %s", dir, file ? "/" : "",
		 file ? file : "", what);
	return err;
}

/* ---- making ---- */

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		const ssize_t r = write(fd, p, n);

		if (r < 0 && errno != EINTR)
			return errno;
		if (r > 0) {
			p += r;
			n -= (size_t)r;
		}
	}
	return fsync(fd) ? errno : 0;
}

static int file_write(int dirfd, const char *name, const char *text, bool *made)
{
	const int fd = openat(dirfd, name,
			      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int err;

	if (fd < 0)
		return errno;
	*made = true;
	err = fchmod(fd, 0600) ? errno : 0; /* whatever the umask */
	if (!err)
		err = write_all(fd, text, strlen(text));
	if (close(fd) && !err)
		err = errno;
	return err;
}

/* The text of a key file, and its public half */
static int key_text(enum file i, char *text, size_t size,
		    uint8_t pub[KEY_BYTES])
{
	static const char note[] =
		"note The next log key. Move this file to offline media, in "
		"two copies at two places, and delete it here. It replaces "
		"log.key when that one was lost or stolen.\n";
	uint8_t seed[KEY_BYTES];
	char b64[B64_SIZE(KEY_BYTES)];
	struct key *k = NULL;
	int err = 0;

	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return EIO;
	err = key_from_seed(&k, seed);
	if (!err) {
		memcpy(pub, key_public(k), KEY_BYTES);
		b64_encode(seed, sizeof(seed), b64);
		snprintf(text, size, "ringdown-key/v1\nkind %s\nseed %s\n%s",
			 kinds[i], b64, i == FILE_NEXT ? note : "");
	}
	key_free(k);
	explicit_bzero(seed, sizeof(seed));
	explicit_bzero(b64, sizeof(b64));
	return err;
}

static int make_files(int dirfd, const char *dir, bool made[FILES],
		      char why[KEYS_WHY_CHARS])
{
	uint8_t pub[KEY_BYTES], hash[DIGEST_BYTES];
	char text[FILE_BYTES_MAX], b64[B64_SIZE(DIGEST_BYTES)];
	int err = 0;

	for (unsigned i = 0; i < FILES && !err; i++) {
		if (i == FILE_HASH) {
			digest(pub, sizeof(pub), hash);
			b64_encode(hash, sizeof(hash), b64);
			snprintf(text, sizeof(text),
				 "ringdown-key-hash/v1\nkind next\nsha256 "
				 "%s\n",
				 b64);
		} else {
			err = key_text((enum file)i, text, sizeof(text), pub);
		}
		if (!err)
			err = file_write(dirfd, names[i], text, &made[i]);
		explicit_bzero(text, sizeof(text));
		if (err == EEXIST)
			return refuse(why, err, dir, names[i],
				      "this file exists already and was not "
				      "touched; keys are made once");
		if (err)
			return explain(why, err, dir, names[i],
				       "cannot make the key");
	}
	if (fsync(dirfd))
		return explain(why, errno, dir, NULL, "cannot make it durable");
	return 0;
}

/* The new directory's name is durable only when its parent is */
static int parent_sync(int dirfd)
{
	const int fd = openat(dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return errno;
	err = fsync(fd) ? errno : 0;
	close(fd);
	return err;
}

/* Ours alone: a directory that others can reach is not made private behind
 * their back, since it may be there for something else */
static int dir_check(int dirfd, const char *dir, char why[KEYS_WHY_CHARS])
{
	struct stat st;

	if (fstat(dirfd, &st))
		return explain(why, errno, dir, NULL, "cannot look at it");
	if (st.st_mode & 077)
		return refuse(why, EPERM, dir, NULL,
			      "group or others may look into the directory of "
			      "the keys; set its mode to 0700");
	return 0;
}

int keys_create(const char *dir, char why[KEYS_WHY_CHARS])
{
	bool made[FILES] = {false};
	bool made_dir;
	int dirfd, err;

	why[0] = '\0';
	made_dir = !mkdir(dir, 0700);
	if (!made_dir && errno != EEXIST)
		return explain(why, errno, dir, NULL,
			       "cannot make the directory of the keys");
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return explain(why, errno, dir, NULL, "cannot open it");
	err = made_dir ? 0 : dir_check(dirfd, dir, why);
	if (!err)
		err = make_files(dirfd, dir, made, why);
	if (!err && parent_sync(dirfd))
		err = explain(why, EIO, dir, NULL, "cannot make it durable");
	for (unsigned i = 0; err && i < FILES; i++) {
		if (made[i])
			(void)unlinkat(dirfd, names[i], 0); /* all or none */
	}
	close(dirfd);
	if (err && made_dir)
		(void)rmdir(dir);
	return err;
}

/* ---- loading ---- */

/* Read one file of ours into text [FILE_BYTES_MAX]; *n octets */
static int file_read(int dirfd, const char *dir, enum file i, char *text,
		     size_t *n, char why[KEYS_WHY_CHARS])
{
	const int fd = openat(dirfd, names[i],
			      O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK |
				      O_CLOEXEC);
	struct stat st;
	ssize_t r = 0;
	int err = 0;

	if (fd < 0)
		return explain(why, errno, dir, names[i], "cannot open it");
	if (fstat(fd, &st))
		err = explain(why, errno, dir, names[i], "cannot look at it");
	else if (!S_ISREG(st.st_mode))
		err = refuse(why, EBADMSG, dir, names[i], "not a regular file");
	else if (st.st_mode & 077)
		err = refuse(why, EPERM, dir, names[i],
			     "group or others may read or write this file; "
			     "treat the key as stolen if anybody could have, "
			     "else set its mode to 0600");
	if (!err) {
		r = read(fd, text, FILE_BYTES_MAX);
		if (r < 0)
			err = explain(why, errno, dir, names[i],
				      "cannot read it");
	}
	*n = r > 0 ? (size_t)r : 0;
	close(fd);
	return err;
}

/* Three lines: head, "kind K", "<word> <base64 of 32 octets>"; then at most
 * a note */
static bool text_parse(struct str in, const char *head, const char *kind,
		       const char *word, uint8_t out[32])
{
	struct str line;

	if (!str_line(&in, &line) || !str_is(line, head))
		return false;
	if (!str_line(&in, &line) || !str_is(str_cut(&line, ' '), "kind") ||
	    !str_is(line, kind))
		return false;
	if (!str_line(&in, &line) || !str_is(str_cut(&line, ' '), word) ||
	    b64_exact(line, out, 32))
		return false;
	if (in.n &&
	    (!str_line(&in, &line) || !str_is(str_cut(&line, ' '), "note")))
		return false;
	return !in.n;
}

static int key_load(int dirfd, const char *dir, enum file i, struct key **kp,
		    char why[KEYS_WHY_CHARS])
{
	char text[FILE_BYTES_MAX];
	uint8_t seed[KEY_BYTES];
	size_t n = 0;
	int err = file_read(dirfd, dir, i, text, &n, why);

	if (!err && !text_parse((struct str){text, n}, "ringdown-key/v1",
				kinds[i], "seed", seed))
		err = refuse(why, EBADMSG, dir, names[i],
			     "not a key file of this kind as `ringdown init` "
			     "writes it; put the file back from a backup");
	if (!err) {
		err = key_from_seed(kp, seed);
		if (err)
			explain(why, err, dir, names[i], "cannot use the key");
	}
	explicit_bzero(seed, sizeof(seed));
	explicit_bzero(text, sizeof(text));
	return err;
}

static int hash_load(int dirfd, const char *dir, struct keys *out,
		     char why[KEYS_WHY_CHARS])
{
	char text[FILE_BYTES_MAX];
	size_t n = 0;
	int err = file_read(dirfd, dir, FILE_HASH, text, &n, why);

	if (err)
		return err;
	if (!text_parse((struct str){text, n}, "ringdown-key-hash/v1",
			kinds[FILE_HASH], "sha256", out->next))
		return refuse(why, EBADMSG, dir, names[FILE_HASH],
			      "not the hash of a key as `ringdown init` writes "
			      "it; put the file back from a backup");
	return 0;
}

static int load_all(int dirfd, const char *dir, struct keys *out,
		    char why[KEYS_WHY_CHARS])
{
	struct stat st;
	int err = dir_check(dirfd, dir, why);

	if (err)
		return err;
	err = key_load(dirfd, dir, FILE_LOG, &out->log, why);
	if (!err)
		err = key_load(dirfd, dir, FILE_COSIGNER, &out->cosigner, why);
	if (!err)
		err = key_load(dirfd, dir, FILE_TRUNK, &out->trunk, why);
	if (!err)
		err = hash_load(dirfd, dir, out, why);
	out->next_online =
		!fstatat(dirfd, names[FILE_NEXT], &st, AT_SYMLINK_NOFOLLOW);
	return err;
}

int keys_load(const char *dir, struct keys *out, char why[KEYS_WHY_CHARS])
{
	struct keys k = {0};
	int dirfd, err;

	why[0] = '\0';
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return explain(why, errno, dir, NULL,
			       "cannot open the directory of the keys");
	err = load_all(dirfd, dir, &k, why);
	close(dirfd);
	if (err)
		keys_free(&k);
	else
		*out = k;
	return err;
}

void keys_free(struct keys *k)
{
	k->log = key_free(k->log);
	k->cosigner = key_free(k->cosigner);
	k->trunk = key_free(k->trunk);
}
