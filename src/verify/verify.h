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
/** Are these the bytes of a string? */
bool slice_is(struct slice s, const char *str);
/** Take one line; what follows the last LF is no line. */
bool slice_line(struct slice *in, struct slice *line);
/** Step over a prefix; false, and nothing is taken: it is not there. */
bool slice_after(struct slice *s, const char *prefix);
/** Take the bytes before the next SP, and the SP; without one, the rest. */
bool slice_word(struct slice *in, struct slice *word);
/** Strict UTF-8 without control characters, LF excepted when `lf`. */
bool text_clean(const uint8_t *p, size_t n, bool lf);
/** Decimal without leading zeros, at most 2^63-1. */
bool uint_parse(struct slice s, uint64_t *v);
/** Lower-case hex of exactly `bytes` bytes; `out` may be NULL. */
bool hex_parse(struct slice s, uint8_t *out, size_t bytes);
/**
 * Canonical base64 with padding: what is decoded must encode to the same. Of a
 * longer value the first `max` bytes are kept and `len` is the whole length.
 */
bool b64_parse(struct slice s, uint8_t *out, size_t max, size_t *len);
/** Canonical base64 of exactly `bytes` bytes. */
bool b64_exact(struct slice s, uint8_t *out, size_t bytes);
/** docs/record.md 3: token. */
bool token_ok(struct slice s);
/** Length and spaces of a value; its characters are text_clean()'s. */
bool value_ok(struct slice s);
/** docs/record.md 2: host. */
bool host_ok(struct slice s);
/** IPv4:port or [IPv6]:port. */
bool address_ok(struct slice s);
/** 24 bytes, a day that there is; milliseconds since 1970. */
bool ts_parse(struct slice s, int64_t *ms);
/** Milliseconds of POSIX seconds, as far as they reach. */
int64_t time_ms(uint64_t time_s);
/** The inverse of ts_parse(); a time beyond its range is cut off there. */
void ts_print(int64_t ms, char out[static 25]);
/** 2n digits and NUL. */
void hex_print(const uint8_t *p, size_t n, char *out);
/** (n + 2) / 3 * 4 characters and NUL. */
void b64_print(const uint8_t *p, size_t n, char *out);
/**
 * Make bytes of another's making fit to print: %x21-7E except the backslash,
 * and SP when `space`, stand; all else becomes \xHH. Cut off to fit `max`.
 * With `space` it is people's text: readable UTF-8 beyond ASCII stands as well.
 */
size_t escape(const uint8_t *p, size_t n, bool space, char *out, size_t max);

/* hash.c: SHA-256 and RFC 6962 trees. */

/** A tree that grows by leaves; with `keep` it knows the root at any size. */
struct tree {
	uint64_t n;
	bool keep;
	uint8_t (*level[LEVELS_MAX])[HASH_LEN];
};

/** @return 0, or ENOMEM when libcrypto cannot give SHA-256 */
int hash_init(void);
/** Give back what hash_init() took; without it nothing. */
void hash_close(void);
/** SHA-256. Aborts if libcrypto fails: no hash must pass for one. */
void hash_bytes(const void *p, size_t n, uint8_t out[static HASH_LEN]);
/** RFC 6962: SHA-256 of 00 and the entry. */
void hash_leaf(const void *p, size_t n, uint8_t out[static HASH_LEN]);
/** RFC 6962: SHA-256 of 01 and both hashes; `out` may be one of them. */
void hash_node(const uint8_t *l, const uint8_t *r, uint8_t *out);
/** Hash a file from where it stands to its end. */
int hash_fd(int fd, uint64_t *bytes, uint8_t out[static HASH_LEN]);
/**
 * Room for n leaves: with `keep` all nodes (64 bytes a leaf), else one node a
 * level, and the root is known at the present size only.
 */
int tree_alloc(struct tree *t, uint64_t n, bool keep);
/** Free what tree_alloc() gave; a zeroed tree is left alone. */
void tree_close(struct tree *t);
/** No more leaves than tree_alloc() was told of. */
void tree_push(struct tree *t, const uint8_t leaf[static HASH_LEN]);
/** Root of the first n leaves; without `keep` n must be the tree's size. */
void tree_root(const struct tree *t, uint64_t n, uint8_t *out);
/** RFC 9162 section 2.1.3.2. */
bool inclusion_ok(uint64_t i, uint64_t n, const uint8_t *leaf,
		  const uint8_t (*proof)[HASH_LEN], size_t count,
		  const uint8_t *root);
/** RFC 9162 section 2.1.4.2, for 1 <= n < m. */
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

/** Fill in a key and its C2SP key ID. The name is shorter than ORIGIN_MAX. */
void key_make(struct key *k, const char *name, uint8_t type,
	      const uint8_t pub[static KEY_LEN]);
/** The vkey, NUL added. */
void key_print(const struct key *k, char out[static ORIGIN_MAX + 64]);
/** A vkey of type 01 or 04: name "+" 8 hex digits "+" base64. */
bool key_parse(struct slice s, struct key *k);
/**
 * A public card, or also a whole one when `whole_ok`. That the three keys
 * differ is checked here; that two cards' keys do is the caller's business.
 */
bool card_parse(struct slice s, bool whole_ok, struct card *c);
/** A note whose text is a checkpoint without extension lines. */
bool note_parse(struct slice s, struct note *n);
/**
 * Check every line of a known key; sets `mask` and `time_s`.
 *
 * @return false if one is bad, or if two lines are of one known key: whoever
 *         reads such a note could not say which of them counts
 */
bool note_verify(struct note *n, const struct key *keys, unsigned count);
/** A cosignature/v1 by k, at that time, over a checkpoint body. */
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

/** The envelope's grammar, alone and whole; then what the type says. */
bool entry_parse(struct slice s, struct entry *e);
/** The value of a field, empty if there is none of this name. */
struct slice entry_field(const struct entry *e, const char *name);
/** A BLOB: its hash and its size. */
bool blob_parse(struct slice s, uint8_t hash[static HASH_LEN], uint64_t *bytes);

/* dossier.c, judge.c: what was handed over, and what is to be said of it. */
enum level { TRUSTED, SUSPECTED, EXPOSED, INVALID };

struct verdict {
	enum level level;
	int side;
	const char *reason;
	char place[PLACE_MAX];
};

/** What an entry is as a restore; until weighed, every one is as if good. */
enum restore { RESTORE_NONE, RESTORE_GOOD, RESTORE_UNATTESTED, RESTORE_WRONG };

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

/**
 * Open a dossier and do checks 1 and 2, compared with the cards given.
 *
 * @return 0; EBADMSG: the verdict is `invalid`; else it could not be read
 */
int dossier_open(struct dossier *d, const char *path, const struct card *given,
		 unsigned count);
/**
 * Checks 3 to 10.
 *
 * @return 0; EBADMSG: the verdict is `invalid`; else it could not be read
 */
int dossier_judge(struct dossier *d);
/** Copes with one that was opened in part, or not at all. */
void dossier_close(struct dossier *d);
/** From two cards in side[]: their order, origins and keys. EINVAL: one host
 * or one key is in both. */
int pair_derive(struct dossier *d);
/** Read a small file. @return 0, EMSGSIZE beyond max, ENOENT and others */
int file_read(int dir, const char *name, uint8_t *buf, size_t max,
	      struct slice *s);
/** @return a regular file's descriptor, or -1 with errno */
int file_open(int dir, const char *name, uint64_t *bytes);
/** Check 9; counts what is held and what is withheld. */
int judge_blobs(struct dossier *d);
/** Check 10. */
int judge_proofs(struct dossier *d);
/**
 * Two notes over `origin`, both signed by its log key, contradict each other:
 * the signer forked, or was made to by one who hid what the signer had lost.
 */
void judge_fork(struct dossier *d, unsigned origin, const struct note *first,
		const struct note *second, const char *place);
/** A fork proof that proves: form, signatures and contradiction. */
bool fork_parse(struct slice in, const struct key keys[static 3][3],
		unsigned *origin, struct note *first, struct note *second);
/** Set the verdict `invalid`, which ends the run. @return EBADMSG */
int verdict_invalid(struct dossier *d, const char *reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Note what is found: the first `exposed` stays, else the first `suspected`.
 * n < 0: the place is the file itself. */
void verdict_add(struct dossier *d, enum level level, unsigned side,
		 const char *reason, const char *place, int64_t n);
/* report.c: to stdout. */
/** Sides, fingerprints, sizes, warnings. `verbose`: also the vkeys. */
void report_human(const struct dossier *d, bool verbose);
/** One object on one line, the verdict in it. */
void report_json(const struct dossier *d);
/** The joint record, an entry a line, then what is not placed. */
void report_timeline(const struct dossier *d);
/** The line `verdict: ...`. */
void report_verdict(const struct dossier *d);

/* single.c: one proof or note, apart from any dossier. */
/**
 * Check that the entry lies where the proof says. Without an entry the
 * proof's `extra` must hold it.
 *
 * @return 0; EBADMSG, then the verdict is set; ENOENT: there is no entry
 */
int single_proof(struct dossier *d, const struct key *keys, unsigned count,
		 struct slice proof, struct slice entry, const char *place);
/**
 * Check a checkpoint; with `root` also that this is the root of its `leaves`.
 *
 * @return 0 or EBADMSG, then the verdict is set
 */
int single_note(struct dossier *d, const struct key *keys, unsigned count,
		struct slice note, const char *place, const uint8_t *root,
		uint64_t leaves);

/** Entry i, which has passed check 4. */
bool side_entry(const struct side *s, uint64_t i, struct entry *e);

#endif
