/* SPDX-License-Identifier: ISC */
/*
 * What TCP says becomes frames; what is for ourselves comes back; the seams
 * towards TCP and the owner.
 */
#include <errno.h>
#include "stack_lab.h"

TestSuite(stack, .init = lab_init, .fini = lab_end);
TestSuite(stack_start, .init = lab_defaults, .fini = lab_end);

static uint8_t data[65000];

static void
fill(void)
{
	size_t i;

	for (i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
}

/* The sum over pseudo header and segment: 0 when the checksum is right. */
static uint16_t
tcp_sum(void)
{
	struct wire_csum c = WIRE_CSUM_INIT;
	uint32_t len = (uint32_t)lab.sent_len - 34;

	wire_csum_pseudo4(&c, get32(lab.sent + 26), get32(lab.sent + 30),
	    WIRE_PROTO_TCP, len);
	wire_csum_add(&c, lab.sent + 34, len);
	return wire_csum_final(&c);
}

static uint16_t
pseudo_sum(uint32_t dst, uint32_t len)
{
	struct wire_csum c = WIRE_CSUM_INIT;

	wire_csum_pseudo4(&c, OURS, dst, WIRE_PROTO_TCP, len);
	return wire_csum_partial(&c);
}

Test(stack, payload_is_referenced_not_copied,
    .description = "MUST-49 SHLD-22 MAY-4")
{
	struct tcp_out *o;

	peer_is_known();
	o = tcp_says(PEER, data, 100);
	o->nspans = 3;
	o->spans[0] = (struct span){data, 10};
	o->spans[1] = (struct span){data + 500, 89};
	o->spans[2] = (struct span){data + 10, 1};
	o->tos = 0x12;
	o->ttl = 33;
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 120);
	cr_assert_eq(lab.f.nspans, 4);
	cr_assert_eq(lab.f.spans[0].base, (void *)lab.f.hdr);
	cr_assert_eq(lab.f.spans[0].len, 54);
	cr_assert_eq(lab.f.spans[2].base, (void *)(data + 500));
	cr_assert_eq(lab.sent[15], 0x12);
	cr_assert_eq(lab.sent[22], 33);
	cr_assert_eq(get16(lab.sent + 18), 0); /* RFC 6864 4.1 */
}

Test(stack, the_device_fills_in_the_checksum, .description = "MUST-2")
{
	peer_is_known();
	tcp_says(PEER, data, 1001);
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 1021);
	cr_assert(lab.f.off.needs_csum);
	cr_assert_eq(lab.f.off.csum_start, 34);
	cr_assert_eq(lab.f.off.csum_offset, 16);
	cr_assert_eq(lab.f.off.gso, GSO_NONE);
	cr_assert_eq(get16(lab.sent + 50), pseudo_sum(PEER, 1021));
}

Test(stack_start, without_the_device_it_is_computed, .description = "MUST-2")
{
	struct tcp_path path;
	struct ipaddr any = ipaddr_v4(0), peer = ipaddr_v4(PEER);
	struct tcp_out *o;
	unsigned i;

	fill();
	lab.cfg.tx_csum = false; /* and so no segmentation either */
	lab_start();
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, OURS, OURS);
	cr_assert_eq(
	    fake.cfg.env.path(fake.cfg.env.ctx, &any, &peer, &path), 0);
	cr_assert_eq(path.tso_max, 0);
	/* Twice: the first frame waits, and has it then too. */
	for (i = 0; i < 2; i++) {
		o = tcp_says(PEER, data, 1000);
		o->nspans = 3; /* odd pieces */
		o->spans[0] = (struct span){data, 333};
		o->spans[1] = (struct span){data + 1000, 1};
		o->spans[2] = (struct span){data + 3, 666};
		if (i == 0) {
			stack_sends();
			peer_sends_arp(
			    our_mac, WIRE_ARP_REPLY, peer_mac, PEER, OURS);
		}
		stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 1020);
		cr_assert(!lab.f.off.needs_csum);
		cr_assert_eq(tcp_sum(), 0);
		cr_assert_neq(get16(lab.sent + 50), 0);
	}
}

Test(stack, big_frames_carry_what_segmentation_needs)
{
	uint16_t first;
	struct tcp_out *o;

	peer_is_known();
	o = tcp_says(PEER, data, sizeof data);
	o->gso_size = 1448;
	o->hdr_len = 32;
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 65032);
	cr_assert(lab.f.off.needs_csum);
	cr_assert_eq(lab.f.off.gso, GSO_TCP4);
	cr_assert_eq(lab.f.off.gso_size, 1448);
	cr_assert_eq(lab.f.off.hdr_len, 14 + 20 + 32);
	cr_assert_eq(get16(lab.sent + 50), pseudo_sum(PEER, 65032));
	first = get16(lab.sent + 18);
	o = tcp_says(PEER, data, sizeof data);
	o->gso_size = 1448;
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 65020);
	cr_assert_neq(first, get16(lab.sent + 18));
}

Test(stack, the_path_names_source_mtu_and_tso)
{
	static const struct {
		uint32_t src, dst;
		int err;
		uint16_t mtu;
		uint32_t tso;
	} rows[] = {
	    {0, PEER, 0, 1500, 65455},
	    {OURS, FAR, 0, 1500, 65455},
	    {0, OURS, 0, 65535, 0},
	    {OTHER, PEER, -EADDRNOTAVAIL, 0, 0},
	    {0, 0, -ENETUNREACH, 0, 0},
	    {0, 0xe0000001, -ENETUNREACH, 0, 0},
	    {0, 0xffffffff, -ENETUNREACH, 0, 0},
	    {0, 0xc00002ff, -ENETUNREACH, 0, 0},
	    {0, 0x7f000001, -ENETUNREACH, 0, 0},
	};
	struct ipaddr six = {{0x20, 0x01}}, src = ipaddr_v4(0), dst;
	struct tcp_path p;
	unsigned i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		src = ipaddr_v4(rows[i].src);
		dst = ipaddr_v4(rows[i].dst);
		cr_assert_eq(
		    fake.cfg.env.path(fake.cfg.env.ctx, &src, &dst, &p),
		    rows[i].err, "row %u", i);
		if (rows[i].err != 0)
			continue;
		cr_assert_eq(ipaddr_to_v4(&p.src), OURS);
		cr_assert_eq(p.mtu, rows[i].mtu);
		cr_assert_eq(p.tso_max, rows[i].tso);
	}
	cr_assert_eq(
	    fake.cfg.env.path(fake.cfg.env.ctx, &src, &six, &p), -ENETUNREACH);
}

static bool
has_route(uint32_t dst)
{
	struct ipaddr a = ipaddr_v4(dst);

	return stack_has_route(lab.s, &a);
}

Test(stack, the_gateway_serves_what_is_far)
{
	static const uint8_t gw[6] = {2, 0, 0, 0, 0, 0xfe};
	struct stack_route none = {.dst = ipaddr_v4(0xff), .plen = 96};

	tcp_says(FAR, NULL, 0);
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, OURS, GATEWAY);
	peer_sends_arp(our_mac, WIRE_ARP_REPLY, gw, GATEWAY, OURS);
	stack_sends_packet(gw, FAR, WIRE_PROTO_TCP, 20);
	cr_assert(has_route(FAR));
	/* A reload takes the route away. */
	cr_assert(!stack_set_routes(lab.s, &none, 1));
	cr_assert(has_route(FAR));
	cr_assert(stack_set_routes(lab.s, NULL, 0));
	cr_assert(!has_route(FAR));
	cr_assert(has_route(PEER));
	cr_assert(has_route(OURS));
	cr_assert(!has_route(0xc00002ff));
	tcp_says(FAR, NULL, 0);
	silence();
	dropped(DROP_IP_NO_ROUTE);
	cr_assert_eq(fake.unreachable, 1);
	cr_assert_eq(ipaddr_to_v4(&fake.gone[0]), FAR);
}

Test(stack, what_is_for_ourselves_comes_back)
{
	fill();
	tcp_says(OURS, data, 40000);
	silence();
	cr_assert_eq(fake.inputs, 0);
	cr_assert_eq(stack_deadline(lab.s).us, lab.now.us);
	stack_expire(lab.s, lab.now);
	cr_assert_eq(fake.inputs, 1);
	cr_assert_eq(fake.in.len, 40020);
	cr_assert(fake.in.csum_ok);
	cr_assert_eq(ipaddr_to_v4(&fake.in.src), OURS);
	cr_assert_eq(ipaddr_to_v4(&fake.in.dst), OURS);
	cr_assert_arr_eq(fake.bytes + 20, data, 40000);
	cr_assert(mono_is_never(stack_deadline(lab.s)));
	nothing_dropped();
}

/* 1 MiB of 64 KiB bufs; what does not fit is not asked for, and waits. */
Test(stack, the_way_back_is_bounded)
{
	unsigned i;

	for (i = 0; i < 15; i++) {
		tcp_says(OURS, data, 60000);
		silence();
	}
	tcp_says(OURS, data, 60000);
	silence();
	at(0);
	cr_assert_eq(fake.inputs, 15);
	silence();
	at(0);
	cr_assert_eq(fake.inputs, 16);
	nothing_dropped();
}

Test(stack, without_buffers_waiting_segments_are_counted_drops)
{
	struct buf *taken[4096];
	unsigned n = 0, i;

	peer_is_known();
	while ((taken[n] = buf_alloc(stack_bufs(lab.s), 1)) != NULL)
		n++;
	tcp_says(OURS, NULL, 0);
	silence();
	dropped(DROP_IP_NO_MEMORY);
	/* What need not wait needs no buffer. */
	tcp_says(PEER, data, 1000);
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 1020);
	nothing_dropped();
	for (i = 0; i < n; i++)
		buf_unref(taken[i]);
}

Test(stack, one_deadline_for_all)
{
	fake.deadline = mono_add(lab.now, ms(500));
	cr_assert_eq(stack_deadline(lab.s).us, fake.deadline.us);
	tcp_says(PEER, NULL, 0);
	stack_sends();
	fake.deadline = mono_add(lab.now, ms(1500));
	cr_assert_eq(stack_deadline(lab.s).us, lab.now.us + ms(1000));
	at(ms(1000));
	cr_assert_eq(fake.expired, 0);
	stack_sends();
	cr_assert_eq(stack_deadline(lab.s).us, fake.deadline.us);
	at(ms(1500));
	cr_assert_eq(fake.expired, 1);
}

static enum tcp_admit
no(void *ctx, struct tcp_bind *b)
{
	*(unsigned *)ctx += 1;
	return TCP_ADMIT_NO;
}

static int
later(void *ctx, struct tcp_bind *b, struct tcp_pcb *p)
{
	*(unsigned *)ctx += 16;
	return -EAGAIN;
}

Test(stack_start, the_owners_callbacks_are_passed_on)
{
	const struct tcp_env *env = &fake.cfg.env;
	unsigned calls = 0;

	lab_start();
	cr_assert_eq(env->may_open(env->ctx, NULL), TCP_ADMIT_YES);
	cr_assert_eq(env->accept(env->ctx, NULL, NULL), -ECONNREFUSED);
	stack_free(lab.s);
	lab.cfg.tcp.env =
	    (struct tcp_env){.may_open = no, .accept = later, .ctx = &calls};
	lab_start();
	cr_assert_eq(env->may_open(env->ctx, NULL), TCP_ADMIT_NO);
	cr_assert_eq(env->accept(env->ctx, NULL, NULL), -EAGAIN);
	cr_assert_eq(calls, 17);
	cr_assert_eq(fake.cfg.bufs, stack_bufs(lab.s));
	cr_assert_eq(fake.cfg.drops, stack_drops(lab.s));
}

Test(stack_start, configurations_that_make_no_sense)
{
	struct stack_config good = lab.cfg;

	lab.cfg.mtu = 575;
	cr_assert_null(stack_new(&lab.cfg, lab.now));
	lab.cfg = good;
	lab.addrs[0].addr = ipaddr_v4(0xc00002ff); /* a broadcast address */
	cr_assert_null(stack_new(&lab.cfg, lab.now));
	lab.addrs[0].addr = ipaddr_v4(OURS);
	lab.addrs[0].plen = 24; /* not of its family */
	cr_assert_null(stack_new(&lab.cfg, lab.now));
	lab.addrs[0].plen = 96 + 24;
	lab.addrs[1] = lab.addrs[0]; /* doubled */
	lab.cfg.naddrs = 2;
	cr_assert_null(stack_new(&lab.cfg, lab.now));
	lab.cfg.naddrs = 1;
	lab.routes[0].gateway = ipaddr_v4(FAR); /* not on our link */
	cr_assert_null(stack_new(&lab.cfg, lab.now));
	lab.routes[0].gateway = ipaddr_v4(GATEWAY);
	lab_start();
}

static unsigned nrows;

static void
row_is_ours(void *arg, const struct stack_addr_row *a)
{
	const struct stack_addr *want = arg;

	cr_assert(ipaddr_eq(&a->addr, &want[nrows].addr));
	cr_assert_eq(a->plen, want[nrows].plen);
	cr_assert(a->usable);
	cr_assert_str_eq(a->state, "preferred");
	cr_assert_str_eq(a->origin, "static");
	cr_assert(a->preferred_us == -1 && a->valid_us == -1);
	nrows++;
}

Test(stack, addresses_come_and_go_at_a_reload)
{
	struct stack_addr two[2] = {
	    {ipaddr_v4(0x0a000001), 96 + 8}, {ipaddr_v4(OURS), 96 + 24}};
	uint32_t before = stack_changes(lab.s);

	cr_assert(stack_set_addrs(lab.s, two, 2, lab.now));
	cr_assert_neq(stack_changes(lab.s), before);
	cr_assert(stack_addrs_settled(lab.s));
	/* The new one is announced, the old one was. */
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, 0x0a000001, 0x0a000001);
	silence();
	cr_assert(has_route(0x0a000009) && has_route(PEER));
	peer_sends_arp(
	    all_macs, WIRE_ARP_REQUEST, peer_mac, 0x0a000009, 0x0a000001);
	stack_sends_arp(peer_mac, WIRE_ARP_REPLY, 0x0a000001, 0x0a000009);
	nrows = 0;
	stack_foreach_addr(
	    lab.s, row_is_ours, (struct stack_addr[]){two[1], two[0]}, lab.now);
	cr_assert_eq(nrows, 2);
	/* The gateway's link goes with the old one, and comes back with it. */
	cr_assert(stack_set_addrs(lab.s, two, 1, lab.now));
	cr_assert(!has_route(FAR) && !has_route(PEER));
	cr_assert(stack_set_addrs(lab.s, two, 2, lab.now));
	cr_assert(has_route(FAR) && has_route(PEER));
}

static void
source_is(uint32_t dst, uint32_t src)
{
	struct ipaddr any = ipaddr_v4(0), to = ipaddr_v4(dst);
	struct tcp_path p;

	cr_assert_eq(fake.cfg.env.path(fake.cfg.env.ctx, &any, &to, &p), 0);
	cr_assert_eq(ipaddr_to_v4(&p.src), src);
}

/* RFC 6724 5 as far as it decides between IPv4 addresses. */
Test(stack, the_source_is_of_the_next_hops_network, .description = "MUST-44")
{
	struct stack_addr some[4] = {{ipaddr_v4(0xcb007001), 96 + 32},
	    {ipaddr_v4(0xa9fe0001), 96 + 16}, {ipaddr_v4(OURS), 96 + 24},
	    {ipaddr_v4(0x0a000001), 96 + 8}};

	cr_assert(stack_set_addrs(lab.s, some, 4, lab.now));
	source_is(PEER, OURS);
	source_is(0x0a010203, 0x0a000001);
	source_is(0xa9fe0102, 0xa9fe0001); /* link-local */
	source_is(0x0a000001, 0x0a000001); /* itself */
	source_is(FAR, OURS); /* by the gateway, who is in OURS's network */
}

/* ---- VLANs ---- */

/* Puts a tag into the frame of len bytes; returns the new length. */
static size_t
tag(uint8_t *frame, size_t len, uint16_t tci)
{
	memmove(frame + 16, frame + 12, len - 12);
	put16(frame + 12, WIRE_ETHER_VLAN);
	put16(frame + 14, tci);
	return len + 4;
}

Test(stack, a_tag_of_priority_alone_is_no_vlan)
{
	uint8_t frame[80], segment[20] = {0};
	size_t len = make_packet(frame, PEER, WIRE_PROTO_TCP, segment, 20);

	peer_sends(frame, tag(frame, len, 0xe000));
	cr_assert_eq(fake.inputs, 1);
	nothing_dropped();
	frame[15] = 7;
	peer_sends(frame, len + 4);
	dropped(DROP_ETH_VLAN);
	peer_sends(frame, 17);
	dropped(DROP_ETH_SHORT);
}

Test(stack_start, a_vlan_of_our_own)
{
	uint8_t frame[80], segment[20] = {0};
	struct wire_arp a = {.op = WIRE_ARP_REPLY, .spa = PEER, .tpa = OURS};
	size_t len;

	lab.cfg.vlan = 4095;
	cr_assert_null(stack_new(&lab.cfg, lab.now));
	lab.cfg.vlan = 7;
	lab_start();
	stack_sends();
	cr_assert_eq(get32(lab.sent + 12), 0x81000007);
	cr_assert_eq(lab.sent_len, 18 + WIRE_ARP_LEN);
	tcp_says(PEER, data, 2000)->gso_size = 1000;
	stack_sends(); /* the question */
	memcpy(frame, our_mac, 6);
	memcpy(frame + 6, peer_mac, 6);
	put16(frame + 12, WIRE_ETHER_ARP);
	memcpy(a.sha, peer_mac, 6);
	wire_arp_emit(&a, frame + 14);
	peer_sends(frame, 42);
	dropped(DROP_ETH_VLAN);
	peer_sends(frame, tag(frame, 42, 0xa007));
	stack_sends();
	cr_assert_arr_eq(lab.sent, peer_mac, 6);
	cr_assert_eq(get32(lab.sent + 12), 0x81000007);
	cr_assert_eq(get16(lab.sent + 16), WIRE_ETHER_IPV4);
	cr_assert_eq(get16(lab.sent + 20), 2040);
	cr_assert_eq(lab.f.off.csum_start, 38);
	cr_assert_eq(lab.f.off.hdr_len, 58);
	tcp_says(OURS, data, 10);
	silence();
	stack_expire(lab.s, lab.now);
	cr_assert_eq(fake.inputs, 1);
	len = make_packet(frame, PEER, WIRE_PROTO_TCP, segment, 20);
	peer_sends(frame, tag(frame, len, 7));
	cr_assert_eq(fake.inputs, 2);
	nothing_dropped();
}

Test(stack, what_was_done_is_counted)
{
	struct stack_stats before, after;
	uint8_t frame[54], segment[20] = {0};

	peer_is_known();
	stack_stats(lab.s, &before);
	peer_sends(
	    frame, make_packet(frame, PEER, WIRE_PROTO_TCP, segment, 20));
	tcp_says(PEER, data, 1000);
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_TCP, 1020);
	stack_stats(lab.s, &after);
	cr_assert_eq(after.in_frames, before.in_frames + 1);
	cr_assert_eq(after.in_bytes, before.in_bytes + 54);
	cr_assert_eq(after.in_packets, before.in_packets + 1);
	cr_assert_eq(after.out_frames, before.out_frames + 1);
	cr_assert_eq(after.out_bytes, before.out_bytes + 1054);
	cr_assert_eq(after.out_packets, before.out_packets + 1);
	cr_assert_eq(after.neighbours, 1);
	cr_assert_eq(after.buf_limit, 8 << 20);
	cr_assert_eq(after.buf_used, 0);
}
