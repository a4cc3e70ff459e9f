/* SPDX-License-Identifier: ISC */
/*
 * What an acknowledgment does (RFC 9293 3.10.7.4, fifth): bytes leave the send
 * queue, the round-trip time is measured, the peer's window moves.  The SACK
 * blocks are scoreboard.c's, what they say of loss is recovery.c's, and how
 * the congestion window grows is for the algorithm behind cc.h.
 */
#include "tcp/internal.h"

/* Takes everything below ack off the list; the RTT sample if it is clean
 * (Karn): of the latest segment, so that a delayed ACK does not count.
 * *retx_at: when the latest retransmission among it went out. */
static void
clear_acked(
    struct tcp_pcb *p, seq_t ack, mono_t now, int64_t *rtt, mono_t *retx_at)
{
	struct txseg *x;
	bool clean = true;

	*rtt = -1;
	retx_at->us = 0;
	while ((x = TAILQ_FIRST(&p->tx)) != NULL && seq_lt(x->seq, ack)) {
		seq_t end = seq_add(x->seq, x->len);

		if (x->flags & TX_EVER_RETX) {
			clean = false;
			*retx_at = mono_max(*retx_at, x->sent_at);
		}
		/* What was SACKed came earlier than this ACK says. */
		if (!(x->flags & (TX_SACKED | TX_EVER_RETX)))
			*rtt = mono_diff(now, x->sent_at);
		if (!(x->flags & TX_SACKED))
			rate_delivered(p, x,
			    (uint32_t)seq_diff(seq_min(end, ack), x->seq));
		if (seq_leq(end, ack)) {
			txseg_remove(p, x);
			continue;
		}
		txseg_uncount(p, x, (uint32_t)seq_diff(ack, x->seq));
		x->len = (uint32_t)seq_diff(end, ack);
		x->seq = ack;
		break;
	}
	if (!clean)
		*rtt = -1;
}

static void
ack_advance(struct tcp_pcb *p, struct seg *s)
{
	uint32_t acked = (uint32_t)seq_diff(s->ack, p->snd_una), data = acked;
	mono_t retx_at;
	int64_t rtt;

	clear_acked(p, s->ack, s->now, &rtt, &retx_at);
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
	if ((p->flags & PF_FIN_SENT) && seq_eq(s->ack, p->snd_nxt))
		data--;
	p->rate.ack.acked = data;
	p->bytes_acked += data;
	p->last_ack = p->advanced = s->now;
	p->retries = p->backoff = 0;
	p->probes = 0;
	sendq_ack(p, data);
	if (p->ca_state >= CA_RECOVERY && seq_geq(p->snd_una, p->recover))
		recovery_leave(p);
	else if (p->ca_state == CA_DISORDER && p->sacked_bytes == 0)
		p->ca_state = CA_OPEN;
	if (p->ca_state < CA_RECOVERY)
		p->dupacks = 0;
	else if (!(p->flags & PF_SACK)) {
		/* RFC 6582: deflate by what the partial ACK covers. */
		uint32_t n = acked / p->snd_mss;

		p->dupacks -= n < p->dupacks ? n : p->dupacks;
	}
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
update_window(struct tcp_pcb *p, const struct seg *s, bool advanced)
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

enum step
ack_input(struct tcp_pcb *p, struct seg *s)
{
	bool advanced, dup;
	uint32_t fresh;

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
	fresh = sack_input(p, s);
	advanced = seq_gt(s->ack, p->snd_una);
	dup = p->flags & PF_SACK ? fresh > 0 && !advanced : is_dupack(p, s);
	if (dup) {
		p->dupacks++;
		pcb_ready(p);
	}
	if (advanced)
		ack_advance(p, s);
	if (seq_geq(s->ack, p->snd_una) || advanced)
		update_window(p, s, advanced);
	if (p->ca_state < CA_RECOVERY || !TAILQ_EMPTY(&p->tx))
		recovery_detect(p, advanced, dup);
	rate_ack_end(p);
	return NEXT;
}
