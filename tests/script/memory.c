/* SPDX-License-Identifier: ISC */
/*
 * Bounds: the buffers run out, the tables grow, queues are full.  Running out
 * is an outcome like others: counted, told, and over when there is room again.
 */
#include <string.h>
#include "lab.h"

#define M 1460

TestSuite(memory, .init = passive_lab, .fini = lab_end);

/* A writer cannot take the memory that ACKs must arrive in. */
Test(memory, writers_leave_room_for_acks)
{
	size_t n;

	lab_start(.listens = true, .pool = 256 << 10, .sndbuf = 4 << 20);
	reach(TCPS_ESTABLISHED);
	n = lab_offers(4 << 20);
	expect(n > 100000 && n < 256 << 10);
	lab_drain();
	expect(bufpool_limit(lab_pool()) - bufpool_used(lab_pool()) >= 16384);
	at(ms(10));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
	expect(lab_drain() > 0);
}

/* One connection holds all the memory; another that has nothing out hears when
 * there is room. */
Test(memory, a_starved_writer_is_woken)
{
	size_t n;

	lab_start(.listens = true, .pool = 256 << 10, .sndbuf = 4 << 20);
	use(1);
	reach(TCPS_ESTABLISHED);
	use(0);
	reach(TCPS_ESTABLISHED);
	n = lab_offers(4 << 20);
	lab_drain();
	use(1);
	expect_eq(lab_offers(1000), 0);
	no_event();
	use(0);
	for (int64_t ack = 1; ack < 1 + (int64_t)n;) {
		ack += 10 * M;
		if (ack > 1 + (int64_t)n)
			ack = 1 + (int64_t)n;
		after(ms(10));
		peer_sends(ACK, .seq = 1, .ack = ack);
		lab_drain();
	}
	use(1);
	lab_run_until(lab_now() + ms(100));
	event(TCP_EV_WRITABLE);
	app_writes(1000);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 1000);
}

/* The starved one goes away meanwhile. */
Test(memory, a_starved_writer_closes)
{
	for (unsigned how = 0; how < 3; how++) {
		lab_start(.listens = true, .pool = 256 << 10,
		    .sndbuf = 4 << 20);
		use(1);
		reach(TCPS_ESTABLISHED);
		use(0);
		reach(TCPS_ESTABLISHED);
		lab_offers(4 << 20);
		lab_drain();
		use(1);
		expect_eq(lab_offers(1000), 0);
		if (how == 0)
			app_closes();
		else if (how == 1)
			app_aborts();
		else
			peer_sends(RST, .seq = 1);
		lab_drain();
		use(0);
		app_aborts();
		lab_drain();
		lab_run_until(sec(1000));
		expect_eq(lab_stats().conns, 0);
	}
}

/* A few thousand connections: the tables grow, each is found. */
Test(memory, many_connections)
{
	struct lab_seg s;
	unsigned n = 0;

	lab_start(.listens = true, .backlog = 5000);
	for (unsigned i = 0; i < 4000; i++) {
		peer_sends(SYN, .seq = 0, .sport = (uint16_t)(10000 + i));
		s = lab_next();
		n += s.flags == (SYN | ACK);
	}
	expect_eq(n, 4000);
	expect_eq(lab_stats().half_open, 4000);
	for (unsigned i = 0; i < 4000; i++)
		peer_sends(RST, .seq = 1, .sport = (uint16_t)(10000 + i));
	expect_eq(lab_stats().half_open, 0);
	silence();
}

/* More answers to strangers than fit in the queue: the rest is counted. */
Test(memory, answers_are_bounded)
{
	active_lab();
	for (unsigned i = 0; i < 10000; i++)
		peer_sends(SYN, .seq = 0);
	dropped(TCP_CTL_QUEUE);
	expect(lab_drain() < 10000);
}

/* The out-of-order queue is bounded by the receive buffer, not by what the
 * peer's small segments would hold. */
Test(memory, out_of_order_memory_is_bounded)
{
	lab_start(.listens = true, .rcvbuf = 1 << 20, .pool = 64 << 20);
	handshake(.mss = 1460, .wscale = 7);
	for (int i = 0; i < 20000; i++) {
		peer_sends(ACK, .seq = 2 + 2 * i, .ack = 1, .len = 1);
		lab_drain();
	}
	dropped(TCP_OOO_MEMORY);
	expect(bufpool_used(lab_pool()) < 8 << 20);
}

/* Nor does it take the last of the memory: what it waits for must come in. */
Test(memory, out_of_order_leaves_room)
{
	lab_start(.listens = true, .rcvbuf = 1 << 20, .pool = 1 << 20);
	handshake(.mss = 1460, .wscale = 7);
	for (int i = 0; i < 1000; i++) {
		peer_sends(ACK, .seq = 2 + 2 * i, .ack = 1, .len = 1);
		lab_drain();
	}
	dropped(TCP_OOO_RECLAIMED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1);
	lab_drain();
	expect(tcp_recv_queued(lab_pcb()) >= 2);
	app_reads(tcp_recv_queued(lab_pcb()));
	lab_run_until(sec(1));
}

/* Small segments in order that nobody reads: memory follows the bytes. */
Test(memory, small_segments)
{
	lab_start(.listens = true, .rcvbuf = 256 << 10, .pool = 64 << 20);
	handshake(.mss = 1460, .wscale = 7);
	for (int i = 0; i < 20000; i++) {
		peer_sends(ACK | PSH, .seq = 1 + i, .ack = 1, .len = 1);
		lab_drain();
	}
	expect_eq(tcp_recv_queued(lab_pcb()), 20000);
	expect(bufpool_used(lab_pool()) < 256 << 10);
	app_reads(20000);
	lab_run_until(sec(1));
}

/* The memory for a connection's record: the limit holds for connect(), too. */
Test(memory, connect_at_the_limit)
{
	lab_start(.max_conns = 3);
	for (unsigned i = 0; i < 3; i++) {
		use(i);
		app_connects();
		stack_sends(SYN, .seq = 0);
	}
	use(3);
	app_connects_fails(ENOMEM);
	use(0);
	app_aborts();
	use(3);
	app_connects();
	stack_sends(SYN, .seq = 0);
}

/* TCP_NOTSENT_LOWAT: what the window does not let go is not taken either; what
 * is sent makes room, without an acknowledgment. */
Test(memory, notsent_lowat)
{
	handshake(.mss = 1000, .win = 2000);
	app_sets(notsent_lowat = 3000);
	expect_eq(tcp_send_space(lab_pcb()), 3000);
	app_writes(3000);
	expect_eq(tcp_send_space(lab_pcb()), 0);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1001, .ack = 1, .len = 1000);
	expect_eq(tcp_send_space(lab_pcb()), 2000);
	app_writes(2000);
	expect_eq(lab_offers(1), 0);
	no_event();
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 4000);
	stack_sends(ACK, .seq = 2001, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 3001, .ack = 1, .len = 1000);
	event(TCP_EV_WRITABLE);
	expect_eq(tcp_send_space(lab_pcb()), 2000);
}

/* However little may wait, it is a whole segment. */
Test(memory, notsent_lowat_is_a_segment_at_least)
{
	handshake(.mss = 1000, .win = 2000);
	app_sets(notsent_lowat = 1);
	expect_eq(tcp_send_space(lab_pcb()), 1000);
	app_writes(1000);
	expect_eq(tcp_send_space(lab_pcb()), 0);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 1000);
	expect_eq(tcp_send_space(lab_pcb()), 1000);
	app_writes(1000);
	stack_sends(ACK | PSH, .seq = 1001, .ack = 1, .len = 1000);
	app_writes(1000);
	silence(); /* the window is full */
	expect_eq(lab_offers(1), 0);
}

/* Segments of one octet make a record each.  A connection has so many of them
 * out and no more; what waits goes together when some are acknowledged. */
Test(memory, small_segments_are_counted)
{
	unsigned n = 0;
	struct lab_seg s;

	handshake(.mss = M, .sackok = 1);
	app_sets(nodelay = true);
	for (unsigned i = 0; i < 300; i++) {
		after(us(1));
		app_writes(1);
		n += lab_drain();
	}
	expect(n >= 20 && n <= 2 * 10 + 64);
	after(ms(1));
	peer_sends(ACK, .seq = 1, .ack = 1 + (int64_t)n);
	s = lab_next();
	expect_eq(s.seq, 1 + n);
	expect_eq(s.len, 300 - n);
	silence();
}

/* And all connections together: the data of who gets none waits. */
Test(memory, records_run_out)
{
	unsigned sent[LAB_CONNS] = {0}, all = 0;

	lab_start(.listens = true, .pool = 1 << 20, .backlog = 1000);
	for (unsigned c = 0; c < LAB_CONNS; c++) {
		use(c);
		reach(TCPS_ESTABLISHED);
		app_sets(nodelay = true);
		for (unsigned i = 0; i < 30; i++) {
			after(us(1));
			app_writes(1);
			sent[c] += lab_drain();
		}
		all += sent[c];
	}
	/* The first ones got what they asked for, the last ones nothing. */
	expect_eq(sent[0], 30);
	expect(sent[LAB_CONNS - 1] < 2);
	expect(all < 30 * LAB_CONNS);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned c = 0; c < LAB_CONNS; c++) {
			struct tcp_info_out i;

			use(c);
			i = lab_info();
			peer_sends(ACK, .seq = 1,
			    .ack =
				1 + (int64_t)(i.bytes_sent - i.bytes_retrans));
		}
		/* Who has nothing out asks again after an RTO. */
		lab_run_until(lab_now() + ms(300));
	}
	for (unsigned c = 0; c < LAB_CONNS; c++) {
		use(c);
		expect_eq(lab_info().bytes_acked, 30);
	}
}
