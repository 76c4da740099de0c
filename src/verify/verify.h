/* SPDX-License-Identifier: ISC */
/**
 * @file verify.h  The offline verifier (docs/record.md sections 7 and 8)
 *
 * Written from the document. It shares no code with the daemon, so that a
 * mistake in one of them does not hide in the other: libc and libcrypto only.
 * It judges once and exits: what is damaged ends the run where it is found, and
 * what is mapped or allocated stays until then.
 *
 * To read it: text.c, hash.c and note.c are the formats, entry.c the entries,
 * dossier.c what a directory holds, judge.c the rules in the document's order.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned long long ull;		/* for printing */

enum {
	HASH_LEN = 32,
	KEY_LEN = 32,
	SIG_LEN = 64,
	HOST_MAX = 63,
	NAME_LEN = 192,		/* of an origin: two hosts, "/ringdown/", 32 */
	VKEY_LEN = NAME_LEN + 64,
	ENTRY_MAX = 49152,
	ENTRY_MIN = 200,	/* one that keeps the rules has 203 */
	FIELDS_MAX = 64,
	NOTE_MAX = 16384,
	CARD_MAX = 16384,
	FORK_MAX = 65536,
	ENVELOPE_MAX = 4194304,
	LINE_MAX_B64 = 65536,	/* an entry, in a tlog-proof */
	PROOF_MAX = 131072,	/* of a tlog-proof: such a line, and a note */
	DOSSIER_MAX = 200,
	SIGS_MAX = 16,
	LEVELS_MAX = 48,	/* levels of a tree: a file is < 2^48 entries */
	ADDRESSES_MAX = 8,
	PLACE_MAX = 1100,	/* an escaped name of 255 bytes and more */
	KEYS_MAX = 16,
};

/** Borrowed bytes. */
struct slice {
	const uint8_t *p;
	size_t n;
};

/* ---- text.c: the small grammar; all of it is strict, nothing is repaired */

/**
 * Does a form match, from the first byte to the last? A form is the text of a
 * format, with these in the places of what varies; each takes all up to the
 * byte that follows it in the form, and gives it to the argument in its turn:
 *
 *   %u number, uint64_t     %t time, uint64_t in ms    %* all the rest, slice
 *   %h, %s base64 of 32 or 64 bytes      %x, %c lower-case hex of 32 or 4 bytes
 *   %k token  %v value  %o host  %l one byte or more: slice
 *   %w word without SP  %i ID  %d signed number  %r FIRST LAST  %n 16 bytes in
 *   hex  %a address  %K token but not `clock`  %(a|b) a word of these: nothing
 *
 * The arguments mean something only when it does.
 */
bool scan(struct slice in, const char *form, ...);
/** The same with nothing given out. */
bool fits(struct slice in, const char *form);
/** Are these the bytes of a string? */
bool slice_is(struct slice s, const char *str);
/** A string's bytes. */
struct slice slice_of(const char *str);
/** Strict UTF-8 without control characters but LF. */
bool text_clean(struct slice s);
/** No `+` and no Unicode space in it. */
bool name_clean(struct slice s);
/** Canonical base64 with padding: its length, 0 if it is none; the first `max`
 * bytes of it go to `out`. */
size_t b64_decode(struct slice s, uint8_t *out, size_t max);
/** (n + 2) / 3 * 4 characters and NUL. */
void b64_print(const uint8_t *p, size_t n, char *out);
/** 2n digits and NUL. */
void hex_print(const uint8_t *p, size_t n, char *out);
/** 24 bytes and NUL; a time beyond the year 9999 is cut off there. */
void time_print(uint64_t s, uint64_t ms, char out[static 25]);
/**
 * Make bytes of another's making fit to print: %x21-7E except the backslash
 * stand, and all else becomes \xHH. In people's text SP stands too, and so does
 * readable UTF-8. Cut off to fit `max`.
 */
void escape(struct slice s, bool people, char *out, size_t max);

/* ---- hash.c: SHA-256, and the trees and proofs of RFC 6962 */

/** A tree that grows by leaves: the roots of its full subtrees. */
struct tree {
	uint64_t n;
	uint8_t peak[LEVELS_MAX][HASH_LEN];
};

/** SHA-256 of all parts together. */
void hash_parts(const struct slice *part, size_t parts, uint8_t *out);
/** SHA-256. */
void hash_bytes(const void *p, size_t n, uint8_t *out);
/** RFC 6962: SHA-256 of 00 and the entry. */
void hash_leaf(struct slice entry, uint8_t *out);
/** Fewer than 2^LEVELS_MAX leaves. */
void tree_push(struct tree *t, const uint8_t *leaf);
/** The root as it stands. */
void tree_root(const struct tree *t, uint8_t *out);
/** RFC 9162 section 2.1.3.2. */
bool inclusion_ok(uint64_t i, uint64_t n, const uint8_t *leaf,
		  uint8_t (*proof)[HASH_LEN], size_t count,
		  const uint8_t *root);
/** RFC 9162 section 2.1.4.2. */
bool consistency_ok(uint64_t n, uint64_t m, const uint8_t *first,
		    const uint8_t *second, uint8_t (*proof)[HASH_LEN],
		    size_t count);

/* ---- note.c: keys, cards and signed checkpoints */

enum { TYPE_LOG = 1, TYPE_COSIGNER = 4 };

struct key {
	char name[NAME_LEN];
	uint8_t type, id[4], pub[KEY_LEN];
};

enum { LOG, COSIGNER, TRUNK, CARD_KEYS };

struct card {
	char host[HOST_MAX + 1];
	uint8_t key[CARD_KEYS][KEY_LEN], next[HASH_LEN];
	struct slice text;		/* the public card, exactly */
};

/** A checkpoint; one that was read has a bit in `mask`. */
struct note {
	struct slice origin;
	uint64_t size;
	uint8_t root[HASH_LEN];
	unsigned mask;			/* bit k: key k signed, validly */
	bool by_log;			/* and one is the origin's log key */
	uint64_t time_s[KEYS_MAX];	/* of key k, if a cosigner */
};

/** Fill in a key and its C2SP key ID. The name is shorter than NAME_LEN. */
void key_make(struct key *k, const char *name, uint8_t type,
	      const uint8_t *pub);
/** The vkey, NUL added. */
void key_print(const struct key *k, char out[static VKEY_LEN]);
/** A vkey of type 01 or 04: name "+" 8 hex digits "+" base64. */
bool key_parse(struct slice s, struct key *k);
/** Is a key there twice, in one card or in both? */
bool keys_repeat(const struct card *a, const struct card *b);
/** A public card, or also a whole one when `whole_ok`. */
bool card_parse(struct slice s, bool whole_ok, struct card *c);
/**
 * A note whose text is a checkpoint without extension lines, and in which every
 * line of a known key is good and the only one of that key: of two nobody could
 * say which counts. Known are the cosigners of these keys, and the log key that
 * the origin names. That somebody signed is for the caller to ask.
 */
bool note_open(struct slice s, const struct key *keys, unsigned count,
	       struct note *n);
/** A cosignature/v1 by k, at that time, over a checkpoint body. */
bool cosignature_ok(const struct key *k, uint64_t time_s, struct slice body,
		    const uint8_t *sig);

/* ---- entry.c: entries and their types */

struct entry {
	uint64_t seq, seen, time_ms, was_ms, now_ms;
	uint8_t root[HASH_LEN];
	struct slice log, type, said, text;	/* said: type line and fields */
	bool understood;		/* `open` apart: see judge.c */
	bool clock;			/* understood, a fault of kind clock */
};

/** The envelope's grammar, alone and whole; then what the type says. */
bool entry_parse(struct slice s, struct entry *e);
/** The value of a field, empty if there is none of this name. */
struct slice entry_field(const struct entry *e, const char *name);

/* ---- dossier.c: what was handed over */

enum level { TRUSTED, SUSPECTED, EXPOSED, INVALID };
enum { LO, HI, JOINT, KEY_COSIGNER };	/* sides; origins and their log keys */
enum { CHECKPOINT, COSIGNED, IDLE, FEED, FILES };

/** What is kept of an entry. */
struct item {
	struct slice bytes;
	uint8_t leaf[HASH_LEN], seen_root[HASH_LEN];
	uint64_t seen, time_ms;
	bool ack, clock, understood;
	bool named;			/* it names a blob */
	bool restore;			/* understood */
	bool seen_true;			/* the other feed has this root */
	const char *fault;		/* of a restore: a reason, or NULL */
};

struct side {
	struct card card;
	char name[FILES][NAME_LEN];	/* of its files */
	uint64_t n;			/* entries */
	struct item *item;
	struct note note[FEED];
	uint64_t unknown;		/* entries not understood */
	uint64_t clock_least_s;		/* least time of a clock's fault */
};

struct file {
	char *name;			/* with its directory */
	int64_t size;			/* -1: no regular file */
};

struct named {
	uint8_t hash[HASH_LEN];
	uint64_t bytes;
};

struct dossier {
	const char *path;
	enum { HUMAN, JSON, TIMELINE, SINGLE } output;
	bool verbose;
	enum level level;
	int blamed;			/* a side, or -1 */
	const char *reason;
	char place[PLACE_MAX];
	int dir;
	struct file *file;		/* by name */
	size_t files;
	struct side side[2];		/* LO, the pivot; HI */
	/* log keys by origin, then the cosigners of LO and HI, then others */
	struct key key[KEYS_MAX];
	unsigned keys;
	bool carded[2];			/* compared with a --card */
	unsigned exporter;
	struct named *named;		/* blobs, by the entries */
	size_t nameds;
	struct note joint;
	uint64_t joint_n;
	uint8_t joint_root[HASH_LEN];
	uint64_t held, withheld;
	bool known;			/* the cards are */
	bool judged;			/* checks 5 to 9 ran to their end */
};

/** Map a regular file of at most `max` bytes; without one end the run. */
struct slice file_map(int dir, const char *name, uint64_t max);
/** Done with it. */
void file_unmap(struct slice s);
/** A file of the dossier, or NULL. */
const struct file *file_find(const struct dossier *d, const char *name);
/** From two cards in side[]: their order, names and keys. false: one host or
 * one key is in both. */
bool pair_derive(struct dossier *d);
/** Checks 1 and 2, compared with the cards given. */
void dossier_open(struct dossier *d, const struct card *given, unsigned count);

/* ---- judge.c: checks 3 to 8 */

/** Two hashes. */
bool same_hash(const uint8_t *a, const uint8_t *b);
/** Did this side cosign? */
bool cosigned(const struct note *n, unsigned side);
/** The next of a feed's entries; false if what is left does not begin so. */
bool frame(struct slice *in, struct slice *entry, size_t max);
/** The rule of the envelope that entry n breaks, or NULL. */
const char *entry_fault(const struct dossier *d, unsigned i, uint64_t n,
			const struct entry *e, const struct item *before);
/** What is wrong with an understood restore that follows on a tree, or NULL. */
const char *restore_fault(const struct dossier *d, unsigned i,
			  const struct entry *e, const struct tree *t);
/** The tree of the first n entries; t has fewer of them. */
void feed_tree(const struct side *s, uint64_t n, struct tree *t);
/** Has the feed the tree that was cosigned? Else somebody is to blame. */
bool cosigned_root(struct dossier *d, unsigned i, const char *name,
		   const struct note *n);
/** Has the joint record the tree of a note? NULL, `size` or `joint-root`; then
 * whether that is proof against the pivot. Builds the joint record. */
const char *joint_fault(struct dossier *d, const struct note *n, bool *proves);
/** All of them, and those of evidence.c. */
void dossier_judge(struct dossier *d);
/** The side whose entry at[side] is the next in joint order; those of HI that
 * have no place come last. */
unsigned joint_next(const struct dossier *d, const uint64_t at[static 2]);

/* ---- evidence.c: checks 9 and 10 */

/** Counts what is held and what is withheld. */
void check_blobs(struct dossier *d);
/** All of proof/. */
void check_proofs(struct dossier *d);
/**
 * Two notes over an origin, both signed by its log key, contradict each other:
 * the signer forked, or was made to by one who hid what the signer had lost.
 */
void judge_fork(struct dossier *d, unsigned origin, const struct note *first,
		const struct note *second, const char *place);

/* ---- single.c: one proof or note at d->path, apart from any dossier */

/** Does the entry lie where the proof says? NULL: it is in the proof. */
_Noreturn void single_proof(struct dossier *d, const char *entry);
/** A checkpoint; with entries, NULL at their end, over exactly these. */
_Noreturn void single_note(struct dossier *d, char *const *entry);

/* ---- report.c: the end of a run */

enum { EXIT_USAGE = 64, EXIT_READ = 74 };
#define WHOLE UINT64_MAX		/* a place: the file itself */

/** Room in an array of n, for one more; without memory end the run. */
void *grow(void *array, size_t n, size_t size);
/** Something cannot be read: say so and exit. */
_Noreturn void cannot_read(const char *what, int err);
/** The first `exposed` stays, else the first `suspected`. The place is entry n
 * of a file, or the file. */
void blame(struct dossier *d, enum level level, unsigned side,
	   const char *reason, const char *file, uint64_t n);
/** The verdict is `invalid`, which ends the run. */
_Noreturn void invalid(struct dossier *d, const char *reason, const char *file,
		       uint64_t n);
/** The largest size of a side's feed that the other acknowledged. */
uint64_t acknowledged(const struct side *s);
/** Print what is known and the verdict; exit with its code. */
_Noreturn void finish(const struct dossier *d);

#endif
