/* SPDX-License-Identifier: ISC */
/*
 * A queue of deadlines: a binary heap of pointers to intrusive nodes.  Setting
 * and cancelling cost O(log n), the first deadline O(1).
 *
 * The heap's array grows in timerq_reserve() only, which the creator of a node
 * calls when he makes the node; so setting a timer never allocates or fails.
 */
#ifndef BASE_TIMERQ_H
#define BASE_TIMERQ_H

#include <stdbool.h>
#include <stddef.h>
#include "mono.h"

struct timer {
	mono_t when;
	size_t slot; /* index in the heap + 1; 0: not queued */
	uint8_t tag; /* the owner's: what the timer sits in */
};

struct timerq {
	struct timer **heap;
	size_t n, cap, reserved;
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

#endif
