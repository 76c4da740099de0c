/* SPDX-License-Identifier: ISC */
/** @file export.c  Files around the simulator: dossiers out, verifier run */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/state.h"
#include "export.h"

static int put(const char *dir, const char *name, const void *p, size_t n)
{
	char path[600];
	FILE *f;
	int err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		return -1;
	if (n && fwrite(p, 1, n, f) != n)
		err = -1;
	return fclose(f) ? -1 : err;
}

struct out {
	const char *dir;
	char name[300];
};

static int put_note(const struct db_note *n, void *arg)
{
	const struct out *o = arg;

	return put(o->dir, o->name, n->p, n->n) ? EIO : 0;
}

static int note(const struct db *db, uint32_t feed, enum note_kind kind,
		const char *dir, const char *prefix, const char *host,
		const char *suffix)
{
	struct out o = {.dir = dir};
	int err;

	snprintf(o.name, sizeof(o.name), "%s%s%s", prefix, host, suffix);
	err = db->note_find(db->arg, feed, kind, UINT64_MAX, UINT64_MAX,
			    put_note, &o);
	return err && err != ENOENT ? -1 : 0;
}

static int put_feed(struct memdb *m, uint32_t feed, const char *dir,
		    const char *host)
{
	char name[300];
	struct buf b;
	int err;

	buf_init(&b, SIZE_MAX);
	for (uint64_t i = 0; i < memdb_size(m, feed); i++) {
		size_t n;
		const uint8_t *p = memdb_entry(m, feed, i, &n);

		buf_u16(&b, (uint16_t)n);
		buf_put(&b, p, n);
	}
	snprintf(name, sizeof(name), "feed.%s", host);
	err = put(dir, name, b.p, b.n);
	buf_free(&b);
	if (!err)
		err = note(memdb_db(m), feed, NOTE_SIGNED, dir, "feed.", host,
			   ".checkpoint");
	if (!err)
		err = note(memdb_db(m), feed, NOTE_COSIGNED, dir, "feed.", host,
			   ".cosigned");
	if (!err)
		err = note(memdb_db(m), feed, NOTE_IDLE, dir, "feed.", host,
			   ".idle");
	return err;
}

static int put_card(const struct card *c, const char *dir)
{
	char name[300];
	struct buf b;
	int err;

	buf_init(&b, CARD_BYTES_MAX);
	card_print(c, false, &b);
	snprintf(name, sizeof(name), "card.%s", c->name);
	err = put(dir, name, b.p, b.n);
	buf_free(&b);
	return err;
}

static int put_bodies(struct memdb *m, uint32_t feed, const char *dir)
{
	for (uint64_t i = 0; i < memdb_size(m, feed); i++) {
		size_t n, body_n;
		const uint8_t *p = memdb_entry(m, feed, i, &n), *body;
		struct blob_ref ref;
		struct entry e;
		char name[80] = "blob/";

		if (entry_parse(p, n, &e) || entry_blob(&e, &ref))
			continue;
		body = memdb_body(m, feed, i, &body_n);
		if (!body)
			continue;
		hex_encode(ref.hash, DIGEST_BYTES, name + 5);
		if (put(dir, name, body, body_n))
			return -1;
	}
	return 0;
}

static int put_proofs(struct memdb *m, const char *dir)
{
	const uint8_t *p;
	const char *form;
	size_t n;

	for (size_t i = 0; (p = memdb_proof(m, 0, i, &form, &n)); i++) {
		char name[80];

		snprintf(name, sizeof(name), "proof/%zu.%s", i + 1, form);
		if (strcmp(form, "hidden") && put(dir, name, p, n))
			return -1;
	}
	return 0;
}

int world_export(struct world *w, int side, const char *dir)
{
	struct node *n = &w->node[side];
	const struct pair *p = n->core->pair[0];
	char sub[600], head[200];
	int err;

	if (mkdir(dir, 0700))
		return -1;
	snprintf(sub, sizeof(sub), "%s/blob", dir);
	(void)mkdir(sub, 0700);
	snprintf(sub, sizeof(sub), "%s/proof", dir);
	(void)mkdir(sub, 0700);
	snprintf(head, sizeof(head), "ringdown-dossier/v1\nside %s\n", n->name);
	err = put(dir, "dossier", head, strlen(head));
	if (!err)
		err = put_card(&p->own_card, dir);
	if (!err)
		err = put_card(&p->peer_card, dir);
	if (!err)
		err = put_feed(n->db, 0, dir, n->name);
	if (!err)
		err = put_feed(n->db, 1, dir, w->node[!side].name);
	if (!err)
		err = note(memdb_db(n->db), 2, NOTE_SIGNED, dir,
			   "joint.checkpoint", "", "");
	for (uint32_t f = 0; f < 2 && !err && !w->withhold; f++)
		err = put_bodies(n->db, f, dir);
	return err ? err : put_proofs(n->db, dir);
}

int verifier_run(const char *verifier, const char *dossier)
{
	int status = 0;
	const pid_t pid = fork();

	if (pid < 0)
		return 255;
	if (!pid) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(70);
		execl(verifier, verifier, dossier, (char *)NULL);
		_exit(71);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 255;
	return WEXITSTATUS(status);
}

static void empty(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[600];

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		(void)unlink(path);
	}
	if (d)
		closedir(d);
}

void dossier_remove(const char *dir)
{
	char sub[600];

	snprintf(sub, sizeof(sub), "%s/blob", dir);
	empty(sub);
	(void)rmdir(sub);
	snprintf(sub, sizeof(sub), "%s/proof", dir);
	empty(sub);
	(void)rmdir(sub);
	empty(dir);
	(void)rmdir(dir);
}
