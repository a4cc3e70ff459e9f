/* SPDX-License-Identifier: ISC */
/*
 * TAP devices with the kernel as the peer, and what they do where the kernel
 * refuses something.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <sys/syscall.h>
#include "tests/unit/devnet_lab.h"

static void
open_tap(bool offload)
{
	struct dev_open o = {
	    .name = "t0", .offload = offload, .txqueuelen = 10000};

	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		_exit(EXIT_NO_TUN);
	attach(tap_open(&o, &caps, lab_err, sizeof lab_err));
	MUST(*lab_err == '\0');
	host_if = "t0";
	MUST(host_address(NULL, "t0") == 0);
}

static void
tap_with_offload(void)
{
	struct link_facts link;

	open_tap(true);
	MUST(caps.kind == DEV_TAP && caps.vnet_hdr && caps.csum && caps.tso &&
	     caps.gro && caps.mtu == 1500);
	MUST(netcfg_query(NULL, "t0", &link, lab_err, sizeof lab_err) == 0);
	MUST(link.up && link.ethernet && link.txqueuelen == 10000);
	MUST(memcmp(link.mac, caps.mac, 6) != 0);
	exchange();
	MUST(seen.gso && seen.partial && seen.gso_size > 1000 &&
	     seen.gso_size <= 1460 && seen.hdr_len >= 54);
	MUST(seen.max_frame > 20000);
	detach();
}

Test(tap, with_offload)
{
	in_netns(tap_with_offload);
}

static void
tap_plain(void)
{
	open_tap(false);
	MUST(!caps.vnet_hdr && !caps.csum && !caps.tso && !caps.gro);
	exchange();
	MUST(!seen.gso && !seen.vouched && seen.unvouched);
	MUST(seen.max_frame == 1514);
	detach();
}

Test(tap, plain)
{
	in_netns(tap_plain);
}

static void
tap_refuses_header_size(void)
{
	struct dev_open o = {.name = "t0", .offload = true};

	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		_exit(EXIT_NO_TUN);
	refuse(SYS_ioctl, 1, TUNSETVNETHDRSZ);
	attach(tap_open(&o, &caps, lab_err, sizeof lab_err));
	MUST(strstr(lab_err, "TUNSETVNETHDRSZ") &&
	     strstr(lab_err, "offloads are off"));
	MUST(!caps.vnet_hdr && !caps.csum && !caps.tso && !caps.gro);
	MUST(host_address(NULL, "t0") == 0);
	exchange();
	detach();
}

Test(tap, falls_back_to_plain)
{
	in_netns(tap_refuses_header_size);
}

static void
tap_refuses_offload(void)
{
	struct dev_open o = {.name = "t0", .offload = true};

	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		_exit(EXIT_NO_TUN);
	refuse(SYS_ioctl, 1, TUNSETOFFLOAD);
	attach(tap_open(&o, &caps, lab_err, sizeof lab_err));
	MUST(strstr(lab_err, "TUNSETOFFLOAD"));
	MUST(caps.vnet_hdr && caps.csum && caps.tso && !caps.gro);
	MUST(host_address(NULL, "t0") == 0);
	exchange();
	MUST(seen.max_frame == 1514);
	detach();
}

Test(tap, sends_large_frames_though_it_gets_none)
{
	in_netns(tap_refuses_offload);
}

static void
tap_errors(void)
{
	struct dev_open o = {.name = "t0", .offload = true, .mtu = 9000};
	struct dev_caps c;
	struct rxframe f;
	int fd;

	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		_exit(EXIT_NO_TUN);
	attach(tap_open(&o, &caps, lab_err, sizeof lab_err));
	MUST(caps.mtu == 9000);
	MUST(tap_open(&o, &c, lab_err, sizeof lab_err) == -EBUSY);
	MUST(strstr(lab_err, "another program holds"));
	o.name = "a_name_of_16_chr";
	MUST(tap_open(&o, &c, lab_err, sizeof lab_err) == -ENAMETOOLONG);
	o.name = "lo";
	MUST(tap_open(&o, &c, lab_err, sizeof lab_err) == -EINVAL);
	MUST(strstr(lab_err, "is no TAP"));
	o.name = "t1";
	o.netns = "/nonexistent/netns";
	MUST(tap_open(&o, &c, lab_err, sizeof lab_err) == -ENOENT);
	MUST(strstr(lab_err, "/nonexistent/netns"));
	o.netns = "/dev/null";
	MUST(tap_open(&o, &c, lab_err, sizeof lab_err) == -EINVAL);
	o.netns = NULL;
	o.mtu = 65535;
	MUST(tap_open(&o, &c, lab_err, sizeof lab_err) == -EINVAL);
	MUST(strstr(lab_err, "MTU"));
	o.mtu = 0;
	o.multi_queue = true;
	MUST((fd = tap_open(&o, &c, lab_err, sizeof lab_err)) >= 0);
	MUST(close(fd) == 0);
	o.multi_queue = false;
	/* The interface goes away under the device. */
	if (system("ip link del t0") != 0)
		_exit(EXIT_NO_IP);
	MUST(dev_rx(dev, &f, 1) == -ENODEV);
	detach();
}

Test(tap, errors)
{
	in_netns(tap_errors);
}

static void
tap_in_named_netns(void)
{
	char path[64], c;
	int there[2], done[2], fd;
	struct dev_open o = {.name = "t0", .netns = path, .offload = true};
	struct link_facts link;
	pid_t pid;

	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		_exit(EXIT_NO_TUN);
	MUST(pipe(there) == 0 && pipe(done) == 0);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(1);
		close(done[1]);
		MUST(write(there[1], "x", 1) == 1);
		MUST(read(done[0], &c, 1) == 0);
		_exit(0);
	}
	close(done[0]);
	close(there[1]);
	MUST(read(there[0], &c, 1) == 1);
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	MUST((fd = tap_open(&o, &caps, lab_err, sizeof lab_err)) >= 0);
	MUST(host_address(path, "t0") == 0);
	MUST(netcfg_query(path, "t0", &link, lab_err, sizeof lab_err) == 0 &&
	     link.up);
	MUST(netcfg_query(NULL, "t0", &link, lab_err, sizeof lab_err) ==
	     -ENODEV);
	close(fd);
	close(done[1]);
	MUST(waitpid(pid, NULL, 0) == pid);
}

Test(tap, in_another_namespace)
{
	in_netns(tap_in_named_netns);
}
