/* SPDX-License-Identifier: ISC */
/*
 * NewReno's window (RFC 5681 3.1, 3.2 and RFC 3465's byte counting): slow
 * start, one MSS a round trip in congestion avoidance, half on a loss.
 */
#include "tcp/cc.h"

enum {
	BYTES_ACKED
}; /* in priv: since cwnd last grew */

static void
init(struct tcp_cc *cc)
{
	cc->priv[BYTES_ACKED] = 0;
}

static void
on_ack(struct tcp_cc *cc, const struct cc_ack *ack)
{
	uint32_t acked = tcp_cc_slow_start(cc, ack->acked);

	cc->priv[BYTES_ACKED] += acked;
	while (cc->priv[BYTES_ACKED] >= cc->cwnd) {
		cc->priv[BYTES_ACKED] -= cc->cwnd;
		cc->cwnd += cc->mss;
	}
}

static uint32_t
on_loss(struct tcp_cc *cc, uint32_t flight)
{
	cc->priv[BYTES_ACKED] = 0;
	return flight / 2 > 2 * cc->mss ? flight / 2 : 2 * cc->mss;
}

static void
on_rto(struct tcp_cc *cc)
{
	cc->priv[BYTES_ACKED] = 0;
}

static void
on_idle(struct tcp_cc *cc, int64_t idle_us)
{
	(void)cc;
	(void)idle_us;
}

const struct tcp_cc_ops tcp_cc_newreno = {
    .name = "newreno",
    .init = init,
    .on_ack = on_ack,
    .on_loss = on_loss,
    .on_rto = on_rto,
    .on_idle = on_idle,
};
