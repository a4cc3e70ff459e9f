/* SPDX-License-Identifier: ISC */
/*
 * The DHCP client against a server that the test plays.
 */
#include "stack_lab.h"
#include "wire/dhcp4.h"

TestSuite(dhcp4, .fini = lab_end);

#define SERVER 0xc0000201 /* PEER's address */
#define LEASED 0xc0000237
#define ROUTER 0xc00002fe

#define DISCOVER WIRE_DHCP4_DISCOVER
#define OFFER	 WIRE_DHCP4_OFFER
#define REQUEST	 WIRE_DHCP4_REQUEST
#define DECLINE	 WIRE_DHCP4_DECLINE
#define ACK	 WIRE_DHCP4_ACK
#define NAK	 WIRE_DHCP4_NAK

static uint8_t frame[BUF_FRAME];
static uint32_t xid;

static void
start(void)
{
	lab_defaults();
	lab.cfg.naddrs = lab.cfg.nroutes = 0;
	lab.cfg.dhcp4 = true;
	lab_start();
	silence();
}

/* What the client says, at the head of lab.sent; its options by number. */
static const uint8_t *option[256];

static void
client_says(const uint8_t *mac, uint32_t src, uint32_t dst, uint8_t type)
{
	struct wire_csum c = WIRE_CSUM_INIT;
	struct wire_ipv4 ip;
	const uint8_t *m = lab.sent + 42, *p = m + 240;

	stack_sends();
	cr_assert_arr_eq(lab.sent, mac, 6);
	cr_assert_eq(wire_ipv4_parse(lab.sent + 14, lab.sent_len - 14, &ip), 0);
	cr_assert(ip.src == src && ip.dst == dst && ip.proto == WIRE_PROTO_UDP);
	cr_assert_eq(get32(lab.sent + 34), 68u << 16 | 67);
	wire_csum_pseudo4(
	    &c, src, dst, WIRE_PROTO_UDP, (uint32_t)lab.sent_len - 34);
	wire_csum_add(&c, lab.sent + 34, lab.sent_len - 34);
	cr_assert_eq(wire_csum_final(&c), 0);
	cr_assert_geq(lab.sent_len, 42 + 300); /* BOOTP's least */
	cr_assert(m[0] == 1 && get32(m + 236) == 0x63825363);
	cr_assert_arr_eq(m + 28, our_mac, 6);
	memset(option, 0, sizeof option);
	for (; *p != 255; p += 2 + p[1])
		option[*p] = p + 2;
	cr_assert(option[53] != NULL && *option[53] == type);
	cr_assert_not_null(option[61]);
	if (type == DISCOVER)
		xid = get32(m + 4);
	else
		cr_assert_eq(get32(m + 4), xid);
}

struct reply {
	uint8_t type;
	uint32_t addr, lease_s, t1_s, t2_s, xid;
	bool broadcast, overload, no_server, bad_csum;
};

static uint8_t *
word(uint8_t *p, uint8_t kind, uint32_t v)
{
	p[0] = kind;
	p[1] = 4;
	put32(p + 2, v);
	return p + 6;
}

static void
server_says(struct reply r)
{
	struct wire_csum c = WIRE_CSUM_INIT;
	uint8_t udp[8 + 300] = {0}, *m = udp + 8, *p = m + 240;
	size_t n;

	put16(udp, 67);
	put16(udp + 2, 68);
	put16(udp + 4, sizeof udp);
	m[0] = 2;
	m[1] = 1;
	m[2] = 6;
	put32(m + 4, r.xid != 0 ? r.xid : xid);
	put32(m + 16, r.addr != 0 ? r.addr : LEASED);
	memcpy(m + 28, our_mac, 6);
	put32(m + 236, 0x63825363);
	p[0] = 53;
	p[1] = 1;
	p[2] = r.type;
	p += 3;
	if (!r.no_server)
		p = word(p, 54, SERVER);
	if (r.overload) {
		*p++ = 52;
		*p++ = 1;
		*p++ = 1;
		*p = 255;
		p = m + 108; /* the rest goes into "file" */
	}
	if (r.type != NAK) {
		p = word(p, 1, 0xffffff00);
		p = word(p, 3, ROUTER);
		p = word(p, 51, r.lease_s != 0 ? r.lease_s : 3600);
		if (r.t1_s != 0)
			p = word(word(p, 58, r.t1_s), 59, r.t2_s);
	}
	*p = 255;
	wire_csum_pseudo4(&c, SERVER, LEASED, WIRE_PROTO_UDP, sizeof udp);
	wire_csum_add(&c, udp, sizeof udp);
	put16(udp + 6, wire_csum_final(&c) ^ r.bad_csum);
	n = make_packet(frame, SERVER, WIRE_PROTO_UDP, udp, sizeof udp);
	put32(frame + 30, LEASED);
	if (r.broadcast) {
		memset(frame, 0xff, 6);
		put32(frame + 30, 0xffffffff);
		put16(frame + 40, 0); /* no checksum */
	}
	fix_ip(frame);
	peer_sends(frame, n);
}

/* To the next deadline; how long that was. */
static int64_t
next(void)
{
	int64_t us = stack_deadline(lab.s).us - lab.now.us;

	lab.now = stack_deadline(lab.s);
	stack_expire(lab.s, lab.now);
	return us;
}

struct row {
	bool there;
	struct stack_addr_row a;
};

static void
see(void *arg, const struct stack_addr_row *a)
{
	struct row *r = arg;

	if (strcmp(a->origin, "dhcp") == 0) {
		r->there = true;
		r->a = *a;
	}
}

static struct row
leased(void)
{
	struct row r = {0};

	stack_foreach_addr(lab.s, see, &r, lab.now);
	return r;
}

/* Discover, offer, request; the ACK is the test's. */
static void
request(void)
{
	next();
	client_says(all_macs, 0, 0xffffffff, DISCOVER);
	silence();
	server_says((struct reply){.type = OFFER, .broadcast = true});
	client_says(all_macs, 0, 0xffffffff, REQUEST);
	cr_assert_eq(get32(option[50]), LEASED);
	cr_assert_eq(get32(option[54]), SERVER);
	silence();
}

/* The probes and announcements of a new address. */
static void
conflict_free(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		next();
		stack_sends_arp(all_macs, WIRE_ARP_REQUEST, 0, LEASED);
	}
	for (i = 0; i < 2; i++) {
		cr_assert_eq(next(), 2000000);
		stack_sends_arp(all_macs, WIRE_ARP_REQUEST, LEASED, LEASED);
	}
	silence();
	cr_assert_str_eq(leased().a.state, "preferred");
}

static void
bind_for(uint32_t lease_s)
{
	start();
	request();
	server_says((struct reply){.type = ACK, .lease_s = lease_s});
	conflict_free();
}

Test(dhcp4, an_address_and_what_belongs_to_it)
{
	struct ipaddr far = ipaddr_v4(FAR), any = ipaddr_v4(0);
	struct tcp_path path;
	uint32_t changes;
	struct row r;
	int64_t began;

	start();
	request();
	changes = stack_changes(lab.s);
	began = lab.now.us;
	server_says((struct reply){.type = ACK});
	r = leased();
	cr_assert(r.there && !r.a.usable);
	cr_assert_str_eq(r.a.state, "tentative");
	cr_assert_eq(ipaddr_to_v4(&r.a.addr), LEASED);
	cr_assert_eq(r.a.plen, 96 + 24);
	conflict_free();
	cr_assert_neq(stack_changes(lab.s), changes);
	cr_assert_eq(leased().a.valid_us, began + 3600000000 - lab.now.us);
	cr_assert_eq(fake.cfg.env.path(fake.cfg.env.ctx, &any, &far, &path), 0);
	cr_assert_eq(ipaddr_to_v4(&path.src), LEASED);
	nothing_dropped();
}

/* RFC 2131 4.1: four seconds, doubled, one more or less. */
Test(dhcp4, nobody_answers)
{
	int64_t us, want = 4000000;
	int i;

	start();
	cr_assert_lt(next(), 1000000);
	for (i = 0; i < 8; i++) {
		client_says(all_macs, 0, 0xffffffff, DISCOVER);
		us = next();
		cr_assert(us >= want - 1000000 && us < want + 1000000);
		want = want < 64000000 ? want * 2 : want;
	}
}

Test(dhcp4, an_offer_that_is_not_confirmed)
{
	int i;

	start();
	request();
	for (i = 0; i < 3; i++) {
		next();
		client_says(all_macs, 0, 0xffffffff, REQUEST);
	}
	next();
	client_says(all_macs, 0, 0xffffffff, DISCOVER);
}

Test(dhcp4, refused)
{
	start();
	request();
	server_says((struct reply){.type = NAK});
	silence();
	cr_assert_eq(next(), 1000000);
	client_says(all_macs, 0, 0xffffffff, DISCOVER);
	nothing_dropped();
}

Test(dhcp4, answers_that_are_not)
{
	static const struct {
		struct reply r;
		enum drop why;
	} rows[] = {
	    {{.type = OFFER, .xid = 1}, DROP_DHCP_OTHER},
	    {{.type = ACK}, DROP_DHCP_OTHER},
	    {{.type = OFFER, .no_server = true}, DROP_DHCP_OTHER},
	    {{.type = OFFER, .addr = 0x7f000001}, DROP_DHCP_MALFORMED},
	    {{.type = OFFER, .addr = 0xffffffff}, DROP_DHCP_MALFORMED},
	    {{.type = OFFER, .bad_csum = true}, DROP_DHCP_CHECKSUM},
	};
	unsigned i;

	start();
	next();
	client_says(all_macs, 0, 0xffffffff, DISCOVER);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		server_says(rows[i].r);
		dropped(rows[i].why);
		silence();
	}
	/* Truncated at every length. */
	server_says((struct reply){.type = OFFER, .overload = true});
	client_says(all_macs, 0, 0xffffffff, REQUEST);
	for (i = 0; i < 240; i++) {
		put16(frame + 16, (uint16_t)(28 + i));
		put16(frame + 38, (uint16_t)(8 + i));
		put16(frame + 40, 0);
		fix_ip(frame);
		peer_sends(frame, 42 + i);
		dropped(DROP_DHCP_MALFORMED);
	}
	cr_assert(!leased().there);
}

/* RFC 2132 9.3, and the default times of RFC 2131 4.4.5. */
Test(dhcp4, options_in_other_fields_and_times)
{
	static const struct {
		uint32_t lease_s, t1_s, t2_s, want_s;
	} rows[] = {{1000, 0, 0, 500}, {1000, 100, 200, 100},
	    {1000, 900, 800, 500}, {1000, 300, 5000, 300}};
	unsigned i;
	int64_t began;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start();
		request();
		began = lab.now.us;
		server_says((struct reply){.type = ACK,
		    .overload = true,
		    .lease_s = rows[i].lease_s,
		    .t1_s = rows[i].t1_s,
		    .t2_s = rows[i].t2_s});
		conflict_free();
		cr_assert_eq(stack_deadline(lab.s).us - began,
		    rows[i].want_s * 1000000, "row %u", i);
		if (i + 1 < sizeof rows / sizeof rows[0])
			stack_free(lab.s);
	}
}

/* The server is asked, to the station; then everybody; then it is over. */
Test(dhcp4, a_lease_runs_out)
{
	int64_t began;
	unsigned said = 0;

	bind_for(2400);
	began = lab.now.us;
	cr_assert_gt(next(), 0);
	/* T1: the server's station is asked for first. */
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, LEASED, SERVER);
	peer_sends_arp(our_mac, WIRE_ARP_REPLY, peer_mac, SERVER, LEASED);
	client_says(peer_mac, LEASED, SERVER, REQUEST);
	cr_assert(option[50] == NULL && option[54] == NULL);
	cr_assert_eq(get32(lab.sent + 42 + 12), LEASED);
	/* Until T2 he is asked again, then all are. */
	for (;;) {
		next();
		if (!stack_output(lab.s, &lab.f, lab.now))
			continue;
		if (memcmp(lab.f.spans[0].base, all_macs, 6) == 0 &&
		    get16((uint8_t *)lab.f.spans[0].base + 12) ==
			WIRE_ETHER_IPV4)
			break;
		cr_assert_lt(said++, 20);
	}
	cr_assert_gt(said, 1);
	cr_assert_eq(leased().a.usable, true);
	while (leased().there)
		next();
	cr_assert_leq(lab.now.us - began, 2400000000);
	while (stack_output(lab.s, &lab.f, lab.now))
		;
	next();
	client_says(all_macs, 0, 0xffffffff, DISCOVER);
}

Test(dhcp4, a_lease_is_renewed)
{
	int64_t asked;

	bind_for(2400);
	next();
	asked = lab.now.us;
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, LEASED, SERVER);
	peer_sends_arp(our_mac, WIRE_ARP_REPLY, peer_mac, SERVER, LEASED);
	client_says(peer_mac, LEASED, SERVER, REQUEST);
	server_says((struct reply){.type = ACK, .lease_s = 5000});
	cr_assert(leased().a.usable);
	cr_assert_eq(leased().a.valid_us, asked + 5000000000 - lab.now.us);
	silence();
	/* A server that has changed its mind. */
	while (lab.now.us < asked + 2500000000)
		next();
	while (stack_output(lab.s, &lab.f, lab.now))
		;
	server_says((struct reply){.type = NAK});
	cr_assert(!leased().there);
}

/* Somebody has it: declined, and asked for another after ten seconds. */
Test(dhcp4, a_conflict)
{
	start();
	request();
	server_says((struct reply){.type = ACK});
	next();
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, 0, LEASED);
	peer_sends_arp(our_mac, WIRE_ARP_REPLY, other_mac, LEASED, 0);
	client_says(all_macs, 0, 0xffffffff, DECLINE);
	cr_assert_eq(get32(option[50]), LEASED);
	cr_assert_eq(get32(option[54]), SERVER);
	cr_assert(!leased().there);
	cr_assert_eq(next(), 10000000);
	client_says(all_macs, 0, 0xffffffff, DISCOVER);
	dropped(DROP_ARP_CONFLICT);
}

/* Nobody but the client hears the port, and only while it waits. */
Test(dhcp4, other_datagrams_are_refused)
{
	bind_for(2400);
	tcp_says(SERVER, NULL, 0)->src = ipaddr_v4(LEASED);
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, LEASED, SERVER);
	server_says((struct reply){.type = OFFER});
	dropped(DROP_DHCP_OTHER);
	put16(frame + 36, 69);
	put16(frame + 40, 0);
	peer_sends(frame, 342);
	dropped(DROP_UDP_NO_SOCKET);
}
