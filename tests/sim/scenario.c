/* SPDX-License-Identifier: ISC */
/*
 * From a seed to a network and its programs.  The first part of a run has all
 * the faults that the seed chose, for as long as it chose; then they stop, and
 * everything orderly must complete within a budget; then everything must be
 * gone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "sim.h"
#include "tcp/cc.h"

#define FAULTS_LAST (120 * SEC)	 /* at most */
#define BUDGET	    (1200 * SEC) /* after the faults */
#define BURIAL	    (3600 * SEC) /* until the last timer has run out */

static bool
one_in(struct sim *s, uint32_t n)
{
	return rng_below(&s->rng, n) == 0;
}

/* An exponent at random, then a value: small and large are as likely. */
static int64_t
scaled(struct sim *s, int64_t from, int64_t to)
{
	int64_t lo, hi;
	unsigned n = 0;

	while (from << n < to)
		n++;
	n = rng_below(&s->rng, n + 1);
	hi = from << n < to ? from << n : to;
	lo = n > 0 ? from << (n - 1) : from;
	return sim_between(s, lo, hi);
}

static const char *
algorithm(struct sim *s)
{
	unsigned n = 0;

	while (tcp_cc_name(n) != NULL)
		n++;
	return tcp_cc_name(rng_below(&s->rng, n));
}

static void
choose_faults(struct sim *s, struct linkcfg *c)
{
	if (one_in(s, 2))
		c->loss = (uint32_t)scaled(s, 1000, 200000);
	if (one_in(s, 4)) {
		c->bad_begin = (uint32_t)scaled(s, 500, 10000);
		c->bad_end = (uint32_t)scaled(s, 50000, 500000);
	}
	if (one_in(s, 3))
		c->dup = (uint32_t)scaled(s, 1000, 100000);
	if (one_in(s, 3)) {
		c->reorder = (uint32_t)scaled(s, 1000, 200000);
		c->reorder_us = scaled(s, 100, 100000);
	}
	if (one_in(s, 4))
		c->corrupt = (uint32_t)scaled(s, 1000, 100000);
	if (one_in(s, 4))
		c->jitter_us = scaled(s, 10, 20000);
	if (one_in(s, 10)) {
		c->down_from = s->now.us + sim_between(s, 0, 10 * SEC);
		c->down_to = c->down_from + scaled(s, SEC / 10, 20 * SEC);
	}
	if (one_in(s, 10)) {
		c->police_rate = (uint64_t)scaled(s, 100000, 10000000);
		c->police_burst = (uint32_t)sim_between(s, 20000, 200000);
	}
	if (one_in(s, 6))
		c->ack_loss = (uint32_t)scaled(s, 1000, 400000);
	if (one_in(s, 4))
		c->mark = (uint32_t)scaled(s, 1500, 100000);
	c->bleach = one_in(s, 12);
}

static void
choose_link(struct sim *s, struct linkcfg *c, bool whole)
{
	c->delay_us = scaled(s, 10, 300000);
	if (one_in(s, 2)) {
		c->rate = (uint64_t)scaled(s, 125000, 125000000);
		c->queue = (uint32_t)scaled(s, 6000, 1000000);
		/* One uncut frame must fit, or nothing ever passes. */
		if (whole && c->queue < 3 * FRAME_MAX)
			c->queue = 3 * FRAME_MAX;
	}
	choose_faults(s, c);
	if (whole && c->police_burst < 2 * FRAME_MAX)
		c->police_burst = 2 * FRAME_MAX;
}

static void
choose_host(struct sim *s, struct hostcfg *c, bool whole, uint16_t mtu)
{
	c->csum = whole || one_in(s, 2);
	c->tso = whole || (c->csum && one_in(s, 2));
	c->whole = whole;
	c->mtu = mtu;
	c->buf_bytes = 256u << 20;
	/* Memory is short: for all connections together. */
	if (one_in(s, 6))
		c->buf_bytes = (size_t)scaled(s, 1 << 20, 16 << 20);
	c->sndbuf = (uint32_t)scaled(s, 16384, 4 << 20);
	c->rcvbuf = (uint32_t)scaled(s, 8192, 4 << 20);
	c->msl_us = (uint32_t)scaled(s, SEC / 10, 30 * SEC);
	c->congestion = algorithm(s);
	c->pacing = one_in(s, 2);
	c->ecn = one_in(s, 3) ? rng_below(&s->rng, TCP_ECN_ON) : TCP_ECN_ON;
	if (one_in(s, 3))
		return;
	c->fastopen = FASTOPEN_CLIENT | FASTOPEN_SERVER;
	if (one_in(s, 4))
		c->fastopen |= FASTOPEN_CLIENT_BARE | FASTOPEN_SERVER_BARE;
	c->fastopen_limit = (uint32_t)scaled(s, 1, 64);
}

static void
choose_manner(struct sim *s, struct endcfg *c)
{
	c->chunk = (uint32_t)scaled(s, 1, 262144);
	if (one_in(s, 4))
		c->write_gap_us = scaled(s, 10, 200000);
	if (one_in(s, 4))
		c->read_chunk = (uint32_t)scaled(s, 100, 65536);
	if (one_in(s, 5))
		c->read_gap_us = scaled(s, 100, 300000);
	/* Not for hours: bytes / chunk * gap stays within a minute. */
	while (c->write_gap_us > 0 &&
	       (int64_t)(c->total / c->chunk) * c->write_gap_us > 60 * SEC)
		c->write_gap_us /= 2;
	if (c->total / c->chunk > 4000)
		c->chunk = (uint32_t)(c->total / 4000);
}

static void
limit_reading(struct endcfg *reader, const struct endcfg *writer)
{
	uint64_t part = reader->read_chunk != 0 ? reader->read_chunk : 1460;

	while (reader->read_gap_us > 0 &&
	       (int64_t)(writer->total / part) * reader->read_gap_us > 60 * SEC)
		reader->read_gap_us /= 2;
}

static void
choose_flow(struct sim *s)
{
	struct endcfg a = {0}, b = {0};
	uint32_t turns;
	struct flow *f;

	a.total = (uint64_t)scaled(s, 1, 2 << 20);
	b.total = (uint64_t)scaled(s, 1, 2 << 20);
	switch (rng_below(&s->rng, 5)) {
	case 0: /* both ways at once */
		break;
	case 1: /* request and response */
		a.role = b.role = WRITE_IN_TURN;
		a.turn = (uint32_t)scaled(s, 1, 20000);
		b.turn = (uint32_t)scaled(s, 1, 60000);
		turns = (uint32_t)scaled(s, 1, 30);
		a.total = (uint64_t)a.turn * turns;
		b.total = (uint64_t)b.turn * turns;
		break;
	case 2: /* half close: all of it, then the answer */
		b.role = WRITE_AFTER_EOF;
		break;
	case 3: /* download */
		a.total = 1 + rng_below(&s->rng, 500);
		break;
	default: /* upload */
		b.total = 0;
		break;
	}
	choose_manner(s, &a);
	choose_manner(s, &b);
	limit_reading(&a, &b);
	limit_reading(&b, &a);
	if (one_in(s, 8))
		a.ending = one_in(s, 2) ? END_ABORT : END_CLOSE_EARLY;
	if (one_in(s, 8))
		b.ending = one_in(s, 2) ? END_ABORT : END_CLOSE_EARLY;
	a.end_at_us = scaled(s, 1000, 30 * SEC);
	b.end_at_us = scaled(s, 1000, 30 * SEC);
	b.refuse_once = one_in(s, 6);
	f = flow_add(s, rng_below(&s->rng, 2),
	    mono_add(s->now, sim_between(s, 0, 3 * SEC)), &a, &b);
	f->opts.nodelay = one_in(s, 3);
	f->opts.keepalive = one_in(s, 4);
	f->opts.keepidle_s = 5;
	f->opts.keepintvl_s = 5;
	f->opts.keepcnt = 20;
	f->opts.syn_retries = 20;
	/* Whatever comes of it where one side has it off. */
	f->fast = one_in(s, 2);
	f->waits = f->fast && one_in(s, 3);
}

bool
scenario_done(struct sim *s)
{
	for (unsigned i = 0; i < s->nflows; i++)
		if (!flow_done(&s->flows[i]))
			return false;
	return true;
}

static bool
all_buried(struct sim *s)
{
	struct tcp_stats t;

	for (unsigned i = 0; i < 2; i++) {
		tcp_stats(host_tcp(&s->hosts[i]), &t);
		if (t.conns + t.half_open + t.time_wait != 0)
			return false;
	}
	return true;
}

/* Everything that has a time limit runs out, in TCP and below. */
static void
bury(struct sim *s)
{
	for (unsigned round = 0; round < 30; round++) {
		for (unsigned i = 0; i < s->nflows && !s->failed; i++)
			flow_kill(&s->flows[i]);
		sim_run(s, mono_add(s->now, BURIAL / 30), all_buried);
	}
	sim_run(s, mono_add(s->now, 30 * SEC), NULL);
	if (!s->failed)
		oracle_end(s);
}

static void
blame(struct sim *s)
{
	for (unsigned i = 0; i < s->nflows; i++) {
		struct flow *f = &s->flows[i];

		if (!flow_done(f))
			sim_fail(s,
			    "flow %u not done: %llu of %llu there, %llu of "
			    "%llu back; eof %d %d shut %d %d gone %d %d",
			    i, (unsigned long long)f->end[1].received,
			    (unsigned long long)f->end[0].cfg.total,
			    (unsigned long long)f->end[0].received,
			    (unsigned long long)f->end[1].cfg.total,
			    f->end[0].eof, f->end[1].eof, f->end[0].shut,
			    f->end[1].shut, f->end[0].gone, f->end[1].gone);
	}
}

/* Faults, then none, then nobody. */
static void
run(struct sim *s, int64_t faults_us)
{
	sim_faults(s, true);
	sim_run(s, mono_add(s->now, faults_us), scenario_done);
	sim_faults(s, false);
	s->faults_end = s->now;
	sim_run(s, mono_add(s->now, BUDGET), scenario_done);
	if (!s->failed && !scenario_done(s))
		blame(s);
}

void
scenario_end(struct sim *s, struct result *r)
{
	struct tcp_stats t;

	bury(s);
	memset(r, 0, sizeof *r);
	r->ok = !s->failed;
	memcpy(r->why, s->why, sizeof r->why);
	r->digest = s->digest;
	r->steps = s->steps;
	r->packets = s->packets;
	r->virtual_us = s->now.us - 1000 * SEC;
	for (unsigned i = 0; i < s->nflows; i++)
		r->transfers +=
		    s->flows[i].orderly && flow_complete(&s->flows[i]);
	for (unsigned i = 0; i < 2; i++) {
		tcp_stats(host_tcp(&s->hosts[i]), &t);
		r->fast += (unsigned)t.fastopen_active;
	}
	if (!s->failed) {
		host_done(&s->hosts[0]);
		host_done(&s->hosts[1]);
	}
	sim_free(s);
}

/* Every fault at once, and more of it. */
static void
make_harsh(struct sim *s, struct linkcfg *c)
{
	c->loss = rng_below(&s->rng, 200001);
	c->dup = rng_below(&s->rng, 50001);
	c->reorder = rng_below(&s->rng, 100001);
	c->reorder_us = scaled(s, 1000, 50000);
	c->corrupt = rng_below(&s->rng, 50001);
}

#define SOON_US 5000 /* idle connections are folded up, with SIM_REST */

void
scenario_run(uint64_t seed, unsigned mode, struct result *r)
{
	struct sim *s = sim_new(seed);
	struct hostcfg h[2] = {0};
	bool whole = one_in(s, 5), strange = one_in(s, 8);
	bool six = seed & 1;
	uint16_t least = six ? 1280 : 576;
	uint16_t mtu =
	    one_in(s, 4) ? (uint16_t)sim_between(s, least, 1500) : 1500;
	unsigned n;

	s->verbose = mode & SIM_VERBOSE;
	s->six = six;
	if (one_in(s, 8))
		s->audit = 1;
	for (unsigned i = 0; i < 2; i++) {
		choose_host(s, &h[i], whole, mtu);
		/* He would be believed. */
		if (strange)
			h[i].fastopen &= (uint16_t)~FASTOPEN_SERVER_BARE;
		choose_link(s, &s->links[i].cfg, whole);
		if (mode & SIM_HARSH)
			make_harsh(s, &s->links[i].cfg);
		if (mode & SIM_REST)
			h[i].rest_us = SOON_US;
		host_init(s, i, &h[i]);
	}
	n = (unsigned)scaled(s, 1, 12);
	for (unsigned i = 0; i < n; i++)
		choose_flow(s);
	if (strange) {
		stranger_start(s);
		/* His SYNs fill the queue, and cookies answer: an ACK that is
		 * refused then leaves nothing that would know the next. */
		for (unsigned i = 0; i < s->nflows; i++)
			s->flows[i].end[1].cfg.refuse_once = false;
	}
	run(s, scaled(s, SEC, FAULTS_LAST));
	scenario_end(s, r);
}

uint64_t
scenario_goodput(uint32_t loss, int64_t delay_us, uint32_t queue,
    const char *congestion, struct result *r)
{
	struct hostcfg h = {.csum = true,
	    .tso = true,
	    .mtu = 1500,
	    .buf_bytes = 256u << 20,
	    .sndbuf = 4u << 20,
	    .rcvbuf = 4u << 20,
	    .msl_us = SEC,
	    .congestion = congestion,
	    .pacing = true};
	struct endcfg a = {.total = 4u << 20, .chunk = 65536}, b = {0};
	struct sim *s = sim_new(20260101);
	struct flow *f;
	uint64_t goodput = 0;

	b.chunk = 1;
	for (unsigned i = 0; i < 2; i++) {
		s->links[i].cfg.delay_us = delay_us;
		s->links[i].cfg.rate = 1250000; /* 10 Mbit/s */
		s->links[i].cfg.queue = queue;
		s->links[i].cfg.loss = i == 0 ? loss : 0;
		host_init(s, i, &h);
	}
	f = flow_add(s, 0, s->now, &a, &b);
	f->opts.syn_retries = 20;
	sim_faults(s, true);
	sim_run(s, mono_add(s->now, 4 * 3600 * SEC), scenario_done);
	if (!s->failed && !scenario_done(s))
		blame(s);
	if (!s->failed)
		goodput = a.total * SEC /
			  (uint64_t)mono_diff(f->end[1].finished, f->start);
	scenario_end(s, r);
	return goodput;
}

static void
nobody_is_gone(struct sim *s)
{
	for (unsigned i = 0; i < s->nflows; i++)
		for (unsigned k = 0; k < 2; k++)
			if (s->flows[i].end[k].pcb == NULL)
				sim_fail(s,
				    "flow %u end %u was lost while idle", i, k);
}

/* Twenty connections that exchange a little, then say nothing for a day over
 * a path that loses one frame in a hundred; then they finish. */
void
scenario_idle(struct result *r)
{
	struct hostcfg h = {.mtu = 1500,
	    .buf_bytes = 64u << 20,
	    .sndbuf = 65536,
	    .rcvbuf = 65536,
	    .msl_us = SEC,
	    .congestion = "cubic"};
	struct endcfg a = {.role = WRITE_IN_TURN,
			  .turn = 100,
			  .total = 200,
			  .chunk = 1000},
		      b = a;
	struct sim *s = sim_new(24);
	uint64_t woken;

	for (unsigned i = 0; i < 2; i++) {
		s->links[i].cfg.delay_us = 10000;
		s->links[i].cfg.loss = 10000;
		host_init(s, i, &h);
	}
	/* The second turn comes after a day: read and write gaps. */
	b.write_gap_us = 86400 * SEC;
	for (unsigned i = 0; i < 20; i++) {
		struct flow *f =
		    flow_add(s, i % 2, mono_add(s->now, i * SEC / 10), &a, &b);

		f->opts.keepalive = i % 4 != 3;
		f->opts.syn_retries = 20;
	}
	sim_faults(s, true);
	sim_run(s, mono_add(s->now, 600 * SEC), NULL);
	nobody_is_gone(s);
	woken = s->hosts[0].wakeups + s->hosts[1].wakeups;
	sim_run(s, mono_add(s->now, 86400 * SEC - 900 * SEC), NULL);
	nobody_is_gone(s);
	woken = s->hosts[0].wakeups + s->hosts[1].wakeups - woken;
	/* Keep-alive is the only reason to wake up: 15 connections, every two
	 * hours, some probes lost; and each then rests again, at both ends. */
	if (!s->failed && woken > 15 * 12 * 6)
		sim_fail(s, "%llu wake-ups in an idle day",
		    (unsigned long long)woken);
	sim_run(s, mono_add(s->now, 4000 * SEC), scenario_done);
	if (!s->failed && !scenario_done(s))
		blame(s);
	scenario_end(s, r);
}
