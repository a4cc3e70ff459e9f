/* SPDX-License-Identifier: ISC */
/*
 * IPv6 packets in (RFC 8200), for a host: the header is right, the chain of
 * extension headers too, the packet whole and in one piece, sent to an address
 * of ours or a group that we listen to, from an address that one other station
 * can have.  Each test that fails has its counter.
 *
 * IPv4-mapped addresses never travel (RFC 4291 2.5.5.2): a packet that carries
 * one would pass for IPv4's further up, where one table holds both families.
 *
 * What a sender is told of a refusal is icmp6_error()'s to judge.
 */
#include <string.h>
#include "ip/icmp6.h"
#include "ip/ip.h"
#include "wire/bytes.h"
#include "wire/icmp6.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

static enum drop
judge(const struct ip *ip, const struct ip_in *in)
{
	if (in->looped && !ipaddr_is_v4(&in->src) && !ipaddr_is_v4(&in->dst) &&
	    ip_is_local(ip, &in->src) && ip_is_local(ip, &in->dst))
		return DROP_NONE;
	if (ipaddr_is_multicast(&in->src) || ipaddr_is_v4(&in->src) ||
	    ipaddr_is_loopback(&in->src) ||
	    (!in->looped && ip_is_ours(ip, &in->src)))
		return DROP_IP_SOURCE;
	if (ipaddr_is_multicast(&in->dst))
		return mld_member(ip, &in->dst) ? DROP_NONE : DROP_IP_GROUP;
	if (ipaddr_is_v4(&in->dst) || !ip_is_ours(ip, &in->dst))
		return DROP_IP_DST;
	return DROP_NONE;
}

static enum ip_verdict
dropped(struct ip *ip, enum drop why)
{
	drop_count(ip->drops, why);
	return IP_DONE;
}

/* The chain c is no good: why. */
static enum ip_verdict
refuse_chain(struct ip *ip, const struct ip_in *in,
    const struct wire_ipv6_chain *c, enum drop why, mono_t now)
{
	if ((why == DROP_IP_OPTION || why == DROP_IP_EXTENSION) &&
	    c->problem != WIRE_IPV6_SILENT)
		icmp6_error(ip, in, WIRE_ICMP6_PARAM_PROBLEM, c->problem,
		    c->pointer, c->tell_group, now);
	return dropped(ip, why);
}

static enum ip_verdict
refuse_protocol(struct ip *ip, const struct ip_in *in,
    const struct wire_ipv6_chain *c, mono_t now)
{
	if (in->proto != WIRE_PROTO_NONE)
		icmp6_error(ip, in, WIRE_ICMP6_PARAM_PROBLEM, WIRE_PARAM6_NEXT,
		    c->named_at, false, now);
	return dropped(ip, DROP_IP_PROTOCOL);
}

/* in holds the payload behind the chain c. */
static enum ip_verdict
deliver(struct ip *ip, struct ip_in *in, const struct wire_ipv6_chain *c,
    mono_t now)
{
	if (in->proto == WIRE_PROTO_ICMP6)
		return icmp6_input(ip, in, now);
	if (ipaddr_is_any(&in->src))
		return dropped(ip, DROP_IP_SOURCE);
	if (in->broadcast || ipaddr_is_multicast(&in->dst))
		return dropped(ip, DROP_IP_DST);
	if (in->proto == WIRE_PROTO_TCP)
		return IP_TCP;
	if (in->proto == WIRE_PROTO_UDP)
		return IP_UDP;
	return refuse_protocol(ip, in, c, now);
}

/* The first piece has all headers, the upper one's first bytes among them
 * (RFC 7112). */
static bool
has_all_headers(
    const uint8_t *p, size_t len, const struct wire_ipv6_chain *frag)
{
	struct wire_ipv6_chain c = *frag;
	size_t need;

	c.fragment = false;
	if (wire_ipv6_walk(p, len, &c) == DROP_IP_SHORT)
		return false;
	need = c.proto == WIRE_PROTO_TCP ? WIRE_TCP_HDR_MIN : 8;
	return c.fragment || c.off + need <= len;
}

static enum ip_verdict
refuse_piece(struct ip *ip, const struct ip_in *in, uint8_t code,
    uint32_t pointer, mono_t now)
{
	icmp6_error(
	    ip, in, WIRE_ICMP6_PARAM_PROBLEM, code, pointer, false, now);
	return dropped(ip, DROP_IP_FRAGMENT);
}

/* The packet d without its fragment header, where it stood. */
static void
join(struct ip_in *in, struct reass *d)
{
	uint32_t unfragmented = d->head_len - WIRE_IPV6_FRAG_HDR;
	uint8_t *head = d->buf->data + REASS_HEAD - d->head_len, next;
	struct wire_ipv6_chain c;
	struct wire_ipv6 h;

	wire_ipv6_parse_quote(head, d->head_len, &h);
	c = wire_ipv6_chain(&h);
	wire_ipv6_walk(head, d->head_len, &c);
	next = head[c.frag_at];
	memmove(head + WIRE_IPV6_FRAG_HDR, head, unfragmented);
	head += WIRE_IPV6_FRAG_HDR;
	head[c.frag_named] = next;
	put16(head + 4, (uint16_t)(unfragmented - WIRE_IPV6_HDR + d->total));
	if (d->ecn & 1 << 3)
		head[1] |= 3 << 4;
	in->whole = d;
	in->buf = d->buf;
	in->off = REASS_HEAD - unfragmented;
	in->len = unfragmented + d->total;
}

/* A piece of a packet: the whole, when it completes one. */
static enum ip_verdict
take_fragment(struct ip *ip, struct ip_in *in, const struct wire_ipv6_chain *c,
    mono_t now)
{
	const uint8_t *packet = in->buf->data + in->off;
	struct reass_piece p = {.id = c->id,
	    .more = c->more,
	    .at = c->frag_off,
	    .len = in->len - c->off,
	    .head = packet,
	    .head_len = c->off};
	struct reass *d;

	/* RFC 8200 4.5, RFC 7112 5 */
	if (p.more && p.len % 8 != 0)
		return refuse_piece(ip, in, 0, 4, now);
	if (p.at + p.len + c->frag_at - WIRE_IPV6_HDR > UINT16_MAX)
		return refuse_piece(ip, in, 0, c->frag_at + 2, now);
	if (p.at == 0 && !has_all_headers(packet, in->len, c))
		return refuse_piece(ip, in, WIRE_PARAM6_INCOMPLETE, 0, now);
	d = reass_input(ip, in, &p, now);
	if (d == NULL)
		return IP_DONE;
	if (d->total + d->head_len - WIRE_IPV6_FRAG_HDR - WIRE_IPV6_HDR >
	    UINT16_MAX) {
		reass_free(ip, d);
		return dropped(ip, DROP_IP_FRAGMENT);
	}
	join(in, d);
	in->fragment = true;
	return ip6_input(ip, in, now);
}

enum ip_verdict
ip6_input(struct ip *ip, struct ip_in *in, mono_t now)
{
	const uint8_t *p = in->buf->data + in->off;
	struct wire_ipv6_chain c;
	struct wire_ipv6 h;
	int why = wire_ipv6_parse(p, in->len, &h);

	if (why != DROP_NONE)
		return dropped(ip, why);
	in->src = h.src;
	in->dst = h.dst;
	in->tos = h.tclass;
	in->hop_limit = h.hop_limit;
	in->hdr_len = 0;
	in->len = WIRE_IPV6_HDR + h.payload_len; /* padding goes here */
	why = judge(ip, in);
	if (why != DROP_NONE)
		return dropped(ip, why);
	c = wire_ipv6_chain(&h);
	why = wire_ipv6_walk(p, in->len, &c);
	if (why == DROP_NONE && c.fragment) {
		if (in->fragment) /* a piece of a piece */
			return dropped(ip, DROP_IP_FRAGMENT);
		if (c.more || c.frag_off != 0)
			return take_fragment(ip, in, &c, now);
		/* RFC 6946: all of it, whatever else has its number. */
		in->fragment = true;
		c.fragment = false;
		why = wire_ipv6_walk(p, in->len, &c);
		if (why == DROP_NONE && c.fragment)
			why = DROP_IP_FRAGMENT;
	}
	if (why != DROP_NONE)
		return refuse_chain(ip, in, &c, why, now);
	in->proto = c.proto;
	in->hdr_len = c.off;
	in->off += c.off;
	in->len -= c.off;
	ip->in_packets++;
	return deliver(ip, in, &c, now);
}
