/* SPDX-License-Identifier: ISC */
/*
 * Loss: when it is found, what it does to the connection, when it is over.
 * With SACK by RFC 6675, without by RFC 5681 and 6582; the time-out by RFC
 * 6298 5.4 to 5.6.  How far the window falls is congestion control's to say
 * (cc.h); what goes again and when is output.c's.
 */
#include "tcp/internal.h"

/* Without SACK only the first segment is known to be missing. */
static void
mark_head_lost(struct tcp_pcb *p)
{
	struct txseg *x = TAILQ_FIRST(&p->tx);

	if (x == NULL)
		return;
	if (x->len > p->snd_mss)
		txseg_split(p, x, p->snd_mss);
	txseg_mark_lost(p, x);
	p->flags |= PF_REXMT_NOW;
}

static void
enter_recovery(struct tcp_pcb *p)
{
	tcp_cc_congestion(&p->cc, CC_LOSS, tcp_outstanding(p));
	p->recover = p->snd_nxt;
	p->ca_state = CA_RECOVERY;
	p->flags |= PF_REXMT_NOW;
	p->t->st.fast_retransmits++;
	p->t->st.sack_recoveries += (p->flags & PF_SACK) != 0;
}

/* The retransmission timer fired (RFC 5681 3.1, RFC 6298 5.4 to 5.6). */
void
tcp_enter_loss(struct tcp_pcb *p, mono_t now)
{
	struct txseg *x = TAILQ_FIRST(&p->tx);
	bool reneged = x != NULL && (x->flags & TX_SACKED);

	(void)now;
	/* Once for each loss: not when the timer backs off. */
	if (p->ca_state != CA_LOSS || seq_geq(p->snd_una, p->recover))
		tcp_cc_congestion(&p->cc, CC_RTO, tcp_outstanding(p));
	else
		p->cc.cwnd = p->cc.mss;
	TAILQ_FOREACH (x, &p->tx, link) {
		/* RFC 2018 8: a receiver that took back what it SACKed. */
		if (reneged && (x->flags & TX_SACKED)) {
			p->sacked_bytes -= x->len;
			x->flags &= ~TX_SACKED;
		}
		txseg_mark_lost(p, x);
	}
	p->recover = p->snd_nxt;
	p->ca_state = CA_LOSS;
	p->dupacks = 0;
	p->flags |= PF_REXMT_NOW;
	pcb_ready(p);
}

void
recovery_leave(struct tcp_pcb *p)
{
	if (p->ca_state == CA_RECOVERY && !(p->cc.ops->flags & CC_DRIVES)) {
		/* RFC 6582 3.2 step 3: no burst after the end. */
		uint32_t flight = tcp_outstanding(p) + p->snd_mss;

		p->cc.cwnd = p->cc.ssthresh;
		if (flight < p->cc.cwnd && flight >= 2u * p->snd_mss)
			p->cc.cwnd = flight;
	}
	p->ca_state = CA_OPEN;
	p->dupacks = 0;
}

/* RFC 5681 2: an ACK that says "something came, but not what is missing". */
bool
is_dupack(const struct tcp_pcb *p, const struct seg *s)
{
	return seq_eq(s->ack, p->snd_una) && s->len == 0 && !s->fin &&
	       s->wnd == p->snd_wnd && tcp_outstanding(p) > 0;
}

void
recovery_detect(struct tcp_pcb *p, bool advanced, bool dup)
{
	bool lost;

	if (p->flags & PF_SACK) {
		lost = sack_mark_lost(p);
		/* RFC 6675 5: three duplicates of tiny segments count too. */
		if (!lost && dup && p->dupacks >= TCP_DUPTHRESH &&
		    p->ca_state < CA_RECOVERY && p->sacked_bytes > 0) {
			mark_head_lost(p);
			lost = true;
		}
	} else if (p->ca_state == CA_RECOVERY) {
		if (advanced)
			mark_head_lost(p); /* RFC 6582: a partial ACK */
		return;
	} else {
		/* RFC 6582 3.2 step 2: not about what an RTO covered. */
		lost = dup && p->dupacks == TCP_DUPTHRESH &&
		       p->ca_state != CA_LOSS &&
		       seq_geq(p->snd_una, p->recover);
		if (lost)
			mark_head_lost(p);
	}
	if (lost && p->ca_state < CA_RECOVERY)
		enter_recovery(p);
	else if (p->ca_state == CA_OPEN && (p->sacked_bytes > 0 || dup))
		p->ca_state = CA_DISORDER;
	if (lost)
		pcb_ready(p);
}
