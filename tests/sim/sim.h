/* SPDX-License-Identifier: ISC */
/*
 * The simulator: two hosts, each a whole struct stack of the production code,
 * joined by two links that delay, queue, police, lose, double, reorder and
 * damage frames; applications that talk over them; and an oracle that holds
 * everything against what TCP promises.
 *
 * Time is integer microseconds of virtual time on one event heap, chance is
 * one seeded generator; so a seed is a run, and the digest of all frames that
 * were sent proves it.
 *
 *	sim.c       the event heap, the digest, failure
 *	link.c      what happens to a frame between two hosts
 *	host.c      a stack with its device: cuts GSO frames, fills checksums
 *	app.c       the programs: bulk, request and response, slow reader ...
 *	stranger.c  somebody who forges segments
 *	oracle.c    what must always be so
 *	scenario.c  from a seed to a network and its programs
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/rng.h"
#include "stack/stack.h"
#include "wire/tcp.h"

#define SEC	    1000000LL
#define SIM_FLOWS   64
#define FRAME_MAX   (65536 + 64)
#define SERVER_PORT 80

struct sim;
struct flow;

/* ---- links ---- */

struct linkcfg {
	int64_t delay_us, jitter_us; /* jitter keeps the order */
	uint64_t rate;		     /* bytes a second, 0: no bottleneck */
	uint32_t queue;		     /* bytes before the bottleneck */
	uint32_t mark; /* bytes in the queue from which ECT becomes CE, or 0 */
	bool bleach;   /* the IP-ECN field becomes Not-ECT */
	bool ecn_hole; /* SYNs that ask for ECN are lost */
	uint64_t police_rate; /* bytes a second, 0: no policer */
	uint32_t police_burst;
	/* In millionths of the frames. */
	uint32_t loss, dup, reorder, corrupt;
	uint32_t bad_begin, bad_end; /* bursts in which half is lost */
	uint32_t ack_loss;	     /* of the segments that only acknowledge */
	/* How late a reordered frame is: from (0: 1 us), to. */
	int64_t reorder_min_us, reorder_us;
	int64_t down_from, down_to; /* nothing passes */
};

struct packet;

struct link {
	struct sim *sim;
	unsigned to; /* the host it leads to */
	struct linkcfg cfg;
	/* Takes over a frame that has passed. */
	void (*deliver)(struct link *l, struct packet *p);
	bool faults; /* chance and policer are at work */
	bool bad;
	mono_t busy, last;
	int64_t tokens; /* policer, bytes * 1e6; full at first: filled is 0 */
	mono_t filled;
	/* Frames: offered; what became of them. */
	uint64_t sent, lost, policed, queued_out, damaged, marked, late, twice;
};

struct packet {
	struct link *link;
	size_t len;
	struct offload off;
	bool damaged;
	uint8_t data[];
};

void link_send(struct link *l, struct packet *p);

/* ---- hosts ---- */

struct hostcfg {
	bool csum, tso; /* what its device can do */
	bool whole;	/* GSO frames pass uncut, as between TAP devices */
	uint16_t mtu;
	size_t buf_bytes;
	uint32_t sndbuf, rcvbuf, msl_us;
	const char *congestion;
	bool pacing;
	enum tcp_ecn_policy ecn;
	uint32_t rest_us;	 /* idle connections are folded up; 0: 5 s */
	uint16_t fastopen;	 /* FASTOPEN_ */
	uint32_t fastopen_limit; /* of the listener */
};

struct host {
	struct sim *sim;
	unsigned index;
	struct ipaddr addr;
	struct hostcfg cfg;
	struct stack *stack;
	struct tcp_bind *listener;
	mono_t wake; /* the event that is on the heap for it */
	bool pumping;
	uint64_t probes; /* tail loss probes that the oracle has seen */
	uint64_t wakeups, frames;
};

void host_init(struct sim *s, unsigned index, const struct hostcfg *cfg);
void host_done(struct host *h);
void host_receive(struct host *h, struct packet *p);
/* Hands events to the programs and frames to the link until both are dry. */
void host_pump(struct host *h);
struct tcp *host_tcp(struct host *h);
/* The n-th address of the hosts' network, in the run's family. */
struct ipaddr sim_addr(const struct sim *s, uint32_t n);
/* Where the TCP header is in an IP frame of len bytes, 0 if it has none. */
size_t sim_tcp_at(const uint8_t *frame, size_t len);

/* ---- programs ---- */

enum role {
	WRITE_ALL,	 /* as fast as the buffer takes it */
	WRITE_AFTER_EOF, /* when the other side has finished */
	WRITE_IN_TURN,	 /* a request, then a response, and again */
};

enum ending {
	END_IN_ORDER,	 /* shut down, wait for the peer's end, close */
	END_CLOSE_EARLY, /* close() at some moment, whatever is under way */
	END_ABORT,	 /* abort at some moment */
};

struct endcfg {
	enum role role;
	enum ending ending;
	uint64_t total; /* bytes to send */
	uint32_t turn;	/* bytes of one request or response */
	uint32_t chunk; /* bytes of one write */
	int64_t write_gap_us;
	uint32_t read_chunk; /* 0: everything at once */
	int64_t read_gap_us;
	int64_t end_at_us; /* after the start, for the early endings */
	bool refuse_once;  /* the first accept says EAGAIN */
};

/* One side of a connection, as the wire shows it to the oracle. */
struct wireview {
	bool syn, edge_known, offer_known;
	uint8_t wscale;	  /* of the windows that this side sends */
	bool scaled;	  /* it offered scaling */
	bool resent;	  /* beyond cwnd, since the peer was heard last */
	uint32_t max_seq; /* beyond the highest number sent */
	uint32_t edge;	  /* as far as the peer lets this side send */
	uint32_t offer;	  /* the right edge that this side has shown */
	/* Payload of this side's that arrived, by mark. */
	uint64_t ce_bytes, ect_bytes, ce_packets;
};

struct end {
	struct flow *flow;
	struct host *host;
	struct endcfg cfg;
	struct tcp_pcb *pcb;
	struct wireview wire;
	uint64_t key; /* of the stream that this end sends */
	uint64_t sent, received;
	bool opened, shut, eof, closed, gone, refused;
	mono_t eof_at;
	bool timer_on;
	int error;
	mono_t next_write, next_read, finished;
};

struct flow {
	struct sim *sim;
	unsigned index;
	struct end end[2]; /* [0] connects, [1] accepts */
	uint16_t cport;
	unsigned attempts; /* to connect, after a failed one */
	struct tcp_opts opts;
	mono_t start;
	bool orderly; /* both sides end in order: it must complete */
	bool fast;    /* tcp_fastopen() */
	bool waits;   /* ... for data */
};

/* Puts a flow on the list, from host client to the other. */
struct flow *flow_add(struct sim *s, unsigned client, mono_t start,
    const struct endcfg *cfg0, const struct endcfg *cfg1);
bool flow_done(const struct flow *f);
/* What a flow that broke off has left; its programs are killed. */
void flow_kill(struct flow *f);
void app_event(struct host *h, const struct tcp_event *ev);
int app_accept(void *host, struct tcp_bind *listener, struct tcp_pcb *pcb);
struct flow *flow_find(struct sim *s, unsigned client, uint16_t cport);
/* True when every byte has arrived and both sides have seen the end. */
bool flow_complete(const struct flow *f);

/* A stranger who forges, until the faults stop. */
void stranger_start(struct sim *s);

/* ---- the oracle ---- */

/* A frame that a host sends, one that it is given (and will accept). */
void oracle_sent(struct host *h, const uint8_t *frame, size_t len);
void oracle_received(struct host *h, const uint8_t *frame, size_t len);
/* After each step of a host; the costly part only now and then. */
void oracle_step(struct host *h);
/* Everything has ended: nothing is left behind. */
void oracle_end(struct sim *s);

/* ---- the simulation ---- */

struct sim_event {
	mono_t when;
	uint64_t serial;
	void (*fn)(void *arg);
	void *arg;
};

struct sim {
	bool six; /* the hosts speak IPv6 */
	uint64_t seed;
	mono_t now, faults_end, budget_end;
	struct rng rng;
	struct sim_event *heap;
	size_t nheap, heap_cap;
	uint64_t serial, steps, digest, packets;
	struct host hosts[2];
	struct link links[2]; /* [i] leads away from host i */
	struct flow flows[SIM_FLOWS];
	unsigned nflows;
	bool verbose, failed;
	char why[400];
	unsigned audit; /* steps between two full audits */
	mono_t spin_at;
	unsigned spin;
};

struct sim *sim_new(uint64_t seed);
void sim_free(struct sim *s);
void sim_at(struct sim *s, mono_t when, void (*fn)(void *), void *arg);
/* Runs events until the condition holds, the deadline, or a failure. */
void sim_run(struct sim *s, mono_t until, bool (*done)(struct sim *));
void sim_faults(struct sim *s, bool on);
void sim_fail(struct sim *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void sim_digest(struct sim *s, const void *p, size_t n);
bool sim_chance(struct sim *s, uint32_t millionths);
/* from..to, both included */
int64_t sim_between(struct sim *s, int64_t from, int64_t to);
/* Byte pos of the stream with this key. */
void stream_fill(uint64_t key, uint64_t pos, uint8_t *p, size_t n);
bool stream_verify(uint64_t key, uint64_t pos, const uint8_t *p, size_t n);
/* The run that a CHECK inside the stack interrupts, for its message. */
void sim_name_failures(void);

/* ---- scenarios ---- */

struct result {
	bool ok;
	char why[400];
	uint64_t digest, steps, packets;
	unsigned transfers;
	unsigned fast; /* of any kind, that began with data in a SYN */
	int64_t virtual_us;
};

enum {
	SIM_VERBOSE = 1 << 0, /* show the segments */
	SIM_HARSH = 1 << 1,   /* all faults, up to 20 % loss, in every run */
	SIM_SIX = 1 << 2,     /* path_measure(): over IPv6 */
	SIM_REST = 1 << 3,    /* idle connections are soon folded up */
};

/* A network and programs out of the seed. */
void scenario_run(uint64_t seed, unsigned mode, struct result *r);
/* Every flow is done. */
bool scenario_done(struct sim *s);
/* Waits until the last timer has run out and nothing is left; frees s. */
void scenario_end(struct sim *s, struct result *r);
/* One bulk transfer; returns bytes a second. */
uint64_t scenario_goodput(uint32_t loss, int64_t delay_us, uint32_t queue,
    const char *congestion, struct result *r);
/* A day of silence with keep-alive. */
void scenario_idle(struct result *r);

#endif
