/* SPDX-License-Identifier: ISC */
/*
 * What is out: a list of txsegs in order of their numbers, and what SACK says
 * of them (RFC 2018 5, RFC 6675 4).
 *
 * Three sums over the list are kept as it changes: sacked, lost and
 * retransmitted bytes; the pipe of RFC 6675 is outstanding - sacked - lost +
 * retransmitted.  What a peer can make of it is bounded: his SACK blocks cut
 * records only so often (sack_split).
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
	rate_sent(p, x, now);
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
	y->rate = x->rate;
	x->len = len;
	x->flags &= ~TX_FIN;
	TAILQ_INSERT_AFTER(&p->tx, x, y, link);
	return true;
}

/* Takes n of x's bytes out of the sums. */
void
txseg_uncount(struct tcp_pcb *p, const struct txseg *x, uint32_t n)
{
	if (x->flags & TX_SACKED)
		p->sacked_bytes -= n;
	if (x->flags & TX_LOST)
		p->lost_bytes -= n;
	if (x->flags & TX_RETX)
		p->retx_bytes -= n;
}

void
txseg_remove(struct tcp_pcb *p, struct txseg *x)
{
	txseg_uncount(p, x, x->len);
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
	if ((x->flags & (TX_LOST | TX_RETX)) != TX_LOST)
		rate_lost(p, x);
	txseg_uncount(p, x, x->len);
	x->flags = (uint8_t)((x->flags | TX_LOST) & ~TX_RETX);
	p->lost_bytes += x->len;
	if (p->retx_hint != NULL && seq_lt(x->seq, p->retx_hint->seq))
		p->retx_hint = x;
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
		rate_delivered(p, x, x->len);
		txseg_uncount(p, x, x->len);
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

uint32_t
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
bool
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
