/* SPDX-License-Identifier: ISC */
/*
 * What a kind of device has to provide to dev.c; for daemon/dev only.
 */
#ifndef DEV_ADAPTER_H
#define DEV_ADAPTER_H

#include <sys/types.h>
#include <sys/uio.h>
#include <linux/filter.h>
#include "dev/dev.h"

/* The form of the virtio-net header on every device: the first one, without
 * num_buffers, in the host's byte order. */
#define DEV_VNET_HDR_LEN 10

struct txbatch;
struct rxring;
struct xsk;

struct dev {
	int fd;
	const struct dev_ops *ops;
	struct dev_caps caps;
	struct bufpool *bufs;
	struct drops *drops;
	struct dev_stats stats;
	struct buf *spare;     /* BUF_FRAME bytes to read into */
	struct txbatch *batch; /* of a device that has one */
	struct rxring *ring;   /* the same */
	struct xsk *xsk;       /* the same */
};

struct dev_ops {
	/* Further memory that the kind needs: 0 or a negative errno. */
	int (*attach)(struct dev *d);
	void (*detach)(struct dev *d);
	/*
	 * One frame.  Returns 1: in f; 0: one was passed over and counted;
	 * -EAGAIN: there is none now; -ENODEV: the device is gone.
	 */
	int (*rx)(struct dev *d, struct rxframe *f);
	/* -EAGAIN or, when nothing came at all, -ENODEV: is it still there?  */
	int (*idle)(struct dev *d);
	/*
	 * For dev_rx_read(): reads one frame into iov, the header first when
	 * the device has one.  Returns its bytes, or -EAGAIN: none now;
	 * -ENODEV: the device is gone; any other: this one frame is lost.  Sets
	 * off->csum_valid when the device vouches for the checksum beside the
	 * header.
	 */
	ssize_t (*recv)(int fd, struct iovec *iov, int n, struct offload *off);
	/* As dev_tx() and dev_flush(). */
	int (*tx)(struct dev *d, const struct txframe *f);
	int (*flush)(struct dev *d);
	/* Brings d->stats up to date. */
	void (*count)(struct dev *d);
};

extern const struct dev_ops tap_ops, packet_ops, packet_plain_ops,
    packet_ring_ops, packet_plain_ring_ops, xdp_ops;

struct link_facts;
/* An interface must be one on which a station can live: up, Ethernet, of an MTU
 * of at least o->mtu.  0, or a negative errno and the cure. */
int dev_inspect(const struct dev_open *o, struct link_facts *link, char *err,
    size_t errlen);

/* Reading with recv(), and writing at once. */
int dev_rx_read(struct dev *d, struct rxframe *f);
int dev_tx_write(struct dev *d, const struct txframe *f);

/* Passes a received frame over, counted: 0. */
int dev_rx_skip(struct dev *d, enum drop why);

/* dev_tx_write() of small frames later, many at a time (txbatch.c). */
int txbatch_new(struct dev *d);
void txbatch_free(struct dev *d);
int txbatch_tx(struct dev *d, const struct txframe *f);
int txbatch_flush(struct dev *d);

/* The receive ring of a packet socket (rxring.c); opening, for frames of mtu:
 * 0, or a negative errno and no ring. */
int rxring_open(int fd, uint16_t mtu);
int rxring_attach(struct dev *d);
void rxring_detach(struct dev *d);
int rxring_rx(struct dev *d, struct rxframe *f);

/*
 * Between the header on the wire to the device and its meaning.  Parsing fills
 * a zeroed off and is false when a field contradicts the frame's length.
 */
bool dev_parse_vnet(
    const uint8_t hdr[DEV_VNET_HDR_LEN], size_t frame_len, struct offload *off);
void dev_build_vnet(const struct txframe *f, uint8_t hdr[DEV_VNET_HDR_LEN]);

/* The filter of a packet socket: what is for this station (mac). */
#define STATION_CODE 13
unsigned station_code(
    struct sock_filter code[STATION_CODE], const uint8_t mac[6]);

/* A locally administered unicast address, the same each time. */
void dev_mac_from_name(const char *netns, const char *name, uint8_t mac[6]);

/* Adds a line to what err holds already, behind "; ". */
void dev_note(char *err, size_t errlen, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
