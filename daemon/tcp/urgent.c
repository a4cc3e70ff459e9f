/* SPDX-License-Identifier: ISC */
/*
 * The urgent mechanism (MUST-30: RFC 9293 3.8.5, RFC 6093), as Linux has it.
 * Urgent data is the stream up to a mark, never a second channel: SND.UP and
 * RCV.UP are the numbers of the octet behind it (MUST-62).
 *
 * Every segment before the mark carries URG and how far it is to there; a
 * pointer has 16 bits, so a mark that is further away is announced by steps
 * (MUST-31), from the newest segments only: in older ones a pointer into what
 * was sent would seem to be the mark itself.
 */
#include "tcp/internal.h"

/* The number of the first octet that the user has not taken. */
static seq_t
copied(const struct tcb *p)
{
	uint32_t fin = (p->flags & PF_FIN_RCVD) != 0;

	return seq_add(p->rcv_nxt, -(p->rcv_bytes + fin));
}

/* ---- sending ---- */

bool
urgent_sending(const struct tcb *p)
{
	return p->urg.sending && seq_gt(p->urg.snd_up, p->snd_una);
}

void
urgent_mark(struct tcb *p, seq_t seq, struct wire_tcp *h)
{
	int32_t far = seq_diff(p->urg.snd_up, seq);

	/* Numbers come round again; a mark does not. */
	if (!urgent_sending(p)) {
		p->urg.sending = false;
		return;
	}
	if (far <= 0 ||
	    (far > UINT16_MAX && seq_leq(seq_add(seq, UINT16_MAX), p->snd_nxt)))
		return;
	h->flags |= TH_URG;
	h->urp = (uint16_t)(far < UINT16_MAX ? far : UINT16_MAX);
}

void
pcb_send_urgent(struct tcb *p, mono_t now)
{
	seq_t first = p->snd_una;

	(void)now;
	if (p->sq.bytes == 0 || p->state == TCPS_CLOSED)
		return;
	if (!synchronized(p))
		first = p->snd_nxt; /* behind the SYN */
	p->urg.snd_up = seq_add(first, p->sq.bytes);
	p->urg.sending = true;
	/* Without text, if the window is closed: the news is not bound to it
	 * (MUST-66 is the other side of that). */
	if (synchronized(p))
		p->flags |= PF_ACK_NOW;
	pcb_ready(p);
}

/* ---- receiving ---- */

/* RFC 9293 3.10.7.4, sixth.  What is old, or not further than before, says
 * nothing new. */
void
urgent_input(struct tcb *p, const struct seg *s)
{
	seq_t up;

	if (!(s->h.flags & TH_URG) || (p->flags & PF_FIN_RCVD))
		return;
	up = seq_add(SEQ(s->h.seq), s->h.urp);
	if (!seq_gt(up, p->rcv_nxt) ||
	    (p->urg.coming && !seq_gt(up, p->urg.rcv_up)))
		return;
	p->urg.rcv_up = up;
	p->urg.coming = true;
	pcb_event(p, TCP_EV_URGENT); /* MUST-32 */
}

void
urgent_taken(struct tcb *p)
{
	if (p->urg.coming && seq_leq(p->urg.rcv_up, copied(p)))
		p->urg.coming = false;
}

/* MUST-33 */
uint32_t
pcb_recv_urgent(const struct tcb *p)
{
	if (!p->urg.coming)
		return 0;
	return (uint32_t)seq_diff(p->urg.rcv_up, copied(p));
}
