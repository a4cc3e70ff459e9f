/* SPDX-License-Identifier: ISC */
/*
 * ICMPv6.  As with version 4, an error proves nothing about its sender, and a
 * quote is only brought into shape.  Options of neighbour discovery are taken
 * as RFC 4861 4.6 has them: lengths in units of 8 bytes, zero is malformed,
 * of an option that comes twice the first counts.
 */
#include "wire/icmp6.h"

#include <string.h>
#include "base/drop.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

#define QUOTED_PAYLOAD 8

int
wire_icmp6_parse(const uint8_t *p, size_t len, const struct ipaddr *src,
    const struct ipaddr *dst, struct wire_icmp *out)
{
	struct wire_csum c = WIRE_CSUM_INIT;

	wire_csum_pseudo(&c, src, dst, WIRE_PROTO_ICMP6, (uint32_t)len);
	return wire_icmp_parse_sum(p, len, c, out);
}

size_t
wire_icmp6_emit(const struct wire_icmp *m, const struct ipaddr *src,
    const struct ipaddr *dst, uint8_t hdr[WIRE_ICMP_HDR])
{
	struct wire_csum c = WIRE_CSUM_INIT;

	wire_csum_pseudo(
	    &c, src, dst, WIRE_PROTO_ICMP6, (uint32_t)(WIRE_ICMP_HDR + m->len));
	return wire_icmp_emit_sum(m, c, hdr);
}

int
wire_icmp6_quote(const struct wire_icmp *m, struct wire_icmp6_quote *out)
{
	struct wire_ipv6_chain c;
	const uint8_t *p;

	if (wire_ipv6_parse_quote(m->data, m->len, &out->ip) != 0)
		return DROP_ICMP_MALFORMED;
	c = wire_ipv6_chain(&out->ip);
	if (wire_ipv6_walk(m->data, m->len, &c) != 0)
		return DROP_ICMP_MALFORMED;
	out->later_fragment = c.fragment && c.frag_off != 0;
	out->proto = c.proto;
	if (m->len < (size_t)c.off + QUOTED_PAYLOAD)
		return DROP_ICMP_MALFORMED;
	p = m->data + c.off;
	out->sport = get16(p);
	out->dport = get16(p + 2);
	out->seq = get32(p + 4);
	out->off = c.off;
	return 0;
}

static void
take_prefix(const uint8_t *p, struct wire_nd_opts *out)
{
	struct wire_nd_prefix *x;

	if (out->nprefixes == WIRE_ND_PREFIXES)
		return;
	x = &out->prefixes[out->nprefixes++];
	*x = (struct wire_nd_prefix){
	    .plen = p[2],
	    .on_link = p[3] & 0x80,
	    .autonomous = p[3] & 0x40,
	    .valid_s = get32(p + 4),
	    .preferred_s = get32(p + 8),
	};
	memcpy(x->prefix.b, p + 16, sizeof x->prefix.b);
}

static void
take_option(const uint8_t *p, size_t len, struct wire_nd_opts *out)
{
	switch (p[0]) {
	case WIRE_ND_SOURCE_LLA:
		if (len == 8 && out->source_lla == NULL)
			out->source_lla = p + 2;
		break;
	case WIRE_ND_TARGET_LLA:
		if (len == 8 && out->target_lla == NULL)
			out->target_lla = p + 2;
		break;
	case WIRE_ND_PREFIX:
		if (len == 32)
			take_prefix(p, out);
		break;
	case WIRE_ND_MTU:
		if (len == 8 && out->mtu == 0)
			out->mtu = get32(p + 4);
		break;
	case WIRE_ND_NONCE_OPT:
		if (len == 8 && out->nonce == NULL)
			out->nonce = p + 2;
		break;
	default:
		break;
	}
}

int
wire_nd_opts_parse(const uint8_t *p, size_t len, struct wire_nd_opts *out)
{
	size_t n;

	*out = (struct wire_nd_opts){0};
	for (; len > 0; p += n, len -= n) {
		if (len < 8)
			return DROP_ICMP_MALFORMED;
		n = (size_t)p[1] * 8;
		if (n == 0 || n > len)
			return DROP_ICMP_MALFORMED;
		take_option(p, n, out);
	}
	return 0;
}

size_t
wire_nd_lla_emit(
    uint8_t type, const uint8_t mac[6], uint8_t opt[WIRE_ND_LLA_LEN])
{
	opt[0] = type;
	opt[1] = 1;
	memcpy(opt + 2, mac, 6);
	return WIRE_ND_LLA_LEN;
}
