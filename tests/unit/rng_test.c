/* SPDX-License-Identifier: ISC */
/*
 * The generator: repeatable from its seed, different for another, and
 * rng_below() in range and even.
 */
#include <criterion/criterion.h>
#include "base/rng.h"

Test(rng, same_seed_same_run)
{
	struct rng a, b, c;
	unsigned differ = 0;

	rng_init(&a, 1, 2);
	rng_init(&b, 1, 2);
	rng_init(&c, 1, 3);
	for (int i = 0; i < 1000; i++) {
		uint64_t x = rng_u64(&a);

		cr_assert_eq(x, rng_u64(&b));
		differ += x != rng_u64(&c);
	}
	cr_assert_eq(differ, 1000);
}

Test(rng, below_is_in_range)
{
	static const uint32_t bounds[] = {
	    1, 2, 3, 7, 64, 1000, 28232, 0x80000000, 0x80000001, 0xffffffff};
	struct rng r;

	rng_init(&r, 7, 7);
	for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++)
		for (int n = 0; n < 2000; n++)
			cr_assert_lt(rng_below(&r, bounds[i]), bounds[i]);
}

Test(rng, below_is_even)
{
	enum {
		BOUND = 10,
		DRAWS = 100000
	};
	unsigned hits[BOUND] = {0};
	struct rng r;

	rng_init(&r, 11, 12);
	for (int n = 0; n < DRAWS; n++)
		hits[rng_below(&r, BOUND)]++;
	for (int i = 0; i < BOUND; i++) {
		/* ten standard deviations are about 950 */
		cr_assert_gt(hits[i], DRAWS / BOUND - 950);
		cr_assert_lt(hits[i], DRAWS / BOUND + 950);
	}
}
