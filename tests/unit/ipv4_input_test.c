/* SPDX-License-Identifier: ISC */
/*
 * What arrives as Ethernet and IPv4: each fault has its counter, and what is
 * right reaches TCP as it was.
 */
#include "stack_lab.h"

TestSuite(ipv4_input, .init = lab_init, .fini = lab_end);

static uint8_t frame[BUF_FRAME];

/* A packet with n bytes of options. */
static size_t
with_options(const uint8_t *opts, size_t n)
{
	uint8_t payload[60 + 20] = {0};
	size_t len;

	memcpy(payload, opts, n);
	len = make_packet(frame, PEER, WIRE_PROTO_TCP, payload, n + 20);
	frame[14] = (uint8_t)(0x45 + n / 4);
	fix_ip(frame);
	return len;
}

Test(ipv4_input, a_segment_reaches_tcp_without_padding)
{
	static const uint8_t segment[20] = {1, 2, 3, 4};
	size_t len = make_packet(frame, PEER, WIRE_PROTO_TCP, segment, 20);

	cr_assert_eq(len, 54);
	memset(frame + 54, 0xaa, 6);
	peer_sends(frame, 60);
	cr_assert_eq(fake.inputs, 1);
	cr_assert_eq(fake.in.len, 20);
	cr_assert_arr_eq(fake.bytes, segment, 20);
	cr_assert_eq(ipaddr_to_v4(&fake.in.src), PEER);
	cr_assert_eq(ipaddr_to_v4(&fake.in.dst), OURS);
	cr_assert(!fake.in.csum_ok);
	cr_assert_eq(fake.in.gso_size, 0);
	nothing_dropped();
}

Test(ipv4_input, what_the_device_says_goes_along)
{
	static const struct {
		struct offload off;
		bool ok;
		uint16_t gso;
	} rows[] = {
	    {{.csum_valid = true}, true, 0},
	    {{.needs_csum = true, .csum_start = 34, .csum_offset = 16}, true,
		0},
	    {{.needs_csum = true, .gso = GSO_TCP4, .gso_size = 1448}, true,
		1448},
	    {{.gso = GSO_NONE, .gso_size = 99}, false, 0},
	};
	static const uint8_t train[60000];
	size_t len =
	    make_packet(frame, PEER, WIRE_PROTO_TCP, train, sizeof train);
	unsigned i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		peer_sends_off(frame, len, &rows[i].off);
		cr_assert_eq(fake.inputs, i + 1);
		cr_assert_eq(fake.in.csum_ok, rows[i].ok, "row %u", i);
		cr_assert_eq(fake.in.gso_size, rows[i].gso, "row %u", i);
		cr_assert_eq(fake.in.len, 60000);
	}
	nothing_dropped();
}

Test(ipv4_input, faults_of_the_header_have_their_counters,
    .description = "MUST-57 MUST-63")
{
	static const struct {
		const char *what;
		unsigned off;
		uint32_t value; /* 32 bits at off */
		bool fix;
		enum drop why;
	} rows[] = {
	    {"version 6", 14, 0x65000028, true, DROP_IP_VERSION},
	    {"header of 16", 14, 0x44000028, false, DROP_IP_SHORT},
	    {"header past the end", 14, 0x4f000028, false, DROP_IP_SHORT},
	    {"total < header", 14, 0x45000013, true, DROP_IP_SHORT},
	    {"total > frame", 14, 0x45000029, true, DROP_IP_SHORT},
	    {"checksum", 22, 0x40060001, false, DROP_IP_CHECKSUM},
	    {"odd fragment", 18, 0x00002000, true, DROP_IP_FRAGMENT},
	    {"fragment past the end", 18, 0x00001fff, true, DROP_IP_FRAGMENT},
	    {"from nobody", 26, 0, true, DROP_IP_SOURCE},
	    {"from this net", 26, 0x00000005, true, DROP_IP_SOURCE},
	    {"from loopback", 26, 0x7f000001, true, DROP_IP_SOURCE},
	    {"from multicast", 26, 0xe0000001, true, DROP_IP_SOURCE},
	    {"from reserved", 26, 0xf0000001, true, DROP_IP_SOURCE},
	    {"from broadcast", 26, 0xffffffff, true, DROP_IP_SOURCE},
	    {"from our broadcast", 26, 0xc00002ff, true, DROP_IP_SOURCE},
	    {"from our net", 26, 0xc0000200, true, DROP_IP_SOURCE},
	    {"from ourselves", 26, OURS, true, DROP_IP_SOURCE},
	    {"for another", 30, PEER, true, DROP_IP_DST},
	    {"for all", 30, 0xffffffff, true, DROP_IP_DST},
	    {"for our net", 30, 0xc00002ff, true, DROP_IP_DST},
	    {"for a group", 30, 0xe0000001, true, DROP_IP_DST},
	    {"for loopback", 30, 0x7f000001, true, DROP_IP_DST},
	    {"IGMP", 22, 0x40020000, true, DROP_IP_PROTOCOL},
	};
	uint8_t segment[20] = {0};
	unsigned i;

	for (i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		unsigned k = i % (sizeof rows / sizeof rows[0]);

		/* Nobody outside has a loopback address, serve we it or not. */
		stack_set_loopback(lab.s, i != k);
		make_packet(frame, PEER, WIRE_PROTO_TCP, segment, 20);
		put32(frame + rows[k].off, rows[k].value);
		if (rows[k].fix)
			fix_ip(frame);
		cr_log_info("%s", rows[k].what);
		peer_sends(frame, 54);
		dropped(rows[k].why);
	}
	cr_assert_eq(fake.inputs, 0);
	/* The reserved bit (RFC 791: ignored) and any TTL are fine. */
	make_packet(frame, PEER, WIRE_PROTO_TCP, segment, 20);
	frame[20] |= 0x80;
	frame[22] = 0;
	fix_ip(frame);
	peer_sends(frame, 54);
	cr_assert_eq(fake.inputs, 1);
	nothing_dropped();
}

Test(ipv4_input, packets_shorter_than_a_header)
{
	uint8_t segment[20] = {0};
	size_t len;

	make_packet(frame, PEER, WIRE_PROTO_TCP, segment, 20);
	for (len = 0; len < 54; len++) {
		peer_sends(frame, len);
		dropped(len < 14 ? DROP_ETH_SHORT : DROP_IP_SHORT);
	}
}

Test(ipv4_input, options_are_skipped, .description = "MUST-50 MAY-10 MAY-11")
{
	static const uint8_t opts[40] = {1, 1, 7, 7, 4, 0, 0, 0, 0, 148, 4, 0,
	    0, 68, 8, 5, 0, 0, 0, 0, 0, 0};

	peer_sends(frame, with_options(opts, 40));
	cr_assert_eq(fake.inputs, 1);
	cr_assert_eq(fake.in.len, 20);
	nothing_dropped();
}

Test(ipv4_input, bad_options_and_source_routes_are_dropped)
{
	static const uint8_t rows[][8] = {
	    {1, 1, 1, 1, 1, 1, 1, 7},	  /* no length */
	    {7, 0, 0, 0},		  /* length 0 */
	    {7, 1, 0, 0},		  /* length 1 */
	    {7, 9, 4, 0},		  /* past the end */
	    {131, 7, 4, 192, 0, 2, 9, 0}, /* loose source route */
	    {1, 137, 7, 8, 192, 0, 2, 9}, /* strict, used up */
	};
	unsigned i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		peer_sends(frame, with_options(rows[i], 8));
		dropped(DROP_IP_OPTION);
	}
	cr_assert_eq(fake.inputs, 0);
}

Test(ipv4_input, frames_that_are_not_for_us)
{
	uint8_t segment[20] = {0};

	make_packet(frame, PEER, WIRE_PROTO_TCP, segment, 20);
	frame[5] ^= 1;
	peer_sends(frame, 54);
	dropped(DROP_ETH_DST);
	frame[0] |= 1; /* a group */
	peer_sends(frame, 54);
	dropped(DROP_ETH_DST);
	/* RFC 1122 3.3.6: our address in everybody's frame. */
	memset(frame, 0xff, 6);
	peer_sends(frame, 54);
	dropped(DROP_IP_DST);
	memcpy(frame, our_mac, 6);
	put16(frame + 12, WIRE_ETHER_IPV6);
	peer_sends(frame, 54);
	dropped(DROP_ETH_TYPE);
	put16(frame + 12, 40); /* IEEE 802.3 */
	peer_sends(frame, 54);
	dropped(DROP_ETH_TYPE);
	cr_assert_eq(fake.inputs, 0);
	silence();
}
