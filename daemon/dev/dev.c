/* SPDX-License-Identifier: ISC */
/*
 * Moving frames between a device's descriptor and bufs.
 *
 * Receiving: the size of a frame is known only after reading it, and a queued
 * small payload must not pin 64 KiB.  So each frame is read into a spare large
 * buf.  A frame of more than BUF_CHUNK bytes leaves in it, uncopied; a smaller
 * one is copied into a buf that fits.  (Scattering the read over a small and a
 * large spare, to spare ordinary frames that copy, was measured: no faster at
 * 66 and 1514 bytes, slower at 4000 and at 64 KiB.)  The spare is replaced
 * before it is given away, and when there is no memory the frame is dropped:
 * reading always has a place to read to.
 *
 * Trusts the kernel for delivering whole frames and nothing else: each field
 * of a virtio-net header is checked against the frame (VIRTIO 1.2, 5.1.6.4.1;
 * hdr_len is a hint there and stays one).  What the stack asks to send, on the
 * other hand, is ours: a request beyond the device's capabilities is a bug.
 */
#include "config.h"

#include "dev/dev.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/virtio_net.h>
#include "base/check.h"
#include "dev/adapter.h"

_Static_assert(
    sizeof(struct span) == sizeof(struct iovec) &&
	offsetof(struct span, base) == offsetof(struct iovec, iov_base) &&
	offsetof(struct span, len) == offsetof(struct iovec, iov_len),
    "struct span is a struct iovec");
_Static_assert(sizeof(struct virtio_net_hdr) == DEV_VNET_HDR_LEN,
    "struct virtio_net_hdr has no padding");
_Static_assert((int)GSO_TCP4 == VIRTIO_NET_HDR_GSO_TCPV4 &&
		   (int)GSO_TCP6 == VIRTIO_NET_HDR_GSO_TCPV6,
    "enum offload_gso has virtio-net's values");

#define ETHER_LEN 14
#define TCP_FLAGS 13 /* offset of the flag byte in a TCP header */
#define TCP_CWR	  0x80

/* Lost and malformed frames that one dev_rx() passes over at most. */
#define RX_SKIP_MAX 64

void
dev_note(char *err, size_t errlen, const char *fmt, ...)
{
	size_t used = strlen(err);
	va_list ap;

	if (used && used + 2 < errlen) {
		memcpy(err + used, "; ", 3);
		used += 2;
	}
	va_start(ap, fmt);
	vsnprintf(err + used, errlen - used, fmt, ap);
	va_end(ap);
}

static const struct dev_ops *
ops_of(const struct dev_caps *caps)
{
	if (caps->kind == DEV_TAP)
		return &tap_ops;
	if (caps->kind == DEV_XDP)
		return &xdp_ops;
	CHECK(caps->kind == DEV_PACKET);
	if (caps->rx_ring)
		return caps->vnet_hdr ? &packet_ring_ops
				      : &packet_plain_ring_ops;
	return caps->vnet_hdr ? &packet_ops : &packet_plain_ops;
}

struct dev *
dev_attach(int fd, const struct dev_caps *caps, struct bufpool *bufs,
    struct drops *drops)
{
	struct dev *d = calloc(1, sizeof *d);
	int e = -ENOMEM;

	if (!d)
		return NULL;
	d->fd = fd;
	d->ops = ops_of(caps);
	d->caps = *caps;
	d->bufs = bufs;
	d->drops = drops;
	d->spare = buf_alloc(bufs, BUF_FRAME);
	if (d->spare && (!d->ops->attach || (e = d->ops->attach(d)) == 0))
		return d;
	if (d->spare)
		buf_unref(d->spare);
	free(d);
	errno = -e;
	return NULL;
}

void
dev_close(struct dev *d)
{
	if (d->ops->detach)
		d->ops->detach(d);
	close(d->fd);
	buf_unref(d->spare);
	free(d);
}

int
dev_fd(const struct dev *d)
{
	return d->fd;
}

const struct dev_caps *
dev_caps(const struct dev *d)
{
	return &d->caps;
}

bool
dev_parse_vnet(
    const uint8_t hdr[DEV_VNET_HDR_LEN], size_t frame_len, struct offload *off)
{
	struct virtio_net_hdr h;
	uint8_t gso;

	memcpy(&h, hdr, sizeof h);
	gso = h.gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	if (h.flags &
	    ~(VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID))
		return false;
	if (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (h.csum_start < ETHER_LEN ||
		    (size_t)h.csum_start + h.csum_offset + 2 > frame_len)
			return false;
		off->needs_csum = true;
		off->csum_start = h.csum_start;
		off->csum_offset = h.csum_offset;
	}
	if (gso != GSO_NONE) {
		if ((gso != GSO_TCP4 && gso != GSO_TCP6) || h.gso_size == 0 ||
		    h.gso_size > frame_len || h.hdr_len > frame_len)
			return false;
		off->gso = gso;
		off->gso_size = h.gso_size;
		off->hdr_len = h.hdr_len;
	}
	off->csum_valid = h.flags != 0;
	return true;
}

void
dev_build_vnet(const struct txframe *f, uint8_t hdr[DEV_VNET_HDR_LEN])
{
	const struct offload *o = &f->off;
	struct virtio_net_hdr h = {0};
	size_t flags_at = (size_t)o->csum_start + TCP_FLAGS;

	if (o->needs_csum) {
		h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h.csum_start = o->csum_start;
		h.csum_offset = o->csum_offset;
	}
	if (o->gso != GSO_NONE) {
		h.gso_type = o->gso;
		h.gso_size = o->gso_size;
		h.hdr_len = o->hdr_len;
		/* RFC 3168 6.1.2: CWR belongs to the first segment only. */
		if (flags_at < f->spans[0].len &&
		    ((const uint8_t *)f->spans[0].base)[flags_at] & TCP_CWR)
			h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	}
	memcpy(hdr, &h, sizeof h);
}

/* The len bytes in the spare as a buf of their own, which is the spare itself
 * when they fill it well; NULL when memory is out. */
static struct buf *
take_frame(struct dev *d, size_t len)
{
	struct buf *b = NULL;

	if (len <= BUF_CHUNK && (b = buf_alloc(d->bufs, len))) {
		memcpy(b->data, d->spare->data, len);
	} else if (len > BUF_SMALL) {
		struct buf *fresh = buf_alloc(d->bufs, BUF_FRAME);

		if (fresh) {
			b = d->spare;
			d->spare = fresh;
		}
	}
	if (b)
		b->len = (uint32_t)len;
	return b;
}

int
dev_rx_skip(struct dev *d, enum drop why)
{
	drop_count(d->drops, why);
	return 0;
}

int
dev_rx_read(struct dev *d, struct rxframe *f)
{
	uint8_t hdr[DEV_VNET_HDR_LEN];
	struct iovec iov[2] = {{hdr, sizeof hdr}, {d->spare->data, BUF_FRAME}};
	int first = d->caps.vnet_hdr ? 0 : 1;
	ssize_t n;

	f->off = (struct offload){0};
	n = d->ops->recv(d->fd, iov + first, 2 - first, &f->off);
	if (n == -EAGAIN || n == -ENODEV)
		return (int)n;
	if (d->caps.vnet_hdr)
		n -= DEV_VNET_HDR_LEN;
	if (n < 0)
		return dev_rx_skip(d, DROP_DEV_RX_HEADER);
	if (n >= BUF_FRAME) /* larger than any legal frame: cut off */
		return dev_rx_skip(d, DROP_DEV_RX_TRUNCATED);
	if (d->caps.vnet_hdr && !dev_parse_vnet(hdr, (size_t)n, &f->off))
		return dev_rx_skip(d, DROP_DEV_RX_HEADER);
	f->buf = take_frame(d, (size_t)n);
	return f->buf ? 1 : dev_rx_skip(d, DROP_DEV_RX_NO_MEMORY);
}

int
dev_rx(struct dev *d, struct rxframe *frames, unsigned max)
{
	unsigned n = 0, skipped = 0;
	int r;

	while (n < max && skipped < RX_SKIP_MAX) {
		r = d->ops->rx(d, &frames[n]);
		if (r == 1)
			n++;
		else if (r == 0)
			skipped++;
		else if (r == -EAGAIN || n > 0)
			break;
		else
			return r;
	}
	if (n == 0 && skipped == 0 && d->ops->idle &&
	    d->ops->idle(d) == -ENODEV)
		return -ENODEV;
	return (int)n;
}

int
dev_tx_write(struct dev *d, const struct txframe *f)
{
	uint8_t hdr[DEV_VNET_HDR_LEN];
	struct iovec iov[1 + FRAME_SPANS] = {{hdr, sizeof hdr}};
	int first = d->caps.vnet_hdr ? 0 : 1;
	ssize_t n;

	memcpy(iov + 1, f->spans, f->nspans * sizeof *iov);
	if (d->caps.vnet_hdr)
		dev_build_vnet(f, hdr);
	do
		n = writev(d->fd, iov + first, (int)f->nspans + 1 - first);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	if (errno == EAGAIN)
		return -EAGAIN;
	n = -errno;
	drop_count(d->drops, DROP_DEV_TX_ERROR);
	return (int)n;
}

int
dev_tx(struct dev *d, const struct txframe *f)
{
	CHECK(f->nspans > 0 && f->nspans <= FRAME_SPANS);
	CHECK(!f->off.needs_csum || d->caps.csum);
	CHECK(f->off.gso == GSO_NONE ||
	      (d->caps.tso && f->off.gso_size > 0 && f->off.needs_csum));
	return d->ops->tx(d, f);
}

int
dev_flush(struct dev *d)
{
	return d->ops->flush ? d->ops->flush(d) : 0;
}

void
dev_stats(struct dev *d, struct dev_stats *out)
{
	if (d->ops->count)
		d->ops->count(d);
	*out = d->stats;
}
