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

struct stack {
	struct ip ip;
	struct tcp *tcp;
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

#endif
