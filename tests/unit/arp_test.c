/* SPDX-License-Identifier: ISC */
/*
 * A neighbour's life in virtual time, and our own address's.
 */
#include "stack_lab.h"

TestSuite(arp, .init = lab_init, .fini = lab_end);
TestSuite(arp_start, .init = lab_defaults, .fini = lab_end);

#define REQ WIRE_ARP_REQUEST
#define REP WIRE_ARP_REPLY

struct seen {
	uint32_t addr;
	struct stack_neigh n;
	unsigned count;
};

static void
see(void *arg, const struct stack_neigh *n)
{
	struct seen *s = arg;

	if (ipaddr_to_v4(&n->addr) == s->addr) {
		s->n = *n;
		s->count++;
	}
}

static void
in_state(uint32_t addr, const char *state)
{
	struct seen s = {.addr = addr, .n.state = "none"};

	stack_foreach_neigh(lab.s, see, &s, lab.now);
	cr_assert_leq(s.count, 1);
	cr_assert_str_eq(s.n.state, state);
}

static void
segment_goes_to(const uint8_t mac[6], uint32_t dst)
{
	tcp_says(dst, NULL, 0);
	stack_sends_packet(mac, dst, WIRE_PROTO_TCP, 20);
}

/* ---- ours ---- */

Test(arp_start, the_address_is_announced_twice)
{
	lab_start();
	stack_sends_arp(all_macs, REQ, OURS, OURS);
	quiet_until(ms(1999));
	at(ms(2000));
	stack_sends_arp(all_macs, REQ, OURS, OURS);
	silence();
	cr_assert(mono_is_never(stack_deadline(lab.s)));
}

/* ---- RFC 5227 ---- */

static const char *ours_state;

static void
see_ours(void *arg, const struct stack_addr_row *a)
{
	if (ipaddr_is_v4(&a->addr) && ipaddr_to_v4(&a->addr) == OURS)
		ours_state = a->state;
}

static void
ours_is(const char *state)
{
	stack_foreach_addr(lab.s, see_ours, NULL, lab.now);
	cr_assert_str_eq(ours_state, state);
}

/* To the next thing that ARP does; the time that it took. */
static int64_t
next_act(void)
{
	int64_t us = stack_deadline(lab.s).us - lab.now.us;

	lab.now = stack_deadline(lab.s);
	stack_expire(lab.s, lab.now);
	return us;
}

Test(arp_start, an_address_is_probed_for)
{
	int64_t us;
	int i;

	lab.cfg.conflict_detection = true;
	lab_start();
	silence();
	ours_is("tentative");
	cr_assert(!stack_addrs_settled(lab.s));
	cr_assert_lt(next_act(), 1000000);
	for (i = 0; i < 3; i++) {
		stack_sends_arp(all_macs, REQ, 0, OURS);
		silence();
		/* It is not answered for yet. */
		peer_sends_arp(all_macs, REQ, peer_mac, PEER, OURS);
		silence();
		us = next_act();
		if (i < 2)
			cr_assert(us >= 1000000 && us < 2000000);
		else
			cr_assert_eq(us, 2000000);
	}
	ours_is("preferred");
	cr_assert(stack_addrs_settled(lab.s));
	stack_sends_arp(all_macs, REQ, OURS, OURS);
	cr_assert_eq(next_act(), 2000000);
	stack_sends_arp(all_macs, REQ, OURS, OURS);
	cr_assert(mono_is_never(stack_deadline(lab.s)));
	nothing_dropped();
}

Test(arp_start, a_conflict_while_probing)
{
	static const struct {
		uint16_t op;
		uint32_t spa, tpa;
		const char *state;
	} rows[] = {{REQ, OURS, OURS, "duplicate"}, {REP, OURS, 0, "duplicate"},
	    {REQ, 0, OURS, "duplicate"}, {REQ, PEER, OURS, "tentative"},
	    {REP, 0, OURS, "tentative"}};
	unsigned i;

	lab.cfg.conflict_detection = true;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		lab_start();
		next_act();
		stack_sends_arp(all_macs, REQ, 0, OURS);
		peer_sends_arp(
		    all_macs, rows[i].op, other_mac, rows[i].spa, rows[i].tpa);
		ours_is(rows[i].state);
		cr_assert_eq(mono_is_never(stack_deadline(lab.s)),
		    strcmp(rows[i].state, "duplicate") == 0);
		silence();
		if (i + 1 < sizeof rows / sizeof rows[0])
			stack_free(lab.s);
	}
}

/* 2.4 (b): defended once, then given up. */
Test(arp_start, an_insistent_conflict)
{
	uint32_t changes;

	lab.cfg.conflict_detection = true;
	lab_start();
	while (!mono_is_never(stack_deadline(lab.s)))
		next_act();
	while (stack_output(lab.s, &lab.f, lab.now))
		;
	changes = stack_changes(lab.s);
	peer_sends_arp(all_macs, REQ, other_mac, OURS, OURS);
	stack_sends_arp(all_macs, REQ, OURS, OURS);
	dropped(DROP_ARP_CONFLICT);
	lab.now.us += 10000000;
	peer_sends_arp(all_macs, REQ, other_mac, OURS, OURS);
	stack_sends_arp(all_macs, REQ, OURS, OURS);
	dropped(DROP_ARP_CONFLICT);
	ours_is("preferred");
	cr_assert_eq(stack_changes(lab.s), changes);
	lab.now.us += 9999999;
	peer_sends_arp(all_macs, REQ, other_mac, OURS, OURS);
	silence();
	dropped(DROP_ARP_CONFLICT);
	ours_is("duplicate");
	cr_assert_neq(stack_changes(lab.s), changes);
}

Test(arp, requests_are_answered)
{
	peer_sends_arp(all_macs, REQ, peer_mac, PEER, OURS);
	stack_sends_arp(peer_mac, REP, OURS, PEER);
	silence();
	in_state(PEER, "STALE");
	/* A probe (RFC 5227 1.1) has no sender address. */
	peer_sends_arp(all_macs, REQ, other_mac, 0, OURS);
	stack_sends_arp(other_mac, REP, OURS, 0);
	/* Somebody from elsewhere is answered, but not remembered. */
	peer_sends_arp(all_macs, REQ, other_mac, FAR, OURS);
	stack_sends_arp(other_mac, REP, OURS, FAR);
	in_state(FAR, "none");
	/* A question for another is none of our business. */
	peer_sends_arp(all_macs, REQ, other_mac, OTHER, PEER);
	silence();
	in_state(OTHER, "none");
	nothing_dropped();
}

Test(arp, our_address_is_defended_once_in_ten_seconds)
{
	peer_sends_arp(all_macs, REQ, other_mac, OURS, OURS);
	stack_sends_arp(all_macs, REQ, OURS, OURS);
	dropped(DROP_ARP_CONFLICT);
	at(ms(9999));
	peer_sends_arp(our_mac, REP, other_mac, OURS, PEER);
	silence();
	dropped(DROP_ARP_CONFLICT);
	at(ms(10000));
	peer_sends_arp(our_mac, REP, other_mac, OURS, PEER);
	stack_sends_arp(all_macs, REQ, OURS, OURS);
	dropped(DROP_ARP_CONFLICT);
	silence();
	/* Our own frame, come back, claims nothing. */
	peer_sends_arp(all_macs, REQ, our_mac, OURS, OURS);
	silence();
	nothing_dropped();
}

Test(arp, malformed_packets_are_counted)
{
	static const struct {
		unsigned off;
		uint8_t value;
	} rows[] = {
	    {14, 1},	/* hardware type 0x101 */
	    {16, 0x86}, /* protocol */
	    {18, 8},	/* length of hardware addresses */
	    {19, 16},	/* length of protocol addresses */
	    {21, 3},	/* operation */
	    {22, 1},	/* a group as the sender */
	};
	struct wire_ether eth = {.type = WIRE_ETHER_ARP};
	struct wire_arp a = {.op = REQ, .spa = PEER, .tpa = OURS};
	uint8_t good[42], bad[42];
	unsigned i;

	memcpy(eth.dst, our_mac, 6);
	memcpy(a.sha, peer_mac, 6);
	wire_ether_emit(&eth, good);
	wire_arp_emit(&a, good + 14);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memcpy(bad, good, sizeof bad);
		bad[rows[i].off] = rows[i].value;
		peer_sends(bad, sizeof bad);
		dropped(DROP_ARP_MALFORMED);
	}
	memcpy(bad, good, sizeof bad);
	memset(bad + 22, 0, 6); /* a sender without an address */
	peer_sends(bad, sizeof bad);
	dropped(DROP_ARP_MALFORMED);
	peer_sends(good, sizeof good - 1);
	dropped(DROP_ARP_MALFORMED);
	silence();
	peer_sends(good, sizeof good);
	nothing_dropped();
}

/* ---- theirs ---- */

Test(arp, frames_wait_for_the_answer_in_order)
{
	static const char text[] = "0123456789";
	unsigned i;

	for (i = 1; i < 4; i++)
		tcp_says(PEER, text, i);
	stack_sends_arp(all_macs, REQ, OURS, PEER);
	silence();
	in_state(PEER, "INCOMPLETE");
	peer_sends_arp(our_mac, REP, peer_mac, PEER, OURS);
	in_state(PEER, "REACHABLE");
	for (i = 1; i < 4; i++) {
		const uint8_t *p =
		    stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 20 + i);

		cr_assert_arr_eq(p + 20, text, i);
		/* What the device must know has waited with it. */
		cr_assert(lab.f.off.needs_csum);
		cr_assert_eq(lab.f.off.csum_start, 34);
		cr_assert_eq(lab.f.off.csum_offset, 16);
	}
	silence();
	cr_assert(mono_is_never(stack_deadline(lab.s)));
	nothing_dropped();
}

Test(arp, no_answer_to_three_questions_is_a_failure)
{
	tcp_says(PEER, NULL, 0);
	tcp_says(PEER, NULL, 0);
	stack_sends_arp(all_macs, REQ, OURS, PEER);
	quiet_until(ms(999));
	at(ms(1000));
	stack_sends_arp(all_macs, REQ, OURS, PEER);
	quiet_until(ms(1999));
	at(ms(2000));
	stack_sends_arp(all_macs, REQ, OURS, PEER);
	quiet_until(ms(2999));
	cr_assert_eq(fake.unreachable, 0);
	at(ms(3000));
	silence();
	cr_assert_eq(stack_drops(lab.s)->count[DROP_IP_NEIGH_FAILED], 2);
	cr_assert_eq(fake.unreachable, 1);
	cr_assert_eq(ipaddr_to_v4(&fake.gone[0]), PEER);
	in_state(PEER, "FAILED");
	cr_assert(mono_is_never(stack_deadline(lab.s)));
	/* The next segment asks anew. */
	tcp_says(PEER, NULL, 0);
	stack_sends_arp(all_macs, REQ, OURS, PEER);
	in_state(PEER, "INCOMPLETE");
}

Test(arp, a_dead_gateway_is_told_to_those_behind_it)
{
	tcp_says(FAR, NULL, 0);
	tcp_says(FAR, NULL, 0);
	tcp_says(FAR + 1, NULL, 0);
	stack_sends_arp(all_macs, REQ, OURS, GATEWAY);
	silence();
	at(ms(1000));
	at(ms(2000));
	at(ms(3000));
	cr_assert_eq(fake.unreachable, 3);
	cr_assert_eq(ipaddr_to_v4(&fake.gone[0]), GATEWAY);
	cr_assert_eq(ipaddr_to_v4(&fake.gone[1]), FAR);
	cr_assert_eq(ipaddr_to_v4(&fake.gone[2]), FAR + 1);
}

Test(arp, a_late_answer_after_failure_is_stale)
{
	tcp_says(PEER, NULL, 0);
	stack_sends_arp(all_macs, REQ, OURS, PEER);
	at(ms(1000));
	at(ms(2000));
	at(ms(3000));
	in_state(PEER, "FAILED");
	peer_sends_arp(our_mac, REP, peer_mac, PEER, OURS);
	in_state(PEER, "STALE");
}

/* REACHABLE for 15 to 45 s; then use, 5 s, three questions to the station. */
Test(arp, an_unconfirmed_neighbour_is_asked_and_given_up)
{
	int64_t t = ms(45001);

	peer_is_known();
	quiet_until(ms(14999));
	in_state(PEER, "REACHABLE");
	quiet_until(t);
	in_state(PEER, "STALE");
	segment_goes_to(peer_mac, PEER);
	in_state(PEER, "DELAY");
	quiet_until(t + ms(4999));
	segment_goes_to(peer_mac, PEER);
	at(t + ms(5000));
	in_state(PEER, "PROBE");
	stack_sends_arp(peer_mac, REQ, OURS, PEER);
	segment_goes_to(peer_mac, PEER);
	at(t + ms(6000));
	stack_sends_arp(peer_mac, REQ, OURS, PEER);
	at(t + ms(7000));
	stack_sends_arp(peer_mac, REQ, OURS, PEER);
	cr_assert_eq(fake.unreachable, 0);
	at(t + ms(8000));
	silence();
	in_state(PEER, "FAILED");
	cr_assert_eq(fake.unreachable, 1);
	nothing_dropped();
}

Test(arp, an_answer_to_the_probe_confirms)
{
	peer_is_known();
	quiet_until(ms(45001));
	segment_goes_to(peer_mac, PEER);
	at(ms(50001));
	stack_sends_arp(peer_mac, REQ, OURS, PEER);
	peer_sends_arp(our_mac, REP, peer_mac, PEER, OURS);
	in_state(PEER, "REACHABLE");
	cr_assert(mono_is_never(stack_deadline(lab.s)));
}

Test(arp, progress_above_confirms)
{
	peer_is_known();
	quiet_until(ms(45001));
	segment_goes_to(peer_mac, PEER);
	in_state(PEER, "DELAY");
	tcp_says(PEER, NULL, 0)->progress = true;
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 20);
	in_state(PEER, "REACHABLE");
	cr_assert(mono_is_never(stack_deadline(lab.s)));
	/* And keeps it so. */
	quiet_until(ms(45001 + 14000));
	tcp_says(PEER, NULL, 0)->progress = true;
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 20);
	quiet_until(ms(45001 + 28000));
	in_state(PEER, "REACHABLE");
}

/* RFC 9293 3.8.3: TCP resent and heard nothing; the neighbour is asked at once
 * and not when his time is up. */
Test(arp, silence_above_asks, .description = "MUST-20")
{
	peer_is_known();
	in_state(PEER, "REACHABLE");
	tcp_says(PEER, NULL, 0)->in_doubt = true;
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 20);
	in_state(PEER, "PROBE");
	stack_sends_arp(peer_mac, REQ, OURS, PEER);
	/* Once is enough. */
	tcp_says(PEER, NULL, 0)->in_doubt = true;
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 20);
	silence();
	peer_sends_arp(our_mac, REP, peer_mac, PEER, OURS);
	in_state(PEER, "REACHABLE");
}

Test(arp, an_address_moves_but_not_at_once)
{
	peer_is_known();
	/* Somebody says so in the first second: not believed. */
	peer_sends_arp(our_mac, REP, other_mac, PEER, OURS);
	segment_goes_to(peer_mac, PEER);
	at(ms(1000));
	/* Later it is, but must prove itself. */
	peer_sends_arp(all_macs, REQ, other_mac, PEER, PEER);
	in_state(PEER, "STALE");
	segment_goes_to(other_mac, PEER);
	in_state(PEER, "DELAY");
	at(ms(6000));
	stack_sends_arp(other_mac, REQ, OURS, PEER);
	/* What is overheard confirms nothing. */
	peer_sends_arp(all_macs, REP, other_mac, PEER, PEER);
	in_state(PEER, "PROBE");
	peer_sends_arp(our_mac, REP, other_mac, PEER, OURS);
	in_state(PEER, "REACHABLE");
}

Test(arp, an_answer_nobody_asked_for_is_ignored)
{
	peer_sends_arp(our_mac, REP, peer_mac, PEER, OURS);
	in_state(PEER, "none");
	peer_is_known();
	quiet_until(ms(45001));
	peer_sends_arp(our_mac, REP, peer_mac, PEER, OURS);
	in_state(PEER, "STALE");
}

Test(arp, a_question_for_us_answers_our_own)
{
	tcp_says(PEER, NULL, 0);
	stack_sends_arp(all_macs, REQ, OURS, PEER);
	peer_sends_arp(all_macs, REQ, peer_mac, PEER, OURS);
	stack_sends_arp(peer_mac, REP, OURS, PEER);
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 20);
	in_state(PEER, "STALE");
}

/* ---- bounds ---- */

Test(arp, the_queue_of_a_neighbour_is_bounded)
{
	static uint8_t big[60000];
	unsigned i;

	for (i = 0; i < 5; i++) {
		tcp_says(PEER, big, sizeof big)->gso_size = 1460;
		if (i == 0)
			stack_sends_arp(all_macs, REQ, OURS, PEER);
		silence();
		if (i < 3)
			nothing_dropped();
		else
			dropped(DROP_IP_NEIGH_QUEUE);
	}
	peer_sends_arp(our_mac, REP, peer_mac, PEER, OURS);
	for (i = 0; i < 3; i++) {
		stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 60020);
		cr_assert_eq(lab.f.off.gso, GSO_TCP4);
		cr_assert_eq(lab.f.off.gso_size, 1460);
	}
	silence();
}

Test(arp, all_queues_together_are_bounded)
{
	unsigned i, n = 0;

	/* An eighth of the 8 MiB pool: some 500 small frames. */
	for (i = 0; i < 2000; i++) {
		tcp_says(FAR, NULL, 0)->dst = ipaddr_v4(OTHER + i % 200);
		while (stack_output(lab.s, &lab.f, lab.now))
			n++;
	}
	cr_assert_eq(n, 200);
	cr_assert_gt(stack_drops(lab.s)->count[DROP_IP_NEIGH_QUEUE], 1400);
	cr_assert_lt(bufpool_used(stack_bufs(lab.s)), 8 << 20 >> 2);
	for (i = 1; i <= 3; i++) {
		at(ms(1000) * i);
		while (stack_output(lab.s, &lab.f, lab.now))
			;
	}
	cr_assert_eq(stack_drops(lab.s)->count[DROP_IP_NEIGH_QUEUE] +
			 stack_drops(lab.s)->count[DROP_IP_NEIGH_FAILED],
	    2000);
	cr_assert_eq(bufpool_used(stack_bufs(lab.s)), 0);
}

Test(arp_start, a_scan_does_not_push_out_who_is_known)
{
	struct stack_stats st;
	uint32_t i;

	lab.addrs[0].plen = 96 + 16;
	lab_start();
	stack_sends_arp(all_macs, REQ, OURS, OURS);
	peer_is_known();
	for (i = 0; i < 6000; i++) {
		tcp_says(0xc0001000 + i, NULL, 0);
		stack_sends_arp(all_macs, REQ, OURS, 0xc0001000 + i);
		silence();
	}
	stack_stats(lab.s, &st);
	cr_assert_eq(st.neighbours, 4096);
	in_state(PEER, "REACHABLE");
	in_state(0xc0001000, "none");
	in_state(0xc0001000 + 5999, "INCOMPLETE");
	segment_goes_to(peer_mac, PEER);
}

Test(arp, without_buffers_nothing_is_asked_and_that_is_counted)
{
	struct buf *taken[4096];
	unsigned n = 0, i;

	while ((taken[n] = buf_alloc(stack_bufs(lab.s), 1)) != NULL)
		n++;
	tcp_says(PEER, NULL, 0);
	silence();
	/* The question and the frame. */
	cr_assert_eq(stack_drops(lab.s)->count[DROP_IP_NO_MEMORY], 2);
	for (i = 0; i < n; i++)
		buf_unref(taken[i]);
	/* It is asked again. */
	at(ms(1000));
	stack_sends_arp(all_macs, REQ, OURS, PEER);
}
