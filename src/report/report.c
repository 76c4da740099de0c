/* SPDX-License-Identifier: ISC */
/** @file report.c  A report: entries coming in */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "report/inner.h"

int report_alloc(struct report **rp, const struct report_conf *conf)
{
	struct report *r;

	if (!host_ok(str_of(conf->own)) || !host_ok(str_of(conf->peer)) ||
	    !strcmp(conf->own, conf->peer) ||
	    (conf->line && !name_ok(str_of(conf->line))))
		return EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return ENOMEM;
	memcpy(r->host[0], conf->own, strlen(conf->own));
	memcpy(r->host[1], conf->peer, strlen(conf->peer));
	if (conf->line)
		memcpy(r->only, conf->line, strlen(conf->line));
	r->at[0] = strcmp(conf->own, conf->peer) > 0;
	r->at[1] = !r->at[0];
	r->from_ms = conf->from_ms;
	r->to_ms = conf->to_ms;
	r->newest_ms = INT64_MIN;
	*rp = r;
	return 0;
}

void *report_free(struct report *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < r->lines; i++)
		line_drop(&r->line[i]);
	free(r->line);
	free(r->line_at.slot);
	free(r->check);
	free(r->check_at.slot);
	free(r->event);
	free(r->item);
	free(r->hiatus);
	free(r->text.p);
	free(r->text.table.slot);
	free(r);
	return NULL;
}

bool report_full(const struct report *r)
{
	return r->full;
}

int64_t report_newest_ms(const struct report *r)
{
	return r->newest_ms;
}

int64_t report_day(const struct report *r, const char *line, int64_t ms)
{
	uint32_t l = line ? line_known(r, str_of(line)) : 0;

	while (!line && l < r->lines && !r->line[l].agreements)
		l++;
	if (l >= r->lines)
		l = NO_LINE;
	return calendar_day(ms + offset_at(r, l, ms) * 1000LL);
}

int fit(struct report *r, int err)
{
	if (err != ENOSPC)
		return err;
	r->full = true;
	return 0;
}

uint32_t line_known(const struct report *r, struct str name)
{
	const uint64_t hash = hash_of(name.p, name.n);
	size_t at = SIZE_MAX;
	uint32_t v;

	while ((v = table_next(&r->line_at, hash, &at))) {
		if (str_is(name, r->line[v - 1].name))
			return v - 1;
	}
	return NO_LINE;
}

int line_make(struct report *r, struct str name, uint32_t *index)
{
	struct line *l;
	int err;

	*index = line_known(r, name);
	if (*index != NO_LINE)
		return 0;
	err = room(&r->line, &r->line_cap, r->lines, sizeof(*r->line),
		   REPORT_LINES_MAX);
	if (err)
		return fit(r, err);
	l = &r->line[r->lines];
	*l = (struct line){.withdrawn_ms = INT64_MAX};
	err = str_copy(name, l->name, sizeof(l->name));
	if (!err)
		err = table_add(&r->line_at, hash_of(name.p, name.n),
				(uint32_t)r->lines + 1);
	if (!err)
		*index = (uint32_t)r->lines++;
	return err;
}

int line_of(struct report *r, struct str name, uint32_t *index)
{
	*index = NO_LINE;
	if (*r->only && !str_is(name, r->only))
		return 0;
	return line_make(r, name, index);
}

uint64_t get_uint(const struct entry *e, const char *name, uint64_t none)
{
	uint64_t v;

	return uint_parse(entry_get(e, name), &v) ? none : v;
}

int64_t get_stamp(const struct entry *e, const char *name, int64_t none)
{
	int64_t v;

	return stamp_parse(entry_get(e, name), &v) ? none : v;
}

/* <own host>/ringdown/<peer host>/<gen>: who wrote it, or -1 */
static int writer(const struct report *r, struct str origin)
{
	const struct str own = str_cut(&origin, '/'),
			 middle = str_cut(&origin, '/'),
			 peer = str_cut(&origin, '/');

	for (int side = 0; side < 2; side++) {
		if (str_is(own, r->host[side]) && str_is(middle, "ringdown") &&
		    str_is(peer, r->host[!side]))
			return side;
	}
	return -1;
}

static int take(struct report *r, const struct fact *f)
{
	switch (f->e->kind) {
	case ENTRY_LINE: return hiatus_trunk(r, f);
	case ENTRY_NOTICE:
	case ENTRY_DOCUMENT:
	case ENTRY_WAITING: return hiatus_item(r, f);
	case ENTRY_PROPOSE:
	case ENTRY_ACCEPT:
	case ENTRY_DECLINE:
	case ENTRY_WITHDRAW:
	case ENTRY_DECLARE: return agreed_fact(r, f);
	case ENTRY_CHECK:
	case ENTRY_ANSWER:
	case ENTRY_ATTEND:
	case ENTRY_RESULT: return check_fact(r, f);
	default: return 0;
	}
}

int report_entry(struct report *r, const void *p, size_t n, bool placed)
{
	struct entry e;
	struct fact f = {.e = &e, .placed = placed};

	if (entry_parse(p, n, &e))
		return EBADMSG;
	f.side = writer(r, e.env.origin);
	if (f.side < 0)
		return EBADMSG;
	r->entries[f.side]++;
	r->unplaced += !placed;
	if (e.env.time_ms > r->newest_ms)
		r->newest_ms = e.env.time_ms;
	return take(r, &f);
}
