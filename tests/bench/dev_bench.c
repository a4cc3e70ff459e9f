/* SPDX-License-Identifier: ISC */
/*
 * What sending costs by itself: frames/s and Gbit/s of dev_tx() with 64 KiB
 * GSO frames, out of spans of several sizes, and with 1514-byte frames.  The
 * frames are for another station, so that the kernel drops them early.
 *
 *	dev_bench tap|packet IFNAME [plain]
 *
 * Run it in a network namespace of its own (unshare -Urn).
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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
	printf("tx %5zu bytes in spans of %5zu: %9.0f frames/s %7.2f Gbit/s "
	       "%5.0f ns CPU/KiB, %lu refused\n",
	    len, span, (double)n / t, (double)n * (double)len * 8e-9 / t,
	    (cpu() - c0) * 1e9 / ((double)n * (double)len / 1024), refused);
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
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: dev_bench tap|packet IFNAME [plain]\n");
		return 2;
	}
	o.name = argv[2];
	o.offload = argc < 4 || strcmp(argv[3], "plain") != 0;
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
	dev_close(d);
	bufpool_free(bufs);
	return 0;
}
