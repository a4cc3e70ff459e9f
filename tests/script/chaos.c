/* SPDX-License-Identifier: ISC */
/*
 * A peer and a program that do anything at any time, near the edges where
 * decisions are made.  Nothing is expected but what always holds: every
 * invariant of tcp_check(), a well-formed segment each time, the right bytes
 * in the right order, deadlines that move on, and nothing left in the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/rng.h"
#include "lab.h"

#define STEPS 400

TestSuite(chaos, .fini = lab_end);

static struct rng rng;

static unsigned
below(unsigned n)
{
	return rng_below(&rng, n);
}

/* Around an edge more often than elsewhere. */
static int64_t
near(int64_t edge)
{
	static const int64_t far[] = {-100000, -70000, -1460, 1460, 30000,
	    65535, 65536, 1 << 20, 1 << 30, -(1 << 30)};

	switch (below(4)) {
	case 0:
		return edge + (int64_t)below(5) - 2;
	case 1:
		return edge + (int64_t)below(6000) - 3000;
	case 2:
		return below(4) == 0 ? edge + far[below(10)] : edge;
	default:
		return edge;
	}
}

static unsigned
some_flags(void)
{
	static const unsigned usual[] = {ACK, ACK, ACK, ACK | PSH, ACK | PSH,
	    ACK | PSH, FIN | ACK, RST, RST | ACK, SYN, SYN | ACK,
	    ACK | URG | PSH};

	/* Resets that hit end it all, so they are rare. */
	if (below(10) == 0)
		return below(256) & (below(8) == 0 ? ~0u : ~(unsigned)RST);
	return usual[below(below(30) == 0 ? 12 : 7)];
}

static int64_t peer_next = 1, stack_next = 1;

static void
peer_acts(void)
{
	struct lab_seg s = SEG(some_flags());
	int64_t acked = stack_next;

	s.seq = near(peer_next);
	s.ack = near(acked);
	s.len = below(3) == 0 ? 0 : below(3000);
	if (below(3) == 0)
		s.win = (int32_t)below(below(2) == 0 ? 65536 : 3000);
	if (below(3) == 0) {
		for (unsigned i = 0; i < 1 + below(3); i++) {
			s.sack[i].from = (uint32_t)near(acked);
			s.sack[i].to = s.sack[i].from + below(5000);
			if (s.sack[i].to == 0)
				s.sack[i].to = 1;
		}
	}
	s.tsval = below(3) == 0 ? NONE : lab_now() / 1000 + 10 - below(3);
	s.tsecr = lab_now() / 1000;
	s.urg = (uint16_t)below(3000);
	s.train = below(5) == 0 && s.len > 0 ? 1460 : 0;
	if ((s.flags & (SYN | RST)) == 0 && s.seq <= peer_next &&
	    s.seq + s.len > peer_next)
		peer_next = s.seq + s.len;
	lab_peer_sends(AT, s);
}

static void
app_acts(void)
{
	size_t n;

	if (lab_pcb() == NULL)
		return;
	n = tcp_recv_queued(lab_pcb());
	switch (below(12)) {
	case 0:
	case 1:
	case 2:
		if (n > 0)
			app_reads(1 + below((unsigned)n));
		break;
	case 3:
	case 4:
	case 5:
		lab_offers(1 + below(below(2) == 0 ? 100 : 30000));
		break;
	case 6:
		app_sets(nodelay = below(2));
		break;
	case 7:
		app_sets(cork = below(2));
		break;
	case 8:
		tcp_clamp_window(lab_pcb(), 1000 + below(100000));
		break;
	case 9:
		icmp_says((enum tcp_icmp)below(8), near(stack_next),
		    (uint16_t)below(2000));
		break;
	case 10:
		if (below(10) == 0)
			app_shuts_down();
		else if (below(4) == 0)
			app_marks_urgent();
		break;
	default:
		if (below(100) == 0)
			tcp_recv_discard(lab_pcb(), lab_mono());
		break;
	}
}

static void
hear(void)
{
	struct lab_seg s;

	while ((s = lab_next()).flags != 0)
		if (s.seq + s.len > stack_next && s.seq < 1 << 29)
			stack_next = s.seq + s.len + !!(s.flags & FIN);
}

static void
begin(uint64_t seed)
{
	bool ts, sack;

	rng_init(&rng, seed, 17);
	peer_next = stack_next = 1;
	ts = below(2);
	sack = below(2);
	lab_start(.listens = true, .msl_us = 1000000,
	    .congestion = below(2) == 0 ? "cubic" : "newreno",
	    .tso = below(2) == 0 ? 65000 : 0,
	    .rcvbuf = 3000 + below(1 << below(21)),
	    .sndbuf = 3000 + below(1 << below(21)),
	    .pool = below(4) == 0 ? 300000 : 0);
	handshake(.mss = 100 + (int)below(1400), .win = (int)below(65536),
	    .wscale = below(2) == 0 ? (int)below(15) : NONE,
	    .sackok = sack ? 1 : NONE, .tsval = ts ? 10 : NONE);
	/* One life only: a SYN after the end begins no other. */
	lab_may_open = TCP_ADMIT_NO;
}

Test(chaos, one_connection)
{
	const char *only = getenv("SEED");
	uint64_t first = only != NULL ? strtoull(only, NULL, 0) : 1;
	uint64_t last = only != NULL ? first : 400;
	static char what[40];

	for (uint64_t seed = first; seed <= last; seed++) {
		begin(seed);
		snprintf(what, sizeof what, "SEED=%u", (unsigned)seed);
		lab_label(what);
		for (unsigned i = 0; i < STEPS; i++) {
			switch (below(5)) {
			case 0:
			case 1:
				peer_acts();
				break;
			case 2:
				app_acts();
				break;
			case 3:
				hear();
				break;
			default:
				lab_run_until(
				    lab_now() +
				    below(below(20) == 0 ? 5000000 : 50000));
				break;
			}
		}
		if (lab_pcb() != NULL)
			app_aborts();
		app_unlistens();
		lab_run_until(lab_now() + sec(3600));
		expect_eq(lab_stats().conns, 0);
		expect_eq(lab_stats().half_open, 0);
		expect_eq(lab_stats().time_wait, 0);
		expect_eq(lab_stats().binds, 0);
	}
}
