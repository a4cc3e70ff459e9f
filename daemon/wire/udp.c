/* SPDX-License-Identifier: ISC */
/* UDP's header; see udp.h. */
#include "wire/udp.h"

#include "base/drop.h"
#include "wire/bytes.h"

int
wire_udp_parse(const uint8_t *p, size_t len, struct wire_udp *out)
{
	if (len < WIRE_UDP_HDR)
		return DROP_UDP_SHORT;
	*out = (struct wire_udp){.sport = get16(p),
	    .dport = get16(p + 2),
	    .len = get16(p + 4),
	    .csum = get16(p + WIRE_UDP_CSUM_OFF)};
	return out->len < WIRE_UDP_HDR || out->len > len ? DROP_UDP_SHORT : 0;
}

size_t
wire_udp_emit(const struct wire_udp *h, uint8_t hdr[WIRE_UDP_HDR])
{
	put16(hdr, h->sport);
	put16(hdr + 2, h->dport);
	put16(hdr + 4, h->len);
	put16(hdr + WIRE_UDP_CSUM_OFF, h->csum);
	return WIRE_UDP_HDR;
}
