/* SPDX-License-Identifier: ISC */
/*
 * NewReno's window (RFC 5681 3.1, 3.2 and RFC 3465's byte counting): slow
 * start, one MSS a round trip in congestion avoidance, half on a loss; after a
 * mark of ECN four fifths (RFC 8511), since a queue that marks is short.
 */
#include "tcp/cc.h"

struct newreno {
	uint32_t bytes_acked; /* since cwnd last grew */
};

static void
init(struct tcp_cc *cc, mono_t now)
{
	(void)now;
	CC_STATE(newreno, cc)->bytes_acked = 0;
}

static void
on_ack(struct tcp_cc *cc, const struct cc_ack *ack)
{
	tcp_cc_avoid(cc, tcp_cc_slow_start(cc, ack),
	    &CC_STATE(newreno, cc)->bytes_acked);
}

static uint32_t
on_congestion(struct tcp_cc *cc, enum cc_signal why, uint32_t flight)
{
	uint32_t ss = why == CC_CE ? flight / 5 * 4 : flight / 2;

	CC_STATE(newreno, cc)->bytes_acked = 0;
	return ss > 2 * cc->mss ? ss : 2 * cc->mss;
}

const struct tcp_cc_ops tcp_cc_newreno = {
    .name = "newreno",
    .init = init,
    .on_ack = on_ack,
    .on_congestion = on_congestion,
};
