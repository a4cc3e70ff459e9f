/* SPDX-License-Identifier: ISC */
/*
 * Frames in: Ethernet, then ARP or IPv4, then TCP.  The payload stays where
 * the device put it; TCP takes references to the buf.
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

/* The meaning of the unreachables (RFC 1122 3.2.2.1, RFC 1812 5.2.7.1). */
static const uint8_t unreach[] = {
    [0] = TCP_ICMP_NET_UNREACH,
    [1] = TCP_ICMP_HOST_UNREACH,
    [2] = TCP_ICMP_PROTO_UNREACH,
    [3] = TCP_ICMP_PORT_UNREACH,
    [4] = TCP_ICMP_TOO_BIG,
    [5] = TCP_ICMP_HOST_UNREACH,  /* source route failed */
    [6] = TCP_ICMP_NET_UNREACH,	  /* network unknown */
    [7] = TCP_ICMP_HOST_UNREACH,  /* host unknown */
    [8] = TCP_ICMP_HOST_UNREACH,  /* source host isolated */
    [9] = TCP_ICMP_ADMIN,	  /* network prohibited */
    [10] = TCP_ICMP_ADMIN,	  /* host prohibited */
    [11] = TCP_ICMP_NET_UNREACH,  /* not for this type of service */
    [12] = TCP_ICMP_HOST_UNREACH, /* the same */
    [13] = TCP_ICMP_ADMIN,	  /* filtered */
    [14] = TCP_ICMP_HOST_UNREACH, /* precedence violation */
    [15] = TCP_ICMP_HOST_UNREACH, /* precedence cut-off */
};

static bool
error_meaning(const struct ip_error *e, enum tcp_icmp *what)
{
	switch (e->type) {
	case WIRE_ICMP_TIME_EXCEEDED:
		*what = TCP_ICMP_TIME_EXCEEDED;
		return true;
	case WIRE_ICMP_PARAM_PROBLEM:
		*what = TCP_ICMP_PARAM_PROBLEM;
		return true;
	default:
		if (e->code >= sizeof unreach)
			return false;
		*what = unreach[e->code];
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

	if (error_meaning(e, &what))
		tcp_icmp_input(s->tcp, &id, e->seq, what, e->mtu, now);
	else
		drop_count(&s->drops, DROP_ICMP_TYPE);
}

static void
take_ipv4(
    struct stack *s, struct ip_in *in, const struct offload *o, mono_t now)
{
	struct tcp_in seg;

	switch (ip_input(&s->ip, in, now)) {
	case IP_DONE:
		break;
	case IP_TCP:
		seg = (struct tcp_in){.src = in->src,
		    .dst = in->dst,
		    .buf = in->buf,
		    .off = in->off,
		    .len = in->len,
		    .csum_ok = o->csum_valid || o->needs_csum};
		if (o->gso == GSO_TCP4)
			seg.gso_size = o->gso_size;
		tcp_input(s->tcp, &seg, now);
		break;
	case IP_ERROR:
		take_error(s, &in->error, now);
		break;
	}
}

void
stack_take_frame(struct stack *s, struct buf *b, uint32_t off,
    const struct offload *o, bool looped, mono_t now)
{
	static const uint8_t broadcast[WIRE_ETHER_ADDR] = {
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct ip_in in = {.buf = b, .looped = looped};
	struct wire_ether eth;
	int why = wire_ether_parse(b->data + off, b->len - off, &eth);
	bool to_us;

	if (why != DROP_NONE) {
		drop_count(&s->drops, why);
		return;
	}
	to_us = looped || memcmp(eth.dst, s->ip.mac, sizeof eth.dst) == 0;
	if (!to_us && memcmp(eth.dst, broadcast, sizeof eth.dst) != 0) {
		drop_count(&s->drops, DROP_ETH_DST);
		return;
	}
	in.off = off + WIRE_ETHER_LEN;
	in.len = b->len - in.off;
	if (eth.type == WIRE_ETHER_ARP)
		arp_input(&s->ip, b->data + in.off, in.len, to_us, now);
	else if (eth.type != WIRE_ETHER_IPV4)
		drop_count(&s->drops, DROP_ETH_TYPE);
	else if (!to_us) /* RFC 1122 3.3.6 */
		drop_count(&s->drops, DROP_IP_DST);
	else
		take_ipv4(s, &in, o, now);
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
