/* SPDX-License-Identifier: ISC */
/*
 * What a failed CHECK does.  Nothing of the program's state is trusted here,
 * so it formats with stdio's unbuffered stderr and aborts at once.
 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void
check_failed(const char *cond, const char *file, int line, const char *func)
{
	fprintf(
	    stderr, "%s:%d: %s: CHECK(%s) failed\n", file, line, func, cond);
	abort();
}
