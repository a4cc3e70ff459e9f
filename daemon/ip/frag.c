/* SPDX-License-Identifier: ISC */
/*
 * Datagrams in pieces, out (RFC 791 3.2, RFC 8200 4.5): what does not fit into
 * the path's MTU and may be cut up.  Each piece is a packet of its own, equal
 * in all but its place; all but the last carry a multiple of eight bytes.
 *
 * Identifications are random (RFC 7739, RFC 6864 4.3: not to be foreseen, and
 * rarely the same twice while a piece is under way).
 */
#include <errno.h>
#include <string.h>
#include "ip/ip.h"
#include "wire/bytes.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

/* Copies n bytes, from the at-th on, of all spans one after another. */
static void
copy_out(uint8_t *to, const struct span *spans, size_t at, size_t n)
{
	size_t part;

	for (; n > 0; spans++) {
		if (at >= spans->len) {
			at -= spans->len;
			continue;
		}
		part = spans->len - at < n ? spans->len - at : n;
		memcpy(to, (const uint8_t *)spans->base + at, part);
		to += part;
		n -= part;
		at = 0;
	}
}

static void
write_frag_hdr(
    uint8_t *p, uint8_t proto, const struct ip_hdr_out *piece, uint32_t id)
{
	p[0] = proto;
	p[1] = 0;
	put16(p + 2, (uint16_t)(piece->at | piece->more));
	put32(p + 4, id);
}

int
ip_send_pieces(struct ip *ip, const struct ip_hdr_out *h,
    const struct span *spans, size_t len, uint16_t mtu, mono_t now)
{
	bool v4 = ipaddr_is_v4(&h->dst);
	size_t extra = v4 ? 0 : WIRE_IPV6_FRAG_HDR;
	size_t heads = v4 ? WIRE_IPV4_HDR_MIN : WIRE_IPV6_HDR + extra;
	size_t room = (mtu - heads) & ~(size_t)7, at, n;
	uint32_t id = (uint32_t)rng_u64(&ip->rng);
	struct ip_hdr_out piece = *h;
	struct buf *b;
	uint8_t *p;

	piece.id = (uint16_t)id;
	piece.may_cut = true;
	if (!v4)
		piece.proto = WIRE_PROTO_FRAGMENT;
	for (at = 0; at < len; at += n) {
		n = len - at < room ? len - at : room;
		piece.more = at + n < len;
		piece.at = (uint16_t)at;
		piece.len = (uint16_t)(extra + n);
		b = ip_packet(ip, &piece);
		if (b == NULL)
			return -ENOBUFS;
		p = ip_payload(ip, b, &piece);
		if (!v4)
			write_frag_hdr(p, h->proto, &piece, id);
		copy_out(p + extra, spans, at, n);
		ip_send(ip, b, &h->dst, now);
	}
	return 0;
}
