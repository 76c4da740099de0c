/* SPDX-License-Identifier: ISC */
/**
 * @file lines_months.c  Thirteen months without an answer, and the line again
 *
 * The very core code in virtual time.  South and north agree on a line, check
 * it for a month, and north closes it and is gone.  South asks every working
 * day, and both write on.  Then the paths are back, north opens the line, a
 * check is answered, and what waited goes out.  Both dossiers are left behind.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "core/state.h"
#include "export.h"
#include "lines.h"
#include "memo.h"

#define NORTH 0
#define SOUTH 1
#define MINUTE 60000ULL
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define FIRST_DAY 12	/* of the silence, from 23 November 2026 */
#define LAST_DAY 407

static const char agreement[] =
	"ringdown-agreement/v1\n"
	"line liaison\n"
	"version 1\n"
	"replaces none\n"
	"sides north.example south.example\n"
	"from 2026-11-23T00:00:00Z\n"
	"purpose Liaison between the two offices\n"
	"language ko\n"
	"language en\n"
	"medium telephone\n"
	"medium notice\n"
	"recording none\n"
	"restoration machine\n"
	"zone north.example Asia/Pyongyang\n"
	"offset north.example 2026-11-23T00:00:00Z +09:00\n"
	"zone south.example Asia/Seoul\n"
	"offset south.example 2026-11-23T00:00:00Z +09:00\n"
	"hours mon-fri 09:00-18:00 south.example\n"
	"holiday south.example 2026-12-25 Christmas Day\n"
	"holiday south.example 2027-01-01 New Year's Day\n"
	"holiday north.example 2027-02-16 Day of the Shining Star\n"
	"holiday north.example 2027-04-15 Day of the Sun\n"
	"holiday south.example 2027-08-15 Liberation Day\n"
	"person north.example officer Ri Jong-hyok, liaison office\n"
	"person south.example officer Kim Min-su, liaison office\n"
	"check opening mon-fri 09:00 south.example by south.example grace 600 "
	"role officer\n"
	"check closing mon-fri 17:00 south.example by south.example grace 600 "
	"role officer\n"
	"unannounced grace 900\n";

static void order(struct world *w, int side, struct line_order o)
{
	o.line = "liaison";
	o.by = side == NORTH ? "Ri Jong-hyok / 리종혁" : "Kim Min-su / 김민수";
	o.request = UINT64_MAX;
	world_order(w, side, &o);
}

/* The officer of the north at his desk: most days on time, some days late */
static void attend(struct world *w)
{
	const struct pair *p = w->node[NORTH].core->pair[0];
	const struct line *l = line_find(p, str_of("liaison"));

	for (size_t i = 0; i < l->runs; i++) {
		if (!l->run[i].mine && !l->run[i].closed) {
			order(w, NORTH,
			      (struct line_order){.act = LINE_ATTEND,
						  .seq = l->run[i].seq});
			return;
		}
	}
}

static void working_days(struct world *w, unsigned from, unsigned to)
{
	/* the epoch is 18:00 in both zones */
	for (unsigned d = from; d < to; d++) {
		const uint64_t opening = d * DAY + 15 * HOUR,
			       closing = d * DAY + 23 * HOUR;

		world_until(w, opening + MINUTE + world_draw(w, 3 * MINUTE) +
				       (d % 11 == 7 ? 30 * MINUTE : 0));
		attend(w);
		world_until(w, closing + MINUTE);
		attend(w);
	}
}

static unsigned waiting(const struct world *w, int side)
{
	const struct line *l =
		line_find(w->node[side].core->pair[0], str_of("liaison"));

	return (unsigned)l->waiting;
}

static bool export(struct world *w, const char *dir)
{
	char path[400];

	(void)mkdir(dir, 0700);
	for (int s = 0; s < SIDES; s++) {
		snprintf(path, sizeof(path), "%s/%s", dir,
			 s == NORTH ? "north" : "south");
		dossier_remove(path);
		if (world_export(w, s, path))
			return false;
	}
	return true;
}

int lines_months(const char *dir)
{
	static struct world w;
	unsigned waited;
	bool ok;

	memo_start();
	world_init(&w, 1972);
	world_pair(&w);
	world_settle(&w);
	for (int s = 0; s < SIDES; s++)
		w.node[s].skew_ms = s == NORTH ? 1200 : -300;
	world_until(&w, MINUTE);
	lines_agree_text(&w, "liaison", agreement, sizeof(agreement) - 1);
	working_days(&w, 0, FIRST_DAY);
	order(&w, NORTH,
	      (struct line_order){.act = LINE_DECLARE,
				  .declared = DECLARED_CLOSED,
				  .reason = "all lines are cut from 12:00"});
	world_until(&w, FIRST_DAY * DAY + HOUR);
	world_fault(&w, FAULT_PARTITION, 0);
	w.heal_ms = LAST_DAY * DAY + 15 * HOUR;
	for (int s = 0; s < SIDES; s++)
		core_path_word(w.node[s].core, 0, 0,
			       "path 0, 198.51.100.7:7000: no answer");
	for (unsigned d = FIRST_DAY + 1; d < LAST_DAY; d += 30) {
		world_until(&w, d * DAY + 16 * HOUR);
		for (int s = 0; s < SIDES; s++)
			world_write_on(&w, s, "liaison");
	}
	world_until(&w, LAST_DAY * DAY + 14 * HOUR);
	waited = waiting(&w, NORTH) + waiting(&w, SOUTH);
	printf("north closed the line on day %d and was gone for %d days; "
	       "south asked every working day; %u notices wait\n",
	       FIRST_DAY, LAST_DAY - FIRST_DAY, waited);
	world_until(&w, LAST_DAY * DAY + 16 * HOUR);
	order(&w, NORTH,
	      (struct line_order){.act = LINE_DECLARE,
				  .declared = DECLARED_OPEN,
				  .reason = "the lines are restored"});
	world_until(&w, LAST_DAY * DAY + 17 * HOUR);
	printf("the paths are back, north opened the line, a check was "
	       "answered: %u of %u notices went out\n",
	       waited - waiting(&w, NORTH) - waiting(&w, SOUTH), waited);
	working_days(&w, LAST_DAY, LAST_DAY + 9);
	world_check(&w);
	lines_check(&w, true);
	if (waiting(&w, NORTH) || waiting(&w, SOUTH) || !waited)
		world_broken(&w, "something still waits");
	ok = !w.broken[0] && export(&w, dir);
	printf("%s\n", w.broken[0] ? w.broken
		       : ok ? "both sides have the same lines and records"
			    : "the dossiers cannot be written");
	world_free(&w);
	return ok ? 0 : 1;
}
