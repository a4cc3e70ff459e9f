/* SPDX-License-Identifier: ISC */
/*
 * Fast Open of our own connections (RFC 7413 4.1, 4.2.1): the first SYN asks
 * for a cookie, or shows the one that the server gave before and carries data.
 *
 * That data is in the send queue and in no record of what is out: snd_nxt goes
 * no further than the SYN.  What of it the SYN-ACK acknowledges leaves the
 * queue with it, and the rest has simply never been sent.  A SYN that goes
 * again has neither option nor data, in case these are why the first one was
 * lost (4.1.3.1).
 *
 * Cookies, with the MSS that the server named, are kept by both addresses in a
 * table of fixed size, in sets by a keyed hash; the one not used for longest
 * makes room.
 *
 * Some ways lose what is not common, during the handshake or behind it.  When
 * a Fast Open's third time-out comes, or its end, or a reset where a FIN had
 * overtaken all data, none is tried for an hour (tcp_fastopen.blackhole_s),
 * twice as long the next time, up to 64 times, until one has worked.
 */
#include <errno.h>
#include "tcp/internal.h"

#define PAUSES_MAX 6 /* times that a pause doubles */

/* ---- the cache ---- */

static struct fastopen_entry *
set_of(const struct tcp *t, const struct ipaddr *src, const struct ipaddr *dst)
{
	const struct ipaddr path[2] = {*src, *dst};
	uint64_t h = siphash(&t->key_table, path, sizeof path);
	const struct fastopen_entry *set =
	    &t->fo.cache[h % FASTOPEN_SETS * FASTOPEN_WAYS];

	return (struct fastopen_entry *)(uintptr_t)set;
}

static struct fastopen_entry *
find(const struct tcp *t, const struct ipaddr *src, const struct ipaddr *dst)
{
	struct fastopen_entry *e = set_of(t, src, dst);
	struct fastopen_entry *end = e + FASTOPEN_WAYS;

	for (; e < end; e++) {
		if (e->used.us != 0 && ipaddr_eq(&e->dst, dst) &&
		    ipaddr_eq(&e->src, src))
			return e;
	}
	return NULL;
}

static struct fastopen_entry *
find_or_make(struct tcp *t, const struct tuple *id)
{
	struct fastopen_entry *e = find(t, &id->laddr, &id->raddr), *set;

	if (e != NULL)
		return e;
	e = set = set_of(t, &id->laddr, &id->raddr);
	for (unsigned i = 1; i < FASTOPEN_WAYS; i++) {
		if (mono_before(set[i].used, e->used))
			e = &set[i];
	}
	*e = (struct fastopen_entry){.src = id->laddr, .dst = id->raddr};
	return e;
}

/* ---- black holes ---- */

static bool
paused(const struct tcp *t, mono_t now)
{
	unsigned doubled = t->fo.pauses - 1;

	if (t->cfg.fastopen.blackhole_s == 0 || t->fo.pauses == 0)
		return false;
	if (doubled > PAUSES_MAX)
		doubled = PAUSES_MAX;
	return mono_diff(now, t->fo.paused) <
	       ((int64_t)t->cfg.fastopen.blackhole_s << doubled) * 1000000;
}

static void
pause_all(struct tcp *t, mono_t now)
{
	if (t->cfg.fastopen.blackhole_s == 0)
		return;
	t->fo.paused = now;
	t->fo.pauses++;
	t->st.fastopen_blackhole++;
}

/* Was the first SYN no common one? */
static bool
uncommon(const struct tcb *p)
{
	return p->fo.asked || p->fo.sent > 0;
}

void
fastsyn_timeout(struct tcb *p, bool expired, mono_t now)
{
	if (uncommon(p) && (p->retries == 2 || (p->retries < 2 && expired)))
		pause_all(p->t, now);
}

void
fastsyn_gone(struct tcb *p, mono_t now)
{
	if (!uncommon(p))
		return;
	if (p->data_segs_in == 0 && p->fin_early && !(p->flags & PF_FIN_RCVD))
		pause_all(p->t, now);
	else if (p->data_segs_in > 0 && p->fo.trial)
		p->t->fo.pauses = 0;
	p->fo.trial = false;
}

/* ---- the SYN ---- */

/* Room for data in a SYN on path with any options (4.2.1). */
static uint32_t
room_on(const struct tcp_path *path, const struct fastopen_entry *e,
    uint16_t max_seg)
{
	uint32_t mss = (uint32_t)path->mtu - tcp_hdrs(&path->src);

	if (mss > tcp_adv_mss(path, max_seg))
		mss = tcp_adv_mss(path, max_seg);
	if (e != NULL && e->mss != 0 && mss > e->mss)
		mss = e->mss;
	return mss > TCP_OPTION_ROOM ? mss - TCP_OPTION_ROOM : 0;
}

int
tcp_fastopen_room(struct tcp *t, const struct ipaddr *src,
    const struct ipaddr *dst, const struct tcp_opts *opts, mono_t now)
{
	const struct fastopen_entry *e;
	struct tcp_path path = {0};
	int r;

	if (!(t->cfg.fastopen.mode & FASTOPEN_CLIENT))
		return -EOPNOTSUPP;
	if ((r = t->cfg.env.path(t->cfg.env.ctx, src, dst, &path)) != 0)
		return r;
	e = find(t, &path.src, dst);
	if (paused(t, now) ||
	    ((e == NULL || e->len == 0) && !opts->fastopen_bare &&
		!(t->cfg.fastopen.mode & FASTOPEN_CLIENT_BARE)))
		return 0;
	return (int)room_on(&path, e, opts->max_seg);
}

void
pcb_fastopen(struct tcb *p, bool waits, mono_t now)
{
	(void)now;
	CHECK(p->state == TCPS_SYN_SENT);
	p->fo.on = true;
	p->fo.first = p->t->cfg.fastopen.mode & FASTOPEN_CLIENT;
	p->fo.waits = waits;
	if (!waits)
		return;
	p->flags &= ~PF_SYN_NOW;
	pcb_timer(p, TMR_REXMT, MONO_NEVER);
}

void
fastsyn_begin(struct tcb *p, mono_t now)
{
	if (!p->fo.waits)
		return;
	p->fo.waits = false;
	TAILQ_FIRST(&p->tx)->sent_at = now;
	p->advanced = now;
	p->flags |= PF_SYN_NOW;
	tcp_arm_rexmt(p, now);
	pcb_ready(p);
}

/* The option; true: data may come with it. */
static bool
put_option(struct tcb *p, struct fastopen_entry *e, struct wire_tcp *h)
{
	struct wire_fastopen *fo = &h->fastopen;
	bool bare =
	    p->fo.bare || p->t->cfg.fastopen.mode & FASTOPEN_CLIENT_BARE;

	if (bare)
		return true;
	p->fo.asked = fo->present = true;
	if (e != NULL && e->len > 0) {
		fo->exp = e->exp;
		fo->len = e->len;
		memcpy(fo->cookie, e->cookie, e->len);
	} else {
		fo->exp = e != NULL && e->try_exp == 1;
		p->fo.fail = FASTOPEN_NO_COOKIE;
	}
	p->fo.exp = fo->exp;
	return fo->len > 0;
}

void
fastsyn_fill(struct tcb *p, struct wire_tcp *h, struct tcp_out *out, mono_t now)
{
	struct tcp *t = p->t;
	struct fastopen_entry *e =
	    find(t, &p->h->node.id.laddr, &p->h->node.id.raddr);
	uint32_t len;

	p->fo.first = false;
	/* Beside a signature there is no room for a cookie. */
	if (paused(t, now) || p->md5.room != 0)
		return;
	p->fo.trial = t->fo.pauses > 0;
	if (e != NULL)
		e->used = now;
	if (!put_option(p, e, h))
		return;
	len = room_on(&p->path, e, p->max_seg);
	if (len > p->sq.bytes)
		len = p->sq.bytes;
	/* A SYN has no urgent pointer of ours. */
	if (len == 0 || urgent_sending(p))
		return;
	out->nspans = sendq_spans(
	    p, 0, &len, out->spans, sizeof out->spans / sizeof out->spans[0]);
	out->payload_len = p->fo.sent = len;
}

/* A router says that the SYN was too large for it: it goes again at once. */
bool
fastsyn_too_big(struct tcb *p, uint16_t mtu, mono_t now)
{
	struct txseg *x = TAILQ_FIRST(&p->tx);

	if (p->state != TCPS_SYN_SENT || p->fo.sent == 0 ||
	    x->flags & TX_EVER_RETX || mtu >= p->path.mtu ||
	    mtu < tcp_hdrs(&p->h->node.id.raddr) + TCP_MIN_MSS)
		return false;
	p->path.mtu = mtu;
	pcb_set_mss(p);
	x->flags |= TX_EVER_RETX;
	p->total_retrans++;
	p->t->st.retrans_segs++;
	p->flags |= PF_SYN_NOW;
	tcp_arm_rexmt(p, now);
	pcb_ready(p);
	return true;
}

/* ---- its answer ---- */

bool
fastsyn_acceptable(const struct tcb *p, seq_t ack)
{
	return seq_geq(ack, p->snd_nxt) &&
	       seq_leq(ack, seq_add(p->snd_nxt, p->fo.sent));
}

/* What the SYN-ACK tells of the server. */
static void
learn(struct tcb *p, const struct seg *s)
{
	const struct wire_fastopen *fo = &s->h.fastopen;
	struct fastopen_entry *e = find_or_make(p->t, &p->h->node.id);
	uint8_t next = p->fo.exp ? 2 : 1;

	e->used = s->now;
	e->mss =
	    s->h.has_mss ? s->h.mss : tcp_default_mss(&p->h->node.id.raddr);
	if (fo->bad)
		drop_count(p->t->cfg.drops, DROP_TCP_FASTOPEN);
	if (!p->fo.asked)
		return; /* and a cookie would be one that nobody wanted */
	if (fo->present && fo->len > 0) {
		e->len = fo->len;
		e->exp = fo->exp;
		memcpy(e->cookie, fo->cookie, fo->len);
		return;
	}
	/* An old server may know the experimental option alone. */
	if (p->fo.sent == 0 && p->total_retrans == 0 && e->len == 0 &&
	    next > e->try_exp)
		e->try_exp = next;
}

/* n octets of the SYN's data have arrived with it. */
static void
take(struct tcb *p, uint32_t n, mono_t now)
{
	p->snd_una = seq_add(p->snd_una, n);
	p->snd_nxt = p->recover = p->snd_sml = p->snd_una;
	p->rack.fack = p->rack.dsack_round = p->snd_una;
	p->bytes_acked += n;
	p->rate.delivered += n;
	p->last_ack = p->advanced = now;
	sendq_ack(p, n);
}

void
fastsyn_acked(struct tcb *p, const struct seg *s)
{
	uint32_t n = (uint32_t)seq_diff(s->ack, p->snd_una), rest;
	struct tcp_stats *st = &p->t->st;

	if (s->h.flags & TH_SYN && uncommon(p))
		learn(p, s);
	if (n > 0)
		take(p, n, s->now);
	if (p->fo.sent == 0)
		return;
	rest = p->fo.sent - n;
	if (rest == 0) {
		p->fo.taken = true;
		st->fastopen_active++;
		return;
	}
	p->fo.fail = p->total_retrans > 0 ? FASTOPEN_AGAIN_SYN : FASTOPEN_AGAIN;
	st->fastopen_active_fail++;
	/* It goes with the next segment. */
	p->fo.again = seq_add(p->snd_una, rest);
	p->total_retrans++;
	p->bytes_retrans += rest;
	st->retrans_segs++;
}
