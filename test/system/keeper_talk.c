/* SPDX-License-Identifier: ISC */
/** @file keeper_talk.c  What people ask of the two keepers, in short */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "keeper_talk.h"

const char *const talk_host[2] = {"north.example", "south.example"};

struct wire_msg talk_msg(enum wire_type type)
{
	struct wire_msg m;

	memset(&m, 0, sizeof(m));
	m.type = type;
	m.fd = -1;
	return m;
}

struct wire_msg talk_notice_msg(int from, const char *id, enum submit_wait w,
				const char *text)
{
	struct wire_msg m = talk_msg(WIRE_Q_SUBMIT);

	m.q_submit = (struct wire_q_submit){0,
					    str_of(talk_host[!from]),
					    ENTRY_NOTICE,
					    (uint8_t)w,
					    str_of(id),
					    str_of("Anna"),
					    str_of("flash"),
					    str_of("A \"subject\""),
					    str_of(""),
					    str_of("text/plain"),
					    str_of(""),
					    str_of(text)};
	return m;
}

struct wire_msg talk_box_msg(enum wire_type type, int at, uint8_t box,
			     uint64_t seq)
{
	struct wire_msg m = talk_msg(type);

	if (type == WIRE_Q_SHOW)
		m.q_show = (struct wire_q_show){0, str_of(talk_host[!at]), box,
						seq};
	else if (type == WIRE_Q_ENTRY)
		m.q_entry = (struct wire_q_entry){0, str_of(talk_host[!at]),
						  box, seq};
	else if (type == WIRE_Q_ITEMS)
		m.q_items = (struct wire_q_items){0, str_of(talk_host[!at]),
						  box, seq, 500};
	else
		m.q_body = (struct wire_q_body){
			0, str_of(talk_host[!at]), box, seq, 0, str_of("Bert")};
	return m;
}

struct wire_msg talk_pair_msg(enum wire_type type, const char *peer)
{
	struct wire_msg m = talk_msg(type);

	/* Q_CONFIRM, Q_REVOKE and Q_VOUCH are alike */
	m.q_confirm = (struct wire_q_confirm){0, str_of("Anna"), str_of(peer)};
	return m;
}

uint64_t talk_number(json_t *root, const char *name)
{
	json_t *v = json_object_get(root, name);

	MUST(json_is_integer(v));
	return (uint64_t)json_integer_value(v);
}

bool talk_is(json_t *root, const char *name, const char *want)
{
	const char *v = json_string_value(json_object_get(root, name));

	return v && !strcmp(v, want);
}

/* The one pair in the status of a node; to be json_decref()ed */
json_t *talk_pair_status(struct krig *r, int i)
{
	struct wire_msg m = talk_msg(WIRE_Q_STATUS);
	json_t *root = krig_json(r, i, &m, 200);
	json_t *pair = json_array_get(json_object_get(root, "pairs"), 0);

	json_incref(pair);
	json_decref(root);
	return pair;
}

bool talk_pair_is(struct krig *r, int i, const char *name, const char *want)
{
	json_t *pair = talk_pair_status(r, i);
	const bool yes = talk_is(pair, name, want);

	json_decref(pair);
	return yes;
}

static bool has_state(json_t *item, const char *state)
{
	json_t *states = json_object_get(item, "states"), *v;
	size_t i;

	json_array_foreach(states, i, v)
	{
		if (!strcmp(json_string_value(v), state))
			return true;
	}
	return false;
}

bool talk_item_has(struct krig *r, int i, uint8_t box, uint64_t seq,
		   const char *state)
{
	struct wire_msg m = talk_box_msg(WIRE_Q_SHOW, i, box, seq);
	json_t *item = krig_json(r, i, &m, 200);
	const bool yes = has_state(item, state);

	json_decref(item);
	return yes;
}

void talk_card_of(struct krig *r, int i, char out[4097])
{
	struct wire_msg m = talk_msg(WIRE_Q_CARD);
	struct krig_answer *a;

	m.q_card.by = str_of("Anna");
	a = krig_expect(r, i, &m, 200);
	MUST(a->body.n < 4096);
	memcpy(out, a->body.p, a->body.n);
	out[a->body.n] = '\0';
}

struct wire_msg talk_add_msg(const char *card)
{
	struct wire_msg m = talk_msg(WIRE_Q_PAIR);

	m.q_pair = (struct wire_q_pair){0, str_of("Anna"), str_of(""),
					str_of(card)};
	return m;
}

void talk_pair_up(struct krig *r)
{
	char card[2][4097], words[2][200] = {"", ""};
	struct wire_msg m;

	talk_card_of(r, N, card[N]);
	talk_card_of(r, S, card[S]);
	for (int i = 0; i < 2; i++) {
		json_t *root;

		m = talk_add_msg(card[!i]);
		root = krig_json(r, i, &m, 201);
		MUST(talk_is(root, "peer", talk_host[!i]));
		snprintf(words[i], sizeof(words[i]), "%s",
			 json_string_value(json_object_get(root, "words")));
		json_decref(root);
	}
	MUST(strlen(words[0]) > 30 && !strcmp(words[0], words[1]));
	for (int i = 0; i < 2; i++) {
		json_t *root;

		m = talk_pair_msg(WIRE_Q_CONFIRM, talk_host[!i]);
		root = krig_json(r, i, &m, 200);
		MUST(talk_is(root, "state", "live"));
		json_decref(root);
	}
}

void talk_line_up(struct krig *r)
{
	talk_pair_up(r);
	krig_line(r, true);
	KRIG_WAIT(r, krig_joined(r), 10000);
}

uint64_t talk_notice(struct krig *r, int from, enum submit_wait wait,
		     const char *text)
{
	static const char *const state[] = {"stored", "acked", "held"};
	struct wire_msg m = talk_notice_msg(from, "", wait, text);
	json_t *root = krig_json(r, from, &m, 201);
	const uint64_t seq = talk_number(root, "seq");

	MUST(talk_is(root, "state", state[wait]));
	json_decref(root);
	return seq;
}

struct wire_msg talk_document_msg(int from, int fd, uint64_t bytes,
				  enum submit_wait wait)
{
	struct wire_msg m = talk_msg(WIRE_Q_SUBMIT_FD);

	m.fd = fd;
	m.q_submit_fd = (struct wire_q_submit_fd){0,
						  str_of(talk_host[!from]),
						  ENTRY_DOCUMENT,
						  (uint8_t)wait,
						  str_of("doc-1"),
						  str_of("Anna"),
						  str_of("routine"),
						  str_of("A document"),
						  str_of("plan.pdf"),
						  str_of("application/pdf"),
						  str_of(""),
						  bytes};
	return m;
}

int talk_memfd_of(const uint8_t *p, size_t n, bool seal)
{
	const int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	MUST(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	MUST(!seal || !fcntl(fd, F_ADD_SEALS,
			     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	return fd;
}

struct wire_msg talk_bulk_msg(int from, struct buf *items, unsigned count,
			      enum submit_wait wait)
{
	struct wire_msg m = talk_msg(WIRE_Q_BULK);

	buf_reset(items);
	for (unsigned i = 0; i < count; i++) {
		buf_u16(items, 7);
		buf_str(items, "subject");
		buf_u16(items, 100);
		for (int j = 0; j < 100; j++)
			buf_u8(items, 'x');
	}
	m.q_bulk = (struct wire_q_bulk){0,
					str_of(talk_host[!from]),
					(uint8_t)wait,
					str_of("Anna"),
					(uint16_t)count,
					{(const char *)items->p, items->n}};
	return m;
}

uint64_t talk_joint_size(struct krig *r, int i)
{
	json_t *pair = talk_pair_status(r, i);
	const uint64_t n = talk_number(json_object_get(pair, "joint"), "size");

	json_decref(pair);
	return n;
}

bool talk_quiet(struct krig *r)
{
	json_t *p[2] = {talk_pair_status(r, N), talk_pair_status(r, S)};
	bool yes = true;

	for (int i = 0; i < 2; i++) {
		yes = yes && !talk_number(p[i], "unacknowledged") &&
		      talk_number(json_object_get(p[i], "own"), "size") ==
			      talk_number(json_object_get(p[!i], "other"),
					  "size");
	}
	json_decref(p[0]);
	json_decref(p[1]);
	return yes && talk_joint_size(r, N) == talk_joint_size(r, S);
}

static void unpack(const struct krig_answer *a, const char *dir)
{
	uint8_t *p = malloc(a->bytes);
	char path[600], name[200];
	struct cur c;

	MUST(p &&
	     pread(a->fd, p, a->bytes, (off_t)a->offset) == (ssize_t)a->bytes);
	MUST(!mkdir(dir, 0700));
	snprintf(path, sizeof(path), "%s/blob", dir);
	MUST(!mkdir(path, 0700));
	c = cur_of(p, a->bytes);
	for (;;) {
		const size_t n = cur_u16(&c);
		const uint8_t *s = cur_take(&c, n), *body;
		uint64_t bytes;
		int fd;

		if (!n)
			break;
		MUST(s && n < sizeof(name));
		memcpy(name, s, n);
		name[n] = '\0';
		bytes = cur_u64(&c);
		body = cur_take(&c, bytes);
		MUST(!c.bad);
		snprintf(path, sizeof(path), "%.300s/%s", dir, name);
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
		MUST(fd >= 0 && write(fd, body, bytes) == (ssize_t)bytes);
		close(fd);
	}
	MUST(cur_done(&c));
	free(p);
}

static const char *verifier(void)
{
	static char path[500];
	const char *v = getenv("RINGDOWN_VERIFY"), *bin = getenv("BIN");

	if (v)
		return v;
	snprintf(path, sizeof(path), "%s/ringdown-verify", bin ? bin : ".");
	return access(path, X_OK) ? NULL : path;
}

void talk_verify(struct krig *r, int i, uint8_t bodies, const char *as)
{
	struct wire_msg m = talk_msg(WIRE_Q_EXPORT);
	char dir[300], out[320], text[200] = "";
	int st, fd;
	pid_t pid;

	m.q_export = (struct wire_q_export){0, str_of(talk_host[!i]), bodies};
	snprintf(dir, sizeof(dir), "%s/%s", r->base, as);
	unpack(krig_expect(r, i, &m, 200), dir);
	if (!verifier()) {
		printf("keeper: no verifier, dossier %s not judged\n", as);
		return;
	}
	snprintf(out, sizeof(out), "%s.out", dir);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		fd = open(out, O_CREAT | O_WRONLY, 0600);
		dup2(fd, 1);
		execl(verifier(), verifier(), dir, (char *)NULL);
		_exit(71);
	}
	MUST(waitpid(pid, &st, 0) == pid && WIFEXITED(st));
	fd = open(out, O_RDONLY);
	MUST(read(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	if (WEXITSTATUS(st))
		fprintf(stderr, "%s: verifier %d: %s\n", as, WEXITSTATUS(st),
			text);
	MUST(!WEXITSTATUS(st));
}
