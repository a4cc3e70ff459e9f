/* SPDX-License-Identifier: ISC */
/*
 * One connection: the engine's end D of the program's stream and the pcb.
 *
 *	CONNECTING --connected--> OPEN --program closed, bytes left--> LEFT
 *	     |                     |--reset, nothing unread in D--> RESET
 *	     +--refused--> errno kept, D closed over the unread hello
 *
 * A Fast Open that waits for data (TCP_FASTOPEN_CONNECT) is OPEN at once, for
 * its program writes before there is an answer, or even a SYN.
 *
 * What happens on one side is told to the other as a kernel socket would:
 *	peer's FIN         all data, then shutdown(D, SHUT_WR)
 *	peer's RST         D closed over the reset byte (chan_io.c)
 *	program's close    all its bytes, then FIN; RST when it left data unread
 *	program's SHUT_WR  all its bytes, then FIN; the other way lives on
 *	program's SHUT_RD  arriving data is acknowledged and dropped
 *
 * D is edge-triggered: a callback only notes that there may be something, the
 * flush moves bytes.  EPOLLOUT is asked for only while D is full, else each
 * read of the program would wake the engine.
 */
#include "config.h"
#include <sys/epoll.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/check.h"
#include "proc/engine.h"

#define LEFT_US	 (60 * 1000000LL) /* for the last bytes of a closed program */
#define EP_BATCH 256
#define D_SNDBUF (1024 * 1024) /* what A may have unread; clamped */

int
chan_cmp(const struct chan *a, const struct chan *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(chans, chan, by_id, chan_cmp)

bool
chan_ipv6(const struct chan *c)
{
	return !ipaddr_is_v4(&tcp_tuple(c->pcb)->raddr);
}

void
chan_ready(struct chan *c)
{
	if (c->is_ready)
		return;
	c->is_ready = true;
	TAILQ_INSERT_TAIL(&c->e->ready, c, ready);
}

/* What an event is about: a chan, or a visit, whose pointer is odd then. */
static void
note(const struct epoll_event *ev)
{
	uint32_t bits = ev->events;
	struct chan *c;

	if (ev->data.u64 & 1) {
		attach_note((struct visit *)(uintptr_t)(ev->data.u64 - 1),
		    bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
		return;
	}
	c = ev->data.ptr;
	c->bits |= bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	if (bits & ~(uint32_t)EPOLLOUT)
		c->in_pending = true;
	if (bits & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		c->out_ready = true;
	chan_ready(c);
}

/* Only notes: nothing is freed while the batch is walked. */
void
chans_look(struct engine *e)
{
	struct epoll_event evs[EP_BATCH];
	size_t most;
	int i, n;

	/* All that there are: who asks shall find what was said before. */
	for (most = e->nchans + e->nvisits;; most -= EP_BATCH) {
		n = epoll_wait(e->ep, evs, EP_BATCH, 0);
		for (i = 0; i < n; i++)
			note(&evs[i]);
		if (n < EP_BATCH || most < EP_BATCH)
			return;
	}
}

static void
on_epoll(evutil_socket_t fd, short what, void *arg)
{
	chans_look(arg);
	attach_visits(arg);
}

bool
chans_init(struct engine *e)
{
	e->ep = epoll_create1(EPOLL_CLOEXEC);
	if (e->ep < 0)
		return false;
	return event_assign(&e->ev_ep, e->eb, e->ep, EV_READ | EV_PERSIST,
		   on_epoll, e) == 0 &&
	       event_add(&e->ev_ep, NULL) == 0;
}

void
chans_done(struct engine *e)
{
	if (e->ep < 0)
		return;
	if (event_initialized(&e->ev_ep))
		event_del(&e->ev_ep);
	close(e->ep);
}

static bool
watch(struct chan *c, int op, uint32_t more)
{
	struct epoll_event ev = {
	    .events = EPOLLIN | EPOLLRDHUP | EPOLLET | more, .data.ptr = c};

	return epoll_ctl(c->e->ep, op, c->fd, &ev) == 0;
}

/* The time a chan spends in LEFT or RESET is bounded. */
static void
on_chan_timer(struct engine *e, struct etimer *t)
{
	struct chan *c =
	    (struct chan *)((char *)t - offsetof(struct chan, timer));

	chan_abort(c, 0);
}

struct chan *
chan_new(
    struct engine *e, struct account *a, uint64_t handle, int fd, pid_t pid)
{
	struct chan *c;
	struct name *old;
	int size = D_SNDBUF, on = 1;

	c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	if (!etimer_init(e, &c->timer, on_chan_timer)) {
		free(c);
		return NULL;
	}
	c->e = e;
	c->acct = a;
	c->fd = fd;
	c->pid = pid;
	c->id = e->next_id++;
	c->name =
	    (struct name){.uid = a->uid, .handle = handle, .kind = NAME_CHAN};
	/* The same name again: its socket was replaced (connect(AF_UNSPEC),
	 * or a second try).  The old one lives on without a name. */
	if ((old = names_find(&e->names, a->uid, handle)) != NULL) {
		if (old->kind == NAME_ERROR)
			error_free(e, (struct errrec *)old);
		else
			names_del(&e->names, old);
	}
	names_add(&e->names, &c->name);
	RB_INSERT(chans, &e->chans, c);
	TAILQ_INSERT_TAIL(&a->chans, c, of_account);
	a->conns++;
	e->nchans++;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	/* Urgent data stays in its place in the stream (RFC 6093 2.1). */
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
	return c;
}

bool
chan_start(struct chan *c, bool watched)
{
	return watch(c, watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, 0);
}

static void
half_open_done(struct chan *c)
{
	if (c->half_open)
		c->acct->half_active--;
	c->half_open = false;
}

void
chan_free(struct chan *c)
{
	struct engine *e = c->e;
	struct account *a = c->acct;

	half_open_done(c);
	chan_ring_close(c);
	/* close() alone would leave it in the epoll if anybody had a copy, and
	 * a later event would bring a pointer to what is no more. */
	(void)watch(c, EPOLL_CTL_DEL, 0);
	close(c->fd);
	if (c->is_ready)
		TAILQ_REMOVE(&e->ready, c, ready);
	if (c->bound != NULL)
		bound_free(c->bound);
	etimer_done(e, &c->timer);
	account_uncharge(c);
	names_del(&e->names, &c->name);
	RB_REMOVE(chans, &e->chans, c);
	TAILQ_REMOVE(&a->chans, c, of_account);
	a->conns--;
	e->nchans--;
	free(c);
	account_put(e, a);
}

/* Frees the chan, and A sees ECONNRESET if any byte of it is unread in D. */
static void
free_as_reset(struct chan *c)
{
	c->e->stats.resets_to_program++;
	chan_free(c);
}

void
chan_abort(struct chan *c, int error)
{
	if (c->pcb != NULL)
		tcp_abort(c->pcb, engine_now(c->e));
	c->pcb = NULL;
	if (error != 0 && c->half_open)
		error_set(c->e, c->acct, c->name.handle, error);
	free_as_reset(c);
}

/* The program resets its connection.  What it wrote before goes out first, as
 * far as it may: Linux sends as a program writes, and many say last words and
 * leave without reading the answer. */
static void
say_last_words(struct chan *c)
{
	if (tcp_send_queued(c->pcb) > 0)
		(void)pump_output(c->e);
}

/* Did A go away with data unread?  The error is cleared by asking. */
static bool
left_unread(const struct chan *c)
{
	socklen_t len = sizeof(int);
	int err = 0;

	return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 &&
	       err == ECONNRESET;
}

/* ---- the program's side ends ---- */

/* The connection goes on without its program, on its user's account. */
static void
leave(struct chan *c)
{
	mono_t now = engine_now(c->e);

	if (account_may_orphan(c->acct, tcp_send_queued(c->pcb))) {
		tcp_set_owner(c->pcb, c->acct->uid);
		tcp_close(c->pcb, now);
	} else {
		c->e->stats.orphans_reset++;
		tcp_abort(c->pcb, now);
	}
}

/*
 * All of its bytes are taken and it is gone, or has shut down both ways: D
 * polls HUP for both, and as soon as both FINs were passed on.  So this end is
 * made a clean one for A.
 */
static void
program_closed(struct chan *c)
{
	if (sockopt_val(&c->opts, OPT_SO_LINGER, -1) == 0 && !c->eof_given) {
		say_last_words(c);
		tcp_abort(c->pcb, engine_now(c->e));
	} else {
		leave(c);
	}
	c->pcb = NULL;
	chan_drop_lag(c);
	chan_free(c);
}

/* D is empty and has ended in some way.  false: c is gone. */
static bool
look_at_end(struct chan *c)
{
	if (c->bits == 0)
		return true;
	if (c->bits & EPOLLERR && left_unread(c)) {
		say_last_words(c);
		chan_abort(c, 0);
		return false;
	}
	if (c->bits & (EPOLLHUP | EPOLLERR)) {
		program_closed(c);
		return false;
	}
	if (!c->fin_taken) {
		c->fin_taken = true;
		tcp_shutdown(c->pcb, engine_now(c->e));
	}
	return true;
}

/*
 * Nothing can be taken now: is there still a program behind it?  If not, all
 * that it wrote is taken at once, so that its descriptor can go; D holds no
 * more than a socket of the kernel's may.
 */
static void
look_at_life(struct chan *c)
{
	int n;

	if (c->state != CHAN_OPEN || (c->bits & EPOLLHUP) == 0 || c->eof_given)
		return; /* after both FINs HUP does not mean that it is gone */
	c->state = CHAN_LEFT;
	n = chan_pending(c) + (int)chan_ring_waiting(c);
	if (n > 0 &&
	    account_may_orphan(c->acct, tcp_send_queued(c->pcb) + (size_t)n)) {
		tcp_send_last(c->pcb, (uint32_t)n);
		c->want_room = false;
		chan_ready(c);
	}
	etimer_set(c->e, &c->timer, mono_add(engine_now(c->e), LEFT_US));
}

/* A does not read any more.  false: c is gone. */
static bool
not_read(struct chan *c)
{
	struct pollfd p = {c->fd, 0, 0};

	(void)poll(&p, 1, 0); /* its edge may not have come yet */
	if (p.revents & POLLHUP) {
		chan_abort(c, 0); /* RFC 9293 3.10.4 and SHLD-3: RST */
		return false;
	}
	c->discarding = true;
	tcp_recv_discard(c->pcb, engine_now(c->e));
	return true;
}

/* ---- moving ---- */

/* false: c is gone. */
static bool
service_out(struct chan *c)
{
	switch (chan_deliver(c)) {
	case MOVED_WAIT:
		if (!c->out_blocked)
			watch(c, EPOLL_CTL_MOD, EPOLLOUT);
		c->out_blocked = true;
		return true;
	case MOVED_RESET:
		chan_abort(c, 0);
		return false;
	case MOVED_EPIPE:
		return not_read(c);
	default:
		break;
	}
	if (c->out_blocked)
		watch(c, EPOLL_CTL_MOD, 0);
	c->out_blocked = false;
	if (!c->eof_given && !c->discarding && tcp_recv_eof(c->pcb)) {
		c->eof_given = true;
		shutdown(c->fd, SHUT_WR);
	}
	return true;
}

static bool
service_in(struct chan *c)
{
	switch (chan_take(c, CHAN_BUDGET)) {
	case MOVED_SOME:
		chan_ready(c);
		return true;
	case MOVED_WAIT:
		c->want_room = true;
		look_at_life(c);
		return true;
	case MOVED_RESET:
		chan_abort(c, 0);
		return false;
	case MOVED_CLOSED:
		c->in_pending = false;
		return look_at_end(c);
	default:
		c->in_pending = false;
		return true;
	}
}

void
chan_service(struct chan *c)
{
	chan_ring_release(c);
	switch (c->state) {
	case CHAN_CONNECTING:
		if ((c->bits & EPOLLHUP) == 0)
			return;
		if (tcp_send_queued(c->pcb) > 0)
			program_closed(c); /* a Fast Open's data is promised */
		else
			chan_abort(c, 0);
		return;
	case CHAN_RESET:
		if (chan_pending(c) != 0 || c->bits & EPOLLHUP)
			free_as_reset(c);
		return;
	default:
		break;
	}
	if ((!c->out_blocked || c->out_ready) && !service_out(c))
		return;
	c->out_ready = false;
	if (c->in_pending) {
		if ((c->want_room || c->squeezed) && c->state != CHAN_LEFT)
			look_at_life(c);
		else if (!service_in(c))
			return;
	}
	account_charge(c);
}

void
chan_squeeze(struct chan *c, bool on)
{
	if (c->squeezed == on || c->pcb == NULL)
		return;
	c->squeezed = on;
	if (on) {
		c->acct->squeezed++;
		c->acct->buffer_clamped++;
	} else {
		c->acct->squeezed--;
		if (c->in_pending)
			chan_ready(c);
	}
	tcp_clamp_window(
	    c->pcb, on ? MIN(c->window, SQUEEZED_WINDOW) : c->window);
}

/* ---- what TCP tells ---- */

/* The hello goes, the reset byte behind it stays: A becomes writable. */
static bool
drain_hello(struct chan *c)
{
	static uint8_t hello[PROTO_HELLO_BYTES];
	size_t got = 0;
	ssize_t r;

	while (got < sizeof hello) {
		r = recv(c->fd, hello, sizeof hello - got, MSG_DONTWAIT);
		if (r <= 0)
			return false;
		got += (size_t)r;
	}
	explicit_bzero(hello, PROTO_MSG_MAX); /* keys can have been in it */
	c->state = CHAN_OPEN;
	c->lag = 1;
	c->in_pending = true;
	account_share(c);
	return true;
}

bool
chan_listen_early(struct chan *c)
{
	if (!drain_hello(c))
		return false;
	chan_ready(c);
	return true;
}

/* The pcb is gone; error 0: after both FINs. */
static void
gone(struct chan *c, int error)
{
	struct engine *e = c->e;

	/* Its received data is good until the next event is asked for. */
	if (c->state == CHAN_OPEN && !c->out_blocked && !c->discarding)
		(void)chan_deliver(c);
	c->pcb = NULL;
	chan_ring_close(c);
	if (c->state == CHAN_CONNECTING || c->state == CHAN_LEFT) {
		if (c->state == CHAN_CONNECTING && error != 0)
			error_set(e, c->acct, c->name.handle, error);
		free_as_reset(c);
		return;
	}
	if (error == 0) {
		chan_drop_lag(c);
		chan_free(c);
		return;
	}
	/* Behind the peer's end a reset only says that nobody reads any more:
	 * reads see the end, and EPIPE is the writer's (tcp_reset() of Linux).
	 */
	if (error == ECONNRESET && c->eof_given)
		error = EPIPE;
	if (error != ECONNRESET)
		error_set(e, c->acct, c->name.handle, error);
	if (c->accepted && chan_pending(c) == 0) {
		/* Not accepted yet, perhaps: accept() leaves a byte. */
		account_uncharge(c);
		c->state = CHAN_RESET;
		c->in_pending = false;
		etimer_set(
		    e, &c->timer, mono_add(engine_now(e), RESET_WAIT_US));
		return;
	}
	free_as_reset(c);
}

/* Linux's connect() fails at once of what to TCP may pass (MUST-56), so this
 * user of it gives up; a mere doubt (R1) is no reason.  true: c is gone. */
static bool
gives_up(struct chan *c)
{
	int error = tcp_soft_error(c->pcb);

	if (error == 0 || error == ETIMEDOUT)
		return false;
	chan_abort(c, error);
	return true;
}

void
chan_tcp_event(struct chan *c, const struct tcp_event *ev)
{
	if (ev->bits & TCP_EV_CONNECTED)
		half_open_done(c);
	if (ev->bits & TCP_EV_CONNECTED && c->state == CHAN_CONNECTING &&
	    !drain_hello(c)) {
		chan_abort(c, 0); /* it broke its own hello */
		return;
	}
	if (ev->bits & (TCP_EV_WRITABLE | TCP_EV_RETURNED))
		c->want_room = false;
	if (ev->bits & TCP_EV_GONE)
		gone(c, ev->error);
	else if (!(ev->bits & TCP_EV_ERROR) || !c->half_open || !gives_up(c))
		chan_ready(c);
}

/* ---- the daemon ends ---- */

void
chan_stop(struct chan *c)
{
	struct engine *e = c->e;

	if (c->pcb == NULL || c->state == CHAN_CONNECTING) {
		chan_abort(c, ECONNABORTED);
		return;
	}
	/* Bytes that cannot be taken: the peer must not see a clean end. */
	while (chan_take(c, CHAN_BUDGET) == MOVED_SOME)
		;
	if (chan_pending(c) > c->lag || chan_ring_waiting(c) > 0)
		tcp_abort(c->pcb, engine_now(e));
	else
		leave(c);
	c->pcb = NULL;
	free_as_reset(c);
}
