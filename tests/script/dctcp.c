/* SPDX-License-Identifier: ISC */
/*
 * DCTCP (RFC 8257) with the classic form of ECN: its echo, its marks, what its
 * sender makes of an echo.
 */
#include "lab.h"

static void
server(void)
{
	lab_start(.listens = true, .ecn = TCP_ECN_CLASSIC,
	    .congestion = "dctcp");
	peer_sends(SYN | ECE | CWR, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | ECE, .seq = 0, .ack = 1, .ip = ECT0);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
}

/* Past the time in which each segment gets its ACK at once. */
static int64_t
delays_acks(void)
{
	int64_t seq = 1;

	app_sets(quickack = TCP_QUICK_OFF);
	peer_sends(ACK, .seq = seq, .ack = 1, .len = 1000, .ip = ECT0);
	peer_sends(ACK, .seq = seq + 1000, .ack = 1, .len = 1000, .ip = ECT0);
	stack_sends(ACK, .seq = 1, .ack = 2001, .ip = ECT0);
	app_reads(2000);
	return 2001;
}

/* RFC 8257 3.2: an echo as long as marks come, each ACK delayed as ever. */
Test(dctcp, the_echo_is_what_came)
{
	int64_t seq;

	server();
	seq = delays_acks();
	peer_sends(ACK, .seq = seq, .ack = 1, .len = 1000, .ip = CE);
	stack_sends(ACK | ECE, .seq = 1, .ack = seq + 1000);
	peer_sends(ACK, .seq = seq + 1000, .ack = 1, .len = 1000, .ip = CE);
	silence();
	peer_sends(ACK, .seq = seq + 2000, .ack = 1, .len = 1000, .ip = CE);
	stack_sends(ACK | ECE, .seq = 1, .ack = seq + 3000);
	peer_sends(ACK, .seq = seq + 3000, .ack = 1, .len = 1000, .ip = ECT0);
	stack_sends(ACK, .seq = 1, .ack = seq + 4000);
	app_reads(4000);
	expect_eq(lab_info().ecn.received_ce, 3);
	lab_end();
}

/* The same section: what waits for its ACK is acknowledged as it came, first;
 * with the window's edge where it was. */
Test(dctcp, a_turn_answers_what_was_before_it)
{
	int64_t seq;

	server();
	seq = delays_acks();
	peer_sends(ACK, .seq = seq, .ack = 1, .len = 1000, .ip = ECT0);
	silence();
	peer_sends(ACK, .seq = seq + 1000, .ack = 1, .len = 1000, .ip = CE);
	stack_sends(ACK, .seq = 1, .ack = seq + 1000, .win = 64536);
	stack_sends(ACK | ECE, .seq = 1, .ack = seq + 2000, .win = 63536);
	peer_sends(ACK, .seq = seq + 2000, .ack = 1, .len = 1000, .ip = CE);
	silence();
	peer_sends(ACK, .seq = seq + 3000, .ack = 1, .len = 1000, .ip = ECT0);
	stack_sends(ACK | ECE, .seq = 1, .ack = seq + 3000);
	stack_sends(ACK, .seq = 1, .ack = seq + 4000);
	app_reads(4000);
	lab_end();
}

/* Before anything has gone out there is turn after turn. */
Test(dctcp, several_turns_wait)
{
	int64_t seq;

	server();
	seq = delays_acks();
	for (int i = 0; i < 4; i++)
		peer_sends(ACK, .seq = seq + 1000 * i, .ack = 1, .len = 1000,
		    .ip = i % 2 ? CE : ECT0);
	stack_sends(ACK, .seq = 1, .ack = seq + 1000);
	stack_sends(ACK | ECE, .seq = 1, .ack = seq + 2000);
	stack_sends(ACK, .seq = 1, .ack = seq + 3000);
	stack_sends(ACK | ECE, .seq = 1, .ack = seq + 4000);
	app_reads(4000);
	lab_end();
}

/* 3.2: CWR does not end the echo. */
Test(dctcp, cwr_ends_nothing)
{
	server();
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1000, .ip = CE);
	stack_sends(ACK | ECE, .seq = 1, .ack = 1001);
	peer_sends(ACK | CWR, .seq = 1001, .ack = 1, .len = 1000, .ip = CE);
	stack_sends(ACK | ECE, .seq = 1, .ack = 2001);
	app_reads(2000);
	lab_end();
}

/* 3.6, and as on Linux: SYNs, what is sent again, bare ACKs and resets are ECT
 * like all else. */
Test(dctcp, all_is_ect)
{
	lab_start(.ecn = TCP_ECN_CLASSIC, .congestion = "dctcp");
	app_connects();
	stack_sends(SYN | ECE | CWR, .seq = 0, .ip = ECT0);
	peer_sends(SYN | ACK | ECE, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1, .ip = ECT0);
	app_writes(100);
	stack_sends(PSH | ACK, .seq = 1, .ack = 1, .len = 100, .ip = ECT0);
	after(RTO);
	stack_sends(PSH | ACK, .seq = 1, .ack = 1, .len = 100, .ip = ECT0);
	peer_sends(ACK, .seq = 1, .ack = 101);
	app_aborts();
	stack_sends(RST | ACK, .seq = 101, .ack = 1, .ip = ECT0);
	lab_end();
}

/* A SYN that goes without ECN is not ECT either. */
Test(dctcp, nothing_is_ect_without_ecn)
{
	lab_start(.ecn = TCP_ECN_CLASSIC, .congestion = "dctcp");
	app_connects();
	stack_sends(SYN | ECE | CWR, .seq = 0, .ip = ECT0);
	at(sec(1));
	stack_sends(SYN, .seq = 0, .ip = NOT_ECT);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1, .ip = NOT_ECT);
	app_writes(100);
	stack_sends(PSH | ACK, .seq = 1, .ack = 1, .len = 100, .ip = NOT_ECT);
	app_aborts();
	stack_sends(RST | ACK, .seq = 101, .ack = 1, .ip = NOT_ECT);
	lab_end();
}

/* RFC 9768 3.2.2.3: in the accurate form the SYN's ECT(0) must come there;
 * a mark on it is none of the path's faults. */
Test(dctcp, what_became_of_the_syn)
{
	static const struct {
		unsigned synack;
		bool no_ect;
	} rows[] = {
	    {AE, false},       /* ECT(0) */
	    {CWR, true},       /* Not-ECT */
	    {CWR | ECE, true}, /* ECT(1) */
	    {AE | CWR, false}, /* CE */
	};

	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		lab_start(.ecn = TCP_ECN_ON, .congestion = "dctcp");
		app_connects();
		stack_sends(SYN | AE | ECE | CWR, .seq = 0, .ip = ECT0);
		peer_sends(SYN | ACK | rows[i].synack, .seq = 0, .ack = 1,
		    .mss = 1460);
		lab_drain();
		expect_eq(lab_info().ecn.mode, 2);
		expect_eq(lab_info().ecn.no_ect, rows[i].no_ect);
	}
	lab_end();
}

/* 3.3, 3.4: the share of octets whose ACKs had ECE, and CWR by habit; 3.5: a
 * loss is a loss. */
Test(dctcp, the_window_falls_by_the_share)
{
	uint32_t cwnd;

	server();
	app_writes(40 * 1460);
	expect_eq(lab_drain(), 10);
	for (int i = 1; i <= 9; i++)
		peer_sends(ACK, .seq = 1, .ack = 1 + 1460 * i);
	lab_drain();
	cwnd = lab_info().cwnd_bytes;
	peer_sends(ACK | ECE, .seq = 1, .ack = 14601);
	expect_eq(lab_info().cc.ce_bytes, 1460);
	expect_eq(lab_info().ca_state, 2);
	/* alpha began with 1, and there was one window without a mark. */
	expect_eq(lab_info().cc.alpha_1024, 960);
	expect_eq(
	    lab_info().ssthresh_bytes, cwnd - (uint64_t)cwnd * 960 / 2048);
	lab_drain();
	/* One that acknowledges nothing tells nothing. */
	peer_sends(ACK | ECE, .seq = 1, .ack = 14601);
	expect_eq(lab_info().cc.ce_bytes, 1460);
	app_aborts();
	lab_drain();
	lab_end();
}

/* RFC 8257 3.6: a listener's own algorithm marks its SYN-ACKs, though that of
 * the others would not, and asks for what marks need. */
static void
own_algorithm(const char *all, const char *own, enum tcp_cookies cookies)
{
	struct tcp_opts o = {.congestion = own};

	lab_start(.listens = true, .congestion = all, .syncookies = cookies);
	expect_eq(tcp_bind_opts(lab_bind(), &o), 0);
}

static void
marks_of_a_listener(enum tcp_cookies cookies)
{
	own_algorithm("cubic", "dctcp", cookies);
	peer_sends(SYN | ECE | CWR, .seq = 0, .mss = 1460, .tsval = 1);
	stack_sends(SYN | ACK | ECE, .seq = 0, .ack = 1, .ip = ECT0);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 1, .tsecr = 0);
	expect_eq(lab_info().ecn.mode, 1);
	app_writes(10);
	stack_sends(PSH | ACK, .seq = 1, .ack = 1, .len = 10, .ip = ECT0);
	lab_end();

	/* The accurate form; the peer says that the mark came unchanged. */
	own_algorithm("cubic", "dctcp", cookies);
	peer_sends(SYN | AE | ECE | CWR, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | CWR, .seq = 0, .ack = 1, .ip = ECT0);
	peer_sends(ACK | AE, .seq = 1, .ack = 1);
	expect_eq(lab_info().ecn.mode, 2);
	expect(!lab_info().ecn.no_ect);
	lab_end();

	/* The other way round: no mark, and ECN is off. */
	own_algorithm("dctcp", "cubic", cookies);
	peer_sends(SYN | ECE | CWR, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .ip = NOT_ECT);
	peer_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_info().ecn.mode, 0);
	lab_end();
}

Test(dctcp, a_listener_has_its_own)
{
	marks_of_a_listener(TCP_COOKIES_AUTO);
	marks_of_a_listener(TCP_COOKIES_ALWAYS);
}
