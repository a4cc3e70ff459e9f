/* SPDX-License-Identifier: ISC */
/*
 * Accurate ECN (RFC 9768 3.2): the counts of marks that arrive here, and what
 * the peer's counts say of what we sent.
 *
 * As the receiver: r_cep counts packets that arrived with CE, and its low
 * three bits go out in the flags of every segment (ACE); r_bytes counts
 * payload by mark, and goes out in an option when it has changed since it did
 * last, unless that would leave no room for two SACK blocks.
 *
 * As the sender: s_cep and s_bytes follow them.  Three bits are ambiguous once
 * an ACK covers eight packets or more; then the option's bytes decide, and
 * without one the worst is assumed (3.2.2.5.2, A.2).
 *
 * The feedback is not taken on faith: flags or counters that a middlebox has
 * set to zero, bytes without packets, and a mark on everything make us send
 * without ECT (3.2.2.3, 3.2.2.4, 3.2.3.2.4, 3.2.3.2.5).  What arrives is fed
 * back whatever we think of it.
 */
#include "tcp/internal.h"

#define E0_INIT	     1
#define E1_INIT	     1
#define COUNT_MASK   0xffffffu
#define SHOW_BYTES   (1u << 22) /* no more of one kind unseen */
#define MARKS_BUSY   2 /* CE marks that force an ACK while data is unacked */
#define MARKS_IDLE   3
#define PER_ACK_MANY 4 /* packets */

/* Rounds of nothing but CE from the first packet on, and we send no ECT; what
 * is marked after that is no mark.  RFC 9768 3.2.2.3 says three or four, for
 * instance: so many it can take a queue that others made to go down. */
enum {
	TRIAL_OVER = 0,
	TRIAL_ROUNDS = 8,
	TRIAL_LAST_ECT, /* until trial_end is acknowledged */
	TRIAL_WITHOUT,
};

/* struct tcp_ecn_info's opt_seen. */
enum {
	SEEN_NONE,
	SEEN_EMPTY,
	SEEN_COUNTS,
	SEEN_ZEROED
};

/* Which counter stands where, by the option's order. */
static const uint8_t order[2][WIRE_TCP_ACCECN_MAX] = {
    {IPECN_ECT0, IPECN_CE, IPECN_ECT1}, {IPECN_ECT1, IPECN_CE, IPECN_ECT0}};

void
accecn_init(struct tcb *p)
{
	struct tcp_ecn *e = &p->ecn;

	e->r_cep = e->s_cep = e->s_cep_option = TCP_ACCECN_CEP;
	e->r_bytes[IPECN_ECT0] = e->s_bytes[IPECN_ECT0] = E0_INIT;
	e->r_bytes[IPECN_ECT1] = e->s_bytes[IPECN_ECT1] = E1_INIT;
	e->r_bytes[IPECN_CE] = e->s_bytes[IPECN_CE] = 0;
	memcpy(e->r_shown, e->r_bytes, sizeof e->r_shown);
	e->first_ace = true;
	e->s_tsval = p->ts_recent;
	e->trial_end = p->snd_nxt;
	e->trial = TRIAL_ROUNDS;
}

/* ---- the receiver ---- */

/* 3.2.3.2.4: the counters that begin with one must not be zero. */
static void
check_first_option(struct tcb *p, const struct wire_accecn *a)
{
	struct tcp_ecn *e = &p->ecn;

	if (!a->present || e->option_seen >= SEEN_COUNTS)
		return;
	e->option_seen = a->n > 0 ? SEEN_COUNTS : SEEN_EMPTY;
	if ((a->n > 0 && a->count[0] == 0) || (a->n > 2 && a->count[2] == 0)) {
		e->option_seen = SEEN_ZEROED;
		p->t->st.ecn_mangled++;
	}
}

/* 3.2.2.2: a SYN-ACK came with CE; counted once, however many do. */
void
accecn_synack_ce(struct tcb *p)
{
	if (p->ecn.handshake != IPECN_CE || p->ecn.synack_ce)
		return;
	p->ecn.synack_ce = true;
	p->ecn.r_cep++;
}

/* We are the client, s is the first SYN-ACK (3.2.2.1, 3.2.2.2). */
void
accecn_synack(struct tcb *p, const struct seg *s)
{
	struct tcp_ecn *e = &p->ecn;

	e->handshake = s->in->tos & IPECN_MASK;
	e->answer_synack = true;
	e->r_last = e->handshake;
	accecn_synack_ce(p);
	/* 3.2.3.2.1: in the ACK of the SYN-ACK and the first data. */
	e->option_tests = 2;
	check_first_option(p, &s->h.accecn);
}

/* 3.2.2.5.1: when a mark is news that must not wait. */
static bool
wants_ack(const struct tcb *p, const struct seg *s, unsigned field)
{
	const struct tcp_ecn *e = &p->ecn;
	bool unacked = s->raw_len > 0 || !seq_eq(p->rcv_nxt, p->last_ack_sent);

	if (s->raw_len > 0 && field == IPECN_CE && e->r_last != IPECN_CE)
		return true;
	return e->r_pending >= (unacked ? MARKS_BUSY : MARKS_IDLE);
}

void
accecn_arrived(struct tcb *p, const struct seg *s, unsigned field)
{
	struct tcp_ecn *e = &p->ecn;

	e->seen |= field != IPECN_NOT_ECT;
	if (field == IPECN_CE) {
		e->r_cep += s->nsegs;
		e->r_pending = (uint8_t)(e->r_pending + s->nsegs < MARKS_IDLE
					     ? e->r_pending + s->nsegs
					     : MARKS_IDLE);
	}
	if (field != IPECN_NOT_ECT && s->raw_len > 0) {
		e->r_bytes[field] += s->raw_len;
		e->r_changed |= (uint8_t)(1u << field);
	}
	if (wants_ack(p, s, field))
		p->flags |= PF_ACK_NOW;
	e->r_last = (uint8_t)field;
}

/* How many counters of the order o the option needs so that it has all of
 * set, a bit for each codepoint. */
static unsigned
prefix(unsigned o, unsigned set)
{
	unsigned i, n = 0;

	for (i = 0; i < WIRE_TCP_ACCECN_MAX; i++)
		if (set & 1u << order[o][i])
			n = i + 1;
	return n;
}

/* The shortest option with the counters of set. */
static struct wire_accecn
shortest(unsigned set)
{
	unsigned e0 = prefix(0, set), e1 = prefix(1, set);
	bool first_e1 = e1 < e0;

	return (struct wire_accecn){.present = true,
	    .first_e1 = first_e1,
	    .n = (uint8_t)(first_e1 ? e1 : e0)};
}

static uint32_t
option_bytes(const struct wire_accecn *a)
{
	return 2u + 3u * a->n;
}

/* 3.2.3.3: two SACK blocks come first, if so many wait; a third only before
 * bytes without CE, which can wait for 2^22 of them. */
static bool
fits(const struct tcb *p, const struct wire_accecn *a, bool urgent)
{
	uint32_t room = tcp_option_room(p);
	uint32_t blocks = p->nrcv_sack + (p->dsack.left != p->dsack.right);
	uint32_t sack = 0, max = urgent ? 2 : 3;

	if ((p->flags & PF_SACK) && blocks > 0)
		sack = 2u + 8u * (blocks < max ? blocks : max);
	return option_bytes(a) + sack <= room;
}

/* All counters in one order, or the first of them, at least so many; to a peer
 * who has an option of his own. */
static struct wire_accecn
all_that_fit(const struct tcb *p, unsigned least)
{
	struct wire_accecn a = {
	    .present = true, .first_e1 = true, .n = WIRE_TCP_ACCECN_MAX};

	if (p->ecn.option_seen == SEEN_NONE)
		return (struct wire_accecn){0};
	while (!fits(p, &a, least > 0)) {
		if (a.n == least)
			return (struct wire_accecn){0};
		a.n--;
	}
	return a;
}

/*
 * The option of the next segment, without the counts: every counter that ever
 * changed, or at least those that changed since they were shown, or none.  The
 * ACK of the SYN-ACK and the first data have one in any case, to test the path
 * (3.2.3.2.1).
 */
static struct wire_accecn
plan(const struct tcb *p, bool data)
{
	const struct tcp_ecn *e = &p->ecn;
	bool test = e->option_tests == 2 || (e->option_tests == 1 && data);
	struct wire_accecn a;
	unsigned field, news = 0;
	bool urgent = test;

	for (field = IPECN_ECT1; field <= IPECN_CE; field++) {
		uint32_t more = e->r_bytes[field] - e->r_shown[field];

		news |= more > 0 ? 1u << field : 0;
		urgent |= more > (field == IPECN_CE ? 0 : SHOW_BYTES);
	}
	if (e->option_off || p->t->cfg.accecn_option == TCP_ACCECN_NEVER)
		return (struct wire_accecn){0};
	if (p->t->cfg.accecn_option == TCP_ACCECN_ALWAYS)
		return all_that_fit(p, prefix(1, news));
	if (news == 0 && !test)
		return (struct wire_accecn){0};
	a = shortest(e->r_changed);
	if (a.n == 0)
		a.n = 1;
	if (!fits(p, &a, urgent))
		a = shortest(news);
	return fits(p, &a, urgent) ? a : (struct wire_accecn){0};
}

uint32_t
accecn_option_len(const struct tcb *p)
{
	struct wire_accecn a;

	if (p->ecn.mode != ECN_ACCURATE)
		return 0;
	a = plan(p, true);
	return a.present ? option_bytes(&a) : 0;
}

/* Puts the option into h, if it is to have one; len bytes of data follow. */
void
accecn_option(struct tcb *p, struct wire_tcp *h, uint32_t len)
{
	struct tcp_ecn *e = &p->ecn;
	unsigned i, field;

	h->accecn = plan(p, len > 0);
	if (e->option_tests > 0) {
		if (len > 0 && h->accecn.present) {
			e->option_first = true;
			e->option_seq = e->option_end = SEQ(h->seq);
		}
		e->option_tests = len > 0 ? 0 : 1;
	}
	if (!h->accecn.present)
		return;
	if (e->option_first && seq_eq(SEQ(h->seq), e->option_end))
		e->option_end = seq_add(e->option_end, len);
	for (i = 0; i < h->accecn.n; i++) {
		field = order[h->accecn.first_e1][i];
		e->r_shown[field] = e->r_bytes[field];
		h->accecn.count[i] = e->r_bytes[field] & COUNT_MASK;
	}
}

/* 3.2.3.2.2: what begins at seq is sent again.  If it is the first data, which
 * had the option, the option may be why. */
void
accecn_lost(struct tcb *p, seq_t seq)
{
	struct tcp_ecn *e = &p->ecn;

	if (!e->option_first || e->option_off || !seq_eq(seq, e->option_seq))
		return;
	e->option_off = true;
	p->t->st.ecn_options_off++;
}

/* In a SYN-ACK: all counters at their beginnings, or as many as fit. */
void
accecn_first_option(struct wire_tcp *w)
{
	struct wire_accecn a = {.present = true,
	    .first_e1 = true,
	    .n = 3,
	    .count = {E1_INIT, 0, E0_INIT}};
	size_t without = wire_tcp_hdr_len(w);

	while (a.n > 0 && without + 2 + 3 * (size_t)a.n > WIRE_TCP_HDR_MAX)
		a.n--;
	if (without + 2 + 3 * (size_t)a.n <= WIRE_TCP_HDR_MAX)
		w->accecn = a;
}

/* ---- the sender ---- */

/* Is this ACK newer than all before (3.2.2.2)?  It acknowledges something, or
 * its timestamp is later. */
static bool
is_news(struct tcb *p, const struct seg *s, uint32_t n)
{
	int32_t later;

	if (!(p->flags & PF_TS) || !s->h.has_ts)
		return n > 0;
	later = (int32_t)(s->h.tsval - p->ecn.s_tsval);
	if (later < 0 || (later == 0 && n == 0))
		return false;
	p->ecn.s_tsval = s->h.tsval;
	return true;
}

/* The option's counters into ours; returns the CE bytes that are new, or -1
 * without one.  A counter that is left out has not changed. */
static int64_t
take_option(struct tcb *p, const struct wire_accecn *a)
{
	struct tcp_ecn *e = &p->ecn;
	uint32_t before = e->s_bytes[IPECN_CE];
	unsigned i, field;

	if (a->n == 0 || e->option_seen == SEEN_ZEROED)
		return -1;
	for (i = 0; i < a->n; i++) {
		field = order[a->first_e1][i];
		e->s_bytes[field] +=
		    (a->count[i] - e->s_bytes[field]) & COUNT_MASK;
	}
	return e->s_bytes[IPECN_CE] - before;
}

/* An ACK came for so many packets: the mean, in which the newest weighs 1/64.
 */
static void
note_ack_ratio(struct tcp_ecn *e, uint32_t packets)
{
	if (packets > 1000)
		packets = 1000;
	if (e->s_per_ack == 0)
		e->s_per_ack = packets * 64;
	else
		e->s_per_ack = (e->s_per_ack * 63 + packets * 64) / 64;
}

/* Can marks hide in an ACK without the option?  Not if the peer sends options,
 * which it does when its counters change, unless SACK blocks took the room; nor
 * is it likely where ACKs for many packets are the rule, as Linux has it. */
static bool
may_have_wrapped(const struct tcb *p, const struct seg *s)
{
	const struct tcp_ecn *e = &p->ecn;

	if (e->option_seen == SEEN_COUNTS && s->h.nsack == 0)
		return false;
	return e->s_per_ack <= PER_ACK_MANY * 64;
}

/*
 * How many packets were marked: the least that the three bits allow, and
 * eight more as often as is possible without the option's bytes, and likely
 * with them.  n bytes and so many packets were acknowledged.
 */
static uint32_t
marked_packets(const struct tcb *p, const struct seg *s, uint32_t n,
    uint32_t packets, int64_t ce_bytes)
{
	const struct tcp_ecn *e = &p->ecn;
	uint32_t least = (ecn_ace(s->h.flags) - e->s_cep) & 7;
	int64_t counted, need, likely;

	if (packets < 8 || (ce_bytes < 0 && !may_have_wrapped(p, s)))
		return least;
	if (ce_bytes < 0)
		return packets > least ? packets - ((packets - least) & 7)
				       : least;
	/* Those that were counted since the last option are among them. */
	counted = e->s_cep - e->s_cep_option + least;
	need = (ce_bytes + p->snd_mss - 1) / p->snd_mss - counted;
	need = need > 0 ? (need + 7) / 8 : 0;
	likely = (ce_bytes * packets / n - counted + 4) / 8;
	return least + 8 * (uint32_t)(likely > need ? likely : need);
}

static void
distrust(struct tcb *p, bool feedback)
{
	if (!p->ecn.no_ect || (feedback && !p->ecn.ignore))
		p->t->st.ecn_mangled++;
	p->ecn.no_ect = true;
	p->ecn.ignore |= feedback;
}

/* 3.2.2.3: nothing but CE from the first packet on for some rounds. */
static void
watch_trial(struct tcb *p, const struct seg *s, bool any, bool all)
{
	struct tcp_ecn *e = &p->ecn;
	bool round = seq_gt(s->ack, e->trial_end);

	switch (e->trial) {
	case TRIAL_OVER:
		return;
	case TRIAL_LAST_ECT:
		if (round)
			e->trial = TRIAL_WITHOUT;
		return;
	case TRIAL_WITHOUT:
		if (any)
			distrust(p, true);
		e->trial = TRIAL_OVER;
		return;
	default:
		break;
	}
	if (!all) {
		e->trial = TRIAL_OVER;
	} else if (round) {
		e->trial_end = p->snd_nxt;
		if (--e->trial == TRIAL_OVER) {
			distrust(p, false);
			e->trial = TRIAL_LAST_ECT;
		}
	}
}

/* 3.2.2.4, 3.2.3.2.5: flags that were set to zero, bytes without packets. */
static void
check_sane(struct tcb *p, unsigned ace, uint32_t packets, uint32_t marked,
    int64_t ce_bytes)
{
	struct tcp_ecn *e = &p->ecn;

	if (e->first_ace && ace == 0)
		distrust(p, true);
	e->first_ace = false;
	if (ce_bytes > 0 && marked == 0 && packets < 8 &&
	    e->s_cep == e->s_cep_option && p->retx_bytes == 0 &&
	    p->ca_state < CA_RECOVERY)
		distrust(p, false);
}

/* The CE bytes that congestion control has not been told of. */
static uint32_t
untold(struct tcb *p, uint32_t n, uint32_t packets, uint32_t marked,
    int64_t ce_bytes)
{
	struct tcp_ecn *e = &p->ecn;
	uint32_t told = e->s_guessed;

	if (ce_bytes >= 0) {
		e->s_guessed = 0;
		return ce_bytes > told ? (uint32_t)ce_bytes - told : 0;
	}
	/* A.3: marked packets are as long as the others. */
	if (marked > packets)
		marked = packets;
	if (packets == 0)
		return 0;
	n = (uint32_t)((uint64_t)n * marked / packets);
	e->s_guessed += n;
	return n;
}

/* The first data has arrived, or some that had the option as well: the path
 * lets it pass. */
static void
note_option_passes(struct tcp_ecn *e, const struct seg *s)
{
	unsigned i;

	if (!e->option_first)
		return;
	if (seq_gt(s->ack, e->option_seq))
		e->option_first = false;
	for (i = 0; i < s->h.nsack; i++) {
		if (seq_geq(SEQ(s->h.sack[i].left), e->option_seq) &&
		    seq_lt(SEQ(s->h.sack[i].left), e->option_end))
			e->option_first = false;
	}
}

uint32_t
accecn_feedback(struct tcb *p, const struct seg *s, uint32_t n)
{
	struct tcp_ecn *e = &p->ecn;
	uint32_t packets = p->ecn.s_packets, marked;
	unsigned ace = ecn_ace(s->h.flags);
	int64_t ce_bytes;

	check_first_option(p, &s->h.accecn);
	note_option_passes(e, s);
	if (!is_news(p, s, n) || s->no_ace)
		return 0;
	if (packets > 0)
		note_ack_ratio(e, packets);
	ce_bytes = take_option(p, &s->h.accecn);
	marked = marked_packets(p, s, n, packets, ce_bytes);
	check_sane(p, ace, packets, marked, ce_bytes);
	e->s_cep += marked;
	if (ce_bytes >= 0)
		e->s_cep_option = e->s_cep;
	if (n > 0)
		watch_trial(p, s, marked > 0, marked >= packets);
	n = untold(p, n, packets, marked, ce_bytes);
	return e->ignore ? 0 : n;
}

/* ---- TCP_INFO ---- */

/* Linux's bits; its counts begin at 0. */
void
accecn_info(const struct tcb *p, struct tcp_ecn_info *o)
{
	const struct tcp_ecn *e = &p->ecn;

	o->opt_seen = e->option_seen;
	o->fail = (uint8_t)((e->ignore || e->no_ect ? 2 : 0) |
			    (e->option_off ? 4 : 0) |
			    (e->option_seen == SEEN_ZEROED ? 8 : 0));
	o->received_ce -= TCP_ACCECN_CEP;
	o->delivered_ce -= TCP_ACCECN_CEP;
	o->received_e0 = e->r_bytes[IPECN_ECT0] - E0_INIT;
	o->received_e1 = e->r_bytes[IPECN_ECT1] - E1_INIT;
	o->received_ce_bytes = e->r_bytes[IPECN_CE];
	o->delivered_e0 = e->s_bytes[IPECN_ECT0] - E0_INIT;
	o->delivered_e1 = e->s_bytes[IPECN_ECT1] - E1_INIT;
	o->delivered_ce_bytes = e->s_bytes[IPECN_CE];
}
