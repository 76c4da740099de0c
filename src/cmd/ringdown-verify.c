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

enum mode { MODE_DOSSIER, MODE_PROOF, MODE_NOTE };

struct options {
	enum mode mode;
	bool json, timeline, verbose;
	const char *file, *entry;
	char *const *entries;		/* what follows --note FILE */
	unsigned entry_count;
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
	fprintf(stderr,
		"ringdown-verify: %s: cannot read: %s. Nothing was "
		"judged.\n",
		name, err == EMSGSIZE ? "too large" : strerror(err));
	return EXIT_READ;
}

/* Close, say the verdict, and give the code to leave with */
static int finish(struct dossier *d, const char *what, int err)
{
	dossier_close(d);
	if (err && err != EBADMSG)
		return cannot_read(what, err);
	report_verdict(d);
	return (int)d->verdict.level;
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
			fprintf(stderr,
				"ringdown-verify: %s: not a card, or "
				"not copied in full. Ask its owner for it "
				"again.\n",
				o->card_file[i]);
			return EXIT_USAGE;
		}
	}
	if (o->cards == 2 && !strcmp(given[0].host, given[1].host)) {
		fprintf(stderr,
			"ringdown-verify: both cards are of %s. Give "
			"one of each side.\n",
			given[0].host);
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
	if (!err || err == EBADMSG) {
		if (o->timeline && d->judged)
			report_timeline(d);
		else if (!o->json && !o->timeline)
			report_human(d, o->verbose);
		if (o->json) {
			report_json(d);
			dossier_close(d);
			return (int)d->verdict.level;
		}
	}
	return finish(d, o->file, err);
}

/* The keys to trust: those of both cards, or those of vkey files */
static int keys_read(const struct options *o, struct key *keys, unsigned *count)
{
	static uint8_t buf[NOTE_MAX];
	struct dossier *d = &dossier;
	struct slice s, line;
	int err;

	*count = 0;
	if (o->cards == 2) {
		d->side[0].card = given[0];
		d->side[1].card = given[1];
		if (pair_derive(d))
			return usage();
		for (unsigned i = 0; i < 3; i++)
			keys[(*count)++] = d->keys[i][0];
		keys[(*count)++] = d->keys[0][1];
		keys[(*count)++] = d->keys[0][2];
	}
	for (unsigned i = 0; i < o->vkeys; i++) {
		err = file_read(AT_FDCWD, o->vkeys_file[i], buf,
				sizeof(buf) - 1, &s);
		if (err)
			return cannot_read(o->vkeys_file[i], err);
		if (s.n && buf[s.n - 1] != '\n')
			buf[s.n++] = '\n';
		while (slice_line(&s, &line)) {
			if (*count == VKEYS_MAX ||
			    !key_parse(line, &keys[*count])) {
				fprintf(stderr,
					"ringdown-verify: %s: holds a "
					"line that is no vkey of an Ed25519 "
					"log or cosigner.\n",
					o->vkeys_file[i]);
				return EXIT_USAGE;
			}
			++*count;
		}
	}
	return 0;
}

static int run_proof(const struct options *o)
{
	static uint8_t proof_buf[PROOF_MAX], entry_buf[ENTRY_MAX];
	struct slice proof, entry = {NULL, 0};
	struct key keys[VKEYS_MAX];
	unsigned count;
	int err, code = keys_read(o, keys, &count);

	if (code)
		return code;
	err = file_read(AT_FDCWD, o->file, proof_buf, sizeof(proof_buf),
			&proof);
	if (err)
		return cannot_read(o->file, err);
	if (o->entry) {
		err = file_read(AT_FDCWD, o->entry, entry_buf,
				sizeof(entry_buf), &entry);
		if (err)
			return cannot_read(o->entry, err);
	}
	err = single_proof(&dossier, keys, count, proof, entry, o->file);
	if (err == ENOENT) {
		fprintf(stderr, "ringdown-verify: the proof does not hold its "
				"entry: give it with --entry FILE.\n");
		return EXIT_USAGE;
	}
	return finish(&dossier, o->file, err);
}

static int run_note(const struct options *o)
{
	static uint8_t note_buf[NOTE_MAX], entry_buf[ENTRY_MAX];
	struct key keys[VKEYS_MAX];
	uint8_t hash[HASH_LEN];
	struct slice note, s;
	struct tree t;
	unsigned count;
	int err, code = keys_read(o, keys, &count);

	if (code)
		return code;
	err = file_read(AT_FDCWD, o->file, note_buf, sizeof(note_buf), &note);
	if (err)
		return cannot_read(o->file, err);
	err = tree_alloc(&t, o->entry_count, false);
	if (err)
		return cannot_read(o->file, err);
	for (unsigned i = 0; i < o->entry_count; i++) {
		err = file_read(AT_FDCWD, o->entries[i], entry_buf,
				sizeof(entry_buf), &s);
		if (err) {
			tree_close(&t);
			return cannot_read(o->entries[i], err);
		}
		hash_leaf(s.p, s.n, hash);
		tree_push(&t, hash);
	}
	tree_root(&t, t.n, hash);
	err = single_note(&dossier, keys, count, note, o->file,
			  t.n ? hash : NULL, t.n);
	tree_close(&t);
	return finish(&dossier, o->file, err);
}

static bool options_take(struct options *o, int c)
{
	switch (c) {
	case 'c':
		if (o->cards == 2)
			return false;
		o->card_file[o->cards++] = optarg;
		return true;
	case 'k':
		if (o->vkeys == 4)
			return false;
		o->vkeys_file[o->vkeys++] = optarg;
		return true;
	case 'e': o->entry = optarg; return true;
	case 'j': o->json = true; return true;
	case 't': o->timeline = true; return true;
	case 'v': o->verbose = true; return true;
	case 'n':
	case 'p':
		if (o->file)
			return false;
		o->mode = c == 'n' ? MODE_NOTE : MODE_PROOF;
		o->file = optarg;
		return true;
	default: return false;
	}
}

static bool options_parse(struct options *o, int argc, char **argv)
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
	int c;

	while ((c = getopt_long(argc, argv, "v", names, NULL)) != -1) {
		if (!options_take(o, c))
			return false;
	}
	argc -= optind;
	o->entries = argv + optind;
	o->entry_count = (unsigned)argc;
	switch (o->mode) {
	case MODE_DOSSIER:
		o->file = argv[optind];
		return argc == 1 && !o->vkeys && !o->entry &&
		       !(o->json && o->timeline);
	case MODE_PROOF:
		return !argc && (o->cards == 2) != (o->vkeys > 0) && !o->json &&
		       !o->timeline;
	default:
		return (o->cards == 2) != (o->vkeys > 0) && !o->entry &&
		       !o->json && !o->timeline;
	}
}

int main(int argc, char **argv)
{
	struct options o = {.mode = MODE_DOSSIER};
	int code;

	dossier.dir = -1;
	dossier.verdict.side = -1;
	(void)signal(SIGBUS, on_bus);
	if (!options_parse(&o, argc, argv))
		return usage();
	if (hash_init())
		return cannot_read("libcrypto", ENOMEM);
	code = cards_read(&o);
	if (!code)
		code = o.mode == MODE_DOSSIER ? run_dossier(&o)
		       : o.mode == MODE_PROOF ? run_proof(&o)
					      : run_note(&o);
	hash_close();
	return fflush(stdout) ? EXIT_READ : code;
}
