/* SPDX-License-Identifier: ISC */
/*
 * ICMP.  The caller has validated the IP header: the packet is whole, for our
 * address alone, and its source is one station; so RFC 1122 3.2.2's "never
 * about a broadcast or a fragment" holds by construction, and errors are only
 * sent about protocols other than ICMP.
 *
 * Trust: anyone can send anything.  What an error says about a connection is
 * passed on only if it quotes a segment or datagram we could have sent; whether
 * it fits the connection's sequence space is TCP's to judge (RFC 5927).
 * Answers are limited by token buckets (RFC 1812 4.3.2.8), echo replies and
 * errors apart, so that neither is an amplifier nor starves the other.
 *
 * Source quench (MUST-55, RFC 6633) and redirects (RFC 1122 3.2.2.2 asks to
 * follow them. DEVIATION: a redirect is an unauthenticated order to send
 * elsewhere) are ignored.
 */
#include "ip/icmp.h"

#include <string.h>
#include "wire/icmp.h"

/* An MTU for a router that names none: RFC 1191 7.1's plateaus. */
static uint16_t
plateau_below(uint16_t len)
{
	static const uint16_t table[] = {
	    32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};
	size_t i;

	for (i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (table[i] < len)
			return table[i];
	}
	return 68;
}

static enum ip_verdict
dropped(struct ip *ip, enum drop why)
{
	drop_count(ip->drops, why);
	return IP_DONE;
}

static enum ip_verdict
answer_echo(
    struct ip *ip, const struct ip_in *in, struct wire_icmp *m, mono_t now)
{
	struct ip_hdr_out h = {.src = in->dst,
	    .dst = in->src,
	    .proto = WIRE_PROTO_ICMP,
	    .ttl = IP_TTL,
	    .tos = in->tos};
	size_t len = WIRE_ICMP_HDR + m->len;
	size_t mtu = in->looped ? IP_LOOP_MTU : ip->mtu;
	struct buf *b;
	uint8_t *p;

	if (len > mtu - WIRE_IPV4_HDR_MIN)
		return dropped(ip, DROP_ICMP_SIZE);
	if (!bucket_take(&ip->echo, now))
		return dropped(ip, DROP_ICMP_RATE);
	h.len = (uint16_t)len;
	b = ip_packet(ip, &h);
	if (b == NULL)
		return IP_DONE;
	p = ip_payload(ip, b, &h);
	m->type = WIRE_ICMP_ECHO_REPLY;
	memcpy(p + wire_icmp_emit(m, p), m->data, m->len);
	ip_send(ip, b, &h.dst, now);
	ip->echo_replies++;
	return IP_DONE;
}

static enum ip_verdict
take_error(struct ip *ip, struct ip_in *in, const struct wire_icmp *m)
{
	struct wire_icmp_quote q;
	int why = wire_icmp_quote(m, &q);
	struct ipaddr src;

	if (why != DROP_NONE)
		return dropped(ip, why);
	/* Only what we can have sent: from us, in one piece (RFC 5927 4). */
	src = ipaddr_v4(q.ip.src);
	if (!ip_may_quote(ip, in, &src) || q.ip.frag_off != 0)
		return dropped(ip, DROP_ICMP_QUOTE);
	if (q.ip.proto != WIRE_PROTO_TCP && q.ip.proto != WIRE_PROTO_UDP)
		return dropped(ip, DROP_ICMP_TYPE);
	in->error = (struct ip_error){.type = m->type,
	    .code = m->code,
	    .proto = q.ip.proto,
	    .src = src,
	    .dst = ipaddr_v4(q.ip.dst),
	    .sport = q.sport,
	    .dport = q.dport,
	    .seq = q.seq,
	    .from = in->src,
	    .rest = m->rest,
	    .quote = m->data + q.ip.ihl,
	    .quote_len = (uint32_t)(m->len - q.ip.ihl)};
	if (m->type == WIRE_ICMP_UNREACH && m->code == WIRE_UNREACH_NEEDFRAG) {
		in->error.mtu = (uint16_t)m->rest;
		if (in->error.mtu == 0)
			in->error.mtu = plateau_below(q.ip.total_len);
	}
	return IP_ERROR;
}

enum ip_verdict
icmp_input(struct ip *ip, struct ip_in *in, mono_t now)
{
	struct wire_icmp m;
	int why = wire_icmp_parse(in->buf->data + in->off, in->len, &m);

	if (why != DROP_NONE)
		return dropped(ip, why);
	switch (m.type) {
	case WIRE_ICMP_ECHO:
		return answer_echo(ip, in, &m, now);
	case WIRE_ICMP_UNREACH:
	case WIRE_ICMP_TIME_EXCEEDED:
	case WIRE_ICMP_PARAM_PROBLEM:
		return take_error(ip, in, &m);
	default:
		return dropped(ip, DROP_ICMP_TYPE);
	}
}

void
icmp_error(struct ip *ip, const struct ip_in *in, uint8_t type, uint8_t code,
    mono_t now)
{
	struct ip_hdr_out h = {.src = in->dst,
	    .dst = in->src,
	    .proto = WIRE_PROTO_ICMP,
	    .ttl = IP_TTL,
	    .tos = 0xc0};
	const uint8_t *packet = in->buf->data + in->off - in->hdr_len;
	size_t quote = (size_t)in->hdr_len + in->len;
	size_t room = ICMP_ERROR_BYTES - WIRE_IPV4_HDR_MIN - WIRE_ICMP_HDR;
	struct wire_icmp m = {.type = type, .code = code};
	struct buf *b;
	uint8_t *p;

	if (!in->looped && !bucket_take(&ip->errors, now)) {
		drop_count(ip->drops, DROP_ICMP_RATE);
		return;
	}
	m.data = packet;
	m.len = quote < room ? quote : room;
	h.len = (uint16_t)(WIRE_ICMP_HDR + m.len);
	b = ip_packet(ip, &h);
	if (b == NULL)
		return;
	p = ip_payload(ip, b, &h);
	memcpy(p + wire_icmp_emit(&m, p), packet, m.len);
	ip_send(ip, b, &h.dst, now);
	ip->icmp_errors++;
}
