/* SPDX-License-Identifier: ISC */
/*
 * What a program finds when it has been started, and whose TCP it has.  Linked
 * statically, it is what the library is not loaded into.
 *
 *	started [OUT [ADDRESS PORT [WHAT]]]
 *
 * Writes to the file OUT (else standard output): its name and arguments, its
 * directory, descriptors, signals, process; and what the server there says to
 * it, which is where it sees the connection come from.  WHAT, "exit" or "die",
 * is how it ends.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
descriptors(FILE *out)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;
	char list[256] = {0};
	int fd;

	while (d != NULL && (e = readdir(d)) != NULL) {
		fd = atoi(e->d_name);
		if (e->d_name[0] != '.' && fd != dirfd(d) &&
		    fd != fileno(out) && fd < (int)sizeof list)
			list[fd] = 1;
	}
	fprintf(out, "descriptors");
	for (fd = 0; fd < (int)sizeof list; fd++)
		if (list[fd])
			fprintf(out, " %d", fd);
	fputc('\n', out);
	if (d != NULL)
		closedir(d);
}

static void
signals(FILE *out)
{
	struct sigaction sa;
	sigset_t blocked, waiting;
	int sig;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sigpending(&waiting);
	fprintf(out, "signals");
	for (sig = 1; sig < 32; sig++) {
		sigaction(sig, NULL, &sa);
		if (sa.sa_handler == SIG_IGN)
			fprintf(out, " ignored:%d", sig);
		if (sigismember(&blocked, sig))
			fprintf(out, " blocked:%d", sig);
		if (sigismember(&waiting, sig))
			fprintf(out, " waits:%d", sig);
	}
	fputc('\n', out);
}

static void
peer_says(FILE *out, const char *address, const char *port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	int six = strchr(address, ':') != NULL, fd;
	char text[128];
	ssize_t n = 0;

	sin.sin_port = sin6.sin6_port = htons((in_port_t)atoi(port));
	inet_pton(AF_INET, address, &sin.sin_addr);
	inet_pton(AF_INET6, address, &sin6.sin6_addr);
	fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, six ? (struct sockaddr *)&sin6 : (void *)&sin,
			  six ? sizeof sin6 : sizeof sin) != 0) {
		fprintf(out, "peer: %m\n");
		return;
	}
	n = read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	fprintf(out, "peer: %s\n", text);
	close(fd);
}

int
main(int argc, char **argv)
{
	FILE *out = argc > 1 ? fopen(argv[1], "ae") : stdout;
	const char *variable = getenv("STARTED");
	char dir[4096];

	if (out == NULL)
		return 2;
	fprintf(out, "name %s, %d arguments, variable %s\n", argv[0], argc,
	    variable != NULL ? variable : "none");
	fprintf(out, "directory %s\n", getcwd(dir, sizeof dir));
	descriptors(out);
	signals(out);
	fprintf(out, "process %d of %d, group %d, session %d\n", getpid(),
	    getppid(), getpgrp(), getsid(0));
	if (argc > 3)
		peer_says(out, argv[2], argv[3]);
	fclose(out);
	if (argc > 4 && strcmp(argv[4], "die") == 0)
		raise(SIGTERM);
	return argc > 4 ? 7 : 0;
}
