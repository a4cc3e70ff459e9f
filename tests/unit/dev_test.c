/* SPDX-License-Identifier: ISC */
/*
 * dev.c without a device: a socket that keeps message boundaries stands in for
 * the TAP's descriptor.
 */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/virtio_net.h>
#include "base/rng.h"
#include "dev/adapter.h"
#include "dev/dev.h"

static struct bufpool *pool;
static struct drops drops;
static struct dev *dev;
static int kernel; /* the other end */

static enum dev_kind kind = DEV_TAP;

static void
make_dev(bool vnet, size_t limit)
{
	struct dev_caps caps = {.kind = kind,
	    .vnet_hdr = vnet,
	    .csum = vnet,
	    .tso = vnet,
	    .gro = vnet,
	    .mtu = 1500};
	int pair[2], size = 1 << 20;

	cr_assert_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	kernel = pair[1];
	setsockopt(kernel, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	memset(&drops, 0, sizeof drops);
	pool = bufpool_new(limit);
	dev = dev_attach(pair[0], &caps, pool, &drops);
}

static void
done(void)
{
	dev_close(dev);
	bufpool_free(pool);
	close(kernel);
}

static uint8_t
pattern(size_t i)
{
	return (uint8_t)(i ^ i >> 8);
}

/* The kernel sends one frame of len bytes behind a header. */
static void
kernel_sends(const struct virtio_net_hdr *h, size_t len)
{
	static uint8_t msg[80000];
	size_t i, hdr = h ? sizeof *h : 0;

	if (h)
		memcpy(msg, h, sizeof *h);
	for (i = 0; i < len; i++)
		msg[hdr + i] = pattern(i);
	cr_assert_eq(send(kernel, msg, hdr + len, 0), (ssize_t)(hdr + len));
}

static const struct virtio_net_hdr no_offload;

Test(dev, each_size_lands_in_a_buf_that_fits)
{
	static const struct {
		size_t len;
		uint32_t max_cap;
	} t[] = {{14, BUF_SMALL}, {60, BUF_SMALL}, {1514, BUF_SMALL},
	    {BUF_SMALL, BUF_SMALL}, {BUF_SMALL + 1, BUF_CHUNK},
	    {9014, BUF_CHUNK}, {BUF_CHUNK, BUF_CHUNK},
	    {BUF_CHUNK + 1, BUF_FRAME}, {65549, BUF_FRAME}};
	struct rxframe f[4];
	size_t i, j, form;

	for (form = 0; form < 2; form++) {
		make_dev(form, 16 << 20);
		for (i = 0; i < sizeof t / sizeof *t; i++) {
			kernel_sends(form ? &no_offload : NULL, t[i].len);
			cr_assert_eq(dev_rx(dev, f, 4), 1);
			cr_assert_eq(f[0].buf->len, t[i].len);
			cr_assert_leq(f[0].buf->cap, t[i].max_cap);
			for (j = 0; j < t[i].len; j++)
				cr_assert_eq(f[0].buf->data[j], pattern(j));
			cr_assert_not(f[0].off.csum_valid);
			buf_unref(f[0].buf);
		}
		cr_assert_eq(dev_rx(dev, f, 4), 0);
		done();
	}
}

Test(dev, a_burst_is_bounded_and_in_order)
{
	struct rxframe f[3];
	int i;

	make_dev(true, 16 << 20);
	for (i = 0; i < 5; i++)
		kernel_sends(&no_offload, 60 + (size_t)i);
	cr_assert_eq(dev_rx(dev, f, 3), 3);
	for (i = 0; i < 3; i++) {
		cr_assert_eq(f[i].buf->len, 60u + (unsigned)i);
		buf_unref(f[i].buf);
	}
	cr_assert_eq(dev_rx(dev, f, 3), 2);
	buf_unref(f[0].buf);
	buf_unref(f[1].buf);
	done();
}

Test(dev, a_cut_frame_is_counted)
{
	struct rxframe f;

	make_dev(true, 16 << 20);
	kernel_sends(&no_offload, BUF_FRAME);
	kernel_sends(&no_offload, BUF_FRAME + 1);
	kernel_sends(&no_offload, 60);
	cr_assert_eq(dev_rx(dev, &f, 1), 1);
	cr_assert_eq(f.buf->len, 60);
	cr_assert_eq(drops.count[DROP_DEV_RX_TRUNCATED], 2);
	buf_unref(f.buf);
	done();
}

/* Beside the spare, one small buf fits: what needs more is lost and counted,
 * nothing else happens, and reception goes on when memory comes back. */
Test(dev, without_memory_frames_are_counted)
{
	size_t spare = sizeof(struct buf) + BUF_FRAME;
	struct rxframe f[2];

	make_dev(true, spare + sizeof(struct buf) + BUF_SMALL);
	cr_assert_not_null(dev);
	kernel_sends(&no_offload, 1514);
	kernel_sends(&no_offload, 1514);
	kernel_sends(&no_offload, 9000);
	kernel_sends(&no_offload, 40000);
	cr_assert_eq(dev_rx(dev, f, 2), 1);
	cr_assert_eq(drops.count[DROP_DEV_RX_NO_MEMORY], 3);
	buf_unref(f[0].buf);
	kernel_sends(&no_offload, 100);
	cr_assert_eq(dev_rx(dev, f, 2), 1);
	cr_assert_eq(f[0].buf->len, 100);
	buf_unref(f[0].buf);
	done();
}

Test(dev, attach_says_when_memory_is_out)
{
	struct dev_caps caps = {.kind = DEV_TAP};
	struct bufpool *p = bufpool_new(10000);

	cr_assert_null(dev_attach(0, &caps, p, &drops));
	cr_assert_eq(bufpool_used(p), 0);
	bufpool_free(p);
}

Test(dev, headers_that_contradict_the_frame_are_counted)
{
	static const struct virtio_net_hdr bad[] = {
	    {.flags = 4},
	    {.flags = 0x80},
	    {.flags = 1, .csum_start = 13, .csum_offset = 16},
	    {.flags = 1, .csum_start = 34, .csum_offset = 65},
	    {.flags = 1, .csum_start = 65535, .csum_offset = 65535},
	    {.flags = 1, .csum_start = 34, .csum_offset = 65535},
	    {.gso_type = 1, .hdr_len = 54},
	    {.gso_type = 1, .hdr_len = 101, .gso_size = 10},
	    {.gso_type = 1, .hdr_len = 54, .gso_size = 101},
	    {.gso_type = 2, .hdr_len = 54, .gso_size = 10},
	    {.gso_type = 3, .hdr_len = 42, .gso_size = 10},
	    {.gso_type = 5, .hdr_len = 42, .gso_size = 10},
	    {.gso_type = 0x7f, .hdr_len = 42, .gso_size = 10},
	};
	size_t i, n = sizeof bad / sizeof *bad;
	struct rxframe f;

	make_dev(true, 16 << 20);
	for (i = 0; i < n; i++)
		kernel_sends(&bad[i], 100);
	cr_assert_eq(send(kernel, "short", 5, 0), 5);
	cr_assert_eq(dev_rx(dev, &f, 1), 0);
	cr_assert_eq(drops.count[DROP_DEV_RX_HEADER], n + 1);
	done();
}

/* Whatever the header holds, what passes fits the frame. */
Test(dev, any_header_is_safe)
{
	uint8_t h[DEV_VNET_HDR_LEN];
	struct rng rng;
	struct offload o;
	size_t len, j;
	int i, passed = 0;

	rng_init(&rng, 1, 2);
	for (i = 0; i < 300000; i++) {
		len = rng_below(&rng, 65536);
		for (j = 0; j < sizeof h; j++)
			h[j] = (uint8_t)rng_below(&rng, j < 2 ? 6 : 256);
		o = (struct offload){0};
		if (!dev_parse_vnet(h, len, &o))
			continue;
		passed++;
		if (o.needs_csum)
			cr_assert_leq(
			    (size_t)o.csum_start + o.csum_offset + 2, len);
		if (o.gso != GSO_NONE)
			cr_assert(o.gso_size > 0 && o.gso_size <= len &&
				  o.hdr_len <= len);
	}
	cr_assert_gt(passed, 1000);
}

/* A flood of bad frames must not hold the engine in one call. */
Test(dev, one_call_passes_over_a_bounded_number)
{
	static const struct virtio_net_hdr bad = {.flags = 0x80};
	struct rxframe f;
	uint64_t seen = 0;
	int i, calls = 0;

	make_dev(true, 16 << 20);
	for (i = 0; i < 200; i++)
		kernel_sends(&bad, 20);
	do {
		seen = drops.count[DROP_DEV_RX_HEADER];
		cr_assert_eq(dev_rx(dev, &f, 1), 0);
		calls++;
	} while (drops.count[DROP_DEV_RX_HEADER] > seen);
	cr_assert_eq(seen, 200);
	cr_assert_geq(calls, 4);
	done();
}

Test(dev, header_fields_reach_the_stack)
{
	struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN,
	    .hdr_len = 66,
	    .gso_size = 1448,
	    .csum_start = 34,
	    .csum_offset = 16};
	struct rxframe f;

	make_dev(true, 16 << 20);
	kernel_sends(&h, 30000);
	cr_assert_eq(dev_rx(dev, &f, 1), 1);
	cr_assert(f.off.needs_csum && f.off.csum_valid);
	cr_assert_eq(f.off.gso, GSO_TCP4);
	cr_assert_eq(f.off.gso_size, 1448);
	cr_assert_eq(f.off.hdr_len, 66);
	cr_assert_eq(f.off.csum_start, 34);
	cr_assert_eq(f.off.csum_offset, 16);
	buf_unref(f.buf);
	h = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_DATA_VALID};
	kernel_sends(&h, 60);
	cr_assert_eq(dev_rx(dev, &f, 1), 1);
	cr_assert(!f.off.needs_csum && f.off.csum_valid);
	cr_assert_eq(f.off.gso, GSO_NONE);
	buf_unref(f.buf);
	done();
}

static struct txframe
frame_of(unsigned spans, uint8_t *bytes, size_t each)
{
	struct txframe f = {.nspans = spans, .len = spans * each};
	unsigned i;

	for (i = 0; i < spans; i++)
		f.spans[i] = (struct span){bytes + i * each, each};
	return f;
}

Test(dev, spans_leave_as_one_frame)
{
	static uint8_t bytes[FRAME_SPANS * 1600], got[80000];
	struct txframe f = frame_of(FRAME_SPANS, bytes, 1600);
	struct virtio_net_hdr h;
	size_t i;

	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = pattern(i);
	bytes[34 + 13] = 0x80 | 0x10; /* CWR, ACK */
	f.off = (struct offload){.needs_csum = true,
	    .gso = GSO_TCP4,
	    .gso_size = 1460,
	    .hdr_len = 54,
	    .csum_start = 34,
	    .csum_offset = 16};
	make_dev(true, 16 << 20);
	cr_assert_eq(dev_tx(dev, &f), 0);
	cr_assert_eq(recv(kernel, got, sizeof got, 0),
	    (ssize_t)(sizeof h + sizeof bytes));
	memcpy(&h, got, sizeof h);
	cr_assert_eq(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	cr_assert_eq(
	    h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
	cr_assert_eq(h.gso_size, 1460);
	cr_assert_eq(h.hdr_len, 54);
	cr_assert_eq(h.csum_start, 34);
	cr_assert_eq(h.csum_offset, 16);
	cr_assert_eq(memcmp(got + sizeof h, bytes, sizeof bytes), 0);
	done();
}

/* A packet socket's small frames wait for a flush, or for a large one. */
Test(dev, small_frames_leave_in_a_batch_and_in_order)
{
	static uint8_t bytes[9000], got[9100];
	struct txframe small = frame_of(2, bytes, 700),
		       large = frame_of(3, bytes, 3000);
	struct dev_stats st;
	size_t head = sizeof(struct virtio_net_hdr);

	kind = DEV_PACKET;
	make_dev(true, 16 << 20);
	for (unsigned i = 0; i < 3; i++) {
		bytes[0] = (uint8_t)i;
		cr_assert_eq(dev_tx(dev, &small), 0);
	}
	cr_assert_eq(recv(kernel, got, sizeof got, 0), -1);
	bytes[0] = 3;
	cr_assert_eq(dev_tx(dev, &large), 0);
	bytes[0] = 4;
	cr_assert_eq(dev_tx(dev, &small), 0);
	cr_assert_eq(dev_flush(dev), 0);
	cr_assert_eq(dev_flush(dev), 0);
	for (unsigned i = 0; i < 5; i++) {
		cr_assert_eq(recv(kernel, got, sizeof got, 0),
		    (ssize_t)(head + (i == 3 ? 9000 : 1400)));
		cr_assert_eq(got[head], i);
	}
	cr_assert_eq(recv(kernel, got, sizeof got, 0), -1);
	dev_stats(dev, &st);
	cr_assert_eq(st.tx_batches, 1);
	cr_assert_eq(st.tx_batched, 3);
	done();
}

/* What a full device did not take of a batch waits for the next flush. */
Test(dev, a_batch_waits_for_room_and_passes_an_error_over)
{
	static uint8_t bytes[1514];
	struct txframe f = frame_of(1, bytes, sizeof bytes);
	unsigned sent = 0, came = 0;
	int r;

	kind = DEV_PACKET;
	make_dev(false, 16 << 20);
	while ((r = dev_tx(dev, &f)) == 0 && sent < 100000)
		sent++;
	cr_assert_eq(r, -EAGAIN);
	cr_assert_eq(dev_flush(dev), -EAGAIN);
	while ((r = dev_flush(dev)) == -EAGAIN || came < sent) {
		ssize_t n = recv(kernel, bytes, sizeof bytes, 0);

		cr_assert(n == 1514 || (n < 0 && r == -EAGAIN));
		came++;
	}
	cr_assert_eq(came, sent);
	cr_assert_eq(drops.count[DROP_DEV_TX_ERROR], 0);
	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(dev_tx(dev, &f), 0);
	cr_assert_eq(dev_tx(dev, &f), 0);
	shutdown(kernel, SHUT_RD);
	cr_assert_eq(dev_flush(dev), 0);
	cr_assert_eq(drops.count[DROP_DEV_TX_ERROR], 2);
	done();
}

Test(dev, a_full_device_says_again_and_an_error_is_counted)
{
	static uint8_t bytes[1514];
	struct txframe f = frame_of(1, bytes, sizeof bytes);
	unsigned sent = 0;
	int r;

	make_dev(false, 16 << 20);
	while ((r = dev_tx(dev, &f)) == 0 && sent < 100000)
		sent++;
	cr_assert_eq(r, -EAGAIN);
	cr_assert_eq(drops.count[DROP_DEV_TX_ERROR], 0);
	cr_assert_eq(recv(kernel, bytes, sizeof bytes, 0), 1514);
	while (recv(kernel, bytes, sizeof bytes, 0) > 0)
		;
	cr_assert_eq(dev_tx(dev, &f), 0);
	signal(SIGPIPE, SIG_IGN);
	shutdown(kernel, SHUT_RD);
	cr_assert_eq(dev_tx(dev, &f), -EPIPE);
	cr_assert_eq(drops.count[DROP_DEV_TX_ERROR], 1);
	done();
}

Test(dev, offload_on_a_plain_device_is_our_bug, .signal = SIGABRT)
{
	static uint8_t bytes[1514];
	struct txframe f = frame_of(1, bytes, sizeof bytes);

	f.off.needs_csum = true;
	make_dev(false, 16 << 20);
	dev_tx(dev, &f);
}

Test(dev, macs_are_local_unicast_and_stable)
{
	uint8_t a[6], b[6], c[6], d[6];

	dev_mac_from_name(NULL, "tcpd0", a);
	dev_mac_from_name("", "tcpd0", b);
	dev_mac_from_name(NULL, "tcpd1", c);
	dev_mac_from_name("x", "tcpd0", d);
	cr_assert_eq(memcmp(a, b, 6), 0);
	cr_assert_neq(memcmp(a, c, 6), 0);
	cr_assert_neq(memcmp(a, d, 6), 0);
	cr_assert_eq(a[0] & 3, 2);
	cr_assert_eq(c[0] & 3, 2);
}

Test(dev, notes_are_joined_and_cut)
{
	char err[16] = "";

	dev_note(err, sizeof err, "one %d", 1);
	dev_note(err, sizeof err, "two");
	cr_assert_str_eq(err, "one 1; two");
	dev_note(err, sizeof err, "a long third");
	cr_assert_eq(strlen(err), 15);
	dev_note(err, sizeof err, "fourth");
	cr_assert_eq(strlen(err), 15);
}

/* ---- the filter against floods of SYNs; it works on every socket ---- */

#define F_SYN 0x02
#define F_ACK 0x10

/* A broadcast frame with a TCP header; does it come in? */
static bool
tcp_comes_in(bool v6, unsigned port, unsigned flags, unsigned fragment)
{
	uint8_t m[14 + 40 + 20] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t *ip = m + 14, *tcp = ip + (v6 ? 40 : 24);
	bool judged = (flags & 0x17) == F_SYN && fragment == 0;
	struct rxframe f;

	m[12] = v6 ? 0x86 : 0x08;
	m[13] = v6 ? 0xdd : 0x00;
	ip[0] = v6 ? 0x60 : 0x46; /* with options */
	ip[v6 ? 6 : 9] = 6;
	if (!v6)
		ip[7] = (uint8_t)fragment;
	ip[v6 ? 23 : 15] = 77;
	tcp[0] = (uint8_t)(port >> 8);
	tcp[1] = (uint8_t)port;
	tcp[13] = (uint8_t)flags;
	cr_assert_eq(dev_syn_filtered(m, sizeof m), judged);
	for (size_t n = 0; n <= (size_t)(tcp - m) + 13; n++)
		cr_assert_not(dev_syn_filtered(m, n));
	cr_assert_eq(send(kernel, m, sizeof m, 0), (ssize_t)sizeof m);
	if (dev_rx(dev, &f, 1) == 0) {
		cr_assert(judged);
		return false;
	}
	buf_unref(f.buf);
	return true;
}

static unsigned
ports_that_come_in(bool v6, unsigned flags, unsigned fragment)
{
	unsigned n = 0;

	for (unsigned port = 1000; port < 1064; port++)
		n += tcp_comes_in(v6, port, flags, fragment);
	return n;
}

#define KEY 0x9e3779b9

/* All ports of one group and none of another's; which ones says the key. */
static void
groups_of_syns(bool v6)
{
	unsigned times = 0, all = 0, moved = 0, n;

	for (unsigned open = 0; open < 4; open++) {
		cr_assert_eq(dev_syn_filter(dev, 3, open, KEY), 0);
		n = ports_that_come_in(v6, F_SYN, 0);
		cr_assert(n > 4 && n < 32, "%u of 64 in group %u", n, open);
		cr_assert_eq(ports_that_come_in(v6, F_SYN | 0xc0, 0), n);
		all += n;
		times += tcp_comes_in(v6, 5555, F_SYN, 0);
		cr_assert_eq(ports_that_come_in(v6, F_SYN | F_ACK, 0), 64);
		cr_assert_eq(ports_that_come_in(v6, F_ACK, 0), 64);
	}
	cr_assert_eq(all, 64);
	cr_assert_eq(times, 1, "every port has its turn");
	for (uint32_t key = 1; key <= 64; key++) {
		cr_assert_eq(dev_syn_filter(dev, 3, 0, key * KEY), 0);
		moved += tcp_comes_in(v6, 5555, F_SYN, 0);
	}
	cr_assert(moved > 4 && moved < 32, "%u of 64 keys", moved);
}

Test(dev, of_syns_one_group_comes_in)
{
	kind = DEV_PACKET;
	make_dev(false, 16 << 20);
	for (int v6 = 0; v6 < 2; v6++) {
		cr_assert_eq(ports_that_come_in(v6, F_SYN, 0), 64);
		groups_of_syns(v6);
		if (!v6)
			cr_assert_eq(ports_that_come_in(v6, F_SYN, 9), 64);
		cr_assert_eq(dev_syn_filter(dev, 0, 0, KEY), 0);
		cr_assert_eq(ports_that_come_in(v6, F_SYN, 0), 64);
	}
	done();
}
