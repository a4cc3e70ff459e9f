/* SPDX-License-Identifier: ISC */
/*
 * ARP (RFC 826), only for IPv4 addresses over Ethernet ones, only requests and
 * replies.  A sender whose hardware address is a group's is malformed (RFC
 * 1812 3.3.2 asks not to believe it).
 */
#include "wire/arp.h"

#include <string.h>
#include "base/drop.h"
#include "wire/bytes.h"

#define HRD_ETHERNET 1

int
wire_arp_parse(const uint8_t *p, size_t len, struct wire_arp *out)
{
	if (len < WIRE_ARP_LEN)
		return DROP_ARP_MALFORMED;
	if (get16(p) != HRD_ETHERNET || get16(p + 2) != WIRE_ETHER_IPV4 ||
	    p[4] != WIRE_ETHER_ADDR || p[5] != 4)
		return DROP_ARP_MALFORMED;
	out->op = get16(p + 6);
	if (out->op != WIRE_ARP_REQUEST && out->op != WIRE_ARP_REPLY)
		return DROP_ARP_MALFORMED;
	if (p[8] & 1)
		return DROP_ARP_MALFORMED;
	memcpy(out->sha, p + 8, WIRE_ETHER_ADDR);
	out->spa = get32(p + 14);
	memcpy(out->tha, p + 18, WIRE_ETHER_ADDR);
	out->tpa = get32(p + 24);
	return 0;
}

size_t
wire_arp_emit(const struct wire_arp *h, uint8_t pkt[WIRE_ARP_LEN])
{
	put16(pkt, HRD_ETHERNET);
	put16(pkt + 2, WIRE_ETHER_IPV4);
	pkt[4] = WIRE_ETHER_ADDR;
	pkt[5] = 4;
	put16(pkt + 6, h->op);
	memcpy(pkt + 8, h->sha, WIRE_ETHER_ADDR);
	put32(pkt + 14, h->spa);
	memcpy(pkt + 18, h->tha, WIRE_ETHER_ADDR);
	put32(pkt + 24, h->tpa);
	return WIRE_ARP_LEN;
}
