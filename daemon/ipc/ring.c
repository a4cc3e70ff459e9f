/* SPDX-License-Identifier: ISC */
/*
 * One sequence of bytes, part of it in a ring and part in a stream.  All that
 * is in either is the program's data: there are no tokens, and what does not
 * know the ring and writes to the stream loses nothing.
 *
 * Order.  What is in the ring comes before what is in the stream, but for what
 * is behind the mark, which comes when so many bytes of the stream are taken. A
 * writer moves the mark when it comes back to the ring, and only when the
 * engine has passed the last one.
 *
 * The stream stays what is polled and waited for.  A writer that finds the ring
 * full writes on into the stream, until that is full, too; the engine, which
 * leaves much of that there until there is room in the ring, makes it writable.
 *
 * Wake-ups.  The head and the engine's sleep are one word.  The engine goes to
 * sleep only if all up to the head is taken; a writer that finds it asleep puts
 * in all but its last bytes, and these go into the stream, which wakes it.
 *
 * Writers never wait for each other.  `busy` counts who is in a call: the one
 * who found none may use the ring, all others use the stream; and the mark is
 * moved only while nobody else is in, for only then is `sent` exact.  Who dies
 * in a call leaves busy as it is, and from then on all use the stream; signal
 * handlers and children of fork() need no care.
 *
 * So leaving the ring (before exec(), say) is one store.  What then writes to
 * the stream comes after what is in the ring.
 */
#include "ipc/ring.h"

/* The test that tries all orders of steps looks in here. */
#ifndef RING_STEP
#define RING_STEP() ((void)0)
/* For the stream before the ring is looked at again. */
#define RING_PIECE  32768
/* Goes as it is to wake the engine; of more, one byte. */
#define RING_SMALL  4096
#endif

#define get(w) (RING_STEP(), atomic_load_explicit(&(w), memory_order_acquire))
#define put(w, v)                                                              \
	(RING_STEP(), atomic_store_explicit(&(w), v, memory_order_release))

static uint32_t
head_of(uint64_t word)
{
	return (uint32_t)(word >> RING_HEAD_SHIFT);
}

static uint64_t
word_of(uint32_t head, uint32_t flags)
{
	return (uint64_t)head << RING_HEAD_SHIFT | flags;
}

static bool
swap_word(struct ring_page *p, uint64_t was, uint64_t is)
{
	RING_STEP();
	return atomic_compare_exchange_strong(&p->word, &was, is);
}

/* ---- programs ---- */

/* True: the ring may be used, too. */
static bool
enter(struct ring_page *p)
{
	RING_STEP();
	return atomic_fetch_add(&p->busy, 1) == 0;
}

static void
leave(struct ring_page *p)
{
	RING_STEP();
	atomic_fetch_sub(&p->busy, 1);
}

static void
note_sent(struct ring_page *p, uint32_t n)
{
	RING_STEP();
	atomic_fetch_add(&p->sent, n);
}

void
ring_end(struct ring_page *p)
{
	put(p->off, 1);
}

/* May the ring be used after what went into the stream? */
static bool
in_order(struct ring_page *p, uint32_t head)
{
	uint32_t mark = (uint32_t)get(p->mark), took, sent;

	/* In this order: who is counted in took, and not in sent yet, is in. */
	took = get(p->took);
	if (get(p->busy) != 1)
		return false;
	sent = get(p->sent);
	if ((int32_t)(sent - took) < 0) {
		ring_end(p); /* somebody writes who does not know the ring */
		return false;
	}
	if (sent == mark)
		return true;
	if ((int32_t)(took - mark) < 0)
		return false;
	put(p->mark, (uint64_t)head << RING_MARK_SHIFT | sent);
	return true;
}

/* How many bytes the ring takes now, from data + *at on; 0: the stream's turn.
 * For who may use it. */
static uint32_t
room_in(const struct ring *r, uint32_t *at)
{
	struct ring_page *p = r->page;
	uint32_t head, used;

	if (get(p->off) != 0 || get(p->ended) != 0)
		return 0;
	head = head_of(get(p->word));
	used = head - get(p->tail);
	if (used >= r->size || !in_order(p, head))
		return 0;
	*at = head & (r->size - 1);
	return r->size - used;
}

/* So many were copied there.  Returns how many of them are the engine's now; if
 * they are fewer (all but keep), it sleeps: the next ones go into the stream
 * and wake it up. */
static uint32_t
put_in(struct ring_page *p, uint32_t n, uint32_t keep)
{
	uint64_t was = get(p->word);
	uint32_t head = head_of(was);

	/* Only the engine's going to sleep can come between. */
	if ((was & RING_ASLEEP) == 0 && swap_word(p, was, word_of(head + n, 0)))
		return n;
	n -= keep;
	(void)swap_word(p, word_of(head, RING_ASLEEP), word_of(head + n, 0));
	return n;
}

/* The stream did not take what was to wake the engine. */
static void
not_woken(struct ring_page *p)
{
	uint64_t was = get(p->word);

	(void)swap_word(p, was, was | RING_ASLEEP);
}

static uint32_t
kept(size_t n)
{
	return n <= RING_SMALL ? (uint32_t)n : 1;
}

ssize_t
ring_write(const struct ring *r, const struct ring_from *f, size_t n)
{
	struct ring_page *p = r->page;
	bool alone = enter(p), wakes;
	size_t done = 0, part;
	ssize_t got = 0;
	uint32_t at, in;

	do {
		part = alone ? room_in(r, &at) : 0;
		if ((wakes = part > 0)) {
			if (part > n - done)
				part = n - done;
			f->copy(f, done, r->data + at, part);
			in = put_in(p, (uint32_t)part, kept(part));
			done += in;
			part -= in;
		} else {
			part = n - done;
			if (alone && part > RING_PIECE)
				part = RING_PIECE;
		}
		if (part == 0)
			continue;
		got = f->stream(f, done, part);
		if (got > 0) {
			note_sent(p, (uint32_t)got);
			done += (size_t)got;
		} else if (wakes) {
			not_woken(p);
		}
	} while (done < n && got >= (ssize_t)part);
	leave(p);
	return done > 0 ? (ssize_t)done : got;
}

/* ---- the engine ---- */

void
ring_begin(struct ring_taker *t, const struct ring *r, uint32_t stream)
{
	*t = (struct ring_taker){.r = *r};
	put(r->page->sent, stream);
	put(r->page->word, word_of(0, RING_ASLEEP));
}

uint32_t
ring_waiting(const struct ring_taker *t)
{
	uint32_t n = head_of(get(t->r.page->word)) - t->taken;
	uint32_t most = t->r.size - (t->taken - t->tail);

	return n <= most ? n : 0;
}

enum ring_next
ring_next(
    const struct ring_taker *t, uint32_t stream, uint32_t *n, uint32_t *at)
{
	struct ring_page *p = t->r.page;
	uint64_t word = get(p->word), mark;
	uint32_t waiting = head_of(word) - t->taken, before;
	int32_t due;

	if (waiting > t->r.size - (t->taken - t->tail) ||
	    (uint32_t)word > RING_ASLEEP)
		return RING_BROKEN;
	*at = t->taken & (t->r.size - 1);
	mark = get(p->mark);
	before = (uint32_t)(mark >> RING_MARK_SHIFT) - t->taken;
	due = (int32_t)((uint32_t)mark - t->took);
	if (before > 0 && before < waiting)
		waiting = before;
	else if (before == 0 && due > 0) {
		*n = stream < (uint32_t)due ? stream : (uint32_t)due;
		return *n > 0 ? RING_STREAM : RING_NOTHING;
	}
	*n = waiting > 0 ? waiting : stream;
	return waiting > 0  ? RING_BYTES
	       : stream > 0 ? RING_STREAM
			    : RING_NOTHING;
}

void
ring_take_bytes(struct ring_taker *t, uint32_t n)
{
	t->taken += n;
}

void
ring_take_stream(struct ring_taker *t, uint32_t n)
{
	t->took += n;
	put(t->r.page->took, t->took);
}

void
ring_release(struct ring_taker *t, uint32_t n)
{
	t->tail += n;
	put(t->r.page->tail, t->tail);
}

bool
ring_sleep(struct ring_taker *t)
{
	struct ring_page *p = t->r.page;
	uint64_t awake = word_of(t->taken, 0);

	return get(p->word) == word_of(t->taken, RING_ASLEEP) ||
	       swap_word(p, awake, word_of(t->taken, RING_ASLEEP));
}

void
ring_stop(struct ring_taker *t)
{
	put(t->r.page->ended, 1);
}
