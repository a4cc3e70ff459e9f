/* SPDX-License-Identifier: ISC */
/*
 * Bytes that are sent from where the user has them: in their order among those
 * that he wrote, again from there when they are lost, and told of when they are
 * acknowledged.
 */
#include "lab.h"

#define M 1460

TestSuite(lend, .init = passive_lab, .fini = lab_end);

static void
established(void)
{
	peer_sends(SYN, .seq = 0, .mss = M);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(40));
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 60000);
}

Test(lend, sent_and_returned)
{
	established();
	app_lends(2 * M);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	stack_sends(PSH | ACK, .seq = 1 + M, .ack = 1, .len = M);
	expect_eq(tcp_send_returned(lab_pcb()), 0);
	at(ms(80));
	peer_sends(ACK, .seq = 1, .ack = 1 + M, .win = 60000);
	event(TCP_EV_RETURNED);
	expect_eq(tcp_send_returned(lab_pcb()), M);
	expect_eq(lab_lent(), 1);
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M, .win = 60000);
	event(TCP_EV_RETURNED);
	expect_eq(tcp_send_returned(lab_pcb()), 2 * M);
	expect_eq(lab_lent(), 0);
}

/* What follows where the last ended is one buf with it. */
Test(lend, among_what_is_written)
{
	established();
	app_writes(100);
	stack_sends(PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	app_lends(700);
	app_lends(800);
	app_writes(60);
	expect_eq(lab_lent(), 1);
	stack_sends(ACK, .seq = 101, .ack = 1, .len = M);
	at(ms(80));
	peer_sends(ACK, .seq = 1, .ack = 101 + M, .win = 60000);
	event(TCP_EV_RETURNED);
	expect_eq(tcp_send_returned(lab_pcb()), M);
	stack_sends(PSH | ACK, .seq = 101 + M, .ack = 1, .len = 100);
	peer_sends(ACK, .seq = 1, .ack = 201 + M, .win = 60000);
	event(TCP_EV_RETURNED);
	expect_eq(tcp_send_returned(lab_pcb()), 1500);
	expect_eq(lab_lent(), 0);
}

Test(lend, lost_and_sent_again)
{
	established();
	app_lends(4 * M);
	expect_eq(lab_drain(), 4);
	at(ms(80));
	for (unsigned i = 0; i < 3; i++)
		peer_sends(ACK, .seq = 1, .ack = 1, .win = 60000);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	expect_eq(tcp_send_returned(lab_pcb()), 0);
}

/* Whatever ends the connection gives them back. */
Test(lend, aborted)
{
	established();
	app_lends(M);
	stack_sends(PSH | ACK, .seq = 1, .ack = 1, .len = M);
	app_aborts();
	stack_sends(RST | ACK, .seq = 1 + M, .ack = 1);
	expect_eq(lab_lent(), 0);
}

Test(lend, nothing_behind_the_end)
{
	struct tcp_lent l = {.bytes = (const uint8_t *)"x", .len = 1};

	established();
	app_shuts_down();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	cr_expect_not(tcp_send_lend(lab_pcb(), &l, (mono_t){lab_now()}));
}
