/* SPDX-License-Identifier: ISC */
/*
 * c-ares asks the servers: which one, how long, which one next, when by TCP.
 * Its sockets are the daemon's clients' (libclient/wire.c): the resolver is one
 * of them, with the rights and the quota of the daemon's user, and no policy
 * applies, for what the stack cannot reach has no other way.
 *
 * Queries go out under numbers of our own, which nobody who cannot see them can
 * foretell; c-ares wants question and number to be those of the answer, and so
 * do we, for the answer goes to a client as his.
 *
 * Servers are asked by TCP: a connection stays while its server lets it.
 */
#include "config.h"
#include <sys/queue.h>
#include <sys/socket.h>
#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ipc/dnsmsg.h"
#include "proc/log.h"
#include "proc/upstream.h"
#include "wire.h"

/* A server that says nothing is left for the next one, and after the last one
 * for the first again, with twice the patience. */
#define PATIENCE_MS 1500
#define ROUNDS	    2

/* One socket of c-ares's. */
struct line {
	LIST_ENTRY(line) link;
	struct upstream *u;
	ares_socket_t fd;
	struct event *ev;
};

struct upstream {
	struct event_base *eb;
	struct event *timer;
	ares_channel ares;
	LIST_HEAD(, line) lines;
};

struct asked {
	upstream_done_fn *done;
	void *arg;
	uint16_t id; /* the client's */
	size_t len;
	uint8_t query[];
};

/* ---- sockets ---- */

static ares_socket_t
line_socket(int family, int type, int protocol, void *arg)
{
	if (type != SOCK_STREAM) {
		errno = EPROTOTYPE;
		return -1;
	}
	return socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int
line_close(ares_socket_t fd, void *arg)
{
	return close(fd);
}

static int
line_connect(
    ares_socket_t fd, const struct sockaddr *sa, ares_socklen_t len, void *arg)
{
	struct proto_attach at = {.flags = 0};
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;
	uint64_t handle = 0;
	int err;

	at.dst.family = sa->sa_family;
	if (sa->sa_family == AF_INET) {
		memcpy(&sin, sa, sizeof sin);
		at.dst.port = ntohs(sin.sin_port);
		memcpy(at.dst.addr, &sin.sin_addr, 4);
	} else {
		memcpy(&sin6, sa, sizeof sin6);
		at.dst.port = ntohs(sin6.sin6_port);
		memcpy(at.dst.addr, &sin6.sin6_addr, 16);
	}
	while (handle == 0) {
		arc4random_buf(&handle, sizeof handle);
		handle &= PROTO_HANDLE_MASK;
	}
	err = wire_attach(fd, handle, &at, NULL, 0, NULL, 0);
	errno = err == 0 ? EINPROGRESS : -err;
	return -1;
}

static ares_ssize_t
line_recv(ares_socket_t fd, void *buf, size_t n, int flags, struct sockaddr *sa,
    ares_socklen_t *len, void *arg)
{
	return recv(fd, buf, n, flags | MSG_DONTWAIT);
}

static ares_ssize_t
line_send(ares_socket_t fd, const struct iovec *iov, int n, void *arg)
{
	struct msghdr m = {
	    .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};

	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static const struct ares_socket_functions sockets = {
    line_socket, line_close, line_connect, line_recv, line_send};

/* ---- the loop ---- */

static void
arm(struct upstream *u)
{
	struct timeval tv;

	if (ares_timeout(u->ares, NULL, &tv) != NULL)
		event_add(u->timer, &tv);
	else
		event_del(u->timer);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct upstream *u = arg;

	ares_process_fd(u->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(u);
}

static void
on_line(evutil_socket_t fd, short what, void *arg)
{
	struct upstream *u = ((struct line *)arg)->u;

	ares_process_fd(u->ares, what & EV_READ ? fd : ARES_SOCKET_BAD,
	    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	arm(u);
}

static struct line *
line_of(struct upstream *u, ares_socket_t fd)
{
	struct line *l;

	LIST_FOREACH (l, &u->lines, link)
		if (l->fd == fd)
			return l;
	if ((l = calloc(1, sizeof *l)) == NULL)
		return NULL;
	l->u = u;
	l->fd = fd;
	LIST_INSERT_HEAD(&u->lines, l, link);
	return l;
}

/* What c-ares waits for; without an event it runs into its time-out. */
static void
on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct line *l = line_of(arg, fd);
	short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) |
			     (writable ? EV_WRITE : 0));

	if (l == NULL)
		return;
	if (l->ev != NULL)
		event_free(l->ev);
	l->ev = NULL;
	if (!readable && !writable) {
		LIST_REMOVE(l, link);
		free(l);
		return;
	}
	l->ev = event_new(l->u->eb, fd, what, on_line, l);
	if (l->ev == NULL || event_add(l->ev, NULL) != 0)
		log_warn("no event for a name server: out of memory");
}

/* ---- servers ---- */

/* Without asking any file: there are none where the resolver is. */
static int
open_channel(struct upstream *u)
{
	struct ares_options o = {
	    .flags = ARES_FLAG_USEVC | ARES_FLAG_STAYOPEN | ARES_FLAG_NOSEARCH |
		     ARES_FLAG_NOALIASES,
	    .timeout = PATIENCE_MS,
	    .tries = ROUNDS,
	    .ndots = 1,
	    .lookups = (char *)(uintptr_t) "b",
	    .sock_state_cb = on_state,
	    .sock_state_cb_data = u,
	};

	return ares_init_options(&u->ares, &o,
	    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		ARES_OPT_NDOTS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
		ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_SOCK_STATE_CB);
}

static int
set_servers(struct upstream *u, const struct conf_resolver *conf)
{
	struct ares_addr_port_node list[CONF_SERVERS];
	uint32_t i;

	for (i = 0; i < conf->nservers; i++) {
		const struct conf_nameserver *s = &conf->servers[i];
		struct ares_addr_port_node *n = &list[i];

		*n = (struct ares_addr_port_node){
		    .next = i + 1 < conf->nservers ? n + 1 : NULL,
		    .family = ipaddr_is_v4(&s->addr) ? AF_INET : AF_INET6,
		    .udp_port = s->port,
		    .tcp_port = s->port};
		if (n->family == AF_INET)
			memcpy(&n->addr.addr4, s->addr.b + 12, 4);
		else
			memcpy(&n->addr.addr6, s->addr.b, 16);
	}
	return ares_set_servers_ports(
	    u->ares, conf->nservers > 0 ? list : NULL);
}

struct upstream *
upstream_new(
    struct event_base *eb, const char *door, const struct conf_resolver *conf)
{
	struct upstream *u = calloc(1, sizeof *u);
	int rc;

	if (u == NULL || wire_set_path(door) != 0 ||
	    (u->timer = evtimer_new(eb, on_timer, u)) == NULL) {
		free(u);
		return NULL;
	}
	u->eb = eb;
	LIST_INIT(&u->lines);
	rc = open_channel(u);
	if (rc == ARES_SUCCESS)
		rc = set_servers(u, conf);
	if (rc == ARES_SUCCESS) {
		ares_set_socket_functions(u->ares, &sockets, u);
		return u;
	}
	log_error("cannot set up the resolver: %s", ares_strerror(rc));
	upstream_free(u);
	return NULL;
}

void
upstream_free(struct upstream *u)
{
	if (u == NULL)
		return;
	if (u->ares != NULL)
		ares_destroy(u->ares);
	event_free(u->timer);
	free(u);
}

/* ---- queries ---- */

static void
on_answer(void *arg, int status, int timeouts, unsigned char *ans, int len)
{
	struct asked *a = arg;

	if (status == ARES_SUCCESS && ans != NULL && len > 0 &&
	    dns_answers(ans, (size_t)len, a->query, a->len)) {
		dns_set_id(ans, a->id);
		a->done(a->arg, ans, (size_t)len);
	} else {
		log_debug("no answer from the name servers: %s",
		    ares_strerror(status));
		a->done(a->arg, NULL, 0);
	}
	free(a);
}

void
upstream_ask(struct upstream *u, const void *query, size_t len,
    upstream_done_fn *done, void *arg)
{
	struct asked *a = malloc(sizeof *a + len);
	uint16_t id;

	if (a == NULL) {
		done(arg, NULL, 0);
		return;
	}
	*a = (struct asked){
	    .done = done, .arg = arg, .id = dns_id(query), .len = len};
	memcpy(a->query, query, len);
	arc4random_buf(&id, sizeof id);
	dns_set_id(a->query, id);
	ares_send(u->ares, a->query, (int)len, on_answer, a);
	arm(u);
}
