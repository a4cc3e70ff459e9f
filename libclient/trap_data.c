/* SPDX-License-Identifier: ISC */
/*
 * The few calls with data that are trapped: with an address, which TCP takes no
 * notice of and AF_UNIX refuses or gives, with MSG_OOB, with MSG_TRUNC.  They
 * pass through here in pieces, none of which waits; all other data goes its way
 * without the trap.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "ident.h"
#include "sock.h"
#include "sys.h"
#include "trap.h"

#define PIECE	   65536
/* Then others have their turn. */
#define PIECES_MAX 16

static uint8_t piece[PIECE];

/* The count of what was done, else the error; SIGPIPE goes with EPIPE. */
static bool
answer(const struct trap_op *op, int err)
{
	const struct trap_call *c = &op->c;
	struct trap_status s;

	if (op->done == 0 && err == -EPIPE && serving.sigpipe &&
	    trap_status(c->tid, &s) && trap_valid(c))
		SYS(SYS_tgkill, s.tgid, c->tid, SIGPIPE, 0, 0, 0);
	trap_answer(c, op->done > 0 || err == 0 ? (long)op->done : err);
	return true;
}

/* The program's bytes from done on; how many, or -EFAULT. */
static ssize_t
next_piece(const struct trap_op *op)
{
	size_t skip = op->done, have = 0, n;
	unsigned i;

	for (i = 0; i < op->nspans && have < PIECE; i++) {
		n = op->span[i].iov_len;
		if (skip >= n) {
			skip -= n;
			continue;
		}
		n = n - skip < PIECE - have ? n - skip : PIECE - have;
		if (trap_read(&op->c, (uintptr_t)op->span[i].iov_base + skip,
			piece + have, n) != 0)
			return -EFAULT;
		have += n;
		skip = 0;
	}
	return (ssize_t)have;
}

static bool
send_now(struct trap_op *op, uint32_t events)
{
	unsigned turns;
	ssize_t n, r;
	int flags;

	serving = (struct serving){
	    .c = &op->c, .fd = op->fd, .target_fd = (int)op->c.arg[0]};
	for (turns = 0; turns < PIECES_MAX; turns++) {
		n = next_piece(op);
		if (n < 0 || !trap_valid(&op->c))
			return answer(op, -EFAULT);
		/* The mark is behind the last byte of all. */
		flags = op->flags;
		if (op->done + (size_t)n < op->size)
			flags &= ~MSG_OOB;
		r = sock_sendto(op->fd, piece, (size_t)n, flags, NULL, 0);
		if (r < 0 && errno == EAGAIN && op->events != 0)
			return false;
		if (r < 0)
			return answer(op, -errno);
		op->done += (size_t)r;
		if (op->done >= op->size)
			return answer(op, 0);
	}
	return op->events == 0 ? answer(op, -EAGAIN) : false;
}

static bool
recv_now(struct trap_op *op, uint32_t events)
{
	socklen_t none = 0;
	size_t n;
	ssize_t r;

	serving = (struct serving){
	    .c = &op->c, .fd = op->fd, .target_fd = (int)op->c.arg[0]};
	do {
		n = op->size - op->done < PIECE ? op->size - op->done : PIECE;
		r = sock_recvfrom(
		    op->fd, piece, n, op->flags & ~MSG_WAITALL, NULL, NULL);
		if (r < 0 && errno == EAGAIN && op->events != 0)
			return false;
		if (r < 0)
			return answer(op, -errno);
		/* Thrown away there as well. */
		if (!(op->flags & MSG_TRUNC) &&
		    trap_write(
			&op->c, op->c.arg[1] + op->done, piece, (size_t)r) != 0)
			return answer(op, -EFAULT);
		op->done += (size_t)r;
	} while (r > 0 &&
		 (op->flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL &&
		 op->done < op->size);
	if (op->c.arg[4] != 0 && op->c.arg[5] != 0 &&
	    trap_write(&op->c, op->c.arg[5], &none, sizeof none) != 0)
		op->done = 0, r = -EFAULT;
	return answer(op, r < 0 ? (int)r : 0);
}

/* Where the message's bytes are: at most SPANS_MAX places, a short count else.
 */
static int
read_message(struct trap_op *op)
{
	struct msghdr m;
	unsigned i;

	if (trap_read(&op->c, op->c.arg[1], &m, sizeof m) != 0)
		return -EFAULT;
	op->nspans =
	    m.msg_iovlen < SPANS_MAX ? (unsigned)m.msg_iovlen : SPANS_MAX;
	if (trap_read(&op->c, (uintptr_t)m.msg_iov, op->span,
		op->nspans * sizeof op->span[0]) != 0)
		return -EFAULT;
	for (i = 0; i < op->nspans; i++)
		if (__builtin_add_overflow(
			op->size, op->span[i].iov_len, &op->size))
			return -EINVAL;
	return 0;
}

void
trap_start(struct trap_op *op, uint32_t events, int patience)
{
	op->fd = serving.fd;
	op->timed_out = -EAGAIN;
	op->events =
	    op->flags & MSG_DONTWAIT || sock_nonblocking(op->fd) ? 0 : events;
	op->end_ms = sock_patience_ms(op->fd, patience);
	if (op->again(op, 0))
		close(op->fd);
	else
		trap_wait(op);
}

void
trap_send(const struct trap_call *c)
{
	struct trap_op op = {.c = *c, .again = send_now};
	int err = 0;

	op.flags = (int)c->arg[c->nr == SYS_sendto ? 3 : 2];
	if (c->nr == SYS_sendto) {
		op.size = c->arg[2];
		op.span[0] = (struct iovec){
		    (void *)(uintptr_t)c->arg[1], (size_t)c->arg[2]};
		op.nspans = 1;
	} else {
		err = read_message(&op);
	}
	/* The daemon's word when it has Fast Open off: connect() then. */
	if (op.flags & MSG_FASTOPEN)
		err = -EOPNOTSUPP;
	if (err == 0 && trap_valid(c)) {
		trap_start(&op, EPOLLOUT, SO_SNDTIMEO);
		return;
	}
	trap_answer(c, err);
	close(serving.fd);
}

void
trap_recv(const struct trap_call *c)
{
	struct trap_op op = {.c = *c,
	    .size = c->arg[2],
	    .flags = (int)c->arg[3],
	    .again = recv_now};

	if (!trap_valid(c)) {
		close(serving.fd);
		return;
	}
	trap_start(&op, EPOLLIN, SO_RCVTIMEO);
}
