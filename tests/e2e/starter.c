/* SPDX-License-Identifier: ISC */
/*
 * Starts programs in each way that the C library has.
 *
 *	starter WAY FILE [ARGUMENT...]	by the name "-odd name"; says how the
 *					child ended, and what the child should
 *					have seen of itself
 *	starter errors FILE...		by all ways; says their errors
 *
 * WAY: execve, execv, ..., posix_spawnp, syscall; with "v" before it in the
 * child of a vfork(), with "-" in a child without standard descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Open in what is started, and not. */
#define KEPT   30
#define CLOSED 31

static char odd[] = "-odd name";
static const char *const ways[] = {"execve", "execv", "execvp", "execvpe",
    "execl", "execle", "execlp", "execveat", "execveat_in", "fexecve",
    "posix_spawn", "posix_spawnp", "syscall", "syscall_at", "through_fd"};
#define WAYS (sizeof ways / sizeof ways[0])

static bool
is(const char *way, const char *name)
{
	return strcmp(way, name) == 0;
}

static int
by_list(const char *way, const char *file, char **a)
{
	if (is(way, "execl"))
		return execl(file, a[0], a[1], a[2], a[3], a[4], (char *)NULL);
	if (is(way, "execlp"))
		return execlp(file, a[0], a[1], a[2], a[3], a[4], (char *)NULL);
	return execle(
	    file, a[0], a[1], a[2], a[3], a[4], (char *)NULL, environ);
}

static int
by_descriptor(const char *way, const char *file, char **argv)
{
	char dir[4096], path[64], *slash;
	int fd;

	if (is(way, "execveat_in")) {
		snprintf(dir, sizeof dir, "%s", file);
		slash = strrchr(dir, '/');
		if (slash == NULL || slash == dir)
			return execve(file, argv, environ);
		*slash = '\0';
		fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return -1;
		return execveat(fd, slash + 1, argv, environ, 0);
	}
	fd = open(file, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (is(way, "through_fd"))
		return execve(path, argv, environ);
	return fexecve(fd, argv, environ);
}

static int
start(const char *way, const char *file, char **argv)
{
	if (is(way, "execve"))
		return execve(file, argv, environ);
	if (is(way, "execv"))
		return execv(file, argv);
	if (is(way, "execvp"))
		return execvp(file, argv);
	if (is(way, "execvpe"))
		return execvpe(file, argv, environ);
	if (is(way, "execveat"))
		return execveat(AT_FDCWD, file, argv, environ, 0);
	if (is(way, "syscall"))
		return (int)syscall(SYS_execve, file, argv, environ);
	if (is(way, "syscall_at"))
		return (int)syscall(
		    SYS_execveat, AT_FDCWD, file, argv, environ, 0);
	if (strncmp(way, "execl", 5) == 0)
		return by_list(way, file, argv);
	return by_descriptor(way, file, argv);
}

/* The child's number, or -1 and errno. */
static pid_t
spawn(const char *way, const char *file, char **argv)
{
	bool shared = way[0] == 'v', closed = way[0] == '-';
	int e, end[2];
	pid_t pid;

	way += shared || closed;
	if (strncmp(way, "posix", 5) == 0) {
		errno =
		    is(way, "posix_spawn")
			? posix_spawn(&pid, file, NULL, NULL, argv, environ)
			: posix_spawnp(&pid, file, NULL, NULL, argv, environ);
		return errno == 0 ? pid : -1;
	}
	if (pipe2(end, O_CLOEXEC) != 0)
		return -1;
	pid = shared ? vfork() : fork();
	if (pid == 0) {
		for (e = 0; closed && e < 3; e++)
			close(e);
		start(way, file, argv);
		e = errno;
		_exit(write(end[1], &e, sizeof e) == sizeof e ? 111 : 112);
	}
	close(end[1]);
	if (read(end[0], &e, sizeof e) == sizeof e) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(end[0]);
	if (pid < 0)
		errno = e;
	return pid;
}

static int
one(const char *way, char **argv)
{
	const char *file = argv[0];
	sigset_t child;
	int status;
	pid_t pid;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signal(SIGUSR1, SIG_IGN);
	if (dup3(STDERR_FILENO, KEPT, 0) < 0 ||
	    dup3(STDERR_FILENO, CLOSED, O_CLOEXEC) < 0)
		return 2;
	argv[0] = odd;
	pid = spawn(way, file, argv);
	if (pid < 0) {
		printf("%s: %s: %m\n", way, file);
		return 1;
	}
	if (waitpid(pid, &status, 0) != pid)
		return 2;
	printf("ended %x\n", (unsigned)status);
	printf("process %d of %d, group %d, session %d\n", pid, getpid(),
	    getpgrp(), getsid(0));
	return 0;
}

/* All that is wrong with the file is what the way says of it, and nothing is
 * said otherwise. */
static int
errors(int n, char **files)
{
	static char long_word[140000];
	char *argv[] = {odd, NULL, NULL, NULL, NULL, NULL};
	unsigned w, shared;
	char way[32];
	pid_t pid;
	int i;

	memset(long_word, 'x', sizeof long_word - 1);
	for (i = 0; i < n; i++) {
		/* More than a word may be. */
		argv[1] = strstr(files[i], "big") != NULL ? long_word : NULL;
		for (w = 0; w < 2 * WAYS; w++) {
			shared = w % 2;
			snprintf(way, sizeof way, "%s%s", shared ? "v" : "",
			    ways[w / 2]);
			pid = spawn(way, files[i], argv);
			if (pid >= 0)
				waitpid(pid, NULL, 0);
			printf("%s %s: %s\n", way, files[i],
			    pid >= 0 ? "started" : strerror(errno));
		}
	}
	return 0;
}

int
main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 && is(argv[1], "errors"))
		return errors(argc - 2, argv + 2);
	return argc > 2 ? one(argv[1], argv + 2) : 2;
}
