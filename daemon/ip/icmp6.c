/* SPDX-License-Identifier: ISC */
/*
 * ICMPv6.  The caller has validated the IPv6 headers: the packet is whole, for
 * an address of ours or a group that we listen to.
 *
 * Trust is as in icmp.c: what an error says about a connection is passed on
 * only if it quotes a TCP segment that we could have sent, and TCP judges the
 * rest (RFC 5927); answers share the token buckets of version 4 (RFC 4443 2.4
 * (f)).  Errors are never sent about errors, nor to what is no single station
 * (RFC 4443 2.4 (e)).
 *
 * Redirects are refused (DEVIATION: RFC 4861 8.3 would have us follow them;
 * one is an order by anyone on the link to send elsewhere, and the only thing
 * it brings is a shorter way).
 */
#include "ip/icmp6.h"

#include <string.h>
#include "ip/icmp.h"
#include "ip/nd.h"
#include "wire/icmp6.h"

#define ND_HOP_LIMIT 255

static enum ip_verdict
dropped(struct ip *ip, enum drop why)
{
	drop_count(ip->drops, why);
	return IP_DONE;
}

/* Writes the message into a packet of its own, or NULL. */
static struct buf *
make(struct ip *ip, struct ip_hdr_out *h, const struct wire_icmp *m)
{
	struct buf *b;
	uint8_t *p;

	h->proto = WIRE_PROTO_ICMP6;
	h->len = (uint16_t)(WIRE_ICMP_HDR + m->len);
	b = ip_packet(ip, h);
	if (b == NULL)
		return NULL;
	p = ip_payload(ip, b, h);
	memcpy(p + wire_icmp6_emit(m, &h->src, &h->dst, p), m->data, m->len);
	return b;
}

void
icmp6_send(struct ip *ip, const struct ipaddr *src, const struct ipaddr *dst,
    const uint8_t *mac, const struct wire_icmp *m, mono_t now)
{
	struct ip_hdr_out h = {.src = *src, .dst = *dst, .ttl = ND_HOP_LIMIT};
	struct buf *b = make(ip, &h, m);

	if (b == NULL)
		return;
	if (mac != NULL || ipaddr_is_multicast(dst))
		ip_send_to(ip, b, dst, mac);
	else
		ip_send(ip, b, dst, now);
}

static enum ip_verdict
answer_echo(
    struct ip *ip, const struct ip_in *in, struct wire_icmp *m, mono_t now)
{
	struct ip_hdr_out h = {.src = in->dst,
	    .dst = in->src,
	    .ttl = ip_hop_limit(ip, &in->src),
	    .tos = in->tos};
	size_t mtu = in->looped ? IP_LOOP_MTU : ip->mtu6;
	const struct ifaddr *ours;
	struct buf *b;

	if (ipaddr_is_any(&in->src))
		return dropped(ip, DROP_IP_SOURCE);
	if (ipaddr_is_multicast(&in->dst)) {
		ours = ifaddr_source(ip, &in->src);
		if (ours == NULL)
			return IP_DONE;
		h.src = ours->addr;
	}
	if (WIRE_ICMP_HDR + m->len > mtu - WIRE_IPV6_HDR)
		return dropped(ip, DROP_ICMP_SIZE);
	if (!bucket_take(&ip->echo, now))
		return dropped(ip, DROP_ICMP_RATE);
	m->type = WIRE_ICMP6_ECHO_REPLY;
	b = make(ip, &h, m);
	if (b == NULL)
		return IP_DONE;
	ip_send(ip, b, &h.dst, now);
	ip->echo_replies++;
	return IP_DONE;
}

static enum ip_verdict
take_error(struct ip *ip, struct ip_in *in, const struct wire_icmp *m)
{
	struct wire_icmp6_quote q;
	int why = wire_icmp6_quote(m, &q);

	if (why != DROP_NONE)
		return dropped(ip, why);
	/* Only what we can have sent: from us, in one piece (RFC 5927 4). */
	if (!ip_may_quote(ip, in, &q.ip.src) || q.later_fragment)
		return dropped(ip, DROP_ICMP_QUOTE);
	if (q.proto != WIRE_PROTO_TCP && q.proto != WIRE_PROTO_UDP)
		return dropped(ip, DROP_ICMP_TYPE);
	in->error = (struct ip_error){.type = m->type,
	    .code = m->code,
	    .proto = q.proto,
	    .src = q.ip.src,
	    .dst = q.ip.dst,
	    .sport = q.sport,
	    .dport = q.dport,
	    .seq = q.seq,
	    .from = in->src,
	    .rest = m->rest,
	    .quote = m->data + q.off,
	    .quote_len = (uint32_t)m->len - q.off};
	if (m->type == WIRE_ICMP6_TOO_BIG)
		in->error.mtu =
		    (uint16_t)(m->rest < UINT16_MAX ? m->rest : UINT16_MAX);
	return IP_ERROR;
}

/* RFC 4861 6.1.2, 7.1.1, 7.1.2, RFC 6980 5. */
static bool
from_our_link(const struct ip_in *in, const struct wire_icmp *m)
{
	return in->hop_limit == ND_HOP_LIMIT && m->code == 0 && !in->fragment;
}

static enum ip_verdict
discovery(struct ip *ip, const struct ip_in *in, const struct wire_icmp *m,
    mono_t now)
{
	if (!from_our_link(in, m))
		return dropped(ip, DROP_ICMP_MALFORMED);
	if (m->type == WIRE_ICMP6_RA)
		ra_input(ip, in, m, now);
	else
		nd_input(ip, in, m, now);
	return IP_DONE;
}

enum ip_verdict
icmp6_input(struct ip *ip, struct ip_in *in, mono_t now)
{
	struct wire_icmp m;
	int why = wire_icmp6_parse(
	    in->buf->data + in->off, in->len, &in->src, &in->dst, &m);

	if (why != DROP_NONE)
		return dropped(ip, why);
	switch (m.type) {
	case WIRE_ICMP6_ECHO:
		return answer_echo(ip, in, &m, now);
	case WIRE_ICMP6_UNREACH:
	case WIRE_ICMP6_TOO_BIG:
	case WIRE_ICMP6_TIME_EXCEEDED:
	case WIRE_ICMP6_PARAM_PROBLEM:
		return take_error(ip, in, &m);
	case WIRE_ICMP6_RA:
	case WIRE_ICMP6_NS:
	case WIRE_ICMP6_NA:
		return discovery(ip, in, &m, now);
	case WIRE_ICMP6_MLD_QUERY:
		mld_input(ip, in, &m, now);
		return IP_DONE;
	default:
		return dropped(ip, DROP_ICMP_TYPE);
	}
}

/* Is the packet an ICMPv6 error or redirect itself?  Its chain may be in no
 * order to be walked properly. */
static bool
is_error(const uint8_t *p, size_t len)
{
	size_t off = WIRE_IPV6_HDR, hlen;
	uint8_t next = p[6];
	unsigned n;

	for (n = 0; n < 8 && off + 8 <= len; n++) {
		if (next == WIRE_PROTO_ICMP6)
			return p[off] < WIRE_ICMP6_INFO ||
			       p[off] == WIRE_ICMP6_REDIRECT;
		if (next != WIRE_PROTO_HOPOPTS && next != WIRE_PROTO_ROUTING &&
		    next != WIRE_PROTO_DSTOPTS && next != WIRE_PROTO_FRAGMENT)
			return false;
		/* A fragment header's length octet means nothing. */
		hlen = next == WIRE_PROTO_FRAGMENT ? 8 : 8 + 8u * p[off + 1];
		next = p[off];
		off += hlen;
	}
	return false;
}

void
icmp6_error(struct ip *ip, const struct ip_in *in, uint8_t type, uint8_t code,
    uint32_t rest, bool to_group, mono_t now)
{
	const uint8_t *packet = in->buf->data + in->off - in->hdr_len;
	size_t quote = (size_t)in->hdr_len + in->len;
	size_t room = WIRE_IPV6_MTU_MIN - WIRE_IPV6_HDR - WIRE_ICMP_HDR;
	struct ip_hdr_out h = {
	    .src = in->dst, .dst = in->src, .ttl = ip_hop_limit(ip, &in->src)};
	struct wire_icmp m = {
	    .type = type, .code = code, .rest = rest, .data = packet};
	bool group = in->broadcast || ipaddr_is_multicast(&in->dst);
	const struct ifaddr *ours = ifaddr_source(ip, &in->src);
	bool local = in->looped && !group && ip_is_local(ip, &in->src);
	struct buf *b;

	if ((!local && (ip_is_group(ip, &in->src) || ours == NULL)) ||
	    (group && !to_group) || is_error(packet, quote))
		return;
	if (!in->looped && !bucket_take(&ip->errors, now)) {
		drop_count(ip->drops, DROP_ICMP_RATE);
		return;
	}
	if (group)
		h.src = ours->addr;
	m.len = quote < room ? quote : room;
	b = make(ip, &h, &m);
	if (b == NULL)
		return;
	ip_send(ip, b, &h.dst, now);
	ip->icmp_errors++;
}
