/* SPDX-License-Identifier: ISC */
/*
 * When to acknowledge text (RFC 5681 4.2, RFC 9293 3.8.6.3): at least every
 * second full segment at once (SHLD-19), the others after a while, below 0.5 s
 * (MUST-40), or with what we send ourselves.  Some things shorten the wait, as
 * in Linux:
 *
 * - Quick ACKs.  A sender's first flights, or those after a pause, are in slow
 *   start and grow by ACKs: each segment of them is answered at once, as many
 *   as make half the window, at most TCP_QUICK_MAX.
 * - Growth.  What comes in a round trip beyond what came in one before shows a
 *   sender who is in slow start still, and is answered segment by segment, so
 *   that the loss of an ACK or the wait for an even number costs him less.
 *   (Linux does so for as long as the window that it offers grows.)
 * - Ping-pong.  Where an answer of ours followed within the delay, the next
 *   one is likely to carry the ACK: no quick ACKs then.  A duplicate says that
 *   the peer waits for ACKs, and ends it.
 * - The last segment of a write: a short one, or one with PSH.  A user who has
 *   taken all there is and does not answer has nothing for the ACK to go along
 *   with, and a peer with a small buffer waits for it.
 *
 * What a full segment is, is learned from what comes: the longest so far, or,
 * where the path or the peer's buffer has become smaller, two of one length.
 *
 * The delay follows the distance between segments, TCP_DELACK_US at least and
 * never longer than a round trip or TCP_DELACK_MAX_US.
 */
#include "tcp/internal.h"

#define TCP_QUICK_MAX	  16
#define TCP_DELACK_MAX_US 200000 /* MUST-40 */

/* Shorter ones are the ends of writes, however many have one length; and with
 * any of these flags, below the length that is safe everywhere. */
#define TCP_FULL_MIN 88
#define TCP_END	     (TH_PSH | TH_URG | TH_FIN)

/* The next segments are acknowledged at once. */
static void
quicken(struct tcb *p)
{
	uint32_t n = tcp_rcv_wnd(p) / (2 * p->rcv_mss);

	if (n < 2)
		n = 2;
	if (n > TCP_QUICK_MAX)
		n = TCP_QUICK_MAX;
	if (p->t->cfg.no_quickack)
		n = 0;
	if (n > p->ack.quick)
		p->ack.quick = (uint8_t)n;
}

void
delack_quick(struct tcb *p)
{
	quicken(p);
	p->ack.pingpong =
	    p->t->cfg.no_quickack || p->ack.asked == TCP_QUICK_OFF;
	p->ack.delay_us = TCP_DELACK_US;
}

void
delack_ask(struct tcb *p, uint8_t asked)
{
	if (asked == p->ack.asked)
		return;
	p->ack.asked = asked;
	p->ack.pingpong = asked == TCP_QUICK_OFF || p->t->cfg.no_quickack;
	if (asked == TCP_QUICK_ON && (p->flags & PF_ACK_DELAYED)) {
		p->flags |= PF_ACK_NOW;
		pcb_ready(p);
	}
}

/* A segment of len octets: does another one, or this one's PSH, follow as to a
 * full one?  Lengths are compared without what SACK blocks take from them. */
static void
measure_length(struct tcb *p, const struct wire_tcp *h, uint32_t len)
{
	uint32_t sacks = h->nsack > 0 ? 4 + 8 * h->nsack : 0;
	uint32_t opts = h->hdr_len - WIRE_TCP_HDR_MIN;
	uint32_t before = p->ack.len_before;

	p->ack.len_before = 0;
	if (len >= p->rcv_mss) {
		p->rcv_mss = len;
		if (h->flags & TH_PSH && p->ack.ends == 0)
			p->ack.ends = 1;
		return;
	}
	if (len + opts >= TCP_DEFAULT_MSS ||
	    (len + opts >= TCP_FULL_MIN && !(h->flags & TCP_END))) {
		p->ack.len_before = len + sacks;
		if (len + sacks == before) {
			p->rcv_mss = before;
			return;
		}
	}
	if (p->ack.ends < 2)
		p->ack.ends++;
}

/* Text came, in segments of len octets: how far apart do segments come, and how
 * long are they? */
void
delack_measure(
    struct tcb *p, const struct wire_tcp *h, uint32_t len, mono_t now)
{
	int64_t gap = mono_diff(now, p->last_rcv);
	uint32_t delay = p->ack.delay_us;

	measure_length(p, h, len);
	if (delay == 0) {
		/* The first. */
		quicken(p);
		p->ack.pingpong |= p->t->cfg.no_quickack;
		delay = TCP_DELACK_US;
	} else if (gap <= TCP_DELACK_US / 2) {
		delay = delay / 2 + TCP_DELACK_US / 2;
	} else if (gap < delay) {
		delay = delay / 2 + (uint32_t)gap;
		if (delay > p->rto_us)
			delay = p->rto_us;
	} else if (gap > p->rto_us) {
		/* He starts again from a small window. */
		quicken(p);
	}
	p->ack.delay_us = delay;
	p->last_rcv = now;
}

static int64_t
delay_now(const struct tcb *p)
{
	int64_t delay = p->ack.delay_us;
	int64_t max = TCP_DELACK_MAX_US;

	if (p->srtt_us != 0 && p->srtt_us < max)
		max = p->srtt_us > TCP_DELACK_US ? p->srtt_us : TCP_DELACK_US;
	return delay < max ? delay : max;
}

/* SHLD-18: there is something in order to acknowledge, which came in nsegs
 * segments. */
void
delack_schedule(struct tcb *p, unsigned nsegs, mono_t now)
{
	uint32_t unacked = (uint32_t)seq_diff(p->rcv_nxt, p->last_ack_sent);
	mono_t when;

	if (nsegs > 1 || unacked > p->rcv_mss || p->ack.asked == TCP_QUICK_ON ||
	    ((p->ack.quick > 0 || tune_growing(p, now)) && !p->ack.pingpong)) {
		p->flags |= PF_ACK_NOW | PF_ACK_DELAYED;
		pcb_ready(p);
		return;
	}
	p->flags |= PF_ACK_DELAYED;
	when = mono_add(now, delay_now(p));
	if (!timer_on(p, TMR_DELACK) ||
	    mono_before(when, p->deadline[TMR_DELACK]))
		pcb_timer(p, TMR_DELACK, when);
}

/* A FIN came.  Behind text, it waits for what the program will say or for its
 * own FIN, as in Linux; it is not known then to be the last word. */
void
delack_fin(struct tcb *p, mono_t now)
{
	bool text = p->ack.delay_us != 0 && p->data_segs_in > p->fo.taken;

	if (p->state != TCPS_ESTABLISHED || !text || tcp_rcv_wnd(p) == 0 ||
	    p->t->cfg.no_quickack || p->ack.asked == TCP_QUICK_ON) {
		p->flags |= PF_ACK_NOW;
		return;
	}
	p->ack.pingpong = true;
	p->flags |= PF_ACK_DELAYED;
	if (!timer_on(p, TMR_DELACK))
		pcb_timer(p, TMR_DELACK, mono_add(now, delay_now(p)));
}

/* A segment goes out, and every one carries the acknowledgment. */
void
delack_sent(struct tcb *p)
{
	if ((p->flags & (PF_ACK_DELAYED | PF_ACK_NOW)) && p->ack.quick > 0)
		p->ack.quick--;
	p->ack.ends = 0;
	p->last_ack_sent = p->rcv_nxt;
	p->flags &= ~(PF_ACK_NOW | PF_ACK_DELAYED);
	pcb_timer(p, TMR_DELACK, MONO_NEVER);
}

/* Text goes out: is it an answer to what came? */
void
delack_answered(struct tcb *p, mono_t now)
{
	if (mono_diff(now, p->last_rcv) < p->ack.delay_us)
		p->ack.pingpong = true;
}

void
delack_said_more(struct tcb *p)
{
	if (p->ack.delay_us == 0 && p->flags & PF_ACK_NOW)
		p->ack.pingpong = true;
}

/* The user took some; is there anything to wait for any more? */
void
delack_taken(struct tcb *p)
{
	if (!(p->flags & PF_ACK_DELAYED) || p->rcv_bytes > 0)
		return;
	if (p->ack.ends > 1 || (p->ack.ends > 0 && !p->ack.pingpong)) {
		p->flags |= PF_ACK_NOW;
		pcb_ready(p);
	}
}
