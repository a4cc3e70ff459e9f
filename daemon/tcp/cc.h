/* SPDX-License-Identifier: ISC */
/*
 * Congestion control: what an algorithm sees, and the few calls it answers.
 * An algorithm is one file with a struct tcp_cc_ops and a line in cc.c's
 * table.  Loss detection and what may be sent when are not its business: it
 * moves cwnd and says what ssthresh a loss gives.  All sizes are bytes.
 */
#ifndef TCP_CC_H
#define TCP_CC_H

#include <stdbool.h>
#include <stdint.h>
#include "base/mono.h"

#define CC_PRIV_WORDS 10

struct tcp_cc {
	const struct tcp_cc_ops *ops;
	uint32_t cwnd, ssthresh, mss;
	uint32_t srtt_us; /* 0: not measured yet */
	uint64_t priv[CC_PRIV_WORDS];
};

/* What one acknowledgment tells. */
struct cc_ack {
	mono_t now;
	uint32_t acked;	 /* bytes that it newly acknowledges */
	uint32_t flight; /* bytes that were out before it */
};

struct tcp_cc_ops {
	const char *name;
	/* A connection starts, or changes to this algorithm; cwnd is set. */
	void (*init)(struct tcp_cc *cc);
	/* New bytes were acknowledged outside recovery, cwnd being the limit.
	 */
	void (*on_ack)(struct tcp_cc *cc, const struct cc_ack *ack);
	/* A loss was detected with flight bytes out: the new ssthresh. */
	uint32_t (*on_loss)(struct tcp_cc *cc, uint32_t flight);
	/* The retransmission timer fired (after on_loss). */
	void (*on_rto)(struct tcp_cc *cc);
	/* Sending resumes after an idle time of idle_us. */
	void (*on_idle)(struct tcp_cc *cc, int64_t idle_us);
};

extern const struct tcp_cc_ops tcp_cc_newreno, tcp_cc_cubic;

/* NULL for an unknown name; a NULL name gives the default. */
const struct tcp_cc_ops *tcp_cc_find(const char *name);
void tcp_cc_init(struct tcp_cc *cc, const struct tcp_cc_ops *ops, uint32_t mss);
/* Slow start (RFC 5681 3.1): returns what is left of acked beyond ssthresh. */
uint32_t tcp_cc_slow_start(struct tcp_cc *cc, uint32_t acked);

#endif
