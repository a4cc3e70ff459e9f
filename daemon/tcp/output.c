/* SPDX-License-Identifier: ISC */
/*
 * What a connection sends next, one segment a call: its SYN; a probe; what was
 * lost; new data as the peer's window (RFC 9293 3.8.6), the congestion window
 * (RFC 5681, 6675) and Nagle (3.7.4) allow; the FIN; a bare ACK.
 *
 * The sender's silly-window rule (MUST-38, 3.8.6.2.1) and Nagle are one test:
 * a segment that is not full goes only if it ends what is queued and no other
 * small one is out, if it is half the largest window ever seen, or if the
 * override timer says so.  Never for ever (MUST-60); what waited meanwhile, as
 * SHLD-7 and MAY-16 have it, goes as one segment, as large as can be (SHLD-28),
 * pushed once (SHLD-27).
 *
 * DECLINED: MAY-15: sockets have no PUSH; TCP_CORK and MSG_MORE say the
 * opposite, and all else is pushed.
 */
#include "tcp/internal.h"

#define SOON_US 1000 /* an ACK is waited for */

static uint32_t
sack_option_len(const struct tcb *p)
{
	uint32_t n = p->nrcv_sack, max = (tcp_option_room(p) - 4) / 8;

	n += p->dsack.left != p->dsack.right;
	if (n == 0 || max == 0 || !(p->flags & PF_SACK))
		return 0;
	return 4 + 8 * (n < max ? n : max);
}

/* Fills in what every segment of a synchronized connection carries. */
static void
emit(struct tcb *p, struct tcp_out *out, uint8_t flags, seq_t seq, mono_t now)
{
	struct wire_tcp h = {
	    .sport = p->h->node.id.lport,
	    .dport = p->h->node.id.rport,
	    .seq = seq.v,
	    .ack = p->rcv_nxt.v,
	    .flags = flags | TH_ACK,
	    .wnd = (uint16_t)tcp_select_window(p),
	    .has_ts = p->flags & PF_TS,
	    .tsval = tcp_ts_now(now, p->ts_off),
	    .tsecr = p->ts_recent,
	};
	bool sole = p->ecn.answer_synack; /* RFC 9768 3.2.2.1 */
	unsigned i;

	md5_option(p, &h);
	out->tos = p->tos;
	ecn_leaves(p, &h, &out->tos, seq, out->payload_len);
	if (sack_option_len(p) > 0 && !sole) {
		/* RFC 2883 4: the duplicate first, and once. */
		if (p->dsack.left != p->dsack.right)
			h.sack[h.nsack++] = p->dsack;
		p->dsack = (struct wire_sack){0};
		for (i = 0; i < p->nrcv_sack && h.nsack < 4; i++)
			h.sack[h.nsack++] = p->rcv_sack[i];
	}
	out->src = p->h->node.id.laddr;
	out->dst = p->h->node.id.raddr;
	out->ttl = p->ttl;
	urgent_mark(p, seq, &h);
	out->hdr_len = (uint8_t)wire_tcp_emit(&h, out->hdr);
	md5_sign(p, out);
	out->progress = p->flags & PF_PROGRESS;
	out->in_doubt = p->in_doubt;
	p->in_doubt = false;
	p->flags &= ~PF_PROGRESS;
	delack_sent(p);
	p->said = p->t->turn;
	p->segs_out++;
}

static void
no_payload(struct tcp_out *out)
{
	out->payload_len = 0;
	out->nspans = 0;
	out->gso_size = 0;
}

/* n segments with len octets of data have gone. */
static void
count_data(struct tcb *p, uint32_t len, uint32_t n, mono_t now)
{
	if (len == 0)
		return;
	/* A train is as many segments, as Linux counts; emit() counts one. */
	p->segs_out += n - 1;
	p->t->st.out_segs += n - 1;
	p->data_segs_out += n;
	p->bytes_sent += len;
	p->last_snd = now;
	delack_answered(p, now);
}

/* ---- SYN ---- */

static bool
send_syn(struct tcb *p, struct tcp_out *out, mono_t now)
{
	bool both = p->state == TCPS_SYN_RECEIVED;
	struct wire_tcp h = {
	    .sport = p->h->node.id.lport,
	    .dport = p->h->node.id.rport,
	    .seq = p->iss.v,
	    .ack = both ? p->rcv_nxt.v : 0,
	    .flags = both ? TH_SYN | TH_ACK | ecn_synack_flags(p)
			  : TH_SYN | ecn_syn_flags(p),
	    .wnd = (uint16_t)(p->rcvbuf < 65535 ? p->rcvbuf : 65535),
	    .has_mss = true,
	    .mss = tcp_adv_mss(&p->path, p->max_seg),
	    .has_wscale = p->flags & PF_WSCALE,
	    .wscale = p->rcv_wscale,
	    .sack_permitted = p->flags & PF_SACK,
	    .has_ts = p->flags & PF_TS,
	    .tsval = tcp_ts_now(now, p->ts_off),
	    .tsecr = both ? p->ts_recent : 0,
	};

	md5_option(p, &h);
	if (both)
		ecn_simultaneous_synack(p, &h);
	p->flags &= ~PF_SYN_NOW;
	TAILQ_FIRST(&p->tx)->sent_at = now;
	if (p->retries == 0)
		p->syn_tsval = h.tsval;
	out->in_doubt = p->in_doubt;
	p->in_doubt = false;
	out->src = p->h->node.id.laddr;
	out->dst = p->h->node.id.raddr;
	out->tos = p->tos | ecn_syn_field(p, h.flags);
	out->ttl = p->ttl;
	no_payload(out);
	if (p->fo.first && !both)
		fastsyn_fill(p, &h, out, now);
	count_data(p, out->payload_len, 1, now);
	out->hdr_len = (uint8_t)wire_tcp_emit(&h, out->hdr);
	md5_sign(p, out);
	p->segs_out++;
	if (!timer_on(p, TMR_REXMT))
		tcp_arm_rexmt(p, now);
	return true;
}

/* ---- data ---- */

/* Data from seq on, at most *len: spans, GSO facts and *len as it became. */
static void
fill_payload(
    struct tcb *p, struct tcp_out *out, seq_t seq, uint32_t *len, uint32_t mss)
{
	uint32_t pos = (uint32_t)seq_diff(seq, p->snd_una);

	out->nspans = sendq_spans(
	    p, pos, len, out->spans, sizeof out->spans / sizeof out->spans[0]);
	/* Cut short by scattered memory: whole segments, if there are any. */
	out->payload_len = *len;
	out->gso_size = (uint16_t)(*len > mss ? mss : 0);
}

/* Bytes of the options behind the timestamps, as wire/tcp.c lays them out. */
static uint32_t
variable_options_len(const struct tcb *p)
{
	uint32_t sack = sack_option_len(p), accecn = accecn_option_len(p);
	uint32_t room = tcp_option_room(p);

	if (accecn == 0)
		return sack;
	if (sack > 0)
		sack -= 2; /* its nops */
	while (accecn + sack > room)
		sack -= 8;
	return (accecn + sack + 3) / 4 * 4;
}

static uint32_t
effective_mss(const struct tcb *p)
{
	uint32_t opt = variable_options_len(p);

	return p->snd_mss > opt + 32 ? p->snd_mss - opt : p->snd_mss;
}

/* The largest payload of one frame on this path; two of them at least make a
 * flight, or fill the largest window that the peer had, so that ACKs come while
 * the second is on its way. */
static uint32_t
burst_max(const struct tcb *p, uint32_t mss)
{
	uint32_t max = ecn_bursts(p) ? p->path.tso_max : 0;
	uint32_t quantum = pacing_quantum(p);

	/* Each segment has an urgent pointer of its own, or a signature. */
	if (urgent_sending(p) || p->md5.room != 0)
		return mss;
	if (max > p->cc.cwnd / 2)
		max = p->cc.cwnd / 2;
	if (max > p->max_wnd / 2)
		max = p->max_wnd / 2;
	if (max > quantum)
		max = quantum;
	return max > mss ? max - max % mss : mss;
}

/* Sends x again, up to max octets of it, as far as they fit into one frame. */
static void
resend(struct tcb *p, struct txseg *x, uint32_t max, struct tcp_out *out,
    mono_t now)
{
	uint32_t mss, len, segs;
	bool fin = x->flags & TX_FIN;
	uint8_t flags = 0;

	accecn_lost(p, x->seq);
	mss = effective_mss(p);
	len = x->len - fin;
	if (len > max)
		len = max;
	if (len > 0)
		fill_payload(p, out, x->seq, &len, mss);
	else
		no_payload(out);
	if (len + fin < x->len) {
		/* Without memory for its own record the rest counts as sent,
		 * and is found lost in its turn. */
		(void)txseg_split(p, x, len);
		fin = false;
	}
	/* MUST-61, as when it went the first time. */
	if (len > mss ||
	    (len > 0 && seq_diff(x->seq, p->snd_una) + len == p->sq.bytes) ||
	    (len > 0 && len == fastsyn_left(p, x->seq, UINT32_MAX)))
		flags = TH_PSH;
	emit(p, out, flags | (fin ? TH_FIN : 0), x->seq, now);
	txseg_resent(p, x, now);
	pacing_sent(p, x->len, now);
	undo_resent(p, x->len, now);
	p->prr.out += x->len;
	segs = (len + mss - 1) / mss + (len == 0);
	p->total_retrans += segs;
	p->t->st.retrans_segs += segs;
	p->bytes_retrans += len;
	count_data(p, len, segs, now);
	/* RFC 6298 5.1, and again with the first one (RFC 6675 5). */
	if (!timer_on(p, TMR_REXMT) || x == TAILQ_FIRST(&p->tx))
		tcp_arm_rexmt(p, now);
}

/* MUST-34, MUST-35, SHLD-15, SHLD-16, MAY-7: retransmissions keep to the
 * window, except for the first segment, which also serves as the probe of a
 * closed one. */
static bool
retransmit(struct tcb *p, struct tcp_out *out, mono_t now)
{
	uint32_t pipe = tcp_pipe(p), mss = effective_mss(p), room;
	struct txseg *x = TAILQ_FIRST(&p->lost);

	if (p->frto.fresh || p->undo.hold)
		return false;
	if (x == NULL) {
		p->flags &= ~PF_REXMT_NOW;
		return false;
	}
	room = pipe < p->cc.cwnd ? p->cc.cwnd - pipe : 0;
	if (room < mss && room < x->len) {
		if (!(p->flags & PF_REXMT_NOW) && pipe > 0) {
			p->flags |= PF_CWND_LIMITED;
			return false;
		}
		room = mss;
	}
	if (!seq_eq(x->seq, p->snd_una) &&
	    seq_gt(seq_add(x->seq, x->len), seq_add(p->snd_una, p->snd_wnd)))
		return false;
	p->flags &= ~PF_REXMT_NOW;
	if (room >= mss)
		room -= room % mss;
	if (room > burst_max(p, mss))
		room = burst_max(p, mss);
	resend(p, x, room, out, now);
	return true;
}

/* May a segment of len, less than a full one, go now? */
static bool
small_may_go(const struct tcb *p, uint32_t len, bool last)
{
	if ((p->flags & PF_OVERRIDE) || p->tlp.now || p->frto.fresh ||
	    urgent_sending(p))
		return true;
	if (len >= p->max_wnd / 2 && p->max_wnd > 0 && len > 0)
		return true;
	if (!last || (p->flags & PF_CORK && !(p->flags & PF_FIN_QUEUED)))
		return false;
	/* Nagle, as Minshall amended it: only another small one holds it. */
	return (p->flags & (PF_NODELAY | PF_FIN_QUEUED)) ||
	       seq_leq(p->snd_sml, p->snd_una);
}

/* RFC 5681 4.1, when data goes again; true if that changed what may go. */
static bool
idle_restart(struct tcb *p, mono_t now)
{
	int64_t idle = mono_diff(now, p->last_snd);
	uint32_t cwnd = p->cc.cwnd;

	if (!TAILQ_EMPTY(&p->tx))
		return false;
	tcp_cc_idle(&p->cc, now, idle, idle >= tcp_rto(p));
	return p->cc.cwnd != cwnd;
}

/*
 * Does the rest of a flight wait for the ACK that is about to come, so that it
 * is a train?  As in Linux: something went just now, limit is a small part of
 * the window and no whole train, and nothing is being recovered.  Where data is
 * paced small trains come of themselves, and apart.
 */
static bool
defers(const struct tcb *p, uint32_t queued, uint32_t limit, uint32_t mss,
    mono_t now)
{
	const struct txseg *head = TAILQ_FIRST(&p->tx);
	uint32_t wnd = p->cc.cwnd < p->snd_wnd ? p->cc.cwnd : p->snd_wnd;
	int64_t soon = p->srtt_us / 2 < SOON_US ? p->srtt_us / 2 : SOON_US;

	if (p->t->cfg.pacing || head == NULL || p->ca_state >= CA_RECOVERY ||
	    p->tlp.now || p->frto.fresh || p->flags & PF_FIN_QUEUED)
		return false;
	if (queued <= mss || limit >= queued || limit >= wnd / 3 ||
	    limit >= burst_max(p, mss) || burst_max(p, mss) == mss)
		return false;
	return mono_diff(now, p->last_snd) <= SOON_US &&
	       mono_diff(mono_add(head->sent_at, p->srtt_us), now) <= soon;
}

/*
 * How much new data may go in the next segment: 0 with *why set to the timer
 * or flag that will bring the rest.
 */
static uint32_t
sendable(struct tcb *p, uint32_t mss, mono_t now)
{
	uint32_t out = tcp_outstanding(p), pipe = tcp_pipe(p), len, wnd, cw;
	uint32_t queued = p->sq.bytes - out;

	wnd = p->snd_wnd > out ? p->snd_wnd - out : 0; /* MUST-34 */
	cw = p->cc.cwnd > pipe ? p->cc.cwnd - pipe : 0;
	/* RFC 8985 7.3: a probe exceeds it by one segment. */
	if (p->tlp.now && cw < mss)
		cw = mss;
	len = queued;
	/* What a SYN carried in vain goes again by itself, as in Linux. */
	if (!fastsyn_fresh(p, p->snd_nxt))
		len = queued = fastsyn_left(p, p->snd_nxt, queued);
	if (len > wnd)
		len = wnd;
	if ((cw < mss && cw < len) || txseg_full(p)) {
		p->flags |= PF_CWND_LIMITED;
		return 0;
	}
	if (defers(p, queued, len < cw ? len : cw, mss, now)) {
		p->flags |= cw < wnd ? PF_CWND_LIMITED : 0;
		return 0;
	}
	if (len > cw) {
		len = cw - cw % mss;
		p->flags |= PF_CWND_LIMITED;
	} else {
		p->flags &= ~PF_CWND_LIMITED;
	}
	if (len > burst_max(p, mss))
		len = burst_max(p, mss);
	/* A tail shorter than a segment goes by its own rule. */
	if (len > mss && len % mss != 0 &&
	    !(len == queued && small_may_go(p, len % mss, true)))
		len -= len % mss;
	if (len < mss && !small_may_go(p, len, len == queued))
		return 0;
	return len;
}

/* Data waits and nothing is out that would bring an ACK: a timer must. */
static void
arm_persist(struct tcb *p, mono_t now)
{
	if (!TAILQ_EMPTY(&p->tx) || timer_on(p, TMR_PERSIST) ||
	    p->fo.half != NULL)
		return;
	/* SHLD-29: after one RTO; an override needs no more. */
	pcb_timer(p, TMR_PERSIST, mono_add(now, tcp_rto(p)));
}

static bool
send_data(struct tcb *p, struct tcp_out *out, mono_t now)
{
	uint32_t mss = effective_mss(p), unsent, len, probe, again;
	struct txseg *x;
	uint8_t flags = 0;
	bool fin;

	if (p->flags & PF_FIN_SENT)
		return false;
	unsent = p->sq.bytes - tcp_outstanding(p);
	again = fastsyn_left(p, p->snd_nxt, unsent);
	fin = p->flags & PF_FIN_QUEUED;
	if (unsent == 0 && !fin)
		return false;
	len = unsent > 0 ? sendable(p, mss, now) : 0;
	if (len > 0 && idle_restart(p, now))
		len = sendable(p, mss, now);
	/* The FIN takes a number, so it needs room in the window too. */
	if ((unsent > 0 && len == 0) ||
	    (unsent == 0 && p->snd_wnd <= tcp_outstanding(p))) {
		arm_persist(p, now);
		return false;
	}
	/* One segment of its own, as large as the path may carry. */
	probe = len > 0 ? mtu_probe_len(p, mss, unsent, now) : 0;
	if (probe > 0)
		len = mss = probe;
	no_payload(out);
	if (len > 0)
		fill_payload(p, out, p->snd_nxt, &len, mss);
	if (len > 0 && len == probe)
		mtu_probe_sent(p, p->snd_nxt, len);
	fin = fin && len == unsent && p->snd_wnd > tcp_outstanding(p) + len;
	x = txseg_add(p, p->snd_nxt, len + fin, now);
	if (x == NULL) {
		if (probe > 0)
			p->mtu.size = 0;
		arm_persist(p, now);
		return false;
	}
	/* MUST-61.  Behind a train as well, as Linux does: it ends what the
	 * receiver gathers (GRO), so that the ACK does not wait for more. */
	if (len == unsent || len > mss || len == again)
		flags |= TH_PSH;
	if (fin) {
		flags |= TH_FIN;
		x->flags |= TX_FIN;
		p->flags |= PF_FIN_SENT;
	}
	if (len == 0)
		flags &= ~TH_PSH;
	if (p->fo.on && fastsyn_fresh(p, p->snd_nxt))
		delack_said_more(p);
	count_data(p, len, (len + mss - 1) / mss, now);
	emit(p, out, flags, p->snd_nxt, now);
	pacing_sent(p, len, now);
	p->snd_nxt = seq_add(p->snd_nxt, len + fin);
	if (p->notsent_lowat != 0)
		sendq_wake(p);
	p->prr.out += len + fin;
	/* What goes again for the SYN's sake waited already. */
	if (len % mss != 0 && fastsyn_fresh(p, seq_add(p->snd_nxt, -1u)))
		p->snd_sml = p->snd_nxt;
	p->flags &= ~PF_OVERRIDE;
	pcb_timer(p, TMR_PERSIST, MONO_NEVER);
	if (!timer_on(p, TMR_REXMT))
		tcp_arm_rexmt(p, now);
	tlp_arm(p, now);
	return true;
}

/* ---- probes, ACKs and the reset ---- */

void
pcb_reset(struct tcb *p, mono_t now)
{
	struct wire_tcp h = {.seq = p->snd_nxt.v,
	    .ack = p->rcv_nxt.v,
	    .flags = TH_RST | TH_ACK,
	    .has_ts = p->flags & PF_TS, /* RFC 7323 3.2 */
	    .tsval = tcp_ts_now(now, p->ts_off),
	    .tsecr = p->ts_recent};
	struct signer by = md5_signer_pcb(p);

	p->t->st.out_rsts++;
	tcp_ctl_send(
	    p->t, &p->h->node.id, &h, p->tos | ecn_reset_field(p), p->ttl, &by);
}

/* F-RTO's step 2b (undo.c): new data rather than what is lost, which must wait
 * for its answer, unless there is none. */
static bool
send_after_timeout(struct tcb *p, struct tcp_out *out, mono_t now)
{
	if (!p->frto.fresh)
		return false;
	if (send_data(p, out, now))
		return true;
	if (!seq_gt(p->snd_nxt, p->recover))
		p->frto.on = p->frto.fresh = false;
	return false;
}

/* RFC 8985 7.3: new data if there is some, else the last segment again. */
static bool
send_loss_probe(struct tcb *p, struct tcp_out *out, mono_t now)
{
	bool fresh = send_data(p, out, now), sent = fresh;
	struct txseg *x;

	if (!fresh && (x = tlp_last(p, effective_mss(p))) != NULL) {
		resend(p, x, x->len, out, now);
		sent = true;
	}
	p->tlp.now = false;
	if (sent)
		tlp_sent(p, !fresh, now);
	return sent;
}

/* SHLD-12: an old sequence number and no text make the peer answer. */
static void
send_probe(struct tcb *p, struct tcp_out *out, mono_t now)
{
	no_payload(out);
	emit(p, out, 0, seq_add(p->snd_una, (uint32_t)-1), now);
}

void
tcp_challenge_ack(struct tcb *p, mono_t now)
{
	/* RFC 5961 7 */
	if (mono_diff(now, p->challenged) < TCP_CHALLENGE_US) {
		drop_count(p->t->cfg.drops, DROP_TCP_CHALLENGE_RATE);
		return;
	}
	p->challenged = now;
	p->t->st.challenge_acks++;
	p->flags |= PF_ACK_NOW;
	pcb_ready(p);
}

/* Data waits, and it is too early for it. */
static bool
held_back(struct tcb *p, mono_t now)
{
	return (pcb_send_unsent(p) > 0 || !TAILQ_EMPTY(&p->lost)) &&
	       pacing_holds(p, now);
}

bool
pcb_output(struct tcb *p, struct tcp_out *out, mono_t now)
{
	if (p->flags & PF_NO_MEMORY) {
		p->flags &= ~PF_NO_MEMORY;
		pcb_timer(p, TMR_MEMORY, mono_add(now, TCP_MEMORY_US));
	}
	if (p->state == TCPS_SYN_SENT ||
	    (p->state == TCPS_SYN_RECEIVED && p->fo.half == NULL)) {
		if (p->flags & PF_SYN_NOW)
			return send_syn(p, out, now);
		if (!(p->flags & PF_ACK_NOW) || p->state == TCPS_SYN_SENT)
			return false;
		no_payload(out);
		emit(p, out, 0, p->snd_nxt, now);
		return true;
	}
	if (!synchronized(p) || (p->flags & PF_FINISHED))
		return false;
	/* RFC 9768 3.2.2.1: before anything else. */
	if (p->ecn.answer_synack) {
		no_payload(out);
		emit(p, out, 0, p->snd_nxt, now);
		return true;
	}
	if (p->ecn.nturns > 0) {
		no_payload(out);
		emit(p, out, 0, p->snd_nxt, now);
		dctcp_turn_told(p);
		return true;
	}
	if (p->flags & (PF_PROBE_NOW | PF_KEEP_NOW)) {
		p->flags &= ~(PF_PROBE_NOW | PF_KEEP_NOW);
		send_probe(p, out, now);
		return true;
	}
	if (p->tlp.now && send_loss_probe(p, out, now))
		return true;
	if (p->path.local)
		local_output(p, now);
	if (!held_back(p, now) &&
	    (send_after_timeout(p, out, now) || retransmit(p, out, now) ||
		send_data(p, out, now)))
		return true;
	if (p->flags & PF_ACK_NOW) {
		no_payload(out);
		emit(p, out, 0, p->snd_nxt, now);
		return true;
	}
	rate_output_done(p, now);
	return false;
}
