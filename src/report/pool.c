/* SPDX-License-Identifier: ISC */
/** @file pool.c  Texts and tables that cope with what a peer makes up */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "report/inner.h"

#define TABLE_MIN 64

int room(void *array, size_t *cap, size_t n, size_t size, size_t max)
{
	void *p, *q;
	size_t more;

	if (n < *cap)
		return 0;
	if (n >= max)
		return ENOSPC;
	more = *cap ? *cap * 2 : 16;
	more = more < max ? more : max;
	memcpy(&p, array, sizeof(p));
	q = realloc(p, more * size);
	if (!q)
		return ENOMEM;
	memcpy(array, &q, sizeof(q));
	*cap = more;
	return 0;
}

uint64_t hash_of(const void *p, size_t n)
{
	uint8_t h[DIGEST_BYTES];
	uint64_t v;

	digest(p, n, h);
	memcpy(&v, h, sizeof(v));
	return v;
}

uint32_t table_next(const struct table *t, uint64_t hash, size_t *at)
{
	const size_t mask = t->cap - 1;

	if (!t->cap)
		return 0;
	*at = *at == SIZE_MAX ? (size_t)hash & mask : (*at + 1) & mask;
	for (; t->slot[*at].value; *at = (*at + 1) & mask) {
		if (t->slot[*at].hash == hash)
			return t->slot[*at].value;
	}
	return 0;
}

static void table_set(struct slot *slot, size_t cap, uint64_t hash,
		      uint32_t value)
{
	size_t at = (size_t)hash & (cap - 1);

	while (slot[at].value)
		at = (at + 1) & (cap - 1);
	slot[at] = (struct slot){hash, value};
}

int table_add(struct table *t, uint64_t hash, uint32_t value)
{
	/* a third is free: runs stay short, and every search ends */
	if (t->n + 1 > t->cap / 3 * 2) {
		const size_t cap = t->cap ? t->cap * 2 : TABLE_MIN;
		struct slot *slot = calloc(cap, sizeof(*slot));

		if (!slot)
			return ENOMEM;
		for (size_t i = 0; i < t->cap; i++) {
			if (t->slot[i].value)
				table_set(slot, cap, t->slot[i].hash,
					  t->slot[i].value);
		}
		free(t->slot);
		t->slot = slot;
		t->cap = cap;
	}
	table_set(t->slot, t->cap, hash, value);
	t->n++;
	return 0;
}

int pool_put(struct pool *p, struct str s, uint32_t *id)
{
	size_t at = SIZE_MAX;
	uint64_t hash;
	int err = 0;

	*id = 0;
	if (!s.n)
		return 0;
	hash = hash_of(s.p, s.n);
	while ((*id = table_next(&p->table, hash, &at))) {
		if (str_is(s, p->p + *id))
			return 0;
	}
	while (!err && p->cap - p->n < s.n + 2)	/* octet 0 is the empty text */
		err = room(&p->p, &p->cap, p->cap, 1, REPORT_TEXT_BYTES_MAX);
	if (!err && !p->n)
		p->p[p->n++] = '\0';
	if (!err)
		err = table_add(&p->table, hash, (uint32_t)p->n);
	if (err)
		return err;
	*id = (uint32_t)p->n;
	memcpy(p->p + p->n, s.p, s.n);
	p->n += s.n;
	p->p[p->n++] = '\0';
	return 0;
}

const char *pool_get(const struct pool *p, uint32_t id)
{
	return id ? p->p + id : "";
}
