/* SPDX-License-Identifier: ISC */
/*
 * The clients' door: accept on tcpd.sock, look at the first message, and make
 * it a connection (PROTO_ATTACH) or answer it (request.c).
 *
 * The first message is looked at with MSG_PEEK and stays in the kernel's queue
 * until it is whole, so a client that sends it in pieces costs a descriptor and
 * a few hundred bytes here, for VISIT_US and at most VISITS_PER_UID times a
 * user.  An attach's hello stays unread even longer: see chan.c.
 *
 * Descriptors are taken only from a client who was asked for one (rights.c).
 *
 * Running out of descriptors: a spare one is given up to accept and close the
 * client at once, so nobody waits for nothing and the loop does not spin.
 */
#include "config.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "proc/engine.h"
#include "proc/log.h"

#define ACCEPTS_A_TURN	64
#define ACCEPT_AGAIN_US 100000LL

void
attach_visit_done(struct visit *v)
{
	struct engine *e = v->e;

	/* As chan_free() has it. */
	if (v->watched)
		(void)epoll_ctl(e->ep, EPOLL_CTL_DEL, v->fd, NULL);
	if (v->is_ready)
		TAILQ_REMOVE(&e->visits_ready, v, ready);
	resolve_forget(v);
	if (v->fd >= 0)
		rights_leave(v);
	etimer_done(e, &v->timer);
	LIST_REMOVE(v, link);
	e->nvisits--;
	v->acct->visits--;
	account_put(e, v->acct);
	free(v);
}

static void
refuse(struct visit *v, uint64_t handle, int error)
{
	error_set(v->e, v->acct, handle, error);
	attach_visit_done(v); /* over the unread hello: A sees a reset */
}

/* Quotas of an active open; 0 or the errno for connect().  What others ask of
 * the user's listeners is no reason: a flood of SYNs would keep him in. */
static int
may_connect(struct engine *e, struct account *a)
{
	if (a->conns >= a->limit.conns) {
		a->conns_refused++;
		e->stats.refused_quota++;
		return EMFILE;
	}
	if (a->half_active >= a->limit.half_open) {
		a->half_open_refused++;
		e->stats.refused_quota++;
		return EAGAIN;
	}
	return 0;
}

/* What came with the hello goes out with the SYN, if it may. */
static bool
open_fast(struct chan *c, const struct hello *h)
{
	struct span spans[8];
	uint32_t done = 0, part;
	unsigned i, n;

	tcp_fastopen(c->pcb, h->waits, engine_now(c->e));
	while (done < h->data_len) {
		n = tcp_send_reserve(c->pcb, spans, 8, h->data_len - done);
		if (n == 0)
			return false;
		for (part = 0, i = 0; i < n; i++) {
			memcpy(
			    spans[i].base, h->data + done + part, spans[i].len);
			part += (uint32_t)spans[i].len;
		}
		tcp_send_commit(c->pcb, part, engine_now(c->e));
		done += part;
	}
	return !h->waits || chan_listen_early(c);
}

/* Linux takes the wildcard as a destination for the sender's own address, or
 * loopback. */
static void
settle_wildcard(
    struct ipaddr *dst, const struct bound *b, const struct ipaddr *src)
{
	static const struct ipaddr loop6 = {{[15] = 1}};
	struct tcp_bind_info info = {.addr = *src};

	if (!ipaddr_is_any(dst))
		return;
	if (b != NULL && b->tb != NULL)
		tcp_bind_info(b->tb, &info);
	if (!ipaddr_is_v4(dst))
		*dst = loop6;
	else if (!ipaddr_is_any(&info.addr))
		*dst = info.addr;
	else
		*dst = ipaddr_v4(0x7f000001);
}

/* A connection by h.  Takes v's descriptor over, or refuses it. */
static void
open_active(struct visit *v, uint64_t handle, struct hello *h)
{
	static const struct ipaddr any6;
	const struct ipaddr any4 = ipaddr_v4(0), *src;
	struct engine *e = v->e;
	struct account *a = v->acct;
	bool v4 = ipaddr_is_v4(&h->dst), watched = v->watched;
	struct bound *b;
	struct tcp_opts opts;
	struct chan *c;
	int r;

	b = bound_to_connect(e, v->uid, handle);
	c = chan_new(e, a, handle, v->fd, v->pid);
	if (c == NULL) {
		refuse(v, handle, ENOMEM);
		return;
	}
	v->fd = -1;
	v->watched = false;
	attach_visit_done(v);
	c->state = CHAN_CONNECTING;
	c->cookie = h->cookie;
	c->half_open = true;
	a->half_active++;
	c->opts = h->opts;
	if (b != NULL)
		bound_to_chan(b, c);
	sockopt_to_tcp(&c->opts, !v4, &opts);
	account_congestion(a, &opts);
	src = b != NULL && b->portless ? &b->addr : v4 ? &any4 : &any6;
	settle_wildcard(&h->dst, b, src);
	r = -refuse_connect(e, a->uid, &h->dst, h->port);
	if (r == 0)
		r = tcp_connect(e->tcp, b != NULL ? b->tb : NULL, src, &h->dst,
		    h->port, &opts, c, engine_now(e), &c->pcb);
	if (r == 0)
		r = -chan_keys(c, &h->keys);
	if (r == 0 && h->fast && !open_fast(c, h))
		r = -ENOBUFS;
	if (r == 0 && !chan_start(c, watched))
		r = -ENOMEM;
	e->stats.attaches++;
	if (r != 0)
		chan_abort(c, -r);
}

static void
attach(struct visit *v, const struct proto_head *head, const void *body)
{
	struct hello h;
	int r;

	r = hello_parse(body, head->len, &h);
	if (r == 0)
		r = may_connect(v->e, v->acct);
	if (r == 0) {
		open_active(v, head->handle, &h);
	} else if (r > 0) {
		refuse(v, head->handle, r);
	} else {
		drop_count(v->e->drops, DROP_IPC_MALFORMED);
		attach_visit_done(v);
	}
	explicit_bzero(&h.keys, sizeof h.keys);
}

/* Into an empty queue: it fits, or the client is gone. */
static void
reply(int fd, uint16_t type, int err, int pass_fd, const void *data, size_t len)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = {0};
	struct proto_reply rep = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = type,
	    .err = err,
	    .len = err == 0 ? (uint32_t)len : 0};
	struct iovec iov[2] = {
	    {&rep, sizeof rep}, {(void *)(uintptr_t)data, rep.len}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

	if (err == 0 && pass_fd >= 0) {
		m.msg_control = ctl.space;
		m.msg_controllen = sizeof ctl.space;
		ctl.h.cmsg_level = SOL_SOCKET;
		ctl.h.cmsg_type = SCM_RIGHTS;
		ctl.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.h), &pass_fd, sizeof(int));
	}
	(void)!sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
answer(struct request *r, int err)
{
	reply(r->visit_fd, r->head.type, err, r->pass_fd, r->out, r->outlen);
}

void
attach_answer(struct visit *v, int err, const void *data, size_t len)
{
	reply(v->fd, PROTO_RESOLVE, err, -1, data, len);
	attach_visit_done(v);
}

/* What is left of the descriptors after the request. */
static void
put_away(struct visit *v, struct request *r, const int *fds, size_t n)
{
	if (n > 0 && (r->pass < 0 || r->good)) {
		if (r->pass >= 0)
			close(r->pass);
		fds++;
		n--;
	}
	if (n == 0)
		return;
	if (!r->shown || n > 1)
		drop_count(v->e->drops, DROP_IPC_MALFORMED);
	rights_bury(v, fds, n);
}

/* What a client has told, and does not wait for. */
static int
hear(struct request *r)
{
	int err = request_serve(r);

	if (err == EBADF) {
		/* Whose socket that is may have been said only just before. */
		chans_look(r->e);
		attach_visits(r->e);
		err = request_serve(r);
	}
	if (err == EACCES)
		drop_count(r->e->drops, DROP_IPC_CREDENTIALS);
	return err < 0 ? err : 0;
}

/* false: the client may say it once more, with a descriptor, or waits. */
static bool
serve(struct visit *v, uint8_t *buf, size_t len)
{
	int fds[RIGHTS_MAX], err = -EPROTO;
	bool tells = false;
	size_t n = 0;
	struct request r = {.e = v->e,
	    .acct = v->acct,
	    .pid = v->pid,
	    .uid = v->uid,
	    .visit_fd = v->fd,
	    .pass_fd = -1,
	    .pass = -1};

	if (rights_recv(v, buf, len, fds, &n) == (ssize_t)len) {
		if (n > 0)
			r.pass = fds[0];
		memcpy(&r.head, buf, sizeof r.head);
		r.body = buf + sizeof r.head;
		r.len = r.head.len;
		v->e->stats.requests++;
		v->acct->requests++;
		tells = r.head.type == PROTO_TELLOPT;
		if (!tells)
			engine_catch_up(v->e);
		err = tells ? hear(&r) : request_serve(&r);
		if (err == EACCES && rights_ask(v)) {
			answer(&r, err);
			return false;
		}
	}
	if (r.query != 0) {
		put_away(v, &r, fds, n);
		resolve_wait(v, r.query);
		return false;
	}
	if (err >= 0 && !tells)
		answer(&r, err);
	else if (err < 0)
		drop_count(v->e->drops, DROP_IPC_MALFORMED);
	if (r.pass_on)
		close(r.pass_fd);
	put_away(v, &r, fds, n);
	attach_visit_done(v);
	return true;
}

static void
visit_broken(struct visit *v, const struct proto_head *head, ssize_t why)
{
	struct request r = {.e = v->e, .visit_fd = v->fd, .pass_fd = -1};

	if (why == -EPROTONOSUPPORT) {
		drop_count(v->e->drops, DROP_IPC_VERSION);
		r.head.type = head->type;
		answer(&r, EPROTONOSUPPORT); /* with our version in it */
	} else {
		drop_count(v->e->drops, DROP_IPC_MALFORMED);
	}
	attach_visit_done(v);
}

/* These n bytes are there; false: not whole yet, or not the last one. */
static bool
visit_look(struct visit *v, uint8_t *buf, size_t n)
{
	struct proto_head head;
	ssize_t len = proto_check(buf, n);
	int have;

	if (len == 0)
		return false;
	memcpy(&head, buf, sizeof head);
	if (len < 0) {
		visit_broken(v, &head, len);
		return true;
	}
	if (head.type != PROTO_ATTACH)
		return serve(v, buf, (size_t)len);
	if (v->asked) {
		visit_broken(v, &head, -EPROTO);
		return true;
	}
	if (ioctl(v->fd, FIONREAD, &have) < 0 || have < PROTO_HELLO_BYTES)
		return false;
	attach(v, &head, buf + sizeof head);
	return true;
}

static bool
visit_input(struct visit *v)
{
	/* Not static: it is wiped when the answer is out, and by then another
	 * engine of the same process (a test's) may read into it. */
	uint8_t buf[PROTO_MSG_MAX] __attribute__((aligned(16)));
	ssize_t n;
	bool over;

	n = recv(v->fd, buf, sizeof buf, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0 || v->query != 0) {
		attach_visit_done(v);
		return true;
	}
	over = visit_look(v, buf, (size_t)n);
	explicit_bzero(buf, (size_t)n); /* keys can have been in it */
	return over;
}

void
attach_note(struct visit *v, bool closed)
{
	v->closed |= closed;
	if (v->is_ready)
		return;
	v->is_ready = true;
	TAILQ_INSERT_TAIL(&v->e->visits_ready, v, ready);
}

/* In the order in which they came.  Who is served may have it done, too, but
 * not in the midst of itself. */
void
attach_visits(struct engine *e)
{
	struct visit *v;
	char byte;

	if (e->serving)
		return;
	e->serving = true;
	while ((v = TAILQ_FIRST(&e->visits_ready)) != NULL) {
		TAILQ_REMOVE(&e->visits_ready, v, ready);
		v->is_ready = false;
		/* A piece and then nothing more: its sender has closed. */
		if (!visit_input(v) &&
		    (v->closed ||
			recv(v->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0))
			attach_visit_done(v);
	}
	e->serving = false;
}

static bool
visit_watch(struct visit *v)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
	    .data.u64 = (uintptr_t)v + 1};

	v->watched = epoll_ctl(v->e->ep, EPOLL_CTL_ADD, v->fd, &ev) == 0;
	return v->watched;
}

static void
on_visit_timer(struct engine *e, struct etimer *t)
{
	struct visit *v =
	    (struct visit *)((char *)t - offsetof(struct visit, timer));

	if (v->query != 0) {
		attach_answer(v, ETIMEDOUT, NULL, 0);
		return;
	}
	e->stats.visits_silent++;
	drop_count(e->drops, DROP_IPC_LIMIT);
	attach_visit_done(v);
}

/* A new client.  Takes fd over. */
static void
visit_new(struct engine *e, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof cred;
	struct account *a;
	struct visit *v;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ||
	    (a = account_get(e, cred.uid)) == NULL) {
		close(fd);
		return;
	}
	if (a->visits >= VISITS_PER_UID || (v = calloc(1, sizeof *v)) == NULL) {
		drop_count(e->drops, DROP_IPC_LIMIT);
		account_put(e, a);
		close(fd);
		return;
	}
	v->e = e;
	v->fd = fd;
	v->acct = a;
	v->uid = cred.uid;
	v->pid = cred.pid;
	LIST_INSERT_HEAD(&e->visits, v, link);
	e->nvisits++;
	a->visits++;
	if (!etimer_init(e, &v->timer, on_visit_timer)) {
		attach_visit_done(v);
		return;
	}
	if (visit_input(v)) /* often it is all there already */
		return;
	if (v->query == 0)
		etimer_set(e, &v->timer, mono_add(engine_now(e), e->visit_us));
	if (!visit_watch(v))
		attach_visit_done(v);
}

/* ---- the listening socket ---- */

static void
pause_accept(struct engine *e)
{
	event_del(&e->ev_accept);
	etimer_set(
	    e, &e->accept_timer, mono_add(engine_now(e), ACCEPT_AGAIN_US));
}

static void
on_accept_timer(struct engine *e, struct etimer *t)
{
	if (!e->accepting)
		return;
	if (e->spare_fd < 0)
		e->spare_fd = fcntl(e->listen_fd, F_DUPFD_CLOEXEC, 0);
	event_add(&e->ev_accept, NULL);
}

/* No descriptor left: one client is sent away.  false: not even that. */
static bool
turn_away(struct engine *e)
{
	int fd;

	e->stats.refused_nofile++;
	if (!e->told_nofile)
		log_warn("out of descriptors at %zu connections, clients are "
			 "turned away; raise the daemon's limit "
			 "(LimitNOFILE= or ulimit -n)",
		    e->nchans);
	e->told_nofile = true;
	if (e->spare_fd < 0)
		return false;
	close(e->spare_fd);
	fd = accept4(e->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	e->spare_fd = fcntl(e->listen_fd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0;
}

static void
on_accept(evutil_socket_t lfd, short what, void *arg)
{
	struct engine *e = arg;
	int i, fd;

	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			visit_new(e, fd);
			continue;
		}
		if (errno == ECONNABORTED || errno == EINTR)
			continue;
		if (errno == EAGAIN)
			return;
		if ((errno != EMFILE && errno != ENFILE) || !turn_away(e)) {
			pause_accept(e);
			return;
		}
	}
}

int
engine_set_listener(struct engine *e, int fd)
{
	if (!etimer_init(e, &e->accept_timer, on_accept_timer))
		return -ENOMEM;
	if (!msg_allow_fds(fd, false))
		log_info("this kernel cannot keep descriptors out of a stream "
			 "(SO_PASSRIGHTS, Linux 6.16): a local user can make "
			 "tcpd wait, by sending one that takes long to close");
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	e->listen_fd = fd;
	e->spare_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	event_assign(
	    &e->ev_accept, e->eb, fd, EV_READ | EV_PERSIST, on_accept, e);
	e->accepting = true;
	return event_add(&e->ev_accept, NULL) == 0 ? 0 : -ENOMEM;
}

void
attach_stop(struct engine *e)
{
	struct visit *v;

	while ((v = LIST_FIRST(&e->visits)) != NULL)
		attach_visit_done(v);
	if (e->listen_fd < 0)
		return;
	e->accepting = false;
	event_del(&e->ev_accept);
	etimer_done(e, &e->accept_timer);
	close(e->listen_fd);
	if (e->spare_fd >= 0)
		close(e->spare_fd);
	e->listen_fd = e->spare_fd = -1;
}
