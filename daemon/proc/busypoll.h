/* SPDX-License-Identifier: ISC */
/*
 * Adaptive busy polling: whether, and for how long, a process looks for its
 * next event before it sleeps.  A wake-up from sleep costs tens of microseconds
 * on both sides, so who knows that something will come soon does better to
 * look.
 *
 * The window is how long a look may take.  It grows when a sleep turned out to
 * be shorter than the longest window allowed, and shrinks to nothing when
 * sleeps are long: an idle process sleeps at once.  Looking in vain is paid for
 * from a budget, a share of one processor's time; a debt of BUSYPOLL_DEBT_US
 * ends it until the share has paid some of it back.
 *
 * No clock and no I/O in here: times are given, in microseconds.
 */
#ifndef PROC_BUSYPOLL_H
#define PROC_BUSYPOLL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/mono.h"

#define BUSYPOLL_MAX_US	 10000 /* the longest window that can be wanted */
#define BUSYPOLL_DEBT_US 10000

struct busypoll_config {
	uint32_t max_us; /* the longest window; 0: never looks */
	uint32_t share;	 /* per cent of a processor that may look in vain */
};

struct busypoll_stats {
	uint64_t found;	  /* looks that found something, */
	uint64_t in_vain; /* and those that did not */
	uint64_t us;	  /* what those took together */
};

struct busypoll {
	struct busypoll_config cfg;
	struct busypoll_stats stats;
	int64_t window_us;
	int64_t debt; /* looked in vain and not paid back, in 1/100 us */
	mono_t paid;  /* until then */
};

void busypoll_init(
    struct busypoll *b, const struct busypoll_config *cfg, mono_t now);
/* From now on; what is owed stays. */
void busypoll_configure(struct busypoll *b, const struct busypoll_config *cfg);
/* How long may be looked from now on; 0: sleep at once. */
int64_t busypoll_window(struct busypoll *b, mono_t now);
/* A look has taken so long. */
void busypoll_looked(struct busypoll *b, int64_t us, bool found);
/* A sleep has taken so long. */
void busypoll_slept(struct busypoll *b, int64_t us);

#endif
