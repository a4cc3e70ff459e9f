/* SPDX-License-Identifier: ISC */
/*
 * The start of a trapped program.
 */
#include <err.h>
#include "run.h"

const char *
run_trap_obstacle(void)
{
	return "this version has no trap yet";
}

int
run_trap(const struct run_options *o)
{
	warnx("%s", run_trap_obstacle());
	return EXIT_OURS;
}
