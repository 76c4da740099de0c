/* SPDX-License-Identifier: ISC */
/** @file evidence.c  Checks 9 and 10: blobs and fork proofs (record.md 7, 8) */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "verify/verify.h"

struct named {
	uint8_t hash[HASH_LEN];
	uint64_t bytes;
	bool held;		/* there is such a file; of equal ones, one */
};

static int named_cmp(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	const int c = memcmp(x->hash, y->hash, HASH_LEN);

	return c ? c : x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static int hash_cmp(const void *a, const void *b)
{
	return memcmp(a, ((const struct named *)b)->hash, HASH_LEN);
}

/* All that the entries name, in order */
static int named_collect(const struct dossier *d, struct named **list,
			 size_t *count)
{
	size_t n = 0;

	for (unsigned i = 0; i < 2; i++) {
		for (uint64_t k = 0; k < d->side[i].n; k++)
			n += d->side[i].item[k].blob_at != 0;
	}
	*list = calloc(n ? n : 1, sizeof(**list));
	if (!*list)
		return ENOMEM;
	*count = 0;
	for (unsigned i = 0; i < 2; i++) {
		const struct side *s = &d->side[i];

		for (uint64_t k = 0; k < s->n; k++) {
			struct named *to = &(*list)[*count];
			const struct item *e = &s->item[k];
			struct slice rest = {s->feed + e->off + e->blob_at,
					     e->len - e->blob_at},
				     line;

			if (e->blob_at && slice_line(&rest, &line) &&
			    blob_parse(line, to->hash, &to->bytes))
				++*count;
		}
	}
	qsort(*list, *count, sizeof(**list), named_cmp);
	return 0;
}

/* Mark what is held. `least` is the first file in byte order that no entry
 * names; empty: there is none */
static int blobs_scan(const struct dossier *d, struct named *list, size_t count,
		      char least[static 65])
{
	const int fd = openat(d->dir, "blob",
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	uint8_t hash[HASH_LEN];

	*least = '\0';
	if (!dir)
		return errno == ENOENT ? 0 : errno;
	while (errno = 0, (e = readdir(dir))) {
		const struct slice s = {(const uint8_t *)e->d_name,
					strlen(e->d_name)};
		struct named *n;

		if (!hex_parse(s, hash, HASH_LEN))
			continue;
		n = bsearch(hash, list, count, sizeof(*list), hash_cmp);
		if (n)
			n->held = true;
		else if (!*least || strcmp(e->d_name, least) < 0)
			memcpy(least, e->d_name, 65);
	}
	closedir(dir);
	return 0;
}

/* One blob of list[at..end), which are the sizes named for it */
static int blob_check(struct dossier *d, const struct named *list, size_t at,
		      size_t end, const char *name)
{
	uint8_t hash[HASH_LEN];
	uint64_t bytes;
	int fd = file_open(d->dir, name, &bytes), err;

	if (fd < 0)
		return errno;
	err = hash_fd(fd, &bytes, hash);
	close(fd);
	if (err)
		return err;
	while (at < end && list[at].bytes != bytes)
		at++;
	if (at == end || memcmp(hash, list[at].hash, HASH_LEN))
		return verdict_invalid(d, "hash", "%s", name);
	return 0;
}

int judge_blobs(struct dossier *d)
{
	struct named *list;
	size_t count, end;
	char least[65], name[80] = "blob/";
	int err = named_collect(d, &list, &count);

	if (err)
		return err;
	err = blobs_scan(d, list, count, least);
	for (size_t at = 0; at < count && !err; at = end) {
		bool held = list[at].held;

		for (end = at + 1;
		     end < count &&
		     !memcmp(list[at].hash, list[end].hash, HASH_LEN);
		     end++)
			held = held || list[end].held;
		d->held += held;
		d->withheld += !held;
		if (!held)
			continue;
		hex_print(list[at].hash, HASH_LEN, name + 5);
		if (*least && strcmp(least, name + 5) < 0)
			break;
		err = blob_check(d, list, at, end, name);
	}
	free(list);
	if (!err && *least)
		return verdict_invalid(d, "unbound", "blob/%s", least);
	return err;
}

static bool fork_number(struct slice *in, const char *name, uint64_t *v)
{
	struct slice line;

	return slice_line(in, &line) && slice_after(&line, name) &&
	       uint_parse(line, v);
}

/* Both notes, whole, over one origin and signed by its log key */
static bool fork_notes(struct slice a, struct slice b,
		       const struct key keys[static 3][3], unsigned *origin,
		       struct note *first, struct note *second)
{
	if (!note_parse(a, first) || !note_parse(b, second) ||
	    first->size < 1 || second->size < first->size)
		return false;
	for (unsigned i = 0; i < 3; i++) {
		if (!slice_is(first->origin, keys[i][0].name))
			continue;
		*origin = i;
		return slice_is(second->origin, keys[i][0].name) &&
		       note_verify(first, keys[i], 3) && first->mask & 1 &&
		       note_verify(second, keys[i], 3) && second->mask & 1;
	}
	return false;
}

bool fork_parse(struct slice in, const struct key keys[static 3][3],
		unsigned *origin, struct note *first, struct note *second)
{
	uint8_t prefix[HASH_LEN], proof[2 * LEVELS_MAX][HASH_LEN];
	struct slice line;
	uint64_t n, m, count;

	if (!slice_line(&in, &line) || !slice_is(line, "ringdown-fork/v1") ||
	    !fork_number(&in, "first ", &n) ||
	    !fork_number(&in, "second ", &m) || !slice_line(&in, &line) ||
	    !slice_after(&line, "prefix ") ||
	    !b64_exact(line, prefix, HASH_LEN) ||
	    !fork_number(&in, "proof ", &count) || count > 2 * LEVELS_MAX)
		return false;
	for (size_t k = 0; k < count; k++) {
		if (!slice_line(&in, &line) ||
		    !b64_exact(line, proof[k], HASH_LEN))
			return false;
	}
	if (n > in.n || m != in.n - n ||
	    !fork_notes((struct slice){in.p, (size_t)n},
			(struct slice){in.p + n, (size_t)m}, keys, origin,
			first, second) ||
	    !memcmp(prefix, first->root, HASH_LEN))
		return false;
	if (first->size == second->size)
		return !count && !memcmp(prefix, second->root, HASH_LEN);
	return consistency_ok(first->size, second->size, prefix, second->root,
			      (const uint8_t(*)[HASH_LEN])proof, (size_t)count);
}

/* The other side had cosigned more than it then attested as the largest. Its
 * times say so, unless its clock was set back to before the cosignature's */
static bool attested_lie(const struct side *other, const struct note *n,
			 uint64_t attested, uint64_t attest_s)
{
	return n->size > attested && n->mask >> 2 & 1 &&
	       n->time_s[2] <= attest_s && other->clock_least_s > n->time_s[2];
}

void judge_fork(struct dossier *d, unsigned origin, const struct note *first,
		const struct note *second, const char *place)
{
	const unsigned signer = origin == ORIGIN_JOINT ? 0 : origin;
	const struct side *s = &d->side[signer], *other = &d->side[1 - signer];
	bool restored = false;
	struct entry e;

	for (uint64_t k = 0; k < s->n; k++) {
		struct slice attest, word;
		uint64_t size = k, attest_s;

		if (s->item[k].restore != RESTORE_GOOD || !side_entry(s, k, &e))
			continue;
		if (origin == ORIGIN_JOINT)
			size += k ? s->item[k - 1].seen : 0;
		if (size >= first->size)
			continue;
		restored = true;
		attest = entry_field(&e, "attest");
		if (!slice_word(&attest, &word) || !uint_parse(word, &attest_s))
			continue;
		if (attested_lie(other, first, size, attest_s) ||
		    attested_lie(other, second, size, attest_s)) {
			verdict_add(d, EXPOSED, 1 - signer, "attested-lie",
				    place, -1);
			return;
		}
	}
	if (restored)
		verdict_add(d, SUSPECTED, signer, "fork-after-restore", place,
			    -1);
	else
		verdict_add(d, EXPOSED, signer, "fork", place, -1);
}

static int proof_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The names of proof/, which the shape has found to be 1 to 9 digits */
static int proof_names(const struct dossier *d, char (**list)[16],
		       size_t *count)
{
	const int fd = openat(d->dir, "proof",
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	size_t max = 0;
	int err = 0;

	*list = NULL;
	*count = 0;
	if (!dir)
		return errno == ENOENT ? 0 : errno;
	while (!err && (e = readdir(dir))) {
		if (*count == max) {
			void *more = realloc(*list, (max + 256) * 16);

			err = more ? 0 : ENOMEM;
			*list = more ? more : *list;
			max += 256;
		}
		if (!err && e->d_name[0] != '.' && strlen(e->d_name) < 16)
			memcpy((*list)[(*count)++], e->d_name,
			       strlen(e->d_name) + 1);
	}
	closedir(dir);
	if (*count)
		qsort(*list, *count, sizeof(**list), proof_cmp);
	return err;
}

int judge_proofs(struct dossier *d)
{
	static uint8_t buf[FORK_MAX];
	static struct note first, second;
	char(*list)[16], name[32];
	unsigned origin;
	struct slice s;
	size_t count;
	int err = proof_names(d, &list, &count);

	for (size_t i = 0; i < count && !err; i++) {
		snprintf(name, sizeof(name), "proof/%s", list[i]);
		err = file_read(d->dir, name, buf, sizeof(buf), &s);
		if (err)
			break;
		if (!fork_parse(s, (const struct key(*)[3])d->keys, &origin,
				&first, &second))
			err = verdict_invalid(d, "proof", "%s", name);
		else if (d->judged)	/* else check 4 found what comes first */
			judge_fork(d, origin, &first, &second, name);
	}
	free(list);
	return err;
}
