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

struct dev_ops {
	/*
	 * Reads one frame into iov, the header first when the device has one.
	 * Returns its bytes, or -EAGAIN: none now; -ENODEV: the device is
	 * gone; any other: this one frame is lost.  Sets off->csum_valid when
	 * the device vouches for the checksum beside the header.
	 */
	ssize_t (*recv)(int fd, struct iovec *iov, int n, struct offload *off);
};

extern const struct dev_ops tap_ops, packet_ops, packet_plain_ops;

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
