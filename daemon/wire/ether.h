/* SPDX-License-Identifier: ISC */
/*
 * The Ethernet II header: bytes <-> struct.
 */
#ifndef WIRE_ETHER_H
#define WIRE_ETHER_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_ETHER_LEN	14
#define WIRE_ETHER_ADDR 6

#define WIRE_ETHER_IPV4 0x0800
#define WIRE_ETHER_ARP	0x0806
#define WIRE_ETHER_IPV6 0x86dd

struct wire_ether {
	uint8_t dst[WIRE_ETHER_ADDR], src[WIRE_ETHER_ADDR];
	uint16_t type;
};

/* Returns 0 or DROP_ETH_SHORT. */
int wire_ether_parse(const uint8_t *p, size_t len, struct wire_ether *out);
size_t wire_ether_emit(const struct wire_ether *h, uint8_t hdr[WIRE_ETHER_LEN]);

#endif
