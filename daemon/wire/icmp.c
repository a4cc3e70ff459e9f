/* SPDX-License-Identifier: ISC */
/*
 * ICMP for IPv4.  An error message proves nothing about who sent it: the quote
 * is only brought into shape here, whether a connection believes it is decided
 * by RFC 5927's checks in tcp.
 */
#include "wire/icmp.h"

#include "base/drop.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

/* RFC 792: the quoted header and 64 bits of the payload. */
#define QUOTED_PAYLOAD 8

int
wire_icmp_parse_sum(
    const uint8_t *p, size_t len, struct wire_csum c, struct wire_icmp *out)
{
	if (len < WIRE_ICMP_HDR)
		return DROP_ICMP_MALFORMED;
	wire_csum_add(&c, p, len);
	if (wire_csum_final(&c) != 0)
		return DROP_ICMP_CHECKSUM;
	*out = (struct wire_icmp){
	    .type = p[0],
	    .code = p[1],
	    .rest = get32(p + 4),
	    .data = p + WIRE_ICMP_HDR,
	    .len = len - WIRE_ICMP_HDR,
	};
	return 0;
}

int
wire_icmp_parse(const uint8_t *p, size_t len, struct wire_icmp *out)
{
	return wire_icmp_parse_sum(p, len, WIRE_CSUM_INIT, out);
}

int
wire_icmp_quote(const struct wire_icmp *m, struct wire_icmp_quote *out)
{
	const uint8_t *p;

	if (wire_ipv4_parse_quote(m->data, m->len, &out->ip) != 0 ||
	    m->len - out->ip.ihl < QUOTED_PAYLOAD)
		return DROP_ICMP_MALFORMED;
	p = m->data + out->ip.ihl;
	out->sport = get16(p);
	out->dport = get16(p + 2);
	out->seq = get32(p + 4);
	return 0;
}

size_t
wire_icmp_emit_sum(
    const struct wire_icmp *m, struct wire_csum c, uint8_t hdr[WIRE_ICMP_HDR])
{
	hdr[0] = m->type;
	hdr[1] = m->code;
	put16(hdr + 2, 0);
	put32(hdr + 4, m->rest);
	wire_csum_add(&c, hdr, WIRE_ICMP_HDR);
	wire_csum_add(&c, m->data, m->len);
	put16(hdr + 2, wire_csum_final(&c));
	return WIRE_ICMP_HDR;
}

size_t
wire_icmp_emit(const struct wire_icmp *m, uint8_t hdr[WIRE_ICMP_HDR])
{
	return wire_icmp_emit_sum(m, WIRE_CSUM_INIT, hdr);
}
