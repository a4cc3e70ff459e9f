/* SPDX-License-Identifier: ISC */
/*
 * What the cases of tests/shim are written in: a line per result, a peer that
 * obeys, sockets in the states that a case begins with.  See cases.c.
 */
#ifndef SHIM_CASES_H
#define SHIM_CASES_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 20

/* Who is meant; the address is the socket's kind's. */
enum host {
	ANY,
	LOOPBACK,
	PEER,
	SUBJECT,
	NOBODY,	 /* on the link */
	FOREIGN, /* not ours, elsewhere */
};

union name {
	struct sockaddr sa;
	struct {
		sa_family_t family;
		in_port_t port;
	};
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

extern int family; /* of all sockets */
extern bool mapped;
/* "4", "6", or "mapped": AF_INET6 that speaks IPv4. */
void choose_kind(const char *kind);
static inline sa_family_t
other_family(void)
{
	return family == AF_INET ? AF_INET6 : AF_INET;
}

/* One case: what a program does, and says of it with say().  It runs in a
 * process of its own with the peer to itself, so cases need nothing of each
 * other and leave nothing behind. */
struct shim_case {
	const char *name;
	void (*run)(void);
	const void *row; /* of a table that run() serves, in case_row */
};
/* The cases of one file.  Another case is another line of its table. */
struct subject {
	const char *name;
	const struct shim_case *cases;
	size_t n;
};
#define CASE(function)                                                         \
	{                                                                      \
#function, function, NULL                                      \
	}
#define SUBJECT(name, table)                                                   \
	{                                                                      \
		name, table, sizeof table / sizeof table[0]                    \
	}
extern const struct subject arguments_cases, connecting_cases, copying_cases,
    corners_cases, interfaces_cases, datagrams_cases, families_cases,
    files_cases, heirs_cases, listening_cases, marks_cases, messages_cases,
    options_cases, polling_cases, ports_cases, rings_cases, sharing_cases,
    signalling_cases, streaming_cases, sweeping_cases, waiting_cases;

extern const void *case_row;
extern const char *case_name, *self, *path;
extern int ctl; /* to the peer */
extern volatile sig_atomic_t signals;

void say(const char *fmt, ...);
void broken(const char *what);
long result(const char *what, long r);
void bounded(int fd);
const char *peer(const char *fmt, ...);
int peer_number(const char *what);
int stream(int flags);
int dial(int fd, enum host host, int port);
int linked(int flags);
int listening(int flags);
const char *bits_text(unsigned b);
unsigned bits(int fd);
void await_quietly(int fd, unsigned want);
void await_bits(const char *what, int fd, unsigned want);
/* Until nothing more is taken. */
void fill(int fd);
int so_error(int fd);
void say_error(const char *what, int fd);
int get_opt(int fd, int level, int name);
int set_opt(int fd, int level, int name, int v);
void say_name(const char *what, int r, const union name *sin, socklen_t len,
    bool with_port);
void say_sockname(const char *what, int fd);
void say_peername(const char *what, int fd);
int name_port(int fd);
socklen_t name_len(void);
union name addr(enum host host, int port);
void say_read(const char *what, int fd);
void on_signal(int sig);
void handle(int sig, int flags);
/* The link's name, to which both sides are. */
const char *device(void);

int peer_main(void);
/* The image that the case executing starts. */
int case_inherited(int fd);

#endif
