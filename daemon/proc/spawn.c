/* SPDX-License-Identifier: ISC */
/*
 * fork and exec of ourselves: see spawn.h.
 *
 * The exec gives each child its own address layout and leaves nothing of the
 * parent's memory (the configuration file, other users' names) in it.  Between
 * fork and exec only what is safe there is called.  The environment shrinks to
 * what the sanitizers' runtimes and the C library's diagnosis read.
 */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/spawn.h"

static const char *const names[] = {
    [ROLE_PARENT] = "parent",
    [ROLE_FRONTEND] = "frontend",
    [ROLE_ENGINE] = "engine",
    [ROLE_RESOLVER] = "resolver",
};

const char *
role_name(enum proc_role role)
{
	return names[role];
}

enum proc_role
role_of(const char *name)
{
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum proc_role)i;
	return ROLE_PARENT;
}

/* The variables that are passed on. */
static char **
child_environment(char *env[8])
{
	static const char *const keep[] = {"ASAN_OPTIONS=", "UBSAN_OPTIONS=",
	    "LSAN_OPTIONS=", "TZ=", "GCOV_PREFIX=", "MALLOC_PERTURB_="};
	unsigned n = 0;

	for (char **e = environ; *e != NULL && n < 7; e++)
		for (unsigned i = 0; i < sizeof keep / sizeof keep[0]; i++)
			if (strncmp(*e, keep[i], strlen(keep[i])) == 0 && n < 7)
				env[n++] = *e;
	env[n] = NULL;
	return env;
}

/* In the child: descriptors 0..3 as promised, then exec. */
static _Noreturn void
become(const struct proc_args *a, char *const argv[], char *const envp[],
    int channel, int log)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	if (null != -1) {
		dup2(null, STDIN_FILENO);
		if (!a->debug)
			dup2(null, STDOUT_FILENO);
	}
	if (log != -1)
		dup2(log, STDERR_FILENO);
	if (channel == PROC_FD)
		fcntl(channel, F_SETFD, 0);
	else if (dup2(channel, PROC_FD) == -1)
		_exit(127);
	closefrom(PROC_FD + 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(a->self, argv, envp);
	_exit(127);
}

int
spawn(enum proc_role role, const struct proc_args *a, struct spawned *out)
{
	char verbose[16], *env[8];
	const char *argv[] = {"tcpd", "-R", names[role], NULL, NULL, NULL};
	int sv[2], p[2] = {-1, -1}, n = 3, err = 0;
	pid_t pid;

	if (a->debug)
		argv[n++] = "-d";
	if (a->verbose > 0) {
		snprintf(
		    verbose, sizeof verbose, "-%.*s", (int)a->verbose, "vvvv");
		argv[n++] = verbose;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		return -errno;
	if (!a->debug && pipe2(p, O_CLOEXEC | O_NONBLOCK) == -1) {
		err = -errno;
		goto fail;
	}
	child_environment(env);
	if ((pid = fork()) == -1) {
		err = -errno;
		goto fail;
	}
	if (pid == 0)
		become(a, (char *const *)argv, env, sv[1], p[1]);
	close(sv[1]);
	if (p[1] != -1)
		close(p[1]);
	*out = (struct spawned){.pid = pid, .channel = sv[0], .log = p[0]};
	return 0;
fail:
	close(sv[0]);
	close(sv[1]);
	if (p[0] != -1) {
		close(p[0]);
		close(p[1]);
	}
	return err;
}
