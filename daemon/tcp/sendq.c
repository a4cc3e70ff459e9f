/* SPDX-License-Identifier: ISC */
/*
 * The send queue: what the user wrote and the peer has not acknowledged, a
 * list of bufs that starts head_off bytes into the first.  Positions are bytes
 * from the first unacknowledged one.  A cursor remembers the last buf that was
 * looked up, since output goes forward most of the time.
 *
 * The user may leave bytes where they are (tcp_send_lend): they are sent from
 * there, and again from there, and he is told when they are acknowledged.  He
 * keeps them as they are until then; if he does not, his peer sees it.
 */
#include "tcp/internal.h"

size_t
pcb_send_queued(const struct tcb *p)
{
	return p->sq.bytes;
}

size_t
pcb_send_space(const struct tcb *p)
{
	size_t room, least, unsent = pcb_send_unsent(p);

	if (p->state == TCPS_CLOSED || (p->flags & PF_FIN_QUEUED))
		return 0;
	room = p->sq.bytes < p->sndbuf ? p->sndbuf - p->sq.bytes : 0;
	if (p->notsent_lowat == 0 || unsent + room <= p->notsent_lowat)
		return room;
	if (unsent >= p->notsent_lowat)
		return 0;
	/* Linux takes a whole train then; a segment leaves no smaller ones. */
	least = p->notsent_lowat - unsent;
	if (least < p->snd_mss)
		least = p->snd_mss;
	return least < room ? least : room;
}

void
sendq_wake(struct tcb *p)
{
	size_t least = p->notsent_lowat != 0 ? 1 : p->sndbuf / 3;

	if (!(p->flags & PF_WANT_WRITABLE) || pcb_send_space(p) < least)
		return;
	p->flags &= ~PF_WANT_WRITABLE;
	pcb_event(p, TCP_EV_WRITABLE);
}

static size_t
tail_room(const struct tcb *p)
{
	return p->sq.tail != NULL && !p->sq.tail->lent
		   ? p->sq.tail->cap - p->sq.tail->len
		   : 0;
}

/* Writers leave an eighth of the memory for what arrives: an ACK that finds no
 * buffer could free none. */
static bool
room_to_write(const struct tcp *t, size_t cap)
{
	size_t limit = bufpool_limit(t->cfg.bufs);

	return bufpool_used(t->cfg.bufs) + sizeof(struct buf) + cap <=
	       limit - limit / 8;
}

/* A buf for up to want bytes, a small one rather than none. */
static struct buf *
alloc_to_write(struct tcp *t, size_t want)
{
	size_t cap = want <= BUF_SMALL	 ? BUF_SMALL
		     : want <= BUF_CHUNK ? BUF_CHUNK
					 : BUF_FRAME;

	if (room_to_write(t, cap))
		return buf_alloc(t->cfg.bufs, cap);
	if (room_to_write(t, BUF_SMALL))
		return buf_alloc(t->cfg.bufs, BUF_SMALL);
	return NULL;
}

void
pcb_send_last(struct tcb *p, uint32_t n)
{
	if (n > UINT32_MAX - p->sq.bytes)
		n = UINT32_MAX - p->sq.bytes;
	if (p->sndbuf < p->sq.bytes + n)
		p->sndbuf = p->sq.bytes + n;
	p->notsent_lowat = 0;
}

/* Nothing may be out whose ACK would tell him to come again. */
static void
no_memory(struct tcb *p)
{
	p->flags |= PF_WANT_WRITABLE | PF_NO_MEMORY;
	pcb_ready(p);
}

unsigned
pcb_send_reserve(struct tcb *p, struct span *spans, unsigned max, size_t want)
{
	size_t space = pcb_send_space(p), room = tail_room(p);
	unsigned n = 0;

	if (want > space)
		want = space;
	if (want == 0) {
		p->flags |= PF_WANT_WRITABLE;
		return 0;
	}
	if (room > 0 && n < max) {
		size_t len = want < room ? want : room;

		spans[n++] =
		    (struct span){p->sq.tail->data + p->sq.tail->len, len};
		want -= len;
	}
	if (want == 0 || n == max)
		return n;
	if (p->sq.spare != NULL && p->sq.spare->cap < want &&
	    p->sq.spare->cap < BUF_FRAME) {
		buf_unref(p->sq.spare);
		p->sq.spare = NULL;
	}
	if (p->sq.spare == NULL) {
		p->sq.spare = alloc_to_write(p->t, want);
	}
	if (p->sq.spare != NULL) {
		if (want > p->sq.spare->cap)
			want = p->sq.spare->cap;
		spans[n++] = (struct span){p->sq.spare->data, want};
	} else if (n == 0) {
		no_memory(p);
	}
	return n;
}

static void
append(struct tcb *p, struct buf *b)
{
	b->next = NULL;
	if (p->sq.tail != NULL)
		p->sq.tail->next = b;
	else
		p->sq.head = b;
	p->sq.tail = b;
}

/* Does it go on where the last buf ends? */
static bool
continues(const struct tcb *p, const uint8_t *bytes, uint32_t n)
{
	const struct buf *b = p->sq.tail;

	return b != NULL && b->lent && buf_bytes(b) + b->len == bytes &&
	       b->len + n <= TCP_LEND_MAX;
}

bool
pcb_send_lend(struct tcb *p, const struct tcp_lent *l, mono_t now)
{
	struct buf *b;

	CHECK(l->len > 0 && l->len <= TCP_LEND_MAX);
	if (p->state == TCPS_CLOSED || (p->flags & PF_FIN_QUEUED) ||
	    l->len > UINT32_MAX - p->sq.bytes)
		return false;
	if (continues(p, l->bytes, l->len)) {
		p->sq.tail->len += l->len;
	} else {
		b = buf_lend(
		    p->t->cfg.bufs, l->bytes, l->len, l->back, l->owner);
		if (b == NULL) {
			no_memory(p);
			return false;
		}
		l->take(l->owner);
		append(p, b);
	}
	p->sq.bytes += l->len;
	fastsyn_begin(p, now);
	pcb_ready(p);
	return true;
}

void
pcb_send_commit(struct tcb *p, size_t n, mono_t now)
{
	size_t room = tail_room(p), first = n < room ? n : room;
	struct buf *b = p->sq.spare;

	if (p->sq.tail != NULL)
		p->sq.tail->len += (uint32_t)first;
	p->sq.bytes += (uint32_t)n;
	n -= first;
	if (n > 0) {
		CHECK(b != NULL && n <= b->cap);
		p->sq.spare = NULL;
		b->len = (uint32_t)n;
		append(p, b);
	} else if (b != NULL) {
		buf_unref(b);
		p->sq.spare = NULL;
	}
	fastsyn_begin(p, now);
	pcb_ready(p);
}

/* Of the first bytes, those that are lent are the user's again. */
static void
give_back(struct tcb *p, uint32_t bytes)
{
	uint32_t off = p->sq.head_off, part, n = 0;
	const struct buf *b;

	for (b = p->sq.head; bytes > 0; b = b->next, off = 0) {
		part = b->len - off < bytes ? b->len - off : bytes;
		n += b->lent ? part : 0;
		bytes -= part;
	}
	p->sq.returned += n;
	if (n > 0)
		pcb_event(p, TCP_EV_RETURNED);
}

void
sendq_ack(struct tcb *p, uint32_t bytes)
{
	struct buf *b;

	CHECK(bytes <= p->sq.bytes);
	give_back(p, bytes);
	p->sq.bytes -= bytes;
	p->sq.head_off += bytes;
	while ((b = p->sq.head) != NULL && p->sq.head_off >= b->len) {
		/* The tail stays while it has room to be written to. */
		if (b == p->sq.tail && p->sq.head_off == b->len &&
		    b->refs == 1 && p->sq.bytes == 0) {
			b->len = p->sq.head_off = 0;
			break;
		}
		p->sq.head_off -= b->len;
		p->sq.head = b->next;
		if (p->sq.head == NULL)
			p->sq.tail = NULL;
		buf_unref(b);
	}
	/* An idle connection holds no memory. */
	if (p->sq.bytes == 0 && p->sq.head != NULL) {
		buf_unref(p->sq.head);
		p->sq.head = p->sq.tail = NULL;
		p->sq.head_off = 0;
	}
	p->sq.cur = NULL;
	if (bytes > 0)
		sendq_wake(p);
}

/* Spans over *len bytes from pos on; *len shrinks to what max spans hold. */
unsigned
sendq_spans(struct tcb *p, uint32_t pos, uint32_t *len, struct span *spans,
    unsigned max)
{
	struct buf *b = p->sq.cur;
	uint32_t at = p->sq.cur_pos, left = *len;
	unsigned n = 0;

	CHECK(pos + *len <= p->sq.bytes);
	pos += p->sq.head_off;
	if (b == NULL || pos < at) {
		b = p->sq.head;
		at = 0;
	}
	while (b != NULL && pos >= at + b->len && left > 0) {
		at += b->len;
		b = b->next;
	}
	p->sq.cur = b;
	p->sq.cur_pos = at;
	for (; left > 0 && n < max; b = b->next) {
		uint32_t off = pos - at, take = b->len - off;

		if (take > left)
			take = left;
		spans[n++] = (struct span){
		    (uint8_t *)(uintptr_t)buf_bytes(b) + off, take};
		left -= take;
		pos += take;
		at += b->len;
	}
	*len -= left;
	return n;
}

void
sendq_free(struct tcb *p)
{
	struct buf *b, *next;

	for (b = p->sq.head; b != NULL; b = next) {
		next = b->next;
		buf_unref(b);
	}
	if (p->sq.spare != NULL)
		buf_unref(p->sq.spare);
	p->sq.head = p->sq.tail = p->sq.spare = p->sq.cur = NULL;
	p->sq.head_off = p->sq.bytes = 0;
}
