/* SPDX-License-Identifier: ISC */
/*
 * AF_XDP devices on a veth, with the kernel as the peer.  Where not even root
 * may load a program (a user namespace), what is said then is tested.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include "tests/unit/devnet_lab.h"

static int attached = -1; /* the program's link */

/* v1 fills in checksums itself. */
static void
open_xdp(bool own_mac)
{
	struct dev_open o = {
	    .name = "v0", .have_mac = own_mac, .mac = {2, 0, 0, 0, 0, 7}};
	int fd;

	make_veth();
	if (system("ethtool -K v1 tx off >/dev/null") != 0)
		_exit(EXIT_NO_XDP);
	fd = xdp_open(&o, &caps, &attached, lab_err, sizeof lab_err);
	if (fd == -EPERM && strstr(lab_err, "device packet"))
		_exit(EXIT_NO_XDP);
	attach(fd);
	host_if = "v1";
	MUST(host_address(NULL, "v1") == 0);
}

static void
xdp_exchange(void)
{
	struct dev_stats st;

	open_xdp(true);
	MUST(caps.kind == DEV_XDP && !caps.csum && !caps.tso && !caps.gro);
	MUST(*lab_err == '\0' && caps.mac[5] == 7);
	exchange();
	MUST(!seen.gso && seen.max_frame == 1514);
	dev_stats(dev, &st);
	MUST(st.rx_lost == 0 && st.tx_batched > BYTES / 1500);
	detach();
}

Test(xdp, exchanges_with_the_kernel)
{
	in_netns(xdp_exchange);
}

/* Chunks go round more often than there are any, and what is more than they
 * hold is counted.  What is for another station is left to the kernel. */
static void
xdp_laps(void)
{
	static const uint8_t other[6] = {2, 9, 9, 9, 9, 9};
	static const uint8_t group[6] = {1, 0, 0x5e, 0, 0, 1};
	struct link_facts link;
	struct pollfd p;
	unsigned sent, next = 0;
	int fd;

	open_xdp(true);
	p = (struct pollfd){dev_fd(dev), POLLIN, 0};
	MUST(netcfg_query(NULL, "v1", &link, lab_err, sizeof lab_err) == 0);
	MUST((fd = socket(AF_PACKET, SOCK_RAW, 0)) >= 0);
	for (sent = 0; sent < 6000;) {
		send_numbered(fd, link.ifindex, other, 0);
		send_numbered(
		    fd, link.ifindex, sent % 2 ? group : caps.mac, sent);
		sent++;
		while ((next = take_numbered(next)) < sent)
			MUST(poll(&p, 1, 10000) == 1);
	}
	overrun(fd, link.ifindex, sent);
	close(fd);
	detach();
}

Test(xdp, chunks_go_round_and_losses_are_counted)
{
	in_netns(xdp_laps);
}

static void
xdp_errors(void)
{
	struct dev_open o = {.name = "v0"};
	struct dev_caps c;
	struct rxframe f;
	int link, n;

	open_xdp(false);
	/* Another one does not push this one's program out. */
	MUST(xdp_open(&o, &c, &link, lab_err, sizeof lab_err) == -EBUSY);
	MUST(strstr(lab_err, "another program"));
	o.name = "lo";
	MUST(xdp_open(&o, &c, &link, lab_err, sizeof lab_err) == -EINVAL);
	o.name = "w0";
	MUST(system("ip link add w0 mtu 9000 type veth peer name w1 && "
		    "ip link set w0 up") == 0);
	MUST(xdp_open(&o, &c, &link, lab_err, sizeof lab_err) == -EINVAL);
	MUST(strstr(lab_err, "bytes at most"));
	MUST(dev_syn_filter(dev, 3, 0, 1) == -EOPNOTSUPP);
	MUST(system("ip link del v0") == 0);
	while ((n = dev_rx(dev, &f, 1)) > 0)
		buf_unref(f.buf);
	MUST(n == -ENODEV);
	detach();
}

Test(xdp, errors)
{
	in_netns(xdp_errors);
}

static void
xdp_no_privilege(void)
{
	struct dev_open o = {.name = "v0"};
	int link;

	make_veth();
	refuse(SYS_bpf, 0, BPF_LINK_CREATE);
	MUST(xdp_open(&o, &caps, &link, lab_err, sizeof lab_err) < 0);
	MUST(strstr(lab_err, "an XDP program"));
}

Test(xdp, says_what_was_refused)
{
	in_netns(xdp_no_privilege);
}
