/* SPDX-License-Identifier: ISC */
/*
 * What is out: txsegs in order of their numbers, as a list and as a tree, and
 * what SACK says of them (RFC 2018 5, RFC 6675 4).
 *
 * Each record that is not SACKed waits in one of two more lists: for its
 * acknowledgment, by the time it was sent, or, when it is lost, for its turn
 * to be sent again.  So an acknowledgment touches what it changes and finds it
 * by the tree, however much is out.
 *
 * Three sums are kept as the records change: sacked, lost and retransmitted
 * bytes; the pipe of RFC 6675 is outstanding - sacked - lost + retransmitted.
 * What a peer can make of it is bounded: his SACK blocks cut records only so
 * often (sack_split), and neighbours that are SACKed become one.  What a user
 * can is, too (txseg_full), and all of them together (layer.c): where no
 * record is to be had, what is there is less exact, and nothing else.
 */
#include "tcp/internal.h"

#define TX_RECORDS_MIN 64

uint32_t
tcp_outstanding(const struct tcb *p)
{
	return (uint32_t)seq_diff(p->snd_nxt, p->snd_una);
}

/* RFC 6675 4 (SetPipe).  Without SACK each duplicate ACK stands for one
 * segment that has left the network (RFC 5681 3.2 step 4). */
uint32_t
tcp_pipe(const struct tcb *p)
{
	uint32_t pipe = tcp_outstanding(p) - p->sacked_bytes - p->lost_bytes +
			p->retx_bytes;
	uint64_t left = (uint64_t)p->dupacks * p->snd_mss;

	if (p->flags & PF_SACK)
		return pipe;
	return pipe > left ? pipe - (uint32_t)left : 0;
}

/* ---- the lists ---- */

int
txseg_cmp(struct txseg *a, struct txseg *b)
{
	int32_t d = seq_diff(a->seq, b->seq);

	return d < 0 ? -1 : d > 0;
}

RB_GENERATE(txtree, txseg, node, txseg_cmp)

void
scoreboard_init(struct tcb *p)
{
	TAILQ_INIT(&p->tx);
	RB_INIT(&p->tx_tree);
	TAILQ_INIT(&p->flying);
	TAILQ_INIT(&p->lost);
}

static seq_t
end_of(const struct txseg *x)
{
	return seq_add(x->seq, x->len);
}

/* Where x has to wait: NULL when it is SACKed. */
static struct txsegs *
turn_list(struct tcb *p, const struct txseg *x)
{
	if (x->flags & TX_SACKED)
		return NULL;
	return (x->flags & (TX_LOST | TX_RETX)) == TX_LOST ? &p->lost
							   : &p->flying;
}

static void
turn_leave(struct tcb *p, struct txseg *x)
{
	struct txsegs *list = turn_list(p, x);

	if (list != NULL)
		TAILQ_REMOVE(list, x, turn);
	if (p->turn_hint == x)
		p->turn_hint = NULL;
}

static bool
turn_before(const struct tcb *p, const struct txsegs *list,
    const struct txseg *a, const struct txseg *b)
{
	if (list == &p->lost)
		return seq_lt(a->seq, b->seq);
	return a->sent_at.us < b->sent_at.us ||
	       (a->sent_at.us == b->sent_at.us && seq_lt(a->seq, b->seq));
}

/* In its place.  Records come in rising order, a few such rows in turns: so
 * that place is at the end, or behind where the last one was put. */
static void
turn_enter(struct tcb *p, struct txseg *x)
{
	struct txsegs *list = turn_list(p, x);
	struct txseg *y = TAILQ_LAST(list, txsegs);

	if (y == NULL || turn_before(p, list, y, x)) {
		TAILQ_INSERT_TAIL(list, x, turn);
		return;
	}
	y = p->turn_hint;
	if (y == NULL || turn_list(p, y) != list || !turn_before(p, list, y, x))
		y = TAILQ_FIRST(list);
	while (turn_before(p, list, y, x))
		y = TAILQ_NEXT(y, turn);
	TAILQ_INSERT_BEFORE(y, x, turn);
	p->turn_hint = x;
}

/* Small segments that go one by one make a record each, and cwnd counts octets:
 * more than twice as many as full segments would make wait for each other (and
 * go together then), with some to begin with. */
bool
txseg_full(const struct tcb *p)
{
	uint32_t out = tcp_outstanding(p), cwnd = p->cc.cwnd;

	return p->tx_records >=
	       2 * ((out > cwnd ? out : cwnd) / p->snd_mss) + TX_RECORDS_MIN;
}

struct txseg *
txseg_add(struct tcb *p, seq_t seq, uint32_t len, mono_t now)
{
	struct txseg *x = TAILQ_LAST(&p->tx, txsegs);
	uint16_t packets = 1;

	if (len > p->snd_mss && p->snd_mss > 0)
		packets = (uint16_t)((len + p->snd_mss - 1) / p->snd_mss);
	/* One record for what goes out in one go. */
	if (x != NULL && x->flags == 0 && x->sent_at.us == now.us &&
	    !mtu_is_probe(p, x->seq) && !mtu_is_probe(p, seq) &&
	    x->len + len <= 65536 && x->len > 0 && seq_eq(end_of(x), seq) &&
	    x->packets < UINT16_MAX - packets) {
		x->len += len;
		x->packets += packets;
		return x;
	}
	if ((x = slab_alloc(&p->t->txsegs)) == NULL)
		return NULL;
	x->seq = seq;
	x->len = len;
	x->packets = packets;
	x->sent_at = now;
	rate_sent(p, x, now);
	TAILQ_INSERT_TAIL(&p->tx, x, link);
	RB_INSERT(txtree, &p->tx_tree, x);
	TAILQ_INSERT_TAIL(&p->flying, x, turn);
	p->tx_records++;
	return x;
}

/* Cuts x so that it keeps len; false when memory is out (x stays whole). */
bool
txseg_split(struct tcb *p, struct txseg *x, uint32_t len)
{
	struct txsegs *list = turn_list(p, x);
	struct txseg *y;

	CHECK(len > 0 && len < x->len);
	if ((y = slab_alloc(&p->t->txsegs)) == NULL)
		return false;
	y->seq = seq_add(x->seq, len);
	y->len = x->len - len;
	y->packets = txseg_packets_after(x, len);
	x->packets = (uint16_t)txseg_packets(x, len);
	y->flags = x->flags & (uint8_t)~TX_SPLIT;
	y->sent_at = x->sent_at;
	y->rate = x->rate;
	x->len = len;
	x->flags &= ~TX_FIN;
	TAILQ_INSERT_AFTER(&p->tx, x, y, link);
	RB_INSERT(txtree, &p->tx_tree, y);
	p->tx_records++;
	if (list != NULL)
		TAILQ_INSERT_AFTER(list, x, y, turn);
	return true;
}

/* Takes n of x's bytes out of the sums. */
static void
uncount(struct tcb *p, const struct txseg *x, uint32_t n)
{
	if (x->flags & TX_SACKED)
		p->sacked_bytes -= n;
	if (x->flags & TX_LOST)
		p->lost_bytes -= n;
	if (x->flags & TX_RETX)
		p->retx_bytes -= n;
}

static void
txseg_remove(struct tcb *p, struct txseg *x)
{
	uncount(p, x, x->len);
	p->tx_splits -= (x->flags & TX_SPLIT) != 0;
	turn_leave(p, x);
	TAILQ_REMOVE(&p->tx, x, link);
	RB_REMOVE(txtree, &p->tx_tree, x);
	p->tx_records--;
	slab_free(&p->t->txsegs, x);
}

void
txseg_free_all(struct tcb *p)
{
	struct txseg *x;

	while ((x = TAILQ_FIRST(&p->tx)) != NULL)
		txseg_remove(p, x);
}

/* A lost segment whose retransmission is out may be lost again: RETX goes. */
void
txseg_mark_lost(struct tcb *p, struct txseg *x)
{
	if ((x->flags & TX_SACKED) ||
	    (x->flags & (TX_LOST | TX_RETX)) == TX_LOST)
		return;
	rate_lost(p, x);
	p->mtu.doubtful |= mtu_is_probe(p, x->seq);
	turn_leave(p, x);
	uncount(p, x, x->len);
	x->flags = (uint8_t)((x->flags | TX_LOST) & ~TX_RETX);
	p->lost_bytes += x->len;
	turn_enter(p, x);
}

void
txseg_resent(struct tcb *p, struct txseg *x, mono_t now)
{
	rate_sent(p, x, now);
	p->mtu.doubtful |= mtu_is_probe(p, x->seq);
	turn_leave(p, x);
	uncount(p, x, x->len);
	x->flags |= TX_RETX | TX_EVER_RETX;
	p->lost_bytes += x->flags & TX_LOST ? x->len : 0;
	p->retx_bytes += x->len;
	x->sent_at = now;
	turn_enter(p, x);
}

/* What went again since then is at the end of the list; before it nothing is
 * lost that does not wait. */
void
txseg_unmark_lost(struct tcb *p, mono_t since)
{
	struct txseg *x;

	while ((x = TAILQ_FIRST(&p->lost)) != NULL) {
		turn_leave(p, x);
		p->lost_bytes -= x->len;
		x->flags &= (uint8_t)~TX_LOST;
		turn_enter(p, x);
	}
	TAILQ_FOREACH_REVERSE(x, &p->flying, txsegs, turn)
	{
		if (mono_before(x->sent_at, since) || p->lost_bytes == 0)
			break;
		if (x->flags & TX_LOST)
			p->lost_bytes -= x->len;
		x->flags &= (uint8_t)~TX_LOST;
	}
}

/* Takes everything below ack off the list; the RTT sample if it is clean
 * (Karn): of the latest segment, so that a delayed ACK does not count.
 * *retx_at: when the latest retransmission among it went out. */
void
txseg_ack(
    struct tcb *p, struct ackinfo *a, seq_t ack, int64_t *rtt, mono_t *retx_at)
{
	struct txseg *x;
	bool clean = true, original = false;

	*rtt = -1;
	retx_at->us = 0;
	while ((x = TAILQ_FIRST(&p->tx)) != NULL && seq_lt(x->seq, ack)) {
		seq_t end = seq_min(end_of(x), ack);
		uint32_t n = (uint32_t)seq_diff(end, x->seq);

		if (x->flags & TX_EVER_RETX) {
			clean = false;
			*retx_at = mono_max(*retx_at, x->sent_at);
		}
		/* What was SACKed came earlier than this ACK says. */
		if (!(x->flags & TX_SACKED)) {
			if (!(x->flags & TX_EVER_RETX)) {
				original |= seq_leq(end, p->recover);
				*rtt = mono_diff(a->now, x->sent_at);
			}
			a->delivered += n;
			rate_delivered(p, x, n, rack_delivered(p, a, x, end));
		}
		if (n == x->len) {
			txseg_remove(p, x);
			continue;
		}
		uncount(p, x, n);
		x->packets = txseg_packets_after(x, n);
		x->len -= n;
		x->seq = ack;
		break;
	}
	if (!clean)
		*rtt = -1;
	/* Without SACK the ACK of what was resent covers what came before. */
	if (original && (clean || (p->flags & PF_SACK)))
		a->original = true;
}

/* ---- SACK (RFC 2018 5, RFC 6675) ---- */

/* A block's edge inside x.  What we sent was cut at segments' ends, so an
 * honest peer needs no more cuts than there are segments; one who names single
 * octets would make a record of each. */
static bool
sack_split(struct tcb *p, struct txseg *x, uint32_t len)
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

/* x and what lies before it, SACKed too, become one. */
static struct txseg *
sack_merge(struct tcb *p, struct txseg *x)
{
	struct txseg *prev = TAILQ_PREV(x, txsegs, link);
	uint32_t len = x->len;

	if (prev == NULL || !(prev->flags & TX_SACKED))
		return x;
	prev->flags |= x->flags & (TX_EVER_RETX | TX_FIN);
	prev->sent_at = mono_max(prev->sent_at, x->sent_at);
	txseg_remove(p, x);
	prev->len += len;
	p->sacked_bytes += len;
	return prev;
}

/* The record that holds left or is the first behind it. */
static struct txseg *
txseg_at(struct tcb *p, seq_t left)
{
	struct txseg key = {.seq = left}, *prev;
	struct txseg *x = RB_NFIND(txtree, &p->tx_tree, &key);

	prev = x != NULL ? TAILQ_PREV(x, txsegs, link)
			 : TAILQ_LAST(&p->tx, txsegs);
	return prev != NULL && seq_gt(end_of(prev), left) ? prev : x;
}

static struct txseg *
sack_mark(struct tcb *p, struct ackinfo *a, struct txseg *x)
{
	struct txseg *next;

	if (!(x->flags & TX_EVER_RETX) && seq_leq(end_of(x), p->recover))
		a->original = true;
	rate_delivered(p, x, x->len, rack_delivered(p, a, x, end_of(x)));
	a->delivered += x->len;
	turn_leave(p, x);
	uncount(p, x, x->len);
	x->flags = (uint8_t)((x->flags | TX_SACKED) & ~(TX_LOST | TX_RETX));
	p->sacked_bytes += x->len;
	x = sack_merge(p, x);
	next = TAILQ_NEXT(x, link);
	if (next != NULL && (next->flags & TX_SACKED))
		x = sack_merge(p, next);
	return x;
}

/* Marks what lies in [left, right). */
static void
sack_block(struct tcb *p, struct ackinfo *a, seq_t left, seq_t right)
{
	struct txseg *x = txseg_at(p, left);

	for (; x != NULL && seq_lt(x->seq, right); x = TAILQ_NEXT(x, link)) {
		if (x->flags & TX_SACKED)
			continue;
		if (seq_lt(x->seq, left)) {
			(void)sack_split(
			    p, x, (uint32_t)seq_diff(left, x->seq));
			continue; /* its second half is next */
		}
		if (seq_gt(end_of(x), right) &&
		    !sack_split(p, x, (uint32_t)seq_diff(right, x->seq)))
			break;
		x = sack_mark(p, a, x);
	}
}

void
sack_input(struct tcb *p, struct ackinfo *a)
{
	const struct wire_tcp *h = &a->s->h;
	unsigned i;

	if (!(p->flags & PF_SACK))
		return;
	dsack_input(p, a);
	for (i = 0; i < h->nsack; i++) {
		seq_t l = SEQ(h->sack[i].left), r = SEQ(h->sack[i].right);

		/* Of what is out, and forwards; DSACKs are below snd_una. */
		if (seq_lt(l, r) && seq_gt(r, p->snd_una) &&
		    seq_leq(r, p->snd_nxt))
			sack_block(p, a, seq_max(l, p->snd_una), r);
	}
}

void
sack_forget(struct tcb *p)
{
	struct txseg *x;

	TAILQ_FOREACH (x, &p->tx, link) {
		if (!(x->flags & TX_SACKED))
			continue;
		uncount(p, x, x->len);
		x->flags &= (uint8_t)~TX_SACKED;
		turn_enter(p, x);
	}
}
