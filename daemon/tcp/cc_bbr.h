/* SPDX-License-Identifier: ISC */
/*
 * BBR version 3 (draft-ietf-ccwg-bbr), what its two files share: cc_bbr.c, the
 * states and what they set, and cc_bbr_model.c, the model of the path that
 * they act on.  Names are the draft's; lo and hi are its short and long term.
 */
#ifndef TCP_CC_BBR_H
#define TCP_CC_BBR_H

#include "tcp/cc.h"

#define BBR_UNIT	  256 /* of gains and of shares */
#define BBR_LOSS_THRESH	  (BBR_UNIT * 2 / 100)
#define BBR_BETA	  (BBR_UNIT * 7 / 10)
#define BBR_HEADROOM	  (BBR_UNIT * 15 / 100)
#define BBR_MIN_RTT_US	  10000000 /* the filter's length */
#define BBR_PROBE_RTT_US  5000000  /* between two PROBE_RTT */
#define BBR_ECN_RTT_US	  5000	   /* CE is a shallow queue's up to here */
#define BBR_ECN_THRESH	  (BBR_UNIT / 2)
#define BBR_ECN_GAIN	  16
#define BBR_ECN_FACTOR	  3
#define BBR_MIN_CWND_SEGS 4
#define BBR_INFINITY	  UINT32_MAX

enum bbr_state {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_DOWN, /* PROBE_BW from here ... */
	BBR_CRUISE,
	BBR_REFILL,
	BBR_UP, /* ... to here */
	BBR_PROBE_RTT,
};

/* Which probe the acknowledgments that come in are about. */
enum bbr_acks {
	BBR_ACKS_INIT,
	BBR_ACKS_REFILLING,
	BBR_ACKS_STARTING,
	BBR_ACKS_FEEDBACK,
	BBR_ACKS_STOPPING,
};

struct bbr {
	/* Rates, bytes a second. */
	uint64_t bw, max_bw[2]; /* of this probing cycle, of the last */
	uint64_t bw_lo, bw_latest, full_bw;
	/* Volumes, bytes. */
	uint32_t inflight_lo, inflight_hi, inflight_latest;
	uint32_t extra_acked[2], extra_delivered;
	uint32_t saved_cwnd;
	uint64_t up_fraction; /* of a byte of inflight_hi */
	/* Rounds, as values of what is delivered in all. */
	uint64_t delivered, next_round, loss_round;
	uint32_t rounds, extra_rounds, rounds_since_probe, drain_round;
	/* Times. */
	mono_t now, min_rtt_at, probe_rtt_min_at, probe_rtt_done;
	mono_t cycle_at, extra_at;
	uint32_t min_rtt_us, probe_rtt_min_us, probe_wait_us;
	/* CE in this round, and its share, smoothed. */
	uint32_t round_delivered, round_ce;
	uint32_t ecn_alpha; /* times BBR_UNIT * BBR_ECN_GAIN */
	/* For undo. */
	uint64_t undo_bw_lo;
	uint32_t undo_inflight_lo, undo_inflight_hi;
	uint16_t pacing_gain, cwnd_gain;
	uint8_t state, undo_state, acks, ca_state;
	uint8_t full_bw_count, up_rounds, loss_events, ecn_rounds;
	bool full_bw_reached, full_bw_now, idle_restart;
	bool round_start, loss_round_start, loss_in_round, ecn_in_round;
	bool probe_samples, probe_rtt_expired, probe_rtt_round_done;
	bool undo_saved; /* in this round */
};

_Static_assert(sizeof(struct bbr) <= CC_PRIV_BYTES, "fits");

static inline uint32_t
bbr_min(uint64_t a, uint64_t b)
{
	uint64_t m = a < b ? a : b;

	return m < BBR_INFINITY ? (uint32_t)m : BBR_INFINITY;
}

static inline uint32_t
bbr_max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static inline uint64_t
bbr_max_bw(const struct bbr *b)
{
	return b->max_bw[0] > b->max_bw[1] ? b->max_bw[0] : b->max_bw[1];
}

static inline uint32_t
bbr_min_cwnd(const struct tcp_cc *cc)
{
	return BBR_MIN_CWND_SEGS * cc->mss;
}

/* ---- cc_bbr.c ---- */
void bbr_start_down(struct tcp_cc *cc);
void bbr_start_round(struct bbr *b, uint64_t delivered);

/* ---- cc_bbr_model.c ---- */
uint64_t bbr_sample_rate(const struct cc_ack *ack); /* 0: none */
/* gain / BBR_UNIT of bw times min_rtt; the initial window before a sample. */
uint32_t bbr_bdp(const struct tcp_cc *cc, uint64_t bw, uint32_t gain);
/* The same, with room for offloads and delayed acknowledgments. */
uint32_t bbr_inflight(const struct tcp_cc *cc, uint64_t bw, uint32_t gain);
/* What the window should be: with the cwnd gain, and room for bunches. */
uint32_t bbr_max_inflight(const struct tcp_cc *cc);
uint32_t bbr_with_headroom(const struct tcp_cc *cc);
uint32_t bbr_target(const struct tcp_cc *cc);
void bbr_reset_lo(struct bbr *b);
void bbr_reset_signals(struct bbr *b);
/* Before the states have a look: rounds, rates, losses, aggregation. */
void bbr_update_model(struct tcp_cc *cc, const struct cc_ack *ack);
void bbr_update_min_rtt(struct tcp_cc *cc, const struct cc_ack *ack);
/* Losses or marks beyond what a probe may cost. */
bool bbr_too_high(const struct tcp_cc *cc, const struct cc_ack *ack);
void bbr_handle_too_high(struct tcp_cc *cc, uint32_t flight, bool app_limited);
void bbr_on_lost(struct tcp_cc *cc, const struct cc_lost *lost);
/* After them: the signals of a new loss round, and bw. */
void bbr_finish_model(struct tcp_cc *cc, const struct cc_ack *ack);

#endif
