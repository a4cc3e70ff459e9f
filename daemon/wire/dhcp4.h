/* SPDX-License-Identifier: ISC */
/*
 * DHCP messages (RFC 2131 2, RFC 2132) with the UDP header in front of them:
 * bytes <-> struct.
 */
#ifndef WIRE_DHCP4_H
#define WIRE_DHCP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_DHCP4_SERVER 67 /* ports */
#define WIRE_DHCP4_CLIENT 68
#define WIRE_DHCP4_LEN	  (8 + 300) /* of what emit writes */

enum wire_dhcp4_type {
	WIRE_DHCP4_DISCOVER = 1,
	WIRE_DHCP4_OFFER = 2,
	WIRE_DHCP4_REQUEST = 3,
	WIRE_DHCP4_DECLINE = 4,
	WIRE_DHCP4_ACK = 5,
	WIRE_DHCP4_NAK = 6,
};

/* All in host order; zero is "not there". */
struct wire_dhcp4 {
	uint8_t type;
	uint16_t secs;
	uint32_t xid, ciaddr, yiaddr;
	uint8_t mac[6]; /* of the client */
	/* Options. */
	uint32_t requested, server, mask, router;
	uint32_t lease_s, t1_s, t2_s;
	uint16_t max_len; /* of IP packets that the client takes */
};

/*
 * Reads what a server says; p begins with the UDP header, len ends with the
 * packet.  csum_ok: the checksum need not be looked at.  src and dst, in host
 * order, go into it.  Returns 0, DROP_DHCP_MALFORMED or DROP_DHCP_CHECKSUM.
 */
int wire_dhcp4_parse(const uint8_t *p, size_t len, uint32_t src, uint32_t dst,
    bool csum_ok, struct wire_dhcp4 *out);

/* Writes what a client says, from src to dst; returns WIRE_DHCP4_LEN. */
size_t wire_dhcp4_emit(const struct wire_dhcp4 *m, uint32_t src, uint32_t dst,
    uint8_t p[WIRE_DHCP4_LEN]);

#endif
