/* SPDX-License-Identifier: ISC */
/*
 * IPv6 headers.  The chain of extension headers is under the sender's control,
 * so the walk is bounded three ways: by the packet's length, by the number of
 * headers, and by the options in one of them (RFC 8504 5.3).  We forward
 * nothing, so:
 *
 *	hop-by-hop, destination options   walked, all of it skipped; an option
 *		that is unknown is treated as its two top bits ask (RFC 8200
 *		4.2), and all but padding and router alert are unknown
 *	routing   skipped when no segments are left, refused else, type 0
 *		(RFC 5095) like every other
 *	fragment  ends the walk: what is behind belongs to reassembly
 */
#include "wire/ipv6.h"

#include <string.h>
#include "base/drop.h"
#include "wire/bytes.h"

#define MAX_HEADERS 8
#define MAX_OPTIONS 8 /* of one header, without padding; Linux's bound */

enum opt_type {
	OPT_PAD1 = 0,
	OPT_PADN = 1,
	OPT_ROUTER_ALERT = 5, /* RFC 2711 */
};

/* Codes of an ICMPv6 parameter problem (RFC 4443 3.4). */
enum problem {
	PROBLEM_FIELD = 0,
	PROBLEM_NEXT = 1,
	PROBLEM_OPTION = 2,
};

int
wire_ipv6_parse_quote(const uint8_t *p, size_t len, struct wire_ipv6 *out)
{
	if (len < 1)
		return DROP_IP_SHORT;
	if (p[0] >> 4 != 6)
		return DROP_IP_VERSION;
	if (len < WIRE_IPV6_HDR)
		return DROP_IP_SHORT;
	*out = (struct wire_ipv6){
	    .tclass = (uint8_t)(get16(p) >> 4),
	    .flow = get32(p) & 0xfffff,
	    .payload_len = get16(p + 4),
	    .next = p[6],
	    .hop_limit = p[7],
	};
	memcpy(out->src.b, p + 8, sizeof out->src.b);
	memcpy(out->dst.b, p + 24, sizeof out->dst.b);
	return 0;
}

int
wire_ipv6_parse(const uint8_t *p, size_t len, struct wire_ipv6 *out)
{
	int why = wire_ipv6_parse_quote(p, len, out);

	if (why == 0 && out->payload_len > len - WIRE_IPV6_HDR)
		return DROP_IP_SHORT;
	return why;
}

size_t
wire_ipv6_emit(const struct wire_ipv6 *h, uint8_t hdr[WIRE_IPV6_HDR])
{
	put32(hdr, (uint32_t)6 << 28 | (uint32_t)h->tclass << 20 |
		       (h->flow & 0xfffff));
	put16(hdr + 4, h->payload_len);
	hdr[6] = h->next;
	hdr[7] = h->hop_limit;
	memcpy(hdr + 8, h->src.b, sizeof h->src.b);
	memcpy(hdr + 24, h->dst.b, sizeof h->dst.b);
	return WIRE_IPV6_HDR;
}

static int
fail(struct wire_ipv6_chain *c, int why, uint8_t problem, size_t pointer)
{
	c->problem = problem;
	c->pointer = (uint32_t)pointer;
	return why;
}

/* The options of the header at p + off, hlen bytes of it. */
static int
walk_options(
    const uint8_t *p, size_t off, size_t hlen, struct wire_ipv6_chain *c)
{
	size_t i = off + 2, end = off + hlen;
	unsigned n = 0;

	while (i < end) {
		if (p[i] == OPT_PAD1) {
			i++;
			continue;
		}
		if (i + 1 >= end || p[i + 1] > end - i - 2)
			return fail(c, DROP_IP_OPTION, PROBLEM_FIELD, i);
		if (p[i] != OPT_PADN && ++n > MAX_OPTIONS)
			return fail(c, DROP_IP_OPTION, WIRE_IPV6_SILENT, i);
		if (p[i] != OPT_PADN && p[i] != OPT_ROUTER_ALERT &&
		    p[i] >> 6 != 0) {
			c->tell_group = p[i] >> 6 == 2;
			return fail(c, DROP_IP_EXTENSION,
			    p[i] >> 6 == 1 ? WIRE_IPV6_SILENT : PROBLEM_OPTION,
			    i);
		}
		i += 2u + p[i + 1];
	}
	return 0;
}

static int
take_fragment(const uint8_t *p, size_t off, struct wire_ipv6_chain *c)
{
	uint16_t word = get16(p + off + 2);

	c->fragment = true;
	c->frag_at = (uint32_t)off;
	c->frag_named = c->named_at;
	c->frag_off = word & 0xfff8;
	c->more = word & 1;
	c->id = get32(p + off + 4);
	c->proto = p[off];
	c->named_at = (uint32_t)off;
	c->off = (uint32_t)(off + WIRE_IPV6_FRAG_HDR);
	return 0;
}

static bool
is_extension(uint8_t next)
{
	return next == WIRE_PROTO_HOPOPTS || next == WIRE_PROTO_ROUTING ||
	       next == WIRE_PROTO_FRAGMENT || next == WIRE_PROTO_DSTOPTS;
}

int
wire_ipv6_walk(const uint8_t *p, size_t len, struct wire_ipv6_chain *c)
{
	size_t hlen, off;
	unsigned n = 0;
	int why = 0;

	while (is_extension(c->proto)) {
		off = c->off;
		if (c->proto == WIRE_PROTO_HOPOPTS && off != WIRE_IPV6_HDR)
			return fail(
			    c, DROP_IP_EXTENSION, PROBLEM_NEXT, c->named_at);
		if (++n > MAX_HEADERS)
			return fail(c, DROP_IP_OPTION, WIRE_IPV6_SILENT, 0);
		if (off > len || len - off < 8)
			return DROP_IP_SHORT;
		if (c->proto == WIRE_PROTO_FRAGMENT)
			return take_fragment(p, off, c);
		hlen = (p[off + 1] + (size_t)1) * 8;
		if (hlen > len - off)
			return DROP_IP_SHORT;
		if (c->proto == WIRE_PROTO_ROUTING && p[off + 3] != 0)
			return fail(
			    c, DROP_IP_EXTENSION, PROBLEM_FIELD, off + 2);
		if (c->proto != WIRE_PROTO_ROUTING)
			why = walk_options(p, off, hlen, c);
		if (why != 0)
			return why;
		c->named_at = (uint32_t)off;
		c->proto = p[off];
		c->off = (uint32_t)(off + hlen);
	}
	return 0;
}
