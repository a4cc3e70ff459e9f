/* SPDX-License-Identifier: ISC */
/*
 * swarm [-hrv] [-n count] [-s seed] [-t transfers] [SEED=n]: runs that many
 * seeds from the first one on, or until so many orderly transfers are
 * complete; -h has every fault at work in every run, up to 20 % loss.  A
 * failure prints the seed that replays it; every sixteenth seed runs twice and
 * must give the same digest; every other sixteenth runs again with connections
 * that are folded up (tcp/rest.c) whenever they have nothing to do for a moment
 * (-r), and must complete as many transfers.  SEED=n runs that seed alone and
 * -v shows its segments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim.h"

#define COUNT 500

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: swarm [-hrv] [-n count] [-s seed] "
			"[-t transfers] [SEED=n]\n");
	exit(2);
}

static bool
run_one(uint64_t seed, unsigned mode, struct result *r)
{
	struct result again;

	scenario_run(seed, mode, r);
	if (mode & SIM_VERBOSE)
		printf("SEED=%llu: %u transfers, %llu packets, %llu steps, "
		       "%lld virtual ms, digest %016llx\n",
		    (unsigned long long)seed, r->transfers,
		    (unsigned long long)r->packets,
		    (unsigned long long)r->steps,
		    (long long)r->virtual_us / 1000,
		    (unsigned long long)r->digest);
	if (r->ok && seed % 16 == 0) {
		scenario_run(seed, mode & ~(unsigned)SIM_VERBOSE, &again);
		if (again.digest != r->digest || again.steps != r->steps) {
			r->ok = false;
			snprintf(r->why, sizeof r->why,
			    "two runs differ: digests %016llx and %016llx",
			    (unsigned long long)r->digest,
			    (unsigned long long)again.digest);
		}
	}
	if (r->ok && seed % 16 == 8) {
		scenario_run(
		    seed, (mode | SIM_REST) & ~(unsigned)SIM_VERBOSE, &again);
		if (!again.ok || again.transfers != r->transfers) {
			r->ok = false;
			snprintf(r->why, sizeof r->why,
			    "folded up, %u transfers, not %u; %.200s",
			    again.transfers, r->transfers, again.why);
		}
	}
	if (!r->ok)
		printf("SEED=%llu%s: %s\n", (unsigned long long)seed,
		    mode & SIM_HARSH ? " -h" : "", r->why);
	return r->ok;
}

int
main(int argc, char **argv)
{
	uint64_t first = 1, count = COUNT, transfers = 0, done = 0, bad = 0;
	uint64_t packets = 0, fast = 0, n = 0;
	unsigned mode = 0;
	struct result r;
	int c;

	while ((c = getopt(argc, argv, "hrvn:s:t:")) != -1) {
		if (c == 'v')
			mode |= SIM_VERBOSE;
		else if (c == 'h')
			mode |= SIM_HARSH;
		else if (c == 'r')
			mode |= SIM_REST;
		else if (c == 'n')
			count = strtoull(optarg, NULL, 0);
		else if (c == 's')
			first = strtoull(optarg, NULL, 0);
		else if (c == 't')
			transfers = strtoull(optarg, NULL, 0);
		else
			usage();
	}
	if (getenv("SEED") != NULL) {
		first = strtoull(getenv("SEED"), NULL, 0);
		count = 1;
	}
	if (optind < argc && strncmp(argv[optind], "SEED=", 5) == 0) {
		first = strtoull(argv[optind++] + 5, NULL, 0);
		count = 1;
	}
	if (optind < argc)
		usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	sim_name_failures();
	for (; transfers != 0 ? done < transfers : n < count; n++) {
		bad += !run_one(first + n, mode, &r);
		done += r.transfers;
		packets += r.packets;
		fast += r.fast;
	}
	printf("%llu seeds, %llu transfers complete and intact, %llu Fast "
	       "Opens, %llu packets, %llu failures\n",
	    (unsigned long long)n, (unsigned long long)done,
	    (unsigned long long)fast, (unsigned long long)packets,
	    (unsigned long long)bad);
	if (n >= COUNT && fast < n / 10) {
		printf("there should be more Fast Opens\n");
		return 1;
	}
	return bad != 0;
}
