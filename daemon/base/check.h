/* SPDX-License-Identifier: ISC */
/*
 * CHECK(cond): an assertion that is always compiled in.  It states what our
 * own code guarantees; input from a peer or a client never reaches it.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define CHECK(cond)                                                            \
	do {                                                                   \
		if (__builtin_expect(!(cond), 0))                              \
			check_failed(#cond, __FILE__, __LINE__, __func__);     \
	} while (0)

/* Writes one line to standard error and aborts. */
_Noreturn void check_failed(
    const char *cond, const char *file, int line, const char *func);

#endif
