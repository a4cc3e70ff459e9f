/* SPDX-License-Identifier: ISC */
/* When the filter against floods of SYNs becomes narrower, and wider again. */
#include "config.h"
#include <criterion/criterion.h>
#include "proc/engine.h"

#define RATE 30000

static struct flood f;

static void
begin(void)
{
	f = (struct flood){.shift = 0};
}

/* n ticks of a flood of so many SYNs a second that the filter judges, and so
 * many that it does not.  Returns the narrowest filter. */
static unsigned
ticks(unsigned n, uint64_t judged, uint64_t others)
{
	unsigned most = 0;

	while (n-- > 0) {
		f.seen = (judged >> f.shift) / 10;
		f.was_empty = true;
		(void)flood_step(&f, RATE, f.seen + others / 10, 100000);
		most = f.shift > most ? f.shift : most;
	}
	return most;
}

Test(flood, is_cut_down_to_the_rate_and_ends)
{
	begin();
	cr_assert_eq(ticks(1, 200000, 0), 3);
	cr_assert_eq(ticks(100, 200000, 0), 3);
	cr_assert_eq(f.shift, 3);
	cr_assert_eq(ticks(5, 2000000, 10000), 7);
	cr_assert_eq(f.shift, 7);
	ticks(7 * 21, 1000, 0);
	cr_assert_eq(f.shift, 0);
}

Test(flood, each_group_has_its_turn)
{
	uint32_t seen = 0;

	begin();
	ticks(4, 200000, 0);
	for (unsigned i = 0; i < 8; i++) {
		seen |= 1u << f.open;
		ticks(11, 200000, 0);
	}
	cr_assert_eq(seen, 0xff);
}

/* Extension headers, fragments: nobody else may be kept away for them. */
Test(flood, that_no_filter_stops_keeps_nobody_away)
{
	begin();
	cr_assert_eq(ticks(100, 1000, 40000), 0);
	cr_assert_eq(ticks(100, 200000, 40000), 0);
	/* Nor does a filter stay for it. */
	ticks(5, 200000, 0);
	cr_assert_eq(f.shift, 3);
	ticks(3 * 21, 200000, 40000);
	cr_assert_eq(f.shift, 0);
}

Test(flood, what_waits_from_before_is_not_judged)
{
	begin();
	ticks(1, 200000, 0);
	cr_assert_eq(f.shift, 3);
	for (unsigned i = 0; i < 3; i++) {
		f.seen = 20000;
		f.was_empty = i == 2; /* their end is within this tick */
		(void)flood_step(&f, RATE, 20000, 100000);
		cr_assert_eq(f.shift, 3);
	}
	ticks(50, 200000, 0);
	cr_assert_eq(f.shift, 3);
}

Test(flood, a_queue_that_is_never_empty_is_a_step_more)
{
	begin();
	for (unsigned i = 0; i < 8; i++) {
		f.seen = 2000;
		(void)flood_step(&f, RATE, 2000, 100000);
		cr_assert_eq(f.shift, i < 6 ? 1 : 2, "%u", i);
	}
}

Test(flood, no_rate_no_filter)
{
	begin();
	for (unsigned i = 0; i < 50; i++) {
		f.seen = 20000;
		cr_assert_not(flood_step(&f, 0, 20000, 100000));
	}
}
