/* SPDX-License-Identifier: ISC */
/*
 * ESTABLISHED, RFC 9293 3.10.7.4 in its order: sequence number, RST, SYN, ACK,
 * URG, text, FIN; with RFC 5961 3.2 (RST), 4.2 (SYN), 5.2 (ACK).
 */
#include <string.h>
#include "lab.h"

#define CHALLENGE SEG(ACK, .seq = 1, .ack = 1)

TestSuite(established, .init = passive_lab, .fini = lab_end);

Test(established, sequence_table)
{
	const struct lab_row rows[] = {
	    ROW("ACK", SEG(ACK, .seq = 1, .ack = 1), SILENT, TCPS_ESTABLISHED),
	    ROW("data", SEG(ACK, .seq = 1, .ack = 1, .len = 100), SILENT,
		TCPS_ESTABLISHED, .ev = TCP_EV_READABLE),
	    ROW("data after a gap", SEG(ACK, .seq = 101, .ack = 1, .len = 100),
		CHALLENGE, TCPS_ESTABLISHED),
	    ROW("old data", SEG(ACK, .seq = -99, .ack = 1, .len = 100),
		CHALLENGE, TCPS_ESTABLISHED),
	    ROW("one old octet", SEG(ACK, .seq = 0, .ack = 1, .len = 1),
		CHALLENGE, TCPS_ESTABLISHED),
	    ROW("a keep-alive without data", SEG(ACK, .seq = 0, .ack = 1),
		CHALLENGE, TCPS_ESTABLISHED),
	    ROW("far beyond the window",
		SEG(ACK, .seq = 1 << 20, .ack = 1, .len = 1), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("just beyond the window",
		SEG(ACK, .seq = 65537, .ack = 1, .len = 1), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("an ACK beyond the window", SEG(ACK, .seq = 1 << 20, .ack = 1),
		CHALLENGE, TCPS_ESTABLISHED),
	    ROW("half old, half new", SEG(ACK, .seq = -9, .ack = 1, .len = 20),
		SEG(ACK, .seq = 1, .ack = 11), TCPS_ESTABLISHED,
		.ev = TCP_EV_READABLE),
	    ROW("wrong checksum",
		SEG(ACK, .seq = 1, .ack = 1, .len = 9, .bad_csum = true),
		SILENT, TCPS_ESTABLISHED),
	};

	walk(TCPS_ESTABLISHED, rows);
}

Test(established, rst_table, .description = "SHLD-2")
{
	const struct lab_row rows[] = {
	    ROW("at the edge", SEG(RST, .seq = 1), SILENT, TCPS_CLOSED,
		.gone = ECONNRESET),
	    ROW("with ACK", SEG(RST | ACK, .seq = 1, .ack = 1), SILENT,
		TCPS_CLOSED, .gone = ECONNRESET),
	    ROW("with data (SHLD-2)", SEG(RST, .seq = 1, .len = 5), SILENT,
		TCPS_CLOSED, .gone = ECONNRESET),
	    ROW("in the window", SEG(RST, .seq = 2), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("late in the window", SEG(RST, .seq = 60000), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("before the window", SEG(RST, .seq = 0), SILENT,
		TCPS_ESTABLISHED),
	    ROW("after the window", SEG(RST, .seq = 1 << 20), SILENT,
		TCPS_ESTABLISHED),
	    ROW("wrong checksum", SEG(RST, .seq = 1, .bad_csum = true), SILENT,
		TCPS_ESTABLISHED),
	};

	walk(TCPS_ESTABLISHED, rows);
}

Test(established, syn_table)
{
	const struct lab_row rows[] = {
	    ROW("at the edge", SEG(SYN, .seq = 1), CHALLENGE, TCPS_ESTABLISHED),
	    ROW("in the window", SEG(SYN, .seq = 1000), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("the first one again", SEG(SYN, .seq = 0), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("elsewhere", SEG(SYN, .seq = 1 << 20), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("SYN-ACK", SEG(SYN | ACK, .seq = 0, .ack = 1), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("SYN-ACK in the window", SEG(SYN | ACK, .seq = 1, .ack = 1),
		CHALLENGE, TCPS_ESTABLISHED),
	    ROW("SYN-RST at the edge", SEG(SYN | RST, .seq = 1), SILENT,
		TCPS_CLOSED, .gone = ECONNRESET),
	};

	walk(TCPS_ESTABLISHED, rows);
}

Test(established, ack_table, .description = "MAY-12")
{
	const struct lab_row rows[] = {
	    ROW("no ACK", SEG(0, .seq = 1, .len = 5), SILENT, TCPS_ESTABLISHED),
	    ROW("PSH, no ACK", SEG(PSH, .seq = 1, .len = 5), SILENT,
		TCPS_ESTABLISHED),
	    ROW("FIN, no ACK", SEG(FIN, .seq = 1), SILENT, TCPS_ESTABLISHED),
	    ROW("of what was not sent", SEG(ACK, .seq = 1, .ack = 2), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("of what was not sent, with data",
		SEG(ACK, .seq = 1, .ack = 2, .len = 10), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("long gone", SEG(ACK, .seq = 1, .ack = -70000), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("long gone, with data",
		SEG(ACK, .seq = 1, .ack = -70000, .len = 10), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("old, with data", SEG(ACK, .seq = 1, .ack = -10, .len = 10),
		SILENT, TCPS_ESTABLISHED, .ev = TCP_EV_READABLE),
	};

	walk(TCPS_ESTABLISHED, rows);
}

Test(established, fin_table)
{
	const struct lab_row rows[] = {
	    ROW("FIN", SEG(FIN | ACK, .seq = 1, .ack = 1),
		SEG(ACK, .seq = 1, .ack = 2), TCPS_CLOSE_WAIT,
		.ev = TCP_EV_EOF),
	    ROW("FIN with data",
		SEG(FIN | PSH | ACK, .seq = 1, .ack = 1, .len = 10),
		SEG(ACK, .seq = 1, .ack = 12), TCPS_CLOSE_WAIT,
		.ev = TCP_EV_READABLE),
	    ROW("FIN after a gap", SEG(FIN | ACK, .seq = 101, .ack = 1),
		SEG(ACK, .seq = 1, .ack = 1), TCPS_ESTABLISHED),
	    ROW("FIN beyond the window",
		SEG(FIN | ACK, .seq = 1 << 20, .ack = 1), CHALLENGE,
		TCPS_ESTABLISHED),
	    ROW("FIN with old data",
		SEG(FIN | ACK, .seq = -9, .ack = 1, .len = 10),
		SEG(ACK, .seq = 1, .ack = 2), TCPS_CLOSE_WAIT),
	    ROW("FIN with a future ACK", SEG(FIN | ACK, .seq = 1, .ack = 9),
		CHALLENGE, TCPS_ESTABLISHED),
	};

	walk(TCPS_ESTABLISHED, rows);
}

/* RFC 5961 7 and 10: one challenge, then a pause. */
Test(established, challenges_are_limited)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(RST, .seq = 2);
	stack_sends(ACK, .seq = 1, .ack = 1);
	for (unsigned i = 0; i < 50; i++)
		peer_sends(RST, .seq = 3 + i);
	silence();
	dropped(TCP_CHALLENGE_RATE);
	expect_eq(lab_stats().challenge_acks, 1);
	at(sec(1));
	peer_sends(SYN, .seq = 2);
	stack_sends(ACK, .seq = 1, .ack = 1);
}

/* Sequence numbers wrap on both sides: 3 MB each way in order. */
Test(established, long_stream)
{
	int64_t in = 1, out = 1;

	reach(TCPS_ESTABLISHED);
	for (unsigned i = 0; i < 2000; i++) {
		peer_sends(ACK | PSH, .seq = in, .ack = out, .len = 1460);
		in += 1460;
		app_reads(1460);
		app_writes(1460);
		stack_sends(ACK | PSH, .seq = out, .ack = in, .len = 1460);
		out += 1460;
	}
	peer_sends(ACK, .seq = in, .ack = out);
	silence();
}

/* The bits of an abort: the peer gets RST at once, whatever waits. */
Test(established, abort)
{
	reach(TCPS_ESTABLISHED);
	app_writes(10000);
	lab_drain();
	app_aborts();
	in_state(TCPS_CLOSED);
	stack_sends(RST | ACK, .seq = 10001, .ack = 1);
	silence();
}

/* SHLD-3: unread data at close means that data was lost: RST. */
Test(established, close_with_unread_data, .description = "SHLD-3")
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	app_closes();
	stack_sends(RST | ACK, .seq = 1, .ack = 11);
	in_state(TCPS_CLOSED);
	silence();
}

/* A close without unread data is orderly; what was written goes first. */
Test(established, close_sends_all_first)
{
	reach(TCPS_ESTABLISHED);
	app_writes(3000);
	app_closes();
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1460);
	stack_sends(ACK, .seq = 1461, .ack = 1, .len = 1460);
	stack_sends(FIN | PSH | ACK, .seq = 2921, .ack = 1, .len = 80);
	in_state(TCPS_FIN_WAIT_1);
	peer_sends(ACK, .seq = 1, .ack = 3002);
	in_state(TCPS_FIN_WAIT_2);
}

/* Data that arrives after close has nobody to go to: RST (SHLD-3). */
Test(established, data_after_close, .description = "SHLD-3 MAY-1")
{
	reach(TCPS_ESTABLISHED);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 2);
	peer_sends(ACK | PSH, .seq = 1, .ack = 2, .len = 10);
	stack_sends(RST, .seq = 2);
	in_state(TCPS_CLOSED);
	dropped(TCP_AFTER_CLOSE);
}

/* SHUT_RD: what comes is acknowledged and thrown away. */
Test(established, recv_discard)
{
	int64_t seq = 1;

	reach(TCPS_ESTABLISHED);
	tcp_recv_discard(lab_pcb(), lab_mono());
	for (unsigned i = 0; i < 100; i++) {
		peer_sends(ACK, .seq = seq, .ack = 1, .len = 1460);
		seq += 1460;
		if (i % 2 == 1)
			stack_sends(ACK, .seq = 1, .ack = seq);
	}
	expect_eq(tcp_recv_queued(lab_pcb()), 0);
}

/* MUST-5, MUST-6, MUST-7, MUST-64: options on any segment, unknown ones,
 * broken ones, and odd positions. */
Test(
    established, strange_options, .description = "MUST-5 MUST-6 MUST-7 MUST-64")
{
	static const struct {
		const char *bytes;
		uint8_t len;
		bool good;
	} rows[] = {
	    {"\x01\x01\x01\x01", 4, true}, {"\x00\x00\x00\x00", 4, true},
	    {"\xfd\x04\x12\x34", 4, true}, /* unknown, skipped */
	    {"\x1e\x08\x01\x02\x03\x04\x05\x06", 8, true},
	    {"\x01\xfd\x03\x07", 4, true},
	    {"\x02\x04\x05\xb4", 4, true},  /* MSS without SYN */
	    {"\xfd\x00\x01\x01", 4, false}, /* length 0 */
	    {"\xfd\x01\x01\x01", 4, false}, /* length 1 */
	    {"\x01\x01\xfd\x08", 4, false}, /* past the header's end */
	    {"\x01\x01\x01\xfd", 4, false}, /* no length at all */
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		passive_lab();
		reach(TCPS_ESTABLISHED);
		peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10,
		    .opts = rows[i].bytes, .optlen = rows[i].len);
		lab_drain();
		if (rows[i].good) {
			in_state(TCPS_ESTABLISHED);
			app_reads(10);
		} else {
			dropped(TCP_OPTION);
		}
	}
}

/* A SYN or RST whose data reaches into the window is judged by its own number,
 * which does not. */
Test(established, old_syn_and_rst_with_data)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(RST, .seq = -5, .len = 10);
	silence();
	in_state(TCPS_ESTABLISHED);
	peer_sends(SYN | ACK, .seq = -5, .ack = 1, .len = 10);
	stack_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	expect_eq(tcp_recv_queued(lab_pcb()), 0);
}

/* The FIN of a segment that is cut at the window's end is cut off, too, and
 * counts when it comes again. */
Test(established, fin_beyond_the_window)
{
	uint32_t got;

	lab_start(.listens = true, .rcvbuf = 4096);
	reach(TCPS_ESTABLISHED);
	peer_sends(FIN | ACK, .seq = 1, .ack = 1, .len = 5000);
	lab_drain();
	in_state(TCPS_ESTABLISHED);
	got = (uint32_t)tcp_recv_queued(lab_pcb());
	expect(got > 0 && got <= 4096);
	app_reads(got);
	lab_drain();
	peer_sends(
	    FIN | ACK, .seq = 1 + (int64_t)got, .ack = 1, .len = 5000 - got);
	lab_drain();
	in_state(TCPS_CLOSE_WAIT);
	app_reads(5000 - got);
	app_reads_eof();
}

/* SHUT_RD with data out of order and unread: the gap is filled, nothing is
 * kept, and close() is orderly. */
Test(established, recv_discard_with_a_gap)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100);
	peer_sends(ACK, .seq = 201, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 101);
	tcp_recv_discard(lab_pcb(), lab_mono());
	expect_eq(tcp_recv_queued(lab_pcb()), 0);
	peer_sends(ACK, .seq = 101, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 301);
	expect_eq(tcp_recv_queued(lab_pcb()), 0);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 301);
}

/* The congestion control can be changed, and an unknown one is refused. */
Test(established, congestion_option)
{
	struct tcp_opts o;

	reach(TCPS_ESTABLISHED);
	o = lab_opts();
	o.congestion = "cubic";
	expect_eq(tcp_apply_opts(lab_pcb(), &o, lab_mono()), 0);
	expect(strcmp(lab_info().congestion, "cubic") == 0);
	o.congestion = "reno";
	expect_eq(tcp_apply_opts(lab_pcb(), &o, lab_mono()), 0);
	o.congestion = "vegas";
	expect_eq(tcp_apply_opts(lab_pcb(), &o, lab_mono()), -ENOENT);
	expect_eq(lab_info().cwnd_bytes, 14600);
}

/* TOS and TTL of the program go out on every segment, from the SYN on, and at
 * once when he changes them. */
Test(established, tos_and_ttl, .description = "MUST-48 MUST-49 SHLD-21")
{
	active_lab();
	app_sets(tos = 0x20);
	app_sets(ttl = 7);
	app_connects();
	stack_sends(SYN, .seq = 0, .tos = 0x20, .ttl = 7);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1, .tos = 0x20, .ttl = 7);
	app_writes(9);
	stack_sends(
	    ACK | PSH, .seq = 1, .ack = 1, .len = 9, .tos = 0x20, .ttl = 7);
	app_sets(tos = 0xb8);
	app_sets(ttl = 255);
	after(lab_info().rto_us);
	stack_sends(
	    ACK | PSH, .seq = 1, .ack = 1, .len = 9, .tos = 0xb8, .ttl = 255);
	peer_sends(ACK, .seq = 1, .ack = 10);
	app_closes();
	stack_sends(FIN | ACK, .seq = 10, .ack = 1, .tos = 0xb8, .ttl = 255);
}

/* What TCP_INFO says agrees with what was done. */
Test(established, info)
{
	struct tcp_info_out i;

	handshake(.mss = 1460, .win = 30000);
	expect_eq(lab_info().timer_us, -1);
	app_writes(3000);
	expect_eq(tcp_send_queued(lab_pcb()), 3000);
	expect_eq(tcp_send_unsent(lab_pcb()), 3000);
	lab_drain();
	expect_eq(tcp_send_unsent(lab_pcb()), 0);
	at(ms(10));
	peer_sends(ACK, .seq = 1, .ack = 1461, .len = 100);
	i = lab_info();
	expect_eq(i.state, TCPS_ESTABLISHED);
	expect_eq(i.snd_mss, 1460);
	expect_eq(i.snd_wnd, 30000);
	expect_eq(i.bytes_sent, 3000);
	expect_eq(i.bytes_acked, 1460);
	expect_eq(i.bytes_received, 100);
	expect_eq(i.send_queued, 1540);
	expect_eq(i.send_unsent, 0);
	expect_eq(i.recv_queued, 100);
	expect_eq(i.flight_bytes, 1540);
	expect_eq(i.data_segs_out, 3);
	expect_eq(i.data_segs_in, 1);
	expect_eq(i.retransmits, 0);
	expect(strcmp(i.timer_name, "on") == 0);
	expect(i.timer_us > 0);
	lab_run_until(ms(11));
}
