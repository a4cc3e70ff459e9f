/* SPDX-License-Identifier: ISC */
/*
 * UDP on a stack in virtual time: what comes reaches its socket, what goes out
 * is what RFC 768 and Linux have, and what is wrong is a counted drop.
 */
#include <errno.h>
#include "tests/unit/stack_lab.h"
#include "udp/udp.h"
#include "wire/icmp.h"

#define MTU    1500
#define SECOND (OURS + 40)

static struct got {
	void *user;
	struct udp_in in;
	uint8_t text[65536];
	unsigned n, failures;
	int error;
	bool full;
	void *gone; /* whose program has closed it */
} got;

static int
deliver(void *ctx, void *user, const struct udp_in *in)
{
	if (got.full)
		return -EAGAIN;
	if (user == got.gone)
		return -EPIPE;
	got.user = user;
	got.in = *in;
	memcpy(got.text, in->data, in->len);
	got.n++;
	return 0;
}

static void
failed(void *ctx, void *user, int error)
{
	got.user = user;
	got.error = error;
	got.failures++;
}

static struct udp_icmp report;
static unsigned reports;

static void
reported(void *ctx, void *user, const struct udp_icmp *e)
{
	report = *e;
	reports++;
}

static struct udp *udp;
static struct udp_sock *socks[64];
static unsigned nsocks;

static void
up_with(bool tx_csum)
{
	lab_defaults6();
	lab.cfg.tx_csum = tx_csum;
	lab.cfg.udp = (struct udp_env){
	    .deliver = deliver, .failed = failed, .reported = reported};
	lab.cfg.tcp.port_first = 40000;
	lab.cfg.tcp.port_last = 40003;
	lab_start();
	while (stack_output(lab.s, &lab.f, lab.now))
		; /* announcements */
	memset(&got, 0, sizeof got);
	reports = 0;
	got.gone = &got; /* nobody's */
	udp = stack_udp(lab.s);
	nsocks = 0;
	peer_is_known();
}

static void
up(void)
{
	up_with(false);
}

static void
up_csum(void)
{
	up_with(true);
}

static void
down(void)
{
	while (nsocks > 0)
		udp_close(socks[--nsocks]);
	udp_check(udp);
	lab_end();
}

TestSuite(udp, .init = up, .fini = down);
TestSuite(udp_csum, .init = up_csum, .fini = down);

/* A socket whose user is the number name. */
static struct udp_sock *
opened(bool ipv6, unsigned flags, uintptr_t name)
{
	struct udp_opts o = {
	    .pmtu = UDP_PMTU_WANT, .pmtu6 = UDP_PMTU_WANT, .flags = flags};
	struct udp_sock *s = udp_open(udp, ipv6, 1, (void *)name);

	cr_assert_not_null(s);
	udp_set_opts(s, &o);
	socks[nsocks++] = s;
	return s;
}

static void
closed(struct udp_sock *s)
{
	unsigned i = 0;

	while (socks[i] != s)
		i++;
	socks[i] = socks[--nsocks];
	udp_close(s);
	udp_check(udp);
}

static struct ipaddr
v4(uint32_t a)
{
	return ipaddr_v4(a);
}

static int
bind_at(struct udp_sock *s, struct ipaddr addr, uint16_t port)
{
	int r = udp_bind(s, &addr, port);

	udp_check(udp);
	return r;
}

static struct udp_sock *
bound(bool ipv6, unsigned flags, uintptr_t name, struct ipaddr addr,
    uint16_t port)
{
	struct udp_sock *s = opened(ipv6, flags, name);

	cr_assert_eq(bind_at(s, addr, port), 0);
	return s;
}

static int
connect_to(struct udp_sock *s, struct ipaddr dst, uint16_t port)
{
	int r = udp_connect(s, &dst, port);

	udp_check(udp);
	return r;
}

static uint16_t
port_of(const struct udp_sock *s)
{
	struct udp_info i;

	udp_info(s, &i);
	return i.id.lport;
}

static uint8_t frame[BUF_FRAME];

/* Whose it was; 0: nobody's. */
static uintptr_t
comes(struct ipaddr src, uint16_t sport, uint16_t dport)
{
	unsigned n = got.n;

	peer_sends(frame, make_udp(frame, &src, sport, dport, "text", 4));
	if (got.n == n)
		return 0;
	cr_assert_eq(got.in.len, 4);
	cr_assert_arr_eq(got.text, "text", 4);
	cr_assert(ipaddr_eq(&got.in.src, &src));
	cr_assert(got.in.sport == sport && got.in.dport == dport);
	return (uintptr_t)got.user;
}

static int
send_text(struct udp_sock *s, struct ipaddr dst, uint16_t port, size_t len)
{
	static uint8_t text[65536];
	struct udp_msg m = {.to_peer = port == 0,
	    .dst = dst,
	    .dport = port,
	    .tos = -1,
	    .ttl = -1,
	    .data = text,
	    .len = (uint32_t)len};
	size_t i;

	for (i = 0; i < len; i++)
		text[i] = (uint8_t)(i * 31 >> 3);
	return udp_send(s, &m);
}

/* ---- in ---- */

Test(udp, a_datagram_reaches_its_socket)
{
	bound(false, 0, 1, v4(0), 53);
	cr_assert_eq(comes(v4(PEER), 7, 53), 1);
	cr_assert_eq(got.in.ttl, 64);
	cr_assert(ipaddr_eq(&got.in.dst, &lab.addrs[0].addr));
	nothing_dropped();
	cr_assert_eq(comes(v4(PEER), 7, 54), 0);
	dropped(DROP_UDP_NO_SOCKET);
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_ICMP, 8 + 20 + 12);
	silence();
}

Test(udp, what_is_broken_is_dropped)
{
	struct ipaddr peer = v4(PEER);
	size_t len = make_udp(frame, &peer, 7, 53, "text", 4);

	bound(false, 0, 1, v4(0), 53);
	frame[34 + 8] ^= 1;
	peer_sends(frame, len);
	dropped(DROP_UDP_CHECKSUM);
	put16(frame + 34 + 6, 0); /* none was made */
	peer_sends(frame, len);
	nothing_dropped();
	cr_assert_eq(got.n, 1);
	put16(frame + 34 + 4, 7);
	peer_sends(frame, len);
	dropped(DROP_UDP_SHORT);
	put16(frame + 34 + 4, 13);
	peer_sends(frame, len);
	dropped(DROP_UDP_SHORT);
	len = make_packet(frame, PEER, WIRE_PROTO_UDP, "1234567", 7);
	peer_sends(frame, len);
	dropped(DROP_UDP_SHORT);
	/* Less than the packet has: what is behind is not read. */
	make_udp(frame, &peer, 7, 53, "text", 4);
	put16(frame + 34 + 4, 10);
	put16(frame + 34 + 6, 0);
	peer_sends(frame, 46);
	nothing_dropped();
	cr_assert_eq(got.in.len, 2);
	silence();
}

/* RFC 8200 8.1. */
Test(udp, ipv6_wants_a_checksum)
{
	size_t len = make_udp(frame, &peer6, 7, 53, "text", 4);

	bound(true, 0, 1, any6, 53);
	peer_sends(frame, len);
	nothing_dropped();
	put16(frame + 54 + 6, 0);
	peer_sends(frame, len);
	dropped(DROP_UDP_NO_CSUM);
	cr_assert_eq(got.n, 1);
}

Test(udp, a_full_socket_is_no_reason_to_complain)
{
	struct udp_info i;
	struct udp_sock *s = bound(false, 0, 1, v4(0), 53);

	got.full = true;
	cr_assert_eq(comes(v4(PEER), 7, 53), 0);
	silence();
	udp_info(s, &i);
	cr_assert(i.full == 1 && i.in == 0);
}

/* Its port is another's before we have noticed the end of a program. */
Test(udp, who_is_gone_stands_in_nobodys_way)
{
	struct udp_sock *s;

	bound(false, UDP_REUSEADDR, 1, v4(0), 53);
	s = bound(false, UDP_REUSEADDR, 2, v4(0), 53);
	got.gone = (void *)99;
	cr_assert_eq(comes(v4(PEER), 7, 53), 2);
	got.gone = (void *)2;
	cr_assert_eq(comes(v4(PEER), 7, 53), 1);
	cr_assert_eq(port_of(s), 0);
	got.gone = (void *)1;
	cr_assert_eq(comes(v4(PEER), 7, 53), 0);
	dropped(DROP_UDP_NO_SOCKET);
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_ICMP, 8 + 20 + 12);
}

Test(udp, the_nearest_address_wins)
{
	struct udp_sock *exact, *peer;

	bound(true, UDP_REUSEADDR, 1, any6, 53);
	cr_assert_eq(comes(v4(PEER), 7, 53), 1);
	cr_assert_eq(comes(peer6, 7, 53), 1);
	bound(false, UDP_REUSEADDR, 2, v4(0), 53);
	cr_assert_eq(comes(v4(PEER), 7, 53), 2);
	cr_assert_eq(comes(peer6, 7, 53), 1);
	exact = bound(false, UDP_REUSEADDR, 3, v4(OURS), 53);
	cr_assert_eq(comes(v4(PEER), 7, 53), 3);
	peer = bound(false, UDP_REUSEADDR, 4, v4(0), 53);
	cr_assert_eq(connect_to(peer, v4(PEER), 7), 0);
	cr_assert_eq(comes(v4(PEER), 7, 53), 4);
	cr_assert_eq(comes(v4(PEER), 8, 53), 3);
	cr_assert_eq(comes(v4(OTHER), 7, 53), 3);
	udp_disconnect(peer);
	cr_assert_eq(port_of(peer), 53);
	cr_assert_eq(comes(v4(PEER), 7, 53), 3);
	closed(exact);
	cr_assert_eq(comes(v4(PEER), 7, 53), 4, "the younger one");
	closed(peer);
	cr_assert_eq(comes(v4(PEER), 7, 53), 2);
}

Test(udp, v6only_hears_ipv6_alone)
{
	struct udp_sock *s = bound(true, UDP_V6ONLY, 1, any6, 53);

	cr_assert_eq(comes(v4(PEER), 7, 53), 0);
	cr_assert_eq(comes(peer6, 7, 53), 1);
	cr_assert_eq(send_text(s, v4(PEER), 7, 1), -ENETUNREACH);
	cr_assert_eq(connect_to(s, v4(PEER), 7), -ENETUNREACH);
}

/* Each flow keeps its socket, and all have some. */
Test(udp, a_group_shares_a_port)
{
	unsigned hits[5] = {0}, i;
	uintptr_t who;

	for (i = 1; i <= 4; i++)
		bound(false, UDP_REUSEPORT, i, v4(0), 53);
	for (i = 0; i < 400; i++) {
		who = comes(v4(PEER), (uint16_t)(1000 + i), 53);
		cr_assert_eq(who, comes(v4(PEER), (uint16_t)(1000 + i), 53));
		hits[who]++;
	}
	for (i = 1; i <= 4; i++)
		cr_assert(hits[i] > 50 && hits[i] < 150, "%u", hits[i]);
}

/* ---- ports ---- */

Test(udp, conflicts_are_linuxs)
{
	static const struct {
		unsigned a, b;
		bool same_address, works;
	} rows[] = {
	    {0, 0, true, false},
	    {0, 0, false, true},
	    {UDP_REUSEADDR, 0, true, false},
	    {UDP_REUSEADDR, UDP_REUSEADDR, true, true},
	    {UDP_REUSEPORT, UDP_REUSEPORT, true, true},
	    {UDP_REUSEPORT, UDP_REUSEADDR, true, false},
	};
	struct udp_sock *a, *b;
	unsigned i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		a = bound(false, rows[i].a, 1, v4(OURS), 53);
		b = opened(false, rows[i].b, 2);
		cr_assert_eq(
		    bind_at(b, v4(rows[i].same_address ? 0 : PEER), 53),
		    rows[i].works ? 0 : -EADDRINUSE, "row %u", i);
		closed(a);
		if (!rows[i].works)
			cr_assert_eq(bind_at(b, v4(OURS), 53), 0);
		closed(b);
	}
}

/* Of another owner than all others here. */
static struct udp_sock *
strangers(bool ipv6, unsigned flags, uintptr_t name)
{
	struct udp_opts o = {
	    .pmtu = UDP_PMTU_WANT, .pmtu6 = UDP_PMTU_WANT, .flags = flags};
	struct udp_sock *s = udp_open(udp, ipv6, 2, (void *)name);

	cr_assert_not_null(s);
	udp_set_opts(s, &o);
	socks[nsocks++] = s;
	return s;
}

Test(udp, another_owner_shares_no_port)
{
	static const unsigned flags[] = {
	    UDP_REUSEPORT, UDP_REUSEADDR, UDP_REUSEADDR | UDP_REUSEPORT};
	struct udp_sock *s;
	unsigned i;

	for (i = 0; i < 3; i++) {
		s = bound(false, flags[i], 1, v4(0), 53);
		cr_assert_eq(
		    bind_at(strangers(false, flags[i], 2), v4(OURS), 53),
		    -EADDRINUSE);
		cr_assert_eq(comes(v4(PEER), 7, 53), 1);
		closed(s);
	}
}

/* With a peer of IPv6 it stands in nobody's way of IPv4; but it may have
 * another peer tomorrow, and then take what that one sends to somebody else. */
Test(udp, a_connected_one_does_not_come_back_to_what_is_anothers)
{
	struct udp_sock *s = strangers(true, 0, 2), *mine;

	cr_assert_eq(bind_at(s, any6, 53), 0);
	cr_assert_eq(connect_to(s, peer6, 7), 0);
	mine = opened(false, 0, 1);
	cr_assert_eq(bind_at(mine, v4(0), 53), -EADDRINUSE);
	cr_assert_eq(connect_to(s, v4(PEER), 7), 0);
	cr_assert_eq(bind_at(mine, v4(0), 53), -EADDRINUSE);
	closed(s);
	cr_assert_eq(bind_at(mine, v4(0), 53), 0);
	s = strangers(true, 0, 2); /* a port that nobody named, the same */
	cr_assert_eq(connect_to(s, peer6, 7), 0);
	cr_assert_eq(
	    bind_at(opened(false, 0, 1), v4(0), port_of(s)), -EADDRINUSE);
}

/* Both addresses are the stack's, so the path lets it. */
Test(udp, no_datagram_goes_out_under_anothers_name)
{
	const struct stack_addr all[] = {
	    lab.addrs[0], lab.addrs[1], {v4(SECOND), 96 + 24}};
	struct udp_sock *s = bound(false, 0, 1, v4(OURS), 53), *own, *theirs;
	struct udp_msg m = {.dst = v4(PEER),
	    .dport = 7,
	    .have_src = true,
	    .src = v4(SECOND),
	    .tos = -1,
	    .ttl = -1,
	    .data = "x",
	    .len = 1};

	cr_assert(stack_set_addrs(lab.s, all, 3, lab.now));
	cr_assert_eq(udp_send(s, &m), 0, "nobody's");
	own = bound(false, 0, 3, v4(SECOND), 53);
	cr_assert_eq(udp_send(s, &m), 0, "its owner's");
	closed(own);
	theirs = strangers(false, 0, 2);
	cr_assert_eq(bind_at(theirs, v4(SECOND), 53), 0);
	cr_assert_eq(udp_send(s, &m), -EADDRNOTAVAIL);
	cr_assert_eq(udp_send(theirs, &m), 0);
	m.src = v4(OURS);
	cr_assert_eq(udp_send(s, &m), 0);
}

Test(udp, ports_run_out_and_come_back)
{
	struct udp_sock *s[4], *more;
	unsigned seen = 0, i;

	for (i = 0; i < 4; i++) {
		s[i] = bound(false, 0, i, v4(0), 0);
		cr_assert(port_of(s[i]) >= 40000 && port_of(s[i]) <= 40003);
		seen |= 1u << (port_of(s[i]) - 40000);
	}
	cr_assert_eq(seen, 15);
	more = opened(true, 0, 5);
	cr_assert_eq(bind_at(more, any6, 0), -EADDRINUSE);
	cr_assert_eq(connect_to(more, peer6, 53), -EAGAIN);
	cr_assert_eq(send_text(more, peer6, 53, 1), -EAGAIN);
	closed(s[2]);
	cr_assert_eq(connect_to(more, peer6, 53), 0);
	cr_assert_eq(bind_at(more, any6, 0), -EINVAL);
	udp_disconnect(more);
	cr_assert_eq(port_of(more), 0, "nobody named it, so it goes");
}

/* ---- out ---- */

static void
sends_right(struct ipaddr dst, size_t len)
{
	bool is4 = ipaddr_is_v4(&dst);
	struct ipaddr src = is4 ? v4(OURS) : ours6;
	struct wire_csum c = WIRE_CSUM_INIT;
	struct wire_udp h;
	const uint8_t *p;

	p = is4 ? stack_sends_packet(peer_mac, PEER, WIRE_PROTO_UDP, 8 + len)
		: stack_sends_packet6(NULL, &dst, WIRE_PROTO_UDP, 8 + len);
	cr_assert_eq(wire_udp_parse(p, 8 + len, &h), 0);
	cr_assert(h.len == 8 + len && h.dport == 53 && h.sport >= 40000);
	wire_csum_pseudo(&c, &src, &dst, WIRE_PROTO_UDP, h.len);
	wire_csum_add(&c, p, h.len);
	cr_assert_eq(wire_csum_final(&c), 0);
	cr_assert_neq(h.csum, 0);
	silence();
}

Test(udp, what_goes_out)
{
	struct udp_sock *s = opened(false, 0, 1);
	size_t len;

	for (len = 0; len <= MTU - 28; len = len * 3 + 1) {
		cr_assert_eq(send_text(s, v4(PEER), 53, len), 0);
		sends_right(v4(PEER), len);
		cr_assert_eq(lab.sent[20] & 0x40, 0x40, "DF");
	}
	cr_assert_eq(send_text(s, v4(PEER), 0, 1), -EDESTADDRREQ);
	cr_assert_eq(connect_to(s, v4(PEER), 53), 0);
	cr_assert_eq(send_text(s, v4(PEER), 0, 1), 0);
	sends_right(v4(PEER), 1);
	cr_assert_eq(comes(v4(PEER), 53, port_of(s)), 1);
	cr_assert_eq(comes(v4(OTHER), 53, port_of(s)), 0, "not its peer");
}

/* All sixteen bits of sums come; the one that would be zero is all ones. */
Test(udp, no_checksum_is_ever_zero)
{
	struct udp_sock *s = bound(false, 0, 1, v4(0), 40000);
	uint8_t text[2];
	struct udp_msg m = {.dst = v4(PEER),
	    .dport = 53,
	    .tos = -1,
	    .ttl = -1,
	    .data = text,
	    .len = 2};
	unsigned i, ones = 0;
	const uint8_t *p;

	for (i = 0; i < 65536; i++) {
		put16(text, (uint16_t)i);
		cr_assert_eq(udp_send(s, &m), 0);
		p = stack_sends_packet(peer_mac, PEER, WIRE_PROTO_UDP, 10);
		cr_assert_neq(get16(p + 6), 0);
		ones += get16(p + 6) == 0xffff;
	}
	cr_assert_eq(ones, 1);
}

/* The device gets the sum of the pseudo header, and where it is. */
Test(udp_csum, the_device_makes_it)
{
	struct udp_sock *s = opened(false, 0, 1);
	const uint8_t *p;

	cr_assert_eq(send_text(s, v4(PEER), 53, 100), 0);
	p = stack_sends_packet(peer_mac, PEER, WIRE_PROTO_UDP, 108);
	cr_assert(lab.f.off.needs_csum && lab.f.off.gso == GSO_NONE);
	cr_assert_eq(lab.f.off.csum_start, p - lab.sent);
	cr_assert_eq(lab.f.off.csum_offset, WIRE_UDP_CSUM_OFF);
	/* In pieces it is ours. */
	cr_assert_eq(send_text(s, v4(PEER), 53, 2000), 0);
	stack_sends();
	cr_assert(!lab.f.off.needs_csum);
	stack_sends();
	silence();
}

/* What left in pieces comes back whole to another stack; here, as bytes. */
static void
pieces_are_right(struct ipaddr dst, size_t len, size_t hdr)
{
	static uint8_t whole[65536];
	size_t at = 0, n, frags = 0;
	const uint8_t *p;
	bool is4 = ipaddr_is_v4(&dst), more = true;
	uint32_t id = 0, this;

	while (more) {
		stack_sends();
		p = lab.sent + 14 + hdr;
		n = lab.sent_len - 14 - hdr;
		cr_assert(lab.sent_len <= 14 + MTU);
		if (is4) {
			cr_assert_eq((get16(lab.sent + 20) & 0x1fff) * 8u, at);
			cr_assert_eq(get16(lab.sent + 20) & 0x4000, 0);
			more = get16(lab.sent + 20) & 0x2000;
			this = get16(lab.sent + 18);
		} else {
			cr_assert_eq(lab.sent[20], WIRE_PROTO_FRAGMENT);
			cr_assert_eq(p[0], WIRE_PROTO_UDP);
			cr_assert_eq(get16(p + 2) & 0xfff8u, at);
			more = get16(p + 2) & 1;
			this = get32(p + 4);
			p += 8;
			n -= 8;
		}
		cr_assert(frags++ == 0 || this == id);
		id = this;
		cr_assert(!more || (n % 8 == 0 && lab.sent_len > 1480));
		memcpy(whole + at, p, n);
		at += n;
	}
	cr_assert_eq(at, 8 + len);
	cr_assert_eq(get16(whole + 4), at);
	silence();
}

Test(udp, long_ones_go_in_pieces)
{
	static const size_t lens[] = {1473, 2952, 2953, 9000, 65507};
	struct udp_sock *s = opened(false, 0, 1);
	unsigned i;

	for (i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		cr_assert_eq(send_text(s, v4(PEER), 53, lens[i]), 0);
		pieces_are_right(v4(PEER), lens[i], 20);
	}
	cr_assert_eq(send_text(s, v4(PEER), 53, 65508), -EMSGSIZE);
	silence();
}

Test(udp, long_ones_of_ipv6_too)
{
	static const size_t lens[] = {1453, 2888, 65527};
	struct udp_sock *s = opened(true, 0, 1);
	uint8_t mac[6];
	unsigned i;

	memcpy(mac, peer_mac, 6);
	peer_sends_ns(mac, &peer6, &ours6, &ours6, mac);
	stack_sends();
	for (i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		cr_assert_eq(send_text(s, peer6, 53, lens[i]), 0);
		pieces_are_right(peer6, lens[i], 40);
	}
	cr_assert_eq(send_text(s, peer6, 53, 65528), -EMSGSIZE);
}

Test(udp, who_wants_them_whole)
{
	struct udp_opts o = {.pmtu = UDP_PMTU_DO};
	struct udp_sock *s = opened(false, 0, 1);

	udp_set_opts(s, &o);
	cr_assert_eq(send_text(s, v4(PEER), 53, 1473), -EMSGSIZE);
	cr_assert_eq(send_text(s, v4(PEER), 53, 1472), 0);
	sends_right(v4(PEER), 1472);
	o.pmtu = UDP_PMTU_DONT;
	udp_set_opts(s, &o);
	cr_assert_eq(send_text(s, v4(PEER), 53, 100), 0);
	stack_sends();
	cr_assert_eq(lab.sent[20] & 0x40, 0, "may be cut");
}

Test(udp, marks_and_hops_are_the_programs)
{
	struct udp_opts o = {.pmtu = UDP_PMTU_WANT, .tos = 0x2e, .ttl = 3};
	struct udp_sock *s = opened(false, 0, 1);
	struct udp_msg m = {
	    .dst = v4(PEER), .dport = 53, .tos = 1, .ttl = 9, .data = ""};

	udp_set_opts(s, &o);
	cr_assert_eq(send_text(s, v4(PEER), 53, 1), 0);
	sends_right(v4(PEER), 1);
	cr_assert(lab.sent[15] == 0x2e && lab.sent[22] == 3);
	cr_assert_eq(udp_send(s, &m), 0);
	sends_right(v4(PEER), 0);
	cr_assert(lab.sent[15] == 1 && lab.sent[22] == 9);
	m.have_src = true;
	m.src = v4(OTHER);
	cr_assert_eq(udp_send(s, &m), -EADDRNOTAVAIL);
	m.src = v4(OURS);
	cr_assert_eq(udp_send(s, &m), 0);
	sends_right(v4(PEER), 0);
}

Test(udp, where_nothing_goes)
{
	struct udp_sock *s = opened(false, 0, 1);

	cr_assert_eq(send_text(s, v4(0xc00002ff), 53, 1), -ENETUNREACH);
	cr_assert_eq(send_text(s, v4(0xe0000001), 53, 1), -ENETUNREACH);
	cr_assert_eq(connect_to(s, v4(0x7f000001), 53), -ENETUNREACH);
	cr_assert_eq(send_text(s, peer6, 53, 1), -EAFNOSUPPORT);
	silence();
}

Test(udp, to_ourselves)
{
	struct udp_sock *s = bound(false, 0, 1, v4(0), 53);

	cr_assert_eq(send_text(s, v4(OURS), 53, 65507), 0);
	silence();
	cr_assert_eq(got.n, 0);
	stack_expire(lab.s, lab.now);
	cr_assert_eq(got.n, 1);
	cr_assert_eq(got.in.len, 65507);
	nothing_dropped();
}

/* ---- what ICMP says ---- */

static void
says(uint8_t type, uint8_t code, uint16_t mtu, uint32_t dst, uint16_t sport)
{
	uint8_t quote[28] = {0};
	struct wire_ipv4 h = {.ttl = 60,
	    .proto = WIRE_PROTO_UDP,
	    .src = OURS,
	    .dst = dst,
	    .total_len = 1500};

	wire_ipv4_emit(&h, quote);
	put16(quote + 20, sport);
	put16(quote + 22, 53);
	peer_sends(frame, make_icmp(frame, type, code, mtu, quote, 28));
}

Test(udp, who_has_a_peer_is_told_of_hard_errors)
{
	static const struct {
		uint8_t type, code;
		int error; /* 0: not told */
	} rows[] = {
	    {WIRE_ICMP_UNREACH, 0, 0},
	    {WIRE_ICMP_UNREACH, 1, 0},
	    {WIRE_ICMP_UNREACH, 2, ENOPROTOOPT},
	    {WIRE_ICMP_UNREACH, 3, ECONNREFUSED},
	    {WIRE_ICMP_UNREACH, 9, ENETUNREACH},
	    {WIRE_ICMP_UNREACH, 13, EHOSTUNREACH},
	    {WIRE_ICMP_TIME_EXCEEDED, 0, 0},
	    {WIRE_ICMP_PARAM_PROBLEM, 0, EPROTO},
	};
	struct udp_sock *s = opened(false, 0, 1), *t;
	unsigned i, n = 0;

	cr_assert_eq(connect_to(s, v4(PEER), 53), 0);
	t = bound(false, 0, 2, v4(0), 0);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		says(rows[i].type, rows[i].code, 0, PEER, port_of(s));
		n += rows[i].error != 0;
		cr_assert_eq(got.failures, n, "row %u", i);
		if (rows[i].error != 0)
			cr_assert_eq(got.error, rows[i].error);
		nothing_dropped();
		says(rows[i].type, rows[i].code, 0, PEER, port_of(t));
		cr_assert_eq(got.failures, n);
		nothing_dropped();
	}
	says(WIRE_ICMP_UNREACH, 3, 0, OTHER, port_of(s));
	dropped(DROP_ICMP_QUOTE);
	cr_assert_eq(got.failures, n);
}

/* Who asks hears all that is said, with a peer and without. */
Test(udp, who_asks_is_told_of_all_errors)
{
	struct udp_opts o = {.pmtu = UDP_PMTU_WANT, .errors = true};
	struct udp_sock *s = bound(false, 0, 1, v4(0), 0);

	says(WIRE_ICMP_TIME_EXCEEDED, 0, 0, PEER, port_of(s));
	cr_assert_eq(reports + got.failures, 0);
	udp_set_opts(s, &o);
	says(WIRE_ICMP_TIME_EXCEEDED, 0, 0, PEER, port_of(s));
	cr_assert(reports == 1 && got.failures == 1);
	cr_assert(report.error == EHOSTUNREACH && got.error == EHOSTUNREACH);
	cr_assert(report.type == WIRE_ICMP_TIME_EXCEEDED && report.code == 0);
	cr_assert(report.id.rport == 53 && report.len == 0);
	says(WIRE_ICMP_UNREACH, WIRE_UNREACH_NEEDFRAG, 600, PEER, port_of(s));
	cr_assert(reports == 2 && report.error == EMSGSIZE);
	cr_assert_eq(report.info, 600);
	o.pmtu = UDP_PMTU_DONT;
	udp_set_opts(s, &o);
	says(WIRE_ICMP_UNREACH, WIRE_UNREACH_NEEDFRAG, 600, PEER, port_of(s));
	cr_assert_eq(reports, 2, "he has no use for that");
	nothing_dropped();
}

Test(udp, routers_say_how_much_fits)
{
	struct udp_sock *s = bound(false, 0, 1, v4(0), 0);

	says(WIRE_ICMP_UNREACH, WIRE_UNREACH_NEEDFRAG, 600, OTHER, 39999);
	dropped(DROP_ICMP_QUOTE);
	cr_assert_eq(send_text(s, v4(PEER), 53, 1472), 0);
	sends_right(v4(PEER), 1472);
	says(WIRE_ICMP_UNREACH, WIRE_UNREACH_NEEDFRAG, 600, PEER, port_of(s));
	nothing_dropped();
	cr_assert_eq(send_text(s, v4(PEER), 53, 1472), 0);
	stack_sends();
	cr_assert_eq(lab.sent_len, 14 + 20 + 576);
	stack_sends();
	cr_assert_eq(lab.sent_len, 14 + 20 + 576);
	stack_sends();
	cr_assert_eq(lab.sent_len, 14 + 20 + 1480 - 2 * 576);
	silence();
}
