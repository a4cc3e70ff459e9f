/* SPDX-License-Identifier: ISC */
/*
 * The Ethernet II header (RFC 894): two station addresses and a type.  VLAN
 * tags and LLC frames show up as types that the stack does not speak.
 */
#include "wire/ether.h"

#include <string.h>
#include "base/drop.h"
#include "wire/bytes.h"

int
wire_ether_parse(const uint8_t *p, size_t len, struct wire_ether *out)
{
	if (len < WIRE_ETHER_LEN)
		return DROP_ETH_SHORT;
	*out =
	    (struct wire_ether){.type = get16(p + 12), .len = WIRE_ETHER_LEN};
	memcpy(out->dst, p, WIRE_ETHER_ADDR);
	memcpy(out->src, p + 6, WIRE_ETHER_ADDR);
	if (out->type != WIRE_ETHER_VLAN)
		return 0;
	if (len < WIRE_ETHER_MAX)
		return DROP_ETH_SHORT;
	out->vlan = get16(p + 14) & 0xfff;
	out->type = get16(p + 16);
	out->len = WIRE_ETHER_MAX;
	return 0;
}

size_t
wire_ether_emit(const struct wire_ether *h, uint8_t *hdr)
{
	size_t n = 12;

	memcpy(hdr, h->dst, WIRE_ETHER_ADDR);
	memcpy(hdr + 6, h->src, WIRE_ETHER_ADDR);
	if (h->vlan != 0) {
		put16(hdr + 12, WIRE_ETHER_VLAN);
		put16(hdr + 14, h->vlan);
		n = 16;
	}
	put16(hdr + n, h->type);
	return n + 2;
}
