/* SPDX-License-Identifier: ISC */
/*
 * The start of a trapped program.
 *
 *	tcpd-run ---- becomes the program, and keeps its process number
 *	   :
 *	trap -------- nobody's child (that the program could wait for), in a
 *		      session of its own
 *
 * tcpd-run forks the trap, takes the filter, hands the descriptor of the
 * notifications over and executes the program when the trap says that it is
 * ready.  The trap has nothing of the program's: no descriptor, directory,
 * terminal or signal; it is not dumpable, so that what it looks after cannot
 * reach into it.
 *
 * To read another process's memory and take its descriptors the kernel wants
 * what it wants of a debugger.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "run.h"
#include "sys.h"
#include "trap.h"
#include "wire.h"

static int
yama(void)
{
	FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%d", &scope) != 1)
		scope = 0;
	fclose(f);
	return scope;
}

const char *
run_trap_obstacle(void)
{
	int scope = yama();

	if (!filter_can_trap())
		return "the kernel cannot, or must not here, hand system calls "
		       "to another process (Linux 5.19 and seccomp are needed)";
	/* EBADF, else. */
	if (SYS(SYS_pidfd_getfd, -1, 0, 0, 0, 0, 0) == -EPERM)
		return "--no-bypass, or another filter, keeps processes apart "
		       "here: give --trap beside --no-bypass";
	if (scope >= 3 || (scope > 0 && geteuid() != 0))
		return "sysctl kernel.yama.ptrace_scope keeps processes of one "
		       "user apart: set it to 0, or run as root";
	return NULL;
}

/* ---- the trap's side ---- */

/* Another directory does not change where the daemon is. */
static void
fix_path(void)
{
	char path[PATH_MAX];

	if (realpath(wire_path(), path) != NULL)
		wire_set_path(path);
}

static void
leave_everything(int keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd, sig;
	struct rlimit lim;
	unsigned upto = (unsigned)keep;

	for (sig = 1; sig < NSIG; sig++)
		if (sig != SIGCHLD)
			signal(sig, SIG_IGN);
	for (fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	SYS(SYS_close_range, upto + 1, ~0U, 0, 0, 0, 0);
	if (upto > STDERR_FILENO + 1)
		SYS(SYS_close_range, STDERR_FILENO + 1, upto - 1, 0, 0, 0, 0);
	setsid();
	if (chdir("/") != 0)
		_exit(EXIT_OURS);
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NAME, "tcpd-trap", 0, 0, 0);
}

/* Where the descriptor of the notifications is: sendmsg(), which could pass it,
 * raises one itself. */
struct place {
	pid_t pid;
	int fd;
};

static int
fetch_fd(int from)
{
	struct place at;
	int pidfd, fd;

	if (read(from, &at, sizeof at) != (ssize_t)sizeof at)
		return -1;
	pidfd = (int)SYS(SYS_pidfd_open, at.pid, 0, 0, 0, 0, 0);
	if (pidfd < 0)
		return -1;
	fd = (int)SYS(SYS_pidfd_getfd, pidfd, at.fd, 0, 0, 0, 0);
	close(pidfd);
	return fd;
}

static _Noreturn void
trap_side(int sock, bool no_bypass)
{
	int listener;

	fix_path();
	leave_everything(sock);
	listener = fetch_fd(sock);
	if (listener < 0)
		_exit(EXIT_OURS);
	trap_loop(listener, no_bypass, sock);
}

/* ---- the program's side ---- */

/* In two steps, so that it is nobody's child here. */
static bool
start_trap(int sv[2], bool no_bypass)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		close(sv[0]);
		pid = fork();
		if (pid == 0)
			trap_side(sv[1], no_bypass);
		_exit(pid < 0 ? EXIT_OURS : 0);
	}
	close(sv[1]);
	if (pid < 0)
		return false;
	/* ECHILD: our caller has us ignore children. */
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno == ECHILD;
	return status == 0;
}

/* A program that blocks SIGCHLD shall not find that of our child waiting. */
static bool
start_trap_unnoticed(int sv[2], bool no_bypass)
{
	const struct timespec now = {0};
	sigset_t child, mask, waiting;
	bool ok;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigpending(&waiting);
	sigprocmask(SIG_BLOCK, &child, &mask);
	ok = start_trap(sv, no_bypass);
	if (!sigismember(&waiting, SIGCHLD))
		sigtimedwait(&child, NULL, &now);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return ok;
}

/* The trap puts /dev/null where a program has its first three. */
static bool
above_stdio(int *fd)
{
	int high = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	close(*fd);
	*fd = high;
	return high >= 0;
}

int
run_trap(const struct run_options *o)
{
	int sv[2], listener, status;
	struct place at;
	bool ok;
	char byte;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0 ||
	    !above_stdio(&sv[1])) {
		warn("--trap");
		return EXIT_OURS;
	}
	if (!start_trap_unnoticed(sv, o->no_bypass)) {
		warn("--trap: a process");
		return EXIT_OURS;
	}
	/* Not before: the trap does what this forbids. */
	status = o->no_bypass ? run_no_bypass(o) : 0;
	if (status != 0)
		return status;
	listener = filter_trap();
	if (listener < 0) {
		warnx("--trap: %s",
		    listener == -EBUSY
			? "this process is trapped already, by tcpd-run or "
			  "another program"
			: strerror(-listener));
		return EXIT_OURS;
	}
	/* Under another tcpd-run the C library's calls are the shim's, which
	 * asks what a descriptor is: a trapped call, that nobody answers yet.
	 */
	at = (struct place){getpid(), listener};
	ok =
	    SYS(SYS_write, sv[0], &at, sizeof at, 0, 0, 0) == (long)sizeof at &&
	    SYS(SYS_read, sv[0], &byte, 1, 0, 0, 0) == 1;
	sys_close(listener);
	sys_close(sv[0]);
	if (!ok)
		warnx("--trap: the process beside the program did not start");
	return ok ? 0 : EXIT_NOT_RUN;
}
