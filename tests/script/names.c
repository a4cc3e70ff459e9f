/* SPDX-License-Identifier: ISC */
/*
 * Who is who: initial sequence numbers (RFC 6528, MUST-8, MUST-9, SHLD-1),
 * local addresses and ports (RFC 6056, MUST-41, MUST-42), the 4-tuple.
 */
#include <string.h>
#include "lab.h"

#define OUR  0xc0000202u
#define PEER 0xc0000201u

TestSuite(names, .init = active_lab, .fini = lab_end);

static int
bind_to(uint32_t addr, uint16_t port, unsigned flags, uint32_t owner,
    struct tcp_bind **b)
{
	struct ipaddr a = lab_addr(addr);

	*b = NULL;
	return tcp_bind(lab_tcp(), &a, port, flags, owner, NULL, b);
}

static bool
is_at(const struct tcp_pcb *p, uint32_t addr)
{
	struct ipaddr a = lab_addr(addr);

	return ipaddr_eq(&tcp_tuple(p)->laddr, &a);
}

static uint32_t
isn_of(uint64_t seed, int64_t boot, unsigned conn)
{
	lab_start(.listens = true, .seed = seed, .boot_us = boot);
	use(conn);
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	return lab_iss();
}

/* MUST-8: the clock's part ticks every 4 us or so. */
Test(names, isn_follows_the_clock, .description = "MUST-8")
{
	uint32_t a = isn_of(7, sec(1000), 0), b = isn_of(7, sec(1001), 0);
	uint32_t c = isn_of(7, sec(1010), 0);

	expect(b - a >= 200000 && b - a <= 4000000);
	expect((c - a) / 10 >= 200000 && (c - a) / 10 <= 4000000);
}

/* SHLD-1, MUST-9: another tuple and another key give another place. */
Test(names, isn_differs_by_tuple_and_key, .description = "MUST-9 SHLD-1")
{
	uint32_t a = isn_of(7, sec(1000), 0), b = isn_of(7, sec(1000), 1);
	uint32_t c = isn_of(8, sec(1000), 0);

	expect(a != b && a != c && b != c);
	expect_eq(isn_of(7, sec(1000), 0), a);
}

/* A tuple that is used again starts above its old numbers. */
Test(names, isn_grows_for_the_same_tuple)
{
	uint32_t last;

	passive_lab();
	reach(TCPS_ESTABLISHED);
	last = lab_iss();
	for (unsigned i = 0; i < 5; i++) {
		peer_sends(RST, .seq = 1);
		after(sec(1));
		new_incarnation();
		reach(TCPS_ESTABLISHED);
		expect((int32_t)(lab_iss() - last) > 0);
		last = lab_iss();
	}
}

/* Ports are chosen within the range and differ; RFC 6056 3.3.4: they begin at
 * another place for another destination and another key. */
static uint16_t
next_port_to(uint16_t dport)
{
	struct ipaddr any = lab_addr(0), dst = lab_addr(PEER);
	struct tcp_opts o = {0};
	struct tcp_pcb *p;
	uint16_t port;

	expect_eq(tcp_connect(lab_tcp(), NULL, &any, &dst, dport, &o, NULL,
		      lab_mono(), &p),
	    0);
	port = tcp_tuple(p)->lport;
	tcp_abort(p, lab_mono());
	return port;
}

static uint16_t
port_to(uint64_t seed, uint16_t dport)
{
	lab_start(.seed = seed);
	return next_port_to(dport);
}

Test(names, ephemeral_ports)
{
	uint16_t ports[64], a, b, c;

	lab_start(.port_first = 40000, .port_last = 49999);
	for (unsigned i = 0; i < 64; i++) {
		use(i);
		app_connects();
		ports[i] = tcp_tuple(lab_pcb())->lport;
		expect(ports[i] >= 40000 && ports[i] <= 49999);
		for (unsigned j = 0; j < i; j++)
			expect(ports[j] != ports[i]);
		stack_sends(SYN, .seq = 0);
	}
	a = port_to(1, 80);
	b = port_to(1, 81);
	c = port_to(2, 80);
	expect(a >= 32768 && a <= 60999);
	expect(a != b && a != c && b != c);
	expect(b != a + 1);
}

/* RFC 6056 3.3.4, 3.3.5: what goes to others does not show in the ports to a
 * peer, and the steps between those differ. */
Test(names, ephemeral_ports_tell_nothing)
{
	uint16_t quiet[9], busy[9];
	bool even = true;

	lab_start(.seed = 7);
	for (int i = 0; i < 9; i++)
		quiet[i] = next_port_to(80);
	lab_start(.seed = 7);
	for (int i = 0; i < 9; i++) {
		busy[i] = next_port_to(80);
		for (uint16_t p = 100; p < 105; p++)
			next_port_to(p);
	}
	for (int i = 1; i < 9; i++) {
		expect(busy[i] > busy[i - 1] && busy[i] - busy[i - 1] <= 8);
		expect(quiet[i] > quiet[i - 1] && quiet[i] - quiet[i - 1] <= 8);
		even = even && quiet[i] - quiet[i - 1] == quiet[1] - quiet[0];
	}
	expect_eq(busy[0], quiet[0]);
	expect(!even);
}

/* All ports in use: an error, not a loop. */
Test(names, ports_run_out)
{
	lab_start(.port_first = 50000, .port_last = 50007);
	for (unsigned i = 0; i < 8; i++) {
		use(i);
		app_connects();
		stack_sends(SYN, .seq = 0);
	}
	use(8);
	app_connects_fails(EADDRNOTAVAIL);
	use(3);
	app_aborts();
	use(8);
	app_connects();
	stack_sends(SYN, .seq = 0);
}

/* Conflicts between binds, as Linux has them. */
Test(names, bind_conflicts, .description = "MUST-41")
{
	enum {
		REUSE = TCP_BIND_REUSEADDR,
		RPORT = TCP_BIND_REUSEPORT
	};
	static const struct {
		uint32_t a1, a2;
		unsigned f1, f2;
		uint32_t o1, o2;
		bool listening;
		int want;
	} rows[] = {
	    {0, 0, 0, 0, 1, 1, false, -EADDRINUSE},
	    {OUR, OUR, 0, 0, 1, 1, false, -EADDRINUSE},
	    {0, OUR, 0, 0, 1, 1, false, -EADDRINUSE},
	    {OUR, 0, 0, 0, 1, 1, false, -EADDRINUSE},
	    {OUR, OUR + 1, 0, 0, 1, 1, false, 0},
	    {OUR, OUR, REUSE, REUSE, 1, 1, false, 0},
	    {0, 0, REUSE, REUSE, 1, 1, false, 0},
	    {OUR, OUR, REUSE, 0, 1, 1, false, -EADDRINUSE},
	    {OUR, OUR, 0, REUSE, 1, 1, false, -EADDRINUSE},
	    {0, 0, REUSE, REUSE, 1, 1, true, -EADDRINUSE},
	    {0, OUR, REUSE, REUSE, 1, 1, true, -EADDRINUSE},
	    {0, 0, RPORT, RPORT, 1, 1, true, 0},
	    {0, 0, RPORT, RPORT, 1, 2, true, -EADDRINUSE},
	    {0, 0, RPORT, RPORT, 1, 2, false, -EADDRINUSE},
	    {0, 0, RPORT, 0, 1, 1, false, -EADDRINUSE},
	};
	struct tcp_bind *b1, *b2;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		active_lab();
		expect_eq(
		    bind_to(rows[i].a1, 80, rows[i].f1, rows[i].o1, &b1), 0);
		if (rows[i].listening)
			expect_eq(tcp_listen(b1, 5), 0);
		lab_expect_eq(__FILE__, (int)i,
		    bind_to(rows[i].a2, 80, rows[i].f2, rows[i].o2, &b2),
		    rows[i].want, "row of bind_conflicts (line is its index)");
		tcp_unbind(b1, lab_mono());
		if (b2 != NULL)
			tcp_unbind(b2, lab_mono());
		/* The port is free again. */
		expect_eq(bind_to(0, 80, 0, 9, &b1), 0);
		tcp_unbind(b1, lab_mono());
	}
}

/* Two that may share a port may not both listen on it. */
Test(names, second_listen, .description = "MUST-41")
{
	struct tcp_bind *b1, *b2;

	expect_eq(bind_to(0, 80, TCP_BIND_REUSEADDR, 1, &b1), 0);
	expect_eq(bind_to(0, 80, TCP_BIND_REUSEADDR, 1, &b2), 0);
	expect_eq(tcp_listen(b1, 5), 0);
	expect_eq(tcp_listen(b2, 5), -EADDRINUSE);
	/* A second call changes the backlog only. */
	expect_eq(tcp_listen(b1, 50), 0);
	tcp_unbind(b1, lab_mono());
	expect_eq(tcp_listen(b2, 5), 0);
	tcp_unbind(b2, lab_mono());
}

/* Who is bound may still say that others may be, and take it back. */
Test(names, reuse_after_bind)
{
	struct tcp_bind *b1, *b2, *b3;

	expect_eq(bind_to(0, 80, 0, 1, &b1), 0);
	tcp_bind_reuse(b1, TCP_BIND_REUSEADDR);
	expect_eq(bind_to(0, 80, TCP_BIND_REUSEADDR, 1, &b2), 0);
	tcp_bind_reuse(b1, 0);
	expect_eq(bind_to(0, 80, TCP_BIND_REUSEADDR, 1, &b3), -EADDRINUSE);
	/* The two stay, and neither may listen. */
	expect_eq(tcp_listen(b2, 5), -EADDRINUSE);
	tcp_unbind(b2, lab_mono());
	expect_eq(tcp_listen(b1, 5), 0);
	tcp_unbind(b1, lab_mono());
}

/* The wildcards of the families beside each other, on one port. */
Test(names, wildcards_of_the_families)
{
	static const struct {
		bool six;
		unsigned flags;
	} both = {true, 0}, only6 = {true, TCP_BIND_V6ONLY}, only4 = {false, 0};
	const struct {
		typeof(both) a, b;
		int want;
	} rows[] = {{both, only4, -EADDRINUSE}, {only4, both, -EADDRINUSE},
	    {only6, only4, 0}, {only4, only6, 0}, {both, only6, -EADDRINUSE},
	    {only6, both, -EADDRINUSE}};
	struct ipaddr any6 = {{0}}, any4 = ipaddr_v4(0);
	struct tcp_bind *b1, *b2;

	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		b2 = NULL;
		expect_eq(tcp_bind(lab_tcp(), rows[i].a.six ? &any6 : &any4, 80,
			      rows[i].a.flags, 1, NULL, &b1),
		    0);
		lab_expect_eq(__FILE__, (int)i,
		    tcp_bind(lab_tcp(), rows[i].b.six ? &any6 : &any4, 80,
			rows[i].b.flags, 1, NULL, &b2),
		    rows[i].want, "row of wildcards (line is its index)");
		tcp_unbind(b1, lab_mono());
		if (b2 != NULL)
			tcp_unbind(b2, lab_mono());
	}
}

/* An IPv4 SYN finds :: unless that is for IPv6 alone, and 0.0.0.0 both. */
Test(names, both_families_listener)
{
	struct ipaddr any6 = {{0}};
	struct tcp_bind *six, *four;

	if (lab_is_v6())
		return; /* about IPv4's segments */
	expect_eq(
	    tcp_bind(lab_tcp(), &any6, 80, TCP_BIND_V6ONLY, 1, NULL, &six), 0);
	expect_eq(tcp_listen(six, 5), 0);
	use(0);
	peer_sends(SYN, .seq = 0);
	stack_sends(RST | ACK, .seq = 0, .ack = 1);
	tcp_unbind(six, lab_mono());
	expect_eq(
	    tcp_bind(lab_tcp(), &any6, 80, TCP_BIND_REUSEPORT, 1, NULL, &six),
	    0);
	expect_eq(tcp_listen(six, 5), 0);
	use(1);
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	expect_eq(bind_to(0, 80, TCP_BIND_REUSEPORT, 1, &four), 0);
	expect_eq(tcp_listen(four, 100), 0);
	for (unsigned i = 2; i < 40; i++) {
		use(i);
		peer_sends(SYN, .seq = 0);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	}
	tcp_unbind(four, lab_mono());
	lab_drain();
	/* The one of before it came. */
	expect_eq(lab_stats().half_open, 1);
	tcp_unbind(six, lab_mono());
	lab_drain();
}

/* Port 0: one is chosen, in the range, each another. */
Test(names, bind_chooses_a_port)
{
	struct tcp_bind_info a, c;
	struct tcp_bind *b1, *b2;

	expect_eq(bind_to(0, 0, 0, 1, &b1), 0);
	expect_eq(bind_to(0, 0, 0, 1, &b2), 0);
	tcp_bind_info(b1, &a);
	tcp_bind_info(b2, &c);
	expect(a.port >= 32768 && a.port <= 60999);
	expect(c.port >= 32768 && c.port != a.port);
	tcp_unbind(b1, lab_mono());
	tcp_unbind(b2, lab_mono());
}

/* A connection from a bound port; the same tuple twice is refused. */
Test(names, connect_from_a_bound_port)
{
	struct ipaddr any = lab_addr(0), dst = lab_addr(PEER);
	struct tcp_opts o = {0};
	struct tcp_pcb *p, *q;
	struct tcp_bind *b;

	expect_eq(bind_to(0, 1234, 0, 1, &b), 0);
	expect_eq(
	    tcp_connect(lab_tcp(), b, &any, &dst, 80, &o, NULL, lab_mono(), &p),
	    0);
	expect_eq(tcp_tuple(p)->lport, 1234);
	expect(is_at(p, OUR));
	expect_eq(
	    tcp_connect(lab_tcp(), b, &any, &dst, 80, &o, NULL, lab_mono(), &q),
	    -EADDRNOTAVAIL);
	expect_eq(
	    tcp_connect(lab_tcp(), b, &any, &dst, 81, &o, NULL, lab_mono(), &q),
	    0);
	tcp_unbind(b, lab_mono());
	tcp_abort(p, lab_mono());
	tcp_abort(q, lab_mono());
	lab_drain();
	expect_eq(lab_stats().conns, 0);
	expect_eq(lab_stats().binds, 0);
}

/* MUST-42: a port may be listened on while another connection from it is
 * being opened. */
Test(names, listen_beside_syn_sent, .description = "MUST-42")
{
	struct ipaddr any = lab_addr(0), dst = lab_addr(PEER);
	struct tcp_opts o = {0};
	struct tcp_bind *b, *l;
	struct tcp_pcb *p;

	expect_eq(bind_to(0, 80, TCP_BIND_REUSEADDR, 1, &b), 0);
	expect_eq(tcp_connect(
		      lab_tcp(), b, &any, &dst, 443, &o, NULL, lab_mono(), &p),
	    0);
	lab_drain();
	expect_eq(bind_to(0, 80, TCP_BIND_REUSEADDR, 1, &l), 0);
	expect_eq(tcp_listen(l, 5), 0);
	use(1);
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	tcp_unbind(b, lab_mono());
	tcp_abort(p, lab_mono());
	tcp_unbind(l, lab_mono());
	lab_drain();
}

/* A port whose connections are in TIME-WAIT: with REUSEADDR it can be bound
 * and listened on again. */
Test(names, bind_over_time_wait)
{
	struct tcp_bind *b;

	lab_start(.listens = true, .bind_flags = TCP_BIND_REUSEADDR);
	reach(TCPS_TIME_WAIT);
	app_unlistens();
	expect_eq(bind_to(0, 80, 0, 0, &b), -EADDRINUSE);
	expect_eq(bind_to(0, 80, TCP_BIND_REUSEADDR, 0, &b), 0);
	expect_eq(tcp_listen(b, 5), 0);
	use(1);
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	tcp_unbind(b, lab_mono());
	lab_drain();
}

/* A server that starts again listens while a connection of its last life is
 * still there. */
Test(names, listen_again_beside_a_connection)
{
	lab_start(.listens = true, .bind_flags = TCP_BIND_REUSEADDR);
	use(0);
	reach(TCPS_ESTABLISHED);
	app_unlistens();
	app_listens();
	use(1);
	reach(TCPS_ESTABLISHED);
	use(0);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 5);
	app_reads(5);
	lab_run_until(sec(1));
}

/* The census shows each connection, half-open one and TIME-WAIT once. */
static void
count(void *arg, const struct tcp_entry *e)
{
	++((unsigned *)arg)[e->state];
}

Test(names, census)
{
	unsigned n[TCPS_NSTATES] = {0};

	passive_lab();
	use(0);
	reach(TCPS_ESTABLISHED);
	use(1);
	reach(TCPS_SYN_RECEIVED);
	use(2);
	reach(TCPS_TIME_WAIT);
	use(3);
	reach(TCPS_LAST_ACK);
	use(4);
	reach(TCPS_CLOSE_WAIT);
	tcp_foreach(lab_tcp(), count, n);
	expect_eq(n[TCPS_ESTABLISHED], 1);
	expect_eq(n[TCPS_SYN_RECEIVED], 1);
	expect_eq(n[TCPS_TIME_WAIT], 1);
	expect_eq(n[TCPS_LAST_ACK], 1);
	expect_eq(n[TCPS_CLOSE_WAIT], 1);
	expect_eq(lab_stats().conns, 3);
	expect_eq(lab_stats().half_open, 1);
	expect_eq(lab_stats().time_wait, 1);
	expect_eq(lab_stats().binds, 1);
}

/* Equals by REUSEPORT share the connections, each always with the same one. */
Test(names, reuseport_shares)
{
	struct tcp_bind *b[3];
	struct tcp_bind_info bi;
	unsigned got = 0;

	for (unsigned i = 0; i < 3; i++) {
		expect_eq(bind_to(0, 80, TCP_BIND_REUSEPORT, 5, &b[i]), 0);
		expect_eq(tcp_listen(b[i], 200), 0);
	}
	for (unsigned i = 0; i < 90; i++) {
		use(i);
		peer_sends(SYN, .seq = 0);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	}
	for (unsigned i = 0; i < 3; i++) {
		tcp_bind_info(b[i], &bi);
		expect(bi.half_open >= 10);
		got += bi.half_open;
	}
	expect_eq(got, 90);
	for (unsigned i = 0; i < 3; i++)
		tcp_unbind(b[i], lab_mono());
	lab_drain();
}

/* One whose program has closed it leaves its share to the others at once. */
Test(names, reuseport_without_one)
{
	struct tcp_bind *b[2];
	struct tcp_bind_info bi;

	for (unsigned i = 0; i < 2; i++) {
		expect_eq(bind_to(0, 80, TCP_BIND_REUSEPORT, 5, &b[i]), 0);
		expect_eq(tcp_listen(b[i], 200), 0);
	}
	lab_closed = b[0];
	for (unsigned i = 0; i < 30; i++) {
		use(i);
		peer_sends(SYN, .seq = 0);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	}
	tcp_bind_info(b[1], &bi);
	expect_eq(bi.half_open, 30);
	tcp_unbind(b[1], lab_mono());
	use(30);
	peer_sends(SYN, .seq = 0);
	stack_sends(RST | ACK, .seq = 0, .ack = 1);
	dropped(TCP_NO_CONN);
	tcp_unbind(b[0], lab_mono());
	lab_drain();
}

/* A bound address is the connection's source. */
Test(names, connect_from_a_bound_address, .description = "MUST-43")
{
	struct ipaddr any = lab_addr(0), dst = lab_addr(PEER);
	struct tcp_opts o = {0};
	struct tcp_bind *b;
	struct tcp_pcb *p;

	expect_eq(bind_to(OUR + 1, 0, 0, 1, &b), 0);
	expect_eq(
	    tcp_connect(lab_tcp(), b, &any, &dst, 80, &o, NULL, lab_mono(), &p),
	    0);
	expect(is_at(p, OUR + 1));
	tcp_abort(p, lab_mono());
	tcp_unbind(b, lab_mono());
	lab_drain();
}

static void
count_bind(void *arg, struct tcp_bind *b)
{
	++*(unsigned *)arg;
}

Test(names, census_of_binds)
{
	struct tcp_bind *b1, *b2;
	unsigned n = 0;

	expect_eq(bind_to(0, 80, 0, 1, &b1), 0);
	expect_eq(bind_to(0, 81, 0, 1, &b2), 0);
	tcp_foreach_bind(lab_tcp(), count_bind, &n);
	expect_eq(n, 2);
	tcp_unbind(b1, lab_mono());
	n = 0;
	tcp_foreach_bind(lab_tcp(), count_bind, &n);
	expect_eq(n, 1);
	tcp_unbind(b2, lab_mono());
}

/* MUST-45: what the way would be for a new connection does not concern one
 * that has begun; its address stays. */
Test(names, keeps_its_address, .description = "MUST-44 MUST-45")
{
	struct ipaddr ours = lab_addr(0xc0000202u);
	struct tcp_out out;

	active_lab();
	app_connects();
	stack_sends(SYN, .seq = 0);
	lab_path_error = -EADDRNOTAVAIL;
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1);
	expect(ipaddr_eq(&tcp_tuple(lab_pcb())->laddr, &ours));
	app_writes(10);
	expect(tcp_output(lab_tcp(), &out, lab_mono()));
	expect(ipaddr_eq(&out.src, &ours));
	at(lab_now() + lab_info().timer_us);
	expect(tcp_output(lab_tcp(), &out, lab_mono()));
	expect(ipaddr_eq(&out.src, &ours));
	lab_path_error = 0;
}
