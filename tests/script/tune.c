/* SPDX-License-Identifier: ISC */
/*
 * Buffers that follow the path, and what happens when memory runs short: first
 * smaller windows, then what waits out of order, then the writers wait.
 */
#include "lab.h"

TestSuite(tune, .init = passive_lab, .fini = lab_end);

#define MSS 1448

/* The peer sends whole windows, one each round trip of 10 ms, and the user
 * takes what comes; returns the number of the peer's next octet. */
static int64_t
round_trips(int64_t seq, unsigned n, bool ts, unsigned segs)
{
	int64_t ack = 1, now = lab_now() / 1000;

	while (n-- > 0) {
		for (unsigned i = 0; i < segs; i++) {
			peer_sends(ACK, .seq = seq, .ack = ack, .len = MSS,
			    .tsval = ts ? now : NONE, .tsecr = now - 10);
			seq += MSS;
			app_reads(MSS);
			lab_drain();
		}
		after(ms(10));
		now += 10;
	}
	return seq;
}

/* Twice what the user took in a round trip, and so on to the maximum. */
static void
grows(bool ts, unsigned segs, bool whole)
{
	uint32_t before;

	lab_start(.listens = true, .rcvbuf = 65536, .rcvbuf_max = 1 << 20);
	handshake(.mss = 1460, .wscale = 7, .tsval = ts ? 0 : NONE);
	after(ms(10));
	before = lab_info().rcvbuf;
	expect_eq(before, 65536);
	round_trips(1, 4, ts, segs);
	if (!whole) {
		expect_eq(lab_info().rcvbuf, before);
		return;
	}
	expect(lab_info().rcvbuf >= 2 * segs * MSS);
	expect(lab_info().rcvbuf <= 1 << 20);
	expect(lab_info().rcv_rtt_us >= ms(9));
	expect(lab_info().rcv_rtt_us <= ms(20));
}

Test(tune, receive_buffer_grows)
{
	grows(true, 45, true);
}

Test(tune, receive_buffer_grows_without_timestamps)
{
	grows(false, 45, true);
}

/* What fits into the buffer twice is no reason. */
Test(tune, receive_buffer_stays)
{
	grows(true, 10, false);
}

Test(tune, receive_buffer_has_a_maximum)
{
	int64_t seq = 1;

	lab_start(.listens = true, .rcvbuf = 65536, .rcvbuf_max = 100000);
	handshake(.mss = 1460, .wscale = 7, .tsval = 0);
	after(ms(10));
	for (unsigned i = 0; i < 10; i++)
		seq = round_trips(seq, 1, true, 45 + i);
	expect_eq(lab_info().rcvbuf, 100000);
}

/* A user who does not take it needs no more room. */
Test(tune, receive_buffer_of_a_slow_user)
{
	lab_start(.listens = true, .rcvbuf = 65536, .rcvbuf_max = 1 << 20);
	handshake(.mss = 1460, .wscale = 7);
	for (int i = 0; i < 40; i++) {
		peer_sends(ACK, .seq = 1 + i * MSS, .ack = 1, .len = MSS);
		if (i % 4 == 0) {
			app_reads(MSS);
			after(ms(10));
		}
		lab_drain();
	}
	expect_eq(lab_info().rcvbuf, 65536);
	app_aborts();
	lab_drain();
}

/* A user who hands all of it on to a program that reads nothing, or half. */
static void
handed_on(unsigned read, bool grows)
{
	int64_t seq = 1;

	lab_start(.listens = true, .rcvbuf = 65536, .rcvbuf_max = 1 << 20);
	handshake(.mss = 1460, .wscale = 7);
	after(ms(10));
	for (unsigned i = 0; i < 160; i++, seq += MSS) {
		peer_sends(ACK, .seq = seq, .ack = 1, .len = MSS);
		app_leaves((uint32_t)(seq - 1 + MSS) / 100 * (100 - read));
		app_reads(MSS);
		lab_drain();
		if (i % 40 == 39)
			after(ms(10));
	}
	expect_eq(lab_info().rcvbuf > 65536, grows);
}

Test(tune, receive_buffer_of_a_user_who_hands_on)
{
	handed_on(0, false);
	handed_on(20, false);
	handed_on(80, true);
	handed_on(100, true);
}

/* What the user set stays. */
Test(tune, set_sizes_stay)
{
	lab_start(.listens = true, .rcvbuf = 65536, .rcvbuf_max = 1 << 20,
	    .sndbuf = 20000, .sndbuf_max = 1 << 20);
	handshake(.mss = 1460, .wscale = 7, .tsval = 0);
	app_sets(rcvbuf = 65000);
	app_sets(sndbuf = 20000);
	after(ms(10));
	round_trips(1, 4, true, 40);
	app_writes(10000);
	lab_drain();
	peer_sends(
	    ACK, .seq = 1 + 160 * MSS, .ack = 10001, .tsval = 50, .tsecr = 0);
	expect_eq(lab_info().rcvbuf, 65000);
	expect_eq(lab_info().sndbuf, 20000);
}

/* Twice the congestion window. */
Test(tune, send_buffer_follows_cwnd)
{
	int64_t una = 1;

	lab_start(.listens = true, .sndbuf = 20000, .sndbuf_max = 60000);
	handshake(.mss = 1000, .win = 65535);
	expect_eq(tcp_send_space(lab_pcb()), 20000);
	app_writes(10000);
	lab_drain();
	una += 10000;
	peer_sends(ACK, .seq = 1, .ack = una);
	expect_eq(lab_info().sndbuf, 20000);
	expect_eq(lab_info().cwnd_bytes, 20000);
	app_writes(20000);
	lab_drain();
	una += 20000;
	peer_sends(ACK, .seq = 1, .ack = una);
	expect_eq(lab_info().sndbuf, 40000);
	app_writes(40000);
	lab_drain();
	una += 40000;
	peer_sends(ACK, .seq = 1, .ack = una);
	expect_eq(lab_info().sndbuf, 60000);
}

/* Three quarters of all buffers are in use: small windows, no growth.  Seven
 * eighths: what is out of order goes, and the rest comes in. */
Test(tune, pressure)
{
	struct buf *held[256];
	unsigned n = 0;
	size_t limit;
	uint32_t wnd;

	lab_start(.listens = true, .rcvbuf = 1 << 20, .rcvbuf_max = 1 << 20,
	    .sndbuf = 20000, .sndbuf_max = 1 << 20, .pool = 1 << 20);
	limit = bufpool_limit(lab_pool());
	handshake(.mss = 1460, .wscale = 7, .sackok = 1);
	expect_eq(lab_info().rcv_wnd, 65535);
	peer_sends(ACK, .seq = 1 + MSS, .ack = 1, .len = MSS);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + MSS, 1 + 2 * MSS}});
	wnd = lab_info().rcv_wnd;
	while (bufpool_used(lab_pool()) <= limit / 4 * 3)
		held[n++] = buf_alloc(lab_pool(), BUF_CHUNK);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = MSS);
	stack_sends(ACK, .seq = 1, .ack = 1 + 2 * MSS);
	app_reads(2 * MSS);
	lab_drain();
	/* The edge that was promised stays; it does not move on. */
	expect_eq(lab_info().rcv_wnd, wnd - 2 * MSS);
	app_writes(10000);
	lab_drain();
	peer_sends(ACK, .seq = 1 + 2 * MSS, .ack = 10001);
	expect_eq(lab_info().sndbuf, 20000);

	peer_sends(ACK, .seq = 1 + 4 * MSS, .ack = 10001, .len = MSS);
	stack_sends(ACK, .seq = 10001, .ack = 1 + 2 * MSS,
	    .sack = {{1 + 4 * MSS, 1 + 5 * MSS}});
	while (bufpool_used(lab_pool()) <= limit - limit / 8)
		held[n++] = buf_alloc(lab_pool(), BUF_SMALL);
	peer_sends(ACK, .seq = 1 + 2 * MSS, .ack = 10001, .len = MSS);
	dropped(TCP_OOO_RECLAIMED);
	app_reads(MSS);
	expect_eq(lab_info().rcv_ooo_bytes, 0);
	lab_run_until(lab_now() + sec(1));
	/* It comes again, when there is room. */
	while (n > 0)
		buf_unref(held[--n]);
	peer_sends(ACK, .seq = 1 + 3 * MSS, .ack = 10001, .len = 2 * MSS);
	app_reads(2 * MSS);
	lab_run_until(lab_now() + sec(1));
	expect(lab_info().rcv_wnd >= wnd - MSS);
}
