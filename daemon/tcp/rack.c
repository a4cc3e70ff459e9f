/* SPDX-License-Identifier: ISC */
/*
 * RACK (RFC 8985): a segment is lost when one that was sent sufficiently later
 * has come.  "Sufficiently" is the reordering window: none while no reordering
 * was seen and the duplicates reach DupThresh, a part of the smallest RTT
 * otherwise.  What is not yet due has a timer, TMR_RACK.
 *
 * p->flying is in the order of sending, so that the first that is not due ends
 * the search: an acknowledgment pays for what it finds lost, not for what is
 * out.
 *
 * DEVIATION: 6.2 step 5 sets the timer for the last that may be due, here it
 * is the first: it goes as soon as it is due, and each firing marks something.
 */
#include "tcp/internal.h"

#define RACK_PERSIST  16 /* recoveries; 6.2 step 4 */
#define RACK_MULT_MAX 255

/* RACK_sent_after() */
static bool
sent_after(mono_t t1, seq_t end1, mono_t t2, seq_t end2)
{
	return t1.us > t2.us || (t1.us == t2.us && seq_gt(end1, end2));
}

/* 6.2, steps 1 to 3 for one segment. */
bool
rack_delivered(
    struct tcb *p, struct ackinfo *a, const struct txseg *x, seq_t end)
{
	int64_t rtt = mono_diff(a->now, x->sent_at);
	const struct wire_tcp *h = &a->s->h;
	bool resent = x->flags & TX_EVER_RETX;

	if (!resent && seq_lt(x->seq, a->fack))
		a->overtaken = seq_min(a->overtaken, x->seq);
	if (seq_gt(end, p->rack.fack))
		p->rack.fack = end;
	/* Is it the retransmission that came, or what went first? */
	if (resent && (rtt < p->min_rtt_us ||
			  ((p->flags & PF_TS) && h->has_ts &&
			      (int32_t)(h->tsecr - tcp_ts_now(x->sent_at,
						       p->ts_off)) < 0)))
		return false;
	p->rack.rtt_us =
	    (uint32_t)(rtt < TCP_RTO_MAX_US ? rtt : TCP_RTO_MAX_US);
	if (sent_after(x->sent_at, end, p->rack.xmit_at, p->rack.end)) {
		p->rack.xmit_at = x->sent_at;
		p->rack.end = end;
	}
	return true;
}

/* The degree is how far, in segments, the latest had come before the one that
 * it overtook (as Linux shows it). */
void
rack_overtaken(struct tcb *p, seq_t seq, seq_t fack)
{
	int32_t ahead = seq_diff(fack, seq);
	uint32_t degree;

	if (ahead <= 0)
		return;
	degree = ((uint32_t)ahead + p->snd_mss - 1) / p->snd_mss;
	if (degree > TCP_REORDERING_MAX)
		degree = TCP_REORDERING_MAX;
	if (degree > p->rack.degree)
		p->rack.degree = degree;
	p->rack.reordered++;
}

/* 6.2 step 4: each round trip with a DSACK widens it; the DSACK of a probe
 * (tlp.c) says nothing of reordering. */
void
rack_window(struct tcb *p, const struct ackinfo *a)
{
	if (!a->dsack || a->dsack_probe ||
	    seq_lt(p->snd_una, p->rack.dsack_round))
		return;
	if (p->rack.wnd_mult < RACK_MULT_MAX)
		p->rack.wnd_mult++;
	p->rack.persist = RACK_PERSIST;
	p->rack.dsack_round = p->snd_nxt;
}

void
rack_recovered(struct tcb *p)
{
	if (p->rack.persist > 0 && --p->rack.persist == 0)
		p->rack.wnd_mult = 1;
}

/* Have as many come as RFC 5681 and 6675 want: by size, or in as many
 * acknowledgments when they are small? */
static bool
dupthresh_reached(const struct tcb *p)
{
	return p->sacked_bytes > (p->rack.degree - 1) * p->snd_mss ||
	       (p->sacked_bytes > 0 && p->dupacks >= p->rack.degree);
}

/* 6.2 step 4 */
static int64_t
reordering_window(const struct tcb *p)
{
	int64_t wnd;

	if (p->rack.reordered == 0 &&
	    (p->ca_state >= CA_RECOVERY || dupthresh_reached(p)))
		return 0;
	wnd = (int64_t)p->rack.wnd_mult * (p->min_rtt_us / 4);
	return wnd < p->srtt_us ? wnd : p->srtt_us;
}

static mono_t
due(const struct tcb *p, const struct txseg *x)
{
	return mono_add(x->sent_at, p->rack.rtt_us + reordering_window(p));
}

uint32_t
rack_detect_loss(struct tcb *p, mono_t now)
{
	mono_t timer = MONO_NEVER;
	uint32_t lost = 0;
	struct txseg *x;

	while (p->rack.xmit_at.us != 0 &&
	       (x = TAILQ_FIRST(&p->flying)) != NULL &&
	       sent_after(p->rack.xmit_at, p->rack.end, x->sent_at,
		   seq_add(x->seq, x->len))) {
		if (mono_before(now, due(p, x))) {
			/* The slack is Linux's: on a path of microseconds the
			 * window is less than what a queue in between adds. */
			timer = mono_add(due(p, x), TCP_SLACK_US);
			break;
		}
		p->t->st.lost_retransmits += (x->flags & TX_RETX) != 0;
		lost += x->len;
		txseg_mark_lost(p, x);
	}
	pcb_timer(p, TMR_RACK, timer);
	return lost;
}

void
rack_mark_on_rto(struct tcb *p, mono_t now)
{
	struct txseg *x, *next;

	if ((x = TAILQ_FIRST(&p->tx)) != NULL)
		txseg_mark_lost(p, x);
	TAILQ_FOREACH_SAFE (x, &p->flying, turn, next) {
		if (mono_before(now, due(p, x)))
			break;
		txseg_mark_lost(p, x);
	}
	pcb_timer(p, TMR_RACK, MONO_NEVER);
}

bool
rack_timeout(struct tcb *p, mono_t now)
{
	recovery_lost(p, rack_detect_loss(p, now));
	return true;
}
