/* SPDX-License-Identifier: ISC */
/** @file upload.c  A document on its way in: small in memory, else a memfd */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "console/server.h"

#define CONTENT_BYTES_MAX (BLOB_BYTES_MAX - BLOB_SALT_BYTES)

void upload_init(struct upload *u)
{
	*u = (struct upload){.fd = -1};
	/* an agreement is a little longer than an inline document */
	buf_init(&u->small, AGREEMENT_BYTES_MAX > INLINE_BYTES_MAX
				    ? AGREEMENT_BYTES_MAX
				    : INLINE_BYTES_MAX);
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		const ssize_t r = write(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return ENOSPC;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

int upload_take(struct console *c, struct upload *u, const void *p, size_t n)
{
	int err;

	if (n > CONTENT_BYTES_MAX - u->bytes)
		return EFBIG;
	if (u->fd < 0 && n <= INLINE_BYTES_MAX - u->small.n) {
		buf_put(&u->small, p, n);
		u->bytes += n;
		return u->small.err;
	}
	if (u->fd < 0) {
		u->fd = memfd_create("upload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (u->fd < 0)
			return ENOSPC;
		c->uploads_bytes += u->small.n;
		err = write_all(u->fd, u->small.p, u->small.n);
		if (err)
			return err;
	}
	if (c->uploads_bytes + n > UPLOADS_BYTES_MAX)
		return ENOSPC;
	c->uploads_bytes += n;
	u->bytes += n;
	return write_all(u->fd, p, n);
}

int upload_end(struct upload *u)
{
	if (u->fd >= 0 &&
	    fcntl(u->fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return errno;
	return 0;
}

void upload_free(struct console *c, struct upload *u)
{
	if (u->fd >= 0) {
		close(u->fd);
		c->uploads_bytes -= u->bytes;
	}
	buf_free(&u->small);
	upload_init(u);
}
