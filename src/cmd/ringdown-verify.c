/* SPDX-License-Identifier: ISC */
/** @file ringdown-verify.c  Judge a dossier, a proof or a note, off line */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "verify/verify.h"

enum { EXIT_USAGE = 64, EXIT_READ = 74 };

enum mode { MODE_DOSSIER, MODE_TIMELINE, MODE_PROOF, MODE_NOTE };

struct options {
	enum mode mode;
	bool json, verbose;
	const char *file, *entry;
	const char *card_file[2], *vkeys_file[4];
	unsigned cards, vkeys;
};

/* Static: a megabyte of keys, notes and cards is no guest for a stack */
static struct dossier dossier;
static struct card given[2];

static int usage(void)
{
	fputs("usage: ringdown-verify [--card FILE]... [--json] [-v] "
	      "[--timeline] DOSSIER\n"
	      "       ringdown-verify --proof FILE --entry FILE --card FILE "
	      "--card FILE\n"
	      "       ringdown-verify --note FILE --vkeys FILE [ENTRY...]\n",
	      stderr);
	return EXIT_USAGE;
}

static int cannot_read(const char *what, int err)
{
	char name[PLACE_MAX];

	escape((const uint8_t *)what, strlen(what), true, name, sizeof(name));
	fprintf(stderr, "ringdown-verify: %s: cannot read: %s. Nothing was "
		"judged.\n", name, err == EMSGSIZE ? "too large" :
		strerror(err));
	return EXIT_READ;
}

/* A mapped file that shrinks while it is read */
static void on_bus(int sig)
{
	static const char msg[] = "ringdown-verify: a file changed while it "
				  "was read. Nothing was judged.\n";

	(void)sig;
	(void)!write(STDERR_FILENO, msg, sizeof(msg) - 1);
	_exit(EXIT_READ);
}

static int cards_read(const struct options *o)
{
	static uint8_t buf[CARD_MAX];
	struct slice s;

	for (unsigned i = 0; i < o->cards; i++) {
		const int err = file_read(AT_FDCWD, o->card_file[i], buf,
					  sizeof(buf), &s);

		if (err && err != EMSGSIZE)
			return cannot_read(o->card_file[i], err);
		if (err || !card_parse(s, true, &given[i])) {
			fprintf(stderr, "ringdown-verify: %s: not a card, or "
				"not copied in full. Ask its owner for it "
				"again.\n", o->card_file[i]);
			return EXIT_USAGE;
		}
	}
	if (o->cards == 2 && !strcmp(given[0].host, given[1].host)) {
		fprintf(stderr, "ringdown-verify: both cards are of %s. Give "
			"one of each side.\n", given[0].host);
		return EXIT_USAGE;
	}
	return 0;
}

static int run_dossier(const struct options *o)
{
	struct dossier *d = &dossier;
	int err = dossier_open(d, o->file, given, o->cards);

	if (!err)
		err = dossier_judge(d);
	if (err && err != EBADMSG) {
		dossier_close(d);
		return cannot_read(o->file, err);
	}
	if (o->mode == MODE_TIMELINE && d->judged)
		print_timeline(d);
	if (o->json)
		print_json(d);
	else if (o->mode == MODE_DOSSIER)
		print_human(d);
	if (!o->json)
		print_verdict(d);
	dossier_close(d);
	return (int)d->verdict.level;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{"card", required_argument, NULL, 'c'},
		{"entry", required_argument, NULL, 'e'},
		{"json", no_argument, NULL, 'j'},
		{"note", required_argument, NULL, 'n'},
		{"proof", required_argument, NULL, 'p'},
		{"timeline", no_argument, NULL, 't'},
		{"vkeys", required_argument, NULL, 'k'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {.mode = MODE_DOSSIER};
	int c, code;

	while ((c = getopt_long(argc, argv, "v", names, NULL)) != -1) {
		return usage();
	}
	(void)code;
	(void)o;
	return 0;
}
