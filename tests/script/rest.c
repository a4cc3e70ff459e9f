/* SPDX-License-Identifier: ISC */
/*
 * Connections that rest (tcp/rest.c): nothing tells them from others.
 */
#include <string.h>
#include "lab.h"

static void
talks(void)
{
	lab_start(.congestion = "cubic");
	app_connects();
	stack_sends(SYN, .seq = 0);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .sackok = 1,
	    .wscale = 7, .tsval = 100, .tsecr = 0);
	stack_sends(ACK, .seq = 1, .ack = 1);
	app_writes(1000);
	stack_sends(PSH | ACK, .seq = 1, .ack = 1, .len = 1000);
	peer_sends(PSH | ACK, .seq = 1, .ack = 1001, .len = 500, .tsval = 110,
	    .tsecr = 0);
	app_reads(500);
	lab_run_until(ms(300)); /* its acknowledgment */
}

/* All that can be asked is as it was; to ask does not wake it. */
Test(rest, nothing_is_forgotten)
{
	struct tcp_info_out before, after;
	struct tcp_opts opts, now;

	talks();
	app_sets(keepidle_s = 100);
	app_sets(tos = 8);
	at(ms(4000));
	expect_eq(lab_stats().resting, 0);
	before = lab_info();
	opts = lab_opts();
	quiet_until(ms(20000));
	expect_eq(lab_stats().resting, 1);
	expect_eq(lab_stats().conns, 1);
	after = lab_info();
	now = lab_opts();
	expect_eq(after.last_data_sent_us - before.last_data_sent_us,
	    after.last_ack_recv_us - before.last_ack_recv_us);
	after.last_data_sent_us = before.last_data_sent_us;
	after.last_data_recv_us = before.last_data_recv_us;
	after.last_ack_recv_us = before.last_ack_recv_us;
	expect(memcmp(&before, &after, sizeof before) == 0);
	expect(memcmp(&opts, &now, sizeof opts) == 0);
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_stats().resting, 1);
	lab_end();
}

/* Each of these wakes it: a segment, a call, a timer. */
Test(rest, wakes_for_a_segment)
{
	talks();
	quiet_until(ms(20000));
	expect_eq(lab_stats().resting, 1);
	peer_sends(PSH | ACK, .seq = 501, .ack = 1001, .len = 100, .tsval = 200,
	    .tsecr = 0);
	expect_eq(lab_stats().resting, 0);
	app_reads(100);
	lab_run_until(ms(40000));
	expect_eq(lab_stats().resting, 1);
	/* Whatever it is: this is not acceptable. */
	peer_sends(RST, .seq = 700);
	stack_sends(ACK, .seq = 1001, .ack = 601);
	in_state(TCPS_ESTABLISHED);
	lab_end();
}

Test(rest, wakes_for_a_call)
{
	talks();
	quiet_until(ms(20000));
	app_writes(10);
	stack_sends(PSH | ACK, .seq = 1001, .ack = 501, .len = 10);
	peer_sends(ACK, .seq = 501, .ack = 1011, .tsval = 300, .tsecr = 0);
	quiet_until(ms(40000));
	expect_eq(lab_stats().resting, 1);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1011, .ack = 501);
	expect_eq(lab_stats().resting, 0);
	peer_sends(
	    FIN | ACK, .seq = 501, .ack = 1012, .tsval = 310, .tsecr = 0);
	stack_sends(ACK, .seq = 1012, .ack = 502);
	lab_end();
}

Test(rest, wakes_for_keep_alive)
{
	talks();
	app_sets(keepalive = true);
	quiet_until(ms(7199000));
	expect_eq(lab_stats().resting, 1);
	speaks_between(ms(7199000), ms(7210000));
	stack_sends(ACK, .seq = 1000, .ack = 501);
	peer_sends(ACK, .seq = 501, .ack = 1001, .tsval = 300, .tsecr = 0);
	quiet_until(ms(7300000));
	expect_eq(lab_stats().resting, 1);
	lab_end();
}

/* What is unread or unanswered keeps it awake. */
Test(rest, not_with_something_to_do)
{
	talks();
	peer_sends(PSH | ACK, .seq = 501, .ack = 1001, .len = 100, .tsval = 200,
	    .tsecr = 0);
	lab_run_until(ms(20000));
	expect_eq(lab_stats().resting, 0);
	app_reads(100);
	lab_run_until(ms(40000));
	expect_eq(lab_stats().resting, 1);
	lab_end();
}
