/* SPDX-License-Identifier: ISC */
/*
 * IPv4 packets in.
 *
 * Input follows RFC 1122 3.2.1 for a host that forwards nothing: the header is
 * right (length, version, checksum, options), the packet whole and in one
 * piece, sent to an address of ours, from an address that one other station can
 * have.  Each test that fails has its counter.
 *
 * Options are skipped (MUST-50; RFC 1122 3.2.1.8 leaves most to us); source
 * routes are dropped.  Fragments come back in as one packet when they are all
 * there (reass.c).
 *
 * The time to live of what arrives means nothing to a host that is the
 * destination (RFC 1122 3.2.1.7: it MUST NOT be dropped for a TTL of less
 * than two).
 */
#include "ip/ip.h"

#include "ip/icmp.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"

static enum drop
judge(const struct ip *ip, const struct ip_in *in, const struct wire_ipv4 *h)
{
	/* DEVIATION: MUST-53, SHLD-24: a source-routed packet goes no further
	 * than here, so no route is saved or reversed; whoever can send one
	 * could have our answers sent to him under any address (RFC 7126 4.3,
	 * 4.4: drop by default, as Linux does). */
	if (h->source_route)
		return DROP_IP_OPTION;
	if (in->looped && ip_is_local(ip, &in->src) &&
	    ip_is_local(ip, &in->dst))
		return DROP_NONE;
	if (ip_is_group(ip, &in->src) ||
	    (!in->looped && ip_is_ours(ip, &in->src)))
		return DROP_IP_SOURCE;
	if (in->broadcast || !ip_is_ours(ip, &in->dst)) /* RFC 1122 3.3.6 */
		return DROP_IP_DST;
	return DROP_NONE;
}

static void
refuse_protocol(struct ip *ip, const struct ip_in *in, mono_t now)
{
	drop_count(ip->drops, DROP_IP_PROTOCOL);
	icmp_error(ip, in, WIRE_ICMP_UNREACH, WIRE_UNREACH_PROTO, now);
}

/* A piece of a packet: the whole, when it completes one. */
static enum ip_verdict
take_fragment(
    struct ip *ip, struct ip_in *in, const struct wire_ipv4 *h, mono_t now)
{
	struct reass_piece p = {.id = h->id,
	    .proto = h->proto,
	    .more = h->mf,
	    .at = h->frag_off,
	    .len = in->len,
	    .head = in->buf->data + in->off - in->hdr_len,
	    .head_len = in->hdr_len};
	struct wire_csum c = WIRE_CSUM_INIT;
	struct reass *d;
	uint8_t *head;

	if (h->mf && in->len % 8 != 0) {
		drop_count(ip->drops, DROP_IP_FRAGMENT);
		return IP_DONE;
	}
	d = reass_input(ip, in, &p, now);
	if (d == NULL)
		return IP_DONE;
	in->whole = d;
	in->buf = d->buf;
	in->fragment = true;
	in->off = REASS_HEAD - d->head_len;
	in->len = d->head_len + d->total;
	if (in->len > UINT16_MAX) {
		drop_count(ip->drops, DROP_IP_FRAGMENT);
		return IP_DONE;
	}
	head = d->buf->data + in->off;
	if (d->ecn & 1 << 3)
		head[1] |= 3;
	put16(head + 2, (uint16_t)in->len);
	put16(head + 6, 0);
	put16(head + WIRE_IPV4_CSUM_OFF, 0);
	wire_csum_add(&c, head, d->head_len);
	put16(head + WIRE_IPV4_CSUM_OFF, wire_csum_final(&c));
	return ip4_input(ip, in, now);
}

enum ip_verdict
ip4_input(struct ip *ip, struct ip_in *in, mono_t now)
{
	struct wire_ipv4 h;
	int why = wire_ipv4_parse(in->buf->data + in->off, in->len, &h);

	if (why != DROP_NONE) {
		drop_count(ip->drops, why);
		return IP_DONE;
	}
	in->src = ipaddr_v4(h.src);
	in->dst = ipaddr_v4(h.dst);
	in->proto = h.proto;
	in->tos = h.tos;
	in->hop_limit = h.ttl;
	in->hdr_len = h.ihl;
	in->off += h.ihl;
	in->len = (uint32_t)h.total_len - h.ihl; /* padding goes here */
	why = judge(ip, in, &h);
	if (why == DROP_IP_DST && dhcp4_wants(ip, in)) {
		dhcp4_input(ip, in, now);
		return IP_DONE;
	}
	if (why != DROP_NONE) {
		drop_count(ip->drops, why);
		return IP_DONE;
	}
	if (h.mf || h.frag_off != 0)
		return take_fragment(ip, in, &h, now);
	ip->in_packets++;
	if (dhcp4_wants(ip, in)) {
		dhcp4_input(ip, in, now);
		return IP_DONE;
	}
	switch (h.proto) {
	case WIRE_PROTO_TCP:
		return IP_TCP;
	case WIRE_PROTO_UDP:
		return IP_UDP;
	case WIRE_PROTO_ICMP:
		return icmp_input(ip, in, now);
	default:
		refuse_protocol(ip, in, now);
		return IP_DONE;
	}
}
