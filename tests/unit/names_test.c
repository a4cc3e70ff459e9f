/* SPDX-License-Identifier: ISC */
/* The table of sockets by (uid, handle). */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "proc/names.h"

#define MANY 20000

Test(names, found_by_uid_and_handle_through_growth)
{
	struct name *n = calloc(MANY, sizeof *n);
	struct names t;
	size_t i;

	cr_assert(names_init(&t, 1, 2));
	for (i = 0; i < MANY; i++) {
		n[i].uid = (uint32_t)(i % 3);
		n[i].handle = i / 3 + 1;
		names_add(&t, &n[i]);
	}
	cr_assert_eq(t.n, MANY);
	cr_assert_geq(t.mask, MANY / 2);
	for (i = 0; i < MANY; i++)
		cr_assert_eq(
		    names_find(&t, (uint32_t)(i % 3), i / 3 + 1), &n[i]);
	cr_assert_null(names_find(&t, 3, 1));
	cr_assert_null(names_find(&t, 0, MANY));
	for (i = 0; i < MANY; i += 2)
		names_del(&t, &n[i]);
	for (i = 0; i < MANY; i++)
		cr_assert_eq(names_find(&t, (uint32_t)(i % 3), i / 3 + 1),
		    i % 2 ? &n[i] : NULL);
	for (i = 0; i < MANY; i++)
		names_del(&t, &n[i]); /* twice does no harm */
	cr_assert_eq(t.n, 0);
	names_done(&t);
	free(n);
}

Test(names, any_walks_all_uids_of_a_handle)
{
	struct name n[4] = {{.uid = 1, .handle = 7}, {.uid = 2, .handle = 7},
	    {.uid = 2, .handle = 8}, {.uid = 3, .handle = 7}};
	const struct name *at = NULL;
	struct names t;
	unsigned i, seen = 0;

	cr_assert(names_init(&t, 1, 2));
	for (i = 0; i < 4; i++)
		names_add(&t, &n[i]);
	while ((at = names_any(&t, 7, at)) != NULL)
		seen |= 1u << at->uid;
	cr_assert_eq(seen, 1u << 1 | 1u << 2 | 1u << 3);
	cr_assert_null(names_any(&t, 9, NULL));
	for (i = 0; i < 4; i++)
		names_del(&t, &n[i]);
	names_done(&t);
}
