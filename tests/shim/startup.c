/* SPDX-License-Identifier: ISC */
/*
 * What it costs a program to be loaded with a library, in microseconds of CPU:
 *
 *	startup TIMES PROGRAM LIBRARY...
 *
 * PROGRAM runs without one and with each in turns, TIMES rounds of it, and each
 * library's line is how much more CPU the lowest tenth of its runs took: what
 * else goes on in a machine makes a run longer, by stolen caches, never
 *shorter.
 */
#include <sys/resource.h>
#include <sys/wait.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIBRARIES_MAX 8
#define TIMES_MAX     10000

static int64_t us[LIBRARIES_MAX + 1][TIMES_MAX];

static int64_t
tv_us(const struct timeval *tv)
{
	return tv->tv_sec * 1000000 + tv->tv_usec;
}

/* One run's CPU, user and system. */
static int64_t
run(char *program, const char *library)
{
	char preload[4096], *argv[] = {program, NULL}, *env[] = {NULL, NULL};
	struct rusage u;
	int status;
	pid_t pid;

	if (library != NULL) {
		snprintf(preload, sizeof preload, "LD_PRELOAD=%s", library);
		env[0] = preload;
	}
	pid = vfork();
	if (pid == 0) {
		execve(program, argv, env);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &u) != pid)
		err(2, "%s", program);
	if (status != 0)
		errx(2, "%s: status %d", program, status);
	return tv_us(&u.ru_utime) + tv_us(&u.ru_stime);
}

static int
by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t
lowest_tenth(int64_t *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, by_time);
	return v[n / 10];
}

int
main(int argc, char **argv)
{
	int times = argc > 3 ? atoi(argv[1]) : 0, n = argc - 3, i, k;
	int64_t without;

	if (times <= 0 || times > TIMES_MAX || n > LIBRARIES_MAX)
		errx(2, "usage: startup TIMES PROGRAM LIBRARY...");
	for (i = 0; i < times; i++)
		for (k = 0; k <= n; k++)
			us[k][i] = run(argv[2], k == 0 ? NULL : argv[2 + k]);
	without = lowest_tenth(us[0], times);
	for (k = 1; k <= n; k++)
		printf("%lld\n",
		    (long long)(lowest_tenth(us[k], times) - without));
	return 0;
}
