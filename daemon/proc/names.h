/* SPDX-License-Identifier: ISC */
/*
 * A table of sockets by (uid, handle): a chained hash that grows, keyed so that
 * a client who chooses his handles cannot choose their chains.
 *
 * The hash is over the handle alone, so that one can also be looked up without
 * the uid (names_any), for a client who proves with a descriptor that it is
 * his.
 */
#ifndef PROC_NAMES_H
#define PROC_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/siphash.h"

enum name_kind {
	NAME_CHAN = 1,
	NAME_BOUND,
	NAME_ERROR,
	NAME_DGRAM,
};

/* The first member of whatever is named. */
struct name {
	struct name *next;
	uint64_t handle;
	uint32_t uid;
	uint8_t kind; /* enum name_kind */
	bool listed;
};

struct names {
	struct name **bucket;
	size_t n, mask;
	struct siphash_key key;
};

/* false when memory is out. */
bool names_init(struct names *t, uint64_t seed0, uint64_t seed1);
void names_done(struct names *t);

/* Cannot fail: without memory to grow the chains get longer.  The caller knows
 * that the name is not there yet. */
void names_add(struct names *t, struct name *n);
/* Nothing when it is not listed. */
void names_del(struct names *t, struct name *n);
struct name *names_find(const struct names *t, uint32_t uid, uint64_t handle);
/* The first one of any uid, or the next after prev. */
struct name *names_any(
    const struct names *t, uint64_t handle, const struct name *prev);

#endif
