/* SPDX-License-Identifier: ISC */
/*
 * Fast Open of a listener, RFC 7413 4.2: cookies, data in SYNs, and what may
 * happen to a handshake whose connection is in use already.
 */
#include <string.h>
#include "lab.h"

static void
server(void)
{
	lab_start(.listens = true, .fastopen.mode = FASTOPEN_SERVER,
	    .fastopen_limit = 3);
}

TestSuite(fastopen, .init = server, .fini = lab_end);

static uint8_t cookie[8];

/* Asks for a cookie on connection 100, which stays half-open. */
static void
fetch_cookie(void)
{
	use(100);
	new_incarnation();
	peer_sends(SYN, .seq = 0, .mss = 1460, .fo = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = 8);
	memcpy(cookie, lab_cookie(), sizeof cookie);
	peer_sends(RST, .seq = 1);
	use(0);
}

/* Connection i, with n octets in its SYN; it has been handed over. */
static void
open_fast(unsigned i, uint32_t n)
{
	use(i);
	peer_sends(SYN, .seq = 0, .len = n, .mss = 1460, .win = 2000, .fo = 8,
	    .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1 + n, .mss = 1460, .fo = NONE);
}

Test(fastopen, a_cookie_is_given)
{
	fetch_cookie();
	expect_eq(lab_stats().fastopen_cookie_reqd, 1);
	/* To each address its own, and always the same. */
	peer_sends(SYN, .seq = 0, .fo = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = 8, .cookie = cookie);
	use(1);
	peer_sends(SYN, .seq = 0, .fo = 0, .src = 0xc0000203);
	expect_eq(lab_next().fo, 8);
	expect(memcmp(lab_cookie(), cookie, 8) != 0);
	/* The SYN-ACK that goes again has none, in case it was the cause. */
	use(0);
	after(sec(1));
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = NONE);
	lab_drain();
}

Test(fastopen, data_in_the_syn_is_read_at_once)
{
	struct tcp_info_out i;

	fetch_cookie();
	open_fast(0, 300);
	in_state(TCPS_SYN_RECEIVED);
	event(TCP_EV_READABLE);
	app_reads(300);
	i = lab_info();
	expect(i.syn_data);
	expect_eq(i.bytes_received, 300);
	expect_eq(lab_stats().fastopen_passive, 1);
	expect_eq(lab_stats().passive_opens, 0);
	/* The answer need not wait either, in the window of the SYN. */
	app_sets(nodelay = true);
	app_writes(1000);
	stack_sends(ACK | PSH, .seq = 1, .ack = 301, .len = 1000);
	app_writes(1000);
	app_writes(1000);
	stack_sends(ACK, .seq = 1001, .ack = 301, .len = 1000);
	silence();
	peer_sends(ACK, .seq = 301, .ack = 1001, .win = 5000);
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_stats().passive_opens, 1);
	stack_sends(ACK | PSH, .seq = 2001, .ack = 301, .len = 1000);
	peer_sends(ACK, .seq = 301, .ack = 3001, .win = 5000);
	peer_sends(ACK | PSH, .seq = 301, .ack = 3001, .len = 10);
	app_reads(10);
	after(ms(40));
	stack_sends(ACK, .seq = 3001, .ack = 311);
}

/* The window of a SYN-ACK is not scaled and less than there is room for; who
 * has sent but a SYN need not be told.  The next ACK says it. */
Test(fastopen, no_word_of_the_window)
{
	lab_start(.listens = true, .fastopen.mode = FASTOPEN_SERVER,
	    .fastopen_limit = 3, .rcvbuf = 1 << 20);
	fetch_cookie();
	peer_sends(SYN, .seq = 0, .len = 100, .mss = 1460, .wscale = 7, .fo = 8,
	    .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 101, .win = 65435);
	app_reads(100);
	silence();
	peer_sends(ACK, .seq = 101, .ack = 1);
	silence();
	expect_eq(lab_info().delivered_packets, 1);
	peer_sends(ACK, .seq = 101, .ack = 1, .len = 3000, .train = 1500);
	stack_sends(ACK, .seq = 1, .ack = 3101);
	expect(lab_info().rcv_wnd > 1 << 19);
	app_reads(3000);
	/* A small one has to be opened again. */
	lab_start(.listens = true, .fastopen.mode = FASTOPEN_SERVER,
	    .fastopen_limit = 3, .rcvbuf = 1000);
	fetch_cookie();
	open_fast(0, 900);
	app_reads(900);
	stack_sends(ACK, .seq = 1, .ack = 901, .win = 1000);
}

/* A SYN of the cookie alone is a connection as well: the program may speak
 * first. */
Test(fastopen, without_data)
{
	fetch_cookie();
	open_fast(0, 0);
	in_state(TCPS_SYN_RECEIVED);
	expect(!lab_info().syn_data);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	peer_sends(ACK, .seq = 1, .ack = 11);
	in_state(TCPS_ESTABLISHED);
}

/* RFC 7323 2.2: the window of the SYN is not scaled, those behind it are. */
Test(fastopen, window_scale_and_timestamps)
{
	fetch_cookie();
	peer_sends(SYN, .seq = 0, .len = 10, .mss = 1460, .win = 100,
	    .wscale = 7, .sackok = 1, .tsval = 50, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 11, .wscale = 1, .sackok = 1,
	    .tsecr = 50);
	app_writes(150);
	stack_sends(ACK, .seq = 1, .ack = 11, .len = 100, .tsecr = 50);
	silence();
	peer_sends(
	    ACK, .seq = 11, .ack = 101, .win = 100, .tsval = 51, .tsecr = 0);
	expect_eq(lab_info().snd_wnd, 12800);
	stack_sends(ACK | PSH, .seq = 101, .ack = 11, .len = 50, .tsecr = 51);
	app_reads(10);
	peer_sends(ACK, .seq = 11, .ack = 151, .tsval = 51, .tsecr = 0);
}

/* What is no cookie of ours gets one; its data is not taken. */
Test(fastopen, wrong_cookies)
{
	static const uint8_t guess[16] = {1, 2, 3};
	static const int lens[] = {4, 6, 8, 10, 16};

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		use((unsigned)i);
		peer_sends(SYN, .seq = 0, .len = 100, .mss = 1460,
		    .fo = lens[i], .cookie = guess);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = 8);
		peer_sends(ACK, .seq = 1, .ack = 1, .len = 100);
		in_state(TCPS_ESTABLISHED);
		app_reads(100);
		expect(!lab_info().syn_data);
		expect_eq(lab_stats().fastopen_passive_fail, i + 1);
		after(ms(40));
		stack_sends(ACK, .seq = 1, .ack = 101);
	}
	expect_eq(lab_stats().fastopen_passive, 0);
	/* And the one that it gets is good. */
	memcpy(cookie, lab_cookie(), sizeof cookie);
	open_fast(20, 100);
	app_reads(100);
}

/* RFC 7413 4.1.1: no such option may be of these lengths; the SYN counts. */
Test(fastopen, impossible_lengths)
{
	static const char odd[] = "\x22\x05xyz\x01\x01\x01";
	static const char two[] = "\x22\x04xy";
	static const char long_[] = "\x22\x14"
				    "0123456789abcdefgh";
	static const struct {
		const char *opts;
		uint8_t len;
	} rows[] = {{odd, 8}, {two, 4}, {long_, 20}};

	for (unsigned i = 0; i < 3; i++) {
		use(i);
		peer_sends(SYN, .seq = 0, .len = 10, .opts = rows[i].opts,
		    .optlen = rows[i].len);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = NONE);
		dropped(TCP_FASTOPEN);
	}
}

/* RFC 7413 4.1.1 and Linux: the experimental number is answered in kind. */
Test(fastopen, experimental_option)
{
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 0, .fo_exp = true);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = 8, .fo_exp = true);
	memcpy(cookie, lab_cookie(), sizeof cookie);
	use(1);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .fo_exp = true,
	    .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 11, .fo = NONE);
	app_reads(10);
}

/* Linux makes this cookie of this key for 10.248.0.2 at 192.168.0.2. */
Test(fastopen, key_given)
{
	static const uint8_t want[] = {
	    0x00, 0xab, 0xaa, 0xab, 0xe8, 0xe9, 0x54, 0xc2};

	lab_start(.listens = true, .fastopen_limit = 1,
	    .fastopen = {.mode = FASTOPEN_SERVER,
		.nkeys = 1,
		.key = {{0xf7, 0x63, 0xbf, 0xa0, 0x81, 0x3d, 0x80, 0xed, 0x30,
		    0x1d, 0x64, 0xcd, 0x90, 0x4a, 0xbc, 0xce}}});
	peer_sends(
	    SYN, .seq = 0, .fo = 0, .src = 0x0af80002, .dst = 0xc0a80002);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = 8,
	    .cookie = lab_is_v6() ? NULL : want);
}

/* The older of two keys is good still, and the new one's cookie comes. */
Test(fastopen, keys_rotate)
{
	struct tcp_fastopen f = {
	    .mode = FASTOPEN_SERVER, .nkeys = 1, .key = {{1}, {2}}};

	tcp_set_fastopen(lab_tcp(), &f);
	fetch_cookie();
	f.nkeys = 2;
	f.key[0][0] = 2;
	f.key[1][0] = 1;
	tcp_set_fastopen(lab_tcp(), &f);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 11, .fo = 8);
	expect(memcmp(lab_cookie(), cookie, 8) != 0);
	app_reads(10);
	expect_eq(lab_stats().fastopen_passive_old, 1);
	f.nkeys = 1;
	tcp_set_fastopen(lab_tcp(), &f);
	use(1);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = 8);
}

/* RFC 7413 5.1: those that the layer makes itself change each day. */
Test(fastopen, own_keys_age)
{
	const int64_t day = sec(24 * 3600);

	fetch_cookie();
	after(day);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 11, .fo = 8);
	app_reads(10);
	peer_sends(RST, .seq = 11);
	after(day);
	use(1);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = 8);
}

/* A listener's own keys. */
Test(fastopen, keys_of_a_listener)
{
	struct tcp_opts o = {
	    .fastopen = 1, .fastopen_nkeys = 1, .fastopen_key = {{7}}};

	fetch_cookie();
	tcp_bind_opts(lab_bind(), &o);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = 8);
	memcpy(cookie, lab_cookie(), sizeof cookie);
	open_fast(1, 10);
	app_reads(10);
	o.fastopen_nkeys = 2;
	o.fastopen = 2;
	o.fastopen_key[0][0] = 8;
	o.fastopen_key[1][0] = 7;
	tcp_bind_opts(lab_bind(), &o);
	use(2);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 11, .fo = 8);
	app_reads(10);
}

Test(fastopen, off_or_not_asked_for)
{
	static const struct {
		unsigned mode, limit;
		bool answered;
	} rows[] = {{0, 5, false}, {FASTOPEN_CLIENT, 5, false},
	    {FASTOPEN_SERVER, 0, false},
	    {FASTOPEN_SERVER | FASTOPEN_EACH_LISTENER, 0, true},
	    {FASTOPEN_EACH_LISTENER, 0, false}, {FASTOPEN_SERVER, 1, true}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		lab_start(.listens = true,
		    .fastopen.mode = (uint16_t)rows[i].mode,
		    .fastopen_limit = rows[i].limit);
		peer_sends(SYN, .seq = 0, .fo = 0);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1,
		    .fo = rows[i].answered ? 8 : NONE);
		/* It is no overflow of what nobody has. */
		expect_eq(lab_stats().fastopen_overflow, 0);
	}
}

/* FASTOPEN_SERVER_BARE, and TCP_FASTOPEN_NO_COOKIE of one listener. */
Test(fastopen, without_cookies)
{
	peer_sends(SYN, .seq = 0, .len = 10);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = NONE);
	tcp_bind_opts(lab_bind(),
	    &(struct tcp_opts){.fastopen = 5, .fastopen_bare = true});
	use(1);
	peer_sends(SYN, .seq = 0, .len = 10);
	stack_sends(SYN | ACK, .seq = 0, .ack = 11, .fo = NONE);
	app_reads(10);
	lab_start(.listens = true, .fastopen_limit = 1,
	    .fastopen.mode = FASTOPEN_SERVER | FASTOPEN_SERVER_BARE);
	peer_sends(SYN, .seq = 0, .len = 10);
	stack_sends(SYN | ACK, .seq = 0, .ack = 11, .fo = NONE);
	app_reads(10);
	/* Without data it is a SYN as any other. */
	use(1);
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	expect_eq(lab_stats().fastopen_passive, 1);
}

/* ---- the limit ---- */

Test(fastopen, limit_of_a_listener)
{
	fetch_cookie();
	for (unsigned i = 0; i < 3; i++)
		open_fast(i, 10);
	/* Handshakes as without it, and no cookie. */
	use(3);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = NONE);
	expect_eq(lab_stats().fastopen_overflow, 1);
	/* One that is complete makes room. */
	use(0);
	peer_sends(ACK, .seq = 11, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	open_fast(4, 10);
	/* As does one that its user gives up. */
	app_aborts();
	stack_sends(RST | ACK, .seq = 1, .ack = 11);
	open_fast(5, 10);
}

/* RFC 7413 5.1: what the peer resets counts for a minute. */
Test(fastopen, resets_are_held)
{
	fetch_cookie();
	for (unsigned i = 0; i < 3; i++) {
		open_fast(i, 10);
		app_reads(10);
		peer_sends(RST, .seq = 11);
		gone(ECONNRESET);
	}
	after(sec(59));
	use(3);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = NONE);
	peer_sends(RST, .seq = 1);
	expect_eq(lab_stats().fastopen_overflow, 1);
	after(sec(6));
	for (unsigned i = 4; i < 7; i++)
		open_fast(i, 10);
	expect_eq(lab_stats().fastopen_overflow, 1);
	(void)lab_run_until(sec(1000));
}

/* ---- what may come instead of the ACK ---- */

Test(fastopen, the_synack_goes_again)
{
	fetch_cookie();
	open_fast(0, 10);
	app_reads(10);
	/* Data that went does not go again before there is an answer. */
	app_writes(5);
	stack_sends(ACK | PSH, .seq = 1, .ack = 11, .len = 5);
	quiet_for(ms(999));
	after(ms(1));
	stack_sends(SYN | ACK, .seq = 0, .ack = 11, .fo = NONE);
	expect_eq(lab_info().total_retrans, 1);
	after(sec(2));
	stack_sends(SYN | ACK, .seq = 0, .ack = 11);
	after(sec(1));
	peer_sends(ACK, .seq = 11, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	/* Karn: no sample; RFC 6298 5.7. */
	quiet_for(ms(2999));
	after(ms(1));
	stack_sends(ACK | PSH, .seq = 1, .ack = 11, .len = 5);
	peer_sends(ACK, .seq = 11, .ack = 6);
	/* Nobody answers at all. */
	open_fast(1, 10);
	app_reads(10);
	(void)lab_run_until(lab_now() + sec(130));
	gone(ETIMEDOUT);
	expect_eq(lab_stats().half_open, 0);
}

/* The SYN again, with its data: what was taken is not taken twice. */
Test(fastopen, a_duplicate_of_the_syn)
{
	fetch_cookie();
	open_fast(0, 100);
	app_reads(100);
	peer_sends(
	    SYN, .seq = 0, .len = 100, .mss = 1460, .fo = 8, .cookie = cookie);
	silence(); /* not twice in so short a time */
	after(ms(600));
	peer_sends(
	    SYN, .seq = 0, .len = 100, .mss = 1460, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 101);
	/* Or without data and option, as RFC 7413 4.1.3.1 has it. */
	after(ms(600));
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 101);
	peer_sends(ACK, .seq = 101, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_info().bytes_received, 100);
	/* Much later it is a SYN on a connection (RFC 5961 4). */
	peer_sends(SYN, .seq = 0, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 101, .any_sack = true);
}

Test(fastopen, resets)
{
	fetch_cookie();
	/* In the window, but not at its edge: RFC 5961 3. */
	open_fast(0, 10);
	peer_sends(RST, .seq = 20);
	stack_sends(ACK, .seq = 1, .ack = 11);
	in_state(TCPS_SYN_RECEIVED);
	peer_sends(RST, .seq = 5);
	silence();
	app_reads(10);
	peer_sends(RST, .seq = 11);
	gone(ECONNRESET);
	expect_eq(lab_stats().half_open, 0);
}

/* RFC 9293 3.10.7.4, fifth: an ACK of what was never sent is reset. */
Test(fastopen, impossible_acks)
{
	fetch_cookie();
	open_fast(0, 10);
	app_writes(5);
	stack_sends(ACK | PSH, .seq = 1, .ack = 11, .len = 5);
	peer_sends(ACK, .seq = 11, .ack = 7);
	stack_sends(RST, .seq = 7);
	peer_sends(ACK, .seq = 11, .ack = 0);
	stack_sends(RST, .seq = 0);
	in_state(TCPS_SYN_RECEIVED);
	peer_sends(ACK, .seq = 11, .ack = 6);
	in_state(TCPS_ESTABLISHED);
	app_reads(10);
}

/* The handshake's ACK was lost; data tells as much. */
Test(fastopen, data_instead_of_the_ack)
{
	fetch_cookie();
	open_fast(0, 10);
	peer_sends(ACK, .seq = 51, .ack = 1, .len = 40);
	in_state(TCPS_ESTABLISHED);
	stack_sends(ACK, .seq = 1, .ack = 11, .any_sack = true);
	peer_sends(ACK, .seq = 11, .ack = 1, .len = 40);
	stack_sends(ACK, .seq = 1, .ack = 91);
	app_reads(90);
}

/* ---- closed early ---- */

Test(fastopen, closed_before_the_ack)
{
	fetch_cookie();
	open_fast(0, 10);
	app_reads(10);
	app_writes(20);
	app_closes();
	stack_sends(FIN | ACK | PSH, .seq = 1, .ack = 11, .len = 20);
	after(sec(1));
	stack_sends(SYN | ACK, .seq = 0, .ack = 11);
	peer_sends(ACK, .seq = 11, .ack = 22);
	peer_sends(FIN | ACK, .seq = 11, .ack = 22);
	stack_sends(ACK, .seq = 22, .ack = 12);
	expect_eq(lab_stats().time_wait, 1);
}

/* SHLD-3: what was not read is lost, and the peer hears it. */
Test(fastopen, closed_with_data_unread)
{
	fetch_cookie();
	open_fast(0, 10);
	app_closes();
	stack_sends(RST | ACK, .seq = 1, .ack = 11);
	expect_eq(lab_stats().half_open, 0);
	expect_eq(lab_stats().orphans, 0);
}

Test(fastopen, the_peer_ends_at_once)
{
	fetch_cookie();
	open_fast(0, 10);
	peer_sends(FIN | ACK, .seq = 11, .ack = 1);
	in_state(TCPS_CLOSE_WAIT);
	stack_sends(ACK, .seq = 1, .ack = 12);
	app_reads(10);
	app_reads_eof();
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 12);
	peer_sends(ACK, .seq = 12, .ack = 2);
}

/* ---- where it must not be, or cannot ---- */

Test(fastopen, no_listener_takes_it)
{
	fetch_cookie();
	lab_accept_error = -EAGAIN;
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = 8, .cookie = cookie);
	expect_eq(lab_stats().fastopen_passive_fail, 1);
	lab_accept_error = -ECONNREFUSED;
	use(1);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	stack_sends(RST | ACK, .seq = 0, .ack = 11, .raw_seq = true);
	lab_accept_error = 0;
	use(0);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 10);
	app_reads(10);
	after(ms(40));
	stack_sends(ACK, .seq = 1, .ack = 11);
}

/* SYN cookies are for when there is no room, so none is taken by this. */
Test(fastopen, not_beside_syn_cookies)
{
	lab_start(.listens = true, .fastopen.mode = FASTOPEN_SERVER,
	    .fastopen_limit = 3, .syncookies = TCP_COOKIES_ALWAYS);
	peer_sends(SYN, .seq = 0, .mss = 1460, .fo = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = NONE);
	server();
	fetch_cookie();
	lab_may_open = TCP_ADMIT_COOKIE;
	peer_sends(
	    SYN, .seq = 0, .len = 10, .mss = 1460, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = NONE);
	lab_may_open = TCP_ADMIT_NO;
	use(1);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	silence();
	dropped(TCP_QUOTA);
}

Test(fastopen, no_memory)
{
	lab_start(.listens = true, .fastopen.mode = FASTOPEN_SERVER,
	    .fastopen_limit = 3, .max_conns = 2);
	fetch_cookie();
	open_fast(0, 10);
	open_fast(1, 10);
	use(2);
	peer_sends(SYN, .seq = 0, .len = 10, .fo = 8, .cookie = cookie);
	silence();
	dropped(TCP_NO_MEMORY);
}

/* TCP_DEFER_ACCEPT wants data, and that is here. */
Test(fastopen, with_defer_accept)
{
	tcp_bind_opts(
	    lab_bind(), &(struct tcp_opts){.fastopen = 3, .defer_accept = 3});
	fetch_cookie();
	open_fast(0, 10);
	app_reads(10);
	peer_sends(ACK, .seq = 11, .ack = 1);
	in_state(TCPS_ESTABLISHED);
}

/* The listener goes; what it handed over lives on. */
Test(fastopen, the_listener_ends)
{
	lab_start(.listens = true, .fastopen.mode = FASTOPEN_SERVER,
	    .fastopen_limit = 3, .bind_flags = TCP_BIND_REUSEADDR);
	fetch_cookie();
	open_fast(0, 10);
	app_unlistens();
	app_reads(10);
	peer_sends(ACK, .seq = 11, .ack = 1, .len = 5);
	in_state(TCPS_ESTABLISHED);
	app_reads(5);
	after(ms(40));
	stack_sends(ACK, .seq = 1, .ack = 16);
	app_listens();
	fetch_cookie();
	open_fast(1, 10);
	app_unlistens();
	peer_sends(RST, .seq = 11);
	gone(ECONNRESET);
}

/* RFC 9768 3.2.2: the SYN-ACK's and the ACK's flags are those of any other
 * handshake, and data that goes between them has its counter. */
Test(fastopen, with_accurate_ecn)
{
	lab_start(.listens = true, .fastopen.mode = FASTOPEN_SERVER,
	    .fastopen_limit = 3, .ecn = TCP_ECN_ON);
	fetch_cookie();
	peer_sends(SYN | AE | CWR | ECE, .seq = 0, .len = 10, .fo = 8,
	    .cookie = cookie);
	stack_sends(SYN | ACK | CWR, .seq = 0, .ack = 11, .acc_e1 = true,
	    .acc_n = 3, .acc = {1, 0, 1});
	app_reads(10);
	app_writes(10);
	stack_sends(
	    ACK | PSH | AE | ECE, .seq = 1, .ack = 11, .len = 10, .ip = ECT0);
	peer_sends(ACK | CWR, .seq = 11, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_info().ecn.mode, 2);
	expect_eq(lab_info().ecn.delivered_ce, 0);
	lab_drain();
}

/* A cookie leaves no room for all of that option's counters. */
Test(fastopen, cookie_and_accurate_ecn)
{
	lab_start(.listens = true, .fastopen.mode = FASTOPEN_SERVER,
	    .fastopen_limit = 3, .ecn = TCP_ECN_ON);
	peer_sends(SYN | AE | CWR | ECE, .seq = 0, .mss = 1460, .sackok = 1,
	    .tsval = 1, .wscale = 7, .fo = 0);
	stack_sends(SYN | ACK | CWR, .seq = 0, .ack = 1, .fo = 8,
	    .acc_e1 = true, .acc_n = 2, .acc = {1, 0});
}

/* The same octets may come with the SYN of a TIME-WAIT that is reopened. */
Test(fastopen, reopens_a_time_wait)
{
	fetch_cookie();
	open_fast(0, 10);
	app_reads(10);
	peer_sends(ACK, .seq = 11, .ack = 1);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 11);
	peer_sends(FIN | ACK, .seq = 11, .ack = 2);
	stack_sends(ACK, .seq = 2, .ack = 12);
	expect_eq(lab_stats().time_wait, 1);
	new_incarnation();
	peer_sends(SYN, .seq = 100000, .len = 10, .fo = 8, .cookie = cookie);
	stack_sends(SYN | ACK, .seq = 0, .ack = 100011);
	expect_eq(lab_stats().time_wait, 0);
	expect_eq(lab_info().bytes_received, 10);
	app_aborts();
	lab_drain();
}
