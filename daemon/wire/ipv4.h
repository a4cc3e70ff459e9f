/* SPDX-License-Identifier: ISC */
/*
 * The IPv4 header (RFC 791 3.1): bytes <-> struct.
 */
#ifndef WIRE_IPV4_H
#define WIRE_IPV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_IPV4_HDR_MIN  20
#define WIRE_IPV4_HDR_MAX  60
#define WIRE_IPV4_CSUM_OFF 10

#define WIRE_PROTO_ICMP 1
#define WIRE_PROTO_TCP	6
#define WIRE_PROTO_UDP	17

/* All in host order; lengths and offsets in bytes. */
struct wire_ipv4 {
	uint8_t ihl; /* header length; set by parse, ignored by emit */
	uint8_t tos;
	uint16_t total_len;
	uint16_t id;
	bool df, mf;
	uint16_t frag_off;
	uint8_t ttl, proto;
	uint16_t csum; /* as it stood; emit computes it */
	uint32_t src, dst;
	bool source_route; /* there is an LSRR or SSRR option */
};

/*
 * Reads and verifies the header at p, checksum and options included; len is
 * what is there, header and payload.  Bytes past total_len are padding.
 * Returns 0, DROP_IP_SHORT, DROP_IP_VERSION, DROP_IP_CHECKSUM or
 * DROP_IP_OPTION.
 */
int wire_ipv4_parse(const uint8_t *p, size_t len, struct wire_ipv4 *out);

/*
 * The same for the header that an ICMP error quotes: only the header must be
 * there, total_len may promise more, the checksum is not looked at.
 */
int wire_ipv4_parse_quote(const uint8_t *p, size_t len, struct wire_ipv4 *out);

/* Writes a header without options, checksum filled in.  Returns 20. */
size_t wire_ipv4_emit(
    const struct wire_ipv4 *h, uint8_t hdr[WIRE_IPV4_HDR_MIN]);

#endif
