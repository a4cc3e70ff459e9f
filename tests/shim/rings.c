/* SPDX-License-Identifier: ISC */
/*
 * io_uring's operations, by system calls alone: a ring of one entry, one
 * operation at a time.
 */
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "cases.h"

struct ring {
	int fd;
	char *sq, *cq;
	struct io_uring_sqe *sqe;
	struct io_uring_params p;
};

static bool
open_ring(struct ring *r)
{
	memset(r, 0, sizeof *r);
	r->fd = (int)syscall(SYS_io_uring_setup, 2, &r->p);
	if (r->fd < 0) {
		say("no rings here");
		return false;
	}
	r->sq = mmap(NULL, r->p.sq_off.array + r->p.sq_entries * 4,
	    PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	r->cq = mmap(NULL,
	    r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe),
	    PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_CQ_RING);
	r->sqe = mmap(NULL, r->p.sq_entries * sizeof *r->sqe,
	    PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQES);
	if (r->sq == MAP_FAILED || r->cq == MAP_FAILED ||
	    (void *)r->sqe == MAP_FAILED)
		broken("io_uring");
	return true;
}

static unsigned *
word(char *ring, unsigned off)
{
	return (unsigned *)(void *)(ring + off);
}

static void
put(struct ring *r, const struct io_uring_sqe *sqe)
{
	unsigned *tail = word(r->sq, r->p.sq_off.tail);
	unsigned at = *tail & *word(r->sq, r->p.sq_off.ring_mask);

	r->sqe[at] = *sqe;
	word(r->sq, r->p.sq_off.array)[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 0, 0, NULL, 0) != 1)
		broken("io_uring_enter");
}

static int
take(struct ring *r)
{
	unsigned *head = word(r->cq, r->p.cq_off.head);
	struct io_uring_cqe *cqe;

	syscall(
	    SYS_io_uring_enter, r->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	cqe = (void *)(r->cq + r->p.cq_off.cqes);
	cqe += *head & *word(r->cq, r->p.cq_off.ring_mask);
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return cqe->res;
}

static void
say_taken(const char *what, int r)
{
	errno = -r;
	result(what, r < 0 ? -1 : r);
}

static struct io_uring_sqe
transfer(int op, int fd, const void *buf, unsigned n)
{
	return (struct io_uring_sqe){
	    .opcode = (uint8_t)op, .fd = fd, .addr = (uintptr_t)buf, .len = n};
}

static void
ring_transfers(void)
{
	struct io_uring_sqe s;
	int fd = linked(0);
	char b[16] = "";
	struct ring r;

	if (!open_ring(&r))
		return;
	s = transfer(IORING_OP_SEND, fd, "abc", 3);
	put(&r, &s);
	say_taken("send", take(&r));
	s = transfer(IORING_OP_WRITE, fd, "de", 2);
	put(&r, &s);
	say_taken("write", take(&r));
	say("peer: %s", peer("recv 5"));
	s = transfer(IORING_OP_RECV, fd, b, sizeof b);
	put(&r, &s);
	peer("say fgh");
	say_taken("recv", take(&r));
	say("'%s'", b);
	s = transfer(IORING_OP_READ, fd, b, sizeof b);
	put(&r, &s);
	peer("shut");
	say_taken("end", take(&r));
	s = transfer(IORING_OP_SHUTDOWN, fd, NULL, SHUT_WR);
	put(&r, &s);
	say_taken("shutdown", take(&r));
	say("peer: %s", peer("end"));
}

static void
ring_messages(void)
{
	char b[16] = "";
	struct iovec v = {(char[]){"abc"}, 3};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	struct io_uring_sqe s;
	int fd = linked(0);
	struct ring r;

	if (!open_ring(&r))
		return;
	s = transfer(IORING_OP_SENDMSG, fd, &m, 1);
	put(&r, &s);
	say_taken("sendmsg", take(&r));
	say("peer: %s", peer("recv 3"));
	v = (struct iovec){b, sizeof b};
	s = transfer(IORING_OP_RECVMSG, fd, &m, 1);
	put(&r, &s);
	peer("say fgh");
	say_taken("recvmsg", take(&r));
	say("'%s'", b);
}

static void
ring_accepts(void)
{
	struct io_uring_sqe s = {.opcode = IORING_OP_ACCEPT};
	struct ring r;
	char b[8] = "";
	int c;

	s.fd = listening(0);
	if (!open_ring(&r))
		return;
	put(&r, &s);
	peer("connect %d", name_port(s.fd));
	c = take(&r);
	say("accept %d", c >= 0);
	say_peername("getpeername", c);
	say_sockname("getsockname", c);
	say("protocol %d", get_opt(c, SOL_SOCKET, SO_PROTOCOL));
	result("write", write(c, "abc", 3));
	say("peer: %s", peer("recv 3"));
	peer("say de");
	result("read", read(c, b, sizeof b));
	say("'%s'", b);
	result("nodelay", set_opt(c, IPPROTO_TCP, TCP_NODELAY, 1));
	close(c);
	say("peer: %s", peer("end"));
}

static void
ring_polls(void)
{
	struct io_uring_sqe s = {
	    .opcode = IORING_OP_POLL_ADD, .poll32_events = POLLIN};
	struct ring r;

	s.fd = linked(0);
	if (!open_ring(&r))
		return;
	put(&r, &s);
	peer("send 5");
	say_taken("poll", take(&r) & POLLIN);
	s = transfer(IORING_OP_CLOSE, s.fd, NULL, 0);
	put(&r, &s);
	say_taken("close", take(&r));
	say("peer: %s", peer("end"));
}

static void
ring_splices(void)
{
	struct io_uring_sqe s = {.opcode = IORING_OP_SPLICE,
	    .off = (uint64_t)-1,
	    .splice_off_in = (uint64_t)-1,
	    .len = 3};
	struct ring r;
	int p[2];

	if (pipe(p) != 0 || write(p[1], "abc", 3) != 3)
		broken("pipe");
	s.splice_fd_in = p[0];
	s.fd = linked(0);
	if (!open_ring(&r))
		return;
	put(&r, &s);
	say_taken("splice", take(&r));
	say("peer: %s", peer("recv 3"));
}

static void
ring_connects(void)
{
	union name n = addr(PEER, peer_number("listen"));
	struct io_uring_sqe s = {.opcode = IORING_OP_CONNECT,
	    .addr = (uintptr_t)&n,
	    .off = name_len()};
	struct ring r;

	s.fd = stream(0);
	if (!open_ring(&r))
		return;
	put(&r, &s);
	say_taken("connect", take(&r));
	say_peername("getpeername", s.fd);
}

static const struct shim_case table[] = {
    CASE(ring_transfers),
    CASE(ring_messages),
    CASE(ring_accepts),
    CASE(ring_polls),
    CASE(ring_splices),
    CASE(ring_connects),
};
const struct subject rings_cases = SUBJECT("rings", table);
