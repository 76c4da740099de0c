/* SPDX-License-Identifier: ISC */
/**
 * @file verify.h  The offline verifier (docs/record.md sections 7 and 8)
 *
 * Written from the document. It shares no code with the daemon, so that a
 * mistake in one of them does not hide in the other: libc and libcrypto only.
 * Functions returning int give 0 or a positive errno; those returning bool say
 * whether the input is well-formed, and write their results only then.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HASH_LEN = 32,
	KEY_LEN = 32,
	SIG_LEN = 64,
	HOST_MAX = 63,
	ORIGIN_MAX = 192,	/* two hosts, "/ringdown/", "/", 32 digits */
	ENTRY_MAX = 49152,
	ENTRY_MIN = 128,	/* below any entry of right grammar (203) */
	FIELDS_MAX = 64,
	NOTE_MAX = 16384,
	CARD_MAX = 16384,
	FORK_MAX = 65536,
	B64_MAX = 65536,	/* of one line: an entry, in a tlog-proof */
	PROOF_MAX = 131072,	/* of a tlog-proof: such a line, and a note */
	DOSSIER_MAX = 200,
	SIGS_MAX = 16,
	LEVELS_MAX = 48,	/* levels of a tree: a file is < 2^48 entries */
	ADDRESSES_MAX = 8,
	PLACE_MAX = 1100,	/* an escaped name of 255 bytes and more */
	VKEYS_MAX = 16,
};

#define UINT_MAX_VALUE ((uint64_t)INT64_MAX)

/** Borrowed bytes. */
struct slice {
	const uint8_t *p;
	size_t n;
};

/* text.c: the small grammar. All of it is strict; nothing is repaired. */
bool slice_is(struct slice s, const char *str);
bool slice_line(struct slice *in, struct slice *line);
bool slice_after(struct slice *s, const char *prefix);
bool slice_word(struct slice *in, struct slice *word);
bool text_clean(const uint8_t *p, size_t n, bool lf);
bool uint_parse(struct slice s, uint64_t *v);
bool hex_parse(struct slice s, uint8_t *out, size_t bytes);
bool b64_parse(struct slice s, uint8_t *out, size_t max, size_t *len);
bool b64_exact(struct slice s, uint8_t *out, size_t bytes);
bool token_ok(struct slice s);
bool value_ok(struct slice s);
bool host_ok(struct slice s);
bool address_ok(struct slice s);
bool ts_parse(struct slice s, int64_t *ms);
int64_t time_ms(uint64_t time_s);
void ts_print(int64_t ms, char out[static 25]);
void hex_print(const uint8_t *p, size_t n, char *out);
void b64_print(const uint8_t *p, size_t n, char *out);
size_t escape(const uint8_t *p, size_t n, bool space, char *out, size_t max);

/* hash.c: SHA-256 and RFC 6962 trees. */

/** A tree that grows by leaves; with `keep` it knows the root at any size. */
struct tree {
	uint64_t n;
	bool keep;
	uint8_t (*level[LEVELS_MAX])[HASH_LEN];
};

int hash_init(void);
void hash_close(void);
void hash_bytes(const void *p, size_t n, uint8_t out[static HASH_LEN]);
void hash_leaf(const void *p, size_t n, uint8_t out[static HASH_LEN]);
void hash_node(const uint8_t *l, const uint8_t *r, uint8_t *out);
int hash_fd(int fd, uint64_t *bytes, uint8_t out[static HASH_LEN]);
int tree_alloc(struct tree *t, uint64_t n, bool keep);
void tree_close(struct tree *t);
void tree_push(struct tree *t, const uint8_t leaf[static HASH_LEN]);
void tree_root(const struct tree *t, uint64_t n, uint8_t *out);
bool inclusion_ok(uint64_t i, uint64_t n, const uint8_t *leaf,
		  const uint8_t (*proof)[HASH_LEN], size_t count,
		  const uint8_t *root);
bool consistency_ok(uint64_t n, uint64_t m, const uint8_t *first,
		    const uint8_t *second, const uint8_t (*proof)[HASH_LEN],
		    size_t count);

/* note.c: keys, cards and signed checkpoints. */
enum { TYPE_LOG = 1, TYPE_COSIGNER = 4 };

struct key {
	char name[ORIGIN_MAX];
	uint8_t type;
	uint8_t id[4];
	uint8_t pub[KEY_LEN];
};

struct card {
	char host[HOST_MAX + 1];
	uint8_t log[KEY_LEN], cosigner[KEY_LEN], trunk[KEY_LEN];
	uint8_t next[HASH_LEN];
	uint8_t text[CARD_MAX];	/* the public card, exactly */
	size_t text_len;
};

struct sig {
	struct slice name;
	uint8_t raw[4 + 8 + SIG_LEN];	/* the first bytes of `len` */
	size_t len;
};

/** A checkpoint. Slices point into the bytes it was parsed from. */
struct note {
	struct slice text, origin;
	uint64_t size;
	uint8_t root[HASH_LEN];
	struct sig sig[SIGS_MAX];
	unsigned sigs;
	unsigned mask;			/* bit k: key k signed, validly */
	uint64_t time_s[VKEYS_MAX];	/* of key k, if a cosigner */
};

void key_make(struct key *k, const char *name, uint8_t type,
	      const uint8_t pub[static KEY_LEN]);
void key_print(const struct key *k, char out[static ORIGIN_MAX + 64]);
bool key_parse(struct slice s, struct key *k);
bool card_parse(struct slice s, bool whole_ok, struct card *c);
bool note_parse(struct slice s, struct note *n);
bool note_verify(struct note *n, const struct key *keys, unsigned count);
bool cosignature_ok(const struct key *k, uint64_t time_s, struct slice text,
		    const uint8_t sig[static SIG_LEN]);

/* entry.c: entries and their types. */
struct field {
	struct slice name, value;
};

struct entry {
	struct slice log, root_text, type, fields, text;
	uint64_t seq, seen;
	int64_t time_ms;
	uint8_t root[HASH_LEN];
	struct field field[FIELDS_MAX];
	unsigned count;
	bool understood;		/* `open` apart: see judge.c */
	bool clock;			/* understood, a fault of kind clock */
};

bool entry_parse(struct slice s, struct entry *e);
struct slice entry_field(const struct entry *e, const char *name);
bool blob_parse(struct slice s, uint8_t hash[static HASH_LEN],
		uint64_t *bytes);

/* dossier.c, judge.c: what was handed over, and what is to be said of it. */
enum level { TRUSTED, SUSPECTED, EXPOSED, INVALID };

struct verdict {
	enum level level;
	int side;
	const char *reason;
	char place[PLACE_MAX];
};

/** What an entry is as a restore; until weighed, every one is as if good. */
enum restore {
	RESTORE_NONE, RESTORE_GOOD, RESTORE_UNATTESTED, RESTORE_WRONG
};

/** What is kept of an entry: 32 bytes. */
struct item {
	uint64_t off, seen;
	int64_t time_ms;
	uint16_t len;
	uint16_t root_at;	/* where in it the root of `seen` stands */
	uint16_t blob_at;	/* where the value of `blob`; 0: it names none */
	uint8_t restore;	/* enum restore */
	bool ack : 1, clock : 1, understood : 1;
};

struct side {
	struct card card;
	char origin[ORIGIN_MAX];
	char feed_name[HOST_MAX + 6];	/* feed.HOST */
	const uint8_t *feed;
	size_t feed_bytes;
	uint64_t n;
	struct tree tree;
	struct item *item;
	bool has_checkpoint, has_cosigned, has_idle;
	struct note checkpoint, cosigned, idle;
	uint8_t buf[3][NOTE_MAX];
	uint64_t unknown;		/* entries not understood */
	uint64_t clock_least_s;		/* least time of a clock's fault */
};

enum { ORIGIN_JOINT = 2 };

struct dossier {
	int dir;
	const char *path;
	struct verdict verdict;
	char host[2][HOST_MAX + 1];	/* by bytes; for the shape only */
	bool known;			/* the cards are: side[] is filled */
	bool judged;			/* checks 5 to 9 ran to their end */
	bool carded[2];			/* compared with a --card */
	unsigned exporter;
	struct side side[2];		/* lo, the pivot; hi */
	/* log key of the owner, its cosigner, the other's cosigner; by origin:
	   the feed of lo, the feed of hi, the joint record */
	struct key keys[3][3];
	char joint_origin[ORIGIN_MAX];
	bool has_joint;
	struct note joint;
	uint8_t joint_buf[NOTE_MAX];
	uint64_t joint_n;
	uint8_t joint_root[HASH_LEN];
	uint64_t held, withheld;
};

int dossier_open(struct dossier *d, const char *path, const struct card *given,
		 unsigned count);
int dossier_judge(struct dossier *d);
void dossier_close(struct dossier *d);
int pair_derive(struct dossier *d);
int file_read(int dir, const char *name, uint8_t *buf, size_t max,
	      struct slice *s);
int file_open(int dir, const char *name, uint64_t *bytes);
int judge_blobs(struct dossier *d);
int judge_proofs(struct dossier *d);
void judge_fork(struct dossier *d, unsigned origin, const struct note *first,
		const struct note *second, const char *place);
bool fork_parse(struct slice in, const struct key keys[static 3][3],
		unsigned *origin, struct note *first, struct note *second);
int verdict_invalid(struct dossier *d, const char *reason, const char *fmt,
		    ...) __attribute__((format(printf, 3, 4)));
void verdict_add(struct dossier *d, enum level level, unsigned side,
		 const char *reason, const char *place, int64_t n);
/* report.c: to stdout. */
void report_human(const struct dossier *d, bool verbose);
void report_json(const struct dossier *d);
void report_timeline(const struct dossier *d);
void report_verdict(const struct dossier *d);

/* single.c: one proof or note, apart from any dossier. */
int single_proof(struct dossier *d, const struct key *keys, unsigned count,
		 struct slice proof, struct slice entry, const char *place);
int single_note(struct dossier *d, const struct key *keys, unsigned count,
		struct slice note, const char *place, const uint8_t *root,
		uint64_t leaves);

bool side_entry(const struct side *s, uint64_t i, struct entry *e);

#endif
