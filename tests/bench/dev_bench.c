/* SPDX-License-Identifier: ISC */
/*
 * What moving frames costs by itself: frames/s and Gbit/s of dev_tx() and
 * dev_rx() with 64 KiB GSO frames and with ordinary ones.  Sent frames are for
 * another station, so that the kernel drops them early.  Received ones are put
 * by a child into the kernel's side of the device, through AF_PACKET; on few
 * processors that sender, not the receiver, may be the limit, so the CPU time
 * of this process alone is what to compare.
 *
 *	dev_bench tap|packet|ring|xdp IFNAME offload|plain [PEER]
 *
 * PEER is the other end of a veth pair; for a TAP it is IFNAME itself.  Run it
 * in a network namespace of its own (unshare -Urn).
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "dev/dev.h"

#define SECONDS 1.0

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* An IPv4/TCP frame to 192.0.2.77 with payload spread over spans. */
static void
make_frame(struct txframe *f, size_t len, size_t span, const uint8_t *payload,
    bool gso)
{
	static const uint8_t head[54] = {2, 2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 8,
	    0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 2, 192, 0,
	    2, 77, 0, 9, 0, 9, [46] = 0x50, [47] = 0x10};
	size_t left = len - sizeof head;

	memset(f, 0, sizeof *f);
	memcpy(f->hdr, head, sizeof head);
	f->hdr[16] = (uint8_t)((len - 14) >> 8);
	f->hdr[17] = (uint8_t)(len - 14);
	f->spans[f->nspans++] = (struct span){f->hdr, sizeof head};
	while (left > 0) {
		size_t n = left < span ? left : span;

		f->spans[f->nspans++] = (struct span){(void *)payload, n};
		left -= n;
	}
	f->len = len;
	if (gso) {
		f->off.needs_csum = true;
		f->off.csum_start = 34;
		f->off.csum_offset = 16;
		f->off.gso = GSO_TCP4;
		f->off.gso_size = 1460;
		f->off.hdr_len = 54;
	}
}

static void
bench_tx(struct dev *d, size_t len, size_t span, bool gso)
{
	static uint8_t payload[65536];
	struct txframe f;
	double t0 = now(), c0 = cpu(), t = 0;
	unsigned long n = 0, refused = 0;
	int r;

	make_frame(&f, len, span, payload, gso);
	do {
		r = dev_tx(d, &f);
		if (r == -EAGAIN) {
			struct pollfd p = {dev_fd(d), POLLOUT, 0};

			poll(&p, 1, 100);
			continue;
		}
		n++;
		refused += r < 0;
		t = now() - t0;
	} while (t < SECONDS);
	(void)dev_flush(d);
	printf("tx %5zu bytes in spans of %5zu: %9.0f frames/s %7.2f Gbit/s "
	       "%5.0f ns CPU/KiB, %lu refused\n",
	    len, span, (double)n / t, (double)n * (double)len * 8e-9 / t,
	    (cpu() - c0) * 1e9 / ((double)n * (double)len / 1024), refused);
}

/* The child: puts frames into peer until it is killed. */
static void
flood(const char *peer, size_t len, bool gso)
{
	static uint8_t payload[65536];
	char err[256];
	struct dev_caps caps;
	struct drops drops = {{0}};
	struct dev_open o = {.name = peer, .offload = true};
	struct bufpool *bufs = bufpool_new(1 << 20);
	int fd = packet_open(&o, &caps, err, sizeof err);
	struct dev *d;
	struct txframe f;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || !bufs || !(d = dev_attach(fd, &caps, bufs, &drops))) {
		fprintf(stderr, "%s\n", err);
		_exit(1);
	}
	make_frame(&f, len, 65536, payload, gso);
	memset(f.hdr, 0xff, 6); /* passes every station's filter */
	for (;;)
		if (dev_tx(d, &f) == -EAGAIN) {
			struct pollfd p = {fd, POLLOUT, 0};

			poll(&p, 1, 100);
		}
}

static void
bench_rx(struct dev *d, const char *peer, size_t len, bool gso)
{
	struct rxframe f[32];
	double t0, c0, t = 0;
	unsigned long n = 0, bytes = 0;
	pid_t pid = fork();
	int i, r;

	if (pid == 0)
		flood(peer, len, gso);
	t0 = now();
	c0 = cpu();
	while (t < SECONDS) {
		r = dev_rx(d, f, 32);
		for (i = 0; i < r; i++) {
			n += f[i].buf->len == len;
			bytes += f[i].buf->len;
			buf_unref(f[i].buf);
		}
		if (r < 32) {
			struct pollfd p = {dev_fd(d), POLLIN, 0};

			poll(&p, 1, 100);
		}
		t = now() - t0;
	}
	printf("rx %5zu bytes:                   %9.0f frames/s %7.2f Gbit/s "
	       "%5.0f ns CPU/KiB\n",
	    len, (double)n / t, (double)bytes * 8e-9 / t,
	    (cpu() - c0) * 1e9 / ((double)bytes / 1024));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while ((r = dev_rx(d, f, 32)) > 0)
		for (i = 0; i < r; i++)
			buf_unref(f[i].buf);
}

int
main(int argc, char **argv)
{
	char err[256];
	struct dev_caps caps;
	struct drops drops = {{0}};
	struct dev_open o = {.txqueuelen = 10000, .offload = true};
	struct bufpool *bufs = bufpool_new(64 << 20);
	struct dev *d;
	const char *peer;
	int fd, link;

	if (argc < 4) {
		fprintf(stderr, "usage: dev_bench tap|packet|ring|xdp IFNAME "
				"offload|plain [PEER]\n");
		return 2;
	}
	o.name = argv[2];
	o.offload = strcmp(argv[3], "plain") != 0;
	peer = argc > 4 ? argv[4] : argv[2];
	o.ring = strcmp(argv[1], "ring") == 0;
	if (strcmp(argv[1], "xdp") == 0)
		fd = xdp_open(&o, &caps, &link, err, sizeof err);
	else
		fd = (strcmp(argv[1], "tap") == 0 ? tap_open : packet_open)(
		    &o, &caps, err, sizeof err);
	if (fd < 0 || *err)
		fprintf(stderr, "%s\n", err);
	if (fd < 0 || !bufs || !(d = dev_attach(fd, &caps, bufs, &drops)))
		return 1;
	printf("%s: mtu %u vnet_hdr %d csum %d tso %d gro %d\n", caps.name,
	    caps.mtu, caps.vnet_hdr, caps.csum, caps.tso, caps.gro);
	if (caps.tso) {
		bench_tx(d, 65226, 65536, true);
		bench_tx(d, 65226, 16384, true);
		bench_tx(d, 65226, 2048, true);
	}
	bench_tx(d, 1514, 2048, false);
	if (caps.gro) {
		bench_rx(d, peer, 65226, true);
		bench_rx(d, peer, 15000, true);
		bench_rx(d, peer, 4000, true);
	}
	bench_rx(d, peer, 1514, false);
	bench_rx(d, peer, 66, false);
	dev_close(d);
	bufpool_free(bufs);
	return 0;
}
