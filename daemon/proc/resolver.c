/* SPDX-License-Identifier: ISC */
/*
 * The resolver: answers the DNS queries of programs that have no network but
 * tcpd (tcpd-run --sandbox), out of the daemon's /etc/hosts and from the name
 * servers of tcpd.conf.  Clients' queries come from the engine, and answers go
 * to them by way of the engine, so it holds no descriptor of theirs.
 *
 * It is a process of its own because it reads what strangers far away have
 * written, and because c-ares does.  It opens nothing: /etc/hosts and the
 * daemon's client socket, as a path, are handed down (proc.h).
 *
 * How many queries one user may have here is the engine's to say; all together
 * are bounded here.
 */
#include "config.h"
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ipc/dnsmsg.h"
#include "proc/hosts.h"
#include "proc/log.h"
#include "proc/proc.h"
#include "proc/sandbox.h"
#include "proc/upstream.h"
#include "tcpd/proto.h"

#define QUERIES_MAX 4096

struct resolver {
	struct event_base *eb;
	struct msgchan *parent, *engine;
	struct confrx rx;
	struct conf *conf;
	struct hosts *hosts;
	struct upstream *upstream;
	char door[64];
	int door_fd;
	unsigned queries; /* under way */
	bool started, stopping, failed;
};

struct query {
	struct resolver *r;
	uint32_t id; /* the engine's */
	bool datagram;
	size_t len;
	uint8_t msg[];
};

static void
finish(struct resolver *r, bool failed)
{
	r->stopping = true;
	r->failed |= failed;
	event_base_loopbreak(r->eb);
}

/* ---- queries ---- */

/* The engine takes no more: it answers its clients itself, when they have
 * waited long enough. */
static void
say(struct resolver *r, uint32_t id, const void *msg, size_t len)
{
	if (r->engine != NULL)
		(void)msgchan_send(r->engine, RM_ANSWER, id, msg, len, NULL, 0);
}

static void
say_empty(struct resolver *r, uint32_t id, const void *query, size_t len,
    enum dns_rcode rcode)
{
	uint8_t out[DNS_QUERY_MAX];

	say(r, id, out, dns_empty(query, len, rcode, out));
}

static void
answered(void *arg, const void *ans, size_t len)
{
	static uint8_t out[DNS_MSG_MAX];
	struct query *q = arg;

	q->r->queries--;
	if (ans != NULL && len <= sizeof out) {
		memcpy(out, ans, len);
		if (q->datagram)
			len = dns_cut(out, len, dns_room(q->msg, q->len));
	}
	if (ans == NULL || len > MSG_DATA_MAX)
		say_empty(q->r, q->id, q->msg, q->len, DNS_SERVFAIL);
	else
		say(q->r, q->id, out, len);
	free(q);
}

static void
ask_servers(struct resolver *r, uint32_t id, const void *msg, size_t len,
    uint32_t flags)
{
	struct query *q;

	if (r->queries >= QUERIES_MAX || r->upstream == NULL ||
	    (q = malloc(sizeof *q + len)) == NULL) {
		say_empty(r, id, msg, len, DNS_SERVFAIL);
		return;
	}
	*q = (struct query){
	    .r = r, .id = id, .datagram = flags & PROTO_DATAGRAM, .len = len};
	memcpy(q->msg, msg, len);
	r->queries++;
	upstream_ask(r->upstream, msg, len, answered, q);
}

static bool
resolve(struct resolver *r, const struct msg *m)
{
	static uint8_t out[DNS_QUERY_MAX];
	struct proto_resolve p;
	struct dns_question q;
	const uint8_t *msg = m->data;
	size_t len = m->len, n = 0;
	int rcode;

	if (len < sizeof p + DNS_HEAD || len > sizeof p + DNS_QUERY_MAX)
		return false;
	memcpy(&p, msg, sizeof p);
	msg += sizeof p;
	len -= sizeof p;
	rcode = dns_query(msg, len, &q);
	if (rcode < 0)
		rcode = DNS_FORMERR; /* a client waits */
	if (rcode == 0 && r->hosts != NULL)
		n = hosts_answer(r->hosts, msg, len, &q, out, sizeof out);
	if (rcode > 0)
		say_empty(r, m->id, msg, len, (enum dns_rcode)rcode);
	else if (n > 0)
		say(r, m->id, out,
		    p.flags & PROTO_DATAGRAM
			? dns_cut(out, n, dns_room(msg, len))
			: n);
	else
		ask_servers(r, m->id, msg, len, p.flags);
	return true;
}

/* ---- the engine ---- */

static bool
engine_input(void *arg, struct msg *m)
{
	struct resolver *r = arg;

	return r->started && m->type == EM_RESOLVE && resolve(r, m);
}

static void
engine_closed(void *arg, int error)
{
	struct resolver *r = arg;

	msgchan_free(r->engine);
	r->engine = NULL;
	if (error == 0)
		return; /* the parent knows more, and stops us */
	log_error("the engine sent a malformed message");
	finish(r, true);
}

static const struct msgchan_ops engine_ops = {.input = engine_input,
    .closed = engine_closed};

/* ---- the parent ---- */

/* A changed list of servers begins anew: who waits asks again. */
static bool
set_upstream(struct resolver *r)
{
	struct upstream *old = r->upstream;

	r->upstream = NULL;
	upstream_free(old);
	r->upstream = upstream_new(r->eb, r->door, &r->conf->g.resolver);
	return r->upstream != NULL;
}

static bool
take_conf(struct resolver *r, struct msg *m)
{
	struct conf *next, *old = r->conf;
	int rc = confrx_input(&r->rx, m, &next);
	bool same;

	if (rc != 1)
		return rc == 0;
	same = old != NULL && memcmp(&old->g.resolver, &next->g.resolver,
				  sizeof next->g.resolver) == 0;
	conf_free(old);
	r->conf = next;
	return !r->started || same || set_upstream(r);
}

static bool
take_hosts(struct resolver *r, struct msg *m)
{
	int fd = msg_take_fd(m, 0);

	if (m->len != 0)
		return false;
	hosts_free(r->hosts);
	r->hosts = NULL;
	if (fd == -1)
		return true;
	r->hosts = hosts_read(fd);
	close(fd);
	if (r->hosts == NULL)
		log_warn("cannot read /etc/hosts: it is too large, or memory "
			 "is out");
	return true;
}

static bool
take_engine(struct resolver *r, struct msg *m)
{
	int fd = msg_take_fd(m, 0);

	if (fd == -1 || m->len != 0 || r->engine != NULL)
		return false;
	r->engine = msgchan_new(r->eb, fd, &msgchan_internal, &engine_ops, r);
	return r->engine != NULL;
}

static bool
take_door(struct resolver *r, struct msg *m)
{
	if (m->len != 0 || r->door_fd != -1)
		return false;
	r->door_fd = msg_take_fd(m, 0);
	return r->door_fd != -1;
}

static bool
start(struct resolver *r, const struct msg *m)
{
	if (m->len != 0 || r->started || r->conf == NULL || r->engine == NULL ||
	    r->door_fd == -1)
		return false;
	r->started = true;
	sandbox_enter(ROLE_RESOLVER, &r->conf->g);
	snprintf(
	    r->door, sizeof r->door, "%s/%d", sandbox_fd_dir(), r->door_fd);
	if (!set_upstream(r))
		fatal("cannot make the resolver");
	return msgchan_send(r->parent, CM_READY, 0, NULL, 0, NULL, 0) == 0;
}

static bool
parent_input(void *arg, struct msg *m)
{
	struct resolver *r = arg;

	switch (m->type) {
	case PM_CONF:
	case PM_CONF_ROUTES:
	case PM_CONF_RULES:
	case PM_CONF_QUOTAS:
	case PM_CONF_END:
		return take_conf(r, m);
	case PM_HOSTS:
		return take_hosts(r, m);
	case PM_RESOLVER:
		return take_engine(r, m);
	case PM_DOOR:
		return take_door(r, m);
	case PM_START:
		return start(r, m);
	case PM_LOG:
		return proc_log(m);
	case PM_STOP:
		finish(r, false);
		return true;
	default:
		return false;
	}
}

static void
parent_closed(void *arg, int error)
{
	struct resolver *r = arg;

	if (error == -EPROTO)
		log_error("the parent sent a malformed message");
	finish(r, error != 0);
}

static const struct msgchan_ops parent_ops = {.input = parent_input,
    .closed = parent_closed};

int
resolver_main(const struct proc_args *a)
{
	struct resolver r = {.door_fd = -1};

	r.eb = proc_begin(&r.parent, &parent_ops, &r);
	while (!r.stopping)
		event_base_loop(r.eb, EVLOOP_ONCE);
	upstream_free(r.upstream);
	msgchan_free(r.engine);
	msgchan_free(r.parent);
	hosts_free(r.hosts);
	conf_free(r.conf);
	conf_free(r.rx.building);
	event_base_free(r.eb);
	return r.failed ? 1 : 0;
}
