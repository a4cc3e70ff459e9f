/* SPDX-License-Identifier: ISC */
/*
 * --no-bypass: what the program would inherit is looked at before the filter
 * (run_filter.c) closes the other ways.  A socket of the kernel's IP, or of any
 * family that the filter refuses, and a ring of io_uring end it here, by
 * number; tcpd-run does not close what somebody meant to pass on.
 *
 * Where there is Landlock with its rules for TCP (Linux 6.7), its domain closes
 * what no filter sees: /proc/PID/mem of processes outside, and bind() and
 * connect() on a socket of TCP that one of them sends by SCM_RIGHTS.  That such
 * a socket can be received, and used if it is connected, remains: who sends it
 * could as well carry the traffic himself.  tcpd-run(1) says so.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "run.h"
#include "sys.h"

static const char *
family_text(int family)
{
	switch (family) {
	case AF_INET:
		return "a socket of the kernel's IPv4";
	case AF_INET6:
		return "a socket of the kernel's IPv6";
	case AF_PACKET:
		return "a packet socket";
	default:
		return "a socket of a family that may carry IP";
	}
}

/* What is wrong with it; NULL: nothing. */
static const char *
forbidden(int fd)
{
	static const char ring[] = "anon_inode:[io_uring]";
	char path[64], link[sizeof ring + 1];
	socklen_t len = sizeof(int);
	int family;
	ssize_t n;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0)
		return filter_harmless(family) ? NULL : family_text(family);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof link);
	return n == sizeof ring - 1 && memcmp(link, ring, sizeof ring - 1) == 0
		   ? "a ring of io_uring"
		   : NULL;
}

/* 0, or an exit status after naming what is there. */
static int
look_at_inherited(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;
	const char *what;
	int fd, status = 0;

	if (d == NULL) {
		warn("--no-bypass: cannot look for inherited sockets: "
		     "/proc/self/fd");
		return EXIT_OURS;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		fd = atoi(e->d_name);
		/* Ours end with the exec. */
		what = fcntl(fd, F_GETFD) & FD_CLOEXEC ? NULL : forbidden(fd);
		if (what == NULL)
			continue;
		warnx("--no-bypass: descriptor %d is %s: it would be "
		      "inherited; close it (%d<&-)",
		    fd, what, fd);
		status = EXIT_NOT_RUN;
	}
	closedir(d);
	return status;
}

/* Later than the C library's headers. */
static const struct {
	uint64_t handled_access_fs, handled_access_net;
} no_tcp = {.handled_access_net = 1 << 0 | 1 << 1}; /* bind, connect */
#define LANDLOCK_TCP 4 /* the version that has them */

/* A process in a domain has no access to one that is not. */
static void
enter_domain(void)
{
	long version =
	    SYS(SYS_landlock_create_ruleset, NULL, 0, 1 /* which */, 0, 0, 0);
	int fd;

	if (version < LANDLOCK_TCP)
		return;
	fd = (int)SYS(
	    SYS_landlock_create_ruleset, &no_tcp, sizeof no_tcp, 0, 0, 0, 0);
	if (fd < 0)
		return;
	if (SYS(SYS_landlock_restrict_self, fd, 0, 0, 0, 0, 0) != 0)
		warnx("--no-bypass: warning: no Landlock domain: this user's "
		      "other processes can be written to through /proc");
	close(fd);
}

int
run_no_bypass(const struct run_options *o)
{
	int status = look_at_inherited(), r;

	if (status != 0)
		return status;
	r = filter_no_bypass(o->trap);
	if (r == 0) {
		enter_domain();
		return 0;
	}
	warnx("--no-bypass: this kernel takes no filter: %s", strerror(-r));
	return EXIT_OURS;
}
