/* SPDX-License-Identifier: ISC */
/*
 * The engine: one loop around the device, the stack and the programs' streams.
 *
 *	device  --pump.c-->  stack  --events-->  chan.c  --D=A-->  program
 *	        <--output--         <--writes--          <-------
 *	tcpd.sock --attach.c--> connect (chan.c) or one request (request.c)
 *	listener.c: bound and listening sockets; accept.c: connections to them
 *
 * The engine accepts the clients of tcpd.sock itself: were it the frontend, a
 * connect() would cost the wake-ups of two processes and a hand-over instead of
 * one.  The frontend keeps the control plane.
 *
 * A turn: wait; the callbacks of libevent note what happened and feed received
 * frames to the stack; then engine_flush() drains the stack's events, moves
 * bytes between the stack and the Ds, sends what the stack has to send and sets
 * the one timer.  The clock is read once a turn.  A program that writes without
 * end gets CHAN_BUDGET bytes a turn and goes to the end of the ready list.
 *
 * The timer is one timerfd for the stack and the engine's own deadlines.  It is
 * set again when the next deadline moved forward, or when it is far away in any
 * case: retransmission deadlines mostly move back, and one wake-up that finds
 * nothing to do is cheaper than a system call a segment.  Without a deadline
 * there is no wake-up.  Who expects something soon looks for it before it
 * sleeps (busypoll.h).
 *
 * Trusts: the parent's messages (checked in engine_role.c) and nothing else;
 * programs and frames are hostile.
 */
#include "config.h"
#include <sys/timerfd.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/check.h"
#include "crypto/crypto.h"
#include "proc/engine.h"
#include "proc/log.h"

#define TIMER_SOON_US 400000
#define CATCH_UP_MAX  4 /* there and back, and what follows from it */

mono_t
engine_now(struct engine *e)
{
	struct timespec ts;

	if (!e->now_valid) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		e->now.us = ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
		e->now_valid = true;
	}
	return e->now;
}

bool
etimer_init(struct engine *e, struct etimer *t,
    void (*fn)(struct engine *, struct etimer *))
{
	memset(&t->t, 0, sizeof t->t);
	t->fn = NULL;
	if (!timerq_reserve(&e->timers))
		return false;
	t->fn = fn;
	return true;
}

void
etimer_done(struct engine *e, struct etimer *t)
{
	if (t->fn == NULL)
		return;
	timerq_cancel(&e->timers, &t->t);
	timerq_release(&e->timers);
	t->fn = NULL;
}

void
etimer_set(struct engine *e, struct etimer *t, mono_t when)
{
	timerq_set(&e->timers, &t->t, when);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	struct etimer *et;
	struct timer *t;
	uint64_t n;

	(void)!read(fd, &n, sizeof n);
	e->armed = MONO_NEVER;
	stack_expire(e->stack, engine_now(e));
	while ((t = timerq_pop(&e->timers, engine_now(e))) != NULL) {
		et = (struct etimer *)t; /* its first member */
		et->fn(e, et);
	}
}

static void
rearm(struct engine *e)
{
	struct itimerspec its = {0};
	mono_t d;

	d = mono_min(stack_deadline(e->stack), timerq_deadline(&e->timers));
	if (d.us == e->armed.us)
		return;
	/* Later, or never: when it is due soon, let it fire for nothing. */
	if (mono_before(e->armed, d) &&
	    mono_diff(e->armed, engine_now(e)) < TIMER_SOON_US)
		return;
	e->armed = d;
	if (!mono_is_never(d)) { /* else all zero: off */
		if (d.us < 1)
			d.us = 1;
		its.it_value.tv_sec = d.us / 1000000;
		its.it_value.tv_nsec = d.us % 1000000 * 1000;
	}
	timerfd_settime(event_get_fd(&e->timer), TFD_TIMER_ABSTIME, &its, NULL);
}

static void
drain_events(struct engine *e)
{
	struct tcp_event ev;

	while (tcp_event(e->tcp, &ev))
		if (ev.user != NULL)
			chan_tcp_event(ev.user, &ev);
}

void
engine_flush(struct engine *e)
{
	struct chan *c;
	size_t limit;
	bool may;

	drain_events(e);
	/* Those that come back to the list wait for the next turn; and after
	 * FLUSH_BUDGET or the pump's share all do, so that a user with
	 * thousands of busy streams does not keep frames, timers and clients of
	 * others waiting. */
	e->taken = 0;
	pump_begin(e);
	dgrams_first(e);
	may = pump_output(e);
	for (limit = e->nchans; limit > 0 && may && e->taken < FLUSH_BUDGET;
	     limit--) {
		if ((c = TAILQ_FIRST(&e->ready)) == NULL)
			break;
		TAILQ_REMOVE(&e->ready, c, ready);
		c->is_ready = false;
		chan_service(c);
		may = pump_output(e);
		drain_events(e); /* what it wrote may be here already */
	}
	if (may)
		dgrams_flush(e);
	e->dgrams_late = !TAILQ_EMPTY(&e->dgrams_ready);
	if (e->reap)
		bound_reap(e);
	drain_events(e); /* taking the last byte may have ended something */
}

void
engine_catch_up(struct engine *e)
{
	int i;

	chans_look(e);
	attach_visits(e);
	engine_flush(e);
	for (i = 0; i < CATCH_UP_MAX; i++) {
		if (TAILQ_EMPTY(&e->ready) &&
		    mono_before(engine_now(e), stack_deadline(e->stack)))
			break;
		stack_expire(e->stack, engine_now(e));
		engine_flush(e);
	}
}

bool
engine_failed(const struct engine *e)
{
	return e->failed;
}

uint64_t
engine_bytes(const struct engine *e)
{
	struct account *a;
	uint64_t sum = 0;

	RB_FOREACH (a, accounts, (struct accounts *)&e->accounts)
		sum += a->bytes + a->orphan_bytes;
	return sum;
}

/* ---- stopping ---- */

/* Somebody who is gone still has bytes or a FIN on the way. */
static void
note_unsent(void *arg, const struct tcp_entry *en)
{
	if (en->pcb != NULL && en->state != TCPS_FIN_WAIT_2 &&
	    en->state != TCPS_CLOSED)
		*(bool *)arg = true;
}

struct leftovers {
	struct tcp_pcb **pcbs;
	size_t n, cap;
};

static void
note_leftover(void *arg, const struct tcp_entry *en)
{
	struct leftovers *l = arg;

	if (en->pcb != NULL && l->n < l->cap)
		l->pcbs[l->n++] = en->pcb;
}

/* Connections that their programs left long ago: never silence. */
static void
abort_orphans(struct engine *e)
{
	struct leftovers l = {0};
	struct tcp_stats st;
	size_t i;

	tcp_stats(e->tcp, &st);
	l.cap = st.conns;
	l.pcbs = calloc(l.cap != 0 ? l.cap : 1, sizeof(struct tcp_pcb *));
	if (l.pcbs == NULL)
		return;
	tcp_foreach(e->tcp, note_leftover, &l);
	for (i = 0; i < l.n; i++)
		tcp_abort(l.pcbs[i], engine_now(e));
	free(l.pcbs);
}

static void
stop_check(struct engine *e, bool over)
{
	struct chan *c;
	bool unsent = false;

	if (over) {
		while ((c = RB_MIN(chans, &e->chans)) != NULL)
			chan_abort(c, ECONNABORTED);
		abort_orphans(e);
		engine_flush(e);
		e->stopped = true;
		return;
	}
	if (e->nchans != 0 || e->tx_blocked)
		return;
	tcp_foreach(e->tcp, note_unsent, &unsent);
	e->stopped = !unsent;
}

static void
on_stop_timer(struct engine *e, struct etimer *t)
{
	stop_check(e, true);
}

void
engine_stop(struct engine *e)
{
	struct chan *c, *next;
	struct dgram *d;
	struct bound *b;

	if (e->stopping)
		return;
	e->stopping = true;
	attach_stop(e);
	while ((b = RB_MIN(bounds, &e->bounds)) != NULL)
		bound_free(b);
	while ((d = RB_MIN(dgrams, &e->dgrams)) != NULL)
		dgram_free(d);
	for (c = RB_MIN(chans, &e->chans); c != NULL; c = next) {
		next = RB_NEXT(chans, &e->chans, c);
		chan_stop(c);
	}
	etimer_set(e, &e->stop_timer, mono_add(engine_now(e), STOP_GRACE_US));
}

/* ---- waiting ---- */

static mono_t
later(struct engine *e)
{
	e->now_valid = false;
	return engine_now(e);
}

/* Handles events without sleeping for them, as long as the window says, until
 * one came. */
static bool
look(struct engine *e)
{
	mono_t began = later(e), now = began;
	int64_t window = busypoll_window(&e->busypoll, began);
	bool came = false;

	if (window == 0)
		return false;
	(void)event_base_get_max_events(e->eb, EVENT_BASE_COUNT_ACTIVE, 1);
	while (!came && mono_diff(now, began) < window) {
		event_base_loop(e->eb, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		came = event_base_get_max_events(
			   e->eb, EVENT_BASE_COUNT_ACTIVE, 1) > 0;
		if (!came)
			now = later(e);
	}
	busypoll_looked(&e->busypoll, mono_diff(now, began), came);
	return came;
}

static void
wait_for_events(struct engine *e)
{
	mono_t began;

	if (e->busypoll.cfg.max_us == 0) {
		event_base_loop(e->eb, EVLOOP_ONCE);
		return;
	}
	if (look(e))
		return;
	began = later(e);
	e->now_valid = false;
	event_base_loop(e->eb, EVLOOP_ONCE);
	busypoll_slept(&e->busypoll, mono_diff(engine_now(e), began));
}

bool
engine_turn(struct engine *e)
{
	rearm(e);
	e->now_valid = false;
	e->turn++;
	if (!TAILQ_EMPTY(&e->ready) || dgrams_waiting(e) ||
	    (e->tx_left == 0 && !e->tx_blocked))
		event_base_loop(e->eb, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	else
		wait_for_events(e);
	engine_flush(e);
	if (e->stopping && !e->stopped)
		stop_check(e, false);
	return !e->stopped;
}

/* ---- beginning and end ---- */

static bool
timers_init(struct engine *e)
{
	int fd;

	timerq_init(&e->timers);
	e->armed = MONO_NEVER;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (fd < 0)
		return false;
	if (event_assign(
		&e->timer, e->eb, fd, EV_READ | EV_PERSIST, on_timer, e) != 0 ||
	    event_add(&e->timer, NULL) != 0) {
		close(fd);
		event_assign(&e->timer, e->eb, -1, 0, on_timer, e);
		return false;
	}
	return flood_init(e) && etimer_init(e, &e->stop_timer, on_stop_timer);
}

static bool
stack_init(struct engine *e, const struct engine_setup *s, uint64_t *seed)
{
	struct stack_config cfg = s->stack;

	cfg.tcp.seed[0] = seed[2];
	cfg.tcp.seed[1] = seed[3];
	cfg.tcp.env.accept = bound_accept;
	cfg.tcp.env.may_open = bound_may_open;
	cfg.tcp.env.orphan = account_orphan;
	cfg.tcp.env.ctx = e;
	cfg.udp = (struct udp_env){.deliver = dgram_deliver,
	    .failed = dgram_failed,
	    .reported = dgram_reported,
	    .ctx = e};
	cfg.tcp.digest = &crypto_digest;
	e->stack = stack_new(&cfg, engine_now(e));
	if (e->stack == NULL)
		return false;
	e->tcp = stack_tcp(e->stack);
	e->drops = stack_drops(e->stack);
	return true;
}

struct engine *
engine_new(
    struct event_base *eb, const struct engine_setup *s, struct conf *conf)
{
	struct engine *e;
	uint64_t seed[6];

	e = calloc(1, sizeof *e);
	if (e == NULL)
		return NULL;
	arc4random_buf(seed, sizeof seed);
	e->eb = eb;
	e->listen_fd = e->spare_fd = e->policy_fd = -1;
	e->probe_fd = e->ep = e->ep_dgram = -1;
	e->next_id = 1;
	e->visit_us = VISIT_US;
	rng_init(&e->rng, seed[0], seed[1]);
	TAILQ_INIT(&e->ready);
	LIST_INIT(&e->visits);
	TAILQ_INIT(&e->visits_ready);
	LIST_INIT(&e->graves);
	RB_INIT(&e->speakers);
	LIST_INIT(&e->strays);
	RB_INIT(&e->chans);
	RB_INIT(&e->dgrams);
	TAILQ_INIT(&e->dgrams_ready);
	RB_INIT(&e->bounds);
	RB_INIT(&e->accounts);
	strlcpy(e->fd_dir, s->fd_dir, sizeof e->fd_dir);
	if (!names_init(&e->names, seed[4], seed[5]) || !timers_init(e) ||
	    !chans_init(e) || !dgrams_init(e) || !listener_init(e) ||
	    !stack_init(e, s, seed)) {
		engine_free(e);
		return NULL;
	}
	e->conf = conf;
	busypoll_init(&e->busypoll, &conf->g.engine.busypoll, later(e));
	return e;
}

void
engine_free(struct engine *e)
{
	struct chan *c;
	struct dgram *d;
	struct bound *b;

	attach_stop(e);
	while ((c = RB_MIN(chans, &e->chans)) != NULL)
		chan_abort(c, ECONNABORTED);
	while ((b = RB_MIN(bounds, &e->bounds)) != NULL)
		bound_free(b);
	while ((d = RB_MIN(dgrams, &e->dgrams)) != NULL)
		dgram_free(d);
	listener_done(e);
	dgrams_done(e);
	chans_done(e);
	resolve_done(e);
	rights_done(e);
	accounts_free(e);
	pump_done(e);
	if (e->stack != NULL)
		stack_free(e->stack);
	etimer_done(e, &e->stop_timer);
	flood_done(e);
	if (event_initialized(&e->timer) && event_get_fd(&e->timer) >= 0) {
		event_del(&e->timer);
		close(event_get_fd(&e->timer));
	}
	timerq_done(&e->timers);
	if (e->names.bucket != NULL)
		names_done(&e->names);
	refuse_set_policy(e, -1);
	if (e->policy_fd >= 0)
		close(e->policy_fd);
	conf_free(e->conf);
	free(e);
}

void
engine_set_policy(struct engine *e, int fd)
{
	if (e->policy_fd >= 0)
		close(e->policy_fd);
	e->policy_fd = fd;
	refuse_set_policy(e, fd);
}

void
engine_set_conf(struct engine *e, struct conf *conf)
{
	struct stack_addr addrs[STACK_ADDRS];
	struct stack_route routes[STACK_ROUTES];
	unsigned naddrs = engine_addrs(conf, addrs);
	unsigned nroutes = engine_routes(conf, routes);

	conf_free(e->conf);
	e->conf = conf;
	busypoll_configure(&e->busypoll, &conf->g.engine.busypoll);
	account_relimit(e);
	/* Without routes first: they may go by way of networks that go. */
	stack_set_routes(e->stack, NULL, 0);
	if (!stack_set_addrs(e->stack, addrs, naddrs, engine_now(e)) ||
	    !stack_set_routes(e->stack, routes, nroutes))
		log_warn("the stack refuses the new addresses or routes");
	stack_set_loopback(e->stack, conf->g.loopback == PROTO_TCPD);
	tcp_set_syncookies(e->tcp, conf->g.tcp.syncookies);
	tcp_set_mtu_probing(e->tcp, conf->g.tcp.mtu_probing);
	tcp_set_pacing(e->tcp, conf->g.tcp.pacing);
	tcp_set_options(e->tcp, !conf->g.tcp.timestamps, !conf->g.tcp.sack,
	    !conf->g.tcp.window_scaling);
	tcp_set_ecn(e->tcp, conf->g.tcp.ecn);
	tcp_set_accecn(e->tcp, conf->g.tcp.accecn_option, conf->g.tcp.ect_all);
	tcp_set_syn_linear(e->tcp, conf->g.tcp.syn_linear);
	tcp_set_fast_path(e->tcp, conf->g.tcp.loopback_fast_path);
	tcp_set_fastopen(e->tcp, &conf->g.tcp.fastopen);
	if (tcp_set_defaults(
		e->tcp, conf->g.tcp.congestion, &conf->g.tcp.size) != 0)
		log_warn("congestion control %s is unknown; the default stays",
		    conf->g.tcp.congestion);
}
