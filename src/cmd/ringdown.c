/* SPDX-License-Identifier: ISC */
/** @file ringdown.c  The operator's command: ringdown(1) */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>
#include "cmd/cli.h"
#include "cmd/cli_line.h"
#include "monitor/load.h"

#ifndef RINGDOWN_VERSION
#define RINGDOWN_VERSION "unknown"
#endif

enum {
	OPT_JSON = 256,
	OPT_SOCKET,
	OPT_AS,
	OPT_YES,
	OPT_ID,
	OPT_WAIT,
	OPT_BULK,
	OPT_OWN_SERIAL,
	OPT_FROM,
	OPT_AFTER,
	OPT_PEEK,
	OPT_NO_BODIES,
	OPT_MEDIA,
	OPT_NAME,
	OPT_DOCUMENT,
	OPT_DIR,
	OPT_DAY,
	OPT_LINE,
	OPT_LANG,
	OPT_DOSSIER,
	OPT_PEER,
	OPT_SIDE,
	OPT_CSV,
	OPT_SVG,
	OPT_REASON,
	OPT_UNTIL,
	OPT_DRILL,
	OPT_REFUSE,
	OPT_VERSION
};

static const struct option options[] = {
	{"conf", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{"number", required_argument, NULL, 'n'},
	{"output", required_argument, NULL, 'o'},
	{"precedence", required_argument, NULL, 'p'},
	{"subject", required_argument, NULL, 's'},
	{"watch", no_argument, NULL, 'w'},
	{"json", no_argument, NULL, OPT_JSON},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"as", required_argument, NULL, OPT_AS},
	{"yes", no_argument, NULL, OPT_YES},
	{"id", required_argument, NULL, OPT_ID},
	{"wait", required_argument, NULL, OPT_WAIT},
	{"bulk", required_argument, NULL, OPT_BULK},
	{"own-serial", required_argument, NULL, OPT_OWN_SERIAL},
	{"from", required_argument, NULL, OPT_FROM},
	{"after", required_argument, NULL, OPT_AFTER},
	{"peek", no_argument, NULL, OPT_PEEK},
	{"no-bodies", no_argument, NULL, OPT_NO_BODIES},
	{"media", required_argument, NULL, OPT_MEDIA},
	{"name", required_argument, NULL, OPT_NAME},
	{"document", no_argument, NULL, OPT_DOCUMENT},
	{"dir", required_argument, NULL, OPT_DIR},
	{"day", required_argument, NULL, OPT_DAY},
	{"line", required_argument, NULL, OPT_LINE},
	{"lang", required_argument, NULL, OPT_LANG},
	{"dossier", required_argument, NULL, OPT_DOSSIER},
	{"peer", required_argument, NULL, OPT_PEER},
	{"side", required_argument, NULL, OPT_SIDE},
	{"csv", no_argument, NULL, OPT_CSV},
	{"svg", no_argument, NULL, OPT_SVG},
	{"reason", required_argument, NULL, OPT_REASON},
	{"until", required_argument, NULL, OPT_UNTIL},
	{"drill", no_argument, NULL, OPT_DRILL},
	{"refuse", no_argument, NULL, OPT_REFUSE},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static int command_version(struct cli *c)
{
	if (c->json)
		printf("{\"version\":\"%s\"}\n", RINGDOWN_VERSION);
	else
		printf("ringdown %s\n", RINGDOWN_VERSION);
	return EXIT_DONE;
}

static const struct command {
	const char *name;
	int (*run)(struct cli *c);
	int args_min, args_max;
	const char *form;	/* of the command line */
	const char *what;	/* in English: through tr() */
} commands[];

static int command_help(struct cli *c)
{
	(void)c;
	printf("%s\n\n", tr("usage: ringdown [options] command ..."));
	for (const struct command *k = commands; k->name; k++) {
		if (k->what)
			printf("  %s\n        %s\n", k->form, tr(k->what));
	}
	printf("\n%s\n", tr("Everywhere: --json, --as NAME, --socket PATH, "
			    "-c CONF.  ringdown(1) says more."));
	return EXIT_DONE;
}

static const struct command commands[] = {
	{"status", command_status, 0, 0, "status [-w]",
	 "Whether the lines live, since when, and what waits. -w: keep "
	 "showing"},
	{"send", command_send, 1, 2,
	 "send PEER [-s SUBJECT] [-p PRECEDENCE] [--line NAME] [--id ID] "
	 "[--wait acked|held] [FILE|-]",
	 "Send a notice (text) or a document (any other file)"},
	{"inbox", command_inbox, 1, 1, "inbox PEER [-n NUMBER]",
	 "What the peer sent"},
	{"outbox", command_outbox, 1, 1, "outbox PEER [-n NUMBER]",
	 "What we sent, and what became of it"},
	{"show", command_show, 3, 3, "show PEER in|out SEQ [-o FILE] [--peek]",
	 "Read it: the peer gets a receipt with your name. --peek: no receipt"},
	{"line", command_line, 1, 3,
	 "line list · line show|text|accept NAME · line propose FILE · "
	 "line decline|withdraw|close|suspend|fault|open NAME --reason WORDS · "
	 "line history NAME",
	 "What was agreed on, in which state it is, and what our side says"},
	{"check", command_check, 1, 3,
	 "check run NAME [--drill] · check attend NAME [SEQ] [--refuse] · "
	 "check stats",
	 "Ask the other side for a sign of life, or give ours"},
	{"service", command_service, 1, 64,
	 "service say WORDS ... · service follow",
	 "Talk to the other side's technicians; never in the record"},
	{"metrics", command_metrics, 0, 0, "metrics",
	 "Everything that can be watched, as Prometheus reads it"},
	{"record", command_record, 2, 4,
	 "record list|follow PEER · record entry PEER in|out SEQ · "
	 "record export PEER DIR",
	 "The record that both sides sign"},
	{"statement", cmd_statement, 0, 0,
	 "statement [--day DATE] [--line NAME] [--lang en|ko] "
	 "[--dossier DIR|--peer NAME]",
	 "What happened on the lines on a day, in words, from the record "
	 "alone"},
	{"verify", command_verify, 1, 1, "verify DIR",
	 "Check an exported record, without the exchange"},
	{"pair", command_pair, 1, 2,
	 "pair card · pair add FILE · pair confirm|revoke|vouch PEER · "
	 "pair list",
	 "Meet another exchange: cards, twelve words, and the end of it"},
	{"init", command_init, 1, 1, "init [-c CONF] [--dir DIR] NAME",
	 "Make the configuration and the keys of a new exchange"},
	{"check-config", command_check_config, 0, 0, "check-config [-c CONF]",
	 "Say whether the configuration file is in order"},
	{"version", command_version, 0, 0, "version", "The version"},
	{"help", command_help, 0, 1, "help", NULL},
	{NULL, NULL, 0, 0, NULL, NULL},
};

static bool number(const char *s, uint64_t *v, bool *has)
{
	*has = true;
	return !uint_parse(str_of(s), v);
}

/* False: no such option, or no such number */
static bool option_take(struct cli *c, int o)
{
	switch (o) {
	case 'c': c->conf = optarg; break;
	case 'n': return number(optarg, &c->number, &c->has_number);
	case 'o': c->output = optarg; break;
	case 'p': c->precedence = optarg; break;
	case 's': c->subject = optarg; break;
	case 'w': c->watch = true; break;
	case OPT_JSON: c->json = true; break;
	case OPT_SOCKET: c->socket = optarg; break;
	case OPT_AS: c->as = optarg; break;
	case OPT_YES: c->yes = true; break;
	case OPT_ID: c->id = optarg; break;
	case OPT_WAIT: c->wait = optarg; break;
	case OPT_BULK: c->bulk = optarg; break;
	case OPT_OWN_SERIAL: c->own_serial = optarg; break;
	case OPT_FROM: return number(optarg, &c->from, &c->has_from);
	case OPT_AFTER: return number(optarg, &c->after, &c->has_after);
	case OPT_PEEK: c->peek = true; break;
	case OPT_NO_BODIES: c->no_bodies = true; break;
	case OPT_MEDIA: c->media = optarg; break;
	case OPT_NAME: c->name = optarg; break;
	case OPT_DOCUMENT: c->document = true; break;
	case OPT_DIR: c->dir = optarg; break;
	case OPT_DAY: c->day = optarg; break;
	case OPT_LINE: c->line = optarg; break;
	case OPT_LANG: c->lang = optarg; break;
	case OPT_DOSSIER: c->dossier = optarg; break;
	case OPT_PEER: c->peer = optarg; break;
	case OPT_SIDE: c->side = optarg; break;
	case OPT_CSV: c->csv = true; break;
	case OPT_SVG: c->svg = true; break;
	case OPT_REASON: c->reason = optarg; break;
	case OPT_UNTIL: c->until = optarg; break;
	case OPT_DRILL: c->drill = true; break;
	case OPT_REFUSE: c->refuse = true; break;
	default: return false;
	}
	return true;
}

/* --socket, RINGDOWN_SOCKET, what the configuration says, the usual place */
static int socket_find(struct cli *c)
{
	static struct config conf;
	char why[CONFIG_WHY_CHARS];
	const char *env = getenv("RINGDOWN_SOCKET");

	if (c->socket)
		return EXIT_DONE;
	if (!c->conf && env && *env) {
		c->socket = env;
		return EXIT_DONE;
	}
	c->socket = SOCKET_DEFAULT;
	if (!config_load(c->conf ? c->conf : CONF_DEFAULT, &conf, why)) {
		if (*conf.socket)
			c->socket = conf.socket;
	} else if (c->conf) {
		complain("%s", why);
		return EXIT_FILE;
	}
	return EXIT_DONE;
}

/* Commands that need no exchange */
static bool alone(const struct command *k)
{
	return k->run == command_init || k->run == command_check_config ||
	       k->run == command_version || k->run == command_help ||
	       k->run == command_verify;
}

static int run(struct cli *c, const char *name)
{
	const struct command *k = commands;
	int code;

	while (k->name && strcmp(k->name, name) != 0)
		k++;
	if (!k->name)
		return usage(tr("there is no command %s"), name);
	if (c->args < k->args_min || c->args > k->args_max)
		return usage("ringdown %s", k->form);
	if (alone(k))
		return k->run(c);
	code = socket_find(c);
	if (code)
		return code;
	curl_global_init(CURL_GLOBAL_NOTHING);
	code = k->run(c);
	curl_global_cleanup();
	return code;
}

int main(int argc, char **argv)
{
	struct cli c = {0};
	int o, code;

	words_begin();
	opterr = 0;	/* said below, in the person's language */
	while ((o = getopt_long(argc, argv, "c:hn:o:p:s:w", options, NULL)) !=
	       -1) {
		if (o == 'h' || o == OPT_VERSION)
			return o == 'h' ? command_help(&c)
					: command_version(&c);
		if (!option_take(&c, o))
			return usage("%s", tr("an option is not understood"));
	}
	if (optind == argc)
		return usage("%s", tr("what is to be done?"));
	c.arg = argv + optind + 1;
	c.args = argc - optind - 1;
	code = run(&c, argv[optind]);
	if (fflush(stdout) || ferror(stdout)) {
		complain("%s", tr("standard output cannot be written"));
		code = code ? code : EXIT_FILE;
	}
	return code;
}
