/* SPDX-License-Identifier: ISC */
/*
 * AF_PACKET devices with the kernel as the peer, and the host's side of a link.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <sys/syscall.h>
#include "tests/unit/devnet_lab.h"

static bool ring; /* what the tests open has one */

static void
open_packet(bool offload, bool own_mac)
{
	struct dev_open o = {.name = "v0",
	    .offload = offload,
	    .ring = ring,
	    .have_mac = own_mac,
	    .mac = {2, 0, 0, 0, 0, 7}};

	make_veth();
	attach(packet_open(&o, &caps, lab_err, sizeof lab_err));
	host_if = "v1";
	MUST(caps.rx_ring == ring);
	MUST(host_address(NULL, "v1") == 0);
}

static void
packet_with_offload(void)
{
	open_packet(true, false);
	MUST(caps.kind == DEV_PACKET && caps.vnet_hdr && caps.tso && caps.gro);
	exchange();
	MUST(seen.gso && seen.partial && seen.max_frame > 20000);
	detach();
}

Test(packet, with_offload)
{
	in_netns(packet_with_offload);
}

static void
packet_own_mac(void)
{
	open_packet(true, true);
	MUST(caps.mac[5] == 7);
	exchange();
	detach();
}

Test(packet, with_its_own_mac)
{
	in_netns(packet_own_mac);
}

static void
packet_plain(void)
{
	open_packet(false, false);
	MUST(!caps.vnet_hdr && !caps.csum && !caps.tso && caps.gro);
	exchange();
	MUST(!seen.gso && seen.vouched && seen.max_frame > 20000);
	detach();
}

Test(packet, plain)
{
	in_netns(packet_plain);
}

/* Large frames come beside the ring, in their order. */
Test(packet, ring_with_offload)
{
	ring = true;
	in_netns(packet_with_offload);
}

Test(packet, ring_plain)
{
	ring = true;
	in_netns(packet_plain);
}

static void
packet_refuses_header(void)
{
	make_veth();
	refuse(SYS_setsockopt, 2, PACKET_VNET_HDR);
	host_if = "v1";
	attach(packet_open(&(struct dev_open){.name = "v0", .offload = true},
	    &caps, lab_err, sizeof lab_err));
	MUST(strstr(lab_err, "PACKET_VNET_HDR"));
	MUST(!caps.vnet_hdr && !caps.tso);
	MUST(host_address(NULL, "v1") == 0);
	exchange();
	detach();
}

Test(packet, falls_back_to_plain)
{
	in_netns(packet_refuses_header);
}

/* Frames by AF_PACKET from the kernel's side. */
static void
inject(int fd, int ifindex, const uint8_t dst[6], uint16_t vlan)
{
	struct sockaddr_ll to = {
	    .sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_halen = 6};
	uint8_t frame[64] = {0};
	size_t at = 12;

	memcpy(frame, dst, 6);
	frame[6] = 2;
	if (vlan != 0xffff) {
		put16(frame + at, 0x8100);
		put16(frame + at + 2, vlan);
		at += 4;
	}
	put16(frame + at, 0x88b5); /* for local experiments */
	MUST(sendto(fd, frame, sizeof frame, 0, (struct sockaddr *)&to,
		 sizeof to) == sizeof frame);
}

static void
packet_filter(void)
{
	static const uint8_t other[6] = {2, 9, 9, 9, 9, 9};
	static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1};
	struct link_facts link;
	struct rxframe f[16];
	int fd, i, n, mine = 0;

	open_packet(true, true);
	MUST(netcfg_query(NULL, "v1", &link, lab_err, sizeof lab_err) == 0);
	MUST((fd = socket(AF_PACKET, SOCK_RAW, 0)) >= 0);
	inject(fd, link.ifindex, other, 0xffff); /* another station */
	inject(fd, link.ifindex, caps.mac, 5);	 /* another VLAN */
	inject(fd, link.ifindex, caps.mac, 0);	 /* a priority tag */
	inject(fd, link.ifindex, group, 0xffff); /* a group */
	inject(fd, link.ifindex, caps.mac, 0xffff);
	while ((n = dev_rx(dev, f, 16)) > 0)
		for (i = 0; i < n; i++) {
			mine += get16(f[i].buf->data + 12) == 0x88b5;
			buf_unref(f[i].buf);
		}
	MUST(mine == 3);
	close(fd);
	detach();
}

Test(packet, hears_its_station_only)
{
	in_netns(packet_filter);
	ring = true;
	in_netns(packet_filter);
}

/* Frames go round the ring more than once, and what is more than it holds is
 * lost and counted, by the kernel. */
static void
packet_ring_laps(void)
{
	struct link_facts link;
	struct pollfd p;
	unsigned sent, next = 0;
	int fd;

	open_packet(false, true);
	p = (struct pollfd){dev_fd(dev), POLLIN, 0};
	MUST(netcfg_query(NULL, "v1", &link, lab_err, sizeof lab_err) == 0);
	MUST((fd = socket(AF_PACKET, SOCK_RAW, 0)) >= 0);
	for (sent = 0; sent < 5000;) {
		send_numbered(fd, link.ifindex, caps.mac, sent++);
		while ((next = take_numbered(next)) < sent)
			MUST(poll(&p, 1, 10000) == 1);
	}
	overrun(fd, link.ifindex, sent);
	close(fd);
	detach();
}

Test(packet, ring_goes_round_and_counts_what_it_lost)
{
	ring = true;
	in_netns(packet_ring_laps);
}

static void
packet_refuses_ring(void)
{
	make_veth();
	refuse(SYS_setsockopt, 2, PACKET_RX_RING);
	host_if = "v1";
	attach(packet_open(&(struct dev_open){.name = "v0", .ring = true},
	    &caps, lab_err, sizeof lab_err));
	MUST(strstr(lab_err, "no receive ring") && !caps.rx_ring);
	MUST(host_address(NULL, "v1") == 0);
	exchange();
	detach();
}

Test(packet, does_without_a_ring)
{
	in_netns(packet_refuses_ring);
}

static void
packet_on_a_forwarding_interface(void)
{
	struct dev_open o = {.name = "v0", .mac = {2, 0, 0, 0, 0, 7}};
	int fd;

	make_veth();
	write_file("/proc/sys/net/ipv4/conf/v0/forwarding", "1");
	MUST((fd = packet_open(&o, &caps, lab_err, sizeof lab_err)) >= 0);
	MUST(strstr(lab_err, "net.ipv4.conf.v0.forwarding=0"));
	close(fd);
	o.have_mac = true;
	MUST((fd = packet_open(&o, &caps, lab_err, sizeof lab_err)) >= 0);
	MUST(*lab_err == '\0');
	close(fd);
}

Test(packet, warns_of_a_forwarding_kernel)
{
	in_netns(packet_on_a_forwarding_interface);
}

static void
packet_errors(void)
{
	struct dev_open o = {.name = "v0", .offload = true};
	struct dev_caps c;
	struct rxframe f;
	int n;

	open_packet(true, false);
	o.name = "nosuch";
	MUST(packet_open(&o, &c, lab_err, sizeof lab_err) == -ENODEV);
	MUST(strstr(lab_err, "nosuch"));
	o.name = "lo";
	MUST(packet_open(&o, &c, lab_err, sizeof lab_err) == -EINVAL);
	MUST(strstr(lab_err, "Ethernet"));
	o.name = "v0";
	o.mtu = 9000;
	MUST(packet_open(&o, &c, lab_err, sizeof lab_err) == -EINVAL);
	MUST(strstr(lab_err, "MTU of 1500"));
	/* Down is no end; the frames that still come are not ours to see. */
	MUST(system("ip link set v0 down") == 0);
	o.mtu = 0;
	MUST(packet_open(&o, &c, lab_err, sizeof lab_err) == -ENETDOWN);
	MUST(strstr(lab_err, "is down"));
	while ((n = dev_rx(dev, &f, 1)) > 0)
		buf_unref(f.buf);
	MUST(n == 0);
	MUST(system("ip link set v0 up") == 0);
	kernel_pings();
	MUST(system("ip link del v0") == 0);
	while ((n = dev_rx(dev, &f, 1)) > 0)
		buf_unref(f.buf);
	MUST(n == -ENODEV);
	detach();
}

Test(packet, errors)
{
	in_netns(packet_errors);
	ring = true;
	in_netns(packet_errors);
}

static void
host_side(void)
{
	const struct ipaddr v4 = ipaddr_v4(HOST);
	const struct ipaddr v6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	struct link_facts link;

	make_veth();
	MUST(netcfg_link(NULL, "v1", 1400, 5000, lab_err, sizeof lab_err) == 0);
	MUST(netcfg_query(NULL, "v1", &link, lab_err, sizeof lab_err) == 0);
	MUST(link.mtu == 1400 && link.txqueuelen == 5000 && link.up);
	MUST(
	    netcfg_link(NULL, "v1", 10, 0, lab_err, sizeof lab_err) == -EINVAL);
	MUST(strstr(lab_err, "MTU"));
	MUST(netcfg_link(NULL, "nosuch", 0, 0, lab_err, sizeof lab_err) ==
	     -ENODEV);
	MUST(strstr(lab_err, "nosuch"));
	MUST(host_address(NULL, "v1") == 0);
	MUST(host_address(NULL, "v1") == 0);
	MUST(netcfg_address(NULL, "v1", &v4, 95, lab_err, sizeof lab_err) ==
	     -EINVAL);
	MUST(netcfg_address(NULL, "v1", &v6, 129, lab_err, sizeof lab_err) ==
	     -EINVAL);
	MUST(netcfg_address(NULL, "v1", &v6, 64, lab_err, sizeof lab_err) == 0);
	MUST(netcfg_address(NULL, "v1", &v6, 64, lab_err, sizeof lab_err) == 0);
	MUST(system("ip -4 address show dev v1 | "
		    "grep -q 'inet 192.0.2.1/24 brd 192.0.2.255'") == 0);
	/* At once, without asking the link. */
	MUST(system("ip -6 address show dev v1 scope global | "
		    "grep 'inet6 2001:db8::1/64' | grep -qv tentative") == 0);
	MUST(system("echo 1 >/proc/sys/net/ipv6/conf/v0/disable_ipv6") == 0);
	MUST(netcfg_address(NULL, "v0", &v6, 64, lab_err, sizeof lab_err) < 0);
	MUST(strstr(lab_err, "disable_ipv6"));
}

Test(packet, host_side)
{
	in_netns(host_side);
}
