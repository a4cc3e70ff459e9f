/* SPDX-License-Identifier: ISC */
/*
 * The heap of deadlines.  heap[0] is the earliest; each node knows its own
 * slot (index + 1), so moving or cancelling it needs no search.  Invariant:
 * heap[(i - 1) / 2]->when <= heap[i]->when, and n <= reserved <= cap.
 */
#include "base/timerq.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"

#define FIRST_CAP 64

void
timerq_init(struct timerq *q)
{
	memset(q, 0, sizeof *q);
}

void
timerq_done(struct timerq *q)
{
	free(q->heap);
	memset(q, 0, sizeof *q);
}

bool
timerq_reserve(struct timerq *q)
{
	struct timer **heap;
	size_t cap;

	if (q->reserved == q->cap) {
		cap = q->cap == 0 ? FIRST_CAP : q->cap * 2;
		if (cap > SIZE_MAX / sizeof *heap)
			return false;
		heap = realloc(q->heap, cap * sizeof *heap);
		if (heap == NULL)
			return false;
		q->heap = heap;
		q->cap = cap;
	}
	q->reserved++;
	return true;
}

void
timerq_release(struct timerq *q)
{
	CHECK(q->reserved > q->n);
	q->reserved--;
}

static inline void
put(struct timerq *q, size_t i, struct timer *t)
{
	q->heap[i] = t;
	t->slot = i + 1;
}

/* Puts t at the hole i or above it. */
static void
sift_up(struct timerq *q, size_t i, struct timer *t)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;

		if (!mono_before(t->when, q->heap[parent]->when))
			break;
		put(q, i, q->heap[parent]);
		i = parent;
	}
	put(q, i, t);
}

/* Puts t at the hole i or below it. */
static void
sift_down(struct timerq *q, size_t i, struct timer *t)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= q->n)
			break;
		if (child + 1 < q->n &&
		    mono_before(q->heap[child + 1]->when, q->heap[child]->when))
			child++;
		if (!mono_before(q->heap[child]->when, t->when))
			break;
		put(q, i, q->heap[child]);
		i = child;
	}
	put(q, i, t);
}

void
timerq_set(struct timerq *q, struct timer *t, mono_t when)
{
	bool earlier;

	if (mono_is_never(when)) {
		timerq_cancel(q, t);
		return;
	}
	if (t->slot == 0) {
		CHECK(q->n < q->reserved);
		t->when = when;
		sift_up(q, q->n++, t);
		return;
	}
	CHECK(t->slot <= q->n && q->heap[t->slot - 1] == t);
	earlier = mono_before(when, t->when);
	t->when = when;
	if (earlier)
		sift_up(q, t->slot - 1, t);
	else
		sift_down(q, t->slot - 1, t);
}

void
timerq_cancel(struct timerq *q, struct timer *t)
{
	struct timer *last;
	size_t i;

	if (t->slot == 0)
		return;
	CHECK(t->slot <= q->n && q->heap[t->slot - 1] == t);
	i = t->slot - 1;
	t->slot = 0;
	last = q->heap[--q->n];
	if (last == t)
		return;
	if (mono_before(last->when, t->when))
		sift_up(q, i, last);
	else
		sift_down(q, i, last);
}

mono_t
timerq_deadline(const struct timerq *q)
{
	return q->n == 0 ? MONO_NEVER : q->heap[0]->when;
}

struct timer *
timerq_pop(struct timerq *q, mono_t now)
{
	struct timer *t;

	if (q->n == 0 || mono_before(now, q->heap[0]->when))
		return NULL;
	t = q->heap[0];
	timerq_cancel(q, t);
	return t;
}
