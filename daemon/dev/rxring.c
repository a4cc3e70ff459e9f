/* SPDX-License-Identifier: ISC */
/*
 * The receive ring of a packet socket (packet_mmap, TPACKET_V2): the kernel
 * puts each frame into the next slot of memory that both sides see, and no
 * system call fetches it.  Slots hold what a link of the interface's MTU
 * carries.  A larger frame (64 KiB of a veth's peer, or merged by GRO) leaves
 * its beginning in the slot and, for PACKET_COPY_THRESH is set, itself in the
 * socket's queue, in the same order; it is read from there.
 *
 * TPACKET_V3 packs frames tighter, but hands out whole blocks, and a block that
 * is not full only when a timer of a millisecond or more expires: a reply would
 * wait for it.  So it is version 2, where each frame can be seen at once.
 *
 * Payload may wait long for its reader and slots are few, so a frame is copied
 * into a buf of its size and its slot goes back at once.  All slots together
 * are RING_BYTES: memory that is not swapped.
 *
 * Trusts the kernel for the slots' state; lengths are checked all the same.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <linux/if_packet.h>
#include "dev/adapter.h"

#define RING_BYTES ((size_t)4 << 20)
#define BLOCK	   (64u << 10)
#define SLOT_MIN   2048u
#define SLOT_MAX   16384u
/* The kernel's head of a slot, virtio-net's and Ethernet's with a tag. */
#define SLOT_HEAD  128u

struct rxring {
	uint8_t *base;
	unsigned next, nslots, slot_bytes;
};

static unsigned
slot_bytes(uint16_t mtu)
{
	unsigned n = SLOT_MIN;

	while (n < SLOT_MAX && n < mtu + SLOT_HEAD)
		n *= 2;
	return n;
}

int
rxring_open(int fd, uint16_t mtu)
{
	struct tpacket_req req = {.tp_block_size = BLOCK,
	    .tp_block_nr = RING_BYTES / BLOCK,
	    .tp_frame_size = slot_bytes(mtu),
	    .tp_frame_nr = (unsigned)(RING_BYTES / slot_bytes(mtu))};
	int version = TPACKET_V2, one = 1;

	if (setsockopt(
		fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_COPY_THRESH, &one, sizeof one) <
		0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof req) < 0)
		return -errno;
	return 0;
}

int
rxring_attach(struct dev *d)
{
	struct rxring *r = calloc(1, sizeof *r);
	void *p;

	if (!r || txbatch_new(d) < 0)
		goto fail;
	p = mmap(
	    NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
	if (p == MAP_FAILED) {
		txbatch_free(d);
		goto fail;
	}
	r->base = p;
	r->slot_bytes = slot_bytes(d->caps.mtu);
	r->nslots = (unsigned)(RING_BYTES / r->slot_bytes);
	d->ring = r;
	return 0;
fail:
	free(r);
	return -ENOMEM;
}

void
rxring_detach(struct dev *d)
{
	munmap(d->ring->base, RING_BYTES);
	free(d->ring);
	txbatch_free(d);
}

/* The frame in a slot. */
static int
take(struct dev *d, const struct tpacket2_hdr *h, uint32_t status,
    struct rxframe *f)
{
	size_t mac = h->tp_mac, len = h->tp_snaplen;
	size_t head = d->caps.vnet_hdr ? DEV_VNET_HDR_LEN : 0;
	const uint8_t *frame = (const uint8_t *)h + mac;

	if (status & TP_STATUS_COPY) {
		int r = dev_rx_read(d, f);

		if (r != -EAGAIN)
			return r;
	}
	if (len < h->tp_len)
		return dev_rx_skip(d, DROP_DEV_RX_TRUNCATED);
	if (mac < sizeof *h + head || mac + len > d->ring->slot_bytes)
		return dev_rx_skip(d, DROP_DEV_RX_HEADER);
	f->off = (struct offload){
	    .csum_valid =
		status & (TP_STATUS_CSUMNOTREADY | TP_STATUS_CSUM_VALID)};
	if (head != 0 && !dev_parse_vnet(frame - head, len, &f->off))
		return dev_rx_skip(d, DROP_DEV_RX_HEADER);
	f->buf = buf_alloc(d->bufs, len);
	if (!f->buf)
		return dev_rx_skip(d, DROP_DEV_RX_NO_MEMORY);
	memcpy(f->buf->data, frame, len);
	f->buf->len = (uint32_t)len;
	return 1;
}

int
rxring_rx(struct dev *d, struct rxframe *f)
{
	struct rxring *r = d->ring;
	struct tpacket2_hdr *h =
	    (void *)(r->base + (size_t)r->next * r->slot_bytes);
	uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);
	int rc;

	if (!(status & TP_STATUS_USER))
		return -EAGAIN;
	rc = take(d, h, status, f);
	__atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	r->next = r->next + 1 < r->nslots ? r->next + 1 : 0;
	return rc;
}
