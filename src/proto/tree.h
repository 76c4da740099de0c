/* SPDX-License-Identifier: ISC */
/**
 * @file tree.h  Merkle tree of a log (RFC 6962 2.1): frontier and proofs
 *
 * A frontier is all that appending and signing need: the roots of the full
 * subtrees that the size's set bits stand for, largest first.
 *
 *   size 7 = 4 + 2 + 1:   node[0] = root(0..3), node[1] = root(4..5),
 *                         node[2] = leaf 6
 */
#ifndef PROTO_TREE_H
#define PROTO_TREE_H

#include <stdbool.h>
#include "base/buf.h"
#include "crypto/digest.h"

#define TREE_NODES_MAX 63

struct tree {
	uint64_t size;
	uint8_t node[TREE_NODES_MAX][DIGEST_BYTES];
};

/** SHA-256(00 || entry). */
void tree_leaf(const void *entry, size_t n, uint8_t out[DIGEST_BYTES]);
/** Append a leaf hash. */
void tree_add(struct tree *t, const uint8_t leaf[DIGEST_BYTES]);
/** Root of the tree; of the empty one SHA-256(""). */
void tree_root(const struct tree *t, uint8_t out[DIGEST_BYTES]);
/** Write / read a frontier: u64 size, then its nodes. */
void tree_encode(const struct tree *t, struct buf *b);
void tree_decode(struct tree *t, struct cur *c);

/** Leaf hash number @p i; 0 or the reader's errno. */
typedef int(tree_leaf_h)(uint64_t i, uint8_t out[DIGEST_BYTES], void *arg);

/** Root of the first @p n leaves.  0 or the reader's errno. */
int tree_root_of(uint64_t n, tree_leaf_h *h, void *arg,
		 uint8_t out[DIGEST_BYTES]) __attribute__((warn_unused_result));

#define TREE_PROOF_MAX 126

struct tree_proof {
	size_t n;
	uint8_t hash[TREE_PROOF_MAX][DIGEST_BYTES];
};

/** RFC 6962 2.1.1; index < size.  Reads every leaf once.  0 or reader's. */
int tree_prove_inclusion(uint64_t index, uint64_t size, tree_leaf_h *h,
			 void *arg, struct tree_proof *out)
	__attribute__((warn_unused_result));
/** RFC 6962 2.1.2; 0 < from <= to.  Reads every leaf once.  0 or reader's. */
int tree_prove_consistency(uint64_t from, uint64_t to, tree_leaf_h *h,
			   void *arg, struct tree_proof *out)
	__attribute__((warn_unused_result));
/** RFC 9162 2.1.3.2 */
bool tree_check_inclusion(uint64_t index, uint64_t size,
			  const uint8_t leaf[DIGEST_BYTES],
			  const struct tree_proof *p,
			  const uint8_t root[DIGEST_BYTES]);
/** RFC 9162 2.1.4.2 */
bool tree_check_consistency(uint64_t from, uint64_t to,
			    const uint8_t from_root[DIGEST_BYTES],
			    const uint8_t to_root[DIGEST_BYTES],
			    const struct tree_proof *p);

#endif
