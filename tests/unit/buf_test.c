/* SPDX-License-Identifier: ISC */
/*
 * Buffer pools: classes, limits, reuse, and what our own mistakes lead to.
 */
#include <signal.h>
#include <criterion/criterion.h>
#include "base/buf.h"
#include "base/rng.h"

static size_t
cost(size_t cap)
{
	return sizeof(struct buf) + cap;
}

Test(buf, classes)
{
	static const struct {
		size_t ask, get;
	} rows[] = {
	    {0, BUF_SMALL},
	    {1, BUF_SMALL},
	    {BUF_SMALL, BUF_SMALL},
	    {BUF_SMALL + 1, BUF_CHUNK},
	    {BUF_CHUNK, BUF_CHUNK},
	    {BUF_CHUNK + 1, BUF_FRAME},
	    {BUF_FRAME, BUF_FRAME},
	};
	struct bufpool *p = bufpool_new(1 << 20);

	cr_assert_eq(bufpool_limit(p), 1 << 20);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf *b = buf_alloc(p, rows[i].ask);

		cr_assert_not_null(b);
		cr_assert_eq(b->cap, rows[i].get);
		cr_assert_eq(b->len, 0);
		cr_assert_eq(b->refs, 1);
		cr_assert_null(b->next);
		cr_assert_eq((uintptr_t)b->data % 16, 0);
		cr_assert_eq(bufpool_used(p), cost(b->cap));
		memset(b->data, 0xa5, b->cap);
		buf_unref(b);
		cr_assert_eq(bufpool_used(p), 0);
	}
	bufpool_free(p);
}

Test(buf, last_reference_returns_it)
{
	struct bufpool *p = bufpool_new(1 << 20);
	struct buf *b = buf_alloc(p, 100);

	cr_assert_eq(buf_ref(b), b);
	buf_unref(b);
	cr_assert_eq(bufpool_used(p), cost(BUF_SMALL));
	buf_unref(b);
	cr_assert_eq(bufpool_used(p), 0);
	bufpool_free(p);
}

Test(buf, last_freed_is_first_reused)
{
	struct bufpool *p = bufpool_new(1 << 20);
	struct buf *a = buf_alloc(p, BUF_FRAME);
	struct buf *b = buf_alloc(p, BUF_FRAME);

	a->len = b->len = 10;
	buf_unref(a);
	buf_unref(b);
	cr_assert_eq(buf_alloc(p, BUF_FRAME), b);
	cr_assert_eq(buf_alloc(p, BUF_FRAME), a);
	cr_assert_eq(a->len, 0);
	cr_assert_eq(b->refs, 1);
	buf_unref(a);
	buf_unref(b);
	bufpool_free(p);
}

Test(buf, limit_is_exact)
{
	struct bufpool *p = bufpool_new(3 * cost(BUF_SMALL) + 1);
	struct buf *b[3];

	for (int i = 0; i < 3; i++)
		cr_assert_not_null(b[i] = buf_alloc(p, 1));
	cr_assert_null(buf_alloc(p, 1));
	cr_assert_null(buf_alloc(p, BUF_FRAME));
	buf_unref(b[1]);
	cr_assert_not_null(b[1] = buf_alloc(p, 1));
	for (int i = 0; i < 3; i++)
		buf_unref(b[i]);
	bufpool_free(p);
}

Test(buf, limit_too_small_for_any)
{
	struct bufpool *p = bufpool_new(cost(BUF_SMALL) - 1);

	cr_assert_null(buf_alloc(p, 1));
	bufpool_free(p);
}

/* Free bufs of one class must not starve another. */
Test(buf, a_burst_does_not_pin_memory_to_its_class)
{
	size_t limit = 4 * cost(BUF_FRAME), n = 0;
	struct bufpool *p = bufpool_new(limit);
	struct buf *list = NULL, *b;

	for (int i = 0; i < 4; i++) {
		cr_assert_not_null(b = buf_alloc(p, BUF_FRAME));
		b->next = list;
		list = b;
	}
	cr_assert_null(buf_alloc(p, 1));
	while ((b = list) != NULL) {
		list = b->next;
		buf_unref(b);
	}
	while ((b = buf_alloc(p, 1)) != NULL) {
		b->next = list;
		list = b;
		n++;
	}
	cr_assert_eq(n, limit / cost(BUF_SMALL));
	while ((b = list) != NULL) {
		list = b->next;
		buf_unref(b);
	}
	bufpool_free(p);
}

Test(buf, random_use_keeps_the_account)
{
	enum {
		SLOTS = 300
	};
	struct bufpool *p = bufpool_new(4 << 20);
	struct buf *held[SLOTS] = {NULL};
	size_t used = 0;
	unsigned refused = 0;
	struct rng r;

	rng_init(&r, 3, 4);
	for (int step = 0; step < 20000; step++) {
		uint32_t i = rng_below(&r, SLOTS);

		if (held[i] != NULL) {
			used -= cost(held[i]->cap);
			buf_unref(held[i]);
			held[i] = NULL;
		} else {
			held[i] = buf_alloc(p, rng_below(&r, BUF_FRAME + 1));
			if (held[i] != NULL)
				used += cost(held[i]->cap);
			else
				refused++;
		}
		cr_assert_eq(bufpool_used(p), used);
		cr_assert_leq(used, bufpool_limit(p));
	}
	cr_assert_gt(refused, 0);
	for (int i = 0; i < SLOTS; i++)
		if (held[i] != NULL)
			buf_unref(held[i]);
	bufpool_free(p);
}

Test(buf, no_pool_is_fine_to_free)
{
	bufpool_free(NULL);
}

Test(buf, free_with_a_live_buf_aborts, .signal = SIGABRT)
{
	struct bufpool *p = bufpool_new(1 << 20);

	buf_alloc(p, 1);
	bufpool_free(p);
}

Test(buf, one_unref_too_many_aborts, .signal = SIGABRT)
{
	struct bufpool *p = bufpool_new(1 << 20);
	struct buf *b = buf_alloc(p, 1);

	buf_unref(b);
	buf_unref(b);
}

Test(buf, more_than_a_frame_aborts, .signal = SIGABRT)
{
	struct bufpool *p = bufpool_new(1 << 20);

	buf_alloc(p, BUF_FRAME + 1);
}

static void
count_back(void *owner)
{
	++*(int *)owner;
}

/* A lent buf stands for memory of somebody else's, who has it back once. */
Test(buf, lent)
{
	static const uint8_t bytes[9];
	struct bufpool *p = bufpool_new(1 << 20);
	struct buf *b;
	int back = 0;

	for (int i = 1; i <= 2; i++) {
		b = buf_lend(p, bytes, sizeof bytes, count_back, &back);
		cr_assert_not_null(b);
		cr_assert_eq(buf_bytes(b), bytes);
		cr_assert_eq(b->len, sizeof bytes);
		buf_unref(buf_ref(b));
		cr_assert_eq(back, i - 1);
		buf_unref(b);
		cr_assert_eq(back, i);
		cr_assert_eq(bufpool_used(p), 0);
	}
	b = buf_alloc(p, 1);
	cr_assert_eq(buf_bytes(b), b->data);
	buf_unref(b);
	bufpool_free(p);
}
