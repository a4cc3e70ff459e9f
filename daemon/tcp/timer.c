/* SPDX-License-Identifier: ISC */
/*
 * What time does to a connection: retransmission and giving up (RFC 6298 5,
 * RFC 9293 3.8.3), window probes (3.8.6.1), the delayed ACK (3.8.6.3),
 * keep-alive (3.8.4), and FIN-WAIT-2 of a connection whose user is gone.
 */
#include <errno.h>
#include "tcp/internal.h"

/* RFC 9293 3.10.5: the peer is told that we gave up. */
static void
give_up(struct tcb *p, int error, mono_t now)
{
	if (synchronized(p))
		pcb_reset(p, now);
	pcb_dead(p, error);
}

static int
timeout_error(const struct tcb *p)
{
	return p->soft_error != 0 ? p->soft_error : ETIMEDOUT;
}

/* When the user's own limit ends, if he set one (RFC 5482's semantics). */
static mono_t
user_limit(const struct tcb *p, mono_t since)
{
	if (p->user_timeout_us == 0)
		return MONO_NEVER;
	return mono_add(since, p->user_timeout_us);
}

/* Since when nothing has come of what is out. */
static mono_t
stuck_since(const struct tcb *p)
{
	const struct txseg *x = TAILQ_FIRST(&p->tx);

	if (p->retries > 0 || x == NULL)
		return p->first_retry;
	return mono_max(x->sent_at, p->advanced);
}

bool
tcp_limit_reached(const struct tcb *p, mono_t now)
{
	return !mono_before(now, user_limit(p, stuck_since(p)));
}

void
tcp_arm_rexmt(struct tcb *p, mono_t now)
{
	mono_t when = mono_add(now, tcp_rto(p));
	mono_t limit = user_limit(p, stuck_since(p));

	/* A limit that is past did not end it (a closed window that lives). */
	if (mono_before(now, limit) && mono_before(limit, when))
		when = limit;
	pcb_timer(p, TMR_REXMT, when);
}

/* One retransmission more.  At R1 (MUST-20, SHLD-10) IP hears that the way may
 * be dead, and the user, long before R2, that it may come to a time-out
 * (SHLD-9); a better reason that is known stays. */
static void
count_retry(struct tcb *p, mono_t now)
{
	p->rto.total++;
	if (p->retries == 0) {
		p->rto.recoveries++;
		p->rto.since = now;
	}
	if (p->retries < UINT16_MAX)
		p->retries++;
	if (p->retries != TCP_RETRIES1)
		return;
	p->in_doubt = true;
	if (p->soft_error == 0)
		p->soft_error = ETIMEDOUT;
	pcb_event(p, TCP_EV_ERROR);
}

void
timeout_over(struct tcb *p, mono_t now)
{
	if (p->rto.since.us == 0)
		return;
	p->rto.spent_us += mono_diff(now, p->rto.since);
	p->rto.since = (mono_t){0};
}

/* ---- the SYN (MUST-22) ---- */

/* MUST-23: by default R2 is 247 s. */
static bool
syn_timeout(struct tcb *p, mono_t now)
{
	struct txseg *x = TAILQ_FIRST(&p->tx);
	bool over;

	p->first_retry = stuck_since(p);
	over = p->retries >= p->max_syn_retries ||
	       !mono_before(now, user_limit(p, p->first_retry));
	fastsyn_timeout(p, over, now);
	if (over) {
		pcb_dead(p, timeout_error(p));
		return false;
	}
	count_retry(p, now);
	if (p->state != TCPS_SYN_SENT || p->retries > p->t->cfg.syn_linear)
		p->backoff++;
	p->t->st.retrans_segs++;
	p->total_retrans++;
	x->flags |= TX_EVER_RETX;
	p->flags |= PF_SYN_NOW;
	pcb_ready(p);
	tcp_arm_rexmt(p, now);
	return true;
}

/* ---- retransmission ---- */

/* MUST-20: has R2 come? */
static bool
r2_reached(const struct tcb *p, mono_t now)
{
	/* MUST-37, SHLD-17: a peer with a closed window that answers lives. */
	if (p->snd_wnd == 0 && !(p->flags & PF_ORPHAN) &&
	    mono_diff(now, p->last_ack) < 2 * (int64_t)TCP_RTO_MAX_US &&
	    mono_before(p->first_retry, p->last_ack))
		return false;
	if (!mono_before(now, user_limit(p, p->first_retry)))
		return true;
	if (p->user_timeout_us != 0)
		return false;
	if (p->flags & PF_ORPHAN && p->retries >= TCP_ORPHAN_RETRIES)
		return true;
	return p->retries >= TCP_RETRIES2;
}

static bool
rexmt_timeout(struct tcb *p, mono_t now)
{
	const struct txseg *x = TAILQ_FIRST(&p->tx);
	bool over;

	if (p->fo.half != NULL)
		return fastopen_timeout(p, now);
	if (p->state == TCPS_SYN_SENT || p->state == TCPS_SYN_RECEIVED)
		return syn_timeout(p, now);
	if (x == NULL)
		return true;
	/* What the last time-out found waits for its time yet. */
	if (timer_on(p, TMR_PACE) && !TAILQ_EMPTY(&p->lost)) {
		tcp_arm_rexmt(p, p->deadline[TMR_PACE]);
		return true;
	}
	p->first_retry = stuck_since(p);
	over = r2_reached(p, now);
	fastsyn_timeout(p, over, now);
	if (over) {
		give_up(p, timeout_error(p), now);
		return false;
	}
	count_retry(p, now);
	p->t->st.timeouts++;
	mtu_timeout(p);
	tcp_enter_loss(p, now);
	/* RFC 6298 5.5; after repeated time-outs the estimate is void. */
	if (p->backoff < 16)
		p->backoff++;
	tcp_arm_rexmt(p, now);
	return true;
}

/* ---- zero window (MUST-36, SHLD-29, SHLD-30) ---- */

static bool
persist_timeout(struct tcb *p, mono_t now)
{
	if (p->sq.bytes == tcp_outstanding(p) &&
	    (!(p->flags & PF_FIN_QUEUED) || (p->flags & PF_FIN_SENT)))
		return true;
	if (p->snd_wnd > tcp_outstanding(p)) {
		/* RFC 9293 3.8.6.2.1's override. */
		p->flags |= PF_OVERRIDE;
		pcb_ready(p);
		return true;
	}
	if (p->probes == 0 && p->backoff == 0)
		p->first_retry = now;
	/* A peer that never opens its window cannot hold an orphan. */
	if (p->probes >= TCP_RETRIES2 ||
	    (p->flags & PF_ORPHAN && p->backoff >= TCP_ORPHAN_RETRIES) ||
	    (p->probes > 0 &&
		!mono_before(now, user_limit(p, p->first_retry)))) {
		give_up(p, timeout_error(p), now);
		return false;
	}
	p->probes++;
	if (p->backoff < 16)
		p->backoff++;
	p->t->st.window_probes++;
	p->flags |= PF_PROBE_NOW;
	pcb_ready(p);
	pcb_timer(p, TMR_PERSIST, mono_add(now, tcp_rto(p)));
	return true;
}

/* ---- keep-alive (MUST-24 to MUST-29) and FIN-WAIT-2 ---- */

/* DECLINED: MAY-6: a probe with an octet of garbage serves peers who ignore an
 * empty one; none are left. */
void
tcp_arm_keep(struct tcb *p, mono_t now)
{
	if (!(p->flags & PF_KEEPALIVE) || (p->flags & PF_ORPHAN) ||
	    !synchronized(p) || p->fo.half != NULL)
		return;
	p->probes = 0;
	pcb_timer(p, TMR_KEEP, mono_add(now, (int64_t)p->keepidle_s * 1000000));
}

static bool
keep_timeout(struct tcb *p, mono_t now)
{
	int64_t idle = mono_diff(now, mono_max(p->last_rcv, p->last_ack));

	if (p->flags & PF_ORPHAN) {
		pcb_dead(p, 0);
		return false;
	}
	if (!(p->flags & PF_KEEPALIVE))
		return true;
	/* MUST-26: other timers watch what is outstanding. */
	if (!TAILQ_EMPTY(&p->tx) || p->sq.bytes > 0) {
		pcb_timer(p, TMR_KEEP,
		    mono_add(now, (int64_t)p->keepidle_s * 1000000));
		return true;
	}
	if (p->user_timeout_us != 0
		? p->probes > 0 && idle >= p->user_timeout_us
		: p->probes >= p->keepcnt) {
		give_up(p, timeout_error(p), now);
		return false;
	}
	p->probes++;
	p->t->st.keepalive_probes++;
	p->flags |= PF_KEEP_NOW;
	pcb_ready(p);
	pcb_timer(
	    p, TMR_KEEP, mono_add(now, (int64_t)p->keepintvl_s * 1000000));
	return true;
}

static bool
delack_timeout(struct tcb *p, mono_t now)
{
	(void)now;
	if (!(p->flags & PF_ACK_DELAYED))
		return true;
	p->t->st.delayed_acks++;
	p->flags |= PF_ACK_NOW;
	pcb_ready(p);
	return true;
}

static bool
memory_timeout(struct tcb *p, mono_t now)
{
	(void)now;
	if (p->flags & PF_WANT_WRITABLE) {
		p->flags &= ~PF_WANT_WRITABLE;
		pcb_event(p, TCP_EV_WRITABLE);
	}
	return true;
}

static bool
pace_timeout(struct tcb *p, mono_t now)
{
	(void)now;
	pcb_ready(p);
	return true;
}

/* Each handler returns false when the connection is gone. */
void
pcb_timeout(struct tcb *p, mono_t now)
{
	static bool (*const handlers[TMR_N])(struct tcb *, mono_t) = {
	    [TMR_TLP] = tlp_timeout,
	    [TMR_REXMT] = rexmt_timeout,
	    [TMR_PERSIST] = persist_timeout,
	    [TMR_DELACK] = delack_timeout,
	    [TMR_KEEP] = keep_timeout,
	    [TMR_MEMORY] = memory_timeout,
	    [TMR_RACK] = rack_timeout,
	    [TMR_PACE] = pace_timeout,
	};
	mono_t first = MONO_NEVER;
	int i;

	for (i = 0; i < TMR_N; i++) {
		if (mono_before(now, p->deadline[i]))
			continue;
		p->deadline[i] = MONO_NEVER;
		if (!handlers[i](p, now))
			return;
	}
	for (i = 0; i < TMR_N; i++)
		first = mono_min(first, p->deadline[i]);
	timerq_set(&p->t->timers, &p->h->timer, first);
}
