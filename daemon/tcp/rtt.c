/* SPDX-License-Identifier: ISC */
/*
 * The round-trip time and the retransmission time-out that follows from it
 * (RFC 6298 2; RFC 7323 4.1 for what was sent more than once).
 */
#include "tcp/internal.h"

int64_t
tcp_rto(const struct tcb *p)
{
	int64_t rto = (int64_t)p->rto_us << (p->backoff < 16 ? p->backoff : 16);

	return rto < TCP_RTO_MAX_US ? rto : TCP_RTO_MAX_US;
}

/* MUST-18: never of what was sent twice (Karn). */
void
tcp_rtt_sample(struct tcb *p, int64_t rtt)
{
	int64_t srtt = p->srtt_us, var = p->rttvar_us, rto, err;

	if (rtt < 1)
		rtt = 1;
	if (rtt > TCP_RTO_MAX_US)
		rtt = TCP_RTO_MAX_US;
	if (rtt < p->min_rtt_us)
		p->min_rtt_us = (uint32_t)rtt;
	if (srtt == 0) {
		srtt = rtt;
		var = rtt / 2;
	} else {
		err = srtt > rtt ? srtt - rtt : rtt - srtt;
		var += (err - var) / 4;
		srtt += (rtt - srtt) / 8;
	}
	p->srtt_us = (uint32_t)(srtt > 0 ? srtt : 1);
	p->rttvar_us = (uint32_t)var;
	/* The minimum is of the variance's part: with a steady RTT above it the
	 * RTO would else be one tick more than the RTT, and each delayed ACK or
	 * queue on the way a time-out. */
	rto = srtt + (4 * var > TCP_RTO_MIN_US ? 4 * var : TCP_RTO_MIN_US);
	if (rto > TCP_RTO_MAX_US)
		rto = TCP_RTO_MAX_US;
	p->rto_us = (uint32_t)rto;
	p->cc.srtt_us = p->srtt_us;
}

/* RFC 7323 4.1, for what was retransmitted: the echo says which transmission
 * is acknowledged.  If it is the first one, its ACKs were lost or late and the
 * time since then is no round trip. */
void
tcp_rtt_from_timestamp(struct tcb *p, const struct seg *s, mono_t retx_at)
{
	uint32_t delta = tcp_ts_now(s->now, p->ts_off) - s->h.tsecr;

	if ((int32_t)(s->h.tsecr - tcp_ts_now(retx_at, p->ts_off)) < 0)
		return;
	if (delta < TCP_RTO_MAX_US / 1000)
		tcp_rtt_sample(p, delta == 0 ? 500 : (int64_t)delta * 1000);
}
