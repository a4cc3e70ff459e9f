/* SPDX-License-Identifier: ISC */
/*
 * Loss: what it does to the connection, when it is over.  Found it is by
 * rack.c, without SACK by RFC 5681 and 6582, or by the time-out (RFC 6298 5.4
 * to 5.6).  How far the window falls is congestion control's to say (cc.h),
 * how it gets there is proportional rate reduction (RFC 9937); what goes again
 * and when is output.c's.
 */
#include "tcp/internal.h"

/* ---- proportional rate reduction ---- */

/* RFC 9937 6.1; delivered: by the ACK that began it, which counts. */
static void
prr_begin(struct tcb *p, uint32_t delivered)
{
	uint32_t left = tcp_outstanding(p) - p->sacked_bytes, gone;

	if (!(p->flags & PF_SACK)) {
		gone = p->dupacks * p->snd_mss;
		left -= gone < left ? gone : left;
	}

	p->prr.delivered = p->prr.out = 0;
	p->prr.flight = left + delivered > 0 ? left + delivered : 1;
}

/* RFC 9937 6.2: how much may go for what this ACK has delivered. */
static void
prr_ack(struct tcb *p, const struct ackinfo *a)
{
	uint32_t pipe = tcp_pipe(p), ssthresh = p->cc.ssthresh,
		 mss = p->snd_mss;
	uint32_t n, due;

	if (p->prr.flight == 0 || (p->cc.ops->flags & CC_DRIVES))
		return;
	p->prr.delivered += a->delivered;
	if (pipe > ssthresh) {
		due = (uint32_t)(((uint64_t)p->prr.delivered * ssthresh +
				     p->prr.flight - 1) /
				 p->prr.flight);
		n = due > p->prr.out ? due - p->prr.out : 0;
	} else {
		n = p->prr.delivered > p->prr.out
			? p->prr.delivered - p->prr.out
			: 0;
		if (n < a->delivered)
			n = a->delivered;
		/* Slow start, as long as nothing else shows loss. */
		if (a->advanced && a->lost == 0)
			n += mss;
		if (n > ssthresh - pipe)
			n = ssthresh - pipe;
	}
	/* The fast retransmission goes in any case. */
	if (p->prr.out == 0 && n < mss)
		n = mss;
	p->cc.cwnd = pipe + n > mss ? pipe + n : mss;
}

/* ---- into recovery and out of it ---- */

/* Without SACK only the first segment is known to be missing. */
static void
mark_head_lost(struct tcb *p)
{
	struct txseg *x = TAILQ_FIRST(&p->tx);

	if (x == NULL)
		return;
	if (x->len > p->snd_mss)
		txseg_split(p, x, p->snd_mss);
	txseg_mark_lost(p, x);
	p->flags |= PF_REXMT_NOW;
	pcb_ready(p);
}

/* RFC 3168 6.1.2: once a round trip, and not if a loss was answered in it.
 * The window sinks with the ACKs of that round trip, as after a loss.  No undo
 * gives back what a mark has taken. */
void
recovery_marked(struct tcb *p, const struct ackinfo *a)
{
	bool each = p->cc.ops->flags & CC_ECN_EACH;

	p->cc.prior_cwnd = 0;
	if (p->ca_state >= CA_CWR || p->ecn.reduced)
		return;
	if (!each) {
		tcp_cc_congestion(&p->cc, CC_CE, p->rate.ack.prior_flight);
		p->cc.prior_cwnd = 0;
		p->ca_state = CA_CWR;
		prr_begin(p, a->delivered);
		prr_ack(p, a);
	}
	p->ecn.reduced = true;
	p->ecn.reduced_end = p->snd_nxt;
	p->t->st.ecn_reductions++;
	ecn_reduced(p);
}

static void
enter_recovery(struct tcb *p, const struct ackinfo *a)
{
	/* A mark has been answered in this round trip. */
	if (p->ca_state != CA_CWR)
		tcp_cc_congestion(&p->cc, CC_LOSS, tcp_outstanding(p));
	ecn_reduced(p);
	p->recover = p->snd_nxt;
	p->ca_state = CA_RECOVERY;
	undo_begin(p);
	tlp_cancel(p);
	prr_begin(p, a->delivered);
	p->t->st.fast_retransmits++;
	p->t->st.sack_recoveries += (p->flags & PF_SACK) != 0;
}

void
recovery_resend(struct tcb *p)
{
	struct tcp_cc *cc = &p->cc;

	if (p->ca_state < CA_RECOVERY) {
		p->ca_state = CA_RECOVERY;
		p->recover = p->snd_nxt;
		p->prr.flight = 0;
		p->undo.on = p->undo.hold = false;
		cc->ssthresh = cc->cwnd > 2 * cc->mss ? cc->cwnd : 2 * cc->mss;
	}
	p->flags |= PF_REXMT_NOW;
	pcb_ready(p);
}

/* The retransmission timer fired (MUST-19: RFC 5681 3.1, RFC 6298 5.4 to
 * 5.6). */
void
tcp_enter_loss(struct tcb *p, mono_t now)
{
	struct txseg *x = TAILQ_FIRST(&p->tx);
	struct tcp_cc *cc = &p->cc;
	bool reneged = x != NULL && (x->flags & TX_SACKED);
	bool fresh =
	    p->ca_state < CA_RECOVERY || seq_geq(p->snd_una, p->recover);

	/* Once for each loss: not when the timer backs off, nor when it was
	 * found before (as on Linux). */
	if (fresh) {
		if (p->ca_state != CA_CWR || (cc->ops->flags & CC_DRIVES))
			tcp_cc_congestion(cc, CC_RTO, tcp_outstanding(p));
		undo_begin(p);
	}
	frto_begin(p, !reneged && (fresh || p->ca_state == CA_LOSS));
	p->undo.hold = false;
	/* RFC 2018 8: a receiver that took back what it SACKed. */
	if (reneged) {
		sack_forget(p);
		p->undo.on = false;
		p->t->st.sack_renegings++;
	}
	if ((p->flags & PF_SACK) && !reneged) {
		rack_mark_on_rto(p, now);
	} else {
		TAILQ_FOREACH (x, &p->tx, link)
			txseg_mark_lost(p, x);
	}
	p->recover = p->snd_nxt;
	p->ca_state = CA_LOSS;
	tlp_cancel(p);
	ecn_reduced(p);
	p->dupacks = 0;
	/* One segment, besides what was sent too lately to be lost. */
	cc->cwnd = tcp_pipe(p) + cc->mss;
	p->flags |= PF_REXMT_NOW;
	pcb_ready(p);
}

void
recovery_marked_over(struct tcb *p)
{
	p->ecn.reduced = false;
	if (p->ca_state != CA_CWR)
		return;
	p->ca_state = CA_OPEN;
	if (!(p->cc.ops->flags & CC_DRIVES))
		p->cc.cwnd = p->cc.ssthresh;
}

static void
leave(struct tcb *p)
{
	if (p->ca_state == CA_RECOVERY && !(p->cc.ops->flags & CC_DRIVES))
		p->cc.cwnd = p->cc.ssthresh;
	rack_recovered(p);
	p->undo.hold = false;
	p->frto.on = p->frto.fresh = false;
	p->ca_state = CA_OPEN;
	p->dupacks = 0;
}

/* ---- each acknowledgment ---- */

/* RFC 5681 2: an ACK that says "something came, but not what is missing". */
bool
is_dupack(const struct tcb *p, const struct seg *s)
{
	return seq_eq(s->ack, p->snd_una) && s->len == 0 && !s->fin &&
	       s->wnd == p->snd_wnd && tcp_outstanding(p) > 0;
}

/* Without SACK each duplicate says that one segment came, and the ACK that
 * covers it must not say so again. */
static void
count_duplicates(struct tcb *p, struct ackinfo *a)
{
	uint32_t n;

	if (a->dup)
		p->dupacks++;
	if (p->flags & PF_SACK) {
		if (a->advanced && p->ca_state < CA_RECOVERY)
			p->dupacks = 0;
		return;
	}
	if (a->dup)
		a->delivered += p->snd_mss;
	if (!a->advanced)
		return;
	n = a->acked / p->snd_mss;
	if (n > p->dupacks || p->ca_state < CA_RECOVERY)
		n = p->dupacks;
	p->dupacks -= n;
	n *= p->snd_mss;
	a->delivered -= n < a->delivered ? n : a->delivered;
}

/* RFC 5681 3.2, RFC 6582 */
static void
detect_by_duplicates(struct tcb *p, const struct ackinfo *a)
{
	if (p->ca_state == CA_RECOVERY) {
		if (a->advanced)
			mark_head_lost(p); /* a partial ACK */
	} else if (a->dup && p->dupacks == TCP_DUPTHRESH &&
		   p->ca_state != CA_LOSS && seq_geq(p->snd_una, p->recover)) {
		/* RFC 6582 3.2 step 2: not about what an RTO covered. */
		mark_head_lost(p);
	}
}

/* RFC 4821 7.5: a probe of the path's MTU was too big, and nothing else is
 * lost: no sign of congestion. */
static bool
only_a_probe(struct tcb *p)
{
	const struct txseg *x = TAILQ_FIRST(&p->tx);

	if (x == NULL || !mtu_is_probe(p, x->seq) || p->lost_bytes != x->len ||
	    !(x->flags & TX_LOST))
		return false;
	mtu_probe_lost(p);
	recovery_resend(p);
	return true;
}

static void
detect_loss(struct tcb *p, struct ackinfo *a)
{
	if (p->flags & PF_SACK) {
		rack_overtaken(p, a->overtaken, a->fack);
		a->lost = rack_detect_loss(p, a->now);
	} else {
		a->lost = p->lost_bytes;
		detect_by_duplicates(p, a);
		a->lost = p->lost_bytes > a->lost ? p->lost_bytes - a->lost : 0;
	}
	if (p->ca_state >= CA_RECOVERY || p->lost_bytes == 0 || only_a_probe(p))
		return;
	enter_recovery(p, a);
	pcb_ready(p);
}

/* A SACKed segment is the next that the peer wants: he may have thrown it
 * away (RFC 2018 8).  True: he gets a moment to acknowledge it after all, then
 * the timer takes it that way (as on Linux). */
static bool
reneging(struct tcb *p, const struct ackinfo *a)
{
	const struct txseg *x = TAILQ_FIRST(&p->tx);
	int64_t moment = p->srtt_us / 2;

	if (x == NULL || !(x->flags & TX_SACKED))
		return false;
	if (moment < TCP_RENEGE_US)
		moment = TCP_RENEGE_US;
	pcb_timer(p, TMR_REXMT,
	    mono_min(p->deadline[TMR_REXMT], mono_add(a->now, moment)));
	return true;
}

/* Is it over, or was it for nothing?  True: no more losses are looked for. */
static bool
judge(struct tcb *p, const struct ackinfo *a)
{
	bool over = seq_geq(p->snd_una, p->recover);

	switch (p->ca_state) {
	case CA_RECOVERY:
		if (over ? undo_at_end(p, a) : undo_partial(p, a))
			return true;
		break;
	case CA_LOSS:
		if (undo_loss(p, a))
			return false;
		break;
	default:
		undo_by_dsack(p);
		return false;
	}
	if (over)
		leave(p);
	return false;
}

static void
settle(struct tcb *p)
{
	bool gaps = p->sacked_bytes > 0 || p->dupacks > 0;

	if (p->ca_state == CA_OPEN && gaps)
		p->ca_state = CA_DISORDER;
	else if (p->ca_state == CA_DISORDER && !gaps)
		p->ca_state = CA_OPEN;
}

void
recovery_ack(struct tcb *p, struct ackinfo *a)
{
	count_duplicates(p, a);
	tlp_ack(p, a);
	rack_window(p, a);
	if (!reneging(p, a) && !judge(p, a)) {
		detect_loss(p, a);
		if ((p->ca_state == CA_RECOVERY || p->ca_state == CA_CWR) &&
		    a->delivered > 0)
			prr_ack(p, a);
	}
	settle(p);
	if (p->ca_state != CA_LOSS)
		timeout_over(p, a->now);
	if (a->advanced || p->ca_state != CA_OPEN)
		tlp_arm(p, a->now);
	if (a->lost > 0 || a->dup)
		pcb_ready(p);
}

void
recovery_lost(struct tcb *p, uint32_t lost)
{
	struct ackinfo none = {.lost = lost};

	if (lost == 0 || (p->ca_state < CA_RECOVERY && only_a_probe(p)))
		return;
	if (p->ca_state < CA_RECOVERY) {
		enter_recovery(p, &none);
		prr_ack(p, &none);
	}
	pcb_ready(p);
}
