/* SPDX-License-Identifier: ISC */
/*
 * tcpd-run --sandbox: a process tree whose only way out is tcpd.
 *
 *	tcpd-run ------ outside; ends as the program does
 *	   |  notes
 *	guard --------- inside; answers name queries, reaps, clears up
 *	   |
 *	program ------- inside, and all that it starts
 *
 * "Inside" is a user, a mount and a network namespace of their own.  The
 * network namespace has lo and nothing else; sockets of AF_UNIX that have a
 * path, and so the daemon's, do not care.  There is no PID namespace: process
 * numbers, in pid files as well, stay true outside.  That a kill -9 leaves
 * nothing is the guard's doing, which every orphan falls to: when tcpd-run ends
 * without having been told of the program's end, the guard kills all that it
 * has, and the other way round.  A daemon that the program leaves behind keeps
 * its guard.
 *
 * A terminal's signals reach all three and mean the program: both others block
 * everything.  What was sent to tcpd-run alone is passed on.  When the program
 * stops so does tcpd-run, for its shell.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "run_sandbox.h"

enum note_kind {
	NOTE_UNSHARED = 1, /* guard: the user namespace is there */
	NOTE_MAPPED,	   /* tcpd-run: so are its users */
	NOTE_STARTED,	   /* guard: the program is its own process */
	NOTE_STOPPED,	   /* guard */
	NOTE_ENDED,	   /* guard; value: wait status */
	NOTE_SIGNAL,	   /* tcpd-run; value: for the program */
};

struct note {
	int32_t kind, value;
};

static bool
tell(int fd, enum note_kind kind, int value)
{
	struct note n = {kind, value};

	return send(fd, &n, sizeof n, MSG_NOSIGNAL) == sizeof n;
}

/* false: the other one is gone. */
static bool
hear(int fd, struct note *n)
{
	ssize_t r;

	do
		r = recv(fd, n, sizeof *n, 0);
	while (r < 0 && errno == EINTR);
	return r == sizeof *n;
}

/* Whoever waits for the end of what the program has open must not wait for us,
 * nor who wants to unmount where we are.  What was open when tcpd-run began has
 * survived an exec; our own would not. */
static void
let_go(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd;
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		fd = atoi(e->d_name);
		if (fd > STDERR_FILENO && fcntl(fd, F_GETFD) == 0)
			close(fd);
	}
	if (d != NULL)
		closedir(d);
	for (fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	if (chdir("/") != 0)
		return;
}

/* Kills all children and what falls to us then, until there is none. */
static void
kill_tree(void)
{
	char path[64];
	FILE *f;
	int pid;

	snprintf(
	    path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	for (;;) {
		f = fopen(path, "re");
		while (f != NULL && fscanf(f, "%d", &pid) == 1)
			kill(pid, SIGKILL);
		if (f != NULL)
			fclose(f);
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return;
	}
}

static int
signals(void)
{
	sigset_t all;

	sigfillset(&all);
	return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- the guard ---- */

struct guard {
	int parent; /* -1: gone, and need not know more */
	int sigs;
	pid_t program; /* 0: it has ended */
	bool told;     /* its end */
};

/* What happened to children.  false: there is none left. */
static bool
reap(struct guard *g)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != g->program)
			continue;
		if (WIFSTOPPED(status)) {
			tell(g->parent, NOTE_STOPPED, WSTOPSIG(status));
			continue;
		}
		g->program = 0;
		g->told = tell(g->parent, NOTE_ENDED, status);
	}
	return pid == 0;
}

/* false: tcpd-run was killed. */
static bool
listen_to_parent(struct guard *g)
{
	struct note n;

	if (hear(g->parent, &n)) {
		if (n.kind == NOTE_SIGNAL && g->program != 0)
			kill(g->program, n.value);
		return true;
	}
	close(g->parent);
	g->parent = -1;
	return g->told;
}

static _Noreturn void
guard(struct guard *g)
{
	struct pollfd p[2 + DNS_POLLS];
	struct signalfd_siginfo si;
	int timeout_ms;
	unsigned n;

	for (;;) {
		p[0] = (struct pollfd){.fd = g->sigs, .events = POLLIN};
		p[1] = (struct pollfd){.fd = g->parent, .events = POLLIN};
		n = dns_polls(p + 2, &timeout_ms);
		if (poll(p, 2 + n, timeout_ms) < 0)
			continue;
		if (p[1].revents != 0 && !listen_to_parent(g))
			break;
		while (read(g->sigs, &si, sizeof si) > 0)
			;
		if (!reap(g))
			_exit(0);
		dns_serve(p + 2, n);
	}
	kill_tree();
	_exit(0);
}

/* Makes the sandbox and a process in it: returns there. */
static void
inside(int parent, const sigset_t *mask, struct sandbox_families f, int failed)
{
	struct guard g = {.parent = parent};
	struct note n;
	pid_t self;

	if (unshare(CLONE_NEWUSER) != 0) {
		sandbox_explain("a user namespace", errno);
		_exit(failed);
	}
	if (!tell(parent, NOTE_UNSHARED, 0) || !hear(parent, &n) ||
	    n.kind != NOTE_MAPPED || !sandbox_furnish(f))
		_exit(failed);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	prctl(PR_SET_NAME, "tcpd-sandbox", 0, 0, 0);
	g.sigs = signals();
	self = getpid();
	g.program = g.sigs < 0 ? -1 : fork();
	if (g.program < 0) {
		sandbox_explain("a process", errno);
		_exit(failed);
	}
	if (g.program == 0) {
		prctl(PR_SET_NAME, "tcpd-run", 0, 0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (getppid() != self)
			_exit(failed);
		sigprocmask(SIG_SETMASK, mask, NULL);
		return;
	}
	tell(parent, NOTE_STARTED, 0);
	let_go();
	guard(&g);
}

/* ---- tcpd-run ---- */

/* Ends as the program did. */
static _Noreturn void
end_as(int status)
{
	const struct rlimit none = {0, 0};
	sigset_t one;
	int sig;

	if (!WIFSIGNALED(status))
		_exit(WEXITSTATUS(status));
	sig = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &none); /* the program has dumped its own */
	signal(sig, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, sig);
	kill(getpid(), sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	_exit(128 + sig);
}

/* The terminal's have reached the program as well, unless it was not there yet.
 */
static void
pass_signals_on(int sigs, int to, bool terminal_too)
{
	struct signalfd_siginfo si;

	while (read(sigs, &si, sizeof si) == sizeof si)
		if (si.ssi_signo != SIGCHLD &&
		    (terminal_too || si.ssi_code != SI_KERNEL))
			tell(to, NOTE_SIGNAL, (int)si.ssi_signo);
}

/* The guard has ended: that was a mistake of the beginning's, which it told, or
 * somebody has killed it. */
static _Noreturn void
unguarded(pid_t pid, bool started)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (started)
		kill_tree();
	end_as(status);
}

static _Noreturn void
keep(pid_t pid, int guard_fd, int failed)
{
	struct pollfd p[2] = {
	    {.fd = guard_fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	bool started = false;
	struct note n;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (started)
			pass_signals_on(p[1].fd, guard_fd, false);
		if (p[0].revents == 0)
			continue;
		if (!hear(guard_fd, &n))
			unguarded(pid, started);
		switch (n.kind) {
		case NOTE_UNSHARED:
			if (!sandbox_map_users(pid))
				_exit(failed);
			tell(guard_fd, NOTE_MAPPED, 0);
			break;
		case NOTE_STARTED:
			started = true;
			p[1].fd = signals();
			pass_signals_on(p[1].fd, guard_fd, true);
			let_go();
			break;
		case NOTE_STOPPED:
			kill(getpid(), SIGSTOP);
			break;
		case NOTE_ENDED:
			end_as(n.value);
		}
	}
}

void
run_sandbox(struct sandbox_families f, int failed)
{
	sigset_t all, mask;
	int sv[2];
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0)
		err(failed, "--sandbox: a pair of sockets");
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid = fork();
	if (pid < 0)
		err(failed, "--sandbox: a process");
	if (pid > 0) {
		close(sv[1]);
		keep(pid, sv[0], failed);
	}
	close(sv[0]);
	inside(sv[1], &mask, f, failed);
}
