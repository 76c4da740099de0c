/* SPDX-License-Identifier: ISC */
/** @file ringdown-verify.c  Judge a dossier, a proof or a note, off line */
#include "verify/verify.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The options: how often they may be given, and what was */
enum {
	CARD,
	ENTRY,
	AS_JSON,
	NOTE,
	PROOF,
	AS_TIMELINE,
	VKEYS,
	VERBOSE,
  OPTIONS
};
static const unsigned most[OPTIONS] = {2, 1, 1, 1, 1, 1, 4, 1};
static const char *value[OPTIONS][4];
static unsigned given[OPTIONS];

static struct dossier dossier;

_Noreturn static void wrong(const char *what, const char *why)
{
	fprintf(stderr, "ringdown-verify: %s: %s\n", what, why);
	exit(EXIT_USAGE);
}

_Noreturn static void usage(void)
{
	fputs("usage: ringdown-verify [--card FILE]... [--json] [-v] "
		      "[--timeline] DOSSIER\n"
		      "       ringdown-verify --proof FILE --entry FILE --card "
		      "FILE --card FILE\n"
		      "       ringdown-verify --note FILE --vkeys FILE "
	      "[ENTRY...]\n",
	      stderr);
	exit(EXIT_USAGE);
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

static void cards_read(struct card card[static 2])
{
	for (unsigned i = 0; i < given[CARD]; i++) {
		const char *name = value[CARD][i];

		if (!card_parse(file_map(AT_FDCWD, name, INT64_MAX), true,
				&card[i]))
			wrong(name,
			      "not a card, or not copied in full. Ask its "
			      "owner for it again.");
	}
	if (given[CARD] == 2 && !strcmp(card[0].host, card[1].host))
		wrong(card[0].host,
		      "both cards are of it. Give one of each side.");
}

/* The keys to trust: those of both cards, or those of vkey files */
static void keys_read(struct dossier *d, const struct card card[static 2])
{
	if (given[CARD] == 2) {
		d->side[LO].card = card[0];
		d->side[HI].card = card[1];
		if (!pair_derive(d))
			usage();
	}
	for (unsigned i = 0; i < given[VKEYS]; i++) {
		const char *name = value[VKEYS][i];
		struct slice s = file_map(AT_FDCWD, name, NOTE_MAX), line;

		while (s.n) {
			if (!scan(s, "%l\n%*", &line, &s)) {
				line = s;	/* the last, without LF */
				s.n = 0;
			}
			if (d->keys == KEYS_MAX ||
			    !key_parse(line, &d->key[d->keys++]))
				wrong(name,
				      "holds a line that is no vkey of an "
				      "Ed25519 log or cosigner.");
		}
	}
}

static bool options_parse(int argc, char **argv)
{
	static const struct option names[] = {
		{"card", required_argument, NULL, CARD},
		{"entry", required_argument, NULL, ENTRY},
		{"json", no_argument, NULL, AS_JSON},
		{"note", required_argument, NULL, NOTE},
		{"proof", required_argument, NULL, PROOF},
		{"timeline", no_argument, NULL, AS_TIMELINE},
		{"vkeys", required_argument, NULL, VKEYS},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "v", names, NULL)) != -1) {
		c = c == 'v' ? VERBOSE : c;
		if (c == '?' || given[c] == most[c])
			return false;
		value[c][given[c]++] = optarg;
	}
	argc -= optind;
	if (!given[NOTE] && !given[PROOF])
		return argc == 1 && !given[VKEYS] && !given[ENTRY] &&
		       given[AS_JSON] + given[AS_TIMELINE] < 2;
	return given[NOTE] + given[PROOF] == 1 && !given[AS_JSON] &&
	       !given[AS_TIMELINE] &&
	       (given[CARD] == 2) != (given[VKEYS] > 0) &&
	       !(given[NOTE] ? given[ENTRY] : (unsigned)argc);
}

int main(int argc, char **argv)
{
	static struct card card[2];
	struct dossier *d = &dossier;

	(void)signal(SIGBUS, on_bus);
	if (!options_parse(argc, argv))
		usage();
	cards_read(card);
	d->blamed = -1;
	d->verbose = given[VERBOSE];
	if (given[NOTE] || given[PROOF]) {
		d->output = SINGLE;
		d->path = value[given[NOTE] ? NOTE : PROOF][0];
		keys_read(d, card);
		if (given[NOTE])
			single_note(d, argv + optind);
		single_proof(d, value[ENTRY][0]);
	}
	d->output = given[AS_JSON]       ? JSON
		    : given[AS_TIMELINE] ? TIMELINE
					 : HUMAN;
	d->path = argv[optind];
	dossier_open(d, card, given[CARD]);
	dossier_judge(d);
	finish(d);
}
