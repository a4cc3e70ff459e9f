/* SPDX-License-Identifier: ISC */
/*
 * What the two sides agree on: MSS (RFC 9293 3.7.1), window scale, timestamps
 * (RFC 7323 2.2, 3.2), SACK (RFC 2018 2); both ways round.
 */
#include <errno.h>
#include "lab.h"

TestSuite(options, .init = passive_lab, .fini = lab_end);

static int
yes(bool b, int value)
{
	return b ? value : NONE;
}

/* The SYN-ACK carries an option only if the SYN did; MSS always (MAY-3). */
Test(options, passive_every_combination, .description = "MUST-14 SHLD-5 MAY-3")
{
	for (unsigned m = 0; m < 16; m++) {
		bool mss = m & 1, ws = m & 2, ts = m & 4, sack = m & 8;

		passive_lab();
		peer_sends(SYN, .seq = 0, .mss = yes(mss, 1000),
		    .wscale = yes(ws, 3), .tsval = yes(ts, 5),
		    .sackok = yes(sack, 1));
		stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460,
		    .wscale = ws ? ANY : NONE, .tsval = yes(ts, 0),
		    .tsecr = ts ? 5 : ANY, .sackok = yes(sack, 1));
		peer_sends(
		    ACK, .seq = 1, .ack = 1, .tsval = yes(ts, 6), .tsecr = 0);
		in_state(TCPS_ESTABLISHED);
		expect_eq(lab_info().wscale, ws);
		expect_eq(lab_info().timestamps, ts);
		expect_eq(lab_info().sack, sack);
		expect_eq(lab_info().snd_mss,
		    (mss ? 1000 : lab_default_mss()) - 12 * ts);
	}
}

/* Our SYN offers everything; what the SYN-ACK does not take is off. */
Test(options, active_every_combination, .description = "MUST-14 SHLD-5 MAY-3")
{
	for (unsigned m = 0; m < 16; m++) {
		bool mss = m & 1, ws = m & 2, ts = m & 4, sack = m & 8;

		active_lab();
		app_connects();
		stack_sends(SYN, .seq = 0, .mss = 1460, .tsval = 0, .tsecr = 0,
		    .sackok = 1);
		peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = yes(mss, 1000),
		    .wscale = yes(ws, 3), .tsval = yes(ts, 5), .tsecr = 0,
		    .sackok = yes(sack, 1));
		stack_sends(ACK, .seq = 1, .ack = 1, .tsval = yes(ts, 0),
		    .tsecr = ts ? 5 : ANY);
		expect_eq(lab_info().wscale, ws);
		expect_eq(lab_info().timestamps, ts);
		expect_eq(lab_info().sack, sack);
		expect_eq(lab_info().snd_mss,
		    (mss ? 1000 : lab_default_mss()) - 12 * ts);
		app_writes(100);
		stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100,
		    .tsval = yes(ts, 0), .sackok = NONE);
	}
}

/* MUST-16, MUST-15: the smaller of the peer's MSS and the path. */
Test(options, segment_sizes, .description = "MUST-14 MUST-15 MUST-16 MUST-67")
{
	const uint16_t none = lab_default_mss();
	const struct {
		uint16_t mtu;
		int mss;
		uint32_t want;
	} rows[] = {
	    {1500, 1460, 1460},
	    {1500, 9000, 1460},
	    {1500, 65535, 1460},
	    {1500, 1000, 1000},
	    {1500, 536, 536},
	    {1500, 216, 216},
	    {1500, NONE, none},
	    {1500, 0, none},
	    {576, 1460, 536},
	    {9000, 8960, 8960},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		lab_start(.listens = true, .mtu = rows[i].mtu);
		peer_sends(SYN, .seq = 0, .mss = rows[i].mss);
		/* MUST-67, SHLD-5 */
		stack_sends(
		    SYN | ACK, .seq = 0, .ack = 1, .mss = rows[i].mtu - 40);
		peer_sends(ACK, .seq = 1, .ack = 1);
		app_writes(2 * rows[i].want);
		stack_sends(ACK, .seq = 1, .ack = 1, .len = rows[i].want);
		stack_sends(ACK | PSH, .seq = 1 + rows[i].want, .ack = 1,
		    .len = rows[i].want);
	}
}

/* An absurdly small MSS does not make segments of a few octets. */
Test(options, tiny_mss)
{
	for (int mss = 1; mss < 64; mss += 9) {
		passive_lab();
		handshake(.mss = mss);
		expect(lab_info().snd_mss >= 48);
	}
}

/* TCP_MAXSEG bounds both what we ask for and what we send. */
Test(options, maxseg, .description = "MUST-16")
{
	active_lab();
	app_sets(max_seg = 700);
	app_connects();
	stack_sends(SYN, .seq = 0, .mss = 700);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1);
	app_writes(1400);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 700);
	stack_sends(ACK | PSH, .seq = 701, .ack = 1, .len = 700);
}

/* RFC 7323 2.2: the windows of SYN and SYN-ACK are not scaled, all others
 * are. */
Test(options, window_scale_of_the_peer)
{
	peer_sends(SYN, .seq = 0, .mss = 1460, .wscale = 7, .win = 1000);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 20);
	expect_eq(lab_info().snd_wnd, 20 << 7);
	expect_eq(lab_info().snd_wscale, 7);
	app_writes(3000);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1460);
	silence(); /* 1100 octets of room are a silly segment */
	peer_sends(ACK, .seq = 1, .ack = 1461, .win = 65535);
	expect_eq(lab_info().snd_wnd, 65535 << 7);
	stack_sends(ACK, .seq = 1461, .ack = 1, .len = 1460);
	stack_sends(ACK | PSH, .seq = 2921, .ack = 1, .len = 80);
}

/* RFC 7323 2.3: a shift above 14 counts as 14. */
Test(options, window_scale_too_large)
{
	handshake(.mss = 1460, .wscale = 200);
	expect_eq(lab_info().snd_wscale, 14);
}

/* Our own: 1 MiB of buffer is shown whole, and not in the SYN-ACK. */
Test(options, window_scale_of_ours)
{
	struct lab_seg s;
	int64_t seq = 1;
	int shift;

	lab_start(.listens = true, .rcvbuf = 1 << 20);
	peer_sends(SYN, .seq = 0, .mss = 1460, .wscale = 0);
	s = lab_next();
	expect_eq(s.flags, SYN | ACK);
	expect(s.win == 65535);
	shift = s.wscale;
	expect(shift >= 5 && shift <= 14);
	peer_sends(ACK, .seq = 1, .ack = 1);
	/* What has come and was read keeps the window wide. */
	for (unsigned i = 0; i < 10; i++, seq += 2920) {
		peer_sends(ACK, .seq = seq, .ack = 1, .len = 1460);
		peer_sends(ACK, .seq = seq + 1460, .ack = 1, .len = 1460);
		s = lab_next();
		expect_eq(s.ack, seq + 2920);
		app_reads(2920);
		lab_drain();
	}
	expect((int64_t)s.win << shift > 900000);
	expect((int64_t)s.win << shift <= 1 << 20);
}

/* Without the option the window is what 16 bits hold (MUST-1). */
Test(options, no_window_scale)
{
	struct lab_seg s;

	lab_start(.listens = true, .rcvbuf = 1 << 20);
	handshake(.mss = 1460, .win = 65535);
	expect_eq(lab_info().snd_wnd, 65535);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1460);
	peer_sends(ACK, .seq = 1461, .ack = 1, .len = 1460);
	s = lab_next();
	expect(s.win >= 62000 && s.win <= 65535);
}

/* Timestamps tick in milliseconds and echo what the peer sent. */
Test(options, timestamps)
{
	handshake(.mss = 1460, .tsval = 100);
	at(ms(25));
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10, .tsval = 25,
	    .tsecr = 100);
	at(ms(30));
	peer_sends(ACK | PSH, .seq = 1, .ack = 11, .len = 10, .tsval = 130,
	    .tsecr = 25);
	speaks_between(ms(30), ms(529));
	stack_sends(ACK, .seq = 11, .ack = 11, .tsecr = 130);
}

/* RFC 7323 4.3: the echo is of the segment that advanced the left edge. */
Test(options, timestamp_to_echo)
{
	handshake(.mss = 1460, .tsval = 100, .sackok = 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100, .tsval = 110);
	/* Out of order and later: not echoed. */
	peer_sends(ACK, .seq = 201, .ack = 1, .len = 100, .tsval = 120);
	stack_sends(
	    ACK, .seq = 1, .ack = 101, .tsecr = 110, .sack = {{201, 301}});
	peer_sends(ACK, .seq = 101, .ack = 1, .len = 100, .tsval = 130);
	stack_sends(ACK, .seq = 1, .ack = 301, .tsecr = 130);
}

/* A path to a peer that has timestamps, SACK blocks in the ACKs: segments
 * shrink so that they still fit. */
Test(options, room_for_sack, .description = "MUST-16")
{
	handshake(.mss = 1460, .tsval = 100, .sackok = 1);
	peer_sends(ACK, .seq = 1001, .ack = 1, .len = 100, .tsval = 110);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{1001, 1101}});
	app_writes(3000);
	for (struct lab_seg s; (s = lab_next()).flags != 0;)
		expect(s.len + 20 + 12 + 12 <= 1460 + 20);
}

/* MUST-4, MUST-6: options in a SYN in an odd order, with unknown ones. */
Test(options, strange_syns, .description = "MUST-4 MUST-6")
{
	const struct {
		const char *bytes;
		uint8_t len;
		uint32_t mss;
	} rows[] = {
	    {"\x01\x02\x04\x03\xe8\x01\x01\x00", 8, 1000},
	    {"\xfd\x03\x01\x02\x04\x03\xe8\x00", 8, 1000},
	    {"\x1e\x04\x01\x01\x02\x04\x03\xe8", 8, 1000},
	    {"\x00\x02\x04\x03\xe8\x00\x00\x00", 8, lab_default_mss()},
	    {"\x22\x0a\x01\x02\x03\x04\x05\x06\x07\x08\x02\x04\x03\xe8", 14,
		1000},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		passive_lab();
		peer_sends(SYN, .seq = 0, .opts = rows[i].bytes,
		    .optlen = rows[i].len);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1);
		peer_sends(ACK, .seq = 1, .ack = 1);
		expect_eq(lab_info().snd_mss, rows[i].mss);
	}
}

/* The largest shift there is, for the largest buffer there is. */
Test(options, largest_window, .description = "REC-1")
{
	lab_start(.listens = true, .rcvbuf = UINT32_MAX);
	peer_sends(SYN, .seq = 0, .mss = 1460, .wscale = 7);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .wscale = 14, .win = 65535);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
}

/* SO_RCVBUF and SO_SNDBUF of one connection. */
Test(options, own_buffers)
{
	active_lab();
	app_sets(rcvbuf = 9000);
	app_sets(sndbuf = 9000);
	app_connects();
	stack_sends(SYN, .seq = 0, .win = 9000);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1, .win = 9000);
	expect_eq(lab_offers(100000), 9000);
	lab_drain();
}

/* What was set on a listener holds from the SYN-ACK on. */
Test(options, of_a_listener)
{
	struct tcp_opts o = {.max_seg = 1100, .rcvbuf = 8000, .ttl = 7};

	expect_eq(tcp_bind_opts(lab_bind(), &o), 0);
	peer_sends(SYN, .seq = 0, .mss = 1460, .wscale = 2);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1100, .win = 8000,
	    .wscale = 0);
	peer_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_info().snd_mss, 1100);
	expect_eq(lab_info().advmss, 1100);
	expect_eq(lab_info().rcvbuf, 8000);
	expect_eq(lab_opts().ttl, 7);
	o.congestion = "none";
	expect_eq(tcp_bind_opts(lab_bind(), &o), -ENOENT);
}

/* Options that the configuration leaves out are neither offered nor taken. */
Test(options, left_out)
{
	lab_start(.listens = true, .no_timestamps = true, .no_sack = true,
	    .no_wscale = true);
	peer_sends(
	    SYN, .seq = 0, .mss = 1460, .wscale = 2, .tsval = 5, .sackok = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .wscale = NONE,
	    .tsval = NONE, .sackok = NONE);
	use(1);
	app_connects();
	stack_sends(SYN, .seq = 0, .mss = 1460, .wscale = NONE, .tsval = NONE,
	    .sackok = NONE);
}

/* The window scale allows for what the buffer may become. */
Test(options, window_scale_of_a_growing_buffer)
{
	lab_start(.listens = true, .rcvbuf_max = 6 << 20);
	peer_sends(SYN, .seq = 0, .mss = 1460, .wscale = 2);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .wscale = 7);
	use(1);
	app_connects();
	stack_sends(SYN, .seq = 0, .mss = 1460, .wscale = 7);
}

/* RFC 7323 3.2: a reset carries a timestamp, as everything does. */
Test(options, timestamp_of_a_reset)
{
	handshake(.mss = 1460, .tsval = 1000);
	at(ms(50));
	app_aborts();
	stack_sends(RST | ACK, .seq = 1, .ack = 1, .tsval = 50, .tsecr = 1000);
}

/* What we announce is what can come over our own link, for certain: a way that
 * is narrower today is for our segments alone. */
Test(options, mss_is_of_the_link, .description = "SHLD-6 MUST-67 MUST-16")
{
	lab_start(.listens = true, .mtu = 1400, .path_mtu = 1000);
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1360);
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(1500);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 960);
	stack_sends(ACK | PSH, .seq = 961, .ack = 1, .len = 540);
	peer_sends(ACK, .seq = 1, .ack = 1501);
}
