/* SPDX-License-Identifier: ISC */
/*
 * A keyed generator: SipHash in counter mode.  The daemon keys it from the
 * kernel, a test from its seed, so that the same seed gives the same run.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>
#include "siphash.h"

struct rng {
	struct siphash_key key;
	uint64_t counter;
};

void rng_init(struct rng *r, uint64_t seed0, uint64_t seed1);
uint64_t rng_u64(struct rng *r);
/* Uniform in 0..bound-1; bound > 0. */
uint32_t rng_below(struct rng *r, uint32_t bound);

#endif
