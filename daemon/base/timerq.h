/* SPDX-License-Identifier: ISC */
/*
 * A queue of deadlines: a wheel for those within a second, a binary heap for
 * the rest; both of intrusive nodes.  To set and to cancel cost O(1) in the
 * wheel, which most deadlines of busy connections are for, however many wait
 * in the heap; there O(log n), and the first deadline is O(1).
 *
 * The wheel's and the heap's arrays grow in timerq_reserve() only, which the
 * creator of a node calls when he makes the node; so setting a timer never
 * allocates or fails.
 */
#ifndef BASE_TIMERQ_H
#define BASE_TIMERQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "mono.h"

struct timer {
	mono_t when;
	union {
		size_t slot; /* index in the heap + 1; 0: not there */
		struct timer *next;
	};
	struct timer **prev; /* in a list; NULL: in none */
};

/* For owners of several kinds. */
struct tagged_timer {
	struct timer t; /* first */
	uint8_t tag;	/* what it sits in */
};

struct timerq {
	struct timer **heap;
	size_t n, cap, reserved;
	struct timer **wheel; /* lists, each of one tick's */
	uint64_t *bits;	      /* which of them hold something */
	uint64_t words[2];    /* which of bits do */
	size_t nwheel;	      /* in them and in due */
	int64_t tick;	      /* no list is of an earlier one */
	mono_t first;	      /* the earliest in the wheel */
	struct timer *due;    /* taken from the wheel, earliest first */
};

void timerq_init(struct timerq *q);
void timerq_done(struct timerq *q);

/* Room for one more node; false when memory is out. */
bool timerq_reserve(struct timerq *q);
/* A node that was reserved for is gone (it must not be queued). */
void timerq_release(struct timerq *q);

/* Sets or moves; a deadline of MONO_NEVER cancels. */
void timerq_set(struct timerq *q, struct timer *t, mono_t when);
void timerq_cancel(struct timerq *q, struct timer *t);

/* The earliest deadline, MONO_NEVER when empty. */
mono_t timerq_deadline(const struct timerq *q);
/* Takes out and returns the earliest timer that is due at now, or NULL. */
struct timer *timerq_pop(struct timerq *q, mono_t now);
/* It is now: the wheel turns, as far as nothing in it is due.  For who seldom
 * calls timerq_pop(); what is set for the next second is cheap then. */
void timerq_turn(struct timerq *q, mono_t now);

static inline bool
timer_queued(const struct timer *t)
{
	return t->prev != NULL || t->slot != 0;
}

#endif
