/* SPDX-License-Identifier: ISC */
/*
 * The queue of waiting frames: a list through buf->next that knows how much
 * memory it holds, so that its owner can bound it.  A full pool is an ordinary
 * outcome (NULL), which the caller counts.
 */
#include "ip/pktq.h"

#include <string.h>

struct buf *
pkt_new(struct bufpool *bufs, size_t len)
{
	struct buf *b;

	if (len > BUF_FRAME - PKT_HEAD)
		return NULL;
	b = buf_alloc(bufs, PKT_HEAD + len);
	if (b == NULL)
		return NULL;
	memset(pkt_info(b), 0, sizeof(struct pkt));
	b->len = (uint32_t)(PKT_HEAD + len);
	return b;
}

void
pktq_put(struct pktq *q, struct buf *b)
{
	b->next = NULL;
	if (q->tail == NULL)
		q->head = b;
	else
		q->tail->next = b;
	q->tail = b;
	q->n++;
	q->bytes += b->cap;
}

struct buf *
pktq_get(struct pktq *q)
{
	struct buf *b = q->head;

	if (b == NULL)
		return NULL;
	q->head = b->next;
	if (q->head == NULL)
		q->tail = NULL;
	q->n--;
	q->bytes -= b->cap;
	b->next = NULL;
	return b;
}

void
pktq_join(struct pktq *dst, struct pktq *src)
{
	if (src->head == NULL)
		return;
	if (dst->tail == NULL)
		dst->head = src->head;
	else
		dst->tail->next = src->head;
	dst->tail = src->tail;
	dst->n += src->n;
	dst->bytes += src->bytes;
	*src = (struct pktq){0};
}

void
pktq_clear(struct pktq *q)
{
	struct buf *b;

	while ((b = pktq_get(q)) != NULL)
		buf_unref(b);
}
