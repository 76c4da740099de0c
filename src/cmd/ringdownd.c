/* SPDX-License-Identifier: ISC */
/** @file ringdownd.c  main() of the daemon, in all its roles */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "console/console.h"
#include "keeper/keeper.h"
#include "monitor/load.h"
#include "monitor/monitor.h"
#include "sandbox/boot.h"
#include "trunk/trunk.h"

#ifndef RINGDOWN_VERSION
#define RINGDOWN_VERSION "unknown"
#endif

#define CONFIG_DEFAULT "/etc/ringdown/ringdown.conf"

struct options {
	const char *config_path;
	enum role role;
	int ready_fd;
	bool debug;
	bool version;
};

static int usage(void)
{
	fprintf(stderr, "usage: ringdownd [-dV] [-c file] [-n fd]\n");
	return 2;
}

static bool options_read(struct options *o, int argc, char **argv)
{
	uint64_t n;
	int c;

	*o = (struct options){CONFIG_DEFAULT, ROLE_MONITOR, -1, false, false};
	while ((c = getopt(argc, argv, "c:dn:r:V")) != -1) {
		switch (c) {
		case 'c': o->config_path = optarg; break;
		case 'd': o->debug = true; break;
		case 'n':
			if (uint_parse(str_of(optarg), &n) || n > 1023)
				return false;
			o->ready_fd = (int)n;
			break;
		case 'r':
			o->role = role_of(optarg);
			if (o->role == ROLES || o->role == ROLE_MONITOR)
				return false;
			break;
		case 'V': o->version = true; break;
		default: return false;
		}
	}
	return optind == argc;
}

/* Whether our stderr is what the journal says it reads (systemd.exec(5)) */
static bool stderr_is_journal(void)
{
	const char *v = getenv("JOURNAL_STREAM");
	struct str ino;
	struct stat st;
	uint64_t d, i;

	if (!v || fstat(STDERR_FILENO, &st))
		return false;
	ino = str_of(v);
	return !uint_parse(str_cut(&ino, ':'), &d) && !uint_parse(ino, &i) &&
	       d == st.st_dev && i == st.st_ino;
}

static int role_run(enum role role, const struct config *conf)
{
	char name[16];
	struct boot b;
	int status = 2;

	snprintf(name, sizeof(name), "rd-%s", role_name(role));
	(void)prctl(PR_SET_NAME, name, 0, 0, 0); /* for ps(1) alone */
	boot_begin(&b, role);
	switch (role) {
	case ROLE_KEEPER: status = keeper_main(&b, conf); break;
	case ROLE_TRUNK: status = trunk_main(&b, conf); break;
	case ROLE_CONSOLE: status = console_main(&b, conf); break;
	default: break;
	}
	boot_end(&b);
	return status;
}

int main(int argc, char **argv)
{
	static struct config conf;
	char why[CONFIG_WHY_CHARS];
	struct options o;

	if (!options_read(&o, argc, argv))
		return usage();
	if (o.version) {
		printf("ringdownd %s\n", RINGDOWN_VERSION);
		return 0;
	}
	log_open(role_name(o.role), stderr_is_journal());
	if (o.debug)
		log_level_set(LOG_LEVEL_DEBUG);
	signal(SIGPIPE, SIG_IGN);
	if (config_load(o.config_path, &conf, why)) {
		log_error("configuration.bad", "why=%s", why);
		return 1;
	}
	if (o.role == ROLE_MONITOR) {
		const struct monitor_conf mc = {&conf, o.config_path,
						o.ready_fd, o.debug};

		return monitor_main(&mc);
	}
	return role_run(o.role, &conf);
}
