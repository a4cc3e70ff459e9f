/* SPDX-License-Identifier: ISC */
/*
 * Sockets of UDP: the engine's end of each, and datagrams on both ways
 * (tcpd/proto.h has what a message looks like).
 *
 * What comes goes to the program at once: its receive buffer is the kernel's
 * queue between the two ends, as long as SO_RCVBUF says; what does not fit is
 * dropped and counted, as UDP does.  What the program sends stays in the other
 * queue until the device takes it, so that its send blocks, or fails, when its
 * own buffer is full.
 *
 * The two ends are there from socket() on: they poll like a UDP socket before
 * it has an address too.  The end of the program's (close(), kill -9) is the
 * end of ours; nothing lingers.
 *
 * An errno (ICMP's, or of a datagram that could not go) cannot be put on an
 * AF_UNIX socket from outside.  It waits here, and an empty message wakes the
 * program, whose library asks.  Empty datagrams look the same; empties
 * remembers which of the messages on their way were what.
 */
#include "config.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <linux/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "ipc/dgramopt.h"
#include "proc/engine.h"

#define EP_BATCH     256
#define TAKE_MAX     32	 /* datagrams a turn from one program */
#define BACKLOG_HIGH 256 /* frames that wait for the device */
#define SHARE_FIRST  16	 /* of them, before connections have their turn */
#define OVERHEAD     768 /* what the kernel counts for each, roughly */
#define EMPTIES_MAX  64
#define CATCH_UP_MAX 1024 /* more than a send buffer has */

_Static_assert(BACKLOG_HIGH + 65536 / 552 + 1 < STACK_BACKLOG_MAX &&
		   BACKLOG_HIGH + DGRAMOPT_SEGMENTS < STACK_BACKLOG_MAX,
    "a whole datagram in pieces finds room, and so do those of one call");

int
dgram_cmp(const struct dgram *a, const struct dgram *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(dgrams, dgram, by_id, dgram_cmp)

static void
ready(struct dgram *d)
{
	if (d->is_ready)
		return;
	d->is_ready = true;
	TAILQ_INSERT_TAIL(&d->e->dgrams_ready, d, ready);
}

/* Only notes: nothing is freed while the batch is walked. */
static void
on_epoll(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	struct epoll_event evs[EP_BATCH];
	struct dgram *d;
	int i, n;

	n = epoll_wait(e->ep_dgram, evs, EP_BATCH, 0);
	for (i = 0; i < n; i++) {
		d = evs[i].data.ptr;
		if (evs[i].events & (EPOLLHUP | EPOLLERR))
			d->gone = true;
		ready(d);
	}
}

bool
dgrams_init(struct engine *e)
{
	e->ep_dgram = epoll_create1(EPOLL_CLOEXEC);
	if (e->ep_dgram < 0)
		return false;
	return event_assign(&e->ev_dgram, e->eb, e->ep_dgram,
		   EV_READ | EV_PERSIST, on_epoll, e) == 0 &&
	       event_add(&e->ev_dgram, NULL) == 0;
}

void
dgrams_done(struct engine *e)
{
	if (e->ep_dgram < 0)
		return;
	if (event_initialized(&e->ev_dgram))
		event_del(&e->ev_dgram);
	close(e->ep_dgram);
}

/* ---- life ---- */

/* Our end of the pair, before anything can come through it. */
static bool
prepare(struct dgram *d, int theirs)
{
	struct epoll_event ev = {
	    .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = d};
	socklen_t len = sizeof d->cookie;
	int on = 1, fl = fcntl(d->fd, F_GETFL);

	(void)msg_allow_fds(d->fd, false);
	/* What tells an empty datagram from the end. */
	return fcntl(d->fd, F_SETFL, fl | O_NONBLOCK) == 0 &&
	       setsockopt(d->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) ==
		   0 &&
	       getsockopt(theirs, SOL_SOCKET, SO_COOKIE, &d->cookie, &len) ==
		   0 &&
	       epoll_ctl(d->e->ep_dgram, EPOLL_CTL_ADD, d->fd, &ev) == 0;
}

int
dgram_new(struct request *r, bool ipv6, int *fd)
{
	struct engine *e = r->e;
	struct dgram *d;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return errno == EMFILE || errno == ENFILE ? ENFILE : ENOMEM;
	d = calloc(1, sizeof *d);
	if (d != NULL)
		d->sock = udp_open(stack_udp(e->stack), ipv6, r->uid, d);
	if (d == NULL || d->sock == NULL) {
		free(d);
		close(pair[0]);
		close(pair[1]);
		return ENOMEM;
	}
	d->e = e;
	d->acct = r->acct;
	d->fd = pair[1];
	d->pid = r->pid;
	d->id = e->next_id++;
	d->opts.ipv6 = ipv6;
	STAILQ_INIT(&d->errors);
	LIST_INIT(&d->queries);
	d->name = (struct name){
	    .uid = r->uid, .handle = r->head.handle, .kind = NAME_DGRAM};
	names_add(&e->names, &d->name);
	RB_INSERT(dgrams, &e->dgrams, d);
	TAILQ_INSERT_TAIL(&r->acct->dgrams, d, of_account);
	r->acct->conns++;
	e->ndgrams++;
	if (!prepare(d, pair[0])) {
		close(pair[0]);
		dgram_free(d);
		return ENOMEM;
	}
	dgram_apply(d);
	*fd = pair[0];
	return 0;
}

void
dgram_free(struct dgram *d)
{
	struct engine *e = d->e;
	struct account *a = d->acct;

	(void)epoll_ctl(e->ep_dgram, EPOLL_CTL_DEL, d->fd, NULL);
	close(d->fd);
	if (d->is_ready)
		TAILQ_REMOVE(&e->dgrams_ready, d, ready);
	udp_close(d->sock);
	here_forget(d);
	dgram_errors_purge(d);
	dgram_pieces_purge(d);
	a->bytes -= d->charged;
	names_del(&e->names, &d->name);
	RB_REMOVE(dgrams, &e->dgrams, d);
	TAILQ_REMOVE(&a->dgrams, d, of_account);
	a->conns--;
	e->ndgrams--;
	free(d);
	account_put(e, a);
}

/* ---- what it is told ---- */

static uint32_t
wants(const struct sockopts *o)
{
	static const struct {
		enum sockopt_id id;
		uint32_t flag;
	} all[] = {
	    {OPT_IP_PKTINFO, PROTO_DGRAM_LOCAL},
	    {OPT_IP_RECVTOS, PROTO_DGRAM_TOS},
	    {OPT_IP_RECVTTL, PROTO_DGRAM_TTL},
	    {OPT_IPV6_RECVPKTINFO, PROTO_DGRAM_LOCAL6},
	    {OPT_IPV6_RECVTCLASS, PROTO_DGRAM_TCLASS},
	    {OPT_IPV6_RECVHOPLIMIT, PROTO_DGRAM_HOPS},
	};
	uint32_t w = 0;
	size_t i;

	for (i = 0; i < sizeof all / sizeof all[0]; i++)
		if (sockopt_val(o, all[i].id, 0))
			w |= all[i].flag;
	return w;
}

/* Our send buffer is the program's receive buffer; the kernel doubles it. */
static void
size_buffer(const struct dgram *d)
{
	int size = sockopt_val(&d->opts, OPT_SO_RCVBUF, DGRAMOPT_BUF) / 2;

	setsockopt(d->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static unsigned
flags_of(const struct sockopts *o)
{
	return (sockopt_val(o, OPT_SO_REUSEADDR, 0) ? UDP_REUSEADDR : 0) |
	       (sockopt_val(o, OPT_SO_REUSEPORT, 0) ? UDP_REUSEPORT : 0) |
	       (sockopt_val(o, OPT_IPV6_V6ONLY, 0) ? UDP_V6ONLY : 0);
}

void
dgram_apply(struct dgram *d)
{
	const struct sockopts *o = &d->opts;
	struct udp_info info;
	struct udp_opts u = {
	    .tos = (uint8_t)sockopt_val(o, OPT_IP_TOS, 0),
	    .ttl = (uint8_t)sockopt_val(o, OPT_IP_TTL, 0),
	    .tclass = (uint8_t)sockopt_val(o, OPT_IPV6_TCLASS, 0),
	    .hops = (uint8_t)sockopt_val(o, OPT_IPV6_UNICAST_HOPS, 0),
	    .pmtu = (enum udp_pmtu)sockopt_val(
		o, OPT_IP_MTU_DISCOVER, UDP_PMTU_WANT),
	    .pmtu6 = (enum udp_pmtu)sockopt_val(
		o, OPT_IPV6_MTU_DISCOVER, UDP_PMTU_WANT),
	    .errors = sockopt_val(o, OPT_IP_RECVERR, 0),
	    .errors6 = sockopt_val(o, OPT_IPV6_RECVERR, 0),
	    .flags = flags_of(o),
	};

	if (sockopt_val(o, OPT_IPV6_DONTFRAG, 0) && u.pmtu6 < UDP_PMTU_DO)
		u.pmtu6 = UDP_PMTU_DO;
	udp_set_opts(d->sock, &u);
	if (!u.errors && !u.errors6)
		dgram_errors_purge(d);
	udp_info(d->sock, &info);
	d->wants = wants(o);
	d->raw = info.connected && d->wants == 0;
	size_buffer(d);
}

/* ---- to the program ---- */

uint64_t
dgram_queued(const struct dgram *d)
{
	int n = 0;

	return ioctl(d->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

/* Who reads without our library takes empty messages unseen; when nothing
 * waits, they are all taken. */
static void
forget_taken(struct dgram *d)
{
	if (d->nempties > 0 && dgram_queued(d) == 0) {
		d->nempties = 0;
		d->empties = 0;
	}
}

uint64_t
dgram_held(const struct dgram *d)
{
	return dgram_queued(d) + d->error_bytes + dgram_pieces_held(d);
}

/* One more empty message goes. */
static bool
note_empty(struct dgram *d, bool error)
{
	forget_taken(d);
	if (d->nempties == EMPTIES_MAX)
		return false;
	d->empties |= (uint64_t)error << d->nempties++;
	return true;
}

static void
unnote_empty(struct dgram *d)
{
	d->empties &= ~(1ULL << --d->nempties);
}

static int
full(struct dgram *d, enum drop why)
{
	drop_count(d->e->drops, why);
	return -EAGAIN;
}

/* Has the program closed its end, and nobody told us yet? */
static bool
left(const struct dgram *d)
{
	struct pollfd p = {d->fd, 0, 0};

	return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

int
dgram_deliver(void *ctx, void *user, const struct udp_in *in)
{
	struct dgram *d = user;
	struct proto_dgram h;
	struct iovec iov[2] = {
	    {&h, sizeof h}, {(void *)(uintptr_t)in->data, in->len}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
	bool empty = d->raw && in->len == 0, gone;

	if (!account_take(d, in->len + OVERHEAD))
		return full(d, DROP_UDP_QUOTA);
	if (d->raw) {
		m.msg_iov++;
		m.msg_iovlen--;
	} else {
		memset(&h, 0, sizeof h);
		h.magic = PROTO_DGRAM_MAGIC;
		h.flags = d->wants;
		h.handle = d->name.handle;
		proto_name_put(&h.peer, d->opts.ipv6, &in->src, in->sport);
		proto_name_put(&h.local, d->opts.ipv6, &in->dst, in->dport);
		h.tos = in->tos;
		h.ttl = in->ttl;
	}
	if (empty && !note_empty(d, false))
		return full(d, DROP_UDP_FULL);
	if (sendmsg(d->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	gone = errno == EPIPE && left(d);
	if (empty)
		unnote_empty(d);
	return gone ? -EPIPE : full(d, DROP_UDP_FULL);
}

void
dgram_tell(struct dgram *d, int error)
{
	bool told;

	forget_taken(d);
	told = d->error != 0 && d->nempties > 0;
	d->error = error;
	if (told || !note_empty(d, true))
		return;
	if (send(d->fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		unnote_empty(d);
}

void
dgram_failed(void *ctx, void *user, int error)
{
	dgram_tell(user, error);
}

/* ---- from the program ---- */

/* One message.  Its length, 0 and *end when there is none and never will be;
 * -1: none now. */
static ssize_t
take(struct dgram *d, void *buf, size_t room, bool *end)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} ctl;
	struct iovec iov = {buf, room};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = ctl.space,
	    .msg_controllen = sizeof ctl.space};
	ssize_t n = recvmsg(d->fd, &m, MSG_DONTWAIT);

	*end = (n == 0 && m.msg_controllen == 0) ||
	       (n < 0 && errno != EAGAIN && errno != EINTR);
	if (n > 0 && m.msg_flags & MSG_TRUNC) {
		drop_count(d->e->drops, DROP_UDP_SEND);
		dgram_tell(d, EMSGSIZE);
		return 0;
	}
	if (n < 0 || *end)
		return -1;
	dgram_message(d, buf, (size_t)n);
	return n;
}

void
dgram_catch_up(struct dgram *d)
{
	uint8_t buf[sizeof(struct proto_dgram) + 65536];
	bool end = false;
	int i;

	/* Pieces take no room with the device. */
	for (i = 0; i < CATCH_UP_MAX &&
		    (d->opts.cork || stack_backlog(d->e->stack) < BACKLOG_HIGH);
	     i++)
		if (take(d, buf, sizeof buf, &end) < 0)
			return;
}

/* While fewer than high frames wait for the device.  false: d is gone. */
static bool
service(struct dgram *d, size_t high)
{
	uint8_t buf[sizeof(struct proto_dgram) + 65536];
	bool end = false;
	ssize_t n;
	int i;

	for (i = 0; i < TAKE_MAX; i++) {
		if (stack_backlog(d->e->stack) >= high)
			break;
		n = take(d, buf, sizeof buf, &end);
		if (n < 0) {
			if (!d->gone)
				return true; /* or it will not send any more */
			dgram_free(d);
			return false;
		}
		d->e->taken += (size_t)n;
	}
	ready(d);
	return true;
}

/* Those whose programs have closed them go now: a port or a place in a quota
 * may depend on it. */
void
dgrams_bury(struct engine *e)
{
	struct dgram *d, *next;
	size_t limit;

	on_epoll(e->ep_dgram, EV_READ, e);
	/* Those that come back, for the device is full, come back at the end:
	 * nobody is looked at more often than there are sockets. */
	limit = e->ndgrams;
	for (d = TAILQ_FIRST(&e->dgrams_ready); d != NULL && limit > 0;
	     d = next, limit--) {
		next = TAILQ_NEXT(d, ready);
		if (!d->gone)
			continue;
		TAILQ_REMOVE(&e->dgrams_ready, d, ready);
		d->is_ready = false;
		service(d, BACKLOG_HIGH);
	}
}

bool
dgrams_waiting(const struct engine *e)
{
	return !TAILQ_EMPTY(&e->dgrams_ready) && !e->tx_blocked;
}

/* Connections can use up all of a turn, and of what the device takes, again and
 * again; so who waited in vain goes first in the next one, for a share. */
void
dgrams_first(struct engine *e)
{
	size_t limit = e->dgrams_late ? e->ndgrams : 0;
	struct dgram *d;

	for (; limit > 0 && stack_backlog(e->stack) < SHARE_FIRST; limit--) {
		d = TAILQ_FIRST(&e->dgrams_ready);
		if (d == NULL)
			return;
		TAILQ_REMOVE(&e->dgrams_ready, d, ready);
		d->is_ready = false;
		service(d, SHARE_FIRST);
	}
}

void
dgrams_flush(struct engine *e)
{
	size_t limit = e->ndgrams;
	struct dgram *d;
	bool may = true;

	for (; limit > 0 && may && e->taken < FLUSH_BUDGET; limit--) {
		if (!dgrams_waiting(e))
			return;
		d = TAILQ_FIRST(&e->dgrams_ready);
		TAILQ_REMOVE(&e->dgrams_ready, d, ready);
		d->is_ready = false;
		service(d, BACKLOG_HIGH);
		may = pump_output(e);
	}
}
