/* SPDX-License-Identifier: ISC */
/*
 * What travels between the stack and a device: frames with the offload facts
 * that go along with them.  The meanings are those of virtio-net's header
 * (VIRTIO 1.2, 5.1.6), in host order, so that a TAP or AF_PACKET device with
 * that header copies them through and any other device can emulate them.
 */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum offload_gso {
	GSO_NONE = 0,
	GSO_TCP4 = 1,
	GSO_TCP6 = 4,
};

struct offload {
	bool needs_csum;   /* fill in the checksum at csum_start+csum_offset */
	bool csum_valid;   /* input: the device vouches for the checksum */
	uint8_t gso;	   /* enum offload_gso */
	uint16_t gso_size; /* payload bytes of each segment */
	uint16_t hdr_len;  /* Ethernet, IP and TCP headers together */
	uint16_t csum_start;
	uint16_t csum_offset;
};

/* The same layout as struct iovec; the device adapters assert that. */
struct span {
	void *base;
	size_t len;
};

/* A 64 KiB segment out of BUF_SMALL bufs plus one span of headers. */
#define FRAME_SPANS 40
#define FRAME_HDR   160

/* One frame to send.  Spans point into the stack's memory and are good until
 * the next call into the stack. */
struct txframe {
	struct offload off;
	unsigned nspans;
	size_t len; /* the sum over spans */
	struct span spans[FRAME_SPANS];
	uint8_t hdr[FRAME_HDR]; /* spans[0] usually points here */
};

/* One received frame; whoever takes it owns one reference to buf. */
struct rxframe {
	struct offload off;
	struct buf *buf; /* bytes 0..buf->len from the Ethernet header on */
};

#endif
