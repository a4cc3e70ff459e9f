/* SPDX-License-Identifier: ISC */
/*
 * Flow control: the peer's window (MUST-34 to MUST-37), zero-window probes
 * (SHLD-29, SHLD-30), silly windows on both sides (MUST-38, MUST-39), Nagle
 * (SHLD-7, MUST-17), cork, the push flag (MUST-60, MUST-61).
 */
#include "lab.h"

#define M 1460

TestSuite(window, .init = passive_lab, .fini = lab_end);

/* ---- the peer's window ---- */

Test(window, is_respected)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 2 * M);
	app_writes(10 * M);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	stack_sends(ACK, .seq = 1 + M, .ack = 1, .len = M);
	silence();
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M, .win = M);
	stack_sends(ACK, .seq = 1 + 2 * M, .ack = 1, .len = M);
	silence();
	/* It opens without acknowledging anything new. */
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M, .win = 3 * M);
	stack_sends(ACK, .seq = 1 + 3 * M, .ack = 1, .len = M);
	stack_sends(ACK, .seq = 1 + 4 * M, .ack = 1, .len = M);
	silence();
}

/* 3.10.7.4: only the newest segment's window counts (SND.WL1, SND.WL2). */
Test(window, of_old_segments_does_not_count)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 10, .win = 3 * M);
	peer_sends(ACK, .seq = 11, .ack = 1, .len = 10, .win = 2 * M);
	/* An old one, late, with the old window. */
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 9 * M);
	lab_drain();
	expect_eq(lab_info().snd_wnd, 2 * M);
}

/* MUST-34, SHLD-15: the window shrinks below what is out: nothing new, no
 * harm; what is out is still resent (SHLD-16). */
Test(window, shrinks, .description = "MUST-34 SHLD-15 SHLD-16 MAY-7")
{
	reach(TCPS_ESTABLISHED);
	app_writes(8 * M);
	expect_eq(lab_drain(), 8);
	app_writes(4 * M);
	lab_drain();
	at(ms(20));
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M, .win = M);
	silence();
	lab_run_until(ms(20) + 2 * (int64_t)lab_info().rto_us);
	expect(lab_stats().retrans_segs >= 1);
	peer_sends(ACK, .seq = 1, .ack = 1 + 8 * M, .win = 65535);
	lab_drain();
	in_state(TCPS_ESTABLISHED);
}

/* ---- zero window ---- */

/* MUST-36, SHLD-29, SHLD-30: probed after one RTO, then less and less often;
 * MUST-37: for ever, as long as the peer answers. */
Test(window, zero_is_probed, .description = "MUST-36 MUST-37 SHLD-29 SHLD-30")
{
	int64_t last, gap, before = 0;
	unsigned probes = 0;

	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 0);
	app_writes(100);
	silence();
	last = lab_now();
	quiet_for(ms(190));
	for (; probes < 40; probes++) {
		struct lab_seg s;

		speaks_between(last, last + sec(125));
		s = lab_next();
		expect(s.flags & ACK && s.len <= 1);
		gap = lab_now() - last;
		expect(gap >= before);
		before = gap;
		last = lab_now();
		after(ms(1));
		peer_sends(ACK, .seq = 1, .ack = 1, .win = 0);
		lab_drain();
	}
	expect(before >= sec(30));
	in_state(TCPS_ESTABLISHED);
	expect(lab_stats().window_probes >= 40);
	/* It opens: everything goes. */
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 1000);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
}

/* Nobody answers the probes: the connection is given up some time. */
Test(window, probes_without_an_answer)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 0);
	app_writes(100);
	lab_run_until(sec(100));
	in_state(TCPS_ESTABLISHED);
	lab_run_until(sec(3600));
	gone(ETIMEDOUT);
}

/* MUST-35: the window shrinks to zero while data is out: it is resent (or
 * probed), and goes on when the window opens. */
Test(window, shrinks_to_zero, .description = "MUST-35")
{
	reach(TCPS_ESTABLISHED);
	app_writes(4 * M);
	lab_drain();
	at(ms(10));
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M, .win = 0);
	lab_run_until(sec(5));
	in_state(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1 + 4 * M, .win = 65535);
	lab_drain();
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1 + 4 * M, .ack = 1, .len = 10);
}

/* The update that opens the window is lost: the probe asks again. */
Test(window, lost_update)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 0);
	app_writes(100);
	speaks_between(ms(100), sec(2));
	expect(lab_next().flags & ACK);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 500);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
}

/* A FIN takes a number, so it waits for a window, too, and asks for it. */
Test(window, fin_with_zero_window)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 0);
	app_shuts_down();
	silence();
	speaks_between(ms(100), sec(2));
	expect(lab_next().flags & ACK);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 1);
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
}

/* ---- silly windows ---- */

/* MUST-38: no small segment just because the window is small, unless nothing
 * else ever comes; the override sends it in the end. */
Test(window, sender_avoids_silly_segments, .description = "MUST-38")
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 100);
	app_writes(5 * M);
	silence();
	speaks_between(ms(100), sec(2));
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 100);
	peer_sends(ACK, .seq = 1, .ack = 101, .win = 5 * M);
	expect_eq(lab_drain() >= 4, 1);
}

/* Half of the largest window is not silly. */
Test(window, half_the_largest_window, .description = "MUST-38")
{
	handshake(.mss = M, .win = 1000);
	app_writes(5 * M);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1000);
	silence();
	peer_sends(ACK, .seq = 1, .ack = 1001, .win = 500);
	stack_sends(ACK, .seq = 1001, .ack = 1, .len = 500);
	silence();
}

/* MUST-39: the receiver opens its window by a good step or not at all. */
Test(window, receiver_avoids_silly_windows, .description = "MUST-39")
{
	struct lab_seg s;
	uint32_t got = 0, last = 0;
	unsigned updates = 0;

	lab_start(.listens = true, .rcvbuf = 16384);
	handshake(.mss = M);
	while (lab_info().rcv_wnd > 0 && got < 100000) {
		uint32_t n = lab_info().rcv_wnd < M ? lab_info().rcv_wnd : M;

		peer_sends(ACK, .seq = 1 + got, .ack = 1, .len = n);
		got += n;
		lab_run_until(lab_now() + ms(50));
	}
	/* 100 octets at a time are read: few updates, none silly. */
	for (unsigned i = 0; i < 100; i++) {
		app_reads(100);
		while ((s = lab_next()).flags != 0) {
			expect(s.win >= M);
			expect((uint32_t)s.win > last);
			last = (uint32_t)s.win;
			updates++;
		}
	}
	expect(updates >= 1 && updates <= 8);
}

/* SHLD-14: the right edge never moves left, not even when there is less room
 * than was promised. */
Test(window, right_edge_stays, .description = "SHLD-14")
{
	int64_t edge = 0, seq = 1;
	struct lab_seg s;

	lab_start(.listens = true, .rcvbuf = 32768);
	handshake(.mss = M);
	for (unsigned i = 0; i < 200; i++) {
		uint32_t room = lab_info().rcv_wnd;
		uint32_t n = 1 + (i * 379) % M;

		if (i == 20)
			tcp_clamp_window(lab_pcb(), 1000);
		if (n > room)
			n = room;
		if (n > 0)
			peer_sends(ACK, .seq = seq, .ack = 1, .len = n);
		seq += n;
		if (i % 3 == 0)
			app_reads(tcp_recv_queued(lab_pcb()) / 2);
		for (;;) {
			s = lab_next();
			if (s.flags == 0)
				break;
			expect(s.ack + s.win >= edge);
			edge = s.ack + s.win;
		}
		if (room == 0)
			break;
	}
}

/* A probe of the peer's into our zero window is answered, not taken. */
Test(window, peer_probes_us, .description = "MAY-8")
{
	uint32_t got = 0, n;

	lab_start(.listens = true, .rcvbuf = 4096);
	handshake(.mss = M);
	while ((n = lab_info().rcv_wnd) > 0 && got < 100000) {
		n = n < M ? n : M;
		peer_sends(ACK, .seq = 1 + got, .ack = 1, .len = n);
		got += n;
		lab_run_until(lab_now() + ms(50));
	}
	for (unsigned i = 0; i < 5; i++) {
		after(sec(1));
		peer_sends(ACK, .seq = 1 + got, .ack = 1, .len = 1);
		stack_sends(ACK, .seq = 1, .ack = 1 + got, .win = 0);
	}
	app_reads(got);
	expect(lab_next().win > 0);
	lab_drain();
	peer_sends(ACK, .seq = 1 + got, .ack = 1, .len = 1);
	app_reads(1);
	lab_run_until(lab_now() + sec(1));
}

/* A quota's clamp: the window closes as data comes, no edge moves left. */
Test(window, clamp)
{
	struct lab_seg s;

	reach(TCPS_ESTABLISHED);
	tcp_clamp_window(lab_pcb(), 8192);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = M);
	peer_sends(ACK, .seq = 1 + M, .ack = 1, .len = M);
	s = lab_next();
	expect_eq(s.ack, 1 + 2 * M);
	expect(s.ack + s.win >= 65535);
	for (unsigned i = 2; i < 44; i++) {
		peer_sends(ACK, .seq = 1 + (int)i * M, .ack = 1, .len = M);
		app_reads(i == 2 ? 3 * M : M);
		while ((s = lab_next()).flags != 0)
			continue;
	}
	lab_run_until(lab_now() + sec(1));
	expect(lab_info().rcv_wnd <= 8192 + M);
}

/* ---- Nagle, cork, push ---- */

/* SHLD-7: a small segment waits while another is out. */
Test(window, nagle, .description = "SHLD-7 MAY-16")
{
	reach(TCPS_ESTABLISHED);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	app_writes(10);
	app_writes(10);
	silence();
	at(ms(20));
	peer_sends(ACK, .seq = 1, .ack = 11);
	stack_sends(ACK | PSH, .seq = 11, .ack = 1, .len = 20);
}

/* A full segment does not wait, and its small rest does. */
Test(window, nagle_full_segments_go)
{
	reach(TCPS_ESTABLISHED);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	app_writes(M + 10);
	stack_sends(ACK, .seq = 11, .ack = 1, .len = M);
	silence();
	at(ms(20));
	peer_sends(ACK, .seq = 1, .ack = 11 + M);
	stack_sends(ACK | PSH, .seq = 11 + M, .ack = 1, .len = 10);
}

/* MUST-17: the program can turn it off; at once for what waits. */
Test(window, nodelay, .description = "MUST-17")
{
	reach(TCPS_ESTABLISHED);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	app_writes(10);
	silence();
	app_sets(nodelay = true);
	stack_sends(ACK | PSH, .seq = 11, .ack = 1, .len = 10);
	app_writes(5);
	stack_sends(ACK | PSH, .seq = 21, .ack = 1, .len = 5);
}

/* TCP_CORK: only full segments, until it is pulled. */
Test(window, cork, .description = "MAY-16")
{
	reach(TCPS_ESTABLISHED);
	app_sets(cork = true);
	app_writes(100);
	silence();
	app_writes(M);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	silence();
	app_sets(cork = false);
	stack_sends(ACK | PSH, .seq = 1 + M, .ack = 1, .len = 100);
}

/* Linux lets a cork hold for 200 ms; MUST-60: never for ever. */
Test(window, cork_does_not_hold_for_ever, .description = "MUST-60")
{
	reach(TCPS_ESTABLISHED);
	app_sets(cork = true);
	app_writes(100);
	speaks_between(ms(100), sec(1));
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
}

/* FIN ends every wait: cork and Nagle. */
Test(window, fin_takes_small_segments_along)
{
	reach(TCPS_ESTABLISHED);
	app_sets(cork = true);
	app_writes(100);
	silence();
	app_shuts_down();
	stack_sends(FIN | PSH | ACK, .seq = 1, .ack = 1, .len = 100);
}

/* SHLD-28, MUST-61: large segments, the last one pushed. */
Test(window, segments_are_full, .description = "SHLD-28 MUST-61")
{
	reach(TCPS_ESTABLISHED);
	for (unsigned i = 0; i < 50; i++)
		lab_offers(100);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	stack_sends(ACK, .seq = 1 + M, .ack = 1, .len = M);
	stack_sends(ACK, .seq = 1 + 2 * M, .ack = 1, .len = M);
	stack_sends(ACK | PSH, .seq = 1 + 3 * M, .ack = 1, .len = 5000 - 3 * M);
}

/* ---- the send buffer ---- */

/* It bounds what the program can write; room is told. */
Test(window, send_buffer)
{
	size_t n;

	lab_start(.listens = true, .sndbuf = 32768);
	reach(TCPS_ESTABLISHED);
	n = lab_offers(1 << 20);
	expect(n >= 16384 && n <= 3 * 32768);
	expect_eq(lab_offers(1), 0);
	expect_eq(tcp_send_space(lab_pcb()), 0);
	lab_drain();
	no_event();
	at(ms(10));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
	lab_drain();
	at(ms(20));
	peer_sends(ACK, .seq = 1, .ack = 1 + 20 * M);
	lab_drain();
	event(TCP_EV_WRITABLE);
	expect(lab_offers(1000) > 0);
	lab_drain();
}

/* Cleared delay lets go what a cork holds, once (as Linux). */
Test(window, nodelay_and_cork)
{
	reach(TCPS_ESTABLISHED);
	app_sets(cork = true);
	app_writes(40);
	app_writes(40);
	silence();
	app_sets(nodelay = true);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 80);
	app_writes(40);
	silence();
}

/* The edge goes along with each ACK while the window is large, and waits for a
 * segment's worth when it is not (MUST-39). */
Test(window, edge_moves_while_large)
{
	lab_start(.listens = true, .rcvbuf = 20000);
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
	app_reads(100);
	peer_sends(ACK | FIN, .seq = 101, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 102, .win = 20000);
}

/* ---- segmentation offload ---- */

/* With TSO one call brings many segments, as long as the windows let. */
Test(window, tso)
{
	lab_start(.listens = true, .tso = 65000);
	reach(TCPS_ESTABLISHED);
	app_writes(8 * M + 100);
	/* Half the congestion window at most: its ACKs come while the rest is
	 * on its way. */
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 5 * M, .train = M);
	stack_sends(ACK | PSH, .seq = 1 + 5 * M, .ack = 1, .len = 3 * M + 100,
	    .train = M);
	silence();
	at(ms(10));
	peer_sends(ACK, .seq = 1, .ack = 1 + 3 * M);
	silence();
	/* What is resent is cut where the ACK says. */
	lab_run_until(ms(10) + lab_info().rto_us - 1);
	after(1);
	stack_sends(ACK, .seq = 1 + 3 * M, .ack = 1, .len = M);
}

/* MUST-37, SHLD-17: the window closed over data that is out; the peer answers
 * each retransmission, so the connection stays far beyond R2. */
Test(window, closed_over_data_for_hours, .description = "MUST-37 SHLD-17")
{
	unsigned n = 0;

	reach(TCPS_ESTABLISHED);
	app_writes(2 * M);
	lab_drain();
	at(ms(10));
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 0);
	while (lab_now() < sec(4 * 3600)) {
		n += lab_run_until(lab_now() + sec(20)) > 0;
		peer_sends(ACK, .seq = 1, .ack = 1, .win = 0);
		lab_drain();
	}
	expect(n > 50);
	in_state(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M, .win = 65535);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1 + 2 * M, .ack = 1, .len = 10);
}

/* TCP_WINDOW_CLAMP: never more is offered, though the buffer has room. */
Test(window, clamp_of_the_user)
{
	reach(TCPS_ESTABLISHED);
	app_sets(window_clamp = 2000);
	for (int i = 0; i < 150; i++) {
		peer_sends(ACK, .seq = 1 + 500 * i, .ack = 1, .len = 500);
		app_reads(500);
		lab_run_until(lab_now() + ms(50));
	}
	/* What had been promised is used up. */
	expect(lab_info().rcv_wnd <= 2000);
}

/* MUST-1: 40000 octets are not a negative number of them. */
Test(window, is_unsigned, .description = "MUST-1 REC-1")
{
	lab_start(.listens = true);
	handshake(.mss = 1460, .win = 65535);
	for (int i = 0; i < 4; i++) {
		app_writes(7300);
		lab_drain();
		peer_sends(
		    ACK, .seq = 1, .ack = 1 + 7300 * (i + 1), .win = 40000);
	}
	expect_eq(lab_info().snd_wnd, 40000);
	app_writes(7300);
	expect(lab_drain() > 0);
	expect_eq(lab_info().send_unsent, 0);
	peer_sends(ACK, .seq = 1, .ack = 36501, .win = 65535);
	expect_eq(lab_info().snd_wnd, 65535);
	/* And a scaled one has more than 16 bits. */
	lab_start(.listens = true);
	handshake(.mss = 1460, .wscale = 14);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 65535);
	expect_eq(lab_info().snd_wnd, 65535 << 14);
}

/* SHLD-27: what was written in pieces and waits goes as one segment,
 * pushed once; MUST-60: an ACK or time lets it go, whatever it is. */
Test(window, pushes_collapse, .description = "SHLD-27 MUST-60 MUST-61 MAY-16")
{
	reach(TCPS_ESTABLISHED);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	for (int i = 0; i < 4; i++) {
		app_writes(300);
		silence();
	}
	peer_sends(ACK, .seq = 1, .ack = 11);
	stack_sends(ACK | PSH, .seq = 11, .ack = 1, .len = 1200);
	peer_sends(ACK, .seq = 1, .ack = 1211);
}
