/* SPDX-License-Identifier: ISC */
/*
 * Receiving: reassembly (SHLD-31), the blocks of a SACK (RFC 2018 4), delayed
 * ACKs (SHLD-18, SHLD-19, MUST-40), PAWS (RFC 7323 5).
 */
#include <string.h>
#include "lab.h"

TestSuite(receive, .init = passive_lab, .fini = lab_end);

/* ---- reassembly ---- */

Test(receive, gap_is_filled, .description = "SHLD-31")
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 101, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1);
	no_event();
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 201);
	event(TCP_EV_READABLE);
	app_reads(200);
}

/* Every order of four segments gives the same stream. */
Test(receive, every_order, .description = "SHLD-31")
{
	for (unsigned o = 0; o < 256; o++) {
		unsigned k[4] = {o & 3, o >> 2 & 3, o >> 4 & 3, o >> 6};

		if ((1u << k[0] | 1u << k[1] | 1u << k[2] | 1u << k[3]) != 15)
			continue;
		passive_lab();
		reach(TCPS_ESTABLISHED);
		for (unsigned i = 0; i < 4; i++) {
			peer_sends(ACK, .seq = 1 + 500 * (int)k[i], .ack = 1,
			    .len = 500);
			lab_drain();
		}
		app_reads(2000);
		lab_run_until(sec(1));
	}
}

/* Overlaps in every position: the stream is still right. */
Test(receive, overlaps)
{
	for (int from = 1; from < 1000; from += 83) {
		for (unsigned len = 1; len < 900; len += 97) {
			passive_lab();
			reach(TCPS_ESTABLISHED);
			peer_sends(ACK, .seq = 301, .ack = 1, .len = 300);
			peer_sends(ACK, .seq = 801, .ack = 1, .len = 100);
			peer_sends(ACK, .seq = from, .ack = 1, .len = len);
			peer_sends(ACK, .seq = 1, .ack = 1, .len = 1000);
			lab_drain();
			expect(tcp_recv_queued(lab_pcb()) >= 1000);
			app_reads(tcp_recv_queued(lab_pcb()));
			lab_run_until(sec(1));
		}
	}
}

/* A FIN that came early counts when everything before it is there. */
Test(receive, fin_before_data)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(FIN | ACK, .seq = 201, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 1);
	peer_sends(ACK, .seq = 101, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 202);
	in_state(TCPS_CLOSE_WAIT);
	event(TCP_EV_READABLE | TCP_EV_EOF);
	app_reads(200);
	app_reads_eof();
}

/* What is beyond the window is cut off, what is inside is kept. */
Test(receive, beyond_the_window)
{
	lab_start(.listens = true, .rcvbuf = 4096);
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 5000);
	lab_drain();
	dropped(TCP_WINDOW);
	expect(tcp_recv_queued(lab_pcb()) <= 4096);
	expect(tcp_recv_queued(lab_pcb()) >= 2048);
	app_reads(tcp_recv_queued(lab_pcb()));
	lab_run_until(sec(1));
}

/* A gap of one octet, thousands of islands: bounded memory, no harm. */
Test(receive, islands)
{
	struct lab_seg s = {0}, last = {0};

	lab_start(.listens = true, .rcvbuf = 1 << 20, .pool = 8 << 20);
	handshake(.mss = 1460, .wscale = 7);
	for (int i = 0; i < 20000; i++) {
		peer_sends(ACK, .seq = 2 + 2 * i, .ack = 1, .len = 1);
		lab_drain();
	}
	for (int i = 0; i < 20000; i++) {
		peer_sends(ACK, .seq = 1 + 2 * i, .ack = 1, .len = 1);
		while ((s = lab_next()).flags != 0)
			last = s;
	}
	expect(last.ack > 1);
	app_reads(tcp_recv_queued(lab_pcb()));
	lab_run_until(sec(1));
}

/* ---- SACK blocks ---- */

static void
sack_lab(int ts)
{
	handshake(.mss = 1460, .sackok = 1, .tsval = ts);
}

/* RFC 2018 4: the first block holds the segment that came last; the others
 * repeat the most recent ones. */
Test(receive, sack_newest_first)
{
	sack_lab(NONE);
	peer_sends(ACK, .seq = 101, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{101, 201}});
	peer_sends(ACK, .seq = 301, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{301, 401}, {101, 201}});
	peer_sends(ACK, .seq = 501, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1,
	    .sack = {{501, 601}, {301, 401}, {101, 201}});
	peer_sends(ACK, .seq = 701, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1,
	    .sack = {{701, 801}, {501, 601}, {301, 401}, {101, 201}});
	peer_sends(ACK, .seq = 901, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1,
	    .sack = {{901, 1001}, {701, 801}, {501, 601}, {301, 401}});
	/* The hole between two blocks: they are one. */
	peer_sends(ACK, .seq = 801, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1,
	    .sack = {{701, 1001}, {501, 601}, {301, 401}});
	/* The left edge moves over the first ones. */
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 201, .any_sack = true);
}

/* A block grows on either side. */
Test(receive, sack_block_grows)
{
	sack_lab(NONE);
	peer_sends(ACK, .seq = 501, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{501, 601}});
	peer_sends(ACK, .seq = 601, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{501, 701}});
	peer_sends(ACK, .seq = 401, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{401, 701}});
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 400);
	stack_sends(ACK, .seq = 1, .ack = 701);
	app_reads(700);
}

/* With timestamps only three fit. */
Test(receive, sack_three_with_timestamps)
{
	sack_lab(10);
	for (int i = 0; i < 5; i++) {
		peer_sends(ACK, .seq = 101 + 200 * i, .ack = 1, .len = 100,
		    .tsval = 11);
		if (i < 4)
			lab_drain();
	}
	stack_sends(ACK, .seq = 1, .ack = 1,
	    .sack = {{901, 1001}, {701, 801}, {501, 601}});
}

/* Not if the peer did not permit it. */
Test(receive, no_sack_unless_permitted)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 101, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1);
}

/* Data of ours carries the blocks, too. */
Test(receive, sack_on_data)
{
	sack_lab(NONE);
	peer_sends(ACK, .seq = 101, .ack = 1, .len = 100);
	app_writes(50);
	stack_sends(
	    ACK | PSH, .seq = 1, .ack = 1, .len = 50, .sack = {{101, 201}});
}

/* ---- delayed ACKs ---- */

/* MUST-40: within half a second; here 40 ms, as Linux. */
Test(receive, delayed_ack, .description = "MUST-40 SHLD-18")
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
	quiet_until(ms(40) - 1);
	at(ms(40));
	stack_sends(ACK, .seq = 1, .ack = 101);
	quiet_until(sec(10));
	expect_eq(lab_stats().delayed_acks, 1);
}

/* SHLD-19: every second full segment at once. */
Test(receive, every_second_segment, .description = "SHLD-19")
{
	int64_t seq = 1;

	reach(TCPS_ESTABLISHED);
	for (unsigned i = 0; i < 20; i++) {
		peer_sends(ACK, .seq = seq, .ack = 1, .len = 1460);
		silence();
		peer_sends(ACK, .seq = seq + 1460, .ack = 1, .len = 1460);
		seq += 2920;
		stack_sends(ACK, .seq = 1, .ack = seq);
		app_reads(2920);
		silence();
	}
}

/* Data of ours takes the ACK along. */
Test(receive, piggyback)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
	at(ms(10));
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 101, .len = 10);
	peer_sends(ACK, .seq = 101, .ack = 11);
	quiet_until(sec(10));
}

/* MUST-58, MUST-59: many segments at once are one ACK. */
Test(receive, acks_are_aggregated, .description = "MUST-58 MUST-59")
{
	reach(TCPS_ESTABLISHED);
	for (int i = 0; i < 10; i++)
		peer_sends(ACK, .seq = 1 + 1460 * i, .ack = 1, .len = 1460);
	stack_sends(ACK, .seq = 1, .ack = 14601);
	silence();
}

/* A GRO train is acknowledged at once, once. */
Test(receive, train, .description = "MUST-58")
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 14600, .train = 1460);
	stack_sends(ACK, .seq = 1, .ack = 14601);
	silence();
	app_reads(14600);
	lab_drain();
	peer_sends(
	    ACK | PSH, .seq = 14601, .ack = 1, .len = 20000, .train = 1460);
	stack_sends(ACK, .seq = 1, .ack = 34601);
	app_reads(20000);
	lab_drain();
}

/* TCP_QUICKACK: no delay. */
Test(receive, quickack)
{
	reach(TCPS_ESTABLISHED);
	app_sets(quickack = TCP_QUICK_ON);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 101);
}

/* RFC 5681 4.2: at once after a gap, when it is filled, and for a
 * duplicate. */
Test(receive, immediate_acks, .description = "MAY-13")
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 201, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1);
	peer_sends(ACK, .seq = 201, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1);
	/* Part of the gap. */
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 101);
	peer_sends(ACK, .seq = 101, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 301);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 301);
}

/* A FIN takes no room: one that comes right behind a closed window, as some
 * stacks send it, ends the connection instead of coming for ever. */
Test(receive, fin_into_a_closed_window)
{
	lab_start(.listens = true, .rcvbuf = 1000);
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 1000);
	lab_drain();
	/* With text it would be too much. */
	peer_sends(ACK | FIN, .seq = 1001, .ack = 1, .len = 1);
	stack_sends(ACK, .seq = 1, .ack = 1001, .win = 0);
	peer_sends(ACK | FIN, .seq = 1001, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 1002, .win = 0);
	in_state(TCPS_CLOSE_WAIT);
	app_reads(1000);
	app_reads_eof();
}

/* The FIN of a peer who had not seen ours, behind its ACK of ours. */
Test(receive, fin_overtaken_by_an_ack)
{
	reach(TCPS_ESTABLISHED);
	app_shuts_down();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	peer_sends(ACK, .seq = 2, .ack = 2);
	silence();
	peer_sends(FIN | ACK, .seq = 1, .ack = 1);
	stack_sends(ACK, .seq = 2, .ack = 2);
	in_state(TCPS_TIME_WAIT);
}

/* Text that was there already with a FIN that is new: all was read, so closing
 * is no abort (SHLD-3). */
Test(receive, fin_behind_old_text)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 1000);
	app_reads(1000);
	lab_run_until(ms(300));
	peer_sends(ACK | FIN, .seq = 1, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 1002);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1002);
}

/* RFC 2883 4.2.3: a segment that fills gaps around what was there already; the
 * first part of it that came twice is told. */
Test(receive, dsack_of_several_parts)
{
	handshake(.mss = 1000, .sackok = 1);
	peer_sends(ACK, .seq = 1001, .ack = 1, .len = 1000);
	peer_sends(ACK, .seq = 3001, .ack = 1, .len = 1000);
	peer_sends(ACK, .seq = 6001, .ack = 1, .len = 1000);
	lab_drain();
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 5000);
	stack_sends(
	    ACK, .seq = 1, .ack = 5001, .sack = {{1001, 2001}, {6001, 7001}});
	peer_sends(ACK, .seq = 5001, .ack = 1, .len = 2000);
	stack_sends(ACK, .seq = 1, .ack = 7001, .sack = {{6001, 7001}});
	/* Nothing in order, but two parts of it were there. */
	peer_sends(ACK, .seq = 8001, .ack = 1, .len = 100);
	peer_sends(ACK, .seq = 8301, .ack = 1, .len = 100);
	lab_drain();
	peer_sends(ACK, .seq = 7901, .ack = 1, .len = 600);
	stack_sends(
	    ACK, .seq = 1, .ack = 7001, .sack = {{8001, 8101}, {7901, 8501}});
}

/* ---- PAWS (RFC 7323 5.3) ---- */

Test(receive, paws_drops_old_duplicates)
{
	handshake(.mss = 1460, .tsval = 1000);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100, .tsval = 999);
	stack_sends(ACK, .seq = 1, .ack = 1, .tsecr = 1000);
	no_event();
	dropped(TCP_PAWS);
	expect_eq(lab_stats().paws_rejected, 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100, .tsval = 1000);
	event(TCP_EV_READABLE);
	app_reads(100);
	lab_run_until(sec(1));
}

/* What was sent before the retransmission of another, and is late, fills its
 * gap; what is older than the last segment before the gap does not. */
Test(receive, paws_spares_what_is_late)
{
	handshake(.mss = 1460, .sackok = 1, .tsval = 1000);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100, .tsval = 1010);
	lab_drain();
	peer_sends(ACK, .seq = 401, .ack = 1, .len = 100, .tsval = 1040);
	lab_drain();
	peer_sends(ACK, .seq = 101, .ack = 1, .len = 100, .tsval = 1100);
	stack_sends(
	    ACK, .seq = 1, .ack = 201, .tsecr = 1100, .sack = {{401, 501}});
	peer_sends(ACK, .seq = 301, .ack = 1, .len = 100, .tsval = 1009);
	stack_sends(
	    ACK, .seq = 1, .ack = 201, .tsecr = 1100, .sack = {{401, 501}});
	dropped(TCP_PAWS);
	peer_sends(ACK, .seq = 301, .ack = 1, .len = 100, .tsval = 1030);
	stack_sends(
	    ACK, .seq = 1, .ack = 201, .tsecr = 1100, .sack = {{301, 501}});
	peer_sends(ACK, .seq = 201, .ack = 1, .len = 100, .tsval = 1020);
	stack_sends(ACK, .seq = 1, .ack = 501, .tsecr = 1100);
	/* No gap: the rule is strict again. */
	peer_sends(ACK, .seq = 501, .ack = 1, .len = 100, .tsval = 1099);
	stack_sends(ACK, .seq = 1, .ack = 501, .tsecr = 1100);
	dropped(TCP_PAWS);
	event(TCP_EV_READABLE);
	app_reads(500);
}

/* Not for a reset (R1). */
Test(receive, paws_does_not_judge_rst)
{
	handshake(.mss = 1460, .tsval = 1000);
	peer_sends(RST, .seq = 1, .tsval = 1);
	gone(ECONNRESET);
}

/* 5.5: after 24 days of silence the old value means nothing. */
Test(receive, paws_after_24_days)
{
	handshake(.mss = 1460, .tsval = 1000);
	quiet_until(sec(25LL * 86400));
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100, .tsval = 5);
	event(TCP_EV_READABLE);
	lab_run_until(lab_now() + sec(1));
}

/* The clock wraps: later is modulo 2^32. */
Test(receive, paws_wraps)
{
	handshake(.mss = 1460, .tsval = 0xfffffff0);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 10, .tsval = 0x10);
	event(TCP_EV_READABLE);
	peer_sends(ACK, .seq = 11, .ack = 1, .len = 10, .tsval = 0xfffffff8);
	stack_sends(ACK, .seq = 1, .ack = 11, .tsecr = 0x10);
	dropped(TCP_PAWS);
}

/* MUST-66: RST and URG count even when the window is zero. */
Test(receive, zero_window_takes_rst_and_urg, .description = "MUST-66")
{
	lab_start(.listens = true, .rcvbuf = 2048);
	reach(TCPS_ESTABLISHED);
	while (lab_info().rcv_wnd > 0) {
		uint32_t n = lab_info().rcv_wnd;

		peer_sends(ACK, .seq = 1 + (int)tcp_recv_queued(lab_pcb()),
		    .ack = 1, .len = n);
		lab_run_until(lab_now() + ms(100));
	}
	event(TCP_EV_READABLE);
	peer_sends(ACK | URG, .seq = 1 + (int)tcp_recv_queued(lab_pcb()),
	    .ack = 1, .urg = 9);
	event(TCP_EV_URGENT);
	lab_drain();
	peer_sends(RST, .seq = 1 + (int)tcp_recv_queued(lab_pcb()));
	in_state(TCPS_CLOSED);
}

/* SHLD-19 speaks of full segments: many small ones wait for the timer. */
Test(receive, small_segments_wait)
{
	reach(TCPS_ESTABLISHED);
	for (int i = 0; i < 4; i++)
		peer_sends(ACK | PSH, .seq = 1 + 100 * i, .ack = 1, .len = 100);
	silence();
	at(ms(40));
	stack_sends(ACK, .seq = 1, .ack = 401);
	app_reads(400);
}

/* The peer's segments are smaller than the MSS: what it sends is full. */
Test(receive, full_is_what_the_peer_sends)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1000);
	silence();
	peer_sends(ACK, .seq = 1001, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 2001);
	app_reads(2000);
}
