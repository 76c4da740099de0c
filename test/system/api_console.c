/* SPDX-License-Identifier: ISC */
/**
 * @file api_console.c  The real console process with a scripted neighbourhood
 *
 * usage: api_console UID GID, descriptor 3 a pair with whoever plays the
 * monitor: what ringdownd does for `-r console`, without a configuration file.
 * test/system/api_test.py plays monitor and keeper.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "console/console.h"
#include "proto/config.h"

static uint32_t number(const char *s)
{
	uint64_t v = 0;

	if (uint_parse(str_of(s), &v) || v > UINT32_MAX)
		exit(64);
	return (uint32_t)v;
}

int main(int argc, char **argv)
{
	struct config conf;
	struct boot b;
	int status;

	if (argc != 3)
		return 64;
	config_defaults(&conf);
	conf.user[CONFIG_CONSOLE].uid = number(argv[1]);
	conf.user[CONFIG_CONSOLE].gid = number(argv[2]);
	log_open("console", false);
	boot_begin(&b, ROLE_CONSOLE);
	status = console_main(&b, &conf);
	for (unsigned r = 0; r < ROLES; r++)
		wire_end_free(b.peer[r]);
	wire_end_free(b.monitor);
	return status;
}
