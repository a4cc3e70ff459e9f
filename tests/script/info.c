/* SPDX-License-Identifier: ISC */
/* What TCP_INFO shows, as Linux counts it. */
#include "lab.h"

static void
client(void)
{
	lab_start(.congestion = "newreno", .tso = 60000);
	app_connects();
	stack_sends(SYN, .seq = 0);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .sackok = 1,
	    .tsval = 1, .tsecr = 0);
	stack_sends(ACK, .seq = 1, .ack = 1);
}

/* RFC 7323's option is part of what the peer's segments may be long; SYN and
 * FIN are acknowledged too. */
Test(info, handshake_and_end)
{
	client();
	expect_eq(lab_info().advmss, 1448);
	expect_eq(lab_info().bytes_acked, 0);
	expect_eq(lab_info().ctl_acked, 1);
	app_shuts_down();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	expect_eq(lab_info().ctl_acked, 1);
	expect_eq(lab_info().unacked_segs, 1);
	peer_sends(ACK, .seq = 1, .ack = 2, .tsval = 2, .tsecr = 0);
	expect_eq(lab_info().ctl_acked, 2);
	expect_eq(lab_info().bytes_acked, 0);
	app_aborts();
	lab_drain();
	lab_end();
}

/* A burst of three and a half, acknowledged one by one: each counts once. */
Test(info, packets_of_a_burst)
{
	uint32_t mss, had;

	client();
	mss = lab_info().snd_mss;
	had = (uint32_t)lab_info().delivered_packets;
	app_writes(3 * mss + 700);
	lab_drain();
	expect_eq(lab_info().unacked_segs, 4);
	expect_eq(lab_info().data_segs_out, 4);
	expect_eq(lab_info().segs_out, 2 + 4);
	expect_eq(lab_stats().out_segs, 2 + 4);
	for (unsigned i = 1; i <= 3; i++) {
		peer_sends(
		    ACK, .seq = 1, .ack = 1 + i * mss, .tsval = 2, .tsecr = 0);
		expect_eq(lab_info().delivered_packets, had + i);
	}
	peer_sends(ACK, .seq = 1, .ack = 701 + 3 * mss, .tsval = 2, .tsecr = 0);
	expect_eq(lab_info().delivered_packets, had + 4);
	expect_eq(lab_info().unacked_segs, 0);
	lab_end();
}

/* total_rto, total_rto_recoveries, total_rto_time: of the handshake, and of a
 * recovery while it goes on and when it is over. */
Test(info, time_outs)
{
	lab_start(.congestion = "newreno");
	app_connects();
	stack_sends(SYN, .seq = 0);
	at(sec(1));
	stack_sends(SYN, .seq = 0);
	after(ms(500));
	expect_eq(lab_info().total_rto_us, ms(500));
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_info().total_rto, 1);
	expect_eq(lab_info().total_rto_recoveries, 1);
	after(ms(100));
	expect_eq(lab_info().total_rto_us, ms(500));
	app_writes(100);
	stack_sends(PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	lab_run_until(lab_now() + sec(20));
	expect(lab_info().total_rto >= 3);
	expect_eq(lab_info().total_rto_recoveries, 2);
	expect(lab_info().total_rto_us > sec(2));
	peer_sends(ACK, .seq = 1, .ack = 101);
	app_writes(100);
	lab_drain();
	peer_sends(ACK, .seq = 1, .ack = 201);
	after(sec(1));
	expect(lab_info().total_rto_us <= sec(20));
	expect_eq(lab_info().total_rto_recoveries, 2);
	lab_end();
}
