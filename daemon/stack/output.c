/* SPDX-License-Identifier: ISC */
/*
 * Frames out: first what waits (ARP, ICMP, frames whose neighbour has been
 * found), then what TCP has to say.
 *
 * A segment to a known neighbour leaves without a copy: its headers are
 * written into the frame's own room, its payload is referenced where TCP
 * keeps it until it is acknowledged.  Only what must wait is copied: for an
 * unknown neighbour, or for the way back to ourselves.
 *
 * Checksum and segmentation are left to a device that can (VIRTIO 1.2,
 * 5.1.6.2: the field holds the sum of the pseudo header over the whole
 * segment); otherwise the checksum is computed here, and path() has told TCP
 * never to make more than one segment at a time.
 */
#include "stack/stack.h"

#include <string.h>
#include "base/check.h"
#include "stack/internal.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

_Static_assert(IP_HEADS_MAX + WIRE_TCP_HDR_MAX <= FRAME_HDR, "all headers fit");

/* A frame from the queue of those that wait. */
static void
lend(struct stack *s, struct txframe *f, struct buf *b)
{
	s->lent = b;
	f->off = pkt_info(b)->off;
	f->nspans = 1;
	f->len = pkt_len(b);
	f->spans[0] = (struct span){pkt_frame(b), f->len};
}

static void
release_lent(struct stack *s)
{
	if (s->lent != NULL)
		buf_unref(s->lent);
	s->lent = NULL;
}

/* Not to be guessed, never zero. */
uint32_t
stack_flow_label(const struct stack *s, const struct ipaddr *src,
    const struct ipaddr *dst, const uint8_t ports[4])
{
	struct {
		struct ipaddr src, dst;
		uint8_t ports[4];
	} key = {.src = *src, .dst = *dst};
	uint32_t label;

	memcpy(key.ports, ports, sizeof key.ports);
	label = siphash(&s->key_flow, &key, sizeof key) & 0xfffff;
	return label != 0 ? label : 1;
}

/* The headers of segment o at p; returns their length. */
static size_t
write_headers(
    struct stack *s, const struct tcp_out *o, const uint8_t *mac, uint8_t *p)
{
	struct ip_hdr_out h = {.src = o->src,
	    .dst = o->dst,
	    .proto = WIRE_PROTO_TCP,
	    .tos = o->tos,
	    .ttl = o->ttl != 0 ? o->ttl : ip_hop_limit(&s->ip, &o->dst),
	    .len = (uint16_t)(o->hdr_len + o->payload_len)};

	size_t heads = ip_heads(&s->ip, &o->dst);

	CHECK(o->hdr_len + o->payload_len <= 65535 - WIRE_IPV4_HDR_MIN);
	if (!ipaddr_is_v4(&o->dst))
		h.flow = stack_flow_label(s, &o->src, &o->dst, o->hdr);
	else if (o->gso_size != 0)
		/* Segments of one frame are told apart by counting up. */
		h.id = (uint16_t)rng_u64(&s->ip.rng);
	ip_write_heads(&s->ip, p, mac, &h);
	memcpy(p + heads, o->hdr, o->hdr_len);
	return heads + o->hdr_len;
}

/* The checksum (MUST-2: always), or what the device needs to make it; tcp is
 * the header. */
static void
settle_checksum(
    struct stack *s, const struct tcp_out *o, uint8_t *tcp, struct offload *off)
{
	struct wire_csum c = WIRE_CSUM_INIT;
	uint8_t *field = tcp + WIRE_TCP_CSUM_OFF;

	*off = (struct offload){0};
	wire_csum_pseudo(
	    &c, &o->src, &o->dst, WIRE_PROTO_TCP, o->hdr_len + o->payload_len);
	if (!s->tx_csum) {
		wire_csum_add(&c, tcp, o->hdr_len);
		wire_csum_spans(&c, o->spans, o->nspans, 0);
		put16(field, wire_csum_final(&c));
		return;
	}
	put16(field, wire_csum_partial(&c));
	off->needs_csum = true;
	off->csum_start = (uint16_t)ip_heads(&s->ip, &o->dst);
	off->csum_offset = WIRE_TCP_CSUM_OFF;
	if (o->gso_size == 0)
		return;
	CHECK(s->tx_tso);
	off->gso = ipaddr_is_v4(&o->dst) ? GSO_TCP4 : GSO_TCP6;
	off->gso_size = o->gso_size;
	off->hdr_len = (uint16_t)(off->csum_start + o->hdr_len);
}

static void
point_to_segment(struct stack *s, struct txframe *f, const uint8_t *mac)
{
	const struct tcp_out *o = &s->seg;
	size_t hdr_len = write_headers(s, o, mac, f->hdr);

	CHECK(o->nspans <= FRAME_SPANS - 1);
	settle_checksum(s, o, f->hdr + ip_heads(&s->ip, &o->dst), &f->off);
	f->spans[0] = (struct span){f->hdr, hdr_len};
	memcpy(&f->spans[1], o->spans, o->nspans * sizeof o->spans[0]);
	f->nspans = o->nspans + 1;
	f->len = hdr_len + o->payload_len;
}

/* The segment as a frame of its own, or NULL (counted). */
static struct buf *
copy_segment(struct stack *s)
{
	const struct tcp_out *o = &s->seg;
	struct buf *b;
	uint8_t *p;
	unsigned i;

	b = pkt_new(
	    s->bufs, ip_heads(&s->ip, &o->dst) + o->hdr_len + o->payload_len);
	if (b == NULL) {
		drop_count(&s->drops, DROP_IP_NO_MEMORY);
		return NULL;
	}
	p = pkt_frame(b);
	p += write_headers(s, o, NULL, p);
	for (i = 0; i < o->nspans; i++) {
		memcpy(p, o->spans[i].base, o->spans[i].len);
		p += o->spans[i].len;
	}
	return b;
}

static void
hold_segment(struct stack *s, struct neigh *n)
{
	struct buf *b = copy_segment(s);

	if (b == NULL)
		return;
	settle_checksum(s, &s->seg,
	    pkt_frame(b) + ip_heads(&s->ip, &s->seg.dst), &pkt_info(b)->off);
	neigh_hold(&s->ip, n, b);
}

static void
loop_segment(struct stack *s)
{
	struct buf *b = copy_segment(s);

	if (b == NULL)
		return;
	pkt_info(b)->off = (struct offload){.csum_valid = true};
	if (s->seg.gso_size != 0) {
		pkt_info(b)->off.gso =
		    ipaddr_is_v4(&s->seg.dst) ? GSO_TCP4 : GSO_TCP6;
		pkt_info(b)->off.gso_size = s->seg.gso_size;
	}
	ip_queue_loop(&s->ip, b);
}

/* What TCP has just handed out; true when it is in f. */
static bool
send_segment(struct stack *s, struct txframe *f, mono_t now)
{
	struct neigh *n;

	s->out_packets++;
	switch (ip_way(&s->ip, &s->seg.dst, now, &n)) {
	case IP_WAY_FRAME:
		if (s->seg.progress)
			neigh_confirm(&s->ip, n, now);
		if (s->seg.in_doubt)
			neigh_doubt(&s->ip, n, now);
		point_to_segment(s, f, n->mac);
		return true;
	case IP_WAY_RESOLVE:
		hold_segment(s, n);
		return false;
	case IP_WAY_LOOP:
		loop_segment(s);
		return false;
	case IP_WAY_NONE:
		break;
	}
	/* Its route went at a reload. */
	drop_count(&s->drops, DROP_IP_NO_ROUTE);
	tcp_host_unreachable(s->tcp, &s->seg.dst, now);
	return false;
}

static bool
next_frame(struct stack *s, struct txframe *f, mono_t now)
{
	struct buf *b;

	for (;;) {
		b = pktq_get(&s->ip.out);
		if (b != NULL) {
			lend(s, f, b);
			return true;
		}
		/* What we say to ourselves waits until we have heard. */
		if (ip_loop_full(&s->ip))
			return false;
		s->seg.progress = s->seg.in_doubt = false;
		if (!tcp_output(s->tcp, &s->seg, now))
			return false;
		if (send_segment(s, f, now))
			return true;
	}
}

bool
stack_output(struct stack *s, struct txframe *f, mono_t now)
{
	s->now = now;
	release_lent(s);
	if (!next_frame(s, f, now))
		return false;
	s->out_frames++;
	s->out_bytes += f->len;
	return true;
}
