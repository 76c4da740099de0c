/* SPDX-License-Identifier: ISC */
/** @file report.c  The end of a run: what is found, for people and programs */
#include "verify/verify.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const levels[] = {"trusted", "suspected", "exposed",
				     "invalid"};

void *grow(void *array, size_t n, size_t size)
{
	/* to twice its length, each time that is a power of two */
	if (!(n & (n - 1)))
		array = reallocarray(array, 2 * n + 1, size);
	if (!array)
		cannot_read("memory", ENOMEM);
	return array;
}

void cannot_read(const char *what, int err)
{
	char name[PLACE_MAX];

	escape(slice_of(what), true, name, sizeof(name));
	fprintf(stderr,
		"ringdown-verify: %s: cannot read: %s. Nothing was judged.\n",
		name, strerror(err));
	exit(EXIT_READ);
}

void blame(struct dossier *d, enum level level, unsigned side,
	   const char *reason, const char *file, uint64_t n)
{
	size_t len;

	if (d->level >= level)
		return;
	d->level = level;
	d->blamed = level == INVALID ? -1 : (int)side;
	d->reason = reason;
	escape(slice_of(file), false, d->place, sizeof(d->place));
	len = strlen(d->place);
	if (n != WHOLE)
		snprintf(d->place + len, sizeof(d->place) - len, ":%llu",
			 (ull)n);
}

void invalid(struct dossier *d, const char *reason, const char *file,
	     uint64_t n)
{
	blame(d, INVALID, LO, reason, file, n);
	finish(d);
}

uint64_t acknowledged(const struct side *s)
{
	const uint64_t a = s->note[COSIGNED].size, b = s->note[IDLE].size;

	return a > b ? a : b;
}

/* A row for people, or a member of the programs' object */
static void row(const struct dossier *d, const char *name, const char *value)
{
	if (d->output != JSON) {
		printf("  %-16s %s\n", name, value);
		return;
	}
	printf(",\"%s\":\"", name);
	for (; *value; value++)		/* it is printable, for it is escaped */
		printf(strchr("\\\"", *value) ? "\\%c" : "%c", *value);
	putchar('"');
}

static void row_n(const struct dossier *d, const char *name, uint64_t n)
{
	printf(d->output == JSON ? ",\"%s\":%llu" : "  %-16s %llu\n", name,
	       (ull)n);
}

static void row_hash(const struct dossier *d, const char *name, const void *p,
		     size_t n)
{
	uint8_t hash[HASH_LEN];
	char hex[65];

	hash_bytes(p, n, hash);
	hex_print(hash, HASH_LEN, hex);
	row(d, name, hex);
}

static void row_cosigned(const struct dossier *d, const char *name,
			 const struct note *n, unsigned by)
{
	char ts[25], value[64];

	if (!n->mask)
		return;
	time_print(n->time_s[KEY_COSIGNER + by], 0, ts);
	snprintf(value, sizeof(value), "size %llu at %s", (ull)n->size, ts);
	row(d, name, value);
}

static void print_side(const struct dossier *d, unsigned i)
{
	const struct side *s = &d->side[i];
	const struct card *c = &s->card;
	const char *const yes[] = {"false", "true"};
	char vkey[VKEY_LEN];

	if (d->output == JSON)
		printf("%s{\"host\":\"%s\",\"pivot\":%s,\"exporter\":%s,"
		       "\"card_given\":%s",
		       i ? "," : "", c->host, yes[i == LO],
		       yes[i == d->exporter], yes[d->carded[i]]);
	else
		printf("side %s%s%s\n", c->host, i == LO ? " (pivot)" : "",
		       i == d->exporter ? ", who exported this" : "");
	row_hash(d, "card_sha256", c->text.p, c->text.n);
	row_hash(d, "log_sha256", c->key[LOG], KEY_LEN);
	row_hash(d, "cosigner_sha256", c->key[COSIGNER], KEY_LEN);
	for (unsigned k = i; d->verbose && k < KEY_COSIGNER + 2;
	     k += KEY_COSIGNER) {
		key_print(&d->key[k], vkey);
		row(d, k == i ? "log_vkey" : "cosigner_vkey", vkey);
	}
	if (d->judged) {
		row_n(d, "entries", s->n);
		row_n(d, "not_understood", s->unknown);
		row_n(d, "acknowledged", acknowledged(s));
		row_cosigned(d, "cosigned", &s->note[COSIGNED], 1 - i);
		row_cosigned(d, "idle", &s->note[IDLE], 1 - i);
	}
	if (d->output == JSON)
		putchar('}');
	else if (d->judged && acknowledged(s) < s->n)
		printf("  entries %llu to %llu: not yet acknowledged by %s\n",
		       (ull)acknowledged(s), (ull)s->n - 1,
		       d->side[1 - i].card.host);
}

static void print_sums(const struct dossier *d)
{
	char b64[48];

	b64_print(d->joint_root, HASH_LEN, b64);
	printf(d->output == JSON
		       ? ",\"joint\":{\"size\":%llu,\"root\":\"%s\","
			 "\"unplaced\":%llu},\"blobs\":{\"held\":%llu,"
			 "\"withheld\":%llu}"
		       : "joint %llu entries, root %s, %llu unplaced\n"
			 "blobs %llu held, %llu withheld\n",
	       (ull)d->joint_n, b64,
	       (ull)(d->side[LO].n + d->side[HI].n - d->joint_n), (ull)d->held,
	       (ull)d->withheld);
}

static void print_entry(const struct dossier *d, unsigned i, uint64_t n,
			const char *index, const char *relation)
{
	const struct side *s = &d->side[i];
	const struct item *it = &s->item[n];
	char ts[25], type[40], id[80], subject[400];
	struct entry e;

	if (!entry_parse(it->bytes, &e))
		return;
	time_print(e.time_ms / 1000, e.time_ms % 1000, ts);
	escape(e.type, false, type, sizeof(type));
	printf("%s %s %llu %s %s %s%s", index, s->card.host, (ull)n, ts,
	       relation, type, it->understood ? "" : " (not understood)");
	escape(entry_field(&e, "id"), false, id, sizeof(id));
	escape(entry_field(&e, "subject"), true, subject, sizeof(subject));
	if (it->named)
		printf(" %s \"%s\"", id, subject);
	putchar('\n');
}

/* The joint record, an entry a line, then what is not placed */
static void print_timeline(const struct dossier *d)
{
	const struct side *lo = &d->side[LO], *hi = &d->side[HI];
	uint64_t at[2] = {0, 0}, last = 0;
	unsigned before = LO;

	puts("# joint-index side entry time relation-of-previous-line type");
	while (at[LO] < lo->n || at[HI] < hi->n) {
		const unsigned i = joint_next(d, at);
		const uint64_t n = at[i]++, index = at[LO] + at[HI] - 1;
		const char *relation = "before";
		char num[24];

		if (!index)
			relation = "first";
		else if (i != before && d->side[i].item[n].seen <= last)
			relation = "concurrent";
		if (index == d->joint_n)
			printf("# unplaced: in the feed of %s, not yet in the "
			       "joint record\n",
			       hi->card.host);
		snprintf(num, sizeof(num), "%llu", (ull)index);
		print_entry(d, i, n, index < d->joint_n ? num : "-", relation);
		before = i;
		last = n;
	}
}

static void print_json(const struct dossier *d)
{
	printf("{\"verdict\":\"%s\",\"exit\":%u", levels[d->level], d->level);
	if (d->blamed >= 0)
		row(d, "host", d->side[d->blamed].card.host);
	if (d->level != TRUSTED) {
		row(d, "reason", d->reason);
		row(d, "place", d->place);
	}
	if (d->known) {
		fputs(",\"sides\":[", stdout);
		print_side(d, LO);
		print_side(d, HI);
		putchar(']');
	}
	if (d->judged)
		print_sums(d);
	puts("}");
}

static void print_human(const struct dossier *d)
{
	for (unsigned i = 0; i < 2 && d->known; i++)
		print_side(d, i);
	if (d->judged)
		print_sums(d);
	for (unsigned i = 0; i < 2 && d->known; i++) {
		if (!d->carded[i])
			printf("warning: the card of %s was taken from the "
			       "dossier itself: compare its fingerprints with "
			       "those you were given in person\n",
			       d->side[i].card.host);
	}
}

void finish(const struct dossier *d)
{
	if (d->output == JSON)
		print_json(d);
	if (d->output == HUMAN)
		print_human(d);
	if (d->output == TIMELINE && d->judged)
		print_timeline(d);
	if (d->output != JSON) {
		printf("verdict: %s", levels[d->level]);
		if (d->blamed >= 0)
			printf(" %s", d->side[d->blamed].card.host);
		if (d->level != TRUSTED)
			printf(" %s %s", d->reason, d->place);
		putchar('\n');
	}
	exit(fflush(stdout) ? EXIT_READ : (int)d->level);
}
