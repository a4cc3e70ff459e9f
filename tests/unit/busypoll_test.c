/* SPDX-License-Identifier: ISC */
/* When to look for events, and for how long: against a clock of our own. */
#include <criterion/criterion.h>
#include "proc/busypoll.h"

static const struct busypoll_config cfg = {.max_us = 100, .share = 20};

static void
start(struct busypoll *b)
{
	busypoll_init(b, &cfg, (mono_t){0});
}

static void
grow(struct busypoll *b)
{
	for (int i = 0; i < 5; i++)
		busypoll_slept(b, 90);
}

Test(busypoll, sleeps_at_first_and_when_it_is_off)
{
	struct busypoll_config off = {.max_us = 0, .share = 20};
	struct busypoll b;

	start(&b);
	cr_assert_eq(busypoll_window(&b, (mono_t){1000}), 0);
	busypoll_init(&b, &off, (mono_t){0});
	busypoll_slept(&b, 0);
	busypoll_slept(&b, 5);
	cr_assert_eq(busypoll_window(&b, (mono_t){1000}), 0);
}

Test(busypoll, short_sleeps_widen_the_window_up_to_its_bound)
{
	static const int64_t windows[] = {10, 20, 40, 80, 100, 100};
	struct busypoll b;

	start(&b);
	for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
		busypoll_slept(&b, 100);
		cr_assert_eq(busypoll_window(&b, (mono_t){0}), windows[i]);
	}
	busypoll_slept(&b, 30); /* a look would have found that */
	cr_assert_eq(busypoll_window(&b, (mono_t){0}), 100);
}

Test(busypoll, long_sleeps_close_it)
{
	static const int64_t windows[] = {50, 25, 12, 6, 0, 0};
	struct busypoll b;

	start(&b);
	grow(&b);
	for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
		busypoll_slept(&b, 101);
		cr_assert_eq(busypoll_window(&b, (mono_t){0}), windows[i]);
	}
}

/* Something comes a little later than is looked for, without end. */
Test(busypoll, looks_in_vain_are_bounded_by_the_share)
{
	const int64_t whole = 10000000;
	struct busypoll b;
	int64_t now = 0, w;

	start(&b);
	grow(&b);
	while (now < whole) {
		if ((w = busypoll_window(&b, (mono_t){now})) > 0)
			busypoll_looked(&b, w, false);
		now += w + 1;
	}
	cr_assert_leq((int64_t)b.stats.us,
	    now * cfg.share / 100 + BUSYPOLL_DEBT_US + cfg.max_us);
	cr_assert_geq((int64_t)b.stats.us, now * cfg.share / 100);
	cr_assert_eq(b.stats.us, b.stats.in_vain * cfg.max_us);
	/* What found something is work that had to be done. */
	w = b.debt;
	busypoll_looked(&b, 1000000, true);
	cr_assert_eq(b.debt, w);
	cr_assert_eq(b.stats.found, 1);
}

Test(busypoll, debt_is_paid_back_in_time)
{
	struct busypoll b;

	start(&b);
	grow(&b);
	busypoll_looked(&b, 2 * BUSYPOLL_DEBT_US, false);
	cr_assert_eq(busypoll_window(&b, (mono_t){0}), 0);
	/* A fifth of the time pays; half of the debt may stay. */
	cr_assert_eq(busypoll_window(&b, (mono_t){5 * BUSYPOLL_DEBT_US}), 0);
	cr_assert_eq(
	    busypoll_window(&b, (mono_t){5 * BUSYPOLL_DEBT_US + 1}), 100);
	/* A saving account it is not. */
	(void)busypoll_window(&b, (mono_t){INT64_C(1) << 40});
	cr_assert_eq(b.debt, 0);
}

Test(busypoll, another_configuration)
{
	struct busypoll_config less = {.max_us = 30, .share = 20}, off = {0};
	struct busypoll b;

	start(&b);
	grow(&b);
	busypoll_configure(&b, &less);
	cr_assert_eq(busypoll_window(&b, (mono_t){0}), 30);
	busypoll_configure(&b, &off);
	cr_assert_eq(busypoll_window(&b, (mono_t){0}), 0);
}
