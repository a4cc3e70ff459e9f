/* SPDX-License-Identifier: ISC */
/*
 * ICMP for IPv4 (RFC 792, RFC 1191): bytes <-> struct.
 */
#ifndef WIRE_ICMP_H
#define WIRE_ICMP_H

#include <stddef.h>
#include <stdint.h>
#include "wire/checksum.h"
#include "wire/ipv4.h"

#define WIRE_ICMP_HDR 8

enum wire_icmp_type {
	WIRE_ICMP_ECHO_REPLY = 0,
	WIRE_ICMP_UNREACH = 3,
	WIRE_ICMP_SOURCE_QUENCH = 4,
	WIRE_ICMP_REDIRECT = 5,
	WIRE_ICMP_ECHO = 8,
	WIRE_ICMP_TIME_EXCEEDED = 11,
	WIRE_ICMP_PARAM_PROBLEM = 12,
};

/* Codes of WIRE_ICMP_UNREACH. */
enum wire_icmp_unreach {
	WIRE_UNREACH_NET = 0,
	WIRE_UNREACH_HOST = 1,
	WIRE_UNREACH_PROTO = 2,
	WIRE_UNREACH_PORT = 3,
	WIRE_UNREACH_NEEDFRAG = 4, /* rest: the next hop's MTU */
	WIRE_UNREACH_SRCFAIL = 5,
	WIRE_UNREACH_NET_ADMIN = 9,
	WIRE_UNREACH_HOST_ADMIN = 10,
	WIRE_UNREACH_ADMIN = 13,
};

/* Code of WIRE_ICMP_TIME_EXCEEDED. */
#define WIRE_TIME_REASSEMBLY 1

struct wire_icmp {
	uint8_t type, code;
	uint32_t rest;	     /* the header's second word, host order */
	const uint8_t *data; /* behind the header: echo data, the quote */
	size_t len;	     /* of data */
};

/* The packet that an error message quotes: its header and the first 8 bytes of
 * its payload, which for TCP are the ports and the sequence number. */
struct wire_icmp_quote {
	struct wire_ipv4 ip;
	uint16_t sport, dport;
	uint32_t seq;
};

/* Reads and verifies the message; len ends with the IP packet.  Returns 0,
 * DROP_ICMP_MALFORMED or DROP_ICMP_CHECKSUM. */
int wire_icmp_parse(const uint8_t *p, size_t len, struct wire_icmp *out);

/* Both with a sum c of what comes before, ICMPv6's pseudo header. */
int wire_icmp_parse_sum(
    const uint8_t *p, size_t len, struct wire_csum c, struct wire_icmp *out);
size_t wire_icmp_emit_sum(
    const struct wire_icmp *m, struct wire_csum c, uint8_t hdr[WIRE_ICMP_HDR]);

/* Reads the quote of an error message.  Returns 0 or DROP_ICMP_MALFORMED. */
int wire_icmp_quote(const struct wire_icmp *m, struct wire_icmp_quote *out);

/* Writes the header; its checksum covers data, which the caller sends right
 * behind it.  Returns 8. */
size_t wire_icmp_emit(const struct wire_icmp *m, uint8_t hdr[WIRE_ICMP_HDR]);

#endif
