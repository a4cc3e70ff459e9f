/* SPDX-License-Identifier: ISC */
/*
 * Explicit congestion notification: who speaks which of its forms, what
 * leaves with a mark, and what a mark does.
 *
 * Three modes, settled by the SYN and its answer and never changed after that:
 * none; classic (SHLD-8, RFC 3168: ECE until CWR, one signal a round trip);
 * accurate (RFC 9768: the flags AE, CWR and ECE count CE marks, accecn.c).  A
 * host that asks for the accurate form gets the best that both know.
 *
 * Only new data is sent as ECT(0): no SYN, no bare ACK or probe, no
 * retransmission (RFC 3168 6.1.1, 6.1.4 to 6.1.6); but with ect_all all of an
 * accurate connection but the SYNs, as Linux and RFC 8311 4.3 have it.  Another
 * field than ours that the peer saw on our SYN or SYN-ACK shows a path that
 * changes it; then we send no ECT at all (RFC 9768 3.2.2.3).
 *
 * With DCTCP all is ECT(0), SYNs and resets too (RFC 8257 3.6), and the classic
 * echo is that of dctcp_echo.c.  DEVIATION: in the accurate form, which counts
 * packets, the bare ACKs are not.
 *
 * DEVIATION: peers and paths that lose SYNs with ECN flags are not remembered
 * (RFC 9768 3.1.4.1: SHOULD); each connection finds out anew, as on Linux.
 */
#include "tcp/internal.h"

#define ACE_FLAGS (TH_AE | TH_CWR | TH_ECE)

/* How often a SYN asks before it goes without (RFC 9768 3.1.4.1; for the
 * classic form as Linux does). */
#define ACCURATE_SYNS 2
#define CLASSIC_SYNS  1

unsigned
ecn_ace(uint16_t flags)
{
	return (flags & TH_AE ? 4u : 0u) | (flags & TH_CWR ? 2u : 0u) |
	       (flags & TH_ECE ? 1u : 0u);
}

uint16_t
ecn_ace_flags(unsigned ace)
{
	return (uint16_t)((ace & 4 ? TH_AE : 0) | (ace & 2 ? TH_CWR : 0) |
			  (ace & 1 ? TH_ECE : 0));
}

/* RFC 9768 Table 2, Table 3: how an IP-ECN field on a SYN or SYN-ACK is told
 * to its sender. */
static unsigned
handshake_ace(unsigned field)
{
	static const uint8_t ace[4] = {[IPECN_NOT_ECT] = 2,
	    [IPECN_ECT1] = 3,
	    [IPECN_ECT0] = 4,
	    [IPECN_CE] = 6};

	return ace[field & IPECN_MASK];
}

/* What the peer saw on ours; false: something else than we sent, or a mark. */
static bool
arrived_unchanged(unsigned ace, bool ect)
{
	return ect ? ace == 4 : ace != 3 && ace != 4 && ace != 6;
}

/* Does it have all marked that it sends? */
static bool
marks_all(const struct tcp_cc_ops *cc)
{
	return cc->flags & CC_ECN;
}

/* 3.2.2.3: we go on without ECT, but if what changes it made a mark of it,
 * then perhaps because there was congestion. */
static void
mangled(struct tcb *p, unsigned ace, bool ect)
{
	if (!ect || ace != 6) {
		p->ecn.no_ect = true;
		p->t->st.ecn_mangled++;
	}
	if (ace == 6)
		tcp_cc_congestion(&p->cc, CC_CE, p->cc.cwnd);
}

static void
enter_mode(struct tcb *p, enum ecn_mode mode)
{
	p->ecn.mode = (uint8_t)mode;
	p->cc.ecn = mode != ECN_NONE;
	if (mode == ECN_ACCURATE)
		accecn_init(p);
}

/* The handshake is over, for the counters. */
void
ecn_established(const struct tcb *p)
{
	if (p->ecn.mode == ECN_ACCURATE)
		p->t->st.ecn_accurate++;
	else if (p->ecn.mode == ECN_CLASSIC)
		p->t->st.ecn_classic++;
}

/* An algorithm that needs marks asks for them whatever is configured. */
static enum tcp_ecn_policy
policy(const struct tcp *t, const struct tcp_cc_ops *cc)
{
	if ((cc->flags & CC_ECN) && t->cfg.ecn != TCP_ECN_CLASSIC)
		return TCP_ECN_ON;
	return t->cfg.ecn;
}

/* ---- the client ---- */

uint16_t
ecn_syn_flags(struct tcb *p)
{
	switch (policy(p->t, p->cc.ops)) {
	case TCP_ECN_ON:
		p->ecn.asked = ECN_ACCURATE;
		if (p->retries < ACCURATE_SYNS)
			return ACE_FLAGS;
		break;
	case TCP_ECN_CLASSIC:
		p->ecn.asked = ECN_CLASSIC;
		if (p->retries < CLASSIC_SYNS)
			return TH_CWR | TH_ECE;
		break;
	default:
		return 0;
	}
	p->t->st.ecn_syn_fallbacks++;
	return 0;
}

/* The IP-ECN field of a SYN, ours or with the peer's acknowledged; flags are
 * its own. */
uint8_t
ecn_syn_field(struct tcb *p, uint16_t flags)
{
	p->ecn.syn_ect = marks_all(p->cc.ops) && (flags & ACE_FLAGS) != 0;
	return p->ecn.syn_ect ? IPECN_ECT0 : 0;
}

/* The first SYN-ACK (RFC 9768 Table 2, 3.1.3; RFC 3168 6.1.1). */
void
ecn_synack(struct tcb *p, const struct seg *s)
{
	unsigned ace = ecn_ace(s->h.flags);

	if (p->ecn.asked == ECN_CLASSIC &&
	    (s->h.flags & (TH_CWR | TH_ECE)) == TH_ECE)
		enter_mode(p, ECN_CLASSIC);
	/* All of them is our SYN's own flags, reflected: a broken server. */
	if (p->ecn.asked != ECN_ACCURATE || ace == 0 || ace == 7)
		return;
	if (ace == 1) {
		enter_mode(p, ECN_CLASSIC);
		return;
	}
	enter_mode(p, ECN_ACCURATE);
	if (!arrived_unchanged(ace, p->ecn.syn_ect))
		mangled(p, ace, p->ecn.syn_ect);
	accecn_synack(p, s);
}

/* ---- the server ---- */

/* The mode that a SYN asks for and we allow. */
static enum ecn_mode
wanted(enum tcp_ecn_policy granted, uint16_t flags)
{
	if (granted == TCP_ECN_OFF || !(flags & ACE_FLAGS))
		return ECN_NONE;
	if ((flags & ACE_FLAGS) == (TH_CWR | TH_ECE))
		return ECN_CLASSIC;
	if (granted != TCP_ECN_CLASSIC)
		return ECN_ACCURATE;
	/* RFC 3168 knows no AE: what it sees is CWR and ECE. */
	return (flags & ACE_FLAGS) == ACE_FLAGS ? ECN_CLASSIC : ECN_NONE;
}

/* A SYN met ours (RFC 9768 3.1.2): as if we had only listened. */
void
ecn_simultaneous(struct tcb *p, const struct seg *s)
{
	enter_mode(p, wanted(policy(p->t, p->cc.ops), s->h.flags));
	p->ecn.handshake = s->in->tos & IPECN_MASK;
	p->ecn.crossed = p->ecn.mode == ECN_ACCURATE;
}

/* Our SYN-ACK then; as of a listener, but that the timer which sends it again
 * is the SYN's, and has no other flags after a while. */
void
ecn_simultaneous_synack(const struct tcb *p, struct wire_tcp *w)
{
	if (p->ecn.mode == ECN_ACCURATE && p->retries < ACCURATE_SYNS &&
	    p->t->cfg.accecn_option != TCP_ACCECN_NEVER)
		accecn_first_option(w);
}

uint16_t
ecn_synack_flags(const struct tcb *p)
{
	if (p->ecn.mode == ECN_ACCURATE)
		return ecn_ace_flags(handshake_ace(p->ecn.handshake));
	return p->ecn.mode == ECN_CLASSIC ? TH_ECE : 0;
}

void
ecn_half_syn(const struct tcp *t, struct tcp_half *h, const struct seg *s)
{
	const struct tcp_cc_ops *cc = bind_cc(h->listener);

	h->ecn.granted = (uint8_t)policy(t, cc);
	h->ecn.mode = (uint8_t)wanted(h->ecn.granted, s->h.flags);
	h->ecn.syn_field = s->in->tos & IPECN_MASK;
	h->ecn.ect = h->ecn.mode != ECN_NONE && marks_all(cc);
}

/* The IP-ECN field of what a half-open connection sends. */
uint8_t
ecn_half_field(const struct tcp_half *h, const struct wire_tcp *w)
{
	return h->ecn.ect && (w->flags & TH_SYN) && (w->flags & ACE_FLAGS)
		   ? IPECN_ECT0
		   : 0;
}

/* The SYN again, perhaps another one (RFC 9768 3.1.5); false: the two cannot
 * go together, and the handshake has to end. */
bool
ecn_half_again(struct tcp_half *h, const struct seg *s)
{
	/* What it would have got, were it the first. */
	enum ecn_mode mode = wanted(h->ecn.granted, s->h.flags);

	h->ecn.syn_field = s->in->tos & IPECN_MASK;
	h->ecn.asked_again = true;
	/* It may have given up and not be in this mode. */
	if (h->ecn.mode == ECN_ACCURATE && mode == ECN_NONE)
		h->ecn.no_ect = true;
	return mode == ECN_NONE || h->ecn.mode == ECN_NONE ||
	       mode == h->ecn.mode;
}

/*
 * What the SYN-ACK says.  Should the option keep it from arriving, or the
 * flags, then the next one goes without the option and those after it without
 * flags (RFC 9768 3.2.3.2.2); the mode stays.
 */
void
ecn_half_synack(const struct tcp *t, struct tcp_half *h, struct wire_tcp *w)
{
	if (h->ecn.mode == ECN_CLASSIC) {
		w->flags |= TH_ECE;
	} else if (h->ecn.mode == ECN_ACCURATE && h->retries >= 2) {
		h->ecn.no_ect = true;
	} else if (h->ecn.mode == ECN_ACCURATE) {
		w->flags |= ecn_ace_flags(handshake_ace(h->ecn.syn_field));
		if (h->retries == 0 && !h->ecn.asked_again &&
		    t->cfg.accecn_option != TCP_ACCECN_NEVER)
			accecn_first_option(w);
	}
}

/* Any other answer of a half-open connection. */
void
ecn_half_ack(const struct tcp_half *h, struct wire_tcp *w)
{
	if (h->ecn.mode == ECN_ACCURATE)
		w->flags |= ecn_ace_flags(TCP_ACCECN_CEP);
}

/* A cookie remembers the classic form only; the accurate one shows itself in
 * the ACK, whose flags are never 0 or 1 then (RFC 9768 3.2.2.1, Note 3). */
static enum ecn_mode
mode_of_cookie(
    const struct tcp *t, const struct tcp_half *h, const struct seg *s)
{
	enum tcp_ecn_policy granted = policy(t, bind_cc(h->listener));

	if (ecn_ace(s->h.flags) > 1)
		return wanted(granted, ACE_FLAGS);
	return granted == TCP_ECN_OFF ? ECN_NONE : h->ecn.mode;
}

/* The connection that h becomes, by the acknowledgment s. */
void
ecn_promote(struct tcb *p, const struct tcp_half *h, struct seg *s)
{
	ecn_child(
	    p, h, h->stateless ? mode_of_cookie(p->t, h, s) : h->ecn.mode);
	ecn_child_acked(p, h, s);
}

void
ecn_child(struct tcb *p, const struct tcp_half *h, enum ecn_mode mode)
{
	enter_mode(p, mode);
	if (mode == ECN_ACCURATE)
		p->ecn.r_last = h->ecn.syn_field;
}

/* The ACK of our SYN-ACK, which went as ECT(0) or not (RFC 9768 3.2.2.1, Table
 * 4); what else comes says no more of that. */
static void
synack_acked(struct tcb *p, struct seg *s, bool ect)
{
	unsigned ace = ecn_ace(s->h.flags);

	if (s->len > 0 || s->fin || s->h.nsack > 0)
		return;
	s->no_ace = true; /* not the counter yet */
	if (ace == 0) {
		p->ecn.no_ect = p->ecn.ignore = true;
		p->t->st.ecn_mangled++;
	} else if (!arrived_unchanged(ace, ect)) {
		mangled(p, ace, ect);
		p->ecn.s_cep += ace == 6;
	}
}

void
ecn_child_acked(struct tcb *p, const struct tcp_half *h, struct seg *s)
{
	if (p->ecn.mode != ECN_ACCURATE)
		return;
	p->ecn.no_ect = h->ecn.no_ect;
	synack_acked(
	    p, s, h->stateless ? marks_all(bind_cc(h->listener)) : h->ecn.ect);
}

/* SYNs crossed: the peer's SYN-ACK is to be answered as ever, and his answer
 * to ours comes next. */
void
ecn_crossed(struct tcb *p, struct seg *s, bool synack)
{
	if (!p->ecn.crossed)
		return;
	if (synack) {
		accecn_synack(p, s);
		return;
	}
	p->ecn.crossed = false;
	synack_acked(p, s, p->ecn.syn_ect);
}

/* ---- what arrives ---- */

/* RFC 3168 6.1.3: CWR ends the echo of older marks, not of this one.
 * A segment that is not ECT after others that were is probably sent again:
 * its sender waits for the answer. */
static void
classic_arrived(struct tcb *p, const struct seg *s, unsigned field)
{
	struct tcp_ecn *e = &p->ecn;

	if (s->h.flags & TH_CWR) {
		e->echo = false;
		if (s->raw_len > 0)
			p->flags |= PF_ACK_NOW;
	}
	if (s->raw_len == 0)
		return;
	if (field == IPECN_CE) {
		e->r_cep += s->nsegs;
		if (!e->echo)
			p->flags |= PF_ACK_NOW;
		e->echo = true;
	}
	if (field != IPECN_NOT_ECT)
		e->seen = true;
	else if (e->seen)
		p->flags |= PF_ACK_NOW;
}

/* An acceptable segment of a synchronized connection. */
void
ecn_arrived(struct tcb *p, const struct seg *s)
{
	unsigned field = s->in->tos & IPECN_MASK;

	if (field == IPECN_CE)
		p->t->st.ecn_ce_received += s->nsegs;
	if (p->ecn.mode == ECN_CLASSIC && marks_all(p->cc.ops))
		dctcp_arrived(p, s, field);
	else if (p->ecn.mode == ECN_CLASSIC)
		classic_arrived(p, s, field);
	else if (p->ecn.mode == ECN_ACCURATE)
		accecn_arrived(p, s, field);
	if (p->flags & PF_ACK_NOW)
		pcb_ready(p);
}

/* A SYN-ACK again, in front of a connection: RFC 9768 3.2.2.1 wants the same
 * kind of answer as to the first, whatever its own flags say now (3.1.5). */
void
ecn_synack_again(struct tcb *p, const struct seg *s)
{
	if (p->ecn.mode != ECN_ACCURATE || (p->flags & PF_PASSIVE) ||
	    (s->h.flags & (TH_SYN | TH_ACK)) != (TH_SYN | TH_ACK) ||
	    !seq_eq(s->seq, p->irs))
		return;
	p->ecn.handshake = s->in->tos & IPECN_MASK;
	p->ecn.answer_synack = true;
	accecn_synack_ce(p);
}

/* ---- what leaves ---- */

void
ecn_leaves(
    struct tcb *p, struct wire_tcp *h, uint8_t *tos, seq_t seq, uint32_t len)
{
	struct tcp_ecn *e = &p->ecn;
	bool fresh = len > 0 && seq_eq(seq, p->snd_nxt);
	bool ect = fresh || (marks_all(p->cc.ops) &&
				(len > 0 || e->mode == ECN_CLASSIC));

	if (e->mode == ECN_NONE)
		return;
	if (!e->no_ect &&
	    (ect || (e->mode == ECN_ACCURATE && p->t->cfg.ect_all)))
		*tos |= IPECN_ECT0;
	if (e->mode == ECN_CLASSIC && e->nturns > 0) {
		dctcp_turn(p, h);
		return;
	}
	if (e->mode == ECN_CLASSIC) {
		h->flags |= e->echo ? TH_ECE : 0;
		/* RFC 3168 6.1.2: with the first new data. */
		if (e->cwr && fresh) {
			h->flags |= TH_CWR;
			e->cwr = false;
		}
		return;
	}
	if (e->answer_synack) {
		h->flags |= ecn_ace_flags(handshake_ace(e->handshake));
		e->answer_synack = false;
	} else {
		h->flags |= ecn_ace_flags(e->r_cep & 7);
	}
	e->r_pending = 0;
	accecn_option(p, h, len);
}

uint8_t
ecn_reset_field(const struct tcb *p)
{
	return p->ecn.mode == ECN_CLASSIC && marks_all(p->cc.ops) ? IPECN_ECT0
								  : 0;
}

/* A device that cuts segments up leaves CWR to the first one (RFC 3168): the
 * others would show another count. */
bool
ecn_bursts(const struct tcb *p)
{
	return p->ecn.mode != ECN_ACCURATE ||
	       !(ecn_ace_flags(p->ecn.r_cep & 7) & TH_CWR);
}

/* ---- the answer to marks ---- */

/*
 * The acknowledgment s brought the news that n bytes have arrived.  Returns
 * how many of them were marked CE, as far as the peer says: in classic mode
 * all or none.
 */
uint32_t
ecn_feedback(struct tcb *p, const struct seg *s, uint32_t n)
{
	if (p->ecn.mode == ECN_ACCURATE)
		return accecn_feedback(p, s, n);
	if (p->ecn.mode != ECN_CLASSIC || !(s->h.flags & TH_ECE) || s->no_ace)
		return 0;
	p->ecn.s_cep += p->ecn.s_packets;
	return n > 0 ? n : p->snd_mss;
}

/* RFC 3168 6.1.2: once in a round trip, whatever reduces the window, the
 * receiver is told. */
void
ecn_reduced(struct tcb *p)
{
	if (p->ecn.mode == ECN_CLASSIC)
		p->ecn.cwr = true;
}

/* ---- TCP_INFO ---- */

void
ecn_info(const struct tcb *p, struct tcp_ecn_info *o)
{
	const struct tcp_ecn *e = &p->ecn;

	*o = (struct tcp_ecn_info){
	    .mode = e->mode,
	    .seen = e->seen,
	    .no_ect = e->no_ect,
	    .received_ce = e->r_cep,
	    .delivered_ce = e->s_cep,
	};
	if (e->mode == ECN_ACCURATE)
		accecn_info(p, o);
}
