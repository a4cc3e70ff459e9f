/* SPDX-License-Identifier: ISC */
/*
 * Names, as far as the engine has to do with them: a client's query goes to the
 * resolver, a process of its own, as it came; the visit waits, and what comes
 * back goes to the client as it is.  Nothing in either is read here.
 *
 * A visit that ends before is forgotten: its answer finds nobody.  Numbers of
 * queries rise and are not taken again while one waits under them.
 */
#include "config.h"
#include <errno.h>
#include <string.h>
#include "ipc/dnsmsg.h"
#include "proc/engine.h"
#include "proc/log.h"
#include "proc/proc.h"

int
query_cmp(const struct visit *a, const struct visit *b)
{
	return a->query < b->query ? -1 : a->query > b->query;
}

RB_GENERATE(queries, visit, by_query, query_cmp)

static struct visit *
find(struct engine *e, uint32_t query)
{
	struct visit key = {.query = query};

	return RB_FIND(queries, &e->queries, &key);
}

uint32_t
resolve_number(struct engine *e)
{
	struct dquery key;

	do
		key.id = ++e->last_query;
	while (key.id == 0 || find(e, key.id) != NULL ||
	       RB_FIND(dqueries, &e->dqueries, &key) != NULL);
	return key.id;
}

int
resolve_ask(struct request *r)
{
	struct proto_resolve q;
	size_t n = r->len - sizeof q;
	uint32_t id;

	if (r->len == 0)
		return r->e->resolver == NULL ? EOPNOTSUPP : 0;
	if (r->len < sizeof q + DNS_HEAD || n > DNS_QUERY_MAX)
		return -EPROTO;
	memcpy(&q, r->body, sizeof q);
	if ((q.flags & ~PROTO_DATAGRAM) != 0 || q.reserved != 0)
		return -EPROTO;
	if (r->e->resolver == NULL)
		return EOPNOTSUPP;
	r->e->stats.queries++;
	id = resolve_number(r->e);
	if (r->acct->queries >= QUERIES_PER_UID ||
	    msgchan_send2(r->e->resolver, EM_RESOLVE, id, &q, sizeof q,
		(const uint8_t *)r->body + sizeof q, n) != 0) {
		r->e->stats.queries_refused++;
		return EAGAIN;
	}
	r->query = id;
	return 0;
}

void
resolve_wait(struct visit *v, uint32_t query)
{
	v->query = query;
	v->acct->queries++;
	RB_INSERT(queries, &v->e->queries, v);
	etimer_set(v->e, &v->timer, mono_add(engine_now(v->e), RESOLVE_US));
}

void
resolve_forget(struct visit *v)
{
	if (v->query == 0)
		return;
	RB_REMOVE(queries, &v->e->queries, v);
	v->acct->queries--;
	v->query = 0;
}

/* ---- the resolver ---- */

static bool
resolver_input(void *arg, struct msg *m)
{
	struct engine *e = arg;
	struct visit *v;

	if (m->type != RM_ANSWER || m->len < DNS_HEAD)
		return false;
	v = find(e, m->id);
	if (v != NULL)
		attach_answer(v, 0, m->data, m->len);
	else
		here_answer(e, m->id, m->data, m->len);
	return true;
}

static void
resolver_closed(void *arg, int error)
{
	struct engine *e = arg;
	struct visit *v;

	msgchan_free(e->resolver);
	e->resolver = NULL;
	if (error != 0)
		log_error("the resolver sent a malformed message");
	while ((v = RB_MIN(queries, &e->queries)) != NULL)
		attach_answer(v, ENETDOWN, NULL, 0);
	here_forget_all(e);
}

static const struct msgchan_ops resolver_ops = {
    .input = resolver_input,
    .closed = resolver_closed,
};

bool
engine_set_resolver(struct engine *e, int fd)
{
	e->resolver =
	    msgchan_new(e->eb, fd, &msgchan_internal, &resolver_ops, e);
	return e->resolver != NULL;
}

void
resolve_done(struct engine *e)
{
	msgchan_free(e->resolver);
	e->resolver = NULL;
}
