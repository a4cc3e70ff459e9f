/* SPDX-License-Identifier: ISC */
/*
 * marks [-v] [-n seeds] [SEED=n]: bulk transfers over a bottleneck that marks
 * and never loses, accurate ECN on both sides.  What the oracle saw arrive
 * with CE, what the receiver counted and what the sender was told must be the
 * same in the end, to the byte and (unless frames pass uncut) to the packet;
 * nothing was sent again, and the queue stayed short of its end.  Some paths
 * clear the field instead: then nobody reports a mark.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim.h"

#define SEEDS 60
#define FLOWS 6

static bool
all_there(struct sim *s)
{
	for (unsigned i = 0; i < s->nflows; i++)
		if (s->flows[i].end[1].received != s->flows[i].end[0].cfg.total)
			return false;
	return true;
}

static void
must(struct flow *f, const char *what, uint64_t got, uint64_t want)
{
	if (got != want)
		sim_fail(f->sim, "flow %u: %s: %llu, not %llu", f->index, what,
		    (unsigned long long)got, (unsigned long long)want);
}

static uint32_t
check_flow(struct flow *f, bool whole)
{
	const struct wireview *w = &f->end[0].wire;
	struct tcp_info_out tx, rx;

	tcp_info(f->end[0].pcb, &tx, f->sim->now);
	tcp_info(f->end[1].pcb, &rx, f->sim->now);
	must(f, "the sender's mode", tx.ecn.mode, 2);
	must(f, "the receiver's mode", rx.ecn.mode, 2);
	must(f, "CE bytes received", rx.ecn.received_ce_bytes, w->ce_bytes);
	must(f, "CE bytes told", tx.ecn.delivered_ce_bytes, w->ce_bytes);
	must(f, "ECT bytes received", rx.ecn.received_e0, w->ect_bytes);
	must(f, "ECT bytes told", tx.ecn.delivered_e0, w->ect_bytes);
	must(f, "CE packets told", tx.ecn.delivered_ce, rx.ecn.received_ce);
	if (!whole)
		must(f, "CE packets received", rx.ecn.received_ce,
		    w->ce_packets);
	/* Unmarked, the queue grows and no RTO can foresee it. */
	if (!f->sim->links[0].cfg.bleach)
		must(f, "retransmissions", tx.total_retrans, 0);
	must(f, "mangled", tx.ecn.no_ect, 0);
	return tx.ecn.delivered_ce;
}

static void
build(struct sim *s, bool whole, bool bleach)
{
	struct hostcfg h = {.csum = true,
	    .tso = whole || rng_below(&s->rng, 2) == 0,
	    .whole = whole,
	    .mtu = 1500,
	    .buf_bytes = 256u << 20,
	    .sndbuf = 4u << 20,
	    .rcvbuf = 4u << 20,
	    .msl_us = SEC,
	    .congestion = rng_below(&s->rng, 2) ? "cubic" : "newreno",
	    .ecn = TCP_ECN_ON};
	struct linkcfg *l = &s->links[0].cfg;

	l->rate = (uint64_t)sim_between(s, 1250000, 12500000);
	l->queue = UINT32_MAX; /* never full */
	l->mark = (uint32_t)sim_between(s, 10000, 200000);
	l->bleach = bleach;
	for (unsigned i = 0; i < 2; i++) {
		s->links[i].cfg.delay_us = sim_between(s, 100, 30000);
		host_init(s, i, &h);
	}
}

static bool
run_one(uint64_t seed, bool verbose, uint64_t *marks)
{
	struct endcfg a = {.chunk = 65536}, b = {.total = 2, .chunk = 1};
	struct sim *s = sim_new(seed);
	bool whole = rng_below(&s->rng, 3) == 0;
	bool bleach = rng_below(&s->rng, 6) == 0;
	unsigned n = 1 + rng_below(&s->rng, FLOWS);
	struct result r;

	s->verbose = verbose;
	build(s, whole, bleach);
	/* Half of the answer is late, so that the connections live on. */
	b.write_gap_us = 3600 * SEC;
	for (unsigned i = 0; i < n; i++) {
		a.total = (uint64_t)sim_between(s, 1, 4 << 20);
		flow_add(
		    s, 0, mono_add(s->now, sim_between(s, 0, SEC)), &a, &b);
	}
	sim_faults(s, true);
	sim_run(s, mono_add(s->now, 3000 * SEC), all_there);
	sim_run(s, mono_add(s->now, SEC), NULL);
	if (!s->failed && !all_there(s))
		sim_fail(s, "not all is there");
	for (unsigned i = 0; i < n && !s->failed; i++) {
		uint32_t k = check_flow(&s->flows[i], whole);

		*marks += k;
		if (bleach)
			must(&s->flows[i], "marks on a path without", k, 0);
	}
	sim_run(s, mono_add(s->now, 4000 * SEC), scenario_done);
	scenario_end(s, &r);
	if (!r.ok)
		printf("SEED=%llu: %s\n", (unsigned long long)seed, r.why);
	return r.ok;
}

int
main(int argc, char **argv)
{
	uint64_t first = 1, count = SEEDS, bad = 0, marks = 0;
	bool verbose = false;
	int c;

	while ((c = getopt(argc, argv, "vn:")) != -1) {
		if (c == 'v')
			verbose = true;
		else if (c == 'n')
			count = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	if (optind < argc && strncmp(argv[optind], "SEED=", 5) == 0) {
		first = strtoull(argv[optind] + 5, NULL, 0);
		count = 1;
	}
	sim_name_failures();
	for (uint64_t i = 0; i < count; i++)
		bad += !run_one(first + i, verbose, &marks);
	printf("%llu seeds, %llu marks counted alike, %llu failures\n",
	    (unsigned long long)count, (unsigned long long)marks,
	    (unsigned long long)bad);
	if (count == SEEDS && marks == 0) {
		printf("nothing was marked\n");
		return 1;
	}
	return bad != 0;
}
