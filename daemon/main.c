/* SPDX-License-Identifier: ISC */
/*
 * tcpd: arguments and the choice of the role, nothing else.
 *
 * Users start the parent; the parent starts this program again with -R and the
 * name of a role, its channel on descriptor 3.
 */
#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proc/log.h"
#include "proc/proc.h"
#include "proc/spawn.h"

static _Noreturn void
usage(FILE *to)
{
	fprintf(to,
	    "usage: tcpd [-dnv] [-f tcpd.conf]\n"
	    "       tcpd -V | -h\n"
	    "\n"
	    "  -d       stay in the foreground, log to standard error\n"
	    "  -f FILE  the configuration (default %s/tcpd.conf)\n"
	    "  -n       check the configuration and exit\n"
	    "  -v       log more\n"
	    "  -V       print the version and exit\n"
	    "  -h       this text\n",
	    SYSCONFDIR);
	exit(to == stdout ? 0 : 2);
}

int
main(int argc, char *argv[])
{
	struct proc_args a = {
	    .conf = SYSCONFDIR "/tcpd.conf", .self = "/proc/self/exe"};
	static const struct option longopts[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'}, {0}};
	enum proc_role role = ROLE_PARENT;
	int c;

	while (
	    (c = getopt_long(argc, argv, "df:hnR:vV", longopts, NULL)) != -1) {
		switch (c) {
		case 'd':
			a.debug = true;
			break;
		case 'f':
			a.conf = optarg;
			break;
		case 'n':
			a.check = true;
			break;
		case 'R':
			role = role_of(optarg);
			if (role == ROLE_PARENT ||
			    fcntl(PROC_FD, F_GETFD) == -1)
				usage(stderr);
			break;
		case 'v':
			a.verbose++;
			break;
		case 'V':
			puts(PACKAGE_STRING);
			return 0;
		case 'h':
			usage(stdout);
		default:
			usage(stderr);
		}
	}
	if (optind < argc)
		usage(stderr);
	log_init(role == ROLE_PARENT ? "" : role_name(role),
	    role == ROLE_PARENT || a.debug ? LOG_DEST_STDERR : LOG_DEST_PARENT,
	    a.verbose > 0 ? LOG_LVL_DEBUG : LOG_LVL_INFO);
	switch (role) {
	case ROLE_FRONTEND:
		return frontend_main(&a);
	case ROLE_ENGINE:
		return engine_main(&a);
	case ROLE_RESOLVER:
		return resolver_main(&a);
	default:
		return parent_main(&a);
	}
}
