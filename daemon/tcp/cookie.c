/* SPDX-License-Identifier: ISC */
/*
 * SYN cookies (RFC 4987 3.6): a full SYN queue does not turn peers away; what
 * would stand in it goes out in the SYN-ACK and comes back with the ACK.
 *
 * In the sequence number, which the peer returns as ack - 1:
 *
 *	31..27	the tick (67 s) in which it was made, modulo 32
 *	26..24	which of eight MSS values
 *	23..0	a keyed hash of the tuple, the peer's ISN, tick, MSS and our
 *		window scale
 *
 * In the low six bits of our timestamp, which comes back as its echo, if the
 * peer has timestamps; without, these options are not used:
 *
 *	5	classic ECN (the accurate form shows in the ACK itself)
 *	4	SACK permitted
 *	3..0	the peer's window scale, 15: none
 *
 * The echo must also be of this tick or the last.  Its offset is secret, so a
 * blind guess at a whole cookie succeeds once in some 2^37 segments with
 * timestamps and 2^23 without, and only while a listener's cookies are out.
 */
#include <string.h>
#include "tcp/internal.h"

#define TICK_SHIFT   26 /* of microseconds */
#define MAX_AGE_MS   ((2u << TICK_SHIFT) / 1000)
#define OPTION_BITS  6
#define OPTION_MASK  ((1u << OPTION_BITS) - 1)
#define OPT_NO_SCALE 15u
#define OPT_SACK     16u
#define OPT_ECN	     32u

/* Common ones; a peer gets the largest that is not above his. */
static const uint16_t mss_table[8] = {
    256, 536, 1220, 1360, 1440, 1460, 4036, 8940};

static uint32_t
mac(const struct tcp *t, const struct tcp_half *h, uint32_t tick, unsigned mss)
{
	struct {
		struct tuple id;
		uint32_t irs, tick;
		uint32_t mss, rcv_wscale;
	} in;

	memset(&in, 0, sizeof in);
	in.id = h->node.id;
	in.irs = h->irs.v;
	in.tick = tick;
	in.mss = mss;
	in.rcv_wscale = half_wscale(h);
	return (uint32_t)siphash(&t->key_cookie, &in, sizeof in) & 0xffffff;
}

static uint32_t
tick_of(mono_t now)
{
	return (uint32_t)(now.us >> TICK_SHIFT);
}

/* Puts the options into the timestamp that the SYN-ACK at now will carry; the
 * clock must not seem to run back later. */
static void
encode_options(struct tcp_half *h, mono_t now)
{
	uint32_t clock = (uint32_t)(now.us / 1000), ts = clock & ~OPTION_MASK;

	ts |= h->wscale ? h->snd_wscale : OPT_NO_SCALE;
	ts |= h->sack ? OPT_SACK : 0;
	ts |= h->ecn.mode == ECN_CLASSIC ? OPT_ECN : 0;
	if (ts > clock)
		ts -= OPTION_MASK + 1;
	h->ts_off += ts - clock;
}

bool
cookie_encode(const struct tcp *t, struct tcp_half *h, mono_t now)
{
	uint32_t tick = tick_of(now);
	unsigned i = 7;

	while (i > 0 && mss_table[i] > h->peer_mss)
		i--;
	if (h->peer_mss < mss_table[0])
		return false;
	if (h->ts) {
		encode_options(h, now);
	} else {
		h->wscale = h->sack = false;
		if (h->ecn.mode == ECN_CLASSIC)
			h->ecn.mode = ECN_NONE;
		h->snd_wscale = h->rcv_wscale = 0;
	}
	h->iss = SEQ((tick & 31) << 27 | i << 24 | mac(t, h, tick, i));
	return true;
}

/* Is the echo, if there is one, of a timestamp that we may have sent? */
static bool
echo_is_ours(const struct tcp *t, const struct seg *s)
{
	uint32_t ts = s->h.tsecr - tcp_ts_offset(t, &s->id);
	uint32_t age = (uint32_t)(s->now.us / 1000) - (ts & ~OPTION_MASK);

	return !s->h.has_ts || age <= MAX_AGE_MS;
}

bool
cookie_maybe(const struct tcp *t, const struct seg *s)
{
	uint32_t age = (tick_of(s->now) - ((s->ack.v - 1) >> 27)) & 31;

	return age <= 1 && echo_is_ours(t, s);
}

/* The options that our timestamp brought back. */
static void
decode_options(const struct tcp *t, const struct seg *s, struct tcp_half *h)
{
	uint32_t ts;

	h->ts = s->h.has_ts;
	if (!h->ts)
		return;
	h->ts_off = tcp_ts_offset(t, &s->id);
	h->ts_recent = s->h.tsval;
	ts = s->h.tsecr - h->ts_off;
	h->sack = ts & OPT_SACK;
	h->ecn.mode = ts & OPT_ECN ? ECN_CLASSIC : ECN_NONE;
	h->wscale = (ts & OPT_NO_SCALE) != OPT_NO_SCALE;
	if (h->wscale) {
		h->snd_wscale = ts & OPT_NO_SCALE;
		h->rcv_wscale = half_wscale(h);
	}
}

bool
cookie_decode(const struct tcp *t, const struct seg *s, struct tcp_half *h)
{
	uint32_t cookie = s->ack.v - 1, tick = tick_of(s->now);
	uint32_t age = (tick - (cookie >> 27)) & 31;
	unsigned i = cookie >> 24 & 7;

	if (!cookie_maybe(t, s))
		return false;
	h->node.id = s->id;
	h->irs = seq_add(s->seq, (uint32_t)-1);
	h->iss = SEQ(cookie);
	h->peer_mss = mss_table[i];
	if ((cookie & 0xffffff) != mac(t, h, tick - age, i))
		return false;
	decode_options(t, s, h);
	return true;
}

void
cookie_note(struct tcp_bind *b, mono_t now)
{
	b->cookies_until = mono_add(now, 2LL << TICK_SHIFT);
	b->t->st.syn_cookies++;
}
