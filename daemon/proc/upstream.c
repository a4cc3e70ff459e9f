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
 * Servers are asked by UDP, and by TCP when an answer says that it was cut.  No
 * socket outlives the queries that are under way in it, so that its port, too,
 * is nobody's to know for long.
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
	bool datagrams;
	uint64_t handle;
	struct sockaddr_in6 peer; /* or a sockaddr_in */
	ares_socklen_t peer_len;
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

static struct line *
line_of(struct upstream *u, ares_socket_t fd)
{
	struct line *l;

	LIST_FOREACH (l, &u->lines, link)
		if (l->fd == fd)
			return l;
	return NULL;
}

/* What a socket of UDP is asked of the daemon for; 0 or an errno. */
static int
request(struct wire_req *q, const struct line *l)
{
	q->handle = l->handle;
	q->auth_fd = -1;
	return -wire_request(q);
}

static int
new_datagrams(struct line *l, int family)
{
	const struct proto_listen body = {.backlog = (uint32_t)family};
	struct wire_req q = {.type = PROTO_DGRAM,
	    .body = {&body},
	    .len = {sizeof body},
	    .got_fd = &l->fd};

	return request(&q, l);
}

static ares_socket_t
line_socket(int family, int type, int protocol, void *arg)
{
	struct upstream *u = arg;
	struct line *l = calloc(1, sizeof *l);
	int err = 0;

	if (l == NULL)
		return -1;
	l->u = u;
	l->fd = -1;
	l->datagrams = type == SOCK_DGRAM;
	while (l->handle == 0) {
		arc4random_buf(&l->handle, sizeof l->handle);
		l->handle &= PROTO_HANDLE_MASK;
	}
	if (l->datagrams)
		err = new_datagrams(l, family);
	else
		l->fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0) {
		free(l);
		if (err != 0)
			errno = err;
		return -1;
	}
	LIST_INSERT_HEAD(&u->lines, l, link);
	return l->fd;
}

static int
line_close(ares_socket_t fd, void *arg)
{
	struct line *l = line_of(arg, fd);

	if (l != NULL) {
		if (l->ev != NULL)
			event_free(l->ev);
		LIST_REMOVE(l, link);
		free(l);
	}
	return close(fd);
}

/* As the daemon is told it. */
static struct proto_name
name_of(const struct line *l)
{
	struct proto_name n = {.family = l->peer.sin6_family};
	struct sockaddr_in sin;

	if (n.family == AF_INET) {
		memcpy(&sin, &l->peer, sizeof sin);
		n.port = ntohs(sin.sin_port);
		memcpy(n.addr, &sin.sin_addr, 4);
	} else {
		n.port = ntohs(l->peer.sin6_port);
		memcpy(n.addr, &l->peer.sin6_addr, 16);
	}
	return n;
}

/* From here on each message is one datagram, without anything before it. */
static int
connect_datagrams(struct line *l)
{
	const struct proto_name peer = name_of(l);
	uint8_t ans[sizeof(struct proto_opt) + 2 * sizeof(uint32_t)];
	struct wire_req q = {.type = PROTO_DCONNECT,
	    .body = {&peer},
	    .len = {sizeof peer},
	    .ans = ans,
	    .ans_max = sizeof ans};
	uint32_t raw = 0;
	int err = request(&q, l);

	if (err == 0 && q.ans_len >= sizeof(struct proto_opt) + sizeof raw)
		memcpy(&raw, ans + sizeof(struct proto_opt), sizeof raw);
	return err != 0 ? err : raw == 1 ? 0 : EPROTO;
}

static int
line_connect(
    ares_socket_t fd, const struct sockaddr *sa, ares_socklen_t len, void *arg)
{
	struct line *l = line_of(arg, fd);
	struct proto_attach at = {.flags = 0};

	if (l == NULL || len > sizeof l->peer) {
		errno = EINVAL;
		return -1;
	}
	memcpy(&l->peer, sa, len);
	l->peer_len = len;
	if (l->datagrams) {
		errno = connect_datagrams(l);
		return errno == 0 ? 0 : -1;
	}
	at.dst = name_of(l);
	errno = -wire_attach(fd, l->handle, &at, NULL, 0, NULL, 0);
	if (errno == 0)
		errno = EINPROGRESS;
	return -1;
}

/* An empty message is an errno that waits, an empty datagram, or the daemon's
 * end: for c-ares the server has failed in each case. */
static ares_ssize_t
line_recv(ares_socket_t fd, void *buf, size_t n, int flags, struct sockaddr *sa,
    ares_socklen_t *len, void *arg)
{
	struct line *l = line_of(arg, fd);

	if (sa != NULL && len != NULL && l != NULL) {
		memcpy(sa, &l->peer, *len < l->peer_len ? *len : l->peer_len);
		*len = l->peer_len;
	}
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
	if (!readable && !writable)
		return;
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
	    .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
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
