/* SPDX-License-Identifier: ISC */
/*
 * BBR's model of the path (draft-ietf-ccwg-bbr 5.5): the bandwidth, as the
 * largest delivery rate of this and the last probing cycle; the round-trip
 * time without a queue, the least of ten seconds; how acknowledgments are
 * bunched; and two bounds each for bandwidth and inflight.  hi is what probing
 * has shown to be safe; lo falls with each round that had losses between the
 * probes and is forgotten when the next begins.
 *
 * ECN: where the round-trip time is that of a data centre, CE is a shallow
 * queue's mark, and the answer is in proportion to its share, as in DCTCP;
 * elsewhere a round with CE counts as one with losses, as RFC 3168 wants.
 */
#include "tcp/cc_bbr.h"

uint64_t
bbr_sample_rate(const struct cc_ack *ack)
{
	if (ack->rate.interval_us <= 0)
		return 0;
	return ack->rate.delivered * 1000000 / (uint64_t)ack->rate.interval_us;
}

/* What comes at so many bytes a second in a time; what 32 bits do not hold is
 * more than any window.  1 TB/s for 18 s is what 64 bits hold on the way, and a
 * peer that acknowledges what it has not got can seem faster. */
static uint32_t
bytes_in(uint64_t rate, uint64_t us)
{
	if (us != 0 && rate > UINT64_MAX / us)
		return UINT32_MAX;
	return bbr_min(rate * us / 1000000, UINT32_MAX);
}

uint32_t
bbr_bdp(const struct tcp_cc *cc, uint64_t bw, uint32_t gain)
{
	const struct bbr *b = CC_STATE(bbr, cc);

	if (b->min_rtt_us == 0)
		return tcp_cc_initial(cc);
	return bbr_min((uint64_t)bytes_in(bw, b->min_rtt_us) * gain / BBR_UNIT,
	    CC_CWND_MAX);
}

static uint32_t
with_budget(const struct tcp_cc *cc, uint32_t inflight)
{
	const struct bbr *b = CC_STATE(bbr, cc);

	inflight = bbr_max(inflight, 3 * tcp_cc_quantum(cc, cc->pacing_rate));
	inflight = bbr_max(inflight, bbr_min_cwnd(cc));
	if (b->state == BBR_UP)
		inflight = tcp_cc_add(inflight, 2 * cc->mss);
	return inflight;
}

uint32_t
bbr_inflight(const struct tcp_cc *cc, uint64_t bw, uint32_t gain)
{
	return with_budget(cc, bbr_bdp(cc, bw, gain));
}

uint32_t
bbr_max_inflight(const struct tcp_cc *cc)
{
	const struct bbr *b = CC_STATE(bbr, cc);

	return with_budget(
	    cc, tcp_cc_add(bbr_bdp(cc, b->bw, b->cwnd_gain),
		    bbr_max(b->extra_acked[0], b->extra_acked[1])));
}

uint32_t
bbr_with_headroom(const struct tcp_cc *cc)
{
	const struct bbr *b = CC_STATE(bbr, cc);
	uint32_t room;

	if (b->inflight_hi == BBR_INFINITY)
		return BBR_INFINITY;
	room = (uint32_t)((uint64_t)b->inflight_hi * BBR_HEADROOM / BBR_UNIT);
	room = bbr_max(room, cc->mss);
	return b->inflight_hi > room + bbr_min_cwnd(cc) ? b->inflight_hi - room
							: bbr_min_cwnd(cc);
}

uint32_t
bbr_target(const struct tcp_cc *cc)
{
	return bbr_min(bbr_bdp(cc, CC_STATE(bbr, cc)->bw, BBR_UNIT), cc->cwnd);
}

void
bbr_reset_lo(struct bbr *b)
{
	b->bw_lo = UINT64_MAX;
	b->inflight_lo = BBR_INFINITY;
}

void
bbr_reset_signals(struct bbr *b)
{
	b->loss_in_round = b->ecn_in_round = false;
	b->bw_latest = 0;
	b->inflight_latest = 0;
}

/* ---- ECN ---- */

static bool
ecn_shallow(const struct tcp_cc *cc)
{
	const struct bbr *b = CC_STATE(bbr, cc);

	return cc->ecn && b->min_rtt_us != 0 && b->min_rtt_us <= BBR_ECN_RTT_US;
}

/* At a round's end: the share of CE in it, and over many. */
static void
ecn_round(struct bbr *b)
{
	uint32_t share = 0;

	if (b->round_delivered > 0)
		share = bbr_min(
		    (uint64_t)b->round_ce * BBR_UNIT / b->round_delivered,
		    BBR_UNIT);
	b->ecn_alpha += share - b->ecn_alpha / BBR_ECN_GAIN;
	b->ecn_rounds = share >= BBR_ECN_THRESH && b->ecn_rounds < UINT8_MAX
			    ? (uint8_t)(b->ecn_rounds + 1)
			    : 0;
	b->round_delivered = b->round_ce = 0;
}

/* ---- rounds, rates ---- */

static void
update_round(struct bbr *b, const struct cc_ack *ack)
{
	b->round_delivered += ack->delivered;
	b->round_ce += ack->ce;
	b->round_start =
	    ack->delivered > 0 && ack->rate.prior_delivered >= b->next_round;
	if (!b->round_start)
		return;
	bbr_start_round(b, ack->total_delivered);
	b->rounds++;
	b->rounds_since_probe++;
	ecn_round(b);
}

static void
update_latest(struct bbr *b, const struct cc_ack *ack)
{
	uint64_t rate = bbr_sample_rate(ack);

	b->loss_round_start = false;
	if (rate > b->bw_latest)
		b->bw_latest = rate;
	if (rate != 0 && ack->rate.delivered > b->inflight_latest)
		b->inflight_latest = bbr_min(ack->rate.delivered, CC_CWND_MAX);
	if (ack->delivered > 0 && ack->rate.prior_delivered >= b->loss_round) {
		b->loss_round = ack->total_delivered;
		b->loss_round_start = true;
	}
}

static void
update_max_bw(struct bbr *b, const struct cc_ack *ack)
{
	uint64_t rate = bbr_sample_rate(ack);

	if (rate == 0 || (ack->rate.app_limited && rate < bbr_max_bw(b)))
		return;
	if (rate > b->max_bw[0])
		b->max_bw[0] = rate;
}

/* A round between the probes has had losses: 5.5.10.3. */
static void
lower_bounds(struct tcp_cc *cc)
{
	struct bbr *b = CC_STATE(bbr, cc);
	uint32_t lo;

	if (b->state == BBR_STARTUP || b->state == BBR_REFILL ||
	    b->state == BBR_UP || (!b->loss_in_round && !b->ecn_in_round))
		return;
	if (b->bw_lo == UINT64_MAX)
		b->bw_lo = bbr_max_bw(b);
	if (b->inflight_lo == BBR_INFINITY)
		b->inflight_lo = cc->cwnd;
	if (b->ecn_in_round && ecn_shallow(cc)) {
		lo = (uint32_t)((uint64_t)b->inflight_lo *
				(BBR_UNIT - b->ecn_alpha / BBR_ECN_GAIN /
						BBR_ECN_FACTOR) /
				BBR_UNIT);
		b->inflight_lo = bbr_max(lo, bbr_min_cwnd(cc));
		if (!b->loss_in_round)
			return;
	}
	b->bw_lo = b->bw_lo / BBR_UNIT * BBR_BETA;
	if (b->bw_lo < b->bw_latest)
		b->bw_lo = b->bw_latest;
	lo = (uint32_t)((uint64_t)b->inflight_lo * BBR_BETA / BBR_UNIT);
	b->inflight_lo = bbr_max(lo, b->inflight_latest);
}

/* 5.5.9: what came beyond the bandwidth's worth, over 10 rounds. */
static void
update_aggregation(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);
	uint32_t expected =
	    bytes_in(b->bw, (uint64_t)mono_diff(ack->now, b->extra_at));
	uint32_t extra, keep = b->full_bw_reached ? 5 : 1;

	if (b->extra_delivered <= expected) {
		b->extra_delivered = 0;
		b->extra_at = ack->now;
		expected = 0;
	}
	b->extra_delivered = tcp_cc_add(b->extra_delivered, ack->delivered);
	extra = bbr_min(b->extra_delivered - expected, cc->cwnd);
	/* Two halves of five rounds each; in STARTUP of one. */
	if (b->rounds - b->extra_rounds >= keep) {
		b->extra_rounds = b->rounds;
		b->extra_acked[1] = b->extra_acked[0];
		b->extra_acked[0] = 0;
	}
	b->extra_acked[0] = bbr_max(b->extra_acked[0], extra);
}

void
bbr_update_model(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);

	update_latest(b, ack);
	update_round(b, ack);
	update_max_bw(b, ack);
	if (ack->ce > 0) {
		if (!b->loss_in_round && !b->ecn_in_round)
			b->loss_round = ack->total_delivered;
		b->ecn_in_round = true;
		b->loss_in_round = b->loss_in_round || !ecn_shallow(cc);
	}
	if (b->loss_round_start) {
		lower_bounds(cc);
		b->loss_in_round = b->ecn_in_round = false;
		b->undo_saved = false;
	}
	update_aggregation(cc, ack);
}

void
bbr_finish_model(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);

	if (b->loss_round_start) {
		b->bw_latest = bbr_sample_rate(ack);
		b->inflight_latest =
		    b->bw_latest == 0
			? 0
			: bbr_min(ack->rate.delivered, CC_CWND_MAX);
	}
	b->bw = bbr_max_bw(b);
	if (b->bw > b->bw_lo)
		b->bw = b->bw_lo;
}

/* ---- the round-trip time: 5.5.7 ---- */

void
bbr_update_min_rtt(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);
	uint32_t rtt =
	    ack->rtt_us > 0 ? bbr_min((uint64_t)ack->rtt_us, BBR_INFINITY) : 0;

	b->probe_rtt_expired =
	    mono_diff(ack->now, b->probe_rtt_min_at) > BBR_PROBE_RTT_US;
	if (rtt != 0 &&
	    (b->probe_rtt_min_us == 0 || rtt < b->probe_rtt_min_us ||
		b->probe_rtt_expired)) {
		b->probe_rtt_min_us = rtt;
		b->probe_rtt_min_at = ack->now;
	}
	if (b->probe_rtt_min_us != 0 &&
	    (b->min_rtt_us == 0 || b->probe_rtt_min_us < b->min_rtt_us ||
		mono_diff(ack->now, b->min_rtt_at) > BBR_MIN_RTT_US)) {
		b->min_rtt_us = b->probe_rtt_min_us;
		b->min_rtt_at = b->probe_rtt_min_at;
	}
}

/* ---- losses: 5.5.10.2 ---- */

static bool
lossy(uint32_t lost, uint32_t flight)
{
	return lost > (uint64_t)flight * BBR_LOSS_THRESH / BBR_UNIT;
}

bool
bbr_too_high(const struct tcp_cc *cc, const struct cc_ack *ack)
{
	if (ack->delivered > 0 && lossy(ack->rate.lost, ack->rate.flight))
		return true;
	return ecn_shallow(cc) && ack->ce > 0 &&
	       ack->ce > (uint64_t)ack->delivered * BBR_ECN_THRESH / BBR_UNIT;
}

void
bbr_handle_too_high(struct tcp_cc *cc, uint32_t flight, bool app_limited)
{
	struct bbr *b = CC_STATE(bbr, cc);

	b->probe_samples = false; /* once a probe */
	if (!app_limited)
		b->inflight_hi = bbr_max(flight,
		    (uint32_t)((uint64_t)bbr_target(cc) * BBR_BETA / BBR_UNIT));
	if (b->state == BBR_UP)
		bbr_start_down(cc);
}

/* How much was out when the share of losses passed the threshold: the part of
 * this segment is taken off that lies beyond. */
static uint32_t
flight_at_loss(const struct cc_lost *l)
{
	uint32_t before = l->flight > l->len ? l->flight - l->len : 0;
	uint32_t lost = l->lost > l->len ? l->lost - l->len : 0;
	uint64_t allowed = (uint64_t)before * BBR_LOSS_THRESH / BBR_UNIT;

	if (allowed <= lost)
		return before;
	return before + bbr_min((allowed - lost) * BBR_UNIT /
				    (BBR_UNIT - BBR_LOSS_THRESH),
			    l->len);
}

void
bbr_on_lost(struct tcp_cc *cc, const struct cc_lost *lost)
{
	struct bbr *b = CC_STATE(bbr, cc);

	if (!b->loss_in_round)
		b->loss_round = b->delivered;
	b->loss_in_round = true;
	/* Before the first loss of a round; what that one or a mark made of it
	 * is not what to go back to. */
	if (!b->undo_saved) {
		b->undo_saved = true;
		b->undo_state = b->state;
		b->undo_bw_lo = b->bw_lo;
		b->undo_inflight_lo = b->inflight_lo;
		b->undo_inflight_hi = b->inflight_hi;
	}
	if (b->probe_samples && lossy(lost->lost, lost->flight))
		bbr_handle_too_high(
		    cc, flight_at_loss(lost), lost->app_limited);
}
