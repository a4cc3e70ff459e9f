/* SPDX-License-Identifier: ISC */
/*
 * What an acknowledgment does (RFC 9293 3.10.7.4, fifth): bytes leave the send
 * queue, the SACK scoreboard and the loss it implies (RFC 2018, 6675; without
 * SACK RFC 5681, 6582), the round-trip time (RFC 6298), the peer's window.
 *
 * What is out is a list of txsegs in order.  Three sums over it are kept as
 * it changes: sacked, lost and retransmitted bytes; the pipe of RFC 6675 is
 * outstanding - sacked - lost + retransmitted.
 */
#include "tcp/internal.h"

uint32_t
tcp_outstanding(const struct tcp_pcb *p)
{
	return (uint32_t)seq_diff(p->snd_nxt, p->snd_una);
}

/* RFC 6675 4 (SetPipe).  Without SACK each duplicate ACK stands for one
 * segment that has left the network (RFC 5681 3.2 step 4). */
uint32_t
tcp_pipe(const struct tcp_pcb *p)
{
	uint32_t pipe = tcp_outstanding(p) - p->sacked_bytes - p->lost_bytes +
			p->retx_bytes;
	uint64_t left = (uint64_t)p->dupacks * p->snd_mss;

	if (p->flags & PF_SACK)
		return pipe;
	return pipe > left ? pipe - (uint32_t)left : 0;
}

/* ---- the list ---- */

struct txseg *
txseg_add(struct tcp_pcb *p, seq_t seq, uint32_t len, mono_t now)
{
	struct txseg *x = TAILQ_LAST(&p->tx, txsegs);

	/* One record for what goes out in one go. */
	if (x != NULL && x->flags == 0 && x->sent_at.us == now.us &&
	    x->len + len <= 65536 && x->len > 0 &&
	    seq_eq(seq_add(x->seq, x->len), seq)) {
		x->len += len;
		return x;
	}
	if ((x = slab_alloc(&p->t->txsegs)) == NULL)
		return NULL;
	x->seq = seq;
	x->len = len;
	x->sent_at = now;
	TAILQ_INSERT_TAIL(&p->tx, x, link);
	return x;
}

/* Cuts x so that it keeps len; false when memory is out (x stays whole). */
bool
txseg_split(struct tcp_pcb *p, struct txseg *x, uint32_t len)
{
	struct txseg *y;

	CHECK(len > 0 && len < x->len);
	if ((y = slab_alloc(&p->t->txsegs)) == NULL)
		return false;
	y->seq = seq_add(x->seq, len);
	y->len = x->len - len;
	y->flags = x->flags & (uint8_t)~TX_SPLIT;
	y->sent_at = x->sent_at;
	x->len = len;
	x->flags &= ~TX_FIN;
	TAILQ_INSERT_AFTER(&p->tx, x, y, link);
	return true;
}

/* Takes n of x's bytes out of the sums. */
static void
uncount(struct tcp_pcb *p, const struct txseg *x, uint32_t n)
{
	if (x->flags & TX_SACKED)
		p->sacked_bytes -= n;
	if (x->flags & TX_LOST)
		p->lost_bytes -= n;
	if (x->flags & TX_RETX)
		p->retx_bytes -= n;
}

static void
txseg_remove(struct tcp_pcb *p, struct txseg *x)
{
	uncount(p, x, x->len);
	p->tx_splits -= (x->flags & TX_SPLIT) != 0;
	if (p->retx_hint == x)
		p->retx_hint = TAILQ_NEXT(x, link);
	TAILQ_REMOVE(&p->tx, x, link);
	slab_free(&p->t->txsegs, x);
}

void
txseg_free_all(struct tcp_pcb *p)
{
	struct txseg *x;

	while ((x = TAILQ_FIRST(&p->tx)) != NULL)
		txseg_remove(p, x);
}

/* A lost segment whose retransmission is out may be lost again: RETX goes. */
void
txseg_mark_lost(struct tcp_pcb *p, struct txseg *x)
{
	if (x->flags & TX_SACKED)
		return;
	uncount(p, x, x->len);
	x->flags = (uint8_t)((x->flags | TX_LOST) & ~TX_RETX);
	p->lost_bytes += x->len;
	if (p->retx_hint != NULL && seq_lt(x->seq, p->retx_hint->seq))
		p->retx_hint = x;
}

/* ---- RTT (RFC 6298 2) ---- */

int64_t
tcp_rto(const struct tcp_pcb *p)
{
	int64_t rto = (int64_t)p->rto_us << (p->backoff < 16 ? p->backoff : 16);

	return rto < TCP_RTO_MAX_US ? rto : TCP_RTO_MAX_US;
}

void
tcp_rtt_sample(struct tcp_pcb *p, int64_t rtt)
{
	int64_t srtt = p->srtt_us, var = p->rttvar_us, rto, err;

	if (rtt < 1)
		rtt = 1;
	if (rtt > TCP_RTO_MAX_US)
		rtt = TCP_RTO_MAX_US;
	if (rtt < p->min_rtt_us)
		p->min_rtt_us = (uint32_t)rtt;
	if (srtt == 0) {
		srtt = rtt;
		var = rtt / 2;
	} else {
		err = srtt > rtt ? srtt - rtt : rtt - srtt;
		var += (err - var) / 4;
		srtt += (rtt - srtt) / 8;
	}
	p->srtt_us = (uint32_t)(srtt > 0 ? srtt : 1);
	p->rttvar_us = (uint32_t)var;
	/* The minimum is of the variance's part: with a steady RTT above it the
	 * RTO would else be one tick more than the RTT, and each delayed ACK or
	 * queue on the way a time-out. */
	rto = srtt + (4 * var > TCP_RTO_MIN_US ? 4 * var : TCP_RTO_MIN_US);
	if (rto > TCP_RTO_MAX_US)
		rto = TCP_RTO_MAX_US;
	p->rto_us = (uint32_t)rto;
	p->cc.srtt_us = p->srtt_us;
}

/* ---- SACK (RFC 2018 5, RFC 6675) ---- */

/* A block's edge inside x.  What we sent was cut at segments' ends, so an
 * honest peer needs no more cuts than there are segments; one who names single
 * octets would make a record of each. */
static bool
sack_split(struct tcp_pcb *p, struct txseg *x, uint32_t len)
{
	struct txseg *y;

	if (p->tx_splits > 2 * (tcp_outstanding(p) / p->snd_mss) + 64 ||
	    !txseg_split(p, x, len))
		return false;
	y = TAILQ_NEXT(x, link);
	y->flags |= TX_SPLIT;
	p->tx_splits++;
	return true;
}

/* x and what lies next to it, SACKed too, become one. */
static struct txseg *
sack_merge(struct tcp_pcb *p, struct txseg *x)
{
	struct txseg *prev = TAILQ_PREV(x, txsegs, link);
	uint32_t len = x->len;

	if (prev == NULL || ((prev->flags ^ x->flags) & ~TX_SPLIT) != 0)
		return x;
	prev->sent_at = mono_max(prev->sent_at, x->sent_at);
	txseg_remove(p, x);
	prev->len += len;
	p->sacked_bytes += len;
	return prev;
}

/* The record that holds left or is the first behind it, from the nearer end. */
static struct txseg *
txseg_at(const struct tcp_pcb *p, seq_t left)
{
	struct txseg *x, *prev;

	if (seq_diff(left, p->snd_una) < seq_diff(p->snd_nxt, left)) {
		TAILQ_FOREACH (x, &p->tx, link) {
			if (seq_gt(seq_add(x->seq, x->len), left))
				break;
		}
		return x;
	}
	x = TAILQ_LAST(&p->tx, txsegs);
	while (x != NULL && seq_gt(x->seq, left) &&
	       (prev = TAILQ_PREV(x, txsegs, link)) != NULL)
		x = prev;
	return x;
}

/* Marks what lies in [left, right); returns the newly marked bytes. */
static uint32_t
sack_block(struct tcp_pcb *p, seq_t left, seq_t right)
{
	struct txseg *x = txseg_at(p, left), *next;
	uint32_t fresh = 0;

	for (; x != NULL && seq_lt(x->seq, right); x = TAILQ_NEXT(x, link)) {
		seq_t end = seq_add(x->seq, x->len);

		if (seq_leq(end, left) || (x->flags & TX_SACKED))
			continue;
		if (seq_lt(x->seq, left)) {
			(void)sack_split(
			    p, x, (uint32_t)seq_diff(left, x->seq));
			continue; /* its second half is next */
		}
		if (seq_gt(end, right) &&
		    !sack_split(p, x, (uint32_t)seq_diff(right, x->seq)))
			break;
		uncount(p, x, x->len);
		x->flags =
		    (uint8_t)((x->flags | TX_SACKED) & ~(TX_LOST | TX_RETX));
		p->sacked_bytes += x->len;
		fresh += x->len;
		x = sack_merge(p, x);
		next = TAILQ_NEXT(x, link);
		if (next != NULL && (next->flags & TX_SACKED))
			x = sack_merge(p, next);
	}
	return fresh;
}

static uint32_t
sack_input(struct tcp_pcb *p, const struct seg *s)
{
	uint32_t fresh = 0;
	unsigned i;

	if (!(p->flags & PF_SACK) || s->h.nsack == 0)
		return 0;
	if (p->sacked_bytes == 0 || seq_lt(p->judged, p->snd_una))
		p->judged = p->snd_una;
	for (i = 0; i < s->h.nsack; i++) {
		seq_t l = SEQ(s->h.sack[i].left), r = SEQ(s->h.sack[i].right);

		/* Of what is out, and forwards; DSACKs are below snd_una. */
		if (seq_lt(l, r) && seq_gt(r, p->snd_una) &&
		    seq_leq(r, p->snd_nxt))
			fresh += sack_block(p, seq_max(l, p->snd_una), r);
	}
	return fresh;
}

/* RFC 6675 4 (IsLost): more than (DupThresh - 1) segments' worth of SACKed
 * bytes lie above it.  Each segment is judged once a recovery. */
static bool
sack_mark_lost(struct tcp_pcb *p)
{
	uint32_t above = 0, limit = (TCP_DUPTHRESH - 1) * p->snd_mss;
	seq_t judged = p->judged;
	struct txseg *x;
	bool any = false;

	if (p->sacked_bytes <= limit)
		return false;
	TAILQ_FOREACH_REVERSE(x, &p->tx, txsegs, link)
	{
		if (seq_leq(seq_add(x->seq, x->len), p->judged))
			break;
		if (x->flags & TX_SACKED) {
			if (above <= limit && above + x->len > limit)
				judged = seq_max(judged, x->seq);
			above += x->len;
			continue;
		}
		if (above <= limit)
			continue;
		if (x->flags & (TX_LOST | TX_EVER_RETX))
			continue;
		txseg_mark_lost(p, x);
		any = true;
	}
	p->judged = judged;
	return any;
}

/* ---- loss recovery ---- */

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
	struct tcp_cc *cc = &p->cc;

	cc->ssthresh = cc->ops->on_loss(cc, tcp_outstanding(p));
	cc->cwnd = cc->ssthresh;
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
	struct tcp_cc *cc = &p->cc;
	bool reneged = x != NULL && (x->flags & TX_SACKED);

	(void)now;
	/* Once for each loss: not when the timer backs off. */
	if (p->ca_state != CA_LOSS || seq_geq(p->snd_una, p->recover)) {
		cc->ssthresh = cc->ops->on_loss(cc, tcp_outstanding(p));
		cc->ops->on_rto(cc);
	}
	cc->cwnd = cc->mss;
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

static void
leave_recovery(struct tcp_pcb *p)
{
	if (p->ca_state == CA_RECOVERY) {
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
static bool
is_dupack(const struct tcp_pcb *p, const struct seg *s)
{
	return seq_eq(s->ack, p->snd_una) && s->len == 0 && !s->fin &&
	       s->wnd == p->snd_wnd && tcp_outstanding(p) > 0;
}

static void
detect_loss(struct tcp_pcb *p, bool advanced, bool dup)
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

/* ---- the cumulative acknowledgment ---- */

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
		if (seq_leq(end, ack)) {
			txseg_remove(p, x);
			continue;
		}
		uncount(p, x, (uint32_t)seq_diff(ack, x->seq));
		x->len = (uint32_t)seq_diff(end, ack);
		x->seq = ack;
		break;
	}
	if (!clean)
		*rtt = -1;
}

/* RFC 7323 4.1, for what was retransmitted: the echo says which transmission
 * is acknowledged.  If it is the first one, its ACKs were lost or late and the
 * time since then is no round trip. */
static void
rtt_from_timestamp(struct tcp_pcb *p, const struct seg *s, mono_t retx_at)
{
	uint32_t delta = tcp_ts_now(s->now, p->ts_off) - s->h.tsecr;

	if ((int32_t)(s->h.tsecr - tcp_ts_now(retx_at, p->ts_off)) < 0)
		return;
	if (delta < TCP_RTO_MAX_US / 1000)
		tcp_rtt_sample(p, delta == 0 ? 500 : (int64_t)delta * 1000);
}

static void
grow_cwnd(struct tcp_pcb *p, uint32_t acked, uint32_t flight, mono_t now)
{
	struct tcp_cc *cc = &p->cc;
	bool limited = (p->flags & PF_CWND_LIMITED) || flight >= cc->cwnd ||
		       (cc->cwnd < cc->ssthresh && flight >= cc->cwnd / 2);

	if (!limited)
		return;
	if (p->ca_state == CA_LOSS)
		tcp_cc_slow_start(cc, acked);
	else
		cc->ops->on_ack(cc, acked, now);
}

static void
ack_advance(struct tcp_pcb *p, struct seg *s)
{
	uint32_t acked = (uint32_t)seq_diff(s->ack, p->snd_una);
	uint32_t flight = tcp_outstanding(p), data = acked;
	mono_t retx_at;
	bool recovering = p->ca_state == CA_RECOVERY;
	int64_t rtt;

	clear_acked(p, s->ack, s->now, &rtt, &retx_at);
	if (rtt >= 0)
		tcp_rtt_sample(p, rtt);
	else if ((p->flags & PF_TS) && s->h.has_ts && retx_at.us != 0)
		rtt_from_timestamp(p, s, retx_at);
	p->snd_una = s->ack;
	p->flags |= PF_PROGRESS;
	if (seq_lt(p->snd_sml, p->snd_una))
		p->snd_sml = p->snd_una;
	if (seq_lt(p->recover, p->snd_una))
		p->recover = p->snd_una;
	if ((p->flags & PF_FIN_SENT) && seq_eq(s->ack, p->snd_nxt))
		data--;
	p->bytes_acked += data;
	p->last_ack = p->advanced = s->now;
	p->retries = p->backoff = 0;
	p->probes = 0;
	sendq_ack(p, data);
	if (p->ca_state >= CA_RECOVERY && seq_geq(p->snd_una, p->recover))
		leave_recovery(p);
	else if (p->ca_state == CA_DISORDER && p->sacked_bytes == 0)
		p->ca_state = CA_OPEN;
	if (p->ca_state < CA_RECOVERY)
		p->dupacks = 0;
	else if (!(p->flags & PF_SACK)) {
		/* RFC 6582: deflate by what the partial ACK covers. */
		uint32_t n = acked / p->snd_mss;

		p->dupacks -= n < p->dupacks ? n : p->dupacks;
	}
	/* RFC 6582 3.2 step 3: not with the ACK that ends a recovery. */
	if (!recovering)
		grow_cwnd(p, data, flight, s->now);
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
		detect_loss(p, advanced, dup);
	return NEXT;
}
