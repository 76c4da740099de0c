/* SPDX-License-Identifier: ISC */
/**
 * @file raw.c  What this machine can do: the disk, and TLS over loopback
 *
 * usage: raw sync DIR SECONDS    appends of 4 KiB, each followed by fdatasync
 *        raw write DIR MIB       one file written in pieces of 1 MiB, durable
 *        raw tls MIB             the trunk's TLS between two processes
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "trunk/tlspsk.h"

#define PIECE_BYTES 1048576
#define SYNCS_MAX 200000

static uint8_t piece[PIECE_BYTES];
static const char identity[] = "0123456789abcdef0123456789abcdef";

__attribute__((noreturn)) static void give_up(const char *what, int err)
{
	fprintf(stderr, "raw: %s: %s\n", what, strerror(err));
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int file_new(const char *dir)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/raw-XXXXXX", dir);
	fd = mkstemp(path);
	if (fd < 0)
		give_up(path, errno);
	(void)unlink(path);
	return fd;
}

/* ---- the disk ---- */

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void bench_sync(const char *dir, double seconds)
{
	static double took[SYNCS_MAX];
	const int fd = file_new(dir);
	const double from = now_s();
	size_t n = 0;

	while (n < SYNCS_MAX && now_s() - from < seconds) {
		const double t = now_s();

		if (write(fd, piece, 4096) != 4096 || fdatasync(fd))
			give_up("write", errno);
		took[n++] = now_s() - t;
	}
	printf("raw fdatasync on a growing file: %.0f/s",
	       (double)n / (now_s() - from));
	qsort(took, n, sizeof(took[0]), by_size);
	printf(" p50 %.2f ms p99 %.2f ms\n", took[n / 2] * 1e3,
	       took[n * 99 / 100] * 1e3);
	close(fd);
}

static void bench_write(const char *dir, unsigned long mib)
{
	const int fd = file_new(dir);
	const double from = now_s();

	for (unsigned long i = 0; i < mib; i++) {
		if (write(fd, piece, PIECE_BYTES) != PIECE_BYTES)
			give_up("write", errno);
	}
	if (fdatasync(fd))
		give_up("fdatasync", errno);
	printf("raw sequential durable writing: %.0f MiB/s\n",
	       (double)mib / (now_s() - from));
	close(fd);
}

/* ---- TLS ---- */

static enum tally_kind find(const char *id, size_t n, uint8_t psk[PSK_BYTES],
			    uint32_t *tag, void *arg)
{
	(void)id;
	(void)n;
	(void)arg;
	memset(psk, 1, PSK_BYTES);
	*tag = 0;
	return TALLY_NONE;
}

static int send_all(int fd, struct tlspsk_ctx *ctx, uint64_t left)
{
	static const uint8_t psk[PSK_BYTES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					       1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					       1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	struct tlspsk *t = NULL;
	int err = tlspsk_dial(&t, ctx, fd, identity, psk);

	if (!err)
		err = tlspsk_handshake(t);
	while (!err && left) {
		size_t put = 0;

		err = tlspsk_write(t, piece,
				   left < TLS_RECORD_BYTES ? (size_t)left
							   : TLS_RECORD_BYTES,
				   &put);
		left -= put;
	}
	tlspsk_free(t);
	return err;
}

static int take_all(int fd, struct tlspsk_ctx *ctx, uint64_t left, double *from)
{
	struct tlspsk *t = NULL;
	int err = tlspsk_accept(&t, ctx, fd, UINT64_MAX);

	if (!err)
		err = tlspsk_handshake(t);
	if (!err)
		tlspsk_unlimit(t);
	*from = now_s();
	while (!err && left) {
		size_t got = 0;

		err = tlspsk_read(t, piece, sizeof(piece), &got);
		left -= got < left ? got : left;
	}
	tlspsk_free(t);
	return err;
}

static void bench_tls(unsigned long mib)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const uint64_t bytes = (uint64_t)mib << 20;
	const int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct tlspsk_ctx *ctx = NULL;
	socklen_t n = sizeof(a);
	double from = 0;
	int fd, status, err;
	pid_t pid;

	if (bind(listener, (void *)&a, n) || listen(listener, 1) ||
	    getsockname(listener, (void *)&a, &n))
		give_up("listen", errno);
	err = tlspsk_ctx_alloc(&ctx, find, NULL);
	if (err)
		give_up("TLS", err);
	pid = fork();
	if (!pid) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (void *)&a, n) ||
		    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
			give_up("connect", errno);
		err = send_all(fd, ctx, bytes);
		_exit(err ? 1 : 0);
	}
	fd = accept(listener, NULL, NULL);
	err = fd < 0 ? errno : take_all(fd, ctx, bytes, &from);
	if (err)
		give_up("TLS", err);
	printf("raw TLS of the trunk over loopback: %.0f MiB/s\n",
	       (double)mib / (now_s() - from));
	if (waitpid(pid, &status, 0) != pid || status)
		give_up("sender", ECHILD);
	tlspsk_ctx_free(ctx);
}

int main(int argc, char **argv)
{
	memset(piece, 0x5a, sizeof(piece));
	if (argc == 4 && !strcmp(argv[1], "sync"))
		bench_sync(argv[2], strtod(argv[3], NULL));
	else if (argc == 4 && !strcmp(argv[1], "write"))
		bench_write(argv[2], strtoul(argv[3], NULL, 10));
	else if (argc == 3 && !strcmp(argv[1], "tls"))
		bench_tls(strtoul(argv[2], NULL, 10));
	else
		return 64;
	return 0;
}
