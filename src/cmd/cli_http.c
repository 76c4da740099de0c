/* SPDX-License-Identifier: ISC */
/** @file cli_http.c  Asking the exchange over its Unix socket, with libcurl */
#include <curl/curl.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cmd/cli.h"

#define REPLY_BYTES_MAX 16777216	/* the exchange sends 8 MiB at most */
#define OPERATOR_BYTES 200
#define BAR_COLUMNS 40
#define BAR_BYTES_MIN 262144	/* less is sent before anybody could read it */

void ask_init(struct ask *a, const char *method, const char *path)
{
	*a = (struct ask){.method = method};
	buf_init(&a->path, 32768);
	buf_str(&a->path, "http://ringdown");
	buf_str(&a->path, path);
}

static void encode(struct buf *b, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789.-_~";

	for (; *s; s++) {
		if (strchr(plain, *s))
			buf_u8(b, (uint8_t)*s);
		else
			buf_printf(b, "%%%02X", (uint8_t)*s);
	}
}

void ask_segment(struct ask *a, const char *s)
{
	buf_str(&a->path, "/");
	encode(&a->path, s);
}

void ask_param(struct ask *a, const char *name, const char *value)
{
	const bool first = !memchr(a->path.p, '?', a->path.n);

	if (!value)
		return;
	buf_printf(&a->path, "%s%s=", first ? "?" : "&", name);
	encode(&a->path, value);
}

void ask_number(struct ask *a, const char *name, uint64_t value)
{
	const bool first = !memchr(a->path.p, '?', a->path.n);

	buf_printf(&a->path, "%s%s=%llu", first ? "?" : "&", name,
		   (unsigned long long)value);
}

/* One request on its way */
struct transfer {
	struct ask *a;
	struct reply *r;
	CURL *curl;
	size_t sent;		/* of a->body */
	int code;		/* what the sink said */
	uint64_t total;
	bool bar, drawn;
};

static size_t take(char *p, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)one;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->r->status);
	if (t->a->sink && t->r->status / 100 == 2) {
		t->code = t->a->sink(p, n, t->a->arg);
		return t->code ? n + 1 : n;	/* another number stops it */
	}
	buf_put(&t->r->body, p, n);
	return t->r->body.err ? n + 1 : n;
}

static size_t give(char *p, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	const size_t left = t->a->body_n - t->sent;

	(void)one;
	if (left) {
		n = n < left ? n : left;
		memcpy(p, (const char *)t->a->body + t->sent, n);
		t->sent += n;
		return n;
	}
	if (!t->a->more)
		return 0;
	n = fread(p, 1, n, t->a->more);
	if (!n && ferror(t->a->more)) {
		t->code = EXIT_FILE;
		return CURL_READFUNC_ABORT;
	}
	return n;
}

static int draw(void *arg, curl_off_t down_total, curl_off_t down,
		curl_off_t up_total, curl_off_t up)
{
	struct transfer *t = arg;
	const uint64_t n = (uint64_t)up;
	size_t full;
	struct buf b;

	(void)down_total;
	(void)down;
	(void)up_total;
	if (!t->bar || !n)
		return 0;
	buf_init(&b, 400);
	full = t->total ? (size_t)(n * BAR_COLUMNS / t->total) : 0;
	buf_str(&b, "\r[");
	for (size_t i = 0; i < BAR_COLUMNS; i++)
		buf_str(&b, i < full ? "#" : " ");
	buf_str(&b, "] ");
	text_bytes(&b, n);
	if (t->total) {
		buf_printf(&b, " %3llu%%",
			   (unsigned long long)(n * 100 / t->total));
	}
	buf_str(&b, "  ");
	text_out(&b, stderr);
	t->drawn = true;
	return 0;
}

/* Who acts: --as, or the login name; under sudo that of who called it */
static const char *operator_name(const struct cli *c)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw;

	if (c->as)
		return c->as;
	if (!getuid() && sudo && *sudo)
		return sudo;
	pw = getpwuid(getuid());
	return pw ? pw->pw_name : NULL;
}

static struct curl_slist *headers_make(const struct cli *c, const struct ask *a)
{
	const char *who = operator_name(c);
	struct curl_slist *list = NULL;
	struct buf b;

	buf_init(&b, 1024);
	if (who && utf8_ok(who, strlen(who), false)) {
		buf_printf(&b, "Ringdown-Operator: %s", who);
		buf_u8(&b, '\0');
		list = curl_slist_append(list, (char *)b.p);
	}
	buf_reset(&b);
	buf_printf(&b, "Content-Type:%s%s", a->media ? " " : "",
		   a->media ? a->media : "");
	buf_u8(&b, '\0');
	if (!b.err)
		list = curl_slist_append(list, (char *)b.p);
	buf_free(&b);
	return list;
}

static const char *said_what(int code)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return tr("nobody serves the socket; is ringdownd running, and "
			  "may you open it?");
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		return tr("the connection broke; what was answered before is "
			  "stored, the rest is not known");
	default: return curl_easy_strerror((CURLcode)code);
	}
}

/* The problem document in words */
static int refused(const struct cli *c, const struct reply *r)
{
	const char *title = json_text(r->json, "title");
	const char *detail = json_text(r->json, "detail");

	if (c->json && r->json) {
		fwrite(r->body.p, 1, r->body.n, stderr);
		fputc('\n', stderr);
	} else {
		fputs("ringdown: ", stderr);
		text_put(stderr, tr(*title ? title : "The exchange refused"),
			 strlen(tr(*title ? title : "The exchange refused")),
			 false);
		fprintf(stderr, " (%ld)", r->status);
		if (*detail) {
			fputs(": ", stderr);
			text_put(stderr, detail, strlen(detail), false);
		}
		fputc('\n', stderr);
		if (json_object_get(r->json, "lines"))
			complain(tr("Stored up to line %lld; %lld entries in "
				    "all."),
				 (long long)json_number(r->json, "lines"),
				 (long long)json_number(r->json, "count"));
	}
	return r->status == 503 ? EXIT_UNREACHABLE : EXIT_REFUSED;
}

static void body_set(CURL *curl, struct transfer *t)
{
	struct ask *a = t->a;

	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(curl, CURLOPT_READDATA, t);
	t->total = a->more ? a->more_bytes : 0;
	if (a->more && a->more_bytes == UINT64_MAX) {
		t->total = 0;
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)-1);
	} else {
		t->total += a->body_n;
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)t->total);
	}
	t->bar = a->progress && isatty(STDERR_FILENO) &&
		 (!t->total || t->total >= BAR_BYTES_MIN);
	if (t->bar) {
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, draw);
		curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
	}
}

static int result(const struct cli *c, struct transfer *t, CURLcode code)
{
	struct reply *r = t->r;

	if (t->drawn)
		fputc('\n', stderr);
	if (t->code)
		return t->code;		/* the sink has said why */
	if (r->body.n)
		r->json = json_loadb((const char *)r->body.p, r->body.n,
				     JSON_DECODE_ANY, NULL);
	/* an answer counts, though the body did not go out whole */
	if (r->status >= 400)
		return t->a->quiet ? r->status == 503 ? EXIT_UNREACHABLE
						      : EXIT_REFUSED
				   : refused(c, r);
	if (code == CURLE_OK && r->status / 100 == 2)
		return EXIT_DONE;
	if (!t->a->quiet)
		complain("%s: %s", c->socket, said_what((int)code));
	return EXIT_UNREACHABLE;
}

static bool common_set(CURL *curl, const struct cli *c)
{
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
	curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
	return curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, c->socket) ==
	       CURLE_OK;
}

int ask_do(struct cli *c, struct ask *a, struct reply *r)
{
	struct transfer t = {.a = a, .r = r, .curl = curl_easy_init()};
	struct curl_slist *headers = headers_make(c, a);
	CURLcode code = CURLE_OUT_OF_MEMORY;

	*r = (struct reply){0};
	buf_init(&r->body, REPLY_BYTES_MAX);
	buf_u8(&a->path, '\0');
	if (t.curl && !a->path.err && common_set(t.curl, c)) {
		curl_easy_setopt(t.curl, CURLOPT_URL, (char *)a->path.p);
		curl_easy_setopt(t.curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(t.curl, CURLOPT_WRITEFUNCTION, take);
		curl_easy_setopt(t.curl, CURLOPT_WRITEDATA, &t);
		if (!strcmp(a->method, "POST"))
			body_set(t.curl, &t);
		code = curl_easy_perform(t.curl);
		curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &r->status);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(t.curl);
	buf_free(&a->path);
	return result(c, &t, code);
}

void reply_free(struct reply *r)
{
	buf_free(&r->body);
	json_decref(r->json);
	r->json = NULL;
}

void reply_print(const struct reply *r)
{
	if (r->body.n)
		fwrite(r->body.p, 1, r->body.n, stdout);
	if (r->body.n && r->body.p[r->body.n - 1] != '\n')
		putchar('\n');
	fflush(stdout);
}

/* ---- following ---- */

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* Any piece but a comment is news: who follows asks for what it shows */
static size_t news(char *p, size_t one, size_t n, void *arg)
{
	bool *any = arg;

	(void)one;
	if (n && *p != ':')
		*any = true;
	return n;
}

/* ---- news as they are ---- */

struct listener {
	struct cli *c;
	news_h *h;
	void *arg;
	struct buf line;	/* not yet whole */
	int code;
};

static int data_take(struct listener *l, struct str line)
{
	static const char data[] = "data: ";
	json_t *news;
	int code = 0;

	if (line.n < sizeof(data) ||
	    memcmp(line.p, data, sizeof(data) - 1) != 0)
		return 0;
	news = json_loadb(line.p + sizeof(data) - 1, line.n - sizeof(data) + 1,
			  0, NULL);
	if (json_is_object(news))
		code = l->h(news, l->arg);
	json_decref(news);
	return code;
}

static int listened(const void *p, size_t n, void *arg)
{
	struct listener *l = arg;
	const char *at = p, *lf;

	while (!l->code && (lf = memchr(at, '\n', n))) {
		const size_t len = (size_t)(lf - at);

		buf_put(&l->line, at, len);
		if (!l->line.err)
			l->code = data_take(
				l, (struct str){(char *)l->line.p, l->line.n});
		buf_reset(&l->line);
		at = lf + 1;
		n -= len + 1;
	}
	buf_put(&l->line, at, n);
	return l->code;
}

int news_do(struct cli *c, news_h *h, void *arg)
{
	struct listener l = {.c = c, .h = h, .arg = arg};
	struct reply r;
	struct ask a;
	int code;

	buf_init(&l.line, 65536);
	ask_init(&a, "GET", "/v1/events");
	a.sink = listened;
	a.arg = &l;
	code = ask_do(c, &a, &r);
	reply_free(&r);
	buf_free(&l.line);
	return code;
}

/* One stream until it ends.  0: it ended, try again; or an exit code + 1 */
static int stream(CURLM *multi, bool *any, follow_h *h, void *arg)
{
	int running = 1, queued, code;
	int64_t last = 0;

	*any = true;		/* a first look */
	while (running && !interrupted) {
		if (curl_multi_perform(multi, &running) != CURLM_OK)
			return 0;
		if (*any || now_ms() - last >= 1000) {
			code = running ? h(*any ? FOLLOW_NEWS : FOLLOW_TICK,
					   arg)
				       : 0;
			*any = false;
			last = now_ms();
			if (code)
				return code + 1;
		}
		if (running)
			curl_multi_poll(multi, NULL, 0, 1000, &queued);
	}
	return interrupted ? EXIT_DONE + 1 : 0;
}

int follow_do(struct cli *c, follow_h *h, void *arg)
{
	const struct sigaction sa = {.sa_handler = interrupt};
	const struct timespec pause = {1, 0};
	int code = 0;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	while (!code) {
		CURLM *multi = curl_multi_init();
		CURL *curl = curl_easy_init();
		bool any = false;

		if (!multi || !curl || !common_set(curl, c)) {
			code = EXIT_UNREACHABLE + 1;
		} else {
			curl_easy_setopt(curl, CURLOPT_URL,
					 "http://ringdown/v1/events");
			curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, news);
			curl_easy_setopt(curl, CURLOPT_WRITEDATA, &any);
			curl_multi_add_handle(multi, curl);
			code = stream(multi, &any, h, arg);
			curl_multi_remove_handle(multi, curl);
		}
		curl_easy_cleanup(curl);
		curl_multi_cleanup(multi);
		if (!code && (code = h(FOLLOW_LOST, arg)) != 0)
			code++;
		if (!code && !interrupted)
			nanosleep(&pause, NULL);
		if (!code && interrupted)
			code = EXIT_DONE + 1;
	}
	return code - 1;
}
