/* SPDX-License-Identifier: ISC */
/*
 * The resolver at 127.0.0.1 and ::1, port 53, of the stack: what a socket of
 * UDP sends there is a query of the DNS, and the answer comes to it from there.
 * So a program that asks by itself needs no socket of the kernel's (tcpd-run
 * --no-bypass), nor anybody who serves loopback addresses.
 *
 * Where loopback addresses are tcpd's a program that is bound there goes
 * before. As with any name server, what is too much or makes no sense is not
 * answered.
 */
#include "config.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include "ipc/dnsmsg.h"
#include "proc/engine.h"
#include "proc/proc.h"

int
dquery_cmp(const struct dquery *a, const struct dquery *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(dqueries, dquery, by_id, dquery_cmp)

static struct ipaddr
loopback_like(const struct ipaddr *a)
{
	static const struct ipaddr loop6 = {.b = {[15] = 1}};

	return ipaddr_is_v4(a) ? ipaddr_v4(0x7f000001) : loop6;
}

bool
here_is(struct engine *e, const struct ipaddr *dst, uint16_t port)
{
	struct ipaddr self = loopback_like(dst);

	if (port != DNS_PORT || e->resolver == NULL || !ipaddr_eq(dst, &self))
		return false;
	return e->conf->g.loopback != PROTO_TCPD ||
	       !udp_is_heard(stack_udp(e->stack), dst, port);
}

int
here_connect(struct dgram *d, const struct ipaddr *dst, uint16_t port)
{
	int err = -udp_connect_here(d->sock, dst, dst, port);

	d->asks = err == 0;
	return err;
}

/* ---- queries under way ---- */

static void
forget(struct dquery *q)
{
	struct engine *e = q->d->e;

	RB_REMOVE(dqueries, &e->dqueries, q);
	LIST_REMOVE(q, of_dgram);
	q->d->acct->queries--;
	etimer_done(e, &q->timer);
	free(q);
}

void
here_forget(struct dgram *d)
{
	while (!LIST_EMPTY(&d->queries))
		forget(LIST_FIRST(&d->queries));
}

void
here_forget_all(struct engine *e)
{
	struct dquery *q;

	while ((q = RB_MIN(dqueries, &e->dqueries)) != NULL)
		forget(q);
}

static void
on_timer(struct engine *e, struct etimer *t)
{
	forget((struct dquery *)((char *)t - offsetof(struct dquery, timer)));
}

/* From d's address to where it asks; NULL when memory is out. */
static struct dquery *
begin(struct dgram *d, const struct udp_msg *m, uint32_t id)
{
	struct dquery *q = calloc(1, sizeof *q);
	struct udp_info info;

	if (q == NULL || !etimer_init(d->e, &q->timer, on_timer)) {
		free(q);
		return NULL;
	}
	udp_info(d->sock, &info);
	q->d = d;
	q->id = id;
	q->asked = m->to_peer ? info.id.raddr : m->dst;
	q->from = ipaddr_is_any(&info.id.laddr) ? q->asked : info.id.laddr;
	q->port = info.id.lport;
	RB_INSERT(dqueries, &d->e->dqueries, q);
	LIST_INSERT_HEAD(&d->queries, q, of_dgram);
	d->acct->queries++;
	etimer_set(d->e, &q->timer, mono_add(engine_now(d->e), RESOLVE_US));
	return q;
}

int
here_ask(struct dgram *d, const struct udp_msg *m)
{
	const struct proto_resolve head = {.flags = PROTO_DATAGRAM};
	struct engine *e = d->e;
	struct dquery *q;
	int r;

	if (m->len < DNS_HEAD || m->len > DNS_QUERY_MAX)
		return -ENOBUFS;
	if (e->resolver == NULL)
		return -ECONNREFUSED;
	r = m->to_peer ? 0 : udp_prepare(d->sock, &m->dst);
	if (r != 0)
		return r;
	e->stats.queries++;
	q = d->acct->queries < QUERIES_PER_UID ? begin(d, m, resolve_number(e))
					       : NULL;
	if (q != NULL && msgchan_send2(e->resolver, EM_RESOLVE, q->id, &head,
			     sizeof head, m->data, m->len) == 0)
		return 0;
	if (q != NULL)
		forget(q);
	e->stats.queries_refused++;
	return -ENOBUFS;
}

void
here_answer(struct engine *e, uint32_t id, const void *msg, size_t len)
{
	struct dquery key = {.id = id}, *q;
	struct udp_in in = {
	    .sport = DNS_PORT, .ttl = 64, .data = msg, .len = (uint32_t)len};

	q = RB_FIND(dqueries, &e->dqueries, &key);
	if (q == NULL)
		return;
	in.src = q->asked;
	in.dst = q->from;
	in.dport = q->port;
	if (len <= UDP_MAX4)
		dgram_deliver(NULL, q->d, &in);
	forget(q);
}
