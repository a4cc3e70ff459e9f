/* SPDX-License-Identifier: ISC */
#include "cc_lab.h"

void
begin(struct tcp_cc *cc, const char *name)
{
	const struct tcp_cc_ops *ops = tcp_cc_find(name);

	cr_assert_not_null(ops, "%s", name);
	tcp_cc_init(cc, ops, MSS, (mono_t){1000000});
}

void
round_trip(struct tcp_cc *cc, mono_t *now, int64_t rtt_us)
{
	uint32_t left = cc->cwnd;

	cc->srtt_us = (uint32_t)rtt_us;
	*now = mono_add(*now, rtt_us);
	for (; left >= MSS; left -= MSS)
		cc->ops->on_ack(
		    cc, &(struct cc_ack){.now = *now, .acked = MSS});
}

void
lose(struct tcp_cc *cc)
{
	tcp_cc_congestion(cc, CC_LOSS, cc->cwnd);
}

void
path_start(struct path *p, const char *name)
{
	*p = (struct path){.now = {1000000},
	    .rate = 1000000,
	    .rtt_us = 20000,
	    .queue = UINT32_MAX};
	begin(&p->cc, name);
	p->next_send = p->now.us;
}

static void
send_one(struct path *p)
{
	unsigned i = p->tail++ % PATH_FLIGHT;
	int64_t start = p->free_at > p->now.us ? p->free_at : p->now.us;
	uint64_t waiting = (uint64_t)(start - p->now.us) * p->rate / 1000000;

	cr_assert_lt(p->tail - p->head, PATH_FLIGHT);
	if (p->flight == 0)
		p->first_tx = p->delivered_at = p->now.us;
	p->flight += MSS;
	p->sent++;
	p->seg[i].sent = p->now.us;
	p->seg[i].first_tx = p->first_tx;
	p->seg[i].delivered_at = p->delivered_at;
	p->seg[i].delivered = p->delivered;
	p->seg[i].lost = p->lost;
	p->seg[i].flight = p->flight;
	p->seg[i].limited = p->limited_until != 0;
	p->seg[i].ce = p->mark != 0 && waiting >= p->mark;
	p->seg[i].gone = waiting > p->queue ||
			 (p->lose_one != 0 && p->sent % p->lose_one == 0);
	if (waiting > p->max_waiting && waiting <= p->queue)
		p->max_waiting = (uint32_t)waiting;
	/* That it is lost is known when its acknowledgment would have come. */
	p->seg[i].acked =
	    start + p->rtt_us + MSS * 1000000LL / (int64_t)p->rate;
	if (!p->seg[i].gone)
		p->free_at = start + MSS * 1000000LL / (int64_t)p->rate;
}

static void
lose_one(struct path *p, unsigned i)
{
	p->lost += MSS;
	p->flight -= MSS;
	if (p->cc.ops->on_lost != NULL)
		p->cc.ops->on_lost(
		    &p->cc, &(struct cc_lost){.len = MSS,
				.flight = p->seg[i].flight,
				.lost = (uint32_t)(p->lost - p->seg[i].lost),
				.app_limited = p->seg[i].limited});
	if (p->recovering)
		return;
	p->recovering = true;
	p->recover = p->sent;
	tcp_cc_congestion(&p->cc, CC_LOSS, p->flight + MSS);
}

static void
ack_one(struct path *p, unsigned i)
{
	int64_t send_us = p->seg[i].sent - p->seg[i].first_tx, ack_us;
	struct cc_ack a = {.now = p->now,
	    .acked = MSS,
	    .delivered = MSS,
	    .ce = p->seg[i].ce ? MSS : 0,
	    .prior_flight = p->flight,
	    .rtt_us = p->now.us - p->seg[i].sent};

	p->flight -= MSS;
	p->delivered += MSS;
	if (p->delivered > p->limited_until)
		p->limited_until = 0;
	p->marked += a.ce;
	p->delivered_at = p->now.us;
	p->first_tx = p->seg[i].sent;
	ack_us = p->delivered_at - p->seg[i].delivered_at;
	a.rate.prior_delivered = p->seg[i].delivered;
	a.rate.delivered = p->delivered - p->seg[i].delivered;
	a.rate.interval_us = ack_us > send_us ? ack_us : send_us;
	a.rate.lost = (uint32_t)(p->lost - p->seg[i].lost);
	a.rate.flight = p->seg[i].flight;
	a.rate.app_limited = p->seg[i].limited;
	a.lost = (uint32_t)p->lost - p->lost_told;
	p->lost_told = (uint32_t)p->lost;
	a.flight = p->flight;
	a.total_delivered = p->delivered;
	a.total_lost = p->lost;
	a.cwnd_limited = p->limited;
	if (p->recovering && p->delivered + p->lost >= p->recover * MSS)
		p->recovering = false;
	a.ca_state = p->recovering ? CA_RECOVERY : CA_OPEN;
	p->cc.srtt_us = (uint32_t)a.rtt_us;
	if (p->cc.ops->watch != NULL)
		p->cc.ops->watch(&p->cc, &a);
	/* ECN's answer, once a window. */
	if (a.ce > 0 && !(p->cc.ops->flags & CC_ECN_EACH) && !p->recovering &&
	    p->seg[i].delivered >= p->round_end) {
		p->round_end = p->delivered;
		tcp_cc_congestion(&p->cc, CC_CE, a.prior_flight);
	} else if ((p->cc.ops->flags & CC_DRIVES) || !p->recovering) {
		p->cc.ops->on_ack(&p->cc, &a);
	}
	cr_assert_geq(p->cc.cwnd, MSS);
}

static void
send_all(struct path *p)
{
	while (p->flight + MSS <= p->cc.cwnd && p->next_send <= p->now.us &&
	       !p->app_limited) {
		send_one(p);
		if (p->cc.pacing_rate != 0)
			p->next_send =
			    p->now.us +
			    MSS * 1000000LL / (int64_t)p->cc.pacing_rate;
	}
	p->limited = p->flight + MSS > p->cc.cwnd;
	if (p->app_limited)
		p->limited_until = p->delivered + p->flight;
}

void
path_run(struct path *p, int64_t us)
{
	int64_t end = p->now.us + us, next;
	unsigned i;

	while (p->now.us < end) {
		send_all(p);
		next = end;
		if (p->head != p->tail &&
		    p->seg[p->head % PATH_FLIGHT].acked < next)
			next = p->seg[p->head % PATH_FLIGHT].acked;
		if (!p->limited && !p->app_limited && p->next_send < next &&
		    p->next_send > p->now.us)
			next = p->next_send;
		p->now.us = next;
		while (p->head != p->tail &&
		       p->seg[p->head % PATH_FLIGHT].acked <= p->now.us) {
			i = p->head++ % PATH_FLIGHT;
			if (p->seg[i].gone)
				lose_one(p, i);
			else
				ack_one(p, i);
		}
	}
}
