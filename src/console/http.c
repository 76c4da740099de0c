/* SPDX-License-Identifier: ISC */
/** @file http.c  HTTP with libmicrohttpd: from a connection to a job and back */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/log.h"
#include "console/server.h"

/* ---- connections ---- */

static void client_seen(void *cls, struct MHD_Connection *con, void **context,
			enum MHD_ConnectionNotificationCode code)
{
	struct console *c = cls;
	struct client *k = *context;
	const union MHD_ConnectionInfo *info;
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (!k)
			return;
		*k->link = k->next;
		if (k->next)
			k->next->link = k->link;
		free(k);
		*context = NULL;
		/* at the limit it has stopped listening, and looks whether it
		 * may go on only when it runs */
		c->again = true;
		return;
	}
	info = MHD_get_connection_info(con, MHD_CONNECTION_INFO_CONNECTION_FD);
	k = calloc(1, sizeof(*k));
	if (!k || !info) {
		free(k);
		return;		/* without it every request is refused */
	}
	k->fd = info->connect_fd;
	k->uid = UINT32_MAX;
	if (!getsockopt(k->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) &&
	    n == sizeof(peer))
		k->uid = peer.uid;
	k->deadline_ms = c->now_ms + HEAD_MS_MAX;
	k->next = c->clients;
	k->link = &c->clients;
	if (k->next)
		k->next->link = &k->next;
	c->clients = k;
	*context = k;
}

static struct client *client_of(struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		con, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* ---- jobs ---- */

/* The raw target: the library's own idea of path and query is not used, so that
 * there is one parser of them, which is fuzzed */
static void *job_begin(void *cls, const char *target,
		       struct MHD_Connection *con)
{
	struct console *c = cls;
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->target = strdup(target);
	if (!j->target) {
		free(j);
		return NULL;
	}
	j->c = c;
	j->con = con;
	j->client = client_of(con);
	j->answer.fd = -1;
	buf_init(&j->answer.body, ANSWER_BYTES_MAX);
	buf_init(&j->text, JSON_BYTES_MAX);
	upload_init(&j->in);
	j->next = c->jobs;
	j->link = &c->jobs;
	if (j->next)
		j->next->link = &j->next;
	c->jobs = j;
	return j;
}

void job_end(struct job *j)
{
	struct console *c = j->c;

	ask_cancel(c, j->req);
	j->bulk = bulk_free(j->bulk);
	upload_free(c, &j->in);
	buf_free(&j->text);
	buf_free(&j->answer.body);
	buf_free(&j->out);
	if (j->answer.fd >= 0)
		close(j->answer.fd);
	if (j->held)
		c->held--;
	*j->link = j->next;
	if (j->next)
		j->next->link = j->link;
	free(j->target);
	free(j);
}

static void completed(void *cls, struct MHD_Connection *con, void **context,
		      enum MHD_RequestTerminationCode code)
{
	struct console *c = cls;
	struct job *j = *context;

	(void)con;
	(void)code;
	if (!j)
		return;
	if (j->client)
		j->client->deadline_ms = c->now_ms + HEAD_MS_MAX;
	*context = NULL;
	job_end(j);
}

void job_sleep(struct job *j)
{
	if (j->suspended)
		return;
	j->suspended = true;
	if (j->client)
		j->client->deadline_ms = UINT64_MAX;
	MHD_suspend_connection(j->con);
}

void job_wake(struct job *j)
{
	if (!j->suspended)
		return;
	j->suspended = false;
	if (j->client && j->stage == STAGE_BODY)
		j->client->deadline_ms = j->c->now_ms + HEAD_MS_MAX;
	MHD_resume_connection(j->con);
}

/* ---- answers ---- */

static void header(struct MHD_Response *r, const char *name, const char *value)
{
	/* a header that cannot be added for want of memory is left out */
	(void)MHD_add_response_header(r, name, value);
}

/* RFC 6266 with RFC 8187 for a name that may be in any script */
static void name_header(struct MHD_Response *r, const char *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789.-_~";
	struct buf b;

	buf_init(&b, 64 + 3 * NAME_BYTES_MAX);
	buf_str(&b, "attachment; filename*=UTF-8''");
	for (const char *p = name; *p; p++) {
		if (strchr(plain, *p))
			buf_u8(&b, (uint8_t)*p);
		else
			buf_printf(&b, "%%%02X", (uint8_t)*p);
	}
	buf_u8(&b, '\0');
	if (!b.err)
		header(r, MHD_HTTP_HEADER_CONTENT_DISPOSITION, (char *)b.p);
	buf_free(&b);
}

static enum MHD_Result queue(struct job *j, unsigned http, const char *media,
			     struct MHD_Response *r)
{
	enum MHD_Result ok;

	if (!r)
		return MHD_NO;
	header(r, MHD_HTTP_HEADER_CONTENT_TYPE, media);
	header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	header(r, "X-Content-Type-Options", "nosniff");
	if (http == MHD_HTTP_SERVICE_UNAVAILABLE)
		header(r, MHD_HTTP_HEADER_RETRY_AFTER, "2");
	if (j->problem.allow)
		header(r, MHD_HTTP_HEADER_ALLOW, j->problem.allow);
	if (j->answer.name[0])
		name_header(r, j->answer.name);
	if (j->client)
		j->client->deadline_ms = UINT64_MAX;
	j->stage = STAGE_ANSWERED;
	ok = MHD_queue_response(j->con, http, r);
	MHD_destroy_response(r);
	log_debug("request", "status=%u target=%s by=%s", http, j->target,
		  j->r.by);
	return ok;
}

/* The buffer's memory goes to the library */
static struct MHD_Response *response_of(struct buf *b)
{
	struct MHD_Response *r;

	if (b->err)
		return NULL;
	if (!b->n)
		return MHD_create_response_from_buffer(0, (void *)"",
						       MHD_RESPMEM_PERSISTENT);
	r = MHD_create_response_from_buffer(b->n, b->p, MHD_RESPMEM_MUST_FREE);
	if (r)
		buf_init(b, b->max);
	return r;
}

static enum MHD_Result respond(struct job *j)
{
	struct answer_parts *a = &j->answer;
	struct MHD_Response *r;
	struct buf b;

	if (j->problem.kind) {
		a->name[0] = '\0';
		buf_init(&b, 4096);
		problem_print(&j->problem, &b);
		buf_str(&b, "}");
		r = response_of(&b);
		buf_free(&b);
		return queue(j, problem_status(j->problem.kind), PROBLEM_MEDIA,
			     r);
	}
	if (a->fd >= 0 && a->bytes) {
		r = MHD_create_response_from_fd_at_offset64(a->bytes, a->fd,
							    a->offset);
		if (r)
			a->fd = -1;	/* closed with the response */
		return queue(j, a->http, a->media, r);
	}
	return queue(j, a->http, a->media, response_of(&a->body));
}

static enum MHD_Result respond_events(struct job *j)
{
	events_begin(j, MHD_lookup_connection_value(j->con, MHD_HEADER_KIND,
						    "Last-Event-ID"));
	return queue(j, MHD_HTTP_OK, "text/event-stream",
		     MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384,
						       events_read, j, NULL));
}

/* ---- requests ---- */

static uint64_t payload_max(enum payload p)
{
	switch (p) {
	case PAYLOAD_NONE: return 0;
	case PAYLOAD_CARD: return CARD_BYTES_MAX;
	case PAYLOAD_NOTICE: return JSON_BYTES_MAX;
	case PAYLOAD_LINES: return LINES_BYTES_MAX;
	case PAYLOAD_FILE: return BLOB_BYTES_MAX - BLOB_SALT_BYTES;
	case PAYLOAD_AGREEMENT: return AGREEMENT_BYTES_MAX;
	case PAYLOAD_SAID: return SAID_BYTES_MAX + 1;	/* its LF */
	}
	return 0;
}

static int too_large(struct job *j)
{
	return problem_set(&j->problem, PROBLEM_TOO_LARGE,
			   "The body is longer than the %llu bytes that are "
			   "taken here.",
			   (unsigned long long)payload_max(j->r.payload));
}

/* The declared length; UINT64_MAX when the body comes in chunks */
static uint64_t body_length(struct MHD_Connection *con)
{
	const char *s = MHD_lookup_connection_value(
		con, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t n = 0;

	if (MHD_lookup_connection_value(con, MHD_HEADER_KIND,
					MHD_HTTP_HEADER_TRANSFER_ENCODING))
		return UINT64_MAX;
	if (s && uint_parse(str_of(s), &n))
		return UINT64_MAX;
	return n;
}

/* Count the job among those that may stay as long as a cut does */
static int hold(struct job *j)
{
	if (!request_waits(&j->r))
		return 0;
	if (j->c->held >= HELD_MAX)
		return problem_set(&j->problem, PROBLEM_BUSY,
				   "48 event streams and waiting requests are "
				   "open. Close one, or do not wait. Nothing "
				   "was done.");
	j->c->held++;
	j->held = true;
	return 0;
}

static enum MHD_Result head_take(struct job *j, const char *method)
{
	const struct request_head h = {
		.method = method,
		.target = j->target,
		.media = MHD_lookup_connection_value(
			j->con, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE),
		.operator_name = MHD_lookup_connection_value(
			j->con, MHD_HEADER_KIND, "Ringdown-Operator"),
		.uid = j->client->uid,
	};
	const uint64_t length = body_length(j->con);
	int err = request_parse(&h, &j->r, &j->problem);

	j->client->deadline_ms = j->c->now_ms + HEAD_MS_MAX;
	if (!err && length && j->r.payload == PAYLOAD_NONE)
		err = problem_set(&j->problem, PROBLEM_REQUEST,
				  "This request takes no body.");
	if (!err && length != UINT64_MAX && length > payload_max(j->r.payload))
		err = too_large(j);
	if (!err && j->r.payload == PAYLOAD_LINES && bulk_alloc(&j->bulk, j))
		err = problem_set(&j->problem, PROBLEM_BUSY, "Out of memory.");
	j->stage = err ? STAGE_DRAIN : STAGE_BODY;
	/* a client that still sends would see a broken connection and not the
	 * answer; from a long body one that asked (Expect) is told at once */
	if (err && length > DRAIN_NOW_BYTES)
		return respond(j);
	return MHD_YES;
}

static void body_failed(struct job *j, int err)
{
	if (err == EFBIG || err == EMSGSIZE)
		(void)too_large(j);
	else if (!j->problem.kind)
		(void)problem_set(&j->problem, PROBLEM_BUSY,
				  "There is no room for this document at the "
				  "moment. Nothing was done.");
	j->stage = STAGE_DRAIN;
	upload_free(j->c, &j->in);
}

/* A body must come with BODY_BYTES_PER_MS on average */
static void deadline_move(struct job *j, size_t n)
{
	const uint64_t most = j->c->now_ms + HEAD_MS_MAX;
	uint64_t *d = &j->client->deadline_ms;

	if (*d == UINT64_MAX)
		return;
	*d += n / BODY_BYTES_PER_MS;
	*d = *d < most ? *d : most;
}

static enum MHD_Result body_take(struct job *j, const char *p, size_t *n)
{
	size_t used = *n;
	int err = 0;

	deadline_move(j, used);
	j->drained += used;
	if (j->drained >
	    (j->r.payload == PAYLOAD_LINES ? LINES_BYTES_MAX : BLOB_BYTES_MAX))
		return MHD_NO;	/* it was told how much is taken */
	*n = 0;
	if (j->stage == STAGE_DRAIN)
		return MHD_YES;
	if (j->bulk) {
		const size_t took = bulk_take(j->bulk, p, used);

		j->drained -= used - took;
		*n = used - took;
		if (*n)
			job_sleep(j);
		return MHD_YES;
	}
	if (j->r.payload == PAYLOAD_FILE) {
		err = upload_take(j->c, &j->in, p, used);
	} else {
		buf_put(&j->text, p, used);
		err = j->text.err                             ? j->text.err
		      : j->text.n > payload_max(j->r.payload) ? EMSGSIZE
							      : 0;
	}
	if (err)
		body_failed(j, err);
	return MHD_YES;
}

/* The whole body is here: what does it say? */
static int body_check(struct job *j)
{
	int err;

	switch (j->r.payload) {
	case PAYLOAD_NONE:
	case PAYLOAD_LINES: return 0;
	case PAYLOAD_SAID:
		if (said_check(&j->text, &j->problem))
			return EINVAL;
		buf_put(&j->in.small, j->text.p, j->text.n);
		break;
	case PAYLOAD_AGREEMENT:
	case PAYLOAD_CARD: buf_put(&j->in.small, j->text.p, j->text.n); break;
	case PAYLOAD_NOTICE:
		err = notice_parse((const char *)j->text.p, j->text.n, &j->r,
				   &j->in.small, &j->problem);
		if (err == ENOMEM)
			return problem_set(&j->problem, PROBLEM_BUSY,
					   "Out of memory.");
		return err;
	case PAYLOAD_FILE:
		if (upload_end(&j->in))
			return problem_set(&j->problem, PROBLEM_BUSY,
					   "The document could not be sealed.");
		break;
	}
	if (j->in.small.err)
		return problem_set(&j->problem, PROBLEM_BUSY, "Out of memory.");
	if (!j->in.small.n && j->in.fd < 0)
		return problem_set(&j->problem, PROBLEM_REQUEST,
				   "The body is empty.");
	return 0;
}

static enum MHD_Result body_end(struct job *j)
{
	j->client->deadline_ms = UINT64_MAX;
	if (j->stage == STAGE_DRAIN || body_check(j) || hold(j))
		return respond(j);
	if (j->r.route == ROUTE_EVENTS)
		return respond_events(j);
	j->stage = STAGE_ASKED;
	if (j->bulk) {
		if (bulk_end(j->bulk))
			return respond(j);
	} else if (ask_job(j)) {
		return respond(j);
	}
	job_sleep(j);
	return MHD_YES;
}

static enum MHD_Result asked(struct job *j)
{
	if (j->bulk ? bulk_end(j->bulk) : j->complete)
		return respond(j);
	job_sleep(j);
	return MHD_YES;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *con,
			      const char *url, const char *method,
			      const char *version, const char *data, size_t *n,
			      void **context)
{
	struct job *j = *context;

	(void)cls;
	(void)con;
	(void)url;
	(void)version;
	if (!j || !j->client || j->gone)
		return MHD_NO;
	switch (j->stage) {
	case STAGE_HEAD: return head_take(j, method);
	case STAGE_BODY:
	case STAGE_DRAIN: return *n ? body_take(j, data, n) : body_end(j);
	case STAGE_ASKED: return asked(j);
	case STAGE_ANSWERED: break;
	}
	return MHD_NO;
}

int http_start(struct console *c)
{
	c->http = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle,
		c, MHD_OPTION_LISTEN_SOCKET, c->boot->listen[0],
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CLIENTS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CON_POOL_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)READ_PAUSE_S_MAX,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_NOTIFY_CONNECTION, client_seen, c,
		MHD_OPTION_NOTIFY_COMPLETED, completed, c,
		MHD_OPTION_URI_LOG_CALLBACK, job_begin, c, MHD_OPTION_END);
	return c->http ? 0 : errno ? errno : EINVAL;
}
