/* SPDX-License-Identifier: ISC */
/*
 * Whole frames that wait inside the stack: for a neighbour's address, for the
 * device, for the way back to ourselves.  Each is one buf that starts with a
 * struct pkt (what the device must know about the frame), then the frame from
 * its Ethernet header on, placed so that the IP header is aligned.
 */
#ifndef IP_PKTQ_H
#define IP_PKTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/frame.h"

struct pkt {
	struct offload off;
};

/* 34 + 14 bytes of Ethernet: the IP header starts at a multiple of 16. */
#define PKT_HEAD 34
_Static_assert(sizeof(struct pkt) <= PKT_HEAD, "struct pkt fits its room");

struct pktq {
	struct buf *head, *tail;
	uint32_t n;
	size_t bytes; /* memory held, not bytes of frames */
};

/* A buf for a frame of len bytes (its length is set), or NULL. */
struct buf *pkt_new(struct bufpool *bufs, size_t len);

static inline struct pkt *
pkt_info(struct buf *b)
{
	return (struct pkt *)(void *)b->data;
}

static inline uint8_t *
pkt_frame(struct buf *b)
{
	return b->data + PKT_HEAD;
}

static inline size_t
pkt_len(const struct buf *b)
{
	return b->len - PKT_HEAD;
}

void pktq_put(struct pktq *q, struct buf *b);
struct buf *pktq_get(struct pktq *q); /* NULL when empty */
/* Moves everything from src to the end of dst. */
void pktq_join(struct pktq *dst, struct pktq *src);
void pktq_clear(struct pktq *q);

#endif
