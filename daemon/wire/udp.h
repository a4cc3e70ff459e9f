/* SPDX-License-Identifier: ISC */
/*
 * The UDP header (RFC 768): bytes <-> struct.  The checksum is the caller's,
 * who knows what a device vouches for.
 */
#ifndef WIRE_UDP_H
#define WIRE_UDP_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_UDP_HDR	  8
#define WIRE_UDP_CSUM_OFF 6

struct wire_udp {
	uint16_t sport, dport;
	uint16_t len; /* of header and payload */
	uint16_t csum;
};

/* Reads the header; len ends with the IP packet, which may go on behind the
 * datagram.  Returns 0 or DROP_UDP_SHORT. */
int wire_udp_parse(const uint8_t *p, size_t len, struct wire_udp *out);
/* Returns 8. */
size_t wire_udp_emit(const struct wire_udp *h, uint8_t hdr[WIRE_UDP_HDR]);

#endif
