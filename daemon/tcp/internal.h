/* SPDX-License-Identifier: ISC */
/*
 * What the files of tcp/ share.  The parts, in the order a segment meets them:
 *
 *	input.c     RFC 9293 3.10.7: find, check, RST, SYN, ACK, text, FIN
 *	half.c      half-open passive connections (the SYN queue)
 *	cookie.c    SYN cookies, when the SYN queue is full
 *	fastopen.c  Fast Open of our listeners: data in SYNs
 *	fastsyn.c   Fast Open of our own connections
 *	timewait.c  TIME-WAIT, a small type of its own
 *	md5.c       signatures: who has keys; RFC 2385's
 *	ao.c        RFC 5925's: traffic keys, rotation
 *	aokeys.c    and master keys
 *	ack.c       what an acknowledgment does
 *	scoreboard.c what is out, and what SACK says of it
 *	rack.c      what time says of loss
 *	tlp.c       tail loss probes
 *	recovery.c  loss: answered, over
 *	undo.c      loss that was none: DSACK, Eifel, F-RTO
 *	rtt.c       the round-trip time and the RTO
 *	rate.c      what congestion control is told
 *	pacing.c    when the next data may go
 *	ecn.c       ECN: negotiated, marked, answered
 *	accecn.c    its accurate form: counts of marks, both ways
 *	reasm.c     the receive queue and what waits out of order
 *	delack.c    when to acknowledge
 *	output.c    what to send next: recovery, new data, FIN, ACK
 *	timer.c     retransmission, persist, delayed ACK, keep-alive
 *	mtu.c       the path's MTU: routers' word, black holes, probes
 *	tune.c      buffer sizes that follow the path; memory pressure
 *	sendq.c     bytes that the user wrote, until they are acknowledged
 *	urgent.c    urgent data, both ways
 *	pcb.c       a connection's birth, state changes, events and death
 *	rest.c      idle connections, folded up
 *	bind.c      local addresses, ports and listeners
 *	calls.c     the user calls of tcp.h: to whom they go
 *	user.c      what they do
 *	layer.c     the layer itself: tables, control segments, the censuses
 *
 * What must outlive the process one day (sequence state, options, queues) is
 * in struct tcb's numbers; pointers are to queues, tables and the user.
 */
#ifndef TCP_INTERNAL_H
#define TCP_INTERNAL_H

#include <string.h>
#include <sys/queue.h>
#include <sys/tree.h>
#include "base/check.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "base/timerq.h"
#include "tcp/cc.h"
#include "tcp/seq.h"
#include "tcp/tcp.h"
#include "wire/tcp.h"

#define TCP_RTO_INITIAL_US  1000000 /* RFC 6298 2.1 */
#define TCP_RTO_FALLBACK_US 3000000 /* RFC 6298 5.7 */
#define TCP_RTO_MIN_US	    200000  /* DEVIATION: RFC 6298 2.4 says 1 s */
#define TCP_RTO_MAX_US	    120000000
#define TCP_DELACK_US	    40000 /* MUST-40: below 500 ms */
#define TCP_SYN_RETRIES	    7	  /* MUST-23: 247 s, Linux has 127 */
#define TCP_RETRIES1	    3	  /* SHLD-10 */
#define TCP_SYNACK_RETRIES  5
#define TCP_RETRIES2	    15 /* SHLD-11: well over 100 s */
#define TCP_ORPHAN_RETRIES  8
#define TCP_KEEPIDLE_S	    7200 /* MUST-28 */
#define TCP_KEEPINTVL_S	    75
#define TCP_KEEPCNT	    9
#define TCP_LINGER2_S	    60
#define TCP_MEMORY_US	    50000   /* until memory is asked for again */
#define TCP_CHALLENGE_US    500000  /* at most one challenge ACK in this time */
#define TCP_RENEGE_US	    10000   /* at least, for an ACK of what is SACKed */
#define TCP_SLACK_US	    2000    /* of timers of less than an RTO */
#define TCP_REST_US	    5000000 /* after the last segment */
#define TCP_DUPTHRESH	    3
#define TCP_DEFAULT_MSS	    536	 /* MUST-15 */
#define TCP_DEFAULT_MSS6    1220 /* the same, over IPv6 */
#define TCP_REORDERING_MAX  300	 /* segments; as on Linux */
#define TCP_MIN_MSS	    88
#define TCP_ACCECN_CEP	    5 /* RFC 9768 3.2.1 */
#define TCP_OPTION_ROOM	    (WIRE_TCP_HDR_MAX - WIRE_TCP_HDR_MIN)
#define TCP_PORT_COUNTERS   1024
#define TCP_PORT_STEP	    8 /* ports skipped at most, plus one */
#define TCP_PAWS_24D_US	    (24LL * 24 * 3600 * 1000000)
#define FASTOPEN_COOKIE	    8	/* bytes of ours */
#define FASTOPEN_HOLD_SLOTS 16	/* in which a reset one is remembered */
#define FASTOPEN_SETS	    256 /* of the cache of cookies */
#define FASTOPEN_WAYS	    4

/* ---- tables ---- */

enum node_kind {
	NODE_PCB,
	NODE_HALF,
	NODE_TW,
};

/* What the connection table holds: the head of all three types. */
struct tcp_node {
	struct tcp_node *hash_next;
	struct tuple id;
	uint8_t kind : 2;
	uint8_t hashed : 1;
	/* TIME-WAIT's, in what would be padding. */
	uint8_t tw_ts : 1;    /* timestamps were in use */
	uint8_t tw_bound : 1; /* counted in a bind's tws */
	uint8_t tw_ace : 3;   /* AccECN's last count of marks, or 0 */
	union {
		uint8_t tw_slot; /* its place in the wheel */
		bool resting;	 /* a connection that is folded up */
	};
	uint16_t tw_wnd; /* as on the wire */
};

struct conn_table {
	struct tcp_node **slots;
	size_t nslots, count;
};

/* ---- ECN ---- */

/* The IP-ECN field (RFC 3168 5): the low bits of TOS and traffic class. */
enum {
	IPECN_NOT_ECT,
	IPECN_ECT1,
	IPECN_ECT0,
	IPECN_CE,
	IPECN_MASK = 3
};

enum ecn_mode {
	ECN_NONE,
	ECN_CLASSIC,
	ECN_ACCURATE
};

/* Of a half-open connection. */
struct half_ecn {
	uint8_t mode;
	uint8_t granted;   /* enum tcp_ecn_policy at its time */
	uint8_t syn_field; /* the IP-ECN field of the latest SYN */
	bool asked_again;  /* a second SYN came */
	bool no_ect;	   /* a SYN or SYN-ACK went without flags */
	bool ect;	   /* our SYN-ACK goes as ECT(0) */
};

#define ECN_TURNS 4

/* Of a connection; see ecn.c, dctcp_echo.c and accecn.c.  r_ counts what
 * arrives here, s_ what the peer says of ours; bytes are indexed by the IP-ECN
 * field. */
struct tcp_ecn {
	uint8_t mode;	    /* enum ecn_mode */
	uint8_t asked;	    /* by our SYN, the same */
	uint8_t handshake;  /* field of the SYN or SYN-ACK to be told back */
	bool answer_synack; /* by the next ACK, which carries nothing else */
	bool crossed;	    /* SYNs did; ours with the ACK is not answered */
	bool no_ect;	    /* we send none */
	bool syn_ect;	    /* our SYN went as ECT(0) */
	bool ignore;	    /* the peer's feedback means nothing */
	bool seen;
	/* Classic. */
	bool echo; /* ECE until CWR comes */
	bool cwr;  /* CWR with the next new data */
	/* RFC 8257: ACKs that must go before a turn of the echo. */
	struct {
		seq_t upto;
		bool ece;
	} turn[ECN_TURNS];
	uint8_t nturns;
	/* A mark was answered; until snd_una is beyond reduced_end. */
	bool reduced;
	seq_t reduced_end;
	/* Accurate, receiving. */
	bool synack_ce;	   /* a SYN-ACK with CE was counted */
	bool option_off;   /* segments with it do not arrive */
	bool option_first; /* the first data had it, at option_seq */
	uint8_t option_tests;
	uint8_t r_last;	   /* field of the last packet */
	uint8_t r_pending; /* CE marks since the last ACK */
	uint8_t r_changed; /* which bytes ever grew, a bit by field */
	seq_t option_seq, option_end; /* behind it, all data had it to there */
	uint32_t r_cep, r_bytes[4], r_shown[4];
	/* Accurate, sending. */
	bool first_ace;	     /* no ACE has been judged yet */
	uint8_t option_seen; /* as in struct tcp_ecn_info */
	uint8_t trial;	     /* rounds of nothing but CE to go, or TRIAL_ */
	seq_t trial_end;
	uint32_t s_packets; /* that the ACK being worked through delivers */
	uint32_t s_cep, s_bytes[4];
	uint32_t s_cep_option; /* s_cep as of the last option */
	uint32_t s_guessed;    /* CE bytes told since then */
	uint32_t s_tsval;      /* of the newest feedback */
	uint32_t s_per_ack;    /* packets, mean by ACK, in 1/64; 0: none yet */
};

/* ---- signatures ---- */

struct tcp_key {
	RB_ENTRY(tcp_key) node;
	struct ipaddr addr; /* its peers: a prefix, the rest zero */
	uint8_t plen, len;
	uint8_t secret[TCP_MD5_KEY];
};
RB_HEAD(keytree, tcp_key);

/* A master key of TCP-AO (RFC 5925 3.1). */
struct tcp_mkt {
	TAILQ_ENTRY(tcp_mkt) link;
	struct tcp_ao_key k;
	/* A listener's: how many are for all of its peers, it included. */
	uint16_t within;
	/* A connection's traffic keys (RFC 5925 3.2). */
	uint8_t snd[TCP_AO_TRAFFIC], rcv[TCP_AO_TRAFFIC];
};

/* TCP-AO of a listener or a connection; see ao.c. */
struct tcp_ao {
	TAILQ_HEAD(, tcp_mkt) mkts;
	size_t n;
	bool on; /* there are keys, or were, or the user spoke of it */
	bool required, accept_icmps;
	uint64_t good, bad, not_found, missing, icmps;
	/* A connection's. */
	struct tcp_mkt *current, *rnext;
	bool derived; /* the rest means something */
	seq_t iss, irs;
	uint64_t snd, rcv; /* numbers, the extension in their upper half */
};

struct tcp_keys {
	struct keytree tree; /* by length of the prefix and prefix */
	size_t n;
	uint32_t of_len[129]; /* how many have a prefix of so many bits */
	struct tcp_ao ao;
};

/* What signs a segment that no connection emits: one of two keys, or none. */
struct signer {
	const struct tcp_key *md5;
	const struct tcp_mkt *ao;
	uint8_t rnext;
	seq_t iss, irs; /* that its traffic key comes from */
	uint64_t near;	/* an extended number of ours */
};

/* The key of a TIME-WAIT. */
struct tcp_signed_tw {
	RB_ENTRY(tcp_signed_tw) node;
	struct tuple id;
	struct tcp_keys *keys;
	const struct tcp_key *key;
};
RB_HEAD(signedtws, tcp_signed_tw);

/* ---- half-open and TIME-WAIT ---- */

struct tcp_half {
	struct tcp_node node;
	struct timer timer;	    /* behind it, as in struct tcp_pcb */
	TAILQ_ENTRY(tcp_half) link; /* its listener's SYN queue */
	struct tcp_bind *listener;
	seq_t iss, irs;
	uint32_t rcv_wnd, snd_wnd;
	uint32_t ts_recent, ts_off;
	uint16_t peer_mss, our_mss;
	uint8_t snd_wscale, rcv_wscale;
	bool wscale, ts, sack;
	bool deferred;	/* the bare ACK came; data is awaited */
	bool again;	/* the SYN came again and was answered */
	bool stateless; /* made of a SYN cookie, never in the table */
	uint8_t retries;
	uint16_t taken; /* octets of the SYN's data (Fast Open) */
	bool ao;	/* signed, with these ids of the listener's */
	uint8_t ao_keyid, ao_rnext;
	struct half_ecn ecn;
	mono_t synack_at, challenged;
	struct tcp_path path;
};

struct tcp_tw {
	struct tcp_node node;
	seq_t snd_nxt, rcv_nxt;
	uint32_t ts_recent;
	uint32_t next; /* in its slot of the wheel, or among the free */
};
_Static_assert(sizeof(struct tcp_tw) == 64, "a TIME-WAIT is one cache line");

#define TW_SLOTS 256  /* tw_slot has 8 bits */
#define TW_SPAN	 128  /* slots that 2*MSL covers */
#define TW_RATES 1024 /* of answers, each for its share of the tuples */

/* All TIME-WAITs, and the wheel that ends them; see timewait.c. */
struct tw_store {
	struct tcp_tw **chunks;
	uint32_t nchunks, chunk_room;
	uint32_t free; /* records by index; TW_NIL ends a list */
	uint32_t live, held, limit;
	uint32_t deaths, sweep; /* slots to be swept, the next: cursor */
	uint32_t cursor;
	uint32_t slots[TW_SLOTS];
	int64_t tick_us;	     /* what a slot stands for */
	int64_t done;		     /* ticks up to this one are over */
	int64_t first;		     /* the first tick with records */
	uint32_t answered[TW_RATES]; /* ms */
};

/* ---- what was sent and not yet acknowledged ---- */

enum {
	TX_SACKED = 1 << 0,
	TX_LOST = 1 << 1,      /* counted in lost_bytes */
	TX_RETX = 1 << 2,      /* its retransmission is out: in retx_bytes */
	TX_EVER_RETX = 1 << 3, /* Karn: no RTT sample */
	TX_FIN = 1 << 4,       /* one of its octets is the FIN */
	TX_SPLIT = 1 << 5,     /* a SACK block's edge made it: in tx_splits */
};

/* What was known when it left (rate.c); times are back from sent_at. */
struct tx_rate {
	uint32_t delivered, lost; /* the counts, their low 32 bits */
	uint32_t delivered_back, first_tx_back;
	uint32_t flight; /* it included */
	bool app_limited;
};

struct txseg {
	TAILQ_ENTRY(txseg) link;
	TAILQ_ENTRY(txseg) turn; /* in flight, or lost and to be resent */
	RB_ENTRY(txseg) node;
	seq_t seq;
	uint32_t len; /* sequence space */
	uint8_t flags;
	uint16_t packets; /* that it went in; at least so many */
	mono_t sent_at;	  /* last */
	struct tx_rate rate;
};
TAILQ_HEAD(txsegs, txseg);
RB_HEAD(txtree, txseg);

/* What one acknowledgment does, as it is found out. */
struct ackinfo {
	const struct seg *s;
	mono_t now;
	uint32_t acked;	    /* octets by which snd_una moves */
	uint32_t delivered; /* octets that are newly known to be there */
	uint32_t lost;	    /* octets found lost */
	seq_t fack;	    /* the highest that was known before */
	seq_t overtaken;    /* lowest below it that went once and came now */
	bool advanced, dup;
	bool original;	  /* of what a time-out was about: came, went once */
	bool dsack;	  /* something came twice */
	bool dsack_probe; /* the tail loss probe */
};

/* ---- what was received ---- */

struct rxseg {
	union {
		STAILQ_ENTRY(rxseg) link; /* in order */
		RB_ENTRY(rxseg) node;	  /* out of order */
	};
	struct buf *buf;
	uint32_t off, len;
	seq_t seq;
	bool own; /* buf is ours alone: more can be appended */
};
STAILQ_HEAD(rxqueue, rxseg);
RB_HEAD(rxtree, rxseg);

/* ---- a connection ---- */

enum tcp_timer {
	TMR_TLP,     /* tail loss probe; may come in the next one's place */
	TMR_REXMT,   /* retransmission, or the SYN's */
	TMR_PERSIST, /* zero-window probe, or SWS override */
	TMR_DELACK,
	TMR_KEEP,   /* keep-alive; orphan's FIN-WAIT-2 */
	TMR_MEMORY, /* the user wanted a buffer and there was none */
	TMR_RACK,   /* what may only be late is lost then */
	TMR_PACE,   /* more may go */
	TMR_N
};

/* What the sender waits for (rate.c). */
enum rate_wait {
	RATE_IDLE, /* for nothing: there is nothing to send */
	RATE_BUSY,
	RATE_RWND,
	RATE_SNDBUF,
	RATE_WAITS
};

enum {
	PF_NODELAY = 1 << 0,
	PF_CORK = 1 << 1,
	PF_KEEPALIVE = 1 << 3,
	PF_TS = 1 << 4,		/* timestamps negotiated */
	PF_SACK = 1 << 5,	/* SACK permitted by the peer */
	PF_WSCALE = 1 << 6,	/* window scaling negotiated */
	PF_PASSIVE = 1 << 7,	/* MUST-11 */
	PF_ORPHAN = 1 << 8,	/* the user is gone */
	PF_FIN_QUEUED = 1 << 9, /* the user closed his side */
	PF_FIN_SENT = 1 << 10,
	PF_FIN_RCVD = 1 << 11,
	PF_ACK_NOW = 1 << 12,
	PF_ACK_DELAYED = 1 << 13,
	PF_RCV_DISCARD = 1 << 14, /* SHUT_RD */
	PF_CWND_LIMITED = 1 << 15,
	PF_REXMT_NOW = 1 << 16, /* first retransmission of a recovery */
	PF_WANT_WRITABLE = 1 << 17,
	PF_FINISHED = 1 << 18, /* protocol over; data is still unread */
	PF_PROBE_NOW = 1 << 19,
	PF_KEEP_NOW = 1 << 20,
	PF_OVERRIDE = 1 << 21, /* SWS override: send what there is */
	PF_SYN_NOW = 1 << 22,
	PF_WND_CLAMPED = 1 << 23,
	PF_PROGRESS = 1 << 24, /* something acknowledged since we last sent */
	PF_NO_MEMORY = 1 << 25,
};

/* Buffer sizes that follow the path; see tune.c. */
struct tcp_tune {
	bool snd_locked, rcv_locked; /* the user set them */
	uint32_t rtt_us;	     /* as the receiver sees it, 0: not yet */
	uint32_t echo;		     /* of the last sample */
	seq_t rtt_seq;		     /* without timestamps: the window's end */
	mono_t rtt_at, since;
	uint64_t taken;		       /* by the user since then */
	uint32_t unread, unread_since; /* of it and before: now, and then */
	uint32_t space; /* the most that he took in a round trip */
};

/* The search for the path's MTU; see mtu.c.  Bytes of IP packets. */
struct tcp_mtu {
	uint16_t low, high; /* passes; nothing above it does */
	uint16_t size;	    /* of the probe that is out, 0: none */
	seq_t seq, end;	    /* its text */
	uint8_t tries;	    /* of this size */
	bool searching, first;
	bool doubtful;	 /* the probe's text went again */
	mono_t raise_at; /* the path may have changed by then */
};

/* What became of a Fast Open, as in <linux/tcp.h>: from AGAIN on, its data went
 * again. */
enum {
	FASTOPEN_FINE,
	FASTOPEN_NO_COOKIE,
	FASTOPEN_AGAIN,
	FASTOPEN_AGAIN_SYN /* as did the SYN */
};

/* Fast Open, of a connection. */
struct tcp_fo {
	/* Passive: it was handed over, and its SYN-ACK is not acknowledged:
	 * what is needed to send that again, in no table. */
	struct tcp_half *half;
	/* Active. */
	bool on, waits;	 /* pcb_fastopen() */
	bool first;	 /* the SYN to come is the one with the option */
	bool asked, exp; /* it had the option, the experimental one */
	bool bare;
	bool trial;    /* the first since a pause: is the hole gone? */
	uint8_t fail;  /* FASTOPEN_FINE, ... */
	uint32_t sent; /* octets of data in the SYN, which snd_nxt does not
			  count: what is not acknowledged with it is new */
	seq_t again;   /* the end of what went with it in vain */
	bool taken;    /* the SYN's data, by its receiver */
};

/* What is known of a server (RFC 7413 4.1.3). */
struct fastopen_entry {
	struct ipaddr src, dst;
	mono_t used; /* zero: the entry is empty */
	uint16_t mss;
	uint8_t len, cookie[WIRE_TCP_COOKIE_MAX];
	bool exp;	 /* the cookie came with the experimental option */
	uint8_t try_exp; /* 1: to be tried next; 2: to no avail */
};

struct fastopen_state {
	struct siphash_key key[2];
	bool old;	/* the second one is good too */
	mono_t rotated; /* when they were made */
	mono_t paused;	/* when the last black hole was met */
	unsigned pauses;
	struct fastopen_entry cache[FASTOPEN_SETS * FASTOPEN_WAYS];
};

/* What a connection always has, and its user knows it by.  Beside that it has a
 * struct tcb while it is awake; of one that rests that is folded up (rest.c).
 */
struct tcp_pcb {
	struct tcp_node node;
	struct timer timer; /* the earliest of its deadlines */
	struct tcp *t;
	union {
		struct tcb *b;
		struct tcp_rest *rest; /* node.resting */
	};
	void *user;
	LIST_ENTRY(tcp_pcb) peer_link;
};

struct tcb {
	struct tcp_pcb *h;
	struct tcp *t;
	uint32_t owner, orphan_bytes; /* for env.orphan */
	struct tcp_bind *bind;	      /* holds the local port, or NULL */
	uint32_t flags;
	uint8_t state; /* enum tcp_state, set by tcp_set_state() alone */
	uint8_t ca_state;
	struct tcp_path path;

	/* Send side (RFC 9293 3.3.1). */
	seq_t iss, snd_una, snd_nxt, snd_wl1, snd_wl2;
	seq_t snd_sml;		   /* end of the last small segment (Nagle) */
	seq_t recover;		   /* recovery ends here */
	uint32_t snd_wnd, max_wnd; /* MUST-1, REC-1: unsigned, 32 bits */
	uint16_t snd_mss; /* payload of a full segment, options taken off */
	uint16_t peer_mss, max_seg;
	uint8_t snd_wscale, rcv_wscale;
	uint32_t sndbuf;
	struct {
		struct buf *head, *tail, *spare;
		uint32_t head_off; /* acknowledged bytes of head */
		uint32_t bytes;	   /* from snd_una's first data byte on */
		struct buf *cur;   /* cursor: cur starts at cur_pos */
		uint32_t cur_pos;  /* bytes from the queue's start */
		uint32_t returned; /* lent ones, acknowledged so far */
	} sq;
	struct txsegs tx;	 /* all of it, by number */
	struct txtree tx_tree;	 /* the same */
	struct txsegs flying;	 /* not SACKed, not known lost: by sent_at */
	struct txsegs lost;	 /* and not resent: by number */
	struct txseg *turn_hint; /* last put into the middle of either */
	uint32_t sacked_bytes, lost_bytes, retx_bytes;
	uint32_t tx_splits, tx_records;
	uint32_t dupacks;
	uint8_t backoff, probes, syn_retries;
	uint16_t retries; /* R1/R2 count, cleared by progress */
	bool in_doubt;	  /* R1 came: IP is to know, with the next segment */
	mono_t first_retry;
	mono_t advanced; /* when snd_una last moved */

	/* Receive side. */
	seq_t irs, rcv_nxt, rcv_adv, last_ack_sent;
	uint32_t rcvbuf, rcv_clamp, window_clamp, notsent_lowat;
	struct tcp_tune tune;
	struct tcp_mtu mtu;
	uint32_t rcv_bytes; /* in order, not yet taken */
	uint32_t rcv_mss;   /* a full segment as far as seen (delack.c) */
	struct rxqueue rcvq;
	struct rxtree ooo;
	uint32_t ooo_bytes, ooo_segs, ooo_true;
	struct wire_sack rcv_sack[4]; /* newest first */
	uint8_t nrcv_sack;
	struct wire_sack dsack; /* to report with the next ACK, if not empty */
	seq_t fin_seq;		/* of a FIN that came early */
	bool fin_early;
	struct {
		uint32_t delay_us;   /* 0: no text has come yet */
		uint32_t len_before; /* of the last segment; 0: a full one */
		uint8_t quick;	     /* ACKs that go out at once */
		uint8_t ends;	     /* of writes, not acknowledged, to 2 */
		uint8_t asked;	     /* enum tcp_quick, by the user */
		bool pingpong;	     /* answers of ours carry the ACKs */
	} ack;
	/* Marks: the octet behind the urgent ones (urgent.c). */
	struct {
		seq_t snd_up, rcv_up;
		bool sending, coming; /* they mean something */
	} urg;

	/* Timestamps (RFC 7323). */
	uint32_t ts_recent, ts_off;
	uint32_t syn_tsval; /* our first SYN's timestamp */
	mono_t ts_recent_at;
	/* What it was when a gap opened, and rcv_nxt then (input.c). */
	struct {
		uint32_t ts_recent;
		seq_t nxt;
	} gap;

	/* RACK (RFC 8985 5.2): of what came, the one that was sent last. */
	struct {
		mono_t xmit_at; /* zero: nothing came yet */
		seq_t end;
		uint32_t rtt_us;
		seq_t fack;	    /* beyond the highest number that came */
		uint32_t wnd_mult;  /* the window: quarters of the RTT */
		uint32_t persist;   /* recoveries until it is one again */
		seq_t dsack_round;  /* one DSACK counts until then */
		uint32_t degree;    /* of reordering seen, in segments */
		uint32_t reordered; /* times that it was seen */
	} rack;

	/* Is this recovery for nothing?  (undo.c) */
	struct {
		seq_t marker;	     /* snd_una as it began */
		seq_t fack;	     /* rack.fack then */
		mono_t first;	     /* retransmission; zero: none yet */
		uint32_t resent;     /* octets, less those that came twice */
		uint32_t dsack_dups; /* segments, over the whole life */
		bool on, dsacked;
		bool hold; /* nothing more goes again for now */
	} undo;
	struct {
		bool on;
		bool fresh; /* new data goes rather than what is lost */
	} frto;

	/* Time-outs of the retransmission timer, for TCP_INFO. */
	struct {
		uint32_t total, recoveries;
		int64_t spent_us;
		mono_t since; /* of the present recovery; zero: there is none */
	} rto;

	/* The tail loss probe (RFC 8985 7.1). */
	struct {
		seq_t end;   /* snd_nxt when it went */
		bool now;    /* to be sent */
		bool out;    /* not yet known what became of it */
		bool resent; /* it was no new data */
	} tlp;

	/* Proportional rate reduction (RFC 9937 5): bytes. */
	struct {
		uint32_t delivered, out, flight; /* flight 0: not at work */
	} prr;

	/* RTT (RFC 6298). */
	uint32_t srtt_us, rttvar_us, rto_us, min_rtt_us;
	struct tcp_cc cc;
	struct {
		uint64_t delivered, lost; /* bytes, in all */
		uint64_t packets;     /* of delivered, and the SYN or SYN-ACK */
		uint64_t lost_told;   /* of lost, to congestion control */
		uint64_t app_limited; /* until delivered is more; 0: not */
		mono_t delivered_at;  /* when delivered last moved */
		mono_t first_tx;      /* when the newest delivered one went */
		mono_t since;	      /* the sample: its start ... */
		int64_t sent_us;      /* ... and how long sending took */
		bool sampled;
		bool limited, best_limited;
		uint32_t max_out; /* in this window's time */
		seq_t window_end;
		uint64_t best_delivered, best_us; /* for TCP_INFO */
		enum rate_wait wait;		  /* since wait_at */
		mono_t wait_at;
		int64_t wait_us[RATE_WAITS];
		struct cc_ack ack; /* being worked through */
	} rate;

	struct {
		uint64_t max_rate; /* bytes a second; 0: none */
		uint64_t rest;	   /* of a microsecond, times the rate */
		mono_t next;	   /* no data before */
	} pace;
	struct tcp_ecn ecn;
	struct tcp_fo fo;
	struct {
		struct tcp_keys *keys;	   /* as the user gave them */
		const struct tcp_key *key; /* of these, the peer's */
		uint8_t room; /* bytes of options that signatures take */
	} md5;

	/* The timer is the earliest of these. */
	mono_t deadline[TMR_N];
	uint32_t user_timeout_us, keepidle_s, keepintvl_s, linger2_s;
	uint8_t keepcnt, max_syn_retries, tos, ttl;
	mono_t last_rcv, last_snd; /* data */
	mono_t last_ack, challenged, oow_acked;

	/* Lists and events. */
	TAILQ_ENTRY(tcb) ready_link, event_link;
	TAILQ_ENTRY(tcb) ooo_link;   /* while ooo_segs > 0 */
	TAILQ_ENTRY(tcb) awake_link; /* by looked_at */
	mono_t looked_at;	     /* could it rest? */
	bool on_ready, on_events;
	uint32_t said; /* tcp.turn when the last segment went */
	unsigned events;
	int error, soft_error;

	/* For pcb_info(). */
	uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retrans;
	uint64_t segs_out, segs_in, data_segs_out, data_segs_in;
	uint32_t total_retrans, ooo_total;
};
TAILQ_HEAD(tcbs, tcb);
_Static_assert(offsetof(struct tcp_pcb, timer) == sizeof(struct tcp_node) &&
		   offsetof(struct tcp_half, timer) == sizeof(struct tcp_node),
    "both are found by it");

struct tcp_bind {
	RB_ENTRY(tcp_bind) node; /* by port, address and creation */
	struct tcp *t;
	struct ipaddr addr;
	uint64_t serial;
	uint16_t port;
	uint16_t flags;
	bool listening, released;
	uint32_t owner, backlog, nhalf;
	mono_t cookies_until; /* SYN cookies may come back until then */
	uint32_t refs;	      /* connections that use the port, and the user */
	uint32_t tws;	      /* TIME-WAITs that do */
	struct tcp_opts opts; /* of connections that come */
	const struct tcp_cc_ops *cc; /* NULL: the layer's */
	void *user;
	struct tcp_keys *keys;
	TAILQ_HEAD(, tcp_half) halves;
	struct {
		uint32_t pending; /* handed over before their handshake's end */
		uint32_t held;	  /* that were reset, and count for a while */
		uint32_t slots[FASTOPEN_HOLD_SLOTS]; /* held, by time */
		int64_t slot;			     /* the newest */
	} fo;
};
RB_HEAD(bindtree, tcp_bind);

/* A segment without payload that belongs to no pcb. */
struct tcp_ctl {
	struct tuple id;
	struct wire_tcp h;
	uint8_t tos, ttl;
};
#define TCP_CTL_QUEUE 4096

#define TCP_PEERS 4096
LIST_HEAD(tcp_peers, tcp_pcb);

struct tcp {
	struct tcp_config cfg;
	const struct tcp_cc_ops *cc;
	struct rng rng;
	struct siphash_key key_table, key_isn, key_port, key_ts, key_cookie;
	struct conn_table conns;
	struct bindtree binds;
	uint64_t bind_serial;
	uint32_t port_moved[TCP_PORT_COUNTERS]; /* RFC 6056 3.3.4's table */
	struct tuple full; /* no port is free to this peer until then */
	mono_t full_until;
	struct timerq timers; /* pcbs and half-open ones */
	struct tw_store tw;
	struct tcbs ready, events, awake;
	struct tcp_peers peers[TCP_PEERS]; /* all, by the remote address */
	struct tcbs ooos;		   /* that have text out of order */
	size_t resting;
	mono_t turned;	       /* the time as it was last known */
	struct tcb *delivered; /* GONE was handed out: free it next */
	struct slab pcbs, tcbs, halves, txsegs, rxsegs, bindslab;
	struct tcp_ctl *ctl;
	unsigned ctl_head, ctl_n;
	size_t orphans;
	uint32_t turn; /* what we sent to ourselves in one comes in the next */
	struct fastopen_state fo;
	struct {
		struct slab keys, mkts, sets, tw_slab;
		struct signedtws tws;
	} md5;
	struct tcp_stats st;
};

/* A received segment on its way through input.c. */
struct seg {
	const struct tcp_in *in;
	struct tuple id; /* our side first */
	struct wire_tcp h;
	seq_t seq, ack;
	uint32_t off, len; /* payload in in->buf; trimmed as it is checked */
	uint32_t raw_len;  /* as it came */
	uint32_t wnd;	   /* scaled */
	unsigned nsegs;	   /* segments of a GRO train */
	bool fin;
	seq_t fin_seq;	    /* the FIN's own number */
	bool no_ace;	    /* its ECN flags are the handshake's */
	bool has_iss_floor; /* a SYN that reopens a TIME-WAIT */
	seq_t iss_floor;
	struct signer by; /* it was signed; what answers it is signed so */
	mono_t now;
};

enum step {
	NEXT,
	DROP,
	DONE
};

/* ---- layer.c ---- */
struct tcp_node *conn_find(const struct tcp *t, const struct tuple *id);
bool conn_insert(struct tcp *t, struct tcp_node *n);
bool conn_table_full(const struct tcp *t);
void conn_remove(struct tcp *t, struct tcp_node *n);
/* Where the connections with addr are, among others. */
struct tcp_peers *conn_peers(struct tcp *t, const struct ipaddr *addr);
void tcp_ctl_send(struct tcp *t, const struct tuple *id,
    const struct wire_tcp *h, uint8_t tos, uint8_t ttl,
    const struct signer *by);
void tcp_send_rst_for(struct tcp *t, struct seg *s);
uint32_t tcp_ts_now(mono_t now, uint32_t ts_off);
uint32_t tcp_ts_offset(const struct tcp *t, const struct tuple *id);
seq_t tcp_isn(const struct tcp *t, const struct tuple *id, mono_t now);

/* Of a connection that is awake. */
static inline struct tcb *
node_tcb(const struct tcp_node *n)
{
	CHECK(n->kind == NODE_PCB && !n->resting);
	return ((const struct tcp_pcb *)n)->b;
}

/* Bytes of an IP and a TCP header without options, between addresses of a's
 * family. */
static inline uint16_t
tcp_hdrs(const struct ipaddr *a)
{
	return ipaddr_is_v4(a) ? 40 : 60;
}

/* What a peer takes who names no MSS. */
static inline uint16_t
tcp_default_mss(const struct ipaddr *a)
{
	return ipaddr_is_v4(a) ? TCP_DEFAULT_MSS : TCP_DEFAULT_MSS6;
}

/* The MSS to announce, always (SHLD-5, MAY-3): what we can receive (MUST-67),
 * whatever happens (SHLD-6), not what the path to the peer is known to carry.
 */
static inline uint16_t
tcp_adv_mss(const struct tcp_path *path, uint16_t max_seg)
{
	uint16_t mss = (uint16_t)(path->rcv_mtu - tcp_hdrs(&path->src));

	return max_seg != 0 && max_seg < mss ? max_seg : mss;
}

static inline enum step
drop(struct tcp *t, enum drop why)
{
	drop_count(t->cfg.drops, why);
	return DROP;
}

/* ---- bind.c ---- */
int bind_cmp(struct tcp_bind *a, struct tcp_bind *b);
RB_PROTOTYPE(bindtree, tcp_bind, node, bind_cmp)
/* The congestion control of the connections that b makes. */
const struct tcp_cc_ops *bind_cc(const struct tcp_bind *b);
struct tcp_bind *bind_lookup(struct tcp *t, const struct tuple *id);
int bind_pick_port(struct tcp *t, struct tuple *id, mono_t now);
void bind_port_freed(struct tcp *t, const struct tuple *id);
void bind_ref(struct tcp_bind *b);
void bind_unref(struct tcp_bind *b);
/* A TIME-WAIT of this local address and port, counted in a bind, is over. */
void bind_tw_gone(struct tcp *t, const struct tuple *id);

/* ---- half.c ---- */
void half_syn(struct tcp_bind *b, struct seg *s);
enum step half_cookie(struct tcp_bind *b, struct tcp_half *old, struct seg *s);
enum step half_input(struct tcp *t, struct tcp_half *h, struct seg *s);
void half_timeout(struct tcp *t, struct tcp_half *h, mono_t now);
void half_free(struct tcp *t, struct tcp_half *h);
void half_reset(struct tcp *t, struct tcp_half *h);
uint8_t half_wscale(const struct tcp_half *h); /* ours, if he scales */
/* The SYN-ACK, with fo if that is not NULL. */
void half_synack(struct tcp *t, struct tcp_half *h,
    const struct wire_fastopen *fo, mono_t now);
/* What the SYN s says and how it is answered; our ISN. */
void half_describe(struct tcp_bind *b, struct tcp_half *h, const struct seg *s,
    const struct tcp_path *path);
/* The connection that h becomes, but for the window and the marks of its ACK;
 * acked: that has come, and is measured. */
struct tcb *half_promote(
    struct tcp *t, const struct tcp_half *h, bool acked, mono_t now);
/* The round-trip time of the SYN-ACK, acknowledged now. */
void half_measure(struct tcb *p, const struct tcp_half *h, mono_t now);
/* How long the SYN-ACK's next answer is waited for, us. */
int64_t half_patience(const struct tcp_half *h);

/* ---- fastopen.c ---- */
void fastopen_init(struct tcp *t, mono_t now);
/* May the SYN s become a connection at once?  *answer: what its SYN-ACK has. */
bool fastopen_admits(
    struct tcp_bind *b, const struct seg *s, struct wire_fastopen *answer);
/* Makes it; NEXT: it cannot be, the SYN is one as any other. */
enum step fastopen_child(struct tcp_bind *b, struct seg *s,
    const struct tcp_path *path, struct wire_fastopen *answer);
/* The SYN once more. */
bool fastopen_syn_again(struct tcb *p, const struct seg *s);
/* Is this the acknowledgment that ends the handshake?  Then it is over. */
bool fastopen_acked(struct tcb *p, struct seg *s);
/* The peer reset it before. */
void fastopen_reset(struct tcb *p, mono_t now);
bool fastopen_timeout(struct tcb *p, mono_t now);
/* The handshake is over in whatever way. */
void fastopen_done(struct tcb *p);

/* ---- fastsyn.c ---- */
/* The first SYN of a Fast Open: its option and its data, if it has any. */
void fastsyn_fill(
    struct tcb *p, struct wire_tcp *h, struct tcp_out *out, mono_t now);
/* There is data, or an end of it: what waited for that begins. */
void fastsyn_begin(struct tcb *p, mono_t now);
/* May the SYN's acknowledgment say ack?  How much of its data that is. */
bool fastsyn_acceptable(const struct tcb *p, seq_t ack);
/* Has what is at seq not been in a SYN? */
static inline bool
fastsyn_fresh(const struct tcb *p, seq_t seq)
{
	return p->fo.fail < FASTOPEN_AGAIN || seq_geq(seq, p->fo.again);
}
/* How many of n octets from seq on have; 0: none. */
static inline uint32_t
fastsyn_left(const struct tcb *p, seq_t seq, uint32_t n)
{
	uint32_t left =
	    fastsyn_fresh(p, seq) ? 0 : (uint32_t)seq_diff(p->fo.again, seq);

	return left < n ? left : n;
}
/* It is acknowledged, by s. */
void fastsyn_acked(struct tcb *p, const struct seg *s);
/* The retransmission timer fired; expired: for the last time. */
void fastsyn_timeout(struct tcb *p, bool expired, mono_t now);
/* The SYN was too big for the way: true, it goes again without its data. */
bool fastsyn_too_big(struct tcb *p, uint16_t mtu, mono_t now);
/* The connection is gone: what does its end say about the way? */
void fastsyn_gone(struct tcb *p, mono_t now);

/* ---- cookie.c ---- */
/* Sets h's ISN and the timestamp offset of its SYN-ACK at now, and takes away
 * the options that cannot be kept; false: the peer's MSS is too small. */
bool cookie_encode(const struct tcp *t, struct tcp_half *h, mono_t now);
/* Is s the answer to a cookie?  Then what it brought back is in h. */
bool cookie_decode(
    const struct tcp *t, const struct seg *s, struct tcp_half *h);
/* Could it be, though it does not match?  The cookie is bound to the peer's
 * first octet, and what overtakes that one is no reason to reset. */
bool cookie_maybe(const struct tcp *t, const struct seg *s);
/* b sends one: their answers are expected for a while. */
void cookie_note(struct tcp_bind *b, mono_t now);

/* ---- md5.c ---- */
int tcp_key_cmp(struct tcp_key *a, struct tcp_key *b);
RB_PROTOTYPE(keytree, tcp_key, node, tcp_key_cmp)
int signed_tw_cmp(struct tcp_signed_tw *a, struct tcp_signed_tw *b);
RB_PROTOTYPE(signedtws, tcp_signed_tw, node, signed_tw_cmp)
void md5_init(struct tcp *t);
void md5_done(struct tcp *t);
void md5_free(struct tcp *t, struct tcp_keys **set);
/* b's key for a peer, or NULL. */
const struct tcp_key *md5_key(
    const struct tcp_bind *b, const struct ipaddr *peer);
/* A set to put keys into; false: no memory.  Then, if it is not needed: */
bool md5_want_set(struct tcp *t, struct tcp_keys **set);
void md5_unwant_set(struct tcp *t, struct tcp_keys **set);
/* What p's keys mean for it, which have changed. */
void md5_adopt(struct tcb *p);
/* The keys for its peer become p's, h's (NULL: p is an active one) among
 * them; false: no memory, or h's is gone. */
bool md5_inherit(
    struct tcb *p, const struct tcp_bind *b, const struct tcp_half *h);
/* Is s, for n or perhaps for a listener, signed as it must be? */
bool md5_input(struct tcp *t, struct tcp_node *n, struct seg *s);
/* May s be answered with a reset?  Only if that can be signed as s is. */
bool md5_may_reset(struct tcp *t, struct seg *s);
/* Makes room for p's signature in a header; fills it in. */
void md5_option(const struct tcb *p, struct wire_tcp *h);
void md5_sign(struct tcb *p, struct tcp_out *out);
void md5_sign_ctl(const struct tcp *t, const struct signer *by,
    const struct tuple *id, struct wire_tcp *h);
/* Who signs for them; false: h's key is gone, and nothing can be sent. */
struct signer md5_signer_pcb(struct tcb *p);
bool md5_signer_half(const struct tcp_half *h, struct signer *by);
struct signer md5_signer_tw(const struct tcp *t, const struct tuple *id);
/* p's key is its TIME-WAIT's from now on; false: no memory. */
bool md5_tw_enter(struct tcb *p);
void md5_tw_gone(struct tcp *t, const struct tuple *id);
/* The pseudo header and the header without options (RFC 2385 2.0, RFC 5925
 * 5.1) of a segment of len bytes in all, whose header is at tcp; returns the
 * bytes written to b.  The checksum counts as zero. */
#define HEAD_MAX (40 + WIRE_TCP_HDR_MIN)
size_t md5_put_head(uint8_t b[HEAD_MAX], const struct ipaddr *src,
    const struct ipaddr *dst, const uint8_t *tcp, uint32_t len);

static inline bool
seg_signed(const struct seg *s)
{
	return s->by.md5 != NULL || s->by.ao != NULL;
}

/* ---- aokeys.c ---- */
/* The first key for peer (NULL: anybody) with these ids; -1: any. */
struct tcp_mkt *ao_find(
    const struct tcp_ao *a, const struct ipaddr *peer, int sndid, int rcvid);
/* Must what comes from peer be signed? */
bool ao_due(const struct tcp_keys *set, const struct ipaddr *peer);
bool ao_inherit(
    struct tcb *p, const struct tcp_bind *b, const struct tcp_half *h);
void ao_free(struct tcp *t, struct tcp_ao *a);
void ao_check(const struct tcb *p);

/* ---- ao.c ---- */
/* k's traffic keys, of a connection whose initial numbers a knows. */
void ao_derive(const struct tcp *t, const struct tuple *id,
    const struct tcp_ao *a, struct tcp_mkt *k);
/* s has the option, and is for n or (NULL) a listener, whose keys these are. */
bool ao_input(
    struct tcp *t, struct tcp_node *n, struct tcp_keys *set, struct seg *s);
void ao_half(struct tcp_half *h, const struct seg *s);
void ao_option(const struct tcb *p, struct wire_ao *o);
void ao_sign(struct tcb *p, struct tcp_out *out);
void ao_sign_ctl(const struct tcp *t, const struct signer *by,
    const struct tuple *id, struct wire_tcp *h);
struct signer ao_signer_pcb(struct tcb *p);
struct signer ao_signer_tw(const struct tcp_keys *set);
bool ao_signer_half(const struct tcp_half *h, struct signer *by);
/* Is this error, about a connection, of no account? */
bool ao_ignores(struct tcb *p, enum tcp_icmp what);
/* p becomes TIME-WAIT's. */
void ao_settle(struct tcb *p);

/* Bytes of options beside those that every segment of p has. */
static inline uint32_t
tcp_option_room(const struct tcb *p)
{
	return TCP_OPTION_ROOM - (p->flags & PF_TS ? 12u : 0u) - p->md5.room;
}

/* ---- timewait.c ---- */
void tw_init(struct tcp *t, mono_t now);
void tw_done(struct tcp *t);
mono_t tw_deadline(const struct tcp *t);
size_t tw_bytes(const struct tcp *t);
void tw_foreach(const struct tcp *t,
    void (*fn)(void *arg, const struct tcp_tw *w, mono_t expires), void *arg);
void tw_enter(struct tcb *p, mono_t now);
void tw_input(struct tcp *t, struct tcp_tw *w, struct seg *s);
void tw_free(struct tcp *t, struct tcp_tw *w);
void tw_ack(struct tcp *t, struct tcp_tw *w, mono_t now);
void tw_expire(struct tcp *t, mono_t now);
/* May a new connection of ours take this 4-tuple over (SHLD-4, RFC 6191)? */
bool tw_reusable(const struct tcp *t, const struct tcp_tw *w, mono_t now);

/* ---- pcb.c ---- */
struct tcb *pcb_new(struct tcp *t, const struct tuple *id, mono_t now);
/* All of p but its lists; p is zero. */
void pcb_init(struct tcb *p, struct tcp_pcb *h, mono_t now);
void pcb_free(struct tcb *p);
void tcp_set_state(struct tcb *p, enum tcp_state to);
void pcb_event(struct tcb *p, unsigned bits);
void pcb_ready(struct tcb *p);
/* The connection is over: error 0 or an errno.  p may be freed here. */
void pcb_dead(struct tcb *p, int error);
/* Like pcb_dead(p, 0), but unread data stays readable first. */
void pcb_finished(struct tcb *p);
void pcb_timer(struct tcb *p, enum tcp_timer which, mono_t when);
void pcb_set_mss(struct tcb *p);
void pcb_check(const struct tcb *p, mono_t now);
void pcb_opts_apply(struct tcb *p, const struct tcp_opts *o);

static inline bool
timer_on(const struct tcb *p, enum tcp_timer which)
{
	return !mono_is_never(p->deadline[which]);
}

static inline bool
synchronized(const struct tcb *p)
{
	/* A Fast Open's numbers are known on both sides before the end of its
	 * handshake. */
	return p->state != TCPS_CLOSED && p->state != TCPS_SYN_SENT &&
	       (p->state != TCPS_SYN_RECEIVED || p->fo.half != NULL);
}

/* ---- rest.c ---- */
struct tcb *rest_end(struct tcp_pcb *h);
/* h's control block, unfolded if it rests; NULL: no memory. */
static inline struct tcb *
pcb_awake(struct tcp_pcb *h)
{
	return h->node.resting ? rest_end(h) : h->b;
}
/* The same to look at: a copy at room if it rests. */
const struct tcb *pcb_look(const struct tcp_pcb *h, struct tcb *room);
/* p has just become awake, or was made. */
void rest_later(struct tcb *p, mono_t now);
void rest_expire(struct tcp *t, mono_t now);

/* ---- what the calls of tcp.h do ---- */
void pcb_fastopen(struct tcb *p, bool waits, mono_t now);
int pcb_set_md5(struct tcb *p, const struct tcp_md5 *m);
size_t pcb_keys(const struct tcb *p);
int pcb_ao_add(struct tcp_bind *b, struct tcb *p, const struct tcp_ao_key *k);
int pcb_ao_del(struct tcp_bind *b, struct tcb *p, const struct tcp_ao_key *k,
    const struct tcp_ao_want *w);
int pcb_ao_set(struct tcp_bind *b, struct tcb *p, const struct tcp_ao_info *i);
int pcb_ao_get(
    const struct tcp_bind *b, const struct tcb *p, struct tcp_ao_info *i);
int pcb_soft_error(struct tcb *p);
void pcb_clamp_window(struct tcb *p, uint32_t bytes);
void pcb_shutdown(struct tcb *p, mono_t now);
void pcb_close(struct tcb *p, mono_t now);
void pcb_abort(struct tcb *p, mono_t now);
void pcb_get_opts(const struct tcb *p, struct tcp_opts *out);
int pcb_apply_opts(struct tcb *p, const struct tcp_opts *o, mono_t now);
void pcb_info(const struct tcb *p, struct tcp_info_out *out, mono_t now);
unsigned pcb_send_reserve(
    struct tcb *p, struct span *spans, unsigned max, size_t want);
void pcb_send_commit(struct tcb *p, size_t n, mono_t now);
bool pcb_send_lend(struct tcb *p, const struct tcp_lent *l, mono_t now);
size_t pcb_send_space(const struct tcb *p);
void pcb_send_last(struct tcb *p, uint32_t n);
size_t pcb_send_queued(const struct tcb *p);
size_t pcb_send_unsent(const struct tcb *p);
void pcb_send_urgent(struct tcb *p, mono_t now);
unsigned pcb_recv_peek(const struct tcb *p, struct span *spans, unsigned max);
void pcb_recv_consume(struct tcb *p, size_t n, mono_t now);
void pcb_recv_unread(struct tcb *p, uint32_t bytes);
size_t pcb_recv_queued(const struct tcb *p);
uint32_t pcb_recv_urgent(const struct tcb *p);
bool pcb_recv_eof(const struct tcb *p);
void pcb_recv_discard(struct tcb *p, mono_t now);

/* ---- sendq.c ---- */
void sendq_ack(struct tcb *p, uint32_t bytes);
/* Less is unacknowledged or unsent: is there room for a user who waits? */
void sendq_wake(struct tcb *p);
unsigned sendq_spans(struct tcb *p, uint32_t pos, uint32_t *len,
    struct span *spans, unsigned max);
void sendq_free(struct tcb *p);

/* ---- ack.c ---- */
enum step ack_input(struct tcb *p, struct seg *s);

/* ---- scoreboard.c ---- */
int txseg_cmp(struct txseg *a, struct txseg *b);
RB_PROTOTYPE(txtree, txseg, node, txseg_cmp)
void scoreboard_init(struct tcb *p);
uint32_t tcp_outstanding(const struct tcb *p);
uint32_t tcp_pipe(const struct tcb *p);
/* As many records as this connection may have? */
bool txseg_full(const struct tcb *p);
/* How many packets the first n bytes of x are.  Only the last may be short, so
 * that whole ones count right; a part counts as one. */
static inline uint32_t
txseg_packets(const struct txseg *x, uint32_t n)
{
	uint32_t len = x->len - (x->flags & TX_FIN ? 1u : 0u), packets;

	if (n >= len)
		return x->packets;
	packets = (uint32_t)((uint64_t)x->packets * n / len);
	return packets > 0 ? packets : 1;
}
/* And the others. */
static inline uint16_t
txseg_packets_after(const struct txseg *x, uint32_t n)
{
	uint32_t packets = txseg_packets(x, n);

	return (uint16_t)(packets < x->packets ? x->packets - packets : 1);
}
struct txseg *txseg_add(struct tcb *p, seq_t seq, uint32_t len, mono_t now);
bool txseg_split(struct tcb *p, struct txseg *x, uint32_t len);
void txseg_mark_lost(struct tcb *p, struct txseg *x);
/* Nothing is lost after all, of which the first went again at since. */
void txseg_unmark_lost(struct tcb *p, mono_t since);
/* x went again: it was lost, or is a probe. */
void txseg_resent(struct tcb *p, struct txseg *x, mono_t now);
/* Takes what is below ack off the list; *rtt and *retx_at as in ack.c. */
void txseg_ack(
    struct tcb *p, struct ackinfo *a, seq_t ack, int64_t *rtt, mono_t *retx_at);
void txseg_free_all(struct tcb *p);
/* The segment's SACK blocks. */
void sack_input(struct tcb *p, struct ackinfo *a);
/* SACKs are void: the peer has thrown away what it SACKed. */
void sack_forget(struct tcb *p);

/* ---- rack.c ---- */
/* x, as far as end, is newly known to be there; false: by what went first, and
 * it was sent again for nothing. */
bool rack_delivered(
    struct tcb *p, struct ackinfo *a, const struct txseg *x, seq_t end);
/* What begins at seq was overtaken by what ends at fack. */
void rack_overtaken(struct tcb *p, seq_t seq, seq_t fack);
/* Adapts the reordering window to what DSACKs tell. */
void rack_window(struct tcb *p, const struct ackinfo *a);
/* A recovery has ended, and it was not for nothing. */
void rack_recovered(struct tcb *p);
/* Marks what is lost; returns its bytes.  The timer is set for the rest. */
uint32_t rack_detect_loss(struct tcb *p, mono_t now);
/* The same for all that went before a time-out (RFC 8985 6.3). */
void rack_mark_on_rto(struct tcb *p, mono_t now);
bool rack_timeout(struct tcb *p, mono_t now);

/* ---- tlp.c ---- */
void tlp_arm(struct tcb *p, mono_t now);
bool tlp_timeout(struct tcb *p, mono_t now);
struct txseg *tlp_last(struct tcb *p, uint32_t mss);
/* The probe went: new data, or resent. */
void tlp_sent(struct tcb *p, bool resent, mono_t now);
void tlp_cancel(struct tcb *p);
void tlp_ack(struct tcb *p, const struct ackinfo *a);

/* ---- undo.c ---- */
void undo_begin(struct tcb *p);
void undo_resent(struct tcb *p, uint32_t n, mono_t now);
void dsack_input(struct tcb *p, struct ackinfo *a);
/* Each: was it for nothing?  Then it has been taken back, or soon will be. */
bool undo_at_end(struct tcb *p, const struct ackinfo *a);
bool undo_partial(struct tcb *p, const struct ackinfo *a);
void undo_by_dsack(struct tcb *p);
bool undo_loss(struct tcb *p, const struct ackinfo *a);
/* A time-out; fits: F-RTO can tell whether it was needless. */
void frto_begin(struct tcb *p, bool fits);

/* ---- recovery.c ---- */
bool is_dupack(const struct tcb *p, const struct seg *s);
/* After all else that an ACK does. */
void recovery_ack(struct tcb *p, struct ackinfo *a);
/* Something was found lost without an ACK. */
void recovery_lost(struct tcb *p, uint32_t lost);
/* What is marked lost goes again, and congestion has nothing to do with it. */
void recovery_resend(struct tcb *p);
/* ECN's feedback shows a mark, with an ACK that does a; what was out then is
 * acknowledged. */
void recovery_marked(struct tcb *p, const struct ackinfo *a);
void recovery_marked_over(struct tcb *p);
/* The retransmission timer fired. */
void tcp_enter_loss(struct tcb *p, mono_t now);

/* ---- rtt.c ---- */
void tcp_rtt_sample(struct tcb *p, int64_t rtt_us);
/* The sample that the echoed timestamp of s gives for what was retransmitted,
 * last at retx_at. */
void tcp_rtt_from_timestamp(struct tcb *p, const struct seg *s, mono_t retx_at);
int64_t tcp_rto(const struct tcb *p);

/* ---- rate.c ---- */
/* x goes out, again perhaps, and is not in the pipe yet. */
void rate_sent(struct tcb *p, struct txseg *x, mono_t now);
/* n bytes of x are there: acknowledged, or SACKed before that; by its last
 * transmission? */
void rate_delivered(
    struct tcb *p, const struct txseg *x, uint32_t n, bool last);
/* x is newly lost. */
void rate_lost(struct tcb *p, const struct txseg *x);
/* An acknowledgment: p->rate.ack is filled in between these two, and the
 * second lets congestion control know. */
void rate_ack_begin(struct tcb *p, mono_t now);
void rate_ack_end(struct tcb *p);
/* pcb_output() has nothing more for now. */
void rate_output_done(struct tcb *p, mono_t now);
void rate_info(const struct tcb *p, struct tcp_info_out *o, mono_t now);

/* ---- mtu.c ---- */
void mtu_established(struct tcb *p, mono_t now);
/* A router says so; checked to be about what is out. */
void mtu_too_big(struct tcb *p, uint16_t mtu, mono_t now);
/* The retransmission timer fired, p->retries times now. */
void mtu_timeout(struct tcb *p);
/* The payload of a probe that may go now, 0: none. */
uint32_t mtu_probe_len(
    struct tcb *p, uint32_t mss, uint32_t unsent, mono_t now);
/* It goes, as text from seq on. */
void mtu_probe_sent(struct tcb *p, seq_t seq, uint32_t len);
bool mtu_is_probe(const struct tcb *p, seq_t seq);
/* It is lost, while others arrived. */
void mtu_probe_lost(struct tcb *p);
/* snd_una has moved. */
void mtu_ack(struct tcb *p, mono_t now);

/* ---- tune.c ---- */
/* All buffers together are beyond three quarters of their limit; beyond seven
 * eighths. */
bool tune_pressed(const struct tcp *t);
bool tune_short(const struct tcp *t);
/* How much of room may be offered now. */
uint32_t tune_window(const struct tcb *p, uint32_t room);
/* The window scale to offer: for the rcvbuf that the user set, or (0) for what
 * it may become by itself. */
uint8_t tune_wscale(const struct tcp *t, uint32_t locked);
void tune_established(struct tcb *p, mono_t now);
/* cwnd may have grown. */
void tune_sndbuf(struct tcb *p);
/* Text came in order, from s; before it is acknowledged. */
void tune_segment(struct tcb *p, const struct seg *s);
/* More came in this round trip than in any before. */
bool tune_growing(const struct tcb *p, mono_t now);
/* The user took n bytes. */
void tune_taken(struct tcb *p, size_t n, mono_t now);
/* ---- pacing.c ---- */
uint64_t pacing_rate(const struct tcb *p);    /* bytes a second; 0: none */
uint32_t pacing_quantum(const struct tcb *p); /* bytes in one burst */
/* It is too early for data: the timer is set. */
bool pacing_holds(struct tcb *p, mono_t now);
void pacing_sent(struct tcb *p, uint32_t len, mono_t now);

/* ---- ecn.c ---- */
unsigned ecn_ace(uint16_t flags); /* AE, CWR and ECE as a number */
uint16_t ecn_ace_flags(unsigned ace);
uint16_t ecn_syn_flags(struct tcb *p);
uint16_t ecn_synack_flags(const struct tcb *p);
/* The first SYN-ACK; a SYN instead of it; the SYN-ACK again. */
void ecn_synack(struct tcb *p, const struct seg *s);
void ecn_simultaneous(struct tcb *p, const struct seg *s);
void ecn_simultaneous_synack(const struct tcb *p, struct wire_tcp *w);
/* After that: an acknowledgment of a connection, the peer's SYN-ACK or not. */
void ecn_crossed(struct tcb *p, struct seg *s, bool synack);
void ecn_synack_again(struct tcb *p, const struct seg *s);
void ecn_half_syn(const struct tcp *t, struct tcp_half *h, const struct seg *s);
bool ecn_half_again(struct tcp_half *h, const struct seg *s);
void ecn_half_synack(
    const struct tcp *t, struct tcp_half *h, struct wire_tcp *w);
void ecn_half_ack(const struct tcp_half *h, struct wire_tcp *w);
void ecn_promote(struct tcb *p, const struct tcp_half *h, struct seg *s);
/* The two halves of it, when there is time between them. */
void ecn_child(struct tcb *p, const struct tcp_half *h, enum ecn_mode mode);
void ecn_child_acked(struct tcb *p, const struct tcp_half *h, struct seg *s);
void ecn_established(const struct tcb *p);
void ecn_arrived(struct tcb *p, const struct seg *s);
/* The marks of a segment whose header is h but for them and whose IP header
 * has *tos; fresh: its len bytes at seq are new data. */
void ecn_leaves(
    struct tcb *p, struct wire_tcp *h, uint8_t *tos, seq_t seq, uint32_t len);
bool ecn_bursts(const struct tcb *p); /* may GSO be used now? */
/* s acknowledges n bytes newly: how many of them were marked. */
uint32_t ecn_feedback(struct tcb *p, const struct seg *s, uint32_t n);
void ecn_reduced(struct tcb *p);
void ecn_info(const struct tcb *p, struct tcp_ecn_info *o);

uint8_t ecn_syn_field(struct tcb *p, uint16_t flags);
uint8_t ecn_reset_field(const struct tcb *p);
uint8_t ecn_half_field(const struct tcp_half *h, const struct wire_tcp *w);

/* ---- dctcp_echo.c ---- */
void dctcp_arrived(struct tcb *p, const struct seg *s, unsigned field);
void dctcp_turn(struct tcb *p, struct wire_tcp *h);
void dctcp_turn_told(struct tcb *p);

/* ---- accecn.c ---- */
void accecn_init(struct tcb *p);
void accecn_synack(struct tcb *p, const struct seg *s);
void accecn_synack_ce(struct tcb *p);
void accecn_arrived(struct tcb *p, const struct seg *s, unsigned field);
void accecn_first_option(struct wire_tcp *w);
uint32_t accecn_option_len(const struct tcb *p); /* with data; bytes */
void accecn_option(struct tcb *p, struct wire_tcp *h, uint32_t len);
/* What begins at seq goes again. */
void accecn_lost(struct tcb *p, seq_t seq);
uint32_t accecn_feedback(struct tcb *p, const struct seg *s, uint32_t n);
void accecn_info(const struct tcb *p, struct tcp_ecn_info *o);

/* ---- reasm.c ---- */
/* Memory is short: gives up what waits out of order until it is not. */
void reasm_reclaim(struct tcp *t);
int rxseg_cmp(struct rxseg *a, struct rxseg *b);
RB_PROTOTYPE(rxtree, rxseg, node, rxseg_cmp)
/* A gap opens, or stands so long that it counts as one that opens now. */
void paws_gap(struct tcb *p);
void reasm_input(struct tcb *p, struct seg *s);
/* len octets in order, at off in buf, are the user's; false: no memory. */
bool reasm_append(struct tcb *p, struct buf *buf, uint32_t off, uint32_t len);
void reasm_early_fin(struct tcb *p);
void reasm_free(struct tcb *p);
void reasm_end(struct tcb *p);

/* ---- local.c: both ends are ours ---- */
/* Passes on what can be passed without a segment. */
void local_output(struct tcb *p, mono_t now);
/* The user has taken text: the other end knows the window now; false: an ACK
 * has to tell it. */
bool local_window(struct tcb *p);
uint32_t tcp_rcv_wnd(const struct tcb *p);
/* The window to put on the wire now; moves rcv_adv. */
uint32_t tcp_select_window(struct tcb *p);
bool tcp_want_window_update(const struct tcb *p);
/* These octets came again (RFC 2883). */
void tcp_note_duplicate(struct tcb *p, seq_t left, seq_t right);
void tcp_peer_fin(struct tcb *p, mono_t now);

/* ---- delack.c ---- */
void delack_measure(
    struct tcb *p, const struct wire_tcp *h, uint32_t len, mono_t now);
void delack_schedule(struct tcb *p, unsigned nsegs, mono_t now);
void delack_fin(struct tcb *p, mono_t now);
void delack_sent(struct tcb *p);
void delack_answered(struct tcb *p, mono_t now);
/* Text goes with the ACK of the SYN-ACK: of a Fast Open that has more to say,
 * so that an answer and its ACK are on their way, too. */
void delack_said_more(struct tcb *p);
void delack_taken(struct tcb *p);
/* The peer waits for ACKs: the next segments get theirs at once. */
void delack_quick(struct tcb *p);
void delack_ask(struct tcb *p, uint8_t asked);

/* ---- urgent.c ---- */
/* Is there urgent data that the peer has not acknowledged? */
bool urgent_sending(const struct tcb *p);
/* Puts the pointer into a segment that begins at seq, if it belongs there. */
void urgent_mark(struct tcb *p, seq_t seq, struct wire_tcp *h);
void urgent_input(struct tcb *p, const struct seg *s);
/* Octets were taken from the receive queue, or thrown away. */
void urgent_taken(struct tcb *p);

/* ---- output.c ---- */
bool pcb_output(struct tcb *p, struct tcp_out *out, mono_t now);
/* RFC 9293 3.10.5: the peer is told that the connection is over. */
void pcb_reset(struct tcb *p, mono_t now);
void tcp_challenge_ack(struct tcb *p, mono_t now);

/* ---- timer.c ---- */
void pcb_timeout(struct tcb *p, mono_t now);
/* What a time-out began is over. */
void timeout_over(struct tcb *p, mono_t now);
void tcp_arm_rexmt(struct tcb *p, mono_t now);
/* Is the user's own limit over? */
bool tcp_limit_reached(const struct tcb *p, mono_t now);
void tcp_arm_keep(struct tcb *p, mono_t now);

#endif
