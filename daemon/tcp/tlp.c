/* SPDX-License-Identifier: ISC */
/*
 * The tail loss probe (RFC 8985 7): when the end of what is out is lost, no
 * later segment shows it.  Two round trips after the last sign of life one
 * segment goes, new data or the last one again, so that its acknowledgment
 * brings RACK to work before the retransmission timer does.
 *
 * One probe at a time.  If it was a retransmission that filled the only hole,
 * nothing but the probe itself has told of the loss: tlp_ack() finds that out
 * and answers it as a congestion (7.4).
 *
 * DECLINED: RFC 7765's restart of the retransmission timer, an experiment that
 * Linux does not have either: what is left of the timer's work for the end of a
 * transfer is little.  Tried on 128 transfers of 50 kB over a path that loses
 * 3 % it made two shorter, by 94 and 51 ms, and the mean by 0.4 %; where longer
 * ones lost, nothing.
 */
#include "tcp/internal.h"

#define TLP_MAX_ACK_DELAY_US 200000 /* of the peer */
#define TLP_NO_RTT_US	     1000000

static int64_t
probe_timeout(const struct tcb *p)
{
	if (p->srtt_us == 0)
		return TLP_NO_RTT_US;
	/* The acknowledgment of one alone may be delayed.  The slack is for
	 * what two programs take to run (as on Linux). */
	return 2 * (int64_t)p->srtt_us + (tcp_outstanding(p) <= p->snd_mss
						 ? TLP_MAX_ACK_DELAY_US
						 : TCP_SLACK_US);
}

static bool
may_probe(const struct tcb *p)
{
	return (p->flags & PF_SACK) && p->ca_state == CA_OPEN &&
	       synchronized(p) && p->fo.half == NULL && !TAILQ_EMPTY(&p->tx) &&
	       !p->tlp.out;
}

/* 7.2: new data went, or some was acknowledged. */
void
tlp_arm(struct tcb *p, mono_t now)
{
	mono_t when = MONO_NEVER;

	if (may_probe(p) && !p->tlp.now)
		when = mono_min(
		    mono_add(now, probe_timeout(p)), p->deadline[TMR_REXMT]);
	pcb_timer(p, TMR_TLP, when);
}

/* 7.3: it comes in the retransmission timer's place, which starts again. */
bool
tlp_timeout(struct tcb *p, mono_t now)
{
	if (!may_probe(p) || tcp_limit_reached(p, now))
		return true;
	p->tlp.now = true;
	tcp_arm_rexmt(p, now);
	pcb_ready(p);
	return true;
}

/* The segment to send again, cut out of the last record; NULL: none, the
 * window excludes it or memory is out. */
struct txseg *
tlp_last(struct tcb *p, uint32_t mss)
{
	struct txseg *x = TAILQ_LAST(&p->tx, txsegs);
	uint32_t fin, data;

	if (!may_probe(p))
		return NULL;
	fin = (x->flags & TX_FIN) != 0;
	data = (x->len - fin) % mss;
	if (data == 0 && x->len > fin)
		data = mss;
	if (x->len > data + fin) {
		if (!txseg_split(p, x, x->len - data - fin))
			return NULL;
		x = TAILQ_NEXT(x, link);
	}
	if (x != TAILQ_FIRST(&p->tx) && p->snd_wnd < tcp_outstanding(p))
		return NULL;
	return x;
}

void
tlp_sent(struct tcb *p, bool resent, mono_t now)
{
	p->tlp.out = true;
	p->tlp.resent = resent;
	p->tlp.end = p->snd_nxt;
	p->t->st.tlp_probes++;
	tcp_arm_rexmt(p, now);
}

/* Recovery has begun; the probe has nothing more to tell. */
void
tlp_cancel(struct tcb *p)
{
	p->tlp.out = p->tlp.now = false;
	pcb_timer(p, TMR_TLP, MONO_NEVER);
}

/* 7.4.2: was there a loss that the probe itself has mended? */
void
tlp_ack(struct tcb *p, const struct ackinfo *a)
{
	if (!p->tlp.out || seq_lt(p->snd_una, p->tlp.end))
		return;
	if (!p->tlp.resent || a->dsack_probe) {
		/* New data came, or the old came twice. */
		p->tlp.out = false;
	} else if (seq_gt(p->snd_una, p->tlp.end)) {
		p->tlp.out = false;
		p->t->st.tlp_recoveries++;
		tcp_cc_congestion(&p->cc, CC_LOSS, a->delivered);
	} else if (!a->advanced && a->delivered == 0 && a->s->len == 0) {
		/* Both came: the second one's ACK says nothing new. */
		p->tlp.out = false;
	}
}
