/* SPDX-License-Identifier: ISC */
/*
 * When a socket's bytes go by a ring.
 *
 * Each connection begins as a stream.  When this process itself has written as
 * much to it as TCPD_RING_AFTER says (without it: never) by calls that are seen
 * here, the daemon is asked for a ring; so short ones never have one, nor those
 * whose bytes go other ways (io_uring, a static program).  What the bytes of
 * both have for an order is ipc/ring.c's.
 *
 * Everybody who writes to the socket and is not seen here has to come after the
 * ring was left: exec(), a descriptor that is passed or duplicated, stdio.
 * Before a ring is asked for, everybody who might hold the socket has to be in
 * this process: so fork() ends the candidacy of all, and a ring that was there
 * before is known to both sides, who have it mapped.
 *
 * A lane is a number's, and never goes.  `gate` counts calls that are in and
 * those that ever were, and says whether there is a ring, or may be one: so one
 * compare and exchange begins it, and only if nobody was in, came in or ended
 * the candidacy since it was asked for.  Who does not come out (a signal
 * handler that jumps) leaves the number without.
 *
 * That the number still is that socket's is asked of the kernel at each call.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "ident.h"
#include "ipc/ring.h"
#include "lane.h"
#include "real.h"
#include "sys.h"
#include "wire.h"

#define LANE_MAX    8192
#define AFTER_ENV   "TCPD_RING_AFTER"
#define GATE_RING   (1ULL << 31)
#define GATE_MAY    (1ULL << 30) /* have one */
#define GATE_INSIDE (GATE_MAY - 1)
#define GATE_CALL   (1ULL << 32 | 1)

/* Sending with others is by the stream's call. */
#define FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE | MSG_EOR)

struct lane {
	_Atomic uint64_t gate;
	_Atomic uint32_t wrote;
	_Atomic bool asking;
	uint64_t tag;
	struct ring ring;
};

static struct lane lanes[LANE_MAX];
static _Atomic int top = -1; /* the highest that was ever in use */
static _Atomic bool enabled;
static uint32_t after; /* so many bytes */

static void
drop_candidates(void)
{
	int i;

	for (i = 0; i <= atomic_load(&top); i++)
		atomic_fetch_and(&lanes[i].gate, ~GATE_MAY);
}

void
lane_enable(void)
{
	const char *text = secure_getenv(AFTER_ENV);

	if (text == NULL)
		return;
	after = (uint32_t)strtoul(text, NULL, 10);
	atomic_store(
	    &enabled, pthread_atfork(drop_candidates, NULL, NULL) == 0);
}

static struct lane *
lane_of(int fd)
{
	return fd >= 0 && fd < LANE_MAX ? &lanes[fd] : NULL;
}

void
lane_new(int fd)
{
	struct lane *l = lane_of(fd);
	struct ring old;
	uint64_t gate;
	int seen;

	if (l == NULL || !atomic_load(&enabled))
		return;
	gate = atomic_fetch_and(&l->gate, ~GATE_MAY) & ~GATE_MAY;
	old = l->ring;
	atomic_store(&l->wrote, 0);
	if ((gate & GATE_INSIDE) != 0 || atomic_load(&l->asking) ||
	    !atomic_compare_exchange_strong(&l->gate, &gate,
		((gate + GATE_CALL - 1) & ~GATE_RING) | GATE_MAY))
		return;
	if (gate & GATE_RING)
		ring_unmap(&old);
	for (seen = atomic_load(&top); seen < fd;)
		if (atomic_compare_exchange_weak(&top, &seen, fd))
			break;
}

/* ---- the beginning ---- */

static int
ask(int fd, uint64_t handle, struct ring *r)
{
	struct {
		struct proto_opt o;
		uint32_t size;
	} a;
	int got = -1, err;
	struct wire_req q = {.type = PROTO_RING,
	    .handle = handle,
	    .auth_fd = fd,
	    .ans = &a,
	    .ans_max = sizeof a,
	    .got_fd = &got};

	err = wire_request(&q);
	if (err == 0)
		err = q.ans_len == sizeof a && got >= 0
			  ? ring_map(r, got, a.size)
			  : -EPROTO;
	if (got >= 0)
		sys_close(got);
	return err;
}

/* A size that the program wants its buffer to have stays. */
static bool
has_own_size(int fd)
{
	struct sockopts o;

	ident_options(fd, &o);
	return sockopt_val(&o, OPT_SO_SNDBUF, 0) != 0 ||
	       sockopt_val(&o, OPT_TCP_NOTSENT_LOWAT, 0) != 0;
}

/* gate: as it was when nobody was in. */
static void
begin(int fd, struct lane *l, uint64_t gate)
{
	uint64_t handle;
	struct ring r;

	if (!ident_ours(fd, &handle) || has_own_size(fd) ||
	    ask(fd, handle, &r) != 0) {
		atomic_fetch_and(&l->gate, ~GATE_MAY);
		return;
	}
	l->tag = ident_get_tag(fd);
	l->ring = r;
	if (atomic_compare_exchange_strong(
		&l->gate, &gate, (gate | GATE_RING) & ~GATE_MAY)) {
		ident_ringed(fd, true);
		return;
	}
	ring_end(r.page);
	ring_unmap(&r);
	atomic_fetch_and(&l->gate, ~GATE_MAY);
}

static void
consider(int fd, struct lane *l)
{
	uint64_t gate = atomic_load(&l->gate);

	if ((gate & GATE_INSIDE) != 0 || (gate & GATE_MAY) == 0 ||
	    atomic_exchange(&l->asking, true))
		return;
	begin(fd, l, gate);
	atomic_store(&l->asking, false);
}

/* ---- calls ---- */

struct lane *
lane_enter(int fd)
{
	struct lane *l = lane_of(fd);

	if (l == NULL || (atomic_load(&l->gate) & (GATE_RING | GATE_MAY)) == 0)
		return NULL;
	atomic_fetch_add(&l->gate, GATE_CALL);
	return l;
}

void
lane_leave(struct lane *l, int fd, ssize_t wrote)
{
	int saved = errno;
	uint32_t n;

	if (l == NULL)
		return;
	atomic_fetch_sub(&l->gate, 1);
	if (wrote <= 0 || (atomic_load(&l->gate) & GATE_MAY) == 0)
		return;
	n = atomic_fetch_add(&l->wrote, (uint32_t)wrote) + (uint32_t)wrote;
	if (n >= after)
		consider(fd, l);
	errno = saved;
}

struct source {
	struct ring_from f;
	int fd, flags;
	const struct iovec *v;
	size_t n;
};

static void
copy(const struct ring_from *f, size_t off, uint8_t *to, size_t n)
{
	const struct source *s = (const struct source *)f;
	const struct iovec *v = s->v;
	size_t part;

	for (; off >= v->iov_len; v++)
		off -= v->iov_len;
	for (; n > 0; v++, off = 0) {
		part = v->iov_len - off < n ? v->iov_len - off : n;
		memcpy(to, (const char *)v->iov_base + off, part);
		to += part;
		n -= part;
	}
}

#define PARTS 16

static ssize_t
stream(const struct ring_from *f, size_t off, size_t n)
{
	const struct source *s = (const struct source *)f;
	const struct iovec *v = s->v;
	struct iovec part[PARTS];
	struct msghdr m = {.msg_iov = part};
	ssize_t r;

	for (; off >= v->iov_len; v++)
		off -= v->iov_len;
	for (; n > 0 && m.msg_iovlen < PARTS; v++, off = 0) {
		part[m.msg_iovlen].iov_base = (char *)v->iov_base + off;
		part[m.msg_iovlen].iov_len =
		    v->iov_len - off < n ? v->iov_len - off : n;
		n -= part[m.msg_iovlen++].iov_len;
	}
	r = real.sendmsg(s->fd, &m, s->flags);
	return r < 0 ? -errno : r;
}

bool
lane_send(struct lane *l, int fd, const struct iovec *v, size_t n, int flags,
    ssize_t *r)
{
	struct source s = {.f = {copy, stream},
	    .fd = fd,
	    .flags = flags | MSG_NOSIGNAL,
	    .v = v,
	    .n = n};
	int saved = errno;
	size_t bytes = 0;

	if (l == NULL || (atomic_load(&l->gate) & GATE_RING) == 0 ||
	    (flags & ~FLAGS) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		bytes += v[i].iov_len;
	if (bytes == 0 || bytes > INT32_MAX || ident_get_tag(fd) != l->tag)
		return false;
	*r = ring_write(&l->ring, &s.f, bytes);
	errno = *r < 0 ? (int)-*r : saved;
	*r = *r < 0 ? -1 : *r;
	return true;
}

/* ---- the end ---- */

void
lane_end(int fd)
{
	struct lane *l = lane_of(fd);
	int saved = errno;

	if (l == NULL)
		return;
	if ((atomic_fetch_and(&l->gate, ~GATE_MAY) & GATE_RING) == 0)
		return;
	ring_end(l->ring.page);
	if (ident_get_tag(fd) == l->tag)
		ident_ringed(fd, false);
	errno = saved;
}

void
lane_disable(void)
{
	atomic_store(&enabled, false);
	lane_end_inherited(true);
}

void
lane_end_inherited(bool all)
{
	int fd, flags;

	for (fd = 0; fd <= atomic_load(&top); fd++) {
		if ((atomic_load(&lanes[fd].gate) & (GATE_RING | GATE_MAY)) ==
		    0)
			continue;
		flags = sys_fcntl(fd, F_GETFD, 0);
		if (all || (flags >= 0 && (flags & FD_CLOEXEC) == 0))
			lane_end(fd);
	}
}
