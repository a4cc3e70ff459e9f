/* SPDX-License-Identifier: ISC */
/*
 * What was taken for loss and was none: found out, and taken back.
 *
 * Three signs: the peer reports by DSACK (RFC 2883) that all that we resent
 * came twice; the timestamp that he echoes is older than the first
 * retransmission (Eifel, RFC 3522); after a time-out something comes that was
 * sent but once (F-RTO, RFC 5682 3.1, with SACK or without).  Then cwnd and
 * ssthresh are what they were (RFC 4015 3.2; cc.h keeps them), what was marked
 * lost is in flight again, and if it was no time-out, segments overtake each
 * other here, which RACK then allows for.
 *
 * The rules for when are Linux's; episodes are those of recovery.c.
 */
#include "tcp/internal.h"

/* ---- an episode ---- */

/* Of RTO or fast recovery; not again while one goes over into the other. */
void
undo_begin(struct tcb *p)
{
	p->undo.on = true;
	p->undo.hold = false;
	p->undo.marker = p->snd_una;
	p->undo.fack = p->rack.fack;
	p->undo.resent = p->retx_bytes;
	p->undo.dsacked = false;
	if (p->retx_bytes == 0)
		p->undo.first.us = 0;
}

/* n octets went again. */
void
undo_resent(struct tcb *p, uint32_t n, mono_t now)
{
	p->undo.resent += n;
	if (p->undo.first.us == 0)
		p->undo.first = now;
}

/* ---- the peer's DSACK ---- */

/* RFC 2883 4: the first block lies below the acknowledgment, or in the second
 * block. */
static bool
is_dsack(const struct wire_tcp *h, seq_t ack)
{
	seq_t l, r;

	if (h->nsack == 0)
		return false;
	l = SEQ(h->sack[0].left);
	r = SEQ(h->sack[0].right);
	if (!seq_lt(l, r))
		return false;
	if (seq_lt(l, ack))
		return true;
	return h->nsack > 1 && seq_geq(l, SEQ(h->sack[1].left)) &&
	       seq_leq(r, SEQ(h->sack[1].right));
}

/* Counts the DSACK among the blocks, if there is one. */
void
dsack_input(struct tcb *p, struct ackinfo *a)
{
	const struct wire_tcp *h = &a->s->h;
	uint32_t len, segs;
	seq_t right;

	if (!is_dsack(h, a->s->ack))
		return;
	right = SEQ(h->sack[0].right);
	len = (uint32_t)seq_diff(right, SEQ(h->sack[0].left));
	segs = (len + p->snd_mss - 1) / p->snd_mss;
	/* Of what nobody had room for, or never was sent: a tale. */
	if (len > p->max_wnd || seq_gt(right, p->snd_nxt))
		return;
	p->undo.dsack_dups += segs;
	p->t->st.dsacks_received++;
	/* The network doubles segments, too. */
	if (p->undo.dsack_dups > p->total_retrans)
		return;
	a->dsack = true;
	if (p->tlp.out && p->tlp.resent && seq_eq(right, p->tlp.end))
		a->dsack_probe = true;
	if (p->undo.on && seq_gt(right, p->undo.marker)) {
		p->undo.dsacked = true;
		p->undo.resent -= len < p->undo.resent ? len : p->undo.resent;
	}
}

/* ---- proofs ---- */

static bool
all_came_twice(const struct tcb *p)
{
	return p->undo.on && p->undo.dsacked && p->undo.resent == 0;
}

/* What was acknowledged had gone before the first retransmission. */
static bool
came_late(const struct tcb *p, const struct ackinfo *a)
{
	const struct wire_tcp *h = &a->s->h;

	if (!p->undo.on || !a->advanced)
		return false;
	if (p->undo.first.us == 0)
		return true;
	return (p->flags & PF_TS) && h->has_ts && h->tsecr != 0 &&
	       (int32_t)(h->tsecr - tcp_ts_now(p->undo.first, p->ts_off)) < 0;
}

/* ---- undone ---- */

static void
take_back(struct tcb *p)
{
	txseg_unmark_lost(p, p->undo.first);
	CHECK(p->lost_bytes == 0);
	tcp_cc_undo(&p->cc);
	p->undo.on = p->undo.hold = false;
	p->frto.on = p->frto.fresh = false;
	p->ca_state = CA_OPEN;
	p->dupacks = 0;
	pcb_ready(p);
}

/* Recovery was for segments that were late, not lost: the first one by what
 * had come before it then. */
static void
was_reordering(struct tcb *p)
{
	rack_overtaken(p, p->undo.marker, p->undo.fack);
	p->t->st.spurious_recoveries++;
	take_back(p);
}

bool
undo_at_end(struct tcb *p, const struct ackinfo *a)
{
	if (!all_came_twice(p) && !came_late(p, a))
		return false;
	was_reordering(p);
	return true;
}

/* Until all is known of what was resent nothing more is. */
bool
undo_partial(struct tcb *p, const struct ackinfo *a)
{
	p->undo.hold = false;
	if (!came_late(p, a))
		return false;
	if (p->retx_bytes > 0) {
		p->undo.hold = true;
		return true;
	}
	was_reordering(p);
	return true;
}

/* The DSACKs that come after recovery's end. */
void
undo_by_dsack(struct tcb *p)
{
	uint8_t state = p->ca_state;

	if (!all_came_twice(p))
		return;
	was_reordering(p);
	p->ca_state = state;
}

/* ---- F-RTO ---- */

void
frto_begin(struct tcb *p, bool fits)
{
	p->frto.on = fits;
	p->frto.fresh = false;
}

static bool
new_data_may_go(const struct tcb *p)
{
	return pcb_send_unsent(p) > 0 && p->snd_wnd > tcp_outstanding(p);
}

/* An acknowledgment after a time-out; true if that was needless. */
bool
undo_loss(struct tcb *p, const struct ackinfo *a)
{
	bool late = all_came_twice(p) || came_late(p, a);

	p->frto.fresh = false;
	if ((a->advanced && late) || (p->frto.on && a->original)) {
		p->t->st.spurious_rtos++;
		/* What came was not the retransmission, so that nothing is
		 * known to have overtaken what left before that. */
		p->rack.xmit_at.us = 0;
		take_back(p);
		return true;
	}
	if (!p->frto.on)
		return false;
	if (seq_gt(p->snd_nxt, p->recover)) {
		/* 3.1 step 3a: only the new data came. */
		if (a->delivered > 0 || a->dup)
			p->frto.on = false;
	} else if (a->advanced && seq_lt(p->snd_una, p->recover)) {
		/* Step 2b: what went before says more than what goes again. */
		p->frto.on = p->frto.fresh = new_data_may_go(p);
	}
	return false;
}
