/* SPDX-License-Identifier: ISC */
/*
 * The programs.  Each end of a flow writes its keyed stream in its manner,
 * reads in its manner and ends in its manner; every byte that it reads is
 * verified by its position, so a lost, doubled, moved or damaged byte is seen
 * at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "sim.h"

static void run_end(struct end *e);

static struct end *
other(struct end *e)
{
	return e == &e->flow->end[0] ? &e->flow->end[1] : &e->flow->end[0];
}

/* How much of the stream may be written by now. */
static uint64_t
allowed(struct end *e)
{
	uint64_t turns;

	switch (e->cfg.role) {
	case WRITE_AFTER_EOF:
		return e->eof ? e->cfg.total : 0;
	case WRITE_IN_TURN:
		turns = e->received / other(e)->cfg.turn;
		if (e == &e->flow->end[0])
			turns++;
		turns *= e->cfg.turn;
		return turns < e->cfg.total ? turns : e->cfg.total;
	default:
		return e->cfg.total;
	}
}

static void
on_timer(void *arg)
{
	struct end *e = arg;

	e->timer_on = false;
	if (e->pcb == NULL || e->flow->sim->failed)
		return;
	run_end(e);
	host_pump(e->host);
}

static void
wait_until(struct end *e, mono_t when)
{
	if (e->timer_on)
		return;
	e->timer_on = true;
	sim_at(e->flow->sim, when, on_timer, e);
}

static void
write_some(struct end *e)
{
	struct sim *s = e->flow->sim;
	uint64_t limit = allowed(e);
	struct span spans[8];
	unsigned n;
	size_t want, part;

	while (e->sent < limit && !e->shut) {
		if (mono_before(s->now, e->next_write)) {
			wait_until(e, e->next_write);
			return;
		}
		want = limit - e->sent < e->cfg.chunk ? limit - e->sent
						      : e->cfg.chunk;
		n = tcp_send_reserve(e->pcb, spans, 8, want);
		if (n == 0)
			return; /* WRITABLE will come */
		part = 0;
		for (unsigned i = 0; i < n; i++) {
			stream_fill(e->key, e->sent + part, spans[i].base,
			    spans[i].len);
			part += spans[i].len;
		}
		if (part > want)
			sim_fail(s, "reserve offers more than was wanted");
		tcp_send_commit(e->pcb, part, s->now);
		e->sent += part;
		if (e->cfg.write_gap_us > 0)
			e->next_write = mono_add(s->now, e->cfg.write_gap_us);
	}
	/* After the end of a peer that broke off there is no next turn. */
	if (!e->flow->orderly && e->eof)
		limit = e->sent;
	if ((e->sent == e->cfg.total || !e->flow->orderly) &&
	    e->sent == limit && (limit == e->cfg.total || e->eof) && !e->shut &&
	    e->cfg.ending == END_IN_ORDER) {
		e->shut = true;
		tcp_shutdown(e->pcb, s->now);
	}
}

/* Takes up to max bytes; returns how many there were. */
static size_t
take(struct end *e, size_t max)
{
	struct sim *s = e->flow->sim;
	struct span spans[16];
	size_t n = 0, part;
	unsigned k = tcp_recv_peek(e->pcb, spans, 16);

	for (unsigned i = 0; i < k && n < max; i++) {
		part = spans[i].len < max - n ? spans[i].len : max - n;
		if (!stream_verify(
			other(e)->key, e->received + n, spans[i].base, part))
			sim_fail(s, "flow %u end %d: wrong bytes after %llu",
			    e->flow->index, (int)(e - e->flow->end),
			    (unsigned long long)(e->received + n));
		n += part;
	}
	if (n == 0)
		return 0;
	if (e->received + n > other(e)->sent)
		sim_fail(
		    s, "flow %u: more bytes than were sent", e->flow->index);
	e->received += n;
	tcp_recv_consume(e->pcb, n, s->now);
	return n;
}

static void
read_some(struct end *e)
{
	struct sim *s = e->flow->sim;

	while (tcp_recv_queued(e->pcb) > 0 && !s->failed) {
		if (mono_before(s->now, e->next_read)) {
			wait_until(e, e->next_read);
			return;
		}
		if (take(e, e->cfg.read_chunk != 0 ? e->cfg.read_chunk
						   : SIZE_MAX) == 0) {
			sim_fail(s, "flow %u: bytes that cannot be peeked at",
			    e->flow->index);
			return;
		}
		if (e->cfg.read_gap_us > 0)
			e->next_read = mono_add(s->now, e->cfg.read_gap_us);
	}
	if (tcp_recv_eof(e->pcb) && !e->eof) {
		e->eof = true;
		e->eof_at = s->now;
		if (e->cfg.ending == END_IN_ORDER &&
		    other(e)->cfg.ending == END_IN_ORDER &&
		    e->received != other(e)->cfg.total)
			sim_fail(s, "flow %u end %d: end of file after %llu",
			    e->flow->index, (int)(e - e->flow->end),
			    (unsigned long long)e->received);
	}
}

/* The early endings; true when the end has come. */
static bool
end_early(struct end *e)
{
	struct sim *s = e->flow->sim;
	struct tcp_pcb *p = e->pcb;

	if (e->cfg.ending == END_IN_ORDER)
		return false;
	if (mono_before(s->now, mono_add(e->flow->start, e->cfg.end_at_us)))
		return false;
	e->pcb = NULL;
	e->closed = true;
	e->finished = s->now;
	if (e->cfg.ending == END_ABORT)
		tcp_abort(p, s->now);
	else
		tcp_close(p, s->now);
	return true;
}

/* A careful program (as with SO_LINGER) stays until its end has arrived: an
 * orphan is given up after 8 retries, which harsh paths do need. */
static bool
fin_is_out(struct end *e)
{
	enum tcp_state st = tcp_pcb_state(e->pcb);

	if (!e->flow->orderly || (st != TCPS_FIN_WAIT_1 && st != TCPS_CLOSING &&
				     st != TCPS_LAST_ACK))
		return false;
	wait_until(e, mono_add(e->flow->sim->now, SEC / 10));
	return true;
}

static void
run_end(struct end *e)
{
	struct sim *s = e->flow->sim;
	struct tcp_pcb *p = e->pcb;

	if (p == NULL || end_early(e))
		return;
	read_some(e);
	write_some(e);
	if (e->pcb != NULL && e->eof && e->shut && !fin_is_out(e)) {
		e->pcb = NULL;
		e->closed = true;
		e->finished = s->now;
		tcp_close(p, s->now);
	}
}

static void start(void *arg);

static bool
bakes_cookies(struct host *h)
{
	struct tcp_stats t;

	tcp_stats(host_tcp(h), &t);
	return t.syn_cookies > 0;
}

/* It was open for this side alone: the other has given out a SYN cookie, and
 * the first segment to arrive was not the first one, so it held no cookie and
 * was answered by a reset (RFC 9293 3.10.7.2, and Linux).  */
static bool
lost_a_cookie(struct end *e)
{
	return abs(e->error) == ECONNRESET && bakes_cookies(other(e)->host) &&
	       !other(e)->opened && e->received == 0;
}

/* What came with the SYN of an attempt is no part of the next one. */
static void
forget(struct end *e)
{
	if (e->pcb != NULL)
		tcp_abort(e->pcb, e->flow->sim->now);
	e->pcb = NULL;
	e->opened = e->gone = e->shut = e->eof = false;
	e->sent = e->received = 0;
}

/* The neighbour did not answer, as after a cable was pulled, or a SYN flood is
 * on: a program tries again a little later. */
static bool
try_again(struct end *e)
{
	struct flow *f = e->flow;

	if (e != &f->end[0] || f->attempts >= 100 ||
	    !((!e->opened && abs(e->error) == EHOSTUNREACH) ||
		lost_a_cookie(e)))
		return false;
	f->attempts++;
	f->cport = 0;
	if (f->fast)
		forget(&f->end[1]);
	e->opened = false;
	/* What it wrote into the attempt is gone with it. */
	e->gone = e->shut = false;
	e->sent = 0;
	for (unsigned i = 0; i < 2; i++)
		memset(&f->end[i].wire, 0, sizeof f->end[i].wire);
	sim_at(f->sim, mono_add(f->sim->now, SEC), start, f);
	return true;
}

void
app_event(struct host *h, const struct tcp_event *ev)
{
	struct end *e = ev->user;

	if (e == NULL || e->pcb != ev->pcb)
		return;
	if (ev->bits & TCP_EV_CONNECTED)
		e->opened = true;
	if (ev->bits & TCP_EV_GONE) {
		e->pcb = NULL;
		e->gone = true;
		/* The end came in the same breath, and no byte is unread. */
		if (ev->error == 0 && ev->bits & TCP_EV_EOF)
			e->eof = true;
		e->eof_at = h->sim->now;
		e->error = ev->error;
		if (try_again(e))
			return;
		e->finished = h->sim->now;
		if (e->flow->orderly && (ev->error != 0 || !e->eof ||
					    e->received != other(e)->cfg.total))
			sim_fail(h->sim,
			    "flow %u end %d: gone with error %d after %llu "
			    "of %llu bytes",
			    e->flow->index, (int)(e - e->flow->end), ev->error,
			    (unsigned long long)e->received,
			    (unsigned long long)other(e)->cfg.total);
		return;
	}
	run_end(e);
}

struct flow *
flow_find(struct sim *s, unsigned client, uint16_t cport)
{
	for (unsigned i = s->nflows; i-- > 0;)
		if (s->flows[i].cport == cport &&
		    s->flows[i].end[0].host == &s->hosts[client])
			return &s->flows[i];
	return NULL;
}

static void
start_timer_for_ending(struct end *e)
{
	if (e->cfg.ending == END_IN_ORDER)
		return;
	sim_at(e->flow->sim, mono_add(e->flow->start, e->cfg.end_at_us),
	    on_timer, e);
}

int
app_accept(void *ctx, struct tcp_bind *listener, struct tcp_pcb *pcb)
{
	struct host *h = ctx;
	const struct tuple *id = tcp_tuple(pcb);
	struct flow *f = flow_find(h->sim, 1 - h->index, id->rport);
	struct end *e;

	/* What is left of an attempt before this one. */
	if (f == NULL && (bakes_cookies(h) || h->cfg.fastopen != 0))
		return -ECONNREFUSED;
	if (f == NULL) {
		sim_fail(h->sim, "host %u: accept of an unknown connection",
		    h->index);
		return -ECONNREFUSED;
	}
	e = &f->end[1];
	/* When all is over, a SYN with data that comes again (RFC 7413 2.1),
	 * or a segment that still holds a SYN cookie. */
	if ((f->fast || bakes_cookies(h)) && e->opened && e->pcb == NULL)
		return -ECONNREFUSED;
	if (e->pcb != NULL || e->opened)
		sim_fail(h->sim, "flow %u: accepted twice", f->index);
	if (e->cfg.refuse_once && !e->refused) {
		e->refused = true;
		return -EAGAIN;
	}
	e->pcb = pcb;
	e->opened = true;
	tcp_set_user(pcb, e);
	start_timer_for_ending(e);
	wait_until(e, h->sim->now);
	return 0;
}

static void
start(void *arg)
{
	struct flow *f = arg;
	struct sim *s = f->sim;
	struct end *e = &f->end[0];
	struct ipaddr any = {{0}}, dst = f->end[1].host->addr;
	int r;

	if (s->failed)
		return;
	if (f->attempts == 0)
		f->start = s->now;
	r = tcp_connect(host_tcp(e->host), NULL, &any, &dst, SERVER_PORT,
	    &f->opts, e, s->now, &e->pcb);
	if (r != 0) {
		sim_fail(s, "flow %u: connect gives %d", f->index, r);
		return;
	}
	f->cport = tcp_tuple(e->pcb)->lport;
	if (f->attempts == 0)
		start_timer_for_ending(e);
	if (f->fast) {
		tcp_fastopen(e->pcb, f->waits, s->now);
		run_end(e);
	}
	host_pump(e->host);
}

struct flow *
flow_add(struct sim *s, unsigned client, mono_t when, const struct endcfg *cfg0,
    const struct endcfg *cfg1)
{
	struct flow *f = &s->flows[s->nflows];

	CHECK(s->nflows < SIM_FLOWS);
	f->sim = s;
	f->index = s->nflows++;
	f->start = when;
	f->end[0].cfg = *cfg0;
	f->end[1].cfg = *cfg1;
	f->end[0].host = &s->hosts[client];
	f->end[1].host = &s->hosts[1 - client];
	for (unsigned i = 0; i < 2; i++) {
		f->end[i].flow = f;
		f->end[i].key = rng_u64(&s->rng);
		f->end[i].next_write = f->end[i].next_read = s->now;
	}
	f->orderly =
	    cfg0->ending == END_IN_ORDER && cfg1->ending == END_IN_ORDER;
	sim_at(s, when, start, f);
	return f;
}

bool
flow_complete(const struct flow *f)
{
	const struct end *a = &f->end[0], *b = &f->end[1];

	return a->eof && b->eof && a->received == b->cfg.total &&
	       b->received == a->cfg.total;
}

/* It has broken off, or is there and means to end in order. */
static bool
played(const struct end *e)
{
	return e->closed || e->gone ||
	       (e->opened && e->cfg.ending == END_IN_ORDER);
}

bool
flow_done(const struct flow *f)
{
	const struct end *a = &f->end[0], *b = &f->end[1];

	if (f->orderly)
		return flow_complete(f) && a->pcb == NULL && b->pcb == NULL;
	/* Whoever breaks off has done so, or never came to it.  The other side
	 * may wait for ever: a lost reset is not sent again. */
	return played(a) &&
	       (played(b) || (!b->opened && (a->closed || a->gone)));
}

void
flow_kill(struct flow *f)
{
	for (unsigned i = 0; i < 2; i++) {
		struct end *e = &f->end[i];
		struct tcp_pcb *p = e->pcb;

		if (p == NULL)
			continue;
		e->pcb = NULL;
		e->closed = true;
		tcp_abort(p, f->sim->now);
		host_pump(e->host);
	}
}
