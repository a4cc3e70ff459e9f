/* SPDX-License-Identifier: ISC */
/*
 * When data may go: pacing by the window and by the program's limit
 * (SO_MAX_PACING_RATE), and what is told of it.
 */
#include "lab.h"

#define M 1460

static void
paced_lab(void)
{
	lab_start(.listens = true, .pacing = true);
}

TestSuite(pacing, .init = paced_lab, .fini = lab_end);

/* A round trip of 100 ms, and n segments acknowledged. */
static void
begin(unsigned n)
{
	peer_sends(SYN, .seq = 0, .win = 65535, .mss = M, .wscale = 4);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(100));
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 60000);
	if (n == 0)
		return;
	app_writes(n * M);
	expect_eq(lab_drain(), n);
	at(ms(200));
	peer_sends(ACK, .seq = 1, .ack = 1 + n * M, .win = 60000);
}

/* Ten segments go at once; what else the window allows is spread over half
 * the round trip, two segments at a time. */
Test(pacing, spreads_a_window)
{
	int64_t from, sent = 0;

	begin(10);
	app_writes(100 * M);
	from = lab_now();
	expect(lab_info().cwnd_bytes >= 20 * M);
	/* 20 segments at 2 * 20 in 100 ms: 2.5 ms each. */
	expect(lab_info().pacing_rate >= 380 * M);
	expect(lab_info().pacing_rate <= 420 * M);
	sent = lab_drain();
	expect(sent >= 10 && sent <= 12);
	silence();
	while (sent < 20) {
		speaks_between(lab_now() + 1, lab_now() + ms(6));
		sent += lab_drain();
	}
	expect_eq(sent, 20);
	expect(lab_now() - from >= ms(17));
	expect(lab_now() - from <= ms(27));
	/* The window is used up: only an acknowledgment brings more. */
	quiet_for(ms(20));
}

/* The program's limit holds from the first segment on and can be taken away. */
Test(pacing, max_rate)
{
	int64_t from;
	unsigned sent;

	begin(0);
	app_sets(max_pacing_rate = 10 * M);
	expect_eq(lab_info().max_pacing_rate, 10 * M);
	expect_eq(lab_info().pacing_rate, 10 * M);
	from = lab_now();
	app_writes(8 * M);
	sent = lab_drain();
	expect_eq(sent, 1);
	while (sent < 3) {
		speaks_between(lab_now() + ms(98), lab_now() + ms(101));
		sent += lab_drain();
	}
	expect(lab_now() - from >= ms(198));
	peer_sends(ACK, .seq = 1, .ack = 1 + 3 * M, .win = 60000);
	silence();
	app_sets(max_pacing_rate = 0);
	expect(lab_run_until(lab_now() + ms(130)) >= 5);
}

/* What is left of a fast one's last microsecond is nothing at a slow one. */
Test(pacing, max_rate_falls)
{
	peer_sends(SYN, .seq = 0, .win = 65535, .mss = M);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 60000);
	app_sets(max_pacing_rate = 1000000000000);
	app_writes(9 * M);
	expect_eq(lab_drain(), 9);
	peer_sends(ACK, .seq = 1, .ack = 1 + 9 * M, .win = 60000);
	app_sets(max_pacing_rate = 10 * M);
	app_writes(3 * M);
	expect_eq(lab_drain(), 1);
	speaks_between(lab_now() + ms(98), lab_now() + ms(101));
	app_aborts();
	lab_drain();
}

/* What goes out in two seconds at that limit, the peer 100 ms away. */
static unsigned
limited_to(unsigned segs_a_second, const char *congestion)
{
	unsigned sent[100] = {0}, out = 0, acked = 0, counted = 0;

	lab_start(.listens = true, .pacing = true, .congestion = congestion);
	begin(0);
	app_sets(max_pacing_rate = segs_a_second * M);
	app_writes(700 * M);
	for (unsigned t = 0; t < 3000; t++) {
		unsigned n;

		if (sent[t % 100] > 0) {
			acked += sent[t % 100];
			peer_sends(
			    ACK, .seq = 1, .ack = 1 + acked * M, .win = 60000);
		}
		n = lab_run_until(lab_now() + ms(1));
		out += n;
		counted += t >= 1000 ? n : 0;
		sent[t % 100] = n;
	}
	expect(out < 700); /* there was always more */
	return counted;
}

/* Within 5 % of it, whatever algorithm is behind it. */
Test(pacing, max_rate_is_the_rate)
{
	static const char *const names[] = {"newreno", "cubic", "dctcp", "bbr"};

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		unsigned n = limited_to(200, names[i]);

		lab_label(names[i]);
		expect(n >= 380 && n <= 420);
		lab_end();
	}
}

/* Nothing waits behind its time: no timer is left once all is out. */
Test(pacing, no_idle_timer)
{
	begin(10);
	silence();
	expect_eq(lab_info().timer_us, -1);
	expect(mono_is_never(tcp_deadline(lab_tcp())));
}

/* Trains are what goes in a millisecond at the window's rate, two segments at
 * least, though nothing is paced; all of it where a round trip takes no time.
 */
Test(pacing, trains_without_pacing)
{
	lab_start(.listens = true, .tso = 65535);
	begin(0);
	app_writes(10 * M);
	for (unsigned i = 0; i < 5; i++)
		stack_sends(
		    ACK | PSH, .seq = 1 + 2 * i * M, .ack = 1, .len = 2 * M);
	silence();
	lab_start(.listens = true, .tso = 65535);
	peer_sends(SYN, .seq = 0, .win = 65535, .mss = M, .wscale = 4);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 60000);
	app_writes(10 * M);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 5 * M);
	stack_sends(ACK | PSH, .seq = 1 + 5 * M, .ack = 1, .len = 5 * M);
}

/* BBR paces though pacing is off, at 2.77 windows a round trip at first. */
Test(pacing, bbr_always)
{
	lab_start(.listens = true, .congestion = "bbr");
	begin(0);
	expect(lab_info().pacing_rate >= 270 * M);
	expect(lab_info().pacing_rate <= 285 * M);
	expect_eq(lab_info().cc.kind, CC_INFO_BBR);
	app_writes(10 * M);
	expect(lab_drain() <= 3);
	lab_run_until(lab_now() + ms(60));
	expect_eq(lab_info().flight_bytes, 10 * M);
}

/* What the time went to: the peer's window, then nothing. */
Test(pacing, busy_times)
{
	struct tcp_info_out i;

	begin(0);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 2 * M / 16);
	app_writes(4 * M);
	lab_drain();
	at(ms(150));
	peer_sends(ACK, .seq = 1, .ack = 1 + M, .win = 60000);
	lab_drain();
	at(ms(250));
	peer_sends(ACK, .seq = 1, .ack = 1 + 4 * M, .win = 60000);
	lab_drain();
	at(ms(900));
	i = lab_info();
	expect_eq(i.rwnd_limited_us, ms(50));
	expect_eq(i.busy_us, ms(150));
	expect_eq(i.delivered_bytes, 4 * M);
	expect(i.delivery_rate > 0);
}

/* RFC 5681 4.1: after an idle time longer than the RTO at most the initial
 * window goes at once, and ssthresh remembers. */
Test(pacing, restart)
{
	int64_t seq = 1;
	unsigned w;

	begin(0);
	app_writes(160 * M);
	for (unsigned i = 0; i < 12 && seq < 1 + 160 * M; i++) {
		seq += (int64_t)lab_run_until(lab_now() + ms(100)) * M;
		peer_sends(ACK, .seq = 1, .ack = seq, .win = 60000);
	}
	expect_eq(seq, 1 + 160 * M);
	w = lab_info().cwnd_bytes;
	expect(w > 20 * M);
	lab_run_until(lab_now() + sec(10));
	app_writes(60 * M);
	expect_eq(lab_drain(), 10);
	expect_eq(lab_info().cwnd_bytes, 10 * M);
	expect(lab_info().ssthresh_bytes >= w - w / 4);
}

/* The rest of a flight waits for the ACK that is about to come: something went
 * just now, and it would be less than a train and than a third of the window.
 */
Test(pacing, less_than_a_train_waits)
{
	lab_start(.listens = true, .tso = 65535);
	begin(0);
	app_writes(30 * M);
	expect_eq(lab_drain(), 5);
	at(ms(200));
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 60000);
	stack_sends(ACK, .seq = 1 + 10 * M, .ack = 1, .len = M);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 60000);
	silence();
	/* Not for long, if another ACK brings it up again. */
	after(ms(2));
	app_writes(M);
	stack_sends(ACK, .seq = 1 + 11 * M, .ack = 1, .len = M);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 60000);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	app_aborts();
	lab_drain();
}
