/* SPDX-License-Identifier: ISC */
/** @file replay.c  main() of a fuzz target without a fuzzer: replay a corpus */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include "fuzz/fuzz.h"

#define INPUT_BYTES_MAX (1 << 20)

/* False when the file cannot be read; what breaks the target ends us */
static bool replay(const char *path)
{
	static uint8_t raw[INPUT_BYTES_MAX];
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	size_t n;

	if (!f)
		return false;
	n = fread(raw, 1, sizeof(raw), f);
	fclose(f);
	exact = malloc(n ? n : 1);
	if (!exact)
		return false;
	memcpy(exact, raw, n);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return true;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		const struct dirent *d;
		char path[1024];

		if (!dir) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		while ((d = readdir(dir))) {
			struct stat st;

			snprintf(path, sizeof(path), "%s/%s", argv[i],
				 d->d_name);
			if (stat(path, &st) || !S_ISREG(st.st_mode))
				continue;
			/* named first: should it crash, it is the last one */
			printf("%s\n", path);
			fflush(stdout);
			if (replay(path))
				passed++;
			else
				failed++;
		}
		closedir(dir);
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
