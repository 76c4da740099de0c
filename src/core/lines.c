/* SPDX-License-Identifier: ISC */
/** @file lines.c  Lines: agreements, declarations, states */
#include <errno.h>
#include "core/state.h"

int core_line_do(struct core *c, struct now now, const struct line_order *o)
{
	(void)now;
	return core_answer(c, o->request, ANSWER_UNKNOWN, 0, false);
}

int core_service(struct core *c, struct now now, uint64_t request,
		 uint32_t pair, const char *by, const char *text)
{
	(void)now;
	(void)pair;
	(void)by;
	(void)text;
	return core_answer(c, request, ANSWER_UNKNOWN, 0, false);
}

int core_line_each(struct core *c, struct now now, uint32_t pair,
		   line_view_h *h, void *arg)
{
	(void)c;
	(void)now;
	(void)pair;
	(void)h;
	(void)arg;
	return 0;
}

bool core_line_get(struct core *c, struct now now, uint32_t pair,
		   const char *name, struct line_view *out)
{
	(void)c;
	(void)now;
	(void)pair;
	(void)name;
	(void)out;
	return false;
}

int core_line_text(struct core *c, uint32_t pair, const char *name, int which,
		   struct buf *out)
{
	(void)c;
	(void)pair;
	(void)name;
	(void)which;
	(void)out;
	return ENOENT;
}

void core_path_word(struct core *c, uint32_t pair, uint8_t path,
		    const char *words)
{
	(void)c;
	(void)pair;
	(void)path;
	(void)words;
}

/* ---- names ---- */

const char *line_state_name(enum line_state s)
{
	static const char *const name[LINE_STATES] = {
		"proposed",          "closed-by-us",
		"closed-by-them",    "suspended-by-us",
		"suspended-by-them", "fault-here",
		"fault-there",       "down",
		"outside-hours",     "refused",
		"unattended",        "open"};

	return s < LINE_STATES ? name[s] : "?";
}

const char *check_outcome_name(enum check_outcome o)
{
	static const char *const name[CHECK_OUTCOMES] = {"answered",
							 "answered-late",
							 "unattended",
							 "refused",
							 "path-down",
							 "fault-declared-here",
							 "fault-declared-there",
							 "outside-hours",
							 "suspended"};

	return o < CHECK_OUTCOMES ? name[o] : "?";
}

const char *declared_name(enum declared d)
{
	static const char *const name[DECLARED_STATES] = {"open", "closed",
							  "suspended", "fault"};

	return d < DECLARED_STATES ? name[d] : "?";
}
