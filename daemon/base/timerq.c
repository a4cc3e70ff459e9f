/* SPDX-License-Identifier: ISC */
/*
 * The heap and the wheel of deadlines.
 *
 * heap[0] is the earliest of the heap; each node knows its own slot (index +
 * 1), so moving or cancelling it needs no search.  Invariant: heap[(i - 1) /
 * 2]->when <= heap[i]->when, and n + nwheel <= reserved <= cap.
 *
 * A list of the wheel is of the deadlines in one tick, in no order.  The ticks
 * that it has are [tick, tick + TICKS); a deadline before that is put into the
 * first list, one after it into the heap, where it stays: nothing moves from
 * the one to the other.  When some of the first list are due they are taken
 * out together, and put in order.
 */
#include "base/timerq.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"

#define FIRST_CAP 64
#define TICK_BITS 7    /* 128 us */
#define TICKS	  8192 /* about a second */
#define WORDS	  (TICKS / 64)

void
timerq_init(struct timerq *q)
{
	memset(q, 0, sizeof *q);
	q->first = MONO_NEVER;
}

void
timerq_done(struct timerq *q)
{
	free(q->heap);
	free(q->wheel);
	free(q->bits);
	timerq_init(q);
}

_Static_assert(WORDS == 64 * 2, "a bit of words[2] each");

static bool
make_wheel(struct timerq *q)
{
	if (q->wheel == NULL)
		q->wheel = calloc(TICKS, sizeof(struct timer *));
	if (q->bits == NULL)
		q->bits = calloc(WORDS, sizeof *q->bits);
	return q->wheel != NULL && q->bits != NULL;
}

bool
timerq_reserve(struct timerq *q)
{
	struct timer **heap;
	size_t cap;

	if (q->bits == NULL && !make_wheel(q))
		return false;
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
	CHECK(q->reserved > q->n + q->nwheel);
	q->reserved--;
}

/* ---- the heap ---- */

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

static void
heap_remove(struct timerq *q, struct timer *t)
{
	struct timer *last;
	size_t i;

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

static void
heap_move(struct timerq *q, struct timer *t, mono_t when)
{
	bool earlier = mono_before(when, t->when);

	CHECK(t->slot <= q->n && q->heap[t->slot - 1] == t);
	t->when = when;
	if (earlier)
		sift_up(q, t->slot - 1, t);
	else
		sift_down(q, t->slot - 1, t);
}

/* ---- the wheel ---- */

static int64_t
tick_of(mono_t when)
{
	return when.us >> TICK_BITS;
}

static void
link_at(struct timer **at, struct timer *t)
{
	t->next = *at;
	t->prev = at;
	if (t->next != NULL)
		t->next->prev = &t->next;
	*at = t;
}

static void
unlink_timer(struct timer *t)
{
	*t->prev = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	t->prev = NULL;
	t->slot = 0;
}

/* The first word of bits, from w on, that may hold something; WORDS: none. */
static size_t
next_word(const struct timerq *q, size_t w)
{
	uint64_t some;

	for (; w < WORDS; w = (w | 63) + 1) {
		some = q->words[w / 64] >> w % 64;
		if (some != 0)
			return w + (size_t)__builtin_ctzll(some);
	}
	return WORDS;
}

/* The first list that holds something, counted from tick on; TICKS: none.  The
 * bits of lists that have become empty are cleared on the way. */
static int64_t
first_list(struct timerq *q)
{
	int64_t i = 0;

	while (i < TICKS) {
		size_t at = (size_t)(q->tick + i) % TICKS, w = at / 64;
		uint64_t bits = q->bits[w] >> at % 64;

		if (bits == 0) {
			if (q->bits[w] == 0)
				q->words[w / 64] &= ~(1ULL << w % 64);
			i += (int64_t)(next_word(q, w + 1) * 64 - at);
			continue;
		}
		i += __builtin_ctzll(bits);
		at = (size_t)(q->tick + i) % TICKS;
		if (i < TICKS && q->wheel[at] != NULL)
			return i;
		q->bits[at / 64] &= ~(1ULL << at % 64);
	}
	return TICKS;
}

/* Its earliest anew; none is earlier than at_least. */
static void
find_first(struct timerq *q, mono_t at_least)
{
	int64_t i = first_list(q);
	struct timer *t;

	q->first = MONO_NEVER;
	if (i == TICKS)
		return;
	t = q->wheel[(size_t)(q->tick + i) % TICKS];
	for (; t != NULL; t = t->next) {
		q->first = mono_min(q->first, t->when);
		if (q->first.us <= at_least.us)
			return;
	}
}

static void
wheel_add(struct timerq *q, struct timer *t, mono_t when)
{
	int64_t tick = tick_of(when) > q->tick ? tick_of(when) : q->tick;
	size_t at = (size_t)tick % TICKS;

	t->when = when;
	link_at(&q->wheel[at], t);
	q->bits[at / 64] |= 1ULL << at % 64;
	q->words[at / 64 / 64] |= 1ULL << at / 64 % 64;
	q->first = mono_min(q->first, when);
	q->nwheel++;
}

static void
wheel_remove(struct timerq *q, struct timer *t)
{
	unlink_timer(t);
	q->nwheel--;
	if (t->when.us == q->first.us)
		find_first(q, t->when);
}

/* Puts the list a, in order, into b, which is. */
static struct timer *
merge(struct timer *a, struct timer *b)
{
	struct timer *head = NULL, **at = &head, **from;

	while (a != NULL && b != NULL) {
		from = mono_before(b->when, a->when) ? &b : &a;
		*at = *from;
		(*at)->prev = at;
		*from = (*from)->next;
		at = &(*at)->next;
	}
	*at = a != NULL ? a : b;
	if (*at != NULL)
		(*at)->prev = at;
	return head;
}

#define RUNS 48 /* 2^48 timers */

/* What is due of the first list joins due, in order. */
static void
collect(struct timerq *q, mono_t now)
{
	int64_t i = first_list(q);
	struct timer *runs[RUNS] = {NULL}, *t, *next;
	unsigned k;

	CHECK(i < TICKS);
	q->tick += i;
	for (t = q->wheel[(size_t)q->tick % TICKS]; t != NULL; t = next) {
		next = t->next;
		if (mono_before(now, t->when))
			continue;
		unlink_timer(t);
		for (k = 0; runs[k] != NULL; k++) {
			t = merge(runs[k], t);
			runs[k] = NULL;
		}
		runs[k] = t;
	}
	for (k = 0; k < RUNS; k++)
		if (runs[k] != NULL)
			q->due = merge(q->due, runs[k]);
	if (q->due != NULL)
		q->due->prev = &q->due;
	find_first(q, now);
}

/* ---- both ---- */

void
timerq_turn(struct timerq *q, mono_t now)
{
	if (tick_of(now) > q->tick && mono_before(now, q->first))
		q->tick = tick_of(now);
}

void
timerq_set(struct timerq *q, struct timer *t, mono_t when)
{
	bool soon = tick_of(when) - q->tick < TICKS;

	if (!soon && t->prev == NULL && t->slot != 0 && !mono_is_never(when)) {
		heap_move(q, t, when);
		return;
	}
	timerq_cancel(q, t);
	if (mono_is_never(when))
		return;
	CHECK(q->n + q->nwheel < q->reserved);
	if (soon) {
		wheel_add(q, t, when);
		return;
	}
	t->when = when;
	sift_up(q, q->n++, t);
}

void
timerq_cancel(struct timerq *q, struct timer *t)
{
	if (t->prev != NULL)
		wheel_remove(q, t);
	else if (t->slot != 0)
		heap_remove(q, t);
}

mono_t
timerq_deadline(const struct timerq *q)
{
	mono_t first = q->first;

	if (q->due != NULL)
		first = mono_min(first, q->due->when);
	return q->n == 0 ? first : mono_min(first, q->heap[0]->when);
}

struct timer *
timerq_pop(struct timerq *q, mono_t now)
{
	struct timer *t;

	/* What is due already is of earlier lists, unless somebody set one for
	 * a time that is past. */
	if (!mono_is_never(q->first) && !mono_before(now, q->first) &&
	    (q->due == NULL || mono_before(q->first, q->due->when)))
		collect(q, now);
	t = q->due;
	if (q->n > 0 && (t == NULL || mono_before(q->heap[0]->when, t->when)))
		t = q->heap[0];
	if (t == NULL || mono_before(now, t->when)) {
		timerq_turn(q, now);
		return NULL;
	}
	timerq_cancel(q, t);
	return t;
}
