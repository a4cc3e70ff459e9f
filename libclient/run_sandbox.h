/* SPDX-License-Identifier: ISC */
/*
 * tcpd-run --sandbox; see run_sandbox.c for the processes and what each does.
 */
#ifndef LIBCLIENT_RUN_SANDBOX_H
#define LIBCLIENT_RUN_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>

/* What tcpd has routes for: such addresses seem to be there, see
 * run_inside.c. */
struct sandbox_families {
	bool ipv4, ipv6;
};

/* Returns in a new process, inside the sandbox, which is to become the program.
 * The calling one waits for it and ends as it does; a mistake ends both with
 * failed as the status, and a message. */
void run_sandbox(struct sandbox_families f, int failed);

/* ---- run_inside.c ---- */

/* Says why a step failed and what to do about it; err is a positive errno. */
void sandbox_explain(const char *step, int err);
/* Gives the process child, which has just made a user namespace, the users that
 * the caller may be there; a false one has been explained. */
bool sandbox_map_users(int child);
/* The rest of the namespaces: only lo, name servers on it. */
bool sandbox_furnish(struct sandbox_families f);

/* ---- run_dns.c: names, asked of 127.0.0.1 port 53 ---- */

/* Listens; false: none of the sockets could be had, errno set. */
bool dns_open(void);
/* What to wait for, at most DNS_POLLS of them, and for how long in
 * milliseconds (-1: for ever). */
#define DNS_POLLS 416
unsigned dns_polls(struct pollfd *p, int *timeout_ms);
/* Afterwards, with the same. */
void dns_serve(const struct pollfd *p, unsigned n);

#endif
