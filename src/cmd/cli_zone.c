/* SPDX-License-Identifier: ISC */
/** @file cli_zone.c  Offsets of time zones, from this machine's database */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "cmd/cli_zone.h"

#define DATABASE "/usr/share/zoneinfo"
#define STEP_MS \
	(DAY_MS / 4)            /* no clock was ever changed and changed back in
				   less */
#define AHEAD_MS (180 * DAY_MS)	/* for an amendment */
#define NEVER INT64_MAX

static const char *database(void)
{
	const char *dir = getenv("TZDIR"); /* as glibc does */

	return dir && *dir ? dir : DATABASE;
}

/* ---- one zone at a time is the process's own ---- */

struct zone {
	char *before;	/* TZ as it was; NULL: not set */
};

static void zone_leave(struct zone *z)
{
	if (z->before)
		(void)setenv("TZ", z->before, 1);
	else
		(void)unsetenv("TZ");
	tzset();
	free(z->before);
	z->before = NULL;
}

/* glibc takes UTC for what it does not find: so look first.  Below posix/ and
   right/ are other readings of the same zones. */
static bool zone_exists(const char *name)
{
	char path[4096], magic[4] = "";
	struct stat st;
	bool ok;
	int fd, n;

	if (!agreement_zone_ok(str_of(name)) || !strncmp(name, "posix/", 6) ||
	    !strncmp(name, "right/", 6))
		return false;
	n = snprintf(path, sizeof(path), "%s/%s", database(), name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	ok = !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	     read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	     !memcmp(magic, "TZif", sizeof(magic));
	(void)close(fd);
	return ok;
}

/* Then zone_leave().  ENOENT, ENOMEM */
static int zone_enter(struct zone *z, const char *name)
{
	char tz[AGREEMENT_ZONE_CHARS_MAX + 2] = ":";
	const char *before = getenv("TZ");

	if (!zone_exists(name))
		return ENOENT;
	memcpy(tz + 1, name, strlen(name) + 1);
	z->before = before ? strdup(before) : NULL;
	if (before && !z->before)
		return ENOMEM;
	if (setenv("TZ", tz, 1)) {
		free(z->before);
		return ENOMEM;
	}
	tzset();
	return 0;
}

/* Seconds more than UTC, in the zone entered */
static long offset_at(int64_t ms)
{
	const time_t t = (time_t)(ms / 1000);
	struct tm tm;

	return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

/* The first second after ms, up to end_ms, with another offset; or NEVER */
static int64_t offset_change(int64_t ms, int64_t end_ms)
{
	const long now = offset_at(ms);

	while (ms < end_ms) {
		const int64_t step =
			end_ms - ms < STEP_MS ? end_ms - ms : STEP_MS;
		int64_t lo = ms / 1000, hi = (ms + step) / 1000;

		ms += step;
		if (offset_at(ms) == now)
			continue;
		while (hi - lo > 1) {
			const int64_t mid = lo + (hi - lo) / 2;

			if (offset_at(mid * 1000) == now)
				lo = mid;
			else
				hi = mid;
		}
		return hi * 1000;
	}
	return NEVER;
}

/* ---- fill in ---- */

struct fill {
	struct buf *out;
	char *why;
	size_t why_n;
	bool has_from;
	int64_t from_ms;
};

__attribute__((format(printf, 3, 4))) static int fail(const struct fill *f,
						      int err, const char *fmt,
						      ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(f->why, f->why_n, fmt, ap);
	va_end(ap);
	return err;
}

static int put_offsets(const struct fill *f, struct str side, const char *name)
{
	const int64_t end = f->from_ms < CALENDAR_MS_MAX - ZONE_FILL_MS
				    ? f->from_ms + ZONE_FILL_MS
				    : CALENDAR_MS_MAX;
	int64_t at = f->from_ms;
	char second[CALENDAR_SECOND_CHARS + 1];

	for (int n = 0; at != NEVER; n++) {
		const long offset = offset_at(at), minutes = labs(offset) / 60;

		calendar_second_print(at, second);
		if (offset % 60 || minutes > CALENDAR_OFFSET_MINUTES_MAX)
			return fail(f, ERANGE,
				    "at %s the clock of %s differs from UTC by "
				    "%ld s, which no agreement can say: choose "
				    "a later `from`",
				    second, name, offset);
		if (n == AGREEMENT_OFFSETS_MAX)
			return fail(f, ERANGE,
				    "%s changes more than %d times in ten "
				    "years: write its offsets by hand",
				    name, AGREEMENT_OFFSETS_MAX);
		buf_printf(f->out, "offset %.*s %s %c%02ld:%02ld\n",
			   (int)side.n, side.p, second, offset < 0 ? '-' : '+',
			   minutes / 60, minutes % 60);
		at = offset_change(at, end);
	}
	return 0;
}

/* After the line `zone SIDE NAME` */
static int fill_zone(const struct fill *f, struct str value)
{
	const struct str side = str_cut(&value, ' ');
	char name[AGREEMENT_ZONE_CHARS_MAX + 1];
	struct zone zone;
	int err;

	if (!f->has_from)
		return fail(f, EBADMSG,
			    "there is no line `from YYYY-MM-DDThh:mm:ssZ` "
			    "before the zones");
	if (!agreement_zone_ok(value) || str_copy(value, name, sizeof(name)))
		return fail(f, ENOENT,
			    "what `zone` says is not the name of a time zone: "
			    "names are like Asia/Seoul");
	err = zone_enter(&zone, name);
	if (err == ENOENT)
		return fail(f, err,
			    "this machine knows no time zone %s: names are "
			    "those of the files below %s",
			    name, database());
	if (err)
		return fail(f, err, "%s", strerror(err));
	err = put_offsets(f, side, name);
	zone_leave(&zone);
	return err;
}

static bool begins(struct str in, const char *word)
{
	const size_t n = strlen(word);

	return in.n >= n && !memcmp(in.p, word, n);
}

int zone_fill(const char *text, size_t n, struct buf *out, char *why,
	      size_t why_n)
{
	struct fill f = {.out = out, .why = why, .why_n = why_n};
	struct str in = {text, n}, line;
	int err = 0;

	while (!err && str_line(&in, &line)) {
		struct str value = line;
		const struct str keyword = str_cut(&value, ' ');

		buf_put(out, line.p, line.n);
		buf_u8(out, '\n');
		if (str_is(keyword, "from"))
			f.has_from = !calendar_second_parse(value, &f.from_ms);
		if (str_is(keyword, "zone") && !begins(in, "offset "))
			err = fill_zone(&f, value);
	}
	buf_put(out, in.p, in.n); /* without its LF: for the parser to say so */
	if (!err && out->err)
		err = fail(&f, out->err, "%s", strerror(out->err));
	return err;
}

/* ---- compare ---- */

/* The next second after ms at which the text changes an offset; or NEVER */
static int64_t text_change(const struct calendar *c, int64_t ms)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->offset[i].from_ms > ms)
			return c->offset[i].from_ms;
	}
	return NEVER;
}

/* The first instant from ms to end_ms that differs; or NEVER */
static int64_t clock_differs(const struct calendar *c, int64_t ms,
			     int64_t end_ms)
{
	int64_t change = ms;

	while (ms <= end_ms) {
		int64_t next = text_change(c, ms);

		if (calendar_offset_s(c, ms) != offset_at(ms))
			return ms;
		if (change <= ms)
			change = offset_change(ms, end_ms);
		next = next < change ? next : change;
		if (next == NEVER)
			break;
		ms = next;
	}
	return NEVER;
}

int zone_differs(const struct agreement *a, int64_t now_ms, int *side,
		 int64_t *at_ms)
{
	int64_t begin = now_ms, end, first = NEVER;

	begin = begin < a->from_ms ? a->from_ms : begin;
	begin = begin > CALENDAR_MS_MAX ? CALENDAR_MS_MAX : begin;
	end = a->from_ms + ZONE_FILL_MS;
	end = end < begin + AHEAD_MS ? begin + AHEAD_MS : end;
	end = end > CALENDAR_MS_MAX ? CALENDAR_MS_MAX : end;
	for (int i = 0; i < 2; i++) {
		struct zone zone;
		int64_t at;
		const int err = zone_enter(&zone, a->zones[i]);

		if (err) {
			*side = i;
			return err;
		}
		at = clock_differs(&a->clock[i], begin, end);
		zone_leave(&zone);
		if (at < first) {
			first = at;
			*side = i;
			*at_ms = at;
		}
	}
	return first == NEVER ? 0 : ESTALE;
}
