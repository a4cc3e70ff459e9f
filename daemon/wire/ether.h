/* SPDX-License-Identifier: ISC */
/*
 * The Ethernet II header, perhaps with an 802.1Q tag: bytes <-> struct.
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
#define WIRE_ETHER_VLAN 0x8100

#define WIRE_ETHER_TAG	4
#define WIRE_ETHER_MAX	(WIRE_ETHER_LEN + WIRE_ETHER_TAG)
#define WIRE_ETHER_VIDS 4095 /* the first number that is no VLAN's */

struct wire_ether {
	uint8_t dst[WIRE_ETHER_ADDR], src[WIRE_ETHER_ADDR];
	uint16_t type; /* of what is behind a tag */
	uint16_t vlan; /* 0: no tag, or one of priority alone */
	uint8_t len;   /* of the header; set by parse, ignored by emit */
};

/* Returns 0 or DROP_ETH_SHORT. */
int wire_ether_parse(const uint8_t *p, size_t len, struct wire_ether *out);
/* Returns 14, or 18 when h->vlan is not 0. */
size_t wire_ether_emit(const struct wire_ether *h, uint8_t *hdr);

#endif
