/* SPDX-License-Identifier: ISC */
/*
 * Congestion control: what an algorithm sees, and what it may say.  This is
 * the guide for who writes one, too.
 *
 * An algorithm is one file, cc_NAME.c: a struct of its own state, laid over
 * tcp_cc.priv by CC_STATE(), a struct tcp_cc_ops, and a line in cc.c's table
 * and in the Makefile's list; from then on it can be chosen by its name.  All
 * sizes are bytes, all times microseconds, all arithmetic is on integers.
 *
 * It moves cc->cwnd with each acknowledgment (on_ack), says what ssthresh a
 * sign of congestion gives (on_congestion), and may set cc->pacing_rate.  It
 * does not find losses, resend or shrink the window step by step during a
 * recovery: scoreboard.c, rack and recovery.c do.  on_ack therefore comes
 *
 *	- by default only when the window should move: outside recovery, for
 *	  new bytes acknowledged, and only if cwnd was what held data back in
 *	  the last round trip (cc_validate); an algorithm need not ask;
 *	- with CC_DRIVES for each acknowledgment that delivers or loses
 *	  something, in each state: the algorithm alone moves cwnd then.
 *
 * Pacing is done for all alike (pacing.c); CC_PACED makes it a must.  What is
 * sent with the marks of ECN is the business of who negotiates it: CC_ECN asks
 * for it, cc->ecn says whether it came about, and cc_ack.ce counts what met
 * congestion.  An undo gives back cwnd and ssthresh by itself; undo() is for
 * the algorithm's own state.
 *
 * Rules: cwnd stays at one mss at least; everything fits priv; no time but
 * the one that is given.
 */
#ifndef TCP_CC_H
#define TCP_CC_H

#include <stdbool.h>
#include <stdint.h>
#include "base/mono.h"

#define CC_PRIV_BYTES 248
#define CC_CWND_MAX   (UINT32_MAX / 2)
#define CC_IW_SEGS    10 /* RFC 6928 */

#define CC_STATE(type, cc) ((struct type *)(void *)(cc)->priv)

enum ca_state {
	CA_OPEN = 0,
	CA_DISORDER = 1,
	CA_CWR = 2,
	CA_RECOVERY = 3,
	CA_LOSS = 4,
};

/* HyStart++ (RFC 9406), for whoever uses tcp_cc_slow_start(). */
struct cc_hystart {
	uint64_t round_end; /* of delivered */
	uint32_t last_min_us, min_us, baseline_us;
	uint8_t samples, css_rounds; /* css_rounds 0: not in CSS */
	uint32_t fraction;	     /* CSS: bytes not yet worth one of cwnd */
};

struct tcp_cc {
	const struct tcp_cc_ops *ops;
	uint32_t cwnd, ssthresh, mss;
	uint32_t options;    /* bytes of them that each segment has */
	uint32_t srtt_us;    /* 0: not measured yet */
	uint32_t prior_cwnd; /* before the last congestion; 0: none */
	uint32_t prior_ssthresh;
	uint64_t pacing_rate; /* bytes a second; 0: from cwnd and srtt_us */
	bool ecn;	      /* the peer takes part in ECN */
	bool holding;	      /* it sends less than it could, on purpose */
	struct cc_hystart hystart;
	_Alignas(8) unsigned char priv[CC_PRIV_BYTES];
};

/* The delivery rate that an acknowledgment shows: delivered bytes came there
 * within interval_us (rate.c). */
struct cc_rate {
	uint64_t prior_delivered; /* in all, when what it acknowledges left */
	uint64_t delivered;
	int64_t interval_us; /* 0: this acknowledgment shows none */
	uint32_t lost;	     /* of what was out with it */
	uint32_t flight;     /* when it had been sent, it included */
	bool app_limited;
};

/* What one acknowledgment tells. */
struct cc_ack {
	mono_t now;
	uint32_t acked;	    /* bytes newly acknowledged */
	uint32_t delivered; /* bytes newly known to be there: acked, SACKed */
	uint32_t lost;	    /* bytes found lost since the last one */
	uint32_t ce;	    /* of delivered, what met CE (by ECN's feedback) */
	uint32_t prior_flight, flight; /* pipe before and after */
	int64_t rtt_us;		       /* -1: no sample */
	uint64_t total_delivered, total_lost;
	struct cc_rate rate;
	uint8_t ca_state;
	bool cwnd_limited; /* cwnd held data back in the last round trip */
};

/* A segment that was found lost, as it was when it had been sent. */
struct cc_lost {
	uint32_t len;
	uint32_t flight; /* it included */
	uint32_t lost;	 /* in all since then, it included */
	bool app_limited;
};

enum cc_signal {
	CC_LOSS, /* a loss was detected; recovery begins */
	CC_RTO,	 /* the retransmission timer fired */
	CC_CE,	 /* ECN: at most once a round trip */
};

enum {
	CC_PACED = 1 << 0,  /* never without pacing */
	CC_DRIVES = 1 << 1, /* moves cwnd itself, in recovery too */
	/* Asks for ECN, even where it is off, and has all that it sends marked
	 * and echoed as RFC 8257 has it. */
	CC_ECN = 1 << 2,
	CC_ECN_EACH = 1 << 3, /* CE's answer is in on_ack: no CC_CE comes */
};

struct tcp_cc_state; /* tcp.h */

struct tcp_cc_ops {
	const char *name;
	unsigned flags;
	/* A connection starts, or changes to this algorithm; cwnd is set and
	 * priv is zero. */
	void (*init)(struct tcp_cc *cc, mono_t now);
	void (*on_ack)(struct tcp_cc *cc, const struct cc_ack *ack);
	/* The new ssthresh, with flight bytes out.  cwnd is moved by the
	 * caller (unless CC_DRIVES). */
	uint32_t (*on_congestion)(
	    struct tcp_cc *cc, enum cc_signal why, uint32_t flight);
	/* The rest may be NULL. */
	/* The congestion was none: own state is as before on_congestion. */
	void (*undo)(struct tcp_cc *cc);
	/* With each acknowledgment, whatever the state, before on_ack. */
	void (*watch)(struct tcp_cc *cc, const struct cc_ack *ack);
	/* With each segment that is found lost, before on_ack tells the sum. */
	void (*on_lost)(struct tcp_cc *cc, const struct cc_lost *lost);
	/* Sending begins again with nothing out, after idle_us of silence. */
	void (*on_idle)(struct tcp_cc *cc, mono_t now, int64_t idle_us);
	void (*info)(const struct tcp_cc *cc, struct tcp_cc_state *out);
};

extern const struct tcp_cc_ops tcp_cc_newreno, tcp_cc_cubic, tcp_cc_bbr,
    tcp_cc_dctcp;

/* NULL for an unknown name; a NULL name gives the default. */
const struct tcp_cc_ops *tcp_cc_find(const char *name);
/* A connection starts.  What is known of it already, the options, srtt_us and
 * ecn, stays. */
void tcp_cc_init(
    struct tcp_cc *cc, const struct tcp_cc_ops *ops, uint32_t mss, mono_t now);
/* To another algorithm, with the window as it is. */
void tcp_cc_change(struct tcp_cc *cc, const struct tcp_cc_ops *ops, mono_t now);

/*
 * For who finds congestion (recovery.c, ECN): ssthresh as the algorithm says,
 * and cwnd at once: ssthresh, or one segment after a time-out; what they were
 * is kept for undo.  Where cwnd is to fall more softly, set it afterwards,
 * unless CC_DRIVES.
 */
void tcp_cc_congestion(struct tcp_cc *cc, enum cc_signal why, uint32_t flight);
/* The last congestion was none: cwnd and ssthresh are at least as they were
 * before it.  Once; false: nothing to give back. */
bool tcp_cc_undo(struct tcp_cc *cc);
/* RFC 5681 4.1: with nothing out for idle_us, which is more than an RTO when
 * long_idle is set, sending begins again. */
void tcp_cc_idle(
    struct tcp_cc *cc, mono_t now, int64_t idle_us, bool long_idle);

/* For algorithms: slow start (RFC 5681 3.1) with HyStart++; returns what is
 * left of the acknowledged bytes beyond ssthresh. */
uint32_t tcp_cc_slow_start(struct tcp_cc *cc, const struct cc_ack *ack);
/* Congestion avoidance, an mss for each window acknowledged (RFC 5681 3.1, by
 * bytes, RFC 3465); *counted is the algorithm's to keep and clear. */
void tcp_cc_avoid(struct tcp_cc *cc, uint32_t acked, uint32_t *counted);
/* What goes in one burst at this rate: a millisecond's worth, two segments at
 * least, 64 KiB at most (as TSO is sized in Linux). */
uint32_t tcp_cc_quantum(const struct tcp_cc *cc, uint64_t rate);
/* The initial window, RFC 6928 2.  Its SMSS is that of RFC 5681 2, the segment
 * without options taken off: ten segments fit though some have an option more.
 * A few bytes less and nine and a half would, and slow start would double
 * those. */
static inline uint32_t
tcp_cc_initial(const struct tcp_cc *cc)
{
	return CC_IW_SEGS * (cc->mss + cc->options);
}

/* a + b within what a window may be. */
static inline uint32_t
tcp_cc_add(uint32_t a, uint64_t b)
{
	return b < CC_CWND_MAX && a + b < CC_CWND_MAX ? a + (uint32_t)b
						      : CC_CWND_MAX;
}

#endif
