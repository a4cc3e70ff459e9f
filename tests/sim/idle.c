/* SPDX-License-Identifier: ISC */
/* A day of silence in virtual time; keep-alive loses no connection, and
 * nothing else wakes the stack. */
#include <stdio.h>
#include "sim.h"

int
main(void)
{
	struct result r;

	sim_name_failures();
	scenario_idle(&r);
	if (!r.ok) {
		printf("idle: %s\n", r.why);
		return 1;
	}
	printf("idle: %lld virtual seconds, %llu packets\n",
	    (long long)(r.virtual_us / SEC), (unsigned long long)r.packets);
	return 0;
}
