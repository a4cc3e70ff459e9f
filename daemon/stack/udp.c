/* SPDX-License-Identifier: ISC */
/*
 * The joint of ip and udp: the path that a datagram takes, the packet that it
 * becomes, and what routers say about it.
 *
 * What a program sends is copied once, into the frame that waits for the
 * device; the checksum is the device's where it can.  Not so in pieces: it is
 * over the whole, which no device sees.  What comes back from ourselves is as
 * good as memory and has none to look at.
 */
#include <errno.h>
#include <string.h>
#include "stack/internal.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/icmp6.h"
#include "wire/udp.h"

static int
path(void *ctx, const struct ipaddr *src, const struct ipaddr *dst,
    struct udp_path *out)
{
	struct tcp_path p;
	int r = stack_path(ctx, src, dst, &p);

	if (r == 0)
		*out = (struct udp_path){
		    .src = p.src, .mtu = p.mtu, .link_mtu = p.rcv_mtu};
	return r;
}

static void
write_udp(const struct udp_out *o, uint8_t hdr[WIRE_UDP_HDR])
{
	struct wire_udp h = {.sport = o->sport,
	    .dport = o->dport,
	    .len = (uint16_t)(WIRE_UDP_HDR + o->len)};

	wire_udp_emit(&h, hdr);
}

static void
pseudo(const struct udp_out *o, struct wire_csum *c)
{
	wire_csum_pseudo(
	    c, &o->src, &o->dst, WIRE_PROTO_UDP, WIRE_UDP_HDR + o->len);
}

/* RFC 768: what comes out as zero is sent as all ones. */
static void
put_checksum(const struct udp_out *o, uint8_t hdr[WIRE_UDP_HDR])
{
	struct wire_csum c = WIRE_CSUM_INIT;
	uint16_t sum;

	if (o->no_csum)
		return;
	pseudo(o, &c);
	wire_csum_add(&c, hdr, WIRE_UDP_HDR);
	wire_csum_add(&c, o->data, o->len);
	sum = wire_csum_final(&c);
	put16(hdr + WIRE_UDP_CSUM_OFF, sum != 0 ? sum : 0xffff);
}

/* The checksum, or who makes it. */
static void
settle_checksum(
    struct stack *s, const struct udp_out *o, struct buf *b, uint8_t *hdr)
{
	struct offload *off = &pkt_info(b)->off;
	struct wire_csum c = WIRE_CSUM_INIT;

	if (ip_is_local(&s->ip, &o->dst)) {
		off->csum_valid = true;
		put16(hdr + WIRE_UDP_CSUM_OFF, 0xffff);
		return;
	}
	if (!s->tx_csum || o->no_csum) {
		put_checksum(o, hdr);
		return;
	}
	pseudo(o, &c);
	put16(hdr + WIRE_UDP_CSUM_OFF, wire_csum_partial(&c));
	off->needs_csum = true;
	off->csum_start = (uint16_t)ip_heads(&s->ip, &o->dst);
	off->csum_offset = WIRE_UDP_CSUM_OFF;
}

static int
send_pieces(
    struct stack *s, const struct udp_out *o, const struct ip_hdr_out *h)
{
	uint8_t hdr[WIRE_UDP_HDR];
	struct span spans[2] = {
	    {hdr, sizeof hdr}, {(void *)(uintptr_t)o->data, o->len}};

	write_udp(o, hdr);
	put_checksum(o, hdr);
	return ip_send_pieces(
	    &s->ip, h, spans, sizeof hdr + o->len, o->mtu, s->now);
}

static int
output(void *ctx, const struct udp_out *o)
{
	struct stack *s = ctx;
	struct ip_hdr_out h = {.src = o->src,
	    .dst = o->dst,
	    .proto = WIRE_PROTO_UDP,
	    .tos = o->tos,
	    .ttl = o->ttl != 0 ? o->ttl : ip_hop_limit(&s->ip, &o->dst),
	    .len = (uint16_t)(WIRE_UDP_HDR + o->len),
	    .may_cut = !o->whole};
	bool v4 = ipaddr_is_v4(&o->dst);
	uint8_t ports[4], *p;
	struct buf *b;

	put16(ports, o->sport);
	put16(ports + 2, o->dport);
	if (!v4)
		h.flow = stack_flow_label(s, &o->src, &o->dst, ports);
	if (h.len + (v4 ? 20u : 40u) > o->mtu)
		return send_pieces(s, o, &h);
	if (h.may_cut)
		h.id = (uint16_t)rng_u64(&s->ip.rng);
	b = ip_packet(&s->ip, &h);
	if (b == NULL)
		return -ENOBUFS;
	p = ip_payload(&s->ip, b, &h);
	write_udp(o, p);
	memcpy(p + WIRE_UDP_HDR, o->data, o->len);
	settle_checksum(s, o, b, p);
	s->out_packets++;
	ip_send(&s->ip, b, &h.dst, s->now);
	return 0;
}

bool
stack_init_udp(struct stack *s, const struct stack_config *cfg)
{
	struct udp_config c = {
	    .net = {.path = path, .output = output, .ctx = s},
	    .env = cfg->udp,
	    .drops = &s->drops,
	    /* Other numbers than TCP's, from the same secret. */
	    .seed = {cfg->tcp.seed[0] ^ 0x756470, cfg->tcp.seed[1]},
	    .port_first = cfg->tcp.port_first,
	    .port_last = cfg->tcp.port_last,
	};

	s->udp = udp_new(&c);
	return s->udp != NULL;
}

void
stack_take_datagram(
    struct stack *s, const struct ip_in *in, bool csum_ok, mono_t now)
{
	struct udp_packet p = {.src = in->src,
	    .dst = in->dst,
	    .p = in->buf->data + in->off,
	    .len = in->len,
	    .tos = in->tos,
	    .ttl = in->hop_limit,
	    .csum_ok = csum_ok};

	if (!udp_input(s->udp, &p))
		ip_refuse_port(&s->ip, in, now);
}

/* ---- ICMP ---- */

struct meaning {
	uint8_t error;
	bool hard;
};

/* By code, as Linux has it. */
static const struct meaning unreach4[] = {
    {ENETUNREACH, false},
    {EHOSTUNREACH, false},
    {ENOPROTOOPT, true},
    {ECONNREFUSED, true},
    {EMSGSIZE, true}, /* too big */
    {EOPNOTSUPP, false},
    {ENETUNREACH, true},
    {EHOSTDOWN, true},
    {ENONET, true},
    {ENETUNREACH, true},
    {EHOSTUNREACH, true},
    {ENETUNREACH, false},
    {EHOSTUNREACH, false},
    {EHOSTUNREACH, true},
    {EHOSTUNREACH, true},
    {EHOSTUNREACH, true},
};

static const struct meaning unreach6[] = {
    [WIRE_UNREACH6_ROUTE] = {ENETUNREACH, false},
    [WIRE_UNREACH6_ADMIN] = {EACCES, true},
    [WIRE_UNREACH6_SCOPE] = {EHOSTUNREACH, false},
    [WIRE_UNREACH6_ADDR] = {EHOSTUNREACH, false},
    [WIRE_UNREACH6_PORT] = {ECONNREFUSED, true},
    [WIRE_UNREACH6_POLICY] = {EACCES, true},
    [WIRE_UNREACH6_REJECT] = {EACCES, true},
};

/* Of type and code; error 0: nothing that we know. */
static struct meaning
meaning4(const struct ip_error *e)
{
	switch (e->type) {
	case WIRE_ICMP_TIME_EXCEEDED:
		return (struct meaning){EHOSTUNREACH, false};
	case WIRE_ICMP_PARAM_PROBLEM:
		return (struct meaning){EPROTO, true};
	default:
		if (e->code < sizeof unreach4 / sizeof unreach4[0])
			return unreach4[e->code];
		return (struct meaning){0, false};
	}
}

static struct meaning
meaning6(const struct ip_error *e)
{
	switch (e->type) {
	case WIRE_ICMP6_TOO_BIG:
		return (struct meaning){EMSGSIZE, true};
	case WIRE_ICMP6_TIME_EXCEEDED:
		return (struct meaning){EHOSTUNREACH, false};
	case WIRE_ICMP6_PARAM_PROBLEM:
		return (struct meaning){EPROTO, true};
	default:
		if (e->code < sizeof unreach6 / sizeof unreach6[0])
			return unreach6[e->code];
		return (struct meaning){0, false};
	}
}

void
stack_take_udp_error(struct stack *s, const struct ip_error *e, mono_t now)
{
	struct meaning m = ipaddr_is_v4(&e->dst) ? meaning4(e) : meaning6(e);
	struct udp_icmp out = {.id = {.laddr = e->src,
				   .raddr = e->dst,
				   .lport = e->sport,
				   .rport = e->dport},
	    .error = m.error,
	    .hard = m.hard,
	    .too_big = m.error == EMSGSIZE,
	    .type = e->type,
	    .code = e->code,
	    .info = m.error == EMSGSIZE ? e->mtu : 0,
	    .from = e->from,
	    .data = e->quote + WIRE_UDP_HDR,
	    .len = e->quote_len - WIRE_UDP_HDR};

	if (m.error == 0) {
		drop_count(&s->drops, DROP_ICMP_TYPE);
		return;
	}
	if (!udp_icmp_input(s->udp, &out))
		drop_count(&s->drops, DROP_ICMP_QUOTE);
	else if (out.too_big)
		pmtu_learn(&s->ip, &e->dst, e->mtu, now);
}
