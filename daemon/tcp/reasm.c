/* SPDX-License-Identifier: ISC */
/*
 * Receiving text (RFC 9293 3.10.7.4, seventh): the in-order queue that the user
 * takes from, a tree of what came early (SHLD-31), the SACK blocks that tell
 * the peer (RFC 2018 4), the window that is offered and when to acknowledge.
 *
 * Payload stays in the frame that brought it.  A small payload in a large
 * frame is copied out, so that the bytes queued bound the memory held.
 */
#include <string.h>
#include "tcp/internal.h"

int
rxseg_cmp(struct rxseg *a, struct rxseg *b)
{
	int32_t d = seq_diff(a->seq, b->seq);

	return d < 0 ? -1 : d > 0;
}

RB_GENERATE(rxtree, rxseg, node, rxseg_cmp)

/* ---- window (RFC 9293 3.8.6) ---- */

uint32_t
tcp_rcv_wnd(const struct tcb *p)
{
	int32_t w = seq_diff(p->rcv_adv, p->rcv_nxt);

	return w > 0 ? (uint32_t)w : 0;
}

/* MAY-8: it may be nothing for as long as the user reads nothing. */
static uint32_t
window_room(const struct tcb *p)
{
	uint32_t room = p->rcv_bytes < p->rcvbuf ? p->rcvbuf - p->rcv_bytes : 0;
	uint32_t max = 65535u << p->rcv_wscale;

	if (room > p->rcv_clamp)
		room = p->rcv_clamp;
	if (p->window_clamp != 0 && room > p->window_clamp)
		room = p->window_clamp;
	room = tune_window(p, room);
	return room < max ? room : max;
}

/* How far the right edge could move (MUST-39: not by crumbs; SHLD-14: never
 * to the left).
 * DEVIATION: RFC 9293 3.8.6.2.2 waits for crumbs to become a segment at any
 * time.  While half of all room is on offer they make nobody send a small one,
 * and the edge goes along with each ACK, as Linux's and the BSDs' do. */
static uint32_t
window_gain(const struct tcb *p)
{
	uint32_t mss = p->rcv_mss != 0 ? p->rcv_mss
				       : tcp_default_mss(&p->h->node.id.raddr);
	uint32_t least = p->rcvbuf / 2 < mss ? p->rcvbuf / 2 : mss;
	uint32_t room = window_room(p);
	int32_t gain = seq_diff(seq_add(p->rcv_nxt, room), p->rcv_adv);

	if (tcp_rcv_wnd(p) >= room / 2 && tcp_rcv_wnd(p) >= 2 * mss)
		least = 1;
	return gain > 0 && (uint32_t)gain >= least ? (uint32_t)gain : 0;
}

uint32_t
tcp_select_window(struct tcb *p)
{
	uint32_t unit = 1u << p->rcv_wscale, wire;

	p->rcv_adv = seq_add(p->rcv_adv, window_gain(p));
	/* Rounded up: the edge that was promised must not move back. */
	wire = (tcp_rcv_wnd(p) + unit - 1) >> p->rcv_wscale;
	if (wire > 65535)
		wire = 65535;
	/* But not further at each tiny segment, beyond all room. */
	if ((wire << p->rcv_wscale) >= window_room(p) + unit)
		return tcp_rcv_wnd(p) >> p->rcv_wscale;
	p->rcv_adv =
	    seq_max(p->rcv_adv, seq_add(p->rcv_nxt, wire << p->rcv_wscale));
	return wire;
}

/* Is the window so much larger than the peer knows that he must be told? */
bool
tcp_want_window_update(const struct tcb *p)
{
	uint32_t gain = window_gain(p), offered = tcp_rcv_wnd(p);

	if (gain == 0 || (p->flags & PF_FIN_RCVD) || !synchronized(p))
		return false;
	/* What a SYN-ACK can show, unscaled, is enough for a peer who has sent
	 * nothing but a SYN. */
	if (p->flags & PF_PASSIVE && p->fo.taken && p->data_segs_in == 1 &&
	    offered >= 2 * p->rcv_mss)
		return false;
	return gain >= p->rcvbuf / 4 || offered < p->rcvbuf / 8 ||
	       offered < 2 * p->rcv_mss;
}

/* ---- SACK blocks to send (RFC 2018 4) ---- */

static void
sack_drop(struct tcb *p, unsigned i)
{
	memmove(&p->rcv_sack[i], &p->rcv_sack[i + 1],
	    (p->nrcv_sack - i - 1) * sizeof p->rcv_sack[0]);
	p->nrcv_sack--;
}

/* The block that holds what just came goes first, merged with its like. */
static void
sack_add(struct tcb *p, seq_t left, seq_t right)
{
	unsigned i = 0;

	while (i < p->nrcv_sack) {
		seq_t l = SEQ(p->rcv_sack[i].left);
		seq_t r = SEQ(p->rcv_sack[i].right);

		if (seq_gt(l, right) || seq_lt(r, left)) {
			i++;
			continue;
		}
		left = seq_min(left, l);
		right = seq_max(right, r);
		sack_drop(p, i);
	}
	if (p->nrcv_sack == 4)
		p->nrcv_sack--;
	memmove(&p->rcv_sack[1], &p->rcv_sack[0],
	    p->nrcv_sack * sizeof p->rcv_sack[0]);
	p->rcv_sack[0] = (struct wire_sack){left.v, right.v};
	p->nrcv_sack++;
}

/* RFC 2883 4: what came twice, for the next ACK to say; two that touch are one,
 * of others the first is told. */
void
tcp_note_duplicate(struct tcb *p, seq_t left, seq_t right)
{
	seq_t l = SEQ(p->dsack.left), r = SEQ(p->dsack.right);

	if (!(p->flags & PF_SACK) || !synchronized(p))
		return;
	if (seq_lt(left, p->rcv_nxt) && seq_gt(right, p->rcv_nxt))
		right = p->rcv_nxt;
	if (!seq_lt(left, right))
		return;
	p->t->st.dsacks_sent += seq_eq(l, r);
	if (!seq_eq(l, r)) {
		/* 4.2.3: of several parts the first. */
		if (seq_gt(left, r) || seq_gt(l, right))
			return;
		left = seq_min(left, l);
		right = seq_max(right, r);
	}
	p->dsack = (struct wire_sack){left.v, right.v};
}

static void
sack_advance(struct tcb *p)
{
	unsigned i = 0;

	while (i < p->nrcv_sack) {
		if (seq_leq(SEQ(p->rcv_sack[i].right), p->rcv_nxt))
			sack_drop(p, i);
		else
			i++;
	}
}

/* ---- queues ---- */

/* A segment of the payload at off, len in buf: by reference, or copied when
 * it is small against what it would hold on to.  NULL: no memory. */
static struct rxseg *
rxseg_new(struct tcb *p, struct buf *buf, uint32_t off, uint32_t len)
{
	struct rxseg *r = slab_alloc(&p->t->rxsegs);

	if (r == NULL)
		return NULL;
	if (buf->cap > BUF_SMALL && len < buf->cap / 4) {
		r->buf = buf_alloc(p->t->cfg.bufs, len);
		if (r->buf == NULL) {
			slab_free(&p->t->rxsegs, r);
			return NULL;
		}
		memcpy(r->buf->data, buf->data + off, len);
		r->buf->len = len;
		r->own = true;
		off = 0;
	} else {
		r->buf = buf_ref(buf);
	}
	r->off = off;
	r->len = len;
	return r;
}

static void
rxseg_free(struct tcb *p, struct rxseg *r)
{
	buf_unref(r->buf);
	slab_free(&p->t->rxsegs, r);
}

/* Appends small payload to the last segment's own buf where it fits. */
static bool
append_small(struct tcb *p, const struct buf *buf, uint32_t off, uint32_t len)
{
	struct rxseg *last = STAILQ_LAST(&p->rcvq, rxseg, link);

	if (last == NULL || !last->own || len > BUF_SMALL / 2 ||
	    last->off + last->len + len > last->buf->cap)
		return false;
	memcpy(last->buf->data + last->off + last->len, buf->data + off, len);
	last->len += len;
	last->buf->len = last->off + last->len;
	return true;
}

/* Small payload that begins a queue gets a buf to which more can be added. */
static struct rxseg *
rxseg_gather(struct tcb *p, struct buf *buf, uint32_t off, uint32_t len)
{
	struct rxseg *r;

	if (len > BUF_SMALL / 4 || STAILQ_EMPTY(&p->rcvq))
		return rxseg_new(p, buf, off, len);
	if ((r = slab_alloc(&p->t->rxsegs)) == NULL)
		return NULL;
	if ((r->buf = buf_alloc(p->t->cfg.bufs, BUF_SMALL)) == NULL) {
		slab_free(&p->t->rxsegs, r);
		return NULL;
	}
	memcpy(r->buf->data, buf->data + off, len);
	r->buf->len = r->len = len;
	r->own = true;
	return r;
}

static void
deliver_bytes(struct tcb *p, uint32_t len)
{
	p->rcv_nxt = seq_add(p->rcv_nxt, len);
	p->bytes_received += len;
	if (p->flags & PF_RCV_DISCARD) {
		urgent_taken(p);
		return;
	}
	p->rcv_bytes += len;
	pcb_event(p, TCP_EV_READABLE);
}

/* Puts r into the queue; many small ones become one, so that the bytes queued
 * go on bounding the memory held. */
static void
queue_compact(struct tcb *p, struct rxseg *r)
{
	struct rxseg *c = NULL;

	if (r->len <= BUF_SMALL / 4) {
		if (append_small(p, r->buf, r->off, r->len)) {
			rxseg_free(p, r);
			return;
		}
		c = rxseg_gather(p, r->buf, r->off, r->len);
	}
	if (c != NULL)
		rxseg_free(p, r);
	STAILQ_INSERT_TAIL(&p->rcvq, c != NULL ? c : r, link);
}

static void
ooo_remove(struct tcb *p, struct rxseg *r)
{
	RB_REMOVE(rxtree, &p->ooo, r);
	p->ooo_bytes -= r->len;
	p->ooo_true -= r->buf->cap;
	if (--p->ooo_segs == 0)
		TAILQ_REMOVE(&p->t->ooos, p, ooo_link);
}

/* Moves what has become in order from the tree to the queue. */
static bool
pull_ooo(struct tcb *p)
{
	struct rxseg *r;
	bool any = false;

	while ((r = RB_MIN(rxtree, &p->ooo)) != NULL &&
	       seq_leq(r->seq, p->rcv_nxt)) {
		uint32_t skip = (uint32_t)seq_diff(p->rcv_nxt, r->seq);

		any = true;
		if (skip > 0)
			tcp_note_duplicate(p, r->seq,
			    seq_min(seq_add(r->seq, r->len), p->rcv_nxt));
		ooo_remove(p, r);
		if (skip >= r->len || (p->flags & PF_RCV_DISCARD)) {
			if (skip < r->len)
				deliver_bytes(p, r->len - skip);
			rxseg_free(p, r);
			continue;
		}
		r->off += skip;
		r->len -= skip;
		deliver_bytes(p, r->len);
		queue_compact(p, r);
	}
	return any;
}

static enum step
insert_ooo(struct tcb *p, struct seg *s)
{
	struct rxseg key = {.seq = s->seq}, *next, *prev, *r;
	seq_t end = seq_add(s->seq, s->len);

	/* Cut off what is here already: before, then after. */
	next = RB_NFIND(rxtree, &p->ooo, &key);
	prev = next != NULL ? RB_PREV(rxtree, &p->ooo, next)
			    : RB_MAX(rxtree, &p->ooo);
	if (prev != NULL && seq_gt(seq_add(prev->seq, prev->len), s->seq)) {
		seq_t pend = seq_add(prev->seq, prev->len);
		uint32_t cut = (uint32_t)seq_diff(pend, s->seq);

		tcp_note_duplicate(p, s->seq, seq_min(pend, end));
		if (cut >= s->len)
			return NEXT;
		s->seq = pend;
		s->off += cut;
		s->len -= cut;
	}
	/* Memory first: what the peer knows to be here must not go for it.  It
	 * leaves an eighth for what it waits for. */
	if (p->ooo_true / 2 > p->rcvbuf + 8 * BUF_FRAME || tune_short(p->t) ||
	    (r = rxseg_new(p, s->in->buf, s->off, s->len)) == NULL)
		return drop(p->t, DROP_TCP_OOO_MEMORY);
	r->seq = s->seq;
	while (next != NULL && seq_lt(next->seq, end)) {
		struct rxseg *old = next;

		tcp_note_duplicate(
		    p, old->seq, seq_min(end, seq_add(old->seq, old->len)));
		if (seq_lt(end, seq_add(old->seq, old->len))) {
			r->len = (uint32_t)seq_diff(old->seq, r->seq);
			break;
		}
		next = RB_NEXT(rxtree, &p->ooo, old);
		ooo_remove(p, old);
		rxseg_free(p, old);
	}
	if (r->len == 0) {
		rxseg_free(p, r);
		return NEXT;
	}
	RB_INSERT(rxtree, &p->ooo, r);
	p->ooo_bytes += r->len;
	p->ooo_true += r->buf->cap;
	if (p->ooo_segs++ == 0)
		TAILQ_INSERT_TAIL(&p->t->ooos, p, ooo_link);
	p->ooo_total += s->nsegs;
	p->t->st.ooo_queued += s->nsegs;
	return NEXT;
}

/* The FIN at fin_seq came before what is missing: answered at once, as text is
 * (RFC 5681 4.2), and told by SACK as an octet of its own, as in Linux. */
void
reasm_early_fin(struct tcb *p)
{
	sack_add(p, p->fin_seq, seq_add(p->fin_seq, 1));
	p->flags |= PF_ACK_NOW;
	pcb_ready(p);
}

bool
reasm_append(struct tcb *p, struct buf *buf, uint32_t off, uint32_t len)
{
	struct rxseg *r;

	if (!(p->flags & PF_RCV_DISCARD) && !append_small(p, buf, off, len)) {
		if ((r = rxseg_gather(p, buf, off, len)) == NULL)
			return false;
		STAILQ_INSERT_TAIL(&p->rcvq, r, link);
	}
	deliver_bytes(p, len);
	return true;
}

void
reasm_input(struct tcb *p, struct seg *s)
{
	uint32_t full = s->in->gso_size != 0 ? s->in->gso_size : s->len;
	bool filled;

	if (s->len == 0)
		return;
	delack_measure(p, &s->h, full, s->now);
	tune_segment(p, s);
	if (!seq_eq(s->seq, p->rcv_nxt)) {
		seq_t l = s->seq, r = seq_add(s->seq, s->len);

		if (p->ooo_segs == 0)
			paws_gap(p);
		if (insert_ooo(p, s) == NEXT)
			sack_add(p, l, r);
		/* MAY-13, RFC 5681 4.2: a gap is acknowledged at once. */
		p->flags |= PF_ACK_NOW;
		pcb_ready(p);
		return;
	}
	if (!reasm_append(p, s->in->buf, s->off, s->len)) {
		/* Not acknowledged, so that it comes again. */
		(void)drop(p->t, DROP_TCP_NO_MEMORY);
		s->fin = false;
		return;
	}
	filled = pull_ooo(p);
	sack_advance(p);
	if (filled || p->ooo_segs > 0) {
		p->flags |= PF_ACK_NOW;
		pcb_ready(p);
		return;
	}
	delack_schedule(p, s->nsegs, s->now);
}

/* ---- the user's side ---- */

size_t
pcb_recv_queued(const struct tcb *p)
{
	return p->rcv_bytes;
}

bool
pcb_recv_eof(const struct tcb *p)
{
	return (p->flags & PF_FIN_RCVD) && p->rcv_bytes == 0;
}

unsigned
pcb_recv_peek(const struct tcb *p, struct span *spans, unsigned max)
{
	const struct rxseg *r;
	unsigned n = 0;

	STAILQ_FOREACH (r, &p->rcvq, link) {
		if (n == max)
			break;
		spans[n++] = (struct span){r->buf->data + r->off, r->len};
	}
	return n;
}

void
pcb_recv_consume(struct tcb *p, size_t n, mono_t now)
{
	struct rxseg *r;

	CHECK(n <= p->rcv_bytes);
	p->rcv_bytes -= (uint32_t)n;
	tune_taken(p, n, now);
	while (n > 0) {
		r = STAILQ_FIRST(&p->rcvq);
		if (n < r->len) {
			r->off += (uint32_t)n;
			r->len -= (uint32_t)n;
			break;
		}
		n -= r->len;
		STAILQ_REMOVE_HEAD(&p->rcvq, link);
		rxseg_free(p, r);
	}
	urgent_taken(p);
	if (p->flags & PF_FINISHED) {
		if (p->rcv_bytes == 0)
			pcb_dead(p, 0);
		return;
	}
	if (p->state == TCPS_CLOSED)
		return;
	delack_taken(p);
	if (tcp_want_window_update(p) && !local_window(p)) {
		p->flags |= PF_ACK_NOW;
		pcb_ready(p);
	}
}

static void
free_queue(struct tcb *p)
{
	struct rxseg *r;

	while ((r = STAILQ_FIRST(&p->rcvq)) != NULL) {
		STAILQ_REMOVE_HEAD(&p->rcvq, link);
		rxseg_free(p, r);
	}
	p->rcv_bytes = 0;
}

void
pcb_recv_discard(struct tcb *p, mono_t now)
{
	size_t n = p->rcv_bytes;

	p->flags |= PF_RCV_DISCARD;
	if (n > 0)
		pcb_recv_consume(p, n, now);
}

/* Nothing comes after a FIN: what waits for a gap now waits for nothing. */
void
reasm_end(struct tcb *p)
{
	struct rxseg *r;

	while ((r = RB_MIN(rxtree, &p->ooo)) != NULL) {
		ooo_remove(p, r);
		rxseg_free(p, r);
	}
	p->nrcv_sack = 0;
}

/* RFC 2018 8 lets a receiver take back what it SACKed.  The furthest goes
 * first: it would wait longest. */
void
reasm_reclaim(struct tcp *t)
{
	struct tcb *p;
	struct rxseg *r;

	while (tune_short(t) && (p = TAILQ_FIRST(&t->ooos)) != NULL) {
		p->nrcv_sack = 0;
		r = RB_MAX(rxtree, &p->ooo);
		ooo_remove(p, r);
		rxseg_free(p, r);
		drop_count(t->cfg.drops, DROP_TCP_OOO_RECLAIMED);
	}
}

void
reasm_free(struct tcb *p)
{
	free_queue(p);
	reasm_end(p);
}
