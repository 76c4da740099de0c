/* SPDX-License-Identifier: ISC */
/** @file fork.c  One call to several contacts: the first to answer has it */
#include <errno.h>
#include <re.h>
#include "sip/fork.h"

struct fork {
	fork_h *h; /* NULL: let go */
	void *arg;
	struct session *v[FORK_CONTACTS_MAX];
	size_t n, ringing;
	uint16_t best;
};

/** 6xx is for all; else the lowest class, and there what says most. */
static unsigned rank(uint16_t code)
{
	if (code >= 600)
		return 0;
	if (code == 486)
		return 400;
	if (code == 408 || code == 487)
		return 499;
	return code / 100u * 100u + 50u;
}

uint16_t fork_better(uint16_t a, uint16_t b)
{
	if (!a || !b)
		return a ? a : b;
	return rank(b) < rank(a) ? b : a;
}

static void cancel_others(struct fork *f, const struct session *but,
			  uint16_t code, const char *text)
{
	for (size_t i = 0; i < f->n; i++) {
		struct session *s = f->v[i];

		f->v[i] = NULL;
		if (s && s != but)
			session_free(s, code, text);
	}
	f->ringing = 0;
}

static void all_over(struct fork *f)
{
	const struct session_news n = {.what = SESSION_OVER, .code = f->best};
	fork_h *h = f->h;

	f->h = NULL;
	if (h)
		h(NULL, &n, f->arg);
}

static void one_over(struct fork *f, struct session *s, uint16_t code)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i] == s)
			f->v[i] = NULL;
	session_free(s, 0, NULL);
	f->best = fork_better(f->best, code);
	f->ringing--;
	if (code >= 600)
		cancel_others(f, NULL, code, NULL);
	if (!f->ringing)
		all_over(f);
}

static void handler(struct session *s, const struct session_news *n, void *arg)
{
	struct fork *f = arg;
	fork_h *h = f->h;

	mem_ref(f);
	if (n->what == SESSION_OVER) {
		one_over(f, s, n->code);
	} else if (n->what == SESSION_ANSWERED) {
		f->h = NULL;
		cancel_others(f, s, 200, "Call completed elsewhere");
		session_handler_set(s, NULL, NULL);
		if (h)
			h(s, n, f->arg);
		else
			session_free(s, 0, NULL);
	} else if (h) {
		h(s, n, f->arg);
	}
	mem_deref(f);
}

int fork_call(struct fork **fp, struct endpoint *ep,
	      const struct session_call *v, size_t n, struct pl sdp, fork_h *h,
	      void *arg)
{
	struct fork *f;
	int err = EINVAL;

	if (n > FORK_CONTACTS_MAX)
		return E2BIG;
	f = mem_zalloc(sizeof(*f), NULL);
	if (!f)
		return ENOMEM;
	f->h = h;
	f->arg = arg;
	for (size_t i = 0; i < n; i++) {
		const int failed =
			session_call(&f->v[f->n], ep, &v[i], sdp, handler, f);

		if (failed)
			err = failed;
		else
			f->n++;
	}
	f->ringing = f->n;
	if (!f->n) {
		mem_deref(f);
		return err;
	}
	*fp = f;
	return 0;
}

void *fork_free(struct fork *f, uint16_t code, const char *text)
{
	if (!f)
		return NULL;
	f->h = NULL;
	cancel_others(f, NULL, code, text);
	return mem_deref(f);
}
