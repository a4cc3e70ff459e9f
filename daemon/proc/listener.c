/* SPDX-License-Identifier: ISC */
/*
 * Bound and listening sockets.
 *
 * A listener of a program is a native AF_UNIX listener on a node that nobody
 * else can reach: the program passed an O_PATH descriptor of it and unlinked
 * it.  An established connection is a connect() to that node (accept.c).
 *
 * The node must belong to the user who passes it.  Else a program could have
 * the engine, with the engine's identity, connect to somebody else's service.
 *
 * Does a listener still live?  A datagram socket's connect() to its node gives
 * EPROTOTYPE while some process holds it and ECONNREFUSED from then on.  It is
 * asked when it matters (the address is in use, its process died).  A pidfd
 * tells of the death of a process that spoke for it; a listener that lives on
 * (inherited by a child that never spoke) is a stray and is asked once a
 * second, until a process speaks for it again.
 */
#include "config.h"
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "proc/engine.h"
#include "proc/log.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#define PORT_PRIVILEGED 1024
#define PROBE_FRESH_US	50000LL

int
bound_cmp(const struct bound *a, const struct bound *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(bounds, bound, by_id, bound_cmp)

int
speaker_cmp(const struct speaker *a, const struct speaker *b)
{
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

RB_GENERATE(speakers, speaker, link, speaker_cmp)

/* ---- is it alive ---- */

void
bound_node_address(const struct engine *e, int node, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof *sun);
	sun->sun_family = AF_UNIX;
	snprintf(sun->sun_path, sizeof sun->sun_path, "%s/%d", e->fd_dir, node);
}

bool
bound_alive(struct bound *b)
{
	struct sockaddr_un sun;

	if (b->dead || b->node < 0)
		return !b->dead;
	b->e->stats.probes++;
	b->probed = engine_now(b->e);
	bound_node_address(b->e, b->node, &sun);
	if (connect(b->e->probe_fd, (struct sockaddr *)&sun, sizeof sun) == 0)
		return true; /* a datagram socket: not what was promised */
	return errno != ECONNREFUSED;
}

void
bound_dead(struct bound *b)
{
	b->e->stats.listeners_dead++;
	bound_free(b);
}

static void
stray(struct bound *b)
{
	struct engine *e = b->e;

	if (LIST_EMPTY(&e->strays))
		etimer_set(e, &e->stray_timer,
		    mono_add(engine_now(e), STRAY_PROBE_US));
	LIST_INSERT_HEAD(&e->strays, b, of_speaker);
	b->speaker = NULL;
}

static void
on_stray_timer(struct engine *e, struct etimer *t)
{
	struct bound *b, *next;

	for (b = LIST_FIRST(&e->strays); b != NULL; b = next) {
		next = LIST_NEXT(b, of_speaker);
		if (!bound_alive(b))
			bound_dead(b);
	}
	if (!LIST_EMPTY(&e->strays))
		etimer_set(e, t, mono_add(engine_now(e), STRAY_PROBE_US));
}

/* ---- the processes behind them ---- */

static void
speaker_free(struct speaker *s)
{
	struct bound *b;

	while ((b = LIST_FIRST(&s->bounds)) != NULL) {
		LIST_REMOVE(b, of_speaker);
		stray(b);
	}
	event_del(&s->ev);
	close(s->pidfd);
	RB_REMOVE(speakers, &s->e->speakers, s);
	free(s);
}

static void
on_death(evutil_socket_t fd, short what, void *arg)
{
	struct speaker *s = arg;
	struct bound *b, *next;

	for (b = LIST_FIRST(&s->bounds); b != NULL; b = next) {
		next = LIST_NEXT(b, of_speaker);
		if (!bound_alive(b)) {
			/* The last one must not free s under us. */
			LIST_REMOVE(b, of_speaker);
			stray(b);
			bound_dead(b);
		}
	}
	speaker_free(s);
}

static struct speaker *
speaker_get(struct engine *e, pid_t pid, int visit_fd)
{
	struct speaker key = {.pid = pid}, *s;
	socklen_t len = sizeof(int);
	int fd = -1;

	if (pid <= 0)
		return NULL; /* of a PID namespace that we cannot see */
	s = RB_FIND(speakers, &e->speakers, &key);
	if (s != NULL)
		return s;
	/* By number only where the kernel has no better: it may be used again
	 * by now, and then somebody else's death would be waited for. */
	if (getsockopt(visit_fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &len) < 0)
		fd = errno == ENOPROTOOPT ? (int)syscall(SYS_pidfd_open, pid, 0)
					  : -1;
	if (fd < 0)
		return NULL;
	s = calloc(1, sizeof *s);
	if (s == NULL) {
		close(fd);
		return NULL;
	}
	s->e = e;
	s->pid = pid;
	s->pidfd = fd;
	LIST_INIT(&s->bounds);
	if (event_assign(&s->ev, e->eb, fd, EV_READ, on_death, s) != 0 ||
	    event_add(&s->ev, NULL) != 0) {
		close(fd);
		free(s);
		return NULL;
	}
	RB_INSERT(speakers, &e->speakers, s);
	return s;
}

static void
unspoken(struct bound *b)
{
	struct speaker *s = b->speaker;

	LIST_REMOVE(b, of_speaker);
	b->speaker = NULL;
	if (s != NULL && LIST_EMPTY(&s->bounds))
		speaker_free(s);
}

void
bound_spoken(struct bound *b, pid_t pid, int visit_fd)
{
	struct speaker *s;

	if (b->speaker != NULL && b->speaker->pid == pid)
		return;
	s = speaker_get(b->e, pid, visit_fd);
	if (s == NULL)
		return; /* it stays what it was */
	unspoken(b);
	b->speaker = s;
	b->pid = pid;
	LIST_INSERT_HEAD(&s->bounds, b, of_speaker);
}

bool
listener_init(struct engine *e)
{
	e->probe_fd =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return e->probe_fd >= 0 &&
	       etimer_init(e, &e->stray_timer, on_stray_timer);
}

void
listener_done(struct engine *e)
{
	etimer_done(e, &e->stray_timer);
	if (e->probe_fd >= 0)
		close(e->probe_fd);
}

/* ---- making and letting go ---- */

struct bound *
bound_find(struct engine *e, uint32_t uid, uint64_t handle)
{
	struct name *n = names_find(&e->names, uid, handle);

	return n != NULL && n->kind == NAME_BOUND ? (struct bound *)n : NULL;
}

void
bound_shown(struct bound *b, uint32_t uid)
{
	b->shown = true;
	b->shown_by = uid;
}

struct bound *
bound_to_connect(struct engine *e, uint32_t uid, uint64_t handle)
{
	struct bound *b = bound_find(e, uid, handle);
	struct name *n;

	if (b != NULL)
		return b;
	for (n = names_any(&e->names, handle, NULL); n != NULL;
	     n = names_any(&e->names, handle, n)) {
		b = (struct bound *)n;
		if (n->kind == NAME_BOUND && b->shown && b->shown_by == uid)
			return b;
	}
	return NULL;
}

void
bound_free(struct bound *b)
{
	struct engine *e = b->e;
	struct account *a = b->acct;

	if (!b->in_chan)
		unspoken(b);
	if (b->tb != NULL)
		tcp_unbind(b->tb, engine_now(e));
	a->keys -= b->nkeys;
	if (b->node >= 0)
		close(b->node);
	names_del(&e->names, &b->name);
	RB_REMOVE(bounds, &e->bounds, b);
	LIST_REMOVE(b, of_account);
	a->listeners--;
	e->nbounds--;
	free(b);
	account_put(e, a);
}

void
bound_to_chan(struct bound *b, struct chan *c)
{
	unspoken(b);
	names_del(&b->e->names, &b->name);
	if (b->node >= 0)
		close(
		    b->node); /* the connection's own end tells of its death */
	b->node = -1;
	b->in_chan = true;
	c->bound = b;
}

void
bound_reap(struct engine *e)
{
	struct bound *b, *next;

	e->reap = false;
	for (b = RB_MIN(bounds, &e->bounds); b != NULL; b = next) {
		next = RB_NEXT(bounds, &e->bounds, b);
		if (b->dead && !b->in_chan)
			bound_dead(b);
	}
}

static struct bound *
bound_new(struct request *r)
{
	struct engine *e = r->e;
	struct bound *b;

	b = calloc(1, sizeof *b);
	if (b == NULL)
		return NULL;
	b->e = e;
	b->acct = r->acct;
	b->pid = r->pid;
	b->node = r->pass;
	r->pass = -1;
	b->id = e->next_id++;
	b->name = (struct name){
	    .uid = r->uid, .handle = r->head.handle, .kind = NAME_BOUND};
	names_add(&e->names, &b->name);
	RB_INSERT(bounds, &e->bounds, b);
	LIST_INSERT_HEAD(&r->acct->bounds, b, of_account);
	r->acct->listeners++;
	e->nbounds++;
	stray(b);
	bound_spoken(b, r->pid, r->visit_fd);
	return b;
}

/* Frees the dead that hold port; false: there were none. */
static bool
bury(struct engine *e, uint16_t port)
{
	struct tcp_bind_info info;
	struct bound *b, *next;
	bool any = false;

	for (b = RB_MIN(bounds, &e->bounds); b != NULL; b = next) {
		next = RB_NEXT(bounds, &e->bounds, b);
		if (b->tb == NULL || b->in_chan)
			continue;
		tcp_bind_info(b->tb, &info);
		if (info.port == port && !bound_alive(b)) {
			bound_dead(b);
			any = true;
		}
	}
	return any;
}

void
bound_bury(struct account *a, const struct bound *but)
{
	struct bound *b, *next;

	for (b = LIST_FIRST(&a->bounds); b != NULL; b = next) {
		next = LIST_NEXT(b, of_account);
		if (b != but && !b->in_chan && !bound_alive(b))
			bound_dead(b);
	}
}

static bool
over_limit(struct account *a)
{
	if (a->listeners >= a->limit.listeners)
		bound_bury(a, NULL);
	return a->listeners >= a->limit.listeners;
}

/* An own node of this user's.  O_PATH first: anything else may be a file whose
 * attributes somebody has to be asked for. */
static bool
node_ok(struct request *r)
{
	struct stat st;
	int fl = fcntl(r->pass, F_GETFL);

	r->good = fl >= 0 && fl & O_PATH && fstat(r->pass, &st) == 0 &&
		  S_ISSOCK(st.st_mode) && st.st_uid == r->uid;
	return r->good;
}

static unsigned
bind_flags(const struct proto_name *name)
{
	unsigned flags = 0;

	if (name->flags & PROTO_REUSEADDR)
		flags |= TCP_BIND_REUSEADDR;
	if (name->flags & PROTO_REUSEPORT)
		flags |= TCP_BIND_REUSEPORT;
	if (name->flags & PROTO_V6ONLY)
		flags |= TCP_BIND_V6ONLY;
	return flags;
}

bool
bound_may_have(const struct request *r, uint16_t port)
{
	return port == 0 || port >= PORT_PRIVILEGED || r->uid == 0;
}

int
bound_bind(
    struct request *r, const struct proto_name *name, const struct ipaddr *addr)
{
	struct engine *e = r->e;
	uint16_t port = name->port;
	unsigned flags = bind_flags(name);
	struct name *n;
	struct bound *b;
	int err;

	if (r->pass >= 0 && !node_ok(r))
		return EPERM;
	if (!bound_may_have(r, port))
		return EACCES;
	n = names_find(&e->names, r->uid, r->head.handle);
	if (n != NULL && n->kind == NAME_ERROR) {
		error_free(e, (struct errrec *)n);
		n = NULL;
	}
	b = (struct bound *)n;
	if (n != NULL && (n->kind != NAME_BOUND || b->tb != NULL))
		return EINVAL; /* it has a name already */
	if (b == NULL && over_limit(r->acct)) {
		r->acct->listeners_refused++;
		e->stats.refused_quota++;
		return EMFILE;
	}
	if (b == NULL && r->pass < 0)
		return EACCES;
	if (b == NULL && (b = bound_new(r)) == NULL)
		return ENOMEM;
	if (r->len == sizeof *name + sizeof b->cookie)
		memcpy(&b->cookie, (const uint8_t *)r->body + sizeof *name,
		    sizeof b->cookie);
	b->opts.ipv6 = name->family == AF_INET6;
	b->portless = port == 0 && name->flags & PROTO_NOPORT;
	if (b->portless) {
		b->addr = *addr;
		b->flags = flags;
		return 0;
	}
	err = tcp_bind(e->tcp, addr, port, flags, r->uid, b, &b->tb);
	if (err == -EADDRINUSE && bury(e, port))
		err = tcp_bind(e->tcp, addr, port, flags, r->uid, b, &b->tb);
	if (err != 0)
		b->tb = NULL; /* the node is kept for the next try */
	return -err;
}

void
bound_reuse(struct bound *b, int name, bool on)
{
	unsigned flag =
	    name == SO_REUSEADDR ? TCP_BIND_REUSEADDR : TCP_BIND_REUSEPORT;
	struct tcp_bind_info info = {.flags = 0};

	b->flags = on ? b->flags | flag : b->flags & ~flag;
	if (b->tb == NULL)
		return;
	tcp_bind_info(b->tb, &info);
	tcp_bind_reuse(b->tb, on ? info.flags | flag : info.flags & ~flag);
}

int
bound_opts(struct bound *b)
{
	struct tcp_bind_info info;
	struct tcp_opts opts;

	if (!b->listening)
		return 0;
	tcp_bind_info(b->tb, &info);
	sockopt_to_tcp(&b->opts, !ipaddr_is_v4(&info.addr), &opts);
	account_congestion(b->acct, &opts);
	return -tcp_bind_opts(b->tb, &opts);
}

int
bound_listen(struct bound *b, uint32_t backlog)
{
	int err = 0;

	if (b->tb == NULL && b->portless)
		err = tcp_bind(
		    b->e->tcp, &b->addr, 0, b->flags, b->name.uid, b, &b->tb);
	if (err != 0)
		return -err;
	if (b->tb == NULL)
		return EDESTADDRREQ;
	err = tcp_listen(b->tb, backlog);
	if (err != 0)
		return -err;
	b->listening = true;
	b->backlog = backlog;
	return bound_opts(b);
}

int
bound_unlisten(struct bound *b)
{
	struct tcp_bind_info info;
	struct engine *e = b->e;
	struct tcp_keys *keys;
	int err;

	if (!b->listening)
		return ENOTCONN;
	tcp_bind_info(b->tb, &info);
	keys = tcp_bind_keys_take(b->tb);
	tcp_unbind(b->tb, engine_now(e));
	b->listening = false;
	err = tcp_bind(e->tcp, &info.addr, info.port,
	    TCP_BIND_REUSEADDR | (info.flags & TCP_BIND_V6ONLY), info.owner, b,
	    &b->tb);
	if (err != 0)
		b->tb = NULL;
	tcp_bind_keys_give(e->tcp, b->tb, keys);
	return 0;
}
