/* SPDX-License-Identifier: ISC */
/*
 * The path's MTU where no router says it: black holes and the search for what
 * passes (RFC 4821 7, RFC 8899 5), with a peer behind a link that swallows
 * what is too large.
 */
#include <string.h>
#include "lab.h"

TestSuite(mtu, .init = passive_lab, .fini = lab_end);

#define OCTETS (1 << 23)
#define MSS    1460 /* of the link */
#define WINDOW 512  /* times 128 */

/* Of the IP and TCP headers, and the packets that every path takes. */
static uint32_t
hdrs(void)
{
	return lab_is_v6() ? 60 : 40;
}

static uint32_t
base(void)
{
	return lab_is_v6() ? 1280 : 1200;
}

static struct {
	bool got[OCTETS];
	int64_t next;	  /* the first octet that is missing */
	uint32_t largest; /* payload that arrived */
	unsigned lost;
} peer;

static void
start(enum tcp_mtu_probing mode)
{
	lab_start(.listens = true, .mtu_probing = mode, .sndbuf = 1 << 17);
	memset(&peer, 0, sizeof peer);
	peer.next = 1;
	handshake(.mss = MSS, .win = 65535, .wscale = 7, .sackok = 1);
}

/* A segment reaches the peer, if the link carries mtu bytes. */
static void
link_carries(const struct lab_seg *s, uint32_t mtu)
{
	int64_t from = s->seq, to = s->seq + s->len;

	if (s->len + hdrs() > mtu) {
		peer.lost++;
		return;
	}
	if (s->len > peer.largest)
		peer.largest = s->len;
	for (int64_t i = from; i < to; i++)
		peer.got[i] = true;
	while (peer.got[peer.next])
		peer.next++;
	if (from > peer.next) {
		while (peer.got[from - 1])
			from--;
		while (peer.got[to])
			to++;
		peer_sends(ACK, .seq = 1, .ack = peer.next, .win = WINDOW,
		    .sack = {{(uint32_t)from, (uint32_t)to}});
	} else {
		peer_sends(ACK, .seq = 1, .ack = peer.next, .win = WINDOW);
	}
}

/* One round trip of 20 ms. */
static void
round_trip(uint32_t mtu)
{
	static struct lab_seg sent[4096];
	unsigned n = 0;

	int64_t end = lab_now() + ms(20), step;

	while (lab_now() < end) {
		while (n < 4096 && (sent[n] = lab_next()).flags != 0)
			n++;
		step = mono_diff(tcp_deadline(lab_tcp()), lab_mono());
		after(step < end - lab_now() ? step : end - lab_now());
	}
	for (unsigned i = 0; i < n; i++)
		link_carries(&sent[i], mtu);
	expect(peer.next < OCTETS - 200000);
}

/* The application writes as the buffer has room, for so long. */
static void
transfer(uint32_t mtu, unsigned round_trips)
{
	while (round_trips-- > 0) {
		lab_offers(200000);
		round_trip(mtu);
	}
}

/* All that was written arrives. */
static void
flush(uint32_t mtu)
{
	for (int i = 0; tcp_send_queued(lab_pcb()) > 0; i++) {
		expect(i < 100);
		round_trip(mtu);
	}
}

static void
give_up(void)
{
	app_aborts();
	lab_drain();
}

/* After three time-outs it goes in small segments, which arrive. */
static void
black_hole(void)
{
	struct lab_seg s;

	app_writes(MSS);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = MSS);
	do {
		speaks_between(lab_now(), lab_now() + sec(4));
		s = lab_next();
		expect_eq(s.seq, 1);
	} while (s.len == MSS);
	expect_eq(lab_stats().timeouts, 3);
	expect_eq(s.len, base() - hdrs());
	link_carries(&s, 1400);
	expect_eq(lab_stats().mtu_black_holes, 1);
	expect_eq(lab_info().pmtu, base());
}

/* What passes is found, to a few octets. */
Test(mtu, black_hole_is_found_and_measured)
{
	start(TCP_MTU_BLACK_HOLE);
	black_hole();
	transfer(1400, 60);
	expect(lab_info().pmtu > 1400 - 8);
	expect(lab_info().pmtu <= 1400);
	expect_eq(peer.largest, lab_info().pmtu - hdrs());
	expect(lab_stats().mtu_probes >= 5 && lab_stats().mtu_probes <= 20);
	flush(1400);
}

/* The probes that were lost were no sign of congestion. */
Test(mtu, lost_probes_are_without_blame)
{
	uint32_t cwnd;

	start(TCP_MTU_BLACK_HOLE);
	black_hole();
	transfer(1400, 8);
	cwnd = lab_info().cwnd_bytes;
	transfer(1400, 30);
	expect(peer.lost > 3);
	expect(lab_info().cwnd_bytes >= cwnd);
	expect_eq(lab_stats().fast_retransmits, 0);
	flush(1400);
}

/* It was an outage: the first probe is of the old size and restores it. */
Test(mtu, outage)
{
	start(TCP_MTU_BLACK_HOLE);
	black_hole();
	transfer(lab_mtu(1500), 10);
	expect_eq(lab_info().pmtu, lab_mtu(1500));
	expect_eq(lab_stats().mtu_probes, 1);
	expect_eq(peer.lost, 0);
	flush(lab_mtu(1500));
}

/* Small segments that time out say nothing about size. */
Test(mtu, small_segments_are_no_black_hole)
{
	start(TCP_MTU_BLACK_HOLE);
	app_writes(100);
	lab_run_until(sec(5));
	expect(lab_stats().timeouts >= 4);
	expect_eq(lab_stats().mtu_black_holes, 0);
	expect_eq(lab_info().pmtu, lab_mtu(1500));
	give_up();
}

Test(mtu, never)
{
	start(TCP_MTU_NEVER);
	app_writes(MSS);
	lab_run_until(sec(10));
	expect(lab_stats().timeouts >= 4);
	expect_eq(lab_info().pmtu, lab_mtu(1500));
	give_up();
}

/* Each connection begins small and grows. */
Test(mtu, always)
{
	start(TCP_MTU_ALWAYS);
	expect_eq(lab_info().pmtu, base());
	transfer(lab_mtu(1500), 10);
	expect_eq(lab_info().pmtu, lab_mtu(1500));
	expect_eq(lab_stats().mtu_black_holes, 0);
	flush(lab_mtu(1500));
	start(TCP_MTU_ALWAYS);
	transfer(1310, 60);
	expect(lab_info().pmtu > 1310 - 8 && lab_info().pmtu <= 1310);
	flush(1310);
}

/* Ten minutes after a router's word the path may be another one. */
Test(mtu, path_recovers)
{
	start(TCP_MTU_BLACK_HOLE);
	app_writes(10 * MSS);
	lab_drain();
	icmp_says(TCP_ICMP_TOO_BIG, 1, 1300);
	expect_eq(lab_info().pmtu, lab_mtu(1300));
	for (int64_t i = 1; i <= 10 * MSS; i++)
		peer.got[i] = true;
	peer.next = 10 * MSS + 1;
	lab_drain();
	peer_sends(ACK, .seq = 1, .ack = peer.next);
	transfer(lab_mtu(1300), 10);
	expect_eq(lab_stats().mtu_probes, 0);
	flush(lab_mtu(1300));
	lab_run_until(lab_now() + sec(600));
	transfer(lab_mtu(1500), 10);
	expect_eq(lab_info().pmtu, lab_mtu(1500));
	flush(lab_mtu(1500));
}

/* A router's word about a probe ends that try, and bounds the next. */
Test(mtu, router_answers_a_probe)
{
	struct lab_seg s;

	start(TCP_MTU_ALWAYS);
	do {
		lab_offers(100000);
		s = lab_next();
		if (s.flags == 0)
			after(ms(20));
		else if (s.len <= base() - hdrs())
			link_carries(&s, lab_mtu(1500));
	} while (s.len <= base() - hdrs());
	expect_eq(s.len, MSS);
	icmp_says(TCP_ICMP_TOO_BIG, s.seq, 1450);
	expect_eq(lab_info().pmtu, base());
	transfer(lab_mtu(1450), 40);
	expect(lab_info().pmtu > lab_mtu(1450) - 8u &&
	       lab_info().pmtu <= lab_mtu(1450));
	flush(lab_mtu(1450));
}
