/* SPDX-License-Identifier: ISC */
/* The urgent mechanism, both ways (RFC 9293 3.8.5, 3.9.1.3, RFC 6093). */
#include "lab.h"

TestSuite(urgent, .init = passive_lab, .fini = lab_end);

/* ---- receiving ---- */

/* The program hears that the pointer moved; the octets are in the stream, and
 * he can ask how far it is to the mark. */
Test(urgent, is_heard_of, .description = "MUST-30 MUST-32 MUST-33 MUST-62")
{
	reach(TCPS_ESTABLISHED);
	expect_eq(tcp_recv_urgent(lab_pcb()), 0);
	peer_sends(ACK | URG | PSH, .seq = 1, .ack = 1, .len = 5, .urg = 3);
	event(TCP_EV_URGENT | TCP_EV_READABLE);
	expect_eq(tcp_recv_urgent(lab_pcb()), 3);
	app_reads(2);
	expect_eq(tcp_recv_urgent(lab_pcb()), 1);
	app_reads(3);
	expect_eq(tcp_recv_urgent(lab_pcb()), 0);
	lab_run_until(sec(1));
}

/* What is no further than before, or not ahead of what is here, is no news. */
Test(urgent, is_told_once, .description = "MUST-32")
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK | URG, .seq = 1, .ack = 1, .len = 5, .urg = 9);
	event(TCP_EV_URGENT | TCP_EV_READABLE);
	peer_sends(ACK | URG, .seq = 6, .ack = 1, .len = 2, .urg = 4);
	peer_sends(ACK | URG, .seq = 6, .ack = 1, .len = 2, .urg = 1);
	event(TCP_EV_READABLE);
	no_event();
	expect_eq(tcp_recv_urgent(lab_pcb()), 9);
	peer_sends(ACK | URG, .seq = 8, .ack = 1, .len = 2, .urg = 5);
	event(TCP_EV_URGENT | TCP_EV_READABLE);
	expect_eq(tcp_recv_urgent(lab_pcb()), 12);
	app_reads(9);
	peer_sends(ACK | URG, .seq = 10, .ack = 1, .urg = 0);
	no_event();
	lab_run_until(sec(1));
}

/* MUST-31: of any length, beyond what has come and beyond what a pointer can
 * say; each step ahead is told. */
Test(urgent, of_any_length, .description = "MUST-31 MUST-32 MUST-33")
{
	const int end = 200001;
	int at = 1, far, mark = 0;

	lab_start(.listens = true, .rcvbuf = 1 << 20);
	handshake(.mss = 1460, .wscale = 7);
	while (at < end) {
		far = end - at < 65535 ? end - at : 65535;
		peer_sends(ACK | URG, .seq = at, .ack = 1, .len = 1000,
		    .urg = (uint16_t)far);
		if (at + far > mark)
			event(TCP_EV_URGENT);
		mark = at + far;
		event(TCP_EV_READABLE);
		at += 1000;
		expect(tcp_recv_urgent(lab_pcb()) >= (uint32_t)at - 1);
		lab_drain();
	}
	no_event();
	expect_eq(tcp_recv_urgent(lab_pcb()), end - 1);
	peer_sends(ACK, .seq = at, .ack = 1, .len = 1000);
	lab_drain();
	app_reads(200000);
	expect_eq(tcp_recv_urgent(lab_pcb()), 0);
	app_reads(1000);
	lab_drain();
}

/* A pointer that came without its octets, or before them. */
Test(urgent, ahead_of_its_octets, .description = "MUST-32")
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK | URG, .seq = 1, .ack = 1, .urg = 60000);
	event(TCP_EV_URGENT);
	expect_eq(tcp_recv_urgent(lab_pcb()), 60000);
	peer_sends(ACK | URG, .seq = 1, .ack = 1, .len = 1000, .urg = 60000);
	event(TCP_EV_READABLE);
	no_event();
	app_reads(1000);
	expect_eq(tcp_recv_urgent(lab_pcb()), 59000);
	lab_run_until(sec(1));
}

/* After SHUT_RD nobody takes octets, and no mark stays behind. */
Test(urgent, nobody_reads)
{
	reach(TCPS_ESTABLISHED);
	tcp_recv_discard(lab_pcb(), lab_mono());
	peer_sends(ACK | URG, .seq = 1, .ack = 1, .len = 5, .urg = 5);
	event(TCP_EV_URGENT);
	expect_eq(tcp_recv_urgent(lab_pcb()), 0);
	lab_run_until(sec(1));
}

/* A FIN ends it: what points beyond is nothing. */
Test(urgent, after_the_fin)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK | URG | FIN, .seq = 1, .ack = 1, .len = 5, .urg = 30000);
	stack_sends(ACK, .seq = 1, .ack = 7);
	event(TCP_EV_URGENT | TCP_EV_READABLE | TCP_EV_EOF);
	app_reads(5);
	expect_eq(tcp_recv_urgent(lab_pcb()), 29995);
	peer_sends(ACK | URG, .seq = 7, .ack = 1, .urg = 65535);
	no_event();
	app_reads_eof();
}

/* As far as it can: from the window's right edge, and then a FIN before it. */
Test(urgent, from_the_windows_edge)
{
	uint32_t wnd;

	reach(TCPS_ESTABLISHED);
	wnd = lab_info().rcv_wnd;
	peer_sends(ACK | URG, .seq = 1 + wnd, .ack = 1, .urg = 65535);
	event(TCP_EV_URGENT);
	peer_sends(ACK | FIN, .seq = 1, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 2);
	event(TCP_EV_EOF);
	expect_eq(tcp_recv_urgent(lab_pcb()), 65535 + wnd);
	app_reads_eof();
}

/* With the SYN-ACK, too (3.10.7.3 goes on at the sixth step). */
Test(urgent, with_the_synack)
{
	active_lab();
	reach(TCPS_SYN_SENT);
	peer_sends(
	    SYN | ACK | URG, .seq = 0, .ack = 1, .mss = 1460, .urg = 100);
	stack_sends(ACK, .seq = 1, .ack = 1);
	event(TCP_EV_URGENT);
	expect_eq(tcp_recv_urgent(lab_pcb()), 99);
}

/* ---- sending ---- */

/* The pointer is how far it is to the octet behind the urgent ones, and it is
 * in each segment before the mark, but in none behind it. */
Test(urgent, is_sent, .description = "MUST-30 MUST-62")
{
	reach(TCPS_ESTABLISHED);
	app_writes(3);
	app_marks_urgent();
	stack_sends(ACK | PSH | URG, .seq = 1, .ack = 1, .len = 3, .urg = 3);
	silence();
	peer_sends(ACK, .seq = 1, .ack = 4);
	app_writes(5);
	stack_sends(ACK | PSH, .seq = 4, .ack = 1, .len = 5);
	peer_sends(ACK, .seq = 1, .ack = 9);
}

/* Text behind the mark is not urgent, the segment that has the mark in it
 * still points there. */
Test(urgent, mark_within_a_segment, .description = "MUST-62")
{
	reach(TCPS_ESTABLISHED);
	app_writes(1500);
	app_marks_urgent();
	app_writes(1500);
	stack_sends(ACK | URG, .seq = 1, .ack = 1, .len = 1460, .urg = 1500);
	stack_sends(ACK | URG, .seq = 1461, .ack = 1, .len = 1460, .urg = 40);
	peer_sends(ACK, .seq = 1, .ack = 2921);
	stack_sends(ACK | PSH, .seq = 2921, .ack = 1, .len = 80);
	peer_sends(ACK, .seq = 1, .ack = 3001);
}

/* A retransmission says it again, a bare ACK of this time too. */
Test(urgent, is_resent)
{
	reach(TCPS_ESTABLISHED);
	app_writes(10);
	app_marks_urgent();
	stack_sends(ACK | PSH | URG, .seq = 1, .ack = 1, .len = 10, .urg = 10);
	quiet_until(RTO - 1);
	at(RTO);
	stack_sends(ACK | PSH | URG, .seq = 1, .ack = 1, .len = 10, .urg = 10);
	peer_sends(ACK, .seq = 1, .ack = 11);
}

/* A closed window keeps the text, not the news. */
Test(urgent, crosses_a_closed_window, .description = "MUST-30")
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 0);
	app_writes(10);
	silence();
	app_marks_urgent();
	stack_sends(ACK | URG, .seq = 1, .ack = 1, .urg = 10);
	silence();
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 1000);
	stack_sends(ACK | PSH | URG, .seq = 1, .ack = 1, .len = 10, .urg = 10);
	peer_sends(ACK, .seq = 1, .ack = 11);
}

/* Nagle does not hold it back, nor does the cork. */
Test(urgent, does_not_wait)
{
	reach(TCPS_ESTABLISHED);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	app_writes(10);
	silence();
	app_marks_urgent();
	stack_sends(ACK | PSH | URG, .seq = 11, .ack = 1, .len = 10, .urg = 10);
	peer_sends(ACK, .seq = 1, .ack = 21);
	app_sets(cork = true);
	app_writes(10);
	silence();
	app_marks_urgent();
	stack_sends(ACK | PSH | URG, .seq = 21, .ack = 1, .len = 10, .urg = 10);
	peer_sends(ACK, .seq = 1, .ack = 31);
}

/* Further than 16 bits can say: by steps, in what is new. */
Test(urgent, far_away, .description = "MUST-31")
{
	struct lab_seg s;
	int64_t seq = 1;

	lab_start(.listens = true, .tso = 65000);
	handshake(.mss = 1460, .win = 65535, .wscale = 7);
	app_writes(200000);
	app_marks_urgent();
	while (seq < 200001) {
		s = lab_next();
		if (s.flags == 0) {
			after(ms(1));
			peer_sends(ACK, .seq = 1, .ack = seq, .win = 65535);
			continue;
		}
		expect(s.flags & URG);
		expect(s.len <= 1460);
		expect_eq(s.seq, seq);
		expect_eq(s.urg, 200001 - seq < 65535 ? 200001 - seq : 65535);
		seq += s.len;
	}
	peer_sends(ACK, .seq = 1, .ack = seq, .win = 65535);
	/* And big frames again. */
	app_writes(20000);
	stack_sends(ACK | PSH, .seq = seq, .ack = 1, .len = 20000);
}

/* An old segment does not point into what was sent since. */
Test(urgent, far_from_an_old_segment)
{
	int64_t acked = 1;

	lab_start(.listens = true);
	handshake(.mss = 1460, .win = 65535, .wscale = 7);
	app_writes(400000);
	while (lab_info().send_queued > 0)
		for (unsigned n = lab_drain(); n > 0; n--) {
			acked += acked + 1460 > 400001 ? 400001 - acked : 1460;
			peer_sends(ACK, .seq = 1, .ack = acked, .win = 65535);
		}
	app_writes(120000);
	app_marks_urgent();
	lab_drain();
	expect_eq(lab_info().send_unsent, 0);
	at(lab_now() + RTO);
	stack_sends(ACK, .seq = 400001, .ack = 1, .len = 1460);
	peer_sends(ACK, .seq = 1, .ack = 520001, .win = 65535);
	lab_drain();
}

/* Nothing is out and nothing is queued: nothing to point at. */
Test(urgent, nothing_written)
{
	reach(TCPS_ESTABLISHED);
	app_marks_urgent();
	silence();
	active_lab();
	app_connects();
	app_writes(4);
	app_marks_urgent();
	stack_sends(SYN, .seq = 0);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK | PSH | URG, .seq = 1, .ack = 1, .len = 4, .urg = 4);
	peer_sends(ACK, .seq = 1, .ack = 5);
}
