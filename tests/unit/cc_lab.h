/* SPDX-License-Identifier: ISC */
/*
 * A path for one congestion control, without TCP: a bottleneck with a queue,
 * a fixed way before and behind it, an acknowledgment for each segment.  The
 * algorithm sees what rate.c would tell it.
 */
#ifndef CC_LAB_H
#define CC_LAB_H

#include <criterion/criterion.h>
#include "tcp/cc.h"
#include "tcp/tcp.h"

#define MSS	    1000
#define PATH_FLIGHT 8192 /* segments that can be out */

struct path {
	struct tcp_cc cc;
	mono_t now;
	uint64_t rate;	   /* of the bottleneck, bytes a second */
	int64_t rtt_us;	   /* without a queue */
	uint32_t queue;	   /* bytes; what does not fit is lost */
	uint32_t mark;	   /* bytes waiting from which on CE is set; 0: never */
	unsigned lose_one; /* of so many, lost on the way; 0: none */
	/* What came of it. */
	uint64_t delivered, lost, marked, sent;
	uint32_t max_waiting, flight;
	bool app_limited; /* the program has no more for now */
	/* Inside. */
	struct {
		int64_t sent, acked, delivered_at, first_tx;
		uint64_t delivered, lost;
		uint32_t flight;
		bool gone, ce, limited;
	} seg[PATH_FLIGHT];
	unsigned head, tail;
	int64_t free_at, delivered_at, first_tx, next_send;
	uint64_t round_end, limited_until;
	uint32_t lost_told;
	bool recovering, limited;
	uint64_t recover;
};

void path_start(struct path *p, const char *name);
/* For so long; the window and the pacing rate decide what goes. */
void path_run(struct path *p, int64_t us);

/* One round trip: a full window acknowledged, segment by segment. */
void round_trip(struct tcp_cc *cc, mono_t *now, int64_t rtt_us);
void lose(struct tcp_cc *cc);
void begin(struct tcp_cc *cc, const char *name);

#endif
