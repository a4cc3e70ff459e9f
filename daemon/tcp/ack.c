/* SPDX-License-Identifier: ISC */
/*
 * What an acknowledgment does (RFC 9293 3.10.7.4, fifth): bytes leave the send
 * queue, the round-trip time is measured, the peer's window moves.  The SACK
 * blocks are scoreboard.c's, what they say of loss is recovery.c's, and how
 * the congestion window grows is for the algorithm behind cc.h.
 */
#include "tcp/internal.h"

static void
ack_advance(struct tcb *p, struct ackinfo *a)
{
	const struct seg *s = a->s;
	mono_t retx_at;
	int64_t rtt;

	txseg_ack(p, a, s->ack, &rtt, &retx_at);
	p->rate.ack.rtt_us = rtt;
	if (rtt >= 0)
		tcp_rtt_sample(p, rtt);
	else if ((p->flags & PF_TS) && s->h.has_ts && retx_at.us != 0)
		tcp_rtt_from_timestamp(p, s, retx_at);
	p->snd_una = s->ack;
	p->flags |= PF_PROGRESS;
	if (seq_lt(p->snd_sml, p->snd_una))
		p->snd_sml = p->snd_una;
	if (seq_lt(p->recover, p->snd_una))
		p->recover = p->snd_una;
	/* The FIN is no data. */
	if ((p->flags & PF_FIN_SENT) && seq_eq(s->ack, p->snd_nxt))
		a->acked--;
	p->rate.ack.acked = a->acked;
	p->bytes_acked += a->acked;
	p->last_ack = p->advanced = s->now;
	p->retries = p->backoff = 0;
	p->probes = 0;
	p->soft_error = 0; /* whatever it was, it is over */
	p->in_doubt = false;
	mtu_ack(p, a->now);
	tune_sndbuf(p);
	sendq_ack(p, a->acked);
	if (p->ecn.reduced && seq_gt(p->snd_una, p->ecn.reduced_end))
		recovery_marked_over(p);
	/* RFC 6298 5.2, 5.3 */
	pcb_timer(p, TMR_REXMT, MONO_NEVER);
	if (!TAILQ_EMPTY(&p->tx))
		tcp_arm_rexmt(p, s->now);
	pcb_ready(p);
}

/* RFC 9293 3.10.7.4: the window of the newest segment.  One that acknowledges
 * more is newer, even a retransmission with its old number: else the right
 * edge would move with snd_una beyond what the peer has shown. */
static void
update_window(struct tcb *p, const struct seg *s, bool advanced)
{
	bool newer =
	    advanced || seq_lt(p->snd_wl1, s->seq) ||
	    (seq_eq(p->snd_wl1, s->seq) && seq_leq(p->snd_wl2, s->ack));

	if (!newer)
		return;
	p->snd_wl1 = s->seq;
	p->snd_wl2 = s->ack;
	if (s->wnd == p->snd_wnd)
		return;
	p->snd_wnd = s->wnd;
	if (s->wnd > p->max_wnd)
		p->max_wnd = s->wnd;
	/* What waited for the window can go, or needs a probe. */
	if (TAILQ_EMPTY(&p->tx)) {
		pcb_timer(p, TMR_PERSIST, MONO_NEVER);
		p->backoff = 0;
	}
	pcb_ready(p);
}

/* As in Linux, the window grows by what this ACK shows to have arrived: what
 * SACKs or duplicates told before let a segment go each, and would make a burst
 * now.  Not where the path is known to reorder: SACKs are the rule there, and
 * the window would not grow at all. */
static void
count_growth(struct tcb *p, const struct ackinfo *a)
{
	struct cc_ack *ack = &p->rate.ack;

	if (p->rack.degree <= TCP_DUPTHRESH && ack->acked > a->delivered)
		ack->acked = a->delivered;
}

enum step
ack_input(struct tcb *p, struct seg *s)
{
	struct ackinfo a = {.s = s, .now = s->now};

	if (seq_gt(s->ack, p->snd_nxt)) {
		/* MAY-12, RFC 5961 5.2 */
		tcp_challenge_ack(p, s->now);
		return drop(p->t, DROP_TCP_ACK_FUTURE);
	}
	if (seq_diff(p->snd_una, s->ack) > (int64_t)p->max_wnd) {
		tcp_challenge_ack(p, s->now);
		return drop(p->t, DROP_TCP_ACK_OLD);
	}
	/* An answer to a zero-window probe keeps it open (MUST-37). */
	p->probes = 0;
	p->last_ack = s->now;
	rate_ack_begin(p, s->now);
	a.fack = a.overtaken = p->rack.fack;
	a.advanced = seq_gt(s->ack, p->snd_una);
	sack_input(p, &a);
	a.dup = p->flags & PF_SACK ? a.delivered > 0 && !a.advanced
				   : is_dupack(p, s);
	if (a.advanced) {
		a.acked = (uint32_t)seq_diff(s->ack, p->snd_una);
		ack_advance(p, &a);
	}
	if (seq_geq(s->ack, p->snd_una) || a.advanced)
		update_window(p, s, a.advanced);
	recovery_ack(p, &a);
	count_growth(p, &a);
	p->rate.ack.ce = ecn_feedback(p, s, p->rate.ack.delivered);
	if (p->rate.ack.ce > 0)
		recovery_marked(p, &a);
	rate_ack_end(p);
	return NEXT;
}
