/* SPDX-License-Identifier: ISC */
/*
 * The engine's side of a connection's ring (ipc/ring.c has the order of what is
 * in it and in D).  The stack sends from the ring and again from it; what is
 * acknowledged is free for the program.
 *
 * A ring begins when the program asks, in the midst of its stream: what D holds
 * then comes first.  It ends with the connection or when the program leaves it.
 * Its memory stays until the last byte is acknowledged, with no program, too.
 *
 * What the program does with it: an index that cannot be resets its connection.
 * Bytes that change while they wait are sent as they are then.  The memfd keeps
 * its size (sealed), so touching it cannot fail.
 *
 * Much in D while the ring is rather full means that the program went on there:
 * it stays until there is room in the ring, and the program waits meanwhile.
 *
 * Bounds: RING_SIZE a connection; of a user all together half of his buffer
 * bytes, with those that his programs left; of all users a quarter of the
 * memory for buffers.  Who gets none goes on by the stream.
 */
#include "config.h"
#include <sys/mman.h>
#include <sys/param.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "proc/engine.h"

#define RING_SIZE (1u << 20)
#define HOLD	  16384 /* this much in D is more than what wakes us */

struct chan_ring {
	struct ring_taker t;
	struct engine *e;
	uint32_t uid;
	uint32_t refs;	   /* the chan's and the send queue's */
	uint32_t returned; /* as tcp_send_returned() had it */
};

/* ---- memory ---- */

static struct account *
account_of(struct engine *e, uint32_t uid)
{
	struct account key = {.uid = uid};

	return RB_FIND(accounts, &e->accounts, &key);
}

static void
ref(void *owner)
{
	((struct chan_ring *)owner)->refs++;
}

static void
unref(void *owner)
{
	struct chan_ring *g = owner;
	struct engine *e = g->e;
	struct account *a;

	if (--g->refs > 0)
		return;
	/* Whoever has it mapped still shall not hold the memory. */
	(void)madvise(g->t.r.data, g->t.r.size, MADV_REMOVE);
	e->ring_bytes -= g->t.r.size;
	/* At the engine's end the accounts go first. */
	if ((a = account_of(e, g->uid)) != NULL) {
		a->ring_bytes -= g->t.r.size;
		account_put(e, a);
	}
	ring_unmap(&g->t.r);
	free(g);
}

static int
make_memfd(void)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int fd = memfd_create("tcpd-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, RING_DATA + RING_SIZE) < 0 ||
	    fcntl(fd, F_ADD_SEALS, seals) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static bool
may_have(const struct chan *c)
{
	return c->acct->ring_bytes + RING_SIZE <=
		   c->acct->limit.buffer_bytes / 2 &&
	       c->e->ring_bytes + RING_SIZE <=
		   bufpool_limit(stack_bufs(c->e->stack)) / 4;
}

int
chan_ring_open(struct chan *c, int *fd, uint32_t *size)
{
	struct chan_ring *g;
	struct ring r;
	int pending = chan_pending(c), err;

	if (!c->e->conf->g.engine.ring)
		return EOPNOTSUPP;
	if (c->ring != NULL)
		return EBUSY;
	if (c->state != CHAN_OPEN || c->fin_taken || c->bits != 0 ||
	    c->preamble || c->to_mark != 0 || pending < c->lag)
		return EAGAIN;
	/* To another of ours the bufs themselves go (tcp/local.c). */
	if (stack_is_local(c->e->stack, &tcp_tuple(c->pcb)->raddr))
		return EOPNOTSUPP;
	if (!may_have(c))
		return ENOBUFS;
	if ((*fd = make_memfd()) < 0)
		return -*fd;
	g = calloc(1, sizeof *g);
	err = g == NULL ? ENOMEM : -ring_map(&r, *fd, RING_SIZE);
	if (err != 0) {
		free(g);
		close(*fd);
		return err;
	}
	ring_begin(&g->t, &r, (uint32_t)pending - c->lag);
	g->e = c->e;
	g->uid = c->acct->uid;
	g->refs = 1;
	g->returned = tcp_send_returned(c->pcb);
	c->e->ring_bytes += RING_SIZE;
	c->acct->ring_bytes += RING_SIZE;
	c->e->stats.rings++;
	c->ring = g;
	*size = RING_SIZE;
	return 0;
}

void
chan_ring_close(struct chan *c)
{
	struct chan_ring *g = c->ring;

	if (g == NULL)
		return;
	c->ring = NULL;
	ring_stop(&g->t);
	unref(g);
}

uint32_t
chan_ring_size(const struct chan *c)
{
	return c->ring != NULL ? c->ring->t.r.size : 0;
}

uint32_t
chan_ring_lent(const struct chan *c)
{
	return c->ring != NULL ? c->ring->t.taken - c->ring->t.tail : 0;
}

/* ---- bytes ---- */

uint32_t
chan_ring_waiting(const struct chan *c)
{
	return c->ring != NULL ? ring_waiting(&c->ring->t) : 0;
}

void
chan_ring_release(struct chan *c)
{
	struct chan_ring *g = c->ring;
	uint32_t n;

	if (g == NULL || c->pcb == NULL)
		return;
	n = tcp_send_returned(c->pcb) - g->returned;
	if (n == 0)
		return;
	g->returned += n;
	ring_release(&g->t, n);
}

/* To the urgent mark and no further. */
static enum moved
lend(struct chan *c, uint32_t n, uint32_t at, size_t *took)
{
	struct chan_ring *g = c->ring;
	struct tcp_lent l = {
	    .bytes = g->t.r.data + at, .take = ref, .back = unref, .owner = g};

	l.len = MIN(n, TCP_LEND_MAX);
	if (c->to_mark != 0)
		l.len = MIN(l.len, c->to_mark);
	if (!tcp_send_lend(c->pcb, &l, engine_now(c->e)))
		return MOVED_WAIT;
	ring_take_bytes(&g->t, l.len);
	c->e->stats.ring_bytes += l.len;
	*took = l.len;
	chan_took(c, l.len);
	return MOVED_SOME;
}

enum moved
chan_ring_take(struct chan *c, uint32_t stream, size_t budget, size_t *took)
{
	struct ring_taker *t = &c->ring->t;
	uint32_t n, at;
	enum moved m;

	switch (ring_next(t, stream, &n, &at)) {
	case RING_BYTES:
		return lend(c, MIN(n, (uint32_t)budget), at, took);
	case RING_STREAM:
		if (stream > HOLD && t->taken - t->tail > t->r.size / 3 * 2)
			return MOVED_WAIT;
		m = chan_take_some(c, n, budget, took);
		ring_take_stream(t, (uint32_t)*took);
		/* There may be more in the ring. */
		return m == MOVED_ALL && *took > 0 ? MOVED_SOME : m;
	case RING_BROKEN:
		drop_count(c->e->drops, DROP_IPC_MALFORMED);
		return MOVED_RESET;
	default:
		break;
	}
	if (c->bits != 0)
		return MOVED_CLOSED;
	/* Bytes that came into D since then tell by their edge. */
	return ring_waiting(t) > 0 || ring_sleep(t) ? MOVED_ALL : MOVED_SOME;
}
