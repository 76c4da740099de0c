/* SPDX-License-Identifier: ISC */
/**
 * @file recent.c  What was just appended, so that it is not read back at once
 *
 * Handing an entry to the peer and placing it in the joint tree follow its
 * append in the same turn or soon after.  What is no longer here, after a
 * start, a cut or more than fits, comes from the store.
 */
#include <assert.h>
#include <string.h>
#include "core/state.h"

#define LEAF_BYTES (DIGEST_BYTES + 8)	/* leaf, seen */
#define LEAVES_MAX 65536	/* of a feed, not yet placed */

void recent_free(struct pair *p)
{
	buf_free(&p->recent.items);
	for (int of = 0; of < 2; of++)
		buf_free(&p->unplaced[of].b);
}

void recent_init(struct pair *p)
{
	buf_init(&p->recent.items, BATCH_BYTES_MAX);
	for (int of = 0; of < 2; of++)
		buf_init(&p->unplaced[of].b, LEAVES_MAX * LEAF_BYTES);
}

/* ---- own entries, as the peer gets them ---- */

void recent_put(struct pair *p, uint64_t seq, const struct entries_item *it)
{
	struct recent *r = &p->recent;

	if (r->first + r->n != seq || !p->s.paths || !p->s.known) {
		buf_reset(&r->items);
		r->at = r->n = 0;
		r->first = seq;
	}
	entries_add(&r->items, it);
	r->n++;
	if (!p->s.paths || !p->s.known || r->items.err) {
		buf_reset(&r->items);
		r->at = r->n = 0;
		r->first = seq + 1;
	}
}

/* Up to entry @p next they are handed over */
void recent_skip(struct pair *p, uint64_t next)
{
	struct recent *r = &p->recent;
	struct entries_item it;

	while (r->n && r->first < next) {
		const bool there = recent_next(p, &it);

		assert(there);
	}
	if (!r->n) {
		buf_reset(&r->items);
		r->at = 0;
	}
}

bool recent_next(struct pair *p, struct entries_item *it)
{
	struct recent *r = &p->recent;
	struct cur c;

	if (!r->n)
		return false;
	c = cur_of(r->items.p + r->at, r->items.n - r->at);
	if (entries_next(&c, it))
		return false;
	r->at = r->items.n - c.n;
	r->first++;
	r->n--;
	return true;
}

/* ---- leaves of both feeds ---- */

void leaf_put(struct pair *p, enum feed_of of, uint64_t seq, uint64_t seen,
	      const uint8_t leaf[DIGEST_BYTES])
{
	struct unplaced *l = &p->unplaced[of];

	if (l->first + l->n != seq) {
		buf_reset(&l->b);
		l->first = seq;
		l->n = 0;
	}
	buf_put(&l->b, leaf, DIGEST_BYTES);
	buf_u64(&l->b, seen);
	l->n++;
	if (l->b.err) {
		buf_reset(&l->b);
		l->first = seq + 1;
		l->n = 0;
	}
}

const uint8_t *leaf_get(const struct pair *p, enum feed_of of, uint64_t seq,
			uint64_t *seen)
{
	const struct unplaced *l = &p->unplaced[of];
	const uint8_t *at;
	struct cur c;

	if (seq < l->first || seq - l->first >= l->n)
		return NULL;
	at = l->b.p + (seq - l->first) * LEAF_BYTES;
	c = cur_of(at + DIGEST_BYTES, 8);
	*seen = cur_u64(&c);
	return at;
}

void leaf_drop(struct pair *p, enum feed_of of, uint64_t below)
{
	struct unplaced *l = &p->unplaced[of];
	uint64_t n;

	if (below <= l->first)
		return;
	n = below - l->first < l->n ? below - l->first : l->n;
	l->n -= n;
	l->first += n;
	if (l->n)
		memmove(l->b.p, l->b.p + n * LEAF_BYTES, l->n * LEAF_BYTES);
	l->b.n = l->n * LEAF_BYTES;
}
