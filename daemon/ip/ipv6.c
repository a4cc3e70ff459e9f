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
#include "wire/icmp6.h"
#include "wire/ipv6.h"

static enum drop
judge(const struct ip *ip, const struct ip_in *in)
{
	static const struct ipaddr loop = {{[15] = 1}};

	if (ipaddr_is_multicast(&in->src) || ipaddr_is_v4(&in->src) ||
	    ipaddr_eq(&in->src, &loop) ||
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
	if (why != DROP_IP_SHORT && c->problem != WIRE_IPV6_SILENT)
		icmp6_error(ip, in, WIRE_ICMP6_PARAM_PROBLEM, c->problem,
		    c->pointer, c->tell_group, now);
	return dropped(ip, why);
}

static enum ip_verdict
refuse_protocol(struct ip *ip, const struct ip_in *in,
    const struct wire_ipv6_chain *c, mono_t now)
{
	if (in->proto == WIRE_PROTO_UDP)
		icmp6_error(ip, in, WIRE_ICMP6_UNREACH, WIRE_UNREACH6_PORT, 0,
		    false, now);
	else if (in->proto != WIRE_PROTO_NONE)
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
	return refuse_protocol(ip, in, c, now);
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
	if (why != DROP_NONE)
		return refuse_chain(ip, in, &c, why, now);
	if (c.fragment)
		return dropped(ip, DROP_IP_FRAGMENT);
	in->proto = c.proto;
	in->hdr_len = c.off;
	in->off += c.off;
	in->len -= c.off;
	ip->in_packets++;
	return deliver(ip, in, &c, now);
}
