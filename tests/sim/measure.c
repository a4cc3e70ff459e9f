/* SPDX-License-Identifier: ISC */
/*
 * One measurement on a named path, in virtual time: a transfer held against
 * the ideal sender's, or what each of several senders gets of a bottleneck.
 */
#include <string.h>
#include "path.h"

static void
make_hosts(struct sim *s, const struct path *p, const char *congestion)
{
	struct hostcfg h = {.csum = true,
	    .tso = true,
	    .mtu = 1500,
	    .buf_bytes = 256u << 20,
	    .sndbuf = 4u << 20,
	    .rcvbuf = 4u << 20,
	    .msl_us = SEC,
	    .congestion = congestion,
	    .pacing = true,
	    .ecn = TCP_ECN_ON};

	for (unsigned i = 0; i < 2; i++) {
		s->links[i].cfg = path_link(p, i);
		host_init(s, i, &h);
	}
}

static void
transfer(struct sim *s, const struct path *p, struct measure *m)
{
	struct endcfg a = {.total = p->bytes, .chunk = 65536}, b = {.chunk = 1};
	struct flow *f = flow_add(s, 0, s->now, &a, &b);
	struct tcp_stats t;

	f->opts.syn_retries = 20;
	sim_run(s, mono_add(s->now, 4 * 3600 * SEC), scenario_done);
	if (!s->failed && !scenario_done(s))
		sim_fail(s, "%s: the transfer does not end", p->name);
	if (s->failed)
		return;
	tcp_stats(host_tcp(&s->hosts[0]), &t);
	m->resent = t.retrans_segs;
	m->us = mono_diff(f->end[1].eof_at, f->start);
	m->permille = (unsigned)(1000 * path_ideal_us(p) / m->us);
}

/* Thousandths of (sum x)^2 / (n * sum x^2). */
static unsigned
jain(const uint64_t *x, unsigned n)
{
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += (double)x[i];
		squares += (double)x[i] * (double)x[i];
	}
	return squares > 0 ? (unsigned)(1000 * sum * sum / (n * squares)) : 0;
}

/* Each next one comes when the others have had the path for two seconds; not
 * to the digit, as chance should have its say. */
static void
share(struct sim *s, const struct path *p, struct measure *m)
{
	struct endcfg a = {.total = 1ULL << 40,
	    .chunk = 65536,
	    .ending = END_ABORT,
	    .end_at_us = 10000 * SEC};
	struct endcfg b = {.chunk = 1, .ending = END_ABORT};
	uint64_t got[SIM_FLOWS], sum = 0;
	mono_t start = s->now;

	b.end_at_us = a.end_at_us;
	for (unsigned i = 0; i < p->flows; i++) {
		flow_add(s, 0, start, &a, &b)->opts.syn_retries = 20;
		start = mono_add(start, 2 * SEC + sim_between(s, 0, SEC / 5));
	}
	start = mono_add(start, p->warm_s * SEC);
	sim_run(s, start, NULL);
	for (unsigned i = 0; i < p->flows; i++)
		got[i] = s->flows[i].end[1].received;
	sim_run(s, mono_add(start, p->span_s * SEC), NULL);
	for (unsigned i = 0; i < p->flows; i++) {
		got[i] = s->flows[i].end[1].received - got[i];
		sum += got[i];
	}
	m->us = p->span_s * SEC;
	m->permille = (unsigned)(1000 * sum / p->span_s / path_capacity(p));
	m->jain = jain(got, p->flows);
}

bool
path_measure(const struct path *p, const char *congestion, uint64_t seed,
    unsigned mode, struct measure *m, struct result *r)
{
	struct sim *s = sim_new(seed);

	memset(m, 0, sizeof *m);
	s->verbose = mode & SIM_VERBOSE;
	s->six = mode & SIM_SIX;
	make_hosts(s, p, congestion);
	sim_faults(s, true);
	if (p->flows > 1)
		share(s, p, m);
	else
		transfer(s, p, m);
	scenario_end(s, r);
	return r->ok;
}
