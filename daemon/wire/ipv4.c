/* SPDX-License-Identifier: ISC */
/*
 * IPv4 headers.  Every length that the header claims is checked against what
 * is there: version, header length, total length, and each option's length
 * (RFC 791 3.1, RFC 1122 3.2.1).  Options are walked, not interpreted; a source
 * route is only reported.
 */
#include "wire/ipv4.h"

#include "base/drop.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

#define FLAG_DF	   0x4000
#define FLAG_MF	   0x2000
#define FRAG_UNITS 0x1fff

enum opt_kind {
	OPT_EOL = 0,
	OPT_NOP = 1,
	OPT_LSRR = 131,
	OPT_SSRR = 137,
};

static int
parse_options(const uint8_t *p, size_t len, struct wire_ipv4 *out)
{
	size_t i = 0, olen;

	while (i < len && p[i] != OPT_EOL) {
		if (p[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= len)
			return DROP_IP_OPTION;
		olen = p[i + 1];
		if (olen < 2 || olen > len - i)
			return DROP_IP_OPTION;
		if (p[i] == OPT_LSRR || p[i] == OPT_SSRR)
			out->source_route = true;
		i += olen;
	}
	return 0;
}

static void
parse_fields(const uint8_t *p, struct wire_ipv4 *out)
{
	uint16_t frag = get16(p + 6);

	*out = (struct wire_ipv4){
	    .ihl = (uint8_t)((p[0] & 15) * 4),
	    .tos = p[1],
	    .total_len = get16(p + 2),
	    .id = get16(p + 4),
	    .df = frag & FLAG_DF,
	    .mf = frag & FLAG_MF,
	    .frag_off = (uint16_t)((frag & FRAG_UNITS) * 8),
	    .ttl = p[8],
	    .proto = p[9],
	    .csum = get16(p + WIRE_IPV4_CSUM_OFF),
	    .src = get32(p + 12),
	    .dst = get32(p + 16),
	};
}

int
wire_ipv4_parse_quote(const uint8_t *p, size_t len, struct wire_ipv4 *out)
{
	if (len < 1)
		return DROP_IP_SHORT;
	if (p[0] >> 4 != 4)
		return DROP_IP_VERSION;
	if (len < WIRE_IPV4_HDR_MIN)
		return DROP_IP_SHORT;
	parse_fields(p, out);
	if (out->ihl < WIRE_IPV4_HDR_MIN || out->ihl > len ||
	    out->total_len < out->ihl)
		return DROP_IP_SHORT;
	return parse_options(
	    p + WIRE_IPV4_HDR_MIN, out->ihl - WIRE_IPV4_HDR_MIN, out);
}

int
wire_ipv4_parse(const uint8_t *p, size_t len, struct wire_ipv4 *out)
{
	struct wire_csum c = WIRE_CSUM_INIT;
	int why = wire_ipv4_parse_quote(p, len, out);

	if (why != 0 && why != DROP_IP_OPTION)
		return why;
	if (out->total_len > len)
		return DROP_IP_SHORT;
	/* A wrong checksum explains bad options, so it is named first. */
	wire_csum_add(&c, p, out->ihl);
	if (wire_csum_final(&c) != 0)
		return DROP_IP_CHECKSUM;
	return why;
}

size_t
wire_ipv4_emit(const struct wire_ipv4 *h, uint8_t hdr[WIRE_IPV4_HDR_MIN])
{
	struct wire_csum c = WIRE_CSUM_INIT;

	hdr[0] = 4 << 4 | WIRE_IPV4_HDR_MIN / 4;
	hdr[1] = h->tos;
	put16(hdr + 2, h->total_len);
	put16(hdr + 4, h->id);
	put16(hdr + 6, (uint16_t)((h->df ? FLAG_DF : 0) |
				  (h->mf ? FLAG_MF : 0) | h->frag_off / 8));
	hdr[8] = h->ttl;
	hdr[9] = h->proto;
	put16(hdr + WIRE_IPV4_CSUM_OFF, 0);
	put32(hdr + 12, h->src);
	put32(hdr + 16, h->dst);
	wire_csum_add(&c, hdr, WIRE_IPV4_HDR_MIN);
	put16(hdr + WIRE_IPV4_CSUM_OFF, wire_csum_final(&c));
	return WIRE_IPV4_HDR_MIN;
}
