/* SPDX-License-Identifier: ISC */
/*
 * The IPv6 header and the chain of extension headers behind it (RFC 8200):
 * bytes <-> struct.
 */
#ifndef WIRE_IPV6_H
#define WIRE_IPV6_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"

#define WIRE_IPV6_HDR	   40
#define WIRE_IPV6_FRAG_HDR 8
#define WIRE_IPV6_MTU_MIN  1280 /* RFC 8200 5 */

#define WIRE_PROTO_HOPOPTS  0
#define WIRE_PROTO_ROUTING  43
#define WIRE_PROTO_FRAGMENT 44
#define WIRE_PROTO_ICMP6    58
#define WIRE_PROTO_NONE	    59
#define WIRE_PROTO_DSTOPTS  60

struct wire_ipv6 {
	uint8_t tclass;
	uint32_t flow; /* 20 bits */
	uint16_t payload_len;
	uint8_t next, hop_limit;
	struct ipaddr src, dst;
};

/*
 * Reads the header at p; len is what is there, header and payload.  Bytes past
 * payload_len are padding.  Returns 0, DROP_IP_SHORT or DROP_IP_VERSION.
 */
int wire_ipv6_parse(const uint8_t *p, size_t len, struct wire_ipv6 *out);
/* The same for the header that an ICMP error quotes: payload_len may promise
 * more than there is. */
int wire_ipv6_parse_quote(const uint8_t *p, size_t len, struct wire_ipv6 *out);
/* Returns 40. */
size_t wire_ipv6_emit(const struct wire_ipv6 *h, uint8_t hdr[WIRE_IPV6_HDR]);

/* Where the chain ends, and what was on the way.  Offsets count from the IPv6
 * header on. */
struct wire_ipv6_chain {
	uint8_t proto; /* of what is at off */
	uint32_t off;
	uint32_t named_at; /* the octet that says proto */
	/* The walk ended at a fragment header: proto and off are those of the
	 * fragment's payload, named_at its own next header field. */
	bool fragment, more;
	uint16_t frag_off; /* bytes */
	uint32_t id;
	uint32_t frag_at;    /* where the fragment header begins */
	uint32_t frag_named; /* the octet that announces it */
	/* When the walk failed: the code of an ICMPv6 parameter problem (or
	 * WIRE_IPV6_SILENT), its pointer, and whether that may go out though
	 * the packet was sent to a group. */
	uint8_t problem;
	bool tell_group;
	uint32_t pointer;
};
#define WIRE_IPV6_SILENT 255

/* The chain of a packet with the header h, for the walk to begin with. */
static inline struct wire_ipv6_chain
wire_ipv6_chain(const struct wire_ipv6 *h)
{
	return (struct wire_ipv6_chain){
	    .proto = h->next, .off = WIRE_IPV6_HDR, .named_at = 6};
}

/*
 * Walks on from the header c->proto, whose contents begin at p + c->off, to
 * the first header that is none of the extension headers, or past a fragment
 * header; len ends with the packet.  Returns 0, DROP_IP_SHORT, DROP_IP_OPTION
 * (malformed, or more than a packet in its senses has), or DROP_IP_EXTENSION
 * (an unknown option or routing type that asks for refusal); with the latter
 * two c->problem is set.
 */
int wire_ipv6_walk(const uint8_t *p, size_t len, struct wire_ipv6_chain *c);

#endif
