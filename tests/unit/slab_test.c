/* SPDX-License-Identifier: ISC */
/*
 * Slabs: objects are zeroed, aligned, apart from one another and counted.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <criterion/criterion.h>
#include "base/slab.h"

Test(slab, objects_are_zeroed_and_apart)
{
	enum {
		N = 3000,
		SIZE = 72
	};
	static unsigned char *obj[N];
	struct slab s;

	slab_init(&s, SIZE, 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < N; i++) {
			cr_assert_not_null(obj[i] = slab_alloc(&s));
			cr_assert_eq((uintptr_t)obj[i] % 16, 0);
			for (int b = 0; b < SIZE; b++)
				cr_assert_eq(obj[i][b], 0);
			memset(obj[i], i & 0xff, SIZE);
		}
		cr_assert_eq(s.used, N);
		for (int i = 0; i < N; i++) {
			cr_assert_eq(obj[i][0], i & 0xff);
			cr_assert_eq(obj[i][SIZE - 1], i & 0xff);
			slab_free(&s, obj[i]);
		}
		cr_assert_eq(s.used, 0);
	}
	slab_done(&s);
}

Test(slab, limit)
{
	void *a, *b;
	struct slab s;

	slab_init(&s, 1, 2);
	cr_assert_not_null(a = slab_alloc(&s));
	cr_assert_not_null(b = slab_alloc(&s));
	cr_assert_null(slab_alloc(&s));
	slab_free(&s, a);
	cr_assert_eq(slab_alloc(&s), a);
	slab_free(&s, a);
	slab_free(&s, b);
	slab_done(&s);
}

static size_t
resident(void)
{
	unsigned long total, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	cr_assert(f != NULL && fscanf(f, "%lu %lu", &total, &pages) == 2);
	fclose(f);
	return pages * 4096;
}

/* What a crowd took is given back when it has gone, and can be had again. */
Test(slab, empty_chunks_give_their_memory_back)
{
	enum {
		N = 20000,
		SIZE = 2000
	};
	static unsigned char *obj[N];
	size_t before, full;
	struct slab s;

	slab_init(&s, SIZE, 0);
	before = resident();
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < N; i++) {
			cr_assert_not_null(obj[i] = slab_alloc(&s));
			cr_assert_eq(obj[i][SIZE - 1], 0);
			memset(obj[i], 1, SIZE);
		}
		full = resident();
		cr_assert_geq(full, before + (size_t)N * SIZE);
		for (int i = 0; i < N; i++)
			slab_free(&s, obj[(i * 7919) % N]);
		cr_assert_leq(resident(), full - (size_t)N * SIZE / 10 * 9);
	}
	slab_done(&s);
}

Test(slab, done_with_a_live_object_aborts, .signal = SIGABRT)
{
	struct slab s;

	slab_init(&s, 64, 0);
	slab_alloc(&s);
	slab_done(&s);
}
