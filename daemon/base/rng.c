/* SPDX-License-Identifier: ISC */
/*
 * SipHash of a counter under a secret key.  Who sees outputs cannot tell the
 * next one without the key; who has the seed can replay them all.
 */
#include "base/rng.h"

#include "base/check.h"

void
rng_init(struct rng *r, uint64_t seed0, uint64_t seed1)
{
	*r = (struct rng){.key = {seed0, seed1}};
}

uint64_t
rng_u64(struct rng *r)
{
	uint64_t c = r->counter++;
	uint8_t le[8];

	for (int i = 0; i < 8; i++)
		le[i] = (uint8_t)(c >> (8 * i));
	return siphash(&r->key, le, sizeof le);
}

/* Multiply and keep the high half; reject the few low halves that would make
 * some results likelier than others (Lemire, 2019). */
uint32_t
rng_below(struct rng *r, uint32_t bound)
{
	uint32_t threshold;
	uint64_t m;

	CHECK(bound > 0);
	threshold = -bound % bound;
	do
		m = (uint64_t)(uint32_t)rng_u64(r) * bound;
	while ((uint32_t)m < threshold);
	return (uint32_t)(m >> 32);
}
