/* SPDX-License-Identifier: ISC */
/*
 * goodput: how fast the stack is on paths of all kinds, in virtual time.
 *
 *	goodput			the two tables below against golden/
 *	goodput -w		a new golden/goodput.txt
 *	goodput -W		a new golden/paths.txt
 *	goodput [-6v] [-c cc] [-s seed] [-n seeds] path ...
 *				only these, each seed on a line (-v: segments)
 *
 * golden/goodput.txt: a 4 MiB transfer over 10 Mbit/s for each loss, delay and
 * queue before the bottleneck, in bytes a second.  The simulator is exact, so
 * it must be met to the digit; a commit changes it only with the reason in its
 * message.
 *
 * golden/paths.txt: the named paths of path.c, as the share of an ideal sender
 * in thousandths, beside what Linux gets on the same path (golden/linux.txt,
 * which tests/sim/yardstick measures through the relay).  Any change moves
 * these a little, most where a few seeds stand for chance, so that only what
 * falls by more than leeway() fails; what is below Linux is reported.
 *
 * golden/bbr.txt sets BBR beside CUBIC, and says what BBR's versions differ in.
 *
 * golden/tcpd.txt shows what that is worth: the daemon on the same paths in
 * real time (yardstick -t, and -m for the last line).  Where chance is not at
 * work it gets within 2 % of what the simulator says, but on buffer-0.1, where
 * real wake-ups make bursts that eight frames cannot hold, 28 % less.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "path.h"
#include "tcp/cc.h"

#define SEEDS 128

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

static void
make_table(void)
{
	strcpy(table, "# cc      loss/1e6 delay/us  queue/B bytes/s\n");
	for (unsigned i = 0; tcp_cc_name(i) != NULL; i++)
		add_rows(tcp_cc_name(i));
}

/* The text of a file in golden/; empty when there is none. */
static char *
golden(const char *name)
{
	const char *src = getenv("top_srcdir");
	char path[1024], *text = calloc(1, sizeof table);
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/sim/golden/%s",
	    src != NULL ? src : ".", name);
	f = fopen(path, "r");
	if (text == NULL || f == NULL) {
		perror(path);
		exit(1);
	}
	if (fread(text, 1, sizeof table - 1, f) == 0)
		printf("%s is empty\n", path);
	fclose(f);
	return text;
}

static int
compare_table(void)
{
	char *want = golden("goodput.txt"), *a = want, *b = table, *as, *bs;
	int bad = 0;

	while (
	    (as = strsep(&a, "\n")) != NULL && (bs = strsep(&b, "\n")) != NULL)
		if (strcmp(as, bs) != 0) {
			printf("golden: %s\nnow:    %s\n", as, bs);
			bad = 1;
		}
	if (bad)
		printf("golden/goodput.txt differs; if that is meant, say why "
		       "and run tests/sim/goodput -w\n");
	free(want);
	return bad;
}

/* ---- the named paths ---- */

struct row {
	unsigned permille, jain;
	unsigned least; /* of Linux's runs */
};

static int
upwards(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

static unsigned
median(unsigned *x, unsigned n)
{
	qsort(x, n, sizeof *x, upwards);
	return x[n / 2];
}

/* The median of so many seeds. */
static struct row
measure(const struct path *p, const char *cc, uint64_t seed, unsigned n,
    unsigned mode, bool each)
{
	unsigned share[SEEDS], jain[SEEDS];
	struct measure m;
	struct result r;

	for (unsigned i = 0; i < n; i++) {
		if (!path_measure(p, cc, seed + i, mode, &m, &r)) {
			printf("%s %s, seed %llu: %s\n", p->name, cc,
			    (unsigned long long)seed + i, r.why);
			exit(1);
		}
		if (each)
			printf("%s %s, seed %llu: %u of 1000, %.3f s, %llu "
			       "segments resent, fairness %u\n",
			    p->name, cc, (unsigned long long)seed + i,
			    m.permille, (double)m.us / 1e6,
			    (unsigned long long)m.resent, m.jain);
		share[i] = m.permille;
		jain[i] = m.jain;
	}
	return (struct row){median(share, n), median(jain, n), 0};
}

/* The row of a table "path cc share fairness ..."; false: it has none. */
static bool
find_row(const char *text, const char *path, const char *cc, struct row *r)
{
	char name[64], control[64];

	for (; text != NULL && *text != '\0';
	     text = strchr(text, '\n'), text += text != NULL) {
		r->least = 0;
		if (sscanf(text, "%63s %63s %u %u %u", name, control,
			&r->permille, &r->jain, &r->least) >= 4 &&
		    strcmp(name, path) == 0 && strcmp(control, cc) == 0)
			return true;
	}
	return false;
}

/* In thousandths of the golden value. */
static unsigned
leeway(const struct path *p)
{
	return p->seeds > 1 ? 100 : 30;
}

static bool
fell(const struct path *p, unsigned now, unsigned was)
{
	return now * 1000 < was * (1000 - leeway(p));
}

static const char *
verdict(const struct row *now, const struct row *lin)
{
	if (now->permille >= lin->permille && now->jain >= lin->jain)
		return "";
	if (now->permille >= lin->least && now->jain >= lin->jain)
		return " below its median";
	return " below Linux";
}

/* One line of the table; returns 1 when it is worse than it was. */
static int
compare_row(const struct path *p, const char *cc, const char *was,
    const char *linux_text, bool judge)
{
	struct row now, old, lin;
	bool known = find_row(linux_text, p->name,
	    strcmp(cc, "newreno") == 0 ? "reno" : cc, &lin);

	now = measure(p, cc, 1, p->seeds != 0 ? p->seeds : 1, 0, false);
	printf("%-14s %-8s %6u %8u", p->name, cc, now.permille, now.jain);
	if (known)
		printf(" %8u %8u %8.2f%s\n", lin.permille, lin.jain,
		    (double)now.permille / lin.permille, verdict(&now, &lin));
	else
		printf(" %8s %8s %8s\n", "-", "-", "-");
	if (!judge || !find_row(was, p->name, cc, &old))
		return 0;
	if (!fell(p, now.permille, old.permille) &&
	    !fell(p, now.jain, old.jain))
		return 0;
	printf("%s %s was %u, fairness %u: worse.  If that is meant, say why "
	       "and run tests/sim/goodput -W\n",
	    p->name, cc, old.permille, old.jain);
	return 1;
}

static int
compare_paths(bool judge)
{
	static const char *const ccs[] = {"cubic", "newreno", "bbr"};
	char *was = judge ? golden("paths.txt") : NULL;
	char *linux_text = golden("linux.txt");
	int bad = 0;

	printf("# Thousandths of an ideal sender; fairness is Jain's index.\n"
	       "# path         cc         ours fairness    Linux fairness"
	       "    ratio\n");
	for (unsigned i = 0; i < npaths; i++)
		for (unsigned k = 0; k < sizeof ccs / sizeof ccs[0]; k++)
			bad |= compare_row(
			    &paths[i], ccs[k], was, linux_text, judge);
	free(was);
	free(linux_text);
	return bad;
}

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: goodput [-wW] [-6v] [-c congestion] [-s seed] "
			"[-n seeds] [path ...]\n");
	exit(2);
}

static int
some_paths(
    char **names, const char *cc, uint64_t seed, unsigned n, unsigned mode)
{
	const struct path *p;
	struct row r;
	unsigned seeds;

	for (; *names != NULL; names++) {
		if ((p = path_find(*names)) == NULL) {
			fprintf(stderr, "goodput: no path %s; there are:\n",
			    *names);
			for (unsigned i = 0; i < npaths; i++)
				fprintf(stderr, "  %-14s %s\n", paths[i].name,
				    paths[i].what);
			return 2;
		}
		seeds = n != 0 ? n : p->seeds != 0 ? p->seeds : 1;
		r = measure(p, cc, seed, seeds, mode, true);
		printf("%s %s: median %u, fairness %u\n", p->name, cc,
		    r.permille, r.jain);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const char *cc = "cubic";
	uint64_t seed = 1;
	unsigned n = 0, mode = 0;
	int c;

	sim_name_failures();
	while ((c = getopt(argc, argv, "6wWvc:s:n:")) != -1) {
		switch (c) {
		case 'w':
			make_table();
			fputs(table, stdout);
			return 0;
		case 'W':
			return compare_paths(false);
		case '6':
			mode |= SIM_SIX;
			break;
		case 'v':
			mode |= SIM_VERBOSE;
			break;
		case 'c':
			cc = optarg;
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			n = (unsigned)strtoul(optarg, NULL, 0);
			break;
		default:
			usage();
		}
	}
	if (n > SEEDS)
		usage();
	if (optind < argc)
		return some_paths(argv + optind, cc, seed, n, mode);
	make_table();
	return compare_table() | compare_paths(true);
}
