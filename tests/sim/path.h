/* SPDX-License-Identifier: ISC */
/*
 * The named paths on which senders are measured: one definition for the
 * simulator (goodput) and for the real-time relay (yardstick), so that what is
 * compared differs in the stack and in nothing else.
 *
 * A path has one transfer of so many bytes, or several senders that share its
 * bottleneck for so long.  The yardstick is an ideal sender: it knows the rate
 * of the path, fills it from the first flight on, and sends again what was
 * lost and nothing else.
 */
#ifndef SIM_PATH_H
#define SIM_PATH_H

#include "sim.h"

struct path {
	const char *name, *what;
	/* There (with the data) and back, the delay being the same. */
	struct linkcfg link[2];
	uint64_t bytes; /* of the transfer */
	unsigned flows; /* more than 1: measured for span_s seconds */
	unsigned warm_s, span_s;
	unsigned seeds; /* runs whose median counts: 1 where chance is none */
};

extern const struct path paths[];
extern const unsigned npaths;

/* NULL when there is none of this name. */
const struct path *path_find(const char *name);
/* The link that leads there (0) or back (1). */
struct linkcfg path_link(const struct path *p, unsigned i);
/* Payload in bytes a second that an ideal sender gets through. */
uint64_t path_capacity(const struct path *p);
/* Of one transfer, from connect() to the end of file at the receiver. */
int64_t path_ideal_us(const struct path *p);

/* One measurement in the simulator. */
struct measure {
	int64_t us;	   /* of the transfer */
	unsigned permille; /* of the ideal sender; with flows: their sum */
	uint64_t resent;   /* segments */
	unsigned jain;	   /* index of fairness, in thousandths */
};

bool path_measure(const struct path *p, const char *congestion, uint64_t seed,
    unsigned mode, struct measure *m, struct result *r);

#endif
