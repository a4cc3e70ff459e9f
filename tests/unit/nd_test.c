/* SPDX-License-Identifier: ISC */
/*
 * IPv6 neighbours, and our own addresses' birth, in virtual time.
 */
#include "stack_lab.h"

TestSuite(nd, .init = lab_init6, .fini = lab_end);
TestSuite(nd_start, .init = lab_defaults6, .fini = lab_end);

#define TO_EX 4
#define TO_IN 3
#define IS_EX 2

struct seen {
	const struct ipaddr *addr;
	struct stack_neigh n;
};

static void
see(void *arg, const struct stack_neigh *n)
{
	struct seen *s = arg;

	if (ipaddr_eq(&n->addr, s->addr))
		s->n = *n;
}

static void
in_state(const struct ipaddr *addr, const char *state)
{
	struct seen s = {.addr = addr, .n.state = "none"};

	stack_foreach_neigh(lab.s, see, &s, lab.now);
	cr_assert_str_eq(s.n.state, state);
}

static void
segment_goes_to(const uint8_t mac[6], const struct ipaddr *dst)
{
	tcp_says6(dst, NULL, 0);
	stack_sends_packet6(mac, dst, WIRE_PROTO_TCP, 20);
}

static void
peer6_is_known(void)
{
	tcp_says6(&peer6, NULL, 0);
	stack_sends_ns(NULL, &peer6);
	cr_assert(ipaddr_eq(&lab.sent_src, &ours6));
	peer_sends_na(peer_mac, &peer6, &ours6, &peer6,
	    NA_SOLICITED | NA_OVERRIDE, peer_mac);
	stack_sends_packet6(peer_mac, &peer6, WIRE_PROTO_TCP, 20);
	silence();
	in_state(&peer6, "REACHABLE");
}

/* ---- others ---- */

Test(nd, resolution_holds_what_waits)
{
	peer6_is_known();
	segment_goes_to(peer_mac, &peer6);
	nothing_dropped();
}

Test(nd, nobody_answers)
{
	tcp_says6(&peer6, NULL, 0);
	stack_sends_ns(NULL, &peer6);
	quiet_until(ms(999));
	at(ms(1000));
	stack_sends_ns(NULL, &peer6);
	at(ms(2000));
	stack_sends_ns(NULL, &peer6);
	at(ms(3000));
	silence();
	in_state(&peer6, "FAILED");
	dropped(DROP_IP_NEIGH_FAILED);
	cr_assert_eq(fake.unreachable, 1);
	cr_assert(ipaddr_eq(&fake.gone[0], &peer6));
}

/* RFC 4861 7.3: in use, unconfirmed, asked where it was, given up. */
Test(nd, unreachability_is_detected)
{
	unsigned i;

	peer6_is_known();
	at(ms(45001));
	in_state(&peer6, "STALE");
	segment_goes_to(peer_mac, &peer6);
	in_state(&peer6, "DELAY");
	for (i = 0; i < 3; i++) {
		at(ms(50001 + i * 1000));
		stack_sends_ns(peer_mac, &peer6);
		in_state(&peer6, "PROBE");
	}
	peer_sends_na(peer_mac, &peer6, &ours6, &peer6, NA_SOLICITED, peer_mac);
	in_state(&peer6, "REACHABLE");
}

Test(nd, progress_above_confirms)
{
	peer6_is_known();
	at(ms(45001));
	tcp_says6(&peer6, NULL, 0)->progress = true;
	stack_sends_packet6(peer_mac, &peer6, WIRE_PROTO_TCP, 20);
	in_state(&peer6, "REACHABLE");
}

/* RFC 4861 7.2.5, row by row, for an entry that is REACHABLE at peer_mac. */
Test(nd, flags_of_advertisements)
{
	static const struct {
		uint32_t flags;
		const uint8_t *lla;
		const char *state;
		const uint8_t *station;
	} rows[] = {
	    {0, other_mac, "STALE", peer_mac},
	    {NA_SOLICITED, other_mac, "STALE", peer_mac},
	    {NA_OVERRIDE, other_mac, "STALE", other_mac},
	    {NA_OVERRIDE | NA_SOLICITED, other_mac, "REACHABLE", other_mac},
	    {NA_SOLICITED, peer_mac, "REACHABLE", peer_mac},
	    {NA_SOLICITED, NULL, "REACHABLE", peer_mac},
	    {0, peer_mac, "REACHABLE", peer_mac},
	    {NA_OVERRIDE, NULL, "REACHABLE", peer_mac},
	};
	struct seen s;
	unsigned i;

	peer6_is_known();
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		peer_sends_na(peer_mac, &peer6, &ours6, &peer6,
		    NA_SOLICITED | NA_OVERRIDE, peer_mac);
		in_state(&peer6, "REACHABLE");
		peer_sends_na(other_mac, &peer6, &ours6, &peer6, rows[i].flags,
		    rows[i].lla);
		s = (struct seen){.addr = &peer6};
		stack_foreach_neigh(lab.s, see, &s, lab.now);
		cr_assert_str_eq(s.n.state, rows[i].state, "row %u", i);
		cr_assert_arr_eq(s.n.mac, rows[i].station, 6, "row %u", i);
	}
	nothing_dropped();
}

Test(nd, advertisements_nobody_asked_for_teach_nothing)
{
	peer_sends_na(
	    peer_mac, &peer6, &all_nodes6, &peer6, NA_OVERRIDE, peer_mac);
	in_state(&peer6, "none");
	silence();
	nothing_dropped();
}

Test(nd, questions_are_answered_and_teach)
{
	struct ipaddr group = solicited_node(&ours6);

	peer_sends_ns(peer_mac, &peer6, &group, &ours6, peer_mac);
	stack_sends_na(peer_mac, &peer6, &ours6, NA_SOLICITED | NA_OVERRIDE);
	in_state(&peer6, "DELAY"); /* it was used for the answer */
	/* A probe of us, without his station. */
	peer_sends_ns(peer_mac, &peer6, &ours6, &ours6, NULL);
	stack_sends_na(peer_mac, &peer6, &ours6, NA_SOLICITED | NA_OVERRIDE);
	/* Somebody asks whether our address is free. */
	peer_sends_ns(other_mac, &any6, &group, &ours6, NULL);
	stack_sends_na(NULL, &all_nodes6, &ours6, NA_OVERRIDE);
	/* Not about us. */
	peer_sends_ns(peer_mac, &peer6, &group, &far6, peer_mac);
	silence();
	nothing_dropped();
	/* From off link: answered by its way, not learnt. */
	peer_sends_ns(peer_mac, &far6, &group, &ours6, other_mac);
	silence();
	in_state(&far6, "none");
	dropped(DROP_IP_NO_ROUTE);
}

/* RFC 4861 7.1: what a message must be like, RFC 6980: in one piece. */
Test(nd, malformed_messages)
{
	struct ipaddr group = solicited_node(&ours6), mapped = ipaddr_v4(PEER);
	uint8_t frame[200], data[24], frag[8 + 24 + 8] = {WIRE_PROTO_ICMP6};
	struct wire_icmp m = {
	    .type = WIRE_ICMP6_NS, .data = data, .len = sizeof data};
	size_t n;

	memcpy(data, ours6.b, 16);
	wire_nd_lla_emit(WIRE_ND_SOURCE_LLA, peer_mac, data + 16);
	peer_sends_icmp6(peer_mac, &peer6, &ours6, WIRE_ICMP6_NS, 0, data, 15);
	dropped(DROP_ICMP_MALFORMED);
	peer_sends_icmp6(peer_mac, &peer6, &ours6, WIRE_ICMP6_NS, 0, data, 20);
	dropped(DROP_ICMP_MALFORMED);
	peer_sends_ns(peer_mac, &peer6, &ours6, &group, peer_mac);
	dropped(DROP_ICMP_MALFORMED);
	peer_sends_ns(peer_mac, &peer6, &ours6, &mapped, peer_mac);
	dropped(DROP_ICMP_MALFORMED);
	peer_sends_ns(peer_mac, &any6, &group, &ours6, peer_mac);
	dropped(DROP_ICMP_MALFORMED);
	peer_sends_ns(peer_mac, &any6, &ours6, &ours6, NULL);
	dropped(DROP_ICMP_MALFORMED);
	peer_sends_na(
	    peer_mac, &peer6, &all_nodes6, &peer6, NA_SOLICITED, peer_mac);
	dropped(DROP_ICMP_MALFORMED);
	/* A hop limit of 254 comes from elsewhere. */
	wire_icmp6_emit(&m, &peer6, &ours6, frag + 8);
	memcpy(frag + 16, data, 24);
	n = make_packet6(
	    frame, &peer6, &ours6, WIRE_PROTO_ICMP6, 254, frag + 8, 32);
	peer_sends(frame, n);
	dropped(DROP_ICMP_MALFORMED);
	silence();
}

Test(nd, a_flood_is_bounded_and_leaves_who_is_known)
{
	struct ipaddr a = peer6, group = solicited_node(&ours6);
	struct stack_stats st;
	unsigned i;

	peer6_is_known();
	for (i = 0; i < 10000; i++) {
		put32(a.b + 8, i);
		peer_sends_ns(other_mac, &a, &group, &ours6, other_mac);
		while (stack_output(lab.s, &lab.f, lab.now))
			;
	}
	stack_stats(lab.s, &st);
	cr_assert_eq(st.neighbours, 4096);
	in_state(&peer6, "REACHABLE");
}

Test(nd, the_neighbour_behind_a_route)
{
	struct stack_route r[] = {{any6, peer_ll, 0}};

	cr_assert(stack_set_routes(lab.s, r, 1));
	cr_assert(stack_has_route(lab.s, &far6));
	tcp_says6(&far6, NULL, 0);
	stack_sends_ns(NULL, &peer_ll);
	cr_assert(ipaddr_eq(&lab.sent_src, &lab.ll));
	peer_sends_na(peer_mac, &peer_ll, &lab.ll, &peer_ll,
	    NA_ROUTER | NA_SOLICITED | NA_OVERRIDE, peer_mac);
	stack_sends_packet6(peer_mac, &far6, WIRE_PROTO_TCP, 20);
}

/* ---- ourselves ---- */

static void state_is(const struct ipaddr *addr, const char *state);

struct row {
	const struct ipaddr *addr;
	const char *state, *origin;
};

static void
find_row(void *arg, const struct stack_addr_row *a)
{
	struct row *r = arg;

	if (ipaddr_eq(&a->addr, r->addr)) {
		r->state = a->state;
		r->origin = a->origin;
	}
}

static void
state_is(const struct ipaddr *addr, const char *state)
{
	struct row r = {.addr = addr, .state = "none"};

	stack_foreach_addr(lab.s, find_row, &r, lab.now);
	cr_assert_str_eq(r.state, state);
}

static void
any_link_local(void *arg, const struct stack_addr_row *a)
{
	if (!ipaddr_is_v4(&a->addr) && ipaddr_is_link_local(&a->addr))
		lab.ll = a->addr;
}

/* Starts with DAD and takes ARP's and MLD's first words away. */
static void
start_with_dad(void)
{
	struct ipaddr g;

	lab.cfg.dad_probes = 1;
	lab.cfg.naddrs = 2;
	lab_start();
	stack_foreach_addr(lab.s, any_link_local, NULL, lab.now);
	g = solicited_node(&lab.ll);
	stack_sends_report(TO_EX, &g);
	cr_assert(ipaddr_is_any(&lab.sent_src)); /* RFC 3590 */
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, OURS, OURS);
	g = solicited_node(&ours6);
	stack_sends_report(TO_EX, &g);
	silence();
}

/* Goes on to the first question about target; other frames pass. */
static void
until_asked(const struct ipaddr *target)
{
	struct ipaddr group = solicited_node(target);
	unsigned i;

	for (i = 0; i < 20; i++) {
		lab.now = mono_max(lab.now, stack_deadline(lab.s));
		stack_expire(lab.s, lab.now);
		while (stack_output(lab.s, &lab.f, lab.now)) {
			const uint8_t *p = lab.f.spans[0].base;

			if (get16(p + 12) == WIRE_ETHER_IPV6 &&
			    memcmp(p + 14 + 24, group.b, 16) == 0 &&
			    p[54] == WIRE_ICMP6_NS) {
				memcpy(lab.sent, p, lab.f.len);
				lab.sent_len = lab.f.len;
				return;
			}
		}
	}
	cr_assert(false, "no question about that address");
}

Test(nd_start, an_address_is_asked_for_before_it_is_used)
{
	struct tcp_path path;
	struct ipaddr src = any6;
	uint32_t changes;
	int64_t asked;

	start_with_dad();
	state_is(&ours6, "tentative");
	cr_assert(!stack_addrs_settled(lab.s));
	cr_assert_eq(fake.cfg.env.path(fake.cfg.env.ctx, &src, &peer6, &path),
	    -99 /* EADDRNOTAVAIL */);
	until_asked(&ours6);
	cr_assert_leq(lab.now.us, 1001000000);
	asked = lab.now.us;
	changes = stack_changes(lab.s);
	lab.now.us = asked + 999999;
	stack_expire(lab.s, lab.now);
	state_is(&ours6, "tentative");
	lab.now.us = asked + 1000000;
	stack_expire(lab.s, lab.now);
	state_is(&ours6, "preferred");
	cr_assert_neq(stack_changes(lab.s), changes);
	cr_assert_eq(
	    fake.cfg.env.path(fake.cfg.env.ctx, &src, &peer6, &path), 0);
	cr_assert(ipaddr_eq(&path.src, &ours6));
	cr_assert(path.mtu == 1500 && path.rcv_mtu == 1500);
	/* Both are settled a second later. */
	lab.now.us = asked + 2000000;
	while (!mono_before(lab.now, stack_deadline(lab.s)))
		stack_expire(lab.s, lab.now);
	cr_assert(stack_addrs_settled(lab.s));
	nothing_dropped();
}

Test(nd_start, somebody_has_it)
{
	start_with_dad();
	until_asked(&ours6);
	peer_sends_na(
	    other_mac, &ours6, &all_nodes6, &ours6, NA_OVERRIDE, other_mac);
	dropped(DROP_ICMP_DUPLICATE);
	state_is(&ours6, "duplicate");
	at(ms(10000));
	state_is(&ours6, "duplicate");
	/* It is not answered for. */
	while (stack_output(lab.s, &lab.f, lab.now))
		;
	peer_sends_ns(other_mac, &peer6, &ours6, &ours6, other_mac);
	dropped(DROP_IP_DST);
	silence();
}

Test(nd_start, somebody_asks_for_it_at_the_same_time)
{
	struct ipaddr group = solicited_node(&ours6);

	start_with_dad();
	peer_sends_ns(other_mac, &any6, &group, &ours6, NULL);
	state_is(&ours6, "duplicate");
	dropped(DROP_ICMP_DUPLICATE);
}

/* RFC 7527: the nonce tells our own question from another's. */
Test(nd_start, our_own_question_comes_back)
{
	start_with_dad();
	until_asked(&ours6);
	peer_sends(lab.sent, lab.sent_len);
	state_is(&ours6, "tentative");
	lab.sent[14 + 40 + 8 + 16 + 2] ^= 1; /* another nonce */
	lab.sent[14 + 40 + 2] = lab.sent[14 + 40 + 3] = 0;
	{
		struct wire_icmp m = {.type = WIRE_ICMP6_NS,
		    .data = lab.sent + 62,
		    .len = lab.sent_len - 62};
		struct ipaddr group = solicited_node(&ours6);

		wire_icmp6_emit(&m, &any6, &group, lab.sent + 54);
	}
	peer_sends(lab.sent, lab.sent_len);
	state_is(&ours6, "duplicate");
	dropped(DROP_ICMP_DUPLICATE);
}

/* RFC 7217 6: another identifier, three times, and no more. */
Test(nd_start, our_own_identifier_is_taken)
{
	struct ipaddr seen[4];
	unsigned i, j;

	start_with_dad();
	for (i = 0; i < 4; i++) {
		stack_foreach_addr(lab.s, any_link_local, NULL, lab.now);
		seen[i] = lab.ll;
		for (j = 0; j < i; j++)
			cr_assert(!ipaddr_eq(&seen[i], &seen[j]));
		until_asked(&lab.ll);
		peer_sends_na(other_mac, &lab.ll, &all_nodes6, &lab.ll,
		    NA_OVERRIDE, other_mac);
		dropped(DROP_ICMP_DUPLICATE);
		state_is(&seen[i], i < 3 ? "none" : "duplicate");
	}
}

Test(nd, an_address_of_ours_is_claimed_later)
{
	peer_sends_na(
	    other_mac, &ours6, &all_nodes6, &ours6, NA_OVERRIDE, other_mac);
	dropped(DROP_IP_SOURCE);
	peer_sends_na(
	    other_mac, &other_ll, &all_nodes6, &ours6, NA_OVERRIDE, other_mac);
	dropped(DROP_ICMP_DUPLICATE);
	state_is(&ours6, "preferred");
	silence();
}

/* ---- multicast listeners ---- */

Test(nd_start, groups_are_told_twice)
{
	struct ipaddr g;
	const uint8_t *p;

	lab_start();
	stack_foreach_addr(lab.s, any_link_local, NULL, lab.now);
	g = solicited_node(&lab.ll);
	stack_sends_report(TO_EX, &g);
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, OURS, OURS);
	g = solicited_node(&ours6);
	stack_sends_report(TO_EX, &g);
	cr_assert(ipaddr_eq(&lab.sent_src, &lab.ll));
	silence();
	at(ms(1001));
	p = stack_sends_packet6(NULL, &all_mld6, WIRE_PROTO_HOPOPTS, 56);
	cr_assert_eq(get16(p + 14), 2);
	silence();
}

static void
peer_queries(const struct ipaddr *group, uint32_t rest, size_t len)
{
	uint8_t frame[120], msg[28] = {0};
	struct wire_icmp m = {
	    .type = WIRE_ICMP6_MLD_QUERY, .rest = rest, .len = len};

	memcpy(msg + 8, group->b, 16);
	m.data = msg + 8;
	wire_icmp6_emit(&m, &peer_ll, &all_nodes6, msg);
	peer_sends(frame, make_packet6(frame, &peer_ll, &all_nodes6,
			      WIRE_PROTO_ICMP6, 1, msg, 8 + len));
}

Test(nd, a_querier_is_answered_in_his_time)
{
	struct ipaddr g = solicited_node(&ours6), not_ours = all_mld6;
	const uint8_t *p;
	int i;

	peer_queries(&any6, 10000 << 16, 20);
	silence();
	at(ms(10000));
	p = stack_sends_packet6(NULL, &all_mld6, WIRE_PROTO_HOPOPTS, 56);
	cr_assert(get16(p + 14) == 2 && p[16] == IS_EX);
	silence();
	peer_queries(&not_ours, 1000 << 16, 20);
	at(ms(20000));
	silence();
	/* A querier of version 1 gets a report for each group. */
	peer_queries(&g, 1000 << 16, 16);
	at(ms(21000));
	for (i = 0; i < 2; i++) {
		stack_sends();
		cr_assert_eq(lab.sent[14 + 40 + 8], WIRE_ICMP6_MLD_REPORT);
	}
	silence();
	nothing_dropped();
	peer_queries(&any6, 0, 17);
	dropped(DROP_ICMP_MALFORMED);
}

Test(nd, an_address_that_goes_leaves_its_group)
{
	struct ipaddr g = solicited_node(&ours6);

	cr_assert(stack_set_addrs(lab.s, lab.addrs, 1, lab.now));
	stack_sends_report(TO_IN, &g);
	silence();
	peer_sends_ns(peer_mac, &peer6, &g, &ours6, peer_mac);
	dropped(DROP_IP_GROUP);
}
