/* SPDX-License-Identifier: ISC */
/*
 * One account a uid: what its programs use, what it may use (tcpd.conf), what
 * was refused; and the errnos that wait for their connections' programs.
 *
 * Buffer bytes are back-pressure, never an error.  Each chan charges what it
 * holds when it was serviced; acknowledgements take bytes away without our
 * notice, so the sum may be too high, never lasting too low.  When it passes
 * the limit, it is counted exactly, at most once a turn; when a user is really
 * over, the chan at hand is squeezed if it holds more than every chan may, its
 * share or SHARE_MIN: its receive window shrinks and nothing is read from its
 * program, until a look every SQUEEZE_US finds less than 7/8.  Those that hold
 * little go on: a window of a few bytes would make their peers send frames of
 * a few bytes, thousands of them, and cost everybody more than it saves.
 *
 * Datagrams have no back-pressure: what comes for a socket of UDP while its
 * user is over is dropped.  The kernel holds those that wait, and says how much
 * they are when somebody asks (in an exact count); until then only more come.
 */
#include "config.h"
#include <sys/param.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "proc/engine.h"

#define SHARE_MIN 65536u
#define SHARE_MAX (1u << 30)

int
account_cmp(const struct account *a, const struct account *b)
{
	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

RB_GENERATE(accounts, account, link, account_cmp)

static void on_squeeze(struct engine *e, struct etimer *t);

struct account *
account_get(struct engine *e, uint32_t uid)
{
	struct account key = {.uid = uid}, *a;

	a = RB_FIND(accounts, &e->accounts, &key);
	if (a != NULL)
		return a;
	a = calloc(1, sizeof *a);
	if (a == NULL)
		return NULL;
	a->uid = uid;
	a->limit = *conf_quota(e->conf, uid);
	TAILQ_INIT(&a->chans);
	TAILQ_INIT(&a->dgrams);
	TAILQ_INIT(&a->errors);
	if (!etimer_init(e, &a->squeeze, on_squeeze)) {
		free(a);
		return NULL;
	}
	RB_INSERT(accounts, &e->accounts, a);
	return a;
}

static void
account_free(struct engine *e, struct account *a)
{
	struct errrec *r;

	while ((r = TAILQ_FIRST(&a->errors)) != NULL)
		error_free(e, r);
	CHECK(a->conns == 0 && a->listeners == 0 && a->visits == 0);
	RB_REMOVE(accounts, &e->accounts, a);
	etimer_done(e, &a->squeeze);
	free(a);
}

/* A uid that was refused something stays, so that it can be seen. */
void
account_put(struct engine *e, struct account *a)
{
	if (a->conns == 0 && a->listeners == 0 && a->visits == 0 &&
	    a->nerrors == 0 && a->unburied == 0 && a->orphans == 0 &&
	    a->ring_bytes == 0 && a->conns_refused == 0 &&
	    a->listeners_refused == 0 && a->half_open_refused == 0)
		account_free(e, a);
}

void
accounts_free(struct engine *e)
{
	struct account *a;

	while ((a = RB_MIN(accounts, &e->accounts)) != NULL)
		account_free(e, a);
}

void
account_congestion(const struct account *a, struct tcp_opts *o)
{
	if (o->congestion == NULL && a->limit.congestion[0] != '\0')
		o->congestion = a->limit.congestion;
}

void
account_relimit(struct engine *e)
{
	struct account *a;
	struct bound *b;

	RB_FOREACH (a, accounts, &e->accounts) {
		a->limit = *conf_quota(e->conf, a->uid);
		LIST_FOREACH (b, &a->bounds, of_account)
			(void)bound_opts(b); /* it knows all that has a name */
	}
}

/* The passive ones are counted at most once a turn. */
uint32_t
account_half_passive(struct engine *e, struct account *a)
{
	struct tcp_bind_info info;
	struct bound *b;

	if (a->half_turn != e->turn && a->listeners > 0) {
		a->half_passive = 0;
		LIST_FOREACH (b, &a->bounds, of_account) {
			if (b->tb == NULL || !b->listening)
				continue;
			tcp_bind_info(b->tb, &info);
			a->half_passive += info.half_open;
		}
	}
	if (a->listeners == 0)
		a->half_passive = 0;
	a->half_turn = e->turn;
	return a->half_passive;
}

/* ---- buffer bytes ---- */

static bool
over(const struct account *a, uint64_t limit)
{
	return a->bytes + a->orphan_bytes > limit;
}

static void
charge(struct chan *c, uint64_t bytes)
{
	c->acct->bytes += bytes - c->charged;
	c->charged = bytes;
}

static void
charge_dgram(struct dgram *d, uint64_t bytes)
{
	d->acct->bytes += bytes - d->charged;
	d->charged = bytes;
}

static uint64_t
held(const struct chan *c)
{
	return c->pcb == NULL
		   ? 0
		   : tcp_send_queued(c->pcb) + tcp_recv_queued(c->pcb) +
			 chan_ring_size(c) - chan_ring_lent(c);
}

static void
count_exactly(struct engine *e, struct account *a)
{
	struct dgram *d;
	struct chan *c;

	a->exact = engine_now(e);
	TAILQ_FOREACH (c, &a->chans, of_account)
		charge(c, held(c));
	TAILQ_FOREACH (d, &a->dgrams, of_account)
		charge_dgram(d, dgram_held(d));
}

bool
account_take(struct dgram *d, uint64_t n)
{
	struct account *a = d->acct;
	mono_t now = engine_now(d->e);

	if (over(a, a->limit.buffer_bytes))
		charge_dgram(d, dgram_held(d));
	if (over(a, a->limit.buffer_bytes) &&
	    mono_diff(now, a->exact) >= EXACT_US)
		count_exactly(d->e, a);
	if (over(a, a->limit.buffer_bytes)) {
		a->buffer_clamped++;
		return false;
	}
	charge_dgram(d, d->charged + n);
	return true;
}

/*
 * What is advertised can arrive at once, before anything can be squeezed.  So
 * a connection's window is its share of half the limit, in powers of two lest
 * it changes with each connection that comes or goes.
 */
void
account_share(struct chan *c)
{
	uint64_t share = c->acct->limit.buffer_bytes / 2 / c->acct->conns;
	uint32_t window = SHARE_MIN;

	while (window < SHARE_MAX && (uint64_t)window * 2 <= share)
		window *= 2;
	if (window == c->window || c->pcb == NULL)
		return;
	c->window = window;
	if (!c->squeezed)
		tcp_clamp_window(c->pcb, window);
}

/* What every chan of a user who is over his limit may hold. */
static uint64_t
fair(const struct account *a)
{
	uint64_t limit = a->limit.buffer_bytes;
	uint64_t share;

	share = (limit - MIN(limit, a->orphan_bytes)) / MAX(a->conns, 1);
	return MIN(share, SHARE_MIN);
}

void
account_charge(struct chan *c)
{
	struct account *a = c->acct;
	struct engine *e = c->e;

	account_share(c);
	charge(c, held(c));
	if (!over(a, a->limit.buffer_bytes))
		return;
	if (mono_diff(engine_now(e), a->exact) >= EXACT_US)
		count_exactly(e, a);
	if (!over(a, a->limit.buffer_bytes) || c->pcb == NULL)
		return;
	if (held(c) <= fair(a))
		return;
	if (a->squeezed == 0)
		etimer_set(e, &a->squeeze, mono_add(engine_now(e), SQUEEZE_US));
	chan_squeeze(c, true);
}

void
account_uncharge(struct chan *c)
{
	charge(c, 0);
	if (c->squeezed)
		c->acct->squeezed--;
	c->squeezed = false;
}

static void
on_squeeze(struct engine *e, struct etimer *t)
{
	struct account *a =
	    (struct account *)((char *)t - offsetof(struct account, squeeze));
	struct chan *c;

	count_exactly(e, a);
	if (!over(a, a->limit.buffer_bytes / 8 * 7))
		TAILQ_FOREACH (c, &a->chans, of_account)
			chan_squeeze(c, false);
	if (a->squeezed > 0)
		etimer_set(e, t, mono_add(engine_now(e), SQUEEZE_US));
}

/* ---- connections that go on without their program ---- */

/*
 * close() leaves what was written to the stack, as it must; but a peer that
 * never acknowledges could keep it for minutes.  So a user has as many of them
 * as he may have connections, in as much memory; one more is reset at once,
 * which Linux does beyond tcp_max_orphans.
 */
bool
account_may_orphan(const struct account *a, size_t bytes)
{
	return a->orphans < a->limit.conns &&
	       a->orphan_bytes + bytes <= a->limit.buffer_bytes;
}

void
account_orphan(void *ctx, uint32_t uid, int n, size_t bytes)
{
	struct account key = {.uid = uid}, *a;
	struct engine *e = ctx;

	/* At the engine's end the accounts go first. */
	a = RB_FIND(accounts, &e->accounts, &key);
	if (a == NULL)
		return;
	a->orphans += (uint32_t)n;
	a->orphan_bytes += n > 0 ? bytes : -(uint64_t)bytes;
	if (n < 0)
		account_put(e, a);
}

/* ---- errnos that wait ---- */

void
error_free(struct engine *e, struct errrec *r)
{
	names_del(&e->names, &r->name);
	TAILQ_REMOVE(&r->acct->errors, r, lru);
	r->acct->nerrors--;
	etimer_done(e, &r->timer);
	free(r);
}

static void
on_error_timer(struct engine *e, struct etimer *t)
{
	struct errrec *r =
	    (struct errrec *)((char *)t - offsetof(struct errrec, timer));
	struct account *a = r->acct;

	error_free(e, r);
	account_put(e, a);
}

void
error_set(struct engine *e, struct account *a, uint64_t handle, int err)
{
	struct name *old;
	struct errrec *r;

	old = names_find(&e->names, a->uid, handle);
	if (old != NULL && old->kind == NAME_ERROR)
		error_free(e, (struct errrec *)old);
	else if (old != NULL && old->kind == NAME_BOUND)
		return; /* bound, not connected: no errno of a connection */
	else if (old != NULL)
		names_del(&e->names, old); /* the chan that ends with it */
	r = calloc(1, sizeof *r);
	if (r == NULL || !etimer_init(e, &r->timer, on_error_timer)) {
		free(r); /* the program reads ECONNRESET */
		return;
	}
	if (a->nerrors >= ERRORS_PER_UID)
		error_free(e, TAILQ_FIRST(&a->errors));
	r->name =
	    (struct name){.uid = a->uid, .handle = handle, .kind = NAME_ERROR};
	r->acct = a;
	r->error = err;
	names_add(&e->names, &r->name);
	TAILQ_INSERT_TAIL(&a->errors, r, lru);
	a->nerrors++;
	etimer_set(e, &r->timer, mono_add(engine_now(e), ERROR_KEEP_US));
}

int
error_take(struct engine *e, uint32_t uid, uint64_t handle)
{
	struct name *n = names_find(&e->names, uid, handle);
	struct account *a;
	struct errrec *r;
	int err;

	if (n == NULL || n->kind != NAME_ERROR)
		return 0;
	r = (struct errrec *)n;
	err = r->error;
	a = r->acct;
	error_free(e, r);
	account_put(e, a);
	return err;
}
