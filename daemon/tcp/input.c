/* SPDX-License-Identifier: ISC */
/*
 * A received segment, in the order of RFC 9293 3.10.7: find the connection;
 * then sequence number, RST, SYN, ACK, URG, text, FIN.  Each step says NEXT,
 * DROP (counted) or DONE (the connection is gone, or nothing is left to do).
 */
#include <errno.h>
#include <string.h>
#include "tcp/internal.h"
#include "wire/checksum.h"

/* ---- SYN-SENT (RFC 9293 3.10.7.3) ---- */

static void
learn_options(struct tcb *p, const struct seg *s)
{
	p->peer_mss = s->h.has_mss && s->h.mss != 0
			  ? s->h.mss
			  : tcp_default_mss(&p->h->node.id.raddr);
	/* RFC 7323 1.3, 2.2 and RFC 2018 2: only if both sides offered. */
	if (!s->h.has_ts)
		p->flags &= ~PF_TS;
	if (!s->h.sack_permitted)
		p->flags &= ~PF_SACK;
	if (s->h.has_wscale) {
		p->snd_wscale = s->h.wscale;
	} else {
		p->flags &= ~PF_WSCALE;
		p->snd_wscale = p->rcv_wscale = 0;
	}
	if (p->flags & PF_TS) {
		p->ts_recent = s->h.tsval;
		p->ts_recent_at = s->now;
	}
	pcb_set_mss(p);
	tcp_cc_init(&p->cc, p->cc.ops, p->snd_mss, s->now);
}

static void
enter_established(struct tcb *p, const struct seg *s)
{
	tcp_set_state(p, TCPS_ESTABLISHED);
	p->retries = p->backoff = 0;
	timeout_over(p, s->now);
	tune_established(p, s->now);
	mtu_established(p, s->now);
	ecn_established(p);
	if (!(p->flags & PF_ORPHAN))
		pcb_event(p, TCP_EV_CONNECTED | TCP_EV_WRITABLE);
	tcp_arm_keep(p, s->now);
	/* A close that did not wait for the handshake. */
	if (p->flags & PF_FIN_QUEUED)
		tcp_set_state(p, TCPS_FIN_WAIT_1);
}

/* Our SYN is acknowledged. */
static void
syn_acked(struct tcb *p, const struct seg *s)
{
	struct txseg *x = TAILQ_FIRST(&p->tx);

	CHECK(x != NULL && x->len == 1);
	if (!(x->flags & TX_EVER_RETX))
		tcp_rtt_sample(p, mono_diff(s->now, x->sent_at));
	else
		p->rto_us = TCP_RTO_FALLBACK_US;
	txseg_free_all(p);
	p->snd_una = p->recover = p->snd_sml = p->rack.fack = p->snd_nxt;
	p->rack.dsack_round = p->snd_una;
	pcb_timer(p, TMR_REXMT, MONO_NEVER);
	p->flags &= ~PF_SYN_NOW;
	p->rate.packets++;
	fastsyn_acked(p, s);
}

/* RFC 7323 5.3, as Linux has it: who answers a SYN of ours has seen its
 * timestamp; 0 is what some that have none in mind send. */
static bool
echo_acceptable(const struct tcb *p, const struct seg *s)
{
	uint32_t most = tcp_ts_now(s->now, p->ts_off) - p->syn_tsval;

	return !(p->flags & PF_TS) || !s->h.has_ts || s->h.tsecr == 0 ||
	       s->h.tsecr - p->syn_tsval <= most;
}

static enum step
syn_sent_input(struct tcb *p, struct seg *s)
{
	bool acks = s->h.flags & TH_ACK;

	if (acks && !fastsyn_acceptable(p, s->ack)) {
		tcp_send_rst_for(p->t, s);
		return drop(p->t, DROP_TCP_ACK_FUTURE);
	}
	if (acks && !echo_acceptable(p, s)) {
		tcp_send_rst_for(p->t, s);
		return drop(p->t, DROP_TCP_PAWS);
	}
	if (s->h.flags & TH_RST) {
		if (!acks)
			return drop(p->t, DROP_TCP_RST_SEQ);
		pcb_dead(p, ECONNREFUSED);
		return DONE;
	}
	if (!(s->h.flags & TH_SYN))
		return drop(p->t, DROP_TCP_FLAGS);
	p->fo.waits = false; /* the peer was first */
	p->irs = s->seq;
	p->rcv_nxt = p->last_ack_sent = seq_add(s->seq, 1);
	/* What our SYN offered, unscaled. */
	p->rcv_adv = seq_add(p->rcv_nxt, p->rcvbuf < 65535 ? p->rcvbuf : 65535);
	p->rcv_mss = TCP_DEFAULT_MSS;
	learn_options(p, s);
	p->snd_wnd = p->max_wnd = s->h.wnd; /* RFC 7323 2.2: not scaled */
	p->snd_wl1 = s->seq;
	p->snd_wl2 = s->ack;
	p->last_rcv = s->now;
	if (!acks) {
		ecn_simultaneous(p, s);
		/* MUST-10: simultaneous open. */
		tcp_set_state(p, TCPS_SYN_RECEIVED);
		p->flags |= PF_SYN_NOW;
		pcb_ready(p);
		return DONE;
	}
	syn_acked(p, s);
	ecn_synack(p, s);
	enter_established(p, s);
	p->flags |= PF_ACK_NOW;
	pcb_ready(p);
	/* Text and FIN that came with the SYN. */
	s->seq = seq_add(s->seq, 1);
	s->h.flags &= ~TH_SYN;
	return NEXT;
}

/* ---- first: the sequence number ---- */

/* RFC 9293 3.10.7.4: an answer to what is outside the window; one that could
 * itself be such an answer is limited, so that two ends do not echo. */
static void
answer_unacceptable(struct tcb *p, const struct seg *s)
{
	if (s->len == 0 && !s->fin) {
		if (mono_diff(s->now, p->oow_acked) < TCP_CHALLENGE_US)
			return;
		p->oow_acked = s->now;
	}
	ecn_synack_again(p, s);
	/* What comes again was sent for want of an ACK. */
	if (s->len + s->fin > 0 && seq_lt(s->seq, p->rcv_nxt)) {
		delack_quick(p);
		tcp_note_duplicate(p, s->seq, seq_add(s->seq, s->len + s->fin));
	}
	p->flags |= PF_ACK_NOW;
	pcb_ready(p);
}

#define GAP_MAX (1 << 30) /* octets */

void
paws_gap(struct tcb *p)
{
	p->gap.ts_recent = p->ts_recent;
	p->gap.nxt = p->rcv_nxt;
}

/*
 * A retransmission that fills a part of a gap is younger than what was sent
 * behind it and is late.  To drop that would make the peer send it again, at
 * which still more of what is late is dropped, and so on for many round trips.
 * What fills a gap was sent after what came last before the gap: so while one
 * is open, that time stamp is what others must not be older than.  Of an
 * earlier round of the sequence numbers nothing can be that young, since a gap
 * stands for GAP_MAX at the most.
 */
static bool
late_but_ours(const struct tcb *p, const struct seg *s)
{
	return p->ooo_segs > 0 &&
	       (int32_t)(s->h.tsval - p->gap.ts_recent) >= 0 &&
	       (int32_t)(s->h.tsval - p->ts_recent) < 0;
}

/* RFC 7323 5.3 R1, R2.
 * DEVIATION: while a gap is open, what is older than TS.Recent may fill it.
 * DEVIATION: a segment without the option is not dropped (RFC 7323 3.2 says
 * SHOULD): middleboxes and some keep-alives leave it out, and Linux takes it.
 */
static enum step
check_paws(struct tcb *p, struct seg *s)
{
	if (!(p->flags & PF_TS) || !s->h.has_ts || (s->h.flags & TH_RST))
		return NEXT;
	if ((int32_t)(s->h.tsval - p->ts_recent) >= 0 ||
	    mono_diff(s->now, p->ts_recent_at) > TCP_PAWS_24D_US ||
	    late_but_ours(p, s))
		return NEXT;
	p->t->st.paws_rejected++;
	answer_unacceptable(p, s);
	return drop(p->t, DROP_TCP_PAWS);
}

static void
trim_front(struct seg *s, uint32_t n)
{
	if (n > s->len)
		n = s->len;
	s->seq = seq_add(s->seq, n);
	s->off += n;
	s->len -= n;
}

static enum step
check_sequence(struct tcb *p, struct seg *s)
{
	seq_t right = seq_add(p->rcv_nxt, tcp_rcv_wnd(p));
	seq_t end = seq_add(s->seq, s->len + s->fin);
	uint32_t over;

	/* A retransmitted SYN in front of text that may be new. */
	if ((s->h.flags & TH_SYN) && seq_eq(s->seq, p->irs) &&
	    p->state == TCPS_SYN_RECEIVED && (s->h.flags & TH_ACK)) {
		s->h.flags &= ~TH_SYN;
		s->no_ace = true;
		s->seq = seq_add(s->seq, 1);
		end = seq_add(end, 1);
	}
	if (seq_gt(s->seq, right) || (seq_lt(end, p->rcv_nxt)) ||
	    (seq_eq(end, p->rcv_nxt) && seq_lt(s->seq, p->rcv_nxt)) ||
	    (seq_eq(s->seq, right) && s->len + s->fin > 0 &&
		!seq_eq(s->seq, p->rcv_nxt))) {
		if (!(s->h.flags & TH_RST))
			answer_unacceptable(p, s);
		return drop(p->t, DROP_TCP_SEQ);
	}
	if (seq_lt(s->seq, p->rcv_nxt)) {
		/* The front is old; RST and SYN are judged by their own
		 * number, which is outside the window. */
		if (s->h.flags & (TH_RST | TH_SYN)) {
			if (s->h.flags & TH_SYN)
				answer_unacceptable(p, s);
			return drop(p->t, DROP_TCP_SEQ);
		}
		tcp_note_duplicate(p, s->seq, p->rcv_nxt);
		trim_front(s, (uint32_t)seq_diff(p->rcv_nxt, s->seq));
		/* A duplicate in part: the peer should know. */
		p->flags |= PF_ACK_NOW;
		pcb_ready(p);
	}
	/* A FIN right behind what there was room for takes none: a peer that
	 * sends it into a closed window would repeat it for ever. */
	if (seq_gt(end, right) && !(s->fin && seq_diff(end, right) == 1)) {
		/* MUST-66: with a closed window the ACK still counts. */
		over = (uint32_t)seq_diff(end, right);
		if (s->fin) {
			s->fin = false;
			over--;
		}
		s->len -= over < s->len ? over : s->len;
		p->flags |= PF_ACK_NOW;
		pcb_ready(p);
		drop_count(p->t->cfg.drops, DROP_TCP_WINDOW);
	}
	return NEXT;
}

/* RFC 7323 4.3: from the segment that the next ACK will answer; only after its
 * own ACK was found acceptable, so that a guess in the window sets nothing. */
static void
note_timestamp(struct tcb *p, const struct seg *s)
{
	if ((p->flags & PF_TS) && s->h.has_ts &&
	    seq_leq(SEQ(s->h.seq), p->last_ack_sent) &&
	    ((int32_t)(s->h.tsval - p->ts_recent) >= 0 ||
		mono_diff(s->now, p->ts_recent_at) > TCP_PAWS_24D_US)) {
		p->ts_recent = s->h.tsval;
		p->ts_recent_at = s->now;
	}
	if (seq_diff(p->rcv_nxt, p->gap.nxt) > GAP_MAX)
		paws_gap(p);
}

/* ---- second and fourth: RST and SYN (RFC 5961 3, 4) ---- */

/* SHLD-2: whatever text it carries. */
static enum step
check_rst(struct tcb *p, struct seg *s)
{
	if (!(s->h.flags & TH_RST))
		return NEXT;
	if (!seq_eq(s->seq, p->rcv_nxt)) {
		tcp_challenge_ack(p, s->now);
		return drop(p->t, DROP_TCP_RST_SEQ);
	}
	if (p->fo.half != NULL)
		fastopen_reset(p, s->now);
	else
		fastsyn_gone(p, s->now);
	if (p->state == TCPS_SYN_RECEIVED && p->fo.half == NULL) {
		pcb_dead(p, ECONNREFUSED);
	} else if (p->state == TCPS_CLOSING || p->state == TCPS_LAST_ACK) {
		/* All that the peer has said is here, and is read yet. */
		tcp_set_state(p, TCPS_CLOSED);
		pcb_finished(p);
	} else {
		pcb_dead(p, ECONNRESET);
	}
	return DONE;
}

static enum step
check_syn(struct tcb *p, struct seg *s)
{
	if (!(s->h.flags & TH_SYN))
		return NEXT;
	tcp_challenge_ack(p, s->now);
	return drop(p->t, DROP_TCP_SYN_CHALLENGED);
}

/* ---- fifth: ACK ---- */

static enum step
check_ack(struct tcb *p, struct seg *s)
{
	if (!(s->h.flags & TH_ACK))
		return drop(p->t, DROP_TCP_NO_ACK);
	if (p->fo.half != NULL) {
		if (!fastopen_acked(p, s)) {
			tcp_send_rst_for(p->t, s);
			return drop(p->t, DROP_TCP_ACK_FUTURE);
		}
	} else if (p->state == TCPS_SYN_RECEIVED) {
		if (!fastsyn_acceptable(p, s->ack)) {
			tcp_send_rst_for(p->t, s);
			return drop(p->t, DROP_TCP_ACK_FUTURE);
		}
		syn_acked(p, s);
		p->snd_wnd = p->max_wnd = s->wnd;
		p->snd_wl1 = s->seq;
		p->snd_wl2 = s->ack;
		enter_established(p, s);
		/* Its SYN again, with an ACK; AccECN's answer says no more. */
		if (s->no_ace && !p->ecn.crossed)
			tcp_note_duplicate(p, p->irs, seq_add(p->irs, 1));
		if (s->no_ace)
			p->flags |= PF_ACK_NOW;
		pcb_ready(p);
	}
	ecn_crossed(p, s, s->no_ace);
	return ack_input(p, s);
}

/* What the acknowledgment of our FIN means (3.10.7.4, fifth). */
static enum step
check_fin_acked(struct tcb *p, mono_t now)
{
	if (!(p->flags & PF_FIN_SENT) || !seq_eq(p->snd_una, p->snd_nxt))
		return NEXT;
	switch (p->state) {
	case TCPS_FIN_WAIT_1:
		tcp_set_state(p, TCPS_FIN_WAIT_2);
		if (p->flags & PF_ORPHAN) {
			pcb_timer(p, TMR_KEEP,
			    mono_add(now, (int64_t)p->linger2_s * 1000000));
		}
		return NEXT;
	case TCPS_CLOSING:
		tw_enter(p, now);
		return DONE;
	case TCPS_LAST_ACK:
		tcp_set_state(p, TCPS_CLOSED);
		pcb_finished(p);
		return DONE;
	default:
		return NEXT;
	}
}

/* ---- seventh and eighth: text and FIN ---- */

static enum step
check_text(struct tcb *p, struct seg *s)
{
	/* Before reassembly, which takes s apart. */
	s->fin_seq = seq_add(s->seq, s->len);
	if (s->len == 0)
		return NEXT;
	if (p->flags & PF_FIN_RCVD) {
		/* Nothing comes after a FIN. */
		s->len = 0;
		return NEXT;
	}
	/* SHLD-3: nobody is there to read it, and the peer must know. */
	if (p->flags & PF_ORPHAN) {
		drop_count(p->t->cfg.drops, DROP_TCP_AFTER_CLOSE);
		tcp_send_rst_for(p->t, s);
		pcb_dead(p, ECONNRESET);
		return DONE;
	}
	reasm_input(p, s);
	return NEXT;
}

void
tcp_peer_fin(struct tcb *p, mono_t now)
{
	p->flags |= PF_FIN_RCVD;
	delack_fin(p, now);
	p->rcv_nxt = seq_add(p->rcv_nxt, 1);
	p->rcv_adv = seq_max(p->rcv_adv, p->rcv_nxt);
	reasm_end(p);
	p->last_rcv = now;
	pcb_event(p, TCP_EV_EOF);
	pcb_ready(p);
}

static enum step
check_fin(struct tcb *p, struct seg *s)
{
	if (s->fin && !(p->flags & PF_FIN_RCVD)) {
		/* Two ends: what was told of the one is no longer true. */
		if (p->fin_early && !seq_eq(p->fin_seq, s->fin_seq))
			p->nrcv_sack = 0;
		p->fin_early = true;
		p->fin_seq = s->fin_seq;
		if (!seq_eq(p->fin_seq, p->rcv_nxt))
			reasm_early_fin(p);
	}
	if (!p->fin_early || !seq_eq(p->fin_seq, p->rcv_nxt) ||
	    (p->flags & PF_FIN_RCVD))
		return NEXT;
	tcp_peer_fin(p, s->now);
	switch (p->state) {
	case TCPS_ESTABLISHED:
		tcp_set_state(p, TCPS_CLOSE_WAIT);
		return NEXT;
	case TCPS_FIN_WAIT_1:
		tcp_set_state(p, TCPS_CLOSING);
		return NEXT;
	case TCPS_FIN_WAIT_2:
		tw_enter(p, s->now);
		return DONE;
	default:
		return NEXT;
	}
}

/* ---- a segment for a connection ---- */

static void
synchronized_input(struct tcb *p, struct seg *s)
{
	if (check_ack(p, s) != NEXT)
		return;
	ecn_arrived(p, s);
	note_timestamp(p, s);
	if (check_fin_acked(p, s->now) != NEXT)
		return;
	urgent_input(p, s);
	if (check_text(p, s) != NEXT)
		return;
	check_fin(p, s);
}

static void
pcb_input(struct tcb *p, struct seg *s)
{
	p->segs_in += s->nsegs;
	p->data_segs_in += s->len > 0 ? s->nsegs : 0;
	if (p->state == TCPS_SYN_SENT) {
		if (syn_sent_input(p, s) != NEXT)
			return;
		urgent_input(p, s);
		if (check_text(p, s) == NEXT)
			check_fin(p, s);
		return;
	}
	if (p->fo.half != NULL && fastopen_syn_again(p, s))
		return;
	s->wnd = (uint32_t)s->h.wnd << p->snd_wscale;
	if (check_paws(p, s) != NEXT || check_sequence(p, s) != NEXT)
		return;
	if (check_rst(p, s) != NEXT || check_syn(p, s) != NEXT)
		return;
	/* An orphan's peer that answers is alive; its timer stays. */
	if (!(p->flags & PF_ORPHAN))
		tcp_arm_keep(p, s->now);
	synchronized_input(p, s);
}

/* ---- no connection: LISTEN or CLOSED (3.10.7.1, 3.10.7.2) ---- */

/* LISTEN.  NEXT: the ACK of a SYN cookie made a connection. */
static enum step
listen_input(struct tcp_bind *b, struct seg *s)
{
	struct tcp *t = b->t;
	enum step step;

	switch (s->h.flags & (TH_SYN | TH_ACK)) {
	case 0:
		return drop(t, DROP_TCP_NO_ACK);
	case TH_SYN:
		if (s->h.flags & TH_FIN)
			return drop(t, DROP_TCP_FLAGS);
		half_syn(b, s);
		return DONE;
	default:
		step = half_cookie(b, NULL, s);
		if (step != DONE)
			return step;
		tcp_send_rst_for(t, s);
		return drop(t, DROP_TCP_NO_CONN);
	}
}

static enum step
no_connection(struct tcp *t, struct seg *s)
{
	struct tcp_bind *b;

	if (s->h.flags & TH_RST)
		return drop(t, DROP_TCP_NO_CONN);
	if ((b = bind_lookup(t, &s->id)) != NULL)
		return listen_input(b, s);
	tcp_send_rst_for(t, s);
	return drop(t, DROP_TCP_NO_CONN);
}

static bool
checksum_ok(const struct tcp_in *in)
{
	struct wire_csum c = WIRE_CSUM_INIT;

	if (in->csum_ok)
		return true;
	wire_csum_pseudo(&c, &in->src, &in->dst, 6, in->len);
	wire_csum_add(&c, in->buf->data + in->off, in->len);
	return wire_csum_final(&c) == 0;
}

static enum step
decode(struct tcp *t, const struct tcp_in *in, struct seg *s, mono_t now)
{
	int why;

	why = wire_tcp_parse(in->buf->data + in->off, in->len, &s->h);
	if (why == DROP_TCP_SHORT)
		return drop(t, DROP_TCP_SHORT);
	if (!checksum_ok(in)) /* MUST-3 */
		return drop(t, DROP_TCP_CHECKSUM);
	if (why != 0)
		return drop(t, why);
	s->in = in;
	s->now = now;
	s->id = (struct tuple){.laddr = in->dst,
	    .raddr = in->src,
	    .lport = s->h.dport,
	    .rport = s->h.sport};
	s->seq = SEQ(s->h.seq);
	s->ack = SEQ(s->h.ack);
	s->off = in->off + s->h.hdr_len;
	s->len = s->raw_len = in->len - s->h.hdr_len;
	s->wnd = s->h.wnd;
	s->fin = s->h.flags & TH_FIN;
	s->nsegs = in->gso_size == 0 || s->len == 0
		       ? 1
		       : (s->len + in->gso_size - 1) / in->gso_size;
	return NEXT;
}

static bool
is_awake(struct tcp *t, struct tcp_node *n)
{
	if (pcb_awake((struct tcp_pcb *)n) != NULL)
		return true;
	drop_count(t->cfg.drops, DROP_TCP_NO_MEMORY);
	return false;
}

void
tcp_input(struct tcp *t, const struct tcp_in *in, mono_t now)
{
	struct seg s = {0};
	struct tcp_node *n;

	t->st.in_segs++;
	t->turned = now;
	if (tune_short(t))
		reasm_reclaim(t);
	if (decode(t, in, &s, now) != NEXT) {
		t->st.in_errs++;
		return;
	}
	n = conn_find(t, &s.id);
	if (n != NULL && n->kind == NODE_PCB && !is_awake(t, n))
		return;
	if (!md5_input(t, n, &s))
		return;
	if (n != NULL && n->kind == NODE_PCB) {
		pcb_input(node_tcb(n), &s);
		return;
	}
	if (n != NULL && n->kind == NODE_TW) {
		tw_input(t, (struct tcp_tw *)n, &s);
		return;
	}
	if ((n == NULL ? no_connection(t, &s)
		       : half_input(t, (struct tcp_half *)n, &s)) != NEXT)
		return;
	/* The handshake is complete; the segment goes on there. */
	n = conn_find(t, &s.id);
	CHECK(n != NULL && n->kind == NODE_PCB && !n->resting);
	pcb_input(node_tcb(n), &s);
}
