/* SPDX-License-Identifier: ISC */
/*
 * tcpd-run --exec: the library (exec.c) has this executed in the place of a
 * file that it is not loaded into.  If the file can be trapped, it is; if not,
 * it is executed as the caller wanted it, with a word on standard error, unless
 * that is a socket: it may be the peer of an inetd's child.
 *
 * Whatever there is in the process is the program's: its arguments, signals,
 * directory, descriptors, open or not.  A daemon need not be there, as for all
 * that is started by a program under the library: only sockets need one.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "elf.h"
#include "run.h"
#include "sys.h"
#include "wire.h"

/* <linux/un.h> and <sys/un.h> do not go together. */
#define SIOCUNIXFILE (SIOCPROTOPRIVATE + 0)

/* What is left in it when the program begins, or ends, goes nowhere. */
static char unsaid[8192];

static void
speak_to_people_only(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) != 0 || S_ISSOCK(st.st_mode))
		setvbuf(stderr, unsaid, _IOFBF, sizeof unsaid);
}

/* Is this process trapped already, by one of ours?  Then what passes for a
 * socket of IP is one of AF_UNIX, and a request that the trap lets by says so.
 */
static bool
is_served(void)
{
	int fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return false;
	r = sys_ioctl(fd, SIOCUNIXFILE, NULL);
	sys_close(fd);
	return r == -EPERM || r == -ENOENT;
}

/* A word of LD_PRELOAD, or more of them, from s on. */
static size_t
word(const char *s)
{
	return strcspn(s, ": ");
}

void
run_drop_library(void)
{
	char *list = getenv("LD_PRELOAD"), *s, *name;
	size_t n;

	if (list == NULL || (list = strdup(list)) == NULL)
		return;
	for (s = list; *s != '\0';) {
		n = word(s);
		name = strstr(s, "libtcpd-preload.so");
		if (name == NULL || name >= s + n) {
			s += n + (s[n] != '\0');
			continue;
		}
		n += s[n] != '\0';
		memmove(s, s + n, strlen(s + n) + 1);
	}
	n = strlen(list);
	if (n > 0 && (list[n - 1] == ':' || list[n - 1] == ' '))
		list[n - 1] = '\0';
	if (*list == '\0')
		unsetenv("LD_PRELOAD");
	else
		setenv("LD_PRELOAD", list, 1);
	free(list);
}

/* 0: trapped, or to be executed as it is; else an exit status. */
static int
serve(const char *file)
{
	struct run_options o = {.exec = true};
	const char *why = NULL, *no = NULL;
	int status;

	if (run_inspect_file(file, &o, false, &why) != 0 || !o.trap)
		return 0;
	no = run_trap_obstacle();
	if (no != NULL) {
		warnx("warning: %s must be trapped (%s), and cannot be: %s; %s",
		    file, why, no, run_unserved());
		return 0;
	}
	status = run_trap(&o);
	if (status == EXIT_OURS)
		warnx("warning: %s: %s", file, run_unserved());
	else if (status == 0)
		run_drop_library();
	return status == EXIT_OURS ? 0 : status;
}

/* A script needs its descriptor, as after fexecve(). */
static void
close_on_exec(const char *file)
{
	struct elf_facts f;
	size_t n = strlen(RUN_FD_DIR);

	if (strncmp(file, RUN_FD_DIR, n) != 0)
		return;
	elf_inspect(AT_FDCWD, file, &f);
	if (f.kind != ELF_SCRIPT)
		fcntl(atoi(file + n), F_SETFD, FD_CLOEXEC);
}

_Noreturn void
run_exec(const char *file, char **words)
{
	char **argv = words + 1;
	int status;

	if (setenv("LD_PRELOAD", words[0], 1) != 0)
		_exit(EXIT_OURS);
	speak_to_people_only();
	wire_setup();
	close_on_exec(file);
	status = is_served() ? 0 : serve(file);
	if (status == 0) {
		/* Not the library's, which may be in here, too. */
		errno = -(int)SYS(SYS_execve, file, argv, environ, 0, 0, 0);
		status = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
		warn("%s", file);
	}
	_exit(status);
}
