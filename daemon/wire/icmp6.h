/* SPDX-License-Identifier: ISC */
/*
 * ICMPv6 (RFC 4443) and the options of neighbour discovery (RFC 4861 4.6):
 * bytes <-> struct.  The message is a struct wire_icmp as in version 4; the
 * checksum covers a pseudo header here.
 */
#ifndef WIRE_ICMP6_H
#define WIRE_ICMP6_H

#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"

enum wire_icmp6_type {
	WIRE_ICMP6_UNREACH = 1,
	WIRE_ICMP6_TOO_BIG = 2, /* rest: the next hop's MTU */
	WIRE_ICMP6_TIME_EXCEEDED = 3,
	WIRE_ICMP6_PARAM_PROBLEM = 4, /* rest: the pointer */
	WIRE_ICMP6_INFO = 128,	      /* from here on: no errors */
	WIRE_ICMP6_ECHO = 128,
	WIRE_ICMP6_ECHO_REPLY = 129,
	WIRE_ICMP6_MLD_QUERY = 130,
	WIRE_ICMP6_MLD_REPORT = 131,
	WIRE_ICMP6_MLD_DONE = 132,
	WIRE_ICMP6_RS = 133,
	WIRE_ICMP6_RA = 134,
	WIRE_ICMP6_NS = 135,
	WIRE_ICMP6_NA = 136,
	WIRE_ICMP6_REDIRECT = 137,
	WIRE_ICMP6_MLD2_REPORT = 143,
};

/* Codes of WIRE_ICMP6_UNREACH. */
enum wire_icmp6_unreach {
	WIRE_UNREACH6_ROUTE = 0,
	WIRE_UNREACH6_ADMIN = 1,
	WIRE_UNREACH6_SCOPE = 2,
	WIRE_UNREACH6_ADDR = 3,
	WIRE_UNREACH6_PORT = 4,
	WIRE_UNREACH6_POLICY = 5,
	WIRE_UNREACH6_REJECT = 6,
};

/* Codes of WIRE_ICMP6_PARAM_PROBLEM. */
#define WIRE_PARAM6_NEXT       1
#define WIRE_PARAM6_INCOMPLETE 3 /* RFC 7112 */

/* Code of WIRE_ICMP6_TIME_EXCEEDED. */
#define WIRE_TIME6_REASSEMBLY 1

/* As wire_icmp_parse(), between src and dst. */
int wire_icmp6_parse(const uint8_t *p, size_t len, const struct ipaddr *src,
    const struct ipaddr *dst, struct wire_icmp *out);
/* As wire_icmp_emit(). */
size_t wire_icmp6_emit(const struct wire_icmp *m, const struct ipaddr *src,
    const struct ipaddr *dst, uint8_t hdr[WIRE_ICMP_HDR]);

/* The packet that an error message quotes, as struct wire_icmp_quote. */
struct wire_icmp6_quote {
	struct wire_ipv6 ip;
	uint8_t proto;
	bool later_fragment; /* the rest is not there then */
	uint16_t sport, dport;
	uint32_t seq;
	uint32_t off; /* of the ports in what is quoted */
};
/* Returns 0 or DROP_ICMP_MALFORMED. */
int wire_icmp6_quote(const struct wire_icmp *m, struct wire_icmp6_quote *out);

/* ---- options of neighbour discovery ---- */

#define WIRE_ND_PREFIXES 8 /* more in one message are not looked at */
#define WIRE_ND_NONCE	 6 /* RFC 3971 5.3.2, as RFC 7527 uses it */
#define WIRE_ND_LLA_LEN	 8 /* an option with an Ethernet address */

enum wire_nd_opt {
	WIRE_ND_SOURCE_LLA = 1,
	WIRE_ND_TARGET_LLA = 2,
	WIRE_ND_PREFIX = 3,
	WIRE_ND_MTU = 5,
	WIRE_ND_NONCE_OPT = 14,
};

struct wire_nd_prefix {
	uint8_t plen;
	bool on_link, autonomous;
	uint32_t valid_s, preferred_s; /* UINT32_MAX: for ever */
	struct ipaddr prefix;
};

/* Pointers are into the message; NULL where the option is not there. */
struct wire_nd_opts {
	const uint8_t *source_lla, *target_lla; /* 6 bytes */
	const uint8_t *nonce;			/* WIRE_ND_NONCE bytes */
	uint32_t mtu;				/* 0: none */
	unsigned nprefixes;
	struct wire_nd_prefix prefixes[WIRE_ND_PREFIXES];
};

/* Reads options; those unknown are skipped.  Returns 0, or
 * DROP_ICMP_MALFORMED when one has no length or one past the end. */
int wire_nd_opts_parse(const uint8_t *p, size_t len, struct wire_nd_opts *out);
/* An option of type with the Ethernet address mac; returns 8. */
size_t wire_nd_lla_emit(
    uint8_t type, const uint8_t mac[6], uint8_t opt[WIRE_ND_LLA_LEN]);

#endif
