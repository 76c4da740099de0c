/* SPDX-License-Identifier: ISC */
/** @file report.c  What is found, told to people and to programs */
#include <stdio.h>
#include <string.h>
#include "verify/verify.h"

static const char *const levels[] = {"trusted", "suspected", "exposed",
				     "invalid"};

static void print_hash(const char *name, const uint8_t *p, size_t n)
{
	uint8_t hash[HASH_LEN];
	char hex[65];

	hash_bytes(p, n, hash);
	hex_print(hash, HASH_LEN, hex);
	printf("  %-10s sha256:%s\n", name, hex);
}

/* The largest size of a side's feed that the other acknowledged */
static uint64_t acknowledged(const struct side *s)
{
	const uint64_t a = s->has_cosigned ? s->cosigned.size : 0;
	const uint64_t b = s->has_idle ? s->idle.size : 0;

	return a > b ? a : b;
}

static void print_cosigned(const char *what, bool has, const struct note *n)
{
	char ts[25];

	if (!has)
		return;
	ts_print(time_ms(n->time_s[2]), ts);
	printf("  %-10s size %llu at %s\n", what, (unsigned long long)n->size,
	       ts);
}

static void print_side(const struct dossier *d, unsigned i, bool verbose)
{
	const struct side *s = &d->side[i];
	const uint64_t ack = acknowledged(s);
	char vkey[ORIGIN_MAX + 64];

	printf("side %s%s%s\n", s->card.host, i ? "" : " (pivot)",
	       d->exporter == i ? ", who exported this" : "");
	print_hash("card", s->card.text, s->card.text_len);
	print_hash("log", s->card.log, KEY_LEN);
	print_hash("cosigner", s->card.cosigner, KEY_LEN);
	for (unsigned k = 0; verbose && k < 2; k++) {
		key_print(&d->keys[i][k], vkey);
		printf("  %-10s %s\n", "vkey", vkey);
	}
	if (!d->judged)
		return;
	printf("  %-10s %llu", "entries", (unsigned long long)s->n);
	if (s->unknown)
		printf(", %llu of them not understood",
		       (unsigned long long)s->unknown);
	putchar('\n');
	print_cosigned("cosigned", s->has_cosigned, &s->cosigned);
	print_cosigned("idle", s->has_idle, &s->idle);
	if (ack < s->n)
		printf("  %-10s entries %llu to %llu: not yet acknowledged by "
		       "%s\n",
		       "beyond", (unsigned long long)ack,
		       (unsigned long long)(s->n - 1),
		       d->side[1 - i].card.host);
}

static uint64_t unplaced(const struct dossier *d)
{
	return d->side[0].n + d->side[1].n - d->joint_n;
}

void report_human(const struct dossier *d, bool verbose)
{
	char b64[48];

	for (unsigned i = 0; i < 2 && d->known; i++)
		print_side(d, i, verbose);
	if (d->judged) {
		b64_print(d->joint_root, HASH_LEN, b64);
		printf("joint %llu entries, root %s, %llu unplaced\n",
		       (unsigned long long)d->joint_n, b64,
		       (unsigned long long)unplaced(d));
		printf("blobs %llu held, %llu withheld\n",
		       (unsigned long long)d->held,
		       (unsigned long long)d->withheld);
	}
	for (unsigned i = 0; i < 2 && d->known; i++) {
		if (!d->carded[i])
			printf("warning: the card of %s was taken from the "
			       "dossier itself: compare its fingerprints with "
			       "those you were given in person\n",
			       d->side[i].card.host);
	}
}

void report_verdict(const struct dossier *d)
{
	const struct verdict *v = &d->verdict;

	printf("verdict: %s", levels[v->level]);
	if (v->side >= 0)
		printf(" %s", d->side[v->side].card.host);
	if (v->level != TRUSTED)
		printf(" %s %s", v->reason, v->place);
	putchar('\n');
}

static void json_side(const struct dossier *d, unsigned i)
{
	const struct side *s = &d->side[i];
	uint8_t hash[HASH_LEN];
	char card[65], log[65], cosigner[65];

	hash_bytes(s->card.text, s->card.text_len, hash);
	hex_print(hash, HASH_LEN, card);
	hash_bytes(s->card.log, KEY_LEN, hash);
	hex_print(hash, HASH_LEN, log);
	hash_bytes(s->card.cosigner, KEY_LEN, hash);
	hex_print(hash, HASH_LEN, cosigner);
	printf("%s{\"host\":\"%s\",\"pivot\":%s,\"exporter\":%s,"
	       "\"card_given\":%s,\"card_sha256\":\"%s\","
	       "\"log_sha256\":\"%s\",\"cosigner_sha256\":\"%s\"",
	       i ? "," : "", s->card.host, i ? "false" : "true",
	       d->exporter == i ? "true" : "false",
	       d->carded[i] ? "true" : "false", card, log, cosigner);
	if (d->judged)
		printf(",\"entries\":%llu,\"not_understood\":%llu,"
		       "\"acknowledged\":%llu",
		       (unsigned long long)s->n, (unsigned long long)s->unknown,
		       (unsigned long long)acknowledged(s));
	putchar('}');
}

/* All that is printed is of the verifier's making, or hosts, or escaped: but
 * escape() makes a backslash, which JSON wants doubled */
void report_json(const struct dossier *d)
{
	const struct verdict *v = &d->verdict;
	char b64[48];

	printf("{\"verdict\":\"%s\",\"exit\":%d", levels[v->level],
	       (int)v->level);
	if (v->side >= 0)
		printf(",\"host\":\"%s\"", d->side[v->side].card.host);
	if (v->level != TRUSTED) {
		printf(",\"reason\":\"%s\",\"place\":\"", v->reason);
		for (const char *p = v->place; *p; p++)
			printf(*p == '\\' || *p == '"' ? "\\%c" : "%c", *p);
		putchar('"');
	}
	if (d->known) {
		fputs(",\"sides\":[", stdout);
		json_side(d, 0);
		json_side(d, 1);
		putchar(']');
	}
	if (d->judged) {
		b64_print(d->joint_root, HASH_LEN, b64);
		printf(",\"joint\":{\"size\":%llu,\"root\":\"%s\","
		       "\"unplaced\":%llu},\"blobs\":{\"held\":%llu,"
		       "\"withheld\":%llu}",
		       (unsigned long long)d->joint_n, b64,
		       (unsigned long long)unplaced(d),
		       (unsigned long long)d->held,
		       (unsigned long long)d->withheld);
	}
	puts("}");
}

/* One entry of the timeline; `index` < 0: it has no place yet */
static void print_entry(const struct dossier *d, unsigned i, uint64_t n,
			int64_t index, const char *relation)
{
	const struct side *s = &d->side[i];
	char ts[25], type[40], id[80], subject[400], at[24] = "-";
	struct slice v;
	struct entry e;

	if (!side_entry(s, n, &e))
		return;
	if (index >= 0)
		snprintf(at, sizeof(at), "%lld", (long long)index);
	ts_print(e.time_ms, ts);
	escape(e.type.p, e.type.n, false, type, sizeof(type));
	printf("%s %s %llu %s %s %s", at, s->card.host, (unsigned long long)n,
	       ts, relation, type);
	if (!s->item[n].understood)
		fputs(" (not understood)", stdout);
	if (s->item[n].blob_at) {
		v = entry_field(&e, "id");
		escape(v.p, v.n, false, id, sizeof(id));
		v = entry_field(&e, "subject");
		escape(v.p, v.n, true, subject, sizeof(subject));
		printf(" %s \"%s\"", id, subject);
	}
	putchar('\n');
}

void report_timeline(const struct dossier *d)
{
	const struct side *p = &d->side[0], *q = &d->side[1];
	const char *relation = "first";
	uint64_t j = 0;
	int64_t index = 0;

	puts("# joint-index side entry time relation-of-previous-line type");
	for (uint64_t i = 0; i < p->n; i++) {
		for (; j < p->item[i].seen; j++) {
			/* the line before is Q[j-1], or P[i-1] */
			if (i && j == p->item[i - 1].seen)
				relation = q->item[j].seen > i - 1
						   ? "before"
						   : "concurrent";
			print_entry(d, 1, j, index++, relation);
			relation = "before";
		}
		print_entry(d, 0, i, index++, relation);
		relation = "before";
	}
	if (j < q->n)
		printf("# unplaced: in the feed of %s, not yet in the joint "
		       "record\n",
		       q->card.host);
	for (; j < q->n; j++) {
		if (p->n && j == p->item[p->n - 1].seen)
			relation = q->item[j].seen > p->n - 1 ? "before"
							      : "concurrent";
		print_entry(d, 1, j, -1, relation);
		relation = "before";
	}
}
