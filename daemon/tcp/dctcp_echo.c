/* SPDX-License-Identifier: ISC */
/*
 * The receiver's echo of DCTCP (RFC 8257 3.2), where the classic form of ECN
 * was agreed on: ECE in an ACK says whether what it acknowledges came with CE.
 * ACKs are still delayed while that stays the same.  At a turn what came before
 * it is acknowledged first, as it was; and what came with it at once.
 *
 * Several turns can come in before anything goes out.  A few are remembered;
 * if there are more, the oldest two become one, and some bytes are counted on
 * the wrong side.
 *
 * CWR ends nothing here: the sender tells it by habit.
 */
#include "tcp/internal.h"

static void
turn(struct tcb *p)
{
	struct tcp_ecn *e = &p->ecn;
	seq_t told =
	    e->nturns > 0 ? e->turn[e->nturns - 1].upto : p->last_ack_sent;

	if (!seq_gt(p->rcv_nxt, told))
		return;
	if (e->nturns == ECN_TURNS) {
		memmove(
		    e->turn, e->turn + 1, sizeof e->turn - sizeof e->turn[0]);
		e->nturns--;
	}
	e->turn[e->nturns].upto = p->rcv_nxt;
	e->turn[e->nturns++].ece = e->echo;
}

/* Data came, and is not yet counted in. */
void
dctcp_arrived(struct tcb *p, const struct seg *s, unsigned field)
{
	struct tcp_ecn *e = &p->ecn;
	bool ce = field == IPECN_CE;

	if (s->raw_len == 0)
		return;
	if (ce)
		e->r_cep += s->nsegs;
	if (ce != e->echo) {
		turn(p);
		e->echo = ce;
		p->flags |= PF_ACK_NOW;
	}
	if (field != IPECN_NOT_ECT)
		e->seen = true;
	if (s->h.flags & TH_CWR)
		p->flags |= PF_ACK_NOW;
}

/* The header of an ACK becomes that of the oldest turn; the window's edge
 * stays where it was promised. */
void
dctcp_turn(struct tcb *p, struct wire_tcp *h)
{
	struct tcp_ecn *e = &p->ecn;
	uint32_t unit = 1u << p->rcv_wscale;
	uint32_t more = (uint32_t)seq_diff(p->rcv_nxt, e->turn[0].upto);
	uint32_t wnd = h->wnd + (more + unit - 1) / unit;

	h->ack = e->turn[0].upto.v;
	h->wnd = (uint16_t)(wnd < 65535 ? wnd : 65535);
	h->flags |= e->turn[0].ece ? TH_ECE : 0;
	p->rcv_adv = seq_max(p->rcv_adv,
	    seq_add(e->turn[0].upto, (uint32_t)h->wnd << p->rcv_wscale));
}

/* It has gone; what came after it is still to be acknowledged. */
void
dctcp_turn_told(struct tcb *p)
{
	struct tcp_ecn *e = &p->ecn;

	p->last_ack_sent = e->turn[0].upto;
	memmove(e->turn, e->turn + 1, sizeof e->turn - sizeof e->turn[0]);
	e->nturns--;
	p->flags |= PF_ACK_NOW;
	pcb_ready(p);
}
