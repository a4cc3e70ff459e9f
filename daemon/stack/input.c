/* SPDX-License-Identifier: ISC */
/*
 * Frames in: Ethernet, then ARP or IP, then TCP or UDP.  The payload stays
 * where the device put it; TCP takes references to the buf.
 *
 * Checksums: a device may vouch for them, and a frame that still wants its
 * checksum filled in comes from the same machine's memory and is as good.
 */
#include "stack/stack.h"

#include <string.h>
#include "ip/arp.h"
#include "stack/internal.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"

/* The meaning of the unreachables (RFC 1122 3.2.2.1, RFC 1812 5.2.7.1). */
static const uint8_t unreach4[] = {
    [0] = TCP_ICMP_NET_UNREACH,
    [1] = TCP_ICMP_HOST_UNREACH,
    [2] = TCP_ICMP_PROTO_UNREACH,
    [3] = TCP_ICMP_PORT_UNREACH,
    [4] = TCP_ICMP_TOO_BIG,
    [5] = TCP_ICMP_HOST_UNREACH,  /* source route failed */
    [6] = TCP_ICMP_NET_UNREACH,	  /* network unknown */
    [7] = TCP_ICMP_HOST_UNREACH,  /* host unknown */
    [8] = TCP_ICMP_HOST_UNREACH,  /* source host isolated */
    [9] = TCP_ICMP_NET_UNREACH,	  /* network prohibited */
    [10] = TCP_ICMP_HOST_UNREACH, /* host prohibited */
    [11] = TCP_ICMP_NET_UNREACH,  /* not for this type of service */
    [12] = TCP_ICMP_HOST_UNREACH, /* the same */
    [13] = TCP_ICMP_HOST_UNREACH, /* filtered */
    [14] = TCP_ICMP_HOST_UNREACH, /* precedence violation */
    [15] = TCP_ICMP_HOST_UNREACH, /* precedence cut-off */
};

/* The same of ICMPv6 (RFC 4443 3.1). */
static const uint8_t unreach6[] = {
    [WIRE_UNREACH6_ROUTE] = TCP_ICMP_NET_UNREACH,
    [WIRE_UNREACH6_ADMIN] = TCP_ICMP_ADMIN,
    [WIRE_UNREACH6_SCOPE] = TCP_ICMP_HOST_UNREACH,
    [WIRE_UNREACH6_ADDR] = TCP_ICMP_HOST_UNREACH,
    [WIRE_UNREACH6_PORT] = TCP_ICMP_PORT_UNREACH,
    [WIRE_UNREACH6_POLICY] = TCP_ICMP_ADMIN,
    [WIRE_UNREACH6_REJECT] = TCP_ICMP_ADMIN,
};

static bool
meaning6(const struct ip_error *e, enum tcp_icmp *what)
{
	switch (e->type) {
	case WIRE_ICMP6_TOO_BIG:
		*what = TCP_ICMP_TOO_BIG;
		return true;
	case WIRE_ICMP6_TIME_EXCEEDED:
		*what = TCP_ICMP_TIME_EXCEEDED;
		return true;
	case WIRE_ICMP6_PARAM_PROBLEM:
		*what = e->code == WIRE_PARAM6_NEXT ? TCP_ICMP_PROTO_UNREACH
						    : TCP_ICMP_PARAM_PROBLEM;
		return true;
	default:
		if (e->code >= sizeof unreach6)
			return false;
		*what = unreach6[e->code];
		return true;
	}
}

static bool
meaning4(const struct ip_error *e, enum tcp_icmp *what)
{
	switch (e->type) {
	case WIRE_ICMP_TIME_EXCEEDED:
		*what = TCP_ICMP_TIME_EXCEEDED;
		return true;
	case WIRE_ICMP_PARAM_PROBLEM:
		*what = TCP_ICMP_PARAM_PROBLEM;
		return true;
	default:
		if (e->code >= sizeof unreach4)
			return false;
		*what = unreach4[e->code];
		return true;
	}
}

static void
take_error(struct stack *s, const struct ip_error *e, mono_t now)
{
	struct tuple id = {.laddr = e->src,
	    .raddr = e->dst,
	    .lport = e->sport,
	    .rport = e->dport};
	enum tcp_icmp what;

	if (e->proto == WIRE_PROTO_UDP) {
		stack_take_udp_error(s, e, now);
		return;
	}
	if (!(ipaddr_is_v4(&e->dst) ? meaning4 : meaning6)(e, &what)) {
		drop_count(&s->drops, DROP_ICMP_TYPE);
		return;
	}
	if (tcp_icmp_input(s->tcp, &id, e->seq, what, e->mtu, now) &&
	    what == TCP_ICMP_TOO_BIG)
		pmtu_learn(&s->ip, &e->dst, e->mtu, now);
}

static void
take_verdict(struct stack *s, enum ip_verdict verdict, struct ip_in *in,
    const struct offload *o, mono_t now)
{
	static const struct offload nothing;
	struct tcp_in seg;

	/* A device's word is about the pieces. */
	if (in->whole != NULL)
		o = &nothing;
	switch (verdict) {
	case IP_DONE:
		break;
	case IP_TCP:
		seg = (struct tcp_in){.src = in->src,
		    .dst = in->dst,
		    .buf = in->buf,
		    .off = in->off,
		    .len = in->len,
		    .tos = in->tos,
		    .csum_ok = o->csum_valid || o->needs_csum};
		if (o->gso == GSO_TCP4 || o->gso == GSO_TCP6)
			seg.gso_size = o->gso_size;
		tcp_input(s->tcp, &seg, now);
		break;
	case IP_UDP:
		stack_take_datagram(s, in, o->csum_valid || o->needs_csum, now);
		break;
	case IP_ERROR:
		take_error(s, &in->error, now);
		break;
	}
	if (in->whole != NULL)
		reass_free(&s->ip, in->whole);
}

/* Is a frame to dst for us?  *broadcast: for others too. */
static bool
for_us(const struct stack *s, const struct wire_ether *eth, bool *broadcast)
{
	static const uint8_t everybody[WIRE_ETHER_ADDR] = {
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	*broadcast = memcmp(eth->dst, s->ip.mac, sizeof eth->dst) != 0;
	if (!*broadcast || memcmp(eth->dst, everybody, sizeof everybody) == 0)
		return true;
	/* RFC 2464 7; the group itself is IP's to know. */
	return eth->type == WIRE_ETHER_IPV6 && eth->dst[0] == 0x33 &&
	       eth->dst[1] == 0x33;
}

void
stack_take_frame(struct stack *s, struct buf *b, uint32_t off,
    const struct offload *o, bool looped, mono_t now)
{
	struct ip_in in = {.buf = b,
	    .looped = looped,
	    .csum_ok = o->csum_valid || o->needs_csum};
	struct wire_ether eth;
	int why = wire_ether_parse(b->data + off, b->len - off, &eth);

	if (why == DROP_NONE && eth.vlan != s->ip.vlan)
		why = DROP_ETH_VLAN;
	if (why == DROP_NONE && !looped && !for_us(s, &eth, &in.broadcast))
		why = DROP_ETH_DST;
	if (why != DROP_NONE) {
		drop_count(&s->drops, why);
		return;
	}
	in.off = off + eth.len;
	in.len = b->len - in.off;
	if (eth.type == WIRE_ETHER_ARP)
		arp_input(&s->ip, b->data + in.off, in.len, !in.broadcast, now);
	else if (eth.type == WIRE_ETHER_IPV6 && (s->ip.v6 || looped))
		take_verdict(s, ip6_input(&s->ip, &in, now), &in, o, now);
	else if (eth.type != WIRE_ETHER_IPV4)
		drop_count(&s->drops, DROP_ETH_TYPE);
	else
		take_verdict(s, ip4_input(&s->ip, &in, now), &in, o, now);
}

void
stack_input(struct stack *s, struct rxframe *f, mono_t now)
{
	struct buf *b = f->buf;

	f->buf = NULL;
	s->now = now;
	s->in_frames++;
	s->in_bytes += b->len;
	stack_take_frame(s, b, 0, &f->off, false, now);
	buf_unref(b);
}
