/* SPDX-License-Identifier: ISC */
/*
 * A device carries Ethernet frames in bursts.  TAP, AF_PACKET and the others
 * are vtables behind this; whoever opened the descriptor (the parent) and
 * whoever moves frames (the engine) are different processes, so opening and
 * attaching are two steps.
 */
#ifndef DEV_DEV_H
#define DEV_DEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/drop.h"
#include "base/frame.h"

/* What a descriptor turned out to be able to do; plain data, passed from the
 * parent to the engine beside the descriptor. */
struct dev_caps {
	uint8_t kind;	/* enum dev_kind */
	bool vnet_hdr;	/* frames carry virtio-net headers */
	bool csum;	/* fills in and vouches for checksums */
	bool tso, gro;	/* 64 KiB TCP/IPv4 frames out, in (gso may be 0) */
	bool rx_ring;	/* frames come in memory shared with the kernel */
	bool zero_copy; /* DEV_XDP, once attached: the driver copies nothing */
	uint16_t mtu;
	uint32_t ifindex; /* DEV_XDP: in its namespace */
	uint8_t mac[6];	  /* the station's own address */
	char name[16];
};

enum dev_kind {
	DEV_TAP = 1,
	DEV_PACKET,
	DEV_XDP,
};

struct dev_open {
	const char *name;    /* "tcpd0" */
	const char *netns;   /* NULL: ours; a name under /run/netns or a path */
	uint16_t mtu;	     /* 0: keep */
	uint32_t txqueuelen; /* 0: keep */
	bool offload;	     /* try virtio-net headers and TSO (probed) */
	bool ring;	     /* packet_open(): try a receive ring */
	bool multi_queue;
	bool have_mac; /* else one is made from the name */
	uint8_t mac[6];
};

/*
 * Opening (the parent; root or the owner of the user namespace).  Returns a
 * non-blocking descriptor, or a negative errno with one line in err that names
 * the cause and the cure.  On success err is empty or says what the kernel
 * refused and what that means; caps tell the same to the program.
 *
 * tap_open() makes the interface or attaches to a persistent one, sets MTU and
 * queue length and brings it up.  The kernel's side of it keeps its own MAC.
 *
 * packet_open() takes an existing interface that is up; it keeps the queue
 * length, and mtu may only lower what is used of the interface's.  Without mac
 * tcpd shares the interface's own address: for interfaces that carry nothing
 * of the kernel's.  With mac it is another station on the same wire; the
 * interface gets promiscuous, and the kernel never mistakes its frames.
 *
 * xdp_open() takes one too, or its first queue: frames for our station and for
 * groups do not reach the kernel.
 */
int tap_open(
    const struct dev_open *o, struct dev_caps *caps, char *err, size_t errlen);
int packet_open(
    const struct dev_open *o, struct dev_caps *caps, char *err, size_t errlen);
/* *link: a descriptor that has to stay open as long as the device is used. */
int xdp_open(const struct dev_open *o, struct dev_caps *caps, int *link,
    char *err, size_t errlen);

/* Counts since attaching, and what the kernel says of its side. */
struct dev_stats {
	uint64_t rx_lost;    /* frames for which its queue had no room */
	uint64_t tx_batches; /* system calls that sent several frames */
	uint64_t tx_batched; /* those frames */
};

struct dev;

/* Attaching (the engine): takes fd over; on NULL, with errno, fd stays the
 * caller's. */
struct dev *dev_attach(int fd, const struct dev_caps *caps,
    struct bufpool *bufs, struct drops *drops);
void dev_close(struct dev *d);
int dev_fd(const struct dev *d);
const struct dev_caps *dev_caps(const struct dev *d);

/*
 * Up to max received frames; the caller owns each frame's buf.  Malformed
 * frames are counted and skipped, so are frames for which there is no memory:
 * whoever fills the pool must leave room for reception, or no ACK comes in.
 * Returns the number; less than max: there are none now, or many were skipped
 * (the descriptor is still readable then); -ENODEV when the device is gone.
 */
int dev_rx(struct dev *d, struct rxframe *frames, unsigned max);

/*
 * Sends one frame, at once or with the next dev_flush(), which must follow the
 * last of several: its spans are not needed any more in either case.  Returns
 * 0; -EAGAIN when the device is full (wait for it to be writable and send the
 * same frame again); another negative errno when the frame was refused
 * (counted; go on with the next).
 */
int dev_tx(struct dev *d, const struct txframe *f);

/* Returns 0, -EAGAIN when the device is full: wait for it to be writable and
 * flush again; or -ENODEV when it is known to be gone. */
int dev_flush(struct dev *d);

void dev_stats(struct dev *d, struct dev_stats *out);

/*
 * From now on, of the SYNs that open connections, only those of the group
 * `open` come in, 0 to mask, which is a power of two less one and at most 255;
 * mask 0: all.  The key, any number, says which SYNs are of one group.
 * Returns 0 or a negative errno: the kernel refused it, all is as it was.
 */
int dev_syn_filter(struct dev *d, uint32_t mask, uint32_t open, uint32_t key);

/* Is a frame such as dev_syn_filter() may keep away? */
bool dev_syn_filtered(const uint8_t *frame, size_t len);

#endif
