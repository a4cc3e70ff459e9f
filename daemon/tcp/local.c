/* SPDX-License-Identifier: ISC */
/*
 * Both ends of a connection are ours: what one end has to send becomes what the
 * other has received, the bufs themselves, without a copy, a segment or an
 * acknowledgment.
 *
 * This is a short cut for text in order and for the window, and for nothing
 * else.  It is taken when everything of the sender's is acknowledged and
 * nothing is urgent, signed, held back or out of order; the sequence numbers,
 * windows and counters of both ends are then what they would be after the
 * segments.  The handshake, the FIN, resets, probes, keep-alives and all that
 * the short cut does not do are segments that IP loops, before and after it, so
 * TCP's semantics are TCP's own.
 *
 * The other end is found by its name.  That a connection of ours has it is no
 * proof that it is the one the sender began with: the numbers have to agree.
 *
 * Nothing overtakes a segment that IP still has: an ACK whose number is old by
 * then would be none, and what it answers would go again.
 *
 * DEVIATION: RFC 5681's congestion control has no part in it: no network is
 * between the two, and the receiver's window bounds what waits.
 */
#include "tcp/internal.h"

static struct tcb *
other_end(const struct tcb *p)
{
	const struct tuple *id = &p->h->node.id;
	struct tuple back = {.laddr = id->raddr,
	    .raddr = id->laddr,
	    .lport = id->rport,
	    .rport = id->lport};
	struct tcp_node *n = conn_find(p->t, &back);

	return n != NULL && n->kind == NODE_PCB ? pcb_awake((struct tcp_pcb *)n)
						: NULL;
}

/* Has it said something that the other end has not heard yet? */
static bool
on_the_way(const struct tcb *p)
{
	return p->said == p->t->turn;
}

static bool
may_pass(const struct tcb *p)
{
	return !p->t->cfg.no_fast_path && synchronized(p) && !on_the_way(p) &&
	       TAILQ_EMPTY(&p->tx) && p->ca_state == CA_OPEN && !p->frto.on &&
	       !p->tlp.out && p->mtu.size == 0 && p->md5.keys == NULL &&
	       !p->urg.sending && p->fo.half == NULL &&
	       (p->pace.max_rate == 0 || p->pace.max_rate == UINT64_MAX) &&
	       !(p->flags & (PF_FIN_SENT | PF_FINISHED | PF_CORK));
}

/* May q take the text that p has next? */
static bool
may_take(const struct tcb *q, const struct tcb *p)
{
	return (q->state == TCPS_ESTABLISHED || q->state == TCPS_FIN_WAIT_1 ||
		   q->state == TCPS_FIN_WAIT_2) &&
	       seq_eq(q->rcv_nxt, p->snd_nxt) && q->ooo_segs == 0 &&
	       !q->fin_early && !q->urg.coming && q->fo.half == NULL &&
	       q->md5.keys == NULL &&
	       !(q->flags & (PF_FINISHED | PF_FIN_RCVD | PF_RCV_DISCARD |
				PF_ORPHAN | PF_ACK_NOW));
}

/* What q offers now is known to p. */
static void
tell_window(struct tcb *q, struct tcb *p)
{
	(void)tcp_select_window(q);
	q->last_ack_sent = q->rcv_nxt;
	p->snd_wnd = tcp_rcv_wnd(q);
	if (p->snd_wnd > p->max_wnd)
		p->max_wnd = p->snd_wnd;
	p->snd_wl1 = p->rcv_nxt;
	p->snd_wl2 = p->snd_una;
}

/* n octets are sent and acknowledged. */
static void
sent(struct tcb *p, uint32_t n, uint32_t segs, mono_t now)
{
	p->snd_una = p->snd_nxt = seq_add(p->snd_nxt, n);
	p->snd_sml = p->recover = p->snd_una;
	p->rack.fack = p->rack.dsack_round = p->snd_una;
	p->last_snd = p->last_ack = p->advanced = now;
	p->retries = p->backoff = 0;
	p->probes = 0;
	p->soft_error = 0;
	p->bytes_sent += n;
	p->bytes_acked += n;
	p->segs_out += segs;
	p->data_segs_out += segs;
	p->rate.delivered += n;
	p->rate.packets += segs;
	p->flags &= ~PF_OVERRIDE;
	pcb_timer(p, TMR_PERSIST, MONO_NEVER);
	tcp_arm_keep(p, now);
	sendq_ack(p, n);
}

static void
received(struct tcb *q, uint32_t segs, mono_t now)
{
	q->last_rcv = now;
	q->segs_in += segs;
	q->data_segs_in += segs;
	if (seq_lt(q->rcv_adv, q->rcv_nxt))
		q->rcv_adv = q->rcv_nxt;
	q->flags &= ~PF_ACK_DELAYED;
	pcb_timer(q, TMR_DELACK, MONO_NEVER);
	tcp_arm_keep(q, now);
}

/* At most n octets from p's queue to q's; how many. */
static uint32_t
move(struct tcb *p, struct tcb *q, uint32_t n)
{
	uint32_t off = p->sq.head_off, done = 0, len;
	struct buf *b;

	/* What is lent is its user's again when it is acknowledged. */
	for (b = p->sq.head; b != NULL && !b->lent && done < n;
	     b = b->next, off = 0) {
		len = b->len - off < n - done ? b->len - off : n - done;
		if (!reasm_append(q, b, off, len))
			break;
		done += len;
	}
	return done;
}

void
local_output(struct tcb *p, mono_t now)
{
	struct tcb *q;
	uint32_t n, segs;

	if (p->sq.bytes == 0 || !may_pass(p) || (q = other_end(p)) == NULL ||
	    !may_take(q, p))
		return;
	tell_window(q, p);
	n = move(p, q, p->snd_wnd < p->sq.bytes ? p->snd_wnd : p->sq.bytes);
	if (n == 0)
		return;
	segs = (n + p->snd_mss - 1) / p->snd_mss;
	sent(p, n, segs, now);
	received(q, segs, now);
	tell_window(q, p);
	p->t->st.local_bytes += n;
}

bool
local_window(struct tcb *q)
{
	struct tcb *p;

	if (!q->path.local || on_the_way(q) || (p = other_end(q)) == NULL ||
	    !may_pass(p) || !may_take(q, p))
		return false;
	tell_window(q, p);
	pcb_ready(p);
	return true;
}
