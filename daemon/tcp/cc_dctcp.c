/* SPDX-License-Identifier: ISC */
/*
 * DCTCP (RFC 8257): the window falls in proportion to the share of bytes that
 * met a mark, estimated once a window; otherwise it is NewReno's.  For data
 * centres alone, whose switches mark early (RFC 8257 5).
 *
 * Without ECN it sees no marks and is NewReno with the loss response of 3.5.
 */
#include "tcp/cc.h"
#include "tcp/tcp.h"

#define ALPHA_ONE 1024
#define SHIFT_G	  4 /* g = 1/16: 3.3, 4.2 */

struct dctcp {
	uint64_t window_end; /* of what is delivered in all */
	uint32_t delivered, marked;
	uint32_t alpha;	      /* times ALPHA_ONE << SHIFT_G */
	uint32_t bytes_acked; /* since cwnd last grew */
};

_Static_assert(sizeof(struct dctcp) <= CC_PRIV_BYTES, "fits");

static void
init(struct tcp_cc *cc, mono_t now)
{
	(void)now;
	*CC_STATE(dctcp, cc) = (struct dctcp){.alpha = ALPHA_ONE << SHIFT_G};
}

/* RFC 8257 3.3, at the end of each window of data. */
static void
watch(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct dctcp *d = CC_STATE(dctcp, cc);
	uint64_t share;

	d->delivered = tcp_cc_add(d->delivered, ack->delivered);
	/* An ECE that acknowledges nothing tells of nothing new. */
	d->marked = tcp_cc_add(
	    d->marked, ack->ce < ack->delivered ? ack->ce : ack->delivered);
	if (ack->delivered == 0 || ack->rate.prior_delivered < d->window_end)
		return;
	share = (uint64_t)d->marked * ALPHA_ONE / d->delivered;
	if (share > ALPHA_ONE)
		share = ALPHA_ONE;
	d->alpha += (uint32_t)share - (d->alpha >> SHIFT_G);
	d->window_end = ack->total_delivered;
	d->delivered = d->marked = 0;
}

static void
on_ack(struct tcp_cc *cc, const struct cc_ack *ack)
{
	tcp_cc_avoid(
	    cc, tcp_cc_slow_start(cc, ack), &CC_STATE(dctcp, cc)->bytes_acked);
}

static uint32_t
on_congestion(struct tcp_cc *cc, enum cc_signal why, uint32_t flight)
{
	struct dctcp *d = CC_STATE(dctcp, cc);
	uint32_t w = flight / 2; /* 3.5: a loss as ever */

	d->bytes_acked = 0;
	if (why == CC_CE)
		w = cc->cwnd - (uint32_t)((uint64_t)cc->cwnd * d->alpha /
					  (2 * ALPHA_ONE << SHIFT_G));
	return w > 2 * cc->mss ? w : 2 * cc->mss;
}

static void
info(const struct tcp_cc *cc, struct tcp_cc_state *out)
{
	const struct dctcp *d = CC_STATE(dctcp, cc);

	*out = (struct tcp_cc_state){.kind = CC_INFO_DCTCP,
	    .alpha_1024 = d->alpha >> SHIFT_G,
	    .ce_bytes = d->marked,
	    .total_bytes = d->delivered,
	    .ecn = cc->ecn};
}

const struct tcp_cc_ops tcp_cc_dctcp = {
    .name = "dctcp",
    .flags = CC_ECN,
    .init = init,
    .on_ack = on_ack,
    .on_congestion = on_congestion,
    .watch = watch,
    .info = info,
};
