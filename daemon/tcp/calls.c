/* SPDX-License-Identifier: ISC */
/*
 * The user calls of tcp.h, for connections that are awake or rest.  What only
 * looks at one that rests looks at a copy, or knows the answer: nothing is
 * queued there either way.  What does something wakes it.
 *
 * Memory for that is taken as a connection's is when it begins.  A call that
 * cannot fail and finds none ends the process, as a CHECK: what it is to do
 * has been promised to a program, and its peer.
 */
#include "tcp/internal.h"

static struct tcb *
wake(struct tcp_pcb *h)
{
	struct tcb *p = pcb_awake(h);

	CHECK(p != NULL);
	return p;
}

void
tcp_set_user(struct tcp_pcb *p, void *user)
{
	p->user = user;
}

void *
tcp_user(const struct tcp_pcb *p)
{
	return p->user;
}

const struct tuple *
tcp_tuple(const struct tcp_pcb *p)
{
	return &p->node.id;
}

void
tcp_set_owner(struct tcp_pcb *p, uint32_t owner)
{
	wake(p)->owner = owner;
}

enum tcp_state
tcp_pcb_state(const struct tcp_pcb *p)
{
	struct tcb room;

	return pcb_look(p, &room)->state;
}

/* ---- what does something ---- */

void
tcp_fastopen(struct tcp_pcb *p, bool waits, mono_t now)
{
	pcb_fastopen(wake(p), waits, now);
}

void
tcp_clamp_window(struct tcp_pcb *p, uint32_t bytes)
{
	pcb_clamp_window(wake(p), bytes);
}

void
tcp_shutdown(struct tcp_pcb *p, mono_t now)
{
	pcb_shutdown(wake(p), now);
}

void
tcp_close(struct tcp_pcb *p, mono_t now)
{
	pcb_close(wake(p), now);
}

void
tcp_abort(struct tcp_pcb *p, mono_t now)
{
	pcb_abort(wake(p), now);
}

int
tcp_soft_error(struct tcp_pcb *p)
{
	return pcb_soft_error(wake(p));
}

int
tcp_apply_opts(struct tcp_pcb *p, const struct tcp_opts *o, mono_t now)
{
	return pcb_apply_opts(wake(p), o, now);
}

int
tcp_pcb_md5(struct tcp_pcb *p, const struct tcp_md5 *m)
{
	return pcb_set_md5(wake(p), m);
}

void
tcp_send_last(struct tcp_pcb *p, uint32_t n)
{
	pcb_send_last(wake(p), n);
}

unsigned
tcp_send_reserve(
    struct tcp_pcb *p, struct span *spans, unsigned max, size_t want)
{
	return pcb_send_reserve(wake(p), spans, max, want);
}

void
tcp_send_commit(struct tcp_pcb *p, size_t n, mono_t now)
{
	pcb_send_commit(wake(p), n, now);
}

bool
tcp_send_lend(struct tcp_pcb *p, const struct tcp_lent *l, mono_t now)
{
	return pcb_send_lend(wake(p), l, now);
}

void
tcp_send_urgent(struct tcp_pcb *p, mono_t now)
{
	pcb_send_urgent(wake(p), now);
}

void
tcp_recv_consume(struct tcp_pcb *p, size_t n, mono_t now)
{
	pcb_recv_consume(wake(p), n, now);
}

void
tcp_recv_unread(struct tcp_pcb *p, uint32_t bytes)
{
	pcb_recv_unread(wake(p), bytes);
}

void
tcp_recv_discard(struct tcp_pcb *p, mono_t now)
{
	pcb_recv_discard(wake(p), now);
}

int
tcp_ao_add(struct tcp_bind *b, struct tcp_pcb *p, const struct tcp_ao_key *k)
{
	return pcb_ao_add(b, p != NULL ? wake(p) : NULL, k);
}

int
tcp_ao_set(struct tcp_bind *b, struct tcp_pcb *p, const struct tcp_ao_info *i)
{
	return pcb_ao_set(b, p != NULL ? wake(p) : NULL, i);
}

int
tcp_ao_del(struct tcp_bind *b, struct tcp_pcb *p, const struct tcp_ao_key *k,
    const struct tcp_ao_want *w)
{
	return pcb_ao_del(b, p != NULL ? wake(p) : NULL, k, w);
}

/* ---- what looks ---- */

int
tcp_ao_get(
    const struct tcp_bind *b, const struct tcp_pcb *p, struct tcp_ao_info *i)
{
	struct tcb room;

	return pcb_ao_get(b, p != NULL ? pcb_look(p, &room) : NULL, i);
}

size_t
tcp_pcb_keys(const struct tcp_pcb *p)
{
	struct tcb room;

	return pcb_keys(pcb_look(p, &room));
}

void
tcp_get_opts(const struct tcp_pcb *p, struct tcp_opts *o)
{
	struct tcb room;

	pcb_get_opts(pcb_look(p, &room), o);
}

void
tcp_info(const struct tcp_pcb *p, struct tcp_info_out *o, mono_t now)
{
	struct tcb room;

	pcb_info(pcb_look(p, &room), o, now);
}

size_t
tcp_send_space(const struct tcp_pcb *p)
{
	struct tcb room;

	return pcb_send_space(pcb_look(p, &room));
}

uint32_t
tcp_send_returned(const struct tcp_pcb *p)
{
	struct tcb room;

	return pcb_look(p, &room)->sq.returned;
}

bool
tcp_recv_eof(const struct tcp_pcb *p)
{
	struct tcb room;

	return pcb_recv_eof(pcb_look(p, &room));
}

size_t
tcp_send_queued(const struct tcp_pcb *p)
{
	return p->node.resting ? 0 : pcb_send_queued(p->b);
}

size_t
tcp_send_unsent(const struct tcp_pcb *p)
{
	return p->node.resting ? 0 : pcb_send_unsent(p->b);
}

size_t
tcp_recv_queued(const struct tcp_pcb *p)
{
	return p->node.resting ? 0 : pcb_recv_queued(p->b);
}

uint32_t
tcp_recv_urgent(const struct tcp_pcb *p)
{
	struct tcb room;

	return pcb_recv_urgent(pcb_look(p, &room));
}

unsigned
tcp_recv_peek(const struct tcp_pcb *p, struct span *spans, unsigned max)
{
	return p->node.resting ? 0 : pcb_recv_peek(p->b, spans, max);
}
