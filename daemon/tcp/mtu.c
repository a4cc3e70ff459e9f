/* SPDX-License-Identifier: ISC */
/*
 * The size of packets on the path.  Routers say when one is too big (RFC 1191,
 * RFC 8201), if the word gets through.  Where it does not, large segments
 * vanish in silence: a black hole, which shows as time-outs without progress.
 * Then small ones go, and segments of user data that are larger than the rest
 * probe for what passes (packetization layer path MTU discovery, RFC 4821 7,
 * RFC 8899 5).
 *
 * A probe that is lost while others arrive says that it was too big; it is no
 * sign of congestion, and goes again in smaller segments.  The same search,
 * ten minutes after a router's word, finds out whether the path has changed.
 *
 * All sizes are of IP packets, bytes.
 */
#include "tcp/internal.h"

#define BASE_V4	     1200 /* RFC 8899 5.1.2's BASE_PLPMTU */
#define BASE_V6	     1280 /* every link carries it, RFC 8200 5 */
#define LEAST_V4     576
#define LEAST_PTB_V4 552	 /* Linux's floor against forged messages */
#define SEARCH_END   8		 /* so close is close enough */
#define FOLLOWERS    4		 /* segments behind a probe */
#define PROBE_TRIES  3		 /* RFC 8899 5.1.2's MAX_PROBES */
#define RAISE_US     600000000LL /* its PMTU_RAISE_TIMER */
#define BLACK_HOLE   3		 /* time-outs in a row, RFC 9293's R1 */

static bool
is_v4(const struct tcb *p)
{
	return ipaddr_is_v4(&p->h->node.id.raddr);
}

static uint16_t
base(const struct tcb *p)
{
	return is_v4(p) ? BASE_V4 : BASE_V6;
}

/* What our link and the peer's MSS allow. */
static uint16_t
ceiling(const struct tcb *p)
{
	uint32_t peer = (uint32_t)p->peer_mss + tcp_hdrs(&p->h->node.id.raddr);

	if (p->max_seg != 0 && p->max_seg < p->peer_mss)
		peer = (uint32_t)p->max_seg + tcp_hdrs(&p->h->node.id.raddr);
	return peer < p->path.rcv_mtu ? (uint16_t)peer : p->path.rcv_mtu;
}

static void
set_mtu(struct tcb *p, uint16_t mtu)
{
	p->path.mtu = mtu;
	pcb_set_mss(p);
}

static void
search(struct tcb *p, uint16_t low, uint16_t high)
{
	struct tcp_mtu *m = &p->mtu;

	m->low = low;
	m->high = high;
	m->tries = 0;
	m->first = true;
	m->searching = m->low + SEARCH_END <= m->high;
}

void
mtu_established(struct tcb *p, mono_t now)
{
	struct tcp_mtu *m = &p->mtu;

	m->raise_at = MONO_NEVER;
	/* Of the route's memory: a router said so to somebody. */
	if (p->path.mtu < ceiling(p))
		m->raise_at = mono_add(now, RAISE_US);
	if (p->t->cfg.mtu_probing != TCP_MTU_ALWAYS || p->path.mtu <= base(p))
		return;
	search(p, base(p), p->path.mtu);
	set_mtu(p, base(p));
}

/* ---- too big ---- */

/* What is larger than a segment now goes again, without blame. */
static void
cut_down(struct tcb *p, uint16_t mtu)
{
	struct txseg *x;
	bool any = false;

	set_mtu(p, mtu);
	TAILQ_FOREACH (x, &p->tx, link) {
		if (x->len <= p->snd_mss || (x->flags & TX_SACKED))
			continue;
		txseg_mark_lost(p, x);
		any = true;
	}
	if (any)
		recovery_resend(p);
}

void
mtu_too_big(struct tcb *p, uint16_t mtu, mono_t now)
{
	uint16_t least = is_v4(p) ? LEAST_PTB_V4 : BASE_V6;
	struct tcp_mtu *m = &p->mtu;

	if (mtu < least)
		mtu = least;
	/* About a probe: nothing else failed.  Its loss will be found. */
	if (m->size != 0 && mtu >= p->path.mtu && mtu < m->size) {
		m->high = mtu;
		return;
	}
	if (mtu >= p->path.mtu)
		return;
	m->searching = false;
	m->size = 0;
	m->raise_at = mono_add(now, RAISE_US);
	cut_down(p, mtu);
}

void
mtu_timeout(struct tcb *p)
{
	const struct txseg *x = TAILQ_FIRST(&p->tx);
	uint16_t mtu = p->path.mtu, to = base(p);

	if (mtu > ceiling(p))
		mtu = ceiling(p);
	if (mtu <= to && p->retries >= 2 * BLACK_HOLE && is_v4(p))
		to = LEAST_V4;
	if (p->t->cfg.mtu_probing == TCP_MTU_NEVER || mtu <= to ||
	    p->retries < BLACK_HOLE || x == NULL || x->len < p->snd_mss)
		return;
	p->t->st.mtu_black_holes++;
	search(p, to, mtu);
	set_mtu(p, to);
}

/* ---- probes ---- */

/* RFC 8899 5.3.2: the largest first, since what looked like a black hole may
 * have been an outage; then halves. */
static uint16_t
next_size(const struct tcp_mtu *m)
{
	return m->first ? m->high : (uint16_t)((m->low + m->high + 1) / 2);
}

uint32_t
mtu_probe_len(struct tcb *p, uint32_t mss, uint32_t unsent, mono_t now)
{
	struct tcp_mtu *m = &p->mtu;
	uint32_t len, all, out = tcp_outstanding(p);

	if (!m->searching && !mono_before(now, m->raise_at)) {
		m->raise_at = MONO_NEVER;
		if (p->t->cfg.mtu_probing != TCP_MTU_NEVER)
			search(p, p->path.mtu, ceiling(p));
	}
	if (!m->searching || m->size != 0 || p->ca_state != CA_OPEN)
		return 0;
	len = mss + next_size(m) - p->path.mtu;
	/* RFC 4821 7.4: enough to follow it, so that its loss is found without
	 * a time-out, in both windows. */
	all = len + FOLLOWERS * mss;
	if (unsent < all || p->snd_wnd < out + all ||
	    p->cc.cwnd < tcp_pipe(p) + all)
		return 0;
	return len;
}

void
mtu_probe_sent(struct tcb *p, seq_t seq, uint32_t len)
{
	struct tcp_mtu *m = &p->mtu;

	m->size = next_size(m);
	m->seq = seq;
	m->end = seq_add(seq, len);
	m->doubtful = false;
	p->t->st.mtu_probes++;
}

/* The search is over, until the path may have changed. */
static void
settle(struct tcb *p, mono_t now)
{
	struct tcp_mtu *m = &p->mtu;

	if (m->low + SEARCH_END <= m->high)
		return;
	m->searching = false;
	m->raise_at =
	    p->path.mtu < ceiling(p) ? mono_add(now, RAISE_US) : MONO_NEVER;
}

void
mtu_ack(struct tcb *p, mono_t now)
{
	struct tcp_mtu *m = &p->mtu;

	if (m->size == 0) {
		if (m->searching)
			settle(p, now);
		return;
	}
	if (!seq_geq(p->snd_una, m->end)) {
		m->doubtful |= seq_gt(p->snd_una, m->seq);
		return;
	}
	/* What went again, in smaller segments, proves nothing. */
	if (!m->doubtful) {
		m->low = m->size;
		m->tries = 0;
		set_mtu(p, m->low);
	} else if (++m->tries >= PROBE_TRIES) {
		m->high = m->size - 1;
		m->tries = 0;
	}
	m->first = m->first && m->doubtful && m->tries > 0;
	m->size = 0;
	settle(p, now);
}

bool
mtu_is_probe(const struct tcb *p, seq_t seq)
{
	return p->mtu.size != 0 && seq_eq(seq, p->mtu.seq);
}

void
mtu_probe_lost(struct tcb *p)
{
	struct tcp_mtu *m = &p->mtu;

	if (m->high >= m->size)
		m->high = m->size - 1;
	m->size = 0;
	m->tries = 0;
	m->first = false;
}
