/* SPDX-License-Identifier: ISC */
/*
 * goodput [-w]: a 4 MiB transfer over 10 Mbit/s for each loss, delay and queue
 * before the bottleneck; prints bytes a second.  The simulator is exact, so
 * golden/goodput.txt must be met to the digit; -w prints a new one:
 *
 *	tests/sim/goodput -w > $(top_srcdir)/tests/sim/golden/goodput.txt
 *
 * which a commit does only with the reason in its message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim.h"

static char table[16384];

static void
add_rows(const char *congestion)
{
	static const uint32_t losses[] = {0, 1000, 10000, 30000};
	static const int64_t delays[] = {1000, 20000, 100000};
	static const uint32_t queues[] = {16384, 65536, 262144};
	struct result r;
	uint64_t g;
	char row[160];

	for (unsigned l = 0; l < 4; l++)
		for (unsigned d = 0; d < 3; d++)
			for (unsigned q = 0; q < 3; q++) {
				g = scenario_goodput(losses[l], delays[d],
				    queues[q], congestion, &r);
				if (!r.ok) {
					printf("goodput: %s\n", r.why);
					exit(1);
				}
				snprintf(row, sizeof row,
				    "%-8s %8u %8lld %8u %10llu\n", congestion,
				    losses[l], (long long)delays[d], queues[q],
				    (unsigned long long)g);
				strcat(table, row);
			}
}

static int
compare(const char *path)
{
	static char want[sizeof table];
	FILE *f = fopen(path, "r");
	char *a = want, *b = table, *as, *bs;
	int bad = 0;
	size_t n;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	n = fread(want, 1, sizeof want - 1, f);
	fclose(f);
	want[n] = '\0';
	while (
	    (as = strsep(&a, "\n")) != NULL && (bs = strsep(&b, "\n")) != NULL)
		if (strcmp(as, bs) != 0) {
			printf("golden: %s\nnow:    %s\n", as, bs);
			bad = 1;
		}
	if (bad)
		printf("%s differs; if that is meant, say why and run "
		       "tests/sim/goodput -w\n",
		    path);
	return bad;
}

int
main(int argc, char **argv)
{
	const char *src = getenv("top_srcdir");
	char path[1024];

	sim_name_failures();
	strcpy(table, "# cc      loss/1e6 delay/us  queue/B bytes/s\n");
	add_rows("newreno");
	add_rows("cubic");
	if (argc > 1 && strcmp(argv[1], "-w") == 0) {
		fputs(table, stdout);
		return 0;
	}
	snprintf(path, sizeof path, "%s/tests/sim/golden/goodput.txt",
	    src != NULL ? src : ".");
	return compare(path);
}
