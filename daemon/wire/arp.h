/* SPDX-License-Identifier: ISC */
/*
 * ARP for IPv4 over Ethernet (RFC 826): bytes <-> struct.
 */
#ifndef WIRE_ARP_H
#define WIRE_ARP_H

#include <stddef.h>
#include <stdint.h>
#include "wire/ether.h"

#define WIRE_ARP_LEN 28

#define WIRE_ARP_REQUEST 1
#define WIRE_ARP_REPLY	 2

/* sender and target; hardware and protocol addresses, the latter in host
 * order. */
struct wire_arp {
	uint16_t op;
	uint8_t sha[WIRE_ETHER_ADDR], tha[WIRE_ETHER_ADDR];
	uint32_t spa, tpa;
};

/* Returns 0 or DROP_ARP_MALFORMED.  Padding behind the packet is fine. */
int wire_arp_parse(const uint8_t *p, size_t len, struct wire_arp *out);
size_t wire_arp_emit(const struct wire_arp *h, uint8_t pkt[WIRE_ARP_LEN]);

#endif
