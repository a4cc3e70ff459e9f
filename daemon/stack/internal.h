/* SPDX-License-Identifier: ISC */
/*
 * What the files of stack/ share.
 */
#ifndef STACK_INTERNAL_H
#define STACK_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/drop.h"
#include "base/mono.h"
#include "ip/ip.h"
#include "stack/stack.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

struct stack {
	struct ip ip;
	struct tcp *tcp;
	struct udp *udp;
	struct siphash_key key_flow;
	struct tcp_env user; /* the owner's; env.path is ours */
	struct bufpool *bufs;
	struct drops drops;
	bool tx_csum, tx_tso;
	mono_t now; /* of the last call */
	struct tcp_out seg;
	struct buf *lent; /* the last txframe points into it */
	uint64_t in_frames, out_frames, in_bytes, out_bytes, out_packets;
};

/* A frame at data[off..len) of b, whose reference stays the caller's. */
void stack_take_frame(struct stack *s, struct buf *b, uint32_t off,
    const struct offload *o, bool looped, mono_t now);

/* How a packet from src (the wildcard: any of ours) to dst leaves: 0,
 * -ENETUNREACH or -EADDRNOTAVAIL. */
int stack_path(struct stack *s, const struct ipaddr *src,
    const struct ipaddr *dst, struct tcp_path *out);
/* RFC 6437 3: one for each flow; ports as they are on the wire. */
uint32_t stack_flow_label(const struct stack *s, const struct ipaddr *src,
    const struct ipaddr *dst, const uint8_t ports[4]);

/* udp.c */
bool stack_init_udp(struct stack *s, const struct stack_config *cfg);
void stack_take_datagram(
    struct stack *s, const struct ip_in *in, bool csum_ok, mono_t now);
void stack_take_udp_error(
    struct stack *s, const struct ip_error *e, mono_t now);

#endif
