/* SPDX-License-Identifier: ISC */
/*
 * BBR version 3 (draft-ietf-ccwg-bbr): the states, and what each sets.
 *
 *	STARTUP -> DRAIN -> DOWN -> CRUISE -> REFILL -> UP -> DOWN ...
 *	                    '----------- PROBE_BW ------------'
 *	any, every five seconds without a new minimum: PROBE_RTT
 *
 * It sends at a rate, the bandwidth of the model times the state's gain, and
 * bounds what is out by a window of about two bandwidth-delay products.  It
 * moves that window alone (CC_DRIVES); ssthresh means nothing to it.
 *
 * DEVIATION: 5.3.3.5.3 draws the time between probes at random.  What is drawn
 * from here is the time and the count of bytes, of which no two flows that
 * could get into step have the same.
 */
#include "tcp/cc_bbr.h"
#include "tcp/tcp.h"

#define STARTUP_PACING	(BBR_UNIT * 277 / 100)
#define DRAIN_PACING	(BBR_UNIT / 2)
#define DOWN_PACING	(BBR_UNIT * 90 / 100)
#define UP_PACING	(BBR_UNIT * 125 / 100)
#define CWND_GAIN	(BBR_UNIT * 2)
#define UP_CWND_GAIN	(BBR_UNIT * 225 / 100)
#define PROBE_RTT_GAIN	(BBR_UNIT / 2)
#define PROBE_RTT_TIME	200000
#define PROBE_WAIT_US	2000000
#define PROBE_RANDOM_US 1000000
#define RENO_ROUNDS_MAX 63
#define DRAIN_ROUNDS	3
#define FULL_BW_ROUNDS	3
#define FULL_LOSSES	6
#define FULL_ECN_ROUNDS 2

static bool
probing_bw(const struct bbr *b)
{
	return b->state >= BBR_DOWN && b->state <= BBR_UP;
}

void
bbr_start_round(struct bbr *b, uint64_t delivered)
{
	b->next_round = delivered;
}

static void
enter(struct bbr *b, enum bbr_state s, unsigned pacing, unsigned cwnd)
{
	b->state = (uint8_t)s;
	b->pacing_gain = (uint16_t)pacing;
	b->cwnd_gain = (uint16_t)cwnd;
}

/* ---- PROBE_BW: 5.3.3 ---- */

static void
reset_full_bw(struct bbr *b)
{
	b->full_bw = 0;
	b->full_bw_count = 0;
	b->full_bw_now = false;
}

static void
pick_probe_wait(struct bbr *b)
{
	uint64_t r = (uint64_t)b->now.us * 0x9e3779b97f4a7c15ULL + b->delivered;

	r ^= r >> 29;
	b->rounds_since_probe = r >> 20 & 1;
	b->probe_wait_us = PROBE_WAIT_US + (uint32_t)(r % PROBE_RANDOM_US);
}

void
bbr_start_down(struct tcp_cc *cc)
{
	struct bbr *b = CC_STATE(bbr, cc);

	bbr_reset_signals(b);
	pick_probe_wait(b);
	b->cycle_at = b->now;
	b->acks = BBR_ACKS_STOPPING;
	bbr_start_round(b, b->delivered);
	enter(b, BBR_DOWN, DOWN_PACING, CWND_GAIN);
}

static void
start_refill(struct bbr *b)
{
	bbr_reset_lo(b);
	b->up_rounds = 0;
	b->up_fraction = 0;
	b->acks = BBR_ACKS_REFILLING;
	bbr_start_round(b, b->delivered);
	enter(b, BBR_REFILL, BBR_UNIT, CWND_GAIN);
}

static void
start_up(struct bbr *b, uint64_t rate)
{
	b->probe_samples = true;
	b->acks = BBR_ACKS_STARTING;
	bbr_start_round(b, b->delivered);
	reset_full_bw(b);
	b->full_bw = rate;
	b->cycle_at = b->now;
	b->up_rounds = 1;
	enter(b, BBR_UP, UP_PACING, UP_CWND_GAIN);
}

static bool
time_to_probe(const struct tcp_cc *cc)
{
	const struct bbr *b = CC_STATE(bbr, cc);
	uint32_t rounds = bbr_target(cc) / cc->mss;

	if (mono_diff(b->now, b->cycle_at) > b->probe_wait_us)
		return true;
	/* As often as Reno would grow to there, for its sake. */
	return b->rounds_since_probe >=
	       (rounds < RENO_ROUNDS_MAX ? rounds : RENO_ROUNDS_MAX);
}

/* Each round of UP doubles by how many segments inflight_hi grows in one. */
static void
probe_upward(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);
	uint64_t growth;

	if (!ack->cwnd_limited || cc->cwnd < b->inflight_hi)
		return;
	growth = (uint64_t)cc->mss << (b->up_rounds - 1);
	if (growth > cc->cwnd)
		growth = cc->cwnd;
	b->up_fraction += growth * ack->delivered;
	b->inflight_hi = tcp_cc_add(b->inflight_hi, b->up_fraction / cc->cwnd);
	b->up_fraction %= cc->cwnd;
	if (b->round_start && b->up_rounds < 30)
		b->up_rounds++;
}

static void
adapt_hi(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);

	if (b->acks == BBR_ACKS_STARTING && b->round_start)
		b->acks = BBR_ACKS_FEEDBACK;
	if (b->acks == BBR_ACKS_STOPPING && b->round_start) {
		b->probe_samples = false;
		b->acks = BBR_ACKS_INIT;
		if (probing_bw(b) && !ack->rate.app_limited) {
			b->max_bw[1] = b->max_bw[0];
			b->max_bw[0] = 0;
		}
	}
	if (bbr_too_high(cc, ack)) {
		if (b->probe_samples)
			bbr_handle_too_high(
			    cc, ack->rate.flight, ack->rate.app_limited);
		return;
	}
	if (b->inflight_hi == BBR_INFINITY)
		return;
	if (ack->delivered > 0)
		b->inflight_hi = bbr_max(b->inflight_hi, ack->rate.flight);
	if (b->state == BBR_UP)
		probe_upward(cc, ack);
}

static bool
time_to_cruise(const struct tcp_cc *cc, const struct cc_ack *ack)
{
	return ack->flight <= bbr_with_headroom(cc) &&
	       ack->flight <=
		   bbr_inflight(cc, bbr_max_bw(CC_STATE(bbr, cc)), BBR_UNIT);
}

static bool
time_to_go_down(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);

	/* The window was the limit: the rate could not have grown. */
	if (ack->cwnd_limited && cc->cwnd >= b->inflight_hi) {
		reset_full_bw(b);
		b->full_bw = bbr_sample_rate(ack);
		return false;
	}
	return b->full_bw_now;
}

static void
update_cycle(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);

	if (!b->full_bw_reached)
		return;
	adapt_hi(cc, ack);
	switch (b->state) {
	case BBR_DOWN:
		if (time_to_probe(cc))
			start_refill(b);
		else if (time_to_cruise(cc, ack))
			enter(b, BBR_CRUISE, BBR_UNIT, CWND_GAIN);
		break;
	case BBR_CRUISE:
		if (time_to_probe(cc))
			start_refill(b);
		break;
	case BBR_REFILL:
		/* A round at the full rate: the pipe is full again. */
		if (b->round_start)
			start_up(b, bbr_sample_rate(ack));
		break;
	case BBR_UP:
		if (time_to_go_down(cc, ack))
			bbr_start_down(cc);
		break;
	default:
		break;
	}
}

/* ---- STARTUP and DRAIN: 5.3.1, 5.3.2 ---- */

static void
check_full_bw(struct bbr *b, const struct cc_ack *ack)
{
	uint64_t rate = bbr_sample_rate(ack);

	if (b->full_bw_now || !b->round_start || ack->rate.app_limited ||
	    rate == 0)
		return;
	if (rate >= b->full_bw + b->full_bw / 4) {
		reset_full_bw(b);
		b->full_bw = rate;
		return;
	}
	if (++b->full_bw_count < FULL_BW_ROUNDS)
		return;
	b->full_bw_now = true;
	b->full_bw_reached = true;
}

/* 5.3.1.3: a queue that overflows, or marks, is full too. */
static void
check_startup_losses(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);
	bool full;

	if (b->full_bw_reached)
		return;
	if (ack->lost > 0 && b->loss_events < UINT8_MAX)
		b->loss_events++;
	full = b->ecn_rounds >= FULL_ECN_ROUNDS ||
	       (b->loss_round_start && ack->ca_state == CA_RECOVERY &&
		   b->loss_events >= FULL_LOSSES && bbr_too_high(cc, ack));
	if (b->loss_round_start)
		b->loss_events = 0;
	if (!full)
		return;
	b->full_bw_reached = true;
	b->inflight_hi =
	    bbr_max(bbr_bdp(cc, bbr_max_bw(b), BBR_UNIT), b->inflight_latest);
}

static void
check_startup(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);

	check_full_bw(b, ack);
	check_startup_losses(cc, ack);
	if (b->state == BBR_STARTUP && b->full_bw_reached) {
		b->drain_round = b->rounds;
		enter(b, BBR_DRAIN, DRAIN_PACING, CWND_GAIN);
	}
	if (b->state == BBR_DRAIN &&
	    (ack->flight <= bbr_inflight(cc, bbr_max_bw(b), BBR_UNIT) ||
		b->rounds > b->drain_round + DRAIN_ROUNDS))
		bbr_start_down(cc);
}

/* ---- PROBE_RTT: 5.3.4 ---- */

static uint32_t
probe_rtt_cwnd(const struct tcp_cc *cc)
{
	return bbr_max(bbr_bdp(cc, CC_STATE(bbr, cc)->bw, PROBE_RTT_GAIN),
	    bbr_min_cwnd(cc));
}

static void
save_cwnd(struct tcp_cc *cc)
{
	struct bbr *b = CC_STATE(bbr, cc);

	if (b->ca_state >= CA_RECOVERY || b->state == BBR_PROBE_RTT)
		b->saved_cwnd = bbr_max(b->saved_cwnd, cc->cwnd);
	else
		b->saved_cwnd = cc->cwnd;
}

static void
check_probe_rtt_done(struct tcp_cc *cc)
{
	struct bbr *b = CC_STATE(bbr, cc);

	if (b->probe_rtt_done.us == 0 ||
	    !mono_before(b->probe_rtt_done, b->now))
		return;
	b->probe_rtt_min_at = b->now;
	cc->cwnd = bbr_max(cc->cwnd, b->saved_cwnd);
	cc->holding = false;
	bbr_reset_lo(b);
	if (b->full_bw_reached) {
		bbr_start_down(cc);
		enter(b, BBR_CRUISE, BBR_UNIT, CWND_GAIN);
	} else {
		enter(b, BBR_STARTUP, STARTUP_PACING, CWND_GAIN);
	}
}

static void
check_probe_rtt(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);

	if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired &&
	    !b->idle_restart) {
		save_cwnd(cc);
		enter(b, BBR_PROBE_RTT, BBR_UNIT, PROBE_RTT_GAIN);
		cc->holding = true;
		b->probe_rtt_done.us = 0;
		b->acks = BBR_ACKS_STOPPING;
		bbr_start_round(b, b->delivered);
	}
	if (b->state == BBR_PROBE_RTT) {
		if (b->probe_rtt_done.us == 0) {
			if (ack->flight <= probe_rtt_cwnd(cc)) {
				b->probe_rtt_done =
				    mono_add(b->now, PROBE_RTT_TIME);
				b->probe_rtt_round_done = false;
				bbr_start_round(b, b->delivered);
			}
		} else {
			if (b->round_start)
				b->probe_rtt_round_done = true;
			if (b->probe_rtt_round_done)
				check_probe_rtt_done(cc);
		}
	}
	if (ack->delivered > 0)
		b->idle_restart = false;
}

/* ---- what comes out of it: 5.6 ---- */

static void
set_pacing(struct tcp_cc *cc, unsigned gain)
{
	struct bbr *b = CC_STATE(bbr, cc);
	/* One per cent less than the bottleneck takes, so that a queue does
	 * not stay. */
	uint64_t rate = b->bw * gain / BBR_UNIT;

	rate -= rate / 100;
	if (rate != 0 && (b->full_bw_reached || rate > cc->pacing_rate))
		cc->pacing_rate = rate;
}

/* The window in a round trip, or in a millisecond until that is measured. */
static void
first_rate(struct tcp_cc *cc)
{
	uint32_t rtt_us = cc->srtt_us != 0 ? cc->srtt_us : 1000;

	cc->pacing_rate =
	    (uint64_t)cc->cwnd * 1000000 / rtt_us * STARTUP_PACING / BBR_UNIT;
}

static void
set_cwnd(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);
	uint32_t max = bbr_max_inflight(cc), cap = BBR_INFINITY;

	/* Out of recovery: back to where it was. */
	if (ack->ca_state < CA_RECOVERY && b->ca_state >= CA_RECOVERY)
		cc->cwnd = bbr_max(cc->cwnd, b->saved_cwnd);
	b->ca_state = ack->ca_state;
	if (b->full_bw_reached)
		cc->cwnd = bbr_min(tcp_cc_add(cc->cwnd, ack->delivered), max);
	else if (cc->cwnd < max || ack->total_delivered < tcp_cc_initial(cc))
		cc->cwnd = tcp_cc_add(cc->cwnd, ack->delivered);
	cc->cwnd = bbr_max(cc->cwnd, bbr_min_cwnd(cc));
	if (b->state == BBR_PROBE_RTT)
		cc->cwnd = bbr_min(cc->cwnd, probe_rtt_cwnd(cc));
	if (b->state == BBR_PROBE_RTT || b->state == BBR_CRUISE)
		cap = bbr_with_headroom(cc);
	else if (probing_bw(b))
		cap = b->inflight_hi;
	cap = bbr_max(bbr_min(cap, b->inflight_lo), bbr_min_cwnd(cc));
	cc->cwnd = bbr_min(cc->cwnd, cap);
}

static void
on_ack(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct bbr *b = CC_STATE(bbr, cc);

	b->now = ack->now;
	b->delivered = ack->total_delivered;
	bbr_update_model(cc, ack);
	check_startup(cc, ack);
	update_cycle(cc, ack);
	if (b->min_rtt_us == 0 && cc->srtt_us != 0)
		first_rate(cc);
	bbr_update_min_rtt(cc, ack);
	check_probe_rtt(cc, ack);
	bbr_finish_model(cc, ack);
	set_pacing(cc, b->pacing_gain);
	set_cwnd(cc, ack);
}

static void
init(struct tcp_cc *cc, mono_t now)
{
	struct bbr *b = CC_STATE(bbr, cc);

	*b = (struct bbr){.now = now,
	    .inflight_hi = BBR_INFINITY,
	    .min_rtt_us = cc->srtt_us,
	    .probe_rtt_min_us = cc->srtt_us,
	    .min_rtt_at = now,
	    .probe_rtt_min_at = now,
	    .extra_at = now,
	    .ecn_alpha = BBR_UNIT * BBR_ECN_GAIN};
	bbr_reset_lo(b);
	enter(b, BBR_STARTUP, STARTUP_PACING, CWND_GAIN);
	first_rate(cc);
}

static uint32_t
on_congestion(struct tcp_cc *cc, enum cc_signal why, uint32_t flight)
{
	(void)flight;
	if (why != CC_CE)
		save_cwnd(cc);
	return cc->ssthresh;
}

static void
undo(struct tcp_cc *cc)
{
	struct bbr *b = CC_STATE(bbr, cc);

	b->loss_in_round = false;
	reset_full_bw(b);
	if (b->bw_lo < b->undo_bw_lo)
		b->bw_lo = b->undo_bw_lo;
	b->inflight_lo = bbr_max(b->inflight_lo, b->undo_inflight_lo);
	b->inflight_hi = bbr_max(b->inflight_hi, b->undo_inflight_hi);
	if (b->state == BBR_PROBE_RTT || b->state == b->undo_state)
		return;
	if (b->undo_state == BBR_STARTUP) {
		b->full_bw_reached = false;
		enter(b, BBR_STARTUP, STARTUP_PACING, CWND_GAIN);
	} else if (b->undo_state == BBR_UP) {
		start_up(b, b->bw_latest);
	}
}

static void
on_idle(struct tcp_cc *cc, mono_t now, int64_t idle_us)
{
	struct bbr *b = CC_STATE(bbr, cc);

	(void)idle_us;
	b->now = now;
	b->idle_restart = true;
	b->extra_at = now;
	b->extra_delivered = 0;
	if (probing_bw(b))
		set_pacing(cc, BBR_UNIT);
	else if (b->state == BBR_PROBE_RTT)
		check_probe_rtt_done(cc);
}

static void
info(const struct tcp_cc *cc, struct tcp_cc_state *out)
{
	const struct bbr *b = CC_STATE(bbr, cc);

	*out = (struct tcp_cc_state){.kind = CC_INFO_BBR,
	    .bw = b->bw,
	    .min_rtt_us = b->min_rtt_us,
	    .pacing_gain_256 = b->pacing_gain,
	    .cwnd_gain_256 = b->cwnd_gain};
}

const struct tcp_cc_ops tcp_cc_bbr = {
    .name = "bbr",
    .flags = CC_PACED | CC_DRIVES | CC_ECN_EACH,
    .init = init,
    .on_ack = on_ack,
    .on_congestion = on_congestion,
    .undo = undo,
    .on_lost = bbr_on_lost,
    .on_idle = on_idle,
    .info = info,
};
