/* SPDX-License-Identifier: ISC */
/** @file cli_send.c  `ringdown send`: notices, documents, and very many */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd/cli.h"

#define NOTICE_BYTES_MAX 32736
#define SUBJECT_COLUMNS 72	/* of one made from the first line of a text */
#define SUBJECT_BYTES_MAX 1000

struct source {
	FILE *f;
	const char *name;	/* without directories */
	bool in;		/* standard input */
	uint64_t bytes;		/* UINT64_MAX: nobody knows */
	char head[NOTICE_BYTES_MAX + 1];
	size_t head_n;
};

static int source_open(struct source *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	s->in = !strcmp(path, "-");
	s->name = s->in ? "stdin" : slash ? slash + 1 : path;
	s->f = s->in ? stdin : fopen(path, "re");
	if (!s->f || fstat(fileno(s->f), &st) || S_ISDIR(st.st_mode)) {
		complain("%s: %s", path,
			 s->f ? tr("is no file") : strerror(errno));
		return EXIT_FILE;
	}
	s->bytes = S_ISREG(st.st_mode) && !s->in ? (uint64_t)st.st_size
						 : UINT64_MAX;
	s->head_n = fread(s->head, 1, sizeof(s->head), s->f);
	if (ferror(s->f)) {
		complain("%s: %s", path, strerror(errno));
		return EXIT_FILE;
	}
	if (!s->head_n) {
		complain(tr("%s is empty; nothing was sent"), s->name);
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}

/* ASCII letters alike in both cases: .PDF is .pdf */
static bool suffix_is(const char *s, const char *lower)
{
	for (; *s && *lower; s++, lower++) {
		const char c = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;

		if (c != *lower)
			return false;
	}
	return *s == *lower;
}

/* By the suffix; NULL: it says nothing */
static const char *media_of(const char *name)
{
	static const char *const all[][2] = {
		{".pdf", "application/pdf"}, {".png", "image/png"},
		{".tif", "image/tiff"},      {".tiff", "image/tiff"},
		{".jpg", "image/jpeg"},      {".jpeg", "image/jpeg"},
		{".xml", "application/xml"}, {".json", "application/json"},
		{".csv", "text/csv"},        {".zip", "application/zip"},
		{".txt", "text/plain"},
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(all) / sizeof(all[0]); i++) {
		if (suffix_is(dot, all[i][0]))
			return all[i][1];
	}
	return NULL;
}

static bool is_notice(const struct cli *c, const struct source *s,
		      const char *media)
{
	return !c->document && !c->media && !c->name &&
	       s->head_n <= NOTICE_BYTES_MAX &&
	       (!media || !strcmp(media, "text/plain")) &&
	       text_plain(s->head, s->head_n);
}

/* The first line that says something, as long as a subject should be */
static int subject_make(const struct source *s, char out[SUBJECT_BYTES_MAX])
{
	struct str all = {s->head, s->head_n};

	while (all.n) {
		struct str line = str_cut(&all, '\n');

		while (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
			line = (struct str){line.p + 1, line.n - 1};
		while (line.n && text_columns(line.p, line.n) > SUBJECT_COLUMNS)
			line.n--;
		/* not in the middle of a character */
		while (line.n && !utf8_ok(line.p, line.n, false))
			line.n--;
		while (line.n && line.p[line.n - 1] == ' ')
			line.n--;
		if (line.n)
			return str_copy(line, out, SUBJECT_BYTES_MAX);
	}
	return EINVAL;
}

static int sent(struct cli *c, const char *peer, struct ask *a)
{
	const char *state, *words = tr("stored here");
	struct reply r;
	int code;

	if (c->wait && strcmp(c->wait, "stored") != 0 && isatty(STDERR_FILENO))
		complain(tr("waiting for %s; Ctrl-C ends the waiting, not the "
			    "delivery"),
			 peer);
	code = ask_do(c, a, &r);
	if (!code && c->json) {
		reply_print(&r);
	} else if (!code) {
		state = json_text(r.json, "state");
		if (!strcmp(state, "acked"))
			words = tr("signed by them");
		else if (!strcmp(state, "held"))
			words = tr("held by them");
		else if (!strcmp(state, "waits"))
			words = tr("waits here; it goes out when a check of "
				   "the line is answered");
		printf(json_is_true(json_object_get(r.json, "again"))
			       ? tr("Was sent before, as number %lld to %s: "
				    "%s.\n")
			       : tr("Sent as number %lld to %s: %s.\n"),
		       (long long)json_number(r.json, "seq"), peer, words);
	}
	reply_free(&r);
	return code;
}

static int send_notice(struct cli *c, const char *peer, const struct source *s)
{
	char subject[SUBJECT_BYTES_MAX] = "";
	struct ask a;
	json_t *o;
	char *text;
	int code;

	if (!c->subject &&
	    (s->in ? subject_make(s, subject)
		   : str_copy(str_of(s->name), subject, sizeof(subject))))
		return usage("%s", tr("give a subject with -s"));
	o = json_pack("{s:s,s:s%,s:s?,s:s?,s:s?,s:s?}", "subject",
		      c->subject ? c->subject : subject, "text", s->head,
		      s->head_n, "id", c->id, "precedence", c->precedence,
		      "wait", c->wait, "line", c->line);
	if (o && !c->id)
		json_object_del(o, "id");
	if (o && !c->precedence)
		json_object_del(o, "precedence");
	if (o && !c->wait)
		json_object_del(o, "wait");
	if (o && !c->line)
		json_object_del(o, "line");
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (!text) {
		complain("%s", tr("the text or the subject is not UTF-8"));
		return EXIT_REFUSED;
	}
	ask_init(&a, "POST", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "notices");
	a.media = "application/json";
	a.body = text;
	a.body_n = strlen(text);
	code = sent(c, peer, &a);
	free(text);
	return code;
}

static int send_document(struct cli *c, const char *peer, struct source *s,
			 const char *media)
{
	const char *name = c->name ? c->name : s->name;
	struct ask a;

	ask_init(&a, "POST", "/v1/pairs");
	ask_segment(&a, peer);
	ask_segment(&a, "documents");
	ask_param(&a, "subject", c->subject ? c->subject : name);
	ask_param(&a, "name", name);
	ask_param(&a, "precedence", c->precedence);
	ask_param(&a, "id", c->id);
	ask_param(&a, "wait", c->wait);
	ask_param(&a, "line", c->line);
	a.media = c->media ? c->media
		  : media  ? media
		  : s->head_n <= NOTICE_BYTES_MAX &&
				  text_plain(s->head, s->head_n)
			  ? "text/plain"
			  : "application/octet-stream";
	a.body = s->head;
	a.body_n = s->head_n;
	a.more = s->f;
	a.more_bytes = s->bytes == UINT64_MAX ? UINT64_MAX
		       : s->bytes > s->head_n ? s->bytes - s->head_n
					      : 0;
	a.progress = true;
	return sent(c, peer, &a);
}

static int send_bulk(struct cli *c, const char *peer)
{
	struct source *s = calloc(1, sizeof(*s));
	struct reply r;
	struct ask a;
	int code;

	if (!s)
		return EXIT_FILE;
	code = source_open(s, c->bulk);
	if (!code) {
		ask_init(&a, "POST", "/v1/pairs");
		ask_segment(&a, peer);
		ask_segment(&a, "notices");
		ask_param(&a, "wait", c->wait);
		a.media = "application/x-ndjson";
		a.body = s->head;
		a.body_n = s->head_n;
		a.more = s->f;
		a.more_bytes = s->bytes == UINT64_MAX ? UINT64_MAX
						      : s->bytes - s->head_n;
		a.progress = true;
		code = ask_do(c, &a, &r);
		if (!code && c->json)
			reply_print(&r);
		else if (!code)
			printf(tr("Sent %lld notices to %s, as numbers %lld to "
				  "%lld.\n"),
			       (long long)json_number(r.json, "count"), peer,
			       (long long)json_number(r.json, "first"),
			       (long long)json_number(r.json, "last"));
		reply_free(&r);
	}
	if (s->f && !s->in)
		fclose(s->f);
	free(s);
	return code;
}

int command_send(struct cli *c)
{
	const char *peer = c->arg[0];
	struct source *s;
	const char *media;
	int code;

	if (c->bulk) {
		if (c->args != 1 || c->subject || c->id || c->precedence ||
		    c->line)
			return usage("%s", tr("send PEER --bulk FILE takes "
					      "--wait only"));
		return send_bulk(c, peer);
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return EXIT_FILE;
	if (c->args == 1 && isatty(STDIN_FILENO))
		complain("%s", tr("write the notice, then Ctrl-D on a line of "
				  "its own"));
	code = source_open(s, c->args == 2 ? c->arg[1] : "-");
	if (!code) {
		media = s->in ? NULL : media_of(s->name);
		code = is_notice(c, s, media)
			       ? send_notice(c, peer, s)
			       : send_document(c, peer, s, media);
	}
	if (s->f && !s->in)
		fclose(s->f);
	free(s);
	return code;
}
