/* SPDX-License-Identifier: ISC */
/*
 * Routers: how they are looked for, chosen and forgotten; prefixes; addresses
 * made from them.
 */
#include "stack_lab.h"

TestSuite(ra, .fini = lab_end);

static const struct ipaddr net = {{0x20, 0x01, 0x0d, 0xb8, 0, 1}};
static const struct ipaddr net_host = {
    {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 9}};

struct advert {
	const struct ipaddr *from;
	const uint8_t *mac;
	uint16_t lifetime_s;
	uint8_t flags;
	uint32_t mtu;
	const struct ipaddr *prefix;
	uint8_t prefix_flags; /* 0x80 on link, 0x40 autonomous */
	uint32_t valid_s, preferred_s;
	uint8_t hops;
	uint32_t retrans_ms;
	uint8_t hop_limit; /* 0: 64 */
};

#define L 0x80
#define A 0x40

static void
router_says(struct advert v)
{
	uint8_t data[8 + 8 + 8 + 32] = {0}, *p = data;

	put32(p + 4, v.retrans_ms);
	p += 8;
	if (v.mac == NULL)
		v.mac = peer_mac;
	p += wire_nd_lla_emit(WIRE_ND_SOURCE_LLA, v.mac, p);
	if (v.mtu != 0) {
		p[0] = WIRE_ND_MTU;
		p[1] = 1;
		put32(p + 4, v.mtu);
		p += 8;
	}
	if (v.prefix != NULL) {
		p[0] = WIRE_ND_PREFIX;
		p[1] = 4;
		p[2] = 64;
		p[3] = v.prefix_flags;
		put32(p + 4, v.valid_s);
		put32(p + 8, v.preferred_s);
		memcpy(p + 16, v.prefix->b, 16);
		p += 32;
	}
	peer_sends_icmp6(v.mac, v.from == NULL ? &peer_ll : v.from, &all_nodes6,
	    WIRE_ICMP6_RA,
	    (v.hop_limit != 0 ? (uint32_t)v.hop_limit : 64u) << 24 |
		(uint32_t)v.flags << 16 | v.lifetime_s,
	    data, (size_t)(p - data));
}

/* Only IPv6, nothing configured, no DAD. */
static void
start(void)
{
	lab_defaults();
	lab.cfg.naddrs = 0;
	lab.cfg.nroutes = 0;
	lab.cfg.ipv6 = lab.cfg.accept_ra = true;
	lab_start();
}

static void
drain(void)
{
	while (stack_output(lab.s, &lab.f, lab.now))
		;
}

struct row {
	unsigned n;
	struct stack_addr_row a;
};

static void
slaac_row(void *arg, const struct stack_addr_row *a)
{
	struct row *r = arg;

	if (strcmp(a->origin, "slaac") == 0) {
		r->n++;
		r->a = *a;
	}
}

static struct row
slaac(void)
{
	struct row r = {0};

	stack_foreach_addr(lab.s, slaac_row, &r, lab.now);
	return r;
}

static struct ipaddr gateway;
static unsigned gateways;

static void
default_row(void *arg, const struct stack_route_row *r)
{
	if (r->plen == 0) {
		gateway = r->gateway;
		gateways++;
	}
}

static void
serves(const struct ipaddr *router)
{
	gateways = 0;
	stack_foreach_route(lab.s, default_row, NULL);
	cr_assert_eq(gateways, router != NULL);
	if (router != NULL)
		cr_assert(ipaddr_eq(&gateway, router));
}

/* RFC 4861 6.3.7, and RFC 7559 for ever longer. */
Test(ra, routers_are_asked_for)
{
	int64_t last = 0, us = 0;
	struct wire_icmp m;
	unsigned i;

	start();
	drain();
	for (i = 0; i < 12; i++) {
		lab.now = stack_deadline(lab.s);
		stack_expire(lab.s, lab.now);
		if (!stack_output(lab.s, &lab.f, lab.now))
			continue;
		if (((uint8_t *)lab.f.spans[0].base)[54] != WIRE_ICMP6_RS)
			continue; /* the second report of our group */
		us = lab.now.us - last;
		if (last == 0)
			cr_assert_leq(us, 1001000000);
		else
			cr_assert(us >= 3600000);
		last = lab.now.us;
	}
	cr_assert(us > 500000000, "backs off");
	at(last - 1000000000);
	router_says((struct advert){.lifetime_s = 0});
	at(lab.now.us + 10000000000);
	silence();
	(void)m;
}

Test(ra, a_router_brings_a_route_for_its_lifetime)
{
	start();
	drain();
	serves(NULL);
	router_says((struct advert){.lifetime_s = 1800});
	serves(&peer_ll);
	at(ms(1799999));
	serves(&peer_ll);
	at(ms(1800000));
	serves(NULL);
	router_says((struct advert){.lifetime_s = 1800});
	serves(&peer_ll);
	router_says((struct advert){.lifetime_s = 0});
	serves(NULL);
}

/* RFC 4191, and RFC 4861 6.3.6. */
Test(ra, the_better_router_serves_while_it_answers)
{
	struct wire_icmp m;
	unsigned i;

	start();
	at(ms(1001)); /* reports */
	drain();
	router_says((struct advert){.lifetime_s = 1800});
	router_says((struct advert){.from = &other_ll,
	    .mac = other_mac,
	    .lifetime_s = 1800,
	    .flags = 1 << 3});
	serves(&other_ll);
	/* He stops answering. */
	tcp_says6(&far6, NULL, 0);
	stack_sends_packet6(other_mac, &far6, WIRE_PROTO_TCP, 20);
	for (i = 0; i < 4; i++) {
		at(ms(6001 + i * 1000));
		if (i < 3)
			stack_sends_icmp6(
			    other_mac, &other_ll, WIRE_ICMP6_NS, &m);
	}
	serves(&peer_ll);
	tcp_says6(&far6, NULL, 0);
	stack_sends_packet6(peer_mac, &far6, WIRE_PROTO_TCP, 20);
	/* He speaks again. */
	router_says((struct advert){.from = &other_ll,
	    .mac = other_mac,
	    .lifetime_s = 1800,
	    .flags = 1 << 3});
	serves(&other_ll);
	/* A neighbour that says it is no router is none. */
	peer_sends_na(other_mac, &other_ll, &all_nodes6, &other_ll, NA_OVERRIDE,
	    other_mac);
	serves(&peer_ll);
}

Test(ra, more_routers_than_we_keep)
{
	struct ipaddr from = peer_ll;
	unsigned i;

	start();
	drain();
	for (i = 1; i <= 8; i++) {
		from.b[15] = (uint8_t)i;
		router_says((struct advert){.from = &from, .lifetime_s = 9});
	}
	nothing_dropped();
	from.b[15] = 99;
	router_says((struct advert){.from = &from, .lifetime_s = 9});
	dropped(DROP_ICMP_TABLE);
	/* A better one takes a place. */
	router_says(
	    (struct advert){.from = &from, .lifetime_s = 9, .flags = 1 << 3});
	nothing_dropped();
	serves(&from);
}

Test(ra, a_prefix_is_on_link_for_its_lifetime)
{
	start();
	drain();
	cr_assert(!stack_has_route(lab.s, &net_host));
	router_says((struct advert){.prefix = &net,
	    .prefix_flags = L,
	    .valid_s = 100,
	    .preferred_s = 50});
	cr_assert(stack_has_route(lab.s, &net_host));
	cr_assert_eq(slaac().n, 0);
	at(ms(100000));
	cr_assert(!stack_has_route(lab.s, &net_host));
}

/* RFC 4862 5.5.3, RFC 7217. */
Test(ra, addresses_are_made_and_age)
{
	struct ipaddr first;
	struct row r;

	start();
	drain();
	router_says((struct advert){.prefix = &net,
	    .prefix_flags = A,
	    .valid_s = 14400,
	    .preferred_s = 7200});
	r = slaac();
	cr_assert_eq(r.n, 1);
	cr_assert(ipaddr_in(&r.a.addr, &net, 64));
	cr_assert_str_eq(r.a.state, "preferred");
	cr_assert(
	    r.a.valid_us == 14400000000 && r.a.preferred_us == 7200000000);
	first = r.a.addr;
	/* No link follows from it (RFC 5942). */
	cr_assert(!stack_has_route(lab.s, &net_host));
	cr_assert(stack_has_route(lab.s, &first));
	at(ms(7200000));
	cr_assert_str_eq(slaac().a.state, "deprecated");
	router_says((struct advert){.prefix = &net,
	    .prefix_flags = A,
	    .valid_s = 14400,
	    .preferred_s = 7200});
	r = slaac();
	cr_assert(r.n == 1 && ipaddr_eq(&r.a.addr, &first));
	cr_assert_str_eq(r.a.state, "preferred");
	at(ms(7200000 + 14400000));
	cr_assert_eq(slaac().n, 0);
	/* The same prefix, the same address. */
	router_says((struct advert){.prefix = &net,
	    .prefix_flags = A,
	    .valid_s = 100,
	    .preferred_s = 100});
	r = slaac();
	cr_assert(ipaddr_eq(&r.a.addr, &first));
}

/* 5.5.3 (e): nobody shortens it below two hours. */
Test(ra, two_hours)
{
	static const struct {
		uint32_t valid_s;
		int64_t left_s;
	} rows[] = {{14400, 14400}, {8000, 8000}, {60, 7200}, {60, 7200},
	    {7199, 7200}, {0, 7200}};
	unsigned i;

	start();
	drain();
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		router_says((struct advert){.prefix = &net,
		    .prefix_flags = A,
		    .valid_s = rows[i].valid_s,
		    .preferred_s = 0});
		cr_assert_eq(slaac().a.valid_us, rows[i].left_s * 1000000,
		    "row %u: %jd", i, (intmax_t)slaac().a.valid_us);
	}
	cr_assert_str_eq(slaac().a.state, "deprecated");
	at(ms(7100000));
	router_says(
	    (struct advert){.prefix = &net, .prefix_flags = A, .valid_s = 60});
	cr_assert_eq(slaac().a.valid_us, 100000000);
}

Test(ra, prefixes_that_make_no_sense)
{
	static const struct ipaddr group = {{0xff, 0x02}};
	struct ipaddr many = net;
	unsigned i;

	start();
	drain();
	router_says((struct advert){.prefix = &group,
	    .prefix_flags = L | A,
	    .valid_s = 9,
	    .preferred_s = 9});
	dropped(DROP_ICMP_MALFORMED);
	router_says((struct advert){.prefix = &net,
	    .prefix_flags = A,
	    .valid_s = 9,
	    .preferred_s = 10});
	dropped(DROP_ICMP_MALFORMED);
	router_says((struct advert){.prefix = &peer_ll,
	    .prefix_flags = L | A,
	    .valid_s = 9,
	    .preferred_s = 9});
	cr_assert_eq(slaac().n, 0);
	nothing_dropped();
	for (i = 0; i < 20; i++) {
		many.b[6] = (uint8_t)i;
		router_says((struct advert){.prefix = &many,
		    .prefix_flags = L | A,
		    .valid_s = 900,
		    .preferred_s = 900});
	}
	cr_assert_eq(slaac().n, 16);
	cr_assert_eq(stack_drops(lab.s)->count[DROP_ICMP_TABLE], 8);
}

Test(ra, an_mtu_between_1280_and_the_links)
{
	static const struct {
		uint32_t mtu, want;
	} rows[] = {{1400, 1400}, {1279, 1400}, {1501, 1400}, {1280, 1280},
	    {1500, 1500}};
	struct ipaddr src = any6;
	struct tcp_path path;
	unsigned i;

	start();
	drain();
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		router_says((struct advert){.lifetime_s = 1800,
		    .mtu = rows[i].mtu,
		    .prefix = &net,
		    .prefix_flags = L | A,
		    .valid_s = 900,
		    .preferred_s = 900});
		cr_assert_eq(
		    fake.cfg.env.path(fake.cfg.env.ctx, &src, &net_host, &path),
		    0);
		cr_assert_eq(path.mtu, rows[i].want, "row %u", i);
		cr_assert(ipaddr_in(&path.src, &net, 64));
	}
}

Test(ra, who_is_not_believed)
{
	struct advert v = {.from = &peer6, .lifetime_s = 1800};

	start();
	drain();
	router_says(v); /* not from a link-local address */
	dropped(DROP_ICMP_MALFORMED);
	serves(NULL);
	stack_free(lab.s);
	lab.cfg.accept_ra = false;
	lab_start();
	memset(lab.seen, 0, sizeof lab.seen);
	drain();
	router_says((struct advert){.lifetime_s = 1800});
	dropped(DROP_ICMP_TYPE);
	serves(NULL);
}

static uint8_t
hops_of_segment(uint8_t ttl)
{
	struct tcp_out *o = tcp_says6(&peer_ll, NULL, 0);

	o->ttl = ttl;
	stack_sends_packet6(peer_mac, &peer_ll, WIRE_PROTO_TCP, 20);
	return lab.sent_hops;
}

/* Of segments whose socket says nothing; nobody is cut off by it. */
Test(ra, hop_limit)
{
	start();
	drain();
	router_says((struct advert){.lifetime_s = 1800});
	drain();
	cr_assert_eq(hops_of_segment(0), 64);
	router_says((struct advert){.lifetime_s = 1800, .hop_limit = 99});
	drain();
	cr_assert_eq(hops_of_segment(0), 99);
	cr_assert_eq(hops_of_segment(9), 9);
	router_says((struct advert){.lifetime_s = 1800, .hop_limit = 2});
	drain();
	cr_assert_eq(hops_of_segment(0), 99);
}

/* The interval between questions is the router's to set. */
Test(ra, retransmission_time)
{
	start();
	drain();
	router_says((struct advert){.lifetime_s = 1800,
	    .retrans_ms = 300,
	    .prefix = &net,
	    .prefix_flags = L | A,
	    .valid_s = 900,
	    .preferred_s = 900});
	at(ms(1001)); /* reports */
	drain();
	tcp_says6(&net_host, NULL, 0)->src = slaac().a.addr;
	stack_sends_ns(NULL, &net_host);
	at(ms(1300));
	silence();
	at(ms(1301));
	stack_sends_ns(NULL, &net_host);
}
