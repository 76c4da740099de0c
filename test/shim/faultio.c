/* SPDX-License-Identifier: ISC */
/** @file faultio.c  File I/O below one directory: recorded, and made to fail */
#undef _FORTIFY_SOURCE /* its inline open() would hide ours */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "shim/faultio.h"

#define FDS_MAX 1024
#define NAMES_MAX 512
#define LOG_BYTES (UINT64_C(1) << 30)	/* reserved, used as touched */

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* open64() and so on */

struct name {
	char path[FAULTIO_PATH_MAX];
	uint32_t file;
};

/* Shared by a test and the processes it forks */
struct shared {
	char root[256];
	size_t root_n;
	struct faultio_plan plan;
	unsigned writes;
	unsigned syncs;
	bool failed;
	uint32_t files;
	unsigned names;
	struct name name[NAMES_MAX];
	uint64_t log_n;
	_Alignas(16) uint8_t log[];
};

static struct shared *sh;
static bool no_log; /* run by environment: nobody reads the record */
static uint32_t fd_file[FDS_MAX]; /* 0: not ours */
static char fd_dir[FDS_MAX][FAULTIO_PATH_MAX];
static bool fd_is_dir[FDS_MAX];

#define REAL(name)               \
	static __typeof__(name) *real; \
	if (!real)                     \
	*(void **)&real = dlsym(RTLD_NEXT, #name)

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "faultio: %s\n", what);
	abort();
}

/* ---- the record ---- */

static struct faultio_event *event(enum faultio_kind kind, const char *path,
				   uint32_t file, uint64_t at, const void *p,
				   size_t n)
{
	static struct faultio_event unused;
	struct faultio_event *e;
	uint64_t size = (sizeof(*e) + n + 15) / 16 * 16;

	if (no_log)
		return &unused;
	if (sh->log_n + size > LOG_BYTES)
		give_up("the record is full");
	e = (struct faultio_event *)(void *)(sh->log + sh->log_n);
	*e = (struct faultio_event){
		.kind = kind, .file = file, .at = at, .n = n};
	if (path)
		snprintf(e->path, sizeof(e->path), "%s", path);
	if (n)
		memcpy(e->data, p, n);
	sh->log_n += size;
	e->next = sh->log_n;
	return e;
}

const struct faultio_event *faultio_next(const struct faultio_event *e)
{
	const uint64_t at = e ? e->next : 0;

	return at < sh->log_n ? (const void *)(sh->log + at) : NULL;
}

void faultio_mark(uint32_t what, uint64_t value)
{
	(void)event(FAULTIO_MARK, NULL, what, value, NULL, 0);
}

void faultio_start(const char *dir)
{
	if (!sh) {
		sh = mmap(NULL, sizeof(*sh) + LOG_BYTES, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (sh == MAP_FAILED)
			give_up("no memory");
	}
	if (strlen(dir) >= sizeof(sh->root))
		give_up("the directory's name is too long");
	memset(sh, 0, sizeof(*sh));
	sh->root_n = strlen(dir);
	memcpy(sh->root, dir, sh->root_n + 1);
}

void faultio_set(const struct faultio_plan *plan)
{
	sh->plan = *plan;
	sh->writes = 0;
	sh->syncs = 0;
	sh->failed = false;
}

void faultio_counts(unsigned *writes, unsigned *syncs, bool *failed)
{
	*writes = sh->writes;
	*syncs = sh->syncs;
	*failed = sh->failed;
}

/* ---- names ---- */

/* The path below the root, or NULL */
static const char *below(int dir, const char *path, char out[512])
{
	char link[32];
	size_t n = 0;

	if (!sh || !sh->root_n)
		return NULL;
	if (path[0] != '/') {
		ssize_t k;

		if (dir == AT_FDCWD)
			snprintf(link, sizeof(link), "/proc/self/cwd");
		else
			snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
		k = readlink(link, out, 256);
		if (k <= 0 || k >= 256)
			return NULL;
		n = (size_t)k;
		out[n++] = '/';
	}
	if (strlen(path) >= 512 - n)
		return NULL;
	memcpy(out + n, path, strlen(path) + 1);
	if (strncmp(out, sh->root, sh->root_n))
		return NULL;
	if (!out[sh->root_n])
		return out + sh->root_n;
	if (out[sh->root_n] != '/' ||
	    strlen(out + sh->root_n) > FAULTIO_PATH_MAX)
		return NULL;
	return out + sh->root_n + 1;
}

static struct name *name_find(const char *path)
{
	for (unsigned i = 0; i < sh->names; i++) {
		if (!strcmp(sh->name[i].path, path))
			return &sh->name[i];
	}
	return NULL;
}

static void name_drop(const char *path)
{
	struct name *n = name_find(path);

	if (n)
		*n = sh->name[--sh->names];
}

static struct name *name_add(const char *path, uint32_t file)
{
	struct name *n;

	name_drop(path);
	if (sh->names == NAMES_MAX)
		give_up("too many names");
	n = &sh->name[sh->names++];
	snprintf(n->path, sizeof(n->path), "%s", path);
	n->file = file;
	return n;
}

static uint32_t file_of(int fd)
{
	return fd >= 0 && fd < FDS_MAX ? fd_file[fd] : 0;
}

/* ---- failures ---- */

static bool hit(unsigned now, unsigned at)
{
	const unsigned count = sh->plan.count ? sh->plan.count : 1;

	if (!at || now < at || now >= at + count)
		return false;
	sh->failed = true;
	if (!sh->plan.err)
		(void)raise(SIGKILL);
	errno = sh->plan.err;
	return true;
}

static bool change_fails(void)
{
	return hit(++sh->writes, sh->plan.write_at);
}

static int sync_of(int fd)
{
	const bool is_dir = fd >= 0 && fd < FDS_MAX && fd_is_dir[fd];
	const bool fails = hit(++sh->syncs, sh->plan.sync_at);
	struct faultio_event *e;

	e = event(is_dir ? FAULTIO_SYNC_DIR : FAULTIO_SYNC,
		  is_dir ? fd_dir[fd] : NULL, file_of(fd), 0, NULL, 0);
	e->failed = fails;
	return fails ? -1 : 0;
}

/* ---- open and close ---- */

static void opened(int fd, const char *path, int flags, bool existed)
{
	struct stat st;
	struct name *n;

	if (fd >= FDS_MAX)
		give_up("too many descriptors");
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode)) {
		fd_is_dir[fd] = true;
		snprintf(fd_dir[fd], sizeof(fd_dir[fd]), "%s", path);
		return;
	}
	n = name_find(path);
	if (!n || !existed) {
		n = name_add(path, ++sh->files);
		(void)event(FAULTIO_CREATE, path, n->file, 0, NULL, 0);
	} else if (flags & O_TRUNC) {
		(void)event(FAULTIO_TRUNCATE, NULL, n->file, 0, NULL, 0);
	}
	fd_file[fd] = n->file;
}

static int open_any(int dir, const char *path, int flags, mode_t mode)
{
	char full[512];
	const char *ours = below(dir, path, full);
	struct stat st;
	bool existed;
	int fd;

	REAL(openat);
	if (!ours || (flags & O_TMPFILE) == O_TMPFILE)
		return real(dir, path, flags, mode);
	existed = !fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW);
	if (!existed && flags & O_CREAT && change_fails())
		return -1;
	fd = real(dir, path, flags, mode);
	if (fd >= 0)
		opened(fd, ours, flags, existed);
	return fd;
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPEN(name)                                            \
	int name(const char *path, int flags, ...)            \
	{                                                     \
		mode_t mode;                                  \
		va_list ap;                                   \
		va_start(ap, flags);                          \
		mode = mode_of(flags, ap);                    \
		va_end(ap);                                   \
		return open_any(AT_FDCWD, path, flags, mode); \
	}
#define OPENAT(name)                                        \
	int name(int dir, const char *path, int flags, ...) \
	{                                                   \
		mode_t mode;                                \
		va_list ap;                                 \
		va_start(ap, flags);                        \
		mode = mode_of(flags, ap);                  \
		va_end(ap);                                 \
		return open_any(dir, path, flags, mode);    \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

static void closed(int fd)
{
	if (fd >= 0 && fd < FDS_MAX) {
		fd_file[fd] = 0;
		fd_is_dir[fd] = false;
	}
}

int close(int fd)
{
	REAL(close);
	closed(fd);
	return real(fd);
}

/* libc closes the descriptor without calling close() */
int closedir(DIR *d)
{
	REAL(closedir);
	closed(dirfd(d));
	return real(d);
}

/* ---- content ---- */

static ssize_t write_any(int fd, const void *p, size_t n, off_t at)
{
	bool fails;

	REAL(pwrite);
	if (!file_of(fd))
		return real(fd, p, n, at);
	fails = change_fails();
	if (fails) {
		const bool first = sh->writes == sh->plan.write_at;

		if (!sh->plan.half || !first || n < 2)
			return -1;
		n /= 2;
	}
	(void)event(FAULTIO_WRITE, NULL, file_of(fd), (uint64_t)at, p, n);
	return real(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return write_any(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return write_any(fd, p, n, at);
}

ssize_t write(int fd, const void *p, size_t n)
{
	struct stat st;
	ssize_t k;
	off_t at;

	REAL(write);
	if (!file_of(fd))
		return real(fd, p, n);
	at = lseek(fd, 0, SEEK_CUR);
	if (fcntl(fd, F_GETFL) & O_APPEND && !fstat(fd, &st))
		at = st.st_size;
	k = write_any(fd, p, n, at);
	if (k > 0)
		(void)lseek(fd, at + k, SEEK_SET);
	return k;
}

static int truncate_any(int fd, off_t size)
{
	REAL(ftruncate);
	if (file_of(fd)) {
		if (change_fails())
			return -1;
		(void)event(FAULTIO_TRUNCATE, NULL, file_of(fd), (uint64_t)size,
			    NULL, 0);
	}
	return real(fd, size);
}

int ftruncate(int fd, off_t size)
{
	return truncate_any(fd, size);
}

int ftruncate64(int fd, off_t size)
{
	return truncate_any(fd, size);
}

/* ---- syncs ---- */

static bool is_ours(int fd)
{
	return file_of(fd) || (fd >= 0 && fd < FDS_MAX && fd_is_dir[fd]);
}

int fsync(int fd)
{
	REAL(fsync);
	return is_ours(fd) ? sync_of(fd) : real(fd);
}

int fdatasync(int fd)
{
	REAL(fdatasync);
	return is_ours(fd) ? sync_of(fd) : real(fd);
}

/* ---- names that change ---- */

int mkdirat(int dir, const char *path, mode_t mode)
{
	char full[512];
	const char *ours = below(dir, path, full);
	struct stat st;
	int rc;

	REAL(mkdirat);
	if (!ours || !fstatat(dir, path, &st, 0))
		return real(dir, path, mode);
	if (change_fails())
		return -1;
	rc = real(dir, path, mode);
	if (!rc)
		(void)event(FAULTIO_MKDIR, ours, 0, 0, NULL, 0);
	return rc;
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int unlinkat(int dir, const char *path, int flags)
{
	char full[512];
	const char *ours = below(dir, path, full);
	struct stat st;
	int rc;

	REAL(unlinkat);
	if (!ours || fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW))
		return real(dir, path, flags);
	if (change_fails())
		return -1;
	rc = real(dir, path, flags);
	if (!rc) {
		name_drop(ours);
		(void)event(FAULTIO_UNLINK, ours, 0, 0, NULL, 0);
	}
	return rc;
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int renameat(int dir, const char *path, int dir2, const char *path2)
{
	char full[512], full2[512];
	const char *ours = below(dir, path, full);
	const char *ours2 = below(dir2, path2, full2);
	struct faultio_event *e;
	const struct name *n;
	uint32_t file;
	int rc;

	REAL(renameat);
	if (!ours || !ours2)
		return real(dir, path, dir2, path2);
	if (change_fails())
		return -1;
	rc = real(dir, path, dir2, path2);
	n = name_find(ours);
	if (rc || !n)
		return rc;
	file = n->file;
	name_drop(ours);
	(void)name_add(ours2, file);
	e = event(FAULTIO_RENAME, ours, file, 0, NULL, 0);
	snprintf(e->path2, sizeof(e->path2), "%s", ours2);
	return 0;
}

int rename(const char *path, const char *path2)
{
	return renameat(AT_FDCWD, path, AT_FDCWD, path2);
}

/* ---- by environment ---- */

static char *part(char **rest)
{
	char *p = *rest ? strsep(rest, ":") : NULL;

	return p ? p : (char *)"";
}

__attribute__((constructor)) static void from_environment(void)
{
	const char *env = getenv("FAULTIO");
	static char text[512];
	struct faultio_plan plan = {.count = 1};
	char *rest = text, *err;
	unsigned *at;

	if (!env || strlen(env) >= sizeof(text))
		return;
	memcpy(text, env, strlen(env) + 1);
	faultio_start(part(&rest));
	no_log = true;
	at = strcmp(part(&rest), "sync") ? &plan.write_at : &plan.sync_at;
	*at = (unsigned)strtoul(part(&rest), NULL, 10);
	err = part(&rest);
	plan.err = !strcmp(err, "KILL")     ? 0
		   : !strcmp(err, "ENOSPC") ? ENOSPC
					    : EIO;
	if (rest)
		plan.count = (unsigned)strtoul(part(&rest), NULL, 10);
	faultio_set(&plan);
}
